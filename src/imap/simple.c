/*
 * imap/simple.c - NOOP, CHECK, LOGOUT (RFC 3501, 6.1.2, 6.4.1, 6.1.3),
 * NAMESPACE (RFC 2342) and ENABLE (RFC 5161).
 */
#include "base/str.h"
#include "imap/commands.h"

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
	(void)buf_puts(imap_out(s), "* NAMESPACE ((\"\" \"/\")) NIL NIL\r\n");
	return imap_ok(s, "Namespace completed");
}

/*
 * Names that are not known, and those of extensions that need no ENABLE, are
 * ignored (RFC 5161, 3.1).
 */
enum imap_step
imap_enable(struct imap_session *s, struct imap_parser *ps)
{
	struct pst_str name;
	bool utf8 = false;

	if (!imap_space(ps))
		return imap_bad_arguments(s, ps);
	do {
		if (!imap_atom(ps, &name))
			return imap_bad_arguments(s, ps);
		utf8 |= str_is_case(name, "UTF8=ACCEPT");
	} while (imap_skip(ps, ' '));
	if (!imap_end(ps))
		return imap_bad_arguments(s, ps);
	(void)buf_puts(imap_out(s), "* ENABLED");
	if (utf8)
		(void)buf_puts(imap_out(s), " UTF8=ACCEPT");
	(void)buf_puts(imap_out(s), "\r\n");
	s->utf8 |= utf8;
	return imap_ok(s, "Enable completed");
}
