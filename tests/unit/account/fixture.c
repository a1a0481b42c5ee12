/* See fixture.h. */
#include "fixture.h"

#include "base/str.h"
#include "mailbox/priv.h"
#include <criterion/criterion.h>
#include <dlfcn.h>
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

bool
fixture_is_lent(void)
{
	return getenv("POSTERN_TEST_DATABASE") != NULL;
}

/* A schema with the name of the folder, which nobody else has. */
static void
open_module(struct fixture *f)
{
	const struct pst_module *(*entry)(void);
	struct pst_error err = { .detail = "" };
	char text[1024];
	void *library, *symbol;

	(void)snprintf(text, sizeof(text),
	    "storage lent {\n module = postgresql\n option = {"
	    "\"conninfo=%s\", \"init=open\", \"schema=%s\","
	    "\"connections=8\"}\n}\n",
	    getenv("POSTERN_TEST_DATABASE"), strrchr(f->dir, '/') + 1);
	f->lent_cfg = fixture_parse(text);
	library = dlopen(
	    getenv("POSTERN_TEST_DATABASE_MODULE"), RTLD_NOW | RTLD_LOCAL);
	cr_assert(library != NULL, "%s", dlerror());
	symbol = dlsym(library, PST_MODULE_ENTRY);
	cr_assert(symbol != NULL);
	memcpy(&entry, &symbol, sizeof(entry));
	f->module = entry()->store;
	f->lent.ops = entry()->database;
	cr_assert_eq(f->module->open(host_services(),
			 (const struct pst_section *)(const void *)&f->lent_cfg
			     ->storage[0],
			 &f->lent.store, &err),
	    PST_OK, "%s", err.detail);
}

struct fixture
fixture_bare(void)
{
	struct fixture f = { .dir = "/tmp/postern-account-XXXXXX" };

	cr_assert(mkdtemp(f.dir) != NULL);
	if (fixture_is_lent())
		open_module(&f);
	return f;
}

struct accounts *
fixture_accounts(struct fixture *f, struct config *cfg, struct pst_error *err)
{
	if (f->lent.ops == NULL)
		return accounts_open(cfg, err);
	if (accounts_init("lent", &f->lent, NULL, NULL, err) != PST_OK)
		return NULL;
	return accounts_open_in(cfg, "lent", &f->lent, err);
}

struct fixture
fixture_open(const char *extra)
{
	struct fixture f = fixture_bare();
	struct pst_error err = { .detail = "" };
	struct config *cfg = fixture_config(&f, extra);

	f.a = fixture_accounts(&f, cfg, &err);
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
	if (f->lent.store != NULL)
		f->module->close(f->lent.store);
	f->lent.store = NULL;
	config_unref(&f->lent_cfg);
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

static void
lent_sql(const struct fixture *f, const char *sql)
{
	const struct pst_database_ops *ops = f->lent.ops;
	struct pst_error err = { .detail = "" };
	struct pst_conn *c;

	cr_assert_eq(ops->begin(f->lent.store, PST_DB_DEFINE, &c, &err), PST_OK,
	    "%s", err.detail);
	cr_assert_eq(ops->script(c, sql, &err), PST_OK, "%s", err.detail);
	cr_assert_eq(ops->end(c, true, &err), PST_OK, "%s", err.detail);
}

void
fixture_sql(const struct fixture *f, const char *sql)
{
	char path[128], *text = NULL;
	sqlite3 *db;

	if (f->lent.ops != NULL) {
		lent_sql(f, sql);
		return;
	}

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
	struct account_user who;
	int64_t delay;

	return auth_password(f->a, AUTH_IMAP, peer, str_of(user),
	    str_of(password), &who, delay_r != NULL ? delay_r : &delay);
}
