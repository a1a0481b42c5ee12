/*
 * Access control lists: rights, how they add up (RFC 4314, 2), and the text.
 */
#include "mailbox/acl.h"

#include "base/str.h"
#include <criterion/criterion.h>
#include <stdlib.h>

static const char *
shown(unsigned rights)
{
	static char text[32];
	struct buf out;

	buf_init(&out, sizeof(text) - 1);
	acl_put_rights(&out, rights);
	memcpy(text, out.p != NULL ? out.p : "", out.n);
	text[out.n] = '\0';
	buf_fini(&out);
	return text;
}

Test(acl, reads_and_shows_rights)
{
	static const struct {
		const char *text, *shown; /* NULL: refused */
	} cases[] = {
		{ "", "" },
		{ "l", "l" },
		{ "aetxkpiwsrl", "lrswipkxteacd" },
		{ "lrswicda", "lrswikxteacd" },
		{ "d", "ted" },
		{ "c", "kxc" },
		{ "k", "kc" },
		{ "x", "xc" },
		{ "e", "ed" },
		{ "llrr", "lr" },
		{ "L", NULL },
		{ "lq", NULL },
		{ "l0", NULL },
		{ "l r", NULL },
		{ "+l", NULL },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		unsigned rights;
		bool good = acl_parse_rights(str_of(cases[i].text), &rights);

		cr_expect_eq(good, cases[i].shown != NULL, "%s", cases[i].text);
		if (good && cases[i].shown != NULL)
			cr_expect_str_eq(shown(rights), cases[i].shown);
	}
	/* A NUL is no letter. */
	cr_expect_not(acl_parse_rights(str_n("l\0r", 3), &(unsigned){ 0 }));
}

Test(acl, reads_changes)
{
	enum acl_change change;
	unsigned rights;

	cr_expect(acl_parse_change(STR("+lr"), &change, &rights));
	cr_expect(change == ACL_ADD && rights == (ACL_LOOKUP | ACL_READ));
	cr_expect(acl_parse_change(STR("-"), &change, &rights));
	cr_expect(change == ACL_TAKE && rights == 0);
	cr_expect(acl_parse_change(STR(""), &change, &rights));
	cr_expect(change == ACL_SET && rights == 0);
	cr_expect_not(acl_parse_change(STR("++l"), &change, &rights));
	cr_expect_not(acl_parse_change(STR("l+"), &change, &rights));
}

Test(acl, tells_each_right_once)
{
	static const struct {
		unsigned required;
		const char *want;
	} cases[] = {
		{ 0, " l r s w i p k x t e a c d" },
		{ ACL_ALL, "" },
		{ ACL_LOOKUP | ACL_CREATE | ACL_REMOVE | ACL_ADMINISTER,
		    " r s w i p t e d" },
		{ ACL_EXPUNGE, " l r s w i p k x t a c" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf out;

		buf_init(&out, 256);
		acl_put_optional(&out, cases[i].required);
		cr_expect(str_is(buf_str(&out), cases[i].want), "%.*s",
		    STR_ARG(buf_str(&out)));
		buf_fini(&out);
	}
}

Test(acl, knows_identifiers)
{
	static const struct {
		const char *text, *clean; /* NULL: refused */
	} cases[] = {
		{ "anna@example.org", "anna@example.org" },
		{ "Anna@EXAMPLE.org", "anna@example.org" },
		{ "-anna@example.org", "-anna@example.org" },
		{ "anyone", "anyone" },
		{ "-Anyone", "-anyone" },
		{ "", NULL },
		{ "-", NULL },
		{ "--anna@example.org", NULL },
		{ "anna", NULL },
		{ "anyone@", NULL },
		{ "a/b@example.org", NULL },
		{ "\"a b\"@example.org", NULL },
		{ "anna@example.org\n", NULL },
		{ "anna@example.org lr", NULL },
	};
	char clean[ACL_IDENTIFIER_MAX];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bool good = acl_clean_identifier(str_of(cases[i].text), clean);

		cr_expect_eq(good, cases[i].clean != NULL, "%s", cases[i].text);
		if (good && cases[i].clean != NULL)
			cr_expect_str_eq(clean, cases[i].clean);
	}
}

/* "identifier rights" by spaces, in order */
static void
apply_all(struct acl *acl, const char *const *words)
{
	for (; words[0] != NULL; words += 2) {
		enum acl_change change;
		unsigned rights;

		cr_assert(acl_parse_change(str_of(words[1]), &change, &rights));
		cr_assert_eq(acl_apply(acl, words[0], change, rights), PST_OK);
	}
}

Test(acl, adds_up_what_applies)
{
	static const struct {
		const char *const words[12];
		const char *want; /* for bob@x.org */
	} cases[] = {
		{ { NULL }, "" },
		{ { "bob@x.org", "lr", NULL }, "lr" },
		{ { "anyone", "lr", NULL }, "lr" },
		{ { "anyone", "lr", "bob@x.org", "w", NULL }, "lrw" },
		{ { "tom@x.org", "lr", NULL }, "" },
		{ { "bob@x.org", "lrw", "-bob@x.org", "w", NULL }, "lr" },
		{ { "bob@x.org", "lrw", "-anyone", "r", NULL }, "lw" },
		{ { "anyone", "lrw", "-bob@x.org", "lrw", NULL }, "" },
		{ { "-tom@x.org", "lr", "bob@x.org", "lr", NULL }, "lr" },
		{ { "-bob@x.org", "lr", NULL }, "" },
		{ { "bob@x.org", "lr", "bob@x.org", "+s", "bob@x.org", "-l",
		      NULL },
		    "rs" },
		{ { "bob@x.org", "lr", "bob@x.org", "", NULL }, "" },
		{ { "bob@x.org.uk", "lr", NULL }, "" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct acl acl = { 0 };

		apply_all(&acl, cases[i].words);
		cr_expect_str_eq(
		    shown(acl_rights_of(&acl, "bob@x.org")), cases[i].want);
		acl_fini(&acl);
	}
}

Test(acl, forgets_a_user)
{
	static const char *const words[] = { "bob@x.org", "lr", "anyone", "l",
		"-bob@x.org", "w", "tom@x.org", "r", NULL };
	struct acl acl = { 0 };

	apply_all(&acl, words);
	cr_expect(acl_forget(&acl, "bob@x.org"));
	cr_expect_not(acl_forget(&acl, "bob@x.org"));
	cr_expect_eq(acl.n, 2);
	cr_expect_eq(acl_find(&acl, "anyone"), (unsigned)ACL_LOOKUP);
	cr_expect_eq(acl_find(&acl, "tom@x.org"), (unsigned)ACL_READ);
	acl_fini(&acl);
}

Test(acl, has_a_limit)
{
	struct acl acl = { 0 };
	char name[64];

	for (int i = 0; i < ACL_ENTRIES_MAX; i++) {
		(void)snprintf(name, sizeof(name), "u%d@x.org", i);
		cr_assert_eq(acl_apply(&acl, name, ACL_SET, ACL_READ), PST_OK);
	}
	cr_expect_eq(
	    acl_apply(&acl, "more@x.org", ACL_SET, ACL_READ), PST_E_LIMIT);
	cr_expect_eq(acl_apply(&acl, "u7@x.org", ACL_ADD, ACL_WRITE), PST_OK);
	acl_fini(&acl);
}

Test(acl, text_reads_back)
{
	static const char *const words[] = { "bob@x.org", "lrswipkxtea",
		"-anyone", "w", "anyone", "l", NULL };
	struct acl acl = { 0 }, again;
	struct buf text;

	apply_all(&acl, words);
	buf_init(&text, 4096);
	acl_print(&acl, &text);
	cr_expect(str_is(
	    buf_str(&text), "lrswipkxtea bob@x.org\nw -anyone\nl anyone\n"));
	/* Whatever is cut off it is not taken for a list. */
	for (size_t n = 0; n <= text.n; n++) {
		bool whole = n == 0 || text.p[n - 1] == '\n';

		cr_expect_eq(
		    acl_parse(str_n(text.p, n), &again), whole, "%zu", n);
		if (n == text.n)
			cr_expect(again.n == 3);
		acl_fini(&again);
	}
	buf_fini(&text);
	acl_fini(&acl);
}

Test(acl, damaged_text_grants_nothing)
{
	static const char *const texts[] = { "lr", "lr bob@x.org",
		"lr bob@x.org\nlr bob@x.org\n", " bob@x.org\n", "lr \n",
		"q bob@x.org\n", "lr Bob@x.org\n", "lr  bob@x.org\n", "\n",
		"lr bob@x.org\n\n", "lr a/b@x.org\n" };
	struct acl acl;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		cr_expect_not(
		    acl_parse(str_of(texts[i]), &acl), "%s", texts[i]);
		cr_expect_eq(acl.n, 0);
	}
	cr_expect(acl_parse(STR(""), &acl));
}

Test(acl, flags_that_rights_cover)
{
	cr_expect_eq(acl_flags(0), 0u);
	cr_expect_eq(acl_flags(ACL_SEEN), (uint32_t)PST_SEEN);
	cr_expect_eq(acl_flags(ACL_DELETE), (uint32_t)PST_DELETED);
	cr_expect_eq(acl_flags(ACL_WRITE),
	    (uint32_t)(PST_ANSWERED | PST_FLAGGED | PST_DRAFT));
	cr_expect_eq(acl_flags(ACL_ALL), (uint32_t)PST_FLAGS_ALL);
}
