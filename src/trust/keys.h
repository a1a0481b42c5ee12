/*
 * trust/keys.h - the keys of DKIM in memory, read again when their directory
 * changes, so that `posternctl dkim` needs no reload.
 *
 * Threads: from any thread.
 */
#ifndef TRUST_KEYS_H
#define TRUST_KEYS_H

#include "trust/key_files.h"

struct dkim_keys;

struct dkim_keys *dkim_keys_new(const char *dir);
void dkim_keys_free(struct dkim_keys **k);
/* There is a domain with keys. */
bool dkim_keys_any(struct dkim_keys *k);

/* A domain's keys, shared. */
struct dkim_key_set {
	struct dkim_key_files files;
	unsigned refs; /* private */
};
/* NULL: there are none. To be given back with dkim_keys_drop(). */
struct dkim_key_set *dkim_keys_of(struct dkim_keys *k, const char *domain);
void dkim_keys_drop(struct dkim_keys *k, struct dkim_key_set **set);

#endif
