/*
 * pop3/uidl.c - UIDL (RFC 1939, 7).
 *
 * The id of a message is the one that it brought from another server, or else
 * our own (mailbox/uidl.h).
 */
#include "mailbox/uidl.h"

#include "base/str.h"
#include "pop3/session.h"

void
pop3_uidl_end(struct pop3_session *s)
{
	mailbox_uidls_free(&s->uidls);
}

static void
put_line(struct pop3_session *s, uint32_t number)
{
	struct buf *out = net_output(s->conn);
	uint32_t uid = s->message[number - 1].uid;
	struct pst_str kept = mailbox_uidl(s->uidls, uid);
	char own[17];

	mailbox_uidl_own(s->uidvalidity, uid, own);
	(void)buf_put_u64(out, number);
	(void)buf_putc(out, ' ');
	if (kept.n > 0)
		(void)buf_add_str(out, kept);
	else
		(void)buf_puts(out, own);
	(void)buf_add(out, "\r\n", 2);
}

static enum net_next
uidl_more(struct pop3_session *s)
{
	return pop3_list_more(s, put_line);
}

/* Once in a session: they do not change. */
static enum pst_rc
read_kept(struct pop3_session *s, struct pst_error *err)
{
	struct pst_box_state state;

	if (s->uidls != NULL)
		return PST_OK;
	view_state(s->view, &state);
	s->uidvalidity = state.uidvalidity;
	return mailbox_uidls_read(
	    s->account, "INBOX", s->uidvalidity, &s->uidls, err);
}

enum net_next
pop3_run_uidl(struct pop3_session *s, struct pst_str args)
{
	enum net_next next = NET_READ;
	const struct pop3_message *m;
	struct pst_error err;

	if (read_kept(s, &err) != PST_OK)
		return pop3_fail(s, &err, POP3_TEXT_CANNOT_READ);
	if (str_trim(args).n == 0) {
		(void)pop3_ok(s, POP3_TEXT_UIDS);
		return pop3_list_begin(s, uidl_more);
	}
	m = pop3_maildrop_find(s, args, &next);
	if (m == NULL)
		return next;
	(void)buf_puts(net_output(s->conn), "+OK ");
	put_line(s, (uint32_t)(m - s->message) + 1);
	return NET_READ;
}
