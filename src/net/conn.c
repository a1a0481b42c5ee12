/*
 * net/conn.c - one connection while a worker runs it: TLS, time-outs, and the
 * calls to its protocol.
 */
#include "net/priv.h"

#include "base/clock.h"
#include "base/str.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
	INPUT_MAX = 65536,	 /* default of net_set_input_max() */
	OUTPUT_SLACK = 32 << 20, /* one answer that knows no NET_WRITE */
	TURN_US = 20000,	 /* then others have their turn */
	LINGER_US = 2000000,
	KEPT_SMALL = 16384, /* up to this, buffers are copied and not kept */
};

static int64_t
us(int64_t seconds)
{
	return seconds * 1000000;
}

/* --- birth and death -------------------------------------------------------
 */

static void
print_address(const struct sockaddr_storage *sa, char *out, int *port)
{
	const struct sockaddr_in *v4 = (const void *)sa;
	const struct sockaddr_in6 *v6 = (const void *)sa;

	*port = 0;
	if (sa->ss_family == AF_INET) {
		(void)inet_ntop(AF_INET, &v4->sin_addr, out, ADDRESS_MAX);
		*port = ntohs(v4->sin_port);
	} else if (sa->ss_family == AF_INET6) {
		*port = ntohs(v6->sin6_port);
		if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr))
			(void)inet_ntop(AF_INET, &v6->sin6_addr.s6_addr[12],
			    out, ADDRESS_MAX);
		else
			(void)inet_ntop(
			    AF_INET6, &v6->sin6_addr, out, ADDRESS_MAX);
	} else {
		(void)snprintf(out, ADDRESS_MAX, "unix");
	}
}

bool
conn_is_local(const struct net_conn *c)
{
	return c->is_unix && strcmp(c->peer, "unix") == 0;
}

/* What the limit of connections counts: an IPv4 address, or the /64 of an IPv6
 * one, since a single host commonly has all of it. */
static void
print_counted(const char *peer, char *out)
{
	unsigned char octets[16];

	if (inet_pton(AF_INET6, peer, octets) == 1) {
		memset(octets + 8, 0, 8);
		(void)inet_ntop(AF_INET6, octets, out, ADDRESS_MAX);
	} else {
		(void)snprintf(out, ADDRESS_MAX, "%s", peer);
	}
}

static bool
is_loopback(const char *address)
{
	return strncmp(address, "127.", 4) == 0 || strcmp(address, "::1") == 0;
}

void
conn_set_addresses(struct net_conn *c, const struct sockaddr_storage *peer,
    const struct sockaddr_storage *local)
{
	int port;

	print_address(local, c->local, &port);
	print_address(peer, c->peer, &c->peer_port);
	c->loopback = is_loopback(c->peer);
	print_counted(c->peer, c->counted);
}

void
conn_set_client(struct net_conn *c, const char *peer)
{
	(void)snprintf(c->peer, sizeof(c->peer), "%s", peer);
	c->peer_port = 0;
	c->loopback = is_loopback(peer) || strcmp(peer, "unix") == 0;
}

bool
conn_count(struct net_conn *c, size_t most)
{
	if (c->is_unix || c->forwarder != NULL)
		return true;
	c->is_counted = counts_add(&c->net->addresses, c->counted, most);
	return c->is_counted;
}

void
conn_uncount(struct net_conn *c)
{
	if (c->is_counted)
		counts_remove(&c->net->addresses, c->counted);
	c->is_counted = false;
}

void
conn_refused(struct net_conn *c, const char *why)
{
	atomic_fetch_add(&c->net->refused, 1);
	log_event(PST_LOG_WARNING, c->id, "refused", "protocol",
	    c->protocol->name, "peer", c->peer, "why", why, NULL);
	if (c->protocol->busy != NULL && !c->implicit)
		(void)send(c->fd, c->protocol->busy, strlen(c->protocol->busy),
		    MSG_NOSIGNAL | MSG_DONTWAIT);
}

struct net_conn *
conn_new(struct net *n, int fd, const struct net_bound *from,
    const struct sockaddr_storage *peer)
{
	struct net_conn *c = mem_alloc(sizeof(*c));
	struct sockaddr_storage local = { 0 };
	socklen_t len = sizeof(local);

	c->net = n;
	c->fd = fd;
	c->protocol = from->protocol;
	c->listener = &n->listen_cfg->listener[from->listener];
	c->is_unix = from->is_unix;
	(void)getsockname(fd, (struct sockaddr *)&local, &len);
	conn_set_addresses(c, peer, &local);
	c->loopback = c->loopback || c->is_unix;
	proxy_note_forwarder(c);
	c->phase = c->listener->proxy ? CONN_PROXY : CONN_NEW;
	c->id = atomic_fetch_add(&n->last_id, 1) + 1;
	c->since = clock_seconds();
	c->active = clock_monotonic();
	c->input_max = INPUT_MAX;
	c->implicit = c->listener->tls == CONFIG_TLS_IMPLICIT;
	c->last = NET_READ;
	return c;
}

void
conn_free(struct net_conn *c)
{
	tls_conn_free(&c->tls);
	deflate_free(&c->deflate);
	if (c->fd >= 0)
		(void)close(c->fd);
	free(c->in.p);
	free(c->out.p);
	free(c->forwarder);
	free(c->user);
	free(c->activity);
	free(c);
}

/* --- TLS ---------------------------------------------------------------------
 */

static void
log_handshake_failure(struct net_conn *c)
{
	log_event(PST_LOG_INFO, c->id, "tls-failed", "protocol",
	    c->protocol->name, "peer", c->peer, "text", tls_conn_error(c->tls),
	    NULL);
}

static bool
begin_tls(struct net_conn *c)
{
	c->tls = tls_conn_new(c->net->tls, c->fd, c->protocol->alpn);
	if (c->tls == NULL)
		return false;
	c->phase = CONN_HANDSHAKE;
	c->phase_end = clock_monotonic() +
		       us(net_config(c)->tls.handshake_time);
	return true;
}

/* True: it is done. */
static bool
handshake(struct net_conn *c)
{
	int rc = tls_conn_handshake(c->tls);

	if (rc == TLS_AGAIN)
		return false;
	if (rc < 0) {
		log_handshake_failure(c);
		conn_fail(c);
		return false;
	}
	c->active = clock_monotonic();
	c->phase_end = 0;
	return true;
}

/* --- steps
 * --------------------------------------------------------------------- */

static void
set_last(struct net_conn *c, enum net_next next)
{
	c->last = (uint8_t)next;
	if (next == NET_CLOSE)
		c->phase = CONN_CLOSING;
	else if (next == NET_ABORT)
		conn_fail(c);
	if (c->out.overflow) {
		log_event(PST_LOG_WARNING, c->id, "output-overflow", "protocol",
		    c->protocol->name, NULL);
		conn_fail(c);
	}
}

struct due {
	bool wake, stop, timer;
};

bool
conn_is_quiet(const struct net_conn *c)
{
	return c->phase == CONN_OPEN && c->last == NET_READ && !c->start_tls;
}

bool
conn_takes_wake(const struct net_conn *c)
{
	return conn_is_quiet(c) ||
	       (c->phase == CONN_OPEN && c->last == NET_WAIT);
}

static struct due
take_due(struct net_conn *c)
{
	struct net_slot *s = slot_of(c);
	struct due due;
	bool quiet;

	pthread_mutex_lock(&s->lock);
	due.timer = s->timer_due;
	s->timer_due = false;
	/* The call of timer() may end the quiet: all else comes after it. */
	quiet = conn_is_quiet(c) && !due.timer;
	due.wake = s->wake && conn_takes_wake(c) && !due.timer;
	due.stop = s->stop && (quiet || c->phase != CONN_OPEN);
	if (due.wake)
		s->wake = false;
	if (s->kick)
		conn_fail(c);
	pthread_mutex_unlock(&s->lock);
	return due;
}

/* The timer thread found a time passed: which one? */
static void
handle_timer(struct net_conn *c)
{
	int64_t now = clock_monotonic();
	bool called = false;

	if (c->give_up != 0 && now >= c->give_up) {
		log_event(PST_LOG_INFO, c->id, "write-timeout", "protocol",
		    c->protocol->name, "peer", c->peer, NULL);
		conn_fail(c);
		return;
	}
	if (c->phase_end != 0 && now >= c->phase_end) {
		if (c->phase == CONN_PROXY)
			proxy_failed(c, "no header in time");
		conn_fail(c);
		return;
	}
	if (c->phase != CONN_OPEN)
		return;
	if (c->last == NET_PAUSE)
		called = now >= c->resume;
	else if (c->deadline != 0 && now >= c->deadline)
		called = true;
	else if (c->last == NET_READ && c->idle != 0 &&
		 now >= c->active + us(c->idle))
		called = true;
	if (!called)
		return;
	if (c->last != NET_PAUSE && c->deadline != 0 && now >= c->deadline)
		c->deadline = 0;
	else if (c->last == NET_READ)
		c->active = now;
	set_last(c, c->protocol->timer(c));
}

static bool
has_hung_up(const struct net_conn *c)
{
	struct pollfd p = { .fd = c->fd };

	return poll(&p, 1, 0) > 0 && (p.revents & (POLLERR | POLLHUP)) != 0;
}

/* Input that TLS has decrypted already, or that is not unpacked yet, of which
 * epoll knows nothing, when it would be taken now. */
static bool
has_pending(const struct net_conn *c)
{
	if (c->phase != CONN_OPEN || c->last != NET_READ || net_output_full(c))
		return false;
	return (c->tls != NULL && tls_conn_pending(c->tls)) ||
	       (c->deflate != NULL &&
		   (deflate_pending(c->deflate) || deflate_ended(c->deflate)));
}

/* One step of an open connection. False: nothing more to do now. */
static bool
step_open(struct net_conn *c, bool readable, bool woken)
{
	switch ((enum net_next)c->last) {
	case NET_READ:
		if (woken && c->protocol->woken != NULL) {
			set_last(c, c->protocol->woken(c));
			return true;
		}
		/* Who only closed its own side still gets the answers. */
		if (c->eof) {
			c->phase = CONN_CLOSING;
			return true;
		}
		/* Who does not read the answers is not listened to. */
		if (!readable || net_output_full(c))
			return false;
		if (!conn_fill(c))
			return c->failed || c->eof;
		set_last(c, c->protocol->input(c));
		return true;
	case NET_WRITE:
		if (conn_unsent(c) >= c->output_high / 2)
			return false;
		set_last(c, c->protocol->writable(c));
		return true;
	case NET_AGAIN:
		set_last(c, c->protocol->input(c));
		return true;
	case NET_PAUSE:
		/* epoll tells of the end of a connection even when nothing is
		 * asked for, and would do so again and again. */
		if (has_hung_up(c))
			conn_fail(c);
		return c->failed;
	case NET_WAIT:
		if (woken && c->protocol->woken != NULL) {
			/* The peer could not say anything meanwhile. */
			c->active = clock_monotonic();
			set_last(c, c->protocol->woken(c));
			return true;
		}
		if (has_hung_up(c))
			conn_fail(c);
		return c->failed;
	case NET_CLOSE:
	case NET_ABORT:
		break;
	}
	return false;
}

/* After the last output: half close, so that the peer reads it all. */
static bool
step_closing(struct net_conn *c)
{
	char sink[4096];
	ssize_t got;

	if (c->phase == CONN_CLOSING) {
		if (conn_unsent(c) > 0)
			return false;
		if (c->tls != NULL)
			tls_conn_bye(c->tls);
		(void)shutdown(c->fd, SHUT_WR);
		c->phase = CONN_LINGER;
		c->phase_end = clock_monotonic() + LINGER_US;
	}
	for (int i = 0; i < 64; i++) {
		got = recv(c->fd, sink, sizeof(sink), 0);
		if (got == 0 ||
		    (got < 0 && errno != EAGAIN && errno != EINTR)) {
			conn_fail(c);
			return true;
		}
		if (got < 0)
			return false;
	}
	return false;
}

/* Work that the phase asks for. False: nothing more to do now. */
static bool
step(struct net_conn *c, bool readable, bool woken)
{
	switch ((enum conn_phase)c->phase) {
	case CONN_PROXY:
		return proxy_step(c);
	case CONN_NEW:
		if (c->implicit && c->tls == NULL) {
			if (!begin_tls(c))
				conn_fail(c);
			return true;
		}
		c->phase = CONN_OPEN;
		set_last(c, c->protocol->opened(c));
		return true;
	case CONN_HANDSHAKE:
		if (!handshake(c))
			return c->failed;
		c->phase = CONN_NEW;
		if (!c->implicit) {
			c->phase = CONN_OPEN;
			set_last(c, c->protocol->secured(c));
		}
		c->implicit = false;
		return true;
	case CONN_OPEN:
		if (c->start_tls && conn_unsent(c) == 0) {
			c->start_tls = false;
			if (!begin_tls(c))
				conn_fail(c);
			return true;
		}
		if (c->start_tls)
			return false;
		return step_open(c, readable, woken);
	case CONN_CLOSING:
	case CONN_LINGER:
		return step_closing(c);
	}
	return false;
}

/* Lends the worker's buffer, but to who kept one of its own with much in it. */
static void
lend(struct buf *mine, size_t *at, struct buf *workers)
{
	struct buf kept = *mine;
	size_t left = kept.n - *at;

	if (left > KEPT_SMALL)
		return;
	*mine = (struct buf){
		.p = workers->p, .cap = workers->cap, .max = SIZE_MAX / 2
	};
	*workers = (struct buf){ .max = SIZE_MAX / 2 };
	if (left > 0)
		(void)buf_add(mine, kept.p + *at, left);
	*at = 0;
	free(kept.p);
}

/* Takes a buffer back into the worker. What little is in it stays as a copy;
 * with more in it, the connection keeps it. */
static void
take_back(struct buf *mine, size_t *at, struct buf *workers)
{
	size_t left = mine->n - *at;
	char *copy = NULL;

	if (left > KEPT_SMALL && left >= mine->cap / 4)
		return;
	if (left > 0) {
		copy = mem_alloc(left);
		memcpy(copy, mine->p + *at, left);
	}
	if (workers->p == NULL && mine->cap <= 1 << 20) {
		workers->p = mine->p;
		workers->cap = mine->cap;
	} else {
		free(mine->p);
	}
	*mine = (struct buf){ copy, left, left, mine->max, false };
	*at = 0;
}

static void
begin_turn(struct net_conn *c, struct worker *w)
{
	size_t most;

	c->worker = w;
	lend(&c->in, &c->in_at, &w->in);
	lend(&c->out, &c->out_at, &w->out);
	c->output_high = (size_t)net_config(c)->limits.output;
	most = c->output_high + OUTPUT_SLACK;
	c->out.max = c->out.n > most ? c->out.n : most;
	if (c->trace_generation != atomic_load(&c->net->trace_generation))
		trace_begin(c);
}

static void
end_turn(struct net_conn *c)
{
	if (c->deflate != NULL && c->rests && conn_unsent(c) == 0)
		deflate_rest(c->deflate);
	take_back(&c->in, &c->in_at, &c->worker->in);
	take_back(&c->out, &c->out_at, &c->worker->out);
	c->worker = NULL;
}

static void
conn_end(struct net_conn *c)
{
	if (c->session != NULL)
		c->protocol->closed(c);
	c->in.n = c->in_at = c->out.n = c->out_at = 0;
	end_turn(c);
	if (c->user != NULL)
		counts_remove(&c->net->users, c->user);
	conn_uncount(c);
	/* Out of epoll before the slot may be used again. */
	(void)epoll_ctl(c->net->epoll_fd, EPOLL_CTL_DEL, c->fd, NULL);
	slot_give_back(c);
	conn_free(c);
}

bool
conn_run(struct net_conn *c, struct worker *w)
{
	int64_t until = clock_monotonic() + TURN_US;
	bool readable = true;

	begin_turn(c, w);
	for (;;) {
		struct due due = take_due(c);
		bool more;

		if (!c->failed && due.timer)
			handle_timer(c);
		if (!c->failed && due.stop && c->phase == CONN_OPEN) {
			if (c->protocol->stopping != NULL)
				c->protocol->stopping(c);
			set_last(c, NET_CLOSE);
		} else if (due.stop && c->phase < CONN_OPEN) {
			conn_fail(c);
		}
		conn_flush(c);
		more = !c->failed && step(c, readable, due.wake);
		conn_flush(c);
		slots_wake(w);
		if (c->failed) {
			conn_end(c);
			return false;
		}
		/* Level-triggered epoll tells of further input at no cost, but
		 * for what TLS has decrypted already. */
		readable = has_pending(c);
		if (!more && !readable)
			break;
		if (c->last == NET_READ && c->phase == CONN_OPEN && more &&
		    !readable && !c->eof && !c->start_tls)
			break;
		if (c->phase == CONN_OPEN && clock_monotonic() >= until)
			break;
	}
	end_turn(c);
	return true;
}

bool
conn_is_ready(const struct net_conn *c)
{
	if (c->phase != CONN_OPEN)
		return false;
	/* All that was written has gone, perhaps into a buffer of the kernel's
	 * that is full now: only who goes on writing finds that out. */
	if (c->last == NET_WRITE)
		return conn_unsent(c) < c->output_high / 2;
	return c->last == NET_AGAIN || (c->last == NET_READ && c->eof) ||
	       has_pending(c);
}

uint32_t
conn_events(const struct net_conn *c)
{
	bool full = conn_unsent(c) >= c->output_high;
	uint32_t events = 0;

	switch ((enum conn_phase)c->phase) {
	case CONN_HANDSHAKE:
		return tls_conn_wants_write(c->tls) ? EPOLLOUT : EPOLLIN;
	case CONN_NEW:
		return EPOLLOUT;
	case CONN_PROXY:
	case CONN_LINGER:
		return EPOLLIN;
	case CONN_CLOSING:
		return EPOLLOUT;
	case CONN_OPEN:
		break;
	}
	if (c->last == NET_READ && !c->start_tls && !full)
		events |= EPOLLIN;
	if (conn_unsent(c) > 0 || c->last == NET_WRITE)
		events |= EPOLLOUT;
	return events;
}

static int64_t
earlier(int64_t a, int64_t b)
{
	return a == 0 || (b != 0 && b < a) ? b : a;
}

int64_t
conn_next_timer(const struct net_conn *c)
{
	int64_t next = earlier(c->give_up, c->phase_end);

	if (c->phase != CONN_OPEN)
		return next;
	if (c->last == NET_PAUSE)
		return earlier(next, c->resume);
	next = earlier(next, c->deadline);
	if (c->last == NET_READ && c->idle != 0)
		next = earlier(next, c->active + us(c->idle));
	return next;
}
