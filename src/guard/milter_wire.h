/*
 * guard/milter_wire.h - the connection to a milter: whole packets, each with a
 * deadline. Everything blocks, so it is for jobs alone.
 *
 * Threads: belongs to one at a time.
 */
#ifndef GUARD_MILTER_WIRE_H
#define GUARD_MILTER_WIRE_H

#include "guard/milter_packet.h"
#include <stdatomic.h>

struct milter_wire {
	int fd; /* -1: not connected */
	struct buf in;
	size_t used;		  /* of `in`, by the last packet */
	const atomic_bool *stops; /* the server stops: give up */
	const atomic_bool *gone;  /* who waits is gone: likewise */
};

void milter_wire_init(
    struct milter_wire *w, const atomic_bool *stops, const atomic_bool *gone);
/* `socket` as base/network.h has it. Deadlines: clock_monotonic(). All return
 * TEMP on a failure and fill `err`. */
enum pst_rc milter_wire_open(struct milter_wire *w, const char *socket,
    int64_t until, struct pst_error *err);
enum pst_rc milter_wire_send(struct milter_wire *w, const struct buf *out,
    int64_t until, struct pst_error *err);
/* Valid until the next call. */
enum pst_rc milter_wire_read(struct milter_wire *w,
    struct milter_packet *packet_r, int64_t until, struct pst_error *err);
/* With a QUIT, when that goes without waiting; from any thread. */
void milter_wire_close(struct milter_wire *w);

#endif
