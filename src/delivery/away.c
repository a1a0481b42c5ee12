/*
 * delivery/away.c - see away.h.
 */
#include "delivery/away.h"

#include "base/str.h"

#include <stdlib.h>

void
aways_fini(struct aways *a)
{
	for (size_t i = 0; i < a->parts; i++) {
		struct away *part = &a->part[i];

		if (part->message != NULL)
			a->out->free(&part->message);
		buf_fini(&part->top);
		free(part->forwarder);
		free(part->name);
		free(part->sender);
		free(part->recipient);
	}
	if (a->arena != NULL)
		arena_free(&a->arena);
	free(a->part);
	a->part = NULL;
	a->parts = a->cap = a->recipients = 0;
}

static bool
is_of(const struct away *part, struct pst_str forwarder)
{
	if (part->forwarder == NULL || forwarder.p == NULL)
		return part->forwarder == NULL && forwarder.p == NULL;
	return str_eq(str_of(part->forwarder), forwarder);
}

size_t
aways_part(struct aways *a, struct pst_str forwarder)
{
	struct away *part;

	for (size_t i = 0; i < a->parts; i++)
		if (is_of(&a->part[i], forwarder))
			return i;
	mem_grow(&a->part, &a->cap, a->parts + 1, sizeof(*a->part));
	part = &a->part[a->parts];
	*part = (struct away){ 0 };
	if (forwarder.p != NULL)
		part->forwarder = str_dup(forwarder);
	part->name = mem_alloc(forwarder.n + 2);
	part->name[0] = '>';
	(void)str_copy(part->name + 1, forwarder.n + 1, forwarder);
	buf_init(&part->top, AWAY_TOP_MAX);
	return a->parts++;
}

void
aways_add(struct aways *a, size_t at, const struct outbound_recipient *r)
{
	struct away *part = &a->part[at];

	for (size_t i = 0; i < part->n; i++)
		if (str_eq(part->recipient[i].address, r->address))
			return;
	if (a->arena == NULL)
		a->arena = arena_new(0);
	mem_grow(&part->recipient, &part->cap, part->n + 1,
	    sizeof(*part->recipient));
	part->recipient[part->n++] = (struct outbound_recipient){
		.address = arena_copy(a->arena, r->address),
		.orcpt = arena_copy(a->arena, r->orcpt),
		.notify = r->notify,
	};
	a->recipients++;
}

void
away_begin(const struct aways *a, struct away *part, size_t skip)
{
	part->message = a->out->begin(a->out->arg);
	part->skip = skip;
}

void
away_write(const struct aways *a, struct away *part, const void *p, size_t n)
{
	size_t skip = n < part->skip ? n : part->skip;

	if (part->message == NULL || part->rc != PST_OK)
		return;
	if (!part->began && part->top.n > 0)
		part->rc = a->out->write(
		    part->message, part->top.p, part->top.n, &part->err);
	part->began = true;
	part->skip -= skip;
	if (n > skip && part->rc == PST_OK)
		part->rc = a->out->write(part->message, (const char *)p + skip,
		    n - skip, &part->err);
}

enum pst_rc
away_commit(
    const struct aways *a, struct away *part, struct outbound_envelope *e)
{
	if (part->message == NULL || part->rc != PST_OK)
		return part->rc;
	e->sender = str_of(part->sender);
	e->recipient = part->recipient;
	e->recipients = part->n;
	part->rc = a->out->commit(part->message, e, part->id, &part->err);
	return part->rc;
}
