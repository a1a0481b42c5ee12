/*
 * jmap/header.c - from header fields to JSON.
 */
#include "jmap/header.h"

#include "base/str.h"
#include "message/content.h"
#include "message/header.h"

enum { ADDRESSES_MAX = 10000, TEXT_MAX = 1 << 20, IDS_MAX = 10000 };

static const struct {
	const char *suffix;
	enum jmap_form form;
} forms[] = {
	{ "asRaw", JMAP_RAW },
	{ "asText", JMAP_TEXT },
	{ "asAddresses", JMAP_ADDRESSES },
	{ "asGroupedAddresses", JMAP_GROUPED },
	{ "asMessageIds", JMAP_MESSAGE_IDS },
	{ "asDate", JMAP_DATE },
	{ "asURLs", JMAP_URLS },
};

/* What the fields of RFC 5322 and RFC 2369 hold; of others any form may be
 * asked. */
static const struct {
	const char *name;
	enum jmap_form form;
} kinds[] = {
	{ "From", JMAP_ADDRESSES },
	{ "Sender", JMAP_ADDRESSES },
	{ "Reply-To", JMAP_ADDRESSES },
	{ "To", JMAP_ADDRESSES },
	{ "Cc", JMAP_ADDRESSES },
	{ "Bcc", JMAP_ADDRESSES },
	{ "Resent-From", JMAP_ADDRESSES },
	{ "Resent-Sender", JMAP_ADDRESSES },
	{ "Resent-Reply-To", JMAP_ADDRESSES },
	{ "Resent-To", JMAP_ADDRESSES },
	{ "Resent-Cc", JMAP_ADDRESSES },
	{ "Resent-Bcc", JMAP_ADDRESSES },
	{ "Date", JMAP_DATE },
	{ "Resent-Date", JMAP_DATE },
	{ "Message-ID", JMAP_MESSAGE_IDS },
	{ "In-Reply-To", JMAP_MESSAGE_IDS },
	{ "References", JMAP_MESSAGE_IDS },
	{ "Resent-Message-ID", JMAP_MESSAGE_IDS },
	{ "Subject", JMAP_TEXT },
	{ "Comments", JMAP_TEXT },
	{ "Keywords", JMAP_TEXT },
	{ "List-Id", JMAP_TEXT },
	{ "List-Help", JMAP_URLS },
	{ "List-Unsubscribe", JMAP_URLS },
	{ "List-Subscribe", JMAP_URLS },
	{ "List-Post", JMAP_URLS },
	{ "List-Owner", JMAP_URLS },
	{ "List-Archive", JMAP_URLS },
};

static bool
is_allowed(const struct jmap_header *h)
{
	enum jmap_form form = h->form == JMAP_GROUPED ? JMAP_ADDRESSES
						      : h->form;

	if (form == JMAP_RAW)
		return true;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (str_is_case(h->name, kinds[i].name))
			return form == kinds[i].form;
	return true;
}

static bool
is_field_name(struct pst_str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] >= 127 || s.p[i] == ':')
			return false;
	return s.n > 0;
}

bool
jmap_header_parse(const char *property, struct jmap_header *h_r)
{
	struct pst_str rest = str_of(property), part;

	*h_r = (struct jmap_header){ .form = JMAP_RAW };
	if (!str_split(&rest, ':', &part) || !str_is(part, "header") ||
	    !str_split(&rest, ':', &h_r->name) || !is_field_name(h_r->name))
		return false;
	for (size_t k = 0; str_split(&rest, ':', &part); k++) {
		size_t i = 0, n = sizeof(forms) / sizeof(forms[0]);

		if (str_is(part, "all") && !h_r->is_all && rest.p == NULL) {
			h_r->is_all = true;
			continue;
		}
		while (i < n && !str_is(part, forms[i].suffix))
			i++;
		if (i == n || k > 0)
			return false;
		h_r->form = forms[i].form;
	}
	return is_allowed(h_r);
}

const char *
jmap_header_of(const char *property)
{
	static const struct {
		const char *property, *header;
	} known[] = {
		{ "messageId", "header:Message-ID:asMessageIds" },
		{ "inReplyTo", "header:In-Reply-To:asMessageIds" },
		{ "references", "header:References:asMessageIds" },
		{ "sender", "header:Sender:asAddresses" },
		{ "from", "header:From:asAddresses" },
		{ "to", "header:To:asAddresses" },
		{ "cc", "header:Cc:asAddresses" },
		{ "bcc", "header:Bcc:asAddresses" },
		{ "replyTo", "header:Reply-To:asAddresses" },
		{ "subject", "header:Subject:asText" },
		{ "sentAt", "header:Date:asDate" },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(property, known[i].property) == 0)
			return known[i].header;
	return NULL;
}

/* --- forms -----------------------------------------------------------------
 */

static json_t *
decoded(struct pst_str value)
{
	struct buf text, composed;
	json_t *result;

	buf_init(&text, TEXT_MAX);
	buf_init(&composed, 2 * TEXT_MAX);
	(void)msg_decode_words(value, &text);
	(void)msg_compose(str_trim(buf_str(&text)), &composed);
	result = jmap_str(buf_str(&composed));
	buf_fini(&composed);
	buf_fini(&text);
	return result;
}

static json_t *
address_object(const struct msg_address *ad)
{
	json_t *object = json_object();
	struct buf text;

	buf_init(&text, 4096);
	(void)json_object_set_new(object, "name",
	    ad->name.p != NULL ? decoded(ad->name) : json_null());
	if (ad->host.p != NULL)
		(void)msg_address_print(ad, &text);
	else
		(void)buf_add_str(&text, ad->mailbox);
	(void)json_object_set_new(object, "email", jmap_text(&text));
	buf_fini(&text);
	return object;
}

static json_t *
addresses(struct pst_str value, bool is_grouped)
{
	struct arena *a = arena_new(0);
	struct msg_address *ad = msg_addresses(a, value, ADDRESSES_MAX);
	json_t *list = json_array(), *group = NULL, *to = list;
	bool is_named = false;

	for (; ad != NULL; ad = ad->next) {
		if (ad->kind == MSG_ADDRESS) {
			if (is_grouped && group == NULL) {
				to = json_array();
				group = json_pack(
				    "{s:n, s:o}", "name", "addresses", to);
				(void)json_array_append_new(list, group);
			}
			(void)json_array_append_new(to, address_object(ad));
		} else if (is_grouped) {
			is_named = ad->kind == MSG_GROUP_START;
			group = NULL;
			if (!is_named)
				continue;
			to = json_array();
			group = json_pack("{s:o, s:o}", "name",
			    decoded(ad->mailbox), "addresses", to);
			(void)json_array_append_new(list, group);
		}
	}
	arena_free(&a);
	return list;
}

static json_t *
message_ids(struct pst_str value)
{
	struct arena *a = arena_new((size_t)4 << 20);
	json_t *list = json_array();
	struct pst_str id;

	while (json_array_size(list) < IDS_MAX && msg_next_id(a, &value, &id)) {
		if (id.n >= 2)
			(void)json_array_append_new(
			    list, jmap_str(str_n(id.p + 1, id.n - 2)));
	}
	arena_free(&a);
	if (json_array_size(list) > 0)
		return list;
	json_decref(list);
	return json_null();
}

/* RFC 8621, 4.1.2.5: with the sender's own offset. */
static json_t *
date(struct pst_str value)
{
	int64_t seconds;
	int zone;
	json_t *local;
	char text[48];

	if (!msg_parse_date(value, &seconds, &zone))
		return json_null();
	if (zone == 0)
		return jmap_date(seconds);
	local = jmap_date(seconds + (int64_t)zone * 60);
	(void)snprintf(text, sizeof(text), "%.19s%c%02d:%02d",
	    json_string_value(local), zone < 0 ? '-' : '+', abs(zone) / 60 % 24,
	    abs(zone) % 60);
	json_decref(local);
	return json_string(text);
}

static json_t *
urls(struct pst_str value)
{
	json_t *list = json_array();

	while (json_array_size(list) < IDS_MAX) {
		size_t from = str_find(value, '<'), to;

		value = str_from(value, from + 1);
		to = str_find(value, '>');
		if (to == value.n)
			break;
		(void)json_array_append_new(
		    list, jmap_str(str_trim(str_first(value, to))));
		value = str_from(value, to + 1);
	}
	if (json_array_size(list) > 0)
		return list;
	json_decref(list);
	return json_null();
}

json_t *
jmap_header_form(struct pst_str value, enum jmap_form form)
{
	switch (form) {
	case JMAP_RAW:
		return jmap_str(value);
	case JMAP_TEXT:
		return decoded(value);
	case JMAP_ADDRESSES:
		return addresses(value, false);
	case JMAP_GROUPED:
		return addresses(value, true);
	case JMAP_MESSAGE_IDS:
		return message_ids(value);
	case JMAP_DATE:
		return date(value);
	case JMAP_URLS:
		return urls(value);
	}
	return json_null();
}

json_t *
jmap_header_value(const struct msg_part *part, const struct jmap_header *h)
{
	json_t *all = json_array(), *last;
	char name[256];

	if (!str_copy(name, sizeof(name), h->name)) {
		json_decref(all);
		return json_null();
	}
	for (size_t i = 0;;) {
		const struct msg_field *f = msg_next_field(part, name, &i);

		if (f == NULL)
			break;
		(void)json_array_append_new(
		    all, jmap_header_form(f->value, h->form));
	}
	if (h->is_all)
		return all;
	/* RFC 8621, 4.1.3: the last one. */
	last = json_array_size(all) > 0
		   ? json_incref(json_array_get(all, json_array_size(all) - 1))
		   : json_null();
	json_decref(all);
	return last;
}
