/*
 * modify.c - flags and expunge. A change of flags is one rename and is not
 * forced to the disk: after a power failure a message may have its flags of
 * some seconds before. A removal is.
 */
#include "maildir.h"

#include "kept.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

bool
md_box_relocate(struct pst_box *b, size_t place, struct pst_error *err)
{
	struct md_msg *m = &b->msg[place];
	uint64_t named = li_mailstate_named(&b->folder->base),
		 modseq = m->modseq;
	char text[MD_NAME_MAX + 1];
	struct md_name key, name;
	enum md_dir dir;
	bool differs;

	md_name_parse(m->name, m->name_n, &key);
	if (!md_find_file(b, m->uid, &key, text, &dir)) {
		if (!(m->pending & MD_PEND_NEW))
			md_box_gone(b, m->uid);
		(void)li_mailstate_next_modseq(&b->folder->base, NULL, err);
		(void)pthread_mutex_lock(&b->lock);
		md_box_drop(b, &place, 1);
		(void)pthread_mutex_unlock(&b->lock);
		return false;
	}
	md_name_parse(text, strlen(text), &name);
	differs = name.flags != m->flags ||
		  (name.keywords & named) != (m->keywords & named);
	if (differs)
		(void)li_mailstate_next_modseq(&b->folder->base, &modseq, err);
	(void)pthread_mutex_lock(&b->lock);
	if (differs && b->is_loaded && !(m->pending & MD_PEND_NEW)) {
		m->pending |= MD_PEND_CHANGED;
		b->is_pending = true;
	}
	md_box_rename(b, m, &name, dir, modseq);
	(void)pthread_mutex_unlock(&b->lock);
	return true;
}

/* --- flags ---------------------------------------------------------------- */

struct change {
	struct pst_box *box;
	const struct pst_flag_change *how;
	uint64_t named;
	uint64_t modseq; /* 0: not taken yet */
	pst_row_fn changed;
	pst_uid_fn conflict;
	void *arg;
};

/* What it should have. Letters that no keyword stands for are not touched. */
static void
wanted(const struct change *c, const struct md_msg *m, uint32_t *flags,
    uint64_t *keywords)
{
	uint32_t f = c->how->flags & PST_FLAGS_ALL;
	uint64_t k = c->how->keywords & c->named;

	switch (c->how->op) {
	case PST_FLAGS_SET:
		*flags = f;
		*keywords = (m->keywords & ~c->named) | k;
		break;
	case PST_FLAGS_ADD:
		*flags = m->flags | f;
		*keywords = m->keywords | k;
		break;
	case PST_FLAGS_REMOVE:
		*flags = m->flags & ~f;
		*keywords = m->keywords & ~k;
		break;
	}
}

static int
rename_msg(struct pst_box *b, struct md_msg *m, uint32_t flags,
    uint64_t keywords, uint64_t modseq)
{
	const struct md_folder *f = b->folder;
	char text[MD_NAME_MAX + 1];
	struct md_name old, name;
	int e;

	md_name_parse(m->name, m->name_n, &old);
	memcpy(text, m->name, old.key_n);
	if (!md_name_letters(text, old.key_n, flags, keywords, &old))
		return ENAMETOOLONG;
	md_expect(b, m->dir, MD_ECHO_FROM, m->name);
	md_expect(b, MD_CUR, MD_ECHO_TO, text);
	e = li_rename_new(f->sub[m->dir], m->name, f->sub[MD_CUR], text);
	if (e != 0) {
		md_unexpect(b, m->dir, MD_ECHO_FROM, m->name);
		md_unexpect(b, MD_CUR, MD_ECHO_TO, text);
		return e;
	}
	md_name_parse(text, strlen(text), &name);
	(void)pthread_mutex_lock(&b->lock);
	md_box_rename(b, m, &name, MD_CUR, modseq);
	(void)pthread_mutex_unlock(&b->lock);
	return 0;
}

/* One message; *gone_r: it is out of the list now. */
static enum pst_rc
change_msg(struct change *c, size_t place, bool *gone_r, struct pst_error *err)
{
	struct pst_box *b = c->box;
	struct md_msg *m = &b->msg[place];
	uint32_t flags = 0;
	uint64_t keywords = 0;
	enum pst_rc rc = PST_OK;
	int e = ENOENT;

	for (int tries = 0; tries < 3 && e == ENOENT; tries++) {
		struct pst_row row;

		if (m->modseq > c->how->unchanged_since) {
			c->conflict(c->arg, m->uid);
			return PST_OK;
		}
		wanted(c, m, &flags, &keywords);
		if (flags == m->flags && keywords == m->keywords &&
		    !(m->pending & MD_PEND_CHANGED))
			return PST_OK;
		if (c->modseq == 0)
			rc = li_mailstate_next_modseq(
			    &b->folder->base, &c->modseq, err);
		if (rc != PST_OK)
			return rc;
		e = flags == m->flags && keywords == m->keywords
			? 0
			: rename_msg(b, m, flags, keywords, c->modseq);
		if (e == 0) {
			m->pending = 0;
			m->modseq = c->modseq;
			md_box_row(b, m, &row);
			c->changed(c->arg, &row);
		} else if (e == ENOENT && !md_box_relocate(b, place, err)) {
			*gone_r = true;
			return PST_OK;
		} else if (e == ENOENT) {
			c->modseq = 0; /* the change found is newer */
		}
	}
	return e == 0 ? PST_OK
		      : pst_fail(err,
			    li_rc_of(e) == PST_E_NOTFOUND ? PST_E_TEMP
							  : li_rc_of(e),
			    e, "change flags in %.180s", b->folder->base.where);
}

enum pst_rc
md_flags(struct pst_box *b, struct pst_uids uids,
    const struct pst_flag_change *how, pst_row_fn changed, pst_uid_fn conflict,
    void *arg, struct pst_error *err)
{
	struct change c = { .box = b,
		.how = how,
		.changed = changed,
		.conflict = conflict,
		.arg = arg };
	enum pst_rc rc = md_scan_once(b, err);

	c.named = li_mailstate_named(&b->folder->base);
	for (size_t r = 0; r < uids.n && rc == PST_OK; r++) {
		size_t i = md_box_find(b, uids.r[r].first);

		while (rc == PST_OK && i < b->n &&
		       b->msg[i].uid <= uids.r[r].last) {
			bool gone = false;

			if (!(b->msg[i].pending & MD_PEND_NEW))
				rc = change_msg(&c, i, &gone, err);
			i += !gone;
		}
	}
	return rc;
}

/* --- expunge -------------------------------------------------------------- */

int
md_unlink_msg(struct pst_box *b, size_t place, bool touched[2])
{
	struct md_msg *m = &b->msg[place];
	char text[MD_NAME_MAX + 1];
	struct md_name key;
	enum md_dir dir = m->dir;

	md_name_parse(m->name, m->name_n, &key);
	memcpy(text, m->name, m->name_n + 1U);
	for (int tries = 0; tries < 3; tries++) {
		md_expect(b, dir, MD_ECHO_DELETE, text);
		if (unlinkat(b->folder->sub[dir], text, 0) == 0) {
			touched[dir] = true;
			return 0;
		}
		md_unexpect(b, dir, MD_ECHO_DELETE, text);
		if (errno != ENOENT)
			return errno;
		if (!md_find_file(b, m->uid, &key, text, &dir))
			return 0; /* somebody else was faster */
	}
	return EAGAIN;
}

static enum pst_rc
expunge(struct pst_box *b, struct pst_uids uids, bool keep, pst_uid_fn gone,
    void *arg, struct pst_error *err)
{
	bool touched[2] = { false, false };
	size_t *place = NULL, n = 0, cap = 0;
	enum pst_rc rc = md_scan_once(b, err);
	int64_t bytes = 0;
	int e = 0;

	for (size_t r = 0; r < uids.n && rc == PST_OK && e == 0; r++)
		for (size_t i = md_box_find(b, uids.r[r].first);
		     e == 0 && i < b->n && b->msg[i].uid <= uids.r[r].last;
		     i++) {
			struct md_name name;

			if (b->msg[i].pending & MD_PEND_NEW)
				continue;
			if (n == 0)
				rc = li_mailstate_next_modseq(
				    &b->folder->base, NULL, err);
			if (rc != PST_OK)
				break;
			e = keep ? md_keep_msg(b, i, touched)
				 : md_unlink_msg(b, i, touched);
			if (e != 0)
				break;
			md_name_parse(b->msg[i].name, b->msg[i].name_n, &name);
			bytes += (int64_t)md_name_octets(&name);
			LI_PUSH(place, n, cap);
			place[n++] = i;
			gone(arg, b->msg[i].uid);
		}
	(void)pthread_mutex_lock(&b->lock);
	md_box_drop(b, place, n);
	(void)pthread_mutex_unlock(&b->lock);
	free(place);
	if (n > 0)
		md_usage_add(b, -(int64_t)n, -bytes);
	for (int i = 0; i < 2 && e == 0; i++)
		if (touched[i])
			e = md_sync(b->acct->store, b->folder->sub[i]);
	if (rc == PST_OK && e != 0)
		rc = pst_fail(err, PST_E_TEMP, e, "remove mail of %.180s",
		    b->folder->base.where);
	return rc;
}

enum pst_rc
md_expunge(struct pst_box *b, struct pst_uids uids, pst_uid_fn gone, void *arg,
    struct pst_error *err)
{
	return expunge(b, uids, false, gone, arg, err);
}

enum pst_rc
md_expunge_keep(struct pst_box *b, struct pst_uids uids, pst_uid_fn gone,
    void *arg, struct pst_error *err)
{
	return expunge(b, uids, md_may_keep(b->acct), gone, arg, err);
}
