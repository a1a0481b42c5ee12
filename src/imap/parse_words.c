/*
 * imap/parse_words.c - arguments with a meaning: mailbox names, flags and
 * dates (RFC 3501, 9 and 5.1.3).
 */
#include "base/codec.h"
#include "base/str.h"
#include "imap/parse.h"
#include "mailbox/mailbox.h"

const char imap_months[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
	"Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };

/*
 * Names come in modified UTF-7. Octets above 127 are not allowed there, but
 * clients that send plain UTF-8 mean nothing else by it. After ENABLE
 * UTF8=ACCEPT or IMAP4rev2 all of them are UTF-8 (RFC 6855, 3; RFC 9051, 5.1).
 */
bool
imap_mailbox_name(struct imap_parser *ps, struct pst_str wire, char **out)
{
	struct buf utf8, clean;
	bool good;

	buf_init(&utf8, 8192);
	buf_init(&clean, 8192);
	good = str_is_ascii(wire) && !ps->utf8 ? mutf7_decode(wire, &utf8)
					       : buf_add_str(&utf8, wire);
	good = good && mailbox_name_clean(buf_str(&utf8), &clean) == PST_OK;
	ps->given = STR_NONE;
	if (good) {
		*out = arena_text(ps->arena, buf_str(&clean));
		good = *out != NULL;
		if (!str_eq(buf_str(&utf8), buf_str(&clean)))
			ps->given = arena_copy(ps->arena, buf_str(&utf8));
	}
	buf_fini(&utf8);
	buf_fini(&clean);
	return good || imap_bad(ps, "Invalid mailbox name");
}

bool
imap_mailbox(struct imap_parser *ps, char **out)
{
	struct pst_str wire;

	return imap_astring(ps, &wire) && imap_mailbox_name(ps, wire, out);
}

/* --- flags -------------------------------------------------------------- */

static const struct {
	const char *name;
	uint32_t flag;
} system_flags[] = {
	{ "\\Answered", PST_ANSWERED },
	{ "\\Deleted", PST_DELETED },
	{ "\\Draft", PST_DRAFT },
	{ "\\Flagged", PST_FLAGGED },
	{ "\\Recent", 0 },
	{ "\\Seen", PST_SEEN },
};

static bool
system_flag(struct imap_parser *ps, struct imap_flags *out)
{
	const char *start = ps->p++;
	struct pst_str name;

	if (!imap_atom(ps, &name))
		return false;
	name = str_n(start, name.n + 1);
	for (size_t i = 0; i < sizeof(system_flags) / sizeof(system_flags[0]);
	     i++) {
		if (str_is_case(name, system_flags[i].name)) {
			out->flags |= system_flags[i].flag;
			return true;
		}
	}
	return imap_bad(ps, "Invalid system flag");
}

static bool
keyword(struct imap_parser *ps, size_t longest, struct imap_flags *out)
{
	struct pst_str name;

	if (!imap_atom(ps, &name))
		return false;
	if (name.n > longest)
		return imap_bad(ps, "Keyword is too long");
	for (size_t i = 0; i < out->keywords; i++) {
		if (str_is_case(name, out->keyword[i]))
			return true;
	}
	if (out->keywords == PST_KEYWORDS_MAX)
		return imap_bad(ps, "Too many keywords");
	if (out->keyword == NULL)
		out->keyword = arena_alloc(
		    ps->arena, PST_KEYWORDS_MAX * sizeof(*out->keyword));
	if (out->keyword == NULL ||
	    (out->keyword[out->keywords] = arena_text(ps->arena, name)) == NULL)
		return imap_bad(ps, "Command is too large");
	out->keywords++;
	return true;
}

static bool
flag(struct imap_parser *ps, size_t longest, struct imap_flags *out)
{
	if (imap_peek(ps) == '\\')
		return system_flag(ps, out);
	return keyword(ps, longest, out);
}

bool
imap_flag_list(struct imap_parser *ps, size_t longest, struct imap_flags *out)
{
	memset(out, 0, sizeof(*out));
	if (!imap_expect(ps, '('))
		return false;
	if (imap_skip(ps, ')'))
		return true;
	do {
		if (!flag(ps, longest, out))
			return false;
	} while (imap_skip(ps, ' '));
	return imap_expect(ps, ')');
}

bool
imap_store_flags(struct imap_parser *ps, size_t longest, struct imap_flags *out)
{
	if (imap_peek(ps) == '(')
		return imap_flag_list(ps, longest, out);
	memset(out, 0, sizeof(*out));
	do {
		if (!flag(ps, longest, out))
			return false;
	} while (imap_skip(ps, ' '));
	return true;
}

/* --- dates -------------------------------------------------------------- */

int64_t
imap_days(int64_t year, int month, int day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t of_era = y - era * 400;
	int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day -
			  1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 +
	       of_year - 719468;
}

void
imap_civil(int64_t days, int *year_r, int *month_r, int *day_r)
{
	int64_t z = days + 719468;
	int64_t era = (z >= 0 ? z : z - 146096) / 146097;
	int64_t of_era = z - era * 146097;
	int64_t year = (of_era - of_era / 1460 + of_era / 36524 -
			   of_era / 146096) /
		       365;
	int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
	int64_t shifted = (5 * of_year + 2) / 153;

	*day_r = (int)(of_year - (153 * shifted + 2) / 5 + 1);
	*month_r = (int)(shifted < 10 ? shifted + 3 : shifted - 9);
	*year_r = (int)(year + era * 400 + (*month_r <= 2));
}

static bool
digits(struct imap_parser *ps, int least, int most, int *out)
{
	int n = 0, value = 0;

	for (; n < most && ascii_is_digit(imap_peek(ps)); n++, ps->p++)
		value = value * 10 + (*ps->p - '0');
	*out = value;
	return n >= least;
}

static bool
month(struct imap_parser *ps, int *out)
{
	struct pst_str name = str_n(ps->p, (size_t)(ps->end - ps->p));

	for (int i = 0; i < 12; i++) {
		if (str_has_prefix_case(name, imap_months[i])) {
			ps->p += 3;
			*out = i + 1;
			return true;
		}
	}
	return false;
}

/* date-text: 1*2DIGIT "-" date-month "-" 4DIGIT */
static bool
date_text(struct imap_parser *ps, int64_t *days_r)
{
	static const int lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31,
		30, 31 };
	int day, mon, year, most;

	if (!digits(ps, 1, 2, &day) || !imap_skip(ps, '-') ||
	    !month(ps, &mon) || !imap_skip(ps, '-') ||
	    !digits(ps, 4, 4, &year) || year == 0)
		return imap_bad(ps, "Invalid date");
	most = lengths[mon - 1];
	if (mon == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0))
		most = 29;
	if (day < 1 || day > most)
		return imap_bad(ps, "Invalid date");
	*days_r = imap_days(year, mon, day);
	return true;
}

bool
imap_date(struct imap_parser *ps, int64_t *days_r)
{
	bool in_quotes = imap_skip(ps, '"');

	if (!date_text(ps, days_r))
		return false;
	if (in_quotes && !imap_skip(ps, '"'))
		return imap_bad(ps, "Invalid date");
	return true;
}

bool
imap_date_time(struct imap_parser *ps, int64_t *out)
{
	int hour, minute, second, zone_hour, zone_minute;
	int64_t days, zone;
	bool minus;

	if (!imap_skip(ps, '"'))
		return imap_bad(ps, "Invalid date-time");
	(void)imap_skip(ps, ' '); /* date-day-fixed: SP DIGIT */
	if (!date_text(ps, &days))
		return false;
	if (!imap_skip(ps, ' ') || !digits(ps, 2, 2, &hour) ||
	    !imap_skip(ps, ':') || !digits(ps, 2, 2, &minute) ||
	    !imap_skip(ps, ':') || !digits(ps, 2, 2, &second) ||
	    !imap_skip(ps, ' '))
		return imap_bad(ps, "Invalid date-time");
	minus = imap_peek(ps) == '-';
	if (!imap_skip(ps, '-') && !imap_skip(ps, '+'))
		return imap_bad(ps, "Invalid date-time");
	if (!digits(ps, 2, 2, &zone_hour) || !digits(ps, 2, 2, &zone_minute) ||
	    !imap_skip(ps, '"') || hour > 23 || minute > 59 || second > 60 ||
	    zone_minute > 59)
		return imap_bad(ps, "Invalid date-time");
	zone = (zone_hour * 60 + zone_minute) * 60;
	*out = days * 86400 + hour * 3600 + minute * 60 + second +
	       (minus ? zone : -zone);
	return true;
}
