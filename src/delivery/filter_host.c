/*
 * delivery/filter_host.c - what a script asks of the world: the user's
 * mailboxes and their texts, other scripts, what came before.
 */
#include "delivery/filter.h"
#include "delivery/places.h"
#include "delivery/seen.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "delivery/filter_file.h"
#include "mailbox/metadata.h"
#include "mailbox/place.h"

#include <stdlib.h>
#include <time.h>

enum { BOXES_MAX = 100000 };

void
filter_world_init(struct filter_world *w, struct delivery *d, size_t receiver)
{
	*w = (struct filter_world){
		.d = d, .receiver = receiver, .f = d->receiver[receiver].filter
	};
}

void
filter_world_fini(struct filter_world *w)
{
	for (size_t i = 0; i < w->boxes; i++) {
		free(w->box[i].name);
		free(w->box[i].use);
	}
	free(w->box);
	json_decref(w->seen);
}

static struct mail_account *
account_of(const struct filter_world *w)
{
	return w->d->receiver[w->receiver].acct;
}

/* --- mailboxes -------------------------------------------------------------
 */

static void
take_box(void *arg, const struct pst_mailbox *row)
{
	struct filter_world *w = arg;

	if (!row->exists || w->boxes == BOXES_MAX)
		return;
	mem_grow(&w->box, &w->boxes_cap, w->boxes + 1, sizeof(*w->box));
	w->box[w->boxes++] = (struct filter_box){ str_dup(str_of(row->name)),
		str_dup(str_of(row->special_use)) };
}

static void
load_boxes(struct filter_world *w)
{
	struct pst_error err = { 0 };

	if (!w->has_boxes &&
	    mailbox_each(account_of(w), take_box, w, &err) != PST_OK)
		log_failure(PST_LOG_WARNING, 0, "sieve", &err);
	w->has_boxes = true;
}

static const struct filter_box *
find_box(struct filter_world *w, const char *name)
{
	load_boxes(w);
	for (size_t i = 0; i < w->boxes; i++)
		if (strcmp(w->box[i].name, name) == 0)
			return &w->box[i];
	return NULL;
}

/* RFC 5490, 3.1: also that mail can be put there. */
static bool
has_mailbox(void *arg, struct pst_str name)
{
	struct filter_world *w = arg;
	const struct mail_user u = {
		.accounts = w->d->sv->accounts,
		.store = w->d->sv->store,
		.own = account_of(w),
		.address = mail_account_id(account_of(w)),
	};
	char *clean = places_clean_name(name);
	struct mail_place place;
	struct pst_error err;
	bool has = false;

	if (clean == NULL)
		return false;
	if (mail_is_shared_name(&u, clean)) {
		has = mail_place_find(&u, clean, ACL_INSERT, &place, &err) ==
		      PST_OK;
		if (has)
			mail_place_fini(&place);
	} else {
		has = strcmp(clean, "INBOX") == 0 || find_box(w, clean) != NULL;
	}
	free(clean);
	return has;
}

static bool
has_special_use(void *arg, struct pst_str mailbox, struct pst_str use)
{
	struct filter_world *w = arg;
	char *clean = mailbox.p != NULL ? places_clean_name(mailbox) : NULL;
	bool has = false;

	load_boxes(w);
	for (size_t i = 0; !has && i < w->boxes; i++)
		has = str_is_case(use, w->box[i].use) &&
		      (mailbox.p == NULL ||
			  (clean != NULL &&
			      strcmp(w->box[i].name, clean) == 0));
	free(clean);
	return has;
}

/* --- texts -----------------------------------------------------------------
 */

struct wanted {
	const char *key;
	struct buf *value;
	bool found;
};

static void
take_value(void *arg, const char *key, struct pst_str value)
{
	struct wanted *w = arg;

	if (strcmp(key, w->key) != 0)
		return;
	w->found = true;
	(void)buf_add_str(w->value, value);
}

/* RFC 5490; as GETMETADATA tells it, of one's own mailboxes. */
static bool
metadata(
    void *arg, struct pst_str mailbox, struct pst_str name, struct buf *value_r)
{
	struct filter_world *w = arg;
	const char *user = mail_account_id(account_of(w)), *at;
	char key[METADATA_NAME_MAX + 1];
	struct wanted wanted = { key, value_r, false };
	struct pst_error err;
	char *clean = NULL;

	if (!metadata_name_clean(name, false, key))
		return false;
	if (mailbox.p == NULL && strcmp(key, "/shared/admin") == 0) {
		at = strchr(user, '@');
		return buf_printf(value_r, "mailto:postmaster@%s",
		    at != NULL ? at + 1 : w->d->cfg->hostname);
	}
	if (mailbox.p != NULL) {
		clean = places_clean_name(mailbox);
		if (clean == NULL)
			return false;
	}
	(void)metadata_get(
	    account_of(w), clean, key, 0, take_value, &wanted, &err);
	free(clean);
	return wanted.found;
}

static bool
is_mine(void *arg, struct pst_str address)
{
	struct filter_world *w = arg;
	struct pst_error err;
	char text[321];

	return str_copy(text, sizeof(text), address) &&
	       account_may_send_as(w->d->sv->accounts,
		   mail_account_id(account_of(w)), text, &err) == PST_OK;
}

/* RFC 5183, 4.1. The domain is what the host's name is in. */
static bool
environment(void *arg, struct pst_str name, struct buf *value_r)
{
	const struct filter_world *w = arg;
	const char *host = w->d->cfg->hostname, *value = NULL;

	if (str_is_case(name, "host"))
		value = host;
	else if (str_is_case(name, "domain"))
		value = strchr(host, '.') != NULL ? strchr(host, '.') + 1
						  : host;
	else if (str_is_case(name, "remote-ip"))
		value = w->d->peer;
	else if (str_is_case(name, "name"))
		value = "Postern";
	else if (str_is_case(name, "version"))
		value = PACKAGE_VERSION;
	else if (str_is_case(name, "location"))
		value = "MDA";
	else if (str_is_case(name, "phase"))
		value = "during";
	return value != NULL && buf_puts(value_r, value);
}

/* --- what came before ------------------------------------------------------
 */

static bool
duplicate(void *arg, struct pst_str id, int64_t seconds, bool last)
{
	struct filter_world *w = arg;
	char name[SEEN_NAME];

	if (!seen_name(id, name))
		return false;
	if (!w->has_seen)
		w->seen = seen_load(account_of(w));
	w->has_seen = true;
	return seen_before(w->seen, w->f, name, seconds, last);
}

/* --- other scripts ---------------------------------------------------------
 */

static enum pst_rc
include_own(struct filter_world *w, const char *name, struct buf *text_r)
{
	const struct sieve_entry *e;
	struct sieve_list list;
	struct pst_error err = { 0 };
	enum pst_rc rc = sieve_list(account_of(w), &list, &err);

	if (rc == PST_OK) {
		e = sieve_list_find(&list, name);
		rc = e == NULL
			 ? PST_E_NOTFOUND
			 : sieve_text(account_of(w), e->text_id, text_r, &err);
	}
	sieve_list_fini(&list);
	if (rc != PST_OK && rc != PST_E_NOTFOUND)
		log_failure(PST_LOG_WARNING, 0, "sieve", &err);
	return rc;
}

static enum pst_rc
include(void *arg, bool global, struct pst_str name, struct buf *text_r)
{
	struct filter_world *w = arg;
	char text[1024];

	if (global)
		return filter_file_include(
		    w->d->cfg->sieve.global, name, text_r);
	if (!str_copy(text, sizeof(text), name))
		return PST_E_NOTFOUND;
	return include_own(w, text, text_r);
}

void
filter_host(struct filter_world *w, struct sieve_host *host_r)
{
	time_t now = (time_t)clock_seconds();
	struct tm local;

	*host_r = (struct sieve_host){
		.arg = w,
		.now = (int64_t)now,
		.separator = w->d->cfg->smtp.detail_separator,
		.has_mailbox = has_mailbox,
		.has_special_use = has_special_use,
		.metadata = metadata,
		.is_mine = is_mine,
		.environment = environment,
		.duplicate = duplicate,
		.include = include,
	};
	if (localtime_r(&now, &local) != NULL)
		host_r->zone = (int)(local.tm_gmtoff / 60);
}
