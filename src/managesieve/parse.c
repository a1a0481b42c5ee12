/*
 * managesieve/parse.c - the parser, an octet at a time but for what is within
 * literals.
 *
 * A line that is wrong is read to its end, and when it ends in what announces a
 * literal, that is part of it: otherwise its octets would be taken for
 * commands. LF alone ends a line as well, which people at a terminal send.
 */
#include "managesieve/parse.h"

#include "base/str.h"

enum {
	LINE = 65536, /* octets of a line without literals; then it is lost */
};

enum state {
	BEFORE,	 /* nothing yet */
	VERB,	 /* within the command's name */
	SPACE,	 /* a space, perhaps more of them */
	QUOTED,	 /* within "..." */
	ESCAPED, /* behind the backslash there */
	NUMBER,	 /* digits */
	AFTER,	 /* an argument is over */
	WRONG,	 /* anything, to the end of the line */
	BRACE,	 /* behind "{", before a digit */
	LENGTH,	 /* within the digits there */
	PLUS,	 /* behind "+" */
	BRACED,	 /* behind "}" */
	LITERAL, /* within its octets */
};

void
managesieve_parser_init(struct managesieve_parser *p)
{
	*p = (struct managesieve_parser){ 0 };
	buf_init(&p->text, SIZE_MAX / 4);
}

void
managesieve_parser_fini(struct managesieve_parser *p)
{
	if (p->text.p != NULL)
		explicit_bzero(p->text.p, p->text.cap);
	buf_fini(&p->text);
}

void
managesieve_parser_begin(
    struct managesieve_parser *p, bool is_answer, size_t max)
{
	enum { KEEP = 1024 }; /* what a session that waits may hold */

	if (p->text.cap > KEEP)
		managesieve_parser_fini(p);
	else if (p->text.p != NULL)
		explicit_bzero(p->text.p, p->text.n);
	buf_clear(&p->text);
	p->verb_n = p->args = 0;
	p->max = max;
	p->state = BEFORE;
	p->is_answer = is_answer;
	p->is_bad = p->is_large = p->cr = false;
	p->number = p->line = 0;
}

struct pst_str
managesieve_parser_arg(const struct managesieve_parser *p, size_t i)
{
	if (i >= p->args || i >= MANAGESIEVE_ARGS)
		return STR("");
	return str_n(p->text.p != NULL ? p->text.p + p->begin[i] : "",
	    p->begin[i + 1] - p->begin[i]);
}

bool
managesieve_parser_is_idle(const struct managesieve_parser *p)
{
	return p->line == 0 && p->state == BEFORE;
}

/* --- arguments -------------------------------------------------------------
 */

static void
keep(struct managesieve_parser *p, const char *octets, size_t n)
{
	if (p->is_bad || p->is_large)
		return;
	if (n > p->max - p->text.n) {
		p->is_large = true;
		managesieve_parser_fini(p);
		memset(p->begin, 0, sizeof(p->begin));
		return;
	}
	(void)buf_add(&p->text, octets, n);
}

static enum state
wrong(struct managesieve_parser *p)
{
	p->is_bad = true;
	return WRONG;
}

static enum state
begin_arg(struct managesieve_parser *p, enum managesieve_kind kind)
{
	if (p->args == MANAGESIEVE_ARGS || (p->is_answer && p->args > 0))
		return WRONG;
	p->kind[p->args] = kind;
	p->begin[p->args] = p->text.n;
	p->args++;
	return kind == MANAGESIEVE_NUMBER ? NUMBER : QUOTED;
}

static enum state
end_arg(struct managesieve_parser *p)
{
	p->begin[p->args] = p->text.n;
	return AFTER;
}

static enum state
first_of_arg(struct managesieve_parser *p, char c)
{
	enum state next = WRONG;

	if (c == '"')
		next = begin_arg(p, MANAGESIEVE_STRING);
	else if (c == '{')
		next = begin_arg(p, MANAGESIEVE_STRING) != WRONG ? BRACE
								 : WRONG;
	else if (ascii_is_digit(c) && !p->is_answer)
		next = begin_arg(p, MANAGESIEVE_NUMBER);
	if (next == NUMBER)
		keep(p, &c, 1);
	return next == WRONG ? wrong(p) : next;
}

/* --- an octet --------------------------------------------------------------
 */

static enum state
verb(struct managesieve_parser *p, char c)
{
	if (c == ' ' && p->verb_n > 0)
		return SPACE;
	if (c <= ' ' || c >= 0x7f || c == '"' || c == '{' || c == '(' ||
	    c == ')' || c == '\\' || p->verb_n == sizeof(p->verb))
		return wrong(p);
	p->verb[p->verb_n++] = c;
	return VERB;
}

static enum state
quoted(struct managesieve_parser *p, char c)
{
	if (c == '"')
		return end_arg(p);
	if (c == '\\')
		return ESCAPED;
	if (c == '\0')
		return wrong(p);
	keep(p, &c, 1);
	return QUOTED;
}

/* Behind a backslash only what needs one (QUOTED-SPECIALS). */
static enum state
escaped(struct managesieve_parser *p, char c)
{
	if (c != '"' && c != '\\')
		return wrong(p);
	keep(p, &c, 1);
	return QUOTED;
}

static enum state
number(struct managesieve_parser *p, char c)
{
	if (ascii_is_digit(c)) {
		keep(p, &c, 1);
		return NUMBER;
	}
	p->begin[p->args] = p->text.n;
	return c == ' ' ? SPACE : wrong(p);
}

/* What announces a literal; in a line that is wrong, perhaps. */
static enum state
braces(struct managesieve_parser *p, char c)
{
	enum state was = (enum state)p->state;

	if (was == BRACE)
		p->number = 0;
	if ((was == BRACE || was == LENGTH) && ascii_is_digit(c)) {
		if (p->number <= UINT32_MAX)
			p->number = p->number * 10 + (uint64_t)(c - '0');
		return LENGTH;
	}
	if (was == LENGTH && c == '+')
		return PLUS;
	return was == PLUS && c == '}' ? BRACED : wrong(p);
}

static enum state
octet(struct managesieve_parser *p, char c)
{
	switch ((enum state)p->state) {
	case BEFORE:
		return p->is_answer ? first_of_arg(p, c) : verb(p, c);
	case VERB:
		return verb(p, c);
	case SPACE:
		return c == ' ' ? SPACE : first_of_arg(p, c);
	case QUOTED:
		return quoted(p, c);
	case ESCAPED:
		return escaped(p, c);
	case NUMBER:
		return number(p, c);
	case AFTER:
		return c == ' ' ? SPACE : wrong(p);
	case BRACE:
	case LENGTH:
	case PLUS:
	case BRACED:
		return braces(p, c);
	case WRONG:
	case LITERAL:
		break;
	}
	return wrong(p);
}

/* --- lines and literals ----------------------------------------------------
 */

/* What a line that ends here is. */
static enum managesieve_said
ended(struct managesieve_parser *p)
{
	enum state was = (enum state)p->state;

	if (was == NUMBER)
		p->begin[p->args] = p->text.n;
	/* A space at the end is no error: programs and people send it. */
	if (was == BEFORE || was == QUOTED || was == ESCAPED || was == BRACE ||
	    was == LENGTH || was == PLUS)
		p->is_bad = true;
	p->state = BEFORE;
	p->line = 0;
	if (p->is_bad)
		return MANAGESIEVE_BAD;
	return p->is_large ? MANAGESIEVE_LARGE : MANAGESIEVE_COMMAND;
}

/* As much of a literal as there is. */
static size_t
literal(struct managesieve_parser *p, struct pst_str in)
{
	size_t n = in.n < p->number ? in.n : (size_t)p->number;

	keep(p, in.p, n);
	p->number -= n;
	if (p->number == 0)
		p->state = p->is_bad ? WRONG : (unsigned char)end_arg(p);
	return n;
}

/* Its octets begin. */
static enum managesieve_said
begin_literal(struct managesieve_parser *p)
{
	if (p->number > MANAGESIEVE_AWAY)
		return MANAGESIEVE_LOST;
	p->line = 0;
	/* Not what fits of it, and then not the rest. */
	if (!p->is_bad && !p->is_large && p->number > p->max - p->text.n) {
		p->is_large = true;
		managesieve_parser_fini(p);
		memset(p->begin, 0, sizeof(p->begin));
	}
	p->state = LITERAL;
	(void)literal(p, STR("")); /* that is all of {0+} */
	return MANAGESIEVE_MORE;
}

static enum managesieve_said
step(struct managesieve_parser *p, char c)
{
	if (++p->line > LINE)
		return MANAGESIEVE_LOST;
	if (c == '\n') {
		p->cr = false;
		return p->state == BRACED ? begin_literal(p) : ended(p);
	}
	/* CR is nothing but what comes before LF. */
	if (p->cr)
		p->state = (unsigned char)wrong(p);
	p->cr = c == '\r';
	if (!p->cr)
		p->state = (unsigned char)octet(p, c);
	if (p->state == WRONG && c == '{')
		p->state = BRACE;
	return MANAGESIEVE_MORE;
}

enum managesieve_said
managesieve_parser_feed(
    struct managesieve_parser *p, struct pst_str in, size_t *used_r)
{
	enum managesieve_said said = MANAGESIEVE_MORE;
	size_t at = 0;

	while (at < in.n && said == MANAGESIEVE_MORE) {
		if (p->state == LITERAL)
			at += literal(p, str_from(in, at));
		else
			said = step(p, in.p[at++]);
	}
	*used_r = at;
	return said;
}
