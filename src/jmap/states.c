/*
 * jmap/states.c - see states.h.
 */
#include "jmap/states.h"

#include "base/log.h"
#include "base/str.h"
#include "jmap/sieve.h"

#include <stdlib.h>

enum { STATE_MAX = 1 << 20 };

static const char *const names[JMAP_TYPES] = {
	[JMAP_TYPE_EMAIL] = "Email",
	[JMAP_TYPE_MAILBOX] = "Mailbox",
	[JMAP_TYPE_THREAD] = "Thread",
	[JMAP_TYPE_DELIVERY] = "EmailDelivery",
	[JMAP_TYPE_SIEVE] = "SieveScript",
};

unsigned
jmap_type_bit(struct pst_str name)
{
	for (unsigned i = 0; i < JMAP_TYPES; i++)
		if (str_is(name, names[i]))
			return 1U << i;
	return 0;
}

bool
jmap_type_bits(json_t *list, unsigned *bits_r)
{
	json_t *item;
	size_t i;

	*bits_r = list == NULL || json_is_null(list) ? JMAP_TYPES_ALL : 0;
	if (*bits_r != 0)
		return true;
	json_array_foreach(list, i, item)
	{
		if (!json_is_string(item))
			return false;
		*bits_r |= jmap_type_bit(str_of(json_string_value(item)));
	}
	return json_is_array(list);
}

/* --- as they are now -------------------------------------------------------
 */

static bool
takes_deliveries(const struct catalog_box *box)
{
	static const char *const not_there[] = { "\\Sent", "\\Drafts",
		"\\Trash" };

	for (size_t i = 0; i < sizeof(not_there) / sizeof(not_there[0]); i++)
		if (strcmp(box->special_use, not_there[i]) == 0)
			return false;
	return true;
}

/* Moves on when messages come to where deliveries go, and hardly else. */
static void
delivery_state(struct jmap_call *c, struct buf *out)
{
	struct catalog *catalog = c->q->catalog;
	char id[JMAP_ID];
	struct buf all;

	buf_init(&all, STATE_MAX);
	for (size_t k = 0; k < catalog_boxes(catalog); k++) {
		const struct catalog_box *box = catalog_box(catalog, k);

		if (takes_deliveries(box) && box->uidnext > 0)
			(void)buf_printf(
			    &all, "%s %u\n", box->id, (unsigned)box->uidnext);
	}
	jmap_make_id("D", buf_str(&all), id);
	(void)buf_puts(out, id);
	buf_fini(&all);
}

static void
take_one(struct catalog *catalog, struct jmap_present *p, unsigned type,
    void (*state)(struct jmap_call *c, struct buf *out))
{
	struct jmap_request q = { .catalog = catalog };
	struct jmap_call c = { .q = &q };
	struct buf text;

	buf_init(&text, STATE_MAX);
	state(&c, &text);
	p->text[type] = str_dup(buf_str(&text));
	p->hash[type] = catalog_hash(buf_str(&text));
	buf_fini(&text);
}

void
jmap_present_of(struct catalog *c, struct jmap_present *p)
{
	take_one(c, p, JMAP_TYPE_EMAIL, jmap_email_state);
	take_one(c, p, JMAP_TYPE_MAILBOX, jmap_mailbox_state);
	take_one(c, p, JMAP_TYPE_THREAD, jmap_email_state);
	take_one(c, p, JMAP_TYPE_DELIVERY, delivery_state);
	take_one(c, p, JMAP_TYPE_SIEVE, jmap_sieve_state);
}

enum pst_rc
jmap_present_take(
    struct catalog *c, struct jmap_present *p, struct pst_error *err)
{
	enum pst_rc rc;

	memset(p, 0, sizeof(*p));
	catalog_lock(c);
	rc = catalog_sync(c, err);
	if (rc == PST_OK)
		jmap_present_of(c, p);
	catalog_unlock(c);
	return rc;
}

void
jmap_present_fini(struct jmap_present *p)
{
	for (unsigned i = 0; i < JMAP_TYPES; i++)
		free(p->text[i]);
	memset(p, 0, sizeof(*p));
}

unsigned
jmap_present_news(const struct jmap_present *p, const uint64_t told[JMAP_TYPES])
{
	unsigned types = 0;

	for (unsigned i = 0; i < JMAP_TYPES; i++)
		if (p->hash[i] != told[i])
			types |= 1U << i;
	return types;
}

void
jmap_present_mark(const struct jmap_present *p, char mark_r[JMAP_ID])
{
	jmap_make_id(
	    "S", str_n((const char *)p->hash, sizeof(p->hash)), mark_r);
}

json_t *
jmap_state_change(
    const char *account, const struct jmap_present *p, unsigned types)
{
	json_t *changed = json_object();

	for (unsigned i = 0; i < JMAP_TYPES; i++)
		if ((types & 1U << i) != 0)
			(void)json_object_set_new(
			    changed, names[i], json_string(p->text[i]));
	return json_pack("{s:s, s:{s:o}}", "@type", "StateChange", "changed",
	    account, changed);
}

/* --- for a connection ------------------------------------------------------
 */

/* What other programs did is looked at, and becomes news. */
static void
drain(struct jmap_states *s)
{
	struct watch_news news;

	(void)watch_is_overflown(s->watch);
	while (watch_take(s->watch, &news)) {
		if ((news.kinds & WATCH_STIRRED) != 0 && news.mailbox != NULL)
			watch_look(s->watch, news.mailbox);
		watch_news_fini(&news);
	}
}

/* `mark` NULL: what was told. */
static json_t *
take(struct jmap_states *s, const char *mark)
{
	struct pst_error err = { 0 };
	struct jmap_present p;
	json_t *change = NULL;
	char now[JMAP_ID];
	unsigned types;

	drain(s);
	if (jmap_present_take(s->catalog, &p, &err) == PST_OK) {
		jmap_present_mark(&p, now);
		types = mark == NULL ? jmap_present_news(&p, s->told)
			: strcmp(mark, now) != 0 ? JMAP_TYPES_ALL
						 : 0;
		types &= s->types;
		memcpy(s->told, p.hash, sizeof(s->told));
		memcpy(s->mark, now, sizeof(s->mark));
		if (types != 0)
			change = jmap_state_change(s->account, &p, types);
	} else {
		log_failure(PST_LOG_WARNING, 0, "jmap", &err);
	}
	jmap_present_fini(&p);
	return change;
}

enum pst_rc
jmap_states_open(struct jmap_states *s, struct mailstore *store,
    const struct account_user *user, const char *account, unsigned types,
    const struct net_handle *wake, struct pst_error *err)
{
	enum pst_rc rc;

	memset(s, 0, sizeof(*s));
	(void)str_copy(s->account, sizeof(s->account), str_of(account));
	s->types = types;
	rc = catalog_open(store, user, &s->catalog, err);
	if (rc != PST_OK)
		return rc;
	s->watch = watch_open(
	    catalog_account(s->catalog), ~(unsigned)WATCH_METADATA, wake);
	json_decref(take(s, NULL));
	return PST_OK;
}

void
jmap_states_close(struct jmap_states *s)
{
	watch_close(&s->watch);
	catalog_close(&s->catalog);
}

json_t *
jmap_states_take(struct jmap_states *s)
{
	return take(s, NULL);
}

json_t *
jmap_states_since(struct jmap_states *s, const char *mark)
{
	return take(s, mark);
}
