/*
 * web/challenges.h - what an authenticator signs, so that nobody can use its
 * signature a second time (Web Authentication Level 2, 13.4.3).
 *
 * A challenge is random, says until when it is good, and is signed together
 * with what it is for. So strangers who ask for many of them cost no memory;
 * one that was used is remembered until it is too old.
 *
 * Threads: from any thread.
 */
#ifndef WEB_CHALLENGES_H
#define WEB_CHALLENGES_H

#include <postern/types.h>

enum {
	CHALLENGE_OCTETS = 40,
	CHALLENGE_TEXT = 55,  /* base64url, with the NUL */
	CHALLENGE_LIFE = 300, /* seconds */
};

enum challenge_purpose {
	CHALLENGE_LOGIN,    /* without a password; of nobody yet */
	CHALLENGE_FACTOR,   /* after the password */
	CHALLENGE_REGISTER, /* a new passkey */
	CHALLENGE_CONFIRM,  /* in place of the password, by who is logged in */
};

/* `user` "": of nobody. */
void challenge_make(enum challenge_purpose purpose, const char *user,
    char text_r[CHALLENGE_TEXT]);
/* It is ours, for that, and not too old. */
bool challenge_is_ours(enum challenge_purpose purpose, const char *user,
    const unsigned char *octets, size_t n);
/* It is used now. False: it was before. */
bool challenge_use(const unsigned char *octets, size_t n);

#endif
