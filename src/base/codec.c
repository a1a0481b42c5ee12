/*
 * base/codec.c - base64 and base32 (RFC 4648), quoted-printable (RFC 2045,
 * 6.7), modified UTF-7 (RFC 3501, 5.1.3), hexadecimal.
 */
#include "base/codec.h"

#include "base/str.h"

static const char base64_alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* 0 to 63, 64 for '=', 255 for what is not in the alphabet. */
static unsigned char
base64_value(unsigned char c)
{
	if (c >= 'A' && c <= 'Z')
		return (unsigned char)(c - 'A');
	if (c >= 'a' && c <= 'z')
		return (unsigned char)(c - 'a' + 26);
	if (c >= '0' && c <= '9')
		return (unsigned char)(c - '0' + 52);
	return c == '+' ? 62 : c == '/' ? 63 : c == '=' ? 64 : 255;
}

bool
base64_encode(struct pst_str in, struct buf *out)
{
	const unsigned char *p = (const unsigned char *)in.p;
	char *to = buf_reserve(out, (in.n + 2) / 3 * 4);
	size_t i;

	if (to == NULL)
		return in.n == 0 && !out->overflow;
	for (i = 0; i + 2 < in.n; i += 3) {
		*to++ = base64_alphabet[p[i] >> 2];
		*to++ = base64_alphabet[(p[i] & 3) << 4 | p[i + 1] >> 4];
		*to++ = base64_alphabet[(p[i + 1] & 15) << 2 | p[i + 2] >> 6];
		*to++ = base64_alphabet[p[i + 2] & 63];
	}
	if (i < in.n) {
		unsigned second = i + 1 < in.n ? p[i + 1] : 0;

		*to++ = base64_alphabet[p[i] >> 2];
		*to++ = base64_alphabet[(p[i] & 3) << 4 | second >> 4];
		*to++ = i + 1 < in.n ? base64_alphabet[(second & 15) << 2]
				     : '=';
		*to++ = '=';
	}
	buf_added(out, (in.n + 2) / 3 * 4);
	return true;
}

bool
base64_decode(struct pst_str in, struct buf *out)
{
	size_t pad = 0;

	if (in.n % 4 != 0)
		return false;
	if (in.n > 0 && in.p[in.n - 1] == '=')
		pad = in.p[in.n - 2] == '=' ? 2 : 1;
	for (size_t i = 0; i < in.n; i += 4) {
		bool is_last = i + 4 == in.n;
		unsigned char v[4];
		uint32_t bits = 0;

		for (size_t k = 0; k < 4; k++) {
			bool padded = is_last && k >= 4 - pad;

			v[k] = base64_value((unsigned char)in.p[i + k]);
			if (padded ? v[k] != 64 : v[k] > 63)
				return false;
			bits = bits << 6 | (padded ? 0 : v[k]);
		}
		for (size_t k = 0; k < (is_last ? 3 - pad : 3); k++)
			if (!buf_putc(out, (char)(bits >> (16 - 8 * k) & 255)))
				return false;
		/* Bits behind the last octet must be zero. */
		if (is_last && pad > 0 &&
		    (bits & (pad == 2 ? 0xFFFFU : 0xFFU)) != 0)
			return false;
	}
	return true;
}

bool
base64url_encode(struct pst_str in, struct buf *out)
{
	size_t from = out->n;

	if (!base64_encode(in, out))
		return false;
	while (out->n > from && out->p[out->n - 1] == '=')
		out->n--;
	for (size_t i = from; i < out->n; i++) {
		if (out->p[i] == '+')
			out->p[i] = '-';
		else if (out->p[i] == '/')
			out->p[i] = '_';
	}
	return true;
}

bool
base64url_decode(struct pst_str in, struct buf *out)
{
	struct buf usual;
	bool ok = true;

	buf_init(&usual, in.n + 3);
	for (size_t i = 0; i < in.n && ok; i++) {
		char c = in.p[i];

		ok = c != '+' && c != '/' &&
		     buf_putc(&usual, c == '-'	 ? '+'
				      : c == '_' ? '/'
						 : c);
	}
	while (ok && usual.n % 4 != 0)
		ok = buf_putc(&usual, '=');
	ok = ok && base64_decode(buf_str(&usual), out);
	buf_fini(&usual);
	return ok;
}

bool
base32_encode(struct pst_str in, struct buf *out)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
	uint32_t bits = 0;
	unsigned n = 0;
	bool ok = true;

	for (size_t i = 0; i < in.n; i++) {
		bits = bits << 8 | (unsigned char)in.p[i];
		for (n += 8; n >= 5; n -= 5)
			ok = buf_putc(out, alphabet[bits >> (n - 5) & 31]);
	}
	if (n > 0)
		ok = buf_putc(out, alphabet[bits << (5 - n) & 31]);
	return ok;
}

bool
base32_decode(struct pst_str in, struct buf *out)
{
	uint32_t bits = 0;
	unsigned n = 0;

	for (size_t i = 0; i < in.n; i++) {
		char c = ascii_upper(in.p[i]);

		if (c >= 'A' && c <= 'Z')
			bits = bits << 5 | (uint32_t)(c - 'A');
		else if (c >= '2' && c <= '7')
			bits = bits << 5 | (uint32_t)(c - '2' + 26);
		else
			return false;
		n += 5;
		if (n < 8)
			continue;
		n -= 8;
		if (!buf_putc(out, (char)(bits >> n & 255)))
			return false;
	}
	/* What is left belongs to no octet. */
	return n < 5 && (bits & ((1U << n) - 1)) == 0;
}

bool
base64_decode_some(struct base64_state *st, struct pst_str in, struct buf *out)
{
	char *to = buf_reserve(out, in.n / 4 * 3 + 3);
	size_t n = 0;

	if (to == NULL)
		return false;
	for (size_t i = 0; i < in.n; i++) {
		unsigned char v = base64_value((unsigned char)in.p[i]);

		if (v == 255)
			continue;
		if (v == 64) {
			/* Concatenated base64 goes on behind its padding. */
			st->n = 0;
			st->bits = 0;
			continue;
		}
		st->bits = st->bits << 6 | v;
		st->n++;
		if (st->n == 2)
			to[n++] = (char)(st->bits >> 4 & 255);
		else if (st->n == 3)
			to[n++] = (char)(st->bits >> 2 & 255);
		else if (st->n == 4) {
			to[n++] = (char)(st->bits & 255);
			st->n = 0;
			st->bits = 0;
		}
	}
	buf_added(out, n);
	return true;
}

static int
hex_value(char c)
{
	if (ascii_is_digit(c))
		return c - '0';
	c = ascii_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool
qp_flush(struct qp_state *st, struct buf *out)
{
	bool ok = buf_add(out, st->pending, st->n);

	st->n = 0;
	return ok;
}

/*
 * `pending` holds either white space that may turn out to be trailing, or an
 * escape that is not complete, or both in this order.
 */
static bool
qp_octet(struct qp_state *st, char c, struct buf *out)
{
	char *pending = st->pending;
	unsigned escape = 0;
	bool ok = true;

	while (escape < st->n && pending[escape] != '=')
		escape++;
	if (escape < st->n) {
		unsigned have = st->n - escape;

		if (c == '\n' && (have == 1 || pending[escape + 1] == '\r' ||
				     pending[escape + 1] == ' ' ||
				     pending[escape + 1] == '\t')) {
			st->n = escape;
			return qp_flush(st, out); /* soft line break */
		}
		if (have == 1 &&
		    (c == '\r' || c == ' ' || c == '\t' || hex_value(c) >= 0)) {
			pending[st->n++] = c;
			return true;
		}
		if (have >= 2 && hex_value(pending[escape + 1]) >= 0 &&
		    hex_value(c) >= 0) {
			char octet = (char)(hex_value(pending[escape + 1])
						<< 4 |
					    hex_value(c));

			st->n = escape;
			ok = qp_flush(st, out);
			return buf_putc(out, octet) && ok;
		}
		if (have >= 2 && hex_value(pending[escape + 1]) < 0 &&
		    (c == '\r' || c == ' ' || c == '\t') &&
		    st->n < sizeof(st->pending)) {
			pending[st->n++] = c;
			return true;
		}
		ok = qp_flush(st, out); /* not an escape: as it is */
	}
	if (c == '\n') {
		bool cr = st->n > 0 && pending[st->n - 1] == '\r';

		st->n = 0; /* trailing white space goes */
		return buf_add(out, cr ? "\r\n" : "\n", cr ? 2 : 1) && ok;
	}
	if (c == ' ' || c == '\t' || c == '\r' || c == '=') {
		if (st->n > 0 && (pending[st->n - 1] == '\r' ||
				     st->n >= sizeof(st->pending) - 3))
			ok = qp_flush(st, out) && ok;
		pending[st->n++] = c;
		return ok;
	}
	ok = qp_flush(st, out) && ok;
	return buf_putc(out, c) && ok;
}

bool
qp_decode_some(
    struct qp_state *st, struct pst_str in, bool last, struct buf *out)
{
	bool ok = true;

	for (size_t i = 0; ok && i < in.n;) {
		size_t run = i;

		/* Plain text goes over in runs. */
		while (st->n == 0 && run < in.n && in.p[run] != '=' &&
		       in.p[run] != ' ' && in.p[run] != '\t' &&
		       in.p[run] != '\r' && in.p[run] != '\n')
			run++;
		if (run > i) {
			ok = buf_add(out, in.p + i, run - i);
			i = run;
			continue;
		}
		ok = qp_octet(st, in.p[i++], out);
	}
	if (last && ok) {
		/* A soft break at the very end, or unfinished text. */
		if (st->n > 0 && st->pending[st->n - 1] == '=')
			st->n--;
		ok = qp_flush(st, out);
	}
	return ok;
}

static const char mutf7_alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

/* Takes one code point off `*s`, which is valid UTF-8. */
static uint32_t
utf8_next(struct pst_str *s)
{
	const unsigned char *p = (const unsigned char *)s->p;
	size_t n = p[0] < 0x80 ? 1 : p[0] < 0xE0 ? 2 : p[0] < 0xF0 ? 3 : 4;
	uint32_t c = n == 1 ? p[0] : p[0] & (0x7FU >> n);

	for (size_t i = 1; i < n; i++)
		c = c << 6 | (p[i] & 0x3F);
	*s = str_from(*s, n);
	return c;
}

struct mutf7_bits {
	uint32_t bits;
	unsigned n;
};

static void
mutf7_put(struct mutf7_bits *b, uint32_t unit, struct buf *out)
{
	b->bits = b->bits << 16 | unit;
	b->n += 16;
	while (b->n >= 6) {
		b->n -= 6;
		(void)buf_putc(out, mutf7_alphabet[b->bits >> b->n & 63]);
	}
}

/* Ends a shifted run: the bits that are left, then '-'. */
static void
mutf7_unshift(struct mutf7_bits *b, struct buf *out)
{
	if (b->n > 0)
		(void)buf_putc(out, mutf7_alphabet[b->bits << (6 - b->n) & 63]);
	(void)buf_putc(out, '-');
	*b = (struct mutf7_bits){ 0 };
}

bool
mutf7_encode(struct pst_str s, struct buf *out)
{
	struct mutf7_bits bits = { 0 };
	bool shifted = false;

	if (!str_is_utf8(s))
		return false;
	while (s.n > 0) {
		uint32_t c = utf8_next(&s);
		bool direct = c >= 0x20 && c <= 0x7E;

		if (direct) {
			if (shifted)
				mutf7_unshift(&bits, out);
			shifted = false;
			(void)buf_putc(out, (char)c);
			if (c == '&')
				(void)buf_putc(out, '-');
			continue;
		}
		if (!shifted)
			(void)buf_putc(out, '&');
		shifted = true;
		if (c >= 0x10000) {
			c -= 0x10000;
			mutf7_put(&bits, 0xD800 | c >> 10, out);
			c = 0xDC00 | (c & 0x3FF);
		}
		mutf7_put(&bits, c, out);
	}
	if (shifted)
		mutf7_unshift(&bits, out);
	return !out->overflow;
}

static bool
utf8_put(uint32_t c, struct buf *out)
{
	char p[4];
	size_t n;

	if (c < 0x80) {
		p[0] = (char)c;
		n = 1;
	} else if (c < 0x800) {
		p[0] = (char)(0xC0 | c >> 6);
		n = 2;
	} else if (c < 0x10000) {
		p[0] = (char)(0xE0 | c >> 12);
		n = 3;
	} else {
		p[0] = (char)(0xF0 | c >> 18);
		n = 4;
	}
	for (size_t i = 1; i < n; i++)
		p[i] = (char)(0x80 | (c >> 6 * (n - 1 - i) & 0x3F));
	return buf_add(out, p, n);
}

static int
mutf7_value(char c)
{
	if (c == ',')
		return 63;
	if (c == '/' || c == '=')
		return -1;
	return base64_value((unsigned char)c) < 64
		   ? base64_value((unsigned char)c)
		   : -1;
}

/* The shifted run `s` (without '&' and '-'): UTF-16 in base64. Printable ASCII
 * in it, lone surrogates and stray bits are errors. */
static bool
mutf7_run(struct pst_str s, struct buf *out)
{
	uint32_t bits = 0, high = 0;
	unsigned n = 0;

	for (size_t i = 0; i < s.n; i++) {
		int v = mutf7_value(s.p[i]);
		uint32_t unit;

		if (v < 0)
			return false;
		bits = bits << 6 | (uint32_t)v;
		n += 6;
		if (n < 16)
			continue;
		n -= 16;
		unit = bits >> n & 0xFFFF;
		if (high != 0) {
			if (unit < 0xDC00 || unit > 0xDFFF)
				return false;
			unit = 0x10000 + ((high & 0x3FF) << 10) +
			       (unit & 0x3FF);
			high = 0;
		} else if (unit >= 0xD800 && unit <= 0xDBFF) {
			high = unit;
			continue;
		} else if (unit == 0 || (unit >= 0x20 && unit <= 0x7E) ||
			   (unit >= 0xDC00 && unit <= 0xDFFF)) {
			return false;
		}
		if (!utf8_put(unit, out))
			return false;
	}
	return high == 0 && n < 6 && (bits & ((1U << n) - 1)) == 0;
}

bool
mutf7_decode(struct pst_str s, struct buf *out)
{
	while (s.n > 0) {
		size_t end;

		if (s.p[0] != '&') {
			if (s.p[0] < 0x20 || s.p[0] > 0x7E ||
			    !buf_putc(out, s.p[0]))
				return false;
			s = str_from(s, 1);
			continue;
		}
		s = str_from(s, 1);
		end = str_find(s, '-');
		if (end == s.n)
			return false;
		if (end == 0 ? !buf_putc(out, '&')
			     : !mutf7_run(str_first(s, end), out))
			return false;
		s = str_from(s, end + 1);
		/* Two runs in a row would be one in canonical form. */
		if (end > 0 && s.n > 1 && s.p[0] == '&' && s.p[1] != '-')
			return false;
	}
	return true;
}

void
hex_encode(const void *in, size_t n, char *out)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *p = in;

	for (size_t i = 0; i < n; i++) {
		out[2 * i] = digits[p[i] >> 4];
		out[2 * i + 1] = digits[p[i] & 15];
	}
	out[2 * n] = '\0';
}

/* --- quoted-printable, and base64 in lines ---------------------------------
 */

enum { LINE = 76 };

/* There is room for `n` more, behind a soft line break if need be. */
static bool
qp_make_room(struct qp_encoder *e, unsigned n, struct buf *out)
{
	if (e->column + n >= LINE) {
		if (!buf_puts(out, "=\r\n"))
			return false;
		e->column = 0;
	}
	e->column += n;
	return true;
}

static bool
qp_put_escaped(struct qp_encoder *e, char c, struct buf *out)
{
	return qp_make_room(e, 3, out) &&
	       buf_printf(out, "=%02X", (unsigned char)c);
}

static bool
qp_put_plain(struct qp_encoder *e, char c, struct buf *out)
{
	return qp_make_room(e, 1, out) && buf_putc(out, c);
}

/* What was held back: a blank, a CR, or both. `ends_line`: the CR is that of a
 * line end; `ends`: nothing follows. */
static bool
qp_release(struct qp_encoder *e, bool ends_line, bool ends, struct buf *out)
{
	unsigned n = e->held_n - ends_line;
	bool ok = true;

	for (unsigned i = 0; i < n && ok; i++) {
		char c = e->held[i];

		/* RFC 2045, 6.7 (3): no white space at the end of a line. */
		if (c == '\r' || (i + 1 == n && (ends_line || ends)))
			ok = qp_put_escaped(e, c, out);
		else
			ok = qp_put_plain(e, c, out);
	}
	e->held_n = 0;
	return ok;
}

static bool
qp_put(struct qp_encoder *e, char c, struct buf *out)
{
	bool after_cr = e->held_n > 0 && e->held[e->held_n - 1] == '\r';

	if (c == '\n' && after_cr) {
		if (!qp_release(e, true, false, out))
			return false;
		e->column = 0;
		return buf_puts(out, "\r\n");
	}
	/* A blank may wait together with a CR. */
	if (e->held_n > 0 && (c != '\r' || after_cr) &&
	    !qp_release(e, false, false, out))
		return false;
	if (c == ' ' || c == '\t' || c == '\r') {
		e->held[e->held_n++] = c;
		return true;
	}
	if (c == '=' || (unsigned char)c < ' ' || (unsigned char)c > '~')
		return qp_put_escaped(e, c, out);
	return qp_put_plain(e, c, out);
}

bool
qp_encode_some(
    struct qp_encoder *e, struct pst_str in, bool last, struct buf *out)
{
	bool ok = true;

	for (size_t i = 0; i < in.n && ok; i++)
		ok = qp_put(e, in.p[i], out);
	if (last) {
		ok = ok && qp_release(e, false, true, out);
		*e = (struct qp_encoder){ 0 };
	}
	return ok;
}

static bool
flush_line(struct base64_lines *e, struct buf *out)
{
	bool ok = e->n == 0 || (base64_encode(str_n(e->held, e->n), out) &&
				   buf_puts(out, "\r\n"));

	e->n = 0;
	return ok;
}

bool
base64_encode_lines(
    struct base64_lines *e, struct pst_str in, bool last, struct buf *out)
{
	while (in.n > 0) {
		size_t room = BASE64_LINE - e->n;
		size_t n = in.n < room ? in.n : room;

		memcpy(e->held + e->n, in.p, n);
		e->n += (unsigned)n;
		in = str_from(in, n);
		if (e->n == BASE64_LINE && !flush_line(e, out))
			return false;
	}
	return !last || flush_line(e, out);
}

/* --- numbers ---------------------------------------------------------------
 */

/* The least digit first; the last one is below 32. */
static const char number_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void
number_encode(uint64_t n, struct buf *out)
{
	while (n >= 32) {
		(void)buf_putc(out, number_digits[32 + n % 32]);
		n /= 32;
	}
	(void)buf_putc(out, number_digits[n]);
}

bool
number_decode(struct pst_str *in, uint64_t *n_r)
{
	*n_r = 0;
	for (unsigned shift = 0; in->n > 0 && shift < 64; shift += 5) {
		const char *at = memchr(number_digits, in->p[0], 64);
		uint64_t digit;

		if (at == NULL)
			return false;
		digit = (uint64_t)(at - number_digits);
		*in = str_from(*in, 1);
		*n_r |= digit % 32 << shift;
		if (digit < 32)
			return true;
	}
	return false;
}
