/*
 * pop3/command.c - the table of commands, and what holds for all of them.
 */
#include "base/str.h"
#include "pop3/parse.h"
#include "pop3/session.h"

enum {
	AUTH = POP3_AUTHORIZATION,
	TRANS = POP3_TRANSACTION,
	ARGS = POP3_NEEDS_ARGS,
	NO_ARGS = POP3_NEEDS_NO_ARGS,
};

/* Sorted by name: pop3_command_find() bisects. */
static const struct pop3_command commands[] = {
	/* name   allowed in  needs           run */
	{ "AUTH", AUTH, POP3_SECRET, pop3_run_auth },
	{ "CAPA", POP3_ANY, NO_ARGS, pop3_run_capa },
	{ "CONNECT", POP3_ANY, 0, pop3_run_foreign },
	{ "DELE", TRANS, ARGS, pop3_run_dele },
	{ "GET", POP3_ANY, 0, pop3_run_foreign },
	{ "LANG", POP3_ANY, 0, pop3_run_lang },
	{ "LIST", TRANS, 0, pop3_run_list },
	{ "NOOP", TRANS, NO_ARGS, pop3_run_noop },
	{ "PASS", AUTH, ARGS | POP3_SECRET, pop3_run_pass },
	{ "POST", POP3_ANY, 0, pop3_run_foreign },
	{ "PUT", POP3_ANY, 0, pop3_run_foreign },
	{ "QUIT", POP3_ANY, NO_ARGS, pop3_run_quit },
	{ "RETR", TRANS, ARGS, pop3_run_retr },
	{ "RSET", TRANS, NO_ARGS, pop3_run_rset },
	{ "STAT", TRANS, NO_ARGS, pop3_run_stat },
	{ "STLS", AUTH, NO_ARGS, pop3_run_stls },
	{ "TOP", TRANS, ARGS, pop3_run_top },
	{ "UIDL", TRANS, 0, pop3_run_uidl },
	{ "USER", AUTH, ARGS, pop3_run_user },
	{ "UTF8", AUTH, NO_ARGS, pop3_run_utf8 },
};

const struct pop3_command *
pop3_commands(size_t *n_r)
{
	*n_r = sizeof(commands) / sizeof(commands[0]);
	return commands;
}

const struct pop3_command *
pop3_command_find(struct pst_str verb)
{
	size_t low = 0, high = sizeof(commands) / sizeof(commands[0]);

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

static void
trace(struct pop3_session *s, struct pst_str line,
    const struct pop3_command *command)
{
	char text[32];

	if (!net_traced(s->conn))
		return;
	if (command == NULL || !(command->needs & POP3_SECRET)) {
		net_trace_client(s->conn, line);
		return;
	}
	(void)snprintf(text, sizeof(text), "%s (hidden)", command->name);
	net_trace_client(s->conn, str_of(text));
}

enum net_next
pop3_run_line(struct pop3_session *s, struct pst_str line)
{
	const struct pop3_command *command;
	struct pst_str verb, args;
	bool has_args;

	pop3_parse_line(line, &verb, &args);
	command = pop3_command_find(verb);
	trace(s, line, command);
	/* RFC 6856, 2.2: also names and passwords. */
	if (!pop3_parse_is_text(line))
		return pop3_bad(s, POP3_TEXT_NO_TEXT);
	if (command == NULL)
		return pop3_bad(s, POP3_TEXT_UNKNOWN);
	if (!(command->states & s->state))
		return pop3_bad(s, s->state == POP3_AUTHORIZATION
				       ? POP3_TEXT_NOT_YET
				       : POP3_TEXT_TOO_LATE);
	/* A password may be spaces. */
	has_args = command->run == pop3_run_pass ? args.n > 0
						 : str_trim(args).n > 0;
	if ((command->needs & ARGS) && !has_args)
		return pop3_bad(s, POP3_TEXT_ARGUMENT_MISSING);
	if ((command->needs & NO_ARGS) && has_args)
		return pop3_bad(s, POP3_TEXT_NO_ARGUMENT);
	return command->run(s, args);
}
