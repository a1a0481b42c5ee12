/*
 * imap/url.h - URLs of messages and their parts, relative to the server that
 * is asked (RFC 5092, 7; RFC 4469, 3).
 *
 * Pure.
 */
#ifndef IMAP_URL_H
#define IMAP_URL_H

#include "imap/body_section.h"

struct imap_url {
	char *mailbox;
	uint32_t uidvalidity; /* 0: not named */
	uint32_t uid;
	struct imap_section section; /* with the partial */
};

/*
 * Reads a URL in terms of the base "imap://user@server/", with `selected`
 * behind it unless that is NULL. Everything is in the arena. False: it is not
 * valid, or means something else than octets of a message here.
 */
bool imap_url_parse(struct pst_str text, const char *selected,
    struct arena *arena, struct imap_url *out);

#endif
