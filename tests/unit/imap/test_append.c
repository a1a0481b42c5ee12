/*
 * The segments of APPEND and REPLACE (RFC 4466, 2.6), and URLs of messages
 * (RFC 5092).
 */
#include "base/str.h"
#include "imap/append_parse.h"
#include "imap/gather.h"
#include "imap/url.h"

#include <criterion/criterion.h>

/* Each text is what comes between two literals; the steps are told as letters:
 * Begin, Copy, Stream, End. */
static const struct {
	bool replace;
	const char *text[5];
	enum imap_append_need need[5];
	const char *steps[5];
} commands[] = {
	{ false, { " box {5}\r\n", "\r\n" },
	    { IMAP_APPEND_CONTENT, IMAP_APPEND_DONE }, { "BS", "E" } },
	{ false, { " box (\\Seen) {5+}\r\n", " {7}\r\n", "\r\n" },
	    { IMAP_APPEND_CONTENT, IMAP_APPEND_CONTENT, IMAP_APPEND_DONE },
	    { "BS", "EBS", "E" } },
	{ false, { " box ~{5}\r\n", "\r\n" },
	    { IMAP_APPEND_CONTENT, IMAP_APPEND_DONE }, { "BS", "E" } },
	{ false, { " {3}\r\n" }, { IMAP_APPEND_ARGUMENT }, { "" } },
	{ false, { " {3}\r\nbox {5}\r\n" }, { IMAP_APPEND_CONTENT }, { "BS" } },
	{ false, { " ~{3}\r\n" }, { IMAP_APPEND_BAD }, { "" } },
	{ false, { " box UTF8 (~{5}\r\n", ") (\\Seen) {1}\r\n", "\r\n" },
	    { IMAP_APPEND_CONTENT, IMAP_APPEND_CONTENT, IMAP_APPEND_DONE },
	    { "BS", "EBS", "E" } },
	{ false, { " box UTF8 ({5}\r\n" }, { IMAP_APPEND_BAD }, { "B" } },
	{ false, { " box CATENATE (URL a URL b)\r\n" }, { IMAP_APPEND_DONE },
	    { "BCCE" } },
	{ false,
	    { " box CATENATE (URL a TEXT {5}\r\n", " URL {3}\r\n",
		"{3}\r\nabc UTF8 (~{7}\r\n", ") TEXT {1}\r\n", ")\r\n" },
	    { IMAP_APPEND_CONTENT, IMAP_APPEND_ADDRESS, IMAP_APPEND_CONTENT,
		IMAP_APPEND_CONTENT, IMAP_APPEND_DONE },
	    { "BCS", "", "CS", "S", "E" } },
	{ false, { " box CATENATE (URL a) {5}\r\n", "\r\n" },
	    { IMAP_APPEND_CONTENT, IMAP_APPEND_DONE }, { "BCEBS", "E" } },
	{ false, { " box CATENATE ()\r\n" }, { IMAP_APPEND_BAD }, { "B" } },
	{ false, { " box\r\n" }, { IMAP_APPEND_BAD }, { "B" } },
	{ false, { " box {5}x\r\n" }, { IMAP_APPEND_BAD }, { "B" } },
	{ false, { " box {5}\r\n", "x\r\n" },
	    { IMAP_APPEND_CONTENT, IMAP_APPEND_BAD }, { "BS", "E" } },
	{ true, { " 4 box {5}\r\n", "\r\n" },
	    { IMAP_APPEND_CONTENT, IMAP_APPEND_DONE }, { "BS", "E" } },
	{ true, { " 4 box {5}\r\n", " {5}\r\n" },
	    { IMAP_APPEND_CONTENT, IMAP_APPEND_BAD }, { "BS", "E" } },
	{ true, { " 0 box {5}\r\n" }, { IMAP_APPEND_BAD }, { "" } },
	{ true, { " box {5}\r\n" }, { IMAP_APPEND_BAD }, { "" } },
};

static void
tell(const struct imap_append_step *step, char *out)
{
	for (; step != NULL; step = step->next)
		*out++ = "BCSE"[step->what];
	*out = '\0';
}

Test(imap_append, segments)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		struct imap_append_grammar g = { .replace = commands[i].replace,
			.longest = 64 };
		struct arena *arena = arena_new(0);

		for (size_t k = 0; k < 5 && commands[i].text[k] != NULL; k++) {
			struct imap_append_segment segment;
			struct imap_parser ps;
			char steps[32];

			imap_parser_init(
			    &ps, str_of(commands[i].text[k]), arena);
			cr_expect_eq(imap_append_parse(&ps, &g, &segment),
			    commands[i].need[k], "%zu: %s", i,
			    commands[i].text[k]);
			tell(segment.first, steps);
			cr_expect_str_eq(steps, commands[i].steps[k],
			    "%zu: %s: %s", i, commands[i].text[k], steps);
		}
		arena_free(&arena);
	}
}

Test(imap_append, arguments)
{
	struct imap_append_grammar g = { .replace = true, .longest = 64 };
	struct arena *arena = arena_new(0);
	struct imap_append_segment segment;
	struct imap_parser ps;

	imap_parser_init(&ps,
	    STR(" 17 inbox (\\Draft a) \"17-Jul-1996 02:44:25 -0700\" "
		"CATENATE (URL \"x\\\"y\")\r\n"),
	    arena);
	cr_assert_eq(imap_append_parse(&ps, &g, &segment), IMAP_APPEND_DONE);
	cr_assert_eq(segment.number, 17);
	cr_assert_str_eq(segment.mailbox, "INBOX");
	cr_assert_eq(segment.first->flags.flags, PST_DRAFT);
	cr_assert_eq(segment.first->flags.keywords, 1);
	cr_assert(segment.first->has_date);
	cr_assert_eq(segment.first->date, 837596665);
	cr_assert(str_is(segment.first->next->url, "x\"y"));
	arena_free(&arena);
}

Test(imap_gather, restart_keeps_the_announcement)
{
	struct imap_gather g;
	size_t used;

	imap_gather_init(&g, 100, 100);
	cr_assert_eq(imap_gather_feed(&g, STR("a {x URL {3}\r\n"), &used),
	    IMAP_GATHER_LITERAL);
	imap_gather_restart(&g);
	cr_assert(str_is(buf_str(&g.text), "{3}\r\n"));
	cr_assert(imap_gather_take(&g));
	cr_assert_eq(
	    imap_gather_feed(&g, STR("abc)\r\n"), &used), IMAP_GATHER_DONE);
	cr_assert(str_is(buf_str(&g.text), "{3}\r\nabc)\r\n"));
	imap_gather_fini(&g);
}

static const struct {
	const char *text, *selected;
	const char *mailbox; /* NULL: bad */
	uint32_t validity, uid;
	const char *label;
	uint32_t offset, length;
} urls[] = {
	{ "/INBOX/;UID=20", NULL, "INBOX", 0, 20, "BODY[]", 0, 0 },
	{ "/inbox/;uid=20", NULL, "INBOX", 0, 20, "BODY[]", 0, 0 },
	{ "/a/b;UIDVALIDITY=385759045/;UID=20/;section=1.MIME", NULL, "a/b",
	    385759045, 20, "BODY[1.MIME]", 0, 0 },
	{ "/a%20b/;UID=1/;SECTION=HEADER.FIELDS%20(To%20Cc)", NULL, "a b", 0, 1,
	    "BODY[HEADER.FIELDS (To Cc)]", 0, 0 },
	{ "/Entw%C3%BCrfe/;UID=1", NULL, "Entw\xc3\xbcrfe", 0, 1, "BODY[]", 0,
	    0 },
	{ "/a/;UID=1/;SECTION=2/;PARTIAL=5.7", NULL, "a", 0, 1, "BODY[2]", 5,
	    7 },
	{ "/a/;UID=1/;PARTIAL=5", NULL, "a", 0, 1, "BODY[]", 5, UINT32_MAX },
	{ ";UID=1", "x/y", "x/y", 0, 1, "BODY[]", 0, 0 },
	{ "z/;UID=1", "x/y", "x/z", 0, 1, "BODY[]", 0, 0 },
	{ "z/;UID=1", "y", "z", 0, 1, "BODY[]", 0, 0 },
	{ ";UID=1", NULL, NULL, 0, 0, NULL, 0, 0 },
	{ "imap://h/a/;UID=1", NULL, NULL, 0, 0, NULL, 0, 0 },
	{ "imap://h/a/;UID=1", "a", NULL, 0, 0, NULL, 0, 0 },
	{ "//h/a/;UID=1", NULL, NULL, 0, 0, NULL, 0, 0 },
	{ "/a/;UID=", NULL, NULL, 0, 0, NULL, 0, 0 },
	{ "/a/;UID=0", NULL, NULL, 0, 0, NULL, 0, 0 },
	{ "/a/;UID=4294967296", NULL, NULL, 0, 0, NULL, 0, 0 },
	{ "/a;UIDVALIDITY=0/;UID=1", NULL, NULL, 0, 0, NULL, 0, 0 },
	{ "/a%/;UID=1", NULL, NULL, 0, 0, NULL, 0, 0 },
	{ "/a%0/;UID=1", NULL, NULL, 0, 0, NULL, 0, 0 },
	{ "/a%00/;UID=1", NULL, NULL, 0, 0, NULL, 0, 0 },
	{ "/a%ff/;UID=1", NULL, NULL, 0, 0, NULL, 0, 0 },
	{ "/a/;UID=1/;SECTION=1%5D", NULL, NULL, 0, 0, NULL, 0, 0 },
	{ "/a/;UID=1/;SECTION=1/;PARTIAL=1.0", NULL, NULL, 0, 0, NULL, 0, 0 },
	{ "/a/;UID=1/;PARTIAL=.1", NULL, NULL, 0, 0, NULL, 0, 0 },
	{ "", "a", NULL, 0, 0, NULL, 0, 0 },
};

Test(imap_url, forms)
{
	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		struct arena *arena = arena_new(0);
		struct imap_url url;
		bool good = imap_url_parse(
		    str_of(urls[i].text), urls[i].selected, arena, &url);

		cr_expect_eq(good, urls[i].mailbox != NULL, "%s", urls[i].text);
		if (good && urls[i].mailbox != NULL) {
			cr_expect_str_eq(url.mailbox, urls[i].mailbox);
			cr_expect_eq(url.uid, urls[i].uid);
			cr_expect_eq(url.uidvalidity, urls[i].validity);
			cr_expect(str_is(url.section.label, urls[i].label),
			    "%s", urls[i].text);
			cr_expect_eq(
			    url.section.is_partial, urls[i].length != 0);
			cr_expect_eq(url.section.offset, urls[i].offset);
			cr_expect_eq(url.section.length, urls[i].length);
		}
		arena_free(&arena);
	}
}
