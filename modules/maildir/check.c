/*
 * check.c - what an administrator's check of a mailbox looks at: the state
 * file, left-overs, uids, and each file against what its name tells.
 *
 * It reads the folders anew instead of using the list of the box, which would
 * mend silently what is to be told. Mending uses what opening a mailbox uses:
 * files whose uid cannot be believed get new ones from a scan. A message whose
 * octets are not what its name says gets a new uid as well, since clients may
 * hold its old content under the old one (RFC 3501, 2.3.1.1).
 */
#include "maildir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	STEP_MESSAGES = 1000,
	STEP_OCTETS = 32 << 20,
	TEXT_MAX = 512,
};

struct file {
	char *name;
	enum md_dir dir;
	uint32_t uid; /* 0: none */
};

struct check {
	struct pst_box *box;
	bool mend;
	pst_finding_fn fn;
	void *arg;
	struct file *file; /* by uid, then by name */
	size_t n, cap;
	uint32_t uidnext;
};

static const char *const sub_name[] = { [MD_NEW] = "new", [MD_CUR] = "cur" };

static PST_PRINTF(5, 6) void tell(struct check *c, uint32_t uid,
    const char *kind, bool is_mended, const char *fmt, ...)
{
	char text[TEXT_MAX];
	struct pst_finding f = {
		.uid = uid, .kind = kind, .text = text, .is_mended = is_mended
	};
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	c->fn(c->arg, &f);
}

/* --- the state file ------------------------------------------------------- */

static void
check_state(struct check *c)
{
	struct md_folder *f = c->box->folder;
	struct li_buf text = { 0 };
	struct li_state st = { 0 };
	const char *problem = NULL;
	struct pst_error err;
	bool mended = false;
	int e;

	(void)pthread_mutex_lock(&f->base.lock);
	e = li_read_file(f->base.fd, LI_STATE_FILE, MD_FILE_MAX, &text);
	if (e == ENOENT)
		problem = "is missing";
	else if (e != 0)
		problem = "cannot be read";
	else if (li_state_parse((struct pst_str){ text.p, text.n }, &st) !=
		 LI_STATE_OK)
		problem = "is damaged";
	else if (st.uidvalidity != f->base.state.uidvalidity ||
		 st.uidnext < f->base.state.uidnext)
		problem = "is older than what was given to clients";
	/* What the server has in memory is right. */
	if (problem != NULL && c->mend)
		mended = li_mailstate_write(&f->base, LI_SYNC_FULL, &err) ==
			 PST_OK;
	(void)pthread_mutex_unlock(&f->base.lock);
	li_state_free(&st);
	li_buf_free(&text);
	if (problem != NULL)
		tell(c, 0, "state", mended, "%s/%s %s", f->base.where,
		    LI_STATE_FILE, problem);
}

/* Names of keywords and metadata that were lost with the damaged file; the
 * letters in file names still stand for them. Wants folder->base.lock. */
static uint64_t
take_over(struct md_folder *f, const struct li_state *old)
{
	uint64_t named = 0;

	for (unsigned k = 0; k < PST_KEYWORDS_MAX; k++) {
		bool known = old->keyword[k] == NULL ||
			     f->base.state.keyword[k] != NULL;

		for (unsigned i = 0; i < PST_KEYWORDS_MAX && !known; i++)
			known = f->base.state.keyword[i] != NULL &&
				strcasecmp(f->base.state.keyword[i],
				    old->keyword[k]) == 0;
		if (known)
			continue;
		f->base.state.keyword[k] = li_strdup(old->keyword[k]);
		named |= UINT64_C(1) << k;
	}
	for (size_t i = 0; i < old->meta.n; i++) {
		const struct li_meta *m = &old->meta.v[i];

		if (li_meta_find(&f->base.state.meta, m->key) == NULL)
			li_meta_set(&f->base.state.meta, m->key,
			    (struct pst_str){ m->value, m->n });
	}
	return named;
}

/* Their messages have other keywords from now on. */
static void
note_named(struct pst_box *b, uint64_t named)
{
	uint64_t modseq = 0;

	for (size_t i = 0; i < b->n && b->is_scanned; i++) {
		struct md_msg *m = &b->msg[i];

		if ((m->keywords & named) == 0)
			continue;
		if (modseq == 0 && li_mailstate_next_modseq(&b->folder->base,
				       &modseq, NULL) != PST_OK)
			return;
		m->modseq = modseq;
		if (b->is_loaded && !(m->pending & MD_PEND_NEW)) {
			m->pending |= MD_PEND_CHANGED;
			b->is_pending = true;
		}
	}
}

static void
check_damaged(struct check *c)
{
	static const char name[] = LI_STATE_FILE ".damaged";
	struct md_folder *f = c->box->folder;
	struct li_buf text = { 0 };
	struct li_state st = { 0 };
	struct pst_error err;
	uint64_t named = 0;
	bool mended = false;

	if (li_read_file(f->base.fd, name, MD_FILE_MAX, &text) == ENOENT)
		return;
	if (c->mend) {
		/* What it has before the damage is good. */
		if (text.n > 0)
			(void)li_state_parse(
			    (struct pst_str){ text.p, text.n }, &st);
		(void)pthread_mutex_lock(&f->base.lock);
		named = take_over(f, &st);
		mended = li_mailstate_write(&f->base, LI_SYNC_FULL, &err) ==
			 PST_OK;
		(void)pthread_mutex_unlock(&f->base.lock);
		note_named(c->box, named);
		if (mended)
			mended = unlinkat(f->base.fd, name, 0) == 0;
	}
	li_state_free(&st);
	li_buf_free(&text);
	tell(c, 0, "state-lost", mended,
	    "%s was found damaged once and begun anew; what is left of it is "
	    "in %s/%s",
	    LI_STATE_FILE, f->base.where, name);
}

/* --- left-overs ----------------------------------------------------------- */

static bool
is_old(int fd, const char *name, int64_t now)
{
	struct stat st;

	return fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       st.st_mtime < now - MD_TMP_AGE && st.st_atime < now - MD_TMP_AGE;
}

/* Deliveries that came to nothing: nobody was told that they are kept. */
static void
check_tmp(struct check *c)
{
	struct md_folder *f = c->box->folder;
	int64_t now = md_now(c->box->acct->store);
	int fd = openat(
	    f->base.fd, "tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *d;

	if (dir == NULL) {
		if (fd >= 0)
			(void)close(fd);
		return;
	}
	while ((d = readdir(dir)) != NULL) {
		if (d->d_name[0] == '.' || !is_old(fd, d->d_name, now))
			continue;
		tell(c, 0, "temporary",
		    c->mend && unlinkat(fd, d->d_name, 0) == 0,
		    "%s/tmp/%s was left behind by a delivery that came to "
		    "nothing",
		    f->base.where, d->d_name);
	}
	(void)closedir(dir);
}

static void
check_trash(struct check *c)
{
	struct pst_acct *a = c->box->acct;
	int fd = openat(a->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int64_t now = md_now(a->store);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *d;

	if (dir == NULL) {
		if (fd >= 0)
			(void)close(fd);
		return;
	}
	while ((d = readdir(dir)) != NULL) {
		if (strncmp(d->d_name, MD_TRASH_PREFIX,
			strlen(MD_TRASH_PREFIX)) != 0 ||
		    !is_old(fd, d->d_name, now))
			continue;
		tell(c, 0, "left-over",
		    c->mend && li_remove_tree(fd, d->d_name) == 0,
		    "%s/%s is of a mailbox that was removed", a->path,
		    d->d_name);
	}
	(void)closedir(dir);
}

/* --- names ---------------------------------------------------------------- */

static bool
take_file(void *arg, const char *text, enum md_dir dir)
{
	struct check *c = arg;
	struct md_name name;

	md_name_parse(text, strlen(text), &name);
	LI_PUSH(c->file, c->n, c->cap);
	c->file[c->n++] = (struct file){ .name = li_strdup(text),
		.dir = dir,
		.uid = name.has_uid ? name.uid : 0 };
	return true;
}

static int
compare_files(const void *a, const void *b)
{
	const struct file *x = a, *y = b;

	if (x->uid != y->uid)
		return x->uid < y->uid ? -1 : 1;
	return strcmp(x->name, y->name);
}

static bool
is_there(const struct check *c, const struct file *f)
{
	struct stat st;

	return fstatat(c->box->folder->sub[f->dir], f->name, &st,
		   AT_SYMLINK_NOFOLLOW) == 0;
}

static bool
same_key(const struct file *a, const struct file *b)
{
	struct md_name x, y;

	md_name_parse(a->name, strlen(a->name), &x);
	md_name_parse(b->name, strlen(b->name), &y);
	return md_name_same(&x, &y);
}

/* *scan_r: a scan gives new uids, which mends it. */
static void
check_uid(struct check *c, size_t i, bool mended, bool *scan_r)
{
	const struct file *f = &c->file[i], *before = i > 0 ? f - 1 : NULL;
	const char *where = c->box->folder->base.where;

	if (f->uid >= c->uidnext) {
		*scan_r = true;
		tell(c, f->uid, "uid-high", mended,
		    "%s/%s/%s: no uid from %lu on was given yet", where,
		    sub_name[f->dir], f->name, (unsigned long)c->uidnext);
	}
	if (before == NULL || before->uid != f->uid || !is_there(c, before) ||
	    !is_there(c, f))
		return; /* or renamed while we read */
	if (same_key(before, f)) {
		tell(c, f->uid, "name-twice", false,
		    "%s/%s/%s has the name of %s/%s but for the letters: only "
		    "one of them is shown",
		    where, sub_name[f->dir], f->name, sub_name[before->dir],
		    before->name);
		return;
	}
	*scan_r = true;
	tell(c, f->uid, "uid-twice", mended,
	    "%s/%s/%s has the same uid as %s/%s", where, sub_name[f->dir],
	    f->name, sub_name[before->dir], before->name);
}

/* What is no file: links, folders. */
static void
check_strange(struct check *c, enum md_dir sub)
{
	int fd = openat(
	    c->box->folder->sub[sub], ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *d;
	struct stat st;

	if (dir == NULL) {
		if (fd >= 0)
			(void)close(fd);
		return;
	}
	while ((d = readdir(dir)) != NULL)
		if (d->d_name[0] != '.' && d->d_type != DT_REG &&
		    fstatat(fd, d->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    !S_ISREG(st.st_mode))
			tell(c, 0, "no-file", false,
			    "%s/%s/%s is no file, and no message",
			    c->box->folder->base.where, sub_name[sub],
			    d->d_name);
	(void)closedir(dir);
}

static int
read_names(struct check *c)
{
	int e = md_each_file(c->box->folder, MD_NEW, take_file, c);

	if (e == 0)
		e = md_each_file(c->box->folder, MD_CUR, take_file, c);
	if (e == 0 && c->n > 1)
		qsort(c->file, c->n, sizeof(c->file[0]), compare_files);
	return e;
}

static void
drop_names(struct check *c)
{
	for (size_t i = 0; i < c->n; i++)
		free(c->file[i].name);
	free(c->file);
	c->file = NULL;
	c->n = c->cap = 0;
}

static enum pst_rc
check_whole(struct check *c, struct pst_error *err)
{
	bool scan = false;
	enum pst_rc rc = PST_OK;

	check_state(c);
	check_damaged(c);
	check_tmp(c);
	if (c->box->folder->dir[0] == '\0')
		check_trash(c);
	check_strange(c, MD_NEW);
	check_strange(c, MD_CUR);
	for (size_t i = 0; i < c->n; i++)
		if (c->file[i].uid != 0)
			check_uid(c, i, c->mend, &scan);
	if (scan && c->mend) {
		rc = md_scan(c->box, err);
		drop_names(c);
		if (rc == PST_OK && read_names(c) != 0)
			rc = pst_fail(err, PST_E_TEMP, 0, "read %.180s",
			    c->box->folder->base.where);
	}
	return rc;
}

/* --- contents ------------------------------------------------------------- */

/* Gives the file right sizes and a new uid. */
static enum pst_rc
rename_right(struct check *c, const struct file *f, uint64_t size,
    uint64_t wire, struct pst_error *err)
{
	struct pst_box *b = c->box;
	struct md_name old, name;
	char text[MD_NAME_MAX + 1], stem[128];
	struct md_name_parts parts;
	size_t key_n, place;
	uint64_t modseq;
	enum pst_rc rc;
	int sub = b->folder->sub[f->dir], e;

	rc = md_scan_once(b, err);
	if (rc == PST_OK)
		rc = li_mailstate_reserve(
		    &b->folder->base, 1, &parts.uid, &modseq, err);
	if (rc != PST_OK)
		return rc;
	md_name_parse(f->name, strlen(f->name), &old);
	parts.source = f->name;
	parts.source_n = old.n;
	parts.size = size;
	parts.wire = wire;
	parts.date = old.date;
	parts.save_date = old.save_date;
	key_n = md_name_make(text, &parts);
	if (key_n == 0) {
		md_new_stem(b->acct->store, old.date, stem, sizeof(stem));
		parts.source = stem;
		parts.source_n = strlen(stem);
		key_n = md_name_make(text, &parts);
	}
	if (old.n > old.key_n)
		md_name_letters_fit(text, key_n, old.flags, old.keywords, &old);
	md_expect(b, f->dir, MD_ECHO_FROM, f->name);
	md_expect(b, f->dir, MD_ECHO_TO, text);
	e = li_rename_new(sub, f->name, sub, text);
	if (e != 0) {
		md_unexpect(b, f->dir, MD_ECHO_FROM, f->name);
		md_unexpect(b, f->dir, MD_ECHO_TO, text);
		return md_fail(
		    err, e, "rename %s/%s", b->folder->base.where, f->name);
	}
	(void)md_sync(b->acct->store, sub);
	md_name_parse(text, strlen(text), &name);
	place = md_box_find(b, f->uid);
	if (place < b->n && b->msg[place].uid == f->uid) {
		if (!(b->msg[place].pending & MD_PEND_NEW))
			md_box_gone(b, f->uid);
		(void)pthread_mutex_lock(&b->lock);
		md_box_drop(b, &place, 1);
		(void)pthread_mutex_unlock(&b->lock);
	}
	(void)pthread_mutex_lock(&b->lock);
	md_box_append(b, &name, f->dir, modseq, b->is_loaded ? MD_PEND_NEW : 0);
	(void)pthread_mutex_unlock(&b->lock);
	return PST_OK;
}

static void
check_sizes(struct check *c, const struct file *f, uint64_t size, uint64_t bare)
{
	uint64_t wire = size + bare;
	struct md_name name;
	struct pst_error err;
	bool mended = false;

	md_name_parse(f->name, strlen(f->name), &name);
	if ((!name.has_size || name.size == size) &&
	    (!name.has_wire || name.wire == wire))
		return;
	/* Without W= bare LFs are a part of the message. */
	if (!name.has_wire)
		wire = size;
	if (c->mend && f->uid != 0)
		mended = rename_right(c, f, size, wire, &err) == PST_OK;
	tell(c, f->uid, "size", mended,
	    "%s/%s/%s has %llu octets (%llu with CRLF)",
	    c->box->folder->base.where, sub_name[f->dir], f->name,
	    (unsigned long long)size, (unsigned long long)(size + bare));
}

/* Returns how many octets were read. */
static uint64_t
check_content(struct check *c, const struct file *f)
{
	int fd = openat(c->box->folder->sub[f->dir], f->name,
	    O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	uint64_t bare = 0, size = 0;
	struct stat st;
	int e = 0;

	if (fd < 0) {
		e = errno;
	} else {
		if (fstat(fd, &st) < 0)
			e = errno;
		else if (st.st_size > 0)
			size = (uint64_t)st.st_size;
		if (e == 0)
			e = md_count_bare_lf(fd, &bare);
		(void)close(fd);
	}
	if (e == ENOENT || e == ELOOP)
		return 0; /* gone or renamed since we read the folder */
	if (e != 0)
		tell(c, f->uid, "unreadable", false,
		    "%s/%s/%s cannot be read: %s", c->box->folder->base.where,
		    sub_name[f->dir], f->name, strerrordesc_np(e));
	else
		check_sizes(c, f, size, bare);
	return size;
}

enum pst_rc
md_check(struct pst_box *b, uint32_t first, uint32_t *next_r, bool mend,
    pst_finding_fn fn, void *arg, struct pst_error *err)
{
	struct check c = { .box = b, .mend = mend, .fn = fn, .arg = arg };
	uint64_t octets = 0, messages = 0;
	enum pst_rc rc = PST_OK;
	int e;

	*next_r = 0;
	(void)pthread_mutex_lock(&b->folder->base.lock);
	c.uidnext = b->folder->base.state.uidnext;
	(void)pthread_mutex_unlock(&b->folder->base.lock);
	e = read_names(&c);
	if (e != 0)
		rc = md_fail(err, e, "read %s", b->folder->base.where);
	else if (first <= 1)
		rc = check_whole(&c, err);
	for (size_t i = 0; i < c.n && rc == PST_OK; i++) {
		if (c.file[i].uid < first && !(first <= 1))
			continue;
		if ((messages >= STEP_MESSAGES || octets >= STEP_OCTETS) &&
		    c.file[i].uid > 1 && c.file[i].uid != c.file[i - 1].uid) {
			*next_r = c.file[i].uid;
			break;
		}
		octets += check_content(&c, &c.file[i]);
		messages++;
	}
	drop_names(&c);
	return rc;
}
