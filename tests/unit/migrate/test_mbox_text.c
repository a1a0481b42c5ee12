/*
 * test_mbox_text.c - where messages of an mbox begin, and what fields of other
 * programs say of them.
 */
#include "migrate/mbox_text.h"

#include "base/str.h"
#include <criterion/criterion.h>

/* All that is told of a file, as one text: "[flags uid date keywords]" and the
 * message. With `step` octets at a time. */
static void
tell(struct pst_str all, size_t step, struct buf *out)
{
	struct mbox_parser p;
	struct buf in;
	size_t at = 0;
	bool over = false;

	mbox_parser_init(&p);
	buf_init(&in, 1 << 20);
	while (!over) {
		struct pst_str rest = in.n > 0 ? buf_str(&in) : STR(""), text;
		size_t before = rest.n;
		enum mbox_event e;

		e = mbox_parse(&p, &rest, at == all.n, &text);
		switch (e) {
		case MBOX_MESSAGE:
			(void)buf_printf(out, "[%x %u %lld", p.about.flags,
			    p.about.uid, (long long)p.about.date);
			for (size_t i = 0, k = 0; i < p.about.keyword_count;
			     i++) {
				(void)buf_printf(
				    out, " %s", p.about.keywords.p + k);
				k += strlen(p.about.keywords.p + k) + 1;
			}
			(void)buf_printf(
			    out, "%s]", p.about.is_internal ? " internal" : "");
			(void)buf_add_str(out, text);
			break;
		case MBOX_TEXT:
			(void)buf_add_str(out, text);
			break;
		case MBOX_NONE:
			(void)buf_puts(out, "none");
			over = true;
			break;
		case MBOX_OVER:
			over = true;
			break;
		case MBOX_MORE:
			cr_assert(at < all.n, "more is wanted at the end");
			break;
		}
		buf_consume(&in, before - rest.n);
		if (e == MBOX_MORE) {
			size_t n = all.n - at < step ? all.n - at : step;

			(void)buf_add(&in, all.p + at, n);
			at += n;
		}
	}
	buf_fini(&in);
	mbox_parser_fini(&p);
}

#define FROM "From a@b Thu Jan  1 00:01:40 1970\n"

static const struct {
	const char *text, *want;
} cases[] = {
	{ "", "" },
	{ "\n\n", "" },
	{ "Subject: x\n\n", "none" },
	{ "From nobody knows when\n", "none" },
	{ FROM "S: 1\n\nbody\n\n", "[0 0 100]S: 1\n\nbody\n" },
	{ FROM "S: 1\n\nbody", "[0 0 100]S: 1\n\nbody" },
	{ FROM "S: 1\n\n" FROM "S: 2\n\nx\n",
	    "[0 0 100]S: 1\n\n[0 0 100]S: 2\n\nx\n" },
	{ FROM "S: 1\n\n\n" FROM "S: 2\n\nx\n",
	    "[0 0 100]S: 1\n\n[0 0 100]S: 2\n\nx\n" },
	{ FROM "S: 1\n\na\n\n\nb\n\n" FROM "S: 2\n\n",
	    "[0 0 100]S: 1\n\na\n\n\nb\n[0 0 100]S: 2\n\n" },
	/* Not behind an empty line, or without a date. */
	{ FROM "S: 1\n\na\n" FROM "b\n\nFrom here on\n",
	    "[0 0 100]S: 1\n\na\n" FROM "b\n\nFrom here on\n" },
	{ FROM "S: 1\n\n>From a\n>>From b\n>Fromage\n> From c\n",
	    "[0 0 100]S: 1\n\nFrom a\n>From b\n>Fromage\n> From c\n" },
	{ FROM "Status: RO\nS: 1\nX-Status: AFTD\nX-UID: 77\n"
	       "X-Keywords: a\n b c\nContent-Length: 999\n\nx\n\n" FROM
	       "S: 2\n\n",
	    "[1f 77 100 a b c]S: 1\n\nx\n[0 0 100]S: 2\n\n" },
	{ FROM "Subject: DON'T DELETE THIS MESSAGE -- x\n"
	       "X-IMAP: 1234 0056\n\nx\n\n",
	    "[0 0 100 internal]Subject: DON'T DELETE THIS MESSAGE -- "
	    "x\n\nx\n" },
	{ FROM "Subject: y\nX-IMAPbase: 1234 0056 Kw\n\nx\n\n",
	    "[0 0 100]Subject: y\n\nx\n" },
	{ FROM "S: crlf\r\nStatus: R\r\n\r\nx\r\n\r\n" FROM "S: 2\n\n",
	    "[1 0 100]S: crlf\r\n\r\nx\r\n[0 0 100]S: 2\n\n" },
};

Test(mbox_text, messages_whatever_pieces_they_come_in)
{
	static const size_t steps[] = { 1, 2, 3, 7, 64, 5000 };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (size_t k = 0; k < sizeof(steps) / sizeof(steps[0]); k++) {
			struct buf out;

			buf_init(&out, 1 << 20);
			tell(str_of(cases[i].text), steps[k], &out);
			cr_expect(str_eq(out.n > 0 ? buf_str(&out) : STR(""),
				      str_of(cases[i].want)),
			    "case %zu, steps of %zu: %.*s", i, steps[k],
			    STR_ARG(buf_str(&out)));
			buf_fini(&out);
		}
}

/* Longer than a line may be, with and without a quote. */
Test(mbox_text, long_lines_stay_whole)
{
	for (size_t length = MBOX_LINE_MAX - 8; length < MBOX_LINE_MAX + 8;
	     length++) {
		struct buf in, want, out;

		buf_init(&in, 1 << 20);
		buf_init(&want, 1 << 20);
		buf_init(&out, 1 << 20);
		(void)buf_puts(&in, FROM "S: 1\n\n>From ");
		(void)buf_puts(&want, "[0 0 100]S: 1\n\nFrom ");
		for (size_t i = 0; i < length; i++) {
			(void)buf_putc(&in, 'x');
			(void)buf_putc(&want, 'x');
		}
		(void)buf_puts(&in, "\n\n" FROM "S: 2\n\n");
		(void)buf_puts(&want, "\n[0 0 100]S: 2\n\n");
		tell(buf_str(&in), 100, &out);
		cr_expect(str_eq(buf_str(&out), buf_str(&want)), "%zu", length);
		buf_fini(&in);
		buf_fini(&want);
		buf_fini(&out);
	}
}

Test(mbox_text, a_header_without_end)
{
	struct buf in, out;

	buf_init(&in, 8 << 20);
	buf_init(&out, 8 << 20);
	(void)buf_puts(&in, FROM "Status: R\n");
	while (in.n < MBOX_HEADER_MAX + 100000)
		(void)buf_puts(&in, "X: 0123456789012345678901234567890\n");
	(void)buf_puts(&in, "Status: R\n\nbody\n");
	tell(buf_str(&in), 65536, &out);
	/* But for the "From " line and the one field that was seen. */
	cr_expect_eq(out.n,
	    in.n - strlen(FROM) - strlen("Status: R\n") + strlen("[1 0 100]"));
	buf_fini(&in);
	buf_fini(&out);
}

Test(mbox_text, from_lines)
{
	static const struct {
		const char *line;
		int64_t date; /* 0: none */
	} lines[] = {
		{ "From a@b Sun Sep  9 01:46:41 2001", 1000000001 },
		{ "From a@b Sun Sep 09 01:46:41 2001\r\n", 1000000001 },
		{ "From a@b Sun Sep  9 01:46 2001", 999999960 },
		{ "From a@b Sun Sep  9 01:46:41 +0100 2001", 999996401 },
		{ "From a@b Sun Sep  9 01:46:41 2001 -0100", 1000003601 },
		{ "From a@b Sun Sep  9 01:46:41 CEST 2001", 1000000001 },
		{ "From \"a b\"@c Sun Sep  9 01:46:41 2001", 1000000001 },
		{ "From - Sun Sep  9 01:46:41 2001", 1000000001 },
		{ "From MAILER_DAEMON Sun Sep  9 01:46:41 2001", 1000000001 },
		{ "From a@b Sun Sep  9 01:46:41", 0 },
		{ "From a@b Sun Sep 41 01:46:41 2001", 0 },
		{ "From a@b Sun Sep  9 25:46:41 2001", 0 },
		{ "From a@b Sun Xxx  9 01:46:41 2001", 0 },
		{ "From: a@b Sun Sep  9 01:46:41 2001", 0 },
		{ "From the 9 Sep at 01:46 in 2001", 0 },
		{ "From ", 0 },
		{ "", 0 },
	};

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		int64_t date = 0;
		bool ok = mbox_parse_from(str_of(lines[i].line), &date);

		cr_expect_eq(ok, lines[i].date != 0, "%s", lines[i].line);
		if (ok)
			cr_expect_eq(date, lines[i].date, "%s: %lld",
			    lines[i].line, (long long)date);
	}
}
