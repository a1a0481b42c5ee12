/*
 * mailbox/fulltext_priv.h - what fulltext.c and its helpers share.
 */
#ifndef MAILBOX_FULLTEXT_PRIV_H
#define MAILBOX_FULLTEXT_PRIV_H

#include "mailbox/fulltext.h"
#include "mailbox/priv.h"
#include "message/text.h"

/* --- text.c: the text of messages ----------------------------------------- */

/* Texts of some messages, one behind the other. */
struct mail_texts {
	struct buf header, body;
	struct mail_text_entry {
		uint32_t uid;
		bool is_partial;
		size_t header_at, header_n, body_at, body_n;
	} * entry;
	size_t n, cap;
};

void mail_texts_init(struct mail_texts *t);
void mail_texts_fini(struct mail_texts *t);
void mail_texts_clear(struct mail_texts *t);
size_t mail_texts_size(const struct mail_texts *t); /* octets */
/*
 * Adds the text of one message, at most `max` octets of it. One that cannot be
 * read is added without any, as partial.
 */
void mail_texts_add(struct mail_texts *t, struct msg_text *work, uint32_t uid,
    const struct pst_body *body, const struct msg_limits *limits, size_t max);
/* For text_put(); points into `t`. The caller frees. */
struct pst_text *mail_texts_peek(const struct mail_texts *t);

/* --- fulltext_fill.c: indexing one mailbox ---------------------------------
 */

/* mailbox_hold_box() where the storage has a full-text index, else NOTFOUND. */
enum pst_rc fulltext_hold_box(struct mailbox *mb, struct pst_error *err);
/* Whether the mailbox has anything of an index. */
bool fulltext_exists(struct mailbox *mb, uint64_t version);
/*
 * Indexes what is missing, then tidies up. `stop(arg)` is asked between any
 * two messages. *more_r: there is more of it, but others should have a turn.
 */
enum pst_rc fulltext_fill(struct mailbox *mb, const struct config *cfg,
    bool (*stop)(void *arg), void *arg, bool *more_r, struct pst_error *err);
enum pst_rc fulltext_drop(struct mailbox *mb, struct pst_error *err);
/* What texts depend on, as one number for the storage module. */
uint64_t fulltext_version(const struct config *cfg);

#endif
