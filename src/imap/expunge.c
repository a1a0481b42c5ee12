/*
 * imap/expunge.c - EXPUNGE (RFC 3501, 6.4.3) and UID EXPUNGE (RFC 4315, 2.1).
 * The EXPUNGE responses come with the news after the command.
 */
#include "imap/commands.h"
#include "imap/messages.h"
#include "imap/modseq.h"

static enum imap_step
expunge(struct imap_session *s, const struct pst_uids *uids)
{
	struct pst_error err;

	if (view_expunge(s->view, uids, &err) != PST_OK)
		return imap_fail(s, &err, "[NONEXISTENT] No such message");
	return imap_ok_expunged(s, "Expunge completed");
}

enum imap_step
imap_expunge(struct imap_session *s, struct imap_parser *ps)
{
	if (!imap_end(ps))
		return imap_bad_arguments(s, ps);
	return expunge(s, NULL);
}

enum imap_step
imap_uid_expunge(struct imap_session *s, struct imap_parser *ps)
{
	struct uidset seqs = { 0 }, uids = { 0 };
	struct pst_uids set;
	enum imap_step step;
	uint32_t at = 1;

	if (!imap_space(ps) || !imap_messages(s, ps, true, &seqs) ||
	    !imap_end(ps)) {
		step = imap_bad_arguments(s, ps);
	} else {
		imap_uids_of(s, &seqs, &at, SIZE_MAX, &uids);
		set = uidset_peek(&uids);
		step = expunge(s, &set);
	}
	uidset_fini(&seqs);
	uidset_fini(&uids);
	return step;
}
