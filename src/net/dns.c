/*
 * net/dns.c - lookups by libunbound. It resolves in a thread of its own; one
 * thread of ours takes the answers and hands them to who waits.
 */
#include "net/dns.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unbound.h>
#include <unistd.h>

enum {
	ANSWER_MAX = 128 * 1024, /* octets of one answer, with our copies */
	CLASS_IN = 1,
	RCODE_NXDOMAIN = 3,
};

struct dns {
	struct ub_ctx *ctx;
	int64_t time; /* microseconds for one question */
	pthread_t thread;
	bool started;
	int stop_fd;

	pthread_mutex_t lock; /* guards what follows; before a question's */
	bool stopped;
	struct question *asked; /* whose asker waits */
};

/* A question, shared by who asks and by the thread that takes answers. */
struct question {
	struct question *next; /* by the lock of struct dns */

	pthread_mutex_t lock; /* guards all below; a leaf */
	pthread_cond_t done;
	unsigned refs;
	bool answered, stopped;
	int rc;
	struct ub_result *result;
};

/* --- the context ------------------------------------------------------------
 */

/* What holds when the file of anchors is not there: the keys of the root that
 * IANA has published (2017 and 2024). */
static const char *const root_anchors[] = {
	". IN DS 20326 8 2 "
	"E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D",
	". IN DS 38696 8 2 "
	"683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16",
};

static bool
set(struct ub_ctx *ctx, const char *option, const char *value)
{
	return ub_ctx_set_option(ctx, option, value) == 0;
}

static bool
set_sizes(struct ub_ctx *ctx, int64_t cache)
{
	char size[32];

	(void)snprintf(size, sizeof(size), "%lld", (long long)(cache / 2));
	return set(ctx, "msg-cache-size:", size) &&
	       set(ctx, "rrset-cache-size:", size) &&
	       set(ctx, "num-queries-per-thread:", "512") &&
	       set(ctx, "outgoing-range:", "512") &&
	       set(ctx, "outgoing-num-tcp:", "32") &&
	       set(ctx, "edns-buffer-size:", "1232");
}

static int
set_servers(struct ub_ctx *ctx, const struct config *cfg)
{
	const struct config_strings *s = &cfg->dns.servers;
	int rc = 0;

	if (s->n == 1 && strcmp(s->v[0], "system") == 0)
		rc = ub_ctx_resolvconf(ctx, NULL);
	else
		for (size_t i = 0; rc == 0 && i < s->n; i++)
			rc = ub_ctx_set_fwd(ctx, s->v[i]);
	if (rc == 0 && s->n > 0 &&
	    (!set(ctx, "unblock-lan-zones:", "yes") ||
		!set(ctx, "insecure-lan-zones:", "yes")))
		rc = UB_SYNTAX;
	return rc;
}

/* "zone=server". The list was checked when the configuration was read. */
static int
set_stubs(struct ub_ctx *ctx, const struct config *cfg)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < cfg->dns.stubs.n; i++) {
		struct pst_str rest = str_of(cfg->dns.stubs.v[i]), zone;
		char *name;

		(void)str_split(&rest, '=', &zone);
		name = str_dup(zone);
		rc = ub_ctx_set_stub(ctx, name, rest.p, 0);
		free(name);
	}
	return rc;
}

/* libunbound answers for names like "test." by itself; not those of a stub.
 * The first of these calls makes the context final and reads all files, so they
 * come last, and there is one in any case. */
static int
open_stubs(struct ub_ctx *ctx, const struct config *cfg)
{
	int rc = ub_ctx_zone_remove(ctx, "postern.invalid.");

	for (size_t i = 0; rc == 0 && i < cfg->dns.stubs.n; i++) {
		struct pst_str rest = str_of(cfg->dns.stubs.v[i]), zone;
		char *name;

		(void)str_split(&rest, '=', &zone);
		name = str_dup(zone);
		rc = ub_ctx_zone_add(ctx, name, "transparent");
		free(name);
	}
	return rc;
}

static int
set_anchors(struct ub_ctx *ctx, const struct config *cfg)
{
	int rc = 0;

	if (!cfg->dns.validate)
		return set(ctx, "module-config:", "iterator") ? 0 : UB_SYNTAX;
	if (*cfg->dns.root_key != '\0' && access(cfg->dns.root_key, R_OK) == 0)
		rc = ub_ctx_add_ta_file(ctx, cfg->dns.root_key);
	else if (*cfg->dns.root_key != '\0')
		for (size_t i = 0; rc == 0 && i < 2; i++)
			rc = ub_ctx_add_ta(ctx, root_anchors[i]);
	for (size_t i = 0; rc == 0 && i < cfg->dns.anchors.n; i++)
		rc = access(cfg->dns.anchors.v[i], R_OK) == 0
			 ? ub_ctx_add_ta_file(ctx, cfg->dns.anchors.v[i])
			 : UB_READFILE;
	return rc;
}

static int
configure(struct ub_ctx *ctx, const struct config *cfg)
{
	bool local = cfg->dns.servers.n > 0 || cfg->dns.stubs.n > 0;
	int rc;

	if (!set_sizes(ctx, cfg->dns.cache_size) ||
	    (local && !set(ctx, "do-not-query-localhost:", "no")))
		return UB_SYNTAX;
	rc = set_servers(ctx, cfg);
	if (rc == 0)
		rc = set_stubs(ctx, cfg);
	if (rc == 0)
		rc = set_anchors(ctx, cfg);
	if (rc == 0)
		rc = ub_ctx_async(ctx, 1);
	if (rc == 0)
		rc = open_stubs(ctx, cfg);
	return rc;
}

static void *
thread_main(void *arg)
{
	struct dns *d = arg;
	struct pollfd fds[2] = { { ub_fd(d->ctx), POLLIN, 0 },
		{ d->stop_fd, POLLIN, 0 } };

	for (;;) {
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			break;
		if (fds[1].revents != 0)
			break;
		if (fds[0].revents != 0)
			(void)ub_process(d->ctx);
	}
	return NULL;
}

struct dns *
dns_new(const struct config *cfg, struct pst_error *err)
{
	struct dns *d = mem_alloc(sizeof(*d));
	int rc;

	pthread_mutex_init(&d->lock, NULL);
	d->time = cfg->dns.time * 1000000;
	d->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	d->ctx = ub_ctx_create();
	rc = d->ctx != NULL && d->stop_fd >= 0 ? configure(d->ctx, cfg)
					       : UB_NOMEM;
	if (rc == 0)
		d->started = pthread_create(&d->thread, NULL, thread_main, d) ==
			     0;
	if (d->started)
		return d;
	(void)pst_fail(err, PST_E_PERM, 0, "the DNS resolver: %s",
	    rc != 0 ? ub_strerror(rc) : "no thread can be started");
	dns_free(&d);
	return NULL;
}

void
dns_free(struct dns **dp)
{
	struct dns *d = *dp;
	uint64_t one = 1;

	if (d == NULL)
		return;
	*dp = NULL;
	if (d->started) {
		(void)!write(d->stop_fd, &one, sizeof(one));
		(void)pthread_join(d->thread, NULL);
	}
	if (d->ctx != NULL)
		ub_ctx_delete(d->ctx);
	if (d->stop_fd >= 0)
		(void)close(d->stop_fd);
	pthread_mutex_destroy(&d->lock);
	free(d);
}

/* --- a question -------------------------------------------------------------
 */

static struct question *
question_new(void)
{
	struct question *q = mem_alloc(sizeof(*q));
	pthread_condattr_t attr;

	pthread_mutex_init(&q->lock, NULL);
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&q->done, &attr);
	(void)pthread_condattr_destroy(&attr);
	q->refs = 2;
	return q;
}

static void
question_drop(struct question *q)
{
	bool last;

	pthread_mutex_lock(&q->lock);
	last = --q->refs == 0;
	pthread_mutex_unlock(&q->lock);
	if (!last)
		return;
	if (q->result != NULL)
		ub_resolve_free(q->result);
	pthread_cond_destroy(&q->done);
	pthread_mutex_destroy(&q->lock);
	free(q);
}

static void
answered(void *arg, int rc, struct ub_result *result)
{
	struct question *q = arg;

	pthread_mutex_lock(&q->lock);
	q->answered = true;
	q->rc = rc;
	q->result = result;
	pthread_cond_signal(&q->done);
	pthread_mutex_unlock(&q->lock);
	question_drop(q);
}

static void
fail(struct dns_answer *a, enum dns_status status, const char *reason)
{
	a->status = status;
	(void)snprintf(a->reason, sizeof(a->reason), "%s", reason);
}

static void
copy_records(const struct ub_result *result, struct dns_answer *a)
{
	size_t n = 0;

	while (result->data[n] != NULL)
		n++;
	a->arena = arena_new(ANSWER_MAX + n * sizeof(*a->record));
	a->record = arena_alloc(a->arena, n * sizeof(*a->record));
	if (result->canonname != NULL)
		a->canonical = arena_text(a->arena, str_of(result->canonname));
	for (size_t i = 0; a->record != NULL && i < n; i++) {
		struct pst_str r = arena_copy(
		    a->arena, str_n(result->data[i], (size_t)result->len[i]));

		if (r.p == NULL)
			break;
		a->record[a->records++] = r;
	}
	if (a->records < n) {
		dns_answer_fini(a);
		fail(a, DNS_FAILED, "the answer is too large");
	}
}

static void
take_result(const struct question *q, struct dns_answer *a)
{
	const struct ub_result *result = q->result;

	if (q->rc != 0 || result == NULL) {
		fail(a, DNS_FAILED, ub_strerror(q->rc));
		return;
	}
	a->ttl = result->ttl > 0 ? (uint32_t)result->ttl : 0;
	a->secure = result->secure != 0;
	/* A bogus answer has its data with it: never looked at. */
	if (result->bogus) {
		fail(a, DNS_BOGUS,
		    result->why_bogus != NULL ? result->why_bogus : "bogus");
	} else if (result->havedata) {
		a->status = DNS_FOUND;
		copy_records(result, a);
	} else if (result->nxdomain || result->rcode == RCODE_NXDOMAIN) {
		a->status = DNS_NXDOMAIN;
	} else if (result->rcode == 0) {
		a->status = DNS_NODATA;
	} else {
		fail(a, DNS_FAILED, "the name servers failed to answer");
	}
}

/* True: it was answered before `deadline`. */
static bool
wait_for(struct question *q, int64_t deadline)
{
	int64_t left = deadline - clock_monotonic();
	struct timespec until;
	bool done;
	int rc = 0;

	/* The clock may be one that tests have set. */
	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	if (left > 0) {
		left += until.tv_nsec / 1000;
		until.tv_sec += left / 1000000;
		until.tv_nsec = left % 1000000 * 1000;
	}
	pthread_mutex_lock(&q->lock);
	while (!q->answered && !q->stopped && rc != ETIMEDOUT)
		rc = pthread_cond_timedwait(&q->done, &q->lock, &until);
	done = q->answered;
	pthread_mutex_unlock(&q->lock);
	return done;
}

/* False: no more questions are asked. */
static bool
enlist(struct dns *d, struct question *q)
{
	bool ok;

	pthread_mutex_lock(&d->lock);
	ok = !d->stopped;
	if (ok) {
		q->next = d->asked;
		d->asked = q;
	}
	pthread_mutex_unlock(&d->lock);
	return ok;
}

static void
strike_out(struct dns *d, const struct question *q)
{
	struct question **at = &d->asked;

	pthread_mutex_lock(&d->lock);
	while (*at != q)
		at = &(*at)->next;
	*at = q->next;
	pthread_mutex_unlock(&d->lock);
}

void
dns_stop(struct dns *d)
{
	pthread_mutex_lock(&d->lock);
	d->stopped = true;
	for (struct question *q = d->asked; q != NULL; q = q->next) {
		pthread_mutex_lock(&q->lock);
		q->stopped = true;
		pthread_cond_signal(&q->done);
		pthread_mutex_unlock(&q->lock);
	}
	pthread_mutex_unlock(&d->lock);
}

/* By a question that is enlisted. */
static void
ask(struct dns *d, struct question *q, const char *name, enum dns_type type,
    int64_t deadline, struct dns_answer *answer_r)
{
	int id = 0, rc;

	rc = ub_resolve_async(
	    d->ctx, name, (int)type, CLASS_IN, q, answered, &id);
	if (rc != 0) {
		fail(answer_r, DNS_FAILED, ub_strerror(rc));
		question_drop(q); /* there will be no answer */
	} else if (wait_for(q, deadline)) {
		take_result(q, answer_r);
	} else {
		fail(answer_r, DNS_FAILED, "no answer in time");
		/* When it is gone from the list it is being answered. */
		if (ub_cancel(d->ctx, id) == 0)
			question_drop(q);
	}
}

void
dns_lookup(struct dns *d, const char *name, enum dns_type type,
    int64_t deadline, struct dns_answer *answer_r)
{
	int64_t latest = clock_monotonic() + d->time;
	struct question *q;

	*answer_r = (struct dns_answer){ .status = DNS_NXDOMAIN };
	if (!dns_is_name(name))
		return;
	q = question_new();
	if (enlist(d, q)) {
		ask(d, q, name, type, deadline < latest ? deadline : latest,
		    answer_r);
		strike_out(d, q);
	} else {
		fail(answer_r, DNS_FAILED, "no more questions are asked");
		question_drop(q);
	}
	question_drop(q);
}

static void
lookup(void *arg, const char *name, enum dns_type type, int64_t deadline,
    struct dns_answer *answer_r)
{
	dns_lookup(arg, name, type, deadline, answer_r);
}

struct dns_resolver
dns_resolver_of(struct dns *d)
{
	return (struct dns_resolver){ lookup, d };
}
