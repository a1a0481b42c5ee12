/*
 * admin/identity.h - whom posternd and posternctl run as, and the directories
 * and the lock that belong to that user.
 *
 * Both programs may be started by root and then become the configured user, so
 * that nothing they make is owned by root.
 *
 * Threads: before any other thread is started.
 */
#ifndef ADMIN_IDENTITY_H
#define ADMIN_IDENTITY_H

#include "base/config.h"
#include <sys/types.h>

struct admin_identity {
	bool change; /* admin_identity_become() has something to do */
	uid_t uid;
	gid_t gid;
	char user[65]; /* "" when nothing changes */
};

/*
 * Looks up `user` and `group` of the configuration. Fails in words when they
 * do not exist, when the user is root, or when the caller is neither root nor
 * that user.
 */
enum pst_rc admin_identity_find(const struct config *cfg,
    struct admin_identity *id_r, struct pst_error *err);
/* Becomes that user for good and makes sure of it. */
enum pst_rc admin_identity_become(
    const struct admin_identity *id, struct pst_error *err);

/*
 * Makes the directory `path` (mode 0700, its parents 0755) for that user when
 * it is not there. As root, only a directory that it made itself is given away.
 */
enum pst_rc admin_directory_make(
    const char *path, const struct admin_identity *id, struct pst_error *err);

/*
 * Takes the lock that says "this process has the storage open". CONFLICT when
 * another one has it; *holder_r is its process id, or 0. The lock ends with
 * close() of *fd_r, or with the process.
 */
enum pst_rc admin_lock(const struct config *cfg, int *fd_r, pid_t *holder_r,
    struct pst_error *err);

#endif
