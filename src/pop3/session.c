/*
 * pop3/session.c - the session: from the connection's events to lines and
 * handlers.
 *
 * Commands may come in groups (PIPELINING; RFC 2449, 6.6): all that is in the
 * input is run in order, each when the answer to the one before is written. A
 * client that does not read its answers is not listened to, and no more of
 * them is made than the output holds.
 */
#include "pop3/session.h"

#include "base/clock.h"
#include "base/str.h"
#include "pop3/pop3.h"
#include <stdlib.h>

enum {
	SLICE_US = 20000,      /* of work before others have their turn */
	SKIP_MAX = 1024 * 1024 /* octets of lines that are too long */
};

struct config *
pop3_config(const struct pop3_session *s)
{
	return net_config(s->conn);
}

void
pop3_consume_line(struct pop3_session *s)
{
	net_consume(s->conn, s->line_used);
	s->line_used = 0;
}

/* --- lines ------------------------------------------------------------------
 */

/* RFC 5034, 4: answers to challenges may be longer than commands. */
static size_t
line_max(const struct pop3_session *s)
{
	size_t max = (size_t)pop3_config(s)->pop3.command_line;

	return s->mode == POP3_SASL && max < POP3_SASL_LINE ? POP3_SASL_LINE
							    : max;
}

static enum net_next
refuse_line(struct pop3_session *s, size_t seen)
{
	if (s->mode == POP3_SASL)
		pop3_auth_end(s);
	s->mode = POP3_SKIP_LINE;
	s->skipped += seen;
	net_consume(s->conn, seen);
	return pop3_bad(s, POP3_TEXT_LINE_TOO_LONG);
}

/* Runs the first line of `in`, if it is whole. LF alone ends it as well, which
 * people at a terminal send. */
static enum net_next
take_line(struct pop3_session *s, struct pst_str in, bool *moved_r)
{
	size_t max = line_max(s);
	struct pst_str line = str_first(in, max);
	size_t lf = str_find(line, '\n');
	enum net_next next;

	*moved_r = true;
	if (lf == line.n) {
		if (in.n >= max)
			return refuse_line(s, line.n);
		*moved_r = false;
		return NET_READ;
	}
	s->line_used = lf + 1;
	line.n = lf > 0 && line.p[lf - 1] == '\r' ? lf - 1 : lf;
	next = s->mode == POP3_SASL ? pop3_auth_answer(s, line)
				    : pop3_run_line(s, line);
	pop3_consume_line(s);
	return next;
}

static enum net_next
skip_line(struct pop3_session *s, struct pst_str in)
{
	size_t n = str_find(in, '\n');

	if (n < in.n) {
		n++;
		s->mode = POP3_COMMAND;
	}
	s->skipped += n;
	net_consume(s->conn, n);
	if (s->skipped <= SKIP_MAX)
		return NET_READ;
	(void)pop3_err(s, NULL, POP3_TEXT_TOO_MANY_ERRORS);
	return NET_CLOSE;
}

/* Uses what it can of the input; *moved_r false: it needs more. */
static enum net_next
take(struct pop3_session *s, bool *moved_r)
{
	struct pst_str in = net_input(s->conn);

	*moved_r = false;
	if (s->mode == POP3_HELD_BACK)
		return NET_PAUSE;
	if (in.n == 0)
		return NET_READ;
	*moved_r = true;
	return s->mode == POP3_SKIP_LINE ? skip_line(s, in)
					 : take_line(s, in, moved_r);
}

static enum net_next
run(struct pop3_session *s)
{
	int64_t started = clock_monotonic();

	for (unsigned turn = 1;; turn++) {
		bool moved = true;
		enum net_next next;

		if (net_output_full(s->conn))
			return NET_WRITE;
		next = s->resume != NULL ? s->resume(s) : take(s, &moved);
		if (next != NET_READ)
			return next;
		if (!moved)
			return net_at_eof(s->conn) ? NET_CLOSE : NET_READ;
		if (turn % 8 == 0 && clock_monotonic() - started >= SLICE_US)
			return NET_AGAIN;
	}
}

/* --- the connection's events ------------------------------------------------
 */

static enum net_next
opened(struct net_conn *c)
{
	struct pop3_session *s = mem_alloc(sizeof(*s));
	const struct config *cfg = net_config(c);

	s->conn = c;
	s->services = net_context(c);
	s->state = POP3_AUTHORIZATION;
	net_set_session(c, s);
	net_set_deadline(c, clock_monotonic() + cfg->pop3.login_time * 1000000);
	return pop3_ok(s, POP3_TEXT_READY);
}

/* A session that ends lets go of the maildrop now, though the connection may
 * linger until the client has read the last answer. */
static enum net_next
leave(struct pop3_session *s, enum net_next next)
{
	if (next == NET_CLOSE || next == NET_ABORT)
		pop3_maildrop_close(s);
	return next;
}

static enum net_next
on_input(struct net_conn *c)
{
	struct pop3_session *s = net_session(c);

	return leave(s, run(s));
}

/* RFC 1939, 3: neither is anything removed, nor anything said. */
static enum net_next
on_timer(struct net_conn *c)
{
	struct pop3_session *s = net_session(c);
	enum net_next next;

	if (s->mode == POP3_HELD_BACK) {
		next = pop3_held_back(s);
		return leave(s, next == NET_READ ? run(s) : next);
	}
	log_event(PST_LOG_INFO, net_id(c), "timeout", "protocol", "pop3",
	    "user", net_user(c), "peer", net_peer(c), NULL);
	return leave(s, NET_CLOSE);
}

static enum net_next
on_woken(struct net_conn *c)
{
	(void)c;
	return NET_READ;
}

static void
on_stopping(struct net_conn *c)
{
	(void)pop3_err(net_session(c), POP3_CODE_TEMP, POP3_TEXT_STOPPING);
}

/* RFC 2595, 4: nothing that was said in the clear counts. */
static enum net_next
on_secured(struct net_conn *c)
{
	struct pop3_session *s = net_session(c);

	free(s->user);
	s->user = NULL;
	s->language = POP3_ENGLISH;
	s->utf8 = false;
	s->errors = 0;
	return NET_READ;
}

static void
on_closed(struct net_conn *c)
{
	struct pop3_session *s = net_session(c);

	if (s == NULL)
		return;
	pop3_auth_end(s);
	pop3_maildrop_close(s);
	free(s->user);
	free(s);
	net_set_session(c, NULL);
}

const struct net_protocol pop3_protocol = {
	.name = "pop3",
	.alpn = "pop3",
	.busy = "-ERR [SYS/TEMP] Too many connections\r\n",
	.opened = opened,
	.input = on_input,
	.writable = on_input,
	.timer = on_timer,
	.woken = on_woken,
	.stopping = on_stopping,
	.secured = on_secured,
	.closed = on_closed,
};
