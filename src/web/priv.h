/*
 * web/priv.h - what the files of this folder share: JSON in and out.
 */
#ifndef WEB_PRIV_H
#define WEB_PRIV_H

#include "account/passkeys.h"
#include "account/recovery.h"
#include "web/challenges.h"
#include "web/limits.h"
#include "web/web.h"

#include <jansson.h>

/* The content as an object, to be given up by the caller; NULL: it is none,
 * and that was answered. */
json_t *web_take(struct http_request *h);
/* Answers; takes `answer` over. Nothing keeps a copy of it on the way. */
void web_answer(struct http_request *h, int status, json_t *answer);
/* What the accounts refused. */
void web_refused(struct http_request *h, const struct pst_error *err);

/* Who may sign up in a domain: "closed", "invite", "open" or "approval". */
const char *web_signup_mode(const struct config *cfg, const char *domain);

/*
 * A message from the server to a user; what goes wrong is logged. The way is
 * found at the beginning, so a forwarding that changes before it is sent does
 * not concern it. NULL: there is none. `text` has CRLF line ends.
 */
struct delivery;
struct delivery *web_notice_begin(struct http_request *h, const char *user);
void web_notice_send(struct http_request *h, struct delivery **d,
    const char *user, const char *subject, const char *text);

/* Answers with a problem that has more members than text: "type", "detail" and
 * whatever else; takes it over. */
void web_problem(struct http_request *h, int status, json_t *problem);
/* True: it was answered that there were too many from this address. */
bool web_is_limited(
    struct http_request *h, enum limit_kind kind, int64_t most, int64_t window);
/* A member that is a text without NUL; else NULL. */
const char *web_text(const json_t *root, const char *key);

/* Runs with the content as an object, or answers that it is none. */
void web_run(struct http_request *h,
    void (*fn)(struct http_request *h, const json_t *root));

/* A first message for a new user. */
void web_welcome(struct http_request *h, const char *user);
/* A short one about what was changed: a sentence. */
void web_tell(struct http_request *h, const char *user, const char *what);

/* --- logging in (login.c, factor.c) ----------------------------------------
 */

/* A session for the user, who is in; `factor` (may be NULL) is for the log. */
void web_log_in(struct http_request *h, const struct account_user *user,
    const char *factor);
/* The password was right: asks for the second factor. */
void web_ask_factor(struct http_request *h, const struct account_user *user);

/* --- who is logged in shows once more that it is them (confirm.c) -----------
 */

/* This is the user's present password; else that was answered. NULL: it is
 * missing. */
bool web_knows_password(struct http_request *h, const char *password);
/* The same by "password" or "passkey" in what was sent. */
bool web_is_confirmed(struct http_request *h, const json_t *root);
/* They did so a short time ago, or have just logged in; else that was answered:
 * our client asks them (POST /web/confirm), and comes again. */
bool web_was_confirmed(struct http_request *h);

/* --- what they log in with (security.c, passkeys.c) -------------------------
 */

/* The user has changed it: logged, told in a message (a sentence), and other
 * sessions end. `id` may be NULL. */
void web_note_change(struct http_request *h, const char *event, const char *id,
    bool ends_others, const char *sentence);
/* Wipes the set. */
json_t *web_codes(struct recovery_set *set);
/* NULL: it was answered that they cannot be had. */
json_t *web_list_passkeys(struct http_request *h);

/* --- passkeys, as browsers speak of them (webauthn.c) -----------------------
 */

/* Browsers have passkeys here: on https, or at localhost, under a name. */
bool web_has_passkeys(struct http_request *h);
/* What navigator.credentials.create() is given; NULL: it was answered that it
 * cannot be. */
json_t *web_passkey_creation(struct http_request *h);
/* What .get() is given; `user` "": for whoever has one. NULL as above. */
json_t *web_passkey_request(
    struct http_request *h, enum challenge_purpose purpose, const char *user);
/* What .create() gave. False: it is not good, and that was answered. `data`
 * points into `arena` of the request. */
bool web_passkey_made(struct http_request *h, const json_t *credential,
    struct webauthn_data *data_r);
/* What .get() gave: whose passkey it is. The brake counts; `delay_r` as for
 * auth_password(). */
enum auth_result web_passkey_check(struct http_request *h,
    const json_t *credential, enum challenge_purpose purpose, const char *user,
    struct passkey *found_r, int64_t *delay_r);
/* Answers a failed one of who is not logged in. */
void web_refuse_login(struct http_request *h, enum auth_result result,
    int64_t delay, const char *user, const char *factor);

#endif
