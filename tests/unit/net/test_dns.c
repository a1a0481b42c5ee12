/*
 * Names and records in wire format; what a resolver without a network says.
 */
#include "base/clock.h"
#include "base/str.h"
#include "net/dns.h"
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

static struct dns_answer
answer_of(struct pst_str *record)
{
	return (struct dns_answer){
		.status = DNS_FOUND, .record = record, .records = 1
	};
}

Test(dns, knows_names)
{
	char label[70], name[300] = "";

	cr_expect(dns_is_name("example.org"));
	cr_expect(dns_is_name("example.org."));
	cr_expect(dns_is_name("_dmarc.example.org"));
	cr_expect(dns_is_name("a"));
	cr_expect_not(dns_is_name(""));
	cr_expect_not(dns_is_name("."));
	cr_expect_not(dns_is_name("a..b"));
	cr_expect_not(dns_is_name(".a"));
	cr_expect_not(dns_is_name("a b"));
	cr_expect_not(dns_is_name("a\\.b"));
	cr_expect_not(dns_is_name("\xc3\xa4.example"));
	memset(label, 'a', sizeof(label));
	label[63] = '\0';
	cr_expect(dns_is_name(label));
	label[63] = 'a';
	label[64] = '\0';
	cr_expect_not(dns_is_name(label));
	for (size_t i = 0; i < 253; i++)
		name[i] = i % 2 == 0 ? 'a' : '.';
	cr_expect(dns_is_name(name));
	memcpy(name + 253, ".a", 3);
	cr_expect_not(dns_is_name(name));
}

Test(dns, puts_texts_together)
{
	struct pst_str r[] = { STR("\3abc\0\2de") };
	struct dns_answer a = answer_of(r);
	struct buf out;

	buf_init(&out, 100);
	cr_expect(dns_txt(&a, 0, &out));
	cr_expect(str_is(buf_str(&out), "abcde"));
	cr_expect_not(dns_txt(&a, 1, &out));
	r[0] = STR("\4abc");
	cr_expect_not(dns_txt(&a, 0, &out));
	r[0] = STR_NONE;
	cr_expect_not(dns_txt(&a, 0, &out));
	buf_clear(&out);
	out.max = 3;
	r[0] = STR("\4abcd");
	cr_expect_not(dns_txt(&a, 0, &out));
	buf_fini(&out);
}

Test(dns, reads_names_addresses_and_keys)
{
	struct pst_str r[] = { STR("\0\012\2mx\7example\0") };
	struct dns_answer a = answer_of(r);
	unsigned char octets[16];
	struct dns_tlsa tlsa;
	unsigned preference;
	char name[256];
	size_t n;

	cr_expect(dns_mx(&a, 0, &preference, name));
	cr_expect_eq(preference, 10);
	cr_expect_str_eq(name, "mx.example");
	r[0] = STR("\0\0\0");
	cr_expect(dns_mx(&a, 0, &preference, name));
	cr_expect_str_eq(name, ".");
	r[0] = STR("\0\012\2mx\7exampl\0");
	cr_expect_not(dns_mx(&a, 0, &preference, name));
	r[0] = STR("\0\012\2mx\0more");
	cr_expect_not(dns_mx(&a, 0, &preference, name));
	r[0] = STR("\0");
	cr_expect_not(dns_mx(&a, 0, &preference, name));
	r[0] = STR("\4host\7example\0");
	cr_expect(dns_ptr(&a, 0, name));
	cr_expect_str_eq(name, "host.example");
	/* A dot inside of a label would make another name of it. */
	r[0] = STR("\4ho.t\7example\0");
	cr_expect_not(dns_ptr(&a, 0, name));
	r[0] = STR("\300\014");
	cr_expect_not(dns_ptr(&a, 0, name));
	r[0] = STR("\177\0\0\1");
	cr_expect(dns_address(&a, 0, octets, &n));
	cr_expect_eq(n, 4);
	r[0] = STR("\177\0\0");
	cr_expect_not(dns_address(&a, 0, octets, &n));
	r[0] = STR("\3\1\1abc");
	cr_expect(dns_tlsa(&a, 0, &tlsa));
	cr_expect_eq(tlsa.usage, 3);
	cr_expect_eq(tlsa.selector, 1);
	cr_expect_eq(tlsa.matching, 1);
	cr_expect(str_is(tlsa.data, "abc"));
	r[0] = STR("\3\1\1");
	cr_expect_not(dns_tlsa(&a, 0, &tlsa));
}

static struct config *
config_of(const char *dns)
{
	struct pst_error err = { 0 };
	struct config *cfg;
	char text[600];

	(void)snprintf(text, sizeof(text),
	    "hostname = mail.example.test\nlistener imap { port = 1143 }\n"
	    "dns {\n%s\n}\n",
	    dns);
	cfg = config_parse(text, NULL, 0, NULL, NULL, &err);
	cr_assert_not_null(cfg, "%s", err.detail);
	return cfg;
}

/* Port 9 of loopback: nobody answers there. */
Test(dns, gives_up_in_time)
{
	struct config *cfg = config_of(
	    "servers = { \"127.0.0.1@9\" }\nvalidate = false");
	struct pst_error err = { 0 };
	struct dns *d = dns_new(cfg, &err);
	struct dns_answer a;
	int64_t before = clock_monotonic();

	cr_assert_not_null(d, "%s", err.detail);
	dns_lookup(d, "example.org", DNS_TXT, before + 200000, &a);
	cr_expect_eq(a.status, DNS_FAILED);
	cr_expect_neq(a.reason[0], '\0');
	cr_expect_lt(clock_monotonic() - before, 3000000);
	dns_answer_fini(&a);
	dns_lookup(d, "no..name", DNS_TXT, clock_monotonic() + 1000000, &a);
	cr_expect_eq(a.status, DNS_NXDOMAIN);
	dns_answer_fini(&a);
	/* What libunbound knows by itself. */
	dns_lookup(d, "localhost", DNS_A, clock_monotonic() + 1000000, &a);
	cr_expect_eq(a.status, DNS_FOUND);
	dns_answer_fini(&a);
	dns_free(&d);
	config_unref(&cfg);
}

static void *
wait_long(void *arg)
{
	struct dns_answer a;

	dns_lookup(arg, "example.org", DNS_TXT,
	    clock_monotonic() + INT64_C(3600000000), &a);
	cr_expect_eq(a.status, DNS_FAILED);
	dns_answer_fini(&a);
	return NULL;
}

/* A name server that is there and says nothing. */
Test(dns, stops_at_once, .timeout = 60)
{
	struct sockaddr_in sa = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(sa);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	char text[200], octets[512];
	struct config *cfg;
	struct pst_error err = { 0 };
	struct dns *d;
	struct dns_answer a;
	pthread_t thread[2];

	cr_assert_eq(bind(fd, (struct sockaddr *)&sa, len), 0);
	cr_assert_eq(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
	(void)snprintf(text, sizeof(text),
	    "servers = { \"127.0.0.1@%d\" }\nvalidate = false\ntime = 120",
	    (int)ntohs(sa.sin_port));
	cfg = config_of(text);
	d = dns_new(cfg, &err);
	cr_assert_not_null(d, "%s", err.detail);
	for (size_t i = 0; i < 2; i++)
		cr_assert_eq(pthread_create(&thread[i], NULL, wait_long, d), 0);
	cr_assert_gt(recv(fd, octets, sizeof(octets), 0), 0);
	dns_stop(d);
	for (size_t i = 0; i < 2; i++)
		(void)pthread_join(thread[i], NULL);
	dns_lookup(d, "example.org", DNS_TXT,
	    clock_monotonic() + INT64_C(3600000000), &a);
	cr_expect_eq(a.status, DNS_FAILED);
	cr_expect_neq(a.reason[0], '\0');
	dns_answer_fini(&a);
	dns_stop(d);
	dns_free(&d);
	(void)close(fd);
	config_unref(&cfg);
}

Test(dns, says_what_it_cannot_read)
{
	struct config *cfg = config_of("anchors = { \"/nonexistent\" }");
	struct pst_error err = { 0 };

	cr_expect_null(dns_new(cfg, &err));
	cr_expect_eq(err.rc, PST_E_PERM);
	config_unref(&cfg);
	/* A file that is no zone file. */
	cfg = config_of("root_key = \"/bin/sh\"");
	err.rc = PST_OK;
	cr_expect_null(dns_new(cfg, &err));
	cr_expect_eq(err.rc, PST_E_PERM);
	config_unref(&cfg);
}
