/*
 * message/charset.c - conversion to UTF-8 (charsets of RFC 2045 and RFC 2047).
 *
 * Only the charsets of a list are ever opened: names come from the network,
 * iconv loads code by name, and glibc would read options in them. The list also
 * maps names that iconv lacks. UTF-8, ASCII, Latin-1, HZ (RFC 1843) and UTF-7
 * (RFC 2152; that of glibc depends on where its input is cut) are done here. As
 * browsers do, ISO 8859-1 is read as its superset windows-1252.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/str.h"
#include "message/content.h"
#include "message/internal.h"

struct charset {
	const char *name; /* in lower case */
	const char *iconv;
};

static const struct charset charsets[] = {
	{ "big5", "BIG5-HKSCS" },
	{ "big5-eten", "BIG5" },
	{ "big5-hkscs", "BIG5-HKSCS" },
	{ "cn-big5", "BIG5-HKSCS" },
	{ "cp1250", "CP1250" },
	{ "cp1251", "CP1251" },
	{ "cp1253", "CP1253" },
	{ "cp1254", "CP1254" },
	{ "cp1255", "CP1255" },
	{ "cp1256", "CP1256" },
	{ "cp1257", "CP1257" },
	{ "cp1258", "CP1258" },
	{ "cp437", "CP437" },
	{ "cp850", "CP850" },
	{ "cp852", "CP852" },
	{ "cp855", "CP855" },
	{ "cp857", "CP857" },
	{ "cp862", "CP862" },
	{ "cp866", "CP866" },
	{ "cp874", "CP874" },
	{ "cp932", "CP932" },
	{ "cp936", "GB18030" },
	{ "cp949", "CP949" },
	{ "cp950", "BIG5" },
	{ "cseucpkdfmtjapanese", "EUC-JP" },
	{ "csiso2022jp", "ISO-2022-JP-2" },
	{ "cskoi8r", "KOI8-R" },
	{ "csshiftjis", "CP932" },
	{ "euc-cn", "GB18030" },
	{ "euc-jp", "EUC-JP" },
	{ "euc-kr", "CP949" },
	{ "euc-tw", "EUC-TW" },
	{ "euccn", "GB18030" },
	{ "eucjp", "EUC-JP" },
	{ "euckr", "CP949" },
	{ "gb18030", "GB18030" },
	{ "gb2312", "GB18030" },
	{ "gb_2312-80", "GB18030" },
	{ "gbk", "GB18030" },
	{ "ibm437", "CP437" },
	{ "ibm850", "CP850" },
	{ "ibm852", "CP852" },
	{ "ibm855", "CP855" },
	{ "ibm857", "CP857" },
	{ "ibm862", "CP862" },
	{ "ibm866", "CP866" },
	{ "iso-10646-ucs-2", "UTF-16BE" },
	{ "iso-2022-cn", "ISO-2022-CN" },
	{ "iso-2022-jp", "ISO-2022-JP-2" },
	{ "iso-2022-jp-1", "ISO-2022-JP-2" },
	{ "iso-2022-jp-2", "ISO-2022-JP-2" },
	{ "iso-2022-jp-3", "ISO-2022-JP-3" },
	{ "iso-2022-kr", "ISO-2022-KR" },
	{ "iso-8859-10", "ISO-8859-10" },
	{ "iso-8859-11", "CP874" },
	{ "iso-8859-13", "ISO-8859-13" },
	{ "iso-8859-14", "ISO-8859-14" },
	{ "iso-8859-15", "ISO-8859-15" },
	{ "iso-8859-16", "ISO-8859-16" },
	{ "iso-8859-2", "ISO-8859-2" },
	{ "iso-8859-3", "ISO-8859-3" },
	{ "iso-8859-4", "ISO-8859-4" },
	{ "iso-8859-5", "ISO-8859-5" },
	{ "iso-8859-6", "ISO-8859-6" },
	{ "iso-8859-6-e", "ISO-8859-6" },
	{ "iso-8859-6-i", "ISO-8859-6" },
	{ "iso-8859-7", "ISO-8859-7" },
	{ "iso-8859-8", "ISO-8859-8" },
	{ "iso-8859-8-e", "ISO-8859-8" },
	{ "iso-8859-8-i", "ISO-8859-8" },
	{ "iso-8859-9", "CP1254" },
	{ "iso8859-15", "ISO-8859-15" },
	{ "iso8859-2", "ISO-8859-2" },
	{ "iso_8859-15", "ISO-8859-15" },
	{ "iso_8859-2", "ISO-8859-2" },
	{ "iso_8859-7", "ISO-8859-7" },
	{ "iso_8859-9", "CP1254" },
	{ "johab", "JOHAB" },
	{ "koi8-r", "KOI8-R" },
	{ "koi8-ru", "KOI8-U" },
	{ "koi8-u", "KOI8-U" },
	{ "koi8r", "KOI8-R" },
	{ "korean", "CP949" },
	{ "ks_c_5601", "CP949" },
	{ "ks_c_5601-1987", "CP949" },
	{ "ks_c_5601-1989", "CP949" },
	{ "ksc5601", "CP949" },
	{ "ksc_5601", "CP949" },
	{ "latin2", "ISO-8859-2" },
	{ "latin5", "CP1254" },
	{ "latin9", "ISO-8859-15" },
	{ "mac", "MACINTOSH" },
	{ "macintosh", "MACINTOSH" },
	{ "ms932", "CP932" },
	{ "ms936", "GB18030" },
	{ "ms949", "CP949" },
	{ "ms_kanji", "CP932" },
	{ "shift-jis", "CP932" },
	{ "shift_jis", "CP932" },
	{ "shift_jis-2004", "SHIFT_JISX0213" },
	{ "sjis", "CP932" },
	{ "tis-620", "CP874" },
	{ "ucs-2", "UTF-16BE" },
	{ "utf-16", "UTF-16" },
	{ "utf-16be", "UTF-16BE" },
	{ "utf-16le", "UTF-16LE" },
	{ "utf-32", "UTF-32" },
	{ "utf-32be", "UTF-32BE" },
	{ "utf-32le", "UTF-32LE" },
	{ "viscii", "VISCII" },
	{ "windows-1250", "CP1250" },
	{ "windows-1251", "CP1251" },
	{ "windows-1253", "CP1253" },
	{ "windows-1254", "CP1254" },
	{ "windows-1255", "CP1255" },
	{ "windows-1256", "CP1256" },
	{ "windows-1257", "CP1257" },
	{ "windows-1258", "CP1258" },
	{ "windows-31j", "CP932" },
	{ "windows-874", "CP874" },
	{ "windows-936", "GB18030" },
	{ "windows-949", "CP949" },
	{ "x-big5", "BIG5-HKSCS" },
	{ "x-euc-jp", "EUC-JP" },
	{ "x-euc-kr", "CP949" },
	{ "x-gbk", "GB18030" },
	{ "x-mac-cyrillic", "MAC-CYRILLIC" },
	{ "x-mac-roman", "MACINTOSH" },
	{ "x-sjis", "CP932" },
	{ "x-windows-949", "CP949" },
};

static const struct {
	const char *name;
	enum msg_conv_kind kind;
} own_charsets[] = {
	{ "utf-8", CONV_UTF8 },
	{ "utf8", CONV_UTF8 },
	{ "unicode-1-1-utf-8", CONV_UTF8 },
	{ "us-ascii", CONV_LENIENT },
	{ "ascii", CONV_LENIENT },
	{ "ansi_x3.4-1968", CONV_LENIENT },
	{ "iso-ir-6", CONV_LENIENT },
	{ "iso646-us", CONV_LENIENT },
	{ "unknown", CONV_LENIENT },
	{ "unknown-8bit", CONV_LENIENT },
	{ "x-unknown", CONV_LENIENT },
	{ "default", CONV_LENIENT },
	{ "iso-8859-1", CONV_LATIN1 },
	{ "iso_8859-1", CONV_LATIN1 },
	{ "iso8859-1", CONV_LATIN1 },
	{ "iso88591", CONV_LATIN1 },
	{ "latin1", CONV_LATIN1 },
	{ "latin-1", CONV_LATIN1 },
	{ "l1", CONV_LATIN1 },
	{ "windows-1252", CONV_LATIN1 },
	{ "cp1252", CONV_LATIN1 },
	{ "cp-1252", CONV_LATIN1 },
	{ "hz-gb-2312", CONV_HZ },
	{ "hz", CONV_HZ },
	{ "utf-7", CONV_UTF7 },
	{ "utf7", CONV_UTF7 },
	{ "unicode-1-1-utf-7", CONV_UTF7 },
};

/* 0x80 to 0x9f of windows-1252; what it leaves out stays a control. */
static const uint16_t windows_1252[32] = { 0x20ac, 0x0081, 0x201a, 0x0192,
	0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160, 0x2039, 0x0152,
	0x008d, 0x017d, 0x008f, 0x0090, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022,
	0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0x009d, 0x017e,
	0x0178 };

enum { REPLACEMENT = 0xfffd };

/* The name without white space and quotes; a language that RFC 2231, 5 puts
 * behind it is gone. */
static struct pst_str
clean_name(struct pst_str s)
{
	s = str_trim(s);
	if (s.n >= 2 && (s.p[0] == '"' || s.p[0] == '\'') &&
	    s.p[s.n - 1] == s.p[0])
		s = str_n(s.p + 1, s.n - 2);
	return str_first(s, str_find(s, '*'));
}

static const char *
iconv_name(struct pst_str name)
{
	size_t low = 0, high = sizeof(charsets) / sizeof(charsets[0]);

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int order = str_cmp_case(name, str_of(charsets[mid].name));

		if (order == 0)
			return charsets[mid].iconv;
		if (order < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return NULL;
}

/* False when it is none that is done here. */
static bool
own_kind(struct pst_str name, enum msg_conv_kind *kind_r)
{
	if (name.n == 0) {
		*kind_r = CONV_LENIENT;
		return true;
	}
	for (size_t i = 0; i < sizeof(own_charsets) / sizeof(own_charsets[0]);
	     i++) {
		if (str_is_case(name, own_charsets[i].name)) {
			*kind_r = own_charsets[i].kind;
			return true;
		}
	}
	return false;
}

void
msg_conv_init_kind(struct msg_conv *c, enum msg_conv_kind kind)
{
	*c = (struct msg_conv){ .kind = kind, .unit = 1 };
}

bool
msg_conv_init(struct msg_conv *c, struct pst_str charset)
{
	struct pst_str name = clean_name(charset);
	enum msg_conv_kind kind;
	const char *from;

	if (own_kind(name, &kind)) {
		msg_conv_init_kind(c, kind);
		if (kind != CONV_HZ)
			return true;
		from = "GB18030";
	} else {
		msg_conv_init_kind(c, CONV_ICONV);
		from = iconv_name(name);
	}
	c->cd = from != NULL ? iconv_open("UTF-8", from) : (iconv_t)-1;
	if (c->cd == (iconv_t)-1) {
		msg_conv_init_kind(c, CONV_ASCII);
		return false;
	}
	if (strncmp(from, "UTF-16", 6) == 0)
		c->unit = 2;
	else if (strncmp(from, "UTF-32", 6) == 0)
		c->unit = 4;
	return true;
}

void
msg_conv_fini(struct msg_conv *c)
{
	if (c->kind == CONV_ICONV || c->kind == CONV_HZ)
		(void)iconv_close(c->cd);
	msg_conv_init_kind(c, CONV_ASCII);
}

uint32_t
msg_windows_1252(unsigned char octet)
{
	return octet >= 0x80 && octet < 0xa0 ? windows_1252[octet - 0x80]
					     : octet;
}

static size_t
ascii_run(const char *p, size_t n)
{
	size_t i = 0;
	uint64_t eight;

	for (; n - i >= sizeof(eight); i += sizeof(eight)) {
		memcpy(&eight, p + i, sizeof(eight));
		if ((eight & UINT64_C(0x8080808080808080)) != 0)
			break;
	}
	while (i < n && (unsigned char)p[i] < 0x80)
		i++;
	return i;
}

/* What cannot be read of the own charsets. */
static void
put_invalid(const struct msg_conv *c, struct buf *out, char octet)
{
	if (c->kind == CONV_LENIENT || c->kind == CONV_LATIN1)
		(void)msg_utf8_put(out, msg_windows_1252((unsigned char)octet));
	else
		(void)msg_utf8_put(out, REPLACEMENT);
}

/* Octets of a broken sequence that one replacement stands for. */
static size_t
broken_length(const struct msg_conv *c, const char *p, const char *end)
{
	size_t n = 1;

	if (c->kind != CONV_UTF8)
		return 1;
	/* A beginning that was right so far is replaced as a whole. */
	while (p + n < end && n < 4) {
		bool cut;

		if (msg_utf8_length(p, p + n + 1, &cut) > 0 || !cut)
			break;
		n++;
	}
	return n;
}

static size_t
run_own(struct msg_conv *c, struct pst_str in, bool last, struct buf *out)
{
	const char *p = in.p, *end = in.n > 0 ? p + in.n : p;
	bool utf8 = c->kind == CONV_UTF8 || c->kind == CONV_LENIENT;

	while (p < end) {
		size_t n = ascii_run(p, (size_t)(end - p));
		bool cut = false;

		while (utf8 && p + n < end) {
			size_t one = msg_utf8_length(p + n, end, &cut);

			if (one == 0)
				break;
			n += one;
		}
		(void)buf_add(out, p, n);
		p += n;
		if (p == end || (cut && !last))
			break;
		n = broken_length(c, p, end);
		put_invalid(c, out, *p);
		p += n;
	}
	return (size_t)(p - in.p);
}

static size_t
run_iconv(struct msg_conv *c, struct pst_str in, bool last, struct buf *out)
{
	char *p;
	size_t left = in.n;

	/* iconv() takes a char ** but leaves the text alone. */
	memcpy(&p, &in.p, sizeof(p));
	while (left > 0 && !out->overflow) {
		char room[4096], *to = room;
		size_t space = sizeof(room);
		size_t rc = iconv(c->cd, &p, &left, &to, &space);
		int error = rc == (size_t)-1 ? errno : 0;

		(void)buf_add(out, room, sizeof(room) - space);
		if (error == 0 || error == E2BIG)
			continue;
		if (error == EINVAL && !last)
			break;
		(void)msg_utf8_put(out, REPLACEMENT);
		if (error == EINVAL || left <= c->unit) {
			p += left;
			left = 0;
		} else {
			p += c->unit;
			left -= c->unit;
		}
	}
	if (last) {
		char room[64], *to = room;
		size_t space = sizeof(room);

		/* Characters that waited for an accent to join them. */
		(void)iconv(c->cd, NULL, NULL, &to, &space);
		(void)buf_add(out, room, sizeof(room) - space);
	}
	return in.n - left;
}

/*
 * RFC 1843: "~{" starts pairs of octets, "~}" ends them, "~~" is a tilde, "~"
 * and a line end are nothing. A line end ends pairs, as RFC 1842 wants it.
 */
static size_t
run_hz(struct msg_conv *c, struct pst_str in, bool last, struct buf *out)
{
	size_t i = 0;

	while (i < in.n) {
		const char *p = in.p + i;
		char pair[2];

		if (in.n - i < 2 && !last && (*p == '~' || c->shifted))
			break;
		if (*p == '\n')
			c->shifted = false;
		if (*p == '~' && in.n - i >= 2 &&
		    memchr("{}~\n", p[1], 4) != NULL) {
			if (p[1] == '{' || p[1] == '}')
				c->shifted = p[1] == '{';
			else if (p[1] == '~')
				(void)buf_putc(out, '~');
			i += 2;
		} else if (c->shifted && in.n - i >= 2 && *p > ' ' &&
			   p[1] > ' ') {
			pair[0] = (char)(*p | 0x80);
			pair[1] = (char)(p[1] | 0x80);
			(void)run_iconv(c, str_n(pair, 2), true, out);
			i += 2;
		} else {
			if ((unsigned char)*p < 0x80)
				(void)buf_putc(out, *p);
			else
				(void)msg_utf8_put(out, REPLACEMENT);
			i++;
		}
	}
	return i;
}

static int
base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (ascii_is_digit(c))
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* A unit of UTF-16; 0 only ends what was there. */
static void
put_utf16(struct msg_conv *c, uint16_t unit, struct buf *out)
{
	bool is_low = unit >= 0xdc00 && unit < 0xe000;

	if (c->high != 0 && is_low) {
		(void)msg_utf8_put(
		    out, 0x10000 + ((uint32_t)(c->high - 0xd800) << 10) +
			     (unit - 0xdc00U));
		c->high = 0;
		return;
	}
	if (c->high != 0)
		(void)msg_utf8_put(out, REPLACEMENT);
	c->high = 0;
	if (unit >= 0xd800 && unit < 0xdc00)
		c->high = unit;
	else if (unit != 0)
		(void)msg_utf8_put(out, is_low ? REPLACEMENT : unit);
}

/* RFC 2152: "+" starts base64 of UTF-16, what is none of it ends it, "-" is
 * taken away then; "+-" is a plus sign. */
static size_t
run_utf7(struct msg_conv *c, struct pst_str in, bool last, struct buf *out)
{
	for (size_t i = 0; i < in.n; i++) {
		char octet = in.p[i];
		int value = c->shifted ? base64_value(octet) : -1;

		if (value >= 0) {
			c->fresh = false;
			c->bits = c->bits << 6 | (uint32_t)value;
			c->n_bits += 6;
			if (c->n_bits >= 16) {
				c->n_bits -= 16;
				put_utf16(
				    c, (uint16_t)(c->bits >> c->n_bits), out);
			}
			continue;
		}
		if (c->shifted) {
			c->shifted = false;
			put_utf16(c, 0, out);
			if (octet == '-') {
				if (c->fresh)
					(void)buf_putc(out, '+');
				continue;
			}
		}
		if (octet == '+') {
			c->shifted = true;
			c->fresh = true;
			c->n_bits = 0;
		} else if ((unsigned char)octet < 0x80) {
			(void)buf_putc(out, octet);
		} else {
			(void)msg_utf8_put(out, REPLACEMENT);
		}
	}
	if (last)
		put_utf16(c, 0, out);
	return in.n;
}

/* Converts what it can; what it leaves at the end is a character that is cut
 * off, never when `last`. */
static size_t
run(struct msg_conv *c, struct pst_str in, bool last, struct buf *out)
{
	switch (c->kind) {
	case CONV_ASCII:
	case CONV_UTF8:
	case CONV_LENIENT:
	case CONV_LATIN1:
		break;
	case CONV_ICONV:
		return run_iconv(c, in, last, out);
	case CONV_HZ:
		return run_hz(c, in, last, out);
	case CONV_UTF7:
		return run_utf7(c, in, last, out);
	}
	return run_own(c, in, last, out);
}

/* Completes the pending character with octets of `in`; how many it took. */
static size_t
run_pending(struct msg_conv *c, struct pst_str in, bool last, struct buf *out)
{
	size_t had = c->n, took = sizeof(c->pending) - had, done;

	if (took > in.n)
		took = in.n;
	if (took > 0)
		memcpy(c->pending + had, in.p, took);
	c->n = had + took;
	done = run(c, str_n(c->pending, c->n), last && took == in.n, out);
	if (done < had && c->n == sizeof(c->pending)) {
		/* No character is that long. */
		(void)msg_utf8_put(out, REPLACEMENT);
		c->n = 0;
		return took;
	}
	if (done < had) {
		memmove(c->pending, c->pending + done, c->n - done);
		c->n -= done;
		return took;
	}
	c->n = 0;
	return done - had;
}

bool
msg_conv_feed(struct msg_conv *c, struct pst_str in, bool last, struct buf *out)
{
	size_t done;

	while (c->n > 0 && (in.n > 0 || last)) {
		in = str_from(in, run_pending(c, in, last, out));
		if (in.n == 0)
			return !out->overflow;
	}
	if (in.n == 0 && !last)
		return !out->overflow;
	done = run(c, in, last, out);
	if (done < in.n && !out->overflow) {
		struct pst_str rest = str_from(in, done);

		if (rest.n > sizeof(c->pending) - 1)
			rest = str_first(rest, sizeof(c->pending) - 1);
		memcpy(c->pending, rest.p, rest.n);
		c->n = rest.n;
	}
	return !out->overflow;
}

bool
msg_to_utf8(struct pst_str charset, struct pst_str in, struct buf *out)
{
	struct msg_conv c;
	bool known = msg_conv_init(&c, charset);

	(void)msg_conv_feed(&c, in, true, out);
	msg_conv_fini(&c);
	return known;
}

bool
msg_charset_known(struct pst_str charset)
{
	struct pst_str name = clean_name(charset);
	enum msg_conv_kind kind;

	return own_kind(name, &kind) || iconv_name(name) != NULL;
}
