/*
 * guard/dnslist.h - DNS block and allow lists (RFC 5782): the name to ask for,
 * and which answers count. Pure.
 */
#ifndef GUARD_DNSLIST_H
#define GUARD_DNSLIST_H

#include "base/config.h"
#include "base/network.h"

/* "2.0.0.127.ZONE", or 32 nibbles (2.1 and 2.4). False: too long. */
bool guard_dnslist_name(
    const struct ip_address *ip, const char *zone, char name_r[256]);
/*
 * An answer counts if it is in one of the patterns: four parts, each a number,
 * a range "4-7" or "*". One outside of 127.0.0.0/8 never does (2.3), nor one
 * of 127.255.255.0/24, by which lists say that they refuse to answer.
 */
bool guard_dnslist_counts(
    const struct config_strings *patterns, const unsigned char answer[4]);
bool guard_dnslist_refuses(const unsigned char answer[4]);

#endif
