/*
 * trust/check.h - one message from elsewhere: SPF, DKIM, ARC and DMARC, what is
 * written on top of it, and what becomes of it.
 *
 * The session feeds the content as it comes, then starts the check: a job does
 * what needs the DNS and wakes the connection. Session and job each hold a
 * reference, so either may be gone first. Between trust_check_start() and the
 * time when trust_check_is_done() says so the session touches nothing else.
 */
#ifndef TRUST_CHECK_H
#define TRUST_CHECK_H

#include "net/net.h"
#include "trust/trust.h"

struct trust_check;

/* What is known before the content. */
struct trust_envelope {
	const char *peer;	    /* the client's address */
	const char *helo;	    /* what it calls itself */
	struct pst_str from;	    /* MAIL FROM as written; empty: <> */
	struct pst_str from_local;  /* its local part */
	struct pst_str from_domain; /* and its domain */
	uint64_t conn;		    /* for the log */
	const char *id;
	bool goes_on; /* to other servers: trust_check_seal() will be called */
};

enum trust_action {
	TRUST_ACCEPT,
	TRUST_JUNK,   /* accept, and put it aside */
	TRUST_REJECT, /* with the reply */
	TRUST_DEFER,
};

/* The client is one of ours, by `cfg`: what it says of others' mail is
 * believed. So is one without an address. */
bool trust_is_exempt(const struct config *cfg, const char *peer);

/* `cfg` is referenced; `t` must outlive the check. */
struct trust_check *trust_check_new(
    struct trust *t, struct config *cfg, const struct trust_envelope *e);
void trust_check_drop(struct trust_check **c);
/* The content as the client sent it. */
void trust_check_content(struct trust_check *c, const char *p, size_t n);
/* It is over. False: too much waits to be checked; nothing was started. */
bool trust_check_start(struct trust_check *c, struct net_handle wake);
bool trust_check_is_done(struct trust_check *c);
/* *fields_r: Authentication-Results, to stand on top; *reply_r: of a refusal.
 * Both live as long as the check. */
enum trust_action trust_check_result(
    struct trust_check *c, struct pst_str *fields_r, const char **reply_r);
/* SPF of the sender, a signature or DMARC passed: whoever is told of its fate
 * had to do with it. */
bool trust_check_is_proven(const struct trust_check *c);
/*
 * What goes on is not what was checked, but this, piece by piece from its first
 * field on: somebody here has changed it. After the check, before
 * trust_check_seal().
 */
void trust_check_changed(struct trust_check *c, const char *p, size_t n);
/*
 * Appends a set of ARC by `domain` for the message as it goes on, to stand on
 * top of it. False: that has no RSA key, or the chain lets nobody add to it, or
 * who changed the message has changed its chain.
 */
bool trust_check_seal(
    struct trust_check *c, const char *domain, struct buf *out);

#endif
