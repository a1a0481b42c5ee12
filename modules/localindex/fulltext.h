/*
 * localindex/fulltext.h - the full-text index of one mailbox: the server's
 * text_put(), text_search() and so on for modules that keep mail in files.
 *
 * It lives in the folder LI_TEXT_DIR of the mailbox's folder `dirfd`, as a
 * number of segments (segment.h), each complete in itself. Any of them may be
 * deleted or damaged at any time; then its messages are not indexed. Nothing
 * is kept open between two calls.
 *
 * Threads: from any thread at any time, but for put, tidy and drop, of which
 * there is one at a time for a mailbox.
 */
#ifndef LOCALINDEX_FULLTEXT_H
#define LOCALINDEX_FULLTEXT_H

#include <postern/module.h>
#include <postern/store.h>

#define LI_TEXT_DIR "postern.text"

struct li_text_box {
	const struct pst_host *host; /* for the log; may be NULL */
	const char *where;	     /* names the mailbox there */
	int dirfd;
	uint32_t uidvalidity;
	uint64_t version;
};

enum pst_rc li_text_put(const struct li_text_box *b,
    const struct pst_text *texts, size_t n, struct pst_error *err);
enum pst_rc li_text_search(const struct li_text_box *b, struct pst_str needle,
    bool headers, pst_text_fn fn, void *arg, struct pst_error *err);
enum pst_rc li_text_tidy(const struct li_text_box *b, struct pst_uids present,
    struct pst_error *err);
enum pst_rc li_text_state(const struct li_text_box *b,
    struct pst_text_state *state_r, struct pst_error *err);
enum pst_rc li_text_drop(const struct li_text_box *b, struct pst_error *err);

#endif
