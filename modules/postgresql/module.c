/*
 * module.c - the module's entry: its table of operations.
 */
#include "postgresql.h"

static const struct pst_store_ops operations = {
	.size = sizeof(operations),
	.open = pg_open,
	.close = pg_close,
	.health = pg_health,
	.acct_open = pg_acct_open,
	.acct_close = pg_acct_close,
	.acct_remove = pg_acct_remove,
	.usage = pg_usage,
	.list = pg_list,
	.create = pg_create,
	.remove = pg_remove,
	.rename = pg_rename,
	.subscribe = pg_subscribe,
	.meta_get = pg_meta_get,
	.meta_set = pg_meta_set,
	.box_open = pg_box_open,
	.box_close = pg_box_close,
	.state = pg_state,
	.load = pg_load,
	.refresh = pg_refresh,
	.watch = pg_watch,
	.unwatch = pg_unwatch,
	.keywords = pg_keywords,
	.keyword = pg_keyword,
	.recent = pg_recent,
	.body = pg_body,
	.ident = pg_ident,
	.stage_new = pg_stage_new,
	.stage_write = pg_stage_write,
	.stage_sync = pg_stage_sync,
	.commit = pg_commit,
	.stage_free = pg_stage_free,
	.flags = pg_flags,
	.copy = pg_copy,
	.move = pg_move,
	.expunge = pg_expunge,
	.recount = pg_recount,
	.acct_exists = pg_acct_exists,
	.box_is_there = pg_box_is_there,
	.traits = PST_STORE_SHARED,
	.box_is_behind = pg_box_is_behind,
	.acct_watch = pg_acct_watch,
	.acct_unwatch = pg_acct_unwatch,
	.adopt = pg_adopt,
	.place = pg_place,
	.init = pg_init,
};

const struct pst_module *
pst_module_entry(void)
{
	static const struct pst_module self = { .abi = PST_MODULE_ABI,
		.size = sizeof(self),
		.name = "postgresql",
		.version = "1",
		.store = &operations,
		.database = &pg_database };

	return &self;
}
