/*
 * The grammars of FETCH items and SEARCH programs and of what stands around
 * them; threads; list patterns.
 */
#include "base/str.h"
#include "imap/fetch_items.h"
#include "imap/pattern.h"
#include "imap/search.h"
#include "imap/search_return.h"
#include "imap/sort_keys.h"
#include "imap/sources.h"
#include "imap/thread_tree.h"

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

/* Filters may name each other and themselves. */
static bool
find_filter(
    void *arg, struct pst_str name, struct arena *arena, struct pst_str *text_r)
{
	const struct pst_str *in = arg;

	(void)arena;
	*text_r = str_first(*in, str_find(*in, '\r'));
	return name.n < 3;
}

/* SORT and ESEARCH: options, mailboxes, criteria, a search with filters. */
static void
parse_searching(struct pst_str in, struct arena *arena)
{
	const struct imap_search_grammar g = {
		.has_charset = in.n % 2, .filter = find_filter, .arg = &in
	};
	struct imap_search_return ret;
	struct imap_search_program p;
	struct imap_sources sources;
	struct imap_sort sort;
	struct imap_parser ps;
	size_t from, to;

	imap_parser_init(&ps, in, arena);
	if (imap_skip_word(&ps, "IN") && imap_skip(&ps, ' '))
		(void)(imap_sources_parse(&ps, &sources) && imap_space(&ps));
	if (imap_search_return_parse(&ps, &ret) &&
	    (ret.options & IMAP_RETURN_PARTIAL)) {
		imap_partial_cut(&ret.partial, in.n, &from, &to);
		if (from > to || to > in.n)
			abort();
	}
	if (imap_peek(&ps) == '(' && imap_sort_parse(&ps, &sort))
		(void)imap_skip(&ps, ' ');
	(void)imap_search_parse_as(&ps, &g, &p);
	imap_search_fini(&p);
}

/* Each line is a message: its identifier and those it refers to. All of them
 * come out once, whatever they say. */
static void
make_threads(struct pst_str in)
{
	struct imap_thread_tree *t = imap_thread_new(
	    (enum imap_thread_algorithm)(in.n % 3));
	const struct imap_thread_node *n;
	uint32_t number = 0, seen = 0, at, steps = 0;
	struct pst_str line, refs[16];

	while (number < 200 && str_split(&in, '\n', &line)) {
		struct imap_facts facts = { .reference = refs };

		facts.sent = (int64_t)(line.n % 5);
		facts.is_reply = line.n % 2;
		(void)str_split(&line, ' ', &facts.message_id);
		facts.subject = str_first(facts.message_id, 1);
		while (facts.references < 16 &&
		       str_split(&line, ' ', &refs[facts.references]))
			facts.references++;
		if (!imap_thread_add(t, ++number, &facts))
			abort();
	}
	if (!imap_thread_finish(t))
		abort();
	at = imap_thread_node(t, 0)->child;
	while (at != 0) {
		n = imap_thread_node(t, at);
		seen += n->number != 0;
		if (++steps > 10000 || (n->number == 0 && n->child == 0))
			abort();
		if (n->child != 0) {
			at = n->child;
			continue;
		}
		while (at != 0 && imap_thread_node(t, at)->next == 0)
			at = imap_thread_node(t, at)->parent;
		if (at != 0)
			at = imap_thread_node(t, at)->next;
	}
	if (seen != number)
		abort();
	imap_thread_free(&t);
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
	parse_searching(in, arena);
	make_threads(in);
	match_pattern(in);
	arena_free(&arena);
	return 0;
}
