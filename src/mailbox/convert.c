/*
 * mailbox/convert.c - the way of an account from one storage to another; see
 * convert.h.
 *
 * The order at the end, with the account held: the last changes are in the
 * target; the source is marked as a copy; the user's record names the target
 * (the point of no return); sessions go on there; the target is no copy any
 * more. The mark only ever says what may be written over by a conversion, so a
 * crash between any two of these does no harm.
 */
#include "mailbox/convert.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "mailbox/convert_priv.h"
#include <stdlib.h>
#include <time.h>

enum {
	PASSES_MAX = 200,
	/* So often it waits for a pass in which little changed. */
	PASSES_PATIENT = 5,
	/* What may be brought while sessions wait; for each try that it was too
	 * little for as much again, up to so many times. */
	HELD_MESSAGES = 100,
	HELD_BYTES = 4 << 20,
	HELD_TIMES = 16,
	/* Tries, after which it is left for a quieter time. */
	HOLDS_MAX = 50,
};

bool
convert_stopped(const struct convert *c)
{
	return c->how->stop != NULL && c->how->stop(c->how->arg);
}

void
convert_tell(struct convert *c)
{
	if (c->how->progress != NULL && !c->is_held)
		c->how->progress(c->how->arg, &c->progress);
}

enum pst_rc
convert_budget(
    struct convert *c, uint64_t messages, uint64_t bytes, struct pst_error *err)
{
	if (!c->is_held)
		return PST_OK;
	if (messages > c->left_messages || bytes > c->left_bytes)
		return pst_fail(err, PST_E_LIMIT, 0,
		    "%s: too much changes all the time", c->acct->id);
	c->left_messages -= messages;
	c->left_bytes -= bytes;
	return PST_OK;
}

/* --- a pass -----------------------------------------------------------------
 */

static enum pst_rc
run_pass(struct convert *c, struct pst_error *err)
{
	enum pst_rc rc = convert_names(c, err);

	c->moved = 0;
	c->progress.messages = c->progress.bytes = 0;
	for (size_t i = 0; i < c->boxes && rc == PST_OK && !convert_stopped(c);
	     i++) {
		rc = convert_mailbox(c, &c->box[i], err);
		/* Deleted or renamed just now: the next pass sees it. */
		if (rc == PST_E_NOTFOUND && !c->is_held) {
			c->moved++;
			rc = PST_OK;
		}
	}
	c->progress.mailbox = NULL;
	return rc;
}

/* --- the switch -------------------------------------------------------------
 */

struct decision {
	struct convert *c;
	struct accounts *accounts;
};

/* The record is asked again when it is not certain that it was written. */
static enum pst_rc
decide(void *arg, struct pst_error *err)
{
	const struct decision *d = arg;
	const struct convert *c = d->c;
	struct pst_error again;
	struct account_user user, now;
	enum pst_rc rc = account_find(d->accounts, c->acct->id, &user, err);

	if (rc != PST_OK)
		return rc;
	if (storage_for(c->ms, &user, err) != c->from)
		return pst_fail(err, PST_E_CONFLICT, 0,
		    "%s: somebody changed the user's storage", c->acct->id);
	(void)str_copy(
	    user.storage, sizeof(user.storage), str_of(c->to->cfg->name));
	rc = account_update(d->accounts, &user, ACCOUNT_SET_STORAGE, err);
	if (rc != PST_OK &&
	    account_find(d->accounts, c->acct->id, &now, &again) == PST_OK &&
	    strcmp(now.storage, user.storage) == 0)
		rc = PST_OK;
	return rc;
}

static void
cool(struct convert *c)
{
	for (size_t i = 0; i < c->boxes; i++)
		mailbox_put(&c->box[i].live);
}

/* All mailboxes are open and known, so that holding the account is quick. */
static enum pst_rc
warm(struct convert *c, struct pst_error *err)
{
	enum pst_rc rc = PST_OK;

	for (size_t i = 0; i < c->boxes && rc == PST_OK; i++)
		rc = mailbox_get(c->acct, c->box[i].name, MAILBOX_LOADED,
		    &c->box[i].live, err);
	if (rc != PST_OK)
		cool(c);
	return rc;
}

static enum pst_rc
go_over(struct convert *c, struct mail_switch *s, struct accounts *accounts,
    struct pst_error *err)
{
	struct decision d = { c, accounts };
	struct pst_error trouble;
	enum pst_rc rc;

	c->is_held = true;
	c->left_messages = (uint64_t)HELD_MESSAGES * c->times;
	c->left_bytes = (uint64_t)HELD_BYTES * c->times;
	rc = run_pass(c, err);
	c->is_held = false;
	if (rc == PST_OK && convert_stopped(c))
		return pst_fail(err, PST_E_TEMP, 0, "stopped");
	if (rc == PST_OK)
		rc = convert_mark(c->from, c->acct->acct, true, err);
	if (rc == PST_OK)
		rc = switch_over(
		    s, c->to, c->target, accounts, decide, &d, err);
	if (rc != PST_OK)
		return rc;
	c->target = NULL; /* the account's now */
	c->result->is_over = true;
	if (convert_mark(c->to, c->acct->acct, false, &trouble) != PST_OK)
		log_failure(PST_LOG_WARNING, 0, "convert", &trouble);
	return PST_OK;
}

/* LIMIT, NOTFOUND, TEMP: another pass, and then again. */
static enum pst_rc
try_switch(struct convert *c, struct accounts *accounts, struct pst_error *err)
{
	struct mailbox **known;
	struct mail_switch s;
	enum pst_rc rc = warm(c, err);
	int64_t held;

	if (rc != PST_OK)
		return rc;
	known = mem_array(c->boxes, sizeof(*known));
	for (size_t i = 0; i < c->boxes; i++)
		known[i] = c->box[i].live;
	fulltext_ban(c->acct);
	held = clock_monotonic();
	rc = switch_hold(&s, c->acct, known, c->boxes, err);
	if (rc == PST_OK) {
		rc = go_over(c, &s, accounts, err);
		held = switch_release(&s);
	} else {
		held = clock_monotonic() - held;
	}
	if (held > c->result->held)
		c->result->held = held;
	fulltext_unban(c->acct);
	free(known);
	cool(c);
	return rc;
}

/* Sessions have their turn. */
static void
pause_a_while(unsigned holds)
{
	const struct timespec t = { 0,
		(long)(holds < 20 ? holds : 20) * 20 * 1000 * 1000 };

	(void)nanosleep(&t, NULL);
}

static bool
is_worth_another(enum pst_rc rc)
{
	return rc == PST_E_LIMIT || rc == PST_E_NOTFOUND || rc == PST_E_TEMP;
}

static enum pst_rc
run_passes(struct convert *c, struct accounts *accounts, struct pst_error *err)
{
	unsigned holds = 0;
	enum pst_rc rc = PST_OK;

	for (unsigned pass = 1; pass <= PASSES_MAX; pass++) {
		c->progress.pass = c->result->passes = pass;
		rc = run_pass(c, err);
		if (convert_stopped(c)) {
			c->result->is_stopped = true;
			return PST_OK;
		}
		if (rc != PST_OK)
			return rc;
		convert_tell(c);
		/* While much is brought much has changed meanwhile. */
		if (c->moved > HELD_MESSAGES / 2 && pass < PASSES_PATIENT)
			continue;
		rc = try_switch(c, accounts, err);
		if (rc == PST_OK || !is_worth_another(rc))
			return rc;
		if (rc == PST_E_LIMIT && c->times < HELD_TIMES)
			c->times++;
		if (convert_stopped(c)) {
			c->result->is_stopped = true;
			return PST_OK;
		}
		if (++holds == HOLDS_MAX)
			return rc;
		pause_a_while(holds);
	}
	return rc != PST_OK
		   ? rc
		   : pst_fail(err, PST_E_TEMP, 0,
			 "%s: too much changes all the time", c->acct->id);
}

/* --- the whole --------------------------------------------------------------
 */

static struct storage *
find_storage(struct mailstore *ms, const char *name, struct pst_error *err)
{
	for (size_t i = 0; i < ms->storages; i++)
		if (strcmp(ms->storage[i].cfg->name, name) == 0)
			return &ms->storage[i];
	(void)pst_fail(err, PST_E_NOTFOUND, 0,
	    "the configuration has no storage \"%.64s\"", name);
	return NULL;
}

static enum pst_rc
check_storages(struct convert *c, struct pst_error *err)
{
	const struct pst_store_ops *to = c->to->ops;

	if (c->from == c->to)
		return pst_fail(err, PST_E_PERM, 0,
		    "\"%s\" and \"%s\" are the same storage", c->how->from,
		    c->how->to);
	if (to->place == NULL)
		return pst_fail(err, PST_E_UNSUPPORTED, 0,
		    "storage \"%s\": the module %s cannot be converted into",
		    c->to->cfg->name, c->to->module->name);
	if ((c->from->ops->traits & PST_STORE_SHARED) && !c->how->alone)
		return pst_fail(err, PST_E_DENIED, 0,
		    "storage \"%s\" may be open in other servers, which would "
		    "go on with it: stop them, then say --alone",
		    c->from->cfg->name);
	return PST_OK;
}

static void
count_box(void *arg, const struct pst_mailbox *row)
{
	struct convert_result *r = arg;

	r->mailboxes += row->exists;
}

static enum pst_rc
count_account(struct convert *c, struct pst_error *err)
{
	struct pst_usage usage = { 0 }, limit;
	enum pst_rc rc = mailbox_each(c->acct, count_box, c->result, err);

	if (rc == PST_OK)
		rc = mail_account_usage(c->acct, &usage, &limit, err);
	c->result->messages = usage.messages;
	c->result->bytes = usage.bytes;
	c->progress.total_messages = usage.messages;
	c->progress.total_bytes = usage.bytes;
	convert_tell(c);
	return rc;
}

static void
convert_fini(struct convert *c)
{
	copier_free(&c->copier);
	for (size_t i = 0; i < c->boxes; i++)
		convert_box_fini(&c->box[i]);
	free(c->box);
	convert_meta_fini(&c->meta);
	for (size_t i = 0; i < c->subscriptions; i++)
		free(c->subscription[i]);
	free(c->subscription);
	if (c->target != NULL)
		c->to->ops->acct_close(c->target);
}

static enum pst_rc
convert_account(
    struct convert *c, struct accounts *accounts, struct pst_error *err)
{
	bool created;
	enum pst_rc rc = count_account(c, err);

	if (rc != PST_OK || c->how->dry_run)
		return rc;
	rc = switch_check(c->ms, c->to, c->acct->id, err);
	if (rc != PST_OK)
		return rc;
	rc = c->to->ops->acct_open(
	    c->to->store, c->acct->id, &c->target, &created, err);
	if (rc != PST_OK) {
		c->target = NULL;
		return rc;
	}
	rc = convert_check_target(c, err);
	if (rc == PST_OK)
		rc = convert_mark(c->from, c->acct->acct, false, err);
	if (rc != PST_OK)
		return rc;
	c->copier = copier_new(c);
	rc = run_passes(c, accounts, err);
	return rc;
}

/* What was left behind. */
static enum pst_rc
remove_source(struct convert *c, struct pst_error *err)
{
	enum pst_rc rc = c->from->ops->acct_remove(
	    c->from->store, c->acct->id, err);

	c->result->was_removed = rc == PST_OK;
	return rc;
}

static void
note_over(const struct convert *c)
{
	char messages[24], held[24];

	(void)snprintf(messages, sizeof(messages), "%llu",
	    (unsigned long long)c->result->messages);
	(void)snprintf(
	    held, sizeof(held), "%lld ms", (long long)c->result->held / 1000);
	log_event(PST_LOG_INFO, 0, "convert", "user", c->acct->id, "from",
	    c->from->cfg->name, "to", c->to->cfg->name, "messages", messages,
	    "held", held, NULL);
}

enum pst_rc
mail_convert(struct mailstore *ms, struct accounts *accounts,
    const struct account_user *user, const struct convert_how *how,
    struct convert_result *result_r, struct pst_error *err)
{
	struct convert c = {
		.ms = ms, .how = how, .result = result_r, .times = 1
	};
	enum pst_rc rc;

	*result_r = (struct convert_result){ 0 };
	c.from = find_storage(ms, how->from, err);
	c.to = c.from != NULL ? find_storage(ms, how->to, err) : NULL;
	if (c.to == NULL)
		return PST_E_NOTFOUND;
	rc = check_storages(&c, err);
	if (rc == PST_OK && strcmp(user->address, ACCOUNT_PUBLIC) == 0)
		rc = pst_fail(err, PST_E_UNSUPPORTED, 0,
		    "public mailboxes cannot be converted");
	if (rc == PST_OK)
		rc = mail_account_open(ms, user, &c.acct, err);
	if (rc != PST_OK)
		return rc;
	if (atomic_flag_test_and_set(&c.acct->converting)) {
		rc = pst_fail(err, PST_E_CONFLICT, 0,
		    "%s is being converted already", c.acct->id);
		mail_account_close(&c.acct);
		return rc;
	}
	if (c.acct->st == c.from)
		rc = convert_account(&c, accounts, err);
	else
		rc = pst_fail(err, PST_E_CONFLICT, 0,
		    "the mail of %s is in storage \"%s\"", c.acct->id,
		    c.acct->st->cfg->name);
	convert_fini(&c);
	if (result_r->is_over) {
		note_over(&c);
		if (how->remove_source)
			rc = remove_source(&c, err);
	}
	atomic_flag_clear(&c.acct->converting);
	mail_account_close(&c.acct);
	return rc;
}
