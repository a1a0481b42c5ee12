/*
 * jmap/thread_keyword.c - whether messages of a thread have a keyword, worked
 * out once for each thread: all messages may be of the same one.
 */
#include "jmap/email.h"
#include "jmap/email_sort.h"

#include <stdlib.h>

void
jmap_thread_keyword_init(struct jmap_thread_keyword *t, struct catalog *c,
    const char *keyword, size_t most)
{
	t->catalog = c;
	t->keyword = keyword;
	jmap_threads_init(&t->threads, most);
	t->found = mem_array(t->threads.mask + 1, sizeof(*t->found));
}

void
jmap_thread_keyword_fini(struct jmap_thread_keyword *t)
{
	jmap_threads_fini(&t->threads);
	free(t->found);
}

struct tally {
	const char *keyword;
	bool some, all;
};

static void
look_at(void *arg, const struct catalog_place *p)
{
	struct tally *t = arg;
	bool has = jmap_row_has_keyword(p->box, &p->row, t->keyword);

	t->some |= has;
	t->all &= has;
}

unsigned
jmap_thread_keyword(struct jmap_thread_keyword *t, uint64_t thread)
{
	size_t i = jmap_threads_slot(&t->threads, thread);
	struct tally tally = { .keyword = t->keyword, .all = true };

	if (jmap_threads_add(&t->threads, thread)) {
		catalog_each_in_thread(t->catalog, thread, look_at, &tally);
		t->found[i] =
		    (unsigned char)((tally.some ? JMAP_THREAD_SOME : 0) |
				    (tally.all ? JMAP_THREAD_ALL : 0));
	}
	return t->found[i];
}
