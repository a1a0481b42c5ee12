/*
 * segment.c - see segment.h.
 */
#include "localindex/segment.h"

#include "localindex/hash.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC UINT64_C(0x317478746e747370)

enum {
	PLACE_TERMS = 32,
	BLOCK = 4096,
	PART_MAX = 1 << 30, /* octets of terms, or of postings */
	VARINT_MAX = 5,
};

static const char temp_name[] = "new";

/* --- memory --------------------------------------------------------------- */

void *
li_memory(size_t n)
{
	void *p = calloc(1, n > 0 ? n : 1);

	if (p == NULL)
		abort();
	return p;
}

void *
li_more(void *p, size_t n, size_t each)
{
	size_t total;

	if (__builtin_mul_overflow(n, each, &total))
		abort();
	p = realloc(p, total > 0 ? total : 1);
	if (p == NULL)
		abort();
	return p;
}

void
li_octets_add(struct li_octets *o, const void *p, size_t n)
{
	if (n > o->cap - o->n) {
		o->cap = (o->cap + n) * 3 / 2 + 64;
		o->p = li_more(o->p, o->cap, 1);
	}
	if (n > 0)
		memcpy(o->p + o->n, p, n);
	o->n += n;
}

static void
put_number(struct li_octets *o, uint32_t value)
{
	unsigned char octet[VARINT_MAX];
	size_t n = 0;

	for (; value >= 0x80; value >>= 7)
		octet[n++] = (unsigned char)(value | 0x80);
	octet[n++] = (unsigned char)value;
	li_octets_add(o, octet, n);
}

/* Behind the number, or NULL. */
static const unsigned char *
take_number(const unsigned char *p, const unsigned char *end, uint32_t *value_r)
{
	uint32_t value = 0;

	for (unsigned shift = 0; p < end && shift < 32; shift += 7) {
		value |= (uint32_t)(*p & 0x7f) << shift;
		if ((*p++ & 0x80) == 0) {
			*value_r = value;
			return p;
		}
	}
	return NULL;
}

/* --- writing -------------------------------------------------------------- */

void
li_writer_init(struct li_writer *w, const uint32_t *uids,
    const unsigned char *partial, uint32_t docs)
{
	*w = (struct li_writer){ .docs = docs };
	w->uid = li_more(NULL, docs, sizeof(*w->uid));
	w->partial = li_more(NULL, docs, 1);
	if (docs > 0) {
		memcpy(w->uid, uids, docs * sizeof(*w->uid));
		memcpy(w->partial, partial, docs);
	}
	li_octets_add(&w->text, "", 1);
}

void
li_writer_fini(struct li_writer *w)
{
	free(w->uid);
	free(w->partial);
	free(w->places.p);
	free(w->text.p);
	free(w->list.p);
	free(w->postings.p);
	*w = (struct li_writer){ 0 };
}

void
li_writer_term(struct li_writer *w, const char *term, size_t n)
{
	if (w->terms % PLACE_TERMS == 0) {
		struct li_place place = { (uint32_t)w->text.n,
			(uint32_t)w->postings.n };

		li_octets_add(&w->places, &place, sizeof(place));
	}
	w->terms++;
	li_octets_add(&w->text, term, n);
	li_octets_add(&w->text, "", 1);
	w->list.n = 0;
	w->last_doc = 0;
}

void
li_writer_doc(struct li_writer *w, uint32_t doc, unsigned where)
{
	put_number(&w->list, (doc - w->last_doc) << 2 | where);
	w->last_doc = doc + 1;
}

void
li_writer_end_term(struct li_writer *w)
{
	if (w->text.n > PART_MAX || w->list.n > PART_MAX ||
	    w->postings.n > PART_MAX || w->docs > PART_MAX / 4) {
		w->is_full = true;
		return;
	}
	put_number(&w->postings, (uint32_t)w->list.n);
	li_octets_add(&w->postings, w->list.p, w->list.n);
}

size_t
li_writer_size(const struct li_writer *w)
{
	return sizeof(struct li_segment_head) + w->docs * 5UL + w->places.n +
	       w->text.n + w->postings.n;
}

/* Where the parts in front of the postings stand, from the header's end. */
struct layout {
	size_t uid, partial, places, sums, text, end;
	size_t place_count, sum_count;
};

static size_t
part(size_t *at, size_t n)
{
	size_t from = *at;

	*at = (from + n + 7) & ~(size_t)7;
	return from;
}

static void
lay_out(const struct li_segment_head *h, struct layout *l)
{
	size_t at = 0;

	l->place_count = ((size_t)h->terms + PLACE_TERMS - 1) / PLACE_TERMS;
	l->sum_count = ((size_t)h->postings + BLOCK - 1) / BLOCK;
	l->uid = part(&at, (size_t)h->docs * sizeof(uint32_t));
	l->partial = part(&at, h->docs);
	l->places = part(&at, l->place_count * sizeof(struct li_place));
	l->sums = part(&at, l->sum_count * sizeof(uint64_t));
	l->text = part(&at, h->text);
	l->end = at;
}

static uint64_t
head_sum(const struct li_segment_head *h)
{
	return li_hash(h, offsetof(struct li_segment_head, head_sum), MAGIC);
}

static uint64_t
block_sum(const unsigned char *postings, size_t n, size_t block)
{
	size_t at = block * BLOCK, left = n - at;

	return li_hash(postings + at, left < BLOCK ? left : BLOCK, block);
}

static int
write_all(int fd, const void *data, size_t n)
{
	const char *p = data;

	while (n > 0) {
		ssize_t put = write(fd, p, n);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return errno;
		p += put;
		n -= (size_t)put;
	}
	return 0;
}

static char *
make_front(const struct li_writer *w, const struct li_segment_head *h,
    const struct layout *l)
{
	char *front = li_memory(l->end);

	if (w->docs > 0) {
		memcpy(front + l->uid, w->uid, w->docs * sizeof(*w->uid));
		memcpy(front + l->partial, w->partial, w->docs);
	}
	if (w->places.n > 0)
		memcpy(front + l->places, w->places.p, w->places.n);
	for (size_t i = 0; i < l->sum_count; i++) {
		uint64_t sum = block_sum(w->postings.p, h->postings, i);

		memcpy(front + l->sums + i * sizeof(sum), &sum, sizeof(sum));
	}
	memcpy(front + l->text, w->text.p, w->text.n);
	return front;
}

static int
save(const struct li_writer *w, int fd, uint32_t uidvalidity, uint64_t version)
{
	struct li_segment_head h = { .magic = MAGIC,
		.version = version,
		.uidvalidity = uidvalidity,
		.docs = w->docs,
		.terms = w->terms,
		.text = (uint32_t)w->text.n,
		.postings = (uint32_t)w->postings.n };
	struct layout l;
	char *front;
	int e;

	lay_out(&h, &l);
	front = make_front(w, &h, &l);
	h.front_sum = li_hash(front, l.end, h.magic);
	h.head_sum = head_sum(&h);
	e = write_all(fd, &h, sizeof(h));
	if (e == 0)
		e = write_all(fd, front, l.end);
	if (e == 0)
		e = write_all(fd, w->postings.p, w->postings.n);
	free(front);
	return e;
}

int
li_writer_save(struct li_writer *w, int dirfd, const char *name,
    uint32_t uidvalidity, uint64_t version)
{
	int fd, e;

	if (w->is_full || w->postings.n > PART_MAX || w->text.n > PART_MAX)
		return EFBIG;
	fd = openat(dirfd, temp_name,
	    O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return errno;
	e = save(w, fd, uidvalidity, version);
	if (close(fd) < 0 && e == 0)
		e = errno;
	if (e == 0 && renameat(dirfd, temp_name, dirfd, name) < 0)
		e = errno;
	if (e != 0)
		(void)unlinkat(dirfd, temp_name, 0);
	return e;
}

/* --- reading -------------------------------------------------------------- */

/* 0, EBADMSG when there is less than that, or an errno. */
static int
read_at(int fd, void *to, size_t n, size_t at)
{
	char *p = to;

	while (n > 0) {
		ssize_t got = pread(fd, p, n, (off_t)at);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return errno;
		if (got == 0)
			return EBADMSG;
		p += got;
		at += (size_t)got;
		n -= (size_t)got;
	}
	return 0;
}

static int
read_head(struct li_segment *s, uint32_t uidvalidity, uint64_t version)
{
	struct li_segment_head *h = &s->head;
	int e = read_at(s->fd, h, sizeof(*h), 0);

	if (e != 0)
		return e;
	if (h->magic != MAGIC || h->head_sum != head_sum(h) || h->text == 0 ||
	    h->text > (uint32_t)PART_MAX || h->postings > PART_MAX ||
	    h->docs > PART_MAX / 4)
		return EBADMSG;
	if (h->uidvalidity != uidvalidity || h->version != version)
		return EINVAL;
	return 0;
}

static int
read_front(struct li_segment *s)
{
	struct layout l;
	struct stat st;
	int e;

	lay_out(&s->head, &l);
	if (fstat(s->fd, &st) < 0)
		return errno;
	s->postings_from = sizeof(s->head) + l.end;
	if (!S_ISREG(st.st_mode) ||
	    (uint64_t)st.st_size != s->postings_from + s->head.postings)
		return EBADMSG;
	s->front = li_more(NULL, l.end, 1);
	e = read_at(s->fd, s->front, l.end, sizeof(s->head));
	if (e != 0)
		return e;
	if (li_hash(s->front, l.end, s->head.magic) != s->head.front_sum)
		return EBADMSG;
	s->uid = (const uint32_t *)(const void *)(s->front + l.uid);
	s->partial = (const unsigned char *)s->front + l.partial;
	s->place = (const struct li_place *)(const void *)(s->front + l.places);
	s->places = l.place_count;
	s->sum = (const uint64_t *)(const void *)(s->front + l.sums);
	s->text = s->front + l.text;
	s->postings = li_more(NULL, s->head.postings, 1);
	s->have = li_memory(l.sum_count);
	return s->text[0] == '\0' && s->text[s->head.text - 1] == '\0'
		   ? 0
		   : EBADMSG;
}

static int
read_uids(struct li_segment *s)
{
	size_t n = (size_t)s->head.docs * sizeof(*s->uid);

	s->front = li_more(NULL, n, 1);
	s->uid = (const uint32_t *)(const void *)s->front;
	return read_at(s->fd, s->front, n, sizeof(s->head));
}

static int
open_segment(struct li_segment *s, int dirfd, const char *name,
    uint32_t uidvalidity, uint64_t version,
    int (*read_rest)(struct li_segment *))
{
	int e;

	*s = (struct li_segment){ 0 };
	s->fd = openat(
	    dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (s->fd < 0)
		return errno == ELOOP ? EBADMSG : errno;
	e = read_head(s, uidvalidity, version);
	if (e == 0)
		e = read_rest(s);
	if (e == EISDIR)
		e = EBADMSG;
	if (e != 0)
		li_segment_close(s);
	return e;
}

int
li_segment_open(struct li_segment *s, int dirfd, const char *name,
    uint32_t uidvalidity, uint64_t version)
{
	return open_segment(s, dirfd, name, uidvalidity, version, read_front);
}

int
li_segment_peek(struct li_segment *s, int dirfd, const char *name,
    uint32_t uidvalidity, uint64_t version)
{
	return open_segment(s, dirfd, name, uidvalidity, version, read_uids);
}

void
li_segment_close(struct li_segment *s)
{
	if (s->fd >= 0)
		(void)close(s->fd);
	free(s->front);
	free(s->postings);
	free(s->have);
	*s = (struct li_segment){ .fd = -1 };
}

/* Makes sure that `n` octets of postings at `at` are there and good. */
static bool
have_postings(struct li_segment *s, size_t at, size_t n)
{
	size_t last;

	if (n == 0 || at > s->head.postings || n > s->head.postings - at)
		return n == 0;
	last = (at + n - 1) / BLOCK;
	for (size_t i = at / BLOCK; i <= last; i++) {
		size_t from = i * BLOCK, left = s->head.postings - from;

		if (s->have[i])
			continue;
		if (read_at(s->fd, s->postings + from,
			left < BLOCK ? left : BLOCK,
			s->postings_from + from) != 0 ||
		    block_sum(s->postings, s->head.postings, i) != s->sum[i])
			return false;
		s->have[i] = 1;
	}
	return true;
}

/* Where the list at `at` begins behind its length, and that length. */
static bool
find_list(
    struct li_segment *s, uint32_t at, uint32_t *from_r, uint32_t *length_r)
{
	size_t left = at < s->head.postings ? s->head.postings - at : 0;
	const unsigned char *p = s->postings + at, *behind;

	if (left == 0 ||
	    !have_postings(s, at, left < VARINT_MAX ? left : VARINT_MAX))
		return false;
	behind = take_number(
	    p, p + (left < VARINT_MAX ? left : VARINT_MAX), length_r);
	if (behind == NULL || *length_r > left - (size_t)(behind - p))
		return false;
	*from_r = at + (uint32_t)(behind - p);
	return true;
}

static void
set_term(const struct li_segment *s, struct li_cursor *c, size_t text_at)
{
	const char *term = s->text + text_at;

	/* The last octet is a NUL. */
	c->term = text_at < s->head.text ? term : NULL;
	c->n = c->term != NULL ? strlen(term) : 0;
}

void
li_cursor_begin(const struct li_segment *s, struct li_cursor *c)
{
	*c = (struct li_cursor){ 0 };
	set_term(s, c, 1);
}

bool
li_cursor_next(struct li_segment *s, struct li_cursor *c)
{
	uint32_t from, length;

	if (!find_list(s, c->list_at, &from, &length))
		return false;
	c->list_at = from + length;
	c->number++;
	set_term(s, c, (size_t)(c->term - s->text) + c->n + 1);
	return true;
}

/* The last place that is not behind the octet. */
static size_t
find_place(const struct li_segment *s, size_t text_at)
{
	size_t low = 0, high = s->places;

	while (high - low > 1) {
		size_t mid = low + (high - low) / 2;

		if (s->place[mid].text_at <= text_at)
			low = mid;
		else
			high = mid;
	}
	return low;
}

bool
li_cursor_skip(struct li_segment *s, struct li_cursor *c, size_t text_at)
{
	size_t place = find_place(s, text_at);

	if (place > c->number / PLACE_TERMS) {
		c->number = (uint32_t)(place * PLACE_TERMS);
		c->list_at = s->place[place].postings_at;
		set_term(s, c, s->place[place].text_at);
	}
	while (c->term != NULL && (size_t)(c->term - s->text) + c->n < text_at)
		if (!li_cursor_next(s, c))
			return false;
	return c->term != NULL;
}

bool
li_segment_docs(
    struct li_segment *s, const struct li_cursor *c, li_doc_fn fn, void *arg)
{
	uint32_t at, length, doc = 0, value;
	const unsigned char *p, *end;

	if (!find_list(s, c->list_at, &at, &length) ||
	    !have_postings(s, at, length))
		return false;
	p = s->postings + at;
	for (end = p + length; p < end; doc++) {
		p = take_number(p, end, &value);
		if (p == NULL || value >> 2 >= s->head.docs ||
		    (doc += value >> 2) >= s->head.docs)
			return false;
		fn(arg, doc, value & 3);
	}
	return true;
}
