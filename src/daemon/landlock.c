/*
 * landlock.c - Landlock by raw system calls: whoever takes over the server
 * finds the mail and little else of the file system, and opens no new port.
 *
 * The constants are spelt out: the system's header may be older than the
 * kernel, and the kernel older than the header.
 */
#include "daemon/privileges.h"

#include "base/str.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FS_EXECUTE (UINT64_C(1) << 0)
#define FS_WRITE_FILE (UINT64_C(1) << 1)
#define FS_READ_FILE (UINT64_C(1) << 2)
#define FS_READ_DIR (UINT64_C(1) << 3)
#define FS_REMOVE_FILE (UINT64_C(1) << 5)
#define FS_MAKE_REG (UINT64_C(1) << 8)
#define FS_ALL_1 ((UINT64_C(1) << 13) - 1) /* version 1 */
#define FS_REFER (UINT64_C(1) << 13)	   /* 2 */
#define FS_TRUNCATE (UINT64_C(1) << 14)	   /* 3 */
#define FS_OF_FILES (FS_EXECUTE | FS_WRITE_FILE | FS_READ_FILE | FS_TRUNCATE)
#define NET_BIND_TCP (UINT64_C(1) << 0) /* 4 */
#define SCOPE_SIGNAL (UINT64_C(1) << 1) /* 6 */

#define READ_RIGHTS (FS_READ_FILE | FS_READ_DIR)
#define WRITE_RIGHTS ((FS_ALL_1 & ~FS_EXECUTE) | FS_REFER | FS_TRUNCATE)

enum { CREATE_RULESET_VERSION = 1, RULE_PATH_BENEATH = 1, RULE_NET_PORT = 2 };

struct ruleset_attr {
	uint64_t fs, net, scoped;
};

/* The kernel's structure is packed. */
struct path_attr {
	uint64_t allowed;
	int32_t parent_fd;
} __attribute__((packed));

struct port_attr {
	uint64_t allowed;
	uint64_t port;
};

struct ruleset {
	int fd;
	uint64_t handled;
};

static void
allow(const struct ruleset *r, const char *path, uint64_t rights)
{
	struct path_attr attr = { .allowed = rights & r->handled };
	struct stat st;

	if (path == NULL || *path == '\0')
		return;
	attr.parent_fd = open(path, O_PATH | O_CLOEXEC);
	if (attr.parent_fd < 0)
		return; /* what is not there needs no rights */
	if (fstat(attr.parent_fd, &st) == 0 && !S_ISDIR(st.st_mode))
		attr.allowed &= FS_OF_FILES;
	(void)syscall(
	    SYS_landlock_add_rule, r->fd, RULE_PATH_BENEATH, &attr, 0);
	(void)close(attr.parent_fd);
}

/* The directory that `path` is in. */
static void
allow_beside(const struct ruleset *r, const char *path, uint64_t rights)
{
	const char *slash = path != NULL ? strrchr(path, '/') : NULL;
	char *dir;

	if (slash == NULL)
		return;
	dir = str_dup(str_n(path, slash > path ? (size_t)(slash - path) : 1));
	allow(r, dir, rights);
	free(dir);
}

/* A renewed certificate is often a new file behind the same link. */
static void
allow_read_link(const struct ruleset *r, const char *path)
{
	char *real = realpath(path, NULL);

	allow_beside(r, path, READ_RIGHTS);
	allow_beside(r, real, READ_RIGHTS);
	free(real);
}

static void
allow_system(const struct ruleset *r)
{
	static const char *const paths[] = { "/etc", "/usr", "/lib", "/lib64",
		"/proc", "/sys/devices/system/cpu", "/dev/urandom",
		"/run/systemd/resolve" };

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		allow(r, paths[i], READ_RIGHTS);
	allow(r, "/dev/null", READ_RIGHTS | FS_WRITE_FILE);
}

static void
allow_configured(const struct ruleset *r, const struct config *cfg)
{
	allow(r, cfg->state_dir, WRITE_RIGHTS);
	allow(r, cfg->run_dir, WRITE_RIGHTS);
	allow(r, cfg->module_dir, READ_RIGHTS);
	allow(r, cfg->web.dir, READ_RIGHTS);
	allow(r, cfg->http.acme_dir, READ_RIGHTS);
	allow(r, cfg->dkim.dir, READ_RIGHTS);
	allow(r, cfg->queue.path, WRITE_RIGHTS);
	allow_read_link(r, cfg->queue.ca_file);
	allow_read_link(r, cfg->queue.replies);
	allow_read_link(r, cfg->auth.common_passwords);
	allow_read_link(r, cfg->sieve.before);
	allow_read_link(r, cfg->sieve.after);
	allow_read_link(r, cfg->sieve.preset);
	allow(r, cfg->sieve.global, READ_RIGHTS);
	for (size_t i = 0; i < cfg->relays; i++)
		allow_read_link(r, cfg->relay[i].password_file);
	allow(r, cfg->trail.path, WRITE_RIGHTS);
	allow_beside(r, cfg->dns.root_key, READ_RIGHTS);
	for (size_t i = 0; i < cfg->dns.anchors.n; i++)
		allow_beside(r, cfg->dns.anchors.v[i], READ_RIGHTS);
	/* SQLite makes files beside its database. */
	allow_beside(r, cfg->accounts.path, WRITE_RIGHTS);
	for (size_t i = 0; i < cfg->storages; i++)
		allow(r, cfg->storage[i].path, WRITE_RIGHTS);
	for (size_t i = 0; i < cfg->listeners; i++)
		allow_beside(r, cfg->listener[i].path, FS_REMOVE_FILE);
	for (size_t i = 0; i < cfg->certificates; i++) {
		allow_read_link(r, cfg->certificate[i].certificate);
		allow_read_link(r, cfg->certificate[i].key);
	}
	allow_beside(r, cfg->log.path, FS_MAKE_REG | FS_WRITE_FILE);
}

/* Outgoing connections from an address of their own are bound to it, at a port
 * that the kernel chooses. */
static void
allow_sources(const struct ruleset *r, const struct config *cfg)
{
	const struct port_attr any = { .allowed = NET_BIND_TCP, .port = 0 };
	bool wanted = false;

	for (size_t i = 0; i < cfg->destinations; i++)
		wanted |= cfg->destination[i].source.n > 0;
	if (wanted)
		(void)syscall(
		    SYS_landlock_add_rule, r->fd, RULE_NET_PORT, &any, 0);
}

int
daemon_landlock(const struct config *cfg, const struct daemon_places *places,
    struct pst_error *err)
{
	struct ruleset_attr attr = { .fs = FS_ALL_1 };
	size_t size = sizeof(attr.fs);
	struct ruleset r;
	long version;

	version = syscall(
	    SYS_landlock_create_ruleset, NULL, 0, CREATE_RULESET_VERSION);
	if (version < 1) {
		(void)pst_fail(
		    err, PST_E_UNSUPPORTED, errno, "%s", strerror(errno));
		return 0;
	}
	attr.fs |= version >= 2 ? FS_REFER : 0;
	attr.fs |= version >= 3 ? FS_TRUNCATE : 0;
	attr.net = version >= 4 ? NET_BIND_TCP : 0;
	attr.scoped = version >= 6 ? SCOPE_SIGNAL : 0;
	if (version >= 4)
		size = version >= 6 ? sizeof(attr)
				    : offsetof(struct ruleset_attr, scoped);

	r.handled = attr.fs;
	r.fd = (int)syscall(SYS_landlock_create_ruleset, &attr, size, 0);
	if (r.fd >= 0) {
		allow_system(&r);
		allow_configured(&r, cfg);
		if (attr.net != 0)
			allow_sources(&r, cfg);
		allow_beside(&r, places->config_path, READ_RIGHTS);
		allow_beside(&r, places->pid_file, FS_REMOVE_FILE);
		allow(&r, places->sandbox, WRITE_RIGHTS);
	}
	if (r.fd < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    syscall(SYS_landlock_restrict_self, r.fd, 0) < 0) {
		(void)pst_fail(
		    err, PST_E_UNSUPPORTED, errno, "%s", strerror(errno));
		version = 0;
	}
	if (r.fd >= 0)
		(void)close(r.fd);
	return (int)version;
}
