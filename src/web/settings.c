/*
 * web/settings.c - what the web client remembers for a user on every device:
 * names and colours of labels, whose images are shown. The server only keeps
 * it, as one object of JSON in a text of the account.
 */
#include "web/priv.h"

#include "base/log.h"
#include "base/str.h"
#include "mailbox/mailbox.h"
#include "mailbox/turn.h"
#include <stdlib.h>

#define SETTINGS_KEY "postern/web"

enum { SETTINGS_MAX = 64 * 1024 };

static void
take_value(void *arg, const char *key, struct pst_str value)
{
	json_t **found = arg;

	if (strcmp(key, SETTINGS_KEY) != 0)
		return;
	json_decref(*found);
	*found = json_loadb(value.p, value.n, 0, NULL);
}

/* Never NULL; what cannot be read is as good as none. */
static enum pst_rc
read_settings(
    struct mail_account *acct, json_t **settings_r, struct pst_error *err)
{
	json_t *found = NULL;
	enum pst_rc rc = mailbox_meta_get(
	    acct, NULL, SETTINGS_KEY, take_value, &found, err);

	if (!json_is_object(found)) {
		json_decref(found);
		found = json_object();
	}
	*settings_r = found;
	return rc;
}

/* RFC 7396, of the first level. */
static void
merge(json_t *settings, json_t *patch)
{
	const char *key;
	json_t *value;

	json_object_foreach(patch, key, value)
	{
		if (json_is_null(value))
			(void)json_object_del(settings, key);
		else
			(void)json_object_set(settings, key, value);
	}
}

/* LIMIT: it has become too much. */
static enum pst_rc
write_settings(
    struct mail_account *acct, const json_t *settings, struct pst_error *err)
{
	char *text = json_dumps(settings, JSON_COMPACT);
	enum pst_rc rc;

	if (text == NULL || strlen(text) > SETTINGS_MAX)
		rc = pst_fail(
		    err, PST_E_LIMIT, 0, "There are too many settings.");
	else
		rc = mailbox_meta_set(
		    acct, NULL, SETTINGS_KEY, str_of(text), err);
	free(text);
	return rc;
}

/* `patch` NULL: they are only read. */
static enum pst_rc
read_or_change(struct mail_account *acct, json_t *patch, json_t **settings_r,
    struct pst_error *err)
{
	enum pst_rc rc = read_settings(acct, settings_r, err);

	if (rc == PST_OK && patch != NULL) {
		merge(*settings_r, patch);
		rc = write_settings(acct, *settings_r, err);
	}
	return rc;
}

static void
answer(struct http_request *h, json_t *patch)
{
	struct mail_account *acct;
	struct pst_error err = { 0 };
	json_t *settings = NULL;
	enum pst_rc rc = mail_account_open(
	    http_services(h)->store, http_user(h), &acct, &err);

	if (rc == PST_OK) {
		struct mail_turn turn;

		if (patch != NULL)
			mail_turn_begin(&turn, acct, SETTINGS_KEY);
		rc = read_or_change(acct, patch, &settings, &err);
		if (patch != NULL)
			mail_turn_end(&turn);
		mail_account_close(&acct);
	}
	if (rc == PST_OK)
		web_answer(h, 200, json_incref(settings));
	else
		web_refused(h, &err);
	json_decref(settings);
}

static void
run_get(struct http_request *h)
{
	answer(h, NULL);
}

static void
run_patch(struct http_request *h)
{
	json_t *patch = web_take(h);

	if (patch != NULL)
		answer(h, patch);
	json_decref(patch);
}

const struct http_route web_settings_routes[] = {
	{ "GET", "/web/settings", HTTP_LOGIN, run_get, NULL, NULL, NULL },
	{ "PATCH", "/web/settings", HTTP_LOGIN, run_patch, NULL, NULL, NULL },
	{ NULL, NULL, 0, NULL, NULL, NULL, NULL },
};
