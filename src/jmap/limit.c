/*
 * jmap/limit.c - see limit.h. Only accounts that do something are in the table.
 */
#include "jmap/limit.h"

#include "base/str.h"
#include "jmap/call.h"

#include <pthread.h>
#include <stdlib.h>

enum { BUCKETS = 256 };

struct busy {
	char account[JMAP_ID];
	int64_t n[JMAP_BUSY_KINDS];
	struct busy *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct busy *bucket[BUCKETS]; /* guarded by it */

/* Where it is, or would be. */
static struct busy **
find(const char *account)
{
	struct busy **at;
	unsigned hash = 0;

	for (const char *p = account; *p != '\0'; p++)
		hash = hash * 31 + (unsigned char)*p;
	at = &bucket[hash % BUCKETS];
	while (*at != NULL && strcmp((*at)->account, account) != 0)
		at = &(*at)->next;
	return at;
}

bool
jmap_busy_begin(const char *account, enum jmap_busy kind, int64_t most)
{
	struct busy **at;
	bool ok = false;

	pthread_mutex_lock(&lock);
	at = find(account);
	if (*at == NULL) {
		*at = mem_alloc(sizeof(**at));
		(void)str_copy(
		    (*at)->account, sizeof((*at)->account), str_of(account));
	}
	if ((*at)->n[kind] < most) {
		(*at)->n[kind]++;
		ok = true;
	}
	pthread_mutex_unlock(&lock);
	return ok;
}

void
jmap_busy_end(const char *account, enum jmap_busy kind)
{
	struct busy **at, *b;
	int64_t left = 0;

	pthread_mutex_lock(&lock);
	at = find(account);
	b = *at;
	if (b != NULL) {
		b->n[kind]--;
		for (int i = 0; i < JMAP_BUSY_KINDS; i++)
			left += b->n[i];
		if (left == 0) {
			*at = b->next;
			free(b);
		}
	}
	pthread_mutex_unlock(&lock);
}
