/*
 * guard/known.h - the clients that have waited for the greeting before, so
 * that they need not wait again. In memory; a restart forgets them.
 *
 * Threads: from any.
 */
#ifndef GUARD_KNOWN_H
#define GUARD_KNOWN_H

#include "base/network.h"

struct guard_known;

struct guard_known *guard_known_new(size_t entries);
void guard_known_free(struct guard_known **k);
/* Times: clock_monotonic(). */
bool guard_known_has(
    struct guard_known *k, const struct ip_address *ip, int64_t now);
void guard_known_add(
    struct guard_known *k, const struct ip_address *ip, int64_t until);

#endif
