/*
 * base/network.h - networks of IP addresses as the configuration names them:
 * "192.0.2.0/24", "2001:db8::/32", or one address.
 */
#ifndef BASE_NETWORK_H
#define BASE_NETWORK_H

#include <stdbool.h>

/* It has the form of a network: a prefix that leaves no bit of the address set
 * is not demanded. */
bool network_is_valid(const char *network);
/* The address, in its usual form, is in the network. IPv4 addresses are in no
 * network of IPv6. False also when either is not valid. */
bool network_contains(const char *network, const char *address);

#endif
