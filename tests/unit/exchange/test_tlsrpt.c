/*
 * TLS reports (RFC 8460): whom they go to, what is counted, what they say.
 */
#include "exchange/tlsrpt.h"

#include "base/clock.h"
#include "base/str.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <unistd.h>
#include <zlib.h>

enum { DAY = 86400 };

Test(tlsrpt, records)
{
	static const struct {
		const char *text, *uri[3];
	} row[] = {
		{ "v=TLSRPTv1; rua=mailto:a@example.org", { "a@example.org" } },
		{ "v=TLSRPTv1;rua=mailto:a@example.org, https://e.org/r?x=1;",
		    { "a@example.org", "https://e.org/r?x=1" } },
		{ "v=TLSRPTv1; x=y; rua=ftp://a,mailto:b@e.org?subject=x",
		    { "b@e.org" } },
		{ "v=TLSRPTv1;", { NULL } },
		{ "v=TLSRPTv1; rua=", { NULL } },
		{ "v=TLSRPTv1; rua=mailto:a b@e.org", { NULL } },
		{ "v=TLSRPTv1; rua=mailto:a@e.org\r\nBcc: x@e.org", { NULL } },
		{ "v=TLSRPTv1; rua=mailto:a@e.org; rua=mailto:b@e.org",
		    { NULL } },
		{ "v=TLSRPTv1; rua=http://e.org/", { NULL } },
		{ "v=TLSRPTv2; rua=mailto:a@e.org", { NULL } },
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct tlsrpt_record r;
		size_t n = 0;

		while (n < 3 && row[i].uri[n] != NULL)
			n++;
		cr_expect_eq(tlsrpt_record_parse(str_of(row[i].text), &r),
		    n > 0, "%s", row[i].text);
		cr_expect_eq(r.n, n, "%s", row[i].text);
		for (size_t k = 0; k < n && k < r.n; k++)
			cr_expect_str_eq(r.uri[k], row[i].uri[k]);
	}
}

static struct config *
configuration(void)
{
	struct pst_error err = { 0 };
	struct config *cfg = config_parse(
	    "hostname = \"mail.here.test\"\ndomains = { \"here.test\" }\n"
	    "listener smtp {\n protocol = smtp\n}\n"
	    "storage maildir {\n path = \"/nowhere\"\n}\n"
	    "tls_reports {\n enabled = true\n}\n",
	    NULL, 0, NULL, NULL, &err);

	cr_assert_not_null(cfg, "%s", err.detail);
	return cfg;
}

static void
count_some(struct tlsrpt *t)
{
	struct tlsrpt_session s = { .domain = "there.test",
		.host = "mx.there.test",
		.ip = "192.0.2.1",
		.source = "192.0.2.7",
		.detail = "" };

	tlsrpt_count(t, DAY, &s);
	tlsrpt_count(t, DAY, &s);
	s.failure = "certificate-expired";
	s.detail = "over\xff\"";
	tlsrpt_count(t, DAY, &s);
	tlsrpt_count(t, DAY, &s);
	s.ip = "192.0.2.2";
	tlsrpt_count(t, DAY, &s);
}

static json_int_t
number(json_t *in, const char *a, const char *b)
{
	json_t *v = json_object_get(in, a);

	return json_integer_value(b != NULL ? json_object_get(v, b) : v);
}

/* What is counted is told after the day, and after a restart. */
Test(tlsrpt, report_of_a_day)
{
	char path[] = "/tmp/postern-tlsrpt-XXXXXX";
	struct config *cfg = configuration();
	struct tlsrpt *t;
	struct tlsrpt_report r;
	json_t *all, *policy, *details;
	json_error_t error;
	int fd = mkstemp(path);

	cr_assert_geq(fd, 0);
	(void)close(fd);
	(void)unlink(path);
	t = tlsrpt_new(path);
	count_some(t);
	cr_assert_not(tlsrpt_next(t, cfg, clock_seconds(), &r), "too early");
	tlsrpt_end(t, &r, false);
	tlsrpt_free(&t);
	t = tlsrpt_new(path);
	cr_assert(tlsrpt_next(t, cfg, clock_seconds() + DAY, &r));
	cr_assert_str_eq(r.domain, "there.test");
	cr_assert_eq(r.end - r.start, DAY - 1);
	cr_assert_eq(r.start % DAY, 0);
	all = json_loadb(r.json.p, r.json.n, 0, &error);
	cr_assert_not_null(all, "%s", error.text);
	cr_assert_str_eq(
	    json_string_value(json_object_get(all, "organization-name")),
	    "mail.here.test");
	cr_assert_str_eq(
	    json_string_value(json_object_get(all, "contact-info")),
	    "postmaster@here.test");
	cr_assert_eq(json_array_size(json_object_get(all, "policies")), 1);
	policy = json_array_get(json_object_get(all, "policies"), 0);
	cr_assert_str_eq(json_string_value(json_object_get(
			     json_object_get(policy, "policy"), "policy-type")),
	    "no-policy-found");
	cr_assert_eq(
	    number(policy, "summary", "total-successful-session-count"), 2);
	cr_assert_eq(
	    number(policy, "summary", "total-failure-session-count"), 3);
	details = json_object_get(policy, "failure-details");
	cr_assert_eq(json_array_size(details), 2);
	cr_assert_eq(
	    number(json_array_get(details, 0), "failed-session-count", NULL) +
		number(
		    json_array_get(details, 1), "failed-session-count", NULL),
	    3);
	json_decref(all);

	/* One that could not be sent is due again, one that was is gone. */
	tlsrpt_end(t, &r, false);
	cr_assert_not(tlsrpt_next(t, cfg, clock_seconds() + DAY, &r));
	tlsrpt_end(t, &r, false);
	tlsrpt_again(t, 0);
	cr_assert(tlsrpt_next(t, cfg, clock_seconds() + DAY, &r));
	tlsrpt_end(t, &r, true);
	tlsrpt_again(t, 0);
	cr_assert_not(tlsrpt_next(t, cfg, clock_seconds() + DAY, &r));
	tlsrpt_end(t, &r, false);
	tlsrpt_free(&t);
	(void)unlink(path);
	config_unref(&cfg);
}

/* A file that is no JSON is begun anew. */
Test(tlsrpt, damaged_file)
{
	char path[] = "/tmp/postern-tlsrpt-XXXXXX";
	struct config *cfg = configuration();
	struct tlsrpt *t;
	struct tlsrpt_report r;
	int fd = mkstemp(path);

	cr_assert_eq(write(fd, "{\"1\": 2, \"x", 11), 11);
	(void)close(fd);
	t = tlsrpt_new(path);
	count_some(t);
	cr_assert(tlsrpt_next(t, cfg, clock_seconds() + DAY, &r));
	tlsrpt_end(t, &r, true);
	tlsrpt_free(&t);
	(void)unlink(path);
	config_unref(&cfg);
}

Test(tlsrpt, compressed)
{
	static const char text[] = "{\"a\": 1, \"b\": [1, 2, 3]}";
	unsigned char back[200];
	struct buf gzip;
	z_stream z = { .next_out = back, .avail_out = sizeof(back) };

	buf_init(&gzip, 1000);
	cr_assert(tlsrpt_gzip(STR(text), &gzip));
	z.next_in = (Bytef *)gzip.p;
	z.avail_in = (uInt)gzip.n;
	cr_assert_eq(inflateInit2(&z, 15 + 16), Z_OK);
	cr_assert_eq(inflate(&z, Z_FINISH), Z_STREAM_END);
	cr_assert_eq(z.total_out, sizeof(text) - 1);
	cr_assert_eq(memcmp(back, text, sizeof(text) - 1), 0);
	(void)inflateEnd(&z);
	buf_fini(&gzip);
	buf_init(&gzip, 4);
	cr_assert_not(tlsrpt_gzip(STR(text), &gzip));
	buf_fini(&gzip);
}
