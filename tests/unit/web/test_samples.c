/*
 * test_samples.c - rings of samples keep the latest, and no more.
 */
#include "web/samples.h"

#include "base/clock.h"
#include "base/log.h"
#include <criterion/criterion.h>

static json_int_t
value_of(const json_t *rows, size_t row, enum sample_value value)
{
	return json_integer_value(
	    json_array_get(json_array_get(rows, row), 1 + (size_t)value));
}

Test(samples, the_latest_are_kept)
{
	uint64_t value[SAMPLE_VALUES] = { 0 };
	int64_t begun = clock_seconds();
	json_t *rows;
	size_t n;

	rows = web_samples(true, 0);
	cr_expect_eq(json_array_size(rows), 0);
	json_decref(rows);
	for (uint64_t i = 0; i < 300; i++) {
		value[SAMPLE_QUEUED] = i;
		web_sample(value);
	}
	rows = web_samples(true, 0);
	n = json_array_size(rows);
	cr_assert_eq(n, 120);
	for (size_t i = 0; i < n; i++)
		cr_expect_eq(value_of(rows, i, SAMPLE_QUEUED),
		    (json_int_t)(300 - n + i));
	json_decref(rows);
	/* All were of a minute, or of two. */
	rows = web_samples(false, 0);
	n = json_array_size(rows);
	cr_expect(n == 1 || n == 2, "%zu", n);
	cr_expect_eq(value_of(rows, 0, SAMPLE_QUEUED), 0);
	json_decref(rows);
	rows = web_samples(true, begun + 3600);
	cr_expect_eq(json_array_size(rows), 0);
	json_decref(rows);
	rows = web_samples(true, begun - 1);
	cr_expect_eq(json_array_size(rows), 120);
	json_decref(rows);
}

Test(samples, events_of_the_log_are_counted)
{
	uint64_t value[SAMPLE_VALUES] = { [SAMPLE_MESSAGES] = 99 };
	json_t *rows;

	for (int i = 0; i < 3; i++)
		log_event(PST_LOG_DEBUG, 0, "message", NULL);
	log_event(PST_LOG_DEBUG, 0, "login-failed", NULL);
	web_sample(value);
	rows = web_samples(true, 0);
	cr_expect_eq(value_of(rows, 0, SAMPLE_MESSAGES), 3);
	cr_expect_eq(value_of(rows, 0, SAMPLE_LOGINS_FAILED), 1);
	cr_expect_eq(value_of(rows, 0, SAMPLE_BOUNCED), 0);
	json_decref(rows);
}
