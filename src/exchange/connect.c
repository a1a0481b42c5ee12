/*
 * exchange/connect.c - to a server that takes mail for a domain: the hosts in
 * their order, TLS as far as it can be had or must be (RFC 3207, RFC 7672).
 */
#include "exchange/priv.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "exchange/wire_trust.h"

enum {
	DNS_TIME = 60, /* seconds */
	CONNECT_TIME = 30,
	TLS_TIME = 60,
	STAGGER = 250, /* milliseconds (RFC 8305, 5) */
	ANSWER = 900,
};

struct dialing {
	struct exchange *x;
	const struct config *cfg;
	const struct host *host;
	const struct envelope *envelope;
	struct link *link;
	struct buf *answer;
	bool secure_list;
};

static int64_t
in_seconds(int64_t seconds)
{
	return clock_monotonic() + seconds * 1000000;
}

void
link_close(struct link *l)
{
	if (l->client != NULL)
		client_quit(l->client);
	client_free(&l->client);
	l->messages = 0;
}

static void
hang_up(struct dialing *d)
{
	client_free(&d->link->client);
}

/* In our own words, with a status (RFC 3463). */
static bool
say(struct dialing *d, const char *status, const char *text)
{
	buf_clear(d->answer);
	(void)buf_printf(d->answer, "%s %s", status, text);
	return false;
}

/* What came instead of a session. */
static bool
explain(
    struct dialing *d, enum client_result result, const struct pst_error *err)
{
	if (result != CLIENT_REFUSED)
		return say(d,
		    result == CLIENT_UNTRUSTED ? "4.7.5"
		    : d->link->client != NULL  ? "4.4.2"
					       : "4.4.1",
		    err->detail);
	buf_clear(d->answer);
	reply_print(client_reply(d->link->client), ANSWER, d->answer);
	return false;
}

static enum client_result
dial(struct dialing *d, const struct host_addresses *a, struct pst_error *err)
{
	struct link *l = d->link;
	struct wire *w;
	char text[64];
	size_t which = 0;
	enum pst_rc rc = wire_connect(a->address, a->n, NULL, d->x->stop_fd,
	    STAGGER, CONNECT_TIME, &w, &which, err);

	if (a->n > 0)
		wire_address_print(&a->address[which], text);
	else
		(void)str_copy(text, sizeof(text), STR("?"));
	if (d->host->is_literal)
		(void)snprintf(l->remote, sizeof(l->remote), "[%s]", text);
	else
		(void)snprintf(l->remote, sizeof(l->remote), "%s [%s]",
		    d->host->name, text);
	if (rc != PST_OK)
		return CLIENT_LOST;
	l->client = client_new(&w, d->cfg->hostname, &client_times_default);
	l->messages = 0;
	l->opened = clock_monotonic();
	return client_greet(l->client, err);
}

/* The policy that TLSA records ask for. */
static void
set_dane(struct wire_policy *policy, const struct host_tlsa *tlsa,
    const struct dialing *d, const char *name[2])
{
	bool usable = false;

	for (size_t i = 0; i < tlsa->n && !usable; i++)
		usable = wire_tlsa_is_usable(&tlsa->record[i]);
	/* RFC 7672, 2.2: with unusable records TLS is a must, unchecked. */
	if (!usable)
		return;
	policy->trust = WIRE_DANE;
	policy->tlsa = tlsa->record;
	policy->tlsa_count = tlsa->n;
	name[0] = tlsa->base;
	name[1] = d->host->name;
	policy->names = name;
	policy->name_count = 2;
	policy->host = tlsa->base;
}

/* STARTTLS when it is offered; false: the session is of no use. */
static bool
secure(struct dialing *d, const struct host_tlsa *tlsa, bool has_dane,
    bool *retry_plain)
{
	struct client *c = d->link->client;
	struct wire_policy policy = { .trust = WIRE_ANY };
	struct pst_error err = { 0 };
	const char *name[2];
	enum client_result result;
	bool must = has_dane || d->envelope->require_tls;

	if ((client_extensions(c) & CLIENT_STARTTLS) == 0) {
		if (!must)
			return true;
		return say(
		    d, "4.7.4", "the server offers no TLS, which must be used");
	}
	if (!d->host->is_literal)
		policy.host = d->host->name;
	if (has_dane) {
		set_dane(&policy, tlsa, d, name);
	} else if (d->envelope->require_tls) {
		/* RFC 8689, 4.2.1: authenticated, for a name that is. */
		policy.trust = WIRE_PKIX;
		name[0] = d->host->name;
		policy.names = name;
		policy.name_count = 1;
	}
	result = client_start_tls(c, &policy, &err);
	if (result == CLIENT_OK)
		return true;
	*retry_plain = !must && result != CLIENT_UNTRUSTED;
	return explain(d, result, &err);
}

/* One session; with `plain` without trying TLS. */
static bool
open_session(struct dialing *d, const struct host_addresses *a,
    const struct host_tlsa *tlsa, bool has_dane, bool plain, bool *retry_plain)
{
	struct pst_error err = { 0 };
	enum client_result result = dial(d, a, &err);

	*retry_plain = false;
	if (result != CLIENT_OK) {
		(void)explain(d, result, &err);
		if (d->link->client != NULL)
			hang_up(d);
		return false;
	}
	if (plain || secure(d, tlsa, has_dane, retry_plain))
		return true;
	hang_up(d);
	return false;
}

static bool
try_host(struct dialing *d)
{
	const struct dns_resolver *dns = &d->x->host.dns;
	struct host_addresses a;
	struct host_tlsa tlsa = { 0 };
	struct pst_error err = { 0 };
	enum hosts_result result;
	bool done, retry_plain;

	(void)str_copy(
	    d->link->remote, sizeof(d->link->remote), str_of(d->host->name));
	result = host_addresses(
	    dns, d->host, d->cfg->queue.ipv6, in_seconds(DNS_TIME), &a, &err);
	if (result != HOSTS_FOUND)
		return say(d, "4.4.3", err.detail);
	result = HOSTS_NONE;
	/* RFC 7672, 2.2.1: only where the list itself is secure. */
	if (d->cfg->queue.dane && d->secure_list)
		result = host_tlsa(
		    dns, d->host, &a, in_seconds(DNS_TIME), &tlsa, &err);
	if (result == HOSTS_LATER) {
		host_tlsa_fini(&tlsa);
		return say(d, "4.4.3", err.detail);
	}
	done = open_session(
	    d, &a, &tlsa, result == HOSTS_FOUND, false, &retry_plain);
	/* Whoever cannot do TLS properly gets the mail as before TLS. */
	if (!done && retry_plain)
		done = open_session(d, &a, &tlsa, false, true, &retry_plain);
	host_tlsa_fini(&tlsa);
	return done;
}

bool
exchange_connect(struct exchange *x, const struct config *cfg,
    const struct schedule_work *work, const struct envelope *e,
    struct link *link, struct buf *answer)
{
	struct dialing d = { .x = x,
		.cfg = cfg,
		.envelope = e,
		.link = link,
		.answer = answer,
		.secure_list = work->hosts.secure };

	(void)say(&d, "4.4.4", "there is no server to try");
	for (size_t i = 0; i < work->hosts.n; i++) {
		d.host = &work->hosts.host[i];
		if (try_host(&d))
			return true;
	}
	return false;
}
