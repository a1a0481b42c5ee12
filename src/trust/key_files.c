/*
 * trust/key_files.c - reading and making key files.
 */
#include "trust/key_files.h"

#include "base/codec.h"
#include "base/log.h"
#include "base/str.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <gnutls/gnutls.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { FILE_MAX = 16384, SELECTORS_A_DAY = 26 };

#define SUFFIX ".pem"

/* --- names ------------------------------------------------------------------
 */

/* Of a selector or a domain: nothing that leads out of the directory. */
static bool
is_plain_name(const char *name)
{
	if (*name == '\0' || *name == '.' || strlen(name) > 253)
		return false;
	for (; *name != '\0'; name++)
		if (!ascii_is_alpha(*name) && !ascii_is_digit(*name) &&
		    strchr("-_.", *name) == NULL)
			return false;
	return true;
}

static bool
make_path(char path[PATH_MAX], const char *dir, const char *domain,
    const char *selector)
{
	int n;

	if (!is_plain_name(domain) ||
	    (selector != NULL && !is_plain_name(selector)))
		return false;
	n = selector != NULL ? snprintf(path, PATH_MAX, "%s/%s/%s" SUFFIX, dir,
				   domain, selector)
			     : snprintf(path, PATH_MAX, "%s/%s", dir, domain);
	return n > 0 && n < PATH_MAX;
}

/* --- reading ----------------------------------------------------------------
 */

static void
wipe(struct buf *b)
{
	if (b->p != NULL)
		gnutls_memset(b->p, 0, b->cap);
	buf_fini(b);
}

static bool
read_all(const char *path, struct buf *out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = -1;

	while (fd >= 0) {
		char *to = buf_reserve(out, FILE_MAX - out->n);

		n = to != NULL ? read(fd, to, FILE_MAX - out->n) : 0;
		if (n <= 0)
			break;
		buf_added(out, (size_t)n);
	}
	if (fd >= 0)
		(void)close(fd);
	return n == 0;
}

/* "# made 1796029178" */
static bool
take_time(struct pst_str text, const char *word, int64_t *value_r)
{
	struct pst_str line;
	uint64_t value;

	while (str_split(&text, '\n', &line)) {
		if (!str_has_prefix_case(line, word))
			continue;
		if (!str_to_u64(
			str_trim(str_from(line, strlen(word))), &value) ||
		    value > INT64_MAX)
			return false;
		*value_r = (int64_t)value;
		return true;
	}
	return false;
}

static bool
read_key(const char *path, struct dkim_key_file *out)
{
	struct buf text;
	bool good;

	buf_init(&text, FILE_MAX);
	good = read_all(path, &text) &&
	       dkim_private_import(buf_str(&text), &out->key);
	/* A key that was put there by hand signs at once. */
	if (good && !take_time(buf_str(&text), "# made ", &out->made))
		out->made = 0;
	if (good && !take_time(buf_str(&text), "# use from ", &out->use_from))
		out->use_from = 0;
	wipe(&text);
	return good;
}

static bool
selector_of(const char *name, char selector[64])
{
	size_t n = strlen(name), end = strlen(SUFFIX);

	return n > end && strcmp(name + n - end, SUFFIX) == 0 &&
	       str_copy(selector, 64, str_n(name, n - end)) &&
	       is_plain_name(selector);
}

static int
compare(const void *a, const void *b)
{
	const struct dkim_key_file *x = a, *y = b;

	return strcmp(x->selector, y->selector);
}

static void
add_file(const char *dir, const char *domain, const char *name,
    struct dkim_key_files *out)
{
	struct dkim_key_file file = { 0 };
	char path[PATH_MAX];

	if (!selector_of(name, file.selector) || out->n == KEYS_OF_DOMAIN_MAX ||
	    !make_path(path, dir, domain, file.selector))
		return;
	if (!read_key(path, &file)) {
		log_text(
		    PST_LOG_WARNING, 0, "dkim-key", "cannot read %s", path);
		return;
	}
	out->file = mem_realloc(out->file, (out->n + 1) * sizeof(*out->file));
	out->file[out->n++] = file;
}

enum pst_rc
dkim_key_files_read(const char *dir, const char *domain,
    struct dkim_key_files *out, struct pst_error *err)
{
	char path[PATH_MAX];
	struct dirent *e;
	DIR *d;

	*out = (struct dkim_key_files){ 0 };
	if (!make_path(path, dir, domain, NULL))
		return pst_fail(
		    err, PST_E_SYNTAX, 0, "%s is no domain name", domain);
	d = opendir(path);
	if (d == NULL && errno == ENOENT)
		return PST_OK;
	if (d == NULL)
		return pst_fail(err, PST_E_PERM, errno, "cannot read %s: %s",
		    path, strerror(errno));
	while ((e = readdir(d)) != NULL)
		add_file(dir, domain, e->d_name, out);
	(void)closedir(d);
	if (out->n > 1)
		qsort(out->file, out->n, sizeof(*out->file), compare);
	return PST_OK;
}

void
dkim_key_files_fini(struct dkim_key_files *f)
{
	for (size_t i = 0; i < f->n; i++)
		dkim_private_fini(&f->file[i].key);
	free(f->file);
	*f = (struct dkim_key_files){ 0 };
}

const struct dkim_key_file *
dkim_key_files_current(
    const struct dkim_key_files *f, enum dkim_algorithm a, int64_t now)
{
	const struct dkim_key_file *best = NULL;

	for (size_t i = 0; i < f->n; i++) {
		const struct dkim_key_file *k = &f->file[i];

		if (k->key.algorithm == a && k->use_from <= now &&
		    (best == NULL || k->made >= best->made))
			best = k;
	}
	return best;
}

void
dkim_key_domains(
    const char *dir, bool (*fn)(void *arg, const char *domain), void *arg)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	bool more = true;

	if (d == NULL)
		return;
	while (more && (e = readdir(d)) != NULL)
		if (is_plain_name(e->d_name))
			more = fn(arg, e->d_name);
	(void)closedir(d);
}

/* --- making -----------------------------------------------------------------
 */

static enum pst_rc
make_directory(const char *path, struct pst_error *err)
{
	if (mkdir(path, 0700) == 0 || errno == EEXIST)
		return PST_OK;
	return pst_fail(err, PST_E_PERM, errno, "cannot make %s: %s", path,
	    strerror(errno));
}

static enum pst_rc
make_directories(const char *dir, const char *domain, struct pst_error *err)
{
	char path[PATH_MAX];
	enum pst_rc rc;

	if (!make_path(path, dir, domain, NULL))
		return pst_fail(
		    err, PST_E_SYNTAX, 0, "%s is no domain name", domain);
	rc = make_directory(dir, err);
	return rc == PST_OK ? make_directory(path, err) : rc;
}

static bool
sync_directory(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool good = fd >= 0 && fsync(fd) == 0;

	if (fd >= 0)
		(void)close(fd);
	return good;
}

/* Never over another file: `path` is new. */
static enum pst_rc
write_new(const char *path, const struct buf *text, struct pst_error *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	bool good;

	if (fd < 0)
		return pst_fail(err,
		    errno == EEXIST ? PST_E_EXISTS : PST_E_PERM, errno,
		    "cannot make %s: %s", path, strerror(errno));
	good = write(fd, text->p, text->n) == (ssize_t)text->n &&
	       fsync(fd) == 0;
	if (close(fd) < 0)
		good = false;
	if (good)
		return PST_OK;
	(void)pst_fail(err, PST_E_NOSPACE, errno, "cannot write %s: %s", path,
	    strerror(errno));
	(void)unlink(path);
	return PST_E_NOSPACE;
}

/* "20261130a-rsa": the date, and a letter for those of the same day. */
static void
make_selector(char selector[64], enum dkim_algorithm a, int64_t now, int number)
{
	time_t t = (time_t)now;
	struct tm tm;

	(void)gmtime_r(&t, &tm);
	(void)snprintf(selector, 64, "%04d%02d%02d%c-%s", tm.tm_year + 1900,
	    tm.tm_mon + 1, tm.tm_mday, 'a' + number, dkim_key_type(a));
}

static enum pst_rc
write_key(const char *dir, const char *domain, enum dkim_algorithm a,
    int64_t now, const struct buf *text, struct pst_error *err)
{
	char path[PATH_MAX], selector[64];
	enum pst_rc rc = PST_E_EXISTS;

	for (int i = 0; rc == PST_E_EXISTS && i < SELECTORS_A_DAY; i++) {
		make_selector(selector, a, now, i);
		if (!make_path(path, dir, domain, selector))
			return pst_fail(
			    err, PST_E_LIMIT, 0, "%s is too long", dir);
		rc = write_new(path, text, err);
	}
	if (rc == PST_OK && make_path(path, dir, domain, NULL) &&
	    !sync_directory(path))
		rc = pst_fail(err, PST_E_NOSPACE, errno,
		    "cannot synchronise %s: %s", path, strerror(errno));
	return rc;
}

enum pst_rc
dkim_key_file_make(const char *dir, const char *domain, enum dkim_algorithm a,
    int64_t now, int64_t use_from, struct pst_error *err)
{
	struct buf text;
	enum pst_rc rc;

	rc = make_directories(dir, domain, err);
	if (rc != PST_OK)
		return rc;
	buf_init(&text, FILE_MAX);
	(void)buf_printf(&text, "# made %" PRId64 "\n# use from %" PRId64 "\n",
	    now, use_from);
	if (dkim_private_make(a, &text))
		rc = write_key(dir, domain, a, now, &text, err);
	else
		rc = pst_fail(err, PST_E_TEMP, 0, "GnuTLS makes no key");
	wipe(&text);
	return rc;
}

enum pst_rc
dkim_key_file_remove(const char *dir, const char *domain, const char *selector,
    struct pst_error *err)
{
	char path[PATH_MAX];
	if (!make_path(path, dir, domain, selector) || access(path, F_OK) < 0)
		return pst_fail(err, PST_E_NOTFOUND, 0,
		    "there is no key %s of %s", selector, domain);
	if (unlink(path) < 0)
		return pst_fail(err, PST_E_PERM, errno,
		    "cannot remove the key: %s", strerror(errno));
	/* The last one takes the directory along. */
	if (make_path(path, dir, domain, NULL) && rmdir(path) < 0)
		(void)sync_directory(path);
	return PST_OK;
}

bool
dkim_key_record(const struct dkim_private *key, struct buf *out)
{
	struct buf octets;
	bool good;

	buf_init(&octets, FILE_MAX);
	good = dkim_private_public(key, &octets) &&
	       buf_printf(
		   out, "v=DKIM1; k=%s; p=", dkim_key_type(key->algorithm)) &&
	       base64_encode(buf_str(&octets), out);
	buf_fini(&octets);
	return good;
}
