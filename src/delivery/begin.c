/*
 * delivery/begin.c - what is known of a message before its content, and what
 * follows from it.
 */
#include "delivery/filter.h"

#include "base/clock.h"
#include "base/str.h"
#include "base/trail.h"
#include "delivery/forward.h"
#include "delivery/vacation.h"
#include "message/header.h"

#include <stdlib.h>

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
begin_part(struct delivery *d, struct away *part, struct pst_error *err)
{
	struct pst_str forwarder = str_of(part->forwarder);
	struct pst_str from = str_of(d->sender);
	struct buf sender;
	enum pst_rc rc = PST_OK;

	buf_init(&sender, 1024);
	(void)buf_add_str(&sender, from);
	if (part->forwarder != NULL) {
		rc = forward_sender(
		    d->sv, d->cfg, forwarder, from, &sender, err);
		forward_mark(forwarder, &part->top);
	}
	part->sender = str_dup(buf_str(&sender));
	buf_fini(&sender);
	if (rc == PST_OK)
		away_begin(
		    &d->away, part, strlen("Return-Path: <>\r\n") + from.n);
	return rc;
}

void
delivery_begin_part(struct delivery *d, size_t at)
{
	struct away *part = &d->away.part[at];

	part->rc = begin_part(d, part, &part->err);
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
		rc = begin_part(d, &d->away.part[i], err);
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

bool
delivery_may_be_forwarded(struct delivery *d)
{
	if (delivery_is_forwarded(d))
		return true;
	if (!d->cfg->forward.enabled || d->sv->outbound == NULL)
		return false;
	filter_open(d);
	return filter_any(d);
}

static enum pst_rc
open_copies(struct delivery *d, uint64_t size, struct pst_error *err)
{
	enum pst_rc rc = PST_OK;

	for (size_t i = 0; rc == PST_OK && i < d->receivers; i++)
		rc = delivery_add_copy(d, i, size, err);
	return rc;
}

/* Who has to look at the message when it is complete, and at its header when
 * all is done. */
static void
prepare(struct delivery *d, const struct delivery_message *m)
{
	if (!m->unfiltered)
		filter_open(d);
	d->keep_header |= filter_any(d);
	for (size_t i = 0; i < d->receivers; i++) {
		d->receiver[i].answers = m->sender.n > 0 &&
					 vacation_is_on(d->receiver[i].acct);
		d->keep_header |= d->receiver[i].answers;
	}
	d->one_answer = m->one_answer;
	d->can_refuse = m->can_refuse;
	if (m->peer.n > 0)
		d->peer = str_dup(m->peer);
	if (d->one_answer && (delivery_names(d) > 1 || filter_any(d)))
		begin_hash(d, m->sender);
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
		for (size_t i = 0; i < d->receivers; i++)
			d->receiver[i].has_copy = false;
		return rc;
	}
	prepare(d, m);
	opt.keep_delivered |= filter_any(d);
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
	d->held = m->hold || d->sealed || filter_any(d);
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
