/*
 * pop3/reply.c - one-line answers (RFC 1939, 3), with response codes (RFC 2449,
 * 8).
 */
#include "pop3/session.h"

const char *
pop3_say(const struct pop3_session *s, enum pop3_text text)
{
	return pop3_text((enum pop3_language)s->language, text);
}

enum net_next
pop3_ok(struct pop3_session *s, enum pop3_text text)
{
	(void)buf_printf(net_output(s->conn), "+OK %s\r\n", pop3_say(s, text));
	return NET_READ;
}

enum net_next
pop3_err(struct pop3_session *s, const char *code, enum pop3_text text)
{
	struct buf *out = net_output(s->conn);

	if (code != NULL)
		(void)buf_printf(
		    out, "-ERR [%s] %s\r\n", code, pop3_say(s, text));
	else
		(void)buf_printf(out, "-ERR %s\r\n", pop3_say(s, text));
	return NET_READ;
}

enum net_next
pop3_bad_code(struct pop3_session *s, const char *code, enum pop3_text text)
{
	if (++s->errors < pop3_config(s)->pop3.errors)
		return pop3_err(s, code, text);
	log_event(PST_LOG_INFO, net_id(s->conn), "too-many-errors", "protocol",
	    "pop3", "user", net_user(s->conn), "peer", net_peer(s->conn), NULL);
	(void)pop3_err(s, code, POP3_TEXT_TOO_MANY_ERRORS);
	return NET_CLOSE;
}

enum net_next
pop3_bad(struct pop3_session *s, enum pop3_text text)
{
	return pop3_bad_code(s, NULL, text);
}

enum net_next
pop3_fail(
    struct pop3_session *s, const struct pst_error *err, enum pop3_text text)
{
	bool temporary = false;

	switch (err->rc) {
	case PST_OK:
	case PST_E_TEMP:
	case PST_E_NOSPACE:
		log_failure(PST_LOG_ERROR, net_id(s->conn), "pop3", err);
		temporary = true;
		break;
	case PST_E_CONFLICT:
	case PST_E_LIMIT:
	case PST_E_QUOTA:
	case PST_E_STALE:
		temporary = true;
		break;
	case PST_E_PERM:
	case PST_E_NOTFOUND:
	case PST_E_EXISTS:
	case PST_E_DENIED:
	case PST_E_SYNTAX:
	case PST_E_READONLY:
	case PST_E_UNSUPPORTED:
		break;
	}
	return pop3_err(s, temporary ? POP3_CODE_TEMP : POP3_CODE_PERM, text);
}
