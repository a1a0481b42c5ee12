/*
 * admin/sieve.h - posternctl sieve: what its files share.
 */
#ifndef ADMIN_SIEVE_H
#define ADMIN_SIEVE_H

#include "admin/ctl.h"
#include "sieve/sieve.h"

enum {
	CTL_SCRIPT_MAX = 1 << 20,   /* octets of a script */
	CTL_MESSAGE_MAX = 64 << 20, /* of a message */
};

/* A file, or the standard input for "-", as much as `out` may have. Says what
 * is wrong; the exit status. */
int ctl_sieve_read(const char *path, struct buf *out);

int ctl_sieve_check(struct ctl *c, char **args, int n);
int ctl_sieve_test(struct ctl *c, char **args, int n);

#endif
