/*
 * base/network.c - reading and comparing IP addresses and networks.
 */
#include "base/network.h"

#include "base/str.h"
#include <arpa/inet.h>

static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };

bool
ip_parse(struct pst_str text, struct ip_address *out)
{
	char copy[INET6_ADDRSTRLEN + 1];

	if (text.n == 0 || !str_copy(copy, sizeof(copy), text) ||
	    strlen(copy) != text.n)
		return false;
	if (inet_pton(AF_INET, copy, out->octets + 12) == 1) {
		memcpy(out->octets, mapped, sizeof(mapped));
		out->v4 = true;
		return true;
	}
	if (inet_pton(AF_INET6, copy, out->octets) != 1)
		return false;
	out->v4 = memcmp(out->octets, mapped, sizeof(mapped)) == 0;
	return true;
}

bool
network_parse(struct pst_str text, struct network *out)
{
	size_t slash = str_find(text, '/');
	uint32_t bits, most;

	if (!ip_parse(str_first(text, slash), &out->address))
		return false;
	most = out->address.v4 ? 32 : 128;
	bits = most;
	if (slash < text.n &&
	    (!str_to_u32(str_from(text, slash + 1), &bits) || bits > most))
		return false;
	out->bits = bits + 128 - most;
	return true;
}

bool
network_has(const struct network *n, const struct ip_address *a)
{
	unsigned whole = n->bits / 8, rest = n->bits % 8;

	if (n->address.v4 != a->v4 ||
	    memcmp(n->address.octets, a->octets, whole) != 0)
		return false;
	return rest == 0 || ((n->address.octets[whole] ^ a->octets[whole]) >>
				(8 - rest)) == 0;
}

bool
network_is_valid(const char *network)
{
	struct network n;

	return network_parse(str_of(network), &n);
}

bool
network_contains(const char *network, const char *address)
{
	struct network n;
	struct ip_address a;

	return network_parse(str_of(network), &n) &&
	       ip_parse(str_of(address), &a) && network_has(&n, &a);
}

bool
network_is_server(struct pst_str text)
{
	size_t at = str_find(text, '@');
	struct ip_address address;
	uint32_t port = 53;

	if (at < text.n && (!str_to_u32(str_from(text, at + 1), &port) ||
			       port == 0 || port > 65535))
		return false;
	return ip_parse(str_first(text, at), &address);
}
