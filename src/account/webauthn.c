/*
 * account/webauthn.c - see webauthn.h.
 */
#include "account/webauthn.h"

#include "base/cbor.h"
#include "base/codec.h"
#include "base/str.h"
#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <jansson.h>

enum {
	HASH = 32,
	AAGUID = 16,
	COORDINATE = 32,
	MODULUS_LEAST = 256, /* octets: RSA with 2048 bits */
	EXPONENT_MOST = 8,
};

/* --- the client's data ------------------------------------------------------
 */

static bool
take_text(const json_t *root, const char *key, char *to, size_t size)
{
	const json_t *value = json_object_get(root, key);

	return json_is_string(value) &&
	       json_string_length(value) == strlen(json_string_value(value)) &&
	       str_copy(to, size, str_of(json_string_value(value)));
}

static bool
take_challenge(const json_t *root, struct webauthn_client *r)
{
	char text[2 * WEBAUTHN_CHALLENGE];
	struct buf octets;
	bool ok;

	if (!take_text(root, "challenge", text, sizeof(text)))
		return false;
	buf_init(&octets, sizeof(r->challenge));
	ok = base64url_decode(str_of(text), &octets) && octets.n > 0;
	if (ok)
		memcpy(r->challenge, octets.p, octets.n);
	r->challenge_n = octets.n;
	buf_fini(&octets);
	return ok;
}

bool
webauthn_read_client(struct pst_str json, struct webauthn_client *r)
{
	json_t *root;
	bool ok;

	memset(r, 0, sizeof(*r));
	if (json.n > WEBAUTHN_CLIENT_DATA)
		return false;
	root = json_loadb(
	    json.p != NULL ? json.p : "", json.n, JSON_REJECT_DUPLICATES, NULL);
	ok = take_text(root, "type", r->type, sizeof(r->type)) &&
	     take_text(root, "origin", r->origin, sizeof(r->origin)) &&
	     take_challenge(root, r);
	r->is_foreign = json_is_true(json_object_get(root, "crossOrigin"));
	json_decref(root);
	return ok;
}

/* --- keys -------------------------------------------------------------------
 */

/* The parameters of a COSE_Key that ours have (RFC 9053, 7.1; RFC 8230, 4). */
struct cose_key {
	int64_t kty, alg, curve;
	struct pst_str minus_1, minus_2, minus_3;
};

enum { KTY = 1, ALG = 3, OKP = 1, EC2 = 2, RSA = 3, P_256 = 1, ED25519 = 6 };

/* Twice the same parameter is two keys in one. */
static bool
take_octets(const struct cbor_item *value, struct pst_str *to)
{
	if (value->type != CBOR_OCTETS || to->p != NULL)
		return false;
	*to = value->octets;
	return value->octets.p != NULL;
}

static bool
take_integer(const struct cbor_item *value, int64_t *to)
{
	return *to == 0 && cbor_integer(value, to);
}

static bool
take_parameter(struct cose_key *k, int64_t label, const struct cbor_item *value)
{
	switch (label) {
	case KTY:
		return take_integer(value, &k->kty);
	case ALG:
		return take_integer(value, &k->alg);
	case -1: /* the curve, or the modulus */
		return value->type == CBOR_OCTETS
			   ? take_octets(value, &k->minus_1)
			   : take_integer(value, &k->curve);
	case -2:
		return take_octets(value, &k->minus_2);
	case -3:
		return take_octets(value, &k->minus_3);
	default:
		return value->type < CBOR_ARRAY;
	}
}

static bool
take_key(struct pst_str *in, struct cose_key *k)
{
	struct cbor_item map, label, value;
	int64_t number;

	memset(k, 0, sizeof(*k));
	if (!cbor_next(in, &map) || map.type != CBOR_MAP || map.number > 16)
		return false;
	for (uint64_t i = 0; i < map.number; i++)
		if (!cbor_next(in, &label) || !cbor_integer(&label, &number) ||
		    !cbor_next(in, &value) ||
		    !take_parameter(k, number, &value))
			return false;
	return true;
}

static bool
set_parts(struct webauthn_key *r, enum webauthn_algorithm algorithm,
    struct pst_str first, struct pst_str second)
{
	if (first.n > sizeof(r->first) || second.n > sizeof(r->second))
		return false;
	r->algorithm = algorithm;
	r->first_n = first.n;
	r->second_n = second.n;
	if (first.n > 0)
		memcpy(r->first, first.p, first.n);
	if (second.n > 0)
		memcpy(r->second, second.p, second.n);
	return true;
}

/* Have the parts the lengths of a key? */
static bool
fits(const struct webauthn_key *k)
{
	switch (k->algorithm) {
	case WEBAUTHN_ES256:
		return k->first_n == COORDINATE && k->second_n == COORDINATE;
	case WEBAUTHN_EDDSA:
		return k->first_n == COORDINATE && k->second_n == 0;
	case WEBAUTHN_RS256:
		return k->first_n >= MODULUS_LEAST && k->first[0] != 0 &&
		       k->second_n >= 1 && k->second_n <= EXPONENT_MOST;
	}
	return false;
}

static bool
make_key(const struct cose_key *k, struct webauthn_key *r)
{
	memset(r, 0, sizeof(*r));
	if (k->alg == WEBAUTHN_ES256 && k->kty == EC2 && k->curve == P_256)
		return set_parts(r, WEBAUTHN_ES256, k->minus_2, k->minus_3) &&
		       fits(r);
	if (k->alg == WEBAUTHN_EDDSA && k->kty == OKP && k->curve == ED25519)
		return set_parts(r, WEBAUTHN_EDDSA, k->minus_2, STR_NONE) &&
		       fits(r);
	if (k->alg == WEBAUTHN_RS256 && k->kty == RSA)
		return set_parts(r, WEBAUTHN_RS256, k->minus_1, k->minus_2) &&
		       fits(r);
	return false;
}

static const struct {
	enum webauthn_algorithm algorithm;
	const char *name; /* in texts */
	gnutls_sign_algorithm_t sign;
} algorithms[] = {
	{ WEBAUTHN_ES256, "ES256", GNUTLS_SIGN_ECDSA_SHA256 },
	{ WEBAUTHN_EDDSA, "EdDSA", GNUTLS_SIGN_EDDSA_ED25519 },
	{ WEBAUTHN_RS256, "RS256", GNUTLS_SIGN_RSA_SHA256 },
};
enum { ALGORITHMS = sizeof(algorithms) / sizeof(algorithms[0]) };

bool
webauthn_print_key(
    const struct webauthn_key *key, char text_r[WEBAUTHN_KEY_TEXT])
{
	struct buf out;
	bool ok = fits(key);

	buf_init(&out, WEBAUTHN_KEY_TEXT - 1);
	for (size_t i = 0; i < ALGORITHMS; i++)
		if (algorithms[i].algorithm == key->algorithm)
			ok = ok && buf_puts(&out, algorithms[i].name);
	ok = ok && buf_putc(&out, ' ') &&
	     base64url_encode(
		 str_n((const char *)key->first, key->first_n), &out);
	if (ok && key->second_n > 0)
		ok = buf_putc(&out, ' ') &&
		     base64url_encode(
			 str_n((const char *)key->second, key->second_n), &out);
	(void)str_copy(
	    text_r, WEBAUTHN_KEY_TEXT, ok ? buf_str(&out) : STR_NONE);
	buf_fini(&out);
	return ok;
}

static bool
read_part(struct pst_str *rest, unsigned char *to, size_t size, size_t *n_r)
{
	struct pst_str part;
	struct buf octets;
	bool ok;

	*n_r = 0;
	if (!str_split(rest, ' ', &part))
		return true;
	buf_init(&octets, size);
	ok = base64url_decode(part, &octets);
	if (ok && octets.n > 0)
		memcpy(to, octets.p, octets.n);
	*n_r = octets.n;
	buf_fini(&octets);
	return ok;
}

bool
webauthn_read_key(struct pst_str text, struct webauthn_key *r)
{
	struct pst_str name;
	size_t i = 0;

	memset(r, 0, sizeof(*r));
	if (!str_split(&text, ' ', &name))
		return false;
	while (i < ALGORITHMS && !str_is(name, algorithms[i].name))
		i++;
	if (i == ALGORITHMS)
		return false;
	r->algorithm = algorithms[i].algorithm;
	return read_part(&text, r->first, sizeof(r->first), &r->first_n) &&
	       read_part(&text, r->second, sizeof(r->second), &r->second_n) &&
	       text.n == 0 && fits(r);
}

/* --- the authenticator's data -----------------------------------------------
 */

static bool
take_bytes(struct pst_str *in, size_t n, struct pst_str *part_r)
{
	if (in->n < n)
		return false;
	*part_r = str_first(*in, n);
	*in = str_from(*in, n);
	return true;
}

static unsigned
octet(struct pst_str s, size_t i)
{
	return (unsigned char)s.p[i];
}

/* Attested credential data, 6.5.1. */
static bool
take_credential(struct pst_str *in, struct webauthn_data *r)
{
	struct pst_str aaguid, length;
	struct cose_key key;
	size_t n;

	if (!take_bytes(in, AAGUID, &aaguid) || !take_bytes(in, 2, &length))
		return false;
	n = octet(length, 0) << 8 | octet(length, 1);
	return n > 0 && n <= WEBAUTHN_ID && take_bytes(in, n, &r->id) &&
	       take_key(in, &key) && make_key(&key, &r->key);
}

bool
webauthn_read_data(struct pst_str in, struct webauthn_data *r)
{
	struct pst_str hash, head;

	memset(r, 0, sizeof(*r));
	if (!take_bytes(&in, HASH, &hash) || !take_bytes(&in, 5, &head))
		return false;
	memcpy(r->rp_id_hash, hash.p, HASH);
	r->flags = octet(head, 0);
	r->count = (uint32_t)octet(head, 1) << 24 | octet(head, 2) << 16 |
		   octet(head, 3) << 8 | octet(head, 4);
	if ((r->flags & WEBAUTHN_HAS_CREDENTIAL) != 0 &&
	    !take_credential(&in, r))
		return false;
	if ((r->flags & WEBAUTHN_HAS_EXTENSIONS) != 0 && !cbor_skip(&in))
		return false;
	return in.n == 0;
}

bool
webauthn_read_attestation(struct pst_str in, struct pst_str *data_r)
{
	struct cbor_item map, key, value;

	*data_r = STR_NONE;
	if (!cbor_next(&in, &map) || map.type != CBOR_MAP || map.number > 16)
		return false;
	for (uint64_t i = 0; i < map.number; i++) {
		struct pst_str rest;

		if (!cbor_next(&in, &key) || key.type != CBOR_TEXT)
			return false;
		rest = in;
		if (!cbor_skip(&in))
			return false;
		if (!str_is(key.octets, "authData"))
			continue;
		if (data_r->p != NULL || !cbor_next(&rest, &value) ||
		    value.type != CBOR_OCTETS)
			return false;
		*data_r = value.octets;
	}
	return in.n == 0 && data_r->p != NULL;
}

/* --- signatures -------------------------------------------------------------
 */

static gnutls_datum_t
datum(const void *p, size_t n)
{
	return (gnutls_datum_t){ (unsigned char *)(uintptr_t)p, (unsigned)n };
}

/* NULL: these numbers make no key. */
static gnutls_pubkey_t
import_key(const struct webauthn_key *k)
{
	gnutls_datum_t first = datum(k->first, k->first_n);
	gnutls_datum_t second = datum(k->second, k->second_n);
	gnutls_pubkey_t key = NULL;
	int code = GNUTLS_E_INVALID_REQUEST;

	if (!fits(k) || gnutls_pubkey_init(&key) < 0)
		return NULL;
	switch (k->algorithm) {
	case WEBAUTHN_ES256:
		code = gnutls_pubkey_import_ecc_raw(
		    key, GNUTLS_ECC_CURVE_SECP256R1, &first, &second);
		break;
	case WEBAUTHN_EDDSA:
		code = gnutls_pubkey_import_ecc_raw(
		    key, GNUTLS_ECC_CURVE_ED25519, &first, NULL);
		break;
	case WEBAUTHN_RS256:
		code = gnutls_pubkey_import_rsa_raw(key, &first, &second);
		break;
	}
	if (code >= 0 && gnutls_pubkey_verify_params(key) >= 0)
		return key;
	gnutls_pubkey_deinit(key);
	return NULL;
}

bool
webauthn_is_key(const struct webauthn_key *key)
{
	gnutls_pubkey_t imported = import_key(key);

	if (imported == NULL)
		return false;
	gnutls_pubkey_deinit(imported);
	return true;
}

bool
webauthn_verify(const struct webauthn_key *key, struct pst_str data,
    struct pst_str client, struct pst_str signature)
{
	gnutls_pubkey_t imported = import_key(key);
	gnutls_datum_t mark = datum(signature.p, signature.n), text;
	gnutls_sign_algorithm_t sign = GNUTLS_SIGN_UNKNOWN;
	struct buf all;
	bool ok;

	if (imported == NULL)
		return false;
	for (size_t i = 0; i < ALGORITHMS; i++)
		if (algorithms[i].algorithm == key->algorithm)
			sign = algorithms[i].sign;
	buf_init(&all, data.n + HASH);
	ok = signature.n > 0 && buf_add_str(&all, data) &&
	     buf_reserve(&all, HASH) != NULL &&
	     gnutls_hash_fast(
		 GNUTLS_DIG_SHA256, client.p, client.n, all.p + all.n) >= 0;
	if (ok) {
		text = datum(all.p, all.n + HASH);
		ok = gnutls_pubkey_verify_data2(
			 imported, sign, 0, &text, &mark) >= 0;
	}
	buf_fini(&all);
	gnutls_pubkey_deinit(imported);
	return ok;
}
