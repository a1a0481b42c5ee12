/*
 * What the exchange agent reads: replies of servers, in pieces and at once; and
 * envelopes and progress as they stand in the queue, which must come out of
 * what was read as they went in.
 */
#include "base/str.h"
#include "exchange/envelope.h"
#include "exchange/reply.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static enum reply_result
read_in(const char *p, size_t n, size_t step, struct reply *r, size_t *used_r)
{
	struct reply_reader rr;
	enum reply_result result = REPLY_MORE;

	*used_r = 0;
	reply_begin(&rr, r);
	while (*used_r < n && result == REPLY_MORE) {
		size_t some = n - *used_r < step ? n - *used_r : step, used;

		result = reply_feed(&rr, r, p + *used_r, some, &used);
		*used_r += used;
	}
	return result;
}

static void
check_reply(const char *p, size_t n, size_t step)
{
	struct reply a, b;
	size_t used_a, used_b;
	struct buf text;

	reply_init(&a);
	reply_init(&b);
	buf_init(&text, 4096);
	if (read_in(p, n, n + 1, &a, &used_a) !=
		read_in(p, n, step, &b, &used_b) ||
	    used_a != used_b || a.code != b.code ||
	    !str_eq(buf_str(&a.text), buf_str(&b.text)))
		abort();
	reply_print(&a, 900, &text);
	for (size_t i = 0; i < text.n; i++)
		if ((unsigned char)text.p[i] < 0x20)
			abort();
	buf_fini(&text);
	reply_fini(&a);
	reply_fini(&b);
}

static void
check_envelope(struct pst_str in)
{
	struct arena *arena = arena_new(1 << 24);
	struct envelope e, again;
	struct envelope_progress p, q;
	struct buf out;

	buf_init(&out, 1 << 24);
	if (envelope_decode(in, arena, &e)) {
		if (!envelope_encode(&e, &out) ||
		    !envelope_decode(buf_str(&out), arena, &again) ||
		    again.recipients != e.recipients ||
		    !str_eq(again.sender, e.sender))
			abort();
		envelope_sort(&again);
	}
	buf_clear(&out);
	e = (struct envelope){ .recipients = 64 };
	e.recipient = arena_alloc(arena, 64 * sizeof(*e.recipient));
	if (envelope_progress_decode(in, arena, &e, &p)) {
		if (!envelope_progress_peek(in, &q) || q.tries != p.tries ||
		    !envelope_progress_encode(&e, &p, &out) ||
		    !envelope_progress_decode(buf_str(&out), arena, &e, &q) ||
		    q.due != p.due || q.n != p.n)
			abort();
	}
	buf_fini(&out);
	arena_free(&arena);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const char *p = (const char *)data;

	if (n < 1)
		return 0;
	check_reply(p + 1, n - 1, (size_t)data[0] + 1);
	check_envelope(str_n(p + 1, n - 1));
	return 0;
}
