/*
 * web/limits.c - see limits.h. A table of fixed size: of those that share a
 * slot the ones whose time is over go first, then those with the least.
 */
#include "web/limits.h"

#include "base/clock.h"
#include "base/str.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>

enum { SLOTS = 1024, WAYS = 4 };

struct count {
	char who[INET6_ADDRSTRLEN];
	int64_t n, until; /* clock_monotonic() */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards `counts` */
static struct count counts[LIMIT_KINDS][SLOTS][WAYS];

static void
name_of(const char *peer, char who[INET6_ADDRSTRLEN])
{
	struct in6_addr address;

	(void)str_copy(who, INET6_ADDRSTRLEN, str_of(peer));
	if (inet_pton(AF_INET6, peer, &address) != 1 ||
	    IN6_IS_ADDR_V4MAPPED(&address))
		return;
	memset(address.s6_addr + 8, 0, 8);
	(void)inet_ntop(AF_INET6, &address, who, INET6_ADDRSTRLEN);
}

static struct count *
slot_of(enum limit_kind kind, const char *who)
{
	uint32_t h = 2166136261u; /* FNV-1a */

	for (; *who != '\0'; who++)
		h = (h ^ (unsigned char)*who) * 16777619u;
	return counts[kind][h % SLOTS];
}

/* With the lock. NULL: nothing is counted. */
static struct count *
find(enum limit_kind kind, const char *who)
{
	struct count *slot = slot_of(kind, who);

	for (int i = 0; i < WAYS; i++)
		if (slot[i].until > clock_monotonic() &&
		    strcmp(slot[i].who, who) == 0)
			return &slot[i];
	return NULL;
}

/* With the lock. */
static int64_t
wait_for(enum limit_kind kind, const char *who, int64_t most, int64_t window)
{
	const struct count *c = find(kind, who);

	if (most <= 0 || window <= 0 || c == NULL || c->n < most)
		return 0;
	return (c->until - clock_monotonic()) / 1000000 + 1;
}

/* With the lock. */
static void
count(enum limit_kind kind, const char who[INET6_ADDRSTRLEN], int64_t window)
{
	struct count *c = find(kind, who), *slot = slot_of(kind, who);
	int64_t now = clock_monotonic();

	if (c == NULL) {
		c = slot;
		for (int i = 0; i < WAYS; i++) {
			if (slot[i].until <= now) {
				c = &slot[i];
				break;
			}
			if (slot[i].n < c->n)
				c = &slot[i];
		}
		memset(c, 0, sizeof(*c));
		memcpy(c->who, who, sizeof(c->who));
		c->until = now + window * 1000000;
	}
	c->n++;
}

int64_t
limit_wait(enum limit_kind kind, const char *peer, int64_t most, int64_t window)
{
	char who[INET6_ADDRSTRLEN];
	int64_t wait;

	name_of(peer, who);
	(void)pthread_mutex_lock(&lock);
	wait = wait_for(kind, who, most, window);
	(void)pthread_mutex_unlock(&lock);
	return wait;
}

void
limit_count(enum limit_kind kind, const char *peer, int64_t window)
{
	char who[INET6_ADDRSTRLEN];

	name_of(peer, who);
	(void)pthread_mutex_lock(&lock);
	count(kind, who, window);
	(void)pthread_mutex_unlock(&lock);
}

int64_t
limit_take(enum limit_kind kind, const char *peer, int64_t most, int64_t window)
{
	char who[INET6_ADDRSTRLEN];
	int64_t wait;

	name_of(peer, who);
	(void)pthread_mutex_lock(&lock);
	wait = wait_for(kind, who, most, window);
	if (wait == 0)
		count(kind, who, window);
	(void)pthread_mutex_unlock(&lock);
	return wait;
}
