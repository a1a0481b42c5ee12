/*
 * guard/milter_link.c - one step after the other: macros, command, answer.
 *
 * Of a milter that fails nothing is believed any more: the connection to it is
 * given up, and milter.c says what that means for the message.
 */
#include "guard/milter_link.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/network.h"
#include "base/str.h"
#include "guard/milter_content.h"
#include <stdlib.h>

enum {
	OUT_MAX = 16 * 1024 * 1024,
	PROGRESS_TIMES = 10, /* content_time, whatever progress it tells */
};

void
milter_link_init(struct milter_link *l, const struct config_milter *cfg,
    const atomic_bool *stops, const atomic_bool *gone)
{
	*l = (struct milter_link){ .cfg = cfg };
	milter_wire_init(&l->wire, stops, gone);
	buf_init(&l->out, OUT_MAX);
}

static void
forget(struct milter_link *l)
{
	for (size_t i = 0; i < MILTER_STAGES; i++) {
		free(l->macros[i]);
		l->macros[i] = NULL;
	}
	free(l->helo);
	l->helo = NULL;
	l->in_message = false;
	l->done_with_all = false;
}

void
milter_link_close(struct milter_link *l)
{
	milter_wire_close(&l->wire);
	forget(l);
	buf_fini(&l->out);
}

enum milter_outcome
milter_link_fail(struct milter_link *l)
{
	if (l->wire.fd >= 0)
		milter_wire_close(&l->wire);
	forget(l);
	return MILTER_FAILED;
}

static enum milter_outcome
misbehaved(struct milter_link *l, const char *what)
{
	(void)pst_fail(&l->err, PST_E_TEMP, 0, "%s", what);
	return milter_link_fail(l);
}

/* --- answers ----------------------------------------------------------------
 */

static enum milter_outcome
refuse(struct milter_answer *a, const char *reply)
{
	(void)snprintf(a->reply, sizeof(a->reply), "%s", reply);
	return MILTER_REFUSE;
}

static enum milter_outcome
refuse_with(struct milter_link *l, struct pst_str data, struct milter_answer *a)
{
	struct buf text;
	bool good;

	buf_init(&text, sizeof(a->reply) - 1);
	good = milter_parse_reply(data, &text);
	(void)str_copy(a->reply, sizeof(a->reply), buf_str(&text));
	buf_fini(&text);
	a->close = good && strncmp(a->reply, "421", 3) == 0;
	return good ? MILTER_REFUSE : misbehaved(l, "a reply that is none");
}

enum milter_outcome
milter_link_read(struct milter_link *l, const struct milter_packet *p,
    struct milter_answer *a)
{
	a->close = false;
	switch (p->kind) {
	case MILTER_SAYS_CONTINUE:
		return MILTER_GO_ON;
	case MILTER_SAYS_ACCEPT:
		return MILTER_ACCEPT;
	case MILTER_SAYS_SKIP:
		return MILTER_SKIP;
	case MILTER_SAYS_DISCARD:
		return MILTER_DISCARD;
	case MILTER_SAYS_REJECT:
		return refuse(a, "550 5.7.1 Refused by a filter");
	case MILTER_SAYS_TEMPFAIL:
		return refuse(a, "451 4.7.1 Refused by a filter, try later");
	case MILTER_CONNECTION_FAILURE:
		return refuse(a, "451 4.3.0 A filter is not available, try "
				 "later");
	case MILTER_SHUTDOWN:
		(void)refuse(a, "421 4.7.1 Refused by a filter");
		a->close = true;
		return MILTER_REFUSE;
	case MILTER_REPLY:
		return refuse_with(l, p->data, a);
	default:
		return misbehaved(l, "an answer that has no place here");
	}
}

/* Packets that only tell that it is still there do not count, up to a time. */
enum milter_outcome
milter_link_next(
    struct milter_link *l, int64_t seconds, struct milter_packet *packet_r)
{
	int64_t last = clock_monotonic() + seconds * 1000000 * PROGRESS_TIMES;

	for (;;) {
		int64_t until = clock_monotonic() + seconds * 1000000;

		if (milter_wire_read(&l->wire, packet_r,
			until < last ? until : last, &l->err) != PST_OK)
			return milter_link_fail(l);
		if (packet_r->kind != MILTER_PROGRESS)
			return MILTER_GO_ON;
	}
}

enum milter_outcome
milter_link_send(struct milter_link *l, int64_t seconds)
{
	int64_t until = clock_monotonic() + seconds * 1000000;
	enum pst_rc rc = milter_wire_send(&l->wire, &l->out, until, &l->err);

	buf_clear(&l->out);
	return rc == PST_OK ? MILTER_GO_ON : milter_link_fail(l);
}

enum milter_outcome
milter_link_ask(struct milter_link *l, uint32_t mute, struct milter_answer *a)
{
	struct milter_packet p;
	enum milter_outcome o = milter_link_send(l, l->cfg->command_time);

	if (o != MILTER_GO_ON || (l->steps & mute) != 0)
		return o;
	o = milter_link_next(l, l->cfg->command_time, &p);
	return o == MILTER_GO_ON ? milter_link_read(l, &p, a) : o;
}

void
milter_link_macros(struct milter_link *l, const struct milter_scene *s,
    enum milter_stage stage, enum milter_command command)
{
	milter_macros_put(
	    &s->macros, stage, str_of(l->macros[stage]), command, &l->out);
}

/* --- the beginning ----------------------------------------------------------
 */

static enum milter_outcome
negotiate(struct milter_link *l)
{
	size_t begun = milter_begin(&l->out, MILTER_OPTIONS);
	struct milter_options o;
	struct milter_packet p;
	enum milter_outcome outcome;

	milter_put_u32(&l->out, MILTER_VERSION);
	milter_put_u32(&l->out, MILTER_ACTIONS);
	milter_put_u32(&l->out, MILTER_STEPS);
	milter_end(&l->out, begun);
	outcome = milter_link_send(l, l->cfg->connect_time);
	if (outcome == MILTER_GO_ON)
		outcome = milter_link_next(l, l->cfg->connect_time, &p);
	if (outcome != MILTER_GO_ON)
		return outcome;
	if (p.kind != MILTER_OPTIONS || !milter_parse_options(p.data, &o))
		return misbehaved(l, "options that were not offered");
	l->version = o.version;
	l->actions = o.actions;
	l->steps = o.steps;
	for (size_t i = 0; i < MILTER_STAGES; i++)
		if (o.macros[i].p != NULL)
			l->macros[i] = str_dup(o.macros[i]);
	return MILTER_GO_ON;
}

static void
put_client(struct milter_link *l, const struct milter_scene *s)
{
	size_t begun = milter_begin(&l->out, MILTER_CONNECT);
	struct ip_address ip;
	bool known = ip_parse(str_of(s->address), &ip);

	milter_put_text(&l->out, str_of(s->host));
	if (!known) {
		(void)buf_putc(&l->out, 'U');
	} else {
		(void)buf_putc(&l->out, ip.v4 ? '4' : '6');
		(void)buf_putc(&l->out, (char)(s->port >> 8));
		(void)buf_putc(&l->out, (char)s->port);
		milter_put_text(&l->out, str_of(s->address));
	}
	milter_end(&l->out, begun);
}

static enum milter_outcome
greet(struct milter_link *l, const struct milter_scene *s,
    struct milter_answer *a)
{
	int64_t until = clock_monotonic() + l->cfg->connect_time * 1000000;
	enum milter_outcome o;

	if (milter_wire_open(&l->wire, l->cfg->socket, until, &l->err) !=
	    PST_OK)
		return milter_link_fail(l);
	o = negotiate(l);
	if (o != MILTER_GO_ON)
		return o;
	milter_link_macros(l, s, MILTER_AT_CONNECT, MILTER_CONNECT);
	if ((l->steps & MILTER_NO_CONNECT) != 0)
		return milter_link_send(l, l->cfg->command_time);
	put_client(l, s);
	return milter_link_ask(l, MILTER_MUTE_CONNECT, a);
}

static enum milter_outcome
say_helo(struct milter_link *l, const struct milter_scene *s,
    struct milter_answer *a)
{
	size_t begun;

	free(l->helo);
	l->helo = str_dup(str_of(s->helo));
	milter_link_macros(l, s, MILTER_AT_HELO, MILTER_HELO);
	if ((l->steps & MILTER_NO_HELO) != 0)
		return MILTER_GO_ON;
	begun = milter_begin(&l->out, MILTER_HELO);
	milter_put_text(&l->out, str_of(s->helo));
	milter_end(&l->out, begun);
	return milter_link_ask(l, MILTER_MUTE_HELO, a);
}

static void
put_arguments(struct buf *out, const char *args)
{
	struct pst_str rest = str_of(args), one;

	while (str_split(&rest, '\n', &one))
		if (one.n > 0)
			milter_put_text(out, one);
}

static enum milter_outcome
say_mail(struct milter_link *l, const struct milter_scene *s,
    struct milter_answer *a)
{
	size_t begun;

	l->in_message = true;
	milter_link_macros(l, s, MILTER_AT_MAIL, MILTER_MAIL);
	if ((l->steps & MILTER_NO_MAIL) != 0)
		return MILTER_GO_ON;
	begun = milter_begin(&l->out, MILTER_MAIL);
	put_arguments(&l->out, s->mail);
	milter_end(&l->out, begun);
	return milter_link_ask(l, MILTER_MUTE_MAIL, a);
}

/* On a connection that is there, or a new one. */
static enum milter_outcome
begin_message(struct milter_link *l, const struct milter_scene *s,
    struct milter_answer *a)
{
	enum milter_outcome o = MILTER_GO_ON;

	buf_clear(&l->out);
	if (l->wire.fd < 0)
		o = greet(l, s, a);
	else if (l->in_message)
		milter_put(&l->out, MILTER_ABORT);
	l->in_message = false;
	if (o == MILTER_GO_ON &&
	    (l->helo == NULL || strcmp(l->helo, s->helo) != 0))
		o = say_helo(l, s, a);
	if (o == MILTER_SKIP)
		o = misbehaved(l, "there is nothing to skip");
	if (o == MILTER_ACCEPT)
		l->done_with_all = true;
	/* What it said of the connection it says again for each message. */
	else if (o != MILTER_GO_ON)
		(void)milter_link_fail(l);
	return o == MILTER_GO_ON ? say_mail(l, s, a) : o;
}

/* What it said of the message ends it, but for going on. */
static void
conclude(struct milter_link *l, enum milter_outcome o, struct milter_answer *a)
{
	if (o == MILTER_SKIP)
		o = MILTER_GO_ON;
	if (o != MILTER_GO_ON)
		l->done = true;
	a->outcome = o;
}

void
milter_link_mail(struct milter_link *l, const struct milter_scene *s,
    struct milter_answer *answer_r)
{
	bool reused = l->wire.fd >= 0;
	enum milter_outcome o;

	l->done = false;
	if (reused && l->done_with_all) {
		conclude(l, MILTER_ACCEPT, answer_r);
		return;
	}
	o = begin_message(l, s, answer_r);
	/* It may have been started anew since the last message. */
	if (o == MILTER_FAILED && reused)
		o = begin_message(l, s, answer_r);
	conclude(l, o, answer_r);
}

void
milter_link_rcpt(struct milter_link *l, const struct milter_scene *s,
    struct milter_answer *answer_r)
{
	enum milter_outcome o = MILTER_GO_ON;
	size_t begun;

	milter_link_macros(l, s, MILTER_AT_RCPT, MILTER_RCPT);
	if ((l->steps & MILTER_NO_RCPT) == 0) {
		begun = milter_begin(&l->out, MILTER_RCPT);
		put_arguments(&l->out, s->rcpt);
		milter_end(&l->out, begun);
		o = milter_link_ask(l, MILTER_MUTE_RCPT, answer_r);
	}
	/* A refusal is about this recipient alone. */
	if (o == MILTER_REFUSE)
		answer_r->outcome = o;
	else
		conclude(l, o, answer_r);
}

void
milter_link_content(struct milter_link *l, struct milter_scene *s,
    struct milter_answer *answer_r)
{
	conclude(l, milter_content(l, s, answer_r), answer_r);
}
