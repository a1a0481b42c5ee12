/*
 * admin/ask.h - the server asks itself, on its control socket, for an
 * administrator in a browser: what posternctl can ask, and not a second
 * implementation of it.
 *
 * Threads: from any thread, which waits.
 */
#ifndef ADMIN_ASK_H
#define ADMIN_ASK_H

#include "base/config.h"
#include <jansson.h>

enum {
	ADMIN_ASK_AT_ONCE = 2,	    /* threads that wait, in all */
	ADMIN_ASK_SECONDS = 60,	    /* that one of them waits, at most */
	ADMIN_ASK_ITEMS = 5000,	    /* of an answer */
	ADMIN_ASK_OCTETS = 2 << 20, /* the same, roughly, as JSON */
};

/* services.ask, with the socket's path, and for how long to wait. */
enum pst_rc admin_ask(const char *path, int64_t seconds, json_t *request,
    json_t **items_r, bool *cut_r, struct pst_error *err);

#endif
