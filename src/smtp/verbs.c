/*
 * smtp/verbs.c - the commands without rules to speak of: RSET, NOOP, VRFY,
 * EXPN, HELP, QUIT (RFC 5321, 4.1.1.5 to 4.1.1.10).
 */
#include "smtp/session.h"

enum net_next
smtp_run_rset(struct smtp_session *s, struct pst_str args)
{
	(void)args;
	smtp_envelope_end(s);
	return smtp_reply(s, "250 2.0.0 Ok");
}

enum net_next
smtp_run_noop(struct smtp_session *s, struct pst_str args)
{
	(void)args;
	return smtp_reply(s, "250 2.0.0 Ok");
}

/* RFC 5321, 7.3: who exists here is not told to everybody. */
enum net_next
smtp_run_vrfy(struct smtp_session *s, struct pst_str args)
{
	(void)args;
	return smtp_reply(
	    s, "252 2.5.0 Cannot tell, but will accept mail and try");
}

enum net_next
smtp_run_expn(struct smtp_session *s, struct pst_str args)
{
	(void)args;
	return smtp_error(s, "502 5.5.1 Lists are not expanded here");
}

enum net_next
smtp_run_help(struct smtp_session *s, struct pst_str args)
{
	size_t n;
	const struct smtp_command *c = smtp_commands(&n);
	struct buf *out = net_output(s->conn);

	(void)args;
	(void)buf_puts(out, "214 2.0.0 Commands:");
	for (size_t i = 0; i < n; i++) {
		if ((c[i].kinds & s->kind) != 0 && c[i].run != smtp_run_foreign)
			(void)buf_printf(out, " %s", c[i].name);
	}
	return smtp_reply(s, "");
}

enum net_next
smtp_run_quit(struct smtp_session *s, struct pst_str args)
{
	(void)args;
	smtp_envelope_end(s);
	(void)smtp_reply(s, "221 2.0.0 Bye");
	return NET_CLOSE;
}

/* A browser that was tricked into talking to us: the form data that follows
 * must not be taken for commands. */
enum net_next
smtp_run_foreign(struct smtp_session *s, struct pst_str args)
{
	(void)args;
	return smtp_goodbye(s, "4.7.0", "This is not a web server");
}
