/*
 * guard/client_checks.c - the questions to the DNS about a client, each in a
 * job of its own: the name of its address and whether that leads back (RFC
 * 8601, 3 calls it iprev), its HELO name, and each DNS list.
 */
#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "guard/client_priv.h"
#include "guard/dnslist.h"
#include "trust/spf.h"

#include <stdlib.h>

enum { NAMES_MAX = 5 /* of one address that are looked up */ };

struct job {
	struct guard_client *client;
	int64_t until; /* clock_monotonic() */
	void (*run)(struct job *j);
	size_t list; /* or provider, of the configuration */
};

static void
ask(const struct job *j, const char *name, enum dns_type type,
    struct dns_answer *answer_r)
{
	const struct dns_resolver *dns = &j->client->guard->dns;

	dns->lookup(dns->arg, name, type, j->until, answer_r);
}

static bool
failed(const struct dns_answer *a)
{
	return a->status == DNS_FAILED || a->status == DNS_BOGUS;
}

/* --- jobs -------------------------------------------------------------------
 */

static void
run(void *arg)
{
	struct job *j = arg;
	struct guard_client *c = j->client;
	struct net_handle wake = c->wake;

	j->run(j);
	free(j);
	if (atomic_fetch_sub_explicit(&c->pending, 1, memory_order_acq_rel) ==
	    1)
		net_wake(wake);
	guard_client_drop(&c);
}

/* False: too much waits already; the question is not asked. */
static bool
start(struct guard_client *c, void (*fn)(struct job *j), size_t list)
{
	struct job *j = mem_alloc(sizeof(*j));

	*j = (struct job){ .client = c, .run = fn, .list = list };
	j->until = clock_monotonic() + c->cfg->guard.time * 1000000;
	atomic_fetch_add(&c->refs, 1);
	atomic_fetch_add(&c->pending, 1);
	if (job_run(c->guard->jobs, run, j))
		return true;
	atomic_fetch_sub(&c->pending, 1);
	atomic_fetch_sub(&c->refs, 1);
	free(j);
	return false;
}

/* --- names ------------------------------------------------------------------
 */

static enum guard_fact
has_address(const struct job *j, const char *name)
{
	const struct ip_address *ip = &j->client->ip;
	const unsigned char *octets = ip->octets + (ip->v4 ? 12 : 0);
	size_t size = ip->v4 ? 4 : 16, n;
	enum guard_fact found = GUARD_NO;
	unsigned char address[16];
	struct dns_answer a;

	ask(j, name, ip->v4 ? DNS_A : DNS_AAAA, &a);
	if (failed(&a))
		found = GUARD_FAILED;
	for (size_t i = 0; i < a.records && found == GUARD_NO; i++)
		if (dns_address(&a, i, address, &n) && n == size &&
		    memcmp(address, octets, size) == 0)
			found = GUARD_YES;
	dns_answer_fini(&a);
	return found;
}

/* One of the names leads back? */
static enum guard_reverse
confirm(struct job *j, const struct dns_answer *names)
{
	enum guard_reverse result = GUARD_REVERSE_UNCONFIRMED;
	struct guard_client *c = j->client;

	for (size_t i = 0; i < names->records && i < NAMES_MAX; i++) {
		enum guard_fact found = GUARD_NO;

		if (dns_ptr(names, i, c->name) && dns_is_name(c->name))
			found = has_address(j, c->name);
		if (found == GUARD_YES)
			return GUARD_REVERSE_CONFIRMED;
		if (found == GUARD_FAILED)
			result = GUARD_REVERSE_FAILED;
	}
	return result;
}

static void
check_reverse(struct job *j)
{
	struct guard_client *c = j->client;
	struct dns_answer names;
	char name[256];

	(void)guard_dnslist_name(
	    &c->ip, c->ip.v4 ? "in-addr.arpa" : "ip6.arpa", name);
	ask(j, name, DNS_PTR, &names);
	if (failed(&names))
		c->reverse = GUARD_REVERSE_FAILED;
	else if (names.status == DNS_FOUND)
		c->reverse = confirm(j, &names);
	else
		c->reverse = GUARD_REVERSE_MISSING;
	dns_answer_fini(&names);
}

/* Anything that mail could be sent to will do. */
static void
check_hello(struct job *j)
{
	static const enum dns_type types[] = { DNS_A, DNS_AAAA, DNS_MX };
	struct guard_client *c = j->client;

	c->hello_known = GUARD_NO;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		struct dns_answer a;

		ask(j, c->hello, types[i], &a);
		if (a.status == DNS_FOUND)
			c->hello_known = GUARD_YES;
		else if (failed(&a))
			c->hello_known = GUARD_FAILED;
		dns_answer_fini(&a);
		if (c->hello_known == GUARD_YES)
			return;
	}
}

/* --- lists ------------------------------------------------------------------
 */

/* What the list says about it (RFC 5782, 2.1), fit for a reply. */
static void
take_text(struct job *j, const char *name, struct guard_listing *l)
{
	struct dns_answer a;
	struct buf text;

	buf_init(&text, 65536);
	ask(j, name, DNS_TXT, &a);
	if (a.status == DNS_FOUND)
		(void)dns_txt(&a, 0, &text);
	dns_answer_fini(&a);
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] < ' ' || text.p[i] > '~')
			text.p[i] = ' ';
	(void)str_copy(l->text, sizeof(l->text), str_trim(buf_str(&text)));
	buf_fini(&text);
}

static void
check_list(struct job *j)
{
	const struct config_dnslist *cfg = &j->client->cfg->dnslist[j->list];
	struct guard_listing *l = &j->client->list[j->list];
	unsigned char address[16];
	struct dns_answer a;
	char name[256];
	size_t n;

	l->listed = GUARD_NO;
	if (!guard_dnslist_name(&j->client->ip, cfg->zone, name))
		return;
	ask(j, name, DNS_A, &a);
	if (failed(&a))
		l->listed = GUARD_FAILED;
	for (size_t i = 0; i < a.records; i++) {
		if (!dns_address(&a, i, address, &n) || n != 4)
			continue;
		if (guard_dnslist_counts(&cfg->answers, address))
			l->listed = GUARD_YES;
		l->refused = l->refused || guard_dnslist_refuses(address);
	}
	dns_answer_fini(&a);
	if (l->listed == GUARD_YES && cfg->kind == CONFIG_DNSLIST_BLOCK)
		take_text(j, name, l);
}

/* --- providers --------------------------------------------------------------
 */

/* Large ones come again from another of their hosts. */
static void
check_provider(struct job *j)
{
	struct guard_client *c = j->client;
	const char *domain = c->cfg->guard.grey_providers.v[j->list];
	const struct spf_query q = { .ip = c->ip,
		.local = "postmaster",
		.domain = domain,
		.helo = domain,
		.receiver = c->cfg->hostname,
		.now = clock_seconds(),
		.dns = &c->guard->dns,
		.deadline = j->until };
	struct spf_answer answer = { .result = SPF_NONE };

	spf_check(&q, &answer);
	c->provider[j->list] = answer.result == SPF_PASS;
}

static void
check_providers(struct guard_client *c)
{
	size_t n = c->cfg->guard.grey_providers.n;

	if (!c->cfg->guard.greylist || n == 0)
		return;
	c->provider = mem_array(n, sizeof(*c->provider));
	for (size_t i = 0; i < n; i++)
		(void)start(c, check_provider, i);
}

/* --- the start --------------------------------------------------------------
 */

void
guard_check_client(struct guard_client *c)
{
	const struct config *cfg = c->cfg;

	/* Milters are told the name, too. */
	if ((cfg->milters > 0 ||
		cfg->guard.reverse_missing != CONFIG_GUARD_OFF ||
		cfg->guard.reverse_unconfirmed != CONFIG_GUARD_OFF) &&
	    !start(c, check_reverse, 0))
		c->reverse = GUARD_REVERSE_FAILED;
	check_providers(c);
	if (cfg->guard.dnslists == CONFIG_GUARD_OFF || cfg->dnslists == 0)
		return;
	c->list = mem_array(cfg->dnslists, sizeof(*c->list));
	for (size_t i = 0; i < cfg->dnslists; i++)
		if (!start(c, check_list, i))
			c->list[i].listed = GUARD_FAILED;
}

void
guard_check_hello(struct guard_client *c)
{
	if (!start(c, check_hello, 0))
		c->hello_known = GUARD_FAILED;
}
