/*
 * imap/sources.c - which mailboxes a command means (RFC 5465, 6; RFC 7377,
 * 2.2).
 *
 * The storage lists each mailbox once, so nothing is searched twice and there
 * are no loops to be afraid of.
 */
#include "imap/sources.h"

#include "base/str.h"
#include "imap/places.h"

enum { SOURCES_MAX = 100, MAILBOXES_MAX = 100000 };

static const struct {
	const char *word;
	enum imap_source_kind kind;
	bool has_names;
} kinds[] = {
	{ "selected", IMAP_SOURCE_SELECTED, false },
	{ "selected-delayed", IMAP_SOURCE_SELECTED_DELAYED, false },
	{ "inboxes", IMAP_SOURCE_INBOXES, false },
	{ "personal", IMAP_SOURCE_PERSONAL, false },
	{ "subscribed", IMAP_SOURCE_SUBSCRIBED, false },
	{ "subtree", IMAP_SOURCE_SUBTREE, true },
	{ "subtree-one", IMAP_SOURCE_SUBTREE_ONE, true },
	{ "mailboxes", IMAP_SOURCE_MAILBOXES, true },
};

/* --- the grammar
 * -------------------------------------------------------------- */

static bool
add_name(struct imap_parser *ps, struct imap_source *source)
{
	if (source->names == IMAP_SOURCE_NAMES_MAX)
		return imap_bad(ps, "Too many mailboxes");
	if (!imap_mailbox(ps, &source->name[source->names]))
		return false;
	source->names++;
	return true;
}

/* one-or-more-mailbox = mailbox / "(" mailbox *(SP mailbox) ")" */
static bool
parse_names(struct imap_parser *ps, struct imap_source *source)
{
	source->name = arena_alloc(
	    ps->arena, IMAP_SOURCE_NAMES_MAX * sizeof(*source->name));
	if (source->name == NULL)
		return imap_bad(ps, "Command is too large");
	if (!imap_space(ps))
		return false;
	if (!imap_skip(ps, '('))
		return add_name(ps, source);
	do {
		if (!add_name(ps, source))
			return false;
	} while (imap_skip(ps, ' '));
	return imap_expect(ps, ')');
}

bool
imap_source_parse(struct imap_parser *ps, struct imap_source **out)
{
	struct imap_source *source;
	struct pst_str word;
	size_t i = 0;

	*out = NULL;
	if (!imap_word(ps, &word))
		return imap_bad(ps, "Missing mailboxes");
	while (i < sizeof(kinds) / sizeof(kinds[0]) &&
	       !str_is_case(word, kinds[i].word))
		i++;
	if (i == sizeof(kinds) / sizeof(kinds[0]))
		return imap_bad(ps, "Unknown kind of mailboxes");
	source = arena_alloc(ps->arena, sizeof(*source));
	if (source == NULL)
		return imap_bad(ps, "Command is too large");
	source->kind = kinds[i].kind;
	*out = source;
	return !kinds[i].has_names || parse_names(ps, source);
}

/* No scope-options are defined yet: "(" behind the mailboxes is an error. */
bool
imap_sources_parse(struct imap_parser *ps, struct imap_sources *out)
{
	struct imap_source **tail = &out->first;
	unsigned n = 0;

	memset(out, 0, sizeof(*out));
	if (!imap_expect(ps, '('))
		return false;
	do {
		if (++n > SOURCES_MAX)
			return imap_bad(ps, "Too many mailboxes");
		if (!imap_source_parse(ps, tail))
			return false;
		/* NOLINTNEXTLINE: imap_source_parse() has made it. */
		if ((*tail)->kind == IMAP_SOURCE_SELECTED_DELAYED)
			return imap_bad(ps, "Only NOTIFY has selected-delayed");
		if ((*tail)->kind == IMAP_SOURCE_SELECTED)
			out->has_selected = true;
		else
			out->has_others = true;
		tail = &(*tail)->next;
	} while (imap_skip(ps, ' '));
	return imap_expect(ps, ')');
}

/* --- the mailboxes
 * ------------------------------------------------------------ */

static bool
is_below(const char *name, const char *above, bool one_level)
{
	size_t n = strlen(above);

	if (n == 0) /* the root */
		return !one_level || strchr(name, '/') == NULL;
	return strncmp(name, above, n) == 0 && name[n] == '/' &&
	       (!one_level || strchr(name + n + 1, '/') == NULL);
}

bool
imap_source_names(const struct imap_source *source, const char *name)
{
	for (size_t i = 0; i < source->names; i++) {
		const char *above = source->name[i];

		if (strcmp(name, above) == 0)
			return true;
		if (source->kind != IMAP_SOURCE_MAILBOXES &&
		    is_below(
			name, above, source->kind == IMAP_SOURCE_SUBTREE_ONE))
			return true;
	}
	return false;
}

/* A filter of the user may deliver anywhere: all are inboxes (RFC 5465, 6.3).
 */
static bool
is_meant(const struct imap_source *source, const struct pst_mailbox *row,
    bool shared)
{
	switch (source->kind) {
	case IMAP_SOURCE_SELECTED:
	case IMAP_SOURCE_SELECTED_DELAYED:
		return false;
	case IMAP_SOURCE_INBOXES:
	case IMAP_SOURCE_PERSONAL:
		return !shared;
	case IMAP_SOURCE_SUBSCRIBED:
		return row->subscribed;
	case IMAP_SOURCE_SUBTREE:
	case IMAP_SOURCE_SUBTREE_ONE:
	case IMAP_SOURCE_MAILBOXES:
		break;
	}
	return imap_source_names(source, row->name);
}

struct finding {
	struct imap_session *s;
	const struct imap_sources *sources;
	struct imap_source_names *out;
};

static void
add(struct finding *f, const char *name)
{
	mem_grow(
	    &f->out->name, &f->out->cap, f->out->n + 1, sizeof(*f->out->name));
	f->out->name[f->out->n++] = arena_text(f->s->run->arena, str_of(name));
}

static void
take(void *arg, const struct pst_mailbox *row)
{
	struct finding *f = arg;
	const struct imap_source *source = f->sources->first;

	if (!row->exists || f->out->n > MAILBOXES_MAX)
		return;
	if (f->sources->has_selected &&
	    strcmp(row->name, view_name(f->s->view)) == 0)
		return;
	while (source != NULL &&
	       !is_meant(source, row, imap_is_shared(f->s, row->name)))
		source = source->next;
	if (source != NULL)
		add(f, row->name);
}

/* RFC 7377, 2.4: what is named by itself need not be listed to be searched. */
static void
add_named(struct finding *f)
{
	const struct imap_source *source = f->sources->first;

	for (; source != NULL; source = source->next) {
		for (size_t i = 0; i < source->names; i++) {
			size_t k = 0;

			if (!imap_is_shared(f->s, source->name[i]))
				continue;
			while (k < f->out->n &&
			       strcmp(f->out->name[k], source->name[i]) != 0)
				k++;
			if (k == f->out->n &&
			    !(f->sources->has_selected &&
				strcmp(source->name[i],
				    view_name(f->s->view)) == 0))
				add(f, source->name[i]);
		}
	}
}

/* Any of them could be in another account. */
static bool
reaches_others(struct imap_session *s, const struct imap_sources *sources)
{
	const struct imap_source *source = sources->first;

	for (; source != NULL; source = source->next) {
		if (source->kind == IMAP_SOURCE_SUBSCRIBED)
			return true;
		for (size_t i = 0; i < source->names; i++)
			if (source->name[i][0] == '\0' ||
			    imap_is_shared(s, source->name[i]))
				return true;
	}
	return false;
}

enum pst_rc
imap_sources_find(struct imap_session *s, const struct imap_sources *sources,
    struct imap_source_names *out, struct pst_error *err)
{
	struct finding f = { s, sources, out };
	enum pst_rc rc = imap_each_mailbox(
	    s, reaches_others(s, sources), take, &f, err);

	if (rc == PST_OK)
		add_named(&f);
	if (rc == PST_OK && out->n > MAILBOXES_MAX)
		rc = pst_fail(err, PST_E_LIMIT, 0, "too many mailboxes");
	return rc;
}
