/*
 * web/security.c - what a user logs in with besides the password: an
 * authenticator app and recovery codes. Passkeys have passkeys.c.
 *
 * Each change wants the password once more, or a passkey; other sessions of the
 * user end when something is added, and the user gets a message.
 */
#include "web/priv.h"

#include "account/factors.h"
#include "account/sessions.h"
#include "base/clock.h"
#include "base/codec.h"
#include "base/log.h"
#include "base/str.h"
#include "web/tickets.h"

void
web_note_change(struct http_request *h, const char *event, const char *id,
    bool ends_others, const char *sentence)
{
	const char *user = http_user(h)->address;

	ticket_forget(user);
	if (ends_others)
		session_end_others(http_services(h)->accounts, user,
		    http_cookie(http_asked(h)->head, HTTP_COOKIE));
	log_event(PST_LOG_INFO, net_id(http_conn(h)), event, "user", user, "id",
	    id, "peer", net_peer(http_conn(h)), NULL);
	web_tell(h, user, sentence);
}

json_t *
web_codes(struct recovery_set *set)
{
	json_t *list = json_array();

	for (size_t i = 0; i < RECOVERY_CODES; i++)
		(void)json_array_append_new(list, json_string(set->code[i]));
	recovery_wipe(set);
	return list;
}

static json_t *
time_json(int64_t seconds)
{
	return seconds != 0 ? json_integer(seconds) : json_null();
}

static void
run_show(struct http_request *h)
{
	struct pst_error err = { 0 };
	struct factors f;
	json_t *app = json_null(), *list;

	if (factors_find(http_services(h)->accounts, http_user(h)->address, &f,
		&err) != PST_OK) {
		web_refused(h, &err);
		return;
	}
	list = web_list_passkeys(h);
	if (list == NULL)
		return;
	if (f.has_totp)
		app = json_pack("{s:I, s:o}", "created",
		    (json_int_t)f.totp_created, "used", time_json(f.totp_used));
	web_answer(h, 200,
	    json_pack("{s:b, s:o, s:i, s:o, s:b, s:b}", "isOn", (int)f.is_on,
		"totp", app, "recoveryCodes", f.recovery, "passkeys", list,
		"passkeysAsked", (int)f.passkeys_asked, "canPasskey",
		(int)web_has_passkeys(h)));
}

/* --- the authenticator app --------------------------------------------------
 */

/* What stands in the label and the parameters of an otpauth URL. */
static void
put_escaped(struct buf *out, const char *text)
{
	for (; *text != '\0'; text++) {
		if (ascii_is_alpha(*text) || ascii_is_digit(*text) ||
		    strchr("-._~", *text) != NULL)
			(void)buf_putc(out, *text);
		else
			(void)buf_printf(out, "%%%02X", (unsigned char)*text);
	}
}

/* A secret on trial, kept with a ticket until its first code comes. */
static void
run_begin(struct http_request *h)
{
	const char *user = http_user(h)->address;
	const char *issuer = strchr(user, '@') + 1;
	char secret[TOTP_SECRET], ticket[TICKET];
	struct buf url;

	totp_make(secret);
	ticket_make(TICKET_TOTP, user, secret, ticket);
	buf_init(&url, 4096);
	(void)buf_puts(&url, "otpauth://totp/");
	put_escaped(&url, issuer);
	(void)buf_putc(&url, ':');
	put_escaped(&url, user);
	(void)buf_printf(&url, "?secret=%s&issuer=", secret);
	put_escaped(&url, issuer);
	(void)buf_printf(&url, "&algorithm=SHA1&digits=%d&period=%d",
	    TOTP_CODE - 1, TOTP_STEP);
	(void)buf_putc(&url, '\0');
	web_answer(h, 200,
	    json_pack("{s:s, s:s, s:s}", "ticket", ticket, "secret", secret,
		"url", url.p));
	explicit_bzero(secret, sizeof(secret));
	explicit_bzero(url.p, url.n);
	buf_fini(&url);
}

static void
add(struct http_request *h, const char *ticket, const char *secret,
    const char *code)
{
	struct recovery_set set;
	struct pst_error err = { 0 };
	bool has_set = false;
	enum pst_rc rc = factors_add_totp(http_services(h)->accounts,
	    http_user(h)->address, secret, code, &set, &has_set, &err);

	if (rc == PST_E_DENIED) {
		http_problem(h, 422, "urn:postern:factor:code",
		    "This code is not right. Look whether the clocks of both "
		    "devices are, and type the code that the app shows now.");
		return;
	}
	if (rc != PST_OK) {
		web_refused(h, &err);
		return;
	}
	(void)ticket_finish(ticket);
	web_note_change(h, "factor-added", "totp", true,
	    "An authenticator app was added: signing in asks for its codes.");
	web_answer(h, 201,
	    json_pack("{s:o}", "recoveryCodes",
		has_set ? web_codes(&set) : json_null()));
}

static void
confirm(struct http_request *h, const json_t *root)
{
	const char *ticket = web_text(root, "ticket");
	const char *code = web_text(root, "code");
	char user[321], secret[TICKET_DATA];

	if (code == NULL || ticket == NULL) {
		http_problem(h, 422, NULL, "A code is missing.");
		return;
	}
	if (!web_is_confirmed(h, root))
		return;
	if (!ticket_try(TICKET_TOTP, ticket, user, secret) ||
	    strcmp(user, http_user(h)->address) != 0)
		http_problem(h, 422, "urn:postern:factor:expired",
		    "This took too long, or too many attempts. Begin again.");
	else
		add(h, ticket, secret, code);
	explicit_bzero(secret, sizeof(secret));
}

static void
take_away(struct http_request *h, const json_t *root)
{
	struct pst_error err = { 0 };

	if (!web_is_confirmed(h, root))
		return;
	if (factors_remove_totp(http_services(h)->accounts,
		http_user(h)->address, &err) != PST_OK) {
		web_refused(h, &err);
		return;
	}
	web_note_change(h, "factor-removed", "totp", false,
	    "The authenticator app was removed: signing in no longer asks for "
	    "its codes.");
	http_answer(h, 204, NULL, STR_NONE);
}

/* --- recovery codes ---------------------------------------------------------
 */

static void
make_codes(struct http_request *h, const json_t *root)
{
	struct recovery_set set;
	struct pst_error err = { 0 };

	if (!web_is_confirmed(h, root))
		return;
	if (recovery_make(http_services(h)->accounts, http_user(h)->address,
		&set, &err) != PST_OK) {
		web_refused(h, &err);
		return;
	}
	web_note_change(h, "recovery-codes-made", NULL, false,
	    "New recovery codes were made. Older ones are of no more use.");
	web_answer(
	    h, 201, json_pack("{s:o}", "recoveryCodes", web_codes(&set)));
}

/* --- routes -----------------------------------------------------------------
 */

static void
run_confirm(struct http_request *h)
{
	web_run(h, confirm);
}

static void
run_remove(struct http_request *h)
{
	web_run(h, take_away);
}

static void
run_codes(struct http_request *h)
{
	web_run(h, make_codes);
}

const struct http_route web_security_routes[] = {
	{ "GET", "/web/factors", HTTP_LOGIN, run_show, NULL, NULL, NULL },
	{ "POST", "/web/totp", HTTP_LOGIN, run_begin, NULL, NULL, NULL },
	{ "POST", "/web/totp/confirm", HTTP_LOGIN, run_confirm, NULL, NULL,
	    NULL },
	{ "POST", "/web/totp/remove", HTTP_LOGIN, run_remove, NULL, NULL,
	    NULL },
	{ "POST", "/web/recovery-codes", HTTP_LOGIN, run_codes, NULL, NULL,
	    NULL },
	{ NULL, NULL, 0, NULL, NULL, NULL, NULL },
};
