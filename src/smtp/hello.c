/*
 * smtp/hello.c - HELO, EHLO and LHLO (RFC 5321, 4.1.1.1; RFC 2033, 4.1), and
 * what is announced.
 *
 * DSN (RFC 3461) only when there is a queue: notifications may have to go to
 * other servers. LMTP has answers of its own for each recipient.
 */
#include "base/str.h"
#include "smtp/session.h"

#include <inttypes.h>
#include <stdlib.h>

/* RFC 5321, 4.1.4: a greeting in the middle is a RSET. */
static bool
greeted(struct smtp_session *s, struct pst_str name, bool extended)
{
	if (!smtp_is_host(name))
		return false;
	smtp_envelope_end(s);
	free(s->hello);
	s->hello = str_dup(name);
	s->extended = extended;
	return true;
}

enum net_next
smtp_run_hello(struct smtp_session *s, struct pst_str args)
{
	if (!greeted(s, args, false))
		return smtp_error(s, "501 5.5.4 Say HELO and your host's name");
	return smtp_replyf(s, "250 %s", smtp_config(s)->hostname);
}

/* RFC 9422: what one transaction and one connection may hold. */
static void
announce_limits(struct buf *out, const struct config *cfg)
{
	(void)buf_printf(out,
	    "250-LIMITS RCPTMAX=%" PRId64 " MAILMAX=%" PRId64 "\r\n",
	    cfg->smtp.recipients, cfg->smtp.messages);
}

enum net_next
smtp_run_ehlo(struct smtp_session *s, struct pst_str args)
{
	const struct config *cfg = smtp_config(s);
	struct net_conn *c = s->conn;
	struct buf *out = net_output(c);

	if (!greeted(s, args, true))
		return smtp_error(s, "501 5.5.4 Your host's name is missing");
	(void)buf_printf(out, "250-%s\r\n", cfg->hostname);
	(void)buf_puts(out, "250-PIPELINING\r\n");
	(void)buf_printf(
	    out, "250-SIZE %" PRId64 "\r\n", cfg->smtp.message_size);
	if (net_tls_offered(c))
		(void)buf_puts(out, "250-STARTTLS\r\n");
	if (s->kind == SMTP_SUBMISSION && s->local == NULL &&
	    net_auth_allowed(c))
		(void)buf_printf(
		    out, "250-AUTH %s\r\n", sasl_mechanisms(net_tls_active(c)));
	(void)buf_puts(out, "250-ENHANCEDSTATUSCODES\r\n"
			    "250-8BITMIME\r\n"
			    "250-SMTPUTF8\r\n"
			    "250-CHUNKING\r\n"
			    "250-BINARYMIME\r\n");
	if (net_tls_active(c))
		(void)buf_puts(out, "250-REQUIRETLS\r\n");
	if (s->services->outbound != NULL && s->kind != SMTP_LMTP)
		(void)buf_puts(out, "250-DSN\r\n");
	announce_limits(out, cfg);
	return smtp_reply(s, "250 HELP");
}
