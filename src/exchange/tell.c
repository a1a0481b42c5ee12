/*
 * exchange/tell.c - status notifications to senders: which recipients need
 * one, and handing it over (RFC 3461, 4; RFC 5321, 4.5.5 and 6.1).
 */
#include "exchange/priv.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "base/trail.h"
#include "exchange/dsn.h"
#include "exchange/record.h"

#include <stdlib.h>

enum {
	HEADER_MAX = 64 * 1024, /* of what is sent back */
	TEXT_MAX = 4 << 20,	/* of the report */
	BLOCK = 16 * 1024,
};

/* The state asks for it, and so did the sender. */
static bool
wants(const struct envelope_recipient *r, enum dsn_kind kind,
    const struct config *cfg, const struct envelope *e)
{
	if ((r->notify & NOTIFY_NEVER) != 0)
		return false;
	switch (kind) {
	case DSN_FAILED:
		return r->state == RECIPIENT_FAILED &&
		       (r->notify & NOTIFY_FAILURE) != 0;
	case DSN_EXPANDED: /* told at once, never from the queue */
		break;
	case DSN_DELIVERED:
		return r->state == RECIPIENT_RELAYED &&
		       (r->notify & NOTIFY_SUCCESS) != 0;
	case DSN_DELAYED:
		return r->state == RECIPIENT_WAITS && !r->told_delay &&
		       (r->notify & NOTIFY_DELAY) != 0 &&
		       cfg->queue.warn_after > 0 &&
		       clock_seconds() - e->arrived >= cfg->queue.warn_after;
	}
	return false;
}

/* Where the header ends: behind its empty line, or everything. */
static size_t
header_end(struct pst_str text)
{
	for (size_t i = 0; i + 1 < text.n; i++) {
		if (text.p[i] != '\n')
			continue;
		if (text.p[i + 1] == '\n')
			return i + 2;
		if (text.p[i + 1] == '\r' && i + 2 < text.n &&
		    text.p[i + 2] == '\n')
			return i + 3;
	}
	return text.n;
}

/* The start of the content, or all of it with `whole`. */
static enum pst_rc
read_content(struct exchange *x, struct queue_job *job, bool whole,
    struct buf *out, struct pst_error *err)
{
	struct queue_reader *r = queue_read_new(x->queue, job->message);
	char block[BLOCK];
	enum pst_rc rc;
	size_t got = 0;

	do {
		rc = queue_read(r, block, sizeof(block), &got, err);
		if (rc == PST_OK && !buf_add(out, block, got))
			break; /* of a header only so much */
	} while (rc == PST_OK && got > 0 &&
		 (whole || header_end(buf_str(out)) == out->n));
	queue_read_free(&r);
	if (rc == PST_OK && !whole)
		out->n = header_end(buf_str(out));
	return rc;
}

/* What there is of the message goes along. */
static enum pst_rc
hand_over(struct exchange *x, const struct dsn *d, bool whole,
    struct pst_str content, struct pst_error *err)
{
	struct buf top, bottom;
	struct pst_str part[3];
	enum pst_rc rc;

	buf_init(&top, TEXT_MAX);
	buf_init(&bottom, BLOCK);
	dsn_write(d, whole, &top, &bottom);
	part[0] = buf_str(&top);
	part[1] = content;
	part[2] = buf_str(&bottom);
	record_notification(d);
	rc = x->host.notify(x->host.arg, d->envelope->sender, part, 3,
	    d->envelope->require_tls, err);
	if (rc != PST_OK)
		trail_event(NULL, "notification-dropped", "why",
		    rc == PST_E_NOTFOUND ? "there is no such address"
					 : err->detail,
		    NULL);
	/* A sender that is not there hears nothing (RFC 5321, 6.1). */
	if (rc == PST_E_NOTFOUND) {
		log_event(PST_LOG_WARNING, 0, "notification-dropped", "id",
		    d->id, NULL);
		rc = PST_OK;
	}
	buf_fini(&top);
	buf_fini(&bottom);
	return rc;
}

static enum pst_rc
send_notification(struct exchange *x, const struct config *cfg,
    struct queue_job *job, const struct dsn *d, struct pst_error *err)
{
	const struct envelope *e = d->envelope;
	/* RFC 3461, 4.3: full when asked for, and only of failures; RFC 8689,
	 * 5: not when it has to be carried safely. */
	bool whole = d->kind == DSN_FAILED && e->ret == RET_FULL &&
		     !e->require_tls &&
		     e->size <= (uint64_t)cfg->queue.return_size;
	struct buf content;
	enum pst_rc rc;

	buf_init(&content, whole ? (size_t)e->size + 1 : HEADER_MAX);
	rc = read_content(x, job, whole, &content, err);
	if (rc == PST_E_PERM) { /* damaged: the report goes without */
		buf_clear(&content);
		rc = PST_OK;
	}
	if (rc == PST_OK)
		rc = hand_over(x, d, whole, buf_str(&content), err);
	buf_fini(&content);
	return rc;
}

enum pst_rc
exchange_report(struct exchange *x, enum dsn_kind kind, const char *id,
    const struct envelope *e, struct pst_str header, struct pst_str note,
    struct pst_error *err)
{
	struct config *cfg = exchange_config(x);
	size_t *which = mem_array(e->recipients, sizeof(*which));
	struct dsn d = { .kind = kind,
		.hostname = cfg->hostname,
		.id = id,
		.envelope = e,
		.recipient = which,
		.recipients = e->recipients,
		.note = note };
	enum pst_rc rc;

	for (size_t i = 0; i < e->recipients; i++)
		which[i] = i;
	rc = hand_over(
	    x, &d, false, str_first(header, header_end(header)), err);
	free(which);
	config_unref(&cfg);
	return rc;
}

enum pst_rc
exchange_tell(struct exchange *x, const struct config *cfg,
    struct queue_job *job, struct envelope *e, int64_t until,
    struct pst_error *err)
{
	static const enum dsn_kind kinds[] = { DSN_FAILED, DSN_DELAYED,
		DSN_DELIVERED };
	size_t *which = mem_array(job->n, sizeof(*which));
	char id[QUEUE_ID];
	enum pst_rc rc = PST_OK;

	queue_id_print(queue_message_id(job->message), id);
	for (size_t k = 0; k < 3 && rc == PST_OK; k++) {
		struct dsn d = { .kind = kinds[k],
			.hostname = cfg->hostname,
			.id = id,
			.envelope = e,
			.recipient = which,
			.until = until };

		for (size_t i = job->first; i < (size_t)job->first + job->n;
		     i++)
			if (wants(&e->recipient[i], kinds[k], cfg, e))
				which[d.recipients++] = i;
		/* Never a notification of a notification, nor to somebody who
		 * may have had nothing to do with it. */
		if (d.recipients == 0 || e->sender.n == 0)
			continue;
		if (e->unproven) {
			log_event(PST_LOG_INFO, 0, "notification-withheld",
			    "id", id, "reason",
			    "nothing shows that it is from its sender", NULL);
			continue;
		}
		rc = send_notification(x, cfg, job, &d, err);
		for (size_t i = 0; i < d.recipients && rc == PST_OK &&
				   kinds[k] == DSN_DELAYED;
		     i++)
			e->recipient[which[i]].told_delay = true;
	}
	free(which);
	return rc;
}
