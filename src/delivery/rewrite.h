/*
 * delivery/rewrite.h - changes to the header of a message that passes through.
 *
 * The message is handed on as it comes: at most the name of the field at hand
 * is held back. Only whole fields are taken out, and only before the empty
 * line or at the top something is put in; all else passes octet for octet.
 *
 * A line ends at LF, with or without CR before it, so that a field cannot hide
 * from the rewriter that a reader would see. The header ends at the first line
 * that is empty, or that is neither a field nor the continuation of one; in
 * the second case an empty line is put before it, so that every reader sees
 * the same header. A first line that begins with "From " is an mbox separator
 * and is taken out.
 *
 * Pure. A rewriter belongs to one thread.
 */
#ifndef DELIVERY_REWRITE_H
#define DELIVERY_REWRITE_H

#include "base/mem.h"

/* Where the message goes to. What it returns other than OK ends the feeding
 * and is returned. */
typedef enum pst_rc (*rewrite_sink)(void *arg, const void *p, size_t n);

struct rewrite_options {
	bool drop_bcc;	     /* Bcc and Resent-Bcc too, not just Return-Path */
	bool keep_authors;   /* collect the values of From */
	bool keep_delivered; /* and those of Delivered-To */
	bool keep_id;	     /* and that of Message-ID */
	size_t header_max;   /* beyond, the header is only passed on */
	/* Authentication-Results with this authserv-id are taken out, and those
	 * that hide whose they are (RFC 8601, 5); NULL: none. */
	const char *drop_results;
	/* Put in when the field is missing; whole fields with their line ends,
	 * empty: none. */
	struct pst_str date, message_id, from;
};

struct rewrite {
	struct rewrite_options opt;
	unsigned char state; /* private */
	unsigned char field;
	bool dropping;
	bool has_date, has_message_id;
	char name[80];	    /* start of a line whose kind is not known yet */
	unsigned char held; /* octets of it */
	bool doubting;	    /* is this field to be dropped? It waits in: */
	struct buf doubt;

	/* To be read by the owner: */
	bool ended;	     /* the header is behind us */
	bool cut;	     /* it was longer than header_max */
	uint64_t header;     /* octets of it so far */
	unsigned received;   /* Received fields */
	unsigned froms;	     /* From fields */
	struct buf authors;  /* their values, each ended by a NUL */
	unsigned tls_fields; /* TLS-Required fields (RFC 8689, 3) */
	struct buf tls;	     /* the value of the last one; short */
	/* Those of Delivered-To; with more than it holds it overflows. */
	struct buf delivered;
	struct buf id; /* Message-ID, as far as it is short */
};

/* The texts in `opt` must outlive the rewriter. */
void rewrite_init(struct rewrite *w, const struct rewrite_options *opt);
void rewrite_fini(struct rewrite *w);
enum pst_rc rewrite_feed(
    struct rewrite *w, const char *p, size_t n, rewrite_sink sink, void *arg);
/* The message is over. */
enum pst_rc rewrite_end(struct rewrite *w, rewrite_sink sink, void *arg);
/* "TLS-Required: No" (RFC 8689, 3), once the header is over. */
bool rewrite_tls_is_optional(const struct rewrite *w);

#endif
