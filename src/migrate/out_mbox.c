/*
 * out_mbox.c - mbox files (mboxrd): a "From " line and an empty line around
 * each message, '>' before lines in it that look like the former, and Status,
 * X-Status, X-Keywords, X-UID and X-IMAPbase for what IMAP knows of it. Fields
 * of these names that were in the message are left out, since who reads the
 * file takes them for such.
 */
#include "base/clock.h"
#include "base/str.h"
#include "migrate/files.h"
#include "migrate/target.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
	PATH_OCTETS = 4096,
	HEADER_MAX = 1 << 20, /* a longer one is left as it is */
	TEXT_MAX = 4 << 20,
	FLUSH_AT = 1 << 16,
};

struct out_mbox {
	struct mig_target base;
	char *path;
	bool single, is_stdout;
	int root_fd; /* -1: single */
	/* The mailbox. */
	struct mig_out_box box;
	char *part; /* of the file, below the root: it grows here */
	char *file;
	int dir_fd; /* that these are in */
	int fd;	    /* -1: none */
	bool is_first;
	/* The message. */
	struct buf fields; /* of ours */
	struct buf header; /* until its end is seen */
	bool in_header, at_line;
	struct mig_lf lf;
	struct buf lines; /* with LF, not looked at yet */
	struct buf out;
	char last;
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

	o->box = *box;
	o->is_first = true;
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

	if (o->out.overflow)
		return pst_fail(err, PST_E_LIMIT, 0, "a message is too large");
	if (o->out.n > 0)
		rc = mig_write_all(o->fd, o->out.p, o->out.n, err);
	buf_clear(&o->out);
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

/* --- fields -------------------------------------------------------------- */

static bool
is_ours(struct pst_str field)
{
	static const char *const names[] = { "Status", "X-Status", "X-Keywords",
		"X-UID", "X-IMAPbase", "X-IMAP", "Content-Length" };
	struct pst_str name = str_trim(str_first(field, str_find(field, ':')));

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (str_is_case(name, names[i]))
			return true;
	return false;
}

static void
put_keywords(struct buf *out, const struct mig_message *m)
{
	for (size_t i = 0; i < m->keyword_count; i++)
		(void)buf_printf(out, " %s", m->keywords[i]);
}

static void
make_fields(struct out_mbox *o, const struct mig_message *m)
{
	static const struct {
		uint32_t flag;
		char letter;
	} letters[] = { { PST_ANSWERED, 'A' }, { PST_FLAGGED, 'F' },
		{ PST_DRAFT, 'T' }, { PST_DELETED, 'D' } };
	const struct mig_state *st = &o->box.state;
	struct buf *out = &o->fields;

	buf_clear(out);
	if (o->is_first)
		(void)buf_printf(out, "X-IMAPbase: %lu %010lu\n",
		    (unsigned long)st->uidvalidity,
		    (unsigned long)(st->uidnext > 0 ? st->uidnext - 1 : 0));
	(void)buf_printf(
	    out, "Status: %sO\n", (m->flags & PST_SEEN) != 0 ? "R" : "");
	if ((m->flags & ~(uint32_t)PST_SEEN) != 0) {
		(void)buf_puts(out, "X-Status: ");
		for (size_t i = 0; i < 4; i++)
			if ((m->flags & letters[i].flag) != 0)
				(void)buf_putc(out, letters[i].letter);
		(void)buf_putc(out, '\n');
	}
	if (m->keyword_count > 0) {
		(void)buf_puts(out, "X-Keywords:");
		put_keywords(out, m);
		(void)buf_putc(out, '\n');
	}
	(void)buf_printf(out, "X-UID: %lu\n", (unsigned long)m->uid);
}

/* --- messages ------------------------------------------------------------ */

static enum pst_rc
mbox_message(
    struct mig_target *base, const struct mig_message *m, struct pst_error *err)
{
	struct out_mbox *o = self(base);
	time_t date = (time_t)(m->date > 0 ? m->date : 0);
	char line[64];
	struct tm tm;

	make_fields(o, m);
	o->is_first = false;
	if (gmtime_r(&date, &tm) == NULL)
		memset(&tm, 0, sizeof(tm));
	/* Names of days and months in English: no locale is set. */
	(void)strftime(line, sizeof(line), "%a %b %e %H:%M:%S %Y", &tm);
	(void)buf_printf(&o->out, "From MAILER-DAEMON %s\n", line);
	o->lf = (struct mig_lf){ 0 };
	o->in_header = o->at_line = true;
	o->last = '\0';
	buf_clear(&o->header);
	buf_clear(&o->lines);
	return flush(o, err);
}

/* One line, or a piece of one, of the text. */
static void
put_line(struct out_mbox *o, struct pst_str line)
{
	size_t n = 0;

	while (o->at_line && n < line.n && line.p[n] == '>')
		n++;
	if (o->at_line && line.n - n >= 5 &&
	    memcmp(line.p + n, "From ", 5) == 0)
		(void)buf_putc(&o->out, '>');
	(void)buf_add_str(&o->out, line);
	o->at_line = line.p[line.n - 1] == '\n';
}

/* The header that was gathered, without fields of ours, and those of ours. */
static void
end_header(struct out_mbox *o)
{
	struct pst_str rest = buf_str(&o->header), line;
	bool skip = false;

	o->in_header = false;
	while (rest.n > 0) {
		size_t n = str_find(rest, '\n');
		bool folded;

		line = str_first(rest, n + 1 < rest.n ? n + 1 : rest.n);
		rest = str_from(rest, line.n);
		folded = line.p[0] == ' ' || line.p[0] == '\t';
		if (!folded)
			skip = is_ours(line);
		if (!skip)
			put_line(o, line);
	}
	if (!o->at_line)
		(void)buf_putc(&o->out, '\n');
	o->at_line = true;
	(void)buf_add(&o->out, o->fields.p, o->fields.n);
	buf_clear(&o->header);
}

/* One whole line, or a long piece. */
static void
take_line(struct out_mbox *o, struct pst_str line)
{
	o->last = line.p[line.n - 1];
	if (!o->in_header) {
		put_line(o, line);
		return;
	}
	if (str_is(line, "\n")) {
		end_header(o);
		(void)buf_putc(&o->out, '\n');
		return;
	}
	(void)buf_add_str(&o->header, line);
	if (o->header.n > HEADER_MAX)
		end_header(o);
}

static enum pst_rc
mbox_write(
    struct mig_target *base, const char *p, size_t n, struct pst_error *err)
{
	struct out_mbox *o = self(base);
	size_t used = 0;

	mig_lf_add(&o->lf, p, n, &o->lines);
	for (;;) {
		struct pst_str rest = str_from(buf_str(&o->lines), used);
		size_t end = str_find(rest, '\n');

		/* A long line goes on in pieces; whether it is a "From "
		 * line is known by then. */
		if (end == rest.n && rest.n < FLUSH_AT)
			break;
		end = end < rest.n ? end + 1 : rest.n;
		take_line(o, str_first(rest, end));
		used += end;
	}
	buf_consume(&o->lines, used);
	return o->out.n > FLUSH_AT ? flush(o, err) : PST_OK;
}

static enum pst_rc
mbox_end_message(struct mig_target *base, struct pst_error *err)
{
	struct out_mbox *o = self(base);

	mig_lf_end(&o->lf, &o->lines);
	if (o->lines.n > 0)
		take_line(o, buf_str(&o->lines));
	buf_clear(&o->lines);
	if (o->in_header) { /* no empty line in all of it */
		end_header(o);
		(void)buf_putc(&o->out, '\n');
	} else if (o->last != '\n') {
		(void)buf_putc(&o->out, '\n');
	}
	(void)buf_putc(&o->out, '\n');
	return flush(o, err);
}

/* --- the whole ----------------------------------------------------------- */

static enum pst_rc
put_subscriptions(
    struct out_mbox *o, const struct mig_names *names, struct pst_error *err)
{
	struct mig_out_box none = { .name = "" };
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
				(void)buf_putc(&o->out, '/');
			(void)mig_put_level(level, false, &o->out);
			is_top = false;
		}
		(void)buf_putc(&o->out, '\n');
	}
	if (!any)
		return PST_OK;
	o->box = none;
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
	buf_fini(&o->fields);
	buf_fini(&o->header);
	buf_fini(&o->lines);
	buf_fini(&o->out);
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
	buf_init(&o->fields, 65536);
	buf_init(&o->header, HEADER_MAX + FLUSH_AT + 1);
	buf_init(&o->lines, TEXT_MAX);
	buf_init(&o->out, TEXT_MAX);
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
