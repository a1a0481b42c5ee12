/*
 * guard/hello.c - HELO names.
 */
#include "guard/hello.h"

#include "base/network.h"
#include "base/str.h"

/* "[192.0.2.1]" or "[IPv6:2001:db8::1]" (RFC 5321, 4.1.3). */
static bool
literal(struct pst_str name, struct ip_address *out)
{
	if (name.n < 2 || name.p[0] != '[' || name.p[name.n - 1] != ']')
		return false;
	name = str_n(name.p + 1, name.n - 2);
	if (str_has_prefix_case(name, "IPv6:"))
		return ip_parse(str_from(name, 5), out) && !out->v4;
	return ip_parse(name, out) && out->v4;
}

static bool
same_address(const struct ip_address *a, const char *text)
{
	struct ip_address b;

	return ip_parse(str_of(text), &b) &&
	       memcmp(a->octets, b.octets, sizeof(b.octets)) == 0;
}

static bool
is_label(struct pst_str label)
{
	if (label.n == 0 || label.n > 63 || label.p[0] == '-' ||
	    label.p[label.n - 1] == '-')
		return false;
	/* "_" is not allowed, and yet common among those who mean well. */
	for (size_t i = 0; i < label.n; i++)
		if (!ascii_is_alpha(label.p[i]) &&
		    !ascii_is_digit(label.p[i]) && label.p[i] != '-' &&
		    label.p[i] != '_')
			return false;
	return true;
}

static bool
is_full_name(struct pst_str name)
{
	struct pst_str label = STR_NONE;
	size_t labels = 0;

	if (name.n > 0 && name.p[name.n - 1] == '.')
		name.n--;
	if (name.n == 0 || name.n > 253)
		return false;
	while (str_split(&name, '.', &label)) {
		if (!is_label(label))
			return false;
		labels++;
	}
	/* No top-level domain is a number: that would be an address. */
	return labels > 1 && !ascii_is_digit(label.p[label.n - 1]);
}

enum guard_hello
guard_hello_kind(struct pst_str name, const char *peer)
{
	struct ip_address ip;

	if (literal(name, &ip))
		return same_address(&ip, peer) ? GUARD_HELLO_ADDRESS
					       : GUARD_HELLO_BAD;
	return is_full_name(name) ? GUARD_HELLO_NAME : GUARD_HELLO_BAD;
}

bool
guard_hello_is_ours(
    const struct config *cfg, struct pst_str name, const char *local)
{
	struct ip_address ip;

	if (literal(name, &ip))
		return same_address(&ip, local);
	if (name.n > 0 && name.p[name.n - 1] == '.')
		name.n--;
	return str_is_case(name, cfg->hostname) ||
	       config_is_local_domain(cfg, name);
}
