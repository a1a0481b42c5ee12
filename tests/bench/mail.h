/*
 * mail.h - made-up mail that looks like people's: several mail programs, lists
 * and notices, threads, attachments, words of several languages. The same seed
 * makes the same messages.
 *
 * Some carry a word that no other has, so that searches have a known answer.
 */
#ifndef TESTS_BENCH_MAIL_H
#define TESTS_BENCH_MAIL_H

#include "base/mem.h"

#define MAIL_SUBJECT_WORD "zeppelin" /* in 1 subject of 100, about */
#define MAIL_FROM_WORD "wanderley"   /* in 1 From of 100, about */
#define MAIL_TEXT_WORD "quixotism"   /* in 1 body of 100, about */

enum { MAIL_RECENT = 512 };

struct mail_maker {
	uint64_t chance; /* state of the random numbers */
	unsigned made;
	int64_t date; /* of the last one, seconds */
	/* The last messages, that others answer to. */
	struct {
		uint64_t id, parent;
		uint32_t subject;
		bool word;
	} recent[MAIL_RECENT];
	uint64_t octets;			     /* for the caller */
	uint64_t with_subject, with_from, with_text; /* the words above */
};

void mail_maker_init(struct mail_maker *m, uint64_t seed);
/*
 * The next message, with LF line ends; its date is m->date. `about` is the size
 * that its text is brought to in octets on the wire, 0: as it comes.
 */
void mail_make(struct mail_maker *m, size_t about, struct buf *out);

#endif
