/*
 * jmap/webpush.h - what makes a message for a push service (RFC 8030): its
 * encryption for the client (RFC 8291) and who sends it (VAPID, RFC 8292).
 *
 * Threads: from any thread.
 */
#ifndef JMAP_WEBPUSH_H
#define JMAP_WEBPUSH_H

#include "base/mem.h"

enum {
	WEBPUSH_POINT = 65, /* octets of a public key, uncompressed */
	WEBPUSH_SCALAR = 32,
	WEBPUSH_AUTH = 16,
	WEBPUSH_SALT = 16,
	WEBPUSH_TEXT = 3993, /* that every push service takes (8291, 4) */
};

/* A client's keys. */
struct webpush_keys {
	unsigned char point[WEBPUSH_POINT];
	unsigned char auth[WEBPUSH_AUTH];
};
/* In the alphabet for URLs. False: they are none. */
bool webpush_keys_read(
    struct pst_str p256dh, struct pst_str auth, struct webpush_keys *out);

/* The body of a request, for Content-Encoding: aes128gcm. False: it is too
 * long, or the library cannot do it. */
bool webpush_encrypt(
    const struct webpush_keys *to, struct pst_str text, struct buf *out);
/* The same with what is by chance otherwise, for tests. */
bool webpush_encrypt_with(const struct webpush_keys *to,
    const unsigned char sender[WEBPUSH_SCALAR],
    const unsigned char salt[WEBPUSH_SALT], struct pst_str text,
    struct buf *out);

/* The server's key, kept in a file that is made when there is none. NULL:
 * `err`. */
struct vapid;
struct vapid *vapid_open(
    const char *dir, const char *name, struct pst_error *err);
void vapid_free(struct vapid **v);
/* As clients want it (RFC 9749: applicationServerKey). */
const char *vapid_public(const struct vapid *v);
/* "vapid t=..., k=..." for the server of `url`, good for some hours from `now`
 * on (seconds since 1970); `contact`: "mailto:..." */
bool vapid_authorization(const struct vapid *v, const char *url,
    const char *contact, int64_t now, struct buf *out);

#endif
