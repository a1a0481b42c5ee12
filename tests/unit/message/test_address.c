/*
 * Address lists (RFC 5322, 3.4, 4.4 and appendix A) and SMTP mailboxes.
 */
#include <criterion/criterion.h>

#include "base/str.h"
#include "message/address.h"

static void
print_str(struct pst_str s, struct buf *out)
{
	if (s.p == NULL)
		(void)buf_putc(out, '-');
	else
		(void)buf_printf(out, "'%.*s'", STR_ARG(s));
}

/* "{" and "}" are the ends of a group. */
static void
print_list(const struct msg_address *ad, struct buf *out)
{
	for (; ad != NULL; ad = ad->next) {
		switch (ad->kind) {
		case MSG_GROUP_START:
			print_str(ad->mailbox, out);
			(void)buf_puts(out, "{ ");
			break;
		case MSG_GROUP_END:
			(void)buf_puts(out, "} ");
			break;
		case MSG_ADDRESS:
			print_str(ad->name, out);
			if (ad->route.p != NULL) {
				(void)buf_puts(out, " via ");
				print_str(ad->route, out);
			}
			(void)buf_putc(out, ' ');
			print_str(ad->mailbox, out);
			(void)buf_putc(out, '@');
			print_str(ad->host, out);
			(void)buf_puts(out, "; ");
			break;
		}
	}
}

static const struct {
	const char *value, *want;
} lists[] = {
	{ "", "" },
	{ " \r\n ", "" },
	{ ",,", "" },
	{ "joe@example.test", "- 'joe'@'example.test'; " },
	{ "<joe@example.test>", "- 'joe'@'example.test'; " },
	{ " Joe Doe  <joe@example.test> ", "'Joe Doe' 'joe'@'example.test'; " },
	{ "\"Doe, Joe\" <joe@a>, b@c", "'Doe, Joe' 'joe'@'a'; - 'b'@'c'; " },
	{ "\"a\\\"b\\\\c\" <x@y>", "'a\"b\\c' 'x'@'y'; " },
	{ "John Q. Public <x@y>", "'John Q. Public' 'x'@'y'; " },
	{ "Joe\r\n Doe\r\n\t<joe@a>", "'Joe Doe' 'joe'@'a'; " },
	/* RFC 5322, A.1.2 */
	{ "\"Joe Q. Public\" <john.q.public@example.com>",
	    "'Joe Q. Public' 'john.q.public'@'example.com'; " },
	{ "Mary Smith <mary@x.test>, jdoe@example.org, Who? <one@y.test>",
	    "'Mary Smith' 'mary'@'x.test'; - 'jdoe'@'example.org'; "
	    "'Who?' 'one'@'y.test'; " },
	{ "<boss@nil.test>, \"Giant; \\\"Big\\\" Box\" "
	  "<sysservices@example.net>",
	    "- 'boss'@'nil.test'; "
	    "'Giant; \"Big\" Box' 'sysservices'@'example.net'; " },
	/* A.1.3 */
	{ "A Group:Ed Jones <c@a.test>,joe@where.test,John <jdoe@one.test>;",
	    "'A Group'{ 'Ed Jones' 'c'@'a.test'; - 'joe'@'where.test'; "
	    "'John' 'jdoe'@'one.test'; } " },
	{ "Undisclosed recipients:;", "'Undisclosed recipients'{ } " },
	{ "a: b@c; , d@e", "'a'{ - 'b'@'c'; } - 'd'@'e'; " },
	{ "a: b@c", "'a'{ - 'b'@'c'; } " },
	{ "a: b: c@d;", "'a'{ } 'b'{ - 'c'@'d'; } " },
	/* A.5 */
	{ "Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>",
	    "'Pete' 'pete'@'silly.test'; " },
	{ "A Group(Some people)\r\n     :Chris Jones <c@(Chris's host.)"
	  "public.example>,\r\n         joe@example.org,\r\n  John "
	  "<jdoe@one.test> (my dear friend); (the end of the group)",
	    "'A Group'{ 'Chris Jones' 'c'@'public.example'; "
	    "- 'joe'@'example.org'; 'John' 'jdoe'@'one.test'; } " },
	{ "(Empty list)(start)Hidden recipients  :(nobody(that I know))  ;",
	    "'Hidden recipients'{ } " },
	/* A.6.1 and A.6.3 */
	{ "Mary Smith <@node.test:mary@example.net>, , jdoe@test  . example",
	    "'Mary Smith' via '@node.test' 'mary'@'example.net'; "
	    "- 'jdoe'@'test.example'; " },
	{ "<@a,@b:c@d>", "- via '@a,@b' 'c'@'d'; " },
	{ "joe . doe @ a . b", "- 'joe.doe'@'a.b'; " },
	{ "\"joe\".doe@a", "- 'joe.doe'@'a'; " },
	{ "\"joe doe\"@a", "- 'joe doe'@'a'; " },
	/* Comments name an address that has no name. */
	{ "joe@a (Joe Doe)", "'Joe Doe' 'joe'@'a'; " },
	{ "<joe@a> (Joe Doe), b@c", "'Joe Doe' 'joe'@'a'; - 'b'@'c'; " },
	{ "joe@a (Joe (J.) Doe)", "'Joe (J.) Doe' 'joe'@'a'; " },
	{ "\"\" <joe@a>", "- 'joe'@'a'; " },
	/* RFC 6532 */
	{ "J\xc3\xb6rg <j\xc3\xb6rg@d\xc3\xb6.test>",
	    "'J\xc3\xb6rg' 'j\xc3\xb6rg'@'d\xc3\xb6.test'; " },
	/* Encoded words stay, even those that hold specials. */
	{ "=?utf-8?Q?J=C3=B6rg?= =?utf-8?Q?_D?= <j@d>",
	    "'=?utf-8?Q?J=C3=B6rg?= =?utf-8?Q?_D?=' 'j'@'d'; " },
	{ "=?utf-8?Q?Doe,_Joe?= <j@d>", "'=?utf-8?Q?Doe,_Joe?=' 'j'@'d'; " },
	/* Domain literals */
	{ "joe@[1.2.3.4]", "- 'joe'@'[1.2.3.4]'; " },
	{ "<joe@[IPv6:::1]>", "- 'joe'@'[IPv6:::1]'; " },
	/* What should not be, but is. */
	{ "joe", "- 'joe'@-; " },
	{ "Joe Doe", "- 'Joe Doe'@-; " },
	{ "<joe>", "- 'joe'@-; " },
	{ "Joe <>", "'Joe' ''@-; " },
	{ "<>", "- ''@-; " },
	{ "joe@", "- 'joe'@-; " },
	{ "@a", "- ''@'a'; " },
	{ "<@a>", "- ''@'a'; " },
	{ "joe@a <joe@a>", "'joe@a' 'joe'@'a'; " },
	{ "Joe Doe joe@a", "'Joe Doe' 'joe'@'a'; " },
	{ "\"Joe Doe\" joe@a", "'Joe Doe' 'joe'@'a'; " },
	{ "a@b; c@d", "- 'a'@'b'; - 'c'@'d'; " },
	{ "a@b@c", "- 'a@b'@'c'; " },
	{ "<a@b@c>", "- 'a@b'@'c'; " },
	{ "Joe <joe@a", "'Joe' 'joe'@'a'; " },
	{ "Joe <joe@a, b@c", "'Joe' 'joe'@'a'; - 'b'@'c'; " },
	{ "\"Joe <joe@a>, b@c", "'Joe' 'joe'@'a'; - 'b'@'c'; " },
	{ "(Joe <joe@a>, b@c", "'Joe' 'joe'@'a'; - 'b'@'c'; " },
	{ "joe@[1.2.3.4, b@c", "- 'joe'@'[1.2.3.4'; - 'b'@'c'; " },
	{ "a@b garbage \"x,y\", c@d", "- 'a'@'b'; - 'c'@'d'; " },
	{ "a\\b@c", "- 'ab'@'c'; " },
	{ ">", "" },
	{ ":", "" },
	{ ";", "" },
	{ "\"", "" },
	{ "(", "" },
};

Test(address, lists)
{
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		struct arena *a = arena_new(0);
		struct buf out;

		buf_init(&out, 10000);
		print_list(msg_addresses(a, str_of(lists[i].value), 100), &out);
		(void)buf_putc(&out, '\0');
		cr_expect_str_eq(out.p, lists[i].want, "<<%s>> gives <<%s>>",
		    lists[i].value, out.p);
		buf_fini(&out);
		arena_free(&a);
	}
}

Test(address, no_more_than_the_maximum)
{
	struct arena *a = arena_new(0);
	struct msg_address *ad = msg_addresses(a, STR("g:a@b,c@d,e@f;"), 2);

	cr_assert_not_null(ad);
	cr_expect_eq(ad->kind, MSG_GROUP_START);
	cr_expect_eq(ad->next->kind, MSG_ADDRESS);
	cr_expect_eq(ad->next->next->kind, MSG_GROUP_END);
	cr_expect_null(ad->next->next->next);
	arena_free(&a);
}

Test(address, a_full_arena_is_no_harm)
{
	struct arena *a = arena_new(300);
	size_t n = 0;

	for (struct msg_address *ad =
		 msg_addresses(a, STR("g:a@b,c@d,e@f,g@h,i@j;"), 100);
	     ad != NULL; ad = ad->next)
		n++;
	cr_expect_lt(n, 6);
	arena_free(&a);
}

/* None of these may take time that grows with the square of the length. */
Test(address, hostile_values_are_linear, .timeout = 20)
{
	static const char *const patterns[] = { "(", "\"", "<", "@", "=?a?q?",
		"<@", "a@", ":", "\\", "((a)", "\"a\\", "=?", "<@,", "a:", "[",
		"a@[" };
	const size_t size = 1 << 20;

	for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
		struct arena *a = arena_new(0);
		struct buf b;

		buf_init(&b, size + 10);
		while (b.n < size)
			(void)buf_puts(&b, patterns[i]);
		(void)msg_addresses(a, buf_str(&b), 10000);
		buf_fini(&b);
		arena_free(&a);
	}
}

static const struct {
	const char *local, *host, *want;
} printed[] = {
	{ "joe", "a.b", "joe@a.b" },
	{ "joe.doe", "a.b", "joe.doe@a.b" },
	{ "joe doe", "a", "\"joe doe\"@a" },
	{ "a\"b\\c", "d", "\"a\\\"b\\\\c\"@d" },
	{ "a.", "d", "\"a.\"@d" },
	{ "a..b", "d", "\"a..b\"@d" },
	{ "", "d", "\"\"@d" },
	{ "a\r\nb", "d", "\"ab\"@d" },
	{ "joe", NULL, "joe" },
	{ "j\xc3\xb6", "d", "j\xc3\xb6@d" },
};

Test(address, printed_with_quotes_where_needed)
{
	for (size_t i = 0; i < sizeof(printed) / sizeof(printed[0]); i++) {
		struct msg_address ad = { .mailbox = str_of(printed[i].local),
			.host = str_of(printed[i].host) };
		struct buf out;

		buf_init(&out, 100);
		cr_expect(msg_address_print(&ad, &out));
		cr_expect(str_is(buf_str(&out), printed[i].want), "%s: %.*s",
		    printed[i].want, STR_ARG(buf_str(&out)));
		buf_fini(&out);
	}
}

#define X10 "xxxxxxxxxx"
#define X60 X10 X10 X10 X10 X10 X10
#define LABEL60 X60 "."

static const struct {
	const char *text;
	bool utf8;
	const char *local; /* NULL: not valid */
} mailboxes[] = {
	{ "joe@example.test", false, "joe" },
	{ "j@d", false, "j" },
	{ "a.b-c+d@e", false, "a.b-c+d" },
	{ "!#$%&'*+-/=?^_`{|}~@e", false, "!#$%&'*+-/=?^_`{|}~" },
	{ "\"a b\"@c", false, "a b" },
	{ "\"a@b\"@c", false, "a@b" },
	{ "\"a\\\"\\\\b\"@c", false, "a\"\\b" },
	{ "\"\"@c", false, "" },
	{ "joe@[1.2.3.4]", false, "joe" },
	{ "joe@[IPv6:2001:db8::1]", false, "joe" },
	{ "joe@[ipv6:::1]", false, "joe" },
	{ "joe@xn--d-eka.test", false, "joe" },
	{ X60 X60 "xxxxxxxx@a", false, X60 X60 "xxxxxxxx" },
	{ "a@" LABEL60 LABEL60 LABEL60 LABEL60 X10 "x", false, "a" },
	{ "j\xc3\xb6@d", true, "j\xc3\xb6" },
	{ "\"j \xc3\xb6\"@d", true, "j \xc3\xb6" },
	{ "j@d\xc3\xb6.test", true, "j" },
	{ "j\xc3\xb6@d", false, NULL },
	{ "j\xc3@d", true, NULL },
	{ "\"\\\xc3\xb6\"@d", true, NULL },
	{ "", false, NULL },
	{ "joe", false, NULL },
	{ "joe@", false, NULL },
	{ "@a", false, NULL },
	{ ".a@b", false, NULL },
	{ "a.@b", false, NULL },
	{ "a..b@c", false, NULL },
	{ "a b@c", false, NULL },
	{ "a@b@c", false, NULL },
	{ "a@-b", false, NULL },
	{ "a@b-", false, NULL },
	{ "a@b..c", false, NULL },
	{ "a@b.", false, NULL },
	{ "a@.b", false, NULL },
	{ "a@b_c", false, NULL },
	{ "a@b c", false, NULL },
	{ "a@b\r", false, NULL },
	{ "\"a@b", false, NULL },
	{ "\"a\"b@c", false, NULL },
	{ "\"a\r\n\"@c", false, NULL },
	{ "\"a\\", false, NULL },
	{ "a@[1.2.3]", false, NULL },
	{ "a@[1.2.3.256]", false, NULL },
	{ "a@[1.2.3.4", false, NULL },
	{ "a@[IPv6:1.2.3.4]", false, NULL },
	{ "a@[IPv6:2001:db8::1::2]", false, NULL },
	{ "a@[2001:db8::1]", false, NULL },
	{ "a@[tag:x]", false, NULL },
	{ "a@[]", false, NULL },
	{ "<a@b>", false, NULL },
	{ X60 X60 "xxxxxxxxx@a", false, NULL },
	{ "\"" X60 X60 "xxxxxxxxx\"@a", false, NULL },
	{ "a@" X60 "xxxx", false, NULL },
	{ "a@" LABEL60 LABEL60 LABEL60 LABEL60 X10 "xx", false, NULL },
};

Test(address, smtp_mailboxes)
{
	struct arena *a = arena_new(0);

	for (size_t i = 0; i < sizeof(mailboxes) / sizeof(mailboxes[0]); i++) {
		struct pst_str local, domain;
		bool ok = msg_smtp_mailbox(a, str_of(mailboxes[i].text),
		    mailboxes[i].utf8, &local, &domain);

		cr_expect_eq(
		    ok, mailboxes[i].local != NULL, "%s", mailboxes[i].text);
		if (ok && mailboxes[i].local != NULL) {
			cr_expect(str_is(local, mailboxes[i].local), "%s",
			    mailboxes[i].text);
			cr_expect_eq(domain.p + domain.n,
			    mailboxes[i].text + strlen(mailboxes[i].text));
		}
	}
	arena_free(&a);
}
