/*
 * imap/sort_keys.h - sort criteria (RFC 5256, 3; RFC 5957, 4; RFC 6203, 6) as
 * a table, and the octets that a message becomes by them: comparing two
 * messages is comparing octets. Pure.
 */
#ifndef IMAP_SORT_KEYS_H
#define IMAP_SORT_KEYS_H

#include "imap/facts.h"

enum { IMAP_SORT_KEYS_MAX = 32 };

struct imap_sort_word;

struct imap_sort {
	struct {
		const struct imap_sort_word *word;
		bool reverse;
	} key[IMAP_SORT_KEYS_MAX];
	size_t n;
	unsigned facts; /* enum imap_fact: what must be read */
	bool by_score;	/* RELEVANCY */
};

/* "(" ["REVERSE" SP] sort-key ... ")" */
bool imap_sort_parse(struct imap_parser *ps, struct imap_sort *out);

/* The criteria in words, for view_order_keep(). */
void imap_sort_name(const struct imap_sort *sort, struct buf *out);

/*
 * Adds the key of a message: no key is the beginning of another one, and a
 * smaller one (memcmp) comes first. Equal ones are in the order of the mailbox.
 */
void imap_sort_put_key(const struct imap_sort *sort, const struct pst_row *row,
    const struct imap_facts *facts, unsigned score, struct buf *out);

#endif
