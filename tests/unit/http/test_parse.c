/*
 * The grammar of HTTP requests.
 */
#include "base/str.h"
#include "http/parse.h"

#include <criterion/criterion.h>

#define HOST "Host: x\r\n"

static const struct {
	const char *text;
	int status; /* 0: it is whole */
	const char *path, *query;
	uint64_t length;
	bool is_chunked, keeps_alive;
} heads[] = {
	{ "GET / HTTP/1.1\r\n" HOST "\r\n", 0, "/", "", 0, false, true },
	{ "\r\nGET /a?b=c HTTP/1.1\r\n" HOST "\r\n", 0, "/a", "b=c", 0, false,
	    true },
	{ "GET http://x/a HTTP/1.1\r\n" HOST "\r\n", 0, "/a", "", 0, false,
	    true },
	{ "GET / HTTP/1.0\r\n\r\n", 0, "/", "", 0, false, false },
	{ "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", 0, "/", "", 0,
	    false, true },
	{ "GET / HTTP/1.1\r\n" HOST "Connection: a , CLOSE\r\n\r\n", 0, "/", "",
	    0, false, false },
	{ "POST / HTTP/1.1\r\n" HOST "Content-Length: 12\r\n\r\n", 0, "/", "",
	    12, false, true },
	{ "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: Chunked\r\n\r\n", 0,
	    "/", "", 0, true, true },
	{ "GET / HTTP/1.1\r\n\r\n", 400, NULL, NULL, 0, false, false },
	{ "GET / HTTP/1.1\r\nHost: x\nA: b\r\n\r\n", 400, NULL, NULL, 0, false,
	    false },
	{ "GET  / HTTP/1.1\r\n" HOST "\r\n", 400, NULL, NULL, 0, false, false },
	{ "GET / HTTP/1.1 \r\n" HOST "\r\n", 400, NULL, NULL, 0, false, false },
	{ "GET x HTTP/1.1\r\n" HOST "\r\n", 400, NULL, NULL, 0, false, false },
	{ "GET / HTTP/3.1\r\n" HOST "\r\n", 505, NULL, NULL, 0, false, false },
	{ "GET / HTTP/1.1\r\n" HOST "A\x01: b\r\n\r\n", 400, NULL, NULL, 0,
	    false, false },
	{ "GET / HTTP/1.1\r\n" HOST "A: \x01\r\n\r\n", 400, NULL, NULL, 0,
	    false, false },
	{ "POST / HTTP/1.1\r\n" HOST "Content-Length: 1, 1\r\n\r\n", 400, NULL,
	    NULL, 0, false, false },
	{ "POST / HTTP/1.1\r\n" HOST
	  "Content-Length: 99999999999999999999\r\n\r\n",
	    400, NULL, NULL, 0, false, false },
	{ "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400, NULL,
	    NULL, 0, false, false },
};

Test(http, heads)
{
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		struct pst_str text = str_of(heads[i].text);
		struct http_head h;
		size_t used;
		int status;
		enum http_parsed parsed = http_head_parse(
		    text, 1000, &h, &used, &status);

		cr_assert_eq(status, heads[i].status, "%zu: %d", i, status);
		if (heads[i].status != 0) {
			cr_assert_eq(parsed, HTTP_WRONG);
			continue;
		}
		cr_assert_eq(parsed, HTTP_WHOLE);
		cr_assert_eq(used, text.n);
		cr_assert(str_is(h.path, heads[i].path));
		cr_assert(str_is(h.query, heads[i].query));
		cr_assert_eq(h.length, heads[i].length);
		cr_assert_eq(h.is_chunked, heads[i].is_chunked);
		cr_assert_eq(h.keeps_alive, heads[i].keeps_alive, "%zu", i);
		/* Any part of it wants more. */
		for (size_t n = 0; n < text.n; n++)
			cr_assert_eq(http_head_parse(str_first(text, n), 1000,
					 &h, &used, &status),
			    HTTP_MORE);
	}
}

Test(http, chunks)
{
	struct pst_str all = STR("3;a=b\r\nabc\r\nA\r\n0123456789\r\n"
				 "0\r\nTrailer: x\r\n\r\nnext");

	for (size_t piece = 1; piece < all.n; piece++) {
		struct http_chunks c = { 0 };
		struct pst_str rest = all;
		enum http_parsed parsed = HTTP_MORE;
		struct buf got;

		buf_init(&got, 100);
		while (parsed == HTTP_MORE && rest.n > 0) {
			struct pst_str data;
			size_t used;

			parsed = http_chunks_next(
			    &c, str_first(rest, piece), &used, &data);
			(void)buf_add_str(&got, data);
			rest = str_from(rest, used);
		}
		cr_assert_eq(parsed, HTTP_WHOLE);
		cr_assert(str_is(buf_str(&got), "abc0123456789"));
		cr_assert(str_is(rest, "next"));
		buf_fini(&got);
	}
}

Test(http, wrong_chunks)
{
	static const char *const wrong[] = { "x\r\n", "3\nabc", "3\r\nabcd",
		"3\r\nabc\n", "\r\n", "1000000000000000\r\n", "0\r\n\n" };

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct http_chunks c = { 0 };
		struct pst_str rest = str_of(wrong[i]), data;
		enum http_parsed parsed = HTTP_MORE;
		size_t used;

		while (parsed == HTTP_MORE && rest.n > 0) {
			parsed = http_chunks_next(&c, rest, &used, &data);
			rest = str_from(rest, used);
		}
		cr_assert_eq(parsed, HTTP_WRONG, "%s", wrong[i]);
	}
}

static void
expect_path(const char *path, const char *decoded)
{
	struct buf out;
	bool ok;

	buf_init(&out, 100);
	ok = http_path_decode(str_of(path), &out);
	cr_assert_eq(ok, decoded != NULL, "%s", path);
	cr_assert(!ok || str_is(buf_str(&out), decoded), "%s", path);
	buf_fini(&out);
}

Test(http, paths)
{
	expect_path("/", "/");
	expect_path("/a%20b/%C3%BC", "/a b/\xc3\xbc");
	expect_path("/..%2fa", "/../a");
	expect_path("/a/..", NULL);
	expect_path("/%2e%2E/a", NULL);
	expect_path("/./a", NULL);
	expect_path("/%0", NULL);
	expect_path("/%00", NULL);
	expect_path("/...", "/...");
}

Test(http, lists)
{
	struct http_head h = { .fields = 2 };

	h.field[0] = (struct http_field){ STR("Accept-Encoding"),
		STR("br;q=0.5, gzip ; q=0.000,deflate") };
	h.field[1] = (struct http_field){ STR("Cookie"), STR("a=1; b=2=3;c") };
	cr_assert(http_head_lists(&h, "accept-encoding", "BR"));
	cr_assert(!http_head_lists(&h, "accept-encoding", "gzip"));
	cr_assert(!http_head_lists(&h, "accept-encoding", "none"));
	cr_assert(str_is(http_cookie(&h, "b"), "2=3"));
	cr_assert_null(http_cookie(&h, "c").p);
}
