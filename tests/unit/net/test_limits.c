/*
 * Limits on connections, and how the whole ends.
 */
#include "fixture.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <netinet/in.h>
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

/* A connection closed by the client is counted until the server knows. */
static void
wait_left(size_t connections)
{
	struct net_counters now;

	for (int i = 0; i < 5000; i++) {
		net_count(s.net, &now);
		if (now.connections <= connections)
			return;
		sleep_ms(1);
	}
}

Test(limits, of_all_connections)
{
	struct net_counters now;
	int fd[5];

	begin("connections = 4");
	for (int i = 0; i < 5; i++)
		fd[i] = client_tcp(&s);
	for (int i = 0; i < 4; i++)
		cr_assert(client_hears(fd[i], "hello"));
	cr_assert(client_hears(fd[4], "busy"));
	cr_assert(client_ended(fd[4]));
	net_count(s.net, &now);
	cr_expect_eq(now.refused, 1);
	cr_expect_eq(now.accepted, 5);
	(void)close(fd[0]);
	(void)close(fd[4]);
	wait_left(3);
	fd[0] = client_unix(&s);
	cr_assert(client_hears(fd[0], "hello"));
	for (int i = 0; i < 4; i++)
		(void)close(fd[i]);
	end();
}

static int
client_from(const char *address)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)s.port),
		.sin_addr = { htonl(INADDR_LOOPBACK) } };
	struct sockaddr_in from = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	cr_assert_eq(inet_pton(AF_INET, address, &from.sin_addr), 1);
	cr_assert_eq(bind(fd, (struct sockaddr *)&from, sizeof(from)), 0);
	cr_assert_eq(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

Test(limits, of_one_address_leave_others_alone)
{
	int fd[4], again;

	begin("connections_per_address = 2");
	fd[0] = client_from("127.0.0.2");
	fd[1] = client_from("127.0.0.2");
	fd[2] = client_from("127.0.0.2");
	fd[3] = client_from("127.0.0.3");
	cr_assert(client_hears(fd[0], "hello"));
	cr_assert(client_hears(fd[1], "hello"));
	cr_assert(client_hears(fd[2], "busy"));
	cr_assert(client_hears(fd[3], "hello"));
	(void)close(fd[1]);
	wait_left(2);
	again = client_from("127.0.0.2");
	cr_assert(client_hears(again, "hello"));
	/* A Unix socket has no address. */
	for (int i = 0; i < 5; i++) {
		int local = client_unix(&s);

		cr_assert(client_hears(local, "hello"));
	}
	(void)close(again);
	(void)close(fd[0]);
	(void)close(fd[2]);
	(void)close(fd[3]);
	end();
}

Test(limits, of_one_user)
{
	int fd[4];

	begin("connections_per_user = 2");
	for (int i = 0; i < 4; i++) {
		fd[i] = client_unix(&s);
		cr_assert(client_hears(fd[i], "hello"));
	}
	client_say(fd[0], "user anna\r\n");
	cr_assert(client_hears(fd[0], "yes"));
	client_say(fd[1], "user anna\r\n");
	cr_assert(client_hears(fd[1], "yes"));
	client_say(fd[2], "user anna\r\n");
	cr_assert(client_hears(fd[2], "no"));
	client_say(fd[3], "user bert\r\n");
	cr_assert(client_hears(fd[3], "yes"));
	/* Who becomes somebody else does not count any more. */
	client_say(fd[1], "user bert\r\n");
	cr_assert(client_hears(fd[1], "yes"));
	client_say(fd[2], "user anna\r\n");
	cr_assert(client_hears(fd[2], "yes"));
	(void)close(fd[0]);
	wait_left(3);
	fd[0] = client_unix(&s);
	cr_assert(client_hears(fd[0], "hello"));
	client_say(fd[0], "user anna\r\n");
	cr_assert(client_hears(fd[0], "yes"));
	for (int i = 0; i < 4; i++)
		(void)close(fd[i]);
	end();
}

Test(limits, change_with_the_configuration)
{
	struct config *tighter;
	int fd[3];

	begin("");
	fd[0] = client_tcp(&s);
	cr_assert(client_hears(fd[0], "hello"));
	tighter = server_config(s.path, "connections_per_address = 1", "");
	cr_assert_not_null(tighter);
	net_reconfigure(s.net, tighter);
	config_unref(&tighter);
	fd[1] = client_tcp(&s);
	cr_assert(client_hears(fd[1], "busy"));
	/* Who is here stays. */
	client_say(fd[0], "x\r\n");
	cr_assert(client_hears(fd[0], "x"));
	net_reconfigure(s.net, s.cfg);
	fd[2] = client_tcp(&s);
	cr_assert(client_hears(fd[2], "hello"));
	for (int i = 0; i < 3; i++)
		(void)close(fd[i]);
	end();
}

/* What waits to be sent survives a lower limit. */
Test(limits, of_output_may_shrink_while_output_waits)
{
	enum { MUCH = 4 << 20 };
	static char all[65536];
	struct config *tighter;
	uint64_t n = MUCH;
	int fd;

	begin("output = 1M");
	fd = client_unix(&s);
	cr_assert(client_hears(fd, "hello"));
	client_say(fd, "big 4194304\r\nlast\r\n");
	sleep_ms(100);
	tighter = server_config(s.path, "output = 4K", "");
	net_reconfigure(s.net, tighter);
	config_unref(&tighter);
	while (n > 0) {
		ssize_t got = recv(
		    fd, all, n < sizeof(all) ? n : sizeof(all), 0);

		cr_assert_gt(got, 0);
		for (ssize_t i = 0; i < got; i++, n--)
			cr_assert_eq(all[i], (MUCH - n) % 4096 < 3
						 ? "xyz"[(MUCH - n) % 4096]
						 : '\0');
	}
	cr_assert(client_hears(fd, "done"));
	cr_assert(client_hears(fd, "last"));
	(void)close(fd);
	end();
}

/* --- the end
 * ------------------------------------------------------------------
 */

Test(stop, says_goodbye_to_everybody)
{
	enum { MANY = 50 };
	int fd[MANY];

	begin("");
	for (int i = 0; i < MANY; i++) {
		fd[i] = i % 2 == 0 ? client_tcp(&s) : client_unix(&s);
		cr_assert(client_hears(fd[i], "hello"));
	}
	for (int i = 0; i < MANY; i += 5)
		(void)shutdown(fd[i], SHUT_WR);
	server_stop(&s);
	for (int i = 1; i < MANY; i++) {
		char line[64];

		if (i % 5 != 0)
			cr_assert(client_hears(fd[i], "stopping"), "%d", i);
		else /* whichever end was noticed first */
			(void)client_line(fd[i], line, sizeof(line));
		cr_assert(client_ended(fd[i]));
		(void)close(fd[i]);
	}
	(void)close(fd[0]);
	cr_expect_eq(atomic_load(&s.closed), MANY);
	cr_expect_eq(client_tcp(&s), -1);
	cr_expect_eq(client_unix(&s), -1);
	server_clean(&s);
}

Test(stop, waits_for_what_is_under_way)
{
	int fd;

	begin("");
	fd = client_unix(&s);
	cr_assert(client_hears(fd, "hello"));
	client_say(fd, "block 500\r\n");
	sleep_ms(50);
	server_stop(&s);
	cr_assert(client_hears(fd, "done"));
	cr_assert(client_hears(fd, "stopping"));
	(void)close(fd);
	server_clean(&s);
}

/* A client that does not read, and one in a pause, do not hold it up. */
Test(stop, has_limited_patience)
{
	int64_t start;
	int fd[2];

	begin("");
	for (int i = 0; i < 2; i++) {
		fd[i] = client_unix(&s);
		cr_assert(client_hears(fd[i], "hello"));
	}
	client_say(fd[0], "big 1000000000\r\n");
	client_say(fd[1], "pause 60000\r\n");
	sleep_ms(100);
	start = now_ms();
	server_stop(&s);
	cr_expect_geq(now_ms() - start, 1900);
	cr_expect_lt(now_ms() - start, 5000);
	cr_expect_eq(atomic_load(&s.closed), 2);
	(void)close(fd[0]);
	(void)close(fd[1]);
	server_clean(&s);
}

Test(stop, right_after_the_start)
{
	for (int i = 0; i < 20; i++) {
		begin("");
		server_stop(&s);
		server_clean(&s);
	}
}

Test(stop, while_clients_come)
{
	for (int i = 0; i < 10; i++) {
		int fd[20];

		begin("");
		for (int k = 0; k < 20; k++)
			fd[k] = client_tcp(&s);
		server_stop(&s);
		cr_expect_eq(atomic_load(&s.open), atomic_load(&s.closed));
		for (int k = 0; k < 20; k++)
			(void)close(fd[k]);
		server_clean(&s);
	}
}
