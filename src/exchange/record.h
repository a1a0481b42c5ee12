/*
 * exchange/record.h - what the agent notes in the trail (base/trail.h) of each
 * try: one line where something happens, the texts are made here.
 *
 * Threads: all are about the message that the thread works on.
 */
#ifndef EXCHANGE_RECORD_H
#define EXCHANGE_RECORD_H

#include "exchange/dsn.h"
#include "exchange/priv.h"

/* The try begins: where it goes, or why there is none. What is said is
 * gathered in *said until record_said(), or record_end() at the latest. */
void record_begin(const struct schedule_work *work, struct buf *said);
void record_said(struct buf *said);
void record_end(struct buf *said);

/* A host's addresses, and what is known of its TLSA records: `dane` as
 * host_tlsa() has it, `usable` of them; or why it cannot be used. */
void record_host(const struct host *host, const struct host_addresses *a,
    enum hosts_result dane, size_t tlsa, const char *error);
/* What became of TLS; `failure` NULL: all is as the policy wants it. */
void record_tls(const struct link *link, const struct wire_policy *policy,
    const struct pst_error *failure);
/* A transaction begins: over a connection that carried others before, perhaps.
 */
void record_link(const struct link *link);
/* One recipient, after the try. */
void record_recipient(const char *word, const struct envelope_recipient *r,
    const char *remote, const char *tls);
/* When those who wait are tried again. */
void record_next(int64_t due, uint32_t tries);
/* What is noted then is of the notification's way. */
void record_notification(const struct dsn *d);

#endif
