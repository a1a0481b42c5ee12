/*
 * trust/check.c - the course of a check.
 */
#include "base/clock.h"
#include "base/str.h"
#include "trust/check_priv.h"
#include "trust/domain.h"

#include <stdlib.h>

bool
trust_is_exempt(const struct config *cfg, const char *peer)
{
	struct ip_address ip;

	if (!ip_parse(str_of(peer), &ip))
		return true;
	for (size_t i = 0; i < cfg->trust.exempt.n; i++)
		if (network_contains(cfg->trust.exempt.v[i], peer))
			return true;
	return false;
}

/* NULL also for an address literal, which has no records. */
static const char *
domain_of(struct trust_check *c, struct pst_str text)
{
	if (text.n > 0 && text.p[0] == '[')
		return NULL;
	return trust_domain(c->arena, text);
}

/* RFC 7208, 2.3 and 2.4: of the sender, or of who says HELO. */
static void
take_identity(struct trust_check *c, const struct trust_envelope *e)
{
	c->by_helo = e->from.n == 0;
	if (c->by_helo) {
		c->local = str_dup(STR("postmaster"));
		c->domain = domain_of(c, str_of(c->helo));
		return;
	}
	c->local = str_dup(
	    e->from_local.n > 0 ? e->from_local : STR("postmaster"));
	c->domain = domain_of(c, e->from_domain);
}

struct trust_check *
trust_check_new(
    struct trust *t, struct config *cfg, const struct trust_envelope *e)
{
	struct trust_check *c = mem_alloc(sizeof(*c));
	size_t header = (size_t)cfg->limits.header_size;

	atomic_init(&c->refs, 1);
	c->trust = t;
	c->cfg = config_ref(cfg);
	/* Parts of the header are copied a few times. */
	c->arena = arena_new(header * 16 + (4 << 20));
	c->conn = e->conn;
	c->may_seal = e->goes_on && cfg->trust.arc;
	(void)str_copy(c->id, sizeof(c->id), str_of(e->id));
	(void)ip_parse(str_of(e->peer), &c->ip);
	c->peer = str_dup(str_of(e->peer));
	c->helo = str_dup(str_of(e->helo));
	c->from = str_dup(e->from);
	take_identity(c, e);
	trust_header_init(&c->header, header, CHECK_HEADER_FIELDS);
	dkim_bodies_init(&c->bodies);
	trust_header_init(&c->changed, header, CHECK_HEADER_FIELDS);
	dkim_bodies_init(&c->changed_bodies);
	buf_init(&c->fields, CHECK_FIELDS_MAX);
	return c;
}

void
trust_check_drop(struct trust_check **cp)
{
	struct trust_check *c = *cp;

	*cp = NULL;
	if (c == NULL || atomic_fetch_sub(&c->refs, 1) > 1)
		return;
	trust_header_fini(&c->header);
	dkim_bodies_fini(&c->bodies);
	trust_header_fini(&c->changed);
	dkim_bodies_fini(&c->changed_bodies);
	buf_fini(&c->fields);
	arena_free(&c->arena);
	config_unref(&c->cfg);
	free(c->peer);
	free(c->helo);
	free(c->from);
	free(c->local);
	free(c);
}

/* --- the content ------------------------------------------------------------
 */

/* The header is there: which hashes of the body are needed? */
static void
begin_body(struct trust_check *c)
{
	struct pst_str rest = trust_header_rest(&c->header);

	c->sig = dkim_find(c->arena, &c->header, &c->bodies,
	    (size_t)c->cfg->trust.signatures, &c->sigs, &c->more_sigs);
	if (c->cfg->trust.arc)
		arc_find(c->arena, &c->header, &c->bodies, &c->arc);
	if (c->may_seal)
		c->seal_body = dkim_bodies_add(&c->bodies, true, -1);
	dkim_bodies_feed(&c->bodies, rest.p, rest.n);
}

void
trust_check_content(struct trust_check *c, const char *p, size_t n)
{
	size_t used = 0;

	if (!c->header.ended) {
		used = trust_header_feed(&c->header, p, n);
		if (c->header.ended)
			begin_body(c);
	}
	dkim_bodies_feed(&c->bodies, p + used, n - used);
}

static void
end_content(struct trust_check *c)
{
	if (!c->header.ended) {
		trust_header_end(&c->header);
		begin_body(c);
	}
	dkim_bodies_end(&c->bodies);
	trust_authors(c->arena, &c->header, &c->authors);
}

/* --- the job ----------------------------------------------------------------
 */

static void
check_spf(struct trust_check *c, const struct dns_resolver *dns, int64_t until)
{
	const struct spf_query q = { .ip = c->ip,
		.local = c->local,
		.domain = c->domain,
		.helo = c->helo,
		.receiver = c->cfg->hostname,
		.now = clock_seconds(),
		.dns = dns,
		.deadline = until };

	if (c->cfg->trust.spf != CONFIG_SPF_OFF && c->domain != NULL)
		spf_check(&q, &c->spf);
}

static void
check_signatures(
    struct trust_check *c, const struct dns_resolver *dns, int64_t until)
{
	int64_t now = clock_seconds();

	/* Those that could not be read have their result already. */
	for (size_t i = 0; i < c->sigs; i++)
		if (c->sig[i].result == DKIM_NEUTRAL)
			dkim_verify(&c->sig[i], &c->header, &c->bodies, dns,
			    until, now);
	if (c->cfg->trust.arc)
		arc_verify(&c->arc, &c->header, &c->bodies, dns, until, now);
}

static void
check_dmarc(
    struct trust_check *c, const struct dns_resolver *dns, int64_t until)
{
	const struct dmarc_query q = { .authors = &c->authors,
		.spf = c->spf.result,
		.spf_domain = c->domain,
		.sig = c->sig,
		.sigs = c->sigs,
		.roll = (unsigned)(random_u64() % 100),
		.dns = dns,
		.deadline = until };

	if (c->cfg->trust.dmarc != CONFIG_DMARC_OFF)
		dmarc_check(&q, &c->dmarc);
}

static void
run(void *arg)
{
	struct trust_check *c = arg;
	struct dns_resolver dns = dns_resolver_of(c->trust->dns);
	int64_t until = clock_monotonic() + c->cfg->trust.time * 1000000;
	struct net_handle wake = c->wake;

	check_spf(c, &dns, until);
	check_signatures(c, &dns, until);
	check_dmarc(c, &dns, until);
	check_decide(c);
	check_put_results(c, &c->fields);
	atomic_store_explicit(&c->done, true, memory_order_release);
	net_wake(wake);
	trust_check_drop(&c);
}

bool
trust_check_start(struct trust_check *c, struct net_handle wake)
{
	end_content(c);
	c->wake = wake;
	atomic_fetch_add(&c->refs, 1);
	if (job_run(c->trust->jobs, run, c))
		return true;
	atomic_fetch_sub(&c->refs, 1);
	return false;
}

bool
trust_check_is_done(struct trust_check *c)
{
	return atomic_load_explicit(&c->done, memory_order_acquire);
}

enum trust_action
trust_check_result(
    struct trust_check *c, struct pst_str *fields_r, const char **reply_r)
{
	*fields_r = buf_str(&c->fields);
	*reply_r = c->reply;
	return c->action;
}

bool
trust_check_is_proven(const struct trust_check *c)
{
	bool proven = c->dmarc.result == DMARC_PASS ||
		      (c->spf.result == SPF_PASS && !c->by_helo);

	for (size_t i = 0; i < c->sigs; i++)
		proven |= c->sig[i].result == DKIM_PASS;
	return proven;
}
