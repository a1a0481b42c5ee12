/*
 * imap/simple.c - NOOP, CHECK, LOGOUT (RFC 3501, 6.1.2, 6.4.1, 6.1.3)
 * and NAMESPACE (RFC 2342).
 */
#include "imap/commands.h"
#include "imap/places.h"

/* Other programs may have changed the mailbox: NOOP is how clients ask. */
static enum imap_step
look(struct imap_session *s, const char *text)
{
	struct pst_error err;

	if (s->view != NULL && !view_is_dead(s->view) &&
	    view_refresh(s->view, &err) != PST_OK)
		log_failure(PST_LOG_ERROR, net_id(s->c), "imap-refresh", &err);
	return imap_ok(s, text);
}

enum imap_step
imap_noop(struct imap_session *s, struct imap_parser *ps)
{
	if (!imap_end(ps))
		return imap_bad_arguments(s, ps);
	return look(s, "Noop completed");
}

enum imap_step
imap_check(struct imap_session *s, struct imap_parser *ps)
{
	if (!imap_end(ps))
		return imap_bad_arguments(s, ps);
	return look(s, "Check completed");
}

enum imap_step
imap_logout(struct imap_session *s, struct imap_parser *ps)
{
	if (!imap_end(ps))
		return imap_bad_arguments(s, ps);
	(void)imap_bye(s, "Logging out");
	s->run->closes = true;
	return imap_ok(s, "Logout completed");
}

enum imap_step
imap_namespace(struct imap_session *s, struct imap_parser *ps)
{
	if (!imap_end(ps))
		return imap_bad_arguments(s, ps);
	(void)buf_puts(
	    imap_out(s), net_config(s->c)->sharing.enabled
			     ? "* NAMESPACE ((\"\" \"/\")) ((\"" MAIL_USERS
			       "/\" \"/\")) ((\"" MAIL_PUBLIC "/\" \"/\"))\r\n"
			     : "* NAMESPACE ((\"\" \"/\")) NIL NIL\r\n");
	return imap_ok(s, "Namespace completed");
}
