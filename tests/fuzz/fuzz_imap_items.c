/*
 * The grammars of FETCH items and SEARCH programs; list patterns.
 */
#include "base/str.h"
#include "imap/fetch_items.h"
#include "imap/pattern.h"
#include "imap/search.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What a section's label says is a section again, and the same one. */
static void
check_sections(const struct imap_fetch_items *items, struct arena *arena)
{
	for (const struct imap_fetch_node *n = items->first; n != NULL;
	     n = n->next) {
		struct imap_section again;
		struct imap_parser ps;
		struct buf text;

		if (n->section == NULL ||
		    !str_has_prefix_case(n->section->label, "BODY["))
			continue;
		buf_init(&text, 1 << 20);
		(void)buf_add_str(&text, str_from(n->section->label, 5));
		if (n->section->is_partial) {
			text.n--; /* '>' */
			(void)buf_puts(&text, ".1>");
		}
		imap_parser_init(&ps, buf_str(&text), arena);
		if (!imap_section_parse(&ps, &again) ||
		    !str_eq(again.label, n->section->label))
			abort();
		buf_fini(&text);
	}
}

static void
match_pattern(struct pst_str in)
{
	size_t half = str_find(in, '\n');
	struct buf pattern;
	char *name = str_dup(str_from(in, half + 1));

	buf_init(&pattern, 1 << 20);
	if (imap_pattern_make(STR(""), str_first(in, half), in.n % 2, &pattern))
		(void)imap_pattern_matches(buf_str(&pattern), name);
	buf_fini(&pattern);
	free(name);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pst_str in = str_n((const char *)data, size);
	struct arena *arena = arena_new(0);
	struct imap_fetch_items items;
	struct imap_search_program p;
	struct imap_parser ps;

	imap_parser_init(&ps, in, arena);
	if (imap_fetch_items_parse(&ps, size % 2 == 0, &items))
		check_sections(&items, arena);
	imap_parser_init(&ps, in, arena);
	(void)imap_search_parse(&ps, &p);
	imap_search_fini(&p);
	match_pattern(in);
	arena_free(&arena);
	return 0;
}
