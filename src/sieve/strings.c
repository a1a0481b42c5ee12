/*
 * sieve/strings.c - strings of a script as they are when control comes to them:
 * ${variables} are replaced (RFC 5229, 3), where the script requires that.
 */
#include "base/str.h"
#include "sieve/run.h"

bool
run_has(const struct run *r, enum sieve_ext ext)
{
	return r->scope->script->required[ext];
}

struct pst_str
run_cut(struct pst_str utf8, size_t max)
{
	size_t n = max;

	if (utf8.n <= max)
		return utf8;
	while (
	    n > 0 && max - n < 4 && ((unsigned char)utf8.p[n] & 0xc0) == 0x80)
		n--;
	return str_first(utf8, n);
}

/* Behind a number or an identifier at `at`; the same when there is none. */
static size_t
skip_name(struct pst_str s, size_t at, bool *is_number_r)
{
	size_t from = at;

	*is_number_r = at < s.n && ascii_is_digit(s.p[at]);
	while (at < s.n && ascii_is_digit(s.p[at]))
		at++;
	if (*is_number_r)
		return at;
	while (at < s.n && (ascii_is_alpha(s.p[at]) || s.p[at] == '_' ||
			       (at > from && ascii_is_digit(s.p[at]))))
		at++;
	return at;
}

/* A reference "${name}" at `at`; false: it is none. */
static bool
take_reference(
    struct pst_str s, size_t at, struct pst_str *name_r, size_t *end_r)
{
	size_t from = at + 2, i = from, next;
	bool is_number;

	if (s.n - at < 4 || s.p[at + 1] != '{')
		return false;
	for (;; i = next + 1) {
		next = skip_name(s, i, &is_number);
		if (next == i || next == s.n)
			return false;
		if (s.p[next] == '}')
			break;
		/* A namespace begins with a word. */
		if (s.p[next] != '.' || (is_number && i == from))
			return false;
	}
	*name_r = str_n(s.p + from, next - from);
	*end_r = next + 1;
	return true;
}

/* Adds the text with the values of variables to `out`. */
static void
expand(struct run *r, struct pst_str text, struct buf *out)
{
	size_t at = 0;

	while (at < text.n && run_work(r, 1)) {
		size_t dollar = at + str_find(str_from(text, at), '$');
		struct pst_str name;
		size_t end = dollar + 1;

		(void)buf_add(out, text.p + at, dollar - at);
		at = dollar;
		if (at == text.n)
			break;
		if (take_reference(text, at, &name, &end))
			(void)buf_add_str(out, run_variable(r, name));
		else
			(void)buf_putc(out, '$');
		at = end;
	}
}

/* What is longer than STRING_MAX is cut, or an error. */
static struct pst_str
string(struct run *r, struct pst_str text, bool cut)
{
	struct pst_str s;
	struct buf b;

	if (!run_has(r, EXT_VARIABLES) || str_find(text, '$') == text.n)
		return text;
	buf_init(&b, STRING_MAX);
	expand(r, text, &b);
	b.overflow = b.overflow && !cut;
	s = run_keep(r, &b);
	buf_fini(&b);
	return s;
}

struct pst_str
run_string(struct run *r, const struct sieve_value *v)
{
	return v->strings > 0 ? string(r, v->string[0], false) : STR("");
}

struct pst_str
run_string_cut(struct run *r, const struct sieve_value *v)
{
	return v->strings > 0 ? string(r, v->string[0], true) : STR("");
}

struct strings
run_strings(struct run *r, const struct sieve_value *v)
{
	struct strings s = { 0 };

	s.v = run_alloc(r, v->strings, sizeof(*s.v));
	for (; s.n < v->strings && run_work(r, 1); s.n++)
		s.v[s.n] = string(r, v->string[s.n], false);
	return s;
}

struct pst_str
run_tag(struct run *r, const struct sieve_node *n, enum sieve_tag tag)
{
	const struct sieve_value *v = sieve_tag_value(n, tag);

	return v != NULL ? run_string(r, v) : STR_NONE;
}
