/*
 * delivery/delivery.c - who gets a message, and its content on the way to all
 * of them.
 */
#include "delivery/priv.h"

#include "base/clock.h"
#include "base/str.h"
#include "base/trail.h"
#include "delivery/forward.h"
#include "delivery/notice.h"
#include "delivery/route.h"
#include "delivery/vacation.h"
#include "message/header.h"

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
	for (size_t i = 0; i < d->receivers; i++)
		mail_account_close(&d->receiver[i].acct);
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

/* Undoes what delivery_add() did before it failed. */
static void
drop_receivers(struct delivery *d, size_t receivers, size_t indexes)
{
	while (d->receivers > receivers)
		mail_account_close(&d->receiver[--d->receivers].acct);
	d->indexes = indexes;
}

static enum pst_rc
add_user(struct delivery *d, const struct account_user *user, uint64_t size,
    struct pst_error *err)
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
	mem_grow(&d->index, &d->indexes_cap, d->indexes + 1, sizeof(*d->index));
	d->index[d->indexes] = add_receiver(d, &acct);
	d->indexes++;
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
		drop_receivers(d, receivers, indexes);
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

static enum pst_rc
open_copies(struct delivery *d, uint64_t size, struct pst_error *err)
{
	for (size_t i = 0; i < d->receivers; i++) {
		struct receiver *r = &d->receiver[i];
		struct copy *c;
		enum pst_rc rc;
		size_t k = 0;

		while (k < d->copies &&
		       !mail_stage_fits(d->copy[k].stage, r->acct))
			k++;
		r->copy = k;
		if (k == d->copies) {
			mem_grow(
			    &d->copy, &d->copies_cap, k + 1, sizeof(*d->copy));
			c = &d->copy[k];
			memset(c, 0, sizeof(*c));
			rc = mail_stage_new(r->acct, size, &c->stage, err);
			if (rc != PST_OK)
				return rc;
			d->copies++;
		}
		d->copy[k].left++;
	}
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

/* --- the beginning ----------------------------------------------------------
 */

static int
compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

size_t
delivery_names(const struct delivery *d)
{
	return d->receivers + d->away.parts;
}

void
delivery_fill_names(const struct delivery *d, const char **name)
{
	for (size_t i = 0; i < d->receivers; i++)
		name[i] = mail_account_id(d->receiver[i].acct);
	for (size_t i = 0; i < d->away.parts; i++)
		name[d->receivers + i] = d->away.part[i].name;
}

/* Sender and recipients, whatever the order of those here, begin the hash. */
static void
begin_hash(struct delivery *d, struct pst_str sender)
{
	size_t names = delivery_names(d);
	const char **name;

	d->hash = repeat_hash_new();
	if (d->hash == NULL)
		return;
	name = mem_array(names, sizeof(*name));
	delivery_fill_names(d, name);
	qsort(name, names, sizeof(*name), compare_names);
	repeat_hash_add(d->hash, sender.p, sender.n);
	repeat_hash_add(d->hash, "", 1);
	for (size_t i = 0; i < names; i++)
		repeat_hash_add(d->hash, name[i], strlen(name[i]) + 1);
	for (size_t i = 0; i < d->away.parts; i++) {
		const struct away *part = &d->away.part[i];

		for (size_t k = 0; k < part->n; k++) {
			repeat_hash_add(d->hash, part->recipient[k].address.p,
			    part->recipient[k].address.n);
			repeat_hash_add(d->hash, "", 1);
		}
	}
	repeat_hash_add(d->hash, "", 1);
	free(name);
}

/* The fields for a user's message that lacks them, in one text. */
static void
make_fields(struct delivery *d, const struct delivery_message *m,
    struct rewrite_options *opt)
{
	struct buf text;
	char date[40];
	size_t from, id;

	buf_init(&text, 4096);
	msg_format_date(clock_seconds(), 0, date);
	(void)buf_printf(&text, "Date: %s\r\n", date);
	from = text.n;
	(void)buf_printf(&text, "From: <%.*s>\r\n",
	    STR_ARG(m->sender.n > 0 ? m->sender : m->author));
	id = text.n;
	(void)buf_printf(&text, "Message-ID: <%.*s@%s>\r\n", STR_ARG(m->id),
	    d->cfg->hostname);
	d->fields = str_dup(buf_str(&text));
	opt->date = str_n(d->fields, from);
	opt->from = str_n(d->fields + from, id - from);
	opt->message_id = str_n(d->fields + id, text.n - id);
	buf_fini(&text);
}

/* Return-Path is for mailboxes: servers on the way have the envelope (RFC 5321,
 * 4.4). */
static enum pst_rc
begin_part(struct delivery *d, struct away *part,
    const struct delivery_message *m, struct pst_error *err)
{
	struct pst_str forwarder = str_of(part->forwarder);
	struct buf sender;
	enum pst_rc rc = PST_OK;

	buf_init(&sender, 1024);
	(void)buf_add_str(&sender, m->sender);
	if (part->forwarder != NULL) {
		rc = forward_sender(
		    d->sv, d->cfg, forwarder, m->sender, &sender, err);
		forward_mark(forwarder, &part->top);
	}
	part->sender = str_dup(buf_str(&sender));
	buf_fini(&sender);
	if (rc == PST_OK)
		away_begin(&d->away, part,
		    strlen("Return-Path: <>\r\n") + m->sender.n);
	return rc;
}

static enum pst_rc
begin_away(
    struct delivery *d, const struct delivery_message *m, struct pst_error *err)
{
	enum pst_rc rc = PST_OK;

	if (m->envelope != NULL)
		d->envelope = *m->envelope;
	d->sender = str_dup(m->sender);
	d->id = str_dup(m->id);
	d->envid = str_dup(d->envelope.envid);
	d->envelope.envid = str_of(d->envid);
	d->away.out = d->sv->outbound;
	for (size_t i = 0; rc == PST_OK && i < d->away.parts; i++)
		rc = begin_part(d, &d->away.part[i], m, err);
	return rc;
}

bool
delivery_is_forwarded(const struct delivery *d)
{
	for (size_t i = 0; i < d->away.parts; i++)
		if (d->away.part[i].forwarder != NULL)
			return true;
	return false;
}

enum pst_rc
delivery_begin(
    struct delivery *d, const struct delivery_message *m, struct pst_error *err)
{
	struct rewrite_options opt = {
		.header_max = (size_t)d->cfg->limits.header_size,
		.drop_results = m->foreign ? d->cfg->hostname : NULL,
		.keep_delivered = delivery_is_forwarded(d),
		.keep_id = trail_is_on(),
	};
	enum pst_rc rc;

	rc = open_copies(d, m->size, err);
	if (rc == PST_OK)
		rc = begin_away(d, m, err);
	if (rc != PST_OK) {
		while (d->copies > 0)
			mail_stage_free(&d->copy[--d->copies].stage);
		return rc;
	}
	for (size_t i = 0; i < d->receivers; i++) {
		d->receiver[i].answers = m->sender.n > 0 &&
					 vacation_is_on(d->receiver[i].acct);
		d->keep_header |= d->receiver[i].answers;
	}
	d->one_answer = m->one_answer;
	if (d->one_answer && delivery_names(d) > 1)
		begin_hash(d, m->sender);
	if (m->author.n > 0) {
		d->author = str_dup(m->author);
		if (m->system_user != NULL)
			d->system_user = str_dup(str_of(m->system_user));
		opt.drop_bcc = opt.keep_authors = true;
		make_fields(d, m, &opt);
	}
	rewrite_init(&d->rewrite, &opt);
	d->begun = true;
	d->sealed = m->seal != NULL;
	if (d->sealed)
		d->seal = *m->seal;
	d->held = m->hold || d->sealed;
	d->send_on = m->send_on;
	d->send_on_arg = m->send_on_arg;
	d->handing = m->handing;
	d->handing_arg = m->handing_arg;
	d->envelope.waits = m->handing != NULL;
	d->again = m->again;
	d->was_queued = m->was_queued;
	if (d->held)
		hold_init(
		    &d->hold, (size_t)d->cfg->trust.memory, d->cfg->state_dir);
	(void)buf_printf(d->held ? &d->top : &d->gather,
	    "Return-Path: <%.*s>\r\n", STR_ARG(m->sender));
	(void)buf_add_str(d->held ? &d->trace : &d->gather, m->trace);
	return PST_OK;
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
