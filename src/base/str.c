/*
 * base/str.c - slices. Everything folds ASCII only and ignores the locale.
 */
#include "base/str.h"

#include "base/mem.h"

struct pst_str
str_of(const char *text)
{
	return (struct pst_str){ text, text != NULL ? strlen(text) : 0 };
}

struct pst_str
str_n(const char *p, size_t n)
{
	return (struct pst_str){ p, n };
}

bool
str_eq(struct pst_str a, struct pst_str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static bool
equal_case(const char *a, const char *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (a[i] != b[i] && ascii_lower(a[i]) != ascii_lower(b[i]))
			return false;
	return true;
}

bool
str_eq_case(struct pst_str a, struct pst_str b)
{
	return a.n == b.n && equal_case(a.p, b.p, a.n);
}

bool
str_is(struct pst_str a, const char *b)
{
	return str_eq(a, str_of(b));
}

bool
str_is_case(struct pst_str a, const char *b)
{
	return str_eq_case(a, str_of(b));
}

bool
str_has_prefix_case(struct pst_str s, const char *prefix)
{
	size_t n = strlen(prefix);

	return s.n >= n && equal_case(s.p, prefix, n);
}

int
str_cmp_case(struct pst_str a, struct pst_str b)
{
	size_t n = a.n < b.n ? a.n : b.n;

	for (size_t i = 0; i < n; i++) {
		unsigned char x = (unsigned char)ascii_lower(a.p[i]);
		unsigned char y = (unsigned char)ascii_lower(b.p[i]);

		if (x != y)
			return x < y ? -1 : 1;
	}
	return a.n == b.n ? 0 : a.n < b.n ? -1 : 1;
}

struct pst_str
str_from(struct pst_str s, size_t from)
{
	if (from >= s.n)
		return (struct pst_str){ s.p != NULL ? s.p + s.n : NULL, 0 };
	return (struct pst_str){ s.p + from, s.n - from };
}

struct pst_str
str_first(struct pst_str s, size_t n)
{
	return (struct pst_str){ s.p, n < s.n ? n : s.n };
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct pst_str
str_trim(struct pst_str s)
{
	while (s.n > 0 && is_blank(s.p[0])) {
		s.p++;
		s.n--;
	}
	while (s.n > 0 && is_blank(s.p[s.n - 1]))
		s.n--;
	return s;
}

size_t
str_find(struct pst_str s, char c)
{
	const char *at = s.n > 0 ? memchr(s.p, c, s.n) : NULL;

	return at != NULL ? (size_t)(at - s.p) : s.n;
}

size_t
str_find_case(struct pst_str s, struct pst_str needle)
{
	if (needle.n == 0)
		return 0;
	for (size_t i = 0; i + needle.n <= s.n; i++)
		if (equal_case(s.p + i, needle.p, needle.n))
			return i;
	return SIZE_MAX;
}

bool
str_split(struct pst_str *rest, char sep, struct pst_str *part_r)
{
	size_t at;

	if (rest->p == NULL)
		return false;
	at = str_find(*rest, sep);
	*part_r = str_first(*rest, at);
	*rest = at < rest->n ? str_from(*rest, at + 1) : STR_NONE;
	return true;
}

bool
str_to_u64(struct pst_str s, uint64_t *value_r)
{
	uint64_t value = 0;

	if (s.n == 0)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		unsigned digit = (unsigned)(s.p[i] - '0');

		if (!ascii_is_digit(s.p[i]) ||
		    value > (UINT64_MAX - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	*value_r = value;
	return true;
}

bool
str_to_u32(struct pst_str s, uint32_t *value_r)
{
	uint64_t value;

	if (!str_to_u64(s, &value) || value > UINT32_MAX)
		return false;
	*value_r = (uint32_t)value;
	return true;
}

bool
str_is_ascii(struct pst_str s)
{
	const uint64_t high = 0x8080808080808080;
	size_t i = 0;

	for (uint64_t word; s.n - i >= sizeof(word); i += sizeof(word)) {
		memcpy(&word, s.p + i, sizeof(word));
		if ((word & high) != 0)
			return false;
	}
	for (; i < s.n; i++)
		if ((unsigned char)s.p[i] >= 0x80)
			return false;
	return true;
}

/* The length of the UTF-8 sequence at `p`, 0 when it is not well-formed. */
static size_t
utf8_length(const unsigned char *p, size_t n)
{
	static const unsigned char low[] = { 0x80, 0xA0, 0x90 };
	unsigned char c = p[0];
	size_t len = c < 0xC2	? 0
		     : c < 0xE0 ? 2
		     : c < 0xF0 ? 3
		     : c < 0xF5 ? 4
				: 0;

	if (len == 0 || len > n)
		return 0;
	for (size_t i = 1; i < len; i++)
		if ((p[i] & 0xC0) != 0x80)
			return 0;
	if ((c == 0xE0 && p[1] < low[1]) || (c == 0xED && p[1] > 0x9F) ||
	    (c == 0xF0 && p[1] < low[2]) || (c == 0xF4 && p[1] > 0x8F))
		return 0;
	return len;
}

bool
str_is_utf8(struct pst_str s)
{
	const unsigned char *p = (const unsigned char *)s.p;

	for (size_t i = 0; i < s.n;) {
		size_t len = 1;

		if (p[i] == 0)
			return false;
		if (p[i] >= 0x80 && (len = utf8_length(p + i, s.n - i)) == 0)
			return false;
		i += len;
	}
	return true;
}

char *
str_dup(struct pst_str s)
{
	char *copy = mem_alloc(s.n + 1);

	if (s.n > 0)
		memcpy(copy, s.p, s.n);
	return copy;
}

bool
str_copy(char *to, size_t size, struct pst_str s)
{
	size_t n = s.n < size ? s.n : size - 1;

	if (n > 0)
		memcpy(to, s.p, n);
	to[n] = '\0';
	return n == s.n;
}

/* Only the last * is ever tried again, so it takes time in proportion to both
 * lengths multiplied at the worst. */
bool
str_fits(const char *pattern, const char *text)
{
	const char *star = NULL, *from = text;

	while (*text != '\0') {
		if (*pattern == '*') {
			star = pattern++;
			from = text;
		} else if (*pattern == '?' ||
			   ascii_lower(*pattern) == ascii_lower(*text)) {
			pattern++;
			text++;
		} else if (star != NULL) {
			pattern = star + 1;
			text = ++from;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == '\0';
}
