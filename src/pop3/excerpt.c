/*
 * pop3/excerpt.c - finds the end of what TOP shows, a line at a time.
 */
#include "pop3/excerpt.h"

void
pop3_excerpt_init(struct pop3_excerpt *e, uint64_t lines)
{
	*e = (struct pop3_excerpt){ .lines = lines };
}

/* Notes the octets of the line before its LF, or before the end of a piece. */
static void
note(struct pop3_excerpt *e, const char *p, size_t n)
{
	if (n == 0)
		return;
	if (e->line == 0)
		e->cr = *p == '\r';
	e->line = e->line + n > 2 ? 2 : e->line + n;
}

static void
end_line(struct pop3_excerpt *e)
{
	bool blank = e->line == 0 || (e->line == 1 && e->cr);

	e->line = 0;
	if (e->in_body)
		e->lines--;
	else if (blank)
		e->in_body = true;
	e->ended = e->in_body && e->lines == 0;
}

size_t
pop3_excerpt_feed(struct pop3_excerpt *e, const char *p, size_t n)
{
	const char *at = p, *end = p + n;

	while (at < end && !e->ended) {
		const char *lf = memchr(at, '\n', (size_t)(end - at));

		note(e, at, (size_t)((lf != NULL ? lf : end) - at));
		if (lf == NULL)
			return n;
		end_line(e);
		at = lf + 1;
	}
	return (size_t)(at - p);
}
