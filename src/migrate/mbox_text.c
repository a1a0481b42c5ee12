/*
 * mbox_text.c - see mbox_text.h.
 */
#include "migrate/mbox_text.h"

#include "base/str.h"
#include "message/header.h"
#include <stdlib.h>
#include <time.h>

enum { KEYWORD_OCTETS = 65536 };

void
mbox_parser_init(struct mbox_parser *p)
{
	*p = (struct mbox_parser){ 0 };
	buf_init(&p->header, (size_t)MBOX_HEADER_MAX + MBOX_LINE_MAX);
	buf_init(&p->about.keywords, KEYWORD_OCTETS);
}

void
mbox_parser_fini(struct mbox_parser *p)
{
	buf_fini(&p->header);
	buf_fini(&p->about.keywords);
}

/* --- the "From " line ---------------------------------------------------- */

static int
month_of(struct pst_str word)
{
	static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

	for (int i = 0; i < 12; i++)
		if (word.n == 3 &&
		    str_eq_case(word, str_n(names + (size_t)i * 3, 3)))
			return i;
	return -1;
}

/* "12:34" or "12:34:56" */
static bool
parse_clock(struct pst_str word, struct tm *tm)
{
	struct pst_str part;
	uint32_t v[3] = { 0, 0, 0 };
	size_t n = 0;

	while (n < 3 && str_split(&word, ':', &part))
		if (part.n > 2 || !str_to_u32(part, &v[n++]))
			return false;
	if (word.p != NULL || n < 2 || v[0] > 23 || v[1] > 59 || v[2] > 60)
		return false;
	tm->tm_hour = (int)v[0];
	tm->tm_min = (int)v[1];
	tm->tm_sec = (int)v[2];
	return true;
}

/* "+0100": minutes. */
static bool
parse_zone(struct pst_str word, int *minutes_r)
{
	uint32_t n;

	if (word.n != 5 || (word.p[0] != '+' && word.p[0] != '-') ||
	    !str_to_u32(str_from(word, 1), &n) || n > 1400)
		return false;
	*minutes_r = (int)(n / 100 * 60 + n % 100);
	if (word.p[0] == '-')
		*minutes_r = -*minutes_r;
	return true;
}

/* The words behind the time of day. */
static bool
parse_year(struct pst_str rest, struct tm *tm, int *zone_r)
{
	struct pst_str word;
	uint32_t year;
	bool found = false;

	while (str_split(&rest, ' ', &word)) {
		if (word.n == 4 && str_to_u32(word, &year) && year >= 1970) {
			tm->tm_year = (int)year - 1900;
			found = true;
		} else {
			(void)parse_zone(word, zone_r);
		}
	}
	return found;
}

/* "Jan  2 12:34:56 2026" at the beginning of `rest`. */
static bool
parse_date(struct pst_str rest, int64_t *date_r)
{
	struct tm tm = { .tm_mon = -1 };
	struct pst_str word;
	uint32_t day = 0;
	int zone = 0;

	if (!str_split(&rest, ' ', &word))
		return false;
	tm.tm_mon = month_of(word);
	while (rest.n > 0 && rest.p[0] == ' ')
		rest = str_from(rest, 1);
	if (tm.tm_mon < 0 || !str_split(&rest, ' ', &word) || word.n > 2 ||
	    !str_to_u32(word, &day) || day < 1 || day > 31 ||
	    !str_split(&rest, ' ', &word) || !parse_clock(word, &tm) ||
	    rest.p == NULL || !parse_year(rest, &tm, &zone))
		return false;
	tm.tm_mday = (int)day;
	*date_r = (int64_t)timegm(&tm) - (int64_t)zone * 60;
	return true;
}

bool
mbox_parse_from(struct pst_str line, int64_t *date_r)
{
	line = str_trim(line);
	if (line.n < 5 || memcmp(line.p, "From ", 5) != 0)
		return false;
	/* Senders may have spaces: the date is where it can be read. */
	for (size_t i = 5; i + 4 < line.n; i++)
		if (line.p[i] == ' ' &&
		    parse_date(str_from(line, i + 1), date_r))
			return true;
	/* Without a sender. */
	return parse_date(str_from(line, 5), date_r);
}

/* --- fields -------------------------------------------------------------- */

static void
add_keywords(struct mbox_about *a, struct pst_str words)
{
	struct pst_str word;

	while (str_split(&words, ' ', &word)) {
		word = str_trim(word);
		if (word.n == 0 || a->keyword_count == MBOX_KEYWORDS_MAX ||
		    memchr(word.p, '\0', word.n) != NULL ||
		    word.n >= a->keywords.max - a->keywords.n)
			continue;
		(void)buf_add_str(&a->keywords, word);
		(void)buf_putc(&a->keywords, '\0');
		a->keyword_count++;
	}
}

static void
add_status(struct mbox_about *a, struct pst_str letters)
{
	for (size_t i = 0; i < letters.n; i++)
		switch (letters.p[i]) {
		case 'R':
			a->flags |= PST_SEEN;
			break;
		case 'A':
			a->flags |= PST_ANSWERED;
			break;
		case 'F':
			a->flags |= PST_FLAGGED;
			break;
		case 'T':
			a->flags |= PST_DRAFT;
			break;
		case 'D':
			a->flags |= PST_DELETED;
			break;
		default:
			break;
		}
}

/* "1234567890 0000000042 keyword keyword" */
static void
take_base(struct mbox_about *a, struct pst_str value)
{
	struct pst_str word;
	uint32_t validity, last;

	if (str_split(&value, ' ', &word) && str_to_u32(word, &validity) &&
	    str_split(&value, ' ', &word) && str_to_u32(word, &last)) {
		a->base_uidvalidity = validity;
		a->base_last_uid = last;
	}
}

/* True: the field is the mbox's own, and no part of the message. */
static bool
take_field(struct mbox_about *a, struct pst_str field)
{
	size_t colon = str_find(field, ':');
	struct pst_str name = str_trim(str_first(field, colon));
	struct pst_str value = str_trim(str_from(field, colon + 1));

	if (colon == field.n)
		return false;
	if (str_is_case(name, "Status") || str_is_case(name, "X-Status"))
		add_status(a, value);
	else if (str_is_case(name, "X-Keywords"))
		add_keywords(a, value);
	else if (str_is_case(name, "X-UID"))
		(void)str_to_u32(value, &a->uid);
	else if (str_is_case(name, "X-IMAPbase") || str_is_case(name, "X-IMAP"))
		take_base(a, value);
	else if (!str_is_case(name, "Content-Length"))
		return false;
	if (str_is_case(name, "X-IMAP"))
		a->is_internal = true;
	return true;
}

/* c-client keeps what it knows of a file in a first message, which says so. */
static void
look_for_internal(struct mbox_about *a, struct pst_str field)
{
	static const char words[] = "DON'T DELETE THIS MESSAGE";

	if (a->is_internal && str_has_prefix_case(field, "Subject:"))
		a->is_internal = str_find_case(field, str_of(words)) !=
				 SIZE_MAX;
}

/* Takes the fields that are ours out of the header, each with its folds. */
static void
sift(struct mbox_parser *p)
{
	struct pst_str all = buf_str(&p->header), field;
	size_t kept = 0;
	bool has_subject = false;

	while (all.n > 0) {
		size_t n = 0;

		do {
			size_t line = str_find(str_from(all, n), '\n');

			n += line + 1 < all.n - n ? line + 1 : all.n - n;
		} while (n < all.n && (all.p[n] == ' ' || all.p[n] == '\t'));
		field = str_first(all, n);
		all = str_from(all, n);
		has_subject |= str_has_prefix_case(field, "Subject:");
		look_for_internal(&p->about, field);
		if (take_field(&p->about, field))
			continue;
		memmove(p->header.p + kept, field.p, field.n);
		kept += field.n;
	}
	p->header.n = kept;
	p->about.is_internal &= has_subject;
}

/* --- lines --------------------------------------------------------------- */

static void
begin(struct mbox_parser *p, int64_t date)
{
	struct buf keywords = p->about.keywords;

	buf_clear(&keywords);
	buf_clear(&p->header);
	p->about = (struct mbox_about){ .date = date, .keywords = keywords };
	p->began = p->in_header = true;
	p->after_empty = false;
	p->held_n = 0;
}

static bool
is_empty_line(struct pst_str line)
{
	return line.n > 0 && line.n <= 2 && line.p[line.n - 1] == '\n' &&
	       (line.n == 1 || line.p[0] == '\r');
}

/* Without the '>' that a "From " line was given. */
static struct pst_str
unquote(struct pst_str line)
{
	size_t n = 0;

	while (n < line.n && line.p[n] == '>')
		n++;
	return n > 0 && line.n - n >= 5 && memcmp(line.p + n, "From ", 5) == 0
		   ? str_from(line, 1)
		   : line;
}

/* A line, or a piece of a long one, that is no "From " line. */
static bool
take_header_line(struct mbox_parser *p, struct pst_str line)
{
	/* What would be too long a header is body, as it is. */
	bool fits = p->header.n + line.n <= MBOX_HEADER_MAX;

	if (fits)
		(void)buf_add_str(
		    &p->header, p->in_line ? line : unquote(line));
	return fits;
}

static enum mbox_event
end_header(struct mbox_parser *p, struct pst_str *text_r)
{
	p->in_header = false;
	sift(p);
	*text_r = p->header.n > 0 ? buf_str(&p->header) : STR("");
	return MBOX_MESSAGE;
}

/* The empty line that was kept back is of the message after all. */
static enum mbox_event
let_go(struct mbox_parser *p, struct pst_str *text_r)
{
	p->after_empty = false;
	*text_r = str_n(p->held, p->held_n);
	return MBOX_TEXT;
}

static void
hold(struct mbox_parser *p, struct pst_str line)
{
	p->after_empty = true;
	memcpy(p->held, line.p, line.n);
	p->held_n = line.n;
}

/* The next line of `in`, whole, or a piece of one that is too long to be looked
 * at. False: more is needed. */
static bool
next_line(const struct mbox_parser *p, struct pst_str in, bool eof,
    struct pst_str *line_r, bool *whole_r)
{
	size_t n = str_find(str_first(in, MBOX_LINE_MAX), '\n');

	*whole_r = !p->in_line;
	if (n < in.n && n < MBOX_LINE_MAX) {
		*line_r = str_first(in, n + 1);
		return true;
	}
	if (in.n < MBOX_LINE_MAX && !eof)
		return false;
	*line_r = str_first(in, MBOX_LINE_MAX);
	/* The last line of a file may have no end. */
	*whole_r &= in.n < MBOX_LINE_MAX;
	return true;
}

static enum mbox_event
parse_first(struct mbox_parser *p, struct pst_str line, struct pst_str *in)
{
	int64_t date;

	if (is_empty_line(line)) {
		*in = str_from(*in, line.n);
		return MBOX_MORE;
	}
	if (!mbox_parse_from(line, &date))
		return MBOX_NONE;
	*in = str_from(*in, line.n);
	begin(p, date);
	return MBOX_MORE;
}

static enum mbox_event
at_end(struct mbox_parser *p, struct pst_str *text_r)
{
	if (p->began && p->in_header)
		return end_header(p, text_r);
	/* The last empty line is the file's, too. */
	return MBOX_OVER;
}

/* One line of the body. MBOX_MORE: nothing is to be told. */
static enum mbox_event
body_line(struct mbox_parser *p, struct pst_str line, bool whole,
    struct pst_str *in, struct pst_str *text_r)
{
	int64_t date;

	if (whole && p->after_empty && mbox_parse_from(line, &date)) {
		*in = str_from(*in, line.n);
		begin(p, date);
		return MBOX_MORE;
	}
	if (p->after_empty && p->held_n > 0)
		return let_go(p, text_r); /* and come back to this line */
	p->after_empty = false;
	*in = str_from(*in, line.n);
	if (whole && is_empty_line(line)) {
		hold(p, line);
		return MBOX_MORE;
	}
	*text_r = p->in_line ? line : unquote(line);
	p->in_line = line.p[line.n - 1] != '\n';
	return MBOX_TEXT;
}

/* One line of the header. */
static enum mbox_event
header_line(struct mbox_parser *p, struct pst_str line, bool whole,
    struct pst_str *in, struct pst_str *text_r)
{
	if (whole && is_empty_line(line)) {
		(void)take_header_line(p, line);
		*in = str_from(*in, line.n);
		/* Of a message without a body it may be the file's, too. */
		p->after_empty = true;
		p->held_n = 0;
		return end_header(p, text_r);
	}
	if (!take_header_line(p, line)) {
		p->after_empty = false;
		return end_header(p, text_r);
	}
	*in = str_from(*in, line.n);
	p->in_line = line.p[line.n - 1] != '\n';
	return MBOX_MORE;
}

enum mbox_event
mbox_parse(
    struct mbox_parser *p, struct pst_str *in, bool eof, struct pst_str *text_r)
{
	for (;;) {
		enum mbox_event event;
		struct pst_str line;
		bool whole;

		if (in->n == 0)
			return eof ? at_end(p, text_r) : MBOX_MORE;
		if (!next_line(p, *in, eof, &line, &whole))
			return MBOX_MORE;
		if (!p->began)
			event = parse_first(p, line, in);
		else if (p->in_header)
			event = header_line(p, line, whole, in, text_r);
		else
			event = body_line(p, line, whole, in, text_r);
		if (event != MBOX_MORE)
			return event;
	}
}
