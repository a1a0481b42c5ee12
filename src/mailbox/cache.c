/*
 * mailbox/cache.c - what was worked out from messages once, kept by the storage
 * module where it can.
 */
#include "mailbox/priv.h"

#include "base/log.h"

void
view_cache_get(struct mailbox_view *v, enum mail_cache kind,
    const uint32_t *uids, size_t n, pst_cached_fn fn, void *arg)
{
	struct mailbox *mb = v->mb;
	const struct pst_store_ops *ops;
	struct pst_error err;
	enum pst_rc rc = PST_OK;

	if (n == 0)
		return;
	pthread_rwlock_rdlock(&mb->box_lock);
	ops = mb->acct->st->ops;
	if (mb->box != NULL && ops->cache_get != NULL)
		rc = ops->cache_get(mb->box, kind, uids, n, fn, arg, &err);
	pthread_rwlock_unlock(&mb->box_lock);
	if (rc != PST_OK)
		log_failure(PST_LOG_WARNING, 0, "cache", &err);
}

void
view_cache_put(struct mailbox_view *v, enum mail_cache kind,
    const struct pst_cached *values, size_t n)
{
	struct mailbox *mb = v->mb;
	const struct pst_store_ops *ops;
	struct pst_error err;
	enum pst_rc rc = PST_OK;

	if (n == 0)
		return;
	pthread_rwlock_rdlock(&mb->box_lock);
	ops = mb->acct->st->ops;
	if (mb->box != NULL && ops->cache_put != NULL)
		rc = ops->cache_put(mb->box, kind, values, n, &err);
	pthread_rwlock_unlock(&mb->box_lock);
	if (rc != PST_OK)
		log_failure(PST_LOG_WARNING, 0, "cache", &err);
}

bool
view_has_cache(const struct mailbox_view *v)
{
	return v->mb->acct->st->ops->cache_get != NULL;
}
