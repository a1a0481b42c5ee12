/*
 * mailbox/acl_kept.c - access control lists as texts that are kept with their
 * mailboxes, and the index of them among the accounts.
 *
 * The index is extended before a list grants something, so that it never lacks
 * what is true; what is no longer true is found when it is used.
 */
#include "mailbox/place.h"

#include "base/log.h"
#include "base/str.h"
#include "mailbox/priv.h"
#include <stdlib.h>

/* No client sees it: the names of what clients may ask for begin with a slash
 * (RFC 5464). */
#define ACL_KEY "postern/acl"
enum { ACL_TEXT_MAX = ACL_ENTRIES_MAX * (ACL_IDENTIFIER_MAX + 16) };

struct reading {
	struct acl *acl;
	bool damaged;
};

static void
take_text(void *arg, const char *key, struct pst_str value)
{
	struct reading *r = arg;

	if (strcmp(key, ACL_KEY) != 0)
		return;
	acl_fini(r->acl);
	r->damaged = !acl_parse(value, r->acl);
}

enum pst_rc
mail_acl_get(struct mail_account *acct, const char *name, struct acl *acl_r,
    struct pst_error *err)
{
	struct reading r = { .acl = acl_r };
	enum pst_rc rc;

	*acl_r = (struct acl){ 0 };
	rc = account_enter(acct)->meta_get(
	    acct->acct, name, ACL_KEY, take_text, &r, err);
	account_leave(acct);
	if (r.damaged)
		log_text(PST_LOG_WARNING, 0, "acl",
		    "%s: the access control list of %s is damaged and grants "
		    "nothing",
		    acct->id, name);
	return rc;
}

/* Sessions that have it open look at their rights again. */
static void
tell_views(struct mail_account *acct, const char *name)
{
	struct mailbox *mb;

	atomic_fetch_add(&acct->acl_changes, 1);
	mb = mailbox_find(acct, name);
	if (mb == NULL)
		return;
	pthread_mutex_lock(&mb->lock);
	mailbox_wake_views(mb);
	pthread_mutex_unlock(&mb->lock);
	mailbox_put(&mb);
}

static enum pst_rc
put(struct mail_account *acct, const char *name, const struct acl *acl,
    struct pst_error *err)
{
	struct pst_str value = STR_NONE;
	struct buf text;
	enum pst_rc rc;

	buf_init(&text, ACL_TEXT_MAX);
	acl_print(acl, &text);
	if (acl->n > 0)
		value = buf_str(&text);
	rc = account_enter(acct)->meta_set(
	    acct->acct, name, ACL_KEY, value, err);
	account_leave(acct);
	buf_fini(&text);
	if (rc == PST_OK)
		tell_views(acct, name);
	return rc;
}

/* acl_lock is held. */
static enum pst_rc
change(struct accounts *a, struct mail_account *acct, const char *name,
    const char *identifier, enum acl_change how, unsigned rights,
    struct pst_error *err)
{
	bool positive = identifier[0] != '-';
	struct acl acl;
	enum pst_rc rc = mail_acl_get(acct, name, &acl, err);

	if (rc == PST_OK) {
		rc = acl_apply(&acl, identifier, how, rights);
		if (rc != PST_OK)
			(void)pst_fail(err, rc, 0,
			    "%.150s: too many entries in the list", name);
	}
	if (rc == PST_OK && positive && acl_find(&acl, identifier) != 0)
		rc = share_add(a, identifier, acct->id, err);
	if (rc == PST_OK)
		rc = put(acct, name, &acl, err);
	acl_fini(&acl);
	return rc;
}

enum pst_rc
mail_acl_change(struct accounts *a, struct mail_account *acct, const char *name,
    const char *identifier, enum acl_change how, unsigned rights,
    struct pst_error *err)
{
	enum pst_rc rc;

	pthread_mutex_lock(&acct->acl_lock);
	rc = change(a, acct, name, identifier, how, rights, err);
	pthread_mutex_unlock(&acct->acl_lock);
	return rc;
}

/* --- all lists of an account -------------------------------------------------
 */

static enum pst_rc
index_one(struct accounts *a, struct mail_account *acct, const char *name,
    struct pst_error *err)
{
	struct acl acl;
	enum pst_rc rc = mail_acl_get(acct, name, &acl, err);

	for (size_t i = 0; rc == PST_OK && i < acl.n; i++)
		if (acl.entry[i].identifier[0] != '-')
			rc = share_add(
			    a, acl.entry[i].identifier, acct->id, err);
	acl_fini(&acl);
	return rc == PST_E_NOTFOUND ? PST_OK : rc;
}

enum pst_rc
mail_acl_index(
    struct accounts *a, struct mail_account *acct, struct pst_error *err)
{
	struct mailbox_names boxes;
	enum pst_rc rc;

	pthread_mutex_lock(&acct->acl_lock);
	rc = mailbox_names(acct, &boxes, err);
	if (rc == PST_OK)
		rc = share_forget_owner(a, acct->id, err);
	for (size_t i = 0; rc == PST_OK && i < boxes.n; i++)
		rc = index_one(a, acct, boxes.v[i], err);
	pthread_mutex_unlock(&acct->acl_lock);
	mailbox_names_fini(&boxes);
	return rc;
}

/* --- a user goes -------------------------------------------------------------
 */

static enum pst_rc
forget_in_box(struct mail_account *acct, const char *name, const char *address,
    struct pst_error *err)
{
	struct acl acl;
	enum pst_rc rc = mail_acl_get(acct, name, &acl, err);

	if (rc == PST_OK && acl_forget(&acl, address))
		rc = put(acct, name, &acl, err);
	acl_fini(&acl);
	return rc == PST_E_NOTFOUND ? PST_OK : rc;
}

static enum pst_rc
forget_in_account(struct accounts *a, struct mail_account *acct,
    const char *address, struct pst_error *err)
{
	struct mailbox_names boxes;
	enum pst_rc rc;

	pthread_mutex_lock(&acct->acl_lock);
	rc = mailbox_names(acct, &boxes, err);
	for (size_t i = 0; rc == PST_OK && i < boxes.n; i++)
		rc = forget_in_box(acct, boxes.v[i], address, err);
	if (rc == PST_OK)
		rc = share_remove(a, address, acct->id, err);
	pthread_mutex_unlock(&acct->acl_lock);
	mailbox_names_fini(&boxes);
	return rc;
}

struct forgetting {
	struct accounts *a;
	struct mailstore *ms;
	const char *address;
	enum pst_rc rc;
	struct pst_error *err;
};

static void
forget_at(void *arg, const char *owner)
{
	struct forgetting *f = arg;
	struct account_user user;
	struct mail_account *acct = NULL;
	enum pst_rc rc;

	if (f->rc != PST_OK)
		return;
	if (strcmp(owner, ACCOUNT_PUBLIC) == 0) {
		rc = mail_public_open(f->ms, &acct, f->err);
	} else {
		rc = account_find(f->a, owner, &user, f->err);
		if (rc == PST_E_NOTFOUND)
			return;
		if (rc == PST_OK)
			rc = mail_account_open(f->ms, &user, &acct, f->err);
	}
	if (rc == PST_OK)
		rc = forget_in_account(f->a, acct, f->address, f->err);
	mail_account_close(&acct);
	f->rc = rc;
}

enum pst_rc
mail_acl_forget_user(struct accounts *a, struct mailstore *ms,
    const struct account_user *user, struct pst_error *err)
{
	struct forgetting f = { a, ms, user->address, PST_OK, err };
	enum pst_rc rc = share_each(a, user->address, true, forget_at, &f, err);

	if (rc == PST_OK)
		rc = f.rc;
	if (rc == PST_OK)
		rc = share_forget_owner(a, user->address, err);
	if (rc == PST_OK)
		account_wake_shared(ms, user->address);
	return rc;
}
