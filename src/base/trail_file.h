/*
 * base/trail_file.h - the files of a trail, and finding events in them.
 *
 * A file has events in the order of writing, each with a checksum. When it is
 * full an index is put beside it: hashes of all ids and terms with the places
 * of their events, ascending, so that a search reads some twenty numbers of
 * each file. The last file has none yet and is read through; it is small.
 *
 * What a crash cut off at the end of a file is no error; a damaged event is
 * skipped. An index that is damaged or not there costs time, nothing else.
 *
 * Threads: plain functions; files may be read while somebody writes.
 */
#ifndef BASE_TRAIL_FILE_H
#define BASE_TRAIL_FILE_H

#include "base/trail.h"

enum {
	TRAIL_HEAD = 16,	     /* octets of a file before its events */
	TRAIL_EVENT_HEAD = 16,	     /* and of an event before its texts */
	TRAIL_EVENT_MAX = 32 * 1024, /* texts of an event */
	TRAIL_PAIRS = 64,
};

struct trail_event {
	int64_t time;	/* microseconds since 1970 */
	uint64_t place; /* that no other event has, ascending */
	const char *id, *event;
	struct {
		const char *key, *value;
	} pair[TRAIL_PAIRS];
	size_t pairs;
};

/* The value of a key, or NULL. */
const char *trail_value(const struct trail_event *e, const char *key);

/* The head of a new file. */
void trail_put_head(unsigned char head[TRAIL_HEAD], int64_t now);
/* The head of an event whose texts, each ended by a NUL, are `text`. */
void trail_put_event(
    unsigned char head[TRAIL_EVENT_HEAD], int64_t now, struct pst_str text);

enum trail_read {
	TRAIL_EVENT,   /* *e_r is it; its texts are in `in` */
	TRAIL_DAMAGED, /* to be skipped */
	TRAIL_END,     /* there is no more that can be read */
};

/* Reads what is at *at of a file and moves it behind. Pure. */
enum trail_read trail_take(
    struct pst_str in, size_t *at, struct trail_event *e_r);

/* Where the last event of a file ends that can be read, and when the file was
 * begun, in seconds since 1970. -1: it is none of ours. */
int64_t trail_end(int fd, int64_t *began_r);
/* Puts the index beside a file of the directory that is full. */
enum pst_rc trail_make_index(int dir_fd, uint32_t number,
    const struct trail_keys *keys, struct pst_error *err);
void trail_file_name(uint32_t number, const char *suffix, char name[32]);
/* Numbers of the files of a directory, ascending; the caller frees. */
uint32_t *trail_files(int dir_fd, size_t *n_r);

/* What is searched for: `key` NULL: an id. */
struct trail_term {
	const char *key, *value;
};

/*
 * Calls back for each event that has one of the terms, oldest first; those of
 * `since` and later, before `until` (microseconds since 1970). False from the
 * function ends it. NOTFOUND: there is no such directory.
 */
enum pst_rc trail_search(const char *path, const struct trail_keys *keys,
    const struct trail_term *term, size_t terms, int64_t since, int64_t until,
    bool (*fn)(void *arg, const struct trail_event *e), void *arg,
    struct pst_error *err);

#endif
