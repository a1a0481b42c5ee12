/*
 * net/net.c - the life of the whole: made, started, reconfigured, stopped.
 */
#include "net/priv.h"

#include "base/clock.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

struct net *
net_new(struct config *cfg, struct tls_context *tls,
    net_protocol_fn protocol_for, void *context)
{
	struct net *n = mem_alloc(sizeof(*n));
	pthread_condattr_t monotonic;

	n->cfg = config_ref(cfg);
	n->listen_cfg = config_ref(cfg);
	n->port = mem_array(cfg->listeners + 1, sizeof(*n->port));
	n->tls = tls;
	n->protocol_for = protocol_for;
	n->context = context;
	n->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	n->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	n->quit_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	n->run_queue.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (n->epoll_fd < 0 || n->stop_fd < 0 || n->quit_fd < 0 ||
	    n->run_queue.fd < 0 || !slots_init(n))
		pst_bug("the kernel gives no epoll set: %s", strerror(errno));
	pthread_mutex_init(&n->cfg_lock, NULL);
	pthread_mutex_init(&n->free_lock, NULL);
	pthread_mutex_init(&n->run_queue.lock, NULL);
	pthread_mutex_init(&n->workers_lock, NULL);
	pthread_mutex_init(&n->timers.lock, NULL);
	pthread_rwlock_init(&n->trace_lock, NULL);
	(void)pthread_condattr_init(&monotonic);
	(void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&n->all_gone, &monotonic);
	pthread_cond_init(&n->timers.changed, &monotonic);
	(void)pthread_condattr_destroy(&monotonic);
	counts_init(&n->addresses);
	counts_init(&n->users);
	return n;
}

enum pst_rc
net_start(struct net *n, struct pst_error *err)
{
	enum pst_rc rc = timers_start(n, err);
	int failed;

	if (rc == PST_OK)
		rc = pool_start(n, err);
	if (rc != PST_OK)
		return rc;
	failed = pthread_create(&n->listener_thread, NULL, listener_main, n);
	if (failed != 0)
		return pst_fail(err, PST_E_TEMP, failed, "listener thread: %s",
		    strerror(failed));
	n->listener_started = true;
	return PST_OK;
}

void
net_reconfigure(struct net *n, struct config *cfg)
{
	pthread_mutex_lock(&n->cfg_lock);
	config_unref(&n->cfg);
	n->cfg = config_ref(cfg);
	atomic_fetch_add_explicit(&n->cfg_generation, 1, memory_order_release);
	pthread_mutex_unlock(&n->cfg_lock);
}

int
net_port(const struct net *n, size_t i)
{
	return n->port[i];
}

int
net_port_of(const struct net_conn *c, const char *listener)
{
	const struct config *cfg = c->net->listen_cfg;

	for (size_t i = 0; i < cfg->listeners; i++)
		if (strcmp(cfg->listener[i].name, listener) == 0)
			return net_port(c->net, i);
	return 0;
}

/* Marks every connection and makes it run. */
static void
rouse_all(struct net *n, bool kick)
{
	uint32_t used;

	pthread_mutex_lock(&n->free_lock);
	used = n->unused;
	pthread_mutex_unlock(&n->free_lock);
	for (uint32_t i = 0; i < used; i++) {
		struct net_slot *s = &n->slot[i];

		pthread_mutex_lock(&s->lock);
		if (s->conn != NULL) {
			s->stop = true;
			s->kick = s->kick || kick;
			slot_rouse(n, s, i);
		}
		pthread_mutex_unlock(&s->lock);
	}
}

/* True: all connections are gone. */
static bool
wait_gone(struct net *n, int64_t seconds)
{
	struct timespec until;
	int rc = 0;

	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += (time_t)seconds;
	pthread_mutex_lock(&n->free_lock);
	while (atomic_load(&n->connections) > 0 && rc == 0)
		rc = pthread_cond_timedwait(
		    &n->all_gone, &n->free_lock, &until);
	pthread_mutex_unlock(&n->free_lock);
	return atomic_load(&n->connections) == 0;
}

void
net_stop(struct net *n)
{
	uint64_t one = 1;
	int64_t patience;

	pthread_mutex_lock(&n->cfg_lock);
	patience = n->cfg->limits.shutdown_time;
	pthread_mutex_unlock(&n->cfg_lock);
	atomic_store(&n->stopping, true);
	if (n->listener_started) {
		(void)!write(n->stop_fd, &one, sizeof(one));
		(void)pthread_join(n->listener_thread, NULL);
		n->listener_started = false;
	}
	listener_close(n);
	rouse_all(n, false);
	if (!wait_gone(n, patience)) {
		rouse_all(n, true);
		/* What is left now is inside of a storage call. */
		(void)wait_gone(n, 30);
	}
	pool_stop(n);
	timers_stop(n);
}

void
net_free(struct net **np)
{
	struct net *n = *np;

	if (n == NULL)
		return;
	listener_close(n);
	(void)close(n->epoll_fd);
	(void)close(n->stop_fd);
	(void)close(n->quit_fd);
	(void)close(n->run_queue.fd);
	(void)munmap(n->slot, n->slots * sizeof(*n->slot));
	counts_fini(&n->addresses);
	counts_fini(&n->users);
	config_unref(&n->cfg);
	config_unref(&n->listen_cfg);
	free(n->port);
	pthread_rwlock_destroy(&n->trace_lock);
	free(n);
	*np = NULL;
}
