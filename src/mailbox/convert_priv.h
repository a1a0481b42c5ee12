/*
 * mailbox/convert_priv.h - what the files of a conversion share.
 *
 * convert.c leads through the passes, convert_names.c brings names,
 * subscriptions and metadata, convert_box.c one mailbox, convert_copy.c
 * contents.
 */
#ifndef MAILBOX_CONVERT_PRIV_H
#define MAILBOX_CONVERT_PRIV_H

#include "mailbox/convert.h"
#include "mailbox/switch.h"

/* Texts with keys, as they were brought last. */
struct convert_meta {
	struct convert_text {
		char *key;
		struct pst_str value; /* on the heap */
	} * v;
	size_t n, cap;
	bool is_known; /* of the target */
};

/* One mailbox of the source, and what was brought of it. */
struct convert_box {
	char *name, *special_use;
	bool is_listed; /* in this pass */
	bool is_made;	/* in the target */
	struct convert_meta meta;
	struct mailbox *live; /* referenced while the account is held */
	/* Rows as the source told them when they were brought: with its numbers
	 * of keywords. */
	bool is_open_once; /* the target was looked at */
	struct rows brought;
	struct pst_box_state state; /* of the source then */
};

struct convert {
	struct mailstore *ms;
	const struct convert_how *how;
	struct convert_result *result;
	struct convert_progress progress;
	struct mail_account *acct;
	struct storage *from, *to;
	struct pst_acct *target;
	struct convert_box *box; /* in no order */
	size_t boxes, boxes_cap;
	struct convert_meta meta; /* of the account */
	char **subscription;	  /* as the target has them */
	size_t subscriptions, subscriptions_cap;
	bool names_known;
	/* What the last changes may be while the account is held. */
	bool is_held;
	unsigned times; /* of the least that it may be */
	uint64_t left_messages, left_bytes;
	uint64_t moved; /* messages that the present pass had to do with */
	struct copier *copier;
};

/* The key that marks a copy: mail that is not in use. Never brought along. */
#define CONVERT_MARK "postern/copy"

bool convert_stopped(const struct convert *c);
void convert_tell(struct convert *c);
/* LIMIT while the account is held when that is more than can be done in a
 * moment. */
enum pst_rc convert_budget(struct convert *c, uint64_t messages, uint64_t bytes,
    struct pst_error *err);

/* --- convert_names.c --- */
enum pst_rc convert_names(struct convert *c, struct pst_error *err);
/* `name` NULL: of the account. */
enum pst_rc convert_metadata(struct convert *c, const char *name,
    struct convert_meta *meta, struct pst_error *err);
void convert_meta_fini(struct convert_meta *m);
void convert_box_fini(struct convert_box *b);
/* Whether the target may be written over, and what is in it. */
enum pst_rc convert_check_target(struct convert *c, struct pst_error *err);
enum pst_rc convert_mark(const struct storage *st, struct pst_acct *acct,
    bool on, struct pst_error *err);

/* --- convert_box.c --- */
/* Brings one mailbox up to date. NOTFOUND: it is gone. */
enum pst_rc convert_mailbox(
    struct convert *c, struct convert_box *b, struct pst_error *err);

/* --- convert_copy.c --- */
enum { CONVERT_BATCH = 128, CONVERT_HASH = 32 };

struct convert_item {
	struct pst_row row; /* as the target is to have it */
	char ident[40];
	struct pst_stage *stage;
	unsigned char hash[CONVERT_HASH];
	bool must_read; /* an id does not say enough */
	enum pst_rc rc; /* NOTFOUND: it is gone from the source */
	struct pst_error err;
};

/* Some threads that handle contents. */
struct copier *copier_new(struct convert *c);
void copier_free(struct copier **c);
/* Reads `n` messages of the live mailbox into stages of the target. */
void copier_stage(
    struct copier *c, struct mailbox *mb, struct convert_item *items, size_t n);
/* Compares what the target has with the hashes: PERM when it is not the same.
 */
enum pst_rc copier_verify(struct copier *c, struct pst_box *box,
    struct convert_item *items, size_t n, struct pst_error *err);
/* Fills rc of each: OK: the target's message with this uid has the content of
 * the source's; CONFLICT: not so. */
void copier_compare(struct copier *c, struct mailbox *mb, struct pst_box *box,
    struct convert_item *items, size_t n);
/* The id that sessions are told of a message of the source; "" for none. */
enum pst_rc convert_ident(
    struct mailbox *mb, uint32_t uid, char id_r[40], struct pst_error *err);

#endif
