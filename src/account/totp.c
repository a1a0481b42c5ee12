/*
 * account/totp.c - see totp.h.
 */
#include "account/totp.h"

#include "base/clock.h"
#include "base/codec.h"
#include "base/str.h"
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

enum { DIGITS = TOTP_CODE - 1, SHA1 = 20 };

void
totp_make(char secret_r[TOTP_SECRET])
{
	char octets[TOTP_OCTETS];
	struct buf text;

	random_bytes(octets, sizeof(octets));
	buf_init(&text, TOTP_SECRET);
	(void)base32_encode(str_n(octets, sizeof(octets)), &text);
	(void)str_copy(secret_r, TOTP_SECRET, buf_str(&text));
	gnutls_memset(text.p, 0, text.n);
	buf_fini(&text);
	gnutls_memset(octets, 0, sizeof(octets));
}

/* RFC 4226, 5.3 */
static uint32_t
truncate_mac(const unsigned char mac[SHA1])
{
	const unsigned char *at = mac + (mac[SHA1 - 1] & 15);

	return ((uint32_t)at[0] & 0x7f) << 24 | (uint32_t)at[1] << 16 |
	       (uint32_t)at[2] << 8 | at[3];
}

bool
totp_code(const char *secret, int64_t step, char code_r[TOTP_CODE])
{
	unsigned char moving[8], mac[SHA1];
	struct buf key;
	bool ok;

	code_r[0] = '\0';
	buf_init(&key, TOTP_OCTETS);
	for (size_t i = 0; i < sizeof(moving); i++)
		moving[i] = (unsigned char)((uint64_t)step >> (56 - 8 * i));
	ok = base32_decode(str_of(secret), &key) && key.n == TOTP_OCTETS &&
	     gnutls_hmac_fast(GNUTLS_MAC_SHA1, key.p, key.n, moving,
		 sizeof(moving), mac) >= 0;
	if (ok)
		(void)snprintf(code_r, TOTP_CODE, "%06u",
		    (unsigned)(truncate_mac(mac) % 1000000));
	if (key.p != NULL)
		gnutls_memset(key.p, 0, key.n);
	buf_fini(&key);
	return ok;
}

/* The digits alone. False: it cannot be a code. */
static bool
clean(const char *text, char code_r[TOTP_CODE])
{
	size_t n = 0;

	for (; *text != '\0'; text++) {
		if (*text == ' ')
			continue;
		if (n == DIGITS || !ascii_is_digit(*text))
			return false;
		code_r[n++] = *text;
	}
	code_r[n] = '\0';
	return n == DIGITS;
}

bool
totp_is_code(const char *text)
{
	char code[TOTP_CODE];

	return clean(text, code);
}

bool
totp_find(const char *secret, const char *code, int64_t now, int64_t after,
    int64_t *step_r)
{
	char given[TOTP_CODE], good[TOTP_CODE];
	int64_t present = now / TOTP_STEP;
	bool found = false;

	if (!clean(code, given))
		return false;
	for (int64_t step = present - TOTP_WINDOW;
	     step <= present + TOTP_WINDOW; step++) {
		if (!totp_code(secret, step, good) ||
		    gnutls_memcmp(given, good, DIGITS) != 0 || step <= after ||
		    found)
			continue;
		found = true;
		*step_r = step;
	}
	return found;
}
