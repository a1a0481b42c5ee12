/*
 * form.h - how one message stands in an mbox file, written and read. Pure
 * functions but for the time zone in `From ` lines.
 *
 *     From joe@example.org Fri Jul  8 12:08:34 2011
 *     X-IMAPbase: 1310126914 0000000017        (only of the first message)
 *     X-Postern-Mailbox: F0123456789abcdef     (the same)
 *     X-UID: 17
 *     Status: RO
 *     X-Status: AF
 *     X-Keywords: $Forwarded
 *     X-Postern: 1 9d3a0c11 l M0123456789abcdef0123456789abcdef ...
 *     Subject: the message itself
 *
 *     >From is quoted so
 *     (an empty line)
 *
 * The fields that we put before a message have fixed widths, filled up with
 * spaces, so that flags are changed in their place. Other programs take some of
 * them away and put others at the end of the header; all of them are hidden
 * from clients wherever they stand (is_hidden() in form.c), and what else is in
 * the header is the message's own.
 *
 * A message that has such fields of its own, or begins with a continuation
 * line, has "X-Kept-" put before these lines; so have lines that begin so
 * already. Lines that begin with any number of '>' and "From " get one '>' more
 * (mboxrd). Reading takes both away, so all octets come back.
 */
#ifndef MBOX_FORM_H
#define MBOX_FORM_H

#include "lines.h"
#include "localindex/util.h"

/* Octets from "X-UID:" to the keywords, and from behind them to the tag. */
#define MB_FIXED_HEAD 56
#define MB_FIXED_TAG 14

enum {
	MB_FIELD_MAX = 48 * 1024, /* octets of a field that is looked at */
	MB_ROOM = 40,		  /* octets for keywords at the beginning */
	MB_TAG = 8,
};

/* What stands before a message. */
struct mb_block {
	uint32_t uid;	      /* 0: none */
	uint32_t flags;	      /* enum pst_flag */
	bool is_old;	      /* a session was shown it: "O" */
	char tag[MB_TAG + 1]; /* of the mailbox that gave the uid */
	/* What only we know; has_own: there was such a field. */
	bool has_own;
	bool is_raw; /* octets as they came; else LF stands for CRLF */
	bool no_eol; /* its last line had no line end */
	char ident[40];
	int64_t internal_date, save_date;
	uint64_t size;
	/* Of the first message of a mailbox; 0 and "": none. */
	uint32_t uidvalidity, uidlast;
	char objectid[40];
	bool is_pseudo; /* X-IMAP: no message, but another server's notes */
};

/* The tag of a mailbox. */
void mb_tag(const char *objectid, char tag_r[MB_TAG + 1]);

/* Where in the text that mb_block_print() appended things stand. */
struct mb_places {
	size_t base;  /* uidlast, ten digits; 0: none */
	size_t fixed; /* "X-UID:"; what mb_fixed_print() writes follows it */
	size_t room;  /* octets for keywords */
};

/* Appends all of it; `keywords`: names with spaces between. */
void mb_block_print(struct li_buf *out, const struct mb_block *block,
    struct pst_str keywords, struct mb_places *places_r);
/* Only from X-UID to X-Keywords. False: the keywords need more room. */
bool mb_fixed_print(struct li_buf *out, const struct mb_block *block,
    struct pst_str keywords, size_t room);

/* --- content ---------------------------------------------------------------
 */

/* Octets that come out of either direction. */
typedef void (*mb_sink_fn)(void *arg, const char *p, size_t n);

/* A run of '>' at the beginning of a line, and what follows it. */
struct mb_quote {
	bool in_run, is_matching, is_held;
	unsigned matched;
};

/* A message of a file becomes what a client sees. */
struct mb_reader {
	mb_sink_fn sink;
	void *arg;
	struct mb_block block;	/* what was found in its fields */
	struct li_buf keywords; /* the text of X-Keywords */
	uint64_t octets;	/* that came out */
	/* All of our fields are there as we write them, and where: counted
	 * from the first line. */
	bool is_intact;
	struct mb_places places;
	bool is_ours_so_far; /* only fields of ours were seen */
	/* Told at its end: it has our fields and is what they speak of; nobody
	 * has added or taken away anything. */
	bool is_whole;

	bool in_header, is_hiding, is_empty_line, ends_header, has_content;
	bool after_length, had_lf, is_first_line;
	char last;
	unsigned step;
	size_t header_at;
	struct mb_quote quote;
};

void mb_reader_init(struct mb_reader *r, mb_sink_fn sink, void *arg);
/* Each piece but that of the `From ` line. */
void mb_reader_piece(struct mb_reader *r, const struct mb_piece *piece);
/* No more comes: how many of the octets that came out are the message; the
 * others are the empty line after it. *is_torn_r (may be NULL): it is one of
 * ours and not all of it is there. */
uint64_t mb_reader_end(struct mb_reader *r, bool *is_torn_r);
void mb_reader_fini(struct mb_reader *r);

/* What a client sent, with LF or as it came, becomes lines of the file. */
struct mb_writer {
	struct li_buf *out;
	bool in_header, is_first;
	struct mb_quote quote;
};

void mb_writer_init(struct mb_writer *w, struct li_buf *out);
void mb_writer_piece(struct mb_writer *w, const struct mb_piece *piece);
void mb_writer_end(struct mb_writer *w);

/* Appends the lines of a message of a file without hidden fields, so that they
 * can stand after other fields. */
struct mb_stripper {
	struct li_buf *out;
	bool in_header, is_hiding, after_length, is_first;
};
void mb_stripper_init(struct mb_stripper *s, struct li_buf *out);
void mb_stripper_piece(struct mb_stripper *s, const struct mb_piece *piece);

/* --- room that nobody uses --------------------------------------------------
 */

/* What stands in the file in the place of messages that were taken out, while
 * the file is rewritten: a message that is none. */
size_t mb_filler_least(void);
/* `n` octets of it; n is not less. */
void mb_filler_print(struct li_buf *out, size_t n);
bool mb_is_filler(const char *line, size_t n);

#endif
