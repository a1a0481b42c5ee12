/*
 * exchange/outbound.h - the agent as deliveries see it (delivery/outbound.h),
 * and deliveries as the agent uses them.
 *
 * Threads: from any thread.
 */
#ifndef EXCHANGE_OUTBOUND_H
#define EXCHANGE_OUTBOUND_H

#include "delivery/delivery.h"
#include "exchange/exchange.h"

/* Fills `out_r`; the agent must outlive its use. */
void exchange_outbound(struct exchange *x, struct outbound *out_r);

/* A notification by a delivery of its own, for struct exchange_host; `arg` is
 * a struct exchange_notifier. */
struct exchange_notifier {
	const struct services *services;
	struct config *(*config)(void *arg); /* a reference */
	void *arg;
};
enum pst_rc exchange_notify(void *notifier, struct pst_str to,
    const struct pst_str *part, size_t parts, struct pst_error *err);

#endif
