/*
 * guard/client_priv.h - a client, as the files that make it see it.
 */
#ifndef GUARD_CLIENT_PRIV_H
#define GUARD_CLIENT_PRIV_H

#include "guard/client.h"
#include <stdatomic.h>

enum { GUARD_LIST_TEXT = 200 };

/* An answer of the DNS to one question. */
enum guard_fact { GUARD_NOT_ASKED, GUARD_YES, GUARD_NO, GUARD_FAILED };

enum guard_reverse {
	GUARD_REVERSE_NOT_ASKED,
	GUARD_REVERSE_CONFIRMED, /* `name` has the client's address */
	GUARD_REVERSE_UNCONFIRMED,
	GUARD_REVERSE_MISSING,
	GUARD_REVERSE_FAILED,
};

struct guard_listing {
	enum guard_fact listed;
	bool refused; /* the list does not answer us */
	char text[GUARD_LIST_TEXT];
};

struct guard_client {
	atomic_uint refs;
	atomic_uint pending; /* jobs; at 0 the session has all below */
	struct guard *guard;
	struct config *cfg;
	struct net_handle wake;
	uint64_t conn;
	struct ip_address ip;
	char address[64], local[64];

	/* Each is written by one job. */
	enum guard_reverse reverse;
	char name[256];
	enum guard_fact hello_known;
	bool *provider; /* which have it in their SPF record; or NULL */
	struct guard_listing *list; /* one for each dnslist block, or NULL */

	/* The session's. */
	char *hello;   /* that `hello_known` is of */
	char *decided; /* that the verdict is for, or NULL */
	bool early;
	struct guard_verdict verdict;
};

/* client_checks.c: each starts jobs that count in `pending`. */
void guard_check_client(struct guard_client *c);
void guard_check_hello(struct guard_client *c);
/* client_verdict.c */
void guard_decide(struct guard_client *c, const char *hello);

#endif
