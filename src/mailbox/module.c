/*
 * mailbox/module.c - loading storage modules (dlopen), and the services that
 * they get from the server.
 */
#include "mailbox/priv.h"

#include "base/clock.h"
#include "base/log.h"
#include <dlfcn.h>

static PST_PRINTF(2, 3) void host_log(
    enum pst_log_level level, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	if (!log_wants(level))
		return;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_event(level, 0, "storage", "text", text, NULL);
}

/* To a module its section is opaque; to us it is the block's structure. */
static const char *
host_config(const struct pst_section *section, const char *key)
{
	return config_storage_value(
	    (const struct config_storage *)(const void *)section, key);
}

const struct pst_host *
host_services(void)
{
	static const struct pst_host host = {
		.size = sizeof(host),
		.log = host_log,
		.config = host_config,
		.now = clock_now,
		.random = random_bytes,
		.changed = mailbox_stirred,
		.account_changed = account_stirred_by_others,
	};

	return &host;
}

/* The first operation that a module must have and lacks, or NULL. */
static const char *
missing_operation(const struct pst_store_ops *ops)
{
	const struct {
		const char *name;
		bool there;
	} needed[] = {
		{ "open", ops->open != NULL },
		{ "close", ops->close != NULL },
		{ "acct_open", ops->acct_open != NULL },
		{ "acct_close", ops->acct_close != NULL },
		{ "acct_remove", ops->acct_remove != NULL },
		{ "usage", ops->usage != NULL },
		{ "list", ops->list != NULL },
		{ "create", ops->create != NULL },
		{ "remove", ops->remove != NULL },
		{ "rename", ops->rename != NULL },
		{ "subscribe", ops->subscribe != NULL },
		{ "meta_get", ops->meta_get != NULL },
		{ "meta_set", ops->meta_set != NULL },
		{ "box_open", ops->box_open != NULL },
		{ "box_close", ops->box_close != NULL },
		{ "state", ops->state != NULL },
		{ "load", ops->load != NULL },
		{ "refresh", ops->refresh != NULL },
		{ "keywords", ops->keywords != NULL },
		{ "keyword", ops->keyword != NULL },
		{ "recent", ops->recent != NULL },
		{ "body", ops->body != NULL },
		{ "stage_new", ops->stage_new != NULL },
		{ "stage_write", ops->stage_write != NULL },
		{ "stage_sync", ops->stage_sync != NULL },
		{ "commit", ops->commit != NULL },
		{ "stage_free", ops->stage_free != NULL },
		{ "flags", ops->flags != NULL },
		{ "copy", ops->copy != NULL },
		{ "move", ops->move != NULL },
		{ "expunge", ops->expunge != NULL },
	};

	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		if (!needed[i].there)
			return needed[i].name;
	return NULL;
}

/* All of them or none. */
static bool
has_undelete(const struct pst_store_ops *ops)
{
	int n = (ops->expunge_keep != NULL) + (ops->remove_keep != NULL) +
		(ops->kept_each != NULL) + (ops->kept_restore != NULL) +
		(ops->kept_purge != NULL);

	return n == 0 || n == 5;
}

static enum pst_rc
check_module(
    const struct pst_module *m, const char *path, struct pst_error *err)
{
	const char *missing;

	if (m == NULL)
		return pst_fail(err, PST_E_PERM, 0,
		    "%s: its entry point returned nothing", path);
	if (m->abi != PST_MODULE_ABI)
		return pst_fail(err, PST_E_PERM, 0,
		    "%s: made for version %u of the module interface, this "
		    "server has version %u",
		    path, m->abi, PST_MODULE_ABI);
	if (m->store == NULL || m->store->size < sizeof(*m->store))
		return pst_fail(err, PST_E_PERM, 0,
		    "%s: made against older headers; compile it again", path);
	missing = missing_operation(m->store);
	if (missing != NULL)
		return pst_fail(err, PST_E_PERM, 0,
		    "%s: lacks the operation %s", path, missing);
	if ((m->store->watch != NULL) != (m->store->unwatch != NULL))
		return pst_fail(err, PST_E_PERM, 0,
		    "%s: has only one of watch and unwatch", path);
	if ((m->store->acct_watch != NULL) != (m->store->acct_unwatch != NULL))
		return pst_fail(err, PST_E_PERM, 0,
		    "%s: has only one of acct_watch and acct_unwatch", path);
	if ((m->store->adopt != NULL) != (m->store->place != NULL))
		return pst_fail(err, PST_E_PERM, 0,
		    "%s: has only one of adopt and place", path);
	if (!has_undelete(m->store))
		return pst_fail(err, PST_E_PERM, 0,
		    "%s: has only some of the operations of undelete", path);
	return PST_OK;
}

/* Into `st`, but not opened. */
static enum pst_rc
load_library(struct storage *st, const struct config *cfg,
    const struct config_storage *block, struct pst_error *err)
{
	const struct pst_module *(*entry)(void);
	enum pst_rc rc;
	char path[4096];
	void *symbol;

	/* A name with a slash is a file; else one of module_dir. */
	if (strchr(block->module, '/') != NULL)
		(void)snprintf(path, sizeof(path), "%s", block->module);
	else
		(void)snprintf(path, sizeof(path), "%s/%s.so", cfg->module_dir,
		    block->module);
	*st = (struct storage){ .cfg = block };
	st->library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (st->library == NULL)
		return pst_fail(err, PST_E_NOTFOUND, 0,
		    "storage %s: module %s cannot be loaded: %s", block->name,
		    path, dlerror());
	symbol = dlsym(st->library, PST_MODULE_ENTRY);
	if (symbol == NULL)
		return pst_fail(err, PST_E_PERM, 0,
		    "storage %s: %s is no storage module: it has no %s",
		    block->name, path, PST_MODULE_ENTRY);
	memcpy(&entry, &symbol, sizeof(entry));
	st->module = entry();
	rc = check_module(st->module, path, err);
	if (rc == PST_OK)
		st->ops = st->module->store;
	return rc;
}

enum pst_rc
storage_load(struct storage *st, const struct config *cfg,
    const struct config_storage *block, struct pst_error *err)
{
	enum pst_rc rc = load_library(st, cfg, block, err);

	if (rc != PST_OK)
		return rc;
	rc = st->ops->open(host_services(),
	    (const struct pst_section *)(const void *)block, &st->store, err);
	if (rc != PST_OK)
		st->store = NULL;
	return rc;
}

enum pst_rc
mailstore_init(const struct config *cfg, const struct config_storage *block,
    pst_said_fn said, void *arg, struct pst_error *err)
{
	struct storage st;
	enum pst_rc rc = load_library(&st, cfg, block, err);

	if (rc == PST_OK && st.ops->init == NULL)
		rc = pst_fail(err, PST_E_UNSUPPORTED, 0,
		    "storage %s: its module has nothing to prepare",
		    block->name);
	if (rc != PST_OK)
		return rc;
	return st.ops->init(host_services(),
	    (const struct pst_section *)(const void *)block, said, arg, err);
}

void
storage_unload(struct storage *st)
{
	/* The library stays: its threads and exit handlers may be there. */
	if (st->store != NULL)
		st->ops->close(st->store);
	st->store = NULL;
}
