/*
 * postern/store.h - the contract between the server and a storage module.
 *
 * A store holds accounts, an account holds a tree of mailboxes, a box is one
 * mailbox opened for work. The server keeps at most one box open per mailbox
 * and shares it among all sessions, so a module never arbitrates between two
 * handles of this server; other programs and other servers are its concern.
 *
 * Names:     mailbox names are UTF-8 in NFC, levels separated by '/', without
 *            empty levels; "INBOX" is spelt so and always exists. The server
 *            has checked that. Names reach the module as NUL-terminated text.
 * Threads:   calls on one store or account may overlap. Calls on one box do
 *            not, but for body(), ident(), cache_get() and cache_put(), which
 *            may run beside any other call on the same box. Successive calls
 * may come from different threads. Calls on different boxes overlap freely;
 * copy() is given two boxes and counts as a call on both. Ownership: results
 * named _r belong to the caller; inputs are borrowed for the length of the
 * call. Nothing is retained but where said. Blocking:  any call may block on
 * the disk or a database. Errors:    every call that can fail returns enum
 * pst_rc and fills `err`. A failed call has changed nothing, unless it says
 * otherwise. Durability: PST_OK from a call that changes something means that
 * the change is on the disk: content, name and state. Changes of flags may be
 *            exempted by the module's documentation.
 * Growth:    members are appended, never moved; `size` says which exist. An
 *            operation marked optional may be NULL.
 */
#ifndef POSTERN_STORE_H
#define POSTERN_STORE_H

#include <postern/types.h>

struct pst_host;
struct pst_section;
struct pst_store; /* these four are defined by the module */
struct pst_acct;
struct pst_box;
struct pst_stage;

/* One row of list(). Texts are borrowed for the length of the call back. */
struct pst_mailbox {
	const char *name;
	const char *special_use; /* "\\Sent" and so on (RFC 6154), or "" */
	bool exists;		 /* false: only subscribed, or only a parent */
	bool subscribed;
};

typedef void (*pst_mailbox_fn)(void *arg, const struct pst_mailbox *row);
typedef void (*pst_row_fn)(void *arg, const struct pst_row *row);
typedef void (*pst_uid_fn)(void *arg, uint32_t uid);
typedef void (*pst_gone_fn)(void *arg, struct pst_range uids, uint64_t modseq);
typedef void (*pst_copied_fn)(
    void *arg, uint32_t source_uid, const struct pst_row *copy);
typedef void (*pst_value_fn)(void *arg, const char *key, struct pst_str value);

/* A value that the server worked out from a message. Borrowed. */
struct pst_cached {
	uint32_t uid;
	struct pst_str value;
};
typedef void (*pst_cached_fn)(void *arg, const struct pst_cached *cached);

/*
 * The text of a message, for the full-text index: UTF-8, decoded and without
 * case. What must not be taken for one text (two fields, two parts) is divided
 * by octets 0xff, which are not in UTF-8.
 */
struct pst_text {
	uint32_t uid;
	bool is_partial; /* some of it is left out */
	/* What is the message's own header and those of its MIME parts; and
	 * what is text of parts, or header of messages in it. Borrowed. */
	struct pst_str header, body;
};

/* What the index knows of a message that it has. */
enum pst_text_answer {
	PST_TEXT_NO,	/* does not contain what is sought */
	PST_TEXT_YES,	/* contains it */
	PST_TEXT_MAYBE, /* has to be looked at */
};
typedef void (*pst_text_fn)(
    void *arg, uint32_t uid, enum pst_text_answer answer);

/* How much there is of an index. */
struct pst_text_state {
	uint64_t messages; /* that it has, gone ones included */
	uint64_t bytes;	   /* on the disk */
};

/* How much an account holds. */
struct pst_usage {
	uint64_t messages;
	uint64_t bytes;
};

/* One message on its way into a mailbox, with what it should look like. */
struct pst_append {
	struct pst_stage *stage; /* synced; see stage_sync() */
	uint32_t flags;
	uint64_t keywords;     /* numbers of the box that it goes into */
	int64_t internal_date; /* seconds since 1970 */
	bool last;	       /* this stage goes into no further box */
};

/* One message as a conversion brings it; see place(). */
struct pst_placed {
	/* Synced, and goes nowhere else afterwards; NULL: its content is there
	 * already. */
	struct pst_stage *stage;
	/* Keywords by numbers of the box that it goes into; save_date 0:
	 * unknown. The size is that of the stage, and not looked at. */
	struct pst_row row;
	char ident[40]; /* what ident() shall tell, as far as the store can
			 * keep it; "": its own */
};

/* How a store differs from one that this server has for itself. */
enum pst_trait {
	/* Other servers change accounts at the same time, also such parts as
	 * nobody has open here: usage() is cheap and asked each time. */
	PST_STORE_SHARED = 1 << 0,
};

/* The three forms of STORE. */
enum pst_flag_op {
	PST_FLAGS_SET,
	PST_FLAGS_ADD,
	PST_FLAGS_REMOVE,
};

struct pst_flag_change {
	enum pst_flag_op op;
	uint32_t flags;
	uint64_t keywords;
	uint64_t unchanged_since; /* UINT64_MAX: whatever they are */
};

/*
 * A message that was expunged and is kept for a while. Texts are borrowed for
 * the length of the call back.
 */
struct pst_kept {
	const char *id;		 /* at most 39 characters of [A-Za-z0-9_-] */
	const char *mailbox;	 /* that it was in, by its present name */
	const char *special_use; /* of that mailbox, or "" */
	bool exists;		 /* there is a mailbox of that name */
	int64_t expunged;	 /* when; seconds since 1970 */
	uint32_t uid;		 /* that it had; 0: none */
	uint32_t flags;
	int64_t internal_date;
	uint64_t size;
	const char *const *keyword; /* names */
	size_t keywords;
};
typedef void (*pst_kept_fn)(void *arg, const struct pst_kept *kept);
/* `n`: the place of the message's id in what was asked for. */
typedef void (*pst_restored_fn)(void *arg, size_t n, const struct pst_row *row);

/* The same of its first octets, borrowed. */
typedef void (*pst_head_fn)(void *arg, size_t n, struct pst_str head);

/* Which kept messages have to go. */
struct pst_kept_limit {
	int64_t before;	    /* those expunged before this; INT64_MIN: none */
	uint64_t max_bytes; /* then the oldest, until no more is left; 0: any */
	uint64_t most;	    /* no more than this in one call */
};

struct pst_kept_sum {
	struct pst_usage purged, left;
	int64_t oldest; /* when the oldest that is left was expunged */
	bool more;	/* the call ended at `most` */
};

/* Something that check() found. Texts are borrowed. */
struct pst_finding {
	uint32_t uid;	  /* 0: not about one message */
	const char *kind; /* a word such as "size" */
	const char *text; /* for the administrator */
	bool is_mended;
};
typedef void (*pst_finding_fn)(void *arg, const struct pst_finding *finding);

/* A line of text for the administrator. */
typedef void (*pst_said_fn)(void *arg, const char *text);

/* What refresh() found. Called back in this order: gone, changed, new. */
struct pst_delta {
	void *arg;
	/* Also those that came and went since the last time, where others
	 * assign uids, too. */
	pst_uid_fn gone;
	pst_row_fn changed;  /* of a known uid; modseq is larger than before */
	pst_row_fn appended; /* ascending uids, above all that were known */
};

struct pst_store_ops {
	uint32_t size; /* sizeof(struct pst_store_ops) when compiled */

	/* --- the store ------------------------------------------------- */

	/*
	 * Opens the store that `section` describes. `host` stays valid until
	 * close(). The only place where a module may create state.
	 */
	enum pst_rc (*open)(const struct pst_host *host,
	    const struct pst_section *section, struct pst_store **store_r,
	    struct pst_error *err);
	/* Called last, with no account open and no other call under way. */
	void (*close)(struct pst_store *store);
	/* Optional: says whether the store would work now. */
	enum pst_rc (*health)(struct pst_store *store, struct pst_error *err);

	/* --- accounts -------------------------------------------------- */

	/*
	 * Opens the account `id` ("user@domain", lower case), making its INBOX
	 * when it is not there. *created_r: it was made now.
	 */
	enum pst_rc (*acct_open)(struct pst_store *store, const char *id,
	    struct pst_acct **acct_r, bool *created_r, struct pst_error *err);
	void (*acct_close)(struct pst_acct *acct);
	/* Removes all mail of an account that is not open. */
	enum pst_rc (*acct_remove)(
	    struct pst_store *store, const char *id, struct pst_error *err);
	/* Sums all mailboxes. */
	enum pst_rc (*usage)(struct pst_acct *acct, struct pst_usage *usage_r,
	    struct pst_error *err);

	/* --- mailbox names --------------------------------------------- */

	/*
	 * Reports each mailbox, each subscribed name and each parent level that
	 * is no mailbox itself, once, parents before their children.
	 */
	enum pst_rc (*list)(struct pst_acct *acct, pst_mailbox_fn fn, void *arg,
	    struct pst_error *err);
	/*
	 * Makes a mailbox with a UIDVALIDITY larger than that of any mailbox
	 * which had this name before. Parents need not exist. `special_use` may
	 * be "". EXISTS, LIMIT (name too long for the store).
	 */
	enum pst_rc (*create)(struct pst_acct *acct, const char *name,
	    const char *special_use, struct pst_error *err);
	/* Removes one mailbox with its messages; children stay. Its box is
	 * closed. NOTFOUND. */
	enum pst_rc (*remove)(
	    struct pst_acct *acct, const char *name, struct pst_error *err);
	/*
	 * Renames a mailbox and all below it; UIDs and UIDVALIDITY stay. Never
	 * called for INBOX. Boxes of the old names are closed. EXISTS,
	 * NOTFOUND.
	 */
	enum pst_rc (*rename)(struct pst_acct *acct, const char *from,
	    const char *to, struct pst_error *err);
	/* Subscriptions are names: the mailbox need not exist. */
	enum pst_rc (*subscribe)(struct pst_acct *acct, const char *name,
	    bool subscribed, struct pst_error *err);
	/*
	 * Small texts kept with a mailbox, or with the account when `name` is
	 * NULL. meta_get reports those whose key begins with `prefix`; a value
	 * of {NULL, 0} in meta_set removes.
	 */
	enum pst_rc (*meta_get)(struct pst_acct *acct, const char *name,
	    const char *prefix, pst_value_fn fn, void *arg,
	    struct pst_error *err);
	enum pst_rc (*meta_set)(struct pst_acct *acct, const char *name,
	    const char *key, struct pst_str value, struct pst_error *err);

	/* --- an open mailbox ------------------------------------------- */

	/*
	 * Opens a mailbox cheaply: messages need not be looked at yet.
	 * NOTFOUND. state() then tells UIDNEXT exactly, without rows.
	 */
	enum pst_rc (*box_open)(struct pst_acct *acct, const char *name,
	    struct pst_box **box_r, struct pst_error *err);
	void (*box_close)(struct pst_box *box);
	enum pst_rc (*state)(struct pst_box *box, struct pst_box_state *state_r,
	    struct pst_error *err);
	/*
	 * Reports every message, ascending by uid: the snapshot that later
	 * refresh() calls are relative to.
	 */
	enum pst_rc (*load)(struct pst_box *box, pst_row_fn fn, void *arg,
	    struct pst_error *err);
	/*
	 * Reports what others than this server did since load() or the last
	 * refresh(). What the server did itself by the calls below is known to
	 * it already and not reported again.
	 */
	enum pst_rc (*refresh)(struct pst_box *box,
	    const struct pst_delta *delta, struct pst_error *err);
	/*
	 * From now on host->changed(cookie) tells of changes by others, until
	 * unwatch() returns. Without it the server calls refresh() now and
	 * then. Optional, both or none.
	 */
	enum pst_rc (*watch)(
	    struct pst_box *box, void *cookie, struct pst_error *err);
	void (*unwatch)(struct pst_box *box);
	/*
	 * Keyword names by number; "" for a free one. The array and the texts
	 * stay valid and unchanged until the next call of keyword() or check()
	 * on this box, or of copy(), move() or kept_restore() into it, which
	 * may make keywords too.
	 */
	const char *const *(*keywords)(struct pst_box *box); /* [64] */
	/*
	 * The number of a keyword, compared without regard to case. It is made
	 * when it is new and `create` is set; NOTFOUND when not, LIMIT when all
	 * numbers are taken by keywords in use.
	 */
	enum pst_rc (*keyword)(struct pst_box *box, const char *name,
	    bool create, unsigned *number_r, struct pst_error *err);
	/*
	 * The lowest uid that no session has been shown yet; uidnext when there
	 * is none. With `claim`, all present ones count as shown from now on
	 * (\Recent, RFC 3501 2.3.2). May be forgotten in a crash.
	 */
	enum pst_rc (*recent)(struct pst_box *box, bool claim,
	    uint32_t *first_r, struct pst_error *err);

	/* --- reading --------------------------------------------------- */

	/* The content of a message. NOTFOUND when it is gone. */
	enum pst_rc (*body)(struct pst_box *box, uint32_t uid,
	    struct pst_body *body_r, struct pst_error *err);
	/*
	 * Optional: an id of the message's content that survives copy and move
	 * (RFC 8474 EMAILID); at most 39 characters of [A-Za-z0-9_-].
	 */
	enum pst_rc (*ident)(struct pst_box *box, uint32_t uid, char id_r[40],
	    struct pst_error *err);
	/*
	 * Optional, both or none: small values that the server worked out from
	 * messages (envelope, structure) and that may be lost at any time.
	 * These two may run beside any other call on the same box. cache_get()
	 * reports what there is of kind `kind` (0 to 15) for `n` ascending
	 * uids, in their order; cache_put() replaces.
	 */
	enum pst_rc (*cache_get)(struct pst_box *box, unsigned kind,
	    const uint32_t *uids, size_t n, pst_cached_fn fn, void *arg,
	    struct pst_error *err);
	enum pst_rc (*cache_put)(struct pst_box *box, unsigned kind,
	    const struct pst_cached *values, size_t n, struct pst_error *err);

	/* --- new messages ---------------------------------------------- */

	/*
	 * A place to write one message to, with CRLF line ends as it came.
	 * `size` is the expected number of octets or 0. One thread at a time.
	 */
	enum pst_rc (*stage_new)(struct pst_store *store, uint64_t size,
	    struct pst_stage **stage_r, struct pst_error *err);
	enum pst_rc (*stage_write)(struct pst_stage *stage, const void *data,
	    size_t n, struct pst_error *err);
	/* Makes the content durable. Needed before the first commit. */
	enum pst_rc (*stage_sync)(
	    struct pst_stage *stage, struct pst_error *err);
	/*
	 * Puts `n` messages into the box, all or none, durably, with ascending
	 * uids in the order given; rows_r gets one row each. The same stage may
	 * be committed to many boxes: its content is stored once.
	 */
	enum pst_rc (*commit)(struct pst_box *box,
	    const struct pst_append *appends, size_t n, struct pst_row *rows_r,
	    struct pst_error *err);
	/* Gives up what was not committed. Always called once. */
	void (*stage_free)(struct pst_stage *stage);

	/* --- changing messages ----------------------------------------- */

	/*
	 * Changes flags of the uids that exist. `changed` gets each message
	 * that is different now, with its new modseq; `conflict` those whose
	 * modseq was larger than unchanged_since and that stay as they are. An
	 * error in the middle leaves some changed: those were reported.
	 */
	enum pst_rc (*flags)(struct pst_box *box, struct pst_uids uids,
	    const struct pst_flag_change *change, pst_row_fn changed,
	    pst_uid_fn conflict, void *arg, struct pst_error *err);
	/*
	 * Copies, all or none, in ascending order of uid; content is not read
	 * where the store can share it. Flags, keywords (by name) and dates
	 * come along. `to` may be the same box.
	 */
	enum pst_rc (*copy)(struct pst_box *box, struct pst_uids uids,
	    struct pst_box *to, pst_copied_fn copied, void *arg,
	    struct pst_error *err);
	/*
	 * Moves: as copy, and the originals are gone, atomically per message:
	 * never in neither, and after a crash in both at the worst. An error in
	 * the middle leaves some moved: those were reported.
	 */
	enum pst_rc (*move)(struct pst_box *box, struct pst_uids uids,
	    struct pst_box *to, pst_copied_fn moved, void *arg,
	    struct pst_error *err);
	/* Removes for good. `gone` gets each uid that was there. After this,
	 * move() and a refresh() that found messages gone, state() tells a
	 * larger highestmodseq. */
	enum pst_rc (*expunge)(struct pst_box *box, struct pst_uids uids,
	    pst_uid_fn gone, void *arg, struct pst_error *err);

	/* --- undelete: optional, all five or none ----------------------- */

	/*
	 * As expunge() and remove(), but the messages are kept: they are in no
	 * mailbox any more and usage() does not count them. What cannot be kept
	 * (a full disk) is removed for good. Whatever happens, a message is in
	 * its mailbox or kept, never in both.
	 */
	enum pst_rc (*expunge_keep)(struct pst_box *box, struct pst_uids uids,
	    pst_uid_fn gone, void *arg, struct pst_error *err);
	enum pst_rc (*remove_keep)(
	    struct pst_acct *acct, const char *name, struct pst_error *err);
	/* Reports all that is kept, in any order. */
	enum pst_rc (*kept_each)(struct pst_acct *acct, pst_kept_fn fn,
	    void *arg, struct pst_error *err);
	/*
	 * Puts kept messages into a box of the account, with new uids ascending
	 * in the order given, with their flags but \Deleted, their keywords as
	 * far as numbers are left, their internal dates and ident(); save_date
	 * is now. Those that are not kept any more are passed over. An error in
	 * the middle leaves some restored: those were reported.
	 */
	enum pst_rc (*kept_restore)(struct pst_acct *acct,
	    const char *const *ids, size_t n, struct pst_box *to,
	    pst_restored_fn fn, void *arg, struct pst_error *err);
	/* Removes kept messages for good, the oldest first. When some cannot be
	 * removed it goes on with the others, and fails in the end. */
	enum pst_rc (*kept_purge)(struct pst_acct *acct,
	    const struct pst_kept_limit *limit, struct pst_kept_sum *sum_r,
	    struct pst_error *err);

	/* --- administration: optional ----------------------------------- */

	/*
	 * Looks for what is wrong with a mailbox, and mends with `mend` what it
	 * can; nothing of a message is ever removed. Beginning with uid `first`
	 * (1: also with what concerns the mailbox as a whole) it checks some
	 * messages, so that others get their turn; *next_r: where to go on, 0:
	 * that was all. refresh() then tells what mending changed.
	 */
	enum pst_rc (*check)(struct pst_box *box, uint32_t first,
	    uint32_t *next_r, bool mend, pst_finding_fn fn, void *arg,
	    struct pst_error *err);
	/* As usage(), but forgets what it remembers and counts anew. */
	enum pst_rc (*recount)(struct pst_acct *acct, struct pst_usage *usage_r,
	    struct pst_error *err);

	/* --- memory: optional ------------------------------------------- */

	/*
	 * After load(): reports what was expunged or moved away by
	 * ascending modseq (RFC 7162, 3.2.6), complete above *from_r.
	 */
	enum pst_rc (*history)(struct pst_box *box, uint64_t *from_r,
	    pst_gone_fn fn, void *arg, struct pst_error *err);

	/* --- the full-text index; optional, all or none ---------------- */

	/*
	 * An index of the words in messages, which may be lost at any time and
	 * must never answer wrongly. `version` tells how the server made the
	 * texts; what was put with another one counts as not there. These may
	 * run beside any other call on the same box; of text_put(),
	 * text_tidy() and text_drop() there is one at a time.
	 *
	 * text_put() adds messages, in any order, none of them known yet (if
	 * it is, either text may be kept: they are the same).
	 */
	enum pst_rc (*text_put)(struct pst_box *box, uint64_t version,
	    const struct pst_text *texts, size_t n, struct pst_error *err);
	/*
	 * Tells of each message that is in the index, ascending by uid, whether
	 * it contains `needle` (UTF-8 without case; octet for octet, anywhere,
	 * also inside of words) in its body or, with `headers`, in its header
	 * or body. Messages that are gone may be told of. An empty needle is
	 * in all of them.
	 */
	enum pst_rc (*text_search)(struct pst_box *box, uint64_t version,
	    struct pst_str needle, bool headers, pst_text_fn fn, void *arg,
	    struct pst_error *err);
	/*
	 * Puts things in order after some text_put(): `present` are the
	 * messages of the mailbox, others may be forgotten.
	 */
	enum pst_rc (*text_tidy)(struct pst_box *box, uint64_t version,
	    struct pst_uids present, struct pst_error *err);
	enum pst_rc (*text_state)(struct pst_box *box, uint64_t version,
	    struct pst_text_state *state_r, struct pst_error *err);
	/* Forgets all of it. */
	enum pst_rc (*text_drop)(struct pst_box *box, struct pst_error *err);
	/* There is mail of that account, or was: acct_open() would not make it.
	 */
	bool (*acct_exists)(struct pst_store *store, const char *id);
	/*
	 * Optional: the mailbox is still what has the name that it was opened
	 * by. False: somebody else removed or renamed it meanwhile, or put
	 * another in its place; then the server closes the box and opens what
	 * is there now.
	 */
	bool (*box_is_there)(struct pst_box *box);

	/* --- several servers on one store: optional ----------------------- */

	unsigned traits; /* enum pst_trait, or-ed */
	/*
	 * Messages of others, that refresh() has not told of, came before
	 * those that the last commit(), copy(), move() or kept_restore() put
	 * into this box. The server then does not take the rows that it was
	 * given for what the mailbox holds; refresh() reports them in their
	 * place, with the others. Needed where others assign uids, too.
	 */
	bool (*box_is_behind)(struct pst_box *box);
	/*
	 * From now on host->account_changed(cookie) tells that others changed
	 * names, subscriptions or metadata of the account, until unwatch.
	 * Both or none.
	 */
	enum pst_rc (*acct_watch)(
	    struct pst_acct *acct, void *cookie, struct pst_error *err);
	void (*acct_unwatch)(struct pst_acct *acct);

	/* --- conversion: optional, both or none --------------------------- */

	/*
	 * Makes the box, which no session has open, go on from another one:
	 * gives it that one's uidvalidity and object id, and at least its
	 * uidnext and highestmodseq (they never go back); the mailboxes that
	 * are made later have larger uidvalidities. It may be called again.
	 * What was removed up to now is not history of this box: history() is
	 * complete only above the highestmodseq that it has afterwards. PERM
	 * when it holds messages and uidvalidity would change, or when the
	 * object id cannot be kept.
	 */
	enum pst_rc (*adopt)(struct pst_box *box,
	    const struct pst_box_state *origin, struct pst_error *err);
	/*
	 * Puts messages where a conversion wants them, all or none, durably:
	 * ascending by uid, each either new (with a stage; its uid is above
	 * those of all messages in the box, but may be below uidnext, where a
	 * conversion that was cut short goes on) or there already (stage NULL),
	 * when flags, keywords, dates and modseq become what is told and
	 * ident() stays. A modseq of 0 stands for a new one. uidnext and
	 * highestmodseq grow as needed. What the store remembers of an earlier
	 * message with a uid (cache, index) does not count for a new one. Rows
	 * are known to the server then, as after commit(). CONFLICT: a new uid
	 * is not above the others, or one that should be there is not.
	 */
	enum pst_rc (*place)(struct pst_box *box,
	    const struct pst_placed *placed, size_t n, struct pst_error *err);

	/*
	 * Optional: makes what the store needs before it can be opened, such as
	 * tables, or brings what an older version made up to date; harmless
	 * when all is there. `said` is told, in words for the administrator,
	 * what was done. No store is opened by it.
	 */
	enum pst_rc (*init)(const struct pst_host *host,
	    const struct pst_section *section, pst_said_fn said, void *arg,
	    struct pst_error *err);

	/*
	 * Optional, of undelete: reports the beginnings of kept messages, up to
	 * `most` octets of each, so that their headers can be shown. Line ends
	 * may be CRLF or LF. In any order; those that are not kept any more, or
	 * cannot be read, are passed over.
	 */
	enum pst_rc (*kept_heads)(struct pst_acct *acct, const char *const *ids,
	    size_t n, size_t most, pst_head_fn fn, void *arg,
	    struct pst_error *err);
};

#endif
