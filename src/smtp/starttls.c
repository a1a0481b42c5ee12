/*
 * smtp/starttls.c - STARTTLS (RFC 3207).
 *
 * What follows the command in plain text could have been put there by somebody
 * else and would be taken for the client's words under TLS: it ends the
 * connection.
 */
#include "smtp/session.h"

enum net_next
smtp_run_starttls(struct smtp_session *s, struct pst_str args)
{
	struct net_conn *c = s->conn;

	(void)args;
	if (net_tls_active(c))
		return smtp_error(s, "503 5.5.1 TLS is active already");
	if (!net_tls_offered(c))
		return smtp_error(s, "454 4.7.0 TLS is not available");
	smtp_consume_line(s);
	if (net_input(c).n > 0) {
		(void)smtp_reply(s, "501 5.5.1 Data follows STARTTLS");
		return NET_CLOSE;
	}
	(void)smtp_reply(s, "220 2.0.0 Start TLS now");
	return net_start_tls(c) ? NET_READ : NET_ABORT;
}
