/*
 * trust/trust.h - whether mail is from whom it says: what the server keeps for
 * it, and which parts there are.
 *
 *	signer.h	DKIM signatures on what users hand in
 *	check.h		SPF, DKIM, ARC and DMARC of what comes from elsewhere
 *
 * Threads: a struct trust is used from any thread.
 */
#ifndef TRUST_TRUST_H
#define TRUST_TRUST_H

#include "base/config.h"
#include "net/dns.h"
#include "net/jobs.h"
#include "trust/keys.h"

struct trust {
	struct dns *dns;
	struct jobs *jobs; /* that wait for the DNS */
	struct dkim_keys *keys;
};

struct trust *trust_new(const struct config *cfg, struct pst_error *err);
/* Ends the jobs first; what they wake may be gone. */
void trust_free(struct trust **t);

#endif
