/*
 * delivery/finish.c - the end of a delivery: whether it may be, and who has it.
 *
 * The results of a message for several users may differ. What was stored stays
 * stored; repeat.c keeps a repetition from storing it twice.
 */
#include "delivery/local.h"
#include "delivery/priv.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "base/trail.h"
#include "delivery/forward.h"
#include "delivery/notice.h"
#include "delivery/places.h"
#include "delivery/refusal.h"
#include "delivery/vacation.h"
#include "message/address.h"

#include <stdlib.h>

enum { AUTHORS_MAX = 100 }; /* addresses in From */

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
	if (!msg_address_print(ad, &text) || !buf_putc(&text, '\0'))
		rc = PST_E_DENIED;
	else if (d->system_user != NULL)
		rc = local_may_send_as(d->cfg, d->system_user, text.p)
			 ? PST_OK
			 : PST_E_DENIED;
	else
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

/* What was forwarded and is here again would be so for ever. Whether that is
 * all there is of the message. */
static bool
came_back(struct delivery *d)
{
	size_t loops = 0;

	for (size_t i = 0; i < d->away.parts; i++) {
		struct away *part = &d->away.part[i];

		part->loops = part->forwarder != NULL &&
			      (d->rewrite.delivered.overflow ||
				  forward_came_back(str_of(part->forwarder),
				      buf_str(&d->rewrite.delivered)));
	}
	for (size_t i = 0; i < d->recipients; i++) {
		struct recipient *r = &d->recipient[i];

		r->loops = r->is_away && d->away.part[r->part].loops;
		loops += r->loops;
	}
	return loops > 0 && loops == d->recipients;
}

static enum delivery_verdict
judge(struct delivery *d)
{
	if (d->rewrite.received > (uint64_t)d->cfg->smtp.hops || came_back(d))
		return DELIVERY_LOOP;
	if (d->author == NULL)
		return DELIVERY_DONE;
	if (d->rewrite.cut)
		return DELIVERY_HEADER;
	return judge_author(d);
}

/* By its configured use. */
const char *
delivery_junk_mailbox(const struct delivery *d)
{
	for (size_t i = 0; i < d->cfg->mailboxes; i++)
		if (strcmp(d->cfg->mailbox[i].special_use, "\\Junk") == 0)
			return d->cfg->mailbox[i].name;
	return NULL;
}

/* What is known of a message when its end has come, for the trail. */
static void
note_content(const struct delivery *d)
{
	struct pst_str id = str_trim(buf_str(&d->rewrite.id));
	char text[1000];

	if (id.n == 0 && d->rewrite.opt.message_id.n > 0)
		id = str_trim(
		    str_from(d->rewrite.opt.message_id, strlen("Message-ID:")));
	if (id.n > 1 && id.p[0] == '<')
		id = str_first(str_from(id, 1), str_find(id, '>') - 1);
	(void)str_copy(text, sizeof(text), id);
	trail_event(NULL, "content", "message-id",
	    text[0] != '\0' ? text : NULL, "author", d->author, NULL);
}

void
delivery_note_stored(const struct receiver *r, const char *mailbox,
    const struct mail_appended *where)
{
	char uid[16];

	(void)snprintf(uid, sizeof(uid), "%u", where->uid);
	trail_event(NULL, "stored", "user", mail_account_id(r->acct), "mailbox",
	    mailbox, "uid", uid, NULL);
}

static void
note_queued(const struct away *part)
{
	char from[1024], to[1024];

	if (!trail_is_on())
		return;
	(void)str_copy(from, sizeof(from), str_of(part->sender));
	(void)str_copy(to, sizeof(to),
	    part->n > 0 ? part->recipient[0].address : STR_NONE);
	trail_event(
	    NULL, "queued", "queue", part->id, "to", to, "from", from, NULL);
}

/* With the keyword by which mail programs know it (RFC 5788 registry). Tried
 * again is a place that is not there, nothing else. */
static enum pst_rc
deliver_junk(struct delivery *d, struct receiver *r,
    const struct mail_append *plain, struct pst_error *err)
{
	static const char *const keywords[] = { "$Junk" };
	struct mail_append append = *plain;
	const char *name = delivery_junk_mailbox(d);
	struct mail_appended where;
	enum pst_rc rc;

	append.keywords = keywords;
	append.keyword_count = 1;
	if (name == NULL)
		return PST_E_NOTFOUND;
	rc = mail_append(r->acct, name, &append, 1, &where, err);
	if (rc == PST_OK)
		delivery_note_stored(r, name, &where);
	return rc;
}

/* Puts the message into one user's mail: where scripts say, if there are some.
 */
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
	enum pst_rc rc;

	c->left--;
	if (r->filter != NULL && r->filter->refuses) {
		/* Nothing that went wrong. */
		(void)str_copy(err->detail, sizeof(err->detail),
		    STR("the user's script refuses it"));
		return PST_E_PERM;
	}
	if (c->rc != PST_OK) {
		*err = d->failure;
		return c->rc;
	}
	if (r->filter != NULL)
		return places_fill(d, r, &append, err);
	if (d->junk) {
		rc = deliver_junk(d, r, &append, err);
		if (rc != PST_E_NOTFOUND)
			return rc;
		*err = (struct pst_error){ 0 };
	}
	rc = mail_append(r->acct, "INBOX", &append, 1, &where, err);
	if (rc == PST_OK)
		delivery_note_stored(r, "INBOX", &where);
	return rc;
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
	size_t names = delivery_names(d);
	bool *has = mem_array(names, sizeof(*has));
	bool known = repeat_recall(key, name, names, has);

	for (size_t i = 0; known && i < d->receivers; i++) {
		d->receiver[i].has_it = has[i];
		if (has[i])
			d->copy[d->receiver[i].copy].left--;
	}
	for (size_t i = 0; known && i < d->away.parts; i++)
		d->away.part[i].has_it = has[d->receivers + i];
	free(has);
	return known;
}

/* How many are served; *stored_r: in whose mailboxes it is. */
static size_t
deliver_to_all(struct delivery *d, size_t *stored_r, struct pst_error *err_r)
{
	size_t served = 0;

	for (size_t i = 0; i < d->receivers; i++) {
		struct receiver *r = &d->receiver[i];
		struct pst_error err = { 0 };

		if (!r->has_it)
			r->rc = simple_result(deliver_to_user(d, r, &err));
		served += r->rc == PST_OK;
		*stored_r += r->rc == PST_OK &&
			     (r->filter == NULL || r->filter->places > 0);
		if (r->rc != PST_OK)
			trail_event(NULL, "not-stored", "user",
			    mail_account_id(r->acct), "why", err.detail, NULL);
		if (r->rc != PST_OK && err_r->rc == PST_OK)
			*err_r = err;
	}
	return served;
}

/* An author hears of their limits. */
static enum pst_rc
away_result(enum pst_rc rc)
{
	return rc == PST_E_LIMIT || rc == PST_E_DENIED ? rc : simple_result(rc);
}

/*
 * What is for other servers comes last, and, where one answer is for all, only
 * when all users have theirs: nobody outside gets it twice when the sender has
 * to come again for somebody here.
 */
static void
send_away(struct delivery *d, size_t served, struct pst_error *err_r)
{
	bool wait = d->one_answer && served < d->receivers;

	d->envelope.author = str_of(d->author);
	/* RFC 8689, 4.1: what the envelope says goes first. */
	d->envelope.tls_optional = !d->envelope.require_tls &&
				   rewrite_tls_is_optional(&d->rewrite);
	for (size_t i = 0; i < d->away.parts; i++) {
		struct away *part = &d->away.part[i];

		if (part->has_it || part->loops)
			continue;
		if (wait)
			part->rc = PST_E_TEMP;
		else
			part->rc = away_result(
			    away_commit(&d->away, part, &d->envelope));
		if (part->rc == PST_OK)
			note_queued(part);
		else
			trail_event(
			    NULL, "not-queued", "why", part->err.detail, NULL);
		if (part->rc != PST_OK && err_r->rc == PST_OK)
			*err_r = part->err;
	}
}

static enum pst_rc
part_result(const struct away *part)
{
	return part->has_it || part->loops ? PST_OK : part->rc;
}

static void
remember(struct delivery *d, const struct repeat_key *key, const char **name,
    bool known)
{
	size_t n = 0;

	for (size_t i = 0; i < d->receivers; i++) {
		if (d->receiver[i].rc == PST_OK)
			name[n++] = name[i];
	}
	for (size_t i = 0; i < d->away.parts; i++) {
		if (part_result(&d->away.part[i]) == PST_OK)
			name[n++] = name[d->receivers + i];
	}
	if (n > 0 && n < delivery_names(d))
		repeat_remember(key, name, n);
	else if (known && n > 0)
		repeat_forget(key);
}

/* A recipient has it when all users that the address leads to have it, and the
 * queue has the rest. */
static void
fill_results(const struct delivery *d, enum pst_rc *results_r)
{
	for (size_t i = 0; i < d->recipients; i++) {
		const struct recipient *rcpt = &d->recipient[i];

		results_r[i] = PST_OK;
		if (rcpt->is_away)
			results_r[i] = part_result(&d->away.part[rcpt->part]);
		/* Who hears of each recipient hears it now; else a notice
		 * follows. */
		if (rcpt->loops && !d->one_answer)
			results_r[i] = PST_E_CONFLICT;
		for (size_t k = 0; k < rcpt->n; k++) {
			size_t at = d->index[rcpt->first + k];

			if (results_r[i] == PST_OK)
				results_r[i] = d->receiver[at].rc;
		}
	}
}

void
delivery_mark(struct delivery *d, const struct delivery_mark *mark)
{
	(void)buf_add_str(&d->top, mark->fields);
	d->junk = mark->junk;
	d->envelope.unproven = mark->unproven;
}

/* What could not be held or read again is nowhere complete. */
static void
fail_copies(struct delivery *d, enum pst_rc rc)
{
	for (size_t i = 0; rc != PST_OK && i < d->copies; i++)
		if (d->copy[i].rc == PST_OK)
			d->copy[i].rc = rc;
	for (size_t i = 0; rc != PST_OK && i < d->away.parts; i++)
		if (d->away.part[i].rc == PST_OK)
			d->away.part[i].rc = rc;
}

/* Who is away, by the script or the settings, answers once. What goes nowhere
 * is not answered. */
static void
answer(struct delivery *d, size_t i)
{
	const struct receiver *r = &d->receiver[i];
	const struct filter *f = r->filter;

	if (r->rc != PST_OK || r->has_it || (f != NULL && f->reject != NULL))
		return;
	if (f != NULL && f->vacation != NULL)
		vacation_answer_by(d, i, f->vacation);
	else if (r->answers && filter_is_kept(r))
		vacation_answer(d, i);
}

/* Scripts, and then the content to all that get it. */
static enum pst_rc
release(struct delivery *d, struct pst_error *err_r)
{
	enum pst_rc rc;

	if (filter_any(d)) {
		filter_run(d);
		refusal_decide(d);
	}
	rc = delivery_release(d);
	if (rc == PST_OK && d->handing != NULL)
		rc = d->handing(d->handing_arg, err_r);
	return rc;
}

/* When everybody has it, or what there is instead. */
static void
conclude(struct delivery *d, enum pst_rc *results_r)
{
	filter_spread_failures(d);
	fill_results(d, results_r);
	if (!notice_is_too_early(d, results_r) && !refusal_tell(d))
		fill_results(d, results_r);
	notice_send(d, results_r);
	for (size_t i = 0; i < d->receivers; i++) {
		filter_done(d, i);
		answer(d, i);
	}
}

enum delivery_verdict
delivery_finish(struct delivery *d, enum pst_rc *results_r, size_t *stored_r,
    struct pst_error *err_r)
{
	enum delivery_verdict verdict;
	struct repeat_key key;
	const char **name = NULL;
	bool known = false, hashed = d->hash != NULL;
	enum pst_rc rc;
	size_t served;

	memset(err_r, 0, sizeof(*err_r));
	*stored_r = 0;
	repeat_hash_free(&d->hash, &key);
	/* A failure to write shows in the copies. */
	rc = delivery_end(d);
	note_content(d);
	verdict = judge(d);
	if (verdict != DELIVERY_DONE)
		return verdict;
	if (rc == PST_OK)
		rc = release(d, err_r);
	if (d->held || d->handing != NULL)
		fail_copies(d, rc);
	if (d->again != 0)
		delivery_find_again(d);
	if (hashed) {
		name = mem_array(delivery_names(d), sizeof(*name));
		delivery_fill_names(d, name);
		known = recall(d, &key, name);
	}
	served = deliver_to_all(d, stored_r, err_r);
	send_away(d, served, err_r);
	if (hashed)
		remember(d, &key, name, known);
	conclude(d, results_r);
	free(name);
	return verdict;
}

const char *
delivery_queued(const struct delivery *d)
{
	for (size_t i = 0; i < d->away.parts; i++)
		if (d->away.part[i].id[0] != '\0')
			return d->away.part[i].id;
	return NULL;
}
