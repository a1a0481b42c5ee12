/*
 * Links to set a password: good once, for some time, one for each user.
 */
#include "account/resets.h"

#include "account/apps.h"
#include "base/clock.h"
#include "base/str.h"
#include "fixture.h"
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdatomic.h>

#define BOB "bob@example.test"
#define HOME "192.0.2.1"
#define NEW "a new kettle of plums"

static struct pst_error err;

static enum auth_result
login(struct fixture *f, const char *password)
{
	int64_t delay;

	return fixture_login(f, HOME, BOB, password, &delay);
}

static void
make(struct fixture *f, char code[RESET_CODE])
{
	cr_assert_eq(reset_make(f->a, "Bob@Example.test", clock_seconds() + 60,
			 code, &err),
	    PST_OK, "%s", err.detail);
}

Test(resets, good_once)
{
	struct fixture f = fixture_open("");
	struct account_user user;
	char code[RESET_CODE];

	fixture_user(&f, BOB);
	make(&f, code);
	cr_expect_eq(reset_find(f.a, code, &user, &err), PST_OK);
	cr_expect_str_eq(user.address, BOB);
	/* A password that cannot be one does not use it up. */
	cr_expect_eq(reset_use(f.a, code, STR("short"), &err), PST_E_LIMIT);
	cr_expect_eq(login(&f, PASSWORD), AUTH_OK);
	cr_expect_eq(reset_use(f.a, code, STR(NEW), &err), PST_OK);
	cr_expect_eq(login(&f, PASSWORD), AUTH_FAILED);
	cr_expect_eq(login(&f, NEW), AUTH_OK);
	cr_expect_eq(reset_use(f.a, code, STR("another one of it"), &err),
	    PST_E_NOTFOUND);
	cr_expect_eq(reset_find(f.a, code, &user, &err), PST_E_NOTFOUND);
	cr_expect_eq(login(&f, NEW), AUTH_OK);
	fixture_close(&f);
}

Test(resets, the_latest_counts)
{
	struct fixture f = fixture_open("");
	struct account_user user;
	char first[RESET_CODE], second[RESET_CODE];

	fixture_user(&f, BOB);
	make(&f, first);
	make(&f, second);
	cr_expect_eq(reset_find(f.a, first, &user, &err), PST_E_NOTFOUND);
	cr_expect_eq(reset_find(f.a, second, &user, &err), PST_OK);
	/* Another password ends it; so does the end of the user. */
	cr_expect_eq(account_set_password(f.a, BOB, STR(NEW), &err), PST_OK);
	cr_expect_eq(reset_find(f.a, second, &user, &err), PST_E_NOTFOUND);
	make(&f, second);
	cr_expect_eq(account_delete(f.a, BOB, &err), PST_OK);
	cr_expect_eq(reset_find(f.a, second, &user, &err), PST_E_NOTFOUND);
	fixture_user(&f, BOB);
	cr_expect_eq(reset_use(f.a, second, STR(NEW), &err), PST_E_NOTFOUND);
	fixture_close(&f);
}

Test(resets, too_late_or_never)
{
	static const char *const wrong[] = { "", "x",
		"aaaa-bbbb-cccc-dddd-eeee", "'; DROP TABLE account_user; --" };
	struct fixture f = fixture_open("");
	struct account_user user;
	char code[RESET_CODE];

	fixture_user(&f, BOB);
	cr_assert_eq(
	    reset_make(f.a, BOB, clock_seconds() - 1, code, &err), PST_OK);
	cr_expect_eq(reset_find(f.a, code, &user, &err), PST_E_NOTFOUND);
	cr_expect_eq(reset_use(f.a, code, STR(NEW), &err), PST_E_NOTFOUND);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		cr_expect_eq(
		    reset_use(f.a, wrong[i], STR(NEW), &err), PST_E_NOTFOUND);
	cr_expect_eq(reset_make(f.a, "nobody@example.test",
			 clock_seconds() + 60, code, &err),
	    PST_E_NOTFOUND);
	cr_expect_eq(
	    reset_make(f.a, "no address", clock_seconds() + 60, code, &err),
	    PST_E_NOTFOUND);
	cr_expect_eq(login(&f, PASSWORD), AUTH_OK);
	fixture_close(&f);
}

/* Other credentials of the user stay. */
Test(resets, app_passwords_stay)
{
	struct fixture f = fixture_open("");
	struct app_password app;
	char code[RESET_CODE], secret[APP_PASSWORD];

	fixture_user(&f, BOB);
	cr_assert_eq(
	    app_password_add(f.a, BOB, "Phone", AUTH_IMAP, &app, secret, &err),
	    PST_OK);
	make(&f, code);
	cr_expect_eq(reset_use(f.a, code, STR(NEW), &err), PST_OK);
	cr_expect_eq(app_password_delete(f.a, BOB, app.id, &err), PST_OK);
	fixture_close(&f);
}

struct race {
	struct accounts *a;
	const char *code;
	atomic_int done;
};

static void *
use(void *arg)
{
	struct race *r = arg;
	struct pst_error e = { 0 };

	if (reset_use(r->a, r->code, STR(NEW), &e) == PST_OK)
		(void)atomic_fetch_add(&r->done, 1);
	return NULL;
}

Test(resets, of_many_at_once_one)
{
	struct fixture f = fixture_open("");
	char code[RESET_CODE];
	struct race r = { .code = code };
	pthread_t thread[6];

	fixture_user(&f, BOB);
	r.a = f.a;
	make(&f, code);
	for (size_t i = 0; i < 6; i++)
		cr_assert_eq(pthread_create(&thread[i], NULL, use, &r), 0);
	for (size_t i = 0; i < 6; i++)
		(void)pthread_join(thread[i], NULL);
	cr_expect_eq(atomic_load(&r.done), 1);
	fixture_close(&f);
}

Test(resets, another_administrator)
{
	struct fixture f = fixture_open("");
	struct account_user user;

	fixture_user(&f, BOB);
	cr_expect_eq(
	    account_other_admin(f.a, "x@example.test", &err), PST_E_NOTFOUND);
	fixture_user(&f, "admin@example.test");
	cr_expect_eq(account_other_admin(f.a, BOB, &err), PST_OK);
	cr_expect_eq(account_other_admin(f.a, "admin@example.test", &err),
	    PST_E_NOTFOUND);
	cr_assert_eq(account_find(f.a, BOB, &user, &err), PST_OK);
	user.is_admin = true;
	user.enabled = false;
	cr_assert_eq(account_update(f.a, &user, EVERYTHING, &err), PST_OK);
	cr_expect_eq(account_other_admin(f.a, "admin@example.test", &err),
	    PST_E_NOTFOUND);
	user.enabled = true;
	cr_assert_eq(account_update(f.a, &user, EVERYTHING, &err), PST_OK);
	cr_expect_eq(
	    account_other_admin(f.a, "admin@example.test", &err), PST_OK);
	fixture_close(&f);
}
