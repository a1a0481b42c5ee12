/*
 * imap/cached.c - values of one kind for messages that are visited in order.
 */
#include "imap/cached.h"

#include "base/str.h"
#include <stdlib.h>

enum {
	GOT_MAX = 1 << 20, /* octets got at once, but for a single value */
	VALUE_MAX = 1 << 20,
	FRESH_MAX = 1 << 17, /* octets that wait to be put */
};

static void
values_init(struct imap_cached_values *vs)
{
	*vs = (struct imap_cached_values){ 0 };
	buf_init(&vs->text, GOT_MAX + VALUE_MAX);
}

static void
values_fini(struct imap_cached_values *vs)
{
	free(vs->v);
	vs->v = NULL;
	vs->n = vs->cap = 0;
	buf_fini(&vs->text);
}

static void
values_clear(struct imap_cached_values *vs)
{
	vs->n = 0;
	buf_clear(&vs->text);
}

static void
values_add(struct imap_cached_values *vs, uint32_t uid, struct pst_str value)
{
	size_t at = vs->text.n;

	if (value.n > VALUE_MAX || !buf_add_str(&vs->text, value))
		return;
	mem_grow(&vs->v, &vs->cap, vs->n + 1, sizeof(*vs->v));
	vs->v[vs->n++] = (struct imap_cached_value){ uid, at, value.n };
}

void
imap_cached_init(struct imap_cached *c, struct mailbox_view *view,
    enum mail_cache kind, size_t ahead)
{
	memset(c, 0, sizeof(*c));
	c->view = view;
	c->kind = kind;
	c->ahead = ahead;
	values_init(&c->got);
	values_init(&c->fresh);
}

void
imap_cached_fini(struct imap_cached *c)
{
	values_fini(&c->got);
	values_fini(&c->fresh);
	c->first = c->last = 0;
}

/* --- got ------------------------------------------------------------------ */

static void
on_value(void *arg, const struct pst_cached *value)
{
	struct imap_cached *c = arg;

	if (c->is_cut)
		return;
	if (c->got.n > 0 && c->got.text.n + value->value.n > GOT_MAX) {
		c->is_cut = true;
		c->last = value->uid - 1;
		return;
	}
	values_add(&c->got, value->uid, value->value);
}

/* Whoever wanted most of the last ones gets more at once. */
static size_t
look_ahead(const struct imap_cached *c)
{
	size_t n = c->ahead;

	if (c->first != 0)
		n = c->used * 2 > n ? n * 2 : n / 4;
	if (n > IMAP_CACHED_AHEAD)
		n = IMAP_CACHED_AHEAD;
	return n < 4 ? 4 : n;
}

static void
get(struct imap_cached *c, const struct pst_row *rows, size_t n, size_t i,
    bool backwards)
{
	uint32_t uids[IMAP_CACHED_AHEAD];
	size_t from = i, to = n, count = 0;

	c->ahead = look_ahead(c);
	if (backwards) {
		from = i + 1 > c->ahead ? i + 1 - c->ahead : 0;
		to = i + 1;
	} else if (to - from > c->ahead) {
		to = from + c->ahead;
	}
	for (; from < to; from++)
		if (rows[from].uid != 0)
			uids[count++] = rows[from].uid;
	values_clear(&c->got);
	c->first = uids[0];
	c->last = uids[count - 1];
	c->is_cut = false;
	c->used = c->hint = 0;
	view_cache_get(c->view, c->kind, uids, count, on_value, c);
	c->ahead = count;
}

bool
imap_cached_find(struct imap_cached *c, const struct pst_row *rows, size_t n,
    size_t i, bool backwards, struct pst_str *value_r)
{
	const struct imap_cached_values *got = &c->got;
	uint32_t uid = rows[i].uid;
	size_t low = 0, high;

	if (c->first == 0 || uid < c->first || uid > c->last)
		get(c, rows, n, i, backwards);
	c->used++;
	high = got->n;
	if (c->hint < got->n && got->v[c->hint].uid == uid)
		low = high = c->hint;
	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (got->v[mid].uid < uid)
			low = mid + 1;
		else
			high = mid;
	}
	if (low >= got->n || got->v[low].uid != uid)
		return false;
	c->hint = low + 1;
	*value_r = str_n(got->text.p + got->v[low].at, got->v[low].n);
	return true;
}

/* --- fresh ---------------------------------------------------------------- */

void
imap_cached_add(struct imap_cached *c, uint32_t uid, struct pst_str value)
{
	if (!view_has_cache(c->view))
		return;
	values_add(&c->fresh, uid, value);
	if (c->fresh.text.n >= FRESH_MAX || c->fresh.n >= IMAP_CACHED_AHEAD)
		imap_cached_flush(c);
}

void
imap_cached_flush(struct imap_cached *c)
{
	struct pst_cached values[IMAP_CACHED_AHEAD];
	const struct imap_cached_values *fresh = &c->fresh;

	if (fresh->n == 0)
		return;
	for (size_t i = 0; i < fresh->n; i++)
		values[i] = (struct pst_cached){ fresh->v[i].uid,
			str_n(fresh->text.p + fresh->v[i].at, fresh->v[i].n) };
	view_cache_put(c->view, c->kind, values, fresh->n);
	values_clear(&c->fresh);
	/* What was got does not know of them. */
	c->first = c->last = 0;
}
