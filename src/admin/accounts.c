/*
 * accounts.c - posternctl accounts: from one database into another.
 */
#include "account/copy.h"
#include "admin/ctl.h"
#include "admin/identity.h"
#include "admin/table.h"
#include "base/str.h"
#include <inttypes.h>

static const struct table_column columns[] = {
	{ "users", "users", TABLE_NUMBER },
	{ "domains", "domains", TABLE_NUMBER },
	{ "aliases", "aliases", TABLE_NUMBER },
	{ "forwards", "forwarding", TABLE_NUMBER },
	{ "shares", "shares", TABLE_NUMBER },
	{ "credentials", "app passwords", TABLE_NUMBER },
	{ "same", "there already", TABLE_NUMBER },
	{ "different", "there otherwise", TABLE_NUMBER },
	{ NULL, NULL, TABLE_TEXT },
};

/* One of both sides, wherever it is. */
struct side {
	struct mail_database *database; /* NULL: the SQLite file */
	struct accounts *accounts;
};

static bool
is_file(const char *name)
{
	return strcmp(name, "sqlite") == 0;
}

static enum pst_rc
open_side(
    struct ctl *c, const char *name, struct side *side, struct pst_error *err)
{
	struct admin_identity id;
	enum pst_rc rc;

	if (is_file(name)) {
		rc = admin_identity_find(c->cfg, &id, err);
		if (rc == PST_OK)
			rc = admin_directory_make(c->cfg->state_dir, &id, err);
		if (rc != PST_OK)
			return rc;
		side->accounts = accounts_open(c->cfg, err);
	} else {
		rc = mail_database_open(c->cfg, name, &side->database, err);
		if (rc != PST_OK)
			return rc;
		side->accounts = accounts_open_in(
		    c->cfg, name, mail_database(side->database), err);
	}
	if (side->accounts != NULL)
		return PST_OK;
	return err->rc != PST_OK ? err->rc : PST_E_TEMP;
}

static void
close_side(struct side *side)
{
	accounts_close(&side->accounts);
	mail_database_close(&side->database);
}

static void
tell(void *arg, const char *what, const char *name)
{
	const struct ctl *c = arg;

	(void)fprintf(stderr, "posternctl: %s %s is there already, and %s\n",
	    what, name,
	    (c->given & CTL_OPT_REPLACE) != 0 ? "was replaced" : "different");
}

static void
print(struct ctl *c, const struct account_copied *done)
{
	json_t *row = json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}",
	    "users", (json_int_t)done->users, "domains",
	    (json_int_t)done->domains, "aliases", (json_int_t)done->aliases,
	    "forwards", (json_int_t)done->forwards, "shares",
	    (json_int_t)done->shares, "credentials",
	    (json_int_t)done->credentials, "same", (json_int_t)done->same,
	    "different", (json_int_t)done->different);

	table_print_one(c->out, columns, row, c->json);
	json_decref(row);
}

static int
accounts_copy_all(struct ctl *c, char **args, int n)
{
	const struct account_copy how = {
		.replace = (c->given & CTL_OPT_REPLACE) != 0,
		.dry_run = (c->given & CTL_OPT_DRY_RUN) != 0,
		.differs = tell,
		.arg = c,
	};
	struct side from = { NULL, NULL }, to = { NULL, NULL };
	struct account_copied done = { 0 };
	struct pst_error err = { 0 };
	enum pst_rc rc;

	(void)n;
	if (strcmp(args[0], args[1]) == 0)
		return ctl_usage("accounts copy: expected two databases");
	rc = open_side(c, args[0], &from, &err);
	if (rc == PST_OK)
		rc = open_side(c, args[1], &to, &err);
	if (rc == PST_OK)
		rc = accounts_copy(
		    from.accounts, to.accounts, &how, &done, &err);
	close_side(&to);
	close_side(&from);
	if (rc != PST_OK)
		return ctl_fail(rc, "%s", err.detail);
	print(c, &done);
	return CTL_OK;
}

const struct ctl_command ctl_accounts_commands[] = {
	{ "accounts", "copy", "FROM TO [--replace] [--dry-run]", 2, 2,
	    CTL_OPT_REPLACE | CTL_OPT_DRY_RUN, accounts_copy_all },
	{ NULL, NULL, NULL, 0, 0, 0, NULL },
};
