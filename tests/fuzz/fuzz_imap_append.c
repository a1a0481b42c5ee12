/*
 * The segments of APPEND and REPLACE, the same with arguments as literals that
 * come later; URLs of messages.
 */
#include "base/str.h"
#include "imap/append_parse.h"
#include "imap/url.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SEGMENTS = 20 };

static void
check_steps(
    const struct imap_append_segment *segment, enum imap_append_need need)
{
	const struct imap_append_step *last = NULL;

	for (const struct imap_append_step *step = segment->first; step != NULL;
	     step = step->next)
		last = step;
	if ((need == IMAP_APPEND_CONTENT) !=
	    (last != NULL && last->what == IMAP_APPEND_STREAM))
		abort();
	if (need == IMAP_APPEND_DONE &&
	    (last == NULL || last->what != IMAP_APPEND_END))
		abort();
}

/* Lines are the segments, as if all literals between them were there. */
static void
parse_segments(struct pst_str in, bool replace, struct arena *arena)
{
	struct imap_append_grammar g = { .replace = replace, .longest = 32 };

	for (int i = 0; i < SEGMENTS && in.n > 0; i++) {
		size_t n = str_find(in, '\n');
		struct imap_append_segment segment;
		enum imap_append_need need;
		struct imap_parser ps;

		imap_parser_init(&ps, str_first(in, n + 1), arena);
		need = imap_append_parse(&ps, &g, &segment);
		if (need == IMAP_APPEND_BAD && ps.error == NULL)
			abort();
		if (need == IMAP_APPEND_BAD || need == IMAP_APPEND_DONE)
			return;
		if (need != IMAP_APPEND_ARGUMENT)
			check_steps(&segment, need);
		in = str_from(in, n + 1);
	}
}

static void
parse_url(struct pst_str in, struct arena *arena)
{
	struct imap_url url;

	if (!imap_url_parse(in, "a/b", arena, &url))
		return;
	if (url.uid == 0 || url.mailbox == NULL || url.mailbox[0] == '\0')
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pst_str in = str_n((const char *)data + 1, size - 1);
	struct arena *arena;

	if (size < 1)
		return 0;
	arena = arena_new(0);
	if (data[0] % 4 == 3)
		parse_url(in, arena);
	else
		parse_segments(in, data[0] % 2, arena);
	arena_free(&arena);
	return 0;
}
