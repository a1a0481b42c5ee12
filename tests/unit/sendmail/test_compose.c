/*
 * Headers that programs write, made complete.
 */
#include "sendmail/compose.h"

#include "base/str.h"

#include <criterion/criterion.h>

#define FROM "From: <me@h.test>\r\n"

static const struct {
	const char *fields;
	bool collect;
	const char *header, *recipients; /* with spaces between them */
} cases[] = {
	{ "To: a@b.test\r\n", false, "To: a@b.test\r\n" FROM, "" },
	{ "To: a@b.test\r\n", true, "To: a@b.test\r\n" FROM, "a@b.test" },
	{ "From: a@b.test\r\n", true, "From: a@b.test\r\n", "" },
	{ "Resent-From: a@b.test\r\n", true, "Resent-From: a@b.test\r\n" FROM,
	    "" },
	{ "Bcc: a@b.test\r\ncc: c@d.test,\r\n e@f.test\r\n", true,
	    "cc: c@d.test,\r\n e@f.test\r\n" FROM,
	    "a@b.test c@d.test e@f.test" },
	{ "Bcc: a@b.test\r\n", false, "Bcc: a@b.test\r\n" FROM, "" },
	{ "To: a@b.test\r\nResent-Bcc: c@d.test\r\nBcc: e@f.test\r\n", true,
	    "To: a@b.test\r\n" FROM, "c@d.test" },
	{ "To: root\r\n", true, "To: root@h.test\r\n" FROM, "root@h.test" },
	{ "To: A B <root>, c@d.test\r\n", true,
	    "To: A B <root@h.test>,\r\n\tc@d.test\r\n" FROM,
	    "root@h.test c@d.test" },
	{ "From: root (Cron Daemon)\r\n", false,
	    "From: Cron Daemon <root@h.test>\r\n", "" },
	{ "To: g: a, b;, \"x,y\" <z>\r\n", true,
	    "To: g: a@h.test,\r\n\tb@h.test;,\r\n\t\"x,y\" <z@h.test>\r\n" FROM,
	    "a@h.test b@h.test z@h.test" },
	{ "To: g:;\r\n", true, "To: g:;\r\n" FROM, "" },
	{ "Subject: To: x\r\n To: y\r\n", true,
	    "Subject: To: x\r\n To: y\r\n" FROM, "" },
	{ "TO : a@b.test\r\n", true, "TO : a@b.test\r\n" FROM, "a@b.test" },
};

Test(compose, fields)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct compose c;
		struct buf all;

		compose_init(&c);
		c.domain = "h.test";
		c.sender = "me@h.test";
		c.name = "";
		c.collect = cases[i].collect;
		compose_header(&c, str_of(cases[i].fields));
		buf_init(&all, 1000);
		for (size_t k = 0; k < c.recipients; k++)
			(void)buf_printf(&all, "%s%.*s", k > 0 ? " " : "",
			    STR_ARG(c.recipient[k]));
		cr_expect(str_is(buf_str(&c.header), cases[i].header),
		    "case %zu: \"%.*s\"", i, STR_ARG(buf_str(&c.header)));
		cr_expect(str_is(buf_str(&all), cases[i].recipients),
		    "case %zu: \"%.*s\"", i, STR_ARG(buf_str(&all)));
		buf_fini(&all);
		compose_fini(&c);
	}
}

Test(compose, addresses)
{
	struct compose c;
	struct buf out;

	compose_init(&c);
	c.domain = "h.test";
	buf_init(&out, 1000);
	cr_expect(compose_address(&c, STR("a"), &out));
	cr_expect(compose_address(&c, STR("<b@c.test>"), &out));
	cr_expect(str_is(buf_str(&out), "a@h.testb@c.test"));
	cr_expect(!compose_address(&c, STR("a, b"), &out));
	/* No second command comes out of an address. */
	buf_clear(&out);
	if (compose_address(&c, STR("x@[1\r\nRSET\r\n"), &out))
		cr_expect(str_find(buf_str(&out), '\n') == out.n &&
			  str_find(buf_str(&out), '\r') == out.n);
	buf_clear(&out);
	(void)buf_puts(&out, "a@h.testb@c.test");
	cr_expect(!compose_address(&c, STR(""), &out));
	cr_expect(compose_recipient(&c, STR("a,b@c.test")));
	cr_expect(!compose_recipient(&c, STR(" ")));
	cr_expect_eq(c.recipients, 2);
	buf_fini(&out);
	compose_fini(&c);
}
