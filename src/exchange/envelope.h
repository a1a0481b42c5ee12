/*
 * exchange/envelope.h - the envelope of a queued message, what became of its
 * recipients, and both as octets in the journal.
 *
 * Pure. A struct belongs to one thread at a time.
 */
#ifndef EXCHANGE_ENVELOPE_H
#define EXCHANGE_ENVELOPE_H

#include "base/mem.h"

/* When the sender wants to hear of a recipient (RFC 3461, 4.1). */
enum envelope_notify {
	NOTIFY_NEVER = 1 << 0,
	NOTIFY_SUCCESS = 1 << 1,
	NOTIFY_FAILURE = 1 << 2,
	NOTIFY_DELAY = 1 << 3,
	NOTIFY_DEFAULT = NOTIFY_FAILURE | NOTIFY_DELAY,
};

enum envelope_state {
	RECIPIENT_WAITS,
	RECIPIENT_DELIVERED, /* the next server has it and tells of DSN */
	RECIPIENT_RELAYED,   /* the next server has it and cannot */
	RECIPIENT_FAILED,
	RECIPIENT_DELETED, /* by the administrator, without a word */
};

struct envelope_recipient {
	struct pst_str address;
	struct pst_str orcpt; /* as it came, xtext and all; may be empty */
	unsigned notify;      /* enum envelope_notify */
	enum envelope_state state;
	bool told_delay;       /* the sender has heard that it takes long */
	int64_t at;	       /* seconds since 1970: the last try; 0: none */
	struct pst_str remote; /* who said so, "mx.example.org [192.0.2.1]" */
	struct pst_str answer; /* "450 4.2.0 Try later", or our own words */
};

enum envelope_body { BODY_7BIT, BODY_8BITMIME, BODY_BINARYMIME };
enum envelope_ret { RET_DEFAULT, RET_FULL, RET_HDRS };

/* All texts are borrowed, or live in the arena of envelope_decode(). */
struct envelope {
	struct pst_str sender; /* reverse-path; empty: none */
	struct pst_str envid;  /* xtext, may be empty */
	struct pst_str author; /* the user who handed it in, or empty */
	struct pst_str origin; /* from where, for `queue show`: an address */
	enum envelope_ret ret;
	enum envelope_body body;
	bool smtputf8;
	/* RFC 8689: REQUIRETLS; "TLS-Required: No". */
	bool require_tls, tls_optional;
	/* Nothing shows that it is from its sender, who then hears nothing. */
	bool unproven;
	/* Its jobs are held from the start, and of the progress why; or
	 * they were, and how that came to an end. */
	bool held;
	struct pst_str reason;
	int64_t arrived; /* seconds since 1970 */
	uint64_t size;	 /* octets of the content; 0: not known */
	struct envelope_recipient *recipient;
	size_t recipients;
};

/* A notification goes without when it has to (RFC 8689, 5). */
static inline bool
envelope_needs_tls(const struct envelope *e)
{
	return e->require_tls && e->sender.n > 0;
}

/* The domain of an address, as it is written. */
struct pst_str envelope_domain(struct pst_str address);
/* Puts the recipients in order of their domains, without case. */
void envelope_sort(struct envelope *e);

/* What never changes: everything but state, told_delay, at, remote, answer. */
bool envelope_encode(const struct envelope *e, struct buf *out);
/* Into the arena. False: not what envelope_encode() writes. */
bool envelope_decode(
    struct pst_str in, struct arena *arena, struct envelope *e_r);

/* What changes, for recipients `first` to `first + n - 1`. */
struct envelope_progress {
	uint32_t first, n;
	uint32_t tries;
	int64_t due;	       /* seconds since 1970: the next try */
	bool held;	       /* by the administrator or the brake: no tries */
	struct pst_str reason; /* why it is held, or empty */
};
bool envelope_progress_encode(const struct envelope *e,
    const struct envelope_progress *p, struct buf *out);
/* Only the numbers; nothing is allocated, `reason` is within `in`. */
bool envelope_progress_peek(struct pst_str in, struct envelope_progress *p_r);
/* Also fills the recipients of `e`. Texts go into the arena. */
bool envelope_progress_decode(struct pst_str in, struct arena *arena,
    struct envelope *e, struct envelope_progress *p_r);

#endif
