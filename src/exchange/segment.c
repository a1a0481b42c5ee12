/*
 * exchange/segment.c - see segment.h.
 */
#include "exchange/segment.h"

#include "base/mem.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

/*
 * The head of a segment: "PSTQUEUE", version, number, six octets of nothing,
 * checksum of all before. The header of a record:
 *	 0 "PQR\n"
 *	 4 number of the segment
 *	 8 id
 *	16 octets of meta
 *	20 octets of body
 *	24 checksum of the body
 *	28 kind
 *	32 checksum of these 32 octets and meta
 *	36 nothing
 */
static const char segment_magic[8] = "PSTQUEUE";
static const char record_magic[4] = "PQR\n";

enum { SCAN = 256 * 1024 };

static void
put32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

static void
put64(uint8_t *p, uint64_t v)
{
	put32(p, (uint32_t)v);
	put32(p + 4, (uint32_t)(v >> 32));
}

static uint32_t
get32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	       (uint32_t)p[3] << 24;
}

static uint64_t
get64(const uint8_t *p)
{
	return get32(p) | (uint64_t)get32(p + 4) << 32;
}

uint32_t
journal_checksum(uint32_t crc, const void *p, size_t n)
{
	return n > 0 ? (uint32_t)crc32_z(crc, p, n) : crc;
}

uint64_t
segment_octets(uint64_t meta_n, uint64_t body_n)
{
	return (SEGMENT_RECORD + meta_n + body_n + 7) & ~UINT64_C(7);
}

uint32_t
segment_checksum(const uint8_t head[SEGMENT_RECORD], const char *meta, size_t n)
{
	return journal_checksum(journal_checksum(0, head, 32), meta, n);
}

void
segment_encode(const struct segment *s, const struct journal_record *r,
    uint8_t head_r[SEGMENT_RECORD])
{
	memset(head_r, 0, SEGMENT_RECORD);
	memcpy(head_r, record_magic, sizeof(record_magic));
	put32(head_r + 4, s->number);
	put64(head_r + 8, r->id);
	put32(head_r + 16, (uint32_t)r->meta.n);
	put32(head_r + 20, (uint32_t)r->body.n);
	put32(head_r + 24, journal_checksum(0, r->body.p, r->body.n));
	put32(head_r + 28, r->kind);
	put32(head_r + 32, segment_checksum(head_r, r->meta.p, r->meta.n));
}

bool
segment_decode(const struct segment *s, const uint8_t head[SEGMENT_RECORD],
    struct segment_record *record_r, uint32_t *crc_r)
{
	*record_r = (struct segment_record){
		.id = get64(head + 8),
		.meta_n = get32(head + 16),
		.body_n = get32(head + 20),
		.body_crc = get32(head + 24),
		.kind = get32(head + 28),
	};
	*crc_r = get32(head + 32);
	return memcmp(head, record_magic, sizeof(record_magic)) == 0 &&
	       get32(head + 4) == s->number &&
	       record_r->meta_n <= JOURNAL_META_MAX &&
	       record_r->body_n <= JOURNAL_BODY_MAX;
}

bool
segment_read(const struct segment *s, void *p, size_t n, uint64_t at)
{
	char *to = p;

	while (n > 0) {
		ssize_t got = pread(s->fd, to, n, (off_t)at);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0) {
			if (got == 0)
				errno = ENODATA;
			return false;
		}
		to += got;
		n -= (size_t)got;
		at += (uint64_t)got;
	}
	return true;
}

/* --- files ----------------------------------------------------------------
 */

static enum pst_rc
io_failed(const char *name, const char *what, struct pst_error *err)
{
	enum pst_rc rc = errno == ENOSPC || errno == EDQUOT ? PST_E_NOSPACE
							    : PST_E_TEMP;

	return pst_fail(
	    err, rc, errno, "%s: %s: %s", name, what, strerror(errno));
}

static void
encode_head(uint32_t number, uint8_t head[SEGMENT_HEAD])
{
	memset(head, 0, SEGMENT_HEAD);
	memcpy(head, segment_magic, sizeof(segment_magic));
	put32(head + 8, SEGMENT_VERSION);
	put32(head + 12, number);
	put32(head + 28, journal_checksum(0, head, 28));
}

/* Blocks for `size` octets, so that appending never meets a full disk in the
 * middle. Where the file system cannot do that, it may. */
static bool
reserve(int fd, uint64_t size)
{
	return fallocate(fd, 0, 0, (off_t)size) == 0 || errno == EOPNOTSUPP;
}

static enum pst_rc
fill(int dir, const char *name, uint64_t size, bool sync, struct segment *s,
    struct pst_error *err)
{
	uint8_t head[SEGMENT_HEAD + SEGMENT_RECORD] = { 0 };

	encode_head(s->number, head);
	if (!reserve(s->fd, size))
		return io_failed(name, "no room", err);
	/* No record yet, whatever was there before. */
	if (pwrite(s->fd, head, sizeof(head), 0) != (ssize_t)sizeof(head))
		return io_failed(name, "cannot be written", err);
	if (sync && (fdatasync(s->fd) != 0 || fsync(dir) != 0))
		return io_failed(name, "cannot be synced", err);
	s->used = SEGMENT_HEAD;
	return PST_OK;
}

enum pst_rc
segment_make(int dir, const char *name, const char *spare, uint64_t size,
    bool sync, struct segment *s_r, struct pst_error *err)
{
	enum pst_rc rc;
	int flags = O_RDWR | O_CLOEXEC | O_CREAT | O_NOFOLLOW;

	if (spare != NULL && renameat(dir, spare, dir, name) != 0)
		return io_failed(spare, "cannot be renamed", err);
	s_r->fd = openat(dir, name, flags, 0600);
	if (s_r->fd < 0)
		return io_failed(name, "cannot be made", err);
	rc = fill(dir, name, size, sync, s_r, err);
	if (rc != PST_OK) {
		(void)close(s_r->fd);
		(void)unlinkat(dir, name, 0);
		s_r->fd = -1;
	}
	return rc;
}

/* Nothing was written to it under its name: the machine stopped before, and it
 * has no head yet, or that of another one. */
static bool
is_unused(const uint8_t head[SEGMENT_HEAD])
{
	static const uint8_t zeroes[SEGMENT_HEAD];
	uint8_t other[SEGMENT_HEAD];

	encode_head(get32(head + 12), other);
	return memcmp(head, zeroes, sizeof(zeroes)) == 0 ||
	       memcmp(head, other, sizeof(other)) == 0;
}

enum pst_rc
segment_open(
    int dir, const char *name, struct segment *s, struct pst_error *err)
{
	uint8_t head[SEGMENT_HEAD], right[SEGMENT_HEAD];
	enum pst_rc rc = PST_OK;

	s->fd = openat(dir, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (s->fd < 0)
		return io_failed(name, "cannot be opened", err);
	encode_head(s->number, right);
	if (!segment_read(s, head, sizeof(head), 0))
		rc = errno == ENODATA
			 ? pst_fail(err, PST_E_PERM, 0, "%s: too short", name)
			 : io_failed(name, "cannot be read", err);
	else if (memcmp(head, segment_magic, sizeof(segment_magic)) == 0 &&
		 get32(head + 8) > SEGMENT_VERSION)
		rc = pst_fail(err, PST_E_UNSUPPORTED, 0,
		    "%s: format %lu, of a later version of this program", name,
		    (unsigned long)get32(head + 8));
	else if (memcmp(head, right, sizeof(head)) != 0 && is_unused(head))
		rc = pst_fail(err, PST_E_PERM, 0, "%s: no segment", name);
	else
		s->has_bad_head = memcmp(head, right, sizeof(head)) != 0;
	if (rc != PST_OK) {
		(void)close(s->fd);
		s->fd = -1;
	}
	return rc;
}

/* --- reading all ----------------------------------------------------------
 */

/* A window on the file. */
struct scan {
	struct segment *s;
	char *p;
	size_t cap, n;
	uint64_t at; /* of p[0] */
	uint64_t end;
	bool struck;  /* something was struck out */
	int io_error; /* the file could not be read; or 0 */
};

/* `n` octets at `at`, or NULL. */
static const char *
look(struct scan *sc, uint64_t at, size_t n)
{
	size_t want = n > SCAN ? n : SCAN;

	if (at + n > sc->end)
		return NULL;
	if (at >= sc->at && at + n <= sc->at + sc->n)
		return sc->p + (at - sc->at);
	if (want > sc->end - at)
		want = (size_t)(sc->end - at);
	if (want > sc->cap) {
		sc->p = mem_realloc(sc->p, want);
		sc->cap = want;
	}
	sc->n = 0;
	if (!segment_read(sc->s, sc->p, want, at)) {
		if (errno != ENODATA)
			sc->io_error = errno;
		return NULL;
	}
	sc->at = at;
	sc->n = want;
	return sc->p;
}

static bool
body_is_whole(struct scan *sc, uint64_t at, const struct segment_record *record)
{
	uint32_t crc = 0;

	for (uint64_t left = record->body_n; left > 0;) {
		size_t n = left < SCAN ? (size_t)left : SCAN;
		const char *p = look(sc, at, n);

		if (p == NULL)
			return false;
		crc = journal_checksum(crc, p, n);
		at += n;
		left -= n;
	}
	return crc == record->body_crc;
}

/* The meta of a record whose header and meta are right, or NULL. */
static const char *
look_at_meta(struct scan *sc, uint64_t at, const uint8_t head[SEGMENT_RECORD],
    const struct segment_record *record, uint32_t crc)
{
	const char *meta = look(sc, at + SEGMENT_RECORD, record->meta_n);

	return meta != NULL &&
		       segment_checksum(head, meta, record->meta_n) == crc
		   ? meta
		   : NULL;
}

/* Without its body it is nobody's. When this is not the last segment any more,
 * bodies are not looked at: so that it is not taken for good then. */
static void
strike_out(struct scan *sc, uint64_t at)
{
	sc->struck = true;
	(void)!pwrite(sc->s->fd, "-", 1, (off_t)at);
}

/* The record at `at`: its octets in the file, or 0. */
static uint64_t
tell(struct scan *sc, uint64_t at, bool tail, journal_fn fn, void *arg)
{
	const uint8_t *head = (const void *)look(sc, at, SEGMENT_RECORD);
	struct segment_record record;
	struct journal_record told;
	uint8_t copy[SEGMENT_RECORD];
	const char *meta;
	uint64_t octets;
	uint32_t crc;

	if (head == NULL || !segment_decode(sc->s, head, &record, &crc))
		return 0;
	memcpy(copy, head, sizeof(copy));
	octets = segment_octets(record.meta_n, record.body_n);
	if (octets > sc->end - at)
		return 0;
	meta = look_at_meta(sc, at, copy, &record, crc);
	if (meta != NULL && tail) {
		if (!body_is_whole(
			sc, at + SEGMENT_RECORD + record.meta_n, &record)) {
			if (sc->io_error == 0)
				strike_out(sc, at);
			return 0;
		}
		/* The body may stand in the place of what was looked at. */
		meta = look_at_meta(sc, at, copy, &record, crc);
	}
	if (meta == NULL)
		return 0;
	told = (struct journal_record){ .kind = record.kind,
		.id = record.id,
		.meta = { meta, record.meta_n },
		.body = { NULL, record.body_n } };
	fn(arg, &told,
	    (struct journal_place){ sc->s->number, (uint32_t)octets, at });
	return octets;
}

/* The next place that may be a record's, or the end. */
static uint64_t
next_record(struct scan *sc, uint64_t at)
{
	for (;; at += 8) {
		const char *p = look(sc, at, 8);

		if (p == NULL)
			return sc->end;
		if (memcmp(p, record_magic, sizeof(record_magic)) == 0 &&
		    get32((const uint8_t *)p + 4) == sc->s->number)
			return at;
	}
}

enum pst_rc
segment_scan(struct segment *s, bool tail, journal_fn fn, void *arg,
    uint64_t *skipped_r, struct pst_error *err)
{
	struct scan sc = { .s = s, .end = s->used };
	uint64_t at = SEGMENT_HEAD, behind = SEGMENT_HEAD;
	struct stat st;

	*skipped_r = 0;
	if (sc.end == 0) {
		if (fstat(s->fd, &st) != 0)
			return io_failed("segment", "cannot be read", err);
		sc.end = (uint64_t)st.st_size;
	}
	while (at < sc.end && sc.io_error == 0) {
		uint64_t octets = tell(&sc, at, tail, fn, arg);

		if (octets == 0) {
			at = next_record(&sc, at + 8);
			continue;
		}
		*skipped_r += at - behind;
		at += octets;
		behind = at;
	}
	s->used = behind;
	free(sc.p);
	/* Nothing is put in the place of what could not be read. */
	if (sc.io_error != 0) {
		errno = sc.io_error;
		return io_failed("segment", "cannot be read", err);
	}
	if (sc.struck && fdatasync(s->fd) != 0)
		return io_failed("segment", "cannot be synced", err);
	return PST_OK;
}
