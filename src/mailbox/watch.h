/*
 * mailbox/watch.h - hearing of what changes in an account, in mailboxes that
 * nobody here has open, too: for NOTIFY (RFC 5465) and for pushing to other
 * clients.
 *
 * A watch collects news of one account, whoever causes them in this process:
 * all sessions, all protocols, deliveries. The connection that made it is woken
 * and takes them when it pleases. News of messages are joined, one entry a
 * mailbox, and say only what kind of thing happened: mailbox_status() tells the
 * rest. Without a watch on the account nothing of this costs more than a look
 * at a pointer; an idle watch is one allocation.
 *
 * What other programs do in a mailbox is noticed only while it is pinned, which
 * keeps it in memory and has the storage look after it.
 *
 * Threads: a watch belongs to the thread that runs its connection; news come
 * from any thread.
 */
#ifndef MAILBOX_WATCH_H
#define MAILBOX_WATCH_H

#include "mailbox/mailbox.h"

struct watch;

enum watch_kind {
	/* Of messages in `mailbox`. */
	WATCH_NEW = 1 << 0,	/* some came */
	WATCH_GONE = 1 << 1,	/* some went */
	WATCH_FLAGS = 1 << 2,	/* flags or keywords of some changed */
	WATCH_SEEN = 1 << 3,	/* ... and how many are unseen */
	WATCH_STIRRED = 1 << 4, /* another program did something; what it was
				   comes as further news when somebody looks */
	WATCH_MESSAGES = (1 << 5) - 1, /* all of these */
	/* Of names. */
	WATCH_CREATED = 1 << 5,
	WATCH_DELETED = 1 << 6,
	WATCH_RENAMED = 1 << 7,	   /* with all below; `other` is the old name */
	WATCH_SUBSCRIBED = 1 << 8, /* or not any more */
	/* The entry `other` of `mailbox`, or of the account, is not what it
	 * was (RFC 5464). */
	WATCH_METADATA = 1 << 9,
	/* The same of a text that is no METADATA; see watch_tell_text(). */
	WATCH_TEXT = 1 << 10,
};

enum { WATCH_NEWS_MAX = 1000 }; /* that nobody has taken */

struct watch_news {
	unsigned kinds; /* enum watch_kind; several only of messages */
	char *mailbox;	/* NULL: the account */
	char *other;	/* or NULL */
};
void watch_news_fini(struct watch_news *news);

/* `kinds`: those that matter; `wake` is woken when there are news (NULL: who
 * asks finds them). */
struct watch *watch_open(
    struct mail_account *acct, unsigned kinds, const struct net_handle *wake);
/* The same for who is no connection: `fn` is called instead, from any thread,
 * with locks held: it does next to nothing, and calls nothing here. */
struct watch *watch_open_for(struct mail_account *acct, unsigned kinds,
    void (*fn)(void *arg), void *arg);
void watch_close(struct watch **w);

/* Quick. There is something to be taken, or too much was. */
bool watch_has_news(struct watch *w);
/* The oldest news. False: there are none. */
bool watch_take(struct watch *w, struct watch_news *news_r);
/* More came than are kept: all are lost, and the next ones are kept again.
 * Tells it once. */
bool watch_is_overflown(struct watch *w);

/*
 * From now on these mailboxes are pinned, and no others. Those that cannot be
 * opened are left out. May block on the disk.
 */
void watch_pin(struct watch *w, const char *const *names, size_t n);

/* After WATCH_STIRRED: looks what another program did, which comes as further
 * news. May block on the disk. */
void watch_look(struct watch *w, const char *mailbox);

/* With true, what the calling thread does itself is no news for this watch,
 * until false; deliveries that it makes along with those of others still are.
 */
void watch_mute(struct watch *w, bool mute);

/* Who changed a text of the account by mailbox_meta_set(), and wants others to
 * hear of it, says so: WATCH_TEXT with `key`. Quick. */
void watch_tell_text(struct mail_account *acct, const char *key);

#endif
