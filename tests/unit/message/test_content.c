/*
 * Bodies: transfer encodings, charsets, HTML, case folding.
 */
#include <criterion/criterion.h>

#include "base/str.h"
#include "message/content.h"

static const struct {
	const char *charset, *in, *want;
	bool known;
} texts[] = {
	{ "utf-8", "a\xc3\xa9", "a\xc3\xa9", true },
	{ "UTF8",
	    "\xff"
	    "a",
	    "\xef\xbf\xbd"
	    "a",
	    true },
	{ "utf-8", "\xc3", "\xef\xbf\xbd", true },
	{ "utf-8", "\xe2\x82x", "\xef\xbf\xbdx", true },
	{ "utf-8", "\xc0\x80", "\xef\xbf\xbd\xef\xbf\xbd", true },
	{ "utf-8", "\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd",
	    true },
	{ "utf-8", "\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80", true },
	{ "utf-8", "\xf5\x80", "\xef\xbf\xbd\xef\xbf\xbd", true },
	{ "us-ascii", "abc", "abc", true },
	{ "US-ASCII", "\xe9\xc3\xa9", "\xc3\xa9\xc3\xa9", true },
	{ "", "\xe9", "\xc3\xa9", true },
	{ "iso-8859-1", "\xe9\x80", "\xc3\xa9\xe2\x82\xac", true },
	{ "windows-1252", "\x93", "\xe2\x80\x9c", true },
	{ "ISO-8859-15", "\xa4", "\xe2\x82\xac", true },
	{ "iso-8859-2", "\xb1", "\xc4\x85", true },
	{ "koi8-r", "\xc1", "\xd0\xb0", true },
	{ "windows-1251", "\xe0", "\xd0\xb0", true },
	{ "iso-8859-8-i", "\xe0", "\xd7\x90", true },
	{ "shift_jis", "\x93\xfa", "\xe6\x97\xa5", true },
	{ "euc-jp", "\xc6\xfc", "\xe6\x97\xa5", true },
	{ "iso-2022-jp", "\x1b$BF|\x1b(Bx", "\xe6\x97\xa5x", true },
	{ "gb2312", "\xd6\xd0", "\xe4\xb8\xad", true },
	{ "gb18030", "\xd6\xd0", "\xe4\xb8\xad", true },
	{ "big5", "\xa4\xa4", "\xe4\xb8\xad", true },
	{ "euc-kr", "\xc7\xd1", "\xed\x95\x9c", true },
	{ "KS_C_5601-1987", "\xc7\xd1", "\xed\x95\x9c", true },
	{ "utf-7", "+AOk-a",
	    "\xc3\xa9"
	    "a",
	    true },
	{ "unicode-1-1-utf-7", "+AOk-", "\xc3\xa9", true },
	{ "HZ-GB-2312", "a~{VP~}~~b~\n", "a\xe4\xb8\xad~b", true },
	{ "hz", "~{VP\n~}a", "\xe4\xb8\xad\na", true },
	{ "hz", "~{V", "V", true },
	{ "shift_jis", "\x93", "\xef\xbf\xbd", true },
	{ "euc-jp",
	    "\xff"
	    "a",
	    "\xef\xbf\xbd"
	    "a",
	    true },
	{ "\"utf-8\"", "\xc3\xa9", "\xc3\xa9", true },
	{ " utf-8*de ", "\xc3\xa9", "\xc3\xa9", true },
	{ "no-such", "a\xc3\xa9", "a\xef\xbf\xbd\xef\xbf\xbd", false },
	{ "utf-8//TRANSLIT", "a", "a", false },
	{ "UTF-16//", "a", "a", false },
	{ "/etc/passwd", "a", "a", false },
};

Test(charset, to_utf8)
{
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct pst_str charset = str_of(texts[i].charset);
		struct buf out;

		buf_init(&out, 1000);
		cr_expect_eq(msg_to_utf8(charset, str_of(texts[i].in), &out),
		    texts[i].known, "%s", texts[i].charset);
		cr_expect_eq(msg_charset_known(charset), texts[i].known);
		cr_expect(str_is(buf_str(&out), texts[i].want), "%zu %s: %.*s",
		    i, texts[i].charset, STR_ARG(buf_str(&out)));
		buf_fini(&out);
	}
}

Test(charset, utf_16)
{
	struct buf out;

	buf_init(&out, 100);
	cr_expect(msg_to_utf8(STR("utf-16be"), STR("\0a\xd8\x3d\xde\0"), &out));
	cr_expect(str_is(buf_str(&out), "a\xf0\x9f\x98\x80"));
	buf_clear(&out);
	cr_expect(msg_to_utf8(STR("utf-16"),
	    STR("\xff\xfe"
		"a\0"),
	    &out));
	cr_expect(str_is(buf_str(&out), "a"));
	buf_clear(&out);
	cr_expect(msg_to_utf8(STR("utf-16le"),
	    STR("\0\xdc"
		"a\0b"),
	    &out));
	cr_expect(str_is(buf_str(&out), "\xef\xbf\xbd"
					"a\xef\xbf\xbd"));
	buf_fini(&out);
}

Test(charset, a_full_buffer_is_told)
{
	struct buf out;

	buf_init(&out, 3);
	cr_expect(msg_to_utf8(STR("koi8-r"), STR("\xc1\xc1\xc1"), &out));
	cr_expect(out.overflow);
	buf_fini(&out);
}

static const struct {
	const char *label, *header, *body, *want;
	bool to_utf8, strip;
} bodies[] = {
	{ "plain", "", "a\xc3\xa9\r\n", "a\xc3\xa9\r\n", true, true },
	{ "base64", "Content-Transfer-Encoding: BASE64\n",
	    "aGVs\r\nbG8g\r\nd29ybGQ=\r\n", "hello world", true, true },
	{ "quoted-printable", "Content-Transfer-Encoding: quoted-printable\n",
	    "a=\r\nb=3D =C3=A9  \r\nc=\n", "ab= \xc3\xa9\r\nc", true, true },
	{ "unknown encoding", "Content-Transfer-Encoding: x-foo\n", "=3D",
	    "=3D", true, true },
	{ "charset behind base64",
	    "Content-Transfer-Encoding: base64\n"
	    "Content-Type: text/plain; charset=iso-8859-1\n",
	    "6eng\n", "\xc3\xa9\xc3\xa9\xc3\xa0", true, true },
	{ "no conversion when not wanted",
	    "Content-Type: text/plain; charset=iso-8859-1\n", "\xe9", "\xe9",
	    false, false },
	{ "no conversion of other types",
	    "Content-Type: a/b; charset=iso-8859-1\n", "\xe9", "\xe9", true,
	    true },
	{ "two octets a character",
	    "Content-Type: text/plain; charset=shift_jis\n", "\x93\xfa\x96\x7b",
	    "\xe6\x97\xa5\xe6\x9c\xac", true, true },
	{ "escapes", "Content-Type: text/plain; charset=iso-2022-jp\n",
	    "\x1b$BF|K\\\x1b(Bx", "\xe6\x97\xa5\xe6\x9c\xacx", true, true },
	{ "UTF-7 that breaks off", "Content-Type: text/plain; charset=utf-7\n",
	    "+ainendg a+-b +2D3eAA-!+2D0-",
	    "\xe6\xa8\xa9\xef\xbf\xbd a+b "
	    "\xf0\x9f\x98\x80!\xef\xbf\xbd",
	    true, true },
	{ "HZ", "Content-Type: text/plain; charset=hz-gb-2312\n", "a~{VPND~}~~",
	    "a\xe4\xb8\xad\xe6\x96\x87~", true, true },
	{ "broken UTF-8", "Content-Type: text/plain; charset=utf-8\n",
	    "\xe2\x82 \xe2\x82\xac \xf0\x9f",
	    "\xef\xbf\xbd \xe2\x82\xac \xef"
	    "\xbf\xbd",
	    true, true },
	{ "HTML", "Content-Type: text/html; charset=iso-8859-1\n",
	    "<!DOCTYPE html><HTML><head><style>p { a: b }</style>\n"
	    "<title>T</title></head><body><p>H<b>el</b>lo,&nbsp;w&ouml;rld"
	    "</p>\n<script type=\"x\">if (a<b && c>d) '</p>';</SCRIPT>"
	    "<!-- no <p> --><p>caf\xe9<br>x &lt; y &amp;&amp; &#233;&#xE9;"
	    "&#x80; &unknown; a&b<a href=\"x>y\">z</a></body></HTML>",
	    "T Hello, w\xc3\xb6rld caf\xc3\xa9 x < y && \xc3\xa9\xc3\xa9\xe2"
	    "\x82\xac &unknown; a&bz",
	    true, true },
	{ "HTML that ends anywhere", "Content-Type: text/html\n", "a < b &am",
	    "a < b &am", true, true },
	{ "HTML that ends in a tag", "Content-Type: text/html\n", "a<b c='d",
	    "a", true, true },
	{ "empty comments", "Content-Type: text/html\n",
	    "a<!-->b<!--->c<!---->d<!-x>e<?f>g", "abcdeg", true, true },
	{ "apostrophes in tags", "Content-Type: text/html\n",
	    "<p it's>a</p><p x=it's>b</p>", "a b", true, true },
	{ "HTML kept", "Content-Type: text/html\n", "<p>a</p>", "<p>a</p>",
	    true, false },
	{ "HTML in base64",
	    "Content-Type: text/html\nContent-Transfer-Encoding: base64\n",
	    "PHA+YTwvcD4=", "a", true, true },
};

static void
decode(const struct msg_part *part, struct pst_str body, size_t piece,
    bool to_utf8, bool strip, struct buf *out)
{
	struct msg_decoder *d = msg_decoder_new(part, to_utf8, strip);

	while (body.n > piece) {
		cr_expect(
		    msg_decoder_feed(d, str_first(body, piece), false, out));
		body = str_from(body, piece);
	}
	cr_expect(msg_decoder_feed(d, body, true, out));
	msg_decoder_free(&d);
	cr_expect_null(d);
}

Test(decoder, same_text_for_every_piece)
{
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		struct pst_str body = str_of(bodies[i].body);
		struct msg *m = msg_read(
		    str_of(bodies[i].header), &msg_limits_default);

		for (size_t piece = 1; piece <= body.n; piece++) {
			struct buf out;

			buf_init(&out, 10000);
			decode(m->root, body, piece, bodies[i].to_utf8,
			    bodies[i].strip, &out);
			cr_expect(str_is(buf_str(&out), bodies[i].want),
			    "%s, pieces of %zu: %.*s", bodies[i].label, piece,
			    STR_ARG(buf_str(&out)));
			buf_fini(&out);
		}
		msg_free(&m);
	}
}

Test(decoder, a_full_buffer_is_told)
{
	struct msg *m = msg_read(STR("\n"), &msg_limits_default);
	struct msg_decoder *d = msg_decoder_new(m->root, true, true);
	struct buf out;

	buf_init(&out, 3);
	cr_expect_not(msg_decoder_feed(d, STR("abcdef"), true, &out));
	buf_fini(&out);
	msg_decoder_free(&d);
	msg_free(&m);
}

Test(decoder, an_empty_body_is_nothing)
{
	struct msg *m = msg_read(
	    STR("Content-Type: text/plain; charset=koi8-r\n"),
	    &msg_limits_default);
	struct msg_decoder *d = msg_decoder_new(m->root, true, true);
	struct buf out;

	buf_init(&out, 3);
	cr_expect(msg_decoder_feed(d, STR_NONE, false, &out));
	cr_expect(msg_decoder_feed(d, STR_NONE, true, &out));
	cr_expect_eq(out.n, 0);
	buf_fini(&out);
	msg_decoder_free(&d);
	msg_free(&m);
}

static const struct {
	const char *in, *want;
} folded[] = {
	{ "", "" },
	{ "Hello World 123", "hello world 123" },
	{ "STRASSE", "strasse" },
	{ "Stra\xc3\x9f"
	  "e",
	    "strasse" },
	{ "\xc3\x89", "e\xcc\x81" },
	{ "E\xcc\x81", "e\xcc\x81" },
	{ "\xc3\xa9", "e\xcc\x81" },
	{ "\xd0\x90\xd0\x91", "\xd0\xb0\xd0\xb1" },
	{ "\xce\xa3\xcf\x83\xcf\x82", "\xcf\x83\xcf\x83\xcf\x83" },
	{ "\xef\xac\x81", "fi" },
	{ "\xef\xbc\xa1", "a" },
	{ "\xf0\x9d\x90\x80", "a" },
	{ "\xe2\x84\xaa", "k" },
	{ "\xe6\x97\xa5X\xe6\x9c\xac", "\xe6\x97\xa5x\xe6\x9c\xac" },
	{ "A\xff"
	  "B",
	    "a\xef\xbf\xbd"
	    "b" },
	{ "\xc4\xb0", "i\xcc\x87" },
};

Test(casefold, table)
{
	for (size_t i = 0; i < sizeof(folded) / sizeof(folded[0]); i++) {
		struct buf out;

		buf_init(&out, 1000);
		cr_expect(msg_casefold(str_of(folded[i].in), &out));
		cr_expect(str_is(buf_str(&out), folded[i].want), "%s: %.*s",
		    folded[i].in, STR_ARG(buf_str(&out)));
		buf_fini(&out);
	}
}

Test(casefold, takes_nul_and_other_controls)
{
	struct buf out;

	buf_init(&out, 100);
	cr_expect(msg_casefold(STR("A\0\xc3\x89"), &out));
	cr_expect(str_eq(buf_str(&out), STR("a\0e\xcc\x81")));
	buf_fini(&out);
}

static size_t
encode(uint32_t c, char *out)
{
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xe0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 0x3f));
		out[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 0x3f));
	out[2] = (char)(0x80 | (c >> 6 & 0x3f));
	out[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

/* What has been folded must stay as it is, or a search misses it. */
Test(casefold, twice_is_once, .timeout = 60)
{
	struct buf once, twice;
	unsigned wrong = 0;

	buf_init(&once, 1000);
	buf_init(&twice, 1000);
	for (uint32_t c = 0x80; c < 0x110000; c++) {
		char in[4];

		if ((c >= 0xd800 && c < 0xe000) ||
		    (c >= 0x30000 && c < 0xe0000))
			continue;
		buf_clear(&once);
		buf_clear(&twice);
		(void)msg_casefold(str_n(in, encode(c, in)), &once);
		(void)msg_casefold(buf_str(&once), &twice);
		if (!str_eq(buf_str(&once), buf_str(&twice)) && ++wrong < 10)
			cr_expect_fail("U+%04X", (unsigned)c);
	}
	cr_expect_eq(wrong, 0);
	buf_fini(&once);
	buf_fini(&twice);
}

static const struct {
	const char *text, *want;
} casemaps[] = {
	{ "", "" }, { "Re: Hello_z", "RE: HELLO_Z" },
	{ "\xc3\xa4", "A\xcc\x88" },  /* decomposed */
	{ "\xc7\x84", "Dz\xcc\x8c" }, /* RFC 5051's own example */
	{ "\xc3\x9f", "\xc3\x9f" },   /* has no single title case */
	{ "\xc4\xb1", "I" },
	{ "\xef\xac\x81", "fi" }, /* decomposed, not mapped again */
	{ "\xea\xb0\x81", "\xe1\x84\x80\xe1\x85\xa1\xe1\x86\xa8" },
	{ "\xff"
	  "abc",
	    "\xff"
	    "abc" }, /* not valid: as it is */
};

/* RFC 5051, 2. */
Test(casemap, table)
{
	for (size_t i = 0; i < sizeof(casemaps) / sizeof(casemaps[0]); i++) {
		struct buf out;

		buf_init(&out, 1000);
		cr_expect(msg_casemap(str_of(casemaps[i].text), &out));
		cr_expect(str_is(buf_str(&out), casemaps[i].want), "%s: %.*s",
		    casemaps[i].text, STR_ARG(buf_str(&out)));
		buf_fini(&out);
	}
}
