/*
 * jmap/snippet.c - SearchSnippet/get (RFC 8621, 5.1): what of the subject and
 * the text a search has found, with marks around it.
 */
#include "base/str.h"
#include "jmap/email.h"
#include "jmap/filter.h"
#include "jmap/header.h"
#include "message/content.h"
#include "message/preview.h"

#include <stdlib.h>

enum {
	TEXT_MAX = 1 << 20,
	AROUND = 60, /* octets in front of what was found */
	SNIPPET = 240,
};

/* A text without case, and where each of its octets comes from. */
struct folded {
	struct buf text;
	uint32_t *from; /* text.n + 1 of them */
	size_t cap;
};

/* Character by character, since folding changes lengths. */
static void
fold(struct pst_str s, struct folded *f)
{
	memset(f, 0, sizeof(*f));
	buf_init(&f->text, (size_t)4 * TEXT_MAX);
	for (size_t at = 0; at < s.n;) {
		size_t n = 1, before = f->text.n;

		while (at + n < s.n && (s.p[at + n] & 0xc0) == 0x80)
			n++;
		if (n == 1 && (unsigned char)s.p[at] < 128)
			(void)buf_putc(&f->text, ascii_lower(s.p[at]));
		else
			(void)msg_casefold(str_n(s.p + at, n), &f->text);
		mem_grow(&f->from, &f->cap, f->text.n + 1, sizeof(*f->from));
		for (size_t i = before; i < f->text.n; i++)
			f->from[i] = (uint32_t)at;
		at += n;
	}
	mem_grow(&f->from, &f->cap, f->text.n + 1, sizeof(*f->from));
	f->from[f->text.n] = (uint32_t)s.n;
}

static void
folded_fini(struct folded *f)
{
	buf_fini(&f->text);
	free(f->from);
}

static void
put_escaped(struct buf *out, struct pst_str s)
{
	for (size_t i = 0; i < s.n; i++) {
		switch (s.p[i]) {
		case '<':
			(void)buf_puts(out, "&lt;");
			break;
		case '>':
			(void)buf_puts(out, "&gt;");
			break;
		case '&':
			(void)buf_puts(out, "&amp;");
			break;
		default:
			(void)buf_putc(out, s.p[i]);
		}
	}
}

/* The first place of any of the words in the folded text; SIZE_MAX: none. */
static size_t
first_word(const struct folded *f, json_t *words, size_t from, size_t *length_r)
{
	size_t i, best = SIZE_MAX;
	json_t *word;

	json_array_foreach(words, i, word)
	{
		const char *w = json_string_value(word);
		size_t n = strlen(w);
		const char *at = from < f->text.n ? memmem(f->text.p + from,
							f->text.n - from, w, n)
						  : NULL;

		if (at != NULL && (size_t)(at - f->text.p) < best) {
			best = (size_t)(at - f->text.p);
			*length_r = n;
		}
	}
	return best;
}

/* Where the character ends that the folded octet in front of `at` is of. */
static size_t
end_of(const struct folded *f, size_t at)
{
	while (at < f->text.n && f->from[at] == f->from[at - 1])
		at++;
	return f->from[at];
}

/* NULL: none of the words is there. */
static json_t *
mark(struct pst_str text, json_t *words)
{
	size_t at = 0, done = 0, length = 0, found;
	json_t *marked = json_null();
	struct folded f;
	struct buf out;

	buf_init(&out, TEXT_MAX);
	fold(text, &f);
	while ((found = first_word(&f, words, at, &length)) != SIZE_MAX) {
		size_t from = f.from[found], end = end_of(&f, found + length);

		at = found + length;
		if (from < done)
			continue;
		put_escaped(&out, str_n(text.p + done, from - done));
		(void)buf_puts(&out, "<mark>");
		put_escaped(&out, str_n(text.p + from, end - from));
		(void)buf_puts(&out, "</mark>");
		done = end;
	}
	if (done > 0) {
		put_escaped(&out, str_from(text, done));
		marked = jmap_text(&out);
	}
	folded_fini(&f);
	buf_fini(&out);
	return marked;
}

/* The piece around the first place, not cut within characters. */
static struct pst_str
piece_of(struct pst_str text, json_t *words)
{
	size_t length = 0, found, from, end, least;
	struct folded f;

	fold(text, &f);
	found = first_word(&f, words, 0, &length);
	if (found == SIZE_MAX) {
		folded_fini(&f);
		return STR_NONE;
	}
	from = f.from[found] > AROUND ? f.from[found] - AROUND : 0;
	least = end_of(&f, found + length);
	folded_fini(&f);
	while (from > 0 && (text.p[from] & 0xc0) == 0x80)
		from--;
	end = from + SNIPPET < text.n ? from + SNIPPET : text.n;
	if (end < least)
		end = least;
	while (end < text.n && (text.p[end] & 0xc0) == 0x80)
		end++;
	return str_n(text.p + from, end - from);
}

static void
put_text(const struct jmap_message *m, json_t *words, json_t *object)
{
	const struct msg_part *part = msg_preview_part(m->msg->root);
	struct msg_decoder *d;
	struct buf raw, text;
	struct pst_str piece;
	bool problem;

	buf_init(&raw, TEXT_MAX);
	buf_init(&text, TEXT_MAX);
	if (part != NULL && jmap_part_content(m, part, false, &raw, &problem)) {
		struct msg_part plain = *part;

		/* Decoded once; now charset and tags. */
		plain.encoding = STR("8bit");
		d = msg_decoder_new(&plain, true, true);
		(void)msg_decoder_feed(d, buf_str(&raw), true, &text);
		msg_decoder_free(&d);
		for (size_t i = 0; i < text.n; i++)
			if (text.p[i] == '\r' || text.p[i] == '\n' ||
			    text.p[i] == '\t')
				text.p[i] = ' ';
	}
	piece = piece_of(buf_str(&text), words);
	(void)json_object_set_new(
	    object, "preview", piece.n > 0 ? mark(piece, words) : json_null());
	buf_fini(&raw);
	buf_fini(&text);
}

static json_t *
snippet(
    struct jmap_call *c, const char *id, json_t *in_subject, json_t *in_text)
{
	struct catalog_place place;
	struct jmap_message m;
	struct jmap_header h;
	json_t *object, *subject;

	if (catalog_find(c->q->catalog, str_of(id), &place, 1) == 0 ||
	    !jmap_message_open(c, &place, &m))
		return NULL;
	object = json_pack("{s:s}", "emailId", id);
	(void)jmap_header_parse("header:Subject:asText", &h);
	subject = jmap_header_value(m.msg->root, &h);
	(void)json_object_set_new(object, "subject",
	    mark(str_of(json_string_value(subject)), in_subject));
	json_decref(subject);
	put_text(&m, in_text, object);
	jmap_message_fini(&m);
	return object;
}

json_t *
jmap_snippet_get(struct jmap_call *c)
{
	json_t *filter, *ids, *item, *subject, *text, *list, *missing;
	size_t i;

	if (!jmap_get_object(c, "filter", &filter) ||
	    !jmap_get_list(c, "emailIds", &ids))
		return c->error;
	if (ids == NULL)
		return jmap_error(c, "invalidArguments", "emailIds");
	if (json_array_size(ids) > JMAP_GET)
		return jmap_error(c, "requestTooLarge", NULL);
	if (filter != NULL && !jmap_filter_check(c, filter))
		return c->error;
	subject = json_array();
	text = json_array();
	jmap_filter_words(filter, subject, text);
	list = json_array();
	missing = json_array();
	json_array_foreach(ids, i, item)
	{
		const char *id = jmap_real_id(c->q, json_string_value(item));
		json_t *one = id != NULL ? snippet(c, id, subject, text) : NULL;

		if (one != NULL)
			(void)json_array_append_new(list, one);
		else
			(void)json_array_append(missing, item);
	}
	json_decref(subject);
	json_decref(text);
	if (json_array_size(missing) == 0) {
		json_decref(missing);
		missing = json_null();
	}
	return json_pack("{s:s, s:o, s:o}", "accountId", c->q->account, "list",
	    list, "notFound", missing);
}
