/*
 * world.c - mailboxes as all clients together know them, by user and
 * UIDVALIDITY, which no two mailboxes of a user ever share.
 */
#include "stress.h"

#include <stdlib.h>

struct box *boxes;

bool
name_is_fleeting(const char *name)
{
	return strncmp(name, "Fleet", 5) == 0;
}

struct box *
box_get(unsigned user, const char *name, uint32_t validity)
{
	struct box *b = boxes;

	while (b != NULL && (b->user != user || b->validity != validity))
		b = b->next;
	if (b == NULL) {
		b = mem_alloc(sizeof(*b));
		b->user = user;
		b->validity = validity;
		b->is_fleeting = name_is_fleeting(name);
		b->next = boxes;
		boxes = b;
	}
	(void)str_copy(b->name, sizeof(b->name), str_of(name));
	return b;
}

struct box *
box_named(unsigned user, const char *name)
{
	struct box *b = boxes; /* the newest first */

	while (b != NULL && (b->user != user || strcmp(b->name, name) != 0))
		b = b->next;
	return b;
}

struct mail *
box_mail(struct box *b, uint32_t uid)
{
	size_t cap = b->n;

	if (uid >= b->n) {
		size_t n = (size_t)uid * 2 + 64;

		mem_grow(&b->mail, &cap, n, sizeof(*b->mail));
		memset(b->mail + b->n, 0, (n - b->n) * sizeof(*b->mail));
		b->n = n;
	}
	return &b->mail[uid];
}

bool
may_doom(const struct mail *m)
{
	const struct content *c = content_of(m->content);

	return c != NULL && (!c->kept || m->is_copy);
}

bool
is_doomed(const struct mail *m)
{
	const struct content *c = content_of(m->content);

	return m->may_go || m->is_moved || c == NULL || c->doomed;
}
