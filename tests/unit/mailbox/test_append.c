/*
 * Messages on their way in: many threads at once, quota, other mailboxes and
 * other accounts.
 */
#include "fixture.h"
#include "mailbox/fulltext.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

static struct store s;
static struct mail_account *a;

static void
begin(const char *more)
{
	cr_assert(store_open(&s, more));
	a = store_account(&s, "anna");
	cr_assert_not_null(a);
}

static void
end(void)
{
	mail_account_close(&a);
	store_close(&s);
}

enum { THREADS = 16, EACH = 40 };

static uint32_t uids[THREADS][EACH];

static void *
put_many(void *arg)
{
	uint32_t *mine = arg;

	for (int i = 0; i < EACH; i++)
		mine[i] = store_put(
		    a, "INBOX", 0, i % 7 == 0 ? "$Mark" : NULL, 1);
	return arg;
}

Test(append, from_many_threads_each_gets_its_own_uid)
{
	bool seen[THREADS * EACH + 1] = { false };
	pthread_t thread[THREADS];
	struct mailbox_view *v;
	struct told t;
	size_t marked = 0;

	begin("");
	v = store_view(a, "INBOX", false);
	for (int i = 0; i < THREADS; i++)
		cr_assert_eq(
		    pthread_create(&thread[i], NULL, put_many, uids[i]), 0);
	for (int i = 0; i < THREADS; i++)
		(void)pthread_join(thread[i], NULL);
	for (int i = 0; i < THREADS; i++)
		for (int k = 0; k < EACH; k++) {
			uint32_t uid = uids[i][k];

			cr_assert(uid > 0 && uid <= THREADS * EACH);
			cr_assert_not(seen[uid]);
			cr_assert(k == 0 || uid > uids[i][k - 1]);
			seen[uid] = true;
		}
	cr_assert_eq(store_sync(v, true, &t), PST_OK);
	cr_expect_eq(view_count(v), THREADS * EACH);
	for (uint32_t seq = 1; seq <= view_count(v); seq++) {
		struct pst_row row;

		cr_assert_eq(view_uid(v, seq), seq);
		view_rows(v, seq, 1, &row);
		marked += row.keywords != 0;
	}
	cr_expect_eq(marked, THREADS * ((EACH + 6) / 7));
	view_close(&v);
	end();
}

Test(append, several_at_once_are_all_or_none)
{
	struct mail_append append[3] = { 0 };
	struct mail_appended result[3];
	struct pst_error err;
	struct mailbox_status st;

	begin("");
	for (int i = 0; i < 3; i++) {
		cr_assert_eq(
		    mail_stage_new(a, 0, &append[i].stage, &err), PST_OK);
		cr_assert_eq(
		    mail_stage_write(append[i].stage, "A: b\r\n\r\n", 8, &err),
		    PST_OK);
		append[i].last = true;
	}
	cr_expect_eq(
	    mail_append(a, "Missing", append, 3, result, &err), PST_E_NOTFOUND);
	cr_expect_eq(mail_append(a, "INBOX", append, 3, result, &err), PST_OK);
	for (uint32_t i = 0; i < 3; i++) {
		cr_expect_eq(result[i].uid, i + 1);
		cr_expect_eq(result[i].uidvalidity, result[0].uidvalidity);
		mail_stage_free(&append[i].stage);
	}
	cr_expect_neq(result[0].uidvalidity, 0);
	cr_assert_eq(mailbox_status(a, "INBOX", &st, &err), PST_OK);
	cr_expect_eq(st.messages, 3);
	cr_expect_eq(st.size, 24);
	cr_expect_eq(st.state.uidvalidity, result[0].uidvalidity);
	cr_expect_eq(st.state.uidnext, 4);
	end();
}

/* --- quota ------------------------------------------------------------------
 */

Test(quota, of_messages_counts_each)
{
	struct mail_append append[3] = { 0 };
	struct mail_appended result[3];
	struct pst_error err;

	begin("quota {\n messages = 4\n}\n");
	cr_expect_neq(store_put(a, "INBOX", 0, NULL, 1), 0);
	cr_expect_neq(store_put(a, "INBOX", 0, NULL, 1), 0);
	for (int i = 0; i < 3; i++) {
		(void)mail_stage_new(a, 0, &append[i].stage, &err);
		(void)mail_stage_write(
		    append[i].stage, "A: b\r\n\r\n", 8, &err);
	}
	cr_expect_eq(
	    mail_append(a, "INBOX", append, 3, result, &err), PST_E_QUOTA);
	cr_expect_eq(mail_append(a, "INBOX", append, 2, result, &err), PST_OK);
	for (int i = 0; i < 3; i++)
		mail_stage_free(&append[i].stage);
	cr_expect_eq(store_put(a, "INBOX", 0, NULL, 1), 0);
	end();
}

Test(quota, is_given_back_by_expunge_and_delete)
{
	const struct pst_range all = { 1, UINT32_MAX };
	struct pst_usage usage, limit;
	struct view_copied copied;
	struct mailbox_view *v;
	struct pst_error err;

	begin("quota {\n bytes = 2000\n messages = 10\n}\n");
	for (int i = 0; i < 4; i++)
		cr_expect_neq(store_put(a, "INBOX", 0, NULL, 10), 0);
	cr_assert_eq(mail_account_usage(a, &usage, &limit, &err), PST_OK);
	cr_expect_eq(usage.messages, 4);
	cr_expect_eq(usage.bytes, 4 * (24 + 240));
	cr_expect_eq(limit.bytes, 2000);
	v = store_view(a, "INBOX", false);
	/* A copy needs room, a move within the account does not. */
	cr_expect_eq(view_copy(v, (struct pst_uids){ &all, 1 }, a, "Trash",
			 false, &copied, &err),
	    PST_E_QUOTA);
	view_copied_fini(&copied);
	cr_expect_eq(view_copy(v, (struct pst_uids){ &all, 1 }, a, "Trash",
			 true, &copied, &err),
	    PST_OK);
	cr_expect_eq(copied.n, 4);
	view_copied_fini(&copied);
	view_close(&v);
	cr_assert_eq(mail_account_usage(a, &usage, &limit, &err), PST_OK);
	cr_expect_eq(usage.messages, 4);
	cr_expect_eq(mailbox_delete(a, "Trash", &err), PST_OK);
	cr_assert_eq(mail_account_usage(a, &usage, &limit, &err), PST_OK);
	cr_expect_eq(usage.messages, 0);
	cr_expect_eq(usage.bytes, 0);
	cr_expect_neq(store_put(a, "INBOX", 0, NULL, 10), 0);
	v = store_view(a, "INBOX", false);
	(void)store_flags(v, 1, UINT32_MAX, PST_FLAGS_SET, PST_DELETED, true);
	cr_expect_eq(store_expunge(v, 1, UINT32_MAX), PST_OK);
	view_close(&v);
	cr_assert_eq(mail_account_usage(a, &usage, &limit, &err), PST_OK);
	cr_expect_eq(usage.messages, 0);
	end();
}

Test(quota, counted_while_mail_comes_stays_right)
{
	pthread_t thread[4];
	struct pst_usage usage, counted, limit;
	struct pst_error err;

	begin("quota {\n messages = 1000000\n}\n");
	for (int i = 0; i < 4; i++)
		(void)pthread_create(&thread[i], NULL, put_many, uids[i]);
	for (int i = 0; i < 20; i++)
		(void)mail_account_usage(a, &usage, &limit, &err);
	for (int i = 0; i < 4; i++)
		(void)pthread_join(thread[i], NULL);
	cr_assert_eq(mail_account_usage(a, &usage, &limit, &err), PST_OK);
	mail_account_close(&a);
	cr_assert(store_again(&s));
	a = store_account(&s, "anna");
	cr_assert_eq(mail_account_usage(a, &counted, &limit, &err), PST_OK);
	cr_expect_eq(counted.messages, 4 * EACH);
	cr_expect_eq(usage.messages, counted.messages);
	cr_expect_eq(usage.bytes, counted.bytes);
	end();
}

/* --- copies
 * ------------------------------------------------------------------- */

Test(copy, to_another_account_and_back)
{
	const struct pst_range some = { 2, 3 };
	struct mail_account *b;
	struct mailbox_view *v, *other;
	struct view_copied copied;
	struct pst_error err;
	struct pst_row row;
	struct told t;

	begin("");
	b = store_account(&s, "bert");
	for (int i = 0; i < 4; i++)
		(void)store_put(
		    a, "INBOX", PST_FLAGGED, "$Mark", (unsigned)i + 1);
	v = store_view(a, "INBOX", false);
	other = store_view(b, "INBOX", false);
	cr_assert_eq(view_copy(v, (struct pst_uids){ &some, 1 }, b, "INBOX",
			 false, &copied, &err),
	    PST_OK);
	cr_expect_eq(copied.n, 2);
	cr_expect_neq(copied.uidvalidity, 0);
	cr_expect_eq(copied.copy[0], 1);
	view_copied_fini(&copied);
	(void)store_sync(other, true, &t);
	cr_assert_eq(t.count, 2);
	view_rows(other, 2, 1, &row);
	cr_expect_eq(row.flags, PST_FLAGGED);
	cr_expect_neq(row.keywords, 0);
	cr_expect_eq(row.size, 24 + 3 * 24);
	cr_expect_eq(view_copy(v, (struct pst_uids){ &some, 1 }, b, "None",
			 false, &copied, &err),
	    PST_E_NOTFOUND);
	cr_assert_eq(view_copy(v, (struct pst_uids){ &some, 1 }, b, "INBOX",
			 true, &copied, &err),
	    PST_OK);
	cr_expect_eq(copied.n, 2);
	view_copied_fini(&copied);
	(void)store_sync(v, true, &t);
	cr_expect_eq(t.expunged_n, 2);
	(void)store_sync(other, true, &t);
	cr_expect_eq(t.count, 4);
	view_close(&v);
	view_close(&other);
	mail_account_close(&b);
	end();
}

/* --- mailboxes in memory
 * ---------------------------------------------------------
 */

static void
use_many(const char *more)
{
	struct mailbox_view *v[6] = { NULL };
	struct mailbox_status st;
	struct pst_error err;
	struct told t;
	char name[16];

	begin(more);
	for (int i = 0; i < 6; i++) {
		(void)snprintf(name, sizeof(name), "Box %d", i);
		cr_assert_eq(mailbox_create(a, name, "", &err), PST_OK);
		cr_assert_eq(store_put(a, name, 0, NULL, 1), 1);
	}
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 6; i++) {
			(void)snprintf(name, sizeof(name), "Box %d", i);
			v[i] = store_view(a, name, false);
			cr_assert_not_null(v[i]);
			cr_expect_eq(view_count(v[i]), 1 + round);
		}
		for (int i = 5; i >= 0; i--) {
			(void)snprintf(name, sizeof(name), "Box %d", i);
			cr_assert_eq(store_put(a, name, 0, NULL, 1),
			    2 + (uint32_t)round);
			cr_assert_eq(
			    mailbox_status(a, name, &st, &err), PST_OK);
			cr_expect_eq(st.messages, 2 + round);
			(void)store_sync(v[i], true, &t);
			cr_expect_eq(t.count, 2 + round);
			view_close(&v[i]);
		}
	}
	end();
}

Test(memory, holds_no_mailbox_without_a_session)
{
	use_many("limits {\n open_mailboxes = 0\n}\n");
}

Test(memory, holds_one_mailbox)
{
	use_many("limits {\n open_mailboxes = 1\n}\n");
}

/* Mailboxes have a few messages, so none or one fits. */
Test(memory, holds_no_messages_without_a_session)
{
	use_many("limits {\n open_messages = 0\n}\n");
}

Test(memory, holds_few_messages)
{
	use_many("limits {\n open_messages = 4\n}\n");
}

Test(memory, holds_all_mailboxes)
{
	use_many("");
}

static void
count_waiting(void *arg, const char *user, const char *mailbox, bool running)
{
	(void)user;
	(void)mailbox;
	(void)running;
	++*(unsigned *)arg;
}

/* What waits to be indexed is open meanwhile. */
Test(append, no_more_wait_for_an_index_than_may_be_open)
{
	char name[16];
	unsigned waiting = 0;
	struct pst_error err;

	begin("search {\n index = all\n delay = 1h\n}\n"
	      "limits {\n open_mailboxes = 4\n}\n");
	for (unsigned i = 0; i < 12; i++) {
		(void)snprintf(name, sizeof(name), "m%u", i % 8);
		if (i < 8)
			cr_assert_eq(mailbox_create(a, name, "", &err), PST_OK);
		cr_assert_neq(store_put(a, name, 0, NULL, 1), 0);
	}
	mailbox_text_waiting(s.ms, count_waiting, &waiting);
	cr_expect_eq(waiting, 4);
	end();
}
