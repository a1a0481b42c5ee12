/*
 * base/network.c - parsing and comparing networks.
 */
#include "base/network.h"

#include "base/str.h"
#include <arpa/inet.h>

struct network {
	int family;
	unsigned char octets[16];
	unsigned bits;
};

static bool
parse_address(const char *text, struct network *n)
{
	if (inet_pton(AF_INET, text, n->octets) == 1) {
		n->family = AF_INET;
		n->bits = 32;
	} else if (inet_pton(AF_INET6, text, n->octets) == 1) {
		n->family = AF_INET6;
		n->bits = 128;
	} else {
		return false;
	}
	return true;
}

static bool
parse(const char *text, struct network *n)
{
	struct pst_str rest = str_of(text), address;
	char copy[INET6_ADDRSTRLEN];
	uint32_t bits;
	bool has_bits = str_find(rest, '/') < rest.n;

	if (!str_split(&rest, '/', &address) ||
	    !str_copy(copy, sizeof(copy), address) || !parse_address(copy, n))
		return false;
	if (!has_bits)
		return true;
	if (!str_to_u32(rest, &bits) || bits > n->bits)
		return false;
	n->bits = bits;
	return true;
}

bool
network_is_valid(const char *network)
{
	struct network n;

	return parse(network, &n);
}

bool
network_contains(const char *network, const char *address)
{
	struct network n, a;
	unsigned whole, left;

	if (!parse(network, &n) || !parse_address(address, &a) ||
	    n.family != a.family)
		return false;
	whole = n.bits / 8;
	left = n.bits % 8;
	if (memcmp(n.octets, a.octets, whole) != 0)
		return false;
	return left == 0 ||
	       ((n.octets[whole] ^ a.octets[whole]) >> (8 - left)) == 0;
}
