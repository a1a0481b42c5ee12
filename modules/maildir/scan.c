/*
 * scan.c - reading new and cur and comparing with what is known. A reading of
 * a folder that others rename files in may miss a file or see it twice: a
 * message that was not seen counts as gone only when a second reading misses it
 * too or nothing changed during the first.
 */
#include "maildir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { SCAN_TRIES = 4 };

int
md_stamps(const struct md_folder *f, struct timespec stamp_r[2])
{
	stamp_r[0] = stamp_r[1] = (struct timespec){ 0 };
	for (int i = 0; i < 2; i++) {
		struct stat st;

		if (fstat(f->sub[i], &st) < 0)
			return errno;
		stamp_r[i] = st.st_ctim;
	}
	return 0;
}

bool
md_stamps_equal(const struct timespec a[2], const struct timespec b[2])
{
	for (int i = 0; i < 2; i++)
		if (a[i].tv_sec != b[i].tv_sec || a[i].tv_nsec != b[i].tv_nsec)
			return false;
	return true;
}

/*
 * The kernel takes the times of files from a clock that moves in ticks. What
 * has a time before the present tick cannot get the same time by a later
 * change.
 */
static bool
is_racy(const struct timespec stamp[2], const struct timespec *tick)
{
	for (int i = 0; i < 2; i++)
		if (stamp[i].tv_sec > tick->tv_sec ||
		    (stamp[i].tv_sec == tick->tv_sec &&
			stamp[i].tv_nsec >= tick->tv_nsec))
			return true;
	return false;
}

void
md_box_settled(struct pst_box *b, const struct timespec stamp[2],
    const struct timespec *tick)
{
	b->stamp[0] = stamp[0];
	b->stamp[1] = stamp[1];
	b->is_racy = is_racy(stamp, tick);
}

int
md_each_file(
    const struct md_folder *f, enum md_dir sub, md_file_fn fn, void *arg)
{
	int fd = openat(f->sub[sub], ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent *d;
	bool more = true;
	DIR *dir;

	if (fd < 0) /* a folder that was removed holds nothing */
		return errno == ENOENT ? 0 : errno;
	dir = fdopendir(fd);
	if (dir == NULL) {
		int e = errno;

		(void)close(fd);
		return e;
	}
	errno = 0;
	while (more && (d = readdir(dir)) != NULL) {
		if (d->d_name[0] == '.' ||
		    (d->d_type != DT_REG && d->d_type != DT_UNKNOWN))
			continue;
		more = fn(arg, d->d_name, sub);
		errno = 0;
	}
	fd = errno;
	(void)closedir(dir);
	return fd;
}

/* --- one search ----------------------------------------------------------- */

struct search {
	uint32_t uid;
	const struct md_name *key;
	char *name;
	enum md_dir dir;
	bool found;
};

static bool
search_file(void *arg, const char *file, enum md_dir dir)
{
	struct search *s = arg;
	struct md_name name;

	md_name_parse(file, strlen(file), &name);
	if (!name.has_uid || name.uid != s->uid || name.n > MD_NAME_MAX ||
	    (s->key != NULL && !md_name_same(&name, s->key)))
		return true;
	memcpy(s->name, file, name.n + 1);
	s->dir = dir;
	s->found = true;
	return false;
}

bool
md_find_file(struct pst_box *b, uint32_t uid, const struct md_name *key,
    char name_r[MD_NAME_MAX + 1], enum md_dir *dir_r)
{
	static const enum md_dir order[] = { MD_CUR, MD_NEW, MD_CUR };
	struct search s = { .uid = uid, .key = key, .name = name_r };

	for (size_t i = 0; i < 3 && !s.found; i++)
		(void)md_each_file(b->folder, order[i], search_file, &s);
	*dir_r = s.dir;
	return s.found;
}

/* --- a scan --------------------------------------------------------------- */

/* A known message under a name that it did not have. */
struct moved {
	size_t place;
	char *name;
	enum md_dir dir;
};

struct scan {
	struct pst_box *box;
	bool is_first;	   /* nothing is known yet */
	bool only_known;   /* a second reading */
	uint32_t believed; /* uids in names below this are */
	uint64_t modseq;   /* new, for all that this scan finds; 0: not taken */

	bool *same; /* by place: still has its name */
	struct moved *moved;
	size_t moved_n, moved_cap;
	struct md_foreign *foreign;
	size_t foreign_n, foreign_cap;

	struct md_msg *msg; /* the first time */
	size_t n, cap;
	struct md_arena names;
};

static void
scan_free(struct scan *s)
{
	for (size_t i = 0; i < s->moved_n; i++)
		free(s->moved[i].name);
	for (size_t i = 0; i < s->foreign_n; i++)
		free(s->foreign[i].name);
	free(s->moved);
	free(s->foreign);
	free(s->same);
	free(s->msg);
	md_arena_free(&s->names);
	s->moved = NULL;
	s->foreign = NULL;
	s->same = NULL;
	s->msg = NULL;
	s->moved_n = s->moved_cap = s->foreign_n = s->foreign_cap = 0;
	s->n = s->cap = 0;
}

static void
add_foreign(struct scan *s, const char *file, enum md_dir dir, uint32_t uid)
{
	if (s->only_known)
		return;
	LI_PUSH(s->foreign, s->foreign_n, s->foreign_cap);
	s->foreign[s->foreign_n++] = (struct md_foreign){
		.name = li_strdup(file), .dir = dir, .old_uid = uid
	};
}

static bool
see_first(void *arg, const char *file, enum md_dir dir)
{
	struct scan *s = arg;
	struct md_name name;

	md_name_parse(file, strlen(file), &name);
	if (!name.has_uid || name.uid >= s->believed) {
		add_foreign(s, file, dir, s->believed == 1 ? name.uid : 0);
		return true;
	}
	LI_PUSH(s->msg, s->n, s->cap);
	s->msg[s->n++] = (struct md_msg){
		.name = md_arena_add(&s->names, file, name.n),
		.name_n = (uint16_t)name.n,
		.uid = name.uid,
		.dir = (uint8_t)dir,
		.flags = (uint8_t)name.flags,
		.keywords = name.keywords,
	};
	return true;
}

static bool
see_again(void *arg, const char *file, enum md_dir dir)
{
	struct scan *s = arg;
	struct md_msg *m = NULL;
	struct md_name name, known;
	size_t place;

	md_name_parse(file, strlen(file), &name);
	if (name.has_uid)
		m = md_box_msg(s->box, name.uid);
	if (m != NULL) {
		md_name_parse(m->name, m->name_n, &known);
		if (!md_name_same(&name, &known))
			m = NULL;
	}
	if (m == NULL) {
		add_foreign(s, file, dir, 0);
		return true;
	}
	place = (size_t)(m - s->box->msg);
	if (m->dir == dir && m->name_n == name.n &&
	    memcmp(m->name, file, name.n) == 0) {
		s->same[place] = true;
	} else {
		LI_PUSH(s->moved, s->moved_n, s->moved_cap);
		s->moved[s->moved_n++] = (struct moved){
			.place = place, .name = li_strdup(file), .dir = dir
		};
	}
	return true;
}

static int
read_both(struct scan *s, md_file_fn fn)
{
	int e = md_each_file(s->box->folder, MD_NEW, fn, s);

	return e ? e : md_each_file(s->box->folder, MD_CUR, fn, s);
}

static enum pst_rc
take_modseq(struct scan *s, struct pst_error *err)
{
	if (s->modseq != 0)
		return PST_OK;
	return li_mailstate_next_modseq(&s->box->folder->base, &s->modseq, err);
}

/* --- the first time ------------------------------------------------------- */

static int
compare_msgs(const void *a, const void *b)
{
	const struct md_msg *x = a, *y = b;

	if (x->uid != y->uid)
		return x->uid < y->uid ? -1 : 1;
	return strcmp(x->name, y->name);
}

static bool
exists(const struct pst_box *b, const struct md_msg *m)
{
	struct stat st;

	return fstatat(b->folder->sub[m->dir], m->name, &st,
		   AT_SYMLINK_NOFOLLOW) == 0;
}

/*
 * Of several files with one uid the first keeps it. Two names of one file, seen
 * while it was renamed, are one message: that which is there now.
 */
static void
resolve_twins(struct scan *s)
{
	size_t to = 0;

	for (size_t i = 0; i < s->n; i++) {
		struct md_msg *m = &s->msg[i],
			      *first = to ? &s->msg[to - 1] : m;
		struct md_name a, b;

		if (to == 0 || first->uid != m->uid) {
			s->msg[to++] = *m;
			continue;
		}
		md_name_parse(first->name, first->name_n, &a);
		md_name_parse(m->name, m->name_n, &b);
		if (!md_name_same(&a, &b))
			add_foreign(s, m->name, m->dir, 0);
		else if (!exists(s->box, first))
			*first = *m;
	}
	s->n = to;
}

static void
sort_first(struct scan *s)
{
	bool sorted = true;

	for (size_t i = 1; sorted && i < s->n; i++)
		sorted = s->msg[i - 1].uid < s->msg[i].uid;
	if (!sorted) {
		qsort(s->msg, s->n, sizeof(s->msg[0]), compare_msgs);
		resolve_twins(s);
	}
}

/*
 * The modseqs as they are remembered. A message that has other flags than it
 * had then, or is not known, was changed or came since; one that is known and
 * was not found is gone since. False: nothing is remembered.
 */
static bool
recall_modseqs(struct scan *s, enum pst_rc *rc, struct pst_error *err)
{
	struct pst_box *b = s->box;
	struct li_entry *entry;
	size_t n, k = 0;

	if (!li_memory_read(b->folder->base.fd,
		b->folder->base.state.uidvalidity, b->opened_modseq, &entry, &n,
		&b->history))
		return false;
	b->memory_modseq = b->opened_modseq;
	*rc = PST_OK;
	for (size_t i = 0; i <= s->n && *rc == PST_OK; i++) {
		struct md_msg *m = i < s->n ? &s->msg[i] : NULL;

		for (; k < n && (m == NULL || entry[k].uid < m->uid); k++) {
			*rc = take_modseq(s, err);
			li_history_note(&b->history, entry[k].uid, s->modseq);
		}
		if (m == NULL)
			break;
		if (k < n && entry[k].uid == m->uid &&
		    entry[k].flags == m->flags &&
		    entry[k].keywords == m->keywords) {
			m->modseq = entry[k].modseq;
		} else {
			*rc = take_modseq(s, err);
			m->modseq = s->modseq;
		}
		k += k < n && entry[k].uid == m->uid;
	}
	free(entry);
	return true;
}

/*
 * The modseqs of messages that are seen for the first time since the mailbox
 * was opened, where none are remembered. As long as cur has the times of our
 * last close nobody changed the flags of anything in it, and what was there
 * then keeps the modseq of then. In new there are no flags, or else they may
 * have been changed.
 */
static enum pst_rc
set_first_modseqs(
    struct scan *s, const struct timespec stamp[2], struct pst_error *err)
{
	struct md_folder *f = s->box->folder;
	const struct li_state *st = &f->base.state;
	bool same[2], bump;
	enum pst_rc rc = PST_OK;
	uint64_t then;
	uint32_t known;

	(void)pthread_mutex_lock(&f->base.lock);
	known = st->has_seen ? st->seen_uidnext : 0;
	then = st->has_seen ? st->seen_modseq : s->box->opened_modseq;
	for (int i = 0; i < 2; i++)
		same[i] = st->has_seen &&
			  st->seen[i].tv_sec == stamp[i].tv_sec &&
			  st->seen[i].tv_nsec == stamp[i].tv_nsec;
	bump = st->uidnext > 1 && !(same[MD_NEW] && same[MD_CUR]);
	(void)pthread_mutex_unlock(&f->base.lock);
	if (bump)
		rc = take_modseq(s, err);
	for (size_t i = 0; i < s->n; i++) {
		struct md_msg *m = &s->msg[i];
		bool is_same = same[m->dir] ||
			       (m->dir == MD_NEW &&
				   strchr(m->name, ':') == NULL);

		/* What left new for cur changes the times of cur. */
		m->modseq = bump && !(is_same && same[MD_CUR] && m->uid < known)
				? s->modseq
				: then;
	}
	return rc;
}

static void
clean_tmp(const struct pst_box *b)
{
	int fd = openat(b->folder->base.fd, "tmp",
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	int64_t now = md_now(b->acct->store);
	struct dirent *d;
	struct stat st;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (dir == NULL) {
		if (fd >= 0)
			(void)close(fd);
		return;
	}
	while ((d = readdir(dir)) != NULL)
		if (d->d_name[0] != '.' &&
		    fstatat(fd, d->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISREG(st.st_mode) && st.st_mtime < now - MD_TMP_AGE &&
		    st.st_atime < now - MD_TMP_AGE)
			(void)unlinkat(fd, d->d_name, 0);
	(void)closedir(dir);
}

static enum pst_rc
scan_first(struct scan *s, struct timespec stamp[2], struct pst_error *err)
{
	struct pst_box *b = s->box;
	struct timespec after[2] = { 0 }, tick;
	enum pst_rc rc;
	int e = 0;

	for (int tries = 0; tries < SCAN_TRIES; tries++) {
		scan_free(s);
		(void)clock_gettime(CLOCK_REALTIME_COARSE, &tick);
		e = md_stamps(b->folder, stamp);
		b->is_racy = is_racy(stamp, &tick);
		if (e == 0)
			e = read_both(s, see_first);
		if (e == 0)
			e = md_stamps(b->folder, after);
		if (e != 0 || md_stamps_equal(stamp, after))
			break;
	}
	if (e != 0)
		return md_fail(err, e, "read %s", b->folder->base.where);
	sort_first(s);
	if (!recall_modseqs(s, &rc, err)) {
		rc = set_first_modseqs(s, stamp, err);
		(void)pthread_mutex_lock(&b->folder->base.lock);
		li_history_begin(&b->history, b->folder->base.state.modseq);
		(void)pthread_mutex_unlock(&b->folder->base.lock);
	}
	if (rc != PST_OK)
		return rc;
	(void)pthread_mutex_lock(&b->lock);
	free(b->msg);
	md_arena_free(&b->names);
	b->msg = s->msg;
	b->n = s->n;
	b->cap = s->cap;
	b->names = s->names;
	(void)pthread_mutex_unlock(&b->lock);
	s->msg = NULL;
	s->n = s->cap = 0;
	s->names = (struct md_arena){ 0 };
	return PST_OK;
}

/* --- later times ---------------------------------------------------------- */

/* Which known messages were not seen; the number of them. */
static size_t
count_missing(struct scan *s, bool *seen)
{
	size_t missing = 0;

	memcpy(seen, s->same, s->box->n * sizeof(*seen));
	for (size_t i = 0; i < s->moved_n; i++)
		seen[s->moved[i].place] = true;
	for (size_t i = 0; i < s->box->n; i++)
		missing += !seen[i];
	return missing;
}

static enum pst_rc
apply_moved(struct scan *s, struct pst_error *err)
{
	struct pst_box *b = s->box;
	uint64_t named = li_mailstate_named(&b->folder->base);

	/* The last sighting of a message counts. */
	for (size_t i = s->moved_n; i-- > 0;) {
		struct md_msg *m = &b->msg[s->moved[i].place];
		struct md_name name;
		bool differs;

		if (s->same[s->moved[i].place])
			continue;
		s->same[s->moved[i].place] = true;
		md_name_parse(
		    s->moved[i].name, strlen(s->moved[i].name), &name);
		differs = name.flags != m->flags ||
			  (name.keywords & named) != (m->keywords & named);
		if (differs) {
			enum pst_rc rc = take_modseq(s, err);

			if (rc != PST_OK)
				return rc;
		}
		(void)pthread_mutex_lock(&b->lock);
		if (differs && b->is_loaded && !(m->pending & MD_PEND_NEW)) {
			m->pending |= MD_PEND_CHANGED;
			b->is_pending = true;
		}
		md_box_rename(b, m, &name, s->moved[i].dir,
		    differs ? s->modseq : m->modseq);
		(void)pthread_mutex_unlock(&b->lock);
	}
	return PST_OK;
}

static enum pst_rc
apply_missing(
    struct scan *s, const bool *seen, size_t missing, struct pst_error *err)
{
	struct pst_box *b = s->box;
	size_t *place, n = 0;
	enum pst_rc rc;

	if (missing == 0)
		return PST_OK;
	rc = take_modseq(s, err);
	if (rc != PST_OK)
		return rc;
	place = li_resize(NULL, missing, sizeof(*place));
	for (size_t i = 0; i < b->n; i++)
		if (!seen[i]) {
			place[n++] = i;
			if (!(b->msg[i].pending & MD_PEND_NEW))
				md_box_gone(b, b->msg[i].uid);
		}
	(void)pthread_mutex_lock(&b->lock);
	md_box_drop(b, place, n);
	(void)pthread_mutex_unlock(&b->lock);
	free(place);
	return PST_OK;
}

static enum pst_rc
scan_again(struct scan *s, struct timespec stamp[2], struct pst_error *err)
{
	struct pst_box *b = s->box;
	struct timespec before[2], after[2] = { 0 }, tick;
	bool *seen = li_alloc(b->n * sizeof(*seen));
	size_t missing = 0;
	enum pst_rc rc;
	int e;

	s->same = li_alloc(b->n * sizeof(*s->same));
	(void)clock_gettime(CLOCK_REALTIME_COARSE, &tick);
	e = md_stamps(b->folder, stamp);
	b->is_racy = is_racy(stamp, &tick);
	memcpy(before, stamp, sizeof(before));
	for (int tries = 0; e == 0 && tries < SCAN_TRIES; tries++) {
		e = read_both(s, see_again);
		if (e == 0)
			e = md_stamps(b->folder, after);
		missing = count_missing(s, seen);
		if (e != 0 || missing == 0 ||
		    (md_stamps_equal(before, after) &&
			(!b->is_racy || tries > 0)))
			break;
		memcpy(before, after, sizeof(before));
		s->only_known = true;
	}
	if (e != 0)
		rc = md_fail(err, e, "read %s", b->folder->base.where);
	else
		rc = apply_moved(s, err);
	if (rc == PST_OK)
		rc = apply_missing(s, seen, missing, err);
	free(seen);
	return rc;
}

enum pst_rc
md_scan(struct pst_box *b, struct pst_error *err)
{
	struct scan s = { .box = b, .is_first = !b->is_scanned };
	struct timespec stamp[2] = { 0 };
	enum pst_rc rc;

	(void)pthread_mutex_lock(&b->folder->base.lock);
	s.believed = b->folder->base.state.uidnext;
	(void)pthread_mutex_unlock(&b->folder->base.lock);
	b->must_scan = true;
	if (s.is_first)
		clean_tmp(b);
	rc = s.is_first ? scan_first(&s, stamp, err)
			: scan_again(&s, stamp, err);
	if (rc == PST_OK)
		b->must_scan = false; /* unless a file slips away just now */
	if (rc == PST_OK && s.foreign_n > 0) {
		rc = take_modseq(&s, err);
		if (rc == PST_OK)
			rc = md_ingest(
			    b, s.foreign, s.foreign_n, s.modseq, err);
		if (rc == PST_E_NOSPACE) {
			/* They get their uids when there is room; what has one
			 * can be read meanwhile. */
			b->must_scan = true;
			rc = PST_OK;
		}
	}
	if (rc == PST_OK) {
		b->stamp[0] = stamp[0];
		b->stamp[1] = stamp[1];
		(void)pthread_mutex_lock(&b->lock);
		b->is_scanned = true;
		(void)pthread_mutex_unlock(&b->lock);
	} else {
		b->must_scan = true;
	}
	scan_free(&s);
	return rc;
}

enum pst_rc
md_scan_once(struct pst_box *b, struct pst_error *err)
{
	return b->is_scanned ? PST_OK : md_scan(b, err);
}

/* --- load and refresh ----------------------------------------------------- */

/* Did anybody do anything since the last scan? Our own changes count too where
 * nobody watches. */
static bool
is_stale(struct pst_box *b)
{
	struct timespec now[2];

	if (!b->is_scanned)
		return true;
	if (b->watched != NULL)
		return !md_watch_is_quiet(b) || b->must_scan;
	return b->must_scan || b->is_racy || md_stamps(b->folder, now) != 0 ||
	       !md_stamps_equal(now, b->stamp);
}

enum pst_rc
md_load(struct pst_box *b, pst_row_fn fn, void *arg, struct pst_error *err)
{
	enum pst_rc rc = PST_OK;

	if (b->watched != NULL)
		md_watch_rearm(b);
	if (is_stale(b))
		rc = md_scan(b, err);
	if (rc != PST_OK)
		return rc;
	b->is_loaded = true;
	b->is_pending = false;
	b->gone_count = 0;
	for (size_t i = 0; i < b->n; i++) {
		struct pst_row row;

		b->msg[i].pending = 0;
		md_box_row(b, &b->msg[i], &row);
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
		b->msg[i].pending = 0;
		md_box_row(b, &b->msg[i], &row);
		fn(arg, &row);
	}
}

enum pst_rc
md_refresh(
    struct pst_box *b, const struct pst_delta *delta, struct pst_error *err)
{
	enum pst_rc rc = PST_OK;

	if (!b->is_loaded)
		return PST_OK;
	if (b->watched != NULL)
		md_watch_rearm(b);
	if (is_stale(b))
		rc = md_scan(b, err);
	if (rc != PST_OK || !b->is_pending)
		return rc;
	b->is_pending = false;
	if (b->gone_count > 1)
		qsort(b->gone, b->gone_count, sizeof(b->gone[0]), compare_uids);
	for (size_t i = 0; i < b->gone_count; i++)
		delta->gone(delta->arg, b->gone[i]);
	b->gone_count = 0;
	report(b, MD_PEND_CHANGED, delta->changed, delta->arg);
	report(b, MD_PEND_NEW, delta->appended, delta->arg);
	return PST_OK;
}
