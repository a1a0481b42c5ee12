/*
 * exchange/wire.h - a connection to another server, with a time limit on all
 * that it does.
 *
 * Threads: a wire belongs to one thread at a time, which blocks.
 */
#ifndef EXCHANGE_WIRE_H
#define EXCHANGE_WIRE_H

#include <postern/types.h>
#include <sys/socket.h>

struct wire;

struct wire_address {
	struct sockaddr_storage sa;
	socklen_t n;
};

/* "192.0.2.1", "2001:db8::1" */
void wire_address_print(const struct wire_address *a, char text[64]);

/*
 * Connects to the first address that answers: they are tried in their order,
 * one every `stagger` milliseconds (RFC 8305, 5), until `seconds` are over.
 * `source` (or NULL) is bound for addresses of its family. When `stop_fd` (or
 * -1) becomes readable, this and all that waits for the wire later is broken
 * off. *which_r: the one that is connected. TEMP: none of them; the detail
 * tells of the last.
 */
enum pst_rc wire_connect(const struct wire_address *a, size_t n,
    const struct wire_address *source, int stop_fd, int64_t stagger,
    int64_t seconds, struct wire **w_r, size_t *which_r, struct pst_error *err);
void wire_close(struct wire **w);

/* How a certificate is checked. */
enum wire_trust {
	WIRE_ANY,  /* not at all: anything is better than plain text */
	WIRE_PKIX, /* by the system's authorities, for one of `names` */
	WIRE_DANE, /* by TLSA records (RFC 7672), for one of `names` */
};

/* A TLSA record (RFC 6698, 2.1). */
struct wire_tlsa {
	struct pst_str data; /* usage, selector, type, and the association */
};

struct wire_policy {
	enum wire_trust trust;
	const char *host;	  /* for SNI; NULL: none */
	const char *const *names; /* that the certificate may be for */
	size_t name_count;
	const struct wire_tlsa *tlsa;
	size_t tlsa_count;
};

/*
 * Goes over to TLS. DENIED: the certificate is not what the policy wants; TEMP:
 * the handshake failed. Then the wire is of no more use.
 */
enum pst_rc wire_start_tls(struct wire *w, const struct wire_policy *policy,
    int64_t seconds, struct pst_error *err);
bool wire_is_tls(const struct wire *w);
/* "TLS1.3 TLS_AES_256_GCM_SHA384", or "" */
const char *wire_tls_info(const struct wire *w);

/* Adds to what is to be sent; sends when much is gathered. */
enum pst_rc wire_write(struct wire *w, const void *p, size_t n, int64_t seconds,
    struct pst_error *err);
enum pst_rc wire_flush(struct wire *w, int64_t seconds, struct pst_error *err);
/* Some octets that have come, at least one, valid until the next call, not used
 * up. TEMP: closed, or the time is over. */
enum pst_rc wire_peek(struct wire *w, int64_t seconds, const char **p_r,
    size_t *n_r, struct pst_error *err);
void wire_consume(struct wire *w, size_t n);
/* It is still open, and nothing unexpected has come. Does not wait. */
bool wire_is_quiet(struct wire *w);

#endif
