/*
 * Headers in ASCII for who does not expect UTF-8 in them.
 */
#include "message/downgrade.h"

#include "base/str.h"
#include "message/header.h"
#include <criterion/criterion.h>

static const struct {
	const char *header, *ascii;
} cases[] = {
	{ "A: b\r\nC:d\r\n e\r\n\r\n", "A: b\r\nC:d\r\n e\r\n\r\n" },
	{ "Subject: \xc3\xa4\r\n\r\n", "Subject: =?UTF-8?B?w6Q=?=\r\n\r\n" },
	{ "Subject:\xc3\xa4 \r\n  x \r\nTo: y\r\n\r\n",
	    "Subject: =?UTF-8?B?w6QgICB4?=\r\nTo: y\r\n\r\n" },
	/* Latin-1, and words that were encoded already */
	{ "Subject: \xe4 =?utf-8?q?=C3=B6?=\r\n\r\n",
	    "Subject: =?UTF-8?B?w6Qgw7Y=?=\r\n\r\n" },
	{ "From: \xc3\xa4 <a@b.c>\r\n\r\n",
	    "From: =?UTF-8?B?w6Q=?=\r\n <a@b.c>\r\n\r\n" },
	{ "From: \xc3\xa4@b.c\r\n\r\n",
	    "From: =?UTF-8?B?w6RAYi5j?=\r\n "
	    "<invalid@internationalized-address.invalid>\r\n\r\n" },
	{ "To: \"q\\\"x\" <a@b>, \xc3\xa4 <c@d>\r\n\r\n",
	    "To: \"q\\\"x\"\r\n <a@b>,\r\n =?UTF-8?B?w6Q=?=\r\n "
	    "<c@d>\r\n\r\n" },
	{ "To: =?utf-8?q?x=2C?= <a@b>, \xc3\xa4 <c@d>\r\n\r\n",
	    "To: =?UTF-8?B?eCw=?=\r\n <a@b>,\r\n =?UTF-8?B?w6Q=?=\r\n "
	    "<c@d>\r\n\r\n" },
	{ "To: \xc3\xa4: a@b, c@d;\r\n\r\n",
	    "To: =?UTF-8?B?w6Q=?=:\r\n a@b,\r\n c@d;\r\n\r\n" },
	{ "To: \xc3\xa4:;, a@b\r\n\r\n",
	    "To: =?UTF-8?B?w6Q=?=:\r\n ;,\r\n a@b\r\n\r\n" },
	{ "Content-Type: text/plain; name=\"\xe4\xbd\xa0\xc3\xa4.txt\"\r\n\r\n",
	    "Content-Type: text/plain; name=\"__.txt\"\r\n\r\n" },
	{ "Message-ID: <\xc3\xa4@b>\r\n\r\n", "Message-ID: <_@b>\r\n\r\n" },
	{ "X-\xc3\xa4: b\r\nA: b\r\n\r\n", "A: b\r\n\r\n" },
	{ "no field \xc3\xa4\r\nA: b\r\n\r\n", "A: b\r\n\r\n" },
	{ "Subject: \xc3\xa4\r\nno end",
	    "Subject: =?UTF-8?B?w6Q=?=\r\nno end\r\n\r\n" },
	{ "\r\n", "\r\n" },
};

static struct msg *
parse(const char *header)
{
	struct msg_reader *r = msg_reader_new(&msg_limits_default, true);

	(void)msg_reader_feed(r, header, strlen(header));
	return msg_reader_finish(&r);
}

Test(downgrade, cases)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct msg *m = parse(cases[i].header);
		struct buf out;

		buf_init(&out, 65536);
		cr_assert(msg_downgrade(m->root, &out));
		cr_expect(str_is(buf_str(&out), cases[i].ascii), "%zu: %.*s", i,
		    STR_ARG(buf_str(&out)));
		buf_fini(&out);
		msg_free(&m);
	}
}

/* RFC 2047, 2: a line with an encoded word has at most 76 octets, and no word
 * ends within a character. */
Test(downgrade, lines_are_short)
{
	char header[2000] = "Subject: ";
	struct buf out, back;
	struct msg *m;
	struct pst_str rest, line;

	for (int i = 0; i < 300; i++)
		(void)strncat(header, i % 3 ? "\xe4\xbd\xa0" : "\xc3\xa4", 4);
	m = parse(strncat(header, "\r\n\r\n", 5));
	buf_init(&out, 65536);
	cr_assert(msg_downgrade(m->root, &out));
	cr_expect(str_is_ascii(buf_str(&out)));
	rest = buf_str(&out);
	while (str_split(&rest, '\n', &line))
		cr_expect_leq(line.n, 77, "%.*s", STR_ARG(line));
	buf_init(&back, 65536);
	cr_assert(msg_decode_words(
	    str_from(buf_str(&out), strlen("Subject: ")), &back));
	cr_expect(str_eq(
	    str_trim(buf_str(&back)), str_trim(m->root->field[0].value)));
	buf_fini(&back);
	buf_fini(&out);
	msg_free(&m);
}

Test(downgrade, too_much_is_told)
{
	struct msg *m = parse("Subject: \xc3\xa4\r\n\r\n");
	struct buf out;

	buf_init(&out, 10);
	cr_expect_not(msg_downgrade(m->root, &out));
	buf_fini(&out);
	msg_free(&m);
}
