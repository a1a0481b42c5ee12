/*
 * dns_plan.c - see dns_plan.h.
 */
#include "admin/dns_plan.h"

#include "base/str.h"
#include "trust/domain.h"
#include "trust/key_files.h"
#include "web/web.h"

#include <arpa/inet.h>
#include <gnutls/crypto.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdlib.h>

enum { TEXT_MAX = 8192, ID_OCTETS = 8 };

/* --- making one --------------------------------------------------------------
 */

void
dns_plan_init(
    struct dns_plan *p, const struct config *cfg, struct tls_context *tls)
{
	*p = (struct dns_plan){ .arena = arena_new(0) };
	p->host = trust_domain(p->arena, str_of(cfg->hostname));
	if (p->host == NULL)
		p->host = cfg->hostname;
	dns_plan_certificates(p, cfg, tls);
}

void
dns_plan_fini(struct dns_plan *p)
{
	free(p->want);
	arena_free(&p->arena);
}

/* NULL: the name would be too long; then there is nothing to publish there. */
static struct dns_wanted *
add(struct dns_plan *p, enum dns_kind kind, enum dns_type type,
    const char *prefix, const char *base)
{
	struct dns_wanted *w;

	if (strlen(prefix) + strlen(base) > 253)
		return NULL;
	mem_grow(&p->want, &p->cap, p->n + 1, sizeof(*p->want));
	w = &p->want[p->n++];
	*w = (struct dns_wanted){ .kind = kind, .type = type };
	(void)snprintf(w->name, sizeof(w->name), "%s%s", prefix, base);
	w->is_elsewhere = !trust_is_below(w->name, p->domain);
	return w;
}

static PST_PRINTF(3, 4) void set_data(
    struct dns_plan *p, struct dns_wanted *w, const char *fmt, ...)
{
	struct buf b;
	va_list ap;

	buf_init(&b, TEXT_MAX);
	va_start(ap, fmt);
	(void)buf_vprintf(&b, fmt, ap);
	va_end(ap);
	w->data = arena_copy(p->arena, buf_str(&b));
	buf_fini(&b);
}

void
dns_plan_note(struct dns_plan *p, const char *fmt, ...)
{
	size_t n = strlen(p->note);
	va_list ap;

	if (n > 0 && n + 1 < sizeof(p->note))
		p->note[n++] = '\n';
	va_start(ap, fmt);
	(void)vsnprintf(p->note + n, sizeof(p->note) - n, fmt, ap);
	va_end(ap);
}

/* --- addresses ---------------------------------------------------------------
 */

static bool
add_address(struct dns_plan *p, const char *text)
{
	struct ip_address a;

	if (p->addresses >= DNS_PLAN_ADDRESSES || !ip_parse(str_of(text), &a))
		return false;
	for (size_t i = 0; i < p->addresses; i++)
		if (memcmp(p->address[i].octets, a.octets, 16) == 0)
			return true;
	p->address[p->addresses] = a;
	if (a.v4)
		(void)inet_ntop(
		    AF_INET, a.octets + 12, p->address_text[p->addresses], 46);
	else
		(void)inet_ntop(
		    AF_INET6, a.octets, p->address_text[p->addresses], 46);
	p->addresses++;
	return true;
}

bool
dns_plan_addresses(struct dns_plan *p, const char *text)
{
	struct pst_str rest = str_of(text), one;
	char address[46];

	while (str_split(&rest, ',', &one))
		if (!str_copy(address, sizeof(address), str_trim(one)) ||
		    !add_address(p, address))
			return false;
	return true;
}

/* Not one that others on the Internet can reach. */
static bool
is_private(const char *text)
{
	static const char *const networks[] = { "0.0.0.0/8", "10.0.0.0/8",
		"100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
		"172.16.0.0/12", "192.168.0.0/16", "::/128", "::1/128",
		"fc00::/7", "fe80::/10" };

	for (size_t i = 0; i < sizeof(networks) / sizeof(networks[0]); i++)
		if (network_contains(networks[i], text))
			return true;
	return false;
}

/* Those that mail from other servers comes to, as far as that is written. */
static void
find_configured(struct dns_plan *p, const struct config *cfg)
{
	for (size_t i = 0; i < cfg->listeners; i++) {
		const struct config_listener *l = &cfg->listener[i];

		if (l->protocol != CONFIG_SMTP || *l->path != '\0')
			continue;
		for (size_t k = 0; k < l->address.n; k++)
			if (strcmp(l->address.v[k], "*") != 0 &&
			    !is_private(l->address.v[k]))
				(void)add_address(p, l->address.v[k]);
	}
}

static void
find_own(struct dns_plan *p)
{
	struct ifaddrs *list, *i;
	char text[46];

	if (getifaddrs(&list) < 0)
		return;
	for (i = list; i != NULL; i = i->ifa_next) {
		const void *octets = NULL;

		if (i->ifa_addr == NULL || (i->ifa_flags & IFF_UP) == 0)
			continue;
		if (i->ifa_addr->sa_family == AF_INET)
			octets = &((const struct sockaddr_in *)(const void *)
				       i->ifa_addr)
				      ->sin_addr;
		else if (i->ifa_addr->sa_family == AF_INET6)
			octets = &((const struct sockaddr_in6 *)(const void *)
				       i->ifa_addr)
				      ->sin6_addr;
		if (octets != NULL &&
		    inet_ntop(i->ifa_addr->sa_family, octets, text,
			sizeof(text)) != NULL &&
		    !is_private(text))
			(void)add_address(p, text);
	}
	freeifaddrs(list);
}

/* in-addr.arpa (RFC 1035, 3.5) and ip6.arpa (RFC 3596, 2.5). */
static void
reverse_name(const struct ip_address *a, char name[256])
{
	const unsigned char *o = a->octets;
	size_t n = 0;

	if (a->v4) {
		(void)snprintf(name, 256, "%u.%u.%u.%u.in-addr.arpa", o[15],
		    o[14], o[13], o[12]);
		return;
	}
	for (size_t i = 16; i-- > 0;)
		n += (size_t)snprintf(name + n, 256 - n, "%x.%x.", o[i] & 15U,
		    (unsigned)o[i] >> 4);
	(void)snprintf(name + n, 256 - n, "ip6.arpa");
}

static void
add_addresses(struct dns_plan *p)
{
	for (size_t i = 0; i < p->addresses; i++) {
		struct dns_wanted *w = add(p, DNS_KIND_ADDRESS,
		    p->address[i].v4 ? DNS_A : DNS_AAAA, "", p->host);

		if (w == NULL)
			return;
		w->is_needed = w->has_address = true;
		w->address = p->address[i];
		set_data(p, w, "%s", p->address_text[i]);
	}
	if (p->addresses == 0) {
		/* Whatever it is. */
		struct dns_wanted *w = add(
		    p, DNS_KIND_ADDRESS, DNS_A, "", p->host);

		if (w != NULL)
			w->is_needed = true;
	}
}

static void
add_pointers(struct dns_plan *p)
{
	for (size_t i = 0; i < p->addresses; i++) {
		char name[256];
		struct dns_wanted *w;

		reverse_name(&p->address[i], name);
		w = add(p, DNS_KIND_PTR, DNS_PTR, "", name);
		w->is_needed = w->has_address = true;
		w->address = p->address[i];
		set_data(p, w, "%s.", p->host);
	}
}

/* --- who may send ------------------------------------------------------------
 */

static void
add_policies(struct dns_plan *p)
{
	struct dns_wanted *w = add(p, DNS_KIND_MX, DNS_MX, "", p->domain);

	w->is_needed = true;
	(void)str_copy(w->target, sizeof(w->target), str_of(p->host));
	set_data(p, w, "10 %s.", p->host);
	w = add(p, DNS_KIND_SPF, DNS_TXT, "", p->domain);
	w->is_needed = true;
	set_data(p, w, "v=spf1 mx -all");
	/* Of what has no sender, the name in EHLO is looked at (RFC 7208, 2.4).
	 */
	if (strcmp(p->host, p->domain) != 0) {
		w = add(p, DNS_KIND_SPF, DNS_TXT, "", p->host);
		set_data(p, w, "v=spf1 a -all");
	}
}

static enum pst_rc
add_keys(struct dns_plan *p, const struct config *cfg, struct pst_error *err)
{
	struct dkim_key_files files;
	enum pst_rc rc = dkim_key_files_read(
	    cfg->dkim.dir, p->domain, &files, err);
	struct buf text;

	buf_init(&text, TEXT_MAX);
	for (size_t i = 0; i < files.n; i++) {
		char prefix[100];
		struct dns_wanted *w;

		(void)snprintf(prefix, sizeof(prefix), "%s._domainkey.",
		    files.file[i].selector);
		buf_clear(&text);
		if (!dkim_key_record(&files.file[i].key, &text))
			continue;
		w = add(p, DNS_KIND_DKIM, DNS_TXT, prefix, p->domain);
		if (w == NULL)
			continue;
		w->is_needed = true;
		w->data = arena_copy(p->arena, buf_str(&text));
	}
	if (rc == PST_OK && files.n == 0 && cfg->dkim.sign)
		dns_plan_note(p,
		    "there are no DKIM keys of %s: posternctl dkim generate %s",
		    p->domain, p->domain);
	buf_fini(&text);
	dkim_key_files_fini(&files);
	return rc;
}

static void
add_dmarc(struct dns_plan *p)
{
	struct dns_wanted *w = add(
	    p, DNS_KIND_DMARC, DNS_TXT, "_dmarc.", p->domain);

	if (w == NULL)
		return;
	w->is_needed = true;
	set_data(p, w, "v=DMARC1; p=quarantine; rua=mailto:postmaster@%s",
	    p->domain);
}

/* --- TLS ---------------------------------------------------------------------
 */

static bool
has_port(const struct dns_plan *p, int64_t port)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->want[i].kind == DNS_KIND_TLSA &&
		    p->want[i].port == (unsigned)port)
			return true;
	return false;
}

static void
add_tlsa(struct dns_plan *p, unsigned port)
{
	char prefix[24];
	unsigned char hash[32];
	char hex[2 * sizeof(hash) + 1];

	(void)snprintf(prefix, sizeof(prefix), "_%u._tcp.", port);
	for (size_t i = 0; i < p->certificates; i++) {
		const struct pst_str key = p->certificate[i].key;
		struct dns_wanted *w;

		if (key.n == 0 ||
		    gnutls_hash_fast(GNUTLS_DIG_SHA256, key.p, key.n, hash) < 0)
			continue;
		w = add(p, DNS_KIND_TLSA, DNS_TLSA, prefix, p->host);
		if (w == NULL)
			return;
		w->port = port;
		for (size_t k = 0; k < sizeof(hash); k++)
			(void)snprintf(hex + 2 * k, 3, "%02x", hash[k]);
		set_data(p, w, "3 1 1 %s", hex);
	}
}

static void
add_all_tlsa(struct dns_plan *p, const struct config *cfg)
{
	for (size_t i = 0; i < cfg->listeners; i++) {
		const struct config_listener *l = &cfg->listener[i];

		if (l->tls != CONFIG_TLS_NONE && *l->path == '\0' &&
		    l->port > 0 && !has_port(p, l->port))
			add_tlsa(p, (unsigned)l->port);
	}
}

/* RFC 8461, 3.2; the id is another one whenever the policy is (3.1). */
static void
add_sts(struct dns_plan *p, const struct config *cfg)
{
	unsigned char hash[32] = { 0 };
	char id[2 * ID_OCTETS + 1];
	struct dns_wanted *w;
	struct buf policy;

	buf_init(&policy, TEXT_MAX);
	web_sts_policy(cfg, &policy);
	p->sts_policy = arena_copy(p->arena, buf_str(&policy));
	buf_fini(&policy);
	(void)gnutls_hash_fast(
	    GNUTLS_DIG_SHA256, p->sts_policy.p, p->sts_policy.n, hash);
	for (size_t i = 0; i < ID_OCTETS; i++)
		(void)snprintf(id + 2 * i, 3, "%02x", hash[i]);
	w = p->sts_policy.n > 0
		? add(p, DNS_KIND_STS, DNS_TXT, "_mta-sts.", p->domain)
		: NULL;
	if (w != NULL) {
		set_data(p, w, "v=STSv1; id=%s", id);
		w = add(p, DNS_KIND_STS, DNS_CNAME, "mta-sts.", p->domain);
		if (w != NULL)
			set_data(p, w, "%s.", p->host);
	}
	w = add(p, DNS_KIND_TLSRPT, DNS_TXT, "_smtp._tls.", p->domain);
	if (w != NULL)
		set_data(
		    p, w, "v=TLSRPTv1; rua=mailto:postmaster@%s", p->domain);
}

/* --- mail programs -----------------------------------------------------------
 */

static unsigned
port_of(const struct config *cfg, enum config_protocol protocol, bool implicit)
{
	for (size_t i = 0; i < cfg->listeners; i++) {
		const struct config_listener *l = &cfg->listener[i];

		if (l->protocol == (int)protocol && *l->path == '\0' &&
		    (l->tls == CONFIG_TLS_IMPLICIT) == implicit)
			return (unsigned)l->port;
	}
	return 0;
}

/* RFC 6186, 3; RFC 8314, 5.1; RFC 5804, 1.8. */
static void
add_services(struct dns_plan *p, const struct config *cfg)
{
	static const struct {
		const char *prefix;
		enum config_protocol protocol;
		bool implicit;
		bool unsaid; /* nothing is said when there is none */
	} known[] = {
		{ "_submission._tcp.", CONFIG_SUBMISSION, false, false },
		{ "_submissions._tcp.", CONFIG_SUBMISSION, true, false },
		{ "_imap._tcp.", CONFIG_IMAP, false, false },
		{ "_imaps._tcp.", CONFIG_IMAP, true, false },
		{ "_pop3._tcp.", CONFIG_POP3, false, false },
		{ "_pop3s._tcp.", CONFIG_POP3, true, false },
		{ "_sieve._tcp.", CONFIG_MANAGESIEVE, false, true },
	};
	static const char *const names[] = { "autoconfig.", "autodiscover." };

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		unsigned port = port_of(
		    cfg, known[i].protocol, known[i].implicit);
		struct dns_wanted *w;

		if (port == 0 && known[i].unsaid)
			continue;
		w = add(p, DNS_KIND_SRV, DNS_SRV, known[i].prefix, p->domain);
		if (w == NULL)
			continue;
		w->port = port;
		if (w->port != 0) {
			(void)str_copy(
			    w->target, sizeof(w->target), str_of(p->host));
			set_data(p, w, "0 1 %u %s.", w->port, p->host);
		} else {
			set_data(p, w, "0 0 0 .");
		}
	}
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct dns_wanted *w = add(
		    p, DNS_KIND_AUTO, DNS_CNAME, names[i], p->domain);

		if (w != NULL)
			set_data(p, w, "%s.", p->host);
	}
}

enum pst_rc
dns_plan_make(struct dns_plan *p, const struct config *cfg, const char *domain,
    struct pst_error *err)
{
	enum pst_rc rc;

	p->domain = trust_domain(p->arena, str_of(domain));
	if (p->domain == NULL || strlen(p->domain) > 240)
		return pst_fail(
		    err, PST_E_SYNTAX, 0, "%s is no domain name", domain);
	if (p->addresses == 0)
		find_configured(p, cfg);
	if (p->addresses == 0)
		find_own(p);
	add_addresses(p);
	add_policies(p);
	rc = add_keys(p, cfg, err);
	add_dmarc(p);
	add_all_tlsa(p, cfg);
	add_sts(p, cfg);
	add_services(p, cfg);
	add_pointers(p);
	return rc;
}
