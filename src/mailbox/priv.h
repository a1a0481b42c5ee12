/*
 * mailbox/priv.h - what the files of src/mailbox share and nobody else sees.
 *
 * Locks, in the order in which they may be taken together:
 *	account.acl_lock one change of the access control lists of an account,
 *			 or of the names of its mailboxes, at a time; held over
 *			 calls of the module and of the accounts' database
 *	account.names	 for reading while a mailbox is looked up and opened,
 *			 for writing while one is removed or renamed: no box is
 *			 opened by a name that goes away meanwhile
 *	mailbox.io	 one call of the module at a time on a box; may be held
 *			 over disk writes; two of them in order of address
 *	mailbox.box_lock that the box stays open during body()
 *	account.gate	 for reading around calls of the module that are given
 *			 the account, for writing while the account goes to
 *			 another storage (switch.c); a call back may come in
 *			 again
 *	account.open_lock while the module opens or closes the account
 *	fulltext.lock    the queue of mailboxes to be indexed
 *	mailstore.lock   accounts and mailboxes by name, reference counts
 *	mailbox.lock     the live picture and its views
 *	account.usage_lock, account.watch_lock
 * No lock but the first six is ever held while a module is called.
 */
#ifndef MAILBOX_PRIV_H
#define MAILBOX_PRIV_H

#include "mailbox/mailbox.h"
#include "mailbox/place.h"
#include "mailbox/seen.h"
#include "mailbox/store.h"
#include <pthread.h>
#include <stdatomic.h>

struct storage {
	const struct config_storage *cfg; /* in mailstore.cfg of the start */
	void *library;
	const struct pst_module *module;
	const struct pst_store_ops *ops;
	struct pst_store *store;
};

enum { ACCOUNT_BUCKETS = 4096 };

struct text_job;

/* See fulltext.c. */
struct fulltext {
	atomic_bool is_on, all; /* search.fulltext, search.index */
	_Atomic int64_t delay;	/* microseconds */
	_Atomic size_t most;	/* jobs, but for those that a search wants */
	pthread_mutex_t lock;	/* guards all below */
	pthread_cond_t moved;
	struct text_job *first;
	size_t jobs;
	/* What the thread works on; the account is only to be compared. */
	const struct mail_account *current;
	const struct mailbox *current_box;
	bool is_running, quit;
	pthread_t thread;
};

struct mailstore {
	struct config *start_cfg; /* storage blocks live in it */
	struct storage *storage;
	size_t storages;
	pthread_mutex_t cfg_lock; /* guards cfg */
	struct config *cfg;

	pthread_mutex_t lock;
	struct mail_account *bucket[ACCOUNT_BUCKETS];
	struct moved *moved[ACCOUNT_BUCKETS]; /* see switch.c */
	unsigned moves;			      /* how often that changed */
	struct mailbox *lru_first, *lru_last; /* unused, oldest first */
	size_t lru_count, lru_messages;

	struct fulltext fulltext;
	struct due *due; /* when upkeep has to look at which account */

	pthread_mutex_t poll_lock; /* guards the three below */
	pthread_cond_t poll_stop;
	bool polling, poll_quit;
	pthread_t poll_thread;
};

struct mail_account {
	struct mailstore *ms;
	/* Where the mail is. Changes only when it was converted, with names
	 * for writing, io of all live mailboxes, gate and open_lock. */
	struct storage *_Atomic st;
	/* By mailstore.lock: where it may be any moment now, so that who comes
	 * with a new record waits (for open_lock). */
	const struct storage *going_to;
	struct mail_account *next; /* in the bucket */
	struct mailbox *mailboxes; /* live ones */
	size_t refs;
	pthread_mutex_t open_lock; /* while the module opens or closes it */
	struct pst_acct *acct;	   /* NULL: not open (yet, or any more) */
	bool is_complete;	   /* has the mailboxes of a new account */
	bool is_watched;	   /* by the module; with open_lock */
	pthread_rwlock_t names;	   /* see above */
	pthread_rwlock_t gate;	   /* see above */
	atomic_flag converting;	   /* by one at a time */
	pthread_mutex_t usage_lock;
	bool usage_known;
	unsigned usage_moves; /* changes, that a count under way may miss */
	unsigned usage_busy;  /* changes that are under way */
	struct pst_usage usage, limit;
	pthread_mutex_t acl_lock; /* see above */
	_Atomic uint64_t acl_changes;
	_Atomic unsigned text_banned; /* it goes: nothing is indexed */
	atomic_bool on_hold; /* nothing of it may be removed for good */
	/* For upkeep.c: since it was there last. */
	_Atomic uint64_t kept_bytes;
	atomic_bool is_due;
	pthread_mutex_t watch_lock; /* see watch.c */
	struct watch *_Atomic watches;
	char id[321];
};

/* Uids by sequence number. What is below a view's count never changes, so
 * views read it without a lock while the engine appends behind. */
struct uid_array {
	_Atomic unsigned refs;
	size_t cap;
	uint32_t uid[];
};

struct keyword_table {
	_Atomic unsigned refs;
	unsigned n; /* in use */
	const char *name[PST_KEYWORDS_MAX];
	char text[];
};

enum { CHANGE_LOG = 256, GONE_LOG = 8192 };

enum { ORDERS = 4 };
struct mail_order; /* in order.c */

struct old_name {
	struct old_name *next;
	char *text;
};

struct commit; /* in append.c */

enum text_state {
	TEXT_UNKNOWN,
	TEXT_NONE, /* nobody has searched it yet */
	TEXT_KEPT,
};

/* A live mailbox. */
struct mailbox {
	struct mail_account *acct;
	/* Changed by a rename under io and mailstore.lock. The old names live
	 * as long as the mailbox: sessions may still look at them. */
	char *_Atomic name;
	struct old_name *old_names;
	/* Guarded by mailstore.lock. */
	size_t refs;
	struct mailbox *next; /* in the account */
	struct mailbox *lru_before, *lru_behind;
	bool in_lru;
	size_t lru_messages; /* as they are counted there */

	pthread_mutex_t io;
	struct pst_box *box; /* guarded by io; NULL: not open */
	/* body() runs beside other calls, so it is not under io: it holds this
	 * for reading, and who opens or closes the box for writing. */
	pthread_rwlock_t box_lock;

	pthread_mutex_t lock;
	bool loaded, watched;
	size_t pins;	     /* watches that want others' changes noticed */
	bool joint_commit;   /* messages of several come at once */
	atomic_bool dead;    /* deleted: answers NOTFOUND from now on */
	atomic_bool stirred; /* others changed something: refresh */
	bool has_gap; /* changes below state.highestmodseq are not known yet */
	struct pst_box_state state;
	struct pst_row *row;
	size_t n, cap;
	struct uid_array *uids;
	struct keyword_table *keywords;
	uint32_t recent_first;	 /* shown to nobody from here on */
	uint32_t recent_claimed; /* the same as the module knows it */
	/* Changes of flags are counted as they become known, since that need
	 * not be in order of modseq: what others did may be found late. The
	 * last ones are in the log, complete above log_from. */
	uint64_t changes;
	struct {
		uint32_t uid;
		uint64_t modseq, change;
	} log[CHANGE_LOG];
	size_t log_at, log_n;
	uint64_t log_from;
	uint64_t late;	      /* the last change that was found late */
	uint64_t late_modseq; /* the lowest modseq of such changes */
	/* The last expunges by modseq, complete above gone_from: see history.c.
	 * Grows to GONE_LOG, and is a ring from then on. */
	struct gone {
		struct pst_range uids;
		uint64_t modseq;
	} * gone;
	size_t gone_cap;
	size_t gone_at, gone_n;
	uint64_t gone_from;
	struct mailbox_view *views;
	struct mail_order *order[ORDERS]; /* the last used first */
	struct seen *seens; /* of users that have their own \Seen */

	/* The full-text index; see fulltext.c. */
	_Atomic int text_state;	    /* enum text_state */
	atomic_bool text_doubt;	    /* text_known may be wrong */
	_Atomic int64_t text_retry; /* clock_monotonic: not before */
	struct text_job *text_job;  /* in the queue; by fulltext.lock */
	/* The thread that indexes: what is in the index, of which version. */
	struct uidset text_known;
	uint64_t text_version;

	pthread_mutex_t queue_lock; /* guards the three below */
	pthread_cond_t queue_moved;
	struct commit *queue;
	bool queue_led;
};

struct mail_stage {
	struct storage *st;
	struct pst_stage *stage;
	uint64_t size;
	bool synced;
};

/* --- store.c, module.c --- */
enum pst_rc storage_load(struct storage *st, const struct config *cfg,
    const struct config_storage *block, struct pst_error *err);
void storage_unload(struct storage *st);
const struct pst_host *host_services(void);
void account_use(struct mail_account *acct, int64_t messages, int64_t bytes);
/* Around a call of the module that adds or removes messages and the
 * account_use() that follows: a count meanwhile may see them or not, and is not
 * kept. */
void account_change_begin(struct mail_account *acct);
void account_change_end(struct mail_account *acct);
/* What it holds must be counted anew. */
void account_forget_usage(struct mail_account *acct);
void account_take(struct mail_account *acct); /* one more reference */
/* Around calls of the module that are given acct->acct, where neither names nor
 * the io of an open mailbox is held. */
const struct pst_store_ops *account_enter(struct mail_account *acct);
void account_leave(struct mail_account *acct);
/* With open_lock: has the module tell of others' changes, if it can. */
void account_watch(struct mail_account *acct);
/* The storage block that a user's record names. */
struct storage *storage_for(struct mailstore *ms,
    const struct account_user *user, struct pst_error *err);
size_t account_bucket(const char *id);
/* switch.c: where a user's mail is now, whom an older record says to be in
 * `st`; NULL when that cannot be found out. */
struct storage *account_moved_to(struct mailstore *ms, struct storage *st,
    const char *id, struct pst_error *err);
void account_moves_free(struct mailstore *ms);
struct config *mailstore_config(struct mailstore *ms); /* a reference */
/* Called by a module when others changed the account; from any thread. */
void account_stirred_by_others(void *account);
/* Sessions that have mailboxes of the account open look at their rights. */
void account_wake_shared(struct mailstore *ms, const char *id);

/* --- live.c --- */
enum mailbox_depth { MAILBOX_OPEN, MAILBOX_LOADED };
/* Opens a live mailbox; let go of it with mailbox_put(). */
enum pst_rc mailbox_get(struct mail_account *acct, const char *name,
    enum mailbox_depth depth, struct mailbox **mb_r, struct pst_error *err);
void mailbox_put(struct mailbox **mb);
void mailbox_take(struct mailbox *mb); /* one more reference */
/* The live mailbox of that name, if there is one, referenced. */
struct mailbox *mailbox_find(struct mail_account *acct, const char *name);
/* All live mailboxes at or below `name`; the caller puts and frees. */
struct mailbox **mailbox_find_tree(
    struct mail_account *acct, const char *name, size_t *n_r);
/* All live mailboxes of the account. */
struct mailbox **mailbox_find_all(struct mail_account *acct, size_t *n_r);
/* Puts unused mailboxes away until `keep` are left; of one account only when
 * it is not NULL. */
void mailbox_evict(
    struct mailstore *ms, size_t keep, const struct mail_account *only);
/* The following want io held. */
enum pst_rc mailbox_load(struct mailbox *mb, struct pst_error *err);
enum pst_rc mailbox_refresh(struct mailbox *mb, struct pst_error *err);
void mailbox_close_box(struct mailbox *mb);
enum pst_rc mailbox_open_box(struct mailbox *mb, struct pst_error *err);
/* Closes the box but keeps the picture for the views. */
void mailbox_suspend_box(struct mailbox *mb);
/* Opens it again after that; dead when it cannot be opened. */
void mailbox_resume_box(struct mailbox *mb);
void mailbox_watch(struct mailbox *mb);
/* view.c: ends that when no view and no pin wants it any more. Takes io. */
void mailbox_unwatch(struct mailbox *mb);
/* New table of keywords if the module's differs. */
void mailbox_take_keywords(struct mailbox *mb);
/* Applies what this server did: rows ascending by uid. Wakes the views. */
void mailbox_apply_new(struct mailbox *mb, const struct pst_row *row, size_t n);
void mailbox_apply_changed(
    struct mailbox *mb, const struct pst_row *row, size_t n);
void mailbox_apply_gone(struct mailbox *mb, const struct uidset *gone);
/* Both at once, so that no view sees a part of it; each may be NULL. */
struct rows;
void mailbox_apply(
    struct mailbox *mb, const struct uidset *gone, const struct rows *appended);
/* change.c: removes messages; with `keep` they are kept for undelete, if that
 * is configured. Takes io itself. */
enum pst_rc mailbox_remove(
    struct mailbox *mb, struct pst_uids uids, bool keep, struct pst_error *err);
/* upkeep.c: messages came, or octets went to what is kept. Quick. */
void account_stirred(
    struct mail_account *acct, uint64_t arrived, uint64_t kept);
/* All that happened so far is about to be looked at. */
void account_settled(struct mail_account *acct);
/* undelete.c: expunged messages are to be kept. */
bool account_keeps(struct mail_account *acct);
/* append.c: one message, when as many as that go at the same time. */
enum pst_rc mail_append_instead(const struct mail_place *to,
    const struct mail_append *append, uint64_t messages, uint64_t bytes,
    struct mail_appended *result_r, struct pst_error *err);
/* Called by a module when others changed the mailbox; from any thread. */
void mailbox_stirred(void *mailbox);
/* With mailbox.lock held. */
void mailbox_wake_views(struct mailbox *mb);
struct pst_row *mailbox_row(struct mailbox *mb, uint32_t uid); /* or NULL */
/* The index of the first row whose uid is not below `uid`. */
size_t mailbox_row_from(const struct mailbox *mb, uint32_t uid);

void uid_array_drop(struct uid_array **a);
struct uid_array *uid_array_new(size_t cap);
struct uid_array *uid_array_ref(struct uid_array *a);
void keyword_table_drop(struct keyword_table **t);
struct keyword_table *keyword_table_ref(struct keyword_table *t);
/* The mask of `names`, made when they are new; io is held. */
enum pst_rc mailbox_keyword_mask(struct mailbox *mb, const char *const *names,
    size_t n, uint64_t *mask_r, struct pst_error *err);

/* Rows that a module reports, gathered. */
struct rows {
	struct pst_row *row;
	size_t n, cap;
};
void rows_add(void *rows, const struct pst_row *row); /* a pst_row_fn */
void rows_fini(struct rows *r);

/* --- body.c --- */
/*
 * Holds box_lock for reading with the box open, or fails without it. A rename
 * closes the box for a moment: messages are not gone then, so that is waited
 * for. Not with io held.
 */
enum pst_rc mailbox_hold_box(struct mailbox *mb, struct pst_error *err);
enum pst_rc mailbox_body(struct mailbox *mb, uint32_t uid,
    struct pst_body *body_r, struct pst_error *err);

/* --- fulltext.c --- */
void fulltext_init(struct mailstore *ms, const struct config *cfg);
void fulltext_configure(struct mailstore *ms, const struct config *cfg);
void fulltext_stop(struct mailstore *ms);
/* There may be messages that are not indexed. Quick; without mailbox.lock. */
void fulltext_stir(struct mailbox *mb);
/* Waits until nothing of the account is referred to any more, and sees to it
 * that this stays so until unban. */
void fulltext_ban(struct mail_account *acct);
void fulltext_unban(struct mail_account *acct);

/* --- history.c; with mailbox.lock held where nothing else is said --- */
/* Takes what the module remembers of the time before; wants io, not lock. */
void history_recall(struct mailbox *mb);
/* Nothing is known of expunges up to `modseq`. */
void history_begin(struct mailbox *mb, uint64_t modseq);
void history_note(
    struct mailbox *mb, const struct uidset *gone, uint64_t modseq);

/* --- seen_live.c: a user's own \Seen of a live mailbox --- */
struct seen;
/* The one that all sessions of `user` share; with io held. */
enum pst_rc seen_get(struct mailbox *mb, struct mail_account *user,
    struct seen **seen_r, struct pst_error *err);
void seen_put(struct mailbox *mb, struct seen **seen);
/* Sets or takes \Seen of those of `uids` that are there and have another, on
 * the disk too; wakes the views. With io held. */
enum pst_rc seen_store(struct mailbox *mb, struct seen *seen,
    struct pst_uids uids, bool on, struct pst_error *err);
/* With mailbox.lock held. */
struct seen_set *seen_set_of(struct seen *seen);

/* --- change_shared.c: what rights and a private \Seen change --- */
/* STORE to a view with not all rights or a \Seen of its own. With io held. */
enum pst_rc store_shared(struct mailbox_view *v, struct pst_uids uids,
    const struct view_store *change, struct uidset *conflict_r,
    struct pst_error *err);
/* Copies that came into `to` get the flags that the user may give them; rows
 * are changed to what they are then. With io held, before they are applied.
 * `from`: the view that they were copied from. *seen_r: for settle_seen(), once
 * they are applied. */
struct rows;
void settle_copies(struct mailbox_view *from, struct mailbox *to,
    const struct mail_place *place, const struct view_copied *copied,
    struct rows *arrived, struct uidset *seen_r);
/* The user has seen these; with io held. */
void settle_seen(struct mailbox *to, const struct mail_place *place,
    const struct uidset *uids);

/* --- change.c --- */
/* READONLY; DENIED without the rights for MOVE and REPLACE. */
enum pst_rc check_removable(
    const struct mailbox_view *v, struct pst_error *err);
/* One call of the module, applied; with io held. */
enum pst_rc change_flags(struct mailbox_view *v, struct pst_uids uids,
    const struct pst_flag_change *flags, bool silent, struct uidset *conflict_r,
    struct pst_error *err);

/* --- watch.c --- */
/* News for all watches of the account; see watch.h. `own`: who does it may have
 * muted its watch. Any lock may be held. */
void watch_tell(struct mail_account *acct, const char *mailbox, unsigned kinds,
    const char *other, bool own);
/* --- order.c --- */
void mail_order_drop(struct mail_order **o);
void mailbox_forget_orders(struct mailbox *mb); /* with mailbox.lock held */

/* --- view.c --- */
struct silent_change {
	uint32_t uid;
	uint64_t modseq;
};

struct mailbox_view {
	struct mailbox *mb;
	struct mailbox_view *next; /* guarded by mb->lock */
	struct net_handle wake;
	bool has_wake, read_only;
	bool claims; /* \Recent; not what is another user's */
	struct uid_array *uids;
	uint32_t count;
	uint64_t changes;     /* the mailbox's when it was in step */
	uint64_t modseq;      /* changes up to this were reported */
	uint64_t safe_modseq; /* and expunges, too */
	struct keyword_table *keywords;
	bool keywords_new; /* not told to the session yet */
	struct uidset recent;
	/* Own silent changes: not to be reported. Ascending by uid. */
	struct silent_change *silent;
	size_t silent_n, silent_cap;
	unsigned rights; /* enum acl_right */
	/* For mailboxes of others: */
	bool is_shared;
	char *prefix;	    /* of the name, with a '/' in the end */
	char *shown;	    /* the whole name, as last told */
	uint64_t rights_at; /* account.acl_changes */
	struct seen *seen;  /* NULL: \Seen is as for all */
	uint64_t seen_at;   /* its changes that were told */
	/* Those from one number to another are silent ones of this view. */
	uint64_t seen_silent_from, seen_silent_to;
	uint64_t told_modseq; /* instead of safe_modseq */
};
/* `row` as this view shows it. With mailbox.lock held. */
void view_show(const struct mailbox_view *v, struct pst_row *row);
/* A change of `row`, as it is now, is still to be told to this view. With
 * mailbox.lock held. */
bool view_will_tell(const struct mailbox_view *v, const struct pst_row *row);

#endif
