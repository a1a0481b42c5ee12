/*
 * account/cache.c - good passwords that were seen a short time ago, as keyed
 * hashes in a table of fixed size. The key lives as long as the process and in
 * its memory alone.
 */
#include "account/private.h"

#include "base/clock.h"
#include "base/str.h"
#include <gnutls/gnutls.h>
#include <stdlib.h>

enum { SETS = 1024, WAYS = 8, MAC = 32 };

struct good {
	unsigned char mac[MAC];
	int64_t until; /* clock_monotonic(); 0: free */
};

struct account_cache {
	unsigned char key[32]; /* never changes */
	pthread_mutex_t lock;  /* guards `good` */
	struct good good[SETS][WAYS];
};

struct account_cache *
account_cache_new(void)
{
	struct account_cache *c = mem_alloc(sizeof(*c));

	random_bytes(c->key, sizeof(c->key));
	(void)pthread_mutex_init(&c->lock, NULL);
	return c;
}

void
account_cache_free(struct account_cache **c)
{
	if (*c == NULL)
		return;
	(void)pthread_mutex_destroy(&(*c)->lock);
	gnutls_memset(*c, 0, sizeof(**c));
	free(*c);
	*c = NULL;
}

/* None of the three has a NUL inside, so the ends keep them apart. */
static void
make_mac(struct account_cache *c, const struct account_credentials *who,
    const char *prepared, unsigned char mac[MAC])
{
	char all[ACCOUNT_ADDRESS + CRYPT_OUTPUT_SIZE + ACCOUNT_PASSWORD + 1];
	const char *parts[] = { who->user.address, who->keys.hash, prepared };
	size_t n = 0;

	for (size_t i = 0; i < 3; i++) {
		size_t length = strlen(parts[i]) + 1;

		memcpy(all + n, parts[i], length);
		n += length;
	}
	account_hmac(c->key, all, n, mac);
	gnutls_memset(all, 0, n);
}

static struct good *
set_of(struct account_cache *c, const unsigned char mac[MAC])
{
	return c->good[(mac[0] << 8 | mac[1]) % SETS];
}

bool
account_cache_has(struct account_cache *c,
    const struct account_credentials *who, const char *prepared)
{
	unsigned char mac[MAC];
	int64_t now = clock_monotonic();
	struct good *set;
	bool found = false;

	make_mac(c, who, prepared, mac);
	set = set_of(c, mac);
	(void)pthread_mutex_lock(&c->lock);
	for (size_t i = 0; i < WAYS; i++) {
		if (set[i].until > now &&
		    gnutls_memcmp(set[i].mac, mac, MAC) == 0)
			found = true;
	}
	(void)pthread_mutex_unlock(&c->lock);
	return found;
}

void
account_cache_put(struct account_cache *c,
    const struct account_credentials *who, const char *prepared,
    int64_t seconds)
{
	unsigned char mac[MAC];
	struct good *set, *to;

	if (seconds <= 0)
		return;
	if (seconds > 86400)
		seconds = 86400;
	make_mac(c, who, prepared, mac);
	set = set_of(c, mac);
	(void)pthread_mutex_lock(&c->lock);
	to = &set[0]; /* else the one that ends first */
	for (size_t i = 0; i < WAYS; i++) {
		if (gnutls_memcmp(set[i].mac, mac, MAC) == 0) {
			to = &set[i];
			break;
		}
		if (set[i].until < to->until)
			to = &set[i];
	}
	memcpy(to->mac, mac, MAC);
	to->until = clock_monotonic() + seconds * 1000000;
	(void)pthread_mutex_unlock(&c->lock);
}
