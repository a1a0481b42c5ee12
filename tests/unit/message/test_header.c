/*
 * Values of header fields: dates, encoded words, identifiers, base subjects,
 * the envelope.
 */
#include <criterion/criterion.h>
#include <inttypes.h>

#include "base/str.h"
#include "message/header.h"

static const struct {
	const char *value;
	int64_t seconds;
	int zone;
} dates[] = {
	{ "Mon, 23 Nov 2026 12:00:00 +0000", 1795435200, 0 },
	{ "Thu, 1 Jan 1970 00:00:00 +0000", 0, 0 },
	{ "Wed, 31 Dec 1969 23:59:59 +0000", -1, 0 },
	{ "Fri, 21 Nov 1997 09:55:06 -0600", 880127706, -360 },
	{ "Tue, 1 Jul 2003 10:52:37 +0200", 1057049557, 120 },
	{ "Thu, 13 Feb 1969 23:32:54 -0330", -27723426, -210 },
	/* RFC 5322, A.5 and A.6.2 */
	{ "Thu,\r\n      13\r\n        Feb\r\n          1969\r\n      "
	  "23:32\r\n               -0330 (Newfoundland Time)",
	    -27723480, -210 },
	{ "21 Nov 97 09:55:06 GMT", 880106106, 0 },
	{ "Fri, 21 Nov 1997 09(comment):   55  :  06 -0600", 880127706, -360 },
	/* Obsolete and wrong zones */
	{ "Fri, 21 Nov 1997 09:55:06 EST", 880124106, -300 },
	{ "Fri, 21 Nov 1997 09:55:06 PDT", 880131306, -420 },
	{ "Fri, 21 Nov 1997 09:55:06 UT", 880106106, 0 },
	{ "Fri, 21 Nov 1997 09:55:06 Z", 880106106, 0 },
	{ "Fri, 21 Nov 1997 09:55:06 A", 880106106, 0 },
	{ "Fri, 21 Nov 1997 09:55:06 XYZ", 880106106, 0 },
	{ "Fri, 21 Nov 1997 09:55:06", 880106106, 0 },
	{ "Fri, 21 Nov 1997 09:55:06 GMT+1", 880102506, 60 },
	{ "Fri, 21 Nov 1997 09:55:06 GMT+0100", 880102506, 60 },
	{ "Fri, 21 Nov 1997 09:55:06 UTC-05:30", 880125906, -330 },
	{ "Fri, 21 Nov 1997 09:55:06 +01:00", 880102506, 60 },
	{ "Fri, 21 Nov 1997 09:55:06 +100", 880102506, 60 },
	{ "Fri, 21 Nov 1997 09:55:06 \"GMT\"", 880106106, 0 },
	{ "Fri, 21 Nov 1997 09:55:06 +9999", 880106106, 0 },
	/* Years */
	{ "1 Jan 49 00:00:00 +0000", 2493072000, 0 },
	{ "1 Jan 50 00:00:00 +0000", -631152000, 0 },
	{ "1 Jan 100 00:00:00 +0000", 946684800, 0 },
	{ "29 Feb 2000 00:00:00 +0000", 951782400, 0 },
	/* Other orders */
	{ "Fri Nov 21 09:55:06 1997", 880106106, 0 },
	{ "Fri Nov 21 09:55:06 EST 1997", 880124106, -300 },
	{ "Fri Nov 21 09:55:06 1997 -0500", 880124106, -300 },
	{ "Nov 21, 1997 09:55:06 -0500", 880124106, -300 },
	{ "1997-11-21T09:55:06Z", 880106106, 0 },
	{ "1997-11-21 09:55:06.123 +01:00", 880102506, 60 },
	{ "Fri, 21-Nov-97 09:55:06 GMT", 880106106, 0 },
	{ "Friday, 21 November 1997 09:55:06 GMT", 880106106, 0 },
	{ "Fri 21 Nov 1997 09:55 GMT", 880106100, 0 },
	{ "Fri, 21 Nov 1997 9.55.06 GMT", 880106106, 0 },
	{ "21 nov 1997", 880070400, 0 },
	{ "(a (nested) comment) 21 Nov 1997 09:55:06 GMT", 880106106, 0 },
	{ "Sat, 31 Dec 2016 23:59:60 +0000", 1483228800, 0 },
};

Test(date, is_read)
{
	for (size_t i = 0; i < sizeof(dates) / sizeof(dates[0]); i++) {
		int64_t seconds = 0;
		int zone = 0;

		cr_expect(
		    msg_parse_date(str_of(dates[i].value), &seconds, &zone),
		    "%s", dates[i].value);
		cr_expect(seconds == dates[i].seconds && zone == dates[i].zone,
		    "%s: %" PRId64 " %d", dates[i].value, seconds, zone);
	}
}

Test(date, nonsense_is_none)
{
	static const char *const wrong[] = { "", " ", "Mon", "Mon,", "23",
		"23 Nov", "23 Foo 2026 12:00:00 +0000",
		"31 Feb 2026 12:00:00 +0000", "29 Feb 1900 12:00:00 +0000",
		"0 Jan 2026 12:00:00 +0000", "1 Jan 2026 24:00:00 +0000",
		"1 Jan 2026 12:60:00 +0000", "1 Jan 2026 12:00:61 +0000",
		"1 Jan 20266 12:00:00 +0000", "1 Jan 2 12:00:00 +0000",
		"2026-13-01T00:00:00Z", "(", "Mon (", "\"", "-" };

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		int64_t seconds;
		int zone;

		cr_expect_not(msg_parse_date(str_of(wrong[i]), &seconds, &zone),
		    "%s", wrong[i]);
	}
}

Test(date, is_written)
{
	char out[40];

	msg_format_date(1795435200, 0, out);
	cr_expect_str_eq(out, "Mon, 23 Nov 2026 12:00:00 +0000");
	msg_format_date(880127706, -360, out);
	cr_expect_str_eq(out, "Fri, 21 Nov 1997 09:55:06 -0600");
	msg_format_date(-27723426, -210, out);
	cr_expect_str_eq(out, "Thu, 13 Feb 1969 23:32:54 -0330");
	msg_format_date(951782400, 0, out);
	cr_expect_str_eq(out, "Tue, 29 Feb 2000 00:00:00 +0000");
	msg_format_date(INT64_MAX, 5999, out);
	cr_expect_eq(strlen(out), 31);
	msg_format_date(INT64_MIN, -5999, out);
	cr_expect_eq(strlen(out), 31);
	msg_format_date(0, INT32_MIN, out);
	cr_expect_str_eq(out, "Thu, 01 Jan 1970 00:00:00 +0000");
}

/* Every day of some centuries, and back. */
Test(date, survives_a_round_trip)
{
	for (int64_t day = -200000; day < 200000; day++) {
		int zone = (int)(day % 25) * 30;
		int64_t want = day * 86400 + day % 86400, got = 0;
		char out[40];
		int zone_got = 0;

		msg_format_date(want, zone, out);
		if (!msg_parse_date(str_of(out), &got, &zone_got) ||
		    got != want || zone_got != zone)
			cr_expect_fail("%s", out);
	}
}

static const struct {
	const char *value, *want;
} words[] = {
	{ "", "" },
	{ "plain text", "plain text" },
	{ "=?iso-8859-1?q?this=20is=20some=20text?=", "this is some text" },
	/* RFC 2047, 8 */
	{ "=?US-ASCII?Q?Keith_Moore?= <moore@cs.utk.edu>",
	    "Keith Moore <moore@cs.utk.edu>" },
	{ "=?ISO-8859-1?Q?Keld_J=F8rn_Simonsen?= <keld@dkuug.dk>",
	    "Keld J\xc3\xb8rn Simonsen <keld@dkuug.dk>" },
	{ "=?ISO-8859-1?Q?Andr=E9?= Pirard", "Andr\xc3\xa9 Pirard" },
	{ "=?ISO-8859-1?B?SWYgeW91IGNhbiByZWFkIHRoaXMgeW8=?=\r\n "
	  "=?ISO-8859-2?B?dSB1bmRlcnN0YW5kIHRoZSBleGFtcGxlLg==?=",
	    "If you can read this you understand the example." },
	{ "=?iso-8859-8?b?7eXs+SDv4SDp7Oj08A==?=",
	    "\xd7\x9d\xd7\x95\xd7\x9c\xd7\xa9 \xd7\x9f\xd7\x91 "
	    "\xd7\x99\xd7\x9c\xd7\x98\xd7\xa4\xd7\xa0" },
	{ "(=?ISO-8859-1?Q?a?=)", "(a)" },
	{ "(=?ISO-8859-1?Q?a?= b)", "(a b)" },
	{ "(=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=)", "(ab)" },
	{ "(=?ISO-8859-1?Q?a?=  =?ISO-8859-1?Q?b?=)", "(ab)" },
	{ "(=?ISO-8859-1?Q?a?=\r\n    =?ISO-8859-1?Q?b?=)", "(ab)" },
	{ "(=?ISO-8859-1?Q?a_b?=)", "(a b)" },
	{ "(=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=)", "(a b)" },
	/* RFC 2231, 5 */
	{ "=?US-ASCII*EN?Q?Keith_Moore?=", "Keith Moore" },
	/* Characters split over words, over encodings too */
	{ "=?utf-8?q?=E2=82?= =?UTF-8?Q?=AC?=", "\xe2\x82\xac" },
	{ "=?utf-8?b?4oI=?= =?utf-8?q?=AC?=", "\xe2\x82\xac" },
	{ "=?utf-8?q?=E2=82?= x", "\xef\xbf\xbd x" },
	{ "=?iso-2022-jp?B?GyRCRnxLXBsoQg==?=", "\xe6\x97\xa5\xe6\x9c\xac" },
	{ "=?ks_c_5601-1987?B?x9GxuQ==?=", "\xed\x95\x9c\xea\xb5\xad" },
	{ "=?hz-gb-2312?Q?=7E{VPND=7E}?=", "\xe4\xb8\xad\xe6\x96\x87" },
	/* Joined to text, raw spaces, padding missing */
	{ "a=?utf-8?q?b?=c", "abc" },
	{ "=?utf-8?q?a?==?utf-8?q?b?=", "ab" },
	{ "=?utf-8?q?a b?=", "a b" },
	{ "=?utf-8?B?YQ?=", "a" },
	{ "=?utf-8?Q?What?\?=", "What?" },
	/* Not encoded words, or broken ones */
	{ "=?", "=?" },
	{ "=?utf-8?q?a", "=?utf-8?q?a" },
	{ "=?utf-8?q?a =?utf-8?q?b?=", "=?utf-8?q?a b" },
	{ "=?utf-8?x?a?=", "=?utf-8?x?a?=" },
	{ "=??q?a?=", "=??q?a?=" },
	{ "=?utf-8?q?=4?=", "=4" },
	{ "=?utf-8?q?=zz?=", "=zz" },
	{ "=?no-such?q?a=E9?=", "a\xef\xbf\xbd" },
	{ "1+1=2", "1+1=2" },
	/* Nothing that a header cannot hold comes out */
	{ "=?utf-8?q?a=0D=0ABcc:_x=00?=", "aBcc: x" },
	/* Raw octets */
	{ "J\xc3\xb6rg", "J\xc3\xb6rg" },
	{ "J\xf6rg", "J\xc3\xb6rg" },
	{ "a\r\n b", "a b" },
	{ "\x80 10", "\xe2\x82\xac 10" },
};

Test(words, are_decoded)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		struct buf out;

		buf_init(&out, 1000);
		cr_expect(msg_decode_words(str_of(words[i].value), &out));
		cr_expect(str_is(buf_str(&out), words[i].want), "%s: %.*s",
		    words[i].value, STR_ARG(buf_str(&out)));
		buf_fini(&out);
	}
}

Test(words, a_full_buffer_is_told)
{
	struct buf out;

	buf_init(&out, 3);
	cr_expect_not(msg_decode_words(STR("=?utf-8?q?abcd?="), &out));
	cr_expect_not(msg_decode_words(STR("abcd"), &out));
	buf_fini(&out);
}

Test(words, hostile_values_are_linear, .timeout = 20)
{
	static const char *const patterns[] = { "=?", "=?a?q?", "=", "=?a?b?",
		"=?a?q??", "=?a?q?b?= ", "=?a?q?\xff?=", "?=" };
	const size_t size = 1 << 20;

	for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
		struct buf b, out;

		buf_init(&b, size + 20);
		buf_init(&out, 4 * size);
		while (b.n < size)
			(void)buf_puts(&b, patterns[i]);
		cr_expect(msg_decode_words(buf_str(&b), &out));
		buf_fini(&b);
		buf_fini(&out);
	}
}

Test(unfold, removes_line_ends)
{
	struct arena *a = arena_new(0);

	cr_expect(str_is(msg_unfold(a, STR(" a b ")), "a b"));
	cr_expect(str_is(msg_unfold(a, STR(" a\r\n\tb\n c")), "a\tb c"));
	cr_expect(str_is(msg_unfold(a, STR("a\rb")), "a b"));
	cr_expect(str_is(msg_unfold(a, STR("\r\n a")), "a"));
	cr_expect_eq(msg_unfold(a, STR(" \r\n ")).n, 0);
	arena_free(&a);
}

static const struct {
	const char *value, *want;
} ids[] = {
	{ "<a@b>", "<a@b>" },
	{ " <a@b> <c@d>\r\n <e@f>", "<a@b><c@d><e@f>" },
	{ "<a@b><c@d>", "<a@b><c@d>" },
	{ "< a\r\n @ b >", "<a@b>" },
	{ "(<x@y>) <a@b> (z)", "<a@b>" },
	{ "Message of \"Mon\" from Joe <a@b>", "<a@b>" },
	{ "<a <b@c>", "<b@c>" },
	{ "<> <a>", "<a>" },
	{ "a@b", "" },
	{ "<a@b", "" },
	{ "( <a@b>", "" },
	{ "", "" },
};

Test(ids, are_taken_one_by_one)
{
	struct arena *a = arena_new(0);

	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		struct pst_str rest = str_of(ids[i].value), id;
		struct buf out;

		buf_init(&out, 1000);
		while (msg_next_id(a, &rest, &id))
			(void)buf_add_str(&out, id);
		cr_expect_eq(rest.n, 0);
		cr_expect(str_is(buf_str(&out), ids[i].want), "%s: %.*s",
		    ids[i].value, STR_ARG(buf_str(&out)));
		buf_fini(&out);
	}
	arena_free(&a);
}

static const struct {
	const char *subject, *want;
	bool is_reply;
} subjects[] = {
	{ "", "", false },
	{ "hello", "hello", false },
	{ "  hello \t world\r\n ", "hello world", false },
	{ "Re: hello", "hello", true },
	{ "RE: re: Re : hello", "hello", true },
	{ "Fw: hello", "hello", true },
	{ "Fwd: hello", "hello", true },
	{ "Fwd : Re: hello", "hello", true },
	{ "Re[2]: hello", "hello", true },
	{ "re [a] : hello", "hello", true },
	{ "[list] Re: hello", "hello", true },
	{ "[list] [more] hello", "hello", false },
	{ "Re: [list] hello", "hello", true },
	{ "Re: [list] Re: [list] hello", "hello", true },
	{ "[list]", "[list]", false },
	{ "[a][b]", "[b]", false },
	{ "[a] [b] Re:", "", true },
	{ "hello (fwd)", "hello", true },
	{ "hello (Fwd) (fwd) ", "hello", true },
	{ "[fwd: hello]", "hello", true },
	{ "[Fwd: Re: hello (fwd)] ", "hello", true },
	{ "[fwd: [fwd: hello]]", "hello", true },
	{ "Re: [fwd: hello]", "hello", true },
	{ "[fwd: a] b", "b", false },
	{ "[fwd:]", "", true },
	{ "Regarding: x", "Regarding: x", false },
	{ "reply", "reply", false },
	{ "Re hello", "Re hello", false },
	{ "[unclosed Re: x", "[unclosed Re: x", false },
	{ "Re: \xc3\xa9t\xc3\xa9", "\xc3\xa9t\xc3\xa9", true },
};

Test(subject, base)
{
	struct arena *a = arena_new(0);

	for (size_t i = 0; i < sizeof(subjects) / sizeof(subjects[0]); i++) {
		bool is_reply;
		struct pst_str got = msg_base_subject(
		    a, str_of(subjects[i].subject), &is_reply);

		cr_expect(str_is(got, subjects[i].want), "%s: %.*s",
		    subjects[i].subject, STR_ARG(got));
		cr_expect_eq(
		    is_reply, subjects[i].is_reply, "%s", subjects[i].subject);
	}
	arena_free(&a);
}

Test(subject, hostile_ones_are_linear, .timeout = 20)
{
	static const char *const patterns[] = { "[a]", "re:", "[fwd:", "[",
		"(fwd)", "re [", "re[a]:", " " };
	const size_t size = 1 << 20;

	for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
		struct arena *a = arena_new(0);
		struct buf b;
		bool is_reply;

		buf_init(&b, 2 * size + 20);
		while (b.n < size)
			(void)buf_puts(&b, patterns[i]);
		while (b.n < 2 * size)
			(void)buf_putc(&b, ']');
		(void)msg_base_subject(a, buf_str(&b), &is_reply);
		buf_fini(&b);
		arena_free(&a);
	}
}

Test(envelope, is_complete)
{
	struct msg *m = msg_read(
	    STR("Date: Mon, 23 Nov 2026\r\n 12:00:00 +0000\r\n"
		"Subject: =?utf-8?q?a?=\r\n b\r\n"
		"From: Joe <joe@a>\r\nTo: x@y\r\nTo: z@w\r\nCc:\r\n"
		"Reply-To: r@s\r\nMessage-ID: <1@a>\r\nIn-Reply-To:\r\n\r\n"),
	    &msg_limits_default);
	struct arena *a = arena_new(0);
	struct msg_envelope e;

	msg_envelope(a, m->root, &e);
	cr_expect(str_is(e.date, "Mon, 23 Nov 2026 12:00:00 +0000"));
	cr_expect(str_is(e.subject, "=?utf-8?q?a?= b"));
	cr_expect(str_is(e.message_id, "<1@a>"));
	cr_expect(e.in_reply_to.p != NULL && e.in_reply_to.n == 0);
	cr_expect(str_is(e.from->name, "Joe"));
	cr_expect_eq(e.sender, e.from);
	cr_expect(str_is(e.reply_to->mailbox, "r"));
	cr_expect(str_is(e.to->mailbox, "x"));
	cr_expect(str_is(e.to->next->mailbox, "z"));
	cr_expect_null(e.cc);
	cr_expect_null(e.bcc);
	arena_free(&a);
	msg_free(&m);
}

Test(envelope, absent_fields_are_absent)
{
	struct msg *m = msg_read(STR("\r\n"), &msg_limits_default);
	struct arena *a = arena_new(0);
	struct msg_envelope e;

	msg_envelope(a, m->root, &e);
	cr_expect_null(e.date.p);
	cr_expect_null(e.subject.p);
	cr_expect_null(e.from);
	cr_expect_null(e.sender);
	arena_free(&a);
	msg_free(&m);
}
