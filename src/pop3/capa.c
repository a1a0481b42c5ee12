/*
 * pop3/capa.c - CAPA (RFC 2449, 5 and 6): what is announced is what holds now,
 * with this connection's TLS.
 */
#include "pop3/session.h"

/* How one may log in: what would be refused is not announced. */
static void
put_login(struct pop3_session *s, struct buf *out)
{
	if (!net_auth_allowed(s->conn))
		return;
	(void)buf_printf(out, "USER\r\nSASL %s\r\n", pop3_mechanisms(s));
}

/* RFC 2449, 6.5 and 6.7: both are the same for all users. */
static void
put_policy(const struct config *cfg, struct buf *out)
{
	if (cfg->pop3.login_delay > 0)
		(void)buf_printf(out, "LOGIN-DELAY %lld\r\n",
		    (long long)cfg->pop3.login_delay);
	if (cfg->pop3.expire > 0)
		(void)buf_printf(
		    out, "EXPIRE %lld\r\n", (long long)cfg->pop3.expire);
	else
		(void)buf_puts(out, "EXPIRE NEVER\r\n");
}

enum net_next
pop3_run_capa(struct pop3_session *s, struct pst_str args)
{
	struct buf *out = net_output(s->conn);

	(void)args;
	(void)pop3_ok(s, POP3_TEXT_CAPABILITIES);
	(void)buf_puts(out, "TOP\r\nUIDL\r\n");
	put_login(s, out);
	if (net_tls_offered(s->conn))
		(void)buf_puts(out, "STLS\r\n");
	(void)buf_puts(out, "RESP-CODES\r\nAUTH-RESP-CODE\r\nPIPELINING\r\n"
			    "UTF8 USER\r\nLANG\r\n");
	put_policy(pop3_config(s), out);
	(void)buf_puts(
	    out, "IMPLEMENTATION Postern-" PACKAGE_VERSION "\r\n.\r\n");
	return NET_READ;
}
