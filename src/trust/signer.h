/*
 * trust/signer.h - signing what our users hand in: one message on its way to
 * delivery (delivery/delivery.h, struct delivery_seal).
 *
 * The domain is that of From, if it is ours and has keys; with keys of several
 * algorithms there are as many signatures.
 *
 * Belongs to one thread at a time.
 */
#ifndef TRUST_SIGNER_H
#define TRUST_SIGNER_H

#include "account/account.h"
#include "trust/keys.h"

struct trust_signer;

/* `cfg` is referenced; the others must outlive it. `conn` is for the log. */
struct trust_signer *trust_signer_new(struct config *cfg,
    struct accounts *accounts, struct dkim_keys *keys, uint64_t conn);
void trust_signer_free(struct trust_signer **s);
/* The message, as it will be sent. */
void trust_signer_content(void *signer, const void *p, size_t n);
/* It is over: appends the signatures' fields, or nothing. */
void trust_signer_fields(void *signer, struct buf *out);

#endif
