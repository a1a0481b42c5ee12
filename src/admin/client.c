/*
 * client.c - asking a running server over its control socket.
 *
 * No time limit but what the caller sets: the server answers or closes, and a
 * trace lasts as long as it is watched.
 */
#include "admin/client.h"

#include "base/clock.h"
#include "base/str.h"
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	ANSWER_MAX = (1 << 20) + (1 << 16),
	SEND_AT = 1 << 17, /* what gathers until it is sent */
	PIECE_MAX = 1 << 16,
};

enum pst_rc
admin_connect(
    const char *path, struct admin_connection *conn_r, struct pst_error *err)
{
	struct sockaddr_un sun;
	int dir_fd, saved;
	bool connected;

	conn_r->fd = -1;
	buf_init(&conn_r->in, ANSWER_MAX);
	buf_init(&conn_r->out, 2 * SEND_AT + ADMIN_LINE_MAX);
	conn_r->is_deaf = false;
	conn_r->deadline = 0;
	if (!admin_socket_address(path, &sun, &dir_fd))
		return pst_fail(err, PST_E_NOTFOUND, errno,
		    "no server is reached at %s: %s", path, strerror(errno));
	conn_r->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	connected = conn_r->fd >= 0 &&
		    connect(conn_r->fd, (struct sockaddr *)&sun, sizeof(sun)) ==
			0;
	saved = errno;
	if (dir_fd >= 0)
		(void)close(dir_fd);
	if (connected)
		return PST_OK;
	admin_disconnect(conn_r);
	if (saved == EACCES || saved == EPERM)
		return pst_fail(err, PST_E_DENIED, saved,
		    "only root and the server's user may use %s", path);
	return pst_fail(err, PST_E_NOTFOUND, saved,
	    "no server is reached at %s: %s", path, strerror(saved));
}

void
admin_disconnect(struct admin_connection *conn)
{
	if (conn->fd >= 0)
		(void)close(conn->fd);
	conn->fd = -1;
	buf_fini(&conn->in);
	buf_fini(&conn->out);
}

enum pst_rc
admin_send(
    struct admin_connection *conn, json_t *request, struct pst_error *err)
{
	enum pst_rc rc = PST_OK;
	struct buf out;

	buf_init(&out, ADMIN_REQUEST_MAX);
	if (!admin_put_line(&out, request))
		rc = pst_fail(err, PST_E_LIMIT, 0, "the request is too long");
	while (rc == PST_OK && out.n > 0) {
		ssize_t n = send(conn->fd, out.p, out.n, MSG_NOSIGNAL);

		if (n > 0)
			buf_consume(&out, (size_t)n);
		else if (errno != EINTR)
			rc = pst_fail(err, PST_E_TEMP, errno,
			    "the server does not listen: %s", strerror(errno));
	}
	buf_fini(&out);
	return rc;
}

/* False: it said nothing until the deadline. */
static bool
wait_for_more(const struct admin_connection *conn)
{
	struct pollfd p = { .fd = conn->fd, .events = POLLIN };
	int64_t left;
	int n;

	do {
		left = (conn->deadline - clock_monotonic()) / 1000;
		n = left > 0 ? poll(&p, 1, (int)left + 1) : 0;
	} while (n < 0 && errno == EINTR);
	return n != 0;
}

static enum pst_rc
read_more(struct admin_connection *conn, struct pst_error *err)
{
	char *piece = buf_reserve(&conn->in, PIECE_MAX);
	ssize_t n;

	if (piece == NULL)
		return pst_fail(
		    err, PST_E_LIMIT, 0, "the server's answer is too long");
	if (conn->deadline != 0 && !wait_for_more(conn))
		return pst_fail(err, PST_E_TEMP, 0,
		    "it takes too long; what was begun may go on");
	do
		n = recv(conn->fd, piece, PIECE_MAX, 0);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return pst_fail(err, PST_E_TEMP, errno,
		    "the connection to the server broke: %s", strerror(errno));
	if (n == 0)
		return pst_fail(err, PST_E_TEMP, 0,
		    "the server closed the connection without an answer");
	buf_added(&conn->in, (size_t)n);
	return PST_OK;
}

/* --- talking ------------------------------------------------------------- */

/* One turn: sends some, or takes some in. */
static enum pst_rc
send_some(struct admin_connection *conn, struct pst_error *err)
{
	struct pollfd p = { .fd = conn->fd, .events = POLLOUT };
	ssize_t n;

	if (conn->in.n + PIECE_MAX < conn->in.max)
		p.events |= POLLIN;
	if (poll(&p, 1, -1) < 0)
		return errno == EINTR ? PST_OK
				      : pst_fail(err, PST_E_TEMP, errno,
					    "poll: %s", strerror(errno));
	if ((p.revents & POLLIN) != 0) {
		/* The end is told by what came before it. */
		if (read_more(conn, err) != PST_OK)
			conn->is_deaf = true;
		return PST_OK;
	}
	n = send(
	    conn->fd, conn->out.p, conn->out.n, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n > 0)
		buf_consume(&conn->out, (size_t)n);
	else if (n < 0 && errno != EINTR && errno != EAGAIN)
		conn->is_deaf = true;
	return PST_OK;
}

enum pst_rc
admin_flush(struct admin_connection *conn, struct pst_error *err)
{
	enum pst_rc rc = PST_OK;

	while (rc == PST_OK && conn->out.n > 0 && !conn->is_deaf)
		rc = send_some(conn, err);
	buf_clear(&conn->out);
	return rc;
}

enum pst_rc
admin_say(struct admin_connection *conn, json_t *line, struct pst_error *err)
{
	if (!admin_put_line(&conn->out, line))
		return pst_fail(err, PST_E_LIMIT, 0, "a line is too long");
	return conn->out.n < SEND_AT ? PST_OK : admin_flush(conn, err);
}

enum pst_rc
admin_say_piece(struct admin_connection *conn, const void *p, size_t n,
    struct pst_error *err)
{
	if (n > ADMIN_PIECE_MAX || !admin_put_piece(&conn->out, p, n))
		return pst_fail(err, PST_E_LIMIT, 0, "a piece is too long");
	return conn->out.n < SEND_AT ? PST_OK : admin_flush(conn, err);
}

enum pst_rc
admin_receive_piece(
    struct admin_connection *conn, void *p, size_t n, struct pst_error *err)
{
	enum pst_rc rc = PST_OK;

	while (rc == PST_OK && conn->in.n < n)
		rc = read_more(conn, err);
	if (rc != PST_OK)
		return rc;
	memcpy(p, conn->in.p, n);
	buf_consume(&conn->in, n);
	return PST_OK;
}

/* --- answers ------------------------------------------------------------- */

static enum pst_rc
take_answer(json_t *answer, json_t **line_r, struct pst_error *err)
{
	const char *text = admin_member(answer, "error");
	enum pst_rc rc;

	if (text != NULL) {
		rc = admin_rc_of(admin_member(answer, "code"));
		rc = pst_fail(
		    err, rc != PST_OK ? rc : PST_E_TEMP, 0, "%s", text);
		json_decref(answer);
		return rc;
	}
	if (json_object_get(answer, "done") != NULL) {
		json_decref(answer);
		answer = NULL;
	}
	*line_r = answer;
	return PST_OK;
}

enum pst_rc
admin_poll(struct admin_connection *conn, json_t **line_r, bool *over_r,
    struct pst_error *err)
{
	json_t *answer;
	enum pst_rc rc;
	bool bad;

	*line_r = NULL;
	*over_r = false;
	answer = admin_take_line(&conn->in, &bad);
	if (bad)
		return pst_fail(err, PST_E_SYNTAX, 0,
		    "the server's answer is not understood");
	if (answer == NULL)
		return PST_OK;
	rc = take_answer(answer, line_r, err);
	*over_r = rc == PST_OK && *line_r == NULL;
	return rc;
}

enum pst_rc
admin_receive(
    struct admin_connection *conn, json_t **line_r, struct pst_error *err)
{
	enum pst_rc rc = admin_flush(conn, err);
	json_t *answer;
	bool bad;

	if (rc != PST_OK)
		return rc;
	for (;;) {
		answer = admin_take_line(&conn->in, &bad);
		if (answer != NULL)
			return take_answer(answer, line_r, err);
		if (bad)
			return pst_fail(err, PST_E_SYNTAX, 0,
			    "the server's answer is not understood");
		rc = read_more(conn, err);
		if (rc != PST_OK)
			return rc;
	}
}

void
admin_wait_closed(struct admin_connection *conn)
{
	char ignored[256];
	ssize_t n;

	do
		n = recv(conn->fd, ignored, sizeof(ignored), 0);
	while (n > 0 || (n < 0 && errno == EINTR));
}
