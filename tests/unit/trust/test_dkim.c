/*
 * DKIM: the example of RFC 8463 (appendix A), keys of RFC 6376 (appendix C),
 * canonical forms (RFC 6376, 3.4.5), and every way to be wrong.
 */
#include "fixture.h"

#include "base/codec.h"
#include "base/str.h"
#include "trust/dkim.h"
#include <criterion/criterion.h>
#include <gnutls/crypto.h>
#include <stdlib.h>

static const struct zone_record keys[] = {
	{ "brisbane._domainkey.football.example.com", DNS_TXT,
	    "v=DKIM1; k=ed25519; "
	    "p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
	    DNS_FOUND },
	{ "test._domainkey.football.example.com", DNS_TXT,
	    "v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQo"
	    "BTzWR|iGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/"
	    "byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hst"
	    "T5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB",
	    DNS_FOUND },
};

#define SIGNATURES                                                      \
	"DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\n"   \
	" d=football.example.com; i=@football.example.com;\n"           \
	" q=dns/txt; s=brisbane; t=1528637909; h=from : to :\n"         \
	" subject : date : message-id : from : subject : date;\n"       \
	" bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\n"           \
	" b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus\n" \
	" Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==\n"                           \
	"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;\n"       \
	" d=football.example.com; i=@football.example.com;\n"           \
	" q=dns/txt; s=test; t=1528637909; h=from : to : subject :\n"   \
	" date : message-id : from : subject : date;\n"                 \
	" bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\n"           \
	" b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3\n" \
	" DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz\n" \
	" dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=\n"
#define FIELDS                                           \
	"From: Joe SixPack <joe@football.example.com>\n" \
	"To: Suzie Q <suzie@shopping.example.net>\n"     \
	"Subject: Is dinner ready?\n"                    \
	"Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\n"  \
	"Message-ID: <20030712040037.46341.5F8J@football.example.com>\n"
#define BODY "\nHi.\n\nWe lost the game.  Are you hungry yet?\n\nJoe.\n"

enum { NOW = 1528637999 };

/* A message in pieces of `piece` octets, verified. */
struct run {
	struct arena *arena;
	struct trust_header header;
	struct dkim_bodies bodies;
	struct dkim_signature *sig;
	size_t n, more;
};

static void
feed_body(struct run *r, const char *p, size_t n)
{
	dkim_bodies_feed(&r->bodies, p, n);
}

static void
begin_body(struct run *r)
{
	struct pst_str rest = trust_header_rest(&r->header);

	r->sig = dkim_find(
	    r->arena, &r->header, &r->bodies, 10, &r->n, &r->more);
	feed_body(r, rest.p, rest.n);
}

static void
run_message(struct run *r, const char *text, size_t piece)
{
	char *message = crlf(text);
	struct pst_str all = str_of(message);

	memset(r, 0, sizeof(*r));
	r->arena = arena_new(0);
	trust_header_init(&r->header, 65536, 1000);
	dkim_bodies_init(&r->bodies);
	while (all.n > 0) {
		struct pst_str one = str_first(all, piece);
		bool before = r->header.ended;
		size_t used = before
				  ? 0
				  : trust_header_feed(&r->header, one.p, one.n);

		if (!before && r->header.ended)
			begin_body(r);
		feed_body(r, one.p + used, one.n - used);
		all = str_from(all, one.n);
	}
	if (!r->header.ended) {
		trust_header_end(&r->header);
		begin_body(r);
	}
	dkim_bodies_end(&r->bodies);
	free(message);
}

static void
verify_all(struct run *r, struct zone *z, int64_t now)
{
	struct dns_resolver dns = zone_resolver(z);

	for (size_t i = 0; i < r->n; i++)
		if (r->sig[i].b.p != NULL && r->sig[i].bh.p != NULL &&
		    r->sig[i].result == DKIM_NEUTRAL)
			dkim_verify(
			    &r->sig[i], &r->header, &r->bodies, &dns, 0, now);
}

static void
end_run(struct run *r)
{
	trust_header_fini(&r->header);
	dkim_bodies_fini(&r->bodies);
	arena_free(&r->arena);
}

Test(dkim, verifies_the_example_of_rfc8463_however_it_is_cut)
{
	static const size_t pieces[] = { 1, 2, 3, 7, 64, 100000 };
	struct zone z = ZONE(keys);

	for (size_t i = 0; i < sizeof(pieces) / sizeof(*pieces); i++) {
		struct run r;

		run_message(&r, SIGNATURES FIELDS BODY, pieces[i]);
		verify_all(&r, &z, NOW);
		cr_assert_eq(r.n, 2);
		cr_expect_eq(r.sig[0].result, DKIM_PASS, "%s", r.sig[0].reason);
		cr_expect_eq(r.sig[0].algorithm, DKIM_ED25519_SHA256);
		cr_expect_eq(r.sig[1].result, DKIM_PASS, "%s", r.sig[1].reason);
		cr_expect_eq(r.sig[1].bits, 1024);
		cr_expect_str_eq(r.sig[1].domain, "football.example.com");
		end_run(&r);
	}
}

static void
expect_both(const char *text, enum dkim_result result, const char *reason,
    struct zone *z, int64_t now)
{
	struct run r;

	run_message(&r, text, 1000);
	verify_all(&r, z, now);
	cr_assert_eq(r.n, 2);
	for (size_t i = 0; i < 2; i++) {
		cr_expect_eq(r.sig[i].result, result, "%zu: %s of\n%s", i,
		    dkim_result_name(r.sig[i].result), text);
		cr_expect_str_eq(r.sig[i].reason, reason);
	}
	end_run(&r);
}

Test(dkim, notices_every_change)
{
	struct zone z = ZONE(keys);

	expect_both(SIGNATURES FIELDS BODY "P.S.\n", DKIM_FAIL,
	    "the body was changed", &z, NOW);
	expect_both(SIGNATURES "Subject: Free money\n" FIELDS BODY, DKIM_FAIL,
	    "the signature does not match", &z, NOW);
	expect_both(SIGNATURES FIELDS "Subject: Free money\n" BODY, DKIM_FAIL,
	    "the signature does not match", &z, NOW);
	expect_both(SIGNATURES FIELDS "From: Eve <eve@example.org>\n" BODY,
	    DKIM_FAIL, "the signature does not match", &z, NOW);
}

Test(dkim, ignores_what_is_not_signed_and_how_it_is_folded)
{
	struct zone z = ZONE(keys);
	struct run r;

	run_message(&r,
	    "Received: by somebody\n" SIGNATURES
	    "FROM : Joe\n\tSixPack   <joe@football.example.com>  \n"
	    "X-Other: 1\n"
	    "To: Suzie Q <suzie@shopping.example.net>\n"
	    "Subject: Is dinner\n ready?\n"
	    "Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\n"
	    "Message-ID: <20030712040037.46341.5F8J@football.example.com>\n"
	    "\nHi. \n\nWe lost the game. Are \t you hungry yet?\n\nJoe.\n\n\n",
	    5);
	verify_all(&r, &z, NOW);
	cr_expect_eq(r.sig[0].result, DKIM_PASS);
	cr_expect_eq(r.sig[1].result, DKIM_PASS);
	end_run(&r);
}

static void
expect_keys(const char *record, enum dns_status status, enum dkim_result result,
    const char *reason)
{
	const struct zone_record table[] = {
		{ "brisbane._domainkey.football.example.com", DNS_TXT, record,
		    status },
		{ "test._domainkey.football.example.com", DNS_TXT, record,
		    status },
	};
	struct zone z = ZONE(table);

	expect_both(SIGNATURES FIELDS BODY, result, reason, &z, NOW);
}

Test(dkim, says_what_is_wrong_with_the_key)
{
	const struct zone_record none[] = { { "example.com", DNS_TXT, NULL,
	    DNS_FOUND } };
	struct zone z = ZONE(none);

	expect_both(
	    SIGNATURES FIELDS BODY, DKIM_PERMERROR, "there is no key", &z, NOW);
	expect_keys(NULL, DNS_FOUND, DKIM_PERMERROR, "there is no key");
	expect_keys(
	    "", DNS_FAILED, DKIM_TEMPERROR, "the key cannot be looked up now");
	expect_keys(
	    "", DNS_BOGUS, DKIM_TEMPERROR, "the key cannot be looked up now");
	expect_keys("v=spf1 -all", DNS_FOUND, DKIM_PERMERROR,
	    "the record is not of DKIM1");
	expect_keys(
	    "hello", DNS_FOUND, DKIM_PERMERROR, "the key record is malformed");
	expect_keys("v=DKIM1; k=rot13; p=AAAA", DNS_FOUND, DKIM_PERMERROR,
	    "the key is of another kind");
}

static void
expect_ed25519(const char *record, enum dkim_result result, const char *reason)
{
	const struct zone_record table[] = { { "brisbane._domainkey.football."
					       "example.com",
	    DNS_TXT, record, DNS_FOUND } };
	struct zone z = ZONE(table);
	struct run r;

	run_message(&r, SIGNATURES FIELDS BODY, 1000);
	verify_all(&r, &z, NOW);
	cr_expect_eq(r.sig[0].result, result, "%s: %s", record,
	    dkim_result_name(r.sig[0].result));
	if (reason != NULL)
		cr_expect_str_eq(r.sig[0].reason, reason);
	end_run(&r);
}

#define ED "p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="

Test(dkim, reads_key_records)
{
	expect_ed25519("k=ed25519; " ED, DKIM_PASS, NULL);
	expect_ed25519("v=DKIM1;k=ed25519;h=sha1:sha256;s=tlsrpt:email;t=y:s;"
		       "n=a note;" ED ";",
	    DKIM_PASS, NULL);
	expect_ed25519(
	    "v=DKIM1; k=ed25519; p=", DKIM_PERMERROR, "the key is revoked");
	expect_ed25519("k=ed25519; v=DKIM1; " ED, DKIM_PERMERROR,
	    "the record is not of DKIM1");
	expect_ed25519("v=DKIM1; k=ed25519; h=sha1; " ED, DKIM_PERMERROR,
	    "the key is not for SHA-256");
	expect_ed25519("v=DKIM1; k=ed25519; s=tlsrpt; " ED, DKIM_PERMERROR,
	    "the key is not for mail");
	expect_ed25519("v=DKIM1; k=ed25519; p=AAAA", DKIM_PERMERROR,
	    "the key cannot be read");
	expect_ed25519("v=DKIM1; k=ed25519; p=!", DKIM_PERMERROR,
	    "the key record has no key");
	expect_ed25519("v=DKIM1; k=ed25519; k=rsa; " ED, DKIM_PERMERROR,
	    "the key record is malformed");
	/* Another key. */
	expect_ed25519("v=DKIM1; k=ed25519; "
		       "p=PUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw=",
	    DKIM_FAIL, "the signature does not match");
}

Test(dkim, tries_all_records_of_a_selector)
{
	const struct zone_record table[] = {
		{ "brisbane._domainkey.football.example.com", DNS_TXT,
		    "something else", DNS_FOUND },
		{ "brisbane._domainkey.football.example.com", DNS_TXT,
		    "v=DKIM1; k=ed25519; " ED, DNS_FOUND },
	};
	struct zone z = ZONE(table);
	struct run r;

	run_message(&r, SIGNATURES FIELDS BODY, 1000);
	verify_all(&r, &z, NOW);
	cr_expect_eq(r.sig[0].result, DKIM_PASS);
	end_run(&r);
}

#define BH "bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8="

Test(dkim, refuses_malformed_signatures)
{
	static const struct {
		const char *value, *reason;
	} wrong[] = {
		{ "", "malformed" },
		{ " v=1; v=1", "malformed" },
		{ " v", "malformed" },
		{ " 1v=1", "malformed" },
		{ " v=1; a=rsa-sha256; b=AAAA; " BH "; h=from", "no d= or s=" },
		{ " v=1; a=rsa-sha256; d=a b; s=s; b=AAAA; " BH "; h=from",
		    "d= or s= is no domain name" },
		{ " v=1; a=rsa-sha256; d=x.example; s=a..b; b=AAAA; h=from",
		    "d= or s= is no domain name" },
		{ " v=1; a=rsa-sha256; d=x.example; s=s; " BH "; h=from",
		    "no b=, or not base64" },
		{ " v=1; a=rsa-sha256; d=x.example; s=s; b=A; " BH "; h=from",
		    "no b=, or not base64" },
		{ " v=1; d=x.example; s=s; b=AAAA; " BH "; h=from", "no a=" },
		{ " v=1; a=rsa-sha1; d=x.example; s=s; b=AAAA; " BH "; h=from",
		    "rsa-sha1 is not accepted" },
		{ " v=1; a=dsa; d=x.example; s=s; b=AAAA; " BH "; h=from",
		    "unknown algorithm" },
		{ " v=1; a=rsa-sha256; d=x.example; s=s; b=AAAA; h=from",
		    "no bh=, or not SHA-256" },
		{ " v=1; a=rsa-sha256; d=x.example; s=s; b=AAAA; bh=AAAA; "
		  "h=from",
		    "no bh=, or not SHA-256" },
		{ " v=1; a=rsa-sha256; d=x.example; s=s; b=AAAA; " BH,
		    "h= does not have From" },
		{ " v=1; a=rsa-sha256; d=x.example; s=s; b=AAAA; " BH "; h=to",
		    "h= does not have From" },
		{ " v=1; a=rsa-sha256; d=x.example; s=s; b=AAAA; " BH
		  "; h=from::to",
		    "h= does not have From" },
		{ " v=1; a=rsa-sha256; d=x.example; s=s; b=AAAA; " BH
		  "; h=from; c=loose",
		    "unknown c=" },
		{ " v=1; a=rsa-sha256; d=x.example; s=s; b=AAAA; " BH
		  "; h=from; l=-1",
		    "l= is no number" },
		{ " v=1; a=rsa-sha256; d=x.example; s=s; b=AAAA; " BH
		  "; h=from; t=soon",
		    "t= is no number" },
		{ " v=1; a=rsa-sha256; d=x.example; s=s; b=AAAA; " BH
		  "; h=from; t=20; x=10",
		    "x= is before t=" },
		{ " v=1; a=rsa-sha256; d=x.example; s=s; b=AAAA; " BH
		  "; h=from; i=@y.example",
		    "i= is not of d=" },
		{ " v=1; a=rsa-sha256; d=x.example; s=s; b=AAAA; " BH
		  "; h=from; i=@ax.example",
		    "i= is not of d=" },
		{ " v=1; a=rsa-sha256; d=x.example; s=s; b=AAAA; " BH
		  "; h=from; q=mail",
		    "unknown q=" },
		{ " v=2; a=rsa-sha256; d=x.example; s=s; b=AAAA; " BH
		  "; h=from",
		    "v= is not 1" },
		{ " a=rsa-sha256; d=x.example; s=s; b=AAAA; " BH "; h=from",
		    "v= is not 1" },
	};
	struct arena *a = arena_new(0);

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		struct trust_field f = { STR("DKIM-Signature"),
			str_of(wrong[i].value), STR_NONE };
		struct dkim_signature sig;

		cr_expect_not(dkim_signature_parse(a, &f, DKIM_SIGNATURE, &sig),
		    "%s", wrong[i].value);
		cr_expect_eq(sig.result, DKIM_PERMERROR);
		cr_expect_str_eq(sig.reason, wrong[i].reason, "%s: %s",
		    wrong[i].value, sig.reason);
	}
	arena_free(&a);
}

Test(dkim, takes_no_more_than_the_limit)
{
	struct run r;
	struct dkim_signature *sig;
	size_t n, more;

	run_message(&r, SIGNATURES SIGNATURES FIELDS BODY, 1000);
	sig = dkim_find(r.arena, &r.header, &r.bodies, 3, &n, &more);
	cr_expect_not_null(sig);
	cr_expect_eq(n, 3);
	cr_expect_eq(more, 1);
	end_run(&r);
}

/* --- canonical forms --------------------------------------------------------
 */

static void
expect_body(const char *text, bool relaxed, const char *canonical)
{
	unsigned char digest[DKIM_HASH];

	(void)gnutls_hash_fast(
	    GNUTLS_DIG_SHA256, canonical, strlen(canonical), digest);
	for (size_t piece = 1; piece < 4; piece++) {
		struct dkim_bodies b;
		struct pst_str all = str_of(text);

		dkim_bodies_init(&b);
		(void)dkim_bodies_add(&b, relaxed, -1);
		for (; all.n > 0; all = str_from(all, piece)) {
			struct pst_str one = str_first(all, piece);

			dkim_bodies_feed(&b, one.p, one.n);
		}
		dkim_bodies_end(&b);
		cr_expect_arr_eq(b.body[0].digest, digest, DKIM_HASH,
		    "\"%s\" %s", text, relaxed ? "relaxed" : "simple");
		cr_expect_eq(b.body[0].length, strlen(canonical));
		dkim_bodies_fini(&b);
	}
}

Test(dkim, makes_canonical_bodies)
{
	/* RFC 6376, 3.4.5. */
	expect_body(" C \r\nD \t E\r\n\r\n\r\n", true, " C\r\nD E\r\n");
	expect_body(" C \r\nD \t E\r\n\r\n\r\n", false, " C \r\nD \t E\r\n");
	expect_body("", true, "");
	expect_body("", false, "\r\n");
	expect_body("\r\n\r\n", true, "");
	expect_body("\r\n\r\n", false, "\r\n");
	expect_body("a", true, "a\r\n");
	expect_body("a", false, "a\r\n");
	expect_body("a \t", true, "a\r\n");
	expect_body("a \t", false, "a \t\r\n");
	expect_body(" \r\n\t\r\n", true, "");
	expect_body(" \r\n", false, " \r\n");
	expect_body("\r\n\r\na\r\n", true, "\r\n\r\na\r\n");
	expect_body("a\rb\nc\r\n", true, "a\rb\nc\r\n");
	expect_body("a\r\r\nb", true, "a\r\r\nb\r\n");
	expect_body("a\r", true, "a\r\r\n");
	expect_body("a \rb", false, "a \rb\r\n");
	expect_body("a \rb", true, "a \rb\r\n");
}

Test(dkim, counts_only_so_much_of_the_body_as_l_says)
{
	unsigned char digest[DKIM_HASH];
	struct dkim_bodies b;

	dkim_bodies_init(&b);
	cr_expect_eq(dkim_bodies_add(&b, true, 5), 0);
	cr_expect_eq(dkim_bodies_add(&b, true, -1), 1);
	cr_expect_eq(dkim_bodies_add(&b, true, 5), 0);
	dkim_bodies_feed(&b, "abc  d\r\nef\r\n", 12);
	dkim_bodies_end(&b);
	(void)gnutls_hash_fast(GNUTLS_DIG_SHA256, "abc d", 5, digest);
	cr_expect_arr_eq(b.body[0].digest, digest, DKIM_HASH);
	cr_expect_eq(b.body[0].length, 11);
	dkim_bodies_fini(&b);
}

Test(dkim, makes_canonical_headers)
{
	/* RFC 6376, 3.4.5. */
	char *text = crlf("A: X\nB : Y\t\n\tZ  \n");
	unsigned char got[DKIM_HASH], wanted[DKIM_HASH];
	struct trust_header h;
	struct dkim_hash hash;

	trust_header_init(&h, 1000, 10);
	(void)trust_header_feed(&h, text, strlen(text));
	trust_header_end(&h);
	cr_assert_eq(h.fields, 2);

	dkim_hash_init(&hash);
	dkim_hash_names(&hash, &h, STR("a:b:c:a"), NULL, true);
	dkim_hash_end(&hash, got);
	(void)gnutls_hash_fast(
	    GNUTLS_DIG_SHA256, "a:X\r\nb:Y Z\r\n", 12, wanted);
	cr_expect_arr_eq(got, wanted, DKIM_HASH);

	dkim_hash_init(&hash);
	dkim_hash_names(&hash, &h, STR("A : B"), NULL, false);
	dkim_hash_end(&hash, got);
	(void)gnutls_hash_fast(GNUTLS_DIG_SHA256, text, strlen(text), wanted);
	cr_expect_arr_eq(got, wanted, DKIM_HASH);
	trust_header_fini(&h);
	free(text);
}

Test(dkim, signs_the_last_of_several_fields_first)
{
	unsigned char got[DKIM_HASH], wanted[DKIM_HASH];
	char *text = crlf("A: 1\nA: 2\nA: 3\n");
	struct trust_header h;
	struct dkim_hash hash;

	trust_header_init(&h, 1000, 10);
	(void)trust_header_feed(&h, text, strlen(text));
	trust_header_end(&h);
	dkim_hash_init(&hash);
	dkim_hash_names(&hash, &h, STR("a:a"), NULL, true);
	dkim_hash_end(&hash, got);
	(void)gnutls_hash_fast(GNUTLS_DIG_SHA256, "a:3\r\na:2\r\n", 10, wanted);
	cr_expect_arr_eq(got, wanted, DKIM_HASH);
	trust_header_fini(&h);
	free(text);
}

/* --- the header ------------------------------------------------------------
 */

Test(header, ends_where_other_readers_see_its_end)
{
	static const struct {
		const char *text;
		size_t fields;
		const char *rest; /* of the whole text, not used as header */
	} cases[] = {
		{ "A: 1\r\n\r\nbody", 1, "body" },
		{ "A: 1\n\nbody", 1, "body" },
		{ "A: 1\r\nno field\r\nB: 2\r\n", 1, "no field\r\nB: 2\r\n" },
		{ "\r\nbody", 0, "body" },
		{ "A: 1\r\n b\r\nB: 2", 2, "" },
		{ "", 0, "" },
		{ " A: 1\r\n\r\n", 0, " A: 1\r\n\r\n" },
		{ "A: 1\r\n \r\nB: 2\r\n\r\n", 2, "" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		for (size_t piece = 1; piece < 30; piece += 3) {
			struct pst_str all = str_of(cases[i].text);
			struct trust_header h;
			struct buf rest;

			trust_header_init(&h, 1000, 10);
			buf_init(&rest, 1000);
			while (all.n > 0 && !h.ended) {
				size_t n = all.n < piece ? all.n : piece;

				all = str_from(
				    all, trust_header_feed(&h, all.p, n));
			}
			trust_header_end(&h);
			(void)buf_add_str(&rest, trust_header_rest(&h));
			(void)buf_add_str(&rest, all);
			cr_expect_eq(h.fields, cases[i].fields, "%zu", i);
			cr_expect(str_is(buf_str(&rest), cases[i].rest),
			    "%zu: \"%.*s\"", i, STR_ARG(buf_str(&rest)));
			buf_fini(&rest);
			trust_header_fini(&h);
		}
}

Test(header, keeps_to_its_limits)
{
	char text[400] = "";
	struct trust_header h;

	for (int i = 0; i < 20; i++)
		memcpy(text + i * 6, "A: 1\r\n", 6);
	trust_header_init(&h, 60, 100);
	(void)trust_header_feed(&h, text, 120);
	trust_header_end(&h);
	cr_expect(h.too_large);
	cr_expect_eq(h.fields, 0);
	trust_header_fini(&h);

	trust_header_init(&h, 600, 19);
	(void)trust_header_feed(&h, text, 120);
	trust_header_end(&h);
	cr_expect(h.too_large);
	trust_header_fini(&h);
}

/* --- signing
 * ------------------------------------------------------------------
 */

static const char rfc6376_key[] =
    "-----BEGIN RSA PRIVATE KEY-----\n"
    "MIICXwIBAAKBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkMoGeLnQg1fWn7/zYtIxN2SnFC\n"
    "jxOCKG9v3b4jYfcTNh5ijSsq631uBItLa7od+v/RtdC2UzJ1lWT947qR+Rcac2gb\n"
    "to/NMqJ0fzfVjH4OuKhitdY9tf6mcwGjaNBcWToIMmPSPDdQPNUYckcQ2QIDAQAB\n"
    "AoGBALmn+XwWk7akvkUlqb+dOxyLB9i5VBVfje89Teolwc9YJT36BGN/l4e0l6QX\n"
    "/1//6DWUTB3KI6wFcm7TWJcxbS0tcKZX7FsJvUz1SbQnkS54DJck1EZO/BLa5ckJ\n"
    "gAYIaqlA9C0ZwM6i58lLlPadX/rtHb7pWzeNcZHjKrjM461ZAkEA+itss2nRlmyO\n"
    "n1/5yDyCluST4dQfO8kAB3toSEVc7DeFeDhnC1mZdjASZNvdHS4gbLIA1hUGEF9m\n"
    "3hKsGUMMPwJBAPW5v/U+AWTADFCS22t72NUurgzeAbzb1HWMqO4y4+9Hpjk5wvL/\n"
    "eVYizyuce3/fGke7aRYw/ADKygMJdW8H/OcCQQDz5OQb4j2QDpPZc0Nc4QlbvMsj\n"
    "7p7otWRO5xRa6SzXqqV3+F0VpqvDmshEBkoCydaYwc2o6WQ5EBmExeV8124XAkEA\n"
    "qZzGsIxVP+sEVRWZmW6KNFSdVUpk3qzK0Tz/WjQMe5z0UunY9Ax9/4PVhp/j61bf\n"
    "eAYXunajbBSOLlx4D+TunwJBANkPI5S9iylsbLs6NkaMHV6k5ioHBBmgCak95JGX\n"
    "GMot/L2x0IYyMLAz6oLWh2hm7zwtb0CgOrPo1ke44hFYnfc=\n"
    "-----END RSA PRIVATE KEY-----\n";

static void
public_text(const struct dkim_private *key, struct buf *out)
{
	struct buf octets;

	buf_init(&octets, 4096);
	(void)buf_printf(
	    out, "v=DKIM1; k=%s; p=", dkim_key_type(key->algorithm));
	cr_assert(dkim_private_public(key, &octets));
	cr_assert(base64_encode(buf_str(&octets), out));
	cr_assert(buf_putc(out, '\0'));
	buf_fini(&octets);
}

Test(dkim, finds_the_public_key_of_rfc6376_in_the_private_one)
{
	struct dkim_private key;
	struct buf text;

	cr_assert(dkim_private_import(STR(rfc6376_key), &key));
	buf_init(&text, 4096);
	public_text(&key, &text);
	cr_expect_str_eq(text.p,
	    "v=DKIM1; k=rsa; "
	    "p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkM"
	    "oGeLnQg1fWn7/zYtIxN2SnFCjxOCKG9v3b4jYfcTNh5ijSsq631uBItLa7od+v/R"
	    "tdC2UzJ1lWT947qR+Rcac2gbto/NMqJ0fzfVjH4OuKhitdY9tf6mcwGjaNBcWToI"
	    "MmPSPDdQPNUYckcQ2QIDAQAB");
	buf_fini(&text);
	dkim_private_fini(&key);
}

static void
sign(const struct dkim_private *key, const char *message, struct buf *out)
{
	static char from[] = "From", to[] = "To", subject[] = "Subject",
		    cc[] = "Cc";
	char *headers[] = { from, to, subject };
	char *oversign[] = { from, cc };
	struct dkim_signing s = { .key = key,
		.domain = "example.org",
		.selector = "s1",
		.headers = headers,
		.headers_n = 3,
		.oversign = oversign,
		.oversign_n = 2,
		.now = NOW,
		.expires = NOW + 100 };
	struct run r;

	run_message(&r, message, 1000);
	(void)dkim_bodies_add(&r.bodies, true, -1);
	end_run(&r);

	memset(&r, 0, sizeof(r));
	trust_header_init(&r.header, 65536, 100);
	dkim_bodies_init(&r.bodies);
	(void)dkim_bodies_add(&r.bodies, true, -1);
	{
		char *text = crlf(message);
		size_t n = strlen(text),
		       used = trust_header_feed(&r.header, text, n);

		dkim_bodies_feed(&r.bodies, text + used, n - used);
		dkim_bodies_end(&r.bodies);
		free(text);
	}
	cr_assert(dkim_sign(&s, &r.header, r.bodies.body[0].digest, out));
	trust_header_fini(&r.header);
	dkim_bodies_fini(&r.bodies);
}

#define PLAIN                                                    \
	"From: a@example.org\nTo: b@example.net\nSubject: one\n" \
	"Subject: two\n\nText\n"

/* The signed message without CR, with `more` put in behind the signature. */
static char *
signed_message(const struct buf *field, const char *more)
{
	struct buf out;
	char *text;

	buf_init(&out, 65536);
	for (size_t i = 0; i < field->n; i++)
		if (field->p[i] != '\r')
			(void)buf_putc(&out, field->p[i]);
	(void)buf_printf(&out, "%s%s", more, PLAIN);
	text = str_dup(buf_str(&out));
	buf_fini(&out);
	return text;
}

static enum dkim_result
verify_signed(const char *text, const char *record, int64_t now)
{
	const struct zone_record table[] = { { "s1._domainkey.example.org",
	    DNS_TXT, record, DNS_FOUND } };
	struct zone z = ZONE(table);
	enum dkim_result result;
	struct run r;

	run_message(&r, text, 10);
	verify_all(&r, &z, now);
	cr_assert_eq(r.n, 1);
	result = r.sig[0].result;
	end_run(&r);
	return result;
}

static void
sign_and_verify(enum dkim_algorithm algorithm)
{
	struct buf pem, field, record;
	struct dkim_private key;
	char *text;

	buf_init(&pem, 16384);
	buf_init(&field, 16384);
	buf_init(&record, 16384);
	cr_assert(dkim_private_make(algorithm, &pem));
	cr_assert(dkim_private_import(buf_str(&pem), &key));
	cr_assert_eq(key.algorithm, algorithm);
	public_text(&key, &record);
	sign(&key, PLAIN, &field);

	text = signed_message(&field, "");
	cr_expect_eq(verify_signed(text, record.p, NOW), DKIM_PASS);
	cr_expect_eq(verify_signed(text, record.p, NOW + 101), DKIM_FAIL);
	/* From the future. */
	cr_expect_eq(verify_signed(text, record.p, NOW - 4000), DKIM_POLICY);
	free(text);
	text = signed_message(&field, "X-Other: 1\n");
	cr_expect_eq(verify_signed(text, record.p, NOW), DKIM_PASS);
	free(text);
	/* Oversigned: neither a second From nor the absent Cc can come. */
	text = signed_message(&field, "From: eve@example.org\n");
	cr_expect_eq(verify_signed(text, record.p, NOW), DKIM_FAIL);
	free(text);
	text = signed_message(&field, "Cc: eve@example.org\n");
	cr_expect_eq(verify_signed(text, record.p, NOW), DKIM_FAIL);
	free(text);
	for (size_t i = 0, line = 0; i < field.n; i++) {
		line = field.p[i] == '\n' ? 0 : line + 1;
		cr_expect_lt(line, 99);
	}
	dkim_private_fini(&key);
	buf_fini(&pem);
	buf_fini(&field);
	buf_fini(&record);
}

Test(dkim, signs_with_rsa)
{
	sign_and_verify(DKIM_RSA_SHA256);
}

Test(dkim, signs_with_ed25519)
{
	sign_and_verify(DKIM_ED25519_SHA256);
}

/* Keys of other sizes than RFC 8301 allows. */
static void
make_rsa(unsigned bits, struct buf *pem)
{
	gnutls_x509_privkey_t key;
	gnutls_datum_t out;

	cr_assert_eq(gnutls_x509_privkey_init(&key), 0);
	cr_assert_eq(
	    gnutls_x509_privkey_generate(key, GNUTLS_PK_RSA, bits, 0), 0);
	cr_assert_eq(
	    gnutls_x509_privkey_export2(key, GNUTLS_X509_FMT_PEM, &out), 0);
	cr_assert(buf_add(pem, out.data, out.size));
	gnutls_free(out.data);
	gnutls_x509_privkey_deinit(key);
}

Test(dkim, refuses_keys_that_are_too_short)
{
	struct buf pem, field, record;
	struct dkim_private key;
	char *text;

	buf_init(&pem, 16384);
	buf_init(&field, 16384);
	buf_init(&record, 16384);
	make_rsa(768, &pem);
	cr_assert(dkim_private_import(buf_str(&pem), &key));
	public_text(&key, &record);
	sign(&key, PLAIN, &field);
	text = signed_message(&field, "");
	cr_expect_eq(verify_signed(text, record.p, NOW), DKIM_PERMERROR);
	free(text);
	dkim_private_fini(&key);
	buf_fini(&pem);
	buf_fini(&field);
	buf_fini(&record);
}

Test(dkim, takes_a_bare_rsa_public_key)
{
	/* RFC 6376, 3.6.1: "RSAPublicKey", though all others use
	 * SubjectPublicKeyInfo, whose first 22 octets go here. */
	struct dkim_private key;
	struct dkim_public with, without;
	struct buf octets, sig;
	unsigned char digest[DKIM_HASH] = { 1, 2, 3 };

	buf_init(&octets, 4096);
	buf_init(&sig, 4096);
	cr_assert(dkim_private_import(STR(rfc6376_key), &key));
	cr_assert(dkim_private_public(&key, &octets));
	cr_assert(dkim_public_import(DKIM_RSA_SHA256, buf_str(&octets), &with));
	cr_assert(dkim_public_import(
	    DKIM_RSA_SHA256, str_from(buf_str(&octets), 22), &without));
	cr_expect_eq(without.bits, 1024);
	cr_assert(dkim_private_sign(&key, digest, &sig));
	cr_expect(dkim_public_verify(&with, digest, buf_str(&sig)));
	cr_expect(dkim_public_verify(&without, digest, buf_str(&sig)));
	digest[0]++;
	cr_expect_not(dkim_public_verify(&without, digest, buf_str(&sig)));
	for (size_t cut = 0; cut < octets.n - 22; cut++) {
		struct dkim_public none;

		cr_expect_not(dkim_public_import(DKIM_RSA_SHA256,
		    str_first(str_from(buf_str(&octets), 22), cut), &none));
	}
	dkim_public_fini(&with);
	dkim_public_fini(&without);
	dkim_private_fini(&key);
	buf_fini(&octets);
	buf_fini(&sig);
}
