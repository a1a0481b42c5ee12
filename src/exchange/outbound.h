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
	/* Signs what is sent: fills the seal, and returns what end_signing()
	 * gets when it is over, or NULL for none. Both may be NULL. */
	void *(*begin_signing)(
	    void *arg, struct config *cfg, struct delivery_seal *seal_r);
	void (*end_signing)(void *signer);
	void *arg;
};
enum pst_rc exchange_notify(void *notifier, struct pst_str to,
    const struct pst_str *part, size_t parts, bool require_tls,
    struct pst_error *err);

#endif
