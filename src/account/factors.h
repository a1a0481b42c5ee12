/*
 * account/factors.h - the second factor: what users show besides their
 * password. A code of an authenticator app (account/totp.h), a passkey
 * (account/passkeys.h), or a recovery code in their place.
 *
 * Where a second factor is on, the password alone opens nothing: mail programs
 * and requests of JMAP need app passwords then (account/apps.h). It is on while
 * there is an authenticator app, or passkeys that are asked for: who looks up a
 * password reads that fact with it, in the same question.
 *
 * Threads: from any thread; calls block on the database.
 */
#ifndef ACCOUNT_FACTORS_H
#define ACCOUNT_FACTORS_H

#include "account/auth.h"
#include "account/recovery.h"
#include "account/totp.h"

struct factors {
	bool is_on;
	bool has_totp;
	int64_t totp_created, totp_used; /* seconds since 1970; used 0: never */
	int passkeys;
	bool passkeys_asked;  /* they are asked for after the password */
	int recovery;	      /* codes that are left */
	bool recovery_counts; /* as a second factor; see recovery.h */
};

/* NOTFOUND: no such user. */
enum pst_rc factors_find(struct accounts *a, const char *user,
    struct factors *factors_r, struct pst_error *err);

/*
 * Takes an authenticator app into use, after its code. DENIED: the code is
 * wrong; EXISTS: there is one. When no second factor was on, a new set of
 * recovery codes is made in the same step, and *has_set_r is true.
 */
enum pst_rc factors_add_totp(struct accounts *a, const char *user,
    const char *secret, const char *code, struct recovery_set *set_r,
    bool *has_set_r, struct pst_error *err);
/* NOTFOUND: there is none. */
enum pst_rc factors_remove_totp(
    struct accounts *a, const char *user, struct pst_error *err);
/* Takes all away: authenticator app, passkeys and recovery codes. NOTFOUND:
 * there is nothing, or no such user. */
enum pst_rc factors_reset(
    struct accounts *a, const char *user, struct pst_error *err);

/*
 * After the right password: a code of the app, or a recovery code, which is
 * used up by it. The brake counts wrong ones. *by_recovery_r: it was one of
 * those.
 */
enum auth_result factors_check(struct accounts *a, const char *peer,
    const char *user, const char *code, bool *by_recovery_r, int64_t *delay_r);

#endif
