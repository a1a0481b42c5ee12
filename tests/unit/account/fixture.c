/* See fixture.h. */
#include "fixture.h"

#include "base/str.h"
#include <criterion/criterion.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <unistd.h>

struct config *
fixture_parse(const char *text)
{
	char all[2048];
	struct pst_error err = { .detail = "" };
	struct config *cfg;

	(void)snprintf(all, sizeof(all),
	    "hostname = \"mail.example.test\"\n"
	    "listener imap {\n protocol = imap\n}\n%s",
	    text);
	cfg = config_parse(all, NULL, 0, NULL, NULL, &err);
	cr_assert(cfg != NULL, "%s", err.detail);
	return cfg;
}

struct config *
fixture_config(const struct fixture *f, const char *extra)
{
	char text[1024];

	(void)snprintf(text, sizeof(text),
	    "domains = {\"Example.TEST\", \"b\xc3\xbc"
	    "cher.test\"}\n"
	    "state_dir = \"%s\"\n"
	    "auth {\n hash_cost = 1\n failure_delay = 100\n failures = 5\n"
	    " window = 600\n block_time = 300\n%s\n}\n",
	    f->dir, extra != NULL ? extra : "");
	return fixture_parse(text);
}

struct fixture
fixture_open(const char *extra)
{
	struct fixture f = { .dir = "/tmp/postern-account-XXXXXX" };
	struct pst_error err = { .detail = "" };
	struct config *cfg;

	cr_assert(mkdtemp(f.dir) != NULL);
	cfg = fixture_config(&f, extra);
	f.a = accounts_open(cfg, &err);
	cr_assert(f.a != NULL, "%s", err.detail);
	config_unref(&cfg);
	return f;
}

void
fixture_close(struct fixture *f)
{
	static const char *const names[] = { "accounts.db", "accounts.db-wal",
		"accounts.db-shm" };
	char path[128];

	accounts_close(&f->a);
	for (size_t i = 0; i < 3; i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", f->dir, names[i]);
		(void)unlink(path);
	}
	cr_expect_eq(rmdir(f->dir), 0);
}

void
fixture_user(struct fixture *f, const char *address)
{
	struct account_user user = {
		.enabled = true, .quota_bytes = -1, .quota_messages = -1
	};
	struct pst_error err = { .detail = "" };

	(void)str_copy(user.address, sizeof(user.address), str_of(address));
	user.is_admin = strncmp(address, "admin@", 6) == 0;
	cr_assert_eq(account_add(f->a, &user, STR(PASSWORD), &err), PST_OK,
	    "%s", err.detail);
}

void
fixture_alias(struct fixture *f, const char *address, const char *target)
{
	struct pst_error err = { .detail = "" };

	cr_assert_eq(
	    alias_add(f->a, address, target, &err), PST_OK, "%s", err.detail);
}

void
fixture_sql(const struct fixture *f, const char *sql)
{
	char path[128], *text = NULL;
	sqlite3 *db;

	(void)snprintf(path, sizeof(path), "%s/accounts.db", f->dir);
	cr_assert_eq(sqlite3_open(path, &db), SQLITE_OK);
	(void)sqlite3_busy_timeout(db, 5000);
	cr_assert_eq(
	    sqlite3_exec(db, sql, NULL, NULL, &text), SQLITE_OK, "%s", text);
	(void)sqlite3_close(db);
}

enum auth_result
fixture_login(struct fixture *f, const char *peer, const char *user,
    const char *password, int64_t *delay_r)
{
	char address[321];
	int64_t delay;

	return auth_password(f->a, peer, str_of(user), str_of(password),
	    address, delay_r != NULL ? delay_r : &delay);
}
