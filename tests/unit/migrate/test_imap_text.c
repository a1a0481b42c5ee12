/*
 * test_imap_text.c - what other IMAP servers say.
 */
#include "migrate/imap_text.h"

#include "base/str.h"
#include <criterion/criterion.h>

Test(imap_text, urls)
{
	static const struct {
		const char *text, *user, *host, *port; /* user NULL: none */
		bool is_tls;
	} cases[] = {
		{ "imaps://u@h", "u", "h", "993", true },
		{ "imap://u@h/", "u", "h", "143", false },
		{ "IMAPS://u%40x@h.example:99", "u@x", "h.example", "99",
		    true },
		{ "imap://u@x@h", "u@x", "h", "143", false },
		{ "imap://a%2fb%25@[::1]:77/", "a/b%", "::1", "77", false },
		{ "imap://u@[::1]", "u", "::1", "143", false },
		{ "imap://h", NULL, NULL, NULL, false },
		{ "imap://@h", NULL, NULL, NULL, false },
		{ "imap://u@", NULL, NULL, NULL, false },
		{ "imap://u@h:0", NULL, NULL, NULL, false },
		{ "imap://u@h:70000", NULL, NULL, NULL, false },
		{ "imap://u@h:x", NULL, NULL, NULL, false },
		{ "imap://u@h/x", NULL, NULL, NULL, false },
		{ "imap://u%4@h", NULL, NULL, NULL, false },
		{ "imap://u%00@h", NULL, NULL, NULL, false },
		{ "imap://u@[::1", NULL, NULL, NULL, false },
		{ "http://u@h", NULL, NULL, NULL, false },
		{ "", NULL, NULL, NULL, false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct pst_error err;
		struct imap_url u;
		enum pst_rc rc = import_source_parse(cases[i].text, &u, &err);

		cr_expect_eq(
		    rc == PST_OK, cases[i].user != NULL, "%s", cases[i].text);
		if (rc != PST_OK)
			continue;
		cr_expect_str_eq(u.user, cases[i].user);
		cr_expect_str_eq(u.host, cases[i].host);
		cr_expect_str_eq(u.port, cases[i].port);
		cr_expect_eq(u.is_tls, cases[i].is_tls);
	}
}

Test(imap_text, sizes_of_literals)
{
	static const struct {
		const char *line;
		uint64_t size; /* UINT64_MAX: none */
		bool is_message;
	} cases[] = {
		{ "* LIST () \"/\" {12}", 12, false },
		{ "{0}", 0, false },
		{ "x {5+}", 5, false },
		{ "* 3 FETCH (UID 7 BODY[] {99999999999}", 99999999999, true },
		{ "* 3 fetch (body[] ~{9}", 9, true },
		{ "* 3 FETCH (BODY[TEXT] {9}", 9, false },
		{ "* 3 FETCH (XBODY[] {9}", 9, true },
		{ "* FETCH (BODY[] {9}", 9, false },
		{ "A1 FETCH (BODY[] {9}", 9, false },
		{ "x {}", UINT64_MAX, false },
		{ "x {1a}", UINT64_MAX, false },
		{ "x 5}", UINT64_MAX, false },
		{ "", UINT64_MAX, false },
		{ "}", UINT64_MAX, false },
		{ "x {99999999999999999999999}", UINT64_MAX, false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct pst_str line = str_of(cases[i].line);
		uint64_t size = UINT64_MAX;

		if (!imap_literal_size(line, &size))
			size = UINT64_MAX;
		cr_expect_eq(size, cases[i].size, "%s", cases[i].line);
		cr_expect_eq(imap_is_message_literal(line), cases[i].is_message,
		    "%s", cases[i].line);
	}
}

Test(imap_text, responses)
{
	static const struct {
		const char *line;
		enum imap_kind kind;
		const char *name, *code, *words;
	} cases[] = {
		{ "* OK [UIDVALIDITY 5] fine\r\n", IMAP_STATUS, "",
		    "UIDVALIDITY 5", "fine" },
		{ "* BYE", IMAP_STATUS, "", "", "" },
		{ "P12 NO [X not ended", IMAP_TAGGED, "", "", "[X not ended" },
		{ "+ go on", IMAP_CONTINUATION, "", "", "" },
		{ "* 12 EXISTS", IMAP_NUMBER, "EXISTS", "", "" },
		{ "* LIST () NIL x", IMAP_DATA, "LIST", "", "" },
		{ "* X", IMAP_DATA, "X", "", "" },
		{ "*", IMAP_OTHER, "", "", "" },
		{ "", IMAP_OTHER, "", "", "" },
		{ " UID 5)", IMAP_OTHER, "", "", "" },
		{ ")", IMAP_OTHER, "", "", "" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct imap_response r;

		imap_response_parse(str_of(cases[i].line), &r);
		cr_expect_eq(r.kind, cases[i].kind, "%s", cases[i].line);
		cr_expect(str_eq(r.name, str_of(cases[i].name)));
		cr_expect(
		    str_eq(r.code, str_of(cases[i].code)), "%s", cases[i].line);
		cr_expect(str_eq(r.words, str_of(cases[i].words)), "%s",
		    cases[i].line);
	}
}

Test(imap_text, fetched)
{
	struct imap_fetched f;
	struct imap_text t = { STR(
	    "(X-A (1 (2 \"))\" {3}\r\n))( )) X-B NIL UID 7 FLAGS (\\Seen "
	    "\\flagged \\Recent kw1 $kw2 \\X-own) INTERNALDATE "
	    "\"17-Jul-1996 02:44:25 -0700\" RFC822.SIZE 4286 MODSEQ (99) "
	    "SAVEDATE NIL BODY[] \"a\\\"b\" BODY[HEADER.FIELDS (A B)] {2}\r\n"
	    "xy)") };

	imap_fetched_init(&f);
	cr_assert(imap_fetched_parse(&t, &f));
	cr_expect(f.has_uid && f.has_flags && f.has_date && f.has_body);
	cr_expect_eq(f.uid, 7);
	cr_expect_eq(f.flags, PST_SEEN | PST_FLAGGED);
	cr_expect(str_is(buf_str(&f.words), " kw1 $kw2"));
	cr_expect_eq(f.date, 837596665);
	cr_expect_eq(f.saved, 0);
	cr_expect_eq(f.size, 4286);
	cr_expect_eq(f.modseq, 99);
	cr_expect(str_is(buf_str(&f.body), "a\"b"));
	/* The next one begins anew. */
	t.rest = STR("(UID 8)");
	cr_assert(imap_fetched_parse(&t, &f));
	cr_expect_eq(f.flags, 0);
	cr_expect_eq(f.words.n, 0);
	cr_expect_not(f.has_body);
	imap_fetched_fini(&f);
}

Test(imap_text, fetched_that_are_malformed)
{
	static const char *const texts[] = { "", "(", "UID 5", "(UID)",
		"(UID 0)", "(UID x)", "(UID 4294967296)", "(FLAGS x)",
		"(FLAGS (a", "(MODSEQ 5)", "(RFC822.SIZE -1)",
		"(X (((((((((((((((((((((((((", "(X {9}\r\nabc)", "(X \"abc)",
		"(BODY[", "(UID 5" };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct imap_text t = { str_of(texts[i]) };
		struct imap_fetched f;

		imap_fetched_init(&f);
		cr_expect_not(imap_fetched_parse(&t, &f), "%s", texts[i]);
		imap_fetched_fini(&f);
	}
}

Test(imap_text, dates)
{
	int64_t date;

	cr_expect(imap_parse_date(STR(" 9-Sep-2001 01:46:41 +0000"), &date));
	cr_expect_eq(date, 1000000001);
	cr_expect(imap_parse_date(STR("09-Sep-2001 03:16:41 +0130"), &date));
	cr_expect_eq(date, 1000000001);
	cr_expect_not(imap_parse_date(STR("9-Sep-2001 01:46:41 +0000"), &date));
	cr_expect_not(
	    imap_parse_date(STR(" 9-Xxx-2001 01:46:41 +0000"), &date));
	cr_expect_not(
	    imap_parse_date(STR("32-Sep-2001 01:46:41 +0000"), &date));
	cr_expect_not(
	    imap_parse_date(STR(" 9-Sep-2001 01:4x:41 +0000"), &date));
}

Test(imap_text, lists)
{
	static const struct {
		const char *text, *name, *use; /* name NULL: malformed */
		char separator;
		bool can_select, subscribed;
	} cases[] = {
		{ "(\\HasNoChildren \\Sent) \".\" Sent", "Sent", "\\Sent", '.',
		    true, false },
		{ "(\\Subscribed \\Noselect) \"/\" \"a \\\"b\"", "a \"b", "",
		    '/', false, true },
		{ "() NIL {3}\r\na b", "a b", "", '\0', true, false },
		{ "() \"\\\\\" x (\"CHILDINFO\" (\"SUBSCRIBED\"))", "x", "",
		    '\\', true, false },
		{ "() \"/\" {3}\r\na\nb", NULL, NULL, 0, false, false },
		{ "() \"/\"", NULL, NULL, 0, false, false },
		{ "() \"/\" \"\"", NULL, NULL, 0, false, false },
		{ "x", NULL, NULL, 0, false, false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct imap_text t = { str_of(cases[i].text) };
		struct imap_listed l;
		bool ok;

		imap_listed_init(&l);
		ok = imap_listed_parse(&t, &l);
		cr_expect_eq(ok, cases[i].name != NULL, "%s", cases[i].text);
		if (ok) {
			cr_expect(str_is(buf_str(&l.name), cases[i].name));
			cr_expect_str_eq(l.special_use, cases[i].use);
			cr_expect_eq(l.separator, cases[i].separator);
			cr_expect_eq(l.can_select, cases[i].can_select);
			cr_expect_eq(l.subscribed, cases[i].subscribed);
		}
		imap_listed_fini(&l);
	}
}

Test(imap_text, namespaces)
{
	struct imap_namespaces n;
	struct imap_text t = { STR(
	    "((\"INBOX.\" \".\" \"X\" (\"a\"))(\"more/\" \"/\")) "
	    "((\"Other Users/\" \"/\")) ((\"Shared/\" \"/\")(\"\" NIL))") };

	cr_assert(imap_namespaces_parse(&t, &n));
	cr_expect_str_eq(n.personal, "INBOX.");
	cr_expect_eq(n.foreigns, 2);
	cr_expect_str_eq(n.foreign[1], "Shared/");
	t.rest = STR("((\"\" \"/\")) NIL NIL");
	cr_assert(imap_namespaces_parse(&t, &n));
	cr_expect_str_eq(n.personal, "");
	cr_expect_eq(n.foreigns, 0);
	t.rest = STR("((\"\"");
	cr_expect_not(imap_namespaces_parse(&t, &n));
}
