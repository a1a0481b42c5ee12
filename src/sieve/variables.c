/*
 * sieve/variables.c - variables of scripts and those that scripts share (RFC
 * 5229, RFC 6609, 3.4).
 */
#include "base/str.h"
#include "sieve/run.h"

#include <stdlib.h>

static struct variable *
find(struct variable *v, struct pst_str name)
{
	while (v != NULL && !str_is_case(name, v->name))
		v = v->next;
	return v;
}

static struct variable *
add(struct run *r, struct variable **to, struct pst_str name)
{
	struct variable *v;

	if (r->variables == r->limits->variables) {
		run_fail(r, "There are more than %u variables",
		    r->limits->variables);
		return NULL;
	}
	r->variables++;
	v = mem_alloc(sizeof(*v));
	v->name = str_dup(name);
	buf_init(&v->value, r->limits->variable_size);
	v->next = *to;
	*to = v;
	return v;
}

/* Where a name belongs to; it is cut to what stands behind its namespace.
 * NULL: there is no such namespace. */
static struct variable **
space_of(struct run *r, struct pst_str *name)
{
	struct variable *v;

	if (str_find(*name, '.') == name->n) {
		v = find(r->scope->variables, *name);
		return v != NULL && v->is_global ? &r->globals
						 : &r->scope->variables;
	}
	if (run_has(r, EXT_INCLUDE) && str_has_prefix_case(*name, "global.")) {
		*name = str_from(*name, strlen("global."));
		if (str_find(*name, '.') == name->n &&
		    !ascii_is_digit(name->p[0]))
			return &r->globals;
	}
	run_fail(r, "There is no variable \"%.*s\" in any namespace",
	    STR_ARG(str_first(*name, 100)));
	return NULL;
}

struct pst_str
run_variable(struct run *r, struct pst_str name)
{
	struct variable **space, *v;
	uint32_t index;

	if (ascii_is_digit(name.p[0]))
		return str_to_u32(name, &index) && index < MATCH_VARIABLES
			   ? r->scope->matched[index]
			   : STR_NONE;
	if (!run_work(r, r->variables / 16))
		return STR_NONE;
	space = space_of(r, &name);
	v = space != NULL ? find(*space, name) : NULL;
	return v != NULL ? buf_str(&v->value) : STR_NONE;
}

void
run_variable_set(struct run *r, struct pst_str name, struct pst_str value)
{
	struct variable **space = space_of(r, &name), *v;

	if (space == NULL)
		return;
	v = find(*space, name);
	if (v == NULL)
		v = add(r, space, name);
	if (v == NULL)
		return;
	buf_clear(&v->value);
	(void)buf_add_str(&v->value, run_cut(value, r->limits->variable_size));
}

void
run_variables_fini(struct variable **v)
{
	while (*v != NULL) {
		struct variable *next = (*v)->next;

		free((*v)->name);
		buf_fini(&(*v)->value);
		free(*v);
		*v = next;
	}
}

void
run_scope_fini(struct scope *s)
{
	run_variables_fini(&s->variables);
	free(s->matched_text);
	s->matched_text = NULL;
}

/* --- set (RFC 5229, 4) -----------------------------------------------------
 */

/* 40: the case of all letters. */
static void
change_case(struct buf *b, const struct sieve_node *n)
{
	bool upper = sieve_has_tag(n, TAG_UPPER);

	if (!upper && !sieve_has_tag(n, TAG_LOWER))
		return;
	for (size_t i = 0; i < b->n; i++)
		b->p[i] = upper ? ascii_upper(b->p[i]) : ascii_lower(b->p[i]);
}

/* 30: that of the first. */
static void
change_first(struct buf *b, const struct sieve_node *n)
{
	if (b->n == 0)
		return;
	if (sieve_has_tag(n, TAG_UPPERFIRST))
		b->p[0] = ascii_upper(b->p[0]);
	if (sieve_has_tag(n, TAG_LOWERFIRST))
		b->p[0] = ascii_lower(b->p[0]);
}

/* 20: what stands for itself in a pattern. It is cut where a pair ends. */
static void
quote_wildcards(struct run *r, struct buf *b, const struct sieve_node *n)
{
	size_t max = r->limits->variable_size;
	struct buf quoted;

	if (!sieve_has_tag(n, TAG_QUOTEWILDCARD))
		return;
	buf_init(&quoted, b->max);
	for (size_t i = 0; i < b->n; i++) {
		bool is_special = b->p[i] == '*' || b->p[i] == '?' ||
				  b->p[i] == '\\';

		if (is_special && max - quoted.n < 2)
			break;
		if (is_special)
			(void)buf_putc(&quoted, '\\');
		if (quoted.n >= max || !buf_putc(&quoted, b->p[i]))
			break;
	}
	buf_clear(b);
	(void)buf_add_str(b, run_cut(buf_str(&quoted), max));
	buf_fini(&quoted);
}

/* 10: characters. */
static void
count_characters(struct buf *b, const struct sieve_node *n)
{
	uint64_t count = 0;

	if (!sieve_has_tag(n, TAG_LENGTH))
		return;
	for (size_t i = 0; i < b->n; i++)
		count += ((unsigned char)b->p[i] & 0xc0) != 0x80;
	buf_clear(b);
	(void)buf_put_u64(b, count);
}

void
run_set(struct run *r, const struct sieve_node *n)
{
	struct pst_str text = run_string_cut(r, &n->arg[1]);
	struct buf b;

	if (!run_look(r, text.n))
		return;
	buf_init(&b, 2 * STRING_MAX + text.n);
	(void)buf_add_str(&b, text);
	change_case(&b, n);
	change_first(&b, n);
	quote_wildcards(r, &b, n);
	count_characters(&b, n);
	run_variable_set(r, n->arg[0].string[0], buf_str(&b));
	buf_fini(&b);
}

/* --- the others ------------------------------------------------------------
 */

/* RFC 6609, 3.4.1. */
void
run_global(struct run *r, const struct sieve_node *n)
{
	for (size_t i = 0; i < n->arg[0].strings && run_work(r, 1); i++) {
		struct pst_str name = n->arg[0].string[i];
		struct variable *v = find(r->scope->variables, name);

		if (v == NULL)
			v = add(r, &r->scope->variables, name);
		else if (!v->is_global)
			run_fail(r, "\"%.*s\" was set before it was global",
			    STR_ARG(str_first(name, 100)));
		if (v != NULL)
			v->is_global = true;
	}
}

/* RFC 5229, 5: nothing is trimmed; for :count an empty one is none. */
bool
run_test_string(struct run *r, const struct sieve_node *n)
{
	struct strings source = run_strings(r, &n->arg[0]);
	struct match m;

	match_begin(&m, r, n, &n->arg[1]);
	for (size_t i = 0; i < source.n; i++) {
		if (n->match == MATCH_COUNT && source.v[i].n == 0)
			continue;
		if (match_value(&m, source.v[i]))
			break;
	}
	return match_end(&m);
}
