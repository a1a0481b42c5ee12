/*
 * net/jobs.h - threads for what waits for the network, so that no worker of
 * the pool has to.
 *
 * A job is a function and its argument. Typically the protocol returns
 * NET_WAIT, the job does the waiting and calls net_wake() in the end. It must
 * not rely on the connection: that may be gone meanwhile.
 *
 * Threads are started when all are busy, up to a maximum, and end when there
 * has been nothing to do for a while.
 *
 * Threads: job_run() from any thread, also from within a job.
 */
#ifndef NET_JOBS_H
#define NET_JOBS_H

#include <postern/types.h>

struct jobs;

struct jobs *jobs_new(size_t threads_max, size_t queue_max);
/* Runs what is queued to its end, then ends the threads. */
void jobs_free(struct jobs **j);
/* False: the queue is full, or no thread can be started; `fn` is not called. */
bool job_run(struct jobs *j, void (*fn)(void *arg), void *arg);

#endif
