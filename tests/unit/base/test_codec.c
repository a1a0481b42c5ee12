/* base64, base32, quoted-printable, modified UTF-7. */
#include "base/codec.h"
#include "base/str.h"
#include <criterion/criterion.h>

Test(base64, gives_the_vectors_of_rfc_4648_section_10)
{
	static const char *const pairs[][2] = { { "", "" }, { "f", "Zg==" },
		{ "fo", "Zm8=" }, { "foo", "Zm9v" }, { "foob", "Zm9vYg==" },
		{ "fooba", "Zm9vYmE=" }, { "foobar", "Zm9vYmFy" } };

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		struct buf b;

		buf_init(&b, 100);
		cr_assert(base64_encode(str_of(pairs[i][0]), &b));
		cr_assert(str_is(buf_str(&b), pairs[i][1]));
		buf_clear(&b);
		cr_assert(base64_decode(str_of(pairs[i][1]), &b));
		cr_assert(str_is(buf_str(&b), pairs[i][0]));
		buf_fini(&b);
	}
}

Test(base64, is_strict_for_protocols)
{
	static const char *const bad[] = { "Zg=", "Zg",
		"Z===", "Zh==", "Zm9=", "Zm9v\r\n", "Zm 9v",
		"Zg==Zg==", "====", "Zm9v!" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct buf b;

		buf_init(&b, 100);
		cr_assert(!base64_decode(str_of(bad[i]), &b), "%s", bad[i]);
		buf_fini(&b);
	}
}

Test(base64, is_lenient_for_bodies_at_every_cut)
{
	struct pst_str in = STR("Zm9v\r\n YmFy!Zg==\r\nZm8=");

	for (size_t cut = 0; cut <= in.n; cut++) {
		struct base64_state st = { 0 };
		struct buf b;

		buf_init(&b, 100);
		(void)base64_decode_some(&st, str_first(in, cut), &b);
		(void)base64_decode_some(&st, str_from(in, cut), &b);
		cr_assert(str_is(buf_str(&b), "foobarffo"), "cut %zu", cut);
		buf_fini(&b);
	}
}

Test(qp, decodes_at_every_cut)
{
	static const char *const pairs[][2] = {
		{ "a=3Db", "a=b" },
		{ "soft=\r\nbreak", "softbreak" },
		{ "soft=  \r\nbreak", "softbreak" },
		{ "soft=\nbreak", "softbreak" },
		{ "trailing  \t\r\nnext", "trailing\r\nnext" },
		{ "in the middle  x", "in the middle  x" },
		{ "=e4=F6", "\xE4\xF6" },
		{ "bad =XY escape", "bad =XY escape" },
		{ "bad =4 escape", "bad =4 escape" },
		{ "end=", "end" },
		{ "==3D", "==" },
		{ "a\rb", "a\rb" },
		{ "", "" },
	};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		struct pst_str in = str_of(pairs[i][0]);

		for (size_t cut = 0; cut <= in.n; cut++) {
			struct qp_state st = { 0 };
			struct buf b;

			buf_init(&b, 1000);
			(void)qp_decode_some(
			    &st, str_first(in, cut), false, &b);
			(void)qp_decode_some(&st, str_from(in, cut), true, &b);
			cr_assert(str_is(buf_str(&b), pairs[i][1]),
			    "\"%s\" cut %zu: \"%.*s\"", pairs[i][0], cut,
			    STR_ARG(buf_str(&b)));
			buf_fini(&b);
		}
	}
}

Test(qp, bounds_white_space_that_never_ends)
{
	struct qp_state st = { 0 };
	struct buf b;

	buf_init(&b, 100000);
	for (int i = 0; i < 1000; i++)
		(void)qp_decode_some(
		    &st, STR("                    ="), false, &b);
	(void)qp_decode_some(&st, STR("x"), true, &b);
	cr_assert_gt(b.n, 20000);
	buf_fini(&b);
}

Test(mutf7, translates_mailbox_names)
{
	/* The fourth is RFC 3501, 5.1.3. */
	static const char *const pairs[][2] = {
		{ "Sent", "Sent" },
		{ "a&b", "a&-b" },
		{ "Entw\xC3\xBCrfe", "Entw&APw-rfe" },
		{ "~peter/mail/\xE5\x8F\xB0\xE5\x8C\x97/\xE6\x97\xA5\xE6\x9C"
		  "\xAC\xE8\xAA\x9E",
		    "~peter/mail/&U,BTFw-/&ZeVnLIqe-" },
		{ "\xF0\x9F\x93\xAC", "&2D3c7A-" },
	};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		struct buf b;

		buf_init(&b, 100);
		cr_assert(mutf7_encode(str_of(pairs[i][0]), &b));
		cr_assert(str_is(buf_str(&b), pairs[i][1]), "%.*s",
		    STR_ARG(buf_str(&b)));
		buf_clear(&b);
		cr_assert(mutf7_decode(str_of(pairs[i][1]), &b));
		cr_assert(str_is(buf_str(&b), pairs[i][0]));
		buf_fini(&b);
	}
}

Test(mutf7, refuses_what_is_not_canonical)
{
	static const char *const bad[] = { "&", "&AGE-", "&APw", "&APw-&APw-",
		"\xC3\xBC", "&2D0-", "&3ck-", "&A-", "&AP\x77=-", "a\tb" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct buf b;

		buf_init(&b, 100);
		cr_assert(!mutf7_decode(str_of(bad[i]), &b), "%s", bad[i]);
		buf_fini(&b);
	}
}

Test(base64, has_a_form_for_urls)
{
	static const char *const bad[] = { "+A", "/A", "A", "YR", "Y Q" };
	struct buf b;

	buf_init(&b, 100);
	cr_assert(base64url_encode(STR("\xfb\xff\xfe"), &b));
	cr_assert(base64url_encode(STR("a"), &b));
	cr_assert(str_is(buf_str(&b), "-__-YQ"));
	buf_clear(&b);
	cr_assert(base64url_decode(STR("-__-YQ"), &b));
	cr_assert(base64url_decode(STR("YQ=="), &b));
	cr_assert(str_is(buf_str(&b), "\xfb\xff\xfe"
				      "aa"));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_assert(!base64url_decode(str_of(bad[i]), &b), "%s", bad[i]);
	buf_fini(&b);
}

Test(base32, gives_the_vectors_of_rfc_4648_section_10)
{
	static const char *const pairs[][2] = { { "", "" }, { "f", "MY" },
		{ "fo", "MZXQ" }, { "foo", "MZXW6" }, { "foob", "MZXW6YQ" },
		{ "fooba", "MZXW6YTB" }, { "foobar", "MZXW6YTBOI" } };
	static const char *const bad[] = { "M", "MZX", "MZXW6Y", "MZ1Q",
		"MY==", "MZ", "MZXR", "MZ XQ" };
	struct buf b;

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		buf_init(&b, 100);
		cr_assert(base32_encode(str_of(pairs[i][0]), &b));
		cr_assert(str_is(buf_str(&b), pairs[i][1]));
		buf_clear(&b);
		cr_assert(base32_decode(str_of(pairs[i][1]), &b));
		cr_assert(str_is(buf_str(&b), pairs[i][0]));
		buf_fini(&b);
	}
	buf_init(&b, 100);
	cr_assert(base32_decode(STR("mzxw6ytb"), &b));
	buf_fini(&b);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		buf_init(&b, 100);
		cr_assert(!base32_decode(str_of(bad[i]), &b), "%s", bad[i]);
		buf_fini(&b);
	}
}
