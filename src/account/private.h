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
	Q_COPY_USERS,
	Q_COPY_USER,
	Q_COPY_USER_REPLACE,
	Q_COPY_DOMAIN,
	Q_COPY_ALIASES,
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

/* --- domains and users (users.c) ------------------------------------------ */

/* NOTFOUND: the domain is neither configured nor in the database. */
enum pst_rc account_domain_check(struct account_conn *c,
    const struct account_settings *s, const char *domain,
    struct pst_error *err);

/* --- passwords (password.c) ----------------------------------------------- */

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
