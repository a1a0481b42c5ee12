/*
 * mailbox/catalog.h - all messages of an account as one collection, by the ids
 * that survive moves, with their threads: what JMAP (RFC 8621) speaks of, over
 * mailboxes that speak of uids.
 *
 * A catalog keeps a view of each mailbox and, beside it, the id and thread of
 * each message. It is made when somebody first asks, shared by all who do, and
 * kept for a while after the last one, unless too many are (IDLE_MAX, and
 * limits.open_messages in all). What happened meanwhile is taken in by
 * catalog_sync().
 *
 * A state is a text that tells of each mailbox up to which change it is known,
 * so it holds over a restart and means the same on every server. One in the
 * middle of many changes is two of these and the message, or the thread, that
 * is next: those in front are as in the second, the rest as in the first.
 *
 * A thread is the message that began it: the oldest reference, else what is
 * answered, else the message itself. So the thread of a message never changes,
 * and the same mail has the same threads everywhere.
 *
 * Threads: catalog_open() and the like from any thread. All that takes a
 * catalog wants catalog_lock() to be held, which is one for each account.
 * Calls block on the disk.
 */
#ifndef MAILBOX_CATALOG_H
#define MAILBOX_CATALOG_H

#include "mailbox/mailbox.h"

struct catalog;

enum { CATALOG_ID = VIEW_IDENT };

/* A message of a mailbox, at the same place as in its view. */
struct catalog_entry {
	char id[CATALOG_ID]; /* "": it could not be told, and is not shown */
	uint64_t thread;
	/* Private: rows in the maps, 0 for none; as it is in the counts. */
	uint32_t id_row, thread_row;
	bool is_counted, is_unread;
};

/* RFC 8621, 2: unread is what has neither \Seen nor \Draft. */
struct catalog_counts {
	size_t emails, unread, threads, unread_threads;
};

struct catalog_tally;

struct catalog_box {
	char id[40];   /* the mailbox's objectid */
	uint32_t hash; /* catalog_box_hash() of it */
	char *name, *special_use;
	bool is_subscribed;
	struct mailbox_view *view;
	struct catalog_entry *entry; /* of numbers 1 to n */
	size_t n, cap;
	/* Another number each time that other messages are shown, which no
	 * other mailbox ever had. */
	uint64_t arranged;
	uint64_t left; /* `arranged` when one went, or came back, last */
	struct catalog_counts counts;
	size_t doubles;		     /* messages that are here twice */
	struct catalog_tally *tally; /* private: catalog_count.c */
	size_t tallies, tally_cap;
	uint32_t uidnext; /* above those of all that were seen */
	bool is_listed;	  /* private: found again by the last look */
};

enum pst_rc catalog_open(struct mailstore *store,
    const struct account_user *user, struct catalog **c_r,
    struct pst_error *err);
void catalog_close(struct catalog **c);
/* Now and then: lets go of those that nobody asked for lately. Calls block. */
void catalog_tidy(void);
/* Nobody has it open: lets go of the account, that somebody wants to remove.
 */
void catalog_forget(const char *address);
/* All of them, before the storages are closed. */
void catalog_forget_all(void);

void catalog_lock(struct catalog *c);
void catalog_unlock(struct catalog *c);
struct mail_account *catalog_account(struct catalog *c);

/* Takes in what happened. */
enum pst_rc catalog_sync(struct catalog *c, struct pst_error *err);
/* Of all mailboxes together, like `arranged` of each. */
uint64_t catalog_arranged(const struct catalog *c);
/* What somebody keeps with the catalog, NULL at first; `fini` frees it in the
 * end. */
void **catalog_kept(struct catalog *c, void (*fini)(void *kept));

size_t catalog_boxes(const struct catalog *c);
struct catalog_box *catalog_box(struct catalog *c, size_t i);
/* NULL: there is none. */
struct catalog_box *catalog_find_box(struct catalog *c, struct pst_str id);
struct catalog_box *catalog_find_name(struct catalog *c, const char *name);

/* Never 0, and the same everywhere. */
uint64_t catalog_hash(struct pst_str s);
/* Where a table of `cap` slots, a power of two, begins to look for a number
 * that others may have chosen. Different in each process. */
size_t catalog_slot(uint64_t key, size_t cap);

/* "T" and 16 hexadecimal digits, in lower case. */
enum { CATALOG_THREAD_ID = 18 };
void catalog_thread_id(uint64_t thread, char id_r[CATALOG_THREAD_ID]);
bool catalog_parse_thread_id(struct pst_str id, uint64_t *thread_r);

/*
 * Tells id and thread of the messages uids[i], which ascend, of any view, as
 * catalogs have them: no catalog is made. Those that went are left out. Blocks
 * on the disk; what is not cached is read, and cached.
 */
typedef void (*catalog_told_fn)(
    void *arg, size_t i, const char *id, uint64_t thread);
void catalog_tell(struct mailbox_view *view, const uint32_t *uids, size_t n,
    catalog_told_fn fn, void *arg);

/* The id of a mailbox that went, by the hash of it; NULL: not remembered. */
uint32_t catalog_box_hash(const char *id);
const char *catalog_gone_box(struct catalog *c, uint32_t hash);

/* One of the places of a message. */
struct catalog_place {
	struct catalog_box *box;
	uint32_t uid, seq;
	struct pst_row row;
};
/* What is to be expunged is not there any more (RFC 8621, 4.1.1). */
static inline bool
catalog_shows(const struct pst_row *row)
{
	return row->uid != 0 && (row->flags & PST_DELETED) == 0;
}
/* The places of a message, in the order of the mailboxes; the number of them,
 * of which at most `max` are filled in (0: none, and places_r may be NULL). 0:
 * there is no such message. */
size_t catalog_find(struct catalog *c, struct pst_str id,
    struct catalog_place *places_r, size_t max);
/* All places of the messages of a thread. */
size_t catalog_find_thread(struct catalog *c, uint64_t thread,
    struct catalog_place *places_r, size_t max);
/* The same, one by one and in any order; `fn` leaves the catalog alone. */
typedef void (*catalog_place_fn)(void *arg, const struct catalog_place *p);
void catalog_each_in_thread(
    struct catalog *c, uint64_t thread, catalog_place_fn fn, void *arg);
/* Are these more than `n`? Looks at n + 1 of them, and counts those that are
 * not shown. */
bool catalog_thread_exceeds(struct catalog *c, uint64_t thread, size_t n);
const struct catalog_entry *catalog_entry(const struct catalog_place *p);
/* Some message is in two places. */
bool catalog_has_copies(const struct catalog *c);
/* The id of a message that is there, or went not too long ago; NULL. */
const char *catalog_id_of(struct catalog *c, uint32_t box_hash, uint32_t uid);

/* --- states ----------------------------------------------------------------
 */

/* Of the messages. */
void catalog_state(struct catalog *c, struct buf *out);

enum catalog_change { CATALOG_CREATED, CATALOG_UPDATED, CATALOG_DESTROYED };

struct catalog_told {
	enum catalog_change change;
	const char *id;
	uint64_t thread;
	/* It happened behind what is told now, and will be told again; it says
	 * what there was at first. */
	bool is_later;
};
enum catalog_order { CATALOG_BY_ID, CATALOG_BY_THREAD };

/* False: that is enough, this message and those behind are for another time. */
typedef bool (*catalog_change_fn)(void *arg, const struct catalog_told *told);
/*
 * What happened to messages since `state`, each once and in that order. False:
 * that cannot be told any more, or it is no state. state_r: where somebody is
 * who knows of these, to go on from in the same order. *more_r: there is more.
 */
bool catalog_changes(struct catalog *c, enum catalog_order order,
    struct pst_str state, catalog_change_fn fn, void *arg, struct buf *state_r,
    bool *more_r);

#endif
