/*
 * daemon/server.h - the server from its first step to its last.
 *
 * Threads: the main thread.
 */
#ifndef DAEMON_SERVER_H
#define DAEMON_SERVER_H

#include "daemon/options.h"

/* Serves until it is told to stop. The exit status. Says on stderr what keeps
 * it from starting. */
int daemon_server_run(const struct daemon_options *o);

/* Reads the configuration of `o`; problems go to stderr, one a line. NULL: it
 * had some. */
struct config *daemon_server_config(const struct daemon_options *o);

#endif
