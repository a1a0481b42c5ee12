/*
 * module.c - the module's entry: its table of operations.
 */
#include "postgresql.h"

static const struct pst_store_ops operations = {
	.size = sizeof(operations),
	.open = pg_open,
	.close = pg_close,
	.health = pg_health,
	.traits = PST_STORE_SHARED,
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
