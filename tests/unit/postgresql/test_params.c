/*
 * Values on their way to PostgreSQL and back, and what comes back wrong.
 */
#include "postgresql/pg.h"

#include <criterion/criterion.h>

static const struct {
	const char *octets;
	size_t n;
	int64_t want;
} numbers[] = {
	{ "", 0, 0 }, { "\x01", 1, 1 }, /* boolean */
	{ "\xff\xfe", 2, -2 }, { "\x00\x00\x01\x00", 4, 256 },
	{ "\x80\x00\x00\x00", 4, INT32_MIN },
	{ "\x7f\xff\xff\xff\xff\xff\xff\xff", 8, INT64_MAX },
	{ "\x80\x00\x00\x00\x00\x00\x00\x00", 8, INT64_MIN },
	{ "123456789", 9, 0 }, /* none of our types */
};

Test(params, integers_of_every_width)
{
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		const struct pst_str s = { numbers[i].octets, numbers[i].n };

		cr_expect(pg_number(s) == numbers[i].want, "%zu: %lld", i,
		    (long long)pg_number(s));
	}
}

Test(params, numbers_may_be_copied)
{
	struct pg_params a = { 0 }, b;
	const char *value[PG_PARAMS];

	pg_p_i64(&a, -5);
	pg_p_text(&a, "text");
	pg_p_bool(&a, true);
	pg_p_text(&a, NULL);
	b = a;
	memset(&a, 0xee, sizeof(a));
	pg_values(&b, value);
	cr_expect(pg_number((struct pst_str){ value[0], 8 }) == -5);
	cr_expect_str_eq(value[1], "text");
	cr_expect(b.length[2] == 1 && *value[2] == 1);
	cr_expect_null(value[3]);
	cr_expect(b.format[0] == 1 && b.format[1] == 0);
}

struct seen {
	size_t n;
	int64_t sum;
	char text[64];
};

static void
note(void *arg, size_t i, struct pst_str element)
{
	struct seen *s = arg;

	cr_expect(i == s->n);
	s->n++;
	s->sum += pg_number(element);
	if (element.n < sizeof(s->text)) {
		if (element.n > 0)
			memcpy(s->text, element.p, element.n);
		s->text[element.n] = '\0';
	}
}

/* As it is sent. */
static struct pst_str
sent(struct pg_params *p)
{
	const char *value[PG_PARAMS];

	pg_values(p, value);
	return (struct pst_str){ value[0], (size_t)p->length[0] };
}

Test(params, arrays_come_back)
{
	struct pg_array a = { 0 };
	struct pg_params p = { 0 };
	struct seen seen = { 0 };

	for (int64_t i = 1; i <= 1000; i++)
		pg_array_i64(&a, i);
	pg_p_array(&p, &a);
	cr_expect(pg_elements(sent(&p), note, &seen));
	cr_expect(seen.n == 1000 && seen.sum == 500500);
	pg_array_fini(&a);
}

Test(params, arrays_of_texts)
{
	struct pg_array a = { 0 };
	struct pg_params p = { 0 };
	struct seen seen = { 0 };

	pg_array_text(&a, "");
	pg_array_text(&a, "$Forwarded");
	pg_p_array(&p, &a);
	cr_expect(pg_elements(sent(&p), note, &seen));
	cr_expect(seen.n == 2);
	cr_expect_str_eq(seen.text, "$Forwarded");
	pg_array_fini(&a);
}

Test(params, an_empty_array_is_one)
{
	static const char nothing[12] = { 0 };
	struct pg_array a = { 0 };
	struct pg_params p = { 0 };
	struct seen seen = { 0 };

	pg_p_array(&p, &a);
	cr_expect(p.format[0] == 0);
	cr_expect_str_eq(sent(&p).p, "{}");
	cr_expect(pg_elements((struct pst_str){ nothing, 12 }, note, &seen));
	cr_expect(seen.n == 0);
}

/* Wherever it is cut, and whatever length it tells, nothing is read beyond. */
Test(params, damaged_arrays_are_refused)
{
	struct pg_array a = { 0 };
	struct pg_params p = { 0 };
	struct pst_str whole;

	pg_array_i64(&a, 7);
	pg_array_text(&a, "x");
	pg_p_array(&p, &a);
	whole = sent(&p);
	for (size_t n = 0; n < whole.n; n++) {
		char *cut = malloc(n + 1);
		struct seen seen = { 0 };

		memcpy(cut, whole.p, n);
		cr_expect(!pg_elements((struct pst_str){ cut, n }, note, &seen),
		    "cut at %zu", n);
		free(cut);
	}
	for (size_t i = 0; i < whole.n; i++) {
		char *wrong = malloc(whole.n);
		struct seen seen = { 0 };

		memcpy(wrong, whole.p, whole.n);
		wrong[i] = (char)(wrong[i] ^ 0x7f);
		(void)pg_elements(
		    (struct pst_str){ wrong, whole.n }, note, &seen);
		free(wrong);
	}
	pg_array_fini(&a);
}

Test(params, every_statement_has_a_text)
{
	for (int i = 0; i < PG_STATEMENTS; i++)
		cr_expect(pg_sql[i] != NULL && pg_sql[i][0] != '\0', "%d", i);
	cr_expect(pg_schema_version() > 0);
}
