/*
 * imap/message_limit.c - the most messages that a command is done for.
 */
#include "imap/message_limit.h"

uint64_t
imap_message_limit(const struct imap_session *s)
{
	return (uint64_t)net_config(s->c)->imap.message_limit;
}

uint32_t
imap_limit_messages(struct imap_session *s, struct uidset *seqs)
{
	uint64_t limit = imap_message_limit(s), n = 0;
	uint32_t lowest;
	size_t i = seqs->n;

	if (limit == 0 || uidset_count(seqs) <= limit)
		return 0;
	while (n < limit) { /* there are more, so it ends before 0 */
		const struct pst_range *r = &seqs->r[--i];

		n += (uint64_t)r->last - r->first + 1;
	}
	lowest = seqs->r[i].first + (uint32_t)(n - limit);
	uidset_remove(seqs, 1, lowest - 1);
	return view_uid(s->view, lowest);
}

static void
put_code(struct imap_session *s, uint32_t lowest, struct buf *out)
{
	(void)buf_puts(out, "[MESSAGELIMIT ");
	(void)buf_put_u64(out, imap_message_limit(s));
	if (lowest != 0) {
		(void)buf_putc(out, ' ');
		(void)buf_put_u64(out, lowest);
	}
	(void)buf_puts(out, "] ");
}

enum imap_step
imap_ok_limited(struct imap_session *s, uint32_t lowest, const char *text)
{
	struct buf *reply = &s->run->reply;

	if (lowest == 0)
		return imap_ok(s, text);
	buf_clear(reply);
	(void)buf_puts(reply, "OK ");
	put_code(s, lowest, reply);
	(void)buf_puts(reply, text);
	(void)buf_puts(reply, " for the last messages");
	return imap_finish(s);
}

void
imap_put_limited(struct imap_session *s, uint32_t lowest)
{
	struct buf *out = imap_out(s);

	if (lowest == 0)
		return;
	(void)buf_puts(out, "* NO ");
	put_code(s, lowest, out);
	(void)buf_puts(out, "Done for the last messages only\r\n");
}

enum imap_step
imap_over_limit(struct imap_session *s, uint32_t lowest)
{
	struct buf *reply = &s->run->reply;

	buf_clear(reply);
	(void)buf_puts(reply, "NO ");
	put_code(s, lowest, reply);
	(void)buf_puts(reply, "Too many messages for one command");
	return imap_finish(s);
}
