/*
 * folder.c - folder names. The rule that keeps everything inside of the
 * account and reversible: a level is taken at its word only if encoding what it
 * decodes to gives the same octets again; everything else is shown escaped.
 */
#include "folder.h"
#include "name.h"

/* U+FFFD, before a level that is shown as its raw octets. */
static const char raw_mark[] = "\xef\xbf\xbd";
enum { RAW_MARK = sizeof(raw_mark) - 1 };

static const char base64[65] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

/* The next code point, or -1 where it is not UTF-8 (RFC 3629, 4). */
static int32_t
utf8_next(const char *s, size_t n, size_t *at)
{
	const unsigned char *p = (const unsigned char *)s + *at;
	size_t left = n - *at, more;
	int32_t c = p[0], least;

	if (c < 0x80) {
		*at += 1;
		return c;
	}
	if (c >= 0xc2 && c <= 0xdf) {
		more = 1, least = 0x80, c &= 0x1f;
	} else if (c >= 0xe0 && c <= 0xef) {
		more = 2, least = 0x800, c &= 0x0f;
	} else if (c >= 0xf0 && c <= 0xf4) {
		more = 3, least = 0x10000, c &= 0x07;
	} else {
		return -1;
	}
	if (left <= more)
		return -1;
	for (size_t i = 1; i <= more; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return -1;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (c < least || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return -1;
	*at += more + 1;
	return c;
}

static void
utf8_put(struct li_buf *b, uint32_t c)
{
	if (c < 0x80) {
		li_buf_putc(b, (char)c);
	} else if (c < 0x800) {
		li_buf_putc(b, (char)(0xc0 | c >> 6));
		li_buf_putc(b, (char)(0x80 | (c & 0x3f)));
	} else if (c < 0x10000) {
		li_buf_putc(b, (char)(0xe0 | c >> 12));
		li_buf_putc(b, (char)(0x80 | (c >> 6 & 0x3f)));
		li_buf_putc(b, (char)(0x80 | (c & 0x3f)));
	} else {
		li_buf_putc(b, (char)(0xf0 | c >> 18));
		li_buf_putc(b, (char)(0x80 | (c >> 12 & 0x3f)));
		li_buf_putc(b, (char)(0x80 | (c >> 6 & 0x3f)));
		li_buf_putc(b, (char)(0x80 | (c & 0x3f)));
	}
}

/* Stands for itself in a folder name. '.' separates levels there. */
static bool
is_plain(int32_t c, bool first)
{
	return c >= 0x20 && c < 0x7f && c != '.' && c != '/' &&
	       !(first && c == '~');
}

struct base64_out {
	struct li_buf *out;
	uint32_t bits;
	unsigned n;
};

static void
base64_put16(struct base64_out *b, uint32_t unit)
{
	b->bits = (b->bits << 16 | unit) & 0x3fffff;
	b->n += 16;
	while (b->n >= 6) {
		b->n -= 6;
		li_buf_putc(b->out, base64[b->bits >> b->n & 0x3f]);
	}
}

/* One level in modified UTF-7. False: it is not UTF-8. */
static bool
level_encode(const char *s, size_t n, struct li_buf *out)
{
	struct base64_out b = { .out = out };
	bool shifted = false;

	for (size_t at = 0; at < n;) {
		bool first = at == 0;
		int32_t c = utf8_next(s, n, &at);

		if (c < 0)
			return false;
		if (is_plain(c, first)) {
			if (shifted && b.n > 0)
				li_buf_putc(
				    out, base64[b.bits << (6 - b.n) & 0x3f]);
			if (shifted)
				li_buf_putc(out, '-');
			shifted = false;
			li_buf_putc(out, (char)c);
			if (c == '&')
				li_buf_putc(out, '-');
			continue;
		}
		if (!shifted) {
			li_buf_putc(out, '&');
			b.bits = b.n = 0;
			shifted = true;
		}
		if (c >= 0x10000) {
			uint32_t over = (uint32_t)c - 0x10000;

			base64_put16(&b, 0xd800 | over >> 10);
			base64_put16(&b, 0xdc00 | (over & 0x3ff));
		} else {
			base64_put16(&b, (uint32_t)c);
		}
	}
	if (shifted && b.n > 0)
		li_buf_putc(out, base64[b.bits << (6 - b.n) & 0x3f]);
	if (shifted)
		li_buf_putc(out, '-');
	return true;
}

/* What is between '&' and '-'. */
static bool
shifted_decode(const char *s, size_t n, struct li_buf *out)
{
	uint32_t bits = 0, high = 0;
	unsigned have = 0;

	for (size_t i = 0; i < n; i++) {
		const char *at = s[i] ? strchr(base64, s[i]) : NULL;
		uint32_t unit;

		if (at == NULL)
			return false;
		bits = (bits << 6 | (uint32_t)(at - base64)) & 0x3fffff;
		have += 6;
		if (have < 16)
			continue;
		have -= 16;
		unit = bits >> have & 0xffff;
		if ((unit & 0xfc00) == 0xd800 && high == 0) {
			high = unit;
		} else if (high != 0) {
			if ((unit & 0xfc00) != 0xdc00)
				return false;
			utf8_put(out,
			    0x10000 + ((high & 0x3ff) << 10) + (unit & 0x3ff));
			high = 0;
		} else if ((unit & 0xfc00) == 0xdc00) {
			return false;
		} else {
			utf8_put(out, unit);
		}
	}
	return high == 0;
}

static bool
level_decode(const char *s, size_t n, struct li_buf *out)
{
	for (size_t at = 0; at < n; at++) {
		const char *end;

		if (s[at] != '&') {
			li_buf_putc(out, s[at]);
			continue;
		}
		at++;
		end = memchr(s + at, '-', n - at);
		if (end == NULL)
			return false;
		if (end == s + at)
			li_buf_putc(out, '&');
		else if (!shifted_decode(s + at, (size_t)(end - (s + at)), out))
			return false;
		at = (size_t)(end - s);
	}
	return true;
}

static bool
has_raw_mark(const char *s, size_t n)
{
	return n >= RAW_MARK && memcmp(s, raw_mark, RAW_MARK) == 0;
}

/* Decodes a folder's level; false when it has to be shown raw. */
static bool
level_is_ours(const char *s, size_t n, struct li_buf *out)
{
	struct li_buf again = { 0 };
	size_t start = out->n;
	bool ok;

	li_buf_add(out, "", 0);
	ok = n > 0 && level_decode(s, n, out) &&
	     !has_raw_mark(out->p + start, out->n - start) &&
	     memchr(out->p + start, '/', out->n - start) == NULL &&
	     memchr(out->p + start, '\0', out->n - start) == NULL &&
	     level_encode(out->p + start, out->n - start, &again) &&
	     again.n == n && memcmp(again.p, s, n) == 0;
	li_buf_free(&again);
	if (!ok) {
		out->n = start;
		if (out->p != NULL)
			out->p[start] = '\0';
	}
	return ok;
}

static void
raw_escape(const char *s, size_t n, struct li_buf *out)
{
	li_buf_add(out, raw_mark, RAW_MARK);
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)s[i];

		if (c <= 0x20 || c >= 0x7f || c == '%')
			li_buf_printf(out, "%%%02X", c);
		else
			li_buf_putc(out, s[i]);
	}
}

/*
 * A first level that would be taken for INBOX itself, or that clients could not
 * reach since they may spell INBOX in any case.
 */
static bool
is_like_inbox(const char *s, size_t n, bool whole)
{
	static const char inbox[] = "INBOX";

	if (n != 5)
		return false;
	for (size_t i = 0; i < n; i++)
		if ((s[i] & ~0x20) != inbox[i])
			return false;
	return whole || memcmp(s, inbox, n) != 0;
}

/*
 * A name that we showed for a raw level; nothing else may begin so.
 */
static enum pst_rc
raw_unescape(
    const char *s, size_t n, bool first, bool whole, struct li_buf *out)
{
	struct li_buf check = { 0 }, plain = { 0 };
	size_t start = out->n;
	bool ok;

	li_buf_add(out, "", 0);
	ok = li_unescape(out, s + RAW_MARK, n - RAW_MARK) &&
	     memchr(out->p + start, '.', out->n - start) == NULL &&
	     memchr(out->p + start, '/', out->n - start) == NULL &&
	     memchr(out->p + start, '\0', out->n - start) == NULL;
	if (ok) {
		raw_escape(out->p + start, out->n - start, &check);
		ok = check.n == n && memcmp(check.p, s, n) == 0 &&
		     (!level_is_ours(out->p + start, out->n - start, &plain) ||
			 (first && is_like_inbox(
				       out->p + start, out->n - start, whole)));
	}
	li_buf_free(&check);
	li_buf_free(&plain);
	return ok ? PST_OK : PST_E_PERM;
}

enum pst_rc
md_folder_encode(const char *mailbox, struct li_buf *out, struct pst_error *err)
{
	const char *p = mailbox;
	size_t start = out->n;

	li_buf_add(out, "", 0);
	if (strcmp(mailbox, "INBOX") == 0)
		return PST_OK;
	for (;;) {
		const char *end = strchrnul(p, '/');
		size_t n = (size_t)(end - p);

		if (n == 0)
			return pst_fail(err, PST_E_SYNTAX, 0,
			    "a mailbox name has an empty level");
		li_buf_putc(out, '.');
		if (has_raw_mark(p, n)) {
			if (raw_unescape(p, n, p == mailbox, *end == '\0',
				out) != PST_OK)
				return pst_fail(err, PST_E_PERM, 0,
				    "names that begin with U+FFFD are "
				    "reserved");
		} else if (!level_encode(p, n, out)) {
			return pst_fail(err, PST_E_SYNTAX, 0,
			    "a mailbox name is not UTF-8");
		}
		if (*end == '\0')
			break;
		p = end + 1;
	}
	if (out->n - start > MD_NAME_MAX)
		return pst_fail(err, PST_E_LIMIT, 0,
		    "a mailbox name is too long for the file system");
	if (strcmp(out->p + start, ".") == 0 ||
	    strcmp(out->p + start, "..") == 0)
		return pst_fail(err, PST_E_PERM, 0,
		    "a mailbox name leads out of the store");
	return PST_OK;
}

bool
md_folder_decode(const char *folder, struct li_buf *out)
{
	const char *p = folder;
	bool first = true;

	if (p[0] != '.' || strcmp(p, ".") == 0 || strcmp(p, "..") == 0)
		return false;
	while (*p == '.') {
		const char *end = strchrnul(++p, '.');
		size_t n = (size_t)(end - p);
		bool raw = first && is_like_inbox(p, n, *end == '\0');

		if (!first)
			li_buf_putc(out, '/');
		first = false;
		if (raw || !level_is_ours(p, n, out))
			raw_escape(p, n, out);
		p = end;
	}
	return true;
}
