/*
 * sieve/lexer.c - the tokens of a script (RFC 5228, 8.1). Lines end with CRLF,
 * or with LF alone as editors write them.
 */
#include "sieve/lexer.h"

#include "base/str.h"

bool
sieve_wrong(struct sieve_problem *problem, unsigned line, const char *fmt, ...)
{
	char text[1024];
	size_t n;
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	problem->line = line;
	(void)str_copy(problem->text, sizeof(problem->text), str_of(text));
	/* No half of a character at the end, no controls: it is shown. */
	n = strlen(problem->text);
	while (n > 0 && !str_is_utf8(str_n(problem->text, n)))
		problem->text[--n] = '\0';
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)problem->text[i] < ' ' ||
		    problem->text[i] == 0x7f)
			problem->text[i] = ' ';
	return false;
}

int
sieve_name_length(struct pst_str s)
{
	s = str_first(s, 60);
	while (!str_is_utf8(s))
		s.n--;
	return (int)s.n;
}

bool
sieve_lexer_init(struct sieve_lexer *x, struct pst_str text,
    struct arena *arena, struct sieve_problem *problem)
{
	struct pst_str rest = text, line;

	*x = (struct sieve_lexer){
		.text = text, .line = 1, .arena = arena, .problem = problem
	};
	for (unsigned n = 1; str_split(&rest, '\n', &line); n++) {
		if (memchr(line.p, '\0', line.n) != NULL)
			return sieve_wrong(problem, n,
			    "there is an octet of value zero; a script is "
			    "text");
		if (!str_is_utf8(line))
			return sieve_wrong(problem, n,
			    "this is not UTF-8; save the script in UTF-8, or "
			    "write the character by encoded-character");
		if (str_find(line, '\r') + 1 < line.n)
			return sieve_wrong(problem, n,
			    "there is a carriage return within the line; lines "
			    "end with CR and LF, or LF");
	}
	return true;
}

static char
peek(const struct sieve_lexer *x, size_t ahead)
{
	return ahead < x->text.n - x->at ? x->text.p[x->at + ahead] : '\0';
}

static bool
at_end(const struct sieve_lexer *x)
{
	return x->at >= x->text.n;
}

/* Behind the end of this line. */
static void
skip_line(struct sieve_lexer *x)
{
	while (!at_end(x) && x->text.p[x->at] != '\n')
		x->at++;
	if (!at_end(x)) {
		x->at++;
		x->line++;
	}
}

static bool
skip_bracket_comment(struct sieve_lexer *x)
{
	unsigned line = x->line;

	for (x->at += 2; !at_end(x); x->at++) {
		if (peek(x, 0) == '\n')
			x->line++;
		if (peek(x, 0) == '*' && peek(x, 1) == '/') {
			x->at += 2;
			return true;
		}
	}
	return sieve_wrong(x->problem, line,
	    "the comment that begins here has no end; it ends with \"*/\"");
}

static bool
skip_space(struct sieve_lexer *x)
{
	while (!at_end(x)) {
		char c = peek(x, 0);

		if (c == '#') {
			skip_line(x);
		} else if (c == '/' && peek(x, 1) == '*') {
			if (!skip_bracket_comment(x))
				return false;
		} else if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
			x->line += c == '\n';
			x->at++;
		} else {
			break;
		}
	}
	return true;
}

static bool
is_name(char c)
{
	return ascii_is_alpha(c) || ascii_is_digit(c) || c == '_';
}

static struct pst_str
take_name(struct sieve_lexer *x)
{
	size_t from = x->at;

	while (is_name(peek(x, 0)))
		x->at++;
	return str_n(x->text.p + from, x->at - from);
}

/* Octets of a value with its line ends made CRLF. */
static size_t
put_text(char *out, size_t n, struct pst_str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\n' && (i == 0 || s.p[i - 1] != '\r'))
			out[n++] = '\r';
		out[n++] = s.p[i];
	}
	return n;
}

static size_t
count_lines(struct pst_str s)
{
	size_t lines = 0;

	for (size_t i = 0; i < s.n; i++)
		lines += s.p[i] == '\n';
	return lines;
}

static bool
quoted_string(struct sieve_lexer *x, struct sieve_token *t)
{
	size_t from = ++x->at, n = 0;
	struct pst_str raw;
	char *out;

	while (!at_end(x) && peek(x, 0) != '"')
		x->at += peek(x, 0) == '\\' ? 2 : 1;
	if (at_end(x))
		return sieve_wrong(x->problem, t->line,
		    "the string that begins here has no end; it ends with a "
		    "quotation mark");
	raw = str_n(x->text.p + from, x->at - from);
	x->at++;
	x->line += (unsigned)count_lines(raw);
	out = arena_alloc(x->arena, raw.n + count_lines(raw) + 1);
	for (size_t i = 0; i < raw.n; i++) {
		/* quoted-special and quoted-other: the character itself. */
		if (raw.p[i] == '\\')
			i++;
		if (raw.p[i] == '\n' && (i == 0 || raw.p[i - 1] != '\r'))
			out[n++] = '\r';
		out[n++] = raw.p[i];
	}
	t->kind = TOKEN_STRING;
	t->text = str_n(out, n);
	return true;
}

/* The line that x stands at the beginning of, with its end. */
static struct pst_str
take_line(struct sieve_lexer *x)
{
	size_t from = x->at;

	skip_line(x);
	return str_n(x->text.p + from, x->at - from);
}

/* Behind "text:" of a multi-line string. */
static bool
multi_line(struct sieve_lexer *x, struct sieve_token *t)
{
	size_t n = 0, from;
	struct pst_str line, raw;
	char *out;

	while (peek(x, 0) == ' ' || peek(x, 0) == '\t')
		x->at++;
	if (peek(x, 0) != '#' && peek(x, 0) != '\n' &&
	    !(peek(x, 0) == '\r' && peek(x, 1) == '\n'))
		return sieve_wrong(x->problem, t->line,
		    "behind \"text:\" the line has to end; the text begins in "
		    "the next one");
	skip_line(x);
	from = x->at;
	do {
		if (at_end(x))
			return sieve_wrong(x->problem, t->line,
			    "the text that begins here has no end; it ends "
			    "with a line of a single dot");
		line = take_line(x);
	} while (!str_is(line, ".\r\n") && !str_is(line, ".\n") &&
		 !str_is(line, "."));
	raw = str_n(x->text.p + from, (size_t)(line.p - x->text.p) - from);
	out = arena_alloc(x->arena, raw.n + count_lines(raw) + 1);
	while (raw.n > 0) {
		size_t end = str_find(raw, '\n') + 1;

		line = str_first(raw, end);
		raw = str_from(raw, end);
		if (line.n > 1 && line.p[0] == '.' && line.p[1] == '.')
			line = str_from(line, 1);
		n = put_text(out, n, line);
	}
	t->kind = TOKEN_STRING;
	t->text = str_n(out, n);
	return true;
}

static bool
number(struct sieve_lexer *x, struct sieve_token *t)
{
	size_t from = x->at;
	unsigned shift = 0;
	struct pst_str digits;

	while (ascii_is_digit(peek(x, 0)))
		x->at++;
	digits = str_n(x->text.p + from, x->at - from);
	switch (ascii_upper(peek(x, 0))) {
	case 'K':
		shift = 10;
		break;
	case 'M':
		shift = 20;
		break;
	case 'G':
		shift = 30;
		break;
	default:
		break;
	}
	x->at += shift > 0;
	if (is_name(peek(x, 0)))
		return sieve_wrong(x->problem, t->line,
		    "a number ends with a digit, or with K, M or G");
	if (!str_to_u64(digits, &t->number) ||
	    t->number > (uint64_t)INT64_MAX >> shift)
		return sieve_wrong(x->problem, t->line,
		    "the number %.*s is too large", NAME_ARG(digits));
	t->number <<= shift;
	t->kind = TOKEN_NUMBER;
	return true;
}

static bool
unknown_character(struct sieve_lexer *x, const struct sieve_token *t)
{
	struct pst_str rest = str_from(x->text, x->at), one;
	size_t n = 1;

	while (n < rest.n && ((unsigned char)rest.p[n] & 0xc0) == 0x80)
		n++;
	one = str_first(rest, n);
	return sieve_wrong(x->problem, t->line,
	    "\"%.*s\" has no meaning here; strings stand in quotation marks",
	    NAME_ARG(one));
}

static bool
token(struct sieve_lexer *x, struct sieve_token *t)
{
	char c = peek(x, 0);

	if (c == '"')
		return quoted_string(x, t);
	if (ascii_is_digit(c))
		return number(x, t);
	if (c == ':') {
		x->at++;
		t->kind = TOKEN_TAG;
		if (ascii_is_digit(peek(x, 0)) || !is_name(peek(x, 0)))
			return sieve_wrong(x->problem, t->line,
			    "behind a colon comes the name of a tag");
		t->text = take_name(x);
		return true;
	}
	if (is_name(c)) {
		t->kind = TOKEN_NAME;
		t->text = take_name(x);
		if (!str_is_case(t->text, "text") || peek(x, 0) != ':')
			return true;
		x->at++;
		return multi_line(x, t);
	}
	if (strchr(";,()[]{}", c) == NULL)
		return unknown_character(x, t);
	t->kind = TOKEN_MARK;
	t->text = str_n(x->text.p + x->at++, 1);
	return true;
}

void
sieve_lexer_next(struct sieve_lexer *x, struct sieve_token *t)
{
	bool fine = skip_space(x);

	*t = (struct sieve_token){ .kind = TOKEN_END, .line = x->line };
	if (fine && at_end(x))
		return;
	if (!fine || !token(x, t))
		t->kind = TOKEN_ERROR;
}
