/*
 * delivery/away.c - see away.h.
 */
#include "delivery/away.h"

#include "base/str.h"

#include <stdlib.h>

void
away_fini(struct away *a)
{
	if (a->message != NULL)
		a->out->free(&a->message);
	if (a->arena != NULL)
		arena_free(&a->arena);
	free(a->recipient);
	a->recipient = NULL;
	a->n = a->cap = 0;
}

void
away_add(struct away *a, const struct outbound_recipient *r)
{
	for (size_t i = 0; i < a->n; i++)
		if (str_eq(a->recipient[i].address, r->address))
			return;
	if (a->arena == NULL)
		a->arena = arena_new(0);
	mem_grow(&a->recipient, &a->cap, a->n + 1, sizeof(*a->recipient));
	a->recipient[a->n++] = (struct outbound_recipient){
		.address = arena_copy(a->arena, r->address),
		.orcpt = arena_copy(a->arena, r->orcpt),
		.notify = r->notify,
	};
}

void
away_cut(struct away *a, size_t n)
{
	a->n = n;
}

void
away_begin(struct away *a, size_t skip)
{
	if (a->n == 0)
		return;
	a->message = a->out->begin(a->out->arg);
	a->skip = skip;
}

void
away_write(struct away *a, const void *p, size_t n)
{
	size_t skip = n < a->skip ? n : a->skip;

	if (a->message == NULL || a->rc != PST_OK)
		return;
	a->skip -= skip;
	if (n > skip)
		a->rc = a->out->write(
		    a->message, (const char *)p + skip, n - skip, &a->err);
}

enum pst_rc
away_commit(struct away *a, struct outbound_envelope *e)
{
	if (a->message == NULL || a->rc != PST_OK)
		return a->rc;
	e->recipient = a->recipient;
	e->recipients = a->n;
	a->rc = a->out->commit(a->message, e, a->id, &a->err);
	return a->rc;
}
