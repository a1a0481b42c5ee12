/*
 * exchange/sending.h - how much each user sends to other servers, and the brake
 * on those who send more than their limits: what they hand in is held in the
 * queue until the administrator lifts the brake. An account whose password was
 * stolen is found out so, and nothing of its owner's is lost.
 *
 * Counts are of the last hour and the last 24; they live in an SQLite file and
 * in memory, which goes to the file each second. After a crash the last second
 * may be missing. A user takes about 1 KB, and 8 octets for each address that
 * was written to, of which the last 16,000 are remembered, by hashes.
 *
 * Threads: from any thread. sending_tick() from one.
 */
#ifndef EXCHANGE_SENDING_H
#define EXCHANGE_SENDING_H

#include "base/config.h"
#include "exchange/envelope.h"

struct sending;

enum { SENDING_REASON = 160 };

/* A file that is damaged, or of a newer version, is put aside: counts begin
 * anew. */
enum pst_rc sending_open(
    const char *path, struct sending **s_r, struct pst_error *err);
/* Writes what is not in the file yet. */
void sending_close(struct sending **s);

enum sending_verdict {
	SENDING_FREE,
	SENDING_HELD,  /* beyond a limit; `why` says which */
	SENDING_LATER, /* so much is held already: refused for now */
	SENDING_NEVER, /* the same, as sending.beyond says it */
};
/* `user` hands in a message for the recipients of `e`. */
enum sending_verdict sending_count(struct sending *s, const struct config *cfg,
    const struct envelope *e, char why[SENDING_REASON]);
/* `n` recipients of such a message could not be reached. */
void sending_bounced(struct sending *s, const struct config *cfg,
    const struct envelope *e, size_t n);
/* What of theirs waits is to be held, too; `why` says for what. */
bool sending_is_braked(
    struct sending *s, struct pst_str user, char why[SENDING_REASON]);
/* Takes the brake off; counts begin anew. NOTFOUND: it was not on. In the file
 * when it returns OK. */
enum pst_rc sending_lift(
    struct sending *s, const char *user, struct pst_error *err);

/* The limits for a user. A number that is 0: any. */
struct sending_limits {
	int64_t messages_hour, messages_day;
	int64_t recipients_day, new_recipients_day;
	int64_t bounce_share; /* percent of a day's recipients */
};
void sending_limits(const struct config *cfg, const char *user,
    struct sending_limits *limits_r);

struct sending_row {
	char user[321];
	uint64_t messages_hour, messages_day;
	uint64_t recipients_day, new_recipients_day, bounces_day;
	int64_t since; /* seconds since 1970: the brake; 0: it is off */
	uint64_t held; /* messages since then */
	char reason[SENDING_REASON];
};
/* All that something is known of, by name, or only those that are braked. */
enum pst_rc sending_each(struct sending *s, bool braked,
    void (*fn)(void *arg, const struct sending_row *row), void *arg,
    struct pst_error *err);

/* Writes what has changed; forgets, in memory, who has not sent for long. */
void sending_tick(struct sending *s);
/* Somebody whose brake nobody has been told of; sending_told() is to follow,
 * `done` false: to be told again in a minute. */
bool sending_to_tell(struct sending *s, struct sending_row *row_r);
void sending_told(struct sending *s, const char *user, bool done);

#endif
