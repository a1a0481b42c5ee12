/*
 * jmap/push_priv.h - what the files of pushing share.
 */
#ifndef JMAP_PUSH_PRIV_H
#define JMAP_PUSH_PRIV_H

#include "jmap/push.h"
#include "jmap/push_store.h"
#include "jmap/states.h"
#include "jmap/webpush.h"

#include <pthread.h>
#include <stdatomic.h>

/* What is to be posted. */
struct push_job {
	char account[JMAP_ID], id[JMAP_ID];
	char *url, *text; /* on the heap */
	bool has_keys;
	struct webpush_keys keys;
	bool is_verification;
	const char *urgency;	   /* RFC 8030, 5.3 */
	uint64_t told[JMAP_TYPES]; /* what it tells */
	bool is_running;
	struct push_job *next;
};

/* An account with subscriptions. Of the thread that listens. */
struct push_account {
	struct jmap_push *push;
	char account[JMAP_ID];
	struct watch *watch; /* NULL: not yet */
	atomic_bool is_moved;
	int64_t due; /* clock_monotonic */
	struct push_account *next;
};

struct jmap_push {
	const struct services *sv;
	struct config *cfg;
	struct dns_resolver dns;
	struct vapid *vapid;
	struct push_account *accounts; /* of the listening thread */
	pthread_t listener, *poster;
	size_t posters;
	int stop_fd; /* readable once it ends */
	int wake_fd; /* something happened in an account */

	pthread_mutex_t lock; /* guards all below */
	pthread_cond_t moved; /* there are jobs, or the end has come */
	bool is_stopping;
	struct push_job *jobs; /* in their order, running ones too */
	size_t job_count;
	char (*looks)[JMAP_ID]; /* accounts to be looked at */
	size_t look_count, look_cap;
};

/* push_account.c: notes that these states are known at the other side. */
void push_set_told(json_t *subscription, const uint64_t told[JMAP_TYPES]);

bool push_is_stopping(struct jmap_push *p);
/* push_post.c: posts it, and notes what came of it. Blocks. */
void push_run(struct jmap_push *p, const struct push_job *j);

/* push_account.c: what an account's subscriptions need now; jobs are added.
 * When it is to be looked at next, seconds since 1970; 0: nothing is left. */
int64_t push_serve(struct jmap_push *p, struct push_account *a);
/* False: there are too many, or one of this subscription is under way. Takes
 * the job. */
bool push_add_job(struct jmap_push *p, struct push_job *j);
bool push_has_job(struct jmap_push *p, const char *account, const char *id);

#endif
