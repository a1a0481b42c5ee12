/*
 * exchange/journal.c - see journal.h.
 *
 * One of those who append leads: it writes for all who wait with one call, and
 * synchronises once. Meanwhile the next ones gather behind it; then the first
 * of them leads. Each waits for itself, so that nobody is woken in vain.
 */
#include "exchange/journal.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "exchange/segment.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/uio.h>
#include <unistd.h>

#define LOCK_FILE "lock"
#define SPARE_FORM "spare-%08x"
#define SEGMENT_FORM "queue-%08x"

enum {
	NAME = 24,
	PIECES = 4, /* of a record: header, meta, body, padding */
	LATER_GROUP = 64,
	VECTOR = 1024 - 1024 % PIECES,
};

/* What one thread wants to append. Lives on its stack. */
struct waiter {
	const struct journal_record *record;
	size_t n;
	uint64_t octets;
	bool sync;
	struct journal_place *place;
	struct waiter *next;
	sem_t turn;   /* it is done, or is to lead */
	bool is_done; /* set before that */
	enum pst_rc rc;
	struct pst_error err;
};

/* A record that nobody waits for. */
struct later {
	struct later *next;
	struct journal_record record;
	char meta[];
};

struct journal {
	struct journal_options opt;
	int dir, lock_fd;
	pthread_mutex_t lock; /* guards all below */
	pthread_cond_t moved;
	struct waiter *first, **last;
	bool is_led; /* somebody writes, and owns the last segment */
	struct later *later, **later_last;
	bool later_failed;
	/* The leader only synchronises: another may write behind it, and
	 * does. */
	bool may_write, is_writing;
	/* Ascending by number; the last one is written to. */
	struct segment **segment;
	size_t segments, cap;
	uint32_t next_number;
	uint32_t *spare;
	size_t spares, spare_cap;
	bool is_dirty; /* something was appended without sync */
};

static void
name_of(char name[NAME], const char *form, uint32_t number)
{
	(void)snprintf(name, NAME,
	    strcmp(form, SPARE_FORM) == 0 ? SPARE_FORM : SEGMENT_FORM,
	    (unsigned)number);
}

/* With the lock. */
static struct segment *
find(struct journal *j, uint32_t number)
{
	size_t low = 0, high = j->segments;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (j->segment[middle]->number < number)
			low = middle + 1;
		else
			high = middle;
	}
	return low < j->segments && j->segment[low]->number == number
		   ? j->segment[low]
		   : NULL;
}

/* --- opening --------------------------------------------------------------
 */

static int
compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

struct numbers {
	uint32_t *number;
	size_t n, cap;
};

static bool
read_name(const char *name, const char *prefix, uint32_t *number_r)
{
	size_t n = strlen(prefix);
	char *end;

	if (strncmp(name, prefix, n) != 0 || strlen(name) != n + 8)
		return false;
	*number_r = (uint32_t)strtoul(name + n, &end, 16);
	return *end == '\0' && *number_r > 0;
}

static enum pst_rc
list(struct journal *j, const char *path, struct numbers *found,
    struct pst_error *err)
{
	int fd = openat(j->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *e;
	uint32_t number;

	if (d == NULL) {
		int failure = errno;

		if (fd >= 0)
			(void)close(fd);
		return pst_fail(err, PST_E_TEMP, failure, "%s: %s", path,
		    strerror(failure));
	}
	while ((e = readdir(d)) != NULL) {
		if (read_name(e->d_name, "queue-", &number)) {
			mem_grow(&found->number, &found->cap, found->n + 1,
			    sizeof(*found->number));
			found->number[found->n++] = number;
		} else if (read_name(e->d_name, "spare-", &number)) {
			mem_grow(&j->spare, &j->spare_cap, j->spares + 1,
			    sizeof(*j->spare));
			j->spare[j->spares++] = number;
		} else {
			continue;
		}
		if (number >= j->next_number)
			j->next_number = number + 1;
	}
	(void)closedir(d);
	if (found->n > 0)
		qsort(found->number, found->n, sizeof(*found->number), compare);
	return PST_OK;
}

static void
add_segment(struct journal *j, const struct segment *s)
{
	struct segment *copy = mem_alloc(sizeof(*copy));

	*copy = *s;
	mem_grow(&j->segment, &j->cap, j->segments + 1, sizeof(*j->segment));
	j->segment[j->segments++] = copy;
}

/* A segment whose head was not written yet when the machine stopped holds
 * nothing; any other that cannot be read may. */
static enum pst_rc
replay(struct journal *j, uint32_t number, bool last, journal_fn fn, void *arg,
    struct pst_error *err)
{
	struct segment s = { .number = number }, *kept;
	char name[NAME], text[24];
	uint64_t skipped;
	enum pst_rc rc;

	name_of(name, SEGMENT_FORM, number);
	rc = segment_open(j->dir, name, &s, err);
	if (rc == PST_E_PERM && last) {
		log_event(PST_LOG_WARNING, 0, "queue-torn", "file", name, NULL);
		(void)unlinkat(j->dir, name, 0);
		return PST_OK;
	}
	if (rc != PST_OK)
		return rc;
	add_segment(j, &s);
	kept = j->segment[j->segments - 1];
	rc = segment_scan(kept, last, fn, arg, &skipped, err);
	if (rc == PST_OK && (skipped > 0 || s.has_bad_head)) {
		(void)snprintf(
		    text, sizeof(text), "%llu", (unsigned long long)skipped);
		log_event(PST_LOG_ERROR, 0, "queue-damaged", "file", name,
		    "octets", text, NULL);
	}
	return rc;
}

static enum pst_rc
claim(struct journal *j, const char *path, struct pst_error *err)
{
	j->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (j->dir < 0)
		return pst_fail(
		    err, PST_E_TEMP, errno, "%s: %s", path, strerror(errno));
	j->lock_fd = openat(
	    j->dir, LOCK_FILE, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (j->lock_fd < 0)
		return pst_fail(err, PST_E_TEMP, errno, "%s/%s: %s", path,
		    LOCK_FILE, strerror(errno));
	if (flock(j->lock_fd, LOCK_EX | LOCK_NB) != 0)
		return pst_fail(err, PST_E_CONFLICT, errno,
		    "%s: another process has it open", path);
	return PST_OK;
}

enum pst_rc
journal_open(const char *path, const struct journal_options *opt, journal_fn fn,
    void *arg, struct journal **j_r, struct pst_error *err)
{
	struct journal *j = mem_alloc(sizeof(*j));
	struct numbers found = { 0 };
	enum pst_rc rc;

	j->opt = *opt;
	j->lock_fd = -1;
	j->last = &j->first;
	j->later_last = &j->later;
	j->next_number = 1;
	pthread_mutex_init(&j->lock, NULL);
	pthread_cond_init(&j->moved, NULL);
	rc = claim(j, path, err);
	if (rc == PST_OK)
		rc = list(j, path, &found, err);
	for (size_t i = 0; i < found.n && rc == PST_OK; i++)
		rc = replay(j, found.number[i], i + 1 == found.n, fn, arg, err);
	free(found.number);
	/* The next record begins a segment: none is ever put behind what was
	 * cut off by a crash. */
	if (rc != PST_OK)
		journal_close(&j);
	*j_r = j;
	return rc;
}

void
journal_close(struct journal **jp)
{
	struct journal *j = *jp;
	struct pst_error err;

	*jp = NULL;
	if (j == NULL)
		return;
	if (journal_sync(j, &err) != PST_OK)
		log_failure(PST_LOG_ERROR, 0, "queue", &err);
	for (size_t i = 0; i < j->segments; i++) {
		(void)close(j->segment[i]->fd);
		free(j->segment[i]);
	}
	free(j->segment);
	free(j->spare);
	if (j->lock_fd >= 0)
		(void)close(j->lock_fd);
	if (j->dir >= 0)
		(void)close(j->dir);
	pthread_cond_destroy(&j->moved);
	pthread_mutex_destroy(&j->lock);
	free(j);
}

/* --- appending ------------------------------------------------------------
 */

static uint64_t
octets_of(const struct journal_record *record, size_t n)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += segment_octets(record[i].meta.n, record[i].body.n);
	return sum;
}

/* The segment that is written to, when it has room; it is the leader's. */
static struct segment *
tail_with_room(struct journal *j, uint64_t octets)
{
	struct segment *s;

	if (j->segments == 0 || j->next_number == 0)
		return NULL;
	s = j->segment[j->segments - 1];
	return s->number + 1 == j->next_number && !s->is_dropped &&
		       s->used + octets <= j->opt.segment_size
		   ? s
		   : NULL;
}

/* Begins a segment that is large enough. Called by the leader with the lock,
 * which is given up meanwhile. */
static enum pst_rc
begin_segment(struct journal *j, uint64_t octets, struct segment **s_r,
    struct pst_error *err)
{
	struct segment *old = j->segments > 0 ? j->segment[j->segments - 1]
					      : NULL;
	struct segment s = { .number = j->next_number };
	uint64_t size = SEGMENT_HEAD + octets;
	char name[NAME], spare[NAME];
	bool has_spare = j->spares > 0, dirty = j->is_dirty;
	enum pst_rc rc = PST_OK;

	if (size < j->opt.segment_size)
		size = j->opt.segment_size;
	name_of(name, SEGMENT_FORM, s.number);
	if (has_spare)
		name_of(spare, SPARE_FORM, j->spare[--j->spares]);
	pthread_mutex_unlock(&j->lock);
	/* Later ones must not be there without it. */
	if (dirty && old != NULL && j->opt.fsync && fdatasync(old->fd) != 0)
		rc = pst_fail(err, PST_E_TEMP, errno,
		    "queue: cannot be synced: %s", strerror(errno));
	if (rc == PST_OK)
		rc = segment_make(j->dir, name, has_spare ? spare : NULL, size,
		    j->opt.fsync, &s, err);
	pthread_mutex_lock(&j->lock);
	j->next_number++; /* also after a failure: the name may be there */
	if (rc != PST_OK)
		return rc;
	j->is_dirty = false;
	add_segment(j, &s);
	*s_r = j->segment[j->segments - 1];
	return PST_OK;
}

/* As pwritev(), but all of it. `v` is used up. */
static bool
write_all(int fd, struct iovec *v, size_t n, uint64_t at)
{
	while (n > 0) {
		ssize_t done = pwritev(
		    fd, v, n < VECTOR ? (int)n : (int)VECTOR, (off_t)at);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return false;
		at += (uint64_t)done;
		while (n > 0 && (size_t)done >= v->iov_len) {
			done -= (ssize_t)v->iov_len;
			v++;
			n--;
		}
		if (n > 0) {
			v->iov_base = (char *)v->iov_base + done;
			v->iov_len -= (size_t)done;
		}
	}
	return true;
}

static struct iovec
piece(const void *p, size_t n)
{
	struct iovec v = { .iov_len = n };

	memcpy(&v.iov_base, &p, sizeof(p)); /* it is only read */
	return v;
}

/* Writes what the waiters want at the end of `s`, which is the leader's. */
static enum pst_rc
write_group(struct segment *s, struct waiter *group, struct pst_error *err)
{
	static const char zeroes[8];
	uint8_t(*head)[SEGMENT_RECORD];
	struct iovec *v;
	size_t records = 0, k = 0, i = 0;
	uint64_t at = s->used;
	enum pst_rc rc = PST_OK;

	for (struct waiter *w = group; w != NULL; w = w->next)
		records += w->n;
	head = mem_array(records, sizeof(*head));
	v = mem_array(records * PIECES, sizeof(*v));
	for (struct waiter *w = group; w != NULL; w = w->next) {
		for (size_t r = 0; r < w->n; r++, i++) {
			const struct journal_record *record = &w->record[r];
			uint64_t bare = SEGMENT_RECORD + record->meta.n +
					record->body.n;
			uint64_t octets = octets_of(record, 1);

			segment_encode(s, record, head[i]);
			v[k++] = piece(head[i], SEGMENT_RECORD);
			v[k++] = piece(record->meta.p, record->meta.n);
			v[k++] = piece(record->body.p, record->body.n);
			v[k++] = piece(zeroes, octets - bare);
			w->place[r] = (struct journal_place){ s->number,
				(uint32_t)octets, at };
			at += octets;
		}
	}
	if (!write_all(s->fd, v, k, s->used)) {
		int failure = errno;

		rc = pst_fail(err,
		    failure == ENOSPC || failure == EDQUOT ? PST_E_NOSPACE
							   : PST_E_TEMP,
		    failure, "queue: cannot be written: %s", strerror(failure));
	}
	free(head);
	free(v);
	return rc;
}

/*
 * What could not be written or synced is nobody's: it must not be found after
 * a crash. After a failed fdatasync() nothing is known of the file, so nothing
 * more is written to it.
 */
static void
retract(struct journal *j, struct segment *s, const struct waiter *group)
{
	static const char zeroes[SEGMENT_RECORD];

	for (; group != NULL; group = group->next)
		for (size_t r = 0; r < group->n; r++)
			(void)!pwrite(s->fd, zeroes, sizeof(zeroes),
			    (off_t)group->place[r].at);
	(void)fdatasync(s->fd);
	j->next_number++;
}

/* Takes the waiters that fit into one segment together. With the lock. */
static struct waiter *
take_group(struct journal *j, uint64_t *octets_r, bool *sync_r)
{
	struct waiter *group = j->first, *w = group;

	*octets_r = w->octets;
	*sync_r = w->sync;
	while (w->next != NULL && *octets_r + w->next->octets <=
				      j->opt.segment_size - SEGMENT_HEAD) {
		w = w->next;
		*octets_r += w->octets;
		*sync_r |= w->sync;
	}
	j->first = w->next;
	if (j->first == NULL)
		j->last = &j->first;
	w->next = NULL;
	return group;
}

static void
end_group(struct waiter *group, struct waiter *own, enum pst_rc rc,
    const struct pst_error *err)
{
	while (group != NULL) {
		struct waiter *next = group->next; /* gone when it is done */

		group->rc = rc;
		if (rc != PST_OK)
			group->err = *err;
		group->is_done = true;
		if (group != own)
			(void)sem_post(&group->turn);
		group = next;
	}
}

/* Makes durable what was written to `s`. Others may write behind it meanwhile;
 * with the lock, as below. */
static bool
sync_segment(struct journal *j, struct segment *s)
{
	bool failed, last;

	j->is_dirty = false;
	j->may_write = true;
	s->readers++;
	pthread_mutex_unlock(&j->lock);
	failed = j->opt.fsync && fdatasync(s->fd) != 0;
	pthread_mutex_lock(&j->lock);
	j->may_write = false;
	while (j->is_writing)
		pthread_cond_wait(&j->moved, &j->lock);
	last = --s->readers == 0 && s->is_dropped;
	if (last) {
		(void)close(s->fd);
		free(s);
	}
	return !failed;
}

/* Writes a group. Called by the leader with the lock, which is given up
 * meanwhile. */
static enum pst_rc
write_for(struct journal *j, struct waiter *group, uint64_t octets, bool sync,
    bool needed, struct pst_error *err)
{
	struct segment *s = tail_with_room(j, octets);
	enum pst_rc rc = PST_OK;

	/* Only synchronised: where the last records are. */
	if (octets == 0 && j->segments > 0)
		s = j->segment[j->segments - 1];
	if (octets == 0 && s == NULL)
		return PST_OK;
	if (s == NULL)
		rc = begin_segment(j, octets, &s, err);
	if (rc != PST_OK)
		return rc;
	pthread_mutex_unlock(&j->lock);
	rc = write_group(s, group, err);
	pthread_mutex_lock(&j->lock);
	if (rc != PST_OK) {
		retract(j, s, group);
		return rc;
	}
	s->used += octets;
	s->live += needed ? octets : 0;
	j->is_dirty = true;
	if (!sync || sync_segment(j, s))
		return PST_OK;
	s->live -= needed ? octets : 0;
	retract(j, s, group);
	return pst_fail(err, PST_E_TEMP, errno, "queue: cannot be synced: %s",
	    strerror(errno));
}

/* What nobody waits for. As above. */
static void
write_later(struct journal *j)
{
	struct pst_error err = { 0 };

	while (j->later != NULL) {
		struct journal_record record[LATER_GROUP];
		struct journal_place place[LATER_GROUP];
		struct waiter w = { .record = record, .place = place };
		struct later *l = j->later, *rest = l;

		for (; rest != NULL && w.n < LATER_GROUP; rest = rest->next)
			record[w.n++] = rest->record;
		j->later = rest;
		if (rest == NULL)
			j->later_last = &j->later;
		w.octets = octets_of(record, w.n);
		if (write_for(j, &w, w.octets, false, false, &err) != PST_OK) {
			j->later_failed = true;
			log_failure(PST_LOG_ERROR, 0, "queue", &err);
		}
		while (l != rest) {
			struct later *next = l->next;

			free(l);
			l = next;
		}
	}
}

/* With the lock: the next one leads, or nobody. */
static void
pass_on(struct journal *j)
{
	if (j->first != NULL) {
		(void)sem_post(&j->first->turn);
		return;
	}
	j->is_led = false;
	pthread_cond_broadcast(&j->moved);
}

/* The leader's work, for `own` and others. With the lock. */
static void
lead(struct journal *j, struct waiter *own)
{
	struct pst_error err = { 0 };
	uint64_t octets;
	bool sync;

	write_later(j);
	while (!own->is_done) {
		struct waiter *group = take_group(j, &octets, &sync);
		enum pst_rc rc = write_for(j, group, octets, sync, true, &err);

		end_group(group, own, rc, &err);
	}
	if (j->first == NULL)
		write_later(j);
	pass_on(j);
}

/* Waits for its turn and leads, or for somebody who does. */
static void
run_waiter(struct journal *j, struct waiter *w)
{
	bool leads;

	(void)sem_init(&w->turn, 0, 0);
	pthread_mutex_lock(&j->lock);
	*j->last = w;
	j->last = &w->next;
	leads = !j->is_led;
	j->is_led = true;
	if (!leads) {
		pthread_mutex_unlock(&j->lock);
		while (sem_wait(&w->turn) != 0)
			; /* a signal */
		leads = !w->is_done;
		if (leads)
			pthread_mutex_lock(&j->lock);
	}
	if (leads) {
		lead(j, w);
		pthread_mutex_unlock(&j->lock);
	}
	(void)sem_destroy(&w->turn);
}

enum pst_rc
journal_append(struct journal *j, const struct journal_record *records,
    size_t n, bool sync, struct journal_place *places_r, struct pst_error *err)
{
	struct waiter w = { .record = records,
		.n = n,
		.octets = octets_of(records, n),
		.sync = sync,
		.place = places_r };

	for (size_t i = 0; i < n; i++)
		if (records[i].meta.n > JOURNAL_META_MAX ||
		    records[i].body.n > JOURNAL_BODY_MAX)
			return pst_fail(
			    err, PST_E_LIMIT, 0, "queue: too large a record");
	if (n == 0)
		return PST_OK;
	run_waiter(j, &w);
	if (w.rc != PST_OK && err != NULL)
		*err = w.err;
	return w.rc;
}

void
journal_append_later(struct journal *j, const struct journal_record *record)
{
	struct later *l = mem_alloc(sizeof(*l) + record->meta.n);

	memcpy(l->meta, record->meta.p, record->meta.n);
	l->record = *record;
	l->record.meta.p = l->meta;
	pthread_mutex_lock(&j->lock);
	*j->later_last = l;
	j->later_last = &l->next;
	if (!j->is_led) {
		j->is_led = true;
		write_later(j);
		pass_on(j);
	} else if (j->may_write && !j->is_writing) {
		j->is_writing = true;
		write_later(j);
		j->is_writing = false;
		pthread_cond_broadcast(&j->moved);
	}
	pthread_mutex_unlock(&j->lock);
}

enum pst_rc
journal_sync(struct journal *j, struct pst_error *err)
{
	struct waiter w = { .sync = true };
	bool failed, idle;

	pthread_mutex_lock(&j->lock);
	idle = !j->is_led && !j->is_dirty;
	failed = j->later_failed;
	j->later_failed = false;
	pthread_mutex_unlock(&j->lock);
	if (failed)
		return pst_fail(
		    err, PST_E_TEMP, 0, "queue: something was not written");
	if (idle)
		return PST_OK;
	run_waiter(j, &w);
	if (w.rc != PST_OK && err != NULL)
		*err = w.err;
	return w.rc;
}

/* --- reading --------------------------------------------------------------
 */

/* The segment, that stays open until it is given back. */
static struct segment *
hold(struct journal *j, uint32_t number)
{
	struct segment *s;

	pthread_mutex_lock(&j->lock);
	s = find(j, number);
	if (s != NULL)
		s->readers++;
	pthread_mutex_unlock(&j->lock);
	return s;
}

static void
let_go(struct journal *j, struct segment *s)
{
	bool last;

	pthread_mutex_lock(&j->lock);
	last = --s->readers == 0 && s->is_dropped;
	pthread_mutex_unlock(&j->lock);
	if (last) {
		(void)close(s->fd);
		free(s);
	}
}

static enum pst_rc
damaged(struct journal_place place, struct pst_error *err)
{
	return pst_fail(err, PST_E_PERM, 0, "queue-%08x: damaged at %llu",
	    (unsigned)place.segment, (unsigned long long)place.at);
}

static enum pst_rc
read_head(const struct segment *s, struct journal_place place,
    uint8_t head[SEGMENT_RECORD], struct segment_record *record_r,
    uint32_t *crc_r, struct pst_error *err)
{
	if (!segment_read(s, head, SEGMENT_RECORD, place.at))
		return errno == ENODATA ? damaged(place, err)
					: pst_fail(err, PST_E_TEMP, errno,
					      "queue: %s", strerror(errno));
	if (!segment_decode(s, head, record_r, crc_r) ||
	    segment_octets(record_r->meta_n, record_r->body_n) != place.octets)
		return damaged(place, err);
	return PST_OK;
}

static enum pst_rc
read_record(const struct segment *s, struct journal_place place,
    struct journal_record *record_r, char **meta_r, struct pst_error *err)
{
	uint8_t head[SEGMENT_RECORD];
	struct segment_record record;
	uint32_t crc;
	enum pst_rc rc = read_head(s, place, head, &record, &crc, err);
	char *meta;

	if (rc != PST_OK)
		return rc;
	meta = mem_alloc((size_t)record.meta_n + 1);
	if (!segment_read(s, meta, record.meta_n, place.at + SEGMENT_RECORD))
		rc = pst_fail(
		    err, PST_E_TEMP, errno, "queue: %s", strerror(errno));
	else if (segment_checksum(head, meta, record.meta_n) != crc)
		rc = damaged(place, err);
	if (rc != PST_OK) {
		free(meta);
		return rc;
	}
	*record_r = (struct journal_record){ .kind = record.kind,
		.id = record.id,
		.meta = { meta, record.meta_n },
		.body = { NULL, record.body_n } };
	*meta_r = meta;
	return PST_OK;
}

enum pst_rc
journal_read(struct journal *j, struct journal_place place,
    struct journal_record *record_r, char **meta_r, struct pst_error *err)
{
	struct segment *s = hold(j, place.segment);
	enum pst_rc rc;

	*meta_r = NULL;
	if (s == NULL)
		return damaged(place, err);
	rc = read_record(s, place, record_r, meta_r, err);
	let_go(j, s);
	return rc;
}

enum pst_rc
journal_body_take(struct journal *j, struct journal_place place,
    struct journal_body *body_r, struct pst_error *err)
{
	struct segment *s = hold(j, place.segment);
	uint8_t head[SEGMENT_RECORD];
	struct segment_record record;
	uint32_t crc;
	enum pst_rc rc;

	*body_r = (struct journal_body){ .fd = -1 };
	if (s == NULL)
		return damaged(place, err);
	rc = read_head(s, place, head, &record, &crc, err);
	if (rc != PST_OK) {
		let_go(j, s);
		return rc;
	}
	*body_r = (struct journal_body){ .fd = s->fd,
		.at = place.at + SEGMENT_RECORD + record.meta_n,
		.n = record.body_n,
		.crc = record.body_crc,
		.journal = j,
		.segment = s };
	return PST_OK;
}

void
journal_body_give(struct journal_body *body)
{
	if (body->segment != NULL)
		let_go(body->journal, body->segment);
	*body = (struct journal_body){ .fd = -1 };
}

/* --- what is needed -------------------------------------------------------
 */

static void
count(struct journal *j, struct journal_place place, bool needed)
{
	struct segment *s;

	if (place.segment == 0)
		return;
	pthread_mutex_lock(&j->lock);
	s = find(j, place.segment);
	if (s != NULL && needed)
		s->live += place.octets;
	else if (s != NULL)
		s->live -= s->live > place.octets ? place.octets : s->live;
	pthread_mutex_unlock(&j->lock);
}

void
journal_need(struct journal *j, struct journal_place place)
{
	count(j, place, true);
}

void
journal_forget(struct journal *j, struct journal_place place)
{
	count(j, place, false);
}

/* Nothing is written to it any more. With the lock. */
static bool
is_closed(const struct journal *j, size_t i)
{
	return i + 1 < j->segments ||
	       j->segment[i]->number + 1 != j->next_number;
}

uint32_t
journal_worst(struct journal *j)
{
	struct segment *worst = NULL;
	uint64_t live = 0, used = 0;
	uint32_t number;

	pthread_mutex_lock(&j->lock);
	for (size_t i = 0; i < j->segments; i++) {
		struct segment *s = j->segment[i];

		live += s->live;
		used += s->used;
		if (is_closed(j, i) && !s->is_kept &&
		    (worst == NULL ||
			s->used - s->live > worst->used - worst->live))
			worst = s;
	}
	number = worst != NULL &&
			 (worst->live == 0 ||
			     (worst->live < worst->used - worst->live &&
				 live < used - live))
		     ? worst->number
		     : 0;
	pthread_mutex_unlock(&j->lock);
	return number;
}

void
journal_keep(struct journal *j, uint32_t segment)
{
	struct segment *s;

	pthread_mutex_lock(&j->lock);
	s = find(j, segment);
	if (s != NULL)
		s->is_kept = true;
	pthread_mutex_unlock(&j->lock);
}

void
journal_keep_all(struct journal *j)
{
	pthread_mutex_lock(&j->lock);
	for (size_t i = 0; i < j->segments; i++)
		j->segment[i]->is_kept = true;
	pthread_mutex_unlock(&j->lock);
}

enum pst_rc
journal_each(struct journal *j, uint32_t segment, journal_fn fn, void *arg,
    struct pst_error *err)
{
	struct segment *s = hold(j, segment), copy;
	uint64_t skipped;
	enum pst_rc rc;

	if (s == NULL)
		return pst_fail(err, PST_E_NOTFOUND, 0, "queue-%08x: not there",
		    (unsigned)segment);
	pthread_mutex_lock(&j->lock);
	copy = *s;
	pthread_mutex_unlock(&j->lock);
	rc = segment_scan(&copy, false, fn, arg, &skipped, err);
	let_go(j, s);
	return rc;
}

void
journal_drop(struct journal *j, uint32_t segment)
{
	char name[NAME], spare[NAME];
	struct segment *s = NULL;
	bool unused = false, keep;
	size_t i;

	name_of(name, SEGMENT_FORM, segment);
	name_of(spare, SPARE_FORM, segment);
	pthread_mutex_lock(&j->lock);
	for (i = 0; i < j->segments; i++)
		if (j->segment[i]->number == segment && is_closed(j, i))
			break;
	if (i < j->segments) {
		s = j->segment[i];
		memmove(&j->segment[i], &j->segment[i + 1],
		    (j->segments - i - 1) * sizeof(*j->segment));
		j->segments--;
		s->is_dropped = true;
		unused = s->readers == 0;
	}
	/* What somebody reads, or is of another size, is not used again. */
	keep = unused && j->spares < j->opt.spares;
	if (keep && renameat(j->dir, name, j->dir, spare) == 0) {
		mem_grow(
		    &j->spare, &j->spare_cap, j->spares + 1, sizeof(*j->spare));
		j->spare[j->spares++] = segment;
	} else if (s != NULL) {
		(void)unlinkat(j->dir, name, 0);
	}
	pthread_mutex_unlock(&j->lock);
	if (unused) {
		(void)close(s->fd);
		free(s);
	}
}

bool
journal_has(struct journal *j, uint32_t segment)
{
	bool has;

	pthread_mutex_lock(&j->lock);
	has = find(j, segment) != NULL;
	pthread_mutex_unlock(&j->lock);
	return has;
}

uint32_t
journal_tail(struct journal *j)
{
	uint32_t number;

	pthread_mutex_lock(&j->lock);
	number = j->segments > 0 ? j->segment[j->segments - 1]->number : 0;
	pthread_mutex_unlock(&j->lock);
	return number;
}

bool
journal_has_before(struct journal *j, uint32_t last, uint32_t but)
{
	bool has = false;

	pthread_mutex_lock(&j->lock);
	for (size_t i = 0; i < j->segments && !has; i++)
		has = j->segment[i]->number <= last &&
		      j->segment[i]->number != but;
	pthread_mutex_unlock(&j->lock);
	return has;
}

void
journal_measure(struct journal *j, struct journal_usage *usage_r)
{
	*usage_r = (struct journal_usage){ 0 };
	pthread_mutex_lock(&j->lock);
	usage_r->segments = j->segments;
	for (size_t i = 0; i < j->segments; i++) {
		usage_r->octets += j->segment[i]->used;
		usage_r->live += j->segment[i]->live;
	}
	pthread_mutex_unlock(&j->lock);
}
