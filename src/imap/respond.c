/*
 * imap/respond.c - strings, flags and dates as IMAP writes them (RFC 3501, 9).
 */
#include "imap/respond.h"

#include "base/codec.h"
#include "base/str.h"
#include "imap/parse.h"

enum { QUOTED_MAX = 1024 };

void
imap_clean(char *p, size_t n)
{
	char *end = p + n;

	while ((p = memchr(p, '\0', (size_t)(end - p))) != NULL)
		*p++ = (char)0x80;
}

static bool
is_quotable(struct pst_str s)
{
	if (s.n > QUOTED_MAX)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c < ' ' || c > 0x7e)
			return false;
	}
	return true;
}

static void
put_literal(struct buf *out, struct pst_str s)
{
	size_t at;

	(void)buf_putc(out, '{');
	(void)buf_put_u64(out, s.n);
	(void)buf_puts(out, "}\r\n");
	at = out->n;
	if (buf_add_str(out, s) && s.n > 0)
		imap_clean(out->p + at, s.n);
}

static void
put_quoted(struct buf *out, struct pst_str s)
{
	size_t from = 0;

	(void)buf_putc(out, '"');
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] != '"' && s.p[i] != '\\')
			continue;
		(void)buf_add(out, s.p + from, i - from);
		(void)buf_putc(out, '\\');
		from = i;
	}
	if (s.n > from)
		(void)buf_add(out, s.p + from, s.n - from);
	(void)buf_putc(out, '"');
}

void
imap_put_string(struct buf *out, struct pst_str s)
{
	if (is_quotable(s))
		put_quoted(out, s);
	else
		put_literal(out, s);
}

void
imap_put_nstring(struct buf *out, struct pst_str s)
{
	if (s.p == NULL)
		(void)buf_puts(out, "NIL");
	else
		imap_put_string(out, s);
}

void
imap_put_astring(struct buf *out, struct pst_str s)
{
	size_t n = 0;

	while (n < s.n && imap_is_atom_char(s.p[n]))
		n++;
	if (n == s.n && n > 0 && !str_is_case(s, "NIL"))
		(void)buf_add_str(out, s);
	else
		imap_put_string(out, s);
}

void
imap_put_mailbox(struct buf *out, const char *name, bool utf8)
{
	struct buf wire;

	if (utf8 && !str_is_ascii(str_of(name)) && str_is_utf8(str_of(name))) {
		put_quoted(out, str_of(name));
		return;
	}
	buf_init(&wire, 16384);
	if (utf8 && str_is_ascii(str_of(name)))
		imap_put_astring(out, str_of(name));
	else if (mutf7_encode(str_of(name), &wire))
		imap_put_astring(out, buf_str(&wire));
	else /* a module's slip; show it nevertheless */
		imap_put_string(out, str_of(name));
	buf_fini(&wire);
}

static void
put_word(struct buf *out, size_t start, const char *word)
{
	if (out->n > start)
		(void)buf_putc(out, ' ');
	(void)buf_puts(out, word);
}

void
imap_put_flags(struct buf *out, uint32_t flags, uint64_t keywords, bool recent,
    const char *const *keyword)
{
	static const struct {
		uint32_t flag;
		const char *name;
	} names[] = {
		{ PST_ANSWERED, "\\Answered" },
		{ PST_FLAGGED, "\\Flagged" },
		{ PST_DELETED, "\\Deleted" },
		{ PST_SEEN, "\\Seen" },
		{ PST_DRAFT, "\\Draft" },
	};
	size_t start;

	(void)buf_putc(out, '(');
	start = out->n;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (flags & names[i].flag)
			put_word(out, start, names[i].name);
	}
	if (recent)
		put_word(out, start, "\\Recent");
	for (; keywords != 0; keywords &= keywords - 1) {
		const char *name = keyword[__builtin_ctzll(keywords)];

		if (name != NULL && *name != '\0')
			put_word(out, start, name);
	}
	(void)buf_putc(out, ')');
}

static char *
two_digits(char *p, int n)
{
	*p++ = (char)('0' + n / 10);
	*p++ = (char)('0' + n % 10);
	return p;
}

void
imap_put_date(struct buf *out, int64_t seconds)
{
	int64_t days = seconds / 86400, rest = seconds % 86400;
	int year, month, day;
	char text[32], *p = text;

	if (rest < 0) {
		rest += 86400;
		days--;
	}
	imap_civil(days, &year, &month, &day);
	if (year < 0 || year > 9999) { /* no 4DIGIT */
		year = 1970;
		month = day = 1;
	}
	*p++ = '"';
	p = two_digits(p, day);
	if (p[-2] == '0')
		p[-2] = ' '; /* date-day-fixed */
	*p++ = '-';
	memcpy(p, imap_months[month - 1], 3);
	p += 3;
	*p++ = '-';
	p = two_digits(p, year / 100);
	p = two_digits(p, year % 100);
	*p++ = ' ';
	p = two_digits(p, (int)(rest / 3600));
	*p++ = ':';
	p = two_digits(p, (int)(rest / 60 % 60));
	*p++ = ':';
	p = two_digits(p, (int)(rest % 60));
	memcpy(p, " +0000\"", 7);
	(void)buf_add(out, text, (size_t)(p - text) + 7);
}
