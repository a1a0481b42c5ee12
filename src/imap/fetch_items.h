/*
 * imap/fetch_items.h - what FETCH can ask for, as a table (RFC 3501, 6.4.5).
 */
#ifndef IMAP_FETCH_ITEMS_H
#define IMAP_FETCH_ITEMS_H

#include "imap/body_section.h"
#include "imap/cached.h"
#include "mailbox/mailbox.h"

/* What must be read of a message; each includes those before. */
enum imap_fetch_level {
	IMAP_FETCH_ROW,	      /* nothing: the mailbox knows it */
	IMAP_FETCH_BODY,      /* its octets, unparsed */
	IMAP_FETCH_HEADER,    /* its header, parsed */
	IMAP_FETCH_STRUCTURE, /* all parts */
};

/* A section that is decoded: imap/binary.h. */
struct imap_binary {
	bool is_begun, is_nil;
	const struct msg_part *part; /* NULL: it has no encoding */
	struct msg_decoder *decoder;
	uint64_t offset, length; /* in the message */
	uint64_t at;		 /* how much of that is read */
	uint64_t decoded;	 /* what that gave, without the last piece */
	uint64_t first, most;	 /* what is wanted of it all */
	uint64_t size;		 /* and what there is of that */
	bool has_nul;		 /* in that */
	uint64_t left;		 /* octets to be sent */
	struct buf piece;
};

/* The message that is written now. */
struct imap_fetch_message {
	struct mailbox_view *view;
	const char *const *keywords;
	struct arena *scratch; /* reset for each message */
	uint32_t seq;
	struct pst_row row;
	char ident[VIEW_IDENT];	 /* when an item needs it */
	uint64_t thread;	 /* the same; 0: it cannot be told */
	struct pst_body body;	 /* from IMAP_FETCH_BODY on */
	struct msg *msg;	 /* from IMAP_FETCH_HEADER on */
	struct buf made;	 /* header fields that were chosen */
	struct imap_octets send; /* set by an item: a literal of these */
	struct imap_binary binary;
	struct pst_str whole; /* when it is in memory; else p is NULL */
	struct msg_limits limits;
	bool has_structure; /* `msg` tells of all parts */
	bool rev2;	    /* the client speaks IMAP4rev2 */
};

struct imap_fetch_item;

/* One thing that was asked for. */
struct imap_fetch_node {
	const struct imap_fetch_item *item;
	struct imap_section *section; /* or NULL */
	bool is_lazy;		      /* PREVIEW (LAZY) */
	enum imap_fetch_level level;  /* when nothing is kept for it */
	/* Where it is kept; NULL: it is not. Fields are chosen from what is
	 * kept; all else is written as it is. */
	struct imap_cached *cached;
	bool is_kept; /* of the message that is written: */
	struct pst_str kept;
	struct imap_fetch_node *next;
};

struct imap_fetch_item {
	const char *name; /* with '[' when a section follows */
	enum imap_fetch_level level;
	bool sets_seen;
	/* A section that the name stands for; see imap_fetch_level_of(). */
	bool has_section;
	enum imap_section_text text;
	int cache; /* enum mail_cache, or -1 */
	/* Writes name and value; a literal's octets follow by m->send. */
	void (*write)(struct buf *out, struct imap_fetch_message *m,
	    const struct imap_fetch_node *node);
};

struct imap_fetch_items {
	struct imap_fetch_node *first;
	enum imap_fetch_level level; /* the highest of all */
	bool sets_seen;
	bool has_uid, has_flags, has_modseq, needs_ident, needs_thread;
	bool has_binary;	    /* BINARY or BINARY.SIZE */
	bool has_preview, has_lazy; /* PREVIEW, with LAZY */
	unsigned cached;	    /* kinds that are kept: bits by number */
};

/* fetch-att, a list of them, or a macro. `uid`: UID is wanted in any case. */
bool imap_fetch_items_parse(
    struct imap_parser *ps, bool uid, struct imap_fetch_items *out);

/* Adds one more item at the end, for modifiers that imply one. */
bool imap_fetch_items_add(
    struct imap_parser *ps, const char *name, struct imap_fetch_items *out);
/* The kind that its answer, or what it is made of, is kept as; -1: none. */
int imap_fetch_cache_kind(const struct imap_fetch_node *node);
/* BINARY and BINARY.SIZE: imap_binary_measure() comes before the writer. */
bool imap_fetch_is_binary(const struct imap_fetch_item *item);

void imap_put_fetch_flags(struct buf *out, const struct imap_fetch_message *m);

#endif
