/*
 * exchange/try.c - one job, from its envelope to what becomes of it.
 */
#include "exchange/priv.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"

#include <inttypes.h>
#include <stdlib.h>

enum {
	ANSWER = 900,  /* octets of a server's words that are kept */
	AT_ONCE = 100, /* recipients of one transaction (RFC 5321, 4.5.3.1.8) */
};

/* A job that is worked on. */
struct attempt {
	struct exchange *x;
	struct config *cfg;
	struct schedule_work *work;
	struct queue_job *job;
	struct link *link;
	struct arena *arena;
	struct envelope e;
	size_t *waiting; /* its recipients that nothing was said of yet */
	size_t n;
	struct queue_reader *reader;
	enum schedule_outcome outcome;
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

/* "Too much" in one of the ways that servers have of saying it. */
static bool
says_slower(const struct reply *r)
{
	static const char *const words[] = { "too many", "rate limit",
		"throttl", "slow down", "too fast", "try again later",
		"temporarily deferred" };
	struct pst_str text = buf_str(&r->text);

	if (r->code == 421)
		return true;
	if (r->code / 100 != 4 || r->status[1] != 7)
		return false;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (str_find_case(text, str_of(words[i])) != SIZE_MAX)
			return true;
	return false;
}

static void
note_reply(struct attempt *a, size_t i, const struct reply *reply)
{
	enum envelope_state state = RECIPIENT_WAITS;
	struct buf text;

	if (reply->code < 300)
		state = (client_extensions(a->link->client) & CLIENT_DSN) != 0
			    ? RECIPIENT_DELIVERED
			    : RECIPIENT_RELAYED;
	else if (reply->code >= 500)
		state = RECIPIENT_FAILED;
	if (says_slower(reply))
		a->outcome = SCHEDULE_SLOWER;
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
	    a->e.smtputf8      ? "5.6.7"
	    : a->e.require_tls ? "5.7.30"
			       : "5.6.1",
	    text);
	note(a, i, RECIPIENT_FAILED, buf_str(&b));
	buf_fini(&b);
}

/* --- the content ----------------------------------------------------------
 */

/* Return-Path is for the last server to write (RFC 5321, 4.4). */
static enum pst_rc
read_content(void *arg, void *p, size_t n, size_t *got_r, struct pst_error *err)
{
	struct attempt *a = arg;

	return queue_read(a->reader, p, n, got_r, err);
}

/* --- one transaction ------------------------------------------------------
 */

/* False: the connection is of no more use. */
static bool
transact(struct attempt *a)
{
	size_t now = a->n < AT_ONCE ? a->n : AT_ONCE;
	size_t *these = mem_array(now, sizeof(*these));
	struct client_message m = { .envelope = &a->e,
		.recipient = these,
		.recipients = now,
		.content = read_content,
		.refused = on_reply,
		.settled = on_reply,
		.arg = a };
	struct client *c = a->link->client;
	struct pst_error err = { 0 };
	enum client_result result;
	bool doubt = false;

	memcpy(these, a->waiting, now * sizeof(*these));
	a->reader = queue_read_new(a->x->queue, a->job->message);
	result = client_send(c, &m, &doubt, &err);
	queue_read_free(&a->reader);
	a->link->messages++;
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
		a->outcome = SCHEDULE_SLOWER;
		break;
	}
	free(these);
	return result != CLIENT_LOST && client_is_usable(c);
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
	       (!a->e.require_tls || client_is_tls(a->link->client));
}

static void
carry(struct attempt *a)
{
	struct buf answer;

	buf_init(&answer, (size_t)2 * ANSWER);
	a->outcome = SCHEDULE_WENT;
	while (a->n > 0) {
		if (!fits(a)) {
			link_close(a->link);
			if (!exchange_connect(a->x, a->cfg, a->work, &a->e,
				a->link, &answer)) {
				a->outcome = SCHEDULE_UNREACHED;
				note_all(a, RECIPIENT_WAITS, buf_str(&answer));
				break;
			}
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
	a->outcome = SCHEDULE_UNTRIED;
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

static void
settle(struct attempt *a)
{
	const struct schedule_options opt = {
		.retry_first = a->cfg->queue.retry_first,
		.retry_most = a->cfg->queue.retry_most,
	};
	int64_t until = a->e.arrived + a->cfg->queue.life;
	struct envelope_progress p = { .tries = a->job->tries };
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
	rc = queue_update(a->x->queue, a->job, &a->e, &p, &err);
	if (rc != PST_OK)
		log_failure(PST_LOG_ERROR, 0, "queue", &err);
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
	a->outcome = SCHEDULE_UNTRIED;
}

void
exchange_try(struct exchange *x, struct schedule_work *work, struct link *link)
{
	struct attempt a = { .x = x,
		.cfg = exchange_config(x),
		.work = work,
		.job = work->job,
		.link = link,
		.outcome = SCHEDULE_UNTRIED };
	struct pst_error err = { 0 };
	enum pst_rc rc = queue_load(
	    x->queue, a.job->message, &a.arena, &a.e, &err);

	if (rc != PST_OK) {
		unreadable(&a, &err);
	} else {
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
		log_recipients(&a);
		settle(&a);
		free(a.waiting);
		arena_free(&a.arena);
	}
	schedule_done(
	    x->schedule, work, a.outcome, a.error[0] != '\0' ? a.error : NULL);
	config_unref(&a.cfg);
}
