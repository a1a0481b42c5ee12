/*
 * What authenticators say, read and verified. The vectors were made by other
 * code than ours (Python's cryptography), with a key each.
 */
#include "account/webauthn.h"
#include "base/str.h"
#include <criterion/criterion.h>
#include <gnutls/crypto.h>
#include <stdlib.h>

static const char client_json[] =
    "{\"type\": \"webauthn.get\", \"challenge\": \"AAECAwQFBgcICQoLDA0ODw\", "
    "\"origin\": \"https://mail.example.test\", \"crossOrigin\": false, "
    "\"other_keys_can_be_added_here\": \"by browsers\"}";

static const char es256_attestation[] =
    "a363666d74646e6f6e656761747453746d74a068617574684461746158946467"
    "aa1b3854a867205c74a1f0203af1940ed898d8e15a78608191add5c040344500"
    "00000100000000000000000000000000000000001066c8f7e0084d3f8e70f87d"
    "d4d7f40dbda5010203262001215820a1a4e91346a7a88cd4ba5861f5a937a56f"
    "c9e7e39a65f2dc96be577a0ab4219f22582074d5a1e9e175660f08d5ef3581fc"
    "8739b2e6cffd2229163a9c220f9e26a57b0c";

static const char es256_data[] =
    "6467aa1b3854a867205c74a1f0203af1940ed898d8e15a78608191add5c04034"
    "0500000002";

static const char es256_signature[] =
    "30460221008b0e97003b1f1dfa6c02a37ebafbda8fdf79f223fdc2c7c5b78bd1"
    "e0a702c6e902210098a39502f503f9ba44de7c885f0070c26452180056930d8c"
    "a25beaeb712ba2d1";

static const char eddsa_attestation[] =
    "a363666d74646e6f6e656761747453746d74a068617574684461746158716467"
    "aa1b3854a867205c74a1f0203af1940ed898d8e15a78608191add5c040344500"
    "000001000000000000000000000000000000000010ea82d56afefe1e537af896"
    "683433d372a401010327200621582005a98870831785da09adf6ff4a1bf9fad9"
    "da5c1ebdc77259fc35ea41dd2a4144";

static const char eddsa_data[] =
    "6467aa1b3854a867205c74a1f0203af1940ed898d8e15a78608191add5c04034"
    "0500000002";

static const char eddsa_signature[] =
    "d5303dbada9f31e45829e7dbfa31a2d970f8b330f682ceb08bd6720ae3c000f5"
    "68f87d0fa079826914561ab4ddd06f1753fd339565b3ebfd0aef9d379c6e6f07";

static const char rs256_attestation[] =
    "a363666d74646e6f6e656761747453746d74a068617574684461746159015764"
    "67aa1b3854a867205c74a1f0203af1940ed898d8e15a78608191add5c0403445"
    "00000001000000000000000000000000000000000010135e0a224f9ed56a175c"
    "cb6739458064a401030339010020590100b0ecabe31d9f14766adfd0c96bf082"
    "bd605721120f1c99fb9df6db5246d0738c5f13c9fe2cdbe7ff43c0410092b283"
    "af3a3c97d6111e36724033a63f42adc4768af3fa39969ce6df7e5b67b9fb4fff"
    "4843d9515396b66ab727433f8e289ae682e3c9f59f8d87e8714c1247f585e117"
    "bb6fa3fecf3504706c5f26e96d9f612edb2a3756c2cbff87cdb809ffafba5012"
    "2f69be539419c0fff107dc2f3a944ca0a27f2347810f3add8a97f7749eb75c2d"
    "b7ec064f3118282ac361ffd25b534f536ee01d05034f7ce0fa7e00cc9e59357e"
    "2fe149faf2bfb8565b7b5ea6cf52de8f6f9add3f9ea1b671276874b9866dc444"
    "db56255a6faf58d6ae9d41ba467311e57d2143010001";

static const char rs256_data[] =
    "6467aa1b3854a867205c74a1f0203af1940ed898d8e15a78608191add5c04034"
    "0500000002";

static const char rs256_signature[] =
    "60949d1924e8244995723a9dcb39059236358b19b49f06d18fd85815fe9fe14c"
    "08e34ea6f2b1bd13553db71a724193b87a4293dcb82720ebdeb8cd3458a18208"
    "ebb9230b237c0aaaa8d14fce870a14a71db3d60d9ffda704c36047913f1e8991"
    "8fc29f7c9d73e66fdf73b506c56f87952550c6b9a466770d16388ebda63d1b52"
    "1da01eb42fe9b1dc9cde2c479555b80f790f39127b4da1906eae042cfcc9d904"
    "09e9fe256964697ce0433b15265862b73909156d7de3911b689b7945ca8a179f"
    "8bb91bac7d1f2a572dcf567acd650fd326f8153a1e7e90ca77d64496d703cd0c"
    "ef37aadb09bc7b4fda11960bd98865bce4443a3637249464789615904a8f6fc7";

static const struct {
	const char *name, *attestation, *data, *signature;
	enum webauthn_algorithm algorithm;
} vectors[] = {
	{ "ES256", es256_attestation, es256_data, es256_signature,
	    WEBAUTHN_ES256 },
	{ "EdDSA", eddsa_attestation, eddsa_data, eddsa_signature,
	    WEBAUTHN_EDDSA },
	{ "RS256", rs256_attestation, rs256_data, rs256_signature,
	    WEBAUTHN_RS256 },
};
#define VECTORS (sizeof(vectors) / sizeof(vectors[0]))

/* From hexadecimal; on the heap. */
static struct pst_str
octets(const char *hex)
{
	size_t n = strlen(hex) / 2;
	char *p = mem_alloc(n + 1), digits[3] = "";

	for (size_t i = 0; i < n; i++) {
		memcpy(digits, hex + 2 * i, 2);
		p[i] = (char)strtoul(digits, NULL, 16);
	}
	return str_n(p, n);
}

static void
drop(struct pst_str s)
{
	free((void *)(uintptr_t)s.p);
}

static struct webauthn_key
key_of(size_t i)
{
	struct pst_str object = octets(vectors[i].attestation), data;
	struct webauthn_data read;

	cr_assert(webauthn_read_attestation(object, &data));
	cr_assert(webauthn_read_data(data, &read));
	drop(object);
	return read.key;
}

Test(webauthn, reads_what_was_made)
{
	unsigned char hash[32];

	(void)gnutls_hash_fast(
	    GNUTLS_DIG_SHA256, "mail.example.test", 17, hash);
	for (size_t i = 0; i < VECTORS; i++) {
		struct pst_str object = octets(vectors[i].attestation), data;
		struct webauthn_data read;

		cr_assert(webauthn_read_attestation(object, &data));
		cr_assert(
		    webauthn_read_data(data, &read), "%s", vectors[i].name);
		cr_expect_eq(memcmp(read.rp_id_hash, hash, 32), 0);
		cr_expect_eq(read.flags, WEBAUTHN_PRESENT | WEBAUTHN_VERIFIED |
					     WEBAUTHN_HAS_CREDENTIAL);
		cr_expect_eq(read.count, 1);
		cr_expect_eq(read.id.n, 16);
		cr_expect_eq(read.key.algorithm, vectors[i].algorithm);
		cr_expect(webauthn_is_key(&read.key));
		drop(object);
	}
}

Test(webauthn, verifies_and_notices_every_changed_octet)
{
	struct pst_str client = str_of(client_json);

	for (size_t i = 0; i < VECTORS; i++) {
		struct webauthn_key key = key_of(i), other;
		struct pst_str data = octets(vectors[i].data);
		struct pst_str mark = octets(vectors[i].signature);
		char *p = (char *)(uintptr_t)data.p;

		cr_expect(webauthn_verify(&key, data, client, mark), "%s",
		    vectors[i].name);
		for (size_t k = 0; k < data.n; k++) {
			p[k] ^= 1;
			cr_expect(!webauthn_verify(&key, data, client, mark));
			p[k] ^= 1;
		}
		cr_expect(!webauthn_verify(
		    &key, data, str_first(client, client.n - 1), mark));
		cr_expect(!webauthn_verify(
		    &key, data, client, str_first(mark, mark.n - 1)));
		cr_expect(!webauthn_verify(&key, data, client, STR_NONE));
		other = key_of((i + 1) % VECTORS);
		cr_expect(!webauthn_verify(&other, data, client, mark));
		drop(data);
		drop(mark);
	}
}

Test(webauthn, refuses_what_is_cut_or_longer)
{
	for (size_t i = 0; i < VECTORS; i++) {
		struct pst_str object = octets(vectors[i].attestation), data;
		struct pst_str whole;
		struct webauthn_data read;
		char *longer;

		cr_assert(webauthn_read_attestation(object, &whole));
		for (size_t n = 0; n < object.n; n++)
			cr_expect(!webauthn_read_attestation(
			    str_first(object, n), &data));
		for (size_t n = 0; n < whole.n; n++)
			cr_expect(
			    !webauthn_read_data(str_first(whole, n), &read));
		longer = mem_alloc(whole.n + 1);
		memcpy(longer, whole.p, whole.n);
		cr_expect(
		    !webauthn_read_data(str_n(longer, whole.n + 1), &read));
		free(longer);
		drop(object);
	}
}

Test(webauthn, keys_are_texts_and_back)
{
	static const char *const bad[] = { "", "ES256", "ES256 ", "ES256 AAAA",
		"ES257 AAAA AAAA", "EdDSA AAAA BBBB", "RS256 AAAA AQAB",
		"EdDSA "
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA AAAA" };
	char text[WEBAUTHN_KEY_TEXT], again[WEBAUTHN_KEY_TEXT];
	struct webauthn_key read;

	for (size_t i = 0; i < VECTORS; i++) {
		struct webauthn_key key = key_of(i);

		cr_assert(webauthn_print_key(&key, text));
		cr_assert(webauthn_read_key(str_of(text), &read), "%s", text);
		cr_assert(webauthn_print_key(&read, again));
		cr_expect_str_eq(text, again);
		cr_expect_eq(memcmp(&key, &read, sizeof(key)), 0);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_expect(
		    !webauthn_read_key(str_of(bad[i]), &read), "%s", bad[i]);
}

/* A point that is not on the curve is no key. */
Test(webauthn, a_key_is_a_key)
{
	struct webauthn_key key = key_of(0);

	key.second[31] ^= 1;
	cr_expect(!webauthn_is_key(&key));
}

Test(webauthn, client_data)
{
	static const char *const bad[] = { "", "[]", "{}", "null",
		"{\"type\":1,\"challenge\":\"AA\",\"origin\":\"x\"}",
		"{\"type\":\"x\",\"challenge\":\"\",\"origin\":\"x\"}",
		"{\"type\":\"x\",\"challenge\":\"A\",\"origin\":\"x\"}",
		"{\"type\":\"x\",\"challenge\":\"A+==\",\"origin\":\"x\"}",
		"{\"type\":\"x\",\"challenge\":\"AA\",\"origin\":"
		"\"x\\u0000y\"}",
		"{\"type\":\"x\",\"challenge\":\"AA\"}",
		"{\"type\":\"x\",\"type\":\"y\",\"challenge\":\"AA\","
		"\"origin\":\"x\"}",
		"{\"type\":\"x\",\"challenge\":\"AA\",\"origin\":\"x\"} x" };
	struct webauthn_client c;

	cr_assert(webauthn_read_client(str_of(client_json), &c));
	cr_expect_str_eq(c.type, "webauthn.get");
	cr_expect_str_eq(c.origin, "https://mail.example.test");
	cr_expect_eq(c.challenge_n, 16);
	cr_expect_eq(c.challenge[15], 15);
	cr_expect(!c.is_foreign);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_expect(
		    !webauthn_read_client(str_of(bad[i]), &c), "%s", bad[i]);
	cr_assert(webauthn_read_client(
	    STR("{\"type\":\"x\",\"challenge\":\"AA\",\"origin\":\"y\","
		"\"crossOrigin\":true}"),
	    &c));
	cr_expect(c.is_foreign);
}
