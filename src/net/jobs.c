/*
 * net/jobs.c - a bounded queue of jobs and the threads that run them.
 */
#include "net/jobs.h"

#include "base/mem.h"
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

enum { JOB_STACK = 1 << 20, SPARE_SECONDS = 10 };

struct job {
	void (*fn)(void *arg);
	void *arg;
};

struct jobs {
	pthread_mutex_t lock; /* guards all below; a leaf */
	pthread_cond_t work;  /* a job came, or `quit` */
	pthread_cond_t ended; /* the last thread has */
	struct job *queue;    /* a ring */
	size_t first, n, queue_max;
	size_t threads, threads_max;
	size_t waiting; /* threads without a job */
	bool quit;
};

struct jobs *
jobs_new(size_t threads_max, size_t queue_max)
{
	struct jobs *j = mem_alloc(sizeof(*j));
	pthread_condattr_t attr;

	pthread_mutex_init(&j->lock, NULL);
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&j->work, &attr);
	(void)pthread_condattr_destroy(&attr);
	pthread_cond_init(&j->ended, NULL);
	j->queue = mem_array(queue_max, sizeof(*j->queue));
	j->queue_max = queue_max;
	j->threads_max = threads_max;
	return j;
}

/* Waits for work. False: this thread is to end. */
static bool
take(struct jobs *j, struct job *job_r)
{
	struct timespec until;
	int rc = 0;

	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += SPARE_SECONDS;
	j->waiting++;
	while (j->n == 0 && !j->quit && rc != ETIMEDOUT)
		rc = pthread_cond_timedwait(&j->work, &j->lock, &until);
	j->waiting--;
	if (j->n == 0)
		return false;
	*job_r = j->queue[j->first];
	j->first = (j->first + 1) % j->queue_max;
	j->n--;
	return true;
}

static void *
thread_main(void *arg)
{
	struct jobs *j = arg;
	struct job job;

	pthread_mutex_lock(&j->lock);
	while (take(j, &job)) {
		pthread_mutex_unlock(&j->lock);
		job.fn(job.arg);
		pthread_mutex_lock(&j->lock);
	}
	if (--j->threads == 0)
		pthread_cond_broadcast(&j->ended);
	pthread_mutex_unlock(&j->lock);
	return NULL;
}

/* With the lock held. */
static void
spawn(struct jobs *j)
{
	pthread_attr_t attr;
	pthread_t thread;

	(void)pthread_attr_init(&attr);
	(void)pthread_attr_setstacksize(&attr, JOB_STACK);
	(void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	if (pthread_create(&thread, &attr, thread_main, j) == 0)
		j->threads++;
	(void)pthread_attr_destroy(&attr);
}

bool
job_run(struct jobs *j, void (*fn)(void *arg), void *arg)
{
	bool taken;

	pthread_mutex_lock(&j->lock);
	if (!j->quit && j->n >= j->waiting && j->threads < j->threads_max)
		spawn(j);
	taken = !j->quit && j->threads > 0 && j->n < j->queue_max;
	if (taken) {
		j->queue[(j->first + j->n) % j->queue_max] = (struct job){ fn,
			arg };
		j->n++;
		pthread_cond_signal(&j->work);
	}
	pthread_mutex_unlock(&j->lock);
	return taken;
}

void
jobs_free(struct jobs **jp)
{
	struct jobs *j = *jp;

	if (j == NULL)
		return;
	*jp = NULL;
	pthread_mutex_lock(&j->lock);
	j->quit = true;
	pthread_cond_broadcast(&j->work);
	while (j->threads > 0)
		pthread_cond_wait(&j->ended, &j->lock);
	pthread_mutex_unlock(&j->lock);
	pthread_cond_destroy(&j->work);
	pthread_cond_destroy(&j->ended);
	pthread_mutex_destroy(&j->lock);
	free(j->queue);
	free(j);
}
