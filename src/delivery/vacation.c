/*
 * delivery/vacation.c - see vacation.h.
 *
 * Most users are not away: that is remembered for a minute, so a delivery does
 * not look.
 */
#include "delivery/vacation.h"

#include "base/clock.h"
#include "base/codec.h"
#include "base/log.h"
#include "base/str.h"
#include "base/trail.h"
#include "delivery/priv.h"
#include "message/downgrade.h"
#include "message/header.h"

#include <pthread.h>
#include <stdlib.h>

#define SETTINGS "postern/vacation"
#define ANSWERED "postern/vacation-answered"

enum {
	TEXT_MAX = 256 * 1024,
	REMEMBERED = 1024,
	LOOK = 60,	   /* seconds that "not away" is believed */
	AGAIN = 7 * 86400, /* a sender is answered once in that time */
	SENDERS = 2000,	   /* that are remembered */
	ADDRESSES = 200,   /* of To and Cc that are looked at */
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

/* An object; an empty one when there is none. */
static json_t *
load(struct mail_account *acct, const char *key)
{
	struct wanted w = { .key = key };
	struct pst_error err;
	json_t *value;

	buf_init(&w.text, TEXT_MAX);
	(void)mailbox_meta_get(acct, NULL, key, take_text, &w, &err);
	value = w.text.n > 0 ? json_loadb(w.text.p, w.text.n, 0, NULL) : NULL;
	buf_fini(&w.text);
	if (json_is_object(value))
		return value;
	json_decref(value);
	return json_object();
}

static enum pst_rc
save(struct mail_account *acct, const char *key, json_t *value,
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

json_t *
vacation_get(struct mail_account *acct)
{
	return load(acct, SETTINGS);
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
	enum pst_rc rc = save(acct, SETTINGS, settings, err);

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
	settings = load(acct, SETTINGS);
	is_on = is_now(settings);
	json_decref(settings);
	pthread_mutex_lock(&looked_lock);
	*l = (struct looked){ who, clock_monotonic() + LOOK * INT64_C(1000000),
		is_on };
	pthread_mutex_unlock(&looked_lock);
	return is_on;
}

/* --- may it be answered? ---------------------------------------------------
 */

static bool
has_word(const struct msg_part *part, const char *field, const char *word)
{
	const struct msg_field *f = msg_field(part, field);

	return f != NULL && str_find_case(f->value, str_of(word)) != SIZE_MAX;
}

/* RFC 3834, 2: not to programs, and not to lists. */
static bool
is_from_a_person(const struct msg_part *part, const char *sender)
{
	static const char *const lists[] = { "List-Id", "List-Post",
		"List-Unsubscribe", "List-Help", "Mailing-List" };
	static const char *const programs[] = { "mailer-daemon@", "listserv@",
		"majordomo@", "owner-", "noreply@", "no-reply@", "donotreply@",
		"postmaster@", "bounce" };
	const struct msg_field *f = msg_field(part, "Auto-Submitted");

	if (f != NULL && !str_has_prefix_case(str_trim(f->value), "no"))
		return false;
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		if (msg_field(part, lists[i]) != NULL)
			return false;
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++)
		if (str_has_prefix_case(str_of(sender), programs[i]))
			return false;
	return strstr(sender, "-request@") == NULL &&
	       !has_word(part, "Precedence", "bulk") &&
	       !has_word(part, "Precedence", "junk") &&
	       !has_word(part, "Precedence", "list") &&
	       !has_word(part, "X-Auto-Response-Suppress", "all") &&
	       !has_word(part, "X-Auto-Response-Suppress", "oof");
}

/* The user is named in To or Cc, by any of their addresses: what came by a list
 * or as a blind copy is not for them to answer. */
static bool
is_to_the_user(
    struct delivery *d, const struct msg_part *part, const char *user)
{
	static const char *const fields[] = { "To", "Cc", "Resent-To",
		"Resent-Cc" };
	struct arena *a = arena_new(0);
	bool found = false;
	struct buf text;

	buf_init(&text, 1024);
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		const struct msg_field *f = msg_field(part, fields[i]);
		struct msg_address *ad = f != NULL ? msg_addresses(
							 a, f->value, ADDRESSES)
						   : NULL;

		for (; ad != NULL && !found; ad = ad->next) {
			struct pst_error err;

			buf_clear(&text);
			if (ad->kind == MSG_ADDRESS && ad->host.p != NULL &&
			    msg_address_print(ad, &text) &&
			    buf_putc(&text, '\0'))
				found = account_may_send_as(d->sv->accounts,
					    user, text.p, &err) == PST_OK;
		}
	}
	buf_fini(&text);
	arena_free(&a);
	return found;
}

/* Notes that the sender is answered now; false: was answered lately. */
static bool
note_answered(struct mail_account *acct, const char *sender)
{
	json_t *answered = load(acct, ANSWERED), *value;
	int64_t now = clock_seconds();
	struct pst_error err = { 0 };
	const char *who;
	void *next;
	bool is_new;

	value = json_object_get(answered, sender);
	is_new = json_integer_value(value) < now - AGAIN;
	json_object_foreach_safe(answered, next, who, value)
	{
		if (json_integer_value(value) < now - AGAIN)
			(void)json_object_del(answered, who);
	}
	/* Somebody sends from many addresses: silence is better. */
	is_new = is_new && json_object_size(answered) < SENDERS;
	if (is_new) {
		(void)json_object_set_new(
		    answered, sender, json_integer((json_int_t)now));
		is_new = save(acct, ANSWERED, answered, &err) == PST_OK;
	}
	json_decref(answered);
	return is_new;
}

/* --- the answer ------------------------------------------------------------
 */

static const char *
text_of(json_t *settings, const char *name)
{
	const char *text = json_string_value(json_object_get(settings, name));

	return text != NULL && text[0] != '\0' ? text : NULL;
}

static void
put_subject(struct buf *out, json_t *settings, const struct msg_part *part)
{
	const char *own = text_of(settings, "subject");
	const struct msg_field *f = msg_field(part, "Subject");
	struct buf text;

	buf_init(&text, 1000);
	if (own != NULL) {
		(void)buf_puts(&text, own);
	} else {
		(void)buf_puts(&text, "Auto: ");
		if (f != NULL)
			(void)msg_decode_words(str_trim(f->value), &text);
	}
	for (size_t i = 0; i < text.n; i++)
		if ((unsigned char)text.p[i] < ' ')
			text.p[i] = ' ';
	(void)buf_puts(out, "Subject: ");
	if (str_is_ascii(buf_str(&text)) && text.n < 70)
		(void)buf_add(out, text.p, text.n);
	else
		msg_encode_words(out, buf_str(&text));
	(void)buf_puts(out, "\r\n");
	buf_fini(&text);
}

/* RFC 3834, 3.1.5: by these the answer finds its message. */
static void
put_references(struct buf *out, const struct msg_part *part)
{
	const struct msg_field *f = msg_field(part, "Message-ID");
	struct arena *a = arena_new((size_t)1 << 16);
	struct pst_str rest, id;

	if (f != NULL) {
		rest = f->value;
		if (msg_next_id(a, &rest, &id) && id.n < 900 &&
		    str_is_ascii(id))
			(void)buf_printf(out,
			    "In-Reply-To: %.*s\r\nReferences: %.*s\r\n",
			    STR_ARG(id), STR_ARG(id));
	}
	arena_free(&a);
}

static void
put_header(struct buf *out, struct delivery *d, const char *user,
    json_t *settings, const struct msg_part *part)
{
	char date[40];

	msg_format_date(clock_seconds(), 0, date);
	(void)buf_printf(out,
	    "From: <%s>\r\nTo: <%s>\r\nDate: %s\r\n"
	    "Message-ID: <vacation-%016llx@%s>\r\n"
	    "Auto-Submitted: auto-replied (vacation)\r\n"
	    "X-Auto-Response-Suppress: All\r\nMIME-Version: 1.0\r\n",
	    user, d->sender, date, (unsigned long long)random_u64(),
	    d->cfg->hostname);
	put_subject(out, settings, part);
	put_references(out, part);
}

static void
put_part(struct buf *out, const char *type, const char *text)
{
	struct qp_encoder qp = { 0 };
	struct buf lines;

	buf_init(&lines, 2 * TEXT_MAX);
	for (const char *p = text; *p != '\0'; p++) {
		if (*p == '\n' && (p == text || p[-1] != '\r'))
			(void)buf_putc(&lines, '\r');
		(void)buf_putc(&lines, *p);
	}
	(void)buf_printf(out,
	    "Content-Type: %s; charset=utf-8\r\n"
	    "Content-Transfer-Encoding: quoted-printable\r\n\r\n",
	    type);
	(void)qp_encode_some(&qp, buf_str(&lines), true, out);
	(void)buf_puts(out, "\r\n");
	buf_fini(&lines);
}

static void
put_body(struct buf *out, json_t *settings)
{
	const char *text = text_of(settings, "textBody");
	const char *html = text_of(settings, "htmlBody");
	char boundary[40];

	if (html == NULL || text == NULL) {
		put_part(out, html != NULL ? "text/html" : "text/plain",
		    html != NULL   ? html
		    : text != NULL ? text
				   : "I am away and will read your message "
				     "when I am back.");
		return;
	}
	(void)snprintf(boundary, sizeof(boundary), "=_%016llx",
	    (unsigned long long)random_u64());
	(void)buf_printf(out,
	    "Content-Type: multipart/alternative; boundary=\"%s\"\r\n\r\n--%s"
	    "\r\n",
	    boundary, boundary);
	put_part(out, "text/plain", text);
	(void)buf_printf(out, "--%s\r\n", boundary);
	put_part(out, "text/html", html);
	(void)buf_printf(out, "--%s--\r\n", boundary);
}

/* Without an agent for other servers, to people here. */
static enum pst_rc
deliver_here(struct delivery *d, struct pst_str text, struct pst_error *err)
{
	const struct delivery_recipient r = { .address = str_of(d->sender) };
	const struct delivery_message m = { .id = STR("vacation") };
	struct delivery *answer = delivery_new(d->sv, d->cfg);
	enum pst_rc rc = delivery_add(answer, &r, err), result = PST_E_TEMP;
	size_t stored;

	if (rc == PST_OK)
		rc = delivery_begin(answer, &m, err);
	if (rc == PST_OK)
		rc = delivery_write(answer, text.p, text.n, err);
	if (rc == PST_OK &&
	    delivery_finish(answer, &result, &stored, err) == DELIVERY_DONE)
		rc = result;
	delivery_free(&answer);
	return rc;
}

static void
answer(struct delivery *d, const char *user, json_t *settings,
    const struct msg_part *part)
{
	struct pst_error err = { 0 };
	struct pst_str whole;
	struct buf text;
	enum pst_rc rc;

	buf_init(&text, (size_t)8 * TEXT_MAX);
	put_header(&text, d, user, settings, part);
	put_body(&text, settings);
	whole = buf_str(&text);
	rc = d->sv->outbound != NULL
		 ? d->sv->outbound->send(
		       d->sv->outbound->arg, str_of(d->sender), whole, &err)
		 : deliver_here(d, whole, &err);
	if (rc == PST_OK)
		log_event(PST_LOG_INFO, 0, "vacation", "user", user, "to",
		    d->sender, NULL);
	else
		log_failure(PST_LOG_WARNING, 0, "vacation", &err);
	trail_event(NULL, "vacation", "user", user, "to", d->sender, NULL);
	buf_fini(&text);
}

void
vacation_answer(struct delivery *d, size_t i)
{
	struct mail_account *acct = d->receiver[i].acct;
	const char *user = mail_account_id(acct);
	struct msg_reader *reader;
	struct msg *m;
	json_t *settings;

	if (*d->sender == '\0' || d->junk || d->envelope.unproven ||
	    strcasecmp(d->sender, user) == 0)
		return;
	settings = load(acct, SETTINGS);
	reader = msg_reader_new(&msg_limits_default, true);
	(void)msg_reader_feed(reader, d->header.p, d->header.n);
	m = msg_reader_finish(&reader);
	if (is_now(settings) && is_from_a_person(m->root, d->sender) &&
	    is_to_the_user(d, m->root, user) && note_answered(acct, d->sender))
		answer(d, user, settings, m->root);
	msg_free(&m);
	json_decref(settings);
}
