/*
 * out_tar.c - a Maildir that is written as a tar archive, in the pax format of
 * POSIX.1-2008 (pax, "pax Interchange Format"): ustar headers, and an extended
 * header before those files whose name or date has no room in one.
 *
 * The size of a file stands before it, and is not known before its end: a file
 * waits in memory, or when it is large in a temporary file.
 */
#include "base/clock.h"
#include "base/str.h"
#include "migrate/out_files.h"
#include "migrate/target.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define TOP "Maildir"

enum {
	BLOCK = 512,
	RECORD = 20 * BLOCK, /* the archive's size is a multiple of it */
	MEMORY_MAX = 1 << 20,
	PATH_OCTETS = 4096,
};

struct ustar {
	char name[100], mode[8], uid[8], gid[8], size[12], mtime[12],
	    checksum[8], type, link[100], magic[6], version[2], owner[32],
	    group[32], major[8], minor[8], prefix[155], unused[12];
};
_Static_assert(sizeof(struct ustar) == BLOCK, "a header is one block");

struct out_tar {
	struct out_files base;
	char *path, *part; /* the latter is renamed in the end; NULL: stdout */
	int fd;
	char *dir;	 /* of the mailbox */
	struct buf text; /* of the file under way */
	FILE *spool;	 /* the text before it; NULL: none */
	uint64_t spooled;
	uint64_t written; /* octets of the archive */
	int64_t now;
};

static struct out_tar *
self(struct out_files *base)
{
	return (struct out_tar *)base;
}

/* --- the archive --------------------------------------------------------- */

static enum pst_rc
put(struct out_tar *t, const void *p, size_t n, struct pst_error *err)
{
	t->written += n;
	return mig_write_all(t->fd, p, n, err);
}

static enum pst_rc
pad(struct out_tar *t, size_t to, struct pst_error *err)
{
	static const char zeros[RECORD];
	size_t over = (size_t)(t->written % to);

	return over > 0 ? put(t, zeros, to - over, err) : PST_OK;
}

static enum pst_rc
put_header(struct out_tar *t, const char *name, char type, uint64_t size,
    int64_t date, struct pst_error *err)
{
	struct ustar h = { .type = type };
	const unsigned char *octets = (const unsigned char *)&h;
	unsigned sum = 0;
	char text[32];

	(void)str_copy(h.name, sizeof(h.name), str_of(name));
	(void)snprintf(
	    h.mode, sizeof(h.mode), "%07o", type == '5' ? 0700U : 0600U);
	memcpy(h.uid, "0000000", 8);
	memcpy(h.gid, "0000000", 8);
	(void)snprintf(text, sizeof(text), "%011llo", (unsigned long long)size);
	memcpy(h.size, text, sizeof(h.size));
	if (date < 0)
		date = 0;
	(void)snprintf(text, sizeof(text), "%011llo", (unsigned long long)date);
	memcpy(h.mtime, text, sizeof(h.mtime));
	memcpy(h.magic, "ustar", 6);
	memcpy(h.version, "00", 2);
	memset(h.checksum, ' ', sizeof(h.checksum));
	for (size_t i = 0; i < sizeof(h); i++)
		sum += octets[i];
	(void)snprintf(h.checksum, sizeof(h.checksum), "%06o", sum);
	return put(t, &h, sizeof(h), err);
}

/* "LENGTH KEY=VALUE\n", where LENGTH counts itself. */
static void
add_record(struct buf *out, const char *key, const char *value)
{
	size_t n = strlen(key) + strlen(value) + 3, digits = 1;

	for (size_t most = 10; n + digits >= most; most *= 10)
		digits++;
	(void)buf_printf(out, "%zu %s=%s\n", n + digits, key, value);
}

static enum pst_rc
put_entry(struct out_tar *t, const char *name, char type, uint64_t size,
    int64_t date, struct pst_error *err)
{
	/* Eleven octal digits for each number. */
	const uint64_t most = (UINT64_C(1) << 33) - 1;
	enum pst_rc rc = PST_OK;
	struct buf more;
	char text[32];

	buf_init(&more, (size_t)PATH_OCTETS * 2);
	if (strlen(name) >= sizeof(((struct ustar *)NULL)->name) ||
	    !str_is_ascii(str_of(name)))
		add_record(&more, "path", name);
	if (date < 0 || (uint64_t)date > most) {
		(void)snprintf(text, sizeof(text), "%lld", (long long)date);
		add_record(&more, "mtime", text);
	}
	if (size > most) {
		(void)snprintf(
		    text, sizeof(text), "%llu", (unsigned long long)size);
		add_record(&more, "size", text);
	}
	if (more.n > 0) {
		rc = put_header(t, "pax", 'x', more.n, t->now, err);
		if (rc == PST_OK)
			rc = put(t, more.p, more.n, err);
		if (rc == PST_OK)
			rc = pad(t, BLOCK, err);
	}
	buf_fini(&more);
	if (rc == PST_OK)
		rc = put_header(t, name, type, size > most ? 0 : size,
		    date < 0 || (uint64_t)date > most ? 0 : date, err);
	return rc;
}

/* --- files --------------------------------------------------------------- */

static enum pst_rc
spool_failed(struct pst_error *err)
{
	return pst_fail(
	    err, PST_E_TEMP, errno, "a temporary file: %s", strerror(errno));
}

static enum pst_rc
tar_write(
    struct out_files *base, const char *p, size_t n, struct pst_error *err)
{
	struct out_tar *t = self(base);

	if (t->text.n + n > MEMORY_MAX) {
		if (t->spool == NULL)
			t->spool = tmpfile();
		if (t->spool == NULL ||
		    fwrite(t->text.p, 1, t->text.n, t->spool) != t->text.n)
			return spool_failed(err);
		t->spooled += t->text.n;
		buf_clear(&t->text);
	}
	(void)buf_add(&t->text, p, n);
	return PST_OK;
}

static enum pst_rc
copy_spool(struct out_tar *t, struct pst_error *err)
{
	enum pst_rc rc = PST_OK;
	char piece[8192];
	size_t n;

	if (fflush(t->spool) != 0)
		return spool_failed(err);
	rewind(t->spool);
	while (
	    rc == PST_OK && (n = fread(piece, 1, sizeof(piece), t->spool)) > 0)
		rc = put(t, piece, n, err);
	if (rc == PST_OK && ferror(t->spool))
		rc = spool_failed(err);
	(void)fclose(t->spool);
	t->spool = NULL;
	t->spooled = 0;
	return rc;
}

static enum pst_rc
put_file(
    struct out_tar *t, const char *path, int64_t date, struct pst_error *err)
{
	enum pst_rc rc = put_entry(
	    t, path, '0', t->spooled + t->text.n, date, err);

	if (rc == PST_OK && t->spool != NULL)
		rc = copy_spool(t, err);
	if (rc == PST_OK && t->text.n > 0)
		rc = put(t, t->text.p, t->text.n, err);
	buf_clear(&t->text);
	return rc == PST_OK ? pad(t, BLOCK, err) : rc;
}

static void
join(const struct out_tar *t, const char *name, char out[PATH_OCTETS])
{
	bool is_root = strcmp(t->dir, ".") == 0;

	(void)snprintf(out, PATH_OCTETS, TOP "/%s%s%s", is_root ? "" : t->dir,
	    is_root ? "" : "/", name);
}

static enum pst_rc
tar_end_file(struct out_files *base, const char *name, int64_t date,
    struct pst_error *err)
{
	struct out_tar *t = self(base);
	char path[PATH_OCTETS];

	join(t, name, path);
	return put_file(t, path, date == INT64_MIN ? t->now : date, err);
}

static enum pst_rc
tar_begin(struct out_files *base, const char *dir, struct pst_error *err)
{
	static const char *const parts[] = { "", "cur/", "new/", "tmp/" };
	struct out_tar *t = self(base);
	enum pst_rc rc = PST_OK;
	char path[PATH_OCTETS];

	free(t->dir);
	t->dir = str_dup(str_of(dir));
	for (size_t i = 0; i < 4 && rc == PST_OK; i++) {
		join(t, parts[i], path);
		rc = put_entry(t, path, '5', 0, t->now, err);
	}
	return rc;
}

static enum pst_rc
tar_end(struct out_files *base, struct pst_error *err)
{
	(void)base;
	(void)err;
	return PST_OK;
}

static enum pst_rc
tar_finish(struct out_files *base, const char *name, const char *p, size_t n,
    struct pst_error *err)
{
	static const char zeros[2 * BLOCK];
	struct out_tar *t = self(base);
	char path[PATH_OCTETS];
	enum pst_rc rc = PST_OK;

	if (n > 0) {
		(void)buf_add(&t->text, p, n);
		(void)snprintf(path, sizeof(path), TOP "/%s", name);
		rc = put_file(t, path, t->now, err);
	}
	if (rc == PST_OK)
		rc = put(t, zeros, sizeof(zeros), err);
	if (rc == PST_OK)
		rc = pad(t, RECORD, err);
	if (rc != PST_OK || t->part == NULL)
		return rc;
	/* link() and not rename(), which would replace what is there. */
	if (fsync(t->fd) < 0 || link(t->part, t->path) < 0)
		return pst_fail(err,
		    errno == EEXIST ? PST_E_EXISTS : PST_E_TEMP, errno,
		    "%.180s: %s", t->path, strerror(errno));
	return PST_OK;
}

static void
tar_free(struct out_files *base)
{
	struct out_tar *t = self(base);

	if (t->spool != NULL)
		(void)fclose(t->spool);
	if (t->part != NULL) {
		(void)close(t->fd);
		(void)unlink(t->part);
	}
	buf_fini(&t->text);
	free(t->dir);
	free(t->path);
	free(t->part);
	free(t);
}

static const struct out_files_ops tar_ops = {
	.begin = tar_begin,
	.write = tar_write,
	.end_file = tar_end_file,
	.end = tar_end,
	.finish = tar_finish,
	.free = tar_free,
};

enum pst_rc
out_files_tar(const char *path, struct out_files **f_r, struct pst_error *err)
{
	struct out_tar *t = mem_alloc(sizeof(*t));
	bool is_file = strcmp(path, "-") != 0;
	struct buf part;

	*f_r = NULL;
	t->base.ops = &tar_ops;
	t->path = str_dup(str_of(path));
	t->now = clock_seconds();
	t->fd = STDOUT_FILENO;
	buf_init(&t->text, (size_t)MEMORY_MAX * 80);
	if (is_file) {
		buf_init(&part, PATH_OCTETS);
		(void)buf_printf(&part, "%s.%08llx.tmp", path,
		    (unsigned long long)(random_u64() & 0xffffffff));
		t->part = str_dup(buf_str(&part));
		buf_fini(&part);
		t->fd = access(path, F_OK) == 0
			    ? -1
			    : open(t->part,
				  O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
				  0600);
	}
	if (is_file && t->fd < 0) {
		int e = access(path, F_OK) == 0 ? EEXIST : errno;

		free(t->part);
		t->part = NULL;
		tar_free(&t->base);
		return pst_fail(err, e == EEXIST ? PST_E_EXISTS : PST_E_PERM, e,
		    "%.180s: %s", path, strerror(e));
	}
	*f_r = &t->base;
	return PST_OK;
}
