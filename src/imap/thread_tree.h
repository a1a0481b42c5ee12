/*
 * imap/thread_tree.h - messages put into threads (RFC 5256, 3). Pure but for
 * the seed of its tables.
 *
 * Threads: belongs to one session.
 */
#ifndef IMAP_THREAD_TREE_H
#define IMAP_THREAD_TREE_H

#include "imap/facts.h"

enum imap_thread_algorithm {
	IMAP_THREAD_ORDEREDSUBJECT,
	IMAP_THREAD_REFERENCES,
	IMAP_THREAD_REFS, /* by references only; the latest thread last */
};

/* What the algorithm reads of a message: enum imap_fact. */
unsigned imap_thread_facts(enum imap_thread_algorithm alg);

/* Nodes are numbered from 1; 0 is none, and the root above all threads. */
struct imap_thread_node {
	uint32_t number;  /* of the message; 0: a dummy */
	uint32_t subject; /* which of the distinct ones; 0: empty */
	uint32_t parent, child, next;
	uint32_t face; /* of a dummy: the number of its first child */
	bool is_reply;
	int64_t sent;
};

struct imap_thread_tree;

struct imap_thread_tree *imap_thread_new(enum imap_thread_algorithm alg);
void imap_thread_free(struct imap_thread_tree **t);
/* Messages in the order of the mailbox. False: there is no room for more. */
bool imap_thread_add(struct imap_thread_tree *t, uint32_t number,
    const struct imap_facts *facts);
/* Makes the threads, once. False: there is no room. */
bool imap_thread_finish(struct imap_thread_tree *t);

/* For walking by child, next and parent; 0 is the root. */
const struct imap_thread_node *imap_thread_node(
    const struct imap_thread_tree *t, uint32_t i);

#endif
