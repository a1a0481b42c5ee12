/*
 * guard/table.h - a fixed number of networks, each with a few times. When it
 * is full, the network whose times are the least gives way, among the few that
 * share its place.
 *
 * Where a network has its place is decided by chance at the start, so that
 * nobody can choose addresses to push others out.
 *
 * Threads: belongs to whoever holds its owner's lock.
 */
#ifndef GUARD_TABLE_H
#define GUARD_TABLE_H

#include "base/network.h"

enum { GUARD_TIMES = 4, GUARD_WAYS = 8 };

struct guard_entry {
	struct network network; /* without the bits behind it */
	bool used;
	int64_t at[GUARD_TIMES]; /* the owner's; 0: never */
};

struct guard_table;

/* Room for at least `entries`. */
struct guard_table *guard_table_new(size_t entries);
void guard_table_free(struct guard_table **t);
/* The network of `bits` (of 128) that the address is in. */
struct network guard_network(const struct ip_address *ip, unsigned bits);
/* NULL: it is not there. */
struct guard_entry *guard_table_find(
    struct guard_table *t, const struct network *network);
/* A new entry has all its times 0. Valid until the next call. */
struct guard_entry *guard_table_make(
    struct guard_table *t, const struct network *network);

#endif
