/*
 * daemon/process.h - going into the background, the pid file, limits, signals
 * and systemd.
 *
 * Threads: the main thread, before others exist; daemon_notify() from any.
 */
#ifndef DAEMON_PROCESS_H
#define DAEMON_PROCESS_H

#include "base/mem.h"
#include <sys/types.h>

/*
 * Goes on in a process of its own session. The process that was started waits
 * and exits: with 0 after daemon_detached(), with 1 when this one ends before.
 * *fd_r is for daemon_detached().
 */
enum pst_rc daemon_detach(int *fd_r, struct pst_error *err);
/* Lets go of the terminal and tells the waiting process that all is well. */
void daemon_detached(int fd);

/* umask, descriptors up to the hard limit, SIGPIPE ignored. */
void daemon_process_prepare(void);
/* Blocks the signals that the main loop reads; *fd_r is where. */
enum pst_rc daemon_signals(int *fd_r, struct pst_error *err);

/* Writes the pid file and keeps it locked. CONFLICT: a running server has it.
 */
enum pst_rc daemon_pid_file(const char *path, int *fd_r, struct pst_error *err);
void daemon_pid_file_remove(const char *path, int *fd);

/* One message to systemd ("READY=1"); nothing when it did not start us. */
void daemon_notify(const char *fmt, ...) PST_PRINTF(1, 2);
/* Tells of a reload that begins now; READY=1 ends it. */
void daemon_notify_reloading(void);
/* Milliseconds between two WATCHDOG=1 messages; -1: none are wanted. */
int daemon_watchdog(void);

#endif
