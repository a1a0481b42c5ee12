/*
 * unit/net/fixture.c - see fixture.h.
 */
#include "fixture.h"

#include "base/clock.h"
#include "base/str.h"
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* --- time ------------------------------------------------------------------
 */

int64_t
now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t
cpu_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void
sleep_ms(int64_t ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000 };

	while (nanosleep(&ts, &ts) < 0 && errno == EINTR)
		;
}

bool
wait_for(_Atomic unsigned *value, unsigned least)
{
	int64_t end = now_ms() + 5000;

	while (atomic_load(value) < least && now_ms() < end)
		sleep_ms(1);
	return atomic_load(value) >= least;
}

/* --- the protocol ------------------------------------------------------------
 */

struct session {
	struct server *s;
	uint64_t big; /* octets still to be written */
	bool trickles;
	int64_t again_end; /* milliseconds; 0: not spinning */
	bool paused, waits;
	bool unhide; /* when the output has gone */
};

static enum net_next
opened(struct net_conn *c)
{
	struct session *s = mem_alloc(sizeof(*s));

	s->s = net_context(c);
	net_set_session(c, s);
	(void)buf_puts(net_output(c), "hello\r\n");
	atomic_fetch_add(&s->s->open, 1);
	return NET_READ;
}

static bool
starts(struct pst_str *line, const char *word, uint64_t *number_r)
{
	if (!str_has_prefix_case(*line, word))
		return false;
	*line = str_from(*line, strlen(word));
	return number_r == NULL || str_to_u64(*line, number_r);
}

static void
say(struct net_conn *c, const char *text)
{
	(void)buf_puts(net_output(c), text);
	(void)buf_puts(net_output(c), "\r\n");
}

static enum net_next
write_big(struct net_conn *c, struct session *s)
{
	static const char piece[4096] = { 'x', 'y', 'z' };

	while (s->big > 0) {
		size_t n = s->big < sizeof(piece) ? (size_t)s->big
						  : sizeof(piece);

		if (net_output_full(c))
			return NET_WRITE;
		(void)buf_add(net_output(c), piece, n);
		s->big -= n;
	}
	say(c, "done");
	return NET_READ;
}

/* Each piece takes longer than a turn, and goes out at once. */
static enum net_next
trickle(struct net_conn *c)
{
	static const char piece[3000];

	sleep_ms(21);
	(void)buf_add(net_output(c), piece, sizeof(piece));
	return NET_WRITE;
}

static void
say_cut(struct net_conn *c, struct pst_str line)
{
	struct pst_str number = str_first(line, str_find(line, ' '));
	uint64_t n = 0;

	(void)str_to_u64(number, &n);
	line = str_from(line, number.n + 1);
	(void)buf_add_str(net_output(c), str_first(line, (size_t)n));
	net_flush(c);
	(void)buf_add_str(net_output(c), str_from(line, (size_t)n));
	net_flush(c);
	(void)buf_putc(net_output(c), '\r');
	net_flush(c);
	(void)buf_putc(net_output(c), '\n');
}

static enum net_next
set_user(struct net_conn *c, struct pst_str name)
{
	char text[64];

	(void)str_copy(text, sizeof(text), name);
	say(c, net_set_user(c, text) ? "yes" : "no");
	return NET_READ;
}

static enum net_next
command(struct net_conn *c, struct session *s, struct pst_str line)
{
	uint64_t n;

	if (net_traced(c))
		net_trace_client(c, line);
	if (starts(&line, "big ", &n)) {
		s->big = n;
		return write_big(c, s);
	}
	if (starts(&line, "trickle", NULL)) {
		s->trickles = true;
		return trickle(c);
	}
	if (starts(&line, "again ", &n)) {
		s->again_end = now_ms() + (int64_t)n;
		return NET_AGAIN;
	}
	if (starts(&line, "pause ", &n)) {
		net_pause(c, (int64_t)n);
		s->paused = true;
		return NET_PAUSE;
	}
	if (starts(&line, "wait", NULL)) {
		s->waits = true;
		return NET_WAIT;
	}
	if (starts(&line, "idle ", &n)) {
		net_set_idle(c, (int64_t)n);
	} else if (starts(&line, "deadline ", &n)) {
		net_set_deadline(c, clock_monotonic() + (int64_t)n * 1000);
	} else if (starts(&line, "block ", &n)) {
		sleep_ms((int64_t)n);
		say(c, "done");
	} else if (starts(&line, "user ", NULL)) {
		return set_user(c, line);
	} else if (starts(&line, "small ", &n)) {
		net_set_input_max(c, (size_t)n);
	} else if (starts(&line, "handle", NULL)) {
		s->s->handle = net_handle_of(c);
		say(c, "done");
	} else if (starts(&line, "secret ", NULL)) {
		net_trace_hide(c, true);
		s->unhide = true;
		(void)buf_add_str(net_output(c), line);
		say(c, "");
	} else if (starts(&line, "cut ", NULL)) {
		say_cut(c, line);
	} else if (starts(&line, "quit", NULL)) {
		say(c, "bye");
		return NET_CLOSE;
	} else {
		(void)buf_add_str(net_output(c), line);
		say(c, "");
	}
	return NET_READ;
}

static enum net_next
input(struct net_conn *c)
{
	struct session *s = net_session(c);

	if (s->unhide)
		net_trace_hide(c, false);
	s->unhide = false;
	if (s->again_end != 0) {
		if (now_ms() < s->again_end)
			return NET_AGAIN;
		s->again_end = 0;
		say(c, "done");
	}
	for (;;) {
		struct pst_str in = net_input(c);
		size_t end = str_find(in, '\n');
		enum net_next next;
		char text[1024];

		if (end == in.n)
			return NET_READ;
		if (net_output_full(c))
			return NET_WRITE;
		(void)str_copy(
		    text, sizeof(text), str_trim(str_first(in, end)));
		net_consume(c, end + 1);
		next = command(c, s, str_of(text));
		if (next != NET_READ)
			return next;
	}
}

static enum net_next
writable(struct net_conn *c)
{
	struct session *s = net_session(c);
	enum net_next next = NET_READ;

	if (s->trickles)
		return trickle(c);
	if (s->big > 0)
		next = write_big(c, s);
	return next == NET_READ ? input(c) : next;
}

static enum net_next
timer(struct net_conn *c)
{
	struct session *s = net_session(c);

	atomic_fetch_add(&s->s->timers, 1);
	if (s->paused) {
		s->paused = false;
		say(c, "done");
		return input(c);
	}
	say(c, "timer");
	return NET_READ;
}

static enum net_next
woken(struct net_conn *c)
{
	struct session *s = net_session(c);

	atomic_store(&s->s->seen, atomic_load(&s->s->told));
	atomic_fetch_add(&s->s->woken, 1);
	if (!s->waits)
		return NET_READ;
	s->waits = false;
	say(c, "awake");
	return input(c);
}

static void
stopping(struct net_conn *c)
{
	struct session *s = net_session(c);

	atomic_fetch_add(&s->s->stopped, 1);
	say(c, "stopping");
}

static enum net_next
secured(struct net_conn *c)
{
	say(c, "secured");
	return NET_READ;
}

static void
closed(struct net_conn *c)
{
	struct session *s = net_session(c);

	atomic_fetch_add(&s->s->closed, 1);
	free(s);
}

static const struct net_protocol protocol = {
	.name = "lines",
	.alpn = "lines",
	.opened = opened,
	.input = input,
	.writable = writable,
	.timer = timer,
	.woken = woken,
	.stopping = stopping,
	.secured = secured,
	.closed = closed,
	.busy = "busy\r\n",
};

const struct net_protocol *const server_protocol = &protocol;

static const struct net_protocol *
protocol_for(const struct config_listener *l)
{
	(void)l;
	return &protocol;
}

/* --- the server --------------------------------------------------------------
 */

struct config *
server_config(const char *path, const char *more, const char *certificates)
{
	struct pst_error err = { 0 };
	struct config *cfg;
	struct buf text;

	buf_init(&text, 65536);
	(void)buf_printf(&text,
	    "hostname = \"mail.example.test\"\n%s"
	    "listener local {\n path = \"%s\"\n tls = none\n}\n"
	    "listener loop {\n address = {\"127.0.0.1\"}\n tls = none\n}\n"
	    "limits {\n shutdown_time = 2\n %s\n}\n",
	    certificates, path, more);
	if (*certificates != '\0')
		(void)buf_puts(&text,
		    "listener secure {\n address = {\"127.0.0.1\"}\n"
		    " tls = implicit\n}\n");
	(void)buf_putc(&text, '\0');
	cfg = config_parse(text.p, NULL, 0, NULL, NULL, &err);
	if (cfg == NULL)
		(void)fprintf(stderr, "%s\n", err.detail);
	buf_fini(&text);
	return cfg;
}

static bool
make_certificate(struct server *s, char *text, size_t size)
{
	static const char *const names[] = { "mail.example.test" };
	char cert[96], key[96];
	struct pst_error err = { 0 };

	(void)snprintf(cert, sizeof(cert), "%s/cert", s->dir);
	(void)snprintf(key, sizeof(key), "%s/key", s->dir);
	(void)snprintf(text, size,
	    "certificate one {\n certificate = \"%s\"\n key = \"%s\"\n}\n",
	    cert, key);
	return tls_make_certificate(cert, key, names, 1, &err) == PST_OK;
}

bool
server_start(struct server *s, const char *more, bool tls)
{
	struct pst_error err = { 0 };
	char certificate[512] = "";

	*s = (struct server){ 0 };
	(void)snprintf(s->dir, sizeof(s->dir), "/tmp/postern-net-XXXXXX");
	if (mkdtemp(s->dir) == NULL)
		return false;
	(void)snprintf(s->path, sizeof(s->path), "%s/socket", s->dir);
	if (tls && !make_certificate(s, certificate, sizeof(certificate)))
		return false;
	s->cfg = server_config(s->path, more, certificate);
	if (s->cfg == NULL)
		return false;
	s->tls = tls_context_new(s->cfg, &err);
	if (s->tls == NULL)
		return false;
	s->net = net_new(s->cfg, s->tls, protocol_for, s);
	if (net_bind(s->net, &err) != PST_OK ||
	    net_start(s->net, &err) != PST_OK) {
		(void)fprintf(stderr, "%s\n", err.detail);
		return false;
	}
	s->port = net_port(s->net, 1);
	s->tls_port = tls ? net_port(s->net, 2) : 0;
	return true;
}

void
server_stop(struct server *s)
{
	net_stop(s->net);
}

void
server_clean(struct server *s)
{
	static const char *const files[] = { "cert", "key", "socket" };
	char path[128];

	net_free(&s->net);
	tls_context_free(&s->tls);
	config_unref(&s->cfg);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", s->dir, files[i]);
		(void)unlink(path);
	}
	(void)rmdir(s->dir);
}

/* --- clients -----------------------------------------------------------------
 */

int
client_unix(const struct server *s)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", s->path);
	if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0) {
		(void)close(fd);
		return -1;
	}
	return fd;
}

int
client_tcp(const struct server *s)
{
	struct sockaddr_in sa = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)s->port),
		.sin_addr = { htonl(INADDR_LOOPBACK) } };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0) {
		(void)close(fd);
		return -1;
	}
	return fd;
}

void
client_say(int fd, const char *text)
{
	size_t n = strlen(text);

	while (n > 0) {
		ssize_t done = send(fd, text, n, MSG_NOSIGNAL);

		if (done <= 0)
			return;
		text += done;
		n -= (size_t)done;
	}
}

static ssize_t
read_some(int fd, void *p, size_t n)
{
	struct pollfd ready = { .fd = fd, .events = POLLIN };

	if (poll(&ready, 1, 5000) <= 0)
		return -1;
	return recv(fd, p, n, 0);
}

bool
client_line(int fd, char *line, size_t size)
{
	size_t n = 0;

	while (n + 1 < size) {
		char c;

		if (read_some(fd, &c, 1) != 1)
			return false;
		if (c == '\n')
			break;
		line[n++] = c;
	}
	if (n > 0 && line[n - 1] == '\r')
		n--;
	line[n] = '\0';
	return true;
}

bool
client_hears(int fd, const char *text)
{
	char line[2048];

	if (!client_line(fd, line, sizeof(line))) {
		(void)fprintf(stderr, "nothing came, not \"%s\"\n", text);
		return false;
	}
	if (strcmp(line, text) == 0)
		return true;
	(void)fprintf(stderr, "\"%s\" came, not \"%s\"\n", line, text);
	return false;
}

bool
client_ended(int fd)
{
	char c;
	ssize_t got = read_some(fd, &c, 1);

	return got == 0 || (got < 0 && errno == ECONNRESET);
}
