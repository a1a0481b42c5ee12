/*
 * net/inspect.h - looking at connections from outside: the control socket's
 * `connections` and `trace`, and counters for `status`.
 *
 * Threads: from any thread.
 */
#ifndef NET_INSPECT_H
#define NET_INSPECT_H

#include "net/net.h"

struct net_info {
	uint64_t id;
	const char *protocol, *listener, *peer, *user, *activity, *tls;
	int peer_port;
	int64_t since; /* seconds since 1970 */
	uint64_t octets_in, octets_out;
};

/* Calls back for each connection; the texts live as long as the call back. */
void net_each(
    struct net *n, void (*fn)(void *arg, const struct net_info *i), void *arg);
/* Closes a connection at once; false: there is none of this id. */
bool net_kick(struct net *n, uint64_t id);

struct net_counters {
	size_t connections, workers, workers_busy;
	uint64_t accepted, refused;
};
void net_count(struct net *n, struct net_counters *out);

/*
 * Watches the conversations of connections whose user, peer address or id
 * equals `filter` ("" all). `fn` gets one line at a time, without a line end,
 * "2026-01-31 12:00:00.000 #12 imap user C: a1 NOOP", from the worker that
 * runs the connection; it must not block. net_trace_stop() returns when no
 * call is under way any more. At most 8 at once; NULL beyond.
 */
struct net_tracer;
struct net_tracer *net_trace_start(struct net *n, const char *filter,
    void (*fn)(void *arg, struct pst_str line), void *arg);
void net_trace_stop(struct net_tracer **t);

#endif
