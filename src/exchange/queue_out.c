/*
 * exchange/queue_out.c - jobs, what becomes of them, and the content on its way
 * out.
 */
#include "exchange/queue_priv.h"

#include "base/str.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* --- out ------------------------------------------------------------------
 */

bool
queue_take(struct queue *q, struct queue_job *job)
{
	bool can;

	pthread_mutex_lock(&q->lock);
	can = !job->taken && !job->done && !job->held && !job->message->is_gone;
	if (can) {
		job->taken = true;
		job->message->refs++;
	}
	pthread_mutex_unlock(&q->lock);
	return can;
}

void
queue_let_go(struct queue *q, struct queue_message *m)
{
	bool last;

	pthread_mutex_lock(&q->lock);
	last = --m->refs == 0 && m->is_gone;
	pthread_mutex_unlock(&q->lock);
	if (!last)
		return;
	for (size_t i = 0; i < m->jobs && q->opt.gone != NULL; i++)
		if (!m->job[i].done)
			q->opt.gone(q->opt.arg, &m->job[i]);
	pthread_mutex_lock(&q->lock);
	queue_message_free(q, m);
	pthread_mutex_unlock(&q->lock);
}

void
queue_postpone(struct queue *q, struct queue_job *job, int64_t due)
{
	pthread_mutex_lock(&q->lock);
	job->due = due;
	pthread_mutex_unlock(&q->lock);
}

void
queue_untake(struct queue *q, struct queue_job *job)
{
	pthread_mutex_lock(&q->lock);
	job->taken = false;
	pthread_mutex_unlock(&q->lock);
}

void
queue_give(struct queue *q, struct queue_job *job)
{
	queue_untake(q, job);
	queue_let_go(q, job->message);
}

enum pst_rc
queue_write_gone(struct queue *q, uint64_t id, uint32_t last, bool sync,
    struct pst_error *err)
{
	struct journal_record r = { .kind = QUEUE_GONE, .id = id };
	struct journal_place place;
	char number[QUEUE_NUMBER];
	enum pst_rc rc;

	queue_put_number(number, last);
	r.meta = str_n(number, sizeof(number));
	if (!sync) {
		journal_append_later(q->journal, &r);
		return PST_OK;
	}
	rc = journal_append(q->journal, &r, 1, true, &place, err);
	if (rc == PST_OK)
		journal_forget(q->journal, place);
	return rc;
}

/* Out of the table first: who tidies up looks there after writing a message
 * again, and then tells that it is gone, too. Wants a reference. */
enum pst_rc
queue_end_message(
    struct queue *q, struct queue_message *m, bool sync, struct pst_error *err)
{
	uint32_t last;

	pthread_mutex_lock(&q->lock);
	last = m->place.segment; /* chunks come before */
	if (!m->is_gone) {
		queue_message_remove(q, queue_slot(q, m->id));
		queue_forget_places(q, m);
	}
	pthread_mutex_unlock(&q->lock);
	return queue_write_gone(q, m->id, last, sync, err);
}

bool
queue_is_same(struct journal_place a, struct journal_place b)
{
	return a.segment == b.segment && a.at == b.at;
}

bool
queue_is_behind(struct journal_place a, struct journal_place b)
{
	return a.segment > b.segment || (a.segment == b.segment && a.at > b.at);
}

/* Where the last word on a job is. */
struct said {
	struct journal_place place;
	const struct queue_unsaved *unsaved;
};

/* With the lock. */
static struct said
said_of(const struct queue_job *job)
{
	return (struct said){ job->progress, job->unsaved };
}

/* With the lock; `meta` NULL: it is written down. */
static void
set_unsaved(struct queue_job *job, const struct pst_str *meta)
{
	free(job->unsaved);
	job->unsaved = NULL;
	if (meta == NULL)
		return;
	job->unsaved = mem_alloc(sizeof(*job->unsaved) + meta->n);
	job->unsaved->n = meta->n;
	memcpy(job->unsaved->meta, meta->p, meta->n);
}

/*
 * Says what is true of a job now, whose last record is at `from`. *moved_r:
 * that has changed meanwhile, or the message is written again behind what was
 * said. At the start the last word of the journal counts, so it has to be said
 * again, with what is true then.
 */
static enum pst_rc
write_progress(struct queue *q, struct queue_job *job, const struct envelope *e,
    const struct envelope_progress *p, struct said from, bool *moved_r,
    struct pst_error *err)
{
	struct queue_message *m = job->message;
	struct journal_record r = { .kind = QUEUE_PROGRESS, .id = m->id };
	struct journal_place place, unused;
	struct queue_use use;
	struct buf meta;
	enum pst_rc rc = PST_OK;

	*moved_r = false;
	buf_init(&meta, QUEUE_ENVELOPE_MAX);
	queue_use_begin(q, &use);
	if (!envelope_progress_encode(e, p, &meta))
		rc = pst_fail(err, PST_E_LIMIT, 0, "queue: too large a record");
	r.meta = buf_str(&meta);
	if (rc == PST_OK)
		rc = journal_append(q->journal, &r, 1, false, &place, err);
	buf_fini(&meta);
	if (rc == PST_OK) {
		pthread_mutex_lock(&q->lock);
		*moved_r = !m->is_gone &&
			   (!queue_is_same(job->progress, from.place) ||
			       job->unsaved != from.unsaved ||
			       queue_is_behind(m->place, place));
		unused = *moved_r ? place : job->progress;
		if (!*moved_r) {
			job->progress = place;
			set_unsaved(job, NULL);
		}
		pthread_mutex_unlock(&q->lock);
		journal_forget(q->journal, unused);
	}
	queue_use_end(q, &use);
	return rc;
}

/* On a full disk it is remembered: or all recipients of the job would get the
 * message again with each try. */
static void
keep_unsaved(struct queue *q, struct queue_job *job, const struct envelope *e,
    const struct envelope_progress *p)
{
	struct pst_str text;
	struct buf meta;

	buf_init(&meta, QUEUE_ENVELOPE_MAX);
	if (envelope_progress_encode(e, p, &meta)) {
		text = buf_str(&meta);
		pthread_mutex_lock(&q->lock);
		set_unsaved(job, &text);
		pthread_mutex_unlock(&q->lock);
	}
	buf_fini(&meta);
}

/* Until it is the last word; it may be held, or not any more, meanwhile. */
static enum pst_rc
say_progress(struct queue *q, struct queue_job *job, const struct envelope *e,
    struct envelope_progress *p, struct said from, struct pst_error *err)
{
	bool moved;
	enum pst_rc rc = write_progress(q, job, e, p, from, &moved, err);

	while (rc == PST_OK && moved) {
		struct arena *arena;
		struct envelope now;

		pthread_mutex_lock(&q->lock);
		from = said_of(job);
		p->held = job->held;
		pthread_mutex_unlock(&q->lock);
		rc = queue_load(q, job->message, &arena, &now, err);
		if (rc != PST_OK)
			break;
		p->reason = now.reason;
		rc = write_progress(q, job, e, p, from, &moved, err);
		p->reason = STR_NONE;
		arena_free(&arena);
	}
	if (rc != PST_OK)
		keep_unsaved(q, job, e, p);
	return rc;
}

enum pst_rc
queue_update(struct queue *q, struct queue_job *job, const struct envelope *e,
    const struct envelope_progress *p, struct pst_error *err)
{
	struct queue_message *m = job->message;
	struct envelope_progress mine = *p;
	struct said from;
	bool over = true, last;
	enum pst_rc rc = PST_OK;

	mine.first = job->first;
	mine.n = job->n;
	for (size_t i = 0; i < job->n && over; i++)
		over = e->recipient[job->first + i].state != RECIPIENT_WAITS;
	pthread_mutex_lock(&q->lock);
	job->tries = mine.tries;
	job->due = mine.due;
	/* It may have been held while it was tried. */
	mine.held |= job->held;
	job->held = mine.held;
	job->told = queue_all_told(e, job);
	if (over && !job->done) {
		job->done = true;
		m->left--;
	}
	last = m->left == 0;
	from = said_of(job);
	pthread_mutex_unlock(&q->lock);
	rc = last ? queue_end_message(q, m, false, err)
		  : say_progress(q, job, e, &mine, from, err);
	if (over && q->opt.gone != NULL)
		q->opt.gone(q->opt.arg, job);
	return rc;
}

/* Adds what the last record of a job tells. */
static enum pst_rc
load_progress(struct queue *q, struct journal_place place, struct arena *arena,
    struct envelope *e, struct pst_error *err)
{
	struct journal_record r;
	struct envelope_progress p;
	char *meta;
	enum pst_rc rc;

	if (place.segment == 0)
		return PST_OK;
	rc = journal_read(q->journal, place, &r, &meta, err);
	if (rc != PST_OK)
		return rc;
	if (!envelope_progress_decode(r.meta, arena, e, &p))
		rc = pst_fail(err, PST_E_PERM, 0, "queue: damaged");
	else if (p.reason.n > 0)
		e->reason = p.reason;
	free(meta);
	return rc;
}

/* False: all was written down. */
static bool
load_unsaved(struct queue *q, const struct queue_job *job, struct arena *arena,
    struct envelope *e)
{
	struct pst_str meta = STR_NONE;
	struct envelope_progress p;

	pthread_mutex_lock(&q->lock);
	if (job->unsaved != NULL)
		meta = arena_copy(
		    arena, str_n(job->unsaved->meta, job->unsaved->n));
	pthread_mutex_unlock(&q->lock);
	if (meta.p == NULL || !envelope_progress_decode(meta, arena, e, &p))
		return false;
	if (p.reason.n > 0)
		e->reason = p.reason;
	return true;
}

/* A place moves when its segment is given up; then it is read anew. */
struct journal_place
queue_place_of(struct queue *q, const struct journal_place *place)
{
	struct journal_place now;

	pthread_mutex_lock(&q->lock);
	now = *place;
	pthread_mutex_unlock(&q->lock);
	return now;
}

bool
queue_has_moved(struct queue *q, const struct journal_place *place,
    struct journal_place from)
{
	struct journal_place now = queue_place_of(q, place);

	return now.segment != from.segment || now.at != from.at;
}

enum pst_rc
queue_load(struct queue *q, struct queue_message *m, struct arena **arena_r,
    struct envelope *e_r, struct pst_error *err)
{
	struct arena *arena = arena_new(QUEUE_ARENA_MAX);
	struct journal_place place;
	struct journal_record r;
	struct pst_str envelope;
	uint32_t chunks;
	char *meta;
	enum pst_rc rc;

	do {
		place = queue_place_of(q, &m->place);
		rc = journal_read(q->journal, place, &r, &meta, err);
	} while (rc == PST_E_PERM && queue_has_moved(q, &m->place, place));
	if (rc == PST_OK) {
		envelope = r.meta;
		if (!queue_get_number(&envelope, &chunks) ||
		    !envelope_decode(envelope, arena, e_r))
			rc = pst_fail(err, PST_E_PERM, 0, "queue: damaged");
		free(meta);
	}
	/* What came to be held may have been released. */
	e_r->held = false;
	pthread_mutex_lock(&q->lock);
	for (size_t i = 0; i < m->jobs; i++)
		e_r->held |= m->job[i].held;
	pthread_mutex_unlock(&q->lock);
	for (size_t i = 0; i < m->jobs && rc == PST_OK; i++) {
		if (load_unsaved(q, &m->job[i], arena, e_r))
			continue;
		do {
			place = queue_place_of(q, &m->job[i].progress);
			rc = load_progress(q, place, arena, e_r, err);
		} while (rc == PST_E_PERM &&
			 queue_has_moved(q, &m->job[i].progress, place));
	}
	if (rc != PST_OK)
		arena_free(&arena);
	*arena_r = arena;
	return rc;
}

/* `e` is what was true when the job's last record was at `from`. */
static enum pst_rc
hold_job(struct queue *q, struct queue_job *job, const struct envelope *e,
    struct said from, bool held, const char *reason, struct pst_error *err)
{
	struct envelope_progress p = { .first = job->first,
		.n = job->n,
		.held = held,
		.reason = str_of(reason) };
	enum pst_rc rc;
	bool done, moved = false;

	pthread_mutex_lock(&q->lock);
	done = job->done;
	job->held = held;
	p.tries = job->tries;
	p.due = job->due;
	pthread_mutex_unlock(&q->lock);
	rc = done ? PST_OK : write_progress(q, job, e, &p, from, &moved, err);
	while (rc == PST_OK && moved) {
		struct arena *arena;
		struct envelope now;

		pthread_mutex_lock(&q->lock);
		from = said_of(job);
		p.tries = job->tries;
		p.due = job->due;
		pthread_mutex_unlock(&q->lock);
		rc = queue_load(q, job->message, &arena, &now, err);
		if (rc != PST_OK)
			return rc;
		rc = write_progress(q, job, &now, &p, from, &moved, err);
		arena_free(&arena);
	}
	return rc;
}

enum pst_rc
queue_hold(struct queue *q, struct queue_message *m, bool held,
    const char *reason, struct pst_error *err)
{
	struct said *from = mem_array((size_t)m->jobs + 1, sizeof(*from));
	struct arena *arena;
	struct envelope e;
	enum pst_rc rc;

	pthread_mutex_lock(&q->lock);
	for (size_t i = 0; i < m->jobs; i++)
		from[i] = said_of(&m->job[i]);
	pthread_mutex_unlock(&q->lock);
	rc = queue_load(q, m, &arena, &e, err);
	for (size_t i = 0; i < m->jobs && rc == PST_OK; i++)
		rc = hold_job(q, &m->job[i], &e, from[i], held, reason, err);
	free(from);
	arena_free(&arena);
	return rc == PST_OK ? journal_sync(q->journal, err) : rc;
}

struct queue_reader {
	struct queue *q;
	struct queue_message *m;
	size_t part; /* chunks first, then the message's own body */
	struct journal_body body;
	uint64_t at;
	uint32_t crc;
	bool is_open;
};

struct queue_reader *
queue_read_new(struct queue *q, struct queue_message *m)
{
	struct queue_reader *r = mem_alloc(sizeof(*r));

	r->q = q;
	r->m = m;
	return r;
}

static enum pst_rc
open_part(struct queue_reader *r, struct pst_error *err)
{
	struct journal_place *at = r->part < r->m->chunks
				       ? &r->m->chunk[r->part]
				       : &r->m->place;
	struct journal_place place;
	enum pst_rc rc;

	do {
		place = queue_place_of(r->q, at);
		rc = journal_body_take(r->q->journal, place, &r->body, err);
	} while (rc == PST_E_PERM && queue_has_moved(r->q, at, place));
	r->is_open = rc == PST_OK;
	r->at = 0;
	r->crc = 0;
	return rc;
}

enum pst_rc
queue_read(struct queue_reader *r, void *p, size_t n, size_t *got_r,
    struct pst_error *err)
{
	*got_r = 0;
	while (r->part <= r->m->chunks) {
		ssize_t got;
		enum pst_rc rc = r->is_open ? PST_OK : open_part(r, err);

		if (rc != PST_OK)
			return rc;
		if (r->at == r->body.n) {
			uint32_t right = r->body.crc;

			journal_body_give(&r->body);
			r->is_open = false;
			r->part++;
			if (right != r->crc)
				return pst_fail(err, PST_E_PERM, 0,
				    "queue: a message is damaged");
			continue;
		}
		if (n > r->body.n - r->at)
			n = (size_t)(r->body.n - r->at);
		got = pread(r->body.fd, p, n, (off_t)(r->body.at + r->at));
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return pst_fail(
			    err, PST_E_TEMP, errno, "queue: cannot be read");
		r->crc = journal_checksum(r->crc, p, (size_t)got);
		r->at += (uint64_t)got;
		*got_r = (size_t)got;
		return PST_OK;
	}
	return PST_OK;
}

void
queue_read_free(struct queue_reader **rp)
{
	struct queue_reader *r = *rp;

	*rp = NULL;
	if (r == NULL)
		return;
	if (r->is_open)
		journal_body_give(&r->body);
	free(r);
}
