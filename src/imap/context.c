/*
 * imap/context.c - searches whose results are kept up to date (RFC 5267, 4.3).
 *
 * A context has its search program, read again from a copy of the command's
 * text, and the uids that match it; that of a SORT also their order and keys.
 * Whenever the client is told news, the messages that are new or have changed
 * since are tried again. Sequence numbers in the program mean the messages
 * that had them when the command came.
 */
#include "imap/context.h"

#include "base/clock.h"
#include "base/str.h"
#include "imap/commands.h"
#include "imap/messages.h"
#include "imap/notify.h"
#include "imap/respond.h"
#include "imap/scan.h"
#include <stdlib.h>

enum { BATCH = 256 };

struct sorted {
	uint32_t uid;
	char *key;
	size_t key_n;
};

struct imap_context {
	struct imap_context *next;
	char *tag;
	bool uid, names_mailbox, is_sorted;
	struct arena *arena; /* the program */
	struct imap_search_program program;
	struct imap_sort sort;
	struct msg_limits limits;
	struct uidset members; /* uids */
	struct uidset gone;    /* expunged, to be told */
	char *atts;	       /* to be fetched of new ones, or NULL */
	struct uidset fetch;   /* those */
	struct sorted *entry;  /* of a SORT, in order */
	size_t n, cap;
	/* All changes up to this modseq, and all messages up to this uid, are
	 * taken into account. */
	uint64_t modseq;
	uint32_t last_uid;
	/* While it is brought up to date: what is used for matching, where it
	 * is, and the modseq of the beginning. */
	struct imap_search_message *m;
	uint32_t at;
	uint64_t target;
};

void
imap_context_free(struct imap_context **cp)
{
	struct imap_context *ctx = *cp;

	*cp = NULL;
	if (ctx == NULL)
		return;
	if (ctx->m != NULL)
		imap_search_message_fini(ctx->m);
	free(ctx->m);
	imap_search_fini(&ctx->program);
	for (size_t i = 0; i < ctx->n; i++)
		free(ctx->entry[i].key);
	free(ctx->entry);
	uidset_fini(&ctx->members);
	uidset_fini(&ctx->gone);
	uidset_fini(&ctx->fetch);
	free(ctx->atts);
	arena_free(&ctx->arena);
	free(ctx->tag);
	free(ctx);
}

void
imap_contexts_free(struct imap_session *s)
{
	while (s->contexts != NULL) {
		struct imap_context *ctx = s->contexts;

		s->contexts = ctx->next;
		imap_context_free(&ctx);
	}
}

static struct imap_context *
find(struct imap_session *s, struct pst_str tag)
{
	struct imap_context *ctx = s->contexts;

	while (ctx != NULL && !str_is(tag, ctx->tag))
		ctx = ctx->next;
	return ctx;
}

/* --- beginning --------------------------------------------------------------
 */

static void
refuse(struct imap_session *s)
{
	struct buf *out = imap_out(s);

	(void)buf_puts(out, "* NO [NOUPDATE ");
	imap_put_string(out, str_of(s->run->tag));
	(void)buf_puts(out, "] Too many contexts or results\r\n");
}

static bool
is_full(const struct imap_session *s)
{
	unsigned n = 0;

	for (struct imap_context *c = s->contexts; c != NULL; c = c->next)
		n++;
	return n >= IMAP_CONTEXTS_MAX;
}

/* Sets in terms of uids. A range of uids without an end goes on for messages
 * that are not there yet. */
static bool
fix_sets(struct imap_session *s, struct imap_context *ctx)
{
	for (struct imap_search_key *k = ctx->program.all; k != NULL;
	     k = k->other) {
		struct uidset uids = { 0 };
		uint32_t at = 1;

		if (k->word->match != imap_match_set)
			continue;
		imap_uids_of(s, &k->seqs, &at, SIZE_MAX, &uids);
		uidset_fini(&k->seqs);
		k->has_uids = true;
		if (str_is(str_of(k->word->name), "UID") &&
		    !str_is(k->text, "$") &&
		    uidset_parse(k->text, UINT32_MAX, IMAP_RANGES_MAX,
			&k->seqs) != PST_OK) {
			uidset_fini(&uids);
			return false;
		}
		uidset_add_set(&k->seqs, &uids);
		uidset_fini(&uids);
	}
	return true;
}

static bool
parse(struct imap_session *s, struct imap_context *ctx,
    const struct imap_context_wish *wish)
{
	struct imap_search_grammar g = imap_scan_grammar(s, wish->has_charset);
	struct imap_parser ps;

	imap_parser_init(&ps, arena_copy(ctx->arena, wish->text), ctx->arena);
	return imap_search_parse_as(&ps, &g, &ctx->program) &&
	       imap_search_resolve(s->view, &s->saved, &ctx->program) &&
	       fix_sets(s, ctx);
}

bool
imap_context_new(struct imap_session *s, const struct imap_context_wish *wish,
    struct imap_context **ctx_r, enum imap_step *step_r)
{
	struct imap_context *ctx;

	*ctx_r = NULL;
	if (find(s, str_of(s->run->tag)) != NULL) { /* RFC 5267, 4.3 */
		*step_r = imap_bad_command(s, "Tag is in use by a context");
		return false;
	}
	if (is_full(s)) {
		refuse(s);
		return true;
	}
	ctx = mem_alloc(sizeof(*ctx));
	ctx->tag = str_dup(str_of(s->run->tag));
	ctx->uid = wish->uid;
	ctx->names_mailbox = wish->names_mailbox;
	ctx->is_sorted = wish->sort != NULL;
	if (wish->sort != NULL)
		ctx->sort = *wish->sort;
	ctx->atts = imap_notify_copy_atts(wish->atts);
	ctx->limits = imap_msg_limits(net_config(s->c));
	ctx->arena = arena_new(0);
	ctx->modseq = view_modseq(s->view);
	ctx->last_uid = view_uid(s->view, view_count(s->view));
	if (!parse(s, ctx, wish)) { /* a filter was changed just now */
		imap_context_free(&ctx);
		refuse(s);
		return true;
	}
	*ctx_r = ctx;
	return true;
}

static void
insert(struct imap_context *ctx, size_t at, uint32_t uid, struct pst_str key)
{
	mem_grow(&ctx->entry, &ctx->cap, ctx->n + 1, sizeof(*ctx->entry));
	memmove(&ctx->entry[at + 1], &ctx->entry[at],
	    (ctx->n - at) * sizeof(*ctx->entry));
	ctx->entry[at].uid = uid;
	ctx->entry[at].key = str_dup(key);
	ctx->entry[at].key_n = key.n;
	ctx->n++;
}

void
imap_context_add_sorted(
    struct imap_context *ctx, uint32_t uid, struct pst_str key)
{
	if (ctx->n <= IMAP_CONTEXT_RESULTS_MAX)
		insert(ctx, ctx->n, uid, key);
}

void
imap_context_begin(struct imap_session *s, struct imap_context **cp,
    const struct imap_results *r)
{
	struct imap_context *ctx = *cp;

	if (ctx == NULL)
		return;
	imap_results_uids(r, 0, r->n, &ctx->members);
	if (ctx->n > IMAP_CONTEXT_RESULTS_MAX ||
	    ctx->members.n > IMAP_SAVED_RANGES_MAX) {
		imap_context_free(cp);
		refuse(s);
		return;
	}
	ctx->next = s->contexts;
	s->contexts = ctx;
	*cp = NULL;
}

/* --- telling ----------------------------------------------------------------
 */

static void
begin_response(
    struct imap_session *s, const struct imap_context *ctx, const char *item)
{
	struct buf *out = imap_out(s);

	(void)buf_puts(out, "* ESEARCH");
	imap_put_correlators(s, ctx->tag, ctx->names_mailbox ? s->view : NULL);
	(void)buf_puts(out, ctx->uid ? " UID " : " ");
	(void)buf_puts(out, item);
	(void)buf_puts(out, " (");
}

static void
tell_one(struct imap_session *s, const struct imap_context *ctx,
    const char *item, size_t position, uint32_t seq, uint32_t uid)
{
	struct buf *out = imap_out(s);

	begin_response(s, ctx, item);
	(void)buf_put_u64(out, position);
	(void)buf_putc(out, ' ');
	(void)buf_put_u64(out, ctx->uid ? uid : seq);
	(void)buf_puts(out, ")\r\n");
}

/* In mailbox order, so the position is 0. */
static void
tell_set(struct imap_session *s, const struct imap_context *ctx,
    const char *item, const struct uidset *uids)
{
	struct uidset seqs = { 0 };

	if (uids->n == 0)
		return;
	begin_response(s, ctx, item);
	(void)buf_puts(imap_out(s), "0 ");
	if (!ctx->uid)
		imap_seqs_of(s->view, uids, &seqs);
	(void)uidset_print(ctx->uid ? uids : &seqs, imap_out(s));
	(void)buf_puts(imap_out(s), ")\r\n");
	uidset_fini(&seqs);
}

/* --- sorted results
 * ----------------------------------------------------------- */

static void
remove_sorted(struct imap_session *s, struct imap_context *ctx, uint32_t seq,
    uint32_t uid)
{
	size_t at = 0;

	while (at < ctx->n && ctx->entry[at].uid != uid)
		at++;
	if (at == ctx->n)
		return;
	free(ctx->entry[at].key);
	ctx->n--;
	memmove(&ctx->entry[at], &ctx->entry[at + 1],
	    (ctx->n - at) * sizeof(*ctx->entry));
	tell_one(s, ctx, "REMOVEFROM", at + 1, seq, uid);
}

static bool
is_before(const struct sorted *e, struct pst_str key, uint32_t uid)
{
	size_t n = e->key_n < key.n ? e->key_n : key.n;
	int order = n > 0 ? memcmp(e->key, key.p, n) : 0;

	return order != 0 ? order < 0 : e->uid < uid;
}

static void
add_sorted(struct imap_session *s, struct imap_context *ctx)
{
	struct imap_search_message *m = ctx->m;
	size_t low = 0, high = ctx->n;
	struct imap_facts facts;
	struct buf key;

	arena_reset(m->scratch);
	if (!imap_facts_read(m, ctx->sort.facts, m->scratch, &facts))
		return;
	buf_init(&key, 1 << 20);
	imap_sort_put_key(
	    &ctx->sort, &m->row, &facts, imap_search_score(m), &key);
	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (is_before(&ctx->entry[mid], buf_str(&key), m->row.uid))
			low = mid + 1;
		else
			high = mid;
	}
	insert(ctx, low, m->row.uid, buf_str(&key));
	buf_fini(&key);
	tell_one(s, ctx, "ADDTO", low + 1, m->seq, m->row.uid);
}

/* --- news
 * ---------------------------------------------------------------------- */

void
imap_contexts_expunged(struct imap_session *s, uint32_t seq, uint32_t uid)
{
	for (struct imap_context *c = s->contexts; c != NULL; c = c->next) {
		if (!uidset_has(&c->members, uid))
			continue;
		uidset_remove(&c->members, uid, uid);
		if (c->is_sorted)
			remove_sorted(s, c, seq, uid);
		else if (c->uid)
			uidset_add(&c->gone, uid, uid);
		else /* RFC 5267, 4.3.4: while the number is valid */
			tell_one(s, c, "REMOVEFROM", 0, seq, uid);
	}
}

static void
try_message(struct imap_session *s, struct imap_context *ctx, uint32_t seq,
    const struct pst_row *row, struct uidset *came, struct uidset *left)
{
	bool was = uidset_has(&ctx->members, row->uid), is;

	imap_search_message_set(ctx->m, seq, row);
	is = imap_search_matches(ctx->m, ctx->program.root) && !ctx->m->is_gone;
	if (was == is)
		return;
	if (is && ctx->atts != NULL && row->uid > ctx->last_uid)
		uidset_add(&ctx->fetch, row->uid, row->uid);
	if (is)
		uidset_add(&ctx->members, row->uid, row->uid);
	else
		uidset_remove(&ctx->members, row->uid, row->uid);
	if (ctx->is_sorted && is)
		add_sorted(s, ctx);
	else if (ctx->is_sorted)
		remove_sorted(s, ctx, seq, row->uid);
	else
		uidset_add(is ? came : left, row->uid, row->uid);
}

/* Some messages from ctx->at on. */
static void
try_some(struct imap_session *s, struct imap_context *ctx, int64_t started)
{
	struct uidset came = { 0 }, left = { 0 };
	uint32_t count = view_count(s->view), n = count - ctx->at + 1;
	struct pst_row rows[BATCH];

	n = n < BATCH ? n : BATCH;
	view_rows(s->view, ctx->at, n, rows);
	for (uint32_t i = 0; i < n; i++, ctx->at++) {
		if (rows[i].uid == 0 || (rows[i].modseq <= ctx->modseq &&
					    rows[i].uid <= ctx->last_uid))
			continue;
		try_message(s, ctx, ctx->at, &rows[i], &came, &left);
		if (imap_slice_over(started)) {
			ctx->at++;
			break;
		}
	}
	tell_set(s, ctx, "REMOVEFROM", &left);
	tell_set(s, ctx, "ADDTO", &came);
	uidset_fini(&came);
	uidset_fini(&left);
}

/* False: nothing happened that could matter to it. */
static bool
begin_update(struct imap_session *s, struct imap_context *ctx)
{
	uint32_t last = view_uid(s->view, view_count(s->view));
	uint64_t modseq = view_modseq(s->view);

	if (ctx->m != NULL)
		return true;
	tell_set(s, ctx, "REMOVEFROM", &ctx->gone);
	uidset_fini(&ctx->gone);
	if (modseq <= ctx->modseq && last <= ctx->last_uid)
		return false;
	ctx->target = modseq;
	ctx->at = 1;
	imap_search_set_keywords(s->view, &ctx->program);
	ctx->m = mem_alloc(sizeof(*ctx->m));
	imap_search_message_init(ctx->m, s->view, &ctx->limits);
	return true;
}

static void
end_update(struct imap_session *s, struct imap_context *ctx)
{
	uint32_t last = view_uid(s->view, view_count(s->view));

	imap_search_message_fini(ctx->m);
	free(ctx->m);
	ctx->m = NULL;
	ctx->modseq = ctx->target;
	if (last > ctx->last_uid)
		ctx->last_uid = last;
}

enum imap_step
imap_contexts_update(struct imap_session *s)
{
	int64_t started = clock_monotonic();

	for (struct imap_context *c = s->contexts; c != NULL; c = c->next) {
		if (!begin_update(s, c))
			continue;
		while (c->at <= view_count(s->view)) {
			try_some(s, c, started);
			if (net_output_full(s->c))
				return IMAP_FULL;
			if (imap_slice_over(started))
				return IMAP_TURN;
		}
		end_update(s, c);
	}
	return IMAP_NEXT;
}

bool
imap_contexts_have_new(const struct imap_session *s)
{
	const struct imap_context *c = s->contexts;

	while (c != NULL && c->fetch.n == 0)
		c = c->next;
	return c != NULL;
}

bool
imap_contexts_take_new(
    struct imap_session *s, struct uidset *uids_r, const char **atts_r)
{
	struct imap_context *c = s->contexts;

	while (c != NULL && c->fetch.n == 0)
		c = c->next;
	if (c == NULL)
		return false;
	*uids_r = c->fetch;
	*atts_r = c->atts;
	c->fetch = (struct uidset){ 0 };
	return true;
}

/* --- CANCELUPDATE
 * ------------------------------------------------------------- */

static void
cancel(struct imap_session *s, struct imap_context *ctx)
{
	struct imap_context **at = &s->contexts;

	while (*at != ctx)
		at = &(*at)->next;
	*at = ctx->next;
	imap_context_free(&ctx);
}

/* RFC 5267, 5: 1*(SP quoted) */
enum imap_step
imap_cancelupdate(struct imap_session *s, struct imap_parser *ps)
{
	struct imap_parser again = *ps;
	struct imap_context *ctx;
	struct pst_str tag;

	do {
		if (!imap_space(ps) || !imap_string(ps, &tag))
			return imap_bad_arguments(s, ps);
		if (find(s, tag) == NULL)
			return imap_bad_command(s, "No context has this tag");
	} while (imap_peek(ps) == ' ');
	if (!imap_end(ps))
		return imap_bad_arguments(s, ps);
	while (imap_space(&again) && imap_string(&again, &tag)) {
		ctx = find(s, tag);
		if (ctx != NULL) /* not named twice */
			cancel(s, ctx);
	}
	return imap_ok(s, "No further updates");
}
