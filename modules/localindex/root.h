/*
 * localindex/root.h - the root folder of a store that keeps mail in files: the
 * lock that keeps a second daemon out, the folder for messages on their way in,
 * and the accounts in it, ROOT/domain/user.
 *
 * Threads: open, close from one thread; the others from any, at any time, but
 * for `uidvalidity`, which the caller guards.
 */
#ifndef LOCALINDEX_ROOT_H
#define LOCALINDEX_ROOT_H

#include "localindex/util.h"

#include <postern/module.h>
#include <pthread.h>

#define LI_TEMP "postern.tmp"

struct li_root {
	const struct pst_host *host;
	const char *module; /* for the log */
	char *path;
	int fd;
	int temp_fd; /* of ROOT/postern.tmp */
	int lock_fd;
	bool fsync;
	uint32_t uidvalidity; /* new accounts begin above this */
};

/* Opens, and makes it where it is not there. Wants its close in any case. */
enum pst_rc li_root_open(struct li_root *r, const struct pst_host *host,
    const char *module, const char *path, bool fsync, struct pst_error *err);
void li_root_close(struct li_root *r);
enum pst_rc li_root_health(const struct li_root *r, struct pst_error *err);

/* "user@domain" as two folder names that are safe. SYNTAX, LIMIT. */
enum pst_rc li_account_path(const char *id, struct li_buf *domain,
    struct li_buf *user, struct pst_error *err);
/* The folder of an account; made unless it is there. -1 and an errno. */
int li_root_account(const struct li_root *r, const char *domain,
    const char *user, int *errno_r);
/*
 * Removes an account with all that is in it. The file `name` in its folder is
 * its account file: accounts of that name to come begin above what it gave.
 */
enum pst_rc li_root_remove(struct li_root *r, pthread_mutex_t *lock,
    const char *domain, const char *user, const char *name,
    struct pst_error *err);

#endif
