/*
 * exchange/outbound.c - see outbound.h.
 */
#include "exchange/outbound.h"
#include "exchange/priv.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "delivery/local.h"
#include "message/header.h"

#include <stdlib.h>

enum {
	HEAD = 65536, /* octets of a message that are looked at */
	/* Ids are given when a message begins: one that came earlier may be
	 * behind. */
	SLACK = 3600,
};

struct outbound_message {
	struct exchange *exchange;
	struct queue_writer *writer;
	bool has_eight; /* octets that 7-bit content may not have */
};

static struct outbound_message *
begin(void *arg)
{
	struct outbound_message *m = mem_alloc(sizeof(*m));

	m->exchange = arg;
	m->writer = queue_write_new(exchange_queue(arg));
	return m;
}

static enum pst_rc
write_some(
    struct outbound_message *m, const void *p, size_t n, struct pst_error *err)
{
	m->has_eight = m->has_eight || !str_is_ascii(str_n(p, n));
	return queue_write(m->writer, p, n, err);
}

/* What an author hands in beyond their limits is held, or refused. */
static enum pst_rc
count(struct exchange *x, struct envelope *e, char why[SENDING_REASON],
    struct pst_error *err)
{
	struct config *cfg = exchange_config(x);
	enum sending_verdict verdict = sending_count(
	    exchange_sending(x), cfg, e, why);

	config_unref(&cfg);
	switch (verdict) {
	case SENDING_FREE:
		break;
	case SENDING_HELD:
		e->held = true;
		e->reason = str_of(why);
		break;
	case SENDING_LATER:
		return pst_fail(err, PST_E_LIMIT, 0,
		    "%.*s sent too much, and much is held: %s",
		    STR_ARG(e->author), why);
	case SENDING_NEVER:
		return pst_fail(err, PST_E_DENIED, 0,
		    "%.*s sent too much, and much is held: %s",
		    STR_ARG(e->author), why);
	}
	return PST_OK;
}

/* LIMIT is what a user may not, by the limits on sending. */
static enum pst_rc
queue_it(struct outbound_message *m, struct envelope *e, char id_r[32],
    struct pst_error *err)
{
	char why[SENDING_REASON], id[QUEUE_ID], reason[SENDING_REASON];
	uint64_t number;
	enum pst_rc rc = count(m->exchange, e, why, err);

	if (rc != PST_OK)
		return rc;
	rc = queue_commit(m->writer, e, &number, err);
	if (rc != PST_OK)
		return rc == PST_E_LIMIT ? PST_E_TEMP : rc;
	queue_id_print(number, id);
	(void)str_copy(id_r, 32, str_of(id));
	(void)str_copy(reason, sizeof(reason), e->reason);
	if (e->held)
		log_event(
		    PST_LOG_WARNING, 0, "held", "id", id, "why", reason, NULL);
	return PST_OK;
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
		.require_tls = o->require_tls,
		.tls_optional = o->tls_optional,
		.unproven = o->unproven,
		.held = o->hold.n > 0,
		.reason = o->hold,
		.recipients = o->recipients };
	enum pst_rc rc;

	if (o->waits)
		queue_write_wait(m->writer);
	/* Many clients send 8-bit content without saying so. */
	if (e.body == BODY_7BIT && m->has_eight)
		e.body = BODY_8BITMIME;
	e.recipient = mem_array(o->recipients, sizeof(*e.recipient));
	for (size_t i = 0; i < o->recipients; i++) {
		e.recipient[i].address = o->recipient[i].address;
		e.recipient[i].orcpt = o->recipient[i].orcpt;
		e.recipient[i].notify = o->recipient[i].notify != 0
					    ? o->recipient[i].notify
					    : NOTIFY_DEFAULT;
	}
	rc = queue_it(m, &e, id_r, err);
	free(e.recipient);
	return rc;
}

static enum pst_rc
report(void *arg, enum outbound_event event, const struct outbound_envelope *o,
    struct pst_str id, struct pst_str header, struct pst_error *err)
{
	static const struct {
		enum dsn_kind kind;
		enum envelope_state state;
		const char *answer;
	} told[] = {
		[OUTBOUND_DELIVERED] = { DSN_DELIVERED, RECIPIENT_DELIVERED,
		    "2.1.5 It is in the mailbox." },
		[OUTBOUND_EXPANDED] = { DSN_EXPANDED, RECIPIENT_DELIVERED,
		    "2.1.5 It went on." },
		[OUTBOUND_LOOPED] = { DSN_FAILED, RECIPIENT_FAILED,
		    "5.4.6 The message goes round in a loop." },
		[OUTBOUND_REFUSED] = { DSN_FAILED, RECIPIENT_FAILED,
		    "5.7.1 The recipient does not want it." },
	};
	struct envelope e = { .sender = o->sender,
		.envid = o->envid,
		.body = (enum envelope_body)o->body,
		.smtputf8 = o->smtputf8,
		.require_tls = o->require_tls,
		.arrived = clock_seconds(),
		.recipients = o->recipients };
	char name[64];
	enum pst_rc rc;

	(void)str_copy(name, sizeof(name), id);
	e.recipient = mem_array(o->recipients, sizeof(*e.recipient));
	for (size_t i = 0; i < o->recipients; i++)
		e.recipient[i] = (struct envelope_recipient){
			.address = o->recipient[i].address,
			.orcpt = o->recipient[i].orcpt,
			.state = told[event].state,
			.at = e.arrived,
			.answer = str_of(told[event].answer),
		};
	rc = exchange_report(
	    arg, told[event].kind, name, &e, header, o->note, err);
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

static enum pst_rc
send_text(
    void *arg, struct pst_str to, struct pst_str text, struct pst_error *err)
{
	struct exchange *x = arg;

	return x->host.notify(x->host.arg, to, &text, 1, false, err);
}

/* --- what was committed ----------------------------------------------------
 */

static bool
header_has(struct queue *q, struct queue_message *m, struct pst_str text)
{
	struct queue_reader *r = queue_read_new(q, m);
	char *head = mem_alloc(HEAD);
	struct pst_error err;
	size_t n = 0, got = 1;
	bool has;

	while (got > 0 && n < HEAD &&
	       queue_read(r, head + n, HEAD - n, &got, &err) == PST_OK)
		n += got;
	has = str_find_case(str_n(head, n), text) < n;
	free(head);
	queue_read_free(&r);
	return has;
}

struct looking {
	struct queue *q;
	struct pst_str text;
	int64_t since;
	void (*fn)(void *arg, struct pst_str to, const char *id);
	void *arg;
};

/* False: it is too old, and so are those before. */
static bool
look_at(const struct looking *l, struct queue_message *m)
{
	struct arena *arena = NULL;
	char id[QUEUE_ID];
	struct envelope e;
	struct pst_error err;
	bool is_old = false;

	if (queue_load(l->q, m, &arena, &e, &err) == PST_OK) {
		is_old = e.arrived < l->since - SLACK;
		queue_id_print(queue_message_id(m), id);
		if (e.arrived >= l->since && header_has(l->q, m, l->text))
			for (size_t i = 0; i < e.recipients; i++)
				l->fn(l->arg, e.recipient[i].address, id);
	}
	if (arena != NULL)
		arena_free(&arena);
	return !is_old;
}

static void
find(void *arg, struct pst_str text, int64_t since,
    void (*fn)(void *fn_arg, struct pst_str to, const char *id), void *fn_arg)
{
	struct looking l = { exchange_queue(arg), text, since, fn, fn_arg };
	size_t n;
	uint64_t *ids = queue_ids(l.q, &n);
	bool goes_on = true;

	while (n > 0 && goes_on) {
		struct queue_message *m = queue_find(l.q, ids[--n]);

		if (m == NULL)
			continue;
		goes_on = look_at(&l, m);
		queue_let_go(l.q, m);
	}
	free(ids);
}

void
exchange_outbound(struct exchange *x, struct outbound *out_r)
{
	*out_r = (struct outbound){ .arg = x,
		.begin = begin,
		.write = write_some,
		.commit = commit,
		.report = report,
		.send = send_text,
		.free = free_message,
		.find = find };
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
    size_t parts, bool require_tls, struct pst_error *err)
{
	const struct exchange_notifier *n = notifier;
	struct config *cfg = n->config(n->arg);
	struct delivery *d = delivery_new(n->services, cfg);
	struct delivery_recipient r = {
		.address = to, .may_relay = true, .notify = NOTIFY_NEVER
	};
	const struct outbound_envelope e = { .require_tls = require_tls };
	struct delivery_message m = { .sender = STR_NONE, .envelope = &e };
	struct delivery_seal seal;
	struct buf trace;
	char date[40];
	void *signer = NULL;
	enum pst_rc rc = local_add(n->services, cfg, d, &r, err);

	if (n->begin_signing != NULL)
		signer = n->begin_signing(n->arg, cfg, &seal);
	if (signer != NULL)
		m.seal = &seal;

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
	if (rc == PST_E_UNSUPPORTED || rc == PST_E_PERM || rc == PST_E_DENIED ||
	    rc == PST_E_CONFLICT)
		rc = PST_E_NOTFOUND;
	buf_fini(&trace);
	delivery_free(&d);
	if (signer != NULL)
		n->end_signing(signer);
	config_unref(&cfg);
	return rc;
}
