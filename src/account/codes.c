/*
 * account/codes.c - secrets that people copy: 100 random bits in letters and
 * digits that are not mistaken for one another, in groups. And what people call
 * the things that they have several of.
 */
#include "account/private.h"

#include "base/clock.h"
#include "base/codec.h"
#include "base/str.h"
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

enum { GROUP = 4 };

/* 32 */
static const char letters[] = "abcdefghijkmnpqrstuvwxyz23456789";

void
account_code_make(char plain[ACCOUNT_CODE + 1])
{
	unsigned char octets[ACCOUNT_CODE];

	random_bytes(octets, sizeof(octets));
	for (size_t i = 0; i < ACCOUNT_CODE; i++)
		plain[i] = letters[octets[i] % 32];
	plain[ACCOUNT_CODE] = '\0';
	gnutls_memset(octets, 0, sizeof(octets));
}

void
account_code_show(const char *plain, char shown[ACCOUNT_CODE_SHOWN])
{
	size_t n = 0;

	for (size_t i = 0; i < ACCOUNT_CODE; i++) {
		if (i > 0 && i % GROUP == 0)
			shown[n++] = '-';
		shown[n++] = plain[i];
	}
	shown[n] = '\0';
}

bool
account_code_read(const char *typed, char plain[ACCOUNT_CODE + 1])
{
	size_t n = 0;

	for (; *typed != '\0'; typed++) {
		char c = ascii_lower(*typed);

		if (c == '-' || c == ' ')
			continue;
		if (n == ACCOUNT_CODE || strchr(letters, c) == NULL)
			return false;
		plain[n++] = c;
	}
	plain[n] = '\0';
	return n == ACCOUNT_CODE;
}

bool
account_code_key(const char *typed, struct account_code_key *k)
{
	char plain[ACCOUNT_CODE + 1];
	unsigned char digest[32];

	if (!account_code_read(typed, plain) ||
	    gnutls_hash_fast(GNUTLS_DIG_SHA256, plain, ACCOUNT_CODE, digest) !=
		0)
		return false;
	(void)str_copy(k->id, sizeof(k->id), str_n(plain, ACCOUNT_CODE_ID));
	hex_encode(digest, sizeof(digest), k->hash);
	return true;
}

bool
account_is_label(const char *text)
{
	struct pst_str s = str_of(text);

	if (s.n == 0 || s.n > 128 || !str_is_utf8(s))
		return false;
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f)
			return false;
	return true;
}
