/*
 * Binding: left-over and used Unix sockets, taken ports, and the sockets that
 * a service manager gives (sd_listen_fds(3)).
 */
#include "fixture.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct net_protocol *
protocol_for(const struct config_listener *l)
{
	(void)l;
	return server_protocol;
}

static char dir[64], path[96];

static void
make_dir(void)
{
	(void)snprintf(dir, sizeof(dir), "/tmp/postern-net-XXXXXX");
	cr_assert_not_null(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/socket", dir);
}

static void
remove_dir(void)
{
	(void)unlink(path);
	(void)rmdir(dir);
}

static int
listen_unix(bool keep)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", path);
	cr_assert_eq(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	cr_assert_eq(listen(fd, 1), 0);
	if (!keep) {
		(void)close(fd);
		fd = -1;
	}
	return fd;
}

static int
listen_tcp(int *port_r)
{
	struct sockaddr_in sa = { .sin_family = AF_INET,
		.sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(sa);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0 ||
	    listen(fd, 1) < 0 ||
	    getsockname(fd, (struct sockaddr *)&sa, &len) < 0)
		return -1;
	*port_r = ntohs(sa.sin_port);
	return fd;
}

Test(listen, a_left_over_socket_is_replaced)
{
	struct pst_error err = { 0 };
	struct config *cfg;
	struct net *n;
	struct stat st;

	make_dir();
	(void)listen_unix(false);
	cfg = server_config(path, "", "");
	n = net_new(cfg, NULL, protocol_for, NULL);
	cr_expect_eq(net_bind(n, &err), PST_OK, "%s", err.detail);
	cr_expect_eq(net_port(n, 0), 0);
	cr_expect_gt(net_port(n, 1), 0);
	net_free(&n);
	cr_expect_lt(stat(path, &st), 0, "the socket is left");
	config_unref(&cfg);
	remove_dir();
}

Test(listen, a_socket_in_use_is_not_taken)
{
	struct pst_error err = { 0 };
	struct config *cfg;
	struct net *n;
	struct stat st;
	int other, queued[8];

	make_dir();
	other = listen_unix(true);
	/* Also when its queue is full, so that nobody can connect. */
	for (int i = 0; i < 8; i++) {
		struct sockaddr_un sa = { .sun_family = AF_UNIX };

		(void)snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", path);
		queued[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
		(void)connect(queued[i], (struct sockaddr *)&sa, sizeof(sa));
	}
	cfg = server_config(path, "", "");
	n = net_new(cfg, NULL, protocol_for, NULL);
	cr_expect_eq(net_bind(n, &err), PST_E_TEMP);
	cr_expect_not_null(strstr(err.detail, "listener local"));
	net_free(&n);
	cr_expect_eq(stat(path, &st), 0, "another's socket is gone");
	for (int i = 0; i < 8; i++)
		(void)close(queued[i]);
	(void)close(other);
	config_unref(&cfg);
	remove_dir();
}

Test(listen, a_port_in_use_is_an_error_with_its_name)
{
	struct pst_error err = { 0 };
	struct config_override port = { "listener.loop.port", NULL };
	struct config *cfg;
	struct net *n;
	char text[16];
	int taken, number = 0;

	taken = listen_tcp(&number);
	cr_assert_geq(taken, 0);
	(void)snprintf(text, sizeof(text), "%d", number);
	port.value = text;
	cfg = config_parse("hostname = \"a.example\"\n"
			   "listener loop {\n address = {\"127.0.0.1\"}\n"
			   " tls = none\n}\n",
	    &port, 1, NULL, NULL, &err);
	cr_assert_not_null(cfg, "%s", err.detail);
	n = net_new(cfg, NULL, protocol_for, NULL);
	cr_expect_eq(net_bind(n, &err), PST_E_TEMP);
	cr_expect_not_null(strstr(err.detail, "listener loop"));
	cr_expect_not_null(strstr(err.detail, text));
	net_free(&n);
	config_unref(&cfg);
	(void)close(taken);
}

/* --- sockets of a service manager
 * -----------------------------------------------------------------------
 */

/* What a process finds that was started with the descriptors 3 and 4. */
static int
started_by_manager(const char *names, const char *pid, int expect_port)
{
	struct pst_error err = { 0 };
	struct config *cfg = server_config(path, "", "");
	struct net *n = net_new(cfg, NULL, protocol_for, NULL);
	char own[32];

	(void)snprintf(own, sizeof(own), "%ld", (long)getpid());
	(void)setenv("LISTEN_PID", pid != NULL ? pid : own, 1);
	(void)setenv("LISTEN_FDS", "2", 1);
	(void)setenv("LISTEN_FDNAMES", names, 1);
	if (net_bind(n, &err) != PST_OK)
		return 2;
	if (expect_port != 0 && net_port(n, 1) != expect_port)
		return 3;
	if (expect_port == 0 && net_port(n, 1) == 0)
		return 4;
	/* The listeners without a socket of the manager's are bound. */
	if (access(path, F_OK) != 0)
		return 5;
	net_free(&n);
	config_unref(&cfg);
	return 0;
}

/* The manager's descriptors must be 3 and 4, which this process uses. */
static int
in_child(const char *names, const char *pid, bool first_is_ours)
{
	int status = -1, port = 0;
	pid_t child = fork();

	if (child == 0) {
		int a = listen_tcp(&port), other_port;
		int b = listen_tcp(&other_port);

		if (a < 0 || b < 0)
			_exit(10);
		a = fcntl(a, F_DUPFD, 100);
		b = fcntl(b, F_DUPFD, 100);
		if (dup2(a, 3) != 3 || dup2(b, 4) != 4)
			_exit(11);
		_exit(started_by_manager(names, pid, first_is_ours ? port : 0));
	}
	(void)waitpid(child, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

Test(listen, sockets_of_a_manager_go_by_name)
{
	make_dir();
	cr_expect_eq(in_child("loop:unknown", NULL, true), 0);
	cr_expect_eq(in_child("loop", NULL, true), 0);
	cr_expect_eq(in_child("unknown:loop", NULL, false), 0);
	cr_expect_eq(in_child("loop:loop", NULL, true), 0);
	cr_expect_eq(in_child("", NULL, false), 0);
	cr_expect_eq(in_child("::", NULL, false), 0);
	cr_expect_eq(in_child("loop:unknown", "1", false), 0);
	remove_dir();
}
