/*
 * imap/gather.h - collects one command: its lines and the literals between
 * them, from pieces of any size (RFC 3501, 4.3; RFC 7888).
 *
 * The text is kept as it came, literals with their announcement "{5}\r\n" in
 * place, for imap/parse.h to read. Who feeds it decides about each literal:
 * take it, skip it, or consume it himself.
 *
 * Pure. Threads: belongs to one connection.
 */
#ifndef IMAP_GATHER_H
#define IMAP_GATHER_H

#include "base/mem.h"

struct imap_gather {
	struct buf text;
	size_t line_max;   /* octets of all lines, without literals, since the
			      last literal that was consumed */
	size_t lines;	   /* how many of them have come */
	size_t line_start; /* where the present line begins in `text` */
	uint64_t left;	   /* of the literal that is taken or skipped */
	uint64_t size;	   /* of the literal that was announced last */
	bool waits;	   /* for a word of ours: it is synchronising */
	bool binary;	   /* "~{n}" (RFC 3516) */
	bool announced;	   /* a literal, and nothing is decided yet */
	bool skipping;	   /* nothing is kept until the command ends */
	bool has_nul;	   /* somewhere in what was kept */
};

enum imap_gathered {
	IMAP_GATHER_MORE,
	IMAP_GATHER_LITERAL,  /* announced: take, skip or consume it */
	IMAP_GATHER_DONE,     /* the command is complete */
	IMAP_GATHER_TOO_LONG, /* more lines than line_max: give up */
};

/* `literals`: how many octets of them may be kept besides the lines. */
void imap_gather_init(struct imap_gather *g, size_t line_max, size_t literals);
void imap_gather_fini(struct imap_gather *g);

/* Takes from `in` what belongs to the command, *used_r octets, and stops behind
 * it or behind the announcement of a literal. */
enum imap_gathered imap_gather_feed(
    struct imap_gather *g, struct pst_str in, size_t *used_r);

/* After IMAP_GATHER_LITERAL, exactly one of: */
/* ... keep its octets. False: it is too large, still undecided. */
bool imap_gather_take(struct imap_gather *g);
/* ... throw away this literal and all the rest of the command. */
void imap_gather_skip(struct imap_gather *g);
/* ... the caller takes the octets off the input himself; what was gathered is
 * forgotten, and the text goes on with what follows the literal. */
void imap_gather_consumed(struct imap_gather *g);
/* Before imap_gather_take(): forgets what stands before the announcement. */
void imap_gather_restart(struct imap_gather *g);

/*
 * Reads the announcement of a literal at the end of `line` (without its line
 * end): "{12}", "{12+}", "{12-}", "~{12}". False: there is none. A number
 * beyond 64 bits gives UINT64_MAX.
 */
bool imap_literal_announced(
    struct pst_str line, uint64_t *size_r, bool *waits_r, bool *binary_r);

#endif
