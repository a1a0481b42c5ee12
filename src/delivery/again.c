/*
 * delivery/again.c - a message that may have been delivered in part before the
 * server ended: users who have it are found by the id in its Received field.
 * Rarely done, so it may look at a lot.
 */
#include "delivery/places.h"

#include "base/clock.h"
#include "base/str.h"
#include "mailbox/mailbox.h"

#include <stdlib.h>

enum { HEAD = 65536, ROWS = 256 };

static bool
message_has(struct mailbox_view *v, uint32_t uid, struct pst_str id)
{
	struct pst_error err;
	struct pst_body body;
	char *head;
	size_t n;
	bool has;

	if (view_body(v, uid, &body, &err) != PST_OK)
		return false;
	n = body.length < HEAD ? (size_t)body.length : HEAD;
	head = mem_alloc(n + 1);
	has = mail_body_read(&body, 0, head, n, &err) == PST_OK &&
	      str_find_case(str_n(head, n), id) < n;
	free(head);
	body.release(&body);
	return has;
}

/* Only what came since is read. */
static bool
mailbox_has(struct mail_account *acct, const char *name, struct pst_str id,
    int64_t since)
{
	struct mailbox_view *v = NULL;
	struct pst_row row[ROWS];
	struct pst_error err;
	bool has = false;
	uint32_t last;

	if (view_open(acct, name, true, NULL, &v, &err) != PST_OK)
		return false;
	last = view_count(v);
	while (last > 0 && !has) {
		uint32_t n = last < ROWS ? last : ROWS;

		last -= n;
		view_rows(v, last + 1, n, row);
		for (uint32_t i = 0; i < n && !has; i++)
			has = row[i].uid != 0 &&
			      row[i].internal_date >= since &&
			      message_has(v, row[i].uid, id);
	}
	view_close(&v);
	return has;
}

/* Of a script's places those that have it: the others get it. Others' mailboxes
 * are not looked at, and may have it twice. */
static void
find_places(struct delivery *d, struct receiver *r, struct pst_str id)
{
	for (size_t i = 0; i < r->filter->places; i++) {
		char *name = places_name(d, r, i);

		r->filter->place[i].has_it = name != NULL &&
					     mailbox_has(
						 r->acct, name, id, d->again);
		free(name);
	}
}

void
delivery_find_again(struct delivery *d)
{
	struct pst_str id = str_of(d->id);

	for (size_t i = 0; i < d->receivers; i++) {
		struct receiver *r = &d->receiver[i];

		if (r->filter != NULL) {
			find_places(d, r, id);
			continue;
		}
		if (r->has_it || !mailbox_has(r->acct, "INBOX", id, d->again))
			continue;
		r->has_it = true;
		r->rc = PST_OK;
		d->copy[r->copy].left--;
	}
	for (size_t i = 0; i < d->away.parts; i++) {
		struct away *part = &d->away.part[i];
		const char *queue = part->n > 0
					? d->was_queued(d->handing_arg,
					      part->recipient[0].address)
					: NULL;

		if (queue == NULL)
			continue;
		part->has_it = true;
		(void)str_copy(part->id, sizeof(part->id), str_of(queue));
	}
}
