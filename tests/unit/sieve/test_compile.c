/*
 * Scripts that are fine, and what is wrong with others, with the line and a
 * piece of the text.
 */
#include "base/str.h"
#include "sieve/tree.h"

#include <criterion/criterion.h>
#include <stdlib.h>

static struct sieve_script *
compile(struct pst_str text, struct sieve_problem *p)
{
	struct sieve_limits limits = sieve_limits_default;

	limits.script_size = 1 << 20;
	return sieve_compile(text, &limits, p);
}

static struct sieve_script *
must_compile(const char *text)
{
	struct sieve_problem p;
	struct sieve_script *s = compile(str_of(text), &p);

	cr_assert_not_null(s, "line %u: %s\n%s", p.line, p.text, text);
	cr_expect_eq(p.line, 0);
	cr_expect_eq(p.text[0], '\0');
	return s;
}

static void
expect_wrong(struct pst_str text, unsigned line, const char *piece)
{
	struct sieve_problem p;
	struct sieve_script *s = compile(text, &p);

	cr_expect_null(s, "\"%.60s\" is a script", text.p);
	sieve_script_free(&s);
	cr_expect_eq(
	    p.line, line, "%.60s: line %u, %s", text.p, p.line, p.text);
	cr_expect_neq(str_find_case(str_of(p.text), str_of(piece)), SIZE_MAX,
	    "%.60s: %s", text.p, p.text);
	cr_expect(str_is_utf8(str_of(p.text)));
}

static const char *const good[] = {
	"",
	"\r\n",
	"# nothing",
	"/* nothing */",
	"/**/ keep; /***/ keep; /* ** / # /* */ keep;",
	"keep;stop;discard;",
	"KEEP; Discard; if TRUE { StOp; } elsif FALSE {} eLsE {}",
	"if true {}",
	"if not not true {}",
	"if allof(true, not anyof(false, true)) {}",
	"require \"fileinto\"; require [\"copy\"]; fileinto :copy \"a\";",
	"if header [\"a\", \"b\"] [\"c\"] { keep; }",
	"if header :comparator \"i;octet\" :contains \"a\" \"b\" {}",
	"if header :CONTAINS \"a\" \"b\" {}",
	"if size :over 100 {} if size :under 1k {} if size :over 2G {}",
	"if size :over 8589934591G {}",
	"if address :localpart :is \"from\" \"me\" {}",
	"if header \"syntactically: wrong\" \"\" {}", /* 2.4.2.2 */
	"if exists [\"a\", \"\"] {}",
	"redirect \"joe@example.com\";",
	"redirect \"Joe Doe <joe@example.com>\";",
	"redirect \"j\xc3\xb6\x65@example.com\";",
	"require \"copy\"; redirect :copy \"joe@example.com\";",
	"require \"reject\"; reject \"\\\"No\\\\no\\o\";",
	"require \"reject\"; reject text:\nNo.\n.\n;",
	"require \"reject\"; reject text: \t# why\r\nNo.\r\n..\r\n.x\r\n.\r\n;",
	"require \"reject\"; reject TEXT:\n.\n;",
	"require \"ereject\"; ereject \"No\nline\";",
	"require \"envelope\"; if envelope [\"from\", \"TO\"] \"a@b\" {}",
	"require \"envelope\"; if envelope :domain \"auth\" \"\" {}",
	"require [\"comparator-i;octet\", \"comparator-i;ascii-casemap\"];",
	"require [\"relational\", \"comparator-i;ascii-numeric\"]; if header "
	":value \"gt\" :comparator \"i;ascii-numeric\" \"x-score\" \"5\" {}",
	"require \"relational\"; if address :count \"GE\" \"to\" \"3\" {}",
	"require \"comparator-i;unicode-casemap\"; if header :contains "
	":comparator \"i;unicode-casemap\" \"a\" \"b\" {}",
	"require \"subaddress\"; if address :detail \"to\" \"x\" {} "
	"elsif address :user \"to\" \"y\" {}",
	"require [\"vacation\"]; vacation \"away\";",
	"require [\"vacation\"]; vacation :days 3 :subject \"s\" :from "
	"\"me@example.com\" :addresses [\"a@b\", \"c@d\"] :mime :handle \"h\" "
	"\"t\";",
	"require \"vacation-seconds\"; vacation :seconds 1800 \"away\";",
	"require \"imap4flags\"; keep :flags [\"\\\\Seen\", \"x y\"]; setflag "
	"\"a\"; addflag [\"a\", \"b\"]; removeflag \"\";",
	"require [\"imap4flags\", \"variables\"]; addflag \"v\" \"\\\\Seen\"; "
	"if hasflag :contains [\"v\", \"w\"] \"b\" {}",
	"require \"imap4flags\"; if hasflag \"\\\\Deleted\" {}",
	"require [\"fileinto\", \"imap4flags\", \"mailbox\", \"special-use\"]; "
	"fileinto :flags \"a\" :create :specialuse \"\\\\Junk\" \"Spam\";",
	"require \"special-use\"; if specialuse_exists \"\\\\Junk\" {} "
	"if specialuse_exists \"Spam\" [\"\\\\Junk\"] {}",
	"require \"body\"; if body :raw :contains \"x\" {} if body :content "
	"\"text\" :is \"y\" {} if body :text \"z\" {}",
	"require \"variables\"; set \"a\" \"b\"; set :lower :upperfirst "
	":quotewildcard :length \"a_1\" \"${a} ${1} ${} ${x\";",
	"require [\"variables\", \"include\"]; global \"a\"; global [\"b\", "
	"\"c\"]; set \"global.a\" \"${global.b}\"; include :personal :once "
	":optional \"other\"; return;",
	"require \"include\"; include :global \"other\";",
	"require \"variables\"; if string :matches \"${x}\" \"*\" {}",
	"require \"variables\"; redirect \"${to}\";",
	"require \"encoded-character\"; redirect "
	"\"joe${hex:40}example.com\";",
	"require \"encoded-character\"; if header \"a\" [\"${hex:}\", "
	"\"${hex: 1 2 \", \"${unicode:00000000041 }\", \"${hex:123}\"] {}",
	"if header \"a\" \"${unicode:D800} ${foo.bar}\" {}",
	"require [\"date\", \"index\", \"relational\"]; if date :zone "
	"\"+0200\" :value \"ge\" :index 1 :last \"received\" \"date\" "
	"\"2007-01-01\" {} if date :originalzone \"date\" \"HOUR\" \"9\" {} if "
	"currentdate :is \"weekday\" \"0\" {}",
	"require \"index\"; if header :index 2 :last \"a\" \"b\" {} if address "
	":index 1 \"to\" \"x\" {}",
	"require \"environment\"; if environment :is \"name\" \"Postern\" {}",
	"require \"spamtest\"; if spamtest \"1\" {}",
	"require \"spamtestplus\"; if spamtest :percent \"1\" {}",
	"require \"virustest\"; if virustest \"1\" {}",
	"require \"duplicate\"; if duplicate {} if duplicate :header "
	"\"X-Id\" :handle \"h\" :seconds 60 :last {}",
	"require \"mailbox\"; if mailboxexists [\"a\", \"b\"] {}",
	"require [\"mboxmetadata\", \"servermetadata\"]; if metadata :is "
	"\"INBOX\" \"/private/comment\" \"x\" {} if metadataexists \"a\" "
	"\"/private/comment\" {} if servermetadata \"/shared/a\" \"b\" {} if "
	"servermetadataexists [\"/shared/a\"] {}",
	/* RFC 5463 */
	"require \"ihave\"; if ihave \"fileinto\" { fileinto \"a\"; }",
	"require \"ihave\"; if ihave \"none\" { foo :bar [\"x\"] 3 { baz; } }",
	"require \"ihave\"; if allof(ihave \"none\", foo :bar \"x\") {}",
	"require \"ihave\"; if not ihave \"copy\" { error \"no\"; } redirect "
	":copy \"a@example.com\";",
};

Test(sieve_compile, good_scripts)
{
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		struct sieve_script *s = must_compile(good[i]);

		sieve_script_free(&s);
		cr_expect_null(s);
		sieve_script_free(&s);
	}
}

/* RFC 5228, 9 */
Test(sieve_compile, the_extended_example)
{
	struct sieve_script *s = must_compile(
	    "#\r\n# Declare any optional features\r\n#\r\n"
	    "require [\"fileinto\"];\r\n"
	    "if header :is \"Sender\" \"owner-ietf-mta-filters@imc.org\"\r\n"
	    "        {\r\n"
	    "        fileinto \"filter\";  # move to \"filter\" mailbox\r\n"
	    "        }\r\n"
	    "elsif address :DOMAIN :is [\"From\", \"To\"] \"example.com\"\r\n"
	    "        {\r\n"
	    "        keep;               # keep in \"In\" mailbox\r\n"
	    "        }\r\n"
	    "elsif anyof (NOT address :all :contains\r\n"
	    "               [\"To\", \"Cc\", \"Bcc\"] \"me@example.com\",\r\n"
	    "             header :matches \"subject\"\r\n"
	    "               [\"*make*money*fast*\", "
	    "\"*university*dipl*mas*\"])\r\n"
	    "        {\r\n"
	    "        fileinto \"spam\";   # move to \"spam\" mailbox\r\n"
	    "        }\r\n"
	    "else\r\n"
	    "        {\r\n"
	    "        fileinto \"personal\";\r\n"
	    "        }\r\n");
	const struct sieve_node *n = s->first->next, *t;

	cr_assert_eq(n->command->op, OP_IF);
	cr_expect_eq(n->line, 5);
	cr_expect_eq(n->test->command->op, OP_HEADER);
	cr_expect_eq(n->test->match, MATCH_IS);
	cr_expect_eq(n->test->comparator, COMP_ASCII_CASEMAP);
	cr_expect_eq(n->test->args, 2);
	cr_expect_eq(n->block->line, 7);
	n = n->next;
	cr_assert_eq(n->command->op, OP_ELSIF);
	cr_expect_eq(n->test->part, TAG_DOMAIN);
	cr_expect_eq(n->test->arg[0].strings, 2);
	n = n->next;
	t = n->test->test;
	cr_assert_eq(t->command->op, OP_NOT);
	cr_expect_eq(t->test->command->op, OP_ADDRESS);
	cr_expect_eq(t->test->match, MATCH_CONTAINS);
	cr_expect_eq(t->next->match, MATCH_MATCHES);
	cr_expect_null(t->next->next);
	n = n->next;
	cr_assert_eq(n->command->op, OP_ELSE);
	cr_expect(str_is(n->block->arg[0].string[0], "personal"));
	cr_expect_null(n->next);
	cr_expect(s->required[EXT_FILEINTO]);
	cr_expect_not(sieve_needs_body(s));
	sieve_script_free(&s);
}

static const struct {
	const char *text;
	unsigned line;
	const char *piece;
} bad[] = {
	/* tokens */
	{ "keep;\n\"open", 2, "has no end" },
	{ "keep;\n/* open\n\n*", 2, "has no end" },
	{ "require \"reject\";\nreject text:\nfoo\n..\n", 2, "single dot" },
	{ "require \"reject\";\nreject text: foo\n.\n;", 2, "next one" },
	{ "keep;\n\n$", 3, "\"$\" has no meaning" },
	{ "keep;\n\xc3\xa4;", 2, "\"\xc3\xa4\" has no meaning" },
	{ "if header :is Subject \"x\" {}", 1, "is missing" },
	{ "if size :over 100X {}", 1, "number ends" },
	{ "if size :over 99999999999999999999 {}", 1, "too large" },
	{ "if size :over 8589934592G {}", 1, "too large" },
	{ "if header : \"a\" \"b\" {}", 1, "name of a tag" },
	{ "if header :1 \"a\" \"b\" {}", 1, "name of a tag" },
	{ "keep;\rkeep;", 1, "carriage return" },
	{ "keep;\n# a \r b\n", 2, "carriage return" },
	{ "keep; # \xff", 1, "not UTF-8" },
	{ "keep;\r\n\r\n\"\xc3\"", 3, "not UTF-8" },
	/* grammar */
	{ "keep", 1, "the script ends, where \";\"" },
	{ "keep\n\nstop;", 3, "between \"keep\" and \"stop\"" },
	{ "require \"fileinto\";\nfileinto \"a\"\nkeep;", 3,
	    "between \"fileinto\" and \"keep\"" },
	{ "keep;;", 1, "here is \";\", where a command" },
	{ "if true {", 1, "block that begins here has no end" },
	{ "\n\nif true {\nif true {}\n", 3, "block that begins here" },
	{ "if true {}}", 1, "\"}\"" },
	{ "keep; }", 1, "\"}\"" },
	{ "if true { keep; ]", 1, "\"]\"" },
	{ "if header [\"a\" \"b\"] \"c\" {}", 1, "\",\" or \"]\"" },
	{ "if header [\"a\",] \"c\" {}", 1, "a string of the list" },
	{ "if header [] \"c\" {}", 1, "a string of the list" },
	{ "if header [1] \"c\" {}", 1, "number, where a string" },
	{ "if allof(true {}", 1, "\",\" or \")\"" },
	{ "if allof() {}", 1, "name of a test" },
	{ "if allof(true,) {}", 1, "name of a test" },
	{ "if allof(\"a\") {}", 1, "the string \"a\", where the name" },
	{ "if :is {}", 1, "no tag \":is\"" },
	{ "keep keep keep;", 1, "no \";\" between \"keep\" and \"keep\"" },
	{ "\"a\";", 1, "string \"a\", where a command" },
	{ "7;", 1, "a number, where a command" },
	{ ":is;", 1, "\":is\", where a command" },
	/* commands */
	{ "keep;\nfileinot \"x\";", 2, "unknown command \"fileinot\"" },
	{ "if headr \"a\" \"b\" {}", 1, "unknown test \"headr\"" },
	{ "header \"a\" \"b\";", 1, "is a test and no command" },
	{ "if keep {}", 1, "is a command and no test" },
	{ "keep;\nfileinto \"x\";", 2, "require \"fileinto\"" },
	{ "if true { reject \"a\"; }", 1, "require \"reject\"" },
	{ "if body \"a\" {}", 1, "require \"body\"" },
	{ "vacation \"a\";", 1, "require \"vacation\"" },
	{ "require [\"fileinto\",\n\"foo\"];", 1, "\"foo\" is no extension" },
	{ "require \"Fileinto\";", 1, "\"Fileinto\" is no extension" },
	{ "require \"comparator-i;foo\";", 1, "is no extension" },
	{ "keep;\nrequire \"fileinto\";", 2, "only at the beginning" },
	{ "if true {\nrequire \"fileinto\"; }", 2, "only at the beginning" },
	{ "else {}", 1, "only behind the block of \"if\"" },
	{ "if true {} keep; else {}", 1, "only behind" },
	{ "if true {} else {} else {}", 1, "only behind" },
	{ "if true {} else {} elsif true {}", 1, "only behind" },
	{ "if true { elsif true {} }", 1, "only behind" },
	{ "if true {}\nelse if true {}", 2, "\"elsif\" does" },
	{ "if true;", 1, "has a block" },
	{ "if {}", 1, "comes a test" },
	{ "keep {}", 1, "has no block" },
	{ "if (true) {}", 1, "without parentheses" },
	{ "if not (true) {}", 1, "without parentheses" },
	{ "if true(true) {}", 1, "\"true\" takes no test" },
	{ "if anyof true {}", 1, "list of tests" },
	{ "if allof {}", 1, "list of tests" },
	/* arguments */
	{ "keep \"a\";", 1, "takes no argument" },
	{ "if header \"a\" {}", 1, "is missing" },
	{ "if header \"a\" \"b\" \"c\" {}", 1, "too many" },
	{ "if header \"a\" 1 {}", 1, "second argument" },
	{ "redirect [\"a@b.c\", \"d@e.f\"];", 1, "has to be a string" },
	{ "if size \"a\" {}", 1, "has to be a number" },
	{ "if size 10 {}", 1, "\":over\" or \":under\"" },
	{ "if size :over :under 10 {}", 1, "exclude each other" },
	{ "if size :over :over 10 {}", 1, "there twice" },
	{ "if header \"a\" :is \"b\" {}", 1, "tags come before" },
	{ "if header :is\n:contains \"a\" \"b\" {}", 2, "exclude" },
	{ "if address :all :domain \"to\" \"b\" {}", 1, "exclude" },
	{ "if header :all \"to\" \"b\" {}", 1, "no tag \":all\"" },
	{ "if exists :is \"a\" {}", 1, "no tag \":is\"" },
	{ "keep :foo;", 1, "no tag \":foo\"" },
	{ "if header :comparator :is \"a\" \"b\" {}", 1, "comes a string" },
	{ "if header :comparator [\"a\", \"b\"] \"a\" \"b\" {}", 1,
	    "comes a string" },
	{ "if header :comparator \"foo\" \"a\" \"b\" {}", 1, "no comparator" },
	{ "if header :comparator \"i;ascii-numeric\" \"a\" \"b\" {}", 1,
	    "require \"comparator-i;ascii-numeric\"" },
	{ "require \"comparator-i;ascii-numeric\";\nif header :contains "
	  ":comparator \"i;ascii-numeric\" \"a\" \"b\" {}",
	    2, "knows no \":contains\"" },
	{ "require \"comparator-i;ascii-numeric\";\nif header :comparator "
	  "\"i;ascii-numeric\" :matches \"a\" \"b\" {}",
	    2, "knows no \":matches\"" },
	/* tags of extensions */
	{ "redirect :copy \"a@b.c\";", 1, "require \"copy\"" },
	{ "keep :flags \"a\";", 1, "require \"imap4flags\"" },
	{ "require \"fileinto\"; fileinto :create \"a\";", 1,
	    "require \"mailbox\"" },
	{ "require \"fileinto\"; fileinto :specialuse \"\\\\Junk\" \"a\";", 1,
	    "require \"special-use\"" },
	{ "if header :count \"gt\" \"a\" \"1\" {}", 1,
	    "require \"relational\"" },
	{ "if header :value \"gt\" \"a\" \"1\" {}", 1,
	    "require \"relational\"" },
	{ "if address :detail \"to\" \"1\" {}", 1, "require \"subaddress\"" },
	{ "if header :index 1 \"to\" \"1\" {}", 1, "require \"index\"" },
	{ "if header :last \"to\" \"1\" {}", 1, "require \"index\"" },
	{ "require \"vacation\"; vacation :seconds 5 \"a\";", 1,
	    "require \"vacation-seconds\"" },
	{ "require \"spamtest\"; if spamtest :percent \"1\" {}", 1,
	    "require \"spamtestplus\"" },
	/* values */
	{ "require \"relational\"; if header :count \"foo\" \"a\" \"1\" {}", 1,
	    "no relation" },
	{ "require \"relational\"; if header :count :value \"a\" \"1\" {}", 1,
	    "comes a string" },
	{ "require \"index\"; if header :index 0 \"a\" \"1\" {}", 1,
	    "counts from 1" },
	{ "require \"index\"; if header :last \"a\" \"1\" {}", 1,
	    "with \":index\"" },
	{ "if address \"subject\" \"a\" {}", 1, "no field of addresses" },
	{ "require \"envelope\"; if envelope \"rcpt\" \"a\" {}", 1,
	    "no part of the envelope" },
	{ "require \"date\"; if date \"date\" \"foo\" \"a\" {}", 1,
	    "no part of a date" },
	{ "require \"date\"; if currentdate \"foo\" \"a\" {}", 1,
	    "no part of a date" },
	{ "require \"date\"; if currentdate :zone \"CET\" \"hour\" \"a\" {}", 1,
	    "no time zone" },
	{ "require \"date\"; if date :zone \"+0100\" :originalzone \"date\" "
	  "\"hour\" \"a\" {}",
	    1, "exclude" },
	{ "redirect \"joe\";", 1, "no mail address" },
	{ "redirect \"\";", 1, "no mail address" },
	{ "redirect \"a@b.c, d@e.f\";", 1, "no mail address" },
	{ "redirect \"x: a@b.c;\";", 1, "no mail address" },
	{ "redirect \"${a}@b c\";", 1, "no mail address" },
	{ "require \"fileinto\"; fileinto \"\";", 1, "is empty" },
	{ "require [\"fileinto\", \"special-use\"]; fileinto :specialuse "
	  "\"\\Junk\" \"a\";",
	    1, "\"\\\\Junk\"" },
	{ "require \"special-use\"; if specialuse_exists \"Junk\" {}", 1,
	    "special use" },
	{ "require \"vacation\"; vacation :from \"me\" \"a\";", 1,
	    "no mail address" },
	{ "require \"vacation\"; vacation :subject \"a\nb\" \"a\";", 1,
	    "more than one line" },
	{ "require \"vacation-seconds\"; vacation :days 1 :seconds 2 \"a\";", 1,
	    "exclude" },
	{ "require \"vacation\"; vacation :days \"1\" \"a\";", 1,
	    "comes a number" },
	{ "require \"body\"; if body :raw :text \"a\" {}", 1, "exclude" },
	{ "require \"body\"; if body :content \"a\" {}", 1, "missing" },
	{ "require \"duplicate\"; if duplicate :header \"a\" :uniqueid \"b\" "
	  "{}",
	    1, "exclude" },
	{ "require \"variables\"; set \"1\" \"a\";", 1, "no name of a" },
	{ "require \"variables\"; set \"\" \"a\";", 1, "no name of a" },
	{ "require \"variables\"; set \"a-b\" \"a\";", 1, "no name of a" },
	{ "require \"variables\"; set \"${a}\" \"a\";", 1, "no name of a" },
	{ "require \"variables\"; set \"global.a\" \"a\";", 1, "no name of a" },
	{ "require \"variables\"; set :lower :upper \"a\" \"a\";", 1,
	    "exclude" },
	{ "require \"variables\"; set :upperfirst :lowerfirst \"a\" \"a\";", 1,
	    "exclude" },
	{ "require \"variables\"; keep;\nset \"a\" \"${foo.bar}\";", 2,
	    "begin with \"foo.\"" },
	{ "require \"variables\"; set \"a\" \"${global.bar}\";", 1,
	    "require \"include\"" },
	{ "require \"include\"; global \"a\";", 1, "\"variables\"" },
	{ "require [\"include\", \"variables\"]; global \"global.a\";", 1,
	    "no name of a" },
	{ "require \"include\"; include :global :personal \"a\";", 1,
	    "exclude" },
	{ "require \"include\"; include \"\";", 1, "is empty" },
	{ "require [\"include\", \"variables\"]; include \"${a}\";", 1,
	    "without variables" },
	{ "require \"imap4flags\"; setflag \"a\" \"b\";", 1, "\"variables\"" },
	{ "require \"imap4flags\"; if hasflag [\"a\"] \"b\" {}", 1,
	    "\"variables\"" },
	{ "require [\"imap4flags\", \"variables\"]; setflag \"1\" \"b\";", 1,
	    "no name of a" },
	{ "require \"encoded-character\"; keep;\nredirect \"${unicode:d800}\";",
	    2, "no Unicode character" },
	{ "require \"encoded-character\"; redirect \"${unicode:110000}\";", 1,
	    "no Unicode character" },
	{ "require \"encoded-character\"; redirect "
	  "\"${unicode:100000000000000041}\";",
	    1, "no Unicode character" },
	{ "require [\"encoded-character\", \"fileinto\"]; fileinto "
	  "\"${hex:ff}\";",
	    1, "cannot be sent" },
	/* ihave */
	{ "if ihave \"a\" {}", 1, "require \"ihave\"" },
	{ "require \"ihave\"; if ihave \"a\" { foo }", 1, "\";\" or a block" },
	{ "require \"ihave\"; if ihave \"a\" { keep \"x\"; }", 1,
	    "takes no argument" },
	{ "require \"ihave\"; if ihave \"fileinto\" { fileinto 1; }", 1,
	    "has to be a string" },
	{ "require [\"ihave\", \"variables\"]; if ihave \"${a}\" {}", 1,
	    "without variables" },
};

Test(sieve_compile, bad_scripts)
{
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		expect_wrong(str_of(bad[i].text), bad[i].line, bad[i].piece);
}

Test(sieve_compile, line_ends_are_counted_alike)
{
	expect_wrong(STR("keep;\r\n/*\r\n*/\r\n# x\r\nfoo;"), 5, "foo");
	expect_wrong(STR("keep;\n/*\n*/\n# x\nfoo;"), 5, "foo");
	expect_wrong(
	    STR("require \"reject\";\nreject \"a\nb\\\n\";\nfoo;"), 5, "foo");
	expect_wrong(
	    STR("require \"reject\";\nreject text:\na\n.\n;\nfoo;"), 6, "foo");
}

Test(sieve_compile, zero_octets_are_refused)
{
	expect_wrong(str_n("keep;\n\0", 7), 2, "value zero");
	expect_wrong(str_n("# \0", 3), 1, "value zero");
	expect_wrong(str_n("keep;\n\"a\0b\"", 11), 2, "value zero");
}

/* The first string of the first argument of the last command. */
static void
expect_string(const char *text, const char *want)
{
	struct sieve_script *s = must_compile(text);
	const struct sieve_node *n = s->first;

	while (n->next != NULL)
		n = n->next;
	cr_expect(str_is(n->arg[0].string[0], want), "%s: %.*s", text,
	    STR_ARG(n->arg[0].string[0]));
	sieve_script_free(&s);
}

Test(sieve_compile, strings)
{
#define REJECT "require [\"reject\", \"encoded-character\"]; reject "
	expect_string(REJECT "\"a\\\"\\\\\\n\";", "a\"\\n");
	expect_string(REJECT "\"a\nb\r\nc\";", "a\r\nb\r\nc");
	expect_string(REJECT "text:\n.\n;", "");
	expect_string(REJECT "text: # x\na\n..b\r\n.c\n...\n.\n;",
	    "a\r\n.b\r\n.c\r\n..\r\n");
	expect_string(REJECT "text:\n\n.\n;", "\r\n");
	/* RFC 5228, 2.4.2.4 */
	expect_string(REJECT "\"$${hex:40}\";", "$@");
	expect_string(REJECT "\"${hex: 40 }\";", "@");
	expect_string(REJECT "\"${HEX: 40}\";", "@");
	expect_string(REJECT "\"${hex:40\";", "${hex:40");
	expect_string(REJECT "\"${hex:400}\";", "${hex:400}");
	expect_string(REJECT "\"${hex:4${hex:30}}\";", "${hex:40}");
	expect_string(REJECT "\"${unicode:40}\";", "@");
	expect_string(REJECT "\"${ unicode:40}\";", "${ unicode:40}");
	expect_string(REJECT "\"${UNICODE:40}\";", "@");
	expect_string(REJECT "\"${UnICoDE:0000040}\";", "@");
	expect_string(REJECT "\"${Unicode:40}\";", "@");
	expect_string(REJECT "\"${Unicode:Cool}\";", "${Unicode:Cool}");
	expect_string(REJECT "\"${unicode:e4 20AC\r\n\t1f600 }\";",
	    "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80");
	expect_string("require \"reject\"; reject \"${hex:40}\";", "${hex:40}");
}

Test(sieve_compile, tags_and_their_values)
{
	struct sieve_script *s = must_compile(
	    "require [\"vacation\", \"relational\", \"body\"];\n"
	    "vacation :mime :days 2k :addresses [\"a\", \"b\"] \"x\";\n"
	    "if header :count \"ne\" \"a\" \"1\" {}\n"
	    "if header :value \"le\" \"a\" \"1\" {}\n"
	    "if not body :contains \"a\" {}");
	const struct sieve_node *n = s->first->next;

	cr_expect(sieve_has_tag(n, TAG_MIME));
	cr_expect_not(sieve_has_tag(n, TAG_FROM));
	cr_expect_null(sieve_tag_value(n, TAG_FROM));
	cr_expect_eq(sieve_tag_value(n, TAG_DAYS)->number, 2048);
	cr_expect_eq(sieve_tag_value(n, TAG_ADDRESSES)->strings, 2);
	cr_expect_eq(n->args, 1);
	n = n->next;
	cr_expect_eq(n->test->match, MATCH_COUNT);
	cr_expect_eq(n->test->relation, REL_NE);
	cr_expect_eq(n->test->comparator, COMP_ASCII_NUMERIC);
	n = n->next;
	cr_expect_eq(n->test->match, MATCH_VALUE);
	cr_expect_eq(n->test->relation, REL_LE);
	cr_expect_eq(n->test->comparator, COMP_ASCII_CASEMAP);
	cr_expect(sieve_needs_body(s));
	sieve_script_free(&s);
}

/* RFC 5463, 4: what is not there becomes an error of the run. */
Test(sieve_compile, ihave_leaves_it_to_the_run)
{
	struct sieve_script *s = must_compile(
	    "require \"ihave\";\n"
	    "if anyof(ihave [\"copy\", \"none\"], foo :x 1) {\n"
	    "  bar { keep; }\n  redirect :copy \"a@b.c\"; }\n"
	    "if ihave \"variables\" { set \"a\" \"b\"; }");
	const struct sieve_node *n = s->first->next, *t = n->test->test;

	cr_expect_eq(t->command->op, OP_IHAVE);
	cr_expect_eq(t->next->command->op, OP_ERROR);
	cr_expect(t->next->command->is_test);
	cr_expect_eq(n->block->command->op, OP_ERROR);
	cr_expect_eq(n->block->line, 3);
	cr_expect_eq(n->block->args, 1);
	cr_expect(
	    str_is(n->block->arg[0].string[0], "unknown command \"bar\""));
	cr_expect_null(n->block->block);
	/* All of the list or nothing. */
	cr_expect_eq(n->block->next->command->op, OP_ERROR);
	cr_expect_not(s->required[EXT_COPY]);
	/* Never what changes how strings are read. */
	cr_expect_eq(n->next->block->command->op, OP_ERROR);
	cr_expect_not(s->required[EXT_VARIABLES]);
	sieve_script_free(&s);
}

/* n times the one, then n times the other. */
static struct pst_str
nested(struct buf *b, const char *open, const char *middle, const char *close,
    size_t n)
{
	buf_init(b, 1 << 20);
	for (size_t i = 0; i < n; i++)
		(void)buf_puts(b, open);
	(void)buf_puts(b, middle);
	for (size_t i = 0; i < n; i++)
		(void)buf_puts(b, close);
	return buf_str(b);
}

/* As deep as it may be, one deeper, and very deep. */
static void
expect_depth(const char *before, const char *open, const char *middle,
    const char *close, const char *after, unsigned most)
{
	const size_t depths[] = { most, most + 1, 20000 };

	for (size_t i = 0; i < 3; i++) {
		struct buf b, all;
		struct sieve_problem p;
		struct sieve_script *s;

		buf_init(&all, 1 << 20);
		(void)buf_puts(&all, before);
		(void)buf_add_str(
		    &all, nested(&b, open, middle, close, depths[i]));
		(void)buf_puts(&all, after);
		s = compile(buf_str(&all), &p);
		cr_expect_eq(s != NULL, i == 0, "%s: %s", open, p.text);
		cr_expect_eq(strstr(p.text, "deep") != NULL, i > 0);
		sieve_script_free(&s);
		buf_fini(&b);
		buf_fini(&all);
	}
}

Test(sieve_compile, nesting_has_a_limit)
{
	unsigned most = sieve_limits_default.depth;

	expect_depth("", "if true {", "keep;", "}", "", most);
	expect_depth("if ", "not ", "true", "", " {}", most - 1);
	expect_depth("if ", "anyof(true,", "true", ")", " {}", most - 1);
	/* RFC 5228, 2.10.7: 15 of each at least, whatever the other does. */
	expect_depth("", "if not not anyof(true) {", "keep;", "}", "", most);
}

/* Whatever there is a lot of, it is read in one pass, and refused or not. */
Test(sieve_compile, lots_of_one_thing)
{
	static const char *const pieces[] = { "(", ")", "{", "}", "[", "]",
		"\"", "\\", "/*", "*/", "#", ":", ",", "if ", "if not ",
		"if allof(", "keep ", "text:\n", "text:\n.\n", "\"a\",",
		"[\"a\",", "a", "1", "if true {", "$", "${", "/* */",
		"\"${hex:", "# \n", "\n", "\r\n", ":a ", "\"a\" " };

	for (size_t i = 0; i < sizeof(pieces) / sizeof(*pieces); i++) {
		struct buf b;
		struct sieve_problem p;
		struct sieve_script *s = compile(
		    nested(&b, pieces[i], "", "", 65536 / strlen(pieces[i])),
		    &p);

		cr_expect(s != NULL || p.text[0] != '\0');
		sieve_script_free(&s);
		buf_fini(&b);
	}
}

Test(sieve_compile, long_lists_and_scripts)
{
	struct buf b, all;
	struct sieve_script *s;

	s = must_compile(
	    (nested(&b, "keep;", "stop;", "", 10000), buf_putc(&b, '\0'), b.p));
	sieve_script_free(&s);
	buf_fini(&b);
	buf_init(&all, 1 << 20);
	(void)buf_puts(&all, "if header \"a\" [");
	(void)buf_add_str(
	    &all, nested(&b, "\"${hex:40}\",", "\"b\"", "", 9999));
	(void)buf_puts(&all, "] {}");
	(void)buf_putc(&all, '\0');
	s = must_compile(all.p);
	cr_expect_eq(s->first->test->arg[1].strings, 10000);
	sieve_script_free(&s);
	buf_fini(&b);
	buf_fini(&all);
}

Test(sieve_compile, the_size_has_a_limit)
{
	struct sieve_limits limits = sieve_limits_default;
	struct sieve_problem p;
	struct sieve_script *s;

	limits.script_size = 10;
	s = sieve_compile(STR("keep;keep;"), &limits, &p);
	cr_expect_not_null(s);
	sieve_script_free(&s);
	s = sieve_compile(STR("keep;keep; "), &limits, &p);
	cr_expect_null(s);
	cr_expect_eq(p.line, 0);
	cr_expect_str_eq(
	    p.text, "the script has 11 octets; at most 10 are allowed");
}

/* What a message quotes of the script is cut, and never within a character. */
Test(sieve_compile, problems_are_short)
{
	struct buf b, all;

	buf_init(&all, 1 << 20);
	(void)buf_puts(&all, "\n\"");
	(void)buf_add_str(&all, nested(&b, "a\n", "", "\xe2\x82\xac", 999));
	(void)buf_puts(&all, "\";");
	expect_wrong(buf_str(&all), 2, "where a command should be");
	buf_fini(&b);
	buf_fini(&all);
	expect_wrong(nested(&b, "abcdefghij", ";", "", 999), 1, "unknown");
	buf_fini(&b);
}

Test(sieve_compile, names_of_extensions)
{
	const char *const *v = sieve_extensions();
	size_t n = 0;
	enum sieve_ext ext;

	for (; v[n] != NULL; n++)
		cr_expect(sieve_ext_find(str_of(v[n]), &ext) &&
			  ext == (enum sieve_ext)(n + 1));
	cr_expect_eq(n, EXTS - 1);
	cr_expect_not(sieve_ext_find(STR(""), &ext));
}
