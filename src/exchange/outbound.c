/*
 * exchange/outbound.c - see outbound.h.
 */
#include "exchange/outbound.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "message/header.h"

#include <stdlib.h>

struct outbound_message {
	struct queue_writer *writer;
};

static struct outbound_message *
begin(void *arg)
{
	struct outbound_message *m = mem_alloc(sizeof(*m));

	m->writer = queue_write_new(exchange_queue(arg));
	return m;
}

static enum pst_rc
write_some(
    struct outbound_message *m, const void *p, size_t n, struct pst_error *err)
{
	return queue_write(m->writer, p, n, err);
}

static enum pst_rc
commit(struct outbound_message *m, const struct outbound_envelope *o,
    char id_r[32], struct pst_error *err)
{
	struct envelope e = { .sender = o->sender,
		.author = o->author,
		.envid = o->envid,
		.ret = (enum envelope_ret)o->ret,
		.body = (enum envelope_body)o->body,
		.smtputf8 = o->smtputf8,
		.recipients = o->recipients };
	char id[QUEUE_ID];
	uint64_t number;
	enum pst_rc rc;

	e.recipient = mem_array(o->recipients, sizeof(*e.recipient));
	for (size_t i = 0; i < o->recipients; i++) {
		e.recipient[i].address = o->recipient[i].address;
		e.recipient[i].orcpt = o->recipient[i].orcpt;
		e.recipient[i].notify = o->recipient[i].notify != 0
					    ? o->recipient[i].notify
					    : NOTIFY_DEFAULT;
	}
	rc = queue_commit(m->writer, &e, &number, err);
	if (rc == PST_OK) {
		queue_id_print(number, id);
		(void)str_copy(id_r, 32, str_of(id));
	}
	free(e.recipient);
	return rc;
}

static void
free_message(struct outbound_message **mp)
{
	struct outbound_message *m = *mp;

	*mp = NULL;
	queue_write_free(&m->writer);
	free(m);
}

void
exchange_outbound(struct exchange *x, struct outbound *out_r)
{
	*out_r = (struct outbound){ .arg = x,
		.begin = begin,
		.write = write_some,
		.commit = commit,
		.free = free_message };
}

/* --- notifications --------------------------------------------------------
 */

static enum pst_rc
carry(struct delivery *d, const struct pst_str *part, size_t parts,
    struct pst_error *err)
{
	enum pst_rc rc = PST_OK, result = PST_E_TEMP;
	enum delivery_verdict verdict;
	size_t stored;

	for (size_t i = 0; i < parts && rc == PST_OK; i++)
		rc = delivery_write(d, part[i].p, part[i].n, err);
	if (rc != PST_OK)
		return rc;
	verdict = delivery_finish(d, &result, &stored, err);
	return verdict == DELIVERY_DONE
		   ? result
		   : pst_fail(err, PST_E_TEMP, 0, "notification: refused");
}

enum pst_rc
exchange_notify(void *notifier, struct pst_str to, const struct pst_str *part,
    size_t parts, struct pst_error *err)
{
	const struct exchange_notifier *n = notifier;
	struct config *cfg = n->config(n->arg);
	struct delivery *d = delivery_new(n->services, cfg);
	const struct delivery_recipient r = {
		.address = to, .may_relay = true, .notify = NOTIFY_NEVER
	};
	struct delivery_message m = { .sender = STR_NONE };
	struct buf trace;
	char date[40];
	enum pst_rc rc = delivery_add(d, &r, err);

	buf_init(&trace, 1024);
	msg_format_date(clock_seconds(), 0, date);
	(void)buf_printf(&trace, "Received: by %s (Postern);\r\n\t%s\r\n",
	    cfg->hostname, date);
	m.trace = buf_str(&trace);
	m.id = STR("notification");
	if (rc == PST_OK)
		rc = delivery_begin(d, &m, err);
	if (rc == PST_OK)
		rc = carry(d, part, parts, err);
	/* Nobody to tell. */
	if (rc == PST_E_UNSUPPORTED || rc == PST_E_PERM)
		rc = PST_E_NOTFOUND;
	buf_fini(&trace);
	delivery_free(&d);
	config_unref(&cfg);
	return rc;
}
