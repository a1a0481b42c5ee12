/*
 * trust/check_priv.h - a check, as the files that make it see it.
 */
#ifndef TRUST_CHECK_PRIV_H
#define TRUST_CHECK_PRIV_H

#include "trust/arc.h"
#include "trust/check.h"
#include "trust/dmarc.h"
#include <stdatomic.h>

enum {
	CHECK_REPLY_MAX = 480,	  /* octets, RFC 5321, 4.5.3.1.5 */
	CHECK_FIELDS_MAX = 65536, /* octets of results */
	CHECK_HEADER_FIELDS = 10000,
};

struct trust_check {
	atomic_uint refs;
	atomic_bool done; /* the job leaves all below to the session */
	struct trust *trust;
	struct config *cfg;
	struct arena *arena;
	struct net_handle wake;

	/* The envelope. */
	uint64_t conn;
	char id[32];
	struct ip_address ip;
	char *peer, *helo, *from, *local;
	const char *domain; /* that SPF is about; NULL: there is none */
	bool by_helo;	    /* since there is no sender */

	/* The message. */
	struct trust_header header;
	struct dkim_bodies bodies;
	struct dkim_signature *sig;
	size_t sigs, more_sigs;
	struct arc arc;
	bool may_seal;	  /* it may be forwarded */
	size_t seal_body; /* then: the hash of its body */
	/* What goes on is another one: */
	bool is_changed;
	struct trust_header changed;
	struct dkim_bodies changed_bodies;

	/* What came out. */
	struct spf_answer spf;
	struct trust_authors authors;
	struct dmarc_answer dmarc;
	bool overridden; /* by a chain that we trust */
	enum trust_action action;
	char reply[CHECK_REPLY_MAX];
	struct buf fields;
};

/* check_results.c: Authentication-Results (RFC 8601) of what came out. */
void check_put_results(const struct trust_check *c, struct buf *out);
/* check_policy.c: the action and the reply; and the line of the log. */
void check_decide(struct trust_check *c);

#endif
