/*
 * Wildcards against the plainest way to do it: all patterns and values of a few
 * characters, and what each wildcard stands for.
 */
#include <criterion/criterion.h>

#include "base/str.h"
#include "sieve/run.h"

enum { LENGTH = 5 };

/* Tries each length from the shortest on. */
static bool
plainly(const char *p, const char *v, struct pst_str *wild, size_t *n)
{
	size_t had = *n;

	if (*p == '\0')
		return *v == '\0';
	if (*p == '*') {
		for (size_t i = 0; i <= strlen(v); i++) {
			*n = had + 1;
			wild[had] = str_n(v, i);
			if (plainly(p + 1, v + i, wild, n))
				return true;
		}
		return false;
	}
	if (*v == '\0' || (*p != '?' && *p != *v))
		return false;
	if (*p == '?')
		wild[(*n)++] = str_n(v, 1);
	return plainly(p + 1, v + 1, wild, n);
}

/* The number in figures of the alphabet, as many as `length`. */
static void
spell(const char *alphabet, size_t number, size_t length, char *to)
{
	size_t base = strlen(alphabet);

	for (size_t i = 0; i < length; i++, number /= base)
		to[i] = alphabet[number % base];
	to[length] = '\0';
}

static size_t
power(size_t base, size_t n)
{
	return n == 0 ? 1 : base * power(base, n - 1);
}

static void
compare(struct run *r, enum sieve_comparator comparator,
    const struct pattern *p, const char *pattern, const char *value)
{
	struct pst_str wild[MATCH_VARIABLES], want[MATCH_VARIABLES];
	size_t n = 0, wants = 0;
	bool fits = plainly(pattern, value, want, &wants);

	cr_assert_eq(pattern_fits(r, p, comparator, str_of(value), wild, &n),
	    fits, "%s %s", pattern, value);
	cr_assert_eq(pattern_fits(r, p, comparator, str_of(value), NULL, &n),
	    fits, "%s %s", pattern, value);
	if (!fits)
		return;
	(void)pattern_fits(r, p, comparator, str_of(value), wild, &n);
	cr_assert_eq(n, wants);
	for (size_t i = 0; i < n; i++)
		cr_assert(wild[i].p == want[i].p && wild[i].n == want[i].n,
		    "%s %s: %zu", pattern, value, i);
}

static void
try_all(enum sieve_comparator comparator)
{
	struct sieve_limits limits = sieve_limits_default;
	struct sieve_result result = { 0 };
	struct sieve_script script = { 0 };
	struct scope scope = { .script = &script };
	struct run r = { .limits = &limits,
		.result = &result,
		.scope = &scope,
		.scratch = arena_new(0) };
	char pattern[LENGTH + 1], value[LENGTH + 1];

	limits.work = UINT64_MAX / 2;
	for (size_t k = 0; k <= LENGTH; k++) {
		for (size_t i = 0; i < power(4, k); i++) {
			struct pattern p;

			arena_reset(r.scratch);
			r.scratch_used = 0;
			spell("ab*?", i, k, pattern);
			pattern_init(&p, &r, comparator, str_of(pattern));
			for (size_t n = 0; n <= LENGTH; n++) {
				for (size_t v = 0; v < power(2, n); v++) {
					spell("ab", v, n, value);
					compare(
					    &r, comparator, &p, pattern, value);
				}
			}
		}
	}
	cr_expect_not(r.failed);
	arena_free(&r.scratch);
}

Test(sieve_pattern, octets)
{
	try_all(COMP_OCTET);
}

Test(sieve_pattern, without_case)
{
	try_all(COMP_ASCII_CASEMAP);
}

Test(sieve_pattern, unicode)
{
	try_all(COMP_UNICODE_CASEMAP);
}
