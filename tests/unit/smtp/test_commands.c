/*
 * The table of commands.
 */
#include "base/str.h"
#include "smtp/session.h"

#include <criterion/criterion.h>

Test(smtp_commands, are_sorted)
{
	size_t n;
	const struct smtp_command *c = smtp_commands(&n);

	for (size_t i = 1; i < n; i++)
		cr_expect_lt(
		    strcmp(c[i - 1].name, c[i].name), 0, "%s", c[i].name);
}

Test(smtp_commands, are_found_without_case)
{
	size_t n;
	const struct smtp_command *c = smtp_commands(&n);

	for (size_t i = 0; i < n; i++) {
		for (unsigned kind = SMTP_SERVER; kind <= SMTP_LMTP;
		     kind <<= 1) {
			bool found = smtp_command_find((enum smtp_kind)kind,
					 str_of(c[i].name)) == &c[i];

			cr_expect_eq(
			    found, (c[i].kinds & kind) != 0, "%s", c[i].name);
		}
	}
	cr_assert_not_null(smtp_command_find(SMTP_SERVER, STR("mAiL")));
	cr_assert_null(smtp_command_find(SMTP_SERVER, STR("MAI")));
	cr_assert_null(smtp_command_find(SMTP_SERVER, STR("MAILX")));
	cr_assert_null(smtp_command_find(SMTP_SERVER, STR("")));
}

Test(smtp_commands, each_protocol_has_its_greeting)
{
	cr_assert_null(smtp_command_find(SMTP_LMTP, STR("EHLO")));
	cr_assert_null(smtp_command_find(SMTP_LMTP, STR("HELO")));
	cr_assert_null(smtp_command_find(SMTP_LMTP, STR("AUTH")));
	cr_assert_null(smtp_command_find(SMTP_SERVER, STR("LHLO")));
	cr_assert_null(smtp_command_find(SMTP_SERVER, STR("AUTH")));
	cr_assert_not_null(smtp_command_find(SMTP_SUBMISSION, STR("AUTH")));
}

Test(smtp_commands, a_parked_session_is_small)
{
	cr_assert_leq(sizeof(struct smtp_session), 512);
}
