/*
 * exchange/pool.h - open connections that wait for the next message to the same
 * provider. They are handed to whoever has one. So what a connection was made
 * with (relay, password, addresses, demands on TLS) has to be in the provider's
 * key, or to be looked at when it is taken.
 *
 * Threads: from any thread.
 */
#ifndef EXCHANGE_POOL_H
#define EXCHANGE_POOL_H

#include "exchange/client.h"

struct pool;

/* How the server has shown who it is. */
enum link_proof {
	LINK_UNPROVEN,
	LINK_NAMED, /* by a certificate for a name that was configured */
	LINK_HOST,  /* for its own name */
	LINK_DANE,  /* by TLSA records */
};

/* A connection that may serve for the next job, too. */
struct link {
	struct client *client; /* NULL: none */
	char remote[352];      /* "mx.example.org [192.0.2.1]" */
	enum link_proof proof;
	bool is_lax;	/* made for a message that demands nothing */
	char host[256]; /* the server's name */
	unsigned messages;
	int64_t opened; /* clock_monotonic */
};

struct pool *pool_new(void);
void pool_free(struct pool **p); /* and ends all that are in it */
/* How many there are at most; 0: none. Seconds that each waits. */
void pool_configure(struct pool *p, size_t most, int64_t seconds);

/* The connection is the pool's, `l` is empty then. The one that has waited
 * longest goes when there are too many. */
void pool_put(struct pool *p, const char *provider, struct link *l);
/* The one that was used last, if there is any that is still good. */
bool pool_take(struct pool *p, const char *provider, struct link *l_r);
/* Ends all to this provider, which says that there are too many. */
void pool_drop(struct pool *p, const char *provider);
/* Ends those that have waited for too long. Called each second. */
void pool_tidy(struct pool *p);

#endif
