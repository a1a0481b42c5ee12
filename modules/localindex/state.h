/*
 * localindex/state.h - the small text files beside the messages, as structures:
 * parsed and printed here, read and written elsewhere. Pure functions.
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
 * Words are percent-escaped. A file that ends without "end" is damaged. Lines
 * whose first word is not known come from a version that knows more of the same
 * format: they are kept, and written back with the rest. What an older version
 * must not ignore raises the number of the first line.
 */
#ifndef LOCALINDEX_STATE_H
#define LOCALINDEX_STATE_H

#include "localindex/util.h"
#include <time.h>

/* A text kept with a mailbox or an account. */
struct li_meta {
	char *key;
	char *value;
	size_t n;
};

struct li_metas {
	struct li_meta *v;
	size_t n, cap;
};

/* {NULL, 0} removes. */
void li_meta_set(struct li_metas *m, const char *key, struct pst_str value);
const struct li_meta *li_meta_find(const struct li_metas *m, const char *key);
void li_meta_free(struct li_metas *m);

/* Postern's knowledge of one mailbox. */
struct li_state {
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
	struct li_metas meta;
	struct li_buf unknown; /* whole lines */
};

struct li_account_state {
	uint32_t uidvalidity; /* the last one given */
	struct li_metas meta;
	struct li_buf unknown; /* whole lines */
};

enum li_state_rc {
	LI_STATE_OK,
	LI_STATE_DAMAGED,
	LI_STATE_NEWER, /* written by a later version: not to be touched; to
			 * others a temporary failure, so that mail that comes
			 * is not sent back */
};

/* What is there in `*_r` after anything but OK still wants its free. */
enum li_state_rc li_state_parse(struct pst_str text, struct li_state *state_r);
void li_state_print(struct li_buf *out, const struct li_state *state);
void li_state_free(struct li_state *state);

enum li_state_rc li_account_parse(
    struct pst_str text, struct li_account_state *state_r);
void li_account_state_free(struct li_account_state *state);
void li_account_print(struct li_buf *out, const struct li_account_state *state);

#endif
