/*
 * exchange/content.h - the content of a queued message, as the server at hand
 * can take it.
 *
 * Belongs to one thread at a time. Calls block on the disk.
 */
#ifndef EXCHANGE_CONTENT_H
#define EXCHANGE_CONTENT_H

#include "exchange/queue.h"
#include "message/sevenbit.h"

struct content;

struct content *content_new(struct queue *q, struct queue_message *m);
void content_free(struct content **c);

/*
 * Makes it 7-bit (RFC 6152, 3), for a server without 8BITMIME; to be called
 * before the first content_read(). *result_r IS: nothing was to be done.
 * CANNOT: *why_r says why.
 */
enum pst_rc content_make_sevenbit(struct content *c,
    const struct msg_limits *limits, enum msg_sevenbit_result *result_r,
    const char **why_r, struct pst_error *err);

/* Up to `n` octets; *got_r 0: it is over. A client_content_fn. */
enum pst_rc content_read(
    void *content, void *p, size_t n, size_t *got_r, struct pst_error *err);

#endif
