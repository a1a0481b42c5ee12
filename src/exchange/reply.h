/*
 * exchange/reply.h - what an SMTP server answers (RFC 5321, 4.2; RFC 3463).
 *
 * Pure and resumable at any octet. A reader belongs to one thread.
 */
#ifndef EXCHANGE_REPLY_H
#define EXCHANGE_REPLY_H

#include "base/mem.h"

enum {
	REPLY_LINE = 2000, /* octets of a line; RFC 5321, 4.5.3.1.5: 512 */
	REPLY_LINES = 200,
	REPLY_TEXT = 64 * 1024, /* octets of a whole reply */
};

struct reply {
	unsigned code;	    /* 200 to 599 */
	uint16_t status[3]; /* the enhanced one; class 0: none */
	struct buf text;    /* the lines without codes, parted by LF */
};

enum reply_result {
	REPLY_MORE, /* the input is used up, there is more to come */
	REPLY_DONE,
	REPLY_BROKEN, /* no SMTP, or too much of it */
};

struct reply_reader {
	char line[REPLY_LINE + 2];
	size_t n;
	unsigned lines;
};

void reply_init(struct reply *r);
void reply_fini(struct reply *r);
/* Begins a new reply. */
void reply_begin(struct reply_reader *rr, struct reply *r);
/* Feeds some octets; *used_r: those that belong to this reply. */
enum reply_result reply_feed(struct reply_reader *rr, struct reply *r,
    const char *p, size_t n, size_t *used_r);

/* What reply_print() made, back into a reply. False: it is something else, our
 * own words for example. */
bool reply_read(struct pst_str text, struct reply *r);

/* "550 5.1.1 No such user", the lines parted by spaces, what is not printable
 * as '?'; at most `max` octets. For people and for status notifications. */
void reply_print(const struct reply *r, size_t max, struct buf *out);

#endif
