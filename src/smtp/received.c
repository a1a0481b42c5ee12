/*
 * smtp/received.c - the Received field (RFC 5321, 4.4), with the protocol
 * names of RFC 3848 and RFC 6531, 4.3.
 */
#include "base/clock.h"
#include "base/str.h"
#include "message/header.h"
#include "smtp/session.h"

enum { ADDRESS_SHOWN = 512 };

/* "from" tells what the client said of itself and where it really was. */
static void
put_from(const struct smtp_session *s, struct buf *out)
{
	const char *peer = net_peer(s->conn), *name = NULL;

	if (s->kind == SMTP_SUBMISSION &&
	    smtp_config(s)->smtp.received_hide_client) {
		/* RFC 5321, 4.4 wants a From-domain in any case. */
		(void)buf_puts(
		    out, "from authenticated-user (address withheld)\r\n\t");
		return;
	}
	(void)buf_printf(out, "from %s", s->hello);
	if (s->client != NULL)
		name = guard_client_name(s->client);
	if (strpbrk(peer, ":.") != NULL)
		(void)buf_printf(out, " (%s%s[%s%s])", name != NULL ? name : "",
		    name != NULL ? " " : "",
		    strchr(peer, ':') != NULL ? "IPv6:" : "", peer);
	(void)buf_puts(out, "\r\n\t");
}

static void
put_with(const struct smtp_session *s, struct buf *out)
{
	bool tls = net_tls_active(s->conn);
	bool user = s->kind == SMTP_SUBMISSION && net_user(s->conn) != NULL;
	bool lmtp = s->kind == SMTP_LMTP;

	(void)buf_puts(out, " with ");
	if (s->env->mail.utf8)
		(void)buf_puts(out, lmtp ? "UTF8LMTP" : "UTF8SMTP");
	else if (lmtp)
		(void)buf_puts(out, "LMTP");
	else
		(void)buf_puts(
		    out, s->extended || tls || user ? "ESMTP" : "SMTP");
	if (tls)
		(void)buf_putc(out, 'S');
	if (user)
		(void)buf_putc(out, 'A');
}

void
smtp_received(const struct smtp_session *s, struct buf *out)
{
	const struct smtp_envelope *env = s->env;
	const char *tls = net_tls_info(s->conn);
	char date[40];

	(void)buf_puts(out, "Received: ");
	put_from(s, out);
	if (tls[0] != '\0')
		(void)buf_printf(out, "(%s)\r\n\t", tls);
	(void)buf_printf(out, "by %s (Postern)", smtp_config(s)->hostname);
	put_with(s, out);
	(void)buf_printf(out, "\r\n\tid %s", env->id);
	/* With more than one, each would learn of the others. */
	if (env->recipients == 1 && env->first->rcpt.to.text.n < ADDRESS_SHOWN)
		(void)buf_printf(
		    out, "\r\n\tfor <%.*s>", STR_ARG(env->first->rcpt.to.text));
	msg_format_date(clock_seconds(), 0, date);
	(void)buf_printf(out, ";\r\n\t%s\r\n", date);
}
