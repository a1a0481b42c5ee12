/*
 * base/network.c - reading and comparing IP addresses and networks.
 */
#include "base/network.h"

#include "base/str.h"
#include <arpa/inet.h>
#include <stddef.h>
#include <sys/un.h>

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

static bool
unix_socket(const char *path, struct sockaddr_storage *out, socklen_t *size_r)
{
	struct sockaddr_un *un = (void *)out;
	size_t n = strlen(path);

	if (n == 0 || path[0] != '/' || n >= sizeof(un->sun_path))
		return false;
	un->sun_family = AF_UNIX;
	memcpy(un->sun_path, path, n);
	*size_r = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n + 1);
	return true;
}

static bool
inet_socket(
    struct pst_str text, struct sockaddr_storage *out, socklen_t *size_r)
{
	struct sockaddr_in *v4 = (void *)out;
	struct sockaddr_in6 *v6 = (void *)out;
	size_t at = str_find(text, '@');
	struct pst_str host = str_from(text, at + 1);
	struct ip_address ip;
	uint32_t port;

	if (str_is_case(host, "localhost"))
		host = STR("127.0.0.1");
	if (!str_to_u32(str_first(text, at), &port) || port == 0 ||
	    port > 65535 || !ip_parse(host, &ip))
		return false;
	if (ip.v4) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons((uint16_t)port);
		memcpy(&v4->sin_addr, ip.octets + 12, 4);
		*size_r = sizeof(*v4);
	} else {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons((uint16_t)port);
		memcpy(&v6->sin6_addr, ip.octets, 16);
		*size_r = sizeof(*v6);
	}
	return true;
}

bool
network_socket(
    const char *text, struct sockaddr_storage *out, socklen_t *size_r)
{
	static const char *const local[] = { "unix:", "local:" };
	static const char *const inet[] = { "inet:", "inet6:" };
	struct pst_str s = str_of(text);

	memset(out, 0, sizeof(*out));
	for (size_t i = 0; i < 2; i++) {
		if (str_has_prefix_case(s, local[i]))
			return unix_socket(
			    text + strlen(local[i]), out, size_r);
		if (str_has_prefix_case(s, inet[i]))
			return inet_socket(
			    str_from(s, strlen(inet[i])), out, size_r);
	}
	return unix_socket(text, out, size_r);
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

/* --- special addresses -----------------------------------------------------
 */

/* Also reserved ones, of which nobody knows whose they will be. */
static const char *const special[] = { "0.0.0.0/8", "10.0.0.0/8",
	"100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
	"192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16",
	"198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3",
	/* Of 2000::/3, outside of which nothing is global: protocols
	 * (Teredo...), documentation. */
	"2001::/23", "2001:db8::/32", "3fff::/20" };

static bool
is_global(const struct ip_address *a)
{
	struct network n;

	for (size_t i = 0; i < sizeof(special) / sizeof(special[0]); i++)
		if (network_parse(str_of(special[i]), &n) && network_has(&n, a))
			return false;
	return a->v4 || (a->octets[0] & 0xe0) == 0x20;
}

/* The IPv4 address that one of IPv6 leads to: of 6to4 (RFC 3056) and of NAT64
 * (RFC 6052). */
static bool
leads_to_v4(const struct ip_address *a, struct ip_address *out)
{
	static const unsigned char nat64[12] = { 0, 0x64, 0xff, 0x9b };
	size_t at;

	if (a->v4)
		return false;
	if (memcmp(a->octets, nat64, sizeof(nat64)) == 0)
		at = 12;
	else if (a->octets[0] == 0x20 && a->octets[1] == 0x02)
		at = 2;
	else
		return false;
	memcpy(out->octets, mapped, sizeof(mapped));
	memcpy(out->octets + 12, a->octets + at, 4);
	out->v4 = true;
	return true;
}

bool
network_is_global(const struct sockaddr *address)
{
	struct ip_address a = { .v4 = true }, inner;

	if (address->sa_family == AF_INET) {
		struct sockaddr_in v4;

		memcpy(&v4, address, sizeof(v4));
		memcpy(a.octets, mapped, sizeof(mapped));
		memcpy(a.octets + 12, &v4.sin_addr, 4);
	} else if (address->sa_family == AF_INET6) {
		struct sockaddr_in6 v6;

		memcpy(&v6, address, sizeof(v6));
		memcpy(a.octets, &v6.sin6_addr, 16);
		a.v4 = memcmp(a.octets, mapped, sizeof(mapped)) == 0;
	} else {
		return false;
	}
	return leads_to_v4(&a, &inner) ? is_global(&inner) : is_global(&a);
}
