/*
 * account/sessions.h - sessions of browsers: who has logged in and holds a
 * token that says so.
 *
 * Each is a row beside the users, found by the hash of its token, so whoever
 * reads the tables cannot use it; a restart ends none, and all servers of these
 * accounts know it. A session ends when it was not used for long, when it is
 * old, when the user logs out or goes, when somebody takes it away, and when
 * the user has SESSIONS newer ones.
 *
 * Threads: from any thread. Calls block on the database; what was asked for
 * within the last seconds is remembered, so what ends by another server goes on
 * for that long here.
 */
#ifndef ACCOUNT_SESSIONS_H
#define ACCOUNT_SESSIONS_H

#include "account/account.h"

enum {
	SESSION_TOKEN = 44, /* with the NUL */
	SESSIONS = 100,	    /* of a user */
};

struct session_info {
	char id[33]; /* names it for its user, says nothing of the token */
	char user[321];
	char peer[64];
	char agent[128];
	int64_t created, used; /* seconds since 1970 */
	/* Until when it holds that the user has shown who they are: by logging
	 * in, or once more since then (web.confirm_life). */
	int64_t confirmed_until;
};

/* Makes one; `agent` is what the browser calls itself. */
enum pst_rc session_new(struct accounts *a, const char *user, const char *peer,
    struct pst_str agent, char token_r[SESSION_TOKEN], struct pst_error *err);
/* NOTFOUND: there is none, or it has ended. Counts as a use. */
enum pst_rc session_find(struct accounts *a, struct pst_str token,
    struct session_info *info_r, struct pst_error *err);
/* OK: it is that user's, and has not ended; with `counts` this is a use.
 * NOTFOUND. */
enum pst_rc session_holds(struct accounts *a, const char *user, const char *id,
    bool counts, struct pst_error *err);
/* The user of the session has shown once more who they are. NOTFOUND. */
enum pst_rc session_confirm(struct accounts *a, const char *user,
    const char *id, struct pst_error *err);
/* OK: they have done so a short time ago, at whichever server; that is asked
 * anew each time. DENIED: they have not. NOTFOUND. */
enum pst_rc session_is_confirmed(struct accounts *a, const char *user,
    const char *id, struct pst_error *err);
/* Whatever it is, it is gone then. */
enum pst_rc session_end(
    struct accounts *a, struct pst_str token, struct pst_error *err);
/* All of a user, or all but the one with `token`. What goes wrong is logged:
 * who calls has done already what they are to end for. */
void session_end_others(
    struct accounts *a, const char *user, struct pst_str token);
/* By its id. NOTFOUND. */
enum pst_rc session_end_by_id(struct accounts *a, const char *user,
    const char *id, struct pst_error *err);
/* The oldest first. */
enum pst_rc session_each(struct accounts *a, const char *user,
    void (*fn)(void *arg, const struct session_info *info), void *arg,
    struct pst_error *err);

#endif
