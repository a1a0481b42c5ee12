/*
 * Messages that are held: in memory, then in a file; what comes out is what
 * went in.
 */
#include "delivery/hold.h"

#include <criterion/criterion.h>
#include <stdlib.h>

enum { MEMORY = 1000 };

static enum pst_rc
add(void *arg, const void *p, size_t n)
{
	return buf_add(arg, p, n) ? PST_OK : PST_E_LIMIT;
}

static void
fill(char *text, size_t n)
{
	for (size_t i = 0; i < n; i++)
		text[i] = (char)(i * 7 % 251);
}

Test(hold, gives_back_what_it_got)
{
	static const size_t sizes[] = { 0, 1, 999, 1000, 1001, 5000, 300000 };
	static char text[300000];

	fill(text, sizeof(text));
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
		for (size_t piece = 1; piece < 400000; piece = piece * 13 + 5) {
			struct pst_error err = { 0 };
			struct hold h;
			struct buf out;

			buf_init(&out, sizeof(text));
			hold_init(&h, MEMORY, "/tmp");
			for (size_t at = 0; at < sizes[i]; at += piece) {
				size_t n = sizes[i] - at;

				cr_assert_eq(hold_add(&h, text + at,
						 n < piece ? n : piece, &err),
				    PST_OK, "%s", err.detail);
			}
			cr_expect_eq(h.fd >= 0, sizes[i] > MEMORY);
			cr_assert_eq(hold_release(&h, add, &out, &err), PST_OK);
			cr_assert_eq(out.n, sizes[i]);
			cr_expect_eq(
			    memcmp(out.p != NULL ? out.p : "", text, sizes[i]),
			    0);
			hold_fini(&h);
			buf_fini(&out);
		}
}

Test(hold, says_what_went_wrong)
{
	static char text[2000];
	struct pst_error err = { 0 };
	struct hold h;
	struct buf out;

	hold_init(&h, MEMORY, "/nonexistent");
	cr_expect_eq(hold_add(&h, text, 500, &err), PST_OK);
	cr_expect_eq(hold_add(&h, text, 2000, &err), PST_E_TEMP);
	hold_fini(&h);

	buf_init(&out, 100);
	hold_init(&h, MEMORY, "/tmp");
	cr_expect_eq(hold_add(&h, text, 500, &err), PST_OK);
	cr_expect_eq(hold_release(&h, add, &out, &err), PST_E_LIMIT);
	hold_fini(&h);
	buf_fini(&out);
}
