/*
 * message/casemap.c - i;unicode-casemap (RFC 5051): the form of a text that
 * puts it in order, octet by octet.
 *
 * Each character becomes its title case, which becomes its full decomposition
 * of whatever kind. Nothing depends on a neighbour: the marks behind a letter
 * are left in their order, as the RFC's procedure has it.
 */
#include <unicase.h>
#include <uninorm.h>
#include <unistr.h>

#include "base/str.h"
#include "message/content.h"
#include "message/internal.h"

enum { EXPANSION_MAX = 64 }; /* U+FDFA has 18 */

/* Decomposes the first of `n` characters until it is plain. */
static bool
decompose_first(ucs4_t *c, size_t *n)
{
	ucs4_t parts[UC_DECOMPOSITION_MAX_LENGTH];
	int tag, got = uc_decomposition(c[0], &tag, parts);

	if (got <= 0 || *n - 1 + (size_t)got > EXPANSION_MAX)
		return false;
	memmove(c + got, c + 1, (*n - 1) * sizeof(*c));
	memcpy(c, parts, (size_t)got * sizeof(*c));
	*n += (size_t)got - 1;
	return true;
}

static bool
add_character(ucs4_t first, struct buf *out)
{
	ucs4_t todo[EXPANSION_MAX] = { uc_totitle(first) };
	size_t n = 1;

	while (n > 0) {
		while (decompose_first(todo, &n))
			;
		if (!msg_utf8_put(out, todo[0]))
			return false;
		n--;
		memmove(todo, todo + 1, n * sizeof(todo[0]));
	}
	return true;
}

static bool
map_valid(struct pst_str s, struct buf *out)
{
	for (size_t i = 0; i < s.n;) {
		const char *p = s.p + i;
		ucs4_t c;
		int n;

		if ((unsigned char)*p < 0x80) {
			if (!buf_putc(out, ascii_upper(*p)))
				return false;
			i++;
			continue;
		}
		n = u8_mbtouc(&c, (const uint8_t *)p, s.n - i);
		i += n > 0 ? (size_t)n : 1;
		if (!add_character(c, out))
			return false;
	}
	return true;
}

bool
msg_casemap(struct pst_str utf8, struct buf *out)
{
	if (utf8.n == 0)
		return !out->overflow;
	/* RFC 5051, 2: what is not valid is used unchanged. */
	if (!str_is_ascii(utf8) && !str_is_utf8(utf8))
		return buf_add_str(out, utf8);
	return map_valid(utf8, out);
}
