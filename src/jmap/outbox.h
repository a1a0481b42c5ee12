/*
 * jmap/outbox.h - messages on their way out: sent at once, or held until their
 * time has come, and until then taken back by who sent them (RFC 8621, 7;
 * FUTURERELEASE of RFC 4865).
 *
 * Each submission is a file below state_dir/outbox, so it is sent even when the
 * server was away at its time. Finished ones are kept for some days, to be
 * asked about.
 *
 * Threads: from any thread.
 */
#ifndef JMAP_OUTBOX_H
#define JMAP_OUTBOX_H

#include "delivery/services.h"

#include <jansson.h>

struct jmap_outbox;

/* Goes on with what was held. Both outlive it; `cfg` is referenced. */
struct jmap_outbox *jmap_outbox_start(
    const struct services *sv, struct config *cfg);
void jmap_outbox_stop(struct jmap_outbox **o);
/* Before anything leaves the queue after a start: notes in submissions that
 * were being handed over what of them is in there. */
struct outbound;
void jmap_outbox_compare(
    const struct config *cfg, const struct outbound *outbound);

/* A submission of an account: the object of RFC 8621, 7 with "user". */
json_t *jmap_outbox_get(
    const struct config *cfg, const char *account, const char *id);
/* Calls back with each; the object is borrowed. */
void jmap_outbox_each(const struct config *cfg, const char *account,
    void (*fn)(void *arg, const char *id, json_t *submission), void *arg);
/* Durable when it returns OK. What is "pending" will be sent at its "sendAt".
 */
enum pst_rc jmap_outbox_put(const struct config *cfg, const char *account,
    const char *id, json_t *submission, struct pst_error *err);
/* Takes a pending one back. CONFLICT: it is too late. */
enum pst_rc jmap_outbox_cancel(const struct config *cfg, const char *account,
    const char *id, struct pst_error *err);
enum pst_rc jmap_outbox_remove(
    const struct config *cfg, const char *account, const char *id);

/*
 * Around the handing over of a submission. "handing" in it says by which id and
 * since when; what went wrong in between is found out with that at the next
 * start. begun(): nobody has it yet; it becomes durable, or nobody gets it.
 * ended(): some have it (OK) or nobody has; nothing has left the queue yet.
 */
enum pst_rc jmap_outbox_begun(const struct config *cfg, const char *account,
    const char *id, json_t *submission, struct pst_error *err);
void jmap_outbox_ended(const struct config *cfg, const char *account,
    const char *id, json_t *submission, enum pst_rc rc);

/* Nobody has it, and who asked was told so. */
void jmap_outbox_drop(
    const struct config *cfg, const char *account, const char *id);

/* send.c: hands a message over to delivery; fills "deliveryStatus" in. Of a
 * submission that is "handing", only those get it who have not. */
struct catalog;
struct jmap_sending {
	const struct services *sv;
	struct config *cfg;
	const char *user;
	struct catalog *catalog;
	const char *account, *id; /* of the submission */
	json_t *submission;
};
enum pst_rc jmap_send(const struct jmap_sending *s, struct pst_error *err);
/* Whether these recipients can be sent to; a list of those who cannot. */
json_t *jmap_check_recipients(const struct services *sv, struct config *cfg,
    json_t *recipients, enum pst_rc *rc_r);

#endif
