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

/* What the configuration does not name. */
struct daemon_places {
	const char *config_path; /* to read; NULL: none */
	const char *pid_file;	 /* to remove; NULL: none */
	const char *sandbox;	 /* to write; NULL: none */
};

/*
 * Leaves of the file system what `cfg` and `places` name: to write the
 * directories of state, storage and log, to read the configuration,
 * certificates, modules and the system's libraries. Returns the kernel's
 * Landlock version; 0: it has none and nothing is restricted.
 */
int daemon_landlock(const struct config *cfg,
    const struct daemon_places *places, struct pst_error *err);

#endif
