/*
 * smtp/reply.c - replies (RFC 5321, 4.2) with enhanced status codes (RFC 2034,
 * RFC 3463), and the log of what was refused.
 */
#include "base/str.h"
#include "base/trail.h"
#include "smtp/session.h"

enum net_next
smtp_reply(struct smtp_session *s, const char *text)
{
	struct buf *out = net_output(s->conn);

	(void)buf_puts(out, text);
	(void)buf_add(out, "\r\n", 2);
	return NET_READ;
}

enum net_next
smtp_replyf(struct smtp_session *s, const char *fmt, ...)
{
	struct buf *out = net_output(s->conn);
	va_list ap;

	va_start(ap, fmt);
	(void)buf_vprintf(out, fmt, ap);
	va_end(ap);
	(void)buf_add(out, "\r\n", 2);
	return NET_READ;
}

enum net_next
smtp_error(struct smtp_session *s, const char *text)
{
	(void)smtp_reply(s, text);
	if (++s->errors < smtp_config(s)->smtp.errors)
		return NET_READ;
	log_event(PST_LOG_INFO, net_id(s->conn), "too-many-errors", "peer",
	    net_peer(s->conn), NULL);
	return smtp_goodbye(s, "4.7.0", "Too many errors");
}

enum net_next
smtp_goodbye(struct smtp_session *s, const char *code, const char *text)
{
	(void)smtp_replyf(
	    s, "421 %s %s %s", code, smtp_config(s)->hostname, text);
	return NET_CLOSE;
}

void
smtp_log_refusal(struct smtp_session *s, const char *what,
    struct pst_str address, const char *reason)
{
	const struct smtp_envelope *env = s->env;
	char to[321], from[321];

	(void)str_copy(to, sizeof(to), address);
	(void)str_copy(
	    from, sizeof(from), env != NULL ? env->mail.from.text : STR_NONE);
	log_event(PST_LOG_INFO, net_id(s->conn), what, "id",
	    env != NULL ? env->id : NULL, "from", env != NULL ? from : NULL,
	    "to", address.n > 0 ? to : NULL, "peer", net_peer(s->conn), "user",
	    net_user(s->conn), "reason", reason, NULL);
	if (env == NULL)
		return;
	/* One refused at MAIL has told nothing else of itself. */
	trail_event(env->id, what, "from",
	    env->delivery == NULL && env->size == 0 ? from : NULL, "to",
	    address.n > 0 ? to : NULL, "client", net_peer(s->conn), "user",
	    net_user(s->conn), "reply", reason, NULL);
}

const char *
smtp_parse_reply(enum smtp_error error)
{
	switch (error) {
	case SMTP_OK:
		return "250 2.0.0 Ok";
	case SMTP_E_SYNTAX:
		return "501 5.5.4 Syntax error in the arguments";
	case SMTP_E_ADDRESS:
		return "501 5.1.3 This is not a valid address";
	case SMTP_E_PARAM:
		return "501 5.5.4 Invalid value of a parameter";
	case SMTP_E_TWICE:
		return "501 5.5.4 A parameter was given twice";
	case SMTP_E_UNKNOWN:
		return "555 5.5.4 Unknown parameter";
	case SMTP_E_MEMORY:
		break;
	}
	return "452 4.3.1 Too much in one transaction";
}
