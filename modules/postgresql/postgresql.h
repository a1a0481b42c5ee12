/*
 * postgresql.h - the objects of the module: store, account, mailbox, stage. See
 * pg.h for what they are built on, hub.h for how they hear of other servers.
 *
 * Locks: store.lock, pool.lock and hub.lock; never two at once, none while the
 * database is asked.
 */
#ifndef POSTGRESQL_POSTGRESQL_H
#define POSTGRESQL_POSTGRESQL_H

#include "hub.h"
#include "pg.h"

/* See sweep.c. */
struct pg_sweeper {
	pthread_mutex_t lock; /* guards `quit` */
	pthread_cond_t stop;
	bool quit, is_running;
	pthread_t thread;
};

struct pst_store {
	const struct pst_host *host;
	struct pg_config config;
	struct pg_pool pool;
	struct pg_hub hub;
	struct pg_sweeper sweeper;
	pthread_mutex_t lock; /* guards what is below */
	char prefix[16];      /* of ids; set with the first connection, then
			       * constant */
	int64_t content_next, content_end; /* ids that nobody has yet */
	atomic_bool text_looked;	   /* for the index of texts */
};

struct pst_acct {
	struct pst_store *store;
	int64_t id;
	char *name;
	struct pg_ear ear; /* of names, subscriptions and metadata */
};

/*
 * What others do is known up to `known` (modseq) and below `uidnext`: load()
 * and refresh() told the server of it, or the server did it itself. Its own
 * changes above that have their modseqs in `own`, so that refresh() leaves them
 * out; `last` is the largest of them.
 */
struct pst_box {
	struct pst_acct *acct;
	int64_t id;
	char *name;
	uint32_t uidvalidity;
	char objectid[40];
	uint32_t uidnext;
	uint64_t known, last;
	uint64_t *own;
	size_t own_n, own_cap;
	bool is_loaded, is_behind;
	bool is_fresh; /* not loaded, but state() was just read or made */
	uint32_t recent;
	int64_t epoch; /* of the keywords' numbers */
	char *keyword[PST_KEYWORDS_MAX];
	struct pg_ear ear;
	uint64_t names_seen; /* the account's `stirs` when it was there */
};

/* The octets are in memory until they are committed; of a large message they
 * are in the database already, but for the last part. */
struct pst_stage {
	struct pst_store *store;
	int64_t content; /* its id; 0: none yet */
	uint64_t size;
	char *data; /* PG_CHUNK at most */
	size_t n, cap;
	int64_t chunks; /* that were written, when it is a large one */
	bool is_large;
	bool is_stored;	 /* the content is in the database, all of it */
	bool is_taken;	 /* by a message */
	size_t in_batch; /* place among the new contents of a commit, + 1 */
};

/* A row of mailbox. */
struct box_row {
	int64_t id;
	uint32_t uidvalidity, uidnext, recent;
	uint64_t modseq, gone_from;
	int64_t epoch;
	struct pst_str keywords; /* an array, borrowed from the result */
	struct pst_str objectid; /* p NULL: made from the id */
};

/* Rows, uids and pairs, gathered until the transaction is over. */
struct row_list {
	struct pst_row *v;
	uint32_t *source; /* of copies; else NULL */
	size_t n, cap;
};
struct uid_list {
	uint32_t *v;
	size_t n, cap;
};

/* Seconds since 1970, by the host's clock. */
int64_t pg_now(const struct pst_store *s);
/* From each new connection, before anybody uses it. */
void store_take_prefix(struct pst_store *s, const char *prefix);

/* --- sweep.c ---------------------------------------------------------------
 */

enum pst_rc sweep_start(struct pst_store *s, struct pst_error *err);
void sweep_stop(struct pst_store *s);

/* --- box.c -----------------------------------------------------------------
 */

void box_row_take(struct box_row *row_r, const PGresult *r, int at);
/* Its identity and keywords, not what is known of messages. */
void box_take_row(struct pst_box *b, const struct box_row *row);
/* Account and mailbox: $1 and $2. */
struct pg_params box_params(const struct pst_box *b);
/* A job about one mailbox. */
struct pg_job box_job(struct pst_box *b, enum pg_mode mode, void *arg,
    pg_step_fn send, pg_step_fn take);
/* The server did something itself, with this modseq: one larger than that of
 * what was done before. */
void box_did(struct pst_box *b, uint64_t modseq);
/* It put n messages there, the first with this uid. */
void box_put(struct pst_box *b, uint32_t first, size_t n);
/* Everything up to here is known. */
void box_knows(struct pst_box *b, const struct box_row *row);
enum pst_rc box_gone(const struct pst_box *b, struct pst_error *err);
/* Nothing was written: it is gone (NOTFOUND) or, when keywords were written by
 * numbers of `epoch`, these have other names now (TEMP; the table is new). */
enum pst_rc box_refused(
    struct pst_box *b, int64_t epoch, struct pst_error *err);
/* A message from ROW_COLUMNS; its order is that of sql.c. */
struct pst_row pg_row(const PGresult *r, int at);
void row_list_add(struct row_list *l, const struct pst_row *row);
void row_list_fini(struct row_list *l);
void uid_list_add(struct uid_list *l, uint32_t uid);
/* $3 and $4 of statements about a set of uids. Those above `most` are left
 * out. */
struct pg_ranges {
	struct pg_array low, high;
};
void pg_ranges_init(struct pg_ranges *r, struct pst_uids uids, uint32_t most);
void pg_ranges_fini(struct pg_ranges *r);

/* --- keyword.c -------------------------------------------------------------
 */

/* The table as it is in the database. */
void keyword_take(struct pst_box *b, struct pst_str array);
void keyword_init(struct pst_box *b); /* with no names */
void keyword_fini(struct pst_box *b);
/* All names, for the database. */
void keyword_array(const struct pst_box *b, struct pg_array *a);
/* Where a name is, PST_KEYWORDS_MAX: nowhere. */
unsigned keyword_find(const struct pst_box *b, const char *name);
/* Puts a new name into b's table, which has to be the one of the row that this
 * transaction has locked; *reused_r is set when a number got another meaning.
 * It takes none of the numbers in `taken`. LIMIT. */
enum pst_rc keyword_make(struct pst_box *b, struct pg_conn *c, const char *name,
    uint64_t taken, unsigned *number_r, bool *reused_r, struct pst_error *err);
/* A name in b's table may not have come to the database: it is read again. When
 * that fails, no keywords are written by its numbers until it was. */
void keyword_doubt(struct pst_box *b);
/* b's table goes to the database. */
enum pst_rc keyword_write(
    struct pst_box *b, struct pg_conn *c, bool reused, struct pst_error *err);

/* --- stage.c ---------------------------------------------------------------
 */

/* An id for new content. */
enum pst_rc content_id(
    struct pst_store *s, int64_t *id_r, struct pst_error *err);

/* --- commit.c --------------------------------------------------------------
 */

/* The new contents of some stages: ids, sizes, octets. Stages that are there
 * twice, or in the database, are left out. */
struct new_contents {
	struct pg_array id, size, data, ident;
	size_t n;
};
enum pst_rc contents_add(struct new_contents *c, struct pst_stage *stage,
    const char *ident, struct pst_error *err);
/* They are in the database now. */
void contents_stored(struct pst_stage *stage);
void contents_fini(struct new_contents *c);

/* --- the operations, as in postern/store.h ---------------------------------
 */

enum pst_rc pg_open(const struct pst_host *host,
    const struct pst_section *section, struct pst_store **store_r,
    struct pst_error *err);
void pg_close(struct pst_store *s);
enum pst_rc pg_health(struct pst_store *s, struct pst_error *err);
enum pst_rc pg_init(const struct pst_host *host,
    const struct pst_section *section, pst_said_fn said, void *arg,
    struct pst_error *err);

enum pst_rc pg_acct_open(struct pst_store *s, const char *id,
    struct pst_acct **acct_r, bool *created_r, struct pst_error *err);
void pg_acct_close(struct pst_acct *a);
enum pst_rc pg_acct_remove(
    struct pst_store *s, const char *id, struct pst_error *err);
bool pg_acct_exists(struct pst_store *s, const char *id);
enum pst_rc pg_usage(
    struct pst_acct *a, struct pst_usage *usage_r, struct pst_error *err);
enum pst_rc pg_recount(
    struct pst_acct *a, struct pst_usage *usage_r, struct pst_error *err);
enum pst_rc pg_acct_watch(
    struct pst_acct *a, void *cookie, struct pst_error *err);
void pg_acct_unwatch(struct pst_acct *a);

enum pst_rc pg_list(
    struct pst_acct *a, pst_mailbox_fn fn, void *arg, struct pst_error *err);
enum pst_rc pg_create(struct pst_acct *a, const char *name,
    const char *special_use, struct pst_error *err);
enum pst_rc pg_remove(
    struct pst_acct *a, const char *name, struct pst_error *err);
enum pst_rc pg_rename(struct pst_acct *a, const char *from, const char *to,
    struct pst_error *err);
enum pst_rc pg_subscribe(struct pst_acct *a, const char *name, bool subscribed,
    struct pst_error *err);
enum pst_rc pg_meta_get(struct pst_acct *a, const char *name,
    const char *prefix, pst_value_fn fn, void *arg, struct pst_error *err);
enum pst_rc pg_meta_set(struct pst_acct *a, const char *name, const char *key,
    struct pst_str value, struct pst_error *err);

enum pst_rc pg_box_open(struct pst_acct *a, const char *name,
    struct pst_box **box_r, struct pst_error *err);
void pg_box_close(struct pst_box *b);
enum pst_rc pg_state(
    struct pst_box *b, struct pst_box_state *state_r, struct pst_error *err);
enum pst_rc pg_load(
    struct pst_box *b, pst_row_fn fn, void *arg, struct pst_error *err);
enum pst_rc pg_refresh(
    struct pst_box *b, const struct pst_delta *delta, struct pst_error *err);
enum pst_rc pg_watch(struct pst_box *b, void *cookie, struct pst_error *err);
void pg_unwatch(struct pst_box *b);
bool pg_box_is_there(struct pst_box *b);
bool pg_box_is_behind(struct pst_box *b);
const char *const *pg_keywords(struct pst_box *b);
enum pst_rc pg_keyword(struct pst_box *b, const char *name, bool create,
    unsigned *number_r, struct pst_error *err);
enum pst_rc pg_recent(
    struct pst_box *b, bool claim, uint32_t *first_r, struct pst_error *err);
enum pst_rc pg_body(struct pst_box *b, uint32_t uid, struct pst_body *body_r,
    struct pst_error *err);
enum pst_rc pg_ident(
    struct pst_box *b, uint32_t uid, char id_r[40], struct pst_error *err);

enum pst_rc pg_stage_new(struct pst_store *s, uint64_t size,
    struct pst_stage **stage_r, struct pst_error *err);
enum pst_rc pg_stage_write(
    struct pst_stage *g, const void *data, size_t n, struct pst_error *err);
enum pst_rc pg_stage_sync(struct pst_stage *g, struct pst_error *err);
void pg_stage_free(struct pst_stage *g);
enum pst_rc pg_commit(struct pst_box *b, const struct pst_append *appends,
    size_t n, struct pst_row *rows_r, struct pst_error *err);

enum pst_rc pg_flags(struct pst_box *b, struct pst_uids uids,
    const struct pst_flag_change *change, pst_row_fn changed,
    pst_uid_fn conflict, void *arg, struct pst_error *err);
enum pst_rc pg_copy(struct pst_box *b, struct pst_uids uids, struct pst_box *to,
    pst_copied_fn copied, void *arg, struct pst_error *err);
enum pst_rc pg_move(struct pst_box *b, struct pst_uids uids, struct pst_box *to,
    pst_copied_fn moved, void *arg, struct pst_error *err);
enum pst_rc pg_expunge(struct pst_box *b, struct pst_uids uids, pst_uid_fn gone,
    void *arg, struct pst_error *err);
enum pst_rc pg_expunge_keep(struct pst_box *b, struct pst_uids uids,
    pst_uid_fn gone, void *arg, struct pst_error *err);
enum pst_rc pg_remove_keep(
    struct pst_acct *a, const char *name, struct pst_error *err);
enum pst_rc pg_kept_each(
    struct pst_acct *a, pst_kept_fn fn, void *arg, struct pst_error *err);
enum pst_rc pg_kept_heads(struct pst_acct *a, const char *const *ids, size_t n,
    size_t most, pst_head_fn fn, void *arg, struct pst_error *err);
enum pst_rc pg_kept_restore(struct pst_acct *a, const char *const *ids,
    size_t n, struct pst_box *to, pst_restored_fn fn, void *arg,
    struct pst_error *err);
enum pst_rc pg_kept_purge(struct pst_acct *a,
    const struct pst_kept_limit *limit, struct pst_kept_sum *sum_r,
    struct pst_error *err);
enum pst_rc pg_cache_get(struct pst_box *b, unsigned kind, const uint32_t *uids,
    size_t n, pst_cached_fn fn, void *arg, struct pst_error *err);
enum pst_rc pg_cache_put(struct pst_box *b, unsigned kind,
    const struct pst_cached *values, size_t n, struct pst_error *err);
enum pst_rc pg_history(struct pst_box *b, uint64_t *from_r, pst_gone_fn fn,
    void *arg, struct pst_error *err);
enum pst_rc pg_text_put(struct pst_box *b, uint64_t version,
    const struct pst_text *texts, size_t n, struct pst_error *err);
enum pst_rc pg_text_search(struct pst_box *b, uint64_t version,
    struct pst_str needle, bool headers, pst_text_fn fn, void *arg,
    struct pst_error *err);
enum pst_rc pg_text_tidy(struct pst_box *b, uint64_t version,
    struct pst_uids present, struct pst_error *err);
enum pst_rc pg_text_state(struct pst_box *b, uint64_t version,
    struct pst_text_state *state_r, struct pst_error *err);
enum pst_rc pg_text_drop(struct pst_box *b, struct pst_error *err);
enum pst_rc pg_check(struct pst_box *b, uint32_t first, uint32_t *next_r,
    bool mend, pst_finding_fn fn, void *arg, struct pst_error *err);
enum pst_rc pg_adopt(struct pst_box *b, const struct pst_box_state *origin,
    struct pst_error *err);
enum pst_rc pg_place(struct pst_box *b, const struct pst_placed *placed,
    size_t n, struct pst_error *err);

/* --- database.c ------------------------------------------------------------
 */

extern const struct pst_database_ops pg_database;

#endif
