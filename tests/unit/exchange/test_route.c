/*
 * By which way mail goes: patterns, and blocks that stand side by side.
 */
#include "exchange/route.h"

#include "base/str.h"

#include <criterion/criterion.h>

Test(route, patterns_of_domains)
{
	static const struct {
		const char *pattern, *domain;
		bool want;
	} row[] = {
		{ "example.org", "example.org", true },
		{ "example.org", "EXAMPLE.org", true },
		{ "example.org", "a.example.org", false },
		{ "example.org", "anexample.org", false },
		{ ".example.org", "a.example.org", true },
		{ ".example.org", "a.b.Example.org", true },
		{ ".example.org", "example.org", false },
		{ ".example.org", ".example.org", false },
		{ "*.example.org", "a.example.org", true },
		{ "*.example.org", "example.org", false },
		{ "*", "anything.test", true },
		{ "*", "", true },
		{ "example.org", "", false },
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++)
		cr_expect_eq(
		    route_domain_matches(row[i].pattern, str_of(row[i].domain)),
		    row[i].want, "%s %s", row[i].pattern, row[i].domain);
}

Test(route, patterns_of_senders)
{
	static const struct {
		const char *pattern, *sender;
		bool want;
	} row[] = {
		{ "a@example.org", "a@example.org", true },
		{ "a@example.org", "A@Example.org", true },
		{ "a@example.org", "b@example.org", false },
		{ "example.org", "b@example.org", true },
		{ "example.org", "b@sub.example.org", false },
		{ ".example.org", "b@sub.example.org", true },
		{ "<>", "", true },
		{ "<>", "a@example.org", false },
		{ "example.org", "", false },
		{ "*", "", true },
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++)
		cr_expect_eq(
		    route_sender_matches(row[i].pattern, str_of(row[i].sender)),
		    row[i].want, "%s %s", row[i].pattern, row[i].sender);
}

static struct config *
parse(const char *blocks)
{
	char text[4096];
	struct pst_error err = { 0 };
	struct config *cfg;

	(void)snprintf(text, sizeof(text),
	    "hostname = \"here.test\"\n"
	    "listener smtp {\n protocol = smtp\n}\n"
	    "storage maildir {\n path = \"/nowhere\"\n}\n%s",
	    blocks);
	cfg = config_parse(text, NULL, 0, NULL, NULL, &err);
	cr_assert_not_null(cfg, "%s", err.detail);
	return cfg;
}

static const char blocks[] =
    "relay smart {\n host = { \"a.test:587\", \"[192.0.2.1]\" }\n}\n"
    "relay login {\n host = c.test\n username = u\n password_file = p\n}\n"
    "destination sales {\n senders = { \"sales.test\" }\n"
    " source = \"192.0.2.7\"\n helo = \"out.sales.test\"\n}\n"
    "destination bank {\n domains = { \"bank.test\", \".bank.test\" }\n"
    " tls = verify\n names = \"mx.bank.test\"\n at_once = 3\n}\n"
    "destination boss {\n senders = \"boss@sales.test\"\n relay = login\n}\n"
    "destination rest {\n domains = \"*\"\n relay = smart\n tls = must\n}\n";

static const struct route *
find(struct routes *r, const char *sender, const char *domain)
{
	return routes_get(r, routes_find(r, str_of(sender), str_of(domain)));
}

Test(route, each_key_of_the_first_block_that_has_it)
{
	struct config *cfg = parse(blocks);
	struct routes *r = routes_new(cfg);
	const struct route *a = find(r, "x@else.test", "there.test");
	const struct route *b = find(r, "y@more.test", "other.test");
	struct hosts h;

	cr_assert_eq(a, b); /* nothing is different */
	cr_assert_str_eq(a->relay->name, "smart");
	cr_assert_eq(a->tls, CONFIG_OUTBOUND_MUST);
	cr_assert_str_eq(a->helo, "here.test");
	cr_assert_null(a->source);
	cr_assert(route_hosts(a, &h));
	cr_assert_eq(h.n, 2);
	cr_assert_str_eq(h.host[0].name, "a.test");
	cr_assert_eq(h.host[0].port, 587);
	cr_assert(h.host[1].is_literal);

	b = find(r, "x@sales.test", "a.bank.test");
	cr_assert_neq(a->id, b->id);
	cr_assert_str_eq(b->helo, "out.sales.test");
	cr_assert_str_eq(b->source->v[0], "192.0.2.7");
	cr_assert_eq(b->at_once, 3);
	cr_assert_str_eq(b->relay->name, "smart");

	b = find(r, "boss@sales.test", "there.test");
	cr_assert_str_eq(b->relay->name, "login");
	cr_assert_eq(b->tls, CONFIG_OUTBOUND_VERIFY, "there is a password");
	b = find(r, "boss@sales.test", "bank.test");
	cr_assert_str_eq(b->relay->name, "login");
	cr_assert_str_eq(b->names->v[0], "mx.bank.test");
	routes_free(&r);
	config_unref(&cfg);
}

Test(route, direct_says_that_there_is_no_relay)
{
	struct config *cfg = parse(
	    "queue {\n relay = \"smart.test\"\n}\n"
	    "destination bank {\n domains = \"bank.test\"\n relay = direct\n"
	    " tls = dane\n port = 2525\n}\n");
	struct routes *r = routes_new(cfg);
	const struct route *a = find(r, "", "bank.test");
	struct hosts h;

	cr_assert(!route_hosts(a, &h));
	cr_assert_eq(a->tls, CONFIG_OUTBOUND_DANE);
	cr_assert_eq(a->port, 2525);
	a = find(r, "", "else.test");
	cr_assert(route_hosts(a, &h));
	cr_assert_str_eq(h.key, "smart.test");
	route_mark(a, &h);
	cr_assert_str_eq(h.key, "smart.test", "nothing is special about it");
	routes_free(&r);
	config_unref(&cfg);
}

/* After a reload the same is the same, and what was changed is another. */
Test(route, numbers_outlive_a_reload)
{
	struct config *cfg = parse(blocks), *same = parse(blocks);
	struct config *other = parse("destination bank {\n"
				     " domains = \"bank.test\"\n at_once = 4\n"
				     "}\n");
	struct routes *r = routes_new(cfg);
	uint32_t before = routes_find(r, STR("a@b.test"), STR("bank.test"));
	struct hosts h = { .key = "mx.test" }, k = { .key = "mx.test" };
	uint32_t after;

	routes_configure(r, same);
	config_unref(&cfg);
	cr_assert_eq(routes_find(r, STR("a@b.test"), STR("bank.test")), before);
	routes_configure(r, other);
	config_unref(&same);
	after = routes_find(r, STR("a@b.test"), STR("bank.test"));
	cr_assert_neq(after, before);
	cr_assert_str_eq(routes_get(r, before)->relay->name, "smart");
	route_mark(routes_get(r, before), &h);
	route_mark(routes_get(r, after), &k);
	cr_assert_str_neq(h.key, k.key);
	cr_assert_eq(k.at_once, 4);
	routes_free(&r);
	config_unref(&other);
}

Test(route, says_what_is_wrong)
{
	static const struct {
		const char *block, *want;
	} row[] = {
		{ "relay a { }\n", "relay a: expected a host" },
		{ "relay direct { host = a.test }\n", "another name" },
		{ "relay a { host = \"a b\" }\n", "not \"a b\"" },
		{ "relay a { host = \"a.test:0\" }\n", "not \"a.test:0\"" },
		{ "relay a { host = a.test username = u }\n",
		    "belong together" },
		{ "relay a { host = a.test tls = none username = u "
		  "password_file = p }\n",
		    "a password needs TLS" },
		{ "relay a { host = a.test mechanisms = CRAM-MD5 }\n",
		    "not \"CRAM-MD5\"" },
		{ "destination a { relay = b }\n", "no relay block \"b\"" },
		{ "destination a { domains = \"-.test\" }\n",
		    "not \"-.test\"" },
		{ "destination a { senders = \"@b.test\" }\n",
		    "not \"@b.test\"" },
		{ "destination a { source = \"localhost\" }\n",
		    "not \"localhost\"" },
		{ "destination a { source = { \"192.0.2.1\", \"192.0.2.2\" } "
		  "}\n",
		    "at most one IPv4" },
		{ "destination a { helo = \"a b\" }\n", "as helo" },
		{ "destination a { names = \"b.test\" }\n",
		    "names are for tls = verify" },
		{ "queue { relay = \"a b\" }\n", "queue.relay: expected" },
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		char text[1024];
		struct pst_error err = { 0 };

		(void)snprintf(text, sizeof(text),
		    "hostname = \"here.test\"\n"
		    "listener smtp { protocol = smtp }\n%s",
		    row[i].block);
		cr_expect_null(config_parse(text, NULL, 0, NULL, NULL, &err));
		cr_expect(strstr(err.detail, row[i].want) != NULL,
		    "\"%s\" is not in \"%s\"", row[i].want, err.detail);
	}
}
