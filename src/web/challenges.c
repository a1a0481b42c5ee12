/*
 * web/challenges.c - see challenges.h. Eight octets say until when, sixteen are
 * random, sixteen are the signature.
 */
#include "web/challenges.h"

#include "base/clock.h"
#include "base/codec.h"
#include "base/str.h"
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <pthread.h>

enum {
	UNTIL = 8,
	RANDOM = 16,
	SIGNATURE = 16,
	KEY = 32,
	MAC = 32,
	USED = 8192,
};

struct used {
	unsigned char signature[SIGNATURE];
	int64_t until; /* clock_seconds(); 0: free */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards all below */
static unsigned char key[KEY];
static bool has_key;
static struct used used[USED];

/* Of the purpose, the user and the first octets; false: no hash. */
static bool
sign(enum challenge_purpose purpose, const char *user,
    const unsigned char octets[UNTIL + RANDOM], unsigned char mac_r[MAC])
{
	unsigned char all[1 + UNTIL + RANDOM + 321];
	size_t n = strlen(user);
	bool good;

	if (n > 320)
		return false;
	all[0] = (unsigned char)purpose;
	memcpy(all + 1, octets, UNTIL + RANDOM);
	memcpy(all + 1 + UNTIL + RANDOM, user, n);
	(void)pthread_mutex_lock(&lock);
	if (!has_key)
		random_bytes(key, sizeof(key));
	has_key = true;
	good = gnutls_hmac_fast(GNUTLS_MAC_SHA256, key, sizeof(key), all,
		   1 + UNTIL + RANDOM + n, mac_r) >= 0;
	(void)pthread_mutex_unlock(&lock);
	return good;
}

static int64_t
until_of(const unsigned char *octets)
{
	uint64_t n = 0;

	for (size_t i = 0; i < UNTIL; i++)
		n = n << 8 | octets[i];
	return (int64_t)n;
}

void
challenge_make(enum challenge_purpose purpose, const char *user,
    char text_r[CHALLENGE_TEXT])
{
	unsigned char octets[CHALLENGE_OCTETS], mac[MAC];
	uint64_t until = (uint64_t)(clock_seconds() + CHALLENGE_LIFE);
	struct buf text;

	for (size_t i = 0; i < UNTIL; i++)
		octets[i] = (unsigned char)(until >> (56 - 8 * i));
	random_bytes(octets + UNTIL, RANDOM);
	/* Without a signature it is good for nothing. */
	if (!sign(purpose, user, octets, mac))
		random_bytes(mac, sizeof(mac));
	memcpy(octets + UNTIL + RANDOM, mac, SIGNATURE);
	buf_init(&text, 2 * CHALLENGE_TEXT);
	(void)base64url_encode(
	    str_n((const char *)octets, sizeof(octets)), &text);
	(void)str_copy(text_r, CHALLENGE_TEXT, buf_str(&text));
	buf_fini(&text);
}

bool
challenge_is_ours(enum challenge_purpose purpose, const char *user,
    const unsigned char *octets, size_t n)
{
	unsigned char mac[MAC];

	return n == CHALLENGE_OCTETS && sign(purpose, user, octets, mac) &&
	       gnutls_memcmp(mac, octets + UNTIL + RANDOM, SIGNATURE) == 0 &&
	       until_of(octets) > clock_seconds();
}

bool
challenge_use(const unsigned char *octets, size_t n)
{
	const unsigned char *signature = octets + UNTIL + RANDOM;
	struct used *to = NULL;
	int64_t now = clock_seconds();
	bool fresh = n == CHALLENGE_OCTETS;

	if (!fresh)
		return false;
	(void)pthread_mutex_lock(&lock);
	for (size_t i = 0; i < USED; i++) {
		if (used[i].until <= now)
			to = &used[i];
		else if (memcmp(used[i].signature, signature, SIGNATURE) == 0)
			fresh = false;
	}
	/* A full table: thousands of logins within minutes. */
	if (to == NULL)
		fresh = false;
	if (fresh) {
		memcpy(to->signature, signature, SIGNATURE);
		to->until = until_of(octets);
	}
	(void)pthread_mutex_unlock(&lock);
	return fresh;
}
