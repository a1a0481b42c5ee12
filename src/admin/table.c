/*
 * table.c - printing listings.
 *
 * What mail clients and strangers send ends up in these tables and traces: no
 * control character of theirs may reach the administrator's terminal.
 */
#include "admin/table.h"

#include "base/str.h"
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>
#include <unistr.h>
#include <uniwidth.h>

enum { CELL_MAX = 4096, COLUMNS_MAX = 16, GAP = 2 };

void
table_clean(struct buf *out, struct pst_str s)
{
	size_t i = 0;

	while (i < s.n) {
		const uint8_t *p = (const uint8_t *)s.p + i;
		ucs4_t c = 0;
		int n = u8_mbtoucr(&c, p, s.n - i);

		if (n < 1 || c < 0x20 || (c >= 0x7f && c < 0xa0)) {
			buf_printf(out, "\\x%02x", *p);
			i++;
			continue;
		}
		buf_add(out, s.p + i, (size_t)n);
		i += (size_t)n;
	}
}

void
table_size(struct buf *out, int64_t octets)
{
	static const char units[] = "BKMGTPE";
	uint64_t whole = octets < 0 ? 0 : (uint64_t)octets, rest = 0;
	size_t unit = 0;

	while (whole >= 1024) {
		rest = whole % 1024;
		whole /= 1024;
		unit++;
	}
	if (unit == 0)
		buf_printf(out, "%" PRIu64, whole);
	else if (whole < 10 && rest >= 103)
		buf_printf(out, "%" PRIu64 ".%" PRIu64 "%c", whole,
		    rest * 10 / 1024, units[unit]);
	else
		buf_printf(out, "%" PRIu64 "%c", whole, units[unit]);
}

void
table_duration(struct buf *out, int64_t seconds)
{
	if (seconds < 0)
		seconds = 0;
	if (seconds >= 86400)
		buf_printf(out, "%" PRId64 "d ", seconds / 86400);
	buf_printf(out, "%02d:%02d:%02d", (int)(seconds % 86400 / 3600),
	    (int)(seconds % 3600 / 60), (int)(seconds % 60));
}

static void
put_time(struct buf *out, int64_t at)
{
	time_t seconds = (time_t)at;
	struct tm tm;

	if (gmtime_r(&seconds, &tm) == NULL)
		return;
	buf_printf(out, "%04d-%02d-%02d %02d:%02d:%02d", tm.tm_year + 1900,
	    tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

void
table_cell(struct buf *out, enum table_kind kind, const json_t *value)
{
	int64_t number = json_integer_value(value);

	if (value == NULL)
		return;
	switch (kind) {
	case TABLE_TEXT:
		table_clean(out,
		    str_n(json_string_value(value), json_string_length(value)));
		break;
	case TABLE_NUMBER:
		buf_printf(out, "%" PRId64, number);
		break;
	case TABLE_SIZE:
		table_size(out, number);
		break;
	case TABLE_LIMIT:
	case TABLE_COUNT:
		if (number <= 0)
			buf_puts(out, number < 0 ? "default" : "none");
		else if (kind == TABLE_LIMIT)
			table_size(out, number);
		else
			buf_printf(out, "%" PRId64, number);
		break;
	case TABLE_TIME:
		put_time(out, number);
		break;
	case TABLE_TRUTH:
		buf_puts(out, json_is_true(value) ? "yes" : "no");
		break;
	}
}

static size_t
width_of(struct pst_str s)
{
	int n = u8_width((const uint8_t *)s.p, s.n, "UTF-8");

	return n > 0 ? (size_t)n : 0;
}

static bool
is_right(enum table_kind kind)
{
	return kind == TABLE_NUMBER || kind == TABLE_SIZE ||
	       kind == TABLE_LIMIT || kind == TABLE_COUNT;
}

static void
pad(FILE *out, size_t n)
{
	(void)fprintf(out, "%*s", (int)n, "");
}

/* The last column gets no spaces behind it. */
static void
put_cell(FILE *out, struct pst_str text, size_t width, bool right, bool last)
{
	size_t have = width_of(text);
	size_t room = have < width ? width - have : 0;

	if (right)
		pad(out, room);
	(void)fwrite(text.p, 1, text.n, out);
	if (!right && !last)
		pad(out, room);
	if (!last)
		pad(out, GAP);
}

/* Fills `width`; 0 for a column that is empty in every row, which is left out.
 */
static void
measure(const struct table_column *columns, const json_t *rows, size_t *width)
{
	const json_t *row;
	struct buf b;
	size_t i;

	buf_init(&b, CELL_MAX);
	json_array_foreach(rows, i, row)
	{
		for (size_t k = 0; columns[k].key != NULL; k++) {
			size_t n;

			buf_clear(&b);
			table_cell(&b, columns[k].kind,
			    json_object_get(row, columns[k].key));
			n = width_of(buf_str(&b));
			if (n > width[k])
				width[k] = n;
		}
	}
	for (size_t k = 0; columns[k].key != NULL; k++)
		if (width[k] > 0 && width[k] < strlen(columns[k].title))
			width[k] = strlen(columns[k].title);
	buf_fini(&b);
}

static bool
is_last(const struct table_column *columns, const size_t *width, size_t k)
{
	for (k++; columns[k].key != NULL; k++)
		if (width[k] > 0)
			return false;
	return true;
}

/* `row` NULL: the titles. */
static void
print_row(FILE *out, const struct table_column *columns, const size_t *width,
    const json_t *row)
{
	struct buf b;

	buf_init(&b, CELL_MAX);
	for (size_t k = 0; columns[k].key != NULL; k++) {
		if (width[k] == 0)
			continue;
		buf_clear(&b);
		if (row == NULL)
			buf_puts(&b, columns[k].title);
		else
			table_cell(&b, columns[k].kind,
			    json_object_get(row, columns[k].key));
		put_cell(out, buf_str(&b), width[k], is_right(columns[k].kind),
		    is_last(columns, width, k));
	}
	(void)fputc('\n', out);
	buf_fini(&b);
}

static void
print_people(FILE *out, const struct table_column *columns, const json_t *rows)
{
	size_t width[COLUMNS_MAX] = { 0 };
	const json_t *row;
	size_t i;

	measure(columns, rows, width);
	print_row(out, columns, width, NULL);
	json_array_foreach(rows, i, row) print_row(out, columns, width, row);
}

static void
print_json(FILE *out, const json_t *value)
{
	(void)json_dumpf(value, out, JSON_INDENT(2));
	(void)fputc('\n', out);
}

void
table_print(FILE *out, const struct table_column *columns, const json_t *rows,
    bool as_json)
{
	if (as_json)
		print_json(out, rows);
	else if (json_array_size(rows) > 0)
		print_people(out, columns, rows);
}

void
table_print_one(FILE *out, const struct table_column *columns,
    const json_t *row, bool as_json)
{
	size_t width = 0;
	struct buf b;

	if (as_json) {
		print_json(out, row);
		return;
	}
	for (size_t k = 0; columns[k].key != NULL; k++)
		if (strlen(columns[k].title) > width)
			width = strlen(columns[k].title);
	buf_init(&b, CELL_MAX);
	for (size_t k = 0; columns[k].key != NULL; k++) {
		const json_t *value = json_object_get(row, columns[k].key);

		if (value == NULL)
			continue;
		buf_clear(&b);
		table_cell(&b, columns[k].kind, value);
		if (b.n == 0)
			continue;
		(void)fprintf(out, "%-*s  %.*s\n", (int)width, columns[k].title,
		    STR_ARG(buf_str(&b)));
	}
	buf_fini(&b);
}
