/*
 * mailbox/mailbox.h - mailboxes by name, and the live picture of an open one.
 *
 * All sessions that have the same mailbox open share one live mailbox. Each
 * has a view: the messages as the session knows them, numbered from 1 in order
 * of uid, which changes only when the session calls view_sync(). Changes by
 * anybody are applied once to the live mailbox; then the connections of its
 * views are woken.
 *
 * Names:   UTF-8 in NFC, levels separated by '/'. mailbox_name_ok() checks what
 *          comes from a client; INBOX is matched without case and its spelling
 *          corrected by mailbox_name_clean().
 * Threads: functions that take a view belong to the thread that runs its
 *          session; all else from any thread. Every call may block on the disk
 *          but those marked "quick".
 */
#ifndef MAILBOX_MAILBOX_H
#define MAILBOX_MAILBOX_H

#include "base/uidset.h"
#include "mailbox/store.h"
#include "message/message.h"
#include "net/net.h"

/* --- names ---------------------------------------------------------------- */

/* Makes the form that all other functions take: NFC, INBOX spelt so, also as
 * the first level. SYNTAX: not UTF-8, control characters, empty levels; LIMIT:
 * longer than 1000 octets or 32 levels. */
enum pst_rc mailbox_name_clean(struct pst_str name, struct buf *out);

/* In the order of the storage: parents before children. */
enum pst_rc mailbox_each(struct mail_account *acct, pst_mailbox_fn fn,
    void *arg, struct pst_error *err);
/* The names of the mailboxes that exist, for work on one after the other: by
 * then some may be gone. To be freed also after an error. */
struct mailbox_names {
	char **v;
	size_t n, cap;
};
enum pst_rc mailbox_names(struct mail_account *acct,
    struct mailbox_names *names_r, struct pst_error *err);
void mailbox_names_fini(struct mailbox_names *names);
enum pst_rc mailbox_create(struct mail_account *acct, const char *name,
    const char *special_use, struct pst_error *err);
/* DENIED for INBOX. Sessions that have it open see that it is gone:
 * view_is_dead(). */
enum pst_rc mailbox_delete(
    struct mail_account *acct, const char *name, struct pst_error *err);
/* With children; for INBOX its messages move into a new mailbox and INBOX stays
 * (RFC 3501, 6.3.5). */
enum pst_rc mailbox_rename(struct mail_account *acct, const char *from,
    const char *to, struct pst_error *err);
enum pst_rc mailbox_subscribe(struct mail_account *acct, const char *name,
    bool subscribed, struct pst_error *err);

/* Small texts kept with a mailbox, or with the account when `name` is NULL; see
 * meta_get() in postern/store.h. */
enum pst_rc mailbox_meta_get(struct mail_account *acct, const char *name,
    const char *prefix, pst_value_fn fn, void *arg, struct pst_error *err);
/* {NULL, 0} removes. Nobody is told, but by watch_tell_text(): for texts that
 * are no METADATA. */
enum pst_rc mailbox_meta_set(struct mail_account *acct, const char *name,
    const char *key, struct pst_str value, struct pst_error *err);

struct mailbox_status {
	struct pst_box_state state;
	uint32_t messages, recent, unseen, deleted;
	uint64_t size, deleted_size;
	uint64_t append_limit; /* octets of one message, by APPEND */
};
enum pst_rc mailbox_status(struct mail_account *acct, const char *name,
    struct mailbox_status *status_r, struct pst_error *err);
struct mail_place; /* mailbox/place.h */
enum pst_rc mailbox_status_at(const struct mail_place *place,
    struct mailbox_status *status_r, struct pst_error *err);

/* --- a session's view ------------------------------------------------------
 */

struct mailbox_view;

/*
 * Opens a mailbox of one's own. `read_only`: EXAMINE; nothing is changed,
 * \Recent is not claimed. `wake`: the connection that is woken by changes
 * (NULL: none).
 */
enum pst_rc view_open(struct mail_account *acct, const char *name,
    bool read_only, const struct net_handle *wake, struct mailbox_view **view_r,
    struct pst_error *err);
/* From now on the session may change messages of a view that was opened for
 * reading only. \Recent is still not claimed, as long as it does not call
 * view_sync(). */
void view_allow_changes(struct mailbox_view *v);
void view_close(struct mailbox_view **v);
bool view_is_read_only(const struct mailbox_view *v);
bool view_is_dead(const struct mailbox_view *v); /* deleted or renamed */
/* As the session names it. */
const char *view_name(struct mailbox_view *v);
struct mail_account *view_account(const struct mailbox_view *v);
unsigned view_rights(const struct mailbox_view *v); /* enum acl_right */
/* \Seen is this user's alone. */
bool view_has_own_seen(const struct mailbox_view *v);

/* Quick. Sequence numbers are 1 to view_count(); uids ascend with them. */
uint32_t view_count(const struct mailbox_view *v);
uint32_t view_recent(const struct mailbox_view *v); /* how many */
bool view_is_recent(const struct mailbox_view *v, uint32_t uid);
uint32_t view_uid(const struct mailbox_view *v, uint32_t seq);
uint32_t view_seq(const struct mailbox_view *v, uint32_t uid); /* 0: none */
/* The first sequence number whose uid is >= `uid`; count + 1: none. */
uint32_t view_seq_from(const struct mailbox_view *v, uint32_t uid);
void view_state(struct mailbox_view *v, struct pst_box_state *state_r);
/* Everything up to this modseq was reported by view_sync(); less than
 * highestmodseq while expunges are kept back (RFC 7162, 3.2). */
uint64_t view_modseq(const struct mailbox_view *v);
/* The last view_sync() kept expunges back, and reported later changes. */
bool view_keeps_expunges(const struct mailbox_view *v);
/* The first message without \Seen; 0: none. */
uint32_t view_first_unseen(struct mailbox_view *v);

/*
 * Quick. Copies the present rows of `n` messages from number `seq` on. The row
 * of a message that is expunged but still has its number has uid 0.
 */
void view_rows(
    struct mailbox_view *v, uint32_t seq, size_t n, struct pst_row *rows_r);
/* The same for some numbers. */
void view_rows_of(struct mailbox_view *v, const uint32_t *seq, size_t n,
    struct pst_row *rows_r);

/*
 * Quick. The first number from `seq` on whose message has a modseq above
 * `since`, or is expunged; 0: there is none.
 */
uint32_t view_next_changed(
    struct mailbox_view *v, uint32_t seq, uint64_t since);

/*
 * The keyword names by number, NULL for free ones; valid until the next
 * view_sync(), view_store() or view_close() of this view.
 */
const char *const *view_keywords(struct mailbox_view *v);
/* No keyword can be made any more: PERMANENTFLAGS without \*. */
bool view_keywords_full(struct mailbox_view *v);

/* What view_sync() reports, in this order. */
struct view_events {
	void *arg;
	/* The number that the message has at this moment (RFC 3501, 7.4.1);
	 * its uid for those who want it. */
	void (*expunged)(void *arg, uint32_t seq, uint32_t uid);
	void (*keywords)(void *arg); /* there are new ones: FLAGS */
	void (*exists)(void *arg, uint32_t count, uint32_t recent);
	void (*changed)(void *arg, uint32_t seq, const struct pst_row *row);
};
/*
 * Brings the view up to date and reports what happened. Without
 * `expunges` numbers keep their meaning (RFC 3501, 7.4.1: not during FETCH,
 * STORE, SEARCH): expunged messages then stay in the view for now. Looks for
 * changes by other programs when the storage has announced some. Cheap when
 * nothing happened.
 */
enum pst_rc view_sync(struct mailbox_view *v, bool expunges,
    const struct view_events *events, struct pst_error *err);
/* Quick: view_sync() would report something. For the woken connection. */
bool view_is_behind(struct mailbox_view *v);
/* Asks the storage for changes by other programs even if none are announced
 * (NOOP, CHECK); call before view_sync(). */
enum pst_rc view_refresh(struct mailbox_view *v, struct pst_error *err);

/* --- messages ---------------------------------------------------------------
 */

/*
 * Those of `known` that were expunged with a modseq above `since` (RFC 7162,
 * 3.2.6). Where nobody remembers that far, all that are not in the view and
 * below UIDNEXT.
 */
void view_vanished(struct mailbox_view *v, struct pst_uids known,
    uint64_t since, struct uidset *vanished_r);

/* An id of the content that survives copy and move (RFC 8474, 5.1), made of
 * [A-Za-z0-9_-]. */
enum { VIEW_IDENT = 64 };
enum pst_rc view_ident(struct mailbox_view *v, uint32_t uid,
    char id_r[VIEW_IDENT], struct pst_error *err);

/*
 * What was worked out from a message and need not be again. A kind belongs to
 * those who write it; when its form changes, it gets a new number. What was put
 * may be gone at any time, and what is got is what was put.
 */
enum mail_cache {
	MAIL_CACHE_ENVELOPE, /* these four as FETCH writes them */
	MAIL_CACHE_BODYSTRUCTURE,
	MAIL_CACHE_BODY,
	MAIL_CACHE_PREVIEW,
	MAIL_CACHE_FIELDS,  /* header fields that clients ask for */
	MAIL_CACHE_FACTS,   /* for searching, sorting and threading */
	MAIL_CACHE_CATALOG, /* id and thread: catalog.h */
	MAIL_CACHE_LISTING, /* what JMAP shows in lists */
};
/* Reports what there is for ascending uids. Both never fail: what cannot be
 * read is not there, what cannot be written is worked out again. */
void view_cache_get(struct mailbox_view *v, enum mail_cache kind,
    const uint32_t *uids, size_t n, pst_cached_fn fn, void *arg);
void view_cache_put(struct mailbox_view *v, enum mail_cache kind,
    const struct pst_cached *values, size_t n);
bool view_has_cache(const struct mailbox_view *v);

/*
 * Orders that sessions put all messages in, by what never changes of a message;
 * `key` says what that is. keep() wants the numbers of all messages of the view
 * in order. apply() puts some numbers, which ascend, in an order that was kept;
 * false: there is none, or not of all these messages.
 */
void view_order_keep(
    struct mailbox_view *v, const char *key, const uint32_t *seq);
bool view_order_apply(struct mailbox_view *v, const char *key,
    const uint32_t *seq, size_t n, uint32_t *seq_r);
/* The same for what holds only while the mailbox has just these messages, such
 * as threads. The meaning of the values is the caller's, who frees the copy;
 * NULL: there is none. */
void view_threads_keep(struct mailbox_view *v, const char *key,
    const uint32_t *value, size_t length);
uint32_t *view_threads_copy(
    struct mailbox_view *v, const char *key, size_t *length_r);

enum pst_rc view_body(struct mailbox_view *v, uint32_t uid,
    struct pst_body *body_r, struct pst_error *err);
/* Copies `n` octets at `offset` of the message to `p`. TEMP when it is shorter
 * than that or cannot be read. */
enum pst_rc mail_body_read(const struct pst_body *body, uint64_t offset,
    void *p, size_t n, struct pst_error *err);
/* Reads and parses it whole, or only its header. The caller frees. */
enum pst_rc mail_body_parse(const struct pst_body *body,
    const struct msg_limits *limits, bool headers_only, struct msg **msg_r,
    struct pst_error *err);

struct view_store {
	enum pst_flag_op op;
	uint32_t flags;
	const char *const *keywords; /* names; new ones are made */
	size_t keyword_count;
	uint64_t unchanged_since; /* UINT64_MAX: none */
	bool silent;		  /* do not report these changes back to me */
};
/* Changes flags of messages of the view. `conflict_r` (may be NULL) gets those
 * that unchanged_since kept back. The next view_sync() reports the changes.
 * READONLY, LIMIT. */
enum pst_rc view_store(struct mailbox_view *v, struct pst_uids uids,
    const struct view_store *change, struct uidset *conflict_r,
    struct pst_error *err);

/* Pairs of uids in ascending order of source; for COPYUID. */
struct view_copied {
	uint32_t uidvalidity;
	struct uidset source; /* ascending */
	uint32_t *copy;	      /* in the order of the source uids */
	size_t n, cap;
};
void view_copied_fini(struct view_copied *c);
/* Copies to a mailbox of `to_acct`, or moves. NOTFOUND: there is none of that
 * name ([TRYCREATE]); QUOTA, NOSPACE, READONLY. */
enum pst_rc view_copy(struct mailbox_view *v, struct pst_uids uids,
    struct mail_account *to_acct, const char *to, bool move,
    struct view_copied *copied_r, struct pst_error *err);
/* The same; what is not one's own gets the flags that the rights allow. */
enum pst_rc view_copy_to(struct mailbox_view *v, struct pst_uids uids,
    const struct mail_place *to, bool move, struct view_copied *copied_r,
    struct pst_error *err);
/*
 * Appends one message to a mailbox and removes the message `uid` of the view;
 * if one of that fails, neither is done. Only what it needs more counts for the
 * quota. As mail_append(); READONLY, CONFLICT: it is gone.
 */
enum pst_rc view_replace(struct mailbox_view *v, uint32_t uid,
    const struct mail_place *to, const struct mail_append *append,
    struct mail_appended *result_r, struct pst_error *err);
/* Removes those of `uids` that have \Deleted; `uids` NULL: all of them.
 * DENIED without the right. */
enum pst_rc view_expunge(
    struct mailbox_view *v, const struct pst_uids *uids, struct pst_error *err);
/* Removes `uids`, whatever flags they have. What is gone already is no error.
 */
enum pst_rc view_remove(
    struct mailbox_view *v, struct pst_uids uids, struct pst_error *err);

#endif
