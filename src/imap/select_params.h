/*
 * imap/select_params.h - what may follow the name in SELECT and EXAMINE (RFC
 * 4466, 2.1; RFC 7162, 3.1.8 and 3.2.5). Pure.
 */
#ifndef IMAP_SELECT_PARAMS_H
#define IMAP_SELECT_PARAMS_H

#include "base/uidset.h"
#include "imap/parse.h"

struct imap_select_params {
	bool condstore, qresync, has_match;
	/* Of QRESYNC: what the client knows. */
	uint32_t uidvalidity;
	uint64_t modseq;
	struct uidset known; /* all when it told none */
	struct uidset match_seqs, match_uids;
};

/* [SP "(" select-param *(SP select-param) ")"], in any order, each once. The
 * caller calls fini also after a failure. */
bool imap_select_params(struct imap_parser *ps, struct imap_select_params *out);
void imap_select_params_fini(struct imap_select_params *p);

#endif
