/*
 * imap/store.c - STORE and UID STORE (RFC 3501, 6.4.6).
 *
 * Many messages are changed in portions, so that other sessions have their
 * turn. Every message that was named gets an answer, changed or not, unless
 * the client asked for silence.
 */
#include "imap/commands.h"
#include "imap/messages.h"

enum { PORTION = 1000 };

struct storing {
	struct uidset seqs;
	uint32_t at; /* next sequence number; 0: the end */
	struct view_store change;
	bool missing; /* a message is gone already */
};

static void
cleanup(struct imap_session *s)
{
	struct storing *st = s->run->state;

	uidset_fini(&st->seqs);
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

static bool
parse(struct imap_session *s, struct imap_parser *ps, struct storing *st)
{
	size_t longest = (size_t)net_config(s->c)->imap.keyword_length;
	bool uid = s->run->def->traits & IMAP_UID;
	struct imap_flags flags;

	if (!imap_space(ps) || !imap_messages(s, ps, uid, &st->seqs) ||
	    !imap_space(ps) || !parse_item(ps, &st->change) ||
	    !imap_store_flags(ps, longest, &flags) || !imap_end(ps))
		return false;
	st->change.flags = flags.flags;
	st->change.keywords = (const char *const *)flags.keyword;
	st->change.keyword_count = flags.keywords;
	st->change.unchanged_since = UINT64_MAX;
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

static enum imap_step
ended(struct imap_session *s, const struct storing *st)
{
	if (st->missing && !(s->run->def->traits & IMAP_UID))
		return imap_no(
		    s, "[EXPUNGEISSUED] Some of the messages no longer exist");
	return imap_ok(s, "Store completed");
}

static enum imap_step
more(struct imap_session *s)
{
	struct storing *st = s->run->state;
	struct uidset uids = { 0 };
	struct pst_error err;
	enum pst_rc rc;

	if (st->at == 0)
		return ended(s, st);
	imap_uids_of(s, &st->seqs, &st->at, PORTION, &uids);
	look_for_missing(s, st, &uids);
	rc = view_store(s->view, uidset_peek(&uids), &st->change, NULL, &err);
	if (rc == PST_OK && !st->change.silent)
		uidset_add_set(&s->run->changed, &uids);
	uidset_fini(&uids);
	if (rc == PST_E_LIMIT)
		return imap_no(s, "[LIMIT] Too many keywords");
	if (rc != PST_OK)
		return imap_fail(s, &err, "[EXPUNGEISSUED] No such message");
	return st->at == 0 ? ended(s, st) : IMAP_TURN;
}

enum imap_step
imap_store(struct imap_session *s, struct imap_parser *ps)
{
	struct storing *st = imap_alloc(s, sizeof(*st));

	s->run->state = st;
	s->run->cleanup = cleanup;
	if (!parse(s, ps, st))
		return imap_bad_arguments(s, ps);
	st->at = imap_member_from(&st->seqs, 1);
	s->run->resume = more;
	return IMAP_NEXT;
}
