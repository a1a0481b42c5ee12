/*
 * sieve/commands.c - the words of the language: extensions, tags, commands and
 * tests, and what each takes. All else of the compiler is about grammar.
 */
#include "sieve/words.h"

#include "base/str.h"

#define BIT(tag) (UINT64_C(1) << (tag))

/* RFC 5228, 2.7.1 and 2.7.3; RFC 5231. */
#define MATCH                                                                  \
	(BIT(TAG_IS) | BIT(TAG_CONTAINS) | BIT(TAG_MATCHES) | BIT(TAG_COUNT) | \
	    BIT(TAG_VALUE) | BIT(TAG_COMPARATOR))
/* RFC 5228, 2.7.4; RFC 5233. */
#define PART                                                                   \
	(BIT(TAG_ALL) | BIT(TAG_LOCALPART) | BIT(TAG_DOMAIN) | BIT(TAG_USER) | \
	    BIT(TAG_DETAIL))
#define INDEX (BIT(TAG_INDEX) | BIT(TAG_LAST)) /* RFC 5260, 6 */

static const struct sieve_command commands[] = {
	{ "addflag", OP_ADDFLAG, false, { EXT_IMAP4FLAGS }, "Sl", 0, TESTS_NONE,
	    false },
	{ "discard", OP_DISCARD, false, { EXT_NONE }, "", 0, TESTS_NONE,
	    false },
	{ "else", OP_ELSE, false, { EXT_NONE }, "", 0, TESTS_NONE, true },
	{ "elsif", OP_ELSIF, false, { EXT_NONE }, "", 0, TESTS_ONE, true },
	{ "ereject", OP_EREJECT, false, { EXT_EREJECT }, "s", 0, TESTS_NONE,
	    false },
	{ "error", OP_ERROR, false, { EXT_IHAVE }, "s", 0, TESTS_NONE, false },
	{ "fileinto", OP_FILEINTO, false, { EXT_FILEINTO }, "s",
	    BIT(TAG_COPY) | BIT(TAG_CREATE) | BIT(TAG_FLAGS) |
		BIT(TAG_SPECIALUSE),
	    TESTS_NONE, false },
	{ "global", OP_GLOBAL, false, { EXT_INCLUDE }, "l", 0, TESTS_NONE,
	    false },
	{ "if", OP_IF, false, { EXT_NONE }, "", 0, TESTS_ONE, true },
	{ "include", OP_INCLUDE, false, { EXT_INCLUDE }, "s",
	    BIT(TAG_PERSONAL) | BIT(TAG_GLOBAL) | BIT(TAG_ONCE) |
		BIT(TAG_OPTIONAL),
	    TESTS_NONE, false },
	{ "keep", OP_KEEP, false, { EXT_NONE }, "", BIT(TAG_FLAGS), TESTS_NONE,
	    false },
	{ "redirect", OP_REDIRECT, false, { EXT_NONE }, "s", BIT(TAG_COPY),
	    TESTS_NONE, false },
	{ "reject", OP_REJECT, false, { EXT_REJECT }, "s", 0, TESTS_NONE,
	    false },
	{ "removeflag", OP_REMOVEFLAG, false, { EXT_IMAP4FLAGS }, "Sl", 0,
	    TESTS_NONE, false },
	{ "require", OP_REQUIRE, false, { EXT_NONE }, "l", 0, TESTS_NONE,
	    false },
	{ "return", OP_RETURN, false, { EXT_INCLUDE }, "", 0, TESTS_NONE,
	    false },
	{ "set", OP_SET, false, { EXT_VARIABLES }, "ss",
	    BIT(TAG_LOWER) | BIT(TAG_UPPER) | BIT(TAG_LOWERFIRST) |
		BIT(TAG_UPPERFIRST) | BIT(TAG_QUOTEWILDCARD) | BIT(TAG_LENGTH),
	    TESTS_NONE, false },
	{ "setflag", OP_SETFLAG, false, { EXT_IMAP4FLAGS }, "Sl", 0, TESTS_NONE,
	    false },
	{ "stop", OP_STOP, false, { EXT_NONE }, "", 0, TESTS_NONE, false },
	{ "vacation", OP_VACATION, false,
	    { EXT_VACATION, EXT_VACATION_SECONDS }, "s",
	    BIT(TAG_DAYS) | BIT(TAG_SECONDS) | BIT(TAG_SUBJECT) |
		BIT(TAG_FROM) | BIT(TAG_ADDRESSES) | BIT(TAG_MIME) |
		BIT(TAG_HANDLE),
	    TESTS_NONE, false },
}; /* sorted, as tests[] */

static const struct sieve_command tests[] = {
	{ "address", OP_ADDRESS, true, { EXT_NONE }, "ll", MATCH | PART | INDEX,
	    TESTS_NONE, false },
	{ "allof", OP_ALLOF, true, { EXT_NONE }, "", 0, TESTS_LIST, false },
	{ "anyof", OP_ANYOF, true, { EXT_NONE }, "", 0, TESTS_LIST, false },
	{ "body", OP_BODY, true, { EXT_BODY }, "l",
	    MATCH | BIT(TAG_RAW) | BIT(TAG_CONTENT) | BIT(TAG_TEXT), TESTS_NONE,
	    false },
	{ "currentdate", OP_CURRENTDATE, true, { EXT_DATE }, "sl",
	    MATCH | BIT(TAG_ZONE), TESTS_NONE, false },
	{ "date", OP_DATE, true, { EXT_DATE }, "ssl",
	    MATCH | INDEX | BIT(TAG_ZONE) | BIT(TAG_ORIGINALZONE), TESTS_NONE,
	    false },
	{ "duplicate", OP_DUPLICATE, true, { EXT_DUPLICATE }, "",
	    BIT(TAG_HANDLE) | BIT(TAG_HEADER) | BIT(TAG_UNIQUEID) |
		BIT(TAG_SECONDS) | BIT(TAG_LAST),
	    TESTS_NONE, false },
	{ "envelope", OP_ENVELOPE, true, { EXT_ENVELOPE }, "ll", MATCH | PART,
	    TESTS_NONE, false },
	{ "environment", OP_ENVIRONMENT, true, { EXT_ENVIRONMENT }, "sl", MATCH,
	    TESTS_NONE, false },
	{ "exists", OP_EXISTS, true, { EXT_NONE }, "l", 0, TESTS_NONE, false },
	{ "false", OP_FALSE, true, { EXT_NONE }, "", 0, TESTS_NONE, false },
	{ "hasflag", OP_HASFLAG, true, { EXT_IMAP4FLAGS }, "Ll", MATCH,
	    TESTS_NONE, false },
	{ "header", OP_HEADER, true, { EXT_NONE }, "ll", MATCH | INDEX,
	    TESTS_NONE, false },
	{ "ihave", OP_IHAVE, true, { EXT_IHAVE }, "l", 0, TESTS_NONE, false },
	{ "mailboxexists", OP_MAILBOXEXISTS, true, { EXT_MAILBOX }, "l", 0,
	    TESTS_NONE, false },
	{ "metadata", OP_METADATA, true, { EXT_MBOXMETADATA }, "ssl", MATCH,
	    TESTS_NONE, false },
	{ "metadataexists", OP_METADATAEXISTS, true, { EXT_MBOXMETADATA }, "sl",
	    0, TESTS_NONE, false },
	{ "not", OP_NOT, true, { EXT_NONE }, "", 0, TESTS_ONE, false },
	{ "servermetadata", OP_SERVERMETADATA, true, { EXT_SERVERMETADATA },
	    "sl", MATCH, TESTS_NONE, false },
	{ "servermetadataexists", OP_SERVERMETADATAEXISTS, true,
	    { EXT_SERVERMETADATA }, "l", 0, TESTS_NONE, false },
	{ "size", OP_SIZE, true, { EXT_NONE }, "n",
	    BIT(TAG_OVER) | BIT(TAG_UNDER), TESTS_NONE, false },
	{ "spamtest", OP_SPAMTEST, true, { EXT_SPAMTEST, EXT_SPAMTESTPLUS },
	    "s", MATCH | BIT(TAG_PERCENT), TESTS_NONE, false },
	{ "specialuse_exists", OP_SPECIALUSE_EXISTS, true, { EXT_SPECIAL_USE },
	    "Sl", 0, TESTS_NONE, false },
	{ "string", OP_STRING, true, { EXT_VARIABLES }, "ll", MATCH, TESTS_NONE,
	    false },
	{ "true", OP_TRUE, true, { EXT_NONE }, "", 0, TESTS_NONE, false },
	{ "virustest", OP_VIRUSTEST, true, { EXT_VIRUSTEST }, "s", MATCH,
	    TESTS_NONE, false },
};

/* What check.c puts in place of a test that only `ihave` can guard. */
const struct sieve_command sieve_error_test = { "error", OP_ERROR, true,
	{ EXT_IHAVE }, "s", 0, TESTS_NONE, false };

static const struct sieve_tag_word tag_words[TAGS] = {
	[TAG_IS] = { "is", 0, EXT_NONE, GROUP_MATCH },
	[TAG_CONTAINS] = { "contains", 0, EXT_NONE, GROUP_MATCH },
	[TAG_MATCHES] = { "matches", 0, EXT_NONE, GROUP_MATCH },
	[TAG_COUNT] = { "count", 's', EXT_RELATIONAL, GROUP_MATCH },
	[TAG_VALUE] = { "value", 's', EXT_RELATIONAL, GROUP_MATCH },
	[TAG_COMPARATOR] = { "comparator", 's', EXT_NONE, GROUP_NONE },
	[TAG_ALL] = { "all", 0, EXT_NONE, GROUP_PART },
	[TAG_LOCALPART] = { "localpart", 0, EXT_NONE, GROUP_PART },
	[TAG_DOMAIN] = { "domain", 0, EXT_NONE, GROUP_PART },
	[TAG_USER] = { "user", 0, EXT_SUBADDRESS, GROUP_PART },
	[TAG_DETAIL] = { "detail", 0, EXT_SUBADDRESS, GROUP_PART },
	[TAG_OVER] = { "over", 0, EXT_NONE, GROUP_SIZE },
	[TAG_UNDER] = { "under", 0, EXT_NONE, GROUP_SIZE },
	[TAG_COPY] = { "copy", 0, EXT_COPY, GROUP_NONE },
	[TAG_CREATE] = { "create", 0, EXT_MAILBOX, GROUP_NONE },
	[TAG_FLAGS] = { "flags", 'l', EXT_IMAP4FLAGS, GROUP_NONE },
	[TAG_SPECIALUSE] = { "specialuse", 's', EXT_SPECIAL_USE, GROUP_NONE },
	[TAG_INDEX] = { "index", 'n', EXT_INDEX, GROUP_NONE },
	[TAG_LAST] = { "last", 0, EXT_NONE, GROUP_NONE },
	[TAG_RAW] = { "raw", 0, EXT_NONE, GROUP_BODY },
	[TAG_CONTENT] = { "content", 'l', EXT_NONE, GROUP_BODY },
	[TAG_TEXT] = { "text", 0, EXT_NONE, GROUP_BODY },
	[TAG_ZONE] = { "zone", 's', EXT_NONE, GROUP_ZONE },
	[TAG_ORIGINALZONE] = { "originalzone", 0, EXT_NONE, GROUP_ZONE },
	[TAG_DAYS] = { "days", 'n', EXT_NONE, GROUP_PERIOD },
	[TAG_SECONDS] = { "seconds", 'n', EXT_NONE, GROUP_PERIOD },
	[TAG_SUBJECT] = { "subject", 's', EXT_NONE, GROUP_NONE },
	[TAG_FROM] = { "from", 's', EXT_NONE, GROUP_NONE },
	[TAG_ADDRESSES] = { "addresses", 'l', EXT_NONE, GROUP_NONE },
	[TAG_MIME] = { "mime", 0, EXT_NONE, GROUP_NONE },
	[TAG_HANDLE] = { "handle", 's', EXT_NONE, GROUP_NONE },
	[TAG_LOWER] = { "lower", 0, EXT_NONE, GROUP_CASE },
	[TAG_UPPER] = { "upper", 0, EXT_NONE, GROUP_CASE },
	[TAG_LOWERFIRST] = { "lowerfirst", 0, EXT_NONE, GROUP_FIRST },
	[TAG_UPPERFIRST] = { "upperfirst", 0, EXT_NONE, GROUP_FIRST },
	[TAG_QUOTEWILDCARD] = { "quotewildcard", 0, EXT_NONE, GROUP_NONE },
	[TAG_LENGTH] = { "length", 0, EXT_NONE, GROUP_NONE },
	[TAG_PERSONAL] = { "personal", 0, EXT_NONE, GROUP_PLACE },
	[TAG_GLOBAL] = { "global", 0, EXT_NONE, GROUP_PLACE },
	[TAG_ONCE] = { "once", 0, EXT_NONE, GROUP_NONE },
	[TAG_OPTIONAL] = { "optional", 0, EXT_NONE, GROUP_NONE },
	[TAG_HEADER] = { "header", 's', EXT_NONE, GROUP_ID },
	[TAG_UNIQUEID] = { "uniqueid", 's', EXT_NONE, GROUP_ID },
	[TAG_PERCENT] = { "percent", 0, EXT_SPAMTESTPLUS, GROUP_NONE },
};

static const char *const ext_names[EXTS + 1] = {
	[EXT_NONE] = "",
	[EXT_FILEINTO] = "fileinto",
	[EXT_ENVELOPE] = "envelope",
	[EXT_ENCODED_CHARACTER] = "encoded-character",
	[EXT_OCTET] = "comparator-i;octet",
	[EXT_ASCII_CASEMAP] = "comparator-i;ascii-casemap",
	[EXT_ASCII_NUMERIC] = "comparator-i;ascii-numeric",
	[EXT_UNICODE_CASEMAP] = "comparator-i;unicode-casemap",
	[EXT_REJECT] = "reject",
	[EXT_EREJECT] = "ereject",
	[EXT_COPY] = "copy",
	[EXT_IMAP4FLAGS] = "imap4flags",
	[EXT_BODY] = "body",
	[EXT_ENVIRONMENT] = "environment",
	[EXT_VARIABLES] = "variables",
	[EXT_VACATION] = "vacation",
	[EXT_VACATION_SECONDS] = "vacation-seconds",
	[EXT_RELATIONAL] = "relational",
	[EXT_SUBADDRESS] = "subaddress",
	[EXT_SPAMTEST] = "spamtest",
	[EXT_SPAMTESTPLUS] = "spamtestplus",
	[EXT_VIRUSTEST] = "virustest",
	[EXT_DATE] = "date",
	[EXT_INDEX] = "index",
	[EXT_IHAVE] = "ihave",
	[EXT_MAILBOX] = "mailbox",
	[EXT_MBOXMETADATA] = "mboxmetadata",
	[EXT_SERVERMETADATA] = "servermetadata",
	[EXT_INCLUDE] = "include",
	[EXT_DUPLICATE] = "duplicate",
	[EXT_SPECIAL_USE] = "special-use",
	[EXTS] = NULL,
};

const char *const *
sieve_extensions(void)
{
	return ext_names + 1;
}

const struct sieve_command *
sieve_command_find(struct pst_str name, bool test)
{
	const struct sieve_command *in = test ? tests : commands;
	size_t n = test ? sizeof(tests) / sizeof(*tests)
			: sizeof(commands) / sizeof(*commands);

	for (size_t i = 0; i < n; i++)
		if (str_is_case(name, in[i].name))
			return &in[i];
	return NULL;
}

bool
sieve_tag_find(struct pst_str name, uint64_t allowed, enum sieve_tag *tag_r)
{
	for (size_t i = 0; i < TAGS; i++) {
		if ((allowed & BIT(i)) == 0 ||
		    !str_is_case(name, tag_words[i].name))
			continue;
		*tag_r = (enum sieve_tag)i;
		return true;
	}
	return false;
}

const char *
sieve_tag_name(enum sieve_tag tag)
{
	return tag_words[tag].name;
}

const struct sieve_tag_word *
sieve_tag_word(enum sieve_tag tag)
{
	return &tag_words[tag];
}

bool
sieve_ext_find(struct pst_str name, enum sieve_ext *ext_r)
{
	for (size_t i = EXT_NONE + 1; i < EXTS; i++) {
		if (!str_is(name, ext_names[i]))
			continue;
		*ext_r = (enum sieve_ext)i;
		return true;
	}
	return false;
}

const char *
sieve_ext_name(enum sieve_ext ext)
{
	return ext_names[ext];
}

bool
sieve_has_tag(const struct sieve_node *n, enum sieve_tag tag)
{
	for (size_t i = 0; i < n->tags; i++)
		if (n->tagged[i].tag == tag)
			return true;
	return false;
}

const struct sieve_value *
sieve_tag_value(const struct sieve_node *n, enum sieve_tag tag)
{
	for (size_t i = 0; i < n->tags; i++)
		if (n->tagged[i].tag == tag)
			return &n->tagged[i].value;
	return NULL;
}
