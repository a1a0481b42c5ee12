/*
 * jmap/filter_text.c - what is asked of the texts of messages: of header fields
 * that are kept with them, of any header field, and of their bodies.
 */
#include "base/str.h"
#include "jmap/email.h"
#include "jmap/filter_priv.h"
#include "jmap/header.h"
#include "jmap/listing.h"
#include "mailbox/fulltext.h"
#include "message/content.h"
#include "message/text.h"

#include <stdlib.h>

enum { NEEDLE_MAX = 4096, WORDS_MAX = 50 };

static bool
fold(const char *text, struct buf *out)
{
	return text != NULL && strlen(text) <= NEEDLE_MAX &&
	       msg_casefold(str_of(text), out);
}

static bool
contains(struct pst_str text, struct pst_str needle)
{
	return needle.n == 0 ||
	       (text.n >= needle.n &&
		   memmem(text.p, text.n, needle.p, needle.n) != NULL);
}

static bool
has_header(struct jmap_call *c, const struct jmap_item *item, const char *name,
    struct pst_str needle)
{
	const struct catalog_place place = {
		.box = item->box, .uid = item->uid, .seq = item->seq
	};
	struct jmap_message m;
	bool found = false;

	if (!jmap_message_open(c, &place, &m))
		return false;
	for (size_t i = 0; !found;) {
		const struct msg_field *field = msg_next_field(
		    m.msg->root, name, &i);
		struct buf text;
		json_t *value;

		if (field == NULL)
			break;
		value = jmap_header_form(field->value, JMAP_TEXT);
		buf_init(&text, 1 << 20);
		(void)msg_casefold(str_of(json_string_value(value)), &text);
		found = contains(buf_str(&text), needle);
		buf_fini(&text);
		json_decref(value);
	}
	jmap_message_fini(&m);
	return found;
}

/* --- texts of headers ------------------------------------------------------
 */

struct searching {
	struct filtering *f;
	enum jmap_field field;
	struct pst_str needle;
	bool *yes;
	size_t i; /* the item that is looked at */
};

static bool
matches_listing(const struct searching *s, const struct jmap_listing *l)
{
	switch (s->field) {
	case JMAP_FROM:
		return contains(l->from, s->needle);
	case JMAP_TO:
		return contains(l->to, s->needle);
	case JMAP_CC:
		return contains(l->cc, s->needle);
	case JMAP_BCC:
		return contains(l->bcc, s->needle);
	case JMAP_SUBJECT:
		return contains(l->subject, s->needle);
	case JMAP_ATTACHMENT:
		return l->has_attachment;
	}
	return false;
}

/* What is kept of it is cut: the message itself. */
static bool
matches_message(const struct searching *s, const struct jmap_item *item)
{
	static const struct {
		enum jmap_field field;
		const char *name;
	} names[] = { { JMAP_FROM, "From" }, { JMAP_TO, "To" },
		{ JMAP_CC, "Cc" }, { JMAP_BCC, "Bcc" },
		{ JMAP_SUBJECT, "Subject" } };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].field == s->field &&
		    has_header(s->f->c, item, names[i].name, s->needle))
			return true;
	return false;
}

static void
look_at(void *arg, const struct jmap_listing *l)
{
	struct searching *s = arg;
	const struct jmap_items *items = s->f->items;

	while (s->i < items->n && items->v[s->i].uid != l->uid)
		s->i++;
	if (s->i < items->n &&
	    (matches_listing(s, l) ||
		(l->is_cut && matches_message(s, &items->v[s->i]))))
		s->yes[items->v[s->i].email] = true;
}

static void
search_listings(struct searching *s)
{
	const struct jmap_items *items = s->f->items;
	uint32_t *uids = mem_array(items->n + 1, sizeof(*uids));

	for (size_t i = 0; i < items->n;) {
		struct catalog_box *box = items->v[i].box;
		size_t n = 0;

		s->i = i;
		for (; i < items->n && items->v[i].box == box; i++)
			uids[n++] = items->v[i].uid;
		jmap_listings(s->f->c, box, uids, n, look_at, s);
	}
	free(uids);
}

bool
jmap_filter_by_field(
    struct filtering *f, enum jmap_field field, json_t *value, bool *yes)
{
	struct searching s = { .f = f, .field = field, .yes = yes };
	struct buf needle;

	buf_init(&needle, (size_t)8 * NEEDLE_MAX);
	if (field != JMAP_ATTACHMENT &&
	    !fold(json_string_value(value), &needle)) {
		buf_fini(&needle);
		return jmap_unsupported(f, "a text");
	}
	s.needle = buf_str(&needle);
	search_listings(&s);
	buf_fini(&needle);
	if (field == JMAP_ATTACHMENT && !json_is_true(value))
		for (size_t e = 0; e < f->items->emails; e++)
			yes[e] = !yes[e];
	return true;
}

/* --- texts of bodies -------------------------------------------------------
 */

struct body_text {
	const struct pst_body *body;
	struct msg_text work;
	struct pst_str needle;
	bool found;
};

static bool
read_text(void *arg, uint64_t offset, void *p, size_t n)
{
	struct body_text *t = arg;
	struct pst_error err;

	return mail_body_read(t->body, offset, p, n, &err) == PST_OK;
}

static bool
take_text(void *arg)
{
	struct body_text *t = arg;
	size_t keep = t->needle.n - 1;

	t->found = contains(buf_str(&t->work.folded), t->needle);
	if (t->work.folded.n > keep)
		buf_consume(&t->work.folded, t->work.folded.n - keep);
	return !t->found;
}

/* Without an index: the message itself. */
static bool
message_contains(struct jmap_call *c, const struct jmap_item *item,
    struct pst_str needle, bool headers)
{
	const struct catalog_place place = {
		.box = item->box, .uid = item->uid, .seq = item->seq
	};
	struct jmap_message m;
	struct body_text t = { .needle = needle };
	const struct msg_text_source source = { read_text, &t };

	if (!jmap_message_open(c, &place, &m))
		return false;
	t.body = &m.body;
	msg_text_init(&t.work);
	for (const struct msg_part *p = m.msg->root; p != NULL && !t.found;
	     p = msg_text_next(p)) {
		for (size_t i = 0; i < p->fields && !t.found &&
				   (headers || msg_text_is_inner(p));
		     i++) {
			msg_text_field(&t.work, p->field[i].whole);
			t.found = contains(buf_str(&t.work.folded), needle);
		}
		buf_clear(&t.work.folded);
		if (!t.found && msg_text_is_body(p))
			(void)msg_text_body(&t.work, p, &source, take_text, &t);
		buf_clear(&t.work.folded);
	}
	msg_text_fini(&t.work);
	jmap_message_fini(&m);
	return t.found;
}

/* One mailbox: items `first` to `end`. */
static void
search_box(struct filtering *f, size_t first, size_t end, struct pst_str needle,
    bool headers, bool *yes)
{
	const struct jmap_items *items = f->items;
	struct view_text known = { 0 };
	bool has = view_text_search(
	    items->v[first].box->view, needle, headers, &known);

	for (size_t i = first; i < end; i++) {
		const struct jmap_item *item = &items->v[i];
		bool is_known = has && item->uid <= known.last &&
				!uidset_has(&known.unsure, item->uid);

		if (is_known ? uidset_has(&known.yes, item->uid)
			     : message_contains(f->c, item, needle, headers))
			yes[item->email] = true;
	}
	if (has)
		view_text_fini(&known);
}

static void
search_needle(
    struct filtering *f, struct pst_str needle, bool headers, bool *yes)
{
	const struct jmap_items *items = f->items;

	for (size_t i = 0; i < items->n;) {
		size_t first = i;

		while (i < items->n && items->v[i].box == items->v[first].box)
			i++;
		search_box(f, first, i, needle, headers, yes);
	}
}

/* RFC 8621, 4.4.1: each word must be there; "in quotes" as a whole. */
static bool
next_word(struct pst_str *rest, struct pst_str *word_r)
{
	*rest = str_trim(*rest);
	if (rest->n == 0)
		return false;
	if (rest->p[0] == '"') {
		struct pst_str inner = str_from(*rest, 1);
		size_t end = str_find(inner, '"');

		*word_r = str_first(inner, end);
		*rest = str_from(inner, end + 1);
	} else {
		size_t end = str_find(*rest, ' ');

		*word_r = str_first(*rest, end);
		*rest = str_from(*rest, end);
	}
	return true;
}

bool
jmap_filter_by_text(struct filtering *f, json_t *value, bool headers, bool *yes)
{
	struct pst_str rest = str_of(json_string_value(value)), word;
	bool *one = mem_array(f->items->emails + 1, sizeof(*one));
	struct buf needle;
	int words = 0;

	if (!json_is_string(value) || rest.n > NEEDLE_MAX) {
		free(one);
		return jmap_unsupported(f, headers ? "text" : "body");
	}
	for (size_t e = 0; e < f->items->emails; e++)
		yes[e] = true;
	buf_init(&needle, (size_t)8 * NEEDLE_MAX);
	while (words++ < WORDS_MAX && next_word(&rest, &word)) {
		if (word.n == 0)
			continue;
		buf_clear(&needle);
		(void)msg_casefold(word, &needle);
		memset(one, 0, f->items->emails * sizeof(*one));
		search_needle(f, buf_str(&needle), headers, one);
		for (size_t e = 0; e < f->items->emails; e++)
			yes[e] = yes[e] && one[e];
	}
	buf_fini(&needle);
	free(one);
	return true;
}

/* --- any header field ------------------------------------------------------
 */

bool
jmap_filter_by_header(struct filtering *f, json_t *value, bool *yes)
{
	const char *name = json_string_value(json_array_get(value, 0));
	const char *text = json_string_value(json_array_get(value, 1));
	struct buf needle;

	if (name == NULL || json_array_size(value) > 2 ||
	    (json_array_size(value) == 2 && text == NULL))
		return jmap_unsupported(f, "header");
	buf_init(&needle, (size_t)8 * NEEDLE_MAX);
	if (text != NULL)
		(void)fold(text, &needle);
	for (size_t i = 0; i < f->items->n; i++)
		if (has_header(f->c, &f->items->v[i], name, buf_str(&needle)))
			yes[f->items->v[i].email] = true;
	buf_fini(&needle);
	return true;
}

/* --- words for snippets ----------------------------------------------------
 */

static void
add_words(json_t *value, json_t *words)
{
	struct pst_str rest = str_of(json_string_value(value)), word;

	while (json_array_size(words) < WORDS_MAX && next_word(&rest, &word)) {
		struct buf folded;

		buf_init(&folded, (size_t)8 * NEEDLE_MAX);
		if (msg_casefold(word, &folded) && folded.n > 0)
			(void)json_array_append_new(words, jmap_text(&folded));
		buf_fini(&folded);
	}
}

void
jmap_filter_words(json_t *filter, json_t *subject, json_t *text)
{
	const char *op = json_string_value(json_object_get(filter, "operator"));
	json_t *one;
	size_t i;

	if (op != NULL && strcmp(op, "NOT") == 0)
		return;
	json_array_foreach(json_object_get(filter, "conditions"), i, one)
	{
		jmap_filter_words(one, subject, text);
	}
	add_words(json_object_get(filter, "text"), subject);
	add_words(json_object_get(filter, "subject"), subject);
	add_words(json_object_get(filter, "text"), text);
	add_words(json_object_get(filter, "body"), text);
}
