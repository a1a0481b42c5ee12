/*
 * commit.c - messages that come into a mailbox: from outside (commit), by copy
 * and by move. The order is always: content durable, uids reserved, names
 * placed, folder durable; only then is anything else taken away or told.
 */
#include "maildir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

int
md_place_copy(struct pst_box *b, int from_fd, enum md_dir dir, const char *name)
{
	const struct pst_store *s = b->acct->store;
	int tmp = openat(b->folder->base.fd, "tmp",
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	int fd, e;

	if (tmp < 0)
		return errno;
	fd = openat(tmp, name,
	    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0) {
		e = errno;
		(void)close(tmp);
		return e;
	}
	e = li_copy_fd(from_fd, fd);
	if (e == 0)
		e = md_sync(s, fd);
	if (close(fd) < 0 && e == 0)
		e = errno;
	if (e == 0) {
		md_expect(b, dir, MD_ECHO_TO, name);
		e = li_rename_new(tmp, name, b->folder->sub[dir], name);
		if (e != 0)
			md_unexpect(b, dir, MD_ECHO_TO, name);
	}
	if (e != 0)
		(void)unlinkat(tmp, name, 0);
	(void)close(tmp);
	return e;
}

static void
unlink_name(struct pst_box *b, enum md_dir dir, const char *name)
{
	md_expect(b, dir, MD_ECHO_DELETE, name);
	if (unlinkat(b->folder->sub[dir], name, 0) < 0)
		md_unexpect(b, dir, MD_ECHO_DELETE, name);
}

static int
sync_dirs(const struct pst_box *b, const bool touched[2])
{
	int e = 0;

	for (int i = 0; i < 2 && e == 0; i++)
		if (touched[i])
			e = md_sync(b->acct->store, b->folder->sub[i]);
	return e;
}

/* Adds a message to the list, if there is one, and fills its row. */
static void
take_in(struct pst_box *b, const char *text, enum md_dir dir, uint64_t modseq,
    struct pst_row *row_r)
{
	uint64_t named = li_mailstate_named(&b->folder->base);
	struct md_name name;

	md_name_parse(text, strlen(text), &name);
	*row_r = (struct pst_row){
		.uid = name.uid,
		.flags = name.flags,
		.keywords = name.keywords & named,
		.modseq = modseq,
		.internal_date = name.date,
		.save_date = name.save_date,
		.size = md_name_octets(&name),
	};
	if (!b->is_scanned)
		return;
	(void)pthread_mutex_lock(&b->lock);
	md_box_append(b, &name, dir, modseq, 0);
	(void)pthread_mutex_unlock(&b->lock);
}

/* --- commit --------------------------------------------------------------- */

struct placed {
	char name[MD_NAME_MAX + 1];
	enum md_dir dir;
};

static void
name_append(struct pst_box *b, const struct pst_append *a, uint32_t uid,
    struct placed *p)
{
	enum { SAME_TIME = 2 };
	const struct pst_store *s = b->acct->store;
	int64_t now = md_now(s);
	char stem[128];
	struct md_name_parts parts = {
		.source = stem,
		.size = md_stage_octets(a->stage),
		.wire = md_stage_size(a->stage),
		.date = a->internal_date,
		.save_date = now,
		.uid = uid,
	};
	size_t key_n;

	if (now >= a->internal_date && now - a->internal_date <= SAME_TIME)
		parts.save_date = a->internal_date;
	md_new_stem(s, a->internal_date, stem, sizeof(stem));
	parts.source_n = strlen(stem);
	key_n = md_name_make(p->name, &parts);
	p->dir = MD_NEW;
	if ((a->flags & PST_FLAGS_ALL) != 0 || a->keywords != 0) {
		p->dir = MD_CUR;
		(void)md_name_letters(
		    p->name, key_n, a->flags, a->keywords, NULL);
	}
}

static enum pst_rc
place_all(struct pst_box *b, const struct pst_append *appends, size_t n,
    uint32_t uid, struct placed *placed, struct pst_error *err)
{
	bool touched[2] = { false, false };
	size_t done;
	int e = 0;

	for (done = 0; done < n && e == 0; done++) {
		const struct pst_append *a = &appends[done];
		struct placed *p = &placed[done];

		name_append(b, a, uid + (uint32_t)done, p);
		touched[p->dir] = true;
		e = md_stage_place(
		    a->stage, b, p->dir, p->name, a->internal_date, a->last);
	}
	if (e == 0)
		e = sync_dirs(b, touched);
	else
		done--;
	if (e == 0)
		return PST_OK;
	while (done-- > 0)
		md_stage_unplace(appends[done].stage, b, placed[done].dir,
		    placed[done].name, appends[done].last);
	(void)sync_dirs(b, touched);
	return pst_fail(err,
	    li_rc_of(e) == PST_E_NOSPACE ? PST_E_NOSPACE : PST_E_TEMP, e,
	    "deliver to %.180s", b->folder->base.where);
}

enum pst_rc
md_commit(struct pst_box *b, const struct pst_append *appends, size_t n,
    struct pst_row *rows_r, struct pst_error *err)
{
	struct placed *placed;
	enum pst_rc rc = PST_OK;
	int64_t bytes = 0;
	uint64_t modseq;
	uint32_t uid;

	if (n == 0)
		return PST_OK;
	if (n > UINT32_MAX / 2)
		return pst_fail(err, PST_E_LIMIT, 0, "too many messages");
	for (size_t i = 0; i < n && rc == PST_OK; i++)
		rc = md_stage_sync(appends[i].stage, err);
	if (rc == PST_OK)
		rc = li_mailstate_reserve(
		    &b->folder->base, (uint32_t)n, &uid, &modseq, err);
	if (rc != PST_OK)
		return rc;
	placed = li_resize(NULL, n, sizeof(*placed));
	rc = place_all(b, appends, n, uid, placed, err);
	for (size_t i = 0; i < n && rc == PST_OK; i++) {
		take_in(b, placed[i].name, placed[i].dir, modseq, &rows_r[i]);
		bytes += (int64_t)md_stage_size(appends[i].stage);
	}
	if (rc == PST_OK)
		md_usage_add(b, (int64_t)n, bytes);
	free(placed);
	return rc;
}

/* --- copy and move -------------------------------------------------------- */

struct item {
	uint32_t uid; /* of the source */
	char *name;   /* of the copy */
	enum md_dir dir;
	uint64_t size;
	bool is_placed, is_moved;
};

struct transfer {
	struct pst_box *from, *to;
	struct item *item;
	size_t n, cap;
	uint64_t modseq;
	uint64_t mapped; /* keywords of `from` that have a number in `to` */
	unsigned char number[PST_KEYWORDS_MAX];
	bool touched[2];
};

/* The uids that are there. */
static uint64_t
collect(struct transfer *t, struct pst_uids uids)
{
	const struct pst_box *b = t->from;
	uint64_t keywords = 0;

	for (size_t r = 0; r < uids.n; r++)
		for (size_t i = md_box_find(b, uids.r[r].first);
		     i < b->n && b->msg[i].uid <= uids.r[r].last; i++) {
			if (b->msg[i].pending & MD_PEND_NEW)
				continue;
			LI_PUSH(t->item, t->n, t->cap);
			t->item[t->n++] = (struct item){ .uid = b->msg[i].uid };
			keywords |= b->msg[i].keywords;
		}
	return keywords;
}

static uint64_t
map_keywords(const struct transfer *t, uint64_t mask)
{
	uint64_t to = 0;

	if (t->from == t->to)
		return mask;
	mask &= t->mapped;
	for (unsigned k = 0; k < PST_KEYWORDS_MAX; k++)
		if (mask >> k & 1)
			to |= UINT64_C(1) << t->number[k];
	return to;
}

static void
name_copy(struct transfer *t, struct item *it, const struct md_name *source,
    uint32_t uid)
{
	char text[MD_NAME_MAX + 1], stem[128];
	struct md_name_parts parts = {
		.source = source->s,
		.source_n = source->n,
		.size = source->size,
		.wire = md_name_octets(source),
		.date = source->date,
		.save_date = md_now(t->to->acct->store),
		.uid = uid,
	};
	size_t key_n = md_name_make(text, &parts);

	if (key_n == 0) {
		md_new_stem(t->to->acct->store, parts.date, stem, sizeof(stem));
		parts.source = stem;
		parts.source_n = strlen(stem);
		key_n = md_name_make(text, &parts);
	}
	md_name_letters_fit(text, key_n, source->flags,
	    map_keywords(t, source->keywords), source);
	it->dir = MD_CUR;
	if (text[key_n + 3] == '\0') {
		text[key_n] = '\0'; /* no letters at all: it is new */
		it->dir = MD_NEW;
	}
	it->name = li_strdup(text);
	it->size = md_name_octets(source);
}

static int
link_or_copy(struct transfer *t, const struct md_msg *m, const struct item *it)
{
	int from = t->from->folder->sub[m->dir];
	int to = t->to->folder->sub[it->dir];
	int fd, e = 0;

	md_expect(t->to, it->dir, MD_ECHO_CREATE, it->name);
	if (linkat(from, m->name, to, it->name, 0) == 0)
		return 0;
	e = errno;
	md_unexpect(t->to, it->dir, MD_ECHO_CREATE, it->name);
	if (e != EXDEV && e != EMLINK && e != EPERM && e != EOPNOTSUPP)
		return e;
	fd = openat(
	    from, m->name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return errno;
	e = md_place_copy(t->to, fd, it->dir, it->name);
	(void)close(fd);
	return e;
}

/* One copy. A source that is gone is passed over. */
static enum pst_rc
place_item(
    struct transfer *t, struct item *it, uint32_t uid, struct pst_error *err)
{
	int e = ENOENT;

	for (int tries = 0; tries < 3 && e == ENOENT; tries++) {
		size_t place = md_box_find(t->from, it->uid);
		const struct md_msg *m = &t->from->msg[place];
		struct md_name source;

		if (place >= t->from->n || m->uid != it->uid)
			return PST_OK;
		md_name_parse(m->name, m->name_n, &source);
		free(it->name);
		name_copy(t, it, &source, uid);
		e = link_or_copy(t, m, it);
		if (e == ENOENT && !md_box_relocate(t->from, place, err))
			return PST_OK;
	}
	if (e != 0)
		return pst_fail(err,
		    li_rc_of(e) == PST_E_NOSPACE ? PST_E_NOSPACE : PST_E_TEMP,
		    e, "copy to %.180s", t->to->folder->base.where);
	it->is_placed = true;
	t->touched[it->dir] = true;
	return PST_OK;
}

static enum pst_rc
place_items(struct transfer *t, struct pst_error *err)
{
	enum pst_rc rc;
	uint32_t uid;
	int e;

	rc = li_mailstate_reserve(
	    &t->to->folder->base, (uint32_t)t->n, &uid, &t->modseq, err);
	for (size_t i = 0; i < t->n && rc == PST_OK; i++)
		rc = place_item(t, &t->item[i], uid + (uint32_t)i, err);
	if (rc == PST_OK) {
		e = sync_dirs(t->to, t->touched);
		if (e != 0)
			rc = pst_fail(err, PST_E_TEMP, e, "fsync %.180s",
			    t->to->folder->base.where);
	}
	if (rc == PST_OK)
		return PST_OK;
	for (size_t i = 0; i < t->n; i++)
		if (t->item[i].is_placed)
			unlink_name(t->to, t->item[i].dir, t->item[i].name);
	return rc;
}

static enum pst_rc
begin(struct transfer *t, struct pst_uids uids, struct pst_error *err)
{
	enum pst_rc rc = md_scan_once(t->from, err);
	uint64_t keywords;

	if (rc != PST_OK)
		return rc;
	keywords = collect(t, uids);
	if (t->n > UINT32_MAX / 2)
		return pst_fail(err, PST_E_LIMIT, 0, "too many messages");
	if (keywords != 0 && t->from != t->to)
		rc = md_keywords_map(
		    t->from, t->to, keywords, t->number, &t->mapped, err);
	if (rc == PST_OK && t->n > 0)
		rc = place_items(t, err);
	return rc;
}

/* Puts the copies that stay into the target's list and tells of them. */
static void
finish(struct transfer *t, bool is_move, pst_copied_fn fn, void *arg)
{
	int64_t count = 0, bytes = 0;

	for (size_t i = 0; i < t->n; i++) {
		struct item *it = &t->item[i];
		struct pst_row row;

		if (it->is_placed && (it->is_moved || !is_move)) {
			take_in(t->to, it->name, it->dir, t->modseq, &row);
			fn(arg, it->uid, &row);
			count++;
			bytes += (int64_t)it->size;
		}
		free(it->name);
	}
	free(t->item);
	if (count > 0)
		md_usage_add(t->to, count, bytes);
}

enum pst_rc
md_copy(struct pst_box *b, struct pst_uids uids, struct pst_box *to,
    pst_copied_fn copied, void *arg, struct pst_error *err)
{
	struct transfer t = { .from = b, .to = to };
	enum pst_rc rc = begin(&t, uids, err);

	if (rc != PST_OK)
		for (size_t i = 0; i < t.n; i++)
			t.item[i].is_placed = false;
	finish(&t, false, copied, arg);
	return rc;
}

/* Takes away the originals; the copies of those that stay go again. */
static enum pst_rc
remove_sources(struct transfer *t, struct pst_error *err)
{
	struct pst_box *b = t->from;
	bool touched[2] = { false, false };
	size_t *place = li_resize(NULL, t->n, sizeof(*place)), n = 0;
	int64_t bytes = 0;
	enum pst_rc rc = PST_OK;
	int e = 0;

	for (size_t i = 0; i < t->n; i++) {
		struct item *it = &t->item[i];
		size_t at = md_box_find(b, it->uid);

		if (!it->is_placed)
			continue;
		if (e == 0)
			e = md_unlink_msg(b, at, touched);
		if (e != 0) {
			unlink_name(t->to, it->dir, it->name);
			continue;
		}
		it->is_moved = true;
		bytes += (int64_t)it->size;
		place[n++] = at;
	}
	(void)pthread_mutex_lock(&b->lock);
	md_box_drop(b, place, n);
	(void)pthread_mutex_unlock(&b->lock);
	free(place);
	md_usage_add(b, -(int64_t)n, -bytes);
	if (e == 0)
		e = sync_dirs(b, touched);
	if (e != 0)
		rc = pst_fail(err, PST_E_TEMP, e, "move from %.180s",
		    b->folder->base.where);
	return rc;
}

enum pst_rc
md_move(struct pst_box *b, struct pst_uids uids, struct pst_box *to,
    pst_copied_fn moved, void *arg, struct pst_error *err)
{
	struct transfer t = { .from = b, .to = to };
	enum pst_rc rc = begin(&t, uids, err);

	if (rc == PST_OK && t.n > 0 && b != to)
		rc = li_mailstate_next_modseq(&b->folder->base, NULL, err);
	if (rc == PST_OK && t.n > 0)
		rc = remove_sources(&t, err);
	finish(&t, true, moved, arg);
	return rc;
}
