/*
 * daemon/options.h - posternd's command line.
 *
 * Threads: the main thread.
 */
#ifndef DAEMON_OPTIONS_H
#define DAEMON_OPTIONS_H

#include "base/config.h"

enum { DAEMON_USERS_MAX = 100000, DAEMON_STORAGES_MAX = 8 };

enum daemon_task {
	DAEMON_RUN,
	DAEMON_CHECK,	/* -t */
	DAEMON_PRINT,	/* -T */
	DAEMON_HELP,	/* -h */
	DAEMON_VERSION, /* -V */
};

struct daemon_options {
	enum daemon_task task;
	char *config_path; /* absolute, so that a reload finds it again */
	bool foreground;
	char *pid_file; /* absolute; NULL: none */
	struct config_override *overrides;
	size_t override_count;

	const char *sandbox; /* directory; NULL: a plain server */
	int64_t ports;	     /* -1: the usual ones, 0: auto, else the first */
	int64_t users;
	/* "maildir", "postgresql:CONNINFO", each perhaps with "NAME=" before
	 * it; the first is the default. */
	const char *storage[DAEMON_STORAGES_MAX];
	size_t storages;
};

/* SYNTAX with a sentence in `err` for what is not understood. */
enum pst_rc daemon_options_parse(
    struct daemon_options *o, int argc, char **argv, struct pst_error *err);
void daemon_options_fini(struct daemon_options *o);
void daemon_options_help(FILE *out);

#endif
