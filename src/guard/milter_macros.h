/*
 * guard/milter_macros.h - what is told beside the commands, by the names that
 * Sendmail gave it.
 *
 * Belongs to one thread at a time.
 */
#ifndef GUARD_MILTER_MACROS_H
#define GUARD_MILTER_MACROS_H

#include "guard/milter_packet.h"

enum { MILTER_MACROS_MAX = 32 };

/* The stages of macros, by the numbers of the protocol. */
enum milter_stage {
	MILTER_AT_CONNECT,
	MILTER_AT_HELO,
	MILTER_AT_MAIL,
	MILTER_AT_RCPT,
	MILTER_AT_DATA,
	MILTER_AT_END,
	MILTER_AT_END_OF_HEADER,
};

struct milter_macros {
	struct {
		const char *name; /* a constant: "i", "{mail_addr}" */
		char *value;
	} item[MILTER_MACROS_MAX];
	size_t n;
};

/* An empty value takes it out. */
void milter_macro_set(
    struct milter_macros *m, const char *name, struct pst_str value);
void milter_macros_fini(struct milter_macros *m);
/* The packet with those of `wanted` (names with spaces between; p == NULL: the
 * usual ones of the stage) that are set, before `command`. */
void milter_macros_put(const struct milter_macros *m, enum milter_stage stage,
    struct pst_str wanted, enum milter_command command, struct buf *out);

#endif
