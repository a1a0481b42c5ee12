/*
 * managesieve/parse.h - octets to commands (RFC 5804, 4).
 *
 * Pure, and resumable at any octet: what the client says comes in pieces as
 * they are, and is kept here until a command is whole. What is too long is read
 * away without being kept, so that the command behind it is found all the same.
 */
#ifndef MANAGESIEVE_PARSE_H
#define MANAGESIEVE_PARSE_H

#include "base/mem.h"

enum {
	MANAGESIEVE_ARGS = 3,
	MANAGESIEVE_VERB = 32,
	/* Octets of a literal that are read away; more are not waited for. */
	MANAGESIEVE_AWAY = 16 << 20,
};

enum managesieve_said {
	MANAGESIEVE_MORE,    /* needs more input */
	MANAGESIEVE_COMMAND, /* `verb` and the arguments are there */
	MANAGESIEVE_LARGE, /* the same, but some string is too long, and gone */
	MANAGESIEVE_BAD,   /* a line that is no command is over */
	MANAGESIEVE_LOST,  /* where the next command begins is not known */
};

enum managesieve_kind { MANAGESIEVE_STRING, MANAGESIEVE_NUMBER };

struct managesieve_parser {
	/* A command without arguments has `verb` alone; an answer to a
	 * challenge is one string, without a verb. */
	char verb[MANAGESIEVE_VERB];
	size_t verb_n;
	size_t args; /* how many; those beyond MANAGESIEVE_ARGS make it BAD */
	enum managesieve_kind kind[MANAGESIEVE_ARGS];

	/* private: */
	size_t begin[MANAGESIEVE_ARGS + 1]; /* in `text` */
	struct buf text;
	size_t max; /* of `text` */
	unsigned char state;
	bool is_answer, is_bad, is_large;
	bool cr;	 /* the last octet was one */
	uint64_t number; /* of a literal; what is left of it */
	uint64_t line;	 /* octets since the last line or literal ended */
};

void managesieve_parser_init(struct managesieve_parser *p);
void managesieve_parser_fini(struct managesieve_parser *p);
/* Before what follows: an answer to a challenge, or a command. All its strings
 * together may have `max` octets. */
void managesieve_parser_begin(
    struct managesieve_parser *p, bool is_answer, size_t max);
/* Takes what it can, which is *used_r octets of `in`. */
enum managesieve_said managesieve_parser_feed(
    struct managesieve_parser *p, struct pst_str in, size_t *used_r);
/* Valid until the next begin; without a NUL behind it. */
struct pst_str managesieve_parser_arg(
    const struct managesieve_parser *p, size_t i);
/* Between commands: nothing of the next one has come. */
bool managesieve_parser_is_idle(const struct managesieve_parser *p);

#endif
