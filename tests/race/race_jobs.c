/*
 * Jobs under several threads: they are handed in from many, run, hand in others
 * themselves, and the queue is ended in the middle of it. A plain program for
 * ThreadSanitizer; ends with 0 when every job that was taken has run once.
 */
#include "net/jobs.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

enum { LIVES = 20, GIVERS = 6, EACH = 2000, THREADS = 5, QUEUE = 64 };

static _Atomic unsigned taken, ran;

static void
leaf(void *arg)
{
	(void)arg;
	atomic_fetch_add(&ran, 1);
}

static void
branch(void *arg)
{
	atomic_fetch_add(&ran, 1);
	if (job_run(arg, leaf, arg))
		atomic_fetch_add(&taken, 1);
}

static void *
giver(void *arg)
{
	for (int i = 0; i < EACH; i++)
		if (job_run(arg, i % 3 == 0 ? branch : leaf, arg))
			atomic_fetch_add(&taken, 1);
	return NULL;
}

int
main(void)
{
	pthread_t thread[GIVERS];
	struct jobs *jobs;

	for (int life = 0; life < LIVES; life++) {
		jobs = jobs_new(THREADS, QUEUE);
		for (size_t i = 0; i < GIVERS; i++)
			(void)pthread_create(&thread[i], NULL, giver, jobs);
		for (size_t i = 0; i < GIVERS; i++)
			(void)pthread_join(thread[i], NULL);
		jobs_free(&jobs);
	}
	(void)printf("%u jobs\n", ran);
	return taken == ran && ran > LIVES * QUEUE ? 0 : 1;
}
