/*
 * imap/store.c - STORE and UID STORE (RFC 3501, 6.4.6), UNCHANGEDSINCE (RFC
 * 7162, 3.1.3).
 *
 * Many messages are changed in portions, so that other sessions have their
 * turn. Every message that was named gets an answer, changed or not, unless
 * the client asked for silence.
 */
#include "base/str.h"
#include "imap/commands.h"
#include "imap/message_limit.h"
#include "imap/messages.h"
#include "imap/modseq.h"
#include "imap/progress.h"

enum { PORTION = 1000 };

struct storing {
	struct uidset seqs;
	uint32_t at; /* next sequence number; 0: the end */
	struct view_store change;
	uint32_t lowest;	/* see imap_limit_messages() */
	bool missing;		/* a message is gone already */
	struct uidset modified; /* kept back by UNCHANGEDSINCE, by uid */
};

static void
cleanup(struct imap_session *s)
{
	struct storing *st = s->run->state;

	uidset_fini(&st->seqs);
	uidset_fini(&st->modified);
}

/* store-att-flags = (["+" / "-"] "FLAGS" [".SILENT"]) SP ... */
static bool
parse_item(struct imap_parser *ps, struct view_store *change)
{
	change->op = PST_FLAGS_SET;
	if (imap_skip(ps, '+'))
		change->op = PST_FLAGS_ADD;
	else if (imap_skip(ps, '-'))
		change->op = PST_FLAGS_REMOVE;
	change->silent = imap_skip_word(ps, "FLAGS.SILENT");
	if (!change->silent && !imap_skip_word(ps, "FLAGS"))
		return imap_bad(ps, "Unknown data item");
	return imap_space(ps);
}

/* store-modifiers (RFC 4466, 2.5): "(" "UNCHANGEDSINCE" SP n ")" SP */
static bool
parse_modifiers(struct imap_parser *ps, struct view_store *change)
{
	change->unchanged_since = UINT64_MAX;
	if (!imap_skip(ps, '('))
		return true;
	if (!imap_skip_word(ps, "UNCHANGEDSINCE"))
		return imap_bad(ps, "Unknown STORE modifier");
	return imap_space(ps) && imap_modseq(ps, &change->unchanged_since) &&
	       imap_expect(ps, ')') && imap_space(ps);
}

static bool
parse(struct imap_session *s, struct imap_parser *ps, struct storing *st)
{
	size_t longest = (size_t)net_config(s->c)->imap.keyword_length;
	bool uid = s->run->def->traits & IMAP_UID;
	struct imap_flags flags;

	if (!imap_space(ps) || !imap_messages(s, ps, uid, &st->seqs) ||
	    !imap_space(ps) || !parse_modifiers(ps, &st->change) ||
	    !parse_item(ps, &st->change) ||
	    !imap_store_flags(ps, longest, &flags) || !imap_end(ps))
		return false;
	st->change.flags = flags.flags;
	st->change.keywords = (const char *const *)flags.keyword;
	st->change.keyword_count = flags.keywords;
	return true;
}

/* RFC 2180, 4.2: a message that another session has expunged. */
static void
look_for_missing(
    struct imap_session *s, struct storing *st, const struct uidset *uids)
{
	for (size_t i = 0; i < uids->n && !st->missing; i++) {
		for (uint32_t uid = uids->r[i].first;; uid++) {
			struct pst_row row;

			view_rows(s->view, view_seq(s->view, uid), 1, &row);
			st->missing |= row.uid == 0;
			if (uid == uids->r[i].last)
				break;
		}
	}
}

/* "[MODIFIED ...] " in uids or numbers, like the command (RFC 7162, 3.1.3). */
static void
put_modified(struct imap_session *s, const struct uidset *uids)
{
	struct buf *reply = &s->run->reply;
	struct uidset seqs = { 0 };
	bool by_uid = s->run->def->traits & IMAP_UID;

	for (size_t i = 0; !by_uid && i < uids->n; i++)
		for (uint32_t seq = view_seq_from(s->view, uids->r[i].first);
		     seq <= view_count(s->view) &&
		     view_uid(s->view, seq) <= uids->r[i].last;
		     seq++)
			uidset_add(&seqs, seq, seq);
	(void)buf_puts(reply, "[MODIFIED ");
	(void)uidset_print(by_uid ? uids : &seqs, reply);
	(void)buf_puts(reply, "] ");
	uidset_fini(&seqs);
}

static enum imap_step
ended(struct imap_session *s, const struct storing *st)
{
	bool missing = st->missing && !(s->run->def->traits & IMAP_UID);
	struct buf *reply = &s->run->reply;

	if (st->modified.n > 0 || missing)
		imap_put_limited(s, st->lowest);
	if (st->modified.n > 0) {
		buf_clear(reply);
		(void)buf_puts(reply, missing ? "NO " : "OK ");
		put_modified(s, &st->modified);
		(void)buf_puts(
		    reply, missing ? "Some of the messages no longer exist"
				   : "Conditional STORE failed");
		return imap_finish(s);
	}
	if (missing)
		return imap_no(
		    s, "[EXPUNGEISSUED] Some of the messages no longer exist");
	return imap_ok_limited(s, st->lowest, "Store completed");
}

static uint64_t
keywords_of(struct imap_session *s, const struct view_store *c)
{
	const char *const *names = view_keywords(s->view);
	uint64_t mask = 0;

	for (size_t i = 0; i < c->keyword_count; i++)
		for (unsigned k = 0; k < PST_KEYWORDS_MAX; k++)
			if (names[k] != NULL &&
			    str_is_case(str_of(names[k]), c->keywords[i]))
				mask |= UINT64_C(1) << k;
	return mask;
}

static bool
has_asked(const struct pst_row *row, const struct view_store *c, uint64_t mask)
{
	switch (c->op) {
	case PST_FLAGS_SET:
		return row->flags == c->flags && row->keywords == mask;
	case PST_FLAGS_ADD:
		return (row->flags & c->flags) == c->flags &&
		       (row->keywords & mask) == mask;
	case PST_FLAGS_REMOVE:
		break;
	}
	return (row->flags & c->flags) == 0 && (row->keywords & mask) == 0;
}

/*
 * Those that do not have the flags that the client foresees: another program
 * has taken them away, which shows later, or changed them again.
 */
static void
drop_unforeseen(
    struct imap_session *s, const struct view_store *c, struct pst_uids uids)
{
	uint64_t mask = keywords_of(s, c);
	struct pst_row rows[64];
	enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

	for (size_t r = 0; r < uids.n; r++) {
		uint32_t seq = view_seq_from(s->view, uids.r[r].first);
		uint32_t end = uids.r[r].last == UINT32_MAX
				   ? view_count(s->view) + 1
				   : view_seq_from(s->view, uids.r[r].last + 1);

		for (; seq < end; seq += ROWS) {
			size_t n = end - seq < ROWS ? end - seq : ROWS;

			view_rows(s->view, seq, n, rows);
			for (size_t i = 0; i < n; i++)
				if (rows[i].uid != 0 &&
				    !has_asked(&rows[i], c, mask))
					uidset_remove(&s->run->brief,
					    rows[i].uid, rows[i].uid);
		}
	}
}

/*
 * What is told of the messages: their flags; their MODSEQ alone when the client
 * asked for silence; both of those that UNCHANGEDSINCE kept back, so that it
 * sees why (RFC 7162, 3.1.3).
 */
static void
answer_for(struct imap_session *s, struct storing *st,
    const struct uidset *uids, const struct uidset *kept)
{
	struct imap_command_run *run = s->run;

	if (!st->change.silent) {
		uidset_add_set(&run->changed, uids);
	} else if (s->enabled & IMAP_CONDSTORE) {
		uidset_add_set(&run->changed, uids);
		uidset_add_set(&run->brief, uids);
		for (size_t i = 0; i < kept->n; i++)
			uidset_remove(
			    &run->brief, kept->r[i].first, kept->r[i].last);
		drop_unforeseen(s, &st->change, uidset_peek(uids));
	}
	uidset_add_set(&st->modified, kept);
}

static enum imap_step
more(struct imap_session *s)
{
	struct storing *st = s->run->state;
	struct uidset uids = { 0 }, kept = { 0 };
	struct pst_error err;
	enum pst_rc rc;

	if (st->at == 0)
		return ended(s, st);
	imap_uids_of(s, &st->seqs, &st->at, PORTION, &uids);
	look_for_missing(s, st, &uids);
	rc = view_store(s->view, uidset_peek(&uids), &st->change, &kept, &err);
	if (rc == PST_OK)
		answer_for(s, st, &uids, &kept);
	uidset_fini(&uids);
	uidset_fini(&kept);
	if (rc == PST_E_LIMIT)
		return imap_no(s, "[LIMIT] Too many keywords");
	if (rc != PST_OK)
		return imap_fail(s, &err, "[EXPUNGEISSUED] No such message");
	if (st->at == 0)
		return ended(s, st);
	imap_in_progress(s, st->at - 1, view_count(s->view));
	return IMAP_TURN;
}

enum imap_step
imap_store(struct imap_session *s, struct imap_parser *ps)
{
	struct storing *st = imap_alloc(s, sizeof(*st));

	s->run->state = st;
	s->run->cleanup = cleanup;
	if (!parse(s, ps, st))
		return imap_bad_arguments(s, ps);
	if (st->change.unchanged_since != UINT64_MAX)
		imap_condstore(s);
	st->lowest = imap_limit_messages(s, &st->seqs);
	st->at = imap_member_from(&st->seqs, 1);
	s->run->resume = more;
	return IMAP_NEXT;
}
