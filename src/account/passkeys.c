/*
 * account/passkeys.c - see passkeys.h. A passkey is a row of the table of
 * credentials. Its id there is a hash of the authenticator's id, which may be
 * long; "value" is the user's handle, the authenticator's id and the key;
 * "uses" counts signatures; "scopes" is ASKED when it is asked for after the
 * password.
 */
#include "account/passkeys.h"

#include "account/private.h"
#include "base/clock.h"
#include "base/codec.h"
#include "base/str.h"
#include <gnutls/crypto.h>
#include <stdlib.h>

enum { HANDLE_OCTETS = 16, ASKED = 1 };
enum { VALUE = PASSKEY_HANDLE + PASSKEY_CREDENTIAL + WEBAUTHN_KEY_TEXT };

static const char kind[] = "passkey";

static bool
id_of(struct pst_str credential, char id_r[PASSKEY_ID])
{
	unsigned char digest[32];

	if (gnutls_hash_fast(
		GNUTLS_DIG_SHA256, credential.p, credential.n, digest) < 0)
		return false;
	hex_encode(digest, (PASSKEY_ID - 1) / 2, id_r);
	return true;
}

static bool
encode(struct pst_str octets, char *to, size_t size)
{
	struct buf text;
	bool ok;

	buf_init(&text, 2 * size);
	ok = base64url_encode(octets, &text) &&
	     str_copy(to, size, buf_str(&text));
	buf_fini(&text);
	return ok;
}

/* --- rows ------------------------------------------------------------------
 */

static bool
read_value(struct pst_str value, struct passkey *p)
{
	struct pst_str handle, credential;

	return str_split(&value, ' ', &handle) &&
	       str_split(&value, ' ', &credential) &&
	       str_copy(p->handle, sizeof(p->handle), handle) &&
	       str_copy(p->credential, sizeof(p->credential), credential) &&
	       webauthn_read_key(value, &p->key);
}

struct passkeys {
	struct passkey *list;
	size_t n, max;
	int64_t asked;
};

/* A row that cannot be read is nobody's passkey. */
static void
take_passkey(void *arg, const struct pst_value *row, size_t n)
{
	struct passkeys *to = arg;
	struct passkey *p = &to->list[to->n];

	(void)n;
	if (to->n == to->max || row[4].type != PST_TEXT)
		return;
	memset(p, 0, sizeof(*p));
	account_value_text(&row[0], p->user, sizeof(p->user));
	account_value_text(&row[2], p->id, sizeof(p->id));
	account_value_text(&row[3], p->name, sizeof(p->name));
	p->created = row[6].integer;
	p->used = row[7].integer;
	p->count = row[9].integer;
	to->asked |= row[5].integer;
	to->n += read_value(row[4].octets, p);
}

static enum pst_rc
read_all(struct account_conn *c, const char *user, struct passkeys *to,
    struct pst_error *err)
{
	enum pst_rc rc = account_rows(
	    c, Q_CREDENTIALS_OF_KIND, take_passkey, to, err, "tt", user, kind);

	return rc == PST_E_NOTFOUND ? PST_OK : rc;
}

static struct passkeys
new_list(void)
{
	return (struct passkeys){
		.list = mem_array(PASSKEYS, sizeof(struct passkey)),
		.max = PASSKEYS,
	};
}

/* --- looking ----------------------------------------------------------------
 */

static enum pst_rc
list_all(struct accounts *a, const char *user, struct passkeys *to,
    struct pst_error *err)
{
	char clean[ACCOUNT_ADDRESS];
	struct account_conn *c;
	enum pst_rc rc;

	if (!account_normalise(str_of(user), clean))
		return account_no_such_user(PST_E_NOTFOUND, user, err);
	c = account_db_take(a->db, err);
	if (c == NULL)
		return PST_E_TEMP;
	rc = read_all(c, clean, to, err);
	account_db_give(&c);
	return rc;
}

enum pst_rc
passkey_each(struct accounts *a, const char *user,
    void (*fn)(void *arg, const struct passkey *p), void *arg,
    struct pst_error *err)
{
	struct passkeys found = new_list();
	enum pst_rc rc = list_all(a, user, &found, err);

	for (size_t i = 0; rc == PST_OK && i < found.n; i++)
		fn(arg, &found.list[i]);
	free(found.list);
	return rc;
}

/* As the other passkeys have it; else made of the secret of these accounts, so
 * that it is the same when an authenticator has asked and when it answers. */
enum pst_rc
passkey_handle(struct accounts *a, const char *user,
    char handle_r[PASSKEY_HANDLE], struct pst_error *err)
{
	struct passkeys found = new_list();
	unsigned char secret[32], mac[32];
	char text[ACCOUNT_ADDRESS + 16];
	enum pst_rc rc = list_all(a, user, &found, err);
	int n;

	if (rc == PST_OK && found.n > 0) {
		memcpy(handle_r, found.list[0].handle, PASSKEY_HANDLE);
	} else if (rc == PST_OK) {
		rc = account_secret(a, secret, err);
		n = snprintf(text, sizeof(text), "passkey %s", user);
		account_hmac(secret, text, (size_t)n, mac);
		(void)encode(str_n((const char *)mac, HANDLE_OCTETS), handle_r,
		    PASSKEY_HANDLE);
		explicit_bzero(secret, sizeof(secret));
	}
	free(found.list);
	return rc;
}

enum pst_rc
passkey_find(struct accounts *a, struct pst_str credential,
    struct passkey *found_r, struct pst_error *err)
{
	struct passkeys found = { .list = found_r, .max = 1 };
	char id[PASSKEY_ID], text[PASSKEY_CREDENTIAL];
	struct account_conn *c;
	enum pst_rc rc;

	if (credential.n == 0 || credential.n > WEBAUTHN_ID ||
	    !id_of(credential, id) || !encode(credential, text, sizeof(text)))
		return pst_fail(err, PST_E_NOTFOUND, 0, "no such passkey");
	c = account_db_take(a->db, err);
	if (c == NULL)
		return PST_E_TEMP;
	rc = account_rows(
	    c, Q_CREDENTIAL_BY_ID, take_passkey, &found, err, "tt", kind, id);
	account_db_give(&c);
	if (rc == PST_OK &&
	    (found.n == 0 || strcmp(found_r->credential, text) != 0))
		rc = PST_E_NOTFOUND;
	if (rc == PST_E_NOTFOUND)
		return pst_fail(err, rc, 0, "no such passkey");
	return rc;
}

/* --- changing ---------------------------------------------------------------
 */

static enum pst_rc
insert(struct account_conn *c, const struct passkey *p, const char *value,
    struct pst_error *err)
{
	struct passkeys have = new_list();
	enum pst_rc rc = account_run(c, Q_USER, err, "t", p->user);

	if (rc == PST_E_NOTFOUND)
		rc = account_no_such_user(PST_E_NOTFOUND, p->user, err);
	if (rc == PST_OK) {
		/* Whoever has it: it would log in two users. */
		rc = account_run(c, Q_CREDENTIAL_BY_ID, err, "tt", kind, p->id);
		if (rc == PST_OK)
			rc = pst_fail(err, PST_E_EXISTS, 0,
			    "there is this passkey already");
		else if (rc == PST_E_NOTFOUND)
			rc = read_all(c, p->user, &have, err);
	}
	if (rc == PST_OK && have.n == PASSKEYS)
		rc = pst_fail(err, PST_E_LIMIT, 0,
		    "There are %d passkeys already: remove one first.",
		    PASSKEYS);
	if (rc == PST_OK)
		rc = account_run(c, Q_CREDENTIAL_ADD, err, "tttttiiiii",
		    p->user, kind, p->id, p->name, value, have.asked,
		    p->created, (int64_t)0, (int64_t)0, p->count);
	free(have.list);
	return rc;
}

enum pst_rc
passkey_add(struct accounts *a, const char *user, const char *name,
    const struct webauthn_data *data, struct passkey *made_r,
    struct pst_error *err)
{
	char key[WEBAUTHN_KEY_TEXT], value[VALUE];
	struct account_conn *c;
	enum pst_rc rc;

	memset(made_r, 0, sizeof(*made_r));
	if (!account_normalise(str_of(user), made_r->user))
		return account_no_such_user(PST_E_NOTFOUND, user, err);
	if (!account_is_label(name))
		return pst_fail(err, PST_E_SYNTAX, 0,
		    "A passkey has a name of 1 to 128 octets.");
	if (data->id.n == 0 || data->id.n > WEBAUTHN_ID ||
	    !webauthn_is_key(&data->key) ||
	    !webauthn_print_key(&data->key, key) ||
	    !id_of(data->id, made_r->id) ||
	    !encode(data->id, made_r->credential, sizeof(made_r->credential)))
		return pst_fail(
		    err, PST_E_SYNTAX, 0, "This passkey cannot be used here.");
	rc = passkey_handle(a, made_r->user, made_r->handle, err);
	if (rc != PST_OK)
		return rc;
	(void)str_copy(made_r->name, sizeof(made_r->name), str_of(name));
	(void)snprintf(value, sizeof(value), "%s %s %s", made_r->handle,
	    made_r->credential, key);
	made_r->key = data->key;
	made_r->created = clock_seconds();
	made_r->count = data->count;
	c = account_db_write(a->db, err);
	if (c == NULL)
		return PST_E_TEMP;
	return account_db_write_done(&c, insert(c, made_r, value, err), err);
}

/* What it says of the signatures only grows, also when two come at once. */
static enum pst_rc
count(struct account_conn *c, const struct passkey *p, uint32_t n,
    struct pst_error *err)
{
	char key[WEBAUTHN_KEY_TEXT], value[VALUE];
	enum pst_rc rc;

	if (!webauthn_print_key(&p->key, key))
		return pst_fail(err, PST_E_NOTFOUND, 0, "no key");
	(void)snprintf(
	    value, sizeof(value), "%s %s %s", p->handle, p->credential, key);
	rc = account_run(c, Q_CREDENTIAL_COUNTED, err, "tttiit", p->user, kind,
	    p->id, (int64_t)n, clock_seconds(), value);
	if (rc != PST_E_NOTFOUND)
		return rc;
	rc = account_run(c, Q_CREDENTIAL, err, "ttt", p->user, kind, p->id);
	return rc == PST_OK ? pst_fail(err, PST_E_CONFLICT, 0,
				  "the passkey counts backwards")
			    : rc;
}

enum pst_rc
passkey_used(struct accounts *a, const struct passkey *p, uint32_t n,
    struct pst_error *err)
{
	struct account_conn *c = account_db_write(a->db, err);
	enum pst_rc rc;

	if (c == NULL)
		return PST_E_TEMP;
	rc = count(c, p, n, err);
	if (rc == PST_OK)
		rc = account_factor_shown(c, p->user, err);
	return account_db_write_done(&c, rc, err);
}

static enum pst_rc
change(struct accounts *a, const char *user, const char *id, const char *name,
    struct pst_error *err)
{
	char clean[ACCOUNT_ADDRESS];
	struct account_conn *c;
	enum pst_rc rc;

	if (!account_normalise(str_of(user), clean))
		return account_no_such_user(PST_E_NOTFOUND, user, err);
	c = account_db_write(a->db, err);
	if (c == NULL)
		return PST_E_TEMP;
	rc = name != NULL ? account_run(c, Q_CREDENTIAL_NAME, err, "tttt",
				clean, kind, id, name)
			  : account_run(c, Q_CREDENTIAL_DELETE, err, "ttt",
				clean, kind, id);
	rc = account_db_write_done(&c, rc, err);
	if (rc == PST_E_NOTFOUND)
		return pst_fail(err, rc, 0, "no such passkey");
	return rc;
}

enum pst_rc
passkey_rename(struct accounts *a, const char *user, const char *id,
    const char *name, struct pst_error *err)
{
	if (!account_is_label(name))
		return pst_fail(err, PST_E_SYNTAX, 0,
		    "A passkey has a name of 1 to 128 octets.");
	return change(a, user, id, name, err);
}

enum pst_rc
passkey_delete(
    struct accounts *a, const char *user, const char *id, struct pst_error *err)
{
	return change(a, user, id, NULL, err);
}

/* In a transaction that writes. */
static enum pst_rc
ask_for_all(struct account_conn *c, const char *user, bool asked,
    struct recovery_set *set_r, bool *has_set_r, struct pst_error *err)
{
	struct passkeys have = new_list();
	enum pst_rc rc = read_all(c, user, &have, err);

	if (rc == PST_OK && have.n == 0)
		rc = pst_fail(err, PST_E_NOTFOUND, 0, "there is no passkey");
	if (rc == PST_OK && asked)
		rc = account_recovery_first(c, user, set_r, has_set_r, err);
	if (rc == PST_OK)
		rc = account_run(c, Q_CREDENTIAL_SCOPES, err, "tti", user, kind,
		    (int64_t)(asked ? ASKED : 0));
	/* They were so already. */
	if (rc == PST_E_NOTFOUND && have.n > 0)
		rc = PST_OK;
	free(have.list);
	return rc;
}

enum pst_rc
passkey_ask(struct accounts *a, const char *user, bool asked,
    struct recovery_set *set_r, bool *has_set_r, struct pst_error *err)
{
	char clean[ACCOUNT_ADDRESS];
	struct account_conn *c;
	enum pst_rc rc;

	*has_set_r = false;
	if (!account_normalise(str_of(user), clean))
		return account_no_such_user(PST_E_NOTFOUND, user, err);
	c = account_db_write(a->db, err);
	if (c == NULL)
		return PST_E_TEMP;
	rc = ask_for_all(c, clean, asked, set_r, has_set_r, err);
	rc = account_db_write_done(&c, rc, err);
	if (rc != PST_OK)
		*has_set_r = false;
	return rc;
}
