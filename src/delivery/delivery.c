/*
 * delivery/delivery.c - who gets a message, and its content on the way to all
 * of them.
 */
#include "delivery/priv.h"

#include "base/str.h"
#include "delivery/filter.h"
#include "delivery/notice.h"
#include "delivery/route.h"

#include <stdlib.h>

enum {
	USERS_MAX = 2000,	 /* of one message */
	GATHER = 32 * 1024,	 /* small pieces are written together */
	FIELDS_MAX = 256 * 1024, /* that are put on top of one message */
	HEADER_MAX = 64 * 1024,	 /* of what a notice sends back */
};

struct delivery *
delivery_new(const struct services *sv, struct config *cfg)
{
	struct delivery *d = mem_alloc(sizeof(*d));

	d->sv = sv;
	d->cfg = config_ref(cfg);
	buf_init(&d->gather, (size_t)2 * GATHER);
	buf_init(&d->top, FIELDS_MAX);
	buf_init(&d->trace, FIELDS_MAX);
	buf_init(&d->header, HEADER_MAX);
	return d;
}

void
delivery_free(struct delivery **dp)
{
	struct delivery *d = *dp;

	if (d == NULL)
		return;
	for (size_t i = 0; i < d->copies; i++)
		mail_stage_free(&d->copy[i].stage);
	delivery_drop_receivers(d, 0);
	if (d->begun)
		rewrite_fini(&d->rewrite);
	repeat_hash_free(&d->hash, NULL);
	if (d->held)
		hold_fini(&d->hold);
	buf_fini(&d->gather);
	buf_fini(&d->top);
	buf_fini(&d->trace);
	free(d->copy);
	for (size_t i = 0; i < d->recipients; i++) {
		free(d->recipient[i].address);
		free(d->recipient[i].orcpt);
	}
	free(d->receiver);
	free(d->recipient);
	free(d->index);
	free(d->author);
	free(d->system_user);
	free(d->peer);
	free(d->edge);
	free(d->fields);
	free(d->envid);
	free(d->sender);
	free(d->id);
	buf_fini(&d->header);
	aways_fini(&d->away);
	config_unref(&d->cfg);
	free(d);
	*dp = NULL;
}

/* --- recipients ------------------------------------------------------------
 */

/* Takes over `*acct`. The place among the receivers. */
static size_t
add_receiver(struct delivery *d, struct mail_account **acct)
{
	for (size_t i = 0; i < d->receivers; i++) {
		if (d->receiver[i].acct == *acct) {
			mail_account_close(acct);
			return i;
		}
	}
	mem_grow(&d->receiver, &d->receivers_cap, d->receivers + 1,
	    sizeof(*d->receiver));
	d->receiver[d->receivers] = (struct receiver){ .acct = *acct };
	*acct = NULL;
	return d->receivers++;
}

void
delivery_drop_receivers(struct delivery *d, size_t receivers)
{
	while (d->receivers > receivers) {
		struct receiver *r = &d->receiver[--d->receivers];

		if (r->has_copy)
			d->copy[r->copy].left--;
		filter_free(&r->filter);
		mail_account_close(&r->acct);
	}
}

enum pst_rc
delivery_add_user(struct delivery *d, const struct account_user *user,
    uint64_t size, size_t *at_r, struct pst_error *err)
{
	struct mail_account *acct = NULL;
	enum pst_rc rc;

	rc = mail_account_open(d->sv->store, user, &acct, err);
	if (rc != PST_OK)
		return rc == PST_E_NOSPACE ? rc : PST_E_TEMP;
	rc = mail_account_room(acct, size > 0 ? size : 1, err);
	if (rc != PST_OK) {
		mail_account_close(&acct);
		return rc == PST_E_QUOTA ? rc : PST_E_TEMP;
	}
	*at_r = add_receiver(d, &acct);
	return PST_OK;
}

static enum pst_rc
add_user(struct delivery *d, const struct account_user *user, uint64_t size,
    struct pst_error *err)
{
	size_t at;
	enum pst_rc rc = delivery_add_user(d, user, size, &at, err);

	if (rc != PST_OK)
		return rc;
	mem_grow(&d->index, &d->indexes_cap, d->indexes + 1, sizeof(*d->index));
	d->index[d->indexes++] = at;
	return PST_OK;
}

/* May what the address leads to on other servers go there? `direct`: it is such
 * an address itself. */
static enum pst_rc
check_away(const struct delivery *d, const struct delivery_recipient *r,
    bool direct, size_t targets, struct pst_error *err)
{
	bool may = r->may_relay || (!direct && d->cfg->forward.enabled);

	if (targets == 0)
		return PST_OK;
	if (d->sv->outbound == NULL || !may)
		return pst_fail(err, PST_E_UNSUPPORTED, 0, "other server");
	if (d->away.recipients + targets > USERS_MAX ||
	    d->away.parts >= AWAY_PARTS_MAX)
		return pst_fail(err, PST_E_LIMIT, 0, "too many recipients");
	return PST_OK;
}

static size_t
add_away(struct delivery *d, const struct delivery_recipient *r, bool direct,
    const struct delivery_route *route)
{
	struct outbound_recipient out = { r->address, r->orcpt, r->notify };
	size_t part = aways_part(
	    &d->away, direct ? STR_NONE : str_of(route->address));
	struct buf orcpt;

	if (direct)
		aways_add(&d->away, part, &out);
	/* So that the sender knows the address in what comes back (RFC 3461,
	 * 5.2.1). */
	buf_init(&orcpt, 1024);
	if (out.orcpt.n == 0 && notice_orcpt(r->address, &orcpt))
		out.orcpt = buf_str(&orcpt);
	out.notify = notice_passed_on(
	    r->notify, route->outsides + route->users);
	for (size_t i = 0; i < route->outsides; i++) {
		out.address = str_of(route->outside[i]);
		aways_add(&d->away, part, &out);
	}
	buf_fini(&orcpt);
	return part;
}

bool
delivery_leads_to(
    const struct delivery *d, const struct recipient *r, size_t receiver)
{
	for (size_t k = 0; k < r->n; k++)
		if (d->index[r->first + k] == receiver)
			return true;
	return false;
}

const struct recipient *
delivery_recipient_of(const struct delivery *d, size_t receiver)
{
	for (size_t i = 0; i < d->recipients; i++)
		if (delivery_leads_to(d, &d->recipient[i], receiver))
			return &d->recipient[i];
	return NULL;
}

enum pst_rc
delivery_add(struct delivery *d, const struct delivery_recipient *r,
    struct pst_error *err)
{
	size_t receivers = d->receivers, indexes = d->indexes;
	struct delivery_route route;
	enum pst_rc rc = route_resolve(
	    d->sv, d->cfg, r->address, USERS_MAX - d->receivers, &route, err);
	bool direct = rc == PST_E_UNSUPPORTED;
	struct recipient to = { .first = indexes };

	if (rc == PST_OK || direct)
		rc = check_away(d, r, direct, direct ? 1 : route.outsides, err);
	for (size_t i = 0; rc == PST_OK && i < route.users; i++)
		rc = add_user(d, &route.user[i], r->size, err);
	if (rc != PST_OK) {
		delivery_drop_receivers(d, receivers);
		d->indexes = indexes;
	} else {
		to.n = d->indexes - indexes;
		to.targets = direct ? 1 : route.outsides + route.users;
		to.address = str_dup(r->address);
		to.orcpt = str_dup(r->orcpt);
		to.notify = r->notify;
		/* SUCCESS, or a loop that may be. */
		d->keep_header |= (r->notify & 2) != 0 || route.outsides > 0;
		to.is_away = direct || route.outsides > 0;
		if (to.is_away)
			to.part = add_away(d, r, direct, &route);
		mem_grow(&d->recipient, &d->recipients_cap, d->recipients + 1,
		    sizeof(*d->recipient));
		d->recipient[d->recipients++] = to;
	}
	route_fini(&route);
	return rc;
}

/* --- content ----------------------------------------------------------------
 */

enum pst_rc
delivery_add_copy(
    struct delivery *d, size_t i, uint64_t size, struct pst_error *err)
{
	struct receiver *r = &d->receiver[i];
	size_t k = 0;
	enum pst_rc rc;

	while (k < d->copies && !mail_stage_fits(d->copy[k].stage, r->acct))
		k++;
	if (k == d->copies) {
		struct copy *c;

		mem_grow(&d->copy, &d->copies_cap, k + 1, sizeof(*d->copy));
		c = &d->copy[k];
		memset(c, 0, sizeof(*c));
		rc = mail_stage_new(r->acct, size, &c->stage, err);
		if (rc != PST_OK)
			return rc;
		d->copies++;
	}
	r->copy = k;
	r->has_copy = true;
	d->copy[k].left++;
	return PST_OK;
}

/* Writes to every storage that has not failed; fails when none is left. */
static enum pst_rc
write_copies(struct delivery *d, const void *p, size_t n)
{
	enum pst_rc rc = PST_E_TEMP;

	for (size_t i = 0; i < d->away.parts; i++) {
		struct away *part = &d->away.part[i];

		away_write(&d->away, part, p, n);
		if (part->rc != PST_OK && d->failure.rc == PST_OK)
			d->failure = part->err;
		if (part->rc == PST_OK || rc != PST_OK)
			rc = part->rc;
	}
	for (size_t i = 0; i < d->copies; i++) {
		struct copy *c = &d->copy[i];
		struct pst_error err = { 0 };

		if (c->rc == PST_OK) {
			c->rc = mail_stage_write(c->stage, p, n, &err);
			if (c->rc != PST_OK && d->failure.rc == PST_OK)
				d->failure = err;
		}
		if (c->rc == PST_OK || rc != PST_OK)
			rc = c->rc;
	}
	return rc;
}

static enum pst_rc
flush_gathered(struct delivery *d)
{
	enum pst_rc rc = PST_OK;

	if (d->gather.n > 0)
		rc = write_copies(d, d->gather.p, d->gather.n);
	buf_clear(&d->gather);
	return rc;
}

static enum pst_rc
write_gathered(void *arg, const void *p, size_t n)
{
	struct delivery *d = arg;
	enum pst_rc rc;

	if (d->gather.n + n > GATHER) {
		rc = flush_gathered(d);
		if (rc != PST_OK)
			return rc;
		if (n >= GATHER)
			return write_copies(d, p, n);
	}
	(void)buf_add(&d->gather, p, n);
	return PST_OK;
}

/* The sink of the rewriter. */
static enum pst_rc
write_rewritten(void *arg, const void *p, size_t n)
{
	struct delivery *d = arg;

	notice_content(d, p, n);
	if (d->sealed)
		d->seal.content(d->seal.arg, p, n);
	if (d->held)
		return hold_add(&d->hold, p, n,
		    d->failure.rc == PST_OK ? &d->failure : NULL);
	return write_gathered(d, p, n);
}

/* The fields that only those get to whom it is sent on. */
static void
put_send_on(struct delivery *d)
{
	for (size_t i = 0; d->send_on != NULL && i < d->away.parts; i++) {
		struct away *part = &d->away.part[i];
		const char *at;
		struct buf top;

		if (part->forwarder == NULL)
			continue;
		at = strrchr(part->forwarder, '@');
		buf_init(&top, AWAY_TOP_MAX);
		d->send_on(d->send_on_arg, at != NULL ? at + 1 : "", &top);
		(void)buf_add_str(&top, buf_str(&part->top));
		if (!top.overflow) {
			struct buf old = part->top;

			part->top = top;
			top = old;
		}
		buf_fini(&top);
	}
}

/* What was held goes to the storages, below the fields on top. */
static enum pst_rc
release_held(struct delivery *d)
{
	struct pst_error err = { 0 };
	struct buf fields;
	enum pst_rc rc;

	buf_init(&fields, FIELDS_MAX);
	if (d->sealed)
		d->seal.fields(d->seal.arg, &fields);
	put_send_on(d);
	rc = write_gathered(d, d->top.p, d->top.n);
	if (rc == PST_OK)
		rc = write_gathered(d, d->trace.p, d->trace.n);
	if (rc == PST_OK)
		rc = write_gathered(d, fields.p, fields.n);
	buf_fini(&fields);
	if (rc == PST_OK)
		rc = hold_release(&d->hold, write_gathered, d, &err);
	if (err.rc != PST_OK && d->failure.rc == PST_OK)
		d->failure = err;
	return rc;
}

enum pst_rc
delivery_end(struct delivery *d)
{
	return rewrite_end(&d->rewrite, write_rewritten, d);
}

enum pst_rc
delivery_release(struct delivery *d)
{
	enum pst_rc rc = d->held ? release_held(d) : PST_OK;

	return rc == PST_OK ? flush_gathered(d) : rc;
}

enum pst_rc
delivery_write(
    struct delivery *d, const void *p, size_t n, struct pst_error *err)
{
	enum pst_rc rc;

	if (d->hash != NULL)
		repeat_hash_add(d->hash, p, n);
	if (d->rewrite.received > (uint64_t)d->cfg->smtp.hops)
		return PST_OK;
	rc = rewrite_feed(&d->rewrite, p, n, write_rewritten, d);
	if (rc != PST_OK && err != NULL)
		*err = d->failure;
	return rc;
}
