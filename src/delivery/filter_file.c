/*
 * delivery/filter_file.c - see filter_file.h.
 */
#include "delivery/filter_file.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	LOOK = 5,	 /* seconds that a file is believed to be as it was */
	LOOK_AGAIN = 60, /* the same of one that cannot be used */
	NAME = 128,
	PATH = 4096,
};

struct filter_file {
	char *path;
	struct sieve_script *script; /* NULL: it cannot be used */
	struct stat seen;
	unsigned references;
};

/* The files in use; there are three at most. Guards their references, too. */
enum { FILES = 4 };
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
	struct filter_file *file;
	int64_t until; /* clock_monotonic() */
} known[FILES];

static bool
read_file(const char *path, struct stat *st, struct buf *text)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	bool ok = fd >= 0 && fstat(fd, st) == 0 && S_ISREG(st->st_mode);

	while (ok) {
		char piece[8192];
		ssize_t n = read(fd, piece, sizeof(piece));

		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0)
			break;
		ok = n > 0 && buf_add(text, piece, (size_t)n);
	}
	if (fd >= 0)
		(void)close(fd);
	return ok;
}

static bool
is_same(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_dev == b->st_dev &&
	       a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static void
let_go(struct filter_file *f)
{
	if (--f->references > 0)
		return;
	sieve_script_free(&f->script);
	free(f->path);
	free(f);
}

static struct filter_file *
load(const char *path, const struct sieve_limits *limits)
{
	struct filter_file *f = mem_alloc(sizeof(*f));
	struct sieve_problem problem = { 0 };
	struct buf text;

	f->references = 1;
	f->path = str_dup(str_of(path));
	buf_init(&text, limits->script_size);
	errno = 0;
	if (!read_file(path, &f->seen, &text))
		(void)snprintf(problem.text, sizeof(problem.text), "%s",
		    errno != 0 ? strerror(errno) : "too large, or no file");
	else
		f->script = sieve_compile(buf_str(&text), limits, &problem);
	if (f->script == NULL)
		log_text(PST_LOG_ERROR, 0, "sieve", "%s, line %u: %s", path,
		    problem.line, problem.text);
	buf_fini(&text);
	return f;
}

/* The place for this path: its own, a free one, or one of a path that is not
 * asked for any more. */
static size_t
place_of(const char *path)
{
	size_t at = 0;

	for (size_t i = 0; i < FILES; i++) {
		if (known[i].file != NULL &&
		    strcmp(known[i].file->path, path) == 0)
			return i;
		if (known[at].file != NULL &&
		    (known[i].file == NULL || known[i].until < known[at].until))
			at = i;
	}
	return at;
}

struct filter_file *
filter_file_get(const char *path, const struct sieve_limits *limits)
{
	struct filter_file *f = NULL;
	int64_t now = clock_monotonic();
	struct stat st;
	size_t i;

	if (*path == '\0')
		return NULL;
	pthread_mutex_lock(&lock);
	i = place_of(path);
	f = known[i].file;
	if (f == NULL || strcmp(f->path, path) != 0 ||
	    (known[i].until <= now &&
		(stat(path, &st) < 0 || !is_same(&st, &f->seen)))) {
		if (f != NULL)
			let_go(f);
		f = known[i].file = load(path, limits);
		known[i].until = 0;
	}
	if (known[i].until <= now)
		known[i].until = now + (f->script != NULL ? LOOK : LOOK_AGAIN) *
					   INT64_C(1000000);
	if (f->script != NULL)
		f->references++;
	else
		f = NULL;
	pthread_mutex_unlock(&lock);
	return f;
}

void
filter_file_release(struct filter_file **f)
{
	if (*f == NULL)
		return;
	pthread_mutex_lock(&lock);
	let_go(*f);
	pthread_mutex_unlock(&lock);
	*f = NULL;
}

const struct sieve_script *
filter_file_script(const struct filter_file *f)
{
	return f->script;
}

const char *
filter_file_name(const struct filter_file *f)
{
	return f->path;
}

/* Nothing that leaves the directory, or is hidden in it. */
static bool
is_safe(struct pst_str name)
{
	for (size_t i = 0; i < name.n; i++)
		if (name.p[i] == '/' || (unsigned char)name.p[i] < ' ')
			return false;
	return name.n > 0 && name.n <= NAME && name.p[0] != '.';
}

enum pst_rc
filter_file_include(const char *dir, struct pst_str name, struct buf *text_r)
{
	char path[PATH];
	struct stat st;
	int n;

	if (*dir == '\0' || !is_safe(name))
		return PST_E_NOTFOUND;
	n = snprintf(path, sizeof(path), "%s/%.*s.sieve", dir, STR_ARG(name));
	if (n < 0 || n >= (int)sizeof(path))
		return PST_E_NOTFOUND;
	if (read_file(path, &st, text_r))
		return PST_OK;
	return errno == ENOENT ? PST_E_NOTFOUND : PST_E_TEMP;
}
