/*
 * imap/list_parse.h - the arguments of LIST and LSUB (RFC 3501, 6.3.8 and
 * 6.3.9; RFC 5258; RFC 5819; RFC 6154). Pure.
 */
#ifndef IMAP_LIST_PARSE_H
#define IMAP_LIST_PARSE_H

#include "imap/metadata.h"

enum imap_list_option {
	/* selection */
	IMAP_LIST_SUBSCRIBED = 1 << 0,
	IMAP_LIST_REMOTE = 1 << 1,
	IMAP_LIST_RECURSIVE = 1 << 2,
	IMAP_LIST_SPECIAL = 1 << 3,
	/* return */
	IMAP_LIST_RETURN_SUBSCRIBED = 1 << 4,
	IMAP_LIST_RETURN_CHILDREN = 1 << 5,
	IMAP_LIST_RETURN_SPECIAL = 1 << 6,
	IMAP_LIST_RETURN_METADATA = 1 << 7,
	IMAP_LIST_RETURN_MYRIGHTS = 1 << 8,
};

enum { IMAP_LIST_PATTERNS_MAX = 64 };

struct imap_list_args {
	unsigned options;
	unsigned status;  /* see imap_status_items(); 0: none */
	bool is_extended; /* not the form of RFC 3501 */
	struct pst_str reference;
	struct pst_str *pattern;
	size_t patterns;
	struct imap_metadata_wish metadata;
};

/* `lsub`: only the plain form. */
bool imap_list_parse(
    struct imap_parser *ps, bool lsub, struct imap_list_args *out);

#endif
