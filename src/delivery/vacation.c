/*
 * delivery/vacation.c - see vacation.h.
 *
 * Most users are not away: that is remembered for a minute, so a delivery does
 * not look.
 */
#include "delivery/vacation.h"

#include "base/clock.h"
#include "base/str.h"
#include "delivery/answer.h"
#include "delivery/kept.h"
#include "delivery/seen.h"
#include "message/address.h"

#include <pthread.h>
#include <stdlib.h>

#define SETTINGS "postern/vacation"
#define ANSWERED "postern/vacation-answered"
#define ANSWERED_BY_SCRIPT "postern/sieve-answered"

enum {
	DAY = 86400,
	REMEMBERED = 1024,
	LOOK = 60,	 /* seconds that "not away" is believed */
	AGAIN = 7 * DAY, /* a sender is answered once in that time */
	SENDERS = 2000,	 /* that are remembered */
};

/* --- settings --------------------------------------------------------------
 */

/* Users who were looked up lately. */
static struct looked {
	uint64_t who;
	int64_t until; /* clock_monotonic */
	bool is_on;
} looked[REMEMBERED];
static pthread_mutex_t looked_lock = PTHREAD_MUTEX_INITIALIZER;

static uint64_t
hash_of(const char *s)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (; *s != '\0'; s++)
		hash = (hash ^ (unsigned char)*s) * UINT64_C(0x100000001b3);
	return hash;
}

json_t *
vacation_get(struct mail_account *acct)
{
	return kept_load(acct, SETTINGS);
}

static void
forget_look(struct mail_account *acct)
{
	uint64_t who = hash_of(mail_account_id(acct));

	pthread_mutex_lock(&looked_lock);
	looked[who % REMEMBERED].until = 0;
	pthread_mutex_unlock(&looked_lock);
}

enum pst_rc
vacation_set(struct mail_account *acct, json_t *settings, struct pst_error *err)
{
	enum pst_rc rc = kept_save(acct, SETTINGS, settings, err);

	if (rc == PST_OK)
		rc = mailbox_meta_set(acct, NULL, ANSWERED, STR_NONE, err);
	forget_look(acct);
	return rc;
}

static bool
is_now(json_t *settings)
{
	int64_t from = json_integer_value(
	    json_object_get(settings, "fromDate"));
	int64_t to = json_integer_value(json_object_get(settings, "toDate"));
	int64_t now = clock_seconds();

	return json_is_true(json_object_get(settings, "isEnabled")) &&
	       (from == 0 || now >= from) && (to == 0 || now < to);
}

bool
vacation_is_on(struct mail_account *acct)
{
	uint64_t who = hash_of(mail_account_id(acct));
	struct looked *l = &looked[who % REMEMBERED];
	bool is_known, is_on;
	json_t *settings;

	pthread_mutex_lock(&looked_lock);
	is_known = l->who == who && l->until > clock_monotonic();
	is_on = l->is_on;
	pthread_mutex_unlock(&looked_lock);
	if (is_known)
		return is_on;
	settings = kept_load(acct, SETTINGS);
	is_on = is_now(settings);
	json_decref(settings);
	pthread_mutex_lock(&looked_lock);
	*l = (struct looked){ who, clock_monotonic() + LOOK * INT64_C(1000000),
		is_on };
	pthread_mutex_unlock(&looked_lock);
	return is_on;
}

/* --- the answer ------------------------------------------------------------
 */

static struct pst_str
text_of(json_t *settings, const char *name)
{
	return str_of(json_string_value(json_object_get(settings, name)));
}

void
vacation_answer(struct delivery *d, size_t i)
{
	struct mail_account *acct = d->receiver[i].acct;
	const char *user = mail_account_id(acct);
	json_t *settings = kept_load(acct, SETTINGS);
	struct msg *m = answer_message(d);
	const struct answer a = {
		.user = user,
		.subject = text_of(settings, "subject"),
		.text = text_of(settings, "textBody"),
		.html = text_of(settings, "htmlBody"),
	};

	if (is_now(settings) && answer_is_due(d, m->root, user, NULL, 0) &&
	    kept_once(acct, ANSWERED, d->sender, AGAIN, SENDERS))
		answer_send(d, &a, m->root);
	msg_free(&m);
	json_decref(settings);
}

/* --- by a script -----------------------------------------------------------
 */

/* RFC 5230, 4.1, within what the configuration says; RFC 6131, 2: 0 is each
 * time, where that is allowed. */
static int64_t
interval(const struct config *cfg, int64_t seconds)
{
	int64_t least = cfg->sieve.vacation_days_min * DAY;
	int64_t most = cfg->sieve.vacation_days_max * DAY;

	if (seconds < 0)
		seconds = AGAIN;
	return seconds < least ? least : seconds > most ? most : seconds;
}

/* One's own address alone (RFC 5230, 4.3). */
static bool
is_own_address(const struct delivery *d, const char *user, struct pst_str from)
{
	struct arena *a = arena_new(0);
	struct msg_address *ad = msg_addresses(a, from, 2);
	struct pst_error err;
	struct buf text;
	bool is = false;

	buf_init(&text, 1024);
	if (ad != NULL && ad->next == NULL && ad->kind == MSG_ADDRESS &&
	    ad->host.p != NULL && msg_address_print(ad, &text) &&
	    buf_putc(&text, '\0'))
		is = account_may_send_as(d->sv->accounts, user, text.p, &err) ==
		     PST_OK;
	buf_fini(&text);
	arena_free(&a);
	return is;
}

static bool
was_not_answered(
    const struct delivery *d, size_t i, const struct sieve_action *a)
{
	int64_t seconds = interval(d->cfg, a->seconds);
	char handle[SEEN_NAME];
	struct buf name;
	bool is_new;

	if (seconds == 0)
		return true;
	if (!seen_name(a->handle, handle))
		return false;
	buf_init(&name, 1024);
	(void)buf_printf(&name, "%s %s", handle, d->sender);
	is_new = buf_putc(&name, '\0') &&
		 kept_once(d->receiver[i].acct, ANSWERED_BY_SCRIPT, name.p,
		     seconds, SENDERS);
	buf_fini(&name);
	return is_new;
}

void
vacation_answer_by(struct delivery *d, size_t i, const struct sieve_action *a)
{
	const char *user = mail_account_id(d->receiver[i].acct);
	struct msg *m = answer_message(d);
	struct answer answer = { .user = user, .subject = a->subject };

	if (a->from.n > 0 && is_own_address(d, user, a->from))
		answer.from = a->from;
	if (a->is_mime)
		answer.entity = a->text;
	else
		answer.text = a->text;
	if (answer_is_due(d, m->root, user, a->own, a->owns) &&
	    was_not_answered(d, i, a))
		answer_send(d, &answer, m->root);
	msg_free(&m);
}
