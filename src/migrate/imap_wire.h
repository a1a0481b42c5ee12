/*
 * migrate/imap_wire.h - a connection to another IMAP server, over TLS unless it
 * is on this machine.
 *
 * Every wait is bounded, and so is what a server may say at once.
 *
 * Threads: a connection belongs to one thread at a time.
 */
#ifndef MIGRATE_IMAP_WIRE_H
#define MIGRATE_IMAP_WIRE_H

#include "migrate/imap_text.h"
#include "migrate/source.h"

/* Whom to believe that it is the server. */
struct imap_trust {
	const char *ca_file; /* NULL: the system's certificates */
	/* SHA-256 of the server's certificate, in capital hexadecimal; then
	 * nothing else counts. "": none. */
	char pin[65];
};
/* "sha256:HEX" (colons between octets may be there) or a file's path. */
enum pst_rc imap_trust_parse(
    const char *text, struct imap_trust *trust_r, struct pst_error *err);

#define IMAP_NO_MESSAGE UINT64_MAX

struct imap_wire;

enum pst_rc imap_wire_open(const struct imap_url *url,
    const struct imap_trust *trust, struct imap_wire **w_r,
    struct pst_error *err);
void imap_wire_close(struct imap_wire **w);
/* After the server agreed to STARTTLS. */
enum pst_rc imap_wire_start_tls(struct imap_wire *w, struct pst_error *err);
bool imap_wire_has_tls(const struct imap_wire *w);
/* The peer is this machine: nobody listens in between. */
bool imap_wire_is_local(const struct imap_wire *w);

enum pst_rc imap_wire_send(
    struct imap_wire *w, struct pst_str text, struct pst_error *err);
/*
 * The next response, as imap_text.h wants it; valid until the next call. Where
 * a FETCH response has a message as a literal, it ends with "{size}":
 * *message_r is its size (else IMAP_NO_MESSAGE), whose octets
 * imap_wire_message() takes, and then the rest of the response is the next one.
 */
enum pst_rc imap_wire_response(struct imap_wire *w, struct pst_str *line_r,
    uint64_t *message_r, struct pst_error *err);
/* `write` NULL: passes over it. Its failures are told by *write_rc_r. */
enum pst_rc imap_wire_message(struct imap_wire *w, uint64_t size,
    mig_write_fn write, void *arg, enum pst_rc *write_rc_r,
    struct pst_error *err);

#endif
