/*
 * net/tls.c - certificates and policy. A set of certificates is immutable and
 * counted; a reload puts a new set in its place while sessions keep theirs.
 *
 * Each certificate has credentials of its own. Which of them a session gets is
 * chosen when the client has said which server name it wants (RFC 6066, 3);
 * GnuTLS's own choice knows neither wildcards nor letters of another case.
 */
#include "net/priv.h"

#include "base/clock.h"
#include "base/str.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <gnutls/abstract.h>
#include <gnutls/x509.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct tls_cert {
	gnutls_certificate_credentials_t credentials;
	gnutls_x509_crt_t leaf;
	struct config_strings names; /* empty: those in the certificate */
};

struct tls_certs {
	_Atomic unsigned refs;
	gnutls_priority_t priority;
	int64_t expires;
	struct tls_cert *cert; /* the first is the default */
	size_t n;
};

struct tls_context {
	pthread_mutex_t lock; /* guards certs */
	struct tls_certs *certs;
	gnutls_datum_t ticket_key;
};

enum { CHAIN_MAX = 16 };

static void
free_cert(struct tls_cert *cert)
{
	if (cert->credentials != NULL)
		gnutls_certificate_free_credentials(cert->credentials);
	if (cert->leaf != NULL)
		gnutls_x509_crt_deinit(cert->leaf);
	for (size_t i = 0; i < cert->names.n; i++)
		free(cert->names.v[i]);
	free(cert->names.v);
}

void
tls_certs_drop(struct tls_certs **cp)
{
	struct tls_certs *c = *cp;

	*cp = NULL;
	if (c == NULL || atomic_fetch_sub(&c->refs, 1) != 1)
		return;
	for (size_t i = 0; i < c->n; i++)
		free_cert(&c->cert[i]);
	free(c->cert);
	if (c->priority != NULL)
		gnutls_priority_deinit(c->priority);
	free(c);
}

struct tls_certs *
tls_certs_take(struct tls_context *t)
{
	struct tls_certs *c;

	pthread_mutex_lock(&t->lock);
	c = t->certs;
	atomic_fetch_add(&c->refs, 1);
	pthread_mutex_unlock(&t->lock);
	return c;
}

/* "*.example.org" stands for one label. */
static bool
name_matches(struct pst_str pattern, struct pst_str name)
{
	if (pattern.n > 2 && pattern.p[0] == '*' && pattern.p[1] == '.') {
		pattern = str_from(pattern, 1);
		name = str_from(name, str_find(name, '.'));
	}
	return name.n > 0 && str_eq_case(pattern, name);
}

static bool
is_for(const struct tls_cert *cert, const char *name)
{
	if (cert->names.n == 0)
		return gnutls_x509_crt_check_hostname(cert->leaf, name) != 0;
	for (size_t i = 0; i < cert->names.n; i++)
		if (name_matches(str_of(cert->names.v[i]), str_of(name)))
			return true;
	return false;
}

gnutls_certificate_credentials_t
tls_certs_choose(const struct tls_certs *c, const char *name)
{
	if (c->n == 0)
		return NULL;
	for (size_t i = 0; name != NULL && i < c->n; i++)
		if (is_for(&c->cert[i], name))
			return c->cert[i].credentials;
	return c->cert[0].credentials;
}

gnutls_priority_t
tls_certs_priority(const struct tls_certs *c)
{
	return c->priority;
}

const gnutls_datum_t *
tls_ticket_key(const struct tls_context *t)
{
	return t->ticket_key.data != NULL ? &t->ticket_key : NULL;
}

static enum pst_rc
failed(struct pst_error *err, const char *what, int rc)
{
	return pst_fail(
	    err, PST_E_PERM, 0, "%s: %s", what, gnutls_strerror(rc));
}

/* --- loading -----------------------------------------------------------------
 */

static int
take_leaf(
    struct tls_certs *set, struct tls_cert *cert, const gnutls_pcert_st *leaf)
{
	int64_t when;
	int rc = gnutls_pcert_export_x509(
	    (gnutls_pcert_st *)(uintptr_t)leaf, &cert->leaf);

	if (rc < 0) {
		cert->leaf = NULL;
		return rc;
	}
	when = gnutls_x509_crt_get_expiration_time(cert->leaf);
	if (set->expires == 0 || when < set->expires)
		set->expires = when;
	return 0;
}

static int
read_key(const char *path, gnutls_privkey_t *key_r)
{
	gnutls_datum_t pem;
	int rc = gnutls_load_file(path, &pem);

	if (rc < 0)
		return rc;
	rc = gnutls_privkey_init(key_r);
	if (rc >= 0) {
		rc = gnutls_privkey_import_x509_raw(
		    *key_r, &pem, GNUTLS_X509_FMT_PEM, NULL, 0);
		if (rc < 0)
			gnutls_privkey_deinit(*key_r);
	}
	gnutls_memset(pem.data, 0, pem.size);
	gnutls_free(pem.data);
	return rc;
}

static enum pst_rc
failed_block(struct pst_error *err, const struct config_certificate *cc,
    const char *file, int rc)
{
	bool readable = rc != GNUTLS_E_FILE_ERROR || access(file, R_OK) == 0;

	return pst_fail(err, PST_E_PERM, 0, "certificate %s: %s: %s", cc->name,
	    file, readable ? gnutls_strerror(rc) : strerror(errno));
}

static void
free_chain(gnutls_pcert_st *chain, unsigned length)
{
	for (unsigned i = 0; i < length; i++)
		gnutls_pcert_deinit(&chain[i]);
}

/* Puts key and chain together. On success the credentials own what is in both,
 * on failure nothing. */
static enum pst_rc
join(struct tls_certs *set, struct tls_cert *cert,
    const struct config_certificate *cc, gnutls_pcert_st *chain,
    unsigned length, struct pst_error *err)
{
	gnutls_privkey_t key;
	int rc = take_leaf(set, cert, &chain[0]);

	if (rc < 0)
		return failed_block(err, cc, cc->certificate, rc);
	rc = read_key(cc->key, &key);
	if (rc < 0)
		return failed_block(err, cc, cc->key, rc);
	rc = gnutls_certificate_set_key(
	    cert->credentials, NULL, 0, chain, (int)length, key);
	if (rc >= 0)
		return PST_OK;
	gnutls_privkey_deinit(key);
	return pst_fail(err, PST_E_PERM, 0, "certificate %s: %s and %s: %s",
	    cc->name, cc->certificate, cc->key, gnutls_strerror(rc));
}

static enum pst_rc
add_certificate(struct tls_certs *set, const struct config_certificate *cc,
    struct pst_error *err)
{
	gnutls_pcert_st chain[CHAIN_MAX];
	unsigned length = CHAIN_MAX;
	struct tls_cert *cert;
	enum pst_rc rc;
	int failure;

	set->cert = mem_realloc(set->cert, (set->n + 1) * sizeof(*set->cert));
	cert = &set->cert[set->n++];
	*cert = (struct tls_cert){ 0 };
	failure = gnutls_certificate_allocate_credentials(&cert->credentials);
	if (failure < 0) {
		cert->credentials = NULL;
		return failed_block(err, cc, cc->certificate, failure);
	}
	failure = gnutls_pcert_list_import_x509_file(chain, &length,
	    cc->certificate, GNUTLS_X509_FMT_PEM, NULL, NULL, 0);
	if (failure < 0)
		return failed_block(err, cc, cc->certificate, failure);
	rc = join(set, cert, cc, chain, length, err);
	if (rc != PST_OK) {
		free_chain(chain, length);
		return rc;
	}
	cert->names.v = mem_array(cc->names.n, sizeof(char *));
	for (size_t i = 0; i < cc->names.n; i++)
		cert->names.v[cert->names.n++] = str_dup(
		    str_of(cc->names.v[i]));
	return PST_OK;
}

static enum pst_rc
set_priority(
    struct tls_certs *set, const struct config *cfg, struct pst_error *err)
{
	const char *where;
	char text[1024];
	int rc;

	(void)snprintf(text, sizeof(text),
	    "NORMAL:-VERS-ALL:+VERS-TLS1.3%s%s%s",
	    strcmp(cfg->tls.min_version, "1.3") == 0 ? "" : ":+VERS-TLS1.2",
	    *cfg->tls.priority != '\0' ? ":" : "", cfg->tls.priority);
	rc = gnutls_priority_init(&set->priority, text, &where);
	if (rc >= 0)
		return PST_OK;
	set->priority = NULL;
	return pst_fail(err, PST_E_PERM, 0, "tls.priority: %s at \"%s\"",
	    gnutls_strerror(rc), where);
}

static enum pst_rc
load_certs(
    const struct config *cfg, struct tls_certs **set_r, struct pst_error *err)
{
	struct tls_certs *set = mem_alloc(sizeof(*set));
	enum pst_rc rc;

	atomic_store(&set->refs, 1);
	rc = set_priority(set, cfg, err);
	for (size_t i = 0; rc == PST_OK && i < cfg->certificates; i++)
		rc = add_certificate(set, &cfg->certificate[i], err);
	if (rc != PST_OK) {
		tls_certs_drop(&set);
		return rc;
	}
	*set_r = set;
	return PST_OK;
}

/* --- the interface -----------------------------------------------------------
 */

struct tls_context *
tls_context_new(const struct config *cfg, struct pst_error *err)
{
	struct tls_certs *set;
	struct tls_context *t;

	if (load_certs(cfg, &set, err) != PST_OK)
		return NULL;
	t = mem_alloc(sizeof(*t));
	pthread_mutex_init(&t->lock, NULL);
	t->certs = set;
	if (cfg->tls.tickets &&
	    gnutls_session_ticket_key_generate(&t->ticket_key) < 0)
		t->ticket_key.data = NULL;
	return t;
}

enum pst_rc
tls_reload(
    struct tls_context *t, const struct config *cfg, struct pst_error *err)
{
	struct tls_certs *set = NULL, *old;
	enum pst_rc rc = load_certs(cfg, &set, err);

	if (rc != PST_OK)
		return rc;
	pthread_mutex_lock(&t->lock);
	old = t->certs;
	t->certs = set;
	pthread_mutex_unlock(&t->lock);
	tls_certs_drop(&old);
	return PST_OK;
}

void
tls_context_free(struct tls_context **tp)
{
	struct tls_context *t = *tp;

	if (t == NULL)
		return;
	tls_certs_drop(&t->certs);
	if (t->ticket_key.data != NULL) {
		gnutls_memset(t->ticket_key.data, 0, t->ticket_key.size);
		gnutls_free(t->ticket_key.data);
	}
	pthread_mutex_destroy(&t->lock);
	free(t);
	*tp = NULL;
}

bool
tls_has_certificate(const struct tls_context *t)
{
	struct tls_context *shared = (struct tls_context *)(uintptr_t)t;
	bool has;

	pthread_mutex_lock(&shared->lock);
	has = t->certs->n > 0;
	pthread_mutex_unlock(&shared->lock);
	return has;
}

int64_t
tls_expires(const struct tls_context *t)
{
	struct tls_context *shared = (struct tls_context *)(uintptr_t)t;
	int64_t when;

	pthread_mutex_lock(&shared->lock);
	when = t->certs->expires;
	pthread_mutex_unlock(&shared->lock);
	return when;
}

void
tls_each_certificate(struct tls_context *t,
    void (*fn)(void *arg, const struct pst_str *chain, size_t n), void *arg)
{
	struct tls_certs *set = tls_certs_take(t);

	for (size_t i = 0; i < set->n; i++) {
		struct pst_str chain[CHAIN_MAX];
		gnutls_datum_t der;
		unsigned n = 0;

		while (n < CHAIN_MAX &&
		       gnutls_certificate_get_crt_raw(
			   set->cert[i].credentials, 0, n, &der) == 0)
			chain[n++] = str_n((const char *)der.data, der.size);
		if (n > 0)
			fn(arg, chain, n);
	}
	tls_certs_drop(&set);
}

/* --- a self-signed certificate -----------------------------------------------
 */

/* An address goes in as such, anything else as a host name. */
static int
add_name(gnutls_x509_crt_t crt, const char *name)
{
	unsigned char ip[16];
	unsigned size = 0;

	if (inet_pton(AF_INET, name, ip) == 1)
		size = 4;
	else if (inet_pton(AF_INET6, name, ip) == 1)
		size = 16;
	if (size > 0)
		return gnutls_x509_crt_set_subject_alt_name(
		    crt, GNUTLS_SAN_IPADDRESS, ip, size, GNUTLS_FSAN_APPEND);
	return gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_DNSNAME,
	    name, (unsigned)strlen(name), GNUTLS_FSAN_APPEND);
}

static int
fill_certificate(gnutls_x509_crt_t crt, gnutls_x509_privkey_t key,
    const char *const *names, size_t n)
{
	int64_t now = clock_seconds();
	unsigned char serial[16], id[20];
	size_t id_size = sizeof(id);
	int rc;

	random_bytes(serial, sizeof(serial));
	serial[0] &= 0x7F;
	rc = gnutls_x509_crt_set_version(crt, 3);
	if (rc >= 0)
		rc = gnutls_x509_crt_set_serial(crt, serial, sizeof(serial));
	if (rc >= 0)
		rc = gnutls_x509_crt_set_activation_time(crt, now - 86400);
	if (rc >= 0)
		rc = gnutls_x509_crt_set_expiration_time(
		    crt, now + INT64_C(10) * 365 * 86400);
	if (rc >= 0)
		rc = gnutls_x509_crt_set_dn_by_oid(crt,
		    GNUTLS_OID_X520_COMMON_NAME, 0, names[0],
		    (unsigned)strlen(names[0]));
	for (size_t i = 0; rc >= 0 && i < n; i++)
		rc = add_name(crt, names[i]);
	if (rc >= 0)
		rc = gnutls_x509_crt_set_key(crt, key);
	if (rc >= 0)
		rc = gnutls_x509_crt_set_basic_constraints(crt, 1, -1);
	if (rc >= 0)
		rc = gnutls_x509_crt_set_key_usage(crt,
		    GNUTLS_KEY_DIGITAL_SIGNATURE | GNUTLS_KEY_KEY_CERT_SIGN);
	if (rc >= 0)
		rc = gnutls_x509_crt_set_key_purpose_oid(
		    crt, GNUTLS_KP_TLS_WWW_SERVER, 0);
	if (rc >= 0)
		rc = gnutls_x509_crt_get_key_id(crt, 0, id, &id_size);
	if (rc >= 0)
		rc = gnutls_x509_crt_set_subject_key_id(crt, id, id_size);
	if (rc >= 0)
		rc = gnutls_x509_crt_sign2(crt, crt, key, GNUTLS_DIG_SHA256, 0);
	return rc;
}

static enum pst_rc
write_pem(const char *path, const gnutls_datum_t *pem, mode_t mode,
    struct pst_error *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
	bool ok = fd >= 0 &&
		  write(fd, pem->data, pem->size) == (ssize_t)pem->size &&
		  fsync(fd) == 0;
	int saved = errno;

	if (fd >= 0)
		(void)close(fd);
	return ok ? PST_OK
		  : pst_fail(err, PST_E_TEMP, saved, "%s: %s", path,
			strerror(saved));
}

enum pst_rc
tls_make_certificate(const char *cert_path, const char *key_path,
    const char *const *names, size_t n, struct pst_error *err)
{
	gnutls_x509_privkey_t key = NULL;
	gnutls_x509_crt_t crt = NULL;
	gnutls_datum_t cert_pem = { 0 }, key_pem = { 0 };
	enum pst_rc rc;
	int made = gnutls_x509_privkey_init(&key);

	if (made >= 0)
		made = gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA,
		    GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0);
	if (made >= 0)
		made = gnutls_x509_crt_init(&crt);
	if (made >= 0)
		made = fill_certificate(crt, key, names, n);
	if (made >= 0)
		made = gnutls_x509_crt_export2(
		    crt, GNUTLS_X509_FMT_PEM, &cert_pem);
	if (made >= 0)
		made = gnutls_x509_privkey_export2(
		    key, GNUTLS_X509_FMT_PEM, &key_pem);
	if (made < 0) {
		rc = failed(err, "making a certificate", made);
	} else {
		rc = write_pem(key_path, &key_pem, 0600, err);
		if (rc == PST_OK)
			rc = write_pem(cert_path, &cert_pem, 0644, err);
	}
	if (key_pem.data != NULL)
		gnutls_memset(key_pem.data, 0, key_pem.size);
	gnutls_free(key_pem.data);
	gnutls_free(cert_pem.data);
	gnutls_x509_crt_deinit(crt);
	gnutls_x509_privkey_deinit(key);
	return rc;
}
