/*
 * net/proxy_conn.c - who the client is behind a load balancer or a proxy: by a
 * header of the PROXY protocol, or, of HTTP, by what it says of each request.
 *
 * Exactly the header's octets are taken from the socket, since what follows may
 * be for TLS, which reads there itself: they are looked at first, and taken
 * when it is known how many belong to the header.
 */
#include "net/priv.h"

#include "base/clock.h"
#include "base/network.h"
#include "base/str.h"
#include "net/proxy.h"
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

static bool
is_among(const struct config_strings *from, bool is_unix, const char *address)
{
	for (size_t i = 0; i < from->n; i++)
		if (strcmp(from->v[i], "unix") == 0
			? is_unix
			: network_contains(from->v[i], address))
			return true;
	return false;
}

bool
proxy_is_trusted(const struct net_conn *c)
{
	return is_among(&c->listener->proxy_from, c->is_unix, c->peer);
}

void
proxy_failed(struct net_conn *c, const char *why)
{
	log_event(PST_LOG_WARNING, c->id, "proxy-failed", "listener",
	    c->listener->name, "peer", c->peer, "why", why, NULL);
	c->failed = true;
}

/* --- proxies of HTTP ---------------------------------------------------------
 */

void
proxy_note_forwarder(struct net_conn *c)
{
	if (is_among(&c->listener->forwarded_from, c->is_unix, c->peer))
		c->forwarder = str_dup(str_of(c->peer));
}

bool
net_is_forwarder(const struct net_conn *c)
{
	return c->forwarder != NULL;
}

bool
net_forwards(const struct net_conn *c, const char *address)
{
	return is_among(&c->listener->forwarded_from, false, address);
}

void
net_set_client(struct net_conn *c, const char *peer, bool has_tls)
{
	struct net_slot *s = slot_of(c);
	bool is_other;

	peer = peer != NULL ? peer : c->forwarder;
	is_other = strcmp(c->peer, peer) != 0;
	pthread_mutex_lock(&s->lock); /* net_each() reads them */
	conn_set_client(c, peer);
	(void)snprintf(c->proxy_tls, sizeof(c->proxy_tls), "%s",
	    has_tls ? "TLS to the proxy" : "");
	pthread_mutex_unlock(&s->lock);
	if (is_other)
		trace_refresh(c);
}

/* --- the PROXY protocol ------------------------------------------------------
 */

static void
set_endpoint(struct sockaddr_storage *sa, enum proxy_family family,
    const struct proxy_endpoint *e)
{
	struct sockaddr_in *v4 = (void *)sa;
	struct sockaddr_in6 *v6 = (void *)sa;

	*sa = (struct sockaddr_storage){ 0 };
	if (family == PROXY_INET) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(e->port);
		memcpy(&v4->sin_addr, e->octets, sizeof(v4->sin_addr));
	} else if (family == PROXY_INET6) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons(e->port);
		memcpy(&v6->sin6_addr, e->octets, sizeof(v6->sin6_addr));
	} else {
		sa->ss_family = AF_UNIX;
	}
}

/* From here on it is the client's connection, as far as anybody asks. */
static void
take_header(struct net_conn *c, const struct proxy_header *h)
{
	struct net_slot *s = slot_of(c);
	struct sockaddr_storage from, to;

	if (h->family == PROXY_UNKNOWN)
		return;
	set_endpoint(&from, h->family, &h->from);
	set_endpoint(&to, h->family, &h->to);
	pthread_mutex_lock(&s->lock); /* net_each() reads them */
	conn_set_addresses(c, &from, &to);
	c->is_unix = false;
	if (h->tls)
		(void)snprintf(c->proxy_tls, sizeof(c->proxy_tls),
		    "%s to the proxy",
		    h->tls_version[0] != '\0' ? h->tls_version : "TLS");
	pthread_mutex_unlock(&s->lock);
	trace_refresh(c);
}

static enum proxy_result
receive(struct net_conn *c, struct proxy_header *h, const char **why_r)
{
	for (;;) {
		size_t had = c->in.n, room = PROXY_HEADER_MAX - had, take;
		char *to = buf_reserve(&c->in, room);
		enum proxy_result result;
		ssize_t got;

		got = to != NULL ? recv(c->fd, to, room, MSG_PEEK) : 0;
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return PROXY_MORE;
		*why_r = had > 0 ? "it ends within the header" : NULL;
		if (got <= 0)
			return PROXY_BAD;
		result = proxy_parse(
		    str_n(c->in.p, had + (size_t)got), h, why_r);
		if (result == PROXY_BAD)
			return PROXY_BAD;
		take = result == PROXY_MORE ? (size_t)got : h->length - had;
		if (recv(c->fd, to, take, 0) != (ssize_t)take)
			return PROXY_BAD;
		if (result == PROXY_DONE)
			return PROXY_DONE;
		buf_added(&c->in, take);
	}
}

bool
proxy_step(struct net_conn *c)
{
	const struct config *cfg = net_config(c);
	struct proxy_header h;
	const char *why = NULL;

	if (c->phase_end == 0)
		c->phase_end = clock_monotonic() +
			       cfg->limits.proxy_time * 1000000;
	switch (receive(c, &h, &why)) {
	case PROXY_MORE:
		return false;
	case PROXY_BAD:
		/* Who only looks whether somebody listens says nothing. */
		if (why != NULL)
			proxy_failed(c, why);
		c->failed = true;
		return true;
	case PROXY_DONE:
		break;
	}
	c->in.n = 0;
	c->active = clock_monotonic();
	c->phase = CONN_NEW;
	c->phase_end = 0;
	take_header(c, &h);
	if (!conn_count(c, (size_t)cfg->limits.connections_per_address)) {
		conn_refused(c, "limits.connections_per_address");
		c->failed = true;
	}
	return true;
}
