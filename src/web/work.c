/*
 * web/work.c - see work.h. "BITS.EXPIRES.RANDOM.SIGNATURE"
 */
#include "web/work.h"

#include "base/clock.h"
#include "base/codec.h"
#include "base/str.h"
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <inttypes.h>
#include <pthread.h>

enum { KEY = 32, MAC = 32, USED = 4096, NUMBER_MOST = 20 };

struct used {
	unsigned char mac[MAC];
	int64_t until; /* clock_seconds() */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards `used` */
static struct used used[USED];

static enum pst_rc
sign(struct accounts *a, const char *text, size_t n, unsigned char mac_r[MAC],
    struct pst_error *err)
{
	unsigned char key[KEY];
	enum pst_rc rc = account_key(a, "proof of work", key, err);

	if (rc == PST_OK && gnutls_hmac_fast(GNUTLS_MAC_SHA256, key,
				sizeof(key), text, n, mac_r) < 0)
		rc = pst_fail(err, PST_E_TEMP, 0, "no hash");
	explicit_bzero(key, sizeof(key));
	return rc;
}

enum pst_rc
work_make(struct accounts *a, int64_t bits, char challenge_r[WORK_CHALLENGE],
    struct pst_error *err)
{
	unsigned char octets[8], mac[MAC];
	char random[17], signature[2 * MAC + 1];
	enum pst_rc rc;
	int n;

	random_bytes(octets, sizeof(octets));
	hex_encode(octets, sizeof(octets), random);
	n = snprintf(challenge_r, WORK_CHALLENGE, "%" PRId64 ".%" PRId64 ".%s",
	    bits, clock_seconds() + WORK_LIFE, random);
	rc = sign(a, challenge_r, (size_t)n, mac, err);
	if (rc != PST_OK)
		return rc;
	hex_encode(mac, sizeof(mac), signature);
	(void)snprintf(
	    challenge_r + n, WORK_CHALLENGE - (size_t)n, ".%s", signature);
	return PST_OK;
}

/* Ours and not too old: its signature, and until when it is good. */
static bool
check(struct accounts *a, const char *challenge, uint64_t *bits_r,
    uint64_t *until_r, unsigned char mac_r[MAC])
{
	struct pst_str rest = str_of(challenge), part;
	char signature[2 * MAC + 1];
	struct pst_error err = { 0 };
	size_t signed_n;

	if (strlen(challenge) >= WORK_CHALLENGE ||
	    !str_split(&rest, '.', &part) || !str_to_u64(part, bits_r) ||
	    !str_split(&rest, '.', &part) || !str_to_u64(part, until_r) ||
	    !str_split(&rest, '.', &part) || rest.n != 2 * MAC)
		return false;
	signed_n = strlen(challenge) - rest.n - 1;
	if (sign(a, challenge, signed_n, mac_r, &err) != PST_OK)
		return false;
	hex_encode(mac_r, MAC, signature);
	return gnutls_memcmp(signature, rest.p, rest.n) == 0 &&
	       *until_r > (uint64_t)clock_seconds();
}

static bool
is_used(const unsigned char mac[MAC])
{
	bool found = false;

	(void)pthread_mutex_lock(&lock);
	for (size_t i = 0; i < USED; i++)
		if (used[i].until != 0 && memcmp(used[i].mac, mac, MAC) == 0)
			found = true;
	(void)pthread_mutex_unlock(&lock);
	return found;
}

static bool
has_zeroes(const unsigned char *digest, uint64_t bits)
{
	for (uint64_t i = 0; i < bits; i++)
		if ((digest[i / 8] & (0x80 >> i % 8)) != 0)
			return false;
	return true;
}

bool
work_is_done(
    struct accounts *a, int64_t bits, const char *challenge, const char *number)
{
	char text[WORK_CHALLENGE + NUMBER_MOST + 2];
	unsigned char mac[MAC], digest[32];
	uint64_t made_with, until;
	int n;

	if (strlen(number) > NUMBER_MOST ||
	    !check(a, challenge, &made_with, &until, mac) ||
	    made_with != (uint64_t)bits || bits > 256)
		return false;
	n = snprintf(text, sizeof(text), "%s:%s", challenge, number);
	return gnutls_hash_fast(GNUTLS_DIG_SHA256, text, (size_t)n, digest) >=
		   0 &&
	       has_zeroes(digest, made_with) && !is_used(mac);
}

bool
work_use(struct accounts *a, const char *challenge)
{
	unsigned char mac[MAC];
	uint64_t bits, until;
	struct used *to = NULL;
	int64_t now = clock_seconds();
	bool fresh = true;

	if (!check(a, challenge, &bits, &until, mac))
		return false;
	(void)pthread_mutex_lock(&lock);
	for (size_t i = 0; i < USED; i++) {
		if (used[i].until <= now)
			to = &used[i];
		else if (memcmp(used[i].mac, mac, MAC) == 0)
			fresh = false;
	}
	/* A full table: thousands within half an hour. */
	if (to == NULL)
		fresh = false;
	if (fresh) {
		memcpy(to->mac, mac, MAC);
		to->until = (int64_t)until;
	}
	(void)pthread_mutex_unlock(&lock);
	return fresh;
}
