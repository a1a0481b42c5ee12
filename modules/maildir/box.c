/*
 * box.c - an open mailbox: the list of its messages by uid with the names that
 * their files have. Opening looks at no message; the list is made when it is
 * needed first (scan.c).
 */
#include "maildir.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- the text of the names ------------------------------------------------ */

struct md_chunk {
	struct md_chunk *next;
	size_t used, cap;
	char text[];
};

enum {
	CHUNK_FIRST = 1024,
	CHUNK_MAX = 256 * 1024,
	DEAD_MAX = 64 * 1024, /* octets of replaced names before compacting */
};

char *
md_arena_add(struct md_arena *a, const char *s, size_t n)
{
	struct md_chunk *c = a->chunk;
	char *p;

	if (c == NULL || c->cap - c->used < n + 1) {
		size_t cap = c ? c->cap * 2 : CHUNK_FIRST;

		if (cap > CHUNK_MAX)
			cap = CHUNK_MAX;
		if (cap < n + 1)
			cap = n + 1;
		c = li_resize(NULL, sizeof(*c) + cap, 1);
		c->cap = cap;
		c->used = 0;
		c->next = a->chunk;
		a->chunk = c;
	}
	p = c->text + c->used;
	memcpy(p, s, n);
	p[n] = '\0';
	c->used += n + 1;
	a->live += n + 1;
	return p;
}

void
md_arena_free(struct md_arena *a)
{
	while (a->chunk != NULL) {
		struct md_chunk *next = a->chunk->next;

		free(a->chunk);
		a->chunk = next;
	}
	*a = (struct md_arena){ 0 };
}

static void
drop_name(struct pst_box *b, const struct md_msg *m)
{
	b->names.live -= m->name_n + 1U;
	b->names.dead += m->name_n + 1U;
}

static void
compact(struct pst_box *b)
{
	struct md_arena fresh = { 0 };

	if (b->names.dead < DEAD_MAX || b->names.dead < b->names.live)
		return;
	for (size_t i = 0; i < b->n; i++)
		b->msg[i].name = md_arena_add(
		    &fresh, b->msg[i].name, b->msg[i].name_n);
	md_arena_free(&b->names);
	b->names = fresh;
}

/* --- the list ------------------------------------------------------------- */

size_t
md_box_find(const struct pst_box *b, uint32_t uid)
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

struct md_msg *
md_box_msg(const struct pst_box *b, uint32_t uid)
{
	size_t at = md_box_find(b, uid);

	return at < b->n && b->msg[at].uid == uid ? &b->msg[at] : NULL;
}

void
md_box_append(struct pst_box *b, const struct md_name *name, enum md_dir dir,
    uint64_t modseq, uint8_t pending)
{
	LI_PUSH(b->msg, b->n, b->cap);
	b->msg[b->n++] = (struct md_msg){
		.name = md_arena_add(&b->names, name->s, name->n),
		.name_n = (uint16_t)name->n,
		.uid = name->uid,
		.dir = (uint8_t)dir,
		.flags = (uint8_t)name->flags,
		.keywords = name->keywords,
		.modseq = modseq,
		.pending = pending,
	};
	if (pending)
		b->is_pending = true;
}

void
md_box_rename(struct pst_box *b, struct md_msg *m, const struct md_name *name,
    enum md_dir dir, uint64_t modseq)
{
	char text[MD_NAME_MAX + 1];

	/* name->s may be the very text that is given up here. */
	memcpy(text, name->s, name->n);
	drop_name(b, m);
	m->name = md_arena_add(&b->names, text, name->n);
	m->name_n = (uint16_t)name->n;
	m->dir = (uint8_t)dir;
	m->flags = (uint8_t)name->flags;
	m->keywords = name->keywords;
	m->modseq = modseq;
	compact(b);
}

void
md_box_drop(struct pst_box *b, const size_t *place, size_t n)
{
	size_t to, next = 0;
	uint64_t modseq;

	if (n == 0)
		return;
	modseq = li_mailstate_modseq(&b->folder->base);
	to = place[0];
	for (size_t from = to; from < b->n; from++) {
		if (next < n && place[next] == from) {
			li_history_note(&b->history, b->msg[from].uid, modseq);
			drop_name(b, &b->msg[from]);
			next++;
		} else {
			b->msg[to++] = b->msg[from];
		}
	}
	b->n = to;
	compact(b);
}

void
md_box_gone(struct pst_box *b, uint32_t uid)
{
	if (!b->is_loaded)
		return;
	LI_PUSH(b->gone, b->gone_count, b->gone_cap);
	b->gone[b->gone_count++] = uid;
	b->is_pending = true;
}

size_t
md_box_find_fix(const struct pst_box *b, uint32_t uid)
{
	size_t low = 0, high = b->fix_count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (b->fix[mid].uid < uid)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static uint64_t
octets_of(struct pst_box *b, const struct md_name *name)
{
	uint64_t size = md_name_octets(name);
	size_t i;

	(void)pthread_mutex_lock(&b->lock);
	i = md_box_find_fix(b, name->uid);
	if (i < b->fix_count && b->fix[i].uid == name->uid)
		size = b->fix[i].size;
	(void)pthread_mutex_unlock(&b->lock);
	return size;
}

void
md_box_row(struct pst_box *b, const struct md_msg *m, struct pst_row *row_r)
{
	struct md_name name;

	md_name_parse(m->name, m->name_n, &name);
	*row_r = (struct pst_row){
		.uid = m->uid,
		.flags = m->flags,
		.keywords = m->keywords,
		.modseq = m->modseq,
		.internal_date = name.date,
		.save_date = name.save_date,
		.size = octets_of(b, &name),
	};
	if (m->keywords != 0)
		row_r->keywords &= li_mailstate_named(&b->folder->base);
}

/* --- open and close ------------------------------------------------------- */

static void
box_free(struct pst_box *b)
{
	(void)pthread_mutex_lock(&b->acct->lock);
	md_folder_put(b->folder);
	(void)pthread_mutex_unlock(&b->acct->lock);
	for (unsigned k = 0; k < PST_KEYWORDS_MAX; k++)
		free(b->old_keyword[k]);
	li_history_fini(&b->history);
	md_arena_free(&b->names);
	(void)pthread_mutex_destroy(&b->lock);
	free(b->msg);
	free(b->fix);
	free(b->gone);
	free(b);
}

void
md_box_new_cache(struct pst_box *b)
{
	struct md_folder *f = b->folder;

	li_cache_free(&b->cache, NULL, NULL, 0);
	(void)unlinkat(f->base.fd, LI_CACHE_FILE, 0);
	(void)pthread_mutex_lock(&f->base.lock);
	b->cache = li_cache_new(b->acct->store->host, f->base.fd,
	    f->base.state.uidvalidity, f->base.where);
	(void)pthread_mutex_unlock(&f->base.lock);
}

/*
 * No uid was given yet, or it is not known any more which were: then files
 * with uids in their names are of another life, and are renamed before a new
 * message could be taken for one of them.
 */
static enum pst_rc
begin_box(struct pst_box *b, struct pst_error *err)
{
	struct md_folder *f = b->folder;
	enum pst_rc rc = PST_OK;
	bool is_new;

	(void)pthread_mutex_lock(&f->base.lock);
	is_new = f->base.state.uidnext == 1;
	(void)pthread_mutex_unlock(&f->base.lock);
	if (is_new)
		rc = md_scan(b, err);
	if (rc != PST_OK)
		return rc;
	(void)pthread_mutex_lock(&f->base.lock);
	if (f->base.is_fresh)
		rc = li_mailstate_write(&f->base, LI_SYNC_FULL, err);
	(void)pthread_mutex_unlock(&f->base.lock);
	return rc;
}

enum pst_rc
md_box_open(struct pst_acct *a, const char *name, struct pst_box **box_r,
    struct pst_error *err)
{
	struct li_buf dir = { 0 };
	struct md_folder *f;
	struct pst_box *b;
	enum pst_rc rc = md_folder_encode(name, &dir, err);

	if (rc == PST_OK) {
		(void)pthread_mutex_lock(&a->lock);
		rc = md_folder_get(a, dir.p, &f, err);
		(void)pthread_mutex_unlock(&a->lock);
	} else if (rc == PST_E_LIMIT || rc == PST_E_PERM) {
		rc = PST_E_NOTFOUND; /* such a mailbox cannot be there */
		if (err != NULL)
			err->rc = rc;
	}
	li_buf_free(&dir);
	if (rc != PST_OK)
		return rc;
	b = li_alloc(sizeof(*b));
	b->acct = a;
	b->folder = f;
	(void)pthread_mutex_init(&b->lock, NULL);
	(void)pthread_mutex_lock(&f->base.lock);
	b->opened_modseq = f->base.state.modseq;
	b->cache = li_cache_new(a->store->host, f->base.fd,
	    f->base.state.uidvalidity, f->base.where);
	(void)pthread_mutex_unlock(&f->base.lock);
	for (unsigned k = 0; k < PST_KEYWORDS_MAX; k++)
		b->keyword[k] = "";
	(void)md_keywords(b);
	rc = begin_box(b, err);
	if (rc != PST_OK) {
		li_cache_free(&b->cache, NULL, NULL, 0);
		box_free(b);
		return rc;
	}
	*box_r = b;
	return PST_OK;
}

/*
 * Remembers how new and cur look, so that the next load() knows whether
 * somebody else was here meanwhile.
 */
static void
remember_times(struct pst_box *b)
{
	struct md_folder *f = b->folder;
	struct timespec now[2];
	struct li_state *st = &f->base.state;

	if (md_stamps(f, now) != 0)
		return;
	if ((b->must_scan || b->is_racy || !md_stamps_equal(now, b->stamp)) &&
	    (md_scan(b, NULL) != PST_OK || md_stamps(f, now) != 0))
		return;
	if (b->must_scan || b->is_racy || !md_stamps_equal(now, b->stamp))
		return;
	(void)pthread_mutex_lock(&f->base.lock);
	if (!st->has_seen || !md_stamps_equal(now, st->seen) ||
	    st->seen_uidnext != st->uidnext || st->seen_modseq != st->modseq) {
		st->has_seen = true;
		st->seen[0] = now[0];
		st->seen[1] = now[1];
		st->seen_uidnext = st->uidnext;
		st->seen_modseq = st->modseq;
		f->base.is_dirty = true;
	}
	(void)pthread_mutex_unlock(&f->base.lock);
}

static void
tell_entry(const void *arg, size_t i, struct li_entry *entry_r)
{
	const struct md_msg *m = &((const struct pst_box *)arg)->msg[i];

	entry_r->uid = m->uid;
	entry_r->flags = m->flags;
	entry_r->keywords = m->keywords;
	entry_r->modseq = m->modseq;
}

/* Writes down the modseqs. Afterwards nothing may get a new one. */
static void
remember_modseqs(struct pst_box *b)
{
	struct md_folder *f = b->folder;
	uint64_t modseq = li_mailstate_modseq(&b->folder->base);
	int e;

	if (!b->is_scanned) {
		if (modseq != b->opened_modseq)
			li_memory_renew(f->base.fd, f->base.state.uidvalidity,
			    b->opened_modseq, modseq);
		return;
	}
	if (modseq == b->memory_modseq || (b->n == 0 && b->history.n == 0))
		return;
	e = li_memory_write(f->base.fd, f->base.state.uidvalidity, modseq,
	    tell_entry, b, b->n, &b->history);
	if (e != 0 && e != ENOENT)
		b->acct->store->host->log(PST_LOG_WARNING,
		    "maildir: write %s/" LI_MEMORY_FILE ": %s", f->base.where,
		    strerror(e));
}

static bool
is_here(const void *box, uint32_t uid)
{
	return md_box_msg(box, uid) != NULL;
}

void
md_box_close(struct pst_box *b)
{
	if (b->watched != NULL)
		md_unwatch(b);
	if (b->is_loaded)
		remember_times(b);
	/* Else it may be a mailbox of another name, that has its own. */
	if (md_folder_is_there(b->folder))
		remember_modseqs(b);
	li_cache_free(&b->cache, b->is_scanned ? is_here : NULL, b, b->n);
	box_free(b);
}

/* --- what the index knows ------------------------------------------------- */

enum pst_rc
md_cache_get(struct pst_box *b, unsigned kind, const uint32_t *uids, size_t n,
    pst_cached_fn fn, void *arg, struct pst_error *err)
{
	(void)err;
	li_cache_get(b->cache, kind, uids, n, fn, arg);
	return PST_OK;
}

enum pst_rc
md_cache_put(struct pst_box *b, unsigned kind, const struct pst_cached *values,
    size_t n, struct pst_error *err)
{
	(void)err;
	li_cache_put(b->cache, kind, values, n);
	return PST_OK;
}

enum pst_rc
md_history(struct pst_box *b, uint64_t *from_r, pst_gone_fn fn, void *arg,
    struct pst_error *err)
{
	enum pst_rc rc = md_scan_once(b, err);

	if (rc != PST_OK)
		return rc;
	*from_r = b->history.from;
	for (size_t i = 0; i < b->history.n; i++)
		fn(arg, b->history.gone[i].uids, b->history.gone[i].modseq);
	return PST_OK;
}

enum pst_rc
md_box_state(
    struct pst_box *b, struct pst_box_state *state_r, struct pst_error *err)
{
	(void)err;
	li_mailstate_tell(&b->folder->base, state_r);
	return PST_OK;
}

bool
md_box_is_there(struct pst_box *b)
{
	return md_folder_is_there(b->folder);
}

enum pst_rc
md_recent(
    struct pst_box *b, bool claim, uint32_t *first_r, struct pst_error *err)
{
	uint32_t next;
	uint32_t first = li_mailstate_recent(&b->folder->base, claim, &next);
	size_t at;

	(void)err;
	if (b->is_scanned) {
		at = md_box_find(b, first);
		first = at < b->n ? b->msg[at].uid : next;
	}
	*first_r = first;
	return PST_OK;
}
