/*
 * web/factor.c - logging in with more, or other, than a password: the second
 * factor that follows it, and a passkey in place of both.
 */
#include "web/priv.h"

#include "account/factors.h"
#include "base/log.h"
#include "base/str.h"
#include "web/tickets.h"

/* Of challenges that an address asks for in some seconds. */
enum { CHALLENGES = 600, WINDOW = 600 };

#define PROBLEM "urn:postern:login:"

/* --- behind the password ----------------------------------------------------
 */

static json_t *
kinds_of(const struct factors *f, bool has_passkeys)
{
	json_t *list = json_array();

	if (f->has_totp)
		(void)json_array_append_new(list, json_string("totp"));
	if (has_passkeys)
		(void)json_array_append_new(list, json_string("passkey"));
	if (f->recovery_counts)
		(void)json_array_append_new(list, json_string("recovery"));
	return list;
}

/* Of the password that was right: when it is another one the ticket is good for
 * nothing, whichever server it was changed on. */
static bool
find_mark(struct http_request *h, const char *user, char mark_r[AUTH_MARK])
{
	struct pst_error err = { 0 };
	enum pst_rc rc = auth_mark(
	    http_services(h)->accounts, user, mark_r, &err);

	if (rc == PST_OK || rc == PST_E_NOTFOUND)
		return true;
	web_refused(h, &err);
	return false;
}

void
web_ask_factor(struct http_request *h, const struct account_user *user)
{
	struct pst_error err = { 0 };
	struct factors f;
	char ticket[TICKET], mark[AUTH_MARK];
	json_t *request = json_null();
	bool has_passkeys;

	if (factors_find(http_services(h)->accounts, user->address, &f, &err) !=
	    PST_OK) {
		web_refused(h, &err);
		return;
	}
	if (!find_mark(h, user->address, mark))
		return;
	has_passkeys = f.passkeys > 0 && web_has_passkeys(h);
	if (has_passkeys)
		request = web_passkey_request(
		    h, CHALLENGE_FACTOR, user->address);
	if (request == NULL)
		return;
	ticket_make(TICKET_LOGIN, user->address, mark, ticket);
	web_problem(h, 401,
	    json_pack("{s:s, s:s, s:s, s:s, s:o, s:o}", "type",
		PROBLEM "second-factor", "title", "Unauthorized", "detail",
		"The password is right; a second factor is needed.", "ticket",
		ticket, "kinds", kinds_of(&f, has_passkeys), "passkey",
		request));
}

static void
refuse_ticket(struct http_request *h)
{
	http_problem(h, 401, PROBLEM "expired",
	    "This took too long, or too many attempts. Begin again with your "
	    "password.");
}

/* What was shown; `*factor_r` says what it is. */
static enum auth_result
check_factor(struct http_request *h, const char *user, const json_t *root,
    const char **factor_r, int64_t *delay_r)
{
	const char *code = web_text(root, "code");
	const json_t *credential = json_object_get(root, "passkey");
	struct passkey found;
	enum auth_result result;
	bool by_recovery;

	if (code == NULL) {
		*factor_r = "passkey";
		return web_passkey_check(
		    h, credential, CHALLENGE_FACTOR, user, &found, delay_r);
	}
	result = factors_check(http_services(h)->accounts,
	    net_peer(http_conn(h)), user, code, &by_recovery, delay_r);
	*factor_r = by_recovery ? "recovery" : "totp";
	return result;
}

static void
enter(struct http_request *h, const char *address, const char *ticket,
    const char *mark, const char *factor)
{
	struct account_user user;
	struct pst_error err = { 0 };
	char present[AUTH_MARK];

	if (!find_mark(h, address, present))
		return;
	/* Two at once with one ticket: one is in. */
	if (strcmp(mark, present) != 0 || !ticket_finish(ticket) ||
	    account_find(http_services(h)->accounts, address, &user, &err) !=
		PST_OK ||
	    !user.enabled) {
		refuse_ticket(h);
		return;
	}
	if (strcmp(factor, "recovery") == 0) {
		log_event(PST_LOG_WARNING, net_id(http_conn(h)),
		    "recovery-code-used", "user", user.address, "for", "login",
		    "peer", net_peer(http_conn(h)), NULL);
		web_tell(h, user.address,
		    "Somebody signed in with your password and one of your "
		    "recovery codes.");
	}
	web_log_in(h, &user, factor);
}

static void
finish(struct http_request *h, const json_t *root)
{
	const char *ticket = web_text(root, "ticket"), *factor;
	char user[321], data[TICKET_DATA];
	enum auth_result result;
	int64_t delay = 0;

	if (ticket == NULL || !ticket_try(TICKET_LOGIN, ticket, user, data)) {
		refuse_ticket(h);
		return;
	}
	result = check_factor(h, user, root, &factor, &delay);
	if (result == AUTH_OK)
		enter(h, user, ticket, data, factor);
	else
		web_refuse_login(h, result, delay, user, factor);
}

/* --- in place of it ---------------------------------------------------------
 */

static void
run_options(struct http_request *h)
{
	json_t *request;

	if (web_is_limited(h, LIMIT_CHALLENGES, CHALLENGES, WINDOW))
		return;
	limit_count(LIMIT_CHALLENGES, net_peer(http_conn(h)), WINDOW);
	request = web_passkey_request(h, CHALLENGE_LOGIN, "");
	if (request != NULL)
		web_answer(h, 200, request);
}

static void
log_in(struct http_request *h, const json_t *root)
{
	struct account_user user;
	struct passkey found;
	struct pst_error err = { 0 };
	int64_t delay = 0;
	enum auth_result result = web_passkey_check(h,
	    json_object_get(root, "passkey"), CHALLENGE_LOGIN, "", &found,
	    &delay);

	if (result == AUTH_OK && account_find(http_services(h)->accounts,
				     found.user, &user, &err) != PST_OK)
		result = AUTH_TEMP;
	if (result == AUTH_OK)
		web_log_in(h, &user, "passkey");
	else
		web_refuse_login(h, result, delay,
		    found.user[0] != '\0' ? found.user : NULL, "passkey");
}

/* --- for both ---------------------------------------------------------------
 */

static void
run(struct http_request *h, void (*fn)(struct http_request *, const json_t *))
{
	if (net_auth_allowed(http_conn(h)))
		web_run(h, fn);
	else
		http_problem(h, 403, NULL, "Not without encryption.");
}

static void
run_factor(struct http_request *h)
{
	run(h, finish);
}

static void
run_passkey(struct http_request *h)
{
	run(h, log_in);
}

const struct http_route web_factor_routes[] = {
	{ "POST", "/web/login/factor", HTTP_OURS, run_factor, NULL, NULL,
	    NULL },
	{ "POST", "/web/login/passkey/options", HTTP_OURS, run_options, NULL,
	    NULL, NULL },
	{ "POST", "/web/login/passkey", HTTP_OURS, run_passkey, NULL, NULL,
	    NULL },
	{ NULL, NULL, 0, NULL, NULL, NULL, NULL },
};
