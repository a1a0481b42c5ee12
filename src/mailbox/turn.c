/*
 * mailbox/turn.c - see turn.h. Those who have a turn are a short list: the disk
 * may be slow, but few change something at a time.
 */
#include "mailbox/turn.h"

#include <pthread.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards the list */
static pthread_cond_t left = PTHREAD_COND_INITIALIZER;
static struct mail_turn *all_turns;

/* With the lock. */
static bool
is_taken(const char *id, const char *key)
{
	const struct mail_turn *t = all_turns;

	while (
	    t != NULL && (strcmp(t->id, id) != 0 || strcmp(t->key, key) != 0))
		t = t->next;
	return t != NULL;
}

void
mail_turn_begin(
    struct mail_turn *t, const struct mail_account *acct, const char *key)
{
	t->id = mail_account_id(acct);
	t->key = key;
	(void)pthread_mutex_lock(&lock);
	while (is_taken(t->id, key))
		(void)pthread_cond_wait(&left, &lock);
	t->next = all_turns;
	all_turns = t;
	(void)pthread_mutex_unlock(&lock);
}

void
mail_turn_end(struct mail_turn *t)
{
	struct mail_turn **at = &all_turns;

	(void)pthread_mutex_lock(&lock);
	while (*at != t)
		at = &(*at)->next;
	*at = t->next;
	(void)pthread_cond_broadcast(&left);
	(void)pthread_mutex_unlock(&lock);
}
