/*
 * imap/starttls.c - STARTTLS (RFC 3501, 6.2.1).
 *
 * What was sent behind the command in the clear could have been put there by
 * somebody else: the connection ends then (CVE-2011-0411 and its kin).
 */
#include "imap/commands.h"

enum imap_step
imap_starttls(struct imap_session *s, struct imap_parser *ps)
{
	struct buf *out;

	if (!imap_end(ps))
		return imap_bad_arguments(s, ps);
	if (net_tls_active(s->c))
		return imap_bad_command(s, "TLS is already active");
	if (!net_tls_offered(s->c))
		return imap_bad_command(s, "TLS is not available");
	if (net_input(s->c).n > 0) {
		s->run->closes = true;
		return imap_bad_command(s, "Commands behind STARTTLS");
	}
	out = imap_out(s);
	(void)buf_puts(out, s->run->tag);
	(void)buf_puts(out, " OK Begin TLS negotiation now\r\n");
	if (!net_start_tls(s->c))
		return IMAP_CLOSE;
	return IMAP_WAIT; /* secured() ends this command */
}
