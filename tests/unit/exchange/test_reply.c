/*
 * Replies of SMTP servers.
 */
#include "exchange/reply.h"

#include "base/str.h"

#include <criterion/criterion.h>

/* Reads `text` in pieces of `step`; what was used of it. */
static enum reply_result
feed(const char *text, size_t step, struct reply *r, size_t *used_r)
{
	struct reply_reader rr;
	size_t n = strlen(text), at = 0;
	enum reply_result result = REPLY_MORE;

	reply_begin(&rr, r);
	while (at < n && result == REPLY_MORE) {
		size_t some = n - at < step ? n - at : step, used = 0;

		result = reply_feed(&rr, r, text + at, some, &used);
		at += used;
	}
	*used_r = at;
	return result;
}

Test(reply, forms)
{
	static const struct {
		const char *text;
		enum reply_result result;
		unsigned code;
		unsigned status[3];
		const char *lines;
		size_t left;
	} row[] = {
		{ "250 Ok\r\n", REPLY_DONE, 250, { 0, 0, 0 }, "Ok", 0 },
		{ "250\r\n", REPLY_DONE, 250, { 0, 0, 0 }, "", 0 },
		{ "250 \r\n", REPLY_DONE, 250, { 0, 0, 0 }, "", 0 },
		{ "250 Ok\n", REPLY_DONE, 250, { 0, 0, 0 }, "Ok", 0 },
		{ "550 5.1.1 No\r\n", REPLY_DONE, 550, { 5, 1, 1 }, "5.1.1 No",
		    0 },
		{ "550 4.1.1 No\r\n", REPLY_DONE, 550, { 0, 0, 0 }, "4.1.1 No",
		    0 },
		{ "550 5.1 No\r\n", REPLY_DONE, 550, { 0, 0, 0 }, "5.1 No", 0 },
		{ "550 5.1.1.1 No\r\n", REPLY_DONE, 550, { 0, 0, 0 },
		    "5.1.1.1 No", 0 },
		{ "250-one\r\n250-two\r\n250 three\r\n", REPLY_DONE, 250,
		    { 0, 0, 0 }, "one\ntwo\nthree", 0 },
		{ "250 a\r\n354 b\r\n", REPLY_DONE, 250, { 0, 0, 0 }, "a", 7 },
		{ "250-a\r\n", REPLY_MORE, 250, { 0, 0, 0 }, "a", 0 },
		{ "250-a\r\n251 b\r\n", REPLY_BROKEN, 0, { 0 }, NULL, 0 },
		{ "25 a\r\n", REPLY_BROKEN, 0, { 0 }, NULL, 0 },
		{ "250a\r\n", REPLY_BROKEN, 0, { 0 }, NULL, 0 },
		{ "150 a\r\n", REPLY_BROKEN, 0, { 0 }, NULL, 0 },
		{ "600 a\r\n", REPLY_BROKEN, 0, { 0 }, NULL, 0 },
		{ "\r\n", REPLY_BROKEN, 0, { 0 }, NULL, 0 },
		{ "HTTP/1.1 400 Bad\r\n", REPLY_BROKEN, 0, { 0 }, NULL, 0 },
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++)
		for (size_t step = 1; step < 40; step++) {
			struct reply r;
			size_t used;

			reply_init(&r);
			cr_assert_eq(feed(row[i].text, step, &r, &used),
			    row[i].result, "%s", row[i].text);
			if (row[i].lines != NULL) {
				cr_assert_eq(r.code, row[i].code);
				for (int k = 0; k < 3; k++)
					cr_assert_eq(
					    r.status[k], row[i].status[k]);
				cr_assert(
				    str_is(buf_str(&r.text), row[i].lines));
				cr_assert_eq(
				    used, strlen(row[i].text) - row[i].left);
			}
			reply_fini(&r);
		}
}

Test(reply, endless)
{
	struct reply r;
	struct reply_reader rr;
	enum reply_result result = REPLY_MORE;
	size_t used;

	reply_init(&r);
	reply_begin(&rr, &r);
	for (int i = 0; i < 3000 && result == REPLY_MORE; i++)
		result = reply_feed(&rr, &r, "xxxxxxxxxx", 10, &used);
	cr_assert_eq(result, REPLY_BROKEN);
	reply_begin(&rr, &r);
	result = REPLY_MORE;
	for (int i = 0; i < 3000 && result == REPLY_MORE; i++)
		result = reply_feed(&rr, &r, "250-x\r\n", 7, &used);
	cr_assert_eq(result, REPLY_BROKEN);
	reply_fini(&r);
}

Test(reply, printed)
{
	struct reply r;
	struct buf text;
	size_t used;

	reply_init(&r);
	buf_init(&text, 1000);
	(void)feed("550-5.1.1 No\r\n550 such \001user\r\n", 100, &r, &used);
	reply_print(&r, 100, &text);
	cr_assert(str_is(buf_str(&text), "550 5.1.1 No such ?user"));
	buf_clear(&text);
	reply_print(&r, 9, &text);
	cr_assert(str_is(buf_str(&text), "550 5.1.1"));
	buf_fini(&text);
	reply_fini(&r);
}
