/*
 * ctl_behind.c - posternctl's question whether mail would stay behind: to the
 * server that has the storage open, or looked up here when none runs.
 */
#include "admin/behind.h"
#include "admin/ctl.h"
#include "admin/identity.h"
#include "base/str.h"
#include <unistd.h>

static enum pst_rc
look_here(struct ctl *c, const char *address, const char *domain,
    char who_r[321], struct pst_error *err)
{
	struct mailstore *store;
	enum pst_rc rc;
	pid_t holder;
	int fd = -1;

	rc = admin_lock(c->cfg, &fd, &holder, err);
	if (rc != PST_OK)
		return rc;
	store = mailstore_open(c->cfg, err);
	if (store == NULL)
		rc = err->rc != PST_OK ? err->rc : PST_E_TEMP;
	else
		rc = admin_first_behind(
		    c->accounts, store, address, domain, who_r, err);
	mailstore_close(&store);
	(void)close(fd);
	return rc;
}

static enum pst_rc
ask(struct ctl *c, const char *address, const char *domain, char who_r[321],
    struct pst_error *err)
{
	json_t *items = NULL;
	const char *found;
	bool no_daemon;
	enum pst_rc rc;

	who_r[0] = '\0';
	rc = ctl_ask(c,
	    json_pack("{s:s, s:s}", "request", "mail-behind",
		address != NULL ? "address" : "domain",
		address != NULL ? address : domain),
	    &items, &no_daemon, err);
	if (rc == PST_OK) {
		found = admin_member(json_array_get(items, 0), "address");
		if (found != NULL)
			(void)str_copy(who_r, 321, str_of(found));
	}
	json_decref(items);
	if (!no_daemon)
		return rc;
	rc = ctl_accounts(c, err);
	return rc == PST_OK ? look_here(c, address, domain, who_r, err) : rc;
}

int
ctl_refuse_behind(struct ctl *c, const char *address, const char *domain)
{
	struct pst_error err = { 0 };
	char who[321];
	enum pst_rc rc = ask(c, address, domain, who, &err);

	if (rc != PST_OK)
		return ctl_fail(rc, "%s", err.detail);
	if (who[0] == '\0')
		return CTL_OK;
	return ctl_fail(PST_E_DENIED,
	    "%s has mail in the present storage, which would stay behind: "
	    "`posternctl convert` takes it along and sets the storage",
	    who);
}
