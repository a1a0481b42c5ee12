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

/* Opens `name` below `at`, making it; *made_r tells which. */
static int
open_level(int at, const char *name, mode_t mode, bool *made_r)
{
	int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
	int fd;

	*made_r = false;
	fd = openat(at, name, flags);
	if (fd >= 0 || errno != ENOENT)
		return fd;
	if (mkdirat(at, name, mode) == 0)
		*made_r = true;
	else if (errno != EEXIST)
		return -1;
	/* What was made just now cannot be a link unless somebody else has
	 * put one in its place. */
	return openat(at, name, flags | (*made_r ? O_NOFOLLOW : 0));
}

static enum pst_rc
give_away(int fd, const char *path, const struct admin_identity *id,
    struct pst_error *err)
{
	if (fchmod(fd, 0700) < 0 ||
	    (id->change && fchown(fd, id->uid, id->gid) < 0))
		return pst_fail(err, PST_E_PERM, errno,
		    "cannot give %s to its user: %s", path, strerror(errno));
	return PST_OK;
}

enum pst_rc
admin_directory_make(
    const char *path, const struct admin_identity *id, struct pst_error *err)
{
	struct pst_str rest = str_of(path), part;
	enum pst_rc rc = PST_OK;
	bool made = false;
	int fd, next;

	fd = open(*path == '/' ? "/" : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	while (fd >= 0 && str_split(&rest, '/', &part)) {
		char *name;
		bool last;

		if (part.n == 0)
			continue;
		last = str_find(rest, '/') == rest.n && rest.n == 0;
		name = str_dup(part);
		next = open_level(fd, name, last ? 0700 : 0755, &made);
		/* The server's umask would close the parents to others. */
		if (next >= 0 && made && !last)
			(void)fchmod(next, 0755);
		free(name);
		(void)close(fd);
		fd = next;
	}
	if (fd < 0)
		return pst_fail(err, PST_E_PERM, errno,
		    "cannot make the directory %s: %s", path, strerror(errno));
	if (made)
		rc = give_away(fd, path, id, err);
	(void)close(fd);
	return rc;
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
