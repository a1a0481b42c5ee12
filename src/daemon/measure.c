/*
 * measure.c - see measure.h.
 */
#include "daemon/measure.h"

#include "web/samples.h"
#include "web/web.h"
#include <stdlib.h>

/* How many connections each listener has. */
struct tally {
	const struct config *cfg;
	size_t *count;
};

static void
tally_one(void *arg, const struct net_info *i)
{
	struct tally *t = arg;

	for (size_t k = 0; k < t->cfg->listeners; k++)
		if (i->listener != NULL &&
		    strcmp(i->listener, t->cfg->listener[k].name) == 0)
			t->count[k]++;
}

void
daemon_measure(void *measured, struct buf *out)
{
	const struct daemon_measured *m = measured;
	struct config *cfg = m->config(m->arg);
	struct tally t = { cfg,
		mem_array(cfg->listeners + 1, sizeof(*t.count)) };
	struct net_counters n;
	struct queue_count q;

	net_each(m->net, tally_one, &t);
	web_metric(out, "connections", "gauge");
	for (size_t i = 0; i < cfg->listeners; i++)
		web_value(out, "connections", "listener", cfg->listener[i].name,
		    t.count[i]);
	net_count(m->net, &n);
	web_metric(out, "accepted_total", "counter");
	web_value(out, "accepted_total", NULL, NULL, n.accepted);
	web_metric(out, "workers", "gauge");
	web_value(out, "workers", "state", "busy", n.workers_busy);
	web_value(out, "workers", "state", "idle", n.workers - n.workers_busy);
	web_metric(out, "start_time_seconds", "gauge");
	web_value(out, "start_time_seconds", NULL, NULL, (uint64_t)m->started);
	if (m->exchange != NULL) {
		queue_count(exchange_queue(m->exchange), &q);
		web_metric(out, "queue_messages", "gauge");
		web_value(out, "queue_messages", NULL, NULL, q.messages);
	}
	free(t.count);
	config_unref(&cfg);
}

/* --- samples -----------------------------------------------------------------
 */

/* Of each listener, where its connections count. */
struct sampling {
	const struct config *cfg;
	uint64_t *value;
};

static void
sample_one(void *arg, const struct net_info *i)
{
	static const enum sample_value kinds[] = {
		[CONFIG_SMTP] = SAMPLE_SMTP,
		[CONFIG_SUBMISSION] = SAMPLE_SUBMISSION,
		[CONFIG_LMTP] = SAMPLE_LMTP,
		[CONFIG_IMAP] = SAMPLE_IMAP,
		[CONFIG_POP3] = SAMPLE_POP3,
		[CONFIG_HTTP] = SAMPLE_HTTP,
		[CONFIG_MANAGESIEVE] = SAMPLE_MANAGESIEVE,
	};
	struct sampling *s = arg;

	for (size_t k = 0; k < s->cfg->listeners; k++) {
		const struct config_listener *l = &s->cfg->listener[k];

		if (i->listener != NULL && strcmp(i->listener, l->name) == 0 &&
		    l->protocol != CONFIG_METRICS &&
		    l->protocol != CONFIG_REDIRECT) {
			s->value[kinds[l->protocol]]++;
			return;
		}
	}
}

void
daemon_sample(const struct daemon_measured *m)
{
	uint64_t value[SAMPLE_VALUES] = { 0 };
	struct config *cfg = m->config(m->arg);
	struct sampling s = { cfg, value };
	struct net_counters n;
	struct queue_count q;

	net_each(m->net, sample_one, &s);
	net_count(m->net, &n);
	value[SAMPLE_BUSY] = n.workers_busy;
	value[SAMPLE_ACCEPTED] = n.accepted;
	value[SAMPLE_REFUSED] = n.refused;
	if (m->exchange != NULL) {
		queue_count(exchange_queue(m->exchange), &q);
		value[SAMPLE_QUEUED] = q.messages;
	}
	web_sample(value);
	config_unref(&cfg);
}
