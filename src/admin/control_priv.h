/*
 * admin/control_priv.h - one connection of the control socket, shared by the
 * loop (control.c) and the requests (request_*.c).
 *
 * Threads: a client belongs to the control thread, but for the members that
 * `lock` guards: workers write traced lines there. It is a leaf: nothing else
 * is locked or called while it is held.
 */
#ifndef ADMIN_CONTROL_PRIV_H
#define ADMIN_CONTROL_PRIV_H

#include "admin/control.h"
#include "admin/protocol.h"
#include <pthread.h>

struct admin_client {
	struct admin_control *control;
	const struct admin_host *host;
	int fd;
	struct buf in, out;
	int64_t deadline; /* clock_monotonic: closed then; 0: none */
	bool asked;	  /* the request has come */
	bool finished;	  /* to be closed when `out` is sent */
	bool read_closed; /* the peer will say no more */
	bool until_exit;  /* to be left open for the end of the process */
	bool gone;	  /* the peer; only the job is still there */
	bool talks;	  /* the job takes `in`, and empties it in its time */

	/* Work that is tried again until it says that it is over. */
	bool (*job)(struct admin_client *c);
	void (*job_free)(void *state);
	void *job_state;

	/* A trace under way. */
	struct net_tracer *tracer;
	pthread_mutex_t lock;
	struct buf lines; /* ended by '\n' each */
	uint64_t lost;	  /* lines that found no room */
};

/* --- answering ------------------------------------------------------------
 */

/* Takes the reference. False: no room, the answer is cut. */
bool admin_item(struct admin_client *c, json_t *item);
void admin_done(struct admin_client *c);
void admin_error(struct admin_client *c, enum pst_rc rc, const char *fmt, ...)
    PST_PRINTF(3, 4);

/* Wakes the control thread; from any thread. */
void admin_control_wake(struct admin_control *c);

/* --- requests -------------------------------------------------------------
 */

struct admin_request {
	const char *name;
	void (*run)(struct admin_client *c, const json_t *request);
};

/* Finds the request's row and runs it. */
void admin_request_run(struct admin_client *c, const json_t *request);

void admin_run_status(struct admin_client *c, const json_t *request);
void admin_run_connections(struct admin_client *c, const json_t *request);
void admin_run_kick(struct admin_client *c, const json_t *request);
void admin_run_trace(struct admin_client *c, const json_t *request);
void admin_run_usage(struct admin_client *c, const json_t *request);
void admin_run_user_delete(struct admin_client *c, const json_t *request);
void admin_run_factors_reset(struct admin_client *c, const json_t *request);

void admin_run_acl_list(struct admin_client *c, const json_t *request);
void admin_run_acl_set(struct admin_client *c, const json_t *request);
void admin_run_acl_delete(struct admin_client *c, const json_t *request);
void admin_run_acl_rebuild(struct admin_client *c, const json_t *request);
void admin_run_mail_behind(struct admin_client *c, const json_t *request);
void admin_run_export(struct admin_client *c, const json_t *request);
void admin_run_import(struct admin_client *c, const json_t *request);
void admin_run_mailbox_list(struct admin_client *c, const json_t *request);
void admin_run_mailbox_status(struct admin_client *c, const json_t *request);
void admin_run_mailbox_create(struct admin_client *c, const json_t *request);
void admin_run_mailbox_delete(struct admin_client *c, const json_t *request);
void admin_run_mailbox_rename(struct admin_client *c, const json_t *request);
void admin_run_mailbox_fsck(struct admin_client *c, const json_t *request);
void admin_run_convert(struct admin_client *c, const json_t *request);
void admin_run_dns_check(struct admin_client *c, const json_t *request);
void admin_run_dns_show(struct admin_client *c, const json_t *request);
void admin_run_index_rebuild(struct admin_client *c, const json_t *request);
void admin_run_index_status(struct admin_client *c, const json_t *request);
void admin_run_queue(struct admin_client *c, const json_t *request);
void admin_run_queue_stats(struct admin_client *c, const json_t *request);
void admin_run_quota_set(struct admin_client *c, const json_t *request);
void admin_run_quota_recount(struct admin_client *c, const json_t *request);
void admin_run_sending(struct admin_client *c, const json_t *request);
void admin_run_sending_lift(struct admin_client *c, const json_t *request);
void admin_run_sieve_activate(struct admin_client *c, const json_t *request);
void admin_run_sieve_delete(struct admin_client *c, const json_t *request);
void admin_run_sieve_get(struct admin_client *c, const json_t *request);
void admin_run_sieve_list(struct admin_client *c, const json_t *request);
void admin_run_sieve_put(struct admin_client *c, const json_t *request);
void admin_run_sieve_rename(struct admin_client *c, const json_t *request);
void admin_run_retention_run(struct admin_client *c, const json_t *request);
void admin_run_retention_status(struct admin_client *c, const json_t *request);
void admin_run_undelete(struct admin_client *c, const json_t *request);
void admin_run_why(struct admin_client *c, const json_t *request);

/* The user of the member "address", or the account of public mailboxes, which
 * is called "public". False: the client was told what is wrong.
 */
bool admin_find_user(
    struct admin_client *c, const json_t *request, struct account_user *user_r);
/* The member `key` as a mailbox name, on the heap; NULL when it is not there
 * and not needed. False: the client was told what is wrong. */
bool admin_take_mailbox(struct admin_client *c, const json_t *request,
    const char *key, bool needed, char **name_r);

/* Of users whose brake is on, for the status. */
void admin_sending_warnings(struct admin_client *c, json_t *warnings);
/* The server sends to others; false: the client was told. */
bool admin_sends(struct admin_client *c);

/* Closes all connections of a user; how many there were. */
size_t admin_kick_user(struct net *n, const char *address);

/* Moves traced lines to the client's output. */
void admin_trace_flush(struct admin_client *c);

#endif
