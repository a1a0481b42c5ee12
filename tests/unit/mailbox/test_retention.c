/*
 * test_retention.c - which mailboxes and messages a rule of retention is for,
 * and the table of when to look again.
 */
#include "base/str.h"
#include "fixture.h"
#include "mailbox/due.h"
#include "mailbox/retention.h"
#include <criterion/criterion.h>
#include <stdlib.h>
#include <unistd.h>

/* --- mailboxes ------------------------------------------------------------ */

Test(retention, patterns)
{
	static const struct {
		const char *pattern, *name;
		bool matches;
	} t[] = {
		{ "Trash", "Trash", true },
		{ "Trash", "trash", false },
		{ "Trash", "Trash/x", false },
		{ "inbox", "INBOX", true },
		{ "inBox", "INBOX/x", false },
		{ "*", "INBOX", true },
		{ "*", "a/b/c", true },
		{ "%", "a", true },
		{ "%", "a/b", false },
		{ "a/%", "a/b", true },
		{ "a/%", "a/b/c", false },
		{ "a/*", "a/b/c", true },
		{ "a/*", "a", false },
		{ "a*c", "abbc", true },
		{ "a*c", "abbcd", false },
		{ "*/Trash", "x/y/Trash", true },
		{ "*/Trash", "Trash", false },
		{ "%*", "a/b", true },
		{ "*%", "a/b", true },
		{ "", "a", false },
		{ "", "", true },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		cr_expect_eq(retention_name_matches(t[i].pattern, t[i].name),
		    t[i].matches, "%s %s", t[i].pattern, t[i].name);
}

Test(retention, a_bad_pattern_ends)
{
	char pattern[400], name[1000];

	for (size_t i = 0; i + 1 < sizeof(pattern); i += 2)
		memcpy(pattern + i, "*a", 2);
	pattern[sizeof(pattern) - 2] = 'b';
	pattern[sizeof(pattern) - 1] = '\0';
	memset(name, 'a', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	cr_expect_not(retention_name_matches(pattern, name));
}

static bool
is_for(const char *mailbox, const char *use, const char *name,
    const char *special_use, bool exists)
{
	char m[40], u[40];
	const struct config_retention rule = { .mailbox = m, .special_use = u };
	const struct pst_mailbox box = {
		.name = name, .special_use = special_use, .exists = exists
	};

	(void)str_copy(m, sizeof(m), str_of(mailbox));
	(void)str_copy(u, sizeof(u), str_of(use));
	return retention_matches(&rule, &box);
}

Test(retention, mailboxes)
{
	cr_expect(is_for("Trash", "", "Trash", "", true));
	cr_expect(is_for("", "\\trash", "Bin", "\\Trash", true));
	cr_expect(is_for("B*", "\\Trash", "Bin", "\\Trash", true));
	cr_expect_not(is_for("C*", "\\Trash", "Bin", "\\Trash", true));
	cr_expect_not(is_for("", "\\Junk", "Bin", "\\Trash", true));
	cr_expect_not(is_for("", "\\Junk", "Bin", "", true));
	cr_expect_not(is_for("*", "", "Bin", "", false), "only a name");
	cr_expect_not(is_for("", "", "Bin", "", true), "for none");
}

/* --- messages ------------------------------------------------------------- */

static void
expect_picked(const struct config_retention *rule, const struct pst_row *row,
    size_t n, const char *want, int64_t want_next)
{
	struct uidset gone = { 0 };
	int64_t next = INT64_MAX;
	struct buf out;

	buf_init(&out, 1000);
	retention_pick(rule, row, n, 1000, &gone, &next);
	(void)uidset_print(&gone, &out);
	cr_expect(str_is(buf_str(&out), want), "%.*s, not %s",
	    STR_ARG(buf_str(&out)), want);
	cr_expect_eq(next, want_next, "next: %lld", (long long)next);
	buf_fini(&out);
	uidset_fini(&gone);
}

Test(retention, messages)
{
	/* Not in order of their coming: a copy keeps no place. */
	static const struct pst_row row[] = {
		{ .uid = 1, .save_date = 500, .size = 10 },
		{ .uid = 2, .save_date = 900, .size = 10 },
		{ .uid = 5, .save_date = 400, .size = 10 },
		{ .uid = 6, .internal_date = 450, .size = 70 },
		{ .uid = 9, .save_date = 950, .internal_date = 1, .size = 10 },
	};
	static const struct {
		struct config_retention rule;
		const char *want;
		int64_t next;
	} t[] = {
		{ { .age = 1 }, "1:2,5:6,9", INT64_MAX },
		{ { .age = 1000 }, "", 1400 },
		{ { .age = 600 }, "5", 1050 },
		{ { .age = 599 }, "5", 1049 },
		{ { .age = 601 }, "", 1001 },
		{ { .age = 500 }, "1,5:6", 1400 },
		{ { .max_messages = 5 }, "", INT64_MAX },
		{ { .max_messages = 3 }, "5:6", INT64_MAX },
		{ { .max_messages = 1 }, "1:2,5:6", INT64_MAX },
		{ { .max_size = 110 }, "", INT64_MAX },
		{ { .max_size = 109 }, "5", INT64_MAX },
		{ { .max_size = 99 }, "5:6", INT64_MAX },
		{ { .max_size = 1 }, "1:2,5:6,9", INT64_MAX },
		{ { .age = 600, .max_messages = 3 }, "5:6", 1100 },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		expect_picked(&t[i].rule, row, sizeof(row) / sizeof(row[0]),
		    t[i].want, t[i].next);
	expect_picked(&t[0].rule, NULL, 0, "", INT64_MAX);
}

/* --- when to look again --------------------------------------------------- */

Test(due, remembers)
{
	struct due *d = due_new();
	char id[20];

	cr_expect_eq(due_get(d, "a"), INT64_MIN);
	due_by(d, "a", 5);
	cr_expect_eq(due_get(d, "a"), INT64_MIN, "unknown is due already");
	due_set(d, "a", 10);
	due_by(d, "a", 20);
	cr_expect_eq(due_get(d, "a"), 10);
	due_by(d, "a", 5);
	cr_expect_eq(due_get(d, "a"), 5);
	for (int i = 0; i < 5000; i++) {
		(void)snprintf(id, sizeof(id), "user%d", i);
		due_set(d, id, i);
	}
	cr_expect_eq(due_count(d), 5001U);
	for (int i = 0; i < 5000; i++) {
		(void)snprintf(id, sizeof(id), "user%d", i);
		cr_assert_eq(due_get(d, id), i);
	}
	due_sweep_begin(d);
	(void)due_get(d, "user7");
	(void)due_get(d, "gone");
	due_set(d, "new", 3);
	due_sweep_end(d);
	cr_expect_eq(due_count(d), 2U, "who was not asked for is forgotten");
	cr_expect_eq(due_get(d, "user7"), 7);
	cr_expect_eq(due_get(d, "new"), 3);
	due_clear(d);
	cr_expect_eq(due_count(d), 0U);
	due_free(&d);
}

Test(due, file)
{
	static const char *const bad[] = { "", "rubbish", "postern-due 1 5\n",
		"postern-due 1 5\n1 2\n", "postern-due 1 5\nx y\nend\n",
		"postern-due 2 5\nend\n" };
	char path[] = "/tmp/postern-due-XXXXXX";
	struct due *d = due_new(), *again = due_new();
	int fd = mkstemp(path);

	cr_assert_geq(fd, 0);
	due_set(d, "a", 10);
	due_set(d, "b", INT64_MAX);
	cr_expect(due_save(d, path, 5));
	cr_expect_not(due_load(again, path, 6), "of other rules");
	cr_expect(due_load(again, path, 5));
	cr_expect_eq(due_get(again, "a"), 10);
	cr_expect_eq(due_get(again, "b"), INT64_MAX);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		FILE *f = fopen(path, "w");

		cr_assert_not_null(f);
		(void)fputs(bad[i], f);
		(void)fclose(f);
		due_set(again, "c", 1);
		cr_expect_not(due_load(again, path, 5), "%zu", i);
	}
	cr_expect_not(due_load(again, "/nowhere/at/all", 5));
	cr_expect_not(due_save(again, "/nowhere/at/all", 5));
	(void)close(fd);
	(void)unlink(path);
	due_free(&d);
	due_free(&again);
}

/* --- a hold while a rule is at work --------------------------------------- */

struct holding {
	struct store store;
	unsigned asked, hold_at;
	uint64_t removed;
};

/* As `posternctl user hold`, before batch `hold_at`. */
static bool
hold_meanwhile(void *arg)
{
	struct holding *h = arg;
	struct account_user user = store_user("a");
	struct mail_account *acct;
	struct pst_error err;

	user.on_hold = true;
	if (++h->asked == h->hold_at &&
	    mail_account_open(h->store.ms, &user, &acct, &err) == PST_OK)
		mail_account_close(&acct);
	return false;
}

static void
count_removed(void *arg, const struct retention_done *done)
{
	((struct holding *)arg)->removed += done->messages;
}

static uint32_t
left_in_inbox(struct mail_account *a)
{
	struct mailbox_status status = { 0 };
	struct pst_error err;

	cr_expect_eq(mailbox_status(a, "INBOX", &status, &err), PST_OK);
	return status.messages;
}

Test(retention, a_hold_counts_at_once)
{
	/* The mailbox, then three batches: the uids are no neighbours. */
	struct holding h = { .hold_at = 3 };
	const struct retention_how how = {
		.fn = count_removed, .stop = hold_meanwhile, .arg = &h
	};
	int64_t next = INT64_MAX;
	struct mailbox_view *v;
	struct mail_account *a;
	struct pst_error err;

	cr_assert(store_open(&h.store,
	    "retention few {\n mailbox = \"INBOX\"\n max_messages = 1\n"
	    " undelete = false\n}\n"));
	a = store_account(&h.store, "a");
	for (unsigned i = 0; i < 6; i++)
		cr_assert_neq(store_put(a, "INBOX", 0, NULL, 1), 0);
	v = store_view(a, "INBOX", false);
	for (uint32_t uid = 2; uid <= 4; uid += 2) {
		(void)store_flags(
		    v, uid, uid, PST_FLAGS_ADD, PST_DELETED, true);
		(void)store_expunge(v, uid, uid);
	}
	view_close(&v);
	cr_assert_eq(left_in_inbox(a), 4);
	cr_expect_eq(retention_run(a, &how, &next, &err), PST_OK);
	cr_expect_eq(left_in_inbox(a), 3);
	cr_expect_eq(h.removed, 1, "what was removed is told, no more");
	mail_account_close(&a);
	store_close(&h.store);
}
