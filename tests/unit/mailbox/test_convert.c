/*
 * test_convert.c - an account goes to another storage under a view that has
 * one of its mailboxes open, and whatever may come in between.
 */
#include "fixture.h"

#include "account/account.h"
#include "base/str.h"
#include "mailbox/convert.h"
#include <criterion/criterion.h>
#include <ftw.h>
#include <stdlib.h>
#include <unistd.h>

static struct store s;
static struct accounts *accounts;
static char other[64];

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

/* Two storages over one module, and accounts. */
static void
begin(void)
{
	const char *module = getenv("POSTERN_TEST_MODULE");
	struct account_user user = store_user("anna");
	struct pst_error err = { 0 };
	char more[512];

	if (module == NULL)
		module = ".libs/maildir.so";
	(void)snprintf(other, sizeof(other), "/tmp/postern-other-XXXXXX");
	cr_assert_not_null(mkdtemp(other));
	(void)snprintf(more, sizeof(more),
	    "domains = { \"example.test\" }\n"
	    "accounts {\n path = \"%s/accounts.db\"\n}\n"
	    "storage other {\n module = \"%s%s\"\n path = \"%s/mail\"\n"
	    " fsync = false\n}\n",
	    other, strchr(module, '/') != NULL ? "" : "./", module, other);
	cr_assert(store_open(&s, more));
	accounts = accounts_open(s.cfg, &err);
	cr_assert_not_null(accounts, "%s", err.detail);
	cr_assert_eq(account_add(accounts, &user, STR_NONE, &err), PST_OK, "%s",
	    err.detail);
}

static void
end(void)
{
	accounts_close(&accounts);
	store_close(&s);
	(void)nftw(other, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

TestSuite(convert, .init = begin, .fini = end);

static struct convert_result result;

static enum pst_rc
convert(const char *from, const char *to, const struct convert_how *more,
    struct pst_error *err)
{
	struct convert_how how = more != NULL ? *more
					      : (struct convert_how){ 0 };
	struct account_user user = store_user("anna");
	struct pst_error ignored;

	how.from = from;
	how.to = to;
	*err = (struct pst_error){ 0 };
	/* One who is not there any more is converted from an old record. */
	(void)account_find(accounts, "anna@example.test", &user, &ignored);
	return mail_convert(s.ms, accounts, &user, &how, &result, err);
}

static void
convert_ok(const char *from, const char *to)
{
	struct pst_error err;
	enum pst_rc rc = convert(from, to, NULL, &err);

	cr_assert_eq(rc, PST_OK, "%s", err.detail);
	cr_assert(result.is_over);
}

static void
expect_quiet(struct mailbox_view *v, const char *when)
{
	struct told t;

	cr_assert_eq(store_sync(v, true, &t), PST_OK, "%s", when);
	cr_expect_eq(t.expunged_n, 0, "%s: %zu expunged", when, t.expunged_n);
	cr_expect_eq(t.changed_n, 0, "%s: %zu changed", when, t.changed_n);
	cr_expect_eq(t.exists, 0, "%s: %u exist", when, t.exists);
}

Test(convert, a_view_goes_on)
{
	struct mail_account *a = store_account(&s, "anna");
	struct mailbox_view *v;
	struct pst_box_state before, after;
	struct told t;

	for (unsigned i = 1; i <= 9; i++)
		cr_assert_eq(store_put(a, "INBOX", i % 2 ? PST_SEEN : 0,
				 i % 3 ? "Word" : NULL, i),
		    i);
	v = store_view(a, "INBOX", false);
	cr_assert_eq(store_expunge(v, 1, 0), PST_OK);
	cr_assert_eq(
	    store_flags(v, 4, 4, PST_FLAGS_ADD, PST_DELETED, true), PST_OK);
	cr_assert_eq(store_expunge(v, 4, 4), PST_OK);
	cr_assert_eq(store_sync(v, true, &t), PST_OK);
	view_state(v, &before);
	for (int round = 0; round < 3; round++) {
		convert_ok(
		    round % 2 ? "other" : "main", round % 2 ? "main" : "other");
		expect_quiet(v, "after the conversion");
		view_state(v, &after);
		cr_expect_eq(after.uidvalidity, before.uidvalidity);
		cr_expect_eq(after.uidnext, before.uidnext);
		cr_expect_str_eq(after.objectid, before.objectid);
		cr_expect(after.highestmodseq >= before.highestmodseq);
		before = after;
		cr_expect_eq(
		    store_put(a, "INBOX", 0, "Other", 1), before.uidnext);
		cr_assert_eq(store_sync(v, true, &t), PST_OK);
		cr_expect_eq(t.exists, 1);
		cr_assert_eq(
		    store_flags(v, 2, 3, PST_FLAGS_ADD, PST_FLAGGED, false),
		    PST_OK);
		cr_assert_eq(store_sync(v, true, &t), PST_OK);
		cr_expect_eq(t.changed_n, round == 0 ? 2 : 0);
		view_state(v, &before);
	}
	view_close(&v);
	mail_account_close(&a);
}

/* The same keywords have other numbers in the other storage. */
Test(convert, numbers_of_keywords_may_differ)
{
	struct account_user there = store_user("anna");
	struct mail_account *a;
	struct mailbox_view *v;
	struct pst_error err;

	(void)snprintf(there.storage, sizeof(there.storage), "other");
	cr_assert_eq(mail_account_open(s.ms, &there, &a, &err), PST_OK);
	cr_assert_eq(store_put(a, "INBOX", PST_DELETED, "First", 1), 1);
	cr_assert_eq(store_put(a, "INBOX", PST_DELETED, "Second", 1), 2);
	v = store_view(a, "INBOX", false);
	cr_assert_eq(store_expunge(v, 1, 2), PST_OK);
	view_close(&v);
	mail_account_close(&a);

	a = store_account(&s, "anna");
	cr_assert_eq(store_put(a, "INBOX", 0, "Second", 1), 1);
	cr_assert_eq(store_put(a, "INBOX", 0, "First", 1), 2);
	v = store_view(a, "INBOX", false);
	convert_ok("main", "other");
	expect_quiet(v, "after the conversion");
	view_close(&v);
	mail_account_close(&a);
}

/* A message that is under way in that moment is refused, and nowhere. */
Test(convert, an_old_stage_is_refused)
{
	struct mail_account *a = store_account(&s, "anna");
	struct mail_append append = { .internal_date = 1, .last = true };
	struct mail_appended done;
	struct mailbox_view *v;
	struct pst_error err;

	cr_assert_eq(mail_stage_new(a, 0, &append.stage, &err), PST_OK);
	cr_assert_eq(mail_stage_write(append.stage, "a", 1, &err), PST_OK);
	cr_expect(mail_stage_fits(append.stage, a));
	convert_ok("main", "other");
	cr_expect_not(mail_stage_fits(append.stage, a));
	cr_expect_eq(
	    mail_append(a, "INBOX", &append, 1, &done, &err), PST_E_TEMP);
	mail_stage_free(&append.stage);
	v = store_view(a, "INBOX", false);
	cr_expect_eq(view_count(v), 0);
	view_close(&v);
	cr_expect_eq(store_put(a, "INBOX", 0, NULL, 1), 1);
	mail_account_close(&a);
}

/* Who was looked up before comes to where the mail is now. */
Test(convert, old_records)
{
	struct account_user old = store_user("anna"), now;
	struct mail_account *a = store_account(&s, "anna"), *b;
	struct pst_error err;

	cr_assert_eq(store_put(a, "INBOX", 0, NULL, 1), 1);
	convert_ok("main", "other");
	cr_assert_eq(mail_account_open(s.ms, &old, &b, &err), PST_OK);
	cr_expect_eq(a, b);
	mail_account_close(&b);
	cr_assert_eq(account_find(accounts, old.address, &now, &err), PST_OK);
	cr_expect_str_eq(now.storage, "other");
	cr_assert_eq(mail_account_open(s.ms, &now, &b, &err), PST_OK);
	cr_expect_eq(a, b);
	mail_account_close(&b);
	convert_ok("other", "main");
	cr_assert_eq(mail_account_open(s.ms, &now, &b, &err), PST_OK);
	cr_expect_eq(a, b);
	mail_account_close(&b);
	mail_account_close(&a);
}

/* Without the record all stays where it is. */
Test(convert, the_record_decides)
{
	struct mail_account *a = store_account(&s, "anna");
	struct mailbox_view *v;
	struct pst_error err;
	struct told t;

	cr_assert_eq(store_put(a, "INBOX", 0, NULL, 1), 1);
	v = store_view(a, "INBOX", false);
	cr_assert_eq(
	    account_delete(accounts, "anna@example.test", &err), PST_OK);
	cr_expect_neq(convert("main", "other", NULL, &err), PST_OK);
	cr_expect_not(result.is_over);
	expect_quiet(v, "after a failure");
	cr_expect_eq(store_put(a, "INBOX", 0, NULL, 1), 2);
	cr_assert_eq(store_sync(v, true, &t), PST_OK);
	cr_expect_eq(t.exists, 1);
	cr_assert_eq(
	    store_flags(v, 1, 2, PST_FLAGS_ADD, PST_SEEN, false), PST_OK);
	view_close(&v);
	mail_account_close(&a);
}

static unsigned questions;

static bool
stop_soon(void *arg)
{
	return ++questions > *(unsigned *)arg;
}

/* Each one goes on where the one before it was stopped. */
Test(convert, stopped_again_and_again)
{
	enum { MESSAGES = 300 };
	struct mail_account *a = store_account(&s, "anna");
	struct mailbox_view *v = store_view(a, "INBOX", false);
	uint64_t copied = 0;
	unsigned after = 40, rounds = 0;
	struct told t;

	for (unsigned i = 1; i <= MESSAGES; i++)
		cr_assert_eq(store_put(a, "INBOX", 0, NULL, i % 7), i);
	cr_assert_eq(store_sync(v, true, &t), PST_OK);
	for (;;) {
		const struct convert_how how = { .stop = stop_soon,
			.arg = &after };
		struct pst_error err = { 0 };

		questions = 0;
		(void)convert("main", "other", &how, &err);
		copied += result.copied;
		expect_quiet(v, "stopped or not");
		if (result.is_over)
			break;
		after += 100;
		cr_assert(++rounds < 100, "%s", err.detail);
	}
	cr_expect(rounds > 2, "%u rounds", rounds);
	cr_expect_eq(copied, MESSAGES, "%llu", (unsigned long long)copied);
	cr_expect_eq(view_count(v), MESSAGES);
	view_close(&v);
	mail_account_close(&a);
}

Test(convert, what_cannot_be)
{
	struct mail_account *a = store_account(&s, "anna");
	struct pst_error err;

	cr_expect_eq(convert("main", "none", NULL, &err), PST_E_NOTFOUND);
	cr_expect_eq(convert("none", "main", NULL, &err), PST_E_NOTFOUND);
	cr_expect_eq(convert("main", "main", NULL, &err), PST_E_PERM);
	cr_expect_eq(convert("other", "main", NULL, &err), PST_E_CONFLICT);
	mail_account_close(&a);
}
