/*
 * sync.c - the list of messages and the file: locks, what a crash left behind,
 * and which way the list is brought up to date: not at all (nothing changed),
 * by the index, by what came at the end, or by a pass over all.
 */
#include "mbox.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PROBES = 16 };

/* --- the lock ---------------------------------------------------------------
 */

static void
set_fd(void *arg, int fd)
{
	struct pst_box *b = arg;

	(void)pthread_rwlock_wrlock(&b->content);
	if (b->fd >= 0)
		(void)close(b->fd);
	b->fd = fd;
	(void)pthread_rwlock_unlock(&b->content);
	mb_watch_again(b);
}

static enum pst_rc
lock(struct pst_box *b, struct pst_error *err)
{
	const char *where = b->folder->base.where, *name;
	int dir = mb_open_parent(b->acct, b->folder->path, &name);
	int e = dir < 0 ? errno : 0;

	if (e == 0)
		e = mb_lock(&b->acct->store->how, dir, name, where, &b->fd,
		    set_fd, b, &b->held);
	if (dir >= 0)
		(void)close(dir);
	if (e == ENOENT)
		return pst_fail(err, PST_E_NOTFOUND, 0,
		    "%.180s was removed by somebody else", where);
	if (e == ETIMEDOUT)
		return pst_fail(err, PST_E_TEMP, 0,
		    "%.180s is locked by another program", where);
	return e ? mb_fail_io(err, e, b, "lock") : PST_OK;
}

void
mb_end(struct pst_box *b)
{
	mb_unlock(b->fd, &b->held);
}

/* --- a torn end
 * --------------------------------------------------------------- */

static int
copy_part(int from, int to, uint64_t at, uint64_t end)
{
	char *part = li_resize(NULL, MB_CHUNK, 1);
	int e = 0;

	while (e == 0 && at < end) {
		size_t n = end - at < MB_CHUNK ? (size_t)(end - at) : MB_CHUNK;
		ssize_t got = pread(from, part, n, (off_t)at);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			e = got < 0 ? errno : EIO;
		else
			e = li_write_all(to, part, (size_t)got);
		at += (uint64_t)(got > 0 ? got : 0);
	}
	free(part);
	return e;
}

/* Moves what stands from `at` on to a file of our folder. */
static int
set_aside(struct pst_box *b, uint64_t at, uint64_t end)
{
	const struct pst_store *s = b->acct->store;
	char name[64], random[9];
	int fd, e;

	li_random_hex(s->host, random, 4);
	(void)snprintf(
	    name, sizeof(name), "torn-%lld-%s", (long long)mb_now(s), random);
	fd = openat(b->folder->base.fd, name,
	    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return errno;
	e = copy_part(b->fd, fd, at, end);
	if (e == 0)
		e = mb_sync_file(s, fd);
	(void)close(fd);
	if (e == 0)
		e = mb_sync_file(s, b->folder->base.fd);
	if (e == 0 && ftruncate(b->fd, (off_t)at) < 0)
		e = errno;
	if (e != 0) {
		(void)unlinkat(b->folder->base.fd, name, 0);
		return e;
	}
	s->host->log(PST_LOG_WARNING,
	    "mbox: %s ended in a message that was not written to its end: %llu "
	    "octets are in %s beside it",
	    b->folder->base.where, (unsigned long long)(end - at), name);
	return 0;
}

/* --- the list
 * ----------------------------------------------------------------- */

/* The messages that are known from the index, or at least those whose uids are
 * told nowhere else. */
static void
recall_list(struct pst_box *b, struct mb_index *index)
{
	struct mb_uid *uid;
	struct mb_msg *msg;
	size_t n;

	if (mb_index_read(b->folder->base.fd, b->folder->base.state.uidvalidity,
		index, &msg)) {
		n = (size_t)index->count;
	} else {
		*index = (struct mb_index){ .uidnext = 1 };
		mb_uids_read(b, &uid, &n);
		msg = li_alloc((n + 1) * sizeof(*msg));
		for (size_t i = 0; i < n; i++)
			msg[i] = (struct mb_msg){ .uid = uid[i].uid,
				.id = { uid[i].id[0], uid[i].id[1] },
				.save_date = uid[i].save_date };
		free(uid);
	}
	(void)pthread_mutex_lock(&b->lock);
	free(b->msg);
	b->msg = msg;
	b->n = b->cap = n;
	b->stamp = index->stamp;
	(void)pthread_mutex_unlock(&b->lock);
	b->base_at = index->base_at;
	b->begin = index->begin;
	b->scanned_uidnext = index->uidnext;
	b->unrecorded = 0;
	for (size_t i = 0; i < n; i++)
		b->unrecorded += !(msg[i].form & MB_RECORDED);
	mb_box_count(b);
}

/* Messages here and there are what and where they were. */
static bool
is_as_known(const struct pst_box *b)
{
	size_t step = b->n / PROBES + 1;

	for (size_t i = 0; i < b->n; i += step) {
		/* The last one is always looked at. */
		size_t at = b->n - 1 - i;
		const struct mb_msg *m = &b->msg[at];
		struct mb_found f;

		if (m->length == 0 || !mb_look_at(b->fd, m, &f) ||
		    f.msg.size != m->size || f.msg.flags != m->flags ||
		    f.msg.id[0] != m->id[0] || f.msg.id[1] != m->id[1] ||
		    ((m->form & MB_RECORDED) && f.msg.uid != m->uid))
			return false;
	}
	return true;
}

/* Only the end is new: reads that. False: it is not so. */
static bool
read_tail(struct pst_box *b, uint64_t size, struct mb_pass *pass,
    enum pst_rc *rc, struct pst_error *err)
{
	bool ok;

	*pass = (struct mb_pass){ 0 };
	if (b->stamp.size == 0 || size <= b->stamp.size || !is_as_known(b))
		return false;
	*rc = mb_pass(b, b->fd, b->stamp.size, size, pass, err);
	ok = *rc == PST_OK && !pass->has_preamble;
	/* Else a message that was the last one goes on there. */
	if (!ok) {
		free(pass->found);
		*pass = (struct mb_pass){ 0 };
	}
	return ok;
}

/* What the file tells of a mailbox that we know nothing of. */
static enum pst_rc
adopt(struct pst_box *b, const struct mb_pass *pass, struct pst_error *err)
{
	enum { UIDS_LEFT = 1000000 };
	struct mb_folder *f = b->folder;
	struct pst_acct *a = b->acct;
	uint32_t next = pass->uidlast + 1;
	enum pst_rc rc;

	b->is_adopting = false;
	if (pass->uidvalidity == 0 || next > UINT32_MAX - UIDS_LEFT)
		return PST_OK;
	(void)pthread_mutex_lock(&a->lock);
	/* A first message that was copied from another mailbox. */
	if (pass->objectid[0] != '\0' &&
	    mb_has_objectid(a, pass->objectid, f)) {
		(void)pthread_mutex_unlock(&a->lock);
		return PST_OK;
	}
	rc = li_account_retire(&a->files, pass->uidvalidity, err);
	(void)pthread_mutex_lock(&f->base.lock);
	f->base.state.uidvalidity = pass->uidvalidity;
	if (pass->objectid[0] != '\0')
		memcpy(f->base.state.objectid, pass->objectid,
		    sizeof(f->base.state.objectid));
	mb_tag(f->base.state.objectid, b->tag);
	for (size_t i = 0; i < pass->n; i++) {
		const struct mb_found *found = &pass->found[i];

		if (strcmp(found->tag, b->tag) == 0 && found->msg.uid >= next &&
		    found->msg.uid < UINT32_MAX - UIDS_LEFT)
			next = found->msg.uid + 1;
	}
	f->base.state.uidnext = f->base.uid_floor = next;
	/* Above all modseqs that were given before, which counted changes. */
	f->base.state.modseq = (uint64_t)(a->store->host->now() / 1000);
	f->base.modseq_floor = f->base.state.modseq;
	b->opened_modseq = f->base.state.modseq;
	b->is_foreign_base = pass->objectid[0] == '\0';
	(void)pthread_mutex_unlock(&f->base.lock);
	(void)pthread_mutex_unlock(&a->lock);
	return rc;
}

/* Cuts the end of a file that was torn, then takes what a pass has found. */
static enum pst_rc
take_pass(struct pst_box *b, struct mb_pass *pass, bool is_tail, uint64_t size,
    struct pst_error *err)
{
	enum pst_rc rc = PST_OK;
	int e = 0;

	if (pass->end < size) {
		e = set_aside(b, pass->end, size);
		if (e != 0)
			b->acct->store->host->log(PST_LOG_WARNING,
			    "mbox: the torn end of %s cannot be set aside: "
			    "errno %d",
			    b->folder->base.where, e);
	}
	if (b->is_adopting)
		rc = adopt(b, pass, err);
	b->must_scan = false;
	if (rc == PST_OK)
		rc = mb_merge(b, pass, is_tail, err);
	if (e != 0)
		b->must_scan = true;
	return rc;
}

/*
 * The modseqs as they are remembered. A message that has other flags than it
 * had then, or is not known, was changed or came since; one that is known and
 * is not in the list is gone since.
 */
static enum pst_rc
recall_modseqs(struct pst_box *b, struct pst_error *err)
{
	struct mb_folder *f = b->folder;
	struct li_entry *entry = NULL;
	enum pst_rc rc = PST_OK;
	uint64_t modseq = 0;
	size_t n = 0, k = 0;
	bool known;

	known = li_memory_read(f->base.fd, f->base.state.uidvalidity,
	    b->opened_modseq, &entry, &n, &b->history);
	if (known)
		b->memory_modseq = b->opened_modseq;
	for (size_t i = 0; i <= b->n && rc == PST_OK; i++) {
		struct mb_msg *m = i < b->n ? &b->msg[i] : NULL;

		for (; k < n && (m == NULL || entry[k].uid < m->uid); k++) {
			if (modseq == 0)
				rc = li_mailstate_next_modseq(
				    &f->base, &modseq, err);
			li_history_note(&b->history, entry[k].uid, modseq);
		}
		if (m == NULL)
			break;
		if (k < n && entry[k].uid == m->uid &&
		    entry[k].flags == m->flags &&
		    entry[k].keywords == m->keywords) {
			m->modseq = entry[k].modseq;
		} else {
			if (modseq == 0)
				rc = li_mailstate_next_modseq(
				    &f->base, &modseq, err);
			m->modseq = modseq;
		}
		k += k < n && entry[k].uid == m->uid;
	}
	free(entry);
	if (!known)
		li_history_begin(&b->history, li_mailstate_modseq(&f->base));
	b->has_history = rc == PST_OK;
	return rc;
}

/* Wants the lock of the file. */
static enum pst_rc
update(struct pst_box *b, struct pst_error *err)
{
	enum pst_rc rc = PST_OK;
	struct mb_index index;
	struct mb_stamp now;
	struct mb_pass pass;
	bool is_tail;

	if (!mb_stamp_get(b->fd, &now))
		return mb_fail_io(err, errno, b, "look at");
	if (!b->is_recalled)
		recall_list(b, &index);
	b->is_recalled = true;
	if (!b->must_scan && mb_stamp_equal(&b->stamp, &now)) {
		b->is_indexed = b->is_indexed || !b->is_listed;
	} else {
		is_tail = !b->must_scan && b->stamp.ino == now.ino &&
			  b->stamp.dev == now.dev &&
			  read_tail(b, now.size, &pass, &rc, err);
		if (rc == PST_OK && !is_tail)
			rc = mb_pass(b, b->fd, 0, now.size, &pass, err);
		if (rc == PST_OK)
			rc = take_pass(b, &pass, is_tail, now.size, err);
		free(pass.found);
		b->is_indexed = false;
		if (rc == PST_OK) {
			mb_box_count(b);
			mb_box_settled(b);
		}
	}
	if (rc == PST_OK && !b->has_history)
		rc = recall_modseqs(b, err);
	if (rc != PST_OK) {
		b->must_scan = true;
		return rc;
	}
	(void)pthread_mutex_lock(&b->lock);
	b->is_listed = true;
	(void)pthread_mutex_unlock(&b->lock);
	return PST_OK;
}

/*
 * Enough to append, when nobody has the list: that nothing but what the index
 * knows is in the file, so that it ends where a message ends.
 */
static bool
is_enough(struct pst_box *b)
{
	struct mb_stamp now;
	struct mb_index index;

	if (b->is_listed || b->must_scan || !mb_stamp_get(b->fd, &now) ||
	    !mb_index_peek(b->folder->base.fd,
		b->folder->base.state.uidvalidity, &index) ||
	    !mb_stamp_equal(&index.stamp, &now))
		return false;
	b->base_at = index.base_at;
	b->begin = index.begin;
	b->count = index.count;
	b->bytes = index.bytes;
	b->scanned_uidnext = index.uidnext;
	b->unrecorded = index.unrecorded;
	return true;
}

enum pst_rc
mb_begin(struct pst_box *b, bool list, struct pst_error *err)
{
	struct stat st;
	enum pst_rc rc = lock(b, err);

	if (rc != PST_OK)
		return rc;
	if (b->must_redo ||
	    (!b->is_begun && fstatat(b->folder->base.fd, MB_REDO_FILE, &st,
				 AT_SYMLINK_NOFOLLOW) == 0))
		rc = mb_redo(b, err);
	b->is_begun = rc == PST_OK;
	if (rc == PST_OK && (list || !is_enough(b)))
		rc = update(b, err);
	if (rc != PST_OK)
		mb_end(b);
	return rc;
}

/* Did anybody do anything since? */
static bool
is_stale(struct pst_box *b)
{
	const char *path = b->folder->path;
	struct stat st;
	struct mb_stamp now;

	return !b->is_listed || b->must_scan || b->must_redo ||
	       !mb_stamp_get(b->fd, &now) || !mb_stamp_equal(&now, &b->stamp) ||
	       fstatat(b->acct->fd, path, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	       st.st_ino != now.ino || st.st_dev != now.dev;
}

enum pst_rc
mb_catch_up(struct pst_box *b, struct pst_error *err)
{
	enum pst_rc rc;

	if (!is_stale(b))
		return PST_OK;
	rc = mb_begin(b, true, err);
	if (rc == PST_OK)
		mb_end(b);
	return rc;
}

/* --- load and refresh
 * --------------------------------------------------------- */

enum pst_rc
mb_load(struct pst_box *b, pst_row_fn fn, void *arg, struct pst_error *err)
{
	enum pst_rc rc;

	if (b->watched != NULL)
		mb_watch_rearm(b);
	rc = mb_catch_up(b, err);
	if (rc != PST_OK)
		return rc;
	b->is_loaded = true;
	b->is_pending = b->is_behind = false;
	b->gone_count = 0;
	(void)pthread_mutex_lock(&b->lock);
	for (size_t i = 0; i < b->n; i++)
		b->msg[i].pending = 0;
	(void)pthread_mutex_unlock(&b->lock);
	for (size_t i = 0; i < b->n; i++) {
		struct pst_row row;

		mb_box_row(&b->msg[i], &row);
		fn(arg, &row);
	}
	return PST_OK;
}

static int
compare_uids(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static void
report(struct pst_box *b, uint8_t kind, pst_row_fn fn, void *arg)
{
	for (size_t i = 0; i < b->n; i++) {
		struct pst_row row;

		if (!(b->msg[i].pending & kind))
			continue;
		(void)pthread_mutex_lock(&b->lock);
		b->msg[i].pending = 0;
		(void)pthread_mutex_unlock(&b->lock);
		mb_box_row(&b->msg[i], &row);
		fn(arg, &row);
	}
}

enum pst_rc
mb_refresh(
    struct pst_box *b, const struct pst_delta *delta, struct pst_error *err)
{
	enum pst_rc rc;

	if (!b->is_loaded)
		return PST_OK;
	if (b->watched != NULL)
		mb_watch_rearm(b);
	rc = mb_catch_up(b, err);
	if (rc != PST_OK || !b->is_pending)
		return rc;
	b->is_pending = b->is_behind = false;
	if (b->gone_count > 1)
		qsort(b->gone, b->gone_count, sizeof(b->gone[0]), compare_uids);
	for (size_t i = 0; i < b->gone_count; i++)
		delta->gone(delta->arg, b->gone[i]);
	b->gone_count = 0;
	report(b, MB_PEND_CHANGED, delta->changed, delta->arg);
	report(b, MB_PEND_NEW, delta->appended, delta->arg);
	return PST_OK;
}
