/*
 * sql.c - the statements of the module. Types of parameters are said where
 * they are used: values come in binary form.
 */
#include "sql.h"

const char *const pg_sql[PG_STATEMENTS] = {
	[PG_S_BEGIN] = "BEGIN",
	[PG_S_BEGIN_SNAPSHOT] = "BEGIN ISOLATION LEVEL REPEATABLE READ"
				" READ ONLY",
	[PG_S_COMMIT] = "COMMIT",
	[PG_S_ROLLBACK] = "ROLLBACK",
	[PG_S_ACCOUNT] = "SELECT set_config('postern.account', $1::text, true)",
	[PG_S_ACCOUNT_XID] =
	    "SELECT set_config('postern.account', $1::text, true),"
	    " pg_current_xact_id()::text",
	[PG_S_XACT_STATUS] =
	    "SELECT s, CASE s WHEN 'in progress' THEN (SELECT"
	    "  bool_or(pg_terminate_backend(pid)) FROM pg_stat_activity"
	    "  WHERE backend_xid = $1::text::xid8::xid AND"
	    "   pid <> pg_backend_pid()) END"
	    " FROM pg_xact_status($1::text::xid8) AS s",
	[PG_S_ONE] = "SELECT 1",
};
