/*
 * account/password.c - what is kept of a password and how it is checked: a
 * yescrypt hash for PLAIN and LOGIN, and the keys of SCRAM-SHA-256 (RFC 5802,
 * RFC 7677).
 *
 * Passwords are prepared by OpaqueString (RFC 8265, 4.2). The clients of SCRAM
 * prepare by SASLprep (RFC 5802, 2.2), so the keys are made of that form where
 * the password has one.
 */
#include "account/private.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include <errno.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <stdlib.h>

enum { ITERATIONS_LEAST = 4096 /* RFC 7677, 4 */ };

static void
wipe_free(void *p, size_t n)
{
	if (p != NULL)
		gnutls_memset(p, 0, n);
	gnutls_free(p);
}

bool
account_password_prepare(
    struct pst_str password, char out[ACCOUNT_PASSWORD + 1])
{
	gnutls_datum_t normal = { NULL, 0 };
	bool good;

	out[0] = '\0';
	if (password.n == 0 || password.n > ACCOUNT_PASSWORD ||
	    !str_is_utf8(password))
		return false;
	/* Controls are not in the FreeformClass (RFC 8264, 4.3). */
	for (size_t i = 0; i < password.n; i++) {
		if ((unsigned char)password.p[i] < 0x20 ||
		    password.p[i] == 0x7f)
			return false;
	}
	if (gnutls_utf8_password_normalize((const unsigned char *)password.p,
		(unsigned)password.n, &normal, 0) < 0)
		return false;
	good = normal.size > 0 && normal.size <= ACCOUNT_PASSWORD &&
	       memchr(normal.data, '\0', normal.size) == NULL;
	if (good) {
		memcpy(out, normal.data, normal.size);
		out[normal.size] = '\0';
	}
	wipe_free(normal.data, normal.size);
	return good;
}

void
account_hmac(const unsigned char key[32], const void *data, size_t n,
    unsigned char mac_r[32])
{
	if (gnutls_hmac_fast(GNUTLS_MAC_SHA256, key, 32, data, n, mac_r) < 0)
		pst_bug("HMAC-SHA-256 fails");
}

bool
account_scram_keys(struct pst_str password, const unsigned char *salt,
    size_t salt_n, int64_t iterations, unsigned char stored_r[32],
    unsigned char server_r[32])
{
	unsigned char salted[32], client[32];
	char *copy = str_dup(password);
	gnutls_datum_t secret = { (unsigned char *)copy, (unsigned)password.n };
	unsigned char salt_copy[2 * ACCOUNT_SCRAM_SALT];
	gnutls_datum_t salt_datum = { salt_copy, (unsigned)salt_n };
	bool good = salt_n <= sizeof(salt_copy) && iterations > 0 &&
		    iterations <= UINT32_MAX;

	if (good) {
		memcpy(salt_copy, salt, salt_n);
		good = gnutls_pbkdf2(GNUTLS_MAC_SHA256, &secret, &salt_datum,
			   (unsigned)iterations, salted, sizeof(salted)) >= 0;
	}
	if (good) {
		account_hmac(salted, "Client Key", 10, client);
		account_hmac(salted, "Server Key", 10, server_r);
		good = gnutls_hash_fast(GNUTLS_DIG_SHA256, client,
			   sizeof(client), stored_r) >= 0;
		gnutls_memset(salted, 0, sizeof(salted));
		gnutls_memset(client, 0, sizeof(client));
	}
	gnutls_memset(copy, 0, password.n);
	free(copy);
	return good;
}

static bool
make_scram(
    const struct config *cfg, const char *prepared, struct account_keys *keys)
{
	char *other = NULL;
	bool differs = gsasl_saslprep(prepared, 0, &other, NULL) == GSASL_OK &&
		       other[0] != '\0';
	bool good;

	keys->salt_n = ACCOUNT_SCRAM_SALT;
	random_bytes(keys->salt, keys->salt_n);
	keys->iterations = cfg->auth.scram_iterations;
	if (keys->iterations < ITERATIONS_LEAST)
		keys->iterations = ITERATIONS_LEAST;
	good = account_scram_keys(str_of(differs ? other : prepared),
	    keys->salt, keys->salt_n, keys->iterations, keys->stored,
	    keys->server);
	if (other != NULL)
		gnutls_memset(other, 0, strlen(other));
	gsasl_free(other);
	return good;
}

/* A setting for crypt() with a new salt. */
static bool
make_setting(const struct config *cfg, char out[CRYPT_GENSALT_OUTPUT_SIZE])
{
	char octets[16];
	int64_t cost = cfg->auth.hash_cost;

	if (cost < 1 || cost > 11)
		cost = cost < 1 ? 1 : 11;
	random_bytes(octets, sizeof(octets));
	return crypt_gensalt_rn("$y$", (unsigned long)cost, octets,
		   sizeof(octets), out, CRYPT_GENSALT_OUTPUT_SIZE) != NULL;
}

/* False: `out` is not usable. The working memory held the password. */
static bool
hash_password(
    const char *prepared, const char *setting, char out[CRYPT_OUTPUT_SIZE])
{
	struct crypt_data *data = mem_alloc(sizeof(*data));
	const char *hash = crypt_r(prepared, setting, data);
	bool good = hash != NULL && hash[0] != '*' &&
		    str_copy(out, CRYPT_OUTPUT_SIZE, str_of(hash));

	gnutls_memset(data, 0, sizeof(*data));
	free(data);
	return good;
}

static size_t
count_characters(const char *utf8)
{
	size_t n = 0;

	for (; *utf8 != '\0'; utf8++)
		n += ((unsigned char)*utf8 & 0xc0) != 0x80;
	return n;
}

enum pst_rc
account_password_keys(const struct config *cfg, struct pst_str password,
    struct account_keys *keys_r, struct pst_error *err)
{
	char prepared[ACCOUNT_PASSWORD + 1];
	char setting[CRYPT_GENSALT_OUTPUT_SIZE];
	int64_t least = cfg->auth.password_length;
	enum pst_rc rc = PST_OK;

	memset(keys_r, 0, sizeof(*keys_r));
	if (password.n > ACCOUNT_PASSWORD)
		return pst_fail(err, PST_E_LIMIT, 0,
		    "a password has at most %d octets", ACCOUNT_PASSWORD);
	if (password.n > 0 && !account_password_prepare(password, prepared))
		return pst_fail(err, PST_E_SYNTAX, 0,
		    "a password is UTF-8 without control characters");
	if (password.n == 0 || (int64_t)count_characters(prepared) < least)
		rc = pst_fail(err, PST_E_LIMIT, 0,
		    "a password has at least %lld characters",
		    (long long)(least > 0 ? least : 1));
	else if (!make_setting(cfg, setting) ||
		 !hash_password(prepared, setting, keys_r->hash) ||
		 !make_scram(cfg, prepared, keys_r))
		rc = pst_fail(
		    err, PST_E_TEMP, errno, "the password cannot be hashed");
	gnutls_memset(prepared, 0, sizeof(prepared));
	return rc;
}

bool
account_password_hash(const struct config *cfg, const char *prepared,
    char hash_r[CRYPT_OUTPUT_SIZE])
{
	char setting[CRYPT_GENSALT_OUTPUT_SIZE];

	return make_setting(cfg, setting) &&
	       hash_password(prepared, setting, hash_r);
}

bool
account_password_check(
    const struct config *cfg, const char *prepared, const char *hash)
{
	char setting[CRYPT_GENSALT_OUTPUT_SIZE], got[CRYPT_OUTPUT_SIZE];
	size_t n;

	if (hash == NULL) {
		if (make_setting(cfg, setting))
			(void)hash_password(prepared, setting, got);
		return false;
	}
	if (!hash_password(prepared, hash, got))
		return false;
	n = strlen(hash);
	return strlen(got) == n && gnutls_memcmp(got, hash, n) == 0;
}

/* --- what the database has -------------------------------------------------
 */

/* Columns of Q_CREDENTIALS and Q_SCRAM behind the user's own. */
enum { COLUMN_KEYS = 14, COLUMN_FACTORS = 19, COLUMN_ITERATIONS };

static void
read_keys(const struct pst_value *row, struct account_keys *keys)
{
	account_value_text(&row[0], keys->hash, sizeof(keys->hash));
	keys->salt_n = account_value_blob(
	    &row[1], keys->salt, sizeof(keys->salt));
	keys->iterations = row[2].integer;
	if (keys->salt_n == 0 || keys->iterations < 1 ||
	    account_value_blob(&row[3], keys->stored, 32) != 32 ||
	    account_value_blob(&row[4], keys->server, 32) != 32)
		keys->iterations = 0;
}

struct answer {
	struct account_settings *s;
	struct account_credentials *who;
	int64_t iterations; /* 0: nobody has any */
};

static void
take_answer(void *arg, const struct pst_value *row, size_t n)
{
	struct answer *answer = arg;

	if (row[0].type == PST_TEXT) {
		(void)account_read_user(row, answer->s, &answer->who->user);
		read_keys(&row[COLUMN_KEYS], &answer->who->keys);
		answer->who->user.has_factor = row[COLUMN_FACTORS].integer > 0;
	}
	if (n > COLUMN_ITERATIONS)
		answer->iterations = row[COLUMN_ITERATIONS].integer;
}

enum pst_rc
account_credentials(struct accounts *a, const char *address,
    struct account_credentials *credentials_r, struct pst_error *err)
{
	struct account_conn *c = account_db_take(a->db, err);
	struct answer answer = { .who = credentials_r };
	enum pst_rc rc;

	memset(credentials_r, 0, sizeof(*credentials_r));
	if (c == NULL)
		return PST_E_TEMP;
	answer.s = account_settings_take(a);
	rc = account_rows(
	    c, Q_CREDENTIALS, take_answer, &answer, err, "t", address);
	account_settings_give(a, &answer.s);
	account_db_give(&c);
	return rc;
}

/*
 * The iterations are those of a real user who is chosen by the name: were they
 * the configuration's, all who set their password before it changed would be
 * told from those who do not exist.
 */
static void
make_up_keys(const struct config *cfg, const unsigned char mac[32],
    int64_t iterations, struct account_keys *keys_r)
{
	memset(keys_r, 0, sizeof(*keys_r));
	keys_r->salt_n = ACCOUNT_SCRAM_SALT;
	memcpy(keys_r->salt, mac, keys_r->salt_n);
	random_bytes(keys_r->stored, sizeof(keys_r->stored));
	random_bytes(keys_r->server, sizeof(keys_r->server));
	if (iterations == 0)
		iterations = cfg->auth.scram_iterations;
	if (iterations < ITERATIONS_LEAST)
		iterations = ITERATIONS_LEAST;
	keys_r->iterations = iterations;
}

/* All is asked and made up for everybody, so that it takes the same time. */
enum pst_rc
account_scram(struct accounts *a, const struct config *cfg, const char *name,
    struct account_credentials *credentials_r, bool *is_real_r,
    struct pst_error *err)
{
	unsigned char mac[32], secret[32];
	struct answer answer = { .who = credentials_r };
	struct account_keys made_up;
	struct account_conn *c;
	enum pst_rc rc = account_secret(a, secret, err);

	memset(credentials_r, 0, sizeof(*credentials_r));
	*is_real_r = false;
	if (rc != PST_OK)
		return rc;
	account_hmac(secret, name, strlen(name), mac);
	gnutls_memset(secret, 0, sizeof(secret));
	c = account_db_take(a->db, err);
	if (c == NULL)
		return PST_E_TEMP;
	answer.s = account_settings_take(a);
	rc = account_rows(c, Q_SCRAM, take_answer, &answer, err, "ti", name,
	    (int64_t)(mac[30] << 8 | mac[31]));
	account_settings_give(a, &answer.s);
	account_db_give(&c);
	make_up_keys(cfg, mac, answer.iterations, &made_up);
	*is_real_r = rc == PST_OK && credentials_r->user.address[0] != '\0' &&
		     credentials_r->keys.iterations > 0 &&
		     !credentials_r->user.app_only &&
		     !credentials_r->user.has_factor;
	if (!*is_real_r)
		credentials_r->keys = made_up;
	return rc;
}
