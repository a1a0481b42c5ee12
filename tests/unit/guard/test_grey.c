/*
 * Greylisting: who has to wait, for how long, and what is remembered.
 */
#include "base/str.h"
#include "guard/grey.h"

#include <criterion/criterion.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <unistd.h>

#define DAY INT64_C(86400)

static char dir[] = "/tmp/postern-grey-XXXXXX";
static struct config *cfg;
static struct guard_grey *grey;

static void
open_file(void)
{
	struct pst_error err = { 0 };

	grey = guard_grey_open(dir, &err);
	cr_assert(grey != NULL, "%s", err.detail);
}

static void
setup(void)
{
	static const struct config_override set[] = {
		{ "hostname", "mail.example.org" },
		{ "listener.x.port", "25" },
		{ "guard.grey_wait", "300" },
		{ "guard.grey_retry", "1d" },
		{ "guard.grey_life", "30d" },
		{ "guard.grey_network", "3" },
		{ "guard.grey_entries", "1000" },
	};
	struct pst_error err = { 0 };

	cfg = config_parse(
	    "", set, sizeof(set) / sizeof(set[0]), NULL, NULL, &err);
	cr_assert(cfg != NULL, "%s", err.detail);
	cr_assert(mkdtemp(dir) != NULL);
	open_file();
}

static void
teardown(void)
{
	static const char *const names[] = { "", "-wal", "-shm" };
	char path[100];

	guard_grey_close(&grey);
	for (size_t i = 0; i < 3; i++) {
		(void)snprintf(
		    path, sizeof(path), "%s/greylist.db%s", dir, names[i]);
		(void)unlink(path);
	}
	(void)rmdir(dir);
	config_unref(&cfg);
}

static enum guard_grey_verdict
ask(const char *ip, const char *from, const char *to, int64_t now)
{
	struct guard_grey_question q = {
		.sender = str_of(from), .recipient = str_of(to), .now = now
	};
	enum guard_grey_verdict verdict;
	struct pst_error err = { 0 };
	int64_t wait;

	cr_assert(ip_parse(str_of(ip), &q.ip));
	cr_assert_eq(guard_grey_ask(grey, cfg, &q, &verdict, &wait, &err),
	    PST_OK, "%s", err.detail);
	if (verdict == GUARD_GREY_NEW)
		cr_expect_eq(wait, 300);
	if (verdict == GUARD_GREY_EARLY)
		cr_expect(wait > 0 && wait <= 300);
	return verdict;
}

static enum guard_grey_verdict
ann(int64_t now)
{
	return ask("192.0.2.1", "ann@b.example", "bob@a.example", now);
}

TestSuite(guard_grey, .init = setup, .fini = teardown);

Test(guard_grey, waits_once)
{
	cr_expect_eq(ann(1000), GUARD_GREY_NEW);
	cr_expect_eq(ann(1000), GUARD_GREY_EARLY);
	cr_expect_eq(ann(1299), GUARD_GREY_EARLY);
	cr_expect_eq(ann(1300), GUARD_GREY_PASSED);
	cr_expect_eq(ann(1300), GUARD_GREY_KNOWN);
	/* It lives on while it is used. */
	cr_expect_eq(ann(1300 + 30 * DAY), GUARD_GREY_KNOWN);
	cr_expect_eq(ann(1300 + 60 * DAY), GUARD_GREY_KNOWN);
	cr_expect_eq(ann(1301 + 90 * DAY), GUARD_GREY_NEW);
	cr_expect_eq(guard_grey_count(grey), 1);
}

Test(guard_grey, comes_again_too_late)
{
	cr_expect_eq(ann(1000), GUARD_GREY_NEW);
	cr_expect_eq(ann(1001 + DAY), GUARD_GREY_NEW);
	cr_expect_eq(ann(1100 + DAY), GUARD_GREY_EARLY);
	cr_expect_eq(ann(1301 + DAY), GUARD_GREY_PASSED);
}

Test(guard_grey, a_clock_that_is_set_back)
{
	cr_expect_eq(ann(1000000), GUARD_GREY_NEW);
	cr_expect_eq(ann(1000), GUARD_GREY_PASSED);
}

Test(guard_grey, tells_apart)
{
	cr_expect_eq(ann(1000), GUARD_GREY_NEW);
	cr_expect_eq(ask("192.0.2.99", "ANN@b.example", "Bob@A.example", 1300),
	    GUARD_GREY_PASSED);
	cr_expect_eq(ask("192.0.3.1", "ann@b.example", "bob@a.example", 1300),
	    GUARD_GREY_NEW);
	cr_expect_eq(ask("192.0.2.1", "eve@b.example", "bob@a.example", 1300),
	    GUARD_GREY_NEW);
	cr_expect_eq(ask("192.0.2.1", "ann@b.example", "eve@a.example", 1300),
	    GUARD_GREY_NEW);
	cr_expect_eq(
	    ask("192.0.2.1", "", "bob@a.example", 1300), GUARD_GREY_NEW);
	cr_expect_eq(
	    ask("2001:db8::1", "", "bob@a.example", 1300), GUARD_GREY_NEW);
	cr_expect_eq(ask("2001:db8::ffff:2", "", "bob@a.example", 1300),
	    GUARD_GREY_EARLY);
	cr_expect_eq(
	    ask("2001:db8:0:1::1", "", "bob@a.example", 1300), GUARD_GREY_NEW);
}

Test(guard_grey, a_network_that_comes_again)
{
	static const char *const from[] = { "a@x", "b@x", "c@x" };

	for (size_t i = 0; i < 3; i++) {
		cr_expect_eq(
		    ask("192.0.2.1", from[i], "bob@a", 1000), GUARD_GREY_NEW);
		cr_expect_eq(ask("192.0.2.1", from[i], "bob@a", 1400),
		    GUARD_GREY_PASSED);
	}
	cr_expect_eq(
	    ask("192.0.2.77", "new@y", "eve@a", 1400), GUARD_GREY_KNOWN);
	cr_expect_eq(ask("192.0.2.77", "new@y", "eve@a", 1400 + 30 * DAY),
	    GUARD_GREY_KNOWN);
	cr_expect_eq(ask("192.0.2.77", "new@y", "eve@a", 1401 + 61 * DAY),
	    GUARD_GREY_NEW);
}

Test(guard_grey, survives_a_restart)
{
	cr_expect_eq(ann(1000), GUARD_GREY_NEW);
	guard_grey_close(&grey);
	open_file();
	cr_expect_eq(guard_grey_count(grey), 1);
	cr_expect_eq(ann(1300), GUARD_GREY_PASSED);
}

static void
in_its_place(const char *sql, const char *text)
{
	char path[100];
	sqlite3 *db;
	FILE *f;

	guard_grey_close(&grey);
	(void)snprintf(path, sizeof(path), "%s/greylist.db", dir);
	if (sql != NULL) {
		cr_assert_eq(sqlite3_open(path, &db), SQLITE_OK);
		cr_assert_eq(
		    sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
		(void)sqlite3_close(db);
	} else {
		f = fopen(path, "w");
		cr_assert(f != NULL);
		for (int i = 0; i < 1000; i++)
			(void)fputs(text, f);
		(void)fclose(f);
	}
	open_file();
}

Test(guard_grey, one_of_another_version_is_made_anew)
{
	cr_expect_eq(ann(1000), GUARD_GREY_NEW);
	in_its_place("PRAGMA user_version = 7; DROP TABLE seen;"
		     "CREATE TABLE seen(other)",
	    NULL);
	cr_expect_eq(guard_grey_count(grey), 0);
	cr_expect_eq(ann(1300), GUARD_GREY_NEW);
	cr_expect_eq(ann(1600), GUARD_GREY_PASSED);
}

Test(guard_grey, a_damaged_one_is_made_anew)
{
	cr_expect_eq(ann(1000), GUARD_GREY_NEW);
	in_its_place(NULL, "this is no database");
	cr_expect_eq(ann(1300), GUARD_GREY_NEW);
	cr_expect_eq(ann(1600), GUARD_GREY_PASSED);
}

Test(guard_grey, has_a_limit)
{
	char from[40];

	cr_expect_eq(ann(1000), GUARD_GREY_NEW);
	cr_expect_eq(ann(1300), GUARD_GREY_PASSED);
	for (int i = 0; i < 1500; i++) {
		(void)snprintf(from, sizeof(from), "%c%c%c@spam", 'a' + i % 26,
		    'a' + i / 26 % 26, 'a' + i / 676);
		cr_expect_eq(ask("198.51.100.1", from, "bob@a", 2000 + i),
		    GUARD_GREY_NEW);
		cr_expect(guard_grey_count(grey) <= 1000);
	}
	/* Who has come again stays; of the others the newest. */
	cr_expect_eq(ann(4000), GUARD_GREY_KNOWN);
	cr_expect_eq(
	    ask("198.51.100.1", from, "bob@a", 3600), GUARD_GREY_EARLY);
	cr_expect_eq(
	    ask("198.51.100.1", "aaa@spam", "bob@a", 3600), GUARD_GREY_NEW);
}

Test(guard_grey, forgets_what_is_old)
{
	char from[40];

	for (int i = 0; i < 400; i++) {
		(void)snprintf(from, sizeof(from), "%c%c@spam", 'a' + i % 26,
		    'a' + i / 26);
		(void)ask("198.51.100.1", from, "bob@a", 1000);
	}
	for (int i = 0; i < 100; i++) {
		(void)snprintf(from, sizeof(from), "%c%c@spam", 'a' + i % 26,
		    'a' + i / 26);
		(void)ask("198.51.100.1", from, "eve@a", 2000 + 2 * DAY);
	}
	cr_expect_eq(guard_grey_count(grey), 100);
}

Test(guard_grey_sender, what_changes_is_left_out)
{
	static const struct {
		const char *from, *want;
	} cases[] = {
		{ "Ann@B.Example", "ann@b.example" },
		{ "bounce-12345-67@list.example", "bounce-#-#@list.example" },
		{ "list+ann=b.example@c.example", "list@c.example" },
		{ "btv1==abc@x", "btv#@x" },
		{ "ann@mail2.example", "ann@mail2.example" },
		{ "", "" },
		{ "@", "@" },
		{ "ann", "ann" },
		{ "\"a@b\"@c", "\"a@b\"@c" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf out;

		buf_init(&out, 100);
		guard_grey_sender(str_of(cases[i].from), &out);
		cr_expect(str_is(buf_str(&out), cases[i].want), "%s gives %.*s",
		    cases[i].from, STR_ARG(buf_str(&out)));
		buf_fini(&out);
	}
}
