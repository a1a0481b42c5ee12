/*
 * exchange/login.h - authentication at another server (RFC 4954), by libgsasl:
 * SCRAM-SHA-256 (RFC 7677) with and without channel binding (RFC 9266), PLAIN
 * (RFC 4616), LOGIN.
 *
 * Threads: as of the client. Blocks.
 */
#ifndef EXCHANGE_LOGIN_H
#define EXCHANGE_LOGIN_H

#include "exchange/client.h"

struct login {
	const char *username, *password;
	/* Which mechanisms, the one that is tried first in front. */
	const char *const *mechanisms;
	size_t mechanism_count;
	/* Nobody can listen: plain text is allowed without TLS. */
	bool is_loopback;
	const char *used; /* the mechanism that was tried last; set here */
};

/*
 * After client_greet(). REFUSED: the reply says why. LACKS: there is no TLS, or
 * no mechanism that both sides know; UNTRUSTED: the server does not know the
 * password itself. `err` tells of all but REFUSED; neither it nor anything else
 * ever has the password.
 */
enum client_result login_run(
    struct client *c, struct login *l, struct pst_error *err);

/*
 * The password in a file: its first line. DENIED: others than the owner and the
 * group may read the file. The caller frees it with login_forget().
 */
enum pst_rc login_read_password(
    const char *path, char **password_r, struct pst_error *err);
void login_forget(char **password);

#endif
