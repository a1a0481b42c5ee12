/*
 * exchange/wire_sessions.h - what connections to other servers remember: TLS
 * sessions, to be taken up again without a full handshake (RFC 8446, 2.2; RFC
 * 5077), and whether IPv6 or IPv4 answered first.
 *
 * Of a bounded number of servers; new ones take the places of old ones.
 *
 * Threads: from any thread.
 */
#ifndef EXCHANGE_WIRE_SESSIONS_H
#define EXCHANGE_WIRE_SESSIONS_H

#include "exchange/wire.h"

struct wire_sessions;

struct wire_sessions *wire_sessions_new(void);
void wire_sessions_free(struct wire_sessions **s);

/* `key`: a server, and all that a session depends on. A session is used once:
 * each connection gets a new ticket, and nobody can tell that two belong
 * together (RFC 8446, C.4). The caller frees it; false: there is none. */
bool wire_sessions_take(
    struct wire_sessions *s, const char *key, void **data_r, size_t *n_r);
/* `data` is copied. */
void wire_sessions_put(
    struct wire_sessions *s, const char *key, const void *data, size_t n);

/* The server's addresses in their order, but those of the family that answered
 * last time come first. */
void wire_sessions_order(struct wire_sessions *s, const char *host,
    struct wire_address *a, size_t n);
void wire_sessions_answered(
    struct wire_sessions *s, const char *host, const struct wire_address *a);

#endif
