/*
 * imap/copy.c - COPY (RFC 3501, 6.4.7), MOVE (RFC 6851) and their UID forms,
 * with COPYUID (RFC 4315).
 *
 * COPY is all or nothing, so it is one call of the engine.
 */
#include "imap/commands.h"
#include "imap/message_limit.h"
#include "imap/messages.h"
#include "imap/modseq.h"
#include "imap/notify.h"
#include "imap/places.h"

static bool
parse(struct imap_session *s, struct imap_parser *ps, struct uidset *seqs,
    char **name)
{
	bool uid = s->run->def->traits & IMAP_UID;

	return imap_space(ps) && imap_messages(s, ps, uid, seqs) &&
	       imap_space(ps) && imap_mailbox(ps, name) && imap_end(ps);
}

/*
 * Takes those away that another session has expunged. True: there were some.
 */
static bool
drop_missing(struct imap_session *s, struct uidset *uids)
{
	struct uidset gone = { 0 };
	bool missing;

	for (size_t i = 0; i < uids->n; i++) {
		uint32_t seq = view_seq(s->view, uids->r[i].first);

		for (uint32_t uid = uids->r[i].first;; uid++, seq++) {
			struct pst_row row;

			view_rows(s->view, seq, 1, &row);
			if (row.uid == 0)
				uidset_add(&gone, uid, uid);
			if (uid == uids->r[i].last)
				break;
		}
	}
	missing = gone.n > 0;
	for (size_t i = 0; i < gone.n; i++)
		uidset_remove(uids, gone.r[i].first, gone.r[i].last);
	uidset_fini(&gone);
	return missing;
}

/* The new uids in the order of the old ones, neighbours as ranges. */
static void
put_copies(struct buf *out, const uint32_t *uid, size_t n)
{
	for (size_t i = 0, end; i < n; i = end) {
		for (end = i + 1; end < n && uid[end] == uid[end - 1] + 1;)
			end++;
		if (i > 0)
			(void)buf_putc(out, ',');
		(void)buf_put_u64(out, uid[i]);
		if (end - i > 1) {
			(void)buf_putc(out, ':');
			(void)buf_put_u64(out, uid[end - 1]);
		}
	}
}

static void
put_copyuid(struct buf *out, const struct view_copied *copied)
{
	(void)buf_puts(out, "OK [COPYUID ");
	(void)buf_put_u64(out, copied->uidvalidity);
	(void)buf_putc(out, ' ');
	(void)uidset_print(&copied->source, out);
	(void)buf_putc(out, ' ');
	put_copies(out, copied->copy, copied->n);
	(void)buf_puts(out, "] ");
}

static enum imap_step
moved_ok(struct imap_session *s, uint32_t lowest)
{
	if (!(s->enabled & IMAP_CONDSTORE))
		return imap_ok_limited(s, lowest, "Move completed");
	imap_put_limited(s, lowest);
	return imap_ok_expunged(s, "Move completed");
}

static enum imap_step
copied_ok(struct imap_session *s, const struct view_copied *copied, bool move,
    uint32_t lowest)
{
	struct buf *reply = &s->run->reply;
	struct buf *out = imap_out(s);

	if (copied->n == 0)
		return imap_ok(
		    s, move ? "No messages moved" : "No messages copied");
	if (!move) {
		buf_clear(reply);
		put_copyuid(reply, copied);
		(void)buf_puts(reply, "Copy completed");
		return imap_finish(s);
	}
	/* RFC 6851, 4.3: before any EXPUNGE. */
	(void)buf_puts(out, "* ");
	put_copyuid(out, copied);
	(void)buf_puts(out, "Moved\r\n");
	return moved_ok(s, lowest);
}

static enum imap_step
copy_set(struct imap_session *s, struct uidset *uids, const char *name,
    bool move, uint32_t lowest)
{
	struct view_copied copied = { 0 };
	struct mail_place to;
	struct pst_error err;
	enum imap_step step;
	enum pst_rc rc = imap_place(s, name, ACL_INSERT, &to, &err);

	if (rc == PST_OK) {
		rc = view_copy_to(
		    s->view, uidset_peek(uids), &to, move, &copied, &err);
		mail_place_fini(&to);
	}
	if (rc == PST_OK)
		step = copied_ok(s, &copied, move, lowest);
	else
		step = imap_fail(s, &err, "[TRYCREATE] Mailbox does not exist");
	for (size_t i = 0; i < copied.n; i++)
		imap_notify_own(s, name, copied.copy[i]);
	view_copied_fini(&copied);
	return step;
}

static enum imap_step
copy(struct imap_session *s, struct imap_parser *ps, bool move)
{
	struct uidset seqs = { 0 }, uids = { 0 };
	enum imap_step step;
	uint32_t at = 1, lowest;
	bool missing;
	char *name;

	if (!parse(s, ps, &seqs, &name)) {
		step = imap_bad_arguments(s, ps);
		goto out;
	}
	lowest = imap_limit_messages(s, &seqs);
	if (lowest != 0 && !move) { /* RFC 9738: COPY is all or nothing */
		step = imap_over_limit(s, lowest);
		goto out;
	}
	imap_uids_of(s, &seqs, &at, SIZE_MAX, &uids);
	missing = drop_missing(s, &uids);
	if (missing && !(s->run->def->traits & IMAP_UID))
		step = imap_no(s, /* RFC 2180, 4.4 */
		    "[EXPUNGEISSUED] Some of the messages no longer exist");
	else
		step = copy_set(s, &uids, name, move, lowest);
out:
	uidset_fini(&seqs);
	uidset_fini(&uids);
	return step;
}

enum imap_step
imap_copy(struct imap_session *s, struct imap_parser *ps)
{
	return copy(s, ps, false);
}

enum imap_step
imap_move(struct imap_session *s, struct imap_parser *ps)
{
	return copy(s, ps, true);
}
