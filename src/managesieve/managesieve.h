/*
 * managesieve/managesieve.h - the ManageSieve server (RFC 5804), as a protocol
 * for connections. Their context is a struct services.
 */
#ifndef MANAGESIEVE_MANAGESIEVE_H
#define MANAGESIEVE_MANAGESIEVE_H

#include "net/net.h"

extern const struct net_protocol managesieve_protocol;

#endif
