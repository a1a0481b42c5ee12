/*
 * net/priv.h - what the files of src/net share and nobody else sees.
 *
 * Locks, in the order in which they may be taken together: a slot's lock, then
 * that of the timers or of the run queue. All others are taken alone.
 */
#ifndef NET_PRIV_H
#define NET_PRIV_H

#include "net/deflate.h"
#include "net/inspect.h"
#include "net/net.h"
#include "net/tls.h"
#include <gnutls/gnutls.h>
#include <pthread.h>
#include <stdatomic.h>

enum slot_state { SLOT_FREE, SLOT_PARKED, SLOT_RUNNING };

/*
 * A place for a connection. Slots are never freed, so that a stale event or a
 * stale handle finds a generation that differs instead of freed memory.
 */
struct net_slot {
	pthread_mutex_t lock; /* guards all below but the timer's fields */
	struct net_conn *conn;
	uint32_t generation;
	uint8_t state;	/* enum slot_state */
	bool wake;	/* woken() is due */
	bool stop;	/* stopping() is due */
	bool kick;	/* to be closed at once */
	bool timer_due; /* the timer thread saw `next` pass */
	bool roused;	/* in the run queue, or just taken from it */
	int64_t next;	/* when the timer is wanted, while parked; 0: never */
	/* Guarded by timers.lock; `queued` may be read without. */
	_Atomic int64_t queued; /* the time in the heap; 0: not in it */
	size_t heap_at;
	uint32_t next_free;
	uint32_t next_run; /* index + 1; guarded by run_queue.lock */
};

/*
 * Parked connections that have to run although epoll has nothing to say: woken,
 * timed out, kicked, or with work left. A peer that does not read must not be
 * able to keep its connection from that. Whoever takes one out and leaves
 * others writes to the eventfd again.
 */
struct run_queue {
	pthread_mutex_t lock;
	uint32_t first, last; /* index + 1; 0: empty */
	int fd;		      /* eventfd, edge-triggered */
};

/* A heap of slots by time. */
struct timers {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	uint32_t *heap;
	size_t n, cap;
	bool quit;
	pthread_t thread;
	bool started;
};

/* How many connections each address or user has. */
struct counts {
	pthread_mutex_t lock;
	struct counts_entry **bucket;
	size_t buckets, n;
};
void counts_init(struct counts *c);
void counts_fini(struct counts *c);
/* False: it has `max` already. */
bool counts_add(struct counts *c, const char *key, size_t max);
void counts_remove(struct counts *c, const char *key);

struct net_bound {
	int fd;
	size_t listener; /* index into the configuration */
	const struct net_protocol *protocol;
	bool is_unix;
	char path[108]; /* removed at the end; "" when systemd's */
};

enum { WAKES_MAX = 64 };

struct worker {
	struct net *net;
	pthread_t thread;
	struct buf in, out; /* lent to the connection that runs */
	struct config *cfg;
	unsigned cfg_generation;
	/* Connections to be woken once what the present one says is sent. */
	struct net_handle wake[WAKES_MAX];
	size_t wakes;
	struct worker *next;
};

enum { TRACERS_MAX = 8, ADDRESS_MAX = 48, ACTIVITY_MAX = 80 };

struct net_tracer {
	struct net *net;
	char filter[321];
	void (*fn)(void *arg, struct pst_str line);
	void *arg;
};

struct net {
	net_protocol_fn protocol_for;
	void *context;
	struct tls_context *tls;
	struct config *listen_cfg; /* of the start: listeners live in it */

	pthread_mutex_t cfg_lock; /* guards cfg */
	struct config *cfg;
	atomic_uint cfg_generation;

	struct net_bound *bound; /* given up when the listener stops */
	size_t bound_count;
	int *port; /* of each listener, 0: none; stays as net_bind() left it */
	int epoll_fd;
	int stop_fd; /* eventfd: ends the listener */
	int quit_fd; /* eventfd: ends the workers */
	pthread_t listener_thread;
	bool listener_started;

	struct net_slot *slot;
	uint32_t slots;
	pthread_mutex_t free_lock; /* guards the three below */
	uint32_t first_free;	   /* index + 1 */
	uint32_t unused;	   /* slots from here on were never used */
	pthread_cond_t all_gone;
	atomic_size_t connections;
	atomic_uint_least64_t last_id;
	atomic_uint_least64_t accepted, refused;
	atomic_bool stopping;
	struct run_queue run_queue;

	pthread_mutex_t workers_lock; /* guards the list and its length */
	struct worker *workers;
	struct worker *retired; /* ended, to be joined */
	atomic_size_t workers_count;
	atomic_size_t workers_waiting;
	atomic_bool quit;

	struct timers timers;
	struct counts addresses, users;

	pthread_rwlock_t trace_lock; /* guards tracer[] */
	struct net_tracer *tracer[TRACERS_MAX];
	atomic_uint trace_generation;
};

/* What a connection waits for besides its protocol. */
enum conn_phase {
	CONN_PROXY,	/* the load balancer tells who the client is */
	CONN_NEW,	/* opened() not called yet */
	CONN_HANDSHAKE, /* TLS */
	CONN_OPEN,
	CONN_CLOSING, /* output is sent, then it ends */
	CONN_LINGER,  /* our side is closed; the peer's rest is thrown away */
};

struct net_conn {
	struct net *net;
	uint32_t index; /* of the slot */
	int fd;
	uint64_t id;
	const struct net_protocol *protocol;
	const struct config_listener *listener;
	struct worker *worker; /* while running */
	void *session;

	uint8_t phase; /* enum conn_phase */
	uint8_t last;  /* enum net_next */
	bool eof;
	bool start_tls; /* when the output is out */
	bool failed;	/* reading or writing failed */
	bool loopback, is_unix;
	bool is_counted; /* among its address's */
	bool traced, trace_hidden;
	bool trace_late; /* watched only since the middle of an answer */
	bool implicit;	 /* the handshake comes before opened() */
	unsigned trace_generation;
	uint64_t trace_literal; /* octets of a literal still to be skipped */
	char trace_tail[24];	/* of a line whose end was not sent yet */
	size_t trace_tail_n;

	struct buf in, out;
	size_t in_at, out_at; /* consumed; sent */
	size_t input_max, output_high;

	int64_t idle;	   /* seconds */
	int64_t active;	   /* when something last came, monotonic */
	int64_t deadline;  /* monotonic, 0: none */
	int64_t resume;	   /* end of the pause */
	int64_t give_up;   /* when output has waited too long; 0: none waits */
	int64_t phase_end; /* of a handshake or lingering; 0: none */

	struct tls_conn *tls;
	struct deflate *deflate; /* between the buffers and TLS; or NULL */
	size_t plain_left;	 /* output that still goes out unpacked */
	bool rests;		 /* net_rest() */
	uint64_t octets_in, octets_out;
	int64_t since;
	int peer_port;
	char peer[ADDRESS_MAX], local[ADDRESS_MAX];
	char counted[ADDRESS_MAX]; /* peer, as limits count it */
	char proxy_tls[32];	   /* TLS that the load balancer ended, or "" */
	char *forwarder; /* the address of one, whatever peer is; or NULL */
	char *user;	 /* changed under the slot's lock */
	char *activity;	 /* changed under the slot's lock */
};

/* slots.c */
bool slots_init(struct net *n);
struct net_slot *slot_of(const struct net_conn *c);
/* Gives `c` a slot, where it counts as running; false: none is free. */
bool slot_take(struct net *n, struct net_conn *c);
void slot_give_back(struct net_conn *c);
/* Makes a parked connection run soon. The slot is locked. */
void slot_rouse(struct net *n, struct net_slot *s, uint32_t index);
/* The next of those; NULL: none. */
struct net_slot *slot_next_roused(struct net *n);

/* Before the first net_wake() of a worker's thread. */
void slots_set_worker(struct worker *w);
/* Carries out the wake-ups that net_wake() has put off. */
void slots_wake(struct worker *w);

/* conn.c */
struct sockaddr_storage;
struct net_conn *conn_new(struct net *n, int fd, const struct net_bound *from,
    const struct sockaddr_storage *peer);
void conn_free(struct net_conn *c);
/* The peer's address and the one that it reached. */
void conn_set_addresses(struct net_conn *c, const struct sockaddr_storage *peer,
    const struct sockaddr_storage *local);
/* Of a forwarder's: whose request is under way, "unix" for its own. */
void conn_set_client(struct net_conn *c, const char *peer);
/* Through a Unix socket, and not for somebody else. */
bool conn_is_local(const struct net_conn *c);
/* Counts it among those of its address; false: there are `most` already. */
bool conn_count(struct net_conn *c, size_t most);
void conn_uncount(struct net_conn *c);
/* Tells the log, and the client if it would understand. */
void conn_refused(struct net_conn *c, const char *why);
/* Runs until it would wait; true: park it, false: it is gone. */
bool conn_run(struct net_conn *c, struct worker *w);
/* It has work left that epoll knows nothing of. */
bool conn_is_ready(const struct net_conn *c);
/* Between commands: stopping() may be called. */
bool conn_is_quiet(const struct net_conn *c);
/* woken() may be called. */
bool conn_takes_wake(const struct net_conn *c);
/* What epoll should wait for, and when the timer is wanted. */
uint32_t conn_events(const struct net_conn *c);
int64_t conn_next_timer(const struct net_conn *c);

/* conn_io.c. It cannot be used any more. */
void conn_fail(struct net_conn *c);
/* Octets that wait to be sent. */
size_t conn_unsent(const struct net_conn *c);
/* Sends what goes without waiting. */
void conn_flush(struct net_conn *c);
/* Reads once; true: there is something new for the protocol. */
bool conn_fill(struct net_conn *c);

/* proxy_conn.c */
bool proxy_is_trusted(const struct net_conn *c);
/* Notes that the peer is one that hands on requests of others. */
void proxy_note_forwarder(struct net_conn *c);
/* CONN_PROXY. False: nothing more to do now. */
bool proxy_step(struct net_conn *c);
void proxy_failed(struct net_conn *c, const char *why);

/* pool.c */
enum pst_rc pool_start(struct net *n, struct pst_error *err);
void pool_stop(struct net *n);

/* timers.c */
enum pst_rc timers_start(struct net *n, struct pst_error *err);
void timers_stop(struct net *n);
/* Sees to it that the slot's `next` is met. The slot is locked. */
void timers_want(struct net *n, struct net_slot *s, uint32_t index);
void timers_forget(struct net *n, struct net_slot *s);

/* listener.c */
void *listener_main(void *net);
void listener_close(struct net *n);

/* tls_conn.c: one connection's TLS. All but tls_conn_free return < 0 for an
 * error, TLS_AGAIN for "not now". */
enum { TLS_AGAIN = -2 };
struct tls_conn *tls_conn_new(struct tls_context *t, int fd, const char *alpn);
void tls_conn_free(struct tls_conn **t);
int tls_conn_handshake(struct tls_conn *t);
bool tls_conn_wants_write(const struct tls_conn *t);
ssize_t tls_conn_read(struct tls_conn *t, void *p, size_t n);
ssize_t tls_conn_write(struct tls_conn *t, const void *p, size_t n);
bool tls_conn_pending(const struct tls_conn *t); /* decrypted octets wait */
void tls_conn_bye(struct tls_conn *t);
const char *tls_conn_info(const struct tls_conn *t);
const char *tls_conn_error(const struct tls_conn *t);
bool tls_conn_exporter(const struct tls_conn *t, unsigned char out[32]);

/* tls.c */
struct tls_certs;
struct tls_certs *tls_certs_take(struct tls_context *t);
void tls_certs_drop(struct tls_certs **c);
/* The credentials for a server name (NULL: none was named); NULL when there is
 * no certificate at all. */
gnutls_certificate_credentials_t tls_certs_choose(
    const struct tls_certs *c, const char *name);
gnutls_priority_t tls_certs_priority(const struct tls_certs *c);
const gnutls_datum_t *tls_ticket_key(const struct tls_context *t);

/* trace.c: trace_begin() at the start of a turn, trace_refresh() in it. */
void trace_begin(struct net_conn *c);
void trace_refresh(struct net_conn *c);
void trace_server(struct net_conn *c, struct pst_str sent);

#endif
