/*
 * message/sevenbit.c - conversion to 7 bits.
 *
 * The tree of parts is laid out as spans in the order of the content: headers,
 * and bodies without parts of their own. What is between them are boundaries,
 * preambles and epilogues, which nobody reads.
 */
#include "message/sevenbit.h"

#include "base/codec.h"
#include "base/str.h"
#include "message/downgrade.h"

#include <stdlib.h>

enum span_kind { SPAN_HEADER, SPAN_BODY };

/* What a body's octets become. */
enum span_way { WAY_COPY, WAY_QP, WAY_BASE64, WAY_ESCAPE };

struct span {
	enum span_kind kind;
	enum span_way way;
	uint64_t start, end;
	const struct msg_part *part;
	bool has_eight;	 /* octets that 7-bit content may not have */
	bool is_changed; /* a header: it is written anew */
};

struct msg_sevenbit {
	const struct msg *m;
	const struct msg_limits *limits;
	struct span *span;
	size_t n, cap;
	bool has_eight; /* anywhere */

	/* Of the pass at hand. */
	uint64_t at;
	size_t next; /* the span that is at hand, or the next one */

	/* Of the body at hand. */
	struct qp_encoder qp;
	struct base64_lines base64;
};

/* --- the layout ------------------------------------------------------------
 */

static void
add_span(struct msg_sevenbit *s, enum span_kind kind,
    const struct msg_part *part, uint64_t start, uint64_t size)
{
	if (size == 0)
		return;
	mem_grow(&s->span, &s->cap, s->n + 1, sizeof(*s->span));
	s->span[s->n++] = (struct span){
		.kind = kind, .start = start, .end = start + size, .part = part
	};
}

/* The part that follows in the order of the content. */
static const struct msg_part *
next_part(const struct msg_part *part)
{
	if (part->child != NULL)
		return part->child;
	while (part != NULL && part->next == NULL)
		part = part->parent;
	return part != NULL ? part->next : NULL;
}

static bool
is_leaf(const struct msg_part *part)
{
	return !part->is_multipart && !part->is_message;
}

struct msg_sevenbit *
msg_sevenbit_new(const struct msg *m, const struct msg_limits *limits)
{
	struct msg_sevenbit *s = mem_alloc(sizeof(*s));

	s->m = m;
	s->limits = limits;
	for (const struct msg_part *part = m->root; part != NULL;
	     part = next_part(part)) {
		add_span(s, SPAN_HEADER, part, part->header_start,
		    part->header_size);
		if (is_leaf(part))
			add_span(s, SPAN_BODY, part, part->body_start,
			    part->body_size);
	}
	return s;
}

void
msg_sevenbit_free(struct msg_sevenbit **sp)
{
	struct msg_sevenbit *s = *sp;

	*sp = NULL;
	if (s == NULL)
		return;
	free(s->span);
	free(s);
}

/*
 * The octets of a piece that belong to one span, or to none: *span_r NULL.
 * Moves on by them.
 */
static struct pst_str
take_run(struct msg_sevenbit *s, struct pst_str *rest, struct span **span_r)
{
	struct span *span;
	struct pst_str run = *rest;
	uint64_t until;

	while (s->next < s->n && s->span[s->next].end <= s->at)
		s->next++;
	span = s->next < s->n ? &s->span[s->next] : NULL;
	*span_r = span != NULL && span->start <= s->at ? span : NULL;
	if (span != NULL) {
		until = *span_r != NULL ? span->end : span->start;
		if (run.n > until - s->at)
			run.n = (size_t)(until - s->at);
	}
	s->at += run.n;
	*rest = str_from(*rest, run.n);
	return run;
}

static bool
has_eight(struct pst_str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] >= 0x80 || s.p[i] == '\0')
			return true;
	return false;
}

void
msg_sevenbit_look(struct msg_sevenbit *s, const char *p, size_t n)
{
	struct pst_str rest = str_n(p, n);

	while (rest.n > 0) {
		struct span *span;
		struct pst_str run = take_run(s, &rest, &span);

		if (!has_eight(run))
			continue;
		s->has_eight = true;
		if (span != NULL)
			span->has_eight = true;
	}
}

/* --- the decision ----------------------------------------------------------
 */

static bool
is_encoding(const struct msg_part *part, const char *name)
{
	return str_is_case(part->encoding, name);
}

/* The octets are the content. */
static bool
is_raw(const struct msg_part *part)
{
	return is_encoding(part, "7bit") || is_encoding(part, "8bit") ||
	       is_encoding(part, "binary");
}

static bool
is_signed(const struct msg_part *part)
{
	for (; part != NULL; part = part->parent)
		if (part->is_multipart && str_is_case(part->subtype, "signed"))
			return true;
	return false;
}

/* NULL, or why not. */
static const char *
choose_way(struct span *body)
{
	const struct msg_part *part = body->part;

	if (is_encoding(part, "binary")) {
		body->way = WAY_BASE64;
	} else if (!body->has_eight) {
		return NULL;
	} else if (is_raw(part)) {
		body->way = str_is_case(part->type, "text") ||
				    str_is_case(part->type, "message")
				? WAY_QP
				: WAY_BASE64;
	} else if (is_encoding(part, "quoted-printable")) {
		body->way = WAY_ESCAPE;
		return NULL;
	} else {
		return "it has 8-bit octets in a part with another transfer "
		       "encoding";
	}
	/* RFC 1847, 2.1: a signed part must not be changed on its way. */
	return is_signed(part) ? "its digital signature would be broken by that"
			       : NULL;
}

/* A header changes with its body, with raw octets in itself, and where it
 * tells of an encoding that is not there any more. */
static const char *
choose_header(struct span *header, const struct span *body)
{
	const struct msg_part *part = header->part;

	header->is_changed = header->has_eight || is_encoding(part, "8bit") ||
			     is_encoding(part, "binary") ||
			     (body != NULL && (body->way == WAY_QP ||
						  body->way == WAY_BASE64));
	if (!header->is_changed)
		return NULL;
	if (part->header.n < part->header_size)
		return "its header is too large for that";
	return header->has_eight && is_signed(part->parent)
		   ? "its digital signature would be broken by that"
		   : NULL;
}

enum msg_sevenbit_result
msg_sevenbit_begin(struct msg_sevenbit *s, const char **why_r)
{
	bool is_binary = false;

	s->at = 0;
	s->next = 0;
	*why_r = NULL;
	for (size_t i = 0; i < s->n; i++)
		is_binary = is_binary || is_encoding(s->span[i].part, "binary");
	if (!s->has_eight && !is_binary)
		return MSG_SEVENBIT_IS;
	if (s->m->parts >= s->limits->parts)
		*why_r = "it has too many parts for that";
	for (size_t i = 0; i < s->n && *why_r == NULL; i++)
		if (s->span[i].kind == SPAN_BODY)
			*why_r = choose_way(&s->span[i]);
	for (size_t i = 0; i < s->n && *why_r == NULL; i++) {
		bool has_body = i + 1 < s->n &&
				s->span[i + 1].kind == SPAN_BODY;

		if (s->span[i].kind == SPAN_HEADER)
			*why_r = choose_header(
			    &s->span[i], has_body ? &s->span[i + 1] : NULL);
	}
	return *why_r == NULL ? MSG_SEVENBIT_WORTH : MSG_SEVENBIT_CANNOT;
}

/* --- headers ---------------------------------------------------------------
 */

/* What the body of this header becomes. */
static enum span_way
way_of_body(const struct msg_sevenbit *s, const struct span *header)
{
	const struct span *body = header + 1;

	return body < s->span + s->n && body->part == header->part &&
		       body->kind == SPAN_BODY
		   ? body->way
		   : WAY_COPY;
}

/* The fields of MIME that the conversion makes necessary. RFC 1428, 3: what
 * did not say its charset has an unknown one. */
static bool
put_mime(const struct msg_part *part, enum span_way way, struct buf *out)
{
	bool ok = true;

	if (part->parent == NULL && msg_field(part, "MIME-Version") == NULL)
		ok = buf_puts(out, "MIME-Version: 1.0\r\n");
	if (way == WAY_QP && msg_field(part, "Content-Type") == NULL)
		ok = ok && buf_puts(out, "Content-Type: text/plain; "
					 "charset=unknown-8bit\r\n");
	if (way != WAY_QP && way != WAY_BASE64)
		return ok;
	return ok && buf_printf(out, "Content-Transfer-Encoding: %s\r\n",
			 way == WAY_BASE64 ? "base64" : "quoted-printable");
}

/* The whole header, with the empty line. */
static bool
put_header(struct msg_sevenbit *s, const struct span *span, struct buf *out)
{
	struct msg_part part = *span->part;
	struct msg_field *kept = mem_array(part.fields + 1, sizeof(*kept));
	struct buf text;
	size_t n = 0;
	bool ok;

	for (size_t i = 0; i < part.fields; i++)
		if (!is_raw(&part) || !str_is_case(part.field[i].name,
					  "Content-Transfer-Encoding"))
			kept[n++] = part.field[i];
	part.field = kept;
	part.fields = n;
	buf_init(&text, out->max);
	ok = msg_downgrade(&part, &text);
	free(kept);
	/* The empty line comes behind what is added. */
	ok = ok && buf_add(out, text.p, text.n - 2) &&
	     put_mime(span->part, way_of_body(s, span), out) &&
	     buf_puts(out, "\r\n");
	buf_fini(&text);
	return ok;
}

/* --- bodies ----------------------------------------------------------------
 */

static bool
put_body(struct msg_sevenbit *s, const struct span *span, struct pst_str run,
    struct buf *out)
{
	bool ok = true;

	switch (span->way) {
	case WAY_COPY:
		return buf_add_str(out, run);
	case WAY_BASE64:
		return base64_encode_lines(&s->base64, run, false, out);
	case WAY_QP:
		return qp_encode_some(&s->qp, run, false, out);
	case WAY_ESCAPE:
		for (size_t i = 0; i < run.n && ok; i++)
			ok = has_eight(str_n(run.p + i, 1))
				 ? buf_printf(
				       out, "=%02X", (unsigned char)run.p[i])
				 : buf_putc(out, run.p[i]);
		return ok;
	}
	return false;
}

/* The span ends here. */
static bool
end_body(struct msg_sevenbit *s, const struct span *span, struct buf *out)
{
	if (span->way == WAY_QP)
		return qp_encode_some(&s->qp, STR_NONE, true, out);
	if (span->way == WAY_BASE64)
		return base64_encode_lines(&s->base64, STR_NONE, true, out);
	return true;
}

/* Boundaries and what nobody reads. */
static bool
put_between(struct pst_str run, struct buf *out)
{
	bool ok = true;

	if (!has_eight(run))
		return buf_add_str(out, run);
	for (size_t i = 0; i < run.n && ok; i++)
		ok = buf_putc(
		    out, has_eight(str_n(run.p + i, 1)) ? '?' : run.p[i]);
	return ok;
}

bool
msg_sevenbit_feed(
    struct msg_sevenbit *s, const char *p, size_t n, struct buf *out)
{
	struct pst_str rest = str_n(p, n);
	bool ok = true;

	while (rest.n > 0 && ok) {
		uint64_t before = s->at;
		struct span *span;
		struct pst_str run = take_run(s, &rest, &span);

		if (span == NULL) {
			ok = put_between(run, out);
		} else if (span->kind == SPAN_BODY) {
			ok = put_body(s, span, run, out);
			if (ok && s->at == span->end)
				ok = end_body(s, span, out);
		} else if (!span->is_changed) {
			ok = buf_add_str(out, run);
		} else if (before == span->start) {
			ok = put_header(s, span, out);
		}
	}
	return ok;
}
