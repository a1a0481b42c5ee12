/*
 * ingest.c - files that other programs delivered: each gets a uid by a rename
 * that adds fields to its name. The uids are reserved on the disk before, so
 * whatever a crash leaves half done is finished by the next scan.
 */
#include "maildir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static int
compare_foreign(const void *a, const void *b)
{
	const struct md_foreign *x = a, *y = b;

	if (x->old_uid != y->old_uid)
		return x->old_uid < y->old_uid ? -1 : 1;
	if (x->mtime != y->mtime)
		return x->mtime < y->mtime ? -1 : 1;
	return strcmp(x->name, y->name);
}

/* Looks at each; what is no file any more is left out. */
static size_t
examine(struct pst_box *b, struct md_foreign *list, size_t n)
{
	size_t to = 0;

	for (size_t i = 0; i < n; i++) {
		struct md_foreign f = list[i];
		struct stat st;

		if (fstatat(b->folder->sub[f.dir], f.name, &st,
			AT_SYMLINK_NOFOLLOW) < 0) {
			b->must_scan = true; /* renamed meanwhile, perhaps */
			continue;
		}
		if (!S_ISREG(st.st_mode))
			continue;
		f.mtime = st.st_mtime;
		f.ctime = st.st_ctime;
		f.size = st.st_size > 0 ? (uint64_t)st.st_size : 0;
		list[i] = list[to];
		list[to++] = f;
	}
	return to;
}

/* Octets with CRLF line ends, from the name when it tells. `part` is memory to
 * read with. */
static uint64_t
wire_size(struct pst_box *b, const struct md_foreign *f,
    const struct md_name *name, char *part)
{
	uint64_t bare = 0;
	int fd;

	if (name->has_wire && name->has_size && name->size == f->size)
		return name->wire;
	fd = openat(b->folder->sub[f->dir], f->name,
	    O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return f->size;
	if (md_count_bare_lf_in(fd, f->size, part, &bare) != 0)
		bare = 0;
	(void)close(fd);
	return f->size + bare;
}

/* The name that the file gets. */
static void
new_name(struct pst_box *b, const struct md_foreign *f, uint32_t uid,
    char *part, char out[MD_NAME_MAX + 1])
{
	enum { SAME_TIME = 2 }; /* seconds between writing and arriving */
	struct md_name_parts parts;
	struct md_name old;
	char stem[128];
	size_t key_n, info_n;

	md_name_parse(f->name, strlen(f->name), &old);
	parts = (struct md_name_parts){
		.source = f->name,
		.source_n = old.n,
		.size = f->size,
		.wire = wire_size(b, f, &old, part),
		.date = old.has_uid || old.has_time ? old.date : f->mtime,
		.save_date = old.has_uid ? old.save_date : f->ctime,
		.uid = uid,
	};
	if (parts.save_date >= parts.date &&
	    parts.save_date - parts.date <= SAME_TIME)
		parts.save_date = parts.date;
	key_n = md_name_make(out, &parts);
	if (key_n == 0) {
		md_new_stem(b->acct->store, parts.date, stem, sizeof(stem));
		parts.source = stem;
		parts.source_n = strlen(stem);
		key_n = md_name_make(out, &parts);
	}
	/* The letters as they are; what does not fit is put in order. */
	info_n = old.n - old.key_n;
	if (key_n + info_n <= MD_NAME_MAX) {
		memcpy(out + key_n, old.s + old.key_n, info_n);
		out[key_n + info_n] = '\0';
	} else {
		(void)md_name_letters(
		    out, key_n, old.flags, old.keywords, NULL);
	}
}

static int
take_in(struct pst_box *b, const struct md_foreign *f, uint32_t uid,
    uint64_t modseq, char *part)
{
	char text[MD_NAME_MAX + 1];
	int sub = b->folder->sub[f->dir], e;
	struct md_name name;

	new_name(b, f, uid, part, text);
	/* A mailbox that is begun anew may give a message its old uid. */
	if (strcmp(text, f->name) != 0) {
		md_expect(b, f->dir, MD_ECHO_FROM, f->name);
		md_expect(b, f->dir, MD_ECHO_TO, text);
		e = li_rename_new(sub, f->name, sub, text);
		if (e != 0) {
			md_unexpect(b, f->dir, MD_ECHO_FROM, f->name);
			md_unexpect(b, f->dir, MD_ECHO_TO, text);
			return e;
		}
	}
	md_name_parse(text, strlen(text), &name);
	(void)pthread_mutex_lock(&b->lock);
	md_box_append(b, &name, f->dir, modseq, b->is_loaded ? MD_PEND_NEW : 0);
	(void)pthread_mutex_unlock(&b->lock);
	return 0;
}

enum pst_rc
md_ingest(struct pst_box *b, struct md_foreign *list, size_t n, uint64_t modseq,
    struct pst_error *err)
{
	bool touched[2] = { false, false };
	struct md_folder *f = b->folder;
	enum pst_rc rc = PST_OK;
	uint32_t uid;
	char *part;
	int e = 0;

	n = examine(b, list, n);
	if (n == 0)
		return PST_OK;
	qsort(list, n, sizeof(list[0]), compare_foreign);
	if (n > UINT32_MAX / 2)
		return pst_fail(err, PST_E_LIMIT, 0, "too many messages");
	rc = li_mailstate_reserve(&f->base, (uint32_t)n, &uid, NULL, err);
	if (rc != PST_OK)
		return rc;
	part = li_resize(NULL, MD_PART, 1);
	for (size_t i = 0; i < n && e == 0; i++) {
		e = take_in(b, &list[i], uid + (uint32_t)i, modseq, part);
		touched[list[i].dir] = true;
		if (e == ENOENT) {
			b->must_scan = true;
			e = 0;
		}
	}
	free(part);
	for (int i = 0; i < 2; i++)
		if (touched[i] && e == 0)
			e = md_sync(b->acct->store, f->sub[i]);
	return e ? md_fail(err, e, "take in mail of %s", f->base.where)
		 : PST_OK;
}
