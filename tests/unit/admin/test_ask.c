/*
 * test_ask.c - a server that asks itself waits for some time, for so much, and
 * in so many threads; whatever answers.
 */
#include "admin/ask.h"
#include "admin/protocol.h"
#include "base/str.h"
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* What stands behind the socket: takes one line, then says `line` up to `most`
 * times, then `last`, and waits for the other side to go. */
struct answerer {
	char dir[64], path[96];
	const char *line, *last;
	size_t most, connections;
	int fd;
	pthread_t thread;
};

static void
say(int fd, const struct answerer *a)
{
	char in[4096];

	if (recv(fd, in, sizeof(in), 0) <= 0)
		return;
	for (size_t i = 0; i < a->most; i++)
		if (send(fd, a->line, strlen(a->line), MSG_NOSIGNAL) < 0)
			return;
	if (a->last != NULL)
		(void)send(fd, a->last, strlen(a->last), MSG_NOSIGNAL);
	while (recv(fd, in, sizeof(in), 0) > 0)
		;
}

static void *
serve(void *arg)
{
	struct answerer *a = arg;

	for (size_t i = 0; i < a->connections; i++) {
		int fd = accept(a->fd, NULL, NULL);

		if (fd < 0)
			break;
		say(fd, a);
		(void)close(fd);
	}
	return NULL;
}

static void
answerer_start(struct answerer *a)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };

	(void)snprintf(a->dir, sizeof(a->dir), "/tmp/postern-ask-XXXXXX");
	cr_assert_not_null(mkdtemp(a->dir));
	(void)snprintf(a->path, sizeof(a->path), "%s/control", a->dir);
	(void)str_copy(sun.sun_path, sizeof(sun.sun_path), str_of(a->path));
	a->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cr_assert_eq(bind(a->fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	cr_assert_eq(listen(a->fd, 8), 0);
	a->connections = a->connections == 0 ? 1 : a->connections;
	cr_assert_eq(pthread_create(&a->thread, NULL, serve, a), 0);
}

static void
answerer_stop(struct answerer *a)
{
	(void)pthread_join(a->thread, NULL);
	(void)close(a->fd);
	(void)unlink(a->path);
	(void)rmdir(a->dir);
}

static enum pst_rc
ask(const struct answerer *a, int64_t seconds, size_t *n_r, bool *cut_r,
    struct pst_error *err)
{
	json_t *items;
	enum pst_rc rc = admin_ask(a->path, seconds,
	    json_pack("{s:s}", "request", "x"), &items, cut_r, err);

	*n_r = json_array_size(items);
	json_decref(items);
	return rc;
}

Test(ask, an_answer_comes_whole)
{
	struct answerer a = { .line = "{\"item\":{\"a\":1}}\n",
		.most = 7,
		.last = "{\"done\":true}\n" };
	struct pst_error err = { 0 };
	size_t n;
	bool cut;

	answerer_start(&a);
	cr_expect_eq(ask(&a, 20, &n, &cut, &err), PST_OK);
	cr_expect_eq(n, 7);
	cr_expect_not(cut);
	answerer_stop(&a);
}

Test(ask, an_error_is_handed_on)
{
	struct answerer a = {
		.most = 0,
		.last = "{\"error\":\"no such thing\",\"code\":\"not-found\"}\n"
	};
	struct pst_error err = { 0 };
	size_t n;
	bool cut;

	answerer_start(&a);
	cr_expect_eq(ask(&a, 20, &n, &cut, &err), PST_E_NOTFOUND);
	cr_expect_str_eq(err.detail, "no such thing");
	answerer_stop(&a);
}

Test(ask, too_much_is_cut)
{
	char large[20000];
	struct answerer many = { .line = "{\"item\":{\"a\":1}}\n",
		.most = 10000000 };
	struct answerer big = { .line = large, .most = 10000000 };
	struct pst_error err = { 0 };
	size_t n;
	bool cut;

	answerer_start(&many);
	cr_expect_eq(ask(&many, 60, &n, &cut, &err), PST_OK);
	cr_expect_eq(n, ADMIN_ASK_ITEMS);
	cr_expect(cut);
	answerer_stop(&many);
	memset(large, 'x', sizeof(large));
	memcpy(large, "{\"item\":\"", 9);
	memcpy(large + sizeof(large) - 4, "\"}\n", 4);
	answerer_start(&big);
	cr_expect_eq(ask(&big, 60, &n, &cut, &err), PST_OK);
	cr_expect_eq(n, ADMIN_ASK_OCTETS / 19989);
	cr_expect(cut);
	answerer_stop(&big);
}

Test(ask, silence_ends_in_time)
{
	struct answerer a = { .line = "{\"item\":1}\n", .most = 3 };
	struct pst_error err = { 0 };
	size_t n;
	bool cut;

	answerer_start(&a);
	cr_expect_eq(ask(&a, 1, &n, &cut, &err), PST_E_TEMP);
	cr_expect_str_eq(
	    err.detail, "it takes too long; what was begun may go on");
	answerer_stop(&a);
}

Test(ask, nobody_there)
{
	struct answerer a = { .path = "/nonexistent/control" };
	struct pst_error err = { 0 };
	size_t n;
	bool cut;

	cr_expect_eq(ask(&a, 1, &n, &cut, &err), PST_E_TEMP);
	cr_expect_eq(n, 0);
}

static void *
wait_long(void *arg)
{
	struct pst_error err = { 0 };
	size_t n;
	bool cut;

	(void)ask(arg, 3, &n, &cut, &err);
	return NULL;
}

/* Two wait for a server that is silent: a third hears at once that it has to
 * come again, without a connection. */
Test(ask, not_more_than_two)
{
	struct answerer a = { .most = 0, .connections = 2 };
	struct pst_error err = { 0 };
	pthread_t waiting[ADMIN_ASK_AT_ONCE];
	enum pst_rc rc = PST_OK;
	size_t n;
	bool cut;

	answerer_start(&a);
	for (size_t i = 0; i < ADMIN_ASK_AT_ONCE; i++)
		cr_assert_eq(
		    pthread_create(&waiting[i], NULL, wait_long, &a), 0);
	for (int i = 0; i < 100; i++) {
		struct answerer nobody = { .path = "/nonexistent/control" };

		rc = ask(&nobody, 1, &n, &cut, &err);
		if (strstr(err.detail, "others") != NULL)
			break;
		(void)usleep(10000);
	}
	cr_expect_eq(rc, PST_E_TEMP);
	cr_expect_str_eq(
	    err.detail, "others ask the server just now: try again");
	for (size_t i = 0; i < ADMIN_ASK_AT_ONCE; i++)
		(void)pthread_join(waiting[i], NULL);
	answerer_stop(&a);
}
