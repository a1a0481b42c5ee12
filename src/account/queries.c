/*
 * account/queries.c - every question that is asked of the accounts' tables, in
 * SQL that SQLite and PostgreSQL both understand.
 */
#include "account/private.h"

/* As account_read_user() reads them; the domain's are NULL when it is not in
 * the database. */
#define USER_COLUMNS                                                      \
	"SELECT u.address, u.name, u.storage, u.enabled, u.is_admin,"     \
	" u.quota_bytes, u.quota_messages, u.created, u.on_hold, d.name," \
	" d.storage, u.domain"
#define DOMAIN " LEFT JOIN account_domain d ON d.name = u.domain "
#define USER USER_COLUMNS " FROM account_user u" DOMAIN
#define USER_KEYS                                                     \
	", u.hash, u.scram_salt, u.scram_iterations, u.scram_stored," \
	" u.scram_server"

#define KEYS "hash, scram_salt, scram_iterations, scram_stored, scram_server"

#define ROW                                                       \
	"address, name, storage, enabled, is_admin, quota_bytes," \
	" quota_messages, created, on_hold, domain, " KEYS

const char *const account_queries[Q_COUNT] = {
	[Q_SECRET_GET] = "SELECT value FROM account_secret",
	[Q_SECRET_PUT] = "INSERT INTO account_secret (id, value)"
			 " VALUES (1, $1) ON CONFLICT DO NOTHING",
	[Q_SECRET_REPLACE] = "UPDATE account_secret SET value = $1",
	[Q_USER] = USER "WHERE u.address = $1",
	[Q_USER_ADD] = "INSERT INTO account_user (" ROW
		       ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9,"
		       " $10, $11, $12, $13, $14, $15)",
	[Q_USER_UPDATE] = "UPDATE account_user SET name = $2, storage = $3,"
			  " enabled = $4, is_admin = $5, quota_bytes = $6,"
			  " quota_messages = $7, on_hold = $8"
			  " WHERE address = $1",
	[Q_USER_PASSWORD] =
	    "UPDATE account_user SET hash = $2, scram_salt = $3,"
	    " scram_iterations = $4, scram_stored = $5, scram_server = $6"
	    " WHERE address = $1",
	[Q_USER_DELETE] = "DELETE FROM account_user WHERE address = $1",
	[Q_USERS] = USER "WHERE u.address > $1 ORDER BY u.address LIMIT $2",
	[Q_USERS_OF_DOMAIN] = USER "WHERE u.domain = $3 AND u.address > $1"
				   " ORDER BY u.address LIMIT $2",
	[Q_USER_IN_DOMAIN] =
	    "SELECT 1 FROM account_user WHERE domain = $1 LIMIT 1",
	[Q_USER_ANY] = "SELECT 1 FROM account_user LIMIT 1",
	[Q_FIRST_ADMIN] = USER "WHERE u.is_admin <> 0 ORDER BY u.id LIMIT 1",
	[Q_CREDENTIALS] = USER_COLUMNS USER_KEYS " FROM account_user u" DOMAIN
						 "WHERE u.address = $1",
	/* One row also for nobody; the last column is of some user that is
	 * fixed for each $2, 0 to 65535. */
	[Q_SCRAM] = USER_COLUMNS USER_KEYS
	", (SELECT scram_iterations FROM account_user"
	" WHERE scram_iterations > 0"
	" AND id >= (SELECT max(id) FROM account_user) * $2 / 65536"
	" ORDER BY id LIMIT 1)"
	" FROM (SELECT 1 AS one) o"
	" LEFT JOIN account_user u ON u.address = $1" DOMAIN,
	[Q_ALIAS_TARGETS] = "SELECT target FROM account_alias"
			    " WHERE address = $1 ORDER BY target",
	[Q_ALIAS_ADD] = "INSERT INTO account_alias (address, target, domain)"
			" VALUES ($1, $2, $3)",
	[Q_ALIAS_DELETE] =
	    "DELETE FROM account_alias WHERE address = $1 AND target = $2",
	[Q_ALIAS_DELETE_ALL] = "DELETE FROM account_alias WHERE address = $1",
	[Q_ALIAS_DELETE_TARGET] = "DELETE FROM account_alias WHERE target = $1",
	[Q_ALIAS_DELETE_DOMAIN] = "DELETE FROM account_alias WHERE domain = $1",
	[Q_ALIASES] = "SELECT address, target FROM account_alias"
		      " WHERE (address, target) > ($1, $2)"
		      " ORDER BY address, target LIMIT $3",
	[Q_ALIASES_OF_DOMAIN] =
	    "SELECT address, target FROM account_alias WHERE domain = $4"
	    " AND (address, target) > ($1, $2)"
	    " ORDER BY address, target LIMIT $3",
	[Q_DOMAIN] = "SELECT storage FROM account_domain WHERE name = $1",
	[Q_DOMAIN_ADD] =
	    "INSERT INTO account_domain (name, storage) VALUES ($1, $2)",
	[Q_DOMAIN_STORAGE] =
	    "UPDATE account_domain SET storage = $2 WHERE name = $1",
	[Q_DOMAIN_DELETE] = "DELETE FROM account_domain WHERE name = $1",
	[Q_DOMAINS] = "SELECT name, storage FROM account_domain"
		      " WHERE name > $1 ORDER BY name LIMIT $2",
	[Q_SHARE_ADD] = "INSERT INTO account_share (grantee, owner)"
			" VALUES ($1, $2) ON CONFLICT DO NOTHING",
	[Q_SHARE_REMOVE] =
	    "DELETE FROM account_share WHERE grantee = $1 AND owner = $2",
	[Q_SHARE] = "SELECT 1 FROM account_share WHERE owner = $2"
		    " AND grantee IN ($1, 'anyone') LIMIT 1",
	[Q_SHARES] = "SELECT DISTINCT owner FROM account_share"
		     " WHERE grantee IN ($1, 'anyone') AND owner > $2"
		     " ORDER BY owner LIMIT $3",
	[Q_SHARES_ONLY] = "SELECT owner FROM account_share WHERE grantee = $1"
			  " AND owner > $2 ORDER BY owner LIMIT $3",
	[Q_COPY_SHARES] = "SELECT grantee, owner FROM account_share"
			  " WHERE (grantee, owner) > ($1, $2)"
			  " ORDER BY grantee, owner LIMIT $3",
	[Q_SHARE_FORGET_OWNER] = "DELETE FROM account_share WHERE owner = $1",
	[Q_SHARE_FORGET_USER] =
	    "DELETE FROM account_share WHERE owner = $1 OR grantee = $1",
	/* Whole rows, as Q_USER_ADD and Q_DOMAIN_ADD take them. */
	[Q_COPY_USERS] = "SELECT id, " ROW " FROM account_user WHERE id > $1"
			 " ORDER BY id LIMIT $2",
	[Q_COPY_USER] = "SELECT " ROW " FROM account_user WHERE address = $1",
	[Q_COPY_USER_REPLACE] =
	    "UPDATE account_user SET name = $2, storage = $3, enabled = $4,"
	    " is_admin = $5, quota_bytes = $6, quota_messages = $7,"
	    " created = $8, on_hold = $9, domain = $10, hash = $11,"
	    " scram_salt = $12, scram_iterations = $13, scram_stored = $14,"
	    " scram_server = $15 WHERE address = $1",
	[Q_COPY_DOMAIN] =
	    "SELECT name, storage FROM account_domain WHERE name = $1",
	[Q_COPY_ALIASES] =
	    "SELECT DISTINCT address FROM account_alias WHERE address > $1"
	    " ORDER BY address LIMIT $2",
};
