/*
 * message/casefold.c - text made comparable without case: full case folding and
 * compatibility decomposition (in the spirit of RFC 5051; Unicode 3.13, D146).
 *
 * ASCII is done here. Everything else goes to libunistring in runs that begin
 * and end where nothing can combine over the edge.
 */
#include <stdlib.h>
#include <unicase.h>
#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>

#include "base/str.h"
#include "message/content.h"
#include "message/internal.h"

enum {
	RUN_WISHED = 4096,
	RUN_MAX = 16384, /* of combining marks only: cut anywhere */
};

static size_t
add_ascii(const char *p, size_t n, struct buf *out)
{
	size_t i = 0;
	char *to;

	while (i < n && (unsigned char)p[i] < 0x80)
		i++;
	to = buf_reserve(out, i);
	if (to == NULL)
		return i;
	for (size_t k = 0; k < i; k++)
		to[k] = ascii_lower(p[k]);
	buf_added(out, i);
	return i;
}

/* Nothing that is done to it depends on case or composition: the ideographs of
 * the basic plane. */
static bool
is_plain(const char *p)
{
	unsigned char c = (unsigned char)*p;

	return c >= 0xe5 && c <= 0xe9;
}

static size_t
plain_run(const char *p, const char *end)
{
	const char *at = p;

	while (end - at >= 3 && is_plain(at))
		at += 3;
	return (size_t)(at - p);
}

static bool
combines(const char *p, const char *end)
{
	ucs4_t c;

	(void)u8_mbtouc(&c, (const uint8_t *)p, (size_t)(end - p));
	return uc_combining_class(c) != UC_CCC_NR;
}

/* The length of the run of other characters at `p`, which is valid UTF-8. */
static size_t
other_run(const char *p, const char *end)
{
	const char *at = p;

	while (at < end && (unsigned char)*at >= 0x80) {
		size_t have = (size_t)(at - p);

		if (have >= RUN_MAX ||
		    (have >= RUN_WISHED && !combines(at, end)))
			break;
		at += msg_utf8_length(at, end, NULL);
	}
	return (size_t)(at - p);
}

/* RFC 5051 has the dotless i equal to i, by their capital; folding has not. */
static void
add_with_dots(const char *p, size_t n, struct buf *out)
{
	const char *end = p + n, *found;

	while ((found = memmem(p, (size_t)(end - p), "\xc4\xb1", 2)) != NULL) {
		(void)buf_add(out, p, (size_t)(found - p));
		(void)buf_putc(out, 'i');
		p = found + 2;
	}
	(void)buf_add(out, p, (size_t)(end - p));
}

/* Decomposed first, so that what decomposes to capital letters is folded. */
static void
add_folded(const char *p, size_t n, struct buf *out)
{
	uint8_t *plain, *folded = NULL;
	size_t plain_n, folded_n;

	plain = u8_normalize(
	    UNINORM_NFKD, (const uint8_t *)p, n, NULL, &plain_n);
	if (plain != NULL)
		folded = u8_casefold(
		    plain, plain_n, NULL, UNINORM_NFKD, NULL, &folded_n);
	if (folded != NULL)
		add_with_dots((const char *)folded, folded_n, out);
	else
		(void)buf_add(out, p, n);
	free(folded);
	free(plain);
}

static void
fold_valid(struct pst_str s, struct buf *out)
{
	const char *p = s.p, *end = p + s.n;

	while (p < end && !out->overflow) {
		size_t n = add_ascii(p, (size_t)(end - p), out);

		p += n;
		n = plain_run(p, end);
		(void)buf_add(out, p, n);
		p += n;
		n = other_run(p, end);
		if (n > 0)
			add_folded(p, n, out);
		p += n;
	}
}

bool
msg_casefold(struct pst_str utf8, struct buf *out)
{
	struct buf valid;
	struct msg_conv c;

	if (utf8.n == 0)
		return !out->overflow;
	if (str_is_ascii(utf8) || str_is_utf8(utf8)) {
		fold_valid(utf8, out);
		return !out->overflow;
	}
	/* Each octet that is not valid becomes at most three. */
	buf_init(&valid, utf8.n > SIZE_MAX / 3 ? SIZE_MAX : utf8.n * 3);
	msg_conv_init_kind(&c, CONV_UTF8);
	(void)msg_conv_feed(&c, utf8, true, &valid);
	msg_conv_fini(&c);
	fold_valid(buf_str(&valid), out);
	buf_fini(&valid);
	return !out->overflow;
}

bool
msg_compose(struct pst_str utf8, struct buf *out)
{
	uint8_t *composed = NULL;
	size_t n;

	if (!str_is_ascii(utf8) && str_is_utf8(utf8))
		composed = u8_normalize(
		    UNINORM_NFC, (const uint8_t *)utf8.p, utf8.n, NULL, &n);
	if (composed != NULL)
		utf8 = str_n((const char *)composed, n);
	for (size_t i = 0; i < utf8.n; i++) {
		unsigned char c = (unsigned char)utf8.p[i];

		if ((c >= ' ' || c == '\t') && c != 127)
			(void)buf_putc(out, (char)c);
	}
	free(composed);
	return !out->overflow;
}
