/*
 * hash.c - a fast checksum. Every octet read from the index is checked, so it
 * has to cost next to nothing: eight octets a step, in four lanes that a
 * processor works on side by side.
 */
#include "localindex/hash.h"

#include <endian.h>
#include <string.h>

#define PRIME_1 UINT64_C(0x9e3779b185ebca87)
#define PRIME_2 UINT64_C(0xc2b2ae3d27d4eb4f)

static inline uint64_t
load(const unsigned char *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return le64toh(v);
}

static inline uint64_t
step(uint64_t lane, uint64_t v)
{
	lane = (lane ^ v) * PRIME_1;
	return lane << 31 | lane >> 33;
}

uint64_t
li_hash(const void *data, size_t n, uint64_t seed)
{
	const unsigned char *p = data;
	uint64_t a = seed ^ PRIME_2, b = seed + PRIME_1, c = ~seed, d = n;
	uint64_t last = 0;

	for (; n >= 32; n -= 32, p += 32) {
		a = step(a, load(p));
		b = step(b, load(p + 8));
		c = step(c, load(p + 16));
		d = step(d, load(p + 24));
	}
	for (; n >= 8; n -= 8, p += 8)
		a = step(a, load(p)) + b;
	for (size_t i = 0; i < n; i++)
		last |= (uint64_t)p[i] << 8 * i;
	a = step(a, last ^ (uint64_t)n << 56);
	a = step(step(step(a, b), c), d);
	return (a ^ a >> 29) * PRIME_2;
}
