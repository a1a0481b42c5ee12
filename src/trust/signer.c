/*
 * trust/signer.c - which domain signs, and with which keys.
 */
#include "trust/signer.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "base/trail.h"
#include "trust/authors.h"
#include "trust/dkim.h"
#include "trust/domain.h"
#include <stdlib.h>

enum { FIELDS_MAX = 10000 };

struct trust_signer {
	struct config *cfg;
	struct accounts *accounts;
	struct dkim_keys *keys;
	uint64_t conn;
	struct trust_header header;
	struct dkim_bodies bodies;
};

struct trust_signer *
trust_signer_new(struct config *cfg, struct accounts *accounts,
    struct dkim_keys *keys, uint64_t conn)
{
	struct trust_signer *s = mem_alloc(sizeof(*s));

	s->cfg = config_ref(cfg);
	s->accounts = accounts;
	s->keys = keys;
	s->conn = conn;
	trust_header_init(
	    &s->header, (size_t)cfg->limits.header_size * 2, FIELDS_MAX);
	dkim_bodies_init(&s->bodies);
	(void)dkim_bodies_add(&s->bodies, true, -1);
	return s;
}

void
trust_signer_free(struct trust_signer **sp)
{
	struct trust_signer *s = *sp;

	if (s == NULL)
		return;
	*sp = NULL;
	trust_header_fini(&s->header);
	dkim_bodies_fini(&s->bodies);
	config_unref(&s->cfg);
	free(s);
}

void
trust_signer_content(void *signer, const void *p, size_t n)
{
	struct trust_signer *s = signer;
	size_t used = 0;

	if (!s->header.ended) {
		used = trust_header_feed(&s->header, p, n);
		if (s->header.ended) {
			struct pst_str rest = trust_header_rest(&s->header);

			dkim_bodies_feed(&s->bodies, rest.p, rest.n);
		}
	}
	dkim_bodies_feed(&s->bodies, (const char *)p + used, n - used);
}

static void
sign_with(struct trust_signer *s, const struct dkim_key_file *key,
    const char *domain, struct buf *out)
{
	int64_t now = clock_seconds();
	const struct dkim_signing signing = {
		.key = &key->key,
		.domain = domain,
		.selector = key->selector,
		.headers = s->cfg->dkim.headers.v,
		.headers_n = s->cfg->dkim.headers.n,
		.oversign = s->cfg->dkim.oversign.v,
		.oversign_n = s->cfg->dkim.oversign.n,
		.now = now,
		.expires = s->cfg->dkim.expire > 0 ? now + s->cfg->dkim.expire
						   : 0,
	};

	if (dkim_sign(&signing, &s->header, s->bodies.body[0].digest, out))
		trail_event(NULL, "signed", "domain", domain, "selector",
		    key->selector, NULL);
	else
		log_event(PST_LOG_ERROR, s->conn, "dkim-sign", "domain", domain,
		    "selector", key->selector, "text", "cannot sign", NULL);
}

static void
sign_for(struct trust_signer *s, const char *domain, struct buf *out)
{
	struct dkim_key_set *set;
	struct pst_error err = { 0 };
	enum pst_rc rc = domain_is_local(s->accounts, str_of(domain), &err);

	if (rc != PST_OK) {
		if (rc != PST_E_NOTFOUND)
			log_failure(PST_LOG_ERROR, s->conn, "dkim-sign", &err);
		return;
	}
	set = dkim_keys_of(s->keys, domain);
	if (set == NULL)
		return;
	for (int a = DKIM_RSA_SHA256; a <= DKIM_ED25519_SHA256; a++) {
		const struct dkim_key_file *key = dkim_key_files_current(
		    &set->files, (enum dkim_algorithm)a, clock_seconds());

		if (key != NULL)
			sign_with(s, key, domain, out);
	}
	dkim_keys_drop(s->keys, &set);
}

void
trust_signer_fields(void *signer, struct buf *out)
{
	struct trust_signer *s = signer;
	struct trust_authors authors;
	struct arena *a;

	trust_header_end(&s->header);
	dkim_bodies_end(&s->bodies);
	if (s->header.too_large)
		return;
	a = arena_new((size_t)s->cfg->limits.header_size * 64);
	trust_authors(a, &s->header, &authors);
	if (authors.n > 0)
		sign_for(s, authors.domain[0], out);
	arena_free(&a);
}
