/*
 * Connections: input cut anywhere, output larger than any buffer, clients that
 * do not read, close early or half, and handlers that take their time.
 */
#include "fixture.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static struct server s;

static void
begin(const char *limits)
{
	cr_assert(server_start(&s, limits, false));
}

static void
end(void)
{
	server_stop(&s);
	server_clean(&s);
}

static long
resident_kib(void)
{
	long pages = 0, ignored;
	FILE *f = fopen("/proc/self/statm", "r");

	cr_assert_not_null(f);
	cr_assert_eq(fscanf(f, "%ld %ld", &ignored, &pages), 2);
	(void)fclose(f);
	return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

/* Reads `n` octets in pieces of `piece`. */
static bool
swallow(int fd, uint64_t n, size_t piece)
{
	char *p = malloc(piece);
	bool ok = p != NULL;

	while (ok && n > 0) {
		ssize_t got = recv(fd, p, n < piece ? n : piece, 0);

		ok = got > 0;
		n -= ok ? (uint64_t)got : 0;
	}
	free(p);
	return ok;
}

Test(conn, same_answers_for_every_cut)
{
	static const char wire[] = "first\r\nsecond one\r\n\nx\r\nlast\r\n";
	int fd[2];

	begin("");
	fd[0] = client_unix(&s);
	fd[1] = client_tcp(&s);
	for (size_t k = 0; k < 2; k++) {
		cr_assert(client_hears(fd[k], "hello"));
		for (size_t cut = 0; cut < sizeof(wire); cut++) {
			(void)!send(fd[k], wire, cut, 0);
			if (cut % 3 == 0)
				sleep_ms(2);
			(void)!send(
			    fd[k], wire + cut, sizeof(wire) - 1 - cut, 0);
			cr_assert(client_hears(fd[k], "first"), "%zu", cut);
			cr_assert(client_hears(fd[k], "second one"));
			cr_assert(client_hears(fd[k], ""));
			cr_assert(client_hears(fd[k], "x"));
			cr_assert(client_hears(fd[k], "last"));
		}
		(void)close(fd[k]);
	}
	cr_assert(wait_for(&s.closed, 2));
	end();
}

Test(conn, a_fast_reader_gets_much_output)
{
	enum { MUCH = 300 << 20 };
	char text[64];
	int fd;

	begin("");
	fd = client_tcp(&s);
	cr_assert(client_hears(fd, "hello"));
	(void)snprintf(text, sizeof(text), "big %d\r\nnext\r\n", MUCH);
	client_say(fd, text);
	cr_assert(swallow(fd, MUCH, 1 << 20));
	cr_assert(client_hears(fd, "done"));
	cr_assert(client_hears(fd, "next"));
	(void)close(fd);
	end();
}

Test(conn, slow_readers_cost_bounded_memory)
{
	enum { READERS = 8, MUCH = 64 << 20 };
	char text[64];
	int fd[READERS];
	long before;

	begin("output = 64K");
	before = resident_kib();
	(void)snprintf(text, sizeof(text), "big %d\r\nnext\r\n", MUCH);
	for (int i = 0; i < READERS; i++) {
		fd[i] = client_unix(&s);
		cr_assert(client_hears(fd[i], "hello"));
		client_say(fd[i], text);
	}
	for (int round = 0; round < 30; round++) {
		sleep_ms(10);
		for (int i = 0; i < READERS; i++)
			cr_assert(swallow(fd[i], 50000, 50000));
	}
#if !defined(__SANITIZE_ADDRESS__)
	cr_expect_lt(resident_kib() - before, 16384);
#else
	(void)before;
#endif
	/* What was cut into pieces is whole. */
	cr_assert(swallow(fd[0], MUCH - 30 * 50000, 65536));
	cr_assert(client_hears(fd[0], "done"));
	cr_assert(client_hears(fd[0], "next"));
	for (int i = 0; i < READERS; i++)
		(void)close(fd[i]);
	cr_assert(wait_for(&s.closed, READERS));
	end();
}

Test(conn, who_closes_its_own_side_still_gets_all_answers)
{
	enum { MUCH = 20 << 20 };
	char text[64];
	int fd;

	begin("");
	fd = client_unix(&s);
	cr_assert(client_hears(fd, "hello"));
	(void)snprintf(text, sizeof(text), "big %d\r\nlast\r\n", MUCH);
	client_say(fd, text);
	(void)shutdown(fd, SHUT_WR);
	sleep_ms(50);
	cr_assert(swallow(fd, MUCH, 10000));
	cr_assert(client_hears(fd, "done"));
	cr_assert(client_hears(fd, "last"));
	cr_assert(client_ended(fd));
	(void)close(fd);
	end();
}

Test(conn, an_end_without_a_line_end_is_an_end)
{
	int fd;

	begin("");
	fd = client_tcp(&s);
	cr_assert(client_hears(fd, "hello"));
	client_say(fd, "half a li");
	(void)shutdown(fd, SHUT_WR);
	cr_assert(client_ended(fd));
	cr_assert(wait_for(&s.closed, 1));
	(void)close(fd);
	end();
}

Test(conn, who_does_not_read_is_closed_in_time)
{
	int64_t start;
	int fd;

	begin("write_time = 1\noutput = 16K");
	fd = client_unix(&s);
	start = now_ms();
	client_say(fd, "big 100000000\r\n");
	cr_assert(wait_for(&s.closed, 1));
	cr_expect_geq(now_ms() - start, 900);
	(void)close(fd);
	end();
}

/* Also when every piece has found room so far, and the next one will not. */
Test(conn, who_does_not_read_is_closed_after_slow_work_too)
{
	struct linger hard = { 1, 0 };
	int fd[2], size = 2048;

	begin("write_time = 1");
	fd[0] = client_unix(&s);
	fd[1] = client_tcp(&s);
	(void)setsockopt(fd[1], SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	for (int i = 0; i < 2; i++)
		client_say(fd[i], "trickle\r\n");
	cr_expect(wait_for(&s.closed, 1));
	(void)setsockopt(fd[1], SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	for (int i = 0; i < 2; i++)
		(void)close(fd[i]);
	cr_expect(wait_for(&s.closed, 2));
	end();
}

Test(conn, what_fills_the_buffer_without_a_line_is_closed)
{
	char line[3000];
	int fd;

	begin("");
	fd = client_tcp(&s);
	cr_assert(client_hears(fd, "hello"));
	client_say(fd, "small 2000\r\nok\r\n");
	cr_assert(client_hears(fd, "ok"));
	memset(line, 'a', sizeof(line) - 1);
	line[sizeof(line) - 1] = '\0';
	client_say(fd, line);
	cr_assert(client_ended(fd));
	(void)close(fd);
	end();
}

Test(conn, the_last_words_arrive_although_more_was_sent)
{
	begin("");
	for (int i = 0; i < 50; i++) {
		int fd = client_tcp(&s);

		client_say(fd, "quit\r\nnot\r\nread\r\n");
		cr_assert(client_hears(fd, "hello"));
		cr_assert(client_hears(fd, "bye"));
		cr_assert(client_ended(fd));
		(void)close(fd);
	}
	cr_assert(wait_for(&s.closed, 50));
	end();
}

/* One worker: who asks for its turn again lets others have theirs. */
Test(conn, long_work_in_turns_lets_others_in)
{
	int64_t start;
	int busy[3], fd;

	begin("workers_min = 1\nworkers_max = 1");
	for (int i = 0; i < 3; i++) {
		busy[i] = client_unix(&s);
		cr_assert(client_hears(busy[i], "hello"));
		client_say(busy[i], "again 1000\r\n");
	}
	sleep_ms(50);
	fd = client_tcp(&s);
	start = now_ms();
	cr_assert(client_hears(fd, "hello"));
	for (int i = 0; i < 3; i++) {
		client_say(fd, "me too\r\n");
		cr_assert(client_hears(fd, "me too"));
	}
	cr_expect_lt(now_ms() - start, 900);
	for (int i = 0; i < 3; i++) {
		cr_assert(client_hears(busy[i], "done"));
		(void)close(busy[i]);
	}
	(void)close(fd);
	end();
}

/* The socket has no room, so that it never becomes writable; the work goes on
 * nevertheless, up to the time-out for those who do not read. */
Test(conn, work_in_turns_does_not_wait_for_the_reader)
{
	int fd, size = 4096;

	begin("write_time = 1\noutput = 1M");
	fd = client_unix(&s);
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	cr_assert(client_hears(fd, "hello"));
	client_say(fd, "big 180000\r\nagain 100\r\nbig 1000000\r\n");
	cr_assert(wait_for(&s.closed, 1));
	(void)close(fd);
	end();
}

Test(conn, blocked_handlers_make_the_pool_grow)
{
	enum { MANY = 12 };
	struct net_counters now;
	int64_t start;
	int fd[MANY];

	begin("workers_min = 1\nworkers_max = 32");
	for (int i = 0; i < MANY; i++) {
		fd[i] = client_unix(&s);
		cr_assert(client_hears(fd[i], "hello"));
	}
	start = now_ms();
	for (int i = 0; i < MANY; i++)
		client_say(fd[i], "block 500\r\n");
	sleep_ms(250);
	net_count(s.net, &now);
	cr_expect_geq(now.workers_busy, MANY);
	cr_expect_gt(now.workers, MANY);
	for (int i = 0; i < MANY; i++) {
		cr_assert(client_hears(fd[i], "done"));
		(void)close(fd[i]);
	}
	cr_expect_lt(now_ms() - start, 3000);
	end();
}

Test(conn, the_pool_keeps_its_limit)
{
	enum { MANY = 6 };
	struct net_counters now;
	int fd[MANY];

	begin("workers_min = 1\nworkers_max = 3");
	for (int i = 0; i < MANY; i++) {
		fd[i] = client_unix(&s);
		cr_assert(client_hears(fd[i], "hello"));
	}
	for (int i = 0; i < MANY; i++)
		client_say(fd[i], "block 100\r\n");
	sleep_ms(50);
	net_count(s.net, &now);
	cr_expect_leq(now.workers, 3);
	for (int i = 0; i < MANY; i++) {
		cr_assert(client_hears(fd[i], "done"));
		(void)close(fd[i]);
	}
	end();
}

Test(conn, hundreds_come_and_go)
{
	enum { AT_ONCE = 100, ROUNDS = 20 };
	struct net_counters now;
	int fd[AT_ONCE];

	begin("");
	for (int round = 0; round < ROUNDS; round++) {
		for (int i = 0; i < AT_ONCE; i++) {
			fd[i] = i % 2 == 0 ? client_tcp(&s) : client_unix(&s);
			cr_assert_geq(fd[i], 0);
		}
		for (int i = 0; i < AT_ONCE; i++) {
			if (i % 5 == 0)
				continue; /* leaves without a word */
			cr_assert(client_hears(fd[i], "hello"));
			client_say(fd[i], i % 3 == 0 ? "quit\r\n" : "x\r\n");
		}
		for (int i = 0; i < AT_ONCE; i++)
			(void)close(fd[i]);
	}
	cr_assert(wait_for(&s.closed, AT_ONCE * ROUNDS));
	cr_expect_eq(atomic_load(&s.open), AT_ONCE * ROUNDS);
	for (int i = 0; i < 500; i++) {
		net_count(s.net, &now);
		if (now.connections == 0)
			break;
		sleep_ms(10);
	}
	cr_expect_eq(now.connections, 0);
	cr_expect_eq(now.accepted, AT_ONCE * ROUNDS);
	end();
}
