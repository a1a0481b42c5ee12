/*
 * sieve/parse.c - the grammar of a script (RFC 5228, 8.2): commands with
 * arguments, tests and blocks, whatever they are called.
 *
 * Blocks go into each other as deep as the limits say, tests too, and the
 * functions here as deep with them.
 */
#include "sieve/lexer.h"

#include "base/str.h"

struct parser {
	struct sieve_lexer x;
	struct sieve_token t; /* the next one */
	struct arena *arena;
	const struct sieve_limits *limits;
	unsigned blocks, tests; /* that it is in */
};

static bool parse_tests(struct parser *p, struct sieve_node *of);
static bool parse_commands(
    struct parser *p, struct sieve_node **first_r, bool in_block);

static void
advance(struct parser *p)
{
	sieve_lexer_next(&p->x, &p->t);
}

static bool
at_mark(const struct parser *p, char mark)
{
	return p->t.kind == TOKEN_MARK && p->t.text.p[0] == mark;
}

/* What stands here instead of what is wanted. */
static bool
unexpected(struct parser *p, const char *wanted)
{
	const char *quote = "\"";
	struct pst_str what = p->t.text;

	switch (p->t.kind) {
	case TOKEN_ERROR:
		return false;
	case TOKEN_END:
		return sieve_wrong(p->x.problem, p->t.line,
		    "the script ends, where %s should be", wanted);
	case TOKEN_STRING:
		return sieve_wrong(p->x.problem, p->t.line,
		    "here is the string \"%.*s\", where %s should be",
		    NAME_ARG(what), wanted);
	case TOKEN_NUMBER:
		return sieve_wrong(p->x.problem, p->t.line,
		    "here is a number, where %s should be", wanted);
	case TOKEN_TAG:
		quote = "\":";
		break;
	case TOKEN_NAME:
	case TOKEN_MARK:
		break;
	}
	return sieve_wrong(p->x.problem, p->t.line,
	    "here is %s%.*s\", where %s should be", quote, NAME_ARG(what),
	    wanted);
}

/* Room for one more in an array of the arena that doubles when it is full. */
static void *
one_more(struct arena *a, void *array, size_t n, size_t size)
{
	void *larger;

	if (n > 0 && (n & (n - 1)) != 0)
		return array;
	larger = arena_alloc(a, (n == 0 ? 1 : 2 * n) * size);
	if (n > 0)
		memcpy(larger, array, n * size);
	return larger;
}

static void
add_string(struct parser *p, struct sieve_value *v)
{
	v->string = one_more(
	    p->arena, v->string, v->strings, sizeof(*v->string));
	v->string[v->strings++] = p->t.text;
	advance(p);
}

/* Behind "[". */
static bool
parse_list(struct parser *p, struct sieve_value *v)
{
	for (;;) {
		if (p->t.kind != TOKEN_STRING)
			return unexpected(p, "a string of the list");
		add_string(p, v);
		if (at_mark(p, ']'))
			break;
		if (!at_mark(p, ','))
			return unexpected(p, "\",\" or \"]\"");
		advance(p);
	}
	advance(p);
	return true;
}

/* Tags, strings, lists and numbers, as long as there are any. */
static bool
parse_arguments(struct parser *p, struct sieve_node *n)
{
	for (;;) {
		struct sieve_written w = { .line = p->t.line };

		switch (p->t.kind) {
		case TOKEN_TAG:
			w.is_tag = true;
			w.tag = p->t.text;
			advance(p);
			break;
		case TOKEN_NUMBER:
			w.value.is_number = true;
			w.value.number = p->t.number;
			advance(p);
			break;
		case TOKEN_STRING:
			add_string(p, &w.value);
			break;
		case TOKEN_MARK:
			if (!at_mark(p, '['))
				return true;
			advance(p);
			if (!parse_list(p, &w.value))
				return false;
			break;
		case TOKEN_END:
		case TOKEN_NAME:
			return true;
		case TOKEN_ERROR:
			return false;
		}
		n->written = one_more(
		    p->arena, n->written, n->writtens, sizeof(*n->written));
		n->written[n->writtens++] = w;
	}
}

static struct sieve_node *
new_node(struct parser *p)
{
	struct sieve_node *n = arena_alloc(p->arena, sizeof(*n));

	n->name = p->t.text;
	n->line = p->t.line;
	advance(p);
	return n;
}

static bool
deeper(struct parser *p, unsigned *depth, const char *what)
{
	if ((*depth)++ < p->limits->depth)
		return true;
	return sieve_wrong(p->x.problem, p->t.line,
	    "%s are more than %u deep in each other", what, p->limits->depth);
}

static bool
parse_test(struct parser *p, struct sieve_node **n_r)
{
	if (p->t.kind != TOKEN_NAME)
		return unexpected(p, "the name of a test");
	if (!deeper(p, &p->tests, "tests"))
		return false;
	*n_r = new_node(p);
	if (!parse_arguments(p, *n_r) || !parse_tests(p, *n_r))
		return false;
	p->tests--;
	return true;
}

/* One test, a list of them in parentheses, or none. */
static bool
parse_tests(struct parser *p, struct sieve_node *of)
{
	struct sieve_node **end = &of->test;

	if (p->t.kind == TOKEN_NAME)
		return parse_test(p, end);
	if (!at_mark(p, '('))
		return true;
	of->parens = true;
	do {
		advance(p);
		if (!parse_test(p, end))
			return false;
		end = &(*end)->next;
	} while (at_mark(p, ','));
	if (!at_mark(p, ')'))
		return unexpected(p, "\",\" or \")\"");
	advance(p);
	return true;
}

static bool
parse_block(struct parser *p, struct sieve_node *of)
{
	unsigned line = p->t.line;

	if (!deeper(p, &p->blocks, "blocks"))
		return false;
	of->braces = true;
	advance(p);
	if (!parse_commands(p, &of->block, true))
		return false;
	if (p->t.kind == TOKEN_END)
		return sieve_wrong(p->x.problem, line,
		    "the block that begins here has no end; it ends with "
		    "\"}\"");
	advance(p);
	p->blocks--;
	return true;
}

/* ";" is missing: if what stands there instead is a command, say so. */
static bool
end_of_command(struct parser *p, const struct sieve_node *n)
{
	if (at_mark(p, ';')) {
		advance(p);
		return true;
	}
	if (n->test != NULL &&
	    sieve_command_find(n->test->name, true) == NULL &&
	    sieve_command_find(n->test->name, false) != NULL)
		return sieve_wrong(p->x.problem, n->test->line,
		    "there is no \";\" between \"%.*s\" and \"%.*s\"",
		    NAME_ARG(n->name), NAME_ARG(n->test->name));
	return unexpected(p, "\";\" or a block");
}

static bool
parse_command(struct parser *p, struct sieve_node **n_r)
{
	*n_r = new_node(p);
	if (!parse_arguments(p, *n_r) || !parse_tests(p, *n_r))
		return false;
	if (at_mark(p, '{'))
		return parse_block(p, *n_r);
	return end_of_command(p, *n_r);
}

/* As far as they go: to the end, or to "}" of a block. */
static bool
parse_commands(struct parser *p, struct sieve_node **first_r, bool in_block)
{
	struct sieve_node **end = first_r;

	while (p->t.kind == TOKEN_NAME) {
		if (!parse_command(p, end))
			return false;
		end = &(*end)->next;
	}
	if (p->t.kind == TOKEN_END || (in_block && at_mark(p, '}')))
		return true;
	return unexpected(p, "a command");
}

bool
sieve_parse(struct sieve_script *s, struct pst_str text,
    const struct sieve_limits *limits, struct sieve_problem *problem_r)
{
	struct parser p = { .arena = s->arena, .limits = limits };

	if (!sieve_lexer_init(&p.x, text, s->arena, problem_r))
		return false;
	advance(&p);
	return parse_commands(&p, &s->first, false);
}
