/*
 * mailstate.c - the state file of a mailbox at work: uids and modseqs are
 * reserved on the disk ahead of their use, in blocks, so that a delivery
 * normally writes no state and still no number is ever given twice, not even
 * when the newest messages were removed by somebody else before a crash.
 */
#include "maildir.h"

#include "kept.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	UID_BLOCK_FIRST = 16,
	UID_BLOCK = 256,
	MODSEQ_BLOCK = 10000,
};

void
md_state_begin(
    const struct pst_store *s, uint32_t uidvalidity, struct md_state *st)
{
	*st = (struct md_state){ .uidvalidity = uidvalidity,
		.uidnext = 1,
		.recent = 1,
		.modseq = 1 };
	st->objectid[0] = 'F';
	md_random_hex(s, st->objectid + 1, 12);
}

bool
md_folder_is_there(const struct md_folder *f)
{
	static const char *const name[2] = { "new", "cur" };
	char path[MD_NAME_MAX + 8];
	struct stat ours, there;

	for (int i = 0; i < 2; i++) {
		(void)snprintf(path, sizeof(path), "%s/%s",
		    f->dir[0] ? f->dir : ".", name[i]);
		if (fstat(f->sub[i], &ours) < 0)
			continue;
		if (fstatat(f->acct->fd, path, &there, AT_SYMLINK_NOFOLLOW) < 0)
			return errno != ENOENT && errno != ENOTDIR;
		if (ours.st_dev != there.st_dev || ours.st_ino != there.st_ino)
			return false;
	}
	return true;
}

enum pst_rc
md_folder_write(struct md_folder *f, enum md_sync sync, struct pst_error *err)
{
	const struct pst_store *s = f->acct->store;
	struct md_state st = f->state; /* borrows its texts */
	struct md_buf text = { 0 };
	enum pst_rc rc = PST_OK;
	int e;

	if (!md_folder_is_there(f))
		return pst_fail(err, PST_E_NOTFOUND, 0,
		    "%.180s was removed or renamed by somebody else", f->where);
	st.uidnext = f->uid_floor;
	st.modseq = f->modseq_floor;
	md_state_print(&text, &st);
	if (text.n > MD_FILE_MAX)
		rc = pst_fail(err, PST_E_LIMIT, 0,
		    "%.180s: too much is kept with one mailbox", f->where);
	if (rc == PST_OK) {
		e = md_replace_file(f->fd, MD_STATE_FILE, text.p, text.n,
		    md_sync_kind(s, sync));
		if (e != 0)
			rc = md_fail(
			    err, e, "write %s/%s", f->where, MD_STATE_FILE);
	}
	md_buf_free(&text);
	if (rc == PST_OK)
		f->is_dirty = f->is_fresh = false;
	return rc;
}

enum pst_rc
md_folder_reserve(struct md_folder *f, uint32_t uids, uint32_t *first_r,
    uint64_t *modseq_r, struct pst_error *err)
{
	uint32_t old_floor;
	uint64_t old_modseq;
	enum pst_rc rc = PST_OK;

	(void)pthread_mutex_lock(&f->lock);
	old_floor = f->uid_floor;
	old_modseq = f->modseq_floor;
	if (uids > UINT32_MAX - 2 * UID_BLOCK - f->state.uidnext) {
		rc = pst_fail(
		    err, PST_E_LIMIT, 0, "%.180s: no uids are left", f->where);
		goto out;
	}
	if (f->state.uidnext + uids > f->uid_floor) {
		f->uid_floor = f->state.uidnext + uids + f->uid_block - 1;
		f->uid_block = UID_BLOCK;
	}
	if (f->state.modseq + 1 > f->modseq_floor)
		f->modseq_floor = f->state.modseq + MODSEQ_BLOCK;
	if ((uids > 0 && f->uid_floor != old_floor) ||
	    (modseq_r != NULL && f->modseq_floor != old_modseq)) {
		rc = md_folder_write(f, MD_SYNC_FULL, err);
		if (rc != PST_OK) {
			f->uid_floor = old_floor;
			f->modseq_floor = old_modseq;
			goto out;
		}
	} else {
		f->modseq_floor = old_modseq;
	}
	if (first_r != NULL)
		*first_r = f->state.uidnext;
	f->state.uidnext += uids;
	if (modseq_r != NULL)
		*modseq_r = ++f->state.modseq;
out:
	(void)pthread_mutex_unlock(&f->lock);
	return rc;
}

enum pst_rc
md_folder_raise(struct md_folder *f, uint32_t uidnext, uint64_t modseq,
    struct pst_error *err)
{
	uint32_t old_floor;
	uint64_t old_modseq;
	enum pst_rc rc = PST_OK;

	(void)pthread_mutex_lock(&f->lock);
	old_floor = f->uid_floor;
	old_modseq = f->modseq_floor;
	if (uidnext > UINT32_MAX - 2 * UID_BLOCK || modseq > INT64_MAX / 2) {
		rc = pst_fail(
		    err, PST_E_LIMIT, 0, "%.180s: no uids are left", f->where);
		goto out;
	}
	if (uidnext > f->uid_floor) {
		f->uid_floor = uidnext + f->uid_block - 1;
		f->uid_block = UID_BLOCK;
	}
	if (modseq > f->modseq_floor)
		f->modseq_floor = modseq + MODSEQ_BLOCK;
	if (f->uid_floor != old_floor || f->modseq_floor != old_modseq)
		rc = md_folder_write(f, MD_SYNC_FULL, err);
	if (rc != PST_OK) {
		f->uid_floor = old_floor;
		f->modseq_floor = old_modseq;
		goto out;
	}
	if (uidnext > f->state.uidnext)
		f->state.uidnext = uidnext;
	if (modseq > f->state.modseq)
		f->state.modseq = modseq;
out:
	(void)pthread_mutex_unlock(&f->lock);
	return rc;
}

enum pst_rc
md_folder_next_modseq(
    struct md_folder *f, uint64_t *modseq_r, struct pst_error *err)
{
	struct pst_error why = { 0 };
	uint64_t modseq = 0;
	enum pst_rc rc = md_folder_reserve(f, 0, NULL, &modseq, &why);

	if (rc == PST_E_NOSPACE || rc == PST_E_NOTFOUND) {
		(void)pthread_mutex_lock(&f->lock);
		modseq = ++f->state.modseq;
		f->is_dirty = true;
		(void)pthread_mutex_unlock(&f->lock);
		rc = PST_OK;
	}
	if (rc != PST_OK && err != NULL)
		*err = why;
	if (modseq_r != NULL)
		*modseq_r = modseq;
	return rc;
}

uint64_t
md_folder_named(struct md_folder *f)
{
	uint64_t mask = 0;

	(void)pthread_mutex_lock(&f->lock);
	for (unsigned k = 0; k < PST_KEYWORDS_MAX; k++)
		if (f->state.keyword[k] != NULL)
			mask |= UINT64_C(1) << k;
	(void)pthread_mutex_unlock(&f->lock);
	return mask;
}

/* Other programs may leave a mailbox without new or tmp. */
static int
open_subs(struct md_folder *f)
{
	static const char *const name[2] = { "new", "cur" };

	f->sub[MD_CUR] = openat(f->fd, name[MD_CUR],
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (f->sub[MD_CUR] < 0)
		return errno;
	for (int tries = 0; f->sub[MD_NEW] < 0; tries++) {
		f->sub[MD_NEW] = openat(f->fd, name[MD_NEW],
		    O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
		if (f->sub[MD_NEW] >= 0)
			break;
		if (errno != ENOENT || tries > 0)
			return errno;
		if ((mkdirat(f->fd, "tmp", 0700) < 0 && errno != EEXIST) ||
		    (mkdirat(f->fd, "new", 0700) < 0 && errno != EEXIST))
			return errno;
	}
	return 0;
}

static enum pst_rc
begin_state(struct md_folder *f, struct pst_error *err)
{
	uint32_t uidvalidity;
	enum pst_rc rc = md_acct_uidvalidity(f->acct, &uidvalidity, err);

	if (rc != PST_OK)
		return rc;
	md_state_begin(f->acct->store, uidvalidity, &f->state);
	f->is_fresh = true;
	return PST_OK;
}

static enum pst_rc
read_state(struct md_folder *f, struct pst_error *err)
{
	const struct pst_store *s = f->acct->store;
	struct md_buf text = { 0 };
	enum md_state_rc parsed;
	int e = md_read_file(f->fd, MD_STATE_FILE, MD_FILE_MAX, &text);

	if (e == ENOENT) {
		md_buf_free(&text);
		return begin_state(f, err);
	}
	if (e != 0 && e != EFBIG && e != EINVAL) {
		md_buf_free(&text);
		return pst_fail(err, PST_E_TEMP, e, "read %.180s/%s", f->where,
		    MD_STATE_FILE);
	}
	parsed = e != 0 ? MD_STATE_DAMAGED
			: md_state_parse(
			      (struct pst_str){ text.p, text.n }, &f->state);
	md_buf_free(&text);
	/* TEMP: mail that comes waits for the right version. */
	if (parsed == MD_STATE_NEWER)
		return pst_fail(err, PST_E_TEMP, 0,
		    "%.180s/%s was written by a later version", f->where,
		    MD_STATE_FILE);
	if (parsed == MD_STATE_DAMAGED) {
		s->host->log(PST_LOG_WARNING,
		    "maildir: %s/%s is damaged and begun anew: clients "
		    "will load this mailbox again",
		    f->where, MD_STATE_FILE);
		md_state_free(&f->state);
		(void)renameat(
		    f->fd, MD_STATE_FILE, f->fd, MD_STATE_FILE ".damaged");
		return begin_state(f, err);
	}
	return PST_OK;
}

static void
folder_free(struct md_folder *f)
{
	for (int i = 0; i < 2; i++)
		if (f->sub[i] >= 0)
			(void)close(f->sub[i]);
	if (f->fd >= 0)
		(void)close(f->fd);
	md_state_free(&f->state);
	md_keeper_free(f->keeper);
	(void)pthread_mutex_destroy(&f->lock);
	free(f->dir);
	free(f->where);
	free(f);
}

enum pst_rc
md_folder_get(struct pst_acct *acct, const char *dir,
    struct md_folder **folder_r, struct pst_error *err)
{
	struct md_buf where = { 0 };
	struct md_folder *f;
	enum pst_rc rc = PST_OK;
	int e = 0;

	for (f = acct->folders; f != NULL; f = f->next) {
		if (strcmp(f->dir, dir) == 0) {
			f->users++;
			*folder_r = f;
			return PST_OK;
		}
	}
	f = md_alloc(sizeof(*f));
	f->acct = acct;
	f->dir = md_strdup(dir);
	md_buf_puts(&where, acct->path);
	if (dir[0] != '\0')
		md_buf_putc(&where, '/');
	md_buf_puts(&where, dir);
	f->where = where.p;
	f->sub[MD_NEW] = f->sub[MD_CUR] = -1;
	f->uid_block = UID_BLOCK_FIRST;
	(void)pthread_mutex_init(&f->lock, NULL);
	f->fd = openat(acct->fd, dir[0] ? dir : ".",
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (f->fd < 0)
		e = errno;
	if (e == 0)
		e = open_subs(f);
	if (e == ENOENT || e == ENOTDIR || e == ELOOP || e == ENAMETOOLONG)
		rc = pst_fail(err, PST_E_NOTFOUND, e,
		    "%.80s has no folder %.80s", acct->path, dir);
	else if (e != 0)
		rc = md_fail(err, e, "open %s/%s", acct->path, dir);
	if (rc == PST_OK)
		rc = read_state(f, err);
	if (rc != PST_OK) {
		folder_free(f);
		return rc;
	}
	f->uid_floor = f->state.uidnext;
	f->modseq_floor = f->state.modseq;
	f->users = 1;
	f->next = acct->folders;
	acct->folders = f;
	*folder_r = f;
	return PST_OK;
}

void
md_folder_put(struct md_folder *f)
{
	struct md_folder **at = &f->acct->folders;
	struct pst_error err;

	if (--f->users > 0)
		return;
	while (*at != f)
		at = &(*at)->next;
	*at = f->next;
	(void)pthread_mutex_lock(&f->lock);
	/* Exact again. The old, higher floors are right as well. */
	if (f->is_fresh || f->is_dirty || f->uid_floor != f->state.uidnext ||
	    f->modseq_floor != f->state.modseq) {
		f->uid_floor = f->state.uidnext;
		f->modseq_floor = f->state.modseq;
		if (md_folder_write(f, MD_SYNC_FILE, &err) != PST_OK &&
		    err.rc != PST_E_NOTFOUND && err.sys_errno != ENOENT)
			f->acct->store->host->log(
			    PST_LOG_WARNING, "maildir: %s", err.detail);
	}
	(void)pthread_mutex_unlock(&f->lock);
	folder_free(f);
}
