/*
 * net/net.h - connections and the threads that run them.
 *
 * A listener thread accepts; each connection is then either parked in one
 * epoll set, owning no thread and no buffers, or run by exactly one worker. A
 * protocol is a struct net_protocol: its functions are called by that worker
 * and may use every function below that takes a struct net_conn without any
 * lock. They must not wait for the network. They may block in storage, fsync
 * and password hashing; the pool grows meanwhile.
 *
 * From other threads only net_wake() and the functions that say so may be
 * called.
 */
#ifndef NET_NET_H
#define NET_NET_H

#include "base/config.h"
#include "base/log.h"
#include "base/mem.h"
#include <sys/types.h>

struct net_conn;

/* What a protocol wants next; the result of its functions. */
enum net_next {
	NET_READ,  /* more input than the buffer holds now; then input() */
	NET_WRITE, /* that the client reads: output is full; then writable() */
	NET_AGAIN, /* input() again, when others have had their turn */
	NET_PAUSE, /* nothing, until net_pause()'s time is over: then timer() */
	NET_WAIT,  /* nothing, until net_wake(): then woken() */
	NET_CLOSE, /* that the output is sent and the connection closed */
	NET_ABORT, /* that it is closed at once */
};

struct net_protocol {
	const char *name; /* "imap" */
	const char *alpn; /* "imap", or NULL */
	/* A new connection (after an implicit TLS handshake). Makes the session
	 * with net_set_session() and writes the greeting. */
	enum net_next (*opened)(struct net_conn *c);
	/* There is input, maybe the same as before and more. */
	enum net_next (*input)(struct net_conn *c);
	/* After NET_WRITE: there is room for output again. */
	enum net_next (*writable)(struct net_conn *c);
	/* The deadline passed, or the pause is over. */
	enum net_next (*timer)(struct net_conn *c);
	/* net_wake() was called since the last time. Only called while the last
	 * result was NET_READ or NET_WAIT; else put off until then. */
	enum net_next (*woken)(struct net_conn *c);
	/* The server stops: write the parting line (BYE, 421). Called between
	 * commands, when the last result was NET_READ; then NET_CLOSE follows.
	 */
	void (*stopping)(struct net_conn *c);
	/* STARTTLS is done: forget what was said before. */
	enum net_next (*secured)(struct net_conn *c);
	/* Frees the session. The last call. */
	void (*closed)(struct net_conn *c);
	/* Told in plain text to who is turned away because of a limit on
	 * connections: a whole line with CRLF; NULL: nothing. */
	const char *busy;
};

/* --- the server's side ---------------------------------------------- */

struct net;

/* Which protocol runs on a listener. */
typedef const struct net_protocol *(*net_protocol_fn)(
    const struct config_listener *l);

/*
 * Makes the pool. `cfg` is referenced. `tls` comes from net/tls.h or is NULL.
 * `context` is what net_context() gives the protocols.
 */
struct tls_context;
struct net *net_new(struct config *cfg, struct tls_context *tls,
    net_protocol_fn protocol_for, void *context);
/* Binds all listeners; call before giving up privileges. Sockets given by
 * systemd (LISTEN_FDS, by the listener's name) are taken instead. */
enum pst_rc net_bind(struct net *n, struct pst_error *err);
/* The port that was bound for listener number `i` of the configuration. */
int net_port(const struct net *n, size_t i);
/* Starts the listener thread and the workers. */
enum pst_rc net_start(struct net *n, struct pst_error *err);
/* Takes a new configuration's limits for what comes; from any thread. Listeners
 * are kept as they are. */
void net_reconfigure(struct net *n, struct config *cfg);
/* Stops accepting, says goodbye, waits at most limits.shutdown_time for what
 * is under way, then closes everything and ends the threads. */
void net_stop(struct net *n);
void net_free(struct net **n);

/* --- a connection --------------------------------------------------- */

void *net_context(const struct net_conn *c);
void net_set_session(struct net_conn *c, void *session);
void *net_session(const struct net_conn *c);
uint64_t net_id(const struct net_conn *c); /* unique in this run, for logs */
const char *net_peer(const struct net_conn *c);	 /* "192.0.2.1", "unix" */
const char *net_local(const struct net_conn *c); /* address that was reached */
int net_peer_port(const struct net_conn *c);
bool net_is_loopback(const struct net_conn *c); /* peer; Unix socket: true */
/* Whose process is at the other end of a Unix socket. False: of none. */
bool net_peer_uid(const struct net_conn *c, uid_t *uid_r);
const struct config_listener *net_listener(const struct net_conn *c);
/* The port that a listener of that name was bound to; 0: none. */
int net_port_of(const struct net_conn *c, const char *listener);
/* The current configuration, valid until the function that was called by the
 * pool returns. Keep a config_ref() for longer. */
struct config *net_config(const struct net_conn *c);

/* Input that has come and was not consumed. Valid until the next net_ call. */
struct pst_str net_input(const struct net_conn *c);
void net_consume(struct net_conn *c, size_t n);
/* How much input may be buffered; reading stops there (default 64 KiB). A
 * protocol that asks NET_READ with a full buffer is closed. */
void net_set_input_max(struct net_conn *c, size_t n);
/* Buffered input came to its end: the peer closed its side. */
bool net_at_eof(const struct net_conn *c);

/* Octets have come that were not read yet, as while the connection pauses. In
 * plain text only. */
bool net_has_unread(const struct net_conn *c);

/* Output: append at will, but for what can be large ask net_output_full() and
 * return NET_WRITE to go on later. It is sent when the function returns. */
struct buf *net_output(struct net_conn *c);
bool net_output_full(const struct net_conn *c);
/* Sends now what can be sent without waiting; for progress in a long command.
 */
void net_flush(struct net_conn *c);

/* timer() is called when nothing has come from the peer for `seconds`. */
void net_set_idle(struct net_conn *c, int64_t seconds);
/* timer() is called at that time (clock_monotonic), whatever comes; 0: never.
 * For the time to authenticate. Kept beside the idle time. */
void net_set_deadline(struct net_conn *c, int64_t at);
/* For NET_PAUSE: how long. */
void net_pause(struct net_conn *c, int64_t milliseconds);

/* A name for a connection that other threads may keep: waking a connection
 * that is gone does nothing. */
struct net_handle {
	uint32_t slot, generation;
	struct net *net;
};
struct net_handle net_handle_of(const struct net_conn *c);
void net_wake(struct net_handle h); /* from any thread; never blocks */

/*
 * Counts the connection as `user`'s, for limits, trace and `connections`.
 * False: too many connections of this user. NULL takes it back.
 */
bool net_set_user(struct net_conn *c, const char *user);
const char *net_user(const struct net_conn *c); /* NULL before */
/* A word for `posternctl connections`: "selected INBOX". */
void net_set_activity(struct net_conn *c, const char *text);

/* --- TLS ------------------------------------------------------------- */

bool net_tls_active(const struct net_conn *c);
/* The client has TLS, with us or with a load balancer or proxy that we believe
 * to say so. */
bool net_client_has_tls(const struct net_conn *c);
/* STARTTLS can be offered here: a certificate is there, none is active. */
bool net_tls_offered(const struct net_conn *c);
/*
 * Starts TLS when the output written so far has gone: call after writing the
 * go-ahead, consume the command first, then return NET_READ. False, and
 * nothing done: plain text is already buffered behind the command; write the
 * protocol's error and close.
 */
bool net_start_tls(struct net_conn *c);
/* "TLS1.3 TLS_AES_256_GCM_SHA384", or "" */
const char *net_tls_info(const struct net_conn *c);
/* tls-exporter channel binding (RFC 9266), 32 octets; false without TLS. */
bool net_tls_exporter(struct net_conn *c, unsigned char out[32]);
/* AUTH and LOGIN are allowed here: TLS, a Unix socket, or loopback when the
 * configuration allows it. */
bool net_auth_allowed(const struct net_conn *c);

/* --- compression (RFC 4978) ------------------------------------------- */

bool net_deflate_active(const struct net_conn *c);
/*
 * What is written from now on goes out packed, and what comes behind the
 * command is taken as packed: call after writing the go-ahead, consume the
 * command first. False, and nothing done: plain text is already buffered
 * behind the command, or it is active.
 */
bool net_start_deflate(struct net_conn *c);
/* Not much will happen for a long time (IDLE): what memory compression can do
 * without is given back meanwhile. False ends that. */
void net_rest(struct net_conn *c, bool rests);

/* --- proxies that tell whose requests they hand on ---------------------- */

/* Such a proxy is at the other end (listener.NAME.forwarded_from). */
bool net_is_forwarder(const struct net_conn *c);
/* `address` is in one of the networks of those. */
bool net_forwards(const struct net_conn *c, const char *address);
/* Of a forwarder's connection: what comes now is from a client at `peer`, which
 * has TLS as far as the proxy. NULL: from the proxy itself. */
void net_set_client(struct net_conn *c, const char *peer, bool has_tls);

/* --- trace (posternctl trace) ---------------------------------------- */

/*
 * Output is traced by itself. Protocols hand over what the client said, with
 * secrets left out, only when somebody watches.
 */
bool net_traced(const struct net_conn *c);
void net_trace_client(struct net_conn *c, struct pst_str line);
/* The next server lines hold secrets (SASL challenges): "S: (hidden)". */
void net_trace_hide(struct net_conn *c, bool hide);

#endif
