/*
 * admin/control.h - the server's side of the control socket.
 *
 * One thread of its own serves all connections, none of which it waits for, so
 * that an administrator gets an answer even when every worker is busy.
 *
 * Threads: start and stop from the main thread.
 */
#ifndef ADMIN_CONTROL_H
#define ADMIN_CONTROL_H

#include "account/auth.h"
#include "mailbox/store.h"
#include "mailbox/upkeep.h"
#include "net/inspect.h"
#include "net/tls.h"

/* What the requests work on. Stays valid until admin_control_stop() is over. */
struct exchange;

struct admin_host {
	struct net *net;
	struct accounts *accounts;
	struct mailstore *store;
	struct tls_context *tls;
	struct upkeep *upkeep;
	struct exchange *exchange; /* NULL: no mail goes out */
	int64_t started;	   /* seconds since 1970 */
	void *arg;
	/* A reference to the present configuration. From any thread. */
	struct config *(*config)(void *arg);
	/* Reloads; `notes` gets one line for each thing that needs a restart.
	 * From any thread. */
	enum pst_rc (*reload)(
	    void *arg, struct buf *notes, struct pst_error *err);
	/* Asks the main thread to stop the server; returns at once. */
	void (*stop)(void *arg);
};

struct admin_control;

/* Listens on the Unix socket `path` for root and the own user alone. */
enum pst_rc admin_control_start(const char *path, const struct admin_host *host,
    struct admin_control **control_r, struct pst_error *err);
/* Ends the thread and removes the socket. Connections that asked for the stop
 * stay open: they end with the process, and so tell when it has gone. */
void admin_control_stop(struct admin_control **c);

#endif
