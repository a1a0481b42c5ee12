/*
 * guard/rates.c - for each limit one time is kept: when the client will have
 * had its whole allowance again.
 */
#include "guard/rates.h"

#include "base/mem.h"
#include "guard/table.h"
#include <pthread.h>
#include <stdlib.h>

struct guard_rates {
	pthread_mutex_t lock; /* guards the table; a leaf */
	struct guard_table *table;
};

struct guard_rates *
guard_rates_new(size_t entries)
{
	struct guard_rates *r = mem_alloc(sizeof(*r));

	pthread_mutex_init(&r->lock, NULL);
	r->table = guard_table_new(entries);
	return r;
}

void
guard_rates_free(struct guard_rates **rp)
{
	struct guard_rates *r = *rp;

	if (r == NULL)
		return;
	*rp = NULL;
	guard_table_free(&r->table);
	pthread_mutex_destroy(&r->lock);
	free(r);
}

static int64_t
limit_of(const struct config *cfg, enum guard_rate rate, bool network)
{
	const int64_t limits[][2] = {
		[GUARD_CONNECTIONS] = { cfg->guard.connections,
		    cfg->guard.network_connections },
		[GUARD_MESSAGES] = { cfg->guard.messages,
		    cfg->guard.network_messages },
		[GUARD_RECIPIENTS] = { cfg->guard.recipients,
		    cfg->guard.network_recipients },
		[GUARD_UNKNOWN] = { cfg->guard.unknown,
		    cfg->guard.network_unknown },
	};

	return limits[rate][network];
}

/* What counts together with the address. */
static struct network
counted(const struct config *cfg, const struct ip_address *ip, bool network)
{
	unsigned bits = 128;

	if (network && ip->v4)
		bits = 96 + (unsigned)cfg->guard.network_ipv4;
	else if (network)
		bits = (unsigned)cfg->guard.network_ipv6;
	return guard_network(ip, bits);
}

/* When the allowance is whole again after one more; 0: there is no room. */
static int64_t
after_one(const struct guard_entry *e, enum guard_rate rate, int64_t limit,
    int64_t time, int64_t now)
{
	int64_t whole = e != NULL && e->at[rate] > now ? e->at[rate] : now;

	whole += time / limit;
	return whole > now + time ? 0 : whole;
}

static bool
has_room(struct guard_rates *r, const struct config *cfg,
    const struct ip_address *ip, enum guard_rate rate, bool network,
    int64_t now)
{
	int64_t limit = limit_of(cfg, rate, network);
	struct network n = counted(cfg, ip, network);

	return limit == 0 ||
	       after_one(guard_table_find(r->table, &n), rate, limit,
		   cfg->guard.rate_time * 1000000, now) != 0;
}

static void
charge(struct guard_rates *r, const struct config *cfg,
    const struct ip_address *ip, enum guard_rate rate, bool network,
    int64_t now)
{
	int64_t limit = limit_of(cfg, rate, network);
	struct network n = counted(cfg, ip, network);
	struct guard_entry *e;

	if (limit == 0)
		return;
	e = guard_table_make(r->table, &n);
	e->at[rate] = after_one(
	    e, rate, limit, cfg->guard.rate_time * 1000000, now);
}

static const char *
look(struct guard_rates *r, const struct config *cfg,
    const struct ip_address *ip, enum guard_rate rate, int64_t now)
{
	if (!has_room(r, cfg, ip, rate, false, now))
		return "address";
	return has_room(r, cfg, ip, rate, true, now) ? NULL : "network";
}

const char *
guard_rate_take(struct guard_rates *r, const struct config *cfg,
    const struct ip_address *ip, enum guard_rate rate, int64_t now)
{
	const char *full;

	pthread_mutex_lock(&r->lock);
	full = look(r, cfg, ip, rate, now);
	if (full == NULL) {
		charge(r, cfg, ip, rate, false, now);
		charge(r, cfg, ip, rate, true, now);
	}
	pthread_mutex_unlock(&r->lock);
	return full;
}

const char *
guard_rate_look(struct guard_rates *r, const struct config *cfg,
    const struct ip_address *ip, enum guard_rate rate, int64_t now)
{
	const char *full;

	pthread_mutex_lock(&r->lock);
	full = look(r, cfg, ip, rate, now);
	pthread_mutex_unlock(&r->lock);
	return full;
}
