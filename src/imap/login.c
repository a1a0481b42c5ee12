/*
 * imap/login.c - LOGIN (RFC 3501, 6.2.3), and what happens once somebody is
 * known, or is not.
 */
#include "base/str.h"
#include "imap/commands.h"

enum { LOGIN_FAILURES_MAX = 10 };

static enum imap_step
open_account(struct imap_session *s, const struct account_user *user)
{
	struct pst_error err;

	if (!net_set_user(s->c, user->address))
		return imap_no(s, "[LIMIT] Too many connections of this user");
	if (mail_account_open(s->sv->store, user, &s->account, &err) !=
	    PST_OK) {
		s->account = NULL;
		(void)net_set_user(s->c, NULL);
		return imap_fail(s, &err, "[UNAVAILABLE] No mail here");
	}
	s->is_admin = user->is_admin;
	return IMAP_NEXT;
}

enum imap_step
imap_logged_in(struct imap_session *s, const struct account_user *user,
    const char *mechanism)
{
	const struct config *cfg = net_config(s->c);
	struct buf *reply = &s->run->reply;
	enum imap_step step = open_account(s, user);

	if (s->account == NULL)
		return step;
	(void)str_copy(s->address, sizeof(s->address), str_of(user->address));
	s->state = IMAP_LOGGED_IN;
	s->errors = 0;
	net_set_deadline(s->c, 0);
	net_set_idle(s->c, cfg->imap.idle_time);
	log_event(PST_LOG_INFO, net_id(s->c), "login", "protocol", "imap",
	    "user", s->address, "mech", mechanism, "peer", net_peer(s->c),
	    "tls", net_tls_active(s->c) ? net_tls_info(s->c) : NULL, NULL);
	buf_clear(reply);
	(void)buf_puts(reply, "OK [CAPABILITY ");
	imap_capabilities(s, reply);
	(void)buf_puts(reply, "] Logged in");
	return imap_finish(s);
}

static const char *
failure_text(enum auth_result result)
{
	switch (result) {
	case AUTH_TEMP:
		return "[UNAVAILABLE] Temporary authentication failure";
	case AUTH_BLOCKED:
		return "[LIMIT] Too many failures, try again later";
	case AUTH_OK:
	case AUTH_FAILED:
		break;
	}
	return "[AUTHENTICATIONFAILED] Authentication failed";
}

enum imap_step
imap_login_failed(struct imap_session *s, enum auth_result result,
    const char *user, const char *mechanism, int64_t delay)
{
	enum imap_step step;

	log_event(PST_LOG_WARNING, net_id(s->c), "login-failed", "protocol",
	    "imap", "user", user, "mech", mechanism, "peer", net_peer(s->c),
	    "reason",
	    result == AUTH_BLOCKED ? "blocked"
	    : result == AUTH_TEMP  ? "temporary"
				   : "credentials",
	    NULL);
	step = imap_no(s, failure_text(result));
	if (++s->login_failures >= LOGIN_FAILURES_MAX)
		s->run->closes = true;
	if (delay <= 0)
		return step;
	imap_set_pause(s, delay);
	return IMAP_PAUSE;
}

enum imap_step
imap_login(struct imap_session *s, struct imap_parser *ps)
{
	struct pst_str user, password;
	struct account_user who;
	enum auth_result result;
	char name[321];
	int64_t delay = 0;

	if (!imap_space(ps) || !imap_astring(ps, &user) || !imap_space(ps) ||
	    !imap_astring(ps, &password) || !imap_end(ps))
		return imap_bad_arguments(s, ps);
	if (!net_auth_allowed(s->c))
		return imap_no(
		    s, "[PRIVACYREQUIRED] Login is not allowed without TLS");
	(void)str_copy(name, sizeof(name), user);
	result = auth_password(s->sv->accounts, AUTH_IMAP, net_peer(s->c), user,
	    password, &who, &delay);
	if (result != AUTH_OK)
		return imap_login_failed(s, result, name, "LOGIN", delay);
	return imap_logged_in(s, &who, "LOGIN");
}
