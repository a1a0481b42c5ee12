/*
 * account/apps.h - app passwords: a password of its own for each mail program,
 * good for some protocols only, which can be taken away without changing the
 * user's own.
 *
 * It is made here, told once and kept as a hash, and looks like
 * "abcd-efgh-jkmn-pqrs-tuvw": 100 random bits, of which the first group, the
 * id, is not secret. The dashes may be left out when it is typed. SCRAM does
 * not take them: it has keys for one password, the user's own.
 *
 * Threads: from any thread; calls block on the database and on hashing.
 */
#ifndef ACCOUNT_APPS_H
#define ACCOUNT_APPS_H

#include "account/auth.h"
#include "base/mem.h"

enum {
	APP_PASSWORD = 25,  /* its length, with the NUL */
	APP_PASSWORDS = 50, /* that a user can have */
	APP_SCOPES = AUTH_IMAP | AUTH_POP3 | AUTH_SMTP | AUTH_JMAP | AUTH_SIEVE,
};

struct app_password {
	char id[5];
	char name[129];	       /* what the user calls it */
	unsigned scopes;       /* enum auth_scope, or-ed */
	int64_t created, used; /* seconds since 1970; used 0: never, and
				* otherwise exact to five minutes */
};

/* SYNTAX: a name of control characters, no UTF-8 or too long, or no scope;
 * NOTFOUND: no such user; LIMIT: the user has many. */
enum pst_rc app_password_add(struct accounts *a, const char *user,
    const char *name, unsigned scopes, struct app_password *made_r,
    char secret_r[APP_PASSWORD], struct pst_error *err);
/* NOTFOUND. Sessions that it opened go on. */
enum pst_rc app_password_delete(struct accounts *a, const char *user,
    const char *id, struct pst_error *err);
/* The oldest first; PST_OK also without any. */
enum pst_rc app_password_each(struct accounts *a, const char *user,
    void (*fn)(void *arg, const struct app_password *p), void *arg,
    struct pst_error *err);

/* The id of what may be an app password. False: it has not the form of one. */
bool app_password_id(const char *password, char id_r[5]);
/* It is still there, for that. NOTFOUND. */
enum pst_rc app_password_holds(struct accounts *a, const char *user,
    const char *id, enum auth_scope scope, struct pst_error *err);

/*
 * A bearer token (RFC 6750): an app password with its user, as one word that
 * programs can be given: "pt-" and base64url(user NUL password). It opens what
 * the app password does, for as long.
 */
struct app_token {
	char user[321];
	char password[APP_PASSWORD];
};
bool app_token_make(const char *user, const char *password, struct buf *out);
/* False: it is none; whether it is a good one auth_password() knows. */
bool app_token_read(struct pst_str token, struct app_token *out);

/* "imap", "pop3", "smtp", "jmap", "sieve"; 0: none of them. */
unsigned app_scope(const char *name);
/* The name of one scope. */
const char *app_scope_name(unsigned scope);

#endif
