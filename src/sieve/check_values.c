/*
 * sieve/check_values.c - what the arguments of commands and tests say, as far
 * as that is known before a message is there: how is compared, names of parts,
 * addresses, variables. A string with a variable in it may become anything.
 */
#include "sieve/check.h"

#include "base/str.h"
#include "message/address.h"

static bool
is_constant(const struct checker *c, struct pst_str s)
{
	return !sieve_has_variable(c->s, s);
}

static bool
is_one_of(struct pst_str s, const char *const *names)
{
	for (; *names != NULL; names++)
		if (str_is_case(s, *names))
			return true;
	return false;
}

/* --- how it compares ----------------------------------------------------- */

static bool
take_relation(struct checker *c, struct sieve_node *n, struct pst_str name)
{
	static const char *const names[] = { [REL_GT] = "gt",
		[REL_GE] = "ge",
		[REL_LT] = "lt",
		[REL_LE] = "le",
		[REL_EQ] = "eq",
		[REL_NE] = "ne" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (!str_is_case(name, names[i]))
			continue;
		n->relation = (enum sieve_relation)i;
		return true;
	}
	return sieve_wrong(c->problem, n->line,
	    "\"%.*s\" is no relation; these are: gt, ge, lt, le, eq, ne",
	    NAME_ARG(name));
}

static bool
take_comparator(struct checker *c, struct sieve_node *n, struct pst_str name)
{
	static const struct {
		const char *name;
		enum sieve_comparator is;
		enum sieve_ext ext;
	} known[] = {
		{ "i;ascii-casemap", COMP_ASCII_CASEMAP, EXT_NONE },
		{ "i;octet", COMP_OCTET, EXT_NONE },
		{ "i;ascii-numeric", COMP_ASCII_NUMERIC, EXT_ASCII_NUMERIC },
		{ "i;unicode-casemap", COMP_UNICODE_CASEMAP,
		    EXT_UNICODE_CASEMAP },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		if (!str_is(name, known[i].name))
			continue;
		n->comparator = known[i].is;
		if (known[i].ext == EXT_NONE || c->s->required[known[i].ext])
			return true;
		c->soft = true;
		return sieve_wrong(c->problem, n->line,
		    "the comparator \"%s\" needs require \"%s\" at the "
		    "beginning of the script",
		    known[i].name, sieve_ext_name(known[i].ext));
	}
	c->soft = true;
	return sieve_wrong(c->problem, n->line,
	    "\"%.*s\" is no comparator that is known here", NAME_ARG(name));
}

static bool
take_comparison(
    struct checker *c, struct sieve_node *n, const struct sieve_tagged *t)
{
	switch (t->tag) {
	case TAG_IS:
		n->match = MATCH_IS;
		return true;
	case TAG_CONTAINS:
		n->match = MATCH_CONTAINS;
		return true;
	case TAG_MATCHES:
		n->match = MATCH_MATCHES;
		return true;
	case TAG_COUNT:
		n->match = MATCH_COUNT;
		return take_relation(c, n, t->value.string[0]);
	case TAG_VALUE:
		n->match = MATCH_VALUE;
		return take_relation(c, n, t->value.string[0]);
	case TAG_COMPARATOR:
		return take_comparator(c, n, t->value.string[0]);
	case TAG_ALL:
	case TAG_LOCALPART:
	case TAG_DOMAIN:
	case TAG_USER:
	case TAG_DETAIL:
		n->part = t->tag;
		return true;
	default:
		return true;
	}
}

/* RFC 5228, 2.7; RFC 5231. */
static bool
check_comparison(struct checker *c, struct sieve_node *n)
{
	n->match = MATCH_IS;
	n->relation = REL_EQ;
	n->comparator = COMP_ASCII_CASEMAP;
	n->part = TAG_ALL;
	for (size_t i = 0; i < n->tags; i++)
		if (!take_comparison(c, n, &n->tagged[i]))
			return false;
	/* How many there are is a number, said or not. */
	if (n->match == MATCH_COUNT && !sieve_has_tag(n, TAG_COMPARATOR))
		n->comparator = COMP_ASCII_NUMERIC;
	/* RFC 4790, 9.1.1: it knows no parts of strings. */
	if (n->comparator == COMP_ASCII_NUMERIC &&
	    (n->match == MATCH_CONTAINS || n->match == MATCH_MATCHES))
		return sieve_wrong(c->problem, n->line,
		    "numbers are compared by \":is\", \":value\" or "
		    "\":count\"; \"i;ascii-numeric\" knows no \":%s\"",
		    n->match == MATCH_CONTAINS ? "contains" : "matches");
	return true;
}

/* --- tags that go with many ---------------------------------------------- */

/* RFC 5260, 4.1 */
static bool
check_zone(struct checker *c, const struct sieve_node *n)
{
	const struct sieve_value *v = sieve_tag_value(n, TAG_ZONE);
	struct pst_str zone;
	uint32_t number;

	if (v == NULL || !is_constant(c, v->string[0]))
		return true;
	zone = v->string[0];
	if (zone.n == 5 && (zone.p[0] == '+' || zone.p[0] == '-') &&
	    str_to_u32(str_from(zone, 1), &number))
		return true;
	return sieve_wrong(c->problem, n->line,
	    "\"%.*s\" is no time zone; one is written as \"+0100\" or "
	    "\"-0500\"",
	    NAME_ARG(zone));
}

/* RFC 5260, 6 */
static bool
check_index(struct checker *c, const struct sieve_node *n)
{
	const struct sieve_value *v = sieve_tag_value(n, TAG_INDEX);

	if (v != NULL && v->number == 0)
		return sieve_wrong(
		    c->problem, n->line, "\":index\" counts from 1");
	if (v == NULL && n->command->op != OP_DUPLICATE &&
	    sieve_has_tag(n, TAG_LAST))
		return sieve_wrong(c->problem, n->line,
		    "\":last\" goes only together with \":index\"");
	return true;
}

/* RFC 8579; "\Junk" in quotes loses its backslash. */
static bool
check_use(struct checker *c, const struct sieve_node *n, struct pst_str use)
{
	if (!is_constant(c, use) || (use.n > 1 && use.p[0] == '\\'))
		return true;
	return sieve_wrong(c->problem, n->line,
	    "a special use begins with a backslash, which in quotes is "
	    "written twice: \"\\\\%.*s\"",
	    NAME_ARG(use));
}

/* --- arguments -------------------------------------------------------------
 */

/* RFC 5228, 2.4.2.3: an address, or a name with one in angle brackets. */
static bool
is_address(struct checker *c, struct pst_str text)
{
	struct pst_str local, domain;
	struct msg_address *a;
	size_t from;

	text = str_trim(text);
	if (msg_smtp_mailbox(c->s->arena, text, true, &local, &domain))
		return true;
	if (text.n == 0 || text.p[text.n - 1] != '>')
		return false;
	a = msg_addresses(c->s->arena, text, 2);
	if (a == NULL || a->next != NULL || a->kind != MSG_ADDRESS ||
	    a->host.p == NULL || a->route.p != NULL)
		return false;
	for (from = text.n - 1; from > 0 && text.p[from - 1] != '<';)
		from--;
	text = str_n(text.p + from, text.n - 1 - from);
	return msg_smtp_mailbox(c->s->arena, text, true, &local, &domain);
}

static bool
check_address(struct checker *c, unsigned line, struct pst_str text)
{
	if (!is_constant(c, text) || is_address(c, text))
		return true;
	return sieve_wrong(
	    c->problem, line, "\"%.*s\" is no mail address", NAME_ARG(text));
}

/* By ${hex:…} there can be anything in it. */
static bool
check_text(struct checker *c, unsigned line, struct pst_str text)
{
	if (str_is_utf8(text) && memchr(text.p, '\0', text.n) == NULL)
		return true;
	return sieve_wrong(
	    c->problem, line, "the text has characters that cannot be sent");
}

static bool
is_field_name(struct pst_str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] > '~' || s.p[i] == ':')
			return false;
	return s.n > 0;
}

/*
 * RFC 5228, 5.1: the test is for fields with addresses. What cannot be the name
 * of a field is no error (2.4.2.2); it is in no message.
 */
static bool
check_address_fields(struct checker *c, const struct sieve_node *n)
{
	static const char *const names[] = { "from", "to", "cc", "bcc",
		"sender", "reply-to", "resent-from", "resent-to", "resent-cc",
		"resent-bcc", "resent-sender", "resent-reply-to", "return-path",
		"delivered-to", "x-original-to", "x-delivered-to",
		"envelope-to", "x-envelope-to", "envelope-from",
		"x-envelope-from", "apparently-to", "errors-to", "author",
		"mail-followup-to", "mail-reply-to", "return-receipt-to",
		"disposition-notification-to", "x-forwarded-to",
		"x-forwarded-for", NULL };

	for (size_t i = 0; i < n->arg[0].strings; i++) {
		struct pst_str name = n->arg[0].string[i];

		if (is_constant(c, name) && is_field_name(name) &&
		    !is_one_of(name, names))
			return sieve_wrong(c->problem, n->line,
			    "\"%.*s\" is no field of addresses; \"header\" "
			    "tests other fields",
			    NAME_ARG(name));
	}
	return true;
}

/* RFC 5228, 5.4 */
static bool
check_envelope_parts(struct checker *c, const struct sieve_node *n)
{
	static const char *const names[] = { "from", "to", "auth", NULL };

	for (size_t i = 0; i < n->arg[0].strings; i++) {
		struct pst_str name = n->arg[0].string[i];

		if (is_constant(c, name) && !is_one_of(name, names))
			return sieve_wrong(c->problem, n->line,
			    "\"%.*s\" is no part of the envelope; these are: "
			    "from, to, auth",
			    NAME_ARG(name));
	}
	return true;
}

/* RFC 5260, 4.2 */
static bool
check_date_part(
    struct checker *c, const struct sieve_node *n, struct pst_str part)
{
	static const char *const names[] = { "year", "month", "day", "date",
		"julian", "hour", "minute", "second", "time", "iso8601",
		"std11", "zone", "weekday", NULL };

	if (!is_constant(c, part) || is_one_of(part, names))
		return true;
	return sieve_wrong(c->problem, n->line,
	    "\"%.*s\" is no part of a date; these are: year, month, day, "
	    "date, julian, hour, minute, second, time, iso8601, std11, zone, "
	    "weekday",
	    NAME_ARG(part));
}

static bool
check_variable(struct checker *c, const struct sieve_node *n,
    struct pst_str name, bool plain)
{
	if (sieve_is_variable(c->s, name, plain))
		return true;
	return sieve_wrong(c->problem, n->line,
	    "\"%.*s\" is no name of a variable; one has letters, digits and "
	    "\"_\", and no digit first",
	    NAME_ARG(name));
}

/* RFC 5232: lists of flags in variables need variables. */
static bool
check_flag_variables(struct checker *c, const struct sieve_node *n)
{
	if (n->args < 2)
		return true;
	if (!c->s->required[EXT_VARIABLES])
		return sieve_wrong(c->problem, n->line,
		    "\"%s\" with the name of a variable needs require "
		    "\"variables\" at the beginning of the script",
		    n->command->name);
	for (size_t i = 0; i < n->arg[0].strings; i++)
		if (!check_variable(c, n, n->arg[0].string[i], false))
			return false;
	return true;
}

/* RFC 6609, 3.4.1 */
static bool
check_global(struct checker *c, const struct sieve_node *n)
{
	if (!c->s->required[EXT_VARIABLES])
		return sieve_wrong(c->problem, n->line,
		    "\"global\" needs require \"variables\" as well as "
		    "\"include\" at the beginning of the script");
	for (size_t i = 0; i < n->arg[0].strings; i++)
		if (!check_variable(c, n, n->arg[0].string[i], true))
			return false;
	return true;
}

/* RFC 6609, 3.2 */
static bool
check_include(struct checker *c, const struct sieve_node *n)
{
	struct pst_str name = n->arg[0].string[0];

	c->s->needs_body = true; /* the other script may */
	if (name.n == 0)
		return sieve_wrong(c->problem, n->line,
		    "the name of the script to include is empty");
	if (!is_constant(c, name))
		return sieve_wrong(c->problem, n->line,
		    "\"include\" takes the name of a script as it is, without "
		    "variables");
	return check_text(c, n->line, name);
}

static bool
check_fileinto(struct checker *c, const struct sieve_node *n)
{
	const struct sieve_value *use = sieve_tag_value(n, TAG_SPECIALUSE);

	if (n->arg[0].string[0].n == 0)
		return sieve_wrong(
		    c->problem, n->line, "the name of the mailbox is empty");
	if (use != NULL && !check_use(c, n, use->string[0]))
		return false;
	return check_text(c, n->line, n->arg[0].string[0]);
}

static bool
check_specialuse_exists(struct checker *c, const struct sieve_node *n)
{
	const struct sieve_value *v = &n->arg[n->args - 1];

	for (size_t i = 0; i < v->strings; i++)
		if (!check_use(c, n, v->string[i]))
			return false;
	return true;
}

/* RFC 5230, 4 */
static bool
check_vacation(struct checker *c, const struct sieve_node *n)
{
	const struct sieve_value *from = sieve_tag_value(n, TAG_FROM),
				 *subject = sieve_tag_value(n, TAG_SUBJECT);

	if (from != NULL && !check_address(c, n->line, from->string[0]))
		return false;
	if (subject != NULL &&
	    str_find(subject->string[0], '\n') < subject->string[0].n)
		return sieve_wrong(c->problem, n->line,
		    "the subject of \"vacation\" is more than one line");
	return (subject == NULL ||
		   check_text(c, n->line, subject->string[0])) &&
	       check_text(c, n->line, n->arg[0].string[0]);
}

static bool
check_size(struct checker *c, const struct sieve_node *n)
{
	if (n->tags > 0)
		return true;
	return sieve_wrong(c->problem, n->line,
	    "behind \"size\" comes \":over\" or \":under\"");
}

static bool
check_by_command(struct checker *c, struct sieve_node *n)
{
	switch (n->command->op) {
	case OP_ADDRESS:
		return check_address_fields(c, n);
	case OP_ENVELOPE:
		return check_envelope_parts(c, n);
	case OP_BODY:
		c->s->needs_body = true;
		return true;
	case OP_SIZE:
		return check_size(c, n);
	case OP_DATE:
		return check_date_part(c, n, n->arg[1].string[0]);
	case OP_CURRENTDATE:
		return check_date_part(c, n, n->arg[0].string[0]);
	case OP_SET:
		return check_variable(c, n, n->arg[0].string[0], false);
	case OP_SETFLAG:
	case OP_ADDFLAG:
	case OP_REMOVEFLAG:
	case OP_HASFLAG:
		return check_flag_variables(c, n);
	case OP_GLOBAL:
		return check_global(c, n);
	case OP_INCLUDE:
		return check_include(c, n);
	case OP_FILEINTO:
		return check_fileinto(c, n);
	case OP_REDIRECT:
		return check_address(c, n->line, n->arg[0].string[0]);
	case OP_REJECT:
	case OP_EREJECT:
		return check_text(c, n->line, n->arg[0].string[0]);
	case OP_VACATION:
		return check_vacation(c, n);
	case OP_SPECIALUSE_EXISTS:
		return check_specialuse_exists(c, n);
	default:
		return true;
	}
}

bool
sieve_check_values(struct checker *c, struct sieve_node *n)
{
	return check_comparison(c, n) && check_zone(c, n) &&
	       check_index(c, n) && check_by_command(c, n);
}
