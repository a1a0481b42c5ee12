/*
 * The map from threads to places, whatever others send: so many steps for each
 * message and no more, however many are of one thread, and for keys that were
 * chosen to meet. Steps are counted, not timed.
 */
#include "mailbox/catalog_priv.h"

#include <criterion/criterion.h>
#include <stdlib.h>

enum { MANY = 40000, STEPS = 8 };

static struct multimap m;
static uint32_t row[MANY + 1];

static size_t
rows_of(uint64_t key)
{
	uint32_t first = multimap_first(&m, key);
	size_t n = 0;

	for (uint32_t r = first; r != 0; r = multimap_next(&m, first, r))
		n++;
	return n;
}

static void
add(uint64_t key, uint32_t uid)
{
	row[uid] = multimap_add(&m, key, uid % 7, uid);
}

static void
expect_few_steps(size_t calls)
{
	cr_expect_leq(m.steps, (uint64_t)STEPS * calls, "%llu steps",
	    (unsigned long long)m.steps);
	m.steps = 0;
}

static void
end(void)
{
	multimap_fini(&m);
}

Test(catalog_map, has_rows_of_a_key_in_their_order, .fini = end)
{
	uint32_t first, r, uid = 0;

	cr_expect_eq(multimap_first(&m, 5), 0);
	for (uint32_t i = 1; i <= 300; i++)
		add(i % 3, i);
	first = multimap_first(&m, 2);
	for (r = first; r != 0; r = multimap_next(&m, first, r)) {
		cr_expect_gt(m.row[r].uid, uid);
		uid = m.row[r].uid;
		cr_expect_eq(uid % 3, 2);
		cr_expect_eq(m.row[r].box, uid % 7 + 1);
	}
	cr_expect_eq(uid, 299);
}

Test(catalog_map, is_as_quick_for_one_thread_as_for_many, .fini = end)
{
	for (uint32_t i = 1; i <= MANY; i++)
		add(42, i);
	expect_few_steps(MANY);
	cr_expect_eq(rows_of(42), MANY);
	m.steps = 0;
	/* The last ones first, then every other one, then the rest. */
	for (uint32_t i = MANY; i > MANY / 2; i--)
		multimap_remove(&m, row[i]);
	for (uint32_t i = 1; i <= MANY / 2; i += 2)
		multimap_remove(&m, row[i]);
	expect_few_steps(MANY);
	cr_expect_eq(rows_of(42), MANY / 4);
	for (uint32_t i = 2; i <= MANY / 2; i += 2)
		multimap_remove(&m, row[i]);
	cr_expect_eq(multimap_first(&m, 42), 0);
	cr_expect_eq(m.keys, 0);
}

Test(catalog_map, uses_rows_again, .fini = end)
{
	size_t rows;

	for (uint32_t i = 1; i <= 1000; i++)
		add(i % 10, i);
	rows = m.rows;
	for (unsigned round = 0; round < 20; round++) {
		for (uint32_t i = 1; i <= 1000; i++)
			multimap_remove(&m, row[i]);
		for (uint32_t i = 1; i <= 1000; i++)
			add(i + round, i);
	}
	cr_expect_eq(m.rows, rows);
	for (uint32_t i = 1; i <= 1000; i++)
		cr_expect_eq(rows_of(i + 19), 1);
}

/* The numbers whose slots would be one under a multiplier that is known. */
Test(catalog_map, lets_nobody_choose_where_keys_meet, .fini = end)
{
	const uint64_t factor = UINT64_C(0x9e3779b97f4a7c15);
	uint64_t inverse = factor;

	for (unsigned i = 0; i < 6; i++)
		inverse *= 2 - factor * inverse;
	cr_assert_eq(factor * inverse, 1);
	for (uint32_t i = 1; i <= MANY; i++)
		add(inverse * (uint32_t)(i * UINT32_C(2654435761) >> 13), i);
	expect_few_steps(MANY);
	for (uint32_t i = 1; i <= MANY; i++)
		multimap_remove(&m, row[i]);
	expect_few_steps(MANY);
}

/* A message that was copied many times: all of one mailbox, then of another,
 * and away again in the same order. */
Test(catalog_map, finds_copies_in_a_mailbox_quickly, .fini = end)
{
	for (uint32_t i = 1; i <= MANY; i++) {
		cr_assert_eq(multimap_has_box(&m, 1, i > MANY / 2),
		    i != 1 && i != MANY / 2 + 1);
		row[i] = multimap_add(&m, 1, i > MANY / 2, i);
	}
	expect_few_steps(MANY);
	for (uint32_t i = 1; i <= MANY; i++) {
		multimap_remove(&m, row[i]);
		cr_assert_eq(multimap_has_box(&m, 1, i > MANY / 2),
		    i != MANY && i != MANY / 2);
	}
	expect_few_steps(MANY);
}
