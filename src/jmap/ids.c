/*
 * jmap/ids.c - ids (RFC 8620, 1.2) that are made of something.
 */
#include "jmap/call.h"

#include "base/codec.h"
#include "base/str.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

enum { ID_OCTETS = 15 }; /* of the digest: 20 characters */

void
jmap_make_id(const char *prefix, struct pst_str text, char id_r[JMAP_ID])
{
	unsigned char digest[32] = { 0 };
	struct buf b;

	(void)gnutls_hash_fast(
	    GNUTLS_DIG_SHA256, text.p != NULL ? text.p : "", text.n, digest);
	buf_init(&b, JMAP_ID);
	(void)buf_puts(&b, prefix);
	(void)base64_encode(str_n((char *)digest, ID_OCTETS), &b);
	for (size_t i = 0; i < b.n; i++)
		if (b.p[i] == '+' || b.p[i] == '/')
			b.p[i] = b.p[i] == '+' ? '-' : '_';
	(void)str_copy(id_r, JMAP_ID, buf_str(&b));
	buf_fini(&b);
}
