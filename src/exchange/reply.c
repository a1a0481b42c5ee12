/*
 * exchange/reply.c - see reply.h.
 */
#include "exchange/reply.h"

#include "base/str.h"

void
reply_init(struct reply *r)
{
	*r = (struct reply){ 0 };
	buf_init(&r->text, REPLY_TEXT);
}

void
reply_fini(struct reply *r)
{
	buf_fini(&r->text);
}

void
reply_begin(struct reply_reader *rr, struct reply *r)
{
	rr->n = 0;
	rr->lines = 0;
	r->code = 0;
	memset(r->status, 0, sizeof(r->status));
	buf_clear(&r->text);
}

/* "5.1.1 " at the start of the text (RFC 2034, 4). */
static void
take_status(struct reply *r, struct pst_str *text)
{
	struct pst_str rest = *text, word, part;
	uint32_t number[3];

	if (!str_split(&rest, ' ', &word))
		return;
	for (int i = 0; i < 3; i++)
		if (!str_split(&word, '.', &part) ||
		    !str_to_u32(part, &number[i]) ||
		    number[i] > (i == 0 ? 5U : 999U))
			return;
	if (word.n > 0 || number[0] != r->code / 100)
		return;
	for (int i = 0; i < 3; i++)
		r->status[i] = (uint16_t)number[i];
}

/* One line, without its end. */
static enum reply_result
take_line(struct reply_reader *rr, struct reply *r, struct pst_str line)
{
	struct pst_str text;
	uint32_t code;
	bool more;

	if (line.n < 3 || !str_to_u32(str_first(line, 3), &code) ||
	    code < 200 || code > 599 ||
	    (line.n > 3 && line.p[3] != ' ' && line.p[3] != '-'))
		return REPLY_BROKEN;
	more = line.n > 3 && line.p[3] == '-';
	/* RFC 5321, 4.2.1: the code is the same on all lines. */
	if (rr->lines++ == 0)
		r->code = code;
	else if (r->code != code)
		return REPLY_BROKEN;
	text = str_from(line, 4);
	if (rr->lines == 1)
		take_status(r, &text);
	else
		(void)buf_putc(&r->text, '\n');
	if (!buf_add_str(&r->text, text) || rr->lines > REPLY_LINES)
		return REPLY_BROKEN;
	return more ? REPLY_MORE : REPLY_DONE;
}

bool
reply_read(struct pst_str text, struct reply *r)
{
	struct reply_reader rr;

	reply_begin(&rr, r);
	return text.n > 3 && text.p[3] == ' ' &&
	       take_line(&rr, r, text) == REPLY_DONE;
}

enum reply_result
reply_feed(struct reply_reader *rr, struct reply *r, const char *p, size_t n,
    size_t *used_r)
{
	for (size_t i = 0; i < n; i++) {
		enum reply_result result;

		*used_r = i + 1;
		if (p[i] != '\n') {
			if (rr->n == sizeof(rr->line))
				return REPLY_BROKEN;
			rr->line[rr->n++] = p[i];
			continue;
		}
		if (rr->n > 0 && rr->line[rr->n - 1] == '\r')
			rr->n--;
		result = take_line(rr, r, str_n(rr->line, rr->n));
		rr->n = 0;
		if (result != REPLY_MORE)
			return result;
	}
	*used_r = n;
	return REPLY_MORE;
}

void
reply_print(const struct reply *r, size_t max, struct buf *out)
{
	struct pst_str text = buf_str(&r->text);
	size_t end = out->n + max;
	bool is_utf8 = str_is_utf8(text);

	(void)buf_printf(out, "%u ", r->code);
	for (size_t i = 0; i < text.n && out->n < end; i++) {
		unsigned char c = (unsigned char)text.p[i];

		if (c == '\n')
			c = ' ';
		if (c < 0x20 || c == 0x7f || (c >= 0x80 && !is_utf8))
			c = '?';
		(void)buf_putc(out, (char)c);
	}
	/* No part of a character where it is cut. */
	while (out->n == end && (unsigned char)out->p[out->n - 1] >= 0x80)
		out->n = --end;
}
