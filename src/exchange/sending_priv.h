/*
 * exchange/sending_priv.h - what is known of one user, in memory (sending.c)
 * and in the file (sending_file.c).
 */
#ifndef EXCHANGE_SENDING_PRIV_H
#define EXCHANGE_SENDING_PRIV_H

#include "exchange/sending.h"

enum {
	SENDING_HOURS = 24,
	SENDING_PART = 600, /* seconds */
	SENDING_PARTS = 6,  /* of an hour */
	SENDING_KNOWN_MAX = 16384,
};

struct sending_count {
	uint32_t messages, recipients, fresh, bounces;
};

/* Two rings: of the last hours, and of the parts of the last hour. */
struct sending_counts {
	int64_t hour; /* the last one, counted since 1970 */
	struct sending_count day[SENDING_HOURS];
	int64_t part;
	uint32_t messages[SENDING_PARTS];
};

/* Addresses that were written to, as a hash table: 48 bits of a hash, 16 of the
 * day when that was last noted; 0: free. */
struct sending_known {
	uint64_t *slot;
	size_t cap, n;
};

struct sender {
	struct sender *next;
	char user[321];
	struct sending_counts counts;
	struct sending_known known;
	int64_t since; /* as of struct sending_row */
	char reason[SENDING_REASON];
	uint32_t held;
	bool told;
	int64_t tell_after; /* not in the file */
	int64_t used;
	bool is_changed, is_known_changed; /* since it was written */
};

struct sender *sending_sender_new(const char *user);
void sending_sender_free(struct sender *s);

/* --- sending_known.c --------------------------------------------------------
 */

uint64_t sending_hash(struct pst_str text); /* without case */
/* For an address and this day. */
uint64_t sending_entry(struct pst_str address);
bool sending_is_known(struct sending_known *k, uint64_t entry);
/* False: the table is full, or has it. */
bool sending_known_add(struct sending_known *k, uint64_t entry);
/* The same, but makes room, and notes the day. False: nothing changed. */
bool sending_known_note(struct sending_known *k, uint64_t entry);

/* --- sending_file.c: belongs to one thread at a time ------------------------
 */

struct sending_file;

enum pst_rc sending_file_open(
    const char *path, struct sending_file **f_r, struct pst_error *err);
void sending_file_close(struct sending_file **f);
/* Fills `s`, all but its name; a user who is not there leaves it as it is. */
enum pst_rc sending_file_read(
    struct sending_file *f, struct sender *s, struct pst_error *err);
enum pst_rc sending_file_begin(struct sending_file *f, struct pst_error *err);
enum pst_rc sending_file_write(
    struct sending_file *f, const struct sender *s, struct pst_error *err);
enum pst_rc sending_file_commit(struct sending_file *f, struct pst_error *err);
/* Calls back with each, or only those that are braked; without what is known of
 * their recipients. The callback may not use the file. */
enum pst_rc sending_file_each(struct sending_file *f, bool braked,
    void (*fn)(void *arg, const struct sender *s), void *arg,
    struct pst_error *err);

#endif
