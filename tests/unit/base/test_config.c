/* The configuration: defaults, errors with line and expectation, overrides. */
#include "base/config.h"
#include "base/str.h"
#include <criterion/criterion.h>
#include <stdlib.h>

static const char good[] =
    "hostname = \"Mail.Example.ORG\"\n"
    "domains = { Example.org, \"b.example\" }\n"
    "listener imap { protocol = imap port = 143 }\n"
    "listener smtp { protocol = smtp port = 25 tls = none }\n"
    "smtp { message_size = 10M idle_time = 2m }\n";

Test(config, reads_values_and_fills_in_defaults)
{
	struct pst_error err;
	struct config *c = config_parse(good, NULL, 0, NULL, NULL, &err);

	cr_assert_not_null(c, "%s", err.detail);
	cr_assert_str_eq(c->hostname, "mail.example.org");
	cr_assert_eq(c->domains.n, 2);
	cr_assert_str_eq(c->domains.v[0], "example.org");
	cr_assert_eq(c->listeners, 2);
	cr_assert_eq(c->listener[1].protocol, CONFIG_SMTP);
	cr_assert_eq(c->listener[1].tls, CONFIG_TLS_NONE);
	cr_assert_eq(c->listener[0].tls, CONFIG_TLS_STARTTLS);
	cr_assert_eq(c->smtp.message_size, 10 << 20);
	cr_assert_eq(c->smtp.idle_time, 120);
	cr_assert_eq(c->imap.idle_time, 1800);
	cr_assert_eq(c->storages, 1);
	cr_assert_str_eq(c->storage[0].module, "maildir");
	cr_assert_eq(c->mailboxes, 5);
	cr_assert_str_eq(c->mailbox[0].special_use, "\\Sent");
	cr_assert(config_is_local_domain(c, STR("B.example")));
	cr_assert(!config_is_local_domain(c, STR("c.example")));
	config_unref(&c);
}

static struct config *
with_url(const char *url, struct pst_error *err)
{
	char text[2048];

	(void)snprintf(
	    text, sizeof(text), "%sweb { url = \"%s\" }\n", good, url);
	return config_parse(text, NULL, 0, NULL, NULL, err);
}

Test(config, the_url_of_the_web)
{
	static const struct {
		const char *given, *url;
	} good_ones[] = {
		{ "", "https://mail.example.org" },
		{ "https://Web.Example.ORG/", "https://web.example.org" },
		{ "HTTPS://a:443", "https://a" },
		{ "https://a:80", "https://a:80" },
		{ "http://a:80/", "http://a" },
		{ "http://localhost:8080", "http://localhost:8080" },
		{ "https://192.0.2.1", "https://192.0.2.1" },
		{ "https://[2001:DB8::1]:8443", "https://[2001:db8::1]:8443" },
		{ "https://[2001:db8::80]", "https://[2001:db8::80]" },
	};
	static const char *const bad[] = { "web.example.org", "https://",
		"https:///", "https://a/mail", "https://a?b", "https://a b",
		"https://a:", "https://a:0", "https://a:70000", "https://a:b",
		"https://:443", "https://[::1", "https://[]", "https://[a]",
		"https://[::1]x", "https://u@a", "ftp://a", "https://b\xc3\xbc",
		"https://a//" };
	struct pst_error err;
	char url[CONFIG_URL], text[400];

	for (size_t i = 0; i < sizeof(good_ones) / sizeof(good_ones[0]); i++) {
		struct config *c = with_url(good_ones[i].given, &err);

		cr_assert_not_null(c, "%s: %s", good_ones[i].given, err.detail);
		cr_expect_str_eq(config_web_url(c, url), good_ones[i].url);
		config_unref(&c);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		cr_expect_null(with_url(bad[i], &err), "%s", bad[i]);
		cr_expect_not_null(
		    strstr(err.detail, "web.url"), "%s", err.detail);
	}
	(void)snprintf(text, sizeof(text), "https://%0300d", 0);
	cr_expect_null(with_url(text, &err));
}

Test(config, proxies_of_http)
{
	static const struct {
		const char *listener;
		bool good;
	} all[] = {
		{ "protocol = http forwarded_from = \"127.0.0.1\"", true },
		{ "protocol = http forwarded_from = { \"unix\", \"::1\" }",
		    true },
		{ "protocol = http forwarded_from = \"localhost\"", false },
		{ "protocol = imap forwarded_from = \"127.0.0.1\"", false },
		{ "protocol = metrics forwarded_from = \"127.0.0.1\"", false },
		{ "protocol = http forwarded_from = \"127.0.0.1\""
		  " proxy = yes proxy_from = \"127.0.0.1\"",
		    false },
	};
	struct pst_error err;

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		char text[1024];
		struct config *c;

		(void)snprintf(text, sizeof(text),
		    "%slistener web { port = 80 %s }\n", good, all[i].listener);
		c = config_parse(text, NULL, 0, NULL, NULL, &err);
		cr_expect_eq(c != NULL, all[i].good, "%s", all[i].listener);
		config_unref(&c);
	}
}

Test(config, says_file_line_and_what_was_expected)
{
	static const struct {
		const char *extra, *want;
	} cases[] = {
		{ "limits { connections = many }\n", ":6: limits.connections: "
						     "expected a number" },
		{ "limits {\n connections = 0 }\n", ":7: limits.connections" },
		{ "smtp { message_size = 10X }\n", "expected a number from" },
		{ "smtp { bare_newline = maybe }\n",
		    "expected one of: reject keep" },
		{ "auth { plaintext_on_loopback = perhaps }\n",
		    "expected true or false" },
		{ "lmits { }\n", "no such option 'lmits'" },
		{ "limits { conections = 3 }\n",
		    "no such option 'conections'" },
		{ "default_storage = other\n", "no storage block \"other\"" },
		{ "storage s { option = {\"novalue\"} }\n", "key=value" },
		{ "storage aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeee"
		  "ffffffffffggggg { module = maildir }\n",
		    "a name of at most 64" },
		{ "accounts { database = other }\n",
		    "accounts.database: expected sqlite or" },
		{ "domain c.example { storage = maildir }\n",
		    "domain c.example: expected one of `domains`" },
		{ "domain example.org { storage = other }\n",
		    "no storage block \"other\"" },
		{ "listener x { tls = implicit port = 1 }\n",
		    "needs a certificate" },
		{ "tls { min_version = 1.1 }\n", "expected 1.2 or 1.3" },
		{ "hostname = \"not a name\"\n", "hostname: expected" },
		{ "listener x { address = {\"300.1.1.1\"} }\n",
		    "expected \"*\" or an IP address, not \"300.1.1.1\"" },
		{ "mailbox x { special_use = \"Sent\" }\n",
		    "mailbox x: expected a special use" },
		{ "mailbox x { special_use = \"\\\\Odd\" }\n",
		    "mailbox x: expected a special use" },
		{ "mailbox \"a//b\" { }\n", "mailbox a//b: expected a name" },
		{ "mailbox \"a/\" { }\n", "mailbox a/: expected a name" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct pst_error err = { 0 };
		struct config *c;
		struct buf text;

		buf_init(&text, 4096);
		(void)buf_puts(&text, good);
		(void)buf_puts(&text, cases[i].extra);
		(void)buf_putc(&text, '\0');
		c = config_parse(text.p, NULL, 0, NULL, NULL, &err);
		cr_assert_null(c, "%s", cases[i].extra);
		cr_assert_not_null(strstr(err.detail, cases[i].want),
		    "%s gives: %s", cases[i].extra, err.detail);
		buf_fini(&text);
	}
}

Test(config, overrides_any_key)
{
	static const struct config_override o[] = {
		{ "limits.connections", "7" },
		{ "listener.imap.port", "1143" },
		{ "listener.extra.port", "99" },
		{ "domains", "x.example y.example" },
		{ "storage.maildir.path", "/tmp/x" },
	};
	static const struct config_override bad[] = {
		{ "hide.x.client", "y" },
		{ "filter.x.description", "y" },
		{ "filter.X.search", "ALL" },
		{ "filter.a/b.search", "ALL" },
		{ "limits.nothing", "1" },
		{ "limits.connections", "x" },
		{ "listener.port", "1" },
		{ "limits.a.connections", "1" },
		{ "a.b.c.d", "1" },
		{ "", "1" },
	};
	struct pst_error err;
	struct config *c = config_parse(good, o, 5, NULL, NULL, &err);

	cr_assert_not_null(c, "%s", err.detail);
	cr_assert_eq(c->limits.connections, 7);
	cr_assert_eq(c->listener[0].port, 1143);
	cr_assert_eq(c->listeners, 3);
	cr_assert_eq(c->domains.n, 2);
	cr_assert_str_eq(c->domains.v[1], "y.example");
	cr_assert_str_eq(
	    config_storage_value(&c->storage[0], "path"), "/tmp/x");
	config_unref(&c);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_assert_null(config_parse(good, &bad[i], 1, NULL, NULL, &err),
		    "%s", bad[i].key);
}

Test(config, reads_what_it_prints)
{
	struct pst_error err;
	struct config *c = config_parse(good, NULL, 0, NULL, NULL, &err), *d;
	char *first = NULL, *second = NULL;
	size_t n;
	FILE *f = open_memstream(&first, &n);

	config_print(c, f);
	(void)fclose(f);
	d = config_parse(first, NULL, 0, NULL, NULL, &err);
	cr_assert_not_null(d, "%s", err.detail);
	f = open_memstream(&second, &n);
	config_print(d, f);
	(void)fclose(f);
	cr_assert_str_eq(first, second);
	free(first);
	free(second);
	config_unref(&c);
	config_unref(&d);
}

Test(config, gives_modules_their_options)
{
	struct pst_error err;
	struct buf text;
	struct config *c;

	buf_init(&text, 4096);
	(void)buf_puts(&text, good);
	(void)buf_puts(&text,
	    "storage db { path = p option = { \"a=1\", \"ab=x=y\" } }\n");
	(void)buf_putc(&text, '\0');
	c = config_parse(text.p, NULL, 0, NULL, NULL, &err);
	cr_assert_not_null(c, "%s", err.detail);
	cr_assert_str_eq(c->storage[0].module, "db");
	cr_assert_str_eq(config_storage_value(&c->storage[0], "a"), "1");
	cr_assert_str_eq(config_storage_value(&c->storage[0], "ab"), "x=y");
	cr_assert_null(config_storage_value(&c->storage[0], "b"));
	cr_assert_str_eq(config_storage_value(&c->storage[0], "fsync"), "true");
	config_unref(&c);
	buf_fini(&text);
}

/* A domain's name has dots; so have its keys. */
Test(config, domains_have_blocks)
{
	static const struct config_override set[] = {
		{ "domain.b.example.storage", "second" },
		{ "storage.second.module", "maildir" },
		{ "accounts.database", "second" },
	};
	struct pst_error err;
	char text[1024];
	struct config *c;

	(void)snprintf(text, sizeof(text),
	    "%sdomain Example.ORG { storage = second }\n", good);
	c = config_parse(text, set, 3, NULL, NULL, &err);
	cr_assert_not_null(c, "%s", err.detail);
	cr_assert_eq(c->domain_blocks, 2);
	cr_assert_str_eq(c->domain[0].name, "example.org");
	cr_assert_str_eq(c->domain[0].storage, "second");
	cr_assert_str_eq(c->domain[1].name, "b.example");
	cr_assert_str_eq(c->domain[1].storage, "second");
	cr_assert(!config_accounts_in_file(c));
	config_unref(&c);
}
