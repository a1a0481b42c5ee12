/*
 * smtp_send.c - hands messages in, over some connections at once, each with its
 * thread. A connection that breaks is made again, and the message goes with a
 * new number, since nobody knows what became of the old one.
 */
#include "smtp.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { INPUT = 4096 };

static struct {
	const struct smtp_options *opt;
	_Atomic int64_t next, taken;
	_Atomic bool failed;
	char *text; /* the body of each message */
	size_t text_n;
	FILE *list;
	int64_t until;
} source;

struct line {
	int fd;
	bool pipelines; /* the server has said so */
	size_t n;
	char in[INPUT];
};

static bool
put(struct line *l, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t done = send(l->fd, p, n, MSG_NOSIGNAL);

		if (done <= 0)
			return false;
		p += done;
		n -= (size_t)done;
	}
	return true;
}

/* The code of the next reply; 0: there is none. */
static int
get(struct line *l)
{
	for (;;) {
		char *end = memchr(l->in, '\n', l->n);
		ssize_t got;

		if (end != NULL) {
			int code = l->n > 3 && l->in[3] == '-'
				       ? -1
				       : (int)strtol(l->in, NULL, 10);
			size_t used = (size_t)(end + 1 - l->in);

			l->pipelines |= used > 14 && memcmp(l->in + 4,
							 "PIPELINING", 10) == 0;
			memmove(l->in, end + 1, l->n - used);
			l->n -= used;
			if (code >= 0)
				return code;
			continue;
		}
		got = l->n < INPUT ? recv(l->fd, l->in + l->n, INPUT - l->n, 0)
				   : -1;
		if (got <= 0)
			return 0;
		l->n += (size_t)got;
	}
}

static bool
ask(struct line *l, const char *command, int code)
{
	return put(l, command, strlen(command)) && get(l) == code;
}

static bool
begin(struct line *l)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)source.opt->port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	char auth[1024];
	int one = 1;

	l->n = 0;
	l->pipelines = false;
	l->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	(void)setsockopt(l->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(l->fd, (struct sockaddr *)&a, sizeof(a)) != 0 ||
	    get(l) != 220 || !ask(l, "EHLO source.test\r\n", 250))
		return false;
	if (source.opt->auth == NULL)
		return true;
	(void)snprintf(
	    auth, sizeof(auth), "AUTH PLAIN %s\r\n", source.opt->auth);
	return ask(l, auth, 235);
}

/* MAIL, RCPT and DATA: at once, or each when the one before it is answered. */
static bool
open_message(struct line *l, int64_t number)
{
	char mail[512], rcpt[512], all[1100];

	(void)snprintf(
	    mail, sizeof(mail), "MAIL FROM:<%s>\r\n", source.opt->from);
	(void)snprintf(rcpt, sizeof(rcpt),
	    "RCPT TO:<r%lld@d%lld.bench.test>\r\n", (long long)number,
	    (long long)(number % source.opt->domains + 1));
	if (!l->pipelines)
		return ask(l, mail, 250) && ask(l, rcpt, 250) &&
		       ask(l, "DATA\r\n", 354);
	(void)snprintf(all, sizeof(all), "%s%sDATA\r\n", mail, rcpt);
	return put(l, all, strlen(all)) && get(l) == 250 && get(l) == 250 &&
	       get(l) == 354;
}

static bool
hand_in(struct line *l, int64_t number)
{
	char head[1024];
	int n;

	if (!open_message(l, number))
		return false;
	n = snprintf(head, sizeof(head),
	    "X-Number: %lld\r\nFrom: <%s>\r\nTo: <someone@bench.test>\r\n"
	    "Subject: One of many\r\nMessage-ID: <%lld@source.test>\r\n"
	    "Date: Mon, 02 Nov 2026 10:00:00 +0000\r\n\r\n",
	    (long long)number, source.opt->from, (long long)number);
	return put(l, head, (size_t)n) && put(l, source.text, source.text_n) &&
	       get(l) == 250;
}

static bool
connect_in_time(struct line *l)
{
	while (!begin(l)) {
		(void)close(l->fd);
		if (clock_monotonic() >= source.until)
			return false;
		(void)usleep(50000);
	}
	return true;
}

static void *
run(void *arg)
{
	struct line l;
	bool fine = connect_in_time(&l);

	while (fine && source.taken < source.opt->messages) {
		int64_t number = source.next++;

		/* Without patience none goes wrong, and none is too many. */
		if (source.opt->patience == 0 &&
		    number >= source.opt->first + source.opt->messages)
			break;
		if (hand_in(&l, number)) {
			source.taken++;
			if (source.list != NULL)
				(void)fprintf(
				    source.list, "%lld\n", (long long)number);
			continue;
		}
		(void)close(l.fd);
		fine = source.opt->patience > 0 && connect_in_time(&l);
	}
	if (fine)
		(void)ask(&l, "QUIT\r\n", 221);
	else
		source.failed = true;
	(void)close(l.fd);
	return arg;
}

static void
make_text(int64_t octets)
{
	source.text = mem_alloc((size_t)octets + 8);
	for (int64_t i = 0; i < octets; i++)
		source.text[i] = i % 72 == 70	? '\r'
				 : i % 72 == 71 ? '\n'
						: (char)('a' + i % 26);
	while (octets % 72 != 0)
		octets--;
	memcpy(source.text + octets, ".\r\n", 3);
	source.text_n = (size_t)octets + 3;
}

int
smtp_send(const struct smtp_options *opt)
{
	pthread_t *thread = mem_array(
	    (size_t)opt->connections, sizeof(*thread));
	int64_t began = clock_monotonic();

	source.opt = opt;
	source.next = opt->first;
	source.until = began + opt->patience * 1000000;
	make_text(opt->octets);
	if (opt->taken != NULL)
		source.list = fopen(opt->taken, "we");
	for (int i = 0; i < opt->connections; i++)
		if (pthread_create(&thread[i], NULL, run, NULL) != 0)
			return 1;
	for (int i = 0; i < opt->connections; i++)
		(void)pthread_join(thread[i], NULL);
	if (source.list != NULL)
		(void)fclose(source.list);
	(void)printf("%lld %.6f\n", (long long)source.taken,
	    (double)(clock_monotonic() - began) / 1e6);
	free(thread);
	free(source.text);
	return source.failed ? 1 : 0;
}
