/*
 * mailbox/text.c - the text of whole messages, for the full-text index. It is
 * the same text that a search without an index goes through (message/text.h),
 * in the same parts.
 */
#include "base/str.h"
#include "mailbox/fulltext_priv.h"
#include <stdlib.h>

enum { SMALL = 65536 };

#define DIVIDER "\xff" /* see struct pst_text */

void
mail_texts_init(struct mail_texts *t)
{
	*t = (struct mail_texts){ 0 };
	buf_init(&t->header, SIZE_MAX / 4);
	buf_init(&t->body, SIZE_MAX / 4);
}

void
mail_texts_clear(struct mail_texts *t)
{
	buf_clear(&t->header);
	buf_clear(&t->body);
	t->n = 0;
}

void
mail_texts_fini(struct mail_texts *t)
{
	buf_fini(&t->header);
	buf_fini(&t->body);
	free(t->entry);
	*t = (struct mail_texts){ 0 };
}

size_t
mail_texts_size(const struct mail_texts *t)
{
	return t->header.n + t->body.n;
}

/* --- one message -----------------------------------------------------------
 */

struct gathering {
	struct mail_texts *texts;
	struct msg_text *work;
	size_t end; /* sum of what both buffers may have */
	bool is_full;
	const struct pst_body *body;
	struct pst_str memory; /* all of it, when it is short */
};

static void
add(struct gathering *g, struct buf *to, struct pst_str text)
{
	if (mail_texts_size(g->texts) + text.n + 1 > g->end) {
		g->is_full = true;
		return;
	}
	(void)buf_add_str(to, text);
}

static void
add_fields(struct gathering *g, const struct msg_part *part)
{
	struct buf *to = msg_text_is_inner(part) ? &g->texts->body
						 : &g->texts->header;

	for (size_t i = 0; i < part->fields && !g->is_full; i++) {
		msg_text_field(g->work, part->field[i].whole);
		add(g, to, buf_str(&g->work->folded));
		(void)buf_puts(to, DIVIDER);
	}
}

static bool
take(void *arg)
{
	struct gathering *g = arg;

	add(g, &g->texts->body, buf_str(&g->work->folded));
	buf_clear(&g->work->folded);
	return !g->is_full;
}

static bool
read_some(void *arg, uint64_t offset, void *p, size_t n)
{
	const struct gathering *g = arg;
	struct pst_error err;

	if (g->memory.p == NULL)
		return mail_body_read(g->body, offset, p, n, &err) == PST_OK;
	if (offset > g->memory.n || n > g->memory.n - offset)
		return false;
	memcpy(p, g->memory.p + offset, n);
	return true;
}

/* False: not all of it could be read, or there was no room. */
static bool
add_parts(struct gathering *g, const struct msg_part *part)
{
	const struct msg_text_source source = { read_some, g };
	bool ok = true;

	for (; part != NULL && ok && !g->is_full; part = msg_text_next(part)) {
		add_fields(g, part);
		if (g->is_full || !msg_text_is_body(part))
			continue;
		ok = msg_text_body(g->work, part, &source, take, g);
		(void)buf_puts(&g->texts->body, DIVIDER);
	}
	return ok && !g->is_full;
}

static struct msg *
parse(struct gathering *g, char *small, const struct msg_limits *limits)
{
	const struct pst_body *body = g->body;
	struct msg *m = NULL;
	struct pst_error err;

	if (body->mem == NULL && body->length <= SMALL &&
	    mail_body_read(body, 0, small, (size_t)body->length, &err) ==
		PST_OK)
		g->memory = str_n(small, (size_t)body->length);
	else if (body->mem != NULL)
		g->memory = str_n(body->mem, (size_t)body->length);
	if (g->memory.p != NULL)
		return msg_read(g->memory, limits);
	return mail_body_parse(body, limits, false, &m, &err) == PST_OK ? m
									: NULL;
}

void
mail_texts_add(struct mail_texts *t, struct msg_text *work, uint32_t uid,
    const struct pst_body *body, const struct msg_limits *limits, size_t max)
{
	struct gathering g = { .texts = t, .work = work, .body = body };
	struct mail_text_entry *e;
	char *small = mem_realloc(NULL, SMALL);
	struct msg *m = NULL;

	mem_grow(&t->entry, &t->cap, t->n + 1, sizeof(*t->entry));
	e = &t->entry[t->n++];
	*e = (struct mail_text_entry){ .uid = uid,
		.is_partial = true,
		.header_at = t->header.n,
		.body_at = t->body.n };
	g.end = mail_texts_size(t) + max;
	if (body != NULL)
		m = parse(&g, small, limits);
	if (m != NULL) {
		e->is_partial = !add_parts(&g, m->root);
		msg_free(&m);
	}
	e->header_n = t->header.n - e->header_at;
	e->body_n = t->body.n - e->body_at;
	free(small);
}

struct pst_text *
mail_texts_peek(const struct mail_texts *t)
{
	struct pst_text *all = mem_array(t->n, sizeof(*all));

	for (size_t i = 0; i < t->n; i++) {
		const struct mail_text_entry *e = &t->entry[i];

		all[i].uid = e->uid;
		all[i].is_partial = e->is_partial;
		all[i].header = str_first(
		    str_from(buf_str(&t->header), e->header_at), e->header_n);
		all[i].body = str_first(
		    str_from(buf_str(&t->body), e->body_at), e->body_n);
	}
	return all;
}
