/*
 * pop3/login.c - USER and PASS (RFC 1939, 7), and what happens once somebody is
 * known, or is not (response codes of RFC 2449, 8.1 and RFC 3206).
 */
#include "base/clock.h"
#include "base/str.h"
#include "pop3/locks.h"
#include "pop3/session.h"
#include <stdlib.h>

/* --- the maildrop ------------------------------------------------------------
 */

static enum net_next
lock(struct pop3_session *s)
{
	const struct config *cfg = pop3_config(s);

	switch (pop3_lock(s->services->pop3_locks, s->address, cfg->pop3.lock,
	    cfg->pop3.login_delay)) {
	case POP3_LOCKED:
		s->locked = true;
		break;
	case POP3_LOCK_HELD:
		return pop3_err(s, POP3_CODE_IN_USE, POP3_TEXT_IN_USE);
	case POP3_LOCK_EARLY:
		return pop3_err(s, POP3_CODE_LOGIN_DELAY, POP3_TEXT_EARLY);
	}
	return NET_READ;
}

/* Without s->account afterwards it is not open, and the answer is given. */
static enum net_next
open_maildrop(struct pop3_session *s, const struct account_user *user)
{
	struct pst_error err;
	enum net_next next;

	if (!net_set_user(s->conn, s->address))
		return pop3_err(s, POP3_CODE_TEMP, POP3_TEXT_CONNECTIONS);
	next = lock(s);
	if (!s->locked)
		return next;
	if (mail_account_open(s->services->store, user, &s->account, &err) !=
	    PST_OK)
		s->account = NULL;
	else if (pop3_maildrop_open(s, &err) != PST_OK)
		mail_account_close(&s->account);
	return s->account != NULL ? NET_READ
				  : pop3_fail(s, &err, POP3_TEXT_NO_MAILDROP);
}

enum net_next
pop3_logged_in(struct pop3_session *s, const struct account_user *user,
    const char *mechanism)
{
	const struct config *cfg = pop3_config(s);
	enum net_next next;

	(void)str_copy(s->address, sizeof(s->address), str_of(user->address));
	next = open_maildrop(s, user);
	if (s->account == NULL) {
		pop3_maildrop_close(s);
		(void)net_set_user(s->conn, NULL);
		return next;
	}
	if (cfg->pop3.login_delay > 0)
		pop3_lock_used(s->services->pop3_locks, s->address);
	free(s->user);
	s->user = NULL;
	s->state = POP3_TRANSACTION;
	s->errors = 0;
	net_set_deadline(s->conn, 0);
	net_set_idle(s->conn, cfg->pop3.idle_time);
	net_set_activity(s->conn, "INBOX");
	log_event(PST_LOG_INFO, net_id(s->conn), "login", "protocol", "pop3",
	    "user", s->address, "mech", mechanism, "peer", net_peer(s->conn),
	    "tls", net_tls_active(s->conn) ? net_tls_info(s->conn) : NULL,
	    NULL);
	return pop3_totals(s);
}

/* --- failures ----------------------------------------------------------------
 */

enum net_next
pop3_login_failed(struct pop3_session *s, enum auth_result result,
    const char *user, const char *mechanism, int64_t delay)
{
	const char *why = "temporary";

	s->held_back_code = POP3_CODE_TEMP;
	s->held_back = POP3_TEXT_CANNOT_CHECK;
	switch (result) {
	case AUTH_FAILED:
		why = "credentials";
		s->held_back_code = POP3_CODE_AUTH;
		s->held_back = POP3_TEXT_WRONG;
		break;
	case AUTH_BLOCKED:
		why = "blocked";
		s->held_back = POP3_TEXT_BLOCKED;
		break;
	case AUTH_OK:
	case AUTH_TEMP:
		break;
	}
	log_event(PST_LOG_WARNING, net_id(s->conn), "login-failed", "protocol",
	    "pop3", "user", user, "mech", mechanism, "peer", net_peer(s->conn),
	    "reason", why, NULL);
	if (delay <= 0)
		return pop3_held_back(s);
	s->mode = POP3_HELD_BACK;
	net_pause(s->conn, delay);
	return NET_PAUSE;
}

enum net_next
pop3_held_back(struct pop3_session *s)
{
	s->mode = POP3_COMMAND;
	return pop3_bad_code(s, s->held_back_code, s->held_back);
}

/* --- the commands ------------------------------------------------------------
 */

/* Whether there is such a user is not told. */
enum net_next
pop3_run_user(struct pop3_session *s, struct pst_str args)
{
	if (!net_auth_allowed(s->conn))
		return pop3_err(s, POP3_CODE_PERM, POP3_TEXT_NOT_WITHOUT_TLS);
	free(s->user);
	s->user = str_dup(str_trim(args));
	return pop3_ok(s, POP3_TEXT_SEND_PASSWORD);
}

enum net_next
pop3_run_pass(struct pop3_session *s, struct pst_str args)
{
	struct account_user user;
	enum auth_result result;
	enum net_next next;
	int64_t delay = 0;

	if (!net_auth_allowed(s->conn))
		return pop3_err(s, POP3_CODE_PERM, POP3_TEXT_NOT_WITHOUT_TLS);
	if (s->user == NULL)
		return pop3_bad(s, POP3_TEXT_USER_FIRST);
	result = auth_password(s->services->accounts, AUTH_POP3,
	    net_peer(s->conn), str_of(s->user), args, &user, &delay);
	if (result == AUTH_OK)
		return pop3_logged_in(s, &user, "USER");
	next = pop3_login_failed(s, result, s->user, "USER", delay);
	/* RFC 1939, 7: PASS is only for what follows USER at once. */
	free(s->user);
	s->user = NULL;
	return next;
}
