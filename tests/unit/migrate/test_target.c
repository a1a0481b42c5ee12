/*
 * test_target.c - line ends and names of what is written.
 */
#include "migrate/target.h"

#include "base/str.h"
#include "migrate/lists.h"
#include <criterion/criterion.h>

Test(target, line_ends_wherever_they_are_cut)
{
	static const char in[] = "a\r\nb\n\r\n\r\r\nc\rd\r";
	static const char want[] = "a\nb\n\n\r\nc\rd\r";

	for (size_t cut = 0; cut < sizeof(in); cut++) {
		struct mig_lf lf = { 0 };
		struct buf out;

		buf_init(&out, 1000);
		mig_lf_add(&lf, in, cut, &out);
		mig_lf_add(&lf, in + cut, sizeof(in) - 1 - cut, &out);
		mig_lf_end(&lf, &out);
		cr_expect(str_is(buf_str(&out), want), "cut at %zu", cut);
		buf_fini(&out);
	}
}

/* What is written is read as the same name. */
Test(target, levels_of_names)
{
	static const struct {
		const char *level, *maildir, *mbox;
	} cases[] = {
		{ "Sent", "Sent", "Sent" },
		{ "a.b", "a&AC4-b", "a.b" },
		{ ".a", "&AC4-a", "&AC4-a" },
		{ "A & B", "A &- B", "A &- B" },
		{ "x.lock", "x&AC4-lock", "x&AC4-lock" },
		{ "x.sbd", "x&AC4-sbd", "x&AC4-sbd" },
		{ "Entw\xc3\xbcrfe", "Entw&APw-rfe", "Entw&APw-rfe" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (int all = 0; all < 2; all++) {
			struct buf out, back;

			buf_init(&out, 1000);
			buf_init(&back, 1000);
			cr_assert(mig_put_level(
			    str_of(cases[i].level), all == 1, &out));
			cr_expect(
			    str_is(buf_str(&out),
				all == 1 ? cases[i].maildir : cases[i].mbox),
			    "%.*s", STR_ARG(buf_str(&out)));
			cr_assert(mig_folder_name(
			    buf_str(&out), all == 1 ? '.' : '/', &back));
			cr_expect(str_is(buf_str(&back), cases[i].level));
			buf_fini(&out);
			buf_fini(&back);
		}
}
