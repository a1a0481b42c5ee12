/*
 * imap/fetch_modifiers.h - what may follow the items of FETCH (RFC 4466, 2.4;
 * RFC 7162, 3.1.4.1 and 3.2.6; RFC 9394, 3.3). Pure.
 */
#ifndef IMAP_FETCH_MODIFIERS_H
#define IMAP_FETCH_MODIFIERS_H

#include "imap/search_return.h"

struct imap_fetch_modifiers {
	bool has_since, vanished, has_partial;
	uint64_t since; /* CHANGEDSINCE; 0: all */
	struct imap_partial partial;
};

/* [SP "(" fetch-modifier *(SP fetch-modifier) ")"], each once */
bool imap_fetch_modifiers(
    struct imap_parser *ps, struct imap_fetch_modifiers *out);

#endif
