/*
 * sieve/include.c - scripts in scripts (RFC 6609): each is read and compiled
 * once for a run, and has variables of its own each time.
 */
#include "base/str.h"
#include "sieve/run.h"

#include <stdlib.h>

static struct included *
find(const struct run *r, struct pst_str name, bool is_global)
{
	struct included *i = r->included;

	while (
	    i != NULL && (i->is_global != is_global || !str_is(name, i->name)))
		i = i->next;
	return i;
}

static bool
is_at_work(const struct run *r, const struct included *i)
{
	const struct scope *s = r->scope;

	while (s != NULL && s->from != i)
		s = s->outer;
	return s != NULL;
}

/* False: there is none of that name, or the run has failed. */
static bool
read_text(struct run *r, const struct sieve_node *n, struct pst_str name,
    struct buf *text)
{
	enum pst_rc rc = PST_E_NOTFOUND;

	if (r->host->include != NULL && run_work(r, ASK))
		rc = r->host->include(
		    r->host->arg, sieve_has_tag(n, TAG_GLOBAL), name, text);
	if (rc == PST_OK)
		return true;
	if (rc != PST_E_NOTFOUND)
		run_fail(r, "The script \"%.*s\" cannot be read now",
		    STR_ARG(str_first(name, 100)));
	else if (!sieve_has_tag(n, TAG_OPTIONAL))
		run_fail(r, "There is no script \"%.*s\"",
		    STR_ARG(str_first(name, 100)));
	return false;
}

static struct included *
load(struct run *r, const struct sieve_node *n, struct pst_str name)
{
	struct sieve_problem problem;
	struct sieve_script *s = NULL;
	struct included *i;
	struct buf text;

	buf_init(&text, r->limits->script_size + 1);
	if (read_text(r, n, name, &text) && run_look(r, 16 * text.n)) {
		s = sieve_compile(buf_str(&text), r->limits, &problem);
		if (s == NULL)
			run_fail(r, "The script \"%.*s\", line %u: %.150s",
			    STR_ARG(str_first(name, 80)), problem.line,
			    problem.text);
	}
	buf_fini(&text);
	if (s == NULL)
		return NULL;
	i = mem_alloc(sizeof(*i));
	i->name = str_dup(name);
	i->is_global = sieve_has_tag(n, TAG_GLOBAL);
	i->script = s;
	i->next = r->included;
	r->included = i;
	return i;
}

static void
run_script(struct run *r, const struct included *i)
{
	struct scope scope = { .script = i->script,
		.from = i,
		.outer = r->scope,
		.line = r->line };

	r->scope = &scope;
	run_block(r, i->script->first);
	if (r->way == RUN_RETURN)
		r->way = RUN_ON;
	r->scope = scope.outer;
	r->line = scope.line;
	run_scope_fini(&scope);
}

void
run_include(struct run *r, const struct sieve_node *n)
{
	struct pst_str name = n->arg[0].string[0];
	struct included *i = find(r, name, sieve_has_tag(n, TAG_GLOBAL));

	if (i != NULL && sieve_has_tag(n, TAG_ONCE))
		return;
	if (i != NULL && is_at_work(r, i)) {
		run_fail(r, "The script \"%.*s\" includes itself",
		    STR_ARG(str_first(name, 100)));
		return;
	}
	if (r->includes == r->limits->includes) {
		run_fail(r, "More than %u scripts are included",
		    r->limits->includes);
		return;
	}
	r->includes++;
	if (i == NULL)
		i = load(r, n, name);
	if (i != NULL)
		run_script(r, i);
}

void
run_includes_fini(struct run *r)
{
	while (r->included != NULL) {
		struct included *next = r->included->next;

		sieve_script_free(&r->included->script);
		free(r->included->name);
		free(r->included);
		r->included = next;
	}
}
