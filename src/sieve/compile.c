/*
 * sieve/compile.c - from the text of a script to what can be run.
 */
#include "sieve/lexer.h"

#include "base/str.h"
#include <stdlib.h>

/* As the configuration has them. */
const struct sieve_limits sieve_limits_default = {
	.script_size = 64 * 1024,
	.depth = 15,
	.actions = 32,
	.redirects = 4,
	.includes = 10,
	.variables = 256,
	.variable_size = 4096,
	.work = 2000000,
};

struct sieve_script *
sieve_compile(struct pst_str text, const struct sieve_limits *limits,
    struct sieve_problem *problem_r)
{
	struct sieve_script *s;

	*problem_r = (struct sieve_problem){ 0 };
	if (text.n > limits->script_size) {
		(void)sieve_wrong(problem_r, 0,
		    "the script has %zu octets; at most %zu are allowed",
		    text.n, limits->script_size);
		return NULL;
	}
	s = mem_alloc(sizeof(*s));
	s->arena = arena_new(0);
	/* Names and numbers in the tree point into it. */
	text = arena_copy(s->arena, text);
	if (!sieve_parse(s, text, limits, problem_r) ||
	    !sieve_check(s, limits, problem_r))
		sieve_script_free(&s);
	return s;
}

void
sieve_script_free(struct sieve_script **s)
{
	if (*s == NULL)
		return;
	arena_free(&(*s)->arena);
	free(*s);
	*s = NULL;
}

bool
sieve_needs_body(const struct sieve_script *s)
{
	return s->needs_body;
}
