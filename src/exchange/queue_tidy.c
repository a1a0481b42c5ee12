/*
 * exchange/queue_tidy.c - gives back what is not needed on the disk: what is
 * left of a segment is written again, and then it is dropped.
 */
#include "exchange/queue_priv.h"

#include "base/log.h"
#include "base/str.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* --- tidying up -----------------------------------------------------------
 */

struct tidy {
	struct queue *q;
	uint32_t segment;
	uint64_t *again; /* messages that are to be written again */
	size_t n, cap;
	enum pst_rc rc;
	struct pst_error err;
};

static void
keep_gone(struct tidy *t, const struct journal_record *r)
{
	struct pst_str meta = r->meta;
	struct journal_place place;
	uint32_t last;

	/* Older segments may still tell of the message; this one goes. */
	if (!queue_get_number(&meta, &last) ||
	    !journal_has_before(t->q->journal, last, t->segment))
		return;
	t->rc = journal_append(t->q->journal, r, 1, false, &place, &t->err);
	if (t->rc == PST_OK)
		journal_forget(t->q->journal, place);
}

static void
look_at(void *arg, const struct journal_record *r, struct journal_place place)
{
	struct tidy *t = arg;
	struct queue_message *m;

	(void)place;
	if (t->rc != PST_OK)
		return;
	if (r->kind == QUEUE_GONE) {
		struct journal_record gone = *r;

		gone.body = STR_NONE;
		keep_gone(t, &gone);
		return;
	}
	pthread_mutex_lock(&t->q->lock);
	m = *queue_slot(t->q, r->id);
	pthread_mutex_unlock(&t->q->lock);
	if (m == NULL || (t->n > 0 && t->again[t->n - 1] == r->id))
		return;
	mem_grow(&t->again, &t->cap, t->n + 1, sizeof(*t->again));
	t->again[t->n++] = r->id;
}

/* PERM: it is not what was written. */
static enum pst_rc
read_body(struct queue *q, struct journal_place place, struct buf *out,
    struct pst_error *err)
{
	struct journal_body body;
	enum pst_rc rc = journal_body_take(q->journal, place, &body, err);
	char *p;

	if (rc != PST_OK)
		return rc;
	p = buf_reserve(out, (size_t)body.n + 1);
	if (pread(body.fd, p, (size_t)body.n, (off_t)body.at) !=
	    (ssize_t)body.n)
		rc = pst_fail(err, PST_E_TEMP, errno, "queue: cannot be read");
	else if (journal_checksum(0, p, (size_t)body.n) != body.crc)
		rc = pst_fail(
		    err, PST_E_PERM, 0, "queue: a message is damaged");
	else
		buf_added(out, (size_t)body.n);
	journal_body_give(&body);
	return rc;
}

/* Writes one record again. */
static enum pst_rc
rewrite_one(struct queue *q, struct journal_place old,
    struct journal_place *new_r, struct pst_error *err)
{
	struct journal_record r;
	struct buf body;
	char *meta = NULL;
	enum pst_rc rc = journal_read(q->journal, old, &r, &meta, err);

	buf_init(&body, (size_t)JOURNAL_BODY_MAX + 1);
	if (rc == PST_OK && r.body.n > 0)
		rc = read_body(q, old, &body, err);
	if (rc == PST_OK) {
		r.body = buf_str(&body);
		rc = journal_append(q->journal, &r, 1, false, new_r, err);
	}
	free(meta);
	buf_fini(&body);
	return rc;
}

/* With a reference to it. Only this thread moves places of content; progress
 * may be replaced by others meanwhile. */
static enum pst_rc
rewrite_content(struct queue *q, struct queue_message *m, struct pst_error *err)
{
	struct journal_place *moved = mem_array(
	    (size_t)m->chunks + 1, sizeof(*moved));
	enum pst_rc rc = PST_OK;
	size_t n = 0;
	bool gone;

	for (; n <= m->chunks && rc == PST_OK; n++)
		rc = rewrite_one(
		    q, n < m->chunks ? m->chunk[n] : m->place, &moved[n], err);
	if (rc != PST_OK)
		n--;
	pthread_mutex_lock(&q->lock);
	gone = m->is_gone;
	for (size_t i = 0; i < n && rc == PST_OK && !gone; i++) {
		struct journal_place *at = i < m->chunks ? &m->chunk[i]
							 : &m->place;
		struct journal_place old = *at;

		*at = moved[i];
		moved[i] = old;
	}
	pthread_mutex_unlock(&q->lock);
	/* Its end may stand before what was written now. */
	if (gone && n > 0)
		rc = queue_write_gone(
		    q, m->id, moved[n - 1].segment, false, err);
	/* The old ones, or the new ones when they are of no use. */
	for (size_t i = 0; i < n; i++)
		journal_forget(q->journal, moved[i]);
	free(moved);
	return rc;
}

/* *stale_r: others have said something of the job meanwhile, and what was
 * written again stands behind that. */
static enum pst_rc
move_progress(struct queue *q, struct queue_job *job, bool *stale_r,
    struct pst_error *err)
{
	struct journal_place old = queue_place_of(q, &job->progress), place;
	enum pst_rc rc;
	bool used;

	*stale_r = false;
	if (old.segment == 0)
		return PST_OK;
	rc = rewrite_one(q, old, &place, err);
	if (rc == PST_E_PERM && queue_has_moved(q, &job->progress, old)) {
		*stale_r = true;
		return PST_OK;
	}
	if (rc != PST_OK)
		return rc;
	pthread_mutex_lock(&q->lock);
	used = !job->message->is_gone && queue_is_same(job->progress, old);
	*stale_r = !job->message->is_gone && !used &&
		   queue_is_behind(place, job->progress);
	if (used)
		job->progress = place;
	pthread_mutex_unlock(&q->lock);
	journal_forget(q->journal, used ? old : place);
	return PST_OK;
}

static enum pst_rc
rewrite_progress(struct queue *q, struct queue_job *job, struct pst_error *err)
{
	bool stale = true;
	enum pst_rc rc = PST_OK;

	while (rc == PST_OK && stale)
		rc = move_progress(q, job, &stale, err);
	return rc;
}

static bool
is_in(struct queue *q, const struct queue_message *m, uint32_t segment)
{
	bool in;

	pthread_mutex_lock(&q->lock);
	in = m->place.segment == segment;
	for (size_t i = 0; i < m->chunks && !in; i++)
		in = m->chunk[i].segment == segment;
	pthread_mutex_unlock(&q->lock);
	return in;
}

static enum pst_rc
rewrite_message(struct tidy *t, uint64_t id, struct pst_error *err)
{
	struct queue_message *m = queue_find(t->q, id);
	enum pst_rc rc = PST_OK;
	bool all;

	if (m == NULL)
		return PST_OK;
	all = is_in(t->q, m, t->segment);
	if (all)
		rc = rewrite_content(t->q, m, err);
	/* Progress has to stand behind the message. */
	for (size_t i = 0; i < m->jobs && rc == PST_OK; i++)
		if (all || queue_place_of(t->q, &m->job[i].progress).segment ==
			       t->segment)
			rc = rewrite_progress(t->q, &m->job[i], err);
	queue_let_go(t->q, m);
	return rc;
}

enum pst_rc
queue_tidy(struct queue *q, bool *more_r, struct pst_error *err)
{
	struct tidy t = { .q = q, .segment = journal_worst(q->journal) };
	enum pst_rc rc;

	*more_r = false;
	if (t.segment == 0 || queue_is_used(q, t.segment))
		return journal_sync(q->journal, err);
	rc = journal_each(q->journal, t.segment, look_at, &t, err);
	if (rc == PST_OK && t.rc != PST_OK) {
		rc = t.rc;
		*err = t.err;
	}
	for (size_t i = 0; i < t.n && rc == PST_OK; i++)
		rc = rewrite_message(&t, t.again[i], err);
	if (rc == PST_OK)
		rc = journal_sync(q->journal, err);
	if (rc == PST_OK) {
		journal_drop(q->journal, t.segment);
		*more_r = true;
	} else if (rc == PST_E_PERM) {
		log_failure(PST_LOG_ERROR, 0, "queue-damaged", err);
		journal_keep(q->journal, t.segment);
		*more_r = true;
		rc = PST_OK;
	}
	free(t.again);
	return rc;
}
