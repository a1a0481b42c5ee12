/*
 * The sending side of SMTP against servers that misbehave, at each stage of a
 * session: what has become of the message, and in what time. All stages of one
 * kind of misbehaviour go at once, each with a server and a thread of its own.
 */
#include "exchange/client.h"

#include "base/clock.h"
#include "base/str.h"
#include "peer.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <pthread.h>

static const struct client_times short_times = {
	.greeting = 1,
	.ehlo = 1,
	.mail = 1,
	.rcpt = 1,
	.data = 1,
	.block = 1,
	.final = 1,
	.quit = 1,
};

enum { SIZE = 300000, RECIPIENTS = 3 };

/* Where the server goes wrong. */
static const struct stage {
	const char *name;
	size_t at; /* in the script */
	bool chunks;
	bool opening; /* before there is a transaction */
} stages[] = {
	{ "greeting", offsetof(struct peer_script, greeting), false, true },
	{ "EHLO", offsetof(struct peer_script, ehlo), false, true },
	{ "MAIL", offsetof(struct peer_script, mail), false, false },
	{ "RCPT", offsetof(struct peer_script, rcpt), false, false },
	{ "DATA", offsetof(struct peer_script, data), false, false },
	{ "the end", offsetof(struct peer_script, final), false, false },
	{ "a chunk", offsetof(struct peer_script, chunk), true, false },
	{ "the last chunk", offsetof(struct peer_script, final), true, false },
};
#define STAGES (sizeof(stages) / sizeof(stages[0]))

/* One session, and what came of it. */
struct session {
	const struct stage *stage;
	const char *says;
	bool pipelined;

	pthread_t thread;
	bool greeted;
	enum client_result result;
	bool doubt, usable;
	unsigned settled, refused; /* recipients */
	unsigned code;		   /* of the last reply to one of them */
	unsigned messages;	   /* that the server took */
	size_t sent;		   /* octets of the content */
	int64_t took;
	char error[256];
};

static enum pst_rc
content(void *arg, void *p, size_t n, size_t *got_r, struct pst_error *err)
{
	struct session *s = arg;

	(void)err;
	*got_r = SIZE - s->sent < n ? SIZE - s->sent : n;
	memset(p, 'x', *got_r);
	if (*got_r > 0)
		((char *)p)[*got_r - 1] = '\n';
	s->sent += *got_r;
	return PST_OK;
}

static void
on_refused(void *arg, size_t recipient, const struct reply *reply)
{
	struct session *s = arg;

	(void)recipient;
	s->refused++;
	s->code = reply->code;
}

static void
on_settled(void *arg, size_t recipient, const struct reply *reply)
{
	struct session *s = arg;

	(void)recipient;
	s->settled++;
	s->code = reply->code;
}

static struct client *
connect_to(int port)
{
	struct wire_address a = { .n = sizeof(struct sockaddr_in) };
	struct sockaddr_in *sa = (struct sockaddr_in *)&a.sa;
	struct pst_error err = { 0 };
	struct wire *w;
	size_t which;

	sa->sin_family = AF_INET;
	sa->sin_port = htons((uint16_t)port);
	sa->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (wire_connect(&a, 1, NULL, 0, -1, 250, 5, &w, &which, &err) !=
	    PST_OK)
		return NULL;
	return client_new(&w, "here.test", &short_times);
}

static void
send_message(struct session *s, struct client *c)
{
	struct envelope_recipient r[RECIPIENTS] = {
		{ .address = STR("a@there.test") },
		{ .address = STR("b@there.test") },
		{ .address = STR("c@there.test") },
	};
	const struct envelope e = { .sender = STR("x@here.test"),
		.recipient = r,
		.recipients = RECIPIENTS,
		.size = SIZE };
	static const size_t all[RECIPIENTS] = { 0, 1, 2 };
	const struct client_message m = { .envelope = &e,
		.recipient = all,
		.recipients = RECIPIENTS,
		.content = content,
		.content_arg = s,
		.refused = on_refused,
		.settled = on_settled,
		.arg = s };
	struct pst_error err = { 0 };

	s->result = client_send(c, &m, &s->doubt, &err);
	s->usable = client_is_usable(c);
	(void)str_copy(s->error, sizeof(s->error), str_of(err.detail));
}

static void *
run(void *arg)
{
	struct session *s = arg;
	struct peer_script script = { .extensions = "SIZE" };
	struct pst_error err = { 0 };
	struct peer *p;
	struct client *c;
	int64_t began = clock_monotonic();
	int port = 0;

	if (s->pipelined)
		script.extensions = s->stage->chunks ? "PIPELINING CHUNKING"
						     : "PIPELINING";
	else if (s->stage->chunks)
		script.extensions = "CHUNKING";
	*(const char **)((char *)&script + s->stage->at) = s->says;
	p = peer_start("127.0.0.1", &script, &port);
	c = connect_to(port);
	s->result = c != NULL ? client_greet(c, &err) : CLIENT_UNTRUSTED;
	(void)str_copy(s->error, sizeof(s->error), str_of(err.detail));
	s->greeted = s->result == CLIENT_OK;
	if (s->greeted)
		send_message(s, c);
	client_free(&c);
	s->messages = peer_messages(p);
	s->took = clock_monotonic() - began;
	peer_stop(&p);
	return NULL;
}

typedef void (*check_fn)(const struct session *s, const char *what);

/* The same misbehaviour at all stages, with and without PIPELINING. */
static void
try_all(const char *says, check_fn check)
{
	struct session s[2 * STAGES] = { 0 };
	char what[128];

	for (size_t i = 0; i < 2 * STAGES; i++) {
		s[i].stage = &stages[i / 2];
		s[i].says = says;
		s[i].pipelined = i % 2 == 1;
		cr_assert_eq(pthread_create(&s[i].thread, NULL, run, &s[i]), 0);
	}
	for (size_t i = 0; i < 2 * STAGES; i++)
		(void)pthread_join(s[i].thread, NULL);
	for (size_t i = 0; i < 2 * STAGES; i++) {
		(void)snprintf(what, sizeof(what), "\"%.20s\" to %s%s: %s",
		    says, s[i].stage->name, s[i].pipelined ? ", pipelined" : "",
		    s[i].error);
		check(&s[i], what);
	}
}

/* Nobody has been told that the message is taken, unless the server said so. */
static void
expect_not_taken(const struct session *s, const char *what)
{
	bool at_end = strstr(s->stage->name, "end") != NULL ||
		      strstr(s->stage->name, "last") != NULL;

	cr_expect(s->settled == 0 || s->code / 100 != 2, "%s: taken", what);
	cr_expect(s->messages == 0 || at_end, "%s: given away", what);
	cr_expect(!s->doubt || at_end, "%s: in doubt", what);
}

static void
expect_lost(const struct session *s, const char *what)
{
	expect_not_taken(s, what);
	cr_expect(s->result == CLIENT_LOST, "%s: result %d", what, s->result);
	cr_expect(!s->usable, "%s: usable", what);
	cr_expect(s->error[0] != '\0', "%s: without a word", what);
	cr_expect(s->settled == 0 && s->refused == 0, "%s: told of", what);
}

/* With a second for each step a session has an end in a few. */
static void
expect_lost_in_time(const struct session *s, const char *what)
{
	expect_lost(s, what);
	cr_expect(s->took < INT64_C(15000000), "%s: took %lld us", what,
	    (long long)s->took);
}

TestSuite(misbehave, .timeout = 60);

Test(misbehave, closes)
{
	try_all("", expect_lost);
}

Test(misbehave, says_nothing)
{
	try_all("-", expect_lost_in_time);
}

Test(misbehave, dribbles)
{
	try_all("~250 2.0.0 as slowly as can be", expect_lost_in_time);
}

Test(misbehave, endless_lines)
{
	try_all("*250-and more", expect_lost_in_time);
}

Test(misbehave, endless_line)
{
	try_all("#", expect_lost_in_time);
}

Test(misbehave, no_smtp)
{
	static const char *const says[] = { "HTTP/1.1 400 Bad Request", "hello",
		"2500 Ok", "25 Ok", "250Ok", "250-a\r\n251 b", " ",
		"\x16\x03\x01 TLS", "999 What", "000 Nothing", "150 Wait",
		"650 No" };

	for (size_t i = 0; i < sizeof(says) / sizeof(says[0]); i++)
		try_all(says[i], expect_lost);
}

/* The right digit in the wrong place. */
static void
check_wrong_class(const struct session *s, const char *what)
{
	bool wants3 = strcmp(s->stage->name, "DATA") == 0;

	if (wants3 && s->says[0] == '3')
		return;
	expect_not_taken(s, what);
	if (s->says[0] == (wants3 ? '2' : '3')) {
		cr_expect(
		    s->result == CLIENT_LOST, "%s: result %d", what, s->result);
		cr_expect(s->sent == 0 || !wants3, "%s: content sent", what);
	}
}

Test(misbehave, wrong_codes)
{
	try_all("354 Go on", check_wrong_class);
}

static void
check_two_to_data(const struct session *s, const char *what)
{
	if (strcmp(s->stage->name, "DATA") == 0)
		check_wrong_class(s, what);
	else
		cr_expect(s->result == CLIENT_OK || s->stage->opening,
		    "%s: result %d", what, s->result);
}

Test(misbehave, two_hundred_to_data)
{
	try_all("250 Yes", check_two_to_data);
}

/* "No", now or for ever, is no fault: all recipients hear it. */
static void
check_refusal(const struct session *s, const char *what)
{
	unsigned code = (unsigned)strtoul(s->says, NULL, 10);

	expect_not_taken(s, what);
	if (strcmp(s->stage->name, "EHLO") == 0 && code >= 500) {
		/* HELO comes next, and is taken. */
		cr_expect(s->result == CLIENT_OK, "%s: %d", what, s->result);
		return;
	}
	if (s->stage->opening || strcmp(s->stage->name, "MAIL") == 0) {
		cr_expect(
		    s->result == CLIENT_REFUSED, "%s: %d", what, s->result);
		return;
	}
	cr_expect(s->result == CLIENT_OK, "%s: result %d", what, s->result);
	cr_expect(s->settled + s->refused == RECIPIENTS, "%s: %u and %u", what,
	    s->settled, s->refused);
	cr_expect(s->code == code, "%s: %u", what, s->code);
}

static void
check_no(const struct session *s, const char *what)
{
	if (strcmp(s->stage->name, "EHLO") == 0 && s->says[0] == '5')
		return; /* HELO, without extensions: see above */
	check_refusal(s, what);
}

Test(misbehave, says_no)
{
	try_all("451 4.3.0 Not now", check_refusal);
	try_all("550 5.7.1 Never", check_no);
	try_all("550-5.7.1 Never\r\n550 5.7.1 At all", check_no);
}

/* 421 counts as a reply to the command at hand; the rest is lost. */
static void
check_421(const struct session *s, const char *what)
{
	expect_not_taken(s, what);
	cr_expect(!s->usable, "%s: usable", what);
	cr_expect(s->code == 0 || s->code == 421, "%s: %u", what, s->code);
}

Test(misbehave, says_421)
{
	try_all("421 4.3.2 Going down", check_421);
	try_all("421-4.3.2 Going\r\n421 4.3.2 down", check_421);
}

/* --- TLS that does not come -------------------------------------------------
 */

static enum client_result
start_tls(const struct peer_script *script, char error[256])
{
	const struct wire_policy policy = { .trust = WIRE_ANY };
	struct pst_error err = { 0 };
	enum client_result result;
	struct client *c;
	struct peer *p;
	int port = 0;

	p = peer_start("127.0.0.1", script, &port);
	c = connect_to(port);
	cr_assert_not_null(c);
	cr_assert_eq(client_greet(c, &err), CLIENT_OK);
	result = client_start_tls(c, &policy, &err);
	client_free(&c);
	peer_stop(&p);
	(void)str_copy(error, 256, str_of(err.detail));
	return result;
}

Test(misbehave, starttls)
{
	static const struct {
		const char *starttls, *handshake;
		enum client_result result;
		const char *error;
	} cases[] = {
		{ "454 4.7.0 Not now", NULL, CLIENT_REFUSED, "" },
		{ "502 5.5.1 What?", NULL, CLIENT_REFUSED, "" },
		{ "", NULL, CLIENT_LOST, "" },
		{ "-", NULL, CLIENT_LOST, "" },
		{ "354 Go on", NULL, CLIENT_LOST, "does not belong" },
		/* The handshake: closed, nothing, and no TLS. */
		{ NULL, "", CLIENT_LOST, "" },
		{ NULL, "-", CLIENT_LOST, "" },
		{ NULL, "*500 What?", CLIENT_LOST, "" },
		/* RFC 3207, 6: an answer to what will only be asked. */
		{ "220 Go on\r\n250 injected", NULL, CLIENT_LOST,
		    "plain text" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct peer_script script = { .extensions = "STARTTLS",
			.starttls = cases[i].starttls,
			.handshake = cases[i].handshake };
		char error[256];
		enum client_result result = start_tls(&script, error);

		cr_expect(result == cases[i].result, "case %zu: %d %s", i,
		    result, error);
		cr_expect(strstr(error, cases[i].error) != NULL, "case %zu: %s",
		    i, error);
	}
}
