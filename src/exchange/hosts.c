/*
 * exchange/hosts.c - see hosts.h.
 */
#include "exchange/hosts.h"

#include "base/clock.h"
#include "base/codec.h"
#include "base/log.h"
#include "base/str.h"

#include <arpa/inet.h>
#include <gnutls/crypto.h>
#include <netinet/in.h>
#include <stdlib.h>

enum {
	SMTP_PORT = 25,
	HOLD_LEAST = 60, /* seconds that a list holds at least, and at most */
	HOLD_MOST = 3600,
};

static void
lower(char *text)
{
	for (; *text != '\0'; text++)
		*text = ascii_lower(*text);
}

/* --- addresses as text ----------------------------------------------------
 */

/* "[192.0.2.1]" and "[IPv6:2001:db8::1]" (RFC 5321, 4.1.3). */
static bool
read_literal(struct pst_str text, int port, struct host *h)
{
	if (text.n < 3 || text.p[0] != '[' || text.p[text.n - 1] != ']')
		return false;
	text = str_from(str_first(text, text.n - 1), 1);
	if (str_has_prefix_case(text, "IPv6:"))
		text = str_from(text, 5);
	(void)str_copy(h->name, sizeof(h->name), text);
	h->port = port;
	h->is_literal = wire_address_parse(h->name, port, &h->literal);
	return h->is_literal;
}

static bool
read_relay(const char *text, struct host *h)
{
	struct pst_str rest = str_of(text), name;
	uint32_t port = SMTP_PORT;
	size_t colon = rest.n;

	while (
	    colon > 0 && rest.p[colon - 1] != ':' && rest.p[colon - 1] != ']')
		colon--;
	name = rest;
	if (colon > 0 && rest.p[colon - 1] == ':') {
		name = str_first(rest, colon - 1);
		if (!str_to_u32(str_from(rest, colon), &port) || port == 0 ||
		    port > 65535)
			return false;
	}
	*h = (struct host){ .port = (int)port };
	if (read_literal(name, (int)port, h))
		return true;
	if (name.n == 0 || *name.p == '[' ||
	    !str_copy(h->name, sizeof(h->name), name) || !dns_is_name(h->name))
		return false;
	lower(h->name);
	return true;
}

bool
hosts_relays(const char *const *text, size_t n, struct hosts *h_r)
{
	struct buf key;

	/* Nobody could have forged the configuration. */
	*h_r = (struct hosts){ .until = INT64_MAX, .secure = true };
	buf_init(&key, sizeof(h_r->key) - 1);
	for (size_t i = 0; i < n && i < HOSTS_MAX; i++) {
		struct host *h = &h_r->host[h_r->n++];

		if (!read_relay(text[i], h)) {
			buf_fini(&key);
			return false;
		}
		h->preference = (unsigned)i;
		(void)buf_printf(&key, "%s%s", i > 0 ? " " : "", text[i]);
	}
	(void)str_copy(h_r->key, sizeof(h_r->key), buf_str(&key));
	buf_fini(&key);
	return h_r->n > 0;
}

bool
hosts_relay(const char *text, struct hosts *h_r)
{
	return hosts_relays(&text, 1, h_r);
}

void
hosts_mark(struct hosts *h, const char *label)
{
	char key[sizeof(h->key)];

	memcpy(key, h->key, sizeof(key));
	(void)snprintf(h->key, sizeof(h->key), "%s %.*s", label,
	    (int)(sizeof(h->key) - strlen(label) - 2), key);
}

/* --- the list -------------------------------------------------------------
 */

static int
by_preference(const void *a, const void *b)
{
	const struct host *x = a, *y = b;

	return x->preference < y->preference ? -1
					     : x->preference > y->preference;
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* A key that is too long ends in a digest of all of it, which nobody can choose
 * names for. */
static void
put_key(struct hosts *h, struct pst_str text)
{
	unsigned char digest[32];
	char *end = h->key + sizeof(h->key) - (2 * sizeof(digest) + 1);

	if (str_copy(h->key, sizeof(h->key), text))
		return;
	if (gnutls_hash_fast(GNUTLS_DIG_SHA256, text.p, text.n, digest) != 0)
		pst_bug("no SHA-256");
	end[-1] = ' ';
	hex_encode(digest, sizeof(digest), end);
}

/* What the list says of itself holds for all that share the hosts; so lists of
 * which one is validated and one is not share nothing, or mail for the one
 * would go without DANE. */
static void
make_key(struct hosts *h)
{
	const char *name[HOSTS_MAX];
	struct buf key;

	for (size_t i = 0; i < h->n; i++)
		name[i] = h->host[i].name;
	qsort(name, h->n, sizeof(name[0]), by_name);
	buf_init(&key, sizeof(h->host));
	if (h->secure)
		(void)buf_puts(&key, "dnssec ");
	for (size_t i = 0; i < h->n; i++)
		(void)buf_printf(&key, "%s%s", i > 0 ? " " : "", name[i]);
	put_key(h, buf_str(&key));
	buf_fini(&key);
}

/* Equals in an order of chance (RFC 5321, 5.1). */
static void
shuffle(struct hosts *h)
{
	for (size_t i = h->n; i > 1; i--) {
		size_t k = (size_t)(random_u64() % i);
		struct host swap = h->host[i - 1];

		h->host[i - 1] = h->host[k];
		h->host[k] = swap;
	}
	/* Insertion keeps the order of equals; the list is short. */
	for (size_t i = 1; i < h->n; i++) {
		struct host one = h->host[i];
		size_t k = i;

		for (; k > 0 && by_preference(&one, &h->host[k - 1]) < 0; k--)
			h->host[k] = h->host[k - 1];
		h->host[k] = one;
	}
}

static bool
is_own(const char *name, const char *const *own, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq_case(str_of(name), str_of(own[i])))
			return true;
	return false;
}

/* Takes away ourselves and all that are no better. False: nothing is left. */
static bool
cut_at_own(struct hosts *h, const char *const *own, size_t n)
{
	unsigned best = UINT32_MAX;
	size_t keep = 0;

	for (size_t i = 0; i < h->n; i++)
		if (is_own(h->host[i].name, own, n) &&
		    h->host[i].preference < best)
			best = h->host[i].preference;
	for (size_t i = 0; i < h->n; i++)
		if (h->host[i].preference < best)
			h->host[keep++] = h->host[i];
	h->n = keep;
	return keep > 0;
}

static enum hosts_result
read_mx(const struct dns_answer *a, struct hosts *h, const char *domain,
    int port, struct pst_error *err)
{
	size_t records = 0;
	bool null = false;

	for (size_t i = 0; i < a->records; i++) {
		struct host one = { .port = port };

		if (!dns_mx(a, i, &one.preference, one.name))
			continue;
		records++;
		null |= strcmp(one.name, ".") == 0;
		lower(one.name);
		if (h->n < HOSTS_MAX && dns_is_name(one.name) &&
		    strcmp(one.name, ".") != 0)
			h->host[h->n++] = one;
	}
	if (null && records == 1) {
		(void)pst_fail(err, PST_E_PERM, 0,
		    "the domain %s accepts no mail (null MX)", domain);
		return HOSTS_NULL;
	}
	h->has_mx = h->n > 0;
	if (h->n > 0)
		return HOSTS_FOUND;
	(void)pst_fail(err, PST_E_TEMP, 0,
	    "the mail servers of %s have no proper names", domain);
	return HOSTS_LATER;
}

static enum hosts_result
not_found(const struct dns_answer *a, const char *what, const char *name,
    struct pst_error *err)
{
	if (a->status == DNS_NXDOMAIN) {
		(void)pst_fail(err, PST_E_NOTFOUND, 0,
		    "the domain %s does not exist", name);
		return HOSTS_NONE;
	}
	(void)pst_fail(err, PST_E_TEMP, 0,
	    "DNS: no answer for the %s of %s%s%s", what, name,
	    a->reason[0] != '\0' ? ": " : "", a->reason);
	return HOSTS_LATER;
}

enum hosts_result
hosts_find(const struct dns_resolver *dns, const char *domain, int port,
    const char *const *own, size_t own_n, int64_t deadline, struct hosts *h_r,
    struct pst_error *err)
{
	struct dns_answer a;
	enum hosts_result result = HOSTS_FOUND;
	int64_t hold;

	*h_r = (struct hosts){ .until = INT64_MAX };
	if (read_literal(str_of(domain), port, &h_r->host[0])) {
		h_r->n = 1;
		make_key(h_r);
		return HOSTS_FOUND;
	}
	dns->lookup(dns->arg, domain, DNS_MX, deadline, &a);
	h_r->secure = a.secure;
	hold = a.ttl < HOLD_LEAST  ? HOLD_LEAST
	       : a.ttl > HOLD_MOST ? HOLD_MOST
				   : a.ttl;
	h_r->until = clock_monotonic() + hold * 1000000;
	if (a.status == DNS_FOUND) {
		result = read_mx(&a, h_r, domain, port, err);
	} else if (a.status == DNS_NODATA) {
		/* The implicit MX (RFC 5321, 5.1). */
		(void)str_copy(h_r->host[0].name, sizeof(h_r->host[0].name),
		    str_of(domain));
		lower(h_r->host[0].name);
		h_r->host[0].port = port;
		h_r->n = 1;
	} else {
		result = not_found(&a, "mail servers", domain, err);
	}
	dns_answer_fini(&a);
	if (result != HOSTS_FOUND)
		return result;
	make_key(h_r);
	shuffle(h_r);
	if (!cut_at_own(h_r, own, own_n)) {
		(void)pst_fail(err, PST_E_PERM, 0,
		    "mail for %s comes back to this server", domain);
		return HOSTS_LOOP;
	}
	return HOSTS_FOUND;
}

/* --- a host ---------------------------------------------------------------
 */

static void
take_addresses(const struct dns_answer *answer, int port,
    struct wire_address *list, size_t *n)
{
	for (size_t i = 0; i < answer->records && *n < HOST_ADDRESSES; i++) {
		unsigned char octets[16];
		char text[64];
		size_t size;

		if (answer->status == DNS_FOUND &&
		    dns_address(answer, i, octets, &size) &&
		    inet_ntop(size == 16 ? AF_INET6 : AF_INET, octets, text,
			sizeof(text)) != NULL &&
		    wire_address_parse(text, port, &list[*n]))
			(*n)++;
	}
}

/* The first of one, the first of the other, and so on (RFC 8305, 4). */
static void
interlace(struct host_addresses *a, const struct wire_address *v6, size_t n6,
    const struct wire_address *v4, size_t n4)
{
	for (size_t i = 0; i < HOST_ADDRESSES; i++) {
		if (i < n6 && a->n < HOST_ADDRESSES)
			a->address[a->n++] = v6[i];
		if (i < n4 && a->n < HOST_ADDRESSES)
			a->address[a->n++] = v4[i];
	}
}

enum hosts_result
host_addresses(const struct dns_resolver *dns, const struct host *host, bool v6,
    int64_t deadline, struct host_addresses *a_r, struct pst_error *err)
{
	struct wire_address six[HOST_ADDRESSES], four[HOST_ADDRESSES];
	struct dns_answer a, aaaa = { .status = DNS_NODATA, .secure = true };
	size_t n6 = 0, n4 = 0;
	enum hosts_result result = HOSTS_FOUND;

	*a_r = (struct host_addresses){ 0 };
	(void)str_copy(
	    a_r->canonical, sizeof(a_r->canonical), str_of(host->name));
	if (host->is_literal) {
		a_r->address[0] = host->literal;
		a_r->n = 1;
		return HOSTS_FOUND;
	}
	dns->lookup(dns->arg, host->name, DNS_A, deadline, &a);
	if (v6)
		dns->lookup(dns->arg, host->name, DNS_AAAA, deadline, &aaaa);
	take_addresses(&aaaa, host->port, six, &n6);
	take_addresses(&a, host->port, four, &n4);
	interlace(a_r, six, n6, four, n4);
	a_r->secure = a.secure && aaaa.secure;
	if (a.canonical != NULL) {
		(void)str_copy(a_r->canonical, sizeof(a_r->canonical),
		    str_of(a.canonical));
		lower(a_r->canonical);
	}
	a_r->canonical_secure = a.secure;
	if (a_r->n == 0) {
		bool later = a.status == DNS_FAILED || a.status == DNS_BOGUS ||
			     aaaa.status == DNS_FAILED ||
			     aaaa.status == DNS_BOGUS;

		(void)pst_fail(err, PST_E_TEMP, 0, "%s has no address%s",
		    host->name, later ? " now (DNS)" : "");
		result = later ? HOSTS_LATER : HOSTS_NONE;
	}
	dns_answer_fini(&a);
	if (v6)
		dns_answer_fini(&aaaa);
	return result;
}

/* --- TLSA -----------------------------------------------------------------
 */

static enum hosts_result
ask_tlsa(const struct dns_resolver *dns, const char *base, int port,
    int64_t deadline, struct host_tlsa *t, struct pst_error *err)
{
	char name[300];

	(void)snprintf(name, sizeof(name), "_%d._tcp.%s", port, base);
	dns->lookup(dns->arg, name, DNS_TLSA, deadline, &t->answer);
	if (t->answer.status == DNS_FAILED || t->answer.status == DNS_BOGUS) {
		(void)pst_fail(err, PST_E_TEMP, 0,
		    "DNS: no answer for the TLSA records of %s: %s", base,
		    t->answer.reason);
		return HOSTS_LATER;
	}
	if (t->answer.status != DNS_FOUND || !t->answer.secure)
		return HOSTS_NONE;
	for (size_t i = 0; i < t->answer.records && t->n < HOST_TLSA; i++)
		t->record[t->n++].data = t->answer.record[i];
	(void)str_copy(t->base, sizeof(t->base), str_of(base));
	return HOSTS_FOUND;
}

enum hosts_result
host_tlsa(const struct dns_resolver *dns, const struct host *host,
    const struct host_addresses *a, int64_t deadline, struct host_tlsa *t_r,
    struct pst_error *err)
{
	enum hosts_result result = HOSTS_NONE;

	*t_r = (struct host_tlsa){ 0 };
	/* RFC 7672, 2.2.2: without secure addresses nothing is asked. */
	if (host->is_literal || !a->canonical_secure)
		return HOSTS_NONE;
	if (strcmp(a->canonical, host->name) != 0) {
		result = ask_tlsa(
		    dns, a->canonical, host->port, deadline, t_r, err);
		if (result != HOSTS_NONE)
			return result;
		host_tlsa_fini(t_r);
	}
	return ask_tlsa(dns, host->name, host->port, deadline, t_r, err);
}

void
host_tlsa_fini(struct host_tlsa *t)
{
	dns_answer_fini(&t->answer);
	*t = (struct host_tlsa){ 0 };
}
