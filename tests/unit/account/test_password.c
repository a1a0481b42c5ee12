/*
 * What is made of a password, against the example of RFC 7677, 3.
 */
#include "account/private.h"
#include "base/codec.h"
#include "base/str.h"
#include "fixture.h"
#include <criterion/criterion.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

static size_t
decode(const char *base64, unsigned char *to, size_t size)
{
	struct buf b;
	size_t n;

	buf_init(&b, size);
	cr_assert(base64_decode(str_of(base64), &b));
	n = b.n;
	memcpy(to, b.p, n);
	buf_fini(&b);
	return n;
}

static const char auth_message[] =
    "n=user,r=rOprNGfwEbeRWgbNEkqO,"
    "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
    "s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,"
    "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";

/* The proof of the example belongs to our StoredKey, its verifier to our
 * ServerKey. */
Test(account_password, makes_the_keys_of_rfc_7677)
{
	unsigned char salt[32], stored[32], server[32], proof[32], want[32];
	unsigned char signature[32], client[32], hashed[32];
	size_t n = decode("W22ZaJ0SNY7soEsUEjb6gQ==", salt, sizeof(salt));

	cr_assert(
	    account_scram_keys(STR("pencil"), salt, n, 4096, stored, server));
	account_hmac(server, auth_message, sizeof(auth_message) - 1, signature);
	decode("6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=", want, 32);
	cr_expect_arr_eq(signature, want, 32);

	account_hmac(stored, auth_message, sizeof(auth_message) - 1, signature);
	decode("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=", proof, 32);
	for (size_t i = 0; i < 32; i++)
		client[i] = signature[i] ^ proof[i];
	cr_assert_geq(
	    gnutls_hash_fast(GNUTLS_DIG_SHA256, client, 32, hashed), 0);
	cr_expect_arr_eq(hashed, stored, 32);
}

Test(account_password, is_prepared_as_an_opaque_string)
{
	static const struct {
		const char *in, *want; /* NULL: cannot be one */
	} cases[] = {
		{ "plain", "plain" },
		{ "Case Stays ", "Case Stays " },
		{ "e\xcc\x81t\xc3\xa9", "\xc3\xa9t\xc3\xa9" }, /* NFC */
		{ "a\xc2\xa0"
		  "b\xe3\x80\x80"
		  "c",
		    "a b c" },				      /* other spaces */
		{ "\xef\xac\x81sh", "\xef\xac\x81sh" },	      /* no NFKC */
		{ "\xd7\xa9\xd7\x9cx", "\xd7\xa9\xd7\x9cx" }, /* no bidi rule */
		{ "\xf0\x9f\x94\x91\xf0\x9f\x90\x8e",
		    "\xf0\x9f\x94\x91\xf0\x9f\x90\x8e" },
		{ "", NULL },
		{ "tab\t", NULL },
		{ "del\x7f", NULL },
		{ "\xff", NULL },
		{ "\xed\xa0\x80", NULL },
	};
	char out[ACCOUNT_PASSWORD + 1];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cr_expect_eq(account_password_prepare(str_of(cases[i].in), out),
		    cases[i].want != NULL, "%zu", i);
		cr_expect_str_eq(
		    out, cases[i].want != NULL ? cases[i].want : "");
	}
	cr_expect_not(account_password_prepare(str_n("a\0b", 3), out));
}

Test(account_password, hashes_are_yescrypt_and_salted)
{
	struct fixture f = fixture_open(NULL);
	struct config *cfg = fixture_config(&f, NULL);
	struct account_keys one, two;
	struct pst_error err;

	cr_assert_eq(
	    account_password_keys(cfg, STR(PASSWORD), &one, &err), PST_OK);
	cr_assert_eq(
	    account_password_keys(cfg, STR(PASSWORD), &two, &err), PST_OK);
	cr_expect_eq(strncmp(one.hash, "$y$", 3), 0);
	cr_expect_str_neq(one.hash, two.hash);
	cr_expect_arr_neq(one.salt, two.salt, 16);
	cr_expect_arr_neq(one.stored, two.stored, 32);
	cr_expect_eq(one.iterations, 4096);
	cr_expect(account_password_check(cfg, PASSWORD, one.hash));
	cr_expect_not(account_password_check(cfg, "correct horsE", one.hash));
	cr_expect_not(account_password_check(cfg, "", one.hash));
	cr_expect_not(account_password_check(cfg, PASSWORD, NULL));
	cr_expect_not(account_password_check(cfg, PASSWORD, "*0"));
	cr_expect_not(account_password_check(cfg, PASSWORD, "nonsense"));
	config_unref(&cfg);
	fixture_close(&f);
}

/* Hashes that an administrator brings along. */
Test(account_password, other_methods_of_crypt_work_too)
{
	struct fixture f = fixture_open(NULL);

	fixture_user(&f, "bob@example.test");
	/* "Hello world!", the example of the SHA-crypt specification. */
	fixture_sql(&f, "UPDATE account_user SET hash = "
			"'$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hs"
			"xY/GNooZaBBGWEc5'");
	cr_expect_eq(
	    fixture_login(&f, "192.0.2.1", "bob", "Hello world!", NULL),
	    AUTH_OK);
	cr_expect_eq(
	    fixture_login(&f, "192.0.2.1", "bob", PASSWORD, NULL), AUTH_FAILED);
	fixture_close(&f);
}
