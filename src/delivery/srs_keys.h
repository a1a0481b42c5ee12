/*
 * delivery/srs_keys.h - the file with the keys of SRS: one a line in
 * hexadecimal, the newest first, '#' begins a comment. It is made when there is
 * none. Who puts a new key above the old ones (and reloads) signs with that one
 * from then on; addresses that the old ones signed hold until their line is
 * taken out.
 *
 * Threads: from any thread, but for open and free.
 */
#ifndef DELIVERY_SRS_KEYS_H
#define DELIVERY_SRS_KEYS_H

#include "delivery/srs.h"

struct srs_keys;

/* PERM: the file is there and has no keys, or cannot be read. NOSPACE, TEMP. */
enum pst_rc srs_keys_open(
    const char *path, struct srs_keys **k_r, struct pst_error *err);
void srs_keys_free(struct srs_keys **k);
/* On a failure the keys stay as they were. */
enum pst_rc srs_keys_reload(struct srs_keys *k, struct pst_error *err);
void srs_keys_get(struct srs_keys *k, struct srs *srs_r);

#endif
