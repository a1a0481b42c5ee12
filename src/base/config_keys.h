/*
 * base/config_keys.h - the table of all configuration keys; private to the
 * config files of this folder.
 */
#ifndef BASE_CONFIG_KEYS_H
#define BASE_CONFIG_KEYS_H

#include "base/config.h"

enum config_kind {
	CONFIG_TEXT,	/* char * */
	CONFIG_STRINGS, /* struct config_strings */
	CONFIG_BOOL,	/* bool */
	CONFIG_NUMBER,	/* int64_t */
	CONFIG_SIZE,	/* int64_t octets; K, M, G may follow */
	CONFIG_TIME,	/* int64_t seconds; s, m, h, d may follow */
	CONFIG_CHOICE,	/* int, index into `choices` */
};

struct config_key {
	const char *section; /* "" top level */
	const char *name;
	enum config_kind kind;
	size_t offset;	     /* in struct config, or in the section's item */
	const char *preset;  /* default, as text; lists: separated by spaces */
	int64_t min, max;    /* numbers, sizes and times */
	const char *choices; /* separated by spaces */
};

extern const struct config_key config_keys[];
extern const size_t config_keys_count;

/* A section that may occur many times, each with a name of its own. */
struct config_blocks {
	const char *section;
	size_t items; /* offset of the pointer in struct config */
	size_t count; /* offset of the number */
	size_t item_size;
};

extern const struct config_blocks config_blocks[];
extern const size_t config_blocks_count;
/* NULL: a section of that name occurs once, or not at all. */
const struct config_blocks *config_find_blocks(struct pst_str section);

/* --- what does not depend on one line ------------------------------------- */

struct collector;
void config_problem(struct collector *c, const char *fmt, ...) PST_PRINTF(2, 3);
/* Reports all that is wrong with a complete configuration. */
void config_check(const struct config *c, struct collector *col);
bool config_is_host_name(const char *name);
/* As getaddrinfo() takes it without asking anybody. */
bool config_is_ip_address(const char *text);
/* config_routes.c: `relay` and `destination` blocks. */
void config_check_routes(const struct config *c, struct collector *col);

#endif
