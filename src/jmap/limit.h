/*
 * jmap/limit.h - what an account may have under way at a time: the limits that
 * the session object announces (RFC 8620, 2) and 3.6.1 refuses by.
 *
 * Threads: from any thread.
 */
#ifndef JMAP_LIMIT_H
#define JMAP_LIMIT_H

#include <postern/types.h>

enum jmap_busy {
	JMAP_BUSY_REQUESTS,
	JMAP_BUSY_UPLOADS,
	JMAP_BUSY_DOWNLOADS, /* which wait for the account, too */
	JMAP_BUSY_KINDS,
};

/* One more. False: there are `most` already. */
bool jmap_busy_begin(const char *account, enum jmap_busy kind, int64_t most);
/* Of each that began. */
void jmap_busy_end(const char *account, enum jmap_busy kind);

#endif
