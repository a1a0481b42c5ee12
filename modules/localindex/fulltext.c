/*
 * fulltext.c - see fulltext.h: adding to the index and keeping it small. What
 * answers is in text_search.c.
 *
 * Every text_put() makes a segment of its own; segments of about one size are
 * merged when there are many, so that their number grows with the logarithm of
 * the mailbox. A merged segment appears before the old ones go: a crash in
 * between leaves messages in two of them, which does no harm.
 */
#include "localindex/fulltext.h"

#include "localindex/collect.h"
#include "localindex/merge.h"
#include "localindex/text_dir.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum {
	TIER_FACTOR = 4,
	TIER_FILES = 6,	       /* of one tier that are merged */
	TIER_FIRST = 16 << 10, /* octets */
	GARBAGE_SHARE = 4,     /* one of so many gone: written anew */
	STEPS_MAX = 64,
};
#define MERGED_MAX (UINT64_C(64) << 20)

/* --- put ------------------------------------------------------------------ */

static int
compare_texts(const void *a, const void *b)
{
	const struct pst_text *x = *(const struct pst_text *const *)a;
	const struct pst_text *y = *(const struct pst_text *const *)b;

	return x->uid < y->uid ? -1 : x->uid > y->uid;
}

/* By uid, each once. */
static const struct pst_text **
in_order(const struct pst_text *texts, size_t *n)
{
	const struct pst_text **order = li_more(
	    NULL, *n, sizeof(const struct pst_text *));
	size_t k = 0;

	for (size_t i = 0; i < *n; i++)
		order[i] = &texts[i];
	if (*n > 1)
		qsort(order, *n, sizeof(*order), compare_texts);
	for (size_t i = 0; i < *n; i++)
		if (k == 0 || order[k - 1]->uid != order[i]->uid)
			order[k++] = order[i];
	*n = k;
	return order;
}

static void
fill_writer(struct li_writer *w, const struct pst_text **order, size_t n)
{
	struct li_collect *c = li_collect_new();
	uint32_t *uid = li_more(NULL, n, sizeof(*uid));
	unsigned char *partial = li_more(NULL, n, 1);

	for (size_t i = 0; i < n; i++) {
		uid[i] = order[i]->uid;
		partial[i] = order[i]->is_partial;
		li_collect_add(c, (uint32_t)i, order[i]);
	}
	li_writer_init(w, uid, partial, (uint32_t)n);
	li_collect_write(c, w);
	li_collect_free(&c);
	free(uid);
	free(partial);
}

static int
save_next(
    const struct li_text_box *b, struct li_text_dir *d, struct li_writer *w)
{
	char name[LI_NAME];

	li_text_name(d->next, name);
	return li_writer_save(w, d->fd, name, b->uidvalidity, b->version);
}

enum pst_rc
li_text_put(const struct li_text_box *b, const struct pst_text *texts, size_t n,
    struct pst_error *err)
{
	const struct pst_text **order;
	struct li_text_dir d;
	struct li_writer w;
	int e;

	if (n == 0)
		return PST_OK;
	e = li_text_dir_open(&d, b->dirfd, true);
	if (e != 0)
		return li_text_fail(b, err, e, "opening");
	order = in_order(texts, &n);
	fill_writer(&w, order, n);
	e = save_next(b, &d, &w);
	li_writer_fini(&w);
	li_text_dir_close(&d);
	free(order);
	return e == 0 ? PST_OK : li_text_fail(b, err, e, "writing");
}

/* --- tidy ----------------------------------------------------------------- */

static unsigned
tier_of(uint64_t size)
{
	unsigned tier = 0;

	for (uint64_t at = TIER_FIRST; size > at; at *= TIER_FACTOR)
		tier++;
	return tier;
}

/* How many files from `from` on, which ascend by size, are to be merged. */
static size_t
run_to_merge(const struct li_text_dir *d, size_t from)
{
	unsigned tier = tier_of(d->file[from].size);
	uint64_t sum = 0;
	size_t n = 0;

	while (from + n < d->n && tier_of(d->file[from + n].size) == tier &&
	       sum + d->file[from + n].size <= MERGED_MAX)
		sum += d->file[from + n++].size;
	return n >= TIER_FILES ? n : 0;
}

static uint32_t
count_present(const struct li_segment *s, struct pst_uids present)
{
	uint32_t n = 0;
	size_t r = 0;

	for (uint32_t i = 0; i < s->head.docs; i++) {
		while (r < present.n && present.r[r].last < s->uid[i])
			r++;
		n += r < present.n && present.r[r].first <= s->uid[i];
	}
	return n;
}

struct opened {
	struct li_segment *s;
	const struct li_text_file **file;
	size_t n;
};

/* Opens those that are good. 0, or the errno of one that may be. */
static int
open_files(const struct li_text_box *b, const struct li_text_dir *d,
    const struct li_text_file *file, size_t n, struct opened *o)
{
	int failed = 0;

	o->s = li_memory(n * sizeof(*o->s));
	o->file = li_memory(n * sizeof(const struct li_text_file *));
	o->n = 0;
	for (size_t i = 0; i < n; i++) {
		int e = li_text_open(b, d, &file[i], true, &o->s[o->n]);

		if (e == 0)
			o->file[o->n++] = &file[i];
		else if (e != EBADMSG && e != EINVAL && e != ENOENT)
			failed = e;
	}
	return failed;
}

static void
close_files(struct opened *o)
{
	for (size_t i = 0; i < o->n; i++)
		li_segment_close(&o->s[i]);
	free(o->s);
	free(o->file);
}

/* Makes one segment of `n` files, of what is still there. 0 or an errno. */
static int
merge_files(const struct li_text_box *b, struct li_text_dir *d,
    const struct li_text_file *file, size_t n, struct pst_uids present)
{
	struct opened o;
	struct li_writer w;
	size_t bad = 0;
	int e = open_files(b, d, file, n, &o);

	if (e == 0 && o.n > 0) {
		if (!li_merge(o.s, o.n, present, &w, &bad)) {
			li_text_damaged(b, d, o.file[bad]);
		} else {
			if (w.docs > 0)
				e = save_next(b, d, &w);
			for (size_t i = 0; i < o.n && e == 0; i++)
				li_text_remove(d, o.file[i]);
			li_writer_fini(&w);
		}
	}
	close_files(&o);
	return e;
}

/* Whether so many of its messages are gone that it is worth the work. */
static bool
is_worn(const struct li_text_box *b, const struct li_text_dir *d,
    const struct li_text_file *f, struct pst_uids present)
{
	struct li_segment s;
	uint32_t gone;
	bool worn;

	if (li_text_peek(b, d, f, true, &s) != 0)
		return false;
	gone = s.head.docs - count_present(&s, present);
	worn = gone > 0 && gone >= s.head.docs / GARBAGE_SHARE;
	li_segment_close(&s);
	return worn;
}

/* One step. *done_r: there was nothing to do. 0 or an errno. */
static int
tidy_step(const struct li_text_box *b, struct pst_uids present, bool *done_r)
{
	struct li_text_dir d;
	size_t n = 0, from = 0;
	int e = li_text_dir_open(&d, b->dirfd, false);

	*done_r = true;
	if (e != 0)
		return e;
	while (from < d.n && (n = run_to_merge(&d, from)) == 0)
		from++;
	if (n > 0) {
		e = merge_files(b, &d, &d.file[from], n, present);
		*done_r = e != 0;
	}
	li_text_dir_close(&d);
	return e;
}

/* Writes anew what consists of messages that are gone. */
static int
drop_garbage(const struct li_text_box *b, struct pst_uids present)
{
	struct li_text_dir d;
	int e = li_text_dir_open(&d, b->dirfd, false);

	if (e != 0)
		return e;
	for (size_t i = 0; i < d.n && e == 0; i++) {
		if (!is_worn(b, &d, &d.file[i], present))
			continue;
		e = merge_files(b, &d, &d.file[i], 1, present);
		d.next++;
	}
	li_text_dir_close(&d);
	return e;
}

enum pst_rc
li_text_tidy(
    const struct li_text_box *b, struct pst_uids present, struct pst_error *err)
{
	bool done = false;
	int e = 0;

	/* A file that cannot be removed must not keep us for ever. */
	for (int i = 0; i < STEPS_MAX && e == 0 && !done; i++)
		e = tidy_step(b, present, &done);
	if (e == 0)
		e = drop_garbage(b, present);
	return e == 0 ? PST_OK : li_text_fail(b, err, e, "merging");
}

/* --- drop ----------------------------------------------------------------- */

static int
empty_folder(int fd)
{
	DIR *dir = fdopendir(fd);
	const struct dirent *entry;
	int e = 0;

	if (dir == NULL) {
		e = errno;
		(void)close(fd);
		return e;
	}
	while (e == 0 && (entry = readdir(dir)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 ||
		    strcmp(entry->d_name, "..") == 0)
			continue;
		if (unlinkat(fd, entry->d_name, 0) < 0 && errno != ENOENT &&
		    unlinkat(fd, entry->d_name, AT_REMOVEDIR) < 0)
			e = errno;
	}
	(void)closedir(dir);
	return e;
}

enum pst_rc
li_text_drop(const struct li_text_box *b, struct pst_error *err)
{
	int fd = openat(b->dirfd, LI_TEXT_DIR,
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int e = 0;

	if (fd < 0 && (errno == ENOTDIR || errno == ELOOP)) {
		if (unlinkat(b->dirfd, LI_TEXT_DIR, 0) < 0)
			e = errno;
	} else if (fd < 0) {
		e = errno == ENOENT ? 0 : errno;
	} else {
		e = empty_folder(fd);
		if (e == 0 &&
		    unlinkat(b->dirfd, LI_TEXT_DIR, AT_REMOVEDIR) < 0 &&
		    errno != ENOENT)
			e = errno;
	}
	return e == 0 ? PST_OK : li_text_fail(b, err, e, "removing");
}
