/*
 * SASL exchanges against libgsasl's own client and against messages made by
 * hand: what a right client may do, and what must be refused.
 */
#include "account/auth.h"
#include "account/private.h"
#include "base/codec.h"
#include "base/str.h"
#include "fixture.h"
#include <criterion/criterion.h>
#include <stdlib.h>

#define HOME "192.0.2.1"

static struct pst_error err;

static struct sasl_peer
a_peer(bool tls)
{
	struct sasl_peer peer = { .service = "imap",
		.hostname = "mail.example.test",
		.peer = HOME,
		.tls = tls };

	memset(peer.exporter, 0xe7, sizeof(peer.exporter));
	return peer;
}

/* --- libgsasl as the client
 * -------------------------------------------------------- */

struct client {
	const char *mechanism, *user, *authzid, *password;
	bool server_tls;	/* the server has a binding */
	unsigned char exporter; /* the client's, filled; 0: none */
	bool initial;		/* sends an initial response */
};

static void
set_client(Gsasl_session *session, const struct client *c)
{
	unsigned char exporter[32];
	struct buf text;

	(void)gsasl_property_set(session, GSASL_AUTHID, c->user);
	(void)gsasl_property_set(session, GSASL_PASSWORD, c->password);
	if (c->authzid != NULL)
		(void)gsasl_property_set(session, GSASL_AUTHZID, c->authzid);
	if (c->exporter == 0)
		return;
	memset(exporter, c->exporter, sizeof(exporter));
	buf_init(&text, 100);
	cr_assert(base64_encode(str_n((char *)exporter, 32), &text));
	cr_assert(buf_putc(&text, '\0'));
	(void)gsasl_property_set(session, GSASL_CB_TLS_EXPORTER, text.p);
	buf_fini(&text);
}

/* Passes messages to and fro until the server has a result. */
static enum auth_result
talk(struct sasl *s, Gsasl_session *session, bool initial,
    struct account_user *who)
{
	struct buf out;
	bool first = true, client_ok = false;
	int64_t delay;
	enum sasl_next next = SASL_MORE;

	buf_init(&out, 4096);
	if (!initial) {
		cr_expect_eq(sasl_step(s, STR_NONE, false, &out), SASL_MORE);
		cr_expect_eq(out.n, 0);
	}
	for (int i = 0; i < 8 && next == SASL_MORE; i++) {
		char *answer = NULL;
		size_t n = 0;
		int code = gsasl_step(session, first ? NULL : out.p,
		    first ? 0 : out.n, &answer, &n);

		client_ok = code == GSASL_OK;
		if (!client_ok && code != GSASL_NEEDS_MORE) {
			/* The client gave up. */
			gsasl_free(answer);
			break;
		}
		next = sasl_step(s, str_n(answer, n), first, &out);
		gsasl_free(answer);
		first = false;
	}
	buf_fini(&out);
	if (sasl_result(s, who, &delay) == AUTH_OK) {
		cr_expect_eq(next, SASL_DONE);
		cr_expect(client_ok);
		cr_expect_eq(delay, 0);
	}
	return sasl_result(s, who, &delay);
}

static enum auth_result
run(struct fixture *f, const struct client *c, struct account_user *who)
{
	struct sasl_peer peer = a_peer(c->server_tls);
	struct sasl *s = sasl_new(f->a, str_of(c->mechanism), &peer);
	Gsasl *gsasl;
	Gsasl_session *session;
	enum auth_result result;

	cr_assert(s != NULL);
	cr_assert_eq(gsasl_init(&gsasl), GSASL_OK);
	cr_assert_eq(
	    gsasl_client_start(gsasl, c->mechanism, &session), GSASL_OK);
	set_client(session, c);
	result = talk(s, session, c->initial, who);
	gsasl_finish(session);
	gsasl_done(gsasl);
	sasl_free(&s);
	cr_expect(s == NULL);
	return result;
}

static const struct {
	const char *label;
	struct client client;
	enum auth_result want;
} cases[] = {
	{ "SCRAM", { "SCRAM-SHA-256", "bob", NULL, PASSWORD, false, 0, true },
	    AUTH_OK },
	{ "SCRAM without initial response",
	    { "SCRAM-SHA-256", "bob@example.test", NULL, PASSWORD, false, 0,
		false },
	    AUTH_OK },
	{ "SCRAM over TLS, client without binding",
	    { "SCRAM-SHA-256", "BOB@EXAMPLE.test", NULL, PASSWORD, true, 0,
		true },
	    AUTH_OK },
	{ "SCRAM, wrong password",
	    { "SCRAM-SHA-256", "bob", NULL, "wrong", false, 0, true },
	    AUTH_FAILED },
	{ "SCRAM, unknown user",
	    { "SCRAM-SHA-256", "nobody", NULL, PASSWORD, false, 0, true },
	    AUTH_FAILED },
	{ "SCRAM, no address",
	    { "SCRAM-SHA-256", "no body", NULL, PASSWORD, false, 0, true },
	    AUTH_FAILED },
	{ "SCRAM, disabled user",
	    { "SCRAM-SHA-256", "off", NULL, PASSWORD, false, 0, true },
	    AUTH_FAILED },
	{ "SCRAM, user without password",
	    { "SCRAM-SHA-256", "locked", NULL, PASSWORD, false, 0, true },
	    AUTH_FAILED },
	{ "SCRAM, own authzid",
	    { "SCRAM-SHA-256", "bob", "bob@example.test", PASSWORD, false, 0,
		true },
	    AUTH_OK },
	{ "SCRAM, foreign authzid",
	    { "SCRAM-SHA-256", "bob", "eve@example.test", PASSWORD, false, 0,
		true },
	    AUTH_FAILED },
	{ "SCRAM, UTF-8",
	    { "SCRAM-SHA-256", "j\xc3\xbcrgen", NULL,
		"\xc3\xbc"
		"ber \xe2\x82\xac 100",
		false, 0, true },
	    AUTH_OK },
	{ "PLUS",
	    { "SCRAM-SHA-256-PLUS", "bob", NULL, PASSWORD, true, 0xe7, true },
	    AUTH_OK },
	{ "PLUS without initial response",
	    { "SCRAM-SHA-256-PLUS", "bob", NULL, PASSWORD, true, 0xe7, false },
	    AUTH_OK },
	{ "PLUS, wrong binding",
	    { "SCRAM-SHA-256-PLUS", "bob", NULL, PASSWORD, true, 0xe8, true },
	    AUTH_FAILED },
	{ "PLUS, wrong password",
	    { "SCRAM-SHA-256-PLUS", "bob", NULL, "wrong", true, 0xe7, true },
	    AUTH_FAILED },
	/* This client has a binding, so it says "y": told there was no PLUS. */
	{ "SCRAM, downgraded",
	    { "SCRAM-SHA-256", "bob", NULL, PASSWORD, true, 0xe7, true },
	    AUTH_FAILED },
	{ "PLAIN", { "PLAIN", "bob", NULL, PASSWORD, true, 0, true }, AUTH_OK },
	{ "PLAIN without initial response",
	    { "PLAIN", "bob", NULL, PASSWORD, true, 0, false }, AUTH_OK },
	{ "PLAIN, own authzid",
	    { "PLAIN", "bob", "BOB", PASSWORD, true, 0, true }, AUTH_OK },
	{ "PLAIN, foreign authzid",
	    { "PLAIN", "bob", "eve", PASSWORD, true, 0, true }, AUTH_FAILED },
	{ "PLAIN, wrong password",
	    { "PLAIN", "bob", NULL, "wrong", true, 0, true }, AUTH_FAILED },
	{ "PLAIN, unknown user",
	    { "PLAIN", "nobody", NULL, PASSWORD, true, 0, true }, AUTH_FAILED },
	{ "PLAIN, disabled user",
	    { "PLAIN", "off", NULL, PASSWORD, true, 0, true }, AUTH_FAILED },
	{ "PLAIN, UTF-8",
	    { "PLAIN", "j\xc3\xbcrgen", NULL,
		"\xc3\xbc"
		"ber \xe2\x82\xac 100",
		true, 0, true },
	    AUTH_OK },
};

static struct fixture
people(const char *extra)
{
	struct fixture f = fixture_open(extra);
	struct account_user user;

	fixture_user(&f, "bob@example.test");
	fixture_user(&f, "eve@example.test");
	fixture_user(&f, "off@example.test");
	fixture_user(&f, "locked@example.test");
	fixture_user(&f, "j\xc3\xbcrgen@example.test");
	cr_assert_eq(
	    account_find(f.a, "off@example.test", &user, &err), PST_OK);
	user.enabled = false;
	cr_assert_eq(account_update(f.a, &user, EVERYTHING, &err), PST_OK);
	cr_assert_eq(
	    account_set_password(f.a, "locked@example.test", STR_NONE, &err),
	    PST_OK);
	cr_assert_eq(account_set_password(f.a, "j\xc3\xbcrgen@example.test",
			 STR("\xc3\xbc"
			     "ber \xe2\x82\xac 100"),
			 &err),
	    PST_OK);
	return f;
}

Test(sasl, agrees_with_another_client)
{
	struct fixture f = people("failures = 1000");
	struct account_user who;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cr_expect_eq(run(&f, &cases[i].client, &who), cases[i].want,
		    "%s", cases[i].label);
		if (cases[i].want == AUTH_OK)
			cr_expect(
			    strcmp(who.address, "bob@example.test") == 0 ||
				strcmp(who.address,
				    "j\xc3\xbcrgen@example.test") == 0,
			    "%s", cases[i].label);
		else
			cr_expect_str_eq(who.address, "", "%s", cases[i].label);
	}
	fixture_close(&f);
}

/* SASLprep makes "fi" of the ligature, OpaqueString does not: both a client of
 * SCRAM and one of PLAIN get in with the password as typed. */
Test(sasl, passwords_that_the_profiles_treat_differently)
{
	static const char password[] = "\xef\xac\x81shing \xc2\xaa rod";
	struct fixture f = people(NULL);
	struct client scram = { "SCRAM-SHA-256", "bob", NULL, password, true, 0,
		true };
	struct sasl_peer peer = a_peer(true);
	struct sasl *s;
	struct buf in, out;
	struct account_user who;
	int64_t delay;

	cr_assert_eq(account_set_password(
			 f.a, "bob@example.test", str_of(password), &err),
	    PST_OK, "%s", err.detail);
	cr_expect_eq(run(&f, &scram, &who), AUTH_OK);
	s = sasl_new(f.a, STR("plain"), &peer);
	buf_init(&in, 1000);
	buf_init(&out, 1000);
	(void)buf_add(&in, "\0bob\0", 5);
	(void)buf_puts(&in, password);
	cr_expect_eq(sasl_step(s, buf_str(&in), true, &out), SASL_DONE);
	cr_expect_eq(sasl_result(s, &who, &delay), AUTH_OK);
	sasl_free(&s);
	buf_fini(&in);
	buf_fini(&out);
	fixture_close(&f);
}

/* --- by hand
 * ------------------------------------------------------------------------- */

/* The answers one after another; `out` has the last challenge. */
static enum auth_result
say(struct fixture *f, const char *mechanism, bool tls, const char *const *in,
    struct buf *out)
{
	struct sasl_peer peer = a_peer(tls);
	struct sasl *s = sasl_new(f->a, str_of(mechanism), &peer);
	enum sasl_next next = SASL_MORE;
	enum auth_result result;
	struct account_user who;
	int64_t delay;

	cr_assert(s != NULL);
	for (; *in != NULL && next == SASL_MORE; in++)
		next = sasl_step(s, str_of(*in), true, out);
	result = sasl_result(s, &who, &delay);
	if (next == SASL_DONE && result == AUTH_FAILED)
		cr_expect_gt(delay, 0);
	if (next == SASL_DONE) {
		cr_expect_eq(out->n, 0);
		/* It stays so. */
		cr_expect_eq(sasl_step(s, STR("x"), true, out), SASL_DONE);
		cr_expect_eq(sasl_result(s, &who, &delay), result);
	}
	sasl_free(&s);
	return next == SASL_DONE ? result : AUTH_TEMP;
}

Test(sasl, first_messages_that_are_refused)
{
	static const struct {
		const char *mechanism;
		bool tls;
		const char *message;
	} bad[] = {
		{ "SCRAM-SHA-256", false, "" },
		{ "SCRAM-SHA-256", false, "junk" },
		{ "SCRAM-SHA-256", false, "n,,n=bob" },
		{ "SCRAM-SHA-256", false, "n,,r=nonce" },
		{ "SCRAM-SHA-256", false, "n,,n=,r=nonce" },
		{ "SCRAM-SHA-256", false, "n,,m=x,n=bob,r=nonce" },
		{ "SCRAM-SHA-256", false, "x,,n=bob,r=nonce" },
		{ "SCRAM-SHA-256", false, "p=tls-exporter,,n=bob,r=nonce" },
		{ "SCRAM-SHA-256", true, "p=tls-exporter,,n=bob,r=nonce" },
		{ "SCRAM-SHA-256", true, "y,,n=bob,r=nonce" },
		{ "SCRAM-SHA-256-PLUS", true, "n,,n=bob,r=nonce" },
		{ "SCRAM-SHA-256-PLUS", true, "y,,n=bob,r=nonce" },
		{ "SCRAM-SHA-256-PLUS", true, "p=tls-unique,,n=bob,r=nonce" },
		{ "SCRAM-SHA-256-PLUS", true, "p=x,,n=bob,r=nonce" },
		{ "PLAIN", true, "" },
		{ "PLAIN", true, "bob" },
		{ "LOGIN", true, "" },
	};
	struct fixture f = people("failures = 1000");
	struct buf out;

	buf_init(&out, 4096);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const char *const in[] = { bad[i].message, NULL };

		cr_expect_eq(say(&f, bad[i].mechanism, bad[i].tls, in, &out),
		    AUTH_FAILED, "%s %s", bad[i].mechanism, bad[i].message);
	}
	buf_fini(&out);
	fixture_close(&f);
}

/* Without TLS there is no PLUS, so "y" is the truth. */
Test(sasl, y_without_tls_is_no_downgrade)
{
	static const char *const in[] = { "y,,n=bob,r=nonce", NULL };
	struct fixture f = people(NULL);
	struct buf out;

	buf_init(&out, 4096);
	cr_expect_eq(say(&f, "SCRAM-SHA-256", false, in, &out), AUTH_TEMP);
	cr_expect(str_has_prefix_case(buf_str(&out), "r=nonce"));
	buf_fini(&out);
	fixture_close(&f);
}

Test(sasl, plain_has_three_parts)
{
	static const struct {
		const char *message;
		size_t n;
		enum auth_result want;
	} plain[] = {
		{ "\0bob\0" PASSWORD, 5 + 13, AUTH_OK },
		{ "bob\0bob\0" PASSWORD, 8 + 13, AUTH_OK },
		{ "eve\0bob\0" PASSWORD, 8 + 13, AUTH_FAILED },
		{ "e v e\0bob\0" PASSWORD, 10 + 13, AUTH_FAILED },
		{ "\0bob\0" PASSWORD "\0", 5 + 14, AUTH_FAILED },
		{ "\0\0" PASSWORD, 2 + 13, AUTH_FAILED },
		{ "\0bob\0", 5, AUTH_FAILED },
		{ "\0bob", 4, AUTH_FAILED },
		{ "\0", 1, AUTH_FAILED },
		{ "\0\0", 2, AUTH_FAILED },
		{ "\0\0\0", 3, AUTH_FAILED },
	};
	struct fixture f = people("failures = 1000");
	struct sasl_peer peer = a_peer(true);
	struct buf out;
	struct account_user who;
	int64_t delay;

	buf_init(&out, 4096);
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
		struct sasl *s = sasl_new(f.a, STR("PLAIN"), &peer);

		cr_expect_eq(sasl_step(s, str_n(plain[i].message, plain[i].n),
				 true, &out),
		    SASL_DONE);
		cr_expect_eq(
		    sasl_result(s, &who, &delay), plain[i].want, "%zu", i);
		sasl_free(&s);
	}
	buf_fini(&out);
	fixture_close(&f);
}

Test(sasl, login_asks_twice)
{
	struct fixture f = people(NULL);
	struct sasl_peer peer = a_peer(true);
	struct sasl *s = sasl_new(f.a, STR("LOGIN"), &peer);
	struct buf out;
	struct account_user who;
	int64_t delay;

	buf_init(&out, 100);
	cr_expect_eq(sasl_step(s, STR_NONE, false, &out), SASL_MORE);
	cr_expect(str_is(buf_str(&out), "Username:"));
	cr_expect_eq(sasl_step(s, STR("bob"), true, &out), SASL_MORE);
	cr_expect(str_is(buf_str(&out), "Password:"));
	cr_expect_eq(sasl_step(s, STR(PASSWORD), true, &out), SASL_DONE);
	cr_expect_eq(out.n, 0);
	cr_expect_eq(sasl_result(s, &who, &delay), AUTH_OK);
	cr_expect_str_eq(who.address, "bob@example.test");
	sasl_free(&s);

	/* The name as an initial response, as Outlook does. */
	s = sasl_new(f.a, STR("login"), &peer);
	cr_expect_eq(sasl_step(s, STR("bob"), true, &out), SASL_MORE);
	cr_expect(str_is(buf_str(&out), "Password:"));
	cr_expect_eq(sasl_step(s, STR("wrong"), true, &out), SASL_DONE);
	cr_expect_eq(sasl_result(s, &who, &delay), AUTH_FAILED);
	cr_expect_eq(delay, 100);
	sasl_free(&s);

	s = sasl_new(f.a, STR("LOGIN"), &peer);
	cr_expect_eq(sasl_step(s, STR("bob"), true, &out), SASL_MORE);
	cr_expect_eq(sasl_step(s, STR(""), true, &out), SASL_DONE);
	cr_expect_eq(sasl_result(s, &who, &delay), AUTH_FAILED);
	sasl_free(&s);
	buf_fini(&out);
	fixture_close(&f);
}

Test(sasl, mechanisms_are_what_is_announced)
{
	static const char *const not_ours[] = { "DIGEST-MD5", "CRAM-MD5",
		"SCRAM-SHA-1", "ANONYMOUS", "EXTERNAL", "PLAINX", "PLAI", "" };
	struct fixture f = people(NULL);
	struct sasl_peer peer = a_peer(false);
	struct sasl *s;

	cr_expect_str_eq(sasl_mechanisms(false), "SCRAM-SHA-256 PLAIN LOGIN");
	cr_expect_str_eq(sasl_mechanisms(true),
	    "SCRAM-SHA-256-PLUS SCRAM-SHA-256 PLAIN LOGIN");
	for (size_t i = 0; i < sizeof(not_ours) / sizeof(not_ours[0]); i++)
		cr_expect(sasl_new(f.a, str_of(not_ours[i]), &peer) == NULL);
	cr_expect(sasl_new(f.a, STR("SCRAM-SHA-256-PLUS"), &peer) == NULL);
	s = sasl_new(f.a, STR("scram-sha-256"), &peer);
	cr_expect(s != NULL);
	sasl_free(&s);
	sasl_free(&s);
	fixture_close(&f);
}

Test(sasl, a_result_before_the_end_is_no_success)
{
	struct fixture f = people(NULL);
	struct sasl_peer peer = a_peer(false);
	struct sasl *s = sasl_new(f.a, STR("SCRAM-SHA-256"), &peer);
	struct buf out;
	struct account_user who;
	int64_t delay;

	buf_init(&out, 4096);
	cr_expect_eq(sasl_result(s, &who, &delay), AUTH_FAILED);
	cr_expect_eq(
	    sasl_step(s, STR("n,,n=bob,r=nonce"), true, &out), SASL_MORE);
	cr_expect_eq(sasl_result(s, &who, &delay), AUTH_FAILED);
	cr_expect_str_eq(who.address, "");
	sasl_free(&s);
	buf_fini(&out);
	fixture_close(&f);
}

/* --- the whole exchange of SCRAM, by our own client
 * ------------------------------------- */

struct scram {
	struct sasl *s;
	char first[200];  /* client-first-message-bare */
	char server[400]; /* server-first-message */
	char nonce[100];
	unsigned char salt[32];
	size_t salt_n;
	int64_t iterations;
};

static void
scram_begin(struct fixture *f, struct scram *c, const char *user)
{
	struct sasl_peer peer = a_peer(false);
	struct pst_str rest, part;
	struct buf out, salt;
	char message[256];
	uint64_t iterations = 0;

	memset(c, 0, sizeof(*c));
	c->s = sasl_new(f->a, STR("SCRAM-SHA-256"), &peer);
	(void)snprintf(
	    c->first, sizeof(c->first), "n=%s,r=rOprNGfwEbeRWgbNEkqO", user);
	(void)snprintf(message, sizeof(message), "n,,%s", c->first);
	buf_init(&out, 1000);
	buf_init(&salt, 32);
	cr_assert_eq(sasl_step(c->s, str_of(message), true, &out), SASL_MORE);
	(void)str_copy(c->server, sizeof(c->server), buf_str(&out));
	rest = buf_str(&out);
	cr_assert(str_split(&rest, ',', &part));
	(void)str_copy(c->nonce, sizeof(c->nonce), str_from(part, 2));
	cr_assert(str_split(&rest, ',', &part));
	cr_assert(base64_decode(str_from(part, 2), &salt));
	memcpy(c->salt, salt.p, salt.n);
	c->salt_n = salt.n;
	cr_assert(str_to_u64(str_from(rest, 2), &iterations));
	c->iterations = (int64_t)iterations;
	buf_fini(&salt);
	buf_fini(&out);
}

/* Makes client-final-message with the proof of RFC 5802, 3. */
static void
scram_final(const struct scram *c, const char *password, char *to, size_t size)
{
	unsigned char salted[32], client[32], stored[32], server[32],
	    signature[32];
	char without[200], all[900];
	struct buf proof;
	int n;

	/* The test has the client key by its own way round: SaltedPassword is
	 * the first block of PBKDF2, written out. */
	unsigned char block[36], u[32];

	memcpy(block, c->salt, c->salt_n);
	memcpy(block + c->salt_n, "\0\0\0\1", 4);
	{
		unsigned char key[32] = { 0 };

		memcpy(key, password, strlen(password));
		account_hmac(key, block, c->salt_n + 4, u);
		memcpy(salted, u, 32);
		for (int64_t i = 1; i < c->iterations; i++) {
			account_hmac(key, u, 32, u);
			for (int k = 0; k < 32; k++)
				salted[k] ^= u[k];
		}
	}
	account_hmac(salted, "Client Key", 10, client);
	cr_assert(account_scram_keys(str_of(password), c->salt, c->salt_n,
	    c->iterations, stored, server));
	(void)snprintf(without, sizeof(without), "c=biws,r=%s", c->nonce);
	n = snprintf(
	    all, sizeof(all), "%s,%s,%s", c->first, c->server, without);
	account_hmac(stored, all, (size_t)n, signature);
	for (int k = 0; k < 32; k++)
		client[k] ^= signature[k];
	buf_init(&proof, 100);
	cr_assert(base64_encode(str_n((char *)client, 32), &proof));
	(void)snprintf(
	    to, size, "%s,p=%.*s", without, STR_ARG(buf_str(&proof)));
	buf_fini(&proof);
}

static enum auth_result
scram_end(struct scram *c, const char *message, const char *after)
{
	struct buf out;
	struct account_user who;
	int64_t delay;
	enum auth_result result;

	buf_init(&out, 1000);
	if (sasl_step(c->s, str_of(message), true, &out) == SASL_MORE) {
		cr_expect(str_has_prefix_case(buf_str(&out), "v="));
		cr_expect_eq(sasl_result(c->s, &who, &delay), AUTH_FAILED);
		cr_expect_eq(
		    sasl_step(c->s, str_of(after), true, &out), SASL_DONE);
	}
	cr_expect_eq(out.n, 0);
	result = sasl_result(c->s, &who, &delay);
	sasl_free(&c->s);
	buf_fini(&out);
	return result;
}

Test(sasl_scram, step_by_step)
{
	struct fixture f = people("failures = 1000");
	struct scram c;
	char message[400], *p;

	scram_begin(&f, &c, "bob");
	scram_final(&c, PASSWORD, message, sizeof(message));
	cr_expect_eq(scram_end(&c, message, ""), AUTH_OK);

	/* The last answer has to be empty. */
	scram_begin(&f, &c, "bob");
	scram_final(&c, PASSWORD, message, sizeof(message));
	cr_expect_eq(scram_end(&c, message, "x"), AUTH_FAILED);

	/* Another nonce. */
	scram_begin(&f, &c, "bob");
	c.nonce[strlen(c.nonce) - 1] ^= 1;
	scram_final(&c, PASSWORD, message, sizeof(message));
	cr_expect_eq(scram_end(&c, message, ""), AUTH_FAILED);

	/* Another binding than "n,,": "y,,". */
	scram_begin(&f, &c, "bob");
	scram_final(&c, PASSWORD, message, sizeof(message));
	memcpy(message, "c=eSws", 6);
	cr_expect_eq(scram_end(&c, message, ""), AUTH_FAILED);

	/* No proof, half a proof, a zero proof. */
	scram_begin(&f, &c, "bob");
	scram_final(&c, PASSWORD, message, sizeof(message));
	p = strstr(message, ",p=");
	*p = '\0';
	cr_expect_eq(scram_end(&c, message, ""), AUTH_FAILED);
	scram_begin(&f, &c, "bob");
	scram_final(&c, PASSWORD, message, sizeof(message));
	p = strstr(message, ",p=");
	memcpy(p, ",p=AAAA", 8);
	cr_expect_eq(scram_end(&c, message, ""), AUTH_FAILED);
	scram_begin(&f, &c, "bob");
	scram_final(&c, "", message, sizeof(message));
	cr_expect_eq(scram_end(&c, message, ""), AUTH_FAILED);
	fixture_close(&f);
}

/* A captured answer is worth nothing in another session. */
Test(sasl_scram, a_replay_is_refused)
{
	struct fixture f = people(NULL);
	struct scram c;
	char message[400];

	scram_begin(&f, &c, "bob");
	scram_final(&c, PASSWORD, message, sizeof(message));
	cr_expect_eq(scram_end(&c, message, ""), AUTH_OK);
	scram_begin(&f, &c, "bob");
	cr_expect_eq(scram_end(&c, message, ""), AUTH_FAILED);
	fixture_close(&f);
}

Test(sasl_scram, changes_between_the_messages_count)
{
	struct fixture f = people(NULL);
	struct scram c;
	struct account_user user;
	char message[400];

	cr_assert_eq(
	    account_find(f.a, "bob@example.test", &user, &err), PST_OK);
	user.enabled = false;
	scram_begin(&f, &c, "bob");
	scram_final(&c, PASSWORD, message, sizeof(message));
	cr_assert_eq(account_update(f.a, &user, EVERYTHING, &err), PST_OK);
	cr_expect_eq(scram_end(&c, message, ""), AUTH_FAILED);
	user.enabled = true;
	cr_assert_eq(account_update(f.a, &user, EVERYTHING, &err), PST_OK);
	scram_begin(&f, &c, "bob");
	scram_final(&c, PASSWORD, message, sizeof(message));
	cr_assert_eq(account_set_password(
			 f.a, "bob@example.test", STR("another one"), &err),
	    PST_OK);
	cr_expect_eq(scram_end(&c, message, ""), AUTH_FAILED);
	fixture_close(&f);
}

/* Salt and iterations of those who do not exist stay the same, also after a
 * restart, differ from name to name, and follow those of real users. */
Test(sasl_scram, unknown_users_look_real)
{
	struct fixture f = people(NULL);
	struct config *cfg = fixture_config(&f, "scram_iterations = 9999");
	struct scram one, same, other, real;

	scram_begin(&f, &one, "nobody");
	scram_begin(&f, &other, "noone");
	scram_begin(&f, &real, "bob");
	sasl_free(&one.s);
	sasl_free(&other.s);
	sasl_free(&real.s);
	accounts_close(&f.a);
	f.a = fixture_accounts(&f, cfg, &err);
	cr_assert(f.a != NULL);
	scram_begin(&f, &same, "NoBody@Example.test");
	sasl_free(&same.s);
	cr_expect_eq(one.salt_n, real.salt_n);
	cr_expect_eq(one.salt_n, same.salt_n);
	cr_expect_arr_eq(one.salt, same.salt, one.salt_n);
	cr_expect_arr_neq(one.salt, other.salt, one.salt_n);
	cr_expect_eq(one.iterations, real.iterations);
	cr_expect_eq(same.iterations, real.iterations);
	cr_expect_eq(strlen(one.server), strlen(real.server));
	config_unref(&cfg);
	fixture_close(&f);
}

Test(sasl_scram, is_braked_like_passwords)
{
	struct fixture f = people(NULL);
	struct client wrong = { "SCRAM-SHA-256", "bob", NULL, "wrong", false, 0,
		true };
	struct client right = { "SCRAM-SHA-256", "bob", NULL, PASSWORD, false,
		0, true };
	struct account_user who;

	for (int i = 0; i < 5; i++)
		cr_expect_eq(run(&f, &wrong, &who), AUTH_FAILED);
	cr_expect_eq(auth_blocked(f.a), 2);
	cr_expect_eq(run(&f, &right, &who), AUTH_BLOCKED);
	cr_expect(auth_unblock(f.a, HOME));
	cr_expect(auth_unblock(f.a, "bob"));
	cr_expect_eq(run(&f, &right, &who), AUTH_OK);
	fixture_close(&f);
}

/* A block that comes between the messages holds for the right proof too. */
Test(sasl_scram, a_block_between_the_messages_counts)
{
	struct fixture f = people(NULL);
	struct scram c;
	char message[400], password[32];

	scram_begin(&f, &c, "bob");
	scram_final(&c, PASSWORD, message, sizeof(message));
	for (int i = 0; i < 5; i++) {
		(void)snprintf(password, sizeof(password), "wrong %d", i);
		(void)fixture_login(&f, HOME, "eve", password, NULL);
	}
	cr_expect_eq(scram_end(&c, message, ""), AUTH_BLOCKED);
	fixture_close(&f);
}

Test(sasl_scram, a_failing_database_is_temporary)
{
	struct fixture f = people(NULL);
	struct client right = { "SCRAM-SHA-256", "bob", NULL, PASSWORD, false,
		0, true };
	struct account_user who;

	fixture_sql(&f, "ALTER TABLE account_user RENAME TO lost");
	cr_expect_eq(run(&f, &right, &who), AUTH_TEMP);
	fixture_sql(&f, "ALTER TABLE lost RENAME TO account_user");
	cr_expect_eq(run(&f, &right, &who), AUTH_OK);
	fixture_close(&f);
}

Test(sasl, messages_that_are_too_long_are_refused)
{
	struct fixture f = people("failures = 1000");
	struct sasl_peer peer = a_peer(true);
	static const char *const all[] = { "SCRAM-SHA-256", "PLAIN", "LOGIN" };
	char *text = mem_alloc(100000);
	struct account_user who;
	int64_t delay;
	struct buf out;

	buf_init(&out, 200000);
	memset(text, 'a', 100000);
	for (size_t i = 0; i < 3; i++) {
		struct sasl *s = sasl_new(f.a, str_of(all[i]), &peer);

		cr_expect_eq(
		    sasl_step(s, str_n(text, 100000), true, &out), SASL_DONE);
		cr_expect_eq(sasl_result(s, &who, &delay), AUTH_FAILED);
		sasl_free(&s);
	}
	free(text);
	buf_fini(&out);
	fixture_close(&f);
}
