/*
 * smtp/envelope.c - the life of a mail transaction.
 */
#include "base/clock.h"
#include "base/trail.h"
#include "smtp/session.h"

#include <inttypes.h>
#include <stdlib.h>

/* `value` in base 36, at least one digit; returns the end. */
static char *
put_base36(char *to, uint64_t value)
{
	char digits[16];
	size_t n = 0;

	do {
		digits[n++] =
		    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[value % 36];
		value /= 36;
	} while (value > 0);
	while (n > 0)
		*to++ = digits[--n];
	return to;
}

/* Unique as long as the clock does not go back: a connection has one
 * transaction at a time, and connections have numbers. */
static void
make_id(char id[32], uint64_t connection)
{
	char *end = put_base36(id, (uint64_t)clock_now());

	*end++ = '-';
	end = put_base36(end, connection);
	*end = '\0';
}

void
smtp_envelope_begin(struct smtp_session *s)
{
	const struct config *cfg = smtp_config(s);
	size_t line = (size_t)cfg->smtp.command_line;
	size_t lines = (size_t)cfg->smtp.recipients + 16;
	struct smtp_envelope *env = mem_alloc(sizeof(*env));

	/* A line is copied at most three times: path, parts, parameters. */
	env->arena = arena_new(
	    lines * (line * 3 + sizeof(struct smtp_recipient)));
	make_id(env->id, net_id(s->conn));
	trail_about(env->id);
	s->env = env;
}

void
smtp_envelope_end(struct smtp_session *s)
{
	struct smtp_envelope *env = s->env;

	if (env == NULL)
		return;
	if (env->begun)
		net_set_idle(s->conn, smtp_config(s)->smtp.idle_time);
	if (s->milters != NULL)
		milters_end(s->milters);
	delivery_free(&env->delivery);
	trust_signer_free(&env->signer);
	trust_check_drop(&env->check);
	arena_free(&env->arena);
	free(env);
	s->env = NULL;
	trail_about(NULL);
}
