/*
 * base/log.c - one line an event, formatted into a buffer on the stack and
 * written with one system call, so that lines of several threads never mix.
 */
#include "base/log.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

enum { LINE_MAX_OCTETS = 8192 };

/* Set by log_open() before other threads exist; `fd` also by log_reopen(). */
static enum log_target target = LOG_TO_STDERR;
static enum log_format format = LOG_PLAIN;
static _Atomic int least = PST_LOG_INFO;
static _Atomic int fd = STDERR_FILENO;
static char *file_path;

static const char *const level_names[] = { "error", "warning", "info",
	"debug" };

static int
open_file(void)
{
	return open(file_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
}

bool
log_open(enum log_target to, const char *path, enum log_format form,
    enum pst_log_level level)
{
	if (to == LOG_TO_FILE) {
		int opened;

		free(file_path);
		file_path = str_dup(str_of(path));
		opened = open_file();
		if (opened < 0)
			return false;
		atomic_store(&fd, opened);
	} else if (to == LOG_TO_SYSLOG) {
		openlog("posternd", LOG_PID | LOG_NDELAY, LOG_MAIL);
	}
	target = to;
	format = form;
	atomic_store(&least, (int)level);
	return true;
}

bool
log_reopen(void)
{
	int opened;

	if (target != LOG_TO_FILE)
		return true;
	opened = open_file();
	if (opened < 0)
		return false;
	/* In place of the old one, so that a thread which writes at this
	 * moment uses either of them and never a closed one. */
	(void)dup3(opened, atomic_load(&fd), O_CLOEXEC);
	(void)close(opened);
	return true;
}

bool
log_wants(enum pst_log_level level)
{
	return (int)level <= atomic_load_explicit(&least, memory_order_relaxed);
}

static void
put_time(struct buf *b)
{
	int64_t now = clock_now();
	time_t seconds = (time_t)(now / 1000000);
	struct tm tm;

	(void)gmtime_r(&seconds, &tm);
	(void)buf_printf(b, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ",
	    tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
	    tm.tm_sec, (int)(now / 1000 % 1000));
}

/* Control characters and quotes are escaped the same way in both formats, so
 * that nothing a peer says can forge a line. */
static void
put_quoted(struct buf *b, struct pst_str s)
{
	bool utf8 = str_is_utf8(s);

	(void)buf_putc(b, '"');
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c == '"' || c == '\\')
			(void)buf_printf(b, "\\%c", c);
		else if (c < 0x20 || c == 0x7f || (c >= 0x80 && !utf8))
			(void)buf_printf(b, "\\u%04x", c);
		else
			(void)buf_putc(b, (char)c);
	}
	(void)buf_putc(b, '"');
}

static bool
is_plain(struct pst_str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] == '"' || s.p[i] == '=' ||
		    s.p[i] == '\\' || s.p[i] >= 0x7f)
			return false;
	return s.n > 0;
}

static void
put_pair(struct buf *b, const char *key, const char *text)
{
	struct pst_str value = str_first(str_of(text), 1024);
	size_t before = b->n;

	if (format == LOG_JSON) {
		(void)buf_printf(b, ",\"%s\":", key);
		put_quoted(b, value);
	} else {
		(void)buf_printf(b, " %s=", key);
		if (is_plain(value))
			(void)buf_add_str(b, value);
		else
			put_quoted(b, value);
	}
	/* What does not fit is left out whole, so that the line can be read. */
	if (b->overflow || b->n > b->max - 4) {
		b->n = before;
		b->overflow = false;
	}
}

static void
begin(struct buf *b, enum pst_log_level level, uint64_t conn, const char *event)
{
	char id[24];

	buf_init(b, LINE_MAX_OCTETS);
	if (format == LOG_JSON) {
		(void)buf_puts(b, "{\"time\":\"");
		put_time(b);
		(void)buf_printf(b, "\",\"level\":\"%s\",\"event\":\"%s\"",
		    level_names[level], event);
	} else {
		if (target != LOG_TO_SYSLOG) {
			put_time(b);
			(void)buf_putc(b, ' ');
		}
		(void)buf_printf(b, "%s %s", level_names[level], event);
	}
	if (conn != 0) {
		(void)snprintf(
		    id, sizeof(id), "%llu", (unsigned long long)conn);
		put_pair(b, "conn", id);
	}
}

static void
finish(struct buf *b, enum pst_log_level level)
{
	static const int priorities[] = { LOG_ERR, LOG_WARNING, LOG_INFO,
		LOG_DEBUG };

	if (format == LOG_JSON)
		(void)buf_putc(b, '}');
	if (target == LOG_TO_SYSLOG) {
		syslog(priorities[level], "%.*s", (int)b->n, b->p);
	} else {
		ssize_t done;

		(void)buf_putc(b, '\n');
		do {
			done = write(atomic_load(&fd), b->p, b->n);
		} while (done < 0 && errno == EINTR);
	}
	buf_fini(b);
}

/* --- counting --------------------------------------------------------------
 */

enum { EVENTS = 512 }; /* words; more are not counted */

/* Words are constants, so their addresses are what they are found by. One that
 * stands in several places has several rows. */
static struct {
	_Atomic(const char *) word;
	_Atomic uint64_t count;
} counted[EVENTS];

static void
count_event(const char *word)
{
	size_t i = (size_t)((uintptr_t)word >> 3) % EVENTS;

	for (size_t tries = 0; tries < EVENTS; tries++) {
		const char *free_row = NULL,
			   *here = atomic_load_explicit(
			       &counted[i].word, memory_order_acquire);

		if (here == word ||
		    (here == NULL && (atomic_compare_exchange_strong(
					  &counted[i].word, &free_row, word) ||
					 free_row == word))) {
			atomic_fetch_add_explicit(
			    &counted[i].count, 1, memory_order_relaxed);
			return;
		}
		i = (i + 1) % EVENTS;
	}
}

void
log_each_event(
    void (*fn)(void *arg, const char *event, uint64_t count), void *arg)
{
	for (size_t i = 0; i < EVENTS; i++) {
		const char *word = atomic_load(&counted[i].word);
		uint64_t sum = 0;
		bool is_first = true;

		if (word == NULL)
			continue;
		for (size_t k = 0; k < EVENTS; k++) {
			const char *other = atomic_load(&counted[k].word);

			if (other == NULL || strcmp(other, word) != 0)
				continue;
			is_first = is_first && k >= i;
			sum += atomic_load(&counted[k].count);
		}
		if (is_first)
			fn(arg, word, sum);
	}
}

void
log_event(enum pst_log_level level, uint64_t conn, const char *event, ...)
{
	int saved = errno;
	struct buf line;
	const char *key;
	va_list ap;

	count_event(event);
	if (!log_wants(level))
		return;
	begin(&line, level, conn, event);
	va_start(ap, event);
	while ((key = va_arg(ap, const char *)) != NULL) {
		const char *value = va_arg(ap, const char *);

		if (value != NULL)
			put_pair(&line, key, value);
	}
	va_end(ap);
	finish(&line, level);
	errno = saved;
}

void
log_text(enum pst_log_level level, uint64_t conn, const char *event,
    const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	if (!log_wants(level))
		return;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_event(level, conn, event, "text", text, NULL);
}

void
log_failure(enum pst_log_level level, uint64_t conn, const char *event,
    const struct pst_error *err)
{
	log_event(level, conn, event, "rc", rc_name(err->rc), "text",
	    err->detail, "errno",
	    err->sys_errno != 0 ? strerrorname_np(err->sys_errno) : NULL, NULL);
}

void
pst_bug(const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_event(PST_LOG_ERROR, 0, "bug", "text", text, NULL);
	abort();
}

const char *
rc_name(enum pst_rc rc)
{
	switch (rc) {
	case PST_OK:
		return "ok";
	case PST_E_TEMP:
		return "temporary";
	case PST_E_PERM:
		return "permanent";
	case PST_E_NOTFOUND:
		return "not-found";
	case PST_E_EXISTS:
		return "exists";
	case PST_E_DENIED:
		return "denied";
	case PST_E_QUOTA:
		return "quota";
	case PST_E_LIMIT:
		return "limit";
	case PST_E_SYNTAX:
		return "syntax";
	case PST_E_CONFLICT:
		return "conflict";
	case PST_E_STALE:
		return "stale";
	case PST_E_READONLY:
		return "read-only";
	case PST_E_NOSPACE:
		return "no-space";
	case PST_E_UNSUPPORTED:
		return "unsupported";
	}
	return "unknown";
}
