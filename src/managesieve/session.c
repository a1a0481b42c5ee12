/*
 * managesieve/session.c - the session: from the connection's events to commands
 * and handlers.
 *
 * Commands may come in groups: all that is in the input is run in order, each
 * when the answer to the one before is written. A client that does not read its
 * answers is not listened to.
 */
#include "managesieve/session.h"

#include "base/clock.h"
#include "base/str.h"
#include "managesieve/managesieve.h"
#include <stdlib.h>

enum {
	SLICE_US = 20000,    /* of work before others have their turn */
	UNKNOWN_MAX = 16384, /* octets of the strings of who is not logged in */
	NAME_MAX_OCTETS = 1024, /* beside a script */
};

struct config *
managesieve_config(const struct managesieve_session *s)
{
	return net_config(s->conn);
}

/* --- commands --------------------------------------------------------------
 */

/* The octets of a script that would be stored, and of its name. */
static void
expect(struct managesieve_session *s)
{
	size_t max = UNKNOWN_MAX;

	if (s->state == MANAGESIEVE_KNOWN)
		max = (size_t)managesieve_config(s)->sieve.script_size +
		      NAME_MAX_OCTETS;
	managesieve_parser_begin(&s->parser, s->mode == MANAGESIEVE_SASL, max);
}

static enum net_next
take_said(struct managesieve_session *s, enum managesieve_said said)
{
	if (said == MANAGESIEVE_LOST)
		return managesieve_bye(
		    s, NULL, "That is too long to be read away");
	if (s->mode == MANAGESIEVE_SASL)
		return managesieve_answer(s, said == MANAGESIEVE_COMMAND);
	if (said == MANAGESIEVE_BAD)
		return managesieve_bad(s, NULL, "This is no command");
	return managesieve_run(s, said == MANAGESIEVE_LARGE);
}

/* Uses what it can of the input; *moved_r false: it needs more. */
static enum net_next
take(struct managesieve_session *s, bool *moved_r)
{
	enum managesieve_said said;
	enum net_next next;
	size_t used;

	*moved_r = false;
	if (s->mode == MANAGESIEVE_HELD_BACK)
		return NET_PAUSE;
	said = managesieve_parser_feed(&s->parser, net_input(s->conn), &used);
	net_consume(s->conn, used);
	if (said == MANAGESIEVE_MORE)
		return NET_READ;
	*moved_r = true;
	next = take_said(s, said);
	expect(s);
	return next;
}

static enum net_next
run(struct managesieve_session *s)
{
	int64_t started = clock_monotonic();

	for (unsigned turn = 1;; turn++) {
		bool moved;
		enum net_next next;

		if (net_output_full(s->conn))
			return NET_WRITE;
		next = take(s, &moved);
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
	struct managesieve_session *s = mem_alloc(sizeof(*s));
	const struct config *cfg = net_config(c);

	s->conn = c;
	s->services = net_context(c);
	s->state = MANAGESIEVE_UNKNOWN;
	managesieve_parser_init(&s->parser);
	expect(s);
	net_set_session(c, s);
	net_set_deadline(
	    c, clock_monotonic() + cfg->managesieve.login_time * 1000000);
	return managesieve_greet(s);
}

static enum net_next
on_input(struct net_conn *c)
{
	return run(net_session(c));
}

static enum net_next
on_timer(struct net_conn *c)
{
	struct managesieve_session *s = net_session(c);
	enum net_next next;

	if (s->mode == MANAGESIEVE_HELD_BACK) {
		next = managesieve_held_back(s);
		expect(s);
		return next == NET_READ ? run(s) : next;
	}
	log_event(PST_LOG_INFO, net_id(c), "timeout", "protocol", "managesieve",
	    "user", net_user(c), "peer", net_peer(c), NULL);
	return managesieve_bye(s, NULL, "Idle for too long");
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
	(void)managesieve_bye(
	    net_session(c), MANAGESIEVE_LATER, "The server is shutting down");
}

/* RFC 5804, 2.2: nothing that was said in the clear counts, and the client
 * hears anew what there is. */
static enum net_next
on_secured(struct net_conn *c)
{
	struct managesieve_session *s = net_session(c);

	s->errors = 0;
	expect(s);
	return managesieve_greet(s);
}

static void
on_closed(struct net_conn *c)
{
	struct managesieve_session *s = net_session(c);

	if (s == NULL)
		return;
	managesieve_auth_end(s);
	managesieve_log_out(s);
	managesieve_parser_fini(&s->parser);
	free(s);
	net_set_session(c, NULL);
}

const struct net_protocol managesieve_protocol = {
	.name = "managesieve",
	.alpn = "managesieve",
	.busy = "BYE (TRYLATER) \"Too many connections\"\r\n",
	.opened = opened,
	.input = on_input,
	.writable = on_input,
	.timer = on_timer,
	.woken = on_woken,
	.stopping = on_stopping,
	.secured = on_secured,
	.closed = on_closed,
};
