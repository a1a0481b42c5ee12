/*
 * web/deleted.c - messages that were deleted for good and are kept for a while
 * (undelete.keep): which there are, and bringing them back to where they were.
 *
 * A list is looked through SCAN messages at a time, whatever is searched for;
 * "next" says where to go on.
 */
#include "web/priv.h"

#include "base/log.h"
#include "base/str.h"
#include "mailbox/mailbox.h"
#include "mailbox/undelete.h"
#include "message/content.h"
#include "message/header.h"

#include <inttypes.h>
#include <stdlib.h>

enum {
	SCAN = 250,
	RESTORE_MOST = 1000, /* ids in one request */
	NEEDLE_MAX = 1024,
	TEXT_MAX = 8192,    /* of a subject or a name */
	MAILBOXES_MAX = 64, /* that are told of after bringing back */
};

/* What is no UTF-8 is left out: JSON has nothing else. */
static json_t *
text_of(struct pst_str s)
{
	json_t *text = json_stringn(s.p != NULL ? s.p : "", s.n);

	return text != NULL ? text : json_string("");
}

static json_t *
decoded(struct pst_str value)
{
	struct buf text;
	json_t *made;

	buf_init(&text, TEXT_MAX);
	(void)msg_decode_words(value, &text);
	made = text_of(buf_str(&text));
	buf_fini(&text);
	return made;
}

/* --- the list --------------------------------------------------------------
 */

struct listing {
	struct pst_str needle; /* folded; empty: all */
	int64_t keep;
	json_t *list;
	size_t seen;
	struct undelete_place last;
};

static json_t *
first_sender(const struct msg_envelope *env)
{
	const struct msg_address *a = env->from;
	struct buf email;
	json_t *from;

	while (a != NULL && a->kind != MSG_ADDRESS)
		a = a->next;
	if (a == NULL)
		return json_null();
	buf_init(&email, TEXT_MAX);
	(void)msg_address_print(a, &email);
	from = json_pack("{s:o, s:o}", "name", decoded(a->name), "email",
	    text_of(buf_str(&email)));
	buf_fini(&email);
	return from;
}

/* The needle is in one of the texts. */
static bool
has_needle(const struct listing *l, const json_t *one)
{
	const json_t *from = json_object_get(one, "from");
	const char *texts[] = {
		json_string_value(json_object_get(one, "subject")),
		json_string_value(json_object_get(from, "name")),
		json_string_value(json_object_get(from, "email")),
		json_string_value(json_object_get(one, "mailbox")),
	};
	bool found = l->needle.n == 0;

	for (size_t i = 0; i < 4 && !found; i++) {
		struct buf folded;

		buf_init(&folded, 4 * TEXT_MAX);
		if (texts[i] != NULL)
			(void)msg_casefold(str_of(texts[i]), &folded);
		found = folded.n >= l->needle.n &&
			memmem(folded.p, folded.n, l->needle.p, l->needle.n) !=
			    NULL;
		buf_fini(&folded);
	}
	return found;
}

static json_t *
about(const struct pst_kept *k, struct pst_str head, int64_t keep)
{
	struct msg_reader *reader = msg_reader_new(&msg_limits_default, true);
	struct msg_envelope env;
	struct arena *arena = arena_new(1 << 20);
	struct msg *m;
	json_t *one;

	(void)msg_reader_feed(reader, head.p != NULL ? head.p : "", head.n);
	m = msg_reader_finish(&reader);
	msg_envelope(arena, m->root, &env);
	one = json_pack("{s:o, s:o, s:b, s:o, s:o, s:I, s:I, s:I, s:I, s:b}",
	    "id", text_of(str_of(k->id)), "mailbox",
	    text_of(str_of(k->mailbox)), "exists", (int)k->exists, "from",
	    first_sender(&env), "subject", decoded(env.subject), "received",
	    (json_int_t)k->internal_date, "deleted", (json_int_t)k->expunged,
	    "until", (json_int_t)(k->expunged + keep), "size",
	    (json_int_t)k->size, "isSeen", (int)((k->flags & PST_SEEN) != 0));
	msg_free(&m);
	arena_free(&arena);
	return one;
}

static void
list_one(void *arg, const struct pst_kept *k, struct pst_str head)
{
	struct listing *l = arg;
	json_t *one = about(k, head, l->keep);

	l->seen++;
	l->last.expunged = k->expunged;
	(void)str_copy(l->last.id, sizeof(l->last.id), str_of(k->id));
	if (one != NULL && has_needle(l, one))
		(void)json_array_append(l->list, one);
	json_decref(one);
}

/* "1700000000.K0123": behind which message to go on. False: there is none, or
 * it is not to be understood. */
static bool
read_place(struct http_request *h, struct undelete_place *place_r)
{
	struct pst_str rest, seconds;
	uint64_t at = 0;
	struct buf text;
	bool ok;

	buf_init(&text, 128);
	ok = http_query_get(http_asked(h)->query, "after", &text);
	rest = buf_str(&text);
	ok = ok && str_split(&rest, '.', &seconds) &&
	     str_to_u64(seconds, &at) && at <= INT64_MAX &&
	     str_copy(place_r->id, sizeof(place_r->id), rest);
	place_r->expunged = (int64_t)at;
	buf_fini(&text);
	return ok;
}

static void
read_needle(struct http_request *h, struct buf *needle)
{
	struct buf text;

	buf_init(&text, NEEDLE_MAX);
	buf_init(needle, 4 * NEEDLE_MAX);
	if (http_query_get(http_asked(h)->query, "text", &text))
		(void)msg_casefold(buf_str(&text), needle);
	buf_fini(&text);
}

static void
answer_list(struct http_request *h, struct listing *l, bool more)
{
	json_t *answer = json_pack("{s:b, s:I, s:b, s:O}", "supported", 1,
	    "keep", (json_int_t)l->keep, "onHold", (int)http_user(h)->on_hold,
	    "messages", l->list);
	char next[80];

	(void)snprintf(
	    next, sizeof(next), "%" PRId64 ".%s", l->last.expunged, l->last.id);
	(void)json_object_set_new(
	    answer, "next", more ? json_string(next) : json_null());
	web_answer(h, 200, answer);
}

/* A storage without undelete is no error: that is said. */
static void
answer_failure(struct http_request *h, const struct pst_error *err)
{
	if (err->rc == PST_E_UNSUPPORTED)
		web_answer(h, 200,
		    json_pack("{s:b, s:i, s:b, s:[], s:n}", "supported", 0,
			"keep", 0, "onHold", 0, "messages", "next"));
	else if (err->rc == PST_E_QUOTA)
		http_problem(h, 422, "urn:postern:quota",
		    "There is no room for them in your mailbox.");
	else
		web_refused(h, err);
}

static void
run_list(struct http_request *h)
{
	struct listing l = { .keep = http_config(h)->undelete.keep,
		.list = json_array() };
	struct undelete_place after;
	bool has_place = read_place(h, &after), more = false;
	struct pst_error err = { 0 };
	struct mail_account *acct;
	struct buf needle;
	enum pst_rc rc = mail_account_open(
	    http_services(h)->store, http_user(h), &acct, &err);

	read_needle(h, &needle);
	l.needle = buf_str(&needle);
	if (rc == PST_OK) {
		rc = undelete_latest(acct, has_place ? &after : NULL, SCAN,
		    list_one, &l, &more, &err);
		mail_account_close(&acct);
	}
	if (rc == PST_OK)
		answer_list(h, &l, more);
	else
		answer_failure(h, &err);
	buf_fini(&needle);
	json_decref(l.list);
}

/* --- bringing back ---------------------------------------------------------
 */

struct restoring {
	json_t *counts; /* by the mailbox's name */
	size_t n;
};

static void
count_back(void *arg, const struct undelete_back *back)
{
	struct restoring *r = arg;
	json_int_t n = json_integer_value(
	    json_object_get(r->counts, back->mailbox));

	r->n++;
	(void)json_object_set_new(
	    r->counts, back->mailbox, json_integer(n + 1));
}

/* Where they are now, as JMAP knows the mailboxes. */
static json_t *
mailboxes_of(struct mail_account *acct, json_t *counts)
{
	json_t *list = json_array(), *count;
	struct mailbox_status status;
	struct pst_error err = { 0 };
	const char *name;

	json_object_foreach(counts, name, count)
	{
		if (json_array_size(list) < MAILBOXES_MAX &&
		    mailbox_status(acct, name, &status, &err) == PST_OK)
			(void)json_array_append_new(
			    list, json_pack("{s:s, s:s, s:O}", "id",
				      status.state.objectid, "name", name,
				      "messages", count));
	}
	return list;
}

static void
restore(struct http_request *h, const char *const *ids, size_t n)
{
	const struct undelete_filter filter = { .ids = ids, .id_count = n };
	struct restoring r = { .counts = json_object() };
	const struct undelete_how how = { .fn = count_back, .arg = &r };
	struct pst_error err = { 0 };
	struct mail_account *acct = NULL;
	char count[24];
	enum pst_rc rc = mail_account_open(
	    http_services(h)->store, http_user(h), &acct, &err);

	if (rc == PST_OK)
		rc = undelete_restore(acct, &filter, &how, &err);
	if (r.n > 0) {
		(void)snprintf(count, sizeof(count), "%zu", r.n);
		log_event(PST_LOG_INFO, net_id(http_conn(h)), "undelete",
		    "user", http_user(h)->address, "messages", count, NULL);
	}
	if (rc == PST_OK)
		web_answer(h, 200,
		    json_pack("{s:I, s:o}", "restored", (json_int_t)r.n,
			"mailboxes", mailboxes_of(acct, r.counts)));
	else
		answer_failure(h, &err);
	if (acct != NULL)
		mail_account_close(&acct);
	json_decref(r.counts);
}

static int
compare_texts(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void
run_restore(struct http_request *h)
{
	json_t *root = web_take(h);
	const json_t *list = json_object_get(root, "ids");
	size_t n = json_array_size(list), i;
	const char **ids = mem_array(n + 1, sizeof(*ids));
	bool ok = json_is_array(list) && n > 0 && n <= RESTORE_MOST;

	for (i = 0; i < n; i++) {
		ids[i] = json_string_value(json_array_get(list, i));
		ok = ok && ids[i] != NULL;
	}
	if (ok) {
		qsort(ids, n, sizeof(*ids), compare_texts);
		restore(h, ids, n);
	} else if (root != NULL) {
		http_problem(h, 422, NULL, "Say which messages, at most 1000.");
	}
	free(ids);
	json_decref(root);
}

const struct http_route web_deleted_routes[] = {
	{ "GET", "/web/deleted", HTTP_LOGIN, run_list, NULL, NULL, NULL },
	{ "POST", "/web/deleted", HTTP_LOGIN, run_restore, NULL, NULL, NULL },
	{ NULL, NULL, 0, NULL, NULL, NULL, NULL },
};
