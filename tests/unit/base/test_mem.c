/* Buffers and arenas. */
#include "base/mem.h"
#include "base/str.h"
#include <criterion/criterion.h>
#include <stdlib.h>

Test(buf, stops_at_its_maximum_and_stays_stopped)
{
	struct buf b;

	buf_init(&b, 10);
	cr_assert(buf_puts(&b, "12345678"));
	cr_assert(!buf_puts(&b, "abc"));
	cr_assert(b.overflow);
	cr_assert(!buf_putc(&b, 'x'));
	cr_assert_eq(b.n, 8);
	buf_clear(&b);
	cr_assert(buf_puts(&b, "0123456789"));
	cr_assert(!buf_putc(&b, 'x'));
	buf_fini(&b);
}

Test(buf, grows_prints_and_consumes)
{
	struct buf b;
	char large[600];

	memset(large, 'z', sizeof(large));
	buf_init(&b, 4096);
	cr_assert(buf_printf(&b, "%d-%s", 12, "x"));
	cr_assert(buf_put_u64(&b, UINT64_MAX));
	cr_assert(str_is(buf_str(&b), "12-x18446744073709551615"));
	buf_consume(&b, 3);
	cr_assert(str_has_prefix_case(buf_str(&b), "x1844"));
	cr_assert(buf_printf(&b, "%.*s", (int)sizeof(large), large));
	cr_assert_eq(b.n, 21 + sizeof(large));
	buf_consume(&b, 100000);
	cr_assert_eq(b.n, 0);
	buf_fini(&b);
}

Test(buf, takes_nothing_without_trouble)
{
	struct buf b;

	buf_init(&b, 0);
	cr_assert(buf_add(&b, NULL, 0));
	cr_assert(!buf_putc(&b, 'x'));
	buf_fini(&b);
}

Test(arena, gives_aligned_zeroed_memory_up_to_its_maximum)
{
	struct arena *a = arena_new(4096);
	size_t got = 0;

	for (size_t n = 1; n < 200; n++) {
		char *p = arena_alloc(a, n);

		if (p == NULL)
			break;
		got++;
		cr_assert_eq((uintptr_t)p % _Alignof(max_align_t), 0);
		for (size_t i = 0; i < n; i++)
			cr_assert_eq(p[i], 0);
		memset(p, 0xAA, n);
	}
	cr_assert_gt(got, 50);
	cr_assert_lt(got, 150);
	arena_reset(a);
	cr_assert_eq(*(char *)arena_alloc(a, 1), 0);
	cr_assert_null(arena_alloc(a, 5000));
	arena_free(&a);
	cr_assert_null(a);
}

Test(arena, copies_texts)
{
	struct arena *a = arena_new(0);

	cr_assert_str_eq(arena_text(a, STR("abc")), "abc");
	cr_assert(str_is(arena_copy(a, STR("xyz")), "xyz"));
	cr_assert_not_null(arena_copy(a, STR_NONE).p);
	cr_assert_not_null(arena_alloc(a, 1 << 20));
	arena_free(&a);
}
