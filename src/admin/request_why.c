/*
 * request_why.c - the lives of messages: "why". Behind what was noted stands
 * what is known at this moment of a message that waits in the queue.
 */
#include "admin/background.h"
#include "admin/why.h"
#include "base/clock.h"
#include "base/str.h"
#include "exchange/exchange.h"
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

struct task {
	struct admin_work *work;
	json_t *request;
	size_t stories;
};

static void
free_task(void *arg)
{
	struct task *t = arg;

	json_decref(t->request);
	free(t);
}

static void
put_time(int64_t at, char text[40])
{
	time_t seconds = (time_t)at;
	struct tm tm;

	(void)gmtime_r(&seconds, &tm);
	(void)strftime(text, 40, "%Y-%m-%d %H:%M:%S", &tm);
}

/* What is to be told of this moment. */
struct now {
	struct trail_event event;
	char tries[16], until[40], active[48], sleeps[32], rate[48], error[256];
};

static void
add(struct now *now, const char *key, const char *value)
{
	struct trail_event *e = &now->event;

	if (*value == '\0')
		return;
	e->pair[e->pairs].key = key;
	e->pair[e->pairs++].value = value;
}

/* Why its turn may not come, although it is due. */
static void
take_limits(void *arg, const struct schedule_row *row)
{
	struct now *now = arg;

	(void)snprintf(now->active, sizeof(now->active), "%u of %u",
	    row->active, row->limit);
	if (row->sleeps > 0)
		(void)snprintf(now->sleeps, sizeof(now->sleeps),
		    "%" PRId64 " s", row->sleeps);
	if (row->rate > 0)
		(void)snprintf(
		    now->rate, sizeof(now->rate), "%u a minute", row->rate);
	(void)str_copy(now->error, sizeof(now->error), str_of(row->error));
}

/* What becomes of a job next. */
static void
tell_job(struct task *t, const char *id, const struct queue_job *job)
{
	struct exchange *x = admin_work_host(t->work)->exchange;
	struct now now = { .event = {
			       .time = clock_now(),
			       .id = id,
			       .event = job->held    ? "is-held"
					: job->taken ? "is-tried-now"
						     : "waits-now",
			   } };

	if (job->done)
		return;
	(void)snprintf(now.tries, sizeof(now.tries), "%" PRIu32, job->tries);
	add(&now, "domain", job->domain->name);
	add(&now, "tries", now.tries);
	if (!job->held && !job->taken) {
		put_time(job->due, now.until);
		add(&now, "until", now.until);
		schedule_of(exchange_schedule(x), job, take_limits, &now);
		add(&now, "destination-sleeps", now.sleeps);
		add(&now, "destination-rate", now.rate);
		add(&now, "destination-busy", now.active);
		add(&now, "destination-error", now.error);
	}
	(void)admin_work_item(t->work, why_item(t->stories, &now.event));
}

static void
tell_queued(struct task *t, const char *id)
{
	struct exchange *x = admin_work_host(t->work)->exchange;
	struct queue_message *m;
	struct queue_job *job;
	uint64_t number;
	size_t n;

	if (x == NULL || !queue_id_parse(str_of(id), &number))
		return;
	m = queue_find(exchange_queue(x), number);
	if (m == NULL)
		return;
	job = queue_message_jobs(m, &n);
	for (size_t i = 0; i < n; i++)
		tell_job(t, id, &job[i]);
	queue_let_go(exchange_queue(x), m);
}

static bool
tell_story(void *arg, const struct story *s)
{
	struct task *t = arg;

	for (size_t i = 0; i < s->events; i++)
		if (!admin_work_item(
			t->work, why_item(t->stories, &s->event[i])))
			return false;
	for (size_t i = 0; i < s->events; i++) {
		const char *id = trail_value(&s->event[i], "queue");

		if (id != NULL)
			tell_queued(t, id);
	}
	t->stories++;
	return true;
}

static enum pst_rc
run(struct admin_work *w, void *arg, struct pst_error *err)
{
	const struct admin_host *host = admin_work_host(w);
	struct config *cfg = host->config(host->arg);
	struct task *t = arg;
	struct story_query q;
	char path[4096];
	bool more = false;
	enum pst_rc rc;

	t->work = w;
	story_path(cfg, path, sizeof(path));
	config_unref(&cfg);
	trail_flush();
	(void)why_query(t->request, &q);
	rc = story_find(path, &q, tell_story, t, &more, err);
	if (more)
		(void)admin_work_item(w, json_pack("{s:b}", "more", true));
	if (rc == PST_OK && t->stories == 0)
		rc = pst_fail(err, PST_E_NOTFOUND, 0,
		    "nothing is known of such a message");
	return rc;
}

void
admin_run_why(struct admin_client *c, const json_t *request)
{
	struct story_query q;
	struct task *t;

	if (!why_query(request, &q)) {
		admin_error(c, PST_E_SYNTAX, "which message?");
		return;
	}
	t = mem_alloc(sizeof(*t));
	t->request = json_deep_copy(request);
	admin_work_start(c, run, t, free_task);
}
