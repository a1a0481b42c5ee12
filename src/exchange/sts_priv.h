/*
 * exchange/sts_priv.h - the files of policies (sts_file.c), for sts.c.
 *
 * A file has the name of its domain; in it are lines "id", "fetched" and
 * "used", an empty one, and the policy as it came.
 */
#ifndef EXCHANGE_STS_PRIV_H
#define EXCHANGE_STS_PRIV_H

#include "exchange/sts.h"

/* Letters, digits, '-', '_' and '.': a domain that can be a file's name. */
bool sts_is_domain(const char *name);
/* A policy with one reference, or NULL. `octets` is copied. */
struct sts_policy *sts_policy_new(const char *domain, const char *id,
    int64_t fetched, struct pst_str octets, const char **why_r);

void sts_file_write(const char *dir, const struct sts_policy *p, int64_t used);
void sts_file_remove(const char *dir, const char *domain);
/* All there are; those that cannot be read are removed. */
void sts_file_each(const char *dir,
    void (*fn)(void *arg, struct sts_policy *p, int64_t used), void *arg);

#endif
