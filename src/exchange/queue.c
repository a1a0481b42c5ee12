/*
 * exchange/queue.c - opening and closing, and what administrators ask.
 */
#include "exchange/queue_priv.h"

#include "base/log.h"
#include "base/str.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- opening --------------------------------------------------------------
 */

static int
compare_ids(const void *a, const void *b)
{
	const struct queue_message *const *x = a, *const *y = b;

	return (*x)->id < (*y)->id ? -1 : (*x)->id > (*y)->id;
}

static void
announce_all(struct queue *q)
{
	struct queue_message **all = mem_array(q->messages + 1, sizeof(*all));
	size_t n = 0;

	for (size_t i = 0; i < q->buckets; i++)
		for (struct queue_message *m = q->bucket[i]; m != NULL;
		     m = m->next)
			all[n++] = m;
	if (n > 0)
		qsort(all, n, sizeof(*all), compare_ids);
	for (size_t i = 0; i < n; i++) {
		queue_need_places(q, all[i]);
		if (all[i]->left == 0) {
			/* Only its end was not written any more. */
			struct pst_error err;

			all[i]->refs++;
			(void)queue_end_message(q, all[i], false, &err);
			queue_let_go(q, all[i]);
			continue;
		}
		for (size_t k = 0; k < all[i]->jobs; k++)
			if (!all[i]->job[k].done && q->opt.came != NULL)
				q->opt.came(q->opt.arg, &all[i]->job[k]);
	}
	free(all);
}

enum pst_rc
queue_open(const char *path, const struct queue_options *opt,
    struct queue **q_r, struct pst_error *err)
{
	struct queue *q = mem_alloc(sizeof(*q));
	enum pst_rc rc = PST_OK;

	q->opt = *opt;
	pthread_mutex_init(&q->lock, NULL);
	q->buckets = q->domain_buckets = QUEUE_BUCKETS_MIN;
	q->bucket = mem_array(q->buckets, sizeof(*q->bucket));
	q->domain = mem_array(q->domain_buckets, sizeof(*q->domain));
	if (mkdir(path, 0700) != 0 && errno != EEXIST)
		rc = pst_fail(
		    err, PST_E_TEMP, errno, "%s: %s", path, strerror(errno));
	if (rc == PST_OK)
		rc = journal_open(
		    path, &opt->journal, queue_replay, q, &q->journal, err);
	queue_drop_orphans(q);
	if (rc != PST_OK) {
		queue_close(&q);
		*q_r = NULL;
		return rc;
	}
	if (q->damaged > 0) {
		log_text(PST_LOG_ERROR, 0, "queue-damaged",
		    "%zu records of %s are not understood", q->damaged, path);
		/* A later version may understand them; nobody knows which
		 * content is theirs. */
		journal_keep_all(q->journal);
	}
	*q_r = q;
	announce_all(q);
	return PST_OK;
}

void
queue_close(struct queue **qp)
{
	struct queue *q = *qp;

	*qp = NULL;
	if (q == NULL)
		return;
	journal_close(&q->journal);
	for (size_t i = 0; i < q->buckets; i++) {
		struct queue_message *m = q->bucket[i], *next;

		for (; m != NULL; m = next) {
			next = m->next;
			queue_message_free(q, m);
		}
	}
	free(q->bucket);
	free(q->domain);
	pthread_mutex_destroy(&q->lock);
	free(q);
}

/* --- administration -------------------------------------------------------
 */

uint64_t
queue_message_id(const struct queue_message *m)
{
	return m->id;
}

struct queue_job *
queue_message_jobs(struct queue_message *m, size_t *n_r)
{
	*n_r = m->jobs;
	return m->job;
}

struct queue_message *
queue_find(struct queue *q, uint64_t id)
{
	struct queue_message *m;

	pthread_mutex_lock(&q->lock);
	m = *queue_slot(q, id);
	if (m != NULL)
		m->refs++;
	pthread_mutex_unlock(&q->lock);
	return m;
}

static int
compare_numbers(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

uint64_t *
queue_ids(struct queue *q, size_t *n_r)
{
	uint64_t *ids;
	size_t n = 0;

	pthread_mutex_lock(&q->lock);
	ids = mem_array(q->messages + 1, sizeof(*ids));
	for (size_t i = 0; i < q->buckets; i++)
		for (struct queue_message *m = q->bucket[i]; m != NULL;
		     m = m->next)
			ids[n++] = m->id;
	pthread_mutex_unlock(&q->lock);
	if (n > 1)
		qsort(ids, n, sizeof(*ids), compare_numbers);
	*n_r = n;
	return ids;
}

enum pst_rc
queue_delete(struct queue *q, uint64_t id, struct pst_error *err)
{
	struct queue_message *m = queue_find(q, id);
	enum pst_rc rc;

	if (m == NULL)
		return pst_fail(err, PST_E_NOTFOUND, 0, "queue: no such id");
	rc = queue_end_message(q, m, true, err);
	queue_let_go(q, m);
	return rc;
}

void
queue_count(struct queue *q, struct queue_count *count_r)
{
	pthread_mutex_lock(&q->lock);
	count_r->messages = q->messages;
	count_r->jobs = q->jobs;
	count_r->domains = q->domains;
	pthread_mutex_unlock(&q->lock);
	journal_measure(q->journal, &count_r->disk);
}
