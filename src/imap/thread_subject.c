/*
 * imap/thread_subject.c - threads by base subject: ORDEREDSUBJECT, and step 5
 * of REFERENCES (RFC 5256, 3).
 */
#include "imap/thread_priv.h"
#include <stdlib.h>

static bool
is_earlier(const struct imap_thread_node *a, const struct imap_thread_node *b)
{
	return a->sent != b->sent ? a->sent < b->sent : a->number < b->number;
}

/* The first message with a subject is the parent of the others. */
void
imap_thread_by_subject(struct imap_thread_tree *t)
{
	size_t subjects = (size_t)t->subject_count + 1;
	uint32_t *first = mem_array(subjects, sizeof(*first));

	for (uint32_t i = 1; i < t->n; i++) {
		uint32_t *at = &first[t->node[i].subject];

		if (*at == 0 || is_earlier(&t->node[i], &t->node[*at]))
			*at = i;
	}
	for (uint32_t i = 1; i < t->n; i++) {
		uint32_t parent = first[t->node[i].subject];

		t->node[i].parent = parent != i ? parent : 0;
	}
	free(first);
}

/* --- step 5
 * ------------------------------------------------------------------- */

/* A dummy has the subject of its first child. */
static uint32_t
subject_of(const struct imap_thread_tree *t, uint32_t i)
{
	if (t->node[i].number == 0)
		i = t->node[i].child;
	return t->node[i].subject;
}

static bool
is_dummy(const struct imap_thread_tree *t, uint32_t i)
{
	return t->node[i].number == 0;
}

/* (B): the best message for each subject. */
static void
fill_table(const struct imap_thread_tree *t, uint32_t *table)
{
	for (uint32_t i = t->node[0].child; i != 0; i = t->node[i].next) {
		uint32_t subject = subject_of(t, i);
		uint32_t *have = &table[subject];

		if (subject == 0)
			continue;
		if (*have == 0 ||
		    (!is_dummy(t, *have) &&
			(is_dummy(t, i) ||
			    (t->node[*have].is_reply && !t->node[i].is_reply))))
			*have = i;
	}
}

/* (C): thread `i` and the one in the table become one. */
static bool
merge(struct imap_thread_tree *t, uint32_t i, uint32_t *have)
{
	uint32_t both;

	if (is_dummy(t, i) && is_dummy(t, *have)) {
		for (uint32_t k = t->node[i].child; k != 0; k = t->node[k].next)
			t->node[k].parent = *have;
		return true;
	}
	if (is_dummy(t, *have) ||
	    (t->node[i].is_reply && !t->node[*have].is_reply)) {
		t->node[i].parent = *have;
		return true;
	}
	both = imap_thread_node_new(t);
	if (both == 0)
		return false;
	t->node[*have].parent = t->node[i].parent = both;
	*have = both;
	return true;
}

bool
imap_thread_merge_subjects(struct imap_thread_tree *t)
{
	size_t subjects = (size_t)t->subject_count + 1;
	uint32_t *table = mem_array(subjects, sizeof(*table));
	bool good = true;

	fill_table(t, table);
	for (uint32_t i = t->node[0].child; good && i != 0;
	     i = t->node[i].next) {
		uint32_t subject = subject_of(t, i);

		if (subject != 0 && table[subject] != i)
			good = merge(t, i, &table[subject]);
	}
	free(table);
	return good;
}
