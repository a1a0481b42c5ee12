/*
 * control.c - the control socket's thread: a poll() loop over at most
 * CLIENTS_MAX connections. It waits for none of them; a client that says
 * nothing, reads nothing or vanishes costs one slot until its time is over.
 *
 * The socket is for root and the server's own user. File permissions say so
 * already; SO_PEERCRED says it again, for a run_dir that is open by mistake.
 */
#include "admin/control.h"

#include "admin/control_priv.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	CLIENTS_MAX = 16,
	BACKLOG = 128,
	JOB_INTERVAL = 50, /* milliseconds */
	LINES_MAX = 1 << 18,
	OUTPUT_MAX = 1 << 26,
};

/* Without descriptors accept() fails at once, again and again. */
#define ACCEPT_PAUSE (INT64_C(100) * 1000)
#define ASK_TIME (INT64_C(10) * 1000000)
#define SEND_TIME (INT64_C(30) * 1000000)

struct admin_control {
	struct admin_host host;
	char *path;
	int listen_fd, event_fd;
	int64_t accept_at; /* clock_monotonic: not before */
	pthread_t thread;
	_Atomic bool stopping;
	struct admin_client *client[CLIENTS_MAX];
	size_t clients;
};

void
admin_control_wake(struct admin_control *c)
{
	uint64_t one = 1;

	/* Full means that the thread is woken already. */
	(void)!write(c->event_fd, &one, sizeof(one));
}

/* --- clients --------------------------------------------------------------
 */

static bool
is_allowed(int fd)
{
	struct ucred cred;
	socklen_t n = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &n) < 0)
		return false;
	return cred.uid == 0 || cred.uid == geteuid();
}

static void
client_add(struct admin_control *control, int fd)
{
	struct admin_client *c = mem_alloc(sizeof(*c));

	c->control = control;
	c->host = &control->host;
	c->fd = fd;
	c->deadline = clock_monotonic() + ASK_TIME;
	buf_init(&c->in, ADMIN_REQUEST_MAX);
	buf_init(&c->out, OUTPUT_MAX);
	buf_init(&c->lines, LINES_MAX);
	pthread_mutex_init(&c->lock, NULL);
	control->client[control->clients++] = c;
}

static void
client_free(struct admin_client *c)
{
	if (c->tracer != NULL)
		net_trace_stop(&c->tracer);
	if (c->job_free != NULL)
		c->job_free(c->job_state);
	if (!c->until_exit)
		(void)close(c->fd);
	pthread_mutex_destroy(&c->lock);
	buf_fini(&c->in);
	buf_fini(&c->out);
	buf_fini(&c->lines);
	free(c);
}

static void
client_drop(struct admin_control *control, size_t i)
{
	/* Nobody waits any more for a client that has gone. */
	control->client[i]->until_exit = false;
	client_free(control->client[i]);
	control->client[i] = control->client[--control->clients];
}

static void
accept_clients(struct admin_control *control)
{
	while (control->clients < CLIENTS_MAX) {
		int fd = accept4(control->listen_fd, NULL, NULL,
		    SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd < 0) {
			if (errno != EAGAIN)
				control->accept_at = clock_monotonic() +
						     ACCEPT_PAUSE;
			return;
		}
		if (is_allowed(fd)) {
			client_add(control, fd);
			continue;
		}
		log_text(PST_LOG_WARNING, 0, "control",
		    "refused a connection of another user");
		(void)close(fd);
	}
}

/* --- answering ------------------------------------------------------------
 */

bool
admin_item(struct admin_client *c, json_t *item)
{
	return admin_put_line(&c->out, json_pack("{s:o}", "item", item));
}

/* The last line always finds room: what came before it is bounded by less. */
static void
finish(struct admin_client *c, json_t *line)
{
	size_t max = c->out.max;

	c->out.max += ADMIN_REQUEST_MAX;
	(void)admin_put_line(&c->out, line);
	c->out.max = max;
	c->finished = true;
	c->deadline = clock_monotonic() + SEND_TIME;
}

void
admin_done(struct admin_client *c)
{
	finish(c, json_pack("{s:b}", "done", 1));
}

void
admin_error(struct admin_client *c, enum pst_rc rc, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	finish(c, json_pack("{s:o, s:s}", "error",
		      admin_json_text(str_of(text)), "code", rc_name(rc)));
}

static void
take_request(struct admin_client *c)
{
	json_t *request;
	bool bad;

	request = admin_take_line(&c->in, &bad);
	if (request == NULL && !bad) {
		if (c->in.n >= ADMIN_REQUEST_MAX)
			admin_error(c, PST_E_LIMIT, "the request is too long");
		else if (c->read_closed)
			c->finished = true;
		return;
	}
	c->asked = true;
	c->deadline = 0;
	if (bad)
		admin_error(c, PST_E_SYNTAX, "the request is no JSON object");
	else
		admin_request_run(c, request);
	json_decref(request);
}

/* False: the peer is gone. */
static bool
client_read(struct admin_client *c)
{
	char ignored[512];
	bool ignore = c->asked && !c->talks;
	size_t room = c->in.max - c->in.n;
	char *p = ignore ? ignored : buf_reserve(&c->in, room);
	ssize_t n;

	if (!ignore && room == 0)
		return true;
	n = recv(c->fd, p, ignore ? sizeof(ignored) : room, 0);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	if (n == 0)
		c->read_closed = true;
	if (ignore)
		return true;
	buf_added(&c->in, (size_t)n);
	if (!c->asked)
		take_request(c);
	return true;
}

static bool
client_write(struct admin_client *c)
{
	ssize_t n;

	if (c->out.n == 0)
		return true;
	n = send(c->fd, c->out.p, c->out.n, MSG_NOSIGNAL);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	buf_consume(&c->out, (size_t)n);
	/* What moves may go on; what stands still ends. */
	if (n > 0)
		c->deadline = clock_monotonic() + SEND_TIME;
	if (c->out.n == 0 && !c->finished)
		c->deadline = 0;
	return true;
}

/* One turn of a client. False: it is over. */
static bool
client_step(struct admin_client *c, short events)
{
	if ((events & (POLLIN | POLLRDHUP)) != 0 && !c->read_closed &&
	    !client_read(c))
		return false;
	if (c->job != NULL && c->job(c))
		c->job = NULL;
	if (c->tracer != NULL)
		admin_trace_flush(c);
	if (c->out.n > 0 && c->deadline == 0)
		c->deadline = clock_monotonic() + SEND_TIME;
	if (!client_write(c))
		return false;
	if (c->out.n == 0 && c->until_exit)
		c->deadline = 0;
	else if (c->out.n == 0 && c->finished)
		return false;
	if (c->deadline != 0 && clock_monotonic() >= c->deadline)
		return false;
	/* Both directions are closed: nobody is there. What was begun for them
	 * is done all the same. */
	if ((events & (POLLERR | POLLHUP)) != 0)
		c->gone = true;
	return !c->gone || c->job != NULL;
}

/* --- the loop -------------------------------------------------------------
 */

static int
poll_timeout(const struct admin_control *control)
{
	int64_t now = clock_monotonic(), least = 1000;

	if (control->accept_at > now)
		least = ACCEPT_PAUSE / 1000;
	for (size_t i = 0; i < control->clients; i++) {
		const struct admin_client *c = control->client[i];

		if (c->job != NULL && least > JOB_INTERVAL)
			least = JOB_INTERVAL;
		if (c->deadline != 0 && (c->deadline - now) / 1000 < least)
			least = (c->deadline - now) / 1000 + 1;
	}
	return least < 0 ? 0 : (int)least;
}

static size_t
fill_poll(const struct admin_control *control, struct pollfd *fds)
{
	size_t n = control->clients;

	for (size_t i = 0; i < n; i++) {
		const struct admin_client *c = control->client[i];

		fds[i].fd = c->gone ? -1 : c->fd;
		fds[i].events = 0;
		fds[i].revents = 0;
		/* What the job has no room for stays with the sender. */
		if (!c->read_closed && (!c->talks || c->in.n < c->in.max))
			fds[i].events |= POLLIN | POLLRDHUP;
		if (c->out.n > 0)
			fds[i].events |= POLLOUT;
	}
	fds[n].fd = control->event_fd;
	fds[n].events = POLLIN;
	fds[n].revents = 0;
	/* A negative descriptor is passed over: while all slots are taken,
	 * who comes waits in the backlog. */
	fds[n + 1].fd = n < CLIENTS_MAX &&
				clock_monotonic() >= control->accept_at
			    ? control->listen_fd
			    : -1;
	fds[n + 1].events = POLLIN;
	fds[n + 1].revents = 0;
	return n + 2;
}

static void *
control_run(void *arg)
{
	struct admin_control *control = arg;
	struct pollfd fds[CLIENTS_MAX + 2];
	uint64_t ignored;

	while (!control->stopping) {
		size_t n = fill_poll(control, fds);

		if (poll(fds, n, poll_timeout(control)) < 0 && errno != EINTR)
			pst_bug("control: poll: %s", strerror(errno));
		if (fds[n - 2].revents != 0)
			(void)!read(
			    control->event_fd, &ignored, sizeof(ignored));
		/* Backwards: dropping moves the last one into the gap. */
		for (size_t i = n - 2; i-- > 0;)
			if (!client_step(control->client[i], fds[i].revents))
				client_drop(control, i);
		if (fds[n - 1].revents != 0)
			accept_clients(control);
	}
	return NULL;
}

/* --- start and stop -------------------------------------------------------
 */

/* A socket that a killed server left behind is taken away; one that answers
 * belongs to another server. */
static enum pst_rc
clear_old(
    const char *path, const struct sockaddr_un *sun, struct pst_error *err)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool answers = fd >= 0 && connect(fd, (const struct sockaddr *)sun,
				      sizeof(*sun)) == 0;

	if (fd >= 0)
		(void)close(fd);
	if (answers)
		return pst_fail(err, PST_E_CONFLICT, 0,
		    "another posternd answers on %s: stop it, or change "
		    "`run_dir`",
		    path);
	(void)unlink(path);
	return PST_OK;
}

static enum pst_rc
listen_on(const char *path, int *fd_r, struct pst_error *err)
{
	struct sockaddr_un sun;
	enum pst_rc rc = PST_OK;
	int dir_fd = -1, fd = -1;

	if (!admin_socket_address(path, &sun, &dir_fd)) {
		rc = pst_fail(err, PST_E_LIMIT, errno,
		    "cannot use %s as control socket: %s", path,
		    strerror(errno));
		goto out;
	}
	rc = clear_old(path, &sun, err);
	if (rc != PST_OK)
		goto out;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	/* The umask of the server keeps others out between the two calls. */
	if (fd < 0 || bind(fd, (struct sockaddr *)&sun, sizeof(sun)) < 0 ||
	    chmod(path, 0600) < 0 || listen(fd, BACKLOG) < 0) {
		rc = pst_fail(err, PST_E_PERM, errno,
		    "cannot make the control socket %s: %s", path,
		    strerror(errno));
		if (fd >= 0)
			(void)close(fd);
		goto out;
	}
	*fd_r = fd;
out:
	if (dir_fd >= 0)
		(void)close(dir_fd);
	return rc;
}

enum pst_rc
admin_control_start(const char *path, const struct admin_host *host,
    struct admin_control **control_r, struct pst_error *err)
{
	struct admin_control *c;
	enum pst_rc rc;
	int fd = -1, failed;

	rc = listen_on(path, &fd, err);
	if (rc != PST_OK)
		return rc;
	c = mem_alloc(sizeof(*c));
	c->host = *host;
	c->path = str_dup(str_of(path));
	c->listen_fd = fd;
	c->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	failed = c->event_fd < 0
		     ? errno
		     : pthread_create(&c->thread, NULL, control_run, c);
	if (failed != 0) {
		rc = pst_fail(err, PST_E_TEMP, failed,
		    "cannot start the control thread: %s", strerror(failed));
		(void)unlink(path);
		(void)close(fd);
		if (c->event_fd >= 0)
			(void)close(c->event_fd);
		free(c->path);
		free(c);
		return rc;
	}
	*control_r = c;
	return PST_OK;
}

void
admin_control_stop(struct admin_control **control)
{
	struct admin_control *c = *control;

	if (c == NULL)
		return;
	*control = NULL;
	c->stopping = true;
	admin_control_wake(c);
	pthread_join(c->thread, NULL);
	for (size_t i = 0; i < c->clients; i++)
		client_free(c->client[i]);
	(void)unlink(c->path);
	(void)close(c->listen_fd);
	(void)close(c->event_fd);
	free(c->path);
	free(c);
}
