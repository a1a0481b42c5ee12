/*
 * imap/metadata.h - the entries that GETMETADATA and LIST ask for (RFC 5464,
 * RFC 9590).
 */
#ifndef IMAP_METADATA_H
#define IMAP_METADATA_H

#include "imap/parse.h"
#include "mailbox/metadata.h"

enum { IMAP_METADATA_NAMES_MAX = 50 };

struct imap_metadata_name {
	struct pst_str shown; /* as the client wrote it */
	char *name;	      /* as it is kept */
};

struct imap_metadata_wish {
	struct imap_metadata_name *name;
	size_t names;
	unsigned depth;	   /* levels below */
	uint32_t max_size; /* of a value */
	uint32_t too_long; /* the longest that was left out; 0: none */
};

/* "(" entry *(SP entry) ")", behind the parenthesis. `above`: the tops of the
 * tree are entries too. */
bool imap_metadata_names(
    struct imap_parser *ps, bool above, struct imap_metadata_wish *out);

struct imap_session;
/* Where the searches are that users and the operator keep by name (RFC 5466,
 * 3.2). */
#define IMAP_PRIVATE_FILTERS "/private/filters/values/"
#define IMAP_SHARED_FILTERS "/shared/filters/values/"
/* `value` can be kept as a filter. It may name others that are not there. */
bool imap_filter_is_sound(struct imap_session *s, struct pst_str value);

/* "* METADATA mailbox (...)"; `mailbox` NULL: of the server. Without depth,
 * what is not there is NIL. */
enum pst_rc imap_put_metadata(struct imap_session *s, const char *mailbox,
    struct imap_metadata_wish *wish, struct pst_error *err);

#endif
