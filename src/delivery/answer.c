/*
 * delivery/answer.c - see answer.h.
 */
#include "delivery/answer.h"

#include "base/clock.h"
#include "base/codec.h"
#include "base/log.h"
#include "base/str.h"
#include "base/trail.h"
#include "message/address.h"
#include "message/downgrade.h"
#include "message/header.h"

#include <stdlib.h>

enum {
	ADDRESSES = 200, /* of To and Cc that are looked at */
	TEXT_MAX = 1 << 20,
};

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

/* By the user's own word, in the form that the accounts have. */
static bool
is_among(const char *address, const struct pst_str *own, size_t owns)
{
	char clean[321], other[321];

	for (size_t i = 0; i < owns; i++)
		if (account_normalise(str_of(address), clean) &&
		    account_normalise(own[i], other) &&
		    strcmp(clean, other) == 0)
			return true;
	return false;
}

static bool
is_of_the_user(const struct delivery *d, const struct msg_address *ad,
    const char *user, const struct pst_str *own, size_t owns)
{
	struct pst_error err;
	struct buf text;
	bool is = false;

	buf_init(&text, 1024);
	if (ad->kind == MSG_ADDRESS && ad->host.p != NULL &&
	    msg_address_print(ad, &text) && buf_putc(&text, '\0'))
		is = is_among(text.p, own, owns) ||
		     account_may_send_as(d->sv->accounts, user, text.p, &err) ==
			 PST_OK;
	buf_fini(&text);
	return is;
}

/* The user is named in To or Cc, by any of their addresses: what came by a list
 * or without being addressed is not for them to answer. */
static bool
is_to_the_user(const struct delivery *d, const struct msg_part *part,
    const char *user, const struct pst_str *own, size_t owns)
{
	static const char *const fields[] = { "To", "Cc", "Bcc", "Resent-To",
		"Resent-Cc", "Resent-Bcc" };
	struct arena *a = arena_new(0);
	bool found = false;

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		const struct msg_field *f = msg_field(part, fields[i]);
		struct msg_address *ad = f != NULL ? msg_addresses(
							 a, f->value, ADDRESSES)
						   : NULL;

		for (; ad != NULL && !found; ad = ad->next)
			found = is_of_the_user(d, ad, user, own, owns);
	}
	arena_free(&a);
	return found;
}

struct msg *
answer_message(const struct delivery *d)
{
	struct msg_reader *reader = msg_reader_new(&msg_limits_default, true);

	(void)msg_reader_feed(reader, d->header.p, d->header.n);
	return msg_reader_finish(&reader);
}

bool
answer_is_due(const struct delivery *d, const struct msg_part *part,
    const char *user, const struct pst_str *own, size_t owns)
{
	return *d->sender != '\0' && !d->junk && !d->envelope.unproven &&
	       strcasecmp(d->sender, user) != 0 &&
	       is_from_a_person(part, d->sender) &&
	       is_to_the_user(d, part, user, own, owns);
}

/* --- the answer ------------------------------------------------------------
 */

static void
put_subject(struct buf *out, struct pst_str own, const struct msg_part *part)
{
	const struct msg_field *f = msg_field(part, "Subject");
	struct buf text;

	buf_init(&text, 1000);
	if (own.n > 0) {
		(void)buf_add_str(&text, own);
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

/* The name in quotes, or as encoded words. */
static void
put_from(struct buf *out, const struct answer *a)
{
	struct arena *arena = arena_new(0);
	struct msg_address *ad = msg_addresses(arena, a->from, 1);
	struct pst_str name;
	struct buf address, decoded;

	buf_init(&address, 1024);
	buf_init(&decoded, 1000);
	if (ad == NULL || ad->kind != MSG_ADDRESS || ad->host.p == NULL ||
	    !msg_address_print(ad, &address)) {
		buf_clear(&address);
		(void)buf_puts(&address, a->user);
	} else if (ad->name.n > 0) {
		(void)msg_decode_words(ad->name, &decoded);
	}
	name = buf_str(&decoded);
	(void)buf_puts(out, "From: ");
	if (name.n > 0 && (!str_is_ascii(name) || name.n > 60)) {
		msg_encode_words(out, name);
		(void)buf_putc(out, ' ');
	} else if (name.n > 0) {
		(void)buf_putc(out, '"');
		for (size_t i = 0; i < name.n; i++) {
			if (name.p[i] == '"' || name.p[i] == '\\')
				(void)buf_putc(out, '\\');
			if (name.p[i] >= ' ')
				(void)buf_putc(out, name.p[i]);
		}
		(void)buf_puts(out, "\" ");
	}
	(void)buf_printf(out, "<%.*s>\r\n", STR_ARG(buf_str(&address)));
	buf_fini(&address);
	buf_fini(&decoded);
	arena_free(&arena);
}

static void
put_header(struct buf *out, const struct delivery *d, const struct answer *a,
    const struct msg_part *part)
{
	char date[40];

	put_from(out, a);
	msg_format_date(clock_seconds(), 0, date);
	(void)buf_printf(out,
	    "To: <%s>\r\nDate: %s\r\n"
	    "Message-ID: <vacation-%016llx@%s>\r\n"
	    "Auto-Submitted: auto-replied (vacation)\r\n"
	    "X-Auto-Response-Suppress: All\r\nMIME-Version: 1.0\r\n",
	    d->sender, date, (unsigned long long)random_u64(),
	    d->cfg->hostname);
	put_subject(out, a->subject, part);
	put_references(out, part);
}

/* Each line ends as those of mail do. */
static void
put_lines(struct buf *out, struct pst_str text)
{
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == '\n' && (i == 0 || text.p[i - 1] != '\r'))
			(void)buf_putc(out, '\r');
		(void)buf_putc(out, text.p[i]);
	}
}

static void
put_part(struct buf *out, const char *type, struct pst_str text)
{
	struct qp_encoder qp = { 0 };
	struct buf lines;

	buf_init(&lines, (size_t)2 * TEXT_MAX);
	put_lines(&lines, text);
	(void)buf_printf(out,
	    "Content-Type: %s; charset=utf-8\r\n"
	    "Content-Transfer-Encoding: quoted-printable\r\n\r\n",
	    type);
	(void)qp_encode_some(&qp, buf_str(&lines), true, out);
	(void)buf_puts(out, "\r\n");
	buf_fini(&lines);
}

/* RFC 5230, 4.4: of the entity's header what tells of its content, since the
 * rest of the header is ours. */
static void
put_entity(struct buf *out, struct pst_str entity)
{
	struct msg *m;
	struct buf lines;

	buf_init(&lines, (size_t)2 * TEXT_MAX);
	put_lines(&lines, entity);
	m = msg_read(buf_str(&lines), &msg_limits_default);
	for (size_t i = 0; i < m->root->fields; i++)
		if (str_has_prefix_case(m->root->field[i].name, "Content-"))
			(void)buf_add_str(out, m->root->field[i].whole);
	(void)buf_puts(out, "\r\n");
	(void)buf_add_str(
	    out, str_from(buf_str(&lines), (size_t)m->root->body_start));
	msg_free(&m);
	buf_fini(&lines);
}

static void
put_body(struct buf *out, const struct answer *a)
{
	char boundary[40];

	if (a->html.n == 0 || a->text.n == 0) {
		put_part(out, a->html.n > 0 ? "text/html" : "text/plain",
		    a->html.n > 0   ? a->html
		    : a->text.n > 0 ? a->text
				    : STR("I am away and will read your "
					  "message when I am back."));
		return;
	}
	(void)snprintf(boundary, sizeof(boundary), "=_%016llx",
	    (unsigned long long)random_u64());
	(void)buf_printf(out,
	    "Content-Type: multipart/alternative; boundary=\"%s\"\r\n\r\n--%s"
	    "\r\n",
	    boundary, boundary);
	put_part(out, "text/plain", a->text);
	(void)buf_printf(out, "--%s\r\n", boundary);
	put_part(out, "text/html", a->html);
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

void
answer_send(
    struct delivery *d, const struct answer *a, const struct msg_part *part)
{
	struct pst_error err = { 0 };
	struct pst_str whole;
	struct buf text;
	enum pst_rc rc;

	buf_init(&text, (size_t)8 * TEXT_MAX);
	put_header(&text, d, a, part);
	if (a->entity.n > 0)
		put_entity(&text, a->entity);
	else
		put_body(&text, a);
	whole = buf_str(&text);
	rc = d->sv->outbound != NULL
		 ? d->sv->outbound->send(
		       d->sv->outbound->arg, str_of(d->sender), whole, &err)
		 : deliver_here(d, whole, &err);
	if (rc == PST_OK)
		log_event(PST_LOG_INFO, 0, "vacation", "user", a->user, "to",
		    d->sender, NULL);
	else
		log_failure(PST_LOG_WARNING, 0, "vacation", &err);
	trail_event(NULL, "vacation", "user", a->user, "to", d->sender, NULL);
	buf_fini(&text);
}
