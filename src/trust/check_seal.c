/*
 * trust/check_seal.c - a message that was checked here and goes on to another
 * server: the results are sealed (RFC 8617), so that the next one can know what
 * it was like when it came.
 */
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "trust/check_priv.h"

void
trust_check_changed(struct trust_check *c, const char *p, size_t n)
{
	size_t used = 0;

	if (!c->is_changed) {
		c->is_changed = true;
		c->may_seal = c->cfg->trust.arc;
		(void)dkim_bodies_add(&c->changed_bodies, true, -1);
	}
	if (!c->changed.ended) {
		struct pst_str rest;

		used = trust_header_feed(&c->changed, p, n);
		rest = trust_header_rest(&c->changed);
		if (c->changed.ended)
			dkim_bodies_feed(&c->changed_bodies, rest.p, rest.n);
	}
	dkim_bodies_feed(&c->changed_bodies, p + used, n - used);
}

static void
end_changed(struct trust_check *c)
{
	if (!c->is_changed || c->changed_bodies.ended)
		return;
	if (!c->changed.ended) {
		struct pst_str rest;

		trust_header_end(&c->changed);
		rest = trust_header_rest(&c->changed);
		dkim_bodies_feed(&c->changed_bodies, rest.p, rest.n);
	}
	dkim_bodies_end(&c->changed_bodies);
}

static const struct trust_field *
next_of_chain(const struct trust_header *h, size_t *i)
{
	while (*i < h->fields) {
		const struct trust_field *f = &h->field[(*i)++];

		if (arc_is_of_chain(f))
			return f;
	}
	return NULL;
}

/* What was found out of the chain is true of it still. */
static bool
has_same_chain(const struct trust_check *c)
{
	const struct trust_field *was, *is;
	size_t i = 0, k = 0;

	if (!c->is_changed)
		return true;
	do {
		was = next_of_chain(&c->header, &i);
		is = next_of_chain(&c->changed, &k);
	} while (was != NULL && is != NULL && str_eq(was->value, is->value) &&
		 str_eq_case(was->name, is->name));
	return was == NULL && is == NULL;
}

static bool
seal_with(struct trust_check *c, const struct dkim_key_file *key,
    const char *domain, struct buf *out)
{
	struct pst_str fields = buf_str(&c->fields);
	const struct arc_sealing sealing = { .key = &key->key,
		.domain = domain,
		.selector = key->selector,
		.headers = c->cfg->dkim.headers.v,
		.headers_n = c->cfg->dkim.headers.n,
		.oversign = c->cfg->dkim.oversign.v,
		.oversign_n = c->cfg->dkim.oversign.n,
		.results = str_trim(
		    str_from(fields, str_find(fields, ':') + 1)),
		.now = clock_seconds() };

	if (c->is_changed)
		return arc_seal(&sealing, &c->arc, &c->changed,
		    c->changed_bodies.body[0].digest, out);
	return arc_seal(&sealing, &c->arc, &c->header,
	    c->bodies.body[c->seal_body].digest, out);
}

bool
trust_check_seal(struct trust_check *c, const char *domain, struct buf *out)
{
	struct dkim_key_set *set;
	const struct dkim_key_file *key;
	bool sealed = false;

	end_changed(c);
	if (!c->may_seal || c->arc.set == NULL || c->fields.n == 0)
		return false;
	set = dkim_keys_of(c->trust->keys, domain);
	if (set == NULL)
		return false;
	key = dkim_key_files_current(
	    &set->files, DKIM_RSA_SHA256, clock_seconds());
	if (key != NULL && has_same_chain(c))
		sealed = seal_with(c, key, domain, out);
	dkim_keys_drop(c->trust->keys, &set);
	log_event(PST_LOG_INFO, c->conn, sealed ? "sealed" : "not-sealed", "id",
	    c->id, "domain", domain, "arc", arc_result_name(c->arc.result),
	    NULL);
	return sealed;
}
