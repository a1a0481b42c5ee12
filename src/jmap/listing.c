/*
 * jmap/listing.c - see listing.h. The kept value is a version, the time it was
 * sent, whether there is an attachment, whether a text is cut, and texts that
 * are divided by octets 0xff, which are in no UTF-8: the JSON, from, to, cc,
 * bcc, subject.
 */
#include "jmap/listing.h"

#include "base/str.h"
#include "jmap/header.h"
#include "jmap/structure.h"
#include "message/content.h"
#include "message/header.h"
#include "message/preview.h"

#include <stdlib.h>

enum {
	LISTING_VERSION = 2,
	FIXED = 1 + 8 + 1 + 1, /* version, time, attachment, cut */
	TEXTS = 6,
	FOLDED_MAX = 1000, /* octets of a text that is searched */
	VALUE_MAX = 64 * 1024,
	BATCH = 256,
	SOURCE_MAX = 128 * 1024, /* of a text, for its preview */
	PLAIN_MAX = 16 * 1024,
	LIST_MOST = 100,     /* addresses that are kept */
	PROPERTY_MAX = 4096, /* octets of one, as JSON */
};

/* --- made ------------------------------------------------------------------
 */

/* True: it is cut. */
static bool
put_folded(struct buf *out, struct pst_str utf8)
{
	struct buf folded;

	buf_init(&folded, 8 * FOLDED_MAX);
	(void)msg_casefold(str_first(utf8, FOLDED_MAX), &folded);
	(void)buf_putc(out, (char)0xff);
	for (size_t i = 0; i < folded.n; i++)
		(void)buf_putc(
		    out, folded.p[i] == (char)0xff ? ' ' : folded.p[i]);
	buf_fini(&folded);
	return utf8.n > FOLDED_MAX;
}

/* A field as text, decoded; all fields of that name as one. */
static bool
put_folded_field(struct buf *out, const struct msg_part *part, const char *name)
{
	const struct msg_field *f;
	struct buf text;
	bool is_cut;

	buf_init(&text, VALUE_MAX);
	for (size_t i = 0; (f = msg_next_field(part, name, &i)) != NULL;) {
		if (text.n > 0)
			(void)buf_putc(&text, '\n');
		(void)msg_decode_words(f->value, &text);
	}
	is_cut = put_folded(out, buf_str(&text));
	buf_fini(&text);
	return is_cut;
}

static void
make_preview(const struct pst_body *body, const struct msg *m, struct buf *out)
{
	const struct msg_part *part = msg_preview_part(m->root);
	struct msg_decoder *d;
	struct pst_error err;
	struct buf text;
	uint64_t n;
	char *octets;

	if (part == NULL)
		return;
	n = part->body_size < SOURCE_MAX ? part->body_size : SOURCE_MAX;
	octets = mem_alloc((size_t)n + 1);
	buf_init(&text, PLAIN_MAX);
	d = msg_decoder_new(part, true, true);
	if (mail_body_read(body, part->body_start, octets, (size_t)n, &err) ==
	    PST_OK)
		(void)msg_decoder_feed(
		    d, str_n(octets, (size_t)n), n == part->body_size, &text);
	msg_decoder_free(&d);
	msg_preview_text(buf_str(&text), false, out);
	if (out->n == 0)
		msg_preview_text(buf_str(&text), true, out);
	buf_fini(&text);
	free(octets);
}

static bool
is_too_long(json_t *value)
{
	char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
	bool is = text == NULL || strlen(text) > PROPERTY_MAX;

	free(text);
	return is;
}

/* What is long is cut in what is kept: "to" of a mailing. */
static void
put_header(json_t *object, const struct msg_part *part, const char *property)
{
	struct jmap_header h;
	json_t *value, *cut = json_object_get(object, JMAP_LISTING_CUT);
	size_t n;

	(void)jmap_header_parse(jmap_header_of(property), &h);
	value = jmap_header_value(part, &h);
	n = json_array_size(value);
	while (json_array_size(value) > LIST_MOST)
		(void)json_array_remove(value, json_array_size(value) - 1);
	while (json_array_size(value) > 0 && is_too_long(value))
		(void)json_array_remove(value, json_array_size(value) - 1);
	if (json_array_size(value) < n || is_too_long(value))
		(void)json_array_append_new(cut, json_string(property));
	if (!is_too_long(value))
		(void)json_object_set(object, property, value);
	json_decref(value);
}

static void
put_json(const struct pst_body *body, const struct msg *m, bool has_attachment,
    struct buf *out)
{
	static const char *const properties[] = { "messageId", "inReplyTo",
		"references", "sender", "from", "to", "cc", "bcc", "replyTo",
		"subject", "sentAt" };
	json_t *object = json_object();
	struct buf preview;
	char *text;

	(void)json_object_set_new(object, JMAP_LISTING_CUT, json_array());
	for (size_t i = 0; i < sizeof(properties) / sizeof(properties[0]); i++)
		put_header(object, m->root, properties[i]);
	if (json_array_size(json_object_get(object, JMAP_LISTING_CUT)) == 0)
		(void)json_object_del(object, JMAP_LISTING_CUT);
	buf_init(&preview, MSG_PREVIEW_SIZE);
	make_preview(body, m, &preview);
	(void)json_object_set_new(object, "preview", jmap_text(&preview));
	(void)json_object_set_new(
	    object, "hasAttachment", json_boolean(has_attachment));
	buf_fini(&preview);
	text = json_dumps(object, JSON_COMPACT);
	(void)buf_puts(out, text);
	free(text);
	json_decref(object);
}

static bool
make(
    struct jmap_call *c, struct catalog_box *box, uint32_t uid, struct buf *out)
{
	static const char *const fields[] = { "From", "To", "Cc", "Bcc",
		"Subject" };
	struct msg_limits limits = jmap_limits(c);
	const struct msg_field *f;
	struct pst_error err;
	struct pst_body body;
	int64_t sent = 0;
	struct msg *m;
	bool has_attachment;
	int zone;

	if (view_body(box->view, uid, &body, &err) != PST_OK)
		return false;
	if (mail_body_parse(&body, &limits, false, &m, &err) != PST_OK) {
		body.release(&body);
		return false;
	}
	f = msg_field(m->root, "Date");
	if (f != NULL && !msg_parse_date(f->value, &sent, &zone))
		sent = 0;
	has_attachment = jmap_has_attachment(m);
	buf_clear(out);
	(void)buf_putc(out, LISTING_VERSION);
	(void)buf_add(out, &sent, sizeof(sent));
	(void)buf_putc(out, has_attachment ? '1' : '0');
	(void)buf_putc(out, '0');
	put_json(&body, m, has_attachment, out);
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (put_folded_field(out, m->root, fields[i]))
			out->p[FIXED - 1] = '1';
	msg_free(&m);
	body.release(&body);
	return true;
}

/* --- read ------------------------------------------------------------------
 */

static bool
parse(uint32_t uid, struct pst_str value, struct jmap_listing *l)
{
	struct pst_str *texts[TEXTS] = { &l->json, &l->from, &l->to, &l->cc,
		&l->bcc, &l->subject };
	struct pst_str rest;

	if (value.n < FIXED || value.p[0] != LISTING_VERSION)
		return false;
	l->uid = uid;
	memcpy(&l->sent, value.p + 1, sizeof(l->sent));
	l->has_attachment = value.p[9] == '1';
	l->is_cut = value.p[10] == '1';
	rest = str_from(value, FIXED);
	for (size_t i = 0; i < TEXTS; i++)
		if (!str_split(&rest, (char)0xff, texts[i]))
			return false;
	return true;
}

/* A value, in a buffer. */
struct held {
	uint32_t uid;
	size_t at, n;
};

struct batch {
	struct buf text;
	struct held held[BATCH]; /* ascending */
	size_t n;
};

static void
hold(struct batch *b, uint32_t uid, struct pst_str value)
{
	if (b->n == BATCH)
		return;
	b->held[b->n] = (struct held){ uid, b->text.n, value.n };
	if (buf_add_str(&b->text, value))
		b->n++;
}

static void
take_cached(void *arg, const struct pst_cached *cached)
{
	struct jmap_listing l;

	if (parse(cached->uid, cached->value, &l))
		hold(arg, cached->uid, cached->value);
}

static struct pst_str
held_value(const struct batch *b, size_t i)
{
	return str_n(b->text.p + b->held[i].at, b->held[i].n);
}

static void
keep_made(struct catalog_box *box, const struct batch *made)
{
	struct pst_cached values[BATCH];

	for (size_t i = 0; i < made->n; i++)
		values[i] = (struct pst_cached){ made->held[i].uid,
			held_value(made, i) };
	view_cache_put(box->view, MAIL_CACHE_LISTING, values, made->n);
}

struct listings {
	struct batch kept, made;
	struct buf work;
};

static void
list_batch(struct jmap_call *c, struct catalog_box *box, const uint32_t *uid,
    size_t n, struct listings *w,
    void (*fn)(void *arg, const struct jmap_listing *listing), void *arg)
{
	size_t next = 0;

	w->kept.n = w->made.n = 0;
	buf_clear(&w->kept.text);
	buf_clear(&w->made.text);
	view_cache_get(
	    box->view, MAIL_CACHE_LISTING, uid, n, take_cached, &w->kept);
	for (size_t i = 0; i < n; i++) {
		struct jmap_listing l;

		while (next < w->kept.n && w->kept.held[next].uid < uid[i])
			next++;
		if (next < w->kept.n && w->kept.held[next].uid == uid[i]) {
			if (parse(uid[i], held_value(&w->kept, next), &l))
				fn(arg, &l);
		} else if (make(c, box, uid[i], &w->work)) {
			hold(&w->made, uid[i], buf_str(&w->work));
			if (parse(uid[i], buf_str(&w->work), &l))
				fn(arg, &l);
		}
	}
	keep_made(box, &w->made);
}

void
jmap_listings(struct jmap_call *c, struct catalog_box *box,
    const uint32_t *uids, size_t n,
    void (*fn)(void *arg, const struct jmap_listing *listing), void *arg)
{
	struct listings *w = mem_alloc(sizeof(*w));

	buf_init(&w->work, VALUE_MAX);
	buf_init(&w->kept.text, (size_t)BATCH * VALUE_MAX);
	buf_init(&w->made.text, (size_t)BATCH * VALUE_MAX);
	for (size_t at = 0; at < n; at += BATCH)
		list_batch(c, box, uids + at, n - at < BATCH ? n - at : BATCH,
		    w, fn, arg);
	buf_fini(&w->work);
	buf_fini(&w->kept.text);
	buf_fini(&w->made.text);
	free(w);
}
