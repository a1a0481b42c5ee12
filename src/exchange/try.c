/*
 * exchange/try.c - one job, from its envelope to what becomes of it.
 */
#include "exchange/priv.h"
#include "exchange/record.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "exchange/content.h"

#include <inttypes.h>
#include <stdlib.h>

enum {
	ANSWER = 900,		  /* octets of a server's words that are kept */
	COMMON_SIZE = 256 * 1024, /* octets: longer ones have no usual time */
	AT_ONCE = 100, /* recipients of one transaction (RFC 5321, 4.5.3.1.8) */
};

/* A job that is worked on. */
struct attempt {
	struct exchange *x;
	struct config *cfg;
	struct schedule_work *work;
	struct queue_job *job;
	struct link *link;
	struct demand demand;
	struct arena *arena;
	struct envelope e;
	size_t *waiting; /* its recipients that nothing was said of yet */
	size_t n;
	struct replies *rules;
	struct schedule_lesson lesson;
	char error[256]; /* of the last failure */
};

/* --- what is noted of a recipient ------------------------------------------
 */

static void
note(struct attempt *a, size_t i, enum envelope_state state,
    struct pst_str answer)
{
	struct envelope_recipient *r = &a->e.recipient[i];

	r->state = state;
	r->at = clock_seconds();
	r->answer = arena_copy(a->arena, answer);
	r->remote = arena_copy(a->arena, str_of(a->link->remote));
	if (state != RECIPIENT_DELIVERED && state != RECIPIENT_RELAYED)
		(void)str_copy(a->error, sizeof(a->error), answer);
}

static void
note_all(struct attempt *a, enum envelope_state state, struct pst_str answer)
{
	for (size_t i = 0; i < a->n; i++)
		note(a, a->waiting[i], state, answer);
	a->n = 0;
}

/* Our own words, with a status (RFC 3463). */
static void
note_own(struct attempt *a, const char *status, const char *text)
{
	struct buf b;

	buf_init(&b, ANSWER);
	(void)buf_printf(&b, "%s %s", status, text);
	note_all(a, RECIPIENT_WAITS, buf_str(&b));
	buf_fini(&b);
}

/* What follows from a refusal, by the rules. */
static enum replies_state
heed(struct attempt *a, const struct reply *reply)
{
	struct replies_advice said = replies_look(
	    a->rules, reply, a->link->remote);
	char line[16];

	if (said.slower)
		a->lesson.outcome = SCHEDULE_SLOWER;
	if (said.sleep > a->lesson.sleep)
		a->lesson.sleep = said.sleep;
	if (said.rate > 0)
		a->lesson.rate = said.rate;
	if (said.note != NULL) {
		(void)snprintf(line, sizeof(line), "%u", said.line);
		log_event(PST_LOG_INFO, 0, "reply", "remote", a->link->remote,
		    "note", said.note, "rule", line, NULL);
	}
	return said.state;
}

static enum envelope_state
state_by(struct attempt *a, const struct reply *reply)
{
	if (reply->code < 300)
		return (client_extensions(a->link->client) & CLIENT_DSN) != 0
			   ? RECIPIENT_DELIVERED
			   : RECIPIENT_RELAYED;
	switch (heed(a, reply)) {
	case REPLIES_TEMPORARY:
		return RECIPIENT_WAITS;
	case REPLIES_PERMANENT:
		return RECIPIENT_FAILED;
	case REPLIES_AS_IT_IS:
		break;
	}
	return reply->code >= 500 ? RECIPIENT_FAILED : RECIPIENT_WAITS;
}

static void
note_reply(struct attempt *a, size_t i, const struct reply *reply)
{
	enum envelope_state state = state_by(a, reply);
	struct buf text;

	buf_init(&text, (size_t)2 * ANSWER);
	reply_print(reply, ANSWER, &text);
	note(a, i, state, buf_str(&text));
	buf_fini(&text);
}

static void
forget_waiting(struct attempt *a, size_t recipient)
{
	size_t keep = 0;

	for (size_t i = 0; i < a->n; i++)
		if (a->waiting[i] != recipient)
			a->waiting[keep++] = a->waiting[i];
	a->n = keep;
}

static void
on_reply(void *arg, size_t recipient, const struct reply *reply)
{
	struct attempt *a = arg;

	note_reply(a, recipient, reply);
	forget_waiting(a, recipient);
}

/* RFC 6531, 3.6; RFC 3030, 3: what cannot be sent there, ever. */
static void
note_lack(struct attempt *a, size_t i, const char *text)
{
	struct buf b;

	buf_init(&b, ANSWER);
	(void)buf_printf(&b, "%s %s",
	    a->e.smtputf8		? "5.6.7"
	    : envelope_needs_tls(&a->e) ? "5.7.30"
					: "5.6.1",
	    text);
	note(a, i, RECIPIENT_FAILED, buf_str(&b));
	buf_fini(&b);
}

/* --- the content ----------------------------------------------------------
 */

/* RFC 6152, 3; RFC 3030, 3: the server cannot take it as it is. */
static bool
is_sevenbit_only(const struct attempt *a)
{
	unsigned has = client_extensions(a->link->client);
	unsigned binary = CLIENT_BINARYMIME | CLIENT_CHUNKING;

	switch (a->e.body) {
	case BODY_7BIT:
		break;
	case BODY_8BITMIME:
		return (has & CLIENT_8BITMIME) == 0;
	case BODY_BINARYMIME:
		return (has & binary) != binary;
	}
	return false;
}

/* The content for this server, whose envelope is then `e`. False: *why_r says
 * why not, or, when the queue cannot tell, it is NULL and `err` is filled. */
static bool
open_content(struct attempt *a, struct content **c_r, struct envelope *e,
    const char **why_r, struct pst_error *err)
{
	const struct msg_limits limits = {
		.header_size = (size_t)a->cfg->limits.header_size,
		.depth = (unsigned)a->cfg->limits.mime_depth,
		.parts = (unsigned)a->cfg->limits.mime_parts,
	};
	enum msg_sevenbit_result result = MSG_SEVENBIT_IS;

	*why_r = NULL;
	*e = a->e;
	*c_r = content_new(a->x->queue, a->job->message);
	/* What needs SMTPUTF8 is not helped by it. */
	if (!is_sevenbit_only(a) || a->e.smtputf8)
		return true;
	if (content_make_sevenbit(*c_r, &limits, &result, why_r, err) != PST_OK)
		return false;
	e->body = BODY_7BIT;
	if (result == MSG_SEVENBIT_WORTH)
		e->size = 0;
	return result != MSG_SEVENBIT_CANNOT;
}

/* --- one transaction ------------------------------------------------------
 */

/* RFC 3463, 3.7: 5.6.2, the content would have to be changed, and must not. */
static void
note_unchangeable(struct attempt *a, const char *why)
{
	struct buf b;

	buf_init(&b, ANSWER);
	(void)buf_printf(&b,
	    "554 5.6.2 The other server takes 7-bit content only, and the "
	    "message cannot be converted: %s",
	    why);
	note_all(a, RECIPIENT_FAILED, buf_str(&b));
	buf_fini(&b);
}

static size_t
recipients_at_once(const struct attempt *a)
{
	size_t most = client_rcpt_limit(a->link->client);

	if (most == 0 || most > AT_ONCE)
		most = AT_ONCE;
	return a->n < most ? a->n : most;
}

/*
 * The connection had served before, and the server has ended it meanwhile: it
 * closed it, or says 421 to MAIL. That tells nothing, but that it is over.
 */
static bool
was_ended(const struct attempt *a, enum client_result result, bool doubt)
{
	return a->link->messages > 1 && !doubt &&
	       (result == CLIENT_LOST ||
		   (result == CLIENT_REFUSED &&
		       client_reply(a->link->client)->code == 421));
}

/* As below. */
static bool
transact_content(
    struct attempt *a, struct content *content, const struct envelope *e)
{
	size_t now = recipients_at_once(a);
	size_t *these = mem_array(now, sizeof(*these));
	struct client_message m = { .envelope = e,
		.recipient = these,
		.recipients = now,
		.content = content_read,
		.content_arg = content,
		.refused = on_reply,
		.settled = on_reply,
		.arg = a };
	struct client *c = a->link->client;
	struct pst_error err = { 0 };
	enum client_result result;
	int64_t began = clock_monotonic();
	bool doubt = false;

	memcpy(these, a->waiting, now * sizeof(*these));
	record_link(a->link);
	result = client_send(c, &m, &doubt, &err);
	if (result == CLIENT_OK && e->size < COMMON_SIZE && now < AT_ONCE)
		a->lesson.took = clock_monotonic() - began;
	a->link->messages++;
	if (was_ended(a, result, doubt)) {
		free(these);
		return false;
	}
	switch (result) {
	case CLIENT_OK:
		break;
	case CLIENT_REFUSED:
		for (size_t i = 0; i < now; i++)
			on_reply(a, these[i], client_reply(c));
		break;
	case CLIENT_LACKS:
		for (size_t i = 0; i < now; i++)
			note_lack(a, these[i], err.detail);
		a->n -= now;
		memmove(
		    a->waiting, a->waiting + now, a->n * sizeof(*a->waiting));
		break;
	case CLIENT_LOST:
	case CLIENT_UNTRUSTED:
		note_own(a, "4.4.2", err.detail);
		if (doubt)
			log_event(PST_LOG_WARNING, 0, "in-doubt", "remote",
			    a->link->remote, NULL);
		a->lesson.outcome = SCHEDULE_SLOWER;
		break;
	}
	free(these);
	return result != CLIENT_LOST && client_is_usable(c);
}

/* False: the connection is of no more use. */
static bool
transact(struct attempt *a)
{
	struct content *content;
	struct pst_error err = { 0 };
	struct envelope e;
	const char *why;
	bool usable = true;

	if (open_content(a, &content, &e, &why, &err))
		usable = transact_content(a, content, &e);
	else if (why != NULL)
		note_unchangeable(a, why);
	else
		note_own(a, "4.3.0", err.detail);
	content_free(&content);
	return usable;
}

static bool
is_too_large(struct attempt *a)
{
	uint64_t limit = client_size_limit(a->link->client);

	return limit != 0 && a->e.size > limit;
}

static bool
fits(const struct attempt *a)
{
	return a->link->client != NULL &&
	       link_suits(a->link, &a->demand, &a->e);
}

/* One that waits for work, or a new one. */
static bool
open_link(struct attempt *a, struct buf *answer)
{
	link_close(a->link);
	while (
	    pool_take(a->x->pool, schedule_key(a->work->provider), a->link)) {
		if (fits(a))
			return true;
		link_close(a->link);
	}
	return exchange_connect(
	    a->x, a->cfg, a->work, &a->e, &a->demand, a->link, answer);
}

/* There was no session, perhaps since a server did not want one. */
static void
note_unreached(struct attempt *a, struct pst_str answer)
{
	struct reply said;

	a->lesson.outcome = a->demand.is_unmet ? SCHEDULE_UNTRIED
					       : SCHEDULE_UNREACHED;
	reply_init(&said);
	if (reply_read(answer, &said))
		(void)heed(a, &said);
	reply_fini(&said);
	note_all(a, RECIPIENT_WAITS, answer);
}

static void
carry(struct attempt *a)
{
	struct buf answer;

	buf_init(&answer, (size_t)2 * ANSWER);
	exchange_demand(a->x, a->cfg, a->work, &a->demand);
	a->lesson.outcome = SCHEDULE_WENT;
	while (a->n > 0) {
		if (!fits(a) && !open_link(a, &answer)) {
			note_unreached(a, buf_str(&answer));
			break;
		}
		if (is_too_large(a)) {
			note_all(a, RECIPIENT_FAILED,
			    STR("552 5.3.4 The message is larger than the "
				"other server takes"));
			break;
		}
		if (!transact(a))
			link_close(a->link);
	}
	demand_fini(&a->demand);
	buf_fini(&answer);
}

/* --- without a server -----------------------------------------------------
 */

static void
no_hosts(struct attempt *a)
{
	static const struct {
		enum hosts_result found;
		const char *status;
	} known[] = {
		{ HOSTS_NONE, "5.1.2" },
		{ HOSTS_NULL, "5.1.10" },
		{ HOSTS_LOOP, "5.4.6" },
		{ HOSTS_LATER, "4.4.3" },
	};
	struct buf text;

	buf_init(&text, (size_t)2 * ANSWER);
	a->link->remote[0] = '\0';
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i].found == a->work->found)
			(void)buf_printf(
			    &text, "%s %s", known[i].status, a->work->error);
	note_all(a,
	    a->work->found == HOSTS_LATER ? RECIPIENT_WAITS : RECIPIENT_FAILED,
	    buf_str(&text));
	a->lesson.outcome = SCHEDULE_UNTRIED;
	buf_fini(&text);
}

/* --- the end --------------------------------------------------------------
 */

static const char *
word_for(enum envelope_state state)
{
	switch (state) {
	case RECIPIENT_WAITS:
		return "deferred";
	case RECIPIENT_DELIVERED:
	case RECIPIENT_RELAYED:
		return "sent";
	case RECIPIENT_FAILED:
		return "bounced";
	case RECIPIENT_DELETED:
		break;
	}
	return "deleted";
}

static void
log_recipients(struct attempt *a)
{
	const char *tls = a->link->client != NULL
			      ? client_tls_info(a->link->client)
			      : "";
	char id[QUEUE_ID], delay[24];

	queue_id_print(queue_message_id(a->job->message), id);
	(void)snprintf(
	    delay, sizeof(delay), "%" PRId64, clock_seconds() - a->e.arrived);
	for (size_t i = a->job->first; i < (size_t)a->job->first + a->job->n;
	     i++) {
		const struct envelope_recipient *r = &a->e.recipient[i];
		char to[321], answer[256];

		if (r->at < clock_seconds() - 3600 &&
		    r->state != RECIPIENT_WAITS)
			continue; /* it was settled before */
		(void)str_copy(to, sizeof(to), r->address);
		(void)str_copy(answer, sizeof(answer), r->answer);
		log_event(PST_LOG_INFO, 0, word_for(r->state), "id", id, "to",
		    to, "remote",
		    a->link->remote[0] != '\0' ? a->link->remote : NULL, "tls",
		    tls[0] != '\0' ? tls : NULL, "delay", delay, "answer",
		    answer, NULL);
		record_recipient(word_for(r->state), r,
		    a->link->remote[0] != '\0' ? a->link->remote : NULL,
		    tls[0] != '\0' ? tls : NULL);
	}
}

/* Those that have waited for all their life. */
static void
give_up(struct attempt *a)
{
	for (size_t i = a->job->first; i < (size_t)a->job->first + a->job->n;
	     i++)
		if (a->e.recipient[i].state == RECIPIENT_WAITS)
			a->e.recipient[i].state = RECIPIENT_FAILED;
}

static size_t
count_failed(const struct attempt *a)
{
	size_t n = 0;

	for (size_t i = 0; i < a->job->n; i++)
		n += a->e.recipient[a->job->first + i].state ==
		     RECIPIENT_FAILED;
	return n;
}

static bool
anybody_waits(const struct attempt *a)
{
	for (size_t i = a->job->first; i < (size_t)a->job->first + a->job->n;
	     i++)
		if (a->e.recipient[i].state == RECIPIENT_WAITS)
			return true;
	return false;
}

/* `failed` of its recipients had been given up before. */
static void
settle(struct attempt *a, size_t failed)
{
	const struct schedule_options opt = {
		.retry_first = a->cfg->queue.retry_first,
		.retry_most = a->cfg->queue.retry_most,
	};
	int64_t until = a->e.arrived + a->cfg->queue.life;
	struct envelope_progress p = { .tries = a->job->tries,
		.reason = a->e.reason };
	struct pst_error err = { 0 };
	enum pst_rc rc;

	if (a->work->kind == SCHEDULE_TRY)
		p.tries++;
	p.due = clock_seconds() + schedule_delay(&opt, p.tries);
	/* The last try comes when the life ends. */
	if (p.due > until && clock_seconds() < until)
		p.due = until;
	if (clock_seconds() >= until)
		give_up(a);
	rc = exchange_tell(a->x, a->cfg, a->job, &a->e, until, &err);
	if (rc == PST_OK)
		sending_bounced(
		    a->x->sending, a->cfg, &a->e, count_failed(a) - failed);
	if (rc != PST_OK) {
		/* Nobody fails without its sender being told: it is tried once
		 * more, and told then. */
		log_failure(PST_LOG_ERROR, 0, "notification", &err);
		for (size_t i = a->job->first;
		     i < (size_t)a->job->first + a->job->n; i++)
			if (a->e.recipient[i].state == RECIPIENT_FAILED)
				a->e.recipient[i].state = RECIPIENT_WAITS;
		p.due = clock_seconds() + opt.retry_first;
	}
	if (anybody_waits(a))
		record_next(p.due, p.tries);
	rc = queue_update(a->x->queue, a->job, &a->e, &p, &err);
	if (rc != PST_OK)
		log_failure(PST_LOG_ERROR, 0, "queue", &err);
}

/* RFC 6531, 3.4: an address asks for SMTPUTF8, whoever wrote the message. It
 * may be what an alias led to, or the sender that a notification goes to;
 * others of the message's recipients can go where that is not known. */
static void
note_utf8(struct attempt *a)
{
	a->e.smtputf8 |= !str_is_ascii(a->e.sender);
	for (size_t i = a->job->first; i < (size_t)a->job->first + a->job->n;
	     i++)
		a->e.smtputf8 |= !str_is_ascii(a->e.recipient[i].address);
}

/* Blocks of the configuration were changed since the job came: it has its turn
 * with those that go the same way. */
static bool
goes_elsewhere(struct attempt *a)
{
	uint32_t route = routes_find(
	    a->x->routes, a->e.sender, str_of(a->job->domain->name));

	if (route == a->work->route)
		return false;
	schedule_reroute(a->x->schedule, a->work, route);
	schedule_done(a->x->schedule, a->work, &a->lesson, NULL);
	return true;
}

/* The queue cannot tell what the message is. */
static void
unreadable(struct attempt *a, const struct pst_error *why)
{
	char id[QUEUE_ID];

	queue_id_print(queue_message_id(a->job->message), id);
	log_event(PST_LOG_ERROR, 0, "queue-damaged", "id", id, "why",
	    why->detail, NULL);
	queue_postpone(
	    a->x->queue, a->job, clock_seconds() + a->cfg->queue.retry_most);
	a->lesson.outcome = SCHEDULE_UNTRIED;
}

void
exchange_try(struct exchange *x, struct schedule_work *work, struct link *link)
{
	struct attempt a = { .x = x,
		.cfg = exchange_config(x),
		.work = work,
		.job = work->job,
		.link = link,
		.rules = exchange_replies(x) };
	struct pst_error err = { 0 };
	struct buf said;
	enum pst_rc rc = queue_load(
	    x->queue, a.job->message, &a.arena, &a.e, &err);

	record_begin(work, &said);
	if (rc != PST_OK) {
		unreadable(&a, &err);
	} else if (exchange_brake(x, a.job, &a.e)) {
		arena_free(&a.arena);
	} else if (goes_elsewhere(&a)) {
		arena_free(&a.arena);
		replies_unref(&a.rules);
		config_unref(&a.cfg);
		return;
	} else {
		size_t failed = count_failed(&a);

		note_utf8(&a);
		a.waiting = mem_array(a.job->n, sizeof(*a.waiting));
		for (size_t i = a.job->first;
		     i < (size_t)a.job->first + a.job->n; i++)
			if (a.e.recipient[i].state == RECIPIENT_WAITS)
				a.waiting[a.n++] = i;
		if (work->found != HOSTS_FOUND)
			no_hosts(&a);
		else if (work->kind == SCHEDULE_TRY)
			carry(&a);
		else if (work->error[0] != '\0')
			note_all(&a, RECIPIENT_WAITS, str_of(work->error));
		record_said(&said);
		log_recipients(&a);
		settle(&a, failed);
		free(a.waiting);
		arena_free(&a.arena);
	}
	record_end(&said);
	if (a.lesson.outcome == SCHEDULE_SLOWER)
		pool_drop(x->pool, schedule_key(work->provider));
	schedule_done(
	    x->schedule, work, &a.lesson, a.error[0] != '\0' ? a.error : NULL);
	replies_unref(&a.rules);
	config_unref(&a.cfg);
}
