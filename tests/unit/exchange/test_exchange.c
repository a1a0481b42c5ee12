/*
 * The whole agent: from the queue to servers that do what a script says, with
 * a DNS made of a table and a clock that is set forward.
 */
#include "exchange/outbound.h"
#include "exchange/schedule_priv.h"
#include "exchange/sending.h"

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
    bool require_tls, struct pst_error *err)
{
	struct buf all;

	(void)arg;
	(void)err;
	(void)require_tls;
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

static const char *more_config = "";

static struct config *
configuration(void)
{
	char text[2048];
	struct pst_error err = { 0 };
	struct config *cfg;

	(void)snprintf(text, sizeof(text),
	    "hostname = \"here.test\"\n"
	    "domains = { \"here.test\" }\n"
	    "listener smtp {\n protocol = smtp\n}\n"
	    "storage maildir {\n path = \"/nowhere\"\n}\n"
	    "queue {\n path = \"%s\"\n port = %d\n segment = 64K\n"
	    " retry_first = 10m\n at_once = 4\n return_size = 1M\n}\n"
	    "sending {\n messages_day = 3\n bounce_share = 50\n"
	    " bounce_least = 2\n}\n"
	    "limits {\n shutdown_time = 1s\n}\n"
	    "log {\n level = error\n}\n%s",
	    dir, port, more_config);
	cfg = config_parse(text, NULL, 0, NULL, NULL, &err);
	cr_assert_not_null(cfg, "%s", err.detail);
	return cfg;
}

static void
start(void)
{
	static const struct exchange_host host = { .dns = { lookup, NULL },
		.notify = notify };
	struct pst_error err = { 0 };
	struct config *cfg = configuration();

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
	const char *sender, *author;
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
		.author = str_of(mail->author),
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

/* A server that takes 7 bits alone. */
static const struct peer_script old = {
	.extensions = "PIPELINING SIZE=10000000"
};

Test(exchange, sevenbit)
{
	const struct mail mail = { .sender = "a@here.test",
		.to = { "b@there.test" },
		.body = BODY_8BITMIME,
		.content = "Subject: hello\r\n\r\n.Gr\xc3\xbc\xc3\x9f"
			   "e" };

	peer_set(peer, &old);
	(void)put(&mail);
	expect_left(0);
	cr_assert_eq(peer_messages(peer), 1);
	expect_heard("MAIL FROM:<a@here.test>\r\n", true);
	expect_heard("\r\n\r\n..Gr=C3=BC=C3=9Fe\r\n.\r\n", true);
	expect_heard("quoted-printable", true);
	expect_heard("\xc3", false);
}

Test(exchange, sevenbit_as_it_is)
{
	const struct mail mail = { .sender = "a@here.test",
		.to = { "b@there.test" },
		.body = BODY_8BITMIME,
		.content = "Subject: hello\r\n\r\nText\r\n" };

	peer_set(peer, &old);
	(void)put(&mail);
	expect_left(0);
	expect_heard("MAIL FROM:<a@here.test> SIZE=24\r\n", true);
	expect_heard("Subject: hello\r\n\r\nText\r\n.\r\n", true);
}

Test(exchange, sevenbit_but_signed)
{
	const struct mail mail = { .sender = "a@here.test",
		.to = { "b@there.test" },
		.body = BODY_8BITMIME,
		.content = "Content-Type: multipart/signed; boundary=b\r\n\r\n"
			   "--b\r\n\r\n\xff\r\n--b--\r\n" };

	peer_set(peer, &old);
	(void)put(&mail);
	expect_left(0);
	cr_assert_eq(peer_messages(peer), 0);
	expect_told("5.6.2");
	expect_told("signature");
}

/* The address asks for it, not the message: an alias leads to it, or it is the
 * sender of what failed. */
Test(exchange, smtputf8_for_an_address)
{
	const struct peer_script utf8 = { .extensions = "SMTPUTF8 8BITMIME" };
	struct mail mail = { .sender = "", .to = { "j\xc3\xb6rg@there.test" } };

	peer_set(peer, &utf8);
	(void)put(&mail);
	expect_left(0);
	expect_heard("MAIL FROM:<> SMTPUTF8\r\n", true);
	/* Others need it not. */
	mail.to[0] = "b@there.test";
	(void)put(&mail);
	expect_left(0);
	expect_heard("MAIL FROM:<>\r\n", true);
	cr_assert_eq(peer_messages(peer), 2);
}

/* What servers say is of any charset, a notification is not. */
Test(exchange, words_of_a_server_in_a_notification)
{
	struct peer_script script = good;
	struct mail mail = { .sender = "a@here.test",
		.to = { "b@there.test" } };

	script.extensions = "SMTPUTF8";
	script.rcpt = "550 5.1.1 Empf\xe4nger gibt es nicht";
	peer_set(peer, &script);
	(void)put(&mail);
	expect_left(0);
	expect_told("    550 5.1.1 Empf?nger gibt es nicht\r\n");
	expect_told("smtp; 550 5.1.1 Empf?nger gibt es nicht\r\n");
	script.rcpt = "550 5.1.1 Empf\xc3\xa4nger nicht da";
	peer_set(peer, &script);
	(void)put(&mail);
	expect_left(0);
	expect_told("smtp; 550 5.1.1 Empf??nger nicht da\r\n");
	mail.sender = "j\xc3\xb6rg@here.test";
	(void)put(&mail);
	expect_left(0);
	expect_told("smtp; 550 5.1.1 Empf\xc3\xa4nger nicht da\r\n");
	expect_told("Content-Type: message/global-delivery-status\r\n");
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

/* --- what is learnt ---------------------------------------------------------
 */

static void
keep_row(void *arg, const struct schedule_row *row)
{
	*(struct schedule_row *)arg = *row;
}

/* The only provider. */
static struct schedule_row
provider(void)
{
	struct schedule_row row = { 0 };

	schedule_each(exchange_schedule(agent), keep_row, &row);
	return row;
}

static void
expect_sleeps(int64_t least, int64_t most)
{
	struct schedule_row row = provider();

	for (int i = 0; i < 500 && row.sleeps == 0; i++) {
		(void)usleep(10000);
		row = provider();
	}
	cr_assert(row.sleeps >= least && row.sleeps <= most, "%lld",
	    (long long)row.sleeps);
}

/* A rule says so, and it holds over a restart. */
Test(exchange, a_server_that_wants_a_pause)
{
	struct peer_script script = good;
	const struct mail mail = { .sender = "a@here.test",
		.to = { "b@there.test" } };
	uint64_t id;

	script.rcpt = "450 4.7.1 Try again in 30 minutes";
	peer_set(peer, &script);
	id = put(&mail);
	expect_tries(id, 1);
	expect_sleeps(1700, 1801);
	peer_set(peer, &good);
	(void)put(&mail);
	advance(10 * 60);
	exchange_stop(&agent);
	start();
	expect_sleeps(1100, 1201);
	cr_assert_eq(provider().limit, 1);
	advance(15 * 60);
	(void)usleep(100000);
	cr_assert_eq(peer_messages(peer), 0);
	cr_assert_eq(peer_connections(peer), 1);
	advance(6 * 60);
	expect_left(0);
	cr_assert_eq(peer_messages(peer), 2);
}

/* Also in the greeting, where there was no session yet. */
Test(exchange, a_greeting_that_wants_a_pause)
{
	struct peer_script script = good;
	const struct mail mail = { .sender = "a@here.test",
		.to = { "b@there.test" } };

	script.greeting = "421 4.7.0 Try again in 10 minutes";
	peer_set(peer, &script);
	expect_tries(put(&mail), 1);
	expect_sleeps(500, 601);
}

/* 5yz that is a matter of time does not fail anybody. */
Test(exchange, refused_for_ever_but_not_meant)
{
	struct peer_script script = good;
	const struct mail mail = { .sender = "a@here.test",
		.to = { "b@there.test" } };
	uint64_t id;

	script.rcpt = "554 5.7.1 Greylisted, come again";
	peer_set(peer, &script);
	id = put(&mail);
	expect_tries(id, 1);
	cr_assert_eq(waiting(), 1);
	cr_assert_null(told);
	peer_set(peer, &good);
	advance(15 * 60);
	expect_left(0);
}

/* What was written is not used when it is damaged or old. */
Test(exchange, what_was_learnt)
{
	struct schedule_options opt = { .at_once_first = 2, .at_once_most = 9 };
	static const struct {
		int64_t age;
		const char *end; /* behind the checksum that is right */
		bool good;
	} cases[] = { { 60, "", true }, { 90000, "", false },
		{ -60, "", false }, { 60, "x", false } };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct schedule *s = schedule_new(&opt);
		struct schedule_row row = { 0 };
		int64_t now = clock_seconds();
		struct buf text;

		buf_init(&text, 4096);
		(void)buf_printf(&text,
		    "postern-destinations 1 %lld\n"
		    "7 3 %lld 30 %lld 5000 mx.a.test:25\nnonsense\n",
		    (long long)(now - cases[i].age), (long long)(now + 100),
		    (long long)(now + 50));
		(void)buf_printf(&text, "end %08x\n%s",
		    journal_checksum(0, text.p, text.n), cases[i].end);
		schedule_read(s, buf_str(&text));
		schedule_each(s, keep_row, &row);
		cr_expect_eq(row.limit, cases[i].good ? 7 : 0, "%zu", i);
		cr_expect_eq(row.rate, cases[i].good ? 30 : 0, "%zu", i);
		cr_expect(cases[i].good ? row.sleeps > 98 && row.sleeps < 102
					: row.sleeps == 0);
		schedule_free(&s);
		buf_fini(&text);
	}
}

/* Answers that take much longer than they used to: fewer at the same time. */
Test(exchange, a_server_that_gets_slow)
{
	struct schedule_options opt = { .at_once_first = 2, .at_once_most = 9 };
	struct schedule *s = schedule_new(&opt);
	struct hosts *hosts = mem_alloc(sizeof(*hosts));
	struct provider *p = provider_use(s, HOSTS_FOUND, hosts, "mx", NULL);
	struct schedule_lesson lesson = { .outcome = SCHEDULE_WENT };

	for (int i = 0; i < 1000; i++) {
		lesson.took = i % 2 == 0 ? 20000 : 40000;
		provider_learn(s, p, &lesson);
	}
	cr_assert_eq(p->limit, 9);
	/* One alone says nothing. */
	lesson.took = 3000000;
	provider_learn(s, p, &lesson);
	cr_assert_eq(p->limit, 9);
	for (int i = 0; i < 8; i++)
		provider_learn(s, p, &lesson);
	cr_assert_lt(p->limit, 9);
	cr_assert_geq(p->limit, 5);
	/* It is not a reason to stop. */
	for (int i = 0; i < 100; i++)
		provider_learn(s, p, &lesson);
	cr_assert_geq(p->limit, 1);
	cr_assert_eq(p->sleeps, 0);
	schedule_free(&s);
	free(hosts);
}

/* --- the brake -------------------------------------------------------------
 */

/* As a delivery does it. */
static void
hand_in(const char *author, const char *to)
{
	struct outbound_recipient r = { .address = str_of(to) };
	struct outbound_envelope e = { .sender = str_of(author),
		.author = str_of(author),
		.recipient = &r,
		.recipients = 1 };
	struct outbound out;
	struct outbound_message *m;
	struct pst_error err = { 0 };
	char id[32] = "";

	exchange_outbound(agent, &out);
	m = out.begin(out.arg);
	cr_assert_eq(out.write(m, "Subject: x\r\n\r\n", 14, &err), PST_OK);
	cr_assert_eq(out.commit(m, &e, id, &err), PST_OK, "%s", err.detail);
	cr_assert(id[0] != '\0');
	out.free(&m);
}

/* Of the first message: what `queue release` does. */
static void
release(void)
{
	size_t n, jobs;
	uint64_t *ids = queue_ids(exchange_queue(agent), &n);
	struct queue_message *m = queue_find(exchange_queue(agent), ids[0]);
	struct queue_job *job = queue_message_jobs(m, &jobs);
	struct pst_error err = { 0 };

	cr_assert(job->held);
	cr_assert_eq(
	    queue_hold(exchange_queue(agent), m, false, QUEUE_RELEASED, &err),
	    PST_OK);
	schedule_hurry(exchange_schedule(agent), job);
	queue_let_go(exchange_queue(agent), m);
	free(ids);
}

Test(exchange, too_many_messages_are_held)
{
	struct pst_error err = { 0 };
	size_t messages = 0;

	for (int i = 0; i < 3; i++)
		hand_in("a@here.test", "b@there.test");
	expect_left(0);
	for (int i = 0; i < 2; i++)
		hand_in("a@here.test", "b@there.test");
	hand_in("other@here.test", "b@there.test");
	expect_left(2);
	cr_assert_eq(peer_messages(peer), 4);
	for (int i = 0; i < 500 && messages < 2; i++) {
		(void)usleep(10000);
		pthread_mutex_lock(&told_lock);
		messages = told != NULL &&
				   strstr(told, "=== a@here.test\n") != NULL &&
				   strstr(told, "=== postmaster\n") != NULL
			       ? 2
			       : 0;
		pthread_mutex_unlock(&told_lock);
	}
	expect_told("more than 3 messages in a day");
	expect_told("posternctl sending lift a@here.test");
	/* They stay so over a restart. */
	exchange_stop(&agent);
	start();
	advance(DAY);
	cr_assert_eq(waiting(), 2);
	/* One is let go, though the brake is still on. */
	release();
	expect_left(1);
	hand_in("a@here.test", "b@there.test");
	cr_assert_eq(waiting(), 2);
	cr_assert_eq(
	    sending_lift(exchange_sending(agent), "a@here.test", &err), PST_OK);
	release();
	expect_left(1);
	release();
	hand_in("a@here.test", "b@there.test");
	expect_left(0);
	cr_assert_eq(peer_messages(peer), 8);
}

/* Bounces bring the brake on, and it holds what waits already. */
Test(exchange, what_waits_is_held_with_the_brake)
{
	struct peer_script script = good;
	struct mail mail = { .sender = "a@here.test",
		.author = "a@here.test",
		.to = { "later@there.test" } };
	uint64_t waits;

	script.special = "later@";
	script.special_reply = "450 4.2.0 Later";
	peer_set(peer, &script);
	waits = put(&mail);
	expect_tries(waits, 1);
	script.special = "gone@";
	script.special_reply = "550 5.1.1 Nobody";
	peer_set(peer, &script);
	hand_in("a@here.test", "gone@there.test");
	expect_left(1);
	hand_in("a@here.test", "gone@there.test");
	expect_left(1);
	advance(HOUR);
	for (int i = 0; i < 500; i++) {
		struct queue_message *m = queue_find(
		    exchange_queue(agent), waits);
		size_t n;
		bool held = m != NULL && queue_message_jobs(m, &n)->held;

		cr_assert_not_null(m);
		queue_let_go(exchange_queue(agent), m);
		if (held)
			break;
		(void)usleep(10000);
	}
	expect_tries(waits, 1);
	release();
	expect_left(0);
	cr_assert_eq(peer_messages(peer), 1);
}

/* It was a year ahead when the message was put off. */
Test(exchange, a_clock_that_was_wrong)
{
	struct peer_script script = good;
	const struct mail mail = { .sender = "a@here.test",
		.to = { "b@there.test" } };
	const int64_t year = INT64_C(365) * 24 * HOUR;

	exchange_stop(&agent);
	clock_advance(year * 1000000);
	start();
	script.rcpt = "450 4.2.0 Later";
	peer_set(peer, &script);
	expect_tries(put(&mail), 1);
	exchange_stop(&agent);
	clock_advance(-year * 1000000);
	peer_set(peer, &good);
	start();
	expect_left(0);
	cr_assert_eq(peer_messages(peer), 1);
}

/* A message a moment after the other finds the connection open. */
Test(exchange, a_connection_waits)
{
	const struct mail mail = { .sender = "a@here.test",
		.to = { "b@there.test" } };

	for (int i = 1; i <= 20; i++) {
		(void)put(&mail);
		expect_left(0);
		cr_assert_eq(peer_messages(peer), i);
		(void)usleep(20000); /* it is put back */
	}
	cr_assert_eq(peer_connections(peer), 1);
	/* It does not wait for ever. */
	advance(60);
	(void)put(&mail);
	expect_left(0);
	cr_assert_eq(peer_connections(peer), 2);
}

/* The server ends a connection that had served: nothing is made of it. */
Test(exchange, a_connection_has_ended)
{
	struct peer_script script = good;
	const struct mail mail = { .sender = "a@here.test",
		.to = { "b@there.test" } };

	script.most = 1;
	peer_set(peer, &script);
	for (int i = 1; i <= 10; i++) {
		(void)put(&mail);
		expect_left(0);
		cr_assert_eq(peer_messages(peer), i);
		(void)usleep(20000);
	}
	cr_assert_eq(peer_connections(peer), 10);
}

/* RFC 9422: messages of a session, recipients of a message. */
Test(exchange, limits_of_the_other_side)
{
	struct peer_script script = good;
	const struct mail mail = { .sender = "a@here.test",
		.to = { "b@there.test", "c@there.test", "d@there.test" } };
	char *heard;

	script.ehlo = "250-peer.test\r\n"
		      "250 LIMITS MAILMAX=4 RCPTMAX=2 RCPTDOMAINMAX=1 X=y";
	peer_set(peer, &script);
	for (int i = 1; i <= 4; i++) {
		(void)put(&mail);
		expect_left(0);
		cr_assert_eq(peer_messages(peer), 2 * i);
		(void)usleep(20000);
	}
	cr_assert_eq(peer_connections(peer), 2);
	heard = peer_heard(peer);
	cr_assert_null(strstr(
	    heard, "RCPT TO:<c@there.test>\r\nRCPT TO:<d@there.test>\r\n"));
	free(heard);
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

/* How often the text was heard. */
static unsigned
count_heard(const char *text)
{
	char *heard = peer_heard(peer);
	unsigned n = 0;

	for (const char *at = heard; (at = strstr(at, text)) != NULL; at++)
		n++;
	free(heard);
	return n;
}

/* In the middle of a pipeline, with a recipient accepted and one to come: all
 * get the message in the end, and once. */
Test(exchange, ends_in_the_middle_of_a_pipeline)
{
	static const char *const ends[] = { "", "421 4.3.2 Going down" };
	const struct mail mail = { .sender = "a@here.test",
		.to = { "b@there.test", "mid@there.test", "z@there.test" } };

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		struct peer_script script = good;
		unsigned before = peer_messages(peer);
		uint64_t id;

		script.special = "mid@";
		script.special_reply = ends[i];
		peer_set(peer, &script);
		schedule_hurry_all(exchange_schedule(agent));
		id = put(&mail);
		expect_tries(id, 1);
		peer_set(peer, &good);
		advance(6 * HOUR);
		expect_left(0);
		/* With 421 the others had it at once. */
		cr_assert_eq(peer_messages(peer) - before, i + 1);
	}
	cr_assert_null(told);
	cr_assert_eq(count_heard("RCPT TO:<b@there.test>"), 3);
	cr_assert_eq(count_heard("RCPT TO:<mid@there.test>"), 4);
}

/* STARTTLS, and then no TLS: whoever cannot do it properly gets the mail as
 * before TLS, where nothing demands it. */
Test(exchange, tls_that_does_not_come)
{
	static const char *const answers[] = { "454 4.7.0 Not now", "",
		"502 What?" };
	struct peer_script script = { .extensions = "PIPELINING STARTTLS" };
	const struct mail mail = { .sender = "a@here.test",
		.to = { "b@there.test" } };

	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		char to[64];
		struct mail one = mail;

		(void)snprintf(to, sizeof(to), "b@host%zu.test", i);
		one.to[0] = to;
		script.starttls = answers[i];
		peer_set(peer, &script);
		(void)put(&one);
		expect_left(0);
		cr_assert_eq(peer_messages(peer), i + 1, "%s", answers[i]);
	}
	script.starttls = NULL;
	script.handshake = "*500 What?";
	peer_set(peer, &script);
	(void)put(&mail);
	expect_left(0);
	cr_assert_eq(peer_messages(peer), 4);
	cr_assert_null(told);
}

/* "Later", for weeks: it is asked less and less often, the sender hears of the
 * delay once, and in the end what the server said. */
Test(exchange, later_for_weeks)
{
	struct peer_script script = good;
	const struct mail mail = { .sender = "a@here.test",
		.to = { "b@there.test" } };
	int delays = 0, days = 0;
	uint64_t id;

	script.rcpt = "450 4.2.1 The mailbox is busy";
	peer_set(peer, &script);
	id = put(&mail);
	expect_tries(id, 1);
	for (int hours = 0; hours < 21 * 24; hours++) {
		advance(HOUR);
		for (int i = 0; i < 5 && waiting() > 0; i++) {
			schedule_tick(exchange_schedule(agent));
			(void)usleep(3000);
		}
		days = waiting() > 0 ? hours / 24 : days;
	}
	expect_left(0);
	cr_assert(days >= 4 && days <= 5, "%d", days);
	expect_told("Action: failed\r\nStatus: 5.4.7");
	expect_told("450 4.2.1 The mailbox is busy");
	for (const char *at = told; (at = strstr(at, "Action: delayed")); at++)
		delays++;
	cr_assert_eq(delays, 1);
	cr_assert(
	    count_heard("MAIL FROM") > 20 && count_heard("MAIL FROM") < 80,
	    "%u", count_heard("MAIL FROM"));
}

/* --- routes ----------------------------------------------------------------
 */

/* Other blocks than before, read again. */
static void
reconfigure(const char *blocks)
{
	struct config *cfg;

	more_config = blocks;
	cfg = configuration();
	exchange_reconfigure(agent, cfg);
	config_unref(&cfg);
}

/* One provider, but senders that go different ways: never one connection. */
Test(exchange, senders_of_different_routes)
{
	struct mail mail = { .to = { "x@there.test" } };

	reconfigure("destination a {\n senders = \"a.test\"\n"
		    " helo = \"a.here.test\"\n source = \"127.0.0.9\"\n}\n"
		    "destination b {\n senders = \"b.test\"\n"
		    " helo = \"b.here.test\"\n}\n");
	for (int i = 0; i < 10; i++) {
		mail.sender = "u@a.test";
		(void)put(&mail);
		mail.sender = "u@b.test";
		(void)put(&mail);
		mail.sender = "u@c.test";
		(void)put(&mail);
	}
	expect_left(0);
	cr_assert_eq(peer_messages(peer), 30);
	expect_heard("EHLO a.here.test\r\nMAIL FROM:<u@a.test>", true);
	expect_heard("EHLO b.here.test\r\nMAIL FROM:<u@b.test>", true);
	expect_heard("EHLO here.test\r\nMAIL FROM:<u@c.test>", true);
	expect_heard("EHLO a.here.test\r\nMAIL FROM:<u@b.test>", false);
	expect_heard("EHLO here.test\r\nMAIL FROM:<u@a.test>", false);
}

/* What waits goes by the blocks of today, and its domain stays one. */
Test(exchange, route_of_what_waits)
{
	struct mail mail = { .sender = "u@a.test", .to = { "x@silent.test" } };
	uint64_t id = put(&mail), other;
	char text[200];

	mail.sender = "u@b.test";
	other = put(&mail);
	expect_tries(id, 1);
	expect_tries(other, 1);
	(void)snprintf(text, sizeof(text),
	    "relay smart {\n host = \"[127.0.0.1]:%d\"\n}\n"
	    "destination a {\n senders = \"u@a.test\"\n relay = smart\n"
	    " helo = \"a.here.test\"\n}\n",
	    port);
	reconfigure(text);
	advance(20 * 60);
	expect_left(1);
	expect_heard("EHLO a.here.test\r\nMAIL FROM:<u@a.test>", true);
	expect_tries(other, 2);
	/* And back. */
	reconfigure("");
	mail.sender = "u@a.test";
	id = put(&mail);
	expect_tries(id, 1);
	cr_assert_eq(peer_messages(peer), 1);
	reconfigure(text);
	advance(40 * 60);
	expect_left(1);
	cr_assert_eq(queue_delete(exchange_queue(agent), other,
			 &(struct pst_error){ 0 }),
	    PST_OK);
	expect_left(0);
}

/* Its answer is refused for now, whatever it says, and nothing is told. */
Test(exchange, must_is_must)
{
	const struct mail mail = { .sender = "a@here.test",
		.to = { "b@there.test" } };
	uint64_t id;

	reconfigure("destination a {\n domains = \"there.test\"\n"
		    " tls = must\n}\n");
	id = put(&mail);
	expect_tries(id, 1);
	expect_answer(id, "4.7.4 the server offers no TLS");
	reconfigure("destination a {\n domains = \"there.test\"\n"
		    " tls = none\n}\n");
	schedule_hurry_all(exchange_schedule(agent));
	advance(20 * 60);
	expect_left(0);
	cr_assert_eq(peer_messages(peer), 1);
}

/* A destination has a limit of its own. */
Test(exchange, at_once_of_a_route)
{
	struct mail mail = { .sender = "a@here.test" };

	reconfigure("destination a {\n domains = \"there.test\"\n"
		    " at_once = 1\n}\n");
	mail.to[0] = "b@there.test";
	for (int i = 0; i < 60; i++)
		(void)put(&mail);
	expect_left(0);
	cr_assert_eq(peer_at_once(peer), 1);
}

/* Many servers that say nothing leave room for those that are known. */
Test(exchange, many_that_say_nothing)
{
	struct peer_script script = good;
	struct mail mail = { .sender = "a@here.test",
		.to = { "b@alive.test" } };
	char to[40];

	reconfigure("queue {\n connections = 3\n idle_connections = 0\n}\n");
	(void)put(&mail);
	expect_left(0);
	script.greeting = "-";
	peer_set(peer, &script);
	for (int i = 0; i < 6; i++) {
		(void)snprintf(to, sizeof(to), "x@dead%d.test", i);
		mail.to[0] = to;
		(void)put(&mail);
	}
	(void)usleep(300000);
	peer_set(peer, &good);
	mail.to[0] = "b@alive.test";
	for (int i = 0; i < 20; i++)
		(void)put(&mail);
	expect_left(6);
	cr_assert_eq(peer_messages(peer), 21);
}
