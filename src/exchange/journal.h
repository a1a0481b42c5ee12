/*
 * exchange/journal.h - the append log that the queue is made of.
 *
 * Records are written one behind the other into segments, files of a fixed
 * size in one directory, and never changed. Who appends waits until the record
 * is on the disk; those who come at about the same time share one write and
 * one fdatasync(). What nobody needs any more is told to the journal, which
 * only counts; the owner copies what is left of a segment to the end and drops
 * the segment, whose file is used again for a later one: overwriting blocks
 * that are there costs the file system less than new ones.
 *
 * A record has a header with a checksum over itself and `meta`, and another
 * over `body`. After a crash the end of the last segment may hold records that
 * were never acknowledged, whole or torn: those that are whole are told of,
 * the rest is not. Octets that go bad elsewhere cost only the records that they
 * belong to.
 *
 * Layout, numbers with the lowest octet first: a segment begins with struct
 * segment_head, see journal.c; a record is 40 octets of header, meta, body, and
 * zeroes up to a multiple of 8. Each header tells the number of its segment,
 * so that what a file held before it was used again is not taken for records.
 *
 * Threads: from any thread.
 */
#ifndef EXCHANGE_JOURNAL_H
#define EXCHANGE_JOURNAL_H

#include <postern/types.h>

struct journal;
struct segment;

enum {
	JOURNAL_META_MAX = 16 << 20,
	JOURNAL_BODY_MAX = 32 << 20, /* of one record */
};

struct journal_place {
	uint32_t segment; /* 0: nowhere */
	uint32_t octets;  /* of the whole record */
	uint64_t at;
};

/* Borrowed. */
struct journal_record {
	uint32_t kind; /* the owner's */
	uint64_t id;   /* the owner's */
	struct pst_str meta;
	struct pst_str body; /* not looked at, p NULL, where records are told */
};

/* What journal_each() calls may append and read, but not drop; what
 * journal_open() calls does nothing with the journal. */
typedef void (*journal_fn)(
    void *arg, const struct journal_record *record, struct journal_place place);

struct journal_options {
	uint64_t segment_size; /* octets, at least 64 MiB but for tests */
	bool fsync;	       /* false: for tests, kill -9 is all it stands */
	unsigned spares;       /* files that are kept to be used again */
};

/* How much there is. */
struct journal_usage {
	size_t segments;
	uint64_t octets, live;
};

/*
 * Opens the journal in the directory `path`, which exists, and calls back with
 * each record in the order in which they were written. CONFLICT: another
 * process has it open. UNSUPPORTED: a later version of this program wrote it.
 */
enum pst_rc journal_open(const char *path, const struct journal_options *opt,
    journal_fn fn, void *arg, struct journal **j_r, struct pst_error *err);
void journal_close(struct journal **j);

/*
 * Appends `n` records, one behind the other in one segment. With `sync` they
 * are on the disk when it returns OK; without, they are with the next one that
 * is, or after journal_sync(). A failed call has appended nothing. NOSPACE,
 * TEMP; LIMIT: too large.
 */
enum pst_rc journal_append(struct journal *j,
    const struct journal_record *records, size_t n, bool sync,
    struct journal_place *places_r, struct pst_error *err);
/*
 * Appends a small record whose place nobody wants to know, without waiting for
 * anybody: it counts as not needed. It is written at once, also while others
 * wait for the disk, or by whoever is writing just now. What goes wrong then,
 * journal_sync() tells.
 */
void journal_append_later(
    struct journal *j, const struct journal_record *record);
/* Quick when there is nothing to be done. */
enum pst_rc journal_sync(struct journal *j, struct pst_error *err);

/* Reads the header and meta; the caller frees *meta_r. TEMP: cannot be read;
 * PERM: is not what was written. */
enum pst_rc journal_read(struct journal *j, struct journal_place place,
    struct journal_record *record_r, char **meta_r, struct pst_error *err);

/* The body of a record, which stays readable until it is let go of. */
struct journal_body {
	int fd;
	uint64_t at, n;
	uint32_t crc;
	struct journal *journal;
	struct segment *segment;
};
enum pst_rc journal_body_take(struct journal *j, struct journal_place place,
    struct journal_body *body_r, struct pst_error *err);
void journal_body_give(struct journal_body *body);
/* Continues a checksum; begin with 0, compare with body.crc in the end. */
uint32_t journal_checksum(uint32_t crc, const void *p, size_t n);

/* The record is not needed any more, or (of what journal_open() told) it is:
 * nothing counts as needed before. */
void journal_need(struct journal *j, struct journal_place place);
void journal_forget(struct journal *j, struct journal_place place);

/*
 * The segment whose dropping gives back the most for the least copying, or 0
 * while that is not worth it: there must be more to be forgotten than to be
 * kept, in it and in all.
 */
uint32_t journal_worst(struct journal *j);
/* It cannot be given up: something in it is damaged and not to be copied. */
void journal_keep(struct journal *j, uint32_t segment);
/* None of those that there are. */
void journal_keep_all(struct journal *j);
/* Calls back with its records. */
enum pst_rc journal_each(struct journal *j, uint32_t segment, journal_fn fn,
    void *arg, struct pst_error *err);
/* Its records are not needed or have been appended anew, and that is synced. */
void journal_drop(struct journal *j, uint32_t segment);
bool journal_has(struct journal *j, uint32_t segment);
/* Whatever is appended from now on comes into this segment or a later one. */
uint32_t journal_tail(struct journal *j);
/* Some segment up to number `last` is there, besides `but`. */
bool journal_has_before(struct journal *j, uint32_t last, uint32_t but);
void journal_measure(struct journal *j, struct journal_usage *usage_r);

#endif
