/*
 * kept.c - what is kept of expunged messages: listing it, putting messages
 * back, removing those whose time is over. See kept.h.
 */
#include "kept.h"

#include "about.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ID_MAX = 40 };

/* One folder in postern.kept. */
struct source {
	char *dir;
	struct md_about about;
	char *name;  /* of the mailbox, now */
	bool exists; /* there is one of that name */
	uint64_t left;
};

struct kept {
	char id[ID_MAX];
	size_t source;
	enum md_dir dir;
	char *name;
	int64_t expunged;
};

struct all {
	struct pst_acct *acct;
	int fd; /* of postern.kept; -1: there is none */
	struct source *source;
	size_t sources, sources_cap;
	struct kept *kept;
	size_t n, cap;
	/* Of one source at a time, since there may be as many as a user has
	 * removed mailboxes. */
	size_t at;  /* its number; SIZE_MAX: none is open */
	int sub[2]; /* by enum md_dir; -1: there is none */
};

static void
close_subs(struct all *all)
{
	for (int k = 0; k < 2; k++) {
		if (all->sub[k] >= 0)
			(void)close(all->sub[k]);
		all->sub[k] = -1;
	}
	all->at = SIZE_MAX;
}

static void
all_free(struct all *all)
{
	for (size_t i = 0; i < all->sources; i++) {
		struct source *s = &all->source[i];

		md_about_free(&s->about);
		free(s->dir);
		free(s->name);
	}
	for (size_t i = 0; i < all->n; i++)
		free(all->kept[i].name);
	free(all->source);
	free(all->kept);
	close_subs(all);
	if (all->fd >= 0)
		(void)close(all->fd);
}

/* --- reading -------------------------------------------------------------- */

/* The time after the last ",X=" of the key; 0: there is none. *key_n_r: the
 * key's length without it. */
static int64_t
time_of(const char *text, size_t key_n, size_t *key_n_r)
{
	const char *comma = key_n > 0 ? memrchr(text, ',', key_n) : NULL;
	uint64_t v;

	*key_n_r = key_n;
	if (comma == NULL || key_n - (size_t)(comma - text) < 4 ||
	    memcmp(comma, ",X=", 3) != 0 ||
	    !li_number(comma + 3, key_n - (size_t)(comma - text) - 3, &v) ||
	    v > INT64_MAX)
		return 0;
	*key_n_r = (size_t)(comma - text);
	return (int64_t)v;
}

static void
make_id(const char *dir, const struct md_name *name, char id[ID_MAX])
{
	struct li_buf text = { 0 };
	uint64_t h[2];

	li_buf_puts(&text, dir);
	li_buf_putc(&text, '/');
	li_buf_add(&text, name->s, name->key_n);
	li_hash128(text.p, text.n, h);
	li_buf_free(&text);
	(void)snprintf(id, ID_MAX, "K%016llx%016llx", (unsigned long long)h[0],
	    (unsigned long long)h[1]);
}

static int
open_at(int dirfd, const char *name)
{
	return openat(
	    dirfd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
}

/* Opens the folders of a source, whose own is `fd`. */
static void
open_subs(struct all *all, size_t source, int fd)
{
	close_subs(all);
	all->at = source;
	all->sub[MD_NEW] = open_at(fd, "new");
	all->sub[MD_CUR] = open_at(fd, "cur");
}

/* The folder that the message is in; -1: errno. */
static int
folder_of(struct all *all, const struct kept *k)
{
	if (all->at != k->source) {
		int fd = open_at(all->fd, all->source[k->source].dir);

		if (fd < 0)
			return -1;
		open_subs(all, k->source, fd);
		(void)close(fd);
	}
	if (all->sub[k->dir] < 0)
		errno = ENOENT;
	return all->sub[k->dir];
}

struct walk {
	struct all *all;
	size_t source;
};

static bool
take_file(void *arg, const char *text, enum md_dir dir)
{
	struct walk *w = arg;
	struct source *s = &w->all->source[w->source];
	struct md_name name;
	struct stat st;
	struct kept *k;
	size_t key_n;

	md_name_parse(text, strlen(text), &name);
	LI_PUSH(w->all->kept, w->all->n, w->all->cap);
	k = &w->all->kept[w->all->n++];
	*k = (struct kept){ .source = w->source,
		.dir = dir,
		.name = li_strdup(text),
		.expunged = time_of(text, name.key_n, &key_n) };
	make_id(s->dir, &name, k->id);
	if (k->expunged == 0)
		k->expunged = s->about.gone;
	if (k->expunged == 0 &&
	    fstatat(w->all->sub[dir], text, &st, AT_SYMLINK_NOFOLLOW) == 0)
		k->expunged = st.st_ctime;
	s->left++;
	return true;
}

static int
read_source(struct all *all, const char *dir)
{
	struct md_folder files = { 0 };
	struct walk walk = { all, all->sources };
	struct li_buf text = { 0 };
	int fd = open_at(all->fd, dir), e = 0;
	struct source *s;

	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR || errno == ELOOP
			   ? 0
			   : errno;
	LI_PUSH(all->source, all->sources, all->sources_cap);
	s = &all->source[all->sources++];
	*s = (struct source){ .dir = li_strdup(dir) };
	open_subs(all, walk.source, fd);
	if (li_read_file(fd, MD_ABOUT_FILE, MD_FILE_MAX, &text) == 0)
		(void)md_about_parse(
		    (struct pst_str){ text.p, text.n }, &s->about);
	li_buf_free(&text);
	(void)close(fd);
	files.sub[MD_NEW] = all->sub[MD_NEW];
	files.sub[MD_CUR] = all->sub[MD_CUR];
	for (int k = 0; k < 2 && e == 0; k++)
		if (files.sub[k] >= 0)
			e = md_each_file(
			    &files, (enum md_dir)k, take_file, &walk);
	return e;
}

static enum pst_rc
read_all(struct pst_acct *a, struct all *all, struct pst_error *err)
{
	struct dirent *d;
	DIR *dir;
	int fd, e = 0;

	*all = (struct all){ .acct = a,
		.fd = open_at(a->fd, MD_KEPT_FOLDER),
		.at = SIZE_MAX,
		.sub = { -1, -1 } };
	if (all->fd < 0)
		return errno == ENOENT ? PST_OK
				       : md_fail(err, errno, "open %s/%s",
					     a->path, MD_KEPT_FOLDER);
	fd = open_at(all->fd, ".");
	dir = fd < 0 ? NULL : fdopendir(fd);
	if (dir == NULL) {
		e = errno;
		if (fd >= 0)
			(void)close(fd);
	}
	while (e == 0 && (d = readdir(dir)) != NULL)
		if (d->d_name[0] != '.')
			e = read_source(all, d->d_name);
	if (dir != NULL)
		(void)closedir(dir);
	return e ? md_fail(err, e, "read %s/%s", a->path, MD_KEPT_FOLDER)
		 : PST_OK;
}

/* --- whose they are ------------------------------------------------------- */

static void
set_name(struct source *s, const char *dir)
{
	struct li_buf name = { 0 };

	if (dir[0] == '\0')
		li_buf_puts(&name, "INBOX");
	else if (!md_folder_decode(dir, &name)) {
		li_buf_free(&name);
		return;
	}
	free(s->name);
	s->name = li_memdup(name.p, name.n);
	s->exists = true;
	li_buf_free(&name);
}

/* A mailbox of the account: are there messages that were in it? */
static void
match_folder(void *arg, const char *dir)
{
	struct all *all = arg;
	char path[MD_NAME_MAX + sizeof(LI_STATE_FILE) + 2];
	struct li_buf text = { 0 };
	struct li_state st = { 0 };
	char objectid[ID_MAX] = "";
	struct md_folder *f;

	for (f = all->acct->folders; f != NULL; f = f->next)
		if (strcmp(f->dir, dir) == 0) {
			(void)pthread_mutex_lock(&f->base.lock);
			memcpy(
			    objectid, f->base.state.objectid, sizeof(objectid));
			(void)pthread_mutex_unlock(&f->base.lock);
			break;
		}
	(void)snprintf(
	    path, sizeof(path), "%s/%s", dir[0] ? dir : ".", LI_STATE_FILE);
	if (f == NULL &&
	    li_read_file(all->acct->fd, path, MD_FILE_MAX, &text) == 0 &&
	    li_state_parse((struct pst_str){ text.p, text.n }, &st) ==
		LI_STATE_OK)
		memcpy(objectid, st.objectid, sizeof(objectid));
	li_state_free(&st);
	li_buf_free(&text);
	for (size_t i = 0; objectid[0] != '\0' && i < all->sources; i++)
		if (strcmp(all->source[i].about.objectid, objectid) == 0)
			set_name(&all->source[i], dir);
}

static bool
is_mailbox(const struct pst_acct *a, const char *name)
{
	struct li_buf dir = { 0 };
	char path[MD_NAME_MAX + 8];
	struct stat st;
	bool is;

	is = md_folder_encode(name, &dir, NULL) == PST_OK;
	if (is) {
		(void)snprintf(
		    path, sizeof(path), "%s/cur", dir.n > 0 ? dir.p : ".");
		is = fstatat(a->fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		     S_ISDIR(st.st_mode);
	}
	li_buf_free(&dir);
	return is;
}

/* The name of a mailbox that is gone: the one it had in the end. */
static const char *
last_name(const struct all *all, const struct source *s)
{
	if (s->about.gone > 0 && s->about.name != NULL)
		return s->about.name;
	for (size_t i = 0; i < all->sources; i++) {
		const struct source *o = &all->source[i];

		if (o->about.gone > 0 && o->about.name != NULL &&
		    s->about.objectid[0] != '\0' &&
		    strcmp(o->about.objectid, s->about.objectid) == 0)
			return o->about.name;
	}
	return s->about.name != NULL ? s->about.name : "Recovered";
}

static void
find_names(struct all *all)
{
	struct pst_acct *a = all->acct;

	if (all->sources == 0)
		return;
	(void)pthread_mutex_lock(&a->lock);
	match_folder(all, "");
	(void)md_each_folder(a, match_folder, all);
	for (size_t i = 0; i < all->sources; i++) {
		struct source *s = &all->source[i];

		if (s->name != NULL)
			continue;
		s->name = li_strdup(last_name(all, s));
		s->exists = is_mailbox(a, s->name);
	}
	(void)pthread_mutex_unlock(&a->lock);
}

/*
 * What the name tells of a message. One that another program put into a mailbox
 * right before that was removed has no fields of ours yet.
 */
static void
parse_kept(struct all *all, const struct kept *k, struct md_name *name)
{
	struct stat st;
	int fd;

	md_name_parse(k->name, strlen(k->name), name);
	if (name->has_size && name->has_uid)
		return;
	fd = folder_of(all, k);
	if (fd < 0 || fstatat(fd, k->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return;
	if (!name->has_size)
		name->size = st.st_size > 0 ? (uint64_t)st.st_size : 0;
	if (!name->has_uid && !name->has_time)
		name->date = st.st_mtime;
}

/* --- list ----------------------------------------------------------------- */

static void
report(struct all *all, const struct kept *k, pst_kept_fn fn, void *arg)
{
	const struct source *s = &all->source[k->source];
	const char *keyword[PST_KEYWORDS_MAX];
	struct pst_kept row = { .id = k->id,
		.mailbox = s->name,
		.special_use = s->about.use ? s->about.use : "",
		.exists = s->exists,
		.expunged = k->expunged,
		.keyword = keyword };
	struct md_name name;

	parse_kept(all, k, &name);
	row.uid = name.has_uid ? name.uid : 0;
	row.flags = name.flags;
	row.internal_date = name.date;
	row.size = md_name_octets(&name);
	for (unsigned i = 0; i < PST_KEYWORDS_MAX; i++)
		if ((name.keywords >> i & 1) && s->about.keyword[i] != NULL)
			keyword[row.keywords++] = s->about.keyword[i];
	fn(arg, &row);
}

enum pst_rc
md_kept_each(
    struct pst_acct *a, pst_kept_fn fn, void *arg, struct pst_error *err)
{
	struct all all;
	enum pst_rc rc = read_all(a, &all, err);

	if (rc == PST_OK)
		find_names(&all);
	for (size_t i = 0; rc == PST_OK && i < all.n; i++)
		report(&all, &all.kept[i], fn, arg);
	all_free(&all);
	return rc;
}

/* --- by their ids --------------------------------------------------------- */

static int
compare_ids(const void *a, const void *b)
{
	const struct kept *x = a, *y = b;

	return strcmp(x->id, y->id);
}

static const struct kept *
find_id(const struct all *all, const char *id)
{
	struct kept key = { 0 };

	if (all->n == 0 || strlen(id) >= sizeof(key.id))
		return NULL;
	memcpy(key.id, id, strlen(id) + 1);
	return bsearch(
	    &key, all->kept, all->n, sizeof(all->kept[0]), compare_ids);
}

/* The octets that there are of `most`; a file that is gone has none. */
static size_t
read_start(int dirfd, const char *name, char *p, size_t most)
{
	size_t n = 0;
	int fd = openat(
	    dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	while (fd >= 0 && n < most) {
		ssize_t got = read(fd, p + n, most - n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		n += (size_t)got;
	}
	if (fd >= 0)
		(void)close(fd);
	return n;
}

enum pst_rc
md_kept_heads(struct pst_acct *a, const char *const *ids, size_t n, size_t most,
    pst_head_fn fn, void *arg, struct pst_error *err)
{
	struct all all;
	enum pst_rc rc = read_all(a, &all, err);
	char *text = li_alloc(most + 1);

	if (rc == PST_OK && all.n > 1)
		qsort(all.kept, all.n, sizeof(all.kept[0]), compare_ids);
	for (size_t i = 0; rc == PST_OK && i < n; i++) {
		const struct kept *k = find_id(&all, ids[i]);
		int dirfd = k != NULL ? folder_of(&all, k) : -1;
		size_t got = dirfd >= 0 ? read_start(dirfd, k->name, text, most)
					: 0;

		if (got > 0)
			fn(arg, i, (struct pst_str){ text, got });
	}
	free(text);
	all_free(&all);
	return rc;
}

/* --- restoring ------------------------------------------------------------ */

/* Keywords by name; those that there is no number for are left out. */
static enum pst_rc
map_keywords(const struct source *s, uint64_t mask, struct pst_box *to,
    uint64_t *mapped_r, struct pst_error *err)
{
	*mapped_r = 0;
	/* First they are made, then asked for: in a full table a new one may
	 * take the number of one before it, which no message has yet. */
	for (int create = 1; create >= 0; create--)
		for (unsigned k = 0; k < PST_KEYWORDS_MAX; k++) {
			const char *word = s->about.keyword[k];
			unsigned number;
			enum pst_rc rc;

			if ((mask >> k & 1) == 0 || word == NULL)
				continue;
			rc = md_keyword(to, word, create, &number, err);
			if (rc == PST_OK && !create)
				*mapped_r |= UINT64_C(1) << number;
			else if (rc != PST_OK && rc != PST_E_LIMIT &&
				 rc != PST_E_NOTFOUND)
				return rc;
		}
	return PST_OK;
}

/* Octets with CRLF line ends, also of a file that nobody has read yet. */
static uint64_t
wire_size(int dirfd, const struct kept *k, const struct md_name *name)
{
	uint64_t bare = 0;
	int fd;

	if (name->has_uid)
		return md_name_octets(name);
	fd = openat(
	    dirfd, k->name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return name->size;
	if (md_count_bare_lf(fd, &bare) != 0)
		bare = 0;
	(void)close(fd);
	return name->size + bare;
}

/* The name that the message gets in the mailbox. */
static enum md_dir
name_restored(struct pst_box *to, const struct md_name *name, uint64_t wire,
    uint32_t uid, uint64_t keywords, char out[MD_NAME_MAX + 1])
{
	char source[MD_NAME_MAX + 1], stem[128];
	struct md_name_parts parts = { .uid = uid };
	size_t key_n, n;

	(void)time_of(name->s, name->key_n, &n);
	memcpy(source, name->s, n);
	source[n] = '\0';
	parts.source = source;
	parts.source_n = n;
	parts.size = name->size;
	parts.wire = wire;
	parts.date = name->date;
	parts.save_date = md_now(to->acct->store);
	key_n = md_name_make(out, &parts);
	if (key_n == 0) {
		md_new_stem(to->acct->store, parts.date, stem, sizeof(stem));
		parts.source = stem;
		parts.source_n = strlen(stem);
		key_n = md_name_make(out, &parts);
	}
	md_name_letters_fit(
	    out, key_n, name->flags & ~(uint32_t)PST_DELETED, keywords, name);
	if (out[key_n + 3] == '\0') {
		out[key_n] = '\0'; /* no letters at all: it is new */
		return MD_NEW;
	}
	return MD_CUR;
}

struct restore {
	struct all *all;
	struct pst_box *to;
	uint64_t modseq;
	bool touched[2];
	int64_t count, bytes;
};

/* *placed_r false and PST_OK: it is not there any more. */
static enum pst_rc
restore_one(struct restore *r, const struct kept *k, uint32_t uid,
    bool *placed_r, struct pst_row *row_r, struct pst_error *err)
{
	const struct source *s = &r->all->source[k->source];
	struct pst_box *to = r->to;
	char text[MD_NAME_MAX + 1];
	struct md_name name;
	uint64_t keywords;
	enum md_dir dir;
	enum pst_rc rc;
	int e, from;

	*placed_r = false;
	parse_kept(r->all, k, &name);
	rc = map_keywords(s, name.keywords, to, &keywords, err);
	if (rc != PST_OK)
		return rc;
	from = folder_of(r->all, k);
	if (from < 0)
		return errno == ENOENT
			   ? PST_OK
			   : pst_fail(err, PST_E_TEMP, errno,
				 "restore to %.180s", to->folder->base.where);
	dir = name_restored(
	    to, &name, wire_size(from, k, &name), uid, keywords, text);
	md_expect(to, dir, MD_ECHO_TO, text);
	e = li_rename_new(from, k->name, to->folder->sub[dir], text);
	if (e != 0)
		md_unexpect(to, dir, MD_ECHO_TO, text);
	if (e == ENOENT)
		return PST_OK;
	if (e != 0)
		return pst_fail(err,
		    li_rc_of(e) == PST_E_NOSPACE ? PST_E_NOSPACE : PST_E_TEMP,
		    e, "restore to %.180s", to->folder->base.where);
	*placed_r = true;
	r->touched[dir] = true;
	md_name_parse(text, strlen(text), &name);
	*row_r = (struct pst_row){ .uid = uid,
		.flags = name.flags,
		.keywords = name.keywords &
			    li_mailstate_named(&to->folder->base),
		.modseq = r->modseq,
		.internal_date = name.date,
		.save_date = name.save_date,
		.size = md_name_octets(&name) };
	r->count++;
	r->bytes += (int64_t)row_r->size;
	if (to->is_scanned) {
		(void)pthread_mutex_lock(&to->lock);
		md_box_append(to, &name, dir, r->modseq, 0);
		(void)pthread_mutex_unlock(&to->lock);
	}
	return PST_OK;
}

static enum pst_rc
restore_all(struct restore *r, const char *const *ids, size_t n,
    pst_restored_fn fn, void *arg, struct pst_error *err)
{
	struct pst_row row;
	bool placed;
	uint32_t uid;
	enum pst_rc rc;
	int e = 0;

	rc = li_mailstate_reserve(
	    &r->to->folder->base, (uint32_t)n, &uid, &r->modseq, err);
	for (size_t i = 0; i < n && rc == PST_OK; i++) {
		const struct kept *k = find_id(r->all, ids[i]);

		if (k == NULL)
			continue;
		rc = restore_one(r, k, uid + (uint32_t)i, &placed, &row, err);
		if (rc == PST_OK && placed)
			fn(arg, i, &row);
	}
	for (int i = 0; i < 2 && e == 0; i++)
		if (r->touched[i])
			e = md_sync(r->to->acct->store, r->to->folder->sub[i]);
	if (r->count > 0)
		md_usage_add(r->to, r->count, r->bytes);
	if (rc == PST_OK && e != 0)
		rc = pst_fail(err, PST_E_TEMP, e, "fsync %.180s",
		    r->to->folder->base.where);
	return rc;
}

enum pst_rc
md_kept_restore(struct pst_acct *a, const char *const *ids, size_t n,
    struct pst_box *to, pst_restored_fn fn, void *arg, struct pst_error *err)
{
	struct all all;
	struct restore r = { .all = &all, .to = to };
	enum pst_rc rc;

	if (n == 0)
		return PST_OK;
	if (n > UINT32_MAX / 2)
		return pst_fail(err, PST_E_LIMIT, 0, "too many messages");
	rc = read_all(a, &all, err);
	if (rc == PST_OK && all.n > 0) {
		qsort(all.kept, all.n, sizeof(all.kept[0]), compare_ids);
		rc = restore_all(&r, ids, n, fn, arg, err);
	}
	all_free(&all);
	return rc;
}

/* --- purge ---------------------------------------------------------------- */

static int
compare_times(const void *a, const void *b)
{
	const struct kept *x = a, *y = b;

	if (x->expunged != y->expunged)
		return x->expunged < y->expunged ? -1 : 1;
	return strcmp(x->id, y->id);
}

static uint64_t
octets_of(struct all *all, const struct kept *k)
{
	struct md_name name;

	parse_kept(all, k, &name);
	return md_name_octets(&name);
}

/* A folder without messages, unless a mailbox is about to put some there. */
static void
drop_source(struct all *all, const struct source *s)
{
	struct pst_acct *a = all->acct;
	int fd = open_at(all->fd, s->dir);
	bool in_use = fd < 0;

	(void)pthread_mutex_lock(&a->lock);
	for (struct md_folder *f = a->folders; f != NULL; f = f->next)
		in_use |= md_keeper_is(f->keeper, s->dir);
	/* Only what is empty goes, whatever came meanwhile. */
	if (!in_use &&
	    (unlinkat(fd, "cur", AT_REMOVEDIR) == 0 || errno == ENOENT) &&
	    (unlinkat(fd, "new", AT_REMOVEDIR) == 0 || errno == ENOENT))
		(void)li_remove_tree(all->fd, s->dir);
	(void)pthread_mutex_unlock(&a->lock);
	if (fd >= 0)
		(void)close(fd);
}

/* What cannot be removed is passed over. 0 or the errno of the first one. */
static int
purge_all(struct all *all, const struct pst_kept_limit *limit,
    struct pst_kept_sum *sum)
{
	uint64_t done = 0;
	size_t i = 0;
	int failed = 0;

	for (size_t k = 0; k < all->n; k++)
		sum->left.bytes += octets_of(all, &all->kept[k]);
	sum->left.messages = all->n;
	for (; i < all->n; i++) {
		const struct kept *k = &all->kept[i];
		struct source *s = &all->source[k->source];
		uint64_t octets = octets_of(all, k);
		int fd;

		if (k->expunged >= limit->before &&
		    (limit->max_bytes == 0 ||
			sum->left.bytes <= limit->max_bytes))
			break;
		if (done == limit->most) {
			sum->more = true;
			break;
		}
		fd = folder_of(all, k);
		if (fd >= 0 && unlinkat(fd, k->name, 0) == 0) {
			sum->purged.messages++;
			sum->purged.bytes += octets;
		} else if (errno != ENOENT) {
			failed = failed ? failed : errno;
			continue;
		}
		done++;
		s->left--;
		sum->left.messages--;
		sum->left.bytes -= octets;
	}
	if (i < all->n)
		sum->oldest = all->kept[i].expunged;
	for (size_t k = 0; k < all->sources; k++)
		if (all->source[k].left == 0)
			drop_source(all, &all->source[k]);
	return failed;
}

enum pst_rc
md_kept_purge(struct pst_acct *a, const struct pst_kept_limit *limit,
    struct pst_kept_sum *sum_r, struct pst_error *err)
{
	struct all all;
	enum pst_rc rc = read_all(a, &all, err);
	int failed = 0;

	*sum_r = (struct pst_kept_sum){ 0 };
	if (rc == PST_OK) {
		if (all.n > 1)
			qsort(all.kept, all.n, sizeof(all.kept[0]),
			    compare_times);
		failed = purge_all(&all, limit, sum_r);
	}
	all_free(&all);
	return failed
		   ? md_fail(err, failed, "remove kept messages of %s", a->path)
		   : rc;
}
