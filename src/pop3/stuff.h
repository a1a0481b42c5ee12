/*
 * pop3/stuff.h - multi-line answers: a line that begins with a dot gets one
 * more (RFC 1939, 3).
 *
 * Pure.
 */
#ifndef POP3_STUFF_H
#define POP3_STUFF_H

#include "base/mem.h"

struct pop3_stuff {
	bool inside; /* of a line; false in the beginning and after LF */
};

/*
 * Stuffs the text that was added to `out` behind its first `from` octets, a
 * piece of an answer. A lone LF counts as the end of a line, too: for many
 * clients it is one, and then ".\n" behind it would end the answer. False: no
 * room; `out` is as it was.
 */
bool pop3_stuff(struct pop3_stuff *st, struct buf *out, size_t from);
/* The end of the answer, on a line of its own. */
bool pop3_stuff_end(struct pop3_stuff *st, struct buf *out);

#endif
