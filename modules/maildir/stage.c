/*
 * stage.c - a message on its way in: a file in ROOT/postern.tmp, on the same
 * file system as the mailboxes, so that it gets into them by link or rename.
 * Small messages are written with one write(2).
 *
 * Programs that read Maildirs expect lines that end in LF. A message in which
 * every CR and every LF is part of a CRLF is written so, which loses nothing:
 * its name tells the size with CRLF, and body() puts them back. With the first
 * CR or LF by itself what was written so far gets its CRs again, and the
 * message is kept octet for octet.
 */
#include "maildir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BUFFER_MAX = 64 * 1024, BUFFER_MIN = 1024, SAME_TIME = 2 };

struct pst_stage {
	struct pst_store *store;
	int fd;	       /* -1: nothing was written yet */
	char name[36]; /* in postern.tmp; "" when it was moved away */
	char *buffer;
	size_t n, cap;
	uint64_t size;	 /* as it came */
	uint64_t octets; /* of the file */
	bool as_lf;	 /* no CR or LF stood by itself so far */
	bool has_cr;	 /* held back: LF should follow */
	enum pst_rc rc;	 /* of the first failure: it stays */
	int sys_errno;
	bool is_synced, is_dated;
};

enum pst_rc
md_stage_new(struct pst_store *store, uint64_t size, struct pst_stage **stage_r,
    struct pst_error *err)
{
	struct pst_stage *s = md_alloc(sizeof(*s));

	(void)err;
	s->store = store;
	s->fd = -1;
	s->as_lf = store->as_lf;
	s->cap = size == 0 || size > BUFFER_MAX ? BUFFER_MAX : (size_t)size;
	if (s->cap < BUFFER_MIN)
		s->cap = BUFFER_MIN;
	*stage_r = s;
	return PST_OK;
}

static enum pst_rc
stage_fail(struct pst_stage *s, int e, struct pst_error *err)
{
	s->rc = md_rc_of(e);
	if (s->rc == PST_E_NOTFOUND || s->rc == PST_E_EXISTS)
		s->rc = PST_E_TEMP;
	s->sys_errno = e;
	return pst_fail(err, s->rc, e, "write %.180s/postern.tmp/%s",
	    s->store->root, s->name);
}

static int
open_file(struct pst_stage *s)
{
	s->name[0] = 'm';
	md_random_hex(s->store, s->name + 1, 16);
	s->fd = openat(s->store->temp_fd, s->name,
	    O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (s->fd < 0) {
		s->name[0] = '\0';
		return errno;
	}
	return 0;
}

static int
flush(struct pst_stage *s)
{
	int e = s->fd < 0 ? open_file(s) : 0;

	if (e == 0)
		e = md_write_all(s->fd, s->buffer, s->n);
	s->n = 0;
	return e;
}

/* Adds octets to the file. */
static int
put(struct pst_stage *s, const char *p, size_t n)
{
	int e = 0;

	s->octets += n;
	while (e == 0 && n > 0) {
		size_t part = s->cap - s->n < n ? s->cap - s->n : n;

		/* What would fill the buffer alone is not copied. */
		if (s->n == 0 && n >= s->cap) {
			if (s->fd < 0)
				e = open_file(s);
			if (e == 0)
				e = md_write_all(s->fd, p, n);
			break;
		}
		memcpy(s->buffer + s->n, p, part);
		s->n += part;
		p += part;
		n -= part;
		if (s->n == s->cap)
			e = flush(s);
	}
	return e;
}

/* Adds what was written with LF, now with CRLF. */
static int
put_with_cr(struct pst_stage *s, const char *p, size_t n)
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
put_file_with_cr(struct pst_stage *s, int fd)
{
	char *part = md_resize(NULL, BUFFER_MAX, 1);
	off_t at = 0;
	ssize_t got = 0;
	int e = 0;

	while (e == 0 && (got = pread(fd, part, BUFFER_MAX, at)) != 0) {
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
keep_as_it_is(struct pst_stage *s)
{
	char *buffer = s->buffer, name[sizeof(s->name)];
	size_t n = s->n;
	int fd = s->fd, e = 0;

	memcpy(name, s->name, sizeof(name));
	s->buffer = md_resize(NULL, s->cap, 1);
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
		(void)unlinkat(s->store->temp_fd, name, 0);
	}
	return e;
}

/*
 * Adds a piece with LF for CRLF. *used_r octets of it are done: less than all
 * when a CR or LF stands by itself.
 */
static int
put_as_lf(struct pst_stage *s, const char *p, size_t n, size_t *used_r)
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

enum pst_rc
md_stage_write(
    struct pst_stage *s, const void *data, size_t n, struct pst_error *err)
{
	const char *p = data;
	size_t used = 0;
	int e = 0;

	if (s->rc != PST_OK)
		return pst_fail(err, s->rc, s->sys_errno,
		    "an earlier write to a message failed");
	if (s->is_synced)
		return pst_fail(
		    err, PST_E_PERM, 0, "a message is written after its sync");
	if (s->buffer == NULL)
		s->buffer = md_resize(NULL, s->cap, 1);
	s->size += n;
	if (s->as_lf) {
		e = put_as_lf(s, p, n, &used);
		if (e == 0 && used < n)
			e = keep_as_it_is(s);
	}
	if (e == 0 && used < n)
		e = put(s, p + used, n - used);
	return e ? stage_fail(s, e, err) : PST_OK;
}

enum pst_rc
md_stage_sync(struct pst_stage *s, struct pst_error *err)
{
	int e = 0;

	if (s->rc != PST_OK)
		return pst_fail(err, s->rc, s->sys_errno,
		    "an earlier write to a message failed");
	if (s->is_synced)
		return PST_OK;
	if (s->has_cr)
		e = keep_as_it_is(s);
	if (e == 0)
		e = flush(s);
	if (e == 0 && s->store->fsync && fdatasync(s->fd) < 0)
		e = errno;
	if (e != 0)
		return stage_fail(s, e, err);
	free(s->buffer);
	s->buffer = NULL;
	s->is_synced = true;
	return PST_OK;
}

uint64_t
md_stage_octets(const struct pst_stage *s)
{
	return s->octets;
}

uint64_t
md_stage_size(const struct pst_stage *s)
{
	return s->size;
}

/* A convenience for other programs: the name is what counts. */
static void
set_date(struct pst_stage *s, int64_t date)
{
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT },
		{ .tv_sec = (time_t)date } };
	int64_t away = date - md_now(s->store);

	if (!s->is_dated && (away > SAME_TIME || away < -SAME_TIME))
		(void)futimens(s->fd, times);
	s->is_dated = true;
}

int
md_stage_place(struct pst_stage *s, struct pst_box *b, enum md_dir dir,
    const char *name, int64_t date, bool last)
{
	enum md_echo echo = last ? MD_ECHO_TO : MD_ECHO_CREATE;
	int sub = b->folder->sub[dir], e = 0;

	if (s->name[0] == '\0')
		return ENOENT; /* it went away with a commit marked last */
	set_date(s, date);
	md_expect(b, dir, echo, name);
	if (last && renameat(s->store->temp_fd, s->name, sub, name) < 0)
		e = errno;
	if (!last && linkat(s->store->temp_fd, s->name, sub, name, 0) < 0)
		e = errno;
	if (e != 0)
		md_unexpect(b, dir, echo, name);
	if (e == EXDEV || e == EMLINK || e == EPERM || e == EOPNOTSUPP)
		return md_place_copy(b, s->fd, dir, name);
	if (e == 0 && last)
		s->name[0] = '\0';
	return e;
}

void
md_stage_unplace(struct pst_stage *s, struct pst_box *b, enum md_dir dir,
    const char *name, bool last)
{
	int sub = b->folder->sub[dir];

	if (last && s->name[0] == '\0') {
		s->name[0] = 'm';
		md_random_hex(s->store, s->name + 1, 16);
		md_expect(b, dir, MD_ECHO_FROM, name);
		if (renameat(sub, name, s->store->temp_fd, s->name) == 0)
			return;
		md_unexpect(b, dir, MD_ECHO_FROM, name);
		s->name[0] = '\0';
	}
	md_expect(b, dir, MD_ECHO_DELETE, name);
	if (unlinkat(sub, name, 0) < 0)
		md_unexpect(b, dir, MD_ECHO_DELETE, name);
}

void
md_stage_free(struct pst_stage *s)
{
	if (s->name[0] != '\0')
		(void)unlinkat(s->store->temp_fd, s->name, 0);
	if (s->fd >= 0)
		(void)close(s->fd);
	free(s->buffer);
	free(s);
}
