/*
 * pop3/stuff.c - dots are put in where the text lies, in the output. Text
 * mostly needs none, and is then only looked at, a line at a time.
 */
#include "pop3/stuff.h"

static size_t
count_dots(const char *p, const char *end, bool inside)
{
	size_t n = p < end && *p == '.' && !inside;

	while ((p = memchr(p, '\n', (size_t)(end - p))) != NULL && ++p < end)
		n += *p == '.';
	return n;
}

/* Moves the text up to make room for `dots`, the last line first. */
static void
put_dots(char *begin, size_t n, size_t dots)
{
	char *end = begin + n, *p = end;

	while (dots > 0) {
		const char *lf = memrchr(begin, '\n', (size_t)(p - begin));
		char *line = lf != NULL ? begin + (lf - begin) + 1 : begin;

		p = lf != NULL ? line - 1 : begin;
		if (line == end || *line != '.')
			continue;
		memmove(line + dots, line, (size_t)(end - line));
		end = line;
		line[--dots] = '.';
	}
}

bool
pop3_stuff(struct pop3_stuff *st, struct buf *out, size_t from)
{
	size_t n = out->n - from, dots;
	char *begin;

	if (n == 0)
		return true;
	begin = out->p + from;
	dots = count_dots(begin, begin + n, st->inside);
	if (dots > 0) {
		if (buf_reserve(out, dots) == NULL)
			return false;
		begin = out->p + from;
		put_dots(begin, n, dots);
		buf_added(out, dots);
	}
	st->inside = out->p[out->n - 1] != '\n';
	return true;
}

bool
pop3_stuff_end(struct pop3_stuff *st, struct buf *out)
{
	bool inside = st->inside;

	st->inside = false;
	return buf_puts(out, inside ? "\r\n.\r\n" : ".\r\n");
}
