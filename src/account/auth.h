/*
 * account/auth.h - logging in: passwords, SASL, and the brake on guessing.
 *
 * Passwords are kept as yescrypt hashes and SCRAM-SHA-256 keys, compared in
 * constant time, prepared by OpaqueString (RFC 8265); the SCRAM keys are made
 * of the SASLprep form that their clients use (RFC 5802, 2.2). A good password
 * is remembered for a short time as a keyed hash in memory, so that clients
 * which come back cost little; changing the password or disabling the user
 * forgets it at once.
 *
 * Threads: from any thread; a struct sasl belongs to one at a time. Calls block
 * on hashing (about 15 ms).
 */
#ifndef ACCOUNT_AUTH_H
#define ACCOUNT_AUTH_H

#include "account/account.h"

enum auth_result {
	AUTH_OK,
	AUTH_FAILED,  /* wrong user or password, or disabled: indistinguishable
		       */
	AUTH_BLOCKED, /* too many failures from this address or for this user */
	AUTH_TEMP,    /* the database failed */
};

/* What somebody logs in for; an app password is good for some of them. */
enum auth_scope {
	AUTH_IMAP = 1 << 0,
	AUTH_POP3 = 1 << 1,
	AUTH_SMTP = 1 << 2,
	AUTH_JMAP = 1 << 3,
	/* Only the user's own password: */
	AUTH_WEB = 1 << 4,     /* where a second factor is asked for as well */
	AUTH_ACCOUNT = 1 << 5, /* where that cannot be */
	/* Also an app password again: */
	AUTH_SIEVE = 1 << 6,
};

/*
 * Checks user and password, which may be an app password (account/apps.h);
 * `user_r` gets the user, as account_find() gives it. A name without a domain
 * gets the first configured domain. For AUTH_WEB a user with has_factor is not
 * in yet: auth_passed() follows. On a failure user_r is zeroed and *delay_r
 * is how many milliseconds the answer should be held back (to be waited for
 * without a thread: NET_PAUSE). Logs nothing.
 */
enum auth_result auth_password(struct accounts *a, enum auth_scope scope,
    const char *peer, struct pst_str user, struct pst_str password,
    struct account_user *user_r, int64_t *delay_r);

/* What tells whether the user's own password is still the same. NOTFOUND: it is
 * good for nothing by itself, for want of a second factor; the mark is made all
 * the same. */
enum { AUTH_MARK = 17 };
enum pst_rc auth_mark(struct accounts *a, const char *user,
    char mark_r[AUTH_MARK], struct pst_error *err);

/* The brake alone, for what users show besides or instead of a password.
 * `user` is normalised; NULL: not known. True: blocked, with a delay. */
bool auth_is_blocked(
    struct accounts *a, const char *peer, const char *user, int64_t *delay_r);
/* Counts a failure; the delay. */
int64_t auth_failed(struct accounts *a, const char *peer, const char *user);
/* The user is in, from there. */
void auth_passed(struct accounts *a, const char *peer, const char *user);

/* SASL mechanisms as a protocol announces them, separated by spaces: -PLUS only
 * when `tls`. "SCRAM-SHA-256-PLUS SCRAM-SHA-256 PLAIN LOGIN" */
const char *sasl_mechanisms(bool tls);

struct sasl;

/* What a server session tells of itself. */
struct sasl_peer {
	const char *service; /* "imap", "smtp", "pop", "sieve" */
	const char *hostname;
	const char *peer; /* address, for the brake */
	bool tls;
	unsigned char exporter[32]; /* RFC 9266, when tls */
};

/* NULL: unknown mechanism. */
struct sasl *sasl_new(
    struct accounts *a, struct pst_str mechanism, const struct sasl_peer *peer);
void sasl_free(struct sasl **s);

enum sasl_next {
	SASL_MORE, /* send `out` as a challenge, come back with the answer */
	SASL_DONE, /* see sasl_result() */
};
/* One step. `in` is decoded from base64; has_in false: no initial response was
 * given yet (then the first challenge may be empty). `out` is not encoded. For
 * a success with data (SCRAM's v=) SASL_MORE sends it as a last challenge that
 * the client answers with nothing (RFC 4422, 3.6). */
enum sasl_next sasl_step(
    struct sasl *s, struct pst_str in, bool has_in, struct buf *out);
/* What the last SASL_MORE gave is the last challenge of those: a protocol that
 * can send it with its success does not wait, and steps on with nothing. */
bool sasl_is_last(const struct sasl *s);
/* `user_r` and `delay_r` as for auth_password(). */
enum auth_result sasl_result(
    struct sasl *s, struct account_user *user_r, int64_t *delay_r);

/* For the rest of the program: how many addresses and users are blocked now,
 * and to lift a block of either. False: it was not blocked. */
size_t auth_blocked(struct accounts *a);
bool auth_unblock(struct accounts *a, const char *peer_or_user);

#endif
