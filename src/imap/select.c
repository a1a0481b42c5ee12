/*
 * imap/select.c - SELECT, EXAMINE, CLOSE, UNSELECT (RFC 3501, 6.3.1, 6.3.2 and
 * 6.4.2; RFC 9051, 6.3.2; RFC 3691; [CLOSED] of RFC 7162, 3.2.11; parameters of
 * RFC 7162).
 */
#include "imap/select.h"

#include "imap/announce.h"
#include "imap/commands.h"
#include "imap/modseq.h"
#include "imap/places.h"
#include "imap/qresync.h"
#include "imap/respond.h"

static uint64_t
keywords_in_use(const char *const *names)
{
	uint64_t mask = 0;

	for (unsigned i = 0; i < PST_KEYWORDS_MAX; i++) {
		if (names[i] != NULL && *names[i] != '\0')
			mask |= (uint64_t)1 << i;
	}
	return mask;
}

void
imap_put_flags_response(struct imap_session *s)
{
	const char *const *names = view_keywords(s->view);
	uint64_t keywords = keywords_in_use(names);
	struct buf *out = imap_out(s);

	(void)buf_puts(out, "* FLAGS ");
	imap_put_flags(out, PST_FLAGS_ALL, keywords, false, names);
	(void)buf_puts(out, "\r\n* OK [PERMANENTFLAGS ");
	if (view_is_read_only(s->view)) {
		(void)buf_puts(out, "()] Read-only mailbox\r\n");
		return;
	}
	if (!(view_rights(s->view) & ACL_WRITE))
		keywords = 0;
	imap_put_flags(
	    out, acl_flags(view_rights(s->view)), keywords, false, names);
	if ((view_rights(s->view) & ACL_WRITE) &&
	    !view_keywords_full(s->view)) {
		out->n--; /* the ')' */
		(void)buf_puts(out, " \\*)");
	}
	(void)buf_puts(out, "] Flags permitted\r\n");
}

static void
put_state(struct imap_session *s)
{
	struct buf *out = imap_out(s);
	bool rev1 = !(s->enabled & IMAP_REV2);
	/* A number, which RFC 9586 does without. */
	uint32_t unseen = rev1 && !(s->enabled & IMAP_UIDONLY)
			      ? view_first_unseen(s->view)
			      : 0;
	struct pst_box_state state;

	view_state(s->view, &state);
	(void)buf_printf(out, "* %u EXISTS\r\n", (unsigned)view_count(s->view));
	if (rev1) /* RFC 9051, E.11 and E.12 */
		(void)buf_printf(
		    out, "* %u RECENT\r\n", (unsigned)view_recent(s->view));
	if (unseen != 0)
		(void)buf_printf(
		    out, "* OK [UNSEEN %u] First unseen\r\n", (unsigned)unseen);
	(void)buf_printf(out,
	    "* OK [UIDVALIDITY %u] UIDs valid\r\n"
	    "* OK [UIDNEXT %u] Predicted next UID\r\n",
	    (unsigned)state.uidvalidity, (unsigned)state.uidnext);
	imap_put_highestmodseq(s);
	/* RFC 8474, 4.2 */
	(void)buf_printf(out, "* OK [MAILBOXID (%s)] Id\r\n", state.objectid);
}

/* RFC 9051, 6.3.2 */
static void
put_list(struct imap_session *s, struct pst_str given)
{
	if (s->enabled & IMAP_REV2)
		imap_announce(s, view_name(s->view), given);
}

static bool
parse(struct imap_session *s, struct imap_parser *ps, char **name,
    struct imap_select_params *params)
{
	if (!imap_space(ps) || !imap_mailbox(ps, name) ||
	    !imap_select_params(ps, params) || !imap_end(ps))
		return false;
	/* RFC 7162, 3.2.3 */
	if (params->qresync && !(s->enabled & IMAP_QRESYNC))
		return imap_bad(ps, "QRESYNC is not enabled");
	return true;
}

/* RFC 4314, 5.2: a \Seen that nobody else sees does not count. */
static bool
is_read_only(const struct mailbox_view *view)
{
	unsigned changes = ACL_CHANGES;

	if (view_has_own_seen(view))
		changes &= ~(unsigned)ACL_SEEN;
	return view_is_read_only(view) || !(view_rights(view) & changes);
}

static enum imap_step
opened(struct imap_session *s, struct imap_select_params *params,
    struct pst_str given)
{
	const char *text = is_read_only(s->view)
			       ? "[READ-ONLY] Mailbox opened"
			       : "[READ-WRITE] Mailbox opened";
	struct pst_box_state state;

	s->state = IMAP_SELECTED;
	imap_set_activity(s, "selected");
	imap_put_flags_response(s);
	put_state(s);
	put_list(s, given);
	view_state(s->view, &state);
	if (params->qresync && params->uidvalidity == state.uidvalidity)
		return imap_resync(s, params, text);
	imap_select_params_fini(params);
	return imap_ok(s, text);
}

static enum pst_rc
open_view(struct imap_session *s, const char *name, bool read_only,
    struct pst_error *err)
{
	struct net_handle wake = net_handle_of(s->c);
	struct mail_place place;
	enum pst_rc rc = imap_place(s, name, ACL_READ, &place, err);

	if (rc == PST_OK) {
		rc = view_open_at(&place, read_only, &wake, &s->view, err);
		mail_place_fini(&place);
	}
	if (rc != PST_OK)
		s->view = NULL;
	return rc;
}

static enum imap_step
open_mailbox(struct imap_session *s, struct imap_parser *ps, bool read_only)
{
	struct imap_select_params params = { 0 };
	struct pst_error err;
	char *name;

	if (!parse(s, ps, &name, &params)) {
		imap_select_params_fini(&params);
		return imap_bad_arguments(s, ps);
	}
	if (params.has_match && (s->enabled & IMAP_UIDONLY)) {
		imap_select_params_fini(&params);
		return imap_bad_command(
		    s, "[UIDREQUIRED] Message numbers are not in use");
	}
	if (s->view != NULL) {
		imap_deselect(s);
		(void)buf_puts(
		    imap_out(s), "* OK [CLOSED] Previous mailbox closed\r\n");
	}
	if (params.condstore)
		imap_condstore(s);
	if (open_view(s, name, read_only, &err) != PST_OK) {
		imap_select_params_fini(&params);
		return imap_fail(
		    s, &err, "[NONEXISTENT] Mailbox does not exist");
	}
	return opened(s, &params, ps->given);
}

enum imap_step
imap_select(struct imap_session *s, struct imap_parser *ps)
{
	return open_mailbox(s, ps, false);
}

enum imap_step
imap_examine(struct imap_session *s, struct imap_parser *ps)
{
	return open_mailbox(s, ps, true);
}

enum imap_step
imap_close(struct imap_session *s, struct imap_parser *ps)
{
	struct pst_error err;

	if (!imap_end(ps))
		return imap_bad_arguments(s, ps);
	if (!view_is_read_only(s->view) && !view_is_dead(s->view) &&
	    (view_rights(s->view) & ACL_EXPUNGE) && /* RFC 4314, 4 */
	    view_expunge(s->view, NULL, &err) != PST_OK)
		log_failure(PST_LOG_ERROR, net_id(s->c), "imap-close", &err);
	imap_deselect(s);
	return imap_ok(s, "Close completed");
}

enum imap_step
imap_unselect(struct imap_session *s, struct imap_parser *ps)
{
	if (!imap_end(ps))
		return imap_bad_arguments(s, ps);
	imap_deselect(s);
	return imap_ok(s, "Unselect completed");
}
