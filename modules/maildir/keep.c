/*
 * keep.c - taking messages out of mailboxes without losing them: see kept.h.
 *
 * The order: the file that tells whose the messages are is on the disk before
 * the first message comes; then each message is one rename, made durable by the
 * same synchronisation of its old folder as a removal.
 */
#include "about.h"
#include "kept.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum {
	GENERATIONS = 1000, /* of the keywords of one mailbox */
	NAME_TRIES = 8,
	LOW_SHARE = 50,	     /* less room than one part in ... */
	LOW_OCTETS = 1 << 30 /* ... and than this is kept for new mail */
};

struct md_keeper {
	char dir[64];			 /* in postern.kept */
	int fd;				 /* of its cur */
	char *keyword[PST_KEYWORDS_MAX]; /* as the file about it says */
};

void
md_keeper_free(struct md_keeper *k)
{
	if (k == NULL)
		return;
	if (k->fd >= 0)
		(void)close(k->fd);
	for (unsigned i = 0; i < PST_KEYWORDS_MAX; i++)
		free(k->keyword[i]);
	free(k);
}

bool
md_keeper_is(const struct md_keeper *k, const char *dir)
{
	return k != NULL && strcmp(k->dir, dir) == 0;
}

bool
md_may_keep(struct pst_acct *a)
{
	struct statvfs fs;
	uint64_t block, room, least;

	if (fstatvfs(a->fd, &fs) < 0)
		return true;
	block = fs.f_frsize ? fs.f_frsize : fs.f_bsize;
	room = fs.f_bavail * block;
	least = fs.f_blocks / LOW_SHARE * block;
	if (least > LOW_OCTETS)
		least = LOW_OCTETS;
	return room > least &&
	       (fs.f_files == 0 || fs.f_favail > fs.f_files / LOW_SHARE);
}

/* Opens a folder, made when it is not there. -1: errno. */
static int
make_and_open(const struct pst_store *s, int dirfd, const char *name)
{
	bool made = mkdirat(dirfd, name, 0700) == 0;
	int fd;

	if (!made && errno != EEXIST)
		return -1;
	if (made && md_sync(s, dirfd) != 0)
		return -1;
	fd = openat(
	    dirfd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	return fd;
}

static int
write_about(const struct pst_store *s, int dirfd, const struct md_about *about)
{
	struct li_buf text = { 0 };
	int e;

	md_about_print(&text, about);
	e = li_replace_file(dirfd, MD_ABOUT_FILE, text.p, text.n,
	    md_sync_kind(s, LI_SYNC_FULL));
	li_buf_free(&text);
	return e;
}

/* --- the place of a mailbox's messages ------------------------------------ */

/* What is to be said of the mailbox now. Wants folder->base.lock. */
static void
describe(const struct md_folder *f, struct md_about *about)
{
	const struct li_meta *use = li_meta_find(
	    &f->base.state.meta, MD_SPECIAL_USE);
	struct li_buf name = { 0 };

	*about = (struct md_about){ 0 };
	if (f->dir[0] == '\0')
		about->name = li_strdup("INBOX");
	else if (md_folder_decode(f->dir, &name))
		about->name = li_memdup(name.p, name.n);
	li_buf_free(&name);
	if (use != NULL)
		about->use = li_memdup(use->value, use->n);
	memcpy(
	    about->objectid, f->base.state.objectid, sizeof(about->objectid));
	for (unsigned k = 0; k < PST_KEYWORDS_MAX; k++)
		if (f->base.state.keyword[k] != NULL)
			about->keyword[k] = li_strdup(f->base.state.keyword[k]);
}

/* No letter means one thing in `old` and another in `now`. */
static bool
is_compatible(const struct md_about *old, const struct md_about *now)
{
	for (unsigned k = 0; k < PST_KEYWORDS_MAX; k++)
		if (old->keyword[k] != NULL && now->keyword[k] != NULL &&
		    strcasecmp(old->keyword[k], now->keyword[k]) != 0)
			return false;
	return true;
}

/* Letters that had a name before keep it, as do lines of a later version. */
static void
merge(struct md_about *now, const struct md_about *old)
{
	for (unsigned k = 0; k < PST_KEYWORDS_MAX; k++)
		if (now->keyword[k] == NULL && old->keyword[k] != NULL)
			now->keyword[k] = li_strdup(old->keyword[k]);
	li_buf_add(&now->unknown, old->unknown.p, old->unknown.n);
}

static bool
same_about(const struct md_about *a, const struct md_about *b)
{
	if (a->name == NULL || b->name == NULL ||
	    strcmp(a->name, b->name) != 0 ||
	    strcmp(a->objectid, b->objectid) != 0)
		return false;
	for (unsigned k = 0; k < PST_KEYWORDS_MAX; k++)
		if ((a->keyword[k] == NULL) != (b->keyword[k] == NULL))
			return false;
	return true;
}

/*
 * Makes the folder `k->dir` ready for the mailbox. ESTALE: its keywords mean
 * something else. 0 or an errno.
 */
static int
use_folder(const struct pst_store *s, int kept_fd, struct md_keeper *k,
    struct md_about *now)
{
	struct md_about old = { 0 };
	struct li_buf text = { 0 };
	int fd = make_and_open(s, kept_fd, k->dir), e = 0;

	if (fd < 0)
		return errno;
	if (li_read_file(fd, MD_ABOUT_FILE, MD_FILE_MAX, &text) == 0 &&
	    !md_about_parse((struct pst_str){ text.p, text.n }, &old))
		e = ESTALE;
	li_buf_free(&text);
	if (e == 0 && !is_compatible(&old, now))
		e = ESTALE;
	if (e == 0) {
		merge(now, &old);
		k->fd = make_and_open(s, fd, "cur");
		if (k->fd < 0)
			e = errno;
	}
	if (e == 0 && !same_about(&old, now))
		e = write_about(s, fd, now);
	if (e != 0 && k->fd >= 0) {
		(void)close(k->fd);
		k->fd = -1;
	}
	md_about_free(&old);
	(void)close(fd);
	return e;
}

/* Wants acct->lock. 0 or an errno. */
static int
open_keeper(struct md_folder *f, struct md_about *now)
{
	const struct pst_store *s = f->acct->store;
	struct md_keeper *k = li_alloc(sizeof(*k));
	int kept_fd = make_and_open(s, f->acct->fd, MD_KEPT_FOLDER);
	int e = kept_fd < 0 ? errno : ESTALE;

	k->fd = -1;
	for (unsigned g = 0; g < GENERATIONS && e == ESTALE; g++) {
		if (g == 0)
			(void)snprintf(
			    k->dir, sizeof(k->dir), "%s", now->objectid);
		else
			(void)snprintf(
			    k->dir, sizeof(k->dir), "%s-%u", now->objectid, g);
		e = use_folder(s, kept_fd, k, now);
	}
	if (kept_fd >= 0)
		(void)close(kept_fd);
	if (e != 0) {
		md_keeper_free(k);
		return e;
	}
	for (unsigned i = 0; i < PST_KEYWORDS_MAX; i++) {
		k->keyword[i] = now->keyword[i];
		now->keyword[i] = NULL;
	}
	md_keeper_free(f->keeper);
	f->keeper = k;
	return 0;
}

/* The keywords of `mask` have the names in the file that they have now. Wants
 * folder->base.lock. */
static bool
knows(const struct md_folder *f, uint64_t mask)
{
	for (unsigned k = 0; k < PST_KEYWORDS_MAX; k++) {
		const char *now = f->base.state.keyword[k];
		const char *then = f->keeper->keyword[k];

		if ((mask >> k & 1) == 0 || now == NULL)
			continue;
		if (then == NULL || strcasecmp(then, now) != 0)
			return false;
	}
	return true;
}

/* Somebody removed its folder. */
static bool
is_gone(const struct md_keeper *k)
{
	struct stat st;

	return fstat(k->fd, &st) == 0 && st.st_nlink == 0;
}

static int
keeper_ready(struct md_folder *f, uint64_t keywords)
{
	struct md_about now;
	bool ready;
	int e;

	/* Only calls on the box change it, and there is one of those. */
	ready = f->keeper != NULL && !is_gone(f->keeper);
	(void)pthread_mutex_lock(&f->base.lock);
	ready = ready && knows(f, keywords);
	if (!ready)
		describe(f, &now);
	(void)pthread_mutex_unlock(&f->base.lock);
	if (ready)
		return 0;
	(void)pthread_mutex_lock(&f->acct->lock);
	e = open_keeper(f, &now);
	(void)pthread_mutex_unlock(&f->acct->lock);
	md_about_free(&now);
	return e;
}

/* --- one message ---------------------------------------------------------- */

/* Adds the time; a name that would be too long stays as it is, and the file's
 * own time tells. */
static void
kept_name(const char *text, int64_t now, char out[MD_NAME_MAX + 1])
{
	struct md_name name;
	char field[32];
	size_t n;

	md_name_parse(text, strlen(text), &name);
	n = (size_t)snprintf(field, sizeof(field), ",X=%lld", (long long)now);
	if (name.n + n > MD_NAME_MAX) {
		memcpy(out, text, name.n + 1);
		return;
	}
	memcpy(out, text, name.key_n);
	memcpy(out + name.key_n, field, n);
	memcpy(out + name.key_n + n, text + name.key_n, name.n - name.key_n);
	out[name.n + n] = '\0';
}

static int
rename_kept(struct pst_box *b, enum md_dir dir, const char *text)
{
	int64_t now = md_now(b->acct->store);
	char out[MD_NAME_MAX + 1];
	int e = EEXIST;

	md_expect(b, dir, MD_ECHO_FROM, text);
	/* A name that is there is of a message that had the same uid when the
	 * mailbox had other ones. */
	for (int i = 0; i < NAME_TRIES && e == EEXIST; i++) {
		kept_name(text, now + i, out);
		e = li_rename_new(
		    b->folder->sub[dir], text, b->folder->keeper->fd, out);
	}
	if (e != 0)
		md_unexpect(b, dir, MD_ECHO_FROM, text);
	return e;
}

int
md_keep_msg(struct pst_box *b, size_t place, bool touched[2])
{
	struct md_msg *m = &b->msg[place];
	char text[MD_NAME_MAX + 1];
	struct md_name key;
	enum md_dir dir = m->dir;
	int e = keeper_ready(b->folder, m->keywords);

	md_name_parse(m->name, m->name_n, &key);
	memcpy(text, m->name, m->name_n + 1U);
	for (int tries = 0; tries < 3 && e == 0; tries++) {
		e = rename_kept(b, dir, text);
		if (e == 0) {
			touched[dir] = true;
			return 0;
		}
		if (e == ENOENT && !md_find_file(b, m->uid, &key, text, &dir))
			return 0; /* somebody else was faster */
		if (e == ENOENT && tries < 2)
			e = keeper_ready(b->folder, m->keywords);
	}
	if (e != 0)
		b->acct->store->host->log(PST_LOG_WARNING,
		    "maildir: %s: a message is not kept for undelete: %s",
		    b->folder->base.where, strerrordesc_np(e));
	return md_unlink_msg(b, place, touched);
}

/* --- a whole mailbox ------------------------------------------------------ */

static bool
stop_at_first(void *arg, const char *name, enum md_dir dir)
{
	(void)name;
	(void)dir;
	*(bool *)arg = true;
	return false;
}

static bool
has_messages(int fd)
{
	struct md_folder f = { 0 };
	bool any = false;

	f.sub[MD_NEW] = openat(
	    fd, "new", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	f.sub[MD_CUR] = openat(
	    fd, "cur", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	for (int i = 0; i < 2; i++) {
		if (f.sub[i] < 0)
			continue;
		if (!any)
			(void)md_each_file(
			    &f, (enum md_dir)i, stop_at_first, &any);
		(void)close(f.sub[i]);
	}
	return any;
}

static int
write_folder_about(struct pst_acct *a, const char *dir, int fd)
{
	struct md_folder f = { .dir = li_strdup(dir) };
	struct li_buf text = { 0 };
	struct md_about about;
	int e;

	if (li_read_file(fd, LI_STATE_FILE, MD_FILE_MAX, &text) == 0)
		(void)li_state_parse(
		    (struct pst_str){ text.p, text.n }, &f.base.state);
	li_buf_free(&text);
	describe(&f, &about);
	about.gone = md_now(a->store);
	e = write_about(a->store, fd, &about);
	md_about_free(&about);
	li_state_free(&f.base.state);
	free(f.dir);
	return e;
}

int
md_keep_folder(struct pst_acct *a, const char *dir)
{
	char name[64] = "R";
	int kept_fd = -1, e = 0, fd;

	fd = openat(
	    a->fd, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return errno;
	if (!has_messages(fd))
		e = ENODATA;
	if (e == 0) {
		kept_fd = make_and_open(a->store, a->fd, MD_KEPT_FOLDER);
		if (kept_fd < 0)
			e = errno;
	}
	if (e == 0)
		e = write_folder_about(a, dir, fd);
	(void)close(fd);
	if (e == 0) {
		md_random_hex(a->store, name + 1, 8);
		e = li_rename_new(a->fd, dir, kept_fd, name);
	}
	if (e == 0)
		e = md_sync(a->store, kept_fd);
	if (e == 0)
		e = md_sync(a->store, a->fd);
	if (kept_fd >= 0)
		(void)close(kept_fd);
	return e;
}
