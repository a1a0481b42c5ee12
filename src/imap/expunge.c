/*
 * imap/expunge.c - EXPUNGE (RFC 3501, 6.4.3) and UID EXPUNGE (RFC 4315, 2.1).
 * The EXPUNGE responses come with the news after the command.
 */
#include "imap/commands.h"
#include "imap/message_limit.h"
#include "imap/messages.h"
#include "imap/modseq.h"

static enum imap_step
expunge(struct imap_session *s, const struct pst_uids *uids, uint32_t lowest)
{
	struct pst_error err;

	if (view_expunge(s->view, uids, &err) != PST_OK)
		return imap_fail(s, &err, "[NONEXISTENT] No such message");
	if (!(s->enabled & IMAP_CONDSTORE))
		return imap_ok_limited(s, lowest, "Expunge completed");
	imap_put_limited(s, lowest);
	return imap_ok_expunged(s, "Expunge completed");
}

/* Only messages that can go count for the limit (RFC 9738). */
static uint32_t
limit_deleted(struct imap_session *s, struct uidset *seqs)
{
	struct uidset deleted = { 0 };
	uint32_t seq = imap_member_from(seqs, 1);

	if (imap_message_limit(s) == 0 ||
	    uidset_count(seqs) <= imap_message_limit(s))
		return 0;
	for (; seq != 0; seq = imap_member_from(seqs, seq + 1)) {
		struct pst_row row;

		view_rows(s->view, seq, 1, &row);
		if (row.uid != 0 && (row.flags & PST_DELETED))
			uidset_add(&deleted, seq, seq);
	}
	uidset_fini(seqs);
	*seqs = deleted;
	return imap_limit_messages(s, seqs);
}

enum imap_step
imap_expunge(struct imap_session *s, struct imap_parser *ps)
{
	if (!imap_end(ps))
		return imap_bad_arguments(s, ps);
	return expunge(s, NULL, 0);
}

enum imap_step
imap_uid_expunge(struct imap_session *s, struct imap_parser *ps)
{
	struct uidset seqs = { 0 }, uids = { 0 };
	struct pst_uids set;
	enum imap_step step;
	uint32_t at = 1, lowest;

	if (!imap_space(ps) || !imap_messages(s, ps, true, &seqs) ||
	    !imap_end(ps)) {
		step = imap_bad_arguments(s, ps);
	} else {
		lowest = limit_deleted(s, &seqs);
		imap_uids_of(s, &seqs, &at, SIZE_MAX, &uids);
		set = uidset_peek(&uids);
		step = expunge(s, &set, lowest);
	}
	uidset_fini(&seqs);
	uidset_fini(&uids);
	return step;
}
