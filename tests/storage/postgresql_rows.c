/*
 * postgresql_rows.c - policies of rows: all statements of the module are run
 * with the ids of one user, while the transaction is about another one.
 * Whatever they do, nothing of the first is told or changed.
 *
 *	postgresql_rows MODULE.so conninfo=... [init_conninfo=...]
 *
 * When the role of conninfo owns the tables, texts are left out: they are only
 * guarded against other roles; see postern-postgresql(5).
 */
#include "../../modules/postgresql/sql.h"
#include "conformance.h"

#include <libpq-fe.h>

struct user {
	long long account, mailbox, content;
};

static PGconn *db;
static struct user alice, bob; /* bob is the one to be protected */
static bool is_owner;

static const char secret[] = "bob-and-nobody-else";

static bool
run(const char *sql)
{
	PGresult *r = PQexec(db, sql);
	bool good = PQresultStatus(r) == PGRES_COMMAND_OK ||
		    PQresultStatus(r) == PGRES_TUPLES_OK;

	PQclear(r);
	return good;
}

static void
about(long long account)
{
	char sql[120];

	(void)snprintf(sql, sizeof(sql),
	    "SELECT set_config('postern.account', '%lld', false)", account);
	CHECK(run(sql), "the setting: %s", PQerrorMessage(db));
}

static const char *
text_of(const char *sql, char *to, size_t size)
{
	PGresult *r = PQexec(db, sql);

	(void)snprintf(to, size, "%s",
	    PQntuples(r) > 0 ? PQgetvalue(r, 0, 0) : PQerrorMessage(db));
	PQclear(r);
	return to;
}

/* An account with a message in it, one that is kept, and all else that there
 * is; through the module as far as it goes. */
static struct user
make_user(const char *name)
{
	/* Before and behind the name. */
	static const char *const more[][2] = {
		{ "INSERT INTO cached SELECT content_id, 1, '",
		    "' FROM message" },
		{ "INSERT INTO message_text SELECT account_id, content_id, 1,"
		  " 0, 9, 'header', '",
		    "' FROM message" },
		{ "UPDATE mailbox SET keywords = ARRAY['", "']" },
	};
	struct pst_error err = { 0 };
	struct pst_acct *acct = acct_of(name);
	struct pst_box *box = box_of(acct, "INBOX");
	struct uids gone = { 0 };
	struct user u = { 0 };
	char text[300], sql[300];
	struct pst_range r;

	(void)snprintf(
	    text, sizeof(text), "Subject: %s\r\n\r\n%s\r\n", name, name);
	(void)put(box, text, 0, 0, 1);
	(void)put(box, text, 0, 0, 1);
	CHECK_RC(PST_OK,
	    OPS->expunge_keep(box, one(&r, 1, 1), uids_add, &gone, &err));
	(void)put(box, text, PST_DELETED, 0, 1);
	CHECK_RC(
	    PST_OK, OPS->expunge(box, one(&r, 3, 3), uids_add, &gone, &err));
	uids_free(&gone);
	CHECK_RC(PST_OK, OPS->create(acct, name, "\\Archive", &err));
	CHECK_RC(PST_OK, OPS->subscribe(acct, name, true, &err));
	CHECK_RC(PST_OK, OPS->meta_set(acct, NULL, "/private/comment",
			     (struct pst_str){ name, strlen(name) }, &err));
	OPS->box_close(box);
	OPS->acct_close(acct);
	(void)snprintf(sql, sizeof(sql),
	    "SELECT set_config('postern.account', '', false);"
	    "SELECT id FROM account WHERE name = '%s'",
	    name);
	u.account = atoll(text_of(sql, text, sizeof(text)));
	about(u.account);
	u.mailbox = atoll(
	    text_of("SELECT mailbox_id FROM message", text, sizeof(text)));
	u.content = atoll(
	    text_of("SELECT content_id FROM message", text, sizeof(text)));
	for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++) {
		(void)snprintf(
		    sql, sizeof(sql), "%s%s%s", more[i][0], name, more[i][1]);
		CHECK(run(sql), "%s: %s", sql, PQerrorMessage(db));
	}
	return u;
}

/* All that bob has. */
static void
picture(char *to, size_t size)
{
	static const char *const table[] = { "account", "mailbox", "message",
		"expunged", "metadata", "subscription", "kept", "content",
		"chunk", "cached", "message_text" };
	char sql[3000] = "SELECT ''";
	size_t n = strlen(sql), tables = sizeof(table) / sizeof(table[0]);

	for (size_t i = 0; i < tables - is_owner; i++)
		n += (size_t)snprintf(sql + n, sizeof(sql) - n,
		    " || (SELECT '%s: ' || coalesce(string_agg(t::text, '/'"
		    " ORDER BY t::text), 'nothing') FROM %s t)",
		    table[i], table[i]);
	about(bob.account);
	(void)text_of(sql, to, size);
	CHECK(strlen(to) > 500 && strstr(to, "nothing") == NULL &&
		  strstr(to, secret) != NULL,
	    "bob has something of all: %s", to);
}

/* --- forged parameters ----------------------------------------------------
 */

enum {
	TYPE_BOOL = 16,
	TYPE_BYTEA = 17,
	TYPE_INT8 = 20,
	TYPE_INT8_ARRAY = 1016,
	TYPE_BYTEA_ARRAY = 1001,
	TYPE_TEXT_ARRAY = 1009
};

/* Whose mailbox the pairs of parameters ($1, $2), ($3, $4), ($5, $6) are. */
static const char forgery[][3] = { "b1", "ba", "b1", "1b", "ab", "bb" };

struct forged {
	char value[16][64];
	const char *p[16];
};

static void
fill(struct forged *f, const PGresult *described, unsigned way)
{
	for (int i = 0; i < PQnparams(described) && i < 16; i++) {
		const char who = i < 2	 ? forgery[way][0]
				 : i < 6 ? forgery[way][1]
					 : '1';
		const struct user *u = who == 'a' ? &alice : &bob;
		char *to = f->value[i];

		f->p[i] = to;
		switch (PQparamtype(described, i)) {
		case TYPE_BOOL:
			(void)snprintf(to, 64, "true");
			break;
		case TYPE_INT8:
			(void)snprintf(to, 64, "%lld",
			    who == '1'	 ? (way == 0 ? 1 : bob.content)
			    : i % 2 == 0 ? u->account
					 : u->mailbox);
			break;
		case TYPE_INT8_ARRAY:
			/* Ranges of uids, contents, ids. */
			(void)snprintf(to, 64, "{%lld}",
			    way == 2 ? bob.content
			    : i == 3 ? 1000
				     : (long long)(way % 2 + 1));
			break;
		case TYPE_BYTEA_ARRAY:
		case TYPE_TEXT_ARRAY:
			(void)snprintf(to, 64, "{forged}");
			break;
		case TYPE_BYTEA:
			(void)snprintf(to, 64, "forged");
			break;
		default: /* text */
			(void)snprintf(
			    to, 64, "%s", way % 2 == 0 ? "INBOX" : secret);
		}
	}
}

static bool
tells_secret(const PGresult *r)
{
	for (int i = 0; i < PQntuples(r); i++)
		for (int k = 0; k < PQnfields(r); k++)
			if (strstr(PQgetvalue(r, i, k), secret) != NULL)
				return true;
	return false;
}

/* Statements of the store as a whole, which are about nobody's rows. */
static bool
is_of_store(int which)
{
	return which < PG_S_ACCOUNT_FIND || which == PG_S_SWEEP_CONTENTS ||
	       which == PG_S_SWEEP_EXPUNGED || which == PG_S_CONTENT_BLOCK;
}

static void
forge(int which, unsigned way, const char *before)
{
	static char after[60000];
	struct forged f;
	PGresult *r;
	int n;

	about(alice.account);
	PQclear(PQprepare(db, "", pg_sql[which], 0, NULL));
	r = PQdescribePrepared(db, "");
	n = PQnparams(r);
	CHECK(PQresultStatus(r) == PGRES_COMMAND_OK, "statement %d: %s", which,
	    PQerrorMessage(db));
	fill(&f, r, way);
	PQclear(r);
	r = PQexecPrepared(db, "", n, f.p, NULL, NULL, 0);
	CHECK(!tells_secret(r), "statement %d, way %u tells what bob has",
	    which, way);
	PQclear(r);
	picture(after, sizeof(after));
	CHECK(strcmp(before, after) == 0,
	    "statement %d, way %u changes what bob has: %s -> %s", which, way,
	    before, after);
}

/* As bob himself they work: the forgeries would, but for the policies. */
static void
works_for_bob(void)
{
	static const char *const sql[] = { "SELECT count(*) FROM message",
		"SELECT count(*) FROM chunk", "SELECT count(*) FROM cached",
		"SELECT count(*) FROM kept" };
	char n[40];

	about(bob.account);
	for (size_t i = 0; i < sizeof(sql) / sizeof(sql[0]); i++)
		CHECK(atoi(text_of(sql[i], n, sizeof(n))) > 0, "%s", sql[i]);
	CHECK(run("UPDATE message SET flags = 4"), "bob may change his own");
	CHECK(run("UPDATE message SET flags = 0"), "bob may change his own");
}

/* Without a setting at all nothing is there. */
static void
nobody(void)
{
	static const char *const table[] = { "mailbox", "message", "expunged",
		"metadata", "subscription", "kept", "content", "chunk",
		"cached" };

	PQreset(db);
	(void)run("SET search_path = postern");
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		char sql[80], n[200];

		(void)snprintf(
		    sql, sizeof(sql), "SELECT count(*) FROM %s", table[i]);
		CHECK(strcmp(text_of(sql, n, sizeof(n)), "0") == 0,
		    "without a setting %s has %s rows", table[i], n);
	}
}

static void
test_rows(void)
{
	static const char *const foul[] = {
		"INSERT INTO chunk SELECT id, 1, 'more' FROM forged",
		"INSERT INTO cached SELECT id, 7, 'forged' FROM forged",
		"UPDATE chunk SET data = 'forged' FROM forged"
		" WHERE content_id = id",
		"DELETE FROM content c USING forged f WHERE c.id = f.id",
		"DELETE FROM chunk USING forged WHERE content_id = id",
	};
	static char before[60000], after[60000];
	char sql[160];

	picture(before, sizeof(before));
	for (int i = PG_S_ACCOUNT_FIND; i < PG_STATEMENTS; i++) {
		CHECK(pg_sql[i] != NULL, "there is a statement %d", i);
		for (unsigned way = 0;
		     way < sizeof(forgery) / sizeof(forgery[0]); way++)
			if (!is_of_store(i))
				forge(i, way, before);
	}
	(void)snprintf(sql, sizeof(sql),
	    "CREATE TEMP TABLE forged AS SELECT %lld::bigint AS id",
	    bob.content);
	CHECK(run(sql), "%s", PQerrorMessage(db));
	about(alice.account);
	for (size_t i = 0; i < sizeof(foul) / sizeof(foul[0]); i++)
		(void)run(foul[i]);
	picture(after, sizeof(after));
	CHECK(strcmp(before, after) == 0, "nothing is added to contents: %s",
	    after);
	works_for_bob();
	nobody();
}

int
main(int argc, char **argv)
{
	char owner[80];

	if (!suite_begin(argc, argv))
		return 2;
	suite.part = "rows";
	db = PQconnectdb(suite.host.config(suite.section, "conninfo"));
	CHECK(PQstatus(db) == CONNECTION_OK, "%s", PQerrorMessage(db));
	CHECK(run("SET search_path = postern; SET client_min_messages = error"),
	    "%s", PQerrorMessage(db));
	is_owner = strcmp(text_of("SELECT tableowner = current_user FROM"
				  " pg_tables WHERE tablename = 'kept'",
			      owner, sizeof(owner)),
		       "t") == 0;
	alice = make_user("alice@example.test");
	bob = make_user(secret);
	test_rows();
	PQfinish(db);
	return suite_end();
}
