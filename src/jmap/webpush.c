/*
 * jmap/webpush.c - encryption for a client (RFC 8291): a key of one message,
 * agreed on by ECDH with the client's, for AES-128-GCM in the form of RFC 8188.
 *
 * GnuTLS has no ECDH of its own to be called; nettle, which it stands on, has.
 */
#include "jmap/webpush.h"

#include "base/clock.h"
#include "base/codec.h"
#include "base/str.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <nettle/bignum.h>
#include <nettle/ecc-curve.h>
#include <nettle/ecc.h>

enum {
	RECORD = 4096,
	HASH = 32,
	KEY = 16,
	NONCE = 12,
	TAG = 16,
	UNCOMPRESSED = 4,
	LAST_RECORD = 2,
};

/* --- P-256 -----------------------------------------------------------------
 */

static void
random_octets(void *arg, size_t n, uint8_t *to)
{
	(void)arg;
	random_bytes(to, n);
}

/* False: it is not on the curve. */
static bool
read_point(const unsigned char octets[WEBPUSH_POINT], struct ecc_point *p)
{
	mpz_t x, y;
	bool ok;

	nettle_mpz_init_set_str_256_u(x, WEBPUSH_SCALAR, octets + 1);
	nettle_mpz_init_set_str_256_u(
	    y, WEBPUSH_SCALAR, octets + 1 + WEBPUSH_SCALAR);
	ok = octets[0] == UNCOMPRESSED && ecc_point_set(p, x, y) == 1;
	mpz_clear(x);
	mpz_clear(y);
	return ok;
}

static void
write_point(const struct ecc_point *p, unsigned char octets[WEBPUSH_POINT])
{
	mpz_t x, y;

	mpz_init(x);
	mpz_init(y);
	ecc_point_get(p, x, y);
	octets[0] = UNCOMPRESSED;
	nettle_mpz_get_str_256(WEBPUSH_SCALAR, octets + 1, x);
	nettle_mpz_get_str_256(WEBPUSH_SCALAR, octets + 1 + WEBPUSH_SCALAR, y);
	mpz_clear(x);
	mpz_clear(y);
}

/* Our public key, and what both sides have in common. */
static bool
agree(const struct ecc_scalar *own, const struct webpush_keys *to,
    unsigned char public_r[WEBPUSH_POINT],
    unsigned char secret_r[WEBPUSH_SCALAR])
{
	unsigned char octets[WEBPUSH_POINT];
	struct ecc_point theirs, result;
	bool ok;

	ecc_point_init(&theirs, nettle_get_secp_256r1());
	ecc_point_init(&result, nettle_get_secp_256r1());
	ok = read_point(to->point, &theirs);
	if (ok) {
		ecc_point_mul_g(&result, own);
		write_point(&result, public_r);
		ecc_point_mul(&result, own, &theirs);
		write_point(&result, octets);
		memcpy(secret_r, octets + 1, WEBPUSH_SCALAR);
		explicit_bzero(octets, sizeof(octets));
	}
	ecc_point_clear(&theirs);
	ecc_point_clear(&result);
	return ok;
}

bool
webpush_keys_read(
    struct pst_str p256dh, struct pst_str auth, struct webpush_keys *out)
{
	struct ecc_point p;
	struct buf point, secret;
	bool ok;

	buf_init(&point, WEBPUSH_POINT);
	buf_init(&secret, WEBPUSH_AUTH);
	ok = base64url_decode(p256dh, &point) && point.n == WEBPUSH_POINT &&
	     base64url_decode(auth, &secret) && secret.n == WEBPUSH_AUTH;
	if (ok) {
		memcpy(out->point, point.p, WEBPUSH_POINT);
		memcpy(out->auth, secret.p, WEBPUSH_AUTH);
		ecc_point_init(&p, nettle_get_secp_256r1());
		ok = read_point(out->point, &p);
		ecc_point_clear(&p);
	}
	buf_fini(&point);
	buf_fini(&secret);
	return ok;
}

/* --- keys ------------------------------------------------------------------
 */

static bool
extract(const void *salt, unsigned salt_n, const unsigned char secret[HASH],
    unsigned char out[HASH])
{
	const gnutls_datum_t key = { (unsigned char *)(uintptr_t)secret, HASH };
	const gnutls_datum_t with = { (unsigned char *)(uintptr_t)salt,
		salt_n };

	return gnutls_hkdf_extract(GNUTLS_MAC_SHA256, &key, &with, out) == 0;
}

static bool
expand(const unsigned char from[HASH], const void *info, size_t info_n,
    unsigned char *out, size_t n)
{
	const gnutls_datum_t key = { (unsigned char *)(uintptr_t)from, HASH };
	const gnutls_datum_t about = { (unsigned char *)(uintptr_t)info,
		(unsigned)info_n };

	return gnutls_hkdf_expand(GNUTLS_MAC_SHA256, &key, &about, out, n) == 0;
}

/* 3.4. */
static bool
derive(const struct webpush_keys *to, const unsigned char public[WEBPUSH_POINT],
    const unsigned char secret[WEBPUSH_SCALAR],
    const unsigned char salt[WEBPUSH_SALT], unsigned char key[KEY],
    unsigned char nonce[NONCE])
{
	static const char for_key[] = "Content-Encoding: aes128gcm";
	static const char for_nonce[] = "Content-Encoding: nonce";
	static const char what[] = "WebPush: info";
	unsigned char info[sizeof(what) + 2 * WEBPUSH_POINT];
	unsigned char first[HASH], second[HASH];
	bool ok;

	memcpy(info, what, sizeof(what)); /* with its NUL, like the others */
	memcpy(info + sizeof(what), to->point, WEBPUSH_POINT);
	memcpy(info + sizeof(what) + WEBPUSH_POINT, public, WEBPUSH_POINT);
	ok = extract(to->auth, WEBPUSH_AUTH, secret, first) &&
	     expand(first, info, sizeof(info), second, HASH) &&
	     extract(salt, WEBPUSH_SALT, second, first) &&
	     expand(first, for_key, sizeof(for_key), key, KEY) &&
	     expand(first, for_nonce, sizeof(for_nonce), nonce, NONCE);
	explicit_bzero(first, sizeof(first));
	explicit_bzero(second, sizeof(second));
	return ok;
}

/* --- the message -----------------------------------------------------------
 */

static bool
seal(const unsigned char key[KEY], const unsigned char nonce[NONCE],
    struct pst_str text, struct buf *out)
{
	const gnutls_datum_t with = { (unsigned char *)(uintptr_t)key, KEY };
	gnutls_aead_cipher_hd_t cipher;
	size_t n = text.n + 1 + TAG;
	char *to = buf_reserve(out, n);
	struct buf plain;
	bool ok;

	if (to == NULL || gnutls_aead_cipher_init(
			      &cipher, GNUTLS_CIPHER_AES_128_GCM, &with) != 0)
		return false;
	buf_init(&plain, text.n + 1);
	(void)buf_add_str(&plain, text);
	(void)buf_putc(&plain, LAST_RECORD);
	ok = gnutls_aead_cipher_encrypt(cipher, nonce, NONCE, NULL, 0, TAG,
		 plain.p, plain.n, to, &n) == 0;
	gnutls_aead_cipher_deinit(cipher);
	buf_fini(&plain);
	if (ok)
		buf_added(out, n);
	return ok;
}

/* RFC 8188, 2.1: salt, size of records, our public key as the key's id. */
static bool
put_header(struct buf *out, const unsigned char salt[WEBPUSH_SALT],
    const unsigned char public[WEBPUSH_POINT])
{
	const char sizes[] = { 0, 0, (char)(RECORD >> 8), 0, WEBPUSH_POINT };

	return buf_add(out, salt, WEBPUSH_SALT) &&
	       buf_add(out, sizes, sizeof(sizes)) &&
	       buf_add(out, public, WEBPUSH_POINT);
}

static bool
encrypt(const struct webpush_keys *to, const struct ecc_scalar *own,
    const unsigned char salt[WEBPUSH_SALT], struct pst_str text,
    struct buf *out)
{
	unsigned char public[WEBPUSH_POINT], secret[WEBPUSH_SCALAR];
	unsigned char key[KEY], nonce[NONCE];
	bool ok;

	ok = text.n <= WEBPUSH_TEXT && agree(own, to, public, secret) &&
	     derive(to, public, secret, salt, key, nonce) &&
	     put_header(out, salt, public) && seal(key, nonce, text, out);
	explicit_bzero(secret, sizeof(secret));
	explicit_bzero(key, sizeof(key));
	return ok;
}

bool
webpush_encrypt_with(const struct webpush_keys *to,
    const unsigned char sender[WEBPUSH_SCALAR],
    const unsigned char salt[WEBPUSH_SALT], struct pst_str text,
    struct buf *out)
{
	struct ecc_scalar own;
	mpz_t k;
	bool ok;

	nettle_mpz_init_set_str_256_u(k, WEBPUSH_SCALAR, sender);
	ecc_scalar_init(&own, nettle_get_secp_256r1());
	ok = ecc_scalar_set(&own, k) == 1 && encrypt(to, &own, salt, text, out);
	ecc_scalar_clear(&own);
	mpz_clear(k);
	return ok;
}

bool
webpush_encrypt(
    const struct webpush_keys *to, struct pst_str text, struct buf *out)
{
	unsigned char salt[WEBPUSH_SALT];
	struct ecc_scalar own;
	bool ok;

	random_bytes(salt, sizeof(salt));
	ecc_scalar_init(&own, nettle_get_secp_256r1());
	ecc_scalar_random(&own, NULL, random_octets);
	ok = encrypt(to, &own, salt, text, out);
	ecc_scalar_clear(&own);
	return ok;
}
