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

static void
write_ids(const struct mailbox_uidl_new *ids, size_t n)
{
	struct pst_error err;

	cr_assert_eq(mailbox_uidls_write(a, "INBOX", 17, ids, n, &err), PST_OK);
}

static struct mailbox_uidls *
read_ids(void)
{
	struct mailbox_uidls *u = NULL;
	struct pst_error err;

	cr_assert_eq(mailbox_uidls_read(a, "INBOX", 17, &u, &err), PST_OK);
	return u;
}

struct texts {
	size_t n, largest;
};

static void
count_text(void *arg, const char *key, struct pst_str value)
{
	struct texts *t = arg;

	(void)key;
	t->n++;
	t->largest = value.n > t->largest ? value.n : t->largest;
}

static struct texts
texts(void)
{
	struct texts t = { 0 };
	struct pst_error err;

	cr_assert_eq(
	    mailbox_meta_get(a, "INBOX", "pop3/uidl/17/", count_text, &t, &err),
	    PST_OK);
	return t;
}

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

Test(uidl, are_kept_in_groups, .init = begin, .fini = end)
{
	enum { MANY = 3 * MAILBOX_UIDL_GROUP };
	struct mailbox_uidl_new *ids = mem_array(MANY, sizeof(*ids));
	char(*text)[24] = mem_array(MANY, sizeof(*text));
	struct mailbox_uidls *u;

	for (uint32_t i = 0; i < MANY; i++) {
		(void)snprintf(text[i], sizeof(text[i]), "id-%u", i + 1);
		/* from the last to the first */
		ids[MANY - 1 - i] = (struct mailbox_uidl_new){ i + 1,
			str_of(text[i]) };
	}
	write_ids(ids, MANY);
	cr_expect_eq(texts().n, 4); /* uid 0 is none, 3 * GROUP is one */
	cr_expect_lt(texts().largest, (size_t)16 * MAILBOX_UIDL_GROUP);
	mail_account_close(&a);
	cr_assert(store_again(&s));
	a = store_account(&s, "anna");
	u = read_ids();
	cr_assert_eq(mailbox_uidls_count(u), MANY);
	for (uint32_t i = 0; i < MANY; i++) {
		cr_assert_eq(mailbox_uidls_uid(u, i), i + 1);
		expect(u, i + 1, text[i]);
	}
	mailbox_uidls_free(&u);
	free(ids);
	free(text);
}

Test(uidl, later_ones_replace_earlier_ones, .init = begin, .fini = end)
{
	const struct mailbox_uidl_new first[] = { { 5, STR("five") },
		{ 1, STR("one") }, { 9000, STR("far") } };
	const struct mailbox_uidl_new second[] = { { 1, STR("new") },
		{ 2, STR("wrong") }, { 2, STR("two") } };
	const struct mailbox_uidl_new own = { 9000, STR("0000232800000011") };
	struct mailbox_uidls *u;

	write_ids(first, 3);
	write_ids(second, 3);
	u = read_ids();
	cr_expect_eq(mailbox_uidls_count(u), 4);
	expect(u, 1, "new");
	expect(u, 2, "two");
	expect(u, 5, "five");
	expect(u, 9000, "far");
	mailbox_uidls_free(&u);
	/* What is told anyway is not kept, and what was is forgotten. */
	cr_expect_eq(texts().n, 2);
	write_ids(&own, 1);
	cr_expect_eq(texts().n, 1);
	u = read_ids();
	expect(u, 9000, "");
	mailbox_uidls_free(&u);
}

Test(uidl, texts_of_other_names_are_taken_in, .init = begin, .fini = end)
{
	const struct mailbox_uidl_new id = { 2, STR("new") };
	struct mailbox_uidls *u;

	keep("pop3/uidl/17/a", "9000 far\n2 old\n1 one\n");
	keep("pop3/uidl/171/0", "2 another\n");
	write_ids(&id, 1);
	cr_expect_eq(texts().n, 2);
	u = read_ids();
	cr_expect_eq(mailbox_uidls_count(u), 3);
	expect(u, 1, "one");
	expect(u, 2, "new");
	expect(u, 9000, "far");
	mailbox_uidls_free(&u);
}

Test(uidl, bad_ones_are_refused, .init = begin, .fini = end)
{
	static const char *const bad[] = { "", "a b", "\x7f", "\xc3\xa4",
		"a\n" };
	char long_one[72];
	struct pst_error err;

	for (size_t i = 0; i <= sizeof(bad) / sizeof(bad[0]); i++) {
		struct mailbox_uidl_new ids[] = { { 1, STR("good") },
			{ 2, STR("x") } };

		(void)snprintf(long_one, sizeof(long_one), "%071d", 1);
		ids[1].id = str_of(
		    i < sizeof(bad) / sizeof(bad[0]) ? bad[i] : long_one);
		cr_expect_eq(mailbox_uidls_write(a, "INBOX", 17, ids, 2, &err),
		    PST_E_SYNTAX);
	}
	cr_expect_eq(mailbox_uidls_write(a, "INBOX", 17,
			 &(struct mailbox_uidl_new){ 0, STR("x") }, 1, &err),
	    PST_E_SYNTAX);
	cr_expect_eq(texts().n, 0);
}
