/*
 * daemon/privileges.h - giving up what is not needed any more: root,
 * capabilities, and most of the file system.
 *
 * Threads: the main thread, before others exist. Landlock binds only the
 * calling thread and those that it makes later.
 */
#ifndef DAEMON_PRIVILEGES_H
#define DAEMON_PRIVILEGES_H

#include "admin/identity.h"

/* Runs as the configured user with the rights of a user who is not root, until
 * daemon_privileges_restore(). For files that must be the user's. */
enum pst_rc daemon_privileges_borrow(
    const struct admin_identity *id, struct pst_error *err);
void daemon_privileges_restore(const struct admin_identity *id);

/* For good: user, groups, capabilities, and no new privileges by exec. */
enum pst_rc daemon_privileges_drop(
    const struct admin_identity *id, struct pst_error *err);

/*
 * Leaves of the file system what `cfg` names: to write the directories of
 * state, storage and log, to read the configuration, certificates, modules and
 * the system's libraries. `config_path` may be NULL, `also` too: one more
 * directory to write. Returns the kernel's Landlock version; 0: it has none
 * and nothing is restricted.
 */
int daemon_landlock(const struct config *cfg, const char *config_path,
    const char *also, struct pst_error *err);

#endif
