/*
 * outside.c - other programs that use the Maildirs at the same time: they
 * deliver into new as procmail does, move to cur and mark by renaming as mutt
 * does, and remove files.
 */
#include "stress.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

unsigned outside_n;

static const char *const folders[LASTING] = { "", "/.Box1", "/.Box two.Sub" };

static void
deliver(struct dice *d, unsigned user, const char *dir)
{
	static unsigned serial;
	uint32_t id = content_new(user, false);
	char from[PATH_MAX], to[PATH_MAX];
	struct buf text;
	int fd;

	(void)d;
	/* Whether it has a uid by the time somebody removes it, who knows. */
	content_of(id)->doomed = true;
	(void)snprintf(from, sizeof(from), "%s/tmp/%ld.P%dQ%u.outside", dir,
	    (long)time(NULL), (int)getpid(), serial);
	(void)snprintf(to, sizeof(to), "%s/new/%ld.P%dQ%u.outside", dir,
	    (long)time(NULL), (int)getpid(), serial++);
	fd = open(from, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return;
	buf_init(&text, 1 << 20);
	content_text(id, &text);
	if (write(fd, text.p, text.n) == (ssize_t)text.n && close(fd) == 0)
		(void)rename(from, to);
	buf_fini(&text);
	/* The mode that the server's user needs is this one's own. */
}

/* The message that is in a file; 0: not one of ours. */
static uint32_t
id_of(const char *path)
{
	char head[64];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, head, sizeof(head));

	if (fd >= 0)
		(void)close(fd);
	return n > 0 ? content_id(str_n(head, (size_t)n)) : 0;
}

/* Some file of new or cur. */
static bool
some_file(struct dice *d, const char *dir, const char *sub, char *name)
{
	char path[PATH_MAX];
	unsigned seen = 0;
	struct dirent *e;
	DIR *all;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, sub);
	all = opendir(path);
	while (all != NULL && (e = readdir(all)) != NULL)
		if (e->d_name[0] != '.' && roll(d, ++seen) == 0)
			(void)snprintf(name, 256, "%s", e->d_name);
	if (all != NULL)
		(void)closedir(all);
	return seen > 0;
}

/* One letter more, or one less. */
static void
change_letters(struct dice *d, char letters[64], bool may_delete)
{
	char letter = "DFRST"[roll(d, may_delete ? 5 : 4)];
	char *at = strchr(letters, letter);
	size_t n = strlen(letters), i = 0;

	if (at != NULL) {
		memmove(at, at + 1, strlen(at));
		return;
	}
	while (letters[i] != '\0' && letters[i] < letter)
		i++;
	memmove(letters + i + 1, letters + i, n - i + 1);
	letters[i] = letter;
}

static void
mark(struct dice *d, const char *dir)
{
	char name[256], from[PATH_MAX], to[PATH_MAX], letters[64] = "";
	const char *sub = chance(d, 40) ? "new" : "cur";
	struct content *content;
	char *info;

	if (!some_file(d, dir, sub, name))
		return;
	(void)snprintf(from, sizeof(from), "%s/%s/%s", dir, sub, name);
	content = content_of(id_of(from));
	if (content == NULL)
		return;
	info = strstr(name, ":2,");
	if (info != NULL && strlen(info) > 60)
		return;
	if (info != NULL) {
		(void)snprintf(letters, sizeof(letters), "%s", info + 3);
		*info = '\0';
	}
	change_letters(d, letters, !content->kept);
	if (strchr(letters, 'T') != NULL)
		content->doomed = true;
	(void)snprintf(to, sizeof(to), "%s/cur/%s:2,%s", dir, name, letters);
	(void)rename(from, to);
}

static void
take_away(struct dice *d, const char *dir)
{
	char name[256], path[PATH_MAX];
	const char *sub = chance(d, 30) ? "new" : "cur";
	struct content *content;

	if (!some_file(d, dir, sub, name))
		return;
	(void)snprintf(path, sizeof(path), "%s/%s/%s", dir, sub, name);
	content = content_of(id_of(path));
	if (content == NULL || content->kept)
		return;
	content->doomed = true;
	(void)unlink(path);
}

void
outside_step(struct dice *d)
{
	unsigned user = roll(d, options.users), n = roll(d, 10);
	char dir[PATH_MAX / 2];

	(void)snprintf(dir, sizeof(dir), "%s/%s/user%u%s", options.mail_root,
	    options.domain, user + 1, folders[roll(d, LASTING)]);
	outside_n++;
	if (n < 2)
		deliver(d, user, dir);
	else if (n < 9)
		mark(d, dir);
	else
		take_away(d, dir);
}
