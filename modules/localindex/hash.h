/*
 * localindex/hash.h - a fast checksum, against damage and not against malice.
 */
#ifndef LOCALINDEX_HASH_H
#define LOCALINDEX_HASH_H

#include <stddef.h>
#include <stdint.h>

/* Of `n` octets; the same on every machine. */
uint64_t li_hash(const void *p, size_t n, uint64_t seed);

#endif
