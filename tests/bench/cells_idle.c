/*
 * cells_idle.c - many connections in IDLE: what each costs in memory, and how
 * long after a delivery they hear of it.
 *
 * Two times: from the moment when the server says over LMTP that the message is
 * delivered (0 when they hear before that), and from sending its last octet,
 * which has in it the work of delivery and that of making it durable.
 */
#include "cells.h"

#include "bench.h"
#include "imap.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	TOGETHER = 32,
	WAIT_MS = 60 * 1000,
	HEAR_MS = 15 * 1000,
	REST_MS = 1500,
	BETWEEN_MS = 30
};

struct idler {
	struct imap im;
	int step;
};

static struct {
	struct idler *v;
	unsigned begun, ready;
	bool changed; /* for client_wait() */
	/* The delivery under way: its time, its user, who has not heard. */
	int64_t sent;
	unsigned user, missing;
	bool heard;
	/* When they heard; then how long after `told` and after `sent`. */
	struct wait {
		int64_t at, told, sent;
	} * waits; /* microseconds */
	size_t n, cap;
} idle;

/* --- going to IDLE --------------------------------------------------------
 */

static void
next_step(struct imap *im)
{
	struct idler *i = im->ctx;

	if (im->status != 'O')
		bench_fail("refused: %.*s",
		    STR_ARG(str_first(buf_str(&im->last), 200)));
	switch (i->step++) {
	case 0:
		imap_start_login(im);
		break;
	case 1:
		imap_start(im, "SELECT INBOX");
		break;
	case 2:
		imap_start(im, "IDLE");
		break;
	default:
		bench_fail("IDLE has ended by itself");
	}
}

static void
is_idle(struct imap *im)
{
	idle.ready++;
	idle.changed = true;
	buf_fini(&im->last);
	client_shrink(&im->c);
}

static void
hear(struct imap *im, struct pst_str text)
{
	if (idle.missing == 0 || im->user != idle.user ||
	    memmem(text.p, text.n, " EXISTS", 7) == NULL)
		return;
	mem_grow(&idle.waits, &idle.cap, idle.n + 1, sizeof(*idle.waits));
	idle.waits[idle.n++].at = clock_monotonic();
	idle.heard = --idle.missing == 0;
}

static void
open_all(void)
{
	while (idle.ready < bench.connections) {
		while (idle.begun < bench.connections &&
		       idle.begun - idle.ready < TOGETHER) {
			struct idler *i = &idle.v[idle.begun];

			i->im.ctx = i;
			i->im.on_done = next_step;
			i->im.on_continue = is_idle;
			i->im.on_untagged = hear;
			imap_connect(
			    &i->im, bench.first + idle.begun % bench.users);
			idle.begun++;
		}
		idle.changed = false;
		if (!client_wait(&idle.changed, WAIT_MS))
			bench_fail("only %u of %u connections are idle",
			    idle.ready, bench.connections);
	}
}

/* --- deliveries -----------------------------------------------------------
 */

struct lmtp {
	struct client c;
	bool done;
	char code; /* the first digit */
};

/* RFC 5321, 4.2.1: "250-" goes on, "250 " is the last line. */
static void
on_reply(struct client *c, struct pst_str text)
{
	struct lmtp *l = c->ctx;

	if (text.n < 4 || text.p[3] == '-')
		return;
	l->code = text.p[0];
	l->done = true;
}

static void
reply(struct lmtp *l, char wanted)
{
	if (!client_wait(&l->done, WAIT_MS) || l->code != wanted)
		bench_fail("LMTP: the answer begins with %c", l->code);
	l->done = false;
}

static void
command(struct lmtp *l, char wanted, const char *text)
{
	client_send(&l->c, str_of(text));
	reply(l, wanted);
}

static void
open_lmtp(struct lmtp *l)
{
	l->c.on_response = on_reply;
	l->c.ctx = l;
	client_open(&l->c, bench.lmtp, false);
	reply(l, '2');
	command(l, '2', "LHLO bench.example.test\r\n");
}

static unsigned
listeners(unsigned user)
{
	unsigned at = user - bench.first;

	return bench.connections / bench.users +
	       (at < bench.connections % bench.users ? 1 : 0);
}

static void
deliver(struct lmtp *l, unsigned number)
{
	static const char message[] =
	    "From: Load <load@example.test>\r\nTo: user@example.test\r\n"
	    "Subject: New mail\r\nDate: Mon, 2 Mar 2026 10:20:30 +0100\r\n"
	    "\r\nThat is all.\r\n.\r\n";
	size_t first = idle.n;
	char rcpt[128];
	int64_t told;

	idle.user = bench.first + number % bench.users;
	(void)snprintf(
	    rcpt, sizeof(rcpt), "RCPT TO:<user%u@example.test>\r\n", idle.user);
	command(l, '2', "MAIL FROM:<load@example.test>\r\n");
	command(l, '2', rcpt);
	command(l, '3', "DATA\r\n");
	idle.missing = listeners(idle.user);
	idle.heard = idle.missing == 0;
	idle.sent = clock_monotonic();
	command(l, '2', message);
	told = clock_monotonic();
	if (!client_wait(&idle.heard, HEAR_MS))
		bench_fail("%u connections have not heard of a delivery",
		    idle.missing);
	for (size_t i = first; i < idle.n; i++) {
		struct wait *w = &idle.waits[i];

		w->told = w->at > told ? w->at - told : 0;
		w->sent = w->at - idle.sent;
	}
	(void)client_wait(NULL, BETWEEN_MS);
}

/* --- the cell -------------------------------------------------------------
 */

static void
print_waits(void)
{
	(void)printf(", \"waits_ms\": [");
	for (size_t i = 0; i < idle.n; i++)
		(void)printf("%s[%.3f, %.3f]", i > 0 ? ", " : "",
		    (double)idle.waits[i].told / 1000,
		    (double)idle.waits[i].sent / 1000);
	(void)printf("]");
}

static void
print_memory(
    const struct usage_memory *before, const struct usage_memory *after)
{
	(void)printf("{\"connections\": %u, \"pss\": %.1f", idle.ready,
	    (double)(after->pss - before->pss) / idle.ready);
	if (before->kernel >= 0)
		(void)printf(", \"kernel\": %.1f",
		    (double)(after->kernel - before->kernel) / idle.ready);
	(void)printf(", \"processes\": %u", after->processes);
}

/* Once by itself first: what a server starts with its first user stays. */
static void
warm_up(void)
{
	struct imap im = { 0 };

	imap_open(&im, bench.first);
	imap_do(&im, "SELECT INBOX");
	imap_close(&im);
	bench_settle(REST_MS);
}

void
cell_idle(void)
{
	struct usage_memory before, after;
	struct bench_time t = { 0 };
	struct lmtp l = { 0 };

	idle.v = mem_array(bench.connections, sizeof(*idle.v));
	warm_up();
	usage_memory(&before);
	open_all();
	(void)client_wait(NULL, REST_MS);
	usage_memory(&after);
	open_lmtp(&l);
	bench_begin(&t);
	for (unsigned i = 0; i < bench.repeat; i++)
		deliver(&l, i);
	bench_end(&t, false);
	print_memory(&before, &after);
	print_waits();
	(void)printf(", \"wall\": %.6f, \"cpu\": %.6f}\n", (double)t.wall / 1e6,
	    (double)t.cpu / 1e6);
	client_fini(&l.c);
	for (unsigned i = 0; i < bench.connections; i++)
		client_fini(&idle.v[i].im.c);
	free(idle.v);
	free(idle.waits);
}
