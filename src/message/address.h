/*
 * message/address.h - address lists of header fields (RFC 5322, 3.4, with the
 * obsolete syntax, RFC 6532 UTF-8 and groups) and the addresses of SMTP paths.
 *
 * Pure. Results live in the arena; slices point into the input or the arena.
 */
#ifndef MESSAGE_ADDRESS_H
#define MESSAGE_ADDRESS_H

#include "base/mem.h"

/*
 * One address, or the start or end of a group, as IMAP's ENVELOPE has it: a
 * group starts with only a mailbox, its name, and ends with everything absent
 * (p NULL). Every start has its end, even beyond the maximum.
 */
enum msg_address_kind {
	MSG_ADDRESS,
	MSG_GROUP_START, /* mailbox holds the group's name */
	MSG_GROUP_END,
};

struct msg_address {
	enum msg_address_kind kind;
	struct pst_str name;	/* display name unquoted, encoded words kept;
				   p NULL: none (then a comment is taken) */
	struct pst_str route;	/* obsolete source route, or p NULL */
	struct pst_str mailbox; /* local part, unquoted */
	struct pst_str host;	/* domain or [literal], p NULL: missing */
	struct msg_address *next;
};

/* Reads a whole field value; what makes no sense becomes an address with only
 * a mailbox, or is skipped. NULL for an empty list. At most `max` addresses. */
struct msg_address *msg_addresses(
    struct arena *a, struct pst_str value, size_t max);

/* Writes local@domain, quoting the local part where it must be; line ends and
 * NUL never get out. False: `out` is full. */
bool msg_address_print(const struct msg_address *ad, struct buf *out);

/*
 * An SMTP Mailbox (RFC 5321, 4.1.2; RFC 6531 when `utf8`) without brackets.
 * False: not valid. `local` is unquoted, at most 128 octets; the domain is as
 * written, at most 255, no trailing dot.
 */
bool msg_smtp_mailbox(struct arena *a, struct pst_str text, bool utf8,
    struct pst_str *local_r, struct pst_str *domain_r);

#endif
