/*
 * exchange/connect.c - to a server that takes mail for a domain: the hosts in
 * their order, by the way that the route says, TLS as far as it can be had or
 * must be (RFC 3207, RFC 7672), authentication at relays.
 */
#include "exchange/connect_priv.h"
#include "exchange/record.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "exchange/login.h"

enum {
	DNS_TIME = 60, /* seconds */
	CONNECT_TIME = 30,
	TLS_TIME = 60,
	STAGGER = 250, /* milliseconds (RFC 8305, 5) */
	ANSWER = 900,
	SOURCES = 4,
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

bool
dial_say(struct dialing *d, const char *status, const char *text)
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
		return dial_say(d,
		    result == CLIENT_UNTRUSTED ? "4.7.5"
		    : d->link->client != NULL  ? "4.4.2"
					       : "4.4.1",
		    err->detail);
	buf_clear(d->answer);
	reply_print(client_reply(d->link->client), ANSWER, d->answer);
	return false;
}

/* --- one session ----------------------------------------------------------
 */

static size_t
take_sources(const struct route *r, struct wire_address source[SOURCES])
{
	size_t n = 0;

	for (size_t i = 0; r->source != NULL && i < r->source->n; i++)
		if (n < SOURCES &&
		    wire_address_parse(r->source->v[i], 0, &source[n]))
			n++;
	return n;
}

static void
note_remote(struct dialing *d, const struct wire_address *a)
{
	struct link *l = d->link;
	char text[64] = "?";

	if (a != NULL)
		wire_address_print(a, text);
	(void)str_copy(d->ip, sizeof(d->ip), str_of(text));
	d->is_loopback = a != NULL && wire_address_is_loopback(a);
	if (d->host->is_literal)
		(void)snprintf(l->remote, sizeof(l->remote), "[%s]", text);
	else
		(void)snprintf(l->remote, sizeof(l->remote), "%s [%s]",
		    d->host->name, text);
}

static enum client_result
dial(struct dialing *d, const struct host_addresses *a,
    const struct protection *p, struct pst_error *err)
{
	struct wire_address source[SOURCES];
	size_t which = 0, sources = take_sources(d->route, source);
	struct link *l = d->link;
	struct wire *w;
	enum pst_rc rc = wire_connect(a->address, a->n, source, sources,
	    d->x->stop_fd, STAGGER, CONNECT_TIME, &w, &which, err);

	note_remote(d, a->n > 0 ? &a->address[which] : NULL);
	if (rc == PST_OK)
		wire_sessions_answered(
		    d->x->sessions, d->host->name, &a->address[which]);
	if (rc == PST_OK && p->implicit)
		rc = wire_start_tls(w, &p->policy, TLS_TIME, err);
	if (rc != PST_OK) {
		wire_close(&w);
		return rc == PST_E_DENIED ? CLIENT_UNTRUSTED : CLIENT_LOST;
	}
	l->is_lax = d->envelope->tls_optional;
	l->client = client_new(&w, d->route->helo, &client_times_default);
	l->messages = 0;
	l->opened = clock_monotonic();
	return client_greet(l->client, err);
}

/* STARTTLS when it is offered; false: the session is of no use. */
static bool
secure(struct dialing *d, const struct protection *p, bool *retry_plain)
{
	struct client *c = d->link->client;
	struct pst_error err = { 0 };
	enum client_result result;

	if (client_is_tls(c))
		return true;
	if ((client_extensions(c) & CLIENT_STARTTLS) == 0) {
		d->demand->is_unmet |= p->by_sts;
		dial_count(d, "starttls-not-supported", "");
		return !p->must ||
		       dial_say(d, "4.7.4",
			   "the server offers no TLS, which must be used");
	}
	result = client_start_tls(c, &p->policy, &err);
	record_tls(d->link, &p->policy, result == CLIENT_OK ? NULL : &err);
	dial_count_tls(d, p, result, &err);
	if (result == CLIENT_OK)
		return true;
	d->demand->is_unmet |= p->by_sts;
	*retry_plain = !p->must && result != CLIENT_UNTRUSTED;
	return explain(d, result, &err);
}

/* Never for ever: it is our password that is wrong, not the message. */
static bool
tell_login(
    struct dialing *d, enum client_result result, const struct pst_error *err)
{
	struct buf why;

	buf_init(&why, (size_t)2 * ANSWER);
	if (result == CLIENT_REFUSED)
		reply_print(client_reply(d->link->client), ANSWER, &why);
	else
		(void)buf_puts(&why, err->detail);
	(void)buf_putc(&why, '\0');
	log_event(PST_LOG_ERROR, 0, "relay-login", "relay",
	    d->route->relay->name, "remote", d->link->remote, "why", why.p,
	    NULL);
	buf_clear(d->answer);
	(void)buf_printf(d->answer,
	    "4.7.8 this server could not authenticate itself at the relay: %s",
	    why.p);
	buf_fini(&why);
	return false;
}

static bool
log_in(struct dialing *d)
{
	const struct config_relay *r = d->route->relay;
	struct login login = { .is_loopback = d->is_loopback };
	enum client_result result = CLIENT_LACKS;
	struct pst_error err = { 0 };
	char *password;

	if (r == NULL || *r->username == '\0')
		return true;
	if (secrets_get(d->x->secrets, r->name, &password, &err) == PST_OK) {
		login.username = r->username;
		login.password = password;
		login.mechanisms = (const char *const *)r->mechanisms.v;
		login.mechanism_count = r->mechanisms.n;
		result = login_run(d->link->client, &login, &err);
	}
	login_forget(&password);
	if (result != CLIENT_OK)
		return tell_login(d, result, &err);
	log_event(PST_LOG_DEBUG, 0, "relay-login", "relay", r->name, "remote",
	    d->link->remote, "mechanism", login.used, NULL);
	return true;
}

static bool
open_session(struct dialing *d, const struct host_addresses *a,
    const struct protection *p, bool *retry_plain)
{
	struct pst_error err = { 0 };
	enum client_result result = dial(d, a, p, &err);

	*retry_plain = false;
	if (result != CLIENT_OK) {
		(void)explain(d, result, &err);
		if (d->link->client != NULL)
			hang_up(d);
		return false;
	}
	if ((p->plain || secure(d, p, retry_plain)) && log_in(d)) {
		d->link->proof = client_is_tls(d->link->client) ? p->proof
								: LINK_UNPROVEN;
		(void)str_copy(d->link->host, sizeof(d->link->host),
		    str_of(d->host->name));
		return true;
	}
	hang_up(d);
	return false;
}

/* --- the hosts ------------------------------------------------------------
 */

static bool
try_addresses(struct dialing *d, const struct host_addresses *a,
    const struct host_tlsa *tlsa, bool has_dane)
{
	struct protection p;
	bool retry_plain;

	if (!dial_protect(d, tlsa, has_dane, &p))
		return false;
	if (open_session(d, a, &p, &retry_plain))
		return true;
	if (!retry_plain)
		return false;
	/* Whoever cannot do TLS properly gets the mail as before TLS. */
	p.plain = true;
	return open_session(d, a, &p, &retry_plain);
}

static bool
try_host(struct dialing *d)
{
	const struct dns_resolver *dns = &d->x->host.dns;
	struct host_addresses a;
	struct host_tlsa tlsa = { 0 };
	struct pst_error err = { 0 };
	enum hosts_result result;
	bool done;

	(void)str_copy(
	    d->link->remote, sizeof(d->link->remote), str_of(d->host->name));
	result = host_addresses(
	    dns, d->host, d->cfg->queue.ipv6, in_seconds(DNS_TIME), &a, &err);
	if (result != HOSTS_FOUND) {
		record_host(d->host, &a, HOSTS_NONE, 0, err.detail);
		return dial_say(d, "4.4.3", err.detail);
	}
	wire_sessions_order(d->x->sessions, d->host->name, a.address, a.n);
	result = HOSTS_NONE;
	/* RFC 7672, 2.2.1: only where the list itself is secure. */
	if (d->cfg->queue.dane && d->secure_list &&
	    d->route->tls != CONFIG_OUTBOUND_NONE)
		result = host_tlsa(
		    dns, d->host, &a, in_seconds(DNS_TIME), &tlsa, &err);
	record_host(d->host, &a, result, tlsa.n,
	    result == HOSTS_LATER ? err.detail : NULL);
	d->tlsa = result != HOSTS_NONE ? &tlsa : NULL;
	if (result == HOSTS_LATER)
		dial_count(d, "dnssec-invalid", err.detail);
	done = result == HOSTS_LATER
		   ? dial_say(d, "4.4.3", err.detail)
		   : try_addresses(d, &a, &tlsa, result == HOSTS_FOUND);
	d->tlsa = NULL;
	host_tlsa_fini(&tlsa);
	return done;
}

bool
exchange_connect(struct exchange *x, const struct config *cfg,
    const struct schedule_work *work, const struct envelope *e,
    struct demand *demand, struct link *link, struct buf *answer)
{
	struct dialing d = { .x = x,
		.cfg = cfg,
		.route = routes_get(x->routes, work->route),
		.envelope = e,
		.demand = demand,
		.domain = work->domain,
		.link = link,
		.answer = answer,
		.secure_list = work->hosts.secure,
		.authorities = exchange_authorities(x) };
	bool done = false;

	(void)dial_say(&d, "4.4.4", "there is no server to try");
	dial_count_no_policy(&d);
	for (size_t i = 0; i < work->hosts.n && !done; i++) {
		d.host = &work->hosts.host[i];
		done = try_host(&d);
	}
	wire_authorities_unref(&d.authorities);
	return done;
}
