/*
 * conformance.h - what the parts of the conformance suite share: the module
 * under test, checks that count, and the small steps that most tests need.
 *
 * Threads: the tests run one after another in one thread; test_threads.c has
 * its own.
 */
#ifndef STORAGE_CONFORMANCE_H
#define STORAGE_CONFORMANCE_H

#include <postern/module.h>
#include <stdlib.h>

struct suite {
	const struct pst_store_ops *ops;
	struct pst_store *store;
	struct pst_host host;
	const struct pst_section *section;
	bool is_lasting; /* what was stored is there after a new open() */
	unsigned passed, failed, skipped;
	const char *part; /* the test that runs */
};

extern struct suite suite;

/*
 * Loads the module that the command line names and opens a store of it; what
 * is wrong goes to the standard error. suite_end() closes it, prints the sums
 * and tells the exit status.
 */
bool suite_begin(int argc, char **argv);
int suite_end(void);

#define OPS (suite.ops)

/* Counts one check; tells about it when it fails. The value of `ok`. */
bool check_at(const char *file, int line, bool ok, const char *fmt, ...)
    PST_PRINTF(4, 5);
#define CHECK(ok, ...) check_at(__FILE__, __LINE__, (ok), __VA_ARGS__)
/* `call` ends with `want`; its struct pst_error is called `err`. */
#define CHECK_RC(want, call) \
	check_rc(__FILE__, __LINE__, (want), (call), &err, #call)
bool check_rc(const char *file, int line, enum pst_rc want, enum pst_rc got,
    struct pst_error *err, const char *call);
void skip(unsigned checks, const char *why);

/* --- steps ---------------------------------------------------------------- */

/* Rows in the order in which they were reported. */
struct rows {
	struct pst_row *v;
	size_t n, cap;
};
void rows_add(void *rows, const struct pst_row *row); /* a pst_row_fn */
void rows_free(struct rows *r);
const struct pst_row *rows_uid(const struct rows *r, uint32_t uid);
bool rows_ascend(const struct rows *r);

struct uids {
	uint32_t *v;
	size_t n, cap;
};
void uids_add(void *uids, uint32_t uid); /* a pst_uid_fn */
void uids_free(struct uids *u);
bool uids_have(const struct uids *u, uint32_t uid);

struct copies {
	uint32_t *source;
	struct rows rows;
	size_t cap;
};
void copies_add(void *copies, uint32_t source, const struct pst_row *row);
void copies_free(struct copies *c);

/* All that list() reports. */
struct listed {
	char *name, *special_use;
	bool exists, subscribed;
};
struct listing {
	struct listed *v;
	size_t n, cap;
};
void listing_get(struct pst_acct *acct, struct listing *l);
const struct listed *listing_find(const struct listing *l, const char *name);
size_t listing_place(const struct listing *l, const char *name); /* n: none */
void listing_free(struct listing *l);

/* What refresh() reports. */
struct delta {
	struct uids gone;
	struct rows changed, appended;
	bool in_order;
	int stage;
};
enum pst_rc delta_get(struct pst_box *box, struct delta *d);
bool delta_is_empty(const struct delta *d);
void delta_free(struct delta *d);

/* Accounts of the suite: each test has one of its own. NULL after a failed
 * check. */
struct pst_acct *acct_of(const char *id);
struct pst_box *box_of(struct pst_acct *acct, const char *name);
void load_rows(struct pst_box *box, struct rows *r);
struct pst_stage *stage_of(const void *text, size_t n);
/* Stages and commits one message; its uid or 0. */
uint32_t put(struct pst_box *box, const char *text, uint32_t flags,
    uint64_t keywords, int64_t date);
bool body_is(struct pst_box *box, uint32_t uid, const void *text, size_t n);
/* The whole content, malloc()ed; NULL when it cannot be read. */
char *body_text(const struct pst_body *body);
struct pst_uids one(struct pst_range *r, uint32_t first, uint32_t last);
enum pst_rc change_flags(struct pst_box *box, uint32_t uid, enum pst_flag_op op,
    uint32_t flags, uint64_t keywords, uint64_t unchanged_since,
    struct rows *changed, struct uids *conflict);
/* Closes the store and opens it again. */
bool reopen(void);

/* --- the tests ------------------------------------------------------------ */

void test_module(void);
void test_accounts(void);
void test_names(void);
void test_meta(void);
void test_messages(void);
void test_stages(void);
void test_flags(void);
void test_keywords(void);
void test_copies(void);
void test_cache(void);
void test_history(void);
void test_check(void);
void test_recount(void);
void test_kept(void);
void test_place(void);
void test_lasting(void);
void test_text(void);
void test_threads(void);

#endif
