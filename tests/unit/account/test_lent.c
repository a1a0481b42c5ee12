/*
 * The tables in a module's database: made, refused, and shared by several
 * servers; and what a database on loan promises. Without such a database
 * there is nothing to try.
 */
#include "account/private.h"
#include "base/str.h"
#include "fixture.h"
#include <criterion/criterion.h>
#include <stdlib.h>

static struct pst_error err;

/* --- the tables --------------------------------------------------------------
 */

static struct fixture
made(void)
{
	if (!fixture_is_lent())
		cr_skip_test("no database on loan");
	return fixture_open(NULL);
}

static void
expect_refused(struct fixture *f, const char *why)
{
	struct config *cfg = fixture_config(f, NULL);

	accounts_close(&f->a);
	f->a = accounts_open_in(cfg, "lent", &f->lent, &err);
	cr_expect(f->a == NULL);
	cr_expect_eq(err.rc, PST_E_PERM);
	cr_expect(strstr(err.detail, why) != NULL, "%s", err.detail);
	config_unref(&cfg);
}

Test(lent_tables, that_are_missing_are_told)
{
	struct fixture f;

	if (!fixture_is_lent())
		cr_skip_test("no database on loan");
	f = fixture_bare();
	expect_refused(&f, "posternctl storage init lent");
	fixture_close(&f);
}

Test(lent_tables, of_another_version_are_refused)
{
	struct fixture f = made();

	fixture_sql(&f, "UPDATE account_schema SET version = 1000");
	expect_refused(&f, "newer version");
	cr_expect_eq(
	    accounts_init("lent", &f.lent, NULL, NULL, &err), PST_E_PERM);
	cr_expect(strstr(err.detail, "newer version") != NULL);
	fixture_sql(&f, "UPDATE account_schema SET version = 0");
	expect_refused(&f, "posternctl storage init lent");
	fixture_close(&f);
}

Test(lent_tables, with_a_damaged_secret_are_refused)
{
	struct fixture f = made();

	fixture_sql(&f, "UPDATE account_secret SET value = ''");
	expect_refused(&f, "damaged");
	fixture_close(&f);
}

static void
note_said(void *arg, const char *text)
{
	(void)snprintf(arg, 120, "%s", text);
}

Test(lent_tables, are_made_once)
{
	struct fixture f;
	char said[120] = "";

	if (!fixture_is_lent())
		cr_skip_test("no database on loan");
	f = fixture_bare();
	for (int i = 0; i < 2; i++) {
		cr_assert_eq(
		    accounts_init("lent", &f.lent, note_said, said, &err),
		    PST_OK, "%s", err.detail);
		cr_expect(
		    strstr(said, i == 0 ? "made" : "nothing to do") != NULL,
		    "%s", said);
	}
	fixture_close(&f);
}

/* --- two servers -------------------------------------------------------------
 */

Test(lent_tables, are_the_same_for_every_server)
{
	struct fixture f = made(), other = f;
	struct config *cfg = fixture_config(&f, NULL);
	struct account_user user;

	other.a = accounts_open_in(cfg, "lent", &f.lent, &err);
	cr_assert(other.a != NULL, "%s", err.detail);
	fixture_user(&f, "bob@example.test");
	/* Remembered at both. */
	for (int i = 0; i < 2; i++) {
		cr_expect_eq(
		    fixture_login(&f, "192.0.2.1", "bob", PASSWORD, NULL),
		    AUTH_OK);
		cr_expect_eq(
		    fixture_login(&other, "192.0.2.1", "bob", PASSWORD, NULL),
		    AUTH_OK);
	}
	cr_assert_eq(account_set_password(
			 f.a, "bob@example.test", STR("another one"), &err),
	    PST_OK);
	cr_expect_eq(fixture_login(&other, "192.0.2.1", "bob", PASSWORD, NULL),
	    AUTH_FAILED);
	cr_expect_eq(
	    fixture_login(&other, "192.0.2.1", "bob", "another one", NULL),
	    AUTH_OK);
	cr_assert_eq(
	    account_find(other.a, "bob@example.test", &user, &err), PST_OK);
	user.enabled = false;
	cr_assert_eq(account_update(other.a, &user, EVERYTHING, &err), PST_OK);
	cr_expect_eq(fixture_login(&f, "192.0.2.1", "bob", "another one", NULL),
	    AUTH_FAILED);
	cr_expect_arr_eq(f.a->secret, other.a->secret, sizeof(f.a->secret));
	accounts_close(&other.a);
	config_unref(&cfg);
	fixture_close(&f);
}

/* --- what a database promises ------------------------------------------------
 */

static const char make[] =
    "CREATE TABLE t (k text COLLATE \"C\" PRIMARY KEY, n bigint, b bytea,"
    " CHECK (n < 100))";
static const char put[] = "INSERT INTO t (k, n, b) VALUES ($1, $2, $3)";
static const char get[] = "SELECT k, n, b, n > 5 FROM t WHERE k > $1"
			  " ORDER BY k LIMIT $2";
/* The same, known by its text. */
static const char get_known[] = "SELECT k, n, b, n > 5 FROM t WHERE k > $1"
				" AND k <> 'known' ORDER BY k LIMIT $2";
static const char change[] = "UPDATE t SET n = n + $2 WHERE k >= $1";
static const char wrong[] = "SELECT nothing FROM nowhere";

struct rows {
	char text[400];
	size_t n;
};

static void
add_row(void *arg, const struct pst_value *v, size_t n)
{
	struct rows *rows = arg;
	size_t at = strlen(rows->text);

	cr_expect_eq(n, 4);
	cr_expect_eq(v[0].type, PST_TEXT);
	cr_expect_eq(v[0].octets.p[v[0].octets.n], '\0');
	rows->n++;
	(void)snprintf(rows->text + at, sizeof(rows->text) - at,
	    "%s %lld %d/%zu %lld;", v[0].octets.p, (long long)v[1].integer,
	    (int)v[2].type, v[2].octets.n, (long long)v[3].integer);
}

static struct pst_conn *
begin(const struct fixture *f, enum pst_database_mode mode)
{
	struct pst_conn *c = NULL;

	cr_assert_eq(f->lent.ops->begin(f->lent.store, mode, &c, &err), PST_OK,
	    "%s", err.detail);
	return c;
}

static enum pst_rc
put_row(const struct fixture *f, struct pst_conn *c, const char *key, int64_t n)
{
	const struct pst_value values[] = { pst_text(key), pst_integer(n),
		n == 7 ? pst_null() : pst_blob("\0\xff", 2) };
	uint64_t changed = 0;
	enum pst_rc rc = f->lent.ops->run(
	    c, put, values, 3, NULL, NULL, &changed, &err);

	cr_expect_eq(changed, rc == PST_OK ? 1 : 0);
	return rc;
}

static struct rows
rows_by(const struct fixture *f, struct pst_conn *c, const char *sql)
{
	const struct pst_value values[] = { pst_text(""), pst_integer(100) };
	struct rows rows = { .n = 0 };
	uint64_t changed = 9;

	cr_expect_eq(
	    f->lent.ops->run(c, sql, values, 2, add_row, &rows, &changed, &err),
	    PST_OK, "%s", err.detail);
	cr_expect_eq(changed, 0);
	return rows;
}

static struct rows
rows_of(const struct fixture *f, struct pst_conn *c)
{
	return rows_by(f, c, get);
}

static struct fixture
with_table(void)
{
	struct fixture f = made();

	fixture_sql(&f, make);
	return f;
}

Test(lent_database, brings_values_there_and_back)
{
	const struct pst_value more[] = { pst_text("b"), pst_integer(-4) };
	struct fixture f = with_table();
	struct pst_conn *c = begin(&f, PST_DB_SINGLE);
	uint64_t changed = 0;

	cr_expect_eq(put_row(&f, c, "b", 7), PST_OK, "%s", err.detail);
	cr_expect_eq(put_row(&f, c, "B", 2), PST_OK);
	cr_expect_eq(put_row(&f, c, "\xc3\xa4", -9), PST_OK);
	cr_expect_str_eq(
	    rows_of(&f, c).text, "B 2 3/2 0;b 7 0/0 1;\xc3\xa4 -9 3/2 0;");
	cr_expect_eq(
	    f.lent.ops->run(c, change, more, 2, NULL, NULL, &changed, &err),
	    PST_OK);
	cr_expect_eq(changed, 2);
	cr_expect_eq(f.lent.ops->end(c, false, &err), PST_OK);
	fixture_close(&f);
}

Test(lent_database, tells_what_is_wrong)
{
	struct fixture f = with_table();
	struct pst_conn *c = begin(&f, PST_DB_SINGLE);

	cr_expect_eq(put_row(&f, c, "a", 1), PST_OK);
	cr_expect_eq(put_row(&f, c, "a", 1), PST_E_EXISTS);
	cr_expect_eq(put_row(&f, c, "b", 1000), PST_E_EXISTS);
	cr_expect_eq(f.lent.ops->run(c, wrong, NULL, 0, NULL, NULL, NULL, &err),
	    PST_E_PERM);
	/* Without a transaction each is by itself. */
	cr_expect_eq(put_row(&f, c, "c", 1), PST_OK);
	cr_expect_eq(rows_of(&f, c).n, 2);
	cr_expect_eq(f.lent.ops->end(c, true, &err), PST_OK);
	fixture_close(&f);
}

Test(lent_database, commits_all_or_nothing)
{
	struct fixture f = with_table();
	struct pst_conn *c = begin(&f, PST_DB_WRITE), *reader;

	cr_expect_eq(put_row(&f, c, "a", 1), PST_OK);
	reader = begin(&f, PST_DB_SINGLE);
	cr_expect_eq(rows_of(&f, reader).n, 0);
	cr_expect_eq(f.lent.ops->end(c, true, &err), PST_OK);
	cr_expect_eq(rows_of(&f, reader).n, 1);
	c = begin(&f, PST_DB_WRITE);
	cr_expect_eq(put_row(&f, c, "b", 1), PST_OK);
	cr_expect_eq(f.lent.ops->end(c, false, &err), PST_OK);
	c = begin(&f, PST_DB_WRITE);
	cr_expect_eq(put_row(&f, c, "c", 1), PST_OK);
	cr_expect_eq(put_row(&f, c, "a", 1), PST_E_EXISTS);
	/* Whoever overlooks the failure is told. */
	cr_expect_neq(f.lent.ops->end(c, true, &err), PST_OK);
	cr_expect_eq(rows_of(&f, reader).n, 1);
	cr_expect_eq(f.lent.ops->end(reader, false, &err), PST_OK);
	/* Nothing asked, nothing done. */
	c = begin(&f, PST_DB_WRITE);
	cr_expect_eq(f.lent.ops->end(c, true, &err), PST_OK);
	fixture_close(&f);
}

Test(lent_database, shows_one_picture)
{
	struct fixture f = with_table();
	struct pst_conn *c = begin(&f, PST_DB_READ), *writer;

	cr_expect_eq(rows_of(&f, c).n, 0);
	writer = begin(&f, PST_DB_SINGLE);
	cr_expect_eq(put_row(&f, writer, "a", 1), PST_OK);
	cr_expect_eq(f.lent.ops->end(writer, true, &err), PST_OK);
	cr_expect_eq(rows_of(&f, c).n, 0);
	cr_expect_neq(put_row(&f, c, "b", 1), PST_OK);
	cr_expect_eq(f.lent.ops->end(c, false, &err), PST_OK);
	c = begin(&f, PST_DB_READ);
	cr_expect_eq(rows_of(&f, c).n, 1);
	cr_expect_eq(f.lent.ops->end(c, true, &err), PST_OK);
	fixture_close(&f);
}

/* Connections that die between two uses, as when the database is restarted. */
Test(lent_database, goes_on_after_lost_connections)
{
	static const char end_all[] =
	    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
	    " WHERE pid <> pg_backend_pid() AND usename = current_user"
	    " AND query LIKE '%k <> ''known''%'";
	struct fixture f = with_table();
	struct pst_conn *c, *killer;

	for (int i = 0; i < 3; i++) {
		enum pst_database_mode mode = i == 0   ? PST_DB_SINGLE
					      : i == 1 ? PST_DB_READ
						       : PST_DB_WRITE;

		c = begin(&f, PST_DB_SINGLE);
		cr_expect_eq(rows_by(&f, c, get_known).n, 0);
		killer = begin(&f, PST_DB_SINGLE);
		(void)f.lent.ops->end(c, true, NULL);
		c = begin(&f, mode); /* the same connection again */
		cr_expect_eq(f.lent.ops->run(killer, end_all, NULL, 0, NULL,
				 NULL, NULL, &err),
		    PST_OK, "%s", err.detail);
		cr_expect_eq(rows_by(&f, c, get_known).n, 0);
		cr_expect_eq(f.lent.ops->end(c, true, &err), PST_OK);
		cr_expect_eq(f.lent.ops->end(killer, true, &err), PST_OK);
	}
	/* What a transaction has done already is not repeated. */
	c = begin(&f, PST_DB_WRITE);
	cr_expect_eq(put_row(&f, c, "a", 1), PST_OK);
	cr_expect_eq(rows_by(&f, c, get_known).n, 1);
	killer = begin(&f, PST_DB_SINGLE);
	cr_expect_eq(
	    f.lent.ops->run(killer, end_all, NULL, 0, NULL, NULL, NULL, &err),
	    PST_OK);
	cr_expect_eq(put_row(&f, c, "b", 1), PST_E_TEMP);
	cr_expect_eq(f.lent.ops->end(c, true, &err), PST_E_TEMP);
	cr_expect_eq(rows_of(&f, killer).n, 0);
	cr_expect_eq(f.lent.ops->end(killer, true, &err), PST_OK);
	fixture_close(&f);
}
