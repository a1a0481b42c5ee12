/*
 * out_mbox.c - mbox files in directories; what is in them is mbox_writer.h's.
 */
#include "base/clock.h"
#include "base/str.h"
#include "migrate/files.h"
#include "migrate/mbox_writer.h"
#include "migrate/target.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_OCTETS = 4096 };

struct out_mbox {
	struct mig_target base;
	char *path;
	bool single, is_stdout;
	int root_fd; /* -1: single */
	/* The mailbox. */
	char *part; /* of the file, below the root: it grows here */
	char *file;
	int dir_fd; /* that these are in */
	int fd;	    /* -1: none */
	struct mbox_writer text;
};

static struct out_mbox *
self(struct mig_target *base)
{
	return (struct out_mbox *)base;
}

static enum pst_rc
failed(const char *what, struct pst_error *err)
{
	int e = errno;

	return pst_fail(err,
	    e == EEXIST			 ? PST_E_EXISTS
	    : e == ENOSPC || e == EDQUOT ? PST_E_NOSPACE
					 : PST_E_TEMP,
	    e, "%.180s: %s", what, strerror(e));
}

/* --- files --------------------------------------------------------------- */

/* The directory of a mailbox's file below the root, made as needed: "A.sbd" for
 * what is below "A". *name_r: the file's name in it. */
static enum pst_rc
open_parent(struct out_mbox *o, const char *name, struct buf *name_r,
    struct pst_error *err)
{
	struct pst_str rest = str_of(name), level;
	int fd = dup(o->root_fd);

	while (str_split(&rest, '/', &level)) {
		int next;

		buf_clear(name_r);
		if (!mig_put_level(level, false, name_r)) {
			(void)close(fd);
			return pst_fail(err, PST_E_LIMIT, 0,
			    "%.150s: too long a name", name);
		}
		if (rest.p == NULL)
			break;
		(void)buf_add(name_r, ".sbd", 5);
		if (mkdirat(fd, name_r->p, 0700) < 0 && errno != EEXIST) {
			(void)close(fd);
			return failed(name, err);
		}
		next = mig_open_dir(fd, name_r->p);
		(void)close(fd);
		if (next < 0)
			return failed(name, err);
		fd = next;
	}
	o->dir_fd = fd;
	return buf_putc(name_r, '\0') ? PST_OK : PST_E_LIMIT;
}

static enum pst_rc
open_part(struct out_mbox *o, const char *file, struct pst_error *err)
{
	struct stat st;
	struct buf part;

	if (fstatat(o->dir_fd, file, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		errno = EEXIST;
		return failed(file, err);
	}
	buf_init(&part, PATH_OCTETS);
	(void)buf_printf(&part, "%s.%08llx.lock", file,
	    (unsigned long long)(random_u64() & 0xffffffff));
	o->file = str_dup(str_of(file));
	o->part = str_dup(buf_str(&part));
	buf_fini(&part);
	o->fd = openat(o->dir_fd, o->part,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	return o->fd >= 0 ? PST_OK : failed(o->part, err);
}

static void
drop_part(struct out_mbox *o)
{
	if (o->fd >= 0 && !o->is_stdout) {
		(void)close(o->fd);
		(void)unlinkat(o->dir_fd, o->part, 0);
	}
	if (o->dir_fd >= 0)
		(void)close(o->dir_fd);
	free(o->part);
	free(o->file);
	o->part = o->file = NULL;
	o->fd = o->dir_fd = -1;
}

static enum pst_rc
mbox_begin(struct mig_target *base, const struct mig_out_box *box,
    struct pst_error *err)
{
	struct out_mbox *o = self(base);
	enum pst_rc rc = PST_OK;
	struct buf name;

	mbox_writer_begin(&o->text, &box->state);
	if (o->is_stdout) {
		o->fd = STDOUT_FILENO;
		return PST_OK;
	}
	buf_init(&name, PATH_OCTETS);
	if (o->single) {
		o->dir_fd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		(void)buf_printf(&name, "%s", o->path);
		(void)buf_putc(&name, '\0');
	} else {
		rc = open_parent(o, box->name, &name, err);
	}
	if (rc == PST_OK)
		rc = open_part(o, name.p, err);
	buf_fini(&name);
	return rc;
}

static enum pst_rc
flush(struct out_mbox *o, struct pst_error *err)
{
	enum pst_rc rc = PST_OK;

	if (o->text.out.overflow)
		return pst_fail(err, PST_E_LIMIT, 0, "a message is too large");
	if (o->text.out.n > 0)
		rc = mig_write_all(o->fd, o->text.out.p, o->text.out.n, err);
	buf_clear(&o->text.out);
	return rc;
}

static enum pst_rc
mbox_end(struct mig_target *base, struct pst_error *err)
{
	struct out_mbox *o = self(base);
	enum pst_rc rc = flush(o, err);

	if (rc != PST_OK || o->is_stdout)
		return rc;
	if (fsync(o->fd) < 0 || close(o->fd) < 0) {
		o->fd = -1;
		rc = failed(o->file, err);
		(void)unlinkat(o->dir_fd, o->part, 0);
		return rc;
	}
	o->fd = -1;
	/* Not rename(), which would replace what came meanwhile. */
	if (linkat(o->dir_fd, o->part, o->dir_fd, o->file, 0) < 0)
		rc = failed(o->file, err);
	(void)unlinkat(o->dir_fd, o->part, 0);
	if (rc == PST_OK && fsync(o->dir_fd) < 0)
		rc = failed(o->file, err);
	drop_part(o);
	return rc;
}

/* --- messages ------------------------------------------------------------ */

static enum pst_rc
mbox_message(
    struct mig_target *base, const struct mig_message *m, struct pst_error *err)
{
	struct out_mbox *o = self(base);

	mbox_writer_message(&o->text, m);
	return flush(o, err);
}

static enum pst_rc
mbox_write(
    struct mig_target *base, const char *p, size_t n, struct pst_error *err)
{
	struct out_mbox *o = self(base);

	mbox_writer_write(&o->text, p, n);
	return o->text.out.n > MBOX_WRITER_ROOM ? flush(o, err) : PST_OK;
}

static enum pst_rc
mbox_end_message(struct mig_target *base, struct pst_error *err)
{
	struct out_mbox *o = self(base);

	mbox_writer_end(&o->text);
	return flush(o, err);
}

/* --- the whole ----------------------------------------------------------- */

static enum pst_rc
put_subscriptions(
    struct out_mbox *o, const struct mig_names *names, struct pst_error *err)
{
	bool any = false;
	enum pst_rc rc;

	for (size_t i = 0; i < names->n; i++) {
		struct pst_str rest = str_of(names->v[i].text), level;
		bool is_top = true;

		if (!names->v[i].subscribed)
			continue;
		any = true;
		while (str_split(&rest, '/', &level)) {
			if (!is_top)
				(void)buf_putc(&o->text.out, '/');
			(void)mig_put_level(level, false, &o->text.out);
			is_top = false;
		}
		(void)buf_putc(&o->text.out, '\n');
	}
	if (!any)
		return PST_OK;
	o->dir_fd = dup(o->root_fd);
	rc = open_part(o, ".subscriptions", err);
	return rc == PST_OK ? mbox_end(&o->base, err) : rc;
}

static enum pst_rc
mbox_finish(struct mig_target *base, const struct mig_names *names,
    struct pst_error *err)
{
	struct out_mbox *o = self(base);

	return o->root_fd >= 0 ? put_subscriptions(o, names, err) : PST_OK;
}

static void
mbox_free(struct mig_target *base)
{
	struct out_mbox *o = self(base);

	drop_part(o);
	if (o->root_fd >= 0)
		(void)close(o->root_fd);
	mbox_writer_fini(&o->text);
	free(o->path);
	free(o);
}

static const struct mig_target_ops out_mbox_ops = {
	.begin = mbox_begin,
	.message = mbox_message,
	.write = mbox_write,
	.end_message = mbox_end_message,
	.end = mbox_end,
	.finish = mbox_finish,
	.free = mbox_free,
};

enum pst_rc
mig_out_mbox(const char *path, bool single, struct mig_target **t_r,
    struct pst_error *err)
{
	struct out_mbox *o = mem_alloc(sizeof(*o));

	*t_r = NULL;
	o->base.ops = &out_mbox_ops;
	o->path = str_dup(str_of(path));
	o->single = single;
	o->is_stdout = strcmp(path, "-") == 0;
	o->root_fd = o->dir_fd = o->fd = -1;
	mbox_writer_init(&o->text);
	if (!single) {
		if (mkdir(path, 0700) == 0 || errno == EEXIST)
			o->root_fd = mig_open_dir(AT_FDCWD, path);
		if (o->root_fd < 0) {
			int e = errno;

			mbox_free(&o->base);
			return mig_open_failed(path, e, err);
		}
	}
	*t_r = &o->base;
	return PST_OK;
}
