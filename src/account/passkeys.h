/*
 * account/passkeys.h - passkeys: public keys by which users log in without a
 * password, or which are asked for after it. What their authenticators say is
 * read by account/webauthn.h; challenges are whoever asks for them.
 *
 * Threads: from any thread; calls block on the database.
 */
#ifndef ACCOUNT_PASSKEYS_H
#define ACCOUNT_PASSKEYS_H

#include "account/recovery.h"
#include "account/webauthn.h"

enum {
	PASSKEYS = 20,	     /* that a user can have */
	PASSKEY_ID = 33,     /* names it here, with the NUL */
	PASSKEY_HANDLE = 23, /* names a user to authenticators, base64url */
	PASSKEY_CREDENTIAL = 1366, /* an authenticator's id of it, base64url */
};

struct passkey {
	char user[321];
	char id[PASSKEY_ID];
	char name[129];	       /* what the user calls it */
	int64_t created, used; /* seconds since 1970; used 0: never */
	int64_t count;	       /* signatures, as its authenticator counts */
	char handle[PASSKEY_HANDLE];
	char credential[PASSKEY_CREDENTIAL];
	struct webauthn_key key;
};

/* What the user is called before authenticators, which says nothing of the
 * address. */
enum pst_rc passkey_handle(struct accounts *a, const char *user,
    char handle_r[PASSKEY_HANDLE], struct pst_error *err);
/* `data` has a credential that was made for that handle. SYNTAX: a name of
 * control characters, no UTF-8 or too long, or no usable key; EXISTS: somebody
 * has this passkey; LIMIT: the user has many; NOTFOUND: no such user. */
enum pst_rc passkey_add(struct accounts *a, const char *user, const char *name,
    const struct webauthn_data *data, struct passkey *made_r,
    struct pst_error *err);
/* The oldest first; PST_OK also without any. */
enum pst_rc passkey_each(struct accounts *a, const char *user,
    void (*fn)(void *arg, const struct passkey *p), void *arg,
    struct pst_error *err);
/* By the authenticator's id. NOTFOUND. */
enum pst_rc passkey_find(struct accounts *a, struct pst_str credential,
    struct passkey *found_r, struct pst_error *err);
/* It signed for the `count`-th time. CONFLICT: that is no more than before, so
 * there are two of it (6.1.1); NOTFOUND: it is gone. The user has shown a
 * second factor by it. */
enum pst_rc passkey_used(struct accounts *a, const struct passkey *p,
    uint32_t count, struct pst_error *err);
/* NOTFOUND; SYNTAX. */
enum pst_rc passkey_rename(struct accounts *a, const char *user, const char *id,
    const char *name, struct pst_error *err);
enum pst_rc passkey_delete(struct accounts *a, const char *user, const char *id,
    struct pst_error *err);
/* Whether they are asked for after the password; so are those that come later.
 * NOTFOUND: there is none. As factors_add_totp() it makes recovery codes when
 * no second factor was on. */
enum pst_rc passkey_ask(struct accounts *a, const char *user, bool asked,
    struct recovery_set *set_r, bool *has_set_r, struct pst_error *err);

#endif
