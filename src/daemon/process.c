/*
 * process.c - being a daemon: the background, the pid file, signals.
 */
#include "daemon/process.h"

#include "base/log.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- the background -------------------------------------------------------
 */

/* In the process that was started: nobody sees success before it is true. */
static _Noreturn void
wait_for_child(int fd, pid_t between)
{
	ssize_t n;
	char c = 0;

	(void)waitpid(between, NULL, 0);
	do
		n = read(fd, &c, 1);
	while (n < 0 && errno == EINTR);
	_exit(n == 1 && c == '+' ? 0 : 1);
}

enum pst_rc
daemon_detach(int *fd_r, struct pst_error *err)
{
	pid_t pid;
	int p[2];

	(void)fflush(NULL);
	if (pipe2(p, O_CLOEXEC) < 0 || (pid = fork()) < 0)
		return pst_fail(err, PST_E_TEMP, errno,
		    "cannot go into the background: %s", strerror(errno));
	if (pid > 0) {
		(void)close(p[1]);
		wait_for_child(p[0], pid);
	}
	(void)close(p[0]);
	/* A session of its own, and no way to get a terminal again. */
	if (setsid() < 0 || (pid = fork()) < 0)
		return pst_fail(err, PST_E_TEMP, errno,
		    "cannot go into the background: %s", strerror(errno));
	if (pid > 0)
		_exit(0);
	if (chdir("/") < 0)
		return pst_fail(
		    err, PST_E_TEMP, errno, "chdir /: %s", strerror(errno));
	*fd_r = p[1];
	return PST_OK;
}

void
daemon_detached(int fd)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null >= 0) {
		(void)dup2(null, STDIN_FILENO);
		(void)dup2(null, STDOUT_FILENO);
		(void)dup2(null, STDERR_FILENO);
		if (null > STDERR_FILENO)
			(void)close(null);
	}
	(void)!write(fd, "+", 1);
	(void)close(fd);
}

/* --- limits and signals ---------------------------------------------------
 */

void
daemon_process_prepare(void)
{
	struct rlimit limit;

	(void)umask(077);
	(void)signal(SIGPIPE, SIG_IGN);
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 &&
	    limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
}

enum pst_rc
daemon_signals(int *fd_r, struct pst_error *err)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGHUP);
	(void)sigaddset(&set, SIGUSR1);
	/* Threads made later inherit the mask: only the main loop sees them. */
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	*fd_r = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (*fd_r < 0)
		return pst_fail(
		    err, PST_E_TEMP, errno, "signalfd: %s", strerror(errno));
	return PST_OK;
}

/* --- the pid file ---------------------------------------------------------
 */

enum pst_rc
daemon_pid_file(const char *path, int *fd_r, struct pst_error *err)
{
	int fd;

	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0)
		return pst_fail(err, PST_E_PERM, errno,
		    "cannot write the pid file %s: %s", path, strerror(errno));
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		(void)close(fd);
		return pst_fail(err, PST_E_CONFLICT, 0,
		    "the server of the pid file %s is running: stop it first",
		    path);
	}
	if (fchmod(fd, 0644) < 0 || ftruncate(fd, 0) < 0 ||
	    dprintf(fd, "%ld\n", (long)getpid()) < 0) {
		(void)close(fd);
		return pst_fail(err, PST_E_PERM, errno,
		    "cannot write the pid file %s: %s", path, strerror(errno));
	}
	*fd_r = fd;
	return PST_OK;
}

/* Where the unprivileged user may not remove it, it is left empty. */
void
daemon_pid_file_remove(const char *path, int *fd)
{
	if (*fd < 0)
		return;
	if (unlink(path) < 0)
		(void)!ftruncate(*fd, 0);
	(void)close(*fd);
	*fd = -1;
}
