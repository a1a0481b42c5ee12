/*
 * state.h - the small text files beside the messages, as structures: parsed and
 * printed here, read and written elsewhere. Pure functions.
 *
 *     postern-mailbox 1              postern-account 1
 *     uidvalidity 1700000000         uidvalidity 1700000003
 *     uidnext 17                     meta /private/comment text
 *     modseq 10001                   end
 *     objectid F0123456789abcdef
 *     recent 3
 *     seen 1700000001.5 1700000002.9 17 9
 *     keyword 0 $Forwarded
 *     meta /private/specialuse \Sent
 *     end
 *
 * Words are percent-escaped. A file that ends without "end" is damaged.
 */
#ifndef MAILDIR_STATE_H
#define MAILDIR_STATE_H

#include "util.h"
#include <time.h>

/* A text kept with a mailbox or an account. */
struct md_meta {
	char *key;
	char *value;
	size_t n;
};

struct md_metas {
	struct md_meta *v;
	size_t n, cap;
};

/* {NULL, 0} removes. */
void md_meta_set(struct md_metas *m, const char *key, struct pst_str value);
const struct md_meta *md_meta_find(const struct md_metas *m, const char *key);
void md_meta_free(struct md_metas *m);

/* Postern's knowledge of one mailbox. */
struct md_state {
	uint32_t uidvalidity;
	uint32_t uidnext; /* no uid from here on was given */
	uint32_t recent;  /* uids from here on were shown to no session */
	uint64_t modseq;  /* no modseq above this was given */
	char objectid[40];
	/*
	 * The folders new and cur as they were when the mailbox was last
	 * closed by one who knew all of it. Unchanged times mean that nobody
	 * changed anything since; see set_first_modseqs().
	 */
	bool has_seen;
	struct timespec seen[2];
	uint32_t seen_uidnext;
	uint64_t seen_modseq;
	char *keyword[PST_KEYWORDS_MAX]; /* NULL: free */
	struct md_metas meta;
};

struct md_account_state {
	uint32_t uidvalidity; /* the last one given */
	struct md_metas meta;
};

enum md_state_rc {
	MD_STATE_OK,
	MD_STATE_DAMAGED,
	MD_STATE_NEWER, /* written by a later version: not to be touched */
};

/* What is there in `*_r` after anything but OK still wants its free. */
enum md_state_rc md_state_parse(struct pst_str text, struct md_state *state_r);
void md_state_print(struct md_buf *out, const struct md_state *state);
void md_state_free(struct md_state *state);

enum md_state_rc md_account_parse(
    struct pst_str text, struct md_account_state *state_r);
void md_account_print(struct md_buf *out, const struct md_account_state *state);

#endif
