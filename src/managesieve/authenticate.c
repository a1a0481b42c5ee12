/*
 * managesieve/authenticate.c - AUTHENTICATE (RFC 5804, 2.1) and UNAUTHENTICATE
 * (2.14.1).
 *
 * The mechanisms are those of account/auth.h without LOGIN, which cannot have
 * an initial response. SCRAM-SHA-1, which the RFC wants, would take a second
 * set of keys for each user, of a hash that nobody should use any more.
 */
#include "base/clock.h"
#include "base/codec.h"
#include "base/str.h"
#include "managesieve/session.h"

/* Octets of the base64 of one message, as in SMTP (RFC 4954, 4). */
enum { SASL_TEXT = 12288 };

void
managesieve_auth_end(struct managesieve_session *s)
{
	sasl_free(&s->sasl);
	config_unref(&s->sasl_config);
	if (s->mode == MANAGESIEVE_SASL)
		s->mode = MANAGESIEVE_COMMANDS;
	net_trace_hide(s->conn, false);
}

void
managesieve_mechanisms(const struct managesieve_session *s, struct buf *out)
{
	struct pst_str rest = str_of(sasl_mechanisms(net_tls_active(s->conn)));
	struct pst_str name;

	if (!net_auth_allowed(s->conn))
		return;
	while (str_split(&rest, ' ', &name)) {
		if (str_is(name, "LOGIN"))
			continue;
		if (out->n > 0)
			(void)buf_putc(out, ' ');
		(void)buf_add_str(out, name);
	}
}

/* --- somebody is known ------------------------------------------------------
 */

static enum net_next
logged_in(struct managesieve_session *s, const struct account_user *user,
    struct pst_str last)
{
	struct buf *out = net_output(s->conn), text;
	struct pst_error err = { 0 };

	if (!net_set_user(s->conn, user->address))
		return managesieve_no(
		    s, MANAGESIEVE_LATER, "Too many connections of this user");
	if (mail_account_open(s->services->store, user, &s->account, &err) !=
	    PST_OK) {
		s->account = NULL;
		(void)net_set_user(s->conn, NULL);
		return managesieve_fail(s, &err);
	}
	(void)str_copy(s->address, sizeof(s->address), str_of(user->address));
	s->state = MANAGESIEVE_KNOWN;
	s->errors = 0;
	net_set_deadline(s->conn, 0);
	net_set_idle(s->conn, managesieve_config(s)->managesieve.idle_time);
	net_set_activity(s->conn, "scripts");
	log_event(PST_LOG_INFO, net_id(s->conn), "login", "protocol",
	    "managesieve", "user", s->address, "mech", s->mechanism, "peer",
	    net_peer(s->conn), "tls",
	    net_tls_active(s->conn) ? net_tls_info(s->conn) : NULL, NULL);
	if (last.n == 0)
		return managesieve_ok(s, "Logged in");
	buf_init(&text, SASL_TEXT);
	(void)base64_encode(last, &text);
	(void)buf_printf(out, "OK (SASL \"%.*s\") \"Logged in\"\r\n",
	    STR_ARG(buf_str(&text)));
	buf_fini(&text);
	return NET_READ;
}

void
managesieve_log_out(struct managesieve_session *s)
{
	if (s->account != NULL)
		mail_account_close(&s->account);
	s->address[0] = '\0';
	s->state = MANAGESIEVE_UNKNOWN;
}

enum net_next
managesieve_unauthenticate(struct managesieve_session *s)
{
	const struct config *cfg = managesieve_config(s);

	managesieve_log_out(s);
	s->errors = 0;
	(void)net_set_user(s->conn, NULL);
	net_set_activity(s->conn, "");
	net_set_idle(s->conn, 0);
	net_set_deadline(
	    s->conn, clock_monotonic() + cfg->managesieve.login_time * 1000000);
	return managesieve_ok(s, NULL);
}

/* --- nobody is --------------------------------------------------------------
 */

static enum net_next
failed(struct managesieve_session *s, enum auth_result result, int64_t delay)
{
	const char *why = "temporary";

	s->held_back_code = MANAGESIEVE_LATER;
	s->held_back = "Cannot check that now, try later";
	switch (result) {
	case AUTH_FAILED:
		why = "credentials";
		s->held_back_code = NULL;
		s->held_back = "Wrong user name or password";
		break;
	case AUTH_BLOCKED:
		why = "blocked";
		s->held_back = "Too many failures, try later";
		break;
	case AUTH_OK:
	case AUTH_TEMP:
		break;
	}
	log_event(PST_LOG_WARNING, net_id(s->conn), "login-failed", "protocol",
	    "managesieve", "mech", s->mechanism, "peer", net_peer(s->conn),
	    "reason", why, NULL);
	if (delay <= 0)
		return managesieve_held_back(s);
	s->mode = MANAGESIEVE_HELD_BACK;
	net_pause(s->conn, delay);
	return NET_PAUSE;
}

enum net_next
managesieve_held_back(struct managesieve_session *s)
{
	s->mode = MANAGESIEVE_COMMANDS;
	return managesieve_bad(s, s->held_back_code, s->held_back);
}

/* --- the exchange ------------------------------------------------------------
 */

static enum net_next
finish(struct managesieve_session *s, struct pst_str last)
{
	struct account_user user;
	int64_t delay = 0;
	enum auth_result result = sasl_result(s->sasl, &user, &delay);

	managesieve_auth_end(s);
	return result == AUTH_OK ? logged_in(s, &user, last)
				 : failed(s, result, delay);
}

static void
challenge(struct managesieve_session *s, struct pst_str what)
{
	struct buf text;

	buf_init(&text, SASL_TEXT);
	(void)base64_encode(what, &text);
	net_trace_hide(s->conn, true);
	(void)buf_printf(
	    net_output(s->conn), "\"%.*s\"\r\n", STR_ARG(buf_str(&text)));
	buf_fini(&text);
}

/* The last words of the server go with the OK (2.1). */
static enum net_next
step(struct managesieve_session *s, struct pst_str in, bool has_in)
{
	struct buf out, ignored;
	enum net_next next;

	buf_init(&out, SASL_TEXT / 4 * 3);
	buf_init(&ignored, SASL_TEXT);
	if (sasl_step(s->sasl, in, has_in, &out) == SASL_DONE) {
		next = finish(s, STR_NONE);
	} else if (sasl_is_last(s->sasl)) {
		(void)sasl_step(s->sasl, STR(""), true, &ignored);
		next = finish(s, buf_str(&out));
	} else {
		challenge(s, buf_str(&out));
		s->mode = MANAGESIEVE_SASL;
		next = NET_READ;
	}
	buf_fini(&ignored);
	buf_fini(&out);
	return next;
}

/* Decodes a response and goes on with it. */
static enum net_next
respond(struct managesieve_session *s, struct pst_str text)
{
	struct buf in;
	enum net_next next;

	buf_init(&in, SASL_TEXT);
	if (base64_decode(text, &in)) {
		next = step(s, in.n > 0 ? buf_str(&in) : STR(""), true);
	} else {
		managesieve_auth_end(s);
		next = managesieve_bad(s, NULL, "This is not base64");
	}
	if (in.n > 0)
		explicit_bzero(in.p, in.n);
	buf_fini(&in);
	return next;
}

enum net_next
managesieve_answer(struct managesieve_session *s, bool is_good)
{
	struct pst_str text = managesieve_arg(s, 0);

	if (net_traced(s->conn))
		net_trace_client(s->conn, STR("(hidden)"));
	if (is_good && !str_is(text, "*"))
		return respond(s, text);
	managesieve_auth_end(s);
	return managesieve_bad(
	    s, NULL, is_good ? "Cancelled" : "This is no answer");
}

static bool
begin(struct managesieve_session *s, struct pst_str mechanism)
{
	struct net_conn *c = s->conn;
	struct sasl_peer peer = {
		.service = "sieve", /* 2.1 */
		.peer = net_peer(c),
	};

	if (str_is_case(mechanism, "LOGIN"))
		return false;
	s->sasl_config = config_ref(managesieve_config(s));
	peer.hostname = s->sasl_config->hostname;
	peer.tls = net_tls_active(c) && net_tls_exporter(c, peer.exporter);
	s->sasl = sasl_new(s->services->accounts, mechanism, &peer);
	(void)str_copy(s->mechanism, sizeof(s->mechanism), mechanism);
	return s->sasl != NULL;
}

/* Mechanisms that are known to give passwords away, or to be of broken hashes;
 * a client may have better ones. */
static bool
is_weak(struct pst_str mechanism)
{
	static const char *const weak[] = { "LOGIN", "CRAM-MD5", "DIGEST-MD5",
		"NTLM", "SCRAM-SHA-1", "SCRAM-SHA-1-PLUS" };

	for (size_t i = 0; i < sizeof(weak) / sizeof(weak[0]); i++)
		if (str_is_case(mechanism, weak[i]))
			return true;
	return false;
}

enum net_next
managesieve_authenticate(struct managesieve_session *s)
{
	struct pst_str mechanism = managesieve_arg(s, 0);

	if (!net_auth_allowed(s->conn))
		return managesieve_bad(
		    s, MANAGESIEVE_NEEDS_TLS, "Not without TLS");
	if (!begin(s, mechanism)) {
		managesieve_auth_end(s);
		return managesieve_bad(s,
		    is_weak(mechanism) ? MANAGESIEVE_TOO_WEAK : NULL,
		    "This mechanism is not offered");
	}
	if (s->parser.args < 2)
		return step(s, STR_NONE, false);
	return respond(s, managesieve_arg(s, 1));
}
