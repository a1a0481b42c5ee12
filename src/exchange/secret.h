/*
 * exchange/secret.h - the passwords of relays, from their files, read when the
 * server starts and when it reads its configuration again.
 *
 * Threads: from any thread.
 */
#ifndef EXCHANGE_SECRET_H
#define EXCHANGE_SECRET_H

#include "base/config.h"

struct secrets;

/* A file that cannot be used is told of in the log; then secrets_get() tells it
 * to whoever needs that password. */
struct secrets *secrets_new(const struct config *cfg);
void secrets_free(struct secrets **s);
void secrets_configure(struct secrets *s, const struct config *cfg);

/* The caller frees it with login_forget(). TEMP, DENIED, SYNTAX: why there is
 * none. */
enum pst_rc secrets_get(struct secrets *s, const char *relay, char **password_r,
    struct pst_error *err);

#endif
