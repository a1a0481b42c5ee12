/*
 * identity.c - becoming the configured user, and what has to belong to it.
 *
 * Directories are made by descriptor (openat, fchown), never by a second look
 * at a path: the parent of a state directory may be writable by the very user
 * that a compromised server would run as.
 */
#include "admin/identity.h"

#include "base/str.h"
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOCK_NAME "lock"

static enum pst_rc
find_group(
    const struct config *cfg, struct admin_identity *id, struct pst_error *err)
{
	const struct group *gr;

	if (cfg->group == NULL || *cfg->group == '\0')
		return PST_OK;
	errno = 0;
	gr = getgrnam(cfg->group);
	if (gr == NULL)
		return pst_fail(err, PST_E_NOTFOUND, errno,
		    "the group \"%s\" does not exist: make it, or change "
		    "`group` in the configuration",
		    cfg->group);
	id->gid = gr->gr_gid;
	return PST_OK;
}

enum pst_rc
admin_identity_find(const struct config *cfg, struct admin_identity *id_r,
    struct pst_error *err)
{
	const struct passwd *pw;
	enum pst_rc rc;

	memset(id_r, 0, sizeof(*id_r));
	id_r->uid = geteuid();
	id_r->gid = getegid();
	if (cfg->user == NULL || *cfg->user == '\0')
		return PST_OK;

	errno = 0;
	pw = getpwnam(cfg->user);
	if (pw == NULL)
		return pst_fail(err, PST_E_NOTFOUND, errno,
		    "the user \"%s\" does not exist: make it, or change "
		    "`user` in the configuration",
		    cfg->user);
	if (pw->pw_uid == 0)
		return pst_fail(err, PST_E_DENIED, 0,
		    "`user` in the configuration is root: name an "
		    "unprivileged user");
	if (geteuid() == pw->pw_uid)
		return PST_OK;
	if (geteuid() != 0)
		return pst_fail(err, PST_E_DENIED, 0,
		    "this must be run by root or by the user \"%s\"",
		    cfg->user);

	id_r->change = true;
	id_r->uid = pw->pw_uid;
	id_r->gid = pw->pw_gid;
	(void)str_copy(id_r->user, sizeof(id_r->user), str_of(cfg->user));
	rc = find_group(cfg, id_r, err);
	return rc;
}

enum pst_rc
admin_identity_become(const struct admin_identity *id, struct pst_error *err)
{
	uid_t r, e, s;

	if (!id->change)
		return PST_OK;
	if (initgroups(id->user, id->gid) < 0 ||
	    setresgid(id->gid, id->gid, id->gid) < 0 ||
	    setresuid(id->uid, id->uid, id->uid) < 0)
		return pst_fail(err, PST_E_DENIED, errno,
		    "cannot become the user \"%s\": %s", id->user,
		    strerror(errno));
	if (getresuid(&r, &e, &s) < 0 || r != id->uid || e != id->uid ||
	    s != id->uid || setuid(0) == 0 || setgid(0) == 0)
		return pst_fail(err, PST_E_DENIED, 0,
		    "could become root again after becoming \"%s\"", id->user);
	return PST_OK;
}

/* --- directories ----------------------------------------------------------
 */

/* Puts `fresh` in the place of `name` unless there is something already. */
static int
put_in_place(int at, const char *fresh, const char *name)
{
	if (renameat2(at, fresh, at, name, RENAME_NOREPLACE) == 0)
		return 0;
	/* Some file systems know only the plain call: it replaces nothing but
	 * an empty directory. */
	return errno == EINVAL ? renameat(at, fresh, at, name) : -1;
}

/*
 * Makes `name` with its owner and mode in one step: another process that makes
 * the same directory never sees it half-way.
 */
static int
make_level(int at, const char *name, mode_t mode, bool give,
    const struct admin_identity *id)
{
	char fresh[256];
	int fd, n;

	n = snprintf(fresh, sizeof(fresh), ".%s.%ld", name, (long)getpid());
	if (n < 0 || (size_t)n >= sizeof(fresh)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	if (mkdirat(at, fresh, mode) < 0)
		return -1;
	fd = openat(at, fresh, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	/* The umask would close the parents to others. */
	if (fd >= 0 && fchmod(fd, mode) == 0 &&
	    (!give || fchown(fd, id->uid, id->gid) == 0) &&
	    put_in_place(at, fresh, name) == 0)
		return fd;

	n = errno;
	if (fd >= 0)
		(void)close(fd);
	(void)unlinkat(at, fresh, AT_REMOVEDIR);
	errno = n;
	return -1;
}

/* Opens `name` below `at`, which is made when it is not there. */
static int
open_level(int at, const char *name, bool last, const struct admin_identity *id)
{
	/* To pass through, the right to search is enough. */
	int flags = O_PATH | O_DIRECTORY | O_CLOEXEC;
	int fd;

	fd = openat(at, name, flags);
	if (fd >= 0 || errno != ENOENT)
		return fd;
	fd = make_level(at, name, last ? 0700 : 0755, last && id->change, id);
	if (fd < 0 && (errno == EEXIST || errno == ENOTEMPTY))
		fd = openat(at, name, flags);
	return fd;
}

enum pst_rc
admin_directory_make(
    const char *path, const struct admin_identity *id, struct pst_error *err)
{
	struct pst_str rest = str_of(path), part;
	int fd, next;

	while (rest.n > 1 && rest.p[rest.n - 1] == '/')
		rest.n--;
	fd = open(*path == '/' ? "/" : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	while (fd >= 0 && str_split(&rest, '/', &part)) {
		char *name;

		if (part.n == 0)
			continue;
		name = str_dup(part);
		next = open_level(fd, name, rest.n == 0, id);
		free(name);
		(void)close(fd);
		fd = next;
	}
	if (fd < 0)
		return pst_fail(err, PST_E_PERM, errno,
		    "cannot make the directory %s: %s", path, strerror(errno));
	(void)close(fd);
	return PST_OK;
}

/* --- the lock -------------------------------------------------------------
 */

static pid_t
read_holder(int fd)
{
	char text[24];
	ssize_t n = pread(fd, text, sizeof(text), 0);
	struct pst_str s;
	uint32_t pid;

	if (n <= 0)
		return 0;
	s = str_trim(str_n(text, (size_t)n));
	return str_to_u32(s, &pid) ? (pid_t)pid : 0;
}

enum pst_rc
admin_lock(
    const struct config *cfg, int *fd_r, pid_t *holder_r, struct pst_error *err)
{
	struct buf path;
	int fd;

	*holder_r = 0;
	buf_init(&path, 4096);
	buf_printf(&path, "%s/%s", cfg->state_dir, LOCK_NAME);
	buf_putc(&path, '\0');
	if (path.overflow) {
		buf_fini(&path);
		return pst_fail(
		    err, PST_E_LIMIT, 0, "the path of `state_dir` is too long");
	}
	fd = open(path.p, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0) {
		(void)pst_fail(err, PST_E_PERM, errno, "cannot open %s: %s",
		    path.p, strerror(errno));
		buf_fini(&path);
		return PST_E_PERM;
	}
	buf_fini(&path);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		int saved = errno;

		*holder_r = read_holder(fd);
		(void)close(fd);
		if (saved != EWOULDBLOCK)
			return pst_fail(err, PST_E_TEMP, saved,
			    "cannot lock %s/%s: %s", cfg->state_dir, LOCK_NAME,
			    strerror(saved));
		return pst_fail(err, PST_E_CONFLICT, 0,
		    "another posternd (process %ld) uses %s: stop it first",
		    (long)*holder_r, cfg->state_dir);
	}
	if (ftruncate(fd, 0) < 0 || dprintf(fd, "%ld\n", (long)getpid()) < 0) {
		(void)pst_fail(err, PST_E_NOSPACE, errno,
		    "cannot write %s/%s: %s", cfg->state_dir, LOCK_NAME,
		    strerror(errno));
		(void)close(fd);
		return err != NULL ? err->rc : PST_E_NOSPACE;
	}
	*fd_r = fd;
	return PST_OK;
}
