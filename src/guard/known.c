/*
 * guard/known.c - a table of addresses with the time until which each is known.
 */
#include "guard/known.h"

#include "base/mem.h"
#include "guard/table.h"
#include <pthread.h>
#include <stdlib.h>

struct guard_known {
	pthread_mutex_t lock; /* guards the table; a leaf */
	struct guard_table *table;
};

struct guard_known *
guard_known_new(size_t entries)
{
	struct guard_known *k = mem_alloc(sizeof(*k));

	pthread_mutex_init(&k->lock, NULL);
	k->table = guard_table_new(entries);
	return k;
}

void
guard_known_free(struct guard_known **kp)
{
	struct guard_known *k = *kp;

	if (k == NULL)
		return;
	*kp = NULL;
	guard_table_free(&k->table);
	pthread_mutex_destroy(&k->lock);
	free(k);
}

bool
guard_known_has(struct guard_known *k, const struct ip_address *ip, int64_t now)
{
	struct network n = guard_network(ip, 128);
	const struct guard_entry *e;
	bool known;

	pthread_mutex_lock(&k->lock);
	e = guard_table_find(k->table, &n);
	known = e != NULL && e->at[0] > now;
	pthread_mutex_unlock(&k->lock);
	return known;
}

void
guard_known_add(
    struct guard_known *k, const struct ip_address *ip, int64_t until)
{
	struct network n = guard_network(ip, 128);

	pthread_mutex_lock(&k->lock);
	guard_table_make(k->table, &n)->at[0] = until;
	pthread_mutex_unlock(&k->lock);
}
