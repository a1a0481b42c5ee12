/*
 * imap/parse.c - tokens of the command grammar (RFC 3501, 9).
 */
#include "imap/parse.h"

#include "base/str.h"
#include "imap/gather.h"

void
imap_parser_init(
    struct imap_parser *ps, struct pst_str text, struct arena *arena)
{
	ps->p = text.p;
	ps->end = text.p + text.n;
	ps->arena = arena;
	ps->error = NULL;
	ps->utf8 = ps->no_charset = false;
	ps->given = STR_NONE;
}

bool
imap_bad(struct imap_parser *ps, const char *why)
{
	if (ps->error == NULL)
		ps->error = why;
	return false;
}

char
imap_peek(const struct imap_parser *ps)
{
	return ps->p < ps->end ? *ps->p : '\0';
}

bool
imap_skip(struct imap_parser *ps, char c)
{
	if (ps->p == ps->end || *ps->p != c)
		return false;
	ps->p++;
	return true;
}

bool
imap_expect(struct imap_parser *ps, char c)
{
	if (imap_skip(ps, c))
		return true;
	switch (c) {
	case ' ':
		return imap_bad(ps, "Missing argument");
	case '(':
		return imap_bad(ps, "Missing '('");
	case ')':
		return imap_bad(ps, "Missing ')'");
	default:
		return imap_bad(ps, "Syntax error");
	}
}

bool
imap_space(struct imap_parser *ps)
{
	return imap_expect(ps, ' ');
}

bool
imap_at_end(const struct imap_parser *ps)
{
	return ps->p == ps->end || *ps->p == '\r' || *ps->p == '\n';
}

bool
imap_end(struct imap_parser *ps)
{
	(void)imap_skip(ps, '\r');
	if (imap_skip(ps, '\n') && ps->p == ps->end)
		return true;
	return imap_bad(ps, "Unexpected text after the arguments");
}

/* ATOM-CHAR: a CHAR, but no atom-special. */
bool
imap_is_atom_char(char c)
{
	if (c <= ' ' || c == 0x7f) /* octets above 127 are negative, too */
		return false;
	switch (c) {
	case '(':
	case ')':
	case '{':
	case '%':
	case '*':
	case '"':
	case '\\':
	case ']':
		return false;
	default:
		return true;
	}
}

static bool
is_atom(char c)
{
	return imap_is_atom_char(c);
}

static bool
is_astring(char c)
{
	return imap_is_atom_char(c) || c == ']';
}

static bool
is_tag(char c)
{
	return is_astring(c) && c != '+';
}

static bool
is_list(char c)
{
	return is_astring(c) || c == '%' || c == '*';
}

static bool
is_word(char c)
{
	return ascii_is_alpha(c) || ascii_is_digit(c) || c == '-' || c == '.' ||
	       c == '_' || c == '=' || c == '+';
}

static bool
is_set(char c)
{
	return ascii_is_digit(c) || c == ':' || c == ',' || c == '*';
}

/* One or more octets of a class. */
static bool
take(struct imap_parser *ps, bool (*is)(char), const char *why,
    struct pst_str *out)
{
	const char *start = ps->p;

	while (ps->p < ps->end && is(*ps->p))
		ps->p++;
	if (ps->p == start)
		return imap_bad(ps, why);
	*out = str_n(start, (size_t)(ps->p - start));
	return true;
}

bool
imap_skip_word(struct imap_parser *ps, const char *word)
{
	struct pst_str rest = str_n(ps->p, (size_t)(ps->end - ps->p));
	size_t n = strlen(word);

	if (!str_has_prefix_case(rest, word))
		return false;
	if (rest.n > n && is_word(rest.p[n]))
		return false;
	ps->p += n;
	return true;
}

bool
imap_tag(struct imap_parser *ps, struct pst_str *out)
{
	return take(ps, is_tag, "Missing tag", out);
}

bool
imap_atom(struct imap_parser *ps, struct pst_str *out)
{
	return take(ps, is_atom, "Missing atom", out);
}

bool
imap_word(struct imap_parser *ps, struct pst_str *out)
{
	return take(ps, is_word, "Missing word", out);
}

bool
imap_sequence_set(struct imap_parser *ps, struct pst_str *out)
{
	if (imap_peek(ps) == '$') { /* RFC 5182: always alone */
		*out = str_n(ps->p++, 1);
		return true;
	}
	return take(ps, is_set, "Missing set of messages", out);
}

/* After the opening quote. Copies only when there are escapes. */
static bool
quoted(struct imap_parser *ps, struct pst_str *out)
{
	const char *start = ps->p;
	size_t escapes = 0;
	char *copy;

	for (; ps->p < ps->end && *ps->p != '"'; ps->p++) {
		if (*ps->p == '\r' || *ps->p == '\n')
			return imap_bad(ps, "Line end in a quoted string");
		if (*ps->p != '\\')
			continue;
		ps->p++;
		escapes++;
		if (imap_peek(ps) != '"' && imap_peek(ps) != '\\')
			return imap_bad(
			    ps, "Invalid escape in a quoted string");
	}
	*out = str_n(start, (size_t)(ps->p - start));
	if (!imap_skip(ps, '"'))
		return imap_bad(ps, "Unfinished quoted string");
	if (!str_is_ascii(*out) && !str_is_utf8(*out)) /* RFC 6855, 3 */
		return imap_bad(ps, "Quoted string is not UTF-8");
	if (escapes == 0)
		return true;
	copy = arena_alloc(ps->arena, out->n);
	if (copy == NULL)
		return imap_bad(ps, "Command is too large");
	for (size_t i = 0, n = 0; i < out->n; i++) {
		if (out->p[i] == '\\')
			i++;
		copy[n++] = out->p[i];
	}
	*out = str_n(copy, out->n - escapes);
	return true;
}

/* At "{n}\r\n"; the gatherer made sure that the octets are there. */
static bool
literal(struct imap_parser *ps, struct pst_str *out)
{
	const char *lf = memchr(ps->p, '\n', (size_t)(ps->end - ps->p));
	struct pst_str line;
	bool waits, binary;
	uint64_t size;

	if (lf == NULL)
		return imap_bad(ps, "Invalid literal");
	line = str_n(ps->p, (size_t)(lf - ps->p));
	if (line.n > 0 && line.p[line.n - 1] == '\r')
		line.n--;
	if (str_find(line, '}') != line.n - 1 ||
	    !imap_literal_announced(line, &size, &waits, &binary))
		return imap_bad(ps, "Invalid literal");
	ps->p = lf + 1;
	if (size > (uint64_t)(ps->end - ps->p))
		return imap_bad(ps, "Invalid literal");
	*out = str_n(ps->p, (size_t)size);
	ps->p += size;
	return true;
}

bool
imap_string(struct imap_parser *ps, struct pst_str *out)
{
	if (imap_skip(ps, '"'))
		return quoted(ps, out);
	if (imap_peek(ps) == '{')
		return literal(ps, out);
	return imap_bad(ps, "Missing string");
}

bool
imap_astring(struct imap_parser *ps, struct pst_str *out)
{
	if (imap_peek(ps) == '"' || imap_peek(ps) == '{')
		return imap_string(ps, out);
	return take(ps, is_astring, "Missing string", out);
}

bool
imap_nstring(struct imap_parser *ps, struct pst_str *out)
{
	if (imap_skip_word(ps, "NIL")) {
		*out = STR_NONE;
		return true;
	}
	return imap_string(ps, out);
}

bool
imap_list_mailbox(struct imap_parser *ps, struct pst_str *out)
{
	if (imap_peek(ps) == '"' || imap_peek(ps) == '{')
		return imap_string(ps, out);
	return take(ps, is_list, "Missing mailbox pattern", out);
}

static bool
is_digit(char c)
{
	return ascii_is_digit(c);
}

bool
imap_number64(struct imap_parser *ps, uint64_t *out)
{
	struct pst_str digits;

	if (!take(ps, is_digit, "Missing number", &digits))
		return false;
	return str_to_u64(digits, out) || imap_bad(ps, "Number is too large");
}

bool
imap_number(struct imap_parser *ps, uint32_t *out)
{
	uint64_t n;

	if (!imap_number64(ps, &n))
		return false;
	if (n > UINT32_MAX)
		return imap_bad(ps, "Number is too large");
	*out = (uint32_t)n;
	return true;
}
