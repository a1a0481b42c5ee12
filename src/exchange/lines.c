/*
 * exchange/lines.c - see lines.h.
 */
#include "exchange/lines.h"

#include "base/str.h"

bool
lines_are_even(const struct lines *l, const char *p, size_t n)
{
	const char *end = p + n;

	if (l->after_cr)
		return false;
	while (p < end) {
		const char *cr = memchr(p, '\r', (size_t)(end - p));
		const char *stop = cr != NULL ? cr : end;

		if (memchr(p, '\n', (size_t)(stop - p)) != NULL)
			return false;
		if (cr == NULL)
			return true;
		if (end - cr < 2 || cr[1] != '\n')
			return false;
		p = cr + 2;
	}
	return true;
}

void
lines_make_even(struct lines *l, const char *p, size_t n, struct buf *out)
{
	for (size_t i = 0; i < n; i++) {
		if (l->after_cr && p[i] != '\n')
			(void)buf_putc(out, ' ');
		l->after_cr = p[i] == '\r';
		if (p[i] == '\n')
			(void)buf_puts(out, "\r\n");
		else if (p[i] != '\r')
			(void)buf_putc(out, p[i]);
	}
}

void
lines_end(struct lines *l, struct buf *out)
{
	if (l->after_cr)
		(void)buf_putc(out, ' ');
	l->after_cr = false;
}
