/*
 * pop3/capa.c - CAPA (RFC 2449, 5 and 6): what is announced is what holds now,
 * with this connection's TLS.
 */
#include "mailbox/retention.h"
#include "pop3/session.h"

enum { DAY = 86400 };

/* How one may log in: what would be refused is not announced. */
static void
put_login(struct pop3_session *s, struct buf *out)
{
	if (!net_auth_allowed(s->conn))
		return;
	(void)buf_printf(out, "USER\r\nSASL %s\r\n", pop3_mechanisms(s));
}

/*
 * RFC 2449, 6.7: how many days messages are kept at least, -1: for ever. What
 * is configured is for what removes mail behind our back; our own rules of
 * retention we know. Who is on hold keeps more than was promised.
 */
static int64_t
expire_days(const struct config *cfg)
{
	static const struct pst_mailbox inbox = {
		.name = "INBOX", .special_use = "", .exists = true
	};
	int64_t days = cfg->pop3.expire > 0 ? cfg->pop3.expire : -1;

	for (size_t i = 0; i < cfg->retentions; i++) {
		const struct config_retention *r = &cfg->retention[i];

		if (r->age > 0 && retention_matches(r, &inbox) &&
		    (days < 0 || r->age / DAY < days))
			days = r->age / DAY;
	}
	return days;
}

/* RFC 2449, 6.5 and 6.7: both are the same for all users. */
static void
put_policy(const struct config *cfg, struct buf *out)
{
	if (cfg->pop3.login_delay > 0)
		(void)buf_printf(out, "LOGIN-DELAY %lld\r\n",
		    (long long)cfg->pop3.login_delay);
	if (expire_days(cfg) >= 0)
		(void)buf_printf(
		    out, "EXPIRE %lld\r\n", (long long)expire_days(cfg));
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
