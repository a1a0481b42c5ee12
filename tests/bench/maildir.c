/*
 * maildir.c - `make`: a Maildir full of messages; what is in it goes to
 * standard output. `fill`: another Maildir with the first of them.
 *
 * The names of the made ones have the sizes that Dovecot's deliveries write
 * into names (S=, and W= with CRLF line ends); a Maildir filled in the style
 * "plain" has names without them, as other programs deliver.
 */
#include "cells.h"

#include "bench.h"
#include "mail.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MESSAGE_MAX = 4 * 1024 * 1024, PATH = 512, SEED = 2 };

static void
give_to_owner(const char *path)
{
	if (bench.uid > 0 &&
	    chown(path, (uid_t)bench.uid, (gid_t)bench.uid) < 0)
		bench_fail("chown %s: %s", path, strerror(errno));
}

static void
make_dir(const char *dir, const char *name)
{
	char path[PATH];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		bench_fail("mkdir %s: %s", path, strerror(errno));
	give_to_owner(path);
}

static void
make_maildir(const char *dir)
{
	make_dir(dir, "");
	make_dir(dir, "cur");
	make_dir(dir, "new");
	make_dir(dir, "tmp");
}

/* --- make -----------------------------------------------------------------
 */

static uint64_t
wire_size(const struct buf *text)
{
	uint64_t n = text->n;

	for (size_t i = 0; i < text->n; i++)
		n += text->p[i] == '\n';
	return n;
}

/* The modification time is the date of arrival, for both servers. */
static void
put_message(const struct mail_maker *m, const struct buf *text, uint64_t wire)
{
	const struct timespec times[2] = { { .tv_sec = (time_t)m->date },
		{ .tv_sec = (time_t)m->date } };
	char path[PATH];
	int fd;

	(void)snprintf(path, sizeof(path),
	    "%s/cur/%" PRId64 ".M%uP1.made,S=%zu,W=%" PRIu64 ":2,%s", bench.dir,
	    m->date, m->made, text->n, wire, m->made % 4 == 0 ? "" : "S");
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, text->p, text->n) != (ssize_t)text->n ||
	    futimens(fd, times) < 0 || close(fd) < 0)
		bench_fail("cannot write %s: %s", path, strerror(errno));
	give_to_owner(path);
}

void
cell_make(void)
{
	struct mail_maker m;
	struct buf text;

	if (bench.dir == NULL)
		bench_fail("make: --dir DIR is needed");
	make_maildir(bench.dir);
	mail_maker_init(&m, SEED);
	buf_init(&text, MESSAGE_MAX);
	for (unsigned i = 0; i < bench.count; i++) {
		buf_clear(&text);
		mail_make(&m, (size_t)bench.octets, &text);
		m.octets += wire_size(&text);
		put_message(&m, &text, wire_size(&text));
		(void)printf("%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64
			     "\n",
		    m.octets, m.with_subject, m.with_from, m.with_text);
	}
	buf_fini(&text);
}

/* --- fill -----------------------------------------------------------------
 */

static int
by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int
is_message(const struct dirent *e)
{
	return e->d_name[0] != '.';
}

/* Both have the same file: nobody writes into a message of a Maildir. */
static void
link_message(const char *name, const char *to, bool plain)
{
	const char *hints = strchr(name, ','), *flags = strchr(name, ':');
	int keep = (int)strlen(name);
	char from_path[PATH], to_path[PATH];

	if (hints == NULL || flags == NULL || hints > flags)
		bench_fail("not a name of `make`: %s", name);
	if (plain)
		keep = (int)(hints - name);
	(void)snprintf(
	    from_path, sizeof(from_path), "%s/cur/%s", bench.dir, name);
	(void)snprintf(to_path, sizeof(to_path), "%s/cur/%.*s%s", to, keep,
	    name, plain ? flags : "");
	if (link(from_path, to_path) < 0)
		bench_fail("link %s: %s", to_path, strerror(errno));
}

static void
fill(struct dirent **names, const char *to)
{
	bool plain = bench.style != NULL && strcmp(bench.style, "plain") == 0;

	make_maildir(to);
	for (unsigned i = 0; i < bench.count; i++)
		link_message(names[i]->d_name, to, plain);
}

/* For each of the users one, when the path has a place for the number. */
void
cell_fill(void)
{
	struct dirent **names;
	struct buf path;
	int n;

	if (bench.dir == NULL)
		bench_fail("fill: --dir DIR is needed");
	buf_init(&path, PATH);
	buf_printf(&path, "%s/cur%c", bench.dir, '\0');
	n = scandir(path.p, &names, is_message, by_name);
	if (n < 0 || (unsigned)n < bench.count)
		bench_fail("%s has too few messages", path.p);
	for (unsigned i = 0; i < bench.users; i++) {
		buf_clear(&path);
		bench_numbered(bench.mailbox, bench.first + i, &path);
		fill(names, path.p);
	}
	for (int i = 0; i < n; i++)
		free(names[i]);
	free(names);
	buf_fini(&path);
}
