/*
 * base/str.h - slices: borrowed runs of octets, never assumed to end in NUL.
 *
 * All comparisons "without case" fold ASCII only, as wire protocols do, and
 * never look at the locale.
 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <postern/types.h>

#define STR(literal) ((struct pst_str){ (literal), sizeof(literal) - 1 })
#define STR_NONE ((struct pst_str){ NULL, 0 })
/* For "%.*s". */
#define STR_ARG(s) (int)(s).n, (s).p != NULL ? (s).p : ""

struct pst_str str_of(const char *text); /* NULL gives an empty slice */
struct pst_str str_n(const char *p, size_t n);
bool str_eq(struct pst_str a, struct pst_str b);
bool str_eq_case(struct pst_str a, struct pst_str b);
bool str_is(struct pst_str a, const char *b);	   /* exact */
bool str_is_case(struct pst_str a, const char *b); /* without case */
bool str_has_prefix_case(struct pst_str s, const char *prefix);
int str_cmp_case(struct pst_str a, struct pst_str b);
/* The rest of `s` from octet `from` on; empty when from is beyond the end. */
struct pst_str str_from(struct pst_str s, size_t from);
struct pst_str str_first(struct pst_str s, size_t n);
/* Without spaces and tabs (CR and LF too) at both ends. */
struct pst_str str_trim(struct pst_str s);
/* Index of `c`, or s.n when it does not occur. */
size_t str_find(struct pst_str s, char c);
/* Index of `needle` without case, or SIZE_MAX. */
size_t str_find_case(struct pst_str s, struct pst_str needle);
/* Takes the text before the next `sep` off `*rest`; false at the end. */
bool str_split(struct pst_str *rest, char sep, struct pst_str *part_r);
/* Decimal digits only, no sign or space; false on anything else or overflow. */
bool str_to_u64(struct pst_str s, uint64_t *value_r);
bool str_to_u32(struct pst_str s, uint32_t *value_r);
bool str_is_ascii(struct pst_str s);
/* Well-formed UTF-8 without NUL, surrogates or overlong forms (RFC 3629). */
bool str_is_utf8(struct pst_str s);
/* Without case; in the pattern * stands for any octets and ? for one. */
bool str_fits(const char *pattern, const char *text);
/* On the heap, NUL-terminated. */
char *str_dup(struct pst_str s);
/* Copies as much as fits with a NUL; false when it was cut. */
bool str_copy(char *to, size_t size, struct pst_str s);

static inline char
ascii_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static inline char
ascii_upper(char c)
{
	return c >= 'a' && c <= 'z' ? (char)(c - 32) : c;
}

static inline bool
ascii_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static inline bool
ascii_is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

#endif
