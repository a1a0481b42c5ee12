/*
 * imap/session.c - the life of a connection: greeting, one command after the
 * other, time-outs, and the end (RFC 3501, 3, 5.4, 5.5 and 7.1.5).
 *
 * Commands that were sent without waiting for the answers are run in order,
 * one at a time: a command begins when the one before has been answered.
 */
#include "imap/session.h"

#include "base/clock.h"
#include "base/str.h"
#include "imap/idle.h"
#include "imap/imap.h"
#include "imap/notify.h"
#include "imap/places.h"
#include "imap/results.h"
#include <stdlib.h>

enum { SLICE_US = 20000 }; /* of work before others have their turn */

struct buf *
imap_out(struct imap_session *s)
{
	return net_output(s->c);
}

struct msg_limits
imap_msg_limits(const struct config *cfg)
{
	return (struct msg_limits){
		.header_size = (size_t)cfg->limits.header_size,
		.depth = (unsigned)cfg->limits.mime_depth,
		.parts = (unsigned)cfg->limits.mime_parts,
	};
}

bool
imap_slice_over(int64_t started)
{
	return clock_monotonic() - started >= SLICE_US;
}

void *
imap_alloc(struct imap_session *s, size_t n)
{
	if (s->run->arena == NULL)
		s->run->arena = arena_new(0);
	return arena_alloc(s->run->arena, n);
}

void
imap_set_pause(struct imap_session *s, int64_t milliseconds)
{
	s->resume_at = clock_monotonic() + milliseconds * 1000;
	net_pause(s->c, milliseconds);
}

/* --- the mailbox -----------------------------------------------------------
 */

void
imap_deselect(struct imap_session *s)
{
	imap_forget_searches(s);
	imap_notify_deselected(s);
	if (s->view != NULL)
		view_close(&s->view);
	if (s->state == IMAP_SELECTED)
		s->state = IMAP_LOGGED_IN;
	imap_set_activity(s, "");
}

void
imap_deselect_dead(struct imap_session *s)
{
	if (s->view == NULL || !view_is_dead(s->view))
		return;
	imap_deselect(s);
	(void)buf_puts(
	    imap_out(s), "* OK [CLOSED] The selected mailbox is closed\r\n");
}

void
imap_set_activity(struct imap_session *s, const char *word)
{
	char text[128];

	(void)snprintf(text, sizeof(text), "%s%s%s", word,
	    *word != '\0' && s->view != NULL ? " " : "",
	    s->view != NULL ? view_name(s->view) : "");
	net_set_activity(s->c, text);
}

/* --- the connection --------------------------------------------------------*/

static enum imap_step
one_step(struct imap_session *s)
{
	if (s->run != NULL && s->run->resume != NULL)
		return s->run->resume(s);
	if (s->run != NULL && s->run->take != NULL)
		return s->run->take(s);
	return imap_gather_step(s);
}

static enum net_next
work(struct imap_session *s)
{
	int64_t started = clock_monotonic();

	for (;;) {
		switch (one_step(s)) {
		case IMAP_NEXT:
			if (s->run != NULL)
				continue;
			(void)imap_notify_begin(s);
			if (net_output_full(s->c))
				return NET_WRITE;
			if (imap_slice_over(started))
				return NET_AGAIN;
			continue;
		case IMAP_FULL:
			return NET_WRITE;
		case IMAP_TURN:
			return NET_AGAIN;
		case IMAP_WAIT:
			return NET_READ;
		case IMAP_PAUSE:
			return NET_PAUSE;
		case IMAP_CLOSE:
			return NET_CLOSE;
		case IMAP_BREAK:
			return NET_ABORT;
		}
	}
}

static enum net_next
drive(struct imap_session *s)
{
	enum net_next next;

	imap_notify_mute(s, true);
	next = work(s);
	imap_notify_mute(s, false);
	return next;
}

static enum net_next
go_on(struct net_conn *c)
{
	struct imap_session *s = net_session(c);

	s->last = drive(s);
	return s->last;
}

static enum net_next
opened(struct net_conn *c)
{
	struct imap_session *s = mem_alloc(sizeof(*s));
	struct buf *out = net_output(c);

	s->c = c;
	s->sv = net_context(c);
	s->state = IMAP_FRESH;
	s->last = NET_READ;
	net_set_session(c, s);
	net_set_deadline(
	    c, clock_monotonic() + net_config(c)->imap.login_time * 1000000);
	(void)buf_puts(out, "* OK [CAPABILITY ");
	imap_capabilities(s, out);
	(void)buf_puts(out, "] Postern ready\r\n");
	return NET_READ;
}

static enum net_next
timer(struct net_conn *c)
{
	struct imap_session *s = net_session(c);
	int64_t now = clock_monotonic();

	if (s->last == NET_PAUSE) {
		if (now < s->resume_at) { /* it was the time to log in */
			net_pause(c, (s->resume_at - now + 999) / 1000);
			return NET_PAUSE;
		}
		return go_on(c);
	}
	if (s->last != NET_READ) /* a long answer is no idleness */
		return s->last;
	if (s->still_at != 0 && now >= s->still_at) {
		imap_idle_still_here(s);
		return NET_READ;
	}
	(void)imap_bye(s, s->state == IMAP_FRESH ? "Too much time to log in"
						 : "Idle for too long");
	return s->last = NET_CLOSE;
}

static enum net_next
woken(struct net_conn *c)
{
	struct imap_session *s = net_session(c);

	imap_notify_woken(s);
	if (s->still_at != 0) {
		imap_idle_woken(s);
		return go_on(c);
	}
	/* The client hears of it when it asks; but what it may not see any more
	 * is let go of at once. */
	if (s->last == NET_READ && s->view != NULL &&
	    view_rights_stale(s->view) && !imap_may_read(s)) {
		(void)imap_bye(s, "The selected mailbox is no longer there");
		return s->last = NET_CLOSE;
	}
	return imap_notify_begin(s) ? go_on(c) : s->last;
}

static void
stopping(struct net_conn *c)
{
	(void)buf_puts(net_output(c), "* BYE Server shutting down\r\n");
}

/* RFC 3501, 6.2.1: nothing said in the clear counts any more. */
static enum net_next
secured(struct net_conn *c)
{
	struct imap_session *s = net_session(c);

	imap_end_run(s);
	s->errors = 0;
	return s->last = NET_READ;
}

static void
log_end(const struct imap_session *s)
{
	char commands[16], fetched[16], appended[16], expunged[16];

	(void)snprintf(commands, sizeof(commands), "%u", s->commands);
	(void)snprintf(fetched, sizeof(fetched), "%u", s->fetched);
	(void)snprintf(appended, sizeof(appended), "%u", s->appended);
	(void)snprintf(expunged, sizeof(expunged), "%u", s->expunged);
	log_event(PST_LOG_INFO, net_id(s->c), "logout", "protocol", "imap",
	    "user", s->address, "commands", commands, "fetched", fetched,
	    "appended", appended, "expunged", expunged, NULL);
}

void
imap_log_out(struct imap_session *s)
{
	if (s->account == NULL)
		return;
	log_end(s);
	imap_forget_searches(s);
	imap_notify_free(s);
	if (s->view != NULL)
		view_close(&s->view);
	mail_account_close(&s->account);
	s->commands = s->fetched = s->appended = s->expunged = 0;
	s->address[0] = '\0';
	s->enabled = 0;
	s->hidden = 0;
	s->is_admin = s->utf8 = false;
	s->state = IMAP_FRESH;
}

static void
closed(struct net_conn *c)
{
	struct imap_session *s = net_session(c);

	if (s == NULL)
		return;
	imap_end_run(s);
	imap_log_out(s);
	net_set_session(c, NULL);
	free(s->client);
	free(s);
}

const struct net_protocol imap_protocol = {
	.name = "imap",
	.alpn = "imap",
	.busy = "* BYE [UNAVAILABLE] Too many connections\r\n",
	.opened = opened,
	.input = go_on,
	.writable = go_on,
	.timer = timer,
	.woken = woken,
	.stopping = stopping,
	.secured = secured,
	.closed = closed,
};
