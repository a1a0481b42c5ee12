/*
 * The header rewriter: what it takes out, what it puts in, and that all else
 * passes octet for octet, however it arrives.
 */
#include "delivery/rewrite.h"

#include "base/str.h"

#include <criterion/criterion.h>

static enum pst_rc
add(void *arg, const void *p, size_t n)
{
	return buf_add(arg, p, n) ? PST_OK : PST_E_LIMIT;
}

static const struct {
	const char *label;
	bool author;
	const char *in, *out;
} cases[] = {
	{ "passes", false, "A: b\r\nC: d\r\n\r\nbody\r\n",
	    "A: b\r\nC: d\r\n\r\nbody\r\n" },
	{ "Return-Path", false, "Return-Path: <x>\r\nA: b\r\n\r\nbody\r\n",
	    "A: b\r\n\r\nbody\r\n" },
	{ "Return-Path with folds", false,
	    "A: b\r\nreturn-path :\r\n <x>\r\n\t(y)\r\nC: d\r\n\r\nbody\r\n",
	    "A: b\r\nC: d\r\n\r\nbody\r\n" },
	{ "Return-Path last", false, "A: b\r\nReturn-Path: <x>\r\n\r\nbody",
	    "A: b\r\n\r\nbody" },
	{ "Return-Path alone", false, "Return-Path: <x>\r\n\r\nbody",
	    "\r\nbody" },
	{ "Return-Path without an end", false, "Return-Path: <x>", "" },
	{ "Return-Path in the body", false, "A: b\r\n\r\nReturn-Path: <x>\r\n",
	    "A: b\r\n\r\nReturn-Path: <x>\r\n" },
	{ "longer name", false, "Return-Path-X: <x>\r\n\r\n",
	    "Return-Path-X: <x>\r\n\r\n" },
	{ "shorter name", false, "Return-Pat: <x>\r\n\r\n",
	    "Return-Pat: <x>\r\n\r\n" },
	{ "Bcc of others", false, "Bcc: x@y\r\n\r\n", "Bcc: x@y\r\n\r\n" },
	{ "LF ends a field", false, "A: b\nReturn-Path: x\nC: d\n\nbody\n",
	    "A: b\nC: d\n\nbody\n" },
	{ "CR does not", false, "A: b\rReturn-Path: x\r\n\r\n",
	    "A: b\rReturn-Path: x\r\n\r\n" },
	{ "no header", false, "hello world\r\nBcc: x\r\n",
	    "\r\nhello world\r\nBcc: x\r\n" },
	{ "no header, one word", false, "hello", "\r\nhello" },
	{ "no header, 8 bit", false, "\xc3\xa4: b\r\n", "\r\n\xc3\xa4: b\r\n" },
	{ "begins with a fold", false, " x\r\nA: b\r\n", "\r\n x\r\nA: b\r\n" },
	{ "begins with a colon", false, ": x\r\nA: b\r\n",
	    "\r\n: x\r\nA: b\r\n" },
	{ "no empty line", false, "A: b\r\nhello world\r\nC: d\r\n",
	    "A: b\r\n\r\nhello world\r\nC: d\r\n" },
	{ "empty body", false, "A: b\r\n", "A: b\r\n" },
	{ "empty header", false, "\r\nbody\r\n", "\r\nbody\r\n" },
	{ "nothing", false, "", "" },
	{ "mbox separator", false, "From x Mon\r\nA: b\r\n\r\nbody",
	    "A: b\r\n\r\nbody" },
	{ "quoted mbox separator", false, ">From x Mon\r\nA: b\r\n\r\n",
	    "A: b\r\n\r\n" },
	{ "separator inside", false, "A: b\r\nFrom x Mon\r\nC: d\r\n\r\n",
	    "A: b\r\n\r\nFrom x Mon\r\nC: d\r\n\r\n" },
	{ "From is no separator", false, "From : x@y\r\n\r\n",
	    "From : x@y\r\n\r\n" },
	{ "From with spaces is no separator", false, "From  : x@y\r\n\r\n",
	    "From  : x@y\r\n\r\n" },
	{ "CR without LF", false, "A: b\r\n\rx", "A: b\r\n\r\n\rx" },
	{ "CR at the end", false, "A: b\r\n\r", "A: b\r\n\r\n\r" },

	{ "results of ours", false,
	    "A: b\r\nAuthentication-Results: mail.example.org; spf=pass\r\n"
	    " more\r\nC: d\r\n\r\nAuthentication-Results: mail.example.org;",
	    "A: b\r\nC: d\r\n\r\n"
	    "Authentication-Results: mail.example.org;" },
	{ "results of others", false,
	    "Authentication-Results: mail.example.com; spf=pass\r\n\r\n",
	    "Authentication-Results: mail.example.com; spf=pass\r\n\r\n" },
	{ "results in disguise", false,
	    "AUTHENTICATION-results :\r\n (a (\\)b) "
	    ")\r\n\t\"Mail.Example.ORG\" "
	    "1;spf=pass\r\n\r\n",
	    "\r\n" },
	{ "results of ours without an end", false,
	    "Authentication-Results: mail.example.org", "" },
	{ "results of ours and nothing else", false,
	    "Authentication-Results:\r\n mail.example.org\r\nA: b\r\n",
	    "A: b\r\n" },
	{ "results without an id", false,
	    "Authentication-Results:\r\nAuthentication-Results: ;\r\n\r\n",
	    "Authentication-Results:\r\nAuthentication-Results: ;\r\n\r\n" },
	{ "results of a longer name", false,
	    "Authentication-Results: mail.example.org.uk;\r\n\r\n",
	    "Authentication-Results: mail.example.org.uk;\r\n\r\n" },
	{ "results in ARC", false,
	    "ARC-Authentication-Results: i=1; mail.example.org;\r\n\r\n",
	    "ARC-Authentication-Results: i=1; mail.example.org;\r\n\r\n" },

	{ "adds nothing", true,
	    "From: a@b\r\nDate: x\r\nMessage-ID: <y>\r\n\r\nbody",
	    "From: a@b\r\nDate: x\r\nMessage-ID: <y>\r\n\r\nbody" },
	{ "adds Date", true, "From: a@b\r\nMessage-ID: <y>\r\n\r\nbody",
	    "From: a@b\r\nMessage-ID: <y>\r\nDate: now\r\n\r\nbody" },
	{ "adds Message-ID", true, "From: a@b\r\nDate: x\r\n\r\nbody",
	    "From: a@b\r\nDate: x\r\nMessage-ID: <new>\r\n\r\nbody" },
	{ "adds all", true, "\r\nbody",
	    "Date: now\r\nFrom: <me>\r\nMessage-ID: <new>\r\n\r\nbody" },
	{ "adds all without a header", true, "some body",
	    "Date: now\r\nFrom: <me>\r\nMessage-ID: <new>\r\n\r\nsome body" },
	{ "adds all to nothing", true, "",
	    "Date: now\r\nFrom: <me>\r\nMessage-ID: <new>\r\n" },
	{ "adds after a field without an end", true, "From: a@b\r\nDate: x",
	    "From: a@b\r\nDate: x\r\nMessage-ID: <new>\r\n" },
	{ "Bcc", true,
	    "From: a@b\r\nBcc: x@y,\r\n z@y\r\nDate: x\r\nMessage-ID: "
	    "<y>\r\n\r\nBcc: body",
	    "From: a@b\r\nDate: x\r\nMessage-ID: <y>\r\n\r\nBcc: body" },
	{ "Resent-Bcc", true,
	    "From: a@b\r\nRESENT-BCC: x@y\r\nDate: x\r\nMessage-ID: "
	    "<y>\r\n\r\n",
	    "From: a@b\r\nDate: x\r\nMessage-ID: <y>\r\n\r\n" },
};

#define CASES (sizeof(cases) / sizeof(cases[0]))

static void
start(struct rewrite *w, bool author, size_t header_max)
{
	struct rewrite_options opt = { .header_max = header_max,
		.drop_results = "mail.example.org" };

	if (author) {
		opt.drop_bcc = opt.keep_authors = true;
		opt.date = STR("Date: now\r\n");
		opt.from = STR("From: <me>\r\n");
		opt.message_id = STR("Message-ID: <new>\r\n");
	}
	rewrite_init(w, &opt);
}

Test(rewrite, same_result_for_every_cut)
{
	for (size_t i = 0; i < CASES; i++) {
		const char *in = cases[i].in;
		size_t n = strlen(in);

		for (size_t cut = 0; cut <= n; cut++) {
			struct rewrite w;
			struct buf out;

			buf_init(&out, 4096);
			start(&w, cases[i].author, 4096);
			cr_assert_eq(
			    rewrite_feed(&w, in, cut, add, &out), PST_OK);
			cr_assert_eq(
			    rewrite_feed(&w, in + cut, n - cut, add, &out),
			    PST_OK);
			cr_assert_eq(rewrite_end(&w, add, &out), PST_OK);
			cr_expect(str_is(buf_str(&out), cases[i].out),
			    "%s, cut at %zu: %.*s", cases[i].label, cut,
			    STR_ARG(buf_str(&out)));
			rewrite_fini(&w);
			buf_fini(&out);
		}
	}
}

static void
run(struct rewrite *w, const char *in, struct buf *out)
{
	buf_init(out, 1 << 20);
	cr_assert_eq(rewrite_feed(w, in, strlen(in), add, out), PST_OK);
	cr_assert_eq(rewrite_end(w, add, out), PST_OK);
}

Test(rewrite, counts_received_in_the_header_only)
{
	struct rewrite w;
	struct buf out;

	start(&w, false, 4096);
	run(&w,
	    "Received: a\r\nReceived: b\r\n c\r\nX-Received: d\r\n\r\n"
	    "Received: e\r\n",
	    &out);
	cr_assert_eq(w.received, 2);
	buf_fini(&out);
	rewrite_fini(&w);
}

Test(rewrite, collects_from_with_its_folds)
{
	struct rewrite w;
	struct buf out;

	start(&w, true, 4096);
	run(&w, "A: b\r\nFrom: x\r\n <x@y>\r\nTo: z\r\n\r\n", &out);
	cr_assert_eq(w.froms, 1);
	cr_assert(str_is(buf_str(&w.authors), " x\r\n <x@y>\r\n"));
	buf_fini(&out);
	rewrite_fini(&w);
}

/* RFC 9228; who sent a message on is known by it. */
Test(rewrite, collects_delivered_to)
{
	struct rewrite w;
	struct rewrite_options opt = { .header_max = 4096,
		.keep_delivered = true };
	struct buf out;

	rewrite_init(&w, &opt);
	run(&w,
	    "Delivered-To: a@b\r\nX: y\r\ndelivered-to:\r\n c@d\r\n\r\n"
	    "Delivered-To: e@f\r\n",
	    &out);
	cr_expect(str_eq(buf_str(&w.delivered), STR(" a@b\r\n\0\r\n c@d\r\n")));
	buf_fini(&out);
	rewrite_fini(&w);
}

/* RFC 8689, 3: "No" is the one value, and there is one such field. */
Test(rewrite, tls_required)
{
	static const struct {
		const char *text;
		bool optional;
	} headers[] = {
		{ "TLS-Required: No\r\n\r\n", true },
		{ "A: b\r\ntls-required:\r\n no\r\n\r\n", true },
		{ "TLS-Required: Yes\r\n\r\n", false },
		{ "TLS-Required: No way\r\n\r\n", false },
		{ "TLS-Required:\r\n\r\n", false },
		{ "TLS-Required: No\r\nTLS-Required: No\r\n\r\n", false },
		{ "TLS-Required: No                                       "
		  "\r\n\r\n",
		    false },
		{ "A: b\r\n\r\nTLS-Required: No\r\n", false },
		{ "", false },
	};

	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		struct rewrite w;
		struct buf out;

		start(&w, false, 4096);
		run(&w, headers[i].text, &out);
		cr_expect_eq(rewrite_tls_is_optional(&w), headers[i].optional,
		    "%s", headers[i].text);
		buf_fini(&out);
		rewrite_fini(&w);
	}
}

Test(rewrite, counts_every_from)
{
	struct rewrite w;
	struct buf out;

	start(&w, true, 4096);
	run(&w, "From: a\r\nfrom: b\r\nX: c\nFROM\t: d\r\n\r\nFrom: e\r\n",
	    &out);
	cr_assert_eq(w.froms, 3);
	buf_fini(&out);
	rewrite_fini(&w);
}

Test(rewrite, passes_on_what_is_beyond_the_header_limit)
{
	struct rewrite w;
	struct buf out;

	start(&w, false, 16);
	run(&w, "A: 1234567890123\r\nReturn-Path: x\r\n\r\n", &out);
	cr_assert(w.cut);
	cr_assert(str_is(
	    buf_str(&out), "A: 1234567890123\r\nReturn-Path: x\r\n\r\n"));
	buf_fini(&out);
	rewrite_fini(&w);
}

Test(rewrite, a_name_that_is_too_long_is_no_field)
{
	char in[300];
	struct rewrite w;
	struct buf out;

	memset(in, 'x', 200);
	memcpy(in + 200, ": y\r\n", 6);
	start(&w, false, 4096);
	run(&w, in, &out);
	cr_assert_eq(out.n, strlen(in) + 2);
	cr_assert_eq(memcmp(out.p, "\r\n", 2), 0);
	cr_assert_eq(memcmp(out.p + 2, in, strlen(in)), 0);
	buf_fini(&out);
	rewrite_fini(&w);
}

/* Whose results they are is looked for only so far; what hides it, goes. */
Test(rewrite, results_that_hide_whose_they_are_are_taken_out)
{
	static const struct {
		size_t comment;
		const char *id;
		bool kept;
	} cases_[] = { { 900, "mail.example.org", false },
		{ 900, "other.example.org", true },
		{ 1200, "other.example.org", false } };

	for (size_t i = 0; i < 3; i++)
		for (size_t piece = 1; piece < 4000; piece = piece * 3 + 1) {
			char in[4000], comment[1300];
			struct rewrite w;
			struct buf out;
			size_t n;

			memset(comment, 'x', sizeof(comment));
			comment[cases_[i].comment] = '\0';
			n = (size_t)snprintf(in, sizeof(in),
			    "Authentication-Results: (%s) %s; %s\r\nA: b\r\n",
			    comment, cases_[i].id, comment);
			buf_init(&out, 8192);
			start(&w, false, 8192);
			for (size_t at = 0; at < n; at += piece)
				cr_assert_eq(
				    rewrite_feed(&w, in + at,
					at + piece < n ? piece : n - at, add,
					&out),
				    PST_OK);
			cr_assert_eq(rewrite_end(&w, add, &out), PST_OK);
			cr_expect(str_is(buf_str(&out),
				      cases_[i].kept ? in : "A: b\r\n"),
			    "%zu in pieces of %zu: %zu octets", i, piece,
			    out.n);
			buf_fini(&out);
			rewrite_fini(&w);
		}
}

static enum pst_rc
refuse(void *arg, const void *p, size_t n)
{
	(void)arg;
	(void)p;
	(void)n;
	return PST_E_NOSPACE;
}

Test(rewrite, returns_what_the_sink_says)
{
	struct rewrite w;

	start(&w, false, 4096);
	cr_assert_eq(
	    rewrite_feed(&w, "A: b\r\n", 6, refuse, NULL), PST_E_NOSPACE);
	rewrite_fini(&w);
}
