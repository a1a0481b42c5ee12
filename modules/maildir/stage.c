/*
 * stage.c - a message on its way in: a file in ROOT/postern.tmp, on the same
 * file system as the mailboxes, so that it gets into them by link or rename.
 * Small messages are written with one write(2). The name of a message tells
 * the size with CRLF, and body() puts them back where they were left out.
 */
#include "maildir.h"

#include "localindex/stage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BUFFER_MAX = 64 * 1024, SAME_TIME = 2 };

struct pst_stage {
	struct pst_store *store;
	struct li_stage in; /* its name is "" when it was moved away */
	bool is_synced, is_dated;
};

enum pst_rc
md_stage_new(struct pst_store *store, uint64_t size, struct pst_stage **stage_r,
    struct pst_error *err)
{
	struct pst_stage *s = li_alloc(sizeof(*s));

	(void)err;
	s->store = store;
	li_stage_init(&s->in, store->host, store->temp_fd, size, BUFFER_MAX,
	    store->as_lf);
	*stage_r = s;
	return PST_OK;
}

static enum pst_rc
stage_fail(const struct pst_stage *s, int e, struct pst_error *err)
{
	enum pst_rc rc = li_rc_of(e);

	if (rc == PST_E_NOTFOUND || rc == PST_E_EXISTS)
		rc = PST_E_TEMP;
	return pst_fail(err, rc, e, "write %.180s/postern.tmp/%s",
	    s->store->root, s->in.name);
}

enum pst_rc
md_stage_write(
    struct pst_stage *s, const void *data, size_t n, struct pst_error *err)
{
	int e;

	if (s->is_synced)
		return pst_fail(
		    err, PST_E_PERM, 0, "a message is written after its sync");
	e = li_stage_write(&s->in, data, n);
	return e ? stage_fail(s, e, err) : PST_OK;
}

enum pst_rc
md_stage_sync(struct pst_stage *s, struct pst_error *err)
{
	int e;

	if (s->is_synced)
		return PST_OK;
	e = li_stage_end(&s->in, true);
	if (e == 0 && s->store->fsync && fdatasync(s->in.fd) < 0)
		s->in.sys_errno = e = errno;
	if (e != 0)
		return stage_fail(s, e, err);
	s->is_synced = true;
	return PST_OK;
}

uint64_t
md_stage_octets(const struct pst_stage *s)
{
	return s->in.octets;
}

uint64_t
md_stage_size(const struct pst_stage *s)
{
	return s->in.size;
}

/* A convenience for other programs: the name is what counts. */
static void
set_date(struct pst_stage *s, int64_t date)
{
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT },
		{ .tv_sec = (time_t)date } };
	int64_t away = date - md_now(s->store);

	if (!s->is_dated && (away > SAME_TIME || away < -SAME_TIME))
		(void)futimens(s->in.fd, times);
	s->is_dated = true;
}

int
md_stage_place(struct pst_stage *s, struct pst_box *b, enum md_dir dir,
    const char *name, int64_t date, bool last)
{
	enum md_echo echo = last ? MD_ECHO_TO : MD_ECHO_CREATE;
	int sub = b->folder->sub[dir], e = 0;

	if (s->in.name[0] == '\0')
		return ENOENT; /* it went away with a commit marked last */
	set_date(s, date);
	md_expect(b, dir, echo, name);
	if (last && renameat(s->store->temp_fd, s->in.name, sub, name) < 0)
		e = errno;
	if (!last && linkat(s->store->temp_fd, s->in.name, sub, name, 0) < 0)
		e = errno;
	if (e != 0)
		md_unexpect(b, dir, echo, name);
	if (e == EXDEV || e == EMLINK || e == EPERM || e == EOPNOTSUPP)
		return md_place_copy(b, s->in.fd, dir, name);
	if (e == 0 && last)
		s->in.name[0] = '\0';
	return e;
}

void
md_stage_unplace(struct pst_stage *s, struct pst_box *b, enum md_dir dir,
    const char *name, bool last)
{
	int sub = b->folder->sub[dir];

	if (last && s->in.name[0] == '\0') {
		s->in.name[0] = 'm';
		md_random_hex(s->store, s->in.name + 1, 16);
		md_expect(b, dir, MD_ECHO_FROM, name);
		if (renameat(sub, name, s->store->temp_fd, s->in.name) == 0)
			return;
		md_unexpect(b, dir, MD_ECHO_FROM, name);
		s->in.name[0] = '\0';
	}
	md_expect(b, dir, MD_ECHO_DELETE, name);
	if (unlinkat(sub, name, 0) < 0)
		md_unexpect(b, dir, MD_ECHO_DELETE, name);
}

void
md_stage_free(struct pst_stage *s)
{
	li_stage_fini(&s->in);
	free(s);
}
