/*
 * mailbox/place.h - what a mailbox name of a session means: its own mailboxes,
 * those that other users share ("Other Users/anna@example.org/Projects") and
 * public ones ("Shared/Team"); what the user may do there; and the access
 * control lists, which are kept with the mailboxes (RFC 2342, RFC 4314).
 *
 * Who has no right to know of a mailbox is told what is told of one that does
 * not exist.
 *
 * Threads: from any thread; may block on the disk, but for names of a session's
 * own mailboxes.
 */
#ifndef MAILBOX_PLACE_H
#define MAILBOX_PLACE_H

#include "mailbox/acl.h"
#include "mailbox/mailbox.h"

#define MAIL_USERS "Other Users"
#define MAIL_PUBLIC "Shared"

/* Administrators see public mailboxes, make, remove and share them. */
enum {
	MAIL_PUBLIC_ADMIN = ACL_LOOKUP | ACL_CREATE | ACL_REMOVE |
			    ACL_ADMINISTER
};

/* Who asks. Borrowed; nothing is kept. */
struct mail_user {
	struct accounts *accounts;
	struct mailstore *store;
	struct mail_account *own;
	const char *address;
};

struct mail_place {
	struct mail_account *account;
	const char *name; /* of the mailbox in that account */
	/* All below is only for mailboxes of others. */
	bool is_shared;
	bool is_public;
	bool private_seen; /* \Seen is kept in `user` */
	struct mail_account *user;
	unsigned rights; /* enum acl_right; all of one's own */
	uint64_t rights_at;
	char *memory; /* freed by mail_place_fini() */
};

/* `name` is clean: mailbox_name_clean(). Would it be in another account? */
bool mail_is_shared_name(const struct mail_user *u, const char *name);

/*
 * Where the mailbox is, when the user has all rights of `need` there, or with
 * `need` 0 any that lets them know of it. NOTFOUND; DENIED when the user may
 * know that it exists. One's own need not exist: nothing is looked up. `name`
 * must live as long as the place. On a failure nothing is to be freed.
 */
enum pst_rc mail_place_find(const struct mail_user *u, const char *name,
    unsigned need, struct mail_place *place_r, struct pst_error *err);
/* The same for a mailbox that is to be made: the rights are those on its
 * nearest parent (RFC 4314, 4). */
enum pst_rc mail_place_new(const struct mail_user *u, const char *name,
    struct mail_place *place_r, struct pst_error *err);
void mail_place_fini(struct mail_place *place);
/* One's own mailbox; needs no mail_place_fini(). */
struct mail_place mail_place_own(struct mail_account *own, const char *name);

/* What stands before the name in the account, on the heap. */
char *mail_place_prefix(const struct mail_place *place);

/* Makes a mailbox; it inherits the list of its parent (RFC 4314, 4). */
enum pst_rc mail_place_create(const struct mail_user *u,
    const struct mail_place *place, const char *special_use,
    struct pst_error *err);

/* The same where nobody asks for it but the administration; `creator` (or NULL)
 * gets all rights when there is no list to inherit. */
enum pst_rc mailbox_create_inheriting(struct accounts *a,
    struct mail_account *acct, const char *name, const char *special_use,
    const char *creator, struct pst_error *err);

/* Calls back with each mailbox of others that the user may list. `is_admin`:
 * the user was an administrator, which is asked again. */
typedef void (*mail_shared_fn)(void *arg, const char *name, unsigned rights);
enum pst_rc mail_shared_each(const struct mail_user *u, bool is_admin,
    mail_shared_fn fn, void *arg, struct pst_error *err);

/* --- a session's view ------------------------------------------------------
 */

/* As view_open(); reading is all one can do without other rights. */
enum pst_rc view_open_at(const struct mail_place *place, bool read_only,
    const struct net_handle *wake, struct mailbox_view **view_r,
    struct pst_error *err);
/*
 * Looks again, when some list of the account was changed. False: the user has
 * no right to read any more. *changed_r: the rights are others now. Quick when
 * nothing was changed, and for one's own.
 */
bool view_check_rights(
    struct mailbox_view *v, const struct mail_user *u, bool *changed_r);
/* Quick: view_check_rights() would look again. */
bool view_rights_stale(const struct mailbox_view *v);

/* --- the lists --------------------------------------------------------------
 */

/* The caller frees the list. NOTFOUND: there is no such mailbox. */
enum pst_rc mail_acl_get(struct mail_account *acct, const char *name,
    struct acl *acl_r, struct pst_error *err);
/* `identifier` is clean. LIMIT: too many entries. */
enum pst_rc mail_acl_change(struct accounts *a, struct mail_account *acct,
    const char *name, const char *identifier, enum acl_change change,
    unsigned rights, struct pst_error *err);
/* Takes a user, who is to be deleted, off all lists; and what the user shares,
 * whose sessions of others then end. */
enum pst_rc mail_acl_forget_user(struct accounts *a, struct mailstore *ms,
    const struct account_user *user, struct pst_error *err);
/* Enters into the index what the lists of an account grant, should it have been
 * lost. */
enum pst_rc mail_acl_index(
    struct accounts *a, struct mail_account *acct, struct pst_error *err);

/* --- the public account -----------------------------------------------------
 */

enum pst_rc mail_public_open(
    struct mailstore *ms, struct mail_account **acct_r, struct pst_error *err);

#endif
