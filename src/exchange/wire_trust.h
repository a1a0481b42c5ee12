/*
 * exchange/wire_trust.h - whether the certificate of another server is what a
 * policy wants: known authorities (RFC 5280, 6125), or TLSA records (RFC 6698,
 * RFC 7672).
 */
#ifndef EXCHANGE_WIRE_TRUST_H
#define EXCHANGE_WIRE_TRUST_H

#include "exchange/wire.h"
#include <gnutls/gnutls.h>

/* After the handshake. DENIED: it is not; *flaw_r and the detail tell why. */
enum pst_rc wire_trust_check(gnutls_session_t session,
    const struct wire_policy *policy, enum wire_flaw *flaw_r,
    struct pst_error *err);

/* One TLSA record could be used at all (RFC 7672, 3.1): then the others do not
 * count, and without one DANE does not apply. */
bool wire_tlsa_is_usable(const struct wire_tlsa *tlsa);

#endif
