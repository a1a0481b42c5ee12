/*
 * dns_check.c - see dns_check.h: all records but TXT.
 */
#include "admin/dns_check.h"

#include "base/clock.h"
#include "base/str.h"

#include <arpa/inet.h>
#include <limits.h>

enum { FOUND_MAX = 16384 };

const char *
dns_state_name(enum dns_state s)
{
	static const char *const names[] = { "fine", "missing", "wrong",
		"unknown" };

	return names[s];
}

void
dns_judge(struct dns_finding *f, enum dns_state state, const char *fmt, ...)
{
	va_list ap;

	f->state = state;
	va_start(ap, fmt);
	(void)vsnprintf(f->why, sizeof(f->why), fmt, ap);
	va_end(ap);
}

void
dns_found(struct dns_finding *f, const char *fmt, ...)
{
	va_list ap;

	if (f->found.n > 0)
		(void)buf_puts(&f->found, ", ");
	va_start(ap, fmt);
	(void)buf_vprintf(&f->found, fmt, ap);
	va_end(ap);
}

bool
dns_ask(const struct dns_asking *q, const char *name, enum dns_type type,
    struct dns_answer *a, struct dns_finding *f)
{
	q->dns.lookup(q->dns.arg, name, type, clock_monotonic() + q->time, a);
	switch (a->status) {
	case DNS_FOUND:
		return true;
	case DNS_NODATA:
	case DNS_NXDOMAIN:
		dns_judge(f, DNS_MISSING, "%s", "");
		break;
	case DNS_BOGUS:
		dns_judge(f, DNS_WRONG,
		    "DNSSEC says that it is forged or broken: %s", a->reason);
		break;
	case DNS_FAILED:
		dns_judge(f, DNS_UNKNOWN, "%s", a->reason);
		break;
	}
	return false;
}

/* --- addresses ---------------------------------------------------------------
 */

static void
print_address(const unsigned char *octets, size_t n, char text[46])
{
	text[0] = '\0';
	(void)inet_ntop(n == 4 ? AF_INET : AF_INET6, octets, text, 46);
}

static bool
is_ours(const struct dns_plan *p, const char *text)
{
	for (size_t i = 0; i < p->addresses; i++)
		if (strcmp(p->address_text[i], text) == 0)
			return true;
	return false;
}

/* Is `wanted` ("": anything) among the addresses of `name`? *other_r: one that
 * is not this host's, if all are to be. */
static bool
has_address(const struct dns_asking *q, const char *name, enum dns_type type,
    const char *wanted, char other_r[46], struct dns_finding *f)
{
	struct dns_answer a;
	unsigned char octets[16];
	char text[46];
	size_t n;
	bool has = false;

	other_r[0] = '\0';
	if (dns_ask(q, name, type, &a, f))
		for (size_t i = 0; i < a.records; i++) {
			if (!dns_address(&a, i, octets, &n))
				continue;
			print_address(octets, n, text);
			dns_found(f, "%s", text);
			has |= *wanted == '\0' || strcmp(text, wanted) == 0;
			if (!is_ours(q->plan, text))
				(void)str_copy(other_r, 46, str_of(text));
		}
	dns_answer_fini(&a);
	return has;
}

/* By either family. */
static bool
has_any_address(const struct dns_asking *q, const char *name)
{
	struct dns_finding ignored = { 0 };
	char other[46];
	bool has;

	buf_init(&ignored.found, FOUND_MAX);
	has = has_address(q, name, DNS_A, "", other, &ignored) ||
	      has_address(q, name, DNS_AAAA, "", other, &ignored);
	buf_fini(&ignored.found);
	return has;
}

/* A name that MX and SRV must not point to (RFC 5321, 5.1; RFC 2782). */
static bool
is_alias(const struct dns_asking *q, const char *name)
{
	struct dns_finding ignored = { 0 };
	struct dns_answer a;
	bool is;

	buf_init(&ignored.found, FOUND_MAX);
	is = dns_ask(q, name, DNS_CNAME, &a, &ignored);
	dns_answer_fini(&a);
	buf_fini(&ignored.found);
	return is;
}

static void
check_address(const struct dns_asking *q, const struct dns_wanted *w,
    struct dns_finding *f)
{
	const char *wanted = "";
	char other[46], text[46] = "";

	if (w->has_address) {
		print_address(w->address.octets + (w->address.v4 ? 12 : 0),
		    w->address.v4 ? 4 : 16, text);
		wanted = text;
	}
	if (is_alias(q, w->name)) {
		dns_judge(f, DNS_WRONG,
		    "it is a CNAME, which the name of a mail server must not "
		    "be");
		return;
	}
	if (!w->has_address) {
		if (has_any_address(q, w->name))
			dns_judge(f, DNS_FINE,
			    "which addresses are right is not known here: "
			    "--address");
		else
			(void)has_address(q, w->name, w->type, "", other, f);
		return;
	}
	if (!has_address(q, w->name, w->type, wanted, other, f)) {
		if (f->found.n > 0)
			dns_judge(f, DNS_WRONG, "it leads to another host");
	} else if (other[0] != '\0') {
		dns_judge(f, DNS_WRONG,
		    "%s is there, too, which is no address of this host",
		    other);
	}
}

/* RFC 1912, 2.1; many refuse mail from hosts whose names do not fit. */
static void
check_pointer(const struct dns_asking *q, const struct dns_wanted *w,
    struct dns_finding *f)
{
	struct dns_finding back = { 0 };
	struct dns_answer a;
	char name[256], text[46], other[46];
	bool fits = false;

	if (dns_ask(q, w->name, DNS_PTR, &a, f)) {
		for (size_t i = 0; i < a.records; i++)
			if (dns_ptr(&a, i, name)) {
				dns_found(f, "%s", name);
				fits |= str_is_case(
				    str_of(name), q->plan->host);
			}
		print_address(w->address.octets + (w->address.v4 ? 12 : 0),
		    w->address.v4 ? 4 : 16, text);
		buf_init(&back.found, FOUND_MAX);
		if (!fits)
			dns_judge(f, DNS_WRONG,
			    "%s is called otherwise than the host calls itself",
			    text);
		else if (a.records > 1)
			dns_judge(f, DNS_WRONG,
			    "%s has several names: one is believed by chance",
			    text);
		else if (!has_address(q, q->plan->host,
			     w->address.v4 ? DNS_A : DNS_AAAA, text, other,
			     &back))
			dns_judge(f, DNS_WRONG,
			    "%s leads to %s, but that name not back to it",
			    text, q->plan->host);
		buf_fini(&back.found);
	}
	dns_answer_fini(&a);
}

/* --- MX and SRV --------------------------------------------------------------
 */

static void
check_mx(const struct dns_asking *q, const struct dns_wanted *w,
    struct dns_finding *f)
{
	struct dns_answer a;
	unsigned preference, best = UINT_MAX, own = UINT_MAX;
	char name[256];

	if (dns_ask(q, w->name, DNS_MX, &a, f)) {
		for (size_t i = 0; i < a.records; i++) {
			if (!dns_mx(&a, i, &preference, name))
				continue;
			dns_found(f, "%u %s", preference, name);
			if (preference < best)
				best = preference;
			if (str_is_case(str_of(name), w->target) &&
			    preference < own)
				own = preference;
			if (strcmp(name, ".") == 0)
				dns_judge(f, DNS_WRONG,
				    "\".\" says that the domain takes no mail "
				    "(RFC 7505)");
			else if (is_alias(q, name))
				dns_judge(f, DNS_WRONG,
				    "%s is a CNAME, which an MX must not point "
				    "to (RFC 5321, 5.1)",
				    name);
			else if (!has_any_address(q, name))
				dns_judge(
				    f, DNS_WRONG, "%s has no address", name);
		}
		if (f->state == DNS_FINE && own == UINT_MAX)
			dns_judge(f, DNS_WRONG,
			    "mail for the domain goes to another host");
		else if (f->state == DNS_FINE && own > best)
			dns_judge(f, DNS_FINE, "others are asked first");
	}
	dns_answer_fini(&a);
}

static void
check_service(const struct dns_asking *q, const struct dns_wanted *w,
    struct dns_finding *f)
{
	struct dns_answer a;
	unsigned port;
	char name[256];
	bool right = false;

	if (dns_ask(q, w->name, DNS_SRV, &a, f)) {
		for (size_t i = 0; i < a.records; i++)
			if (dns_srv(&a, i, &port, name)) {
				dns_found(f, "%u %s", port, name);
				right |= w->port == 0
					     ? strcmp(name, ".") == 0
					     : port == w->port &&
						   str_is_case(
						       str_of(name), w->target);
			}
		if (!right && w->port == 0)
			dns_judge(
			    f, DNS_WRONG, "this host does not offer that");
		else if (!right)
			dns_judge(
			    f, DNS_WRONG, "it leads to another host or port");
		else if (a.records > 1)
			dns_judge(f, DNS_FINE, "and to other places");
	} else if (w->port == 0 && f->state == DNS_MISSING) {
		dns_judge(f, DNS_FINE, "there is none, and nothing says so");
	}
	dns_answer_fini(&a);
}

/* --- TLSA and names for the web
 * -----------------------------------------------
 */

static void
check_tlsa(const struct dns_asking *q, const struct dns_wanted *w,
    struct dns_finding *f)
{
	struct dns_answer a;
	struct dns_tlsa t;
	bool fits = false;

	if (dns_ask(q, w->name, DNS_TLSA, &a, f)) {
		for (size_t i = 0; i < a.records; i++)
			if (dns_tlsa(&a, i, &t)) {
				dns_found(f, "%u %u %u ", t.usage, t.selector,
				    t.matching);
				for (size_t k = 0; k < t.data.n && k < 64; k++)
					(void)buf_printf(&f->found, "%02x",
					    (unsigned char)t.data.p[k]);
				fits |= dns_plan_fits(q->plan, &t);
			}
		if (!fits)
			dns_judge(f, DNS_WRONG,
			    "it does not fit the certificate: mail from "
			    "servers with DANE does not come");
		else if (!a.secure)
			dns_judge(f, DNS_WRONG,
			    "the zone is not signed, or nothing above says so: "
			    "nobody believes it");
	} else if (f->state == DNS_MISSING && !a.secure) {
		dns_judge(
		    f, DNS_MISSING, "the zone is not signed; DANE needs that");
	}
	dns_answer_fini(&a);
}

static void
check_web_name(const struct dns_asking *q, const struct dns_wanted *w,
    struct dns_finding *f)
{
	struct dns_answer a;
	char name[256];

	if (dns_ask(q, w->name, DNS_CNAME, &a, f)) {
		if (dns_ptr(&a, 0, name))
			dns_found(f, "%s", name);
	} else if (f->state == DNS_MISSING && has_any_address(q, w->name)) {
		dns_judge(f, DNS_FINE, "by addresses of its own");
	}
	if (f->state == DNS_FINE && f->found.n > 0 &&
	    !has_any_address(q, w->name))
		dns_judge(f, DNS_WRONG, "it leads nowhere");
	dns_answer_fini(&a);
}

void
dns_check(const struct dns_asking *q, size_t i, struct dns_finding *f)
{
	const struct dns_wanted *w = &q->plan->want[i];

	*f = (struct dns_finding){ .state = DNS_FINE };
	buf_init(&f->found, FOUND_MAX);
	switch (w->type) {
	case DNS_A:
	case DNS_AAAA:
		check_address(q, w, f);
		break;
	case DNS_PTR:
		check_pointer(q, w, f);
		break;
	case DNS_MX:
		check_mx(q, w, f);
		break;
	case DNS_TXT:
		dns_check_text(q, w, f);
		break;
	case DNS_SRV:
		check_service(q, w, f);
		break;
	case DNS_TLSA:
		check_tlsa(q, w, f);
		break;
	case DNS_CNAME:
		check_web_name(q, w, f);
		break;
	}
}
