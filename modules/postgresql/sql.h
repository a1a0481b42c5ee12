/*
 * sql.h - the statements of the module, by number. A connection prepares those
 * that it uses. Parameters are in sql.c; $1 is the account and $2 the mailbox
 * where there is one.
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
	PG_S_ASYNC,	  /* the commit of this unit may be lost in a crash */

	/* accounts */
	PG_S_ACCOUNT_FIND,
	PG_S_ACCOUNT_MAKE,
	PG_S_ACCOUNT_STAMP,
	PG_S_ACCOUNT_LOCK_BOXES,
	PG_S_ACCOUNT_EMPTY,
	PG_S_ACCOUNT_DROP,
	PG_S_USAGE,
	PG_S_RECOUNT,

	/* names */
	PG_S_LIST,
	PG_S_CREATE,
	PG_S_LOCK_NAME,
	PG_S_REMOVE,
	PG_S_REMOVE_KEEP,
	PG_S_RENAME,
	PG_S_SUBSCRIBE,
	PG_S_UNSUBSCRIBE,
	PG_S_META_GET,
	PG_S_META_SET,
	PG_S_META_REMOVE,
	PG_S_BOX_OPEN,
	PG_S_BOX_STATE,
	PG_S_BOX_LOCK,

	/* what a mailbox holds */
	PG_S_LOAD,
	PG_S_CHANGED,
	PG_S_GONE,
	PG_S_UIDS,
	PG_S_RECENT,
	PG_S_CLAIM,
	PG_S_KEYWORDS_USED,
	PG_S_KEYWORDS_SET,
	PG_S_BODY,
	PG_S_IDENT,

	/* new messages */
	PG_S_CONTENT_BLOCK,
	PG_S_COMMIT_NEW,
	PG_S_COMMITTED,
	PG_S_LOOSE_DROP,
	PG_S_CHUNK,
	PG_S_CHUNK_LOOSE,
	PG_S_CONTENT_WHOLE,
	PG_S_LOOSE_NOW,

	/* changes */
	PG_S_CONFLICTS,
	PG_S_FLAGS,
	PG_S_EXPUNGE,
	PG_S_EXPUNGE_KEEP,
	PG_S_COPY_LOCK,
	PG_S_COPY_KEYWORDS,
	PG_S_COPY,

	/* conversion */
	PG_S_ADOPT,
	PG_S_ADOPT_FLOOR,
	PG_S_PLACE_NEW,
	PG_S_PLACE_OLD,
	PG_S_PLACE_IDENT,

	/* what is kept, what was worked out, texts, faults */
	PG_S_KEPT_EACH,
	PG_S_KEPT_HEADS,
	PG_S_KEPT_WORDS,
	PG_S_KEPT_RESTORE,
	PG_S_KEPT_PURGE,
	PG_S_CACHE_GET,
	PG_S_CACHE_PUT,
	PG_S_HISTORY,
	PG_S_TEXT_PUT,
	PG_S_TEXT_HAS_INDEX,
	PG_S_TEXT_SEARCH,
	PG_S_TEXT_STATE,
	PG_S_TEXT_DROP,
	PG_S_CHECK_BOX,
	PG_S_CHECK_MEND_BOX,
	PG_S_CHECK,
	PG_S_CHECK_MEND_SIZE,

	/* housekeeping */
	PG_S_SWEEP_CONTENTS,
	PG_S_SWEEP_EXPUNGED,
	PG_STATEMENTS,
};

extern const char *const pg_sql[PG_STATEMENTS];

#endif
