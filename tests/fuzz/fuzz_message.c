/*
 * The message reader: however the octets arrive, the tree is the same; ranges
 * lie within the message and within their parents, in order.
 *
 * The first octet of the input chooses the limits and the size of the pieces.
 */
#include <stdlib.h>

#include "base/str.h"
#include "message/header.h"
#include "message/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool claim)
{
	if (!claim)
		abort();
}

static bool
same_params(const struct msg_param *a, const struct msg_param *b)
{
	for (; a != NULL && b != NULL; a = a->next, b = b->next) {
		if (!str_eq(a->name, b->name) || !str_eq(a->value, b->value))
			return false;
	}
	return a == b;
}

/* The part behind `p` in the order of the text, or NULL. */
static const struct msg_part *
next_part(const struct msg_part *p)
{
	if (p->child != NULL)
		return p->child;
	while (p != NULL && p->next == NULL)
		p = p->parent;
	return p != NULL ? p->next : NULL;
}

static void
check_same_part(const struct msg_part *a, const struct msg_part *b)
{
	check(a->header_start == b->header_start);
	check(a->header_size == b->header_size);
	check(a->body_start == b->body_start);
	check(a->body_size == b->body_size);
	check(a->header_lines == b->header_lines);
	check(a->body_lines == b->body_lines);
	check(str_eq(a->header, b->header));
	check(a->fields == b->fields);
	check(str_eq(a->type, b->type) && str_eq(a->subtype, b->subtype));
	check(str_eq(a->encoding, b->encoding));
	check(same_params(a->params, b->params));
	check(same_params(a->disposition_params, b->disposition_params));
	check(a->is_multipart == b->is_multipart);
	check(a->is_message == b->is_message);
}

static void
check_same(const struct msg *a, const struct msg *b)
{
	const struct msg_part *p = a->root, *q = b->root;

	check(a->size == b->size && a->parts == b->parts);
	for (; p != NULL && q != NULL; p = next_part(p), q = next_part(q))
		check_same_part(p, q);
	check(p == q);
}

static uint64_t
count_lines(const char *text, uint64_t start, uint64_t n)
{
	uint64_t lines = 0;

	for (uint64_t i = 0; i < n; i++)
		lines += text[start + i] == '\n';
	return lines + (n > 0 && text[start + n - 1] != '\n');
}

static void
check_fields(const struct msg_part *p, const char *text)
{
	uint64_t at = p->header_start;

	check(p->header.n <= p->header_size);
	check(p->header.n == 0 ||
	      memcmp(p->header.p, text + p->header_start, p->header.n) == 0);
	for (size_t i = 0; i < p->fields; i++) {
		const struct msg_field *f = &p->field[i];

		check(f->offset == at);
		at += f->whole.n;
		check(f->whole.p >= p->header.p &&
		      f->whole.p + f->whole.n <= p->header.p + p->header.n);
		check(f->name.p == f->whole.p);
		check(f->value.p >= f->name.p + f->name.n);
		check(f->value.p + f->value.n <= f->whole.p + f->whole.n);
	}
}

static void
check_part(const struct msg_part *p, const char *text, uint64_t size)
{
	uint64_t end = p->body_start + p->body_size;

	check(p->header_start + p->header_size == p->body_start);
	check(end <= size);
	check(p->header_lines ==
	      count_lines(text, p->header_start, p->header_size));
	check(p->body_lines == count_lines(text, p->body_start, p->body_size));
	check(p->type.n > 0 && p->subtype.n > 0 && p->encoding.n > 0);
	check(p->child == NULL || p->is_multipart || p->is_message);
	check(!p->is_message || (p->child != NULL && p->child->next == NULL));
	check_fields(p, text);
	if (p->parent == NULL)
		return;
	check(p->header_start >= p->parent->body_start);
	check(end <= p->parent->body_start + p->parent->body_size);
	if (p->parent->is_message)
		check(p->header_start == p->parent->body_start &&
		      end == p->parent->body_start + p->parent->body_size);
	if (p->next != NULL)
		check(end < p->next->header_start);
}

static void
use_part(const struct msg_part *p)
{
	struct arena *a = arena_new(0);
	struct msg_envelope envelope;
	struct buf name;

	buf_init(&name, 1 << 20);
	msg_envelope(a, p, &envelope);
	(void)msg_filename(p, &name);
	buf_fini(&name);
	arena_free(&a);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct msg_limits limits = msg_limits_default;
	struct msg_reader *r;
	struct msg *whole, *pieces;
	const char *text;
	size_t piece, depth = 0;

	if (size == 0)
		return 0;
	if (*data & 1)
		limits = (struct msg_limits){ 64, 3, 8 };
	piece = (size_t)(*data >> 1) + 1;
	text = (const char *)data + 1;
	size--;
	whole = msg_read(str_n(text, size), &limits);
	check(whole->size == size);
	check(whole->parts <= limits.parts);
	for (const struct msg_part *p = whole->root; p != NULL;
	     p = next_part(p)) {
		depth++;
		check_part(p, text, size);
		use_part(p);
	}
	check(depth == whole->parts);
	r = msg_reader_new(&limits, false);
	for (size_t i = 0; i < size; i += piece)
		check(msg_reader_feed(
		    r, text + i, size - i < piece ? size - i : piece));
	pieces = msg_reader_finish(&r);
	check_same(whole, pieces);
	msg_free(&pieces);
	r = msg_reader_new(&limits, true);
	for (size_t i = 0; i < size && msg_reader_feed(r, text + i, 1); i++)
		;
	pieces = msg_reader_finish(&r);
	check(pieces->root->header_size == whole->root->header_size);
	check(pieces->root->fields == whole->root->fields);
	msg_free(&pieces);
	msg_free(&whole);
	return 0;
}
