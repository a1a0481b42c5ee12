/*
 * A database of accounts, with cheap hashes, for the tests of src/account: a
 * file in a folder of its own; or, when POSTERN_TEST_DATABASE says how to reach
 * a PostgreSQL database and POSTERN_TEST_DATABASE_MODULE where the module is, a
 * schema there.
 */
#ifndef TESTS_UNIT_ACCOUNT_FIXTURE_H
#define TESTS_UNIT_ACCOUNT_FIXTURE_H

#include "account/auth.h"

#define PASSWORD "correct horse"

/* Of a user: whatever can be changed. */
enum { EVERYTHING = (ACCOUNT_SET_QUOTA_MESSAGES << 1) - 1 };

struct fixture {
	char dir[64];
	struct accounts *a;
	/* ops NULL: a file. */
	struct pst_database lent;
	const struct pst_store_ops *module;
	struct config *lent_cfg; /* that the module reads */
};

bool fixture_is_lent(void); /* not a file */
/* What is below without tables and accounts. */
struct fixture fixture_bare(void);
/* Opens the accounts that are there; more than once, if wanted. */
struct accounts *fixture_accounts(
    struct fixture *f, struct config *cfg, struct pst_error *err);

/* `extra` is added to the configuration. Domains: example.test, bücher.test. */
struct fixture fixture_open(const char *extra);
void fixture_close(struct fixture *f);
/* `text` with what no configuration may lack. */
struct config *fixture_parse(const char *text);
struct config *fixture_config(const struct fixture *f, const char *extra);
/* With PASSWORD; "admin@..." is an administrator. */
void fixture_user(struct fixture *f, const char *address);
void fixture_alias(struct fixture *f, const char *address, const char *target);
/* Runs SQL as another process would. */
void fixture_sql(const struct fixture *f, const char *sql);
/* What a login says. */
enum auth_result fixture_login(struct fixture *f, const char *peer,
    const char *user, const char *password, int64_t *delay_r);

#endif
