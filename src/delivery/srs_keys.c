/*
 * delivery/srs_keys.c - see srs_keys.h.
 */
#include "delivery/srs_keys.h"

#include "base/clock.h"
#include "base/codec.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

enum { FILE_MAX = 16384 };

struct srs_keys {
	char *path;
	pthread_mutex_t lock; /* guards `srs`; a leaf */
	struct srs srs;
};

static enum pst_rc
fail(struct pst_error *err, const char *what, const char *path)
{
	enum pst_rc rc = errno == ENOSPC || errno == EDQUOT ? PST_E_NOSPACE
							    : PST_E_PERM;

	return pst_fail(
	    err, rc, errno, "cannot %s %s: %s", what, path, strerror(errno));
}

/* --- reading ----------------------------------------------------------------
 */

static int
digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = memchr(digits, ascii_lower(c), sizeof(digits) - 1);

	return at != NULL ? (int)(at - digits) : -1;
}

static bool
read_key(struct pst_str line, unsigned char key[SRS_KEY])
{
	if (line.n != (size_t)2 * SRS_KEY)
		return false;
	for (size_t i = 0; i < SRS_KEY; i++) {
		int high = digit(line.p[2 * i]), low = digit(line.p[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		key[i] = (unsigned char)(high << 4 | low);
	}
	return true;
}

static enum pst_rc
read_keys(const char *path, struct pst_str text, struct srs *srs_r,
    struct pst_error *err)
{
	struct pst_str line;

	srs_r->keys = 0;
	for (unsigned at = 1; str_split(&text, '\n', &line); at++) {
		line = str_trim(str_first(line, str_find(line, '#')));
		if (line.n == 0)
			continue;
		if (srs_r->keys == SRS_KEYS_MAX)
			return pst_fail(err, PST_E_PERM, 0,
			    "%s:%u: more than %d keys", path, at, SRS_KEYS_MAX);
		if (!read_key(line, srs_r->key[srs_r->keys++]))
			return pst_fail(err, PST_E_PERM, 0,
			    "%s:%u: a key is %d hexadecimal digits", path, at,
			    2 * SRS_KEY);
	}
	return srs_r->keys > 0
		   ? PST_OK
		   : pst_fail(err, PST_E_PERM, 0, "%s: has no key", path);
}

/* NOTFOUND: there is no such file. */
static enum pst_rc
read_file(const char *path, struct srs *srs_r, struct pst_error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	enum pst_rc rc = PST_OK;
	struct buf text;
	ssize_t n = 1;

	if (fd < 0 && errno == ENOENT)
		return PST_E_NOTFOUND;
	if (fd < 0)
		return fail(err, "open", path);
	buf_init(&text, FILE_MAX);
	while (n > 0 && text.n < FILE_MAX) {
		char block[1024];

		n = read(fd, block, sizeof(block));
		if (n < 0 && errno == EINTR)
			n = 1;
		else if (n > 0 && !buf_add(&text, block, (size_t)n))
			break;
	}
	if (n < 0)
		rc = fail(err, "read", path);
	else if (text.overflow)
		rc = pst_fail(err, PST_E_PERM, 0, "%s: is too long", path);
	else
		rc = read_keys(path, buf_str(&text), srs_r, err);
	if (text.p != NULL)
		explicit_bzero(text.p, text.n);
	buf_fini(&text);
	(void)close(fd);
	return rc;
}

/* --- making -----------------------------------------------------------------
 */

static enum pst_rc
write_key(int fd, const char *path, struct pst_error *err)
{
	unsigned char key[SRS_KEY];
	char hex[2 * SRS_KEY + 1];
	enum pst_rc rc = PST_OK;
	int n;

	random_bytes(key, sizeof(key));
	hex_encode(key, sizeof(key), hex);
	n = dprintf(fd,
	    "# Keys of the Sender Rewriting Scheme: see `forward' in "
	    "postern.conf(5).\n%s\n",
	    hex);
	if (n < 0 || fsync(fd) < 0)
		rc = fail(err, "write", path);
	explicit_bzero(key, sizeof(key));
	explicit_bzero(hex, sizeof(hex));
	return rc;
}

/* So that the name is on the disk, too. */
static void
sync_directory(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *dir = slash != NULL && slash > path
			? str_dup(str_n(path, (size_t)(slash - path)))
			: str_dup(STR("."));
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0) {
		(void)fsync(fd);
		(void)close(fd);
	}
	free(dir);
}

/* Whole or not at all; another one that was quicker stays. */
static enum pst_rc
make_file(const char *path, struct pst_error *err)
{
	char fresh[PATH_MAX];
	enum pst_rc rc;
	int fd, n = snprintf(fresh, sizeof(fresh), "%s.new", path);

	if (n < 0 || n >= PATH_MAX)
		return pst_fail(err, PST_E_PERM, 0, "%s: is too long", path);
	(void)unlink(fresh);
	fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return fail(err, "make", fresh);
	rc = write_key(fd, fresh, err);
	(void)close(fd);
	if (rc == PST_OK && link(fresh, path) < 0 && errno != EEXIST)
		rc = fail(err, "make", path);
	(void)unlink(fresh);
	if (rc == PST_OK)
		sync_directory(path);
	return rc;
}

/* --- all --------------------------------------------------------------------
 */

enum pst_rc
srs_keys_open(const char *path, struct srs_keys **k_r, struct pst_error *err)
{
	struct srs_keys *k = mem_alloc(sizeof(*k));
	enum pst_rc rc = read_file(path, &k->srs, err);

	if (rc == PST_E_NOTFOUND) {
		rc = make_file(path, err);
		if (rc == PST_OK)
			rc = read_file(path, &k->srs, err);
	}
	if (rc != PST_OK) {
		free(k);
		return rc == PST_E_NOTFOUND ? PST_E_TEMP : rc;
	}
	k->path = str_dup(str_of(path));
	pthread_mutex_init(&k->lock, NULL);
	*k_r = k;
	return PST_OK;
}

void
srs_keys_free(struct srs_keys **kp)
{
	struct srs_keys *k = *kp;

	*kp = NULL;
	if (k == NULL)
		return;
	pthread_mutex_destroy(&k->lock);
	explicit_bzero(&k->srs, sizeof(k->srs));
	free(k->path);
	free(k);
}

enum pst_rc
srs_keys_reload(struct srs_keys *k, struct pst_error *err)
{
	struct srs fresh;
	enum pst_rc rc = read_file(k->path, &fresh, err);

	if (rc == PST_E_NOTFOUND)
		return pst_fail(err, PST_E_PERM, 0, "%s: is gone", k->path);
	if (rc == PST_OK) {
		pthread_mutex_lock(&k->lock);
		k->srs = fresh;
		pthread_mutex_unlock(&k->lock);
	}
	explicit_bzero(&fresh, sizeof(fresh));
	return rc;
}

void
srs_keys_get(struct srs_keys *k, struct srs *srs_r)
{
	pthread_mutex_lock(&k->lock);
	*srs_r = k->srs;
	pthread_mutex_unlock(&k->lock);
}
