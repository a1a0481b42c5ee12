/*
 * keeper.c - reading the keys of root for a server that is not.
 *
 * The files come over as memfds: a descriptor of the file itself could not be
 * opened again by path, and libraries want a path.
 */
#include "daemon/keeper.h"

#include "base/str.h"
#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FILE_MAX_OCTETS = 1 << 20, TEXT_MAX = 256 };

/* One message: two files, or none and a text that tells why. An empty text
 * without files is the end. */
struct message {
	char text[TEXT_MAX];
	int fd[2];
};

/* --- the keeper's side ----------------------------------------------------
 */

static bool
send_message(int sock, const struct message *m, bool files)
{
	struct iovec iov = { (void *)(uintptr_t)m->text, sizeof(m->text) };
	_Alignas(
	    struct cmsghdr) char control[CMSG_SPACE(sizeof(m->fd))] = { 0 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *c;

	if (files) {
		msg.msg_control = control;
		msg.msg_controllen = sizeof(control);
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(m->fd));
		memcpy(CMSG_DATA(c), m->fd, sizeof(m->fd));
	}
	return sendmsg(sock, &msg, MSG_NOSIGNAL) == (ssize_t)sizeof(m->text);
}

static bool
copy_octets(int from, int to)
{
	char piece[8192];
	size_t total = 0;
	ssize_t n;

	while ((n = read(from, piece, sizeof(piece))) > 0) {
		total += (size_t)n;
		if (total > FILE_MAX_OCTETS) {
			errno = EFBIG;
			return false;
		}
		if (write(to, piece, (size_t)n) != n)
			return false;
	}
	explicit_bzero(piece, sizeof(piece));
	return n == 0;
}

/* A copy of the file in memory; -1: errno. */
static int
copy_file(const char *path)
{
	int from = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), to;

	if (from < 0)
		return -1;
	to = memfd_create("key", MFD_CLOEXEC);
	if (to >= 0 && !copy_octets(from, to)) {
		int saved = errno;

		(void)close(to);
		to = -1;
		errno = saved;
	}
	(void)close(from);
	return to;
}

static bool
send_certificate(int sock, const struct config_certificate *c)
{
	struct message m = { .fd = { -1, -1 } };
	const char *path = c->certificate;
	bool sent;

	m.fd[0] = copy_file(path);
	if (m.fd[0] >= 0) {
		path = c->key;
		m.fd[1] = copy_file(path);
	}
	if (m.fd[1] < 0) {
		(void)snprintf(
		    m.text, sizeof(m.text), "%s: %s", path, strerror(errno));
		sent = send_message(sock, &m, false);
	} else {
		(void)str_copy(m.text, sizeof(m.text), str_of(c->name));
		sent = send_message(sock, &m, true);
	}
	for (int i = 0; i < 2; i++)
		if (m.fd[i] >= 0)
			(void)close(m.fd[i]);
	return sent;
}

static bool
answer(int sock, const char *config_path,
    const struct config_override *overrides, size_t n)
{
	struct message m = { .fd = { -1, -1 } };
	struct pst_error err = { 0 };
	struct config *cfg;
	bool sent = true;

	cfg = config_load(config_path, overrides, n, NULL, NULL, &err);
	if (cfg == NULL) {
		(void)str_copy(m.text, sizeof(m.text), str_of(err.detail));
		sent = send_message(sock, &m, false);
	}
	for (size_t i = 0; cfg != NULL && sent && i < cfg->certificates; i++)
		sent = send_certificate(sock, &cfg->certificate[i]);
	config_unref(&cfg);
	memset(m.text, 0, sizeof(m.text));
	return sent && send_message(sock, &m, false);
}

/* Keeps of root's rights the one to read. */
static void
shed_rights(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int i = 0; i <= STDERR_FILENO; i++)
		(void)dup2(null, i);
	if (null > STDERR_FILENO)
		(void)close(null);
	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	capng_clear(CAPNG_SELECT_BOTH);
	(void)capng_updatev(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED,
	    CAP_DAC_READ_SEARCH, -1);
	(void)capng_apply(CAPNG_SELECT_BOTH);
}

static _Noreturn void
keep(int sock, const char *config_path, const struct config_override *overrides,
    size_t n)
{
	char octet;

	/* It ends with the server, whatever signal a whole group gets. */
	(void)signal(SIGTERM, SIG_IGN);
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGHUP, SIG_IGN);
	shed_rights();
	while (read(sock, &octet, 1) == 1)
		if (!answer(sock, config_path, overrides, n))
			break;
	_exit(0);
}

enum pst_rc
daemon_keeper_start(const char *config_path,
    const struct config_override *overrides, size_t n, int *fd_r,
    struct pst_error *err)
{
	int p[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, p) < 0)
		return pst_fail(
		    err, PST_E_TEMP, errno, "socketpair: %s", strerror(errno));
	(void)fflush(NULL);
	pid = fork();
	if (pid < 0) {
		(void)close(p[0]);
		(void)close(p[1]);
		return pst_fail(
		    err, PST_E_TEMP, errno, "fork: %s", strerror(errno));
	}
	if (pid == 0) {
		/* Nothing else of the server's may live on here. */
		(void)dup2(p[1], STDERR_FILENO + 1);
		(void)close_range(STDERR_FILENO + 2, ~0U, 0);
		keep(STDERR_FILENO + 1, config_path, overrides, n);
	}
	(void)close(p[1]);
	*fd_r = p[0];
	return PST_OK;
}

/* --- the server's side ----------------------------------------------------
 */

void
daemon_keys_fini(struct daemon_keys *keys)
{
	for (size_t i = 0; i < keys->n; i++)
		(void)close(keys->fd[i]);
	free(keys->fd);
	*keys = (struct daemon_keys){ 0 };
}

/* False: the keeper is gone. m->fd is -1 for a message without files. */
static bool
receive_message(int sock, struct message *m)
{
	struct iovec iov = { m->text, sizeof(m->text) };
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(m->fd))];
	struct msghdr msg = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control) };
	struct cmsghdr *c;
	ssize_t n;

	m->fd[0] = m->fd[1] = -1;
	do
		n = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n != (ssize_t)sizeof(m->text))
		return false;
	m->text[sizeof(m->text) - 1] = '\0';
	c = CMSG_FIRSTHDR(&msg);
	if (c != NULL && c->cmsg_type == SCM_RIGHTS &&
	    c->cmsg_len == CMSG_LEN(sizeof(m->fd)))
		memcpy(m->fd, CMSG_DATA(c), sizeof(m->fd));
	return true;
}

static void
set_path(char **path, int fd)
{
	char text[40];

	(void)snprintf(text, sizeof(text), "/proc/self/fd/%d", fd);
	free(*path);
	*path = str_dup(str_of(text));
}

static enum pst_rc
take_files(struct config *cfg, const struct message *m, struct daemon_keys *k,
    struct pst_error *err)
{
	size_t i = k->n / 2;

	mem_grow(&k->fd, &k->cap, k->n + 2, sizeof(*k->fd));
	k->fd[k->n++] = m->fd[0];
	k->fd[k->n++] = m->fd[1];
	if (i >= cfg->certificates ||
	    strncmp(cfg->certificate[i].name, m->text, TEXT_MAX - 1) != 0)
		return pst_fail(err, PST_E_CONFLICT, 0,
		    "the configuration changed while it was read");
	set_path(&cfg->certificate[i].certificate, m->fd[0]);
	set_path(&cfg->certificate[i].key, m->fd[1]);
	return PST_OK;
}

enum pst_rc
daemon_keeper_ask(int fd, struct config *cfg, struct daemon_keys *keys_r,
    struct pst_error *err)
{
	enum pst_rc rc = PST_OK;
	struct message m;

	*keys_r = (struct daemon_keys){ 0 };
	if (send(fd, "r", 1, MSG_NOSIGNAL) != 1)
		return pst_fail(err, PST_E_TEMP, errno,
		    "the process that reads the keys is gone: restart");
	/* To the end also after a failure: the next answer begins fresh. */
	for (;;) {
		if (!receive_message(fd, &m))
			return pst_fail(err, PST_E_TEMP, errno,
			    "the process that reads the keys is gone: restart");
		if (m.fd[0] < 0 && m.text[0] == '\0')
			break;
		if (m.fd[0] < 0 && rc == PST_OK)
			rc = pst_fail(err, PST_E_PERM, 0, "%s", m.text);
		else if (m.fd[0] >= 0 && rc == PST_OK)
			rc = take_files(cfg, &m, keys_r, err);
		else if (m.fd[0] >= 0) {
			(void)close(m.fd[0]);
			(void)close(m.fd[1]);
		}
	}
	if (rc == PST_OK && keys_r->n / 2 != cfg->certificates)
		rc = pst_fail(err, PST_E_CONFLICT, 0,
		    "the configuration changed while it was read");
	return rc;
}
