/*
 * imap/scan.c - going through a mailbox for what a search program matches
 * (RFC 3501, 6.4.4).
 *
 * When only the first or the last results are asked for (RFC 4731, MIN and
 * MAX; RFC 9394), it ends as soon as there are enough, and begins with the
 * newest messages where that is nearer.
 */
#include "imap/scan.h"

#include "base/clock.h"
#include "base/str.h"
#include "imap/message_limit.h"
#include "imap/messages.h"
#include "imap/modseq.h"
#include "imap/progress.h"
#include <stdlib.h>

void
imap_scan_init(
    struct imap_scan *sc, struct mailbox_view *view, const struct config *cfg)
{
	memset(sc, 0, sizeof(*sc));
	sc->limits = imap_msg_limits(cfg);
	sc->view = view;
	imap_search_message_init(&sc->m, view, &sc->limits);
}

void
imap_scan_fini(struct imap_scan *sc)
{
	imap_search_fini(&sc->program);
	imap_search_message_fini(&sc->m);
	free(sc->seq);
	free(sc->score);
	sc->seq = NULL;
	sc->score = NULL;
}

void
imap_scan_switch(struct imap_scan *sc, struct mailbox_view *view)
{
	imap_search_message_set(&sc->m, 0, &(struct pst_row){ 0 });
	sc->view = view;
	imap_search_message_view(&sc->m, view);
	sc->n = 0;
}

/* --- the program ------------------------------------------------------------
 */

static enum imap_step
refuse(struct imap_session *s, struct imap_parser *ps,
    const struct imap_search_program *p)
{
	struct buf *reply = &s->run->reply;

	if (p->bad_filter_charset) /* RFC 5466, 3.1: BAD, not NO */
		return imap_bad_command(
		    s, "[BADCHARSET (US-ASCII UTF-8)] Filters are in UTF-8");
	if (p->bad_charset)
		return imap_no(
		    s, "[BADCHARSET (US-ASCII UTF-8)] Unknown charset");
	if (p->no_filter.n > 0) {
		buf_clear(reply);
		(void)buf_puts(reply, "NO [UNDEFINED-FILTER ");
		(void)buf_add_str(reply, p->no_filter);
		(void)buf_puts(reply, "] No such filter");
		return imap_finish(s);
	}
	if (p->bad_filter)
		return imap_no(s, "[CANNOT] Filter is no valid search");
	return imap_bad_arguments(s, ps);
}

bool
imap_scan_parse(struct imap_session *s, struct imap_parser *ps,
    bool has_charset, struct imap_scan *sc, enum imap_step *step_r)
{
	struct imap_search_grammar g = imap_scan_grammar(s, has_charset);

	if (!imap_search_parse_as(ps, &g, &sc->program)) {
		*step_r = refuse(s, ps, &sc->program);
		return false;
	}
	if (sc->view != NULL &&
	    !imap_search_resolve(sc->view, &s->saved, &sc->program)) {
		imap_bad(ps, "Malformed set of messages");
		*step_r = imap_bad_arguments(s, ps);
		return false;
	}
	if (sc->program.has_numbers && (s->enabled & IMAP_UIDONLY)) {
		*step_r = imap_bad_command(
		    s, "[UIDREQUIRED] Message numbers are not in use");
		return false;
	}
	if (sc->program.has_modseq)
		imap_condstore(s);
	/* RFC 7162, 3.2.10.2 */
	s->run->keeps_numbers = sc->program.has_numbers;
	return true;
}

bool
imap_scan_check(struct imap_session *s, const struct imap_scan *sc,
    const struct imap_search_return *ret, bool by_score, enum imap_step *step_r)
{
	if (sc->program.has_fuzzy ||
	    (!by_score && !(ret->options & IMAP_RETURN_RELEVANCY)))
		return true;
	*step_r = imap_bad_command(s, "RELEVANCY without FUZZY");
	return false;
}

static uint64_t
keyword_mask(struct mailbox_view *view, struct pst_str name)
{
	const char *const *names = view_keywords(view);

	for (unsigned i = 0; i < PST_KEYWORDS_MAX; i++) {
		if (names[i] != NULL && *names[i] != '\0' &&
		    str_is_case(name, names[i]))
			return (uint64_t)1 << i;
	}
	return 0;
}

void
imap_search_set_keywords(
    struct mailbox_view *view, struct imap_search_program *p)
{
	for (struct imap_search_key *k = p->all; k != NULL; k = k->other) {
		if (k->word->match == imap_match_keyword ||
		    k->word->match == imap_match_no_keyword)
			k->keywords = keyword_mask(view, k->text);
	}
}

bool
imap_search_resolve(struct mailbox_view *view, const struct uidset *saved,
    struct imap_search_program *p)
{
	for (struct imap_search_key *k = p->all; k != NULL; k = k->other) {
		bool uid = str_is(str_of(k->word->name), "UID");

		if (k->word->match != imap_match_set)
			continue;
		uidset_fini(&k->seqs);
		if (!imap_resolve_in_view(view, saved, k->text, uid, &k->seqs))
			return false;
	}
	imap_search_set_keywords(view, p);
	return true;
}

/* --- the messages -----------------------------------------------------------
 */

/* How many results are enough, and from which end. */
static void
set_window(struct imap_scan *sc, const struct imap_search_return *ret)
{
	const unsigned min = IMAP_RETURN_MIN, max = IMAP_RETURN_MAX;
	const unsigned all = IMAP_RETURN_ALL | IMAP_RETURN_COUNT |
			     IMAP_RETURN_UPDATE | IMAP_RETURN_RELEVANCY;
	unsigned options = ret != NULL ? ret->options : IMAP_RETURN_ALL;
	bool partial = options & IMAP_RETURN_PARTIAL;
	bool from_end = partial && ret->partial.from_end;
	bool has_ends = options & (min | max);

	sc->wanted = SIZE_MAX;
	sc->backwards = false;
	if ((options & all) || !(has_ends || partial))
		return;
	/* MIN and an end that counts backwards need both ends. */
	if ((options & max) && ((options & min) || (partial && !from_end)))
		return;
	if ((options & min) && from_end)
		return;
	sc->wanted = partial ? imap_partial_reach(&ret->partial) : 1;
	sc->backwards = from_end || (options & max);
}

void
imap_scan_start(struct imap_scan *sc, const struct imap_search_return *ret)
{
	set_window(sc, ret);
	sc->n = 0;
	sc->skip = 0;
	sc->left = view_count(sc->view);
	sc->rows_n = sc->at = 0;
}

/* What the numbers in the program leave for the search; only those keys that
 * all messages have to meet. */
static bool
is_candidate(const struct imap_scan *sc, uint32_t seq)
{
	const struct imap_search_key *k = sc->program.root->child;

	for (; k != NULL; k = k->next) {
		uint32_t uid = view_uid(sc->view, seq);

		if ((k->word->match == imap_match_set &&
			!uidset_has(&k->seqs, seq)) ||
		    (k->word->match == imap_match_uid_after &&
			uid <= k->number) ||
		    (k->word->match == imap_match_uid_before &&
			uid >= k->number))
			return false;
	}
	return true;
}

uint32_t
imap_scan_limit(struct imap_session *s, struct imap_scan *sc)
{
	uint64_t limit = imap_message_limit(s), n = 0;
	uint32_t lowest = 0;

	for (uint32_t seq = sc->left; limit > 0 && seq > 0; seq--) {
		if (!is_candidate(sc, seq))
			continue;
		if (n == limit) {
			sc->skip = lowest - 1;
			sc->left -= sc->skip;
			return view_uid(sc->view, lowest);
		}
		lowest = seq;
		n++;
	}
	return 0;
}

static void
look_at(struct imap_scan *sc)
{
	size_t i = sc->backwards ? sc->rows_n - 1 - sc->at : sc->at;
	const struct pst_row *row = &sc->rows[i];

	sc->at++;
	if (row->uid == 0) /* expunged by another session */
		return;
	imap_search_message_set(&sc->m, sc->first + (uint32_t)i, row);
	if (!imap_search_matches(&sc->m, sc->program.root) || sc->m.is_gone)
		return;
	mem_grow(&sc->seq, &sc->cap, sc->n + 1, sizeof(*sc->seq));
	sc->seq[sc->n] = sc->first + (uint32_t)i;
	if (sc->program.has_fuzzy) {
		mem_grow(&sc->score, &sc->score_cap, sc->n + 1, 1);
		sc->score[sc->n] = (uint8_t)imap_search_score(&sc->m);
	}
	sc->n++;
}

static bool
next_batch(struct imap_scan *sc)
{
	uint32_t n = sc->left < IMAP_SCAN_BATCH ? sc->left : IMAP_SCAN_BATCH;

	if (n == 0)
		return false;
	sc->first = sc->backwards ? sc->skip + sc->left - n + 1
				  : view_count(sc->view) - sc->left + 1;
	sc->left -= n;
	sc->rows_n = n;
	sc->at = 0;
	view_rows(sc->view, sc->first, n, sc->rows);
	imap_search_message_ahead(&sc->m, sc->rows, n, sc->backwards);
	return true;
}

/* What was found from the end comes in the order of the mailbox, too. */
static void
put_in_order(struct imap_scan *sc)
{
	imap_search_message_set(&sc->m, 0, &(struct pst_row){ 0 });
	if (!sc->backwards)
		return;
	for (size_t i = 0, k = sc->n; i + 1 < k; i++) {
		uint32_t seq = sc->seq[i];

		k--;
		sc->seq[i] = sc->seq[k];
		sc->seq[k] = seq;
		if (sc->score != NULL) {
			uint8_t score = sc->score[i];

			sc->score[i] = sc->score[k];
			sc->score[k] = score;
		}
	}
}

bool
imap_scan_more(struct imap_scan *sc)
{
	bool reads = sc->program.root->cost > IMAP_SEARCH_ROW;
	int64_t started = clock_monotonic();

	do {
		while (sc->at < sc->rows_n && sc->n < sc->wanted) {
			look_at(sc);
			if (reads && imap_slice_over(started))
				return false;
		}
		if (sc->n == sc->wanted)
			break;
		if (sc->left > 0 && imap_slice_over(started))
			return false;
	} while (next_batch(sc));
	put_in_order(sc);
	sc->told = sc->rows_n = sc->at = 0;
	return true;
}

bool
imap_scan_next_found(
    struct imap_scan *sc, uint32_t *seq_r, struct pst_row *row_r, size_t *i_r)
{
	do {
		if (sc->at == sc->rows_n) {
			size_t n = sc->n - sc->told;

			sc->rows_n = n < IMAP_SCAN_BATCH ? n : IMAP_SCAN_BATCH;
			sc->at = 0;
			if (n == 0)
				return false;
			view_rows_of(
			    sc->view, sc->seq + sc->told, sc->rows_n, sc->rows);
			sc->told += sc->rows_n;
			imap_search_message_ahead(
			    &sc->m, sc->rows, sc->rows_n, false);
		}
		*i_r = sc->told - sc->rows_n + sc->at;
		*seq_r = sc->seq[*i_r];
		*row_r = sc->rows[sc->at];
	} while (sc->rows[sc->at++].uid == 0); /* expunged meanwhile */
	imap_search_message_set(&sc->m, *seq_r, &sc->rows[sc->at - 1]);
	return true;
}

enum imap_step
imap_scan_turn(struct imap_session *s, const struct imap_scan *sc)
{
	uint32_t count = view_count(sc->view);

	imap_in_progress(s, count - sc->left - (sc->rows_n - sc->at), count);
	return IMAP_TURN;
}
