/*
 * wire.c - octets: sockets that never block, COMPRESS=DEFLATE by zlib, where
 * one response ends, and the trace of the conversation.
 */
#include "stress.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { NOTED = 400 }; /* octets of one line in the trace */

static void
trace_add(struct conn *c, const char *p, size_t n)
{
	if (c->trace_fd >= 0 && write(c->trace_fd, p, n) < 0)
		c->trace_fd = -1;
	for (size_t i = 0; i < n; i++)
		c->trace[(c->trace_n + i) % TRACE] = p[i];
	c->trace_n += n;
}

void
conn_note(struct conn *c, char who, const char *p, size_t n)
{
	char head[32];
	size_t some = n < NOTED ? n : NOTED;
	int k = snprintf(head, sizeof(head), "%.4f %c ", now(), who);

	while (some > 0 && (p[some - 1] == '\n' || p[some - 1] == '\r'))
		some--;
	trace_add(c, head, (size_t)k);
	trace_add(c, p, some);
	if (n > NOTED)
		trace_add(c, " ...", 4);
	trace_add(c, "\n", 1);
}

bool
conn_open(struct conn *c)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)options.port) };
	int one = 1;

	if (inet_pton(AF_INET, options.host, &sin.sin_addr) != 1)
		return false;
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0 ||
	    connect(c->fd, (struct sockaddr *)&sin, sizeof(sin)) < 0 ||
	    fcntl(c->fd, F_SETFL, O_NONBLOCK) < 0) {
		fail(c, "cannot connect: %s", strerror(errno));
		return false;
	}
	(void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	buf_init(&c->in, 64 << 20);
	buf_init(&c->out, 64 << 20);
	c->out_held = 0;
	c->state = C_FRESH;
	c->is_condstore = c->is_qresync = c->is_compressed = false;
	c->is_notified = false;
	c->last_byte = now();
	conn_note(c, '=', "connected", 9);
	return true;
}

void
conn_close(struct conn *c)
{
	if (c->fd >= 0)
		(void)close(c->fd);
	c->fd = -1;
	if (c->is_compressed) {
		(void)inflateEnd(&c->inflater);
		(void)deflateEnd(&c->deflater);
	}
	c->is_compressed = false;
	buf_fini(&c->in);
	buf_fini(&c->out);
	while (c->first != NULL) {
		struct cmd *cmd = c->first;

		c->first = cmd->next;
		cmd_free(cmd);
	}
	c->last = &c->first;
	view_clear(&c->view);
	uidset_fini(&c->saved);
	c->has_saved = false;
	c->state = C_CLOSED;
	conn_note(c, '=', "closed", 6);
}

/* --- those that are left behind --- */

enum { ABANDONED_MAX = 256 };
static int left[ABANDONED_MAX];
static unsigned left_n;

void
conn_abandon(struct conn *c)
{
	c->out_held = 0;
	conn_flush(c);
	if (c->fd >= 0 && c->out.n == 0 && left_n < ABANDONED_MAX) {
		(void)shutdown(c->fd, SHUT_WR);
		left[left_n++] = c->fd;
		c->fd = -1;
	}
	conn_close(c);
}

unsigned
abandoned(void)
{
	static char piece[65536];

	for (unsigned i = 0; i < left_n;) {
		ssize_t n = recv(left[i], piece, sizeof(piece), 0);

		if (n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR))) {
			i++;
			continue;
		}
		(void)close(left[i]);
		left[i] = left[--left_n];
	}
	return left_n;
}

/* --- sending ---------------------------------------------------------------
 */

void
conn_send(struct conn *c, const void *p, size_t n)
{
	unsigned char piece[16384];

	conn_note(c, 'C', p, n);
	if (!c->is_compressed) {
		(void)buf_add(&c->out, p, n);
		return;
	}
	memcpy(&c->deflater.next_in, &p, sizeof(p));
	c->deflater.avail_in = (uInt)n;
	do {
		c->deflater.next_out = piece;
		c->deflater.avail_out = sizeof(piece);
		(void)deflate(&c->deflater, Z_SYNC_FLUSH);
		(void)buf_add(
		    &c->out, piece, sizeof(piece) - c->deflater.avail_out);
	} while (c->deflater.avail_out == 0);
}

void
conn_flush(struct conn *c)
{
	size_t n = c->out.n - c->out_held;
	ssize_t sent;

	if (c->fd < 0 || n == 0)
		return;
	sent = send(c->fd, c->out.p, n, MSG_NOSIGNAL);
	if (sent > 0)
		buf_consume(&c->out, (size_t)sent);
	else if (errno != EAGAIN && errno != EINTR)
		fail(c, "send: %s", strerror(errno));
}

/* --- reading ---------------------------------------------------------------
 */

static void
inflate_in(struct conn *c, unsigned char *p, size_t n)
{
	c->inflater.next_in = p;
	c->inflater.avail_in = (uInt)n;
	for (;;) {
		char *room = buf_reserve(&c->in, 65536);
		int rc;

		if (room == NULL)
			return;
		c->inflater.next_out = (unsigned char *)room;
		c->inflater.avail_out = 65536;
		rc = inflate(&c->inflater, Z_SYNC_FLUSH);
		buf_added(&c->in, 65536 - c->inflater.avail_out);
		if (rc != Z_OK && rc != Z_BUF_ERROR) {
			fail(c, "what the server packed cannot be unpacked");
			return;
		}
		if (c->inflater.avail_out != 0)
			return;
	}
}

void
conn_read(struct conn *c)
{
	static unsigned char piece[65536];
	ssize_t n = recv(c->fd, piece, sizeof(piece), 0);

	if (n > 0) {
		c->last_byte = now();
		if (c->is_compressed)
			inflate_in(c, piece, (size_t)n);
		else
			(void)buf_add(&c->in, piece, (size_t)n);
	} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		/* Only after LOGOUT, or when its mailbox is gone. */
		if (c->first == NULL || c->first->kind != K_LOGOUT) {
			if (c->view.box == NULL || !c->view.box->is_fleeting)
				fail(c, "the server closed the connection");
		}
		conn_close(c);
	}
}

static bool
literal_size(struct pst_str line, size_t *n_r)
{
	size_t at = line.n;
	uint32_t n;

	if (line.n < 3 || line.p[line.n - 1] != '}')
		return false;
	while (at > 0 && line.p[at - 1] != '{')
		at--;
	if (at == 0 || !str_to_u32(str_n(line.p + at, line.n - at - 1), &n))
		return false;
	*n_r = n;
	return true;
}

/* One response, up to and without its last CRLF. */
bool
conn_response(struct conn *c, struct pst_str *r)
{
	struct pst_str all = buf_str(&c->in);
	size_t from = 0, n;

	for (;;) {
		struct pst_str rest = str_from(all, from);
		const char *end = rest.n > 1 ? memmem(rest.p, rest.n, "\r\n", 2)
					     : NULL;
		size_t line;

		if (end == NULL)
			return false;
		line = (size_t)(end - rest.p);
		if (!literal_size(str_first(rest, line), &n)) {
			*r = str_first(all, from + line);
			return true;
		}
		from += line + 2 + n;
		if (from > all.n)
			return false;
	}
}

void
conn_compress(struct conn *c)
{
	c->inflater = (z_stream){ 0 };
	c->deflater = (z_stream){ 0 };
	if (inflateInit2(&c->inflater, -15) != Z_OK ||
	    deflateInit2(&c->deflater, 6, Z_DEFLATED, -15, 8,
		Z_DEFAULT_STRATEGY) != Z_OK) {
		fail(c, "zlib");
		return;
	}
	c->is_compressed = true;
	/* News may have come with the answer, packed already. */
	if (c->in.n > 0) {
		struct buf packed = c->in;

		buf_init(&c->in, packed.max);
		inflate_in(c, (unsigned char *)packed.p, packed.n);
		buf_fini(&packed);
	}
}
