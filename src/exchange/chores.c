/*
 * exchange/chores.c - what has to be done now and then and waits for the
 * network, in a thread of its own.
 */
#include "exchange/priv.h"

#include "base/clock.h"

#include <time.h>

enum {
	STEP = 2, /* seconds between looks at what is due */
	SAVE_REPORTS = 60,
	TEND_STS = 3600,
};

/* False: the agent is stopping. */
static bool
wait_a_step(struct exchange *x)
{
	struct timespec until;
	bool goes_on;
	int rc = 0;

	(void)clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += STEP;
	pthread_mutex_lock(&x->lock);
	while (!x->is_stopping && rc == 0)
		rc = pthread_cond_timedwait(&x->moved, &x->lock, &until);
	goes_on = !x->is_stopping;
	pthread_mutex_unlock(&x->lock);
	return goes_on;
}

void *
exchange_chores(void *exchange)
{
	struct exchange *x = exchange;
	int64_t tend_sts = 0, save_reports = 0;

	while (wait_a_step(x)) {
		struct config *cfg = exchange_config(x);

		exchange_send_reports(x, cfg);
		config_unref(&cfg);
		if (clock_monotonic() >= save_reports) {
			tlsrpt_save(x->tlsrpt);
			save_reports = clock_monotonic() +
				       INT64_C(1000000) * SAVE_REPORTS;
		}
		if (clock_monotonic() < tend_sts)
			continue;
		sts_tend(x->sts, &x->host.dns);
		tend_sts = clock_monotonic() + INT64_C(1000000) * TEND_STS;
	}
	return NULL;
}
