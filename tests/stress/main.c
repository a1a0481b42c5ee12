/*
 * State-tracking stress: many clients with random commands on few mailboxes,
 * each comparing every response with its own model; see stress.h.
 *
 *	stress --port N [--host A] [--seconds N] [--connections N] [--users N]
 *	    [--seed N] [--patience SECONDS] [--trace DIR] [--dump FILE]
 *	    [--outside MAILROOT]
 *
 * The users user1@DOMAIN and so on must exist. --outside changes the Maildirs
 * at MAILROOT behind the server's back. Ends with 0 when nothing was wrong;
 * else tells what, with the conversation before it, and ends with 1.
 * tests/stress/stress.py starts a server and this.
 */
#include "stress.h"

#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

struct options options = { .host = "127.0.0.1",
	.domain = "example.test",
	.password = "secret",
	.users = 3,
	.connections = 30,
	.seconds = 15,
	.patience = 60 };
bool quit;
unsigned failures;
struct conn *auditors;

static struct conn *conns;
static double checkpoints_every = 2;

double
now(void)
{
	static struct timespec begin;
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	if (begin.tv_sec == 0)
		begin = ts;
	return (double)(ts.tv_sec - begin.tv_sec) +
	       (double)(ts.tv_nsec - begin.tv_nsec) / 1e9;
}

/* --- failures --------------------------------------------------------------
 */

static void
show_trace(const struct conn *c)
{
	size_t n = c->trace_n < TRACE ? c->trace_n : TRACE;

	for (size_t i = c->trace_n - n; i < c->trace_n; i++) {
		char ch = c->trace[i % TRACE];

		(void)fputc(ch == '\r' ? '~' : ch, stdout);
	}
}

void
fail(struct conn *c, const char *fmt, ...)
{
	va_list ap;

	quit = true;
	if (failures++ >= 3)
		return;
	printf(
	    "\n=== the conversation of connection %u, user%u, %s%s, in \"%s\""
	    " ===\n",
	    c->id, c->user + 1, c->is_qresync ? "QRESYNC" : "",
	    c->is_condstore ? " CONDSTORE" : "", c->view.name);
	show_trace(c);
	printf("=== WRONG (seed %llu, connection %u, %.4f s): ",
	    (unsigned long long)options.seed, c->id, now());
	va_start(ap, fmt);
	(void)vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	(void)fflush(stdout);
}

/* --- the loop --------------------------------------------------------------
 */

static void
drain(struct conn *c)
{
	struct pst_str r;

	while (failures == 0 && c->fd >= 0 && conn_response(c, &r)) {
		struct buf one;

		/* Of its own: the model may close the connection. */
		buf_init(&one, 64 << 20);
		(void)buf_add_str(&one, r);
		buf_consume(&c->in, r.n + 2);
		take_response(c, buf_str(&one));
		buf_fini(&one);
	}
}

static void
check_patience(struct conn *c)
{
	const struct cmd *cmd = c->first;

	if (cmd == NULL || (cmd->kind == K_IDLE && !cmd->done_sent))
		return;
	if (now() - cmd->sent > options.patience &&
	    now() - c->last_byte > options.patience)
		fail(c, "no answer to a%u", cmd->tag);
}

void
pump(int ms)
{
	unsigned n = options.connections + options.users, k = 0;
	struct pollfd *fds = mem_array(n, sizeof(*fds));
	struct conn **of = mem_array(n, sizeof(*of));

	for (unsigned i = 0; i < n; i++) {
		struct conn *c = i < options.connections
				     ? &conns[i]
				     : &auditors[i - options.connections];

		if (c->fd < 0)
			continue;
		conn_flush(c);
		c->out_held = 0;
		check_patience(c);
		fds[k] = (struct pollfd){ .fd = c->fd,
			.events = (short)(POLLIN |
					  (c->out.n > 0 ? POLLOUT : 0)) };
		of[k++] = c;
	}
	(void)poll(fds, k, ms);
	for (unsigned i = 0; i < k && failures == 0; i++) {
		if (fds[i].revents & POLLOUT)
			conn_flush(of[i]);
		if (fds[i].revents & (POLLIN | POLLHUP | POLLERR)) {
			conn_read(of[i]);
			drain(of[i]);
		}
	}
	free(fds);
	free(of);
}

static void
run(void)
{
	double next = checkpoints_every, outside_at = 0;
	struct dice outsider;

	dice_init(&outsider, options.seed, 999999);
	while (failures == 0 && now() < options.seconds) {
		for (unsigned i = 0; i < options.connections && failures == 0;
		     i++)
			conn_act(&conns[i]);
		pump(5);
		(void)abandoned();
		if (options.outsiders && now() > outside_at) {
			outside_step(&outsider);
			outside_at = now() + 0.01;
		}
		if (failures == 0 && now() > next) {
			checkpoint(conns, options.connections);
			next = now() + checkpoints_every;
		}
	}
	if (failures == 0)
		checkpoint(conns, options.connections);
}

/* --- beginning and end -----------------------------------------------------
 */

static void
conn_begin(struct conn *c, unsigned id, unsigned user)
{
	c->id = id;
	c->user = user;
	c->fd = c->trace_fd = -1;
	c->last = &c->first;
	dice_init(&c->dice, options.seed, id);
	c->condstore = id % 4 != 0;
	c->qresync = id % 4 >= 2;
	c->notify = id % 8 == 5 || id % 8 == 6;
	if (options.trace != NULL) {
		char path[PATH_MAX];

		(void)snprintf(path, sizeof(path), "%s/%u", options.trace, id);
		c->trace_fd = open(
		    path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	}
}

static void
make_mailboxes(void)
{
	for (unsigned u = 0; u < options.users; u++) {
		struct conn *c = &auditors[u];

		if (!conn_open(c))
			return;
		cmd_simple(c, K_LOGIN, false, "LOGIN \"user%u@%s\" %s", u + 1,
		    options.domain, options.password);
		for (int i = 1; i < LASTING; i++)
			cmd_simple(
			    c, K_NAMES, true, "CREATE \"%s\"", lasting[i]);
		while (c->first != NULL && failures == 0)
			pump(20);
	}
}

static unsigned long
number(const char *text)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (*text == '\0' || *end != '\0') {
		(void)fprintf(
		    stderr, "stress: a number is expected: %s\n", text);
		exit(2);
	}
	return n;
}

static void
read_options(int argc, char **argv)
{
	static const struct option known[] = {
		{ "host", required_argument, NULL, 'h' },
		{ "port", required_argument, NULL, 'p' },
		{ "seconds", required_argument, NULL, 's' },
		{ "connections", required_argument, NULL, 'c' },
		{ "users", required_argument, NULL, 'u' },
		{ "seed", required_argument, NULL, 'S' },
		{ "patience", required_argument, NULL, 'P' },
		{ "trace", required_argument, NULL, 't' },
		{ "dump", required_argument, NULL, 'd' },
		{ "outside", required_argument, NULL, 'o' },
		{ NULL, 0, NULL, 0 },
	};
	int opt;

	options.seed = (uint64_t)time(NULL) * 1000 + (uint64_t)getpid() % 1000;
	while ((opt = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (opt == 'h')
			options.host = optarg;
		else if (opt == 'p')
			options.port = (unsigned)number(optarg);
		else if (opt == 's')
			options.seconds = (unsigned)number(optarg);
		else if (opt == 'c')
			options.connections = (unsigned)number(optarg);
		else if (opt == 'u')
			options.users = (unsigned)number(optarg);
		else if (opt == 'S')
			options.seed = number(optarg);
		else if (opt == 'P')
			options.patience = (unsigned)number(optarg);
		else if (opt == 't')
			options.trace = optarg;
		else if (opt == 'd')
			options.dump = optarg;
		else if (opt == 'o')
			options.mail_root = optarg;
		else
			exit(2);
	}
	options.outsiders = options.mail_root != NULL;
	if (options.port == 0 || options.users == 0 ||
	    options.connections == 0) {
		(void)fprintf(stderr, "stress: --port is needed\n");
		exit(2);
	}
}

int
main(int argc, char **argv)
{
	unsigned long commands = 0, responses = 0;

	read_options(argc, argv);
	(void)signal(SIGPIPE, SIG_IGN);
	printf("stress: seed %llu, %u connections, %u users, %u s%s\n",
	    (unsigned long long)options.seed, options.connections,
	    options.users, options.seconds,
	    options.outsiders ? ", with outsiders" : "");
	(void)fflush(stdout);
	conns = mem_array(options.connections, sizeof(*conns));
	auditors = mem_array(options.users, sizeof(*auditors));
	for (unsigned i = 0; i < options.connections; i++)
		conn_begin(&conns[i], i, i % options.users);
	for (unsigned i = 0; i < options.users; i++) {
		conn_begin(&auditors[i], 10000 + i, i);
		auditors[i].condstore = true;
		auditors[i].qresync = auditors[i].notify = false;
	}
	(void)now();
	make_mailboxes();
	run();
	for (unsigned i = 0; i < options.connections; i++) {
		commands += conns[i].commands;
		responses += conns[i].responses;
	}
	if (failures == 0 && options.dump != NULL && !dump_world(options.dump))
		failures++;
	printf("stress: %lu commands, %lu responses, %u acts of outsiders, "
	       "%u wrong\n",
	    commands, responses, outside_n, failures);
	for (unsigned i = 0; i < options.connections; i++)
		conn_close(&conns[i]);
	for (unsigned i = 0; i < options.users; i++)
		conn_close(&auditors[i]);
	return failures > 0;
}
