/*
 * account/schema.c - the accounts' tables in a module's database: their
 * version, made and migrated by `posternctl storage init`. The server itself
 * changes no tables: several servers of different versions may be at work.
 *
 * The one row of account_schema tells the version; who writes to any of the
 * tables locks it first (account_db_write()).
 */
#include "account/private.h"

#include "base/str.h"

/* As in sqlite.c: what is released is never changed, only added to. */
static const char *const migrations[] = {
	"CREATE TABLE account_secret ("
	" id bigint PRIMARY KEY CHECK (id = 1), value bytea NOT NULL);"
	"CREATE TABLE account_domain ("
	" name text COLLATE \"C\" PRIMARY KEY,"
	" storage text COLLATE \"C\" NOT NULL DEFAULT '');"
	"CREATE TABLE account_user ("
	" id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
	" address text COLLATE \"C\" NOT NULL UNIQUE,"
	" domain text COLLATE \"C\" NOT NULL,"
	" name text COLLATE \"C\" NOT NULL DEFAULT '',"
	" storage text COLLATE \"C\" NOT NULL DEFAULT '',"
	" enabled bigint NOT NULL DEFAULT 1,"
	" is_admin bigint NOT NULL DEFAULT 0,"
	" on_hold bigint NOT NULL DEFAULT 0,"
	" quota_bytes bigint NOT NULL DEFAULT -1,"
	" quota_messages bigint NOT NULL DEFAULT -1,"
	" created bigint NOT NULL,"
	" hash text COLLATE \"C\","
	" scram_salt bytea,"
	" scram_iterations bigint,"
	" scram_stored bytea,"
	" scram_server bytea);"
	"CREATE INDEX account_user_domain ON account_user (domain, address);"
	"CREATE INDEX account_user_admin ON account_user (id)"
	" WHERE is_admin <> 0;"
	"CREATE TABLE account_alias ("
	" address text COLLATE \"C\" NOT NULL,"
	" target text COLLATE \"C\" NOT NULL,"
	" domain text COLLATE \"C\" NOT NULL,"
	" PRIMARY KEY (address, target));"
	"CREATE INDEX account_alias_domain"
	" ON account_alias (domain, address, target);"
	"CREATE INDEX account_alias_target ON account_alias (target);"
	"CREATE TABLE account_share ("
	" grantee text COLLATE \"C\" NOT NULL,"
	" owner text COLLATE \"C\" NOT NULL,"
	" PRIMARY KEY (grantee, owner));"
	"CREATE INDEX account_share_owner ON account_share (owner);",
	"ALTER TABLE account_user"
	" ADD COLUMN forwarding bigint NOT NULL DEFAULT 0;"
	"CREATE TABLE account_forward ("
	" address text COLLATE \"C\" NOT NULL,"
	" target text COLLATE \"C\" NOT NULL,"
	" domain text COLLATE \"C\" NOT NULL,"
	" PRIMARY KEY (address, target));"
	"CREATE INDEX account_forward_domain"
	" ON account_forward (domain, address, target);"
	"CREATE INDEX account_forward_target ON account_forward (target);",
	"ALTER TABLE account_user"
	" ADD COLUMN flags bigint NOT NULL DEFAULT 0;"
	"CREATE TABLE account_credential ("
	" address text COLLATE \"C\" NOT NULL,"
	" kind text COLLATE \"C\" NOT NULL,"
	" id text COLLATE \"C\" NOT NULL,"
	" name text COLLATE \"C\" NOT NULL DEFAULT '',"
	" value text COLLATE \"C\" NOT NULL,"
	" scopes bigint NOT NULL DEFAULT 0,"
	" created bigint NOT NULL,"
	" used bigint NOT NULL DEFAULT 0,"
	" expires bigint NOT NULL DEFAULT 0,"
	" uses bigint NOT NULL DEFAULT 0,"
	" PRIMARY KEY (address, kind, id));"
	"CREATE INDEX account_credential_id"
	" ON account_credential (kind, id);",
};

enum { NEWEST = sizeof(migrations) / sizeof(migrations[0]) };

/* Several may do so at once; IF NOT EXISTS alone does not wait for others. */
static const char make_table[] =
    "SELECT pg_advisory_xact_lock("
    "hashtextextended('postern.accounts.' || current_schema(), 0));"
    "CREATE TABLE IF NOT EXISTS account_schema ("
    " id bigint PRIMARY KEY CHECK (id = 1), version bigint NOT NULL);"
    "INSERT INTO account_schema (id, version) VALUES (1, 0)"
    " ON CONFLICT DO NOTHING;";
static const char get_version[] = "SELECT version FROM account_schema";
static const char lock_version[] =
    "SELECT version FROM account_schema FOR UPDATE";
static const char set_version[] = "UPDATE account_schema SET version = $1";

static void
take_version(void *arg, const struct pst_value *values, size_t n)
{
	int64_t *version = arg;

	if (n > 0)
		*version = values[0].integer;
}

static enum pst_rc
read_version(struct account_conn *c, const char *sql, int64_t *version_r,
    struct pst_error *err)
{
	*version_r = 0;
	return c->db->database.ops->run(
	    c->conn, sql, NULL, 0, take_version, version_r, NULL, err);
}

static enum pst_rc
refuse_newer(struct account_conn *c, int64_t version, struct pst_error *err)
{
	if (version >= 0 && version <= NEWEST)
		return PST_OK;
	return pst_fail(err, PST_E_PERM, 0,
	    "storage %s: its tables of accounts were made by a newer version "
	    "(schema %lld; this one knows %d); install that version or restore "
	    "a backup",
	    c->db->name, (long long)version, NEWEST);
}

enum pst_rc
account_schema_check(struct account_conn *c, bool lock, struct pst_error *err)
{
	int64_t version;
	enum pst_rc rc = read_version(
	    c, lock ? lock_version : get_version, &version, err);

	if (rc == PST_OK)
		rc = refuse_newer(c, version, err);
	if (rc == PST_E_PERM && version == 0)
		return pst_fail(err, rc, 0,
		    "storage %s: has no tables of accounts; make them with "
		    "`posternctl storage init %s`",
		    c->db->name, c->db->name);
	if (rc == PST_OK && version < NEWEST)
		return pst_fail(err, PST_E_PERM, 0,
		    "storage %s: its tables of accounts are those of an older "
		    "version; bring them up to date with `posternctl storage "
		    "init %s`",
		    c->db->name, c->db->name);
	return rc;
}

static enum pst_rc
migrate(struct account_conn *c, int64_t *from_r, struct pst_error *err)
{
	const struct pst_database_ops *ops = c->db->database.ops;
	struct pst_value next;
	int64_t version = 0;
	enum pst_rc rc = ops->script(c->conn, make_table, err);

	if (rc == PST_OK)
		rc = read_version(c, lock_version, &version, err);
	if (rc == PST_OK)
		rc = refuse_newer(c, version, err);
	*from_r = version;
	while (rc == PST_OK && version < NEWEST) {
		rc = ops->script(c->conn, migrations[version], err);
		next = pst_integer(++version);
		if (rc == PST_OK)
			rc = ops->run(c->conn, set_version, &next, 1, NULL,
			    NULL, NULL, err);
	}
	return rc;
}

static void
tell(int64_t from, pst_said_fn said, void *arg)
{
	char text[120];

	if (from == 0)
		(void)snprintf(
		    text, sizeof(text), "accounts: made, version %d", NEWEST);
	else if (from == NEWEST)
		(void)snprintf(text, sizeof(text),
		    "accounts: version %d, nothing to do", NEWEST);
	else
		(void)snprintf(text, sizeof(text),
		    "accounts: brought from version %lld to %d",
		    (long long)from, NEWEST);
	said(arg, text);
}

enum pst_rc
accounts_init(const char *name, const struct pst_database *lent,
    pst_said_fn said, void *arg, struct pst_error *err)
{
	char copy[ACCOUNT_STORAGE];
	struct account_db db = { .database = *lent, .name = copy };
	struct account_conn c = { .db = &db, .mode = PST_DB_DEFINE };
	int64_t from = 0;
	enum pst_rc rc;

	(void)str_copy(copy, sizeof(copy), str_of(name));
	rc = lent->ops->begin(lent->store, PST_DB_DEFINE, &c.conn, err);
	if (rc != PST_OK)
		return rc;
	rc = migrate(&c, &from, err);
	if (rc == PST_OK)
		rc = lent->ops->end(c.conn, true, err);
	else
		(void)lent->ops->end(c.conn, false, NULL);
	if (rc == PST_OK && said != NULL)
		tell(from, said, arg);
	return rc;
}
