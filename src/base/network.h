/*
 * base/network.h - IP addresses and networks as texts: "192.0.2.0/24",
 * "2001:db8::/32", or a single address. Pure.
 */
#ifndef BASE_NETWORK_H
#define BASE_NETWORK_H

#include <postern/types.h>
#include <sys/socket.h>

/* An IPv4 address stands as ::ffff:a.b.c.d. */
struct ip_address {
	unsigned char octets[16];
	bool v4;
};

struct network {
	struct ip_address address;
	unsigned bits; /* of 128, counted from the front */
};

/* "192.0.2.1", "2001:db8::1"; "::ffff:192.0.2.1" is IPv4. */
bool ip_parse(struct pst_str text, struct ip_address *out);
bool network_parse(struct pst_str text, struct network *out);
bool network_has(const struct network *n, const struct ip_address *a);
/* Where anybody in the Internet may be, and no host of the own network, nor
 * anything special (the registries of RFC 6890). */
bool network_is_global(const struct sockaddr *address);
/* It has the form of a network: a prefix that leaves no bit of the address set
 * is not demanded. */
bool network_is_valid(const char *network);
/* The address, in its usual form, is in the network. IPv4 addresses are in no
 * network of IPv6. False also when either is not valid. */
bool network_contains(const char *network, const char *address);
/* "unix:/PATH", "local:/PATH", "/PATH"; "inet:PORT@ADDRESS" or
 * "inet6:PORT@ADDRESS", where "localhost" is an address, too. */
bool network_socket(
    const char *text, struct sockaddr_storage *out, socklen_t *size_r);
/* An address, or one with "@port" behind it. */
bool network_is_server(struct pst_str text);

#endif
