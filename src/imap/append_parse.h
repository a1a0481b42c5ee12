/*
 * imap/append_parse.h - the arguments of APPEND and REPLACE, a segment at a
 * time: what stands before, between and behind the literals that are messages
 * (RFC 4466, 2.6; RFC 3502; RFC 3516, 4.4; RFC 4469, 5; RFC 8508, 5).
 *
 * Pure.
 */
#ifndef IMAP_APPEND_PARSE_H
#define IMAP_APPEND_PARSE_H

#include "imap/parse.h"

/* What is expected next; private to the parser. */
enum imap_append_at {
	IMAP_APPEND_HEAD,
	IMAP_APPEND_MESSAGE,
	IMAP_APPEND_PART,
	IMAP_APPEND_URL,
	IMAP_APPEND_PART_END,
	IMAP_APPEND_PART_CLOSE, /* the ')' of UTF8, then PART_END */
	IMAP_APPEND_CLOSE,	/* the ')' of UTF8, then MESSAGE_END */
	IMAP_APPEND_MESSAGE_END,
};

/* Start with zeroes, `replace` and `longest`. */
struct imap_append_grammar {
	enum imap_append_at at;
	bool replace;	/* "REPLACE": a number first, and one message */
	size_t longest; /* octets of a keyword */
};

enum imap_append_what {
	IMAP_APPEND_BEGIN,  /* a message, with these flags and date */
	IMAP_APPEND_COPY,   /* of what a URL means */
	IMAP_APPEND_STREAM, /* the literal that is announced */
	IMAP_APPEND_END,    /* of the message */
};

struct imap_append_step {
	enum imap_append_what what;
	struct imap_flags flags; /* BEGIN */
	bool has_date;
	int64_t date;
	struct pst_str url; /* COPY: in the text that was parsed */
	bool binary;	    /* STREAM: a literal8 */
	bool whole;	    /* STREAM: the message is nothing else */
	struct imap_append_step *next;
};

/* What the text of a segment ended with. */
enum imap_append_need {
	IMAP_APPEND_BAD,      /* it is not valid; see the parser's error */
	IMAP_APPEND_ARGUMENT, /* a literal that is an argument: parse again
				 when it has come */
	IMAP_APPEND_ADDRESS,  /* a literal that is a URL: the next segment
				 begins with its announcement */
	IMAP_APPEND_CONTENT,  /* a literal of a message: the last step */
	IMAP_APPEND_DONE,
};

struct imap_append_segment {
	uint32_t number; /* of REPLACE, in the first one; 0: '*' */
	char *mailbox;	 /* in the first one */
	struct imap_append_step *first;
};

/* `g` moves on, but not with ARGUMENT and BAD. */
enum imap_append_need imap_append_parse(struct imap_parser *ps,
    struct imap_append_grammar *g, struct imap_append_segment *out);

#endif
