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
struct wire_sessions; /* wire_sessions.h */

struct wire_address {
	struct sockaddr_storage sa;
	socklen_t n;
};

/* "192.0.2.1", "2001:db8::1" */
void wire_address_print(const struct wire_address *a, char text[64]);
bool wire_address_parse(const char *text, int port, struct wire_address *a_r);
bool wire_address_is_loopback(const struct wire_address *a);

/*
 * Connects to the first address that answers: they are tried in their order,
 * one every `stagger` milliseconds (RFC 8305, 5), until `seconds` are over.
 * One of `source`, of the address's family, is bound; with none of it the
 * address is not for us to reach, with none at all any will do. When `stop_fd`
 * (or -1) becomes readable, this and all that waits for the wire later is
 * broken off. *which_r: the one that is connected. TEMP: none of them; the
 * detail tells of the last.
 */
enum pst_rc wire_connect(const struct wire_address *a, size_t n,
    const struct wire_address *source, size_t sources, int stop_fd,
    int64_t stagger, int64_t seconds, struct wire **w_r, size_t *which_r,
    struct pst_error *err);
void wire_close(struct wire **w);

/* For channel binding: tls-exporter (RFC 9266). False: no TLS, or an old one
 * in which it would not be safe. */
bool wire_exporter(const struct wire *w, unsigned char out[32]);

/* Authorities that certificates are checked against. From any thread. */
struct wire_authorities;
/* Of a file with PEM; "": those of the system. Read when first needed. */
struct wire_authorities *wire_authorities_new(const char *path);
struct wire_authorities *wire_authorities_ref(struct wire_authorities *a);
void wire_authorities_unref(struct wire_authorities **a);

/* How a certificate is checked. */
enum wire_trust {
	WIRE_ANY,  /* not at all: anything is better than plain text */
	WIRE_PKIX, /* by `authorities`, for one of `names` */
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
	struct wire_authorities *authorities; /* for PKIX */
	bool is_trial; /* what is wrong is only noted: wire_flaw() */
	/* Where sessions are remembered, or NULL; it outlives the wire. What
	 * the policy asks of certificates is asked of resumed ones, too. */
	struct wire_sessions *sessions;
};

/* What is wrong with the other side's certificate. */
enum wire_flaw {
	WIRE_FINE,
	WIRE_EXPIRED,
	WIRE_OTHER_NAME,
	WIRE_UNKNOWN_ISSUER,
	WIRE_NO_TLSA, /* no TLSA record is of it */
	WIRE_INVALID, /* anything else */
};

/*
 * Goes over to TLS. DENIED: the certificate is not what the policy wants; TEMP:
 * the handshake failed. Then the wire is of no more use.
 */
enum pst_rc wire_start_tls(struct wire *w, const struct wire_policy *policy,
    int64_t seconds, struct pst_error *err);
/* Our own address of the connection. */
void wire_local(const struct wire *w, char text[64]);
enum wire_flaw wire_flaw(const struct wire *w);
bool wire_is_tls(const struct wire *w);
/* "TLS1.3 TLS_AES_256_GCM_SHA384", " resumed" behind it, or "" */
const char *wire_tls_info(const struct wire *w);

/* Adds to what is to be sent; sends when much is gathered. */
enum pst_rc wire_write(struct wire *w, const void *p, size_t n, int64_t seconds,
    struct pst_error *err);
enum pst_rc wire_flush(struct wire *w, int64_t seconds, struct pst_error *err);
/* Some octets that have come, at least one, valid until the next call, not used
 * up. TEMP: closed, or `until` (clock_monotonic()) is over: that can be the end
 * of the time for all that belongs together, however many pieces it comes in.
 */
enum pst_rc wire_peek(struct wire *w, int64_t until, const char **p_r,
    size_t *n_r, struct pst_error *err);
void wire_consume(struct wire *w, size_t n);
/* It is still open, and nothing unexpected has come. Does not wait. */
bool wire_is_quiet(struct wire *w);

#endif
