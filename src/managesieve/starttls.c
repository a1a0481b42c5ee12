/*
 * managesieve/starttls.c - STARTTLS (RFC 5804, 2.2).
 *
 * What follows the command in plain text could have been put there by somebody
 * else and would be taken for the client's words under TLS: it ends the
 * connection.
 */
#include "managesieve/session.h"

enum net_next
managesieve_starttls(struct managesieve_session *s)
{
	struct net_conn *c = s->conn;

	if (net_tls_active(c))
		return managesieve_bad(s, NULL, "TLS is active already");
	if (!net_tls_offered(c))
		return managesieve_bad(s, NULL, "TLS is not available");
	if (net_input(c).n > 0)
		return managesieve_bye(s, NULL, "Data follows STARTTLS");
	(void)managesieve_ok(s, "Begin TLS now");
	return net_start_tls(c) ? NET_READ : NET_ABORT;
}
