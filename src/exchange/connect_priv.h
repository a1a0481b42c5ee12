/*
 * exchange/connect_priv.h - what the files that connect to a server share.
 */
#ifndef EXCHANGE_CONNECT_PRIV_H
#define EXCHANGE_CONNECT_PRIV_H

#include "exchange/priv.h"

enum { PROTECTION_NAMES = 32 }; /* that a certificate may be for */

/* Looking for one session. */
struct dialing {
	struct exchange *x;
	const struct config *cfg;
	const struct route *route;
	const struct host *host;
	const struct envelope *envelope;
	struct demand *demand;
	struct link *link;
	struct buf *answer;
	bool secure_list;
	bool is_loopback; /* of the address that answered */
	char ip[64];	  /* of it */
	const char *domain;
	const struct host_tlsa *tlsa; /* NULL: DANE does not apply */
	struct wire_authorities *authorities;
};

/* How one host has to be talked to. */
struct protection {
	bool plain;	       /* TLS is not even tried */
	bool must;	       /* nothing goes without */
	bool implicit;	       /* it comes first */
	bool by_sts;	       /* `must` is only for MTA-STS */
	bool is_misnamed;      /* the policy under test is not for the host */
	enum link_proof proof; /* that it gives when it comes about */
	struct wire_policy policy;
	const char *name[PROTECTION_NAMES];
};

/* *answer is that, in our own words with a status (RFC 3463); false. */
bool dial_say(struct dialing *d, const char *status, const char *text);

/* --- protect.c: what TLS has to be like ------------------------------------
 */

/*
 * By the route, by the message, by the domain's policy; TLSA records go before
 * that (RFC 8461, 2). False: the host cannot be used, *answer says why.
 */
bool dial_protect(struct dialing *d, const struct host_tlsa *tlsa,
    bool has_dane, struct protection *p);

/* --- connect_count.c: for TLS reports --------------------------------------
 */

/*
 * Once for each session that could have been protected (RFC 8460, 4); `failure`
 * is a result-type, or NULL. A relay is no affair of the domain, nor is a
 * message that demands nothing.
 */
void dial_count(struct dialing *d, const char *failure, const char *detail);
/* There should have been a policy of MTA-STS, and was none. */
void dial_count_no_policy(struct dialing *d);
/* What came of TLS. */
void dial_count_tls(struct dialing *d, const struct protection *p,
    enum client_result result, const struct pst_error *err);

#endif
