/*
 * What programs write, made lines of SMTP.
 */
#include "sendmail/content.h"

#include "base/str.h"

#include <criterion/criterion.h>
#include <unistd.h>

/* Through a pipe, in pieces of `piece` octets as they are read. */
static void
read_all(const char *in, size_t n, bool no_dot, size_t max, struct buf *header,
    struct buf *body)
{
	struct content c;
	struct buf stuffed;
	bool at_line = true;
	int fds[2];

	cr_assert_eq(pipe(fds), 0);
	cr_assert_eq(write(fds[1], in, n), (ssize_t)n);
	(void)close(fds[1]);
	content_init(&c, fds[0], no_dot);
	cr_assert(content_header(&c, header, body));
	while (content_more(&c, body, max))
		;
	(void)close(fds[0]);
	cr_assert(!c.failed);
	buf_init(&stuffed, 1 << 20);
	content_stuff(buf_str(body), &at_line, &stuffed);
	buf_clear(body);
	(void)buf_add_str(body, buf_str(&stuffed));
	buf_fini(&stuffed);
}

static const struct {
	const char *in;
	bool no_dot;
	const char *header, *body; /* dots doubled */
} cases[] = {
	{ "A: b\n\nText\n", true, "A: b\r\n", "Text\r\n" },
	{ "A: b\n\nText", true, "A: b\r\n", "Text\r\n" },
	{ "A: b\r\n\r\nText\r\n", true, "A: b\r\n", "Text\r\n" },
	{ "A: b\n\n.\n", true, "A: b\r\n", "..\r\n" },
	{ "A: b\n\none\n.\ntwo\n", false, "A: b\r\n", "one\r\n" },
	{ "A: b\n\none\n.", false, "A: b\r\n", "one\r\n" },
	{ "A: b\n\none\n.", true, "A: b\r\n", "one\r\n..\r\n" },
	{ "A: b\n\n.a\n..\n...", false, "A: b\r\n", "..a\r\n...\r\n....\r\n" },
	{ "A: b\n\na\rb\r\nc\r", true, "A: b\r\n", "a\r\nb\r\nc\r\n" },
	{ "A: b\n c\n\td\n\nx", true, "A: b\r\n c\r\n\td\r\n", "x\r\n" },
	{ "A : b\n\nx", true, "A : b\r\n", "x\r\n" },
	{ "From a b\nA: b\n\nx", true, "A: b\r\n", "x\r\n" },
	{ "From: b\n\nx", true, "From: b\r\n", "x\r\n" },
	{ "no field\nA: b\n", true, "", "no field\r\nA: b\r\n" },
	{ "A: b\nno field\n\nx", true, "A: b\r\n", "no field\r\n\r\nx\r\n" },
	{ " A: b\n", true, "", " A: b\r\n" },
	{ "\nx\n", true, "", "x\r\n" },
	{ "A: b", true, "A: b\r\n", "" },
	{ ".", true, "", "..\r\n" },
	{ ".", false, "", "" },
	{ "", true, "", "" },
};

Test(content, lines)
{
	static const size_t sizes[] = { 5, 6, 100, 10000 };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (size_t k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++) {
			struct buf header, body;

			buf_init(&header, 1 << 20);
			buf_init(&body, 1 << 20);
			read_all(cases[i].in, strlen(cases[i].in),
			    cases[i].no_dot, sizes[k], &header, &body);
			cr_expect(str_is(buf_str(&header), cases[i].header),
			    "case %zu: \"%.*s\"", i, STR_ARG(buf_str(&header)));
			cr_expect(str_is(buf_str(&body), cases[i].body),
			    "case %zu: \"%.*s\"", i, STR_ARG(buf_str(&body)));
			buf_fini(&header);
			buf_fini(&body);
		}
}

Test(content, without_nul)
{
	struct buf header, body;

	buf_init(&header, 100);
	buf_init(&body, 100);
	read_all("A: \0b\n\n\0x\0\n", 11, true, 100, &header, &body);
	cr_expect(str_is(buf_str(&header), "A: b\r\n"));
	cr_expect(str_is(buf_str(&body), "x\r\n"));
	buf_fini(&header);
	buf_fini(&body);
}

Test(content, a_header_without_end)
{
	struct buf header, rest;
	struct content c;
	int fds[2];

	cr_assert_eq(pipe(fds), 0);
	cr_assert_eq(write(fds[1], "A: b\nC: d\nE: f\n", 15), 15);
	(void)close(fds[1]);
	content_init(&c, fds[0], true);
	buf_init(&header, 10);
	buf_init(&rest, 10);
	cr_expect(!content_header(&c, &header, &rest));
	(void)close(fds[0]);
	buf_fini(&header);
	buf_fini(&rest);
}
