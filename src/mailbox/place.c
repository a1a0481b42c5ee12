/*
 * mailbox/place.c - from a name to an account and a mailbox in it, with the
 * rights that the user has there.
 */
#include "mailbox/place.h"

#include "base/log.h"
#include "base/str.h"
#include "mailbox/priv.h"
#include <stdlib.h>

/* --- names -------------------------------------------------------------------
 */

/* What stands behind `root` and its '/'; "" for the root itself, NULL: it is
 * not below it. */
static const char *
below(const char *name, const char *root)
{
	size_t n = strlen(root);

	if (strncmp(name, root, n) != 0)
		return NULL;
	if (name[n] == '\0')
		return name + n;
	return name[n] == '/' ? name + n + 1 : NULL;
}

static bool
sharing_enabled(struct mailstore *ms, bool *private_seen_r)
{
	struct config *cfg = mailstore_config(ms);
	bool enabled = cfg->sharing.enabled;

	if (private_seen_r != NULL)
		*private_seen_r = cfg->sharing.private_seen;
	config_unref(&cfg);
	return enabled;
}

bool
mail_is_shared_name(const struct mail_user *u, const char *name)
{
	return (below(name, MAIL_USERS) != NULL ||
		   below(name, MAIL_PUBLIC) != NULL) &&
	       sharing_enabled(u->store, NULL);
}

static enum pst_rc
not_there(const char *name, struct pst_error *err)
{
	return pst_fail(
	    err, PST_E_NOTFOUND, 0, "%.200s: no such mailbox", name);
}

struct mail_place
mail_place_own(struct mail_account *own, const char *name)
{
	return (struct mail_place){
		.account = own, .name = name, .user = own, .rights = ACL_ALL
	};
}

char *
mail_place_prefix(const struct mail_place *p)
{
	char text[sizeof(MAIL_USERS) + 330];

	if (p->is_public)
		(void)snprintf(text, sizeof(text), "%s/", MAIL_PUBLIC);
	else if (p->is_shared)
		(void)snprintf(text, sizeof(text), "%s/%s/", MAIL_USERS,
		    mail_account_id(p->account));
	else
		text[0] = '\0';
	return str_dup(str_of(text));
}

void
mail_place_fini(struct mail_place *p)
{
	if (p->is_shared)
		mail_account_close(&p->account);
	free(p->memory);
	*p = (struct mail_place){ 0 };
}

/* --- accounts ----------------------------------------------------------------
 */

enum pst_rc
mail_public_open(
    struct mailstore *ms, struct mail_account **acct_r, struct pst_error *err)
{
	struct account_user user = { .address = ACCOUNT_PUBLIC };

	return mail_account_open(ms, &user, acct_r, err);
}

/* INBOX is spelt so in the account, wherever it stands in the name. */
static char *
local_name(const char *rest)
{
	char *name = str_dup(str_of(rest));

	if (str_has_prefix_case(str_of(name), "INBOX") &&
	    (name[5] == '\0' || name[5] == '/'))
		memcpy(name, "INBOX", 5);
	return name;
}

/* Nobody learns whether there is a user who shares nothing with them. */
static enum pst_rc
open_owner(const struct mail_user *u, const char *owner, struct mail_place *p,
    struct pst_error *err)
{
	struct account_user user;
	enum pst_rc rc = share_find(u->accounts, u->address, owner, err);

	if (rc == PST_OK)
		rc = account_find(u->accounts, owner, &user, err);
	if (rc == PST_OK)
		rc = mail_account_open(u->store, &user, &p->account, err);
	return rc;
}

static enum pst_rc
find_users(const struct mail_user *u, const char *rest, struct mail_place *p,
    struct pst_error *err)
{
	size_t n = str_find(str_of(rest), '/');
	char owner[321];
	enum pst_rc rc;

	if (rest[n] == '\0' || !account_normalise(str_n(rest, n), owner))
		return not_there(rest, err);
	if (strcmp(owner, u->address) == 0) {
		p->account = u->own;
		p->rights = ACL_ALL;
		p->name = p->memory = local_name(rest + n + 1);
		return PST_OK;
	}
	rc = open_owner(u, owner, p, err);
	if (rc != PST_OK)
		return rc;
	p->is_shared = true;
	p->name = p->memory = local_name(rest + n + 1);
	return PST_OK;
}

static bool
is_admin(const struct mail_user *u)
{
	struct account_user me;
	struct pst_error err;

	return account_find(u->accounts, u->address, &me, &err) == PST_OK &&
	       me.is_admin;
}

static enum pst_rc
find_public(const struct mail_user *u, const char *rest, struct mail_place *p,
    struct pst_error *err)
{
	bool admin = is_admin(u);
	enum pst_rc rc = PST_OK;

	p->name = p->memory = local_name(rest);
	/* Every account has an INBOX; nobody's is no mailbox for anybody. */
	if (*rest == '\0' || strcmp(p->name, "INBOX") == 0)
		rc = not_there(rest, err);
	if (rc == PST_OK && !admin)
		rc = share_find(u->accounts, u->address, ACCOUNT_PUBLIC, err);
	if (rc == PST_OK)
		rc = mail_public_open(u->store, &p->account, err);
	if (rc != PST_OK) {
		free(p->memory);
		return rc;
	}
	p->is_shared = p->is_public = true;
	p->rights = admin ? (unsigned)MAIL_PUBLIC_ADMIN : 0;
	return PST_OK;
}

/* The account and the name; `rights` are those that need no list. */
static enum pst_rc
find_account(const struct mail_user *u, const char *name, struct mail_place *p,
    struct pst_error *err)
{
	const char *rest = below(name, MAIL_USERS);
	bool users = rest != NULL, private_seen;
	enum pst_rc rc;

	*p = mail_place_own(u->own, name);
	if (!users)
		rest = below(name, MAIL_PUBLIC);
	if (rest == NULL || !sharing_enabled(u->store, &private_seen))
		return PST_OK;
	p->rights = 0;
	rc = users ? find_users(u, rest, p, err) : find_public(u, rest, p, err);
	if (rc == PST_OK && p->is_shared)
		p->private_seen = private_seen;
	if (rc != PST_OK)
		*p = (struct mail_place){ 0 };
	return rc;
}

/* --- rights ------------------------------------------------------------------
 */

static enum pst_rc
add_rights(const struct mail_user *u, struct mail_place *p, const char *name,
    struct pst_error *err)
{
	struct acl acl;
	enum pst_rc rc;

	p->rights_at = atomic_load(&p->account->acl_changes);
	rc = mail_acl_get(p->account, name, &acl, err);
	if (rc == PST_OK)
		p->rights |= acl_rights_of(&acl, u->address);
	acl_fini(&acl);
	return rc;
}

/* Refused, in the words that the user may hear. */
static enum pst_rc
refuse(struct mail_place *p, const char *name, struct pst_error *err)
{
	bool known = p->rights & ACL_LOOKUP;

	mail_place_fini(p);
	return known ? pst_fail(err, PST_E_DENIED, 0,
			   "%.200s: not enough rights", name)
		     : not_there(name, err);
}

enum pst_rc
mail_place_find(const struct mail_user *u, const char *name, unsigned need,
    struct mail_place *p, struct pst_error *err)
{
	enum pst_rc rc = find_account(u, name, p, err);

	if (rc != PST_OK || !p->is_shared)
		return rc;
	rc = add_rights(u, p, p->name, err);
	if (rc != PST_OK) {
		mail_place_fini(p);
		return rc;
	}
	if (need == 0 ? (p->rights & ACL_ANY) != 0 : (p->rights & need) == need)
		return PST_OK;
	return refuse(p, name, err);
}

/* The nearest level above that is a mailbox. NOTFOUND: there is none. */
static enum pst_rc
parent_acl(struct mail_account *acct, const char *name, struct acl *acl,
    struct pst_error *err)
{
	char *parent = str_dup(str_of(name)), *slash;
	enum pst_rc rc = PST_E_NOTFOUND;

	*acl = (struct acl){ 0 };
	while (rc == PST_E_NOTFOUND && (slash = strrchr(parent, '/')) != NULL) {
		*slash = '\0';
		rc = mail_acl_get(acct, parent, acl, err);
	}
	free(parent);
	return rc == PST_E_NOTFOUND ? not_there(name, err) : rc;
}

enum pst_rc
mail_place_new(const struct mail_user *u, const char *name,
    struct mail_place *p, struct pst_error *err)
{
	enum pst_rc rc = find_account(u, name, p, err);
	struct acl acl;

	if (rc != PST_OK || !p->is_shared)
		return rc;
	rc = parent_acl(p->account, p->name, &acl, err);
	if (rc == PST_OK)
		p->rights |= acl_rights_of(&acl, u->address);
	acl_fini(&acl);
	if (rc != PST_OK && rc != PST_E_NOTFOUND) {
		mail_place_fini(p);
		return rc;
	}
	if (p->rights & ACL_CREATE)
		return PST_OK;
	return refuse(p, name, err);
}

/* --- making one --------------------------------------------------------------
 */

static enum pst_rc
inherit(struct accounts *a, struct mail_account *acct, const char *name,
    const struct acl *from, const char *creator, struct pst_error *err)
{
	enum pst_rc rc = PST_OK;

	for (size_t i = 0; i < from->n && rc == PST_OK; i++)
		rc = mail_acl_change(a, acct, name, from->entry[i].identifier,
		    ACL_SET, from->entry[i].rights, err);
	if (rc == PST_OK && from->n == 0 && creator != NULL)
		rc = mail_acl_change(
		    a, acct, name, creator, ACL_SET, ACL_ALL, err);
	return rc;
}

enum pst_rc
mailbox_create_inheriting(struct accounts *a, struct mail_account *acct,
    const char *name, const char *special_use, const char *creator,
    struct pst_error *err)
{
	struct acl acl = { 0 };
	enum pst_rc rc = PST_OK;

	if (strchr(name, '/') != NULL)
		rc = parent_acl(acct, name, &acl, err);
	if (rc == PST_OK || rc == PST_E_NOTFOUND)
		rc = mailbox_create(acct, name, special_use, err);
	if (rc == PST_OK)
		rc = inherit(a, acct, name, &acl, creator, err);
	acl_fini(&acl);
	return rc;
}

enum pst_rc
mail_place_create(const struct mail_user *u, const struct mail_place *p,
    const char *special_use, struct pst_error *err)
{
	return mailbox_create_inheriting(u->accounts, p->account, p->name,
	    special_use, p->is_public ? u->address : NULL, err);
}

/* --- what there is -----------------------------------------------------------
 */

struct names {
	char **v;
	size_t n, cap;
};

static void
add_name(struct names *names, const char *name)
{
	mem_grow(&names->v, &names->cap, names->n + 1, sizeof(*names->v));
	names->v[names->n++] = str_dup(str_of(name));
}

static void
names_fini(struct names *names)
{
	for (size_t i = 0; i < names->n; i++)
		free(names->v[i]);
	free(names->v);
}

static void
take_owner(void *arg, const char *owner)
{
	add_name(arg, owner);
}

static void
take_mailbox(void *arg, const struct pst_mailbox *row)
{
	if (row->exists)
		add_name(arg, row->name);
}

struct sharing {
	const struct mail_user *u;
	mail_shared_fn fn;
	void *arg;
	const char *owner;
	bool is_public;
	unsigned always; /* rights that need no list */
	bool named;	 /* some list does */
};

static void
report(struct sharing *sh, const char *name, unsigned rights)
{
	struct buf full;

	buf_init(&full, 4096);
	if (sh->is_public)
		(void)buf_printf(&full, "%s/%s", MAIL_PUBLIC, name);
	else
		(void)buf_printf(
		    &full, "%s/%s/%s", MAIL_USERS, sh->owner, name);
	if (buf_putc(&full, '\0'))
		sh->fn(sh->arg, full.p, rights);
	buf_fini(&full);
}

static void
report_one(struct sharing *sh, struct mail_account *acct, const char *name)
{
	struct acl acl;
	struct pst_error err;
	unsigned rights = sh->always;

	if (sh->is_public && strcmp(name, "INBOX") == 0)
		return;
	if (mail_acl_get(acct, name, &acl, &err) != PST_OK) {
		if (err.rc != PST_E_NOTFOUND) {
			log_failure(PST_LOG_ERROR, 0, "acl", &err);
			sh->named = true; /* not known */
		}
		return;
	}
	rights |= acl_rights_of(&acl, sh->u->address);
	sh->named |= acl_find(&acl, sh->u->address) != 0 ||
		     acl_find(&acl, "anyone") != 0;
	acl_fini(&acl);
	if (rights & ACL_LOOKUP)
		report(sh, name, rights);
}

/* The index names an owner who shares nothing any more, unless a list was
 * changed meanwhile. */
static void
forget_owner(struct sharing *sh, struct mail_account *acct, uint64_t changes)
{
	struct pst_error err;
	enum pst_rc rc = PST_OK;

	pthread_mutex_lock(&acct->acl_lock);
	if (changes == atomic_load(&acct->acl_changes)) {
		rc = share_remove(
		    sh->u->accounts, sh->u->address, sh->owner, &err);
		if (rc == PST_OK)
			rc = share_remove(
			    sh->u->accounts, "anyone", sh->owner, &err);
	}
	pthread_mutex_unlock(&acct->acl_lock);
	if (rc != PST_OK)
		log_failure(PST_LOG_WARNING, 0, "acl", &err);
}

static void
report_account(struct sharing *sh, struct mail_account *acct)
{
	struct names names = { 0 };
	struct pst_error err;
	uint64_t changes = atomic_load(&acct->acl_changes);

	if (mailbox_each(acct, take_mailbox, &names, &err) != PST_OK) {
		log_failure(PST_LOG_ERROR, 0, "acl", &err);
		sh->named = true;
	}
	for (size_t i = 0; i < names.n; i++)
		report_one(sh, acct, names.v[i]);
	if (!sh->named && sh->always == 0)
		forget_owner(sh, acct, changes);
	names_fini(&names);
}

static void
report_owner(struct sharing *sh)
{
	struct account_user user;
	struct mail_account *acct = NULL;
	struct pst_error err;
	enum pst_rc rc;

	sh->named = false;
	if (sh->is_public) {
		rc = mail_public_open(sh->u->store, &acct, &err);
	} else {
		rc = account_find(sh->u->accounts, sh->owner, &user, &err);
		if (rc == PST_OK)
			rc = mail_account_open(
			    sh->u->store, &user, &acct, &err);
	}
	if (rc == PST_OK)
		report_account(sh, acct);
	else if (rc != PST_E_NOTFOUND)
		log_failure(PST_LOG_ERROR, 0, "acl", &err);
	mail_account_close(&acct);
}

enum pst_rc
mail_shared_each(const struct mail_user *u, bool admin, mail_shared_fn fn,
    void *arg, struct pst_error *err)
{
	struct sharing sh = { .u = u, .fn = fn, .arg = arg };
	struct names owners = { 0 };
	bool has_public = false;
	enum pst_rc rc = PST_OK;

	if (!sharing_enabled(u->store, NULL))
		return PST_OK;
	admin = admin && is_admin(u); /* still */
	rc = share_each(
	    u->accounts, u->address, false, take_owner, &owners, err);
	for (size_t i = 0; i < owners.n; i++)
		has_public |= strcmp(owners.v[i], ACCOUNT_PUBLIC) == 0;
	if (admin && !has_public)
		add_name(&owners, ACCOUNT_PUBLIC);
	for (size_t i = 0; rc == PST_OK && i < owners.n; i++) {
		sh.owner = owners.v[i];
		sh.is_public = strcmp(sh.owner, ACCOUNT_PUBLIC) == 0;
		sh.always = admin && sh.is_public ? (unsigned)MAIL_PUBLIC_ADMIN
						  : 0;
		if (strcmp(sh.owner, u->address) != 0)
			report_owner(&sh);
	}
	names_fini(&owners);
	return rc;
}
