/*
 * admin/import.h - posternctl import: which mailboxes come, and under which
 * names.
 *
 * Pure.
 */
#ifndef ADMIN_IMPORT_H
#define ADMIN_IMPORT_H

#include "base/mem.h"

enum { IMPORT_RULES_MAX = 64 };

struct import_rules {
	const char *map[IMPORT_RULES_MAX];  /* "OLD=NEW" */
	const char *skip[IMPORT_RULES_MAX]; /* a name, or a pattern with '*' */
	size_t maps, skips;
	bool too_many;
	const char *into; /* NULL: none */
};

/* A --map has two names. */
bool import_is_map(const char *text);
/* The mailbox `name`, and all below a name, is not wanted. */
bool import_is_skipped(const struct import_rules *r, const char *name);
/* What it is called here. False: too long. */
bool import_name(
    const struct import_rules *r, const char *name, struct buf *out);

#endif
