/*
 * cache.c - values by uid and kind in a file that only grows: a header, then
 * records, then, when it was closed well, a map of them and a trailer, so that
 * opening it again reads the map alone. Without a map all records are walked
 * through. What nobody needs any more is dropped when the file is closed.
 *
 * Numbers are in the order of the machine: a file from another kind of machine
 * has another mark, and is begun anew like any damaged one.
 */
#include "localindex/cache.h"

#include "localindex/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define MARK_FILE UINT64_C(0x3145484341435350)
#define MARK_MAP UINT64_C(0x3150414d43545350)
#define NEW_FILE LI_CACHE_FILE ".new"

enum {
	FORMAT = 1,
	UNIT = 8,	      /* records begin at multiples of this */
	RUN_MAX = 65536,      /* read at once */
	GAP_MAX = 4096,	      /* skipped rather than read apart */
	CHUNK = 64,	      /* values looked up at once */
	WASTE_MIN = 65536,    /* octets that may be wasted in any case */
	MAPPED_MAX = 1 << 26, /* values in a map */
};

struct header {
	uint64_t mark;
	uint32_t format;
	uint32_t uidvalidity;
};

struct record {
	uint32_t size; /* octets of the value that follows */
	uint32_t uid;
	uint32_t kind;
	uint32_t check; /* of the three above, and of the place */
	uint64_t hash;	/* of the value, and of the three above */
};

struct mapped {
	uint32_t uid;
	uint32_t at; /* in units */
	uint32_t size;
	uint32_t kind;
};

struct trailer {
	uint64_t mark;
	uint64_t at; /* of the map */
	uint64_t n;  /* values in it */
	uint64_t hash;
};

/* Values of one kind by uid: an open hash table. */
struct slot {
	uint32_t uid; /* 0: free */
	uint32_t at;
	uint32_t size;
};

struct table {
	struct slot *slot;
	size_t n, cap; /* cap is a power of two, or 0 */
};

struct li_cache {
	const struct pst_host *host;
	int dirfd;
	uint32_t uidvalidity;
	char *where;

	/* Guards what follows; held for reading while the file is read. */
	pthread_rwlock_t lock;
	bool is_looked_for; /* the file was, when fd is -1 */
	bool is_dirty;	    /* it has no map of what it holds */
	int fd;
	uint64_t end;	/* of the records */
	uint64_t waste; /* octets of values that were replaced */
	struct table table[LI_KINDS];
};

/* --- memory --------------------------------------------------------------- */

static void *
get_memory(size_t n)
{
	void *p = calloc(1, n ? n : 1);

	if (p == NULL)
		abort(); /* nothing is lost: the mail is on the disk */
	return p;
}

static uint64_t
padded(uint64_t n)
{
	return (n + UNIT - 1) / UNIT * UNIT;
}

static uint64_t
span(uint32_t size)
{
	return sizeof(struct record) + padded(size);
}

/* --- the table ------------------------------------------------------------ */

static size_t
place_of(const struct table *t, uint32_t uid)
{
	size_t i = (uid * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (t->cap - 1);

	while (t->slot[i].uid != 0 && t->slot[i].uid != uid)
		i = (i + 1) & (t->cap - 1);
	return i;
}

static const struct slot *
find(const struct table *t, uint32_t uid)
{
	const struct slot *s = t->cap ? &t->slot[place_of(t, uid)] : NULL;

	return s != NULL && s->uid == uid && s->at != 0 ? s : NULL;
}

static void
grow(struct table *t, size_t want)
{
	struct table wide = { .n = t->n, .cap = t->cap ? t->cap : 64 };

	while (wide.cap < want * 2)
		wide.cap *= 2;
	if (wide.cap == t->cap)
		return;
	wide.slot = get_memory(wide.cap * sizeof(*wide.slot));
	for (size_t i = 0; i < t->cap; i++)
		if (t->slot[i].uid != 0)
			wide.slot[place_of(&wide, t->slot[i].uid)] = t->slot[i];
	free(t->slot);
	*t = wide;
}

static void
enter(struct li_cache *c, unsigned kind, struct slot new)
{
	struct table *t = &c->table[kind];
	struct slot *s;

	grow(t, t->n + 1);
	s = &t->slot[place_of(t, new.uid)];
	if (s->uid == 0)
		t->n++;
	else if (s->at != 0)
		c->waste += span(s->size);
	*s = new;
}

static void
forget_all(struct li_cache *c)
{
	for (unsigned k = 0; k < LI_KINDS; k++) {
		free(c->table[k].slot);
		c->table[k] = (struct table){ 0 };
	}
	c->waste = 0;
	c->end = padded(sizeof(struct header));
}

/* --- the file ------------------------------------------------------------- */

static bool
read_at(int fd, uint64_t at, void *to, size_t n)
{
	char *p = to;

	while (n > 0) {
		ssize_t got = pread(fd, p, n, (off_t)at);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		p += got;
		at += (uint64_t)got;
		n -= (size_t)got;
	}
	return true;
}

static bool
write_at(int fd, uint64_t at, const void *from, size_t n)
{
	const char *p = from;

	while (n > 0) {
		ssize_t put = pwrite(fd, p, n, (off_t)at);

		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return false;
		p += put;
		at += (uint64_t)put;
		n -= (size_t)put;
	}
	return true;
}

/* What is left behind if that fails is recognised when it is read. */
static void
cut(int fd, uint64_t size)
{
	if (ftruncate(fd, (off_t)size) < 0)
		return;
}

static uint32_t
check_of(const struct record *r, uint64_t at)
{
	return (uint32_t)li_hash(r, offsetof(struct record, check), at);
}

static uint64_t
hash_of(const struct record *r, const char *value)
{
	return li_hash(value, r->size, (uint64_t)r->uid << 32 | r->kind);
}

static bool
is_sound(const struct record *r, uint64_t at, uint64_t end)
{
	return r->uid != 0 && r->kind < LI_KINDS && r->size <= LI_VALUE_MAX &&
	       r->check == check_of(r, at) && span(r->size) <= end - at;
}

/* All records from the beginning to the first that is none. */
static void
walk(struct li_cache *c, uint64_t size)
{
	struct record r;

	while (c->end + sizeof(r) <= size && c->end / UNIT <= UINT32_MAX &&
	       read_at(c->fd, c->end, &r, sizeof(r)) &&
	       is_sound(&r, c->end, size)) {
		enter(c, r.kind,
		    (struct slot){ r.uid, (uint32_t)(c->end / UNIT), r.size });
		c->end += span(r.size);
	}
	c->is_dirty = true;
}

static uint64_t
hash_of_map(const struct trailer *t, const struct mapped *map, uint64_t end)
{
	return li_hash(map, t->n * sizeof(*map), t->at) ^ end;
}

static bool
take_map(struct li_cache *c, const struct trailer *t, const struct mapped *map)
{
	uint64_t used = 0;

	for (uint64_t i = 0; i < t->n; i++) {
		uint64_t at = (uint64_t)map[i].at * UNIT;

		if (map[i].uid == 0 || map[i].kind >= LI_KINDS || at < c->end ||
		    map[i].size > LI_VALUE_MAX ||
		    at + span(map[i].size) > t->at)
			return false;
		enter(c, map[i].kind,
		    (struct slot){ map[i].uid, map[i].at, map[i].size });
		used += span(map[i].size);
	}
	c->waste = used < t->at - c->end ? t->at - c->end - used : 0;
	c->end = t->at;
	return true;
}

/* False: there is no map that can be believed. */
static bool
read_map(struct li_cache *c, uint64_t size)
{
	struct trailer t;
	struct mapped *map;
	bool ok;

	if (size < c->end + sizeof(t) ||
	    !read_at(c->fd, size - sizeof(t), &t, sizeof(t)) ||
	    t.mark != MARK_MAP || t.at < c->end || t.at > size - sizeof(t) ||
	    t.n > MAPPED_MAX || t.n > (t.at - c->end) / sizeof(struct record) ||
	    t.n != (size - sizeof(t) - t.at) / sizeof(*map) ||
	    t.at + t.n * sizeof(*map) + sizeof(t) != size)
		return false;
	map = get_memory(t.n * sizeof(*map));
	ok = read_at(c->fd, t.at, map, t.n * sizeof(*map)) &&
	     t.hash == hash_of_map(&t, map, size) && take_map(c, &t, map);
	free(map);
	if (!ok)
		forget_all(c);
	return ok;
}

static bool
begin_file(const struct li_cache *c, int fd)
{
	const struct header h = { MARK_FILE, FORMAT, c->uidvalidity };

	return ftruncate(fd, 0) == 0 && write_at(fd, 0, &h, sizeof(h));
}

/* Begins anew with the file that is there. */
static void
begin_anew(struct li_cache *c, const char *why)
{
	if (why != NULL)
		c->host->log(PST_LOG_WARNING,
		    "%s/" LI_CACHE_FILE " is %s: it is made anew", c->where,
		    why);
	forget_all(c);
	c->is_dirty = false;
	if (!begin_file(c, c->fd)) {
		(void)close(c->fd);
		c->fd = -1;
	}
}

static void
read_file(struct li_cache *c)
{
	struct header h;
	struct stat st;

	forget_all(c);
	if (fstat(c->fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		(void)close(c->fd);
		c->fd = -1;
	} else if (st.st_size == 0) {
		begin_anew(c, NULL);
	} else if (!read_at(c->fd, 0, &h, sizeof(h)) || h.mark != MARK_FILE) {
		begin_anew(c, "damaged");
	} else if (h.format != FORMAT || h.uidvalidity != c->uidvalidity) {
		begin_anew(c, NULL);
	} else if (!read_map(c, (uint64_t)st.st_size)) {
		walk(c, (uint64_t)st.st_size);
	}
}

/* Wants the lock for writing. `make`: it is made when it is not there. */
static void
open_file(struct li_cache *c, bool make)
{
	const int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;

	if (c->fd >= 0 || (c->is_looked_for && !make))
		return;
	c->is_looked_for = true;
	c->fd = openat(
	    c->dirfd, LI_CACHE_FILE, flags | (make ? O_CREAT : 0), 0600);
	if (c->fd >= 0)
		read_file(c);
}

/* --- closing -------------------------------------------------------------- */

static size_t
count_values(const struct li_cache *c)
{
	size_t n = 0;

	for (unsigned k = 0; k < LI_KINDS; k++)
		n += c->table[k].n;
	return n;
}

static int
compare_places(const void *a, const void *b)
{
	const struct mapped *x = a, *y = b;

	return x->at < y->at ? -1 : x->at > y->at;
}

/* What is in the tables, by place. The caller frees. */
static struct mapped *
list_values(const struct li_cache *c, size_t *n_r)
{
	struct mapped *map = get_memory(count_values(c) * sizeof(*map));
	size_t n = 0;

	for (unsigned k = 0; k < LI_KINDS; k++)
		for (size_t i = 0; i < c->table[k].cap; i++) {
			const struct slot *s = &c->table[k].slot[i];

			if (s->uid != 0 && s->at != 0)
				map[n++] = (struct mapped){ s->uid, s->at,
					s->size, k };
		}
	qsort(map, n, sizeof(*map), compare_places);
	*n_r = n;
	return map;
}

static bool
write_map(int fd, uint64_t at, const struct mapped *map, size_t n)
{
	uint64_t size = at + n * sizeof(*map) + sizeof(struct trailer);
	struct trailer t = { .mark = MARK_MAP, .at = at, .n = n };

	t.hash = hash_of_map(&t, map, size);
	return ftruncate(fd, (off_t)at) == 0 &&
	       write_at(fd, at, map, n * sizeof(*map)) &&
	       write_at(fd, size - sizeof(t), &t, sizeof(t));
}

/* Copies a record to the end of another file. */
static bool
copy_record(const struct li_cache *c, const struct mapped *from, int fd,
    uint64_t to, char *memory)
{
	uint64_t at = (uint64_t)from->at * UNIT;
	size_t n = (size_t)span(from->size);
	struct record r;

	if (!read_at(c->fd, at, memory, n))
		return false;
	memcpy(&r, memory, sizeof(r));
	if (!is_sound(&r, at, at + n) || r.uid != from->uid ||
	    r.kind != from->kind || r.size != from->size)
		return false;
	r.check = check_of(&r, to);
	memcpy(memory, &r, sizeof(r));
	return write_at(fd, to, memory, n);
}

/* Writes the live values to a new file that takes the place of the old one. */
static void
compact(struct li_cache *c, struct mapped *map, size_t n)
{
	const int flags = O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW;
	int fd = openat(c->dirfd, NEW_FILE, flags, 0600);
	char *memory = get_memory((size_t)span(LI_VALUE_MAX));
	uint64_t end = padded(sizeof(struct header));
	bool ok = fd >= 0 && begin_file(c, fd);
	size_t kept = 0;

	for (size_t i = 0; ok && i < n; i++) {
		if (!copy_record(c, &map[i], fd, end, memory))
			continue;
		map[kept] = map[i];
		map[kept++].at = (uint32_t)(end / UNIT);
		end += span(map[i].size);
	}
	ok = ok && write_map(fd, end, map, kept);
	if (fd >= 0)
		(void)close(fd);
	if (!ok || renameat(c->dirfd, NEW_FILE, c->dirfd, LI_CACHE_FILE) < 0)
		(void)unlinkat(c->dirfd, NEW_FILE, 0);
	free(memory);
}

/* Takes out what is not live; the octets that remain. */
static uint64_t
keep_live(struct mapped *map, size_t *n,
    bool (*is_live)(const void *arg, uint32_t uid), const void *arg)
{
	uint64_t octets = 0;
	size_t kept = 0;

	for (size_t i = 0; i < *n; i++)
		if (is_live(arg, map[i].uid)) {
			octets += span(map[i].size);
			map[kept++] = map[i];
		}
	*n = kept;
	return octets;
}

static void
close_file(struct li_cache *c, bool (*is_live)(const void *arg, uint32_t uid),
    const void *arg, size_t live)
{
	struct mapped *map;
	size_t n, all;
	uint64_t used;
	bool crowded = false;

	for (unsigned k = 0; k < LI_KINDS && is_live != NULL; k++)
		crowded |= c->table[k].n / 2 > live + CHUNK;
	if (!c->is_dirty && !crowded)
		return;
	map = list_values(c, &n);
	all = n;
	used = is_live != NULL ? keep_live(map, &n, is_live, arg) : c->end;
	if (c->end > used + used / 2 + WASTE_MIN) {
		compact(c, map, n);
	} else if (c->is_dirty) {
		if (n < all) { /* the others stay for now */
			free(map);
			map = list_values(c, &n);
		}
		if (!write_map(c->fd, c->end, map, n))
			cut(c->fd, c->end);
	}
	free(map);
}

struct li_cache *
li_cache_new(const struct pst_host *host, int dirfd, uint32_t uidvalidity,
    const char *where)
{
	struct li_cache *c = get_memory(sizeof(*c));

	c->host = host;
	c->dirfd = dirfd;
	c->uidvalidity = uidvalidity;
	c->where = get_memory(strlen(where) + 1);
	memcpy(c->where, where, strlen(where));
	c->fd = -1;
	(void)pthread_rwlock_init(&c->lock, NULL);
	return c;
}

void
li_cache_free(struct li_cache **cp,
    bool (*is_live)(const void *arg, uint32_t uid), const void *arg,
    size_t live)
{
	struct li_cache *c = *cp;

	*cp = NULL;
	if (c == NULL)
		return;
	if (c->fd >= 0) {
		close_file(c, is_live, arg, live);
		(void)close(c->fd);
	}
	forget_all(c);
	(void)pthread_rwlock_destroy(&c->lock);
	free(c->where);
	free(c);
}

/* --- get ------------------------------------------------------------------ */

/* Values that lie close together, read at once. */
struct run {
	struct slot slot[CHUNK];
	size_t n;
	char *memory;
	size_t cap;
	uint64_t at; /* of what is in memory */
	bool is_read;
};

static uint64_t
slot_end(const struct slot *s)
{
	return (uint64_t)s->at * UNIT + span(s->size);
}

/*
 * Looks up values from `uids` until the next one lies elsewhere, and reads
 * them. Returns how many uids were looked at.
 */
static size_t
read_run(struct li_cache *c, const struct table *t, const uint32_t *uids,
    size_t n, struct run *run)
{
	uint64_t end = 0, octets;
	size_t i;

	run->n = 0;
	run->is_read = true;
	for (i = 0; i < n && run->n < CHUNK; i++) {
		const struct slot *s = find(t, uids[i]);
		uint64_t at;

		if (s == NULL)
			continue;
		at = (uint64_t)s->at * UNIT;
		if (run->n == 0)
			run->at = at;
		else if (at < end || at - end > GAP_MAX ||
			 slot_end(s) - run->at > RUN_MAX)
			break;
		run->slot[run->n++] = *s;
		end = slot_end(s);
	}
	if (run->n == 0)
		return i;
	octets = end - run->at;
	if (octets > run->cap) {
		free(run->memory);
		run->cap = octets > RUN_MAX ? (size_t)octets : RUN_MAX;
		run->memory = get_memory(run->cap);
	}
	run->is_read = read_at(c->fd, run->at, run->memory, (size_t)octets);
	return i;
}

/* False: what is there is not what was written. */
static bool
give(const struct run *run, const struct slot *s, unsigned kind,
    pst_cached_fn fn, void *arg)
{
	uint64_t at = (uint64_t)s->at * UNIT;
	const char *p = run->memory + (at - run->at);
	struct pst_cached value = { .uid = s->uid };
	struct record r;

	if (!run->is_read)
		return false;
	memcpy(&r, p, sizeof(r));
	value.value = (struct pst_str){ p + sizeof(r), r.size };
	if (r.size != s->size || r.uid != s->uid || r.kind != kind ||
	    r.hash != hash_of(&r, value.value.p))
		return false;
	fn(arg, &value);
	return true;
}

/* Somebody wrote to the file: nothing of it is believed any more. */
static void
damaged(struct li_cache *c)
{
	(void)pthread_rwlock_wrlock(&c->lock);
	if (c->fd >= 0)
		begin_anew(c, "damaged");
	(void)pthread_rwlock_unlock(&c->lock);
}

void
li_cache_get(struct li_cache *c, unsigned kind, const uint32_t *uids, size_t n,
    pst_cached_fn fn, void *arg)
{
	struct run run = { .n = 0 };
	bool sound = true;

	if (kind >= LI_KINDS)
		return;
	(void)pthread_rwlock_rdlock(&c->lock);
	if (!c->is_looked_for) {
		(void)pthread_rwlock_unlock(&c->lock);
		(void)pthread_rwlock_wrlock(&c->lock);
		open_file(c, false);
		(void)pthread_rwlock_unlock(&c->lock);
		(void)pthread_rwlock_rdlock(&c->lock);
	}
	while (n > 0 && sound) {
		size_t done = read_run(c, &c->table[kind], uids, n, &run);

		/* What was read is ours: others need not wait. */
		(void)pthread_rwlock_unlock(&c->lock);
		for (size_t i = 0; i < run.n && sound; i++)
			sound = give(&run, &run.slot[i], kind, fn, arg);
		(void)pthread_rwlock_rdlock(&c->lock);
		uids += done;
		n -= done;
	}
	(void)pthread_rwlock_unlock(&c->lock);
	free(run.memory);
	if (!sound)
		damaged(c);
}

/* --- put ------------------------------------------------------------------ */

static bool
is_kept(const struct pst_cached *v)
{
	return v->uid != 0 && v->value.n <= LI_VALUE_MAX;
}

/* The records as they will stand at `at`. */
static void
write_records(char *p, uint64_t at, unsigned kind,
    const struct pst_cached *values, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct pst_cached *v = &values[i];
		struct record r;

		if (!is_kept(v))
			continue;
		r = (struct record){
			.size = (uint32_t)v->value.n,
			.uid = v->uid,
			.kind = kind,
		};
		r.check = check_of(&r, at);
		r.hash = hash_of(&r, v->value.p);
		memcpy(p, &r, sizeof(r));
		if (v->value.n > 0)
			memcpy(p + sizeof(r), v->value.p, v->value.n);
		p += span(r.size);
		at += span(r.size);
	}
}

static void
enter_all(struct li_cache *c, unsigned kind, const struct pst_cached *values,
    size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint32_t size = (uint32_t)values[i].value.n;

		if (!is_kept(&values[i]))
			continue;
		enter(c, kind,
		    (struct slot){
			values[i].uid, (uint32_t)(c->end / UNIT), size });
		c->end += span(size);
	}
}

/* Cuts the map off before the records behind it grow. */
static bool
make_dirty(struct li_cache *c)
{
	if (c->fd < 0 || c->is_dirty)
		return c->fd >= 0;
	c->is_dirty = ftruncate(c->fd, (off_t)c->end) == 0;
	return c->is_dirty;
}

void
li_cache_put(struct li_cache *c, unsigned kind, const struct pst_cached *values,
    size_t n)
{
	size_t octets = 0;
	char *records;

	for (size_t i = 0; i < n; i++)
		if (is_kept(&values[i]))
			octets += (size_t)span((uint32_t)values[i].value.n);
	if (octets == 0 || kind >= LI_KINDS)
		return;
	records = get_memory(octets);
	(void)pthread_rwlock_wrlock(&c->lock);
	open_file(c, true);
	if (make_dirty(c) && (c->end + octets) / UNIT <= UINT32_MAX) {
		write_records(records, c->end, kind, values, n);
		if (write_at(c->fd, c->end, records, octets))
			enter_all(c, kind, values, n);
		else /* a full disk: the values are worked out again */
			cut(c->fd, c->end);
	}
	(void)pthread_rwlock_unlock(&c->lock);
	free(records);
}
