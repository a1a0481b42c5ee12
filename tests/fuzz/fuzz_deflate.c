/*
 * Any octets as what a peer sends packed; and its text packed and unpacked.
 */
#include "base/str.h"
#include "net/deflate.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TOTAL_MAX = 1 << 20 };

/* False: it is no stream. */
static bool
unpack(struct deflate *d, struct pst_str in, size_t cut, size_t room,
    struct buf *out)
{
	char *p = malloc(room);
	bool good = true;

	while (good && !deflate_ended(d) && out->n < TOTAL_MAX &&
	       (in.n > 0 || deflate_pending(d))) {
		ssize_t got = deflate_unpack(d, p, room);
		size_t n;
		char *to;

		good = got >= 0;
		if (got > 0)
			(void)buf_add(out, p, (size_t)got);
		if (got != 0)
			continue;
		to = deflate_room(d, &n);
		n = n < cut ? n : cut;
		n = n < in.n ? n : in.n;
		if (n > 0)
			memcpy(to, in.p, n);
		deflate_came(d, n);
		in = str_from(in, n);
		if (cut % 3 == 0)
			deflate_rest(d);
	}
	free(p);
	return good;
}

static void
there_and_back(struct pst_str text, size_t cut, size_t room)
{
	struct deflate *from = deflate_new(), *to = deflate_new();
	struct buf got;
	bool good;

	buf_init(&got, 2 * TOTAL_MAX);
	for (size_t at = 0; at < text.n;) {
		struct pst_str part = str_first(str_from(text, at), cut * 16);

		at += deflate_pack(from, part, &good);
		if (!good ||
		    !unpack(to, deflate_waiting(from), cut, room, &got))
			abort();
		deflate_sent(from, deflate_waiting(from).n);
		if (got.n != at)
			abort(); /* it stalls */
		if (cut % 2 == 0)
			deflate_rest(from);
	}
	if (!str_eq(buf_str(&got), text))
		abort();
	buf_fini(&got);
	deflate_free(&from);
	deflate_free(&to);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct deflate *d;
	struct buf out, again;
	struct pst_str in;
	size_t cut, room;
	bool good;

	if (size < 2)
		return 0;
	in = str_n((const char *)data + 2, size - 2);
	cut = data[0] + 1u;
	room = data[1] * 17u + 1;
	buf_init(&out, 2 * TOTAL_MAX);
	buf_init(&again, 2 * TOTAL_MAX);
	d = deflate_new();
	good = unpack(d, in, cut, room, &out);
	deflate_free(&d);
	d = deflate_new(); /* the same in other pieces, without a rest */
	if (unpack(d, in, 16384, 65536, &again) != good && out.n < TOTAL_MAX &&
	    again.n < TOTAL_MAX)
		abort();
	if (good && out.n < TOTAL_MAX &&
	    !str_eq(buf_str(&out), buf_str(&again)))
		abort();
	deflate_free(&d);
	buf_fini(&out);
	buf_fini(&again);
	there_and_back(in, cut, room);
	return 0;
}
