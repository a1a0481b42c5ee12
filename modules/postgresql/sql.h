/*
 * sql.h - the statements of the module, by number. A connection prepares those
 * that it uses.
 */
#ifndef POSTGRESQL_SQL_H
#define POSTGRESQL_SQL_H

enum pg_statement {
	PG_S_BEGIN,
	PG_S_BEGIN_SNAPSHOT,
	PG_S_COMMIT,
	PG_S_ROLLBACK,
	PG_S_ACCOUNT,	  /* ids of accounts, with commas between */
	PG_S_ACCOUNT_XID, /* the same; tells the transaction's number */
	PG_S_XACT_STATUS, /* of a transaction, by number */
	PG_S_ONE,	  /* for health() */
	PG_STATEMENTS,
};

extern const char *const pg_sql[PG_STATEMENTS];

#endif
