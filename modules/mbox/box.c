/*
 * box.c - an open mailbox: the list of its messages by uid. Opening looks at no
 * message; the list comes from the index, or from a pass over the file, when it
 * is needed first (sync.c).
 */
#include "mbox.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

size_t
mb_box_find(const struct pst_box *b, uint32_t uid)
{
	size_t low = 0, high = b->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (b->msg[mid].uid < uid)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

void
mb_box_row(const struct mb_msg *m, struct pst_row *row_r)
{
	*row_r = (struct pst_row){
		.uid = m->uid,
		.flags = m->flags,
		.keywords = m->keywords,
		.modseq = m->modseq,
		.internal_date = m->internal_date,
		.save_date = m->save_date,
		.size = m->size,
	};
}

void
mb_box_drop(struct pst_box *b, const bool *drop)
{
	uint64_t modseq = li_mailstate_modseq(&b->folder->base);
	size_t to = 0;

	(void)pthread_mutex_lock(&b->lock);
	for (size_t i = 0; i < b->n; i++) {
		if (!drop[i]) {
			b->msg[to++] = b->msg[i];
			continue;
		}
		li_history_note(&b->history, b->msg[i].uid, modseq);
		b->unrecorded -= !(b->msg[i].form & MB_RECORDED);
	}
	b->n = to;
	(void)pthread_mutex_unlock(&b->lock);
	mb_box_count(b);
	b->is_indexed = false;
}

void
mb_box_gone(struct pst_box *b, uint32_t uid)
{
	if (!b->is_loaded)
		return;
	LI_PUSH(b->gone, b->gone_count, b->gone_cap);
	b->gone[b->gone_count++] = uid;
	b->is_pending = true;
}

void
mb_box_count(struct pst_box *b)
{
	b->count = b->n;
	b->bytes = 0;
	for (size_t i = 0; i < b->n; i++)
		b->bytes += b->msg[i].size;
}

void
mb_box_settled(struct pst_box *b)
{
	struct mb_stamp stamp;

	if (!mb_stamp_get(b->fd, &stamp)) {
		b->must_scan = true;
		return;
	}
	(void)pthread_mutex_lock(&b->lock);
	b->stamp = stamp;
	(void)pthread_mutex_unlock(&b->lock);
	mb_usage_set(b);
}

void
mb_box_outdate(struct pst_box *b)
{
	mb_index_outdate(b->folder->base.fd);
	b->is_indexed = false;
}

/* --- open and close ---------------------------------------------------------
 */

static void
box_free(struct pst_box *b)
{
	if (b->cache != NULL)
		li_cache_free(&b->cache, NULL, NULL, 0);
	(void)pthread_mutex_lock(&b->acct->lock);
	mb_folder_put(b->folder);
	(void)pthread_mutex_unlock(&b->acct->lock);
	for (unsigned k = 0; k < PST_KEYWORDS_MAX; k++)
		free(b->old_keyword[k]);
	li_history_fini(&b->history);
	(void)pthread_mutex_destroy(&b->lock);
	(void)pthread_rwlock_destroy(&b->content);
	if (b->fd >= 0)
		(void)close(b->fd);
	free(b->msg);
	free(b->gone);
	free(b);
}

static struct pst_box *
box_new(struct pst_acct *a, struct mb_folder *f)
{
	struct pst_box *b = li_alloc(sizeof(*b));

	b->acct = a;
	b->folder = f;
	b->fd = -1;
	b->held.dir_fd = -1;
	(void)pthread_mutex_init(&b->lock, NULL);
	(void)pthread_rwlock_init(&b->content, NULL);
	(void)pthread_mutex_lock(&f->base.lock);
	b->opened_modseq = f->base.state.modseq;
	b->is_adopting = f->base.is_fresh;
	mb_tag(f->base.state.objectid, b->tag);
	(void)pthread_mutex_unlock(&f->base.lock);
	for (unsigned k = 0; k < PST_KEYWORDS_MAX; k++)
		b->keyword[k] = "";
	(void)mb_keywords(b);
	return b;
}

/*
 * A mailbox that we know nothing of goes on from what its file tells, so it is
 * read before anything is said about it.
 */
static enum pst_rc
begin_box(struct pst_box *b, struct pst_error *err)
{
	struct mb_folder *f = b->folder;
	enum pst_rc rc = PST_OK;

	if (b->is_adopting)
		rc = mb_catch_up(b, err);
	(void)pthread_mutex_lock(&f->base.lock);
	if (rc == PST_OK && f->base.is_fresh)
		rc = li_mailstate_write(&f->base, LI_SYNC_FULL, err);
	b->cache = li_cache_new(b->acct->store->host, f->base.fd,
	    f->base.state.uidvalidity, f->base.where);
	(void)pthread_mutex_unlock(&f->base.lock);
	return rc;
}

enum pst_rc
mb_box_open(struct pst_acct *a, const char *name, struct pst_box **box_r,
    struct pst_error *err)
{
	struct li_buf path = { 0 };
	struct mb_folder *f = NULL;
	struct pst_box *b;
	enum pst_rc rc = mb_path(name, &path, err);

	if (rc == PST_OK) {
		(void)pthread_mutex_lock(&a->lock);
		rc = mb_folder_get(a, path.p, &f, err);
		(void)pthread_mutex_unlock(&a->lock);
	} else if (rc == PST_E_LIMIT) {
		rc = PST_E_NOTFOUND; /* such a mailbox cannot be there */
		if (err != NULL)
			err->rc = rc;
	}
	li_buf_free(&path);
	if (rc != PST_OK)
		return rc;
	b = box_new(a, f);
	b->fd = openat(
	    a->fd, f->path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	rc = b->fd < 0 ? mb_fail(err, errno, "open %s", f->base.where)
		       : begin_box(b, err);
	if (rc != PST_OK)
		box_free(b);
	else
		*box_r = b;
	return rc;
}

static void
tell_entry(const void *arg, size_t i, struct li_entry *entry_r)
{
	const struct mb_msg *m = &((const struct pst_box *)arg)->msg[i];

	entry_r->uid = m->uid;
	entry_r->flags = m->flags;
	entry_r->keywords = m->keywords;
	entry_r->modseq = m->modseq;
}

/* Writes down the modseqs. Afterwards nothing may get a new one. */
static void
remember_modseqs(struct pst_box *b)
{
	struct mb_folder *f = b->folder;
	uint64_t modseq = li_mailstate_modseq(&f->base);
	int e;

	if (!b->has_history) {
		if (modseq != b->opened_modseq)
			li_memory_renew(f->base.fd, f->base.state.uidvalidity,
			    b->opened_modseq, modseq);
		return;
	}
	if (modseq == b->memory_modseq || (b->n == 0 && b->history.n == 0))
		return;
	e = li_memory_write(f->base.fd, f->base.state.uidvalidity, modseq,
	    tell_entry, b, b->n, &b->history);
	if (e != 0)
		b->acct->store->host->log(PST_LOG_WARNING,
		    "mbox: write %s of %s: errno %d", LI_MEMORY_FILE,
		    f->base.where, e);
}

/*
 * Writes down where the messages are. Who changes the file in the same tick of
 * the clock would not change its times, so that is waited for.
 */
static void
remember_places(struct pst_box *b)
{
	const struct timespec tick = { .tv_nsec = 4000000 };
	struct mb_index index;
	struct mb_stamp now;
	int e;

	if (!b->is_listed || b->is_indexed || b->must_scan || b->must_redo)
		return;
	for (int i = 0; i < 4 && mb_stamp_is_racy(&b->stamp); i++)
		(void)nanosleep(&tick, NULL);
	if (!mb_stamp_get(b->fd, &now) || !mb_stamp_equal(&now, &b->stamp))
		return;
	index = (struct mb_index){ .stamp = b->stamp,
		.count = b->n,
		.bytes = b->bytes,
		.base_at = b->base_at,
		.begin = b->begin,
		.uidvalidity = b->folder->base.state.uidvalidity,
		.uidnext = b->scanned_uidnext,
		.unrecorded = (uint32_t)b->unrecorded };
	e = mb_index_write(b->folder->base.fd, &index, b->msg);
	if (e != 0)
		b->acct->store->host->log(PST_LOG_WARNING,
		    "mbox: write %s of %s: errno %d", MB_INDEX_FILE,
		    b->folder->base.where, e);
}

static bool
is_here(const void *arg, uint32_t uid)
{
	const struct pst_box *b = arg;
	size_t at = mb_box_find(b, uid);

	return at < b->n && b->msg[at].uid == uid;
}

void
mb_box_close(struct pst_box *b)
{
	if (b->watched != NULL)
		mb_unwatch(b);
	/* Else it may be a mailbox of another name, that has its own. */
	if (mb_folder_is_there(b->folder)) {
		remember_places(b);
		remember_modseqs(b);
	}
	li_cache_free(&b->cache, b->is_listed ? is_here : NULL, b, b->n);
	box_free(b);
}

/* --- what the index knows ------------------------------------------------- */

enum pst_rc
mb_cache_get(struct pst_box *b, unsigned kind, const uint32_t *uids, size_t n,
    pst_cached_fn fn, void *arg, struct pst_error *err)
{
	(void)err;
	li_cache_get(b->cache, kind, uids, n, fn, arg);
	return PST_OK;
}

enum pst_rc
mb_cache_put(struct pst_box *b, unsigned kind, const struct pst_cached *values,
    size_t n, struct pst_error *err)
{
	(void)err;
	li_cache_put(b->cache, kind, values, n);
	return PST_OK;
}

enum pst_rc
mb_history(struct pst_box *b, uint64_t *from_r, pst_gone_fn fn, void *arg,
    struct pst_error *err)
{
	enum pst_rc rc = b->is_listed ? PST_OK : mb_catch_up(b, err);

	if (rc != PST_OK)
		return rc;
	*from_r = b->history.from;
	for (size_t i = 0; i < b->history.n; i++)
		fn(arg, b->history.gone[i].uids, b->history.gone[i].modseq);
	return PST_OK;
}

enum pst_rc
mb_box_state(
    struct pst_box *b, struct pst_box_state *state_r, struct pst_error *err)
{
	(void)err;
	li_mailstate_tell(&b->folder->base, state_r);
	return PST_OK;
}

bool
mb_box_is_behind(struct pst_box *b)
{
	return b->is_behind;
}

bool
mb_box_is_there(struct pst_box *b)
{
	return mb_folder_is_there(b->folder);
}

enum pst_rc
mb_recent(
    struct pst_box *b, bool claim, uint32_t *first_r, struct pst_error *err)
{
	uint32_t next;
	uint32_t first = li_mailstate_recent(&b->folder->base, claim, &next);
	size_t at;

	(void)err;
	if (b->is_listed) {
		at = mb_box_find(b, first);
		first = at < b->n ? b->msg[at].uid : next;
	}
	*first_r = first;
	return PST_OK;
}
