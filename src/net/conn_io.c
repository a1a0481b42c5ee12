/*
 * net/conn_io.c - the octets of a connection: what is read for its protocol and
 * sent for it, with TLS and compression or without.
 */
#include "net/priv.h"

#include "base/clock.h"
#include "base/str.h"
#include <errno.h>
#include <sys/socket.h>

enum {
	READ_MAX = 65536, /* read at once */
	PACKED_READS = 4,
};

void
conn_fail(struct net_conn *c)
{
	c->failed = true;
}

static ssize_t
raw_write(struct net_conn *c, const char *p, size_t n)
{
	ssize_t done;

	if (c->tls != NULL)
		return tls_conn_write(c->tls, p, n);
	do {
		done = send(c->fd, p, n, MSG_NOSIGNAL);
	} while (done < 0 && errno == EINTR);
	if (done < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return TLS_AGAIN;
	return done;
}

static size_t
unpacked(const struct net_conn *c)
{
	return c->out.n - c->out_at;
}

size_t
conn_unsent(const struct net_conn *c)
{
	return unpacked(c) +
	       (c->deflate != NULL ? deflate_waiting(c->deflate).n : 0);
}

/* What is sent makes room, at a cost that does not exceed its own size. */
static void
compact_output(struct net_conn *c)
{
	size_t left = unpacked(c);

	if (c->out_at == 0 || c->out_at < left)
		return;
	if (left > 0)
		memmove(c->out.p, c->out.p + c->out_at, left);
	c->out.n = left;
	c->out_at = 0;
}

/* `n` octets of the output are sent or packed. */
static void
take_output(struct net_conn *c, size_t n)
{
	if (c->traced)
		trace_server(c, str_n(c->out.p + c->out_at, n));
	c->out_at += n;
}

/* Octets that can be sent as they are; packs some if none wait. */
static struct pst_str
next_output(struct net_conn *c)
{
	struct pst_str out = str_from(buf_str(&c->out), c->out_at);
	bool good = true;

	if (c->deflate == NULL)
		return out;
	if (c->plain_left > 0)
		return str_first(out, c->plain_left);
	/* Much can pack to nothing, so far; the last octet is flushed. */
	while (good && out.n > 0 && deflate_waiting(c->deflate).n == 0) {
		size_t n = deflate_pack(c->deflate, out, &good);

		take_output(c, n);
		out = str_from(out, n);
	}
	return good ? deflate_waiting(c->deflate) : STR_NONE;
}

static void
output_sent(struct net_conn *c, size_t n)
{
	c->octets_out += n;
	if (c->deflate != NULL && c->plain_left == 0) {
		deflate_sent(c->deflate, n);
		return;
	}
	take_output(c, n);
	c->plain_left -= c->deflate != NULL ? n : 0;
}

void
conn_flush(struct net_conn *c)
{
	while (conn_unsent(c) > 0 && !c->failed) {
		struct pst_str out = next_output(c);
		ssize_t done = out.n > 0 ? raw_write(c, out.p, out.n) : -1;

		if (done == TLS_AGAIN) {
			if (c->give_up == 0)
				c->give_up = clock_monotonic() +
					     net_config(c)->limits.write_time *
						 INT64_C(1000000);
			break;
		}
		if (done <= 0) {
			conn_fail(c);
			return;
		}
		output_sent(c, (size_t)done);
		c->give_up = 0;
	}
	compact_output(c);
}

static ssize_t
raw_read(struct net_conn *c, char *p, size_t n)
{
	ssize_t got;

	if (c->tls != NULL)
		return tls_conn_read(c->tls, p, n);
	do {
		got = recv(c->fd, p, n, 0);
	} while (got < 0 && errno == EINTR);
	if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return TLS_AGAIN;
	return got;
}

/* Reads what comes packed; a little at a time may unpack to a lot. */
static ssize_t
packed_read(struct net_conn *c, char *p, size_t n)
{
	for (int i = 0; i < PACKED_READS; i++) {
		ssize_t got = deflate_unpack(c->deflate, p, n);
		size_t room;
		char *to;

		if (got != 0 || deflate_ended(c->deflate))
			return got;
		to = deflate_room(c->deflate, &room);
		got = to != NULL ? raw_read(c, to, room) : -1;
		if (got <= 0)
			return got;
		deflate_came(c->deflate, (size_t)got);
	}
	return TLS_AGAIN; /* blocks of nothing: others have their turn */
}

static void
compact_input(struct net_conn *c)
{
	if (c->in_at == 0)
		return;
	memmove(c->in.p, c->in.p + c->in_at, c->in.n - c->in_at);
	c->in.n -= c->in_at;
	c->in_at = 0;
}

bool
conn_fill(struct net_conn *c)
{
	size_t room;
	char *to;
	ssize_t got;

	compact_input(c);
	room = c->in.n < c->input_max ? c->input_max - c->in.n : 0;
	if (room == 0) {
		log_event(PST_LOG_WARNING, c->id, "input-stuck", "protocol",
		    c->protocol->name, "peer", c->peer, NULL);
		conn_fail(c);
		return false;
	}
	if (room > READ_MAX)
		room = READ_MAX;
	c->in.max = c->input_max > c->in.max ? c->input_max : c->in.max;
	to = buf_reserve(&c->in, room);
	if (to == NULL)
		got = -1;
	else if (c->deflate != NULL)
		got = packed_read(c, to, room);
	else
		got = raw_read(c, to, room);
	if (got == TLS_AGAIN)
		return false;
	if (got < 0) {
		conn_fail(c);
		return false;
	}
	c->active = clock_monotonic();
	if (got == 0) {
		c->eof = true;
		return c->in.n > 0;
	}
	buf_added(&c->in, (size_t)got);
	c->octets_in += (size_t)got;
	return true;
}
