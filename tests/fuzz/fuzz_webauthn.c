/*
 * Passkeys: CBOR, authenticator data, attestation objects, client data and keys
 * as text. What is accepted keeps the limits of the headers, prints as a text
 * that reads as the same, and reading never goes beyond the octets.
 */
#include "account/webauthn.h"
#include "base/cbor.h"
#include "base/str.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(bool claim)
{
	if (!claim)
		abort();
}

static bool
is_within(struct pst_str part, struct pst_str whole)
{
	return part.n == 0 ||
	       (part.p >= whole.p && part.p + part.n <= whole.p + whole.n);
}

/* Step by step an item is as long as all at once. */
static void
try_cbor(struct pst_str in)
{
	struct pst_str rest = in, step = in;
	struct cbor_item item;
	uint64_t left = 1;

	if (!cbor_skip(&rest))
		return;
	check(is_within(rest, in) && rest.n < in.n);
	for (; left > 0; left--) {
		check(cbor_next(&step, &item));
		check(is_within(item.octets, in));
		if (item.type == CBOR_ARRAY)
			left += item.number;
		else if (item.type == CBOR_MAP)
			left += 2 * item.number;
		else if (item.type == CBOR_TAG)
			left++;
	}
	check(step.n == rest.n);
}

static void
try_key(const struct webauthn_key *key)
{
	char text[WEBAUTHN_KEY_TEXT];
	struct webauthn_key again;

	check(webauthn_print_key(key, text));
	check(webauthn_read_key(str_of(text), &again));
	check(memcmp(key, &again, sizeof(again)) == 0);
	if (webauthn_is_key(key))
		check(!webauthn_verify(key, STR("x"), STR("y"), STR("z")));
}

static void
try_data(struct pst_str in)
{
	struct webauthn_data r;

	if (!webauthn_read_data(in, &r))
		return;
	if ((r.flags & WEBAUTHN_HAS_CREDENTIAL) == 0)
		return;
	check(r.id.n > 0 && r.id.n <= WEBAUTHN_ID && is_within(r.id, in));
	try_key(&r.key);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pst_str in = str_n((const char *)data, size), inside;
	struct webauthn_client client;
	struct webauthn_key key;

	try_cbor(in);
	try_data(in);
	if (webauthn_read_attestation(in, &inside)) {
		check(is_within(inside, in));
		try_data(inside);
	}
	if (webauthn_read_client(in, &client))
		check(client.challenge_n > 0 &&
		      client.challenge_n <= WEBAUTHN_CHALLENGE);
	if (webauthn_read_key(in, &key))
		try_key(&key);
	return 0;
}
