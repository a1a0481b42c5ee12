/*
 * pop3/stls.c - STLS (RFC 2595, 4).
 *
 * What follows the command in plain text could have been put there by somebody
 * else and would be taken for the client's words under TLS: it ends the
 * connection.
 */
#include "pop3/session.h"

enum net_next
pop3_run_stls(struct pop3_session *s, struct pst_str args)
{
	struct net_conn *c = s->conn;

	(void)args;
	if (net_tls_active(c))
		return pop3_bad(s, POP3_TEXT_TLS_ACTIVE);
	if (!net_tls_offered(c))
		return pop3_bad(s, POP3_TEXT_TLS_MISSING);
	if (s->utf8) /* RFC 6856, 2.1 */
		return pop3_bad(s, POP3_TEXT_TLS_LATE);
	pop3_consume_line(s);
	if (net_input(c).n > 0) {
		(void)pop3_bad(s, POP3_TEXT_TLS_DATA);
		return NET_CLOSE;
	}
	(void)pop3_ok(s, POP3_TEXT_TLS_BEGIN);
	return net_start_tls(c) ? NET_READ : NET_ABORT;
}
