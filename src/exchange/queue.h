/*
 * exchange/queue.h - messages that wait to be carried to other servers.
 *
 * A message is durable when queue_commit() returns: content and envelope, in
 * the journal (journal.h), written once however many recipients there are. What
 * becomes of recipients is small records behind it. In memory a message takes
 * some 200 octets, whatever its size: texts are read again when they are
 * needed.
 *
 * The recipients of a message at one domain are a job: they are tried together,
 * at one time. The queue keeps jobs; whoever schedules them (schedule.h) says
 * when one is tried and what came of it.
 *
 * Threads: from any thread. A job is worked on by one at a time: who has taken
 * it. A writer, a reader and an envelope belong to one thread.
 */
#ifndef EXCHANGE_QUEUE_H
#define EXCHANGE_QUEUE_H

#include "exchange/envelope.h"
#include "exchange/journal.h"

struct queue;
struct queue_message;

enum { QUEUE_ID = 14 }; /* octets of an id as text, with a NUL */

/* Domains by name, without case; kept while there are jobs for them. */
struct queue_domain {
	struct queue_domain *next; /* the queue's own */
	size_t jobs;
	void *priv; /* whoever schedules; NULL at first */
	char name[];
};

struct queue_unsaved;

struct queue_job {
	struct queue_message *message;
	struct queue_domain *domain;
	uint32_t first, n; /* recipients, in the order of the envelope */
	/* Changed under the queue's lock, read by anybody. */
	_Atomic uint32_t tries;
	_Atomic bool held;
	_Atomic bool done; /* nobody waits any more */
	_Atomic bool taken;
	_Atomic bool told;	       /* its sender knows of the delay */
	_Atomic int64_t due;	       /* seconds since 1970 */
	struct journal_place progress; /* the queue's own */
	/* Likewise: what could not be written down; or NULL. */
	struct queue_unsaved *unsaved;
	/* For whoever schedules. */
	struct queue_job *before, *behind;
	void *line;
	size_t slot;
	uint32_t sender; /* a hash of who sent it */
	uint32_t route;	 /* route.h; the schedule's, once it came */
};

struct queue_options {
	struct journal_options journal;
	/*
	 * A job is there: after the start, for each one in the order of their
	 * ids, and after a commit. `gone`: it is done, or its message was
	 * deleted, and its memory goes after the call. Called without locks.
	 */
	void (*came)(void *arg, struct queue_job *job);
	void (*gone)(void *arg, struct queue_job *job);
	void *arg;
	/* By which way a job goes (route.h); NULL: all by the same. Called with
	 * locks. */
	uint32_t (*route)(
	    void *route_arg, struct pst_str sender, struct pst_str domain);
	void *route_arg;
};

/* Makes the directory when it is not there. Errors as of journal_open(). */
enum pst_rc queue_open(const char *path, const struct queue_options *opt,
    struct queue **q_r, struct pst_error *err);
/* Nobody uses it any more. gone() is not called. */
void queue_close(struct queue **q);

/* The reason of what the administrator released. */
#define QUEUE_RELEASED "released by the administrator"

void queue_id_print(uint64_t id, char text[QUEUE_ID]);
bool queue_id_parse(struct pst_str text, uint64_t *id_r);

/* --- a message on its way in ---------------------------------------------- */

struct queue_writer;

struct queue_writer *queue_write_new(struct queue *q);
enum pst_rc queue_write(
    struct queue_writer *w, const void *p, size_t n, struct pst_error *err);
/*
 * Makes it durable. Recipients of `e` are put in order of domains; `arrived`
 * and `size` are set. With `held` none is tried. NOSPACE, TEMP, LIMIT
 * (recipients).
 */
enum pst_rc queue_commit(struct queue_writer *w, struct envelope *e,
    uint64_t *id_r, struct pst_error *err);
/* The jobs do not come before queue_write_free(), or the next start. */
void queue_write_wait(struct queue_writer *w);
/* Gives up what was not committed. Always called once. */
void queue_write_free(struct queue_writer **w);

/* --- a message on its way out --------------------------------------------- */

/*
 * Takes a job to be tried: false when it is done, held or taken by somebody
 * else. Its message stays until queue_give().
 */
bool queue_take(struct queue *q, struct queue_job *job);
/*
 * What came of it. `e` is that of queue_load(), recipients changed; `p` tells
 * when the next try is, for those that wait. Not yet on the disk when it
 * returns, but soon: after a crash a recipient may get the message again. On a
 * failure the memory has it all the same.
 */
enum pst_rc queue_update(struct queue *q, struct queue_job *job,
    const struct envelope *e, const struct envelope_progress *p,
    struct pst_error *err);
/* The next try is at `due`, without a record of it: nothing is known. */
void queue_postpone(struct queue *q, struct queue_job *job, int64_t due);
/* Both: the job may be taken again, and the message may go. */
void queue_give(struct queue *q, struct queue_job *job);
/* Only the first of it; queue_let_go() is to follow. */
void queue_untake(struct queue *q, struct queue_job *job);

/* The envelope with all that is known of the recipients. The caller frees the
 * arena; the message is that of a job that was taken, or held by queue_find().
 * PERM: it is damaged. */
enum pst_rc queue_load(struct queue *q, struct queue_message *m,
    struct arena **arena_r, struct envelope *e_r, struct pst_error *err);

struct queue_reader;
struct queue_reader *queue_read_new(struct queue *q, struct queue_message *m);
/* Up to `n` octets; *got_r 0: the end. PERM: not what was written. */
enum pst_rc queue_read(struct queue_reader *r, void *p, size_t n, size_t *got_r,
    struct pst_error *err);
void queue_read_free(struct queue_reader **r);

/* --- administration --------------------------------------------------------
 */

uint64_t queue_message_id(const struct queue_message *m);
/* Its jobs. They change at any time. */
struct queue_job *queue_message_jobs(struct queue_message *m, size_t *n_r);
/* A message that stays until it is let go of, or NULL. */
struct queue_message *queue_find(struct queue *q, uint64_t id);
void queue_let_go(struct queue *q, struct queue_message *m);
/* All ids, ascending; the caller frees. */
uint64_t *queue_ids(struct queue *q, size_t *n_r);

/* Forgets a message at once, whoever has it. NOTFOUND. On the disk. */
enum pst_rc queue_delete(struct queue *q, uint64_t id, struct pst_error *err);

/*
 * Holds all jobs of a message, or does so no more; those that somebody works on
 * are held from then on. The schedule is to be told: schedule_hurry(). On the
 * disk when it returns OK.
 */
enum pst_rc queue_hold(struct queue *q, struct queue_message *m, bool held,
    const char *reason, struct pst_error *err);

struct queue_count {
	size_t messages, jobs, domains;
	struct journal_usage disk;
};
void queue_count(struct queue *q, struct queue_count *count_r);

/*
 * What has to be done now and then, by one thread: makes updates durable, gives
 * back what is not needed on the disk. *more_r: at once again.
 */
enum pst_rc queue_tidy(struct queue *q, bool *more_r, struct pst_error *err);

#endif
