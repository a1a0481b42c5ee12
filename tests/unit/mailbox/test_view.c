/*
 * Views one rule at a time: numbers that keep their meaning, silence, \Recent,
 * keywords, changes by other programs.
 */
#include "fixture.h"

#include "base/str.h"
#include <criterion/criterion.h>
#include <ftw.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static struct store s;
static struct mail_account *a;

static void
begin(unsigned messages)
{
	cr_assert(store_open(&s, ""));
	a = store_account(&s, "anna");
	cr_assert_not_null(a);
	for (unsigned i = 1; i <= messages; i++)
		cr_assert_eq(store_put(a, "INBOX", 0, NULL, 1), i);
}

static void
end(void)
{
	mail_account_close(&a);
	store_close(&s);
}

Test(view, removes_whatever_flags_there_are)
{
	const struct pst_range range = { 2, 9 };
	const struct pst_uids uids = { &range, 1 };
	struct mailbox_view *one, *other;
	struct pst_error err;
	struct told t;

	begin(3);
	one = store_view(a, "INBOX", true);
	other = store_view(a, "INBOX", false);
	cr_assert_eq(store_sync(other, true, &t), PST_OK);
	cr_expect_eq(view_remove(one, uids, &err), PST_E_READONLY);
	view_allow_changes(one);
	cr_expect_eq(view_remove(one, uids, &err), PST_OK);
	/* What is gone already is no error, and the picture stays. */
	cr_expect_eq(view_remove(one, uids, &err), PST_OK);
	cr_expect_eq(view_count(one), 3);
	cr_assert_eq(store_sync(other, true, &t), PST_OK);
	cr_expect_eq(t.expunged_n, 2);
	cr_expect_eq(t.expunged[0], 2);
	cr_expect_eq(t.expunged[1], 3);
	cr_expect_eq(view_count(other), 1);
	view_close(&one);
	view_close(&other);
	end();
}

Test(view, numbers_keep_their_meaning_without_expunges)
{
	struct mailbox_view *one, *other;
	struct pst_row rows[5];
	struct told t;

	begin(4);
	one = store_view(a, "INBOX", false);
	other = store_view(a, "INBOX", false);
	(void)store_flags(
	    other, 2, 3, PST_FLAGS_ADD, PST_DELETED | PST_SEEN, false);
	cr_assert_eq(store_expunge(other, 1, 4), PST_OK);
	(void)store_put(a, "INBOX", 0, NULL, 1);
	cr_assert_eq(store_sync(one, false, &t), PST_OK);
	cr_expect_eq(t.expunged_n, 0);
	cr_expect_eq(t.exists, 1);
	cr_expect_eq(t.count, 5);
	cr_expect_eq(view_uid(one, 2), 2);
	cr_expect_eq(view_uid(one, 5), 5);
	view_rows(one, 1, 5, rows);
	cr_expect_eq(rows[0].uid, 1);
	cr_expect_eq(rows[1].uid, 0);
	cr_expect_eq(rows[2].uid, 0);
	cr_expect_eq(rows[3].uid, 4);
	cr_expect_eq(rows[4].uid, 5);
	cr_expect_eq(view_first_unseen(one), 1);
	/* Each with the number that it has at that moment. */
	cr_assert_eq(store_sync(one, true, &t), PST_OK);
	cr_assert_eq(t.expunged_n, 2);
	cr_expect_eq(t.expunged_seq[0], 2);
	cr_expect_eq(t.expunged_seq[1], 2);
	cr_expect_eq(t.expunged[0], 2);
	cr_expect_eq(t.expunged[1], 3);
	cr_expect_eq(t.exists, 0);
	cr_expect_eq(view_count(one), 3);
	cr_expect_eq(view_seq(one, 4), 2);
	cr_expect_eq(view_seq(one, 3), 0);
	cr_expect_eq(view_seq_from(one, 3), 2);
	cr_expect_eq(view_seq_from(one, 99), 4);
	view_close(&one);
	view_close(&other);
	end();
}

Test(view, own_changes_are_told_unless_silent)
{
	struct mailbox_view *one, *other;
	struct told t;

	begin(3);
	one = store_view(a, "INBOX", false);
	other = store_view(a, "INBOX", false);
	(void)store_flags(one, 1, 2, PST_FLAGS_ADD, PST_SEEN, true);
	(void)store_flags(one, 3, 3, PST_FLAGS_ADD, PST_SEEN, false);
	(void)store_sync(one, true, &t);
	cr_assert_eq(t.changed_n, 1);
	cr_expect_eq(t.changed[0], 3);
	(void)store_sync(other, true, &t);
	cr_expect_eq(t.changed_n, 3);
	cr_expect_not(view_is_behind(one));
	/* No change is no news. */
	(void)store_flags(one, 1, 3, PST_FLAGS_ADD, PST_SEEN, false);
	(void)store_sync(other, true, &t);
	cr_expect_eq(t.changed_n, 0);
	view_close(&one);
	view_close(&other);
	end();
}

/* RFC 3501, 6.4.6: what somebody else changed is told in spite of .SILENT. */
Test(view, silence_does_not_hide_what_others_did)
{
	struct mailbox_view *one, *other;
	struct told t;

	begin(2);
	one = store_view(a, "INBOX", false);
	other = store_view(a, "INBOX", false);
	/* Before... */
	(void)store_flags(other, 1, 1, PST_FLAGS_ADD, PST_FLAGGED, false);
	(void)store_flags(one, 1, 2, PST_FLAGS_ADD, PST_SEEN, true);
	(void)store_sync(one, true, &t);
	cr_assert_eq(t.changed_n, 1);
	cr_expect_eq(t.changed[0], 1);
	cr_expect_eq(t.changed_flags[0], PST_FLAGGED | PST_SEEN);
	/* ...and behind it. */
	(void)store_flags(one, 1, 2, PST_FLAGS_ADD, PST_ANSWERED, true);
	(void)store_flags(other, 2, 2, PST_FLAGS_ADD, PST_FLAGGED, false);
	(void)store_sync(one, true, &t);
	cr_assert_eq(t.changed_n, 1);
	cr_expect_eq(t.changed[0], 2);
	cr_expect_eq(t.changed_flags[0], PST_SEEN | PST_ANSWERED | PST_FLAGGED);
	view_close(&one);
	view_close(&other);
	end();
}

/* More changes than are remembered one by one. */
Test(view, much_news_is_whole)
{
	enum { MANY = 400 };
	struct mailbox_view *one, *other;
	struct told t;

	begin(MANY);
	one = store_view(a, "INBOX", false);
	other = store_view(a, "INBOX", false);
	for (uint32_t uid = 1; uid <= MANY; uid++)
		(void)store_flags(
		    other, uid, uid, PST_FLAGS_ADD, PST_SEEN, false);
	(void)store_flags(one, 5, 5, PST_FLAGS_ADD, PST_FLAGGED, true);
	(void)store_sync(one, false, &t);
	cr_expect_eq(t.changed_n, MANY);
	for (size_t i = 0; i < t.changed_n; i++)
		cr_expect_eq(t.changed_flags[i],
		    t.changed[i] == 5 ? PST_SEEN | PST_FLAGGED : PST_SEEN);
	(void)store_sync(other, true, &t);
	(void)store_sync(other, true, &t);
	cr_expect_eq(t.changed_n, 0);
	view_close(&one);
	view_close(&other);
	end();
}

Test(view, unchanged_since_keeps_back)
{
	const struct pst_range all = { 1, 3 };
	struct view_store change = { .op = PST_FLAGS_ADD,
		.flags = PST_FLAGGED };
	struct uidset conflicts = { 0 };
	struct mailbox_view *v;
	struct pst_box_state state;
	struct pst_error err;
	struct pst_row rows[3];

	begin(3);
	v = store_view(a, "INBOX", false);
	view_state(v, &state);
	(void)store_flags(v, 2, 2, PST_FLAGS_ADD, PST_SEEN, false);
	change.unchanged_since = state.highestmodseq;
	cr_assert_eq(view_store(v, (struct pst_uids){ &all, 1 }, &change,
			 &conflicts, &err),
	    PST_OK);
	cr_expect_eq(uidset_count(&conflicts), 1);
	cr_expect(uidset_has(&conflicts, 2));
	view_rows(v, 1, 3, rows);
	cr_expect_eq(rows[0].flags, PST_FLAGGED);
	cr_expect_eq(rows[1].flags, PST_SEEN);
	cr_expect_gt(rows[1].modseq, state.highestmodseq);
	uidset_fini(&conflicts);
	view_close(&v);
	end();
}

/* --- \Recent ----------------------------------------------------------------
 */

Test(recent, belongs_to_the_first_session)
{
	struct mailbox_view *look, *one, *other;
	struct told t;

	begin(3);
	look = store_view(a, "INBOX", true);
	cr_expect_eq(view_recent(look), 3);
	one = store_view(a, "INBOX", false);
	other = store_view(a, "INBOX", false);
	cr_expect_eq(view_recent(one), 3);
	cr_expect_eq(view_recent(other), 0);
	(void)store_put(a, "INBOX", 0, NULL, 1);
	(void)store_sync(other, true, &t);
	cr_expect_eq(t.recent, 1);
	(void)store_sync(one, true, &t);
	cr_expect_eq(t.recent, 3);
	cr_expect(view_is_recent(other, 4));
	cr_expect_not(view_is_recent(one, 4));
	/* An expunged one is not counted any more. */
	(void)store_flags(one, 2, 2, PST_FLAGS_ADD, PST_DELETED, false);
	(void)store_expunge(one, 2, 2);
	(void)store_sync(one, true, &t);
	cr_expect_eq(view_recent(one), 2);
	view_close(&look);
	view_close(&one);
	view_close(&other);
	end();
}

/* What came and was shown in a session is not new to the next one, although the
 * mailbox was put away, or the server restarted, in between. */
Test(recent, is_not_shown_twice)
{
	struct mailbox_view *v;
	struct told t;

	begin(1);
	v = store_view(a, "INBOX", false);
	(void)store_put(a, "INBOX", 0, NULL, 1);
	(void)store_sync(v, true, &t);
	cr_expect_eq(t.recent, 2);
	view_close(&v);
	mail_account_close(&a);
	cr_assert(store_again(&s));
	a = store_account(&s, "anna");
	v = store_view(a, "INBOX", false);
	cr_expect_eq(view_recent(v), 0);
	view_close(&v);
	/* What nobody was shown still is new. */
	(void)store_put(a, "INBOX", 0, NULL, 1);
	mail_account_close(&a);
	cr_assert(store_again(&s));
	a = store_account(&s, "anna");
	v = store_view(a, "INBOX", false);
	cr_expect_eq(view_recent(v), 1);
	view_close(&v);
	end();
}

/* --- keywords ---------------------------------------------------------------
 */

static enum pst_rc
add_keywords(
    struct mailbox_view *v, uint32_t uid, const char *const *names, size_t n)
{
	const struct pst_range one = { uid, uid };
	const struct view_store change = { .op = PST_FLAGS_ADD,
		.keywords = names,
		.keyword_count = n,
		.unchanged_since = UINT64_MAX };
	struct pst_error err;

	return view_store(v, (struct pst_uids){ &one, 1 }, &change, NULL, &err);
}

static bool
has_keyword(struct mailbox_view *v, uint32_t uid, const char *name)
{
	const char *const *names = view_keywords(v);
	struct pst_row row;

	view_rows(v, view_seq(v, uid), 1, &row);
	for (unsigned k = 0; k < PST_KEYWORDS_MAX; k++)
		if ((row.keywords >> k & 1) != 0 && names[k] != NULL &&
		    strcmp(names[k], name) == 0)
			return true;
	return false;
}

Test(keywords, new_ones_are_told_before_they_are_used)
{
	static const char *const names[] = { "$Work", "$Fun" };
	struct mailbox_view *one, *other;
	struct told t;

	begin(2);
	one = store_view(a, "INBOX", false);
	other = store_view(a, "INBOX", false);
	cr_assert_eq(add_keywords(one, 1, names, 2), PST_OK);
	(void)store_sync(other, false, &t);
	cr_expect_eq(t.keywords, 1);
	cr_expect_eq(t.changed_n, 1);
	cr_expect(has_keyword(other, 1, "$Work"));
	cr_expect(has_keyword(other, 1, "$Fun"));
	cr_expect_not(has_keyword(other, 2, "$Fun"));
	(void)store_sync(other, false, &t);
	cr_expect_eq(t.keywords, 0);
	cr_expect_eq(store_put(a, "INBOX", 0, "$Late", 1), 3);
	(void)store_sync(other, false, &t);
	cr_expect_eq(t.keywords, 1);
	cr_expect(has_keyword(other, 3, "$Late"));
	view_close(&one);
	view_close(&other);
	end();
}

Test(keywords, a_full_table_is_a_limit_and_mixes_nothing_up)
{
	char text[PST_KEYWORDS_MAX + 2][16];
	const char *pair[2];
	struct mailbox_view *v;

	begin(PST_KEYWORDS_MAX);
	v = store_view(a, "INBOX", false);
	for (uint32_t i = 0; i < PST_KEYWORDS_MAX + 2; i++)
		(void)snprintf(text[i], sizeof(text[i]), "word%u", i);
	for (uint32_t i = 0; i < PST_KEYWORDS_MAX; i++) {
		pair[0] = text[i];
		cr_assert_eq(add_keywords(v, i + 1, pair, 1), PST_OK);
	}
	cr_expect(view_keywords_full(v));
	pair[0] = text[PST_KEYWORDS_MAX];
	pair[1] = text[PST_KEYWORDS_MAX + 1];
	cr_expect_eq(add_keywords(v, 1, pair, 1), PST_E_LIMIT);
	/* One becomes free; two at once do not share its number. */
	(void)store_flags(v, 1, 1, PST_FLAGS_SET, PST_DELETED, true);
	cr_assert_eq(store_expunge(v, 1, 1), PST_OK);
	cr_expect_eq(add_keywords(v, 2, pair, 2), PST_E_LIMIT);
	cr_expect_eq(add_keywords(v, 2, pair, 1), PST_OK);
	cr_expect(has_keyword(v, 2, pair[0]));
	cr_expect(has_keyword(v, 2, text[1]));
	for (uint32_t i = 2; i < PST_KEYWORDS_MAX; i++)
		cr_expect(has_keyword(v, i + 1, text[i]));
	view_close(&v);
	end();
}

/* --- read-only
 * ----------------------------------------------------------------
 */

Test(view, read_only_changes_nothing)
{
	const struct pst_range all = { 1, 2 };
	struct view_copied copied;
	struct mailbox_view *v, *other;
	struct pst_error err;

	begin(2);
	v = store_view(a, "INBOX", true);
	cr_expect(view_is_read_only(v));
	cr_expect_eq(store_flags(v, 1, 2, PST_FLAGS_ADD, PST_DELETED, false),
	    PST_E_READONLY);
	cr_expect_eq(store_expunge(v, 1, 2), PST_E_READONLY);
	cr_expect_eq(view_copy(v, (struct pst_uids){ &all, 1 }, a, "Trash",
			 true, &copied, &err),
	    PST_E_READONLY);
	cr_expect_eq(view_copy(v, (struct pst_uids){ &all, 1 }, a, "Trash",
			 false, &copied, &err),
	    PST_OK);
	cr_expect_eq(copied.n, 2);
	view_copied_fini(&copied);
	other = store_view(a, "INBOX", false);
	cr_expect_eq(view_recent(other), 2);
	view_close(&other);
	view_close(&v);
	end();
}

/* --- other programs
 * -------------------------------------------------------------
 */

static char found_path[512];
static char found_name[16];

static int
look_at(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)at;
	if (type == FTW_F && strstr(path, found_name) != NULL)
		(void)snprintf(found_path, sizeof(found_path), "%s", path);
	return 0;
}

/* The file of a message in a Maildir; false: the storage is none. */
static bool
find_file(uint32_t uid)
{
	found_path[0] = '\0';
	(void)snprintf(found_name, sizeof(found_name), "U=%u", uid);
	(void)nftw(s.dir, look_at, 16, FTW_PHYS);
	return found_path[0] != '\0';
}

static void
flag_by_hand(uint32_t uid)
{
	char with[600];

	cr_assert(find_file(uid));
	(void)snprintf(with, sizeof(with), "%s%s", found_path,
	    strstr(found_path, ":2,") != NULL ? "F" : ":2,F");
	cr_assert_eq(rename(found_path, with), 0);
}

static void
wait_behind(struct mailbox_view *v)
{
	for (int i = 0; i < 1000 && !view_is_behind(v); i++) {
		const struct timespec ms = { 0, 10000000 };

		(void)nanosleep(&ms, NULL);
	}
	cr_assert(view_is_behind(v));
}

Test(others, are_noticed_in_open_mailboxes)
{
	struct mailbox_view *v;
	struct told t;

	begin(3);
	if (!find_file(1))
		cr_skip_test("the storage is no Maildir");
	v = store_view(a, "INBOX", false);
	(void)store_flags(v, 1, 3, PST_FLAGS_ADD, PST_SEEN, true);
	(void)store_sync(v, true, &t);
	flag_by_hand(2);
	wait_behind(v);
	(void)store_sync(v, true, &t);
	cr_assert_eq(t.changed_n, 1);
	cr_expect_eq(t.changed[0], 2);
	cr_assert(find_file(1));
	cr_assert_eq(unlink(found_path), 0);
	wait_behind(v);
	(void)store_sync(v, true, &t);
	cr_assert_eq(t.expunged_n, 1);
	cr_expect_eq(t.expunged[0], 1);
	view_close(&v);
	end();
}

/* The storage may come upon another's change while it does something else, and
 * tell of it only later: it is told to the session all the same. */
Test(others, found_late_are_told_too)
{
	struct mailbox_view *v;
	struct pst_body body;
	struct pst_error err;
	struct told t;
	unsigned told = 0;

	begin(3);
	if (!find_file(1))
		cr_skip_test("the storage is no Maildir");
	v = store_view(a, "INBOX", false);
	(void)store_flags(v, 1, 3, PST_FLAGS_ADD, PST_SEEN, true);
	(void)store_sync(v, true, &t);
	flag_by_hand(2);
	cr_assert_eq(view_body(v, 2, &body, &err), PST_OK);
	body.release(&body);
	(void)store_flags(v, 3, 3, PST_FLAGS_ADD, PST_ANSWERED, true);
	for (int i = 0; i < 300 && told == 0; i++) {
		const struct timespec ms = { 0, 10000000 };

		(void)store_sync(v, true, &t);
		for (size_t k = 0; k < t.changed_n; k++)
			told += t.changed[k] == 2;
		(void)nanosleep(&ms, NULL);
	}
	cr_expect_eq(told, 1);
	view_close(&v);
	end();
}
