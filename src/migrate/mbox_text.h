/*
 * migrate/mbox_text.h - the text of an mbox file: where messages begin, and
 * what other programs say of them in header fields of their own.
 *
 * A message begins at a "From " line that has a date, at the start of the file
 * or behind an empty line. Content-Length is not believed. A ">From " line,
 * with any number of '>', loses one (mboxrd; what mboxo wrote comes out the
 * same but for lines that had a '>' of their own). The empty line before the
 * next "From " line belongs to the file, not to the message.
 *
 * Pure and resumable: the same events whatever pieces the text comes in.
 */
#ifndef MIGRATE_MBOX_TEXT_H
#define MIGRATE_MBOX_TEXT_H

#include "base/mem.h"

enum {
	MBOX_LINE_MAX = 4096, /* longer lines are no "From " line or field */
	MBOX_HEADER_MAX = 1 << 20, /* beyond it is body */
	MBOX_KEYWORDS_MAX = 64,
};

/* What the fields say: Status, X-Status, X-Keywords, X-UID, X-IMAPbase. */
struct mbox_about {
	int64_t date; /* of the "From " line */
	uint32_t flags;
	uint32_t uid;				  /* 0: none */
	uint32_t base_uidvalidity, base_last_uid; /* of the first message */
	bool is_internal;    /* c-client's own message, that is none */
	struct buf keywords; /* each ended by NUL */
	size_t keyword_count;
};

enum mbox_event {
	MBOX_MORE,    /* what is left of the text does not say yet */
	MBOX_MESSAGE, /* one begins: `about`; its header without those fields
		       * is `text` */
	MBOX_TEXT,    /* more of it: `text` */
	MBOX_OVER,    /* the end of the file */
	MBOX_NONE,    /* the file begins with something else: no mbox */
};

struct mbox_parser {
	struct mbox_about about;
	struct buf header;
	bool began; /* past the first "From " line */
	bool in_header;
	bool after_empty; /* the last line was empty, and not handed on yet */
	bool in_line;	  /* in the middle of one that is long */
	char held[2];	  /* that line's end */
	size_t held_n;
};

void mbox_parser_init(struct mbox_parser *p);
void mbox_parser_fini(struct mbox_parser *p);
/*
 * Takes the next event off `*in`, of which the used part is cut off. With
 * `eof` no more follows and MBOX_MORE never is the answer. `text_r` is valid
 * until the next call and while the caller's text is.
 */
enum mbox_event mbox_parse(struct mbox_parser *p, struct pst_str *in, bool eof,
    struct pst_str *text_r);

/* "From sender Www Mmm dd hh:mm:ss yyyy", with a zone before or behind the
 * year, or none. */
bool mbox_parse_from(struct pst_str line, int64_t *date_r);

#endif
