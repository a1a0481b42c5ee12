/*
 * The text that PREVIEW makes of a text (RFC 8970, 3.3).
 */
#include "base/str.h"
#include "message/preview.h"

#include <criterion/criterion.h>

static const struct {
	const char *text;
	bool quotes;
	const char *shown;
} texts[] = {
	{ "", false, "" },
	{ "one", false, "one" },
	{ "  one \r\n\r\n\ttwo  three\r\n", false, "one two three" },
	{ "> old\r\nnew\r\n", false, "new" },
	{ "> old\r\nnew\r\n", true, "> old new" },
	{ "words\r\n-- \r\nAnn\r\n", false, "words" },
	{ "words\n-- \nAnn\n", false, "words" },
	{ "words\r\n--\r\n", false, "words --" },
	{ "a\x01\x7f"
	  "b",
	    false, "a b" },
	{ "a\xe2\x80\x8b\xc2\xa0\xef\xbb\xbf\xc2\xad z", false, "a z" },
	{ "\xf0\x9f\x98\x80 \xe2\x82\xac", false,
	    "\xf0\x9f\x98\x80 \xe2\x82\xac" },
};

Test(imap_preview, texts)
{
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct buf out;

		buf_init(&out, 1000);
		msg_preview_text(str_of(texts[i].text), texts[i].quotes, &out);
		cr_expect(str_is(buf_str(&out), texts[i].shown), "%zu: %.*s", i,
		    (int)out.n, out.p);
		buf_fini(&out);
	}
}

/* Never more than 200 characters, and never half of one. */
Test(imap_preview, length)
{
	static const char *const units[] = { "a", "ab ", "\xc3\xbc",
		"\xe2\x82\xac ", "\xf0\x9f\x98\x80" };

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		struct buf in, out;
		size_t characters = 0;

		buf_init(&in, 10000);
		buf_init(&out, 1000);
		for (int k = 0; k < 300; k++)
			(void)buf_puts(&in, units[i]);
		msg_preview_text(buf_str(&in), false, &out);
		cr_expect(str_is_utf8(buf_str(&out)));
		for (size_t k = 0; k < out.n; k++)
			characters += ((unsigned char)out.p[k] & 0xc0) != 0x80;
		cr_expect_leq(characters, 200);
		cr_expect_geq(characters, 198);
		cr_expect_neq(out.p[out.n - 1], ' ');
		buf_fini(&in);
		buf_fini(&out);
	}
}
