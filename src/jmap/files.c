/*
 * jmap/files.c - see files.h.
 */
#include "jmap/files.h"

#include "base/str.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

bool
jmap_dir(const struct config *cfg, const char *what, const char *account,
    char dir_r[PATH_MAX])
{
	int n = account == NULL
		    ? snprintf(dir_r, PATH_MAX, "%s/%s", cfg->state_dir, what)
		    : snprintf(dir_r, PATH_MAX, "%s/%s/%s", cfg->state_dir,
			  what, account);

	return n > 0 && n < PATH_MAX;
}

enum pst_rc
jmap_dir_sync(const char *dir, struct pst_error *err)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool ok = fd >= 0 && fsync(fd) == 0;
	int number = errno;

	if (fd >= 0)
		(void)close(fd);
	return ok ? PST_OK
		  : pst_fail(err, PST_E_TEMP, number, "sync %s: %s", dir,
			strerror(number));
}

/* A new one's name is made durable, too. */
static enum pst_rc
make_one(const char *above, const char *dir, struct pst_error *err)
{
	if (mkdir(dir, 0700) == 0)
		return jmap_dir_sync(above, err);
	return errno == EEXIST ? PST_OK
			       : pst_fail(err, PST_E_TEMP, errno, "%s: %s", dir,
				     strerror(errno));
}

enum pst_rc
jmap_dir_make(const struct config *cfg, const char *what, const char *account,
    char dir_r[PATH_MAX], struct pst_error *err)
{
	char above[PATH_MAX];
	enum pst_rc rc;

	if (!jmap_dir(cfg, what, NULL, above) ||
	    !jmap_dir(cfg, what, account, dir_r))
		return pst_fail(err, PST_E_LIMIT, 0, "state_dir is too long");
	rc = make_one(cfg->state_dir, above, err);
	if (rc == PST_OK && account != NULL)
		rc = make_one(above, dir_r, err);
	return rc;
}

char **
jmap_dir_names(const char *dir)
{
	DIR *d = opendir(dir);
	char **names = NULL;
	size_t n = 0, cap = 0;
	struct dirent *e;

	mem_grow(&names, &cap, 1, sizeof(char *));
	while (d != NULL && (e = readdir(d)) != NULL) {
		if (strchr(e->d_name, '.') != NULL)
			continue;
		mem_grow(&names, &cap, n + 2, sizeof(char *));
		names[n++] = str_dup(str_of(e->d_name));
	}
	if (d != NULL)
		(void)closedir(d);
	names[n] = NULL;
	return names;
}

void
jmap_dir_names_free(char **names)
{
	for (char **p = names; *p != NULL; p++)
		free(*p);
	free(names);
}

static bool
write_text(const char *path, const char *text)
{
	size_t n = strlen(text);
	int fd = open(
	    path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	bool ok;

	if (fd < 0)
		return false;
	ok = write(fd, text, n) == (ssize_t)n && fsync(fd) == 0;
	return close(fd) == 0 && ok;
}

enum pst_rc
jmap_file_put(
    const char *dir, const char *name, const char *text, struct pst_error *err)
{
	char path[PATH_MAX], temporary[PATH_MAX];
	int n = snprintf(path, sizeof(path), "%s/%s", dir, name);
	int m = snprintf(temporary, sizeof(temporary), "%s/%s.new", dir, name);

	if (n < 0 || n >= PATH_MAX || m < 0 || m >= PATH_MAX)
		return pst_fail(err, PST_E_LIMIT, 0, "%s: too long", dir);
	if (!write_text(temporary, text) || rename(temporary, path) < 0)
		return pst_fail(err,
		    errno == ENOSPC ? PST_E_NOSPACE : PST_E_TEMP, errno,
		    "%s: %s", path, strerror(errno));
	return jmap_dir_sync(dir, err);
}
