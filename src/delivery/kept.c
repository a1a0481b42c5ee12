/*
 * delivery/kept.c - see kept.h.
 */
#include "delivery/kept.h"

#include "base/clock.h"
#include "base/str.h"
#include "mailbox/turn.h"

#include <stdlib.h>

enum { TEXT_MAX = 256 * 1024 };

struct wanted {
	const char *key;
	struct buf text;
};

static void
take_text(void *arg, const char *key, struct pst_str value)
{
	struct wanted *w = arg;

	if (strcmp(key, w->key) == 0)
		(void)buf_add_str(&w->text, value);
}

/* An object in any case; what is no object is as good as none. */
static enum pst_rc
load(struct mail_account *acct, const char *key, json_t **value_r,
    struct pst_error *err)
{
	struct wanted w = { .key = key };
	enum pst_rc rc;
	json_t *value;

	buf_init(&w.text, TEXT_MAX);
	rc = mailbox_meta_get(acct, NULL, key, take_text, &w, err);
	value = w.text.n > 0 ? json_loadb(w.text.p, w.text.n, 0, NULL) : NULL;
	buf_fini(&w.text);
	if (!json_is_object(value)) {
		json_decref(value);
		value = json_object();
	}
	*value_r = value;
	return rc;
}

json_t *
kept_load(struct mail_account *acct, const char *key)
{
	struct pst_error err;
	json_t *value;

	(void)load(acct, key, &value, &err);
	return value;
}

enum pst_rc
kept_save(struct mail_account *acct, const char *key, json_t *value,
    struct pst_error *err)
{
	char *text = json_dumps(value, JSON_COMPACT);
	enum pst_rc rc = strlen(text) > TEXT_MAX
			     ? pst_fail(err, PST_E_LIMIT, 0, "too long")
			     : mailbox_meta_set(
				   acct, NULL, key, str_of(text), err);

	free(text);
	return rc;
}

static void
drop_what_is_over(json_t *kept, int64_t now)
{
	const char *name;
	json_t *value;
	void *next;

	json_object_foreach_safe(kept, next, name, value)
	{
		if (json_integer_value(value) < now)
			(void)json_object_del(kept, name);
	}
}

static void
drop_soonest(json_t *kept, size_t most)
{
	while (json_object_size(kept) > most) {
		const char *name, *soonest = NULL;
		json_int_t when = 0;
		json_t *value;

		json_object_foreach(kept, name, value)
		{
			if (soonest == NULL ||
			    json_integer_value(value) < when) {
				soonest = name;
				when = json_integer_value(value);
			}
		}
		(void)json_object_del(kept, soonest);
	}
}

bool
kept_once(struct mail_account *acct, const char *key, const char *name,
    int64_t seconds, size_t most)
{
	struct mail_turn turn;
	int64_t now = clock_seconds();
	struct pst_error err = { 0 };
	json_t *kept;
	bool is_new;

	mail_turn_begin(&turn, acct, key);
	is_new = load(acct, key, &kept, &err) == PST_OK;
	drop_what_is_over(kept, now);
	/* Somebody comes with many names: silence is better. */
	is_new = is_new && json_object_get(kept, name) == NULL &&
		 json_object_size(kept) < most &&
		 json_object_set_new(kept, name,
		     json_integer((json_int_t)(now + seconds))) == 0 &&
		 kept_save(acct, key, kept, &err) == PST_OK;
	mail_turn_end(&turn);
	json_decref(kept);
	return is_new;
}

enum pst_rc
kept_remember(struct mail_account *acct, const char *key,
    const struct kept_until *v, size_t n, size_t most, struct pst_error *err)
{
	struct mail_turn turn;
	enum pst_rc rc;
	json_t *kept;

	mail_turn_begin(&turn, acct, key);
	rc = load(acct, key, &kept, err);
	drop_what_is_over(kept, clock_seconds());
	for (size_t i = 0; i < n; i++)
		(void)json_object_set_new(
		    kept, v[i].name, json_integer((json_int_t)v[i].until));
	drop_soonest(kept, most);
	if (rc == PST_OK)
		rc = kept_save(acct, key, kept, err);
	mail_turn_end(&turn);
	json_decref(kept);
	return rc;
}
