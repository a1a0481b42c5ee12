/*
 * admin/table.h - results for people (aligned columns) and for programs (JSON)
 * from the same JSON values.
 */
#ifndef ADMIN_TABLE_H
#define ADMIN_TABLE_H

#include "base/mem.h"
#include <jansson.h>

enum table_kind {
	TABLE_TEXT,
	TABLE_NUMBER, /* to the right */
	TABLE_SIZE,   /* octets: "1.5G" */
	TABLE_LIMIT,  /* the same; -1 "default", 0 "none" */
	TABLE_COUNT,  /* a number; -1 "default", 0 "none" */
	TABLE_TIME,   /* seconds since 1970: "2026-01-31 12:00:00" UTC */
	TABLE_TRUTH,  /* "yes", "no" */
};

struct table_column {
	const char *key;   /* of the JSON object */
	const char *title; /* for people */
	enum table_kind kind;
};

/* Columns end with a NULL key. `rows` is an array of objects. */
void table_print(FILE *out, const struct table_column *columns,
    const json_t *rows, bool as_json);
/* One object: a line for each column that it has. */
void table_print_one(FILE *out, const struct table_column *columns,
    const json_t *row, bool as_json);
/* One value as text, without characters that would control a terminal. */
void table_cell(struct buf *out, enum table_kind kind, const json_t *value);
/* Text that a stranger wrote, made harmless for a terminal. */
void table_clean(struct buf *out, struct pst_str s);
/* "3d 04:05:06" */
void table_duration(struct buf *out, int64_t seconds);
/* "1.5G" */
void table_size(struct buf *out, int64_t octets);

#endif
