/*
 * place.c - messages as a conversion brings them, with uids, modseqs, dates and
 * ids of another storage.
 */
#include "mbox.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* Nothing that was expunged before is history of this mailbox. */
static void
forget(struct pst_box *b)
{
	li_history_fini(&b->history);
	li_history_begin(&b->history, li_mailstate_modseq(&b->folder->base));
	b->memory_modseq = 0;
	(void)unlinkat(b->folder->base.fd, LI_MEMORY_FILE, 0);
}

/* Values of messages that had these uids before. */
static void
drop_values(struct pst_box *b)
{
	struct mb_folder *f = b->folder;

	li_cache_free(&b->cache, NULL, NULL, 0);
	(void)unlinkat(f->base.fd, LI_CACHE_FILE, 0);
	b->cache = li_cache_new(b->acct->store->host, f->base.fd,
	    f->base.state.uidvalidity, f->base.where);
}

/* --- adopt
 * -------------------------------------------------------------------- */

/* The file tells of each message which mailbox gave its uid. */
static enum pst_rc
mark_all(struct pst_box *b, struct pst_error *err)
{
	uint64_t start = UINT64_MAX;

	for (size_t i = 0; i < b->n; i++) {
		b->msg[i].fixed = 0;
		if (b->msg[i].offset < start)
			start = b->msg[i].offset;
	}
	return b->n > 0 ? mb_rewrite(b, start, NULL, err) : PST_OK;
}

static enum pst_rc
adopt(struct pst_box *b, const struct pst_box_state *origin,
    struct pst_error *err)
{
	struct mb_folder *f = b->folder;
	bool is_other, has_other_id;
	enum pst_rc rc;

	(void)pthread_mutex_lock(&f->base.lock);
	is_other = f->base.state.uidvalidity != origin->uidvalidity;
	has_other_id = strcmp(f->base.state.objectid, origin->objectid) != 0;
	(void)pthread_mutex_unlock(&f->base.lock);
	if (is_other && b->n > 0)
		return pst_fail(err, PST_E_PERM, 0,
		    "%.180s has messages with other uids", f->base.where);
	(void)pthread_mutex_lock(&b->acct->lock);
	rc = li_account_retire(&b->acct->files, origin->uidvalidity, err);
	(void)pthread_mutex_unlock(&b->acct->lock);
	if (rc != PST_OK)
		return rc;
	(void)pthread_mutex_lock(&f->base.lock);
	rc = li_mailstate_adopt(&f->base, origin, err);
	mb_tag(f->base.state.objectid, b->tag);
	(void)pthread_mutex_unlock(&f->base.lock);
	if (rc == PST_OK && has_other_id)
		rc = mark_all(b, err);
	if (rc != PST_OK)
		return rc;
	forget(b);
	b->scanned_uidnext = f->base.state.uidnext;
	b->is_indexed = false;
	if (is_other)
		drop_values(b);
	mb_box_settled(b);
	return PST_OK;
}

enum pst_rc
mb_adopt(struct pst_box *b, const struct pst_box_state *origin,
    struct pst_error *err)
{
	const struct pst_str id = { origin->objectid,
		strnlen(origin->objectid, sizeof(origin->objectid)) };
	enum pst_rc rc;

	if (origin->uidvalidity == 0 || !li_is_ident(id) ||
	    origin->highestmodseq > INT64_MAX / 2)
		return pst_fail(err, PST_E_PERM, 0,
		    "%.180s cannot be like that", b->folder->base.where);
	rc = mb_begin(b, true, err);
	if (rc != PST_OK)
		return rc;
	rc = adopt(b, origin, err);
	mb_end(b);
	return rc;
}

/* --- place
 * -------------------------------------------------------------------- */

/* The uids and ids are such as place() may be given. */
static enum pst_rc
check_all(const struct pst_box *b, const struct pst_placed *placed, size_t n,
    struct pst_error *err)
{
	uint32_t last = b->n > 0 ? b->msg[b->n - 1].uid : 0, before = 0;

	for (size_t i = 0; i < n; i++) {
		const struct pst_placed *p = &placed[i];
		const struct pst_str id = { p->ident,
			strnlen(p->ident, sizeof(p->ident)) };
		size_t at = mb_box_find(b, p->row.uid);
		bool is_there = at < b->n && b->msg[at].uid == p->row.uid &&
				!(b->msg[at].pending & MB_PEND_NEW);

		if (p->row.uid <= before ||
		    (p->stage != NULL ? p->row.uid <= last : !is_there))
			return pst_fail(err, PST_E_CONFLICT, 0,
			    "%.150s: uid %lu cannot be placed",
			    b->folder->base.where, (unsigned long)p->row.uid);
		if (id.n > 0 && !li_is_ident(id))
			return pst_fail(err, PST_E_PERM, 0,
			    "%.150s: uid %lu has no proper id",
			    b->folder->base.where, (unsigned long)p->row.uid);
		before = p->row.uid;
	}
	return PST_OK;
}

/* Modseqs for those that bring none, and floors above all that come. */
static enum pst_rc
reserve(struct pst_box *b, const struct pst_placed *placed, size_t n,
    uint64_t *modseq_r, bool *reused_r, struct pst_error *err)
{
	struct mb_folder *f = b->folder;
	uint64_t highest = 0;
	uint32_t last = placed[n - 1].row.uid;
	bool lacks = false;
	enum pst_rc rc;

	(void)pthread_mutex_lock(&f->base.lock);
	for (size_t i = 0; i < n; i++) {
		if (placed[i].row.modseq > highest)
			highest = placed[i].row.modseq;
		lacks |= placed[i].row.modseq == 0;
		*reused_r |= placed[i].stage != NULL &&
			     placed[i].row.uid < f->base.state.uidnext;
	}
	(void)pthread_mutex_unlock(&f->base.lock);
	rc = li_mailstate_raise(
	    &f->base, last < UINT32_MAX ? last + 1 : last, highest, err);
	if (rc == PST_OK && lacks)
		rc = li_mailstate_reserve(&f->base, 0, NULL, modseq_r, err);
	return rc;
}

/* Messages that are there: where there is room, and else by writing the file
 * again. */
static enum pst_rc
place_present(struct pst_box *b, const struct pst_placed *placed, size_t n,
    uint64_t modseq, struct pst_error *err)
{
	struct li_buf text = { 0 };
	uint64_t start = UINT64_MAX;
	enum pst_rc rc = PST_OK;
	bool any = false;
	int e = 0;

	for (size_t i = 0; i < n; i++) {
		const struct pst_row *row = &placed[i].row;
		struct mb_msg *m;

		if (placed[i].stage != NULL)
			continue;
		if (!any)
			mb_box_outdate(b);
		any = true;
		(void)pthread_mutex_lock(&b->lock);
		m = &b->msg[mb_box_find(b, row->uid)];
		/* Dates have no room of their own. */
		if (m->internal_date != row->internal_date ||
		    m->save_date != row->save_date)
			m->fixed = 0;
		m->flags = (uint8_t)(row->flags & PST_FLAGS_ALL);
		m->keywords = row->keywords;
		m->internal_date = row->internal_date;
		m->save_date = row->save_date;
		m->modseq = row->modseq ? row->modseq : modseq;
		m->pending = 0;
		(void)pthread_mutex_unlock(&b->lock);
		if (!mb_write_fixed(b, m, &text) && m->offset < start)
			start = m->offset;
	}
	li_buf_free(&text);
	if (start != UINT64_MAX)
		rc = mb_rewrite(b, start, NULL, err);
	if (rc == PST_OK && any)
		e = mb_sync_data(b->acct->store, b->fd);
	if (any)
		b->is_indexed = false;
	if (any && e == 0 && rc == PST_OK)
		mb_box_settled(b);
	return e ? mb_fail_io(err, e, b, "place messages in") : rc;
}

static enum pst_rc
place_new(struct pst_box *b, const struct pst_placed *placed, size_t n,
    uint64_t modseq, struct pst_error *err)
{
	struct mb_appending a;
	enum pst_rc rc = mb_append_begin(&a, b, err);

	if (rc != PST_OK)
		return rc;
	for (size_t i = 0; i < n && rc == PST_OK; i++) {
		struct pst_row row = placed[i].row;

		if (placed[i].stage == NULL)
			continue;
		if (row.modseq == 0)
			row.modseq = modseq;
		rc = mb_append_one(
		    &a, &placed[i].stage->in, &row, placed[i].ident, err);
	}
	if (rc == PST_OK)
		return mb_append_end(&a, err);
	mb_append_undo(&a);
	return rc;
}

static enum pst_rc
place_all(struct pst_box *b, const struct pst_placed *placed, size_t n,
    struct pst_error *err)
{
	bool reused = false;
	uint64_t modseq = 0;
	enum pst_rc rc = check_all(b, placed, n, err);

	if (rc == PST_OK)
		rc = reserve(b, placed, n, &modseq, &reused, err);
	if (rc == PST_OK && reused) {
		drop_values(b);
		rc = mb_text_drop(b, err);
		/* After a crash all uids in the file count, also those below
		 * others that the index has seen. */
		(void)unlinkat(b->folder->base.fd, MB_INDEX_FILE, 0);
		b->is_indexed = false;
	}
	if (rc == PST_OK)
		rc = place_present(b, placed, n, modseq, err);
	if (rc == PST_OK)
		rc = place_new(b, placed, n, modseq, err);
	return rc;
}

enum pst_rc
mb_place(struct pst_box *b, const struct pst_placed *placed, size_t n,
    struct pst_error *err)
{
	enum pst_rc rc = PST_OK;

	for (size_t i = 0; i < n && rc == PST_OK; i++)
		if (placed[i].stage != NULL)
			rc = mb_stage_sync(placed[i].stage, err);
	if (n == 0 || rc != PST_OK)
		return rc;
	rc = mb_begin(b, true, err);
	if (rc != PST_OK)
		return rc;
	rc = place_all(b, placed, n, err);
	if (rc == PST_OK)
		b->memory_modseq = 0; /* not what is written down */
	mb_end(b);
	return rc;
}
