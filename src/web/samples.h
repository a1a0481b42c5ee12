/*
 * web/samples.h - how some numbers went lately: one sample every five seconds
 * of the last ten minutes, and one a minute of the last day, in memory.
 *
 * Threads: from any thread.
 */
#ifndef WEB_SAMPLES_H
#define WEB_SAMPLES_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum sample_value {
	/* Now: */
	SAMPLE_SMTP,
	SAMPLE_SUBMISSION,
	SAMPLE_LMTP,
	SAMPLE_IMAP,
	SAMPLE_POP3,
	SAMPLE_HTTP,
	SAMPLE_MANAGESIEVE,
	SAMPLE_QUEUED,
	SAMPLE_BUSY, /* workers */
	/* Since the start; their growth is what is of interest: */
	SAMPLE_ACCEPTED,
	SAMPLE_REFUSED,
	SAMPLE_MESSAGES,
	SAMPLE_SENT,
	SAMPLE_DEFERRED,
	SAMPLE_BOUNCED,
	SAMPLE_LOGINS,
	SAMPLE_LOGINS_FAILED,
	SAMPLE_GUARDED,
	SAMPLE_VALUES
};

enum { SAMPLES_STEP = 5 }; /* seconds: as often one is to be taken */

/* The values of "now" and those of connections; the rest comes from the
 * counters of the log's events. */
void web_sample(const uint64_t value[SAMPLE_VALUES]);
/* Rows of a time and the values, the oldest first, of those after `since`; the
 * caller gives them up. */
json_t *web_samples(bool is_fine, int64_t since);

#endif
