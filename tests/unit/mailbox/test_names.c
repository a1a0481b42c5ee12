/*
 * Mailboxes by name: deleting and renaming what others have open, status,
 * removing accounts.
 */
#include "fixture.h"

#include "base/str.h"
#include <criterion/criterion.h>
#include <stdlib.h>

static struct store s;
static struct mail_account *a;

static void
begin(void)
{
	cr_assert(store_open(&s, ""));
	a = store_account(&s, "anna");
	cr_assert_not_null(a);
}

static void
end(void)
{
	mail_account_close(&a);
	store_close(&s);
}

static enum pst_rc
create(const char *name)
{
	struct pst_error err;

	return mailbox_create(a, name, "", &err);
}

static enum pst_rc delete (const char *name) {
	struct pst_error err;

	return mailbox_delete(a, name, &err);
}

static enum pst_rc
rename_to(const char *from, const char *to)
{
	struct pst_error err;

	return mailbox_rename(a, from, to, &err);
}

static uint32_t
messages(const char *name)
{
	struct mailbox_status st;
	struct pst_error err;

	return mailbox_status(a, name, &st, &err) == PST_OK ? st.messages
							    : UINT32_MAX;
}

Test(names, are_cleaned)
{
	static const struct {
		const char *in, *out;
		enum pst_rc rc;
	} cases[] = {
		{ "inbox", "INBOX", PST_OK },
		{ "InBox/a", "INBOX/a", PST_OK },
		{ "inboxes", "inboxes", PST_OK },
		{ "a/inbox", "a/inbox", PST_OK },
		{ "u\xcc\x88", "\xc3\xbc", PST_OK }, /* NFC */
		{ "", NULL, PST_E_SYNTAX },
		{ "/a", NULL, PST_E_SYNTAX },
		{ "a/", NULL, PST_E_SYNTAX },
		{ "a//b", NULL, PST_E_SYNTAX },
		{ "a\nb", NULL, PST_E_SYNTAX },
		{ "a\x7f", NULL, PST_E_SYNTAX },
		{ "\xff", NULL, PST_E_SYNTAX },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf out;

		buf_init(&out, 4096);
		cr_expect_eq(mailbox_name_clean(str_of(cases[i].in), &out),
		    cases[i].rc, "%s", cases[i].in);
		if (cases[i].out != NULL)
			cr_expect(
			    str_is(buf_str(&out), cases[i].out), "%zu", i);
		buf_fini(&out);
	}
}

Test(names, have_a_length_and_depth)
{
	char text[1100];
	struct buf out;

	buf_init(&out, 4096);
	memset(text, 'a', sizeof(text));
	cr_expect_eq(mailbox_name_clean(str_n(text, 1000), &out), PST_OK);
	cr_expect_eq(mailbox_name_clean(str_n(text, 1001), &out), PST_E_LIMIT);
	for (size_t i = 1; i < 100; i += 2)
		text[i] = '/';
	buf_clear(&out);
	cr_expect_eq(mailbox_name_clean(str_n(text, 63), &out), PST_OK);
	cr_expect_eq(mailbox_name_clean(str_n(text, 65), &out), PST_E_LIMIT);
	buf_fini(&out);
}

Test(names, a_deleted_mailbox_is_gone_for_who_has_it_open)
{
	struct mailbox_view *v, *fresh;
	struct pst_body body;
	struct pst_error err;
	struct pst_row row;
	struct told t;

	begin();
	cr_assert_eq(create("Box"), PST_OK);
	cr_assert_neq(store_put(a, "Box", 0, NULL, 1), 0);
	v = store_view(a, "Box", false);
	cr_assert_eq(delete ("Box"), PST_OK);
	cr_expect(view_is_dead(v));
	cr_expect(view_is_behind(v));
	cr_expect_eq(view_body(v, 1, &body, &err), PST_E_NOTFOUND);
	cr_expect_eq(store_flags(v, 1, 1, PST_FLAGS_ADD, PST_SEEN, false),
	    PST_E_NOTFOUND);
	cr_expect_eq(store_expunge(v, 1, 1), PST_E_NOTFOUND);
	view_rows(v, 1, 1, &row);
	cr_expect_eq(row.uid, 0);
	cr_expect_eq(store_put(a, "Box", 0, NULL, 1), 0);
	cr_expect_eq(delete ("Box"), PST_E_NOTFOUND);
	/* Another one of the same name has nothing to do with it. */
	cr_assert_eq(create("Box"), PST_OK);
	cr_assert_neq(store_put(a, "Box", 0, NULL, 1), 0);
	cr_assert_neq(store_put(a, "Box", 0, NULL, 1), 0);
	fresh = store_view(a, "Box", false);
	cr_expect_eq(view_count(fresh), 2);
	cr_expect(view_is_dead(v));
	(void)store_sync(v, false, &t);
	(void)store_sync(v, true, &t);
	cr_expect_eq(view_count(v), 0);
	view_close(&v);
	cr_expect_not(view_is_dead(fresh));
	view_close(&fresh);
	cr_expect_eq(delete ("INBOX"), PST_E_DENIED);
	end();
}

Test(names, a_renamed_mailbox_goes_on_for_who_has_it_open)
{
	struct mailbox_view *v, *below, *other;
	struct told t;

	begin();
	cr_assert_eq(create("Old"), PST_OK);
	cr_assert_eq(create("Old/Below"), PST_OK);
	cr_assert_eq(create("Older"), PST_OK);
	(void)store_put(a, "Old", 0, NULL, 1);
	(void)store_put(a, "Old/Below", 0, NULL, 1);
	v = store_view(a, "Old", false);
	below = store_view(a, "Old/Below", false);
	other = store_view(a, "Older", false);
	cr_assert_eq(rename_to("Old", "New/Name"), PST_OK);
	cr_expect_str_eq(view_name(v), "New/Name");
	cr_expect_str_eq(view_name(below), "New/Name/Below");
	cr_expect_str_eq(view_name(other), "Older");
	cr_expect_not(view_is_dead(v));
	(void)store_sync(v, true, &t);
	cr_expect_eq(t.expunged_n + t.exists + t.changed_n, 0);
	cr_assert_eq(store_put(a, "New/Name", 0, NULL, 1), 2);
	cr_assert_eq(store_put(a, "New/Name/Below", 0, NULL, 1), 2);
	cr_expect_eq(store_put(a, "Old", 0, NULL, 1), 0);
	(void)store_sync(v, true, &t);
	cr_expect_eq(t.count, 2);
	cr_assert_eq(
	    store_flags(below, 1, 2, PST_FLAGS_ADD, PST_SEEN, false), PST_OK);
	(void)store_sync(below, true, &t);
	cr_expect_eq(t.changed_n, 1); /* and one that is new */
	cr_expect_eq(t.count, 2);
	/* Onto what is there, onto itself, into itself. */
	cr_expect_eq(rename_to("New/Name", "Older"), PST_E_EXISTS);
	cr_expect_eq(rename_to("New/Name", "New/Name"), PST_E_EXISTS);
	cr_expect_eq(rename_to("New/Name", "New/Name/x"), PST_E_PERM);
	cr_expect_eq(rename_to("Nothing", "Something"), PST_E_NOTFOUND);
	/* A failure leaves all as it was. */
	cr_expect_not(view_is_dead(v));
	cr_assert_eq(store_put(a, "New/Name", 0, NULL, 1), 3);
	(void)store_sync(v, true, &t);
	cr_expect_eq(t.count, 3);
	view_close(&v);
	view_close(&below);
	view_close(&other);
	end();
}

Test(names, renaming_inbox_moves_its_messages)
{
	struct mailbox_view *v;
	struct told t;

	begin();
	for (int i = 0; i < 3; i++)
		(void)store_put(a, "INBOX", 0, NULL, 1);
	v = store_view(a, "INBOX", false);
	cr_expect_eq(rename_to("INBOX", "Trash"), PST_E_EXISTS);
	cr_assert_eq(rename_to("INBOX", "Past"), PST_OK);
	(void)store_sync(v, true, &t);
	cr_expect_eq(t.expunged_n, 3);
	cr_expect_not(view_is_dead(v));
	cr_expect_eq(messages("INBOX"), 0);
	cr_expect_eq(messages("Past"), 3);
	cr_expect_eq(rename_to("Past", "INBOX"), PST_E_EXISTS);
	view_close(&v);
	end();
}

Test(names, status_counts_what_is_there)
{
	struct mailbox_status st;
	struct mailbox_view *v;
	struct pst_error err;

	begin();
	(void)store_put(a, "INBOX", PST_SEEN, NULL, 1);
	(void)store_put(a, "INBOX", PST_DELETED, NULL, 2);
	(void)store_put(a, "INBOX", 0, NULL, 3);
	cr_assert_eq(mailbox_status(a, "INBOX", &st, &err), PST_OK);
	cr_expect_eq(st.messages, 3);
	cr_expect_eq(st.unseen, 2);
	cr_expect_eq(st.deleted, 1);
	cr_expect_eq(st.recent, 3);
	cr_expect_eq(st.size, 3 * 24 + 6 * 24);
	cr_expect_eq(st.state.uidnext, 4);
	v = store_view(a, "INBOX", false);
	cr_assert_eq(mailbox_status(a, "INBOX", &st, &err), PST_OK);
	cr_expect_eq(st.recent, 0);
	view_close(&v);
	cr_expect_eq(mailbox_status(a, "None", &st, &err), PST_E_NOTFOUND);
	end();
}

static void
count_row(void *arg, const struct pst_mailbox *row)
{
	unsigned *n = arg;

	*n += row->exists && row->subscribed &&
	      (strcmp(row->name, "INBOX") == 0 || *row->special_use == '\\');
}

Test(names, a_new_account_has_its_mailboxes)
{
	struct pst_error err;
	unsigned n = 0;

	begin();
	cr_assert_eq(mailbox_each(a, count_row, &n, &err), PST_OK);
	cr_expect_eq(n, 6);
	end();
}

Test(account, is_the_same_for_all)
{
	struct mail_account *again;

	begin();
	again = store_account(&s, "anna");
	cr_expect_eq(again, a);
	mail_account_close(&again);
	cr_expect_null(again);
	end();
}

Test(account, in_use_is_not_removed)
{
	struct account_user user = store_user("anna");
	struct mailbox_view *v;
	struct pst_error err;

	begin();
	(void)store_put(a, "INBOX", 0, NULL, 1);
	cr_expect_eq(mail_account_remove(s.ms, &user, &err), PST_E_CONFLICT);
	v = store_view(a, "INBOX", false);
	mail_account_close(&a);
	/* The view still uses it. */
	cr_expect_eq(mail_account_remove(s.ms, &user, &err), PST_E_CONFLICT);
	view_close(&v);
	cr_expect_eq(mail_account_remove(s.ms, &user, &err), PST_OK);
	a = store_account(&s, "anna");
	cr_expect_eq(messages("INBOX"), 0);
	end();
}
