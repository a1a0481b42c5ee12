/*
 * daemon/check.h - `posternd -t`: would the server start with this?
 *
 * Threads: the main thread.
 */
#ifndef DAEMON_CHECK_H
#define DAEMON_CHECK_H

#include "base/config.h"

/* Looks at all that the configuration names and says on `out` what is found.
 * False: something would keep the server from starting. */
bool daemon_check(const struct config *cfg, FILE *out);

#endif
