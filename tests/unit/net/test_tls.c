/*
 * TLS: records in pieces, records larger than the buffer, ends with and without
 * a farewell, and what a hostile peer may try.
 */
#include "fixture.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <gnutls/gnutls.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static struct server s;

struct client {
	int fd;
	gnutls_session_t session;
	gnutls_certificate_credentials_t credentials;
};

static void
begin(const char *limits)
{
	cr_assert(server_start(&s, limits, true));
}

static void
end(void)
{
	server_stop(&s);
	server_clean(&s);
}

static int
connect_tls_port(void)
{
	struct server copy = { .port = s.tls_port };

	return client_tcp(&copy);
}

static bool
client_open(struct client *c, const char *priority, const char *alpn)
{
	int rc;

	c->fd = connect_tls_port();
	(void)gnutls_certificate_allocate_credentials(&c->credentials);
	(void)gnutls_init(&c->session, GNUTLS_CLIENT | GNUTLS_NO_SIGNAL);
	(void)gnutls_priority_set_direct(c->session, priority, NULL);
	(void)gnutls_credentials_set(
	    c->session, GNUTLS_CRD_CERTIFICATE, c->credentials);
	if (alpn != NULL) {
		gnutls_datum_t name = { (void *)(uintptr_t)alpn,
			(unsigned)strlen(alpn) };

		(void)gnutls_alpn_set_protocols(c->session, &name, 1, 0);
	}
	gnutls_transport_set_int(c->session, c->fd);
	gnutls_handshake_set_timeout(c->session, 5000);
	do {
		rc = gnutls_handshake(c->session);
	} while (rc < 0 && gnutls_error_is_fatal(rc) == 0);
	return rc == 0;
}

static void
client_close(struct client *c)
{
	gnutls_deinit(c->session);
	gnutls_certificate_free_credentials(c->credentials);
	(void)close(c->fd);
}

static void
say(struct client *c, const char *text)
{
	size_t n = strlen(text);

	while (n > 0) {
		ssize_t done = gnutls_record_send(c->session, text, n);

		if (done <= 0)
			return;
		text += done;
		n -= (size_t)done;
	}
}

static ssize_t
receive(struct client *c, void *p, size_t n)
{
	ssize_t got;

	do {
		got = gnutls_record_recv(c->session, p, n);
	} while (got < 0 && gnutls_error_is_fatal((int)got) == 0);
	return got;
}

static bool
hears(struct client *c, const char *text)
{
	char line[2048];
	size_t n = 0;

	while (n + 1 < sizeof(line)) {
		if (receive(c, line + n, 1) != 1)
			return false;
		if (line[n++] == '\n')
			break;
	}
	while (n > 0 && (line[n - 1] == '\n' || line[n - 1] == '\r'))
		n--;
	line[n] = '\0';
	return strcmp(line, text) == 0;
}

static bool
swallow(struct client *c, size_t n)
{
	static char piece[65536];

	while (n > 0) {
		ssize_t got = receive(
		    c, piece, n < sizeof(piece) ? n : sizeof(piece));

		if (got <= 0)
			return false;
		n -= (size_t)got;
	}
	return true;
}

static const char *const versions[] = {
	"NORMAL:-VERS-ALL:+VERS-TLS1.2",
	"NORMAL:-VERS-ALL:+VERS-TLS1.3",
};

Test(tls, conversation_in_both_versions)
{
	begin("");
	for (size_t i = 0; i < 2; i++) {
		struct client c;

		cr_assert(client_open(&c, versions[i], NULL));
		cr_assert(hears(&c, "hello"));
		say(&c, "one\r\ntwo\r\n");
		cr_assert(hears(&c, "one"));
		cr_assert(hears(&c, "two"));
		say(&c, "quit\r\n");
		cr_assert(hears(&c, "bye"));
		/* A farewell, and not only an end. */
		cr_assert_eq(receive(&c, (char[1]){ 0 }, 1), 0);
		client_close(&c);
	}
	end();
}

Test(tls, old_versions_are_refused)
{
	struct client c;

	begin("");
	cr_expect_not(client_open(
	    &c, "NORMAL:-VERS-ALL:+VERS-TLS1.1:+VERS-TLS1.0:%COMPAT", NULL));
	client_close(&c);
	end();
}

Test(tls, another_protocols_client_is_refused)
{
	struct client c;

	begin("");
	cr_expect_not(client_open(&c, "NORMAL", "http/1.1"));
	client_close(&c);
	cr_expect(client_open(&c, "NORMAL", "lines"));
	cr_expect(hears(&c, "hello"));
	client_close(&c);
	end();
}

Test(tls, much_output_to_a_slow_reader)
{
	enum { MUCH = 8 << 20 };

	begin("output = 16K");
	for (size_t i = 0; i < 2; i++) {
		struct client c;

		cr_assert(client_open(&c, versions[i], NULL));
		cr_assert(hears(&c, "hello"));
		say(&c, "big 8388608\r\nlast\r\n");
		for (int k = 0; k < 8; k++) {
			sleep_ms(20);
			cr_assert(swallow(&c, MUCH / 8));
		}
		cr_assert(hears(&c, "done"));
		cr_assert(hears(&c, "last"));
		client_close(&c);
	}
	end();
}

/* A record that holds more than the protocol's buffer. */
Test(tls, decrypted_input_is_not_forgotten)
{
	struct client c;
	char text[16001];
	size_t n = 0;

	begin("");
	cr_assert(client_open(&c, "NORMAL", NULL));
	cr_assert(hears(&c, "hello"));
	say(&c, "small 1000\r\nready\r\n");
	cr_assert(hears(&c, "ready"));
	while (n + 8 < sizeof(text))
		n += (size_t)snprintf(
		    text + n, sizeof(text) - n, "%06zu\r\n", n / 8);
	text[n] = '\0';
	say(&c, text);
	for (size_t i = 0; i < n / 8; i++) {
		char line[32];

		(void)snprintf(line, sizeof(line), "%06zu", i);
		cr_assert(hears(&c, line), "%zu", i);
	}
	client_close(&c);
	end();
}

/* Decrypted input that nobody wants must not keep a worker running. */
Test(tls, unwanted_input_burns_no_time)
{
	static const char *const first[] = { "quit\r\n", "pause 60000\r\n",
		"big 100000000\r\n" };
	struct client c[3];
	char text[16001];
	int64_t cpu;

	begin("workers_min = 1\nworkers_max = 2");
	for (int i = 0; i < 3; i++) {
		cr_assert(client_open(&c[i], "NORMAL", NULL));
		cr_assert(hears(&c[i], "hello"));
		say(&c[i], "small 1000\r\nready\r\n");
		cr_assert(hears(&c[i], "ready"));
		memset(text, 'x', sizeof(text));
		(void)memcpy(text, first[i], strlen(first[i]));
		text[sizeof(text) - 1] = '\0';
		say(&c[i], text);
	}
	sleep_ms(200);
	cpu = cpu_ms();
	sleep_ms(600);
	cr_expect_lt(cpu_ms() - cpu, 100);
	for (int i = 0; i < 3; i++) {
		struct linger hard = { 1, 0 };

		(void)setsockopt(
		    c[i].fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
		client_close(&c[i]);
	}
	cr_assert(wait_for(&s.closed, 3));
	end();
}

Test(tls, records_may_come_octet_by_octet)
{
	struct client c;
	int pair[2], fd;
	char octets[1024];
	ssize_t n;

	begin("");
	cr_assert(client_open(&c, "NORMAL", NULL));
	cr_assert(hears(&c, "hello"));
	/* The record is made into another socket, then sent slowly. */
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	fd = c.fd;
	gnutls_transport_set_int2(c.session, fd, pair[0]);
	say(&c, "slowly\r\n");
	n = recv(pair[1], octets, sizeof(octets), 0);
	cr_assert_gt(n, 0);
	for (ssize_t i = 0; i < n; i++) {
		cr_assert_eq(send(fd, octets + i, 1, 0), 1);
		sleep_ms(1);
	}
	cr_assert(hears(&c, "slowly"));
	(void)close(pair[0]);
	(void)close(pair[1]);
	client_close(&c);
	end();
}

Test(tls, an_end_without_farewell_is_an_end)
{
	struct client c;

	begin("");
	cr_assert(client_open(&c, "NORMAL", NULL));
	cr_assert(hears(&c, "hello"));
	say(&c, "big 1000000\r\nlast\r\n");
	(void)shutdown(c.fd, SHUT_WR);
	cr_assert(swallow(&c, 1000000));
	cr_assert(hears(&c, "done"));
	cr_assert(hears(&c, "last"));
	cr_assert(wait_for(&s.closed, 1));
	client_close(&c);
	end();
}

Test(tls, new_keys_may_be_asked_for)
{
	struct client c;

	begin("");
	cr_assert(client_open(&c, versions[1], NULL));
	cr_assert(hears(&c, "hello"));
	for (int i = 0; i < 4; i++) {
		cr_assert_eq(
		    gnutls_session_key_update(c.session, GNUTLS_KU_PEER), 0);
		say(&c, "again\r\n");
		cr_assert(hears(&c, "again"));
	}
	client_close(&c);
	end();
}

/* Nothing that mail needs; who tries must not wait for ever. */
Test(tls, negotiating_anew_ends_the_connection)
{
	struct client c;
	int rc;

	begin("");
	cr_assert(client_open(&c, versions[0], NULL));
	cr_assert(hears(&c, "hello"));
	gnutls_handshake_set_timeout(c.session, 4000);
	do {
		rc = gnutls_handshake(c.session);
	} while (rc < 0 && gnutls_error_is_fatal(rc) == 0);
	cr_expect_lt(rc, 0);
	cr_expect(wait_for(&s.closed, 1));
	client_close(&c);
	end();
}

Test(tls, rubbish_and_silence_are_no_handshake)
{
	struct net_counters now;
	int fd[3];
	char c;

	begin("");
	for (int i = 0; i < 3; i++)
		fd[i] = connect_tls_port();
	client_say(fd[0], "EHLO client.example\r\n");
	(void)shutdown(fd[1], SHUT_WR);
	(void)recv(fd[0], &c, 1, 0); /* perhaps an alert */
	for (int i = 0; i < 200; i++) {
		net_count(s.net, &now);
		if (now.connections == 1)
			break;
		sleep_ms(10);
	}
	cr_expect_eq(now.connections, 1);
	cr_expect_eq(atomic_load(&s.open), 0);
	for (int i = 0; i < 3; i++)
		(void)close(fd[i]);
	end();
}

/* --- certificates
 * --------------------------------------------------------------
 */

Test(certificates, a_key_of_another_certificate_is_an_error)
{
	static const char *const names[] = { "mail.example.test" };
	char dir[] = "/tmp/postern-net-XXXXXX", path[4][64], text[512];
	struct pst_error err = { 0 };
	struct tls_context *t;
	struct config *good, *bad;

	cr_assert_not_null(mkdtemp(dir));
	for (int i = 0; i < 4; i++)
		(void)snprintf(path[i], sizeof(path[i]), "%s/%d", dir, i);
	for (int i = 0; i < 4; i += 2)
		cr_assert_eq(
		    tls_make_certificate(path[i], path[i + 1], names, 1, &err),
		    PST_OK);
	(void)snprintf(text, sizeof(text),
	    "certificate a {\n certificate = \"%s\"\n key = \"%s\"\n}\n",
	    path[0], path[1]);
	good = server_config("/nowhere", "", text);
	(void)snprintf(text, sizeof(text),
	    "certificate a {\n certificate = \"%s\"\n key = \"%s\"\n}\n",
	    path[0], path[3]);
	bad = server_config("/nowhere", "", text);
	cr_expect_null(tls_context_new(bad, &err));
	cr_expect_not_null(strstr(err.detail, path[3]));
	t = tls_context_new(good, &err);
	cr_assert_not_null(t);
	cr_expect(tls_has_certificate(t));
	/* A reload that fails changes nothing. */
	cr_expect_neq(tls_reload(t, bad, &err), PST_OK);
	cr_expect(tls_has_certificate(t));
	cr_expect_gt(tls_expires(t), 0);
	cr_expect_eq(tls_reload(t, good, &err), PST_OK);
	tls_context_free(&t);
	config_unref(&good);
	config_unref(&bad);
	for (int i = 0; i < 4; i++)
		(void)unlink(path[i]);
	(void)rmdir(dir);
}
