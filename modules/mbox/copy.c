/*
 * copy.c - messages that go from one mailbox to another, content and all. Only
 * one of the two files is locked at any time, so that nobody waits for somebody
 * who waits for him. A move is a copy, and then the originals are taken out.
 */
#include "mbox.h"

#include <errno.h>
#include <stdlib.h>

struct item {
	uint32_t uid; /* of the source */
	struct pst_row copy;
	bool is_copied;
};

struct transfer {
	struct pst_box *from, *to;
	struct item *item;
	size_t n, cap;
	uint64_t keywords;			/* that any of them has */
	unsigned char number[PST_KEYWORDS_MAX]; /* of each in `to` */
	uint64_t mapped;			/* those that have one */
};

/* --- the copies
 * ----------------------------------------------------------------- */

static void
collect(struct transfer *t, struct pst_uids uids)
{
	const struct pst_box *b = t->from;

	for (size_t r = 0; r < uids.n; r++)
		for (size_t i = mb_box_find(b, uids.r[r].first);
		     i < b->n && b->msg[i].uid <= uids.r[r].last; i++) {
			if (b->msg[i].pending & MB_PEND_NEW)
				continue;
			LI_PUSH(t->item, t->n, t->cap);
			t->item[t->n++] = (struct item){ .uid = b->msg[i].uid };
			t->keywords |= b->msg[i].keywords;
		}
}

/* Finds or makes the keywords in the target, by name. Those that there is no
 * number for are left out. */
static enum pst_rc
map_keywords(struct transfer *t, struct pst_error *err)
{
	struct li_buf names = { 0 };
	enum pst_rc rc = PST_OK;

	for (unsigned k = 0; k < PST_KEYWORDS_MAX && rc == PST_OK; k++) {
		unsigned number = k;

		if (!(t->keywords >> k & 1))
			continue;
		names.n = 0;
		li_buf_add(&names, "", 0);
		mb_keywords_print(t->from->folder, UINT64_C(1) << k, &names);
		if (names.n == 0)
			continue;
		if (t->from != t->to)
			rc = mb_keyword(t->to, names.p, true, &number, err);
		if (rc == PST_OK) {
			t->number[k] = (unsigned char)number;
			t->mapped |= UINT64_C(1) << k;
		} else if (rc == PST_E_LIMIT) {
			rc = PST_OK;
		}
	}
	li_buf_free(&names);
	return rc;
}

static uint64_t
mapped(const struct transfer *t, uint64_t mask)
{
	uint64_t to = 0;

	mask &= t->mapped;
	for (unsigned k = 0; k < PST_KEYWORDS_MAX; k++)
		if (mask >> k & 1)
			to |= UINT64_C(1) << t->number[k];
	return to;
}

struct filling {
	struct li_stage in;
	int e;
};

static void
fill(void *arg, const char *p, size_t n)
{
	struct filling *f = arg;

	if (f->e == 0)
		f->e = li_stage_write(&f->in, p, n);
}

static enum pst_rc
copy_one(struct transfer *t, struct item *it, uint32_t uid, uint64_t modseq,
    struct mb_appending *a, struct pst_error *err)
{
	const struct pst_store *s = t->to->acct->store;
	size_t place = mb_box_find(t->from, it->uid);
	struct mb_msg m;
	struct filling f = { 0 };
	char ident[40] = "";
	enum pst_rc rc = PST_OK;

	/* Somebody else may have taken it away while the target was locked. */
	if (place == t->from->n || t->from->msg[place].uid != it->uid)
		return PST_OK;
	m = t->from->msg[place];
	li_stage_init(
	    &f.in, s->host, s->root.temp_fd, m.size, MB_STAGE_MEMORY, true);
	(void)pthread_rwlock_rdlock(&t->from->content);
	f.e = mb_read_message(t->from, &m, fill, &f, ident);
	(void)pthread_rwlock_unlock(&t->from->content);
	if (f.e == 0)
		f.e = f.in.sys_errno ? f.in.sys_errno
				     : li_stage_end(&f.in, false);
	if (!(m.form & MB_LONG_IDENT))
		(void)snprintf(ident, sizeof(ident), "M%016llx%016llx",
		    (unsigned long long)m.id[0], (unsigned long long)m.id[1]);
	if (f.e == 0) {
		mb_box_row(&m, &it->copy);
		it->copy.uid = uid;
		it->copy.modseq = modseq;
		it->copy.save_date = mb_now(s);
		it->copy.keywords = mapped(t, m.keywords);
		rc = mb_append_one(a, &f.in, &it->copy, ident, err);
		it->is_copied = rc == PST_OK;
	} else if (f.e != ESTALE) {
		rc = mb_fail_io(err, f.e, t->to, "copy to");
	}
	li_stage_fini(&f.in);
	return rc;
}

/* Wants the lock of the target. */
static enum pst_rc
copy_all(struct transfer *t, struct pst_error *err)
{
	struct mb_appending a;
	uint64_t modseq;
	uint32_t uid;
	enum pst_rc rc;

	rc = li_mailstate_reserve(
	    &t->to->folder->base, (uint32_t)t->n, &uid, &modseq, err);
	if (rc == PST_OK)
		rc = mb_append_begin(&a, t->to, err);
	if (rc != PST_OK)
		return rc;
	for (size_t i = 0; i < t->n && rc == PST_OK; i++)
		rc = copy_one(
		    t, &t->item[i], uid + (uint32_t)i, modseq, &a, err);
	if (rc == PST_OK)
		return mb_append_end(&a, err);
	mb_append_undo(&a);
	return rc;
}

static enum pst_rc
transfer(struct transfer *t, struct pst_uids uids, struct pst_error *err)
{
	enum pst_rc rc = mb_catch_up(t->from, err);

	if (rc != PST_OK)
		return rc;
	collect(t, uids);
	if (t->n > UINT32_MAX / 2)
		return pst_fail(err, PST_E_LIMIT, 0, "too many messages");
	if (t->keywords != 0)
		rc = map_keywords(t, err);
	t->to->is_behind = false;
	if (rc != PST_OK || t->n == 0)
		return rc;
	rc = mb_begin(t->to, false, err);
	if (rc == PST_OK) {
		rc = copy_all(t, err);
		mb_end(t->to);
	}
	return rc;
}

static void
finish(struct transfer *t, bool is_told, pst_copied_fn fn, void *arg)
{
	for (size_t i = 0; i < t->n && is_told; i++)
		if (t->item[i].is_copied)
			fn(arg, t->item[i].uid, &t->item[i].copy);
	free(t->item);
}

enum pst_rc
mb_copy(struct pst_box *b, struct pst_uids uids, struct pst_box *to,
    pst_copied_fn copied, void *arg, struct pst_error *err)
{
	struct transfer t = { .from = b, .to = to };
	enum pst_rc rc = transfer(&t, uids, err);

	finish(&t, rc == PST_OK, copied, arg);
	return rc;
}

/* --- move
 * ------------------------------------------------------------------------- */

/* Takes out the originals, or the copies again. */
static enum pst_rc
take_out(struct pst_box *b, const struct transfer *t, bool copies,
    struct pst_error *err)
{
	enum pst_rc rc = mb_begin(b, true, err);
	bool *drop;
	size_t n = 0;

	if (rc != PST_OK)
		return rc;
	drop = li_alloc((b->n + 1) * sizeof(*drop));
	for (size_t i = 0; i < t->n; i++) {
		const struct item *it = &t->item[i];
		uint32_t uid = copies ? it->copy.uid : it->uid;
		size_t place = mb_box_find(b, uid);

		if (!it->is_copied || place == b->n || b->msg[place].uid != uid)
			continue;
		drop[place] = true;
		n++;
	}
	if (n > 0)
		rc = mb_take_out(b, drop, err);
	free(drop);
	mb_end(b);
	return rc;
}

enum pst_rc
mb_move(struct pst_box *b, struct pst_uids uids, struct pst_box *to,
    pst_copied_fn moved, void *arg, struct pst_error *err)
{
	struct transfer t = { .from = b, .to = to };
	enum pst_rc rc = transfer(&t, uids, err);

	if (rc == PST_OK && t.n > 0) {
		rc = take_out(b, &t, false, err);
		if (rc != PST_OK)
			(void)take_out(to, &t, true, NULL);
	}
	finish(&t, rc == PST_OK, moved, arg);
	return rc;
}
