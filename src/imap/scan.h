/*
 * imap/scan.h - going through a mailbox for what a search program matches, in
 * time slices; used by SEARCH, SORT, THREAD, ESEARCH and contexts.
 */
#ifndef IMAP_SCAN_H
#define IMAP_SCAN_H

#include "imap/search.h"
#include "imap/search_return.h"
#include "imap/session.h"

enum { IMAP_SCAN_BATCH = 256 };

struct imap_scan {
	struct mailbox_view *view;
	struct imap_search_program program;
	struct imap_search_message m;
	struct msg_limits limits;
	/* What was found: sequence numbers, ascending in the end, and how well
	 * each matches (NULL: nobody asked). */
	uint32_t *seq;
	uint8_t *score;
	size_t n, cap, score_cap;
	/* Not more than `wanted`, from the first or from the last message. */
	size_t wanted;
	bool backwards;
	uint32_t skip; /* the lowest messages, which are not looked at */
	uint32_t left; /* messages that were not looked at yet */
	uint32_t first;
	struct pst_row rows[IMAP_SCAN_BATCH];
	size_t rows_n, at;
	size_t told; /* by imap_scan_next_found() */
};

/* With no program yet; imap_scan_fini() may be called from here on. */
void imap_scan_init(
    struct imap_scan *sc, struct mailbox_view *view, const struct config *cfg);
void imap_scan_fini(struct imap_scan *sc);
/* Another view, with the same program; what was found is forgotten. */
void imap_scan_switch(struct imap_scan *sc, struct mailbox_view *view);

/* Reads the program up to the end of the command. *step_r: the answer, when
 * false. */
bool imap_scan_parse(struct imap_session *s, struct imap_parser *ps,
    bool has_charset, struct imap_scan *sc, enum imap_step *step_r);
/* Whether RELEVANCY may be asked for (RFC 6203, 4); else the answer is set. */
bool imap_scan_check(struct imap_session *s, const struct imap_scan *sc,
    const struct imap_search_return *ret, bool by_score,
    enum imap_step *step_r);

/* Begins at the beginning. `ret` (or NULL) tells how many results are needed.
 */
void imap_scan_start(
    struct imap_scan *sc, const struct imap_search_return *ret);
/* After the start: leaves as many messages to be looked at as may be (RFC
 * 9738). The lowest uid of these when there are more, else 0. */
uint32_t imap_scan_limit(struct imap_session *s, struct imap_scan *sc);
/* Goes on. False: the time slice is over; else all is found. */
bool imap_scan_more(struct imap_scan *sc);
/*
 * When all is found: goes through it. The message is set in sc->m; *i_r is its
 * place in sc->seq. False: there are no more.
 */
bool imap_scan_next_found(
    struct imap_scan *sc, uint32_t *seq_r, struct pst_row *row_r, size_t *i_r);
/* What is returned when it is over: TURN, with a sign of life when it is due.
 */
enum imap_step imap_scan_turn(
    struct imap_session *s, const struct imap_scan *sc);

/* How a program may name filters (RFC 5466); for imap_search_parse_as(). */
struct imap_search_grammar imap_scan_grammar(
    struct imap_session *s, bool has_charset);

#endif
