/*
 * mbox.c - mbox files as a source: one file, or a tree of them.
 */
#include "base/clock.h"
#include "base/str.h"
#include "migrate/files.h"
#include "migrate/lists.h"
#include "migrate/mbox_text.h"
#include "migrate/source.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
	PIECE = 1 << 18,
	DEPTH_MAX = 32,
	MAILBOXES_MAX = 100000,
	PATH_OCTETS = 4096
};

/* For another program's lock, 50 milliseconds each. */
enum { LOCK_TRIES = 200 };

struct mbox_source {
	struct mig_source base;
	char *path;
	int root_fd;		/* -1: `path` is a file */
	struct mig_names paths; /* by name; special_use is the path below */

	/* The file that is open. */
	int fd;
	struct mbox_parser parser;
	struct buf in;
	size_t used; /* of `in` */
	bool eof, over, pending, unread;
	uint32_t last_uid;
	bool has_uids;
	bool second;	  /* the pass for those without a uid */
	uint64_t put_off; /* how many these are */
	const char *keyword[MBOX_KEYWORDS_MAX];
};

static struct mbox_source *
self(struct mig_source *base)
{
	return (struct mbox_source *)base;
}

/* --- the text of the file ------------------------------------------------ */

static enum pst_rc
read_some(struct mbox_source *s, struct pst_error *err)
{
	char *p;
	ssize_t n;

	buf_consume(&s->in, s->used);
	s->used = 0;
	p = buf_reserve(&s->in, PIECE);
	do
		n = read(s->fd, p, PIECE);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return pst_fail(
		    err, PST_E_TEMP, errno, "reading: %s", strerror(errno));
	s->eof = n == 0;
	buf_added(&s->in, (size_t)n);
	return PST_OK;
}

static enum pst_rc
advance(struct mbox_source *s, enum mbox_event *event_r, struct pst_str *text_r,
    struct pst_error *err)
{
	for (;;) {
		struct pst_str rest = str_from(buf_str(&s->in), s->used);
		size_t before = rest.n;
		enum pst_rc rc;

		*event_r = mbox_parse(&s->parser, &rest, s->eof, text_r);
		s->used += before - rest.n;
		if (*event_r != MBOX_MORE)
			return PST_OK;
		rc = read_some(s, err);
		if (rc != PST_OK)
			return rc;
	}
}

/* To the next message; s->over: there is none. */
static enum pst_rc
to_next(struct mbox_source *s, struct pst_error *err)
{
	enum mbox_event event = MBOX_TEXT;
	struct pst_str text;
	enum pst_rc rc = PST_OK;

	while (rc == PST_OK && event == MBOX_TEXT)
		rc = advance(s, &event, &text, err);
	if (rc != PST_OK)
		return rc;
	if (event == MBOX_NONE)
		return pst_fail(err, PST_E_SYNTAX, 0,
		    "does not begin with a \"From \" line: no mbox");
	s->over = event == MBOX_OVER;
	s->pending = !s->over;
	return PST_OK;
}

/* --- opening ------------------------------------------------------------- */

static void
reset(struct mbox_source *s)
{
	mbox_parser_fini(&s->parser);
	mbox_parser_init(&s->parser);
	buf_clear(&s->in);
	s->used = 0;
	s->eof = s->over = s->pending = s->unread = false;
	s->last_uid = 0;
}

static void
mbox_close(struct mig_source *base)
{
	struct mbox_source *s = self(base);

	if (s->fd < 0)
		return;
	(void)close(s->fd);
	s->fd = -1;
	mbox_parser_fini(&s->parser);
	buf_fini(&s->in);
}

/* Other programs lock for writing; a reader's lock keeps them from it. */
static enum pst_rc
lock(int fd, struct pst_error *err)
{
	struct flock l = { .l_type = F_RDLCK, .l_whence = SEEK_SET };
	const struct timespec pause = { .tv_nsec = 50 * 1000 * 1000 };

	for (int i = 0; i < LOCK_TRIES; i++) {
		if (fcntl(fd, F_SETLK, &l) == 0)
			return PST_OK;
		if (errno != EACCES && errno != EAGAIN)
			return PST_OK; /* the file system has no locks */
		(void)nanosleep(&pause, NULL);
	}
	return pst_fail(
	    err, PST_E_CONFLICT, 0, "another program keeps it locked");
}

static int
open_path(struct mbox_source *s, const char *path)
{
	struct pst_str rest = str_of(path), part;
	int fd;

	if (s->root_fd < 0)
		return mig_open_file(AT_FDCWD, path);
	fd = dup(s->root_fd);
	while (fd >= 0 && str_split(&rest, '/', &part)) {
		char *name = str_dup(part);
		int next = rest.p != NULL ? mig_open_dir(fd, name)
					  : mig_open_file(fd, name);
		int saved = errno;

		(void)close(fd);
		free(name);
		errno = saved;
		fd = next;
	}
	return fd;
}

static enum pst_rc
mbox_open(struct mig_source *base, const char *name, struct mig_state *state_r,
    struct pst_error *err)
{
	struct mbox_source *s = self(base);
	const struct mig_name *m = mig_names_get(&s->paths, str_of(name));
	const struct mbox_about *a = &s->parser.about;
	struct stat st;
	enum pst_rc rc;

	*state_r = (struct mig_state){ 0 };
	if (!m->exists)
		return pst_fail(err, PST_E_NOTFOUND, 0, "%.150s", name);
	s->fd = open_path(s, m->special_use);
	if (s->fd < 0)
		return mig_open_failed(m->special_use, errno, err);
	buf_init(&s->in, (size_t)PIECE * 2);
	s->second = false;
	s->put_off = 0;
	reset(s);
	rc = lock(s->fd, err);
	if (rc == PST_OK)
		rc = to_next(s, err);
	if (rc != PST_OK) {
		mbox_close(base);
		return rc;
	}
	s->has_uids = !s->over && a->base_uidvalidity != 0;
	if (s->has_uids) {
		state_r->uidvalidity = a->base_uidvalidity;
		state_r->uidnext = a->base_last_uid < UINT32_MAX
				       ? a->base_last_uid + 1
				       : UINT32_MAX;
	}
	if (fstat(s->fd, &st) == 0)
		state_r->bytes = (uint64_t)st.st_size;
	return PST_OK;
}

/* --- messages ------------------------------------------------------------ */

static void
describe(struct mbox_source *s, struct mig_message *m)
{
	const struct mbox_about *a = &s->parser.about;
	const char *word = a->keywords.p;

	for (size_t i = 0; i < a->keyword_count; i++) {
		s->keyword[i] = word;
		word += strlen(word) + 1;
	}
	*m = (struct mig_message){ .uid = s->second ? 0 : a->uid,
		.flags = a->flags,
		.keywords = s->keyword,
		.keyword_count = a->keyword_count,
		.date = a->date };
}

/* Whether the message at hand is for this pass: first those with a uid that
 * ascends, if there are uids at all. */
static bool
is_for_now(struct mbox_source *s, uint32_t mark)
{
	struct mbox_about *a = &s->parser.about;
	bool counted = s->has_uids && a->uid > s->last_uid;

	if (a->is_internal)
		return false;
	if (!s->has_uids) {
		a->uid = 0;
		return true;
	}
	if (counted)
		s->last_uid = a->uid;
	if (s->second)
		return !counted;
	s->put_off += !counted;
	return counted && a->uid >= mark;
}

static enum pst_rc
mbox_next(struct mig_source *base, uint32_t mark, struct mig_message *message_r,
    struct pst_error *err)
{
	struct mbox_source *s = self(base);
	enum pst_rc rc = PST_OK;

	for (;;) {
		if (!s->pending && !s->over)
			rc = to_next(s, err);
		if (rc != PST_OK)
			return rc;
		if (s->over && !s->second && s->put_off > 0) {
			if (lseek(s->fd, 0, SEEK_SET) != 0)
				return pst_fail(err, PST_E_TEMP, errno,
				    "cannot read it again");
			reset(s);
			s->second = true;
			continue;
		}
		if (s->over)
			return pst_fail(
			    err, PST_E_NOTFOUND, 0, "no more messages");
		s->pending = false;
		if (is_for_now(s, mark))
			break;
	}
	s->unread = true;
	describe(s, message_r);
	return PST_OK;
}

static enum pst_rc
mbox_read(struct mig_source *base, mig_write_fn write, void *arg,
    struct pst_error *err)
{
	struct mbox_source *s = self(base);
	struct mig_crlf crlf = { 0 };
	enum mbox_event event = MBOX_TEXT;
	struct pst_str text = buf_str(&s->parser.header);
	enum pst_rc rc = PST_OK;

	if (!s->unread)
		return pst_fail(err, PST_E_CONFLICT, 0, "read already");
	s->unread = false;
	while (rc == PST_OK && event == MBOX_TEXT) {
		if (text.n > 0)
			rc = mig_crlf_write(
			    &crlf, text.p, text.n, write, arg, err);
		if (rc == PST_OK)
			rc = advance(s, &event, &text, err);
	}
	s->pending = event == MBOX_MESSAGE;
	s->over = event == MBOX_OVER;
	return rc;
}

/* --- names --------------------------------------------------------------- */

static bool
has_suffix(const char *name, const char *suffix)
{
	size_t n = strlen(name), k = strlen(suffix);

	return n > k && strcmp(name + n - k, suffix) == 0;
}

/* Empty, or with a "From " line. */
static bool
looks_like_mbox(int fd)
{
	char start[5];
	ssize_t n = pread(fd, start, sizeof(start), 0);

	return n == 0 || (n == 5 && memcmp(start, "From ", 5) == 0);
}

static void
add(struct mbox_source *s, const char *name, const char *path)
{
	struct mig_name *m;
	struct buf clean;

	if (s->paths.n >= MAILBOXES_MAX)
		return;
	buf_init(&clean, (size_t)PATH_OCTETS * 4);
	if (mig_folder_name(str_of(name), '/', &clean)) {
		m = mig_names_get(&s->paths, buf_str(&clean));
		m->exists = true;
		free(m->special_use);
		m->special_use = str_dup(str_of(path));
	} else {
		mig_note(&s->base, "%.200s: no mailbox can be called so", path);
	}
	buf_fini(&clean);
}

static void walk(struct mbox_source *s, int dir_fd, const char *name,
    const char *path, unsigned depth);

static void
look(struct mbox_source *s, int dir_fd, const char *name, const char *path,
    const char *entry, unsigned depth)
{
	const char *slash = *path != '\0' ? "/" : "";
	char its_name[PATH_OCTETS], its_path[PATH_OCTETS];
	size_t plain = strlen(entry);
	int fd;

	if (entry[0] == '.' || has_suffix(entry, ".lock") ||
	    has_suffix(entry, ".msf"))
		return;
	/* What Thunderbird has below "Work" is in "Work.sbd". */
	if (has_suffix(entry, ".sbd"))
		plain -= 4;
	if (snprintf(its_name, sizeof(its_name), "%s%s%.*s", name, slash,
		(int)plain, entry) >= (int)sizeof(its_name) ||
	    snprintf(its_path, sizeof(its_path), "%s%s%s", path, slash,
		entry) >= (int)sizeof(its_path))
		return;
	fd = mig_open_dir(dir_fd, entry);
	if (fd >= 0) {
		walk(s, fd, its_name, its_path, depth + 1);
		(void)close(fd);
		return;
	}
	fd = mig_open_file(dir_fd, entry);
	if (fd >= 0 && looks_like_mbox(fd))
		add(s, its_name, its_path);
	else
		mig_note(
		    &s->base, "%.200s is no mbox file: left out", its_path);
	if (fd >= 0)
		(void)close(fd);
}

static void
walk(struct mbox_source *s, int dir_fd, const char *name, const char *path,
    unsigned depth)
{
	DIR *dir = depth < DEPTH_MAX ? fdopendir(dup(dir_fd)) : NULL;
	const struct dirent *e;

	if (dir == NULL)
		return;
	rewinddir(dir);
	while ((e = readdir(dir)) != NULL)
		look(s, dir_fd, name, path, e->d_name, depth);
	(void)closedir(dir);
}

static void
subscribe(void *arg, struct pst_str name)
{
	mig_names_get(arg, name)->subscribed = true;
}

static enum pst_rc
subscriptions(
    struct mbox_source *s, struct mig_names *names, struct pst_error *err)
{
	static const char *const files[] = { ".subscriptions", ".mailboxlist" };
	enum pst_rc rc = PST_OK;

	for (size_t i = 0; i < 2 && rc == PST_OK && s->root_fd >= 0; i++) {
		struct buf text;

		buf_init(&text, MIG_LIST_MAX);
		rc = mig_read_list(s->root_fd, files[i], &text, err);
		if (rc == PST_OK)
			mig_subscriptions(
			    buf_str(&text), '/', subscribe, names);
		buf_fini(&text);
	}
	return rc;
}

static enum pst_rc
mbox_names(
    struct mig_source *base, struct mig_names *names_r, struct pst_error *err)
{
	struct mbox_source *s = self(base);
	enum pst_rc rc;

	if (s->root_fd < 0)
		add(s, "INBOX", s->path);
	else if (s->paths.n == 0)
		walk(s, s->root_fd, "", "", 0);
	for (size_t i = 0; i < s->paths.n; i++)
		mig_names_get(names_r, str_of(s->paths.v[i].text))->exists =
		    true;
	if (s->paths.n == 0)
		return pst_fail(err, PST_E_NOTFOUND, 0,
		    "no mbox file is there: none begins with \"From \"");
	rc = subscriptions(s, names_r, err);
	mig_names_sort(names_r);
	return rc;
}

/* --- the whole ----------------------------------------------------------- */

static void
mbox_free(struct mig_source *base)
{
	struct mbox_source *s = self(base);

	mbox_close(base);
	mig_names_fini(&s->paths);
	if (s->root_fd >= 0)
		(void)close(s->root_fd);
	free(s->path);
	free(s);
}

static const struct mig_source_ops mbox_ops = {
	.names = mbox_names,
	.open = mbox_open,
	.next = mbox_next,
	.read = mbox_read,
	.close = mbox_close,
	.free = mbox_free,
};

enum pst_rc
mig_mbox_open(const char *path, struct mig_source **s_r, struct pst_error *err)
{
	struct mbox_source *s;
	int dir_fd = mig_open_dir(AT_FDCWD, path);
	int fd = dir_fd < 0 ? mig_open_file(AT_FDCWD, path) : -1;

	*s_r = NULL;
	if (dir_fd < 0 && fd < 0)
		return mig_open_failed(path, errno, err);
	if (fd >= 0)
		(void)close(fd);
	s = mem_alloc(sizeof(*s));
	s->base.ops = &mbox_ops;
	s->path = str_dup(str_of(path));
	s->root_fd = dir_fd;
	s->fd = -1;
	*s_r = &s->base;
	return PST_OK;
}
