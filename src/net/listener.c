/*
 * net/listener.c - binding sockets, or taking those of systemd, and the thread
 * that accepts. It never blocks on a client.
 */
#include "net/priv.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { BACKLOG = 4096, ACCEPT_BATCH = 64, SYSTEMD_FIRST_FD = 3 };

/* Connections have these from the socket that accepts them (tcp(7)). */
static void
set_options(int fd)
{
	const int one = 1;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
}

static int
port_of(int fd)
{
	struct sockaddr_storage sa = { 0 };
	socklen_t len = sizeof(sa);

	if (getsockname(fd, (struct sockaddr *)&sa, &len) < 0)
		return 0;
	if (sa.ss_family == AF_INET6)
		return ntohs(((struct sockaddr_in6 *)&sa)->sin6_port);
	return ntohs(((struct sockaddr_in *)&sa)->sin_port);
}

static void
add_bound(
    struct net *n, int fd, size_t listener, const char *path, bool is_unix)
{
	struct net_bound *b;

	n->bound = mem_realloc(
	    n->bound, (n->bound_count + 1) * sizeof(*n->bound));
	b = &n->bound[n->bound_count++];
	*b = (struct net_bound){
		.fd = fd, .listener = listener, .is_unix = is_unix
	};
	if (!is_unix)
		set_options(fd);
	if (!is_unix && n->port[listener] == 0)
		n->port[listener] = port_of(fd);
	b->protocol = n->protocol_for(&n->listen_cfg->listener[listener]);
	if (path != NULL)
		(void)snprintf(b->path, sizeof(b->path), "%s", path);
}

static enum pst_rc
bind_address(struct net *n, size_t listener, const struct addrinfo *ai,
    const char *text, struct pst_error *err)
{
	const struct config_listener *l = &n->listen_cfg->listener[listener];
	int fd = socket(
	    ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int one = 1;

	if (fd < 0)
		return pst_fail(err, PST_E_TEMP, errno, "listener %s: %s",
		    l->name, strerror(errno));
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (ai->ai_family == AF_INET6)
		(void)setsockopt(
		    fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	if (bind(fd, ai->ai_addr, ai->ai_addrlen) < 0 ||
	    listen(fd, BACKLOG) < 0) {
		int saved = errno;

		(void)close(fd);
		return pst_fail(err, PST_E_TEMP, saved,
		    "listener %s: cannot listen on %s port %d: %s", l->name,
		    text, (int)l->port, strerror(saved));
	}
	add_bound(n, fd, listener, NULL, false);
	return PST_OK;
}

static enum pst_rc
bind_tcp(
    struct net *n, size_t listener, const char *address, struct pst_error *err)
{
	const struct config_listener *l = &n->listen_cfg->listener[listener];
	bool any = strcmp(address, "*") == 0;
	struct addrinfo hints = { .ai_flags = AI_PASSIVE | AI_NUMERICSERV,
		.ai_socktype = SOCK_STREAM },
			*list, *ai;
	enum pst_rc rc = PST_OK;
	size_t before = n->bound_count;
	char port[8];
	int failed;

	(void)snprintf(port, sizeof(port), "%d", (int)l->port);
	if (!any)
		hints.ai_flags |= AI_NUMERICHOST;
	failed = getaddrinfo(any ? NULL : address, port, &hints, &list);
	if (failed != 0)
		return pst_fail(err, PST_E_PERM, 0, "listener %s: %s: %s",
		    l->name, address, gai_strerror(failed));
	for (ai = list; ai != NULL && rc == PST_OK; ai = ai->ai_next) {
		rc = bind_address(n, listener, ai, address, err);
		/* "*" on a machine without IPv6 (or without IPv4). */
		if (rc != PST_OK && any &&
		    (err->sys_errno == EAFNOSUPPORT ||
			err->sys_errno == EADDRNOTAVAIL))
			rc = PST_OK;
	}
	freeaddrinfo(list);
	if (rc == PST_OK && n->bound_count == before)
		rc = pst_fail(err, PST_E_TEMP, 0,
		    "listener %s: there is no address to listen on", l->name);
	return rc;
}

static enum pst_rc
bind_unix(struct net *n, size_t listener, struct pst_error *err)
{
	const struct config_listener *l = &n->listen_cfg->listener[listener];
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd, probe;

	if (strlen(l->path) >= sizeof(sa.sun_path))
		return pst_fail(err, PST_E_PERM, 0,
		    "listener %s: the path is longer than %zu octets", l->name,
		    sizeof(sa.sun_path) - 1);
	(void)snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", l->path);
	/* A socket that nobody listens on is a left-over. */
	probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (probe >= 0) {
		if (connect(probe, (struct sockaddr *)&sa, sizeof(sa)) < 0 &&
		    errno == ECONNREFUSED)
			(void)unlink(l->path);
		(void)close(probe);
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0 ||
	    listen(fd, BACKLOG) < 0) {
		int saved = errno;

		if (fd >= 0)
			(void)close(fd);
		return pst_fail(err, PST_E_TEMP, saved,
		    "listener %s: cannot listen on %s: %s", l->name, l->path,
		    strerror(saved));
	}
	(void)chmod(l->path, 0666);
	add_bound(n, fd, listener, l->path, true);
	return PST_OK;
}

/* The listener that a socket of systemd is for: by LISTEN_FDNAMES, which holds
 * our listeners' names. */
static size_t
listener_named(const struct net *n, struct pst_str name)
{
	for (size_t i = 0; i < n->listen_cfg->listeners; i++)
		if (name.n == strlen(n->listen_cfg->listener[i].name) &&
		    memcmp(name.p, n->listen_cfg->listener[i].name, name.n) ==
			0)
			return i;
	return SIZE_MAX;
}

/* sd_listen_fds(3), without its library. */
static void
take_systemd(struct net *n)
{
	const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
	const char *names = getenv("LISTEN_FDNAMES");
	long count;

	if (pid == NULL || fds == NULL || names == NULL ||
	    strtol(pid, NULL, 10) != (long)getpid())
		return;
	count = strtol(fds, NULL, 10);
	for (int fd = SYSTEMD_FIRST_FD; fd < SYSTEMD_FIRST_FD + count; fd++) {
		size_t length = strcspn(names, ":");
		size_t i = listener_named(n, (struct pst_str){ names, length });
		struct sockaddr_storage sa = { 0 };
		socklen_t len = sizeof(sa);

		names += names[length] == ':' ? length + 1 : length;
		if (i == SIZE_MAX ||
		    getsockname(fd, (struct sockaddr *)&sa, &len) < 0) {
			log_text(PST_LOG_WARNING, 0, "socket-activation",
			    "descriptor %d has the name of no listener", fd);
			continue;
		}
		(void)fcntl(fd, F_SETFL, O_NONBLOCK);
		(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
		add_bound(n, fd, i, NULL, sa.ss_family == AF_UNIX);
	}
}

static bool
is_bound(const struct net *n, size_t listener)
{
	for (size_t i = 0; i < n->bound_count; i++)
		if (n->bound[i].listener == listener)
			return true;
	return false;
}

enum pst_rc
net_bind(struct net *n, struct pst_error *err)
{
	enum pst_rc rc = PST_OK;

	take_systemd(n);
	for (size_t i = 0; i < n->listen_cfg->listeners && rc == PST_OK; i++) {
		const struct config_listener *l = &n->listen_cfg->listener[i];

		if (is_bound(n, i))
			continue;
		if (*l->path != '\0') {
			rc = bind_unix(n, i, err);
			continue;
		}
		for (size_t k = 0; k < l->address.n && rc == PST_OK; k++)
			rc = bind_tcp(n, i, l->address.v[k], err);
	}
	return rc;
}

/* Nobody is left in a queue that is not served any more. */
void
listener_close(struct net *n)
{
	for (size_t i = 0; i < n->bound_count; i++) {
		(void)close(n->bound[i].fd);
		if (n->bound[i].path[0] != '\0')
			(void)unlink(n->bound[i].path);
	}
	free(n->bound);
	n->bound = NULL;
	n->bound_count = 0;
}

/* --- accepting ---------------------------------------------------------------
 */

static void
refuse(struct net_conn *c, const char *why)
{
	conn_uncount(c);
	conn_refused(c, why);
	conn_free(c);
}

/* Anybody else could say to be anybody. */
static void
refuse_untrusted(struct net_conn *c)
{
	atomic_fetch_add(&c->net->refused, 1);
	proxy_failed(c, "not in proxy_from");
	conn_free(c);
}

/* To the workers: from here on it is not ours. */
static bool
hand_over(struct net *n, struct net_conn *c)
{
	struct epoll_event ev = { .events = EPOLLOUT | EPOLLONESHOT };
	struct net_slot *s = slot_of(c);
	bool ok;

	pthread_mutex_lock(&s->lock);
	ev.data.u64 = (uint64_t)s->generation << 32 | c->index;
	ok = epoll_ctl(n->epoll_fd, EPOLL_CTL_ADD, c->fd, &ev) == 0;
	if (ok)
		s->state = SLOT_PARKED;
	pthread_mutex_unlock(&s->lock);
	return ok;
}

static void
welcome(struct net *n, const struct net_bound *from, int fd,
    const struct sockaddr_storage *peer)
{
	struct net_conn *c = conn_new(n, fd, from, peer);
	size_t most, most_per_address;

	atomic_fetch_add(&n->accepted, 1);
	pthread_mutex_lock(&n->cfg_lock);
	most = (size_t)n->cfg->limits.connections;
	most_per_address = (size_t)n->cfg->limits.connections_per_address;
	pthread_mutex_unlock(&n->cfg_lock);

	if (atomic_load(&n->connections) >= most) {
		refuse(c, "limits.connections");
		return;
	}
	if (c->phase == CONN_PROXY) {
		/* Whose connection it is, and so whether there are too many,
		 * is not known yet. */
		if (!proxy_is_trusted(c)) {
			refuse_untrusted(c);
			return;
		}
	} else if (!conn_count(c, most_per_address)) {
		refuse(c, "limits.connections_per_address");
		return;
	}
	if (!slot_take(n, c)) {
		refuse(c, "no file descriptor");
		return;
	}
	if (!hand_over(n, c)) {
		slot_give_back(c);
		refuse(c, "epoll");
	}
}

static void
accept_some(struct net *n, const struct net_bound *from)
{
	for (int i = 0; i < ACCEPT_BATCH; i++) {
		/* getpeername() would not know it of one that is reset. */
		struct sockaddr_storage peer = { 0 };
		socklen_t len = sizeof(peer);
		int fd = accept4(from->fd, (struct sockaddr *)&peer, &len,
		    SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0) {
			welcome(n, from, fd, &peer);
			continue;
		}
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
		    errno == ENOMEM) {
			static const struct timespec rest = { 0, 50000000 };

			log_text(
			    PST_LOG_ERROR, 0, "accept", "%s", strerror(errno));
			(void)nanosleep(&rest, NULL);
		}
		return;
	}
}

void *
listener_main(void *arg)
{
	struct net *n = arg;
	struct pollfd *p = mem_array(n->bound_count + 1, sizeof(*p));

	for (size_t i = 0; i < n->bound_count; i++)
		p[i] = (struct pollfd){ n->bound[i].fd, POLLIN, 0 };
	p[n->bound_count] = (struct pollfd){ n->stop_fd, POLLIN, 0 };
	while (!atomic_load(&n->stopping)) {
		if (poll(p, n->bound_count + 1, -1) < 0)
			continue;
		for (size_t i = 0; i < n->bound_count; i++)
			if (p[i].revents != 0)
				accept_some(n, &n->bound[i]);
	}
	free(p);
	return NULL;
}
