/*
 * imap/append_parse.c - the grammar of APPEND (RFC 4466, 2.6) with what RFC
 * 3502 (several messages), RFC 3516 (literal8), RFC 4469 (CATENATE) and RFC
 * 6855 (UTF8) add, and of REPLACE (RFC 8508).
 *
 * A message is not part of the text that is parsed: a segment ends where it is
 * announced, and the next one begins behind it.
 */
#include "imap/append_parse.h"

#include "base/str.h"
#include "imap/gather.h"

struct parsing {
	struct imap_parser *ps;
	struct imap_append_grammar *g;
	struct imap_append_segment *out;
	struct imap_append_step **tail;
	enum imap_append_need need; /* when it ends here */
};

/* The announcement of a literal stands here, and none of its octets. */
static bool
is_announced(const struct imap_parser *ps, bool *binary_r)
{
	struct pst_str rest = str_n(ps->p, (size_t)(ps->end - ps->p));
	size_t lf = str_find(rest, '\n');
	struct pst_str line = str_first(rest, lf);
	uint64_t size;
	bool waits;

	*binary_r = imap_peek(ps) == '~';
	if (imap_peek(ps) != '{' && imap_peek(ps) != '~')
		return false;
	if (lf + 1 != rest.n)
		return false;
	if (line.n > 0 && line.p[line.n - 1] == '\r')
		line.n--;
	return str_find(line, '}') == line.n - 1 &&
	       str_find(line, '{') == (*binary_r ? 1 : 0) &&
	       imap_literal_announced(line, &size, &waits, binary_r);
}

static struct imap_append_step *
add(struct parsing *p, enum imap_append_what what)
{
	struct imap_append_step *step = arena_alloc(
	    p->ps->arena, sizeof(*step));

	step->what = what;
	*p->tail = step;
	p->tail = &step->next;
	return step;
}

static bool
ends(struct parsing *p, enum imap_append_need need)
{
	p->need = need;
	return false;
}

/* All below: false ends the segment with p->need, which is BAD before. */

/* seq-number = nz-number / "*" */
static bool
number(struct parsing *p)
{
	if (imap_skip(p->ps, '*'))
		return true;
	return imap_number(p->ps, &p->out->number) &&
	       (p->out->number != 0 || imap_bad(p->ps, "Invalid message"));
}

/* SP [seq-number SP] mailbox */
static bool
head(struct parsing *p)
{
	struct imap_parser *ps = p->ps;
	bool binary;

	if (!imap_space(ps))
		return false;
	if (p->g->replace && (!number(p) || !imap_space(ps)))
		return false;
	if (is_announced(ps, &binary))
		return binary ? imap_bad(ps, "Binary literal is not allowed")
			      : ends(p, IMAP_APPEND_ARGUMENT);
	p->g->at = IMAP_APPEND_MESSAGE;
	return imap_mailbox(ps, &p->out->mailbox);
}

static bool
content(struct parsing *p, bool utf8, bool whole, enum imap_append_at next)
{
	struct imap_append_step *step;
	bool binary;

	if (!is_announced(p->ps, &binary) || (utf8 && !binary))
		return imap_bad(p->ps, "Missing message literal");
	step = add(p, IMAP_APPEND_STREAM);
	step->binary = binary && !utf8;
	step->whole = whole;
	p->g->at = next;
	return ends(p, IMAP_APPEND_CONTENT);
}

/* [SP flag-list] [SP date-time] SP append-data */
static bool
message(struct parsing *p)
{
	struct imap_parser *ps = p->ps;
	struct imap_append_step *step = add(p, IMAP_APPEND_BEGIN);

	if (!imap_space(ps))
		return false;
	if (imap_peek(ps) == '(' &&
	    (!imap_flag_list(ps, p->g->longest, &step->flags) ||
		!imap_space(ps)))
		return false;
	step->has_date = imap_peek(ps) == '"';
	if (step->has_date &&
	    (!imap_date_time(ps, &step->date) || !imap_space(ps)))
		return false;
	if (imap_skip_word(ps, "CATENATE")) {
		p->g->at = IMAP_APPEND_PART;
		return imap_space(ps) && imap_expect(ps, '(');
	}
	if (imap_skip_word(ps, "UTF8"))
		return imap_space(ps) && imap_expect(ps, '(') &&
		       content(p, true, true, IMAP_APPEND_CLOSE);
	return content(p, false, true, IMAP_APPEND_MESSAGE_END);
}

/* cat-part = "TEXT" SP literal / "URL" SP astring / utf8-literal */
static bool
part(struct parsing *p)
{
	struct imap_parser *ps = p->ps;

	if (imap_skip_word(ps, "TEXT"))
		return imap_space(ps) &&
		       content(p, false, false, IMAP_APPEND_PART_END);
	if (imap_skip_word(ps, "UTF8"))
		return imap_space(ps) && imap_expect(ps, '(') &&
		       content(p, true, false, IMAP_APPEND_PART_CLOSE);
	if (!imap_skip_word(ps, "URL"))
		return imap_bad(ps, "Unknown part of CATENATE");
	p->g->at = IMAP_APPEND_URL;
	return imap_space(ps);
}

static bool
url(struct parsing *p)
{
	struct pst_str text;
	bool binary;

	if (is_announced(p->ps, &binary))
		return binary ? imap_bad(p->ps, "Binary literal is not allowed")
			      : ends(p, IMAP_APPEND_ADDRESS);
	if (!imap_astring(p->ps, &text))
		return false;
	add(p, IMAP_APPEND_COPY)->url = text;
	p->g->at = IMAP_APPEND_PART_END;
	return true;
}

static bool
part_end(struct parsing *p)
{
	bool last = imap_skip(p->ps, ')');

	p->g->at = last ? IMAP_APPEND_MESSAGE_END : IMAP_APPEND_PART;
	return last || imap_space(p->ps);
}

static bool
message_end(struct parsing *p)
{
	(void)add(p, IMAP_APPEND_END);
	if (imap_peek(p->ps) != ' ' || p->g->replace)
		return imap_end(p->ps) && ends(p, IMAP_APPEND_DONE);
	p->g->at = IMAP_APPEND_MESSAGE;
	return true;
}

static bool
next(struct parsing *p)
{
	switch (p->g->at) {
	case IMAP_APPEND_HEAD:
		return head(p);
	case IMAP_APPEND_MESSAGE:
		return message(p);
	case IMAP_APPEND_PART:
		return part(p);
	case IMAP_APPEND_URL:
		return url(p);
	case IMAP_APPEND_PART_END:
		return part_end(p);
	case IMAP_APPEND_PART_CLOSE:
		p->g->at = IMAP_APPEND_PART_END;
		return imap_expect(p->ps, ')');
	case IMAP_APPEND_CLOSE:
		p->g->at = IMAP_APPEND_MESSAGE_END;
		return imap_expect(p->ps, ')');
	case IMAP_APPEND_MESSAGE_END:
		return message_end(p);
	}
	return false;
}

enum imap_append_need
imap_append_parse(struct imap_parser *ps, struct imap_append_grammar *g,
    struct imap_append_segment *out)
{
	struct imap_append_grammar moved = *g;
	struct parsing p = { ps, &moved, out, &out->first, IMAP_APPEND_BAD };

	memset(out, 0, sizeof(*out));
	while (next(&p))
		;
	if (p.need != IMAP_APPEND_BAD && p.need != IMAP_APPEND_ARGUMENT)
		*g = moved;
	return p.need;
}
