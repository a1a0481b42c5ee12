/*
 * ARC: a chain of three sets made by another implementation (dkimpy) with keys
 * of its own, and everything that can be wrong with one.
 */
#include "fixture.h"

#include "base/codec.h"
#include "base/str.h"
#include "trust/arc.h"
#include <criterion/criterion.h>
#include <stdlib.h>

/* clang-format off */
#define SET_1 \
	"ARC-Seal: i=1; cv=none; a=rsa-sha256; d=lists.example.org; s=a1;\n" \
	" t=1796029200;\n" \
	" b=Q6tAVVkvyk44Akzjq34W11dS6fv4Mshb84yoJYy92X/3WivE1Xc1fsUcLgxGHF35w5nug\n" \
	" f35ryyMlWQ419rW5VDKiDR3ewOxrKPZnewCN1CBrCKB3Kg4ck2rfbas6BFsEHA+VN+axYYH\n" \
	" O/Vg19DAmCg+eIa06yClkgU0RHAZd4Y=\n" \
	"ARC-Message-Signature: i=1; a=rsa-sha256; c=relaxed/relaxed;\n" \
	" d=lists.example.org; s=a1; t=1796029200; h=from : to : subject : date\n" \
	" : message-id : from; bh=yZQq1c8wjBl0fZ4Wc/oraMCAG1mZJv5v/hlvyFy+t6A=;\n" \
	" b=ZFj4tJBg58hK2aWQiQlPRaBAxTOHGxaRo9s8Vi/OdgUd/FDN7E9Sg7tNB1NlctqSsQUem\n" \
	" 4q5hKY+sEbae1b60YHtcHEMQQR1JIsf60UBQ67yPalIUJPsuxzdGrcXZ89DxOuFsZOTU4MQ\n" \
	" VnLYuTFt0/QLwrjQFhvZ8eDLuCIqiW4=\n" \
	"ARC-Authentication-Results: i=1; lists.example.org; spf=pass smtp.mailfrom=ann@example.org;\n" \
	"  arc=none\n"
#define SET_2 \
	"ARC-Seal: i=2; cv=pass; a=rsa-sha256; d=relay.example.net; s=a2;\n" \
	" t=1796029200;\n" \
	" b=VHC7wFBUm9VOQ1v9riKsFQ1R5vsual01j3JO/bJ7Z31FIcM5ZzdmcdmFAllukNIbyEe6l\n" \
	" btlQWY72ugX0aFZ++ebDdg1lNHAbn8q3y6GA/mO8QAW5Y3bMWOMouNqaN0H5q3gDQjQnN5Q\n" \
	" 1PRPyc/IN8Hn5iO4pU9P45hvqoNIiwk=\n" \
	"ARC-Message-Signature: i=2; a=rsa-sha256; c=relaxed/relaxed;\n" \
	" d=relay.example.net; s=a2; t=1796029200; h=from : to : subject : date\n" \
	" : message-id : from; bh=yZQq1c8wjBl0fZ4Wc/oraMCAG1mZJv5v/hlvyFy+t6A=;\n" \
	" b=k6rJy8wzbDVTLzzy8Q+G4TrK4RUHwz0jjIGbrpdxw1e9wu1hkvsQ47QamKH5vmCHibd7y\n" \
	" DONJZiYRugUfBdKwDMVM0XrmLAa5c64HzKQd6AaMC2sRpiVx+n7SyR4xHgmkQ3peJSPXWeF\n" \
	" sJSF5Dvj3IplHeoAZbB9YwrBPMFHPBk=\n" \
	"ARC-Authentication-Results: i=2; relay.example.net; spf=pass smtp.mailfrom=ann@example.org;\n" \
	"  arc=pass\n"
#define SET_3 \
	"ARC-Seal: i=3; cv=pass; a=rsa-sha256; d=gate.example.com; s=a3;\n" \
	" t=1796029200;\n" \
	" b=wdJI6PUAljKQgYWvXDZy4rQ529cEbasGFg8AntQN6bc9Yu3f/yb4C4q1TplsUINAj/v41\n" \
	" qWD91fn74d4Yldqrv4Nr6iwVyvNw1sSZSPhdQgfWCZl+KCmovvlFdp38CgVvUDaP9Unj2af\n" \
	" qZlVFb9qZLKolD5q0wZE6e3ZkYpJ7HY=\n" \
	"ARC-Message-Signature: i=3; a=rsa-sha256; c=relaxed/relaxed;\n" \
	" d=gate.example.com; s=a3; t=1796029200; h=from : to : subject : date :\n" \
	" message-id : from; bh=yZQq1c8wjBl0fZ4Wc/oraMCAG1mZJv5v/hlvyFy+t6A=;\n" \
	" b=Rz92j3SQTI9QFXVNYEW1l/JBPmXdlCYI/SIahIEdZgnAtN/uqfU9hoCYEU/sU/etn/zYJ\n" \
	" XRrVGpwEcnFwcTsUvfxapVi+NS6hF6cHyvhunBxK87CGfSlwcENxIbBUmzuh9V80x58GCoB\n" \
	" +iaRav8RxA6cs+7FJ6ZNWnHU0GBwfsQ=\n" \
	"ARC-Authentication-Results: i=3; gate.example.com; spf=pass smtp.mailfrom=ann@example.org;\n" \
	"  arc=pass\n"
#define MESSAGE \
	"From: Ann <ann@example.org>\n" \
	"To: bob@example.com\n" \
	"Subject: A chain\n" \
	"Date: Mon, 30 Nov 2026 09:00:00 +0000\n" \
	"Message-ID: <1@example.org>\n" \
	"\n" \
	"Hello.\n"

static const struct zone_record keys[] = {
	{ "a1._domainkey.lists.example.org", DNS_TXT,
	    "v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQCghqU5eCzDPb9+Y/EjN4/wSX7ZpNniPV+5MJ5tzbllcL|"
	    "8ZUk9GGeFpNxj5Rt0sIt6c/vL3GfHXXZEtUCtKCMmPn2hZXvTKBnZTieIQ81i0SVSsViejRBKN+8Vk18p7/Fl6Hp/r9scVia3OYWxtumJ1FO0D6h3Bqkv4j1wMcWSGcQIDAQAB", DNS_FOUND },
	{ "a2._domainkey.relay.example.net", DNS_TXT,
	    "v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDIjomrItki9Y1XRb0X08UJ5pZlOwaZyU6zZO9WGP5MwE|"
	    "dpxKy7BQNHfo6nmNdncRU40thkdhm2KbUtdl/WM2z1GLLcqV8vHf00stkdDROF9NnUo10S/sYdijPEaoFvD+1rNh8eI8BAUR/VbmKOYoVDxIXMsiQdaoZHn1LZdh1PxwIDAQAB", DNS_FOUND },
	{ "a3._domainkey.gate.example.com", DNS_TXT,
	    "v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDO64WX4SaK390x4/oylDi7ujMdm0Vq0/QXTB0Q49Dgm1|"
	    "8B/+6LJ+kzSlwW5C94NJaofXxETq4Nqdkgnckw4MC79EdeET+cVrRtBsaEPq2tAhT3sVNSLFWMVZwvIMeyAWHbufskn5bX/acqzh6pQqsx0CmscAt3/4nLdA8OPF2ckQIDAQAB", DNS_FOUND },
};
/* clang-format on */

enum { NOW = 1796029300 };

struct run {
	struct arena *arena;
	struct trust_header header;
	struct dkim_bodies bodies;
	struct arc arc;
	size_t body;
	struct zone zone;
};

/* With `own`, the key of what is sealed here. */
static const struct zone_record *own;
static struct zone_record with_own[4];
static bool dns_fails;

static void
run(struct run *r, const char *text)
{
	char *message = crlf(text);
	size_t n = strlen(message), used;
	struct dns_resolver dns = zone_resolver(&r->zone);

	r->zone = ZONE(keys);
	if (own != NULL) {
		memcpy(with_own, keys, sizeof(keys));
		with_own[3] = *own;
		if (dns_fails)
			with_own[0].status = DNS_FAILED;
		r->zone = ZONE(with_own);
	}
	r->arena = arena_new(0);
	trust_header_init(&r->header, 65536, 1000);
	dkim_bodies_init(&r->bodies);
	used = trust_header_feed(&r->header, message, n);
	trust_header_end(&r->header);
	arc_find(r->arena, &r->header, &r->bodies, &r->arc);
	r->body = dkim_bodies_add(&r->bodies, true, -1);
	dkim_bodies_feed(&r->bodies, message + used, n - used);
	dkim_bodies_end(&r->bodies);
	arc_verify(&r->arc, &r->header, &r->bodies, &dns, 0, NOW);
	free(message);
}

static void
end(struct run *r)
{
	trust_header_fini(&r->header);
	dkim_bodies_fini(&r->bodies);
	arena_free(&r->arena);
}

static void
expect(const char *text, enum arc_result result, const char *reason)
{
	struct run r;

	run(&r, text);
	cr_expect_eq(r.arc.result, result, "%s: %s",
	    arc_result_name(r.arc.result),
	    r.arc.reason != NULL ? r.arc.reason : "");
	if (reason != NULL && r.arc.reason != NULL)
		cr_expect_str_eq(r.arc.reason, reason);
	end(&r);
}

Test(arc, verifies_a_chain)
{
	struct run r;

	run(&r, SET_3 SET_2 SET_1 MESSAGE);
	cr_expect_eq(r.arc.result, ARC_PASS, "%s", r.arc.reason);
	cr_expect_eq(r.arc.sets, 3);
	cr_expect_str_eq(arc_sealer(&r.arc), "gate.example.com");
	/* Three seals and the newest signature. */
	cr_expect_eq(r.zone.asked, 4);
	end(&r);
	expect("Received: x\n" SET_1
	       "DKIM-Signature: what\n" SET_3 SET_2 MESSAGE,
	    ARC_PASS, NULL);
	expect(SET_2 SET_1 MESSAGE, ARC_PASS, NULL);
	expect(SET_1 MESSAGE, ARC_PASS, NULL);
	expect(MESSAGE, ARC_NONE, NULL);
	expect("", ARC_NONE, NULL);
}

Test(arc, notices_changes)
{
	expect(SET_3 SET_2 SET_1 MESSAGE "P.S.\n", ARC_FAIL,
	    "the body was changed");
	expect(SET_3 SET_2 SET_1 "Subject: x\n" MESSAGE, ARC_PASS, NULL);
	expect(SET_3 SET_2 SET_1 "X: y\n" MESSAGE, ARC_PASS, NULL);
}

Test(arc, wants_whole_sets_in_a_row)
{
	expect(SET_3 SET_1 MESSAGE, ARC_FAIL, "a set is not complete");
	expect(SET_3 SET_2 MESSAGE, ARC_FAIL, "a set is not complete");
	expect(SET_2 SET_2 SET_1 MESSAGE, ARC_FAIL, NULL);
	expect("ARC-Authentication-Results: i=1; x\n" MESSAGE, ARC_FAIL,
	    "a set is not complete");
	expect("ARC-Authentication-Results: x\n" MESSAGE, ARC_FAIL,
	    "ARC-Authentication-Results are wrong");
	expect("ARC-Authentication-Results: i=51; x\n" MESSAGE, ARC_FAIL,
	    "ARC-Authentication-Results are wrong");
	expect("ARC-Authentication-Results: i=0; x\n" MESSAGE, ARC_FAIL,
	    "ARC-Authentication-Results are wrong");
	expect("ARC-Seal: i=1\n" MESSAGE, ARC_FAIL, "no d= or s=");
	expect("ARC-Seal: i=1; d=a.b; s=c; b=AAAA; a=rsa-sha256; h=from; "
	       "cv=none\n" MESSAGE,
	    ARC_FAIL, "no cv=, or h=");
	expect("ARC-Seal: i=77; d=a.b; s=c; b=AAAA; a=rsa-sha256; "
	       "cv=none\n" MESSAGE,
	    ARC_FAIL, "too many sets");
}

/* `text` with the first `from` in it made `to`, of the same length. */
static void
expect_with(const char *from, const char *to, enum arc_result result,
    const char *reason)
{
	char *text = str_dup(STR(SET_3 SET_2 SET_1 MESSAGE));
	char *at = strstr(text, from);

	cr_assert_not_null(at);
	memcpy(at, to, strlen(to));
	expect(text, result, reason);
	free(text);
}

Test(arc, believes_no_seal_that_was_touched)
{
	expect_with(
	    "spf=pass", "spf=fail", ARC_FAIL, "the signature does not match");
	expect_with("i=1; lists", "i=1; mists", ARC_FAIL,
	    "the signature does not match");
	expect_with("cv=none", "cv=pass", ARC_FAIL,
	    "a seal says that the chain is broken");
	expect_with("cv=pass", "cv=fail", ARC_FAIL,
	    "a seal says that the chain is broken");
	expect_with("d=gate.example.com; s=a3", "d=gate.example.com; s=a4",
	    ARC_FAIL, "there is no key");
	expect_with("d=lists.example.org; s=a1;\n t=17",
	    "d=lists.example.org; "
	    "s=a1;\n t=18",
	    ARC_FAIL, "the signature does not match");
}

/* --- sealing ----------------------------------------------------------------
 */

static struct dkim_private key;
static char record[1000];
static struct zone_record own_record = { "s._domainkey.here.example", DNS_TXT,
	record, DNS_FOUND };

static void
make_key(void)
{
	struct buf pem, octets, text;

	buf_init(&pem, 8192);
	buf_init(&octets, 1024);
	buf_init(&text, sizeof(record));
	cr_assert(dkim_private_make(DKIM_RSA_SHA256, &pem));
	cr_assert(dkim_private_import(buf_str(&pem), &key));
	cr_assert(dkim_private_public(&key, &octets));
	(void)buf_puts(&text, "v=DKIM1; k=rsa; p=");
	cr_assert(base64_encode(buf_str(&octets), &text));
	(void)str_copy(record, sizeof(record), buf_str(&text));
	own = &own_record;
	buf_fini(&pem);
	buf_fini(&octets);
	buf_fini(&text);
}

static void
drop_key(void)
{
	own = NULL;
	dkim_private_fini(&key);
}

TestSuite(arc_seal, .init = make_key, .fini = drop_key);

/* The message with one more set on top, with LF; NULL: it got none. */
static char *
seal(const char *text)
{
	static char from[] = "From", to[] = "To", results[] = "arc-seal",
		    ours[] = "Authentication-Results";
	char *const headers[] = { to, results, ours }, *const over[] = { from };
	const struct arc_sealing sealing = { .key = &key,
		.domain = "here.example",
		.selector = "s",
		.headers = headers,
		.headers_n = 3,
		.oversign = over,
		.oversign_n = 1,
		.results = STR("mail.here.example;\r\n\tspf=pass"),
		.now = NOW };
	struct run r;
	struct buf out;
	char *sealed = NULL;
	size_t n = 0;

	run(&r, text);
	buf_init(&out, 65536);
	if (arc_seal(&sealing, &r.arc, &r.header, r.bodies.body[r.body].digest,
		&out)) {
		for (size_t i = 0; i < out.n; i++)
			if (out.p[i] != '\r')
				out.p[n++] = out.p[i];
		out.n = n;
		(void)buf_puts(&out, text);
		sealed = str_dup(buf_str(&out));
	} else {
		cr_expect_eq(out.n, 0);
	}
	buf_fini(&out);
	end(&r);
	return sealed;
}

static void
expect_sealed(const char *text, const char *cv, enum arc_result result)
{
	char *sealed = seal(text);

	cr_assert_not_null(sealed);
	cr_expect_not_null(strstr(sealed, cv), "%s", sealed);
	expect(sealed, result, NULL);
	free(sealed);
}

Test(arc_seal, adds_to_a_chain)
{
	char *one = seal(MESSAGE), *two;

	cr_assert_not_null(one);
	expect(one, ARC_PASS, NULL);
	cr_expect_not_null(strstr(one, "cv=none"));
	/* What the next server may take out is not signed. */
	cr_expect_null(strstr(one, "arc-seal"));
	cr_expect_null(strstr(one, "Authentication-Results:From"));
	cr_expect_null(strstr(one, ":Authentication-Results"));
	two = seal(one);
	cr_assert_not_null(two);
	expect(two, ARC_PASS, NULL);
	free(one);
	free(two);
	expect_sealed(
	    SET_3 SET_2 SET_1 MESSAGE, "i=4; a=rsa-sha256; t=", ARC_PASS);
	expect_sealed(SET_1 "DKIM-Signature: x\n" MESSAGE, "cv=pass", ARC_PASS);
}

Test(arc_seal, covers_what_it_says)
{
	char *sealed = seal("DKIM-Signature: x\n" MESSAGE), *at;

	cr_assert_not_null(sealed);
	at = strstr(sealed, "Signature: x");
	at[strlen("Signature: ")] = 'y';
	expect(sealed, ARC_FAIL, NULL);
	at[strlen("Signature: ")] = 'x';
	expect(sealed, ARC_PASS, NULL);
	at = strstr(sealed, "spf=pass");
	at[4] = 'f';
	expect(sealed, ARC_FAIL, NULL);
	free(sealed);
}

/* A broken chain is told to be so, once (RFC 8617, 5.1.2). */
Test(arc_seal, of_a_broken_chain)
{
	char *sealed = seal(SET_2 SET_1 MESSAGE "P.S.\n");

	cr_assert_not_null(sealed);
	cr_expect_not_null(strstr(sealed, "cv=fail"));
	cr_expect_not_null(strstr(sealed, "ARC-Seal: i=3;"));
	expect(sealed, ARC_FAIL, "a seal says that the chain is broken");
	cr_expect_null(seal(sealed));
	free(sealed);
	expect_sealed(SET_2 MESSAGE, "cv=fail", ARC_FAIL);
}

Test(arc_seal, no_more_sets_than_may_be)
{
	char *text = str_dup(STR(MESSAGE)), *more;

	for (int i = 0; i < ARC_SETS_MAX; i++) {
		more = seal(text);
		cr_assert_not_null(more, "%d", i);
		free(text);
		text = more;
	}
	expect(text, ARC_PASS, NULL);
	cr_expect_null(seal(text));
	free(text);
}

/* What cannot be verified now must not be called broken. */
Test(arc_seal, waits_for_the_dns)
{
	dns_fails = true;
	cr_expect_null(seal(SET_1 MESSAGE));
	dns_fails = false;
	expect_sealed(SET_1 MESSAGE, "cv=pass", ARC_PASS);
}
