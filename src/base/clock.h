/*
 * base/clock.h - time and chance, in one place so that tests can set them.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <postern/types.h>

int64_t clock_now(void);       /* microseconds since 1970, UTC */
int64_t clock_seconds(void);   /* seconds since 1970, UTC */
int64_t clock_monotonic(void); /* microseconds, never goes back */
/* For tests: added to clock_now() and clock_monotonic(), microseconds. */
void clock_advance(int64_t us);

/* Cryptographically good octets; from any thread. */
void random_bytes(void *p, size_t n);
uint64_t random_u64(void);

#endif
