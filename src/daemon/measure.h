/*
 * daemon/measure.h - what can be measured of a server that runs: for
 * monitoring systems, and for the charts of administrators.
 *
 * Threads: from any thread.
 */
#ifndef DAEMON_MEASURE_H
#define DAEMON_MEASURE_H

#include "base/config.h"
#include "exchange/exchange.h"
#include "net/inspect.h"

struct daemon_measured {
	struct net *net;
	struct exchange *exchange; /* NULL: no mail goes out */
	int64_t started;
	/* A reference to the present configuration. */
	struct config *(*config)(void *arg);
	void *arg;
};

/* services.measure, of a struct daemon_measured. */
void daemon_measure(void *measured, struct buf *out);
/* One sample more (web/samples.h). */
void daemon_sample(const struct daemon_measured *m);

#endif
