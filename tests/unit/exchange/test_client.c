/*
 * The sending side of SMTP, against a server that does what a script says.
 */
#include "exchange/client.h"

#include "base/str.h"
#include "exchange/lines.h"
#include "peer.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <stdlib.h>

static struct peer *peer;
static int port;

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

static void
teardown(void)
{
	if (peer != NULL)
		peer_stop(&peer);
}

static struct client *
connect_to(const struct peer_script *script)
{
	struct wire_address a = { .n = sizeof(struct sockaddr_in) };
	struct sockaddr_in *sa = (struct sockaddr_in *)&a.sa;
	struct pst_error err = { 0 };
	struct wire *w;
	size_t which;

	port = 0;
	peer = peer_start("127.0.0.1", script, &port);
	sa->sin_family = AF_INET;
	sa->sin_port = htons((uint16_t)port);
	sa->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	cr_assert_eq(wire_connect(&a, 1, NULL, 0, -1, 250, 5, &w, &which, &err),
	    PST_OK, "%s", err.detail);
	return client_new(&w, "here.test", &short_times);
}

TestSuite(client, .fini = teardown, .timeout = 30);

/* Each piece comes in time, the reply does not. */
Test(client, time_is_for_the_whole_reply)
{
	static const struct peer_script slow = {
		.greeting = "~220 peer.test takes its time"
	};
	struct client *c = connect_to(&slow);
	struct pst_error err = { 0 };

	cr_assert_eq(client_greet(c, &err), CLIENT_LOST);
	cr_assert_str_eq(err.detail, "no answer in time");
	client_free(&c);
}

Test(client, time_is_enough_for_pieces)
{
	static const struct peer_script slow = { .greeting = "~220 a",
		.extensions = "SIZE=77 8BITMIME" };
	struct client *c = connect_to(&slow);
	struct pst_error err = { 0 };

	cr_assert_eq(client_greet(c, &err), CLIENT_OK, "%s", err.detail);
	cr_assert_eq(client_extensions(c), CLIENT_SIZE | CLIENT_8BITMIME);
	cr_assert_eq(client_size_limit(c), 77);
	client_free(&c);
}

/* --- what goes out ---------------------------------------------------------
 */

static const struct {
	const char *label, *in, *out;
} evened[] = {
	{ "even", "a\r\n.\r\n", "a\r\n.\r\n" },
	{ "LF", "a\n.\nb\r\n", "a\r\n.\r\nb\r\n" },
	{ "CR", "a\r.\rb\r\n", "a . b\r\n" },
	{ "CR CR LF", "a\r\r\n", "a \r\n" },
	{ "LF CR", "a\n\rb\r\n", "a\r\n b\r\n" },
	{ "CR at the end", "a\r", "a " },
	{ "LF at the end", "a\n", "a\r\n" },
	{ "nothing", "", "" },
};

/* In two pieces, however it is cut. */
static void
even_out(const char *in, size_t cut, struct buf *out)
{
	struct pst_str all = str_of(in);
	struct pst_str piece[2] = { str_first(all, cut), str_from(all, cut) };
	struct lines l = { 0 };

	for (int i = 0; i < 2; i++) {
		if (lines_are_even(&l, piece[i].p, piece[i].n))
			(void)buf_add_str(out, piece[i]);
		else
			lines_make_even(&l, piece[i].p, piece[i].n, out);
	}
	lines_end(&l, out);
}

Test(client, lines_are_made_even)
{
	for (size_t i = 0; i < sizeof(evened) / sizeof(evened[0]); i++)
		for (size_t cut = 0; cut <= strlen(evened[i].in); cut++) {
			struct buf out;

			buf_init(&out, 100);
			even_out(evened[i].in, cut, &out);
			cr_expect(str_eq(buf_str(&out), str_of(evened[i].out)),
			    "%s, cut at %zu", evened[i].label, cut);
			buf_fini(&out);
		}
}

/* A few octets at a time, so that ends of lines are cut. */
static enum pst_rc
give_content(void *arg, void *p, size_t n, size_t *got_r, struct pst_error *err)
{
	struct pst_str *left = arg;

	(void)err;
	*got_r = left->n < 3 ? left->n : 3;
	*got_r = *got_r < n ? *got_r : n;
	memcpy(p, left->p, *got_r);
	*left = str_from(*left, *got_r);
	return PST_OK;
}

static void
ignore_reply(void *arg, size_t recipient, const struct reply *reply)
{
	(void)arg;
	(void)recipient;
	(void)reply;
}

/* All that the other side heard of a message; the caller frees. */
static char *
heard_of(const char *extensions, enum envelope_body body, const char *text)
{
	struct peer_script script = { .extensions = extensions };
	struct client *c = connect_to(&script);
	struct envelope_recipient r = { .address = STR("a@there.test") };
	const struct envelope e = { .sender = STR("x@here.test"),
		.body = body,
		.recipient = &r,
		.recipients = 1 };
	static const size_t first = 0;
	struct pst_str left = str_of(text);
	const struct client_message m = { .envelope = &e,
		.recipient = &first,
		.recipients = 1,
		.content = give_content,
		.content_arg = &left,
		.refused = ignore_reply,
		.settled = ignore_reply };
	struct pst_error err = { 0 };
	bool doubt;

	cr_assert_eq(client_greet(c, &err), CLIENT_OK, "%s", err.detail);
	cr_assert_eq(
	    client_send(c, &m, &doubt, &err), CLIENT_OK, "%s", err.detail);
	cr_assert_eq(peer_messages(peer), 1);
	client_free(&c);
	return peer_heard(peer);
}

/* What could end a message for some server and not for us. */
static const char tricky[] = "A: b\r\n\r\nx\r.\rMAIL\n.\nMAIL\n.\r\n"
			     "MAIL\r\r\n.\r\r\nend\n";

Test(client, no_other_end_of_a_message)
{
	char *heard = heard_of("PIPELINING", BODY_7BIT, tricky);

	cr_assert_not_null(
	    strstr(heard, "\r\n\r\nx . MAIL\r\n..\r\nMAIL\r\n..\r\nMAIL "
			  "\r\n.. \r\nend\r\n.\r\n"),
	    "%s", heard);
	free(heard);
}

Test(client, nor_in_chunks)
{
	char *heard = heard_of("CHUNKING", BODY_8BITMIME, tricky);

	cr_assert_not_null(strstr(heard, "x . MAIL\r\n.\r\nMAIL\r\n.\r\nMAIL "
					 "\r\n. \r\nend\r\n"),
	    "%s", heard);
	free(heard);
}

Test(client, binary_content_is_left_alone)
{
	char *heard = heard_of("CHUNKING BINARYMIME", BODY_BINARYMIME, tricky);

	cr_assert_not_null(strstr(heard, tricky), "%s", heard);
	free(heard);
}
