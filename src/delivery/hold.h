/*
 * delivery/hold.h - a message that is held back until it is known what is put
 * on top of it: in memory while it is small, else in a file without a name.
 *
 * Nothing in it is acknowledged, so it is never synchronised.
 *
 * Belongs to one thread at a time.
 */
#ifndef DELIVERY_HOLD_H
#define DELIVERY_HOLD_H

#include "base/mem.h"

struct hold {
	size_t memory;
	const char *dir;
	struct buf text;
	int fd;	       /* -1: all is in memory */
	uint64_t size; /* octets in the file */
};

/* Up to `memory` octets stay in memory; `dir`, where the file goes, must
 * outlive it. */
void hold_init(struct hold *h, size_t memory, const char *dir);
void hold_fini(struct hold *h);
/* NOSPACE, TEMP. */
enum pst_rc hold_add(
    struct hold *h, const void *p, size_t n, struct pst_error *err);
uint64_t hold_size(const struct hold *h);
/* Hands all of it to `sink`, in order, as often as it is called; what that
 * returns other than OK ends it and is returned. */
enum pst_rc hold_release(struct hold *h,
    enum pst_rc (*sink)(void *arg, const void *p, size_t n), void *arg,
    struct pst_error *err);

#endif
