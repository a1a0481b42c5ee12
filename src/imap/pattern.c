/*
 * imap/pattern.c - matching mailbox names (RFC 3501, 6.3.8 and 5.1).
 *
 * All ways to match are followed at once, octet by octet, so that no pattern
 * makes it try the same thing twice.
 */
#include "imap/pattern.h"

#include "base/codec.h"
#include "base/str.h"
#include <stdlib.h>
#include <uninorm.h>

/* The octets of `name` that compare without case. */
static size_t
inbox_length(const char *name)
{
	bool is_inbox = strncmp(name, "INBOX", 5) == 0 &&
			(name[5] == '\0' || name[5] == '/');

	return is_inbox ? 5 : 0;
}

/* A wildcard may match nothing: who stands before it stands behind it too. */
static void
step_over(struct pst_str pattern, bool *at, size_t i)
{
	while (i < pattern.n && (pattern.p[i] == '*' || pattern.p[i] == '%'))
		at[++i] = true;
}

static bool
accepts(char want, char c, bool fold)
{
	return want == c || (fold && ascii_upper(want) == c);
}

bool
imap_pattern_matches(struct pst_str pattern, const char *name)
{
	bool at[IMAP_PATTERN_MAX + 1] = { true }, next[IMAP_PATTERN_MAX + 1];
	size_t inbox = inbox_length(name);

	if (pattern.n > IMAP_PATTERN_MAX)
		return false;
	step_over(pattern, at, 0);
	for (size_t k = 0; name[k] != '\0'; k++) {
		bool alive = false;

		memset(next, 0, pattern.n + 1);
		for (size_t i = 0; i < pattern.n; i++) {
			char want = pattern.p[i];
			size_t to = i;

			if (!at[i])
				continue;
			if (want == '%' ? name[k] == '/' : want != '*') {
				if (!accepts(want, name[k], k < inbox))
					continue;
				to = i + 1;
			}
			next[to] = alive = true;
			step_over(pattern, next, to);
		}
		if (!alive)
			return false;
		memcpy(at, next, pattern.n + 1);
	}
	return at[pattern.n];
}

/* "%%" is '%', and '*' swallows a '%' beside it. */
static void
shorten(struct buf *b)
{
	size_t n = 0;

	for (size_t i = 0; i < b->n; i++) {
		char c = b->p[i];
		char last = n > 0 ? b->p[n - 1] : '\0';
		bool wild = c == '*' || c == '%';

		if (wild && (last == '*' || last == '%')) {
			if (c == '*')
				b->p[n - 1] = '*';
			continue;
		}
		b->p[n++] = c;
	}
	b->n = n;
}

/* In NFC, as names are kept (RFC 9051, 5.1). */
static bool
add_composed(struct pst_str utf8, struct buf *out)
{
	uint8_t *nfc;
	size_t n = 0;
	bool good;

	if (str_is_ascii(utf8))
		return buf_add_str(out, utf8);
	nfc = u8_normalize(
	    UNINORM_NFC, (const uint8_t *)utf8.p, utf8.n, NULL, &n);
	good = nfc != NULL && buf_add(out, nfc, n);
	free(nfc);
	return good;
}

static bool
add(struct pst_str wire, bool is_utf8, struct buf *out)
{
	struct buf utf8;
	bool good;

	if (is_utf8 || !str_is_ascii(wire))
		return str_is_utf8(wire) && add_composed(wire, out);
	buf_init(&utf8, out->max);
	good = mutf7_decode(wire, &utf8) && add_composed(buf_str(&utf8), out);
	buf_fini(&utf8);
	return good;
}

bool
imap_pattern_make(struct pst_str reference, struct pst_str mailbox,
    bool is_utf8, struct buf *out)
{
	if (!add(reference, is_utf8, out) || !add(mailbox, is_utf8, out))
		return false;
	shorten(out);
	return out->n <= IMAP_PATTERN_MAX;
}
