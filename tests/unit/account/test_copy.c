/*
 * Accounts copied from a file into another file, or into a database on loan and
 * back.
 */
#include "account/apps.h"
#include "account/copy.h"
#include "account/private.h"
#include "base/str.h"
#include "fixture.h"
#include <criterion/criterion.h>
#include <stdlib.h>
#include <unistd.h>

static struct pst_error err;

/* The other side is always a file. */
static struct fixture
file_side(void)
{
	struct fixture f = { .dir = "/tmp/postern-account-XXXXXX" };
	struct config *cfg;

	cr_assert(mkdtemp(f.dir) != NULL);
	cfg = fixture_config(&f, NULL);
	f.a = accounts_open(cfg, &err);
	cr_assert(f.a != NULL, "%s", err.detail);
	config_unref(&cfg);
	return f;
}

struct told {
	char text[600];
};

static void
note_difference(void *arg, const char *what, const char *name)
{
	struct told *told = arg;
	size_t at = strlen(told->text);

	(void)snprintf(
	    told->text + at, sizeof(told->text) - at, "%s %s;", what, name);
}

static struct account_copied
copy(struct fixture *from, struct fixture *to, bool replace, bool dry_run,
    enum pst_rc want, const char *differences)
{
	struct told told = { "" };
	const struct account_copy how = { .replace = replace,
		.dry_run = dry_run,
		.differs = note_difference,
		.arg = &told };
	struct account_copied done;

	cr_expect_eq(accounts_copy(from->a, to->a, &how, &done, &err), want,
	    "%s", err.detail);
	cr_expect_str_eq(told.text, differences);
	return done;
}

static char app_secret[APP_PASSWORD];

/* Several pages of users and aliases. */
static void
fill(struct fixture *f)
{
	char name[64], domain[64];
	struct account_user user;
	struct app_password app;

	fixture_user(f, "zoe@example.test");
	fixture_user(f, "admin@example.test");
	fixture_user(f, "ann@example.test");
	cr_assert_eq(
	    account_find(f->a, "ann@example.test", &user, &err), PST_OK);
	(void)str_copy(user.name, sizeof(user.name), STR("\xc3\x84nn"));
	(void)str_copy(user.storage, sizeof(user.storage), STR("other"));
	user.quota_bytes = 12345;
	user.quota_messages = 0;
	user.on_hold = true;
	cr_assert_eq(account_update(f->a, &user, EVERYTHING, &err), PST_OK);
	cr_assert_eq(
	    account_find(f->a, "zoe@example.test", &user, &err), PST_OK);
	user.app_only = true;
	cr_assert_eq(account_update(f->a, &user, EVERYTHING, &err), PST_OK);
	cr_assert_eq(app_password_add(f->a, "zoe@example.test", "Phone",
			 AUTH_IMAP, &app, app_secret, &err),
	    PST_OK);
	for (int i = 0; i < 150; i++) {
		struct account_user plain = { .enabled = i % 2 == 0,
			.quota_bytes = -1,
			.quota_messages = -1,
			.created = 1000 + i };

		(void)snprintf(plain.address, sizeof(plain.address),
		    "u%d@example.test", i);
		cr_assert_eq(account_add(f->a, &plain, STR_NONE, &err), PST_OK);
		(void)snprintf(name, sizeof(name), "a%d@example.test", i);
		fixture_alias(f, name, "ann@example.test");
		fixture_alias(f, name, "Far@Away.test");
		(void)snprintf(domain, sizeof(domain), "d%d.test", i);
		cr_assert_eq(domain_add(f->a, domain, &err), PST_OK);
	}
	cr_assert_eq(
	    domain_set_storage(f->a, "d7.test", "other", &err), PST_OK);
	fixture_alias(f, "@d7.test", "zoe@example.test");
	cr_assert_eq(
	    forward_add(f->a, "zoe@example.test", "ann@example.test", &err),
	    PST_OK);
	cr_assert_eq(
	    forward_add(f->a, "zoe@example.test", "Far@Away.test", &err),
	    PST_OK);
	cr_assert_eq(
	    forward_keep(f->a, "zoe@example.test", false, &err), PST_OK);
	cr_assert_eq(
	    share_add(f->a, "anyone", "ann@example.test", &err), PST_OK);
	cr_assert_eq(
	    share_add(f->a, "zoe@example.test", "ann@example.test", &err),
	    PST_OK);
}

static void
expect_filled(struct fixture *f)
{
	struct account_credentials who;
	struct account_user user;

	cr_expect_eq(
	    account_find(f->a, "ann@example.test", &user, &err), PST_OK);
	cr_expect_str_eq(user.name, "\xc3\x84nn");
	cr_expect_str_eq(user.storage, "other");
	cr_expect_eq(user.quota_bytes, 12345);
	cr_expect_eq(user.quota_messages, 0);
	cr_expect(user.on_hold);
	cr_expect_eq(
	    fixture_login(f, "192.0.2.1", "ann", PASSWORD, NULL), AUTH_OK);
	cr_expect_eq(
	    fixture_login(f, "192.0.2.1", "zoe", app_secret, NULL), AUTH_OK);
	cr_expect_eq(
	    fixture_login(f, "192.0.2.1", "zoe", PASSWORD, NULL), AUTH_FAILED);
	cr_expect_eq(
	    account_credentials(f->a, "zoe@example.test", &who, &err), PST_OK);
	cr_expect_geq(who.keys.iterations, 4096);
	cr_expect_eq(
	    account_find(f->a, "u149@example.test", &user, &err), PST_OK);
	cr_expect_eq(user.created, 1149);
	cr_expect_not(user.enabled);
	cr_expect_eq(domain_is_local(f->a, STR("d149.test"), &err), PST_OK);
	cr_expect_eq(
	    account_may_send_as(f->a, "zoe@example.test", "x@d7.test", &err),
	    PST_OK);
	cr_expect_eq(account_may_send_as(
			 f->a, "ann@example.test", "a149@example.test", &err),
	    PST_OK);
	cr_expect_eq(
	    share_find(f->a, "zoe@example.test", "ann@example.test", &err),
	    PST_OK);
	cr_expect_eq(
	    account_find(f->a, "zoe@example.test", &user, &err), PST_OK);
	cr_expect_eq(user.forwarding, ACCOUNT_FORWARD_ONLY);
	cr_expect_eq(
	    forward_delete(f->a, "zoe@example.test", "Far@Away.test", &err),
	    PST_OK);
	cr_expect_eq(
	    forward_add(f->a, "zoe@example.test", "Far@Away.test", &err),
	    PST_OK);
}

Test(accounts_copy, brings_all_over_and_back)
{
	struct fixture f = fixture_open(NULL), to = file_side(),
		       back = fixture_open(NULL);
	struct account_copied done;

	fill(&f);
	done = copy(&f, &to, false, false, PST_OK, "");
	cr_expect_eq(done.users, 153);
	cr_expect_eq(done.domains, 150);
	cr_expect_eq(done.aliases, 151);
	cr_expect_eq(done.shares, 2);
	cr_expect_eq(done.credentials, 1);
	cr_expect_eq(done.forwards, 1);
	cr_expect_eq(done.same, 0);
	expect_filled(&to);
	done = copy(&f, &to, false, false, PST_OK, "");
	cr_expect_eq(done.users + done.domains + done.aliases + done.shares, 0);
	cr_expect_eq(done.same, 153 + 150 + 151 + 1 + 2 + 1);
	done = copy(&to, &back, false, false, PST_OK, "");
	cr_expect_eq(done.users, 153);
	expect_filled(&back);
	done = copy(&back, &f, false, false, PST_OK, "");
	cr_expect_eq(done.same, 153 + 150 + 151 + 1 + 2 + 1);
	fixture_close(&back);
	fixture_close(&to);
	fixture_close(&f);
}

static void
note_admin(void *arg, const struct account_user *user, const char *outside,
    const char *detail)
{
	(void)outside;
	(void)detail;
	(void)snprintf(arg, 321, "%s", user->address);
}

/* The first administrator is also the postmaster. */
Test(accounts_copy, keeps_the_order_and_the_secret)
{
	struct fixture f = fixture_open(NULL), to = file_side();
	struct config *cfg = fixture_config(&to, NULL);
	struct account_user user;
	char first[321] = "";

	fixture_user(&f, "zoe@example.test");
	fixture_user(&f, "admin@example.test");
	cr_assert_eq(
	    account_find(f.a, "zoe@example.test", &user, &err), PST_OK);
	user.is_admin = true;
	cr_assert_eq(account_update(f.a, &user, EVERYTHING, &err), PST_OK);
	(void)copy(&f, &to, false, false, PST_OK, "");
	cr_assert_eq(
	    account_resolve(to.a, "postmaster", note_admin, first, &err),
	    PST_OK);
	cr_expect_str_eq(first, "zoe@example.test");
	accounts_close(&to.a);
	to.a = accounts_open(cfg, &err);
	cr_expect_arr_eq(to.a->secret, f.a->secret, 32);
	config_unref(&cfg);
	fixture_close(&to);
	fixture_close(&f);
}

Test(accounts_copy, overwrites_nothing_unasked)
{
	struct fixture f = fixture_open(NULL), to = file_side();
	struct account_copied done;
	struct account_user user;

	fixture_user(&f, "ann@example.test");
	fixture_user(&f, "bob@example.test");
	fixture_alias(&f, "all@example.test", "ann@example.test");
	cr_assert_eq(domain_add(f.a, "d.test", &err), PST_OK);
	(void)copy(&f, &to, false, false, PST_OK, "");
	/* Both go on by themselves. */
	cr_assert_eq(account_set_password(
			 f.a, "ann@example.test", STR("a new one"), &err),
	    PST_OK);
	cr_assert_eq(domain_set_storage(to.a, "d.test", "x", &err), PST_OK);
	fixture_alias(&to, "all@example.test", "bob@example.test");
	fixture_user(&to, "only.there@example.test");
	fixture_user(&f, "carl@example.test");
	done = copy(&f, &to, false, false, PST_E_EXISTS,
	    "domain d.test;user ann@example.test;alias all@example.test;");
	cr_expect_eq(done.different, 3);
	cr_expect_eq(account_find(to.a, "carl@example.test", &user, &err),
	    PST_E_NOTFOUND);
	cr_expect_eq(
	    fixture_login(&to, "192.0.2.1", "ann", PASSWORD, NULL), AUTH_OK);
	(void)copy(&f, &to, true, true, PST_OK,
	    "domain d.test;user ann@example.test;alias all@example.test;");
	cr_expect_eq(account_find(to.a, "carl@example.test", &user, &err),
	    PST_E_NOTFOUND);
	(void)copy(&f, &to, true, false, PST_OK,
	    "domain d.test;user ann@example.test;alias all@example.test;");
	cr_expect_eq(
	    fixture_login(&to, "192.0.2.1", "ann", "a new one", NULL), AUTH_OK);
	cr_expect_eq(account_may_send_as(
			 to.a, "bob@example.test", "all@example.test", &err),
	    PST_E_DENIED);
	cr_expect_eq(
	    account_find(to.a, "only.there@example.test", &user, &err), PST_OK);
	(void)copy(&f, &to, false, false, PST_OK, "");
	fixture_close(&to);
	fixture_close(&f);
}

Test(accounts_copy, refuses_a_user_where_there_is_an_alias)
{
	struct fixture f = fixture_open(NULL), to = file_side();
	struct account_user user;

	fixture_user(&f, "ann@example.test");
	fixture_user(&f, "bob@example.test");
	fixture_alias(&to, "bob@example.test", "x@elsewhere.test");
	(void)copy(&f, &to, true, false, PST_E_EXISTS, "");
	cr_expect(strstr(err.detail, "bob@example.test") != NULL);
	cr_expect_eq(account_find(to.a, "ann@example.test", &user, &err),
	    PST_E_NOTFOUND);
	cr_assert_eq(
	    alias_delete(to.a, "bob@example.test", NULL, &err), PST_OK);
	fixture_alias(&f, "bella@example.test", "bob@example.test");
	fixture_user(&to, "bella@example.test");
	(void)copy(&f, &to, true, false, PST_E_EXISTS, "");
	cr_expect(strstr(err.detail, "bella@example.test") != NULL);
	fixture_close(&to);
	fixture_close(&f);
}
