/*
 * maildir.h - the structures that the files of this module share.
 *
 * Locks, outermost first: store->lock (table of accounts), acct->lock (names,
 * account files, table of folders), folder->base.lock (state file), box->lock
 * (list of messages, for body() and ident() beside other calls), the watcher's
 * lock. Who needs two takes them in this order. No call back to the server is
 * made with one of them held.
 */
#ifndef MAILDIR_MAILDIR_H
#define MAILDIR_MAILDIR_H

#include "folder.h"
#include "localindex/account.h"
#include "localindex/cache.h"
#include "localindex/mailstate.h"
#include "localindex/memory.h"
#include "localindex/root.h"
#include "localindex/util.h"
#include "localindex/watcher.h"
#include "name.h"

#include <postern/module.h>
#include <pthread.h>

#define MD_RENAME_FILE "postern.rename"
#define MD_TRASH_PREFIX "postern.trash-"
#define MD_SPECIAL_USE "/private/specialuse"

enum {
	MD_FILE_MAX = LI_FILE_MAX,
	MD_TMP_AGE = 36 * 3600, /* seconds until what is in tmp is given up */
};

enum md_dir { MD_NEW, MD_CUR };

struct md_watched;
struct md_keeper;

struct pst_store {
	const struct pst_host *host;
	const struct pst_section *section;
	struct li_root base; /* these three are its: */
	const char *root;
	int fd;	     /* of the root */
	int temp_fd; /* of ROOT/postern.tmp */
	bool fsync;
	bool as_lf;	   /* new messages are written with LF line ends */
	char hostname[48]; /* as it stands in file names */
	struct li_watcher *watcher;

	pthread_mutex_t lock;
	struct pst_acct *accounts;
};

/* Kept while nobody else changes the folder; see usage.c. */
struct md_sum {
	char *dir;
	struct timespec stamp[2];
	uint64_t messages, bytes;
	int64_t counted; /* when, in seconds */
	bool is_present; /* seen in this round */
};

struct pst_acct {
	struct pst_store *store;
	struct pst_acct *next;
	char *id;
	unsigned users; /* guarded by store->lock, like next */

	pthread_mutex_t lock;
	bool is_open;
	int fd;	    /* of ROOT/domain/user, which is INBOX too */
	char *path; /* "domain/user" */
	bool swept; /* left-overs were looked for */
	struct li_account files;
	struct md_folder *folders; /* those in use */

	pthread_mutex_t sums_lock;
	struct md_sum *sums;
	size_t sum_count, sum_cap;
};

/* A mailbox's folder and state file, shared by box and account calls. */
struct md_folder {
	struct li_mailstate base; /* first */
	struct pst_acct *acct;
	struct md_folder *next; /* these two guarded by acct->lock */
	unsigned users;
	char *dir;  /* "" or ".A.B" */
	int sub[2]; /* by enum md_dir */
	/* Where its expunged messages go, once there was one; replaced under
	 * acct->lock by calls on the box. */
	struct md_keeper *keeper;
};

/* Text that lives as long as the box, or until it is compacted. */
struct md_arena {
	struct md_chunk *chunk;
	size_t live, dead; /* octets */
};

enum { MD_PEND_NEW = 1, MD_PEND_CHANGED = 2 };

struct md_msg {
	char *name; /* NUL-terminated, in the box's arena */
	uint64_t keywords;
	uint64_t modseq;
	uint32_t uid;
	uint16_t name_n;
	uint8_t dir;
	uint8_t flags;
	uint8_t pending; /* refresh() has to tell: MD_PEND_* */
};

/* A size that the name tells wrong, found by body(). */
struct md_fix {
	uint32_t uid;
	uint64_t size;
};

struct pst_box {
	struct pst_acct *acct;
	struct md_folder *folder;

	/* Guards what body() and ident() read; the others never overlap. */
	pthread_mutex_t lock;
	struct md_msg *msg; /* ascending by uid */
	size_t n, cap;
	struct md_arena names;
	bool is_scanned;    /* msg is complete */
	struct md_fix *fix; /* ascending by uid */
	size_t fix_count, fix_cap;

	bool is_loaded;		  /* load() was called */
	bool must_scan;		  /* the last scan was not complete */
	bool is_racy;		  /* changes since may have the same times */
	bool is_pending;	  /* refresh() has something to tell */
	uint64_t opened_modseq;	  /* highest one when it was opened */
	struct timespec stamp[2]; /* of the folders at the last scan */
	uint32_t *gone;		  /* uids that refresh() has to tell */
	size_t gone_count, gone_cap;
	struct md_watched *watched;
	struct li_cache *cache;
	struct li_history history; /* once it is scanned */
	uint64_t memory_modseq;	   /* the file of memory.h holds for; 0: none */
	const char *keyword[PST_KEYWORDS_MAX]; /* what keywords() shows */
	char *old_keyword[PST_KEYWORDS_MAX];   /* replaced, still shown */
};

/* --- store.c -------------------------------------------------------------- */

/* Fails with the result that stands for an errno. */
enum pst_rc md_fail(struct pst_error *err, int e, const char *fmt, ...)
    PST_PRINTF(3, 4);
int64_t md_now(const struct pst_store *s); /* seconds */
/* `n` random octets as 2n hexadecimal digits and a NUL. */
void md_random_hex(const struct pst_store *s, char *out, size_t n);
/* fsync(2) unless it is configured away. 0 or an errno. */
int md_sync(const struct pst_store *s, int fd);
enum li_sync md_sync_kind(const struct pst_store *s, enum li_sync wanted);
/* The beginning of a new message's name. */
void md_new_stem(
    const struct pst_store *s, int64_t date, char *out, size_t cap);
/* The same without the host. */
void md_short_stem(
    const struct pst_store *s, int64_t date, char *out, size_t cap);

/* --- account.c ------------------------------------------------------------ */

enum pst_rc md_acct_open(struct pst_store *, const char *, struct pst_acct **,
    bool *, struct pst_error *);
void md_acct_close(struct pst_acct *);
enum pst_rc md_acct_remove(
    struct pst_store *, const char *, struct pst_error *);
bool md_acct_exists(struct pst_store *, const char *);
enum pst_rc md_subscribe(
    struct pst_acct *, const char *, bool, struct pst_error *);
enum pst_rc md_meta_get(struct pst_acct *, const char *, const char *,
    pst_value_fn, void *, struct pst_error *);
enum pst_rc md_meta_put(struct pst_acct *, const char *, const char *,
    struct pst_str, struct pst_error *);

/* --- tree.c --------------------------------------------------------------- */

enum pst_rc md_list(
    struct pst_acct *, pst_mailbox_fn, void *, struct pst_error *);
enum pst_rc md_create(
    struct pst_acct *, const char *, const char *, struct pst_error *);
enum pst_rc md_remove(struct pst_acct *, const char *, struct pst_error *);
enum pst_rc md_remove_keep(struct pst_acct *, const char *, struct pst_error *);
enum pst_rc md_rename(
    struct pst_acct *, const char *, const char *, struct pst_error *);
/* Finishes a rename that a crash cut short. Wants acct->lock. */
enum pst_rc md_rename_finish(struct pst_acct *, struct pst_error *);
/* Calls back for each folder of the account but INBOX's. 0 or an errno. */
int md_each_folder(
    const struct pst_acct *, void (*fn)(void *arg, const char *dir), void *arg);

/* --- mailfolder.c --------------------------------------------------------- */

/* The folder of a mailbox. NOTFOUND. Wants acct->lock, as does put. */
enum pst_rc md_folder_get(struct pst_acct *, const char *dir,
    struct md_folder **folder_r, struct pst_error *);
void md_folder_put(struct md_folder *);
/* The folder is still what has its name, and so are new and cur: nobody else
 * removed or renamed them. */
bool md_folder_is_there(const struct md_folder *);

/* --- box.c ---------------------------------------------------------------- */

enum pst_rc md_box_open(
    struct pst_acct *, const char *, struct pst_box **, struct pst_error *);
void md_box_close(struct pst_box *);
enum pst_rc md_box_state(
    struct pst_box *, struct pst_box_state *, struct pst_error *);
bool md_box_is_there(struct pst_box *);
enum pst_rc md_recent(struct pst_box *, bool, uint32_t *, struct pst_error *);
enum pst_rc md_cache_get(struct pst_box *, unsigned, const uint32_t *, size_t,
    pst_cached_fn, void *, struct pst_error *);
enum pst_rc md_cache_put(struct pst_box *, unsigned, const struct pst_cached *,
    size_t, struct pst_error *);
enum pst_rc md_history(
    struct pst_box *, uint64_t *, pst_gone_fn, void *, struct pst_error *);
/* The place of `uid` in box->msg, or of the next larger one. */
size_t md_box_find(const struct pst_box *, uint32_t uid);
struct md_msg *md_box_msg(const struct pst_box *, uint32_t uid);
void md_box_row(struct pst_box *, const struct md_msg *, struct pst_row *row_r);
/* Forgets the cache: uids may stand for other messages than they did. */
void md_box_new_cache(struct pst_box *);
/* The place of `uid` in box->fix, or of the next larger one. Wants box->lock,
 * as do the four that follow. */
size_t md_box_find_fix(const struct pst_box *, uint32_t uid);
char *md_arena_add(struct md_arena *, const char *s, size_t n);
void md_arena_free(struct md_arena *);
void md_box_append(struct pst_box *, const struct md_name *, enum md_dir,
    uint64_t modseq, uint8_t pending);
/* Gives a message another name, and with it flags and keywords. */
void md_box_rename(struct pst_box *, struct md_msg *, const struct md_name *,
    enum md_dir, uint64_t modseq);
/* Takes messages out of the list by number of place, ascending; the modseq of
 * that was taken before. */
void md_box_drop(struct pst_box *, const size_t *place, size_t n);
void md_box_gone(struct pst_box *, uint32_t uid); /* for refresh() */

/* --- keyword.c ------------------------------------------------------------ */

const char *const *md_keywords(struct pst_box *);
enum pst_rc md_keyword(
    struct pst_box *, const char *, bool, unsigned *, struct pst_error *);
/* Finds or makes the keywords of `mask` of one box in another. Those that
 * there is no number for are left out. */
enum pst_rc md_keywords_map(struct pst_box *from, struct pst_box *to,
    uint64_t mask, unsigned char number_r[PST_KEYWORDS_MAX], uint64_t *mapped_r,
    struct pst_error *);

/* --- scan.c --------------------------------------------------------------- */

enum pst_rc md_load(struct pst_box *, pst_row_fn, void *, struct pst_error *);
enum pst_rc md_refresh(
    struct pst_box *, const struct pst_delta *, struct pst_error *);
/* Reads the folders and brings box->msg up to date. */
enum pst_rc md_scan(struct pst_box *, struct pst_error *);
/* The same unless it was done before. */
enum pst_rc md_scan_once(struct pst_box *, struct pst_error *);
/* The change time of new and cur. 0 or an errno. */
int md_stamps(const struct md_folder *, struct timespec stamp_r[2]);
bool md_stamps_equal(const struct timespec a[2], const struct timespec b[2]);
/* The folders are known to have had these times, read when the clock of the
 * file system stood at `tick` or later. */
void md_box_settled(struct pst_box *, const struct timespec stamp[2],
    const struct timespec *tick);
/* Calls back for each file that may be a message until it returns false. */
typedef bool (*md_file_fn)(void *arg, const char *name, enum md_dir dir);
int md_each_file(const struct md_folder *, enum md_dir, md_file_fn, void *arg);
/*
 * Looks for a message that has another name now. `key` (NULL: by uid alone) is
 * a name it had. False: it is gone.
 */
bool md_find_file(struct pst_box *, uint32_t uid, const struct md_name *key,
    char name_r[MD_NAME_MAX + 1], enum md_dir *dir_r);

/* --- ingest.c ------------------------------------------------------------- */

/* A file without a uid that can be believed. */
struct md_foreign {
	char *name;
	enum md_dir dir;
	uint32_t old_uid;
	int64_t mtime, ctime;
	uint64_t size;
};
/* Gives them uids, by their names on the disk, and adds them to the box. */
enum pst_rc md_ingest(struct pst_box *, struct md_foreign *, size_t n,
    uint64_t modseq, struct pst_error *);

/* --- stage.c -------------------------------------------------------------- */

enum pst_rc md_stage_new(
    struct pst_store *, uint64_t, struct pst_stage **, struct pst_error *);
enum pst_rc md_stage_write(
    struct pst_stage *, const void *, size_t, struct pst_error *);
enum pst_rc md_stage_sync(struct pst_stage *, struct pst_error *);
void md_stage_free(struct pst_stage *);
/* As it came, with CRLF; and of the file. */
uint64_t md_stage_size(const struct pst_stage *);
uint64_t md_stage_octets(const struct pst_stage *);
/* Puts it into a folder under `name`; with `last` it moves there. `date` is
 * set when nobody did. 0 or an errno. */
int md_stage_place(struct pst_stage *, struct pst_box *, enum md_dir,
    const char *name, int64_t date, bool last);
/* Takes it out again. */
void md_stage_unplace(struct pst_stage *, struct pst_box *, enum md_dir,
    const char *name, bool last);

/* --- commit.c ------------------------------------------------------------- */

enum pst_rc md_commit(struct pst_box *, const struct pst_append *, size_t,
    struct pst_row *, struct pst_error *);
enum pst_rc md_copy(struct pst_box *, struct pst_uids, struct pst_box *,
    pst_copied_fn, void *, struct pst_error *);
enum pst_rc md_move(struct pst_box *, struct pst_uids, struct pst_box *,
    pst_copied_fn, void *, struct pst_error *);
/* Copies a file into a folder by its content. 0 or an errno. */
int md_place_copy(struct pst_box *, int from_fd, enum md_dir, const char *name);

/* --- place.c -------------------------------------------------------------- */

enum pst_rc md_adopt(
    struct pst_box *, const struct pst_box_state *, struct pst_error *);
enum pst_rc md_place(
    struct pst_box *, const struct pst_placed *, size_t, struct pst_error *);

/* --- modify.c ------------------------------------------------------------- */

enum pst_rc md_flags(struct pst_box *, struct pst_uids,
    const struct pst_flag_change *, pst_row_fn, pst_uid_fn, void *,
    struct pst_error *);
enum pst_rc md_expunge(
    struct pst_box *, struct pst_uids, pst_uid_fn, void *, struct pst_error *);
enum pst_rc md_expunge_keep(
    struct pst_box *, struct pst_uids, pst_uid_fn, void *, struct pst_error *);
/* Puts `msg` right after its file was found to be away: false when it is gone,
 * which refresh() will tell. */
bool md_box_relocate(struct pst_box *, size_t place, struct pst_error *);
/* Removes the file of a message, whatever its name is now. 0 or an errno. */
int md_unlink_msg(struct pst_box *, size_t place, bool touched[2]);

/* --- body.c --------------------------------------------------------------- */

enum pst_rc md_body(
    struct pst_box *, uint32_t, struct pst_body *, struct pst_error *);
enum pst_rc md_ident(struct pst_box *, uint32_t, char[40], struct pst_error *);
/* Counts the LFs of a file that no CR stands before. 0 or an errno. */
int md_count_bare_lf(int fd, uint64_t *count_r);
/* The same for many files: of `size` octets at the most, read into `part`. */
enum { MD_PART = 64 * 1024 };
int md_count_bare_lf_in(int fd, uint64_t size, char *part, uint64_t *count_r);

/* --- check.c -------------------------------------------------------------- */

enum pst_rc md_check(struct pst_box *, uint32_t, uint32_t *, bool,
    pst_finding_fn, void *, struct pst_error *);

/* --- usage.c -------------------------------------------------------------- */

enum pst_rc md_usage(struct pst_acct *, struct pst_usage *, struct pst_error *);
enum pst_rc md_recount(
    struct pst_acct *, struct pst_usage *, struct pst_error *);
/* Tells of messages that came (or went: negative) by our own doing. */
void md_usage_add(struct pst_box *, int64_t messages, int64_t bytes);
void md_usage_free(struct pst_acct *);

/* --- text.c --------------------------------------------------------------- */

enum pst_rc md_text_put(struct pst_box *, uint64_t, const struct pst_text *,
    size_t, struct pst_error *);
enum pst_rc md_text_search(struct pst_box *, uint64_t, struct pst_str, bool,
    pst_text_fn, void *, struct pst_error *);
enum pst_rc md_text_tidy(
    struct pst_box *, uint64_t, struct pst_uids, struct pst_error *);
enum pst_rc md_text_state(
    struct pst_box *, uint64_t, struct pst_text_state *, struct pst_error *);
enum pst_rc md_text_drop(struct pst_box *, struct pst_error *);

/* --- watch.c -------------------------------------------------------------- */

enum md_echo { MD_ECHO_FROM, MD_ECHO_TO, MD_ECHO_CREATE, MD_ECHO_DELETE };

enum pst_rc md_watch(struct pst_box *, void *cookie, struct pst_error *);
void md_unwatch(struct pst_box *);
struct li_watcher *md_watcher_new(const struct pst_host *);
/* Announces what we are about to do ourselves; take_back when it failed. */
void md_expect(struct pst_box *, enum md_dir, enum md_echo, const char *name);
void md_unexpect(struct pst_box *, enum md_dir, enum md_echo, const char *name);
/* All that others did so far is known. True: nothing since the last call. */
bool md_watch_is_quiet(struct pst_box *);
/* From the next change on the server wants to be called again. */
void md_watch_rearm(struct pst_box *);

#endif
