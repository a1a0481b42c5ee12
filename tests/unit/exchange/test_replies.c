/* The rules of postern-replies(5), and those that the program brings along. */
#include "base/str.h"
#include "exchange/replies.h"

#include <criterion/criterion.h>

static struct replies *rules;

static void
load_builtin(void)
{
	struct pst_error err = { 0 };

	cr_assert_eq(replies_load("", &rules, &err), PST_OK, "%s", err.detail);
}

static void
read_rules(const char *text)
{
	struct pst_error err = { 0 };

	replies_unref(&rules);
	cr_assert_eq(replies_parse(str_of(text), "rules", &rules, &err), PST_OK,
	    "%s", err.detail);
}

static void
forget(void)
{
	replies_unref(&rules);
}

static struct replies_advice
look(const char *text, const char *host)
{
	struct replies_advice said;
	struct reply r;

	reply_init(&r);
	cr_assert(reply_read(str_of(text), &r), "%s", text);
	said = replies_look(rules, &r, host);
	reply_fini(&r);
	return said;
}

TestSuite(replies, .fini = forget);

/* Wordings that are met, and whether they mean that there is too much. */
static const struct {
	const char *text, *host;
	bool slower;
	int64_t sleep;
} met[] = {
	{ "421 4.7.0 Try again later, closing connection", "mx.a.test", true,
	    0 },
	{ "421 Service not available", "mx.a.test", true, 0 },
	{ "450 4.7.1 Too many connections from your host", "mx", true, 0 },
	{ "452 4.5.3 Too many recipients", "mx.a.test", false, 0 },
	{ "451 4.7.1 Greylisting in action, try again later", "mx.a.test",
	    false, 0 },
	{ "450 4.2.0 Recipient address rejected: Greylisted", "mx.a.test",
	    false, 0 },
	{ "452 4.2.2 Mailbox full: limit exceeded", "mx.a.test", false, 0 },
	{ "421 4.7.28 Our system has detected an unusual rate",
	    "aspmx.l.google.com [192.0.2.1]", true, 600 },
	{ "451 4.7.500 Server busy. Please try again later", "a.outlook.com",
	    true, 600 },
	{ "421 4.7.0 [TSS04] Messages temporarily deferred",
	    "mta5.am0.yahoodns.net [192.0.2.1]", true, 600 },
	{ "450 4.1.8 Domain not found", "mx.a.test", false, 0 },
	{ "451 Rate limit exceeded, try again in an hour", "mx", true, 3600 },
	{ "550 5.1.1 No such user", "mx.a.test", false, 0 },
	{ "250 2.0.0 too many connections", "mx.a.test", false, 0 },
};

Test(replies, what_servers_say)
{
	load_builtin();
	for (size_t i = 0; i < sizeof(met) / sizeof(met[0]); i++) {
		struct replies_advice said = look(met[i].text, met[i].host);

		cr_expect_eq(said.slower, met[i].slower, "%s", met[i].text);
		cr_expect_eq(said.sleep, met[i].sleep, "%s", met[i].text);
	}
	cr_assert_eq(
	    look("554 5.7.1 Greylisted", "mx").state, REPLIES_TEMPORARY);
}

Test(replies, the_first_that_fits)
{
	struct replies_advice said;

	read_rules("# a comment\n\n"
		   "4?1 4.7.* host *.A.test \"one\" \"two\" -> slower # x\n"
		   "4?1 host mx.* -> rate 30, sleep 2h, note \"a, b\"\n"
		   "550 \"later*please\" -> temporary\r\n"
		   "450 \"unknown\" -> permanent\n"
		   "\"nothing\" -> nothing\n"
		   "4?? -> slower");
	cr_assert_eq(look("451 4.7.9 Two, ONE", "MX.a.TEST [::1]").line, 3);
	cr_assert_eq(look("451 4.6.9 two one", "mx.a.test").line, 4);
	said = look("451 4.7.9 one", "mx.a.test [192.0.2.1]");
	cr_assert_eq(said.line, 4);
	cr_assert_eq(said.rate, 30);
	cr_assert_eq(said.sleep, 7200);
	cr_assert_str_eq(said.note, "a, b");
	cr_assert(!said.slower);
	cr_assert_eq(
	    look("550 Later, if you please", "h").state, REPLIES_TEMPORARY);
	cr_assert_eq(look("550 No", "h").line, 0);
	cr_assert_eq(look("450 User unknown", "h").state, REPLIES_PERMANENT);
	cr_assert(!look("452 Nothing", "h").slower);
	cr_assert(look("452 Something", "h").slower);
}

static const struct {
	const char *text, *detail;
} wrong[] = {
	{ "421 slower", "rules:1: slower: expected a code" },
	{ "\n\n421", "rules:3: there is no ->" },
	{ "-> slower", "rules:1: a rule without a pattern" },
	{ "421 ->", "rules:1: expected what is to be done" },
	{ "421 -> slower sleep 5m", "rules:1: sleep: expected a comma" },
	{ "421 -> sleep", "rules:1: sleep: expected a time" },
	{ "421 -> sleep 8d", "rules:1: sleep: expected a time" },
	{ "421 -> sleep 5x", "rules:1: sleep: expected a time" },
	{ "421 -> rate 0", "rules:1: rate: expected a number" },
	{ "421 -> rate 5m", "rules:1: rate: expected a number" },
	{ "421 -> faster", "rules:1: faster: expected slower" },
	{ "421 -> note", "rules:1: note: expected a text" },
	{ "421 421 -> slower", "rules:1: 421: expected a code" },
	{ "250 -> slower", "rules:1: 250: expected a code" },
	{ "421 host -> slower", "rules:1: host: expected a pattern" },
	{ "421 \"a -> slower", "rules:1: a quotation mark is missing" },
	{ "421 \"\" -> slower", "rules:1: an empty text" },
	{ "\"a\" \"a\" \"a\" \"a\" \"a\" \"a\" \"a\" \"a\" \"a\" -> slower",
	    "rules:1: more than 8 texts" },
};

Test(replies, mistakes_are_told)
{
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct pst_error err = { 0 };

		cr_expect_eq(
		    replies_parse(str_of(wrong[i].text), "rules", &rules, &err),
		    PST_E_SYNTAX, "%s", wrong[i].text);
		cr_expect_null(rules);
		cr_expect(
		    str_has_prefix_case(str_of(err.detail), wrong[i].detail),
		    "%s: %s", wrong[i].text, err.detail);
	}
}

Test(replies, limits)
{
	struct pst_error err = { 0 };
	struct buf text;

	buf_init(&text, 1 << 20);
	for (int i = 0; i < REPLIES_RULES; i++)
		(void)buf_puts(&text, "421 -> slower\n");
	cr_assert_eq(
	    replies_parse(buf_str(&text), "rules", &rules, &err), PST_OK);
	(void)buf_puts(&text, "421 -> slower\n");
	replies_unref(&rules);
	cr_assert_eq(
	    replies_parse(buf_str(&text), "rules", &rules, &err), PST_E_SYNTAX);
	cr_assert_str_eq(err.detail, "rules:1001: more than 1000 rules");
	buf_fini(&text);
	cr_assert_eq(
	    replies_load("/nowhere/at/all", &rules, &err), PST_E_NOTFOUND);
}
