/*
 * pop3/parse.h - command lines to values (RFC 2449, 3).
 *
 * Pure. Slices point into the line.
 */
#ifndef POP3_PARSE_H
#define POP3_PARSE_H

#include <postern/types.h>

/* Splits a line without its end into the keyword and what follows the space.
 * Further spaces belong to the argument: it may be a password (RFC 1939, 7). */
void pop3_parse_line(
    struct pst_str line, struct pst_str *verb_r, struct pst_str *args_r);
/* The next of arguments that are separated by spaces, taken off `*rest`; false:
 * there is none. */
bool pop3_parse_word(struct pst_str *rest, struct pst_str *word_r);
/* A message-number, and nothing else. One that is too large for a number is 0,
 * which no message has. False: it is none. */
bool pop3_parse_number(struct pst_str args, uint32_t *number_r);
/* The arguments of TOP; of more lines than there can be, it is the most. */
bool pop3_parse_top(struct pst_str args, uint32_t *number_r, uint64_t *lines_r);
/* Neither controls but tab, nor anything that is not UTF-8. */
bool pop3_parse_is_text(struct pst_str line);

#endif
