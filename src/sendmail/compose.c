/*
 * sendmail/compose.c - see compose.h.
 */
#include "sendmail/compose.h"

#include "base/codec.h"
#include "base/str.h"
#include "message/address.h"

#include <stdlib.h>

enum { HEADER_MAX = 8 << 20, ADDRESS_MAX = 1024, NAME_MAX_OCTETS = 200 };

void
compose_init(struct compose *c)
{
	*c = (struct compose){ .arena = arena_new(0) };
	buf_init(&c->header, HEADER_MAX);
}

void
compose_fini(struct compose *c)
{
	arena_free(&c->arena);
	free(c->recipient);
	buf_fini(&c->header);
}

/* --- addresses --------------------------------------------------------------
 */

/* With our domain when it has none. */
static bool
print_address(
    const struct compose *c, const struct msg_address *ad, struct buf *out)
{
	struct msg_address full = *ad;

	if (full.host.p == NULL || full.host.n == 0)
		full.host = str_of(c->domain);
	return full.mailbox.n > 0 && msg_address_print(&full, out);
}

static void
add_all(struct compose *c, const struct msg_address *ad)
{
	struct buf text;

	buf_init(&text, ADDRESS_MAX);
	for (; ad != NULL; ad = ad->next) {
		if (ad->kind != MSG_ADDRESS)
			continue;
		buf_clear(&text);
		if (!print_address(c, ad, &text))
			continue;
		if (c->recipients >= COMPOSE_RECIPIENTS_MAX) {
			c->too_many = true;
			break;
		}
		mem_grow(&c->recipient, &c->cap, c->recipients + 1,
		    sizeof(*c->recipient));
		c->recipient[c->recipients++] = arena_copy(
		    c->arena, buf_str(&text));
	}
	buf_fini(&text);
}

bool
compose_recipient(struct compose *c, struct pst_str text)
{
	size_t before = c->recipients;

	add_all(c, msg_addresses(c->arena, text, COMPOSE_RECIPIENTS_MAX + 1));
	return c->recipients > before;
}

bool
compose_address(struct compose *c, struct pst_str text, struct buf *out)
{
	const struct msg_address *ad = msg_addresses(c->arena, text, 2);

	return ad != NULL && ad->kind == MSG_ADDRESS && ad->next == NULL &&
	       print_address(c, ad, out);
}

/* --- fields ------------------------------------------------------------------
 */

/* A display name (RFC 5322, 3.2.5), quoted where it must be. */
static void
print_name(struct pst_str name, struct buf *out)
{
	bool plain = true;

	for (size_t i = 0; i < name.n; i++)
		plain &= name.p[i] == ' ' || ascii_is_alpha(name.p[i]) ||
			 ascii_is_digit(name.p[i]) ||
			 (unsigned char)name.p[i] >= 0x80 ||
			 strchr("!#$%&'*+-/=?^_`{|}~", name.p[i]) != NULL;
	if (plain) {
		(void)buf_add_str(out, name);
		return;
	}
	(void)buf_putc(out, '"');
	for (size_t i = 0; i < name.n; i++) {
		if (name.p[i] == '"' || name.p[i] == '\\')
			(void)buf_putc(out, '\\');
		if ((unsigned char)name.p[i] >= ' ')
			(void)buf_putc(out, name.p[i]);
	}
	(void)buf_putc(out, '"');
}

static bool
lacks_domain(const struct msg_address *ad)
{
	for (; ad != NULL; ad = ad->next)
		if (ad->kind == MSG_ADDRESS && ad->mailbox.n > 0 &&
		    (ad->host.p == NULL || ad->host.n == 0))
			return true;
	return false;
}

static void
print_one(struct compose *c, const struct msg_address *ad)
{
	struct buf *out = &c->header;

	if (ad->name.n > 0) {
		print_name(ad->name, out);
		(void)buf_puts(out, " <");
	}
	(void)print_address(c, ad, out);
	if (ad->name.n > 0)
		(void)buf_putc(out, '>');
}

/* Each address on a line of its own. */
static void
print_list(struct compose *c, struct pst_str name, const struct msg_address *ad)
{
	const char *between = " ";

	(void)buf_printf(&c->header, "%.*s:", STR_ARG(name));
	for (; ad != NULL; ad = ad->next) {
		if (ad->kind == MSG_GROUP_END) {
			(void)buf_putc(&c->header, ';');
			between = ",\r\n\t";
			continue;
		}
		if (ad->mailbox.n == 0)
			continue;
		(void)buf_puts(&c->header, between);
		between = ",\r\n\t";
		if (ad->kind == MSG_GROUP_START) {
			print_name(ad->mailbox, &c->header);
			(void)buf_putc(&c->header, ':');
			between = " ";
		} else {
			print_one(c, ad);
		}
	}
	(void)buf_puts(&c->header, "\r\n");
}

enum field {
	FIELD_OTHER,
	FIELD_FROM,
	FIELD_ADDRESSES, /* that tell nobody to get it */
	FIELD_TO,
	FIELD_BCC,
};

static enum field
field_of(struct pst_str name, bool *resent_r)
{
	static const struct {
		const char *name;
		enum field field;
	} known[] = {
		{ "from", FIELD_FROM },
		{ "sender", FIELD_ADDRESSES },
		{ "reply-to", FIELD_ADDRESSES },
		{ "to", FIELD_TO },
		{ "cc", FIELD_TO },
		{ "bcc", FIELD_BCC },
	};

	*resent_r = str_has_prefix_case(name, "resent-");
	if (*resent_r)
		name = str_from(name, 7);
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (str_is_case(name, known[i].name))
			return known[i].field;
	return FIELD_OTHER;
}

/* The next field with its line ends. */
static bool
next_field(struct pst_str *rest, struct pst_str *field, struct pst_str *name,
    struct pst_str *value)
{
	size_t n = 0, colon;

	if (rest->n == 0)
		return false;
	do {
		n += str_find(str_from(*rest, n), '\n') + 1;
	} while (n < rest->n && (rest->p[n] == ' ' || rest->p[n] == '\t'));
	*field = str_first(*rest, n);
	*rest = str_from(*rest, n);
	colon = str_find(*field, ':');
	*name = str_trim(str_first(*field, colon));
	*value = str_from(*field, colon + 1);
	return true;
}

/* A message that is sent again goes to those of its Resent fields (RFC 5322,
 * 3.6.6). */
static bool
is_resent(struct pst_str fields)
{
	struct pst_str field, name, value;
	bool resent;

	while (next_field(&fields, &field, &name, &value)) {
		enum field kind = field_of(name, &resent);

		if (resent && (kind == FIELD_TO || kind == FIELD_BCC))
			return true;
	}
	return false;
}

/* RFC 2047 where it must be. */
static void
put_from(struct compose *c)
{
	struct pst_str name = str_of(c->name);
	struct buf encoded;

	buf_init(&encoded, 4 * NAME_MAX_OCTETS);
	(void)buf_puts(&c->header, "From: ");
	if (name.n > 0 && name.n <= NAME_MAX_OCTETS && str_is_utf8(name)) {
		if (str_is_ascii(name)) {
			print_name(name, &c->header);
		} else if (base64_encode(str_first(name, 45), &encoded) &&
			   str_is_utf8(str_first(name, 45))) {
			(void)buf_printf(&c->header,
			    "=?utf-8?b?%.*s?=", STR_ARG(buf_str(&encoded)));
		}
		(void)buf_putc(&c->header, ' ');
	}
	(void)buf_printf(&c->header, "<%s>\r\n", c->sender);
	buf_fini(&encoded);
}

void
compose_header(struct compose *c, struct pst_str fields)
{
	bool resent_message = is_resent(fields), has_from = false, resent;
	struct pst_str rest = fields, field, name, value;

	while (next_field(&rest, &field, &name, &value)) {
		enum field kind = field_of(name, &resent);
		const struct msg_address *list = NULL;

		if (kind != FIELD_OTHER)
			list = msg_addresses(
			    c->arena, value, COMPOSE_RECIPIENTS_MAX + 1);
		has_from |= kind == FIELD_FROM && !resent;
		if (c->collect && (kind == FIELD_TO || kind == FIELD_BCC) &&
		    resent == resent_message)
			add_all(c, list);
		if (c->collect && kind == FIELD_BCC)
			continue;
		if (lacks_domain(list))
			print_list(c, name, list);
		else
			(void)buf_add_str(&c->header, field);
	}
	if (!has_from)
		put_from(c);
}
