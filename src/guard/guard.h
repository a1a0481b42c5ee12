/*
 * guard/guard.h - who may hand mail in: what the server keeps for its defences,
 * and which parts there are.
 *
 *	rates.h		how much comes from an address
 *	known.h		who has waited for the greeting
 *	grey.h		who has come again
 *	hello.h		HELO names
 *	dnslist.h	DNS block and allow lists
 *	client.h	all checks of one client, and what they say
 *	milter.h	programs that look at mail as it comes
 *
 * Threads: a struct guard is used from any thread.
 */
#ifndef GUARD_GUARD_H
#define GUARD_GUARD_H

#include "base/config.h"
#include "guard/grey.h"
#include "guard/known.h"
#include "guard/rates.h"
#include "net/dns.h"
#include "net/jobs.h"
#include <stdatomic.h>

struct guard {
	struct dns_resolver dns;
	struct jobs *jobs;	  /* that wait for the DNS */
	struct jobs *milter_jobs; /* that wait for milters */
	atomic_bool stops;	  /* jobs shall not wait any longer */
	struct guard_grey *grey;  /* NULL: nobody has to wait */
	struct guard_rates *rates;
	struct guard_known *known;
};

/* What `dns` asks must outlive the guard. NULL: the file of the greylist cannot
 * be opened. */
struct guard *guard_new(const struct config *cfg,
    const struct dns_resolver *dns, struct pst_error *err);
/* Ends the jobs first; what they wake may be gone. */
void guard_free(struct guard **g);

/* RFC 5321, 4.5.1 and RFC 2142: the mailboxes to which those write who find
 * themselves refused. `local` is a local part. */
bool guard_is_always_open(struct pst_str local);

#endif
