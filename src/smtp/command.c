/*
 * smtp/command.c - the table of commands, and what holds for many of them.
 */
#include "base/str.h"
#include "smtp/session.h"

enum {
	HELLO = SMTP_NEEDS_HELLO,
	LOGIN = SMTP_NEEDS_LOGIN,
	MAIL = SMTP_NEEDS_MAIL,
	NO_MAIL = SMTP_NEEDS_NO_MAIL,
	ARGS = SMTP_NEEDS_ARGS,
	NO_ARGS = SMTP_NEEDS_NO_ARGS,
	CLIENT = SMTP_NEEDS_CLIENT,
	BOTH = SMTP_SERVER | SMTP_SUBMISSION,
};

/* Sorted by name: smtp_command_find() bisects. */
static const struct smtp_command commands[] = {
	/* name    spoken in        needs                    run */
	{ "AUTH", SMTP_SUBMISSION, HELLO | ARGS | NO_MAIL, smtp_run_auth },
	{ "BDAT", SMTP_ANY, HELLO | ARGS, smtp_run_bdat },
	{ "CONNECT", SMTP_ANY, 0, smtp_run_foreign },
	{ "DATA", SMTP_ANY, HELLO | MAIL | NO_ARGS, smtp_run_data },
	{ "EHLO", BOTH, 0, smtp_run_ehlo },
	{ "EXPN", SMTP_ANY, 0, smtp_run_expn },
	{ "GET", SMTP_ANY, 0, smtp_run_foreign },
	{ "HELO", BOTH, 0, smtp_run_hello },
	{ "HELP", SMTP_ANY, 0, smtp_run_help },
	{ "LHLO", SMTP_LMTP, 0, smtp_run_ehlo },
	{ "MAIL", SMTP_ANY, HELLO | LOGIN | NO_MAIL | ARGS | CLIENT,
	    smtp_run_mail },
	{ "NOOP", SMTP_ANY, 0, smtp_run_noop },
	{ "POST", SMTP_ANY, 0, smtp_run_foreign },
	{ "PUT", SMTP_ANY, 0, smtp_run_foreign },
	{ "QUIT", SMTP_ANY, NO_ARGS, smtp_run_quit },
	{ "RCPT", SMTP_ANY, HELLO | MAIL | ARGS, smtp_run_rcpt },
	{ "RSET", SMTP_ANY, NO_ARGS, smtp_run_rset },
	{ "STARTTLS", SMTP_ANY, HELLO | NO_ARGS, smtp_run_starttls },
	{ "VRFY", SMTP_ANY, ARGS, smtp_run_vrfy },
};

const struct smtp_command *
smtp_commands(size_t *n_r)
{
	*n_r = sizeof(commands) / sizeof(commands[0]);
	return commands;
}

const struct smtp_command *
smtp_command_find(enum smtp_kind kind, struct pst_str verb)
{
	size_t low = 0, high = sizeof(commands) / sizeof(commands[0]);

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct smtp_command *c = &commands[middle];
		int order = str_cmp_case(verb, str_of(c->name));

		if (order == 0)
			return (c->kinds & kind) != 0 ? c : NULL;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

/* The reply to a command that cannot be given now, or NULL. */
static const char *
out_of_place(
    const struct smtp_session *s, const struct smtp_command *c, bool has_args)
{
	if ((c->needs & ARGS) != 0 && !has_args)
		return "501 5.5.4 An argument is missing";
	if ((c->needs & NO_ARGS) != 0 && has_args)
		return "501 5.5.4 No argument is allowed here";
	if ((c->needs & HELLO) != 0 && s->hello == NULL)
		return s->kind == SMTP_LMTP ? "503 5.5.1 Say LHLO first"
					    : "503 5.5.1 Say EHLO first";
	if ((c->needs & LOGIN) != 0 && s->kind == SMTP_SUBMISSION &&
	    net_user(s->conn) == NULL)
		return net_auth_allowed(s->conn)
			   ? "530 5.7.0 Log in first (AUTH)"
			   : "530 5.7.0 Start TLS (STARTTLS) and log in (AUTH) "
			     "first";
	if ((c->needs & MAIL) != 0 && s->env == NULL)
		return "503 5.5.1 Say MAIL first";
	if ((c->needs & NO_MAIL) != 0 && s->env != NULL)
		return "503 5.5.1 Not within a mail transaction";
	return NULL;
}

static bool
has_control(struct pst_str line)
{
	for (size_t i = 0; i < line.n; i++) {
		unsigned char c = (unsigned char)line.p[i];

		if ((c < 32 && c != '\t') || c == 127)
			return true;
	}
	return false;
}

/* RFC 4954: what follows the mechanism is a secret. */
static void
trace_line(struct smtp_session *s, struct pst_str line, struct pst_str verb,
    struct pst_str args)
{
	struct pst_str mechanism = str_first(args, str_find(args, ' '));
	struct buf text;

	if (!str_is_case(verb, "AUTH") || mechanism.n == args.n) {
		net_trace_client(s->conn, line);
		return;
	}
	buf_init(&text, 512);
	(void)buf_puts(&text, "AUTH ");
	(void)buf_add_str(&text, mechanism);
	(void)buf_puts(&text, " (hidden)");
	net_trace_client(s->conn, buf_str(&text));
	buf_fini(&text);
}

/* Back into the input, until the connection is woken. */
static enum net_next
put_off(struct smtp_session *s)
{
	s->line_used = 0;
	s->mode = SMTP_PUT_OFF;
	return NET_WAIT;
}

enum net_next
smtp_run_line(struct smtp_session *s, struct pst_str line)
{
	const struct smtp_command *c;
	struct pst_str verb, args;
	const char *refusal;

	smtp_parse_line(line, &verb, &args);
	c = smtp_command_find(s->kind, verb);
	if (c != NULL && (c->needs & CLIENT) != 0 && !smtp_guard_ready(s))
		return put_off(s);
	if (net_traced(s->conn))
		trace_line(s, line, verb, args);
	/* RFC 5321, 4.1.1.4: neither a bare CR or LF nor NUL is ever right. */
	if (has_control(line))
		return smtp_error(
		    s, "500 5.5.2 Control characters in a command");
	if (c == NULL)
		return smtp_error(s, "500 5.5.1 Unknown command");
	refusal = out_of_place(s, c, args.n > 0);
	if (refusal != NULL && c->run != smtp_run_bdat)
		return smtp_error(s, refusal);
	return c->run(s, args);
}
