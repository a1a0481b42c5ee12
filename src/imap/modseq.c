/*
 * imap/modseq.c - what mod-sequences and uids change in the responses (RFC
 * 7162, 3.1 and 3.2.10; RFC 9586).
 */
#include "imap/modseq.h"

#include "base/str.h"
#include "imap/notify.h"
#include "imap/respond.h"

enum { VANISHED_LINE = 500 }; /* ranges in one response */

void
imap_put_highestmodseq(struct imap_session *s)
{
	struct buf *out = imap_out(s);

	(void)buf_puts(out, "* OK [HIGHESTMODSEQ ");
	(void)buf_put_u64(out, view_modseq(s->view));
	(void)buf_puts(out, "] Highest\r\n");
}

void
imap_condstore(struct imap_session *s)
{
	if (s->enabled & IMAP_CONDSTORE)
		return;
	s->enabled |= IMAP_CONDSTORE;
	if (s->view != NULL)
		imap_put_highestmodseq(s);
}

enum imap_step
imap_ok_expunged(struct imap_session *s, const char *text)
{
	struct buf *reply = &s->run->reply;
	struct pst_box_state state;

	if (!(s->enabled & IMAP_CONDSTORE) ||
	    !(imap_notify_selected(s) & IMAP_NOTIFY_FLAGS))
		return imap_ok(s, text);
	/* All up to this is told before the tagged answer. */
	view_state(s->view, &state);
	buf_clear(reply);
	(void)buf_puts(reply, "OK [HIGHESTMODSEQ ");
	(void)buf_put_u64(reply, state.highestmodseq);
	(void)buf_puts(reply, "] ");
	(void)buf_puts(reply, text);
	return imap_finish(s);
}

bool
imap_modseq(struct imap_parser *ps, uint64_t *out)
{
	if (!imap_number64(ps, out))
		return false;
	return *out <= INT64_MAX || imap_bad(ps, "Number is too large");
}

bool
imap_put_earlier(struct imap_session *s, const struct uidset *uids, size_t *at)
{
	while (*at < uids->n) {
		size_t left = uids->n - *at;
		size_t n = left < VANISHED_LINE ? left : (size_t)VANISHED_LINE;
		struct uidset part = { .r = uids->r + *at, .n = n };
		struct buf *out = imap_out(s);

		if (net_output_full(s->c))
			return false;
		(void)buf_puts(out, "* VANISHED (EARLIER) ");
		(void)uidset_print(&part, out);
		(void)buf_puts(out, "\r\n");
		*at += n;
	}
	return true;
}

void
imap_put_fetch(struct imap_session *s, uint32_t seq, uint32_t uid)
{
	struct buf *out = imap_out(s);
	bool uids = s->enabled & IMAP_UIDONLY;

	(void)buf_puts(out, "* ");
	(void)buf_put_u64(out, uids ? uid : seq);
	(void)buf_puts(out, uids ? " UIDFETCH (" : " FETCH (");
}

void
imap_put_modseq(struct buf *out, uint64_t modseq)
{
	(void)buf_puts(out, "MODSEQ (");
	(void)buf_put_u64(out, modseq);
	(void)buf_putc(out, ')');
}

void
imap_put_changed(
    struct imap_session *s, uint32_t seq, const struct pst_row *row, bool brief)
{
	const struct imap_command *def = s->run->def;
	bool modseq = s->enabled & IMAP_CONDSTORE;
	/* RFC 9051, 7.5.2 and RFC 5465, 5.1: what nobody asked for tells the
	 * UID. */
	bool uid = modseq || (s->enabled & IMAP_REV2) || s->notify != NULL ||
		   (def != NULL && (def->traits & IMAP_UID));
	struct buf *out = imap_out(s);

	imap_put_fetch(s, seq, row->uid);
	/* RFC 7162, 3.2.4: both, whoever caused it. */
	if (uid && !(s->enabled & IMAP_UIDONLY)) {
		(void)buf_puts(out, "UID ");
		(void)buf_put_u64(out, row->uid);
		(void)buf_putc(out, ' ');
	}
	if (modseq)
		imap_put_modseq(out, row->modseq);
	if (!brief || !modseq) {
		(void)buf_puts(out, modseq ? " FLAGS " : "FLAGS ");
		imap_put_flags(out, row->flags, row->keywords,
		    imap_is_recent(s, row->uid), view_keywords(s->view));
	}
	(void)buf_puts(out, ")\r\n");
}

bool
imap_needs_uid(const struct imap_command *def)
{
	char name[64];

	/* EXPUNGE tells uids then, and UID EXPUNGE is another command. */
	if ((def->traits & IMAP_UID) || str_is(str_of(def->name), "EXPUNGE"))
		return false;
	(void)snprintf(name, sizeof(name), "UID %s", def->name);
	return imap_command_find(str_of(name)) != NULL;
}
