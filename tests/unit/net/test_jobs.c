/*
 * Jobs: a bounded queue, threads that grow and are bounded, an end that loses
 * nothing.
 */
#include "fixture.h"

#include "net/jobs.h"
#include <criterion/criterion.h>

static _Atomic unsigned done, running, most;
static atomic_bool hold;

static void
count(void *arg)
{
	(void)arg;
	atomic_fetch_add(&done, 1);
}

static void
linger(void *arg)
{
	unsigned now = atomic_fetch_add(&running, 1) + 1, old;

	old = atomic_load(&most);
	while (now > old && !atomic_compare_exchange_weak(&most, &old, now))
		;
	while (atomic_load(&hold))
		sleep_ms(1);
	atomic_fetch_sub(&running, 1);
	count(arg);
}

Test(jobs, runs_each_once)
{
	struct jobs *j = jobs_new(4, 1000);

	for (int i = 0; i < 500; i++)
		cr_assert(job_run(j, count, NULL));
	jobs_free(&j);
	cr_expect_eq(atomic_load(&done), 500);
	cr_expect_null(j);
}

Test(jobs, grows_up_to_its_threads_and_refuses_what_the_queue_cannot_hold)
{
	struct jobs *j = jobs_new(3, 5);
	unsigned taken = 0;

	atomic_store(&hold, true);
	for (int i = 0; i < 3; i++) {
		cr_assert(job_run(j, linger, NULL));
		cr_assert(wait_for(&running, (unsigned)i + 1));
	}
	for (int i = 0; i < 20; i++)
		taken += job_run(j, linger, NULL);
	cr_expect_eq(taken, 5);
	atomic_store(&hold, false);
	cr_expect(wait_for(&done, 8));
	cr_expect_eq(atomic_load(&most), 3);
	cr_expect(job_run(j, count, NULL));
	jobs_free(&j);
	cr_expect_eq(atomic_load(&done), 9);
}
