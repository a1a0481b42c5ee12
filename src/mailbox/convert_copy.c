/*
 * mailbox/convert_copy.c - contents on their way from one storage to another,
 * several at a time: what takes long is waiting for the disk or the database.
 */
#include "mailbox/convert_priv.h"

#include "base/str.h"
#include "mailbox/mailbox.h"
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <stdlib.h>

enum { COPIERS = 8, PIECE = 65536 };

typedef enum pst_rc (*copier_fn)(
    struct copier *c, struct convert_item *item, char *piece);

struct copier {
	struct convert *convert;
	pthread_t thread[COPIERS];
	size_t threads;

	pthread_mutex_t lock; /* guards all below */
	pthread_cond_t moved;
	/* What is to be done: to items from `next` on; `busy` are at work. */
	copier_fn fn;
	struct mailbox *mb;
	struct pst_box *box;
	struct convert_item *item;
	size_t n, next, busy;
	bool quit;
};

/* --- the threads ------------------------------------------------------------
 */

/* Takes items until there are none left. The lock is held. */
static void
work(struct copier *c, char *piece)
{
	c->busy++;
	while (c->next < c->n) {
		struct convert_item *item = &c->item[c->next++];

		pthread_mutex_unlock(&c->lock);
		item->err = (struct pst_error){ 0 };
		item->rc = convert_stopped(c->convert)
			       ? pst_fail(&item->err, PST_E_TEMP, 0, "stopped")
			       : c->fn(c, item, piece);
		pthread_mutex_lock(&c->lock);
	}
	if (--c->busy == 0)
		pthread_cond_broadcast(&c->moved);
}

static void *
thread_main(void *arg)
{
	struct copier *c = arg;
	char *piece = mem_alloc(PIECE);

	pthread_mutex_lock(&c->lock);
	while (!c->quit) {
		if (c->next < c->n)
			work(c, piece);
		else
			pthread_cond_wait(&c->moved, &c->lock);
	}
	pthread_mutex_unlock(&c->lock);
	free(piece);
	return NULL;
}

struct copier *
copier_new(struct convert *convert)
{
	struct copier *c = mem_alloc(sizeof(*c));

	c->convert = convert;
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->moved, NULL);
	while (c->threads < COPIERS && pthread_create(&c->thread[c->threads],
					   NULL, thread_main, c) == 0)
		c->threads++;
	return c;
}

void
copier_free(struct copier **cp)
{
	struct copier *c = *cp;

	if (c == NULL)
		return;
	*cp = NULL;
	pthread_mutex_lock(&c->lock);
	c->quit = true;
	pthread_cond_broadcast(&c->moved);
	pthread_mutex_unlock(&c->lock);
	for (size_t i = 0; i < c->threads; i++)
		(void)pthread_join(c->thread[i], NULL);
	pthread_mutex_destroy(&c->lock);
	pthread_cond_destroy(&c->moved);
	free(c);
}

/* Runs `fn` for all items, and waits for it. */
static void
run(struct copier *c, copier_fn fn, struct mailbox *mb, struct pst_box *box,
    struct convert_item *items, size_t n)
{
	char *piece = mem_alloc(PIECE);

	pthread_mutex_lock(&c->lock);
	c->fn = fn;
	c->mb = mb;
	c->box = box;
	c->item = items;
	c->next = 0;
	c->n = n;
	pthread_cond_broadcast(&c->moved);
	work(c, piece); /* this one helps, too */
	while (c->busy > 0)
		pthread_cond_wait(&c->moved, &c->lock);
	c->n = c->next = 0;
	pthread_mutex_unlock(&c->lock);
	free(piece);
}

/* --- contents ---------------------------------------------------------------
 */

/* Hashes a content and writes it to a stage, if there is one. */
static enum pst_rc
pour(const struct convert *c, const struct pst_body *body,
    struct pst_stage *stage, unsigned char hash_r[CONVERT_HASH], char *piece,
    struct pst_error *err)
{
	gnutls_hash_hd_t hash;
	enum pst_rc rc = PST_OK;

	if (gnutls_hash_init(&hash, GNUTLS_DIG_SHA256) < 0)
		return pst_fail(err, PST_E_TEMP, 0, "SHA-256 is not there");
	for (uint64_t at = 0; rc == PST_OK && at < body->length;) {
		size_t n = body->length - at < PIECE
			       ? (size_t)(body->length - at)
			       : PIECE;

		rc = mail_body_read(body, at, piece, n, err);
		if (rc == PST_OK)
			(void)gnutls_hash(hash, piece, n);
		if (rc == PST_OK && stage != NULL)
			rc = c->to->ops->stage_write(stage, piece, n, err);
		at += n;
	}
	gnutls_hash_deinit(hash, hash_r);
	return rc;
}

enum pst_rc
convert_ident(
    struct mailbox *mb, uint32_t uid, char id_r[40], struct pst_error *err)
{
	const struct pst_store_ops *ops;
	enum pst_rc rc = mailbox_hold_box(mb, err);
	struct pst_box_state state;

	id_r[0] = '\0';
	if (rc != PST_OK)
		return rc;
	ops = mb->acct->st->ops;
	if (ops->ident != NULL)
		rc = ops->ident(mb->box, uid, id_r, err);
	pthread_rwlock_unlock(&mb->box_lock);
	if (ops->ident != NULL)
		return rc;
	/* As view_ident() makes it, if that is short enough to be kept. */
	pthread_mutex_lock(&mb->lock);
	state = mb->state;
	pthread_mutex_unlock(&mb->lock);
	if (snprintf(id_r, 40, "M%s-%lu", state.objectid, (unsigned long)uid) >=
	    40)
		id_r[0] = '\0';
	return PST_OK;
}

static enum pst_rc
stage_one(struct copier *c, struct convert_item *item, char *piece)
{
	const struct convert *cv = c->convert;
	const struct pst_store_ops *to = cv->to->ops;
	struct pst_error *err = &item->err;
	struct pst_body body;
	enum pst_rc rc = convert_ident(c->mb, item->row.uid, item->ident, err);

	if (rc == PST_OK)
		rc = mailbox_body(c->mb, item->row.uid, &body, err);
	if (rc != PST_OK)
		return rc;
	rc = to->stage_new(cv->to->store, body.length, &item->stage, err);
	if (rc != PST_OK) {
		item->stage = NULL;
	} else {
		rc = pour(cv, &body, item->stage, item->hash, piece, err);
		if (rc == PST_OK)
			rc = to->stage_sync(item->stage, err);
		item->row.size = body.length;
	}
	body.release(&body);
	/* A target that is full is no message that is gone. */
	return rc == PST_E_NOTFOUND ? PST_E_TEMP : rc;
}

void
copier_stage(
    struct copier *c, struct mailbox *mb, struct convert_item *items, size_t n)
{
	run(c, stage_one, mb, NULL, items, n);
}

/* --- comparing --------------------------------------------------------------
 */

static enum pst_rc
hash_target(struct copier *c, const struct convert_item *item, char *piece,
    unsigned char hash_r[CONVERT_HASH], struct pst_error *err)
{
	const struct convert *cv = c->convert;
	struct pst_body body;
	enum pst_rc rc = cv->to->ops->body(c->box, item->row.uid, &body, err);

	if (rc != PST_OK)
		return rc;
	rc = pour(cv, &body, NULL, hash_r, piece, err);
	body.release(&body);
	return rc;
}

static enum pst_rc
verify_one(struct copier *c, struct convert_item *item, char *piece)
{
	unsigned char hash[CONVERT_HASH];
	enum pst_rc rc = hash_target(c, item, piece, hash, &item->err);

	if (rc == PST_OK && memcmp(hash, item->hash, sizeof(hash)) != 0)
		rc = pst_fail(&item->err, PST_E_PERM, 0,
		    "the copy differs from the message");
	return rc;
}

enum pst_rc
copier_verify(struct copier *c, struct pst_box *box, struct convert_item *items,
    size_t n, struct pst_error *err)
{
	run(c, verify_one, NULL, box, items, n);
	for (size_t i = 0; i < n; i++)
		if (items[i].rc != PST_OK)
			return pst_fail(err, items[i].rc, 0,
			    "verification of uid %lu in storage \"%s\": %.120s",
			    (unsigned long)items[i].row.uid,
			    c->convert->to->cfg->name, items[i].err.detail);
	c->convert->result->verified += n;
	return PST_OK;
}

/* The same id of the content says enough, unless more is asked for. */
static enum pst_rc
compare_one(struct copier *c, struct convert_item *item, char *piece)
{
	const struct convert *cv = c->convert;
	const struct pst_store_ops *to = cv->to->ops;
	unsigned char hash[CONVERT_HASH];
	struct pst_error *err = &item->err;
	char id[40] = "";
	struct pst_body body;
	enum pst_rc rc = convert_ident(c->mb, item->row.uid, item->ident, err);

	if (rc == PST_E_NOTFOUND) /* gone from the source meanwhile */
		return PST_OK;
	if (rc == PST_OK && to->ident != NULL)
		rc = to->ident(c->box, item->row.uid, id, err);
	if (rc != PST_OK)
		return rc;
	if (cv->how->verify != CONVERT_VERIFY_FULL && !item->must_read &&
	    item->ident[0] != '\0' && strcmp(id, item->ident) == 0)
		return PST_OK;
	rc = mailbox_body(c->mb, item->row.uid, &body, err);
	if (rc == PST_E_NOTFOUND)
		return PST_OK;
	if (rc != PST_OK)
		return rc;
	rc = pour(cv, &body, NULL, item->hash, piece, err);
	body.release(&body);
	if (rc == PST_OK)
		rc = hash_target(c, item, piece, hash, err);
	if (rc == PST_OK && memcmp(hash, item->hash, sizeof(hash)) != 0)
		rc = PST_E_CONFLICT;
	return rc == PST_E_NOTFOUND ? PST_E_CONFLICT : rc;
}

void
copier_compare(struct copier *c, struct mailbox *mb, struct pst_box *box,
    struct convert_item *items, size_t n)
{
	run(c, compare_one, mb, box, items, n);
}
