/*
 * daemon/keeper.h - a small process that stays root when the server becomes
 * another user, for one purpose: to read certificates and keys again at a
 * reload. Keys are commonly for root alone.
 *
 * It takes one octet that means "read"; it obeys no path that the server names.
 * What it hands out are the certificates of the configuration file, as root
 * reads it: no more than the server was given at its start.
 *
 * Threads: start before any other thread; ask from one at a time.
 */
#ifndef DAEMON_KEEPER_H
#define DAEMON_KEEPER_H

#include "base/config.h"

/* Its parent goes on. *fd_r is the way to it, and its life: it ends when all
 * copies of that descriptor are closed. */
enum pst_rc daemon_keeper_start(const char *config_path,
    const struct config_override *overrides, size_t n, int *fd_r,
    struct pst_error *err);

/* What it has handed out: files in memory. */
struct daemon_keys {
	int *fd; /* certificate and key of each block, in turn */
	size_t n, cap;
};

/*
 * Asks for the certificates and puts them in place of the files that `cfg`
 * names, as "/proc/self/fd/N". `cfg` must not be published yet, nor later.
 * CONFLICT: the configuration file has changed meanwhile.
 */
enum pst_rc daemon_keeper_ask(int fd, struct config *cfg,
    struct daemon_keys *keys_r, struct pst_error *err);
/* Closes the files. */
void daemon_keys_fini(struct daemon_keys *keys);

#endif
