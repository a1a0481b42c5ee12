/*
 * jmap/sieve_test.c - SieveScript/test: what a script would do with some
 * messages. Nothing of that is done. The method is one of Cyrus IMAP's
 * (https://cyrusimap.org/ns/jmap/sieve), and all that we have of that.
 */
#include "base/clock.h"
#include "base/str.h"
#include "jmap/email.h"
#include "jmap/sieve.h"
#include "message/address.h"

#include <time.h>

enum {
	MOST = 100,	    /* messages of one call */
	SLICE_US = 2000000, /* that a call takes; what is left is not tried */
};

/* One call; the world of its runs. */
struct trial {
	struct jmap_call *c;
	const struct sieve_script *script;
	struct sieve_limits limits;
	struct sieve_list list; /* of the user's scripts */
	struct sieve_host host;
	json_t *envelope;
	int64_t answered; /* when a sender got an answer last; 0: never */
	int64_t end;	  /* clock_monotonic() */
};

/* --- the world -------------------------------------------------------------
 */

/* NULL: there is none of that name. */
static struct catalog_box *
find_box(struct trial *t, struct pst_str name)
{
	struct catalog_box *box = NULL;
	struct buf clean;

	buf_init(&clean, 4096);
	if (mailbox_name_clean(name, &clean) == PST_OK &&
	    buf_putc(&clean, '\0'))
		box = catalog_find_name(t->c->q->catalog, clean.p);
	buf_fini(&clean);
	return box;
}

static bool
has_mailbox(void *arg, struct pst_str name)
{
	return find_box(arg, name) != NULL;
}

static bool
has_special_use(void *arg, struct pst_str mailbox, struct pst_str use)
{
	struct trial *t = arg;
	struct catalog *catalog = t->c->q->catalog;
	const struct catalog_box *only = NULL;

	if (mailbox.p != NULL && (only = find_box(t, mailbox)) == NULL)
		return false;
	for (size_t i = 0; i < catalog_boxes(catalog); i++) {
		const struct catalog_box *box = catalog_box(catalog, i);

		if ((only == NULL || only == box) &&
		    str_is_case(use, box->special_use))
			return true;
	}
	return false;
}

static bool
is_mine(void *arg, struct pst_str address)
{
	struct trial *t = arg;
	struct pst_error err = { 0 };
	char text[512];

	return str_copy(text, sizeof(text), address) &&
	       account_may_send_as(t->c->q->sv->accounts,
		   t->c->q->user->address, text, &err) == PST_OK;
}

static enum pst_rc
include(void *arg, bool global, struct pst_str name, struct buf *text_r)
{
	struct trial *t = arg;
	const struct sieve_entry *entry = NULL;
	struct pst_error err = { 0 };

	for (size_t i = 0; i < t->list.n && !global; i++)
		if (str_is(name, t->list.v[i].name))
			entry = &t->list.v[i];
	return entry != NULL ? sieve_text(catalog_account(t->c->q->catalog),
				   entry->text_id, text_r, &err)
			     : PST_E_NOTFOUND;
}

static int
local_zone(int64_t now)
{
	time_t t = (time_t)now;
	struct tm tm;

	return localtime_r(&t, &tm) != NULL ? (int)(tm.tm_gmtoff / 60) : 0;
}

static void
make_host(struct trial *t)
{
	int64_t now = clock_seconds();

	t->host = (struct sieve_host){ .arg = t,
		.now = now,
		.zone = local_zone(now),
		.separator = t->c->q->cfg->smtp.detail_separator,
		.has_mailbox = has_mailbox,
		.has_special_use = has_special_use,
		.is_mine = is_mine,
		.include = include };
}

/* --- envelopes -------------------------------------------------------------
 */

/* What was the envelope's, as far as the message tells; else who it is from. */
static void
put_sender(const struct msg *msg, struct buf *out)
{
	const struct msg_field *path = msg_field(msg->root, "Return-Path"),
			       *from = msg_field(msg->root, "From");
	struct msg_address *address;
	struct arena *a;

	if (path == NULL && from == NULL)
		return;
	a = arena_new(0);
	address = msg_addresses(a, path != NULL ? path->value : from->value, 1);
	if (address != NULL && address->kind == MSG_ADDRESS &&
	    address->host.p != NULL)
		(void)msg_address_print(address, out);
	arena_free(&a);
}

/* {"email": ...} of RFC 8621, 7. */
static struct pst_str
email_of(json_t *address)
{
	const char *text = json_string_value(json_object_get(address, "email"));

	return text != NULL ? str_of(text) : STR_NONE;
}

static bool
is_envelope(json_t *envelope)
{
	json_t *to = json_object_get(envelope, "rcptTo"), *one;
	size_t i;

	if (envelope == NULL)
		return true;
	json_array_foreach(to, i, one)
	{
		if (email_of(one).p == NULL)
			return false;
	}
	return email_of(json_object_get(envelope, "mailFrom")).p != NULL &&
	       json_array_size(to) > 0;
}

/* --- actions ---------------------------------------------------------------
 */

static void
set_text(json_t *args, const char *name, struct pst_str text)
{
	if (text.p != NULL)
		(void)json_object_set_new(args, name, jmap_str(text));
}

static json_t *
keeping_args(const struct sieve_action *a)
{
	json_t *args = json_object(), *flags = json_array();

	set_text(args, "mailbox", a->mailbox);
	set_text(args, "specialUse", a->special_use);
	if (a->create)
		(void)json_object_set_new(args, "create", json_true());
	for (size_t i = 0; i < a->flags; i++)
		(void)json_array_append_new(flags, jmap_str(a->flag[i]));
	if (a->flags > 0)
		(void)json_object_set(args, "flags", flags);
	json_decref(flags);
	return args;
}

static json_t *
vacation_args(const struct sieve_action *a)
{
	json_t *args = json_object();

	set_text(args, "subject", a->subject);
	set_text(args, "from", a->from);
	set_text(args, "reason", a->text);
	if (a->is_mime)
		(void)json_object_set_new(args, "mime", json_true());
	return args;
}

static json_t *
action_object(const struct sieve_action *a)
{
	const char *name = "keep";
	json_t *args = NULL;

	switch (a->kind) {
	case SIEVE_KEEP:
		args = keeping_args(a);
		break;
	case SIEVE_FILEINTO:
		name = "fileinto";
		args = keeping_args(a);
		break;
	case SIEVE_REDIRECT:
		name = "redirect";
		args = json_object();
		set_text(args, "address", a->address);
		break;
	case SIEVE_REJECT:
	case SIEVE_EREJECT:
		name = a->kind == SIEVE_REJECT ? "reject" : "ereject";
		args = json_object();
		set_text(args, "reason", a->text);
		break;
	case SIEVE_VACATION:
		name = "vacation";
		args = vacation_args(a);
		break;
	}
	return json_pack("[s, o]", name, args);
}

/* An answer that would not be given again so soon. */
static bool
is_answered(const struct trial *t, const struct sieve_action *a)
{
	int64_t least = (int64_t)t->c->q->cfg->sieve.vacation_days_min * 86400;
	int64_t seconds = a->seconds >= 0 ? a->seconds : 7 * INT64_C(86400);

	if (a->kind != SIEVE_VACATION || t->answered == 0)
		return false;
	return t->answered + (seconds > least ? seconds : least) > t->host.now;
}

static json_t *
actions_of(const struct trial *t, const struct sieve_result *r)
{
	json_t *actions = json_array();
	bool goes_nowhere = true;

	for (size_t i = 0; i < r->actions; i++) {
		if (!is_answered(t, &r->action[i]))
			(void)json_array_append_new(
			    actions, action_object(&r->action[i]));
		goes_nowhere &= r->action[i].kind == SIEVE_VACATION;
	}
	if (goes_nowhere)
		(void)json_array_append_new(
		    actions, json_pack("[s, {}]", "discard"));
	return actions;
}

/* --- the method ------------------------------------------------------------
 */

static void
run(struct trial *t, const struct msg *msg, struct pst_str content,
    struct sieve_result *result_r)
{
	struct sieve_message m = { .msg = msg,
		.content = content,
		.size = content.n,
		.to = str_of(t->c->q->user->address) };
	struct buf from;

	buf_init(&from, 1024);
	put_sender(msg, &from);
	m.from = buf_str(&from);
	if (t->envelope != NULL) {
		m.from = email_of(json_object_get(t->envelope, "mailFrom"));
		m.to = email_of(
		    json_array_get(json_object_get(t->envelope, "rcptTo"), 0));
	}
	m.content = str_first(content, (size_t)t->c->q->cfg->sieve.body_size);
	sieve_run(t->script, &m, &t->host, &t->limits, result_r);
	buf_fini(&from);
}

static void
try_one(struct trial *t, const char *id, json_t *completed, json_t *failed)
{
	const char *real = jmap_real_id(t->c->q, id);
	struct msg_limits limits = jmap_limits(t->c);
	struct sieve_result result;
	struct buf content;
	struct msg *msg;
	char type[128];

	if (clock_monotonic() > t->end) {
		(void)json_object_set_new(failed, id,
		    jmap_set_error("rateLimit", NULL,
			"It takes too long; ask for fewer at a time."));
		return;
	}
	buf_init(&content, (size_t)t->c->q->cfg->smtp.message_size);
	if (real == NULL || !jmap_blob(t->c, real, &content, type)) {
		(void)json_object_set_new(
		    failed, id, jmap_set_error("blobNotFound", NULL, NULL));
		buf_fini(&content);
		return;
	}
	msg = msg_read(buf_str(&content), &limits);
	run(t, msg, buf_str(&content), &result);
	if (result.failed)
		(void)json_object_set_new(
		    failed, id, jmap_sieve_problem(&result.problem));
	else
		(void)json_object_set_new(
		    completed, id, actions_of(t, &result));
	sieve_result_fini(&result);
	msg_free(&msg);
	buf_fini(&content);
}

static json_t *
null_when_empty(json_t *object)
{
	if (json_object_size(object) > 0)
		return object;
	json_decref(object);
	return json_null();
}

static json_t *
try_all(struct trial *t, json_t *ids)
{
	json_t *completed = json_object(), *failed = json_object(), *id;
	size_t i;

	make_host(t);
	t->limits = sieve_limits_of(t->c->q->cfg);
	t->end = clock_monotonic() + SLICE_US;
	json_array_foreach(ids, i, id)
	    try_one(t, json_string_value(id), completed, failed);
	return json_pack("{s:s, s:o, s:o}", "accountId", t->c->q->account,
	    "completed", null_when_empty(completed), "notCompleted",
	    null_when_empty(failed));
}

/* False: c->error. */
static bool
read_arguments(struct trial *t, const char **script_r, json_t **ids_r)
{
	struct jmap_call *c = t->c;
	const char *answered;
	json_t *variables;

	if (!jmap_get_text(c, "scriptBlobId", script_r) ||
	    !jmap_get_list(c, "emailBlobIds", ids_r) ||
	    !jmap_get_object(c, "envelope", &t->envelope) ||
	    !jmap_get_object(c, "variables", &variables) ||
	    !jmap_get_text(c, "lastVacationResponse", &answered))
		return false;
	if (*script_r == NULL || *ids_r == NULL || !is_envelope(t->envelope) ||
	    json_object_size(variables) > 0 ||
	    (answered != NULL && !jmap_parse_date(answered, &t->answered)))
		return jmap_error(c, "invalidArguments", NULL) == NULL;
	return json_array_size(*ids_r) <= MOST ||
	       jmap_error(c, "requestTooLarge", NULL) == NULL;
}

json_t *
jmap_sieve_test(struct jmap_call *c)
{
	struct trial t = { .c = c };
	struct sieve_script *script = NULL;
	struct pst_error err = { 0 };
	json_t *ids, *answer;
	struct buf text;
	const char *id;

	if (!read_arguments(&t, &id, &ids))
		return c->error;
	buf_init(&text, (size_t)c->q->cfg->http.upload_size);
	answer = jmap_sieve_read(c, id, &text, &script);
	buf_fini(&text);
	if (answer != NULL) {
		/* As an error of the method. */
		json_decref(c->error);
		c->error = answer;
		return answer;
	}
	t.script = script;
	answer = sieve_list(catalog_account(c->q->catalog), &t.list, &err) ==
			 PST_OK
		     ? try_all(&t, ids)
		     : jmap_failed(c, &err);
	sieve_list_fini(&t.list);
	sieve_script_free(&script);
	return answer;
}
