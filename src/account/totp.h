/*
 * account/totp.h - codes that change with the time (RFC 6238): six digits of
 * HMAC-SHA-1, new every 30 seconds, which is what all authenticator apps know.
 *
 * Pure: which codes were used is noted by account/factors.h.
 */
#ifndef ACCOUNT_TOTP_H
#define ACCOUNT_TOTP_H

#include <postern/types.h>

enum {
	TOTP_OCTETS = 20, /* of a secret (RFC 4226, 4, R6) */
	TOTP_SECRET = 33, /* in base32, with the NUL */
	TOTP_CODE = 7,	  /* with the NUL */
	TOTP_STEP = 30,	  /* seconds */
	TOTP_WINDOW = 1,  /* steps that clocks may differ by, either way */
};

/* A new secret. */
void totp_make(char secret_r[TOTP_SECRET]);
/* The code of a step. False: this is no secret. */
bool totp_code(const char *secret, int64_t step, char code_r[TOTP_CODE]);
/* The step whose code this is, if it is one of those around `now` (seconds
 * since 1970) and above `after`. Spaces in the code do not count. */
bool totp_find(const char *secret, const char *code, int64_t now, int64_t after,
    int64_t *step_r);
/* Six digits and spaces: it can be a code. */
bool totp_is_code(const char *text);

#endif
