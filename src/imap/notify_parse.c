/*
 * imap/notify_parse.c - the arguments of NOTIFY (RFC 5465, 8). A further event
 * is a row in the table.
 */
#include "imap/notify_parse.h"

#include "base/str.h"
#include "imap/fetch_items.h"

enum { GROUPS_MAX = 100 };

static const struct {
	const char *name;
	enum imap_notify_event event;
} events[] = {
	{ "MessageNew", IMAP_NOTIFY_NEW },
	{ "MessageExpunge", IMAP_NOTIFY_EXPUNGE },
	{ "FlagChange", IMAP_NOTIFY_FLAGS },
	{ "MailboxName", IMAP_NOTIFY_NAME },
	{ "SubscriptionChange", IMAP_NOTIFY_SUBSCRIPTION },
	{ "MailboxMetadataChange", IMAP_NOTIFY_METADATA },
	{ "ServerMetadataChange", IMAP_NOTIFY_SERVER_METADATA },
};

void
imap_put_notify_events(struct buf *out)
{
	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
		(void)buf_putc(out, i == 0 ? '(' : ' ');
		(void)buf_puts(out, events[i].name);
	}
	(void)buf_putc(out, ')');
}

/* One group as it is read. */
struct group {
	struct imap_source *source;
	unsigned events;
	bool has_annotations;
	struct pst_str atts;
};

static bool
is_selected(const struct group *g)
{
	return g->source->kind == IMAP_SOURCE_SELECTED ||
	       g->source->kind == IMAP_SOURCE_SELECTED_DELAYED;
}

bool
imap_notify_atts(struct imap_parser *ps, struct pst_str *out)
{
	const char *start = ps->p;
	struct imap_fetch_items items;

	if (imap_peek(ps) != '(')
		return imap_expect(ps, '(');
	if (!imap_fetch_items_parse(ps, false, &items))
		return false;
	*out = str_n(start, (size_t)(ps->p - start));
	return true;
}

static bool
parse_event(
    struct imap_parser *ps, struct imap_notify_wish *out, struct group *g)
{
	struct pst_str name;
	size_t i = 0;

	if (!imap_atom(ps, &name))
		return false;
	while (i < sizeof(events) / sizeof(events[0]) &&
	       !str_is_case(name, events[i].name))
		i++;
	if (i == sizeof(events) / sizeof(events[0])) {
		g->has_annotations |= str_is_case(name, "AnnotationChange");
		out->bad_event = true;
		return true;
	}
	g->events |= events[i].event;
	if (events[i].event != IMAP_NOTIFY_NEW || ps->end - ps->p < 2 ||
	    ps->p[0] != ' ' || ps->p[1] != '(')
		return true;
	ps->p++;
	return imap_notify_atts(ps, &g->atts);
}

/* events = ( "(" event *(SP event) ")" ) / "NONE" */
static bool
parse_events(
    struct imap_parser *ps, struct imap_notify_wish *out, struct group *g)
{
	if (imap_skip_word(ps, "NONE"))
		return true;
	if (!imap_expect(ps, '('))
		return false;
	do {
		if (!parse_event(ps, out, g))
			return false;
	} while (imap_skip(ps, ' '));
	return imap_expect(ps, ')');
}

/* RFC 5465, 5, 6.1 and the comments in 8. */
static bool
check(struct imap_parser *ps, const struct imap_notify_wish *out,
    const struct group *g)
{
	const unsigned both = IMAP_NOTIFY_NEW | IMAP_NOTIFY_EXPUNGE;
	unsigned has = g->events & both;

	if (has != 0 && has != both)
		return imap_bad(
		    ps, "MessageNew and MessageExpunge go together");
	if (has == 0 && ((g->events & IMAP_NOTIFY_FLAGS) || g->has_annotations))
		return imap_bad(
		    ps, "Changes without MessageNew and MessageExpunge");
	if (!is_selected(g))
		return g->atts.p == NULL ||
		       imap_bad(ps, "Only new messages of the selected mailbox "
				    "are fetched");
	if (out->has_selected)
		return imap_bad(ps, "The selected mailbox is named twice");
	if (g->events & ~(unsigned)IMAP_NOTIFY_MESSAGES)
		return imap_bad(
		    ps, "Only message events of the selected mailbox");
	return true;
}

static bool
add_group(
    struct imap_parser *ps, struct imap_notify_wish *out, const struct group *g)
{
	struct imap_notify_group *group;

	if (is_selected(g)) {
		out->has_selected = true;
		out->delayed = g->source->kind == IMAP_SOURCE_SELECTED_DELAYED;
		out->selected = g->events;
		out->atts = g->atts;
		return true;
	}
	group = arena_alloc(ps->arena, sizeof(*group));
	if (group == NULL)
		return imap_bad(ps, "Command is too large");
	group->source = *g->source;
	group->events = g->events;
	group->next = out->groups;
	out->groups = group;
	return true;
}

/* Each mailbox of the account is compared with all of them. */
static size_t
count_names(const struct imap_notify_wish *wish)
{
	size_t n = 0;

	for (const struct imap_notify_group *g = wish->groups; g != NULL;
	     g = g->next)
		n += g->source.names;
	return n;
}

/* event-group = "(" filter-mailboxes SP events ")" */
static bool
parse_group(struct imap_parser *ps, struct imap_notify_wish *out)
{
	struct group g = { 0 };

	return imap_expect(ps, '(') && imap_source_parse(ps, &g.source) &&
	       imap_space(ps) && parse_events(ps, out, &g) &&
	       imap_expect(ps, ')') && check(ps, out, &g) &&
	       add_group(ps, out, &g);
}

bool
imap_notify_parse(struct imap_parser *ps, struct imap_notify_wish *out)
{
	unsigned n = 0;

	memset(out, 0, sizeof(*out));
	if (!imap_space(ps))
		return false;
	if (imap_skip_word(ps, "NONE")) {
		out->none = true;
		return imap_end(ps);
	}
	if (!imap_skip_word(ps, "SET"))
		return imap_bad(ps, "Expected SET or NONE");
	if (!imap_space(ps))
		return false;
	out->status = imap_skip_word(ps, "STATUS");
	if (out->status && !imap_space(ps))
		return false;
	do {
		if (++n > GROUPS_MAX)
			return imap_bad(ps, "Too many groups");
		if (!parse_group(ps, out))
			return false;
		if (count_names(out) > IMAP_SOURCE_NAMES_MAX)
			return imap_bad(ps, "Too many mailboxes");
	} while (imap_skip(ps, ' '));
	return imap_end(ps);
}
