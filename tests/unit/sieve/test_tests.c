/*
 * What is looked at in a message and around it: fields, addresses, the
 * envelope, bodies, dates, mailboxes, what filters said.
 */
#include "fixture.h"

#define ALL                                                                   \
	"\"variables\", \"relational\", \"comparator-i;ascii-numeric\","      \
	"\"envelope\", \"subaddress\", \"index\", \"date\", \"body\","        \
	"\"mailbox\", \"special-use\", \"mboxmetadata\", \"servermetadata\"," \
	"\"environment\", \"ihave\", \"imap4flags\", \"encoded-character\""

#define CHECK(table)                                                   \
	do {                                                           \
		struct fixture f;                                      \
		fixture_init(&f);                                      \
		fixture_check_tests(&f, ALL, table, FIXTURE_N(table)); \
	} while (0)

static const struct fixture_truth headers[] = {
	{ "header \"subject\" \"[lists]  Your order caf\xc3\xa9 No 42\"",
	    true },
	{ "header :contains \"SUBJECT\" \"ORDER\"", true },
	{ "header :contains \"subject\" \"\r\n\"", false },
	{ "header :contains [\"x-none\", \"subject\"] [\"x\", \"42\"]", true },
	{ "header :contains \"x-none\" \"\"", false },
	{ "header :contains \"x-empty\" \"\"", true },
	{ "header :is \"x-empty\" \"\"", true },
	{ "header :matches \"x-empty\" \"?*\"", false },
	{ "header :is \"x-priority\" \"\"", false },
	{ "header :contains \"subject:\" \"\"", false },
	{ "header :contains \"\" \"\"", false },
	{ "header :contains \"${hex:00}\" \"\"", false },
	{ "header :value \"lt\" :comparator \"i;ascii-numeric\" "
	  "\"x-priority\" \"3\"",
	    true },
	{ "header :count \"eq\" \"received\" \"2\"", true },
	{ "header :count \"eq\" [\"received\", \"subject\"] \"3\"", true },
	{ "header :count \"eq\" \"to\" \"1\"", true },
	{ "header :count \"eq\" \"x-none\" \"0\"", true },
	{ "header :index 1 :contains \"received\" \"b.test\"", true },
	{ "header :index 2 :contains \"received\" \"b.test\"", false },
	{ "header :index 2 :last :contains \"received\" \"b.test\"", true },
	{ "header :index 1 :last :contains \"received\" \"x.test\"", true },
	{ "header :index 3 :contains \"received\" \"\"", false },
	{ "header :index 3 :contains [\"received\", \"subject\"] \"order\"",
	    true },
	{ "header :count \"eq\" :index 2 \"received\" \"1\"", true },
	{ "exists \"to\"", true },
	{ "exists [\"to\", \"CC\"]", true },
	{ "exists [\"to\", \"bcc\"]", false },
	{ "exists [\"x-empty\"]", true },
};

Test(sieve_tests, headers)
{
	CHECK(headers);
}

static const struct fixture_truth addresses[] = {
	{ "address \"from\" \"ann+news@example.test\"", true },
	{ "address :all \"from\" \"Ann Example <ann+news@example.test>\"",
	    false },
	{ "address :contains \"from\" \"Example \"", false },
	{ "address :localpart \"from\" \"ANN+NEWS\"", true },
	{ "address :localpart :comparator \"i;octet\" \"from\" \"ANN+NEWS\"",
	    false },
	{ "address :domain \"from\" \"example.test\"", true },
	{ "address :user \"from\" \"ann\"", true },
	{ "address :detail \"from\" \"news\"", true },
	{ "address :user \"cc\" \"sales\"", true },
	{ "address :detail :contains \"cc\" \"\"", false },
	{ "address \"to\" \"joe@example.test\"", true },
	{ "address :contains \"to\" \"Doe\"", false },
	{ "address :domain \"to\" \"here.test\"", true },
	{ "address :contains \"to\" \"team\"", false },
	{ "address \"to\" \"eve@here.test\"", true },
	{ "address :contains [\"bcc\", \"cc\"] \"shop\"", true },
	{ "address :count \"eq\" \"to\" \"3\"", true },
	{ "address :count \"eq\" [\"to\", \"cc\", \"bcc\"] \"4\"", true },
	{ "address :index 2 :domain [\"to\", \"cc\"] \"shop.test\"", true },
	{ "address :index 1 :domain [\"to\", \"cc\"] \"shop.test\"", false },
};

Test(sieve_tests, addresses)
{
	CHECK(addresses);
}

Test(sieve_tests, addresses_that_are_none)
{
	static const struct fixture_truth cases[] = {
		{ "address :all \"from\" \"nobody\"", true },
		{ "address :localpart \"from\" \"nobody\"", false },
		{ "address :domain :contains \"from\" \"\"", false },
		{ "address :user \"from\" \"nobody\"", false },
		{ "address :contains \"to\" \"\"", false },
		{ "address \"cc\" \"a b@c.test\"", true },
		{ "address :detail \"cc\" \"\"", false },
		{ "address :detail \"bcc\" \"\"", true },
		{ "address :user \"bcc\" \"x\"", true },
		{ "address :contains \"x-none\" \"\"", false },
	};
	struct fixture f;

	fixture_init(&f);
	f.message = "From: nobody\r\nTo:\r\nCc: \"a b\"@c.test\r\n"
		    "Bcc: x+@y.test\r\n\r\n";
	fixture_check_tests(&f, ALL, cases, 9);
}

Test(sieve_tests, another_separator)
{
	static const struct fixture_truth cases[] = {
		{ "envelope :user \"to\" \"joe\"", true },
		{ "envelope :detail \"to\" \"a-b\"", true },
	};
	struct fixture f;

	fixture_init(&f);
	f.host.separator = "--";
	f.to = "joe--a-b@example.test";
	fixture_check_tests(&f, ALL, cases, FIXTURE_N(cases));
}

static const struct fixture_truth envelopes[] = {
	{ "envelope \"from\" \"ann@example.test\"", true },
	{ "envelope \"FROM\" \"ann@EXAMPLE.test\"", true },
	{ "envelope :detail \"to\" \"news\"", true },
	{ "envelope :user \"to\" \"joe\"", true },
	{ "envelope :domain [\"from\", \"to\"] \"example.test\"", true },
	{ "envelope :localpart \"to\" \"joe+news\"", true },
	{ "envelope :count \"eq\" [\"from\", \"to\"] \"2\"", true },
	{ "envelope :contains \"auth\" \"\"", false },
};

Test(sieve_tests, envelopes)
{
	CHECK(envelopes);
}

Test(sieve_tests, envelopes_that_are_special)
{
	static const struct fixture_truth cases[] = {
		{ "envelope \"from\" \"\"", true },
		{ "envelope :domain \"from\" \"\"", true },
		{ "envelope :detail \"from\" \"\"", true },
		{ "envelope :count \"eq\" \"from\" \"0\"", true },
		{ "envelope \"to\" \"postmaster\"", true },
		{ "envelope :localpart \"to\" \"postmaster\"", false },
	};
	static const struct fixture_truth routed[] = {
		{ "envelope \"from\" \"a@c.test\"", true },
	};
	static const struct fixture_case unknown = { "unknown",
		"require [\"envelope\", \"variables\"]; set \"p\" \"size\";\n"
		"if envelope \"${p}\" \"\" { discard; }",
		"error 2: An envelope has no part \"size\"" };
	struct fixture f;

	fixture_init(&f);
	f.from = "";
	f.to = "postmaster";
	fixture_check_tests(&f, ALL, cases, FIXTURE_N(cases));
	f.from = "@b.test:a@c.test";
	fixture_check_tests(&f, ALL, routed, FIXTURE_N(routed));
	fixture_check(&f, &unknown, 1);
}

/* --- dates -----------------------------------------------------------------
 */

/* Sunday, 1 March 2026, 23:15:07 -0200: 2 March, 02:15:07 at +0100. */
static const struct fixture_truth dates[] = {
	{ "date \"date\" \"year\" \"2026\"", true },
	{ "date \"date\" \"month\" \"03\"", true },
	{ "date \"date\" \"day\" \"02\"", true },
	{ "date :originalzone \"date\" \"day\" \"01\"", true },
	{ "date :zone \"+0000\" \"date\" \"day\" \"02\"", true },
	{ "date :zone \"-1130\" \"date\" \"time\" \"13:45:07\"", true },
	{ "date \"date\" \"date\" \"2026-03-02\"", true },
	{ "date \"date\" \"hour\" \"02\"", true },
	{ "date \"date\" \"minute\" \"15\"", true },
	{ "date \"date\" \"second\" \"07\"", true },
	{ "date \"date\" \"time\" \"02:15:07\"", true },
	{ "date \"date\" \"iso8601\" \"2026-03-02T02:15:07+01:00\"", true },
	{ "date :zone \"-0000\" \"date\" \"iso8601\" \"2026-03-02T01:15:07Z\"",
	    true },
	{ "date :originalzone \"date\" \"std11\" "
	  "\"Sun, 01 Mar 2026 23:15:07 -0200\"",
	    true },
	{ "date \"date\" \"zone\" \"+0100\"", true },
	{ "date :originalzone \"date\" \"zone\" \"-0200\"", true },
	{ "date :zone \"-0000\" \"date\" \"zone\" \"+0000\"", true },
	{ "date \"date\" \"weekday\" \"1\"", true },
	{ "date :originalzone \"date\" \"weekday\" \"0\"", true },
	{ "date \"date\" \"julian\" \"61101\"", true },
	{ "date \"date\" \"JULIAN\" \"61101\"", true },
	{ "date \"received\" \"hour\" \"13\"", true },
	{ "date :index 2 \"received\" \"hour\" \"13\"", true },
	{ "date :index 2 \"received\" \"minute\" \"29\"", true },
	{ "date :index 1 :last \"received\" \"minute\" \"29\"", true },
	{ "date :index 3 :contains \"received\" \"minute\" \"\"", false },
	{ "date :value \"ge\" \"date\" \"hour\" \"02\"", true },
	{ "date :count \"eq\" \"date\" \"year\" \"1\"", true },
	{ "date :count \"eq\" \"subject\" \"year\" \"0\"", true },
	{ "date :contains \"subject\" \"year\" \"\"", false },
	{ "date :contains \"x-none\" \"year\" \"\"", false },
	{ "currentdate \"date\" \"2026-11-23\"", true },
	{ "currentdate \"time\" \"13:34:56\"", true },
	{ "currentdate :zone \"+0530\" \"time\" \"18:04:56\"", true },
	{ "currentdate \"weekday\" \"1\"", true },
	{ "currentdate :count \"eq\" \"year\" \"1\"", true },
	{ "currentdate :value \"le\" \"date\" \"2026-12-01\"", true },
};

Test(sieve_tests, dates)
{
	CHECK(dates);
}

Test(sieve_tests, dates_that_are_none)
{
	static const char *const fields[] = { "Date: Thu, 32 Jan 2026 00:00 Z",
		"Date: 29 Feb 2025 00:00:00 +0000", "Date: tomorrow",
		"Date:", "Date: ;", "X-Date: Mon, 23 Nov 2026 12:00:00 +0000" };
	static const struct fixture_truth none[] = {
		{ "date :contains \"date\" \"year\" \"\"", false },
	};
	static const struct fixture_truth leap[] = {
		{ "date :originalzone \"date\" \"date\" \"2024-02-29\"", true },
		{ "date :zone \"+0000\" \"date\" \"julian\" \"60369\"", true },
	};
	static const struct fixture_case wrong = { "zone",
		"require [\"date\", \"variables\"]; set \"z\" \"CET\";\n"
		"if currentdate :zone \"${z}\" \"year\" \"x\" {}",
		"error 2: \"CET\" is no time zone such as +0100" };
	struct fixture f;

	fixture_init(&f);
	for (size_t i = 0; i < FIXTURE_N(fields); i++) {
		char message[200];

		(void)snprintf(
		    message, sizeof(message), "%s\r\n\r\n", fields[i]);
		f.message = message;
		fixture_check_tests(&f, ALL, none, 1);
	}
	f.message = "Date: Thu, 29 Feb 2024 12:00:00 +0100\r\n\r\n";
	fixture_check_tests(&f, ALL, leap, FIXTURE_N(leap));
	fixture_check(&f, &wrong, 1);
	f.host.now = INT64_MAX;
	fixture_check_tests(&f, ALL,
	    &(struct fixture_truth){
		"currentdate :is \"year\" \"9999\"", true },
	    1);
	f.host.now = INT64_MIN;
	fixture_check_tests(&f, ALL,
	    &(struct fixture_truth){
		"currentdate :is \"year\" \"0000\"", true },
	    1);
}

/* --- bodies ----------------------------------------------------------------
 */

static const struct fixture_truth plain_bodies[] = {
	{ "body :contains \"plain TEXT\"", true },
	{ "body :raw :contains \"plain text\"", true },
	{ "body :raw :contains \"Subject\"", false },
	{ "body :raw \"Hello Joe,\r\nthis is a plain text.\r\n\"", true },
	{ "body :content \"text\" :contains \"hello\"", true },
	{ "body :content \"text/plain\" :contains \"hello\"", true },
	{ "body :content \"text/html\" :contains \"\"", false },
	{ "body :content \"\" :contains \"hello\"", true },
	{ "body :content [\"/text\", \"text/\", \"text/plain/x\", \"/\"] "
	  ":contains \"\"",
	    false },
	{ "body :matches \"Hello*\"", true },
	{ "allof (body :matches \"Hello*\", string \"${0}${1}\" \"\")", true },
	{ "body :count \"eq\" \"1\"", true },
};

Test(sieve_tests, plain_bodies)
{
	CHECK(plain_bodies);
}

/* As the example of RFC 5173, 5.2. */
static const char nested[] =
    "Subject: whatever\r\n"
    "Content-Type: multipart/mixed; boundary=outer\r\n\r\n"
    "This is a multi-part message in MIME format.\r\n"
    "\r\n--outer\r\n"
    "Content-Type: multipart/alternative; boundary=inner\r\n\r\n"
    "This is a nested multi-part message in MIME format.\r\n"
    "\r\n--inner\r\n"
    "Content-Type: text/plain; charset=iso-8859-1\r\n"
    "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
    "Hello =E9\r\n"
    "\r\n--inner\r\n"
    "Content-Type: text/html; charset=\"us-ascii\"\r\n\r\n"
    "<html><body>Hel<b>lo</b> &amp; all</body></html>\r\n"
    "\r\n--inner--\r\n\r\n"
    "This is the end of the inner MIME multipart.\r\n"
    "\r\n--outer\r\n"
    "Content-Type: application/x\r\n"
    "Content-Transfer-Encoding: base64\r\n\r\n"
    "c2VjcmV0\r\n"
    "\r\n--outer\r\n"
    "Content-Type: message/rfc822\r\n\r\n"
    "From: Someone Else\r\nSubject: hello request\r\n\r\n"
    "Please say Hello\r\n"
    "\r\n--outer--\r\n\r\n"
    "This is the end of the outer MIME multipart.\r\n";

static const struct fixture_truth nested_bodies[] = {
	{ "body :content \"multipart\" :contains \"is a multi-part\"", true },
	{ "body :content \"multipart\" :contains \"nested\"", true },
	{ "body :content \"multipart\" :contains \"end of the inner\"", true },
	{ "body :content \"multipart\" :contains \"end of the outer\"", true },
	{ "body :content \"multipart\" :contains \"hello\"", false },
	{ "body :content \"multipart\" :contains \"--\"", false },
	{ "body :content \"multipart/mixed\" :contains \"inner\"", false },
	{ "body :content \"multipart/mixed\" :is \"This is a multi-part "
	  "message in MIME format.\r\n\"",
	    true },
	{ "body :content \"text/plain\" :contains \"Hello\"", true },
	{ "body :content \"text/plain\" :contains \"Hello \xc3\xa9\"", true },
	{ "body :content \"text/plain\" :contains \"say Hello\"", true },
	{ "body :content \"text/html\" :contains \"Hel<b>lo\"", true },
	{ "body :content \"text/html\" :contains \"Hello\"", false },
	{ "body :contains \"Hello & all\"", true },
	{ "body :contains \"<b>\"", false },
	{ "body :content \"message/rfc822\" :contains \"hello request\"",
	    true },
	{ "body :content \"message\" :contains \"say\"", false },
	{ "body :content \"application\" \"secret\"", true },
	{ "body :contains \"secret\"", false },
	{ "body :raw :contains \"c2VjcmV0\"", true },
	{ "body :raw :contains \"secret\"", false },
	{ "body :content \"\" :contains \"secret\"", true },
	{ "body :count \"eq\" \"3\"", true },
	{ "body :content \"image\" :contains \"\"", false },
};

Test(sieve_tests, nested_bodies)
{
	struct fixture f;

	fixture_init(&f);
	f.message = nested;
	fixture_check_tests(&f, ALL, nested_bodies, FIXTURE_N(nested_bodies));
}

Test(sieve_tests, bodies_that_are_not_there)
{
	static const struct fixture_truth none[] = {
		{ "body :contains \"\"", false },
		{ "body :raw :contains \"\"", false },
		{ "body :content \"\" :contains \"\"", false },
	};
	static const struct fixture_truth empty[] = {
		{ "body :contains \"\"", true },
		{ "body :raw \"\"", true },
	};
	struct fixture f;

	fixture_init(&f);
	f.message = "Subject: x\r\n";
	fixture_check_tests(&f, ALL, none, FIXTURE_N(none));
	f.message = "Subject: x";
	fixture_check_tests(&f, ALL, none, FIXTURE_N(none));
	f.message = "Subject: x\r\n\r\n";
	fixture_check_tests(&f, ALL, empty, FIXTURE_N(empty));
	f.message = "\r\n";
	fixture_check_tests(&f, ALL, empty, FIXTURE_N(empty));
	f.message = "Subject: x\n\n";
	fixture_check_tests(&f, ALL, empty, FIXTURE_N(empty));
}

/* A structure of the whole message, with less of it at hand. */
Test(sieve_tests, bodies_that_are_cut)
{
	struct sieve_limits limits = sieve_limits_default;
	struct sieve_host host = { 0 };
	const char *text =
	    "require \"body\"; if body :content \"\" :contains \"x\" {}"
	    "if body :raw :contains \"x\" {} if body :contains \"x\" {}"
	    "discard;";
	struct msg *msg = msg_read(str_of(nested), &msg_limits_default);
	struct sieve_problem problem;
	struct sieve_script *s = sieve_compile(str_of(text), &limits, &problem);

	cr_assert_not_null(s);
	cr_expect(sieve_needs_body(s));
	for (size_t n = 0; n < sizeof(nested); n++) {
		struct sieve_message m = { .msg = msg,
			.content = str_n(nested, n),
			.size = sizeof(nested) - 1 };
		struct sieve_result r;

		if (n == 0)
			m.content = STR_NONE;
		sieve_run(s, &m, &host, &limits, &r);
		cr_expect_eq(r.actions, 0);
		cr_expect_not(r.failed);
		sieve_result_fini(&r);
	}
	sieve_script_free(&s);
	msg_free(&msg);
}

/* --- the world -------------------------------------------------------------
 */

static const struct fixture_truth world[] = {
	{ "mailboxexists \"INBOX\"", true },
	{ "mailboxexists [\"INBOX\", \"Work\"]", true },
	{ "mailboxexists [\"INBOX\", \"Play\"]", false },
	{ "specialuse_exists \"\\\\Junk\"", true },
	{ "specialuse_exists \"Spam\" \"\\\\junk\"", true },
	{ "specialuse_exists \"INBOX\" \"\\\\Junk\"", false },
	{ "specialuse_exists [\"\\\\Junk\", \"\\\\Sent\"]", false },
	{ "metadata \"Work\" \"/private/comment\" \"OF work\"", true },
	{ "metadata :contains \"INBOX\" \"/private/comment\" \"\"", false },
	{ "metadata :count \"eq\" \"Work\" \"/private/comment\" \"1\"", true },
	{ "metadataexists \"Work\" \"/private/comment\"", true },
	{ "metadataexists \"Work\" [\"/private/comment\", \"/x\"]", false },
	{ "servermetadata :contains \"/private/comment\" \"server\"", true },
	{ "servermetadataexists \"/private/comment\"", true },
	{ "servermetadataexists \"/shared/comment\"", false },
	{ "environment \"name\" \"Postern\"", true },
	{ "environment \"phase\" \"during\"", true },
	{ "environment \"location\" \"MS\"", true },
	{ "environment :matches \"version\" \"?*\"", true },
	{ "environment \"Domain\" \"example.test\"", true },
	{ "environment \"remote-host\" \"\"", true },
	{ "environment :count \"eq\" \"remote-host\" \"0\"", true },
	{ "environment :count \"eq\" \"domain\" \"1\"", true },
	{ "environment :contains \"vnd.other\" \"\"", false },
	{ "environment :count \"eq\" \"vnd.other\" \"0\"", false },
	{ "ihave \"fileinto\"", true },
	{ "ihave [\"fileinto\", \"nothing\"]", false },
	{ "ihave \"variables\"", true },
	{ "ihave \"comparator-i;octet\"", true },
};

Test(sieve_tests, world)
{
	CHECK(world);
}

Test(sieve_tests, duplicates)
{
	static const struct fixture_truth cases[] = {
		{ "duplicate", false },
		{ "duplicate :header \"message-id\"", false },
		{ "duplicate :uniqueid \"<m1@example.test>\"", false },
		{ "duplicate :handle \"h\" :seconds 77 :last", true },
		{ "duplicate :seconds 1000000000", false },
		/* Not asked at all: */
		{ "duplicate :header \"x-none\"", false },
		{ "duplicate :header \"x none:\"", false },
		{ "duplicate :seconds 0", false },
	};
	struct fixture f;
	struct pst_str rest, part[5];

	fixture_init(&f);
	fixture_check_tests(&f, "\"duplicate\"", cases, FIXTURE_N(cases));
	rest = str_of(f.duplicates);
	for (size_t i = 0; i < 5; i++)
		cr_assert(str_split(&rest, ';', &part[i]));
	cr_expect_eq(rest.n, 0, "%s", f.duplicates);
	cr_expect(str_is(str_from(part[0], 8), " 604800"));
	cr_expect(str_eq(part[1], part[0]));
	cr_expect(str_eq(part[2], part[0]));
	cr_expect_not(str_eq(str_first(part[3], 8), str_first(part[0], 8)));
	cr_expect(str_is(str_from(part[3], 8), " 77 last"));
	cr_expect(str_is(str_from(part[4], 8), " 7776000"));
}

static const struct {
	const char *header, *spam, *percent, *virus;
} filters[] = {
	{ "Subject: x", "0", "0", "0" },
	{ "X-Spam-Score: 0.0", "1", "0", "0" },
	{ "X-Spam-Score: -3.2", "1", "0", "0" },
	{ "X-Spam-Score: 2.5 (++)", "5", "50", "0" },
	{ "X-Spam-Score: 99999999999999999999", "10", "100", "0" },
	{ "X-Spam-Score: none", "0", "0", "0" },
	{ "X-Spam-Status: Yes, score=6.1 required=5.0 tests=A", "10", "100",
	    "0" },
	{ "X-Spam-Status: No, score=2.0 required=8.0\r\n\ttests=A", "3", "25",
	    "0" },
	{ "X-Spam-Status: No, hits=-1 required=5", "1", "0", "0" },
	{ "X-Spamd-Result: default: False [7.50 / 15.00];\r\n\tA(1.0)[]", "5",
	    "50", "0" },
	{ "X-Spamd-Result: default: False [0.10 / 15.00]", "1", "0", "0" },
	{ "X-Spamd-Result: default: True [19.10 / 15.00]", "10", "100", "0" },
	{ "X-Spamd-Result: default: True [4 / 0]", "8", "80", "0" },
	{ "X-Spamd-Result: default: False [0.00 / 15.00]\r\n"
	  "X-Spamd-Result: default: False [7.50 / 15.00]\r\n"
	  "X-Spamd-Result: nothing\r\nX-Spam-Score: 100",
	    "5", "50", "0" },
	{ "X-Spamd-Result: nothing\r\nX-Spam-Score: 100", "10", "100", "0" },
	{ "X-Virus-Status: Clean", "0", "0", "1" },
	{ "X-Virus-Status: Infected (Eicar)", "0", "0", "5" },
	{ "X-Virus: Eicar", "0", "0", "5" },
	{ "X-Virus-Scanned: by a.test", "0", "0", "1" },
	{ "X-Amavis-Alert: INFECTED, message contains virus", "0", "0", "5" },
};

Test(sieve_tests, spam_and_viruses)
{
	for (size_t i = 0; i < FIXTURE_N(filters); i++) {
		char tests[4][200], message[300];
		const char *require = "\"spamtest\", \"spamtestplus\", "
				      "\"virustest\", \"relational\"";
		struct fixture f;

		fixture_init(&f);
		(void)snprintf(
		    message, sizeof(message), "%s\r\n\r\n", filters[i].header);
		f.message = message;
		(void)snprintf(
		    tests[0], 200, "spamtest \"%s\"", filters[i].spam);
		(void)snprintf(tests[1], 200, "spamtest :percent \"%s\"",
		    filters[i].percent);
		(void)snprintf(
		    tests[2], 200, "virustest \"%s\"", filters[i].virus);
		(void)snprintf(tests[3], 200, "spamtest :count \"eq\" \"%s\"",
		    *filters[i].spam == '0' ? "0" : "1");
		for (size_t k = 0; k < 4; k++) {
			struct buf got = fixture_test(&f, require, tests[k]);

			cr_expect(str_is(buf_str(&got), "true"), "%s: %s: %.*s",
			    filters[i].header, tests[k],
			    STR_ARG(buf_str(&got)));
			buf_fini(&got);
		}
	}
}

/* --- flags -----------------------------------------------------------------
 */

Test(sieve_tests, flags)
{
	static const struct fixture_case cases[] = {
		/* RFC 5232, 4 */
		{ "is", "setflag \"A B\"; if hasflag :is \"b A\" {discard;}",
		    "" },
		{ "list",
		    "setflag \"A B\"; if hasflag [\"c\",\"A\"] {discard;}",
		    "" },
		{ "none", "setflag \"A B\"; if hasflag \"C AB\" {discard;}",
		    "keep [A B]" },
		{ "of a variable",
		    "set \"MyVar\" \"NonJunk Junk gnus-forward $Forwarded\";"
		    "if allof (hasflag :contains \"MyVar\" \"forward\","
		    "hasflag :contains \"myvar\" \"label forward\","
		    "not hasflag :contains \"MyVar\" [\"label1\", \"\"],"
		    "hasflag [\"x\", \"MyVar\"] \"junk\") {discard;}",
		    "" },
		{ "count",
		    "set \"MyFlags\" \"A B a\"; setflag \"c\";"
		    "if allof (hasflag :count \"eq\" \"MyFlags\" \"2\","
		    "hasflag :count \"eq\" [\"MyFlags\", \"MyFlags\"] \"4\","
		    "hasflag :count \"eq\" \"1\") {discard;}",
		    "" },
		{ "matches",
		    "addflag \"\\\\Seen $label1\";"
		    "if hasflag :matches \"$label?\" {"
		    "keep :flags \"x${1}\"; }",
		    "keep [x1]" },
	};
	struct fixture f;

	fixture_init(&f);
	for (size_t i = 0; i < FIXTURE_N(cases); i++) {
		struct fixture_case c = cases[i];
		char script[1000];

		(void)snprintf(script, sizeof(script),
		    "require [\"imap4flags\", \"variables\", \"relational\"];"
		    "%s",
		    c.script);
		c.script = script;
		fixture_check(&f, &c, 1);
	}
}
