/*
 * jmap/vapid.c - who sends a push (RFC 8292): a token signed by ES256 with a
 * key that clients were told when they subscribed, so it stays the same.
 */
#include "jmap/webpush.h"

#include "base/codec.h"
#include "base/str.h"
#include "jmap/files.h"

#include <errno.h>
#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <gnutls/x509.h>
#include <jansson.h>
#include <stdlib.h>

enum {
	LIFE = 12 * 3600, /* seconds of a token; at most a day (2) */
	HALF = 32,	  /* octets of a number of the curve */
	FILE_LARGE = 4096,
};

struct vapid {
	gnutls_x509_privkey_t key;
	char public[(WEBPUSH_POINT + 2) / 3 * 4 + 1];
};

/* In exactly as many octets; GnuTLS has zeros in front, or leaves them out. */
static bool
put_number(struct buf *out, const gnutls_datum_t *d)
{
	struct pst_str s = str_n((const char *)d->data, d->size);
	static const char zeros[HALF];

	while (s.n > HALF && s.p[0] == '\0')
		s = str_from(s, 1);
	return s.n <= HALF && buf_add(out, zeros, HALF - s.n) &&
	       buf_add_str(out, s);
}

static bool
export_public(struct vapid *v)
{
	gnutls_datum_t x = { NULL, 0 }, y = { NULL, 0 };
	gnutls_ecc_curve_t curve;
	struct buf point, text;
	bool ok;

	buf_init(&point, WEBPUSH_POINT);
	buf_init(&text, sizeof(v->public));
	ok = gnutls_x509_privkey_export_ecc_raw(v->key, &curve, &x, &y, NULL) ==
		 0 &&
	     curve == GNUTLS_ECC_CURVE_SECP256R1 && buf_putc(&point, 4) &&
	     put_number(&point, &x) && put_number(&point, &y) &&
	     base64url_encode(buf_str(&point), &text) &&
	     str_copy(v->public, sizeof(v->public), buf_str(&text));
	gnutls_free(x.data);
	gnutls_free(y.data);
	buf_fini(&point);
	buf_fini(&text);
	return ok;
}

static enum pst_rc
make_key(
    struct vapid *v, const char *dir, const char *name, struct pst_error *err)
{
	gnutls_datum_t text = { NULL, 0 };
	enum pst_rc rc;
	int got = gnutls_x509_privkey_generate(v->key, GNUTLS_PK_ECDSA,
	    GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0);

	if (got == 0)
		got = gnutls_x509_privkey_export2_pkcs8(v->key,
		    GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN, &text);
	rc = got == 0 ? jmap_file_put(dir, name, (const char *)text.data, err)
		      : pst_fail(err, PST_E_TEMP, 0, "no key: %s",
			    gnutls_strerror(got));
	if (text.data != NULL)
		gnutls_memset(text.data, 0, text.size);
	gnutls_free(text.data);
	return rc;
}

/* NOTFOUND: there is no such file. */
static enum pst_rc
load_key(struct vapid *v, const char *path, struct pst_error *err)
{
	gnutls_datum_t text = { NULL, 0 };
	char octets[FILE_LARGE];
	FILE *f = fopen(path, "re");
	int got;

	if (f == NULL)
		return pst_fail(err,
		    errno == ENOENT ? PST_E_NOTFOUND : PST_E_PERM, errno,
		    "%s: %s", path, strerror(errno));
	text.data = (unsigned char *)octets;
	text.size = (unsigned)fread(octets, 1, sizeof(octets), f);
	(void)fclose(f);
	got = gnutls_x509_privkey_import2(
	    v->key, &text, GNUTLS_X509_FMT_PEM, NULL, 0);
	gnutls_memset(octets, 0, sizeof(octets));
	return got == 0 ? PST_OK
			: pst_fail(err, PST_E_PERM, 0, "%s: %s", path,
			      gnutls_strerror(got));
}

struct vapid *
vapid_open(const char *dir, const char *name, struct pst_error *err)
{
	struct vapid *v = mem_alloc(sizeof(*v));
	char path[PATH_MAX];
	enum pst_rc rc;

	(void)gnutls_x509_privkey_init(&v->key);
	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	rc = load_key(v, path, err);
	/* One that cannot be read is not replaced: clients know it. */
	if (rc == PST_E_NOTFOUND)
		rc = make_key(v, dir, name, err);
	if (rc == PST_OK && !export_public(v))
		rc = pst_fail(err, PST_E_PERM, 0, "%s: no key of P-256", path);
	if (rc != PST_OK)
		vapid_free(&v);
	return v;
}

void
vapid_free(struct vapid **vp)
{
	struct vapid *v = *vp;

	*vp = NULL;
	if (v == NULL)
		return;
	gnutls_x509_privkey_deinit(v->key);
	free(v);
}

const char *
vapid_public(const struct vapid *v)
{
	return v->public;
}

/* --- tokens ----------------------------------------------------------------
 */

/* "https://host" or "https://host:port" (2). */
static struct pst_str
origin_of(const char *url)
{
	struct pst_str s = str_of(url);
	size_t n = 8;

	while (n < s.n && strchr("/?#", s.p[n]) == NULL)
		n++;
	return str_first(s, n);
}

static bool
put_claims(struct buf *out, const char *url, const char *contact, int64_t now)
{
	struct pst_str origin = origin_of(url);
	json_t *claims = json_pack("{s:o, s:I, s:s}", "aud",
	    json_stringn(origin.p, origin.n), "exp", (json_int_t)(now + LIFE),
	    "sub", contact);
	char *text = claims != NULL ? json_dumps(claims, JSON_COMPACT) : NULL;
	bool ok = text != NULL && base64url_encode(str_of(text), out);

	free(text);
	json_decref(claims);
	return ok;
}

/* RFC 7515, A.3: both numbers one behind the other. */
static bool
put_signature(const struct vapid *v, struct pst_str what, struct buf *out)
{
	const gnutls_datum_t data = { (unsigned char *)(uintptr_t)what.p,
		(unsigned)what.n };
	gnutls_datum_t der = { NULL, 0 }, r = { NULL, 0 }, s = { NULL, 0 };
	gnutls_privkey_t key;
	struct buf both;
	bool ok;

	buf_init(&both, 2 * HALF);
	(void)gnutls_privkey_init(&key);
	ok = gnutls_privkey_import_x509(key, v->key, 0) == 0 &&
	     gnutls_privkey_sign_data(key, GNUTLS_DIG_SHA256, 0, &data, &der) ==
		 0 &&
	     gnutls_decode_rs_value(&der, &r, &s) == 0 &&
	     put_number(&both, &r) && put_number(&both, &s) &&
	     base64url_encode(buf_str(&both), out);
	gnutls_privkey_deinit(key);
	gnutls_free(der.data);
	gnutls_free(r.data);
	gnutls_free(s.data);
	buf_fini(&both);
	return ok;
}

bool
vapid_authorization(const struct vapid *v, const char *url, const char *contact,
    int64_t now, struct buf *out)
{
	struct buf token;
	bool ok;

	buf_init(&token, 8192);
	ok = base64url_encode(
		 STR("{\"typ\":\"JWT\",\"alg\":\"ES256\"}"), &token) &&
	     buf_putc(&token, '.') && put_claims(&token, url, contact, now);
	if (ok) {
		struct buf signature;

		buf_init(&signature, 128);
		ok = put_signature(v, buf_str(&token), &signature) &&
		     buf_printf(out, "vapid t=%.*s.%.*s, k=%s",
			 STR_ARG(buf_str(&token)), STR_ARG(buf_str(&signature)),
			 v->public);
		buf_fini(&signature);
	}
	buf_fini(&token);
	return ok;
}
