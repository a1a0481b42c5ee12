/*
 * account/account.h - users, domains, aliases and quotas: in an SQLite file,
 * or in the database of a storage module, for many servers at once.
 *
 * Threads: from any thread; calls may overlap. Calls block on the disk or the
 * database, and password checks on hashing.
 * Errors: while the database is away every call that needs it fails with
 * PST_E_TEMP, which never means that something does not exist.
 * Addresses: "local@domain" in UTF-8; matched without case (the local part in
 * NFC with ASCII folding, the domain in lower case with A-labels).
 * account_normalise() makes that form, which is also the account's id in the
 * storage; an account's never has '/' or quotes.
 * Callbacks run without locks and may call back.
 */
#ifndef ACCOUNT_ACCOUNT_H
#define ACCOUNT_ACCOUNT_H

#include "base/config.h"
#include "base/mem.h"
#include <postern/database.h>
#include <postern/store.h>

struct accounts; /* the open database */

/* The account of public mailboxes, which no user can have. */
#define ACCOUNT_PUBLIC "public@shared.invalid"

/* What the addresses that a user forwards to do to the user's own mailbox. */
enum account_forwarding {
	ACCOUNT_FORWARD_NONE, /* there are no such addresses */
	ACCOUNT_FORWARD_ONLY, /* it gets nothing */
	ACCOUNT_FORWARD_KEEP, /* it gets a copy */
};

struct account_user {
	char address[321]; /* normalised */
	char name[129];	   /* display name, may be empty */
	char storage[65];  /* the user's own storage block, "": as below */
	char domain_storage[65]; /* the domain's, "": the default. Only read:
				  * by account_find() and the like */
	bool enabled;
	bool is_admin;
	bool app_only; /* mail programs need app passwords (account/apps.h) */
	/* The password alone is not enough (account/factors.h). Only read, and
	 * only known of who has just given it: auth_password(). */
	bool has_factor;
	/* Signed up, and waits for an administrator; not enabled. Enabling ends
	 * it. */
	bool is_pending;
	bool on_hold; /* of their mail nothing is removed for good */
	int64_t quota_bytes,
	    quota_messages; /* -1: the configuration's; 0: none */
	int64_t created;    /* seconds since 1970 */
	enum account_forwarding forwarding; /* only read, as above */
};

/* The storage block in which the user's mail is, "": the default one. */
static inline const char *
account_storage(const struct account_user *user)
{
	return user->storage[0] != '\0' ? user->storage : user->domain_storage;
}

/* Opens or makes the file; migrates older schemas, refuses newer ones. The
 * configuration's domains are local besides those of the database. */
struct accounts *accounts_open(struct config *cfg, struct pst_error *err);
/* The same with the tables in the database of the storage block `name`. When it
 * is away, calls fail until it is there. Tables that are missing, or of another
 * version, are an error. `lent` outlives the accounts. */
struct accounts *accounts_open_in(struct config *cfg, const char *name,
    const struct pst_database *lent, struct pst_error *err);
/* Makes the tables there, or brings them up to date; can be repeated. `said`
 * (may be NULL) is told what was done. */
enum pst_rc accounts_init(const char *name, const struct pst_database *lent,
    pst_said_fn said, void *arg, struct pst_error *err);
void accounts_close(struct accounts **a);
void accounts_reconfigure(struct accounts *a, struct config *cfg);

/* False: not an address. */
bool account_normalise(struct pst_str address, char out[321]);

/* --- administration ---------------------------------------------------- */

/* `password` may be STR_NONE: no login until there is one. EXISTS, SYNTAX,
 * NOTFOUND (domain not local), LIMIT (password too short or long). `created`
 * 0: now. EXISTS also when an alias has the name. */
enum pst_rc account_add(struct accounts *a, const struct account_user *user,
    struct pst_str password, struct pst_error *err);
/* A key for one purpose, the same at all servers of these accounts. */
enum pst_rc account_key(struct accounts *a, const char *purpose,
    unsigned char key_r[32], struct pst_error *err);
/* NOTFOUND: there is none. */
enum pst_rc account_first_admin(
    struct accounts *a, struct account_user *user_r, struct pst_error *err);
/* NOTFOUND: but for `address` (normalised) there is no administrator who is
 * enabled. */
enum pst_rc account_other_admin(
    struct accounts *a, const char *address, struct pst_error *err);
enum pst_rc account_find(struct accounts *a, const char *address,
    struct account_user *user_r, struct pst_error *err);
/* What can be changed of a user. */
enum account_field {
	ACCOUNT_SET_NAME = 1 << 0,
	ACCOUNT_SET_STORAGE = 1 << 1,
	ACCOUNT_SET_ENABLED = 1 << 2, /* ends that they wait */
	ACCOUNT_SET_ADMIN = 1 << 3,
	ACCOUNT_SET_APP_ONLY = 1 << 4,
	ACCOUNT_SET_ON_HOLD = 1 << 5,
	ACCOUNT_SET_QUOTA_BYTES = 1 << 6,
	ACCOUNT_SET_QUOTA_MESSAGES = 1 << 7,
};
/*
 * Changes those `fields` of the user at `user->address`, and no others: what
 * somebody else has changed since `user` was read stays. `*user` then is as it
 * is kept.
 */
enum pst_rc account_update(struct accounts *a, struct account_user *user,
    unsigned fields, struct pst_error *err);
/* ACCOUNT_SET_APP_ONLY alone, for who has not read the user. */
enum pst_rc account_require_app(struct accounts *a, const char *address,
    bool required, struct pst_error *err);
/* STR_NONE takes the password away. */
enum pst_rc account_set_password(struct accounts *a, const char *address,
    struct pst_str password, struct pst_error *err);
/* Removes the user and the aliases that lead to it alone; not the mail. */
enum pst_rc account_delete(
    struct accounts *a, const char *address, struct pst_error *err);
/* Up to `max` users whose addresses are above `after` (""), in order. */
enum pst_rc account_page(struct accounts *a, const char *after,
    struct account_user *users, size_t max, size_t *n_r, struct pst_error *err);
/* Ordered by address; `domain` NULL: all. */
enum pst_rc account_each(struct accounts *a, const char *domain,
    void (*fn)(void *arg, const struct account_user *user), void *arg,
    struct pst_error *err);

/* An alias leads to one or more addresses, inside or outside. The address
 * "@domain" is the catch-all of the domain. EXISTS for the same pair, or when
 * there is a user of this name. NOTFOUND: the address's domain is not local. An
 * outside target keeps the case of its local part. */
enum pst_rc alias_add(struct accounts *a, const char *address,
    const char *target, struct pst_error *err);
/* `target` NULL: all of them. */
enum pst_rc alias_delete(struct accounts *a, const char *address,
    const char *target, struct pst_error *err);
enum pst_rc alias_each(struct accounts *a, const char *domain,
    void (*fn)(void *arg, const char *address, const char *target), void *arg,
    struct pst_error *err);

/*
 * A user's mail goes on to one or more addresses, inside or outside; targets
 * are as those of aliases. The first one leaves a copy to the user.
 *
 * NOTFOUND: no such user. EXISTS: for the same pair. LIMIT: more than
 * forward.targets.
 */
enum pst_rc forward_add(struct accounts *a, const char *user,
    const char *target, struct pst_error *err);
/* `target` NULL: all of them. NOTFOUND: there is none. */
enum pst_rc forward_delete(struct accounts *a, const char *user,
    const char *target, struct pst_error *err);
/* Whether the user gets a copy. NOTFOUND: no such user, or none that forwards.
 */
enum pst_rc forward_keep(
    struct accounts *a, const char *user, bool keep, struct pst_error *err);
/* All of it anew, at once: those `targets`, none of them twice (EXISTS), and
 * whether the user gets a copy. SYNTAX: one is no address. */
enum pst_rc forward_replace(struct accounts *a, const char *user,
    const char *const *targets, size_t n, bool keep, struct pst_error *err);
/* Those of one user. */
enum pst_rc forward_of(struct accounts *a, const char *user,
    void (*fn)(void *arg, const char *target), void *arg,
    struct pst_error *err);
enum pst_rc forward_each(struct accounts *a, const char *domain,
    void (*fn)(void *arg, const char *user, const char *target, bool keeps),
    void *arg, struct pst_error *err);

enum pst_rc domain_add(
    struct accounts *a, const char *domain, struct pst_error *err);
/* PERM while it has users; its aliases go with it. */
enum pst_rc domain_delete(
    struct accounts *a, const char *domain, struct pst_error *err);
/* Those of the database and of the configuration. `storage`: of its users who
 * have none of their own, "": the default. */
typedef void (*account_domain_fn)(
    void *arg, const char *domain, bool configured, const char *storage);
enum pst_rc domain_each(
    struct accounts *a, account_domain_fn fn, void *arg, struct pst_error *err);
/* PERM for one of the configuration. */
enum pst_rc domain_set_storage(struct accounts *a, const char *domain,
    const char *storage, struct pst_error *err);
/* NOTFOUND: it is not. */
enum pst_rc domain_is_local(
    struct accounts *a, struct pst_str domain, struct pst_error *err);

/* --- routing and rights -------------------------------------------------- */

/*
 * Follows an address of a local domain to users and outside addresses: user and
 * those that the user forwards to, alias (over at most 10 levels, each target
 * once), the same without "+detail", catch-all; "postmaster" and "abuse" fall
 * back to the first administrator. A user who forwards, without a copy, to
 * nobody who is there gets the mail. With forward.enabled or queue.enabled off
 * nobody forwards. `detail` is what stood behind the separator of the address
 * that led there. A disabled user still gets mail. "postmaster" needs no
 * domain. NOTFOUND: no such recipient; CONFLICT: aliases that lead to nothing
 * but each other; LIMIT: more than 1000 targets or 10 levels. On a failure
 * nothing was called back.
 */
typedef void (*account_target_fn)(void *arg, const struct account_user *user,
    const char *outside, const char *detail); /* user or outside is NULL */
enum pst_rc account_resolve(struct accounts *a, const char *address,
    account_target_fn fn, void *arg, struct pst_error *err);

/* --- who shares mailboxes with whom ------------------------------------- */

/*
 * An index of the access control lists that are kept with the mailboxes: of
 * `owner`, some list may name `grantee`, a user's address or "anyone". It may
 * hold more than is true, never less. Users that are deleted leave it.
 */
enum pst_rc share_add(struct accounts *a, const char *grantee,
    const char *owner, struct pst_error *err);
enum pst_rc share_remove(struct accounts *a, const char *grantee,
    const char *owner, struct pst_error *err);
/* NOTFOUND: `owner` has nothing for `grantee`, nor for anyone. */
enum pst_rc share_find(struct accounts *a, const char *grantee,
    const char *owner, struct pst_error *err);
/* Calls back with each owner that has something for `grantee` or for anyone,
 * or, with `only`, for exactly `grantee`; once each, in order. */
enum pst_rc share_each(struct accounts *a, const char *grantee, bool only,
    void (*fn)(void *arg, const char *owner), void *arg, struct pst_error *err);
/* What `owner` shares with others. */
enum pst_rc share_forget_owner(
    struct accounts *a, const char *owner, struct pst_error *err);

/* The user may send as `address`: their own, with detail, or an alias that
 * leads to them. DENIED: may not. */
enum pst_rc account_may_send_as(struct accounts *a, const char *user,
    const char *address, struct pst_error *err);

#endif
