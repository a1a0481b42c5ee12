/*
 * imap/search.c - SEARCH and UID SEARCH (RFC 3501, 6.4.4): a cursor over the
 * mailbox, then over what it found.
 */
#include "imap/search.h"

#include "base/clock.h"
#include "base/str.h"
#include "imap/commands.h"
#include "imap/messages.h"
#include "imap/modseq.h"
#include "imap/progress.h"

enum { BATCH = 256 };

struct searching {
	struct imap_search_program program;
	struct imap_search_message m;
	struct msg_limits limits;
	struct uidset found; /* numbers to be told */
	uint32_t seq;	     /* the next to be looked at */
	uint32_t told;	     /* the last that was written */
	uint64_t modseq;     /* the highest of what was found */
	struct pst_row rows[BATCH];
	size_t n, at;
};

static void
cleanup(struct imap_session *s)
{
	struct searching *se = s->run->state;

	imap_search_fini(&se->program);
	imap_search_message_fini(&se->m);
	uidset_fini(&se->found);
}

/* --- sets and keywords
 * ------------------------------------------------------*/

static uint64_t
keyword_mask(struct imap_session *s, struct pst_str name)
{
	const char *const *names = view_keywords(s->view);

	for (unsigned i = 0; i < PST_KEYWORDS_MAX; i++) {
		if (names[i] != NULL && *names[i] != '\0' &&
		    str_is_case(name, names[i]))
			return (uint64_t)1 << i;
	}
	return 0;
}

bool
imap_search_resolve(struct imap_session *s, struct imap_search_program *p)
{
	for (struct imap_search_key *k = p->all; k != NULL; k = k->other) {
		bool uid = str_is(str_of(k->word->name), "UID");

		if (k->word->match == imap_match_set &&
		    !imap_resolve_messages(s, k->text, uid, &k->seqs))
			return false;
		if (k->word->match == imap_match_keyword ||
		    k->word->match == imap_match_no_keyword)
			k->keywords = keyword_mask(s, k->text);
	}
	return true;
}

/* --- the cursors ------------------------------------------------------------
 */

static enum imap_step
tell(struct imap_session *s)
{
	struct searching *se = s->run->state;
	struct buf *out = imap_out(s);
	uint32_t n = se->told;

	for (;;) {
		n = n == UINT32_MAX ? 0 : imap_member_from(&se->found, n + 1);
		if (n == 0)
			break;
		(void)buf_putc(out, ' ');
		(void)buf_put_u64(out, n);
		se->told = n;
		if (net_output_full(s->c))
			return IMAP_FULL;
	}
	if (se->program.has_modseq && se->found.n > 0) {
		(void)buf_puts(out, " (MODSEQ ");
		(void)buf_put_u64(out, se->modseq);
		(void)buf_putc(out, ')');
	}
	(void)buf_puts(out, "\r\n");
	return imap_ok(s, "Search completed");
}

static void
look_at(struct imap_session *s, struct searching *se)
{
	const struct pst_row *row = &se->rows[se->at];
	uint32_t seq = se->seq + (uint32_t)se->at++;
	uint32_t number = s->run->def->traits & IMAP_UID ? row->uid : seq;

	if (row->uid == 0) /* expunged by another session */
		return;
	imap_search_message_set(&se->m, seq, row);
	if (!imap_search_matches(&se->m, se->program.root) || se->m.is_gone)
		return;
	uidset_add(&se->found, number, number);
	if (row->modseq > se->modseq)
		se->modseq = row->modseq;
}

static bool
next_batch(struct imap_session *s, struct searching *se)
{
	uint32_t count = view_count(s->view);

	se->seq += (uint32_t)se->n;
	if (se->seq > count)
		return false;
	se->n = count - se->seq + 1 < BATCH ? count - se->seq + 1 : BATCH;
	se->at = 0;
	view_rows(s->view, se->seq, se->n, se->rows);
	return true;
}

static enum imap_step
turn(struct imap_session *s, const struct searching *se)
{
	imap_in_progress(
	    s, (uint64_t)se->seq - 1 + se->at, view_count(s->view));
	return IMAP_TURN;
}

static enum imap_step
more(struct imap_session *s)
{
	struct searching *se = s->run->state;
	bool reads = se->program.root->cost > IMAP_SEARCH_ROW;
	int64_t started = clock_monotonic();

	for (;;) {
		while (se->at < se->n) {
			look_at(s, se);
			if (reads && imap_slice_over(started))
				return turn(s, se);
		}
		if (imap_slice_over(started))
			return turn(s, se);
		if (!next_batch(s, se))
			break;
	}
	(void)buf_puts(imap_out(s), "* SEARCH");
	s->run->resume = tell;
	return IMAP_NEXT;
}

enum imap_step
imap_search(struct imap_session *s, struct imap_parser *ps)
{
	const struct config *cfg = net_config(s->c);
	struct searching *se = imap_alloc(s, sizeof(*se));

	se->limits = imap_msg_limits(cfg);
	imap_search_message_init(&se->m, s->view, &se->limits);
	se->seq = 1;
	s->run->state = se;
	s->run->cleanup = cleanup;
	if (!imap_space(ps) || !imap_search_parse(ps, &se->program)) {
		if (se->program.bad_charset)
			return imap_no(
			    s, "[BADCHARSET (US-ASCII UTF-8)] Unknown charset");
		return imap_bad_arguments(s, ps);
	}
	if (!imap_search_resolve(s, &se->program))
		return imap_bad_command(
		    s, "Error in IMAP command SEARCH: Invalid messageset");
	if (se->program.has_numbers && (s->enabled & IMAP_UIDONLY))
		return imap_bad_command(
		    s, "[UIDREQUIRED] Message numbers are not in use");
	if (se->program.has_modseq)
		imap_condstore(s);
	/* RFC 7162, 3.2.10.2 */
	s->run->keeps_numbers = se->program.has_numbers;
	s->run->resume = more;
	return IMAP_NEXT;
}
