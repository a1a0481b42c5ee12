/*
 * exchange/sts_file.c - policies over a restart. A file is put in place by a
 * rename, so it is whole or not there; one that is damaged is fetched again.
 */
#include "exchange/sts_priv.h"

#include "base/log.h"
#include "base/str.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

enum { HEAD = 256, PATH = 4096, FILES_MAX = 20000 };

bool
sts_is_domain(const char *name)
{
	if (*name == '.' || strlen(name) > 253)
		return false;
	for (const char *p = name; *p != '\0'; p++)
		if (!ascii_is_alpha(*p) && !ascii_is_digit(*p) &&
		    strchr("-_.", *p) == NULL)
			return false;
	return *name != '\0';
}

struct sts_policy *
sts_policy_new(const char *domain, const char *id, int64_t fetched,
    struct pst_str octets, const char **why_r)
{
	struct sts_policy *p = mem_alloc(sizeof(*p));

	p->refs = 1;
	p->fetched = fetched;
	(void)str_copy(p->domain, sizeof(p->domain), str_of(domain));
	(void)str_copy(p->id, sizeof(p->id), str_of(id));
	buf_init(&p->octets, STS_POLICY_MAX);
	(void)buf_add_str(&p->octets, octets);
	if (sts_text_parse(buf_str(&p->octets), &p->text, why_r))
		return p;
	sts_let_go(&p);
	return NULL;
}

void
sts_file_remove(const char *dir, const char *domain)
{
	char path[PATH];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, domain);
	(void)unlink(path);
}

static bool
write_all(int fd, struct pst_str text)
{
	while (text.n > 0) {
		ssize_t n = write(fd, text.p, text.n);

		if (n < 0 && errno != EINTR)
			return false;
		text = str_from(text, n > 0 ? (size_t)n : 0);
	}
	return true;
}

void
sts_file_write(const char *dir, const struct sts_policy *p, int64_t used)
{
	char path[PATH], temporary[PATH], head[HEAD];
	int n = snprintf(head, sizeof(head),
	    "id %s\nfetched %" PRId64 "\nused %" PRId64 "\n\n", p->id,
	    p->fetched, used);
	bool done;
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, p->domain);
	(void)snprintf(temporary, sizeof(temporary), "%s/.new", dir);
	fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	done = fd >= 0 && write_all(fd, str_n(head, (size_t)n)) &&
	       write_all(fd, buf_str(&p->octets)) && fdatasync(fd) == 0;
	if (fd >= 0)
		(void)close(fd);
	if (!done || rename(temporary, path) != 0)
		log_event(PST_LOG_WARNING, 0, "mta-sts-file", "path", path,
		    "why", strerror(errno), NULL);
}

static bool
take_line(struct pst_str *rest, const char *name, struct pst_str *value_r)
{
	struct pst_str line, first;

	if (!str_split(rest, '\n', &line) || !str_split(&line, ' ', &first) ||
	    !str_is(first, name))
		return false;
	*value_r = line;
	return true;
}

static struct sts_policy *
parse_file(const char *domain, struct pst_str text, int64_t *used_r)
{
	struct pst_str rest = text, id, fetched, used, empty;
	uint64_t fetched_at, used_at;
	char name[STS_ID];
	const char *why;

	if (!take_line(&rest, "id", &id) ||
	    !take_line(&rest, "fetched", &fetched) ||
	    !take_line(&rest, "used", &used) ||
	    !str_split(&rest, '\n', &empty) || empty.n > 0 ||
	    !str_to_u64(fetched, &fetched_at) || !str_to_u64(used, &used_at) ||
	    fetched_at > INT64_MAX || used_at > INT64_MAX ||
	    !str_copy(name, sizeof(name), id))
		return NULL;
	*used_r = (int64_t)used_at;
	return sts_policy_new(domain, name, (int64_t)fetched_at, rest, &why);
}

static struct sts_policy *
read_file(int dir, const char *name, char *block, int64_t *used_r)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	ssize_t n;

	if (fd < 0)
		return NULL;
	n = read(fd, block, HEAD + STS_POLICY_MAX);
	(void)close(fd);
	return n > 0 ? parse_file(name, str_n(block, (size_t)n), used_r) : NULL;
}

void
sts_file_each(const char *dir,
    void (*fn)(void *arg, struct sts_policy *p, int64_t used), void *arg)
{
	char *block = mem_alloc(HEAD + STS_POLICY_MAX);
	DIR *d = opendir(dir);
	struct dirent *e;
	unsigned n = 0;

	while (d != NULL && (e = readdir(d)) != NULL) {
		struct sts_policy *p = NULL;
		int64_t used = 0;

		if (!sts_is_domain(e->d_name))
			continue;
		if (n++ < FILES_MAX)
			p = read_file(dirfd(d), e->d_name, block, &used);
		if (p != NULL)
			fn(arg, p, used);
		else
			(void)unlinkat(dirfd(d), e->d_name, 0);
	}
	if (d != NULL)
		(void)closedir(d);
	free(block);
}
