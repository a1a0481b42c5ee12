/*
 * imap/context.h - searches whose results are kept up to date: the return
 * option UPDATE and CANCELUPDATE (RFC 5267, 4.3).
 *
 * Threads: contexts belong to their session.
 */
#ifndef IMAP_CONTEXT_H
#define IMAP_CONTEXT_H

#include "imap/results.h"
#include "imap/sort_keys.h"

enum {
	IMAP_CONTEXTS_MAX = 8,
	IMAP_CONTEXT_RESULTS_MAX = 65536, /* of a SORT */
};

struct imap_context;

/*
 * For a command with UPDATE, before it searches: a context that is not in use
 * yet. `text`: the search program with all that follows it. False: the answer
 * is set. NULL with true: there are too many, which is told.
 */
struct imap_context_wish {
	struct pst_str text;
	bool has_charset;
	const struct imap_sort *sort; /* NULL: mailbox order */
	struct pst_str atts;	      /* see struct imap_search_return */
	bool uid, names_mailbox;
};
bool imap_context_new(struct imap_session *s,
    const struct imap_context_wish *wish, struct imap_context **ctx_r,
    enum imap_step *step_r);
/* The next result of a SORT, in order, with its key. */
void imap_context_add_sorted(
    struct imap_context *ctx, uint32_t uid, struct pst_str key);
/* When all is found: from now on it is kept up to date. `ctx` becomes NULL. */
void imap_context_begin(struct imap_session *s, struct imap_context **ctx,
    const struct imap_results *r);
void imap_context_free(struct imap_context **ctx);

/* A message goes; before EXPUNGE is written. */
void imap_contexts_expunged(struct imap_session *s, uint32_t seq, uint32_t uid);
/* After all other news: tells what came to the results and what left them. A
 * cursor: FULL and TURN to be called again. */
enum imap_step imap_contexts_update(struct imap_session *s);
/* Results are new of which something is to be fetched. */
bool imap_contexts_have_new(const struct imap_session *s);
/* Takes those of one context; `*atts_r` as imap_fetch_new() wants it, valid as
 * long as the context. False: there are none. */
bool imap_contexts_take_new(
    struct imap_session *s, struct uidset *uids_r, const char **atts_r);
void imap_contexts_free(struct imap_session *s);

#endif
