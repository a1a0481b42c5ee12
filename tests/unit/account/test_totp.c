/* Codes of authenticator apps. */
#include "account/totp.h"
#include "base/clock.h"
#include <criterion/criterion.h>

/* "12345678901234567890" */
#define SECRET "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"

/* RFC 6238, appendix B, the last six of its eight digits. */
static const struct {
	int64_t time;
	const char *code;
} vectors[] = {
	{ 59, "287082" },
	{ 1111111109, "081804" },
	{ 1111111111, "050471" },
	{ 1234567890, "005924" },
	{ 2000000000, "279037" },
	{ INT64_C(20000000000), "353130" },
};
#define VECTORS (sizeof(vectors) / sizeof(vectors[0]))

Test(totp, gives_the_vectors_of_rfc_6238)
{
	char code[TOTP_CODE];

	for (size_t i = 0; i < VECTORS; i++) {
		cr_assert(totp_code(SECRET, vectors[i].time / TOTP_STEP, code));
		cr_expect_str_eq(code, vectors[i].code);
	}
}

Test(totp, one_step_each_side_and_none_twice)
{
	for (size_t i = 0; i < VECTORS; i++) {
		int64_t time = vectors[i].time, step = 0;
		int64_t right = time / TOTP_STEP;
		const char *code = vectors[i].code;

		cr_expect(totp_find(SECRET, code, time, 0, &step));
		cr_expect_eq(step, right);
		cr_expect(totp_find(SECRET, code, time + 30, 0, &step));
		cr_expect(!totp_find(SECRET, code, time + 60, 0, &step));
		if (time > 60) {
			cr_expect(totp_find(SECRET, code, time - 30, 0, &step));
			cr_expect(
			    !totp_find(SECRET, code, time - 60, 0, &step));
		}
		cr_expect(!totp_find(SECRET, code, time, right, &step));
		cr_expect(totp_find(SECRET, code, time, right - 1, &step));
	}
}

Test(totp, what_is_no_code)
{
	static const char *const bad[] = { "", "28708", "2870822", "28708a",
		"-87082", "287.082", "287082\n", "\xef\xbc\x92" };
	int64_t step;

	cr_expect(totp_find(SECRET, " 287 082 ", 59, 0, &step));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		cr_expect(!totp_is_code(bad[i]), "%s", bad[i]);
		cr_expect(!totp_find(SECRET, bad[i], 59, 0, &step));
	}
	cr_expect(!totp_find("", "287082", 59, 0, &step));
	cr_expect(!totp_find("GEZDGNBV", "287082", 59, 0, &step));
	cr_expect(!totp_find("!", "287082", 59, 0, &step));
}

Test(totp, secrets_are_new)
{
	char a[TOTP_SECRET], b[TOTP_SECRET], code[TOTP_CODE];

	totp_make(a);
	totp_make(b);
	cr_expect_eq(strlen(a), TOTP_SECRET - 1);
	cr_expect_str_neq(a, b);
	cr_expect(totp_code(a, clock_seconds() / TOTP_STEP, code));
}
