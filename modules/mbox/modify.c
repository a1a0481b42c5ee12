/*
 * modify.c - flags and expunge. Flags are changed where they stand, and are not
 * forced to the disk: after a power failure a message may have its flags of
 * some seconds before. A message that has no room for them, since another
 * program brought or changed it, gets room by writing the file again from there
 * on.
 */
#include "mbox.h"

#include <errno.h>
#include <stdlib.h>

/* --- flags
 * ------------------------------------------------------------------------ */

struct changed {
	size_t place;
	uint32_t flags; /* it had */
	uint64_t keywords;
	bool is_written; /* or was so before */
};

struct change {
	struct pst_box *box;
	const struct pst_flag_change *how;
	struct changed *v;
	size_t n, cap;
	uint32_t *conflict;
	size_t conflicts, conflicts_cap;
	struct li_buf text;
};

static void
wanted(const struct pst_flag_change *how, const struct mb_msg *m,
    uint32_t *flags, uint64_t *keywords)
{
	uint32_t f = how->flags & PST_FLAGS_ALL;

	switch (how->op) {
	case PST_FLAGS_SET:
		*flags = f;
		*keywords = how->keywords;
		break;
	case PST_FLAGS_ADD:
		*flags = m->flags | f;
		*keywords = m->keywords | how->keywords;
		break;
	case PST_FLAGS_REMOVE:
		*flags = m->flags & ~f;
		*keywords = m->keywords & ~how->keywords;
		break;
	}
}

/* Puts the flags into the list; the file has them later. */
static void
change_one(struct change *c, size_t place)
{
	struct pst_box *b = c->box;
	struct mb_msg *m = &b->msg[place];
	uint32_t flags = 0;
	uint64_t keywords = 0;
	bool same;

	if (m->modseq > c->how->unchanged_since) {
		LI_PUSH(c->conflict, c->conflicts, c->conflicts_cap);
		c->conflict[c->conflicts++] = m->uid;
		return;
	}
	wanted(c->how, m, &flags, &keywords);
	same = flags == m->flags && keywords == m->keywords;
	if (same && !(m->pending & MB_PEND_CHANGED))
		return;
	LI_PUSH(c->v, c->n, c->cap);
	c->v[c->n++] = (struct changed){ .place = place,
		.flags = m->flags,
		.keywords = m->keywords,
		.is_written = same };
	m->flags = (uint8_t)flags;
	m->keywords = keywords;
}

static void
change_all(struct change *c, struct pst_uids uids)
{
	struct pst_box *b = c->box;

	(void)pthread_mutex_lock(&b->lock);
	for (size_t r = 0; r < uids.n; r++)
		for (size_t i = mb_box_find(b, uids.r[r].first);
		     i < b->n && b->msg[i].uid <= uids.r[r].last; i++)
			if (!(b->msg[i].pending & MB_PEND_NEW))
				change_one(c, i);
	(void)pthread_mutex_unlock(&b->lock);
}

/* Those that the file does not have are as they were. */
static void
take_back(struct change *c)
{
	struct pst_box *b = c->box;
	size_t n = 0;

	(void)pthread_mutex_lock(&b->lock);
	for (size_t i = 0; i < c->n; i++) {
		struct mb_msg *m = &b->msg[c->v[i].place];

		if (c->v[i].is_written) {
			c->v[n++] = c->v[i];
			continue;
		}
		m->flags = (uint8_t)c->v[i].flags;
		m->keywords = c->v[i].keywords;
	}
	c->n = n;
	(void)pthread_mutex_unlock(&b->lock);
}

/* Where there is room; then all from the first one where there is none. */
static enum pst_rc
write_all(struct change *c, struct pst_error *err)
{
	struct pst_box *b = c->box;
	uint64_t start = UINT64_MAX;
	enum pst_rc rc;

	mb_box_outdate(b);
	for (size_t i = 0; i < c->n; i++) {
		const struct mb_msg *m = &b->msg[c->v[i].place];

		if (!c->v[i].is_written)
			c->v[i].is_written = mb_write_fixed(b, m, &c->text);
		if (!c->v[i].is_written && m->offset < start)
			start = m->offset;
	}
	if (start == UINT64_MAX)
		return PST_OK;
	rc = mb_rewrite(b, start, NULL, err);
	for (size_t i = 0; i < c->n && rc == PST_OK; i++)
		c->v[i].is_written = true;
	return rc;
}

static void
tell(struct change *c, pst_row_fn changed, pst_uid_fn conflict, void *arg)
{
	for (size_t i = 0; i < c->n; i++) {
		struct pst_row row;

		mb_box_row(&c->box->msg[c->v[i].place], &row);
		changed(arg, &row);
	}
	for (size_t i = 0; i < c->conflicts; i++)
		conflict(arg, c->conflict[i]);
	free(c->v);
	free(c->conflict);
	li_buf_free(&c->text);
}

static void
set_modseqs(struct change *c, uint64_t modseq)
{
	(void)pthread_mutex_lock(&c->box->lock);
	for (size_t i = 0; i < c->n; i++) {
		struct mb_msg *m = &c->box->msg[c->v[i].place];

		m->pending = 0;
		m->modseq = modseq;
	}
	(void)pthread_mutex_unlock(&c->box->lock);
}

enum pst_rc
mb_flags(struct pst_box *b, struct pst_uids uids,
    const struct pst_flag_change *how, pst_row_fn changed, pst_uid_fn conflict,
    void *arg, struct pst_error *err)
{
	struct change c = { .box = b, .how = how };
	enum pst_rc rc = mb_begin(b, true, err);
	uint64_t modseq = 0;

	if (rc != PST_OK)
		return rc;
	change_all(&c, uids);
	if (c.n > 0)
		rc = li_mailstate_next_modseq(&b->folder->base, &modseq, err);
	if (c.n > 0 && rc == PST_OK) {
		rc = write_all(&c, err);
		b->is_indexed = false;
		if (!b->must_scan)
			mb_box_settled(b);
	}
	take_back(&c);
	set_modseqs(&c, modseq);
	mb_end(b);
	tell(&c, changed, conflict, arg);
	return rc;
}

/* --- expunge
 * ------------------------------------------------------------------------ */

static enum pst_rc
blot_out(struct pst_box *b, const bool *drop, struct pst_error *err)
{
	int e = 0;

	mb_box_outdate(b);
	for (size_t i = 0; i < b->n && e == 0; i++)
		if (drop[i] && b->msg[i].length < mb_filler_least())
			e = ENOSPC;
	for (size_t i = 0; i < b->n && e == 0; i++)
		if (drop[i] && !mb_blot_out(b, &b->msg[i]))
			e = EIO;
	if (e == 0)
		e = mb_sync_data(b->acct->store, b->fd);
	if (e != 0)
		b->must_scan = true;
	return e ? mb_fail_io(err, e, b, "remove mail of") : PST_OK;
}

enum pst_rc
mb_take_out(struct pst_box *b, const bool *drop, struct pst_error *err)
{
	uint64_t start = UINT64_MAX;
	enum pst_rc rc;
	uint32_t next;

	for (size_t i = 0; i < b->n; i++)
		if (drop[i] && b->msg[i].offset < start)
			start = b->msg[i].offset;
	rc = li_mailstate_next_modseq(&b->folder->base, NULL, err);
	if (rc != PST_OK)
		return rc;
	(void)pthread_mutex_lock(&b->folder->base.lock);
	next = b->folder->base.state.uidnext;
	(void)pthread_mutex_unlock(&b->folder->base.lock);
	rc = mb_rewrite(b, start, drop, err);
	/* Removing is what helps against a full disk. */
	if (rc == PST_E_NOSPACE && !b->must_redo) {
		b->must_scan = false;
		rc = blot_out(b, drop, err);
	}
	if (rc != PST_OK)
		return rc;
	mb_box_drop(b, drop);
	if (b->n == 0)
		b->base_at = 0;
	mb_write_uidlast(b, next - 1);
	mb_box_settled(b);
	return PST_OK;
}

enum pst_rc
mb_expunge(struct pst_box *b, struct pst_uids uids, pst_uid_fn gone, void *arg,
    struct pst_error *err)
{
	enum pst_rc rc = mb_begin(b, true, err);
	uint32_t *list = NULL;
	size_t n = 0, cap = 0;
	bool *drop;

	if (rc != PST_OK)
		return rc;
	drop = li_alloc((b->n + 1) * sizeof(*drop));
	for (size_t r = 0; r < uids.n; r++)
		for (size_t i = mb_box_find(b, uids.r[r].first);
		     i < b->n && b->msg[i].uid <= uids.r[r].last; i++) {
			if (b->msg[i].pending & MB_PEND_NEW)
				continue;
			drop[i] = true;
			LI_PUSH(list, n, cap);
			list[n++] = b->msg[i].uid;
		}
	if (n > 0)
		rc = mb_take_out(b, drop, err);
	mb_end(b);
	for (size_t i = 0; i < n && rc == PST_OK; i++)
		gone(arg, list[i]);
	free(drop);
	free(list);
	return rc;
}
