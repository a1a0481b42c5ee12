/*
 * mailbox/catalog_state.c - states: of each mailbox a hash of its id, the
 * modseq up to which it is known, and the uid that was next then.
 */
#include "mailbox/catalog_priv.h"

#include "base/codec.h"
#include "base/str.h"

#include <stdlib.h>

enum {
	STATE_MAX = 1 << 20, /* octets of a state's text */
	BOXES_MAX = 100000,
};

struct known_box {
	uint32_t hash, uidnext;
	uint64_t modseq;
};

/* --- as a text -------------------------------------------------------------
 */

static void
put_known(const struct known_box *known, struct buf *out)
{
	number_encode(known->hash, out);
	number_encode(known->modseq, out);
	number_encode(known->uidnext, out);
}

void
catalog_state(struct catalog *c, struct buf *out)
{
	number_encode(c->boxes, out);
	for (size_t k = 0; k < c->boxes; k++) {
		const struct known_box known = { .hash = c->box[k]->hash,
			.uidnext = c->box[k]->uidnext,
			.modseq = view_modseq(c->box[k]->view) };

		put_known(&known, out);
	}
}

static struct known_box *
parse_state(struct pst_str state, size_t *n_r)
{
	struct known_box *known;
	uint64_t n, hash, modseq, uidnext;

	if (state.n > STATE_MAX || !number_decode(&state, &n) ||
	    n > BOXES_MAX || n > state.n)
		return NULL;
	known = mem_array(n + 1, sizeof(*known));
	for (size_t k = 0; k < n; k++) {
		if (!number_decode(&state, &hash) ||
		    !number_decode(&state, &modseq) ||
		    !number_decode(&state, &uidnext)) {
			free(known);
			return NULL;
		}
		known[k].hash = (uint32_t)hash;
		known[k].modseq = modseq;
		known[k].uidnext = (uint32_t)uidnext;
	}
	*n_r = n;
	return known;
}

/* In the middle: "." and the order, the lengths of two states, these, and what
 * is next. A plain one never begins with a dot. */
struct middle {
	struct pst_str since, until;
	char id[CATALOG_ID];
	uint64_t thread;
};

static char
mark_of(enum catalog_order order)
{
	return order == CATALOG_BY_ID ? 'E' : 'T';
}

static void
put_middle(enum catalog_order order, struct pst_str since, struct pst_str until,
    const struct catalog_told *next, struct buf *out)
{
	char thread[CATALOG_THREAD_ID];

	(void)buf_putc(out, '.');
	(void)buf_putc(out, mark_of(order));
	number_encode(since.n, out);
	number_encode(until.n, out);
	(void)buf_add_str(out, since);
	(void)buf_add_str(out, until);
	catalog_thread_id(next->thread, thread);
	(void)buf_puts(out, order == CATALOG_BY_ID ? next->id : thread);
}

/* A plain one has `until` empty. False: it is none. */
static bool
parse_middle(enum catalog_order order, struct pst_str state, struct middle *m)
{
	uint64_t since, until;

	*m = (struct middle){ .since = state };
	if (state.n == 0 || state.p[0] != '.')
		return true;
	if (state.n < 2 || state.p[1] != mark_of(order))
		return false;
	state = str_from(state, 2);
	if (!number_decode(&state, &since) || !number_decode(&state, &until) ||
	    until == 0 || since > state.n || until > state.n - since)
		return false;
	m->since = str_first(state, (size_t)since);
	m->until = str_first(str_from(state, (size_t)since), (size_t)until);
	state = str_from(state, (size_t)(since + until));
	return order == CATALOG_BY_ID
		   ? state.n > 0 && str_copy(m->id, sizeof(m->id), state)
		   : catalog_parse_thread_id(state, &m->thread);
}

/* --- what happened since ---------------------------------------------------
 */

enum {
	SEEN_WAS = 1,	  /* it was there then */
	SEEN_IN_TIME = 2, /* it happened before `until` */
	SEEN_CAME = 4,	  /* it came by then, and went later */
};

/* A message that something happened to. */
struct touched {
	char id[CATALOG_ID];
	uint64_t thread;
	unsigned how;
};

struct changes {
	struct catalog *c;
	enum catalog_order order;
	struct middle middle;
	struct known_box *known, *until; /* `until` NULL: now */
	size_t known_n, until_n;
	struct touched *touched;
	size_t n, cap;
};

static void
touch(struct changes *ch, const char *id, uint64_t thread, unsigned how)
{
	if (id[0] == '\0')
		return;
	mem_grow(&ch->touched, &ch->cap, ch->n + 1, sizeof(*ch->touched));
	memcpy(ch->touched[ch->n].id, id, CATALOG_ID);
	ch->touched[ch->n].thread = thread;
	ch->touched[ch->n++].how = how;
}

static const struct known_box *
find_box(const struct known_box *known, size_t n, uint32_t hash)
{
	for (size_t k = 0; k < n; k++)
		if (known[k].hash == hash)
			return &known[k];
	return NULL;
}

static const struct known_box *
find_known(const struct changes *ch, uint32_t hash)
{
	return find_box(ch->known, ch->known_n, hash);
}

/*
 * A change of a place is told now: it happened up to `until`. So is what
 * arrived by then and changed later, since it would not be new the next time.
 */
static bool
is_in_time(
    const struct changes *ch, uint32_t hash, uint32_t uid, uint64_t modseq)
{
	const struct known_box *known = find_known(ch, hash), *until;

	if (ch->until == NULL)
		return true;
	until = find_box(ch->until, ch->until_n, hash);
	/* It went before that, or it came later. */
	if (until == NULL)
		return known != NULL;
	return modseq <= until->modseq ||
	       (uid < until->uidnext &&
		   (known == NULL || uid >= known->uidnext));
}

/* The messages that are there. */
static void
look_at_box(struct changes *ch, struct catalog_box *box)
{
	const struct known_box *known = find_known(ch, box->hash);
	uint64_t since = known != NULL ? known->modseq : 0;
	uint32_t uidnext = known != NULL ? known->uidnext : 0;
	uint32_t seq = 1;
	struct pst_row row;

	while (seq <= box->n &&
	       (seq = view_next_changed(box->view, seq, since)) != 0 &&
	       seq <= box->n) {
		uint32_t uid = view_uid(box->view, seq);
		unsigned how = uid < uidnext ? SEEN_WAS : 0;

		view_rows(box->view, seq, 1, &row);
		touch(ch, box->entry[seq - 1].id, box->entry[seq - 1].thread,
		    how | (is_in_time(ch, box->hash, uid, row.modseq)
				  ? SEEN_IN_TIME
				  : 0));
		seq++;
	}
}

/* All that went from this mailbox since then is in the ring. */
static bool
remembers(const struct changes *ch, struct catalog_box *box,
    const struct known_box *known)
{
	struct uidset went = { 0 };
	struct pst_range all = { 1,
		known->uidnext > 1 ? known->uidnext - 1 : 1 };
	uint32_t hash = box->hash;
	uint64_t count, noted = 0;
	size_t from;

	view_vanished(
	    box->view, (struct pst_uids){ &all, 1 }, known->modseq, &went);
	count = uidset_count(&went);
	uidset_fini(&went);
	from = ch->c->gone_n > CATALOG_GONE ? ch->c->gone_n - CATALOG_GONE : 0;
	for (size_t i = from; i < ch->c->gone_n; i++) {
		const struct catalog_gone *g = &ch->c->gone[i % CATALOG_GONE];

		noted += g->box == hash && g->modseq > known->modseq;
	}
	return noted >= count;
}

static unsigned
how_it_went(const struct changes *ch, const struct catalog_gone *g,
    const struct known_box *known, const struct known_box *until)
{
	unsigned how = is_in_time(ch, g->box, g->uid, g->modseq) ? SEEN_IN_TIME
								 : 0;

	if (known != NULL && g->uid < known->uidnext)
		how |= SEEN_WAS;
	else if (until != NULL && g->uid < until->uidnext &&
		 g->modseq > until->modseq)
		how |= SEEN_CAME;
	return how;
}

/* The messages that went. */
static bool
look_at_gone(struct changes *ch)
{
	struct catalog *c = ch->c;
	size_t from = c->gone_n > CATALOG_GONE ? c->gone_n - CATALOG_GONE : 0;

	for (size_t k = 0; k < ch->known_n; k++) {
		struct catalog_box *box = NULL;

		for (size_t i = 0; i < c->boxes && box == NULL; i++)
			if (c->box[i]->hash == ch->known[k].hash)
				box = c->box[i];
		if (box != NULL && !remembers(ch, box, &ch->known[k]))
			return false;
		/* A mailbox that went before we came. */
		if (box == NULL) {
			bool noted = ch->known[k].uidnext <= 1;

			for (size_t i = from; i < c->gone_n && !noted; i++)
				noted = c->gone[i % CATALOG_GONE].box ==
					ch->known[k].hash;
			if (!noted)
				return false;
		}
	}
	for (size_t i = from; i < c->gone_n; i++) {
		const struct catalog_gone *g = &c->gone[i % CATALOG_GONE];
		const struct known_box *known = find_known(ch, g->box);

		const struct known_box *until = find_box(
		    ch->until, ch->until_n, g->box);

		/* What came and went in a mailbox that is new is told for those
		 * who go on from where it was there. */
		if (known != NULL ? g->modseq > known->modseq : until != NULL)
			touch(ch, g->id, g->thread,
			    how_it_went(ch, g, known, until));
	}
	return true;
}

static int
by_id(const void *a, const void *b)
{
	return strcmp(
	    ((const struct touched *)a)->id, ((const struct touched *)b)->id);
}

static int
by_thread(const void *a, const void *b)
{
	const struct touched *x = a, *y = b;

	if (x->thread != y->thread)
		return x->thread < y->thread ? -1 : 1;
	return by_id(a, b);
}

/* Was it there then? It is in a place that it had, or went from one. */
static bool
has_old_place(const struct changes *ch, const char *id, bool *exists_r)
{
	struct catalog_place place[16];
	size_t n = catalog_find(ch->c, str_of(id), place, 16);

	*exists_r = n > 0;
	for (size_t i = 0; i < n && i < 16; i++) {
		const struct known_box *known = find_known(
		    ch, place[i].box->hash);

		if (known != NULL && place[i].uid < known->uidnext)
			return true;
	}
	return false;
}

/* It was told with those in front. */
static bool
is_behind(const struct changes *ch, const struct touched *t)
{
	if (ch->until == NULL)
		return false;
	return ch->order == CATALOG_BY_ID ? strcmp(t->id, ch->middle.id) < 0
					  : t->thread < ch->middle.thread;
}

/* False: `told` is not taken any more. */
static bool
tell(struct changes *ch, catalog_change_fn fn, void *arg,
    struct catalog_told *told)
{
	for (size_t i = 0; i < ch->n;) {
		const struct touched *t = &ch->touched[i];
		unsigned how = 0;
		bool exists, was;

		for (; i < ch->n && strcmp(ch->touched[i].id, t->id) == 0; i++)
			how |= ch->touched[i].how;
		if (is_behind(ch, t))
			continue;
		was = has_old_place(ch, t->id, &exists) ||
		      (how & SEEN_WAS) != 0;
		/* It came and went. Its thread will not be new the next time.
		 */
		if (!exists && !was &&
		    (ch->order != CATALOG_BY_THREAD || !(how & SEEN_CAME)))
			continue;
		*told = (struct catalog_told){ .change = was && !exists
							     ? CATALOG_DESTROYED
							 : was
							     ? CATALOG_UPDATED
							     : CATALOG_CREATED,
			.id = t->id,
			.thread = t->thread,
			.is_later = (how & SEEN_IN_TIME) == 0 };
		if (!fn(arg, told))
			return false;
	}
	return true;
}

/*
 * Up to where all is told now. Who was told of a message in the middle may have
 * seen it in mailboxes that came later: these count as known without messages,
 * so that it is told again when they go.
 */
static void
put_until(const struct changes *ch, const struct buf *now, struct buf *out)
{
	struct buf more;
	size_t n = ch->until_n;

	if (ch->until == NULL) {
		(void)buf_add_str(out, buf_str(now));
		return;
	}
	buf_init(&more, STATE_MAX);
	for (size_t k = 0; k < ch->until_n; k++)
		put_known(&ch->until[k], &more);
	for (size_t k = 0; k < ch->c->boxes; k++) {
		const struct known_box none = { .hash = ch->c->box[k]->hash };

		if (find_box(ch->until, ch->until_n, none.hash) != NULL)
			continue;
		put_known(&none, &more);
		n++;
	}
	number_encode(n, out);
	(void)buf_add_str(out, buf_str(&more));
	buf_fini(&more);
}

/* Where somebody is who was told all, or all in front of `next`. */
static void
put_place(const struct changes *ch, const struct catalog_told *next,
    struct buf *state_r, bool *more_r)
{
	struct buf now, until;

	buf_init(&now, STATE_MAX);
	buf_init(&until, STATE_MAX);
	catalog_state(ch->c, &now);
	put_until(ch, &now, &until);
	*more_r = next != NULL || !str_eq(buf_str(&until), buf_str(&now));
	if (next != NULL)
		put_middle(ch->order, ch->middle.since, buf_str(&until), next,
		    state_r);
	else
		(void)buf_add_str(state_r, buf_str(&until));
	buf_fini(&now);
	buf_fini(&until);
}

static bool
read_state(struct changes *ch, struct pst_str state)
{
	if (!parse_middle(ch->order, state, &ch->middle))
		return false;
	ch->known = parse_state(ch->middle.since, &ch->known_n);
	if (ch->middle.until.n > 0)
		ch->until = parse_state(ch->middle.until, &ch->until_n);
	return ch->known != NULL &&
	       (ch->middle.until.n == 0 || ch->until != NULL);
}

bool
catalog_changes(struct catalog *c, enum catalog_order order,
    struct pst_str state, catalog_change_fn fn, void *arg, struct buf *state_r,
    bool *more_r)
{
	struct changes ch = { .c = c, .order = order };
	struct catalog_told told;
	bool ok = read_state(&ch, state);

	for (size_t k = 0; k < c->boxes && ok; k++)
		look_at_box(&ch, c->box[k]);
	ok = ok && look_at_gone(&ch);
	if (ok && ch.n > 0)
		qsort(ch.touched, ch.n, sizeof(*ch.touched),
		    order == CATALOG_BY_ID ? by_id : by_thread);
	if (ok)
		put_place(&ch, tell(&ch, fn, arg, &told) ? NULL : &told,
		    state_r, more_r);
	free(ch.touched);
	free(ch.known);
	free(ch.until);
	return ok;
}
