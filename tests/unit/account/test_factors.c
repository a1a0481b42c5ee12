/*
 * The second factor: when it is on, what the password is good for then, codes
 * that are good once, and passkeys as rows.
 */
#include "account/apps.h"
#include "account/copy.h"
#include "account/factors.h"
#include "account/passkeys.h"
#include "account/private.h"
#include "base/clock.h"
#include "base/str.h"
#include "fixture.h"
#include <criterion/criterion.h>

#define BOB "bob@example.test"
#define HOME "192.0.2.1"

static struct pst_error err;

static enum auth_result
login(struct fixture *f, enum auth_scope scope, const char *password)
{
	struct account_user who;
	int64_t delay;

	return auth_password(
	    f->a, scope, HOME, STR("bob"), str_of(password), &who, &delay);
}

static enum auth_result
show(struct fixture *f, const char *code)
{
	int64_t delay;
	bool by_recovery;

	return factors_check(f->a, HOME, BOB, code, &by_recovery, &delay);
}

/* The code of the present step and `later`. */
static const char *
code_of(const char *secret, int later)
{
	static char code[TOTP_CODE];

	cr_assert(totp_code(secret, clock_seconds() / TOTP_STEP + later, code));
	return code;
}

static void
turn_on(struct fixture *f, char secret_r[TOTP_SECRET], struct recovery_set *set)
{
	bool has_set = false;

	totp_make(secret_r);
	cr_assert_eq(factors_add_totp(f->a, BOB, secret_r,
			 code_of(secret_r, -1), set, &has_set, &err),
	    PST_OK, "%s", err.detail);
	cr_expect(has_set);
}

static struct factors
factors_of(struct fixture *f)
{
	struct factors found;

	cr_assert_eq(factors_find(f->a, BOB, &found, &err), PST_OK);
	return found;
}

Test(factors, the_password_is_for_the_web_alone)
{
	static const enum auth_scope scopes[] = { AUTH_IMAP, AUTH_POP3,
		AUTH_SMTP, AUTH_JMAP, AUTH_ACCOUNT };
	struct fixture f = fixture_open("failures = 1000");
	struct app_password app;
	struct recovery_set set;
	char secret[TOTP_SECRET], password[APP_PASSWORD];
	struct account_user who;
	int64_t delay;

	fixture_user(&f, BOB);
	cr_assert_eq(
	    app_password_add(f.a, BOB, "x", APP_SCOPES, &app, password, &err),
	    PST_OK);
	for (size_t i = 0; i < sizeof(scopes) / sizeof(scopes[0]); i++)
		cr_expect_eq(login(&f, scopes[i], PASSWORD), AUTH_OK);
	turn_on(&f, secret, &set);
	for (size_t i = 0; i < sizeof(scopes) / sizeof(scopes[0]); i++) {
		cr_expect_eq(login(&f, scopes[i], PASSWORD), AUTH_FAILED);
		cr_expect_eq(login(&f, scopes[i], password),
		    scopes[i] == AUTH_ACCOUNT ? AUTH_FAILED : AUTH_OK);
	}
	cr_expect_eq(auth_password(f.a, AUTH_WEB, HOME, STR("bob"),
			 STR(PASSWORD), &who, &delay),
	    AUTH_OK);
	cr_expect(who.has_factor);
	/* A change of the user's own row does not turn it off. */
	cr_assert_eq(account_update(f.a, &who, EVERYTHING, &err), PST_OK);
	cr_expect_eq(login(&f, AUTH_IMAP, PASSWORD), AUTH_FAILED);
	cr_expect_eq(factors_remove_totp(f.a, BOB, &err), PST_OK);
	cr_expect_eq(factors_remove_totp(f.a, BOB, &err), PST_E_NOTFOUND);
	cr_expect_eq(login(&f, AUTH_IMAP, PASSWORD), AUTH_OK);
	cr_assert_eq(auth_password(f.a, AUTH_WEB, HOME, STR("bob"),
			 STR(PASSWORD), &who, &delay),
	    AUTH_OK);
	cr_expect(!who.has_factor);
	fixture_close(&f);
}

Test(factors, codes_are_good_once)
{
	struct fixture f = fixture_open("failures = 1000");
	struct recovery_set set;
	struct factors found;
	char secret[TOTP_SECRET], code[TOTP_CODE];

	fixture_user(&f, BOB);
	turn_on(&f, secret, &set);
	cr_expect_eq(show(&f, code_of(secret, -1)), AUTH_FAILED);
	(void)str_copy(code, sizeof(code), str_of(code_of(secret, 0)));
	cr_expect_eq(show(&f, code), AUTH_OK);
	cr_expect_eq(show(&f, code), AUTH_FAILED);
	cr_expect_eq(show(&f, code_of(secret, 2)), AUTH_FAILED);
	cr_expect_eq(show(&f, code_of(secret, 1)), AUTH_OK);
	/* What is older than the last one is not good any more. */
	clock_advance(INT64_C(30) * 1000000);
	cr_expect_eq(show(&f, code_of(secret, -1)), AUTH_FAILED);
	cr_expect_eq(show(&f, code_of(secret, 1)), AUTH_OK);
	for (size_t i = 0; i < RECOVERY_CODES; i++) {
		cr_expect_eq(show(&f, set.code[i]), AUTH_OK);
		cr_expect_eq(show(&f, set.code[i]), AUTH_FAILED);
	}
	found = factors_of(&f);
	cr_expect_eq(found.recovery, 0);
	cr_expect(found.is_on && found.has_totp && found.totp_used > 0);
	cr_assert_eq(recovery_make(f.a, BOB, &set, &err), PST_OK);
	cr_expect_eq(show(&f, set.code[9]), AUTH_OK);
	cr_expect_eq(factors_of(&f).recovery, 9);
	fixture_close(&f);
}

Test(factors, of_nobody)
{
	struct fixture f = fixture_open(NULL);
	struct recovery_set set;
	struct factors found;
	bool has_set, by_recovery;
	char secret[TOTP_SECRET];
	int64_t delay;

	totp_make(secret);
	cr_expect_eq(factors_find(f.a, BOB, &found, &err), PST_E_NOTFOUND);
	cr_expect_eq(factors_find(f.a, "@", &found, &err), PST_E_NOTFOUND);
	cr_expect_eq(factors_add_totp(f.a, BOB, secret, code_of(secret, 0),
			 &set, &has_set, &err),
	    PST_E_NOTFOUND);
	cr_expect_eq(recovery_make(f.a, BOB, &set, &err), PST_E_NOTFOUND);
	cr_expect_eq(factors_reset(f.a, BOB, &err), PST_E_NOTFOUND);
	cr_expect_eq(
	    passkey_ask(f.a, BOB, true, &set, &has_set, &err), PST_E_NOTFOUND);
	cr_expect_eq(
	    factors_check(f.a, HOME, BOB, "123456", &by_recovery, &delay),
	    AUTH_FAILED);
	fixture_close(&f);
}

Test(factors, a_lost_password_is_one_thing)
{
	struct fixture f = fixture_open("failures = 1000");
	struct recovery_set set;
	struct account_user who;
	char secret[TOTP_SECRET];
	int64_t delay;

	fixture_user(&f, BOB);
	turn_on(&f, secret, &set);
	cr_expect_eq(recovery_set_password(f.a, HOME, STR("bob"), set.code[0],
			 STR("another horse"), &who, &delay),
	    AUTH_OK);
	cr_expect_str_eq(who.address, BOB);
	cr_expect_eq(login(&f, AUTH_WEB, PASSWORD), AUTH_FAILED);
	cr_expect_eq(login(&f, AUTH_WEB, "another horse"), AUTH_OK);
	cr_expect_eq(recovery_set_password(f.a, HOME, STR("bob"), set.code[0],
			 STR("third horse"), &who, &delay),
	    AUTH_FAILED);
	/* The other codes: passwords, but no second factor. */
	cr_expect_eq(show(&f, set.code[1]), AUTH_FAILED);
	cr_expect(!factors_of(&f).recovery_counts);
	cr_expect_eq(recovery_set_password(f.a, HOME, STR("bob"), set.code[2],
			 STR("third horse"), &who, &delay),
	    AUTH_OK);
	cr_expect_eq(show(&f, code_of(secret, 0)), AUTH_OK);
	cr_expect(factors_of(&f).recovery_counts);
	cr_expect_eq(show(&f, set.code[1]), AUTH_OK);
	cr_expect_eq(recovery_set_password(f.a, HOME, STR("eve"), set.code[3],
			 STR("third horse"), &who, &delay),
	    AUTH_FAILED);
	fixture_close(&f);
}

/* --- passkeys ---------------------------------------------------------------
 */

/* The base point of P-256. */
static struct webauthn_data
credential(const char *id)
{
	static const char text[] =
	    "ES256 axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY "
	    "T-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU";
	struct webauthn_data data = { .id = str_of(id), .count = 5 };

	cr_assert(webauthn_read_key(STR(text), &data.key));
	return data;
}

Test(passkeys, are_rows)
{
	struct fixture f = fixture_open(NULL);
	struct webauthn_data data = credential("first");
	struct passkey made, found;
	char handle[PASSKEY_HANDLE];

	fixture_user(&f, BOB);
	fixture_user(&f, "eve@example.test");
	cr_assert_eq(passkey_handle(f.a, BOB, handle, &err), PST_OK);
	cr_assert_eq(passkey_add(f.a, BOB, "Phone", &data, &made, &err), PST_OK,
	    "%s", err.detail);
	cr_expect_str_eq(made.handle, handle);
	cr_assert_eq(passkey_find(f.a, STR("first"), &found, &err), PST_OK);
	cr_expect_str_eq(found.user, BOB);
	cr_expect_str_eq(found.name, "Phone");
	cr_expect_str_eq(found.id, made.id);
	cr_expect_eq(found.count, 5);
	cr_expect_eq(memcmp(&found.key, &data.key, sizeof(data.key)), 0);
	cr_expect_eq(
	    passkey_find(f.a, STR("other"), &found, &err), PST_E_NOTFOUND);
	cr_expect_eq(
	    passkey_add(f.a, "eve@example.test", "x", &data, &found, &err),
	    PST_E_EXISTS);
	cr_expect_eq(
	    passkey_add(f.a, "no@example.test", "x", &data, &found, &err),
	    PST_E_NOTFOUND);
	cr_expect_eq(
	    passkey_rename(f.a, BOB, made.id, "a\nb", &err), PST_E_SYNTAX);
	cr_expect_eq(passkey_rename(f.a, BOB, made.id, "Tablet", &err), PST_OK);
	cr_expect_eq(
	    passkey_rename(f.a, "eve@example.test", made.id, "Tablet", &err),
	    PST_E_NOTFOUND);
	cr_expect_eq(passkey_delete(f.a, BOB, made.id, &err), PST_OK);
	cr_expect_eq(passkey_delete(f.a, BOB, made.id, &err), PST_E_NOTFOUND);
	fixture_close(&f);
}

Test(passkeys, count_upwards)
{
	static const struct {
		uint32_t count;
		enum pst_rc want;
	} steps[] = { { 5, PST_E_CONFLICT }, { 6, PST_OK },
		{ 6, PST_E_CONFLICT }, { 0, PST_E_CONFLICT },
		{ UINT32_MAX, PST_OK }, { 1, PST_E_CONFLICT } };
	struct fixture f = fixture_open(NULL);
	struct webauthn_data data = credential("first");
	struct passkey made;

	fixture_user(&f, BOB);
	cr_assert_eq(
	    passkey_add(f.a, BOB, "Phone", &data, &made, &err), PST_OK);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		cr_expect_eq(passkey_used(f.a, &made, steps[i].count, &err),
		    steps[i].want, "%zu", i);
	data = credential("second");
	data.count = 0;
	cr_assert_eq(passkey_add(f.a, BOB, "Key", &data, &made, &err), PST_OK);
	cr_expect_eq(passkey_used(f.a, &made, 0, &err), PST_OK);
	cr_expect_eq(passkey_used(f.a, &made, 0, &err), PST_OK);
	cr_expect_eq(passkey_used(f.a, &made, 1, &err), PST_OK);
	cr_expect_eq(passkey_used(f.a, &made, 0, &err), PST_E_CONFLICT);
	cr_assert_eq(passkey_delete(f.a, BOB, made.id, &err), PST_OK);
	cr_expect_eq(passkey_used(f.a, &made, 9, &err), PST_E_NOTFOUND);
	fixture_close(&f);
}

Test(passkeys, are_asked_for_when_that_is_wanted)
{
	struct fixture f = fixture_open("failures = 1000");
	struct webauthn_data data = credential("first");
	struct passkey made, second;
	struct recovery_set set;
	bool has_set;

	fixture_user(&f, BOB);
	cr_assert_eq(
	    passkey_add(f.a, BOB, "Phone", &data, &made, &err), PST_OK);
	cr_expect_eq(login(&f, AUTH_IMAP, PASSWORD), AUTH_OK);
	cr_assert_eq(passkey_ask(f.a, BOB, true, &set, &has_set, &err), PST_OK);
	cr_expect(has_set);
	cr_expect_eq(login(&f, AUTH_IMAP, PASSWORD), AUTH_FAILED);
	cr_assert_eq(passkey_ask(f.a, BOB, true, &set, &has_set, &err), PST_OK);
	cr_expect(!has_set);
	data = credential("second");
	cr_assert_eq(
	    passkey_add(f.a, BOB, "Key", &data, &second, &err), PST_OK);
	cr_assert_eq(passkey_delete(f.a, BOB, made.id, &err), PST_OK);
	cr_expect_eq(login(&f, AUTH_IMAP, PASSWORD), AUTH_FAILED);
	cr_assert_eq(
	    passkey_ask(f.a, BOB, false, &set, &has_set, &err), PST_OK);
	cr_expect_eq(login(&f, AUTH_IMAP, PASSWORD), AUTH_OK);
	fixture_close(&f);
}
