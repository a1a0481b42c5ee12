/*
 * The normal form of addresses (src/account/address.c).
 */
#include "account/account.h"
#include "account/private.h"
#include "base/str.h"
#include <criterion/criterion.h>

static const struct {
	const char *in, *want; /* NULL: not an address */
} cases[] = {
	{ "user@example.test", "user@example.test" },
	{ "User.Name@EXAMPLE.Test", "user.name@example.test" },
	{ "a!#$%&'*+-/=?^_`{|}~z@x.test", "a!#$%&'*+-/=?^_`{|}~z@x.test" },
	{ "u@localhost", "u@localhost" },
	{ "u@xn--BCHER-KVA.test", "u@xn--bcher-kva.test" },
	{ "u@b\xc3\xbc"
	  "cher.test",
	    "u@xn--bcher-kva.test" },
	{ "u@B\xc3\x9c"
	  "CHER.test",
	    "u@xn--bcher-kva.test" },
	/* Decomposed: U with combining diaeresis. */
	{ "u@bu\xcc\x88"
	  "cher.test",
	    "u@xn--bcher-kva.test" },
	{ "fa\xc3\x9f@stra\xc3\x9f"
	  "e.test",
	    "fa\xc3\x9f@xn--strae-oqa.test" },
	{ "ju\xcc\x88rgen@x.test", "j\xc3\xbcrgen@x.test" },
	{ "\xc3\x9cmit@x.test", "\xc3\x9cmit@x.test" },
	{ "\"plain\"@x.test", "plain@x.test" },
	{ "\"p\\lain\"@x.test", "plain@x.test" },
	{ "\"two words\"@x.test", "\"two words\"@x.test" },
	{ "\"a@b\"@x.test", "\"a@b\"@x.test" },
	{ "\"a\\\"b\\\\c\"@x.test", "\"a\\\"b\\\\c\"@x.test" },
	{ "\".dot\"@x.test", "\".dot\"@x.test" },
	{ "\"\"@x.test", "\"\"@x.test" },
	{ "", NULL },
	{ "@", NULL },
	{ "user", NULL },
	{ "user@", NULL },
	{ "@example.test", NULL },
	{ ".user@x.test", NULL },
	{ "user.@x.test", NULL },
	{ "us..er@x.test", NULL },
	{ "us er@x.test", NULL },
	{ "us\ter@x.test", NULL },
	{ "u(c)@x.test", NULL },
	{ "a@b@x.test", NULL },
	{ "\"open@x.test", NULL },
	{ "\"shut\"x@x.test", NULL },
	{ "\"a\nb\"@x.test", NULL },
	{ "\"\\\"@x.test", NULL },
	{ "u@x..test", NULL },
	{ "u@.test", NULL },
	{ "u@x.test.", NULL },
	{ "u@-x.test", NULL },
	{ "u@x-.test", NULL },
	{ "u@x_y.test", NULL },
	{ "u@[192.0.2.1]", NULL },
	{ "u@x.test ", NULL },
	{ "u\xff@x.test", NULL },
	{ "u@\xff.test", NULL },
	{ "u\xc2\x85@x.test", NULL },
	{ "u@a\xe2\x80\x8f.test", NULL },
	{ "u@<x>.t\xc3\xa9st", NULL },
};

Test(account_address, has_one_form)
{
	char out[321], again[321];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bool good = account_normalise(str_of(cases[i].in), out);

		cr_expect_eq(good, cases[i].want != NULL, "%s", cases[i].in);
		cr_expect_str_eq(out,
		    cases[i].want != NULL ? cases[i].want : "", "%s",
		    cases[i].in);
		if (good) {
			cr_expect(account_normalise(str_of(out), again));
			cr_expect_str_eq(again, out);
		}
	}
}

Test(account_address, a_nul_inside_is_refused)
{
	char out[321];

	cr_expect_not(account_normalise(str_n("a\0b@x.test", 10), out));
	cr_expect_not(account_normalise(str_n("ab@x\0.test", 10), out));
	cr_expect_not(account_normalise(str_n("\"a\0b\"@x.test", 12), out));
}

Test(account_address, lengths_are_those_of_smtp)
{
	char text[700], out[321];

	memset(text, 'a', sizeof(text));
	memcpy(text + 64, "@x.test", 7);
	cr_expect(account_normalise(str_n(text, 71), out));
	text[64] = 'a';
	memcpy(text + 65, "@x.test", 7);
	cr_expect_not(account_normalise(str_n(text, 72), out));
	/* 253 octets of domain in labels of 63. */
	memset(text, 'd', sizeof(text));
	memcpy(text, "u@", 2);
	text[2 + 63] = text[2 + 127] = text[2 + 191] = '.';
	cr_expect(account_normalise(str_n(text, 2 + 253), out));
	cr_expect_eq(strlen(out), 255);
	cr_expect_not(account_normalise(str_n(text, 2 + 254), out));
	text[2 + 63] = 'd';
	cr_expect_not(account_normalise(str_n(text, 2 + 253), out));
}

Test(account_address, outside_keeps_the_case_of_the_local_part)
{
	char out[321];

	cr_expect(account_clean(STR("Mixed.Case@EXAMPLE.org"), false, out));
	cr_expect_str_eq(out, "Mixed.Case@example.org");
}

Test(account_address, a_login_name_gets_the_first_domain)
{
	char out[321];

	cr_expect(account_login_name(STR("Bob"), "x.test", out));
	cr_expect_str_eq(out, "bob@x.test");
	cr_expect(account_login_name(STR("bob@y.test"), "x.test", out));
	cr_expect_str_eq(out, "bob@y.test");
	cr_expect_not(account_login_name(STR("bob"), "", out));
	cr_expect_str_eq(out, "");
	cr_expect_not(account_login_name(STR("b b"), "x.test", out));
	cr_expect_not(account_login_name(STR(""), "x.test", out));
}
