/*
 * Waking connections from other threads, and closing them from there.
 */
#include "fixture.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <unistd.h>

static struct server s;
static atomic_bool quit;

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

/* Talks all the time, so that the connection is running or parked. */
static void *
chatter(void *arg)
{
	int fd = *(int *)arg;

	while (!atomic_load(&quit)) {
		client_say(fd, "chat\r\n");
		if (!client_hears(fd, "chat"))
			return arg;
	}
	return NULL;
}

static bool
wait_seen(uint64_t told)
{
	int64_t until = now_ms() + 5000;

	while (atomic_load(&s.seen) < told)
		if (now_ms() > until)
			return false;
	return true;
}

static int
listening_client(void)
{
	int fd = client_unix(&s);

	cr_assert(client_hears(fd, "hello"));
	client_say(fd, "handle\r\n");
	cr_assert(client_hears(fd, "done"));
	return fd;
}

Test(wake, none_of_many_is_lost)
{
	pthread_t talker;
	void *failed;
	int fd;

	begin();
	fd = listening_client();
	cr_assert_eq(pthread_create(&talker, NULL, chatter, &fd), 0);
	for (uint64_t i = 1; i <= 10000; i++) {
		atomic_store(&s.told, i);
		net_wake(s.handle);
		cr_assert(wait_seen(i), "%u", (unsigned)i);
	}
	atomic_store(&quit, true);
	(void)pthread_join(talker, &failed);
	cr_expect_null(failed);
	(void)close(fd);
	end();
}

Test(wake, the_last_one_of_a_burst_is_seen)
{
	int fd;

	begin();
	fd = listening_client();
	for (uint64_t i = 1; i <= 200000; i++) {
		atomic_store(&s.told, i);
		net_wake(s.handle);
	}
	cr_assert(wait_seen(200000));
	/* Many at once are one. */
	cr_expect_leq(atomic_load(&s.woken), 200000);
	(void)close(fd);
	end();
}

Test(wake, waits_for_the_end_of_what_is_under_way)
{
	int fd;

	begin();
	fd = listening_client();
	client_say(fd, "pause 300\r\n");
	sleep_ms(50);
	atomic_store(&s.told, 1);
	net_wake(s.handle);
	sleep_ms(50);
	cr_expect_eq(atomic_load(&s.seen), 0);
	cr_assert(client_hears(fd, "done"));
	cr_assert(wait_seen(1));
	(void)close(fd);
	end();
}

/* The time-out and the waking come together, again and again. */
Test(wake, is_not_lost_beside_a_timer)
{
	int fd;

	begin();
	fd = listening_client();
	for (uint64_t i = 1; i <= 100; i++) {
		client_say(fd, "deadline 5\r\n");
		sleep_ms(3 + (int64_t)(i % 4));
		atomic_store(&s.told, i);
		net_wake(s.handle);
		cr_assert(wait_seen(i));
		cr_assert(client_hears(fd, "timer"));
	}
	(void)close(fd);
	end();
}

Test(wake, the_handle_of_one_that_is_gone_does_nothing)
{
	struct net_handle old;
	int fd;

	begin();
	fd = listening_client();
	old = s.handle;
	(void)close(fd);
	cr_assert(wait_for(&s.closed, 1));
	sleep_ms(20);
	fd = listening_client();
	cr_assert_eq(s.handle.slot, old.slot);
	cr_assert_neq(s.handle.generation, old.generation);
	for (int i = 0; i < 100; i++)
		net_wake(old);
	client_say(fd, "x\r\n");
	cr_assert(client_hears(fd, "x"));
	cr_expect_eq(atomic_load(&s.woken), 0);
	net_wake((struct net_handle){ 0 });
	(void)close(fd);
	end();
}

static void
note_id(void *arg, const struct net_info *i)
{
	*(uint64_t *)arg = i->id;
}

Test(wake, kicking_closes_one_connection)
{
	uint64_t id = 0;
	int fd, other;

	begin();
	fd = client_tcp(&s);
	cr_assert(client_hears(fd, "hello"));
	net_each(s.net, note_id, &id);
	cr_assert_neq(id, 0);
	other = client_tcp(&s);
	cr_assert(client_hears(other, "hello"));
	cr_expect_not(net_kick(s.net, id + 100));
	cr_expect(net_kick(s.net, id));
	cr_assert(client_ended(fd));
	client_say(other, "x\r\n");
	cr_assert(client_hears(other, "x"));
	cr_expect_not(net_kick(s.net, id));
	(void)close(fd);
	(void)close(other);
	end();
}

Test(wake, kicking_ends_a_pause_and_a_long_answer)
{
	uint64_t id = 0;
	int fd;

	begin();
	for (int i = 0; i < 2; i++) {
		fd = client_unix(&s);
		cr_assert(client_hears(fd, "hello"));
		client_say(
		    fd, i == 0 ? "pause 60000\r\n" : "big 1000000000\r\n");
		sleep_ms(50);
		net_each(s.net, note_id, &id);
		cr_expect(net_kick(s.net, id));
		cr_assert(wait_for(&s.closed, (unsigned)i + 1));
		(void)close(fd);
	}
	end();
}

static void
check_info(void *arg, const struct net_info *i)
{
	unsigned *n = arg;

	(*n)++;
	cr_expect_str_eq(i->protocol, "lines");
	cr_expect_str_eq(i->tls, "");
	cr_expect_str_eq(i->user, "somebody");
	if (strcmp(i->listener, "local") == 0) {
		cr_expect_str_eq(i->peer, "unix");
	} else {
		cr_expect_str_eq(i->listener, "loop");
		cr_expect_str_eq(i->peer, "127.0.0.1");
		cr_expect_gt(i->peer_port, 0);
	}
	cr_expect_eq(i->octets_in, 15);
	cr_expect_eq(i->octets_out, 12);
}

Test(wake, connections_can_be_looked_at)
{
	unsigned n = 0;
	int fd[2];

	begin();
	fd[0] = client_tcp(&s);
	fd[1] = client_unix(&s);
	for (int i = 0; i < 2; i++) {
		cr_assert(client_hears(fd[i], "hello"));
		client_say(fd[i], "user somebody\r\n");
		cr_assert(client_hears(fd[i], "yes"));
	}
	sleep_ms(50);
	net_each(s.net, check_info, &n);
	cr_expect_eq(n, 2);
	(void)close(fd[0]);
	(void)close(fd[1]);
	end();
}

Test(wake, a_connection_that_waits_hears_nothing_else, .init = begin,
    .fini = end)
{
	int fd = listening_client();

	client_say(fd, "wait\r\none\r\n");
	client_say(fd, "two\r\n");
	sleep_ms(50);
	net_wake(s.handle);
	cr_expect(client_hears(fd, "awake"));
	cr_expect(client_hears(fd, "one"));
	cr_expect(client_hears(fd, "two"));
	/* A wake-up that comes while it does not wait is not kept for later. */
	net_wake(s.handle);
	cr_expect(wait_for(&s.woken, 2));
	client_say(fd, "wait\r\n");
	sleep_ms(50);
	client_say(fd, "three\r\n");
	net_wake(s.handle);
	cr_expect(client_hears(fd, "awake"));
	cr_expect(client_hears(fd, "three"));
	(void)close(fd);
}

Test(wake, who_hangs_up_while_waiting_is_gone, .init = begin, .fini = end)
{
	int fd = listening_client();
	int64_t cpu;

	client_say(fd, "wait\r\n");
	sleep_ms(20);
	(void)close(fd);
	cr_expect(wait_for(&s.closed, 1));
	net_wake(s.handle);
	cpu = cpu_ms();
	sleep_ms(100);
	cr_expect_lt(cpu_ms() - cpu, 50);
}

Test(wake, a_goodbye_waits_for_who_waits, .init = begin, .fini = end)
{
	int fd = listening_client();
	int64_t before = now_ms();

	client_say(fd, "wait\r\n");
	sleep_ms(20);
	server_stop(&s);
	/* limits.shutdown_time of the fixture is over before that. */
	cr_expect_lt(now_ms() - before, 8000);
	cr_expect(client_ended(fd));
	(void)close(fd);
	server_clean(&s);
	cr_assert(server_start(&s, "", false));
}
