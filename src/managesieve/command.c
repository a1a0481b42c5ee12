/*
 * managesieve/command.c - the table of commands, and what holds for all of
 * them.
 */
#include "base/str.h"
#include "managesieve/session.h"

enum {
	UNKNOWN = MANAGESIEVE_UNKNOWN,
	KNOWN = MANAGESIEVE_KNOWN,
	ANY = MANAGESIEVE_ANY
};

/* Sorted by name: managesieve_command_find() bisects. */
static const struct managesieve_command commands[] = {
	/* name  allowed in  arguments  run */
	{ "AUTHENTICATE", UNKNOWN, "sS", managesieve_authenticate },
	{ "CAPABILITY", ANY, "", managesieve_capability },
	{ "CHECKSCRIPT", KNOWN, "s", managesieve_checkscript },
	{ "DELETESCRIPT", KNOWN, "s", managesieve_deletescript },
	{ "GETSCRIPT", KNOWN, "s", managesieve_getscript },
	{ "HAVESPACE", KNOWN, "sn", managesieve_havespace },
	{ "LISTSCRIPTS", KNOWN, "", managesieve_listscripts },
	{ "LOGOUT", ANY, "", managesieve_logout },
	{ "NOOP", ANY, "S", managesieve_noop },
	{ "PUTSCRIPT", KNOWN, "ss", managesieve_putscript },
	{ "RENAMESCRIPT", KNOWN, "ss", managesieve_renamescript },
	{ "SETACTIVE", KNOWN, "s", managesieve_setactive },
	{ "STARTTLS", UNKNOWN, "", managesieve_starttls },
	{ "UNAUTHENTICATE", KNOWN, "", managesieve_unauthenticate },
};
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

const struct managesieve_command *
managesieve_commands(size_t *n_r)
{
	*n_r = COMMANDS;
	return commands;
}

const struct managesieve_command *
managesieve_command_find(struct pst_str verb)
{
	size_t low = 0, high = COMMANDS;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = str_cmp_case(verb, str_of(commands[middle].name));

		if (order == 0)
			return &commands[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

static bool
fits(const struct managesieve_command *c, const struct managesieve_parser *p)
{
	size_t n = strlen(c->args);

	if (p->args > n)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (i == p->args)
			return c->args[i] == 'S';
		if ((c->args[i] == 'n') != (p->kind[i] == MANAGESIEVE_NUMBER))
			return false;
	}
	return true;
}

/* What was said, with the sizes of strings in place of long ones. */
static void
trace(struct managesieve_session *s, const struct managesieve_command *c)
{
	enum { SHOWN = 128 };
	const struct managesieve_parser *p = &s->parser;
	struct buf line;

	if (!net_traced(s->conn))
		return;
	buf_init(&line, 1024);
	(void)buf_add(&line, p->verb, p->verb_n);
	if (c != NULL && c->run == managesieve_authenticate)
		(void)buf_puts(&line, " (hidden)");
	else if (c != NULL)
		for (size_t i = 0; i < p->args && i < MANAGESIEVE_ARGS; i++) {
			struct pst_str arg = managesieve_arg(s, i);

			(void)buf_putc(&line, ' ');
			if (p->kind[i] == MANAGESIEVE_NUMBER)
				(void)buf_add_str(&line, str_first(arg, 16));
			else if (arg.n <= SHOWN && str_find(arg, '\n') == arg.n)
				managesieve_put_string(&line, arg);
			else
				(void)buf_printf(&line, "{%zu+}", arg.n);
		}
	net_trace_client(s->conn, buf_str(&line));
	buf_fini(&line);
}

static enum net_next
too_large(
    struct managesieve_session *s, const struct managesieve_command *command)
{
	if (command->run == managesieve_putscript ||
	    command->run == managesieve_checkscript)
		return managesieve_bad(
		    s, MANAGESIEVE_SIZE, "The script is too long");
	return managesieve_bad(s, NULL, "An argument is too long");
}

enum net_next
managesieve_run(struct managesieve_session *s, bool is_large)
{
	const struct managesieve_parser *p = &s->parser;
	const struct managesieve_command *command = managesieve_command_find(
	    str_n(p->verb, p->verb_n));

	trace(s, command);
	if (command == NULL)
		return managesieve_bad(s, NULL, "Unknown command");
	if (!(command->states & s->state))
		return managesieve_bad(s, NULL,
		    s->state == MANAGESIEVE_UNKNOWN
			? "Log in first"
			: "You are logged in already");
	if (is_large)
		return too_large(s, command);
	if (!fits(command, p))
		return managesieve_bad(
		    s, NULL, "These are not the arguments of this command");
	return command->run(s);
}

enum net_next
managesieve_noop(struct managesieve_session *s)
{
	struct buf *out = net_output(s->conn);

	if (s->parser.args == 0)
		return managesieve_ok(s, NULL);
	(void)buf_puts(out, "OK (TAG ");
	managesieve_put_string(out, managesieve_arg(s, 0));
	(void)buf_puts(out, ") \"Done\"\r\n");
	return NET_READ;
}

enum net_next
managesieve_logout(struct managesieve_session *s)
{
	(void)managesieve_ok(s, "Bye");
	return NET_CLOSE;
}
