/*
 * mailbox/due.c - a hash table with open addressing, and its file:
 *
 *     postern-due 1 RULES
 *     HASH SECONDS
 *     ...
 *     end
 *
 * A table without its end is not believed.
 */
#include "mailbox/due.h"

#include "base/str.h"
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FIRST = 64, LINE = 80 };

struct entry {
	uint64_t hash; /* 0: free */
	int64_t when;
};

struct due {
	pthread_mutex_t lock; /* guards the following */
	struct entry *entry;
	uint8_t *seen; /* in this sweep */
	size_t cap, n;
};

uint64_t
due_hash(struct pst_str s, uint64_t start)
{
	uint64_t h = start != 0 ? start : 1469598103934665603U;

	for (size_t i = 0; i < s.n; i++)
		h = (h ^ (unsigned char)s.p[i]) * 1099511628211U;
	/* The low bits choose the place. */
	h ^= h >> 32;
	return h != 0 ? h : 1;
}

struct due *
due_new(void)
{
	struct due *d = mem_alloc(sizeof(*d));

	pthread_mutex_init(&d->lock, NULL);
	return d;
}

void
due_free(struct due **dp)
{
	struct due *d = *dp;

	*dp = NULL;
	if (d == NULL)
		return;
	pthread_mutex_destroy(&d->lock);
	free(d->entry);
	free(d->seen);
	free(d);
}

/* The entry of `hash`, or the free one where it belongs. */
static size_t
place_of(const struct due *d, uint64_t hash)
{
	size_t at = hash & (d->cap - 1);

	while (d->entry[at].hash != 0 && d->entry[at].hash != hash)
		at = (at + 1) & (d->cap - 1);
	return at;
}

static void
resize(struct due *d, size_t cap, bool only_seen)
{
	struct due old = *d;

	d->entry = mem_array(cap, sizeof(*d->entry));
	d->seen = mem_array(cap, 1);
	d->cap = cap;
	d->n = 0;
	for (size_t i = 0; i < old.cap; i++) {
		size_t at;

		if (old.entry[i].hash == 0 || (only_seen && !old.seen[i]))
			continue;
		at = place_of(d, old.entry[i].hash);
		d->entry[at] = old.entry[i];
		d->seen[at] = old.seen[i];
		d->n++;
	}
	free(old.entry);
	free(old.seen);
}

static void
set(struct due *d, uint64_t hash, int64_t when)
{
	size_t at;

	if (d->n * 4 >= d->cap * 3)
		resize(d, d->cap != 0 ? d->cap * 2 : FIRST, false);
	at = place_of(d, hash);
	d->n += d->entry[at].hash == 0;
	d->entry[at] = (struct entry){ hash, when };
	d->seen[at] = 1;
}

int64_t
due_get(struct due *d, const char *id)
{
	uint64_t hash = due_hash(str_of(id), 0);
	int64_t when = INT64_MIN;

	pthread_mutex_lock(&d->lock);
	if (d->cap > 0) {
		size_t at = place_of(d, hash);

		if (d->entry[at].hash != 0) {
			when = d->entry[at].when;
			d->seen[at] = 1;
		}
	}
	pthread_mutex_unlock(&d->lock);
	return when;
}

void
due_set(struct due *d, const char *id, int64_t when)
{
	pthread_mutex_lock(&d->lock);
	set(d, due_hash(str_of(id), 0), when);
	pthread_mutex_unlock(&d->lock);
}

void
due_by(struct due *d, const char *id, int64_t when)
{
	uint64_t hash = due_hash(str_of(id), 0);

	pthread_mutex_lock(&d->lock);
	if (d->cap > 0) {
		struct entry *e = &d->entry[place_of(d, hash)];

		if (e->hash != 0 && e->when > when)
			e->when = when;
	}
	pthread_mutex_unlock(&d->lock);
}

void
due_clear(struct due *d)
{
	pthread_mutex_lock(&d->lock);
	free(d->entry);
	free(d->seen);
	d->entry = NULL;
	d->seen = NULL;
	d->cap = d->n = 0;
	pthread_mutex_unlock(&d->lock);
}

size_t
due_count(struct due *d)
{
	size_t n;

	pthread_mutex_lock(&d->lock);
	n = d->n;
	pthread_mutex_unlock(&d->lock);
	return n;
}

void
due_sweep_begin(struct due *d)
{
	pthread_mutex_lock(&d->lock);
	if (d->cap > 0)
		memset(d->seen, 0, d->cap);
	pthread_mutex_unlock(&d->lock);
}

void
due_sweep_end(struct due *d)
{
	pthread_mutex_lock(&d->lock);
	if (d->cap > 0)
		resize(d, d->cap, true);
	pthread_mutex_unlock(&d->lock);
}

/* --- the file --------------------------------------------------------------
 */

static bool
read_lines(struct due *d, FILE *f, uint64_t rules)
{
	char line[LINE];
	uint64_t hash;
	int64_t when;

	if (fgets(line, sizeof(line), f) == NULL ||
	    sscanf(line, "postern-due 1 %" SCNx64, &hash) != 1 || hash != rules)
		return false;
	while (fgets(line, sizeof(line), f) != NULL) {
		if (strcmp(line, "end\n") == 0)
			return true;
		if (sscanf(line, "%" SCNx64 " %" SCNd64, &hash, &when) != 2 ||
		    hash == 0)
			return false;
		set(d, hash, when);
	}
	return false;
}

bool
due_load(struct due *d, const char *path, uint64_t rules)
{
	FILE *f = fopen(path, "re");
	bool ok;

	if (f == NULL)
		return false;
	pthread_mutex_lock(&d->lock);
	ok = read_lines(d, f, rules);
	pthread_mutex_unlock(&d->lock);
	(void)fclose(f);
	if (!ok)
		due_clear(d);
	return ok;
}

bool
due_save(struct due *d, const char *path, uint64_t rules)
{
	struct buf temp;
	bool ok = false;
	FILE *f;

	buf_init(&temp, 8192);
	(void)buf_printf(&temp, "%s.new", path);
	if (!buf_putc(&temp, '\0') || (f = fopen(temp.p, "we")) == NULL)
		goto out;
	(void)fchmod(fileno(f), 0600);
	(void)fprintf(f, "postern-due 1 %016" PRIx64 "\n", rules);
	pthread_mutex_lock(&d->lock);
	for (size_t i = 0; i < d->cap; i++)
		if (d->entry[i].hash != 0)
			(void)fprintf(f, "%016" PRIx64 " %" PRId64 "\n",
			    d->entry[i].hash, d->entry[i].when);
	pthread_mutex_unlock(&d->lock);
	(void)fputs("end\n", f);
	ok = ferror(f) == 0;
	ok = fclose(f) == 0 && ok;
	ok = ok && rename(temp.p, path) == 0;
	if (!ok)
		(void)unlink(temp.p);
out:
	buf_fini(&temp);
	return ok;
}
