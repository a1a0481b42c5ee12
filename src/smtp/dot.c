/*
 * smtp/dot.c - the decoder of dot-stuffed content.
 *
 * Text goes by lines, found with memchr(), and is handed on in one run as long
 * as no dot has to be taken out. Only what stands at the cut between two
 * pieces, and after CR or a dot that begins a line, goes octet by octet.
 */
#include "smtp/dot.h"

enum state {
	AT_START, /* of a line */
	IN_LINE,
	AFTER_CR,
	AFTER_DOT,    /* that began a line; it is not passed on */
	AFTER_DOT_CR, /* nor is the CR, yet */
};

void
smtp_dot_init(struct smtp_dot *d)
{
	*d = (struct smtp_dot){ .state = AT_START };
}

/*
 * Runs over whole lines from `p`, which is in a line, up to the first octet
 * that needs thought: after a CR, or at a dot that begins a line. Returns where
 * that is.
 */
static const char *
skip_lines(struct smtp_dot *d, const char *p, const char *end)
{
	for (;;) {
		const char *cr = memchr(p, '\r', (size_t)(end - p));
		size_t text = (size_t)((cr != NULL ? cr : end) - p);

		if (!d->bare && memchr(p, '\n', text) != NULL)
			d->bare = true;
		if (cr == NULL) {
			d->state = IN_LINE;
			return end;
		}
		p = cr + 1;
		if (p == end || *p != '\n') {
			d->state = AFTER_CR;
			return p;
		}
		p++;
		if (p == end || *p == '.') {
			d->state = AT_START;
			return p;
		}
	}
}

static void
note_nul(bool *nul, const char *p, size_t n)
{
	if (!*nul && n > 0 && memchr(p, '\0', n) != NULL)
		*nul = true;
}

static void
hand_on(struct smtp_dot *d, const char *from, const char *to,
    smtp_dot_sink sink, void *arg)
{
	if (from == to)
		return;
	note_nul(&d->nul, from, (size_t)(to - from));
	sink(arg, from, (size_t)(to - from));
}

size_t
smtp_dot_feed(
    struct smtp_dot *d, const char *p, size_t n, smtp_dot_sink sink, void *arg)
{
	const char *at = p, *end = p + n;
	const char *run = p; /* from here to `at` is not handed on yet */

	while (at < end && !d->ended) {
		switch ((enum state)d->state) {
		case AT_START:
			if (*at != '.') {
				d->state = IN_LINE;
				break;
			}
			hand_on(d, run, at, sink, arg);
			run = ++at;
			d->state = AFTER_DOT;
			break;
		case IN_LINE:
			at = skip_lines(d, at, end);
			break;
		case AFTER_CR:
			if (*at == '\n') {
				d->state = AT_START;
				at++;
				break;
			}
			d->bare = true;
			d->state = IN_LINE;
			break;
		case AFTER_DOT:
			if (*at == '\r') {
				at++;
				d->state = AFTER_DOT_CR;
				break;
			}
			d->state = IN_LINE;
			break;
		case AFTER_DOT_CR:
			run = at;
			if (*at == '\n') {
				d->ended = true;
				run = ++at;
				break;
			}
			/* The CR was content, and alone. */
			d->bare = true;
			sink(arg, "\r", 1);
			d->state = IN_LINE;
			break;
		}
	}
	if (d->state != AFTER_DOT_CR)
		hand_on(d, run, at, sink, arg);
	return (size_t)(at - p);
}

void
smtp_lines_feed(struct smtp_lines *l, const char *p, size_t n)
{
	const char *end = p + n;

	note_nul(&l->nul, p, n);
	while (p < end && !l->bare) {
		const char *cr;
		size_t text;

		if (l->after_cr) {
			l->after_cr = false;
			l->bare = *p != '\n';
			p++;
			continue;
		}
		cr = memchr(p, '\r', (size_t)(end - p));
		text = (size_t)((cr != NULL ? cr : end) - p);
		l->bare = memchr(p, '\n', text) != NULL;
		l->after_cr = cr != NULL;
		p += text + l->after_cr;
	}
}

void
smtp_lines_end(struct smtp_lines *l)
{
	l->bare |= l->after_cr;
}
