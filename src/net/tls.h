/*
 * net/tls.h - certificates and TLS policy by GnuTLS, apart from connections.
 *
 * A context is immutable; tls_reload() swaps the certificates atomically while
 * handshakes run. Sessions keep a reference to the credentials they began
 * with.
 */
#ifndef NET_TLS_H
#define NET_TLS_H

#include "base/config.h"

struct tls_context;

/* Reads all certificates of `cfg`. Returns NULL with `err` on failure. A
 * configuration without certificates gives a context that offers no TLS. */
struct tls_context *tls_context_new(
    const struct config *cfg, struct pst_error *err);
/* Reads them again; on failure the old ones stay. From any thread. */
enum pst_rc tls_reload(
    struct tls_context *t, const struct config *cfg, struct pst_error *err);
void tls_context_free(struct tls_context **t);
bool tls_has_certificate(const struct tls_context *t);
enum { TLS_EXPIRES_SOON = 14 }; /* days: people are warned */
/* Seconds since 1970 when the first certificate runs out; 0: none. */
int64_t tls_expires(const struct tls_context *t);

/* Calls back with each certificate as it is shown: in DER, what is above it
 * behind it. The octets live as long as the call back. From any thread. */
void tls_each_certificate(struct tls_context *t,
    void (*fn)(void *arg, const struct pst_str *chain, size_t n), void *arg);

/* Writes a self-signed certificate (P-256, for `names`) and its key; for the
 * sandbox. */
enum pst_rc tls_make_certificate(const char *cert_path, const char *key_path,
    const char *const *names, size_t n, struct pst_error *err);

#endif
