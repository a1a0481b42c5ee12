/*
 * mailbox/catalog.c - see catalog.h.
 */
#include "mailbox/catalog_priv.h"

#include "base/str.h"

#include <stdlib.h>

enum { ROWS = 1024 };

uint32_t
catalog_box_hash(const char *id)
{
	return (uint32_t)catalog_hash(str_of(id));
}

/* --- mailboxes -------------------------------------------------------------
 */

void
catalog_free_box(struct catalog_box *box)
{
	view_close(&box->view);
	free(box->name);
	free(box->special_use);
	free(box->entry);
	free(box->tally);
	free(box);
}

static void
note_gone(
    struct catalog *c, const struct catalog_box *box, size_t i, uint32_t uid)
{
	const struct catalog_entry *e = &box->entry[i];
	struct catalog_gone *g;

	if (c->gone == NULL)
		c->gone = mem_array(CATALOG_GONE, sizeof(*c->gone));
	g = &c->gone[c->gone_n++ % CATALOG_GONE];
	(void)str_copy(g->id, sizeof(g->id), str_of(e->id));
	g->thread = e->thread;
	g->box = box->hash;
	g->uid = uid;
	g->modseq = UINT64_MAX;
}

/* Other places of a message, anywhere and in this mailbox. The same key is the
 * same message, as good as always. */
static void
note_copies(struct catalog *c, size_t number, const char *id, int by)
{
	uint64_t key = catalog_key(id);

	if (multimap_first(&c->ids, key) == 0)
		return;
	c->copies += (size_t)by;
	if (multimap_has_box(&c->ids, key, (uint32_t)number))
		c->box[number]->doubles += (size_t)by;
}

static void
index_entry(struct catalog *c, size_t number, size_t i)
{
	struct catalog_box *box = c->box[number];
	uint32_t uid = view_uid(box->view, (uint32_t)(i + 1));
	struct catalog_entry *e = &box->entry[i];

	if (e->id[0] == '\0')
		return;
	note_copies(c, number, e->id, 1);
	e->id_row = multimap_add(
	    &c->ids, catalog_key(e->id), (uint32_t)number, uid);
	e->thread_row = multimap_add(
	    &c->threads, e->thread, (uint32_t)number, uid);
}

static void
unindex_entry(struct catalog *c, size_t number, size_t i)
{
	struct catalog_entry *e = &c->box[number]->entry[i];

	if (e->id[0] == '\0')
		return;
	multimap_remove(&c->ids, e->id_row);
	multimap_remove(&c->threads, e->thread_row);
	note_copies(c, number, e->id, -1);
}

/* --- what happened in one --------------------------------------------------
 */

/* Entries of messages that went are closed up in one go: those in front of
 * `from` that stay lie in front of `to`. */
struct taking {
	struct catalog *c;
	struct catalog_box *box;
	size_t number;
	size_t from, to, gone;
};

static void
close_up(struct taking *t, size_t end)
{
	struct catalog_box *box = t->box;

	if (t->from != t->to)
		memmove(box->entry + t->to, box->entry + t->from,
		    (end - t->from) * sizeof(*box->entry));
	t->to += end - t->from;
	t->from = end;
}

/* Ascending, each number is that after those in front went. */
static void
on_expunged(void *arg, uint32_t seq, uint32_t uid)
{
	struct taking *t = arg;
	size_t at = seq - 1 + t->gone;

	if (seq == 0 || at < t->from || at >= t->box->n)
		return;
	unindex_entry(t->c, t->number, at);
	note_gone(t->c, t->box, at, uid);
	catalog_count_gone(t->c, t->box, at);
	close_up(t, at);
	t->from = at + 1;
	t->gone++;
}

static void
end_expunges(struct taking *t)
{
	if (t->gone == 0)
		return;
	close_up(t, t->box->n);
	t->box->n = t->to;
	t->gone = 0;
}

static void
on_changed(void *arg, uint32_t seq, const struct pst_row *row)
{
	struct taking *t = arg;

	end_expunges(t);
	if (seq > 0 && seq <= t->box->n)
		catalog_count_row(t->c, t->box, seq - 1, row);
}

static void
count_new(struct catalog *c, struct catalog_box *box, size_t from)
{
	struct pst_row *rows = mem_array(ROWS, sizeof(*rows));

	while (from < box->n) {
		size_t n = box->n - from < ROWS ? box->n - from : ROWS;

		view_rows(box->view, (uint32_t)(from + 1), n, rows);
		for (size_t i = 0; i < n; i++)
			catalog_count_row(c, box, from + i, &rows[i]);
		from += n;
	}
	free(rows);
}

/* The messages behind those that are known. */
static void
take_new(struct catalog *c, size_t number)
{
	struct catalog_box *box = c->box[number];
	size_t from = box->n, n = view_count(box->view);

	if (n <= from)
		return;
	mem_grow(&box->entry, &box->cap, n, sizeof(*box->entry));
	memset(box->entry + from, 0, (n - from) * sizeof(*box->entry));
	box->n = n;
	catalog_read_entries(box, from);
	for (size_t i = from; i < n; i++)
		index_entry(c, number, i);
	count_new(c, box, from);
	box->uidnext = view_uid(box->view, (uint32_t)n) + 1;
}

static enum pst_rc
take_box(struct catalog *c, size_t number, struct pst_error *err)
{
	struct taking t = { .c = c, .box = c->box[number], .number = number };
	const struct view_events events = {
		.arg = &t, .expunged = on_expunged, .changed = on_changed
	};
	uint64_t before = t.box->arranged;
	size_t gone = c->gone_n;
	enum pst_rc rc;

	if (!view_is_behind(t.box->view) && view_count(t.box->view) == t.box->n)
		return PST_OK;
	rc = view_sync(t.box->view, true, &events, err);
	end_expunges(&t);
	if (t.box->arranged != before)
		t.box->left = t.box->arranged;
	for (; gone < c->gone_n; gone++)
		c->gone[gone % CATALOG_GONE].modseq = view_modseq(t.box->view);
	take_new(c, number);
	return rc;
}

/* --- which there are -------------------------------------------------------
 */

struct listing {
	struct catalog *c;
	struct buf names; /* name NUL use NUL subscribed, of those to be opened
			   */
};

static void
set_text(char **to, const char *text)
{
	free(*to);
	*to = str_dup(str_of(text));
}

static void
list_one(void *arg, const struct pst_mailbox *row)
{
	struct listing *l = arg;
	struct catalog_box *box;

	if (!row->exists)
		return;
	box = catalog_find_name(l->c, row->name);
	if (box != NULL && !view_is_dead(box->view)) {
		box->is_listed = true;
		if (box->is_subscribed != row->subscribed ||
		    strcmp(box->special_use, row->special_use) != 0) {
			box->is_subscribed = row->subscribed;
			set_text(&box->special_use, row->special_use);
		}
		return;
	}
	(void)buf_printf(&l->names, "%s%c%s%c%c", row->name, 0,
	    row->special_use, 0, row->subscribed ? '1' : '0');
}

/* It has another name now: what it has is not gone. */
static void
take_back(struct catalog *c, const struct catalog_box *box)
{
	size_t from = c->gone_n > CATALOG_GONE ? c->gone_n - CATALOG_GONE : 0;

	for (size_t i = from; i < c->gone_n; i++) {
		struct catalog_gone *g = &c->gone[i % CATALOG_GONE];

		if (g->box != box->hash || g->modseq != UINT64_MAX)
			continue;
		if (view_seq(box->view, g->uid) != 0)
			g->id[0] = '\0';
		g->modseq = view_modseq(box->view);
	}
}

static enum pst_rc
add_box(struct catalog *c, const char *name, const char *use,
    bool is_subscribed, struct pst_error *err)
{
	struct catalog_box *box = mem_alloc(sizeof(*box));
	struct pst_box_state state;
	enum pst_rc rc = view_open(c->acct, name, true, NULL, &box->view, err);

	if (rc != PST_OK) {
		free(box);
		/* It went while we looked. */
		return rc == PST_E_NOTFOUND ? PST_OK : rc;
	}
	view_allow_changes(box->view);
	view_state(box->view, &state);
	(void)str_copy(box->id, sizeof(box->id), str_of(state.objectid));
	box->hash = catalog_box_hash(box->id);
	box->arranged = ++c->arranged;
	box->name = str_dup(str_of(name));
	box->special_use = str_dup(str_of(use));
	box->is_subscribed = is_subscribed;
	box->is_listed = true;
	mem_grow(&c->box, &c->cap, c->boxes + 1, sizeof(struct catalog_box *));
	c->box[c->boxes++] = box;
	take_new(c, c->boxes - 1);
	take_back(c, box);
	return PST_OK;
}

/* Numbers of mailboxes are in the maps, so these are made anew. */
static void
reindex(struct catalog *c)
{
	multimap_fini(&c->ids);
	multimap_fini(&c->threads);
	c->copies = 0;
	for (size_t k = 0; k < c->boxes; k++) {
		c->box[k]->doubles = 0;
		for (size_t i = 0; i < c->box[k]->n; i++)
			index_entry(c, k, i);
	}
}

/* Those that are not listed any more. */
static void
drop_boxes(struct catalog *c)
{
	size_t keep = 0;

	for (size_t k = 0; k < c->boxes; k++) {
		struct catalog_box *box = c->box[k];

		if (box->is_listed) {
			c->box[keep++] = box;
			continue;
		}
		for (size_t i = 0; i < box->n; i++)
			note_gone(
			    c, box, i, view_uid(box->view, (uint32_t)(i + 1)));
		(void)str_copy(
		    c->gone_box[c->gone_boxes++ % CATALOG_GONE_BOXES],
		    sizeof(c->gone_box[0]), str_of(box->id));
		catalog_free_box(box);
	}
	if (keep == c->boxes)
		return;
	c->boxes = keep;
	c->arranged++;
	reindex(c);
}

static enum pst_rc
open_listed(struct catalog *c, struct pst_str rest, struct pst_error *err)
{
	enum pst_rc rc = PST_OK;

	while (rest.n > 0 && rc == PST_OK) {
		const char *name = rest.p, *use;
		bool is_subscribed;

		rest = str_from(rest, strlen(name) + 1);
		use = rest.p;
		rest = str_from(rest, strlen(use) + 1);
		is_subscribed = rest.p[0] == '1';
		rest = str_from(rest, 1);
		rc = add_box(c, name, use, is_subscribed, err);
	}
	return rc;
}

static enum pst_rc
list_boxes(struct catalog *c, struct pst_error *err)
{
	struct listing l = { .c = c };
	enum pst_rc rc;

	buf_init(&l.names, (size_t)64 << 20);
	for (size_t k = 0; k < c->boxes; k++)
		c->box[k]->is_listed = false;
	rc = mailbox_each(c->acct, list_one, &l, err);
	if (rc == PST_OK) {
		drop_boxes(c);
		rc = open_listed(c, buf_str(&l.names), err);
	}
	c->is_listed = rc == PST_OK;
	buf_fini(&l.names);
	return rc;
}

/* --- being up to date ------------------------------------------------------
 */

/* Something happened to names, or to a mailbox that is not open here. */
static void
take_news(struct catalog *c)
{
	struct watch_news news;

	if (watch_is_overflown(c->watch))
		c->is_listed = false;
	while (watch_take(c->watch, &news)) {
		if ((news.kinds & ~(unsigned)WATCH_MESSAGES) != 0)
			c->is_listed = false;
		watch_news_fini(&news);
	}
}

enum pst_rc
catalog_sync(struct catalog *c, struct pst_error *err)
{
	enum pst_rc rc = PST_OK;

	take_news(c);
	for (size_t k = 0; k < c->boxes && c->is_listed; k++)
		if (view_is_dead(c->box[k]->view))
			c->is_listed = false;
	if (!c->is_listed)
		rc = list_boxes(c, err);
	for (size_t k = 0; k < c->boxes && rc == PST_OK; k++)
		rc = take_box(c, k, err);
	return rc;
}

uint64_t
catalog_arranged(const struct catalog *c)
{
	return c->arranged;
}

void **
catalog_kept(struct catalog *c, void (*fini)(void *kept))
{
	c->kept_fini = fini;
	return &c->kept;
}
