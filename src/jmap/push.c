/*
 * jmap/push.c - the threads of pushing, see push.h.
 */
#include "jmap/push_priv.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "jmap/files.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
	JOBS_MAX = 1000,
	GATHER_US = 300000, /* what happens in so short a time is one push */
	LOOK_US = 60000000,
	STAGGER_US = 20000, /* between accounts at the start */
};

#define KEY_FILE "vapid.key"

static pthread_mutex_t running_lock = PTHREAD_MUTEX_INITIALIZER;
static struct jmap_push *running; /* guarded by it */

bool
push_is_stopping(struct jmap_push *p)
{
	bool stops;

	pthread_mutex_lock(&p->lock);
	stops = p->is_stopping;
	pthread_mutex_unlock(&p->lock);
	return stops;
}

/* --- jobs ------------------------------------------------------------------
 */

static void
free_job(struct push_job *j)
{
	/* RFC 8620, 7.2: what was destroyed leaves nothing in memory. */
	explicit_bzero(j->url, strlen(j->url));
	explicit_bzero(&j->keys, sizeof(j->keys));
	free(j->url);
	free(j->text);
	free(j);
}

/* With the lock. */
static struct push_job **
find_job(struct jmap_push *p, const char *account, const char *id)
{
	struct push_job **at = &p->jobs;

	while (*at != NULL && (strcmp((*at)->account, account) != 0 ||
				  strcmp((*at)->id, id) != 0))
		at = &(*at)->next;
	return at;
}

bool
push_has_job(struct jmap_push *p, const char *account, const char *id)
{
	bool has;

	pthread_mutex_lock(&p->lock);
	has = *find_job(p, account, id) != NULL;
	pthread_mutex_unlock(&p->lock);
	return has;
}

bool
push_add_job(struct jmap_push *p, struct push_job *j)
{
	struct push_job **at;
	bool ok;

	pthread_mutex_lock(&p->lock);
	at = find_job(p, j->account, j->id);
	ok = *at == NULL && p->job_count < JOBS_MAX && !p->is_stopping;
	if (ok) {
		*at = j;
		p->job_count++;
		pthread_cond_signal(&p->moved);
	}
	pthread_mutex_unlock(&p->lock);
	if (!ok)
		free_job(j);
	return ok;
}

static void *
post_jobs(void *arg)
{
	struct jmap_push *p = arg;
	struct push_job *j, **at;
	char account[JMAP_ID];

	pthread_mutex_lock(&p->lock);
	while (!p->is_stopping) {
		for (j = p->jobs; j != NULL && j->is_running; j = j->next)
			;
		if (j == NULL) {
			pthread_cond_wait(&p->moved, &p->lock);
			continue;
		}
		j->is_running = true;
		pthread_mutex_unlock(&p->lock);
		push_run(p, j);
		pthread_mutex_lock(&p->lock);
		at = find_job(p, j->account, j->id);
		*at = j->next;
		p->job_count--;
		pthread_mutex_unlock(&p->lock);
		memcpy(account, j->account, sizeof(account));
		free_job(j);
		/* What happened meanwhile is next. */
		jmap_push_look(account);
		pthread_mutex_lock(&p->lock);
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

/* --- accounts --------------------------------------------------------------
 */

static struct push_account *
find_account(struct jmap_push *p, const char *account)
{
	struct push_account *a = p->accounts;

	while (a != NULL && strcmp(a->account, account) != 0)
		a = a->next;
	if (a == NULL) {
		a = mem_alloc(sizeof(*a));
		a->push = p;
		(void)str_copy(a->account, sizeof(a->account), str_of(account));
		a->next = p->accounts;
		p->accounts = a;
	}
	return a;
}

static void
take_looks(struct jmap_push *p, int64_t now)
{
	char(*looks)[JMAP_ID];
	size_t n;

	pthread_mutex_lock(&p->lock);
	looks = p->looks;
	n = p->look_count;
	p->looks = NULL;
	p->look_count = p->look_cap = 0;
	pthread_mutex_unlock(&p->lock);
	for (size_t i = 0; i < n; i++)
		find_account(p, looks[i])->due = now;
	free(looks);
}

/* Serves those that are due. When to come again. */
static int64_t
serve_accounts(struct jmap_push *p)
{
	struct push_account **at = &p->accounts, *a;
	int64_t next = clock_monotonic() + LOOK_US;

	while ((a = *at) != NULL && !push_is_stopping(p)) {
		int64_t now = clock_monotonic(), then;

		if (atomic_exchange(&a->is_moved, false) &&
		    a->due > now + GATHER_US)
			a->due = now + GATHER_US;
		if (a->due <= now) {
			then = push_serve(p, a);
			if (then == 0) {
				*at = a->next;
				free(a);
				continue;
			}
			then -= clock_seconds();
			a->due = now + (then > 1 ? then : 1) * 1000000;
		}
		next = a->due < next ? a->due : next;
		at = &a->next;
	}
	return next;
}

static void
load_accounts(struct jmap_push *p)
{
	int64_t at = clock_monotonic();
	char dir[PATH_MAX], **names;

	if (!jmap_dir(p->cfg, PUSH_DIR, NULL, dir))
		return;
	names = jmap_dir_names(dir);
	for (char **name = names; *name != NULL; name++, at += STAGGER_US)
		find_account(p, *name)->due = at;
	jmap_dir_names_free(names);
}

static void *
listen_all(void *arg)
{
	struct jmap_push *p = arg;
	struct pollfd fds[2] = { { p->stop_fd, POLLIN, 0 },
		{ p->wake_fd, POLLIN, 0 } };
	uint64_t count;
	int64_t wait;

	load_accounts(p);
	while (!push_is_stopping(p)) {
		take_looks(p, clock_monotonic());
		wait = (serve_accounts(p) - clock_monotonic()) / 1000 + 1;
		(void)poll(fds, 2, wait > 0 ? (int)wait : 0);
		(void)!read(p->wake_fd, &count, sizeof(count));
	}
	return NULL;
}

/* --- for the rest ----------------------------------------------------------
 */

const char *
jmap_push_key(void)
{
	const char *key;

	pthread_mutex_lock(&running_lock);
	key = running != NULL ? vapid_public(running->vapid) : NULL;
	pthread_mutex_unlock(&running_lock);
	return key;
}

/* Each account once, however often somebody says so. */
static void
add_look(struct jmap_push *p, const char *account)
{
	for (size_t i = 0; i < p->look_count; i++)
		if (strcmp(p->looks[i], account) == 0)
			return;
	mem_grow(&p->looks, &p->look_cap, p->look_count + 1, sizeof(*p->looks));
	(void)str_copy(p->looks[p->look_count++], JMAP_ID, str_of(account));
}

void
jmap_push_look(const char *account)
{
	struct jmap_push *p;
	uint64_t one = 1;

	pthread_mutex_lock(&running_lock);
	p = running;
	if (p != NULL) {
		pthread_mutex_lock(&p->lock);
		add_look(p, account);
		pthread_mutex_unlock(&p->lock);
		(void)!write(p->wake_fd, &one, sizeof(one));
	}
	pthread_mutex_unlock(&running_lock);
}

void
jmap_push_look_user(const char *address)
{
	char account[JMAP_ID];

	jmap_make_id("A", str_of(address), account);
	jmap_push_look(account);
}

static void
end_posters(struct jmap_push *p)
{
	pthread_mutex_lock(&p->lock);
	p->is_stopping = true;
	pthread_cond_broadcast(&p->moved);
	pthread_mutex_unlock(&p->lock);
	for (size_t i = 0; i < p->posters; i++)
		(void)pthread_join(p->poster[i], NULL);
}

static bool
start_threads(struct jmap_push *p)
{
	size_t n = (size_t)p->cfg->jmap.push_threads;

	p->poster = mem_array(n, sizeof(*p->poster));
	while (p->posters < n &&
	       pthread_create(&p->poster[p->posters], NULL, post_jobs, p) == 0)
		p->posters++;
	if (p->posters > 0 &&
	    pthread_create(&p->listener, NULL, listen_all, p) == 0)
		return true;
	end_posters(p);
	return false;
}

static void
set_running(struct jmap_push *p)
{
	pthread_mutex_lock(&running_lock);
	running = p;
	pthread_mutex_unlock(&running_lock);
}

static void
free_push(struct jmap_push *p)
{
	while (p->accounts != NULL) {
		struct push_account *a = p->accounts;

		p->accounts = a->next;
		watch_close(&a->watch);
		free(a);
	}
	while (p->jobs != NULL) {
		struct push_job *j = p->jobs;

		p->jobs = j->next;
		free_job(j);
	}
	vapid_free(&p->vapid);
	(void)close(p->stop_fd);
	(void)close(p->wake_fd);
	(void)pthread_mutex_destroy(&p->lock);
	(void)pthread_cond_destroy(&p->moved);
	free(p->looks);
	free(p->poster);
	config_unref(&p->cfg);
	free(p);
}

struct jmap_push *
jmap_push_start(const struct services *sv, const struct dns_resolver *dns,
    struct config *cfg, struct pst_error *err)
{
	struct jmap_push *p = mem_alloc(sizeof(*p));

	p->sv = sv;
	p->dns = *dns;
	p->cfg = config_ref(cfg);
	p->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	p->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	(void)pthread_mutex_init(&p->lock, NULL);
	(void)pthread_cond_init(&p->moved, NULL);
	p->vapid = vapid_open(cfg->state_dir, KEY_FILE, err);
	if (p->vapid != NULL)
		set_running(p);
	if (p->vapid == NULL || p->stop_fd < 0 || p->wake_fd < 0 ||
	    !start_threads(p)) {
		if (p->vapid != NULL)
			(void)pst_fail(err, PST_E_TEMP, errno,
			    "push: no thread: %s", strerror(errno));
		set_running(NULL);
		free_push(p);
		return NULL;
	}
	return p;
}

void
jmap_push_stop(struct jmap_push **pp)
{
	struct jmap_push *p = *pp;
	uint64_t one = 1;

	*pp = NULL;
	if (p == NULL)
		return;
	set_running(NULL);
	(void)!write(p->stop_fd, &one, sizeof(one));
	end_posters(p);
	(void)pthread_join(p->listener, NULL);
	free_push(p);
}
