/*
 * guard/rates.h - how much comes from an address, and from the network that it
 * is in.
 *
 * A limit of n in a time t lets n pass at once, and then one more each t/n.
 * What is refused does not count.
 *
 * Threads: from any.
 */
#ifndef GUARD_RATES_H
#define GUARD_RATES_H

#include "base/config.h"
#include "base/network.h"

enum guard_rate {
	GUARD_CONNECTIONS,
	GUARD_MESSAGES,
	GUARD_RECIPIENTS,
	GUARD_UNKNOWN, /* recipients that do not exist */
};

struct guard_rates;

struct guard_rates *guard_rates_new(size_t entries);
void guard_rates_free(struct guard_rates **r);
/* NULL: it is counted, or without a limit. Else nothing is, and the word tells
 * whose limit is reached: "address" or "network". `now`: clock_monotonic(). */
const char *guard_rate_take(struct guard_rates *r, const struct config *cfg,
    const struct ip_address *ip, enum guard_rate rate, int64_t now);
/* The same without counting. */
const char *guard_rate_look(struct guard_rates *r, const struct config *cfg,
    const struct ip_address *ip, enum guard_rate rate, int64_t now);

#endif
