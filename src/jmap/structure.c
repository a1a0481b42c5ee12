/*
 * jmap/structure.c - see structure.h.
 */
#include "jmap/structure.h"

#include "base/str.h"
#include "jmap/header.h"
#include "message/content.h"

#include <stdlib.h>

enum { PIECE = 64 * 1024 };

struct msg_limits
jmap_limits(const struct jmap_call *c)
{
	const struct config *cfg = c->q->cfg;

	return (struct msg_limits){
		.header_size = (size_t)cfg->limits.header_size,
		.depth = (unsigned)cfg->limits.mime_depth,
		.parts = (unsigned)cfg->limits.mime_parts,
	};
}

/* --- messages --------------------------------------------------------------
 */

void
jmap_message_fini(struct jmap_message *m)
{
	if (m->msg != NULL)
		msg_free(&m->msg);
	if (m->body.release != NULL)
		m->body.release(&m->body);
	memset(m, 0, sizeof(*m));
}

bool
jmap_message_open(struct jmap_call *c, const struct catalog_place *place,
    struct jmap_message *m_r)
{
	struct msg_limits limits = jmap_limits(c);
	struct pst_error err;

	memset(m_r, 0, sizeof(*m_r));
	if (view_body(place->box->view, place->uid, &m_r->body, &err) !=
	    PST_OK) {
		memset(&m_r->body, 0, sizeof(m_r->body));
		return false;
	}
	if (mail_body_parse(&m_r->body, &limits, false, &m_r->msg, &err) !=
	    PST_OK) {
		m_r->msg = NULL;
		jmap_message_fini(m_r);
		return false;
	}
	(void)str_copy(
	    m_r->blob, sizeof(m_r->blob), str_of(catalog_entry(place)->id));
	return true;
}

static void
release_text(struct pst_body *body)
{
	free(body->priv);
}

void
jmap_message_of(struct jmap_call *c, struct buf *text, const char *blob,
    struct jmap_message *m_r)
{
	struct msg_limits limits = jmap_limits(c);

	memset(m_r, 0, sizeof(*m_r));
	m_r->body = (struct pst_body){ .fd = -1,
		.mem = text->p,
		.length = text->n,
		.priv = text->p,
		.release = release_text };
	m_r->msg = msg_read(buf_str(text), &limits);
	(void)str_copy(m_r->blob, sizeof(m_r->blob), str_of(blob));
	buf_init(text, text->max);
}

/* --- which parts are what (RFC 8621, 4.1.4) --------------------------------
 */

enum { TEXT, HTML, ATTACHMENT };

static bool
is_type(const struct msg_part *part, const char *type, const char *subtype)
{
	return str_is_case(part->type, type) &&
	       (subtype == NULL || str_is_case(part->subtype, subtype));
}

static bool
is_inline_media(const struct msg_part *part)
{
	return is_type(part, "image", NULL) || is_type(part, "audio", NULL) ||
	       is_type(part, "video", NULL);
}

static bool
is_named(const struct msg_part *part)
{
	struct buf name;
	bool has;

	buf_init(&name, 4096);
	has = msg_filename(part, &name);
	buf_fini(&name);
	return has;
}

static void
add(struct jmap_bodies *b, int list, const struct msg_part *part)
{
	const struct msg_part ***v = list == TEXT   ? &b->text
				     : list == HTML ? &b->html
						    : &b->attachment;
	size_t *n = list == TEXT   ? &b->texts
		    : list == HTML ? &b->htmls
				   : &b->attachments;

	mem_grow(v, &b->caps[list], *n + 1, sizeof(**v));
	(*v)[(*n)++] = part;
}

/* Which lists a walk fills: within an alternative only those that are not
 * filled by another one of them. */
struct walk {
	struct jmap_bodies *b;
	bool text, html;
};

static void walk_parts(struct walk w, const struct msg_part *first,
    const char *multipart, bool in_alternative);

static void
walk_alternative(struct walk w, const struct msg_part *first)
{
	size_t texts = w.b->texts, htmls = w.b->htmls;

	walk_parts(w, first, "alternative", true);
	/* Either has what only the other one shows. */
	if (w.text && w.html && w.b->texts == texts && w.b->htmls > htmls)
		for (size_t i = htmls; i < w.b->htmls; i++)
			add(w.b, TEXT, w.b->html[i]);
	if (w.text && w.html && w.b->htmls == htmls && w.b->texts > texts)
		for (size_t i = texts; i < w.b->texts; i++)
			add(w.b, HTML, w.b->text[i]);
}

static void
walk_one(struct walk w, const struct msg_part *part, bool is_first,
    const char *multipart, bool in_alternative)
{
	bool is_attached = str_is_case(part->disposition, "attachment");
	bool is_text = is_type(part, "text", "plain") ||
		       is_type(part, "text", "html");
	bool is_inline = !is_attached && (is_text || is_inline_media(part)) &&
			 (is_first ||
			     (strcmp(multipart, "related") != 0 &&
				 (is_inline_media(part) || !is_named(part))));

	if (part->is_multipart) {
		char sub[64];

		(void)str_copy(sub, sizeof(sub), part->subtype);
		if (strcasecmp(sub, "alternative") == 0)
			walk_alternative(w, part->child);
		else
			walk_parts(w, part->child, sub, in_alternative);
		return;
	}
	if (!is_inline) {
		add(w.b, ATTACHMENT, part);
		return;
	}
	if (in_alternative && strcmp(multipart, "alternative") == 0) {
		if (is_type(part, "text", "plain"))
			add(w.b, TEXT, part);
		else if (is_type(part, "text", "html"))
			add(w.b, HTML, part);
		else
			add(w.b, ATTACHMENT, part);
		return;
	}
	if (in_alternative) {
		if (is_type(part, "text", "plain"))
			w.html = false;
		if (is_type(part, "text", "html"))
			w.text = false;
	}
	if (w.text)
		add(w.b, TEXT, part);
	if (w.html)
		add(w.b, HTML, part);
	if ((!w.text || !w.html) && is_inline_media(part))
		add(w.b, ATTACHMENT, part);
}

static void
walk_parts(struct walk w, const struct msg_part *first, const char *multipart,
    bool in_alternative)
{
	for (const struct msg_part *p = first; p != NULL; p = p->next)
		walk_one(w, p, p == first, multipart, in_alternative);
}

void
jmap_bodies(const struct msg *m, struct jmap_bodies *b_r)
{
	struct walk w = { b_r, true, true };

	memset(b_r, 0, sizeof(*b_r));
	walk_one(w, m->root, true, "mixed", false);
}

void
jmap_bodies_fini(struct jmap_bodies *b)
{
	free(b->text);
	free(b->html);
	free(b->attachment);
}

/* Attachments that a reader would look for: not what stands in the text. */
bool
jmap_has_attachment(const struct msg *m)
{
	struct jmap_bodies b;
	bool has = false;

	jmap_bodies(m, &b);
	for (size_t i = 0; i < b.attachments; i++)
		has = has || b.attachment[i]->id.p == NULL ||
		      !str_is_case(b.attachment[i]->disposition, "inline");
	jmap_bodies_fini(&b);
	return has;
}

/* --- ids -------------------------------------------------------------------
 */

static unsigned
number_of(const struct msg_part *part)
{
	unsigned n = 1;

	for (const struct msg_part *p = part->parent->child; p != part;
	     p = p->next)
		n++;
	return n;
}

void
jmap_part_id(const struct msg_part *part, char id_r[256])
{
	char text[256] = "";

	if (part->parent == NULL) {
		(void)str_copy(id_r, 256, STR("1"));
		return;
	}
	/* A message in a message has its root as its only child. */
	for (; part->parent != NULL; part = part->parent) {
		char more[256];
		int n = snprintf(more, sizeof(more), "%u%s%s", number_of(part),
		    text[0] != '\0' ? "." : "", text);

		if (n < 0 || (size_t)n >= sizeof(more))
			break;
		memcpy(text, more, sizeof(text));
	}
	memcpy(id_r, text, sizeof(text));
}

const struct msg_part *
jmap_find_part(const struct msg *m, struct pst_str part_id)
{
	const struct msg_part *part = m->root;
	struct pst_str rest = part_id, number;

	if (part->child == NULL)
		return str_is(part_id, "1") ? part : NULL;
	while (str_split(&rest, '.', &number)) {
		uint32_t n;

		if (!str_to_u32(number, &n) || n == 0)
			return NULL;
		part = part->child;
		for (; part != NULL && n > 1; n--)
			part = part->next;
		if (part == NULL)
			return NULL;
	}
	return part;
}

void
jmap_part_blob(
    const char *blob, const struct msg_part *part, char id_r[JMAP_BLOB])
{
	char id[256];

	jmap_part_id(part, id);
	for (char *p = id; *p != '\0'; p++)
		if (*p == '.')
			*p = '_';
	if (snprintf(id_r, JMAP_BLOB, "P%s-%s", id, blob) >= JMAP_BLOB)
		id_r[0] = '\0'; /* nested too deep to have a name */
}

/* --- content ---------------------------------------------------------------
 */

static size_t
count_marks(struct pst_str s)
{
	size_t n = 0, at;

	while ((at = str_find_case(s, STR("\xef\xbf\xbd"))) != SIZE_MAX) {
		n++;
		s = str_from(s, at + 3);
	}
	return n;
}

/* RFC 8621, 4.1.4: an encoding or charset that is not known, or U+FFFD where
 * the text itself has none. */
static bool
has_problem(const struct jmap_message *m, const struct msg_part *part,
    const struct buf *text)
{
	static const char *const known[] = { "7bit", "8bit", "binary", "base64",
		"quoted-printable" };
	struct buf charset, raw;
	bool problem = part->encoding.n > 0, ignored;
	size_t marks = count_marks(buf_str(text));

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		problem = problem && !str_is_case(part->encoding, known[i]);
	buf_init(&charset, 256);
	if (msg_param(part->params, "charset", &charset))
		problem = problem || !msg_charset_known(buf_str(&charset));
	buf_fini(&charset);
	if (problem || marks == 0)
		return problem;
	buf_init(&raw, text->max);
	(void)jmap_part_content(m, part, false, &raw, &ignored);
	problem = count_marks(buf_str(&raw)) < marks;
	buf_fini(&raw);
	return problem;
}

bool
jmap_part_content(const struct jmap_message *m, const struct msg_part *part,
    bool to_utf8, struct buf *out, bool *problem_r)
{
	struct msg_decoder *d = msg_decoder_new(part, to_utf8, false);
	char *piece = mem_alloc(PIECE);
	struct pst_error err;
	bool ok = true;

	*problem_r = false;
	for (uint64_t at = 0; at <= part->body_size && ok;) {
		uint64_t left = part->body_size - at;
		size_t n = left < PIECE ? (size_t)left : PIECE;

		ok = mail_body_read(&m->body, part->body_start + at, piece, n,
			 &err) == PST_OK &&
		     msg_decoder_feed(d, str_n(piece, n), n == left, out);
		at += n;
		if (n == left)
			break;
	}
	if (to_utf8 && str_is_case(part->type, "text"))
		*problem_r = has_problem(m, part, out);
	msg_decoder_free(&d);
	free(piece);
	return ok;
}
