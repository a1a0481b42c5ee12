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
	{ "storage", "STORAGE", TABLE_TEXT },
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
list_one(void *arg, const char *domain, bool configured, const char *storage)
{
	json_array_append_new(arg,
	    json_pack("{s:o, s:b, s:o}", "domain",
		admin_json_text(str_of(domain)), "configured", (int)configured,
		"storage", admin_json_text(str_of(storage))));
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

/* Of two settings: do they lead to the same storage block? */
static bool
is_same_storage(const struct ctl *c, const char *a, const char *b)
{
	const char *first = config_default_storage(c->cfg)->name;

	return strcmp(*a != '\0' ? a : first, *b != '\0' ? b : first) == 0;
}

struct wanted {
	const char *domain;
	bool is_found;
	char storage[65];
};

static void
note_storage(
    void *arg, const char *domain, bool configured, const char *storage)
{
	struct wanted *w = arg;

	if (configured || strcmp(domain, w->domain) != 0)
		return;
	w->is_found = true;
	(void)str_copy(w->storage, sizeof(w->storage), str_of(storage));
}

static int
set_storage(struct ctl *c, const char *domain, const char *storage)
{
	struct pst_error err = { 0 };
	enum pst_rc rc = domain_set_storage(c->accounts, domain, storage, &err);

	return rc == PST_OK ? CTL_OK : ctl_fail(rc, "%s", err.detail);
}

static int
change_storage(struct ctl *c, const struct wanted *w)
{
	int status;

	if (is_same_storage(c, w->storage, c->storage))
		return set_storage(c, w->domain, c->storage);
	status = ctl_refuse_behind(c, NULL, w->domain);
	return status == CTL_OK ? set_storage(c, w->domain, c->storage)
				: status;
}

static int
domain_set(struct ctl *c, char **args, int n)
{
	struct pst_error err = { 0 };
	struct wanted w = { .storage = "" };
	char address[400], clean[321];
	enum pst_rc rc;

	(void)n;
	if (c->storage == NULL)
		return ctl_usage("domain set: expected --storage NAME");
	if (*c->storage != '\0' &&
	    config_find_storage(c->cfg, c->storage) == NULL)
		return ctl_fail(PST_E_NOTFOUND,
		    "the configuration has no storage \"%s\"", c->storage);
	rc = ctl_accounts(c, &err);
	if (rc != PST_OK)
		return ctl_fail(rc, "%s", err.detail);
	(void)snprintf(address, sizeof(address), "x@%s", args[0]);
	w.domain = account_normalise(str_of(address), clean)
		       ? strchr(clean, '@') + 1
		       : args[0];
	rc = domain_each(c->accounts, note_storage, &w, &err);
	if (rc != PST_OK)
		return ctl_fail(rc, "%s", err.detail);
	/* Not found: tells what is wrong. */
	return w.is_found ? change_storage(c, &w)
			  : set_storage(c, args[0], c->storage);
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
	{ "domain", "set", "DOMAIN --storage NAME", 1, 1, CTL_OPT_STORAGE,
	    domain_set },
	{ "domain", "list", "", 0, 0, 0, domain_list },
	{ "domain", "delete", "DOMAIN", 1, 1, 0, domain_delete_one },
	{ NULL, NULL, NULL, 0, 0, 0, NULL },
};
