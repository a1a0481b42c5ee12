/*
 * IMAP commands: gathered the same however they are cut, and every argument
 * parser on what follows the name.
 */
#include "base/str.h"
#include "imap/fetch_modifiers.h"
#include "imap/gather.h"
#include "imap/list_parse.h"
#include "imap/parse.h"
#include "imap/select_params.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LINES = 4096, LITERALS = 2048 };

/* Feeds all in pieces of `piece` octets; ends with the first command. */
static enum imap_gathered
gather(struct imap_gather *g, struct pst_str in, size_t piece, size_t *used_r)
{
	enum imap_gathered got = IMAP_GATHER_MORE;

	*used_r = 0;
	while (*used_r < in.n) {
		size_t used;

		got = imap_gather_feed(
		    g, str_first(str_from(in, *used_r), piece), &used);
		*used_r += used;
		if (got == IMAP_GATHER_LITERAL && !imap_gather_take(g)) {
			if (g->size > 65536)
				return got;
			imap_gather_skip(g);
		}
		if (got == IMAP_GATHER_DONE || got == IMAP_GATHER_TOO_LONG)
			break;
	}
	return got;
}

static void
parse_arguments(const struct imap_parser *at)
{
	struct imap_fetch_modifiers modifiers;
	struct imap_select_params params;
	struct imap_list_args list;
	struct imap_flags flags;
	struct imap_parser ps;
	struct pst_str text;
	int64_t number;
	char *name;

	for (int lsub = 0; lsub < 2; lsub++) {
		ps = *at;
		(void)imap_list_parse(&ps, lsub, &list);
	}
	ps = *at;
	(void)imap_select_params(&ps, &params);
	imap_select_params_fini(&params);
	ps = *at;
	(void)imap_fetch_modifiers(&ps, &modifiers);
	ps = *at;
	if (imap_space(&ps)) {
		struct imap_parser behind = ps;

		(void)imap_mailbox(&ps, &name);
		ps = behind;
		(void)imap_store_flags(&ps, 64, &flags);
		ps = behind;
		(void)imap_date_time(&ps, &number);
		ps = behind;
		(void)imap_date(&ps, &number);
		ps = behind;
		(void)imap_nstring(&ps, &text);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct imap_gather whole, cut;
	struct imap_parser ps;
	struct pst_str in, word;
	enum imap_gathered got;
	size_t used, used_cut;

	if (size < 1)
		return 0;
	in = str_n((const char *)data + 1, size - 1);
	imap_gather_init(&whole, LINES, LITERALS);
	imap_gather_init(&cut, LINES, LITERALS);
	got = gather(&whole, in, in.n, &used);
	if (got != IMAP_GATHER_TOO_LONG) {
		if (gather(&cut, in, data[0] % 16 + 1u, &used_cut) != got &&
		    got == IMAP_GATHER_DONE)
			abort();
		if (used != used_cut ||
		    !str_eq(buf_str(&whole.text), buf_str(&cut.text)) ||
		    whole.has_nul != cut.has_nul)
			abort();
	}
	if (got == IMAP_GATHER_DONE) {
		struct arena *arena = arena_new(0);

		imap_parser_init(&ps, buf_str(&whole.text), arena);
		if (imap_tag(&ps, &word) && imap_space(&ps) &&
		    imap_word(&ps, &word))
			parse_arguments(&ps);
		arena_free(&arena);
	}
	imap_gather_fini(&whole);
	imap_gather_fini(&cut);
	return 0;
}
