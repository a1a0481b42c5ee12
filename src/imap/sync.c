/*
 * imap/sync.c - telling the client what changed in its mailbox: EXPUNGE, FLAGS,
 * EXISTS, RECENT and FETCH without being asked (RFC 3501, 5.2, 7.3 and 7.4),
 * VANISHED and HIGHESTMODSEQ (RFC 7162, 3.2).
 *
 * What is short goes out at once. Changed flags may concern every message:
 * their uids are remembered and written as fast as the client reads.
 */
#include "imap/commands.h"
#include "imap/context.h"
#include "imap/modseq.h"
#include "imap/notify.h"
#include "imap/places.h"
#include "imap/respond.h"
#include "imap/select.h"
#include "imap/session.h"

/* RFC 7162, 3.2.10.2: all at once, and before the numbers are used again. */
static void
tell_vanished(struct imap_session *s)
{
	struct buf *out = imap_out(s);

	if (s->run->vanished.n == 0)
		return;
	(void)buf_puts(out, "* VANISHED ");
	(void)uidset_print(&s->run->vanished, out);
	(void)buf_puts(out, "\r\n");
	uidset_clear(&s->run->vanished);
}

static void
tell_expunged(void *arg, uint32_t seq, uint32_t uid)
{
	struct imap_session *s = arg;
	struct buf *out = imap_out(s);

	imap_contexts_expunged(s, seq, uid);
	s->expunged++;
	s->run->expunged = true;
	if (imap_says_vanished(s)) {
		uidset_add(&s->run->vanished, uid, uid);
		if (s->contexts != NULL) /* they tell numbers */
			tell_vanished(s);
		return;
	}
	(void)buf_puts(out, "* ");
	(void)buf_put_u64(out, seq);
	(void)buf_puts(out, " EXPUNGE\r\n");
}

static void
tell_keywords(void *arg)
{
	tell_vanished(arg);
	imap_put_flags_response(arg);
}

static void
tell_exists(void *arg, uint32_t count, uint32_t recent)
{
	struct imap_session *s = arg;
	struct buf *out;

	tell_vanished(s);
	out = imap_out(s);
	(void)buf_printf(out, "* %u EXISTS\r\n", (unsigned)count);
	if (!(s->enabled & IMAP_REV2))
		(void)buf_printf(out, "* %u RECENT\r\n", (unsigned)recent);
}

static void
note_changed(void *arg, uint32_t seq, const struct pst_row *row)
{
	struct imap_session *s = arg;

	(void)seq;
	if (!uidset_has(&s->run->changed, row->uid))
		uidset_add(&s->run->changed, row->uid, row->uid);
	else if (uidset_has(&s->run->brief, row->uid))
		uidset_remove(&s->run->brief, row->uid, row->uid);
}

/* Its MODSEQ is enough, unless somebody has changed it just now: then its flags
 * are not those that the client foresees. */
static bool
is_brief(const struct imap_session *s, const struct pst_row *row)
{
	return uidset_has(&s->run->brief, row->uid) &&
	       row->modseq <= view_modseq(s->view);
}

/* One message after `told`; false at the end. */
static bool
tell_next(struct imap_session *s)
{
	struct imap_command_run *run = s->run;
	struct pst_uids set = uidset_peek(&run->changed);
	uint32_t seq, uid;

	for (size_t i = 0; i < set.n; i++) {
		struct pst_row row;

		if (set.r[i].last <= run->told)
			continue;
		uid = set.r[i].first > run->told ? set.r[i].first
						 : run->told + 1;
		seq = view_seq_from(s->view, uid);
		if (seq > view_count(s->view))
			return false;
		run->told = view_uid(s->view, seq);
		if (run->told > set.r[i].last) { /* none left in this range */
			run->told = set.r[i].last;
			continue;
		}
		view_rows(s->view, seq, 1, &row);
		if (row.uid == 0)
			return true;
		if (row.modseq > run->told_modseq)
			run->told_modseq = row.modseq;
		imap_put_changed(s, seq, &row, is_brief(s, &row));
		return true;
	}
	return false;
}

/*
 * RFC 7162, 6: without a HIGHESTMODSEQ the client takes the highest MODSEQ that
 * it was told for the point up to which it knows everything. That is wrong
 * while expunges are kept back (3.2), and when a message changed again while
 * the news were written: what else changed then is told later.
 */
static bool
must_tell_highest(const struct imap_session *s)
{
	const struct imap_command_run *run = s->run;

	if (view_keeps_expunges(s->view) ||
	    run->told_modseq > view_modseq(s->view))
		return s->enabled & IMAP_CONDSTORE;
	return run->expunged && (s->enabled & IMAP_QRESYNC);
}

/* `flags`: their changes are to be told. */
static void
catch_up(struct imap_session *s, bool expunges, bool flags)
{
	const struct view_events events = {
		.arg = s,
		.expunged = tell_expunged,
		.keywords = tell_keywords,
		.exists = tell_exists,
		.changed = flags ? note_changed : NULL,
	};
	uint32_t last = view_uid(s->view, view_count(s->view));
	struct pst_error err;

	if (view_sync(s->view, expunges, &events, &err) != PST_OK &&
	    !view_is_dead(s->view))
		log_failure(PST_LOG_ERROR, net_id(s->c), "imap-sync", &err);
	imap_notify_arrived(s, last);
}

/* What a command removed is told in any case: it is its answer. */
static unsigned
wanted_now(const struct imap_session *s)
{
	const struct imap_command *def = s->run->def;
	unsigned wanted = imap_notify_selected(s);

	if (def != NULL &&
	    (def->run == imap_expunge || def->run == imap_uid_expunge ||
		def->run == imap_move || def->run == imap_replace))
		wanted |= IMAP_NOTIFY_NEW | IMAP_NOTIFY_EXPUNGE;
	return wanted;
}

enum imap_step
imap_sync(struct imap_session *s, bool expunges)
{
	struct imap_command_run *run = s->run;
	unsigned wanted = wanted_now(s);
	enum imap_step step;

	if (!run->telling) {
		/* RFC 4314, 5.1.1: whoever waits hears no more of it. */
		if (view_rights_stale(s->view) && !imap_check_rights(s))
			return imap_bye(
			    s, "The selected mailbox is no longer there");
		if (wanted & IMAP_NOTIFY_NEW)
			catch_up(s, expunges, wanted & IMAP_NOTIFY_FLAGS);
		/* RFC 2180, 3.3: somebody else deleted or renamed it. */
		if (view_is_dead(s->view))
			return imap_bye(
			    s, "The selected mailbox is no longer there");
		tell_vanished(s);
		run->telling = true;
		run->told = 0;
		run->told_modseq = 0;
	}
	while (tell_next(s)) {
		if (net_output_full(s->c))
			return IMAP_FULL;
	}
	step = wanted & IMAP_NOTIFY_NEW ? imap_contexts_update(s) : IMAP_NEXT;
	if (step != IMAP_NEXT)
		return step;
	uidset_clear(&run->changed);
	uidset_clear(&run->brief);
	/* Who does not hear of flags does not know all (RFC 5465). */
	if ((wanted & IMAP_NOTIFY_FLAGS) && must_tell_highest(s))
		imap_put_highestmodseq(s);
	run->expunged = false;
	run->telling = false;
	return IMAP_NEXT;
}
