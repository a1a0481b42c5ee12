/*
 * sieve/date.c - the tests `date` and `currentdate` (RFC 5260, 4 and 5).
 */
#include "base/str.h"
#include "message/header.h"
#include "sieve/run.h"

enum { PART = 48 }; /* octets of a part with its NUL */

struct moment {
	int64_t seconds; /* since 1970, UTC */
	int zone;	 /* minutes */
	/* In that zone: */
	int64_t days; /* since 1970 */
	int year, month, day, hour, minute, second;
};

/* The date of `days`, for the years 0 to 9999. Years begin in March here, so
 * that the leap day is their last. */
static void
set_date(struct moment *t)
{
	int64_t z = t->days + 719468, era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t in = z - era * 146097;
	int64_t year = (in - in / 1460 + in / 36524 - in / 146096) / 365;
	int64_t day = in - (365 * year + year / 4 - year / 100);
	int64_t month = (5 * day + 2) / 153;

	t->day = (int)(day - (153 * month + 2) / 5 + 1);
	t->month = (int)(month < 10 ? month + 3 : month - 9);
	t->year = (int)(year + era * 400 + (t->month <= 2));
}

static void
set_moment(struct moment *t, int64_t seconds, int zone)
{
	const int64_t first = INT64_C(-719528) * 86400,
		      last = INT64_C(2932896) * 86400;
	int64_t local, in_day;

	/* 0000-01-01 to 9999-12-31, a day less for zones. */
	if (seconds < first + INT64_C(5) * 86400)
		seconds = first + INT64_C(5) * 86400;
	if (seconds > last - INT64_C(5) * 86400)
		seconds = last - INT64_C(5) * 86400;
	t->seconds = seconds;
	t->zone = zone;
	local = seconds + (int64_t)zone * 60;
	in_day = ((local % 86400) + 86400) % 86400;
	t->days = (local - in_day) / 86400;
	t->hour = (int)(in_day / 3600);
	t->minute = (int)(in_day / 60 % 60);
	t->second = (int)(in_day % 60);
	set_date(t);
}

/* "+hhmm", or "+hh:mm". */
static void
put_zone(char out[16], int zone, const char *colon)
{
	int minutes = zone < 0 ? -zone : zone;

	(void)snprintf(out, 16, "%c%02d%s%02d", zone < 0 ? '-' : '+',
	    minutes / 60 % 100, colon, minutes % 60);
}

/* Those that are made of more than a number. */
static bool
put_text(char out[PART], const struct moment *t, struct pst_str part)
{
	char zone[16];

	if (str_is_case(part, "date")) {
		(void)snprintf(
		    out, PART, "%04d-%02d-%02d", t->year, t->month, t->day);
	} else if (str_is_case(part, "time")) {
		(void)snprintf(
		    out, PART, "%02d:%02d:%02d", t->hour, t->minute, t->second);
	} else if (str_is_case(part, "iso8601")) {
		put_zone(zone, t->zone, ":");
		(void)snprintf(out, PART, "%04d-%02d-%02dT%02d:%02d:%02d%s",
		    t->year, t->month, t->day, t->hour, t->minute, t->second,
		    t->zone == 0 ? "Z" : zone);
	} else if (str_is_case(part, "std11")) {
		msg_format_date(t->seconds, t->zone, out);
	} else if (str_is_case(part, "zone")) {
		put_zone(out, t->zone, "");
	} else {
		return false;
	}
	return true;
}

static bool
put_number(char out[PART], const struct moment *t, struct pst_str part)
{
	const struct {
		const char *name;
		int digits, value;
	} numbers[] = {
		{ "year", 4, t->year },
		{ "month", 2, t->month },
		{ "day", 2, t->day },
		{ "hour", 2, t->hour },
		{ "minute", 2, t->minute },
		{ "second", 2, t->second },
		/* Modified Julian Day: 1858-11-17 is the first one. */
		{ "julian", 1, (int)(t->days + 40587) },
		{ "weekday", 1, (int)(((t->days + 4) % 7 + 7) % 7) },
	};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		if (!str_is_case(part, numbers[i].name))
			continue;
		(void)snprintf(
		    out, PART, "%0*d", numbers[i].digits, numbers[i].value);
		return true;
	}
	return false;
}

/* ( "+" / "-" ) 4DIGIT */
static bool
parse_zone(struct pst_str s, int *zone_r)
{
	uint32_t value;

	if (s.n != 5 || (s.p[0] != '+' && s.p[0] != '-') ||
	    !str_to_u32(str_from(s, 1), &value) || value % 100 > 59)
		return false;
	*zone_r = (int)(value / 100 * 60 + value % 100);
	if (s.p[0] == '-')
		*zone_r = -*zone_r;
	return true;
}

/* The zone that the test wants; `original` is that of the field. */
static int
zone_of(struct run *r, const struct sieve_node *n, int original)
{
	struct pst_str text = run_tag(r, n, TAG_ZONE);
	int zone = r->host->zone;

	if (sieve_has_tag(n, TAG_ORIGINALZONE))
		return original;
	if (text.p != NULL && !parse_zone(text, &zone))
		run_fail(r, "\"%.*s\" is no time zone such as +0100",
		    STR_ARG(str_first(text, 40)));
	return zone;
}

static void
match_moment(
    struct match *m, const struct moment *t, const struct sieve_value *part_arg)
{
	struct pst_str part = run_string(m->r, part_arg);
	char text[PART];

	if (put_number(text, t, part) || put_text(text, t, part))
		(void)match_value(m, str_of(text));
	else
		run_fail(m->r, "A date has no part \"%.*s\"",
		    STR_ARG(str_first(part, 40)));
}

/* At the end of the value behind a semicolon, as in Received, or all of it. */
static bool
field_date(
    struct run *r, const struct msg_field *f, int64_t *seconds_r, int *zone_r)
{
	struct pst_str text = run_field_text(r, f), last = text;

	for (size_t i = text.n; i > 0; i--) {
		if (text.p[i - 1] != ';')
			continue;
		last = str_from(text, i);
		break;
	}
	return msg_parse_date(last, seconds_r, zone_r) ||
	       (last.n < text.n && msg_parse_date(text, seconds_r, zone_r));
}

bool
run_test_date(struct run *r, const struct sieve_node *n)
{
	struct fields f = run_fields(r, n, run_strings(r, &n->arg[0]));
	struct moment t;
	struct match m;
	int64_t seconds;
	int zone;

	match_begin(&m, r, n, &n->arg[2]);
	if (f.n > 0 && field_date(r, f.v[0], &seconds, &zone)) {
		set_moment(&t, seconds, zone_of(r, n, zone));
		match_moment(&m, &t, &n->arg[1]);
	}
	return match_end(&m);
}

bool
run_test_currentdate(struct run *r, const struct sieve_node *n)
{
	struct moment t;
	struct match m;

	match_begin(&m, r, n, &n->arg[1]);
	set_moment(&t, r->host->now, zone_of(r, n, r->host->zone));
	match_moment(&m, &t, &n->arg[0]);
	return match_end(&m);
}
