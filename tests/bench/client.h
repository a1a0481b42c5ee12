/*
 * client.h - connections to a server under load: one epoll set, one thread,
 * plain or TLS, lines with IMAP's literals.
 */
#ifndef TESTS_BENCH_CLIENT_H
#define TESTS_BENCH_CLIENT_H

#include "base/mem.h"
#include <gnutls/gnutls.h>

struct client {
	int fd;	       /* -1: closed */
	bool literals; /* "{n}" at the end of a line: n octets belong to it */
	bool shaking, wants_write;
	gnutls_session_t tls; /* NULL: plain */
	struct buf in, out;
	size_t seen; /* of `in`: has no end of a response before here */
	/* One response with its CRLF; `text` is gone afterwards. May send and
	 * may close. */
	void (*on_response)(struct client *c, struct pst_str text);
	/* The other end has closed, or the connection broke. */
	void (*on_closed)(struct client *c);
	void *ctx;
};

/* Connects to bench.host; answers come from client_wait() on. */
void client_open(struct client *c, int port, bool tls);
void client_close(struct client *c);
void client_fini(struct client *c); /* gives its memory back */
void client_send(struct client *c, struct pst_str text);
void client_printf(struct client *c, const char *fmt, ...) PST_PRINTF(2, 3);
/* Gives back the buffers of a connection that will be quiet for a while. */
void client_shrink(struct client *c);

/*
 * Serves all connections until `*flag`, or until `ms` have passed without a
 * single octet; false then. `flag` NULL: until `ms` have passed in all.
 */
bool client_wait(const bool *flag, int ms);

#endif
