/*
 * trust/spf_macro.c - macros of SPF records (RFC 7208, 7).
 */
#include "base/str.h"
#include "trust/spf_priv.h"
#include <arpa/inet.h>
#include <inttypes.h>

enum { VALUE_MAX = 1024, PARTS_MAX = 128 };

/* "%{ir.}": letter, how many parts, reversed, delimiters. */
struct macro {
	char letter; /* as written */
	unsigned keep;
	bool reverse;
	struct pst_str delimiters;
};

/* --- reading ----------------------------------------------------------------
 */

static bool
is_delimiter(char c)
{
	return memchr(".-+,/_=", c, 7) != NULL;
}

/* What is between the braces. */
static bool
macro_parse(struct pst_str in, bool explains, struct macro *out)
{
	const char *letters = explains ? "slodiphvcrt" : "slodiphv";
	size_t i = 1;
	uint64_t keep = 0;

	if (in.n == 0 || strchr(letters, ascii_lower(in.p[0])) == NULL ||
	    in.p[0] == '\0')
		return false;
	*out = (struct macro){ .letter = in.p[0], .keep = PARTS_MAX };
	while (i < in.n && ascii_is_digit(in.p[i]))
		i++;
	if (i > 1) {
		if (!str_to_u64(str_n(in.p + 1, i - 1), &keep) || keep == 0)
			return false;
		out->keep = keep < PARTS_MAX ? (unsigned)keep : PARTS_MAX;
	}
	if (i < in.n && ascii_lower(in.p[i]) == 'r') {
		out->reverse = true;
		i++;
	}
	out->delimiters = str_from(in, i);
	for (; i < in.n; i++)
		if (!is_delimiter(in.p[i]))
			return false;
	return true;
}

enum piece {
	PIECE_END,
	PIECE_LITERAL,
	PIECE_ESCAPE, /* a literal that is written as a macro */
	PIECE_MACRO,
	PIECE_BAD,
};

/* Takes a literal or a macro off `*rest`. */
static enum piece
next_piece(struct pst_str *rest, bool explains, struct pst_str *literal_r,
    struct macro *macro_r)
{
	size_t percent = str_find(*rest, '%'), end;
	struct pst_str s;

	if (rest->n == 0)
		return PIECE_END;
	if (percent > 0) {
		*literal_r = str_first(*rest, percent);
		*rest = str_from(*rest, percent);
		return PIECE_LITERAL;
	}
	s = str_from(*rest, 1);
	if (s.n == 0)
		return PIECE_BAD;
	*rest = str_from(s, 1);
	switch (s.p[0]) {
	case '%':
		*literal_r = STR("%");
		return PIECE_ESCAPE;
	case '_':
		*literal_r = STR(" ");
		return PIECE_ESCAPE;
	case '-':
		*literal_r = STR("%20");
		return PIECE_ESCAPE;
	case '{':
		end = str_find(*rest, '}');
		if (end == rest->n ||
		    !macro_parse(str_first(*rest, end), explains, macro_r))
			return PIECE_BAD;
		*rest = str_from(*rest, end + 1);
		return PIECE_MACRO;
	default: /* any other octet */
		return PIECE_BAD;
	}
}

static bool
is_visible(struct pst_str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] > '~')
			return false;
	return true;
}

bool
spf_is_macro_string(struct pst_str text)
{
	struct pst_str literal;
	struct macro macro;
	enum piece piece;

	if (!is_visible(text))
		return false;
	do {
		piece = next_piece(&text, false, &literal, &macro);
	} while (piece != PIECE_END && piece != PIECE_BAD);
	return piece == PIECE_END;
}

/* toplabel (RFC 7208, 7.1): letters, digits and hyphens, not only digits. */
static bool
is_top_label(struct pst_str label)
{
	bool other = false;

	if (label.n == 0 || label.p[0] == '-' || label.p[label.n - 1] == '-')
		return false;
	for (size_t i = 0; i < label.n; i++) {
		bool digit = ascii_is_digit(label.p[i]);

		if (!digit && !ascii_is_alpha(label.p[i]) && label.p[i] != '-')
			return false;
		other |= !digit;
	}
	return other;
}

bool
spf_is_domain_spec(struct pst_str text)
{
	struct pst_str rest = text, literal, last = STR_NONE;
	struct macro macro;
	enum piece piece;
	size_t dot;

	if (text.n == 0 || !is_visible(text))
		return false;
	while (
	    (piece = next_piece(&rest, false, &literal, &macro)) != PIECE_END) {
		if (piece == PIECE_BAD)
			return false;
		last = piece == PIECE_LITERAL ? literal : STR_NONE;
	}
	if (last.p == NULL)
		return true; /* it ends with a macro, or %% and the like */
	if (last.n > 1 && last.p[last.n - 1] == '.')
		last.n--;
	dot = last.n;
	while (dot > 0 && last.p[dot - 1] != '.')
		dot--;
	return dot > 0 && is_top_label(str_from(last, dot));
}

/* --- expanding --------------------------------------------------------------
 */

/* IPv4 dotted, IPv6 as nibbles with dots between. */
static void
put_ip(const struct ip_address *ip, struct buf *out)
{
	if (ip->v4) {
		(void)buf_printf(out, "%u.%u.%u.%u", ip->octets[12],
		    ip->octets[13], ip->octets[14], ip->octets[15]);
		return;
	}
	for (size_t i = 0; i < 16; i++)
		(void)buf_printf(out, "%s%x.%x", i > 0 ? "." : "",
		    ip->octets[i] >> 4, ip->octets[i] & 15);
}

static void
put_readable_ip(const struct ip_address *ip, struct buf *out)
{
	char text[INET6_ADDRSTRLEN] = "";

	if (ip->v4)
		put_ip(ip, out);
	else
		(void)buf_puts(out,
		    inet_ntop(AF_INET6, ip->octets, text, sizeof(text)) != NULL
			? text
			: "unknown");
}

static bool
put_value(const struct spf_names *names, char letter, struct buf *out)
{
	const struct spf_query *q = names->query;

	switch (letter) {
	case 's':
		return buf_printf(out, "%s@%s", q->local, q->domain);
	case 'l':
		return buf_puts(out, q->local);
	case 'o':
		return buf_puts(out, q->domain);
	case 'd':
		return buf_puts(out, names->domain);
	case 'i':
		put_ip(&q->ip, out);
		return !out->overflow;
	case 'p':
		return buf_puts(out, names->validated(names->arg));
	case 'h':
		return buf_puts(out, q->helo);
	case 'v':
		return buf_puts(out, q->ip.v4 ? "in-addr" : "ip6");
	case 'c':
		put_readable_ip(&q->ip, out);
		return !out->overflow;
	case 'r':
		return buf_puts(out, q->receiver);
	case 't':
		return buf_printf(out, "%" PRId64, q->now);
	default: /* macro_parse() lets no other pass */
		return false;
	}
}

static bool
put_escaped(struct pst_str s, struct buf *out)
{
	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		/* unreserved (RFC 3986, 2.3) */
		if (ascii_is_alpha(c) || ascii_is_digit(c) ||
		    (c != '\0' && strchr("-._~", c) != NULL))
			(void)buf_putc(out, c);
		else
			(void)buf_printf(out, "%%%02X", (unsigned char)c);
	}
	return !out->overflow;
}

/* Splits, keeps the last parts, and joins them with dots. */
static bool
put_parts(const struct macro *m, struct pst_str value, struct buf *out)
{
	struct pst_str delimiters = m->delimiters.n > 0 ? m->delimiters
							: STR(".");
	struct pst_str part[PARTS_MAX];
	size_t n = 0, start = 0, from;

	for (size_t i = 0; i <= value.n && n < PARTS_MAX; i++)
		if (i == value.n ||
		    memchr(delimiters.p, value.p[i], delimiters.n) != NULL) {
			part[n++] = str_n(value.p + start, i - start);
			start = i + 1;
		}
	from = n > m->keep ? n - m->keep : 0;
	for (size_t i = from; i < n; i++) {
		/* Reversed, the last parts are the first ones. */
		struct pst_str one = m->reverse ? part[n - 1 - i] : part[i];

		if (i > from)
			(void)buf_putc(out, '.');
		(void)buf_add_str(out, one);
	}
	return !out->overflow;
}

static bool
put_macro(const struct spf_names *names, const struct macro *m, struct buf *out)
{
	struct buf value, parts;
	bool good;

	buf_init(&value, VALUE_MAX);
	buf_init(&parts, VALUE_MAX);
	good = put_value(names, ascii_lower(m->letter), &value);
	if (good && m->delimiters.n == 0 && !m->reverse && m->keep == PARTS_MAX)
		good = buf_add_str(&parts, buf_str(&value));
	else if (good)
		good = put_parts(m, buf_str(&value), &parts);
	if (good)
		good = m->letter == ascii_lower(m->letter)
			   ? buf_add_str(out, buf_str(&parts))
			   : put_escaped(buf_str(&parts), out);
	buf_fini(&value);
	buf_fini(&parts);
	return good;
}

bool
spf_expand(const struct spf_names *names, struct pst_str text, bool explains,
    struct buf *out)
{
	struct pst_str literal;
	struct macro macro;

	for (;;)
		switch (next_piece(&text, explains, &literal, &macro)) {
		case PIECE_END:
			return true;
		case PIECE_LITERAL:
		case PIECE_ESCAPE:
			if (!buf_add_str(out, literal))
				return false;
			break;
		case PIECE_MACRO:
			if (!put_macro(names, &macro, out))
				return false;
			break;
		case PIECE_BAD:
			return false;
		}
}
