/*
 * smtp/smtp.h - the server side of SMTP (RFC 5321), message submission
 * (RFC 6409) and LMTP (RFC 2033), for net_protocol_fn.
 */
#ifndef SMTP_SMTP_H
#define SMTP_SMTP_H

#include "net/net.h"

extern const struct net_protocol smtp_protocol;	      /* from other servers */
extern const struct net_protocol submission_protocol; /* from our users */
extern const struct net_protocol lmtp_protocol; /* from programs of this host */

#endif
