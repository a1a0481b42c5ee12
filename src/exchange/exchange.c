/*
 * exchange/exchange.c - see exchange.h. Threads are started when there is more
 * work than threads that wait for it; each has one connection at a time.
 */
#include "exchange/priv.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"

#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

enum {
	DNS_TIME = 60,	     /* seconds */
	LINK_MESSAGES = 100, /* over one connection */
	LINK_TIME = 300,     /* seconds */
	SAVE_TIME = 60,	     /* seconds: what was learnt is written down */
	STACK = 256 * 1024,
};

struct config *
exchange_config(struct exchange *x)
{
	struct config *cfg;

	pthread_mutex_lock(&x->lock);
	cfg = config_ref(x->cfg);
	pthread_mutex_unlock(&x->lock);
	return cfg;
}

struct wire_authorities *
exchange_authorities(struct exchange *x)
{
	struct wire_authorities *a;

	pthread_mutex_lock(&x->lock);
	a = wire_authorities_ref(x->authorities);
	pthread_mutex_unlock(&x->lock);
	return a;
}

struct replies *
exchange_replies(struct exchange *x)
{
	struct replies *r;

	pthread_mutex_lock(&x->lock);
	r = replies_ref(x->replies);
	pthread_mutex_unlock(&x->lock);
	return r;
}

/* --- threads --------------------------------------------------------------
 */

static void
resolve(struct exchange *x, struct schedule_work *work)
{
	struct config *cfg = exchange_config(x);
	const struct route *route = routes_get(x->routes, work->route);
	const char *own[] = { cfg->hostname };
	struct hosts hosts;
	struct pst_error err = { 0 };
	enum hosts_result found = HOSTS_FOUND;

	if (!route_hosts(route, &hosts))
		found = hosts_find(&x->host.dns, work->domain, route->port, own,
		    1, clock_monotonic() + INT64_C(1000000) * DNS_TIME, &hosts,
		    &err);
	route_mark(route, &hosts);
	schedule_resolved(x->schedule, work, found, &hosts, err.detail);
	config_unref(&cfg);
}

static bool
is_worn(const struct link *l)
{
	unsigned most = l->client != NULL ? client_mail_limit(l->client) : 0;

	if (most == 0 || most > LINK_MESSAGES)
		most = LINK_MESSAGES;
	return l->client == NULL || l->messages >= most ||
	       clock_monotonic() - l->opened > INT64_C(1000000) * LINK_TIME ||
	       !client_is_usable(l->client);
}

/* A job, and more for the same provider over the same connection. */
static void
work_on(struct exchange *x, struct schedule_work *work)
{
	struct link link = { 0 };
	struct provider *p = work->provider;
	const char *place = schedule_key(p);
	bool tried = work->kind == SCHEDULE_TRY, more = true;

	schedule_keep(x->schedule, p);
	while (more) {
		exchange_try(x, work, &link);
		more = !is_worn(&link) && schedule_more(x->schedule, p, work);
	}
	if (is_worn(&link))
		link_close(&link);
	else
		pool_put(x->pool, place, &link);
	schedule_let_go(x->schedule, p, tried);
}

static void *
run(void *arg)
{
	struct exchange *x = arg;
	struct schedule_work *work = mem_alloc(sizeof(*work));

	for (;;) {
		schedule_wait(x->schedule, work);
		if (work->kind == SCHEDULE_STOP)
			break;
		if (work->kind == SCHEDULE_RESOLVE)
			resolve(x, work);
		else
			work_on(x, work);
	}
	free(work);
	pthread_mutex_lock(&x->lock);
	x->threads--;
	pthread_cond_broadcast(&x->moved);
	pthread_mutex_unlock(&x->lock);
	return NULL;
}

static void
start_thread(void *arg)
{
	struct exchange *x = arg;
	pthread_attr_t attr;
	pthread_t thread;
	bool may;

	pthread_mutex_lock(&x->lock);
	may = x->threads < x->threads_max && !x->is_stopping;
	if (may)
		x->threads++;
	pthread_mutex_unlock(&x->lock);
	if (!may)
		return;
	(void)pthread_attr_init(&attr);
	(void)pthread_attr_setstacksize(&attr, STACK);
	(void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	if (pthread_create(&thread, &attr, run, x) != 0) {
		pthread_mutex_lock(&x->lock);
		x->threads--;
		pthread_cond_broadcast(&x->moved);
		pthread_mutex_unlock(&x->lock);
	}
	(void)pthread_attr_destroy(&attr);
}

static void
save(struct exchange *x)
{
	struct pst_error err = { 0 };

	if (schedule_save(x->schedule, x->state, &err) != PST_OK)
		log_failure(PST_LOG_ERROR, 0, "queue", &err);
}

/* What has to be done now and then. */
static void *
tick(void *arg)
{
	struct exchange *x = arg;

	int64_t saved = clock_monotonic();

	pthread_mutex_lock(&x->lock);
	while (!x->is_stopping) {
		struct pst_error err = { 0 };
		struct timespec until;
		bool more = true;

		pthread_mutex_unlock(&x->lock);
		if (clock_monotonic() - saved > INT64_C(1000000) * SAVE_TIME) {
			saved = clock_monotonic();
			save(x);
		}
		schedule_tick(x->schedule);
		sending_tick(x->sending);
		exchange_tell_braked(x);
		pool_tidy(x->pool);
		while (more)
			if (queue_tidy(x->queue, &more, &err) != PST_OK) {
				log_failure(PST_LOG_ERROR, 0, "queue", &err);
				more = false;
			}
		pthread_mutex_lock(&x->lock);
		(void)clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec++;
		if (!x->is_stopping)
			(void)pthread_cond_timedwait(
			    &x->moved, &x->lock, &until);
	}
	pthread_mutex_unlock(&x->lock);
	return NULL;
}

/* --- start and stop -------------------------------------------------------
 */

static struct schedule_options
schedule_options(struct exchange *x, const struct config *cfg)
{
	return (struct schedule_options){
		.life = cfg->queue.life,
		.warn_after = cfg->queue.warn_after,
		.retry_first = cfg->queue.retry_first,
		.retry_most = cfg->queue.retry_most,
		.sleep_first = cfg->queue.sleep_first,
		.sleep_most = cfg->queue.sleep_most,
		.at_once_first = 2,
		.at_once_most = (unsigned)cfg->queue.at_once,
		.rate = (unsigned)cfg->queue.rate,
		.unproven = (unsigned)(cfg->queue.connections * 4 / 5),
		.wanted = start_thread,
		.arg = x,
	};
}

static uint32_t
find_route(void *arg, struct pst_str sender, struct pst_str domain)
{
	return routes_find(arg, sender, domain);
}

enum pst_rc
exchange_start(struct config *cfg, const struct exchange_host *host,
    struct exchange **x_r, struct pst_error *err)
{
	struct exchange *x = mem_alloc(sizeof(*x));
	struct schedule_options so = schedule_options(x, cfg);
	struct queue_options qo = {
		.journal = { .segment_size = (uint64_t)cfg->queue.segment,
		    .fsync = true,
		    .spares = 2 },
		.came = schedule_came,
		.gone = schedule_gone,
		.route = find_route,
	};
	char path[4096];
	enum pst_rc rc;

	x->host = *host;
	x->cfg = config_ref(cfg);
	x->threads_max = (size_t)cfg->queue.connections;
	x->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	pthread_mutex_init(&x->lock, NULL);
	pthread_cond_init(&x->moved, NULL);
	x->schedule = schedule_new(&so);
	x->pool = pool_new();
	pool_configure(
	    x->pool, (size_t)cfg->queue.idle_connections, cfg->queue.idle_time);
	qo.arg = x->schedule;
	x->routes = routes_new(cfg);
	x->secrets = secrets_new(cfg);
	x->sessions = wire_sessions_new();
	x->authorities = wire_authorities_new(cfg->queue.ca_file);
	qo.route_arg = x->routes;
	if (cfg->queue.path[0] != '\0')
		(void)snprintf(path, sizeof(path), "%s", cfg->queue.path);
	else
		(void)snprintf(path, sizeof(path), "%s/queue", cfg->state_dir);
	rc = replies_load(cfg->queue.replies, &x->replies, err);
	if (rc == PST_OK)
		rc = queue_open(path, &qo, &x->queue, err);
	if (rc == PST_OK) {
		size_t n = strlen(path);

		(void)snprintf(path + n, sizeof(path) - n, "/mta-sts");
		x->sts = sts_new(path, cfg, x->stop_fd);
		(void)snprintf(path + n, sizeof(path) - n, "/tls-reports.json");
		x->tlsrpt = tlsrpt_new(path);
		x->report_delay = (int64_t)(random_u64() % 15);
		(void)snprintf(path + n, sizeof(path) - n, "/sending.db");
		rc = sending_open(path, &x->sending, err);
	}
	if (rc == PST_OK) {
		x->state = str_dup(str_of(path));
		(void)str_copy(strrchr(x->state, '/') + 1, sizeof("sending.db"),
		    STR("learnt"));
		schedule_restore(x->schedule, x->state);
		if (x->host.opened != NULL)
			x->host.opened(x->host.opened_arg, x);
		schedule_begin(x->schedule, x->queue);
		x->has_tick = pthread_create(&x->tick, NULL, tick, x) == 0;
		x->has_chores = pthread_create(
				    &x->chores, NULL, exchange_chores, x) == 0;
		if (!x->has_tick || !x->has_chores)
			rc = pst_fail(err, PST_E_TEMP, 0, "queue: no thread");
	}
	if (rc != PST_OK)
		exchange_stop(&x);
	*x_r = x;
	return rc;
}

/* After a time of grace the wires do not wait any more. */
static void
end_threads(struct exchange *x)
{
	struct timespec until;
	const uint64_t one = 1;
	int rc = 0;

	(void)clock_gettime(CLOCK_REALTIME, &until);
	pthread_mutex_lock(&x->lock);
	until.tv_sec += x->cfg->limits.shutdown_time;
	x->is_stopping = true;
	pthread_cond_broadcast(&x->moved);
	while (x->threads > 0 && rc == 0)
		rc = pthread_cond_timedwait(&x->moved, &x->lock, &until);
	(void)!write(x->stop_fd, &one, sizeof(one));
	while (x->threads > 0)
		pthread_cond_wait(&x->moved, &x->lock);
	pthread_mutex_unlock(&x->lock);
}

void
exchange_stop(struct exchange **xp)
{
	struct exchange *x = *xp;

	*xp = NULL;
	if (x == NULL)
		return;
	schedule_stop(x->schedule);
	end_threads(x);
	if (x->has_tick)
		(void)pthread_join(x->tick, NULL);
	if (x->has_tick)
		save(x);
	pool_free(&x->pool);
	if (x->has_chores)
		(void)pthread_join(x->chores, NULL);
	queue_close(&x->queue);
	schedule_free(&x->schedule);
	sending_close(&x->sending);
	routes_free(&x->routes);
	secrets_free(&x->secrets);
	wire_sessions_free(&x->sessions);
	sts_free(&x->sts);
	tlsrpt_free(&x->tlsrpt);
	wire_authorities_unref(&x->authorities);
	replies_unref(&x->replies);
	free(x->state);
	config_unref(&x->cfg);
	if (x->stop_fd >= 0)
		(void)close(x->stop_fd);
	pthread_mutex_destroy(&x->lock);
	pthread_cond_destroy(&x->moved);
	free(x);
}

void
exchange_reconfigure(struct exchange *x, struct config *cfg)
{
	struct schedule_options so = schedule_options(x, cfg);
	struct replies *replies, *old = NULL;
	struct pst_error err = { 0 };

	if (replies_load(cfg->queue.replies, &replies, &err) != PST_OK)
		log_failure(PST_LOG_ERROR, 0, "replies", &err); /* as before */
	schedule_configure(x->schedule, &so);
	routes_configure(x->routes, cfg);
	secrets_configure(x->secrets, cfg);
	pool_configure(
	    x->pool, (size_t)cfg->queue.idle_connections, cfg->queue.idle_time);
	sts_configure(x->sts, cfg);
	pthread_mutex_lock(&x->lock);
	if (replies != NULL) {
		old = x->replies;
		x->replies = replies;
	}
	wire_authorities_unref(&x->authorities);
	x->authorities = wire_authorities_new(cfg->queue.ca_file);
	config_unref(&x->cfg);
	x->cfg = config_ref(cfg);
	x->threads_max = (size_t)cfg->queue.connections;
	pthread_mutex_unlock(&x->lock);
	replies_unref(&old);
}

struct queue *
exchange_queue(struct exchange *x)
{
	return x->queue;
}

struct sending *
exchange_sending(struct exchange *x)
{
	return x->sending;
}

struct schedule *
exchange_schedule(struct exchange *x)
{
	return x->schedule;
}
