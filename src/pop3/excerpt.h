/*
 * pop3/excerpt.h - how much of a message TOP shows (RFC 1939, 7): the header,
 * the blank line, and so many lines of the body, which are counted behind the
 * blank line.
 *
 * Pure.
 */
#ifndef POP3_EXCERPT_H
#define POP3_EXCERPT_H

#include <postern/types.h>

struct pop3_excerpt {
	uint64_t lines; /* of the body, still to be shown */
	size_t line;	/* octets of the line at hand, 2 for more */
	bool cr;	/* it begins with CR */
	bool in_body;
	bool ended; /* nothing more is shown */
};

void pop3_excerpt_init(struct pop3_excerpt *e, uint64_t lines);
/* How many octets of the next piece of the message are shown. */
size_t pop3_excerpt_feed(struct pop3_excerpt *e, const char *p, size_t n);

#endif
