/*
 * ENVELOPE, BODYSTRUCTURE, strings of responses, and the sections of a message.
 */
#include "base/str.h"
#include "imap/body_section.h"
#include "imap/envelope.h"
#include "imap/respond.h"

#include <criterion/criterion.h>

static const char forwarded[] = "From: \"Ann (A) B\" <ann@example.test>\r\n"
				"To: undisclosed-recipients:;\r\n"
				"Cc: team: Bob <bob@example.test>, "
				"carl@example.test;\r\n"
				"Subject: a\r\n \"quoted\" subject\r\n"
				"Date: Mon, 7 Feb 1994 21:52:25 -0800\r\n"
				"Message-ID: <1@example.test>\r\n"
				"MIME-Version: 1.0\r\n"
				"Content-Type: multipart/mixed; "
				"boundary=\"b1\"\r\n"
				"Content-Language: en, de\r\n"
				"\r\n"
				"preamble\r\n"
				"--b1\r\n"
				"\r\n"
				"first\r\nsecond\r\n"
				"--b1\r\n"
				"Content-Type: message/rfc822\r\n"
				"Content-Description: inner\r\n"
				"\r\n"
				"From: bob@example.test\r\n"
				"Subject: inside\r\n"
				"Content-Type: text/html; charset=utf-8\r\n"
				"\r\n"
				"<b>x</b>\r\n"
				"--b1\r\n"
				"Content-Type: application/octet-stream; "
				"name=a.bin\r\n"
				"Content-Transfer-Encoding: base64\r\n"
				"Content-Disposition: attachment; "
				"filename=\"a b.bin\"\r\n"
				"Content-MD5: Q2hlY2sgSW50ZWdyaXR5IQ==\r\n"
				"Content-Location: http://example.test/a\r\n"
				"\r\n"
				"AAAA\r\n"
				"--b1--\r\n";

static void
expect(const char *message, bool envelope, bool extended, bool rev2,
    const char *want)
{
	struct msg *msg = msg_read(str_of(message), &msg_limits_default);
	struct arena *scratch = arena_new(0);
	struct buf out;

	buf_init(&out, 65536);
	if (envelope)
		imap_put_envelope(&out, scratch, msg->root);
	else
		imap_put_structure(&out, scratch, msg->root, extended, rev2);
	cr_expect(str_is(buf_str(&out), want), "got  %.*s\nwant %s", (int)out.n,
	    out.p, want);
	buf_fini(&out);
	arena_free(&scratch);
	msg_free(&msg);
}

static void
expect_output(
    const char *message, bool envelope, bool extended, const char *want)
{
	expect(message, envelope, extended, false, want);
}

Test(imap_envelope, complete)
{
	expect_output(forwarded, true, false,
	    "(\"Mon, 7 Feb 1994 21:52:25 -0800\" \"a \\\"quoted\\\" subject\" "
	    "((\"Ann (A) B\" NIL \"ann\" \"example.test\")) "
	    "((\"Ann (A) B\" NIL \"ann\" \"example.test\")) "
	    "((\"Ann (A) B\" NIL \"ann\" \"example.test\")) "
	    "((NIL NIL \"undisclosed-recipients\" NIL)(NIL NIL NIL NIL)) "
	    "((NIL NIL \"team\" NIL)(\"Bob\" NIL \"bob\" \"example.test\")"
	    "(NIL NIL \"carl\" \"example.test\")(NIL NIL NIL NIL)) "
	    "NIL NIL \"<1@example.test>\")");
}

Test(imap_envelope, absent_fields)
{
	expect_output("\r\nbody\r\n", true, false,
	    "(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)");
	expect_output("Subject:\r\nFrom: \xc3\xa4 <a@b>\r\n\r\n", true, false,
	    "(NIL \"\" (({2}\r\n\xc3\xa4 NIL \"a\" \"b\")) "
	    "(({2}\r\n\xc3\xa4 NIL \"a\" \"b\")) "
	    "(({2}\r\n\xc3\xa4 NIL \"a\" \"b\")) NIL NIL NIL NIL NIL)");
}

Test(imap_structure, plain)
{
	expect_output("Subject: x\r\n\r\none\r\ntwo\r\n", false, false,
	    "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" "
	    "10 2)");
}

/* RFC 9051, 7.5.2 and 9; older clients would stumble over it. */
Test(imap_structure, what_rev2_adds)
{
	static const char text[] =
	    "Content-Type: message/global; a*=utf-8''%C3%A9\r\n\r\n"
	    "Subject: x\r\n\r\ny\r\n";

	expect(text, false, false, true,
	    "(\"message\" \"global\" (\"a*\" {2}\r\n\xc3\xa9) NIL NIL "
	    "\"7bit\" 17 (NIL \"x\" NIL NIL NIL NIL NIL NIL NIL NIL) "
	    "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL "
	    "\"7bit\" 3 1) 3)");
	expect(text, false, false, false,
	    "(\"message\" \"global\" (\"a*\" \"utf-8''%C3%A9\") NIL NIL "
	    "\"7bit\" 17)");
}

Test(imap_structure, nested)
{
	expect_output(forwarded, false, true,
	    "((\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" "
	    "13 2 NIL NIL NIL NIL)"
	    "(\"message\" \"rfc822\" NIL NIL \"inner\" \"7bit\" 91 "
	    "(NIL \"inside\" ((NIL NIL \"bob\" \"example.test\")) "
	    "((NIL NIL \"bob\" \"example.test\")) "
	    "((NIL NIL \"bob\" \"example.test\")) NIL NIL NIL NIL NIL) "
	    "(\"text\" \"html\" (\"charset\" \"utf-8\") NIL NIL \"7bit\" 8 1 "
	    "NIL NIL NIL NIL) 5 NIL NIL NIL NIL)"
	    "(\"application\" \"octet-stream\" (\"name\" \"a.bin\") NIL NIL "
	    "\"base64\" 4 \"Q2hlY2sgSW50ZWdyaXR5IQ==\" "
	    "(\"attachment\" (\"filename\" \"a b.bin\")) NIL "
	    "\"http://example.test/a\") "
	    "\"mixed\" (\"boundary\" \"b1\") NIL (\"en\" \"de\") NIL)");
}

Test(imap_structure, multipart_without_parts)
{
	expect_output("Content-Type: multipart/mixed; boundary=x\r\n\r\nno\r\n",
	    false, false,
	    "((\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" "
	    "0 0) \"mixed\")");
}

static const struct {
	const char *section, *label, *want; /* NULL: NIL */
} sections[] = {
	{ "1]", "BODY[1]", "first\r\nsecond" },
	{ "1.MIME]", "BODY[1.MIME]", "\r\n" },
	{ "2.HEADER.FIELDS (subject)]", "BODY[2.HEADER.FIELDS (subject)]",
	    "Subject: inside\r\n\r\n" },
	{ "2.header]<6.4>", "BODY[2.HEADER]<6>", "bob@" },
	{ "2.TEXT]", "BODY[2.TEXT]", "<b>x</b>" },
	{ "2.1]", "BODY[2.1]", "<b>x</b>" },
	{ "2.1.MIME]<0.6>", "BODY[2.1.MIME]<0>", "From: " },
	{ "3]", "BODY[3]", "AAAA" },
	{ "3]<10.5>", "BODY[3]<10>", "" },
	{ "4]", "BODY[4]", NULL },
	{ "1.1.1]", "BODY[1.1.1]", NULL },
	{ "1.HEADER]", "BODY[1.HEADER]", NULL },
	{ "HEADER.FIELDS (\"x y\" DATE)]", "BODY[HEADER.FIELDS (\"x y\" DATE)]",
	    "Date: Mon, 7 Feb 1994 21:52:25 -0800\r\n\r\n" },
	{ "TEXT]<0.8>", "BODY[TEXT]<0>", "preamble" },
	{ "]<0.5>", "BODY[]<0>", "From:" },
};

Test(imap_section, finds_octets)
{
	struct pst_str text = str_of(forwarded);
	struct msg *msg = msg_read(text, &msg_limits_default);

	for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
		struct arena *arena = arena_new(0);
		struct imap_section sec;
		struct imap_parser ps;
		struct imap_octets at;
		struct pst_str got;
		struct buf made;

		buf_init(&made, 65536);
		imap_parser_init(&ps, str_of(sections[i].section), arena);
		cr_assert(imap_section_parse(&ps, &sec), "%s: %s",
		    sections[i].section, ps.error);
		cr_expect(str_is(sec.label, sections[i].label), "%.*s",
		    STR_ARG(sec.label));
		at = imap_section_find(&sec, msg, text.n, &made);
		cr_expect_eq(at.is_nil, sections[i].want == NULL, "%s",
		    sections[i].section);
		got = at.is_made ? buf_str(&made) : text;
		got = str_first(
		    str_from(got, (size_t)at.offset), (size_t)at.length);
		if (sections[i].want != NULL)
			cr_expect(str_is(got, sections[i].want), "%s: %.*s",
			    sections[i].section, STR_ARG(got));
		buf_fini(&made);
		arena_free(&arena);
	}
	msg_free(&msg);
}

/* Chosen from what is kept, fields are as chosen from the message. */
Test(imap_section, common_fields_are_kept)
{
	static const struct {
		const char *section;
		bool is_common;
	} all[] = {
		{ "HEADER.FIELDS (bcc CC Content-Description Content-Length "
		  "Content-Transfer-Encoding Content-Type date Delivered-To)]",
		    true },
		{ "HEADER.FIELDS (Importance IN-REPLY-TO Lines List-Id "
		  "List-Unsubscribe Mail-Followup-To Message-ID MIME-Version "
		  "Newsgroups)]",
		    true },
		{ "HEADER.FIELDS (Precedence Priority References Reply-To "
		  "Resent-From Return-Path Sender Status Subject To)]",
		    true },
		{ "HEADER.FIELDS (user-agent x-label X-Mailer X-Original-To "
		  "X-Priority X-Spam-Flag X-Status X-TUID)]<3.20>",
		    true },
		{ "HEADER.FIELDS (From X-Universally-Unique-Identifier "
		  "Disposition-Notification-To Followup-To List-Archive "
		  "List-Help List-Owner List-Post List-Subscribe)]<30.1>",
		    true },
		{ "HEADER.FIELDS (From Received)]", false },
		{ "HEADER.FIELDS.NOT (From)]", false },
		{ "1.HEADER.FIELDS (From)]", false },
		{ "HEADER]", false },
	};
	struct pst_str text = str_of(
	    "From: a@b.example\r\nX-Label: one\r\nSubject : two\r\n lines\r\n"
	    "x-label: two\r\nReceived: no\r\nno field\r\nDate: last");
	struct msg *msg = msg_read(text, &msg_limits_default);
	struct buf kept, made, again;

	buf_init(&kept, 65536);
	buf_init(&made, 65536);
	buf_init(&again, 65536);
	imap_section_put_common(msg->root, &kept);
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct arena *arena = arena_new(0);
		struct imap_section sec;
		struct imap_parser ps;
		struct imap_octets a, b;

		imap_parser_init(&ps, str_of(all[i].section), arena);
		cr_assert(imap_section_parse(&ps, &sec));
		cr_expect_eq(imap_section_is_common(&sec), all[i].is_common,
		    "%s", all[i].section);
		if (all[i].is_common) {
			a = imap_section_find(&sec, msg, text.n, &made);
			b = imap_section_choose(&sec, buf_str(&kept), &again);
			cr_expect(a.is_made && b.is_made &&
				      a.offset == b.offset &&
				      a.length == b.length &&
				      str_eq(buf_str(&made), buf_str(&again)),
			    "%s", all[i].section);
		}
		arena_free(&arena);
	}
	buf_fini(&kept);
	buf_fini(&made);
	buf_fini(&again);
	msg_free(&msg);
}

Test(imap_section, refuses_nonsense)
{
	static const char *const bad[] = { "0]", "1.]", "1..2]", "MIME]",
		"FOO]", "1.FOO]", "HEADER.FIELDS]", "HEADER.FIELDS ()]",
		"HEADER.FIELDS (a]", "]<0.0>", "]<1>", "]<1.2", "1", "",
		"TEXT.1]", "1.HEADER.FIELDS.NOT]" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct arena *arena = arena_new(0);
		struct imap_section sec;
		struct imap_parser ps;

		imap_parser_init(&ps, str_of(bad[i]), arena);
		cr_expect_not(imap_section_parse(&ps, &sec), "%s", bad[i]);
		arena_free(&arena);
	}
}

Test(imap_respond, strings)
{
	static const struct {
		const char *in, *want;
	} cases[] = {
		{ "", "\"\"" },
		{ "a b", "\"a b\"" },
		{ "a\"b\\", "\"a\\\"b\\\\\"" },
		{ "a\r\nb", "{4}\r\na\r\nb" },
		{ "\xc3\xa4", "{2}\r\n\xc3\xa4" },
		{ "a\tb", "{3}\r\na\tb" },
	};
	struct buf out;

	buf_init(&out, 4096);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		buf_clear(&out);
		imap_put_string(&out, str_of(cases[i].in));
		cr_expect(
		    str_is(buf_str(&out), cases[i].want), "%s", cases[i].want);
	}
	buf_clear(&out);
	imap_put_string(&out, STR("a\0b"));
	cr_expect(str_is(buf_str(&out), "{3}\r\na\x80"
					"b"));
	buf_clear(&out);
	imap_put_nstring(&out, STR_NONE);
	imap_put_astring(&out, STR("NIL"));
	imap_put_astring(&out, STR("a]"));
	imap_put_astring(&out, STR("a"));
	cr_expect(str_is(buf_str(&out), "NIL\"NIL\"\"a]\"a"));
	buf_fini(&out);
}

Test(imap_respond, dates)
{
	static const struct {
		int64_t seconds;
		const char *want;
	} cases[] = {
		{ 0, "\" 1-Jan-1970 00:00:00 +0000\"" },
		{ 837596665, "\"17-Jul-1996 09:44:25 +0000\"" },
		{ -1, "\"31-Dec-1969 23:59:59 +0000\"" },
		{ 253402300799, "\"31-Dec-9999 23:59:59 +0000\"" },
	};
	struct buf out;

	buf_init(&out, 4096);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		buf_clear(&out);
		imap_put_date(&out, cases[i].seconds);
		cr_expect(str_is(buf_str(&out), cases[i].want), "%.*s",
		    (int)out.n, out.p);
	}
	buf_fini(&out);
}
