/*
 * What parts say of themselves: types, parameters, file names.
 */
#include <criterion/criterion.h>

#include "base/str.h"
#include "message/message.h"

static struct msg *
read_text(const char *text)
{
	return msg_read(str_of(text), &msg_limits_default);
}

static const struct {
	const char *header, *type, *params;
} types[] = {
	{ "", "text/plain", "charset=us-ascii;" },
	{ "Content-Type: text/html; charset=utf-8", "text/html",
	    "charset=utf-8;" },
	{ "Content-Type: text/plain; charset=us-ascii (Plain text)",
	    "text/plain", "charset=us-ascii;" },
	{ "Content-Type: text/plain; charset=\"us-ascii\"", "text/plain",
	    "charset=us-ascii;" },
	{ "Content-Type: (a) TEXT (b) / (c) Plain (d) ; (e) a (f) = (g) b",
	    "TEXT/Plain", "a=b;" },
	{ "Content-Type: a/b; x=\"a;\\\"b\\\\\"; y=z", "a/b",
	    "x=a;\"b\\;y=z;" },
	{ "Content-Type: a/b;\r\n x=1;\r\n y=2;", "a/b", "x=1;y=2;" },
	{ "Content-Type: a/b; x=\"1\r\n 2\"", "a/b", "x=1 2;" },
	{ "Content-Type: a/b; name=my file (1).txt; y=2", "a/b",
	    "name=my file (1).txt;y=2;" },
	{ "Content-Type: a/b; name=my\r\n file", "a/b", "name=my file;" },
	{ "Content-Type: a/b; x=\"never closed", "a/b", "x=never closed;" },
	{ "Content-Type: a/b x=1 y=2", "a/b", "x=1;y=2;" },
	{ "Content-Type: a/b; x=\"1\" y=2", "a/b", "x=1;y=2;" },
	{ "Content-Type: a/b; x=----=_Part", "a/b", "x=----=_Part;" },
	{ "Content-Type: a/b; x=; y=2", "a/b", "x=;y=2;" },
	{ "Content-Type: a/b; x", "a/b", "" },
	{ "Content-Type: a/b; x; y=2", "a/b", "y=2;" },
	{ "Content-Type: a/b; =1; y=2", "a/b", "y=2;" },
	{ "Content-Type: a/b;;;", "a/b", "" },
	{ "Content-Type: text; charset=x", "text/plain", "charset=x;" },
	{ "Content-Type: nonsense; charset=x", "text/plain",
	    "charset=us-ascii;" },
	{ "Content-Type: /b", "text/plain", "charset=us-ascii;" },
	{ "Content-Type:", "text/plain", "charset=us-ascii;" },
	{ "Content-Type: multipart/mixed; x=y", "text/plain",
	    "charset=us-ascii;" },
	{ "Content-Type: a/b\r\nContent-Type: c/d", "a/b", "" },
};

Test(mime, types_and_parameters)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		struct msg *m = read_text(types[i].header);
		const struct msg_param *p = m->root->params;
		struct buf out;

		buf_init(&out, 1000);
		(void)buf_printf(&out, "%.*s/%.*s", STR_ARG(m->root->type),
		    STR_ARG(m->root->subtype));
		cr_expect(str_is(buf_str(&out), types[i].type), "%s: %.*s",
		    types[i].header, STR_ARG(buf_str(&out)));
		buf_clear(&out);
		for (; p != NULL; p = p->next)
			(void)buf_printf(&out, "%.*s=%.*s;", STR_ARG(p->name),
			    STR_ARG(p->value));
		cr_expect(str_is(buf_str(&out), types[i].params), "%s: %.*s",
		    types[i].header, STR_ARG(buf_str(&out)));
		buf_fini(&out);
		msg_free(&m);
	}
}

Test(mime, other_fields)
{
	struct msg *m = read_text(
	    "Content-Transfer-Encoding: (x) BASE64 (y)\n"
	    "Content-ID: <a@b>\nContent-Description: a\n b\n"
	    "Content-MD5: Q2hlY2s=\nContent-Location: http://a/\n"
	    "Content-Language: en, de\n"
	    "Content-Disposition: Attachment; filename=x\n\n");
	const struct msg_part *p = m->root;

	cr_expect(str_is(p->encoding, "BASE64"));
	cr_expect(str_is(p->id, "<a@b>"));
	cr_expect(str_is(p->description, "a b"));
	cr_expect(str_is(p->md5, "Q2hlY2s="));
	cr_expect(str_is(p->location, "http://a/"));
	cr_expect(str_is(p->language, "en, de"));
	cr_expect(str_is(p->disposition, "Attachment"));
	cr_expect(str_is(p->disposition_params->value, "x"));
	msg_free(&m);

	m = read_text("\n");
	p = m->root;
	cr_expect(str_is(p->encoding, "7bit"));
	cr_expect_null(p->id.p);
	cr_expect_null(p->disposition.p);
	cr_expect_null(p->language.p);
	msg_free(&m);
}

/* The value of "name" in Content-Disposition: x; ... */
static const struct {
	const char *params, *want;
} values[] = {
	{ "filename=a.txt", "a.txt" },
	{ "FileName=\"a b.txt\"", "a b.txt" },
	{ "filename=\"\"", "" },
	{ "filename=\"a\\\n b\"", "a b" },
	{ "other=a", NULL },
	{ "filenames=a", NULL },
	/* RFC 2231, 3 and 4 */
	{ "filename*0=\"ftp://\"; filename*1=\"cs.utk.edu/x\"",
	    "ftp://cs.utk.edu/x" },
	{ "filename*1=b; filename*0=a; filename*3=d", "ab" },
	{ "filename*=us-ascii'en-us'This%20is%20%2A%2A%2Afun%2A%2A%2A",
	    "This is ***fun***" },
	{ "filename*0*=us-ascii'en'This%20is%20even%20more%20; "
	  "filename*1*=%2A%2A%2Afun%2A%2A%2A%20; filename*2=\"isn't it!\"",
	    "This is even more ***fun*** isn't it!" },
	{ "filename*=iso-8859-1''%E9t%E9", "\xc3\xa9t\xc3\xa9" },
	{ "filename*0*=utf-8''%E2%82; filename*1*=%AC", "\xe2\x82\xac" },
	{ "filename*=''%41", "A" },
	{ "filename*=%41", "A" },
	{ "filename*=utf-8''%4", "%4" },
	{ "filename*=utf-8''%zz", "%zz" },
	{ "filename=plain; filename*=utf-8''better", "better" },
	{ "filename=plain; filename*0=bet; filename*1=ter", "better" },
	{ "filename=plain; filename*1=worse", "plain" },
	{ "filename*x=a", NULL },
	{ "filename*99999999999=a", NULL },
	/* Encoded words, raw octets */
	{ "filename=\"=?utf-8?q?=E2=82=AC?=\"", "\xe2\x82\xac" },
	{ "filename==?utf-8?q?=E2=82=AC?=", "\xe2\x82\xac" },
	{ "filename*0=\"=?utf-8?q?=E2\"; filename*1=\"=82=AC?=\"",
	    "\xe2\x82\xac" },
	{ "filename=\"\xc3\xa9\"", "\xc3\xa9" },
	{ "filename=\"\xe9\"", "\xc3\xa9" },
};

static const struct {
	const char *params, *kept, *utf8;
} joins[] = {
	{ "a=1; b=2", "a=1;b=2;", "a=1;b=2;" },
	{ "a*0=1; b=x; A*1=2", "a=12;b=x;", "a=12;b=x;" },
	{ "a*1=2; a*0=1", "a=12;", "a=12;" },
	{ "a*0=1; a*2=3", "a=1;a*2=3;", "a=1;a*2=3;" },
	{ "a*1=2; a*2=3", "a*1=2;a*2=3;", "a*1=2;a*2=3;" },
	{ "a*=utf-8'de'%C3%BC", "a*=utf-8'de'%C3%BC;", "a*=\xc3\xbc;" },
	{ "a*=iso-8859-1''%FC", "a*=iso-8859-1''%FC;", "a*=\xc3\xbc;" },
	{ "a*=x-none''%FC", "a*=x-none''%FC;", "a*=x-none''%FC;" },
	{ "a*0*=utf-8''%C3; a*1*=%BC; a*2=\" %'\"",
	    "a*=utf-8''%C3%BC%20%25%27;", "a*=\xc3\xbc %';" },
	{ "a*0=x; a*1*=%41", "a*=''x%41;", "a*=xA;" },
	{ "a=plain; a*=utf-8''%41", "a=plain;a*=utf-8''%41;", "a=plain;a*=A;" },
	{ "a*=utf-8''%41; a*0=b; a*1=c", "a*=utf-8''%41;a=bc;", "a*=A;a=bc;" },
	{ "a*0=1; a*0=2; a*1=3", "a=13;", "a=13;" },
	{ "*=1; *0=2; a*x=3", "*=1;*0=2;a*x=3;", "*=1;*0=2;a*x=3;" },
	{ "a*0=\"\"", "a=;", "a=;" },
};

static void
expect_joined(const char *params, bool utf8, const char *want)
{
	struct arena *a = arena_new(0);
	struct buf text, out;
	struct msg *m;

	buf_init(&text, 1000);
	buf_init(&out, 1000);
	(void)buf_printf(&text, "Content-Disposition: x; %s\n\n", params);
	m = msg_read(buf_str(&text), &msg_limits_default);
	for (const struct msg_param *p =
		 msg_params_joined(a, m->root->disposition_params, utf8);
	     p != NULL; p = p->next)
		(void)buf_printf(
		    &out, "%.*s=%.*s;", STR_ARG(p->name), STR_ARG(p->value));
	cr_expect(str_is(buf_str(&out), want), "%s: %.*s", params,
	    STR_ARG(buf_str(&out)));
	buf_fini(&text);
	buf_fini(&out);
	arena_free(&a);
	msg_free(&m);
}

Test(params, joined)
{
	for (size_t i = 0; i < sizeof(joins) / sizeof(joins[0]); i++) {
		expect_joined(joins[i].params, false, joins[i].kept);
		expect_joined(joins[i].params, true, joins[i].utf8);
	}
	cr_expect_null(msg_params_joined(NULL, NULL, true));
}

Test(params, values)
{
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		struct buf text, out;
		struct msg *m;
		bool found;

		buf_init(&text, 1000);
		buf_init(&out, 1000);
		(void)buf_printf(
		    &text, "Content-Disposition: x; %s\n\n", values[i].params);
		m = msg_read(buf_str(&text), &msg_limits_default);
		found = msg_param(
		    m->root->disposition_params, "filename", &out);
		cr_expect_eq(
		    found, values[i].want != NULL, "%s", values[i].params);
		if (found && values[i].want != NULL)
			cr_expect(str_is(buf_str(&out), values[i].want),
			    "%s: %.*s", values[i].params,
			    STR_ARG(buf_str(&out)));
		buf_fini(&text);
		buf_fini(&out);
		msg_free(&m);
	}
}

Test(params, file_name_of_an_attachment)
{
	struct msg *m = read_text("Content-Type: a/b; name=type\n"
				  "Content-Disposition: x; filename=disp\n\n");
	struct buf out;

	buf_init(&out, 100);
	cr_expect(msg_filename(m->root, &out));
	cr_expect(str_is(buf_str(&out), "disp"));
	msg_free(&m);
	buf_clear(&out);
	m = read_text("Content-Type: a/b; name=type\n\n");
	cr_expect(msg_filename(m->root, &out));
	cr_expect(str_is(buf_str(&out), "type"));
	msg_free(&m);
	buf_clear(&out);
	m = read_text("Content-Type: a/b\n\n");
	cr_expect_not(msg_filename(m->root, &out));
	msg_free(&m);
	buf_fini(&out);
}

Test(params, hostile_fields_are_linear, .timeout = 20)
{
	static const char *const patterns[] = { ";a=b", ";a*0=b", ";a=\"", "(",
		"=", "a ", ";a=b c", "\\", ";", ";a= (", ";a*=%41" };
	struct msg_limits limits = msg_limits_default;

	limits.header_size = 1 << 20;
	for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
		struct buf b, out;
		struct msg *m;

		buf_init(&b, 1 << 20);
		buf_init(&out, 1 << 22);
		(void)buf_puts(&b, "Content-Type: a/b");
		while (b.n < (1 << 20) - 20)
			(void)buf_puts(&b, patterns[i]);
		(void)buf_puts(&b, "\n\n");
		m = msg_read(buf_str(&b), &limits);
		(void)msg_param(m->root->params, "a", &out);
		msg_free(&m);
		buf_fini(&b);
		buf_fini(&out);
	}
}
