/*
 * exchange/envelope.c - see envelope.h. Numbers are of 7 bits an octet, lowest
 * first; a text is its length and its octets.
 */
#include "exchange/envelope.h"

#include "base/str.h"

#include <stdlib.h>

enum {
	FORM = 1,
	TEXT_MAX = 1 << 20,
	RECIPIENTS_MAX = 1000000,
};

struct pst_str
envelope_domain(struct pst_str address)
{
	size_t at = address.n;

	while (at > 0 && address.p[at - 1] != '@')
		at--;
	return at > 0 ? str_from(address, at) : STR_NONE;
}

static int
compare(const void *a, const void *b)
{
	const struct envelope_recipient *x = a, *y = b;

	return str_cmp_case(
	    envelope_domain(x->address), envelope_domain(y->address));
}

void
envelope_sort(struct envelope *e)
{
	if (e->recipients > 1)
		qsort(e->recipient, e->recipients, sizeof(*e->recipient),
		    compare);
}

/* --- writing --------------------------------------------------------------
 */

static void
put_number(struct buf *out, uint64_t v)
{
	for (; v >= 0x80; v >>= 7)
		(void)buf_putc(out, (char)(v | 0x80));
	(void)buf_putc(out, (char)v);
}

static void
put_text(struct buf *out, struct pst_str text)
{
	put_number(out, text.n);
	(void)buf_add_str(out, text);
}

bool
envelope_encode(const struct envelope *e, struct buf *out)
{
	put_number(out, FORM);
	put_text(out, e->sender);
	put_text(out, e->envid);
	put_text(out, e->author);
	put_text(out, e->origin);
	put_number(out, e->ret);
	put_number(out, e->body);
	put_number(out, (unsigned)e->smtputf8 | (unsigned)e->require_tls << 1 |
			    (unsigned)e->unproven << 2 |
			    (unsigned)e->tls_optional << 3 |
			    (unsigned)e->held << 4);
	put_number(out, (uint64_t)e->arrived);
	put_number(out, e->size);
	put_number(out, e->recipients);
	for (size_t i = 0; i < e->recipients; i++) {
		const struct envelope_recipient *r = &e->recipient[i];

		put_text(out, r->address);
		put_text(out, r->orcpt);
		put_number(out, r->notify);
	}
	return !out->overflow;
}

bool
envelope_progress_encode(const struct envelope *e,
    const struct envelope_progress *p, struct buf *out)
{
	put_number(out, FORM);
	put_number(out, p->first);
	put_number(out, p->n);
	put_number(out, p->tries);
	put_number(out, (uint64_t)p->due);
	put_number(out, p->held);
	put_text(out, p->reason);
	for (size_t i = p->first; i < (size_t)p->first + p->n; i++) {
		const struct envelope_recipient *r = &e->recipient[i];

		put_number(out, r->state);
		put_number(out, r->told_delay);
		put_number(out, (uint64_t)r->at);
		put_text(out, r->remote);
		put_text(out, r->answer);
	}
	return !out->overflow;
}

/* --- reading --------------------------------------------------------------
 */

struct reader {
	struct pst_str in;
	struct arena *arena;
	bool failed;
};

static uint64_t
number(struct reader *r, uint64_t most)
{
	uint64_t v = 0;

	for (unsigned shift = 0; shift < 64; shift += 7) {
		unsigned char c;

		if (r->in.n == 0)
			break;
		c = (unsigned char)*r->in.p;
		r->in = str_from(r->in, 1);
		v |= (uint64_t)(c & 0x7f) << shift;
		if ((c & 0x80) == 0) {
			if (v > most)
				break;
			return v;
		}
	}
	r->failed = true;
	return 0;
}

static struct pst_str
borrow(struct reader *r)
{
	size_t n = (size_t)number(r, TEXT_MAX);
	struct pst_str text;

	if (r->failed || n > r->in.n) {
		r->failed = true;
		return STR_NONE;
	}
	text = str_first(r->in, n);
	r->in = str_from(r->in, n);
	return text;
}

static struct pst_str
text(struct reader *r)
{
	struct pst_str t = borrow(r);

	return t.n > 0 ? arena_copy(r->arena, t) : STR_NONE;
}

bool
envelope_decode(struct pst_str in, struct arena *arena, struct envelope *e)
{
	struct reader r = { .in = in, .arena = arena };
	unsigned flags;

	*e = (struct envelope){ 0 };
	r.failed = number(&r, FORM) != FORM;
	e->sender = text(&r);
	e->envid = text(&r);
	e->author = text(&r);
	e->origin = text(&r);
	e->ret = (enum envelope_ret)number(&r, RET_HDRS);
	e->body = (enum envelope_body)number(&r, BODY_BINARYMIME);
	flags = (unsigned)number(&r, 31);
	e->smtputf8 = (flags & 1) != 0;
	e->require_tls = (flags & 2) != 0;
	e->unproven = (flags & 4) != 0;
	e->tls_optional = (flags & 8) != 0;
	e->held = (flags & 16) != 0;
	e->arrived = (int64_t)number(&r, INT64_MAX);
	e->size = number(&r, UINT64_MAX);
	e->recipients = (size_t)number(&r, RECIPIENTS_MAX);
	/* Each takes three octets at least. */
	if (r.failed || e->recipients > r.in.n / 3)
		return false;
	e->recipient = arena_alloc(
	    arena, (e->recipients + 1) * sizeof(*e->recipient));
	for (size_t i = 0; i < e->recipients && !r.failed; i++) {
		struct envelope_recipient *to = &e->recipient[i];

		to->address = text(&r);
		to->orcpt = text(&r);
		to->notify = (unsigned)number(&r, 15);
	}
	return !r.failed && r.in.n == 0;
}

static bool
read_numbers(struct reader *r, struct envelope_progress *p)
{
	*p = (struct envelope_progress){ 0 };
	r->failed = number(r, FORM) != FORM;
	p->first = (uint32_t)number(r, RECIPIENTS_MAX);
	p->n = (uint32_t)number(r, RECIPIENTS_MAX);
	p->tries = (uint32_t)number(r, UINT32_MAX);
	p->due = (int64_t)number(r, INT64_MAX);
	p->held = number(r, 1) != 0;
	p->reason = borrow(r);
	return !r->failed;
}

bool
envelope_progress_peek(struct pst_str in, struct envelope_progress *p_r)
{
	struct reader r = { .in = in };

	return read_numbers(&r, p_r);
}

bool
envelope_progress_decode(struct pst_str in, struct arena *arena,
    struct envelope *e, struct envelope_progress *p_r)
{
	struct reader r = { .in = in, .arena = arena };

	if (!read_numbers(&r, p_r) || p_r->first > e->recipients ||
	    p_r->n > e->recipients - p_r->first)
		return false;
	if (p_r->reason.n > 0)
		p_r->reason = arena_copy(arena, p_r->reason);
	for (size_t i = 0; i < p_r->n && !r.failed; i++) {
		struct envelope_recipient *to = &e->recipient[p_r->first + i];

		to->state = (enum envelope_state)number(&r, RECIPIENT_DELETED);
		to->told_delay = number(&r, 1) != 0;
		to->at = (int64_t)number(&r, INT64_MAX);
		to->remote = text(&r);
		to->answer = text(&r);
	}
	return !r.failed && r.in.n == 0;
}
