/*
 * sieve/lexer.h - the tokens of a script (RFC 5228, 8.1). Private to the
 * compiler.
 */
#ifndef SIEVE_LEXER_H
#define SIEVE_LEXER_H

#include "sieve/tree.h"

enum sieve_token_kind {
	TOKEN_END,
	TOKEN_ERROR, /* the problem is told */
	TOKEN_NAME,
	TOKEN_TAG, /* text: without the colon */
	TOKEN_NUMBER,
	TOKEN_STRING, /* text: its value, in the arena; line ends are CRLF */
	TOKEN_MARK,   /* text: one of ; , ( ) [ ] { } */
};

struct sieve_token {
	enum sieve_token_kind kind;
	unsigned line;
	struct pst_str text;
	uint64_t number;
};

struct sieve_lexer {
	struct pst_str text;
	size_t at;
	unsigned line;
	struct arena *arena; /* for strings */
	struct sieve_problem *problem;
};

/* False: what is no line of UTF-8 text; see the problem. */
bool sieve_lexer_init(struct sieve_lexer *x, struct pst_str text,
    struct arena *arena, struct sieve_problem *problem);
void sieve_lexer_next(struct sieve_lexer *x, struct sieve_token *token_r);

/* Fills in the problem and returns false. Names in it are cut to what fits. */
bool sieve_wrong(struct sieve_problem *problem, unsigned line, const char *fmt,
    ...) PST_PRINTF(3, 4);
/* For "%.*s" in it: as much of a name as is good to read. */
int sieve_name_length(struct pst_str s);
#define NAME_ARG(s) sieve_name_length(s), (s).p != NULL ? (s).p : ""

#endif
