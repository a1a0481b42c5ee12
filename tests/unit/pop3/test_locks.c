/*
 * Locks of maildrops, and the time between logins.
 */
#include "base/clock.h"
#include "pop3/locks.h"

#include <criterion/criterion.h>
#include <pthread.h>

Test(pop3_locks, one_at_a_time)
{
	struct pop3_locks *l = pop3_locks_new();

	cr_assert_eq(pop3_lock(l, "a@x", true, 0), POP3_LOCKED);
	cr_expect_eq(pop3_lock(l, "a@x", true, 0), POP3_LOCK_HELD);
	cr_expect_eq(pop3_lock(l, "b@x", true, 0), POP3_LOCKED);
	pop3_unlock(l, "a@x");
	cr_expect_eq(pop3_lock(l, "a@x", true, 0), POP3_LOCKED);
	cr_expect_eq(pop3_lock(l, "b@x", true, 0), POP3_LOCK_HELD);
	pop3_locks_free(&l);
	cr_expect_null(l);
}

Test(pop3_locks, several_when_they_do_not_exclude)
{
	struct pop3_locks *l = pop3_locks_new();

	cr_assert_eq(pop3_lock(l, "a@x", false, 0), POP3_LOCKED);
	cr_assert_eq(pop3_lock(l, "a@x", false, 0), POP3_LOCKED);
	cr_expect_eq(pop3_lock(l, "a@x", true, 0), POP3_LOCK_HELD);
	pop3_unlock(l, "a@x");
	cr_expect_eq(pop3_lock(l, "a@x", true, 0), POP3_LOCK_HELD);
	pop3_unlock(l, "a@x");
	cr_expect_eq(pop3_lock(l, "a@x", true, 0), POP3_LOCKED);
	pop3_locks_free(&l);
}

Test(pop3_locks, a_login_is_remembered_for_the_delay)
{
	struct pop3_locks *l = pop3_locks_new();

	cr_assert_eq(pop3_lock(l, "a@x", true, 60), POP3_LOCKED);
	pop3_lock_used(l, "a@x");
	cr_expect_eq(pop3_lock(l, "a@x", true, 60), POP3_LOCK_HELD);
	pop3_unlock(l, "a@x");
	cr_expect_eq(pop3_lock(l, "a@x", true, 60), POP3_LOCK_EARLY);
	cr_expect_eq(pop3_lock(l, "b@x", true, 60), POP3_LOCKED);
	clock_advance(59 * INT64_C(1000000));
	cr_expect_eq(pop3_lock(l, "a@x", true, 60), POP3_LOCK_EARLY);
	clock_advance(2 * INT64_C(1000000));
	cr_expect_eq(pop3_lock(l, "a@x", true, 60), POP3_LOCKED);
	/* One that came to nothing does not count. */
	pop3_unlock(l, "b@x");
	cr_expect_eq(pop3_lock(l, "b@x", true, 60), POP3_LOCKED);
	pop3_locks_free(&l);
}

/* Thousands of users leave nothing behind but what the delay needs. */
Test(pop3_locks, many_maildrops)
{
	struct pop3_locks *l = pop3_locks_new();
	char name[32];

	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 20000; i++) {
			(void)snprintf(name, sizeof(name), "u%d@x", i);
			cr_assert_eq(pop3_lock(l, name, true, 30), POP3_LOCKED);
			pop3_lock_used(l, name);
			pop3_unlock(l, name);
		}
		clock_advance(31 * INT64_C(1000000));
	}
	pop3_locks_free(&l);
}

struct race {
	struct pop3_locks *l;
	int held; /* by the one who has the lock */
	bool broken;
};

static void *
race(void *arg)
{
	struct race *r = arg;

	for (int i = 0; i < 20000; i++) {
		if (pop3_lock(r->l, "a@x", true, 0) != POP3_LOCKED)
			continue;
		if (++r->held != 1)
			r->broken = true;
		r->held--;
		pop3_unlock(r->l, "a@x");
	}
	return NULL;
}

Test(pop3_locks, from_many_threads)
{
	struct race r = { .l = pop3_locks_new() };
	pthread_t thread[4];

	for (int i = 0; i < 4; i++)
		cr_assert_eq(pthread_create(&thread[i], NULL, race, &r), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(thread[i], NULL);
	cr_expect_not(r.broken);
	cr_expect_eq(pop3_lock(r.l, "a@x", true, 0), POP3_LOCKED);
	pop3_locks_free(&r.l);
}
