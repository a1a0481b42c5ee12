/*
 * base/log.h - the server's log: one line an event, as key=value or JSON, to
 * stderr, syslog or a file. Never passwords or contents of messages.
 *
 * Threads: log_event from any thread, also in parallel; log_open once at the
 * start, log_reopen after a rotation.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <postern/module.h>

enum log_target { LOG_TO_STDERR, LOG_TO_SYSLOG, LOG_TO_FILE };
enum log_format { LOG_PLAIN, LOG_JSON };

/* `path` only for LOG_TO_FILE. False: the file cannot be opened (errno). */
bool log_open(enum log_target target, const char *path, enum log_format format,
    enum pst_log_level least);
bool log_reopen(void);
bool log_wants(enum pst_log_level level);

/*
 * Writes one event. `conn` 0: not about a connection. `event` is a constant
 * word such as "login". Then pairs of key and value, ended by NULL:
 *
 *	log_event(PST_LOG_INFO, id, "login", "user", user, "mech", "PLAIN",
 *NULL);
 *
 * Values are quoted as the format needs; NULL values are left out with their
 * keys.
 */
void log_event(enum pst_log_level level, uint64_t conn, const char *event, ...)
    __attribute__((sentinel));
/* An event with one "text" value that is formatted. */
void log_text(enum pst_log_level level, uint64_t conn, const char *event,
    const char *fmt, ...) PST_PRINTF(4, 5);
/* An operation that failed: texts rc and detail of `err`. */
void log_failure(enum pst_log_level level, uint64_t conn, const char *event,
    const struct pst_error *err);

/* How often each event came since the start, written or not; the order is
 * nobody's. */
void log_each_event(
    void (*fn)(void *arg, const char *event, uint64_t count), void *arg);

/* A broken invariant of ours: logs and aborts. Never for what a peer, a file,
 * a module or the network can cause. */
_Noreturn void pst_bug(const char *fmt, ...) PST_PRINTF(1, 2);

/* The constant word for an rc, for logs: "temporary", "not-found", ... */
const char *rc_name(enum pst_rc rc);

#endif
