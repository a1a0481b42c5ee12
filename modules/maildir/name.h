/*
 * name.h - the file name of a message: what Maildir and its extensions say in
 * it, read and written. Pure functions.
 *
 *     1700000000.M5R0123456789abcdef.host,S=1234,U=7:2,FSa
 *     key: all before ":2,"             letters: after it
 *     stem: the key without our fields; the same in every copy of a message
 *
 * Fields: S= octets of the file, W= octets with CRLF line ends (only when they
 * differ), T= internal date when the leading number is not, D= when it came
 * into the mailbox when that is not the internal date, U= uid. E= is the id of
 * the content that a message brought from another store; it is a part of the
 * stem, so that copies have it too.
 */
#ifndef MAILDIR_NAME_H
#define MAILDIR_NAME_H

#include <postern/types.h>

enum {
	MD_NAME_MAX = 255, /* octets in one name of a file system */
	MD_KEY_MAX = 176,  /* so that ":2," and all letters still fit */
};

struct md_name {
	const char *s; /* borrowed from the caller */
	size_t n;
	size_t key_n; /* octets before ":2,", or all of them */
	bool has_size, has_wire, has_uid;
	uint64_t size, wire;
	uint32_t uid;
	int64_t date;		 /* T=, else the leading number, else 0 */
	int64_t save_date;	 /* D=, else `date` */
	bool has_date, has_time; /* from anywhere; from T= */
	uint32_t flags;		 /* enum pst_flag */
	uint64_t keywords;	 /* by letter, named or not */
};

/* Any octets but NUL and '/' are accepted. */
void md_name_parse(const char *s, size_t n, struct md_name *name_r);

/* What md_name_make() writes. */
struct md_name_parts {
	const char *source; /* a name: its stem and unknown fields are kept */
	size_t source_n;
	uint64_t size, wire; /* wire == size: left out */
	int64_t date, save_date;
	uint32_t uid;
};
/* Writes a key; its length, or 0 when it would be longer than MD_KEY_MAX or
 * the stem cannot be in one. */
size_t md_name_make(
    char out[MD_NAME_MAX + 1], const struct md_name_parts *parts);

/* Writes the stem, at most `cap` octets without a NUL, and tells its length. */
size_t md_name_stem(const char *s, size_t n, char *out, size_t cap);

/* The id of E=, NUL-terminated. False: there is none. */
bool md_name_ident(const char *s, size_t n, char id_r[40]);

/*
 * Appends ":2," and the letters to the key of `key_n` octets in `name`.
 * Letters of `old` (a name, may be NULL) that stand for nothing we know are
 * kept. False when it does not fit: then nothing is appended.
 */
bool md_name_letters(char name[MD_NAME_MAX + 1], size_t key_n, uint32_t flags,
    uint64_t keywords, const struct md_name *old);
/* The same for a name that must be made: the letters that stand for nothing
 * are left out when they do not fit. `key_n` is MD_KEY_MAX at the most. */
void md_name_letters_fit(char name[MD_NAME_MAX + 1], size_t key_n,
    uint32_t flags, uint64_t keywords, const struct md_name *old);

/* The message that a name stands for is the same: equal keys. */
bool md_name_same(const struct md_name *a, const struct md_name *b);

/* RFC822.SIZE as the name tells it. */
uint64_t md_name_octets(const struct md_name *name);

#endif
