/*
 * imap/thread_priv.h - what the files of threading share.
 */
#ifndef IMAP_THREAD_PRIV_H
#define IMAP_THREAD_PRIV_H

#include "imap/thread_tree.h"

enum {
	IMAP_THREAD_TEXTS_MAX = 256 << 20, /* octets of ids and subjects */
	IMAP_THREAD_NODES_MAX = 4 << 20,
	/* Links below are not made: the way up is walked for each new one. */
	IMAP_THREAD_DEPTH_MAX = 5000,
};

struct imap_name {
	struct pst_str text;
	uint64_t hash;
	uint32_t value; /* the caller's; 0: new */
};

/* Texts by what they say. */
struct imap_names {
	struct imap_name *slot;
	size_t n, cap; /* cap: a power of two, or 0 */
	uint64_t key[2];
};

void imap_names_init(struct imap_names *names);
void imap_names_fini(struct imap_names *names);
/* The entry of a text, valid until the next call; the text of a new one is
 * copied to `a`. NULL: there is no room. */
struct imap_name *imap_names_get(
    struct imap_names *names, struct arena *a, struct pst_str text);

struct imap_thread_tree {
	enum imap_thread_algorithm alg;
	struct arena *texts;
	struct imap_names ids, subjects;
	uint32_t subject_count;
	struct imap_thread_node *node; /* node[0] is the root */
	size_t n, cap;
};

/* A new node; 0: there is no room. */
uint32_t imap_thread_node_new(struct imap_thread_tree *t);
/* Makes the lists of children from the parents, in order of date and then of
 * number. */
void imap_thread_sort(struct imap_thread_tree *t);

/* --- thread_subject.c --- */
void imap_thread_by_subject(struct imap_thread_tree *t);
bool imap_thread_merge_subjects(struct imap_thread_tree *t);

#endif
