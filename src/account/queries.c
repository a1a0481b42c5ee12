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
	" d.storage, u.domain, u.forwarding, u.flags"
#define DOMAIN " LEFT JOIN account_domain d ON d.name = u.domain "
#define USER USER_COLUMNS " FROM account_user u" DOMAIN
#define USER_KEYS                                                     \
	", u.hash, u.scram_salt, u.scram_iterations, u.scram_stored," \
	" u.scram_server"

/* What makes a second factor be asked for (account/factors.h). */
#define ASKED "(kind = 'totp' OR (kind = 'passkey' AND scopes <> 0))"
#define USER_FACTORS                                 \
	", (SELECT count(*) FROM account_credential" \
	" WHERE account_credential.address = u.address AND " ASKED ")"

#define KEYS "hash, scram_salt, scram_iterations, scram_stored, scram_server"

#define ROW                                                       \
	"address, name, storage, enabled, is_admin, quota_bytes," \
	" quota_messages, created, on_hold, domain, forwarding, flags, " KEYS

/* In the order that accounts copy in. */
#define CREDENTIAL \
	"address, kind, id, name, value, scopes, created, used, expires, uses"

const char *const account_queries[Q_COUNT] = {
	[Q_SECRET_GET] = "SELECT value FROM account_secret",
	[Q_SECRET_PUT] = "INSERT INTO account_secret (id, value)"
			 " VALUES (1, $1) ON CONFLICT DO NOTHING",
	[Q_SECRET_REPLACE] = "UPDATE account_secret SET value = $1",
	[Q_USER] = USER "WHERE u.address = $1",
	[Q_USER_ADD] = "INSERT INTO account_user (" ROW
		       ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9,"
		       " $10, $11, $12, $13, $14, $15, $16, $17)",
	[Q_USER_UPDATE] = "UPDATE account_user SET name = $2, storage = $3,"
			  " enabled = $4, is_admin = $5, quota_bytes = $6,"
			  " quota_messages = $7, on_hold = $8, flags = $9"
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
	[Q_OTHER_ADMIN] = "SELECT 1 FROM account_user WHERE is_admin <> 0"
			  " AND enabled <> 0 AND address <> $1 LIMIT 1",
	[Q_CREDENTIALS] = USER_COLUMNS USER_KEYS USER_FACTORS
	" FROM account_user u" DOMAIN "WHERE u.address = $1",
	/* One row also for nobody; the last column is of some user that is
	 * fixed for each $2, 0 to 65535. */
	[Q_SCRAM] = USER_COLUMNS USER_KEYS USER_FACTORS
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
	[Q_USER_FORWARDING] = "UPDATE account_user SET forwarding = $2"
			      " WHERE address = $1",
	[Q_FORWARD_TARGETS] = "SELECT target FROM account_forward"
			      " WHERE address = $1 ORDER BY target",
	[Q_FORWARD_ADD] =
	    "INSERT INTO account_forward (address, target, domain)"
	    " VALUES ($1, $2, $3)",
	[Q_FORWARD_COUNT] =
	    "SELECT count(*) FROM account_forward WHERE address = $1",
	[Q_FORWARD_DELETE] =
	    "DELETE FROM account_forward WHERE address = $1 AND target = $2",
	[Q_FORWARD_DELETE_ALL] =
	    "DELETE FROM account_forward WHERE address = $1",
	[Q_FORWARD_FORGET] =
	    "DELETE FROM account_forward WHERE address = $1 OR target = $1",
	[Q_FORWARDS] = "SELECT f.address, f.target, u.forwarding"
		       " FROM account_forward f JOIN account_user u"
		       " ON u.address = f.address"
		       " WHERE (f.address, f.target) > ($1, $2)"
		       " ORDER BY f.address, f.target LIMIT $3",
	[Q_FORWARDS_OF_DOMAIN] =
	    "SELECT f.address, f.target, u.forwarding FROM account_forward f"
	    " JOIN account_user u ON u.address = f.address"
	    " WHERE f.domain = $4 AND (f.address, f.target) > ($1, $2)"
	    " ORDER BY f.address, f.target LIMIT $3",
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
	[Q_CREDENTIAL] = "SELECT " CREDENTIAL " FROM account_credential"
			 " WHERE address = $1 AND kind = $2 AND id = $3",
	[Q_CREDENTIAL_ADD] =
	    "INSERT INTO account_credential (" CREDENTIAL ")"
	    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
	[Q_CREDENTIAL_USED] = "UPDATE account_credential SET used = $4"
			      " WHERE address = $1 AND kind = $2 AND id = $3",
	[Q_CREDENTIAL_DELETE] = "DELETE FROM account_credential"
				" WHERE address = $1 AND kind = $2 AND id = $3",
	[Q_CREDENTIAL_FORGET] =
	    "DELETE FROM account_credential WHERE address = $1",
	[Q_CREDENTIAL_COUNT] = "SELECT count(*) FROM account_credential"
			       " WHERE address = $1 AND kind = $2",
	[Q_CREDENTIALS_OF_KIND] =
	    "SELECT " CREDENTIAL " FROM account_credential"
	    " WHERE address = $1 AND kind = $2 ORDER BY created, id",
	[Q_CREDENTIAL_BY_ID] = "SELECT " CREDENTIAL " FROM account_credential"
			       " WHERE kind = $1 AND id = $2",
	[Q_CREDENTIAL_NAME] = "UPDATE account_credential SET name = $4"
			      " WHERE address = $1 AND kind = $2 AND id = $3",
	[Q_CREDENTIAL_SCOPES] =
	    "UPDATE account_credential SET scopes = $3"
	    " WHERE address = $1 AND kind = $2 AND scopes <> $3",
	[Q_CREDENTIAL_FORGET_KIND] =
	    "DELETE FROM account_credential WHERE address = $1 AND kind = $2",
	/* Once: who comes second finds it no longer above. */
	[Q_CREDENTIAL_COUNTED] =
	    "UPDATE account_credential SET uses = $4, used = $5"
	    " WHERE address = $1 AND kind = $2 AND id = $3 AND value = $6"
	    " AND (uses < $4 OR (uses = 0 AND $4 = 0))",
	[Q_RECOVERY_TAKE] = "DELETE FROM account_credential WHERE address = $1"
			    " AND kind = 'recovery' AND id = $2 AND value = $3"
			    " AND scopes <= $4",
	[Q_FACTORS] = "SELECT " CREDENTIAL " FROM account_credential"
		      " WHERE address = $1"
		      " AND kind IN ('passkey', 'recovery', 'totp')"
		      " ORDER BY kind, created, id",
	[Q_FACTOR_ON] = "SELECT 1 FROM account_credential"
			" WHERE address = $1 AND " ASKED " LIMIT 1",
	[Q_FACTORS_FORGET] = "DELETE FROM account_credential WHERE address = $1"
			     " AND kind IN ('passkey', 'recovery', 'totp')",
	[Q_INVITE] = "SELECT " CREDENTIAL " FROM account_credential"
		     " WHERE kind = 'invite' AND id = $1 AND value = $2"
		     " AND uses > 0 AND (expires = 0 OR expires > $3)",
	[Q_INVITES] = "SELECT " CREDENTIAL " FROM account_credential"
		      " WHERE kind = 'invite' AND (created, id) > ($1, $2)"
		      " ORDER BY created, id LIMIT $3",
	[Q_INVITE_TAKE] =
	    "UPDATE account_credential SET uses = uses - 1, used = $3"
	    " WHERE kind = 'invite' AND id = $1 AND value = $2"
	    " AND uses > 0 AND (expires = 0 OR expires > $3)",
	[Q_INVITE_GIVE_BACK] = "UPDATE account_credential SET uses = uses + 1"
			       " WHERE kind = 'invite' AND id = $1",
	[Q_INVITE_DELETE] = "DELETE FROM account_credential"
			    " WHERE kind = 'invite' AND id = $1",
	[Q_SESSION_CONFIRM] =
	    "UPDATE account_credential SET expires = $3"
	    " WHERE address = $1 AND kind = 'session' AND id = $2",
	[Q_SESSION_END] = "DELETE FROM account_credential"
			  " WHERE kind = $1 AND id = $2",
	[Q_SESSION_END_ONE] =
	    "DELETE FROM account_credential WHERE address = $1"
	    " AND kind = 'session' AND id = $2",
	[Q_SESSION_END_OTHERS] =
	    "DELETE FROM account_credential WHERE address = $1"
	    " AND kind = 'session' AND id <> $2",
	[Q_SESSION_FORGET_OLD] =
	    "DELETE FROM account_credential WHERE address = $1"
	    " AND kind = 'session' AND (used < $2 OR created < $3)",
	[Q_SESSION_FORGET_SURPLUS] =
	    "DELETE FROM account_credential WHERE address = $1"
	    " AND kind = 'session' AND id IN (SELECT id FROM account_credential"
	    " WHERE address = $1 AND kind = 'session'"
	    " ORDER BY used DESC, id LIMIT 1000000 OFFSET $2)",
	[Q_RESET] = "SELECT address FROM account_credential"
		    " WHERE kind = 'reset' AND id = $1 AND value = $2"
		    " AND expires > $3",
	[Q_RESET_TAKE] = "DELETE FROM account_credential"
			 " WHERE kind = 'reset' AND id = $1 AND value = $2",
	[Q_RESET_FORGET] = "DELETE FROM account_credential"
			   " WHERE kind = 'reset' AND address = $1",
	[Q_COPY_CREDENTIALS] = "SELECT " CREDENTIAL " FROM account_credential"
			       " WHERE (address, kind, id) > ($1, $2, $3)"
			       " ORDER BY address, kind, id LIMIT $4",
	[Q_COPY_CREDENTIAL] =
	    "INSERT INTO account_credential (" CREDENTIAL ")"
	    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
	    " ON CONFLICT DO NOTHING",
	/* Whole rows, as Q_USER_ADD and Q_DOMAIN_ADD take them. */
	[Q_COPY_USERS] = "SELECT id, " ROW " FROM account_user WHERE id > $1"
			 " ORDER BY id LIMIT $2",
	[Q_COPY_USER] = "SELECT " ROW " FROM account_user WHERE address = $1",
	[Q_COPY_USER_REPLACE] =
	    "UPDATE account_user SET name = $2, storage = $3, enabled = $4,"
	    " is_admin = $5, quota_bytes = $6, quota_messages = $7,"
	    " created = $8, on_hold = $9, domain = $10, forwarding = $11,"
	    " flags = $12, hash = $13, scram_salt = $14,"
	    " scram_iterations = $15, scram_stored = $16, scram_server = $17"
	    " WHERE address = $1",
	[Q_COPY_DOMAIN] =
	    "SELECT name, storage FROM account_domain WHERE name = $1",
	[Q_COPY_ALIASES] =
	    "SELECT DISTINCT address FROM account_alias WHERE address > $1"
	    " ORDER BY address LIMIT $2",
	[Q_COPY_FORWARDS] =
	    "SELECT DISTINCT address FROM account_forward WHERE address > $1"
	    " ORDER BY address LIMIT $2",
};
