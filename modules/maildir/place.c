/*
 * place.c - what a conversion needs: a mailbox that goes on from one in another
 * store, and messages with the uids, dates and modseqs that they had there.
 * Everything stands in the names of the files, as with all messages, but the
 * modseqs: these are remembered when the mailbox is closed. After a crash they
 * are larger, and a conversion that goes on sets them again.
 */
#include "maildir.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* --- adopt ---------------------------------------------------------------- */

/* What was known of other uids than those to come. */
static void
forget(struct pst_box *b)
{
	struct md_folder *f = b->folder;

	li_history_fini(&b->history);
	li_history_begin(&b->history, li_mailstate_modseq(&f->base));
	b->memory_modseq = 0;
	(void)unlinkat(f->base.fd, LI_MEMORY_FILE, 0);
}

enum pst_rc
md_adopt(struct pst_box *b, const struct pst_box_state *origin,
    struct pst_error *err)
{
	struct md_folder *f = b->folder;
	const struct pst_str id = { origin->objectid,
		strnlen(origin->objectid, sizeof(origin->objectid)) };
	enum pst_rc rc = md_scan_once(b, err);
	bool is_other;

	if (rc != PST_OK)
		return rc;
	if (origin->uidvalidity == 0 || !li_is_ident(id) ||
	    origin->highestmodseq > INT64_MAX / 2)
		return pst_fail(err, PST_E_PERM, 0,
		    "%.180s cannot be like that", f->base.where);
	(void)pthread_mutex_lock(&f->base.lock);
	is_other = f->base.state.uidvalidity != origin->uidvalidity;
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
	(void)pthread_mutex_unlock(&f->base.lock);
	if (rc != PST_OK)
		return rc;
	forget(b);
	if (is_other)
		md_box_new_cache(b);
	return PST_OK;
}

/* --- place ---------------------------------------------------------------- */

struct work {
	const struct pst_placed *in;
	char name[MD_NAME_MAX + 1];
	enum md_dir dir;
	uint64_t modseq;
	/* Of one that was there already: its name before. */
	char *old;
	enum md_dir old_dir;
};

/* The stem of a new message, with the id that it brings. */
static size_t
make_key(const struct pst_store *s, struct md_name_parts *parts,
    const char *ident, char out[MD_NAME_MAX + 1])
{
	char stem[192];

	for (int tries = 0; tries < 3; tries++) {
		size_t n, key_n;

		if (tries == 0)
			md_new_stem(s, parts->date, stem, sizeof(stem));
		else
			md_short_stem(s, parts->date, stem, sizeof(stem));
		n = strlen(stem);
		if (ident[0] != '\0' && tries < 2)
			(void)snprintf(
			    stem + n, sizeof(stem) - n, ",E=%s", ident);
		parts->source = stem;
		parts->source_n = strlen(stem);
		key_n = md_name_make(out, parts);
		if (key_n > 0)
			return key_n;
	}
	return 0;
}

static void
add_letters(
    struct work *w, size_t key_n, uint64_t keywords, const struct md_name *old)
{
	md_name_letters_fit(
	    w->name, key_n, w->in->row.flags & PST_FLAGS_ALL, keywords, old);
	w->dir = MD_CUR;
	if (old == NULL && w->name[key_n + 3] == '\0') {
		w->name[key_n] = '\0'; /* no letters at all: it is new */
		w->dir = MD_NEW;
	}
}

static int
place_new(struct pst_box *b, struct work *w)
{
	const struct pst_row *row = &w->in->row;
	struct md_name_parts parts = {
		.size = md_stage_octets(w->in->stage),
		.wire = md_stage_size(w->in->stage),
		.date = row->internal_date,
		.save_date = row->save_date,
		.uid = row->uid,
	};
	size_t key_n = make_key(b->acct->store, &parts, w->in->ident, w->name);

	if (key_n == 0)
		return ENAMETOOLONG;
	add_letters(w, key_n, row->keywords, NULL);
	return md_stage_place(
	    w->in->stage, b, w->dir, w->name, row->internal_date, true);
}

/* Gives a file another name, which may be the same. */
static int
rename_file(struct pst_box *b, enum md_dir from_dir, const char *from,
    enum md_dir to_dir, const char *to)
{
	const int *sub = b->folder->sub;
	int e;

	if (from_dir == to_dir && strcmp(from, to) == 0)
		return 0;
	md_expect(b, from_dir, MD_ECHO_FROM, from);
	md_expect(b, to_dir, MD_ECHO_TO, to);
	e = li_rename_new(sub[from_dir], from, sub[to_dir], to);
	if (e != 0) {
		md_unexpect(b, from_dir, MD_ECHO_FROM, from);
		md_unexpect(b, to_dir, MD_ECHO_TO, to);
	}
	return e;
}

/* The name that a message which is there gets: its stem stays. */
static bool
name_present(struct pst_box *b, struct work *w, uint64_t keywords,
    const struct md_name *old)
{
	const struct pst_row *row = &w->in->row;
	struct md_name_parts parts = {
		.source = old->s,
		.source_n = old->n,
		.size = old->size,
		.wire = md_name_octets(old),
		.date = row->internal_date,
		.save_date = row->save_date,
		.uid = row->uid,
	};
	size_t key_n = md_name_make(w->name, &parts);
	char id[40];

	if (key_n == 0 && md_ident(b, row->uid, id, NULL) == PST_OK)
		key_n = make_key(b->acct->store, &parts, id, w->name);
	if (key_n == 0)
		return false;
	add_letters(w, key_n, keywords, old);
	return true;
}

static int
place_present(struct pst_box *b, struct work *w)
{
	const struct pst_row *row = &w->in->row;
	const uint64_t named = li_mailstate_named(&b->folder->base);
	int e = ENOENT;

	for (int tries = 0; tries < 3 && e == ENOENT; tries++) {
		size_t place = md_box_find(b, row->uid);
		struct md_msg *m = &b->msg[place];
		uint64_t keywords;
		struct md_name old;

		if (place >= b->n || m->uid != row->uid)
			return ENOENT; /* somebody else removed it */
		md_name_parse(m->name, m->name_n, &old);
		/* Letters that no keyword stands for are not touched. */
		keywords = row->keywords | (m->keywords & ~named);
		if (!name_present(b, w, keywords, &old))
			return ENAMETOOLONG;
		/* As it is, but for the modseq: it stays where it is. */
		if (m->flags == (row->flags & PST_FLAGS_ALL) &&
		    m->keywords == keywords && old.date == row->internal_date &&
		    old.save_date == row->save_date) {
			memcpy(w->name, m->name, m->name_n + 1U);
			w->dir = (enum md_dir)m->dir;
		}
		free(w->old);
		w->old = li_strdup(m->name);
		w->old_dir = (enum md_dir)m->dir;
		e = rename_file(b, w->old_dir, w->old, w->dir, w->name);
		if (e == ENOENT && !md_box_relocate(b, place, NULL))
			return ENOENT;
	}
	return e;
}

static void
undo(struct pst_box *b, struct work *w)
{
	if (w->in->stage != NULL)
		md_stage_unplace(w->in->stage, b, w->dir, w->name, true);
	else
		(void)rename_file(b, w->dir, w->name, w->old_dir, w->old);
}

static int
sync_both(const struct pst_box *b)
{
	int e = md_sync(b->acct->store, b->folder->sub[MD_NEW]);

	return e ? e : md_sync(b->acct->store, b->folder->sub[MD_CUR]);
}

static enum pst_rc
place_all(struct pst_box *b, struct work *work, size_t n, struct pst_error *err)
{
	size_t done;
	int e = 0;

	for (done = 0; done < n && e == 0; done++)
		e = work[done].in->stage != NULL
			? place_new(b, &work[done])
			: place_present(b, &work[done]);
	if (e == 0)
		e = sync_both(b);
	else
		done--;
	if (e == 0)
		return PST_OK;
	while (done-- > 0)
		undo(b, &work[done]);
	(void)sync_both(b);
	return pst_fail(err,
	    e == ENOENT			   ? PST_E_CONFLICT
	    : e == ENAMETOOLONG		   ? PST_E_PERM
	    : li_rc_of(e) == PST_E_NOSPACE ? PST_E_NOSPACE
					   : PST_E_TEMP,
	    e, "place messages in %.180s", b->folder->base.where);
}

/* Makes the list as the files are. */
static void
take_in(struct pst_box *b, struct work *w)
{
	struct md_name name;
	struct md_msg *m;

	md_name_parse(w->name, strlen(w->name), &name);
	(void)pthread_mutex_lock(&b->lock);
	if (w->in->stage != NULL) {
		md_box_append(b, &name, w->dir, w->modseq, 0);
	} else {
		m = md_box_msg(b, w->in->row.uid);
		m->pending = 0;
		md_box_rename(b, m, &name, w->dir, w->modseq);
	}
	(void)pthread_mutex_unlock(&b->lock);
}

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
		const struct md_msg *m = md_box_msg(b, p->row.uid);

		if (p->row.uid <= before ||
		    (p->stage != NULL
			    ? p->row.uid <= last
			    : m == NULL || (m->pending & MD_PEND_NEW)))
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

/* What was given away before, and of that the highest. */
static enum pst_rc
reserve(struct pst_box *b, struct work *work, size_t n, bool *reused_r,
    struct pst_error *err)
{
	struct md_folder *f = b->folder;
	uint64_t highest = 0, fresh = 0;
	uint32_t uidnext = 1;
	enum pst_rc rc;

	(void)pthread_mutex_lock(&f->base.lock);
	for (size_t i = 0; i < n; i++) {
		const struct pst_placed *p = &work[i].in[0];

		if (p->row.modseq > highest)
			highest = p->row.modseq;
		if (p->stage != NULL && p->row.uid < f->base.state.uidnext)
			*reused_r = true;
	}
	(void)pthread_mutex_unlock(&f->base.lock);
	if (work[n - 1].in->row.uid < UINT32_MAX)
		uidnext = work[n - 1].in->row.uid + 1;
	else
		uidnext = UINT32_MAX;
	rc = li_mailstate_raise(&f->base, uidnext, highest, err);
	for (size_t i = 0; i < n && rc == PST_OK; i++) {
		if (work[i].in->row.modseq == 0 && fresh == 0)
			rc = li_mailstate_reserve(
			    &f->base, 0, NULL, &fresh, err);
		work[i].modseq = work[i].in->row.modseq != 0
				     ? work[i].in->row.modseq
				     : fresh;
	}
	return rc;
}

enum pst_rc
md_place(struct pst_box *b, const struct pst_placed *placed, size_t n,
    struct pst_error *err)
{
	struct work *work;
	enum pst_rc rc = md_scan_once(b, err);
	int64_t messages = 0, bytes = 0;
	bool reused = false;

	if (n == 0 || rc != PST_OK)
		return rc;
	rc = check_all(b, placed, n, err);
	for (size_t i = 0; i < n && rc == PST_OK; i++)
		if (placed[i].stage != NULL)
			rc = md_stage_sync(placed[i].stage, err);
	if (rc != PST_OK)
		return rc;
	work = li_alloc(n * sizeof(*work));
	for (size_t i = 0; i < n; i++)
		work[i].in = &placed[i];
	rc = reserve(b, work, n, &reused, err);
	if (rc == PST_OK && reused) {
		md_box_new_cache(b);
		rc = md_text_drop(b, err);
	}
	if (rc == PST_OK)
		rc = place_all(b, work, n, err);
	for (size_t i = 0; i < n && rc == PST_OK; i++) {
		take_in(b, &work[i]);
		if (placed[i].stage == NULL)
			continue;
		messages++;
		bytes += (int64_t)md_stage_size(placed[i].stage);
	}
	if (messages > 0)
		md_usage_add(b, messages, bytes);
	if (rc == PST_OK)
		b->memory_modseq = 0; /* not what is written down */
	for (size_t i = 0; i < n; i++)
		free(work[i].old);
	free(work);
	return rc;
}
