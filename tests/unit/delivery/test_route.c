/*
 * Recipient routing with a real accounts database.
 */
#include "delivery/route.h"

#include "base/str.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <unistd.h>

static char dir[] = "/tmp/postern-route-XXXXXX";
static struct config *cfg;
static struct services sv;

static void
add_user(const char *address, bool admin)
{
	struct account_user user = { .enabled = true,
		.is_admin = admin,
		.quota_bytes = -1,
		.quota_messages = -1 };
	struct pst_error err;

	(void)str_copy(user.address, sizeof(user.address), str_of(address));
	cr_assert_eq(account_add(sv.accounts, &user, STR_NONE, &err), PST_OK,
	    "%s", err.detail);
}

static void
add_alias(const char *address, const char *target)
{
	struct pst_error err;

	cr_assert_eq(alias_add(sv.accounts, address, target, &err), PST_OK,
	    "%s", err.detail);
}

static void
open_accounts(void)
{
	struct pst_error err;
	char text[512];

	cr_assert_not_null(mkdtemp(dir));
	(void)snprintf(text, sizeof(text),
	    "hostname = \"mail.a.test\"\ndomains = { \"a.test\", \"b.test\" }\n"
	    "state_dir = \"%s\"\nstorage maildir { path = \"%s\" }\n"
	    "listener smtp {\n\tprotocol = smtp\n\tport = 25\n}\n",
	    dir, dir);
	cfg = config_parse(text, NULL, 0, NULL, NULL, &err);
	cr_assert_not_null(cfg, "%s", err.detail);
	sv.accounts = accounts_open(cfg, &err);
	cr_assert_not_null(sv.accounts, "%s", err.detail);
	add_user("one@a.test", true);
	add_user("two@a.test", false);
	add_user("one@b.test", false);
}

static void
close_accounts(void)
{
	static const char *const names[] = { "accounts.db", "accounts.db-wal",
		"accounts.db-shm" };

	accounts_close(&sv.accounts);
	config_unref(&cfg);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char path[256];

		(void)snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		(void)unlink(path);
	}
	(void)rmdir(dir);
}

TestSuite(route, .init = open_accounts, .fini = close_accounts);

static enum pst_rc
resolve(const char *address, size_t max, struct delivery_route *route_r)
{
	struct pst_error err;

	return route_resolve(&sv, cfg, str_of(address), max, route_r, &err);
}

Test(route, results)
{
	static const struct {
		const char *address;
		enum pst_rc rc;
		const char *user;
	} cases[] = {
		{ "one@a.test", PST_OK, "one@a.test" },
		{ "ONE@A.Test", PST_OK, "one@a.test" },
		{ "\"one\"@a.test", PST_OK, "one@a.test" },
		{ "one+detail@a.test", PST_OK, "one@a.test" },
		{ "one@b.test", PST_OK, "one@b.test" },
		{ "postmaster", PST_OK, "one@a.test" },
		{ "Postmaster@b.test", PST_OK, "one@a.test" },
		{ "three@a.test", PST_E_NOTFOUND, NULL },
		{ "two@b.test", PST_E_NOTFOUND, NULL },
		{ "\"one@c.test\"@a.test", PST_E_NOTFOUND, NULL },
		{ "one@c.test", PST_E_UNSUPPORTED, NULL },
		{ "one@sub.a.test", PST_E_UNSUPPORTED, NULL },
		{ "one@[192.0.2.1]", PST_E_UNSUPPORTED, NULL },
		{ "one@", PST_E_NOTFOUND, NULL },
		{ "", PST_E_NOTFOUND, NULL },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct delivery_route route;
		enum pst_rc rc = resolve(cases[i].address, 10, &route);

		cr_expect_eq(
		    rc, cases[i].rc, "%s: %d", cases[i].address, (int)rc);
		if (rc == PST_OK && cases[i].user != NULL) {
			cr_assert_eq(route.users, 1);
			cr_expect_str_eq(route.user[0].address, cases[i].user);
		}
		route_fini(&route);
	}
}

Test(route, each_user_once)
{
	struct delivery_route route;

	add_alias("all@a.test", "one@a.test");
	add_alias("all@a.test", "two@a.test");
	add_alias("all@a.test", "some@b.test");
	add_alias("some@b.test", "two@a.test");
	cr_assert_eq(resolve("all@a.test", 10, &route), PST_OK);
	cr_assert_eq(route.users, 2);
	cr_assert_eq(route.outsides, 0);
	route_fini(&route);
}

Test(route, outside_addresses_are_told)
{
	struct delivery_route route;

	add_alias("mixed@a.test", "one@a.test");
	add_alias("mixed@a.test", "x@other.test");
	cr_assert_eq(resolve("mixed@a.test", 10, &route), PST_OK);
	cr_assert_eq(route.users, 1);
	cr_assert_eq(route.outsides, 1);
	cr_assert_str_eq(route.outside[0], "x@other.test");
	route_fini(&route);
}

Test(route, too_many_users)
{
	struct delivery_route route;

	add_alias("all@a.test", "one@a.test");
	add_alias("all@a.test", "two@a.test");
	cr_assert_eq(resolve("all@a.test", 1, &route), PST_E_LIMIT);
	route_fini(&route);
	cr_assert_eq(resolve("one@a.test", 0, &route), PST_E_LIMIT);
	route_fini(&route);
}

Test(route, an_alias_that_leads_nowhere)
{
	struct delivery_route route;

	add_alias("loop@a.test", "pool@a.test");
	add_alias("pool@a.test", "loop@a.test");
	add_alias("dead@a.test", "nobody@a.test");
	cr_expect_eq(resolve("loop@a.test", 10, &route), PST_E_CONFLICT);
	route_fini(&route);
	cr_expect_eq(resolve("dead@a.test", 10, &route), PST_E_NOTFOUND);
	route_fini(&route);
}
