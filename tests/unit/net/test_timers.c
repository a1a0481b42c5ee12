/*
 * Times: pauses, idle and absolute time-outs, and that none of them burns
 * processor time.
 */
#include "fixture.h"

#include <criterion/criterion.h>
#include <sys/socket.h>
#include <unistd.h>

static struct server s;

static void
begin(void)
{
	cr_assert(server_start(&s, "", false));
}

static void
end(void)
{
	server_stop(&s);
	server_clean(&s);
}

Test(timers, a_pause_lasts_as_long_as_asked)
{
	int64_t start;
	int fd;

	begin();
	fd = client_tcp(&s);
	cr_assert(client_hears(fd, "hello"));
	start = now_ms();
	client_say(fd, "pause 300\r\nbehind\r\n");
	cr_assert(client_hears(fd, "done"));
	cr_expect_geq(now_ms() - start, 299);
	cr_expect_lt(now_ms() - start, 2000);
	cr_assert(client_hears(fd, "behind"));
	(void)close(fd);
	end();
}

Test(timers, many_pauses_end_each_in_its_time)
{
	enum { MANY = 40 };
	int fd[MANY];
	int64_t start;

	begin();
	for (int i = 0; i < MANY; i++) {
		fd[i] = client_unix(&s);
		cr_assert(client_hears(fd[i], "hello"));
	}
	start = now_ms();
	for (int i = 0; i < MANY; i++) {
		char text[64];

		(void)snprintf(text, sizeof(text), "pause %d\r\n",
		    20 + i * 37 % MANY * 20);
		client_say(fd[i], text);
	}
	for (int i = 0; i < MANY; i++) {
		int64_t least = 20 + i * 37 % MANY * 20;

		cr_assert(client_hears(fd[i], "done"));
		cr_expect_geq(now_ms() - start, least - 1);
		(void)close(fd[i]);
	}
	cr_expect_lt(now_ms() - start, 4000);
	end();
}

/* epoll tells of a broken connection even when it is asked for nothing. */
Test(timers, who_leaves_in_a_pause_costs_nothing)
{
	struct linger hard = { 1, 0 };
	int64_t cpu;
	int fd[8];

	begin();
	for (int i = 0; i < 8; i++) {
		fd[i] = i % 2 == 0 ? client_tcp(&s) : client_unix(&s);
		cr_assert(client_hears(fd[i], "hello"));
		client_say(fd[i], "pause 60000\r\nmore\r\n");
	}
	sleep_ms(100);
	cpu = cpu_ms();
	for (int i = 0; i < 8; i++) {
		(void)setsockopt(
		    fd[i], SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
		(void)close(fd[i]);
	}
	cr_expect(wait_for(&s.closed, 8));
	sleep_ms(300);
	cr_expect_lt(cpu_ms() - cpu, 200);
	end();
}

Test(timers, idleness_is_noticed_and_activity_puts_it_off)
{
	int64_t start;
	int fd;

	begin();
	fd = client_tcp(&s);
	cr_assert(client_hears(fd, "hello"));
	client_say(fd, "idle 1\r\n");
	start = now_ms();
	for (int i = 0; i < 4; i++) {
		sleep_ms(400);
		client_say(fd, "still here\r\n");
		cr_assert(client_hears(fd, "still here"));
	}
	cr_assert(client_hears(fd, "timer"));
	cr_expect_geq(now_ms() - start, 2590);
	(void)close(fd);
	end();
}

Test(timers, a_deadline_comes_whatever_is_said)
{
	int64_t start;
	int fd;

	begin();
	fd = client_tcp(&s);
	cr_assert(client_hears(fd, "hello"));
	start = now_ms();
	client_say(fd, "idle 60\r\ndeadline 300\r\n");
	for (int i = 0; i < 2; i++) {
		sleep_ms(50);
		client_say(fd, "x\r\n");
		cr_assert(client_hears(fd, "x"));
	}
	cr_assert(client_hears(fd, "timer"));
	cr_expect_geq(now_ms() - start, 299);
	cr_expect_lt(now_ms() - start, 2000);
	/* Once only. */
	client_say(fd, "after\r\n");
	cr_assert(client_hears(fd, "after"));
	(void)close(fd);
	end();
}

/* A slot is used again: the time of who had it before means nothing. */
Test(timers, times_of_those_who_left_do_not_come)
{
	int fd;

	begin();
	for (int i = 0; i < 30; i++) {
		fd = client_unix(&s);
		cr_assert(client_hears(fd, "hello"));
		client_say(fd, "deadline 200\r\nx\r\n");
		cr_assert(client_hears(fd, "x"));
		(void)close(fd);
	}
	cr_assert(wait_for(&s.closed, 30));
	fd = client_unix(&s);
	cr_assert(client_hears(fd, "hello"));
	sleep_ms(300);
	cr_expect_eq(atomic_load(&s.timers), 0);
	(void)close(fd);
	end();
}

Test(timers, idle_connections_cost_no_time)
{
	enum { MANY = 200 };
	int fd[MANY];
	int64_t cpu;

	begin();
	for (int i = 0; i < MANY; i++) {
		fd[i] = client_unix(&s);
		cr_assert(client_hears(fd[i], "hello"));
		client_say(fd[i], "idle 1000\r\n");
	}
	sleep_ms(200);
	cpu = cpu_ms();
	sleep_ms(500);
	cr_expect_lt(cpu_ms() - cpu, 50);
	for (int i = 0; i < MANY; i++)
		(void)close(fd[i]);
	end();
}
