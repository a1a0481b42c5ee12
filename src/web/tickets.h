/*
 * web/tickets.h - what somebody has begun and not finished: a login of which
 * the password was right, an authenticator app whose first code is to come. Who
 * brings the ticket goes on with it.
 *
 * Tickets are in memory, so they end with the process. A user has few at a
 * time, and all together are limited: the oldest go first.
 *
 * Threads: from any thread.
 */
#ifndef WEB_TICKETS_H
#define WEB_TICKETS_H

#include <postern/types.h>

enum {
	TICKET = 44,	   /* with the NUL */
	TICKET_LIFE = 300, /* seconds */
	TICKET_TRIES = 5,
	TICKET_DATA = 64,
};

enum ticket_kind { TICKET_LOGIN, TICKET_TOTP };

/* `data` (may be "") is kept with it. */
void ticket_make(enum ticket_kind kind, const char *user, const char *data,
    char ticket_r[TICKET]);
/* Counts a try. False: there is none, it is too old or was tried too often. */
bool ticket_try(enum ticket_kind kind, const char *ticket, char user_r[321],
    char data_r[TICKET_DATA]);
/* It is finished. False: somebody else was faster. */
bool ticket_finish(const char *ticket);
/* All of a user: the password or a factor is another one now. */
void ticket_forget(const char *user);

#endif
