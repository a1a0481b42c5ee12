/*
 * sieve/headers.c - header fields and the tests `header` and `exists` (RFC
 * 5228, 5.5 and 5.7; RFC 5260, 6).
 */
#include "base/str.h"
#include "message/header.h"
#include "sieve/run.h"

/* Adds the fields of one name. */
static void
add_fields(struct run *r, struct fields *f, size_t *cap, struct pst_str name)
{
	const struct msg_part *part = r->m->msg->root;
	const char *text = arena_text(r->scratch, name);
	const struct msg_field *field;
	size_t i = 0;

	/* RFC 5228, 2.4.2.2: no field has a name that cannot be one. */
	if (name.n == 0 || strlen(text) != name.n ||
	    !run_work(r, 1 + part->fields / 8))
		return;
	while ((field = msg_next_field(part, text, &i)) != NULL && !r->failed) {
		if (f->n == *cap) {
			const struct msg_field **v;

			*cap = *cap < 8 ? 8 : *cap * 2;
			v = run_alloc(r, *cap, sizeof(*v));
			if (f->n > 0)
				memcpy(v, f->v, f->n * sizeof(*v));
			f->v = v;
		}
		f->v[f->n++] = field;
	}
}

struct fields
run_fields(struct run *r, const struct sieve_node *n, struct strings names)
{
	const struct sieve_value *index = sieve_tag_value(n, TAG_INDEX);
	struct fields f = { 0 };
	size_t cap = 0;
	uint64_t at;

	for (size_t i = 0; i < names.n && !r->failed; i++)
		add_fields(r, &f, &cap, names.v[i]);
	if (index == NULL)
		return f;
	at = index->number;
	if (at == 0 || at > f.n)
		return (struct fields){ 0 };
	at = sieve_has_tag(n, TAG_LAST) ? f.n - at : at - 1;
	return (struct fields){ f.v + at, 1 };
}

struct pst_str
run_field_text(struct run *r, const struct msg_field *f)
{
	struct pst_str text;
	struct buf b;

	if (!run_look(r, 4 * f->value.n))
		return STR_NONE;
	buf_init(&b, 8 * f->value.n + 64);
	(void)msg_decode_words(str_trim(f->value), &b);
	text = run_keep(r, &b);
	buf_fini(&b);
	return str_trim(text);
}

bool
run_test_header(struct run *r, const struct sieve_node *n)
{
	struct fields f = run_fields(r, n, run_strings(r, &n->arg[0]));
	struct match m;

	match_begin(&m, r, n, &n->arg[1]);
	if (n->match == MATCH_COUNT)
		m.count = f.n;
	for (size_t i = 0; n->match != MATCH_COUNT && i < f.n; i++)
		if (match_value(&m, run_field_text(r, f.v[i])))
			break;
	return match_end(&m);
}

bool
run_test_exists(struct run *r, const struct sieve_node *n)
{
	struct strings names = run_strings(r, &n->arg[0]);

	for (size_t i = 0; i < names.n; i++) {
		struct strings one = { names.v + i, 1 };

		if (run_fields(r, n, one).n == 0)
			return false;
	}
	return true;
}
