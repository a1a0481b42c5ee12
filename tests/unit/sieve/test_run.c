/*
 * What becomes of a message: control flow, actions with each other, limits,
 * errors, included scripts, the trace.
 */
#include "fixture.h"

static const struct fixture_case flow[] = {
	{ "nothing", "", "keep" },
	{ "the first branch",
	    "require \"fileinto\"; if true { fileinto \"a\"; }"
	    "elsif true { fileinto \"b\"; } else { fileinto \"c\"; }",
	    "fileinto \"a\"" },
	{ "the second branch",
	    "require \"fileinto\"; if false { fileinto \"a\"; }"
	    "elsif true { fileinto \"b\"; } else { fileinto \"c\"; }",
	    "fileinto \"b\"" },
	{ "the last branch",
	    "require \"fileinto\"; if false { fileinto \"a\"; }"
	    "elsif false { fileinto \"b\"; } else { fileinto \"c\"; }"
	    "fileinto \"d\";",
	    "fileinto \"c\"; fileinto \"d\"" },
	{ "no branch", "if false { discard; } elsif false { discard; }",
	    "keep" },
	{ "stop", "stop; discard;", "keep" },
	{ "stop within", "discard; if true { stop; } else { keep; } keep;",
	    "" },
	{ "anyof", "if anyof (false, true, false) { discard; }", "" },
	{ "anyof none", "if anyof (false, false) { discard; }", "keep" },
	{ "allof", "if allof (true, true) { discard; }", "" },
	{ "allof not all", "if allof (true, false) { discard; }", "keep" },
	{ "not", "if not false { discard; }", "" },
	{ "size", "if size :over 100 { discard; }", "" },
	{ "size under", "if size :under 100 { discard; }", "keep" },
};

Test(sieve_run, flow)
{
	struct fixture f;

	fixture_init(&f);
	fixture_check(&f, flow, FIXTURE_N(flow));
}

static const struct fixture_case actions[] = {
	{ "discard", "discard;", "" },
	{ "keep and discard", "discard; keep;", "keep" },
	{ "discard says nothing against fileinto",
	    "require \"fileinto\"; fileinto \"x\"; discard;",
	    "fileinto \"x\"" },
	{ "twice", "keep; keep;", "keep" },
	{ "the same mailbox",
	    "require \"fileinto\"; fileinto \"x\"; fileinto \"y\";"
	    "fileinto \"x\"; fileinto \"X\";",
	    "fileinto \"x\"; fileinto \"y\"; fileinto \"X\"" },
	{ "INBOX in any case",
	    "require \"fileinto\"; fileinto \"INBOX\"; fileinto \"inbox\";",
	    "fileinto \"INBOX\"" },
	{ "copy", "require [\"fileinto\", \"copy\"]; fileinto :copy \"x\";",
	    "fileinto \"x\"; keep" },
	{ "copy and not",
	    "require [\"fileinto\", \"copy\"];"
	    "fileinto :copy \"x\"; fileinto \"x\";",
	    "fileinto \"x\"" },
	{ "redirect", "redirect \"a@b.test\";", "redirect \"a@b.test\"" },
	{ "redirect by name", "redirect \"Joe <joe@b.test>\";",
	    "redirect \"joe@b.test\"" },
	{ "redirect keeps a copy",
	    "require \"copy\"; redirect :copy \"a@b.test\";",
	    "redirect \"a@b.test\"; keep" },
	{ "the same address",
	    "redirect \"a@b.test\"; redirect \"a@B.test\"; keep;",
	    "redirect \"a@b.test\"; keep" },
	{ "create",
	    "require [\"fileinto\", \"mailbox\"]; fileinto :create \"x\";",
	    "fileinto \"x\" :create" },
	{ "special use",
	    "require [\"fileinto\", \"special-use\"];"
	    "fileinto :specialuse \"\\\\Junk\" \"x\"; fileinto \"x\";",
	    "fileinto \"\\Junk\" \"x\"; fileinto \"x\"" },
	{ "reject", "require \"reject\"; reject \"no\";", "reject \"no\"" },
	{ "ereject", "require \"ereject\"; discard; ereject \"no\"; discard;",
	    "ereject \"no\"" },
	{ "reject twice", "require \"reject\";\nreject \"a\";\nreject \"b\";",
	    "error 3: A message can be rejected only once" },
	{ "reject and ereject",
	    "require [\"reject\", \"ereject\"];\nreject \"a\";\nereject "
	    "\"b\";",
	    "error 3: A message can be rejected only once" },
	{ "reject and keep", "require \"reject\"; reject \"no\";\nkeep;",
	    "error 2: \"keep\" cannot be where the message is rejected" },
	{ "keep and reject", "require \"reject\"; keep;\nreject \"no\";",
	    "error 2: \"reject\" cannot be where the message is delivered or "
	    "answered" },
	{ "redirect and reject",
	    "require [\"copy\", \"reject\"]; reject \"no\"; redirect :copy "
	    "\"a@b.test\";",
	    "error 1: \"redirect\" cannot be where the message is rejected" },
	{ "reject and vacation",
	    "require [\"vacation\", \"reject\"]; reject \"no\"; vacation "
	    "\"x\";",
	    "error 1: A message that is rejected cannot be answered" },
	{ "an error without a text", "require \"ihave\"; error \" \";",
	    "error 1: The script ends with an error" },
	{ "a text that is no UTF-8",
	    "require [\"reject\", \"variables\", \"encoded-character\"];"
	    "set \"x\" \"a${hex:ff 00}b\"; reject \"${x}\";",
	    "reject \"a\xef\xbf\xbd b\"" },
	{ "a mailbox that is no UTF-8",
	    "require [\"fileinto\", \"variables\", \"encoded-character\"];"
	    "set \"x\" \"a${hex:ff}b\"; fileinto \"${x}\";",
	    "error 1: A mailbox cannot have the name \"a?b\"" },
	{ "error", "require \"ihave\"; keep;\n error \"oh \r\n no\";",
	    "error 2: oh    no" },
};

Test(sieve_run, actions)
{
	struct fixture f;

	fixture_init(&f);
	fixture_check(&f, actions, FIXTURE_N(actions));
}

static const struct fixture_case vacations[] = {
	{ "plain", "require \"vacation\"; vacation \"away\";",
	    "vacation \"away\"; keep" },
	{ "all of it",
	    "require \"vacation\"; discard; vacation :days 3 :subject \"Re\tx\""
	    " :from \"Joe <j@b.test>\" :addresses [\"a@b.test\", \"c@d.test\"]"
	    " :handle \"h\" \"away\";",
	    "vacation \"away\" :subject \"Re x\" :from \"Joe <j@b.test>\""
	    " :seconds 259200 own \"a@b.test\" own \"c@d.test\"" },
	{ "a day at least", "require \"vacation\"; vacation :days 0 \"away\";",
	    "vacation \"away\" :seconds 86400; keep" },
	{ "seconds",
	    "require \"vacation-seconds\"; vacation :seconds 0 \"away\";",
	    "vacation \"away\" :seconds 0; keep" },
	{ "mime",
	    "require \"vacation\"; vacation :mime \"Content-Type: "
	    "text/plain\r\n\r\n\xc3\xa9\";",
	    "vacation \"Content-Type: text/plain\r\n\r\n\xc3\xa9\" :mime; "
	    "keep" },
	{ "mime not ASCII",
	    "require \"vacation\"; vacation :mime \"Subject: "
	    "\xc3\xa9\r\n\r\nx\";",
	    "error 1: The text for \":mime\" has a header that is not ASCII" },
	{ "twice", "require \"vacation\"; vacation \"a\";\nvacation \"b\";",
	    "error 2: A message can be answered only once" },
	{ "from what is no address",
	    "require [\"vacation\", \"variables\"]; set \"x\" \"me\";"
	    "vacation :from \"${x}\" \"a\";",
	    "error 1: \":from\" is no address" },
};

Test(sieve_run, vacations)
{
	struct fixture f;

	fixture_init(&f);
	fixture_check(&f, vacations, FIXTURE_N(vacations));
}

static void
handle_of(const char *script, char handle_r[80])
{
	struct fixture f;
	struct sieve_problem problem;
	struct sieve_script *s;
	struct sieve_result result;
	struct msg *msg = msg_read(
	    str_of(fixture_message), &msg_limits_default);
	struct sieve_message m = { .msg = msg };

	fixture_init(&f);
	s = sieve_compile(str_of(script), &f.limits, &problem);
	cr_assert_not_null(s, "%s", problem.text);
	sieve_run(s, &m, &f.host, &f.limits, &result);
	cr_assert_eq(result.action[0].kind, SIEVE_VACATION);
	(void)str_copy(handle_r, 80, result.action[0].handle);
	sieve_result_fini(&result);
	sieve_script_free(&s);
	msg_free(&msg);
}

/* RFC 5230, 4.2 */
Test(sieve_run, what_counts_as_the_same_answer)
{
	static const struct {
		const char *a, *b;
		bool same;
	} cases[] = {
		{ "\"x\"", "\"x\"", true },
		{ "\"x\"", "\"y\"", false },
		{ ":subject \"x\" \"y\"", ":from \"a@b.test\" \"y\"", false },
		{ ":subject \"\" \"y\"", "\"y\"", false },
		{ ":mime \"y\"", "\"y\"", false },
		{ ":days 3 \"y\"", ":days 4 \"y\"", true },
		{ ":handle \"h\" \"x\"", ":handle \"h\" \"y\"", true },
		{ ":handle \"h\" \"x\"", ":handle \"i\" \"x\"", false },
		/* Before variables are replaced. */
		{ ":subject \"${v}\" \"x\"", ":subject \"1\" \"x\"", false },
	};

	for (size_t i = 0; i < FIXTURE_N(cases); i++) {
		char script[300], a[80], b[80];
		const char *start =
		    "require [\"vacation\", \"variables\"]; set \"v\" \"1\";"
		    "vacation";

		(void)snprintf(
		    script, sizeof(script), "%s %s;", start, cases[i].a);
		handle_of(script, a);
		(void)snprintf(
		    script, sizeof(script), "%s %s;", start, cases[i].b);
		handle_of(script, b);
		cr_expect_eq(strcmp(a, b) == 0, cases[i].same, "%s %s",
		    cases[i].a, cases[i].b);
	}
}

static const struct fixture_case flags[] = {
	{ "setflag", "require \"imap4flags\"; setflag \"\\\\Seen\";",
	    "keep [\\Seen]" },
	{ "spaces, case, twice",
	    "require \"imap4flags\"; setflag [\" a  B \", \"b\", \"\", "
	    "\"\\\\SEEN\"];",
	    "keep [a B \\Seen]" },
	{ "what cannot be a flag",
	    "require \"imap4flags\"; setflag \"\\\\Recent \\\\X a*b (c "
	    "caf\xc3\xa9 ok\";",
	    "keep [ok]" },
	{ "add and remove",
	    "require \"imap4flags\"; addflag \"a b\"; addflag \"c a\";"
	    "removeflag [\"B\", \"x\"];",
	    "keep [a c]" },
	{ "of the moment",
	    "require [\"imap4flags\", \"fileinto\"]; setflag \"a\";"
	    "fileinto \"x\"; setflag \"b\"; fileinto \"y\"; keep;",
	    "fileinto \"x\" [a]; fileinto \"y\" [b]; keep [b]" },
	{ "by a tag",
	    "require [\"imap4flags\", \"fileinto\"]; setflag \"a\";"
	    "fileinto :flags \"c d\" \"x\"; keep :flags \"\";",
	    "fileinto \"x\" [c d]; keep" },
	{ "the last ones win",
	    "require [\"imap4flags\", \"fileinto\"];"
	    "fileinto :flags \"a\" \"x\"; fileinto :flags \"b\" \"x\";",
	    "fileinto \"x\" [b]" },
	{ "in a variable",
	    "require [\"imap4flags\", \"variables\"]; setflag \"v\" \"a b\";"
	    "addflag \"v\" \"c\"; removeflag \"v\" \"a\"; addflag \"${v}\";",
	    "keep [b c]" },
	{ "not those of a run that fails",
	    "require [\"imap4flags\", \"ihave\"]; setflag \"a\"; error \"x\";",
	    "error 1: x" },
};

Test(sieve_run, flags)
{
	struct fixture f;

	fixture_init(&f);
	fixture_check(&f, flags, FIXTURE_N(flags));
}

static const struct fixture_case includes[] = {
	{ "runs there", "require \"include\"; discard; include \"keeps\";",
	    "keep" },
	{ "personal and global",
	    "require \"include\"; include :global "
	    "\"keeps\";",
	    "" },
	{ "stop ends all", "require \"include\"; include \"stops\"; discard;",
	    "keep" },
	{ "return ends one", "require \"include\"; include \"returns\";",
	    "keep" },
	{ "return at the top", "require \"include\"; return; discard;",
	    "keep" },
	{ "variables that are shared",
	    "require [\"include\", \"variables\", \"fileinto\"];"
	    "global \"shared\"; set \"own\" \"mine\"; include \"sets\";"
	    "fileinto \"${shared} ${own} ${global.shared}\";",
	    "fileinto \"from sets mine from sets\"" },
	{ "a name that is not declared is another",
	    "require [\"include\", \"variables\", \"fileinto\"];"
	    "set \"shared\" \"here\"; include \"sets\";"
	    "fileinto \"${shared}\";",
	    "fileinto \"here\"" },
	{ "variables that are not",
	    "require [\"include\", \"variables\"]; set \"a\" \"b\";"
	    "include \"files\";",
	    "fileinto \"Inx\"" },
	{ "global after set",
	    "require [\"include\", \"variables\"]; set \"a\" \"b\";\n"
	    "global \"a\";",
	    "error 2: \"a\" was set before it was global" },
	{ "missing", "require \"include\";\n\ninclude \"nothing\";",
	    "error 3: There is no script \"nothing\"" },
	{ "missing but optional",
	    "require \"include\"; include :optional \"nothing\"; discard;",
	    "" },
	{ "away", "require \"include\"; include :optional \"later\";",
	    "error 1: The script \"later\" cannot be read now" },
	{ "no script", "require \"include\";\ninclude :optional \"wrong\";",
	    NULL },
	{ "fails within", "require \"include\";\ninclude \"fails\";",
	    "error 2: \"fails\", line 3: so what" },
	{ "itself", "require \"include\";\ninclude \"self\";",
	    "error 2: \"self\", line 1: The script \"self\" includes itself" },
	{ "itself by another", "require \"include\"; include \"a\";",
	    "error 1: \"b\", line 2: The script \"a\" includes itself" },
	{ "itself, but once", "require \"include\"; include \"once\"; discard;",
	    "" },
	{ "once",
	    "require \"include\"; include \"keeps\"; discard;"
	    "include :once \"keeps\";",
	    "keep" },
	{ "too many",
	    "require \"include\"; include :global \"many\";"
	    "include :global \"many\";",
	    "error 1: \"many\", line 1: More than 6 scripts are included" },
};

Test(sieve_run, includes)
{
	struct fixture f;

	fixture_init(&f);
	f.limits.includes = 6;
	for (size_t i = 0; i < FIXTURE_N(includes); i++) {
		struct fixture_case c = includes[i];

		if (c.want != NULL) {
			fixture_check(&f, &c, 1);
			continue;
		}
		struct buf got = fixture_run(&f, c.script);
		cr_expect(str_has_prefix_case(buf_str(&got),
			      "error 2: The script \"wrong\", line 2: "),
		    "%.*s", STR_ARG(buf_str(&got)));
		buf_fini(&got);
	}
}

Test(sieve_run, a_host_that_has_nothing)
{
	static const struct fixture_case cases[] = {
		{ "mailboxexists",
		    "require \"mailbox\"; if mailboxexists \"INBOX\" { "
		    "discard; }",
		    "keep" },
		{ "special use",
		    "require \"special-use\"; if specialuse_exists "
		    "\"\\\\Junk\" { discard; }",
		    "keep" },
		{ "metadata",
		    "require [\"mboxmetadata\", \"servermetadata\"];"
		    "if anyof (metadataexists \"INBOX\" \"/a\", "
		    "servermetadata \"/a\" \"\") { discard; }",
		    "keep" },
		{ "environment",
		    "require \"environment\"; if environment :contains "
		    "\"domain\" \"\" { discard; }",
		    "keep" },
		{ "duplicate",
		    "require \"duplicate\"; if duplicate { discard; }",
		    "keep" },
		{ "include", "require \"include\"; include \"keeps\";",
		    "error 1: There is no script \"keeps\"" },
		{ "date",
		    "require \"date\"; if currentdate \"year\" \"1970\" "
		    "{ discard; }",
		    "" },
	};
	struct fixture f;

	fixture_init(&f);
	f.host = (struct sieve_host){ 0 };
	fixture_check(&f, cases, FIXTURE_N(cases));
}

static const struct fixture_case limited[] = {
	{ "actions",
	    "require \"fileinto\"; fileinto \"a\"; fileinto \"b\";"
	    "fileinto \"c\";\nfileinto \"d\";",
	    "error 2: More than 3 things are to be done with a message" },
	{ "the same ones do not count",
	    "require \"fileinto\"; fileinto \"a\"; fileinto \"b\";"
	    "fileinto \"a\"; fileinto \"c\"; fileinto \"b\";",
	    "fileinto \"a\"; fileinto \"b\"; fileinto \"c\"" },
	{ "redirects",
	    "redirect \"a@b.test\"; redirect \"c@b.test\";"
	    "redirect \"a@b.test\";\nredirect \"d@b.test\";",
	    "error 2: A message goes to more than 2 other addresses" },
	{ "variables",
	    "require \"variables\"; set \"a\" \"1\"; set \"b\" \"1\";"
	    "set \"A\" \"2\"; set \"c\" \"1\";\nset \"d\" \"1\";",
	    "error 2: There are more than 3 variables" },
	{ "a variable's size is no error",
	    "require [\"variables\", \"fileinto\"]; set \"a\" "
	    "\"123456789\xc3\xa9x\"; fileinto \"${a}\";",
	    "fileinto \"123456789\"" },
	{ "nor that of a match variable",
	    "require [\"variables\", \"fileinto\"];"
	    "if string :matches \"12345678901234\" \"*\" {"
	    "fileinto \"${1}\"; }",
	    "fileinto \"1234567890\"" },
	{ "quoted",
	    "require [\"variables\", \"fileinto\"];"
	    "set :quotewildcard \"a\" \"12345678**\";"
	    "fileinto \"${a}\";",
	    "fileinto \"12345678\\*\"" },
};

Test(sieve_run, limits)
{
	struct fixture f;

	fixture_init(&f);
	f.limits.actions = 3;
	f.limits.redirects = 2;
	f.limits.variables = 3;
	f.limits.variable_size = 10;
	fixture_check(&f, limited, FIXTURE_N(limited));
}

Test(sieve_run, too_much_work)
{
	struct fixture f;
	struct fixture_case c = { "work",
		"if header :contains \"subject\" [\"1\", \"2\"] {}\n"
		"if header :contains \"subject\" [\"1\", \"2\"] {}",
		"error 1: The script does too much for one message" };

	fixture_init(&f);
	f.limits.work = 10;
	fixture_check(&f, &c, 1);
	f.limits.work = 0;
	fixture_check(&f, &c, 1);
}

Test(sieve_run, trace_of_long_strings)
{
	struct fixture f;
	struct buf script, got;

	fixture_init(&f);
	f.host.trace = fixture_trace;
	buf_init(&script, 10000);
	(void)buf_puts(&script, "if exists [\"a\",\"b\",\"c\",\"d\",\"e\"] {}"
				"if exists \"12");
	for (size_t i = 0; i < 100; i++)
		(void)buf_puts(&script, "\xe2\x82\xac");
	(void)buf_puts(&script, "\" {}");
	(void)buf_putc(&script, '\0');
	got = fixture_run(&f, script.p);
	(void)buf_putc(&f.trace, '\0');
	cr_expect_eq(f.trace.n, 124, "%zu", f.trace.n);
	cr_expect(str_is_utf8(str_of(f.trace.p)));
	cr_expect(str_has_prefix_case(str_of(f.trace.p),
	    "1 exists [\"a\", \"b\", \"c\", \"d\", ...]: false\n"
	    "1 exists \"12\xe2\x82\xac"));
	buf_fini(&got);
	buf_fini(&script);
	buf_fini(&f.trace);
}

Test(sieve_run, trace)
{
	struct fixture f;
	struct buf got;

	fixture_init(&f);
	f.host.trace = fixture_trace;
	got = fixture_run(&f,
	    "require [\"fileinto\", \"variables\", \"include\"];\n"
	    "set \"x\" \"Rec\";\n"
	    "if anyof (header :contains \"subject\" [\"a\tb\", \"order\"],\n"
	    "    not size :over 1K) {\n"
	    "  fileinto \"${x}eipts\";\n"
	    "}\n"
	    "include \"keeps\";\n"
	    "stop;\n");
	(void)buf_putc(&f.trace, '\0');
	cr_expect_str_eq(f.trace.p,
	    "2 set \"x\" \"Rec\"\n"
	    "3 header :contains \"subject\" [\"a b\", \"order\"]: true\n"
	    "3 anyof: true\n"
	    "5 fileinto \"Receipts\"\n"
	    "7 include \"keeps\"\n"
	    "1 [keeps] keep\n"
	    "8 stop\n");
	buf_fini(&got);
	buf_fini(&f.trace);
}
