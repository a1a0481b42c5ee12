/*
 * pop3/pop3.h - the POP3 server (RFC 1939, RFC 2449 and extensions), as a
 * protocol for connections. Their context is a struct services.
 */
#ifndef POP3_POP3_H
#define POP3_POP3_H

#include "net/net.h"

extern const struct net_protocol pop3_protocol;

#endif
