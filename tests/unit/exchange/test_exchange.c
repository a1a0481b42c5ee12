/*
 * The whole agent: from the queue to servers that do what a script says, with
 * a DNS made of a table and a clock that is set forward.
 */
#include "exchange/exchange.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "peer.h"

#include "tree.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

enum { HOUR = 3600, DAY = 24 * HOUR };

static char dir[64];
static struct exchange *agent;
static struct peer *peer;
static int port;
static char *told; /* the notifications, one behind the other */

/* --- DNS ------------------------------------------------------------------ */

/* "mx.NAME" is the host of NAME; all hosts are at 127.0.0.1. */
static void
lookup(void *arg, const char *name, enum dns_type type, int64_t deadline,
    struct dns_answer *a)
{
	char text[300];
	size_t n = 2;

	(void)arg;
	(void)deadline;
	*a = (struct dns_answer){ .status = DNS_NODATA, .ttl = 600 };
	if (strstr(name, "nowhere.") != NULL) {
		a->status = DNS_NXDOMAIN;
		return;
	}
	if (strstr(name, "silent.") != NULL) {
		a->status = DNS_FAILED;
		return;
	}
	a->arena = arena_new(0);
	a->record = arena_alloc(a->arena, sizeof(*a->record));
	if (type == DNS_A) {
		a->record[0] = arena_copy(a->arena, STR("\177\0\0\1"));
	} else if (type == DNS_MX && strstr(name, "null.") != NULL) {
		a->record[0] = arena_copy(a->arena, str_n("\0\0\0", 3));
	} else if (type == DNS_MX) {
		struct pst_str rest = str_of(name), label;

		/* All below big.test have one provider. */
		if (strstr(name, ".big.test") != NULL)
			rest = STR("big.test");
		memcpy(text, "\0\12\2mx", 5);
		n = 5;
		while (str_split(&rest, '.', &label)) {
			text[n++] = (char)label.n;
			memcpy(text + n, label.p, label.n);
			n += label.n;
		}
		text[n++] = '\0';
		a->record[0] = arena_copy(a->arena, str_n(text, n));
	} else {
		return;
	}
	a->status = DNS_FOUND;
	a->records = 1;
}

/* --- the agent ------------------------------------------------------------ */

static pthread_mutex_t told_lock = PTHREAD_MUTEX_INITIALIZER;

static enum pst_rc
notify(void *arg, struct pst_str to, const struct pst_str *part, size_t parts,
    struct pst_error *err)
{
	struct buf all;

	(void)arg;
	(void)err;
	buf_init(&all, 1 << 20);
	pthread_mutex_lock(&told_lock);
	if (told != NULL)
		(void)buf_puts(&all, told);
	(void)buf_printf(&all, "=== %.*s\n", STR_ARG(to));
	for (size_t i = 0; i < parts; i++)
		(void)buf_add_str(&all, part[i]);
	free(told);
	told = str_dup(buf_str(&all));
	pthread_mutex_unlock(&told_lock);
	buf_fini(&all);
	return PST_OK;
}

static void
start(void)
{
	static const struct exchange_host host = { { lookup, NULL }, notify,
		NULL };
	char text[512];
	struct pst_error err = { 0 };
	struct config *cfg;

	(void)snprintf(text, sizeof(text),
	    "hostname = \"here.test\"\n"
	    "domains = { \"here.test\" }\n"
	    "listener smtp {\n protocol = smtp\n}\n"
	    "storage maildir {\n path = \"/nowhere\"\n}\n"
	    "queue {\n path = \"%s\"\n port = %d\n segment = 64K\n"
	    " retry_first = 10m\n at_once = 4\n return_size = 1M\n}\n"
	    "limits {\n shutdown_time = 1s\n}\n"
	    "log {\n level = error\n}\n",
	    dir, port);
	cfg = config_parse(text, NULL, 0, NULL, NULL, &err);
	cr_assert_not_null(cfg, "%s", err.detail);
	cr_assert_eq(
	    exchange_start(cfg, &host, &agent, &err), PST_OK, "%s", err.detail);
	config_unref(&cfg);
}

static const struct peer_script good = {
	.extensions = "PIPELINING 8BITMIME DSN"
};

static void
setup(void)
{
	(void)log_open(LOG_TO_STDERR, NULL, LOG_PLAIN, PST_LOG_ERROR);
	(void)snprintf(dir, sizeof(dir), "/tmp/postern-agent-XXXXXX");
	cr_assert_not_null(mkdtemp(dir));
	port = 0;
	peer = peer_start("127.0.0.1", &good, &port);
	start();
}

static void
teardown(void)
{
	exchange_stop(&agent);
	if (peer != NULL)
		peer_stop(&peer);
	free(told);
	told = NULL;
	remove_tree(dir);
}

struct mail {
	const char *sender;
	const char *to[4];
	const char *content;
	unsigned notify;
	enum envelope_ret ret;
	enum envelope_body body;
	bool smtputf8;
};

static uint64_t
put(const struct mail *mail)
{
	struct queue_writer *w = queue_write_new(exchange_queue(agent));
	struct envelope_recipient r[4] = { 0 };
	struct envelope e = { .sender = str_of(mail->sender),
		.recipient = r,
		.ret = mail->ret,
		.body = mail->body,
		.smtputf8 = mail->smtputf8 };
	const char *content = mail->content != NULL
				  ? mail->content
				  : "Subject: hello\r\n\r\nText\r\n";
	struct pst_error err = { 0 };
	uint64_t id;

	for (; e.recipients < 4 && mail->to[e.recipients] != NULL;
	     e.recipients++) {
		r[e.recipients].address = str_of(mail->to[e.recipients]);
		r[e.recipients].notify = mail->notify != 0 ? mail->notify
							   : NOTIFY_DEFAULT;
	}
	cr_assert_eq(queue_write(w, content, strlen(content), &err), PST_OK);
	cr_assert_eq(queue_commit(w, &e, &id, &err), PST_OK);
	queue_write_free(&w);
	return id;
}

static size_t
waiting(void)
{
	struct queue_count count;

	queue_count(exchange_queue(agent), &count);
	return count.messages;
}

/* Waits until `n` messages are left. */
static void
expect_left(size_t n)
{
	for (int i = 0; i < 1000 && waiting() != n; i++)
		(void)usleep(10000);
	cr_assert_eq(waiting(), n);
}

/* Waits until the first job of the message was tried so often. */
static void
expect_tries(uint64_t id, unsigned tries)
{
	unsigned now = 0;

	for (int i = 0; i < 1000 && now != tries; i++) {
		struct queue_message *m = queue_find(exchange_queue(agent), id);
		size_t n;

		cr_assert_not_null(m);
		now = queue_message_jobs(m, &n)->tries;
		queue_let_go(exchange_queue(agent), m);
		(void)usleep(10000);
	}
	cr_assert_eq(now, tries);
}

static void
advance(int64_t seconds)
{
	clock_advance(seconds * 1000000);
	schedule_tick(exchange_schedule(agent));
}

/* The answer that is kept of its first recipient. */
static void
expect_answer(uint64_t id, const char *text)
{
	struct queue_message *m = queue_find(exchange_queue(agent), id);
	struct arena *arena;
	struct envelope e;
	struct pst_error err;

	cr_assert_not_null(m);
	cr_assert_eq(
	    queue_load(exchange_queue(agent), m, &arena, &e, &err), PST_OK);
	cr_assert(
	    str_find_case(e.recipient[0].answer, str_of(text)) != SIZE_MAX,
	    "%.*s", STR_ARG(e.recipient[0].answer));
	arena_free(&arena);
	queue_let_go(exchange_queue(agent), m);
}

static void
expect_told(const char *text)
{
	pthread_mutex_lock(&told_lock);
	cr_assert(told != NULL && strstr(told, text) != NULL,
	    "\"%s\" is not in:\n%s", text, told != NULL ? told : "");
	pthread_mutex_unlock(&told_lock);
}

static void
expect_heard(const char *text, bool yes)
{
	char *heard = peer_heard(peer);

	cr_assert_eq(
	    strstr(heard, text) != NULL, yes, "\"%s\" in:\n%s", text, heard);
	free(heard);
}

TestSuite(exchange, .init = setup, .fini = teardown, .timeout = 60);

/* --- what goes well --------------------------------------------------------
 */

Test(exchange, one_message)
{
	const struct mail mail = { .sender = "a@here.test",
		.to = { "b@there.test" },
		.content = "Subject: hello\r\n\r\nOne\r\n.\r\n..\r\nEnd" };

	(void)put(&mail);
	expect_left(0);
	cr_assert_eq(peer_messages(peer), 1);
	expect_heard("EHLO here.test\r\n", true);
	expect_heard("MAIL FROM:<a@here.test>\r\n", true);
	expect_heard("RCPT TO:<b@there.test>\r\n", true);
	expect_heard("One\r\n..\r\n...\r\nEnd\r\n.\r\n", true);
	cr_assert_null(told);
}

Test(exchange, without_any_extension)
{
	const struct peer_script old = { .ehlo = "502 What?",
		.extensions = "" };
	const struct mail mail = { .sender = "a@here.test",
		.to = { "b@there.test", "c@there.test" } };

	peer_set(peer, &old);
	(void)put(&mail);
	expect_left(0);
	expect_heard("HELO here.test\r\n", true);
	cr_assert_eq(peer_messages(peer), 1);
}

Test(exchange, in_chunks)
{
	const struct peer_script chunks = {
		.extensions = "PIPELINING CHUNKING SIZE=10000000"
	};
	struct mail mail = { .sender = "a@here.test",
		.to = { "b@there.test" } };
	size_t size = 600000;
	char *content = mem_alloc(size + 1);

	memset(content, 'x', size);
	memcpy(content, "Subject: x\r\n\r\n.\r\n", 17);
	memcpy(content + size - 2, "\r\n", 2);
	mail.content = content;
	peer_set(peer, &chunks);
	(void)put(&mail);
	expect_left(0);
	expect_heard("MAIL FROM:<a@here.test> SIZE=600000\r\n", true);
	expect_heard("BDAT 262144\r\nSubject: x\r\n\r\n.\r\n", true);
	expect_heard("BDAT 75712 LAST\r\n", true);
	expect_heard("DATA\r\n", false);
	cr_assert_eq(peer_messages(peer), 1);
	free(content);
}

Test(exchange, dsn_parameters_go_on)
{
	const struct mail mail = { .sender = "a@here.test",
		.to = { "b@there.test" },
		.notify = NOTIFY_SUCCESS | NOTIFY_FAILURE,
		.ret = RET_FULL,
		.body = BODY_8BITMIME };

	(void)put(&mail);
	expect_left(0);
	expect_heard(
	    "MAIL FROM:<a@here.test> BODY=8BITMIME RET=FULL\r\n", true);
	expect_heard("RCPT TO:<b@there.test> NOTIFY=SUCCESS,FAILURE\r\n", true);
	cr_assert_null(told, "the other server tells");
}

Test(exchange, relayed_is_told)
{
	const struct peer_script plain = { .extensions = "PIPELINING" };
	const struct mail mail = { .sender = "a@here.test",
		.to = { "b@there.test" },
		.notify = NOTIFY_SUCCESS };

	peer_set(peer, &plain);
	(void)put(&mail);
	expect_left(0);
	expect_heard("RCPT TO:<b@there.test>\r\n", true);
	expect_told("Action: relayed\r\nStatus: 2.0.0\r\n");
}

/* One connection serves for many, and the limit of one provider holds also for
 * many domains. */
Test(exchange, many_messages)
{
	struct mail mail = { .sender = "a@here.test" };
	char to[40];

	for (int i = 0; i < 300; i++) {
		(void)snprintf(to, sizeof(to), "b@d%d.big.test", i % 50);
		mail.to[0] = to;
		(void)put(&mail);
	}
	expect_left(0);
	cr_assert_eq(peer_messages(peer), 300);
	cr_assert_leq(peer_at_once(peer), 4);
	cr_assert_lt(peer_connections(peer), 100);
}

/* --- what is refused --------------------------------------------------------
 */

Test(exchange, one_of_three_is_refused)
{
	struct peer_script script = good;
	const struct mail mail = { .sender = "a@here.test",
		.to = { "b@there.test", "gone@there.test", "c@there.test" } };

	script.special = "gone@";
	script.special_reply = "550 5.1.1 Nobody of that name";
	peer_set(peer, &script);
	(void)put(&mail);
	expect_left(0);
	cr_assert_eq(peer_messages(peer), 1);
	expect_told("=== a@here.test\n");
	expect_told("Final-Recipient: rfc822; gone@there.test\r\n"
		    "Action: failed\r\n"
		    "Status: 5.1.1\r\n"
		    "Remote-MTA: dns; mx.there.test [127.0.0.1]\r\n"
		    "Diagnostic-Code: smtp; 550 5.1.1 Nobody of that name");
	expect_told("Subject: hello\r\n");
	cr_assert_null(strstr(told, "Text"), "only the header is returned");
	cr_assert_null(strstr(told, "<b@there.test>"));
}

Test(exchange, all_refused_with_pipelining)
{
	struct peer_script script = good;
	const struct mail mail = { .sender = "a@here.test",
		.to = { "b@there.test" },
		.ret = RET_FULL };
	const struct mail next = { .sender = "a@here.test",
		.to = { "c@there.test" } };

	script.special = "b@there";
	script.special_reply = "550 No";
	peer_set(peer, &script);
	(void)put(&mail);
	(void)put(&next);
	expect_left(0);
	cr_assert_eq(peer_messages(peer), 1);
	expect_told("Text\r\n"); /* in full */
}

Test(exchange, refused_after_data)
{
	struct peer_script script = good;
	const struct mail mail = { .sender = "a@here.test",
		.to = { "b@there.test", "c@there.test" } };

	script.final = "554 5.7.1 It looks like advertising";
	peer_set(peer, &script);
	(void)put(&mail);
	expect_left(0);
	expect_told("<b@there.test>");
	expect_told("<c@there.test>");
	expect_told("Status: 5.7.1");
}

Test(exchange, mail_refused)
{
	struct peer_script script = good;
	const struct mail mail = { .sender = "a@here.test",
		.to = { "b@there.test", "c@there.test" } };

	script.mail = "550 5.7.1 Not from you";
	script.rcpt = "503 MAIL first";
	script.data = "503 MAIL first";
	peer_set(peer, &script);
	(void)put(&mail);
	expect_left(0);
	expect_told("550 5.7.1 Not from you");
	cr_assert_eq(peer_messages(peer), 0);
}

/* Never a notification of a notification, nor one that is not wanted. */
Test(exchange, silence)
{
	struct peer_script script = good;
	const struct mail none = { .sender = "", .to = { "b@there.test" } };
	const struct mail never = { .sender = "a@here.test",
		.to = { "b@there.test" },
		.notify = NOTIFY_NEVER };

	script.rcpt = "550 No";
	peer_set(peer, &script);
	(void)put(&none);
	(void)put(&never);
	expect_left(0);
	cr_assert_null(told);
}

Test(exchange, smtputf8_where_it_cannot_go)
{
	const struct mail mail = { .sender = "a@here.test",
		.to = { "b@there.test" },
		.smtputf8 = true };

	(void)put(&mail);
	expect_left(0);
	cr_assert_eq(peer_messages(peer), 0);
	expect_told("SMTPUTF8");
	expect_told("message/global-delivery-status");
}

Test(exchange, too_large)
{
	const struct peer_script small = { .extensions = "SIZE=10" };
	const struct mail mail = { .sender = "a@here.test",
		.to = { "b@there.test" } };

	peer_set(peer, &small);
	(void)put(&mail);
	expect_left(0);
	expect_told("Status: 5.3.4");
	expect_heard("MAIL", false);
}

/* --- domains ----------------------------------------------------------------
 */

Test(exchange, domains_that_take_no_mail)
{
	const struct mail mail = { .sender = "a@here.test",
		.to = { "b@nowhere.test", "c@null.test", "d@there.test" } };

	(void)put(&mail);
	expect_left(0);
	cr_assert_eq(peer_messages(peer), 1);
	expect_told("Status: 5.1.2");
	expect_told("Status: 5.1.10");
}

Test(exchange, dns_that_does_not_answer)
{
	const struct mail mail = { .sender = "a@here.test",
		.to = { "b@silent.test" } };
	uint64_t id = put(&mail);

	expect_tries(id, 1);
	expect_answer(id, "4.4.3");
	advance(20 * 60);
	expect_tries(id, 2);
	cr_assert_null(told);
}

/* --- time -------------------------------------------------------------------
 */

Test(exchange, greylisted)
{
	struct peer_script script = good;
	const struct mail mail = { .sender = "a@here.test",
		.to = { "b@there.test" } };
	uint64_t id;

	script.rcpt = "450 4.7.1 Greylisted";
	peer_set(peer, &script);
	id = put(&mail);
	expect_tries(id, 1);
	expect_answer(id, "450 4.7.1 Greylisted");
	peer_set(peer, &good);
	advance(15 * 60);
	expect_left(0);
	cr_assert_eq(peer_messages(peer), 1);
	cr_assert_null(told);
}

/* A server that is away: told once of the delay, given up after five days. */
Test(exchange, a_server_that_is_away)
{
	const struct mail mail = { .sender = "a@here.test",
		.to = { "b@there.test" } };
	uint64_t id;
	int delays = 0;

	peer_stop(&peer);
	id = put(&mail);
	expect_tries(id, 1);
	expect_answer(id, "Connection refused");
	for (int hours = 0; hours < 6 * 24 && waiting() > 0; hours++) {
		advance(HOUR);
		for (int i = 0; i < 5; i++) {
			schedule_tick(exchange_schedule(agent));
			(void)usleep(3000);
		}
		if (hours == 10)
			expect_told("Action: delayed");
		if (hours == 10)
			cr_assert_null(strstr(told, "Action: failed"));
	}
	expect_left(0);
	expect_told("Action: failed\r\nStatus: 5.4.7");
	for (const char *at = told; (at = strstr(at, "Action: delayed")); at++)
		delays++;
	cr_assert_eq(delays, 1);
}

/* What is in the queue is tried after a restart; what was told is not again. */
Test(exchange, after_a_restart)
{
	struct peer_script script = good;
	const struct mail mail = { .sender = "a@here.test",
		.to = { "b@there.test", "c@there.test" } };
	uint64_t id;

	script.special = "c@there";
	script.special_reply = "451 Later";
	peer_set(peer, &script);
	id = put(&mail);
	expect_tries(id, 1);
	exchange_stop(&agent);
	peer_set(peer, &good);
	start();
	cr_assert_eq(waiting(), 1);
	advance(20 * 60);
	expect_left(0);
	cr_assert_eq(peer_messages(peer), 2);
	{
		char *heard = peer_heard(peer);
		const char *first = strstr(heard, "RCPT TO:<b@there.test>");

		cr_assert_not_null(first);
		cr_assert_null(strstr(first + 1, "RCPT TO:<b@there.test>"));
		free(heard);
	}
}

/* A dead destination does not hold up the others, and costs few tries. */
Test(exchange, a_dead_destination)
{
	struct mail mail = { .sender = "a@here.test" };
	struct peer_script script = good;

	script.greeting = "";
	peer_set(peer, &script);
	for (int i = 0; i < 100; i++) {
		mail.to[0] = "x@dead.test";
		(void)put(&mail);
	}
	(void)usleep(300000);
	cr_assert_lt(peer_connections(peer), 8);
	peer_set(peer, &good);
	for (int i = 0; i < 100; i++) {
		mail.to[0] = "x@alive.test";
		(void)put(&mail);
	}
	expect_left(100);
	cr_assert_eq(peer_messages(peer), 100);
	advance(10 * HOUR);
	for (int i = 0; i < 1000 && waiting() > 0; i++) {
		advance(60);
		(void)usleep(5000);
	}
	expect_left(0);
	cr_assert_eq(peer_messages(peer), 200);
}

/* --- servers that misbehave --------------------------------------------------
 */

Test(exchange, closes_at_every_stage)
{
	const struct mail mail = { .sender = "a@here.test",
		.to = { "b@there.test" } };
	const char **stage;
	struct peer_script script;
	const size_t stages[] = { offsetof(struct peer_script, greeting),
		offsetof(struct peer_script, mail),
		offsetof(struct peer_script, rcpt),
		offsetof(struct peer_script, data),
		offsetof(struct peer_script, final) };
	static const char *const says[] = { "", "421 Closing", "HELLO?",
		"250-\r\n500 mixed", "451 4.3.0 Not now" };

	for (size_t i = 0; i < sizeof(stages) / sizeof(stages[0]); i++)
		for (size_t k = 0; k < sizeof(says) / sizeof(says[0]); k++) {
			uint64_t id;

			script = good;
			stage = (const char **)((char *)&script + stages[i]);
			*stage = says[k];
			peer_set(peer, &script);
			schedule_hurry_all(exchange_schedule(agent));
			id = put(&mail);
			expect_tries(id, 1);
			cr_assert_eq(queue_delete(exchange_queue(agent), id,
					 &(struct pst_error){ 0 }),
			    PST_OK);
		}
	cr_assert_leq(peer_messages(peer), 1);
	cr_assert_null(told);
}

/* Whoever says nothing does not keep the server from stopping. */
Test(exchange, stops_in_time)
{
	struct peer_script script = good;
	const struct mail mail = { .sender = "a@here.test",
		.to = { "b@there.test" } };
	int64_t begin;

	script.data = "-";
	peer_set(peer, &script);
	(void)put(&mail);
	for (int i = 0; i < 500 && peer_connections(peer) == 0; i++)
		(void)usleep(10000);
	begin = clock_monotonic();
	exchange_stop(&agent);
	cr_assert_lt(clock_monotonic() - begin, INT64_C(30) * 1000000);
	start();
	cr_assert_eq(waiting(), 1);
}

/* Taken, but the answer is lost: it comes twice, and no more often. */
Test(exchange, in_doubt)
{
	struct peer_script script = good;
	const struct mail mail = { .sender = "a@here.test",
		.to = { "b@there.test" } };
	uint64_t id;

	script.drops_after_data = true;
	peer_set(peer, &script);
	id = put(&mail);
	expect_tries(id, 1);
	peer_set(peer, &good);
	advance(20 * 60);
	expect_left(0);
	cr_assert_eq(peer_messages(peer), 2);
}

Test(exchange, enormous_reply)
{
	static char text[200000];
	struct peer_script script = good;
	const struct mail mail = { .sender = "a@here.test",
		.to = { "b@there.test" } };
	uint64_t id;

	memset(text, 'x', sizeof(text) - 1);
	memcpy(text, "250 ", 4);
	script.mail = text;
	peer_set(peer, &script);
	id = put(&mail);
	/* The peer's line is cut: it never ends it properly. */
	expect_tries(id, 1);
	cr_assert_null(told);
}
