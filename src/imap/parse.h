/*
 * imap/parse.h - the words of a command (RFC 3501, 9), from a complete text
 * that imap/gather.h collected.
 *
 * Every function reads one thing at the cursor and moves behind it. On failure
 * it returns false, says why in `error` (the first reason stays) and leaves
 * the cursor somewhere: the command is BAD. Slices point into the text, or
 * into the arena where a quoted string had escapes.
 *
 * Pure. Threads: a parser belongs to one thread at a time.
 */
#ifndef IMAP_PARSE_H
#define IMAP_PARSE_H

#include "base/mem.h"

struct imap_parser {
	const char *p, *end; /* end: behind the last line end */
	struct arena *arena;
	const char *error; /* a constant text for the client, or NULL */
	bool utf8;	   /* mailbox names are UTF-8 (RFC 6855; RFC 9051) */
	bool no_charset;   /* SEARCH names none (RFC 6855, 3) */
	/* The last mailbox name as it was written, in UTF-8, when it is not the
	 * one that was read; else p is NULL. */
	struct pst_str given;
};

void imap_parser_init(
    struct imap_parser *ps, struct pst_str text, struct arena *arena);
/* Remembers why; returns false, for use in a return. */
bool imap_bad(struct imap_parser *ps, const char *why);

/* The octet at the cursor, '\0' at the end. */
char imap_peek(const struct imap_parser *ps);
/* Takes `c` if it is there; no error when not. */
bool imap_skip(struct imap_parser *ps, char c);
/* Takes the word if it stands here without regard to case, and no letter,
 * digit or '-' or '.' follows. No error when not. */
bool imap_skip_word(struct imap_parser *ps, const char *word);
bool imap_expect(struct imap_parser *ps, char c);
bool imap_space(struct imap_parser *ps); /* exactly one SP */
bool imap_at_end(const struct imap_parser *ps);
bool imap_end(struct imap_parser *ps); /* the line end, and nothing else */

bool imap_tag(struct imap_parser *ps, struct pst_str *out);
bool imap_atom(struct imap_parser *ps, struct pst_str *out);
/* Letters, digits, '-', '.', '_', '=' and '+': command and item names. */
bool imap_word(struct imap_parser *ps, struct pst_str *out);
bool imap_string(struct imap_parser *ps, struct pst_str *out);
bool imap_astring(struct imap_parser *ps, struct pst_str *out);
/* NIL gives p NULL. */
bool imap_nstring(struct imap_parser *ps, struct pst_str *out);
/* astring with the wildcards of LIST. */
bool imap_list_mailbox(struct imap_parser *ps, struct pst_str *out);
bool imap_number(struct imap_parser *ps, uint32_t *out);
bool imap_number64(struct imap_parser *ps, uint64_t *out);
/* The text of a sequence-set; its meaning: imap/messages.h. */
bool imap_sequence_set(struct imap_parser *ps, struct pst_str *out);
/* A mailbox name, as UTF-8 and cleaned; in the arena, with a NUL. */
bool imap_mailbox(struct imap_parser *ps, char **out);
/* The same from an astring that was read already. */
bool imap_mailbox_name(struct imap_parser *ps, struct pst_str wire, char **out);
/* `"17-Jul-1996 02:44:25 -0700"`, as seconds since 1970. */
bool imap_date_time(struct imap_parser *ps, int64_t *out);
/* `1-Feb-1994`, also quoted, as days since 1970. */
bool imap_date(struct imap_parser *ps, int64_t *days_r);

/* Flags as STORE and APPEND have them. */
struct imap_flags {
	uint32_t flags; /* enum pst_flag */
	const char **keyword;
	size_t keywords;
};
/* "(" [flag *(SP flag)] ")". \Recent is taken and ignored: clients send back
 * what they were told. At most `longest` octets a keyword. */
bool imap_flag_list(
    struct imap_parser *ps, size_t longest, struct imap_flags *out);
/* The same, or flags without the parentheses up to the end. */
bool imap_store_flags(
    struct imap_parser *ps, size_t longest, struct imap_flags *out);

/* May stand in an atom. */
bool imap_is_atom_char(char c);

/* Days since 1970 of a date in the Gregorian calendar; month 1 to 12. */
int64_t imap_days(int64_t year, int month, int day);
/* The reverse. */
void imap_civil(int64_t days, int *year_r, int *month_r, int *day_r);
extern const char imap_months[12][4]; /* "Jan", ... */

#endif
