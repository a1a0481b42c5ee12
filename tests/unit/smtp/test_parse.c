/*
 * Command lines (RFC 5321, 4.1.1 and 4.1.2, and the extensions' parameters).
 */
#include "smtp/parse.h"

#include "base/str.h"

#include <criterion/criterion.h>

static const struct {
	const char *args;
	enum smtp_error error;
	const char *path;
} mail_cases[] = {
	{ "FROM:<a@b.test>", SMTP_OK, "a@b.test" },
	{ "from:<a@b.test>", SMTP_OK, "a@b.test" },
	{ "FROM: <a@b.test>", SMTP_OK, "a@b.test" },
	{ "FROM:<>", SMTP_OK, "" },
	{ "FROM:<> SIZE=10", SMTP_OK, "" },
	{ "FROM:<@x.test,@y.test:a@b.test>", SMTP_OK, "a@b.test" },
	{ "FROM:<@[1.2.3.4]:a@b.test>", SMTP_OK, "a@b.test" },
	{ "FROM:<@[IPv6:::1]:a@b.test>", SMTP_OK, "a@b.test" },
	{ "FROM:<\"a b\"@b.test>", SMTP_OK, "\"a b\"@b.test" },
	{ "FROM:<\"a>b\"@b.test>", SMTP_OK, "\"a>b\"@b.test" },
	{ "FROM:<\"a\\\"> b\"@b.test>", SMTP_OK, "\"a\\\"> b\"@b.test" },
	{ "FROM:<a@[192.0.2.1]>", SMTP_OK, "a@[192.0.2.1]" },
	{ "FROM:<a@[IPv6:2001:db8::1]>", SMTP_OK, "a@[IPv6:2001:db8::1]" },
	{ "FROM:<\xc3\xa4@b.test> SMTPUTF8", SMTP_OK, "\xc3\xa4@b.test" },
	{ "FROM:<a@b.test> BODY=8BITMIME SIZE=0 RET=FULL ENVID=x+2By", SMTP_OK,
	    "a@b.test" },
	{ "FROM:<a@b.test>  SIZE=1   BODY=7BIT", SMTP_OK, "a@b.test" },
	{ "FROM:<a@b.test> AUTH=<>", SMTP_OK, "a@b.test" },
	{ "FROM:<a@b.test> AUTH=c+40d.test", SMTP_OK, "a@b.test" },
	{ "FROM:<a@b.test> AUTH=c+4", SMTP_E_PARAM, NULL },
	{ "", SMTP_E_SYNTAX, NULL },
	{ "FROM", SMTP_E_SYNTAX, NULL },
	{ "FROM:", SMTP_E_SYNTAX, NULL },
	{ "FROM:a@b.test", SMTP_E_SYNTAX, NULL },
	{ "FROM:<a@b.test", SMTP_E_SYNTAX, NULL },
	{ "FROM:<\"a>@b.test", SMTP_E_SYNTAX, NULL },
	{ "FROM:<a@b.test>x", SMTP_E_SYNTAX, NULL },
	{ "FROM:<a@b.test>SIZE=1", SMTP_E_SYNTAX, NULL },
	{ "TO:<a@b.test>", SMTP_E_SYNTAX, NULL },
	{ "FROM:<a>", SMTP_E_ADDRESS, NULL },
	{ "FROM:<a@>", SMTP_E_ADDRESS, NULL },
	{ "FROM:<@b.test>", SMTP_E_ADDRESS, NULL },
	{ "FROM:<@x.test:>", SMTP_E_ADDRESS, NULL },
	{ "FROM:<@x y:a@b.test>", SMTP_E_ADDRESS, NULL },
	{ "FROM:<a..b@b.test>", SMTP_E_ADDRESS, NULL },
	{ "FROM:<a b@b.test>", SMTP_E_ADDRESS, NULL },
	{ "FROM:<a@b.test> SIZE", SMTP_E_PARAM, NULL },
	{ "FROM:<a@b.test> SIZE=", SMTP_E_PARAM, NULL },
	{ "FROM:<a@b.test> SIZE=-1", SMTP_E_PARAM, NULL },
	{ "FROM:<a@b.test> SIZE=1x", SMTP_E_PARAM, NULL },
	{ "FROM:<a@b.test> SIZE=123456789012345678901", SMTP_E_PARAM, NULL },
	{ "FROM:<a@b.test> SIZE=1 SIZE=1", SMTP_E_TWICE, NULL },
	{ "FROM:<a@b.test> BODY=9BIT", SMTP_E_PARAM, NULL },
	{ "FROM:<a@b.test> SMTPUTF8=1", SMTP_E_PARAM, NULL },
	{ "FROM:<a@b.test> requiretls", SMTP_OK, "a@b.test" },
	{ "FROM:<a@b.test> REQUIRETLS=1", SMTP_E_PARAM, NULL },
	{ "FROM:<a@b.test> REQUIRETLS REQUIRETLS", SMTP_E_TWICE, NULL },
	{ "FROM:<a@b.test> RET=SOME", SMTP_E_PARAM, NULL },
	{ "FROM:<a@b.test> ENVID=a+2", SMTP_E_PARAM, NULL },
	{ "FROM:<a@b.test> ENVID=a+0D", SMTP_E_PARAM, NULL },
	{ "FROM:<a@b.test> ENVID=a+2b", SMTP_E_PARAM, NULL },
	{ "FROM:<a@b.test> XYZ", SMTP_E_UNKNOWN, NULL },
	{ "FROM:<a@b.test> NOTIFY=NEVER", SMTP_E_UNKNOWN, NULL },
	{ "FROM:<a@b.test> =1", SMTP_E_UNKNOWN, NULL },
};

Test(smtp_parse, mail)
{
	for (size_t i = 0; i < sizeof(mail_cases) / sizeof(mail_cases[0]);
	     i++) {
		struct arena *a = arena_new(0);
		struct smtp_mail mail;
		enum smtp_error error;

		error = smtp_parse_mail(a, str_of(mail_cases[i].args), &mail);
		cr_expect_eq(error, mail_cases[i].error, "%s: %d",
		    mail_cases[i].args, (int)error);
		if (error == SMTP_OK && mail_cases[i].path != NULL)
			cr_expect(str_is(mail.from.text, mail_cases[i].path),
			    "%s: %.*s", mail_cases[i].args,
			    STR_ARG(mail.from.text));
		arena_free(&a);
	}
}

Test(smtp_parse, mail_keeps_its_parameters)
{
	struct arena *a = arena_new(0);
	struct smtp_mail m;

	cr_assert_eq(smtp_parse_mail(a,
			 STR("FROM:<a@b.test> size=12345 body=BinaryMime "
			     "SMTPUTF8 RET=HDRS ENVID=QQ+2B314 AUTH=u@b.test"),
			 &m),
	    SMTP_OK);
	cr_expect_eq(m.size, 12345);
	cr_expect_eq(m.body, SMTP_BINARYMIME);
	cr_expect(m.utf8);
	cr_expect_eq(m.ret, SMTP_RET_HDRS);
	cr_expect(str_is(m.envid, "QQ+314"));
	cr_expect(m.has_auth);
	cr_expect(str_is(m.auth, "u@b.test"));
	cr_expect(str_is(m.from.local, "a"));
	cr_expect(str_is(m.from.domain, "b.test"));
	arena_free(&a);
}

Test(smtp_parse, a_size_beyond_all_numbers_is_too_large_not_small)
{
	struct arena *a = arena_new(0);
	struct smtp_mail m;

	cr_assert_eq(smtp_parse_mail(a,
			 STR("FROM:<a@b.test> SIZE=99999999999999999999"), &m),
	    SMTP_OK);
	cr_expect_eq(m.size, UINT64_MAX);
	arena_free(&a);
}

static const struct {
	const char *args;
	enum smtp_error error;
	unsigned notify;
	const char *orcpt;
} rcpt_cases[] = {
	{ "TO:<a@b.test>", SMTP_OK, 0, "" },
	{ "TO:<postmaster>", SMTP_OK, 0, "" },
	{ "TO:<PostMaster>", SMTP_OK, 0, "" },
	{ "TO:<@x.test:a@b.test>", SMTP_OK, 0, "" },
	{ "TO:<a@b.test> NOTIFY=NEVER", SMTP_OK, SMTP_NOTIFY_NEVER, "" },
	{ "TO:<a@b.test> NOTIFY=success,Failure", SMTP_OK,
	    SMTP_NOTIFY_SUCCESS | SMTP_NOTIFY_FAILURE, "" },
	{ "TO:<a@b.test> NOTIFY=DELAY ORCPT=rfc822;x+40y.test", SMTP_OK,
	    SMTP_NOTIFY_DELAY, "x@y.test" },
	{ "TO:<a@b.test> ORCPT=rfc822;x@y.test", SMTP_OK, 0, "x@y.test" },
	{ "TO:<a@b.test> ORCPT=utf-8;\\x{E4}@y.test", SMTP_OK, 0,
	    "\\x{E4}@y.test" },
	{ "TO:<>", SMTP_E_ADDRESS, 0, NULL },
	{ "TO:<user>", SMTP_E_ADDRESS, 0, NULL },
	{ "TO:a@b.test", SMTP_E_SYNTAX, 0, NULL },
	{ "FROM:<a@b.test>", SMTP_E_SYNTAX, 0, NULL },
	{ "TO:<a@b.test> NOTIFY=", SMTP_E_PARAM, 0, NULL },
	{ "TO:<a@b.test> NOTIFY=NEVER,DELAY", SMTP_E_PARAM, 0, NULL },
	{ "TO:<a@b.test> NOTIFY=DELAY,", SMTP_E_PARAM, 0, NULL },
	{ "TO:<a@b.test> NOTIFY=,DELAY", SMTP_E_PARAM, 0, NULL },
	{ "TO:<a@b.test> NOTIFY=SOMETIMES", SMTP_E_PARAM, 0, NULL },
	{ "TO:<a@b.test> ORCPT=rfc822", SMTP_E_PARAM, 0, NULL },
	{ "TO:<a@b.test> ORCPT=rfc822;", SMTP_E_PARAM, 0, NULL },
	{ "TO:<a@b.test> ORCPT=;x", SMTP_E_PARAM, 0, NULL },
	{ "TO:<a@b.test> ORCPT=rfc822;a+0Ab", SMTP_E_PARAM, 0, NULL },
	{ "TO:<a@b.test> ORCPT=rfc822;a+7Fb", SMTP_E_PARAM, 0, NULL },
	{ "TO:<a@b.test> ORCPT=rfc822;a+C3b", SMTP_E_PARAM, 0, NULL },
	{ "TO:<a@b.test> ORCPT=rfc822;a+C3+B8b", SMTP_OK, 0,
	    "a\xc3\xb8"
	    "b" },
	{ "TO:<a@b.test> SIZE=1", SMTP_E_UNKNOWN, 0, NULL },
};

Test(smtp_parse, rcpt)
{
	for (size_t i = 0; i < sizeof(rcpt_cases) / sizeof(rcpt_cases[0]);
	     i++) {
		struct arena *a = arena_new(0);
		struct smtp_rcpt r;
		enum smtp_error error;

		error = smtp_parse_rcpt(a, str_of(rcpt_cases[i].args), &r);
		cr_expect_eq(error, rcpt_cases[i].error, "%s: %d",
		    rcpt_cases[i].args, (int)error);
		if (error == SMTP_OK && rcpt_cases[i].orcpt != NULL) {
			cr_expect_eq(r.notify, rcpt_cases[i].notify, "%s",
			    rcpt_cases[i].args);
			cr_expect(str_is(r.orcpt, rcpt_cases[i].orcpt), "%s",
			    rcpt_cases[i].args);
		}
		arena_free(&a);
	}
}

Test(smtp_parse, a_full_arena_is_an_error)
{
	struct arena *a = arena_new(32);
	struct smtp_mail m;

	cr_assert_neq(
	    smtp_parse_mail(
		a, STR("FROM:<a-name-that-does-not-fit@in-there.test>"), &m),
	    SMTP_OK);
	arena_free(&a);
}

Test(smtp_parse, bdat)
{
	uint64_t size;
	bool last;

	cr_assert_eq(smtp_parse_bdat(STR("10"), &size, &last), SMTP_OK);
	cr_assert(size == 10 && !last);
	cr_assert_eq(smtp_parse_bdat(STR("0 last"), &size, &last), SMTP_OK);
	cr_assert(size == 0 && last);
	cr_assert_eq(smtp_parse_bdat(STR(""), &size, &last), SMTP_E_SYNTAX);
	cr_assert_eq(smtp_parse_bdat(STR("x"), &size, &last), SMTP_E_SYNTAX);
	cr_assert_eq(smtp_parse_bdat(STR("-1"), &size, &last), SMTP_E_SYNTAX);
	cr_assert_eq(
	    smtp_parse_bdat(STR("1 FIRST"), &size, &last), SMTP_E_SYNTAX);
	cr_assert_eq(
	    smtp_parse_bdat(STR("1 LAST 2"), &size, &last), SMTP_E_SYNTAX);
	cr_assert_eq(smtp_parse_bdat(STR("99999999999999999999"), &size, &last),
	    SMTP_E_SYNTAX);
}

Test(smtp_parse, line)
{
	struct pst_str verb, args;

	smtp_parse_line(STR("MAIL FROM:<>  "), &verb, &args);
	cr_assert(str_is(verb, "MAIL"));
	cr_assert(str_is(args, "FROM:<>"));
	smtp_parse_line(STR("quit"), &verb, &args);
	cr_assert(str_is(verb, "quit"));
	cr_assert_eq(args.n, 0);
	smtp_parse_line(STR(""), &verb, &args);
	cr_assert_eq(verb.n, 0);
}

Test(smtp_parse, host)
{
	cr_assert(smtp_is_host(STR("mail.example.test")));
	cr_assert(smtp_is_host(STR("[192.0.2.1]")));
	cr_assert(smtp_is_host(STR("[IPv6:2001:db8::1]")));
	cr_assert(smtp_is_host(STR("under_score")));
	cr_assert_not(smtp_is_host(STR("")));
	cr_assert_not(smtp_is_host(STR("two words")));
	cr_assert_not(smtp_is_host(STR("a(b")));
	cr_assert_not(smtp_is_host(STR("a\0b")));
}
