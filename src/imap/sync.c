/*
 * imap/sync.c - telling the client what changed in its mailbox: EXPUNGE, FLAGS,
 * EXISTS, RECENT and FETCH without being asked (RFC 3501, 5.2, 7.3 and 7.4).
 *
 * What is short goes out at once. Changed flags may concern every message:
 * their uids are remembered and written as fast as the client reads.
 */
#include "imap/context.h"
#include "imap/respond.h"
#include "imap/select.h"
#include "imap/session.h"

static void
tell_expunged(void *arg, uint32_t seq, uint32_t uid)
{
	struct imap_session *s = arg;
	struct buf *out = imap_out(s);

	imap_contexts_expunged(s, seq, uid);
	(void)buf_puts(out, "* ");
	(void)buf_put_u64(out, seq);
	(void)buf_puts(out, " EXPUNGE\r\n");
	s->expunged++;
}

static void
tell_keywords(void *arg)
{
	imap_put_flags_response(arg);
}

static void
tell_exists(void *arg, uint32_t count, uint32_t recent)
{
	struct imap_session *s = arg;
	struct buf *out = imap_out(s);

	(void)buf_printf(out, "* %u EXISTS\r\n* %u RECENT\r\n", (unsigned)count,
	    (unsigned)recent);
}

static void
note_changed(void *arg, uint32_t seq, const struct pst_row *row)
{
	struct imap_session *s = arg;

	(void)seq;
	if (!uidset_has(&s->run->changed, row->uid))
		uidset_add(&s->run->changed, row->uid, row->uid);
}

static void
tell_flags(struct imap_session *s, uint32_t seq, const struct pst_row *row)
{
	const struct imap_command *def = s->run->def;
	struct buf *out = imap_out(s);

	(void)buf_puts(out, "* ");
	(void)buf_put_u64(out, seq);
	(void)buf_puts(out, " FETCH (");
	if (def != NULL && (def->traits & IMAP_UID)) {
		(void)buf_puts(out, "UID ");
		(void)buf_put_u64(out, row->uid);
		(void)buf_putc(out, ' ');
	}
	(void)buf_puts(out, "FLAGS ");
	imap_put_flags(out, row->flags, row->keywords,
	    view_is_recent(s->view, row->uid), view_keywords(s->view));
	(void)buf_puts(out, ")\r\n");
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
		if (row.uid != 0)
			tell_flags(s, seq, &row);
		return true;
	}
	return false;
}

enum imap_step
imap_sync(struct imap_session *s, bool expunges)
{
	struct imap_command_run *run = s->run;
	const struct view_events events = {
		.arg = s,
		.expunged = tell_expunged,
		.keywords = tell_keywords,
		.exists = tell_exists,
		.changed = note_changed,
	};
	struct pst_error err;
	enum imap_step step;

	if (!run->telling) {
		if (view_sync(s->view, expunges, &events, &err) != PST_OK &&
		    !view_is_dead(s->view))
			log_failure(
			    PST_LOG_ERROR, net_id(s->c), "imap-sync", &err);
		/* RFC 2180, 3.3: somebody else deleted or renamed it. */
		if (view_is_dead(s->view))
			return imap_bye(
			    s, "The selected mailbox is no longer there");
		run->telling = true;
		run->told = 0;
	}
	while (tell_next(s)) {
		if (net_output_full(s->c))
			return IMAP_FULL;
	}
	step = imap_contexts_update(s);
	if (step != IMAP_NEXT)
		return step;
	uidset_clear(&run->changed);
	run->telling = false;
	return IMAP_NEXT;
}
