/*
 * test_import.c - which mailboxes an import brings, and what they are called.
 */
#include "admin/import.h"

#include "base/str.h"
#include <criterion/criterion.h>

static const struct import_rules rules = {
	.map = { "Sent=Sent Items", "Sent/Old=Archive/Sent", "INBOX=From/x=y" },
	.maps = 3,
	.skip = { "Trash", "*spam*", "A/B" },
	.skips = 3,
};

Test(import, names)
{
	static const struct {
		const char *name, *want;
	} cases[] = {
		{ "Sent", "Sent Items" },
		{ "Sent/2020", "Sent Items/2020" },
		{ "Sent/Old", "Archive/Sent" },
		{ "Sent/Old/x", "Archive/Sent/x" },
		{ "Sentimental", "Sentimental" },
		{ "INBOX", "From/x=y" },
		{ "Other", "Other" },
	};
	struct import_rules below = rules;
	struct buf out;

	below.into = "New";
	buf_init(&out, 1000);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		buf_clear(&out);
		cr_expect(import_name(&rules, cases[i].name, &out));
		cr_expect_str_eq(out.p, cases[i].want);
		buf_clear(&out);
		cr_expect(import_name(&below, cases[i].name, &out));
		cr_expect_eq(strncmp(out.p, "New/", 4), 0);
		cr_expect_str_eq(out.p + 4, cases[i].want);
	}
	buf_fini(&out);
	buf_init(&out, 3);
	cr_expect_not(import_name(&rules, "Other", &out));
	buf_fini(&out);
}

Test(import, what_is_left_out)
{
	static const char *const yes[] = { "Trash", "Trash/x", "spam",
		"Lists/spammers/x", "A/B", "A/B/C" };
	static const char *const no[] = { "Trashy", "A", "A/BC", "sp am" };

	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++)
		cr_expect(import_is_skipped(&rules, yes[i]), "%s", yes[i]);
	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++)
		cr_expect_not(import_is_skipped(&rules, no[i]), "%s", no[i]);
}

Test(import, forms_of_a_map)
{
	cr_expect(import_is_map("a=b"));
	cr_expect_not(import_is_map("a="));
	cr_expect_not(import_is_map("=b"));
	cr_expect_not(import_is_map("ab"));
	cr_expect_not(import_is_map(""));
}
