/*
 * jmap/parts.h - the resources that JMAP has, each in a file of its own.
 */
#ifndef JMAP_PARTS_H
#define JMAP_PARTS_H

#include "jmap/call.h"

/* session.c (RFC 8620, 2) */
void jmap_run_session(struct http_request *h);
void jmap_request_init(struct jmap_request *q, struct http_request *h);
unsigned jmap_capability(const char *name); /* 0: unknown */

/* api.c (3) */
void jmap_run_api(struct http_request *h);
/* Takes the problem. */
void jmap_answer_problem(struct http_request *h, json_t *problem);

/* request.c (3.3): the Response object, or NULL and a problem with the request
 * as a whole (3.6.1). `root` NULL: what came was no JSON. */
json_t *jmap_respond(struct jmap_request *q, json_t *root, json_t **problem_r);
/* `type` without what is in front of it; NULL: "about:blank". */
json_t *jmap_problem(const char *type, int status, const char *detail);
json_t *jmap_limit_problem(int status, const char *limit);

/* upload.c, download.c (6) */
void jmap_begin_upload(struct http_request *h);
bool jmap_take_upload(struct http_request *h, struct pst_str piece);
void jmap_end_upload(struct http_request *h, bool whole);
void jmap_run_upload(struct http_request *h);
void jmap_run_download(struct http_request *h);

/* events.c (7.3) */
void jmap_run_events(struct http_request *h);

/* websocket.c (RFC 8887) */
void jmap_run_websocket(struct http_request *h);

/* push_set.c (RFC 8620, 7.2) */
json_t *jmap_push_subscription_get(struct jmap_call *c);
json_t *jmap_push_subscription_set(struct jmap_call *c);

/* credential.c: whose a connection is, for as long as it goes on. */
struct jmap_credential {
	char user[321];
	char word[HTTP_CREDENTIAL];
};
bool jmap_credential_take(
    const struct http_request *h, struct jmap_credential *who_r);
/* What the request was made with. False: it cannot be told now. */
bool jmap_request_credential(
    const struct jmap_request *q, char word_r[HTTP_CREDENTIAL]);
/* False: it was taken away. When nobody knows, it holds; then `user_r` is not
 * filled. `counts` and `user_r` are as for http_credential_holds(). */
bool jmap_credential_holds(const struct jmap_credential *who,
    const struct services *sv, bool counts, struct account_user *user_r);

#endif
