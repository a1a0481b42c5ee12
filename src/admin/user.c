/*
 * user.c - posternctl user: adding, listing, showing, changing and deleting
 * users.
 */
#include "account/resets.h"
#include "admin/ctl.h"
#include "admin/identity.h"
#include "admin/table.h"
#include "base/clock.h"
#include "base/str.h"
#include "mailbox/place.h"
#include "mailbox/store.h"
#include <stdlib.h>
#include <unistd.h>

enum { LINK_DAYS = 3 };

static const struct table_column list_columns[] = {
	{ "address", "ADDRESS", TABLE_TEXT },
	{ "name", "NAME", TABLE_TEXT },
	{ "enabled", "ENABLED", TABLE_TRUTH },
	{ "admin", "ADMIN", TABLE_TRUTH },
	{ "on_hold", "HOLD", TABLE_TRUTH },
	{ "quota_bytes", "QUOTA", TABLE_LIMIT },
	{ "quota_messages", "MESSAGES", TABLE_COUNT },
	{ "storage_used", "STORAGE", TABLE_TEXT },
	{ "storage_from", "OF", TABLE_TEXT },
	{ NULL, NULL, TABLE_TEXT },
};

static const struct table_column show_columns[] = {
	{ "address", "address", TABLE_TEXT },
	{ "name", "name", TABLE_TEXT },
	{ "enabled", "enabled", TABLE_TRUTH },
	{ "admin", "administrator", TABLE_TRUTH },
	{ "pending", "waits for approval", TABLE_TRUTH },
	{ "on_hold", "on hold", TABLE_TRUTH },
	{ "storage_used", "storage", TABLE_TEXT },
	{ "storage_from", "storage of", TABLE_TEXT },
	{ "quota_bytes", "quota", TABLE_LIMIT },
	{ "quota_messages", "quota of messages", TABLE_COUNT },
	{ "used_bytes", "used", TABLE_SIZE },
	{ "used_messages", "messages", TABLE_NUMBER },
	{ "created", "created (UTC)", TABLE_TIME },
	{ NULL, NULL, TABLE_TEXT },
};

/* "storage" is the user's own setting, "storage_used" where it leads. */
static json_t *
user_json(const struct ctl *c, const struct account_user *u)
{
	const char *used = account_storage(u), *from = "domain";

	if (u->storage[0] != '\0')
		from = "user";
	else if (*used == '\0')
		from = "default";
	if (*used == '\0')
		used = config_default_storage(c->cfg)->name;
	return json_pack(
	    "{s:o, s:o, s:b, s:b, s:b, s:b, s:o, s:o, s:s, s:I, s:I, "
	    "s:I}",
	    "address", admin_json_text(str_of(u->address)), "name",
	    admin_json_text(str_of(u->name)), "enabled", (int)u->enabled,
	    "admin", (int)u->is_admin, "pending", (int)u->is_pending, "on_hold",
	    (int)u->on_hold, "storage", admin_json_text(str_of(u->storage)),
	    "storage_used", admin_json_text(str_of(used)), "storage_from", from,
	    "quota_bytes", (json_int_t)u->quota_bytes, "quota_messages",
	    (json_int_t)u->quota_messages, "created", (json_int_t)u->created);
}

/* Finds the user; says itself when there is none. */
static int
find(struct ctl *c, const char *address, struct account_user *user_r)
{
	struct pst_error err = { 0 };
	enum pst_rc rc;

	rc = ctl_accounts(c, &err);
	if (rc != PST_OK)
		return ctl_fail(rc, "%s", err.detail);
	rc = account_find(c->accounts, address, user_r, &err);
	if (rc == PST_E_NOTFOUND)
		return ctl_fail(rc, "there is no user %s", address);
	if (rc != PST_OK)
		return ctl_fail(rc, "%s", err.detail);
	return CTL_OK;
}

/* --- options --------------------------------------------------------------
 */

static int
take_storage(struct ctl *c, struct account_user *u)
{
	if (*c->storage != '\0' &&
	    config_find_storage(c->cfg, c->storage) == NULL)
		return ctl_fail(PST_E_NOTFOUND,
		    "the configuration has no storage \"%s\"", c->storage);
	if (!str_copy(u->storage, sizeof(u->storage), str_of(c->storage)))
		return ctl_fail(PST_E_LIMIT, "the storage's name is too long");
	return CTL_OK;
}

/* Puts what was given by options into `u`. */
static int
take_options(struct ctl *c, struct account_user *u)
{
	if (c->name != NULL &&
	    (!str_is_utf8(str_of(c->name)) ||
		!str_copy(u->name, sizeof(u->name), str_of(c->name))))
		return ctl_usage("--name: expected at most %zu octets of UTF-8",
		    sizeof(u->name) - 1);
	if (c->quota != NULL && !ctl_parse_size(c->quota, &u->quota_bytes))
		return ctl_usage("--quota: expected a size such as 500M or 2G, "
				 "none or default, not \"%s\"",
		    c->quota);
	if (c->quota_messages != NULL &&
	    !ctl_parse_count(c->quota_messages, &u->quota_messages))
		return ctl_usage("--quota-messages: expected a number, none or "
				 "default, not \"%s\"",
		    c->quota_messages);
	if ((c->given & CTL_OPT_ADMIN) != 0)
		u->is_admin = true;
	if ((c->given & CTL_OPT_NO_ADMIN) != 0)
		u->is_admin = false;
	return c->storage != NULL ? take_storage(c, u) : CTL_OK;
}

/* --- commands -------------------------------------------------------------
 */

static int
add_failed(
    const struct account_user *u, enum pst_rc rc, const struct pst_error *err)
{
	if (rc == PST_E_EXISTS)
		return ctl_fail(rc, "%s exists already", u->address);
	if (rc == PST_E_NOTFOUND)
		return ctl_fail(rc,
		    "the domain of %s is not served here: add it with "
		    "`posternctl domain add`",
		    u->address);
	return ctl_fail(rc, "%s", err->detail);
}

static int
user_add(struct ctl *c, char **args, int n)
{
	struct account_user u = {
		.enabled = true, .quota_bytes = -1, .quota_messages = -1
	};
	struct account_user other;
	struct pst_error err = { 0 };
	char password[1024] = "";
	enum pst_rc rc;
	int status;

	(void)n;
	if (!account_normalise(str_of(args[0]), u.address))
		return ctl_usage("\"%s\" is no address", args[0]);
	status = take_options(c, &u);
	if (status != CTL_OK)
		return status;
	rc = ctl_accounts(c, &err);
	if (rc != PST_OK)
		return ctl_fail(rc, "%s", err.detail);
	/* Nobody should type a password in vain. */
	if (account_find(c->accounts, u.address, &other, &err) == PST_OK)
		return add_failed(&u, PST_E_EXISTS, &err);
	if ((c->given & CTL_OPT_NO_PASSWORD) == 0)
		rc = ctl_password(u.address, password, sizeof(password), &err);
	if (rc == PST_OK)
		rc = account_add(c->accounts, &u,
		    *password != '\0' ? str_of(password) : STR_NONE, &err);
	explicit_bzero(password, sizeof(password));
	return rc == PST_OK ? CTL_OK : add_failed(&u, rc, &err);
}

struct listing {
	const struct ctl *c;
	json_t *rows;
};

static void
list_one(void *arg, const struct account_user *user)
{
	const struct listing *l = arg;

	json_array_append_new(l->rows, user_json(l->c, user));
}

static int
user_list(struct ctl *c, char **args, int n)
{
	struct listing l = { .c = c };
	struct pst_error err = { 0 };
	enum pst_rc rc;

	rc = ctl_accounts(c, &err);
	if (rc != PST_OK)
		return ctl_fail(rc, "%s", err.detail);
	l.rows = json_array();
	rc = account_each(
	    c->accounts, n > 0 ? args[0] : NULL, list_one, &l, &err);
	if (rc == PST_OK)
		table_print(c->out, list_columns, l.rows, c->json);
	json_decref(l.rows);
	return rc == PST_OK ? CTL_OK : ctl_fail(rc, "%s", err.detail);
}

/* Only a running server knows what the storage holds. */
static void
add_usage(struct ctl *c, json_t *row, const char *address)
{
	struct pst_error err;
	json_t *items = NULL, *usage;
	bool no_daemon;

	if (ctl_ask(c,
		json_pack("{s:s, s:s}", "request", "usage", "address", address),
		&items, &no_daemon, &err) == PST_OK) {
		usage = json_array_get(items, 0);
		json_object_set(
		    row, "used_bytes", json_object_get(usage, "bytes"));
		json_object_set(
		    row, "used_messages", json_object_get(usage, "messages"));
	}
	json_decref(items);
}

static int
user_show(struct ctl *c, char **args, int n)
{
	struct account_user u;
	int status;
	json_t *row;

	(void)n;
	status = find(c, args[0], &u);
	if (status != CTL_OK)
		return status;
	row = user_json(c, &u);
	add_usage(c, row, u.address);
	table_print_one(c->out, show_columns, row, c->json);
	json_decref(row);
	return CTL_OK;
}

static int
user_passwd(struct ctl *c, char **args, int n)
{
	struct account_user u;
	struct pst_error err = { 0 };
	char password[1024] = "";
	enum pst_rc rc;
	int status;

	(void)n;
	status = find(c, args[0], &u);
	if (status != CTL_OK)
		return status;
	rc = ctl_password(u.address, password, sizeof(password), &err);
	if (rc == PST_OK)
		rc = account_set_password(
		    c->accounts, u.address, str_of(password), &err);
	explicit_bzero(password, sizeof(password));
	return rc == PST_OK ? CTL_OK : ctl_fail(rc, "%s", err.detail);
}

/* For who shall set a password, and whose nobody else is to know. */
static int
user_link(struct ctl *c, char **args, int n)
{
	int64_t expires = clock_seconds() + LINK_DAYS * 86400;
	struct account_user u;
	struct pst_error err = { 0 };
	char code[RESET_CODE], web[CONFIG_URL];
	enum pst_rc rc;
	int status;

	(void)n;
	status = find(c, args[0], &u);
	if (status != CTL_OK)
		return status;
	rc = reset_make(c->accounts, u.address, expires, code, &err);
	if (rc != PST_OK)
		return ctl_fail(rc, "%s", err.detail);
	if (c->json)
		(void)fprintf(c->out,
		    "{\"url\":\"%s/reset#%s\",\"expires\":%lld}\n",
		    config_web_url(c->cfg, web), code, (long long)expires);
	else
		(void)fprintf(
		    c->out, "%s/reset#%s\n", config_web_url(c->cfg, web), code);
	return CTL_OK;
}

static int
update(struct ctl *c, struct account_user *u, unsigned fields)
{
	struct pst_error err = { 0 };
	enum pst_rc rc = account_update(c->accounts, u, fields, &err);

	return rc == PST_OK ? CTL_OK : ctl_fail(rc, "%s", err.detail);
}

static int
set_enabled(struct ctl *c, const char *address, bool enabled)
{
	struct account_user u;
	int status;

	status = find(c, address, &u);
	if (status != CTL_OK)
		return status;
	u.enabled = enabled;
	return update(c, &u, ACCOUNT_SET_ENABLED);
}

static int
user_enable(struct ctl *c, char **args, int n)
{
	(void)n;
	return set_enabled(c, args[0], true);
}

/* Sessions of a disabled user end at once; no server, no sessions. */
static int
user_disable(struct ctl *c, char **args, int n)
{
	struct pst_error err;
	bool no_daemon;
	int status;

	(void)n;
	status = set_enabled(c, args[0], false);
	if (status == CTL_OK)
		(void)ctl_ask(c,
		    json_pack("{s:s, s:s}", "request", "kick", "who", args[0]),
		    NULL, &no_daemon, &err);
	return status;
}

/* A server that runs hears of it when it opens the account, as it does to tell
 * the usage. */
static int
user_hold(struct ctl *c, char **args, int n)
{
	struct account_user u;
	struct pst_error err;
	bool no_daemon;
	int status;

	(void)n;
	if (strcmp(args[1], "on") != 0 && strcmp(args[1], "off") != 0)
		return ctl_usage(
		    "user hold: expected on or off, not \"%s\"", args[1]);
	status = find(c, args[0], &u);
	if (status != CTL_OK)
		return status;
	u.on_hold = strcmp(args[1], "on") == 0;
	status = update(c, &u, ACCOUNT_SET_ON_HOLD);
	if (status == CTL_OK)
		(void)ctl_ask(c,
		    json_pack(
			"{s:s, s:s}", "request", "usage", "address", u.address),
		    NULL, &no_daemon, &err);
	return status;
}

static bool
is_same_storage(const struct ctl *c, const struct account_user *a,
    const struct account_user *b)
{
	const char *first = config_default_storage(c->cfg)->name;
	const char *x = account_storage(a), *y = account_storage(b);

	return strcmp(*x != '\0' ? x : first, *y != '\0' ? y : first) == 0;
}

/* Those that take_options() sets. */
static unsigned
given_fields(const struct ctl *c)
{
	unsigned fields = 0;

	if (c->name != NULL)
		fields |= ACCOUNT_SET_NAME;
	if (c->quota != NULL)
		fields |= ACCOUNT_SET_QUOTA_BYTES;
	if (c->quota_messages != NULL)
		fields |= ACCOUNT_SET_QUOTA_MESSAGES;
	if ((c->given & (CTL_OPT_ADMIN | CTL_OPT_NO_ADMIN)) != 0)
		fields |= ACCOUNT_SET_ADMIN;
	if (c->storage != NULL)
		fields |= ACCOUNT_SET_STORAGE;
	return fields;
}

static int
user_set(struct ctl *c, char **args, int n)
{
	struct account_user u, present;
	int status;

	(void)n;
	if (c->given == 0)
		return ctl_usage("user set: expected at least one option");
	if ((c->given & CTL_OPT_ADMIN) != 0 &&
	    (c->given & CTL_OPT_NO_ADMIN) != 0)
		return ctl_usage("--admin and --no-admin exclude each other");
	status = find(c, args[0], &u);
	if (status != CTL_OK)
		return status;
	present = u;
	status = take_options(c, &u);
	if (status == CTL_OK && !is_same_storage(c, &present, &u))
		status = ctl_refuse_behind(c, u.address, NULL);
	return status == CTL_OK ? update(c, &u, given_fields(c)) : status;
}

/* --- deleting -------------------------------------------------------------
 */

/* In the order that requests for it in a running server keep as well. */
static enum pst_rc
delete_here(struct ctl *c, struct account_user *u, struct pst_error *err)
{
	bool keep = (c->given & CTL_OPT_KEEP_MAIL) != 0;
	struct mailstore *store = NULL;
	enum pst_rc rc;

	u->enabled = false;
	rc = account_update(c->accounts, u, ACCOUNT_SET_ENABLED, err);
	if (rc != PST_OK)
		return rc;
	/* Mail that is kept need not be within reach. */
	store = mailstore_open(c->cfg, err);
	if (store == NULL && !keep)
		return err->rc != PST_OK ? err->rc : PST_E_TEMP;
	if (store != NULL) {
		rc = mail_acl_forget_user(c->accounts, store, u, err);
		if (rc == PST_OK && !keep)
			rc = mail_account_remove(store, u, err);
		mailstore_close(&store);
	}
	if (rc != PST_OK && rc != PST_E_NOTFOUND)
		return rc;
	return account_delete(c->accounts, u->address, err);
}

/*
 * The storage belongs to the process that holds the lock: a server, which is
 * asked, or this one.
 */
static int
user_delete(struct ctl *c, char **args, int n)
{
	struct pst_error err = { 0 }, locked = { 0 };
	bool keep = (c->given & CTL_OPT_KEEP_MAIL) != 0, no_daemon = false;
	struct account_user u = { 0 };
	enum pst_rc rc;
	pid_t holder;
	int status, fd = -1;

	(void)n;
	status = find(c, args[0], &u);
	if (status != CTL_OK)
		return status;
	if (u.on_hold && !keep)
		return ctl_fail(PST_E_DENIED,
		    "%s is on hold: their mail stays until `user hold %s off` "
		    "(or give --keep-mail)",
		    u.address, u.address);
	rc = admin_lock(c->cfg, &fd, &holder, &locked);
	if (rc == PST_OK) {
		rc = delete_here(c, &u, &err);
		(void)close(fd);
		return rc == PST_OK ? CTL_OK : ctl_fail(rc, "%s", err.detail);
	}
	if (rc != PST_E_CONFLICT)
		return ctl_fail(rc, "%s", locked.detail);
	rc = ctl_ask(c,
	    json_pack("{s:s, s:s, s:b}", "request", "user-delete", "address",
		u.address, "keep_mail", (int)keep),
	    NULL, &no_daemon, &err);
	if (rc == PST_OK)
		return CTL_OK;
	(void)ctl_fail(rc, "%s", err.detail);
	return no_daemon ? CTL_NO_DAEMON : CTL_FAILED;
}

const struct ctl_command ctl_user_commands[] = {
	{ "user", "add",
	    "ADDRESS [--name TEXT] [--quota SIZE] [--quota-messages N]\n"
	    "      [--storage NAME] [--admin] [--no-password]",
	    1, 1,
	    CTL_OPT_NAME | CTL_OPT_QUOTA | CTL_OPT_QUOTA_MESSAGES |
		CTL_OPT_STORAGE | CTL_OPT_ADMIN | CTL_OPT_NO_PASSWORD,
	    user_add },
	{ "user", "list", "[DOMAIN]", 0, 1, 0, user_list },
	{ "user", "show", "ADDRESS", 1, 1, 0, user_show },
	{ "user", "passwd", "ADDRESS", 1, 1, 0, user_passwd },
	{ "user", "link", "ADDRESS", 1, 1, 0, user_link },
	{ "user", "disable", "ADDRESS", 1, 1, 0, user_disable },
	{ "user", "enable", "ADDRESS", 1, 1, 0, user_enable },
	{ "user", "hold", "ADDRESS on|off", 2, 2, 0, user_hold },
	{ "user", "delete", "ADDRESS [--keep-mail]", 1, 1, CTL_OPT_KEEP_MAIL,
	    user_delete },
	{ "user", "set",
	    "ADDRESS [--name TEXT] [--quota SIZE] [--quota-messages N]\n"
	    "      [--storage NAME] [--admin | --no-admin]",
	    1, 1,
	    CTL_OPT_NAME | CTL_OPT_QUOTA | CTL_OPT_QUOTA_MESSAGES |
		CTL_OPT_STORAGE | CTL_OPT_ADMIN | CTL_OPT_NO_ADMIN,
	    user_set },
	{ NULL, NULL, NULL, 0, 0, 0, NULL },
};
