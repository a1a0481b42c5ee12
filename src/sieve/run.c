/*
 * sieve/run.c - a script is run: commands one after the other, tests, limits,
 * and how it ends (RFC 5228, 2.10 and 3; RFC 6609, 3.3; RFC 5463, 5).
 */
#include "sieve/run.h"

#include "base/str.h"

#include <stdlib.h>

enum {
	LOOK = 64, /* octets of a step */
	/* Blocks of scripts that include each other: each costs some of the
	 * thread's stack. */
	NESTED_MAX = 500,
};

/* A text for people, in one line, whatever a script has put into it. */
static void
clean(struct sieve_problem *problem)
{
	struct pst_str text = str_of(problem->text);
	bool is_utf8;

	if (text.n + 1 == sizeof(problem->text))
		text = run_cut(text, text.n - 4);
	is_utf8 = str_is_utf8(text);
	for (size_t i = 0; i < text.n; i++) {
		unsigned char c = (unsigned char)problem->text[i];

		if (c < ' ' || c == 127)
			problem->text[i] = ' ';
		else if (c > 127 && !is_utf8)
			problem->text[i] = '?';
	}
	problem->text[text.n] = '\0';
}

void
run_fail(struct run *r, const char *fmt, ...)
{
	struct sieve_problem *problem = &r->result->problem;
	char text[sizeof(problem->text)];
	const struct scope *s = r->scope;
	unsigned line = r->line;
	va_list ap;

	if (r->failed)
		return;
	r->failed = true;
	r->way = RUN_STOP;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (s->from != NULL)
		(void)snprintf(problem->text, sizeof(problem->text),
		    "\"%.80s\", line %u: %.150s", s->from->name, line, text);
	else
		(void)snprintf(
		    problem->text, sizeof(problem->text), "%s", text);
	/* The line that the user can see in the script that is active. */
	for (; s->outer != NULL; s = s->outer)
		line = s->line;
	problem->line = line;
	clean(problem);
}

bool
run_work(struct run *r, uint64_t steps)
{
	if (r->failed)
		return false;
	r->work += steps;
	if (r->work > r->limits->work)
		run_fail(r, "The script does too much for one message");
	return !r->failed;
}

bool
run_look(struct run *r, size_t octets)
{
	return run_work(r, octets / LOOK + 1);
}

void *
run_alloc(struct run *r, size_t count, size_t size)
{
	size_t n = count * size;

	r->scratch_used += n;
	if (r->scratch_used > SCRATCH_MAX)
		run_fail(r, "The script needs too much memory");
	return arena_alloc(r->scratch, n);
}

struct pst_str
run_keep(struct run *r, const struct buf *b)
{
	char *p;

	if (b->overflow)
		run_fail(r, "A text is too long");
	p = run_alloc(r, b->n, 1);
	if (b->n > 0)
		memcpy(p, b->p, b->n);
	return str_n(p, b->n);
}

static void
clear_scratch(struct run *r)
{
	arena_reset(r->scratch);
	r->scratch_used = 0;
}

/* --- tests -----------------------------------------------------------------
 */

static bool run_test(struct run *r, const struct sieve_node *n);

/* RFC 5229, 3.2: from left to right, no more than needed. */
static bool
run_tests(struct run *r, const struct sieve_node *n, bool until)
{
	for (const struct sieve_node *t = n->test; t != NULL; t = t->next)
		if (run_test(r, t) == until || r->failed)
			return until;
	return !until;
}

static bool
test_size(const struct run *r, const struct sieve_node *n)
{
	uint64_t limit = n->arg[0].number;

	return sieve_has_tag(n, TAG_OVER) ? r->m->size > limit
					  : r->m->size < limit;
}

static bool
error(struct run *r, const struct sieve_node *n)
{
	struct pst_str text = str_trim(run_string(r, &n->arg[0]));

	if (text.n == 0 || text.p[0] == '\0')
		text = STR("The script ends with an error");
	run_fail(r, "%.*s", STR_ARG(text));
	return false;
}

static bool
leaf(struct run *r, const struct sieve_node *n)
{
	switch (n->command->op) {
	case OP_ADDRESS:
		return run_test_address(r, n);
	case OP_ENVELOPE:
		return run_test_envelope(r, n);
	case OP_EXISTS:
		return run_test_exists(r, n);
	case OP_FALSE:
		return false;
	case OP_HEADER:
		return run_test_header(r, n);
	case OP_SIZE:
		return test_size(r, n);
	case OP_TRUE:
		return true;
	case OP_STRING:
		return run_test_string(r, n);
	case OP_HASFLAG:
		return run_test_hasflag(r, n);
	case OP_BODY:
		return run_test_body(r, n);
	case OP_ENVIRONMENT:
		return run_test_environment(r, n);
	case OP_DATE:
		return run_test_date(r, n);
	case OP_CURRENTDATE:
		return run_test_currentdate(r, n);
	case OP_IHAVE:
		return run_test_ihave(r, n);
	case OP_MAILBOXEXISTS:
		return run_test_mailboxexists(r, n);
	case OP_METADATA:
	case OP_SERVERMETADATA:
		return run_test_metadata(r, n);
	case OP_METADATAEXISTS:
	case OP_SERVERMETADATAEXISTS:
		return run_test_metadataexists(r, n);
	case OP_SPAMTEST:
		return run_test_spam(r, n);
	case OP_VIRUSTEST:
		return run_test_virus(r, n);
	case OP_DUPLICATE:
		return run_test_duplicate(r, n);
	case OP_SPECIALUSE_EXISTS:
		return run_test_specialuse(r, n);
	case OP_ERROR:
		return error(r, n);
	default:
		run_fail(r, "\"%s\" is no test", n->command->name);
		return false;
	}
}

/* As deep as the limit that parse.c keeps. */
static bool
run_test(struct run *r, const struct sieve_node *n)
{
	struct trace trace;
	bool is;

	if (!run_work(r, 1))
		return false;
	r->line = n->line;
	if (n->command->op == OP_NOT)
		return !run_test(r, n->test);
	if (n->command->op == OP_ALLOF || n->command->op == OP_ANYOF) {
		is = run_tests(r, n, n->command->op == OP_ANYOF);
		run_trace_begin(&trace, r, n);
		run_trace_end(&trace, r, n, is);
		return is;
	}
	clear_scratch(r);
	run_trace_begin(&trace, r, n);
	is = leaf(r, n) && !r->failed;
	run_trace_end(&trace, r, n, is);
	return is;
}

/* --- commands --------------------------------------------------------------
 */

static void
run_action_command(struct run *r, const struct sieve_node *n)
{
	switch (n->command->op) {
	case OP_KEEP:
		run_keep_action(r, n);
		break;
	case OP_DISCARD:
		run_discard(r);
		break;
	case OP_FILEINTO:
		run_fileinto(r, n);
		break;
	case OP_REDIRECT:
		run_redirect(r, n);
		break;
	case OP_REJECT:
	case OP_EREJECT:
		run_reject(r, n);
		break;
	case OP_VACATION:
		run_vacation(r, n);
		break;
	case OP_SET:
		run_set(r, n);
		break;
	case OP_SETFLAG:
	case OP_ADDFLAG:
	case OP_REMOVEFLAG:
		run_flags(r, n);
		break;
	case OP_GLOBAL:
		run_global(r, n);
		break;
	case OP_INCLUDE:
		run_include(r, n);
		break;
	case OP_ERROR:
		(void)error(r, n);
		break;
	default:
		run_fail(r, "\"%s\" is no command", n->command->name);
		break;
	}
}

static void
run_command(struct run *r, const struct sieve_node *n)
{
	struct trace trace;

	r->line = n->line;
	clear_scratch(r);
	run_trace_begin(&trace, r, n);
	run_trace_end(&trace, r, n, true);
	if (n->command->op == OP_STOP)
		r->way = RUN_STOP;
	else if (n->command->op == OP_RETURN)
		r->way = RUN_RETURN;
	else
		run_action_command(r, n);
}

static bool
is_else(const struct sieve_node *n)
{
	return n != NULL &&
	       (n->command->op == OP_ELSIF || n->command->op == OP_ELSE);
}

/* From an `if` to the last of its branches, of which one is run at most. */
static const struct sieve_node *
run_if(struct run *r, const struct sieve_node *n)
{
	bool done = false;

	for (;; n = n->next) {
		if (!done && run_work(r, 1) &&
		    (n->command->op == OP_ELSE || run_test(r, n->test))) {
			done = true;
			if (!r->failed)
				run_block(r, n->block);
		}
		if (r->way != RUN_ON || !is_else(n->next))
			return n;
	}
}

void
run_block(struct run *r, const struct sieve_node *first)
{
	if (r->nested == NESTED_MAX) {
		run_fail(r, "Blocks of all scripts are more than %u deep",
		    (unsigned)NESTED_MAX);
		return;
	}
	r->nested++;
	for (const struct sieve_node *n = first; n != NULL && r->way == RUN_ON;
	     n = n->next) {
		r->line = n->line;
		if (!run_work(r, 1))
			break;
		if (n->command->op == OP_IF)
			n = run_if(r, n);
		else if (n->command->op != OP_REQUIRE)
			run_command(r, n);
	}
	r->nested--;
}

/* --- the whole -------------------------------------------------------------
 */

static void
free_bodies(struct run *r)
{
	for (size_t i = 0; i < BODY_LISTS; i++) {
		while (r->bodies[i] != NULL) {
			struct body_text *next = r->bodies[i]->next;

			buf_fini(&r->bodies[i]->text);
			free(r->bodies[i]);
			r->bodies[i] = next;
		}
	}
}

/* RFC 5228, 2.10.6: what went wrong costs no mail. */
static void
only_keep(struct run *r)
{
	struct sieve_result *result = r->result;
	struct arena *a = arena_new(0);

	arena_free(&result->arena);
	result->arena = a;
	result->failed = true;
	result->action = arena_alloc(a, sizeof(*result->action));
	result->action[0] = (struct sieve_action){
		.kind = SIEVE_KEEP, .line = result->problem.line, .seconds = -1
	};
	result->actions = 1;
}

void
sieve_run(const struct sieve_script *s, const struct sieve_message *m,
    const struct sieve_host *host, const struct sieve_limits *limits,
    struct sieve_result *result_r)
{
	struct scope scope = { .script = s };
	struct run r = { .m = m,
		.host = host,
		.limits = limits,
		.result = result_r,
		.scope = &scope,
		.keeps = true };

	*result_r = (struct sieve_result){ .arena = arena_new(0) };
	r.scratch = arena_new(0);
	buf_init(&r.flags, limits->variable_size);
	run_block(&r, s->first);
	if (!r.failed)
		run_actions_end(&r);
	if (r.failed)
		only_keep(&r);
	free_bodies(&r);
	run_scope_fini(&scope);
	run_variables_fini(&r.globals);
	run_includes_fini(&r);
	buf_fini(&r.flags);
	arena_free(&r.scratch);
}

void
sieve_result_fini(struct sieve_result *r)
{
	arena_free(&r->arena);
	*r = (struct sieve_result){ 0 };
}
