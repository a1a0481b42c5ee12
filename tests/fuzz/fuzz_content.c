/*
 * Bodies: the header at the front of the input says how the rest is decoded.
 * However it is cut, the text is the same, UTF-8, and folding it is stable.
 */
#include <stdlib.h>

#include "base/str.h"
#include "message/content.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool claim)
{
	if (!claim)
		abort();
}

static bool
is_utf8(struct pst_str s)
{
	struct pst_str part;

	while (str_split(&s, '\0', &part)) {
		if (!str_is_utf8(part))
			return false;
	}
	return true;
}

static void
decode(const struct msg_part *part, struct pst_str body, size_t piece,
    bool to_utf8, bool strip, struct buf *out)
{
	struct msg_decoder *d = msg_decoder_new(part, to_utf8, strip);

	while (body.n > piece) {
		check(msg_decoder_feed(d, str_first(body, piece), false, out));
		body = str_from(body, piece);
	}
	check(msg_decoder_feed(d, body, true, out));
	msg_decoder_free(&d);
}

static void
check_fold(struct pst_str text)
{
	struct buf once, twice;

	buf_init(&once, text.n * 64 + 100);
	buf_init(&twice, text.n * 1024 + 100);
	check(msg_casefold(text, &once));
	check(is_utf8(buf_str(&once)));
	check(msg_casefold(buf_str(&once), &twice));
	check(str_eq(buf_str(&once), buf_str(&twice)));
	buf_fini(&once);
	buf_fini(&twice);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pst_str body;
	struct buf whole, pieces;
	struct msg *m;
	size_t piece;
	bool to_utf8, strip;

	if (size == 0)
		return 0;
	to_utf8 = (*data & 1) == 0;
	strip = (*data & 2) == 0;
	piece = (size_t)(*data >> 2) + 1;
	m = msg_read(
	    str_n((const char *)data + 1, size - 1), &msg_limits_default);
	body = str_n(
	    (const char *)data + 1 + m->root->body_start, m->root->body_size);
	buf_init(&whole, size * 64 + 1000);
	buf_init(&pieces, size * 64 + 1000);
	decode(m->root, body, SIZE_MAX, to_utf8, strip, &whole);
	decode(m->root, body, piece, to_utf8, strip, &pieces);
	check(str_eq(buf_str(&whole), buf_str(&pieces)));
	if (to_utf8 && str_is_case(m->root->type, "text"))
		check(is_utf8(buf_str(&whole)));
	check_fold(buf_str(&whole));
	check_fold(body);
	buf_fini(&whole);
	buf_fini(&pieces);
	msg_free(&m);
	return 0;
}
