/*
 * storage.c - posternctl storage: what a storage needs before the first start,
 * whether a server runs or not.
 */
#include "admin/ctl.h"
#include "base/str.h"
#include "mailbox/database.h"
#include "mailbox/store.h"

static void
said(void *arg, const char *text)
{
	struct ctl *c = arg;

	if (!c->json)
		(void)fprintf(c->out, "%s\n", text);
}

static const struct config_storage *
block_of(const struct config *cfg, const char *name)
{
	if (name == NULL)
		return config_default_storage(cfg);
	for (size_t i = 0; i < cfg->storages; i++)
		if (strcmp(cfg->storage[i].name, name) == 0)
			return &cfg->storage[i];
	return NULL;
}

/* The server's own tables, where the module has room for them. */
static enum pst_rc
init_accounts(
    struct ctl *c, const struct config_storage *block, struct pst_error *err)
{
	struct mail_database *database;
	enum pst_rc rc = mail_database_open(
	    c->cfg, block->name, &database, err);

	if (rc == PST_E_UNSUPPORTED)
		return PST_OK;
	if (rc == PST_OK)
		rc = accounts_init(
		    block->name, mail_database(database), said, c, err);
	mail_database_close(&database);
	return rc;
}

static int
storage_init(struct ctl *c, char **args, int n)
{
	const struct config_storage *block = block_of(
	    c->cfg, n > 0 ? args[0] : NULL);
	struct pst_error err = { 0 };
	enum pst_rc rc;

	if (block == NULL)
		return ctl_fail(PST_E_NOTFOUND,
		    "there is no storage block \"%s\"", n > 0 ? args[0] : "");
	rc = mailstore_init(c->cfg, block, said, c, &err);
	if (rc == PST_OK)
		rc = init_accounts(c, block, &err);
	if (rc == PST_E_UNSUPPORTED)
		return ctl_fail(
		    rc, "storage %s needs no preparation", block->name);
	return rc == PST_OK ? CTL_OK : ctl_fail(rc, "%s", err.detail);
}

const struct ctl_command ctl_storage_commands[] = {
	{ "storage", "init", "[NAME]", 0, 1, 0, storage_init },
	{ NULL, NULL, NULL, 0, 0, 0, NULL },
};
