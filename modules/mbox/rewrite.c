/*
 * rewrite.c - the file written again from some message on: to take messages
 * out, or to give their fields more room. It is done in its place, since
 * programs that wait for the lock of the file would go on with the old one if
 * another was put there, and what they add would be lost.
 *
 * So that a crash does no harm, what shall stand there is first written to a
 * file of ours (postern.redo) and made durable, then to the mailbox; a redo
 * file that is still there is carried out again. It never changes how long the
 * file is, so that mail which other programs add after a crash stays behind it:
 * what is longer is made so before, what is shorter is filled up with a message
 * that is none (a filler) and cut when the redo file is gone.
 *
 * A redo file has hashes of what stood there, too: where the mailbox has
 * neither the old nor the new octets, somebody else has written since, and it
 * is not carried out.
 */
#include "mbox.h"

#include "localindex/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SECTOR = 512, FORMAT = 1 };

static const char magic[8] = "pst-redo";
static const char temp_file[] = MB_REDO_FILE ".tmp";

/* Then come `length` octets, then a hash for each sector of the old ones. */
struct header {
	char magic[8];
	uint64_t version;
	uint64_t start, length; /* in the mailbox */
	uint64_t used;		/* of the length; the rest is a filler */
	uint64_t data_hash, old_hash;
	uint64_t check;
};

/* A message at its new place. */
struct place {
	size_t msg;
	uint64_t offset, length, base;
	uint32_t fixed, room;
	bool has_new_ident;
};

struct rewrite {
	struct pst_box *box;
	const bool *drop;
	bool is_all;	    /* the first message of the mailbox is in it */
	int fd;		    /* of the redo file */
	struct li_buf text; /* not written yet */
	uint64_t written;   /* octets of data that were */
	struct place *place;
	size_t n;
	struct header h;
};

/* --- the new content
 * ---------------------------------------------------------- */

static int
flush(struct rewrite *w)
{
	ssize_t done;
	size_t at = 0;

	while (at < w->text.n) {
		done = pwrite(w->fd, w->text.p + at, w->text.n - at,
		    (off_t)(sizeof(struct header) + w->written + at));
		if (done < 0 && errno != EINTR)
			return errno;
		at += done > 0 ? (size_t)done : 0;
	}
	w->written += w->text.n;
	w->text.n = 0;
	return 0;
}

static uint64_t
position(const struct rewrite *w)
{
	return w->h.start + w->written + w->text.n;
}

/* The fields of a message as the list has them. */
static void
block_of(const struct pst_box *b, const struct mb_msg *m,
    struct mb_block *block, struct li_buf *keywords)
{
	struct mb_folder *f = b->folder;

	block->uid = m->uid;
	block->flags = m->flags;
	block->internal_date = m->internal_date;
	block->save_date = m->save_date;
	memcpy(block->tag, b->tag, sizeof(block->tag));
	(void)pthread_mutex_lock(&f->base.lock);
	block->is_old = (m->form & MB_OLD) || m->uid < f->base.state.recent;
	(void)pthread_mutex_unlock(&f->base.lock);
	li_buf_add(keywords, "", 0);
	mb_keywords_print(f, m->keywords, keywords);
}

static bool
print_fixed(const struct pst_box *b, const struct mb_msg *m, struct li_buf *out)
{
	struct li_buf keywords = { 0 };
	struct mb_block block = { 0 };
	bool ok;

	block_of(b, m, &block, &keywords);
	ok = mb_fixed_print(
	    out, &block, (struct pst_str){ keywords.p, keywords.n }, m->room);
	li_buf_free(&keywords);
	return ok;
}

bool
mb_write_fixed(struct pst_box *b, const struct mb_msg *m, struct li_buf *text)
{
	char uid[32], there[32];
	off_t at = (off_t)(m->offset + m->fixed);
	int n;

	text->n = 0;
	n = snprintf(
	    uid, sizeof(uid), "X-UID: %-10lu\n", (unsigned long)m->uid);
	return m->fixed != 0 && print_fixed(b, m, text) &&
	       pread(b->fd, there, (size_t)n, at) == n &&
	       memcmp(uid, there, (size_t)n) == 0 &&
	       pwrite(b->fd, text->p, text->n, at) == (ssize_t)text->n;
}

/* As it stands, but for its flags. False: the keywords need more room. */
static bool
copy_message(struct rewrite *w, const struct mb_msg *m, int *e)
{
	struct li_buf fixed = { 0 };
	uint64_t at = 0;
	bool ok = print_fixed(w->box, m, &fixed);

	while (ok && *e == 0 && at < m->length) {
		size_t n = m->length - at < MB_CHUNK ? (size_t)(m->length - at)
						     : MB_CHUNK;
		ssize_t got;

		li_buf_room(&w->text, n);
		got = pread(w->box->fd, w->text.p + w->text.n, n,
		    (off_t)(m->offset + at));
		if (got <= 0) {
			*e = got < 0 ? errno : EIO;
			break;
		}
		if (at == 0 && (size_t)got >= m->fixed + fixed.n)
			memcpy(
			    w->text.p + w->text.n + m->fixed, fixed.p, fixed.n);
		else if (at == 0)
			ok = false;
		w->text.n += ok ? (size_t)got : 0;
		at += (uint64_t)got;
		if (w->text.n >= MB_CHUNK)
			*e = flush(w);
	}
	li_buf_free(&fixed);
	return ok;
}

static void
ignore(void *arg, const char *p, size_t n)
{
	(void)arg;
	(void)p;
	(void)n;
}

/* What a message tells of itself, and how its lines end. */
static int
read_own(const struct pst_box *b, const struct mb_msg *m, struct mb_reader *r,
    bool *has_separator_r, bool *has_new_ident_r)
{
	struct mb_block *block = &r->block;
	struct mb_lines lines;
	struct mb_piece p;
	uint64_t eol, size;
	int e;

	mb_reader_init(r, ignore, NULL);
	mb_lines_init(&lines, b->fd, m->offset, m->offset + m->length);
	(void)mb_lines_next(&lines, &p); /* the `From ` line */
	while (mb_lines_next(&lines, &p))
		mb_reader_piece(r, &p);
	e = lines.sys_errno;
	mb_lines_fini(&lines);
	size = mb_reader_end(r, NULL);
	eol = block->is_raw ? 1 : 2;
	*has_new_ident_r = !r->is_whole;
	if (*has_new_ident_r) {
		block->is_raw = block->has_own && block->is_raw;
		block->no_eol = !r->had_lf;
		block->size = size;
		(void)snprintf(block->ident, sizeof(block->ident),
		    "M%016llx%016llx", (unsigned long long)m->id[0],
		    (unsigned long long)m->id[1]);
	}
	*has_separator_r = r->had_lf &&
			   r->octets == size + (block->no_eol ? eol : 0) + eol;
	return e;
}

/* With fields of ours before it, and none of others in it. */
static int
build_message(struct rewrite *w, const struct mb_msg *m, bool is_first,
    struct place *place)
{
	struct pst_box *b = w->box;
	struct mb_reader r = { 0 };
	struct li_buf keywords = { 0 };
	struct mb_stripper strip;
	struct mb_places places;
	struct mb_lines lines;
	struct mb_piece p;
	bool has_separator;
	size_t from_n = 0;
	int e = read_own(b, m, &r, &has_separator, &place->has_new_ident);

	r.block.uidvalidity = r.block.uidlast = 0;
	block_of(b, m, &r.block, &keywords);
	if (is_first) {
		(void)pthread_mutex_lock(&b->folder->base.lock);
		r.block.uidvalidity = b->folder->base.state.uidvalidity;
		r.block.uidlast = b->folder->base.state.uidnext - 1;
		memcpy(r.block.objectid, b->folder->base.state.objectid,
		    sizeof(r.block.objectid));
		(void)pthread_mutex_unlock(&b->folder->base.lock);
	}
	mb_lines_init(&lines, b->fd, m->offset, m->offset + m->length);
	if (e == 0 && mb_lines_next(&lines, &p)) {
		from_n = p.n + 1;
		li_buf_add(&w->text, p.p, p.n);
		li_buf_putc(&w->text, '\n');
	}
	mb_block_print(&w->text, &r.block,
	    (struct pst_str){ keywords.p, keywords.n }, &places);
	place->fixed = (uint32_t)(from_n + places.fixed);
	place->room = (uint32_t)places.room;
	if (places.base > 0)
		place->base = place->offset + from_n + places.base;
	mb_stripper_init(&strip, &w->text);
	while (e == 0 && mb_lines_next(&lines, &p)) {
		mb_stripper_piece(&strip, &p);
		if (w->text.n >= MB_CHUNK)
			e = flush(w);
	}
	if (!r.had_lf)
		li_buf_putc(&w->text, '\n');
	if (!has_separator)
		li_buf_putc(&w->text, '\n');
	e = e ? e : lines.sys_errno;
	mb_lines_fini(&lines);
	mb_reader_fini(&r);
	li_buf_free(&keywords);
	return e;
}

static int
put_message(struct rewrite *w, size_t i)
{
	struct pst_box *b = w->box;
	const struct mb_msg *m = &b->msg[i];
	struct place *place = &w->place[w->n];
	bool is_first = w->n == 0 && w->is_all;
	bool has_base = b->base_at > m->offset &&
			b->base_at < m->offset + m->length;
	uint64_t written = w->written;
	size_t n = w->text.n;
	int e = 0;

	*place = (struct place){ .msg = i,
		.offset = position(w),
		.fixed = m->fixed,
		.room = m->room };
	if (m->fixed != 0 && (m->form & MB_RECORDED) &&
	    (has_base || !is_first)) {
		if (copy_message(w, m, &e)) {
			if (has_base)
				place->base = place->offset +
					      (b->base_at - m->offset);
			goto done;
		}
		/* Nothing of it counts. */
		w->written = written;
		w->text.n = n;
	}
	if (e == 0)
		e = build_message(w, m, is_first, place);
done:
	if (e == 0 && w->text.n >= MB_CHUNK)
		e = flush(w);
	place->length = position(w) - place->offset;
	w->n++;
	return e;
}

struct order {
	uint64_t offset;
	size_t msg;
};

static int
compare_offsets(const void *a, const void *b)
{
	const struct order *x = a, *y = b;

	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

/* In the order of the file. */
static int
put_messages(struct rewrite *w)
{
	struct pst_box *b = w->box;
	struct order *order = li_resize(NULL, b->n + 1, sizeof(*order));
	size_t n = 0;
	int e = 0;

	for (size_t i = 0; i < b->n; i++)
		if (b->msg[i].offset >= w->h.start &&
		    !(w->drop != NULL && w->drop[i]))
			order[n++] = (struct order){ b->msg[i].offset, i };
	qsort(order, n, sizeof(*order), compare_offsets);
	w->place = li_resize(NULL, n + 1, sizeof(*w->place));
	for (size_t i = 0; i < n && e == 0; i++)
		e = put_message(w, order[i].msg);
	free(order);
	return e ? e : flush(w);
}

/* --- the redo file
 * -------------------------------------------------------------- */

static int
read_exactly(int fd, char *p, size_t n, uint64_t at)
{
	while (n > 0) {
		ssize_t got = pread(fd, p, n, (off_t)at);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got < 0 ? errno : EIO;
		p += got;
		n -= (size_t)got;
		at += (uint64_t)got;
	}
	return 0;
}

static int
hash_part(int fd, uint64_t at, uint64_t n, uint64_t *hash_r)
{
	char *part = li_resize(NULL, MB_CHUNK, 1);
	uint64_t h = FORMAT;
	int e = 0;

	for (uint64_t done = 0; done < n && e == 0;) {
		size_t k = n - done < MB_CHUNK ? (size_t)(n - done) : MB_CHUNK;

		e = read_exactly(fd, part, k, at + done);
		h = e == 0 ? li_hash(part, k, h) : h;
		done += k;
	}
	free(part);
	*hash_r = h;
	return e;
}

static uint64_t
hash_place(const struct header *h)
{
	return sizeof(*h) + h->length;
}

static uint64_t
sectors(const struct header *h)
{
	return (h->length + SECTOR - 1) / SECTOR;
}

/* Of what stands in the mailbox now, behind the data. */
static int
write_old_hashes(struct rewrite *w)
{
	uint64_t per_part = MB_CHUNK / SECTOR;
	uint64_t *hash = li_resize(NULL, per_part, sizeof(*hash));
	char *part = li_resize(NULL, MB_CHUNK, 1);
	uint64_t at = 0;
	int e = 0;

	w->text.n = 0;
	w->written = w->h.length;
	while (e == 0 && at < w->h.length) {
		uint64_t left = w->h.length - at;
		size_t n = left < MB_CHUNK ? (size_t)left : MB_CHUNK, k = 0;

		e = read_exactly(w->box->fd, part, n, w->h.start + at);
		for (size_t i = 0; i < n; i += SECTOR)
			hash[k++] = li_hash(
			    part + i, n - i < SECTOR ? n - i : SECTOR, 1);
		li_buf_add(&w->text, (const char *)hash, k * sizeof(*hash));
		at += n;
		if (e == 0)
			e = flush(w);
	}
	free(part);
	free(hash);
	return e ? e
		 : hash_part(w->fd, hash_place(&w->h),
		       sectors(&w->h) * sizeof(uint64_t), &w->h.old_hash);
}

static int
write_header(struct rewrite *w)
{
	struct header *h = &w->h;
	ssize_t n;
	int e = hash_part(w->fd, sizeof(*h), h->length, &h->data_hash);

	if (e != 0)
		return e;
	memcpy(h->magic, magic, sizeof(magic));
	h->version = FORMAT;
	h->check = li_hash(h, offsetof(struct header, check), FORMAT);
	n = pwrite(w->fd, h, sizeof(*h), 0);
	return n == (ssize_t)sizeof(*h) ? 0 : n < 0 ? errno : ENOSPC;
}

/* Makes the mailbox longer by something that is no message. */
static int
extend(struct pst_box *b, uint64_t size, uint64_t by)
{
	struct li_buf text = { 0 };
	uint64_t at = size;
	char last = '\n';
	int e = 0;

	if (size > 0)
		e = read_exactly(b->fd, &last, 1, size - 1);
	if (e == 0 && last != '\n') {
		li_buf_puts(&text, "\n\n");
		by -= 2;
	}
	if (by > SIZE_MAX / 4)
		e = EFBIG;
	if (e == 0)
		mb_filler_print(&text, (size_t)by);
	for (size_t done = 0; e == 0 && done < text.n;) {
		ssize_t n = pwrite(
		    b->fd, text.p + done, text.n - done, (off_t)(at + done));

		if (n < 0 && errno != EINTR)
			e = errno;
		done += n > 0 ? (size_t)n : 0;
	}
	li_buf_free(&text);
	if (e == 0)
		e = mb_sync_data(b->acct->store, b->fd);
	/* What stays is a filler, or is taken for torn. */
	if (e != 0 && ftruncate(b->fd, (off_t)size) < 0)
		b->must_scan = true;
	return e;
}

/* Makes the part of the mailbox and the new content equally long. */
static int
fit(struct rewrite *w, uint64_t size)
{
	uint64_t old = size - w->h.start, used = w->written, gap;
	uint64_t least = mb_filler_least(), by = 0;
	int e = 0;

	w->h.used = used;
	if (used > old)
		by = used - old;
	gap = old + by - used;
	if (by > 0 || (gap > 0 && gap < least)) {
		/* A filler of its own, whatever else is needed. */
		by += least + 2;
		gap += least + 2;
		e = extend(w->box, size, by);
	}
	w->h.length = old + by;
	if (e == 0 && gap > 0) {
		mb_filler_print(&w->text, (size_t)gap);
		e = flush(w);
	}
	return e;
}

/* Carries it out. */
static int
apply(int redo, int fd, const struct header *h)
{
	char *part = li_resize(NULL, MB_CHUNK, 1);
	int e = 0;

	for (uint64_t at = 0; e == 0 && at < h->length;) {
		uint64_t left = h->length - at;
		size_t n = left < MB_CHUNK ? (size_t)left : MB_CHUNK;
		ssize_t done;

		e = read_exactly(redo, part, n, sizeof(*h) + at);
		if (e != 0)
			break;
		done = pwrite(fd, part, n, (off_t)(h->start + at));
		if (done < 0 && errno != EINTR)
			e = errno;
		at += done > 0 ? (uint64_t)done : 0;
	}
	free(part);
	return e;
}

/* What is longer than the messages goes, unless others have added some. */
static int
cut(struct pst_box *b, const struct header *h)
{
	struct stat st;

	if (fstat(b->fd, &st) < 0)
		return errno;
	if ((uint64_t)st.st_size != h->start + h->length ||
	    h->used == h->length)
		return 0;
	return ftruncate(b->fd, (off_t)(h->start + h->used)) < 0 ? errno : 0;
}

static int
finish(struct pst_box *b, const struct header *h)
{
	const struct pst_store *s = b->acct->store;
	int e = mb_sync_data(s, b->fd);

	if (e == 0 && unlinkat(b->folder->base.fd, MB_REDO_FILE, 0) < 0)
		e = errno;
	if (e == 0)
		e = mb_sync_file(s, b->folder->base.fd);
	/* Only now: the redo file holds for the length that it was made for. */
	return e ? e : cut(b, h);
}

/* --- rewrite
 * ---------------------------------------------------------------------- */

static void
take_places(struct rewrite *w)
{
	struct pst_box *b = w->box;

	(void)pthread_mutex_lock(&b->lock);
	if (w->is_all)
		b->base_at = 0;
	for (size_t i = 0; i < w->n; i++) {
		const struct place *p = &w->place[i];
		struct mb_msg *m = &b->msg[p->msg];

		m->offset = p->offset;
		m->length = p->length;
		m->fixed = p->fixed;
		m->room = p->room;
		if (p->base != 0)
			b->base_at = p->base;
		if (!(m->form & MB_RECORDED))
			b->unrecorded--;
		m->form |= MB_RECORDED | MB_OWN;
		if (p->has_new_ident)
			m->form &= (uint8_t)~MB_LONG_IDENT;
	}
	(void)pthread_mutex_unlock(&b->lock);
	b->is_indexed = false;
}

static int
prepare(struct rewrite *w, uint64_t size)
{
	struct pst_box *b = w->box;
	const struct pst_store *s = b->acct->store;
	int e;

	w->fd = openat(b->folder->base.fd, temp_file,
	    O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (w->fd < 0)
		return errno;
	e = put_messages(w);
	if (e == 0 && w->written == 0)
		return 0; /* nothing stays */
	if (e == 0)
		e = fit(w, size);
	if (e == 0)
		e = write_old_hashes(w);
	if (e == 0)
		e = write_header(w);
	if (e == 0)
		e = mb_sync_data(s, w->fd);
	if (e == 0 && renameat(b->folder->base.fd, temp_file,
			  b->folder->base.fd, MB_REDO_FILE) < 0)
		e = errno;
	return e ? e : mb_sync_file(s, b->folder->base.fd);
}

static int
carry_out(struct rewrite *w)
{
	struct pst_box *b = w->box;
	int e;

	mb_box_outdate(b);
	(void)pthread_rwlock_wrlock(&b->content);
	if (w->written == 0) {
		e = ftruncate(b->fd, (off_t)w->h.start) < 0 ? errno : 0;
		if (e == 0)
			e = mb_sync_data(b->acct->store, b->fd);
		(void)unlinkat(b->folder->base.fd, temp_file, 0);
	} else {
		b->must_redo = true;
		e = apply(w->fd, b->fd, &w->h);
		if (e == 0)
			e = finish(b, &w->h);
		b->must_redo = e != 0;
	}
	if (e == 0)
		take_places(w);
	(void)pthread_rwlock_unlock(&b->content);
	return e;
}

enum pst_rc
mb_rewrite(
    struct pst_box *b, uint64_t start, const bool *drop, struct pst_error *err)
{
	struct rewrite w = { .box = b, .drop = drop, .fd = -1 };
	struct stat st;
	int e = fstat(b->fd, &st) < 0 ? errno : 0;

	w.h.start = start;
	w.is_all = true;
	for (size_t i = 0; i < b->n; i++)
		w.is_all = w.is_all && b->msg[i].offset >= start;
	if (e == 0)
		e = prepare(&w, (uint64_t)st.st_size);
	if (e != 0)
		(void)unlinkat(b->folder->base.fd, temp_file, 0);
	else
		e = carry_out(&w);
	if (w.fd >= 0)
		(void)close(w.fd);
	li_buf_free(&w.text);
	free(w.place);
	if (e != 0)
		b->must_scan = true;
	else if (b->unrecorded == 0)
		mb_uids_drop(b);
	return e ? mb_fail_io(err, e, b, "rewrite") : PST_OK;
}

/* --- after a crash
 * ------------------------------------------------------------------ */

static bool
read_header(int fd, struct header *h)
{
	uint64_t hash;

	return pread(fd, h, sizeof(*h), 0) == (ssize_t)sizeof(*h) &&
	       memcmp(h->magic, magic, sizeof(magic)) == 0 &&
	       h->version == FORMAT &&
	       h->check == li_hash(h, offsetof(struct header, check), FORMAT) &&
	       h->used <= h->length && h->start <= INT64_MAX &&
	       h->length <= INT64_MAX - h->start &&
	       hash_part(fd, sizeof(*h), h->length, &hash) == 0 &&
	       hash == h->data_hash &&
	       hash_part(fd, hash_place(h), sectors(h) * sizeof(uint64_t),
		   &hash) == 0 &&
	       hash == h->old_hash;
}

/* Each sector is the old one or the new one. */
static bool
is_untouched(int redo, int fd, const struct header *h)
{
	char old[SECTOR], new[SECTOR];
	uint64_t hash;
	bool ok = true;

	for (uint64_t i = 0; ok && i < sectors(h); i++) {
		uint64_t at = i * SECTOR, left = h->length - at;
		size_t n = left < SECTOR ? (size_t)left : SECTOR;

		ok = read_exactly(fd, old, n, h->start + at) == 0 &&
		     read_exactly(redo, new, n, sizeof(*h) + at) == 0 &&
		     read_exactly(redo, (char *)&hash, sizeof(hash),
			 hash_place(h) + i * sizeof(hash)) == 0 &&
		     (memcmp(old, new, n) == 0 || li_hash(old, n, 1) == hash);
	}
	return ok;
}

enum pst_rc
mb_redo(struct pst_box *b, struct pst_error *err)
{
	const struct pst_host *host = b->acct->store->host;
	int dir = b->folder->base.fd, e = 0;
	int redo = openat(dir, MB_REDO_FILE, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct header h;

	b->must_scan = true;
	if (redo < 0 && errno == ENOENT) {
		b->must_redo = false;
		return PST_OK;
	}
	if (redo < 0)
		return mb_fail_io(err, errno, b, "open the redo file of");
	if (read_header(redo, &h) && is_untouched(redo, b->fd, &h)) {
		mb_box_outdate(b);
		(void)pthread_rwlock_wrlock(&b->content);
		e = apply(redo, b->fd, &h);
		if (e == 0)
			e = finish(b, &h);
		(void)pthread_rwlock_unlock(&b->content);
	} else {
		/* It stays for whoever wants to look at it. */
		host->log(PST_LOG_WARNING,
		    "mbox: %s was changed by another program after a crash: "
		    "what was being written is in %s.left",
		    b->folder->base.where, MB_REDO_FILE);
		if (renameat(dir, MB_REDO_FILE, dir, MB_REDO_FILE ".left") < 0)
			e = errno;
	}
	(void)close(redo);
	if (e != 0)
		return mb_fail_io(err, e, b, "finish the rewriting of");
	b->must_redo = false;
	return PST_OK;
}

/* --- without a redo file
 * -------------------------------------------------------------- */

/* The beginning goes first: from then on it is no message any more. */
bool
mb_blot_out(struct pst_box *b, const struct mb_msg *m)
{
	struct li_buf text = { 0 };
	bool ok = m->length >= mb_filler_least() && m->length < SIZE_MAX / 4;

	if (!ok)
		return false;
	mb_filler_print(&text, (size_t)m->length);
	(void)pthread_rwlock_wrlock(&b->content);
	for (size_t at = 0; ok && at < text.n;) {
		ssize_t n = pwrite(
		    b->fd, text.p + at, text.n - at, (off_t)(m->offset + at));

		ok = n > 0 || (n < 0 && errno == EINTR);
		at += n > 0 ? (size_t)n : 0;
	}
	(void)pthread_rwlock_unlock(&b->content);
	li_buf_free(&text);
	return ok;
}

void
mb_write_uidlast(struct pst_box *b, uint32_t uidlast)
{
	char text[11], there[12];
	int n = snprintf(text, sizeof(text), "%010lu", (unsigned long)uidlast);

	/* It must be the ten digits that it is thought to be. */
	if (b->base_at == 0 ||
	    pread(b->fd, there, 12, (off_t)b->base_at - 1) != 12 ||
	    there[0] != ' ' || there[11] != '\n' ||
	    strspn(there + 1, "0123456789") < 10)
		return;
	if (pwrite(b->fd, text, (size_t)n, (off_t)b->base_at) < n)
		b->acct->store->host->log(PST_LOG_WARNING,
		    "mbox: %s: its first message cannot be written to",
		    b->folder->base.where);
}
