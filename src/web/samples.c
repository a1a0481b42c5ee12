/*
 * web/samples.c - see samples.h: two rings of fixed size.
 */
#include "web/samples.h"

#include "web/admin.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include <pthread.h>
#include <stdlib.h>

enum { FINE = 120, COARSE = 1440, MINUTE = 60 };

/* The members of the answer, and the events of the log that are counted. */
static const struct {
	const char *name, *event;
} values[SAMPLE_VALUES] = {
	[SAMPLE_SMTP] = { "smtp", NULL },
	[SAMPLE_SUBMISSION] = { "submission", NULL },
	[SAMPLE_LMTP] = { "lmtp", NULL },
	[SAMPLE_IMAP] = { "imap", NULL },
	[SAMPLE_POP3] = { "pop3", NULL },
	[SAMPLE_HTTP] = { "http", NULL },
	[SAMPLE_MANAGESIEVE] = { "managesieve", NULL },
	[SAMPLE_QUEUED] = { "queued", NULL },
	[SAMPLE_BUSY] = { "busy", NULL },
	[SAMPLE_ACCEPTED] = { "accepted", NULL },
	[SAMPLE_REFUSED] = { "refused", NULL },
	[SAMPLE_MESSAGES] = { "messages", "message" },
	[SAMPLE_SENT] = { "sent", "sent" },
	[SAMPLE_DEFERRED] = { "deferred", "deferred" },
	[SAMPLE_BOUNCED] = { "bounced", "bounced" },
	[SAMPLE_LOGINS] = { "logins", "login" },
	[SAMPLE_LOGINS_FAILED] = { "loginsFailed", "login-failed" },
	[SAMPLE_GUARDED] = { "guarded", "guard" },
};

struct sample {
	int64_t time; /* seconds since 1970 */
	uint64_t value[SAMPLE_VALUES];
};

struct ring {
	struct sample *sample;
	size_t size, n, next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards the rings */
static struct sample fine_samples[FINE], coarse_samples[COARSE];
static struct ring fine = { fine_samples, FINE, 0, 0 };
static struct ring coarse = { coarse_samples, COARSE, 0, 0 };

static void
put(struct ring *r, const struct sample *s)
{
	r->sample[r->next] = *s;
	r->next = (r->next + 1) % r->size;
	r->n += r->n < r->size;
}

/* The i-th, the oldest first. */
static const struct sample *
at(const struct ring *r, size_t i)
{
	return &r->sample[(r->next + r->size - r->n + i) % r->size];
}

static void
count(void *arg, const char *event, uint64_t n)
{
	struct sample *s = arg;

	for (size_t i = 0; i < SAMPLE_VALUES; i++)
		if (values[i].event != NULL &&
		    strcmp(values[i].event, event) == 0)
			s->value[i] = n;
}

void
web_sample(const uint64_t value[SAMPLE_VALUES])
{
	struct sample s = { .time = clock_seconds() };

	memcpy(s.value, value, sizeof(s.value));
	log_each_event(count, &s);
	(void)pthread_mutex_lock(&lock);
	put(&fine, &s);
	if (coarse.n == 0 ||
	    s.time / MINUTE != at(&coarse, coarse.n - 1)->time / MINUTE)
		put(&coarse, &s);
	(void)pthread_mutex_unlock(&lock);
}

/* --- the answer --------------------------------------------------------------
 */

static json_t *
sample_json(const struct sample *s)
{
	json_t *row = json_array();

	(void)json_array_append_new(row, json_integer(s->time));
	for (size_t i = 0; i < SAMPLE_VALUES; i++)
		(void)json_array_append_new(
		    row, json_integer((json_int_t)s->value[i]));
	return row;
}

json_t *
web_samples(bool is_fine, int64_t since)
{
	struct sample *copy = mem_array(COARSE, sizeof(*copy));
	json_t *rows = json_array();
	const struct ring *r = is_fine ? &fine : &coarse;
	size_t n;

	(void)pthread_mutex_lock(&lock);
	n = r->n;
	for (size_t i = 0; i < n; i++)
		copy[i] = *at(r, i);
	(void)pthread_mutex_unlock(&lock);
	for (size_t i = 0; i < n; i++)
		if (copy[i].time > since)
			(void)json_array_append_new(
			    rows, sample_json(&copy[i]));
	free(copy);
	return rows;
}

/* step=5 or 60, since=TIME: rows of a time and the values behind "names". */
static void
run_samples(struct http_request *h)
{
	char step[8] = "", text[24];
	uint64_t since = 0;
	bool is_fine;
	json_t *names;

	if (!web_is_admin(h))
		return;
	is_fine = web_query(h, "step", step, sizeof(step)) &&
		  strcmp(step, "5") == 0;
	if (web_query(h, "since", text, sizeof(text)) &&
	    (!str_to_u64(str_of(text), &since) || since > INT64_MAX))
		since = 0;
	names = json_array();
	for (size_t i = 0; i < SAMPLE_VALUES; i++)
		(void)json_array_append_new(names, json_string(values[i].name));
	web_answer(h, 200,
	    json_pack("{s:i, s:I, s:o, s:o}", "step",
		is_fine ? SAMPLES_STEP : MINUTE, "now",
		(json_int_t)clock_seconds(), "names", names, "samples",
		web_samples(is_fine, (int64_t)since)));
}

const struct http_route web_sample_routes[] = {
	{ "GET", "/web/admin/samples", HTTP_LOGIN, run_samples, NULL, NULL,
	    NULL },
	{ NULL, NULL, 0, NULL, NULL, NULL, NULL },
};
