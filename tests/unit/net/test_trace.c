/*
 * Watching conversations: who is shown, what is left out.
 */
#include "fixture.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static struct server s;

enum { LINES = 4000 };

/* What a watcher was told, without the time. */
struct watched {
	pthread_mutex_t lock;
	char *line[LINES];
	size_t n;
	size_t longest;
};

static void
note(void *arg, struct pst_str line)
{
	struct watched *w = arg;
	const char *from = memchr(line.p, '#', line.n);
	size_t n = from != NULL ? line.n - (size_t)(from - line.p) : 0;

	pthread_mutex_lock(&w->lock);
	if (line.n > w->longest)
		w->longest = line.n;
	if (w->n < LINES && from != NULL)
		w->line[w->n++] = strndup(from, n);
	pthread_mutex_unlock(&w->lock);
}

/* How many lines contain `text`. */
static size_t
count(struct watched *w, const char *text)
{
	size_t found = 0;

	pthread_mutex_lock(&w->lock);
	for (size_t i = 0; i < w->n; i++)
		found += strstr(w->line[i], text) != NULL;
	pthread_mutex_unlock(&w->lock);
	return found;
}

/* Waits for a line that contains `text`: it is shown after it was sent. */
static void
await(struct watched *w, const char *text)
{
	for (int i = 0; i < 2000 && count(w, text) == 0; i++)
		sleep_ms(1);
}

static void
forget(struct watched *w)
{
	for (size_t i = 0; i < w->n; i++)
		free(w->line[i]);
	pthread_mutex_destroy(&w->lock);
	*w = (struct watched){ 0 };
	pthread_mutex_init(&w->lock, NULL);
}

static int
client(const char *user)
{
	char text[64];
	int fd = client_tcp(&s);

	cr_assert(client_hears(fd, "hello"));
	(void)snprintf(text, sizeof(text), "user %s\r\n", user);
	client_say(fd, text);
	cr_assert(client_hears(fd, "yes"));
	return fd;
}

static void
ask(int fd, const char *text)
{
	char line[128];

	(void)snprintf(line, sizeof(line), "%s\r\n", text);
	client_say(fd, line);
	cr_assert(client_hears(fd, text));
}

Test(trace, shows_whom_the_filter_names)
{
	struct watched anna = { 0 }, all = { 0 }, address = { 0 };
	struct net_tracer *t[3];
	int fd[2];

	cr_assert(server_start(&s, "", false));
	pthread_mutex_init(&anna.lock, NULL);
	pthread_mutex_init(&all.lock, NULL);
	pthread_mutex_init(&address.lock, NULL);
	fd[0] = client("anna");
	fd[1] = client("bert");
	t[0] = net_trace_start(s.net, "ANNA", note, &anna);
	t[1] = net_trace_start(s.net, "", note, &all);
	t[2] = net_trace_start(s.net, "127.0.0.1", note, &address);
	ask(fd[0], "one of anna");
	ask(fd[1], "one of bert");
	/* A line is told after it was sent: the client may be ahead. */
	await(&anna, "S: one of anna");
	await(&all, "S: one of anna");
	await(&address, "S: one of anna");
	await(&all, "S: one of bert");
	await(&address, "S: one of bert");
	for (int i = 0; i < 3; i++)
		net_trace_stop(&t[i]);
	cr_expect_null(t[0]);
	ask(fd[0], "later");
	cr_expect_eq(count(&anna, "lines anna C: one of anna"), 1);
	cr_expect_eq(count(&anna, "lines anna S: one of anna"), 1);
	cr_expect_eq(count(&anna, "bert"), 0);
	cr_expect_eq(count(&all, "one of"), 4);
	cr_expect_eq(count(&address, "one of"), 4);
	cr_expect_eq(count(&all, "later"), 0);
	(void)close(fd[0]);
	(void)close(fd[1]);
	server_stop(&s);
	server_clean(&s);
	forget(&anna);
	forget(&all);
	forget(&address);
}

Test(trace, hides_secrets_and_control_characters)
{
	struct watched w = { 0 };
	struct net_tracer *t;
	int fd;

	cr_assert(server_start(&s, "", false));
	pthread_mutex_init(&w.lock, NULL);
	fd = client("anna");
	t = net_trace_start(s.net, "anna", note, &w);
	client_say(fd, "secret c2VjcmV0\r\n");
	cr_assert(client_hears(fd, "c2VjcmV0"));
	client_say(fd, "bell \a escape \033[2J\r\n");
	cr_assert(client_hears(fd, "bell \a escape \033[2J"));
	await(&w, "S: bell");
	net_trace_stop(&t);
	cr_expect_eq(count(&w, "S: c2VjcmV0"), 0);
	cr_expect_eq(count(&w, "S: (hidden)"), 1);
	cr_expect_eq(count(&w, "S: bell \\x07 escape \\x1b[2J"), 1);
	(void)close(fd);
	server_stop(&s);
	server_clean(&s);
	forget(&w);
}

/* The announcement of a literal may be cut at any place. */
Test(trace, literals_are_counted_and_not_shown)
{
	struct watched w = { 0 };
	struct net_tracer *t;
	int fd;

	cr_assert(server_start(&s, "", false));
	pthread_mutex_init(&w.lock, NULL);
	fd = client("anna");
	t = net_trace_start(s.net, "", note, &w);
	for (int cut = 0; cut <= 30; cut++) {
		char text[128], octets[5000];

		(void)snprintf(text, sizeof(text),
		    "cut %d 1 FETCH (BODY[] {5000}\r\nbig 5000\r\nend\r\n",
		    cut);
		client_say(fd, text);
		cr_assert(client_hears(fd, "1 FETCH (BODY[] {5000}"));
		cr_assert_eq(recv(fd, octets, sizeof(octets), MSG_WAITALL),
		    sizeof(octets));
		cr_assert(client_hears(fd, "done"));
		cr_assert(client_hears(fd, "end"));
	}
	ask(fd, "last");
	await(&w, "S: last");
	net_trace_stop(&t);
	cr_expect_eq(count(&w, "xyz"), 0);
	cr_expect_eq(count(&w, "S: [literal, 5000 octets]"), 31);
	cr_expect_eq(count(&w, "S: done"), 31);
	cr_expect_lt(w.longest, 400);
	(void)close(fd);
	server_stop(&s);
	server_clean(&s);
	forget(&w);
}

Test(trace, a_watcher_in_the_middle_of_a_literal_sees_nothing_of_it)
{
	struct watched w = { 0 };
	struct net_tracer *t;
	int fd;

	cr_assert(server_start(&s, "output = 4K", false));
	pthread_mutex_init(&w.lock, NULL);
	fd = client("anna");
	ask(fd, "BODY {20000000}");
	client_say(fd, "big 20000000\r\n");
	sleep_ms(100);
	t = net_trace_start(s.net, "", note, &w);
	for (size_t left = 20000000; left > 0;) {
		static char some[65536];
		ssize_t got = recv(
		    fd, some, left < sizeof(some) ? left : sizeof(some), 0);

		cr_assert_gt(got, 0);
		left -= (size_t)got;
	}
	cr_assert(client_hears(fd, "done"));
	ask(fd, "and now");
	await(&w, "S: and now");
	net_trace_stop(&t);
	cr_expect_eq(count(&w, "xyz"), 0);
	cr_expect_eq(count(&w, "S: and now"), 1);
	(void)close(fd);
	server_stop(&s);
	server_clean(&s);
	forget(&w);
}

Test(trace, has_room_for_eight_watchers)
{
	struct watched w = { 0 };
	struct net_tracer *t[9];

	cr_assert(server_start(&s, "", false));
	pthread_mutex_init(&w.lock, NULL);
	for (int i = 0; i < 8; i++)
		cr_assert_not_null(t[i] = net_trace_start(s.net, "", note, &w));
	cr_expect_null(net_trace_start(s.net, "", note, &w));
	net_trace_stop(&t[3]);
	cr_assert_not_null(t[3] = net_trace_start(s.net, "", note, &w));
	for (int i = 0; i < 8; i++)
		net_trace_stop(&t[i]);
	server_stop(&s);
	server_clean(&s);
	forget(&w);
}
