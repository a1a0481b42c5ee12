/*
 * lines.c - see lines.h.
 */
#include "lines.h"

#include "localindex/util.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

void
mb_lines_init(struct mb_lines *l, int fd, uint64_t start, uint64_t end)
{
	*l = (struct mb_lines){ .fd = fd, .at = start, .end = end };
	l->buf = li_resize(NULL,
	    end - start < MB_BUFFER ? (size_t)(end - start) : MB_BUFFER, 1);
}

void
mb_lines_text(struct mb_lines *l, const char *p, size_t n)
{
	/* It is not written to. */
	*l = (struct mb_lines){ .fd = -1, .to = n, .at = n, .end = n };
	memcpy(&l->buf, &p, sizeof(p));
}

void
mb_lines_fini(struct mb_lines *l)
{
	if (l->fd >= 0)
		free(l->buf);
	l->buf = NULL;
}

static void
fill(struct mb_lines *l)
{
	memmove(l->buf, l->buf + l->from, l->to - l->from);
	l->to -= l->from;
	l->from = 0;
	while (l->to < MB_PIECE && l->at < l->end) {
		size_t room = MB_BUFFER - l->to;
		ssize_t got;

		if (room > l->end - l->at)
			room = (size_t)(l->end - l->at);
		got = pread(l->fd, l->buf + l->to, room, (off_t)l->at);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			l->sys_errno = errno;
		if (got <= 0) {
			l->end = l->at; /* it was cut meanwhile */
			break;
		}
		l->to += (size_t)got;
		l->at += (uint64_t)got;
	}
}

bool
mb_lines_next(struct mb_lines *l, struct mb_piece *piece)
{
	const char *lf;

	if (l->to - l->from < MB_PIECE && l->at < l->end) {
		/* Not for each line: a whole line is enough. */
		lf = l->to > l->from
			 ? memchr(l->buf + l->from, '\n', l->to - l->from)
			 : NULL;
		if (lf == NULL)
			fill(l);
	}
	if (l->sys_errno != 0 || l->from == l->to)
		return false;
	piece->p = l->buf + l->from;
	lf = memchr(piece->p, '\n', l->to - l->from);
	piece->n = lf != NULL ? (size_t)(lf - piece->p) : l->to - l->from;
	piece->has_lf = lf != NULL;
	piece->is_start = !l->is_inside;
	piece->offset = l->at - (l->to - l->from);
	l->from += piece->n + piece->has_lf;
	l->is_inside = lf == NULL;
	return true;
}
