/*
 * mailbox/replace.c - a message takes the place of another (REPLACE, RFC 8508).
 *
 * The new one is on the disk before the old one goes: whatever happens between,
 * nothing is lost.
 */
#include "mailbox/priv.h"

static bool
old_size(struct mailbox *mb, uint32_t uid, uint64_t *size_r)
{
	const struct pst_row *row;

	pthread_mutex_lock(&mb->lock);
	row = mailbox_row(mb, uid);
	if (row != NULL)
		*size_r = row->size;
	pthread_mutex_unlock(&mb->lock);
	return row != NULL;
}

/* The old message could not be removed: the new one must not stay. */
static void
take_back(struct mail_account *acct, const char *mailbox, uint32_t uid)
{
	const struct pst_range one = { uid, uid };
	struct pst_error err;
	struct mailbox *mb;

	if (mailbox_get(acct, mailbox, MAILBOX_OPEN, &mb, &err) != PST_OK)
		return;
	(void)mailbox_remove(mb, (struct pst_uids){ &one, 1 }, false, &err);
	mailbox_put(&mb);
}

enum pst_rc
view_replace(struct mailbox_view *v, uint32_t uid, const struct mail_place *to,
    const struct mail_append *append, struct mail_appended *result_r,
    struct pst_error *err)
{
	const struct pst_range one = { uid, uid };
	bool same = to->account == v->mb->acct;
	uint64_t freed = 0;
	enum pst_rc rc = check_removable(v, err);

	if (rc != PST_OK)
		return rc;
	if (!old_size(v->mb, uid, &freed))
		return pst_fail(err, PST_E_CONFLICT, 0, "expunged meanwhile");
	rc = mail_append_instead(
	    to, append, same ? 1 : 0, same ? freed : 0, result_r, err);
	if (rc != PST_OK)
		return rc;
	rc = mailbox_remove(v->mb, (struct pst_uids){ &one, 1 }, true, err);
	if (rc != PST_OK)
		take_back(to->account, to->name, result_r->uid);
	return rc;
}
