/*
 * daemon/reload.h - what of a new configuration waits for a restart.
 *
 * Threads: a plain function on its arguments.
 */
#ifndef DAEMON_RELOAD_H
#define DAEMON_RELOAD_H

#include "base/config.h"

/* Adds a line to `notes` for each key that differs and is only read at the
 * start. */
void daemon_restart_notes(
    const struct config *old, const struct config *fresh, struct buf *notes);

#endif
