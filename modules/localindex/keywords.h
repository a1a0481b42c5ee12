/*
 * localindex/keywords.h - a mailbox's table of keyword names by number; NULL is
 * a free number. Pure functions.
 */
#ifndef LOCALINDEX_KEYWORDS_H
#define LOCALINDEX_KEYWORDS_H

#include <postern/types.h>

/* The number of a name, without regard to case; -1: there is none. */
int li_keyword_find(char *const name[PST_KEYWORDS_MAX], const char *sought);
/*
 * A number for a new keyword, when messages use those of the mask `used`: one
 * without a name that nobody uses, else one without a name, else one whose name
 * no message has. -1: all are taken.
 */
int li_keyword_free(char *const name[PST_KEYWORDS_MAX], uint64_t used);

#endif
