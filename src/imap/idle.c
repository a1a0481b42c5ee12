/*
 * imap/idle.c - IDLE (RFC 2177): news are pushed until the client says DONE.
 *
 * Every two minutes a line is sent without need: it keeps translators of
 * addresses from forgetting the connection, and finds out that a client is
 * gone.
 */
#include "imap/idle.h"

#include "base/clock.h"
#include "base/str.h"
#include "imap/commands.h"
#include "imap/notify.h"

enum { STILL_HERE_US = 120 * 1000000 };

static void
set_still_at(struct imap_session *s, bool on)
{
	s->still_at = on ? clock_monotonic() + STILL_HERE_US : 0;
	net_set_deadline(s->c, s->still_at);
	net_rest(s->c, on);
}

static enum imap_step
done(struct imap_session *s, struct pst_str line)
{
	set_still_at(s, false);
	imap_set_activity(s, s->view != NULL ? "selected" : "");
	if (net_traced(s->c))
		net_trace_client(s->c, line);
	if (!str_is_case(line, "DONE"))
		return imap_bad_command(s, "Expected DONE");
	return imap_ok(s, "Idle completed");
}

void
imap_idle_woken(struct imap_session *s)
{
	(void)imap_notify_idle(s);
}

void
imap_idle_still_here(struct imap_session *s)
{
	(void)buf_puts(imap_out(s), "* OK Still here\r\n");
	set_still_at(s, true);
}

enum imap_step
imap_idle(struct imap_session *s, struct imap_parser *ps)
{
	if (!imap_end(ps))
		return imap_bad_arguments(s, ps);
	arena_free(&s->run->arena);
	(void)buf_puts(imap_out(s), "+ idling\r\n");
	imap_set_activity(s, "idle");
	set_still_at(s, true);
	(void)imap_await(s, done);
	imap_idle_woken(s);
	return IMAP_NEXT;
}
