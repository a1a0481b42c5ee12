/*
 * net/conn_call.c - what protocols ask of their connection (net.h).
 */
#include "net/priv.h"

#include "base/clock.h"
#include "base/str.h"
#include <sys/socket.h>

void *
net_context(const struct net_conn *c)
{
	return c->net->context;
}

void
net_set_session(struct net_conn *c, void *session)
{
	c->session = session;
}

void *
net_session(const struct net_conn *c)
{
	return c->session;
}

uint64_t
net_id(const struct net_conn *c)
{
	return c->id;
}

const char *
net_peer(const struct net_conn *c)
{
	return c->peer;
}

const char *
net_local(const struct net_conn *c)
{
	return c->local;
}

int
net_peer_port(const struct net_conn *c)
{
	return c->peer_port;
}

bool
net_is_loopback(const struct net_conn *c)
{
	return c->loopback;
}

bool
net_peer_uid(const struct net_conn *c, uid_t *uid_r)
{
	struct ucred cred;
	socklen_t n = sizeof(cred);

	if (!c->is_unix ||
	    getsockopt(c->fd, SOL_SOCKET, SO_PEERCRED, &cred, &n) < 0)
		return false;
	*uid_r = cred.uid;
	return true;
}

const struct config_listener *
net_listener(const struct net_conn *c)
{
	return c->listener;
}

struct config *
net_config(const struct net_conn *c)
{
	return c->worker->cfg;
}

struct pst_str
net_input(const struct net_conn *c)
{
	return str_n(c->in.p + c->in_at, c->in.n - c->in_at);
}

void
net_consume(struct net_conn *c, size_t n)
{
	size_t left = c->in.n - c->in_at;

	c->in_at += n < left ? n : left;
}

void
net_set_input_max(struct net_conn *c, size_t n)
{
	c->input_max = n;
}

bool
net_at_eof(const struct net_conn *c)
{
	return c->eof;
}

bool
net_has_unread(const struct net_conn *c)
{
	char octet;

	return c->in.n > c->in_at ||
	       recv(c->fd, &octet, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

struct buf *
net_output(struct net_conn *c)
{
	return &c->out;
}

bool
net_output_full(const struct net_conn *c)
{
	return conn_unsent(c) >= c->output_high;
}

void
net_flush(struct net_conn *c)
{
	conn_flush(c);
}

void
net_set_idle(struct net_conn *c, int64_t seconds)
{
	c->idle = seconds;
}

void
net_set_deadline(struct net_conn *c, int64_t at)
{
	c->deadline = at;
}

void
net_pause(struct net_conn *c, int64_t milliseconds)
{
	c->resume = clock_monotonic() +
		    (milliseconds > 0 ? milliseconds * 1000 : 1);
}

const char *
net_user(const struct net_conn *c)
{
	return c->user;
}

bool
net_tls_active(const struct net_conn *c)
{
	return c->tls != NULL;
}

bool
net_client_has_tls(const struct net_conn *c)
{
	bool is_own = c->forwarder == NULL ||
		      strcmp(c->peer, c->forwarder) == 0;

	return c->proxy_tls[0] != '\0' || (c->tls != NULL && is_own);
}

bool
net_tls_offered(const struct net_conn *c)
{
	return c->tls == NULL && c->proxy_tls[0] == '\0' &&
	       c->net->tls != NULL && c->listener->tls == CONFIG_TLS_STARTTLS &&
	       tls_has_certificate(c->net->tls);
}

bool
net_start_tls(struct net_conn *c)
{
	if (c->in.n > c->in_at)
		return false;
	c->start_tls = true;
	return true;
}

const char *
net_tls_info(const struct net_conn *c)
{
	return c->tls != NULL ? tls_conn_info(c->tls) : c->proxy_tls;
}

bool
net_tls_exporter(struct net_conn *c, unsigned char out[32])
{
	return c->tls != NULL && tls_conn_exporter(c->tls, out);
}

bool
net_auth_allowed(const struct net_conn *c)
{
	return net_client_has_tls(c) || conn_is_local(c) ||
	       (c->loopback && net_config(c)->auth.plaintext_on_loopback);
}

bool
net_deflate_active(const struct net_conn *c)
{
	return c->deflate != NULL;
}

bool
net_start_deflate(struct net_conn *c)
{
	if (c->in.n > c->in_at || c->deflate != NULL)
		return false;
	c->plain_left = c->out.n - c->out_at;
	c->deflate = deflate_new();
	return true;
}

void
net_rest(struct net_conn *c, bool rests)
{
	c->rests = rests;
}

bool
net_traced(const struct net_conn *c)
{
	return c->traced;
}

void
net_trace_hide(struct net_conn *c, bool hide)
{
	c->trace_hidden = hide;
}
