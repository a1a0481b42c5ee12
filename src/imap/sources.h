/*
 * imap/sources.h - which mailboxes a command means (RFC 5465, 6; RFC 7377,
 * 2.2): "(" filter-mailboxes ... ")".
 */
#ifndef IMAP_SOURCES_H
#define IMAP_SOURCES_H

#include "imap/session.h"

enum imap_source_kind {
	IMAP_SOURCE_SELECTED,
	IMAP_SOURCE_SELECTED_DELAYED, /* of NOTIFY alone */
	IMAP_SOURCE_INBOXES,
	IMAP_SOURCE_PERSONAL,
	IMAP_SOURCE_SUBSCRIBED,
	IMAP_SOURCE_SUBTREE,
	IMAP_SOURCE_SUBTREE_ONE,
	IMAP_SOURCE_MAILBOXES,
};

enum { IMAP_SOURCE_NAMES_MAX = 1000 };

struct imap_source {
	enum imap_source_kind kind;
	char **name; /* of subtree, subtree-one and mailboxes */
	size_t names;
	struct imap_source *next;
};

struct imap_sources {
	struct imap_source *first;
	bool has_selected, has_others;
};

/* filter-mailboxes. Pure. */
bool imap_source_parse(struct imap_parser *ps, struct imap_source **out);
/* Of subtree, subtree-one and mailboxes: the name is meant. Pure. */
bool imap_source_names(const struct imap_source *source, const char *name);
/* source-mbox, up to the ")" behind it. Pure. */
bool imap_sources_parse(struct imap_parser *ps, struct imap_sources *out);

/* Names of mailboxes; each once, in the order of the storage. */
struct imap_source_names {
	char **name; /* in the arena of the command */
	size_t n, cap;
};
/* All that are there and meant; without the selected one, when that is named
 * as such. LIMIT: too many. The caller frees `name`. */
enum pst_rc imap_sources_find(struct imap_session *s,
    const struct imap_sources *sources, struct imap_source_names *out,
    struct pst_error *err);

#endif
