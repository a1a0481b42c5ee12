/*
 * mailbox/fulltext_fill.c - brings the full-text index of one mailbox up to
 * date, some messages at a time. No lock is held but the one that keeps the box
 * open, and that only during each call of the module.
 */
#include "base/log.h"
#include "base/str.h"
#include "mailbox/fulltext_priv.h"
#include <stdlib.h>
#include <unistring/version.h>

enum { BATCHES = 8 }; /* of one mailbox, before others get a turn */

/* Between storages of the same texts nothing differs but these. */
uint64_t
fulltext_version(const struct config *cfg)
{
	const uint64_t facts[] = { MSG_TEXT_VERSION,
		(uint64_t)_libunistring_version,
		(uint64_t)cfg->limits.header_size,
		(uint64_t)cfg->limits.mime_depth,
		(uint64_t)cfg->limits.mime_parts,
		(uint64_t)cfg->search.message_text };
	uint64_t h = UINT64_C(1469598103934665603);

	for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++)
		for (unsigned shift = 0; shift < 64; shift += 8)
			h = (h ^ (facts[i] >> shift & 0xff)) *
			    UINT64_C(1099511628211);
	return h;
}

/* --- calls of the module ---------------------------------------------------
 */

bool
fulltext_exists(struct mailbox *mb, uint64_t version)
{
	struct pst_text_state state = { 0 };
	struct pst_error err;
	bool exists;

	if (fulltext_hold_box(mb, &err) != PST_OK)
		return false;
	exists = mb->acct->st->ops->text_state(
		     mb->box, version, &state, &err) == PST_OK &&
		 state.bytes > 0;
	pthread_rwlock_unlock(&mb->box_lock);
	return exists;
}

enum pst_rc
fulltext_drop(struct mailbox *mb, struct pst_error *err)
{
	enum pst_rc rc = fulltext_hold_box(mb, err);

	if (rc != PST_OK)
		return rc;
	rc = mb->acct->st->ops->text_drop(mb->box, err);
	pthread_rwlock_unlock(&mb->box_lock);
	return rc;
}

static void
note_known(void *arg, uint32_t uid, enum pst_text_answer answer)
{
	(void)answer;
	uidset_add(arg, uid, uid);
}

/* Which messages the index has. Remembered until a search has doubts. */
static enum pst_rc
find_known(struct mailbox *mb, uint64_t version, struct pst_error *err)
{
	enum pst_rc rc;

	if (!atomic_exchange(&mb->text_doubt, false))
		return PST_OK;
	uidset_clear(&mb->text_known);
	rc = fulltext_hold_box(mb, err);
	if (rc == PST_OK) {
		rc = mb->acct->st->ops->text_search(mb->box, version, STR_NONE,
		    true, note_known, &mb->text_known, err);
		pthread_rwlock_unlock(&mb->box_lock);
	}
	if (rc != PST_OK)
		atomic_store(&mb->text_doubt, true);
	return rc;
}

static enum pst_rc
put(struct mailbox *mb, uint64_t version, const struct mail_texts *texts,
    struct pst_error *err)
{
	struct pst_text *all = mail_texts_peek(texts);
	enum pst_rc rc = fulltext_hold_box(mb, err);

	if (rc == PST_OK) {
		rc = mb->acct->st->ops->text_put(
		    mb->box, version, all, texts->n, err);
		pthread_rwlock_unlock(&mb->box_lock);
	}
	free(all);
	return rc;
}

static enum pst_rc
tidy(struct mailbox *mb, uint64_t version, const struct uid_array *uids,
    size_t n, struct pst_error *err)
{
	struct uidset present = { 0 };
	enum pst_rc rc;

	for (size_t i = 0; i < n; i++)
		uidset_add(&present, uids->uid[i], uids->uid[i]);
	rc = fulltext_hold_box(mb, err);
	if (rc == PST_OK) {
		rc = mb->acct->st->ops->text_tidy(
		    mb->box, version, uidset_peek(&present), err);
		pthread_rwlock_unlock(&mb->box_lock);
	}
	uidset_fini(&present);
	return rc;
}

/* --- filling ----------------------------------------------------------------
 */

struct filling {
	struct mailbox *mb;
	const struct config *cfg;
	uint64_t version;
	struct msg_limits limits;
	struct msg_text work;
	struct mail_texts texts;
	bool (*stop)(void *arg);
	void *arg;
	struct uid_array *uids;
	size_t n, at; /* of uids; those before `at` were looked at */
};

/* The messages as they are now. */
static void
take_uids(struct filling *f)
{
	struct mailbox *mb = f->mb;

	uid_array_drop(&f->uids);
	pthread_mutex_lock(&mb->lock);
	f->uids = uid_array_ref(mb->uids);
	f->n = f->uids != NULL ? mb->n : 0;
	pthread_mutex_unlock(&mb->lock);
}

static void
add_message(struct filling *f, uint32_t uid)
{
	struct pst_body body;
	struct pst_error err;
	enum pst_rc rc = mailbox_body(f->mb, uid, &body, &err);

	if (rc == PST_E_NOTFOUND) /* gone meanwhile */
		return;
	mail_texts_add(&f->texts, &f->work, uid, rc == PST_OK ? &body : NULL,
	    &f->limits, (size_t)f->cfg->search.message_text);
	if (rc == PST_OK)
		body.release(&body);
}

/* Gathers as many messages as go together. False: it is to stop. */
static bool
gather(struct filling *f)
{
	mail_texts_clear(&f->texts);
	while (f->at < f->n &&
	       mail_texts_size(&f->texts) < (size_t)f->cfg->search.batch) {
		uint32_t uid = f->uids->uid[f->at];

		if (f->stop(f->arg) || atomic_load(&f->mb->dead))
			return false;
		f->at++;
		if (!uidset_has(&f->mb->text_known, uid))
			add_message(f, uid);
	}
	return true;
}

/* A batch. *done_r: there was nothing left, or it is to stop. */
static enum pst_rc
fill_some(struct filling *f, bool *done_r, struct pst_error *err)
{
	enum pst_rc rc;

	*done_r = !gather(f) || f->texts.n == 0;
	if (*done_r)
		return PST_OK;
	rc = put(f->mb, f->version, &f->texts, err);
	for (size_t i = 0; i < f->texts.n && rc == PST_OK; i++)
		uidset_add(&f->mb->text_known, f->texts.entry[i].uid,
		    f->texts.entry[i].uid);
	return rc;
}

static enum pst_rc
fill(struct filling *f, bool *more_r, struct pst_error *err)
{
	enum pst_rc rc = PST_OK;
	bool done = false;

	for (unsigned i = 0; i < BATCHES && rc == PST_OK && !done; i++)
		rc = fill_some(f, &done, err);
	*more_r = rc == PST_OK && !done;
	return rc == PST_OK && !f->stop(f->arg)
		   ? tidy(f->mb, f->version, f->uids, f->n, err)
		   : rc;
}

enum pst_rc
fulltext_fill(struct mailbox *mb, const struct config *cfg,
    bool (*stop)(void *arg), void *arg, bool *more_r, struct pst_error *err)
{
	struct filling f = { .mb = mb,
		.cfg = cfg,
		.version = fulltext_version(cfg),
		.limits = { .header_size = (size_t)cfg->limits.header_size,
		    .depth = (unsigned)cfg->limits.mime_depth,
		    .parts = (unsigned)cfg->limits.mime_parts },
		.stop = stop,
		.arg = arg };
	enum pst_rc rc;

	if (f.version != mb->text_version)
		atomic_store(&mb->text_doubt, true);
	mb->text_version = f.version;
	*more_r = false;
	rc = find_known(mb, f.version, err);
	if (rc != PST_OK)
		return rc;
	msg_text_init(&f.work);
	mail_texts_init(&f.texts);
	take_uids(&f);
	rc = fill(&f, more_r, err);
	uid_array_drop(&f.uids);
	mail_texts_fini(&f.texts);
	msg_text_fini(&f.work);
	return rc;
}
