/*
 * web/webauthn.c - passkeys as browsers speak of them: what they are asked, in
 * JSON, and what they answer (Web Authentication Level 2; the forms are those
 * of Level 3, 5.1.8 to 5.1.10). Whose page it is, is the address that the
 * browser reached us by.
 */
#include "web/priv.h"

#include "account/sessions.h"
#include "base/codec.h"
#include "base/log.h"
#include "base/str.h"
#include <arpa/inet.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

enum {
	OBJECT = 32 * 1024, /* octets of what an authenticator says */
	TIMEOUT = CHALLENGE_LIFE * 1000,
};

/* --- whose page -------------------------------------------------------------
 */

/* The host of the origin is the RP ID. "": there are no passkeys for it. */
static void
find_rp_id(struct http_request *h, char id_r[256])
{
	struct pst_str origin = str_of(http_origin(h)), host;
	unsigned char octets[16];
	bool is_tls = str_has_prefix_case(origin, "https://");

	host = str_from(origin, is_tls ? 8 : 7);
	host = str_first(host, str_find(host, ':'));
	id_r[0] = '\0';
	/* Addresses are no domains; those of IPv6 begin with a bracket. */
	if (host.n == 0 || host.n > 255 || host.p[0] == '[')
		return;
	(void)str_copy(id_r, 256, host);
	if (inet_pton(AF_INET, id_r, octets) == 1 ||
	    (!is_tls && !str_is(host, "localhost")))
		id_r[0] = '\0';
}

bool
web_has_passkeys(struct http_request *h)
{
	char id[256];

	find_rp_id(h, id);
	return id[0] != '\0';
}

/* --- what is asked ----------------------------------------------------------
 */

static void
list_credential(void *arg, const struct passkey *p)
{
	(void)json_array_append_new(arg,
	    json_pack("{s:s, s:s}", "type", "public-key", "id", p->credential));
}

/* NULL: it was answered that it cannot be. */
static json_t *
list_credentials(struct http_request *h, const char *user)
{
	struct pst_error err = { 0 };
	json_t *list = json_array();

	if (*user == '\0' || passkey_each(http_services(h)->accounts, user,
				 list_credential, list, &err) == PST_OK)
		return list;
	json_decref(list);
	web_refused(h, &err);
	return NULL;
}

static json_t *
algorithms(void)
{
	static const enum webauthn_algorithm ours[] = { WEBAUTHN_ES256,
		WEBAUTHN_EDDSA, WEBAUTHN_RS256 };
	json_t *list = json_array();

	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		(void)json_array_append_new(
		    list, json_pack("{s:s, s:i}", "type", "public-key", "alg",
			      (int)ours[i]));
	return list;
}

static void
no_passkeys(struct http_request *h)
{
	http_problem(h, 403, "urn:postern:passkey:insecure",
	    "Passkeys need a secure connection, to a name and not to an "
	    "address.");
}

json_t *
web_passkey_creation(struct http_request *h)
{
	const struct account_user *user = http_user(h);
	char challenge[CHALLENGE_TEXT], handle[PASSKEY_HANDLE], rp[256];
	struct pst_error err = { 0 };
	json_t *list;

	find_rp_id(h, rp);
	if (rp[0] == '\0') {
		no_passkeys(h);
		return NULL;
	}
	if (passkey_handle(http_services(h)->accounts, user->address, handle,
		&err) != PST_OK) {
		web_refused(h, &err);
		return NULL;
	}
	list = list_credentials(h, user->address);
	if (list == NULL)
		return NULL;
	challenge_make(CHALLENGE_REGISTER, user->address, challenge);
	return json_pack("{s:{s:s, s:s}, s:{s:s, s:s, s:s}, s:s, s:o, s:i, "
			 "s:o, s:{s:s, s:b, s:s}, s:s}",
	    "rp", "id", rp, "name", rp, "user", "id", handle, "name",
	    user->address, "displayName",
	    user->name[0] != '\0' ? user->name : user->address, "challenge",
	    challenge, "pubKeyCredParams", algorithms(), "timeout", TIMEOUT,
	    "excludeCredentials", list, "authenticatorSelection", "residentKey",
	    "required", "requireResidentKey", 1, "userVerification", "required",
	    "attestation", "none");
}

/* Behind a password it is enough that somebody is there. */
static const char *
verification(enum challenge_purpose purpose)
{
	return purpose == CHALLENGE_FACTOR ? "preferred" : "required";
}

json_t *
web_passkey_request(
    struct http_request *h, enum challenge_purpose purpose, const char *user)
{
	char challenge[CHALLENGE_TEXT], rp[256];
	json_t *list;

	find_rp_id(h, rp);
	if (rp[0] == '\0') {
		no_passkeys(h);
		return NULL;
	}
	list = list_credentials(h, user);
	if (list == NULL)
		return NULL;
	challenge_make(purpose, user, challenge);
	return json_pack("{s:s, s:s, s:i, s:s, s:o}", "challenge", challenge,
	    "rpId", rp, "timeout", TIMEOUT, "userVerification",
	    verification(purpose), "allowCredentials", list);
}

/* --- what is answered -------------------------------------------------------
 */

/* A member in base64url, decoded into the request's arena. */
static bool
take(struct http_request *h, const json_t *root, const char *key,
    struct pst_str *octets_r)
{
	const char *text = web_text(root, key);
	struct buf octets;
	bool ok;

	*octets_r = STR_NONE;
	if (text == NULL)
		return false;
	buf_init(&octets, OBJECT);
	ok = base64url_decode(str_of(text), &octets) && octets.n > 0;
	if (ok)
		*octets_r = arena_copy(http_asked(h)->arena, buf_str(&octets));
	buf_fini(&octets);
	return ok && octets_r->p != NULL;
}

/* 7.1, steps 7 to 10, and 7.2, steps 11 to 14. */
static bool
is_our_client(struct http_request *h, const struct webauthn_client *client,
    const char *type)
{
	return strcmp(client->type, type) == 0 && !client->is_foreign &&
	       strcmp(client->origin, http_origin(h)) == 0;
}

/* The authenticator was asked for this site, by somebody who was there. */
static bool
is_our_data(
    struct http_request *h, const struct webauthn_data *data, unsigned flags)
{
	unsigned char hash[32];
	char rp[256];

	find_rp_id(h, rp);
	return rp[0] != '\0' && (data->flags & flags) == flags &&
	       gnutls_hash_fast(GNUTLS_DIG_SHA256, rp, strlen(rp), hash) >= 0 &&
	       memcmp(hash, data->rp_id_hash, sizeof(hash)) == 0;
}

static bool
read_made(struct http_request *h, const json_t *credential,
    struct webauthn_data *data_r)
{
	const json_t *response = json_object_get(credential, "response");
	struct pst_str json, object, data;
	struct webauthn_client client;

	return take(h, response, "clientDataJSON", &json) &&
	       take(h, response, "attestationObject", &object) &&
	       webauthn_read_client(json, &client) &&
	       is_our_client(h, &client, "webauthn.create") &&
	       webauthn_read_attestation(object, &data) &&
	       webauthn_read_data(data, data_r) &&
	       is_our_data(h, data_r,
		   WEBAUTHN_PRESENT | WEBAUTHN_VERIFIED |
		       WEBAUTHN_HAS_CREDENTIAL) &&
	       challenge_is_ours(CHALLENGE_REGISTER, http_user(h)->address,
		   client.challenge, client.challenge_n) &&
	       challenge_use(client.challenge, client.challenge_n);
}

bool
web_passkey_made(struct http_request *h, const json_t *credential,
    struct webauthn_data *data_r)
{
	if (read_made(h, credential, data_r))
		return true;
	http_problem(h, 422, "urn:postern:passkey:refused",
	    "This passkey could not be checked. Try again.");
	return false;
}

/* What a passkey answered, decoded. */
struct answer {
	struct pst_str id, json, data, signature;
	const char *handle; /* NULL: it does not tell */
	struct webauthn_client client;
	struct webauthn_data read;
};

static bool
read_answer(struct http_request *h, const json_t *credential, struct answer *a)
{
	const json_t *response = json_object_get(credential, "response");

	a->handle = web_text(response, "userHandle");
	return take(h, credential, "id", &a->id) &&
	       take(h, response, "clientDataJSON", &a->json) &&
	       take(h, response, "authenticatorData", &a->data) &&
	       take(h, response, "signature", &a->signature) &&
	       webauthn_read_client(a->json, &a->client) &&
	       webauthn_read_data(a->data, &a->read) &&
	       is_our_client(h, &a->client, "webauthn.get");
}

/* 7.2, step 6: the passkey is the user's, or tells whose it is. */
static bool
is_owner(const struct answer *a, const struct passkey *p, const char *user)
{
	if (*user != '\0' && strcmp(p->user, user) != 0)
		return false;
	return a->handle != NULL ? strcmp(a->handle, p->handle) == 0
				 : *user != '\0';
}

static enum auth_result
result_of(struct http_request *h, enum pst_rc rc, const struct pst_error *err)
{
	if (rc == PST_OK)
		return AUTH_OK;
	if (rc == PST_E_NOTFOUND || rc == PST_E_CONFLICT)
		return AUTH_FAILED;
	log_failure(PST_LOG_ERROR, net_id(http_conn(h)), "passkey", err);
	return AUTH_TEMP;
}

/* The signature is good: it is used up. */
static enum auth_result
use(struct http_request *h, const struct answer *a, const struct passkey *p)
{
	struct accounts *accounts = http_services(h)->accounts;
	struct account_user user;
	struct pst_error err = { 0 };
	enum pst_rc rc;

	if (!challenge_use(a->client.challenge, a->client.challenge_n))
		return AUTH_FAILED;
	rc = account_find(accounts, p->user, &user, &err);
	if (rc == PST_OK && !user.enabled)
		rc = PST_E_NOTFOUND;
	if (rc == PST_OK)
		rc = passkey_used(accounts, p, a->read.count, &err);
	if (rc == PST_E_CONFLICT)
		log_event(PST_LOG_WARNING, net_id(http_conn(h)),
		    "passkey-copied", "user", p->user, "id", p->id, "peer",
		    net_peer(http_conn(h)), NULL);
	return result_of(h, rc, &err);
}

static enum auth_result
check(struct http_request *h, const struct answer *a,
    enum challenge_purpose purpose, const char *user, struct passkey *found_r)
{
	unsigned flags = WEBAUTHN_PRESENT;
	struct pst_error err = { 0 };
	enum auth_result result = result_of(h,
	    passkey_find(http_services(h)->accounts, a->id, found_r, &err),
	    &err);

	if (purpose != CHALLENGE_FACTOR)
		flags |= WEBAUTHN_VERIFIED;
	if (result != AUTH_OK)
		return result;
	if (!is_owner(a, found_r, user) || !is_our_data(h, &a->read, flags) ||
	    !challenge_is_ours(
		purpose, user, a->client.challenge, a->client.challenge_n) ||
	    !webauthn_verify(&found_r->key, a->data, a->json, a->signature))
		return AUTH_FAILED;
	return use(h, a, found_r);
}

enum auth_result
web_passkey_check(struct http_request *h, const json_t *credential,
    enum challenge_purpose purpose, const char *user, struct passkey *found_r,
    int64_t *delay_r)
{
	struct accounts *accounts = http_services(h)->accounts;
	const char *peer = net_peer(http_conn(h));
	/* Nobody is kept out by what others say in their name. */
	const char *whose = *user != '\0' ? user : NULL;
	struct answer answer;
	enum auth_result result;

	memset(found_r, 0, sizeof(*found_r));
	if (auth_is_blocked(accounts, peer, whose, delay_r))
		return AUTH_BLOCKED;
	result = read_answer(h, credential, &answer)
		     ? check(h, &answer, purpose, user, found_r)
		     : AUTH_FAILED;
	if (result == AUTH_FAILED)
		*delay_r = auth_failed(accounts, peer, whose);
	if (result == AUTH_OK)
		auth_passed(accounts, peer, found_r->user);
	return result;
}
