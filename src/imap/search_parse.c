/*
 * imap/search_parse.c - search programs (RFC 3501, 6.4.4 and 9). A further
 * key is a row in the table, its reader and its matcher.
 *
 * Members of a group are put in the order of what they cost, so that no file
 * is read for a message that a flag rules out.
 */
#include "base/str.h"
#include "imap/modseq.h"
#include "imap/search.h"
#include "message/content.h"

enum {
	TEXT_MAX = 1 << 20,
	FILTERS_MAX = 5, /* one in the other; RFC 5466, 3.1: at least 3 */
};

struct imap_search_parser {
	struct imap_parser *ps;
	const struct imap_search_grammar *grammar;
	struct imap_search_program *program;
	struct pst_str charset;
	unsigned depth, keys;
	/* How many filters stand around this program, and what follows behind
	 * each that is being read in it. */
	unsigned level, filters;
	struct {
		const char *p, *end;
	} behind[FILTERS_MAX];
};

static bool parse_key(
    struct imap_search_parser *sp, struct imap_search_key **out);

/* --- arguments
 * --------------------------------------------------------------*/

static bool
no_argument(struct imap_search_parser *sp, struct imap_search_key *k)
{
	(void)sp;
	(void)k;
	return true;
}

static bool
date(struct imap_search_parser *sp, struct imap_search_key *k)
{
	return imap_space(sp->ps) && imap_date(sp->ps, &k->number);
}

static bool
number(struct imap_search_parser *sp, struct imap_search_key *k)
{
	uint64_t n;

	if (!imap_space(sp->ps) || !imap_number64(sp->ps, &n))
		return false;
	k->number = n > INT64_MAX ? INT64_MAX : (int64_t)n;
	return true;
}

static bool
interval(struct imap_search_parser *sp, struct imap_search_key *k)
{
	uint32_t n;

	if (!imap_space(sp->ps) || !imap_number(sp->ps, &n))
		return false;
	k->number = n;
	return n > 0 || imap_bad(sp->ps, "Invalid interval");
}

static bool
keyword(struct imap_search_parser *sp, struct imap_search_key *k)
{
	return imap_space(sp->ps) && imap_atom(sp->ps, &k->text);
}

static bool
uid_set(struct imap_search_parser *sp, struct imap_search_key *k)
{
	return imap_space(sp->ps) && imap_sequence_set(sp->ps, &k->text);
}

/* RFC 9738, 3.2 */
static bool
uid_number(struct imap_search_parser *sp, struct imap_search_key *k)
{
	uint32_t n;

	if (!imap_space(sp->ps) || !imap_number(sp->ps, &n))
		return false;
	k->number = n;
	return n > 0 || imap_bad(sp->ps, "Invalid UID");
}

/* [SP entry-name SP entry-type-req] SP mod-sequence-valzer; the entry is not
 * looked at: there is one modseq for all of a message (RFC 7162, 3.1.5). */
static bool
modseq(struct imap_search_parser *sp, struct imap_search_key *k)
{
	struct pst_str entry, type;
	uint64_t n;

	if (!imap_space(sp->ps))
		return false;
	if (imap_peek(sp->ps) == '"') {
		if (!imap_string(sp->ps, &entry) || !imap_space(sp->ps) ||
		    !imap_atom(sp->ps, &type))
			return false;
		if (!str_has_prefix_case(entry, "/flags/") ||
		    (!str_is_case(type, "all") && !str_is_case(type, "priv") &&
			!str_is_case(type, "shared")))
			return imap_bad(sp->ps, "Invalid metadata item");
		if (!imap_space(sp->ps))
			return false;
	}
	if (!imap_modseq(sp->ps, &n))
		return false;
	k->number = (int64_t)n;
	sp->program->has_modseq = true;
	return true;
}

/* RFC 8474, 7; case is significant. */
static bool
object_id(struct imap_search_parser *sp, struct imap_search_key *k)
{
	return imap_space(sp->ps) && imap_word(sp->ps, &k->text);
}

/* In UTF-8 and without case, ready to be compared. */
static bool
text(struct imap_search_parser *sp, struct imap_search_key *k)
{
	struct pst_str raw;
	struct buf utf8, folded;
	bool good;

	if (!imap_space(sp->ps) || !imap_astring(sp->ps, &raw))
		return false;
	buf_init(&utf8, TEXT_MAX);
	buf_init(&folded, TEXT_MAX);
	good = sp->charset.n > 0 ? msg_to_utf8(sp->charset, raw, &utf8)
				 : buf_add_str(&utf8, raw);
	good = good && msg_casefold(buf_str(&utf8), &folded);
	if (good) {
		k->text = arena_copy(sp->ps->arena, buf_str(&folded));
		good = k->text.p != NULL;
	}
	buf_fini(&utf8);
	buf_fini(&folded);
	return good || imap_bad(sp->ps, "Invalid text");
}

static bool
header(struct imap_search_parser *sp, struct imap_search_key *k)
{
	return imap_space(sp->ps) && imap_astring(sp->ps, &k->field) &&
	       text(sp, k);
}

static bool
one_key(struct imap_search_parser *sp, struct imap_search_key *k)
{
	if (!imap_space(sp->ps) || !parse_key(sp, &k->child))
		return false;
	k->cost = k->child->cost;
	return true;
}

static bool
fuzzy(struct imap_search_parser *sp, struct imap_search_key *k)
{
	sp->program->has_fuzzy = true;
	return one_key(sp, k);
}

/* Cheap ones first, else in the order given. */
static void
add_member(struct imap_search_key *group, struct imap_search_key *k)
{
	struct imap_search_key **at = &group->child;

	while (*at != NULL && (*at)->cost <= k->cost)
		at = &(*at)->next;
	k->next = *at;
	*at = k;
	if (k->cost > group->cost)
		group->cost = k->cost;
}

static bool
two_keys(struct imap_search_parser *sp, struct imap_search_key *k)
{
	struct imap_search_key *a, *b;

	if (!imap_space(sp->ps) || !parse_key(sp, &a) || !imap_space(sp->ps) ||
	    !parse_key(sp, &b))
		return false;
	add_member(k, a);
	add_member(k, b);
	return true;
}

/* --- the table -------------------------------------------------------------
 */

/* clang-format off */
static const struct imap_search_word words[] = {
	{ "ALL", IMAP_SEARCH_ROW, no_argument, imap_match_all, 0, NULL },
	{ "ANSWERED", IMAP_SEARCH_ROW, no_argument, imap_match_flag, PST_ANSWERED, NULL },
	{ "BCC", IMAP_SEARCH_HEADER, text, imap_match_field, 0, "Bcc" },
	{ "BEFORE", IMAP_SEARCH_ROW, date, imap_match_before, 0, NULL },
	{ "BODY", IMAP_SEARCH_BODY, text, imap_match_body, 0, NULL },
	{ "CC", IMAP_SEARCH_HEADER, text, imap_match_field, 0, "Cc" },
	{ "DELETED", IMAP_SEARCH_ROW, no_argument, imap_match_flag, PST_DELETED, NULL },
	{ "DRAFT", IMAP_SEARCH_ROW, no_argument, imap_match_flag, PST_DRAFT, NULL },
	{ "EMAILID", IMAP_SEARCH_HEADER, object_id, imap_match_emailid, 0, NULL },
	{ "FLAGGED", IMAP_SEARCH_ROW, no_argument, imap_match_flag, PST_FLAGGED, NULL },
	{ "FROM", IMAP_SEARCH_HEADER, text, imap_match_field, 0, "From" },
	{ "FUZZY", IMAP_SEARCH_ROW, fuzzy, imap_match_fuzzy, 0, NULL },
	{ "HEADER", IMAP_SEARCH_HEADER, header, imap_match_field, 0, NULL },
	{ "KEYWORD", IMAP_SEARCH_ROW, keyword, imap_match_keyword, 0, NULL },
	{ "LARGER", IMAP_SEARCH_ROW, number, imap_match_larger, 0, NULL },
	{ "MODSEQ", IMAP_SEARCH_ROW, modseq, imap_match_modseq, 0, NULL },
	{ "NEW", IMAP_SEARCH_ROW, no_argument, imap_match_new, 0, NULL },
	{ "NOT", IMAP_SEARCH_ROW, one_key, imap_match_not, 0, NULL },
	{ "OLD", IMAP_SEARCH_ROW, no_argument, imap_match_old, 0, NULL },
	{ "OLDER", IMAP_SEARCH_ROW, interval, imap_match_older, 0, NULL },
	{ "ON", IMAP_SEARCH_ROW, date, imap_match_on, 0, NULL },
	{ "OR", IMAP_SEARCH_ROW, two_keys, imap_match_or, 0, NULL },
	{ "RECENT", IMAP_SEARCH_ROW, no_argument, imap_match_recent, 0, NULL },
	{ "SAVEDATESUPPORTED", IMAP_SEARCH_ROW, no_argument, imap_match_save_date, 0, NULL },
	{ "SAVEDBEFORE", IMAP_SEARCH_ROW, date, imap_match_saved_before, 0, NULL },
	{ "SAVEDON", IMAP_SEARCH_ROW, date, imap_match_saved_on, 0, NULL },
	{ "SAVEDSINCE", IMAP_SEARCH_ROW, date, imap_match_saved_since, 0, NULL },
	{ "SEEN", IMAP_SEARCH_ROW, no_argument, imap_match_flag, PST_SEEN, NULL },
	{ "SENTBEFORE", IMAP_SEARCH_HEADER, date, imap_match_sent_before, 0, NULL },
	{ "SENTON", IMAP_SEARCH_HEADER, date, imap_match_sent_on, 0, NULL },
	{ "SENTSINCE", IMAP_SEARCH_HEADER, date, imap_match_sent_since, 0, NULL },
	{ "SINCE", IMAP_SEARCH_ROW, date, imap_match_since, 0, NULL },
	{ "SMALLER", IMAP_SEARCH_ROW, number, imap_match_smaller, 0, NULL },
	{ "SUBJECT", IMAP_SEARCH_HEADER, text, imap_match_field, 0, "Subject" },
	{ "TEXT", IMAP_SEARCH_BODY, text, imap_match_text, 0, NULL },
	{ "THREADID", IMAP_SEARCH_HEADER, object_id, imap_match_threadid, 0, NULL },
	{ "TO", IMAP_SEARCH_HEADER, text, imap_match_field, 0, "To" },
	{ "UID", IMAP_SEARCH_ROW, uid_set, imap_match_set, 0, NULL },
	{ "UIDAFTER", IMAP_SEARCH_ROW, uid_number, imap_match_uid_after, 0, NULL },
	{ "UIDBEFORE", IMAP_SEARCH_ROW, uid_number, imap_match_uid_before, 0, NULL },
	{ "UNANSWERED", IMAP_SEARCH_ROW, no_argument, imap_match_no_flag, PST_ANSWERED, NULL },
	{ "UNDELETED", IMAP_SEARCH_ROW, no_argument, imap_match_no_flag, PST_DELETED, NULL },
	{ "UNDRAFT", IMAP_SEARCH_ROW, no_argument, imap_match_no_flag, PST_DRAFT, NULL },
	{ "UNFLAGGED", IMAP_SEARCH_ROW, no_argument, imap_match_no_flag, PST_FLAGGED, NULL },
	{ "UNKEYWORD", IMAP_SEARCH_ROW, keyword, imap_match_no_keyword, 0, NULL },
	{ "UNSEEN", IMAP_SEARCH_ROW, no_argument, imap_match_no_flag, PST_SEEN, NULL },
	{ "YOUNGER", IMAP_SEARCH_ROW, interval, imap_match_younger, 0, NULL },
};
/* clang-format on */

static const struct imap_search_word group_word = { "(", IMAP_SEARCH_ROW, NULL,
	imap_match_and, 0, NULL };
static const struct imap_search_word set_word = { "set", IMAP_SEARCH_ROW, NULL,
	imap_match_set, 0, NULL };

/* --- the grammar -----------------------------------------------------------
 */

static struct imap_search_key *
new_key(struct imap_search_parser *sp, const struct imap_search_word *word)
{
	struct imap_search_key *k;

	if (sp->keys == IMAP_SEARCH_KEYS) {
		(void)imap_bad(sp->ps, "Too many search keys");
		return NULL;
	}
	k = arena_alloc(sp->ps->arena, sizeof(*k));
	if (k == NULL) {
		(void)imap_bad(sp->ps, "Command is too large");
		return NULL;
	}
	sp->keys++;
	k->word = word;
	k->cost = word->cost;
	k->other = sp->program->all;
	sp->program->all = k;
	return k;
}

static const struct imap_search_word *
find_word(struct pst_str name)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (str_is_case(name, words[i].name))
			return &words[i];
	}
	return NULL;
}

/* search-key *(SP search-key) */
static bool
parse_members(struct imap_search_parser *sp, struct imap_search_key *group)
{
	struct imap_search_key *k;

	do {
		if (!parse_key(sp, &k))
			return false;
		add_member(group, k);
	} while (imap_skip(sp->ps, ' '));
	return true;
}

static bool
parse_group(struct imap_search_parser *sp, struct imap_search_key **out)
{
	*out = new_key(sp, &group_word);
	return *out != NULL && parse_members(sp, *out) &&
	       imap_expect(sp->ps, ')');
}

static bool
parse_set(struct imap_search_parser *sp, struct imap_search_key **out)
{
	*out = new_key(sp, &set_word);
	if (*out == NULL || !imap_sequence_set(sp->ps, &(*out)->text))
		return false;
	sp->program->has_numbers |= !str_is((*out)->text, "$");
	return true;
}

/* --- filters (RFC 5466, 3.1) -----------------------------------------------
 */

/* 1*<any ATOM-CHAR except "/"> */
static bool
filter_name(struct imap_parser *ps, struct pst_str *out)
{
	if (!imap_space(ps) || !imap_atom(ps, out))
		return false;
	return str_find(*out, '/') == out->n ||
	       imap_bad(ps, "Invalid name of a filter");
}

/* It must be a search by itself, and not go on behind its end. */
static bool
is_whole_search(struct imap_search_parser *sp, struct pst_str text)
{
	struct imap_search_program scratch = { 0 };
	struct imap_parser ps;
	struct imap_search_parser inner = *sp;
	struct imap_search_key *group;
	bool good;

	imap_parser_init(&ps, text, sp->ps->arena);
	inner.ps = &ps;
	inner.program = &scratch;
	inner.level += sp->filters + 1;
	inner.filters = inner.depth = 0;
	group = new_key(&inner, &group_word);
	good = group != NULL && parse_members(&inner, group) &&
	       imap_at_end(&ps) && inner.filters == 0 && ps.p == ps.end;
	sp->keys = inner.keys;
	if (scratch.no_filter.n > 0)
		sp->program->no_filter = scratch.no_filter;
	return good;
}

bool
imap_search_is_whole(struct arena *arena, struct pst_str text,
    const struct imap_search_grammar *g)
{
	struct imap_search_program program = { 0 };
	struct imap_parser ps;
	struct imap_search_parser sp = {
		.ps = &ps, .grammar = g, .program = &program
	};

	imap_parser_init(&ps, text, arena);
	return is_whole_search(&sp, text) || program.no_filter.n > 0;
}

/* "Its search criterion is inserted verbatim": it is read in its place, and
 * then what follows the name. */
static bool
parse_filter(struct imap_search_parser *sp, struct imap_search_key **out)
{
	struct imap_search_program *program = sp->program;
	struct imap_parser *ps = sp->ps;
	struct pst_str name, text;

	if (!filter_name(ps, &name))
		return false;
	if (sp->charset.n > 0 && !str_is_case(sp->charset, "UTF-8") &&
	    !str_is_case(sp->charset, "US-ASCII")) {
		program->bad_filter_charset = true;
		return imap_bad(ps, "Filters are in UTF-8");
	}
	if (sp->level + sp->filters == FILTERS_MAX ||
	    sp->grammar->filter == NULL ||
	    !sp->grammar->filter(sp->grammar->arg, name, ps->arena, &text)) {
		program->no_filter = name;
		return imap_bad(ps, "No such filter");
	}
	if (!is_whole_search(sp, text)) {
		program->bad_filter = program->no_filter.n == 0;
		return imap_bad(ps, "Filter is no valid search");
	}
	sp->behind[sp->filters].p = ps->p;
	sp->behind[sp->filters++].end = ps->end;
	ps->p = text.p;
	ps->end = text.p + text.n;
	return parse_key(sp, out);
}

static void
leave_filters(struct imap_search_parser *sp)
{
	while (sp->filters > 0 && sp->ps->p == sp->ps->end) {
		sp->filters--;
		sp->ps->p = sp->behind[sp->filters].p;
		sp->ps->end = sp->behind[sp->filters].end;
	}
}

/* --- the grammar, again -----------------------------------------------------
 */

static bool
parse_word(struct imap_search_parser *sp, struct imap_search_key **out)
{
	const struct imap_search_word *word;
	struct pst_str name;

	if (!imap_word(sp->ps, &name))
		return imap_bad(sp->ps, "Missing search key");
	if (str_is_case(name, "FILTER"))
		return parse_filter(sp, out);
	word = find_word(name);
	if (word == NULL)
		return imap_bad(sp->ps, "Unknown search key");
	*out = new_key(sp, word);
	return *out != NULL && word->parse(sp, *out);
}

static bool
parse_key(struct imap_search_parser *sp, struct imap_search_key **out)
{
	char c = imap_peek(sp->ps);
	bool good;

	if (++sp->depth > IMAP_SEARCH_DEPTH)
		return imap_bad(sp->ps, "Search is nested too deep");
	if (imap_skip(sp->ps, '('))
		good = parse_group(sp, out);
	else if (ascii_is_digit(c) || c == '*' || c == '$')
		good = parse_set(sp, out);
	else
		good = parse_word(sp, out);
	sp->depth--;
	if (good)
		leave_filters(sp);
	return good;
}

static bool
parse_charset(struct imap_search_parser *sp)
{
	struct pst_str name;

	if (!sp->grammar->has_charset) {
		if (!imap_skip_word(sp->ps, "CHARSET"))
			return true;
		if (!imap_space(sp->ps))
			return false;
	}
	if (!imap_astring(sp->ps, &name) || !imap_space(sp->ps))
		return false;
	if (sp->ps->no_charset)
		return imap_bad(sp->ps, "Charset is UTF-8 by ENABLE");
	if (!msg_charset_known(name)) {
		sp->program->bad_charset = true;
		return imap_bad(sp->ps, "Unknown charset");
	}
	sp->charset = name;
	return true;
}

bool
imap_search_parse_as(struct imap_parser *ps,
    const struct imap_search_grammar *g, struct imap_search_program *out)
{
	struct imap_search_parser sp = {
		.ps = ps, .grammar = g, .program = out
	};

	memset(out, 0, sizeof(*out));
	if (!parse_charset(&sp))
		return false;
	out->root = new_key(&sp, &group_word);
	return out->root != NULL && parse_members(&sp, out->root) &&
	       imap_end(ps);
}

bool
imap_search_parse(struct imap_parser *ps, struct imap_search_program *out)
{
	static const struct imap_search_grammar plain;

	return imap_search_parse_as(ps, &plain, out);
}

void
imap_search_fini(struct imap_search_program *p)
{
	for (struct imap_search_key *k = p->all; k != NULL; k = k->other)
		uidset_fini(&k->seqs);
}
