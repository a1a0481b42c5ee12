/*
 * web/signup.c - making an account for oneself: what is possible, whether a
 * name is free, the account. Each domain says who may (signup.mode, domain
 * NAME.signup); nobody may unless that was set.
 */
#include "web/priv.h"

#include "account/invites.h"
#include "account/rules.h"
#include "base/log.h"
#include "base/str.h"
#include "web/limits.h"
#include "web/work.h"

enum { QUESTIONS = 120, QUESTIONS_WINDOW = 600, NAME_MOST = 128 };

#define PROBLEM "urn:postern:signup:"

static const char *const modes[] = { "closed", "invite", "open", "approval" };

static enum config_signup
mode_of(const struct config *cfg, const char *domain)
{
	for (size_t i = 0; i < cfg->domain_blocks; i++)
		if (str_is_case(str_of(cfg->domain[i].name), domain) &&
		    cfg->domain[i].signup != CONFIG_SIGNUP_DEFAULT)
			return (enum config_signup)cfg->domain[i].signup;
	return (enum config_signup)cfg->signup.mode;
}

const char *
web_signup_mode(const struct config *cfg, const char *domain)
{
	return modes[mode_of(cfg, domain)];
}

/* True: it was answered that there were too many. `takes`: it counts. */
static bool
is_limited(struct http_request *h, enum limit_kind kind, int64_t most,
    int64_t window, bool takes)
{
	int64_t wait = (takes ? limit_take : limit_wait)(
	    kind, net_peer(http_conn(h)), most, window);
	bool is_long = wait > 90 * 60;
	long long n = (wait + (is_long ? 3599 : 59)) / (is_long ? 3600 : 60);
	char text[128];

	if (wait == 0)
		return false;
	(void)snprintf(text, sizeof(text), "%lld", (long long)wait);
	http_add(h, "Retry-After", text);
	(void)snprintf(text, sizeof(text),
	    "There were too many from where you are. Try again in %lld %s%s.",
	    n, is_long ? "hour" : "minute", n == 1 ? "" : "s");
	http_problem(h, 429, PROBLEM "limit", text);
	return true;
}

/* --- what is possible --------------------------------------------------------
 */

struct listing {
	const struct config *cfg;
	json_t *list;
};

static void
list_domain(void *arg, const char *domain, bool configured, const char *storage)
{
	struct listing *l = arg;
	enum config_signup mode = mode_of(l->cfg, domain);

	(void)configured;
	(void)storage;
	if (mode == CONFIG_SIGNUP_OPEN || mode == CONFIG_SIGNUP_APPROVAL)
		(void)json_array_append_new(
		    l->list, json_pack("{s:s, s:s}", "name", domain, "mode",
				 modes[mode]));
}

/* The domains in which invitations count are not told without one. */
static json_t *
find_invite(struct http_request *h)
{
	struct pst_str query = http_asked(h)->query, field;
	struct invite invite;
	struct pst_error err = { 0 };
	char code[64];

	while (str_split(&query, '&', &field))
		if (str_has_prefix_case(field, "invite=") &&
		    str_copy(code, sizeof(code), str_from(field, 7)) &&
		    invite_find(http_services(h)->accounts, code, &invite,
			&err) == PST_OK &&
		    mode_of(http_config(h), invite.domain) !=
			CONFIG_SIGNUP_CLOSED)
			return json_pack("{s:s}", "domain", invite.domain);
	return json_null();
}

static bool
any_invites(const struct config *cfg)
{
	bool any = cfg->signup.mode == CONFIG_SIGNUP_INVITE;

	for (size_t i = 0; i < cfg->domain_blocks; i++)
		any = any || cfg->domain[i].signup == CONFIG_SIGNUP_INVITE;
	return any;
}

static void
run_show(struct http_request *h)
{
	const struct config *cfg = http_config(h);
	struct accounts *a = http_services(h)->accounts;
	struct listing l = { cfg, json_array() };
	char challenge[WORK_CHALLENGE];
	struct pst_error err = { 0 };
	json_t *terms = json_null();

	if (domain_each(a, list_domain, &l, &err) != PST_OK ||
	    work_make(a, cfg->signup.work, challenge, &err) != PST_OK) {
		json_decref(l.list);
		web_refused(h, &err);
		return;
	}
	if (cfg->signup.terms[0] != '\0')
		terms = json_string(cfg->signup.terms);
	web_answer(h, 200,
	    json_pack("{s:o, s:b, s:o, s:I, s:I, s:o, s:s, s:I}", "domains",
		l.list, "invites", (int)any_invites(cfg), "invite",
		find_invite(h), "passwordLeast",
		(json_int_t)rules_password_least(cfg), "passwordMost",
		(json_int_t)RULES_PASSWORD_MOST, "terms", terms, "challenge",
		challenge, "work", (json_int_t)cfg->signup.work));
}

/* --- whether a name is free -------------------------------------------------
 */

struct wanted {
	char address[321];
	const char *name, *password, *code;
	enum config_signup mode;
	bool is_invited;
};

static void
refuse(struct http_request *h, int status, const char *type, const char *text)
{
	http_problem(h, status, type, text);
}

/* False: it was answered why not. */
static bool
may_sign_up(struct http_request *h, struct wanted *w)
{
	struct invite invite;
	struct pst_error err = { 0 };
	const char *domain = strchr(w->address, '@') + 1;

	w->mode = mode_of(http_config(h), domain);
	if (w->code != NULL && *w->code != '\0' &&
	    w->mode != CONFIG_SIGNUP_CLOSED)
		w->is_invited = invite_find(http_services(h)->accounts, w->code,
				    &invite, &err) == PST_OK &&
				strcmp(invite.domain, domain) == 0;
	if (w->mode == CONFIG_SIGNUP_CLOSED) {
		refuse(h, 403, PROBLEM "closed",
		    "Nobody can sign up here: ask who runs this server.");
		return false;
	}
	if (w->mode == CONFIG_SIGNUP_INVITE && !w->is_invited) {
		refuse(h, 403, PROBLEM "invite",
		    "This invitation is not valid: it may have been used, or "
		    "be too old.");
		return false;
	}
	return true;
}

static bool
is_free(struct http_request *h, const char *address)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789.-_";
	struct account_user other;
	struct pst_error err = { 0 };
	size_t local = str_find(str_of(address), '@');
	enum pst_rc rc;

	if (local == 0 || local > 64 || strspn(address, allowed) != local ||
	    address[0] == '.' || address[local - 1] == '.' ||
	    strstr(address, "..") != NULL) {
		refuse(h, 422, PROBLEM "address",
		    "An address has letters, digits, and dots, dashes and "
		    "underscores within.");
		return false;
	}
	if (rules_is_reserved(address)) {
		refuse(h, 422, PROBLEM "reserved",
		    "This address is kept for those who run the server.");
		return false;
	}
	rc = account_find(http_services(h)->accounts, address, &other, &err);
	if (rc == PST_E_NOTFOUND)
		return true;
	if (rc == PST_OK)
		refuse(h, 409, PROBLEM "taken", "This address is taken.");
	else
		web_refused(h, &err);
	return false;
}

/* False: it was answered. */
static bool
take_wanted(struct http_request *h, const json_t *root, struct wanted *w)
{
	const char *address = json_string_value(
	    json_object_get(root, "address"));

	memset(w, 0, sizeof(*w));
	w->name = json_string_value(json_object_get(root, "name"));
	w->password = json_string_value(json_object_get(root, "password"));
	w->code = json_string_value(json_object_get(root, "invite"));
	if (w->name == NULL)
		w->name = "";
	if (address == NULL ||
	    !account_normalise(str_of(address), w->address) ||
	    strchr(w->address, '@') == NULL) {
		refuse(h, 422, PROBLEM "address", "This is not an address.");
		return false;
	}
	return true;
}

static void
run_check(struct http_request *h)
{
	struct wanted w;
	json_t *root;

	if (is_limited(h, LIMIT_QUESTIONS, QUESTIONS, QUESTIONS_WINDOW, true))
		return;
	root = web_take(h);
	if (root == NULL)
		return;
	if (take_wanted(h, root, &w) && may_sign_up(h, &w) &&
	    is_free(h, w.address))
		http_answer(h, 204, NULL, STR_NONE);
	json_decref(root);
}

/* --- the account ------------------------------------------------------------
 */

static bool
has_worked(struct http_request *h, const json_t *root, bool use)
{
	const char *challenge = json_string_value(
	    json_object_get(root, "challenge"));
	const char *number = json_string_value(json_object_get(root, "number"));
	struct accounts *a = http_services(h)->accounts;

	if (challenge != NULL && number != NULL &&
	    work_is_done(a, http_config(h)->signup.work, challenge, number) &&
	    (!use || work_use(a, challenge)))
		return true;
	refuse(h, 422, PROBLEM "work",
	    "The proof of work is missing, wrong or too old: try again.");
	return false;
}

static bool
is_good_password(struct http_request *h, const struct wanted *w)
{
	struct pst_error err = { 0 };

	if (strlen(w->name) > NAME_MOST) {
		refuse(h, 422, PROBLEM "name", "This name is too long.");
		return false;
	}
	if (rules_password(http_config(h), w->address, w->name,
		str_of(w->password), &err) == PST_OK)
		return true;
	refuse(h, 422, PROBLEM "password", err.detail);
	return false;
}

static enum pst_rc
add_user(struct http_request *h, const struct wanted *w, struct pst_error *err)
{
	struct account_user user = { .quota_bytes = -1, .quota_messages = -1 };

	user.is_pending = w->mode == CONFIG_SIGNUP_APPROVAL && !w->is_invited;
	user.enabled = !user.is_pending;
	(void)str_copy(user.address, sizeof(user.address), str_of(w->address));
	(void)str_copy(user.name, sizeof(user.name), str_of(w->name));
	return account_add(
	    http_services(h)->accounts, &user, str_of(w->password), err);
}

static void
make(struct http_request *h, const struct wanted *w)
{
	struct accounts *a = http_services(h)->accounts;
	const struct config *cfg = http_config(h);
	bool pending = w->mode == CONFIG_SIGNUP_APPROVAL && !w->is_invited;
	struct pst_error err = { 0 };
	enum pst_rc rc;

	/* Of many at once. */
	if (is_limited(h, LIMIT_ACCOUNTS, cfg->signup.per_address,
		cfg->signup.window, true))
		return;
	if (w->is_invited && invite_take(a, w->code, &err) != PST_OK) {
		refuse(h, 403, PROBLEM "invite",
		    "This invitation has just been used up.");
		return;
	}
	rc = add_user(h, w, &err);
	if (rc != PST_OK) {
		if (w->is_invited)
			invite_give_back(a, w->code);
		if (rc == PST_E_EXISTS)
			refuse(
			    h, 409, PROBLEM "taken", "This address is taken.");
		else
			web_refused(h, &err);
		return;
	}
	log_event(PST_LOG_INFO, net_id(http_conn(h)), "signup", "user",
	    w->address, "state", pending ? "pending" : "active", "peer",
	    net_peer(http_conn(h)), NULL);
	if (!pending)
		web_welcome(h, w->address);
	web_answer(h, 201,
	    json_pack("{s:s, s:s}", "user", w->address, "state",
		pending ? "pending" : "active"));
}

static void
sign_up(struct http_request *h, const json_t *root)
{
	const struct config *cfg = http_config(h);
	struct wanted w;

	/* Who is refused hears, too, whether there is such an address. */
	if (is_limited(h, LIMIT_QUESTIONS, QUESTIONS, QUESTIONS_WINDOW, true))
		return;
	if (!take_wanted(h, root, &w) || !may_sign_up(h, &w) ||
	    is_limited(h, LIMIT_ACCOUNTS, cfg->signup.per_address,
		cfg->signup.window, false) ||
	    !has_worked(h, root, false) || !is_free(h, w.address) ||
	    !is_good_password(h, &w) || !has_worked(h, root, true))
		return;
	make(h, &w);
}

static void
run_signup(struct http_request *h)
{
	json_t *root;

	if (!net_auth_allowed(http_conn(h))) {
		http_problem(h, 403, NULL, "Not without encryption.");
		return;
	}
	root = web_take(h);
	if (root != NULL)
		sign_up(h, root);
	json_decref(root);
}

const struct http_route web_signup_routes[] = {
	{ "GET", "/web/signup", 0, run_show, NULL, NULL, NULL },
	{ "POST", "/web/signup", HTTP_OURS, run_signup, NULL, NULL, NULL },
	{ "POST", "/web/signup/check", HTTP_OURS, run_check, NULL, NULL, NULL },
	{ NULL, NULL, 0, NULL, NULL, NULL, NULL },
};
