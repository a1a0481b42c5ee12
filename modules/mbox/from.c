/*
 * from.c - see from.h.
 */
#include "from.h"

static const char days[] = "SunMonTueWedThuFriSat";
static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

/* The next word and where it ends; empty at the end of the line. */
static struct pst_str
next_word(const char **p, const char *end)
{
	struct pst_str w;

	while (*p < end && **p == ' ')
		++*p;
	w.p = *p;
	while (*p < end && **p != ' ')
		++*p;
	w.n = (size_t)(*p - w.p);
	return w;
}

/* Which of the three letter names in `list`; -1: none. */
static int
name_of(struct pst_str w, const char *list)
{
	if (w.n != 3)
		return -1;
	for (int i = 0; list[3 * i] != '\0'; i++)
		if ((w.p[0] | 0x20) == (list[3 * i] | 0x20) &&
		    (w.p[1] | 0x20) == list[3 * i + 1] &&
		    (w.p[2] | 0x20) == list[3 * i + 2])
			return i;
	return -1;
}

static bool
number_of(const char *p, size_t n, int most, int *value_r)
{
	uint64_t v;

	if (n == 0 || n > 4 || !li_number(p, n, &v) || v > (uint64_t)most)
		return false;
	*value_r = (int)v;
	return true;
}

/* H:MM or H:MM:SS */
static bool
time_of(struct pst_str w, struct tm *tm)
{
	const char *a = w.n > 0 ? memchr(w.p, ':', w.n) : NULL, *b;
	size_t hour, rest;

	if (a == NULL)
		return false;
	hour = (size_t)(a - w.p);
	rest = w.n - hour - 1;
	b = rest > 0 ? memchr(a + 1, ':', rest) : NULL;
	tm->tm_sec = 0;
	if (b != NULL) {
		if (!number_of(
			b + 1, (size_t)(w.p + w.n - b - 1), 60, &tm->tm_sec))
			return false;
		rest = (size_t)(b - a - 1);
	}
	return number_of(w.p, hour, 23, &tm->tm_hour) && rest == 2 &&
	       number_of(a + 1, rest, 59, &tm->tm_min);
}

/* "+0100", or a name. Of names only those of UTC are known. */
static bool
zone_of(struct pst_str w, struct mb_from *f)
{
	int hours, minutes;

	if (w.n == 5 && (w.p[0] == '+' || w.p[0] == '-') &&
	    number_of(w.p + 1, 2, 24, &hours) &&
	    number_of(w.p + 3, 2, 59, &minutes)) {
		f->has_zone = true;
		f->zone = (hours * 60 + minutes) * (w.p[0] == '-' ? -60 : 60);
		return true;
	}
	for (size_t i = 0; i < w.n; i++)
		if ((w.p[i] | 0x20) < 'a' || (w.p[i] | 0x20) > 'z')
			return false;
	if (li_is(w, "UTC") || li_is(w, "GMT") || li_is(w, "UT")) {
		f->has_zone = true;
		f->zone = 0;
	}
	return w.n > 0 && w.n <= 5;
}

/* A date from the word `w` on. */
static bool
date_of(struct pst_str w, const char *p, const char *end, struct mb_from *f)
{
	struct tm *tm = &f->tm;
	int year;

	*f = (struct mb_from){ .tm = { .tm_isdst = -1 } };
	if (w.n == 4 && w.p[3] == ',')
		w.n = 3;
	if (name_of(w, days) < 0)
		return false;
	tm->tm_mon = name_of(next_word(&p, end), months);
	w = next_word(&p, end);
	if (tm->tm_mon < 0 || !number_of(w.p, w.n, 31, &tm->tm_mday) ||
	    tm->tm_mday < 1 || !time_of(next_word(&p, end), tm))
		return false;
	/* The zone may stand before the year, and in two words: MET DST. */
	for (int words = 0;; words++) {
		w = next_word(&p, end);
		if (w.n == 4 && number_of(w.p, w.n, 9999, &year))
			break;
		if (words == 2 || !zone_of(w, f))
			return false;
	}
	tm->tm_year = year - 1900;
	w = next_word(&p, end);
	if (w.n > 0)
		(void)zone_of(w, f);
	return true;
}

bool
mb_from_parse(const char *line, size_t n, struct mb_from *f)
{
	const char *p = line + 5, *end = line + n;
	struct pst_str w;

	if (n < 5 || n > MB_FROM_MAX || memcmp(line, "From ", 5) != 0)
		return false;
	if (end[-1] == '\r')
		end--;
	/* Senders may have spaces in them, or not be there. */
	while ((w = next_word(&p, end)).n > 0)
		if ((w.n == 3 || w.n == 4) && date_of(w, p, end, f))
			return true;
	return false;
}

int64_t
mb_from_date(const struct mb_from *f)
{
	struct tm tm = f->tm;

	return f->has_zone ? (int64_t)timegm(&tm) - f->zone
			   : (int64_t)mktime(&tm);
}

void
mb_from_print(struct li_buf *out, struct pst_str sender, int64_t date)
{
	time_t t = (time_t)date;
	size_t n = 0;
	struct tm tm;

	/* Four digits are what everybody expects of a year. */
	if (localtime_r(&t, &tm) == NULL || tm.tm_year < -900 ||
	    tm.tm_year > 8099)
		tm = (struct tm){ .tm_year = 70, .tm_mday = 1, .tm_wday = 4 };
	li_buf_puts(out, "From ");
	for (size_t i = 0; i < sender.n && n < MB_FROM_MAX / 4; i++)
		if ((unsigned char)sender.p[i] > 0x20 && sender.p[i] != 0x7f) {
			li_buf_putc(out, sender.p[i]);
			n++;
		}
	if (n == 0)
		li_buf_puts(out, "MAILER-DAEMON");
	li_buf_printf(out, " %.3s %.3s %2d %02d:%02d:%02d %04d\n",
	    days + 3 * tm.tm_wday, months + 3 * tm.tm_mon, tm.tm_mday,
	    tm.tm_hour, tm.tm_min, tm.tm_sec, tm.tm_year + 1900);
}
