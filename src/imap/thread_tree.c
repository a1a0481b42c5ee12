/*
 * imap/thread_tree.c - messages put into threads by their references (RFC
 * 5256, 3: REFERENCES, steps 1 to 4 and 6). REFS is the same without looking at
 * subjects, and puts the threads in order by their latest message.
 *
 * While links are made only parents are known; the lists of children are made
 * from them when an order is needed, all at once by sorting.
 */
#include "base/str.h"
#include "imap/thread_priv.h"
#include <stdlib.h>

unsigned
imap_thread_facts(enum imap_thread_algorithm alg)
{
	switch (alg) {
	case IMAP_THREAD_ORDEREDSUBJECT:
		return IMAP_FACT_SENT | IMAP_FACT_SUBJECT;
	case IMAP_THREAD_REFERENCES:
		return IMAP_FACT_SENT | IMAP_FACT_SUBJECT | IMAP_FACT_IDS;
	case IMAP_THREAD_REFS:
		break;
	}
	return IMAP_FACT_SENT | IMAP_FACT_IDS;
}

struct imap_thread_tree *
imap_thread_new(enum imap_thread_algorithm alg)
{
	struct imap_thread_tree *t = mem_alloc(sizeof(*t));

	t->alg = alg;
	t->texts = arena_new(IMAP_THREAD_TEXTS_MAX);
	imap_names_init(&t->ids);
	imap_names_init(&t->subjects);
	(void)imap_thread_node_new(t); /* the root */
	return t;
}

void
imap_thread_free(struct imap_thread_tree **tp)
{
	struct imap_thread_tree *t = *tp;

	*tp = NULL;
	if (t == NULL)
		return;
	imap_names_fini(&t->ids);
	imap_names_fini(&t->subjects);
	arena_free(&t->texts);
	free(t->node);
	free(t);
}

uint32_t
imap_thread_node_new(struct imap_thread_tree *t)
{
	if (t->n == IMAP_THREAD_NODES_MAX)
		return 0;
	mem_grow(&t->node, &t->cap, t->n + 1, sizeof(*t->node));
	memset(&t->node[t->n], 0, sizeof(*t->node));
	return (uint32_t)t->n++;
}

const struct imap_thread_node *
imap_thread_node(const struct imap_thread_tree *t, uint32_t i)
{
	return &t->node[i];
}

/* --- step 1: links ----------------------------------------------------------
 */

/* `i` is `below` or above it; also when that is too far to tell. */
static bool
would_loop(const struct imap_thread_tree *t, uint32_t i, uint32_t below)
{
	unsigned depth = 0;

	/* `child` only tells here that there is or was one. */
	if (i == below || t->node[i].child == 0)
		return i == below;
	for (; below != 0; below = t->node[below].parent) {
		if (below == i || ++depth > IMAP_THREAD_DEPTH_MAX)
			return true;
	}
	return false;
}

static void
set_parent(struct imap_thread_tree *t, uint32_t i, uint32_t parent)
{
	t->node[i].parent = parent;
	t->node[parent].child = i;
}

/* The node of an identifier, a dummy when it is new; 0: no room. */
static uint32_t
node_of_id(struct imap_thread_tree *t, struct pst_str id)
{
	struct imap_name *name = imap_names_get(&t->ids, t->texts, id);

	if (name == NULL)
		return 0;
	if (name->value == 0)
		name->value = imap_thread_node_new(t);
	return name->value;
}

/* A message that repeats the identifier of another one, or has none, is known
 * by no identifier. */
static uint32_t
node_of_message(struct imap_thread_tree *t, const struct imap_facts *facts)
{
	uint32_t i = 0;

	if (facts->message_id.n > 0) {
		i = node_of_id(t, facts->message_id);
		if (i == 0 || t->node[i].number == 0)
			return i;
	}
	return imap_thread_node_new(t);
}

/* Steps 1 (A) and (B). */
static bool
link_references(
    struct imap_thread_tree *t, uint32_t i, const struct imap_facts *facts)
{
	uint32_t last = 0;

	for (size_t k = 0; k < facts->references; k++) {
		uint32_t ref = node_of_id(t, facts->reference[k]);

		if (ref == 0)
			return false;
		if (last != 0 && t->node[ref].parent == 0 &&
		    !would_loop(t, ref, last))
			set_parent(t, ref, last);
		last = ref;
	}
	t->node[i].parent = 0;
	if (last != 0 && !would_loop(t, i, last))
		set_parent(t, i, last);
	return true;
}

static bool
set_subject(
    struct imap_thread_tree *t, uint32_t i, const struct imap_facts *facts)
{
	struct imap_name *name;

	if (facts->subject.n == 0)
		return true;
	name = imap_names_get(&t->subjects, t->texts, facts->subject);
	if (name == NULL)
		return false;
	if (name->value == 0)
		name->value = ++t->subject_count;
	t->node[i].subject = name->value;
	return true;
}

bool
imap_thread_add(
    struct imap_thread_tree *t, uint32_t number, const struct imap_facts *facts)
{
	uint32_t i = node_of_message(t, facts);

	if (i == 0)
		return false;
	t->node[i].number = t->node[i].face = number;
	t->node[i].sent = facts->sent;
	t->node[i].is_reply = facts->is_reply;
	return set_subject(t, i, facts) && link_references(t, i, facts);
}

/* --- steps 2 and 3: dummies go
 * ------------------------------------------------ */

/* The next message above, or the highest dummy; 0 when there is nothing. What
 * was walked is remembered in the dummies between. */
static uint32_t
lift(struct imap_thread_tree *t, uint32_t i)
{
	uint32_t top = t->node[i].parent, next;

	while (t->node[top].number == 0 && t->node[top].parent != 0)
		top = t->node[top].parent;
	for (i = t->node[i].parent; i != top; i = next) {
		next = t->node[i].parent;
		t->node[i].parent = top;
	}
	return top;
}

/*
 * Afterwards all parents are messages, or dummies under the root with more than
 * one child. (`child` counts the children of dummies meanwhile.)
 */
static void
prune(struct imap_thread_tree *t)
{
	for (uint32_t i = 0; i < t->n; i++)
		t->node[i].child = 0;
	for (uint32_t i = 1; i < t->n; i++) {
		if (t->node[i].number == 0)
			continue;
		t->node[i].parent = lift(t, i);
		t->node[t->node[i].parent].child++;
	}
	for (uint32_t i = 1; i < t->n; i++) {
		uint32_t parent = t->node[i].parent;

		if (t->node[i].number != 0 && parent != 0 &&
		    t->node[parent].number == 0 && t->node[parent].child == 1)
			t->node[i].parent = 0;
	}
}

/* --- steps 4 and 6: order
 * ----------------------------------------------------- */

struct ranked {
	int64_t sent;
	uint32_t parent, face, i;
};

static int
compare(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	if (x->parent != y->parent)
		return x->parent < y->parent ? -1 : 1;
	if (x->sent != y->sent)
		return x->sent < y->sent ? -1 : 1;
	return x->face < y->face ? -1 : x->face > y->face;
}

/* A dummy is where its first child would be. */
static void
rank_dummies(struct imap_thread_tree *t)
{
	for (uint32_t i = 1; i < t->n; i++) {
		if (t->node[i].number == 0)
			t->node[i].face = 0;
	}
	for (uint32_t i = 1; i < t->n; i++) {
		struct imap_thread_node *n = &t->node[i];
		struct imap_thread_node *up = &t->node[n->parent];

		if (n->number == 0 || n->parent == 0 || up->number != 0)
			continue;
		if (up->face == 0 || n->sent < up->sent ||
		    (n->sent == up->sent && n->face < up->face)) {
			up->face = n->face;
			up->sent = n->sent;
		}
	}
}

/* REFS: a thread is as late as its latest message. */
static void
rank_by_latest(struct imap_thread_tree *t)
{
	uint32_t *top = mem_array(t->n, sizeof(*top));
	int64_t *latest = mem_array(t->n, sizeof(*latest));

	for (uint32_t i = 1; i < t->n; i++) {
		uint32_t up = i, next;

		latest[i] = INT64_MIN;
		while (t->node[up].parent != 0 && top[up] == 0)
			up = t->node[up].parent;
		up = top[up] != 0 ? top[up] : up;
		for (uint32_t k = i; k != 0 && top[k] == 0; k = next) {
			next = t->node[k].parent;
			top[k] = up;
		}
	}
	for (uint32_t i = 1; i < t->n; i++) {
		if (t->node[i].number != 0 && t->node[i].sent > latest[top[i]])
			latest[top[i]] = t->node[i].sent;
	}
	for (uint32_t i = 1; i < t->n; i++) {
		if (t->node[i].parent == 0 && t->node[i].face != 0)
			t->node[i].sent = latest[i];
	}
	free(top);
	free(latest);
}

void
imap_thread_sort(struct imap_thread_tree *t)
{
	struct ranked *order = mem_array(t->n, sizeof(*order));
	size_t n = 0;

	rank_dummies(t);
	if (t->alg == IMAP_THREAD_REFS)
		rank_by_latest(t);
	for (uint32_t i = 0; i < t->n; i++) {
		const struct imap_thread_node *node = &t->node[i];

		t->node[i].child = t->node[i].next = 0;
		if (node->face != 0)
			order[n++] = (struct ranked){ node->sent, node->parent,
				node->face, i };
	}
	if (n > 0)
		qsort(order, n, sizeof(*order), compare);
	while (n-- > 0) {
		uint32_t i = order[n].i, parent = order[n].parent;

		t->node[i].next = t->node[parent].child;
		t->node[parent].child = i;
	}
	free(order);
}

bool
imap_thread_finish(struct imap_thread_tree *t)
{
	switch (t->alg) {
	case IMAP_THREAD_ORDEREDSUBJECT:
		imap_thread_by_subject(t);
		break;
	case IMAP_THREAD_REFERENCES:
		prune(t);
		imap_thread_sort(t);
		if (!imap_thread_merge_subjects(t))
			return false;
		break;
	case IMAP_THREAD_REFS:
		prune(t);
		break;
	}
	imap_thread_sort(t);
	return true;
}
