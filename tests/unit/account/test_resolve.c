/*
 * Whom an address leads to, and who may send as whom.
 */
#include "base/str.h"
#include "fixture.h"
#include <criterion/criterion.h>

static struct pst_error err;

struct found {
	char text[4096];
	size_t n;
};

static void
note(void *arg, const struct account_user *user, const char *outside,
    const char *detail)
{
	struct found *found = arg;
	size_t used = strlen(found->text);

	cr_expect((user == NULL) != (outside == NULL));
	found->n++;
	if (used + 700 < sizeof(found->text))
		(void)snprintf(found->text + used, sizeof(found->text) - used,
		    "%s%s%s%s%s", used > 0 ? " " : "",
		    user != NULL ? user->address : ">",
		    user != NULL ? "" : outside, detail[0] != '\0' ? "|" : "",
		    detail);
}

static struct fixture
people(void)
{
	struct fixture f = fixture_open(NULL);

	fixture_user(&f, "bob@example.test");
	fixture_user(&f, "eve@example.test");
	fixture_user(&f, "dotted.name@example.test");
	fixture_user(&f, "exact+detail@example.test");
	fixture_alias(&f, "robert@example.test", "bob@example.test");
	fixture_alias(&f, "team@example.test", "bob@example.test");
	fixture_alias(&f, "team@example.test", "eve+team@example.test");
	fixture_alias(&f, "team@example.test", "Far.Away@elsewhere.test");
	fixture_alias(&f, "nested@example.test", "team@example.test");
	fixture_alias(&f, "nested@example.test", "robert@example.test");
	fixture_alias(&f, "loop1@example.test", "loop2@example.test");
	fixture_alias(&f, "loop2@example.test", "loop1@example.test");
	fixture_alias(&f, "loop3@example.test", "loop3@example.test");
	fixture_alias(&f, "loop3@example.test", "bob@example.test");
	fixture_alias(&f, "dangling@example.test", "nobody@example.test");
	fixture_alias(&f, "half@example.test", "nobody@example.test");
	fixture_alias(&f, "half@example.test", "eve@example.test");
	fixture_alias(&f, "spam+x@example.test", "eve@example.test");
	fixture_alias(&f, "two+words@example.test", "a@elsewhere.test");
	return f;
}

static const struct {
	const char *address, *want; /* "": no such recipient */
} cases[] = {
	{ "bob@example.test", "bob@example.test" },
	{ "BOB@Example.Test", "bob@example.test" },
	{ "bob+lists@example.test", "bob@example.test|lists" },
	{ "bob+a+b@example.test", "bob@example.test|a+b" },
	{ "bob+@example.test", "bob@example.test" },
	{ "+bob@example.test", "" },
	{ "exact+detail@example.test", "exact+detail@example.test" },
	{ "\"bob\"@example.test", "bob@example.test" },
	{ "\"b ob\"@example.test", "" },
	{ "robert@example.test", "bob@example.test" },
	{ "robert+x@example.test", "bob@example.test|x" },
	{ "team@example.test",
	    ">Far.Away@elsewhere.test bob@example.test eve@example.test|team" },
	{ "team+deep@example.test",
	    ">Far.Away@elsewhere.test|deep bob@example.test|deep "
	    "eve@example.test|team" },
	{ "nested@example.test",
	    "bob@example.test >Far.Away@elsewhere.test eve@example.test|team" },
	{ "loop1@example.test", "" },
	{ "loop3@example.test", "bob@example.test" },
	{ "dangling@example.test", "" },
	{ "half@example.test", "eve@example.test" },
	{ "spam+x@example.test", "eve@example.test" },
	{ "spam@example.test", "" },
	{ "nobody@example.test", "" },
	{ "bob@elsewhere.test", "" },
	{ "bob", "" },
	{ "", "" },
	{ "@example.test", "" },
	{ "postmaster@example.test", "" },
};

Test(account_resolve, leads_to_users_and_outside)
{
	struct fixture f = people();

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct found found = { .n = 0 };
		enum pst_rc rc = account_resolve(
		    f.a, cases[i].address, note, &found, &err);

		cr_expect_eq(rc,
		    cases[i].want[0] != '\0' ? PST_OK
		    : strcmp(cases[i].address, "loop1@example.test") == 0
			? PST_E_CONFLICT
			: PST_E_NOTFOUND,
		    "%s: %s", cases[i].address, err.detail);
		cr_expect_str_eq(
		    found.text, cases[i].want, "%s", cases[i].address);
	}
	fixture_close(&f);
}

static void
expect(struct fixture *f, const char *address, const char *want)
{
	struct found found = { .n = 0 };

	(void)account_resolve(f->a, address, note, &found, &err);
	cr_expect_str_eq(found.text, want, "%s", address);
}

Test(account_resolve, a_catch_all_comes_last)
{
	struct fixture f = people();

	fixture_alias(&f, "@example.test", "eve@example.test");
	expect(&f, "bob@example.test", "bob@example.test");
	expect(&f, "bob+x@example.test", "bob@example.test|x");
	expect(&f, "any.body@example.test", "eve@example.test");
	expect(&f, "any+x@example.test", "eve@example.test|x");
	expect(&f, "\"any body\"@example.test", "eve@example.test");
	expect(&f, "anybody@xn--bcher-kva.test", "");
	expect(&f, "dangling@example.test", "eve@example.test");
	fixture_close(&f);
}

Test(account_resolve, a_catch_all_may_lead_to_another_domain)
{
	struct fixture f = people();

	fixture_alias(&f, "@xn--bcher-kva.test", "x@example.test");
	fixture_alias(&f, "@example.test", "y@xn--bcher-kva.test");
	/* A loop of catch-alls ends. */
	expect(&f, "z@example.test", "");
	fixture_close(&f);
}

Test(account_resolve, the_postmaster_is_somebody)
{
	struct fixture f = people();

	expect(&f, "postmaster", "");
	fixture_user(&f, "admin@example.test");
	expect(&f, "postmaster@example.test", "admin@example.test");
	expect(&f,
	    "PostMaster@B\xc3\x9c"
	    "CHER.test",
	    "admin@example.test");
	expect(&f, "Postmaster", "admin@example.test");
	expect(&f, "postmaster+x@example.test", "admin@example.test|x");
	expect(&f, "postmaster@elsewhere.test", "");
	/* RFC 2142, 4; without a domain it is nobody. */
	expect(&f, "Abuse@example.test", "admin@example.test");
	expect(&f, "abuse", "");
	fixture_alias(&f, "postmaster@example.test", "eve@example.test");
	expect(&f, "postmaster", "eve@example.test");
	fixture_close(&f);
}

Test(account_resolve, the_disabled_get_mail)
{
	struct fixture f = people();
	struct account_user user;

	cr_assert_eq(
	    account_find(f.a, "bob@example.test", &user, &err), PST_OK);
	user.enabled = false;
	cr_assert_eq(account_update(f.a, &user, EVERYTHING, &err), PST_OK);
	expect(&f, "bob@example.test", "bob@example.test");
	fixture_close(&f);
}

Test(account_resolve, details_are_as_configured)
{
	struct fixture f = people();
	struct config *cfg;

	cfg = fixture_parse("domains = {\"example.test\"}\n"
			    "smtp { detail_separator = \"\" }");
	accounts_reconfigure(f.a, cfg);
	config_unref(&cfg);
	expect(&f, "bob+x@example.test", "");
	cfg = fixture_parse("domains = {\"example.test\"}\n"
			    "smtp { detail_separator = \"--\" }");
	accounts_reconfigure(f.a, cfg);
	config_unref(&cfg);
	expect(&f, "bob--x@example.test", "bob@example.test|x");
	expect(&f, "bob--@example.test", "bob@example.test");
	expect(&f, "bob-@example.test", "");
	fixture_close(&f);
}

Test(account_resolve, goes_over_ten_levels_and_no_more)
{
	struct fixture f = people();
	struct found found = { .n = 0 };
	char from[64], to[64];

	for (int i = 0; i < 12; i++) {
		(void)snprintf(from, sizeof(from), "l%d@example.test", i);
		(void)snprintf(to, sizeof(to), "l%d@example.test", i + 1);
		fixture_alias(&f, from, i < 11 ? to : "bob@example.test");
	}
	expect(&f, "l2@example.test", "bob@example.test");
	cr_expect_eq(
	    account_resolve(f.a, "l1@example.test", note, &found, &err),
	    PST_E_LIMIT);
	cr_expect_eq(found.n, 0);
	fixture_close(&f);
}

Test(account_resolve, leads_to_a_thousand_and_no_more)
{
	struct fixture f = people();
	struct found found = { .n = 0 };

	fixture_alias(&f, "big@example.test", "bob@example.test");
	fixture_sql(&f,
	    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
	    " WHERE i < 999) INSERT INTO account_alias SELECT "
	    "'big@example.test',"
	    " 't' || i || '@elsewhere.test', 'example.test' FROM n");
	cr_expect_eq(
	    account_resolve(f.a, "big@example.test", note, &found, &err),
	    PST_OK);
	cr_expect_eq(found.n, 1000);
	fixture_alias(&f, "big@example.test", "one.more@elsewhere.test");
	found.n = 0;
	cr_expect_eq(
	    account_resolve(f.a, "big@example.test", note, &found, &err),
	    PST_E_LIMIT);
	cr_expect_eq(found.n, 0);
	fixture_close(&f);
}

/* A loop cannot be used to make work: each address is visited once. */
Test(account_resolve, a_tangle_ends)
{
	struct fixture f = people();
	struct found found = { .n = 0 };

	fixture_sql(&f,
	    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
	    " WHERE i < 30) INSERT INTO account_alias SELECT 'm' || a.i ||"
	    " '@example.test', 'm' || b.i || '@example.test', 'example.test'"
	    " FROM n a, n b");
	fixture_alias(&f, "m30@example.test", "bob@example.test");
	cr_expect_eq(
	    account_resolve(f.a, "m1@example.test", note, &found, &err),
	    PST_OK);
	cr_expect_str_eq(found.text, "bob@example.test");
	fixture_close(&f);
}

Test(account_may_send_as, own_names_only)
{
	static const struct {
		const char *user, *address;
		bool want;
	} may[] = {
		{ "bob@example.test", "bob@example.test", true },
		{ "BOB@example.test", "Bob@EXAMPLE.test", true },
		{ "bob@example.test", "bob+any@example.test", true },
		{ "bob@example.test", "robert@example.test", true },
		{ "bob@example.test", "robert+x@example.test", true },
		{ "bob@example.test", "team@example.test", true },
		{ "bob@example.test", "nested@example.test", true },
		{ "eve@example.test", "nested@example.test", true },
		{ "eve@example.test", "robert@example.test", false },
		{ "eve@example.test", "bob@example.test", false },
		{ "eve@example.test", "bob+x@example.test", false },
		{ "bob@example.test", "Far.Away@elsewhere.test", false },
		{ "bob@example.test", "nobody@example.test", false },
		{ "bob@example.test", "", false },
		{ "bob@example.test", "bob", false },
		{ "bob@example.test", "postmaster@example.test", false },
		{ "admin@example.test", "postmaster@example.test", true },
		{ "admin@example.test", "postmaster", false },
		{ "", "bob@example.test", false },
		{ "nobody@example.test", "nobody@example.test", false },
	};
	struct fixture f = people();

	fixture_user(&f, "admin@example.test");
	for (size_t i = 0; i < sizeof(may) / sizeof(may[0]); i++)
		cr_expect_eq(
		    account_may_send_as(f.a, may[i].user, may[i].address, &err),
		    may[i].want ? PST_OK : PST_E_DENIED, "%s as %s",
		    may[i].user, may[i].address);
	fixture_close(&f);
}

/* --- users who forward ------------------------------------------------------
 */

static void
forward(struct fixture *f, const char *user, const char *target, bool keep)
{
	cr_assert_eq(
	    forward_add(f->a, user, target, &err), PST_OK, "%s", err.detail);
	cr_assert_eq(
	    forward_keep(f->a, user, keep, &err), PST_OK, "%s", err.detail);
}

Test(account_forward, with_and_without_a_copy)
{
	struct fixture f = people();

	forward(&f, "bob@example.test", "Far.Away@elsewhere.test", true);
	expect(&f, "bob@example.test",
	    "bob@example.test >Far.Away@elsewhere.test");
	expect(&f, "bob+x@example.test",
	    "bob@example.test|x >Far.Away@elsewhere.test");
	expect(&f, "robert@example.test",
	    "bob@example.test >Far.Away@elsewhere.test");
	forward(&f, "bob@example.test", "eve@example.test", false);
	expect(&f, "bob@example.test",
	    ">Far.Away@elsewhere.test eve@example.test");
	/* Who gets it in two ways gets it once. */
	expect(&f, "team@example.test",
	    ">Far.Away@elsewhere.test eve@example.test|team");
	cr_expect_eq(
	    forward_delete(f.a, "bob@example.test", NULL, &err), PST_OK);
	expect(&f, "bob@example.test", "bob@example.test");
	fixture_close(&f);
}

Test(account_forward, nothing_is_lost)
{
	struct fixture f = people();

	/* To oneself, by whatever way. */
	forward(&f, "bob@example.test", "BOB@example.test", false);
	expect(&f, "bob@example.test", "bob@example.test");
	forward(&f, "bob@example.test", "far@elsewhere.test", false);
	expect(&f, "bob@example.test", "bob@example.test >far@elsewhere.test");
	cr_assert_eq(
	    forward_delete(f.a, "bob@example.test", NULL, &err), PST_OK);
	forward(&f, "bob@example.test", "robert@example.test", false);
	expect(&f, "bob@example.test", "bob@example.test");
	cr_assert_eq(
	    forward_delete(f.a, "bob@example.test", NULL, &err), PST_OK);
	/* In a circle. */
	forward(&f, "bob@example.test", "eve@example.test", false);
	forward(&f, "eve@example.test", "bob@example.test", false);
	expect(&f, "bob@example.test", "eve@example.test");
	expect(&f, "eve@example.test", "bob@example.test");
	/* To nobody. */
	cr_assert_eq(
	    forward_delete(f.a, "eve@example.test", NULL, &err), PST_OK);
	forward(&f, "eve@example.test", "nobody@example.test", false);
	expect(&f, "eve@example.test", "eve@example.test");
	expect(&f, "bob@example.test", "eve@example.test");
	fixture_close(&f);
}

/* Who is forwarded to may not send in the name of who forwards; who forwards
 * may as before. */
Test(account_forward, gives_no_rights)
{
	struct fixture f = people();

	forward(&f, "bob@example.test", "eve@example.test", false);
	cr_expect_eq(account_may_send_as(
			 f.a, "eve@example.test", "bob@example.test", &err),
	    PST_E_DENIED);
	cr_expect_eq(account_may_send_as(
			 f.a, "eve@example.test", "robert@example.test", &err),
	    PST_E_DENIED);
	cr_expect_eq(account_may_send_as(
			 f.a, "bob@example.test", "robert@example.test", &err),
	    PST_OK);
	fixture_close(&f);
}

Test(account_forward, what_is_refused)
{
	struct fixture f = people();
	char target[64];

	cr_expect_eq(forward_add(f.a, "nobody@example.test", "a@b.test", &err),
	    PST_E_NOTFOUND);
	cr_expect_eq(forward_add(f.a, "robert@example.test", "a@b.test", &err),
	    PST_E_NOTFOUND);
	cr_expect_eq(forward_add(f.a, "bob@example.test", "no address", &err),
	    PST_E_SYNTAX);
	cr_expect_eq(
	    forward_keep(f.a, "bob@example.test", true, &err), PST_E_NOTFOUND);
	cr_expect_eq(forward_delete(f.a, "bob@example.test", NULL, &err),
	    PST_E_NOTFOUND);
	for (int i = 0; i < 10; i++) {
		(void)snprintf(target, sizeof(target), "t%d@b.test", i);
		cr_assert_eq(
		    forward_add(f.a, "bob@example.test", target, &err), PST_OK);
	}
	cr_expect_eq(forward_add(f.a, "bob@example.test", "t9@B.test", &err),
	    PST_E_LIMIT);
	cr_assert_eq(
	    forward_delete(f.a, "bob@example.test", "t0@b.test", &err), PST_OK);
	cr_expect_eq(forward_add(f.a, "bob@example.test", "t9@B.test", &err),
	    PST_E_EXISTS);
	cr_expect_eq(forward_delete(f.a, "bob@example.test", "t0@b.test", &err),
	    PST_E_NOTFOUND);
	fixture_close(&f);
}

Test(account_forward, ends_with_the_user)
{
	struct fixture f = people();
	struct account_user user = { .address = "bob@example.test",
		.enabled = true,
		.quota_bytes = -1,
		.quota_messages = -1 };
	struct found found = { .n = 0 };

	forward(&f, "bob@example.test", "far@elsewhere.test", true);
	forward(&f, "eve@example.test", "bob@example.test", false);
	cr_assert_eq(account_delete(f.a, "bob@example.test", &err), PST_OK);
	expect(&f, "eve@example.test", "eve@example.test");
	cr_assert_eq(account_add(f.a, &user, STR_NONE, &err), PST_OK);
	expect(&f, "bob@example.test", "bob@example.test");
	cr_assert_eq(
	    account_resolve(f.a, "eve@example.test", note, &found, &err),
	    PST_OK);
	cr_expect_str_eq(found.text, "eve@example.test");
	fixture_close(&f);
}

Test(account_forward, off)
{
	struct fixture f = fixture_open("}\nforward {\n enabled = false");

	fixture_user(&f, "bob@example.test");
	forward(&f, "bob@example.test", "far@elsewhere.test", false);
	expect(&f, "bob@example.test", "bob@example.test");
	fixture_close(&f);
}
