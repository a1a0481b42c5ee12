/*
 * managesieve/respond.c - OK, NO and BYE (RFC 5804, 1.2), with response codes
 * (1.3).
 */
#include "base/str.h"
#include "managesieve/session.h"

enum { QUOTED = 1024 }; /* octets of a quoted string, at most (4) */

static bool
can_be_quoted(struct pst_str text)
{
	size_t n = text.n;

	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];

		if (c == '\0' || c == '\r' || c == '\n')
			return false;
		n += c == '"' || c == '\\';
	}
	return n <= QUOTED && str_is_utf8(text);
}

void
managesieve_put_string(struct buf *out, struct pst_str text)
{
	if (!can_be_quoted(text)) {
		(void)buf_printf(out, "{%zu}\r\n", text.n);
		(void)buf_add_str(out, text);
		return;
	}
	(void)buf_putc(out, '"');
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == '"' || text.p[i] == '\\')
			(void)buf_putc(out, '\\');
		(void)buf_putc(out, text.p[i]);
	}
	(void)buf_putc(out, '"');
}

static void
put(struct managesieve_session *s, const char *word, const char *code,
    const char *text)
{
	struct buf *out = net_output(s->conn);

	(void)buf_puts(out, word);
	if (code != NULL)
		(void)buf_printf(out, " (%s)", code);
	if (text != NULL) {
		(void)buf_putc(out, ' ');
		managesieve_put_string(out, str_of(text));
	}
	(void)buf_puts(out, "\r\n");
}

enum net_next
managesieve_ok(struct managesieve_session *s, const char *text)
{
	put(s, "OK", NULL, text);
	return NET_READ;
}

enum net_next
managesieve_no(
    struct managesieve_session *s, const char *code, const char *text)
{
	put(s, "NO", code, text);
	return NET_READ;
}

enum net_next
managesieve_bye(
    struct managesieve_session *s, const char *code, const char *text)
{
	put(s, "BYE", code, text);
	return NET_CLOSE;
}

enum net_next
managesieve_bad(
    struct managesieve_session *s, const char *code, const char *text)
{
	if (++s->errors < managesieve_config(s)->managesieve.errors)
		return managesieve_no(s, code, text);
	log_event(PST_LOG_INFO, net_id(s->conn), "too-many-errors", "protocol",
	    "managesieve", "user", net_user(s->conn), "peer", net_peer(s->conn),
	    NULL);
	return managesieve_bye(s, code, "Too many errors");
}

enum net_next
managesieve_fail(struct managesieve_session *s, const struct pst_error *err)
{
	switch (err->rc) {
	case PST_E_NOTFOUND:
		return managesieve_no(
		    s, MANAGESIEVE_NONE, "There is no script of that name");
	case PST_E_EXISTS:
		return managesieve_no(s, MANAGESIEVE_EXISTS,
		    "There is a script of that name already");
	case PST_E_CONFLICT:
		return managesieve_no(
		    s, MANAGESIEVE_ACTIVE, "The script is active");
	case PST_E_SYNTAX:
		return managesieve_no(
		    s, NULL, "This cannot be the name of a script");
	case PST_E_QUOTA:
	case PST_E_LIMIT:
		return managesieve_no(
		    s, MANAGESIEVE_QUOTA, "There is no room for it");
	case PST_OK:
	case PST_E_TEMP:
	case PST_E_NOSPACE:
		log_failure(PST_LOG_ERROR, net_id(s->conn), "managesieve", err);
		return managesieve_no(
		    s, MANAGESIEVE_LATER, "That cannot be done now");
	case PST_E_PERM:
	case PST_E_DENIED:
	case PST_E_STALE:
	case PST_E_READONLY:
	case PST_E_UNSUPPORTED:
		break;
	}
	log_failure(PST_LOG_WARNING, net_id(s->conn), "managesieve", err);
	return managesieve_no(s, NULL, "That cannot be done");
}
