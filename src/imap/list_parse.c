/*
 * imap/list_parse.c - the grammar of LIST (RFC 3501, 9; RFC 5258, 6; RFC 6154,
 * 6). A further option is a row in one of the tables.
 */
#include "imap/list_parse.h"

#include "base/str.h"
#include "imap/status.h"

struct option {
	const char *name;
	unsigned bit;
};

static const struct option selections[] = {
	{ "RECURSIVEMATCH", IMAP_LIST_RECURSIVE },
	{ "REMOTE", IMAP_LIST_REMOTE },
	{ "SPECIAL-USE", IMAP_LIST_SPECIAL },
	{ "SUBSCRIBED", IMAP_LIST_SUBSCRIBED | IMAP_LIST_RETURN_SUBSCRIBED },
	{ NULL, 0 },
};

static const struct option returns[] = {
	{ "CHILDREN", IMAP_LIST_RETURN_CHILDREN },
	{ "METADATA", IMAP_LIST_RETURN_METADATA },
	{ "MYRIGHTS", IMAP_LIST_RETURN_MYRIGHTS }, /* RFC 8440 */
	{ "SPECIAL-USE", IMAP_LIST_RETURN_SPECIAL },
	{ "SUBSCRIBED", IMAP_LIST_RETURN_SUBSCRIBED },
	{ NULL, 0 },
};

/* SP "(" entry *(SP entry) ")" (RFC 9590) */
static bool
metadata_option(struct imap_parser *ps, struct imap_metadata_wish *out)
{
	out->max_size = UINT32_MAX;
	return imap_space(ps) && imap_expect(ps, '(') &&
	       imap_metadata_names(ps, false, out);
}

/* Behind the '('. */
static bool
options(struct imap_parser *ps, const struct option *table,
    struct imap_list_args *out)
{
	const struct option *o;
	struct pst_str name;

	if (imap_skip(ps, ')'))
		return true;
	do {
		if (!imap_atom(ps, &name))
			return false;
		if (table == returns && str_is_case(name, "STATUS")) {
			if (!imap_space(ps) ||
			    !imap_status_items(ps, &out->status))
				return false;
			continue;
		}
		for (o = table; o->name != NULL; o++) {
			if (str_is_case(name, o->name))
				break;
		}
		if (o->name == NULL)
			return imap_bad(ps, "Unknown LIST option");
		out->options |= o->bit;
		if (o->bit == IMAP_LIST_RETURN_METADATA &&
		    !metadata_option(ps, &out->metadata))
			return false;
	} while (imap_skip(ps, ' '));
	return imap_expect(ps, ')');
}

static bool
add_pattern(struct imap_parser *ps, struct imap_list_args *out)
{
	if (out->patterns == IMAP_LIST_PATTERNS_MAX)
		return imap_bad(ps, "Too many patterns");
	return imap_list_mailbox(ps, &out->pattern[out->patterns++]);
}

/* mbox-or-pat = list-mailbox / "(" list-mailbox *(SP list-mailbox) ")" */
static bool
patterns(struct imap_parser *ps, bool lsub, struct imap_list_args *out)
{
	out->pattern = arena_alloc(
	    ps->arena, IMAP_LIST_PATTERNS_MAX * sizeof(*out->pattern));
	if (out->pattern == NULL)
		return imap_bad(ps, "Command is too large");
	if (lsub || !imap_skip(ps, '('))
		return add_pattern(ps, out);
	out->is_extended = true;
	do {
		if (!add_pattern(ps, out))
			return false;
	} while (imap_skip(ps, ' '));
	return imap_expect(ps, ')');
}

bool
imap_list_parse(struct imap_parser *ps, bool lsub, struct imap_list_args *out)
{
	memset(out, 0, sizeof(*out));
	if (!imap_space(ps))
		return false;
	if (!lsub && imap_skip(ps, '(')) {
		out->is_extended = true;
		if (!options(ps, selections, out) || !imap_space(ps))
			return false;
		if ((out->options & IMAP_LIST_RECURSIVE) &&
		    !(out->options & IMAP_LIST_SUBSCRIBED))
			return imap_bad(
			    ps, "RECURSIVEMATCH needs another option");
	}
	if (!imap_astring(ps, &out->reference) || !imap_space(ps) ||
	    !patterns(ps, lsub, out))
		return false;
	if (!lsub && imap_skip(ps, ' ')) {
		out->is_extended = true;
		if (!imap_skip_word(ps, "RETURN"))
			return imap_bad(ps, "Unknown LIST argument");
		if (!imap_space(ps) || !imap_expect(ps, '(') ||
		    !options(ps, returns, out))
			return false;
	}
	return imap_end(ps);
}
