/*
 * message/words.c - encoded words (RFC 2047, with the language of RFC 2231, 5)
 * and unfolding (RFC 5322, 2.2.3).
 *
 * The octets of adjacent words of one charset are joined before they are
 * converted, since many programs split characters over words. Control
 * characters that were encoded are dropped (RFC 8621, 4.1.2.2), so that nothing
 * that a header cannot hold comes out of one.
 */
#include "base/codec.h"
#include "base/str.h"
#include "message/content.h"
#include "message/header.h"
#include "message/internal.h"

struct word {
	struct pst_str charset, text;
	bool base64;
};

static bool
is_line_end(char c)
{
	return c == '\r' || c == '\n';
}

/*
 * The "?=" that ends the text, or NULL. A "?" inside is an error that is passed
 * over, but not into the next word: that keeps this linear too.
 */
static const char *
find_text_end(const char *text, const char *end)
{
	const char *at = text;

	for (;; at++) {
		at = memchr(at, '?', (size_t)(end - at));
		if (at == NULL || end - at < 2)
			return NULL;
		if (at[1] == '=')
			return at;
		if (at > text && at[-1] == '=')
			return NULL;
	}
}

/* Reads "=?charset?encoding?text?=" at `p`; returns where it ends, or NULL.
 * Spaces are taken in the text though RFC 2047, 2 forbids them. */
static const char *
parse_word(const char *p, const char *end, struct word *out)
{
	const char *at = p + 2, *text;

	if (end - p < 8 || p[0] != '=' || p[1] != '?')
		return NULL;
	while (at < end && (unsigned char)*at > ' ' && *at != '?' && *at != '=')
		at++;
	out->charset = str_n(p + 2, (size_t)(at - p - 2));
	if (out->charset.n == 0 || end - at < 5 || at[0] != '?' || at[2] != '?')
		return NULL;
	out->base64 = ascii_lower(at[1]) == 'b';
	if (!out->base64 && ascii_lower(at[1]) != 'q')
		return NULL;
	text = at + 3;
	at = find_text_end(text, end);
	if (at == NULL)
		return NULL;
	out->text = str_n(text, (size_t)(at - text));
	out->charset = str_first(out->charset, str_find(out->charset, '*'));
	return at + 2;
}

const char *
msg_skip_word(const char *p, const char *end)
{
	struct word w;
	const char *after = parse_word(p, end, &w);

	if (after == NULL)
		return NULL;
	for (size_t i = 0; i < w.text.n; i++) {
		if (msg_is_wsp(w.text.p[i]))
			return NULL;
	}
	return after;
}

static int
hex_digit(char c)
{
	if (ascii_is_digit(c))
		return c - '0';
	c = ascii_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* RFC 2047, 4.2. */
static void
decode_q(struct pst_str text, struct buf *out)
{
	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];
		int high, low;

		if (c == '=' && text.n - i > 2 &&
		    (high = hex_digit(text.p[i + 1])) >= 0 &&
		    (low = hex_digit(text.p[i + 2])) >= 0) {
			c = (char)(high * 16 + low);
			i += 2;
		} else if (c == '_') {
			c = ' ';
		} else if (is_line_end(c)) {
			continue;
		}
		(void)buf_putc(out, c);
	}
}

/* Words that follow each other, of one charset. */
struct run {
	struct pst_str charset;
	struct buf octets;
	bool any;
};

static void
add_to_run(struct run *r, const struct word *w)
{
	struct base64_state state = { 0 };

	r->charset = w->charset;
	r->any = true;
	if (w->base64)
		(void)base64_decode_some(&state, w->text, &r->octets);
	else
		decode_q(w->text, &r->octets);
}

static void
end_run(struct run *r, struct buf *out)
{
	struct buf text;

	if (!r->any)
		return;
	buf_init(&text,
	    r->octets.n > SIZE_MAX / 8 ? SIZE_MAX : r->octets.n * 8 + 64);
	(void)msg_to_utf8(r->charset, buf_str(&r->octets), &text);
	for (size_t i = 0; i < text.n; i++) {
		unsigned char c = (unsigned char)text.p[i];

		if (c >= ' ' && c != 127)
			(void)buf_putc(out, (char)c);
	}
	buf_fini(&text);
	buf_clear(&r->octets);
	r->any = false;
}

/* Text between words, without line ends. */
static void
add_plain(struct pst_str s, struct buf *out)
{
	struct msg_conv c;
	const char *p, *end;

	if (s.n == 0)
		return;
	p = s.p;
	end = p + s.n;
	msg_conv_init_kind(&c, CONV_LENIENT);
	while (p < end) {
		const char *at = p;

		while (at < end && !is_line_end(*at))
			at++;
		if (at > p)
			(void)msg_conv_feed(
			    &c, str_n(p, (size_t)(at - p)), true, out);
		while (at < end && is_line_end(*at))
			at++;
		p = at;
	}
}

static bool
is_white(struct pst_str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (!msg_is_wsp(s.p[i]))
			return false;
	}
	return true;
}

bool
msg_decode_words(struct pst_str value, struct buf *utf8)
{
	const char *plain = value.p, *p = plain, *end;
	struct run r = { .any = false };

	if (value.n == 0)
		return !utf8->overflow;
	end = p + value.n;
	buf_init(&r.octets, value.n + 64);
	while (p < end) {
		struct pst_str between;
		struct word w;
		const char *after;

		p = memchr(p, '=', (size_t)(end - p));
		if (p == NULL)
			break;
		after = parse_word(p, end, &w);
		if (after == NULL) {
			p++;
			continue;
		}
		between = str_n(plain, (size_t)(p - plain));
		if (!r.any || !is_white(between)) {
			end_run(&r, utf8);
			add_plain(between, utf8);
		} else if (!str_eq_case(r.charset, w.charset)) {
			end_run(&r, utf8);
		}
		add_to_run(&r, &w);
		plain = p = after;
	}
	end_run(&r, utf8);
	add_plain(str_n(plain, (size_t)(end - plain)), utf8);
	buf_fini(&r.octets);
	return !utf8->overflow;
}

struct pst_str
msg_unfold(struct arena *a, struct pst_str value)
{
	char *copy;
	size_t i = 0, n = 0;

	value = str_trim(value);
	while (i < value.n && !is_line_end(value.p[i]))
		i++;
	if (i == value.n)
		return value;
	copy = arena_alloc(a, value.n);
	if (copy == NULL)
		return str_first(value, i);
	for (i = 0; i < value.n; i++) {
		if (!is_line_end(value.p[i]))
			copy[n++] = value.p[i];
		else if (value.p[i] == '\r' && value.p[i + 1] != '\n')
			copy[n++] = ' '; /* a bare CR separates */
	}
	return str_n(copy, n);
}
