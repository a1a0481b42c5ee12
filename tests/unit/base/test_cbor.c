/* CBOR, with examples of RFC 8949, appendix A. */
#include "base/cbor.h"
#include "base/str.h"
#include <criterion/criterion.h>

Test(cbor, numbers)
{
	static const struct {
		const char *octets;
		size_t n;
		int64_t value;
	} good[] = {
		{ "\x00", 1, 0 },
		{ "\x17", 1, 23 },
		{ "\x18\x18", 2, 24 },
		{ "\x19\x03\xe8", 3, 1000 },
		{ "\x1a\x00\x0f\x42\x40", 5, 1000000 },
		{ "\x1b\x00\x00\x00\xe8\xd4\xa5\x10\x00", 9,
		    INT64_C(1000000000000) },
		{ "\x20", 1, -1 },
		{ "\x38\x63", 2, -100 },
		{ "\x39\x01\x00", 3, -257 },
		{ "\x3b\x7f\xff\xff\xff\xff\xff\xff\xff", 9, INT64_MIN },
	};
	struct cbor_item item;
	int64_t value;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct pst_str in = str_n(good[i].octets, good[i].n);

		cr_assert(cbor_next(&in, &item) && cbor_integer(&item, &value));
		cr_expect_eq(value, good[i].value);
		cr_expect_eq(in.n, 0);
		for (size_t n = 0; n < good[i].n; n++) {
			in = str_n(good[i].octets, n);
			cr_expect(!cbor_next(&in, &item));
		}
	}
	for (size_t i = 0; i < 2; i++) { /* beyond 64 bits with a sign */
		struct pst_str in = i == 0 ? STR("\x1b\xff\xff\xff\xff\xff\xff"
						 "\xff\xff")
					   : STR("\x3b\xff\xff\xff\xff\xff\xff"
						 "\xff\xff");

		cr_assert(cbor_next(&in, &item));
		cr_expect(!cbor_integer(&item, &value));
	}
}

/* {"a": 1, "b": [2, 3], "c": h'01', "d": 1.5, "e": 1(2), "f": null} */
#define NESTED              \
	"\xa6\x61"          \
	"a\x01\x61"         \
	"b\x82\x02\x03\x61" \
	"c\x41\x01\x61"     \
	"d\xf9\x3e\x00\x61" \
	"e\xc1\x02\x61"     \
	"f\xf6"

Test(cbor, skips_an_item_with_all_in_it)
{
	struct pst_str in = STR(NESTED "\x05"), whole = STR(NESTED);

	cr_assert(cbor_skip(&in));
	cr_expect(str_is(in, "\x05"));
	cr_assert(cbor_skip(&in));
	cr_expect_eq(in.n, 0);
	cr_expect(!cbor_skip(&in));
	for (size_t n = 0; n < whole.n; n++) {
		in = str_first(whole, n);
		cr_expect(!cbor_skip(&in), "%zu", n);
	}
}

Test(cbor, refuses_what_has_no_length)
{
	static const char *const bad[] = { "\x9f\x01\xff", "\xbf\xff",
		"\x5f\x41\x01\xff", "\x7f\xff", "\xff", "\x1c", "\x1d", "\x1e",
		"\x1f", "\x9b\xff\xff\xff\xff\xff\xff\xff\xff",
		"\xbb\x80\x01\x01\x01\x01\x01\x01\x01",
		"\x5b\xff\xff\xff\xff\xff\xff\xff\xff", "\x42\x01" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct pst_str in = str_of(bad[i]);

		cr_expect(!cbor_skip(&in), "%zu", i);
	}
}

/* A hundred thousand arrays in one another take no stack. */
Test(cbor, depth_costs_nothing)
{
	static char deep[100001];
	struct pst_str in = str_n(deep, sizeof(deep));

	memset(deep, 0x81, sizeof(deep) - 1);
	deep[sizeof(deep) - 1] = 0;
	cr_expect(cbor_skip(&in));
	cr_expect_eq(in.n, 0);
}
