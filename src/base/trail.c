/*
 * base/trail.c - noting events: see trail.h. trail_file.c knows the files.
 */
#include "base/trail.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "base/trail_file.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
	WAITING = 4 << 20,  /* octets in memory; beyond, events are lost */
	AT_ONCE = 64 << 10, /* are written before the second is over */
	FILES = 64,	    /* that `size` is divided among */
	VALUE = 24 * 1024,  /* octets of one */
	ID = 64,
};

static _Atomic bool on;
static struct {
	pthread_mutex_t lock; /* guards waiting, lost, stop and the options */
	pthread_cond_t moved;
	struct buf waiting;
	uint64_t lost;
	bool stop;
	int64_t size, age;
	pthread_t thread;
	bool has_thread;
	const struct trail_keys *keys;

	pthread_mutex_t io; /* guards all below; taken before `lock` */
	struct buf writing;
	int dir, fd;
	uint32_t number;
	int64_t octets;	 /* of the file */
	int64_t began;	 /* seconds since 1970 */
	int64_t tidied;	 /* clock_monotonic */
	bool has_failed; /* and the log knows */
} t = { .lock = PTHREAD_MUTEX_INITIALIZER,
	.moved = PTHREAD_COND_INITIALIZER,
	.io = PTHREAD_MUTEX_INITIALIZER,
	.dir = -1,
	.fd = -1 };

static _Thread_local char about[ID];
static _Thread_local struct buf *heard;

/* --- noting ---------------------------------------------------------------
 */

bool
trail_is_on(void)
{
	return atomic_load_explicit(&on, memory_order_relaxed);
}

void
trail_about(const char *id)
{
	if (!trail_is_on())
		return;
	(void)str_copy(about, sizeof(about), str_of(id));
}

/* A text with its NUL; false: no room. */
static bool
put(char *text, size_t *n, const char *s, size_t max)
{
	size_t length = strnlen(s, max);

	if (*n + length + 1 > TRAIL_EVENT_MAX)
		return false;
	memcpy(text + *n, s, length);
	text[*n + length] = '\0';
	*n += length + 1;
	return true;
}

static void
add(const char *text, size_t n)
{
	unsigned char head[TRAIL_EVENT_HEAD];
	size_t all = TRAIL_EVENT_HEAD + n;

	trail_put_event(head, clock_now(), str_n(text, n));
	pthread_mutex_lock(&t.lock);
	if (t.waiting.n + all > WAITING) {
		t.lost++;
	} else {
		(void)buf_add(&t.waiting, head, sizeof(head));
		(void)buf_add(&t.waiting, text, n);
		if (t.waiting.n >= AT_ONCE && t.waiting.n - all < AT_ONCE)
			pthread_cond_signal(&t.moved);
	}
	pthread_mutex_unlock(&t.lock);
}

void
trail_event(const char *id, const char *event, ...)
{
	char text[TRAIL_EVENT_MAX];
	const char *key;
	size_t n = 0, pairs = 0;
	va_list ap;

	if (!trail_is_on())
		return;
	if (id == NULL)
		id = about;
	if (*id == '\0')
		return;
	(void)put(text, &n, id, ID - 1);
	(void)put(text, &n, event, ID - 1);
	va_start(ap, event);
	while (
	    (key = va_arg(ap, const char *)) != NULL && pairs < TRAIL_PAIRS) {
		const char *value = va_arg(ap, const char *);
		size_t before = n;

		if (value == NULL)
			continue;
		pairs++;
		if (!put(text, &n, key, ID - 1) || !put(text, &n, value, VALUE))
			n = before;
	}
	va_end(ap);
	add(text, n);
}

/* --- conversations --------------------------------------------------------
 */

void
trail_listen(struct buf *to)
{
	heard = trail_is_on() ? to : NULL;
}

void
trail_say(char who, struct pst_str text)
{
	struct pst_str line;

	if (heard == NULL)
		return;
	while (text.n > 0 && str_split(&text, '\n', &line)) {
		line = str_trim(line);
		(void)buf_putc(heard, who);
		(void)buf_puts(heard, ": ");
		for (size_t i = 0; i < line.n; i++)
			(void)buf_putc(
			    heard, line.p[i] == '\0' ? '?' : line.p[i]);
		(void)buf_putc(heard, '\n');
	}
}

void
trail_sayf(char who, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	if (heard == NULL)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	trail_say(who, str_of(text));
}

/* --- files ----------------------------------------------------------------
 */

static void
complain(const char *what)
{
	if (!t.has_failed)
		log_text(
		    PST_LOG_ERROR, 0, "trail", "%s: %s", what, strerror(errno));
	t.has_failed = true;
}

static bool
write_all(const void *p, size_t n)
{
	const char *from = p;

	while (n > 0) {
		ssize_t done = write(t.fd, from, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return false;
		from += done;
		n -= (size_t)done;
	}
	return true;
}

static bool
begin_file(uint32_t number)
{
	unsigned char head[TRAIL_HEAD];
	char name[32];

	t.number = number;
	t.began = clock_seconds();
	trail_file_name(number, "trail", name);
	t.fd = openat(
	    t.dir, name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (t.fd < 0)
		return false;
	trail_put_head(head, clock_now());
	t.octets = sizeof(head);
	return write_all(head, sizeof(head));
}

/* Goes on with the last file: what a crash left behind its end is cut off. */
static bool
go_on(uint32_t number)
{
	char name[32];
	int64_t end, began;

	trail_file_name(number, "trail", name);
	t.fd = openat(t.dir, name, O_RDWR | O_CLOEXEC);
	if (t.fd < 0)
		return false;
	end = trail_end(t.fd, &began);
	if (end < 0 || ftruncate(t.fd, end) < 0 ||
	    lseek(t.fd, 0, SEEK_END) < 0) {
		(void)close(t.fd);
		return begin_file(number + 1);
	}
	t.number = number;
	t.octets = end;
	t.began = began;
	return true;
}

static int64_t
file_size(int64_t size)
{
	int64_t one = size / FILES;

	return one < 256 << 10 ? 256 << 10 : one > 4 << 20 ? 4 << 20 : one;
}

/* Removes what is too much or too old, but not the file at hand. */
static void
tidy(int64_t size, int64_t age)
{
	size_t n, first = 0;
	uint32_t *file = trail_files(t.dir, &n);
	int64_t *octets = mem_array(n + 1, sizeof(*octets)), sum = 0;
	bool *old = mem_array(n + 1, sizeof(*old));
	int64_t now = clock_seconds();

	for (size_t i = 0; i < n; i++) {
		struct stat st;
		char name[32];

		trail_file_name(file[i], "trail", name);
		if (fstatat(t.dir, name, &st, 0) == 0) {
			octets[i] = st.st_size;
			old[i] = st.st_mtime + age < now;
		}
		trail_file_name(file[i], "index", name);
		if (fstatat(t.dir, name, &st, 0) == 0)
			octets[i] += st.st_size;
		sum += octets[i];
	}
	for (; first < n && file[first] != t.number; first++) {
		char name[32];

		if (sum <= size && !old[first])
			break;
		trail_file_name(file[first], "trail", name);
		(void)unlinkat(t.dir, name, 0);
		trail_file_name(file[first], "index", name);
		(void)unlinkat(t.dir, name, 0);
		sum -= octets[first];
	}
	free(octets);
	free(old);
	free(file);
	t.tidied = clock_monotonic();
}

static void
rotate(int64_t size, int64_t age)
{
	struct pst_error err = { 0 };
	uint32_t full = t.number;

	(void)close(t.fd);
	if (!begin_file(full + 1))
		complain("cannot begin a file");
	if (trail_make_index(t.dir, full, t.keys, &err) != PST_OK)
		log_failure(PST_LOG_WARNING, 0, "trail", &err);
	tidy(size, age);
}

/* Takes what waits, and writes it. */
static void
write_waiting(void)
{
	int64_t size, age;
	uint64_t lost;
	char text[24];

	pthread_mutex_lock(&t.io);
	pthread_mutex_lock(&t.lock);
	buf_clear(&t.writing);
	{
		struct buf empty = t.writing;

		t.writing = t.waiting;
		t.waiting = empty;
	}
	size = t.size;
	age = t.age;
	lost = t.lost;
	t.lost = 0;
	pthread_mutex_unlock(&t.lock);
	if (t.writing.n > 0) {
		if (t.fd < 0 || !write_all(t.writing.p, t.writing.n)) {
			complain("cannot write");
			/* No half of an event before the next ones. */
			if (t.fd >= 0 && (ftruncate(t.fd, t.octets) < 0 ||
					     lseek(t.fd, 0, SEEK_END) < 0))
				complain("cannot cut");
		} else {
			t.octets += (int64_t)t.writing.n;
			t.has_failed = false;
		}
	}
	if (t.octets >= file_size(size) ||
	    (t.octets > TRAIL_HEAD && t.began + age / 16 < clock_seconds()))
		rotate(size, age);
	else if (clock_monotonic() - t.tidied > INT64_C(600000000))
		tidy(size, age);
	pthread_mutex_unlock(&t.io);
	if (lost > 0) {
		(void)snprintf(
		    text, sizeof(text), "%llu", (unsigned long long)lost);
		log_event(
		    PST_LOG_WARNING, 0, "trail-lost", "events", text, NULL);
	}
}

void
trail_flush(void)
{
	if (trail_is_on())
		write_waiting();
}

static void *
run(void *arg)
{
	bool stop = false;

	(void)arg;
	while (!stop) {
		struct timespec until;

		(void)clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec++;
		pthread_mutex_lock(&t.lock);
		if (!t.stop && t.waiting.n < AT_ONCE)
			(void)pthread_cond_timedwait(&t.moved, &t.lock, &until);
		stop = t.stop;
		pthread_mutex_unlock(&t.lock);
		write_waiting();
	}
	return NULL;
}

/* --- start and end --------------------------------------------------------
 */

/* Indexes that a crash prevented; then the file to write to. */
static bool
open_files(void)
{
	size_t n;
	uint32_t *file = trail_files(t.dir, &n);
	bool ok;

	for (size_t i = 0; i + 1 < n; i++) {
		struct pst_error err = { 0 };
		char name[32];

		trail_file_name(file[i], "index", name);
		if (faccessat(t.dir, name, F_OK, 0) == 0)
			continue;
		if (trail_make_index(t.dir, file[i], t.keys, &err) != PST_OK)
			log_failure(PST_LOG_WARNING, 0, "trail", &err);
	}
	ok = n > 0 ? go_on(file[n - 1]) : begin_file(1);
	free(file);
	return ok;
}

static enum pst_rc
failed(struct pst_error *err, const char *path)
{
	return pst_fail(err, PST_E_PERM, errno, "trail: cannot write in %s: %s",
	    path, strerror(errno));
}

enum pst_rc
trail_open(const struct trail_options *opt, const struct trail_keys *keys,
    struct pst_error *err)
{
	if (mkdir(opt->path, 0700) < 0 && errno != EEXIST)
		return failed(err, opt->path);
	t.dir = open(opt->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (t.dir < 0)
		return failed(err, opt->path);
	t.keys = keys;
	t.stop = t.has_failed = false;
	trail_configure(opt);
	buf_init(&t.waiting, WAITING);
	buf_init(&t.writing, WAITING);
	if (!open_files()) {
		(void)failed(err, opt->path);
		trail_close();
		return PST_E_TEMP;
	}
	tidy(opt->size, opt->age);
	t.has_thread = pthread_create(&t.thread, NULL, run, NULL) == 0;
	atomic_store(&on, t.has_thread);
	if (t.has_thread)
		return PST_OK;
	trail_close();
	return pst_fail(err, PST_E_TEMP, 0, "trail: no thread");
}

void
trail_configure(const struct trail_options *opt)
{
	pthread_mutex_lock(&t.lock);
	t.size = opt->size;
	t.age = opt->age;
	pthread_mutex_unlock(&t.lock);
}

void
trail_close(void)
{
	if (t.dir < 0)
		return;
	atomic_store(&on, false);
	pthread_mutex_lock(&t.lock);
	t.stop = true;
	pthread_cond_signal(&t.moved);
	pthread_mutex_unlock(&t.lock);
	if (t.has_thread)
		(void)pthread_join(t.thread, NULL);
	t.has_thread = false;
	if (t.fd >= 0)
		(void)close(t.fd);
	(void)close(t.dir);
	t.fd = t.dir = -1;
	buf_fini(&t.waiting);
	buf_fini(&t.writing);
}
