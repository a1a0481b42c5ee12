/*
 * exchange/queue_in.c - messages on their way in.
 */
#include "exchange/queue_priv.h"

#include "base/clock.h"
#include "base/str.h"

#include <stdlib.h>

/* --- in -------------------------------------------------------------------
 */

struct queue_writer {
	struct queue *q;
	struct queue_use use;
	uint64_t id;
	struct buf content; /* since the last chunk */
	uint64_t size;
	struct journal_place *chunk;
	size_t chunks, cap;
	bool is_committed, waits;
	struct queue_message *unannounced;
};

struct queue_writer *
queue_write_new(struct queue *q)
{
	struct queue_writer *w = mem_alloc(sizeof(*w));
	uint64_t now = (uint64_t)clock_now();

	w->q = q;
	buf_init(&w->content, QUEUE_CHUNK_SIZE);
	pthread_mutex_lock(&q->lock);
	q->last_id = now > q->last_id ? now : q->last_id + 1;
	w->id = q->last_id;
	pthread_mutex_unlock(&q->lock);
	queue_use_begin(q, &w->use);
	return w;
}

static enum pst_rc
write_chunk(struct queue_writer *w, struct pst_error *err)
{
	const struct journal_record r = {
		.kind = QUEUE_CHUNK, .id = w->id, .body = buf_str(&w->content)
	};
	enum pst_rc rc;

	mem_grow(&w->chunk, &w->cap, w->chunks + 1, sizeof(*w->chunk));
	rc = journal_append(
	    w->q->journal, &r, 1, false, &w->chunk[w->chunks], err);
	if (rc == PST_OK) {
		w->chunks++;
		buf_clear(&w->content);
	}
	return rc;
}

enum pst_rc
queue_write(
    struct queue_writer *w, const void *p, size_t n, struct pst_error *err)
{
	const char *from = p;
	enum pst_rc rc = PST_OK;

	w->size += n;
	while (n > 0 && rc == PST_OK) {
		size_t room = QUEUE_CHUNK_SIZE - w->content.n;
		size_t some = n < room ? n : room;

		(void)buf_add(&w->content, from, some);
		from += some;
		n -= some;
		if (n > 0)
			rc = write_chunk(w, err);
	}
	return rc;
}

static void
announce(struct queue *q, struct queue_message *m)
{
	for (size_t i = 0; i < m->jobs && q->opt.came != NULL; i++)
		q->opt.came(q->opt.arg, &m->job[i]);
	queue_let_go(q, m);
}

/* Nobody knows of it yet. What cannot be held is not there. */
static enum pst_rc
hold_new(struct queue *q, struct queue_message *m, const struct envelope *e,
    struct pst_error *err)
{
	char *reason = str_dup(e->reason);
	enum pst_rc rc = queue_hold(q, m, true, reason, err);
	struct pst_error other;

	if (rc != PST_OK)
		(void)queue_delete(q, m->id, &other);
	free(reason);
	return rc;
}

enum pst_rc
queue_commit(struct queue_writer *w, struct envelope *e, uint64_t *id_r,
    struct pst_error *err)
{
	struct queue *q = w->q;
	struct journal_record r = {
		.kind = QUEUE_MESSAGE, .id = w->id, .body = buf_str(&w->content)
	};
	struct queue_message *m;
	struct journal_place place;
	struct buf meta;
	char number[QUEUE_NUMBER];
	enum pst_rc rc = PST_OK;

	if (e->recipients == 0)
		return pst_fail(err, PST_E_SYNTAX, 0, "queue: nobody to go to");
	e->arrived = clock_seconds();
	e->size = w->size;
	envelope_sort(e);
	buf_init(&meta, QUEUE_ENVELOPE_MAX);
	queue_put_number(number, (uint32_t)w->chunks);
	(void)buf_add(&meta, number, sizeof(number));
	if (!envelope_encode(e, &meta))
		rc = pst_fail(
		    err, PST_E_LIMIT, 0, "queue: too large an envelope");
	r.meta = buf_str(&meta);
	if (rc == PST_OK)
		rc = journal_append(q->journal, &r, 1, true, &place, err);
	buf_fini(&meta);
	if (rc != PST_OK)
		return rc;
	*id_r = w->id;
	w->is_committed = true;
	pthread_mutex_lock(&q->lock);
	m = queue_message_make(q, w->id, e);
	m->place = place;
	m->chunk = w->chunk;
	m->chunks = (uint32_t)w->chunks;
	w->chunk = NULL;
	m->refs = 1;
	queue_insert(q, m);
	pthread_mutex_unlock(&q->lock);
	if (e->held)
		rc = hold_new(q, m, e, err);
	if (w->waits)
		w->unannounced = m;
	else
		announce(q, m);
	return rc;
}

void
queue_write_wait(struct queue_writer *w)
{
	w->waits = true;
}

void
queue_write_free(struct queue_writer **wp)
{
	struct queue_writer *w = *wp;

	*wp = NULL;
	if (w == NULL)
		return;
	for (size_t i = 0; i < w->chunks && !w->is_committed; i++)
		journal_forget(w->q->journal, w->chunk[i]);
	queue_use_end(w->q, &w->use);
	if (w->unannounced != NULL)
		announce(w->q, w->unannounced);
	free(w->chunk);
	buf_fini(&w->content);
	free(w);
}
