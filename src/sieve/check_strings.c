/*
 * sieve/check_strings.c - what is in strings: encoded characters, which are
 * replaced here (RFC 5228, 2.4.2.4), and references to variables, which a run
 * replaces (RFC 5229, 3).
 */
#include "sieve/check.h"

#include "base/str.h"
#include <unistr.h>

static int
hex_digit(char c)
{
	if (ascii_is_digit(c))
		return c - '0';
	c = ascii_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* A hexadecimal number of at most `digits`; what is too large stays so. */
static bool
take_hex(struct pst_str *rest, size_t digits, uint32_t *value_r)
{
	size_t n = 0;
	uint32_t value = 0;

	while (n < rest->n && hex_digit(rest->p[n]) >= 0) {
		if (value < 0x1000000)
			value = value * 16 + (uint32_t)hex_digit(rest->p[n]);
		n++;
	}
	*rest = str_from(*rest, n);
	*value_r = value;
	return n > 0 && n <= digits;
}

static size_t
skip_blanks(struct pst_str *rest)
{
	size_t n = 0;

	while (n < rest->n && is_blank(rest->p[n]))
		n++;
	*rest = str_from(*rest, n);
	return n;
}

enum encoded { ENCODED_NOT, ENCODED_DONE, ENCODED_WRONG };

/* Behind "${hex:" or "${unicode:": writes what it stands for to `out`. */
static enum encoded
take_encoded(struct pst_str *rest, bool unicode, char *out, size_t *n_r)
{
	size_t n = 0;
	bool first = true, wrong = false;

	for (;; first = false) {
		size_t blanks = skip_blanks(rest);
		uint32_t value;

		if (rest->n > 0 && rest->p[0] == '}' && !first)
			break;
		if ((!first && blanks == 0) ||
		    !take_hex(rest, unicode ? SIZE_MAX : 2, &value))
			return ENCODED_NOT;
		if (!unicode) {
			out[n++] = (char)value;
			continue;
		}
		/* At least as many octets as were read of the script. */
		if (value > 0x10ffff || (value >= 0xd800 && value < 0xe000))
			wrong = true;
		else
			n += (size_t)u8_uctomb(
			    (uint8_t *)out + n, (ucs4_t)value, 6);
	}
	*rest = str_from(*rest, 1);
	*n_r = n;
	return wrong ? ENCODED_WRONG : ENCODED_DONE;
}

static bool
decode(struct checker *c, unsigned line, struct pst_str *s)
{
	static const struct pst_str hex = { "${hex:", 6 },
				    unicode = { "${unicode:", 10 };
	struct pst_str rest = *s;
	size_t n = 0;
	char *out;

	/* Nothing becomes longer; 6 for what u8_uctomb() wants to have. */
	out = arena_alloc(c->s->arena, s->n + 6);
	while (rest.n > 0) {
		bool is_hex = str_has_prefix_case(rest, hex.p);
		size_t skip = is_hex ? hex.n : unicode.n, added = 0;
		struct pst_str after = str_from(rest, skip);

		if (is_hex || str_has_prefix_case(rest, unicode.p)) {
			switch (
			    take_encoded(&after, !is_hex, out + n, &added)) {
			case ENCODED_DONE:
				n += added;
				rest = after;
				continue;
			case ENCODED_WRONG:
				return sieve_wrong(c->problem, line,
				    "\"%.*s\" has a number that is no Unicode "
				    "character",
				    NAME_ARG(rest));
			case ENCODED_NOT:
				break;
			}
		}
		out[n++] = rest.p[0];
		rest = str_from(rest, 1);
	}
	*s = str_n(out, n);
	return true;
}

/* The rest of a name: letters, digits, underlines. */
static struct pst_str
take_word(struct pst_str *rest)
{
	size_t n = 0;
	struct pst_str word;

	while (
	    n < rest->n && (ascii_is_alpha(rest->p[n]) ||
			       ascii_is_digit(rest->p[n]) || rest->p[n] == '_'))
		n++;
	word = str_first(*rest, n);
	*rest = str_from(*rest, n);
	return word;
}

/* "1*DIGIT", or what does not begin with a digit. */
static bool
is_word(struct pst_str word, bool number_too)
{
	if (word.n == 0)
		return false;
	if (!ascii_is_digit(word.p[0]))
		return true;
	for (size_t i = 0; number_too && i < word.n; i++)
		if (!ascii_is_digit(word.p[i]))
			return false;
	return number_too;
}

/*
 * Takes a variable's name with its namespace off `*rest`; the first part of the
 * namespace in *space_r, {NULL, 0} when there is none.
 */
static bool
take_variable(struct pst_str *rest, bool number_too, struct pst_str *space_r)
{
	struct pst_str word = take_word(rest);

	*space_r = STR_NONE;
	if (rest->n == 0 || rest->p[0] != '.')
		return is_word(word, number_too);
	if (!is_word(word, false))
		return false;
	*space_r = word;
	while (rest->n > 0 && rest->p[0] == '.') {
		*rest = str_from(*rest, 1);
		word = take_word(rest);
		if (!is_word(word, number_too))
			return false;
	}
	return true;
}

/* The next reference in `*rest`, which is behind it then. */
static bool
next_reference(struct pst_str *rest, struct pst_str *space_r)
{
	while (rest->n > 1) {
		*rest = str_from(*rest, str_find(*rest, '$') + 1);
		if (rest->n == 0 || rest->p[0] != '{')
			continue;
		*rest = str_from(*rest, 1);
		if (!take_variable(rest, true, space_r) || rest->n == 0 ||
		    rest->p[0] != '}')
			continue;
		*rest = str_from(*rest, 1);
		return true;
	}
	return false;
}

bool
sieve_has_variable(const struct sieve_script *s, struct pst_str text)
{
	struct pst_str space;

	return s->required[EXT_VARIABLES] && next_reference(&text, &space);
}

bool
sieve_is_variable(const struct sieve_script *s, struct pst_str name, bool plain)
{
	struct pst_str space;

	if (!take_variable(&name, false, &space) || name.n > 0)
		return false;
	return space.n == 0 || (!plain && s->required[EXT_INCLUDE] &&
				   str_is_case(space, "global"));
}

/* RFC 5229, 3: a namespace without its extension is an error. */
static bool
check_namespaces(struct checker *c, unsigned line, struct pst_str s)
{
	struct pst_str space;

	while (next_reference(&s, &space)) {
		if (space.n == 0)
			continue;
		if (!str_is_case(space, "global"))
			return sieve_wrong(c->problem, line,
			    "there are no variables whose names begin with "
			    "\"%.*s.\"",
			    NAME_ARG(space));
		if (!c->s->required[EXT_INCLUDE])
			return sieve_wrong(c->problem, line,
			    "variables whose names begin with \"global.\" need "
			    "require \"include\" at the beginning of the "
			    "script");
	}
	return true;
}

bool
sieve_check_strings(struct checker *c, unsigned line, struct sieve_value *v)
{
	for (size_t i = 0; i < v->strings; i++) {
		if (str_find(v->string[i], '$') == v->string[i].n)
			continue;
		if (c->s->required[EXT_ENCODED_CHARACTER] &&
		    !decode(c, line, &v->string[i]))
			return false;
		if (c->s->required[EXT_VARIABLES] &&
		    !check_namespaces(c, line, v->string[i]))
			return false;
	}
	return true;
}
