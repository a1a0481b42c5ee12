/*
 * stage.c - see stage.h.
 */
#include "localindex/stage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum { BUFFER_MIN = 1024, PART = 64 * 1024 };

void
li_stage_init(struct li_stage *s, const struct pst_host *host, int temp_fd,
    uint64_t size, size_t memory, bool as_lf)
{
	*s = (struct li_stage){
		.host = host, .temp_fd = temp_fd, .fd = -1, .as_lf = as_lf
	};
	s->cap = size == 0 || size > memory ? memory : (size_t)size;
	if (s->cap < BUFFER_MIN)
		s->cap = BUFFER_MIN;
}

static int
open_file(struct li_stage *s)
{
	s->name[0] = 'm';
	li_random_hex(s->host, s->name + 1, 16);
	s->fd = openat(s->temp_fd, s->name,
	    O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (s->fd < 0) {
		s->name[0] = '\0';
		return errno;
	}
	return 0;
}

static int
flush(struct li_stage *s)
{
	int e = s->fd < 0 ? open_file(s) : 0;

	if (e == 0)
		e = li_write_all(s->fd, s->buffer, s->n);
	s->n = 0;
	return e;
}

static int
put(struct li_stage *s, const char *p, size_t n)
{
	int e = 0;

	s->octets += n;
	while (e == 0 && n > 0) {
		size_t part;

		if (s->n == s->cap)
			e = flush(s);
		/* What would fill the buffer alone is not copied. */
		if (e == 0 && s->n == 0 && n > s->cap) {
			if (s->fd < 0)
				e = open_file(s);
			return e ? e : li_write_all(s->fd, p, n);
		}
		part = s->cap - s->n < n ? s->cap - s->n : n;
		if (e == 0)
			memcpy(s->buffer + s->n, p, part);
		s->n += part;
		p += part;
		n -= part;
	}
	return e;
}

/* Adds what was written with LF, now with CRLF. */
static int
put_with_cr(struct li_stage *s, const char *p, size_t n)
{
	int e = 0;

	while (e == 0 && n > 0) {
		const char *lf = memchr(p, '\n', n);
		size_t line = lf != NULL ? (size_t)(lf - p) : n;

		e = put(s, p, line);
		if (e == 0 && lf != NULL)
			e = put(s, "\r\n", 2);
		line += lf != NULL;
		p += line;
		n -= line;
	}
	return e;
}

static int
put_file_with_cr(struct li_stage *s, int fd)
{
	char *part = li_resize(NULL, PART, 1);
	off_t at = 0;
	ssize_t got = 0;
	int e = 0;

	while (e == 0 && (got = pread(fd, part, PART, at)) != 0) {
		if (got < 0) {
			e = errno == EINTR ? 0 : errno;
			continue;
		}
		e = put_with_cr(s, part, (size_t)got);
		at += got;
	}
	free(part);
	return e;
}

/* From here on the message is kept as it comes, and so is what came. */
static int
keep_as_it_is(struct li_stage *s)
{
	char *buffer = s->buffer, name[sizeof(s->name)];
	size_t n = s->n;
	int fd = s->fd, e = 0;

	memcpy(name, s->name, sizeof(name));
	s->buffer = li_resize(NULL, s->cap, 1);
	s->fd = -1;
	s->name[0] = '\0';
	s->n = 0;
	s->octets = 0;
	s->as_lf = false;
	if (fd >= 0)
		e = put_file_with_cr(s, fd);
	if (e == 0)
		e = put_with_cr(s, buffer, n);
	if (e == 0 && s->has_cr)
		e = put(s, "\r", 1);
	s->has_cr = false;
	free(buffer);
	if (fd >= 0) {
		(void)close(fd);
		(void)unlinkat(s->temp_fd, name, 0);
	}
	return e;
}

/*
 * Adds a piece with LF for CRLF. *used_r octets of it are done: less than all
 * when a CR or LF stands by itself.
 */
static int
put_as_lf(struct li_stage *s, const char *p, size_t n, size_t *used_r)
{
	const char *start = p, *end = p + n;
	int e = 0;

	while (e == 0 && p < end) {
		const char *lf = memchr(p, '\n', (size_t)(end - p));
		const char *stop = lf != NULL ? lf : end;
		const char *cr = memchr(p, '\r', (size_t)(stop - p));

		/* LF must follow a held CR at once; elsewhere a CR may only
		 * stand before the LF, or end the piece. */
		if (s->has_cr	 ? lf != p
		    : cr != NULL ? cr + 1 != stop
				 : lf != NULL)
			break;
		e = put(s, p, (size_t)((cr != NULL ? cr : stop) - p));
		if (e == 0 && lf != NULL)
			e = put(s, "\n", 1);
		s->has_cr = lf == NULL && cr != NULL;
		p = lf != NULL ? lf + 1 : end;
	}
	*used_r = (size_t)(p - start);
	return e;
}

int
li_stage_write(struct li_stage *s, const void *data, size_t n)
{
	const char *p = data;
	size_t used = 0;
	int e = s->sys_errno;

	if (e != 0)
		return e;
	if (s->buffer == NULL)
		s->buffer = li_resize(NULL, s->cap, 1);
	s->size += n;
	if (s->as_lf) {
		e = put_as_lf(s, p, n, &used);
		if (e == 0 && used < n)
			e = keep_as_it_is(s);
	}
	if (e == 0 && used < n)
		e = put(s, p + used, n - used);
	s->sys_errno = e;
	return e;
}

int
li_stage_end(struct li_stage *s, bool to_file)
{
	int e = s->sys_errno;

	if (e == 0 && s->has_cr)
		e = keep_as_it_is(s);
	if (e == 0 && (to_file || s->fd >= 0)) {
		e = flush(s);
		free(s->buffer);
		s->buffer = NULL;
	}
	s->sys_errno = e;
	return e;
}

void
li_stage_fini(struct li_stage *s)
{
	if (s->name[0] != '\0')
		(void)unlinkat(s->temp_fd, s->name, 0);
	if (s->fd >= 0)
		(void)close(s->fd);
	free(s->buffer);
	s->buffer = NULL;
	s->name[0] = '\0';
	s->fd = -1;
}
