/*
 * jmap/push_account.c - an account's subscriptions: which have ended, and what
 * the others are to be told.
 */
#include "jmap/push_priv.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "jmap/parts.h"

#include <stdlib.h>
#include <unistd.h>

enum {
	CHECK = 300, /* seconds between looks at what they were made with */
	AGAIN = 30,  /* when something failed */
};

/* --- what was told ---------------------------------------------------------
 */

/* JSON has no whole numbers of 64 bits without a sign. */
void
push_set_told(json_t *subscription, const uint64_t told[JMAP_TYPES])
{
	json_t *list = json_array();

	for (unsigned i = 0; i < JMAP_TYPES; i++)
		(void)json_array_append_new(
		    list, json_integer((json_int_t)(told[i] >> 1)));
	(void)json_object_set_new(subscription, "told", list);
}

static unsigned
news_of(json_t *subscription, const struct jmap_present *p)
{
	json_t *list = json_object_get(subscription, "told");
	unsigned types, news = 0;

	(void)jmap_type_bits(json_object_get(subscription, "types"), &types);
	for (unsigned i = 0; i < JMAP_TYPES; i++)
		if (json_integer_value(json_array_get(list, i)) !=
		    (json_int_t)(p->hash[i] >> 1))
			news |= 1U << i;
	return news & types;
}

/* --- jobs ------------------------------------------------------------------
 */

static struct push_job *
make_job(const char *account, const char *id, json_t *s)
{
	struct push_job *j = mem_alloc(sizeof(*j));
	json_t *keys = json_object_get(s, "keys");

	(void)str_copy(j->account, sizeof(j->account), str_of(account));
	(void)str_copy(j->id, sizeof(j->id), str_of(id));
	j->url = str_dup(str_of(push_text(s, "url")));
	j->has_keys = json_is_object(keys) &&
		      webpush_keys_read(str_of(push_text(keys, "p256dh")),
			  str_of(push_text(keys, "auth")), &j->keys);
	return j;
}

static void
add_verification(
    struct jmap_push *p, const char *account, const char *id, json_t *s)
{
	struct push_job *j = make_job(account, id, s);
	json_t *text = json_pack("{s:s, s:s, s:s}", "@type", "PushVerification",
	    "pushSubscriptionId", id, "verificationCode", push_text(s, "code"));

	j->is_verification = true;
	j->urgency = "high";
	j->text = json_dumps(text, JSON_COMPACT);
	json_decref(text);
	(void)push_add_job(p, j);
}

/* What does not fit names states that nobody has, by which clients learn as
 * well that theirs are old. */
static json_t *
shorten(const char *account, json_t *change)
{
	json_t *types = json_object_get(
	    json_object_get(change, "changed"), account);
	const char *name;
	json_t *state;
	char id[JMAP_ID];
	void *next;

	json_object_foreach_safe(types, next, name, state)
	{
		jmap_make_id("S", str_of(json_string_value(state)), id);
		(void)json_object_set_new(types, name, json_string(id));
	}
	return change;
}

static void
add_change(struct jmap_push *p, const char *account, const char *id, json_t *s,
    const struct jmap_present *present, unsigned news)
{
	struct push_job *j = make_job(account, id, s);
	json_t *change = jmap_state_change(account, present, news);

	j->urgency = (news & 1U << JMAP_TYPE_DELIVERY) != 0 ? "normal" : "low";
	memcpy(j->told, present->hash, sizeof(j->told));
	j->text = json_dumps(change, JSON_COMPACT);
	if (strlen(j->text) > WEBPUSH_TEXT) {
		free(j->text);
		change = shorten(account, change);
		j->text = json_dumps(change, JSON_COMPACT);
	}
	json_decref(change);
	(void)push_add_job(p, j);
}

/* --- which have ended ------------------------------------------------------
 */

static bool
has_ended(struct jmap_push *p, const char *user, json_t *s)
{
	int64_t expires = push_number(s, "expires");
	struct jmap_credential who;
	struct account_user found;

	if (expires != 0 && expires <= clock_seconds())
		return true;
	return !str_copy(who.user, sizeof(who.user), str_of(user)) ||
	       !str_copy(who.word, sizeof(who.word),
		   str_of(push_text(s, "credential"))) ||
	       !jmap_credential_holds(&who, p->sv, false, &found);
}

/* Takes them away, here and in the file. */
static void
end_some(struct jmap_push *p, const char *account, json_t *root)
{
	json_t *all = json_object_get(root, "subscriptions"), *present, *s;
	json_t *ended = json_object();
	struct pst_error err = { 0 };
	const char *id;
	void *next;

	json_object_foreach(all, id, s)
	{
		if (has_ended(p, push_text(root, "user"), s))
			(void)json_object_set_new(ended, id, json_true());
	}
	if (json_object_size(ended) > 0) {
		push_store_lock();
		present = push_store_get(p->cfg, account);
		json_object_foreach(ended, id, s)
		{
			(void)json_object_del(
			    json_object_get(present, "subscriptions"), id);
		}
		if (push_store_put(p->cfg, account, present, &err) != PST_OK)
			log_failure(PST_LOG_ERROR, 0, "push", &err);
		json_decref(present);
		push_store_unlock();
	}
	json_object_foreach_safe(ended, next, id, s)
	{
		(void)json_object_del(all, id);
	}
	json_decref(ended);
}

/* --- listening -------------------------------------------------------------
 */

static void
on_news(void *arg)
{
	struct push_account *a = arg;
	uint64_t one = 1;

	if (!atomic_exchange(&a->is_moved, true))
		(void)!write(a->push->wake_fd, &one, sizeof(one));
}

static enum pst_rc
begin_listening(struct jmap_push *p, struct push_account *a,
    const struct account_user *user, struct pst_error *err)
{
	static const char *const inbox[] = { "INBOX" };
	struct mail_account *acct;
	enum pst_rc rc;

	if (a->watch != NULL)
		return PST_OK;
	rc = mail_account_open(p->sv->store, user, &acct, err);
	if (rc != PST_OK)
		return rc;
	a->watch = watch_open_for(acct, ~(unsigned)WATCH_METADATA, on_news, a);
	mail_account_close(&acct);
	/* Where other programs and servers deliver to. */
	watch_pin(a->watch, inbox, 1);
	return PST_OK;
}

static void
drain(struct push_account *a)
{
	struct watch_news news;

	(void)watch_is_overflown(a->watch);
	while (watch_take(a->watch, &news)) {
		if ((news.kinds & WATCH_STIRRED) != 0 && news.mailbox != NULL)
			watch_look(a->watch, news.mailbox);
		watch_news_fini(&news);
	}
}

static enum pst_rc
take_present(struct jmap_push *p, const struct account_user *user,
    struct jmap_present *present, struct pst_error *err)
{
	struct catalog *c;
	enum pst_rc rc = catalog_open(p->sv->store, user, &c, err);

	if (rc != PST_OK)
		return rc;
	rc = jmap_present_take(c, present, err);
	catalog_close(&c);
	return rc;
}

/* --- serving ---------------------------------------------------------------
 */

static bool
any_verified(json_t *all)
{
	const char *id;
	json_t *s;

	json_object_foreach(all, id, s)
	{
		if (push_is(s, "isVerified"))
			return true;
	}
	return false;
}

/* When it is to be looked at next. */
static int64_t
serve_one(struct jmap_push *p, const char *account, const char *id, json_t *s,
    const struct jmap_present *present)
{
	int64_t now = clock_seconds(), until = push_number(s, "notBefore");
	int64_t expires = push_number(s, "expires");
	unsigned news;

	if (push_has_job(p, account, id))
		return now + CHECK; /* and when it is done */
	if (!push_is(s, "isSent")) {
		if (until > now)
			return until;
		add_verification(p, account, id, s);
	} else if (push_is(s, "isVerified")) {
		news = news_of(s, present);
		if (news != 0 && until > now)
			return until;
		if (news != 0)
			add_change(p, account, id, s, present, news);
	}
	return expires != 0 && expires < now + CHECK ? expires : now + CHECK;
}

static int64_t
serve(struct jmap_push *p, struct push_account *a, json_t *root,
    const struct account_user *user)
{
	json_t *all = json_object_get(root, "subscriptions"), *s;
	int64_t next = clock_seconds() + CHECK, due;
	struct jmap_present present = { 0 };
	struct pst_error err = { 0 };
	enum pst_rc rc = begin_listening(p, a, user, &err);
	const char *id;

	if (rc == PST_OK) {
		drain(a);
		if (any_verified(all))
			rc = take_present(p, user, &present, &err);
	}
	if (rc != PST_OK) {
		log_failure(PST_LOG_WARNING, 0, "push", &err);
		jmap_present_fini(&present);
		return clock_seconds() + AGAIN;
	}
	json_object_foreach(all, id, s)
	{
		due = serve_one(p, a->account, id, s, &present);
		next = due < next ? due : next;
	}
	jmap_present_fini(&present);
	return next;
}

int64_t
push_serve(struct jmap_push *p, struct push_account *a)
{
	struct account_user user;
	struct pst_error err = { 0 };
	int64_t next = 0;
	json_t *root;
	enum pst_rc rc;

	push_store_lock();
	root = push_store_get(p->cfg, a->account);
	push_store_unlock();
	end_some(p, a->account, root);
	if (json_object_size(json_object_get(root, "subscriptions")) > 0) {
		rc = account_find(
		    p->sv->accounts, push_text(root, "user"), &user, &err);
		next = rc == PST_OK ? serve(p, a, root, &user)
				    : clock_seconds() + AGAIN;
	}
	json_decref(root);
	if (next == 0)
		watch_close(&a->watch);
	return next;
}
