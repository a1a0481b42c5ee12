/*
 * exchange/queue_priv.h - what the files of the queue share. Its records in the
 * journal, by kind:
 *	QUEUE_CHUNK	a piece of the content of a large message; the pieces
 *			come before the message, in their order
 *	QUEUE_MESSAGE	meta: number of chunks, envelope; body: the rest of the
 *			content
 *	QUEUE_PROGRESS	meta: envelope_progress_encode(); the last one of a job
 *			counts
 *	QUEUE_GONE	meta: number of the last segment that may tell of the
 *			message
 * A message whose segment is given up is written again with its id; then the
 * later one counts.
 *
 * Locks: `lock` of struct queue before those of the journal.
 */
#ifndef EXCHANGE_QUEUE_PRIV_H
#define EXCHANGE_QUEUE_PRIV_H

#include "exchange/queue.h"

#include <pthread.h>

enum { QUEUE_CHUNK = 1, QUEUE_MESSAGE, QUEUE_PROGRESS, QUEUE_GONE };

enum {
	QUEUE_CHUNK_SIZE = 256 * 1024,
	QUEUE_ENVELOPE_MAX = 8 << 20,
	QUEUE_ARENA_MAX = 64 << 20,
	QUEUE_BUCKETS_MIN = 1024,
	QUEUE_NUMBER = 4, /* octets of a number in front of meta */
};

/* A record of progress that the disk had no room for. */
struct queue_unsaved {
	size_t n;
	char meta[];
};

struct queue_message {
	struct queue_message *next; /* in the bucket */
	uint64_t id;
	struct journal_place place;
	struct journal_place *chunk;
	uint32_t chunks;
	uint32_t jobs;
	uint32_t left; /* jobs that are not done */
	uint32_t refs; /* who has it, beside the table */
	bool is_gone;  /* not in the table any more */
	struct queue_job job[];
};

/* Chunks whose message has not come yet, at the start. */
struct queue_orphan {
	struct queue_orphan *next;
	uint64_t id;
	struct journal_place *chunk;
	size_t n, cap;
};

/*
 * Somebody appends records that nothing refers to yet: no segment from this one
 * on is given up meanwhile.
 */
struct queue_use {
	struct queue_use *next;
	uint32_t since;
};

struct queue {
	struct queue_options opt;
	struct journal *journal;
	pthread_mutex_t lock; /* guards all below, and all messages */
	struct queue_message **bucket;
	size_t buckets, messages, jobs;
	struct queue_domain **domain;
	size_t domain_buckets, domains;
	uint64_t last_id;
	struct queue_use *uses;
	struct queue_orphan *orphans; /* only at the start */
	size_t damaged;		      /* records that were not understood */
};

/* --- queue_table.c; with the lock, but for the first two and uses -----------
 */

void queue_put_number(char p[QUEUE_NUMBER], uint32_t v);
/* False: too short. */
bool queue_get_number(struct pst_str *meta, uint32_t *v_r);
/* Where the message of that id hangs, or would. */
struct queue_message **queue_slot(struct queue *q, uint64_t id);
void queue_insert(struct queue *q, struct queue_message *m);
/* Takes it out of the table. */
void queue_message_remove(struct queue *q, struct queue_message **at);
/* With its jobs; the recipients of `e` are in order. */
struct queue_message *queue_message_make(
    struct queue *q, uint64_t id, const struct envelope *e);
void queue_message_free(struct queue *q, struct queue_message *m);
/* All recipients of the job that wait have been told of the delay. */
bool queue_all_told(const struct envelope *e, const struct queue_job *job);
void queue_need_places(struct queue *q, const struct queue_message *m);
void queue_forget_places(struct queue *q, const struct queue_message *m);
void queue_use_begin(struct queue *q, struct queue_use *u);
void queue_use_end(struct queue *q, struct queue_use *u);
bool queue_is_used(struct queue *q, uint32_t segment);

/* --- queue_replay.c; before anybody else has the queue -----------------------
 */

void queue_replay(
    void *arg, const struct journal_record *r, struct journal_place place);
void queue_drop_orphans(struct queue *q);

/* --- queue_out.c; without the lock -------------------------------------------
 */

/* A place moves when its segment is given up; then it is read anew. */
struct journal_place queue_place_of(
    struct queue *q, const struct journal_place *place);
bool queue_has_moved(struct queue *q, const struct journal_place *place,
    struct journal_place from);
bool queue_is_same(struct journal_place a, struct journal_place b);
/* `a` is told later than `b` at the start. */
bool queue_is_behind(struct journal_place a, struct journal_place b);
/*
 * Out of the table first: who tidies up looks there after writing a message
 * again, and then tells that it is gone, too. Wants a reference.
 */
enum pst_rc queue_end_message(
    struct queue *q, struct queue_message *m, bool sync, struct pst_error *err);
enum pst_rc queue_write_gone(struct queue *q, uint64_t id, uint32_t last,
    bool sync, struct pst_error *err);

#endif
