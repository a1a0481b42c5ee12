/*
 * Compression of connections (RFC 4978): what is packed can be unpacked, how-
 * ever it is cut, flushed or put to rest between.
 */
#include "base/str.h"
#include "net/deflate.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <zlib.h>

static uint32_t
next(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

/* Packs all of `text` and gives the packed octets to `to`. */
static void
pack(struct deflate *from, struct pst_str text, struct buf *to)
{
	while (text.n > 0) {
		bool good;
		size_t n = deflate_pack(from, text, &good);
		struct pst_str packed = deflate_waiting(from);

		cr_assert(good);
		text = str_from(text, n);
		(void)buf_add_str(to, packed);
		deflate_sent(from, packed.n);
	}
}

/* Unpacks `packed` as it comes in pieces of `cut`, with room for `room`. */
static void
unpack(struct deflate *d, struct pst_str packed, size_t cut, size_t room,
    struct buf *text)
{
	char *p = malloc(room); /* exactly, for the sanitizer */

	while (packed.n > 0 || deflate_pending(d)) {
		ssize_t got = deflate_unpack(d, p, room);
		size_t n;
		char *to;

		cr_assert_geq(got, 0);
		if (got > 0) {
			(void)buf_add(text, p, (size_t)got);
			continue;
		}
		to = deflate_room(d, &n);
		n = n < cut ? n : cut;
		n = n < packed.n ? n : packed.n;
		if (n > 0)
			memcpy(to, packed.p, n);
		deflate_came(d, n);
		packed = str_from(packed, n);
	}
	free(p);
}

static void
make_text(uint32_t *seed, struct buf *out)
{
	size_t n = next(seed) % 7 == 0 ? next(seed) % 300000
				       : next(seed) % 300 + 1;
	bool random = next(seed) % 4 == 0;

	buf_clear(out);
	while (out->n < n) {
		if (random)
			(void)buf_putc(out, (char)next(seed));
		else
			(void)buf_printf(out, "* %u FETCH (FLAGS (\\Seen))\r\n",
			    (unsigned)next(seed) % 100);
	}
}

/* Each text arrives whole with what was sent until then: nothing stalls. */
static void
talk(uint32_t seed, size_t cut, size_t room, bool rests)
{
	struct deflate *from = deflate_new(), *to = deflate_new();
	struct buf text, packed, got;

	buf_init(&text, 1 << 20);
	buf_init(&packed, 1 << 21);
	buf_init(&got, 1 << 21);
	for (int i = 0; i < 40; i++) {
		make_text(&seed, &text);
		buf_clear(&packed);
		buf_clear(&got);
		pack(from, buf_str(&text), &packed);
		unpack(to, buf_str(&packed), cut, room, &got);
		cr_assert(str_eq(buf_str(&got), buf_str(&text)),
		    "cut %zu, room %zu, %d", cut, room, i);
		if (rests && next(&seed) % 2 == 0)
			deflate_rest(from);
		if (rests && next(&seed) % 2 == 0)
			deflate_rest(to);
	}
	buf_fini(&text);
	buf_fini(&packed);
	buf_fini(&got);
	deflate_free(&from);
	deflate_free(&to);
}

Test(net_deflate, any_cut_any_room_any_rest)
{
	static const size_t sizes[] = { 1, 2, 7, 100, 4096, 65536 };

	for (size_t i = 0; i < 6; i++)
		for (size_t k = 0; k < 6; k++)
			for (int rests = 0; rests < 2; rests++)
				talk((uint32_t)(i * 6 + k), sizes[i], sizes[k],
				    rests != 0);
}

/* Peers flush in other ways, and refer back as far as they may. */
Test(net_deflate, other_packers)
{
	static const int flushes[] = { Z_PARTIAL_FLUSH, Z_SYNC_FLUSH,
		Z_FULL_FLUSH, Z_BLOCK };
	struct buf text, packed, got;
	uint32_t seed = 5;

	buf_init(&text, 1 << 20);
	buf_init(&packed, 1 << 21);
	buf_init(&got, 1 << 21);
	for (int level = 0; level <= 9; level += 3) {
		struct deflate *d = deflate_new();
		z_stream z = { 0 };

		cr_assert_eq(deflateInit2(&z, level, Z_DEFLATED, -15, 9,
				 Z_DEFAULT_STRATEGY),
		    Z_OK);
		for (int i = 0; i < 60; i++) {
			int flush = flushes[next(&seed) % 3];

			make_text(&seed, &text);
			buf_clear(&packed);
			buf_clear(&got);
			z.next_in = (Bytef *)text.p;
			z.avail_in = (uInt)text.n;
			z.next_out = (Bytef *)buf_reserve(&packed, 1 << 20);
			z.avail_out = 1 << 20;
			cr_assert_eq(deflate(&z, flush), Z_OK);
			cr_assert_gt(z.avail_out, 0);
			buf_added(&packed, (1 << 20) - z.avail_out);
			unpack(d, buf_str(&packed), next(&seed) % 100 + 1,
			    next(&seed) % 1000 + 1, &got);
			cr_assert(str_eq(buf_str(&got), buf_str(&text)),
			    "level %d, %d", level, i);
			deflate_rest(d);
		}
		(void)deflateEnd(&z);
		deflate_free(&d);
	}
	buf_fini(&text);
	buf_fini(&packed);
	buf_fini(&got);
}

Test(net_deflate, a_bomb_fills_no_more_than_the_room)
{
	struct deflate *d = deflate_new();
	struct buf packed;
	char *zeroes = calloc(1, 1 << 20), room[4096], *to;
	uint64_t total = 0;
	z_stream z = { 0 };
	ssize_t got;
	size_t n;

	buf_init(&packed, 1 << 20);
	(void)deflateInit2(&z, 9, Z_DEFLATED, -15, 9, Z_DEFAULT_STRATEGY);
	z.next_out = (Bytef *)buf_reserve(&packed, 1 << 18);
	z.avail_out = 1 << 18;
	for (int i = 0; i < 10; i++) {
		z.next_in = (Bytef *)zeroes;
		z.avail_in = 1 << 20;
		(void)deflate(&z, i == 9 ? Z_SYNC_FLUSH : Z_NO_FLUSH);
	}
	buf_added(&packed, (1 << 18) - z.avail_out);
	(void)deflateEnd(&z);
	to = deflate_room(d, &n);
	cr_assert_leq(packed.n, n);
	memcpy(to, packed.p, packed.n);
	deflate_came(d, packed.n);
	while ((got = deflate_unpack(d, room, sizeof(room))) > 0)
		total += (uint64_t)got;
	cr_assert_eq(got, 0);
	cr_assert_eq(total, 10 << 20);
	buf_fini(&packed);
	deflate_free(&d);
	free(zeroes);
}

Test(net_deflate, what_is_no_stream)
{
	struct deflate *d = deflate_new();
	char room[100], *to;
	size_t n;

	to = deflate_room(d, &n);
	memcpy(to, "a1 NOOP\r\n", 9);
	deflate_came(d, 9);
	cr_assert_eq(deflate_unpack(d, room, sizeof(room)), -1);
	deflate_free(&d);

	d = deflate_new(); /* an empty last block */
	to = deflate_room(d, &n);
	memcpy(to, "\x03\x00more", 6);
	deflate_came(d, 6);
	cr_assert_eq(deflate_unpack(d, room, sizeof(room)), 0);
	cr_assert(deflate_ended(d));
	cr_assert_not(deflate_pending(d));
	deflate_free(&d);

	d = deflate_new(); /* the same, with nothing behind it */
	to = deflate_room(d, &n);
	memcpy(to, "\x03\x00", 2);
	deflate_came(d, 2);
	cr_assert_eq(deflate_unpack(d, room, sizeof(room)), 0);
	cr_assert(deflate_ended(d));
	deflate_free(&d);
}
