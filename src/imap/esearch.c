/*
 * imap/esearch.c - ESEARCH: a search in several mailboxes (RFC 7377). They are
 * opened one after the other, without changing anything in them; the selected
 * one, if it is meant, comes first.
 */
#include "base/str.h"
#include "imap/commands.h"
#include "imap/context.h"
#include "imap/places.h"
#include "imap/scan.h"
#include "imap/sources.h"
#include <stdlib.h>

struct multi {
	struct imap_scan scan;
	struct imap_sources sources;
	struct imap_source_names names;
	struct imap_results results;
	struct mailbox_view *other; /* open now, beside the selected one */
	size_t at;
	bool selected_done;
	struct imap_context *context; /* that UPDATE asks for */
};

static enum imap_step search(struct imap_session *s);

static void
leave_mailbox(struct multi *mu)
{
	if (mu->other == NULL)
		return;
	imap_scan_switch(&mu->scan, NULL);
	view_close(&mu->other);
}

static void
cleanup(struct imap_session *s)
{
	struct multi *mu = s->run->state;

	leave_mailbox(mu);
	imap_scan_fini(&mu->scan);
	imap_context_free(&mu->context);
	free(mu->names.name);
}

static enum pst_rc
open_other(struct imap_session *s, struct multi *mu, const char *name,
    struct pst_error *err)
{
	struct mail_place place;
	enum pst_rc rc = imap_place(s, name, ACL_READ, &place, err);

	if (rc == PST_OK) {
		rc = view_open_at(&place, true, NULL, &mu->other, err);
		mail_place_fini(&place);
	}
	return rc;
}

/* RFC 7377, 5: what cannot be opened is as if it were not there. */
static bool
open_next(struct imap_session *s, struct multi *mu)
{
	struct pst_error err;

	if (mu->sources.has_selected && !mu->selected_done) {
		mu->selected_done = true;
		imap_scan_switch(&mu->scan, s->view);
		return true;
	}
	while (mu->at < mu->names.n) {
		const char *name = mu->names.name[mu->at++];

		if (open_other(s, mu, name, &err) == PST_OK) {
			imap_scan_switch(&mu->scan, mu->other);
			return true;
		}
		mu->other = NULL;
		if (err.rc != PST_E_NOTFOUND && err.rc != PST_E_DENIED)
			log_failure(
			    PST_LOG_ERROR, net_id(s->c), "imap-esearch", &err);
	}
	return false;
}

static enum imap_step
next_mailbox(struct imap_session *s)
{
	struct multi *mu = s->run->state;
	static const struct uidset none;

	leave_mailbox(mu);
	if (!open_next(s, mu))
		return imap_ok(s, "Search completed");
	/* "$" means messages of the selected mailbox only. */
	if (!imap_search_resolve(mu->scan.view,
		mu->other == NULL ? &s->saved : &none, &mu->scan.program))
		return imap_bad_command(s, "Malformed set of messages");
	imap_scan_start(&mu->scan, &mu->results.ret);
	s->run->resume = search;
	return IMAP_TURN;
}

static enum imap_step
tell(struct imap_session *s)
{
	struct multi *mu = s->run->state;
	enum imap_step step = imap_results_more(s, &mu->results);

	if (step != IMAP_NEXT)
		return step;
	s->run->resume = next_mailbox;
	return IMAP_NEXT;
}

static enum imap_step
search(struct imap_session *s)
{
	struct multi *mu = s->run->state;
	struct imap_results *r = &mu->results;

	if (!imap_scan_more(&mu->scan))
		return imap_scan_turn(s, &mu->scan);
	r->view = mu->scan.view;
	r->seq = mu->scan.seq;
	r->score = mu->scan.score;
	r->n = mu->scan.n;
	if (mu->scan.program.has_modseq)
		imap_results_find_modseq(r);
	r->part = IMAP_RESULTS_BEGIN;
	if ((r->ret.options & IMAP_RETURN_SAVE) && !imap_results_save(s, r))
		return imap_no(s, "[NOTSAVED] Too many results");
	imap_context_begin(s, &mu->context, r);
	/* RFC 7377, 2.1: nothing is said of a mailbox without results. */
	s->run->resume = r->n > 0 ? tell : next_mailbox;
	return IMAP_NEXT;
}

/* ["IN" SP "(" ... ")" SP]; only the selected mailbox when it is not there. */
static bool
parse_sources(struct imap_parser *ps, struct imap_sources *out)
{
	memset(out, 0, sizeof(*out));
	out->has_selected = true;
	if (!imap_skip_word(ps, "IN"))
		return true;
	return imap_space(ps) && imap_sources_parse(ps, out) && imap_space(ps);
}

/* RFC 7377, 2.2 */
static const char *
not_allowed(const struct imap_session *s, const struct multi *mu)
{
	const unsigned here = IMAP_RETURN_SAVE | IMAP_RETURN_UPDATE;

	if (mu->sources.has_selected && s->view == NULL)
		return "No mailbox is selected";
	if (mu->sources.has_others && (mu->results.ret.options & here))
		return "SAVE and UPDATE are for the selected mailbox";
	return NULL;
}

enum imap_step
imap_esearch(struct imap_session *s, struct imap_parser *ps)
{
	struct multi *mu = imap_alloc(s, sizeof(*mu));
	struct imap_results *r = &mu->results;
	struct imap_context_wish wish = { .uid = true, .names_mailbox = true };
	struct pst_error err;
	enum imap_step step;
	const char *why;

	imap_scan_init(&mu->scan, NULL, net_config(s->c));
	s->run->state = mu;
	s->run->cleanup = cleanup;
	if (!imap_space(ps) || !parse_sources(ps, &mu->sources) ||
	    !imap_search_return_parse(ps, &r->ret))
		return imap_bad_arguments(s, ps);
	why = not_allowed(s, mu);
	if (why != NULL)
		return imap_bad_command(s, why);
	if (!r->ret.is_extended) {
		r->ret.is_extended = true;
		r->ret.options = IMAP_RETURN_ALL;
	}
	r->uid = r->names_mailbox = true;
	wish.atts = r->ret.update_atts;
	wish.text = str_n(ps->p, (size_t)(ps->end - ps->p));
	if (!imap_scan_parse(s, ps, false, &mu->scan, &step) ||
	    !imap_scan_check(s, &mu->scan, &r->ret, false, &step) ||
	    ((r->ret.options & IMAP_RETURN_UPDATE) &&
		!imap_context_new(s, &wish, &mu->context, &step))) {
		imap_results_refused(s, &r->ret);
		return step;
	}
	if (mu->sources.has_others &&
	    imap_sources_find(s, &mu->sources, &mu->names, &err) != PST_OK)
		return imap_fail(s, &err, "[NONEXISTENT] No mailboxes");
	s->run->resume = next_mailbox;
	return IMAP_NEXT;
}
