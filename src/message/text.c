/*
 * message/text.c - see message/text.h.
 */
#include "message/text.h"

#include "base/str.h"
#include "message/content.h"
#include "message/header.h"

enum {
	PIECE = 32768,
	LINE_MAX_KEPT = 65536,
	PLAIN_MAX = 4 << 20,
	FOLDED_MAX = 16 << 20,
};

void
msg_text_init(struct msg_text *t)
{
	buf_init(&t->piece, PIECE);
	buf_init(&t->plain, PLAIN_MAX);
	buf_init(&t->folded, FOLDED_MAX);
	t->scratch = arena_new(0);
}

void
msg_text_fini(struct msg_text *t)
{
	buf_fini(&t->piece);
	buf_fini(&t->plain);
	buf_fini(&t->folded);
	arena_free(&t->scratch);
}

void
msg_text_field(struct msg_text *t, struct pst_str field)
{
	arena_reset(t->scratch);
	buf_clear(&t->plain);
	buf_clear(&t->folded);
	(void)msg_decode_words(msg_unfold(t->scratch, field), &t->plain);
	(void)msg_casefold(buf_str(&t->plain), &t->folded);
}

/* How much of the decoded text can be folded now: whole lines, so that no
 * character and no combining sequence is cut. */
static size_t
ready(const struct buf *plain, bool last)
{
	const char *lf;
	size_t n = plain->n;

	if (last || n == 0)
		return n;
	lf = memrchr(plain->p, '\n', n);
	if (lf != NULL)
		return (size_t)(lf - plain->p) + 1;
	if (n < LINE_MAX_KEPT)
		return 0;
	while (n > 1 && ((unsigned char)plain->p[n - 1] & 0xc0) == 0x80)
		n--;
	return n - 1;
}

static bool
fold(struct msg_text *t, bool last, bool (*take)(void *arg), void *arg)
{
	size_t n = ready(&t->plain, last);

	if (n == 0)
		return true;
	(void)msg_casefold(str_n(t->plain.p, n), &t->folded);
	buf_consume(&t->plain, n);
	return take(arg);
}

bool
msg_text_body(struct msg_text *t, const struct msg_part *part,
    const struct msg_text_source *source, bool (*take)(void *arg), void *arg)
{
	struct msg_decoder *d = msg_decoder_new(part, true, true);
	uint64_t at = part->body_start, left = part->body_size;
	bool more = true;

	buf_clear(&t->plain);
	buf_clear(&t->folded);
	while (more && left > 0) {
		size_t n = left < PIECE ? (size_t)left : PIECE;
		char *p;

		buf_clear(&t->piece);
		p = buf_reserve(&t->piece, n);
		more = source->read(source->arg, at, p, n);
		if (!more)
			break;
		at += n;
		left -= n;
		(void)msg_decoder_feed(d, str_n(p, n), left == 0, &t->plain);
		more = fold(t, left == 0, take, arg);
	}
	msg_decoder_free(&d);
	return more;
}

const struct msg_part *
msg_text_next(const struct msg_part *part)
{
	if (part->child != NULL)
		return part->child;
	while (part != NULL && part->next == NULL)
		part = part->parent;
	return part != NULL ? part->next : NULL;
}

bool
msg_text_is_body(const struct msg_part *part)
{
	return str_is_case(part->type, "text");
}

bool
msg_text_is_inner(const struct msg_part *part)
{
	return part->parent != NULL && part->parent->is_message;
}
