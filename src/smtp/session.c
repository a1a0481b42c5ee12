/*
 * smtp/session.c - the session: from the connection's events to lines, content
 * and handlers.
 *
 * Commands may come in groups (PIPELINING, RFC 2920): all that is in the input
 * is run, and the replies go out together when the function returns. A line
 * ends at CR LF and nothing else.
 */
#include "smtp/session.h"

#include "base/clock.h"
#include "base/str.h"
#include "base/trail.h"
#include "smtp/smtp.h"

#include <stdlib.h>

enum {
	TURNS = 256,	       /* commands in a row, then others have theirs */
	SKIP_MAX = 1024 * 1024 /* octets of lines that are too long */
};

struct config *
smtp_config(const struct smtp_session *s)
{
	return net_config(s->conn);
}

void
smtp_consume_line(struct smtp_session *s)
{
	net_consume(s->conn, s->line_used);
	s->line_used = 0;
}

enum net_next
smtp_wait(
    struct smtp_session *s, enum net_next (*resume)(struct smtp_session *s))
{
	s->mode = SMTP_CHECKING;
	s->resume = resume;
	return NET_WAIT;
}

/* --- lines ------------------------------------------------------------------
 */

/* Commands of SASL may be longer than others. */
static size_t
line_max(const struct smtp_session *s, struct pst_str in)
{
	size_t max = (size_t)smtp_config(s)->smtp.command_line;
	bool sasl = s->mode == SMTP_AUTH || str_has_prefix_case(in, "AUTH ");

	return sasl && max < SMTP_AUTH_LINE ? SMTP_AUTH_LINE : max;
}

/* The line at hand is refused; the rest of it up to CR LF is skipped. */
static enum net_next
refuse_line(struct smtp_session *s, struct pst_str seen, const char *reply)
{
	if (s->mode == SMTP_AUTH)
		smtp_auth_end(s);
	s->mode = SMTP_SKIP_LINE;
	s->skip_after_cr = seen.p[seen.n - 1] == '\r';
	net_consume(s->conn, seen.n);
	return smtp_error(s, reply);
}

/* Runs the first line of `in`, if it is whole. */
static enum net_next
take_line(struct smtp_session *s, struct pst_str in, bool *moved_r)
{
	size_t max = line_max(s, in);
	struct pst_str first = str_first(in, max);
	size_t lf = str_find(first, '\n');
	enum net_next next;

	*moved_r = true;
	if (lf == first.n) {
		if (in.n >= max)
			return refuse_line(s, first,
			    s->mode == SMTP_AUTH ? "500 5.5.6 Line too long"
						 : "500 5.5.2 Line too long");
		*moved_r = false;
		return NET_READ;
	}
	if (lf == 0 || in.p[lf - 1] != '\r')
		return refuse_line(s, str_first(in, lf + 1),
		    "500 5.5.2 A line ends with CR LF, not LF alone");
	s->line_used = lf + 1;
	first = str_first(in, lf - 1);
	next = s->mode == SMTP_AUTH ? smtp_auth_answer(s, first)
				    : smtp_run_line(s, first);
	smtp_consume_line(s);
	return next;
}

static enum net_next
skip_line(struct smtp_session *s, struct pst_str in)
{
	size_t n = 0;
	bool ended = s->skip_after_cr && in.p[0] == '\n';

	if (ended)
		n = 1;
	while (!ended && n < in.n) {
		n += str_find(str_from(in, n), '\n');
		ended = n > 0 && n < in.n && in.p[n - 1] == '\r';
		n += n < in.n;
	}
	s->skip_after_cr = in.p[n - 1] == '\r';
	s->skipped += n;
	if (ended)
		s->mode = SMTP_COMMAND;
	net_consume(s->conn, n);
	if (s->skipped > SKIP_MAX)
		return smtp_goodbye(s, "4.7.0", "Too long lines");
	return NET_READ;
}

/* --- input ------------------------------------------------------------------
 */

/* Uses what it can of the input; *moved_r false: it needs more. */
static enum net_next
take(struct smtp_session *s, struct pst_str in, bool *moved_r)
{
	enum net_next next = NET_READ;
	size_t used = 0;

	*moved_r = true;
	switch ((enum smtp_mode)s->mode) {
	case SMTP_COMMAND:
	case SMTP_AUTH:
		return take_line(s, in, moved_r);
	case SMTP_SKIP_LINE:
		return skip_line(s, in);
	case SMTP_DATA:
		next = smtp_data_input(s, in.p, in.n, &used);
		break;
	case SMTP_CHUNK:
		next = smtp_chunk_input(s, in.p, in.n, &used);
		break;
	case SMTP_HELD_BACK:
		*moved_r = false;
		return NET_PAUSE;
	case SMTP_CHECKING:
	case SMTP_PUT_OFF:
		*moved_r = false;
		return NET_WAIT;
	case SMTP_GREETING:
		*moved_r = false;
		return NET_PAUSE;
	}
	net_consume(s->conn, used);
	return next;
}

/* A message was on its way when the connection came to its end. */
static void
give_up_message(struct smtp_session *s, const char *reason)
{
	if (s->env != NULL && s->env->begun && s->env->refusal == NULL)
		smtp_log_refusal(s, "message-refused", STR_NONE, reason);
	smtp_envelope_end(s);
}

static enum net_next
run_turns(struct smtp_session *s)
{
	for (int turn = 0; turn < TURNS; turn++) {
		struct pst_str in = net_input(s->conn);
		bool moved = false;
		enum net_next next = NET_READ;

		if (net_output_full(s->conn))
			return NET_WRITE;
		if (in.n > 0)
			next = take(s, in, &moved);
		if (next != NET_READ)
			return next;
		if (!moved)
			return net_at_eof(s->conn) ? NET_CLOSE : NET_READ;
	}
	return NET_AGAIN;
}

/* The worker is about this transaction as long as it runs it. */
static enum net_next
run(struct smtp_session *s)
{
	enum net_next next;

	trail_about(s->env != NULL ? s->env->id : NULL);
	next = run_turns(s);
	trail_about(NULL);
	return next;
}

/* --- the connection's events ------------------------------------------------
 */

enum net_next
smtp_greet(struct smtp_session *s)
{
	return smtp_replyf(s, "220 %s %s Postern", smtp_config(s)->hostname,
	    s->kind == SMTP_LMTP ? "LMTP" : "ESMTP");
}

static enum net_next
open_session(struct net_conn *c, enum smtp_kind kind)
{
	struct smtp_session *s = mem_alloc(sizeof(*s));
	const struct config *cfg = net_config(c);

	s->conn = c;
	s->services = net_context(c);
	s->kind = (unsigned char)kind;
	net_set_session(c, s);
	net_set_idle(c, cfg->smtp.idle_time);
	if (kind == SMTP_SUBMISSION && net_listener(c)->local)
		return smtp_local_open(s);
	if (kind == SMTP_SUBMISSION)
		net_set_deadline(
		    c, clock_monotonic() + cfg->smtp.login_time * 1000000);
	/* RFC 2033, 5: who may speak LMTP is trusted, so it is kept at home. */
	if (kind == SMTP_LMTP && !net_is_loopback(c)) {
		(void)smtp_replyf(
		    s, "554 5.7.1 %s Not from another host", cfg->hostname);
		return NET_CLOSE;
	}
	return kind == SMTP_SERVER ? smtp_guard_open(s) : smtp_greet(s);
}

static enum net_next
open_server(struct net_conn *c)
{
	return open_session(c, SMTP_SERVER);
}

static enum net_next
open_submission(struct net_conn *c)
{
	return open_session(c, SMTP_SUBMISSION);
}

static enum net_next
open_lmtp(struct net_conn *c)
{
	return open_session(c, SMTP_LMTP);
}

static enum net_next
on_input(struct net_conn *c)
{
	return run(net_session(c));
}

static enum net_next
on_timer(struct net_conn *c)
{
	struct smtp_session *s = net_session(c);
	enum net_next next;

	if (s->mode == SMTP_GREETING)
		return smtp_guard_greet(s);
	if (s->mode == SMTP_HELD_BACK) {
		next = smtp_auth_held_back(s);
		return next == NET_READ ? run(s) : next;
	}
	if (s->env != NULL && s->env->begun)
		smtp_log_refusal(
		    s, "message-refused", STR_NONE, "the client was too slow");
	return smtp_goodbye(s, "4.4.2", "Waited too long");
}

static enum net_next
on_woken(struct net_conn *c)
{
	struct smtp_session *s = net_session(c);
	enum net_next next;

	if (s->mode == SMTP_PUT_OFF) {
		s->mode = SMTP_COMMAND;
		return run(s);
	}
	if (s->mode != SMTP_CHECKING)
		return NET_READ;
	trail_about(s->env->id);
	next = s->resume(s);
	if (next != NET_WAIT && s->mode == SMTP_CHECKING)
		s->mode = SMTP_COMMAND;
	trail_about(NULL);
	return next == NET_READ ? run(s) : next;
}

static void
on_stopping(struct net_conn *c)
{
	(void)smtp_goodbye(net_session(c), "4.3.2", "Shutting down");
}

/* RFC 3207, 4.2: nothing that was said in the clear counts. */
static enum net_next
on_secured(struct net_conn *c)
{
	struct smtp_session *s = net_session(c);

	smtp_envelope_end(s);
	free(s->hello);
	s->hello = NULL;
	s->extended = false;
	if (net_user(c) != NULL && s->local == NULL)
		(void)net_set_user(c, NULL);
	return NET_READ;
}

static void
on_closed(struct net_conn *c)
{
	struct smtp_session *s = net_session(c);

	if (s == NULL)
		return;
	smtp_auth_end(s);
	milters_drop(&s->milters);
	give_up_message(s, "the connection was closed");
	guard_client_drop(&s->client);
	free(s->hello);
	free(s->local);
	free(s);
	net_set_session(c, NULL);
}

const struct net_protocol smtp_protocol = {
	.name = "smtp",
	.busy = "421 4.7.0 Too many connections\r\n",
	.alpn = "smtp",
	.opened = open_server,
	.input = on_input,
	.writable = on_input,
	.timer = on_timer,
	.woken = on_woken,
	.stopping = on_stopping,
	.secured = on_secured,
	.closed = on_closed,
};

const struct net_protocol submission_protocol = {
	.name = "submission",
	.busy = "421 4.7.0 Too many connections\r\n",
	.alpn = "smtp",
	.opened = open_submission,
	.input = on_input,
	.writable = on_input,
	.timer = on_timer,
	.woken = on_woken,
	.stopping = on_stopping,
	.secured = on_secured,
	.closed = on_closed,
};

const struct net_protocol lmtp_protocol = {
	.name = "lmtp",
	.busy = "421 4.7.0 Too many connections\r\n",
	.opened = open_lmtp,
	.input = on_input,
	.writable = on_input,
	.timer = on_timer,
	.woken = on_woken,
	.stopping = on_stopping,
	.secured = on_secured,
	.closed = on_closed,
};
