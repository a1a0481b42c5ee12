/*
 * smtp/auth.c - AUTH (RFC 4954) for message submission.
 *
 * The mechanisms are those of account/auth.h. A failure is held back for the
 * time that it demands, without a thread.
 */
#include "base/codec.h"
#include "base/str.h"
#include "smtp/session.h"

static const char refused[] = "535 5.7.8 Wrong user name or password";

void
smtp_auth_end(struct smtp_session *s)
{
	sasl_free(&s->sasl);
	config_unref(&s->sasl_config);
	if (s->mode == SMTP_AUTH)
		s->mode = SMTP_COMMAND;
	net_trace_hide(s->conn, false);
}

static enum net_next
logged_in(struct smtp_session *s, const char *address)
{
	if (!net_set_user(s->conn, address))
		return smtp_goodbye(
		    s, "4.7.0", "Too many connections of this user");
	net_set_deadline(s->conn, 0);
	log_event(PST_LOG_INFO, net_id(s->conn), "login", "protocol",
	    "submission", "user", address, "peer", net_peer(s->conn), "tls",
	    net_tls_active(s->conn) ? net_tls_info(s->conn) : NULL, NULL);
	return smtp_reply(s, "235 2.7.0 You are logged in");
}

static enum net_next
hold_back(struct smtp_session *s, int64_t delay, const char *reply)
{
	if (delay <= 0)
		return smtp_error(s, reply);
	s->held_back_reply = reply;
	s->mode = SMTP_HELD_BACK;
	net_pause(s->conn, delay);
	return NET_PAUSE;
}

enum net_next
smtp_auth_held_back(struct smtp_session *s)
{
	s->mode = SMTP_COMMAND;
	return smtp_error(s, s->held_back_reply);
}

static enum net_next
finish(struct smtp_session *s)
{
	struct account_user user;
	int64_t delay = 0;
	enum auth_result result = sasl_result(s->sasl, &user, &delay);
	const char *why = "temporary", *reply;

	smtp_auth_end(s);
	reply = "454 4.7.0 Cannot check that now, try later";
	switch (result) {
	case AUTH_OK:
		return logged_in(s, user.address);
	case AUTH_FAILED:
		why = "failed";
		reply = refused;
		break;
	case AUTH_BLOCKED:
		why = "blocked";
		reply = "454 4.7.0 Too many failures, try later";
		break;
	case AUTH_TEMP:
		break;
	}
	log_event(PST_LOG_WARNING, net_id(s->conn), "login-failed", "protocol",
	    "submission", "peer", net_peer(s->conn), "reason", why, NULL);
	return hold_back(s, delay, reply);
}

static enum net_next
step(struct smtp_session *s, struct pst_str in, bool has_in)
{
	struct buf out, text;
	enum sasl_next next;

	buf_init(&out, SMTP_AUTH_LINE);
	next = sasl_step(s->sasl, in, has_in, &out);
	if (next == SASL_MORE) {
		buf_init(&text, (size_t)2 * SMTP_AUTH_LINE);
		(void)base64_encode(buf_str(&out), &text);
		net_trace_hide(s->conn, true);
		(void)smtp_replyf(s, "334 %.*s", STR_ARG(buf_str(&text)));
		buf_fini(&text);
	}
	buf_fini(&out);
	return next == SASL_MORE ? NET_READ : finish(s);
}

/* Decodes a response and goes on with it. */
static enum net_next
respond(struct smtp_session *s, struct pst_str text)
{
	struct buf in;
	enum net_next next;

	buf_init(&in, SMTP_AUTH_LINE);
	if (base64_decode(text, &in)) {
		next = step(s, buf_str(&in), true);
	} else {
		smtp_auth_end(s);
		next = smtp_error(s, "501 5.5.2 This is not base64");
	}
	if (in.n > 0)
		explicit_bzero(in.p, in.n);
	buf_fini(&in);
	return next;
}

enum net_next
smtp_auth_answer(struct smtp_session *s, struct pst_str line)
{
	if (net_traced(s->conn))
		net_trace_client(s->conn, STR("(hidden)"));
	if (str_is(line, "*")) {
		smtp_auth_end(s);
		return smtp_error(s, "501 5.7.0 Cancelled");
	}
	return respond(s, line);
}

static bool
begin(struct smtp_session *s, struct pst_str mechanism)
{
	struct net_conn *c = s->conn;
	struct sasl_peer peer = {
		.service = "smtp",
		.peer = net_peer(c),
	};

	s->sasl_config = config_ref(smtp_config(s));
	(void)str_copy(s->mechanism, sizeof(s->mechanism), mechanism);
	peer.hostname = s->sasl_config->hostname;
	peer.tls = net_tls_active(c) && net_tls_exporter(c, peer.exporter);
	s->sasl = sasl_new(s->services->accounts, mechanism, &peer);
	return s->sasl != NULL;
}

enum net_next
smtp_run_auth(struct smtp_session *s, struct pst_str args)
{
	size_t space = str_find(args, ' ');
	struct pst_str initial = str_trim(str_from(args, space));

	if (net_user(s->conn) != NULL)
		return smtp_error(s, "503 5.5.1 You are logged in already");
	if (!net_auth_allowed(s->conn))
		return smtp_error(s, "538 5.7.11 Not without TLS");
	if (!begin(s, str_first(args, space))) {
		smtp_auth_end(s);
		return smtp_error(s, "504 5.5.4 Unknown mechanism");
	}
	s->mode = SMTP_AUTH;
	if (initial.n == 0)
		return step(s, STR_NONE, false);
	/* RFC 4954, 4: "=" is a response of no octets. */
	if (str_is(initial, "="))
		return step(s, STR(""), true);
	return respond(s, initial);
}
