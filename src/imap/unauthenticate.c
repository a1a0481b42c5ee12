/*
 * imap/unauthenticate.c - UNAUTHENTICATE (RFC 8437): the connection is used for
 * somebody else. Only TLS stays as it is.
 */
#include "base/clock.h"
#include "imap/commands.h"

enum imap_step
imap_unauthenticate(struct imap_session *s, struct imap_parser *ps)
{
	if (!imap_end(ps))
		return imap_bad_arguments(s, ps);
	/* Where the client's compression ends cannot be told from what comes,
	 * so this is not announced while there is any (3). */
	if (net_deflate_active(s->c))
		return imap_bye(s, "Compression does not end");
	imap_log_out(s);
	s->errors = 0;
	(void)net_set_user(s->c, NULL);
	net_set_activity(s->c, "");
	net_set_idle(s->c, 0);
	net_set_deadline(s->c,
	    clock_monotonic() + net_config(s->c)->imap.login_time * 1000000);
	return imap_ok(s, "Unauthenticate completed");
}
