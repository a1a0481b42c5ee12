/*
 * exchange/queue_replay.c - the queue from the records of the journal.
 */
#include "exchange/queue_priv.h"

#include "base/str.h"

#include <stdlib.h>

/* --- the start ------------------------------------------------------------
 */

static void
adopt_orphan(struct queue *q, uint64_t id, struct journal_place place)
{
	struct queue_orphan *o = q->orphans;

	while (o != NULL && o->id != id)
		o = o->next;
	if (o == NULL) {
		o = mem_alloc(sizeof(*o));
		o->id = id;
		o->next = q->orphans;
		q->orphans = o;
	}
	mem_grow(&o->chunk, &o->cap, o->n + 1, sizeof(*o->chunk));
	o->chunk[o->n++] = place;
}

/* The last `n` chunks of the message; those before are of an attempt to write
 * it that did not come to its end. */
static bool
take_orphans(struct queue *q, struct queue_message *m, uint32_t n)
{
	struct queue_orphan **at = &q->orphans, *o;

	while (*at != NULL && (*at)->id != m->id)
		at = &(*at)->next;
	o = *at;
	if (n == 0 || o == NULL || o->n < n)
		return n == 0;
	m->chunk = mem_array(n, sizeof(*m->chunk));
	memcpy(m->chunk, o->chunk + (o->n - n), n * sizeof(*m->chunk));
	m->chunks = n;
	*at = o->next;
	free(o->chunk);
	free(o);
	return true;
}

static void
replay_message(
    struct queue *q, const struct journal_record *r, struct journal_place place)
{
	struct arena *arena = arena_new(QUEUE_ARENA_MAX);
	struct pst_str meta = r->meta;
	struct queue_message **old = queue_slot(q, r->id), *m;
	struct envelope e;
	uint32_t chunks;

	if (!queue_get_number(&meta, &chunks) ||
	    !envelope_decode(meta, arena, &e)) {
		q->damaged++;
		arena_free(&arena);
		return;
	}
	m = queue_message_make(q, r->id, &e);
	arena_free(&arena);
	m->place = place;
	if (!take_orphans(q, m, chunks)) {
		q->damaged++;
		queue_message_free(q, m);
		return;
	}
	if (*old != NULL) {
		struct queue_message *before = *old;

		/* Written again: what is known of the jobs still holds. */
		for (size_t i = 0; i < m->jobs && i < before->jobs; i++) {
			m->job[i].progress = before->job[i].progress;
			m->job[i].tries = before->job[i].tries;
			m->job[i].due = before->job[i].due;
			m->job[i].held = before->job[i].held;
			m->job[i].done = before->job[i].done;
			m->job[i].told = before->job[i].told;
		}
		m->left = before->left;
		queue_message_remove(q, old);
		queue_message_free(q, before);
	}
	queue_insert(q, m);
}

/* What of recipients the memory keeps. */
static void
read_progress(struct pst_str meta, struct queue_job *job)
{
	struct arena *arena = arena_new(QUEUE_ARENA_MAX);
	struct envelope e = { .recipients = (size_t)job->first + job->n };
	struct envelope_progress p;
	bool over;

	e.recipient = mem_array(e.recipients, sizeof(*e.recipient));
	over = envelope_progress_decode(meta, arena, &e, &p);
	for (size_t i = job->first; i < e.recipients && over; i++)
		over = e.recipient[i].state != RECIPIENT_WAITS;
	job->told = queue_all_told(&e, job);
	if (over && !job->done) {
		job->done = true;
		job->message->left--;
	}
	free(e.recipient);
	arena_free(&arena);
}

static void
replay_progress(
    struct queue *q, const struct journal_record *r, struct journal_place place)
{
	struct queue_message *m = *queue_slot(q, r->id);
	struct envelope_progress p;

	if (m == NULL)
		return;
	if (!envelope_progress_peek(r->meta, &p)) {
		q->damaged++;
		return;
	}
	for (size_t i = 0; i < m->jobs; i++) {
		struct queue_job *job = &m->job[i];

		if (job->first != p.first || job->n != p.n)
			continue;
		job->progress = place;
		job->tries = p.tries;
		job->due = p.due;
		job->held = p.held;
		read_progress(r->meta, job);
		return;
	}
	q->damaged++;
}

void
queue_replay(
    void *arg, const struct journal_record *r, struct journal_place place)
{
	struct queue *q = arg;
	struct queue_message **at;

	if (r->id > q->last_id)
		q->last_id = r->id;
	switch (r->kind) {
	case QUEUE_CHUNK:
		adopt_orphan(q, r->id, place);
		return;
	case QUEUE_MESSAGE:
		replay_message(q, r, place);
		return;
	case QUEUE_PROGRESS:
		replay_progress(q, r, place);
		return;
	case QUEUE_GONE:
		at = queue_slot(q, r->id);
		if (*at != NULL) {
			struct queue_message *m = *at;

			queue_message_remove(q, at);
			queue_message_free(q, m);
		}
		return;
	default:
		q->damaged++;
	}
}

void
queue_drop_orphans(struct queue *q)
{
	while (q->orphans != NULL) {
		struct queue_orphan *o = q->orphans;

		q->orphans = o->next;
		free(o->chunk);
		free(o);
	}
}
