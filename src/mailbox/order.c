/*
 * mailbox/order.c - orders and threads of messages that sessions worked out,
 * kept with the live mailbox, so that sorting a mailbox again is a walk through
 * it.
 *
 * Both are made of what never changes of a message. So an order holds, for
 * those that are left, until new messages come; threads, which a missing
 * message changes, hold until any come or go.
 */
#include "mailbox/priv.h"

#include "base/str.h"
#include <stdlib.h>

struct mail_order {
	_Atomic unsigned refs;
	char *key;
	struct uid_array *uids; /* of all messages then, `n` of them */
	size_t n;
	size_t length;
	uint32_t value[]; /* of an order: indices in there */
};

void
mail_order_drop(struct mail_order **o)
{
	struct mail_order *old = *o;

	*o = NULL;
	if (old == NULL || atomic_fetch_sub(&old->refs, 1) > 1)
		return;
	uid_array_drop(&old->uids);
	free(old->key);
	free(old);
}

/* The one of that name, referenced, moved to the front; mb->lock is held. */
static struct mail_order *
find(struct mailbox *mb, const char *key)
{
	for (size_t i = 0; i < ORDERS; i++) {
		struct mail_order *o = mb->order[i];

		if (o == NULL || strcmp(o->key, key) != 0)
			continue;
		memmove(&mb->order[1], &mb->order[0],
		    i * sizeof(struct mail_order *));
		mb->order[0] = o;
		atomic_fetch_add(&o->refs, 1);
		return o;
	}
	return NULL;
}

/* Which number the message has that was at an index then; 0: none that is
 * wanted. NULL: there are messages that came since. The caller frees. */
static uint32_t *
numbers_now(const struct mailbox_view *v, const struct mail_order *o,
    const uint32_t *seq, size_t n)
{
	uint32_t *now = mem_array(o->n, sizeof(*now));
	size_t k = 0;

	for (size_t i = 0; i < n; i++) {
		uint32_t uid = v->uids->uid[seq[i] - 1];

		while (k < o->n && o->uids->uid[k] < uid)
			k++;
		if (k == o->n || o->uids->uid[k] != uid) {
			free(now);
			return NULL;
		}
		now[k] = seq[i];
	}
	return now;
}

bool
view_order_apply(struct mailbox_view *v, const char *key, const uint32_t *seq,
    size_t n, uint32_t *seq_r)
{
	struct mail_order *o;
	uint32_t *now = NULL;
	size_t to = 0;

	pthread_mutex_lock(&v->mb->lock);
	o = find(v->mb, key);
	pthread_mutex_unlock(&v->mb->lock);
	if (o != NULL)
		now = numbers_now(v, o, seq, n);
	for (size_t i = 0; now != NULL && i < o->n; i++) {
		uint32_t number = now[o->value[i]];

		if (number != 0)
			seq_r[to++] = number;
	}
	mail_order_drop(&o);
	free(now);
	return to == n && n > 0;
}

static struct mail_order *
make(const struct mailbox_view *v, const char *key, size_t length)
{
	struct mail_order *o = mem_alloc(
	    sizeof(*o) + length * sizeof(o->value[0]));

	atomic_store(&o->refs, 1);
	o->key = str_dup(str_of(key));
	o->uids = uid_array_ref(v->uids);
	o->n = v->count;
	o->length = length;
	return o;
}

/* Puts it to the front; an older one of that name goes, or the last one. */
static void
keep(struct mailbox *mb, struct mail_order *o)
{
	struct mail_order *last;

	pthread_mutex_lock(&mb->lock);
	last = find(mb, o->key);
	if (last != NULL) {
		mail_order_drop(&last);
		mail_order_drop(&mb->order[0]);
	} else {
		mail_order_drop(&mb->order[ORDERS - 1]);
		memmove(&mb->order[1], &mb->order[0],
		    (ORDERS - 1) * sizeof(struct mail_order *));
	}
	mb->order[0] = o;
	pthread_mutex_unlock(&mb->lock);
}

void
view_order_keep(struct mailbox_view *v, const char *key, const uint32_t *seq)
{
	struct mail_order *o = make(v, key, v->count);

	for (size_t i = 0; i < v->count; i++)
		o->value[i] = seq[i] - 1;
	keep(v->mb, o);
}

void
view_threads_keep(struct mailbox_view *v, const char *key,
    const uint32_t *value, size_t length)
{
	struct mail_order *o = make(v, key, length);

	memcpy(o->value, value, length * sizeof(*value));
	keep(v->mb, o);
}

uint32_t *
view_threads_copy(struct mailbox_view *v, const char *key, size_t *length_r)
{
	struct mail_order *o;
	uint32_t *copy = NULL;

	pthread_mutex_lock(&v->mb->lock);
	o = find(v->mb, key);
	pthread_mutex_unlock(&v->mb->lock);
	if (o != NULL && o->uids == v->uids && o->n == v->count) {
		copy = mem_array(o->length, sizeof(*copy));
		memcpy(copy, o->value, o->length * sizeof(*copy));
		*length_r = o->length;
	}
	mail_order_drop(&o);
	return copy;
}

void
mailbox_forget_orders(struct mailbox *mb)
{
	for (size_t i = 0; i < ORDERS; i++)
		mail_order_drop(&mb->order[i]);
}
