/*
 * postern/types.h - the words that the server and its modules share.
 *
 * Threads:   plain values; nothing here is shared behind the caller's back.
 * Growth:    enumerations only grow at their end.
 */
#ifndef POSTERN_TYPES_H
#define POSTERN_TYPES_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#if defined(__GNUC__)
#define PST_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define PST_MUST_CHECK __attribute__((warn_unused_result))
#define PST_EXPORT __attribute__((visibility("default")))
#else
#define PST_PRINTF(fmt, args)
#define PST_MUST_CHECK
#define PST_EXPORT
#endif

/* A borrowed run of octets. Never assumed to end in NUL. */
struct pst_str {
	const char *p;
	size_t n;
};

/* How an operation ended. Texts for clients are made from these alone. */
enum pst_rc {
	PST_OK = 0,
	PST_E_TEMP, /* may work later: disk full for others, database away */
	PST_E_PERM, /* never will, as asked */
	PST_E_NOTFOUND,	   /* no such mailbox, message, user */
	PST_E_EXISTS,	   /* the name is taken */
	PST_E_DENIED,	   /* not allowed to this user */
	PST_E_QUOTA,	   /* the user's own space is used up */
	PST_E_LIMIT,	   /* a configured or built-in limit */
	PST_E_SYNTAX,	   /* the input does not follow its grammar */
	PST_E_CONFLICT,	   /* changed meanwhile by somebody else */
	PST_E_STALE,	   /* history does not reach back that far */
	PST_E_READONLY,	   /* opened for reading only */
	PST_E_NOSPACE,	   /* no room on the disk */
	PST_E_UNSUPPORTED, /* an optional operation that is left out */
};

/*
 * What went wrong, for the operator. Lives on the caller's stack. `detail` may
 * name files and hosts: it goes to the log and never to a client.
 */
struct pst_error {
	enum pst_rc rc;
	int sys_errno; /* 0 when no system call failed */
	char detail[244];
};

/* Fills `err` (which may be NULL) and returns `rc`, for use in a return. */
static inline PST_PRINTF(4, 5) enum pst_rc pst_fail(
    struct pst_error *err, enum pst_rc rc, int sys_errno, const char *fmt, ...)
{
	if (err != NULL) {
		va_list ap;

		err->rc = rc;
		err->sys_errno = sys_errno;
		va_start(ap, fmt);
		(void)vsnprintf(err->detail, sizeof(err->detail), fmt, ap);
		va_end(ap);
	}
	return rc;
}

/* UIDs from `first` to `last`, both included; first <= last, first > 0. */
struct pst_range {
	uint32_t first, last;
};

/* A set of UIDs: ranges ascending, disjoint. Borrowed. */
struct pst_uids {
	const struct pst_range *r;
	size_t n;
};

/* System flags of a message (RFC 3501, 2.3.2). \Recent is not stored. */
enum pst_flag {
	PST_SEEN = 1 << 0,
	PST_ANSWERED = 1 << 1,
	PST_FLAGGED = 1 << 2,
	PST_DELETED = 1 << 3,
	PST_DRAFT = 1 << 4,
	PST_FLAGS_ALL = (1 << 5) - 1,
};

/*
 * Keywords are numbered within a mailbox, 0 to 63; a set of them is a mask.
 * The mailbox's table tells their names.
 */
#define PST_KEYWORDS_MAX 64

/* What a mailbox's list of messages says of one message. */
struct pst_row {
	uint32_t uid;
	uint32_t flags;	       /* enum pst_flag, or-ed */
	uint64_t keywords;     /* bit n: keyword number n */
	uint64_t modseq;       /* of its last change (RFC 7162) */
	int64_t internal_date; /* seconds since 1970, UTC */
	int64_t save_date;     /* when it came into this mailbox; 0: unknown */
	uint64_t size;	       /* octets with CRLF line ends: RFC822.SIZE */
};

/* The state of a mailbox as a whole. */
struct pst_box_state {
	uint32_t uidvalidity;
	uint32_t uidnext;
	uint64_t highestmodseq;
	char objectid[40]; /* stable over renames; NUL-terminated */
};

/*
 * The content of one message: either `mem`, or `length` octets at `offset` of
 * `fd`. Line ends are CRLF. It stays readable until released, even when the
 * message is expunged meanwhile. The one who asked for it calls release once.
 */
struct pst_body {
	int fd; /* -1 when mem is set */
	const char *mem;
	uint64_t offset;
	uint64_t length;
	void *priv; /* the module's own */
	void (*release)(struct pst_body *body);
};

#endif
