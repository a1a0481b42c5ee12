/*
 * Encryption for a client, as the example of RFC 8291 has it, and who sends.
 */
#include "base/codec.h"
#include "base/str.h"
#include "jmap/webpush.h"

#include <criterion/criterion.h>
#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* RFC 8291, 5 and appendix A. */
#define SENDER "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"
#define POINT                                                                 \
	"BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7" \
	"Vd8pZGH6SRpkNtoIAiw4"
#define AUTH "BTBZMqHH6r4Tts7J_aSIgg"
#define SALT "DGv6ra1nlYgDCS1FRnbzlw"
#define BODY                                                               \
	"DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27ml" \
	"mlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPT" \
	"pK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"

static void
decode(const char *text, unsigned char *to, size_t n)
{
	struct buf b;

	buf_init(&b, 1000);
	cr_assert(base64url_decode(str_of(text), &b));
	cr_assert_eq(b.n, n);
	memcpy(to, b.p, n);
	buf_fini(&b);
}

Test(webpush, gives_the_example_of_rfc_8291)
{
	unsigned char sender[WEBPUSH_SCALAR], salt[WEBPUSH_SALT];
	struct webpush_keys keys;
	struct buf body, text;

	cr_assert(webpush_keys_read(STR(POINT), STR(AUTH), &keys));
	decode(SENDER, sender, sizeof(sender));
	decode(SALT, salt, sizeof(salt));
	buf_init(&body, 1000);
	buf_init(&text, 1000);
	cr_assert(webpush_encrypt_with(&keys, sender, salt,
	    STR("When I grow up, I want to be a watermelon"), &body));
	cr_assert_eq(body.n, 144);
	cr_assert(base64url_encode(buf_str(&body), &text));
	cr_assert(
	    str_is(buf_str(&text), BODY), "%.*s", STR_ARG(buf_str(&text)));
	buf_fini(&body);
	buf_fini(&text);
}

Test(webpush, is_another_one_each_time_and_has_a_limit)
{
	struct webpush_keys keys;
	struct buf a, b, long_one;

	cr_assert(webpush_keys_read(STR(POINT), STR(AUTH), &keys));
	buf_init(&a, 10000);
	buf_init(&b, 10000);
	buf_init(&long_one, 10000);
	cr_assert(webpush_encrypt(&keys, STR("text"), &a));
	cr_assert(webpush_encrypt(&keys, STR("text"), &b));
	cr_assert_eq(a.n, 16 + 5 + 65 + 4 + 1 + 16);
	cr_assert(!str_eq(buf_str(&a), buf_str(&b)));
	for (int i = 0; i < WEBPUSH_TEXT; i++)
		(void)buf_putc(&long_one, 'a');
	buf_clear(&a);
	cr_assert(webpush_encrypt(&keys, buf_str(&long_one), &a));
	cr_assert_eq(a.n, 4096);
	(void)buf_putc(&long_one, 'a');
	buf_clear(&a);
	cr_assert(!webpush_encrypt(&keys, buf_str(&long_one), &a));
	buf_fini(&a);
	buf_fini(&b);
	buf_fini(&long_one);
}

Test(webpush, takes_no_wrong_keys)
{
	struct webpush_keys keys;
	char point[] = POINT;

	cr_assert(!webpush_keys_read(STR(""), STR(AUTH), &keys));
	cr_assert(!webpush_keys_read(STR(POINT), STR(""), &keys));
	cr_assert(!webpush_keys_read(STR(POINT), STR(SALT "AA"), &keys));
	point[20] = point[20] == 'a' ? 'b' : 'a'; /* beside the curve */
	cr_assert(!webpush_keys_read(str_of(point), STR(AUTH), &keys));
}

/* The parts of a token are three of base64url. */
static void
check_token(struct pst_str token, const char *public)
{
	gnutls_datum_t x, y, der, r, s, data;
	struct pst_str head, claims, what = token;
	unsigned char point[WEBPUSH_POINT];
	gnutls_pubkey_t key;
	struct buf b;

	cr_assert(str_split(&token, '.', &head));
	cr_assert(str_split(&token, '.', &claims));
	buf_init(&b, 1000);
	cr_assert(base64url_decode(claims, &b));
	cr_assert(str_is(buf_str(&b),
		      "{\"aud\":\"https://push.test:8443\",\"exp\":43200,"
		      "\"sub\":\"mailto:a@b.test\"}"),
	    "%.*s", STR_ARG(buf_str(&b)));
	buf_clear(&b);
	cr_assert(base64url_decode(token, &b));
	cr_assert_eq(b.n, 64);
	decode(public, point, sizeof(point));
	x = (gnutls_datum_t){ point + 1, 32 };
	y = (gnutls_datum_t){ point + 33, 32 };
	r = (gnutls_datum_t){ (unsigned char *)b.p, 32 };
	s = (gnutls_datum_t){ (unsigned char *)b.p + 32, 32 };
	data = (gnutls_datum_t){ (unsigned char *)(uintptr_t)what.p,
		(unsigned)(head.n + 1 + claims.n) };
	cr_assert_eq(gnutls_encode_rs_value(&der, &r, &s), 0);
	cr_assert_eq(gnutls_pubkey_init(&key), 0);
	cr_assert_eq(gnutls_pubkey_import_ecc_raw(
			 key, GNUTLS_ECC_CURVE_SECP256R1, &x, &y),
	    0);
	cr_assert_eq(gnutls_pubkey_verify_data2(
			 key, GNUTLS_SIGN_ECDSA_SHA256, 0, &data, &der),
	    0);
	gnutls_pubkey_deinit(key);
	gnutls_free(der.data);
	buf_fini(&b);
}

Test(webpush, says_who_sends_by_a_key_that_stays)
{
	char dir[] = "/tmp/postern-vapid-XXXXXX", path[100], public[100];
	struct pst_str text, token;
	struct pst_error err = { 0 };
	struct vapid *v;
	struct stat st;
	struct buf out;

	cr_assert_not_null(mkdtemp(dir));
	v = vapid_open(dir, "vapid.key", &err);
	cr_assert_not_null(v, "%s", err.detail);
	(void)snprintf(path, sizeof(path), "%s/vapid.key", dir);
	cr_assert_eq(stat(path, &st), 0);
	cr_assert_eq(st.st_mode & 0777, 0600);
	(void)snprintf(public, sizeof(public), "%s", vapid_public(v));
	vapid_free(&v);
	v = vapid_open(dir, "vapid.key", &err);
	cr_assert_str_eq(vapid_public(v), public);
	for (int i = 0; i < 50; i++) { /* numbers of any size */
		buf_init(&out, 10000);
		cr_assert(vapid_authorization(v, "https://push.test:8443/a?b#c",
		    "mailto:a@b.test", 0, &out));
		text = buf_str(&out);
		cr_assert(str_has_prefix_case(text, "vapid t="));
		text = str_from(text, 8);
		cr_assert(str_split(&text, ',', &token));
		cr_assert(str_is(str_from(text, 3), public));
		check_token(token, public);
		buf_fini(&out);
	}
	vapid_free(&v);
	/* What cannot be read is left as it is. */
	cr_assert_eq(truncate(path, 10), 0);
	cr_assert_null(vapid_open(dir, "vapid.key", &err));
	cr_assert_eq(stat(path, &st), 0);
	cr_assert_eq(st.st_size, 10);
	(void)unlink(path);
	(void)rmdir(dir);
}
