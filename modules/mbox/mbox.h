/*
 * mbox.h - the structures that the files of this module share.
 *
 * Locks, outermost first: store->lock (table of accounts), acct->lock (names,
 * account files, table of folders), folder->base.lock (state file, sums),
 * box->content (reading messages beside changing the file in place), box->lock
 * (list of messages, for body() and ident() beside other calls), the watcher's
 * lock. Who needs two takes them in this order. The lock of the file against
 * other programs (lock.h) is taken by calls on the box alone, which never
 * overlap. No call back to the server is made with one of the threads' locks
 * held.
 */
#ifndef MBOX_MBOX_H
#define MBOX_MBOX_H

#include "form.h"
#include "from.h"
#include "index.h"
#include "localindex/account.h"
#include "localindex/cache.h"
#include "localindex/mailstate.h"
#include "localindex/memory.h"
#include "localindex/root.h"
#include "localindex/stage.h"
#include "localindex/watcher.h"
#include "lock.h"
#include "path.h"

#include <postern/module.h>
#include <pthread.h>

#define MB_UIDS_FILE "postern.uids"
#define MB_REDO_FILE "postern.redo"
#define MB_OWN_FOLDER ".postern"
#define MB_RENAME_FILE "postern.rename"
#define MB_TRASH_PREFIX "postern.trash-"
#define MB_SPECIAL_USE "/private/specialuse"

enum {
	MB_CHUNK = 256 * 1024,	   /* octets written at once */
	MB_STAGE_MEMORY = 1 << 20, /* octets of a new message kept in memory */
	MB_BODY_MEMORY = 1 << 20,  /* the same for one that is read */
};

struct mb_watched;

struct pst_store {
	const struct pst_host *host;
	bool fsync;
	struct mb_lock_how how;
	struct li_watcher *watcher;

	pthread_mutex_t lock; /* guards accounts and root.uidvalidity */
	struct li_root root;
	struct pst_acct *accounts;
};

/* What a mailbox held when its file looked so; see usage.c. */
struct mb_sum {
	char *path;
	struct mb_stamp stamp;
	uint64_t messages, bytes;
	bool is_present; /* seen in this round */
};

struct pst_acct {
	struct pst_store *store;
	struct pst_acct *next;
	char *id;
	unsigned users; /* guarded by store->lock, like next */

	pthread_mutex_t lock;
	bool is_open;
	int fd;	    /* of ROOT/domain/user */
	int own_fd; /* of .postern in it */
	char *path; /* "domain/user" */
	bool swept; /* left-overs were looked for */
	struct li_account files;
	struct mb_folder *folders; /* those in use */

	pthread_mutex_t sums_lock;
	struct mb_sum *sums;
	size_t sum_count, sum_cap;
};

/* What we know of a mailbox, shared by box and account calls. */
struct mb_folder {
	struct li_mailstate base; /* first; its folder is .postern-B */
	struct pst_acct *acct;
	struct mb_folder *next; /* these guarded by acct->lock */
	unsigned users;
	char *path; /* "A.sbd/B", below the account's folder */
};

enum { MB_PEND_NEW = 1, MB_PEND_CHANGED = 2 };

struct pst_box {
	struct pst_acct *acct;
	struct mb_folder *folder;

	/* Read by who reads a message, written by who changes what is in the
	 * file already, or opens another in its place. */
	pthread_rwlock_t content;
	int fd; /* of the file */

	/* Guards what body() and ident() read; the others never overlap. */
	pthread_mutex_t lock;
	struct mb_msg *msg; /* ascending by uid */
	size_t n, cap;
	bool is_listed;	       /* msg is there */
	struct mb_stamp stamp; /* of the file when msg was right */
	char tag[MB_TAG + 1];

	struct mb_held held;  /* the lock against other programs */
	bool is_recalled;     /* the index was looked at */
	bool is_begun;	      /* left-overs of a crash were looked for */
	bool must_redo;	      /* a rewrite was cut short */
	bool must_scan;	      /* the stamp tells nothing */
	bool is_indexed;      /* the index file is as msg */
	bool is_adopting;     /* the state is new: the file may tell it */
	bool is_foreign_base; /* another server's: uids without our field count
			       */
	uint64_t base_at; /* where the first message tells uidlast; 0: not */
	uint64_t begin;	  /* where the first message begins */
	uint32_t scanned_uidnext; /* all below it are in msg, or gone */
	size_t unrecorded;	  /* messages whose uid is not in the file */
	/* Messages and their octets, also without the list once there was a
	 * mb_begin(). */
	uint64_t count, bytes;

	bool is_loaded;	 /* load() was called */
	bool is_pending; /* refresh() has something to tell */
	bool is_behind;	 /* others' messages came before our last ones */
	uint32_t *gone;	 /* uids that refresh() has to tell */
	size_t gone_count, gone_cap;
	uint64_t opened_modseq; /* highest one when it was opened */
	struct mb_watched *watched;
	struct li_cache *cache;
	struct li_history history; /* once it is listed */
	bool has_history;
	uint64_t memory_modseq; /* the file of memory.h holds for; 0: none */
	const char *keyword[PST_KEYWORDS_MAX]; /* what keywords() shows */
	char *old_keyword[PST_KEYWORDS_MAX];   /* replaced, still shown */
};

struct pst_stage {
	struct pst_store *store;
	struct li_stage in;
	bool is_ended;
};

/* --- store.c -------------------------------------------------------------- */

/* Fails with the result that stands for an errno. */
enum pst_rc mb_fail(struct pst_error *err, int e, const char *fmt, ...)
    PST_PRINTF(3, 4);
/* The same for what concerns messages: TEMP unless the disk is full. */
enum pst_rc mb_fail_io(
    struct pst_error *err, int e, const struct pst_box *b, const char *what);
int64_t mb_now(const struct pst_store *s); /* seconds */
/* fsync(2) or fdatasync(2) unless it is configured away. 0 or an errno. */
int mb_sync_file(const struct pst_store *s, int fd);
int mb_sync_data(const struct pst_store *s, int fd);
enum li_sync mb_sync_kind(const struct pst_store *s, enum li_sync wanted);

/* --- account.c ------------------------------------------------------------ */

enum pst_rc mb_acct_open(struct pst_store *, const char *, struct pst_acct **,
    bool *, struct pst_error *);
void mb_acct_close(struct pst_acct *);
enum pst_rc mb_acct_remove(
    struct pst_store *, const char *, struct pst_error *);
bool mb_acct_exists(struct pst_store *, const char *);
enum pst_rc mb_subscribe(
    struct pst_acct *, const char *, bool, struct pst_error *);
enum pst_rc mb_meta_get(struct pst_acct *, const char *, const char *,
    pst_value_fn, void *, struct pst_error *);
enum pst_rc mb_meta_set(struct pst_acct *, const char *, const char *,
    struct pst_str, struct pst_error *);

/* --- tree.c --------------------------------------------------------------- */

enum pst_rc mb_list(
    struct pst_acct *, pst_mailbox_fn, void *, struct pst_error *);
enum pst_rc mb_create(
    struct pst_acct *, const char *, const char *, struct pst_error *);
enum pst_rc mb_remove(struct pst_acct *, const char *, struct pst_error *);
enum pst_rc mb_rename(
    struct pst_acct *, const char *, const char *, struct pst_error *);
/* Finishes a rename that a crash cut short. Wants acct->lock. */
enum pst_rc mb_rename_finish(struct pst_acct *, struct pst_error *);
/* Calls back for each mailbox with its path and name, INBOX included. 0 or an
 * errno. */
typedef void (*mb_mailbox_fn)(void *arg, const char *path, const char *name);
int mb_each_mailbox(const struct pst_acct *, mb_mailbox_fn fn, void *arg);
/* Opens the folder that a path is in; *name_r is what is left of the path. -1
 * and errno. */
int mb_open_parent(
    const struct pst_acct *, const char *path, const char **name_r);
/* Another mailbox of the account has this object id. */
bool mb_has_objectid(
    struct pst_acct *, const char *objectid, const struct mb_folder *but);

/* --- folder.c ------------------------------------------------------------- */

/* The folder of a mailbox. NOTFOUND. Wants acct->lock, as does put. */
enum pst_rc mb_folder_get(struct pst_acct *, const char *path,
    struct mb_folder **folder_r, struct pst_error *);
void mb_folder_put(struct mb_folder *);
/* Our folder is still what has its name, and the file is there. */
bool mb_folder_is_there(const struct mb_folder *);

/* --- box.c ---------------------------------------------------------------- */

enum pst_rc mb_box_open(
    struct pst_acct *, const char *, struct pst_box **, struct pst_error *);
void mb_box_close(struct pst_box *);
enum pst_rc mb_box_state(
    struct pst_box *, struct pst_box_state *, struct pst_error *);
bool mb_box_is_there(struct pst_box *);
bool mb_box_is_behind(struct pst_box *);
enum pst_rc mb_recent(struct pst_box *, bool, uint32_t *, struct pst_error *);
enum pst_rc mb_cache_get(struct pst_box *, unsigned, const uint32_t *, size_t,
    pst_cached_fn, void *, struct pst_error *);
enum pst_rc mb_cache_put(struct pst_box *, unsigned, const struct pst_cached *,
    size_t, struct pst_error *);
enum pst_rc mb_history(
    struct pst_box *, uint64_t *, pst_gone_fn, void *, struct pst_error *);
/* The place of `uid` in box->msg, or of the next larger one. */
size_t mb_box_find(const struct pst_box *, uint32_t uid);
void mb_box_row(const struct mb_msg *, struct pst_row *row_r);
/* Takes messages out of the list where drop[place]; the modseq of that was
 * taken before. */
void mb_box_drop(struct pst_box *, const bool *drop);
void mb_box_gone(struct pst_box *, uint32_t uid); /* for refresh() */
/* The file is as we left it: takes its stamp. */
void mb_box_settled(struct pst_box *);
/* The file is about to be changed elsewhere than at its end: the index on the
 * disk is none any more that a look at the file's stamp, or here and there at
 * its messages, makes right. */
void mb_box_outdate(struct pst_box *);
/* Counts the messages of the list. */
void mb_box_count(struct pst_box *);

/* --- keyword.c ------------------------------------------------------------ */

const char *const *mb_keywords(struct pst_box *);
enum pst_rc mb_keyword(
    struct pst_box *, const char *, bool, unsigned *, struct pst_error *);
/* Names of a mask with spaces between; appended. */
void mb_keywords_print(struct mb_folder *, uint64_t mask, struct li_buf *out);
/* The mask of names; those that are new get numbers. */
enum pst_rc mb_keywords_read(struct pst_box *, struct pst_str names,
    uint64_t *mask_r, struct pst_error *);

/* --- sync.c --------------------------------------------------------------- */

/*
 * Locks the file against other programs, finishes what a crash cut short, and
 * with `list` brings box->msg up to date with what is in the file; without,
 * only as far as is needed to append. On an error it is not locked.
 */
enum pst_rc mb_begin(struct pst_box *, bool list, struct pst_error *);
void mb_end(struct pst_box *);
/* Brings box->msg up to date unless it is; does not keep a lock. */
enum pst_rc mb_catch_up(struct pst_box *, struct pst_error *);
enum pst_rc mb_load(struct pst_box *, pst_row_fn, void *, struct pst_error *);
enum pst_rc mb_refresh(
    struct pst_box *, const struct pst_delta *, struct pst_error *);

/* --- scan.c --------------------------------------------------------------- */

/* What a pass over the file found of one message. */
struct mb_found {
	struct mb_msg msg; /* uid: as the file tells it, or 0 */
	bool has_own;	   /* it has our field, of this mailbox or another */
	/* Of the mailbox that gave the uid; "": none did, or it was changed
	 * since. */
	char tag[MB_TAG + 1];
	bool is_twin; /* another one tells the same uid, and has it */
};

struct mb_pass {
	struct mb_found *found; /* in the order of the file */
	size_t n, cap;
	uint64_t begin;	  /* where the first message begins, or would */
	uint64_t end;	  /* what follows is torn */
	uint64_t base_at; /* as in struct pst_box */
	uint32_t uidvalidity, uidlast; /* X-IMAPbase, or X-IMAP */
	char objectid[40];
	bool has_preamble; /* what is before `begin` is no message */
};

/*
 * Reads the messages from `start` to the end of the file. Without a box (NULL)
 * keywords are not looked at. Free pass_r->found in any case.
 */
enum pst_rc mb_pass(struct pst_box *, int fd, uint64_t start, uint64_t size,
    struct mb_pass *pass_r, struct pst_error *);
/* Sets the `id` of a message by its ident. */
void mb_ident_numbers(const char *ident, struct mb_msg *m);
/* One message at a known place; false: there is none. */
bool mb_look_at(int fd, const struct mb_msg *m, struct mb_found *found_r);

/* --- merge.c -------------------------------------------------------------- */

/* Brings box->msg up to date with all that a pass found, or with what it found
 * behind them (`is_tail`). */
enum pst_rc mb_merge(
    struct pst_box *, struct mb_pass *, bool is_tail, struct pst_error *);

/* --- uids.c --------------------------------------------------------------- */

/* A message whose uid the file does not tell. */
struct mb_uid {
	uint32_t uid;
	uint64_t id[2];
	int64_t save_date;
};
/* Notes some, durably, before they are shown. 0 or an errno. */
int mb_uids_add(struct pst_box *, const struct mb_uid *, size_t n);
/* What was noted; ascending by uid. */
void mb_uids_read(struct pst_box *, struct mb_uid **list_r, size_t *n_r);
void mb_uids_drop(struct pst_box *);

/* --- rewrite.c ------------------------------------------------------------ */

/*
 * Writes the file again from `start` on, where a message begins: as box->msg
 * tells its flags, without those for which drop[place] (may be NULL). The list
 * then has the new places; the dropped are still in it. Wants mb_begin().
 */
enum pst_rc mb_rewrite(
    struct pst_box *, uint64_t start, const bool *drop, struct pst_error *);
/* Finishes one that a crash cut short. Wants the lock of the file. */
enum pst_rc mb_redo(struct pst_box *, struct pst_error *);
/* Tells the message its flags, in their place; `text` is for working. False:
 * there is no room, or it is not that message. */
bool mb_write_fixed(
    struct pst_box *, const struct mb_msg *m, struct li_buf *text);
/* Overwrites a message where it stands, with what is none. False: it is too
 * short for that, or the disk fails. */
bool mb_blot_out(struct pst_box *, const struct mb_msg *m);
/* Tells the first message the highest uid, in its place. */
void mb_write_uidlast(struct pst_box *, uint32_t uidlast);

/* --- stage.c, append.c ------------------------------------------------------
 */

enum pst_rc mb_stage_new(
    struct pst_store *, uint64_t, struct pst_stage **, struct pst_error *);
enum pst_rc mb_stage_write(
    struct pst_stage *, const void *, size_t, struct pst_error *);
enum pst_rc mb_stage_sync(struct pst_stage *, struct pst_error *);
void mb_stage_free(struct pst_stage *);
enum pst_rc mb_commit(struct pst_box *, const struct pst_append *, size_t,
    struct pst_row *, struct pst_error *);

/* Messages on their way to the end of a file; all or none of them come. */
struct mb_appending {
	struct pst_box *box;
	uint64_t start, at; /* in the file */
	struct li_buf text; /* not written yet */
	uint64_t base_at;   /* as in struct pst_box, when it is new */
	struct mb_msg *msg;
	size_t n, cap;
};
/* Wants mb_begin(). */
enum pst_rc mb_append_begin(
    struct mb_appending *, struct pst_box *, struct pst_error *);
/* `row`: uid, flags, keywords, dates; `ident`: "": a new one. */
enum pst_rc mb_append_one(struct mb_appending *, struct li_stage *,
    const struct pst_row *row, const char *ident, struct pst_error *);
/* Makes them durable and adds them to the list; or takes all back. */
enum pst_rc mb_append_end(struct mb_appending *, struct pst_error *);
void mb_append_undo(struct mb_appending *);

/* --- copy.c --------------------------------------------------------------- */

enum pst_rc mb_copy(struct pst_box *, struct pst_uids, struct pst_box *,
    pst_copied_fn, void *, struct pst_error *);
enum pst_rc mb_move(struct pst_box *, struct pst_uids, struct pst_box *,
    pst_copied_fn, void *, struct pst_error *);

/* --- modify.c ------------------------------------------------------------- */

enum pst_rc mb_flags(struct pst_box *, struct pst_uids,
    const struct pst_flag_change *, pst_row_fn, pst_uid_fn, void *,
    struct pst_error *);
enum pst_rc mb_expunge(
    struct pst_box *, struct pst_uids, pst_uid_fn, void *, struct pst_error *);
/* Takes out those for which drop[place]: of the file, then of the list. Wants
 * mb_begin(). */
enum pst_rc mb_take_out(struct pst_box *, const bool *drop, struct pst_error *);

/* --- place.c -------------------------------------------------------------- */

enum pst_rc mb_adopt(
    struct pst_box *, const struct pst_box_state *, struct pst_error *);
enum pst_rc mb_place(
    struct pst_box *, const struct pst_placed *, size_t, struct pst_error *);

/* --- body.c --------------------------------------------------------------- */

enum pst_rc mb_body(
    struct pst_box *, uint32_t, struct pst_body *, struct pst_error *);
enum pst_rc mb_ident(struct pst_box *, uint32_t, char[40], struct pst_error *);
/* The content as a client sees it; 0 or an errno. ESTALE: it is not there. */
int mb_read_message(struct pst_box *, const struct mb_msg *, mb_sink_fn sink,
    void *arg, char ident_r[40]);

/* --- check.c -------------------------------------------------------------- */

enum pst_rc mb_check(struct pst_box *, uint32_t, uint32_t *, bool,
    pst_finding_fn, void *, struct pst_error *);

/* --- usage.c -------------------------------------------------------------- */

enum pst_rc mb_usage(struct pst_acct *, struct pst_usage *, struct pst_error *);
enum pst_rc mb_recount(
    struct pst_acct *, struct pst_usage *, struct pst_error *);
/* What a mailbox holds now. */
void mb_usage_set(struct pst_box *);
void mb_usage_free(struct pst_acct *);

/* --- text.c --------------------------------------------------------------- */

enum pst_rc mb_text_put(struct pst_box *, uint64_t, const struct pst_text *,
    size_t, struct pst_error *);
enum pst_rc mb_text_search(struct pst_box *, uint64_t, struct pst_str, bool,
    pst_text_fn, void *, struct pst_error *);
enum pst_rc mb_text_tidy(
    struct pst_box *, uint64_t, struct pst_uids, struct pst_error *);
enum pst_rc mb_text_state(
    struct pst_box *, uint64_t, struct pst_text_state *, struct pst_error *);
enum pst_rc mb_text_drop(struct pst_box *, struct pst_error *);

/* --- watch.c -------------------------------------------------------------- */

enum pst_rc mb_watch(struct pst_box *, void *cookie, struct pst_error *);
void mb_unwatch(struct pst_box *);
struct li_watcher *mb_watcher_new(const struct pst_host *);
/* The file in the box's place is another one now. */
void mb_watch_again(struct pst_box *);
/* From the next change on the server wants to be called again. */
void mb_watch_rearm(struct pst_box *);

#endif
