/*
 * imap/search.c - SEARCH and UID SEARCH (RFC 3501, 6.4.4; RFC 4731): a cursor
 * over the mailbox, then over what it found.
 */
#include "imap/search.h"

#include "base/str.h"
#include "imap/commands.h"
#include "imap/context.h"
#include "imap/message_limit.h"
#include "imap/scan.h"

struct searching {
	struct imap_scan scan;
	struct imap_results results;
	struct imap_context *context; /* that UPDATE asks for */
	uint32_t lowest;	      /* see imap_scan_limit() */
};

static void
cleanup(struct imap_session *s)
{
	struct searching *se = s->run->state;

	imap_scan_fini(&se->scan);
	imap_context_free(&se->context);
}

static enum imap_step
tell(struct imap_session *s)
{
	struct searching *se = s->run->state;
	enum imap_step step = imap_results_more(s, &se->results);

	return step == IMAP_NEXT
		   ? imap_ok_limited(s, se->lowest, "Search completed")
		   : step;
}

static enum imap_step
more(struct imap_session *s)
{
	struct searching *se = s->run->state;
	struct imap_results *r = &se->results;

	if (!imap_scan_more(&se->scan))
		return imap_scan_turn(s, &se->scan);
	r->seq = se->scan.seq;
	r->score = se->scan.score;
	r->n = se->scan.n;
	if (se->scan.program.has_modseq)
		imap_results_find_modseq(r);
	if ((r->ret.options & IMAP_RETURN_SAVE) && !imap_results_save(s, r))
		return imap_no(s, "[NOTSAVED] Too many results");
	imap_context_begin(s, &se->context, r);
	s->run->resume = tell;
	return IMAP_NEXT;
}

enum imap_step
imap_search(struct imap_session *s, struct imap_parser *ps)
{
	struct searching *se = imap_alloc(s, sizeof(*se));
	struct imap_results *r = &se->results;
	struct imap_context_wish wish = { 0 };
	enum imap_step step;

	imap_scan_init(&se->scan, s->view, net_config(s->c));
	s->run->state = se;
	s->run->cleanup = cleanup;
	r->word = "SEARCH";
	r->view = s->view;
	r->uid = s->run->def->traits & IMAP_UID;
	if (!imap_space(ps) || !imap_search_return_parse(ps, &r->ret))
		return imap_bad_arguments(s, ps);
	if (!r->ret.is_extended && (s->enabled & IMAP_REV2)) {
		r->ret.is_extended = true; /* RFC 9051, 6.4.4 */
		r->ret.options = IMAP_RETURN_ALL;
	}
	wish.atts = r->ret.update_atts;
	wish.text = str_n(ps->p, (size_t)(ps->end - ps->p));
	wish.uid = r->uid;
	if (!imap_scan_parse(s, ps, false, &se->scan, &step) ||
	    !imap_scan_check(s, &se->scan, &r->ret, false, &step) ||
	    ((r->ret.options & IMAP_RETURN_UPDATE) &&
		!imap_context_new(s, &wish, &se->context, &step))) {
		imap_results_refused(s, &r->ret);
		return step;
	}
	imap_scan_start(&se->scan, &r->ret);
	se->lowest = imap_scan_limit(s, &se->scan);
	s->run->resume = more;
	return IMAP_NEXT;
}
