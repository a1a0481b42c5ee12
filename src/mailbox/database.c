/*
 * mailbox/database.c - finding the database that a module lends.
 */
#include "mailbox/database.h"

#include "mailbox/priv.h"
#include <stdlib.h>

struct mail_database {
	struct config *cfg;
	struct storage st;
	struct pst_database lent;
};

/* A module made against older headers ends before that member. */
static enum pst_rc
take_database(
    const struct storage *st, struct pst_database *db_r, struct pst_error *err)
{
	const struct pst_module *m = st->module;
	const struct pst_database_ops *ops = NULL;

	if (m->size >=
	    offsetof(struct pst_module, database) + sizeof(m->database))
		ops = m->database;
	if (ops == NULL || ops->size < sizeof(*ops))
		return pst_fail(err, PST_E_UNSUPPORTED, 0,
		    "storage %s: the module %s has no database for accounts",
		    st->cfg->name, m->name);
	*db_r = (struct pst_database){ .ops = ops, .store = st->store };
	return PST_OK;
}

enum pst_rc
mailstore_database(struct mailstore *ms, const char *name,
    struct pst_database *db_r, struct pst_error *err)
{
	for (size_t i = 0; i < ms->storages; i++) {
		if (strcmp(ms->storage[i].cfg->name, name) == 0)
			return take_database(&ms->storage[i], db_r, err);
	}
	return pst_fail(
	    err, PST_E_NOTFOUND, 0, "there is no storage \"%s\"", name);
}

enum pst_rc
mail_database_open(struct config *cfg, const char *name,
    struct mail_database **d_r, struct pst_error *err)
{
	const struct config_storage *block = config_find_storage(cfg, name);
	struct mail_database *d;
	enum pst_rc rc;

	*d_r = NULL;
	if (block == NULL)
		return pst_fail(
		    err, PST_E_NOTFOUND, 0, "there is no storage \"%s\"", name);
	d = mem_alloc(sizeof(*d));
	d->cfg = config_ref(cfg);
	rc = storage_load(&d->st, cfg, block, err);
	if (rc == PST_OK)
		rc = take_database(&d->st, &d->lent, err);
	if (rc != PST_OK)
		mail_database_close(&d);
	*d_r = d;
	return rc;
}

const struct pst_database *
mail_database(const struct mail_database *d)
{
	return &d->lent;
}

void
mail_database_close(struct mail_database **d)
{
	if (*d == NULL)
		return;
	storage_unload(&(*d)->st);
	config_unref(&(*d)->cfg);
	free(*d);
	*d = NULL;
}
