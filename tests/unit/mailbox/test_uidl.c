/*
 * Ids for POP3 that messages brought with them from another server.
 */
#include "fixture.h"

#include "base/str.h"
#include "mailbox/metadata.h"
#include "mailbox/uidl.h"
#include <criterion/criterion.h>

static struct store s;
static struct mail_account *a;

static void
keep(const char *key, const char *text)
{
	const struct metadata_entry entry = { key, str_of(text) };
	struct pst_error err;

	cr_assert_eq(metadata_set(a, "INBOX", &entry, 1, &err), PST_OK);
}

static void
expect(const struct mailbox_uidls *u, uint32_t uid, const char *id)
{
	struct pst_str got = mailbox_uidl(u, uid);

	cr_expect(str_is(got, id), "%u: %.*s", uid, STR_ARG(got));
}

Test(uidl, are_found_by_uid_and_validity)
{
	struct mailbox_uidls *u = NULL;
	struct pst_error err;
	char longest[80], too_long[80];

	(void)snprintf(longest, sizeof(longest), "8 %070d", 1);
	(void)snprintf(too_long, sizeof(too_long), "9 %071d", 1);
	cr_assert(store_open(&s, ""));
	a = store_account(&s, "anna");
	cr_assert_not_null(a);
	cr_assert_eq(mailbox_uidls_read(a, "INBOX", 17, &u, &err), PST_OK);
	expect(u, 1, "");
	mailbox_uidls_free(&u);
	keep("pop3/uidl/17/b", "3 three\n1 one\n");
	keep("pop3/uidl/17/a", "4294967295 last\n2 ~!<[]>\n4\n5 \n6 a b\n"
			       "x y\n0x7 y\n7 \x7f\n-8 z\n\n");
	keep("pop3/uidl/17/c", longest);
	keep("pop3/uidl/17/d", too_long);
	keep("pop3/uidl/171/a", "4 other\n");
	keep("pop3/uidl/1/a", "5 other\n");
	for (int again = 0; again < 2; again++) {
		cr_assert_eq(
		    mailbox_uidls_read(a, "INBOX", 17, &u, &err), PST_OK);
		expect(u, 1, "one");
		expect(u, 2, "~!<[]>");
		expect(u, 3, "three");
		for (uint32_t uid = 4; uid <= 7; uid++)
			expect(u, uid, "");
		expect(u, 8, longest + 2);
		expect(u, 9, "");
		expect(u, UINT32_MAX, "last");
		mailbox_uidls_free(&u);
		cr_expect_null(u);
		/* And after a restart. */
		mail_account_close(&a);
		cr_assert(store_again(&s));
		a = store_account(&s, "anna");
		cr_assert_not_null(a);
	}
	mail_account_close(&a);
	store_close(&s);
}
