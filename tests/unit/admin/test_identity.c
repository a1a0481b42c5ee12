/*
 * test_identity.c - the user, directories and the lock; and what a reload
 * leaves for a restart.
 */
#include "admin/identity.h"
#include "base/str.h"
#include "daemon/reload.h"
#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char *
scratch(void)
{
	char dir[] = "/tmp/postern-identity-XXXXXX";

	cr_assert_not_null(mkdtemp(dir));
	return str_dup(str_of(dir));
}

static struct config *
config_of(const char *user, const char *state_dir)
{
	const struct config_override o[] = { { "hostname", "mx.example.test" },
		{ "user", user }, { "state_dir", state_dir },
		{ "listener.imap.port", "1143" } };
	struct pst_error err = { 0 };
	struct config *cfg = config_parse(
	    "", o, sizeof(o) / sizeof(o[0]), NULL, NULL, &err);

	cr_assert_not_null(cfg, "%s", err.detail);
	return cfg;
}

Test(identity, no_user_changes_nothing)
{
	struct config *cfg = config_of("", "/nowhere");
	struct admin_identity id;
	struct pst_error err;

	cr_assert_eq(admin_identity_find(cfg, &id, &err), PST_OK);
	cr_expect_not(id.change);
	cr_expect_eq(id.uid, geteuid());
	config_unref(&cfg);
}

Test(identity, unknown_user_and_root_are_refused)
{
	static const char *const users[] = { "no-such-user-here", "root" };

	for (size_t i = 0; i < 2; i++) {
		struct config *cfg = config_of(users[i], "/nowhere");
		struct admin_identity id;
		struct pst_error err = { 0 };

		cr_expect_neq(admin_identity_find(cfg, &id, &err), PST_OK);
		cr_expect_neq(err.detail[0], '\0');
		config_unref(&cfg);
	}
}

Test(identity, directories_are_made_closed)
{
	char *dir = scratch(), path[200];
	struct admin_identity id = { .uid = geteuid(), .gid = getegid() };
	struct pst_error err = { 0 };
	struct stat st;

	(void)umask(077);
	(void)snprintf(path, sizeof(path), "%s/a//b/c/", dir);
	cr_assert_eq(
	    admin_directory_make(path, &id, &err), PST_OK, "%s", err.detail);
	(void)snprintf(path, sizeof(path), "%s/a/b/c", dir);
	cr_assert_eq(stat(path, &st), 0);
	cr_expect_eq(st.st_mode & 07777, 0700);
	/* A second time changes nothing. */
	cr_assert_eq(chmod(path, 0750), 0);
	cr_expect_eq(admin_directory_make(path, &id, &err), PST_OK);
	cr_assert_eq(stat(path, &st), 0);
	cr_expect_eq(st.st_mode & 07777, 0750);
	(void)rmdir(path);
	(void)snprintf(path, sizeof(path), "%s/a/b", dir);
	cr_assert_eq(stat(path, &st), 0);
	cr_expect_eq(st.st_mode & 07777, 0755);
	(void)rmdir(path);
	(void)snprintf(path, sizeof(path), "%s/a", dir);
	(void)rmdir(path);
	(void)rmdir(dir);
	free(dir);
}

Test(identity, the_lock_is_held_once_and_ends_with_its_process)
{
	char *dir = scratch(), path[200];
	struct config *cfg = config_of("", dir);
	struct pst_error err = { 0 };
	pid_t holder, child;
	int fd, p[2];
	char c;

	cr_assert_eq(pipe(p), 0);
	child = fork();
	if (child == 0) {
		if (admin_lock(cfg, &fd, &holder, &err) == PST_OK)
			(void)!write(p[1], "+", 1);
		(void)pause();
		_exit(0);
	}
	cr_assert_eq(read(p[0], &c, 1), 1);
	cr_expect_eq(admin_lock(cfg, &fd, &holder, &err), PST_E_CONFLICT);
	cr_expect_eq(holder, child);
	(void)kill(child, SIGKILL);
	(void)waitpid(child, NULL, 0);
	cr_expect_eq(admin_lock(cfg, &fd, &holder, &err), PST_OK);
	(void)close(fd);

	(void)snprintf(path, sizeof(path), "%s/lock", dir);
	(void)unlink(path);
	(void)rmdir(dir);
	free(dir);
	config_unref(&cfg);
}

Test(reload, tells_what_waits_for_a_restart)
{
	static const struct {
		const char *key, *value, *want;
	} cases[] = {
		{ "limits.connections", "7", "" },
		{ "domains", "a.test", "" },
		{ "listener.imap.port", "1144", "listener" },
		{ "listener.other.port", "1145", "listener" },
		{ "listener.imap.address", "::1", "listener" },
		{ "storage.maildir.path", "/elsewhere", "storage" },
		{ "storage.maildir.fsync", "false", "storage" },
		{ "storage.two.module", "maildir", "storage" },
		{ "user", "nobody", "user" },
		{ "state_dir", "/else", "state_dir" },
		{ "log.level", "debug", "log.level" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct config_override o[] = {
			{ "hostname", "mx.example.test" },
			{ "listener.imap.port", "1143" },
			{ "storage.maildir.path", "/mail" },
			{ "accounts.path", "/a.db" },
			{ cases[i].key, cases[i].value },
		};
		struct config *old, *fresh;
		struct pst_error err = { 0 };
		struct buf notes;

		old = config_parse("", o, 4, NULL, NULL, &err);
		fresh = config_parse("", o, 5, NULL, NULL, &err);
		cr_assert(old != NULL && fresh != NULL, "%s", err.detail);
		buf_init(&notes, 4096);
		daemon_restart_notes(old, fresh, &notes);
		buf_putc(&notes, '\0');
		cr_expect(
		    strncmp(notes.p, cases[i].want, strlen(cases[i].want)) == 0,
		    "%s: %s", cases[i].key, notes.p);
		cr_expect_eq(*notes.p == '\0', *cases[i].want == '\0', "%s: %s",
		    cases[i].key, notes.p);
		buf_fini(&notes);
		config_unref(&old);
		config_unref(&fresh);
	}
}
