/*
 * client.c - the event loop and its connections.
 */
#include "client.h"

#include "bench.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { READ_SIZE = 256 * 1024, BUF_MAX = 512 * 1024 * 1024, EVENTS = 256 };

static int loop = -1;
static gnutls_certificate_credentials_t credentials;

static void
set_events(struct client *c, int op)
{
	struct epoll_event ev = {
		.events = EPOLLIN | (c->wants_write ? (uint32_t)EPOLLOUT : 0),
		.data.ptr = c
	};

	if (epoll_ctl(loop, op, c->fd, &ev) < 0)
		bench_fail("epoll_ctl: %s", strerror(errno));
}

static void
want_write(struct client *c, bool wanted)
{
	if (c->wants_write == wanted)
		return;
	c->wants_write = wanted;
	set_events(c, EPOLL_CTL_MOD);
}

static ssize_t
send_some(struct client *c)
{
	ssize_t n;

	if (c->tls == NULL) {
		n = send(c->fd, c->out.p, c->out.n, MSG_NOSIGNAL);
		return n < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : n;
	}
	n = gnutls_record_send(c->tls, c->out.p, c->out.n);
	return n == GNUTLS_E_AGAIN || n == GNUTLS_E_INTERRUPTED ? 0 : n;
}

static void
flush(struct client *c)
{
	ssize_t n = 1;

	while (c->fd >= 0 && !c->shaking && c->out.n > 0 && n > 0) {
		n = send_some(c);
		if (n < 0) {
			/* The reader notices, with what came before. */
			buf_clear(&c->out);
			return;
		}
		buf_consume(&c->out, (size_t)n);
	}
	if (c->fd >= 0 && !c->shaking)
		want_write(c, c->out.n > 0);
}

/* No certificate is checked: the server is our own, on loopback. */
static void
start_tls(struct client *c)
{
	if (credentials == NULL &&
	    gnutls_certificate_allocate_credentials(&credentials) < 0)
		bench_fail("no TLS credentials");
	if (gnutls_init(&c->tls, GNUTLS_CLIENT | GNUTLS_NONBLOCK) < 0 ||
	    gnutls_set_default_priority(c->tls) < 0 ||
	    gnutls_credentials_set(
		c->tls, GNUTLS_CRD_CERTIFICATE, credentials) < 0)
		bench_fail("no TLS session");
	gnutls_transport_set_int(c->tls, c->fd);
	c->shaking = true;
}

static void
shake(struct client *c)
{
	int rc = gnutls_handshake(c->tls);

	if (rc == GNUTLS_E_AGAIN || rc == GNUTLS_E_INTERRUPTED) {
		want_write(c, gnutls_record_get_direction(c->tls) == 1);
		return;
	}
	if (rc < 0)
		bench_fail("TLS handshake: %s", gnutls_strerror(rc));
	c->shaking = false;
	flush(c);
}

void
client_open(struct client *c, int port, bool tls)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port) };
	int one = 1;

	if (loop < 0 && (loop = epoll_create1(EPOLL_CLOEXEC)) < 0)
		bench_fail("epoll_create1: %s", strerror(errno));
	if (c->in.max == 0) {
		buf_init(&c->in, BUF_MAX);
		buf_init(&c->out, BUF_MAX);
	}
	buf_clear(&c->in);
	buf_clear(&c->out);
	c->seen = 0;
	c->wants_write = false;
	c->shaking = false;
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (inet_pton(AF_INET, bench.host, &to.sin_addr) != 1 || c->fd < 0 ||
	    connect(c->fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		bench_fail("no connection to %s port %d: %s", bench.host, port,
		    strerror(errno));
	(void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (fcntl(c->fd, F_SETFL, O_NONBLOCK) < 0)
		bench_fail("fcntl: %s", strerror(errno));
	set_events(c, EPOLL_CTL_ADD);
	c->tls = NULL;
	if (tls) {
		start_tls(c);
		shake(c);
	}
}

void
client_close(struct client *c)
{
	if (c->fd < 0)
		return;
	if (c->tls != NULL) {
		if (!c->shaking)
			(void)gnutls_bye(c->tls, GNUTLS_SHUT_WR);
		gnutls_deinit(c->tls);
		c->tls = NULL;
	}
	(void)close(c->fd);
	c->fd = -1;
}

void
client_fini(struct client *c)
{
	client_close(c);
	client_shrink(c);
}

void
client_shrink(struct client *c)
{
	buf_fini(&c->in);
	buf_fini(&c->out);
	c->seen = 0;
}

static void
broken(struct client *c)
{
	client_close(c);
	if (c->on_closed == NULL)
		bench_fail("the server has closed the connection");
	c->on_closed(c);
}

/* --- sending --------------------------------------------------------------
 */

void
client_send(struct client *c, struct pst_str text)
{
	if (c->fd < 0)
		return;
	if (!buf_add_str(&c->out, text))
		bench_fail("more to send than fits");
	flush(c);
}

void
client_printf(struct client *c, const char *fmt, ...)
{
	struct buf b;
	va_list ap;

	buf_init(&b, 4096);
	va_start(ap, fmt);
	if (!buf_vprintf(&b, fmt, ap))
		bench_fail("a command is too long");
	va_end(ap);
	client_send(c, buf_str(&b));
	buf_fini(&b);
}

/* --- receiving ------------------------------------------------------------
 */

/* The octets of a literal that a line announces at its end. */
static size_t
literal_of(const char *line, size_t n)
{
	size_t value = 0, factor = 1, i = n;

	if (n < 5 || line[n - 2] != '\r' || line[n - 3] != '}')
		return 0;
	for (i = n - 3; i > 0 && ascii_is_digit(line[i - 1]); i--) {
		value += (size_t)(line[i - 1] - '0') * factor;
		factor *= 10;
	}
	return i > 0 && line[i - 1] == '{' ? value : 0;
}

/* The length of the response at `from`, or 0: there is more to come. */
static size_t
whole_response(struct client *c, size_t from)
{
	while (c->seen < c->in.n) {
		const char *begin = c->in.p + c->seen;
		const char *nl = memchr(begin, '\n', c->in.n - c->seen);
		size_t end, literal;

		if (nl == NULL)
			return 0; /* lines are short: looking again is cheap */
		end = (size_t)(nl + 1 - c->in.p);
		literal = !c->literals ? 0 : literal_of(begin, end - c->seen);
		c->seen = end + literal;
		if (literal == 0)
			return end - from;
	}
	return 0;
}

static void
take_responses(struct client *c)
{
	size_t from = 0, n;

	while (c->fd >= 0 && (n = whole_response(c, from)) > 0) {
		c->on_response(c, str_n(c->in.p + from, n));
		if (c->in.p == NULL) /* it was shrunk */
			return;
		from += n;
	}
	buf_consume(&c->in, from);
	c->seen -= c->seen < from ? c->seen : from;
}

static ssize_t
receive_some(struct client *c, char *to)
{
	ssize_t n;

	if (c->tls == NULL) {
		n = recv(c->fd, to, READ_SIZE, 0);
		return n < 0 && (errno == EAGAIN || errno == EINTR) ? -2 : n;
	}
	n = gnutls_record_recv(c->tls, to, READ_SIZE);
	if (n == GNUTLS_E_AGAIN || n == GNUTLS_E_INTERRUPTED)
		return -2;
	return n < 0 ? -1 : n;
}

static void
receive(struct client *c)
{
	ssize_t n;

	do {
		char *to = buf_reserve(&c->in, READ_SIZE);

		if (to == NULL)
			bench_fail("an answer is too long");
		n = receive_some(c, to);
		if (n == -2)
			return;
		if (n <= 0) {
			broken(c);
			return;
		}
		buf_added(&c->in, (size_t)n);
		take_responses(c);
		/* Below TLS more may be waiting than epoll tells. */
	} while (c->fd >= 0 && c->tls != NULL);
}

static void
serve(struct client *c, uint32_t events)
{
	if (c->fd >= 0 && c->shaking) {
		shake(c);
		if (!c->shaking)
			receive(c);
		return;
	}
	if ((events & EPOLLOUT) != 0)
		flush(c);
	if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0 && c->fd >= 0)
		receive(c);
}

bool
client_wait(const bool *flag, int ms)
{
	struct epoll_event ev[EVENTS];
	int64_t now = clock_monotonic(), end = now + (int64_t)ms * 1000;

	while (flag == NULL || !*flag) {
		int n, left = (int)((end - now + 999) / 1000);

		if (left <= 0)
			return false;
		n = epoll_wait(loop, ev, EVENTS, left);
		if (n < 0 && errno != EINTR)
			bench_fail("epoll_wait: %s", strerror(errno));
		for (int i = 0; i < n; i++)
			serve(ev[i].data.ptr, ev[i].events);
		now = clock_monotonic();
		if (n > 0 && flag != NULL)
			end = now + (int64_t)ms * 1000;
	}
	return true;
}
