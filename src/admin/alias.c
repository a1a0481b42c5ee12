/*
 * alias.c - posternctl alias: addresses that lead to others.
 */
#include "admin/ctl.h"
#include "admin/table.h"
#include "base/str.h"

static const struct table_column columns[] = {
	{ "address", "ADDRESS", TABLE_TEXT },
	{ "target", "TARGET", TABLE_TEXT },
	{ NULL, NULL, TABLE_TEXT },
};

static int
alias_add_each(struct ctl *c, char **args, int n)
{
	struct pst_error err = { 0 };
	enum pst_rc rc;

	rc = ctl_accounts(c, &err);
	if (rc != PST_OK)
		return ctl_fail(rc, "%s", err.detail);
	for (int i = 1; i < n; i++) {
		rc = alias_add(c->accounts, args[0], args[i], &err);
		if (rc == PST_E_EXISTS)
			return ctl_fail(
			    rc, "%s leads to %s already", args[0], args[i]);
		if (rc != PST_OK)
			return ctl_fail(rc, "%s", err.detail);
	}
	return CTL_OK;
}

static void
list_one(void *arg, const char *address, const char *target)
{
	json_array_append_new(arg,
	    json_pack("{s:o, s:o}", "address", admin_json_text(str_of(address)),
		"target", admin_json_text(str_of(target))));
}

static int
alias_list(struct ctl *c, char **args, int n)
{
	struct pst_error err = { 0 };
	enum pst_rc rc;
	json_t *rows;

	rc = ctl_accounts(c, &err);
	if (rc != PST_OK)
		return ctl_fail(rc, "%s", err.detail);
	rows = json_array();
	rc = alias_each(
	    c->accounts, n > 0 ? args[0] : NULL, list_one, rows, &err);
	if (rc == PST_OK)
		table_print(c->out, columns, rows, c->json);
	json_decref(rows);
	return rc == PST_OK ? CTL_OK : ctl_fail(rc, "%s", err.detail);
}

static int
alias_delete_one(struct ctl *c, char **args, int n)
{
	struct pst_error err = { 0 };
	enum pst_rc rc;

	rc = ctl_accounts(c, &err);
	if (rc == PST_OK)
		rc = alias_delete(
		    c->accounts, args[0], n > 1 ? args[1] : NULL, &err);
	if (rc == PST_OK)
		return CTL_OK;
	if (rc == PST_E_NOTFOUND && n > 1)
		return ctl_fail(rc, "%s does not lead to %s", args[0], args[1]);
	if (rc == PST_E_NOTFOUND)
		return ctl_fail(rc, "there is no alias %s", args[0]);
	return ctl_fail(rc, "%s", err.detail);
}

const struct ctl_command ctl_alias_commands[] = {
	{ "alias", "add", "ADDRESS TARGET ...", 2, 1000, 0, alias_add_each },
	{ "alias", "list", "[DOMAIN]", 0, 1, 0, alias_list },
	{ "alias", "delete", "ADDRESS [TARGET]", 1, 2, 0, alias_delete_one },
	{ NULL, NULL, NULL, 0, 0, 0, NULL },
};
