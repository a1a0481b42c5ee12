/*
 * folder.c - what we know of a mailbox, at work: uids and modseqs are reserved
 * on the disk ahead of their use, in blocks, so that a delivery normally writes
 * no state and still no number is ever given twice.
 */
#include "mbox.h"

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
mb_state_begin(
    const struct pst_store *s, uint32_t uidvalidity, struct li_state *st)
{
	*st = (struct li_state){ .uidvalidity = uidvalidity,
		.uidnext = 1,
		.recent = 1,
		.modseq = 1 };
	st->objectid[0] = 'F';
	li_random_hex(s->host, st->objectid + 1, 12);
}

bool
mb_folder_is_there(const struct mb_folder *f)
{
	struct li_buf path = { 0 };
	struct stat ours, there;
	bool is = true;

	mb_path_index(f->path, &path);
	if (fstatat(f->acct->fd, f->path, &there, AT_SYMLINK_NOFOLLOW) < 0)
		is = errno != ENOENT && errno != ENOTDIR;
	else if (fstat(f->fd, &ours) == 0 &&
		 fstatat(f->acct->fd, path.p, &there, AT_SYMLINK_NOFOLLOW) == 0)
		is = ours.st_dev == there.st_dev && ours.st_ino == there.st_ino;
	li_buf_free(&path);
	return is;
}

enum pst_rc
mb_folder_write(struct mb_folder *f, enum li_sync sync, struct pst_error *err)
{
	struct li_state st = f->state; /* borrows its texts */
	struct li_buf text = { 0 };
	int e = EFBIG;

	st.uidnext = f->uid_floor;
	st.modseq = f->modseq_floor;
	li_state_print(&text, &st);
	if (text.n <= LI_FILE_MAX)
		e = li_replace_file(f->fd, MB_STATE_FILE, text.p, text.n,
		    mb_sync_kind(f->acct->store, sync));
	li_buf_free(&text);
	if (e == EFBIG)
		return pst_fail(err, PST_E_LIMIT, 0,
		    "%.180s: too much is kept with one mailbox", f->where);
	if (e != 0)
		return mb_fail(err, e, "write the state of %s", f->where);
	f->is_dirty = f->is_fresh = false;
	return PST_OK;
}

enum pst_rc
mb_folder_reserve(struct mb_folder *f, uint32_t uids, uint32_t *first_r,
    uint64_t *modseq_r, struct pst_error *err)
{
	uint32_t old_floor;
	uint64_t old_modseq;
	enum pst_rc rc = PST_OK;
	bool write = false;

	(void)pthread_mutex_lock(&f->lock);
	old_floor = f->uid_floor;
	old_modseq = f->modseq_floor;
	if (uids > UINT32_MAX - 2 * UID_BLOCK - f->state.uidnext)
		rc = pst_fail(
		    err, PST_E_LIMIT, 0, "%.180s: no uids are left", f->where);
	if (rc == PST_OK && f->state.uidnext + uids > f->uid_floor) {
		f->uid_floor = f->state.uidnext + uids + f->uid_block - 1;
		f->uid_block = UID_BLOCK;
		write = true;
	}
	if (rc == PST_OK && modseq_r != NULL &&
	    f->state.modseq + 1 > f->modseq_floor) {
		f->modseq_floor = f->state.modseq + MODSEQ_BLOCK;
		write = true;
	}
	if (write)
		rc = mb_folder_write(f, LI_SYNC_FULL, err);
	if (rc == PST_OK) {
		if (first_r != NULL)
			*first_r = f->state.uidnext;
		f->state.uidnext += uids;
		if (modseq_r != NULL)
			*modseq_r = ++f->state.modseq;
	} else {
		f->uid_floor = old_floor;
		f->modseq_floor = old_modseq;
	}
	(void)pthread_mutex_unlock(&f->lock);
	return rc;
}

/* The price of a full disk is that it may be given twice should the server die
 * before it can write. */
enum pst_rc
mb_folder_next_modseq(
    struct mb_folder *f, uint64_t *modseq_r, struct pst_error *err)
{
	struct pst_error why = { 0 };
	uint64_t modseq = 0;
	enum pst_rc rc = mb_folder_reserve(f, 0, NULL, &modseq, &why);

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

enum pst_rc
mb_folder_raise(struct mb_folder *f, uint32_t uidnext, uint64_t modseq,
    struct pst_error *err)
{
	uint32_t old_floor;
	uint64_t old_modseq;
	enum pst_rc rc = PST_OK;

	if (uidnext > UINT32_MAX - 2 * UID_BLOCK || modseq > INT64_MAX / 2)
		return pst_fail(
		    err, PST_E_LIMIT, 0, "%.180s: no uids are left", f->where);
	(void)pthread_mutex_lock(&f->lock);
	old_floor = f->uid_floor;
	old_modseq = f->modseq_floor;
	if (uidnext > f->uid_floor) {
		f->uid_floor = uidnext + f->uid_block - 1;
		f->uid_block = UID_BLOCK;
	}
	if (modseq > f->modseq_floor)
		f->modseq_floor = modseq + MODSEQ_BLOCK;
	if (f->uid_floor != old_floor || f->modseq_floor != old_modseq)
		rc = mb_folder_write(f, LI_SYNC_FULL, err);
	if (rc != PST_OK) {
		f->uid_floor = old_floor;
		f->modseq_floor = old_modseq;
	} else {
		if (uidnext > f->state.uidnext)
			f->state.uidnext = uidnext;
		if (modseq > f->state.modseq)
			f->state.modseq = modseq;
	}
	(void)pthread_mutex_unlock(&f->lock);
	return rc;
}

uint64_t
mb_folder_modseq(struct mb_folder *f)
{
	uint64_t modseq;

	(void)pthread_mutex_lock(&f->lock);
	modseq = f->state.modseq;
	(void)pthread_mutex_unlock(&f->lock);
	return modseq;
}

/* --- open and close ---------------------------------------------------------
 */

static enum pst_rc
begin_state(struct mb_folder *f, struct pst_error *err)
{
	uint32_t uidvalidity;
	enum pst_rc rc = li_account_uidvalidity(
	    &f->acct->files, &uidvalidity, err);

	if (rc != PST_OK)
		return rc;
	mb_state_begin(f->acct->store, uidvalidity, &f->state);
	f->is_fresh = true;
	return PST_OK;
}

static enum pst_rc
read_state(struct mb_folder *f, struct pst_error *err)
{
	const struct pst_store *s = f->acct->store;
	struct li_buf text = { 0 };
	enum li_state_rc parsed;
	int e = li_read_file(f->fd, MB_STATE_FILE, LI_FILE_MAX, &text);

	if (e == ENOENT || (e != 0 && e != EFBIG && e != EINVAL)) {
		li_buf_free(&text);
		return e == ENOENT ? begin_state(f, err)
				   : pst_fail(err, PST_E_TEMP, e,
					 "read the state of %.180s", f->where);
	}
	parsed = e != 0 ? LI_STATE_DAMAGED
			: li_state_parse(
			      (struct pst_str){ text.p, text.n }, &f->state);
	li_buf_free(&text);
	/* TEMP: mail that comes waits for the right version. */
	if (parsed == LI_STATE_NEWER)
		return pst_fail(err, PST_E_TEMP, 0,
		    "the state of %.180s was written by a later version",
		    f->where);
	if (parsed == LI_STATE_OK)
		return PST_OK;
	s->host->log(PST_LOG_WARNING,
	    "mbox: the state of %s is damaged and begun anew", f->where);
	li_state_free(&f->state);
	(void)renameat(f->fd, MB_STATE_FILE, f->fd, MB_STATE_FILE ".damaged");
	return begin_state(f, err);
}

static void
folder_free(struct mb_folder *f)
{
	if (f->fd >= 0)
		(void)close(f->fd);
	li_state_free(&f->state);
	(void)pthread_mutex_destroy(&f->lock);
	free(f->path);
	free(f->where);
	free(f);
}

static struct mb_folder *
folder_new(struct pst_acct *acct, const char *path)
{
	struct mb_folder *f = li_alloc(sizeof(*f));
	struct li_buf where = { 0 };

	f->acct = acct;
	f->path = li_strdup(path);
	li_buf_puts(&where, acct->path);
	li_buf_putc(&where, '/');
	li_buf_puts(&where, path);
	f->where = where.p;
	f->fd = -1;
	f->uid_block = UID_BLOCK_FIRST;
	(void)pthread_mutex_init(&f->lock, NULL);
	return f;
}

/* Our folder; it is made for a file that another program made. */
static int
open_folder(struct mb_folder *f)
{
	struct li_buf path = { 0 };
	struct stat st;
	int e = 0;

	/* It always exists, whatever others do. */
	if (strcmp(f->path, "INBOX") == 0)
		f->fd = openat(f->acct->fd, f->path,
		    O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
		    0600);
	if (f->fd >= 0)
		(void)close(f->fd);
	f->fd = -1;
	if (fstatat(f->acct->fd, f->path, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno;
	if (!S_ISREG(st.st_mode))
		return ENOENT;
	mb_path_index(f->path, &path);
	if (mkdirat(f->acct->fd, path.p, 0700) < 0 && errno != EEXIST)
		e = errno;
	if (e == 0)
		f->fd = openat(f->acct->fd, path.p,
		    O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (e == 0 && f->fd < 0)
		e = errno;
	li_buf_free(&path);
	return e;
}

enum pst_rc
mb_folder_get(struct pst_acct *acct, const char *path,
    struct mb_folder **folder_r, struct pst_error *err)
{
	struct mb_folder *f = acct->folders;
	enum pst_rc rc;
	int e;

	while (f != NULL && strcmp(f->path, path) != 0)
		f = f->next;
	if (f != NULL) {
		f->users++;
		*folder_r = f;
		return PST_OK;
	}
	f = folder_new(acct, path);
	e = open_folder(f);
	if (e == ENOENT || e == ENOTDIR || e == ELOOP || e == ENAMETOOLONG)
		rc = pst_fail(err, PST_E_NOTFOUND, e,
		    "%.80s has no mailbox %.80s", acct->path, path);
	else if (e != 0)
		rc = mb_fail(err, e, "open %s/%s", acct->path, path);
	else
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
mb_folder_put(struct mb_folder *f)
{
	struct mb_folder **at = &f->acct->folders;
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
		if (mb_folder_write(f, LI_SYNC_FILE, &err) != PST_OK &&
		    err.sys_errno != ENOENT)
			f->acct->store->host->log(
			    PST_LOG_WARNING, "mbox: %s", err.detail);
	}
	(void)pthread_mutex_unlock(&f->lock);
	folder_free(f);
}
