/*
 * delivery/refusal.c - see refusal.h.
 */
#include "delivery/refusal.h"

#include "base/log.h"
#include "base/str.h"
#include "base/trail.h"
#include "delivery/notice.h"

/* Whoever hears the answer asked for this user alone. */
static bool
is_alone(const struct delivery *d, size_t receiver)
{
	size_t n = 0;

	if (d->one_answer && (d->receivers > 1 || d->away.parts > 0))
		return false;
	for (size_t i = 0; i < d->edges; i++)
		if (!d->edge[i].is_part && d->edge[i].to == receiver)
			return false;
	for (size_t i = 0; i < d->recipients; i++) {
		const struct recipient *r = &d->recipient[i];

		if (!delivery_leads_to(d, r, receiver))
			continue;
		if (r->n > 1 || r->is_away)
			return false;
		n++;
	}
	return n > 0;
}

static bool
can_be_said(const struct delivery *d, struct pst_str text)
{
	return str_is_ascii(text) || d->envelope.smtputf8;
}

/* There is a sender who may be told: no backscatter (RFC 5429, 2.1.1). */
static bool
has_sender(const struct delivery *d)
{
	return *d->sender != '\0' && !d->envelope.unproven;
}

/* The words of a "reject" are for people: in a notification, when the answer
 * cannot have them (2.2). */
static void
decide(const struct delivery *d, size_t i)
{
	struct filter *f = d->receiver[i].filter;
	bool may_tell = has_sender(d) && d->sv->outbound != NULL;

	f->refuses = d->can_refuse && !filter_is_kept(&d->receiver[i]) &&
		     is_alone(d, i);
	if (f->refuses && f->reject->kind == SIEVE_REJECT && may_tell &&
	    !can_be_said(d, f->reject->text))
		f->refuses = false;
	if (!f->refuses && has_sender(d) && !may_tell) {
		f->reject = NULL;
		filter_add_keep(f);
	}
}

void
refusal_decide(struct delivery *d)
{
	for (size_t i = 0; i < d->receivers; i++) {
		const struct filter *f = d->receiver[i].filter;

		if (f != NULL && f->reject != NULL)
			decide(d, i);
	}
}

struct pst_str
delivery_refusal(const struct delivery *d, size_t recipient)
{
	const struct recipient *r = &d->recipient[recipient];
	const struct filter *f = r->n == 1
				     ? d->receiver[d->index[r->first]].filter
				     : NULL;

	if (f == NULL || !f->refuses)
		return STR_NONE;
	return f->reject->text.n > 0 && can_be_said(d, f->reject->text)
		   ? f->reject->text
		   : STR("The recipient does not want this message");
}

static enum pst_rc
tell(struct delivery *d, size_t i, struct pst_error *err)
{
	const struct filter *f = d->receiver[i].filter;
	const struct recipient *r = delivery_recipient_of(d, i);
	const char *user = mail_account_id(d->receiver[i].acct);
	struct outbound_recipient to = { .address = str_of(f->to) };
	struct outbound_envelope e = d->envelope;
	bool told = has_sender(d) && d->sv->outbound != NULL;

	if (r != NULL) {
		to.orcpt = str_of(r->orcpt);
		to.notify = r->notify;
	}
	told = told && notice_wants_failures(to.notify);
	log_event(PST_LOG_INFO, 0, "rejected", "user", user, "sender",
	    d->sender, "told", told ? "yes" : "no", NULL);
	trail_event(NULL, "rejected", "user", user, "told",
	    told ? "by a notification" : "nobody", NULL);
	if (!told)
		return PST_OK;
	e.sender = str_of(d->sender);
	e.recipient = &to;
	e.recipients = 1;
	e.note = f->reject->text;
	return d->sv->outbound->report(d->sv->outbound->arg, OUTBOUND_REFUSED,
	    &e, str_of(d->id), buf_str(&d->header), err);
}

bool
refusal_tell(struct delivery *d)
{
	bool ok = true;

	for (size_t i = 0; i < d->receivers; i++) {
		struct receiver *r = &d->receiver[i];
		struct pst_error err = { 0 };

		if (r->filter == NULL || r->filter->reject == NULL ||
		    r->filter->refuses || r->rc != PST_OK)
			continue;
		if (tell(d, i, &err) == PST_OK)
			continue;
		log_failure(PST_LOG_ERROR, 0, "notification", &err);
		r->rc = PST_E_TEMP;
		ok = false;
	}
	return ok;
}
