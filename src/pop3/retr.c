/*
 * pop3/retr.c - RETR (RFC 1939, 5).
 */
#include "pop3/session.h"

enum net_next
pop3_run_retr(struct pop3_session *s, struct pst_str args)
{
	enum net_next next = NET_READ;
	struct pop3_message *m = pop3_maildrop_find(s, args, &next);

	return m != NULL ? pop3_send(s, m, false, 0) : next;
}
