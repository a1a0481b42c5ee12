/*
 * net/counts.c - a hash table of counters by text, for the limits of
 * connections per address and per user. An entry exists while it counts.
 */
#include "net/priv.h"

#include <stdlib.h>

struct counts_entry {
	struct counts_entry *next;
	size_t n;
	char key[];
};

static size_t
hash(const struct counts *c, const char *key)
{
	uint64_t h = 1469598103934665603U;

	for (; *key != '\0'; key++)
		h = (h ^ (unsigned char)*key) * 1099511628211U;
	return h % c->buckets;
}

void
counts_init(struct counts *c)
{
	pthread_mutex_init(&c->lock, NULL);
	c->buckets = 4096;
	c->bucket = mem_array(c->buckets, sizeof(struct counts_entry *));
}

void
counts_fini(struct counts *c)
{
	for (size_t i = 0; i < c->buckets; i++)
		while (c->bucket[i] != NULL) {
			struct counts_entry *e = c->bucket[i];

			c->bucket[i] = e->next;
			free(e);
		}
	free(c->bucket);
	pthread_mutex_destroy(&c->lock);
}

bool
counts_add(struct counts *c, const char *key, size_t max)
{
	size_t length = strlen(key) + 1;
	struct counts_entry **at, *e;
	bool ok = true;

	pthread_mutex_lock(&c->lock);
	at = &c->bucket[hash(c, key)];
	for (e = *at; e != NULL && strcmp(e->key, key) != 0; e = e->next)
		;
	if (e == NULL) {
		e = mem_alloc(sizeof(*e) + length);
		memcpy(e->key, key, length);
		e->next = *at;
		*at = e;
	}
	if (e->n < max)
		e->n++;
	else
		ok = false;
	pthread_mutex_unlock(&c->lock);
	return ok;
}

void
counts_remove(struct counts *c, const char *key)
{
	struct counts_entry **at;

	pthread_mutex_lock(&c->lock);
	for (at = &c->bucket[hash(c, key)]; *at != NULL; at = &(*at)->next) {
		struct counts_entry *e = *at;

		if (strcmp(e->key, key) != 0)
			continue;
		if (--e->n == 0) {
			*at = e->next;
			free(e);
		}
		break;
	}
	pthread_mutex_unlock(&c->lock);
}
