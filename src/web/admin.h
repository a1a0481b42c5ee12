/*
 * web/admin.h - what the files for administrators share.
 */
#ifndef WEB_ADMIN_H
#define WEB_ADMIN_H

#include "account/account.h"
#include "web/priv.h"

/* False: it was answered that this is for administrators. */
bool web_is_admin(struct http_request *h);
/* What the accounts refused; an administrator may know all about it. */
void web_admin_refused(struct http_request *h, const struct pst_error *err);
/* A parameter of the query. False: there is none, or it is too long. */
bool web_query(struct http_request *h, const char *name, char *to, size_t size);
/* A log event about `what`, with who did it. */
void web_admin_log(struct http_request *h, const char *event, const char *key,
    const char *what, const char *more);
/* Asks the server for its own: an error is for the caller. */
enum pst_rc web_ask(struct http_request *h, json_t *request, json_t **items_r,
    bool *cut_r, struct pst_error *err);
/* Ends what the user has open, in browsers and elsewhere. */
void web_end_sessions(struct http_request *h, const char *user);

#endif
