/*
 * account/private.h - what the files of this folder share: the tables and the
 * questions to them, the settings in force, hashing of passwords, the memory
 * of good ones and the brake.
 *
 * Locks: each is a leaf. Nobody holds two of them, but for those of sqlite.c:
 * `write` is taken before `lock` of the same file.
 */
#ifndef ACCOUNT_PRIVATE_H
#define ACCOUNT_PRIVATE_H

#include "account/account.h"
#include "account/auth.h"
#include "account/recovery.h"

#include <crypt.h>
#include <gsasl.h>
#include <postern/database.h>
#include <pthread.h>
#include <stdatomic.h>

enum {
	ACCOUNT_ADDRESS = 321,	 /* 64 + '@' + 255, with a NUL */
	ACCOUNT_DOMAIN = 256,	 /* with a NUL */
	ACCOUNT_STORAGE = 65,	 /* a storage block's name, with a NUL */
	ACCOUNT_PASSWORD = 500,	 /* octets, prepared; crypt() ends at 511 */
	ACCOUNT_SCRAM_KEY = 32,	 /* SHA-256 */
	ACCOUNT_SCRAM_SALT = 16, /* of ours; others may be up to twice that */
};

/* --- addresses (address.c) ----------------------------------------------- */

/* As account_normalise(), but keeps the case of the local part when not
 * `fold`: only a server of that domain may know that case does not matter
 * (RFC 5321, 2.4). */
bool account_clean(struct pst_str address, bool fold, char out[321]);
bool account_clean_domain(struct pst_str domain, char out[256]);
/* The domain of a normalised address. */
const char *account_domain_of(const char *address);
/* The name that a client logs in with; without a domain it gets `domain`. */
bool account_login_name(struct pst_str name, const char *domain, char out[321]);

/* --- settings (accounts.c) ------------------------------------------------ */

struct account_domain {
	char name[ACCOUNT_DOMAIN]; /* normalised */
	char storage[ACCOUNT_STORAGE];
};

/* A configuration with what was made of it; never changes. */
struct account_settings {
	struct config *cfg;
	struct account_domain *domain; /* ascending */
	size_t domains;
	char first_domain[ACCOUNT_DOMAIN]; /* "": none */
	int refs;			   /* guarded by accounts.lock */
};

struct accounts {
	pthread_mutex_t lock; /* guards `settings` and refs of all settings */
	struct account_settings *settings;
	struct account_db *db;
	struct account_brake *brake;
	struct account_cache *cache;
	Gsasl *gsasl;
	/* For salts of users that do not exist; guarded by `lock`. */
	unsigned char secret[32];
	bool has_secret;
};

struct account_settings *account_settings_take(struct accounts *a);
void account_settings_give(struct accounts *a, struct account_settings **s);
bool account_is_configured(
    const struct account_settings *s, const char *domain);
/* NULL: the domain is not in the configuration. */
const struct account_domain *account_find_configured(
    const struct account_settings *s, const char *domain);
/* The secret that all servers of these tables share. */
enum pst_rc account_secret(
    struct accounts *a, unsigned char secret_r[32], struct pst_error *err);

/* --- the tables (db.c, queries.c) ----------------------------------------- */

enum account_query {
	Q_SECRET_GET,
	Q_SECRET_PUT,
	Q_SECRET_REPLACE,
	Q_USER,
	Q_USER_ADD,
	Q_USER_UPDATE,
	Q_USER_PASSWORD,
	Q_USER_DELETE,
	Q_USERS,
	Q_USERS_OF_DOMAIN,
	Q_USER_IN_DOMAIN,
	Q_USER_ANY,
	Q_FIRST_ADMIN,
	Q_OTHER_ADMIN,
	Q_CREDENTIALS,
	Q_SCRAM,
	Q_ALIAS_TARGETS,
	Q_ALIAS_ADD,
	Q_ALIAS_DELETE,
	Q_ALIAS_DELETE_ALL,
	Q_ALIAS_DELETE_TARGET,
	Q_ALIAS_DELETE_DOMAIN,
	Q_ALIASES,
	Q_ALIASES_OF_DOMAIN,
	Q_USER_FORWARDING,
	Q_FORWARD_TARGETS,
	Q_FORWARD_ADD,
	Q_FORWARD_COUNT,
	Q_FORWARD_DELETE,
	Q_FORWARD_DELETE_ALL,
	Q_FORWARD_FORGET,
	Q_FORWARDS,
	Q_FORWARDS_OF_DOMAIN,
	Q_DOMAIN,
	Q_DOMAIN_ADD,
	Q_DOMAIN_STORAGE,
	Q_DOMAIN_DELETE,
	Q_DOMAINS,
	Q_SHARE_ADD,
	Q_SHARE_REMOVE,
	Q_SHARE,
	Q_SHARES,
	Q_SHARES_ONLY,
	Q_COPY_SHARES,
	Q_SHARE_FORGET_OWNER,
	Q_SHARE_FORGET_USER,
	Q_CREDENTIAL,
	Q_CREDENTIAL_ADD,
	Q_CREDENTIAL_USED,
	Q_CREDENTIAL_DELETE,
	Q_CREDENTIAL_FORGET,
	Q_CREDENTIAL_COUNT,
	Q_CREDENTIAL_BY_ID,
	Q_CREDENTIAL_NAME,
	Q_CREDENTIAL_SCOPES,
	Q_CREDENTIAL_FORGET_KIND,
	Q_CREDENTIAL_COUNTED,
	Q_RECOVERY_TAKE,
	Q_FACTORS,
	Q_FACTOR_ON,
	Q_FACTORS_FORGET,
	Q_INVITE,
	Q_INVITES,
	Q_INVITE_TAKE,
	Q_INVITE_GIVE_BACK,
	Q_INVITE_DELETE,
	Q_SESSION_CONFIRM,
	Q_SESSION_END,
	Q_SESSION_END_ONE,
	Q_SESSION_END_OTHERS,
	Q_SESSION_FORGET_OLD,
	Q_SESSION_FORGET_SURPLUS,
	Q_RESET,
	Q_RESET_TAKE,
	Q_RESET_FORGET,
	Q_CREDENTIALS_OF_KIND,
	Q_COPY_CREDENTIALS,
	Q_COPY_CREDENTIAL,
	Q_COPY_USERS,
	Q_COPY_USER,
	Q_COPY_USER_REPLACE,
	Q_COPY_DOMAIN,
	Q_COPY_ALIASES,
	Q_COPY_FORWARDS,
	Q_COUNT
};

extern const char *const account_queries[Q_COUNT];

struct account_db {
	struct pst_database database;
	bool is_file; /* the server's own SQLite file, not a module's */
	char *name;   /* the storage block of a module's database */
	atomic_bool is_checked; /* the tables are of a version that we know */
};

/* A connection that somebody took. */
struct account_conn {
	struct account_db *db;
	struct pst_conn *conn;
	enum pst_database_mode mode;
};

/* The server's own file, made when there is none. */
struct account_db *account_db_open(
    const char *path, const char *owner, struct pst_error *err);
/* The database of the storage block `name`, which need not be there yet. */
struct account_db *account_db_lent(
    const char *name, const struct pst_database *lent);
void account_db_close(struct account_db **db);

/* A connection for single questions; NULL: `err` says why. Waits for a free
 * one. */
struct account_conn *account_db_take(
    struct account_db *db, struct pst_error *err);
void account_db_give(struct account_conn **c);
/* With BEGIN and COMMIT around: one picture for several questions. */
struct account_conn *account_db_read(
    struct account_db *db, struct pst_error *err);
void account_db_read_done(struct account_conn **c);
/* A connection in a transaction that writes; one at a time, everywhere. */
struct account_conn *account_db_write(
    struct account_db *db, struct pst_error *err);
/* Ends it: commits when `rc` is PST_OK, else undoes all and returns `rc`. */
enum pst_rc account_db_write_done(
    struct account_conn **c, enum pst_rc rc, struct pst_error *err);

/*
 * Asks with the parameters by `types`: 't' const char *, 'i' int64_t, 'b'
 * const void * and size_t (a NULL pointer of t and b is NULL). PST_OK: there
 * were rows, or some were changed; NOTFOUND: none; EXISTS: a constraint.
 */
enum pst_rc account_run(struct account_conn *c, enum account_query q,
    struct pst_error *err, const char *types, ...);
/* The same, with the rows called back, which must not use `c`. */
enum pst_rc account_rows(struct account_conn *c, enum account_query q,
    pst_record_fn fn, void *arg, struct pst_error *err, const char *types, ...);
/* The same with values as they are. */
enum pst_rc account_rows_of(struct account_conn *c, enum account_query q,
    const struct pst_value *params, size_t n, pst_record_fn fn, void *arg,
    struct pst_error *err);
/* Where nothing to change is no failure. */
static inline enum pst_rc
account_none_is_fine(enum pst_rc rc)
{
	return rc == PST_E_NOTFOUND ? PST_OK : rc;
}

/* Bits of a user's column "flags". */
enum account_flags {
	ACCOUNT_FLAG_APP_ONLY = 1 << 0,
	ACCOUNT_FLAG_PENDING = 1 << 1,
};

/* Of a user, as they are kept. */
int64_t account_flags_of(const struct account_user *user);
/* Copies a column; what is longer or of another kind is left out. */
void account_value_text(const struct pst_value *v, char *to, size_t size);
size_t account_value_blob(const struct pst_value *v, void *to, size_t size);
/* The columns of Q_USER and the like. False: the user's domain is not local. */
bool account_read_user(const struct pst_value *row,
    const struct account_settings *s, struct account_user *user_r);

/* --- SQLite (sqlite.c) ---------------------------------------------------- */

enum pst_rc account_sqlite_open(const char *path, const char *owner,
    struct pst_database *db_r, struct pst_error *err);
void account_sqlite_close(struct pst_database *db);

/* --- the tables in a module's database (schema.c) ------------------------- */

/* PERM: they are not there, or of another version. `lock`: until the end of the
 * transaction nobody else writes. */
enum pst_rc account_schema_check(
    struct account_conn *c, bool lock, struct pst_error *err);

/* --- aliases (aliases.c) -------------------------------------------------- */

/* The form that a target has in the tables: what lies outside keeps the case of
 * its local part. SYNTAX. */
enum pst_rc account_clean_target(struct account_conn *c,
    const struct account_settings *s, const char *target, char out[321],
    struct pst_error *err);

/* --- domains and users (users.c) ------------------------------------------ */

/* NOTFOUND says whom there is not; any other `rc` is returned as it is. */
enum pst_rc account_no_such_user(
    enum pst_rc rc, const char *address, struct pst_error *err);

/* NOTFOUND: the domain is neither configured nor in the database. */
enum pst_rc account_domain_check(struct account_conn *c,
    const struct account_settings *s, const char *domain,
    struct pst_error *err);

/* SYNTAX, and says so. */
static inline enum pst_rc
account_not_a_domain(const char *domain, struct pst_error *err)
{
	return pst_fail(
	    err, PST_E_SYNTAX, 0, "\"%.200s\" is not a domain", domain);
}

/* --- lists of addresses (pairs.c) ----------------------------------------- */

struct account_pair {
	char from[ACCOUNT_ADDRESS], to[ACCOUNT_ADDRESS];
	int64_t number; /* what the query has beside them, or 0 */
};

/* The rows of `of_domain`, or, with `domain` NULL, of `all`: both give what
 * comes after a pair, in order. SYNTAX: no domain. */
enum pst_rc account_each_pair(struct accounts *a, enum account_query all,
    enum account_query of_domain, const char *domain,
    void (*fn)(void *arg, const struct account_pair *pair), void *arg,
    struct pst_error *err);

/* --- passwords (password.c) ----------------------------------------------- */

struct account_keys;
/* users.c: the user's password becomes this one; what could have set another
 * ends. `address` is normalised. */
enum pst_rc account_put_password(struct account_conn *c, const char *address,
    const struct account_keys *keys, struct pst_error *err);

/* What is kept of a password. */
struct account_keys {
	char hash[CRYPT_OUTPUT_SIZE]; /* "": none */
	unsigned char salt[2 * ACCOUNT_SCRAM_SALT];
	size_t salt_n;
	int64_t iterations; /* 0: no SCRAM keys */
	unsigned char stored[ACCOUNT_SCRAM_KEY], server[ACCOUNT_SCRAM_KEY];
};

struct account_credentials {
	struct account_user user; /* address "": nobody */
	struct account_keys keys;
};

/* OpaqueString; false: cannot be a password. */
bool account_password_prepare(
    struct pst_str password, char out[ACCOUNT_PASSWORD + 1]);
/* LIMIT, SYNTAX. Takes some 30 ms. */
enum pst_rc account_password_keys(const struct config *cfg,
    struct pst_str password, struct account_keys *keys_r,
    struct pst_error *err);
/* The hash alone. False: it cannot be made. */
bool account_password_hash(const struct config *cfg, const char *prepared,
    char hash_r[CRYPT_OUTPUT_SIZE]);
/* Compares in constant time; `hash` NULL costs as much and is never right. */
bool account_password_check(
    const struct config *cfg, const char *prepared, const char *hash);
/* RFC 5802, 3, with SHA-256. */
bool account_scram_keys(struct pst_str password, const unsigned char *salt,
    size_t salt_n, int64_t iterations, unsigned char stored_r[32],
    unsigned char server_r[32]);
void account_hmac(const unsigned char key[32], const void *data, size_t n,
    unsigned char mac_r[32]);

/* NOTFOUND leaves credentials_r zeroed. */
enum pst_rc account_credentials(struct accounts *a, const char *address,
    struct account_credentials *credentials_r, struct pst_error *err);
/* For SCRAM: of nobody, and of who has no SCRAM keys, those that a user of that
 * name could have; then *is_real_r is false. */
enum pst_rc account_scram(struct accounts *a, const struct config *cfg,
    const char *name, struct account_credentials *credentials_r,
    bool *is_real_r, struct pst_error *err);

/* --- secrets that people copy (codes.c) -------------------------------------
 */

enum {
	ACCOUNT_CODE = 20,	 /* characters */
	ACCOUNT_CODE_SHOWN = 25, /* with dashes and the NUL */
};

void account_code_make(char plain[ACCOUNT_CODE + 1]);
void account_code_show(const char *plain, char shown[ACCOUNT_CODE_SHOWN]);
/* As somebody types it. False: it does not look like one. */
bool account_code_read(const char *typed, char plain[ACCOUNT_CODE + 1]);

/* What a code is found and proven by: its first letters, and its hash. */
enum { ACCOUNT_CODE_ID = 8 };
struct account_code_key {
	char id[ACCOUNT_CODE_ID + 1];
	char hash[65];
};
/* False: it does not look like a code. */
bool account_code_key(const char *typed, struct account_code_key *k);

/* --- app passwords (apps.c) -----------------------------------------------
 */

/* FAILED: it is no app password of this user for `scope`. */
enum auth_result account_app_check(struct accounts *a, const struct config *cfg,
    enum auth_scope scope, const struct account_credentials *who,
    const char *prepared);

/* What a user calls something: 1 to 128 octets of UTF-8, no controls. */
bool account_is_label(const char *text);

/* --- factors.c, recovery.c -------------------------------------------------
 */

/* In a transaction. Is a second factor asked for now? */
enum pst_rc account_factor_is_on(struct account_conn *c, const char *user,
    bool *on_r, struct pst_error *err);
/* In a transaction that writes: a new set of codes. */
enum pst_rc account_recovery_replace(struct account_conn *c, const char *user,
    struct recovery_set *set_r, struct pst_error *err);
/* The same when no second factor was on before what is done in it. */
enum pst_rc account_recovery_first(struct account_conn *c, const char *user,
    struct recovery_set *set_r, bool *has_set_r, struct pst_error *err);
/* Uses up a code as a second factor. FAILED: it is none. */
enum auth_result account_recovery_check(
    struct accounts *a, const char *user, const char *code);
/* In a transaction that writes: the user has shown a second factor, so that
 * recovery codes count as one again. */
enum pst_rc account_factor_shown(
    struct account_conn *c, const char *user, struct pst_error *err);

/* --- good passwords (cache.c) --------------------------------------------- */

struct account_cache *account_cache_new(void);
void account_cache_free(struct account_cache **c);
/* The stored hash takes part: what was remembered for another is not found. */
bool account_cache_has(struct account_cache *c,
    const struct account_credentials *who, const char *prepared);
void account_cache_put(struct account_cache *c,
    const struct account_credentials *who, const char *prepared,
    int64_t seconds);

/* --- SASL (sasl.c) ---------------------------------------------------------
 */

/* NULL: the library lacks what we offer. */
Gsasl *account_sasl_init(void);

/* --- the brake (brake.c) ---------------------------------------------------
 */

struct account_brake *account_brake_new(void);
void account_brake_free(struct account_brake **b);
/* `user` NULL: not known yet. Delays are milliseconds. */
bool account_brake_blocks(struct account_brake *b, const struct config *cfg,
    const char *peer, const char *user, int64_t *delay_r);
/* `password` STR_NONE: not known. Returns the delay. */
int64_t account_brake_failed(struct account_brake *b, const struct config *cfg,
    const char *peer, const char *user, struct pst_str password);
void account_brake_passed(
    struct account_brake *b, const char *peer, const char *user);
size_t account_brake_blocked(struct account_brake *b);
/* One of both is NULL. False: it was not blocked. */
bool account_brake_lift(
    struct account_brake *b, const char *peer, const char *user);

#endif
