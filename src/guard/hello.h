/*
 * guard/hello.h - what can be said of a HELO name without asking anybody (RFC
 * 5321, 2.3.5 and 4.1.3). Pure.
 */
#ifndef GUARD_HELLO_H
#define GUARD_HELLO_H

#include "base/config.h"

enum guard_hello {
	GUARD_HELLO_NAME,    /* a full domain name */
	GUARD_HELLO_ADDRESS, /* an address literal */
	GUARD_HELLO_BAD,     /* neither */
};

/* `peer` is the client's address: a literal of another one is bad. */
enum guard_hello guard_hello_kind(struct pst_str name, const char *peer);
/* It is this server's name, one of its domains, or the literal of its address
 * `local`. */
bool guard_hello_is_ours(
    const struct config *cfg, struct pst_str name, const char *local);

#endif
