/*
 * base/trail_file.c - the files of a trail: see trail_file.h.
 *
 *	file	"PstTrl 1", u64 time; then events
 *	event	u32 checksum of all that follows, u32 octets of texts, u64 time;
 *		texts, each ended by a NUL: id, word, key, value, key, value ...
 *	index	INDEX_HEAD octets: "PstIdx 1", u64 octets of the file, u64 time
 *of the first event and of the last, u32 blocks, u32 checksum; then blocks of
 *BLOCK octets: u32 checksum of all that follows, u32 entries; entries of u32
 *hash, u32 place, ascending
 *
 * Numbers have their lowest octet first.
 */
#include "base/trail_file.h"

#include "base/str.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

enum {
	INDEX_HEAD = 40,
	BLOCK = 4096,
	ENTRIES = (BLOCK - 8) / 8, /* of a block */
	FILE_MAX = 64 << 20,	   /* no file of ours is larger */
	TERMS = 16,		   /* of an event */
};

static const char file_magic[8] = "PstTrl 1", index_magic[8] = "PstIdx 1";

/* --- numbers and checksums ------------------------------------------------
 */

static void
put32(unsigned char *p, uint32_t v)
{
	for (size_t i = 0; i < 4; i++)
		p[i] = (unsigned char)(v >> 8 * i);
}

static void
put64(unsigned char *p, uint64_t v)
{
	put32(p, (uint32_t)v);
	put32(p + 4, (uint32_t)(v >> 32));
}

static uint32_t
get32(const void *at)
{
	const unsigned char *p = at;

	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	       (uint32_t)p[3] << 24;
}

static uint64_t
get64(const void *at)
{
	return get32(at) | (uint64_t)get32((const char *)at + 4) << 32;
}

static uint32_t
checksum(uint32_t crc, const void *p, size_t n)
{
	return (uint32_t)crc32_z(crc, p, n);
}

static enum pst_rc
failed(struct pst_error *err, const char *what)
{
	return pst_fail(
	    err, PST_E_TEMP, errno, "trail: %s: %s", what, strerror(errno));
}

/* --- events ---------------------------------------------------------------
 */

const char *
trail_value(const struct trail_event *e, const char *key)
{
	for (size_t i = 0; i < e->pairs; i++)
		if (strcmp(e->pair[i].key, key) == 0)
			return e->pair[i].value;
	return NULL;
}

void
trail_put_head(unsigned char head[TRAIL_HEAD], int64_t now)
{
	memcpy(head, file_magic, sizeof(file_magic));
	put64(head + 8, (uint64_t)now);
}

void
trail_put_event(
    unsigned char head[TRAIL_EVENT_HEAD], int64_t now, struct pst_str text)
{
	put32(head + 4, (uint32_t)text.n);
	put64(head + 8, (uint64_t)now);
	put32(head, checksum(checksum(0, head + 4, 12), text.p, text.n));
}

/* The text at *at, with its NUL. */
static const char *
next_text(struct pst_str texts, size_t *at)
{
	const char *p = texts.p + *at;
	const char *end;

	if (*at >= texts.n)
		return NULL;
	end = memchr(p, '\0', texts.n - *at);
	if (end == NULL)
		return NULL;
	*at += (size_t)(end - p) + 1;
	return p;
}

/* False: not what trail_event() writes. */
static bool
split(struct pst_str texts, struct trail_event *e)
{
	const char *key, *value;
	size_t at = 0;

	e->pairs = 0;
	e->id = next_text(texts, &at);
	e->event = next_text(texts, &at);
	if (e->id == NULL || e->event == NULL)
		return false;
	while ((key = next_text(texts, &at)) != NULL) {
		value = next_text(texts, &at);
		if (value == NULL || e->pairs == TRAIL_PAIRS)
			return false;
		e->pair[e->pairs].key = key;
		e->pair[e->pairs++].value = value;
	}
	return at == texts.n;
}

enum trail_read
trail_take(struct pst_str in, size_t *at, struct trail_event *e_r)
{
	struct pst_str all = str_from(in, *at), texts;
	uint32_t n;

	if (all.n < TRAIL_EVENT_HEAD)
		return TRAIL_END;
	n = get32(all.p + 4);
	if (n > TRAIL_EVENT_MAX || n > all.n - TRAIL_EVENT_HEAD)
		return TRAIL_END;
	texts = str_n(all.p + TRAIL_EVENT_HEAD, n);
	e_r->time = (int64_t)get64(all.p + 8);
	e_r->place = *at;
	*at += TRAIL_EVENT_HEAD + n;
	if (checksum(checksum(0, all.p + 4, 12), texts.p, texts.n) !=
	    get32(all.p))
		return TRAIL_DAMAGED;
	return split(texts, e_r) ? TRAIL_EVENT : TRAIL_DAMAGED;
}

/* --- terms ----------------------------------------------------------------
 */

static bool
is_one_of(const char *const *names, const char *name)
{
	for (; *names != NULL; names++)
		if (strcmp(*names, name) == 0)
			return true;
	return false;
}

/* FNV-1a, without case. */
static uint32_t
hash_of(const char *key, const char *value)
{
	uint32_t h = 2166136261U;

	for (const char *p = key != NULL ? key : ""; *p != '\0'; p++)
		h = (h ^ (unsigned char)*p) * 16777619U;
	h *= 16777619U;
	for (const char *p = value; *p != '\0'; p++)
		h = (h ^ (unsigned char)ascii_lower(*p)) * 16777619U;
	return h;
}

/* The terms of an event, ids first. */
static size_t
terms_of(const struct trail_event *e, const struct trail_keys *keys,
    struct trail_term out[TERMS])
{
	size_t n = 0;

	out[n++] = (struct trail_term){ NULL, e->id };
	for (size_t i = 0; i < e->pairs && n < TERMS; i++) {
		const char *key = e->pair[i].key;

		if (is_one_of(keys->links, key))
			out[n++] = (struct trail_term){ NULL,
				e->pair[i].value };
		else if (is_one_of(keys->terms, key))
			out[n++] = (struct trail_term){ key, e->pair[i].value };
	}
	return n;
}

static bool
is_same(const struct trail_term *a, const struct trail_term *b)
{
	if ((a->key == NULL) != (b->key == NULL) ||
	    (a->key != NULL && strcmp(a->key, b->key) != 0))
		return false;
	return str_eq_case(str_of(a->value), str_of(b->value));
}

static bool
has_any(const struct trail_event *e, const struct trail_keys *keys,
    const struct trail_term *term, size_t terms)
{
	struct trail_term own[TERMS];
	size_t n = terms_of(e, keys, own);

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < terms; k++)
			if (is_same(&own[i], &term[k]))
				return true;
	return false;
}

/* --- whole files ----------------------------------------------------------
 */

void
trail_file_name(uint32_t number, const char *suffix, char name[32])
{
	(void)snprintf(name, 32, "%08x.%s", number, suffix);
}

static int
by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

uint32_t *
trail_files(int dir_fd, size_t *n_r)
{
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	uint32_t *all = NULL;
	struct dirent *entry;
	size_t cap = 0;

	*n_r = 0;
	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		char name[32], *end;
		unsigned long number = strtoul(entry->d_name, &end, 16);

		trail_file_name((uint32_t)number, "trail", name);
		if (strcmp(name, entry->d_name) != 0)
			continue;
		mem_grow(&all, &cap, *n_r + 1, sizeof(*all));
		all[(*n_r)++] = (uint32_t)number;
	}
	if (dir != NULL)
		(void)closedir(dir);
	else if (fd >= 0)
		(void)close(fd);
	if (*n_r > 1)
		qsort(all, *n_r, sizeof(*all), by_number);
	return all;
}

/* On the heap; NULL with errno: it cannot be read, or is none of ours. */
static char *
read_file(int fd, size_t *n_r)
{
	struct stat st;
	char *all;

	errno = EINVAL;
	if (fstat(fd, &st) < 0 || st.st_size < TRAIL_HEAD ||
	    st.st_size > FILE_MAX)
		return NULL;
	all = mem_alloc((size_t)st.st_size);
	if (pread(fd, all, (size_t)st.st_size, 0) == (ssize_t)st.st_size &&
	    memcmp(all, file_magic, sizeof(file_magic)) == 0) {
		*n_r = (size_t)st.st_size;
		return all;
	}
	free(all);
	return NULL;
}

int64_t
trail_end(int fd, int64_t *began_r)
{
	struct trail_event *e = mem_alloc(sizeof(*e));
	size_t n = 0, at = TRAIL_HEAD;
	char *all = read_file(fd, &n);
	int64_t end = -1;

	if (all != NULL) {
		while (trail_take(str_n(all, n), &at, e) != TRAIL_END)
			;
		*began_r = (int64_t)(get64(all + 8) / 1000000);
		end = (int64_t)at;
	}
	free(all);
	free(e);
	return end;
}

static int
open_file(int dir_fd, uint32_t number, const char *suffix)
{
	char name[32];

	trail_file_name(number, suffix, name);
	return openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
}

/* --- making an index ------------------------------------------------------
 */

struct entries {
	uint64_t *v; /* hash and place, in this order */
	size_t n, cap;
	int64_t first, last;
};

static void
gather(struct pst_str in, const struct trail_keys *keys, struct entries *all)
{
	struct trail_event *e = mem_alloc(sizeof(*e));
	size_t at = TRAIL_HEAD;
	enum trail_read got;

	while ((got = trail_take(in, &at, e)) != TRAIL_END) {
		struct trail_term term[TERMS];
		size_t n;

		if (got == TRAIL_DAMAGED)
			continue;
		n = terms_of(e, keys, term);
		mem_grow(&all->v, &all->cap, all->n + n, sizeof(*all->v));
		for (size_t i = 0; i < n; i++)
			all->v[all->n++] =
			    (uint64_t)hash_of(term[i].key, term[i].value)
				<< 32 |
			    (uint32_t)e->place;
		if (all->first == 0)
			all->first = e->time;
		all->last = e->time > all->last ? e->time : all->last;
	}
	free(e);
}

static int
by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static bool
write_index(int fd, const struct entries *all, size_t octets)
{
	size_t blocks = (all->n + ENTRIES - 1) / ENTRIES;
	unsigned char head[INDEX_HEAD], block[BLOCK];
	bool ok;

	memcpy(head, index_magic, sizeof(index_magic));
	put64(head + 8, octets);
	put64(head + 16, (uint64_t)all->first);
	put64(head + 24, (uint64_t)all->last);
	put32(head + 32, (uint32_t)blocks);
	put32(head + 36, checksum(0, head, 36));
	ok = write(fd, head, sizeof(head)) == (ssize_t)sizeof(head);
	for (size_t i = 0; i < all->n && ok; i += ENTRIES) {
		size_t n = all->n - i < ENTRIES ? all->n - i : ENTRIES;

		memset(block, 0, sizeof(block));
		put32(block + 4, (uint32_t)n);
		for (size_t k = 0; k < n; k++) {
			put32(
			    block + 8 + 8 * k, (uint32_t)(all->v[i + k] >> 32));
			put32(block + 12 + 8 * k, (uint32_t)all->v[i + k]);
		}
		put32(block, checksum(0, block + 4, BLOCK - 4));
		ok = write(fd, block, sizeof(block)) == (ssize_t)sizeof(block);
	}
	return ok;
}

enum pst_rc
trail_make_index(int dir_fd, uint32_t number, const struct trail_keys *keys,
    struct pst_error *err)
{
	int fd = open_file(dir_fd, number, "trail"), out;
	char name[32], made[32], *text;
	struct entries all = { 0 };
	size_t n = 0;
	bool ok;

	text = fd >= 0 ? read_file(fd, &n) : NULL;
	if (fd >= 0)
		(void)close(fd);
	if (text == NULL)
		return failed(err, "cannot read a file");
	gather(str_n(text, n), keys, &all);
	free(text);
	if (all.n > 1)
		qsort(all.v, all.n, sizeof(*all.v), by_value);
	trail_file_name(number, "new", made);
	trail_file_name(number, "index", name);
	out = openat(
	    dir_fd, made, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	ok = out >= 0 && write_index(out, &all, n);
	if (out >= 0)
		(void)close(out);
	free(all.v);
	if (ok && renameat(dir_fd, made, dir_fd, name) == 0)
		return PST_OK;
	return failed(err, "cannot write an index");
}

/* --- searching ------------------------------------------------------------
 */

struct search {
	const struct trail_keys *keys;
	const struct trail_term *term;
	size_t terms;
	int64_t since, until;
	bool (*fn)(void *arg, const struct trail_event *e);
	void *arg;
	struct trail_event *event;
	uint32_t *place; /* of events that may fit */
	size_t places, cap;
};

enum verdict { USE, SKIP, SCAN };

/* Is the index of use, is the file? */
static enum verdict
look_at_index(int fd, const struct search *s, size_t octets, size_t *blocks_r)
{
	unsigned char head[INDEX_HEAD];

	if (pread(fd, head, sizeof(head), 0) != (ssize_t)sizeof(head) ||
	    memcmp(head, index_magic, sizeof(index_magic)) != 0 ||
	    get32(head + 36) != checksum(0, head, 36) ||
	    get64(head + 8) != octets)
		return SCAN;
	*blocks_r = get32(head + 32);
	if ((int64_t)get64(head + 24) < s->since ||
	    (int64_t)get64(head + 16) >= s->until)
		return SKIP;
	return USE;
}

/* False: it is damaged. */
static bool
read_block(int fd, size_t which, unsigned char block[BLOCK], size_t *n_r)
{
	if (pread(fd, block, BLOCK,
		(off_t)(INDEX_HEAD + (uint64_t)which * BLOCK)) != BLOCK ||
	    get32(block) != checksum(0, block + 4, BLOCK - 4))
		return false;
	*n_r = get32(block + 4);
	return *n_r > 0 && *n_r <= ENTRIES;
}

static uint32_t
hash_at(const unsigned char *block, size_t i)
{
	return get32(block + 8 + 8 * i);
}

/* The first block that ends with `hash` or a larger one. */
static bool
find_block(int fd, size_t blocks, uint32_t hash, size_t *which_r)
{
	size_t low = 0, high = blocks, n;
	unsigned char block[BLOCK];

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (!read_block(fd, middle, block, &n))
			return false;
		if (hash_at(block, n - 1) < hash)
			low = middle + 1;
		else
			high = middle;
	}
	*which_r = low;
	return true;
}

static bool
look_up(int fd, size_t blocks, uint32_t hash, struct search *s)
{
	unsigned char block[BLOCK];
	size_t which, n;

	if (!find_block(fd, blocks, hash, &which))
		return false;
	for (; which < blocks; which++) {
		if (!read_block(fd, which, block, &n))
			return false;
		for (size_t i = 0; i < n; i++) {
			if (hash_at(block, i) > hash)
				return true;
			if (hash_at(block, i) < hash)
				continue;
			mem_grow(&s->place, &s->cap, s->places + 1,
			    sizeof(*s->place));
			s->place[s->places++] = get32(block + 12 + 8 * i);
		}
	}
	return true;
}

/* False: the caller of the search has enough. */
static bool
tell(struct search *s, uint32_t number)
{
	struct trail_event *e = s->event;

	if (e->time < s->since || e->time >= s->until ||
	    !has_any(e, s->keys, s->term, s->terms))
		return true;
	e->place |= (uint64_t)number << 32;
	return s->fn(s->arg, e);
}

static bool
tell_at(struct search *s, int fd, uint32_t number, uint32_t place)
{
	char *text = mem_alloc(TRAIL_EVENT_HEAD + TRAIL_EVENT_MAX);
	ssize_t got = pread(fd, text, 4096, place);
	size_t at = 0, need;
	bool more = true;

	if (got >= TRAIL_EVENT_HEAD) {
		need = TRAIL_EVENT_HEAD + (size_t)get32(text + 4);
		if (need > (size_t)got && got == 4096 &&
		    need <= TRAIL_EVENT_HEAD + TRAIL_EVENT_MAX)
			got = pread(fd, text, need, place);
	}
	if (got > 0 && trail_take(str_n(text, (size_t)got), &at, s->event) ==
			   TRAIL_EVENT) {
		s->event->place = place;
		more = tell(s, number);
	}
	free(text);
	return more;
}

static int
by_place(const void *a, const void *b)
{
	return by_number(a, b);
}

static bool
tell_places(struct search *s, int fd, uint32_t number)
{
	bool more = true;

	if (s->places > 1)
		qsort(s->place, s->places, sizeof(*s->place), by_place);
	for (size_t i = 0; i < s->places && more; i++)
		if (i == 0 || s->place[i] != s->place[i - 1])
			more = tell_at(s, fd, number, s->place[i]);
	return more;
}

static bool
scan(struct search *s, int fd, uint32_t number)
{
	size_t n = 0, at = TRAIL_HEAD;
	char *all = read_file(fd, &n);
	enum trail_read got = TRAIL_END;
	bool more = true;

	while (all != NULL && more &&
	       (got = trail_take(str_n(all, n), &at, s->event)) != TRAIL_END)
		if (got == TRAIL_EVENT)
			more = tell(s, number);
	free(all);
	return more;
}

static bool
search_file(struct search *s, int dir_fd, uint32_t number)
{
	int fd = open_file(dir_fd, number, "trail");
	int index = open_file(dir_fd, number, "index");
	enum verdict verdict = SCAN;
	struct stat st;
	size_t blocks;
	bool more = true;

	s->places = 0;
	if (fd >= 0 && index >= 0 && fstat(fd, &st) == 0)
		verdict = look_at_index(index, s, (size_t)st.st_size, &blocks);
	for (size_t i = 0; i < s->terms && verdict == USE; i++)
		if (!look_up(index, blocks,
			hash_of(s->term[i].key, s->term[i].value), s))
			verdict = SCAN;
	if (index >= 0)
		(void)close(index);
	if (fd < 0)
		return true; /* it has just been removed */
	if (verdict == USE)
		more = tell_places(s, fd, number);
	else if (verdict == SCAN)
		more = scan(s, fd, number);
	(void)close(fd);
	return more;
}

enum pst_rc
trail_search(const char *path, const struct trail_keys *keys,
    const struct trail_term *term, size_t terms, int64_t since, int64_t until,
    bool (*fn)(void *arg, const struct trail_event *e), void *arg,
    struct pst_error *err)
{
	int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct search s = { .keys = keys,
		.term = term,
		.terms = terms,
		.since = since,
		.until = until,
		.fn = fn,
		.arg = arg };
	uint32_t *file;
	bool more = true;
	size_t n;

	if (dir < 0)
		return pst_fail(err, PST_E_NOTFOUND, errno, "%s: %s", path,
		    strerror(errno));
	s.event = mem_alloc(sizeof(*s.event));
	file = trail_files(dir, &n);
	for (size_t i = 0; i < n && more; i++)
		more = search_file(&s, dir, file[i]);
	free(file);
	free(s.place);
	free(s.event);
	(void)close(dir);
	return PST_OK;
}
