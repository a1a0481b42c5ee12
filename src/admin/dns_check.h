/*
 * admin/dns_check.h - whether the DNS says what dns_plan.h wants it to say.
 *
 * Threads: it asks the DNS, so it blocks; the plan is only read.
 */
#ifndef ADMIN_DNS_CHECK_H
#define ADMIN_DNS_CHECK_H

#include "admin/dns_plan.h"

enum dns_state {
	DNS_FINE,
	DNS_MISSING,
	DNS_WRONG,
	DNS_UNKNOWN, /* the DNS did not answer */
};
const char *dns_state_name(enum dns_state s);

struct dns_finding {
	enum dns_state state;
	char why[400];	  /* how it is wrong, or what to think of; or "" */
	struct buf found; /* what is there, as text */
};

struct dns_asking {
	const struct dns_plan *plan;
	const struct config *cfg;
	struct dns_resolver dns;
	int64_t time; /* microseconds for one record */
	int stop_fd;  /* readable: what is fetched is broken off; -1: none */
};

/* Looks up plan->want[i]. The caller ends f->found with buf_fini(). */
void dns_check(const struct dns_asking *q, size_t i, struct dns_finding *f);

/* All of them, some at once, so that a name server which does not answer costs
 * its time only once or twice. `fn` is called from this thread, in order; false
 * ends it. */
void dns_check_each(const struct dns_asking *q,
    bool (*fn)(void *arg, size_t i, const struct dns_finding *f), void *arg);
/* A finding as {"record", "name", "type", "state", "needed", "why", "found",
 * "wanted"}. */
json_t *dns_finding_json(
    const struct dns_wanted *w, const struct dns_finding *f);

/* --- dns_check_text.c: TXT records ------------------------------------------
 */

void dns_check_text(const struct dns_asking *q, const struct dns_wanted *w,
    struct dns_finding *f);

/* --- dns_check_policy.c -----------------------------------------------------
 */

void dns_check_policy(const struct dns_asking *q, struct dns_finding *f);

/* --- what all share --------------------------------------------------------
 */

void dns_judge(struct dns_finding *f, enum dns_state state, const char *fmt,
    ...) PST_PRINTF(3, 4);
/* True: there are records. Else the finding says what is the matter. */
bool dns_ask(const struct dns_asking *q, const char *name, enum dns_type type,
    struct dns_answer *a, struct dns_finding *f);
void dns_found(struct dns_finding *f, const char *fmt, ...) PST_PRINTF(2, 3);

#endif
