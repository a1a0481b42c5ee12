/*
 * A database of accounts in a folder of its own, with cheap hashes, for the
 * tests of src/account.
 */
#ifndef TESTS_UNIT_ACCOUNT_FIXTURE_H
#define TESTS_UNIT_ACCOUNT_FIXTURE_H

#include "account/auth.h"

#define PASSWORD "correct horse"

struct fixture {
	char dir[64];
	struct accounts *a;
};

/* `extra` is added to the configuration. Domains: example.test, bücher.test. */
struct fixture fixture_open(const char *extra);
void fixture_close(struct fixture *f);
/* `text` with what no configuration may lack. */
struct config *fixture_parse(const char *text);
struct config *fixture_config(const struct fixture *f, const char *extra);
/* With PASSWORD; "admin@..." is an administrator. */
void fixture_user(struct fixture *f, const char *address);
void fixture_alias(struct fixture *f, const char *address, const char *target);
/* Runs SQL on the file as another process would. */
void fixture_sql(const struct fixture *f, const char *sql);
/* What a login says. */
enum auth_result fixture_login(struct fixture *f, const char *peer,
    const char *user, const char *password, int64_t *delay_r);

#endif
