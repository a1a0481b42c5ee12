/*
 * request_queue.c - the queue of the exchange agent: "queue" lists, shows,
 * holds, releases, retries and deletes messages; "queue-stats" tells of the
 * whole and of each destination.
 */
#include "admin/background.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "base/trail.h"
#include "exchange/exchange.h"
#include <stdlib.h>

enum verb { LIST, SHOW, HOLD, RELEASE, RETRY, DELETE, VERBS };

static const char *const verbs[VERBS] = { "list", "show", "hold", "release",
	"retry", "delete" };

/* What to do, with which messages. Texts are "" where anything will do. */
struct task {
	enum verb verb;
	bool one;
	uint64_t id; /* with `one`; else all that fit */
	char sender[321], recipient[321], domain[256], reason[256];
	char user[321];
	int64_t older, younger; /* seconds; 0: any */
	bool held;		/* only such ones */
	bool quiet;		/* only their number is told, in the end */
	int64_t most;		/* that are told of; 0: all */
	char by[321];		/* who asks */
	uint64_t done;
};

/* --- filters --------------------------------------------------------------
 */

/* Somewhere within, without case. */
static bool
holds(struct pst_str text, const char *part)
{
	return *part == '\0' || str_find_case(text, str_of(part)) != SIZE_MAX;
}

static bool
recipient_fits(const struct task *t, const struct envelope *e,
    const struct envelope_recipient *r)
{
	return holds(r->address, t->recipient) &&
	       (*t->domain == '\0' ||
		   str_is_case(envelope_domain(r->address), t->domain)) &&
	       (holds(r->answer, t->reason) ||
		   (e->held && holds(e->reason, t->reason)));
}

static bool
fits(const struct task *t, struct queue_message *m, const struct envelope *e)
{
	int64_t age = clock_seconds() - e->arrived;
	bool any = false, held = false;
	size_t jobs;
	const struct queue_job *job = queue_message_jobs(m, &jobs);

	for (size_t i = 0; i < jobs; i++)
		held |= job[i].held && !job[i].done;
	for (size_t i = 0; i < e->recipients && !any; i++)
		any = recipient_fits(t, e, &e->recipient[i]);
	return any && holds(e->sender, t->sender) && (held || !t->held) &&
	       (*t->user == '\0' || str_is_case(e->author, t->user)) &&
	       (t->older == 0 || age >= t->older) &&
	       (t->younger == 0 || age <= t->younger);
}

/* --- what is told ---------------------------------------------------------
 */

static const char *
state_name(const struct envelope_recipient *r, const struct queue_job *job)
{
	switch (r->state) {
	case RECIPIENT_WAITS:
		return job->held ? "held" : job->taken ? "active" : "waiting";
	case RECIPIENT_DELIVERED:
	case RECIPIENT_RELAYED:
		return "sent";
	case RECIPIENT_FAILED:
		return "failed";
	case RECIPIENT_DELETED:
		break;
	}
	return "deleted";
}

static json_t *
describe(struct queue_message *m, const struct envelope *e)
{
	size_t jobs, waiting = 0;
	const struct queue_job *job = queue_message_jobs(m, &jobs);
	struct pst_str answer = STR_NONE, first = STR_NONE;
	int64_t due = 0;
	bool held = false;
	char id[QUEUE_ID];

	for (size_t i = 0; i < jobs; i++) {
		if (job[i].done)
			continue;
		held |= job[i].held;
		if (due == 0 || job[i].due < due)
			due = job[i].due;
	}
	for (size_t i = 0; i < e->recipients; i++) {
		if (e->recipient[i].state != RECIPIENT_WAITS)
			continue;
		waiting++;
		if (first.n == 0)
			first = e->recipient[i].address;
		if (answer.n == 0)
			answer = e->recipient[i].answer;
	}
	queue_id_print(queue_message_id(m), id);
	return json_pack(
	    "{s:s, s:I, s:I, s:o, s:o, s:o, s:I, s:I, s:b, s:o, s:o}", "id", id,
	    "arrived", (json_int_t)e->arrived, "size", (json_int_t)e->size,
	    "user", admin_json_text(e->author), "sender",
	    admin_json_text(e->sender), "recipient", admin_json_text(first),
	    "waiting", (json_int_t)waiting, "next", (json_int_t)due, "held",
	    (int)held, "reason", admin_json_text(held ? e->reason : STR_NONE),
	    "answer", admin_json_text(answer));
}

static json_t *
describe_recipients(struct queue_message *m, const struct envelope *e)
{
	json_t *all = json_array();
	size_t jobs;
	const struct queue_job *job = queue_message_jobs(m, &jobs);

	for (size_t i = 0; i < jobs; i++)
		for (size_t k = job[i].first;
		     k < (size_t)job[i].first + job[i].n && k < e->recipients;
		     k++) {
			const struct envelope_recipient *r = &e->recipient[k];

			json_array_append_new(all,
			    json_pack("{s:o, s:s, s:I, s:I, s:I, s:o, s:o}",
				"recipient", admin_json_text(r->address),
				"state", state_name(r, &job[i]), "tries",
				(json_int_t)job[i].tries, "last",
				(json_int_t)r->at, "next",
				(json_int_t)(job[i].done ? 0 : job[i].due),
				"remote", admin_json_text(r->remote), "answer",
				admin_json_text(r->answer)));
		}
	return all;
}

/* --- one message ----------------------------------------------------------
 */

static void
hurry(struct exchange *x, struct queue_message *m)
{
	size_t jobs;
	struct queue_job *job = queue_message_jobs(m, &jobs);

	for (size_t i = 0; i < jobs; i++)
		schedule_hurry(exchange_schedule(x), &job[i]);
}

/* What the administrator did belongs to the life of the message. */
static void
note_act(const struct task *t, uint64_t number)
{
	char id[QUEUE_ID];

	queue_id_print(number, id);
	if (t->verb != LIST && t->verb != SHOW)
		trail_event(id, verbs[t->verb], "by",
		    *t->by != '\0' ? t->by : "administrator", NULL);
}

static enum pst_rc
act(struct exchange *x, const struct task *t, struct queue_message *m,
    struct pst_error *err)
{
	struct queue *q = exchange_queue(x);
	enum pst_rc rc = PST_OK;

	switch (t->verb) {
	case HOLD:
		rc = queue_hold(q, m, true, "by the administrator", err);
		hurry(x, m);
		break;
	case RELEASE:
		rc = queue_hold(q, m, false, QUEUE_RELEASED, err);
		hurry(x, m);
		break;
	case RETRY:
		hurry(x, m);
		break;
	case DELETE:
		rc = queue_delete(q, queue_message_id(m), err);
		break;
	case LIST:
	case SHOW:
	case VERBS:
		break;
	}
	return rc;
}

/* NOTFOUND: it has gone meanwhile, or does not fit. */
static enum pst_rc
visit(struct admin_work *w, struct task *t, uint64_t id, struct pst_error *err)
{
	struct exchange *x = admin_work_host(w)->exchange;
	struct queue *q = exchange_queue(x);
	struct queue_message *m = queue_find(q, id);
	struct arena *arena;
	struct envelope e;
	enum pst_rc rc;

	if (m == NULL)
		return pst_fail(err, PST_E_NOTFOUND, 0,
		    "there is no such "
		    "message");
	rc = queue_load(q, m, &arena, &e, err);
	if (rc == PST_OK && !fits(t, m, &e))
		rc = PST_E_NOTFOUND;
	if (rc == PST_OK) {
		json_t *item = describe(m, &e);

		if (t->verb == SHOW)
			json_object_set_new(
			    item, "recipients", describe_recipients(m, &e));
		rc = act(x, t, m, err);
		if (rc == PST_OK) {
			note_act(t, id);
			t->done++;
		}
		if (rc == PST_OK && !t->quiet) {
			(void)admin_work_item(w, item);
		} else {
			json_decref(item);
		}
	}
	arena_free(&arena);
	queue_let_go(q, m);
	return rc;
}

static enum pst_rc
run(struct admin_work *w, void *arg, struct pst_error *err)
{
	struct task *t = arg;
	enum pst_rc rc = PST_OK;
	uint64_t *ids;
	size_t n;

	if (t->one)
		return visit(w, t, t->id, err);
	ids = queue_ids(exchange_queue(admin_work_host(w)->exchange), &n);
	for (size_t i = 0; i < n && rc == PST_OK; i++) {
		if (admin_work_is_cancelled(w))
			break;
		if (t->most > 0 && t->done >= (uint64_t)t->most) {
			(void)admin_work_item(
			    w, json_pack("{s:b}", "more", true));
			break;
		}
		rc = visit(w, t, ids[i], err);
		if (rc == PST_E_NOTFOUND)
			rc = PST_OK;
		/* A damaged one is for `show` to tell of. */
		if (rc == PST_E_PERM && t->verb == LIST)
			rc = PST_OK;
	}
	free(ids);
	if (t->quiet)
		(void)admin_work_item(
		    w, json_pack("{s:I}", "count", (json_int_t)t->done));
	if (t->verb != LIST && t->verb != SHOW)
		log_text(PST_LOG_INFO, 0, "queue", "%s: %llu messages",
		    verbs[t->verb], (unsigned long long)t->done);
	return rc;
}

/* --- requests -------------------------------------------------------------
 */

static void
take_text(const json_t *request, const char *key, char *to, size_t size)
{
	const char *text = admin_member(request, key);

	(void)str_copy(to, size, str_of(text != NULL ? text : ""));
}

bool
admin_sends(struct admin_client *c)
{
	if (c->host->exchange == NULL)
		admin_error(c, PST_E_UNSUPPORTED,
		    "this server does not send to others: queue.enabled is no");
	return c->host->exchange != NULL;
}

void
admin_run_queue(struct admin_client *c, const json_t *request)
{
	const char *verb = admin_member(request, "verb");
	const char *id = admin_member(request, "id");
	struct task *t;

	if (!admin_sends(c))
		return;
	t = mem_alloc(sizeof(*t));
	while (t->verb < VERBS &&
	       (verb == NULL || strcmp(verb, verbs[t->verb]) != 0))
		t->verb++;
	take_text(request, "sender", t->sender, sizeof(t->sender));
	take_text(request, "recipient", t->recipient, sizeof(t->recipient));
	take_text(request, "domain", t->domain, sizeof(t->domain));
	take_text(request, "reason", t->reason, sizeof(t->reason));
	take_text(request, "user", t->user, sizeof(t->user));
	t->older = json_integer_value(json_object_get(request, "older"));
	t->younger = json_integer_value(json_object_get(request, "younger"));
	take_text(request, "by", t->by, sizeof(t->by));
	t->most = json_integer_value(json_object_get(request, "most"));
	t->quiet = json_is_true(json_object_get(request, "quiet"));
	t->one = id != NULL;
	t->held = json_is_true(json_object_get(request, "held"));
	if (t->verb == RETRY && json_is_true(json_object_get(request, "all"))) {
		free(t);
		schedule_hurry_all(exchange_schedule(c->host->exchange));
		admin_done(c);
		return;
	}
	if (t->verb == VERBS ||
	    (id != NULL && !queue_id_parse(str_of(id), &t->id))) {
		free(t);
		admin_error(c, PST_E_SYNTAX, "%s",
		    id != NULL ? "that is no id of a message" : "no such verb");
		return;
	}
	admin_work_start(c, run, t, free);
}

static void
tell_row(void *arg, const struct schedule_row *row)
{
	if (row->ready == 0 && row->active == 0 && row->sleeps == 0 &&
	    row->rate == 0)
		return;
	(void)admin_item(
	    arg, json_pack("{s:o, s:I, s:I, s:I, s:I, s:I, s:o}", "destination",
		     admin_json_text(str_of(row->hosts)), "ready",
		     (json_int_t)row->ready, "active", (json_int_t)row->active,
		     "limit", (json_int_t)row->limit, "rate",
		     (json_int_t)row->rate, "sleeps", (json_int_t)row->sleeps,
		     "error", admin_json_text(str_of(row->error))));
}

void
admin_run_queue_stats(struct admin_client *c, const json_t *request)
{
	struct queue_count count;

	(void)request;
	if (!admin_sends(c))
		return;
	queue_count(exchange_queue(c->host->exchange), &count);
	(void)admin_item(
	    c, json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "messages",
		   (json_int_t)count.messages, "jobs", (json_int_t)count.jobs,
		   "domains", (json_int_t)count.domains, "files",
		   (json_int_t)count.disk.segments, "bytes",
		   (json_int_t)count.disk.octets, "live",
		   (json_int_t)count.disk.live));
	schedule_each(exchange_schedule(c->host->exchange), tell_row, c);
	admin_done(c);
}
