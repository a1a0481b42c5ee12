/*
 * exchange/tlsrpt.c - see tlsrpt.h: counting and keeping. All is one JSON
 * value, which the file has as it is: windows by their start and length, in
 * those domains, in those policies, in those the kinds of failures.
 */
#include "exchange/tlsrpt.h"

#include "base/clock.h"
#include "base/codec.h"
#include "base/log.h"
#include "base/str.h"

#include <inttypes.h>
#include <jansson.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum {
	DOMAINS_MAX = 10000, /* of a window */
	POLICIES_MAX = 8,    /* of a domain */
	FAILURES_MAX = 64,   /* kinds, of a policy */
	REPORT_MAX = 4 << 20,
	TEXT = 200,
};

struct tlsrpt {
	pthread_mutex_t lock; /* guards all below */
	char *path;
	json_t *root;
	bool changed;
};

/* --- the file -------------------------------------------------------------
 */

struct tlsrpt *
tlsrpt_new(const char *path)
{
	struct tlsrpt *t = mem_alloc(sizeof(*t));
	json_error_t error;

	pthread_mutex_init(&t->lock, NULL);
	t->path = str_dup(str_of(path));
	t->root = json_load_file(path, 0, &error);
	if (t->root == NULL && access(path, F_OK) == 0)
		log_event(PST_LOG_WARNING, 0, "tls-reports-file", "path", path,
		    "why", error.text, NULL);
	if (!json_is_object(t->root)) {
		json_decref(t->root);
		t->root = json_object();
	}
	return t;
}

void
tlsrpt_save(struct tlsrpt *t)
{
	char temporary[4096];
	bool good = true;

	pthread_mutex_lock(&t->lock);
	if (t->changed) {
		(void)snprintf(temporary, sizeof(temporary), "%s.new", t->path);
		good = json_dump_file(t->root, temporary, JSON_COMPACT) == 0 &&
		       rename(temporary, t->path) == 0;
		t->changed = false;
	}
	pthread_mutex_unlock(&t->lock);
	if (!good)
		log_event(PST_LOG_WARNING, 0, "tls-reports-file", "path",
		    t->path, "why", "cannot be written", NULL);
}

void
tlsrpt_free(struct tlsrpt **tp)
{
	struct tlsrpt *t = *tp;

	*tp = NULL;
	if (t == NULL)
		return;
	tlsrpt_save(t);
	json_decref(t->root);
	pthread_mutex_destroy(&t->lock);
	free(t->path);
	free(t);
}

/* --- counting -------------------------------------------------------------
 */

/* The object of that name in another one, made when there is room. */
static json_t *
enter(json_t *in, const char *name, size_t most)
{
	json_t *one = json_object_get(in, name);

	if (json_is_object(one) || !json_is_object(in))
		return json_is_object(one) ? one : NULL;
	if (json_object_size(in) >= most ||
	    json_object_set_new(in, name, json_object()) != 0)
		return NULL;
	return json_object_get(in, name);
}

static void
add_one(json_t *in, const char *name)
{
	json_int_t n = json_integer_value(json_object_get(in, name));

	(void)json_object_set_new(in, name, json_integer(n + 1));
}

/* Text of others is not always UTF-8. */
static json_t *
text_of(struct pst_str text)
{
	char copy[TEXT + 1];

	if (text.n > TEXT)
		text.n = TEXT;
	(void)str_copy(copy, sizeof(copy), text);
	for (char *p = copy; *p != '\0'; p++)
		if (*p < ' ' || *p > '~')
			*p = '?';
	return json_string(copy);
}

static json_t *
strings_of_sts(const struct sts_policy *p)
{
	struct pst_str rest = buf_str(&p->octets), line;
	json_t *all = json_array();

	while (str_split(&rest, '\n', &line) && json_array_size(all) < 100)
		if (str_trim(line).n > 0)
			(void)json_array_append_new(
			    all, text_of(str_trim(line)));
	return all;
}

static json_t *
strings_of_tlsa(const struct host_tlsa *t)
{
	json_t *all = json_array();

	for (size_t i = 0; i < t->n; i++) {
		const unsigned char *p =
		    (const unsigned char *)t->record[i].data.p;
		size_t n = t->record[i].data.n;
		char text[TEXT + 1];
		size_t at;

		if (n < 3)
			continue;
		at = (size_t)snprintf(
		    text, sizeof(text), "%u %u %u ", p[0], p[1], p[2]);
		for (size_t k = 3; k < n && at + 2 < sizeof(text); k++)
			at += (size_t)snprintf(
			    text + at, sizeof(text) - at, "%02X", p[k]);
		(void)json_array_append_new(all, json_string(text));
	}
	return all;
}

/* What a policy is, in words of the report (4.4). */
static json_t *
describe(const struct tlsrpt_session *s)
{
	static const char *const types[] = { "no-policy-found", "sts", "tlsa" };
	json_t *p = json_object();

	(void)json_object_set_new(
	    p, "policy-type", json_string(types[s->type]));
	if (s->type == TLSRPT_STS && s->sts != NULL) {
		json_t *mx = json_array();

		for (size_t i = 0; i < s->sts->text.n; i++)
			(void)json_array_append_new(
			    mx, text_of(s->sts->text.mx[i]));
		(void)json_object_set_new(
		    p, "policy-string", strings_of_sts(s->sts));
		(void)json_object_set_new(p, "mx-host", mx);
	}
	if (s->type == TLSRPT_TLSA) {
		json_t *mx = json_array();

		(void)json_array_append_new(mx, text_of(str_of(s->host)));
		(void)json_object_set_new(
		    p, "policy-string", strings_of_tlsa(s->tlsa));
		(void)json_object_set_new(p, "mx-host", mx);
	}
	(void)json_object_set_new(
	    p, "policy-domain", text_of(str_of(s->domain)));
	return p;
}

static json_t *
enter_policy(json_t *domain, const struct tlsrpt_session *s)
{
	json_t *what = describe(s), *p = NULL;
	char *key = json_dumps(what, JSON_COMPACT | JSON_SORT_KEYS);

	if (key != NULL)
		p = enter(domain, key, POLICIES_MAX);
	if (p != NULL && json_object_get(p, "policy") == NULL)
		(void)json_object_set(p, "policy", what);
	json_decref(what);
	free(key);
	return p;
}

static void
count_failure(json_t *policy, const struct tlsrpt_session *s)
{
	json_t *all = enter(policy, "failures", 100), *f;
	char key[1000];

	(void)snprintf(key, sizeof(key), "%s %s %s %s %.200s", s->failure,
	    s->host, s->ip, s->source, s->detail);
	for (char *p = key; *p != '\0'; p++)
		if (*p < ' ' || *p > '~')
			*p = '?';
	f = enter(all, key, FAILURES_MAX);
	if (f == NULL)
		return;
	(void)json_object_set_new(f, "result-type", json_string(s->failure));
	if (*s->source != '\0')
		(void)json_object_set_new(
		    f, "sending-mta-ip", text_of(str_of(s->source)));
	if (*s->host != '\0')
		(void)json_object_set_new(
		    f, "receiving-mx-hostname", text_of(str_of(s->host)));
	if (*s->ip != '\0')
		(void)json_object_set_new(
		    f, "receiving-ip", text_of(str_of(s->ip)));
	if (*s->detail != '\0')
		(void)json_object_set_new(
		    f, "failure-reason-code", text_of(str_of(s->detail)));
	add_one(f, "failed-session-count");
}

void
tlsrpt_count(struct tlsrpt *t, int64_t interval, const struct tlsrpt_session *s)
{
	int64_t now = clock_seconds(), start = now - now % interval;
	json_t *window, *domain, *policy = NULL;
	char name[64];

	if (!str_is_ascii(str_of(s->domain)))
		return;
	(void)snprintf(name, sizeof(name), "%" PRId64 " %" PRId64, start,
	    start + interval - 1);
	pthread_mutex_lock(&t->lock);
	window = enter(t->root, name, 100);
	domain = enter(window, s->domain, DOMAINS_MAX);
	if (domain != NULL)
		policy = enter_policy(domain, s);
	if (policy != NULL) {
		add_one(policy, s->failure == NULL ? "successful" : "failed");
		if (s->failure != NULL)
			count_failure(policy, s);
		t->changed = true;
	}
	pthread_mutex_unlock(&t->lock);
}

/* --- a report -------------------------------------------------------------
 */

static void
print_time(int64_t seconds, char out[32])
{
	time_t t = (time_t)seconds;
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL ||
	    strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		(void)str_copy(out, 32, STR("1970-01-01T00:00:00Z"));
}

static json_t *
policy_of_report(json_t *p)
{
	json_t *details = json_array(), *one, *failure;
	const char *key;

	json_object_foreach(json_object_get(p, "failures"), key, failure)(void)
	    json_array_append(details, failure);
	one = json_pack("{s:O, s:{s:I, s:I}}", "policy",
	    json_object_get(p, "policy"), "summary",
	    "total-successful-session-count",
	    json_integer_value(json_object_get(p, "successful")),
	    "total-failure-session-count",
	    json_integer_value(json_object_get(p, "failed")));
	if (one != NULL && json_array_size(details) > 0)
		(void)json_object_set(one, "failure-details", details);
	json_decref(details);
	return one;
}

static bool
write_report(const struct config *cfg, json_t *domain, struct tlsrpt_report *r)
{
	char start[32], end[32], contact[321];
	const char *name = cfg->tls_reports.organization;
	json_t *policies = json_array(), *all, *p;
	const char *key;
	char *text;
	bool good;

	json_object_foreach(domain, key, p)
	{
		json_t *one = policy_of_report(p);

		if (one != NULL)
			(void)json_array_append_new(policies, one);
	}
	print_time(r->start, start);
	print_time(r->end, end);
	tlsrpt_contact(cfg, contact);
	all = json_pack("{s:s, s:{s:s, s:s}, s:s, s:s, s:o}",
	    "organization-name", *name != '\0' ? name : cfg->hostname,
	    "date-range", "start-datetime", start, "end-datetime", end,
	    "contact-info", contact, "report-id", r->id, "policies", policies);
	text = all != NULL ? json_dumps(all, JSON_INDENT(1)) : NULL;
	good = text != NULL && buf_puts(&r->json, text);
	free(text);
	json_decref(all);
	return good;
}

static bool
read_window(const char *name, int64_t *start_r, int64_t *end_r)
{
	struct pst_str rest = str_of(name), first;
	uint64_t start, end;

	if (!str_split(&rest, ' ', &first) || !str_to_u64(first, &start) ||
	    !str_to_u64(rest, &end) || end > INT64_MAX || start > end)
		return false;
	*start_r = (int64_t)start;
	*end_r = (int64_t)end;
	return true;
}

static const char *
window_name(const struct tlsrpt_report *r, char out[64])
{
	(void)snprintf(out, 64, "%" PRId64 " %" PRId64, r->start, r->end);
	return out;
}

static const char tried[] = "?tried"; /* no domain has such a name */

/* With the lock: one that has not been tried in this round. */
static json_t *
find_due(struct tlsrpt *t, int64_t before, struct tlsrpt_report *r)
{
	const char *window_key, *key;
	json_t *window, *domain;

	json_object_foreach(t->root, window_key, window)
	{
		if (!read_window(window_key, &r->start, &r->end) ||
		    r->end >= before)
			continue;
		json_object_foreach(window, key,
		    domain) if (json_object_get(domain, tried) == NULL)
		{
			(void)json_object_set_new(domain, tried, json_object());
			(void)str_copy(
			    r->domain, sizeof(r->domain), str_of(key));
			return domain;
		}
	}
	return NULL;
}

bool
tlsrpt_next(struct tlsrpt *t, const struct config *cfg, int64_t before,
    struct tlsrpt_report *r)
{
	unsigned char octets[8];
	char hex[17];
	json_t *domain;

	*r = (struct tlsrpt_report){ 0 };
	buf_init(&r->json, REPORT_MAX);
	random_bytes(octets, sizeof(octets));
	hex_encode(octets, sizeof(octets), hex);
	pthread_mutex_lock(&t->lock);
	domain = find_due(t, before, r);
	if (domain != NULL) {
		json_t *copy = json_copy(domain);

		(void)json_object_del(copy, tried);
		(void)snprintf(
		    r->id, sizeof(r->id), "%" PRId64 ".%s", r->start, hex);
		(void)write_report(cfg, copy, r);
		json_decref(copy);
	}
	pthread_mutex_unlock(&t->lock);
	return domain != NULL;
}

void
tlsrpt_end(struct tlsrpt *t, struct tlsrpt_report *r, bool done)
{
	char name[64];
	json_t *window;

	pthread_mutex_lock(&t->lock);
	window = json_object_get(t->root, window_name(r, name));
	if (done && window != NULL) {
		(void)json_object_del(window, r->domain);
		if (json_object_size(window) == 0)
			(void)json_object_del(t->root, name);
		t->changed = true;
	}
	pthread_mutex_unlock(&t->lock);
	buf_fini(&r->json);
}

void
tlsrpt_again(struct tlsrpt *t, int64_t before)
{
	const char *window_key, *key;
	json_t *window, *domain;
	int64_t start, end;
	void *next;

	pthread_mutex_lock(&t->lock);
	json_object_foreach_safe(t->root, next, window_key, window)
	{
		if (!read_window(window_key, &start, &end) || end < before) {
			(void)json_object_del(t->root, window_key);
			t->changed = true;
			continue;
		}
		json_object_foreach(window, key, domain)(void)
		    json_object_del(domain, tried);
	}
	pthread_mutex_unlock(&t->lock);
}
