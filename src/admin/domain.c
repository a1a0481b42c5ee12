/*
 * domain.c - posternctl domain: the domains whose mail is for here, besides
 * those of the configuration.
 */
#include "admin/ctl.h"
#include "admin/table.h"
#include "base/str.h"

static const struct table_column columns[] = {
	{ "domain", "DOMAIN", TABLE_TEXT },
	{ "configured", "CONFIGURED", TABLE_TRUTH },
	{ NULL, NULL, TABLE_TEXT },
};

static int
domain_add_one(struct ctl *c, char **args, int n)
{
	struct pst_error err = { 0 };
	enum pst_rc rc;

	(void)n;
	rc = ctl_accounts(c, &err);
	if (rc == PST_OK)
		rc = domain_add(c->accounts, args[0], &err);
	if (rc == PST_OK)
		return CTL_OK;
	if (rc == PST_E_EXISTS)
		return ctl_fail(rc, "%s is a domain already", args[0]);
	return ctl_fail(rc, "%s", err.detail);
}

static void
list_one(void *arg, const char *domain, bool configured)
{
	json_array_append_new(arg,
	    json_pack("{s:o, s:b}", "domain", admin_json_text(str_of(domain)),
		"configured", (int)configured));
}

static int
domain_list(struct ctl *c, char **args, int n)
{
	struct pst_error err = { 0 };
	enum pst_rc rc;
	json_t *rows;

	(void)args;
	(void)n;
	rc = ctl_accounts(c, &err);
	if (rc != PST_OK)
		return ctl_fail(rc, "%s", err.detail);
	rows = json_array();
	rc = domain_each(c->accounts, list_one, rows, &err);
	if (rc == PST_OK)
		table_print(c->out, columns, rows, c->json);
	json_decref(rows);
	return rc == PST_OK ? CTL_OK : ctl_fail(rc, "%s", err.detail);
}

static bool
is_configured(const struct ctl *c, const char *domain)
{
	for (size_t i = 0; i < c->cfg->domains.n; i++)
		if (str_is_case(str_of(domain), c->cfg->domains.v[i]))
			return true;
	return false;
}

static int
domain_delete_one(struct ctl *c, char **args, int n)
{
	struct pst_error err = { 0 };
	enum pst_rc rc;

	(void)n;
	rc = ctl_accounts(c, &err);
	if (rc == PST_OK)
		rc = domain_delete(c->accounts, args[0], &err);
	if (rc == PST_OK)
		return CTL_OK;
	if (rc == PST_E_NOTFOUND && is_configured(c, args[0]))
		return ctl_fail(PST_E_PERM,
		    "%s is in the configuration: take it out of `domains` "
		    "there",
		    args[0]);
	if (rc == PST_E_NOTFOUND)
		return ctl_fail(rc, "there is no domain %s", args[0]);
	return ctl_fail(rc, "%s", err.detail);
}

const struct ctl_command ctl_domain_commands[] = {
	{ "domain", "add", "DOMAIN", 1, 1, 0, domain_add_one },
	{ "domain", "list", "", 0, 0, 0, domain_list },
	{ "domain", "delete", "DOMAIN", 1, 1, 0, domain_delete_one },
	{ NULL, NULL, NULL, 0, 0, 0, NULL },
};
