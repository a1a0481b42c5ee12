/*
 * delivery/filter.c - whose scripts run over a message, and the plan that comes
 * of it.
 *
 * The administrator's scripts stand before and after the user's. As with
 * Pigeonhole, the next one runs as long as those before would keep the message;
 * what else they wanted is done besides.
 */
#include "delivery/filter.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "base/trail.h"
#include "delivery/filter_file.h"
#include "delivery/seen.h"

#include <pthread.h>
#include <stdlib.h>

/* --- whose scripts ---------------------------------------------------------
 */

static void
add_file(struct filter *f, const char *path, const struct sieve_limits *limits)
{
	struct filter_file *file = filter_file_get(path, limits);

	if (file != NULL)
		f->script[f->scripts++] = (struct filter_script){
			.script = filter_file_script(file),
			.name = filter_file_name(file),
			.file = file,
		};
}

static bool
add_own(struct filter *f, struct mail_account *acct, const struct config *cfg)
{
	struct sieve_active *active = sieve_active_get(acct, cfg);

	if (active == NULL || sieve_active_script(active) == NULL) {
		if (active != NULL)
			sieve_active_release(&active);
		return false;
	}
	f->script[f->scripts++] = (struct filter_script){
		.script = sieve_active_script(active),
		.name = sieve_active_name(active),
		.is_own = true,
		.active = active,
	};
	return true;
}

static void
open_one(struct delivery *d, struct receiver *r)
{
	const struct config *cfg = d->cfg;
	struct sieve_limits limits = sieve_limits_of(cfg);
	struct filter found = { 0 };

	add_file(&found, cfg->sieve.before, &limits);
	if (!add_own(&found, r->acct, cfg))
		add_file(&found, cfg->sieve.preset, &limits);
	add_file(&found, cfg->sieve.after, &limits);
	if (found.scripts == 0)
		return;
	r->filter = mem_alloc(sizeof(*r->filter));
	*r->filter = found;
}

void
filter_open(struct delivery *d)
{
	for (size_t i = 0; d->cfg->sieve.enabled && i < d->receivers; i++) {
		struct receiver *r = &d->receiver[i];

		if (!r->was_asked)
			open_one(d, r);
		r->was_asked = true;
	}
}

void
filter_free(struct filter **fp)
{
	struct filter *f = *fp;

	if (f == NULL)
		return;
	for (size_t i = 0; i < f->results; i++)
		sieve_result_fini(&f->result[i]);
	for (size_t i = 0; i < f->scripts; i++) {
		if (f->script[i].active != NULL)
			sieve_active_release(&f->script[i].active);
		filter_file_release(&f->script[i].file);
	}
	for (size_t i = 0; i < f->seens; i++)
		free((char *)(uintptr_t)f->seen[i].name);
	free(f->seen);
	free(f->place);
	free(f->to);
	free(f);
	*fp = NULL;
}

bool
filter_any(const struct delivery *d)
{
	for (size_t i = 0; i < d->receivers; i++)
		if (d->receiver[i].filter != NULL)
			return true;
	return false;
}

/* --- the message -----------------------------------------------------------
 */

/* As it will be kept, but for what is known only when it is written. Parsed
 * once for all, and once more when the body is wanted after all. */
struct look {
	struct delivery *d;
	struct msg *msg;
	struct buf text;
	bool is_whole, failed;
	uint64_t size;
	/* While it is read. */
	struct msg_reader *reader;
	size_t most;
};

static enum pst_rc
take(void *arg, const void *p, size_t n)
{
	struct look *l = arg;
	size_t room = l->most - l->text.n;
	bool more;

	if (n > room)
		n = room;
	(void)buf_add(&l->text, p, n);
	more = msg_reader_feed(l->reader, p, n);
	/* It has seen enough; that is no failure. */
	return more && l->text.n < l->most ? PST_OK : PST_E_LIMIT;
}

static void
look_at(struct look *l, bool whole)
{
	const struct config *cfg = l->d->cfg;
	const struct msg_limits limits = {
		.header_size = (size_t)cfg->limits.header_size,
		.depth = (unsigned)cfg->limits.mime_depth,
		.parts = (unsigned)cfg->limits.mime_parts,
	};
	struct pst_error err = { 0 };
	enum pst_rc rc;

	if (l->msg != NULL && (l->is_whole || !whole))
		return;
	if (l->msg != NULL)
		msg_free(&l->msg);
	buf_fini(&l->text);
	l->most = (size_t)cfg->limits.header_size + l->d->top.n + l->d->trace.n;
	if (whole && (size_t)cfg->sieve.body_size > l->most)
		l->most = (size_t)cfg->sieve.body_size;
	buf_init(&l->text, l->most);
	l->is_whole = whole;
	l->reader = msg_reader_new(&limits, !whole);
	rc = take(l, l->d->top.p, l->d->top.n);
	if (rc == PST_OK)
		rc = take(l, l->d->trace.p, l->d->trace.n);
	if (rc == PST_OK)
		rc = hold_release(&l->d->hold, take, l, &err);
	l->failed = rc != PST_OK && rc != PST_E_LIMIT;
	if (l->failed)
		log_failure(PST_LOG_ERROR, 0, "sieve", &err);
	l->msg = msg_reader_finish(&l->reader);
	l->size = l->d->top.n + l->d->trace.n + hold_size(&l->d->hold);
}

/* --- the plan --------------------------------------------------------------
 */

/* Users whose scripts failed lately. */
enum { COMPLAINTS = 256, COMPLAIN_AGAIN = 600 /* seconds */ };
static struct {
	uint64_t who;
	int64_t until; /* clock_monotonic() */
} complained[COMPLAINTS];
static pthread_mutex_t complained_lock = PTHREAD_MUTEX_INITIALIZER;

void
filter_complain(
    const char *user, const char *script, const struct sieve_problem *p)
{
	uint64_t who = UINT64_C(0xcbf29ce484222325);
	int64_t now = clock_monotonic();
	char line[16];
	bool is_new;

	(void)snprintf(line, sizeof(line), "%u", p->line);
	trail_event(NULL, "filter-failed", "user", user, "script", script,
	    "line", line, "why", p->text, NULL);
	for (const char *c = user; *c != '\0'; c++)
		who = (who ^ (unsigned char)*c) * UINT64_C(0x100000001b3);
	pthread_mutex_lock(&complained_lock);
	is_new = complained[who % COMPLAINTS].who != who ||
		 complained[who % COMPLAINTS].until <= now;
	if (is_new) {
		complained[who % COMPLAINTS].who = who;
		complained[who % COMPLAINTS].until = now + COMPLAIN_AGAIN *
							       INT64_C(1000000);
	}
	pthread_mutex_unlock(&complained_lock);
	if (is_new)
		log_event(PST_LOG_WARNING, 0, "sieve", "user", user, "script",
		    script, "line", line, "text", p->text, NULL);
}

static const char *
word_of(const struct sieve_action *a)
{
	switch (a->kind) {
	case SIEVE_KEEP:
		return "keep";
	case SIEVE_FILEINTO:
		return "fileinto";
	case SIEVE_REDIRECT:
		return "redirect";
	case SIEVE_REJECT:
		return "reject";
	case SIEVE_EREJECT:
		return "ereject";
	case SIEVE_VACATION:
		return "vacation";
	}
	return "?";
}

static void
note_action(const char *user, const char *script, const struct sieve_action *a)
{
	char line[16], does[320];

	if (!trail_is_on())
		return;
	(void)snprintf(line, sizeof(line), "%u", a->line);
	(void)snprintf(does, sizeof(does), "%s%s%.*s", word_of(a),
	    a->mailbox.n + a->special_use.n + a->address.n > 0 ? " " : "",
	    STR_ARG(a->address.n > 0   ? a->address
		    : a->mailbox.n > 0 ? a->mailbox
				       : a->special_use));
	trail_event(NULL, "filter", "user", user, "script", script, "line",
	    a->line > 0 ? line : NULL, "does", does, NULL);
}

static void
add_place(struct filter *f, const struct sieve_action *a)
{
	mem_grow(&f->place, &f->places_cap, f->places + 1, sizeof(*f->place));
	f->place[f->places++] = (struct filter_place){ .action = a };
}

/* What could not be done leaves the message where it would be without. */
static const struct sieve_action plain_keep = { .kind = SIEVE_KEEP };

void
filter_add_keep(struct filter *f)
{
	for (size_t i = 0; i < f->places; i++)
		if (f->place[i].action->kind == SIEVE_KEEP)
			return;
	add_place(f, &plain_keep);
}

/* Flags that a script has set stay when a later one only keeps the message. */
static const struct sieve_action *
keep_of(const struct filter *f, size_t n, const struct sieve_action *a)
{
	for (size_t k = n; k > 0 && a->flags == 0; k--)
		for (size_t i = 0; i < f->result[k - 1].actions; i++)
			if (f->result[k - 1].action[i].kind == SIEVE_KEEP)
				a = &f->result[k - 1].action[i];
	return a;
}

/* Takes the actions of one result over; a KEEP only with `keeps`, when no other
 * script has the last word. Receivers may move. */
static void
take_actions(struct delivery *d, size_t i, size_t n, bool keeps, uint64_t size)
{
	struct filter *f = d->receiver[i].filter;
	const struct sieve_result *result = &f->result[n];
	const struct filter_script *s = &f->script[n];
	const char *user = mail_account_id(d->receiver[i].acct);

	for (size_t k = 0; k < result->actions; k++) {
		const struct sieve_action *a = &result->action[k];

		if (a->kind == SIEVE_KEEP && !keeps)
			continue;
		note_action(user, s->name, a);
		switch (a->kind) {
		case SIEVE_KEEP:
			add_place(f, keep_of(f, n, a));
			break;
		case SIEVE_FILEINTO:
			add_place(f, a);
			break;
		case SIEVE_REDIRECT:
			if (filter_redirect(d, i, a, s->is_own, size))
				f->redirects++;
			else
				filter_add_keep(f);
			break;
		case SIEVE_REJECT:
		case SIEVE_EREJECT:
			f->reject = a;
			break;
		case SIEVE_VACATION:
			f->vacation = a;
			break;
		}
	}
}

static bool
has_keep(const struct sieve_result *r)
{
	for (size_t i = 0; i < r->actions; i++)
		if (r->action[i].kind == SIEVE_KEEP)
			return true;
	return false;
}

/* Runs script number `n` of a receiver. True: the next one shall run. */
static bool
run_script(struct look *l, size_t i, size_t n)
{
	struct delivery *d = l->d;
	struct filter *f = d->receiver[i].filter;
	const struct filter_script *s = &f->script[n];
	struct sieve_limits limits = sieve_limits_of(d->cfg);
	struct sieve_result *result = &f->result[n];
	struct sieve_message m = {
		.from = str_of(d->sender),
		.to = str_of(f->to),
		.auth = str_of(d->author),
	};
	struct sieve_host host;
	struct filter_world w;

	look_at(l, sieve_needs_body(s->script));
	m.msg = l->msg;
	m.content = buf_str(&l->text);
	m.size = l->size;
	filter_world_init(&w, d, i);
	filter_host(&w, &host);
	sieve_run(s->script, &m, &host, &limits, result);
	filter_world_fini(&w);
	f->results++;
	if (result->failed)
		filter_complain(mail_account_id(d->receiver[i].acct), s->name,
		    &result->problem);
	return has_keep(result);
}

static struct pst_str
address_of(const struct delivery *d, size_t receiver)
{
	const struct recipient *r = delivery_recipient_of(d, receiver);

	return str_of(r != NULL ? r->address
				: mail_account_id(d->receiver[receiver].acct));
}

static void
run_all(struct look *l, size_t i)
{
	struct delivery *d = l->d;
	struct filter *f = d->receiver[i].filter;
	bool more = true;

	if (f->to == NULL)
		f->to = str_dup(address_of(d, i));
	look_at(l, false);
	if (l->failed) {
		filter_add_keep(f);
		return;
	}
	for (size_t n = 0; n < f->scripts && more; n++) {
		more = run_script(l, i, n);
		take_actions(d, i, n, !more || n + 1 == f->scripts, l->size);
	}
	if (!filter_is_kept(&d->receiver[i]) && f->reject == NULL)
		trail_event(NULL, "filter", "user",
		    mail_account_id(d->receiver[i].acct), "does", "discard",
		    NULL);
}

void
filter_run(struct delivery *d)
{
	struct look l = { .d = d };

	buf_init(&l.text, 0);
	/* Redirects add receivers, and move them. */
	for (size_t i = 0; i < d->receivers; i++)
		if (d->receiver[i].filter != NULL)
			run_all(&l, i);
	if (l.msg != NULL)
		msg_free(&l.msg);
	buf_fini(&l.text);
}

bool
filter_is_kept(const struct receiver *r)
{
	return r->filter == NULL || r->filter->places > 0 ||
	       r->filter->redirects > 0;
}

void
filter_done(struct delivery *d, size_t i)
{
	struct receiver *r = &d->receiver[i];

	if (r->filter != NULL && r->rc == PST_OK)
		seen_save(r->acct, r->filter);
}
