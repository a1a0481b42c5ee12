/*
 * sieve/words.h - what the tables of commands.c say beyond tree.h, for the
 * compiler alone.
 */
#ifndef SIEVE_WORDS_H
#define SIEVE_WORDS_H

#include "sieve/tree.h"

/* Of the tags of one group a command has one at most. */
enum sieve_group {
	GROUP_NONE,
	GROUP_MATCH,
	GROUP_PART,
	GROUP_SIZE,
	GROUP_BODY,
	GROUP_ZONE,
	GROUP_PERIOD,
	GROUP_CASE,
	GROUP_FIRST,
	GROUP_PLACE,
	GROUP_ID,
	GROUPS
};

struct sieve_tag_word {
	const char *name;
	char value; /* 's', 'l' or 'n' as in sieve_command.args; 0: none */
	enum sieve_ext ext; /* needed with whatever command */
	enum sieve_group group;
};

extern const struct sieve_command sieve_error_test;
const struct sieve_tag_word *sieve_tag_word(enum sieve_tag tag);
const char *sieve_ext_name(enum sieve_ext ext);

#endif
