/*
 * pop3/dele.c - DELE, RSET, NOOP (RFC 1939, 5). Nothing is removed before QUIT.
 */
#include "pop3/session.h"

enum net_next
pop3_run_dele(struct pop3_session *s, struct pst_str args)
{
	enum net_next next = NET_READ;
	struct pop3_message *m = pop3_maildrop_find(s, args, &next);

	if (m == NULL)
		return next;
	m->marks |= POP3_DELETED;
	return pop3_ok(s, POP3_TEXT_MARKED);
}

enum net_next
pop3_run_rset(struct pop3_session *s, struct pst_str args)
{
	(void)args;
	for (uint32_t i = 0; i < s->messages; i++)
		s->message[i].marks &= (unsigned char)~POP3_DELETED;
	return pop3_totals(s);
}

enum net_next
pop3_run_noop(struct pop3_session *s, struct pst_str args)
{
	(void)args;
	(void)buf_puts(net_output(s->conn), "+OK\r\n");
	return NET_READ;
}
