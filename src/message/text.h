/*
 * message/text.h - the text of a message as it is searched: header fields
 * unfolded and with encoded words decoded; bodies of text parts decoded,
 * converted to UTF-8 and, when they are HTML, without tags; all of it without
 * case (msg_casefold()).
 *
 * Bodies are read, decoded and handed on in pieces, so that a large one needs
 * no more memory than a small one.
 *
 * Threads: a struct msg_text belongs to one thread at a time.
 */
#ifndef MESSAGE_TEXT_H
#define MESSAGE_TEXT_H

#include "message/message.h"

/*
 * Raised whenever the functions here give another text for the same message:
 * what was made of the old one, as a full-text index, is made again.
 */
enum { MSG_TEXT_VERSION = 1 };

/* Where a message is read from: `n` octets at `offset`. False: it cannot be. */
struct msg_text_source {
	bool (*read)(void *arg, uint64_t offset, void *p, size_t n);
	void *arg;
};

struct msg_text {
	struct buf piece, plain;
	struct buf folded; /* what was made */
	struct arena *scratch;
};

void msg_text_init(struct msg_text *t);
void msg_text_fini(struct msg_text *t);

/* One field, or a part of one: makes t->folded. */
void msg_text_field(struct msg_text *t, struct pst_str field);

/*
 * The body of a text part. `take` is called whenever more was added to
 * t->folded, and takes away from its front what it has no more use for; false
 * ends it. Always called with whole characters. False: it could not be read,
 * or `take` has ended it.
 */
bool msg_text_body(struct msg_text *t, const struct msg_part *part,
    const struct msg_text_source *source, bool (*take)(void *arg), void *arg);

/* The part behind `part` in the order of the message, NULL in the end. */
const struct msg_part *msg_text_next(const struct msg_part *part);
/* It is a body that is searched. */
bool msg_text_is_body(const struct msg_part *part);
/* Its header is that of a message in the message, which is part of the text of
 * the outer one (RFC 3501, 6.4.4: BODY). */
bool msg_text_is_inner(const struct msg_part *part);

#endif
