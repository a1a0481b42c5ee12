/*
 * net/deflate.h - a connection's compression (RFC 4978): raw DEFLATE streams
 * (RFC 1951) in both directions. Pure.
 *
 * What is packed is always flushed to the last octet, so that the peer can read
 * all of it; what comes is unpacked as far as there is room for it, however it
 * was cut or flushed.
 *
 * Threads: belongs to one connection.
 * Memory:  some 90 KiB; after deflate_rest(), what was read last (32 KiB at
 *          most).
 */
#ifndef NET_DEFLATE_H
#define NET_DEFLATE_H

#include "base/mem.h"

struct deflate;

struct deflate *deflate_new(void);
void deflate_free(struct deflate **d);

/* Packs octets of `plain`, all of them if they are not too many; returns how
 * many. Those that are all wait then, others maybe only with the next ones.
 * Only when nothing waits. False in *good_r: no memory. */
size_t deflate_pack(struct deflate *d, struct pst_str plain, bool *good_r);
/* Packed octets to be sent; they stay in place until they are. */
struct pst_str deflate_waiting(const struct deflate *d);
void deflate_sent(struct deflate *d, size_t n);

/* Room for packed octets that come, when unpacking gave 0. */
char *deflate_room(struct deflate *d, size_t *n_r);
void deflate_came(struct deflate *d, size_t n);
/* Unpacks at most `n` octets: how many; 0: more must come; -1: this is no
 * DEFLATE stream. */
ssize_t deflate_unpack(struct deflate *d, char *p, size_t n);
/* The peer ended its stream. */
bool deflate_ended(const struct deflate *d);
/* deflate_unpack() may give something without more to come. */
bool deflate_pending(const struct deflate *d);

/* Gives back the memory that can be spared for as long as nothing happens. At
 * any time; does nothing while something waits. */
void deflate_rest(struct deflate *d);

#endif
