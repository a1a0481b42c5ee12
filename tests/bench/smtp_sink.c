/*
 * smtp_sink.c - an SMTP server that takes all there is for many hosts of
 * loopback, 127.0.1.1 and so on, in one thread, and counts.
 *
 * Lines on its standard input say what it does, each is answered by one line:
 *	take N, silent N, refuse N	what host N does (0: all): take mail;
 *			accept connections and say nothing; not listen.
 *			Connections that are there are closed.
 *	reset		counts from 0, from now
 *	report		"MESSAGES DISTINCT CONNECTIONS SECONDS", the time from
 *			the reset to the last message
 *	host N		"MESSAGES SECONDS" of one host
 *	missing FILE	how many numbers of that file, one a line, did not come
 */
#include "smtp.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { INPUT = 64 * 1024, EVENTS = 256 };

struct host {
	int fd; /* that listens, or -1 */
	int number;
	bool is_silent;
	int64_t messages, last;
};

struct guest {
	struct guest *before, *behind;
	struct host *host;
	int fd;
	bool in_data;
	int64_t number;
	size_t n;
	char line[SMTP_LINE]; /* the start of one that has not come whole */
};

static struct {
	const struct smtp_options *opt;
	int epoll;
	struct host host[SMTP_HOSTS];
	struct guest *guests;
	int64_t began, last, messages, distinct, connections;
	uint8_t *came; /* by number: how often, 255 at most */
} sink;

/* --- guests --------------------------------------------------------------- */

static void
add_event(int fd, void *p)
{
	struct epoll_event e = { .events = EPOLLIN, .data.ptr = p };

	(void)epoll_ctl(sink.epoll, EPOLL_CTL_ADD, fd, &e);
}

static void
say(struct guest *g, struct buf *out)
{
	if (out->n > 0 && send(g->fd, out->p, out->n, MSG_NOSIGNAL) < 0)
		(void)shutdown(g->fd, SHUT_RDWR);
	buf_clear(out);
}

static void
welcome(struct host *h)
{
	static const char greeting[] = "220 sink.test ESMTP\r\n";
	int one = 1, fd = accept4(h->fd, NULL, NULL, SOCK_CLOEXEC);
	struct guest *g;

	if (fd < 0)
		return;
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	g = mem_alloc(sizeof(*g));
	g->fd = fd;
	g->host = h;
	g->behind = sink.guests;
	if (g->behind != NULL)
		g->behind->before = g;
	sink.guests = g;
	sink.connections++;
	add_event(fd, g);
	if (!h->is_silent)
		(void)!send(fd, greeting, sizeof(greeting) - 1, MSG_NOSIGNAL);
}

static void
part(struct guest *g)
{
	if (g->before != NULL)
		g->before->behind = g->behind;
	else
		sink.guests = g->behind;
	if (g->behind != NULL)
		g->behind->before = g->before;
	(void)close(g->fd);
	free(g);
}

/* --- SMTP ----------------------------------------------------------------- */

static void
count(struct guest *g)
{
	sink.last = g->host->last = clock_monotonic();
	sink.messages++;
	g->host->messages++;
	if (g->number < 0 || g->number >= SMTP_NUMBERS)
		return;
	sink.distinct += sink.came[g->number] == 0;
	if (sink.came[g->number] < UINT8_MAX)
		sink.came[g->number]++;
}

static void
take_content(struct guest *g, struct pst_str line, struct buf *out)
{
	static const char field[] = "X-Number: ";

	if (line.n == 1 && line.p[0] == '.') {
		g->in_data = false;
		count(g);
		(void)buf_puts(out, "250 2.0.0 Taken\r\n");
	} else if (g->number < 0 && line.n >= sizeof(field) &&
		   memcmp(line.p, field, sizeof(field) - 1) == 0) {
		g->number = strtoll(line.p + sizeof(field) - 1, NULL, 10);
	}
}

/* False: it is over. */
static bool
take_command(struct guest *g, struct pst_str line, struct buf *out)
{
	struct pst_str verb = str_n(line.p, line.n < 4 ? line.n : 4);

	if (str_is_case(verb, "EHLO")) {
		(void)buf_puts(out, "250-sink.test\r\n250-PIPELINING\r\n"
				    "250-SIZE 52428800\r\n250-8BITMIME\r\n"
				    "250 ENHANCEDSTATUSCODES\r\n");
	} else if (str_is_case(verb, "DATA")) {
		(void)buf_puts(out, "354 Go on\r\n");
		g->in_data = true;
		g->number = -1;
	} else if (str_is_case(verb, "QUIT")) {
		(void)buf_puts(out, "221 2.0.0 Bye\r\n");
		return false;
	} else {
		(void)buf_puts(out, "250 2.0.0 Fine\r\n");
	}
	return true;
}

static bool
take_line(struct guest *g, struct pst_str line, struct buf *out)
{
	if (line.n > 0 && line.p[line.n - 1] == '\r')
		line.n--;
	if (!g->in_data)
		return take_command(g, line, out);
	take_content(g, line, out);
	return true;
}

/* Whole lines, also of what was left the last time. */
static bool
take_octets(struct guest *g, const char *p, size_t n, struct buf *out)
{
	bool more = true;

	while (n > 0 && more) {
		const char *end = memchr(p, '\n', n);
		size_t some = end != NULL ? (size_t)(end - p) : n;

		if (end != NULL && g->n == 0) {
			more = take_line(g, str_n(p, some), out);
		} else {
			size_t room = sizeof(g->line) - g->n;

			memcpy(g->line + g->n, p, some < room ? some : room);
			g->n += some < room ? some : room;
			if (end != NULL) {
				more = take_line(g, str_n(g->line, g->n), out);
				g->n = 0;
			}
		}
		some += end != NULL;
		p += some;
		n -= some;
	}
	return more;
}

static void
serve(struct guest *g)
{
	static char input[INPUT];
	ssize_t n = recv(g->fd, input, sizeof(input), 0);
	struct buf out;
	bool more = n > 0;

	buf_init(&out, INPUT);
	if (more && !g->host->is_silent) {
		more = take_octets(g, input, (size_t)n, &out);
		say(g, &out);
	}
	buf_fini(&out);
	if (!more)
		part(g);
}

/* --- orders --------------------------------------------------------------- */

static bool
begin_listening(struct host *h)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)sink.opt->port),
		.sin_addr.s_addr = htonl(0x7f000100U + (unsigned)h->number) };
	int one = 1;

	h->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	(void)setsockopt(h->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(h->fd, (struct sockaddr *)&a, sizeof(a)) != 0 ||
	    listen(h->fd, 1024) != 0) {
		perror("bench_smtp: listen");
		return false;
	}
	add_event(h->fd, h);
	return true;
}

static bool
set_host(struct host *h, const char *what)
{
	struct guest *next;

	for (struct guest *g = sink.guests; g != NULL; g = next) {
		next = g->behind;
		if (g->host == h)
			part(g);
	}
	h->is_silent = strcmp(what, "silent") == 0;
	if (strcmp(what, "refuse") == 0) {
		if (h->fd >= 0)
			(void)close(h->fd);
		h->fd = -1;
		return true;
	}
	return h->fd >= 0 || begin_listening(h);
}

static void
reset(void)
{
	memset(sink.came, 0, SMTP_NUMBERS);
	sink.messages = sink.distinct = sink.connections = 0;
	sink.began = sink.last = clock_monotonic();
	for (int i = 0; i < sink.opt->hosts; i++) {
		sink.host[i].messages = 0;
		sink.host[i].last = sink.began;
	}
}

static double
seconds(int64_t last)
{
	return (double)(last - sink.began) / 1e6;
}

static int64_t
missing(const char *path)
{
	FILE *f = fopen(path, "re");
	int64_t n = 0;
	char line[32];

	if (f == NULL)
		return -1;
	while (fgets(line, sizeof(line), f) != NULL) {
		long long number = strtoll(line, NULL, 10);

		n += number < 0 || number >= SMTP_NUMBERS ||
		     sink.came[number] == 0;
	}
	(void)fclose(f);
	return n;
}

/* False: that is no order. */
static bool
obey(char *line)
{
	char *rest = line + strcspn(line, " \n");
	int n;

	if (*rest != '\0')
		*rest++ = '\0';
	rest[strcspn(rest, "\n")] = '\0';
	n = (int)strtol(rest, NULL, 10);
	if (strcmp(line, "reset") == 0) {
		reset();
		(void)puts("done");
	} else if (strcmp(line, "report") == 0) {
		(void)printf("%lld %lld %lld %.6f\n", (long long)sink.messages,
		    (long long)sink.distinct, (long long)sink.connections,
		    seconds(sink.last));
	} else if (strcmp(line, "missing") == 0) {
		(void)printf("%lld\n", (long long)missing(rest));
	} else if (n < 0 || n > sink.opt->hosts) {
		return false;
	} else if (strcmp(line, "host") == 0 && n > 0) {
		(void)printf("%lld %.6f\n",
		    (long long)sink.host[n - 1].messages,
		    seconds(sink.host[n - 1].last));
	} else {
		for (int i = n > 0 ? n - 1 : 0;
		     i < (n > 0 ? n : sink.opt->hosts); i++)
			if (!set_host(&sink.host[i], line))
				return false;
		(void)puts("done");
	}
	return fflush(stdout) == 0;
}

int
smtp_sink(const struct smtp_options *opt)
{
	struct epoll_event event[EVENTS];
	char line[SMTP_LINE];

	sink.opt = opt;
	sink.epoll = epoll_create1(EPOLL_CLOEXEC);
	sink.came = mem_alloc(SMTP_NUMBERS);
	for (int i = 0; i < opt->hosts; i++) {
		sink.host[i].fd = -1;
		sink.host[i].number = i + 1;
	}
	reset();
	(void)setvbuf(stdin, NULL, _IONBF, 0);
	add_event(STDIN_FILENO, NULL);
	for (;;) {
		int n = epoll_wait(sink.epoll, event, EVENTS, -1);
		bool asked = false;

		for (int i = 0; i < n; i++) {
			struct host *h = event[i].data.ptr;

			if (h == NULL)
				asked = true;
			else if (h >= sink.host && h < sink.host + SMTP_HOSTS)
				welcome(h);
			else
				serve(event[i].data.ptr);
		}
		/* Orders close what other events are of. */
		if (asked &&
		    (fgets(line, sizeof(line), stdin) == NULL || !obey(line)))
			return 0;
	}
}
