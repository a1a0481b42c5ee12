/*
 * base/clock.c - the clocks and the source of random octets.
 */
#include "base/clock.h"

#include "base/log.h"
#include <errno.h>
#include <stdatomic.h>
#include <sys/random.h>
#include <time.h>

static _Atomic int64_t advanced;

static int64_t
read_clock(clockid_t id)
{
	struct timespec ts;

	(void)clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000 +
	       atomic_load_explicit(&advanced, memory_order_relaxed);
}

int64_t
clock_now(void)
{
	return read_clock(CLOCK_REALTIME);
}

int64_t
clock_seconds(void)
{
	return clock_now() / 1000000;
}

int64_t
clock_monotonic(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

void
clock_advance(int64_t us)
{
	atomic_fetch_add(&advanced, us);
}

void
random_bytes(void *p, size_t n)
{
	char *to = p;

	while (n > 0) {
		ssize_t got = getrandom(to, n, 0);

		if (got < 0 && errno != EINTR)
			pst_bug("the kernel gives no random octets");
		if (got > 0) {
			to += got;
			n -= (size_t)got;
		}
	}
}

uint64_t
random_u64(void)
{
	uint64_t value;

	random_bytes(&value, sizeof(value));
	return value;
}
