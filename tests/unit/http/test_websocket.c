/*
 * Frames of WebSocket: the same messages for every cut, and what is refused.
 */
#include "base/str.h"
#include "http/websocket.h"

#include <criterion/criterion.h>

enum { LIMIT = 100000 };

static const unsigned char mask[4] = { 0x37, 0xfa, 0x21, 0x3d };

/* A client's frame; `octets` in which the length is told, 0: as it should. */
static void
put(struct buf *out, unsigned first, struct pst_str content, unsigned octets)
{
	unsigned n = octets != 0	 ? octets
		     : content.n < 126	 ? 1
		     : content.n < 65536 ? 2
					 : 8;

	(void)buf_putc(out, (char)first);
	(void)buf_putc(out, (char)(0x80 | (n == 1      ? content.n
					      : n == 2 ? 126
						       : 127)));
	for (unsigned i = n; n > 1 && i > 0; i--)
		(void)buf_putc(
		    out, (char)((uint64_t)content.n >> (8 * (i - 1)) & 255));
	(void)buf_add(out, mask, sizeof(mask));
	for (size_t i = 0; i < content.n; i++)
		(void)buf_putc(
		    out, (char)((unsigned char)content.p[i] ^ mask[i & 3]));
}

/* What is read of it in pieces of `piece` octets, as a text. */
static void
read_all(struct pst_str in, size_t piece, struct buf *told)
{
	struct websocket w = { 0 };
	enum websocket_got got = WEBSOCKET_MORE;
	struct buf message;

	buf_init(&message, LIMIT);
	while (in.n > 0 && got != WEBSOCKET_WRONG) {
		struct pst_str some = str_first(in, piece);
		enum websocket_opcode opcode;
		size_t used;

		got = websocket_read(&w, some, &message, &used, &opcode);
		cr_assert(used <= some.n);
		cr_assert(used > 0 || got == WEBSOCKET_WRONG);
		cr_assert(got != WEBSOCKET_MORE || used == some.n);
		if (got == WEBSOCKET_WHOLE) {
			(void)buf_printf(told, "[%d %.*s]", (int)opcode,
			    STR_ARG(buf_str(&message)));
			buf_clear(&message);
		} else if (got == WEBSOCKET_ASKED) {
			(void)buf_printf(told, "(%d %u %u)", (int)opcode,
			    w.control_n,
			    opcode == WEBSOCKET_CLOSE ? w.code : 0);
		} else if (got == WEBSOCKET_WRONG) {
			(void)buf_printf(told, "!%u", w.code);
		}
		in = str_from(in, used);
	}
	buf_fini(&message);
}

static void
expect(const struct buf *wire, const char *want)
{
	size_t most = wire->n < 600 ? wire->n : 8;

	for (size_t piece = 1; piece <= most + 1; piece++) {
		struct buf told;

		buf_init(&told, (size_t)1 << 20);
		read_all(buf_str(wire), piece > most ? wire->n : piece, &told);
		cr_assert(str_is(buf_str(&told), want), "%zu: %.*s, not %s",
		    piece, STR_ARG(buf_str(&told)), want);
		buf_fini(&told);
	}
}

Test(websocket, messages_and_what_is_between)
{
	struct buf wire;

	buf_init(&wire, (size_t)1 << 20);
	put(&wire, 0x81, STR("one"), 0);
	put(&wire, 0x01, STR("t\xe2"), 0);
	put(&wire, 0x89, STR("ping"), 0);
	put(&wire, 0x00, STR("\x82"), 0);
	put(&wire, 0x00, STR(""), 0);
	put(&wire, 0x8a, STR(""), 0);
	put(&wire, 0x80, STR("\xac.o"), 0);
	put(&wire, 0x82, STR("\xff"), 0);
	put(&wire, 0x81, STR(""), 0);
	put(&wire, 0x88, STR("\x03\xe8"), 0);
	expect(&wire, "[1 one](9 4 0)(10 0 0)[1 t\xe2\x82\xac.o][2 \xff][1 ]"
		      "(8 2 1000)");
	buf_fini(&wire);
}

Test(websocket, lengths)
{
	static const size_t sizes[] = { 125, 126, 127, 65535, 65536, 65537 };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct buf content, wire, want;

		buf_init(&content, LIMIT);
		buf_init(&wire, LIMIT + 100);
		buf_init(&want, LIMIT + 100);
		for (size_t k = 0; k < sizes[i]; k++)
			(void)buf_putc(&content, (char)('a' + k % 26));
		put(&wire, 0x81, buf_str(&content), 0);
		(void)buf_puts(&want, "[1 ");
		(void)buf_add_str(&want, buf_str(&content));
		(void)buf_add(&want, "]", 2);
		expect(&wire, want.p);
		buf_fini(&content);
		buf_fini(&wire);
		buf_fini(&want);
	}
}

static const struct {
	const char *label;
	unsigned first;
	const char *content;
	unsigned octets;
	const char *want;
} wrong[] = {
	{ "reserved bits", 0xc1, "a", 0, "!1002" },
	{ "opcode 3", 0x83, "a", 0, "!1002" },
	{ "opcode 11", 0x8b, "a", 0, "!1002" },
	{ "goes on with nothing", 0x80, "a", 0, "!1002" },
	{ "a ping in parts", 0x09, "a", 0, "!1002" },
	{ "a length in 2 octets", 0x81, "a", 2, "!1002" },
	{ "a length in 8 octets", 0x81, "a", 8, "!1002" },
	{ "no UTF-8", 0x81, "a\xff", 0, "!1007" },
	{ "overlong", 0x81, "\xc0\x80", 0, "!1007" },
	{ "overlong", 0x81, "\xe0\x9f\xbf", 0, "!1007" },
	{ "a surrogate", 0x81, "\xed\xa0\x80", 0, "!1007" },
	{ "above the last", 0x81, "\xf4\x90\x80\x80", 0, "!1007" },
	{ "half a character", 0x81, "a\xe2\x82", 0, "!1007" },
	{ "half a code", 0x88, "\x03", 0, "!1002" },
	{ "a code of nobody", 0x88, "\x03\xed", 0, "!1002" },
	{ "a reason that is no UTF-8", 0x88, "\x03\xe8\xff", 0, "!1007" },
};

Test(websocket, refuses)
{
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct buf wire;

		buf_init(&wire, 1000);
		put(&wire, wrong[i].first, str_of(wrong[i].content),
		    wrong[i].octets);
		expect(&wire, wrong[i].want);
		buf_fini(&wire);
	}
}

Test(websocket, refuses_what_is_not_masked)
{
	struct buf wire;

	buf_init(&wire, 100);
	(void)buf_puts(&wire, "\x81\x01"
			      "a");
	expect(&wire, "!1002");
	buf_fini(&wire);
}

Test(websocket, refuses_what_is_too_large)
{
	struct buf wire, half;

	buf_init(&wire, 2 * LIMIT);
	buf_init(&half, LIMIT);
	for (size_t i = 0; i < LIMIT / 2 + 1; i++)
		(void)buf_putc(&half, 'a');
	put(&wire, 0x01, buf_str(&half), 0);
	put(&wire, 0x80, buf_str(&half), 0);
	expect(&wire, "!1009");
	/* Its header says so: nothing is kept for it. */
	buf_clear(&wire);
	(void)buf_add(&wire, "\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff", 10);
	(void)buf_add(&wire, mask, sizeof(mask));
	expect(&wire, "!1009");
	wire.p[2] = (char)0xff; /* no length has 64 bits */
	expect(&wire, "!1002");
	buf_fini(&half);
	buf_fini(&wire);
}

Test(websocket, writes_lengths_as_they_have_to_be)
{
	struct buf out;

	buf_init(&out, 100);
	(void)websocket_put_head(&out, WEBSOCKET_TEXT, 125);
	(void)websocket_put_head(&out, WEBSOCKET_TEXT, 126);
	(void)websocket_put_head(&out, WEBSOCKET_TEXT, 65536);
	(void)websocket_put_close(&out, 1001);
	(void)websocket_put_close(&out, WEBSOCKET_NO_CODE);
	cr_assert_eq(out.n, 2 + 4 + 10 + 4 + 2);
	cr_assert_arr_eq(out.p,
	    "\x81\x7d\x81\x7e\x00\x7e\x81\x7f\0\0\0\0\0\1\0\0\x88\x02\x03\xe9"
	    "\x88\x00",
	    out.n);
	buf_fini(&out);
}
