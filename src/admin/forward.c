/*
 * forward.c - posternctl forward: whom users forward their mail to.
 */
#include "admin/ctl.h"
#include "admin/table.h"
#include "base/str.h"

static const struct table_column columns[] = {
	{ "user", "USER", TABLE_TEXT },
	{ "target", "TARGET", TABLE_TEXT },
	{ "keep", "COPY", TABLE_TRUTH },
	{ NULL, NULL, TABLE_TEXT },
};

/* -1: nothing was said; 0, 1. */
static int
wanted(const struct ctl *c)
{
	if ((c->given & CTL_OPT_KEEP) != 0)
		return 1;
	return (c->given & CTL_OPT_NO_KEEP) != 0 ? 0 : -1;
}

static int
both(const struct ctl *c)
{
	return (c->given & CTL_OPT_KEEP) != 0 &&
	       (c->given & CTL_OPT_NO_KEEP) != 0;
}

static int
forward_add_each(struct ctl *c, char **args, int n)
{
	struct pst_error err = { 0 };
	enum pst_rc rc;

	if (both(c))
		return ctl_usage("--keep and --no-keep exclude each other");
	rc = ctl_accounts(c, &err);
	for (int i = 1; rc == PST_OK && i < n; i++)
		rc = forward_add(c->accounts, args[0], args[i], &err);
	if (rc == PST_OK && wanted(c) >= 0)
		rc = forward_keep(c->accounts, args[0], wanted(c) > 0, &err);
	return rc == PST_OK ? CTL_OK : ctl_fail(rc, "%s", err.detail);
}

static int
forward_set(struct ctl *c, char **args, int n)
{
	struct pst_error err = { 0 };
	enum pst_rc rc;

	(void)n;
	if (both(c) || wanted(c) < 0)
		return ctl_usage("one of --keep and --no-keep is needed");
	rc = ctl_accounts(c, &err);
	if (rc == PST_OK)
		rc = forward_keep(c->accounts, args[0], wanted(c) > 0, &err);
	return rc == PST_OK ? CTL_OK : ctl_fail(rc, "%s", err.detail);
}

static void
list_one(void *arg, const char *user, const char *target, bool keeps)
{
	json_array_append_new(arg,
	    json_pack("{s:o, s:o, s:b}", "user", admin_json_text(str_of(user)),
		"target", admin_json_text(str_of(target)), "keep", (int)keeps));
}

static int
forward_list(struct ctl *c, char **args, int n)
{
	struct pst_error err = { 0 };
	enum pst_rc rc;
	json_t *rows;

	rc = ctl_accounts(c, &err);
	if (rc != PST_OK)
		return ctl_fail(rc, "%s", err.detail);
	rows = json_array();
	rc = forward_each(
	    c->accounts, n > 0 ? args[0] : NULL, list_one, rows, &err);
	if (rc == PST_OK)
		table_print(c->out, columns, rows, c->json);
	json_decref(rows);
	return rc == PST_OK ? CTL_OK : ctl_fail(rc, "%s", err.detail);
}

static int
forward_delete_some(struct ctl *c, char **args, int n)
{
	struct pst_error err = { 0 };
	enum pst_rc rc;

	rc = ctl_accounts(c, &err);
	if (rc == PST_OK)
		rc = forward_delete(
		    c->accounts, args[0], n > 1 ? args[1] : NULL, &err);
	return rc == PST_OK ? CTL_OK : ctl_fail(rc, "%s", err.detail);
}

const struct ctl_command ctl_forward_commands[] = {
	{ "forward", "add", "USER TARGET ...", 2, 1000,
	    CTL_OPT_KEEP | CTL_OPT_NO_KEEP, forward_add_each },
	{ "forward", "set", "USER", 1, 1, CTL_OPT_KEEP | CTL_OPT_NO_KEEP,
	    forward_set },
	{ "forward", "list", "[DOMAIN]", 0, 1, 0, forward_list },
	{ "forward", "delete", "USER [TARGET]", 1, 2, 0, forward_delete_some },
	{ NULL, NULL, NULL, 0, 0, 0, NULL },
};
