/*
 * exchange/sts.c - see sts.h.
 */
#include "exchange/sts.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "exchange/fetch.h"
#include "exchange/sts_priv.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>

enum {
	BUCKETS = 1024,
	KNOWN_MAX = 20000,
	DNS_TIME = 20,	   /* seconds */
	FETCH_TIME = 60,   /* RFC 8461, 3.3 */
	ASK_AGAIN = 60,	   /* for a record, at the latest */
	FETCH_AGAIN = 300, /* after a failure */
	DAY = 86400,
	UNUSED_DAYS = 30, /* then it is not fetched anew any more */
};

/* A domain that has, or had, a record. */
struct known {
	struct known *next;	   /* in the bucket */
	struct sts_policy *policy; /* or NULL */
	int64_t used;		   /* seconds since 1970 */
	int64_t again;		   /* clock_monotonic: no fetch before */
	enum sts_failure failure;
	char why[200];
	int64_t asked; /* clock_monotonic: what is below holds so long */
	bool has_record;
	char id[STS_ID];
	bool is_fetched; /* somebody does so now */
	unsigned users;	 /* who has it while the lock is given up */
	char domain[];
};

/* A domain without a record, which most are. */
struct without {
	char *domain;  /* NULL: free */
	int64_t until; /* clock_monotonic */
};

struct sts {
	char *dir;
	int stop_fd;
	pthread_mutex_t lock; /* guards all below */
	pthread_cond_t moved;
	struct known *bucket[BUCKETS];
	struct without without[BUCKETS]; /* by the same hash */
	size_t n;
	int port;
	bool ipv6;
	char *ca_file;
};

static pthread_mutex_t refs_lock = PTHREAD_MUTEX_INITIALIZER; /* of policies */

struct sts_policy *
sts_ref(struct sts_policy *p)
{
	pthread_mutex_lock(&refs_lock);
	p->refs++;
	pthread_mutex_unlock(&refs_lock);
	return p;
}

void
sts_let_go(struct sts_policy **pp)
{
	struct sts_policy *p = *pp;
	bool last;

	*pp = NULL;
	if (p == NULL)
		return;
	pthread_mutex_lock(&refs_lock);
	last = --p->refs == 0;
	pthread_mutex_unlock(&refs_lock);
	if (last) {
		buf_fini(&p->octets);
		free(p);
	}
}

bool
sts_has_host(const struct sts_policy *p, const char *host)
{
	for (size_t i = 0; i < p->text.n; i++)
		if (sts_mx_matches(p->text.mx[i], host))
			return true;
	return false;
}

/* --- the table; with the lock ---------------------------------------------
 */

static size_t
hash_of(const char *domain)
{
	uint32_t h = 2166136261U;

	for (; *domain != '\0'; domain++)
		h = (h ^ (unsigned char)*domain) * 16777619U;
	return h % BUCKETS;
}

static bool
is_without(struct sts *s, const char *domain)
{
	const struct without *w = &s->without[hash_of(domain)];

	return w->domain != NULL && strcmp(w->domain, domain) == 0 &&
	       clock_monotonic() < w->until;
}

/* Whoever has the same place is asked for again. */
static void
note_without(struct sts *s, const char *domain, int64_t until)
{
	struct without *w = &s->without[hash_of(domain)];

	free(w->domain);
	w->domain = str_dup(str_of(domain));
	w->until = until;
}

static struct known **
slot_of(struct sts *s, const char *domain)
{
	struct known **at = &s->bucket[hash_of(domain)];

	while (*at != NULL && strcmp((*at)->domain, domain) != 0)
		at = &(*at)->next;
	return at;
}

static struct known *
know(struct sts *s, const char *domain)
{
	struct known **at = slot_of(s, domain), *k = *at;

	if (k != NULL || s->n >= KNOWN_MAX)
		return k;
	k = mem_alloc(sizeof(*k) + strlen(domain) + 1);
	memcpy(k->domain, domain, strlen(domain) + 1);
	*at = k;
	s->n++;
	return k;
}

static void
forget(struct sts *s, const char *domain)
{
	struct known **at = slot_of(s, domain), *k = *at;

	if (k == NULL || k->users > 0)
		return;
	*at = k->next;
	s->n--;
	sts_let_go(&k->policy);
	sts_file_remove(s->dir, domain);
	free(k);
}

static bool
is_in_force(const struct known *k)
{
	return k->policy != NULL &&
	       clock_seconds() <
		   k->policy->fetched + (int64_t)k->policy->text.max_age;
}

/* --- start and stop -------------------------------------------------------
 */

static void
take_file(void *arg, struct sts_policy *p, int64_t used)
{
	struct sts *s = arg;
	struct known *k = know(s, p->domain);

	if (k == NULL || k->policy != NULL) {
		sts_let_go(&p);
		return;
	}
	k->policy = p;
	k->used = used;
}

struct sts *
sts_new(const char *path, const struct config *cfg, int stop_fd)
{
	struct sts *s = mem_alloc(sizeof(*s));

	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->moved, NULL);
	s->dir = str_dup(str_of(path));
	s->stop_fd = stop_fd;
	(void)mkdir(path, 0700);
	sts_configure(s, cfg);
	sts_file_each(path, take_file, s);
	return s;
}

void
sts_free(struct sts **sp)
{
	struct sts *s = *sp;

	*sp = NULL;
	if (s == NULL)
		return;
	for (size_t i = 0; i < BUCKETS; i++) {
		free(s->without[i].domain);
		while (s->bucket[i] != NULL) {
			struct known *k = s->bucket[i];

			s->bucket[i] = k->next;
			sts_let_go(&k->policy);
			free(k);
		}
	}
	pthread_mutex_destroy(&s->lock);
	pthread_cond_destroy(&s->moved);
	free(s->ca_file);
	free(s->dir);
	free(s);
}

void
sts_configure(struct sts *s, const struct config *cfg)
{
	pthread_mutex_lock(&s->lock);
	s->port = (int)cfg->queue.https_port;
	s->ipv6 = cfg->queue.ipv6;
	free(s->ca_file);
	s->ca_file = str_dup(str_of(cfg->queue.ca_file));
	pthread_mutex_unlock(&s->lock);
}

/* --- finding out ----------------------------------------------------------
 */

/* Exactly one record counts (RFC 8461, 3.1). *until_r: how long that holds; not
 * at all, when there was no answer. */
static bool
ask_for_id(const struct dns_resolver *dns, const char *domain, char id[STS_ID],
    int64_t *until_r)
{
	struct dns_answer a;
	char name[300];
	struct buf text;
	unsigned found = 0;
	bool good = false;

	(void)snprintf(name, sizeof(name), "_mta-sts.%s", domain);
	dns->lookup(dns->arg, name, DNS_TXT,
	    clock_monotonic() + INT64_C(1000000) * DNS_TIME, &a);
	buf_init(&text, 4096);
	for (size_t i = 0; a.status == DNS_FOUND && i < a.records; i++) {
		buf_clear(&text);
		if (!dns_txt(&a, i, &text) ||
		    !str_has_prefix_case(buf_str(&text), "v=STSv1"))
			continue;
		found++;
		good = sts_record_parse(buf_str(&text), id);
	}
	buf_fini(&text);
	*until_r = 0;
	if (a.status != DNS_FAILED && a.status != DNS_BOGUS)
		*until_r = clock_monotonic() +
			   INT64_C(1000000) *
			       (a.ttl < ASK_AGAIN ? a.ttl : ASK_AGAIN);
	dns_answer_fini(&a);
	return found == 1 && good;
}

static struct sts_policy *
get_policy(const struct fetch *f, const struct dns_resolver *dns,
    const char *domain, const char *id, struct known *told)
{
	struct sts_policy *p = NULL;
	struct pst_error err = { 0 };
	const char *why = NULL;
	unsigned status;
	struct buf body;
	char type[64];
	enum fetch_result result;

	buf_init(&body, STS_POLICY_MAX);
	result = fetch_run(f, dns, &status, type, &body, &err);
	told->failure = result == FETCH_UNTRUSTED ? STS_UNTRUSTED
						  : STS_UNFETCHED;
	if (result != FETCH_DONE) {
		(void)str_copy(
		    told->why, sizeof(told->why), str_of(err.detail));
	} else if (status != 200) {
		(void)snprintf(
		    told->why, sizeof(told->why), "HTTP status %u", status);
	} else if (strcmp(type, "text/plain") != 0) {
		told->failure = STS_INVALID;
		(void)snprintf(told->why, sizeof(told->why),
		    "it is \"%s\" and not text/plain", type);
	} else {
		p = sts_policy_new(
		    domain, id, clock_seconds(), buf_str(&body), &why);
		told->failure = p != NULL ? STS_FINE : STS_INVALID;
		(void)str_copy(told->why, sizeof(told->why), str_of(why));
	}
	buf_fini(&body);
	return p;
}

static void
log_fetch(
    const char *domain, const struct known *told, const struct sts_policy *p)
{
	static const char *const modes[] = { "none", "testing", "enforce" };

	if (p != NULL)
		log_event(PST_LOG_INFO, 0, "mta-sts", "domain", domain, "mode",
		    modes[p->text.mode], "id", p->id, NULL);
	else
		log_event(PST_LOG_WARNING, 0, "mta-sts-failed", "domain",
		    domain, "why", told->why, NULL);
}

/* With the lock, which is given up meanwhile; `k` stays. */
static void
fetch_policy(struct sts *s, const struct dns_resolver *dns, struct known *k,
    const char *new_id)
{
	struct known told = { 0 };
	char url[400], id[STS_ID], *ca_file = str_dup(str_of(s->ca_file));
	const struct fetch f = { .url = url,
		.port = s->port,
		.ipv6 = s->ipv6,
		.ca_file = ca_file,
		.seconds = FETCH_TIME,
		.stop_fd = s->stop_fd };
	struct sts_policy *p;

	(void)str_copy(id, sizeof(id), str_of(new_id));
	k->is_fetched = true;
	k->users++;
	pthread_mutex_unlock(&s->lock);
	(void)snprintf(url, sizeof(url),
	    "https://mta-sts.%s/.well-known/mta-sts.txt", k->domain);
	p = get_policy(&f, dns, k->domain, id, &told);
	log_fetch(k->domain, &told, p);
	pthread_mutex_lock(&s->lock);
	k->is_fetched = false;
	k->users--;
	k->failure = told.failure;
	memcpy(k->why, told.why, sizeof(k->why));
	if (p != NULL) {
		sts_let_go(&k->policy);
		k->policy = p;
		sts_file_write(s->dir, p, k->used);
	} else {
		k->again = clock_monotonic() + INT64_C(1000000) * FETCH_AGAIN;
	}
	pthread_cond_broadcast(&s->moved);
	free(ca_file);
}

static bool
is_due(const struct known *k, const char *id)
{
	if (k->is_fetched || k->again > clock_monotonic())
		return false;
	return !is_in_force(k) || strcmp(k->policy->id, id) != 0 ||
	       clock_seconds() - k->policy->fetched > DAY;
}

/* With the lock, which is given up meanwhile. NULL: no record, and nothing is
 * known. */
static struct known *
look_up(struct sts *s, const struct dns_resolver *dns, const char *domain)
{
	struct known *k = *slot_of(s, domain);
	char id[STS_ID] = "";
	bool has_record;
	int64_t until;

	if (k == NULL ? is_without(s, domain) : clock_monotonic() < k->asked)
		return k;
	pthread_mutex_unlock(&s->lock);
	has_record = ask_for_id(dns, domain, id, &until);
	pthread_mutex_lock(&s->lock);
	k = has_record ? know(s, domain) : *slot_of(s, domain);
	if (k == NULL) {
		note_without(s, domain, until);
		return NULL;
	}
	k->asked = until;
	k->has_record = has_record;
	memcpy(k->id, id, sizeof(k->id));
	return k;
}

void
sts_find(struct sts *s, const struct dns_resolver *dns, const char *domain,
    struct sts_verdict *v)
{
	struct known *k;

	*v = (struct sts_verdict){ 0 };
	if (!sts_is_domain(domain))
		return;
	pthread_mutex_lock(&s->lock);
	k = look_up(s, dns, domain);
	if (k != NULL) {
		k->used = clock_seconds();
		if (k->has_record && is_due(k, k->id))
			fetch_policy(s, dns, k, k->id);
		/* Somebody else fetches the first one. */
		k->users++;
		while (k->is_fetched && !is_in_force(k))
			pthread_cond_wait(&s->moved, &s->lock);
		k->users--;
		if (is_in_force(k) && k->policy->text.mode != STS_NONE)
			v->policy = sts_ref(k->policy);
		if (k->has_record && !is_in_force(k)) {
			v->failure = k->failure;
			memcpy(v->why, k->why, sizeof(v->why));
		}
	}
	pthread_mutex_unlock(&s->lock);
}

/* --- now and then ---------------------------------------------------------
 */

/* Names of those that are to be fetched anew, or gone; the caller frees. */
static char **
list_due(struct sts *s, size_t *n_r)
{
	int64_t now = clock_seconds();
	char **name;
	size_t n = 0;

	pthread_mutex_lock(&s->lock);
	name = mem_array(s->n + 1, sizeof(*name));
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct known *k = s->bucket[i]; k != NULL; k = k->next)
			if (!is_in_force(k) ||
			    (now - k->policy->fetched > DAY &&
				now - k->used < (int64_t)UNUSED_DAYS * DAY))
				name[n++] = str_dup(str_of(k->domain));
	pthread_mutex_unlock(&s->lock);
	*n_r = n;
	return name;
}

static void
tend_one(struct sts *s, const struct dns_resolver *dns, const char *domain)
{
	char id[STS_ID];
	struct known *k;
	int64_t until;
	bool has_record = ask_for_id(dns, domain, id, &until);

	pthread_mutex_lock(&s->lock);
	k = *slot_of(s, domain);
	if (k != NULL && has_record && k->policy != NULL && is_due(k, id))
		fetch_policy(s, dns, k, id);
	/* One that failed is remembered for as long as it is not asked again.
	 */
	if (k != NULL && !is_in_force(k) && k->again <= clock_monotonic())
		forget(s, domain);
	pthread_mutex_unlock(&s->lock);
}

void
sts_tend(struct sts *s, const struct dns_resolver *dns)
{
	size_t n;
	char **name = list_due(s, &n);

	for (size_t i = 0; i < n; i++) {
		struct pollfd stop = { .fd = s->stop_fd, .events = POLLIN };

		if (poll(&stop, 1, 0) == 0)
			tend_one(s, dns, name[i]);
		free(name[i]);
	}
	free(name);
}
