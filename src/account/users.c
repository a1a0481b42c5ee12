/*
 * account/users.c - users as the administration sees them: made, found,
 * changed, deleted, listed.
 */
#include "account/private.h"

#include "base/clock.h"
#include "base/str.h"
#include <gnutls/gnutls.h>
#include <stdlib.h>

enum { PAGE = 128 };

static enum pst_rc
not_an_address(const char *address, struct pst_error *err)
{
	return pst_fail(
	    err, PST_E_SYNTAX, 0, "\"%.200s\" is not an address", address);
}

enum pst_rc
account_no_such_user(enum pst_rc rc, const char *address, struct pst_error *err)
{
	if (rc == PST_E_NOTFOUND)
		return pst_fail(err, rc, 0, "%.200s: no such user", address);
	return rc;
}

/* What comes from an administrator and goes to a module or a header field. */
static enum pst_rc
check_fields(const struct account_user *user, struct pst_error *err)
{
	struct pst_str name = str_of(user->name);

	if (!str_is_utf8(name))
		return pst_fail(err, PST_E_SYNTAX, 0, "the name is not UTF-8");
	for (size_t i = 0; i < name.n; i++) {
		if ((unsigned char)name.p[i] < 0x20 || name.p[i] == 0x7f)
			return pst_fail(err, PST_E_SYNTAX, 0,
			    "the name has a control character");
	}
	if (user->quota_bytes < -1 || user->quota_messages < -1)
		return pst_fail(err, PST_E_SYNTAX, 0,
		    "a quota is a number, 0 for none or -1 for the default");
	return PST_OK;
}

/* A user's address names directories: no '/', and nothing that needs quotes. */
static enum pst_rc
clean_user(const char *address, char clean[321], struct pst_error *err)
{
	if (!account_normalise(str_of(address), clean))
		return not_an_address(address, err);
	if (clean[0] == '"' || strchr(clean, '/') != NULL)
		return pst_fail(err, PST_E_SYNTAX, 0,
		    "\"%.200s\": a user's name cannot have '/' or quotes",
		    address);
	if (strcmp(clean, ACCOUNT_PUBLIC) == 0)
		return pst_fail(err, PST_E_SYNTAX, 0,
		    "\"%s\" is the account of public mailboxes", clean);
	return PST_OK;
}

enum pst_rc
account_domain_check(struct account_conn *c, const struct account_settings *s,
    const char *domain, struct pst_error *err)
{
	enum pst_rc rc;

	if (account_is_configured(s, domain))
		return PST_OK;
	rc = account_run(c, Q_DOMAIN, err, "t", domain);
	if (rc == PST_E_NOTFOUND)
		return pst_fail(
		    err, rc, 0, "%.200s: not a domain of this server", domain);
	return rc;
}

static enum pst_rc
insert_user(struct account_conn *c, const struct account_user *user,
    const char *address, const struct account_keys *keys, struct pst_error *err)
{
	bool scram = keys->iterations > 0;
	int64_t created = user->created != 0 ? user->created : clock_seconds();
	enum pst_rc rc = account_run(c, Q_USER_ADD, err, "tttiiiiiitiitbibb",
	    address, user->name, user->storage, (int64_t)user->enabled,
	    (int64_t)user->is_admin, user->quota_bytes, user->quota_messages,
	    created, (int64_t)user->on_hold, account_domain_of(address),
	    (int64_t)ACCOUNT_FORWARD_NONE, account_flags_of(user),
	    keys->hash[0] != '\0' ? keys->hash : NULL,
	    scram ? keys->salt : NULL, keys->salt_n, keys->iterations,
	    scram ? keys->stored : NULL, sizeof(keys->stored),
	    scram ? keys->server : NULL, sizeof(keys->server));

	if (rc == PST_E_EXISTS)
		return pst_fail(
		    err, rc, 0, "%.200s: there is such a user", address);
	return rc;
}

/* Both cannot be: mail for the user would never reach the alias. */
static enum pst_rc
refuse_alias(struct account_conn *c, const char *address, struct pst_error *err)
{
	enum pst_rc rc = account_run(c, Q_ALIAS_TARGETS, err, "t", address);

	if (rc == PST_OK)
		return pst_fail(err, PST_E_EXISTS, 0,
		    "%.200s: there is an alias of this name", address);
	return rc == PST_E_NOTFOUND ? PST_OK : rc;
}

enum pst_rc
account_add(struct accounts *a, const struct account_user *user,
    struct pst_str password, struct pst_error *err)
{
	char address[ACCOUNT_ADDRESS];
	struct account_keys keys = { .hash = "" };
	struct account_settings *s = account_settings_take(a);
	struct account_conn *c;
	enum pst_rc rc = clean_user(user->address, address, err);

	if (rc == PST_OK)
		rc = check_fields(user, err);
	if (rc == PST_OK && password.p != NULL)
		rc = account_password_keys(s->cfg, password, &keys, err);
	if (rc != PST_OK)
		goto out;
	c = account_db_write(a->db, err);
	if (c == NULL) {
		rc = PST_E_TEMP;
		goto out;
	}
	rc = account_domain_check(c, s, account_domain_of(address), err);
	if (rc == PST_OK)
		rc = refuse_alias(c, address, err);
	if (rc == PST_OK)
		rc = insert_user(c, user, address, &keys, err);
	rc = account_db_write_done(&c, rc, err);
out:
	gnutls_memset(&keys, 0, sizeof(keys));
	account_settings_give(a, &s);
	return rc;
}

/* Where rows of Q_USER and the like go. */
struct users {
	struct account_settings *s;
	struct account_user *page;
	size_t n, max;
};

static void
take_user(void *arg, const struct pst_value *row, size_t n)
{
	struct users *to = arg;

	(void)n;
	if (to->n < to->max)
		(void)account_read_user(row, to->s, &to->page[to->n++]);
}

enum pst_rc
account_other_admin(
    struct accounts *a, const char *address, struct pst_error *err)
{
	struct account_conn *c = account_db_take(a->db, err);
	enum pst_rc rc;

	if (c == NULL)
		return PST_E_TEMP;
	rc = account_run(c, Q_OTHER_ADMIN, err, "t", address);
	account_db_give(&c);
	return rc;
}

enum pst_rc
account_find(struct accounts *a, const char *address,
    struct account_user *user_r, struct pst_error *err)
{
	char clean[ACCOUNT_ADDRESS];
	struct account_conn *c;
	struct users found = { .page = user_r, .max = 1 };
	enum pst_rc rc;

	memset(user_r, 0, sizeof(*user_r));
	if (!account_normalise(str_of(address), clean))
		return account_no_such_user(PST_E_NOTFOUND, address, err);
	c = account_db_take(a->db, err);
	if (c == NULL)
		return PST_E_TEMP;
	found.s = account_settings_take(a);
	rc = account_rows(c, Q_USER, take_user, &found, err, "t", clean);
	account_settings_give(a, &found.s);
	account_db_give(&c);
	return account_no_such_user(rc, address, err);
}

enum pst_rc
account_first_admin(
    struct accounts *a, struct account_user *user_r, struct pst_error *err)
{
	struct account_conn *c = account_db_take(a->db, err);
	struct users found = { .page = user_r, .max = 1 };
	enum pst_rc rc;

	memset(user_r, 0, sizeof(*user_r));
	if (c == NULL)
		return PST_E_TEMP;
	found.s = account_settings_take(a);
	rc = account_rows(c, Q_FIRST_ADMIN, take_user, &found, err, "");
	account_settings_give(a, &found.s);
	account_db_give(&c);
	return rc;
}

/* `fields` of `from`. */
static void
take_fields(
    struct account_user *to, const struct account_user *from, unsigned fields)
{
	if ((fields & ACCOUNT_SET_NAME) != 0)
		memcpy(to->name, from->name, sizeof(to->name));
	if ((fields & ACCOUNT_SET_STORAGE) != 0)
		memcpy(to->storage, from->storage, sizeof(to->storage));
	if ((fields & ACCOUNT_SET_ENABLED) != 0)
		to->enabled = from->enabled;
	if ((fields & ACCOUNT_SET_ADMIN) != 0)
		to->is_admin = from->is_admin;
	if ((fields & ACCOUNT_SET_APP_ONLY) != 0)
		to->app_only = from->app_only;
	if ((fields & ACCOUNT_SET_ON_HOLD) != 0)
		to->on_hold = from->on_hold;
	if ((fields & ACCOUNT_SET_QUOTA_BYTES) != 0)
		to->quota_bytes = from->quota_bytes;
	if ((fields & ACCOUNT_SET_QUOTA_MESSAGES) != 0)
		to->quota_messages = from->quota_messages;
	to->is_pending = to->is_pending && !to->enabled;
}

/* In a transaction that writes: nobody else does until its end. */
static enum pst_rc
update(struct accounts *a, struct account_conn *c, const char *address,
    struct account_user *user, unsigned fields, struct pst_error *err)
{
	struct account_user now = { .address = "" };
	struct users found = { .page = &now, .max = 1 };
	enum pst_rc rc;

	found.s = account_settings_take(a);
	rc = account_rows(c, Q_USER, take_user, &found, err, "t", address);
	account_settings_give(a, &found.s);
	if (rc != PST_OK)
		return rc;
	take_fields(&now, user, fields);
	rc = account_run(c, Q_USER_UPDATE, err, "tttiiiiii", address, now.name,
	    now.storage, (int64_t)now.enabled, (int64_t)now.is_admin,
	    now.quota_bytes, now.quota_messages, (int64_t)now.on_hold,
	    account_flags_of(&now));
	if (rc == PST_OK)
		*user = now;
	return rc;
}

enum pst_rc
account_update(struct accounts *a, struct account_user *user, unsigned fields,
    struct pst_error *err)
{
	char address[ACCOUNT_ADDRESS];
	struct account_conn *c;
	enum pst_rc rc = clean_user(user->address, address, err);

	if (rc == PST_OK)
		rc = check_fields(user, err);
	if (rc != PST_OK)
		return rc;
	c = account_db_write(a->db, err);
	if (c == NULL)
		return PST_E_TEMP;
	rc = update(a, c, address, user, fields, err);
	rc = account_db_write_done(&c, rc, err);
	return account_no_such_user(rc, address, err);
}

enum pst_rc
account_require_app(struct accounts *a, const char *address, bool required,
    struct pst_error *err)
{
	struct account_user user = { .app_only = required };

	if (!str_copy(user.address, sizeof(user.address), str_of(address)))
		return not_an_address(address, err);
	return account_update(a, &user, ACCOUNT_SET_APP_ONLY, err);
}

enum pst_rc
account_put_password(struct account_conn *c, const char *address,
    const struct account_keys *keys, struct pst_error *err)
{
	bool scram = keys->iterations > 0;
	enum pst_rc rc = account_run(c, Q_USER_PASSWORD, err, "ttbibb", address,
	    keys->hash[0] != '\0' ? keys->hash : NULL,
	    scram ? keys->salt : NULL, keys->salt_n, keys->iterations,
	    scram ? keys->stored : NULL, sizeof(keys->stored),
	    scram ? keys->server : NULL, sizeof(keys->server));

	if (rc != PST_OK)
		return rc;
	rc = account_run(c, Q_RESET_FORGET, err, "t", address);
	return rc == PST_E_NOTFOUND ? PST_OK : rc;
}

enum pst_rc
account_set_password(struct accounts *a, const char *address,
    struct pst_str password, struct pst_error *err)
{
	char clean[ACCOUNT_ADDRESS];
	struct account_keys keys = { .hash = "" };
	struct account_user user;
	struct account_settings *s;
	struct account_conn *c;
	enum pst_rc rc = account_find(a, address, &user, err);

	if (rc != PST_OK)
		return rc;
	(void)account_normalise(str_of(address), clean);
	s = account_settings_take(a);
	if (password.p != NULL)
		rc = account_password_keys(s->cfg, password, &keys, err);
	account_settings_give(a, &s);
	if (rc != PST_OK)
		return rc;
	c = account_db_write(a->db, err);
	if (c == NULL)
		return PST_E_TEMP;
	rc = account_put_password(c, clean, &keys, err);
	rc = account_db_write_done(&c, rc, err);
	gnutls_memset(&keys, 0, sizeof(keys));
	return account_no_such_user(rc, address, err);
}

enum pst_rc
account_delete(struct accounts *a, const char *address, struct pst_error *err)
{
	char clean[ACCOUNT_ADDRESS];
	struct account_conn *c;
	enum pst_rc rc;

	if (!account_normalise(str_of(address), clean))
		return account_no_such_user(PST_E_NOTFOUND, address, err);
	c = account_db_write(a->db, err);
	if (c == NULL)
		return PST_E_TEMP;
	rc = account_run(c, Q_USER_DELETE, err, "t", clean);
	if (rc == PST_OK) {
		rc = account_run(c, Q_ALIAS_DELETE_TARGET, err, "t", clean);
		if (rc == PST_OK || rc == PST_E_NOTFOUND)
			rc = account_run(
			    c, Q_SHARE_FORGET_USER, err, "t", clean);
		if (rc == PST_OK || rc == PST_E_NOTFOUND)
			rc = account_run(c, Q_FORWARD_FORGET, err, "t", clean);
		if (rc == PST_OK || rc == PST_E_NOTFOUND)
			rc = account_run(
			    c, Q_CREDENTIAL_FORGET, err, "t", clean);
		if (rc == PST_E_NOTFOUND)
			rc = PST_OK;
	} else {
		rc = account_no_such_user(rc, address, err);
	}
	return account_db_write_done(&c, rc, err);
}

/* One page of users after `after`; the number of them in *n_r. */
static enum pst_rc
read_page(struct accounts *a, const char *domain, const char *after,
    struct account_user *page, size_t max, size_t *n_r, struct pst_error *err)
{
	struct account_conn *c = account_db_take(a->db, err);
	struct users found = { .page = page, .max = max };
	enum pst_rc rc;

	*n_r = 0;
	if (c == NULL)
		return PST_E_TEMP;
	found.s = account_settings_take(a);
	if (domain != NULL)
		rc = account_rows(c, Q_USERS_OF_DOMAIN, take_user, &found, err,
		    "tit", after, (int64_t)max, domain);
	else
		rc = account_rows(c, Q_USERS, take_user, &found, err, "ti",
		    after, (int64_t)max);
	account_settings_give(a, &found.s);
	account_db_give(&c);
	*n_r = found.n;
	return rc == PST_E_NOTFOUND ? PST_OK : rc;
}

enum pst_rc
account_page(struct accounts *a, const char *after, struct account_user *users,
    size_t max, size_t *n_r, struct pst_error *err)
{
	return read_page(a, NULL, after, users, max, n_r, err);
}

enum pst_rc
account_each(struct accounts *a, const char *domain,
    void (*fn)(void *arg, const struct account_user *user), void *arg,
    struct pst_error *err)
{
	char clean[ACCOUNT_DOMAIN], after[ACCOUNT_ADDRESS] = "";
	struct account_user *page;
	size_t n = PAGE;
	enum pst_rc rc = PST_OK;

	if (domain != NULL && !account_clean_domain(str_of(domain), clean))
		return account_not_a_domain(domain, err);
	/* The callback runs without a connection: it may ask us again. */
	page = mem_array(PAGE, sizeof(*page));
	while (n == PAGE && rc == PST_OK) {
		rc = read_page(a, domain != NULL ? clean : NULL, after, page,
		    PAGE, &n, err);
		for (size_t i = 0; rc == PST_OK && i < n; i++)
			fn(arg, &page[i]);
		if (n > 0)
			(void)str_copy(
			    after, sizeof(after), str_of(page[n - 1].address));
	}
	free(page);
	return rc;
}
