/*
 * delivery/srs.h - the Sender Rewriting Scheme: a reverse-path of ours in the
 * place of that of another domain, for mail that is forwarded, so that SPF of
 * the next server holds (RFC 7208, appendix D and E) and what bounces finds its
 * way back.
 *
 *	SRS0=HASH=DAY=domain=local@ours		from local@domain
 *	SRS1=HASH=first==HASH=DAY=domain=local@ours
 *						from SRS0=...@first
 *
 * There is no RFC of it; this is the form that all implementations write, so
 * that a chain of forwarders shortens to the first one and the last one. HASH
 * is of whoever writes it: six characters of base 32 here, of HMAC-SHA-256.
 * It and DAY (days since 1970, modulo 1024) are compared without case, since
 * there are servers that change it.
 *
 * Pure.
 */
#ifndef DELIVERY_SRS_H
#define DELIVERY_SRS_H

#include "base/mem.h"

enum {
	SRS_KEY = 32,	   /* octets */
	SRS_KEYS_MAX = 16, /* the present one, and older ones */
	SRS_HASH = 6,	   /* characters */
	SRS_DAYS = 1024,   /* after that they come again */
	SRS_LOCAL_MAX = 128,
};

struct srs {
	unsigned char key[SRS_KEYS_MAX][SRS_KEY]; /* the first one signs */
	size_t keys;
};

enum srs_result {
	SRS_NONE, /* not of this form */
	SRS_GOOD,
	SRS_FORGED,
	SRS_EXPIRED,
};

/* A local part, unquoted, that begins with SRS0 or SRS1. */
bool srs_is(struct pst_str local);

/*
 * Appends the local part, unquoted, that stands for local@domain; `now`:
 * seconds since 1970. False: there is no key, or the parts have what cannot be
 * in it, or it would be longer than SRS_LOCAL_MAX.
 */
bool srs_write(const struct srs *s, struct pst_str local, struct pst_str domain,
    int64_t now, struct buf *out);

/*
 * Finds out whom a local part of ours, unquoted, stands for: `local_r` gets the
 * local part, and *domain_r its domain, within `text`. `age`: days after which
 * an SRS0 is too old; the age of an SRS1 is judged by the first server.
 */
enum srs_result srs_read(const struct srs *s, struct pst_str text, int64_t age,
    int64_t now, struct buf *local_r, struct pst_str *domain_r);

#endif
