/*
 * account/sasl.c - SASL on the server's side (RFC 4422): SCRAM-SHA-256 with and
 * without channel binding (RFC 5802, RFC 7677, RFC 9266) and LOGIN by libgsasl,
 * PLAIN (RFC 4616) here: libgsasl prepares its password by SASLprep, which
 * refuses or changes passwords that OpaqueString (RFC 8265) allows.
 *
 * Nobody acts for somebody else: an authorisation identity must be the user's
 * own.
 */
#include "account/auth.h"

#include "account/private.h"
#include "base/codec.h"
#include "base/log.h"
#include "base/str.h"
#include <gnutls/gnutls.h>
#include <stdlib.h>

enum { MESSAGE_MAX = 4096 };

enum mechanism { SCRAM_PLUS, SCRAM, PLAIN, LOGIN };

static const char *const names[] = {
	[SCRAM_PLUS] = "SCRAM-SHA-256-PLUS",
	[SCRAM] = "SCRAM-SHA-256",
	[PLAIN] = "PLAIN",
	[LOGIN] = "LOGIN",
};

enum state {
	SASL_FIRST,
	SASL_GOING,
	SASL_LAST, /* good; waits for the client's empty answer */
	SASL_ENDED,
};

struct sasl {
	struct accounts *a;
	enum mechanism mechanism;
	enum state state;
	char *peer;
	enum auth_scope scope;
	Gsasl_session *session;	    /* not for PLAIN */
	char name[ACCOUNT_ADDRESS]; /* who wants to be in; "": unknown */
	bool is_asked; /* `who` was looked up, or a password checked */
	bool is_real;  /* SCRAM: `who` exists */
	struct account_credentials who;
	enum auth_result result;
	struct account_user user;
	int64_t delay;
};

const char *
sasl_mechanisms(bool tls)
{
	return tls ? "SCRAM-SHA-256-PLUS SCRAM-SHA-256 PLAIN LOGIN"
		   : "SCRAM-SHA-256 PLAIN LOGIN";
}

static enum sasl_next
ended(struct sasl *s, enum auth_result result, int64_t delay, struct buf *out)
{
	s->state = SASL_ENDED;
	s->result = result;
	s->delay = delay;
	buf_clear(out);
	return SASL_DONE;
}

/* Counts a failure that auth_password() did not count. */
static enum sasl_next
failed(struct sasl *s, struct buf *out)
{
	struct account_settings *settings = account_settings_take(s->a);
	int64_t delay = account_brake_failed(s->a->brake, settings->cfg,
	    s->peer, s->name[0] != '\0' ? s->name : NULL, STR_NONE);

	account_settings_give(s->a, &settings);
	return ended(s, AUTH_FAILED, delay, out);
}

static bool
login_name(struct sasl *s, struct pst_str text, char out[321])
{
	struct account_settings *settings = account_settings_take(s->a);
	bool good = account_login_name(text, settings->first_domain, out);

	account_settings_give(s->a, &settings);
	return good;
}

/* Is the authorisation identity left out, or the user's own? */
static bool
is_self(struct sasl *s, struct pst_str authzid)
{
	char other[ACCOUNT_ADDRESS];

	return authzid.n == 0 ||
	       (s->name[0] != '\0' && login_name(s, authzid, other) &&
		   strcmp(other, s->name) == 0);
}

static void
check_password(struct sasl *s, struct pst_str user, struct pst_str password)
{
	s->is_asked = true;
	s->result = auth_password(
	    s->a, s->scope, s->peer, user, password, &s->user, &s->delay);
}

/* --- PLAIN ------------------------------------------------------------------
 */

static enum sasl_next
step_plain(struct sasl *s, struct pst_str in, struct buf *out)
{
	struct pst_str authzid, authcid, password;
	size_t one = str_find(in, '\0'), two;

	authzid = str_first(in, one);
	in = str_from(in, one + 1);
	two = str_find(in, '\0');
	authcid = str_first(in, two);
	if (two >= in.n)
		return failed(s, out);
	password = str_from(in, two + 1);
	if (str_find(password, '\0') < password.n || authcid.n == 0)
		return failed(s, out);
	(void)login_name(s, authcid, s->name);
	if (!is_self(s, authzid))
		return failed(s, out);
	check_password(s, authcid, password);
	return ended(s, s->result, s->delay, out);
}

/* --- SCRAM and LOGIN by libgsasl ---------------------------------------------
 */

static bool
set_base64(
    Gsasl_session *session, Gsasl_property property, const void *p, size_t n)
{
	struct buf text;
	bool good;

	buf_init(&text, 256);
	good = base64_encode(str_n(p, n), &text) && buf_putc(&text, '\0') &&
	       gsasl_property_set(session, property, text.p) == GSASL_OK;
	buf_fini(&text);
	return good;
}

/* Finds whom the client wants to be. */
static enum auth_result
find_scram(struct sasl *s, const struct config *cfg)
{
	struct pst_error err;
	enum pst_rc rc;

	if (account_brake_blocks(s->a->brake, cfg, s->peer,
		s->name[0] != '\0' ? s->name : NULL, &s->delay))
		return AUTH_BLOCKED;
	rc = account_scram(s->a, cfg, s->name, &s->who, &s->is_real, &err);
	if (rc == PST_OK)
		return AUTH_OK;
	log_failure(PST_LOG_ERROR, 0, "accounts", &err);
	return AUTH_TEMP;
}

static bool
set_scram(struct sasl *s, Gsasl_session *session)
{
	const struct account_keys *keys = &s->who.keys;
	char iterations[24];

	(void)snprintf(iterations, sizeof(iterations), "%lld",
	    (long long)keys->iterations);
	return gsasl_property_set(session, GSASL_SCRAM_ITER, iterations) ==
		   GSASL_OK &&
	       set_base64(
		   session, GSASL_SCRAM_SALT, keys->salt, keys->salt_n) &&
	       set_base64(session, GSASL_SCRAM_STOREDKEY, keys->stored,
		   sizeof(keys->stored)) &&
	       set_base64(session, GSASL_SCRAM_SERVERKEY, keys->server,
		   sizeof(keys->server));
}

/* Asked by libgsasl when it has read the client's first message. */
static int
ask_scram(struct sasl *s, Gsasl_session *session)
{
	struct account_settings *settings;
	const char *authcid = gsasl_property_fast(session, GSASL_AUTHID);

	if (s->is_asked || authcid == NULL)
		return GSASL_NO_CALLBACK;
	s->is_asked = true;
	(void)login_name(s, str_of(authcid), s->name);
	settings = account_settings_take(s->a);
	s->result = find_scram(s, settings->cfg);
	account_settings_give(s->a, &settings);
	if (s->result != AUTH_OK)
		return GSASL_NO_CALLBACK;
	if (set_scram(s, session))
		return GSASL_OK;
	s->result = AUTH_TEMP;
	return GSASL_NO_CALLBACK;
}

static int
callback(Gsasl *gsasl, Gsasl_session *session, Gsasl_property property)
{
	struct sasl *s = gsasl_session_hook_get(session);

	(void)gsasl;
	/* Not a switch: of some fifty properties we have these. */
	if (property == GSASL_SCRAM_ITER || property == GSASL_SCRAM_SALT ||
	    property == GSASL_SCRAM_STOREDKEY ||
	    property == GSASL_SCRAM_SERVERKEY)
		return ask_scram(s, session);
	if (property == GSASL_VALIDATE_SIMPLE && s->mechanism == LOGIN) {
		check_password(s,
		    str_of(gsasl_property_fast(session, GSASL_AUTHID)),
		    str_of(gsasl_property_fast(session, GSASL_PASSWORD)));
		return s->result == AUTH_OK ? GSASL_OK
					    : GSASL_AUTHENTICATION_ERROR;
	}
	return GSASL_NO_CALLBACK;
}

Gsasl *
account_sasl_init(void)
{
	Gsasl *gsasl = NULL;

	if (gsasl_init(&gsasl) != GSASL_OK)
		return NULL;
	gsasl_callback_set(gsasl, callback);
	if (gsasl_server_support_p(gsasl, names[SCRAM]) != 0 &&
	    gsasl_server_support_p(gsasl, names[SCRAM_PLUS]) != 0 &&
	    gsasl_server_support_p(gsasl, names[LOGIN]) != 0)
		return gsasl;
	gsasl_done(gsasl);
	return NULL;
}

/* The proof was right. Between the two messages minutes may have gone by: was
 * the user disabled, or the password changed? */
static enum sasl_next
finish_scram(struct sasl *s, struct buf *out)
{
	struct account_settings *settings;
	struct account_credentials now;
	struct pst_error err;
	enum pst_rc rc;
	bool blocked;
	const char *authzid = gsasl_property_fast(s->session, GSASL_AUTHZID);

	if (!s->is_real || !is_self(s, str_of(authzid)))
		return failed(s, out);
	rc = account_credentials(s->a, s->name, &now, &err);
	if (rc != PST_OK && rc != PST_E_NOTFOUND) {
		log_failure(PST_LOG_ERROR, 0, "accounts", &err);
		return ended(s, AUTH_TEMP, 0, out);
	}
	if (rc != PST_OK || !now.user.enabled || now.keys.iterations == 0 ||
	    now.user.app_only || now.user.has_factor ||
	    gnutls_memcmp(now.keys.stored, s->who.keys.stored, 32) != 0)
		return failed(s, out);
	settings = account_settings_take(s->a);
	blocked = account_brake_blocks(
	    s->a->brake, settings->cfg, s->peer, s->name, &s->delay);
	account_settings_give(s->a, &settings);
	if (blocked)
		return ended(s, AUTH_BLOCKED, s->delay, out);
	account_brake_passed(s->a->brake, s->peer, s->name);
	s->user = now.user;
	s->state = SASL_LAST;
	return SASL_MORE;
}

/* Takes libgsasl's answer over into `out`. */
static int
step_gsasl(struct sasl *s, struct pst_str in, struct buf *out)
{
	char *answer = NULL;
	size_t n = 0;
	int code = gsasl_step(s->session, in.p, in.n, &answer, &n);

	buf_clear(out);
	if ((code == GSASL_OK || code == GSASL_NEEDS_MORE) && n > 0 &&
	    !buf_add(out, answer, n))
		code = GSASL_MALLOC_ERROR;
	gsasl_free(answer);
	return code;
}

static enum sasl_next
step_scram(struct sasl *s, struct pst_str in, struct buf *out)
{
	int code;

	/* A binding cannot be asked for by a mechanism without one. */
	if (!s->is_asked && s->mechanism == SCRAM && in.n > 0 && in.p[0] == 'p')
		return failed(s, out);
	code = step_gsasl(s, in, out);
	if (s->is_asked && s->result != AUTH_OK)
		return ended(s, s->result, s->delay, out);
	if (code == GSASL_OK)
		return finish_scram(s, out);
	if (code != GSASL_NEEDS_MORE)
		return failed(s, out);
	s->state = SASL_GOING;
	return SASL_MORE;
}

/* libgsasl begins with the question for the name, even when there is an
 * initial response with it. Some clients look for these very prompts. */
static enum sasl_next
step_login(struct sasl *s, struct pst_str in, bool has_in, struct buf *out)
{
	bool first = s->state == SASL_FIRST;
	int code;

	s->state = SASL_GOING;
	if (first) {
		code = step_gsasl(s, STR_NONE, out);
		buf_clear(out);
		if (code != GSASL_NEEDS_MORE)
			return failed(s, out);
		if (!has_in) {
			(void)buf_puts(out, "Username:");
			return SASL_MORE;
		}
	}
	code = step_gsasl(s, in, out);
	if (code == GSASL_NEEDS_MORE) {
		buf_clear(out);
		(void)buf_puts(out, "Password:");
		return SASL_MORE;
	}
	/* Malformed: nothing was checked, and nothing counted yet. */
	if (!s->is_asked)
		return failed(s, out);
	return ended(s, s->result, s->delay, out);
}

/* --- what a protocol calls
 * ----------------------------------------------------- */

static bool
start(struct sasl *s, const struct sasl_peer *peer)
{
	if (gsasl_server_start(s->a->gsasl, names[s->mechanism], &s->session) !=
	    GSASL_OK)
		return false;
	gsasl_session_hook_set(s->session, s);
	/* With it set, libgsasl also refuses the flag "y": a client which says
	 * that we offered no binding was lied to (RFC 5802, 6). */
	return !peer->tls || set_base64(s->session, GSASL_CB_TLS_EXPORTER,
				 peer->exporter, sizeof(peer->exporter));
}

static enum auth_scope
scope_of(const char *service)
{
	if (strcmp(service, "imap") == 0)
		return AUTH_IMAP;
	if (strcmp(service, "sieve") == 0)
		return AUTH_SIEVE;
	return strcmp(service, "pop") == 0 ? AUTH_POP3 : AUTH_SMTP;
}

struct sasl *
sasl_new(
    struct accounts *a, struct pst_str mechanism, const struct sasl_peer *peer)
{
	struct sasl *s;
	unsigned m = 0;

	while (m <= LOGIN && !str_is_case(mechanism, names[m]))
		m++;
	if (m > LOGIN || (m == SCRAM_PLUS && !peer->tls))
		return NULL;
	s = mem_alloc(sizeof(*s));
	s->a = a;
	s->mechanism = (enum mechanism)m;
	s->result = AUTH_FAILED;
	s->peer = str_dup(str_of(peer->peer));
	s->scope = scope_of(peer->service);
	if (s->mechanism != PLAIN && !start(s, peer))
		sasl_free(&s);
	return s;
}

void
sasl_free(struct sasl **s)
{
	if (*s == NULL)
		return;
	if ((*s)->session != NULL)
		gsasl_finish((*s)->session);
	free((*s)->peer);
	gnutls_memset(*s, 0, sizeof(**s));
	free(*s);
	*s = NULL;
}

enum sasl_next
sasl_step(struct sasl *s, struct pst_str in, bool has_in, struct buf *out)
{
	buf_clear(out);
	if (s->state == SASL_ENDED)
		return SASL_DONE;
	if (s->state == SASL_LAST) {
		if (in.n > 0)
			return failed(s, out);
		return ended(s, AUTH_OK, 0, out);
	}
	if (s->state == SASL_FIRST && !has_in && s->mechanism != LOGIN) {
		s->state = SASL_GOING;
		return SASL_MORE;
	}
	if (in.n > MESSAGE_MAX ||
	    (in.n == 0 && (has_in || s->state != SASL_FIRST)))
		return failed(s, out);
	switch (s->mechanism) {
	case SCRAM_PLUS:
	case SCRAM:
		return step_scram(s, in, out);
	case PLAIN:
		return step_plain(s, in, out);
	case LOGIN:
		break;
	}
	return step_login(s, in, has_in, out);
}

bool
sasl_is_last(const struct sasl *s)
{
	return s->state == SASL_LAST;
}

enum auth_result
sasl_result(struct sasl *s, struct account_user *user_r, int64_t *delay_r)
{
	memset(user_r, 0, sizeof(*user_r));
	if (s->state == SASL_ENDED && s->result == AUTH_OK)
		*user_r = s->user;
	*delay_r = s->state == SASL_ENDED ? s->delay : 0;
	return s->state == SASL_ENDED ? s->result : AUTH_FAILED;
}
