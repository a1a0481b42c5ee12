/*
 * guard/milter_wire.c - a socket that does not block, and poll().
 */
#include "guard/milter_wire.h"

#include "base/clock.h"
#include "base/network.h"
#include "base/str.h"
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <unistd.h>

enum {
	LOOK_MS = 200, /* between looks whether to give up */
	IN_MAX = MILTER_LENGTH + MILTER_PACKET_MAX + 65536,
};

void
milter_wire_init(
    struct milter_wire *w, const atomic_bool *stops, const atomic_bool *gone)
{
	*w = (struct milter_wire){ .fd = -1, .stops = stops, .gone = gone };
	buf_init(&w->in, IN_MAX);
}

static enum pst_rc
fail(struct pst_error *err, const char *what)
{
	return pst_fail(
	    err, PST_E_TEMP, errno, "%s: %s", what, strerror(errno));
}

/* Until the socket is ready for `events`. */
static enum pst_rc
wait_for(
    struct milter_wire *w, short events, int64_t until, struct pst_error *err)
{
	for (;;) {
		struct pollfd p = { .fd = w->fd, .events = events };
		int64_t left = (until - clock_monotonic() + 999) / 1000;
		int n;

		if (atomic_load(w->stops) || atomic_load(w->gone))
			return pst_fail(err, PST_E_TEMP, 0, "given up");
		if (left <= 0)
			return pst_fail(
			    err, PST_E_TEMP, ETIMEDOUT, "no answer in time");
		n = poll(&p, 1, left < LOOK_MS ? (int)left : LOOK_MS);
		if (n > 0)
			return PST_OK;
		if (n < 0 && errno != EINTR)
			return fail(err, "poll");
	}
}

static enum pst_rc
finish_connect(struct milter_wire *w, int64_t until, struct pst_error *err)
{
	socklen_t size = sizeof(int);
	int error = 0;
	enum pst_rc rc = wait_for(w, POLLOUT, until, err);

	if (rc != PST_OK)
		return rc;
	if (getsockopt(w->fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
		return fail(err, "connect");
	errno = error;
	return error == 0 ? PST_OK : fail(err, "connect");
}

enum pst_rc
milter_wire_open(struct milter_wire *w, const char *socket_text, int64_t until,
    struct pst_error *err)
{
	struct sockaddr_storage to;
	enum pst_rc rc = PST_OK;
	socklen_t size;
	int one = 1;

	buf_clear(&w->in);
	w->used = 0;
	if (!network_socket(socket_text, &to, &size))
		return pst_fail(err, PST_E_TEMP, 0, "no socket");
	w->fd = socket(
	    to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (w->fd < 0)
		return fail(err, "socket");
	if (to.ss_family != AF_UNIX)
		(void)setsockopt(
		    w->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	/* A Unix socket whose queue is full says EAGAIN, and is never ready. */
	while (connect(w->fd, (const struct sockaddr *)&to, size) < 0) {
		if (errno == EINPROGRESS)
			rc = finish_connect(w, until, err);
		else if (errno == EAGAIN && clock_monotonic() < until &&
			 !atomic_load(w->stops) && !atomic_load(w->gone)) {
			(void)usleep(20000);
			continue;
		} else if (errno != EINTR) {
			rc = fail(err, "connect");
		} else {
			continue;
		}
		break;
	}
	if (rc != PST_OK) {
		(void)close(w->fd);
		w->fd = -1;
	}
	return rc;
}

enum pst_rc
milter_wire_send(struct milter_wire *w, const struct buf *out, int64_t until,
    struct pst_error *err)
{
	size_t sent = 0;

	if (out->overflow)
		return pst_fail(err, PST_E_TEMP, 0, "too much for one packet");
	/* It would be taken for the answer to this. */
	if (w->in.n > w->used)
		return pst_fail(err, PST_E_TEMP, 0, "an answer to nothing");
	while (sent < out->n) {
		ssize_t n = send(
		    w->fd, out->p + sent, out->n - sent, MSG_NOSIGNAL);
		enum pst_rc rc;

		if (n >= 0) {
			sent += (size_t)n;
			continue;
		}
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN && errno != EWOULDBLOCK)
			return fail(err, "send");
		rc = wait_for(w, POLLOUT, until, err);
		if (rc != PST_OK)
			return rc;
	}
	return PST_OK;
}

static enum pst_rc
receive(struct milter_wire *w, int64_t until, struct pst_error *err)
{
	for (;;) {
		char *to = buf_reserve(&w->in, 16384);
		ssize_t n;
		enum pst_rc rc;

		if (to == NULL)
			return pst_fail(err, PST_E_TEMP, 0, "too much at once");
		n = recv(w->fd, to, 16384, 0);
		if (n > 0) {
			buf_added(&w->in, (size_t)n);
			return PST_OK;
		}
		if (n == 0)
			return pst_fail(
			    err, PST_E_TEMP, 0, "it closed the connection");
		if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
			return fail(err, "receive");
		rc = wait_for(w, POLLIN, until, err);
		if (rc != PST_OK)
			return rc;
	}
}

enum pst_rc
milter_wire_read(struct milter_wire *w, struct milter_packet *packet_r,
    int64_t until, struct pst_error *err)
{
	enum pst_rc rc = PST_OK;

	if (w->used > 0)
		buf_consume(&w->in, w->used);
	w->used = 0;
	while (rc == PST_OK) {
		switch (milter_take(buf_str(&w->in), packet_r, &w->used)) {
		case MILTER_TAKEN:
			return PST_OK;
		case MILTER_NEEDS_MORE:
			rc = receive(w, until, err);
			break;
		case MILTER_BROKEN:
			return pst_fail(err, PST_E_TEMP, 0,
			    "a packet of an impossible length");
		}
	}
	return rc;
}

void
milter_wire_close(struct milter_wire *w)
{
	static const char quit[] = { 0, 0, 0, 1, MILTER_QUIT };

	if (w->fd >= 0) {
		(void)send(
		    w->fd, quit, sizeof(quit), MSG_NOSIGNAL | MSG_DONTWAIT);
		(void)close(w->fd);
	}
	w->fd = -1;
	w->used = 0;
	buf_fini(&w->in);
}
