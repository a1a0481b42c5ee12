/*
 * password.c - reading a new password, which is never an argument: those are
 * seen by every user of the machine.
 */
#include "admin/ctl.h"
#include "base/str.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <termios.h>
#include <unistd.h>

static volatile sig_atomic_t interrupted;

static void
note_interrupt(int signal_number)
{
	(void)signal_number;
	interrupted = 1;
}

/* The signal is blocked but while this waits: none is missed in between. */
static ssize_t
read_octet(int fd, const sigset_t *waiting, char *c)
{
	struct pollfd p = { fd, POLLIN, 0 };

	if (waiting != NULL && ppoll(&p, 1, NULL, waiting) < 0)
		return -1;
	return read(fd, c, 1);
}

/* One line from `fd`, octet by octet: nothing behind it is taken. */
static enum pst_rc
read_line(int fd, const sigset_t *waiting, char *out, size_t size,
    struct pst_error *err)
{
	size_t n = 0;
	ssize_t got;
	char c;

	for (;;) {
		got = read_octet(fd, waiting, &c);
		if (got < 0 && errno == EINTR && !interrupted)
			continue;
		if (got < 0)
			return pst_fail(err, PST_E_TEMP, errno,
			    "cannot read the password: %s", strerror(errno));
		if (got == 0 || c == '\n')
			break;
		if (n + 1 >= size)
			return pst_fail(
			    err, PST_E_LIMIT, 0, "the password is too long");
		out[n++] = c;
	}
	if (n > 0 && out[n - 1] == '\r')
		n--;
	out[n] = '\0';
	if (n == 0)
		return pst_fail(err, PST_E_PERM, 0, "no password was given");
	return PST_OK;
}

static enum pst_rc
ask_twice(int tty, const sigset_t *waiting, const char *address, char *out,
    size_t size, struct pst_error *err)
{
	char again[1024];
	enum pst_rc rc;

	(void)dprintf(tty, "New password for %s: ", address);
	rc = read_line(tty, waiting, out, size, err);
	(void)dprintf(tty, "\n");
	if (rc != PST_OK)
		return rc;
	(void)dprintf(tty, "The same again: ");
	rc = read_line(tty, waiting, again, sizeof(again), err);
	(void)dprintf(tty, "\n");
	if (rc == PST_OK && strcmp(out, again) != 0)
		rc = pst_fail(
		    err, PST_E_PERM, 0, "the two passwords are not the same");
	explicit_bzero(again, sizeof(again));
	return rc;
}

static enum pst_rc
ask_once(int tty, const sigset_t *waiting, const char *what, char *out,
    size_t size, struct pst_error *err)
{
	enum pst_rc rc;

	(void)dprintf(tty, "Password for %s: ", what);
	rc = read_line(tty, waiting, out, size, err);
	(void)dprintf(tty, "\n");
	return rc;
}

typedef enum pst_rc (*ask_fn)(int tty, const sigset_t *waiting,
    const char *what, char *out, size_t size, struct pst_error *err);

static enum pst_rc
ask_quietly(ask_fn ask, const char *address, char *out, size_t size,
    struct pst_error *err)
{
	struct sigaction note = { .sa_handler = note_interrupt }, old;
	struct termios before, quiet;
	sigset_t block, before_mask;
	enum pst_rc rc;
	int tty;

	if (!isatty(STDIN_FILENO))
		return read_line(STDIN_FILENO, NULL, out, size, err);
	tty = open("/dev/tty", O_RDWR | O_CLOEXEC);
	if (tty < 0 || tcgetattr(tty, &before) < 0) {
		rc = pst_fail(err, PST_E_TEMP, errno,
		    "cannot ask on the terminal: %s", strerror(errno));
		if (tty >= 0)
			(void)close(tty);
		return rc;
	}
	/* Ctrl-C ends the question, but not before the terminal echoes again.
	 */
	(void)sigemptyset(&note.sa_mask);
	(void)sigemptyset(&block);
	(void)sigaddset(&block, SIGINT);
	(void)sigprocmask(SIG_BLOCK, &block, &before_mask);
	(void)sigaction(SIGINT, &note, &old);
	quiet = before;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	(void)tcsetattr(tty, TCSAFLUSH, &quiet);
	rc = ask(tty, &before_mask, address, out, size, err);
	(void)tcsetattr(tty, TCSAFLUSH, &before);
	(void)sigprocmask(SIG_SETMASK, &before_mask, NULL);
	(void)sigaction(SIGINT, &old, NULL);
	(void)close(tty);
	return rc;
}

enum pst_rc
ctl_password(const char *address, char *out, size_t size, struct pst_error *err)
{
	return ask_quietly(ask_twice, address, out, size, err);
}

enum pst_rc
ctl_password_known(const char *what, const char *file, char *out, size_t size,
    struct pst_error *err)
{
	enum pst_rc rc;
	int fd;

	if (file == NULL)
		return ask_quietly(ask_once, what, out, size, err);
	fd = open(file, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return pst_fail(err, PST_E_PERM, errno, "%.180s: %s", file,
		    strerror(errno));
	rc = read_line(fd, NULL, out, size, err);
	(void)close(fd);
	return rc;
}
