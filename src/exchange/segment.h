/*
 * exchange/segment.h - one file of the journal, and the form of records in it.
 * Only journal.c uses it.
 *
 * Threads: the caller sees to it that there is one writer at a time; reading
 * what is written goes on beside it.
 */
#ifndef EXCHANGE_SEGMENT_H
#define EXCHANGE_SEGMENT_H

#include "exchange/journal.h"

enum {
	SEGMENT_HEAD = 32,
	SEGMENT_RECORD = 40, /* header of a record */
	SEGMENT_VERSION = 1,
};

struct segment {
	uint32_t number;
	int fd;
	uint64_t used; /* octets, the head included */
	uint64_t live; /* octets of records that are needed */
	unsigned readers;
	bool is_dropped;   /* is closed with the last reader */
	bool is_kept;	   /* is never given up */
	bool has_bad_head; /* its records tell whose they are */
};

/* What a record's header tells. */
struct segment_record {
	uint32_t kind, meta_n, body_n, body_crc;
	uint64_t id;
};

uint64_t segment_octets(uint64_t meta_n, uint64_t body_n); /* in the file */
/* `meta` takes part in the checksum. */
void segment_encode(const struct segment *s, const struct journal_record *r,
    uint8_t head_r[SEGMENT_RECORD]);
/* False: no record of this segment, or its meta is longer than allowed. */
bool segment_decode(const struct segment *s, const uint8_t head[SEGMENT_RECORD],
    struct segment_record *record_r, uint32_t *crc_r);
/* The checksum over header and meta, to be compared with *crc_r above. */
uint32_t segment_checksum(
    const uint8_t head[SEGMENT_RECORD], const char *meta, size_t n);

/* Makes the file NAME in the directory, of `size` octets that belong to it,
 * of the file `spare` when that is not NULL. Synced. */
enum pst_rc segment_make(int dir, const char *name, const char *spare,
    uint64_t size, bool fsync, struct segment *s_r, struct pst_error *err);
/* UNSUPPORTED: of a later version. PERM: is no segment. */
enum pst_rc segment_open(
    int dir, const char *name, struct segment *s_r, struct pst_error *err);
/*
 * Calls back with each record up to `s->used`, or to the end of the file when
 * that is 0, and sets it then. `tail`: the last one may have been written when
 * the machine stopped, so bodies are compared with their checksums; what lacks
 * its body is struck out. *skipped_r: octets that are no records, between those
 * that are. TEMP: the file cannot be read.
 */
enum pst_rc segment_scan(struct segment *s, bool tail, journal_fn fn, void *arg,
    uint64_t *skipped_r, struct pst_error *err);
/* All of `n` octets, or false with errno. */
bool segment_read(const struct segment *s, void *p, size_t n, uint64_t at);

#endif
