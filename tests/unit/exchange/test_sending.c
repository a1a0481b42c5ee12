/*
 * What users send, their limits and the brake, with a clock that is set
 * forward.
 */
#include "exchange/sending_priv.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "tree.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum { HOUR = 3600, DAY = 24 * HOUR };

static char dir[64], path[80];
static struct sending *s;
static struct config *cfg;

static void
configure(const char *sending)
{
	char text[2048];
	struct pst_error err = { 0 };

	config_unref(&cfg);
	(void)snprintf(text, sizeof(text),
	    "hostname = \"here.test\"\ndomains = { \"here.test\" }\n"
	    "listener smtp {\n protocol = smtp\n}\n"
	    "storage maildir {\n path = \"/nowhere\"\n}\n%s",
	    sending);
	cfg = config_parse(text, NULL, 0, NULL, NULL, &err);
	cr_assert_not_null(cfg, "%s", err.detail);
}

static void
reopen(void)
{
	struct pst_error err = { 0 };

	sending_close(&s);
	cr_assert_eq(sending_open(path, &s, &err), PST_OK, "%s", err.detail);
}

static void
setup(void)
{
	(void)log_open(LOG_TO_STDERR, NULL, LOG_PLAIN, PST_LOG_ERROR);
	(void)snprintf(dir, sizeof(dir), "/tmp/postern-sending-XXXXXX");
	cr_assert_not_null(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/sending.db", dir);
	configure("sending {\n messages_hour = 5\n messages_day = 8\n"
		  " recipients_day = 30\n new_recipients_day = 20\n"
		  " bounce_share = 40\n bounce_least = 4\n held = 3\n}\n"
		  "sending_users news {\n users = { \"news@*\" }\n"
		  " messages_day = 1000\n}\n");
	reopen();
}

static void
teardown(void)
{
	sending_close(&s);
	config_unref(&cfg);
	remove_tree(dir);
}

TestSuite(sending, .init = setup, .fini = teardown);

/* A message to recipients `first` to `first + n - 1`. */
static enum sending_verdict
hand_in(const char *user, size_t first, size_t n, char *why)
{
	struct envelope_recipient *r = mem_array(n, sizeof(*r));
	struct arena *arena = arena_new(0);
	struct envelope e = { .author = str_of(user),
		.recipient = r,
		.recipients = n,
		.arrived = clock_seconds() };
	char own[SENDING_REASON];
	enum sending_verdict verdict;

	for (size_t i = 0; i < n; i++) {
		char text[40];

		(void)snprintf(
		    text, sizeof(text), "to%zu@there.test", first + i);
		r[i].address = arena_copy(arena, str_of(text));
	}
	verdict = sending_count(s, cfg, &e, why != NULL ? why : own);
	arena_free(&arena);
	free(r);
	return verdict;
}

static void
bounce(const char *user, size_t n, int64_t age)
{
	struct envelope e = { .author = str_of(user),
		.arrived = clock_seconds() - age };

	sending_bounced(s, cfg, &e, n);
}

static void
advance(int64_t seconds)
{
	clock_advance(seconds * 1000000);
}

static void
expect_free(const char *user, size_t first, size_t n)
{
	char why[SENDING_REASON];

	cr_assert_eq(hand_in(user, first, n, why), SENDING_FREE, "%s", why);
}

static void
expect_held(const char *user, size_t first, size_t n, const char *part)
{
	char why[SENDING_REASON];

	cr_assert_eq(hand_in(user, first, n, why), SENDING_HELD);
	cr_assert_not_null(strstr(why, part), "%s", why);
}

static void
keep_row(void *arg, const struct sending_row *row)
{
	*(struct sending_row *)arg = *row;
}

Test(sending, messages_in_an_hour)
{
	for (int i = 0; i < 5; i++)
		expect_free("a@here.test", 0, 1);
	expect_held("A@here.test", 0, 1, "5 messages in an hour");
	expect_free("b@here.test", 0, 1);
}

Test(sending, messages_in_a_day)
{
	for (int i = 0; i < 8; i++) {
		expect_free("a@here.test", 0, 1);
		advance(HOUR);
	}
	expect_held("a@here.test", 0, 1, "8 messages in a day");
}

Test(sending, an_old_day_does_not_count)
{
	for (int i = 0; i < 40; i++) {
		expect_free("a@here.test", 0, 1);
		advance(4 * HOUR);
	}
	advance(40 * DAY);
	for (int i = 0; i < 5; i++)
		expect_free("a@here.test", 0, 1);
}

Test(sending, recipients)
{
	expect_free("a@here.test", 0, 16);
	expect_free("a@here.test", 0, 14);
	expect_held("a@here.test", 0, 1, "30 recipients in a day");
}

Test(sending, new_recipients_and_known_ones)
{
	expect_free("a@here.test", 0, 10);
	advance(2 * DAY);
	/* Those ten are known, ten are not. */
	expect_free("a@here.test", 0, 20);
	advance(2 * DAY);
	reopen();
	expect_free("a@here.test", 0, 29);
	advance(2 * DAY);
	expect_held("a@here.test", 100, 21, "never written to");
	/* What was held made nobody known. */
	{
		struct pst_error err;

		cr_assert_eq(sending_lift(s, "a@here.test", &err), PST_OK);
	}
	expect_held("a@here.test", 100, 21, "never written to");
}

Test(sending, the_brake_stays_until_it_is_lifted)
{
	struct pst_error err = { 0 };
	struct sending_row row;
	char why[SENDING_REASON];

	expect_held("a@here.test", 0, 31, "recipients");
	cr_assert(sending_is_braked(s, STR("a@here.test"), why));
	cr_assert(!sending_is_braked(s, STR("b@here.test"), why));
	advance(30 * DAY);
	reopen();
	cr_assert(sending_is_braked(s, STR("a@here.test"), why));
	cr_assert_not_null(strstr(why, "30 recipients"));
	expect_held("a@here.test", 0, 1, "30 recipients");
	cr_assert_eq(sending_each(s, true, keep_row, &row, &err), PST_OK);
	cr_assert_str_eq(row.user, "a@here.test");
	cr_assert_eq(row.held, 2);
	cr_assert_eq(row.messages_day, 0);
	cr_assert_eq(sending_lift(s, "a@here.test", &err), PST_OK);
	cr_assert_eq(sending_lift(s, "a@here.test", &err), PST_E_NOTFOUND);
	reopen();
	expect_free("a@here.test", 0, 1);
}

Test(sending, what_is_held_has_an_end)
{
	expect_held("a@here.test", 0, 31, "recipients");
	expect_held("a@here.test", 0, 1, "recipients");
	expect_held("a@here.test", 0, 1, "recipients");
	cr_assert_eq(hand_in("a@here.test", 0, 1, NULL), SENDING_LATER);
	cfg->sending.beyond = CONFIG_BEYOND_REJECT;
	cr_assert_eq(hand_in("a@here.test", 0, 1, NULL), SENDING_NEVER);
	cfg->sending.held = 0;
	expect_held("a@here.test", 0, 1, "recipients");
}

Test(sending, bounces)
{
	expect_free("a@here.test", 0, 12);
	bounce("a@here.test", 3, 0);
	expect_free("a@here.test", 0, 1);  /* too few to tell */
	bounce("a@here.test", 5, 2 * DAY); /* of another day */
	expect_free("a@here.test", 0, 1);
	bounce("a@here.test", 3, HOUR);
	expect_held("a@here.test", 0, 1, "6 of 14 recipients");
	/* A small share of many. */
	expect_free("b@here.test", 0, 15);
	bounce("b@here.test", 5, 0);
	expect_free("b@here.test", 0, 1);
}

Test(sending, exceptions_and_off)
{
	for (size_t i = 0; i < 100; i++)
		expect_free("news@here.test", i * 50, 50);
	bounce("news@here.test", 5000, 0);
	expect_free("news@here.test", 0, 1);
	expect_free("", 0, 100); /* no user */
	cfg->sending.enabled = false;
	expect_free("a@here.test", 0, 100);
}

Test(sending, known_ones_are_bounded)
{
	struct pst_error err = { 0 };
	struct sending_file *f;
	struct sender *one;

	configure("sending {\n messages_hour = 0\n messages_day = 0\n"
		  " recipients_day = 0\n new_recipients_day = 100000\n}\n");
	for (size_t i = 0; i < 20; i++) {
		expect_free("a@here.test", i * 1000, 1000);
		advance(DAY);
	}
	sending_close(&s);
	cr_assert_eq(sending_file_open(path, &f, &err), PST_OK);
	one = sending_sender_new("a@here.test");
	cr_assert_eq(sending_file_read(f, one, &err), PST_OK);
	sending_file_close(&f);
	cr_assert_leq(one->known.n, SENDING_KNOWN_MAX);
	cr_assert_geq(one->known.n, SENDING_KNOWN_MAX / 2);
	sending_sender_free(one);
	/* The latest are still known, the first are not. */
	reopen();
	configure("sending {\n messages_hour = 0\n messages_day = 0\n"
		  " recipients_day = 0\n new_recipients_day = 1\n}\n");
	advance(DAY);
	expect_free("a@here.test", 19000, 1000);
	expect_held("a@here.test", 0, 1000, "never written to");
}

Test(sending, tells_of_a_brake_once)
{
	struct sending_row row;

	cr_assert(!sending_to_tell(s, &row));
	expect_held("a@here.test", 0, 31, "recipients");
	cr_assert(sending_to_tell(s, &row));
	cr_assert_str_eq(row.user, "a@here.test");
	sending_told(s, row.user, false);
	cr_assert(!sending_to_tell(s, &row));
	advance(61);
	cr_assert(sending_to_tell(s, &row));
	sending_told(s, row.user, true);
	advance(61);
	cr_assert(!sending_to_tell(s, &row));
	reopen();
	cr_assert(!sending_to_tell(s, &row));
}

Test(sending, who_does_not_send_is_only_in_the_file)
{
	struct sending_row row = { 0 };
	struct pst_error err;

	expect_free("a@here.test", 0, 3);
	sending_tick(s);
	advance(3 * HOUR);
	sending_tick(s);
	cr_assert_eq(sending_each(s, false, keep_row, &row, &err), PST_OK);
	cr_assert_eq(row.recipients_day, 3);
	expect_free("a@here.test", 0, 1);
	cr_assert_eq(sending_each(s, false, keep_row, &row, &err), PST_OK);
	cr_assert_eq(row.recipients_day, 4);
	cr_assert_eq(row.new_recipients_day, 3);
}

Test(sending, a_damaged_file)
{
	char aside[100];
	int fd;

	expect_free("a@here.test", 0, 3);
	sending_close(&s);
	fd = open(path, O_WRONLY | O_TRUNC);
	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd,
			 "This is no database, but long enough to be "
			 "taken for one, if nobody looks at its header",
			 80),
	    80);
	(void)close(fd);
	(void)log_open(LOG_TO_FILE, "/dev/null", LOG_PLAIN, PST_LOG_ERROR);
	reopen();
	expect_free("a@here.test", 0, 30 - 10);
	(void)snprintf(aside, sizeof(aside), "%s.aside", path);
	cr_assert_eq(access(aside, F_OK), 0);
}
