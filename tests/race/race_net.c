/*
 * Connections under several threads: they come and go while others wake, kick,
 * watch and count them, the configuration changes, and all is stopped in the
 * middle of it. A plain program for ThreadSanitizer; ends with 0 when every
 * answer was right and every session that was opened was closed.
 */
#include "base/str.h"
#include "net/inspect.h"
#include "net/net.h"
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { LIVES = 4, CLIENTS = 4, HANDLES = 32, LIFE_MS = 1200 };

static struct net *n;
static char dir[] = "/tmp/postern-race-XXXXXX", path[64];
static int port;
static atomic_bool quit;
static _Atomic unsigned bad, opened_n, closed_n, answers, woken_n, kicked;
static pthread_mutex_t handles_lock = PTHREAD_MUTEX_INITIALIZER;
static struct net_handle handle[HANDLES];

#define EXPECT(claim)                                                   \
	do {                                                            \
		if (!(claim)) {                                         \
			atomic_fetch_add(&bad, 1);                      \
			(void)fprintf(                                  \
			    stderr, "line %d: %s\n", __LINE__, #claim); \
		}                                                       \
	} while (0)

static void
rest(long us)
{
	struct timespec ts = { 0, us * 1000 };

	(void)nanosleep(&ts, NULL);
}

/* --- the protocol: a letter that says what to do, and the answer to it -------
 */

struct session {
	size_t big;
	bool paused, again;
};

static enum net_next
opened(struct net_conn *c)
{
	struct session *s = mem_alloc(sizeof(*s));

	net_set_session(c, s);
	net_set_idle(c, 5);
	pthread_mutex_lock(&handles_lock);
	handle[net_id(c) % HANDLES] = net_handle_of(c);
	pthread_mutex_unlock(&handles_lock);
	atomic_fetch_add(&opened_n, 1);
	return NET_READ;
}

static enum net_next
answer(struct net_conn *c)
{
	(void)buf_puts(net_output(c), "ok\n");
	return NET_READ;
}

static enum net_next
go_on(struct net_conn *c, struct session *s)
{
	while (s->big > 0) {
		if (net_output_full(c))
			return NET_WRITE;
		(void)buf_puts(net_output(c), "0123456789abcdef");
		s->big--;
	}
	return answer(c);
}

static enum net_next
obey(struct net_conn *c, struct session *s, char letter)
{
	char user[16];

	switch (letter) {
	case 'w':
		s->big = 2000;
		return go_on(c, s);
	case 'p':
		s->paused = true;
		net_pause(c, 2);
		return NET_PAUSE;
	case 'a':
		s->again = true;
		return NET_AGAIN;
	case 'b':
		rest(1000);
		break;
	case 'u':
		(void)snprintf(
		    user, sizeof(user), "user%u", (unsigned)(net_id(c) % 3));
		(void)net_set_user(c, user);
		net_set_activity(c, user);
		break;
	case 'd':
		net_set_deadline(c, 1);
		break;
	case 'q':
		(void)answer(c);
		return NET_CLOSE;
	default:
		break;
	}
	return answer(c);
}

static enum net_next
input(struct net_conn *c)
{
	struct session *s = net_session(c);
	enum net_next next = NET_READ;

	if (s->again)
		next = answer(c);
	s->again = false;
	while (next == NET_READ && net_input(c).n > 0) {
		char letter = net_input(c).p[0];

		if (net_traced(c))
			net_trace_client(c, str_n(&letter, 1));
		net_consume(c, 1);
		next = obey(c, s, letter);
	}
	return next;
}

static enum net_next
writable(struct net_conn *c)
{
	enum net_next next = go_on(c, net_session(c));

	return next == NET_READ ? input(c) : next;
}

static enum net_next
timer(struct net_conn *c)
{
	struct session *s = net_session(c);

	if (!s->paused)
		return NET_READ;
	s->paused = false;
	(void)answer(c);
	return input(c);
}

static enum net_next
woken(struct net_conn *c)
{
	(void)c;
	atomic_fetch_add(&woken_n, 1);
	return NET_READ;
}

static void
stopping(struct net_conn *c)
{
	(void)buf_puts(net_output(c), "stop\n");
}

static void
closed(struct net_conn *c)
{
	free(net_session(c));
	atomic_fetch_add(&closed_n, 1);
}

static const struct net_protocol protocol = { .name = "letters",
	.opened = opened,
	.input = input,
	.writable = writable,
	.timer = timer,
	.woken = woken,
	.stopping = stopping,
	.closed = closed };

static const struct net_protocol *
protocol_for(const struct config_listener *l)
{
	(void)l;
	return &protocol;
}

/* --- clients
 * -------------------------------------------------------------------
 */

static int
call(unsigned seed)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr = { htonl(INADDR_LOOPBACK) } };
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	bool local = seed % 2 == 0;
	int fd = socket(local ? AF_UNIX : AF_INET, SOCK_STREAM, 0);
	int rc;

	(void)snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
	rc = local ? connect(fd, (struct sockaddr *)&un, sizeof(un))
		   : connect(fd, (struct sockaddr *)&in, sizeof(in));
	if (rc == 0)
		return fd;
	(void)close(fd);
	return -1;
}

/* The next octet that is not part of a large answer; 0: the end. */
static char
next_octet(int fd)
{
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	char c;

	for (;;) {
		int got = poll(&ready, 1, 30000);

		EXPECT(got != 0);
		if (got <= 0 || recv(fd, &c, 1, 0) != 1)
			return 0;
		if ((c < '0' || c > '9') && (c < 'a' || c > 'f'))
			return c;
	}
}

static bool
heard_ok(int fd)
{
	char c = next_octet(fd);

	if (c == 0 || c == 's') /* kicked, or stopped */
		return false;
	EXPECT(c == 'o');
	if (c != 'o' || next_octet(fd) != 'k' || next_octet(fd) != '\n')
		return false;
	atomic_fetch_add(&answers, 1);
	return true;
}

static void *
client(void *arg)
{
	static const char letters[] = "xxxxwpabudxq";
	unsigned seed = (unsigned)(uintptr_t)arg;

	while (!atomic_load(&quit)) {
		struct linger hard = { 1, 0 };
		int fd = call(seed);
		bool on = fd >= 0;

		for (unsigned i = 0; on && i < 1 + seed % 12; i++) {
			char letter;

			seed = seed * 1103515245 + 12345;
			letter = letters[(seed >> 16) % (sizeof(letters) - 1)];
			on = send(fd, &letter, 1, MSG_NOSIGNAL) == 1;
			/* At times it leaves without the answer. */
			if (on && (seed >> 8) % 16 != 0)
				on = heard_ok(fd) && letter != 'q';
		}
		seed = seed * 1103515245 + 12345;
		if ((seed >> 16) % 3 == 0 && fd >= 0)
			(void)setsockopt(
			    fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
		if (fd >= 0)
			(void)close(fd);
		else
			rest(1000);
	}
	return NULL;
}

/* --- those who look in from outside
 * --------------------------------------------
 */

static void *
waker(void *arg)
{
	for (unsigned i = 0; !atomic_load(&quit); i++) {
		struct net_handle h;

		pthread_mutex_lock(&handles_lock);
		h = handle[i % HANDLES];
		pthread_mutex_unlock(&handles_lock);
		net_wake(h);
		if (i % 16 == 0)
			rest(100);
	}
	return arg;
}

struct found {
	uint64_t id;
	unsigned n;
};

static void
find(void *arg, const struct net_info *i)
{
	struct found *f = arg;

	EXPECT(strcmp(i->protocol, "letters") == 0);
	EXPECT(strlen(i->user) < 16 && strlen(i->activity) < 16);
	if (f->n++ % 3 == 0)
		f->id = i->id;
}

static void *
kicker(void *arg)
{
	while (!atomic_load(&quit)) {
		struct found f = { 0 };
		struct net_counters count;

		net_each(n, find, &f);
		net_count(n, &count);
		EXPECT(count.workers <= 16);
		if (f.id != 0 && net_kick(n, f.id))
			atomic_fetch_add(&kicked, 1);
		rest(5000);
	}
	return arg;
}

static void
see(void *arg, struct pst_str line)
{
	atomic_fetch_add((_Atomic unsigned *)arg, (unsigned)line.n);
}

static void *
watcher(void *arg)
{
	static const char *const filters[] = { "", "user1", "unix" };

	for (unsigned i = 0; !atomic_load(&quit); i++) {
		/* Lives only as long as it is watched for. */
		_Atomic unsigned *seen = mem_alloc(sizeof(*seen));
		struct net_tracer *t = net_trace_start(
		    n, filters[i % 3], see, seen);

		rest(3000);
		net_trace_stop(&t);
		free(seen);
	}
	return arg;
}

static struct config *
configuration(unsigned i)
{
	struct pst_error err = { 0 };
	struct config *cfg;
	char text[512];

	(void)snprintf(text, sizeof(text),
	    "hostname = \"a.example\"\n"
	    "listener u {\n path = \"%s\"\n tls = none\n}\n"
	    "listener t {\n address = {\"127.0.0.1\"}\n tls = none\n}\n"
	    "limits {\n workers_min = %u\n workers_max = %u\n"
	    " output = %uK\n shutdown_time = 1\n}\n",
	    path, 1 + i % 3, 4 + i % 12, 4 + i % 2 * 60);
	cfg = config_parse(text, NULL, 0, NULL, NULL, &err);
	if (cfg == NULL)
		(void)fprintf(stderr, "%s\n", err.detail);
	return cfg;
}

static void *
changer(void *arg)
{
	for (unsigned i = 0; !atomic_load(&quit); i++) {
		struct config *cfg = configuration(i);

		net_reconfigure(n, cfg);
		config_unref(&cfg);
		rest(7000);
	}
	return arg;
}

static void
live(unsigned number)
{
	static void *(*const others[])(
	    void *) = { waker, kicker, watcher, changer };
	pthread_t clients[CLIENTS], thread[4];
	struct config *cfg = configuration(number);
	struct pst_error err = { 0 };

	atomic_store(&quit, false);
	pthread_mutex_lock(&handles_lock);
	memset(handle, 0, sizeof(handle));
	pthread_mutex_unlock(&handles_lock);
	n = net_new(cfg, NULL, protocol_for, NULL);
	EXPECT(net_bind(n, &err) == PST_OK && net_start(n, &err) == PST_OK);
	port = net_port(n, 1);
	for (size_t i = 0; i < CLIENTS; i++)
		(void)pthread_create(&clients[i], NULL, client,
		    (void *)(uintptr_t)(number * CLIENTS + i + 1));
	for (size_t i = 0; i < 4; i++)
		(void)pthread_create(&thread[i], NULL, others[i], NULL);
	for (int i = 0; i < LIFE_MS; i++)
		rest(1000);
	net_stop(n);
	atomic_store(&quit, true);
	for (size_t i = 0; i < CLIENTS; i++)
		(void)pthread_join(clients[i], NULL);
	for (size_t i = 0; i < 4; i++)
		(void)pthread_join(thread[i], NULL);
	net_free(&n);
	config_unref(&cfg);
	EXPECT(atomic_load(&opened_n) == atomic_load(&closed_n));
}

int
main(void)
{
	if (mkdtemp(dir) == NULL)
		return 1;
	(void)snprintf(path, sizeof(path), "%s/socket", dir);
	for (unsigned i = 0; i < LIVES; i++)
		live(i);
	(void)rmdir(dir);
	EXPECT(atomic_load(&answers) > 100);
	EXPECT(atomic_load(&woken_n) > 100);
	(void)printf("%u connections, %u answers, %u woken, %u kicked\n",
	    atomic_load(&closed_n), atomic_load(&answers),
	    atomic_load(&woken_n), atomic_load(&kicked));
	return atomic_load(&bad) == 0 ? 0 : 1;
}
