/*
 * peer.h - an SMTP server for tests that does what a script says, on loopback,
 * and remembers what it was given.
 */
#ifndef TESTS_UNIT_EXCHANGE_PEER_H
#define TESTS_UNIT_EXCHANGE_PEER_H

#include "base/mem.h"

struct peer;

/* What the server says; NULL: what a good server says. "" closes at once, "-"
 * says nothing for ever, "~250 Ok" says "250 Ok" octet by octet, ten a second,
 * "*250-more" the same line again and again, "#" octets without a line end.
 */
struct peer_script {
	const char *greeting, *ehlo, *helo, *mail, *rcpt, *data, *final;
	/* To BDAT that is not the last one, and to RSET. STARTTLS: whatever is
	 * said, no handshake follows, but what is in `handshake`. */
	const char *chunk, *rset, *starttls, *handshake;
	const char *extensions; /* "PIPELINING SIZE=1000", parted by spaces */
	/* What is said to RCPT of this address instead. */
	const char *special, *special_reply;
	bool drops_after_data; /* takes the message, closes without an answer */
	/* MAIL commands that a connection may have; then 421, and it closes. */
	unsigned most;
};

/* On address `host` ("127.0.0.1") and *port_r, or that port when it is not 0.
 * The script may be changed while it runs, between messages. */
struct peer *peer_start(
    const char *host, const struct peer_script *script, int *port);
void peer_set(struct peer *p, const struct peer_script *script);
void peer_stop(struct peer **p);

/* How many messages it took, and how many connections and at most at once. */
unsigned peer_messages(struct peer *p);
unsigned peer_connections(struct peer *p);
unsigned peer_at_once(struct peer *p);
/* All that was said by clients, commands and contents, one connection behind
 * the other, as one text; the caller frees. */
char *peer_heard(struct peer *p);

#endif
