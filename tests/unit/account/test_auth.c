/*
 * Logging in by password, the memory of good passwords, and the brake.
 */
#include "account/apps.h"
#include "account/auth.h"
#include "account/private.h"
#include "base/clock.h"
#include "base/str.h"
#include "fixture.h"
#include <criterion/criterion.h>

#define SECOND INT64_C(1000000)
#define HOME "192.0.2.1"

static struct pst_error err;

static enum auth_result
login(
    struct fixture *f, const char *peer, const char *user, const char *password)
{
	return fixture_login(f, peer, user, password, NULL);
}

/* Different wrong passwords from one peer. */
static void
guess(struct fixture *f, const char *peer, const char *user, int times)
{
	static int number;
	char password[32];

	for (int i = 0; i < times; i++) {
		(void)snprintf(
		    password, sizeof(password), "wrong %d", number++);
		(void)login(f, peer, user, password);
	}
}

/* --- right and wrong
 * ------------------------------------------------------------ */

Test(auth_password, the_right_one_gets_in)
{
	struct fixture f = fixture_open(NULL);
	struct account_user who = { .address = "x" };
	int64_t delay = -1;

	fixture_user(&f, "bob@example.test");
	cr_expect_eq(auth_password(f.a, AUTH_IMAP, HOME, STR("BOB"),
			 STR(PASSWORD), &who, &delay),
	    AUTH_OK);
	cr_expect_str_eq(who.address, "bob@example.test");
	cr_expect_eq(delay, 0);
	cr_expect_eq(login(&f, HOME, "Bob@Example.Test", PASSWORD), AUTH_OK);
	cr_expect_eq(auth_password(f.a, AUTH_IMAP, HOME, STR("bob"),
			 STR("wrong"), &who, &delay),
	    AUTH_FAILED);
	cr_expect_str_eq(who.address, "");
	cr_expect_eq(delay, 100);
	fixture_close(&f);
}

Test(auth_password, the_wrong_ones_do_not)
{
	static const struct {
		const char *user, *password;
	} bad[] = {
		{ "bob", "" },
		{ "bob", "Correct horse" },
		{ "bob", PASSWORD " " },
		{ "bob", "bad \xff utf8" },
		{ "bob", "a\tb" },
		{ "", PASSWORD },
		{ "@", PASSWORD },
		{ "bob+x", PASSWORD },
		{ "bob@b\xc3\xbc"
		  "cher.test",
		    PASSWORD },
		{ "info", PASSWORD },
		{ "locked", PASSWORD },
		{ "locked", "" },
		{ "off", PASSWORD },
		{ "nobody", PASSWORD },
		{ "no body", PASSWORD },
	};
	struct fixture f = fixture_open("failures = 1000");
	struct account_user user = { .address = "locked@example.test",
		.enabled = true };

	fixture_user(&f, "bob@example.test");
	fixture_alias(&f, "info@example.test", "bob@example.test");
	cr_assert_eq(account_add(f.a, &user, STR_NONE, &err), PST_OK);
	fixture_user(&f, "off@example.test");
	cr_assert_eq(
	    account_find(f.a, "off@example.test", &user, &err), PST_OK);
	user.enabled = false;
	cr_assert_eq(account_update(f.a, &user, EVERYTHING, &err), PST_OK);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_expect_eq(login(&f, HOME, bad[i].user, bad[i].password),
		    AUTH_FAILED, "%s", bad[i].user);
	fixture_close(&f);
}

Test(auth_password, utf8_in_any_composition)
{
	struct fixture f = fixture_open(NULL);

	fixture_user(&f, "bob@example.test");
	cr_assert_eq(account_set_password(f.a, "bob@example.test",
			 STR("gr\xc3\xbc\xc3\x9f Gott \xf0\x9f\x94\x91"), &err),
	    PST_OK);
	cr_expect_eq(
	    login(&f, HOME, "bob", "gr\xc3\xbc\xc3\x9f Gott \xf0\x9f\x94\x91"),
	    AUTH_OK);
	cr_expect_eq(login(&f, HOME, "bob",
			 "gru\xcc\x88\xc3\x9f\xc2\xa0Gott \xf0\x9f\x94\x91"),
	    AUTH_OK);
	cr_expect_eq(
	    login(&f, HOME, "bob", "gr\xc3\xbcss Gott \xf0\x9f\x94\x91"),
	    AUTH_FAILED);
	fixture_close(&f);
}

Test(auth_password, can_be_taken_away_and_set_again)
{
	struct fixture f = fixture_open(NULL);

	fixture_user(&f, "bob@example.test");
	cr_expect_eq(login(&f, HOME, "bob", PASSWORD), AUTH_OK);
	cr_expect_eq(
	    account_set_password(f.a, "bob@example.test", STR_NONE, &err),
	    PST_OK);
	cr_expect_eq(login(&f, HOME, "bob", PASSWORD), AUTH_FAILED);
	cr_expect_eq(
	    account_set_password(f.a, "bob@example.test", STR("short"), &err),
	    PST_E_LIMIT);
	cr_expect_eq(account_set_password(
			 f.a, "bob@example.test", STR(PASSWORD " 2"), &err),
	    PST_OK);
	cr_expect_eq(login(&f, HOME, "bob", PASSWORD " 2"), AUTH_OK);
	cr_expect_eq(
	    account_set_password(f.a, "eve@example.test", STR(PASSWORD), &err),
	    PST_E_NOTFOUND);
	fixture_close(&f);
}

/* Who does not exist takes as long: both are one hash. */
Test(auth_password, unknown_users_cost_a_hash)
{
	struct fixture f = fixture_open("hash_cost = 5\nfailures = 1000");
	int64_t best[2] = { INT64_MAX, INT64_MAX };
	static const char *const users[2] = { "bob", "nobody" };

	fixture_user(&f, "bob@example.test");
	for (int i = 0; i < 8; i++) {
		int64_t begin = clock_monotonic(), took;

		guess(&f, HOME, users[i % 2], 1);
		took = clock_monotonic() - begin;
		if (took < best[i % 2])
			best[i % 2] = took;
	}
	cr_expect_gt(best[1], best[0] / 3, "%lld %lld", (long long)best[0],
	    (long long)best[1]);
	cr_expect_lt(best[1], best[0] * 3);
	fixture_close(&f);
}

/* --- the memory of good passwords
 * -------------------------------------------------- */

static int64_t
time_of_login(struct fixture *f)
{
	int64_t begin = clock_monotonic();

	cr_expect_eq(login(f, HOME, "bob", PASSWORD), AUTH_OK);
	return clock_monotonic() - begin;
}

Test(auth_cache, a_second_login_costs_no_hash)
{
	struct fixture f = fixture_open("hash_cost = 7");
	int64_t first, second = INT64_MAX;

	fixture_user(&f, "bob@example.test");
	first = time_of_login(&f);
	for (int i = 0; i < 20; i++) {
		int64_t took = time_of_login(&f);

		second = took < second ? took : second;
	}
	cr_expect_lt(second, first / 10, "%lld then %lld", (long long)first,
	    (long long)second);
	clock_advance(301 * SECOND);
	cr_expect_gt(time_of_login(&f), second * 5);
	fixture_close(&f);
}

Test(auth_cache, can_be_turned_off)
{
	struct fixture f = fixture_open("hash_cost = 6\ncache_time = 0");

	fixture_user(&f, "bob@example.test");
	/* 30 ms on a machine of today. */
	for (int i = 0; i < 3; i++)
		cr_expect_gt(time_of_login(&f), 2000);
	fixture_close(&f);
}

Test(auth_cache, forgets_at_once)
{
	struct fixture f = fixture_open("failures = 1000");
	struct account_user user;

	fixture_user(&f, "bob@example.test");
	cr_expect_eq(login(&f, HOME, "bob", PASSWORD), AUTH_OK);
	cr_expect_eq(login(&f, HOME, "bob", PASSWORD), AUTH_OK);

	cr_assert_eq(
	    account_find(f.a, "bob@example.test", &user, &err), PST_OK);
	user.enabled = false;
	cr_assert_eq(account_update(f.a, &user, EVERYTHING, &err), PST_OK);
	cr_expect_eq(login(&f, HOME, "bob", PASSWORD), AUTH_FAILED);
	user.enabled = true;
	cr_assert_eq(account_update(f.a, &user, EVERYTHING, &err), PST_OK);
	cr_expect_eq(login(&f, HOME, "bob", PASSWORD), AUTH_OK);

	cr_assert_eq(account_set_password(
			 f.a, "bob@example.test", STR("another one"), &err),
	    PST_OK);
	cr_expect_eq(login(&f, HOME, "bob", PASSWORD), AUTH_FAILED);
	cr_expect_eq(login(&f, HOME, "bob", "another one"), AUTH_OK);

	cr_assert_eq(account_delete(f.a, "bob@example.test", &err), PST_OK);
	cr_expect_eq(login(&f, HOME, "bob", "another one"), AUTH_FAILED);
	fixture_user(&f, "bob@example.test");
	cr_expect_eq(login(&f, HOME, "bob", "another one"), AUTH_FAILED);
	cr_expect_eq(login(&f, HOME, "bob", PASSWORD), AUTH_OK);
	fixture_close(&f);
}

Test(auth_cache, sees_what_other_processes_do)
{
	struct fixture f = fixture_open("failures = 1000");

	fixture_user(&f, "bob@example.test");
	cr_expect_eq(login(&f, HOME, "bob", PASSWORD), AUTH_OK);
	fixture_sql(&f, "UPDATE account_user SET enabled = 0");
	cr_expect_eq(login(&f, HOME, "bob", PASSWORD), AUTH_FAILED);
	fixture_sql(&f, "UPDATE account_user SET enabled = 1, hash = NULL");
	cr_expect_eq(login(&f, HOME, "bob", PASSWORD), AUTH_FAILED);
	fixture_sql(&f, "DELETE FROM account_user");
	cr_expect_eq(login(&f, HOME, "bob", PASSWORD), AUTH_FAILED);
	fixture_close(&f);
}

/* --- the brake
 * ------------------------------------------------------------------------ */

Test(auth_brake, delays_double_up_to_ten_seconds)
{
	struct fixture f = fixture_open("failures = 1000");
	static const int64_t want[] = { 100, 200, 400, 800, 1600, 3200, 6400,
		10000, 10000 };
	char password[32];
	int64_t delay;

	fixture_user(&f, "bob@example.test");
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		(void)snprintf(password, sizeof(password), "wrong %zu", i);
		cr_expect_eq(fixture_login(&f, HOME, "bob", password, &delay),
		    AUTH_FAILED);
		cr_expect_eq(delay, want[i], "%zu: %lld", i, (long long)delay);
	}
	cr_expect_eq(fixture_login(&f, HOME, "bob", PASSWORD, &delay), AUTH_OK);
	cr_expect_eq(delay, 0);
	clock_advance(601 * SECOND);
	cr_expect_eq(
	    fixture_login(&f, HOME, "bob", "wrong", &delay), AUTH_FAILED);
	cr_expect_eq(delay, 100);
	fixture_close(&f);
}

Test(auth_brake, an_address_is_blocked_for_a_time)
{
	struct fixture f = fixture_open(NULL);
	int64_t delay;

	fixture_user(&f, "bob@example.test");
	for (int i = 0; i < 5; i++) {
		char user[16];

		cr_expect_eq(auth_blocked(f.a), 0);
		(void)snprintf(user, sizeof(user), "user%d", i);
		cr_expect_eq(login(&f, HOME, user, "wrong"), AUTH_FAILED);
	}
	cr_expect_eq(auth_blocked(f.a), 1);
	cr_expect_eq(
	    fixture_login(&f, HOME, "bob", PASSWORD, &delay), AUTH_BLOCKED);
	cr_expect_gt(delay, 0);
	cr_expect_eq(
	    login(&f, "::ffff:192.0.2.1", "bob", PASSWORD), AUTH_BLOCKED);
	cr_expect_eq(login(&f, "192.0.2.2", "bob", PASSWORD), AUTH_OK);
	clock_advance(299 * SECOND);
	cr_expect_eq(login(&f, HOME, "bob", PASSWORD), AUTH_BLOCKED);
	clock_advance(2 * SECOND);
	cr_expect_eq(auth_blocked(f.a), 0);
	cr_expect_eq(login(&f, HOME, "bob", PASSWORD), AUTH_OK);
	fixture_close(&f);
}

Test(auth_brake, ipv6_counts_by_network)
{
	struct fixture f = fixture_open(NULL);

	fixture_user(&f, "bob@example.test");
	for (int i = 0; i < 5; i++) {
		char peer[64], user[16];

		(void)snprintf(peer, sizeof(peer), "2001:db8:0:1::%x", i + 1);
		(void)snprintf(user, sizeof(user), "user%d", i);
		cr_expect_eq(login(&f, peer, user, "wrong"), AUTH_FAILED);
	}
	cr_expect_eq(
	    login(&f, "2001:db8:0:1:f::9", "bob", PASSWORD), AUTH_BLOCKED);
	cr_expect_eq(
	    login(&f, "[2001:db8:0:1::1]", "bob", PASSWORD), AUTH_BLOCKED);
	cr_expect_eq(
	    login(&f, "2001:db8:0:1::1%eth0", "bob", PASSWORD), AUTH_BLOCKED);
	cr_expect_eq(login(&f, "2001:db8:0:2::1", "bob", PASSWORD), AUTH_OK);
	fixture_close(&f);
}

Test(auth_brake, old_failures_do_not_count)
{
	struct fixture f = fixture_open(NULL);

	fixture_user(&f, "bob@example.test");
	guess(&f, HOME, "bob", 4);
	clock_advance(601 * SECOND);
	guess(&f, HOME, "bob", 4);
	cr_expect_eq(auth_blocked(f.a), 0);
	cr_expect_eq(login(&f, HOME, "bob", PASSWORD), AUTH_OK);
	fixture_close(&f);
}

Test(auth_brake, the_same_wrong_password_counts_once)
{
	struct fixture f = fixture_open(NULL);
	int64_t delay;

	fixture_user(&f, "bob@example.test");
	for (int i = 0; i < 50; i++) {
		cr_expect_eq(
		    fixture_login(&f, HOME, "bob", "old password", &delay),
		    AUTH_FAILED);
		cr_expect_eq(delay, 100);
	}
	/* For another user it is another guess. */
	cr_expect_eq(fixture_login(&f, HOME, "eve", "old password", &delay),
	    AUTH_FAILED);
	cr_expect_eq(delay, 200);
	cr_expect_eq(auth_blocked(f.a), 0);
	cr_expect_eq(login(&f, HOME, "bob", PASSWORD), AUTH_OK);
	fixture_close(&f);
}

static void
guess_from_many(struct fixture *f, const char *user, int peers)
{
	char peer[32];

	for (int i = 0; i < peers; i++) {
		(void)snprintf(peer, sizeof(peer), "198.51.100.%d", i + 1);
		guess(f, peer, user, 1);
	}
}

Test(auth_brake, a_user_under_attack_gets_in_from_home)
{
	struct fixture f = fixture_open(NULL);

	fixture_user(&f, "bob@example.test");
	cr_expect_eq(login(&f, HOME, "bob", PASSWORD), AUTH_OK);
	guess_from_many(&f, "bob", 5);
	cr_expect_eq(auth_blocked(f.a), 1);
	cr_expect_eq(login(&f, "203.0.113.9", "bob", PASSWORD), AUTH_BLOCKED);
	cr_expect_eq(login(&f, HOME, "bob", PASSWORD), AUTH_OK);
	/* Home is no free pass for guessing. */
	guess(&f, HOME, "bob", 5);
	cr_expect_eq(login(&f, HOME, "bob", PASSWORD), AUTH_BLOCKED);
	fixture_close(&f);
}

Test(auth_brake, home_is_where_somebody_was_lately)
{
	struct fixture f = fixture_open("window = 30d\nblock_time = 30d");

	fixture_user(&f, "bob@example.test");
	cr_expect_eq(login(&f, HOME, "bob", PASSWORD), AUTH_OK);
	guess_from_many(&f, "bob", 5);
	clock_advance(13 * 86400 * SECOND);
	cr_expect_eq(login(&f, HOME, "bob", PASSWORD), AUTH_OK);
	clock_advance(15 * 86400 * SECOND);
	cr_expect_eq(login(&f, HOME, "bob", PASSWORD), AUTH_BLOCKED);
	fixture_close(&f);
}

/* Over a Unix socket there is no address: nobody blocks it for all. */
Test(auth_brake, no_address_is_no_common_one)
{
	struct fixture f = fixture_open(NULL);
	int64_t delay;

	fixture_user(&f, "bob@example.test");
	guess(&f, "", "eve", 5);
	guess(&f, NULL, "joe", 5);
	cr_expect_eq(auth_blocked(f.a), 2);
	cr_expect_eq(fixture_login(&f, "", "eve", "x", &delay), AUTH_BLOCKED);
	cr_expect_eq(login(&f, "", "bob", PASSWORD), AUTH_OK);
	cr_expect_eq(
	    fixture_login(&f, "", "no address", "x", &delay), AUTH_FAILED);
	cr_expect_eq(delay, 100);
	fixture_close(&f);
}

Test(auth_brake, unknown_users_are_blocked_alike)
{
	struct fixture f = fixture_open(NULL);

	fixture_user(&f, "bob@example.test");
	guess_from_many(&f, "bob", 5);
	guess_from_many(&f, "nobody", 5);
	cr_expect_eq(login(&f, HOME, "bob", "x"), AUTH_BLOCKED);
	cr_expect_eq(login(&f, HOME, "nobody", "x"), AUTH_BLOCKED);
	cr_expect_eq(login(&f, HOME, "NoBody@example.test", "x"), AUTH_BLOCKED);
	cr_expect_eq(login(&f, HOME, "else", "x"), AUTH_FAILED);
	fixture_close(&f);
}

Test(auth_brake, is_lifted_by_hand)
{
	struct fixture f = fixture_open(NULL);

	fixture_user(&f, "bob@example.test");
	cr_expect_not(auth_unblock(f.a, "bob"));
	guess_from_many(&f, "bob", 5);
	cr_expect(auth_unblock(f.a, "Bob@example.test"));
	cr_expect_not(auth_unblock(f.a, "Bob@example.test"));
	cr_expect_eq(login(&f, HOME, "bob", PASSWORD), AUTH_OK);
	guess(&f, "2001:db8::1", "eve", 5);
	cr_expect_eq(auth_blocked(f.a), 2);
	cr_expect(auth_unblock(f.a, "2001:db8::ffff"));
	cr_expect(auth_unblock(f.a, "eve"));
	cr_expect_eq(auth_blocked(f.a), 0);
	cr_expect_eq(login(&f, "2001:db8::1", "bob", PASSWORD), AUTH_OK);
	cr_expect_not(auth_unblock(f.a, ""));
	fixture_close(&f);
}

Test(auth_brake, follows_a_new_configuration)
{
	struct fixture f = fixture_open(NULL);
	struct config *cfg = fixture_config(&f, "failures = 2");

	fixture_user(&f, "bob@example.test");
	accounts_reconfigure(f.a, cfg);
	config_unref(&cfg);
	guess(&f, HOME, "bob", 2);
	cr_expect_eq(login(&f, HOME, "bob", PASSWORD), AUTH_BLOCKED);
	fixture_close(&f);
}

/* A flood of addresses and names neither grows the tables nor pushes out those
 * who are blocked. */
Test(auth_brake, a_flood_does_not_free_the_blocked)
{
	struct config *cfg = fixture_parse(
	    "auth {\n failures = 5\n failure_delay = 1\n}");
	struct account_brake *b = account_brake_new();
	char peer[64], user[64];
	int64_t delay;

	for (int i = 0; i < 5; i++)
		(void)account_brake_failed(
		    b, cfg, HOME, "bob@example.test", STR_NONE);
	cr_expect_eq(account_brake_blocked(b), 2);
	for (unsigned i = 0; i < 200000; i++) {
		(void)snprintf(peer, sizeof(peer), "2001:db8:%x:%x::1", i >> 16,
		    i & 0xffff);
		(void)snprintf(user, sizeof(user), "u%u@example.test", i);
		(void)account_brake_failed(b, cfg, peer, user, STR_NONE);
	}
	cr_expect_eq(account_brake_blocked(b), 2);
	cr_expect(account_brake_blocks(b, cfg, HOME, NULL, &delay));
	cr_expect(account_brake_blocks(
	    b, cfg, "203.0.113.1", "bob@example.test", &delay));
	account_brake_free(&b);
	config_unref(&cfg);
}

/* --- app passwords ----------------------------------------------------------
 */

static enum auth_result
login_for(struct fixture *f, enum auth_scope scope, const char *password)
{
	struct account_user who;
	int64_t delay;

	return auth_password(
	    f->a, scope, HOME, STR("bob"), str_of(password), &who, &delay);
}

static void
note_used(void *arg, const struct app_password *p)
{
	*(int64_t *)arg = p->used;
}

Test(auth_apps, are_good_for_what_they_are_made_for)
{
	struct fixture f = fixture_open("failures = 1000");
	struct app_password app;
	char secret[APP_PASSWORD];
	int64_t used = -1;

	fixture_user(&f, "bob@example.test");
	cr_assert_eq(app_password_add(f.a, "bob@example.test", "Phone",
			 AUTH_IMAP | AUTH_SMTP, &app, secret, &err),
	    PST_OK);
	cr_assert_eq(
	    app_password_each(f.a, "bob@example.test", note_used, &used, &err),
	    PST_OK);
	cr_expect_eq(used, 0);
	/* Twice: the second time from memory. */
	for (int i = 0; i < 2; i++) {
		cr_expect_eq(login_for(&f, AUTH_IMAP, secret), AUTH_OK);
		cr_expect_eq(login_for(&f, AUTH_SMTP, secret), AUTH_OK);
		cr_expect_eq(login_for(&f, AUTH_POP3, secret), AUTH_FAILED);
		cr_expect_eq(login_for(&f, AUTH_JMAP, secret), AUTH_FAILED);
		cr_expect_eq(login_for(&f, AUTH_WEB, secret), AUTH_FAILED);
	}
	cr_expect_eq(login_for(&f, AUTH_WEB, PASSWORD), AUTH_OK);
	cr_expect_eq(
	    app_password_each(f.a, "bob@example.test", note_used, &used, &err),
	    PST_OK);
	cr_expect_gt(used, 0);
	cr_expect_eq(
	    app_password_delete(f.a, "bob@example.test", app.id, &err), PST_OK);
	cr_expect_eq(login_for(&f, AUTH_IMAP, secret), AUTH_FAILED);
	fixture_close(&f);
}

Test(auth_apps, have_tokens_that_say_whose_they_are)
{
	static const char *const wrong[] = { "", "pt-", "pt-YQ", "xx-YQ",
		"pt-*", "abcd-efgh-jkmn-pqrs-tuvw" };
	struct app_token token;
	struct buf text;

	buf_init(&text, 1000);
	cr_assert(app_token_make(
	    "bob@example.test", "abcd-efgh-jkmn-pqrs-tuvw", &text));
	cr_assert(app_token_read(buf_str(&text), &token));
	cr_assert_str_eq(token.user, "bob@example.test");
	cr_assert_str_eq(token.password, "abcdefghjkmnpqrstuvw");
	for (size_t n = 0; n < text.n; n++)
		cr_assert(
		    !app_token_read(str_first(buf_str(&text), n), &token));
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		cr_assert(!app_token_read(str_of(wrong[i]), &token));
	buf_clear(&text);
	cr_assert(!app_token_make("bob@example.test", "secret", &text));
	buf_fini(&text);
}

Test(auth_apps, end_with_the_user)
{
	struct fixture f = fixture_open("failures = 1000");
	struct account_user user;
	struct app_password app;
	char secret[APP_PASSWORD];

	fixture_user(&f, "bob@example.test");
	cr_assert_eq(app_password_add(f.a, "bob@example.test", "Phone",
			 AUTH_IMAP, &app, secret, &err),
	    PST_OK);
	cr_expect_eq(login_for(&f, AUTH_IMAP, secret), AUTH_OK);
	cr_assert_eq(
	    account_find(f.a, "bob@example.test", &user, &err), PST_OK);
	user.enabled = false;
	cr_assert_eq(account_update(f.a, &user, EVERYTHING, &err), PST_OK);
	cr_expect_eq(login_for(&f, AUTH_IMAP, secret), AUTH_FAILED);
	cr_assert_eq(account_delete(f.a, "bob@example.test", &err), PST_OK);
	fixture_user(&f, "bob@example.test");
	cr_expect_eq(login_for(&f, AUTH_IMAP, secret), AUTH_FAILED);
	fixture_close(&f);
}
