/*
 * imap/imap.h - the IMAP server (RFC 3501, RFC 9051 and extensions), as a
 * protocol for connections. Their context is a struct services.
 */
#ifndef IMAP_IMAP_H
#define IMAP_IMAP_H

#include "net/net.h"

extern const struct net_protocol imap_protocol;

#endif
