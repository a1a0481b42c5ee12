/*
 * delivery/delivery.c - local delivery.
 *
 * The results of a message for several users may differ. What was stored stays
 * stored; repeat.c keeps a repetition from storing it twice.
 */
#include "delivery/delivery.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "delivery/away.h"
#include "delivery/hold.h"
#include "delivery/repeat.h"
#include "delivery/rewrite.h"
#include "delivery/route.h"
#include "message/header.h"

#include <stdlib.h>

enum {
	USERS_MAX = 2000,	 /* of one message */
	GATHER = 32 * 1024,	 /* small pieces are written together */
	AUTHORS_MAX = 100,	 /* addresses in From */
	FIELDS_MAX = 256 * 1024, /* that are put on top of one message */
};

/* The content in one storage. */
struct copy {
	struct mail_stage *stage;
	enum pst_rc rc; /* the first failure */
	size_t left;	/* users that do not have it yet */
};

/* A user who gets the message. */
struct receiver {
	struct mail_account *acct;
	size_t copy;
	enum pst_rc rc;
	bool has_it;
};

/* A recipient: receivers `index[first]` to `index[first + n - 1]`. */
struct recipient {
	size_t first, n;
	bool is_away; /* leads to other servers, too */
};

struct delivery {
	const struct services *sv;
	struct config *cfg;
	struct receiver *receiver;
	size_t receivers, receivers_cap;
	struct recipient *recipient;
	size_t recipients, recipients_cap;
	size_t *index;
	size_t indexes, indexes_cap;

	bool begun, one_answer;
	char *author; /* NULL: from elsewhere */
	char *fields; /* that rewrite may put in */
	struct copy *copy;
	size_t copies, copies_cap;
	struct rewrite rewrite;
	struct buf gather;
	struct repeat_hash *hash;
	struct pst_error failure; /* of the first storage that failed */

	bool held, sealed, junk;
	struct away away;
	struct outbound_envelope envelope; /* for that */
	char *sender, *envid;
	struct hold hold;
	struct delivery_seal seal;
	struct buf top, trace; /* of what is held */
};

struct delivery *
delivery_new(const struct services *sv, struct config *cfg)
{
	struct delivery *d = mem_alloc(sizeof(*d));

	d->sv = sv;
	d->cfg = config_ref(cfg);
	d->away.out = sv->outbound;
	buf_init(&d->gather, (size_t)2 * GATHER);
	buf_init(&d->top, FIELDS_MAX);
	buf_init(&d->trace, FIELDS_MAX);
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
	free(d->receiver);
	free(d->recipient);
	free(d->index);
	free(d->author);
	free(d->fields);
	free(d->sender);
	free(d->envid);
	away_fini(&d->away);
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

/* `address` is on another server. */
static enum pst_rc
add_away(struct delivery *d, const struct delivery_recipient *r,
    struct pst_str address, struct pst_error *err)
{
	const struct outbound_recipient out = { address, r->orcpt, r->notify };

	if (d->sv->outbound == NULL || !r->may_relay)
		return pst_fail(err, PST_E_UNSUPPORTED, 0, "other server");
	if (d->away.n >= USERS_MAX)
		return pst_fail(err, PST_E_LIMIT, 0, "too many recipients");
	away_add(&d->away, &out);
	return PST_OK;
}

enum pst_rc
delivery_add(struct delivery *d, const struct delivery_recipient *r,
    struct pst_error *err)
{
	size_t receivers = d->receivers, indexes = d->indexes, away = d->away.n;
	struct delivery_route route;
	enum pst_rc rc = route_resolve(
	    d->sv, d->cfg, r->address, USERS_MAX - d->receivers, &route, err);
	bool is_away = rc == PST_E_UNSUPPORTED || route.outsides > 0;

	if (rc == PST_E_UNSUPPORTED)
		rc = add_away(d, r, r->address, err);
	for (size_t i = 0; rc == PST_OK && i < route.outsides; i++)
		rc = add_away(d, r, str_of(route.outside[i]), err);
	for (size_t i = 0; rc == PST_OK && i < route.users; i++)
		rc = add_user(d, &route.user[i], r->size, err);
	if (rc != PST_OK) {
		drop_receivers(d, receivers, indexes);
		away_cut(&d->away, away);
	} else {
		mem_grow(&d->recipient, &d->recipients_cap, d->recipients + 1,
		    sizeof(*d->recipient));
		d->recipient[d->recipients++] = (struct recipient){
			.first = indexes,
			.n = d->indexes - indexes,
			.is_away = is_away,
		};
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

	if (d->away.message != NULL) {
		away_write(&d->away, p, n);
		rc = d->away.rc;
		if (rc != PST_OK && d->failure.rc == PST_OK)
			d->failure = d->away.err;
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

	if (d->sealed)
		d->seal.content(d->seal.arg, p, n);
	if (d->held)
		return hold_add(&d->hold, p, n,
		    d->failure.rc == PST_OK ? &d->failure : NULL);
	return write_gathered(d, p, n);
}

/* What was held goes to the storages, below the fields on top. */
static enum pst_rc
release(struct delivery *d)
{
	struct pst_error err = { 0 };
	struct buf fields;
	enum pst_rc rc;

	buf_init(&fields, FIELDS_MAX);
	if (d->sealed)
		d->seal.fields(d->seal.arg, &fields);
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

static int
compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void
receiver_names(const struct delivery *d, const char **name)
{
	for (size_t i = 0; i < d->receivers; i++)
		name[i] = mail_account_id(d->receiver[i].acct);
}

/* Sender and recipients, whatever their order, begin the hash. */
static void
begin_hash(struct delivery *d, struct pst_str sender)
{
	const char **name;

	d->hash = repeat_hash_new();
	if (d->hash == NULL)
		return;
	name = mem_array(d->receivers, sizeof(*name));
	receiver_names(d, name);
	qsort(name, d->receivers, sizeof(*name), compare_names);
	repeat_hash_add(d->hash, sender.p, sender.n);
	repeat_hash_add(d->hash, "", 1);
	for (size_t i = 0; i < d->receivers; i++)
		repeat_hash_add(d->hash, name[i], strlen(name[i]) + 1);
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
static void
begin_away(struct delivery *d, const struct delivery_message *m)
{
	if (m->envelope != NULL)
		d->envelope = *m->envelope;
	d->sender = str_dup(m->sender);
	d->envid = str_dup(d->envelope.envid);
	d->envelope.sender = str_of(d->sender);
	d->envelope.envid = str_of(d->envid);
	away_begin(&d->away, strlen("Return-Path: <>\r\n") + m->sender.n);
}

enum pst_rc
delivery_begin(
    struct delivery *d, const struct delivery_message *m, struct pst_error *err)
{
	struct rewrite_options opt = {
		.header_max = (size_t)d->cfg->limits.header_size,
		.drop_results = m->foreign ? d->cfg->hostname : NULL,
	};
	enum pst_rc rc;

	rc = open_copies(d, m->size, err);
	if (rc != PST_OK) {
		while (d->copies > 0)
			mail_stage_free(&d->copy[--d->copies].stage);
		return rc;
	}
	d->one_answer = m->one_answer;
	if (d->one_answer && d->receivers + (d->away.n > 0) > 1)
		begin_hash(d, m->sender);
	begin_away(d, m);
	if (m->author.n > 0) {
		d->author = str_dup(m->author);
		opt.drop_bcc = opt.keep_authors = true;
		make_fields(d, m, &opt);
	}
	rewrite_init(&d->rewrite, &opt);
	d->begun = true;
	d->sealed = m->seal != NULL;
	if (d->sealed)
		d->seal = *m->seal;
	d->held = m->hold || d->sealed;
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

/* --- the end ----------------------------------------------------------------
 */

/* DENIED: it is not. */
static enum pst_rc
check_own_address(const struct delivery *d, const struct msg_address *ad,
    struct pst_error *err)
{
	struct buf text;
	enum pst_rc rc = PST_E_DENIED;

	if (ad->kind != MSG_ADDRESS)
		return PST_OK;
	if (ad->host.p == NULL)
		return PST_E_DENIED;
	buf_init(&text, 1024);
	if (msg_address_print(ad, &text) && buf_putc(&text, '\0'))
		rc = account_may_send_as(
		    d->sv->accounts, d->author, text.p, err);
	buf_fini(&text);
	return rc;
}

/* RFC 5322, 3.6: one From field; and every address in it is the user's. */
static enum delivery_verdict
judge_author(const struct delivery *d)
{
	const struct rewrite *w = &d->rewrite;
	struct pst_error err = { 0 };
	struct msg_address *ad;
	struct arena *arena;
	size_t addresses = 0;
	enum pst_rc rc = PST_OK;

	if (w->froms == 0)
		return DELIVERY_DONE; /* it was put in */
	if (w->froms > 1)
		return DELIVERY_FORGED;
	arena = arena_new(0);
	ad = msg_addresses(arena, buf_str(&w->authors), AUTHORS_MAX + 1);
	for (; rc == PST_OK && ad != NULL; ad = ad->next) {
		addresses += ad->kind == MSG_ADDRESS;
		rc = check_own_address(d, ad, &err);
	}
	arena_free(&arena);
	if (rc != PST_OK && rc != PST_E_DENIED) {
		log_failure(PST_LOG_ERROR, 0, "author", &err);
		return DELIVERY_UNSURE;
	}
	return rc == PST_OK && addresses > 0 && addresses <= AUTHORS_MAX
		   ? DELIVERY_DONE
		   : DELIVERY_FORGED;
}

static enum delivery_verdict
judge(const struct delivery *d)
{
	if (d->rewrite.received > (uint64_t)d->cfg->smtp.hops)
		return DELIVERY_LOOP;
	if (d->author == NULL)
		return DELIVERY_DONE;
	if (d->rewrite.cut)
		return DELIVERY_HEADER;
	return judge_author(d);
}

/* The user's mailbox for junk, by its configured use. */
static const char *
junk_mailbox(const struct delivery *d)
{
	for (size_t i = 0; i < d->cfg->mailboxes; i++)
		if (strcmp(d->cfg->mailbox[i].special_use, "\\Junk") == 0)
			return d->cfg->mailbox[i].name;
	return NULL;
}

/* With the keyword by which mail programs know it (RFC 5788 registry). Tried
 * again is a place that is not there, nothing else. */
static enum pst_rc
deliver_junk(struct delivery *d, struct receiver *r,
    const struct mail_append *plain, struct pst_error *err)
{
	static const char *const keywords[] = { "$Junk" };
	struct mail_append append = *plain;
	const char *name = junk_mailbox(d);
	struct mail_appended where;

	append.keywords = keywords;
	append.keyword_count = 1;
	if (name == NULL)
		return PST_E_NOTFOUND;
	return mail_append(r->acct, name, &append, 1, &where, err);
}

/* Puts the message into one user's mail; a filter would choose where. */
static enum pst_rc
deliver_to_user(struct delivery *d, struct receiver *r, struct pst_error *err)
{
	struct copy *c = &d->copy[r->copy];
	struct mail_append append = {
		.stage = c->stage,
		.internal_date = clock_seconds(),
		.last = c->left == 1,
	};
	struct mail_appended where;

	c->left--;
	if (c->rc != PST_OK) {
		*err = d->failure;
		return c->rc;
	}
	if (d->junk) {
		enum pst_rc rc = deliver_junk(d, r, &append, err);

		if (rc != PST_E_NOTFOUND)
			return rc;
		*err = (struct pst_error){ 0 };
	}
	return mail_append(r->acct, "INBOX", &append, 1, &where, err);
}

/* What a sender can be told apart by. */
static enum pst_rc
simple_result(enum pst_rc rc)
{
	switch (rc) {
	case PST_OK:
	case PST_E_QUOTA:
	case PST_E_NOSPACE:
	case PST_E_PERM:
		return rc;
	case PST_E_TEMP:
	case PST_E_NOTFOUND:
	case PST_E_EXISTS:
	case PST_E_DENIED:
	case PST_E_LIMIT:
	case PST_E_SYNTAX:
	case PST_E_CONFLICT:
	case PST_E_STALE:
	case PST_E_READONLY:
	case PST_E_UNSUPPORTED:
		break;
	}
	return PST_E_TEMP;
}

/* Marks who has it from an earlier attempt. */
static bool
recall(struct delivery *d, const struct repeat_key *key, const char **name)
{
	bool *has = mem_array(d->receivers, sizeof(*has));
	bool known = repeat_recall(key, name, d->receivers, has);

	for (size_t i = 0; known && i < d->receivers; i++) {
		d->receiver[i].has_it = has[i];
		if (has[i])
			d->copy[d->receiver[i].copy].left--;
	}
	free(has);
	return known;
}

static size_t
deliver_to_all(struct delivery *d, struct pst_error *err_r)
{
	size_t stored = 0;

	for (size_t i = 0; i < d->receivers; i++) {
		struct receiver *r = &d->receiver[i];
		struct pst_error err = { 0 };

		if (!r->has_it)
			r->rc = simple_result(deliver_to_user(d, r, &err));
		if (r->rc == PST_OK)
			stored++;
		else if (err_r->rc == PST_OK)
			*err_r = err;
	}
	return stored;
}

/*
 * The part for other servers comes last, and, where one answer is for all, only
 * when all users have theirs: nobody outside gets it twice when the sender has
 * to come again for somebody here.
 */
static enum pst_rc
send_away(struct delivery *d, size_t stored, struct pst_error *err_r)
{
	enum pst_rc rc;

	if (d->away.n == 0)
		return PST_OK;
	if (d->one_answer && stored < d->receivers)
		return PST_E_TEMP;
	d->envelope.author = str_of(d->author);
	rc = away_commit(&d->away, &d->envelope);
	if (rc != PST_OK && err_r->rc == PST_OK)
		*err_r = d->away.err;
	return simple_result(rc);
}

static void
remember(struct delivery *d, const struct repeat_key *key, const char **name,
    bool known, size_t stored, bool is_away)
{
	size_t n = 0;

	if ((stored == d->receivers && is_away) || stored == 0) {
		if (known && stored > 0)
			repeat_forget(key);
		return;
	}
	for (size_t i = 0; i < d->receivers; i++) {
		if (d->receiver[i].rc == PST_OK)
			name[n++] = name[i];
	}
	repeat_remember(key, name, n);
}

/* A recipient has it when all users that the address leads to have it. */
static void
fill_results(const struct delivery *d, enum pst_rc away, enum pst_rc *results_r)
{
	for (size_t i = 0; i < d->recipients; i++) {
		const struct recipient *rcpt = &d->recipient[i];

		results_r[i] = rcpt->is_away ? away : PST_OK;
		for (size_t k = 0; k < rcpt->n; k++) {
			size_t at = d->index[rcpt->first + k];

			if (results_r[i] == PST_OK)
				results_r[i] = d->receiver[at].rc;
		}
	}
}

void
delivery_mark(struct delivery *d, struct pst_str fields, bool junk)
{
	(void)buf_add_str(&d->top, fields);
	d->junk = junk;
}

/* What could not be held or read again is nowhere complete. */
static void
fail_copies(struct delivery *d, enum pst_rc rc)
{
	for (size_t i = 0; rc != PST_OK && i < d->copies; i++)
		if (d->copy[i].rc == PST_OK)
			d->copy[i].rc = rc;
	if (d->away.rc == PST_OK)
		d->away.rc = rc;
}

enum delivery_verdict
delivery_finish(struct delivery *d, enum pst_rc *results_r, size_t *stored_r,
    struct pst_error *err_r)
{
	enum delivery_verdict verdict;
	struct repeat_key key;
	const char **name = NULL;
	bool known = false, hashed = d->hash != NULL;
	enum pst_rc rc, away;

	memset(err_r, 0, sizeof(*err_r));
	*stored_r = 0;
	repeat_hash_free(&d->hash, &key);
	/* A failure to write shows in the copies. */
	rc = rewrite_end(&d->rewrite, write_rewritten, d);
	verdict = judge(d);
	if (verdict != DELIVERY_DONE)
		return verdict;
	if (rc == PST_OK && d->held)
		rc = release(d);
	if (rc == PST_OK)
		rc = flush_gathered(d);
	if (d->held)
		fail_copies(d, rc);
	if (hashed) {
		name = mem_array(d->receivers, sizeof(*name));
		receiver_names(d, name);
		known = recall(d, &key, name);
	}
	*stored_r = deliver_to_all(d, err_r);
	away = send_away(d, *stored_r, err_r);
	if (hashed)
		remember(d, &key, name, known, *stored_r, away == PST_OK);
	fill_results(d, away, results_r);
	free(name);
	return verdict;
}

const char *
delivery_queued(const struct delivery *d)
{
	return d->away.id[0] != '\0' ? d->away.id : NULL;
}
