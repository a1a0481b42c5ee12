/*
 * message/date.c - dates of header fields (RFC 5322, 3.3 and 4.3) and of what
 * has been seen in their place: the order of asctime(), ISO 8601, dashes or
 * dots between numbers, "GMT+1", no zone.
 */
#include "base/str.h"
#include "message/header.h"
#include "message/internal.h"

static const char months[] = "janfebmaraprmayjunjulaugsepoctnovdec";

/* RFC 5322, 4.3; other names and letters stand for -0000. */
static const struct {
	const char *name;
	int minutes;
} zones[] = {
	{ "ut", 0 },
	{ "utc", 0 },
	{ "gmt", 0 },
	{ "z", 0 },
	{ "wet", 0 },
	{ "bst", 60 },
	{ "west", 60 },
	{ "met", 60 },
	{ "mez", 60 },
	{ "cet", 60 },
	{ "cest", 120 },
	{ "mest", 120 },
	{ "mesz", 120 },
	{ "eet", 120 },
	{ "eest", 180 },
	{ "msk", 180 },
	{ "jst", 540 },
	{ "kst", 540 },
	{ "est", -300 },
	{ "edt", -240 },
	{ "cst", -360 },
	{ "cdt", -300 },
	{ "mst", -420 },
	{ "mdt", -360 },
	{ "pst", -480 },
	{ "pdt", -420 },
};

struct date {
	int64_t year;
	unsigned month, day, hour, minute, second;
	int zone;
};

struct scan {
	const char *p, *end;
};

/* White space, comments and the characters of `also`. */
static void
skip(struct scan *s, const char *also)
{
	for (;;) {
		s->p = msg_skip_cfws(s->p, s->end);
		if (s->p == s->end || *s->p == '\0' ||
		    strchr(also, *s->p) == NULL)
			return;
		s->p++;
	}
}

/* Up to `max` digits; how many there were. */
static size_t
take_number(struct scan *s, size_t max, unsigned *value_r)
{
	size_t n = 0;

	*value_r = 0;
	while (s->p < s->end && n < max && ascii_is_digit(*s->p)) {
		*value_r = *value_r * 10 + (unsigned)(*s->p++ - '0');
		n++;
	}
	return n;
}

static struct pst_str
take_letters(struct scan *s)
{
	const char *start = s->p;

	while (s->p < s->end && ascii_is_alpha(*s->p))
		s->p++;
	return str_n(start, (size_t)(s->p - start));
}

/* 1 to 12 by the first three letters, or 0. */
static unsigned
month_of(struct pst_str name)
{
	for (unsigned i = 0; name.n >= 3 && i < 12; i++) {
		if (str_eq_case(
			str_first(name, 3), str_n(months + (size_t)3 * i, 3)))
			return i + 1;
	}
	return 0;
}

/* RFC 5322, 4.3: two digits below 50 are 20xx, others and three are 19xx. */
static bool
take_year(struct scan *s, struct date *d)
{
	unsigned value;
	size_t n = take_number(s, 5, &value);

	d->year = value;
	if (n == 2 && value < 50)
		d->year += 2000;
	else if (n == 2 || n == 3)
		d->year += 1900;
	return n >= 2 && n <= 4;
}

static bool
take_time(struct scan *s, struct date *d)
{
	struct scan before;
	unsigned fraction;

	if (take_number(s, 2, &d->hour) == 0)
		return false;
	skip(s, "");
	if (s->p == s->end || (*s->p != ':' && *s->p != '.'))
		return false;
	s->p++;
	skip(s, "");
	if (take_number(s, 2, &d->minute) == 0)
		return false;
	before = *s;
	skip(s, "");
	if (s->p == s->end || (*s->p != ':' && *s->p != '.')) {
		*s = before;
		return true;
	}
	s->p++;
	skip(s, "");
	(void)take_number(s, 2, &d->second);
	if (s->p < s->end && (*s->p == '.' || *s->p == ',')) {
		s->p++;
		(void)take_number(s, 9, &fraction);
	}
	return true;
}

/* "+hhmm", also "+h", "+hh" and "+hh:mm". What makes no sense counts as 0. */
static int
take_offset(struct scan *s)
{
	bool minus = *s->p == '-';
	unsigned value, hours, minutes = 0;
	size_t n;

	s->p++;
	skip(s, "");
	n = take_number(s, 4, &value);
	if (n > 2) {
		hours = value / 100;
		minutes = value % 100;
	} else {
		hours = value;
		if (n > 0 && s->p < s->end && *s->p == ':') {
			s->p++;
			(void)take_number(s, 2, &minutes);
		}
	}
	if (hours > 99 || minutes > 59)
		return 0;
	return (int)(hours * 60 + minutes) * (minus ? -1 : 1);
}

static bool
is_sign(const struct scan *s)
{
	return s->p < s->end && (*s->p == '+' || *s->p == '-');
}

static void
take_zone(struct scan *s, struct date *d)
{
	struct pst_str name;
	bool known = false;

	d->zone = 0;
	skip(s, "\"");
	if (is_sign(s)) {
		d->zone = take_offset(s);
		return;
	}
	name = take_letters(s);
	for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]); i++) {
		if (str_is_case(name, zones[i].name)) {
			d->zone = zones[i].minutes;
			known = true;
		}
	}
	/* "GMT+1" means one hour east; "EST-0500" says it twice. */
	skip(s, "");
	if ((known || name.n > 0) && is_sign(s))
		d->zone = take_offset(s);
}

/* "2026-11-23T12:00:00Z" */
static bool
take_iso(struct scan *s, struct date *d)
{
	unsigned year;

	if (take_number(s, 4, &year) != 4 || s->p == s->end || *s->p != '-')
		return false;
	d->year = year;
	s->p++;
	if (take_number(s, 2, &d->month) != 2 || s->p == s->end || *s->p != '-')
		return false;
	s->p++;
	if (take_number(s, 2, &d->day) != 2)
		return false;
	skip(s, "Tt");
	if (!take_time(s, d))
		return false;
	take_zone(s, d);
	return true;
}

/* "Nov 23 12:00:00 2026", maybe with a zone before or after the year. */
static bool
take_asctime(struct scan *s, struct date *d)
{
	struct scan before;

	skip(s, "-,.");
	if (take_number(s, 2, &d->day) == 0)
		return false;
	skip(s, "-,.");
	before = *s;
	if (!take_time(s, d)) {
		/* "Nov 23, 2026 12:00" */
		*s = before;
		if (!take_year(s, d))
			return false;
		skip(s, ",");
		if (!take_time(s, d))
			return false;
		take_zone(s, d);
		return true;
	}
	skip(s, "");
	if (s->p < s->end && !ascii_is_digit(*s->p))
		take_zone(s, d);
	skip(s, "");
	if (!take_year(s, d))
		return false;
	skip(s, "");
	if (is_sign(s))
		d->zone = take_offset(s);
	return true;
}

static bool
take_date(struct scan *s, struct date *d)
{
	struct pst_str word;
	struct scan before;

	skip(s, ",\"");
	word = take_letters(s);
	if (word.n > 0 && month_of(word) == 0) {
		skip(s, ",.\""); /* the name of the day */
		word = take_letters(s);
	}
	d->month = month_of(word);
	if (word.n > 0)
		return d->month > 0 && take_asctime(s, d);
	before = *s;
	if (take_iso(s, d))
		return true;
	*s = before;
	*d = (struct date){ 0 };
	if (take_number(s, 2, &d->day) == 0)
		return false;
	skip(s, "-/.");
	d->month = month_of(take_letters(s));
	skip(s, "-/.,");
	if (d->month == 0 || !take_year(s, d))
		return false;
	skip(s, ",T");
	if (s->p == s->end)
		return true; /* the day alone */
	if (!take_time(s, d))
		return false;
	take_zone(s, d);
	return true;
}

static bool
is_leap(int64_t year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static unsigned
days_in(int64_t year, unsigned month)
{
	if (month == 2)
		return is_leap(year) ? 29 : 28;
	return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

/* Days since 1970-01-01. Years start in March here, so that the leap day is
 * the last one of a year. */
static int64_t
days_since_epoch(int64_t year, unsigned month, unsigned day)
{
	int64_t y = month <= 2 ? year + 399 : year + 400; /* never negative */
	unsigned m = (month + 9) % 12;

	return y * 365 + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day -
	       1 - (719468 + 146097);
}

bool
msg_parse_date(struct pst_str value, int64_t *seconds_r, int *zone_r)
{
	struct scan s = { value.p, value.p };
	struct date d = { 0 };

	if (value.n == 0)
		return false;
	s.end += value.n;
	if (!take_date(&s, &d))
		return false;
	if (d.month < 1 || d.month > 12 || d.day < 1 ||
	    d.day > days_in(d.year, d.month) || d.hour > 23 || d.minute > 59 ||
	    d.second > 60)
		return false;
	*seconds_r = days_since_epoch(d.year, d.month, d.day) * 86400 +
		     (int64_t)d.hour * 3600 + (int64_t)d.minute * 60 +
		     d.second - (int64_t)d.zone * 60;
	*zone_r = d.zone;
	return true;
}

/* 0000-01-01 and 9999-12-31 */
static const int64_t first_day = -719528, last_day = 2932896;

/* The date `days` after 1970-01-01. */
static void
civil_date(int64_t days, struct date *d)
{
	int64_t z = days + 719468 + 146097; /* from 1 March of the year -400 */
	int64_t era = z / 146097, in_era = z % 146097;
	int64_t year = (in_era - in_era / 1460 + in_era / 36524 -
			   in_era / 146096) /
		       365;
	unsigned in_year = (unsigned)(in_era -
				      (365 * year + year / 4 - year / 100));
	unsigned m = (5 * in_year + 2) / 153;

	d->day = in_year - (153 * m + 2) / 5 + 1;
	d->month = m < 10 ? m + 3 : m - 9;
	d->year = year + era * 400 - 400 + (d->month <= 2);
}

void
msg_format_date(int64_t seconds, int zone_minutes, char out[40])
{
	static const char days[] = "ThuFriSatSunMonTueWed";
	struct date d;
	int64_t day, in_day;
	int zone = zone_minutes;

	if (zone <= -6000 || zone >= 6000)
		zone = 0;
	/* Whatever a file or a client claims, the form holds. */
	if (seconds < (first_day + 5) * 86400)
		seconds = (first_day + 5) * 86400;
	if (seconds > (last_day - 5) * 86400)
		seconds = (last_day - 5) * 86400;
	seconds += (int64_t)zone * 60;
	day = seconds / 86400;
	in_day = seconds % 86400;
	if (in_day < 0) {
		in_day += 86400;
		day--;
	}
	civil_date(day, &d);
	(void)snprintf(out, 40,
	    "%.3s, %02u %c%.2s %04d %02d:%02d:%02d %c%02d%02d",
	    days + (size_t)3 * (size_t)((day % 7 + 7) % 7), d.day,
	    ascii_upper(months[(d.month - 1) * 3]),
	    months + (size_t)(d.month - 1) * 3 + 1, (int)d.year,
	    (int)(in_day / 3600), (int)(in_day / 60 % 60), (int)(in_day % 60),
	    zone < 0 ? '-' : '+', (zone < 0 ? -zone : zone) / 60,
	    (zone < 0 ? -zone : zone) % 60);
}
