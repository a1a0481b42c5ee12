/*
 * account/brake.c - slows down and stops those who guess passwords.
 *
 * Failures are counted for each peer (an IPv4 address, or the /64 of an IPv6
 * one, since a single host commonly has all of it) and for each user, real or
 * not. A third table knows from where a user logged in well lately: there the
 * count of the user does not shut out the owner.
 *
 * The tables have a fixed size. Names in them are keyed hashes, so nobody can
 * aim at one place; when a place is full, the one with the fewest failures has
 * to go: spraying thousands of addresses or names does not push out a block.
 */
#include "account/private.h"

#include "base/clock.h"
#include "base/str.h"
#include <arpa/inet.h>
#include <gnutls/gnutls.h>
#include <stdlib.h>

enum {
	SETS = 2048,
	WAYS = 8,
	KEY = 16,
	SEEN = 8,	    /* wrong passwords remembered for each peer */
	DELAY_MOST = 10000, /* milliseconds */
};

#define SECOND INT64_C(1000000)
/* How long a good login speaks for an address. */
#define GOOD_FOR (14 * 86400 * SECOND)

/* Times are clock_monotonic(). */
struct slot {
	unsigned char key[KEY];
	int64_t since; /* begin of the window; 0: free */
	int64_t last;
	int64_t until; /* blocked; 0: not */
	uint64_t count;
	uint64_t seen[SEEN]; /* user and password, hashed; 0: none */
	unsigned seen_next;
};

struct good {
	unsigned char key[KEY];
	int64_t last; /* 0: free */
};

struct account_brake {
	unsigned char key[32]; /* never changes */
	pthread_mutex_t lock;  /* guards the tables */
	struct slot peer[SETS][WAYS], user[SETS][WAYS];
	struct good good[SETS][WAYS];
};

/* One attempt's names, hashed. */
struct who {
	unsigned char peer[KEY], user[KEY];
	bool has_peer; /* not over a Unix socket */
	bool has_user;
};

struct account_brake *
account_brake_new(void)
{
	struct account_brake *b = mem_alloc(sizeof(*b));

	random_bytes(b->key, sizeof(b->key));
	(void)pthread_mutex_init(&b->lock, NULL);
	return b;
}

void
account_brake_free(struct account_brake **b)
{
	if (*b == NULL)
		return;
	(void)pthread_mutex_destroy(&(*b)->lock);
	free(*b);
	*b = NULL;
}

/* --- names ------------------------------------------------------------------
 */

static void
make_key(struct account_brake *b, char kind, struct pst_str one,
    struct pst_str two, unsigned char key[KEY])
{
	unsigned char mac[32];
	char text[1024] = { kind };
	size_t n = 1;

	one = str_first(one, 400);
	two = str_first(two, 600);
	memcpy(text + n, one.p, one.n);
	n += one.n;
	text[n++] = '\0';
	if (two.n > 0)
		memcpy(text + n, two.p, two.n);
	account_hmac(b->key, text, n + two.n, mac);
	gnutls_memset(text, 0, n + two.n);
	memcpy(key, mac, KEY);
}

/* "192.0.2.1", "2001:db8::1", with a zone or in brackets; else as it is. */
static void
peer_key(struct account_brake *b, const char *peer, unsigned char key[KEY])
{
	static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };
	struct pst_str text = str_of(peer != NULL ? peer : "");
	char plain[INET6_ADDRSTRLEN] = "", octets[16];

	if (text.n > 1 && text.p[0] == '[')
		text = str_first(str_from(text, 1), text.n - 2);
	(void)str_copy(
	    plain, sizeof(plain), str_first(text, str_find(text, '%')));
	if (inet_pton(AF_INET6, plain, octets) == 1) {
		if (memcmp(octets, mapped, sizeof(mapped)) == 0)
			text = str_n(octets + 12, 4);
		else
			text = str_n(octets, 8);
	} else if (inet_pton(AF_INET, plain, octets) == 1) {
		text = str_n(octets, 4);
	}
	make_key(b, 'p', text.p != NULL ? text : STR(""), STR_NONE, key);
}

static void
user_key(struct account_brake *b, const char *user, unsigned char key[KEY])
{
	make_key(b, 'u', str_of(user), STR_NONE, key);
}

static struct who
make_who(struct account_brake *b, const char *peer, const char *user)
{
	struct who who = { .has_peer = peer != NULL && peer[0] != '\0',
		.has_user = user != NULL };

	if (who.has_peer)
		peer_key(b, peer, who.peer);
	if (who.has_user)
		user_key(b, user, who.user);
	return who;
}

/* Both are random already. */
static void
pair_key(const struct who *who, unsigned char key[KEY])
{
	for (size_t i = 0; i < KEY; i++)
		key[i] = who->user[i] ^ who->peer[(i + 5) % KEY];
}

static size_t
set_of(const unsigned char key[KEY])
{
	return (size_t)(key[0] << 8 | key[1]) % SETS;
}

/* --- the tables; with the lock held ------------------------------------------
 */

static int64_t
duration(int64_t seconds)
{
	if (seconds < 0)
		return 0;
	return (seconds < 1000000000 ? seconds : 1000000000) * SECOND;
}

static bool
is_over(const struct slot *s, const struct config *cfg, int64_t now)
{
	if (s->until != 0)
		return s->until <= now;
	return now - s->since > duration(cfg->auth.window);
}

static struct slot *
find_slot(struct slot table[SETS][WAYS], const unsigned char key[KEY],
    const struct config *cfg, int64_t now)
{
	struct slot *set = table[set_of(key)];

	for (size_t i = 0; i < WAYS; i++) {
		if (set[i].since != 0 && memcmp(set[i].key, key, KEY) == 0)
			return is_over(&set[i], cfg, now) ? NULL : &set[i];
	}
	return NULL;
}

/* What has counted least goes first, among those the oldest. */
static bool
goes_before(const struct slot *a, const struct slot *b,
    const struct config *cfg, int64_t now)
{
	uint64_t x = a->since == 0 || is_over(a, cfg, now) ? 0 : a->count;
	uint64_t y = b->since == 0 || is_over(b, cfg, now) ? 0 : b->count;

	return x != y ? x < y : a->last < b->last;
}

static struct slot *
claim_slot(struct slot table[SETS][WAYS], const unsigned char key[KEY],
    const struct config *cfg, int64_t now)
{
	struct slot *set = table[set_of(key)], *to = &set[0];

	for (size_t i = 0; i < WAYS; i++) {
		if (set[i].since != 0 && memcmp(set[i].key, key, KEY) == 0) {
			if (!is_over(&set[i], cfg, now))
				return &set[i];
			to = &set[i]; /* its own place, so it has no second */
			break;
		}
		if (goes_before(&set[i], to, cfg, now))
			to = &set[i];
	}
	memset(to, 0, sizeof(*to));
	memcpy(to->key, key, KEY);
	to->since = now;
	return to;
}

static bool
is_good(struct account_brake *b, const struct who *who, int64_t now)
{
	unsigned char key[KEY];
	struct good *set;

	if (!who->has_user)
		return false;
	pair_key(who, key);
	set = b->good[set_of(key)];
	for (size_t i = 0; i < WAYS; i++) {
		if (set[i].last != 0 && memcmp(set[i].key, key, KEY) == 0)
			return now - set[i].last <= GOOD_FOR;
	}
	return false;
}

/* Doubles with every failure. */
static int64_t
delay_of(const struct config *cfg, uint64_t count)
{
	int64_t delay = cfg->auth.failure_delay;

	if (delay <= 0)
		return 0;
	for (uint64_t i = 1; i < count && delay < DELAY_MOST; i++)
		delay *= 2;
	return delay < DELAY_MOST ? delay : DELAY_MOST;
}

static void
count_failure(struct slot *s, const struct config *cfg, int64_t now)
{
	s->count++;
	s->last = now;
	if (s->until == 0 && cfg->auth.failures > 0 &&
	    s->count >= (uint64_t)cfg->auth.failures)
		s->until = now + duration(cfg->auth.block_time);
}

static bool
was_seen(struct slot *s, uint64_t what)
{
	for (size_t i = 0; what != 0 && i < SEEN; i++) {
		if (s->seen[i] == what)
			return true;
	}
	s->seen[s->seen_next++ % SEEN] = what;
	return false;
}

/* --- what the others call
 * ------------------------------------------------------ */

bool
account_brake_blocks(struct account_brake *b, const struct config *cfg,
    const char *peer, const char *user, int64_t *delay_r)
{
	struct who who = make_who(b, peer, user);
	int64_t now = clock_monotonic();
	const struct slot *p = NULL, *u = NULL;
	uint64_t count = 0;
	bool blocked = false;

	(void)pthread_mutex_lock(&b->lock);
	if (who.has_peer)
		p = find_slot(b->peer, who.peer, cfg, now);
	if (who.has_user)
		u = find_slot(b->user, who.user, cfg, now);
	if (p != NULL && p->until != 0) {
		blocked = true;
		count = p->count;
	}
	if (u != NULL && u->until != 0 && !is_good(b, &who, now)) {
		blocked = true;
		count = count > u->count ? count : u->count;
	}
	(void)pthread_mutex_unlock(&b->lock);
	*delay_r = blocked ? delay_of(cfg, count) : 0;
	return blocked;
}

int64_t
account_brake_failed(struct account_brake *b, const struct config *cfg,
    const char *peer, const char *user, struct pst_str password)
{
	struct who who = make_who(b, peer, user);
	int64_t now = clock_monotonic();
	unsigned char what[KEY];
	uint64_t seen = 0, count = 1;
	struct slot *p = NULL, *u = NULL;

	if (user != NULL && password.p != NULL) {
		make_key(b, 'w', str_of(user), password, what);
		memcpy(&seen, what, sizeof(seen));
	}
	(void)pthread_mutex_lock(&b->lock);
	if (who.has_peer)
		p = claim_slot(b->peer, who.peer, cfg, now);
	if (who.has_user)
		u = claim_slot(b->user, who.user, cfg, now);
	/* A client that was not told of a new password tries the old one again
	 * and again: that is no guessing. */
	if (p == NULL || !was_seen(p, seen)) {
		if (p != NULL)
			count_failure(p, cfg, now);
		if (u != NULL)
			count_failure(u, cfg, now);
	}
	if (p != NULL)
		count = p->count;
	if (u != NULL && u->count > count && !is_good(b, &who, now))
		count = u->count;
	(void)pthread_mutex_unlock(&b->lock);
	return delay_of(cfg, count);
}

void
account_brake_passed(
    struct account_brake *b, const char *peer, const char *user)
{
	struct who who = make_who(b, peer, user);
	unsigned char key[KEY];
	struct good *set, *to;

	pair_key(&who, key);
	set = b->good[set_of(key)];
	(void)pthread_mutex_lock(&b->lock);
	to = &set[0];
	for (size_t i = 0; i < WAYS; i++) {
		if (memcmp(set[i].key, key, KEY) == 0) {
			to = &set[i];
			break;
		}
		if (set[i].last < to->last)
			to = &set[i];
	}
	memcpy(to->key, key, KEY);
	to->last = clock_monotonic();
	(void)pthread_mutex_unlock(&b->lock);
}

static size_t
count_blocked(struct slot table[SETS][WAYS], int64_t now)
{
	size_t n = 0;

	for (size_t i = 0; i < SETS; i++)
		for (size_t j = 0; j < WAYS; j++)
			n += table[i][j].until > now;
	return n;
}

size_t
account_brake_blocked(struct account_brake *b)
{
	int64_t now = clock_monotonic();
	size_t n;

	(void)pthread_mutex_lock(&b->lock);
	n = count_blocked(b->peer, now) + count_blocked(b->user, now);
	(void)pthread_mutex_unlock(&b->lock);
	return n;
}

bool
account_brake_lift(struct account_brake *b, const char *peer, const char *user)
{
	unsigned char key[KEY];
	int64_t now = clock_monotonic();
	struct slot *set;
	bool lifted = false;

	if (user != NULL)
		user_key(b, user, key);
	else
		peer_key(b, peer, key);
	(void)pthread_mutex_lock(&b->lock);
	set = user != NULL ? b->user[set_of(key)] : b->peer[set_of(key)];
	for (size_t i = 0; i < WAYS; i++) {
		if (set[i].since == 0 || memcmp(set[i].key, key, KEY) != 0)
			continue;
		lifted = set[i].until > now;
		memset(&set[i], 0, sizeof(set[i]));
	}
	(void)pthread_mutex_unlock(&b->lock);
	return lifted;
}
