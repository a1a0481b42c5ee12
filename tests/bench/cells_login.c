/*
 * cells_login.c - LOGIN, SELECT, LOGOUT over several connections at a time, and
 * APPEND likewise: each connection goes through its steps by itself.
 */
#include "cells.h"

#include "bench.h"
#include "imap.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { WAIT_MS = 120 * 1000, MESSAGE_MAX = 1024 * 1024 };

static struct {
	uint64_t begun, ended; /* sessions or messages */
	unsigned open;
	bool finished;
	struct buf message;
} all;

struct session {
	struct imap im;
	int step;
};

static struct session *
new_sessions(void)
{
	return mem_array(bench.connections, sizeof(struct session));
}

static void
free_sessions(struct session *s)
{
	for (unsigned i = 0; i < bench.connections; i++) {
		client_fini(&s[i].im.c);
		buf_fini(&s[i].im.last);
	}
	free(s);
}

static void
must_be_ok(const struct imap *im)
{
	if (im->status != 'O')
		bench_fail("refused: %.*s",
		    STR_ARG(str_first(buf_str(&im->last), 200)));
}

static void
wait_for_all(void)
{
	if (!client_wait(&all.finished, WAIT_MS))
		bench_fail("no answer within %d s", WAIT_MS / 1000);
}

/* --- logins ---------------------------------------------------------------
 */

static void
login_next(struct imap *im)
{
	struct session *s = im->ctx;

	must_be_ok(im);
	switch (s->step++) {
	case 0:
		imap_start_login(im);
		break;
	case 1:
		imap_start(im, "SELECT INBOX");
		break;
	case 2:
		if (im->exists != bench.count)
			bench_fail("INBOX has %" PRIu64 " messages, not %u",
			    im->exists, bench.count);
		imap_start(im, "LOGOUT");
		break;
	default: /* the server closes */
		break;
	}
}

static void
login_begin(struct session *s)
{
	s->step = 0;
	s->im.exists = 0;
	imap_connect(
	    &s->im, bench.first + (unsigned)(all.begun++ % bench.users));
}

static void
login_closed(struct client *c)
{
	struct session *s = ((struct imap *)c->ctx)->ctx;

	if (s->step != 4)
		bench_fail("a session ended early, at step %d", s->step);
	all.ended++;
	if (all.begun < bench.repeat)
		login_begin(s);
	else
		all.finished = --all.open == 0;
}

void
cell_login(void)
{
	struct session *s = new_sessions();
	struct bench_time t = { 0 };

	all.open = bench.connections;
	bench_begin(&t);
	for (unsigned i = 0; i < bench.connections; i++) {
		s[i].im.ctx = &s[i];
		s[i].im.on_done = login_next;
		s[i].im.c.on_closed = login_closed;
		login_begin(&s[i]);
	}
	wait_for_all();
	bench_end(&t, true);
	bench_report(&t, all.ended, 0);
	free_sessions(s);
}

/* --- APPEND ---------------------------------------------------------------
 */

/* A message of bench.octets with CRLF line ends. */
static void
make_message(void)
{
	buf_init(&all.message, MESSAGE_MAX);
	buf_puts(&all.message,
	    "From: Load <load@example.test>\r\nTo: user@example.test\r\n"
	    "Subject: A message of the load generator\r\n"
	    "Date: Mon, 2 Mar 2026 10:20:30 +0100\r\n"
	    "Message-ID: <load@example.test>\r\n\r\n");
	while (all.message.n + 2 < bench.octets)
		buf_putc(&all.message, all.message.n % 72 == 71 ? ' ' : 'x');
	for (size_t i = 300; i + 2 < all.message.n; i += 78)
		memcpy(all.message.p + i, "\r\n", 2);
	buf_puts(&all.message, "\r\n");
}

static void
append_next(struct imap *im)
{
	must_be_ok(im);
	if (all.begun == bench.count) {
		all.finished = --all.open == 0;
		return;
	}
	all.begun++;
	imap_start(im, "APPEND %s (\\Seen) {%zu+}\r\n%.*s", bench.mailbox,
	    all.message.n, STR_ARG(buf_str(&all.message)));
}

static uint64_t
count_messages(struct imap *im)
{
	uint64_t n = 0;

	imap_do(im, "SELECT %s", bench.mailbox);
	n = im->exists;
	imap_do(im, "CLOSE");
	return n;
}

/* The mailboxes of all users, or of one whom all connections share. */
static uint64_t
count_all(struct session *s)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < bench.connections && i < bench.users; i++) {
		s[i].im.exists = 0;
		n += count_messages(&s[i].im);
	}
	return n;
}

void
cell_append(void)
{
	struct session *s = new_sessions();
	struct bench_time t = { 0 };
	uint64_t before, after;

	make_message();
	for (unsigned i = 0; i < bench.connections; i++) {
		s[i].im.ctx = &s[i];
		imap_open(&s[i].im, bench.first + i % bench.users);
	}
	before = count_all(s);
	bench_settle(1000);
	all.open = bench.connections;
	bench_begin(&t);
	for (unsigned i = 0; i < bench.connections; i++) {
		s[i].im.on_done = append_next;
		append_next(&s[i].im);
	}
	wait_for_all();
	bench_end(&t, true);
	for (unsigned i = 0; i < bench.connections; i++)
		s[i].im.on_done = NULL;
	after = count_all(s);
	if (after != before + bench.count)
		bench_fail("%u messages were taken, %" PRIu64 " are there",
		    bench.count, after - before);
	bench_report(&t, bench.count, 0);
	for (unsigned i = 0; i < bench.connections; i++)
		imap_close(&s[i].im);
	buf_fini(&all.message);
	free_sessions(s);
}
