/*
 * account/invites.h - invitations: codes with which somebody may sign up in a
 * domain, some number of times, until some time. Kept as hashes.
 *
 * Threads: from any thread; calls block on the database.
 */
#ifndef ACCOUNT_INVITES_H
#define ACCOUNT_INVITES_H

#include "account/account.h"

enum { INVITE_CODE = 25 }; /* its length, with the NUL */

struct invite {
	char id[9]; /* its first letters; not secret */
	char domain[256];
	char note[129];	 /* whom it is for, as its maker says; may be empty */
	int64_t created; /* seconds since 1970 */
	int64_t expires; /* 0: never */
	int64_t uses;	 /* that are left */
};

/* `made_r` has domain, note, expires and uses; the rest is filled in. NOTFOUND:
 * the domain is not local. SYNTAX. */
enum pst_rc invite_add(struct accounts *a, struct invite *made_r,
    char code_r[INVITE_CODE], struct pst_error *err);
/* NOTFOUND. */
enum pst_rc invite_delete(
    struct accounts *a, const char *id, struct pst_error *err);
/* The oldest first. */
enum pst_rc invite_each(struct accounts *a,
    void (*fn)(void *arg, const struct invite *invite), void *arg,
    struct pst_error *err);
/* NOTFOUND: no such code, used up, or too late. */
enum pst_rc invite_find(struct accounts *a, const char *code,
    struct invite *invite_r, struct pst_error *err);
/* One use less, before the account is made; and back when that fails. */
enum pst_rc invite_take(
    struct accounts *a, const char *code, struct pst_error *err);
void invite_give_back(struct accounts *a, const char *code);

#endif
