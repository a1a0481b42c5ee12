/*
 * delivery/notice.c - see notice.h.
 */
#include "delivery/notice.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "delivery/filter.h"

#include <stdlib.h>

enum {
	NEVER = 1, /* as outbound.h has them */
	SUCCESS = 2,
	FAILURE = 4,
};

unsigned
notice_passed_on(unsigned notify, size_t targets)
{
	if (targets < 2 || (notify & SUCCESS) == 0)
		return notify;
	notify &= ~(unsigned)SUCCESS;
	/* None at all would mean the default. */
	return notify != 0 ? notify : NEVER;
}

bool
notice_orcpt(struct pst_str address, struct buf *out)
{
	if (!str_is_ascii(address))
		return false;
	(void)buf_puts(out, "rfc822;");
	for (size_t i = 0; i < address.n; i++) {
		char c = address.p[i];

		/* RFC 3461, 4. */
		if (c < '!' || c > '~' || c == '+' || c == '=')
			(void)buf_printf(out, "+%02X", (unsigned char)c);
		else
			(void)buf_putc(out, c);
	}
	return !out->overflow;
}

void
notice_content(struct delivery *d, const void *p, size_t n)
{
	size_t room = d->header.max - d->header.n;

	if (d->keep_header)
		(void)buf_add(&d->header, p, n < room ? n : room);
}

bool
notice_wants_failures(unsigned notify)
{
	return (notify & NEVER) == 0 &&
	       (notify == 0 || (notify & FAILURE) != 0);
}

/* A script wants it in no mailbox. */
static bool
is_nowhere(const struct delivery *d, const struct recipient *r)
{
	for (size_t k = 0; k < r->n; k++)
		if (!filter_is_kept(&d->receiver[d->index[r->first + k]]))
			return true;
	return false;
}

static bool
wants(const struct delivery *d, const struct recipient *r, enum pst_rc result,
    enum outbound_event event)
{
	if ((r->notify & NEVER) != 0)
		return false;
	if (event == OUTBOUND_LOOPED)
		return r->loops && d->one_answer &&
		       notice_wants_failures(r->notify);
	if (result != PST_OK || r->loops || (r->notify & SUCCESS) == 0 ||
	    is_nowhere(d, r))
		return false;
	/* What goes on to one address is told of by who has it in the end. */
	if (event == OUTBOUND_EXPANDED)
		return r->targets > 1;
	return r->targets == 1 && !r->is_away;
}

static enum pst_rc
send_event(struct delivery *d, enum pst_rc *results, enum outbound_event event,
    struct outbound_recipient *to)
{
	struct outbound_envelope e = d->envelope;
	struct pst_error err = { 0 };
	enum pst_rc rc;

	e.sender = str_of(d->sender);
	e.recipient = to;
	e.recipients = 0;
	for (size_t i = 0; i < d->recipients; i++) {
		const struct recipient *r = &d->recipient[i];

		if (wants(d, r, results[i], event))
			to[e.recipients++] = (struct outbound_recipient){
				.address = str_of(r->address),
				.orcpt = str_of(r->orcpt),
				.notify = r->notify,
			};
	}
	if (e.recipients == 0)
		return PST_OK;
	rc = d->sv->outbound->report(d->sv->outbound->arg, event, &e,
	    str_of(d->id), buf_str(&d->header), &err);
	if (rc != PST_OK)
		log_failure(PST_LOG_ERROR, 0, "notification", &err);
	return rc;
}

bool
notice_is_too_early(const struct delivery *d, const enum pst_rc *results)
{
	for (size_t i = 0; d->one_answer && i < d->recipients; i++)
		if (results[i] != PST_OK)
			return true;
	return false;
}

void
notice_send(struct delivery *d, enum pst_rc *results)
{
	struct outbound_recipient *to;

	/* Nobody to tell, or perhaps not who sent it. */
	if (!d->keep_header || *d->sender == '\0' || d->envelope.unproven ||
	    d->sv->outbound == NULL || notice_is_too_early(d, results))
		return;
	to = mem_array(d->recipients, sizeof(*to));
	if (send_event(d, results, OUTBOUND_LOOPED, to) != PST_OK) {
		for (size_t i = 0; i < d->recipients; i++)
			if (d->recipient[i].loops)
				results[i] = PST_E_TEMP;
	} else {
		(void)send_event(d, results, OUTBOUND_DELIVERED, to);
		(void)send_event(d, results, OUTBOUND_EXPANDED, to);
	}
	free(to);
}
