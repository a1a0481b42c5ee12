/*
 * jmap/push_post.c - one push: posted, and what came of it noted with the
 * subscription.
 */
#include "jmap/push_priv.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "exchange/fetch.h"
#include "jmap/webpush.h"

#include <stdlib.h>

enum {
	POST_TIME = 20, /* seconds */
	DNS_TIME = 5,
	ANSWER_MAX = 1 << 20,
	PAUSE_FIRST = 30,
	PAUSE_MOST = 3600,
	PAUSE_TOLD = 86400, /* at most so long as the other side asks for */
	TTL = 7 * 86400,
	TTL_VERIFICATION = 3600,
};

static const char *
contact_of(const struct config *cfg, char text[300])
{
	if (cfg->jmap.push_contact[0] != '\0')
		return cfg->jmap.push_contact;
	(void)snprintf(text, 300, "mailto:postmaster@%s",
	    cfg->domains.n > 0 ? cfg->domains.v[0] : cfg->hostname);
	return text;
}

/* Encrypted, for who gave keys. */
static bool
make_body(const struct push_job *j, struct buf *body)
{
	return j->has_keys ? webpush_encrypt(&j->keys, str_of(j->text), body)
			   : buf_puts(body, j->text);
}

static enum fetch_result
post(struct jmap_push *p, const struct push_job *j, unsigned *status_r,
    int64_t *pause_r, struct pst_error *err)
{
	char ttl[32], urgency[32], contact[300], type[64];
	const char *fields[8] = { ttl, urgency };
	struct buf body, answer, authorization;
	enum fetch_result result = FETCH_FAILED;
	size_t n = 2;
	struct fetch f = { .url = j->url,
		.ipv6 = p->cfg->queue.ipv6,
		.ca_file = p->cfg->queue.ca_file,
		.seconds = POST_TIME,
		.dns_seconds = DNS_TIME,
		.stop_fd = p->stop_fd,
		.only_global = !p->cfg->jmap.push_private,
		.content_type = "application/json",
		.fields = fields,
		.retry_after_r = pause_r };

	(void)snprintf(ttl, sizeof(ttl), "TTL: %d",
	    j->is_verification ? TTL_VERIFICATION : TTL);
	(void)snprintf(urgency, sizeof(urgency), "Urgency: %s", j->urgency);
	if (!j->is_verification)
		fields[n++] = "Topic: state"; /* a later one replaces it */
	if (j->has_keys)
		fields[n++] = "Content-Encoding: aes128gcm";
	buf_init(&body, 1 << 20);
	buf_init(&answer, ANSWER_MAX);
	buf_init(&authorization, 16384);
	(void)buf_puts(&authorization, "Authorization: ");
	if (make_body(j, &body) &&
	    vapid_authorization(p->vapid, j->url, contact_of(p->cfg, contact),
		clock_seconds(), &authorization) &&
	    buf_putc(&authorization, '\0')) {
		fields[n++] = authorization.p;
		f.body = buf_str(&body);
		result = fetch_run(&f, &p->dns, status_r, type, &answer, err);
	} else {
		(void)pst_fail(err, PST_E_TEMP, 0, "it cannot be encrypted");
	}
	buf_fini(&body);
	buf_fini(&answer);
	buf_fini(&authorization);
	return result;
}

/* With the store's lock. */
static void
note_success(const struct push_job *j, const struct config *cfg, json_t *s)
{
	(void)json_object_set_new(s, "failures", json_integer(0));
	(void)json_object_set_new(s, "notBefore",
	    json_integer(clock_seconds() + cfg->jmap.push_interval));
	if (j->is_verification)
		(void)json_object_set_new(s, "isSent", json_true());
	else
		push_set_told(s, j->told);
}

static void
note_failure(json_t *s, int64_t pause)
{
	int64_t failures = push_number(s, "failures");
	int64_t own = PAUSE_FIRST;

	for (int64_t i = 0; i < failures && own < PAUSE_MOST; i++)
		own *= 2;
	own = own < PAUSE_MOST ? own : PAUSE_MOST;
	pause = pause < PAUSE_TOLD ? pause : PAUSE_TOLD;
	(void)json_object_set_new(s, "failures", json_integer(failures + 1));
	(void)json_object_set_new(s, "notBefore",
	    json_integer(clock_seconds() + (pause > own ? pause : own)));
}

static void
note(struct jmap_push *p, const struct push_job *j, bool is_done, bool is_gone,
    int64_t pause)
{
	struct pst_error err = { 0 };
	json_t *root, *all, *s;

	push_store_lock();
	root = push_store_get(p->cfg, j->account);
	all = json_object_get(root, "subscriptions");
	s = json_object_get(all, j->id);
	/* Whoever destroyed it meanwhile was first. */
	if (s != NULL) {
		if (is_gone)
			(void)json_object_del(all, j->id);
		else if (is_done)
			note_success(j, p->cfg, s);
		else
			note_failure(s, pause);
		if (push_store_put(p->cfg, j->account, root, &err) != PST_OK)
			log_failure(PST_LOG_ERROR, 0, "push", &err);
	}
	json_decref(root);
	push_store_unlock();
}

void
push_run(struct jmap_push *p, const struct push_job *j)
{
	struct pst_error err = { 0 };
	unsigned status = 0;
	int64_t pause = 0;
	enum fetch_result result = post(p, j, &status, &pause, &err);
	/* What the answer says after the status is of no interest. */
	bool is_done = status / 100 == 2;
	bool is_gone = status == 404 || status == 410;
	char text[16];

	if (result != FETCH_DONE && push_is_stopping(p))
		return;
	(void)snprintf(text, sizeof(text), "%u", status);
	log_event(is_done ? PST_LOG_DEBUG : PST_LOG_INFO, 0,
	    is_done   ? "push"
	    : is_gone ? "push-gone"
		      : "push-failed",
	    "account", j->account, "id", j->id, "status",
	    status != 0 ? text : NULL, "why",
	    result != FETCH_DONE ? err.detail : NULL, NULL);
	note(p, j, is_done, is_gone, pause);
}
