/*
 * smtp/guard.c - what a listener for other servers does about clients that are
 * not welcome: guard/client.h decides, here it is said.
 *
 * Refusals are given to recipients, not to the connection: so postmaster and
 * abuse stay reachable for who is refused wrongly (RFC 5321, 4.5.1), and the
 * log tells whose mail it was.
 */
#include "guard/guard.h"
#include "base/str.h"
#include "base/trail.h"
#include "smtp/session.h"

#include <inttypes.h>

static void
log_rate(struct smtp_session *s, const char *what, const char *whose)
{
	log_event(PST_LOG_INFO, net_id(s->conn), "guard", "check", what,
	    "action", "defer", "value", whose, "peer", net_peer(s->conn), NULL);
	trail_event(NULL, "guard", "check", what, "action", "defer", "value",
	    whose, NULL);
}

/* --- the connection ---------------------------------------------------------
 */

static enum net_next
turn_away(struct smtp_session *s, const char *what, const char *whose)
{
	log_rate(s, what, whose);
	return smtp_goodbye(s, "4.7.0",
	    strcmp(what, "unknown") == 0
		? "Too many recipients from you do not exist, try later"
		: "Too many connections from you, try later");
}

/* RFC 5321, 4.3.1: the client waits for the greeting. Who takes the first line
 * of it for all has not. */
static enum net_next
wait_to_greet(struct smtp_session *s, int64_t milliseconds)
{
	(void)smtp_replyf(s, "220-%s One moment", smtp_config(s)->hostname);
	s->mode = SMTP_GREETING;
	net_pause(s->conn, milliseconds);
	return NET_PAUSE;
}

enum net_next
smtp_guard_open(struct smtp_session *s)
{
	const struct guard_peer peer = { .address = net_peer(s->conn),
		.local = net_local(s->conn),
		.conn = net_id(s->conn),
		.wake = net_handle_of(s->conn) };
	const char *full;
	int64_t wait;

	if (guard_is_exempt(smtp_config(s), peer.address))
		return smtp_greet(s);
	s->client = guard_client_new(s->services->guard, smtp_config(s), &peer);
	full = guard_client_look(s->client, GUARD_UNKNOWN);
	if (full != NULL)
		return turn_away(s, "unknown", full);
	full = guard_client_take(s->client, GUARD_CONNECTIONS);
	if (full != NULL)
		return turn_away(s, "connections", full);
	guard_client_ask(s->client);
	wait = guard_client_greet_wait(s->client);
	/* Under TLS the client has spoken already. */
	if (wait == 0 || net_tls_active(s->conn))
		return smtp_greet(s);
	return wait_to_greet(s, wait);
}

enum net_next
smtp_guard_greet(struct smtp_session *s)
{
	s->mode = SMTP_COMMAND;
	if (net_has_unread(s->conn))
		guard_client_early(s->client);
	else
		guard_client_waited(s->client);
	return smtp_greet(s);
}

/* --- commands ---------------------------------------------------------------
 */

bool
smtp_guard_ready(struct smtp_session *s)
{
	return s->client == NULL || s->hello == NULL ||
	       guard_client_ready(s->client, s->hello);
}

const char *
smtp_guard_mail(struct smtp_session *s)
{
	const char *full;

	if (s->client == NULL || guard_client_verdict(s->client)->allowed)
		return NULL;
	full = guard_client_take(s->client, GUARD_MESSAGES);
	if (full == NULL)
		return NULL;
	log_rate(s, "messages", full);
	return "450 4.7.1 Too many messages from you, try later";
}

const char *
smtp_guard_recipient(struct smtp_session *s, const struct smtp_path *to)
{
	const struct guard_verdict *v;
	const char *full;

	if (s->client == NULL || guard_is_always_open(to->local))
		return NULL;
	v = guard_client_verdict(s->client);
	if (v->action != GUARD_PASS)
		return v->reply;
	if (v->allowed)
		return NULL;
	full = guard_client_look(s->client, GUARD_UNKNOWN);
	if (full != NULL) {
		log_rate(s, "unknown", full);
		return "450 4.7.1 Too many recipients from you do not exist, "
		       "try later";
	}
	full = guard_client_take(s->client, GUARD_RECIPIENTS);
	if (full == NULL)
		return NULL;
	log_rate(s, "recipients", full);
	return "450 4.7.1 Too many recipients from you, try later";
}

const char *
smtp_guard_greylist(struct smtp_session *s, const struct smtp_recipient *r)
{
	struct smtp_envelope *env = s->env;
	int64_t wait = 0;
	char text[80];

	if (s->client == NULL || guard_client_verdict(s->client)->allowed ||
	    guard_is_always_open(r->rcpt.to.local))
		return NULL;
	guard_client_greylist(
	    s->client, env->mail.from.text, r->rcpt.to.text, &wait);
	if (wait == 0)
		return NULL;
	env->rebuild = true;
	(void)snprintf(text, sizeof(text),
	    "450 4.7.1 Greylisted, try again in %" PRId64 " seconds", wait);
	return arena_text(env->arena, str_of(text));
}

void
smtp_guard_unknown(struct smtp_session *s)
{
	if (s->client != NULL)
		(void)guard_client_take(s->client, GUARD_UNKNOWN);
}
